package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	mrand "math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"suiyue/internal/domain/identity"
	"suiyue/internal/pgtest"
	"suiyue/internal/store"
)

// Options of Main.
type Options struct {
	Engines  []string // "sqlite", "postgres"
	Postgres string   // an empty database to use; "" starts a throw-away server with fsync on
	Seconds  float64  // length of one run
	Clients  int      // 512
	Only     string   // run only scenarios whose name contains it
	Compare  bool     // beside ours: the plain way and the raw bound
	HTTP     bool     // through HTTP, server and load in processes of their own
	Binary   string   // the program to serve with, for HTTP
	Profile  string   // file for a CPU profile of our server, "" for none
	Out      io.Writer
}

// Main runs the benchmarks and prints what they came to; an error when a recount failed.
func Main(ctx context.Context, o Options) error {
	fmt.Fprintf(o.Out, "suiyue bench: %s, %d cores, %s, %d clients, %.1f s a run\n", runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU(), runtime.Version(), o.Clients, o.Seconds)
	fmt.Fprintln(o.Out, "every commit is on disk before its answer (SQLite synchronous=FULL; PostgreSQL fsync and synchronous_commit on)")
	dir, err := os.MkdirTemp("", "suiyue-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, engine := range o.Engines {
		if err := runEngine(ctx, o, engine, dir); err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
	}
	return nil
}

func runEngine(ctx context.Context, o Options, engine, dir string) error {
	source := filepath.Join(dir, "bench.db")
	if engine == "postgres" {
		source = o.Postgres
		if source == "" {
			server, err := pgtest.Start(pgtest.Durable)
			if err != nil {
				return err
			}
			defer server.Stop()
			if source, err = server.Create(ctx); err != nil {
				return err
			}
		}
	}
	db, err := store.Open(ctx, source, store.Options{Now: time.Now, Conns: 40})
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	version, err := db.Version(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "\n%s %s\n", engine, version)
	s := &suite{o: o, db: db, source: source, lanes: 1, table: tabwriter.NewWriter(o.Out, 2, 8, 2, ' ', tabwriter.AlignRight)}
	if engine == "postgres" {
		s.lanes = 2
	}
	rand.Read(s.sealed[:])
	defer s.table.Flush()
	fmt.Fprintln(s.table, "scenario\tway\taccepted/s\tanswers/s\tp50\tp99\trefused\tratio\t")
	// Through HTTP first: what the other runs leave is not sealed by the keys of a server.
	if o.HTTP && (o.Only == "" || strings.Contains("http", o.Only)) {
		if err := s.throughHTTP(ctx, dir, source); err != nil {
			return fmt.Errorf("http: %w", err)
		}
	}
	s.ids.Store(1 << 38)
	steps := []struct {
		name string
		run  func(context.Context) error
	}{
		{"lone", s.lone},
		{"one hot slot", func(ctx context.Context) error { return s.slots(ctx, "one hot slot", 1) }},
		{"1,000 slots", func(ctx context.Context) error { return s.slots(ctx, "1,000 slots", 1000) }},
		{"sold out", s.soldOut},
		{"duplicates", s.duplicates},
		{"noon", s.noon},
		{"two nodes", s.twoNodes},
		{"latency", s.latency},
	}
	for _, step := range steps {
		if o.Only != "" && !strings.Contains(step.name, o.Only) {
			continue
		}
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		s.table.Flush()
	}
	return nil
}

// suite is the scenarios on one database.
type suite struct {
	o      Options
	db     *store.DB
	source string
	lanes  int
	ids    atomic.Uint64
	sealed [sealedSize]byte
	table  *tabwriter.Writer
}

func (s *suite) length() time.Duration { return time.Duration(s.o.Seconds * float64(time.Second)) }

// print writes one line; ratio is said in words, "" for none.
func (s *suite) print(scenario, way string, r Result, ratio string) {
	var refused []string
	for _, code := range slices.Sorted(maps.Keys(r.Refused)) {
		refused = append(refused, fmt.Sprintf("%s %d", code, r.Refused[code]))
	}
	if r.Failed > 0 {
		refused = append(refused, fmt.Sprintf("FAILED %d", r.Failed))
	}
	fmt.Fprintf(s.table, "%s\t%s\t%.0f\t%.0f\t%s\t%s\t%s\t%s\t\n", scenario, way, r.Rate(), r.Answers(),
		r.P50.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond), strings.Join(refused, ", "), ratio)
}

func times(a, b float64) string {
	if b == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f ×", a/b)
}

// ours books through lanes in a field.
func (s *suite) ours(ctx context.Context, f *field, clients int) (Result, error) {
	e, err := newEngine(ctx, s.db, s.lanes)
	if err != nil {
		return Result{}, err
	}
	r := closed(ctx, "ours", clients, s.length(), func(ctx context.Context, _, _ int) error {
		slot := pick(f.slots)
		return e.ask(ctx, f.request(slot, person(), s.sealed[:]))
	})
	e.close()
	return r, f.recount(ctx, r.Done)
}

// plain books one transaction at a time on 32 connections.
func (s *suite) plain(ctx context.Context, f *field, clients int) (Result, error) {
	r := closed(ctx, "plain", clients, s.length(), func(ctx context.Context, _, _ int) error {
		out, err := s.db.Plain(ctx, f.request(pick(f.slots), person(), s.sealed[:]))
		if err != nil {
			return err
		}
		return codeOf(out)
	})
	return r, f.recount(ctx, r.Done)
}

// plenty is a capacity no run fills.
const plenty = 1 << 30

// slots compares ours with plain and raw over n slots that never fill.
func (s *suite) slots(ctx context.Context, name string, n int) error {
	f, err := newField(ctx, s.db, &s.ids, n, plenty)
	if err != nil {
		return err
	}
	ours, err := s.ours(ctx, f, s.o.Clients)
	if err != nil {
		return err
	}
	s.print(name, "ours", ours, "")
	if !s.o.Compare {
		return nil
	}
	plain, err := s.plain(ctx, f, 32)
	if err != nil {
		return err
	}
	s.print(name, "plain, 32 connections", plain, "ours "+times(ours.Rate(), plain.Rate()))
	bound, err := raw(ctx, s.db, f, s.lanes, s.length())
	if err != nil {
		return err
	}
	s.print(name, bound.Name, bound, "ours "+times(ours.Rate(), bound.Rate()))
	return nil
}

// lone is one client that books alone.
func (s *suite) lone(ctx context.Context) error {
	f, err := newField(ctx, s.db, &s.ids, 100, plenty)
	if err != nil {
		return err
	}
	ours, err := s.ours(ctx, f, 1)
	if err != nil {
		return err
	}
	s.print("lone booking", "ours", ours, "")
	if s.o.Compare {
		plain, err := s.plain(ctx, f, 1)
		if err != nil {
			return err
		}
		s.print("lone booking", "plain", plain, "p50 ours "+times(float64(ours.P50), float64(plain.P50)))
	}
	return nil
}

// soldOut is everybody asking for what is gone.
func (s *suite) soldOut(ctx context.Context) error {
	f, err := newField(ctx, s.db, &s.ids, 8, 0)
	if err != nil {
		return err
	}
	ours, err := s.ours(ctx, f, s.o.Clients)
	if err != nil {
		return err
	}
	s.print("sold out", "ours", ours, "")
	if s.o.Compare {
		plain, err := s.plain(ctx, f, 32)
		if err != nil {
			return err
		}
		s.print("sold out", "plain, 32 connections", plain, "ours "+times(ours.Answers(), plain.Answers()))
	}
	return nil
}

// duplicates is a run in which three in ten ask who hold a number already.
func (s *suite) duplicates(ctx context.Context) error {
	f, err := newField(ctx, s.db, &s.ids, 1000, plenty)
	if err != nil {
		return err
	}
	e, err := newEngine(ctx, s.db, s.lanes)
	if err != nil {
		return err
	}
	last := make([]identity.Key, s.o.Clients)
	r := closed(ctx, "duplicates", s.o.Clients, s.length(), func(ctx context.Context, c, _ int) error {
		p := person()
		if last[c] != "" && mrand.IntN(10) < 3 {
			p = last[c]
		}
		last[c] = p
		slot := pick(f.slots)
		return e.ask(ctx, f.request(slot, p, s.sealed[:]))
	})
	e.close()
	s.print("duplicates 30 %", "ours", r, "")
	return f.recount(ctx, r.Done)
}

// noon is a quiet second and then everyone at once, over all slots of a new day.
func (s *suite) noon(ctx context.Context) error {
	f, err := newField(ctx, s.db, &s.ids, 24_000, 10)
	if err != nil {
		return err
	}
	e, err := newEngine(ctx, s.db, s.lanes)
	if err != nil {
		return err
	}
	time.Sleep(time.Second)
	zipf := make([]*mrand.Zipf, s.o.Clients*2)
	for i := range zipf {
		zipf[i] = mrand.NewZipf(mrand.New(mrand.NewPCG(uint64(i), 12)), 1.2, 20, uint64(len(f.slots)-1))
	}
	requests := min(200_000, int(s.o.Seconds*40_000))
	r := burst(ctx, "noon", s.o.Clients*2, requests, func(ctx context.Context, c, _ int) error {
		slot := &f.slots[zipf[c].Uint64()]
		return e.ask(ctx, f.request(slot, person(), s.sealed[:]))
	})
	e.close()
	s.print(fmt.Sprintf("noon, %d ask for 24,000 slots of 10", requests), "ours", r, fmt.Sprintf("last answer after %.1f s", r.Elapsed.Seconds()))
	return f.recount(ctx, r.Done)
}

// twoNodes compares one node with two over one database, with requests routed by hall and not.
func (s *suite) twoNodes(ctx context.Context) error {
	if s.lanes == 1 {
		return nil // SQLite is one node
	}
	run := func(nodes int, routed bool) (Result, error) {
		f, err := newField(ctx, s.db, &s.ids, 1000, plenty)
		if err != nil {
			return Result{}, err
		}
		set := make([]*engine, nodes)
		for i := range set {
			if set[i], err = newEngine(ctx, s.db, s.lanes/nodes); err != nil {
				return Result{}, err
			}
		}
		r := closed(ctx, "nodes", s.o.Clients, s.length(), func(ctx context.Context, _, _ int) error {
			i := mrand.IntN(len(f.slots))
			node := mrand.IntN(nodes)
			if routed {
				node = i / 8 % nodes
			}
			slot := &f.slots[i]
			return set[node].ask(ctx, f.request(slot, person(), s.sealed[:]))
		})
		for _, e := range set {
			e.close()
		}
		return r, f.recount(ctx, r.Done)
	}
	before, err := s.db.Deadlocks(ctx)
	if err != nil {
		return err
	}
	one, err := run(1, true)
	if err != nil {
		return err
	}
	s.print("one node, 1,000 slots", "2 lanes", one, "")
	routed, err := run(2, true)
	if err != nil {
		return err
	}
	s.print("two nodes routed by hall", "1 lane each", routed, times(routed.Rate(), one.Rate())+" of one")
	loose, err := run(2, false)
	if err != nil {
		return err
	}
	after, err := s.db.Deadlocks(ctx)
	if err != nil {
		return err
	}
	s.print("two nodes unrouted", "1 lane each", loose, fmt.Sprintf("%s of one, %d deadlocks", times(loose.Rate(), one.Rate()), after-before))
	return nil
}

// latency offers half of what a closed loop reaches, and measures from the intended instant.
func (s *suite) latency(ctx context.Context) error {
	f, err := newField(ctx, s.db, &s.ids, 1000, plenty)
	if err != nil {
		return err
	}
	most, err := s.ours(ctx, f, s.o.Clients)
	if err != nil {
		return err
	}
	e, err := newEngine(ctx, s.db, s.lanes)
	if err != nil {
		return err
	}
	half := most.Rate() / 2
	r := open(ctx, "half load", half, s.length(), func(ctx context.Context, _ int) error {
		slot := pick(f.slots)
		return e.ask(ctx, f.request(slot, person(), s.sealed[:]))
	})
	e.close()
	s.print("half of the maximum load", fmt.Sprintf("offered %.0f/s", half), r, "")
	return f.recount(ctx, r.Done)
}
