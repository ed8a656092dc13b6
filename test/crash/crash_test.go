// Package crash kills the real program, and PostgreSQL under it, while people book, move and cancel
// through HTTP, many times. Afterwards every answer that was given still holds, every request that got
// none is asked again with its key and has exactly one effect, and doctor finds nothing.
//
// SUIYUE_TEST_CRASHES is how often each is killed; the short form kills 6 times.
package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"suiyue/internal/pgtest"
	"suiyue/test/town"
)

// built is the folder of the program, made once for all tests.
var built string

// program is the program, built once from this tree: in a test, where go test sees what it is built from.
var program = sync.OnceValues(func() (string, error) { return town.Build(built) })

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "suiyue-crash-")
		if err != nil {
			fmt.Fprintln(os.Stderr, "crash:", err)
			return 1
		}
		defer os.RemoveAll(dir)
		built = dir
		return pgtest.Main(m)
	}())
}

// times is how often something is killed.
func times(t *testing.T) int {
	s := os.Getenv("SUIYUE_TEST_CRASHES")
	if s == "" {
		return 6
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatal("SUIYUE_TEST_CRASHES must be a number")
	}
	return n
}

// place is a small city and how to serve it.
type place struct {
	t        *testing.T
	binary   string
	database string
	dir      string
	address  string
	process  *town.Process
}

func newPlace(t *testing.T, database string) *place {
	t.Helper()
	dir := t.TempDir()
	files, err := town.Files(dir)
	if err != nil {
		t.Fatal(err)
	}
	binary, err := program()
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, binary: binary, database: database, dir: dir}
	if database == "" {
		p.database = filepath.Join(dir, "suiyue.db")
	}
	p.run("demo", "--make-only", "--dir", dir, "--city", files, "--database", p.database)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.address = l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.process != nil {
			p.process.Kill()
		}
	})
	return p
}

func (p *place) keys() string { return filepath.Join(p.dir, "suiyue.keys") }

// run runs the program to its end, which must be a good one.
func (p *place) run(args ...string) string {
	p.t.Helper()
	out, err := town.Command(p.binary, args...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("suiyue %s: %v\n%s", args[0], err, out)
	}
	return string(out)
}

// start serves the city as a real one: no demonstration, rates that never limit.
func (p *place) start() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	var err error
	p.process, err = town.Start(ctx, "http://"+p.address, town.Command(p.binary, "serve", "--database", p.database, "--key-file", p.keys(),
		"--listen", p.address, "--public-url", "https://localhost", "--identity-url", "https://127.0.0.1:9", "--identity-client", "crash",
		"--address-rate", "0", "--account-rate", "0", "--log-level", "warn"))
	if err != nil {
		p.t.Fatal(err)
	}
}

// sound recounts everything.
func (p *place) sound() {
	p.t.Helper()
	p.run("doctor", "--database", p.database, "--key-file", p.keys())
}

func TestTheServerIsKilled(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { killServer(t, newPlace(t, "")) })
	t.Run("postgres", func(t *testing.T) {
		_, source := durable(t)
		killServer(t, newPlace(t, source))
	})
}

// durable starts a PostgreSQL whose commits wait for the disk.
func durable(t *testing.T) (*pgtest.Server, string) {
	t.Helper()
	pg, err := pgtest.Start(pgtest.Durable)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	source, err := pg.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pg, source
}

func killServer(t *testing.T, p *place) {
	crowd := newCrowd(t, p)
	p.start()
	crowd.learn()
	began := time.Now()
	crowd.begin()
	for range times(t) {
		moment()
		p.process.Kill()
		p.start()
	}
	moment()
	crowd.settle()
	t.Logf("%s, killed %d times in %.1f s", crowd.tally(), times(t), time.Since(began).Seconds())
	crowd.compare()

	// A stop is no crash: whoever was accepted is answered, and nothing is done that is not told.
	crowd.begin()
	moment()
	crowd.leave()
	if err := p.process.Stop(); err != nil {
		t.Error(err)
	}
	unanswered := crowd.rest()
	p.start()
	crowd.compare()
	t.Logf("stopped under load: %d requests met a closed door, none of them had an effect", unanswered)
	crowd.settle()
	crowd.compare()
	if err := p.process.Stop(); err != nil {
		t.Error(err)
	}
	p.sound()
}

// moment is long enough for some hundred requests, and never the same.
func moment() { time.Sleep(time.Duration(50+rand.IntN(450)) * time.Millisecond) }

// PostgreSQL goes down without warning and comes back; the server stays, answers meanwhile, and recovers
// by itself.
func TestPostgreSQLIsKilled(t *testing.T) {
	pg, source := durable(t)
	p := newPlace(t, source)
	crowd := newCrowd(t, p)
	p.start()
	crowd.learn()
	began := time.Now()
	crowd.begin()
	kills := max(1, times(t)/2)
	for range kills {
		moment()
		if err := pg.Kill9(); err != nil {
			t.Fatal(err)
		}
		moment()
		if err := pg.Restart(); err != nil {
			t.Fatal(err)
		}
		crowd.progress()
	}
	crowd.settle()
	t.Logf("%s, PostgreSQL killed %d times in %.1f s; the longest wait for an answer %.1f s, %d answers said to come back later",
		crowd.tally(), kills, time.Since(began).Seconds(), crowd.longest().Seconds(), crowd.later.Load())
	crowd.compare()
	if err := p.process.Stop(); err != nil {
		t.Error(err)
	}
	p.sound()
}
