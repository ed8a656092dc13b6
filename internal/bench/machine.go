package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// ticks are what the kernel counted of the processors' time since it began.
type ticks struct{ stolen, all int64 }

// processors reads how much of their time the host of this machine has kept for others; nothing where the kernel does
// not tell. A machine that is given three quarters of its processors is slower than another, and not by our doing.
func processors() (t ticks) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return t
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	fields := bytes.Fields(line) // cpu user nice system idle iowait irq softirq steal …
	for i, f := range fields {
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil || i > 8 {
			continue
		}
		t.all += n
		if i == 8 {
			t.stolen = n
		}
	}
	return t
}

// kept says how much was kept for others since t, "" for nothing.
func (t ticks) kept(now ticks) string {
	if now.all <= t.all || now.stolen == t.stolen {
		return ""
	}
	return fmt.Sprintf("host kept %.0f %%", 100*float64(now.stolen-t.stolen)/float64(now.all-t.all))
}

// disk is somebody beside the database who writes a page and waits for the disk, fifty times a second at most: how long
// that takes is the disk's doing, and that of whoever shares it.
type disk struct {
	file  *os.File
	took  []time.Duration
	ended chan struct{}
	done  chan struct{}
}

// slowWrite is what no write of a page should take.
const slowWrite = 50 * time.Millisecond

// watchDisk begins to write into a new file in dir; it does nothing where that fails.
func watchDisk(dir string) *disk {
	d := &disk{ended: make(chan struct{}), done: make(chan struct{})}
	page := make([]byte, 8192)
	var err error
	if d.file, err = os.Create(filepath.Join(dir, "disk")); err == nil {
		_, err = d.file.Write(page) // the file has its size from now on, as a log's has
	}
	if err == nil {
		err = d.file.Sync()
	}
	go func() {
		defer close(d.done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for err == nil {
			select {
			case <-d.ended:
				return
			case <-tick.C:
			}
			began := time.Now()
			if _, err = d.file.WriteAt(page, 0); err == nil {
				err = d.file.Sync()
			}
			d.took = append(d.took, time.Since(began))
		}
	}()
	return d
}

// stop ends the writing and says how long it took.
func (d *disk) stop() string {
	close(d.ended)
	<-d.done
	if d.file != nil {
		d.file.Close()
		os.Remove(d.file.Name())
	}
	slow := 0
	for _, t := range d.took {
		if t > slowWrite {
			slow++
		}
	}
	if slow == 0 {
		return ""
	}
	return fmt.Sprintf("the disk took over %v for %d of %d pages, at most %v", slowWrite, slow, len(d.took), slices.Max(d.took).Round(time.Millisecond))
}
