package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
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
