package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows long work: bars on a terminal, a line a step elsewhere.
type progress struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	titles   map[string]string
	step0    string
	bar      *progressbar.ProgressBar
	finished bool
}

func newProgress(out io.Writer, titles map[string]string) *progress {
	return &progress{out: out, terminal: isTerminal(out), titles: titles}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// step implements server.Progress.
func (p *progress) step(name string, done, all int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	title := p.titles[name]
	if title == "" {
		title = name
	}
	if name != p.step0 {
		p.close()
		p.step0, p.finished = name, false
		if p.terminal {
			p.bar = progressbar.NewOptions(all, progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(fmt.Sprintf("%-26s", title)),
				progressbar.OptionSetWidth(30), progressbar.OptionShowCount(), progressbar.OptionThrottle(100e6), progressbar.OptionOnCompletion(func() { fmt.Fprintln(p.out) }))
		}
	}
	if p.terminal {
		if p.bar.GetMax() != all {
			p.bar.ChangeMax(all)
		}
		p.bar.Set(done) // a bar that cannot be drawn is no reason to stop
		return
	}
	if done >= all && !p.finished {
		p.finished = true
		fmt.Fprintf(p.out, "%s: %d\n", title, all)
	}
}

// withRate is step that says in the title of the bar main how many of what are made in a second; these are told by steps
// of the name what, which have no bar. The bar itself tells the time that remains.
func (p *progress) withRate(main, what string) func(name string, done, all int) {
	title := p.titles[main]
	seen, last := 0, time.Now()
	return func(name string, done, all int) {
		if name != what {
			p.step(name, done, all)
			return
		}
		now := time.Now()
		if p.bar != nil && now.Sub(last) >= time.Second {
			p.bar.Describe(fmt.Sprintf("%s, %.0f %s/s", title, float64(done-seen)/now.Sub(last).Seconds(), what))
			seen, last = done, now
		}
	}
}

func (p *progress) close() {
	if p.bar != nil {
		p.bar.Finish()
		p.bar = nil
	}
}

// end closes the bar that is open.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.close()
}
