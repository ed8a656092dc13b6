// Package town gives tests of the whole program what they start with: the program built from this tree,
// a small part of the city, and processes that serve it.
package town

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"suiyue/data"
	"suiyue/internal/app"
	"suiyue/internal/domain/directory"
)

// Build builds the program into a folder. It looks into every folder the program is made of, so that go test runs
// again what has used it when one of their files has changed. Tests run in a folder right below test.
func Build(dir string) (binary string, err error) {
	for _, part := range []string{"cmd", "data", "internal", "go.mod", "go.sum"} {
		if err := filepath.WalkDir(filepath.Join("..", "..", part), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && d.Name() == "node_modules" {
				return filepath.SkipDir
			}
			return err
		}); err != nil {
			return "", err
		}
	}
	binary = filepath.Join(dir, "suiyue")
	if out, err := exec.Command("go", "build", "-o", binary, "suiyue/cmd/suiyue").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return binary, nil
}

// Command is the program without the settings of whoever runs the tests.
func Command(binary string, args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "SUIYUE_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	return cmd
}

// Files writes a part of the city's files into a new folder below dir: the city's own halls, the centre
// of Liwan and some of its streets and villages.
func Files(dir string) (string, error) {
	dir = filepath.Join(dir, "files")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	keep := map[string][]string{
		directory.UnitsFile: {"440100", "440103"},
		directory.HallsFile: {"440100", "44010300100", "440103000000"},
	}
	for _, name := range append(directory.FileNames(), app.HolidaysFile) {
		b, err := data.Files.ReadFile(name)
		if err != nil {
			return "", err
		}
		if wanted := keep[name]; wanted != nil {
			b = only(b, wanted)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// only keeps the header and the lines that begin with one of the words.
func only(b []byte, words []string) []byte {
	var out []byte
	header := true
	for line := range bytes.Lines(b) {
		wanted := header
		for _, w := range words {
			wanted = wanted || bytes.HasPrefix(line, []byte(w))
		}
		if header = false; wanted {
			out = append(out, line...)
		}
	}
	return out
}

// Process is one run of the serving program.
type Process struct {
	URL string

	cmd   *exec.Cmd
	ended chan struct{}
	err   error

	mu  sync.Mutex
	log bytes.Buffer
}

// Start starts the program. at is where it will serve, "" when it is to be read from what it prints.
// The process dies with this one.
func Start(ctx context.Context, at string, cmd *exec.Cmd) (*Process, error) {
	p := &Process{URL: at, cmd: cmd, ended: make(chan struct{})}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = (*record)(p)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started, found := make(chan error), make(chan string, 1)
	go func() {
		// The signal hangs on the thread that started the process, which must not end before.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		in := bufio.NewScanner(out)
		for in.Scan() {
			if _, host, ok := strings.Cut(in.Text(), "http://"); ok && len(found) == 0 {
				host, _, _ = strings.Cut(host, "/")
				found <- "http://" + host
			}
		}
		io.Copy(io.Discard, out)
		p.err = cmd.Wait()
		close(p.ended)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	if p.URL == "" {
		select {
		case p.URL = <-found:
		case <-p.ended:
			return nil, fmt.Errorf("the program ended at once: %w\n%s", p.err, p.Log())
		case <-ctx.Done():
			p.Kill()
			return nil, errors.New("the program does not say where it serves")
		}
	}
	if err := p.ready(ctx); err != nil {
		p.Kill()
		return nil, fmt.Errorf("%w\n%s", err, p.Log())
	}
	return p, nil
}

// Args is the command line the process was started with.
func (p *Process) Args() []string { return p.cmd.Args }

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// ready waits until the process can take bookings.
func (p *Process) ready(ctx context.Context) error {
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+"/readyz", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.ended:
			return fmt.Errorf("the program ended before it was ready: %w", p.err)
		case <-ctx.Done():
			return errors.New("the program is not ready in time")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Kill ends the process without warning, as a power cut would.
func (p *Process) Kill() {
	p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// Terminate asks the process to stop, as an operator does, and does not wait.
func (p *Process) Terminate() error { return p.cmd.Process.Signal(syscall.SIGTERM) }

// Wait waits until the process has ended and tells what was wrong with its end: a code that is not 0,
// no end within 30 seconds, an error in its log.
func (p *Process) Wait() error {
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		p.Kill()
		return errors.New("the program did not stop within 30 s")
	}
	if p.err != nil {
		return fmt.Errorf("the program did not stop cleanly: %w\n%s", p.err, p.Log())
	}
	return nil
}

// Stop is Terminate and Wait.
func (p *Process) Stop() error {
	if err := p.Terminate(); err != nil {
		return err
	}
	return p.Wait()
}

// Log is what the process has written on standard error.
func (p *Process) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// record takes what a process writes on standard error.
type record Process

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(b)
}
