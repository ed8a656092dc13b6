package bench

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/domain/supply"
	"suiyue/internal/gate/cipher"
	"suiyue/internal/store"
)

// town is what the HTTP runs happen in: a small directory with large slots, and very many persons who
// are signed in already.
type town struct {
	db     *store.DB
	keys   string // key file
	queues []string
	day    calendar.Date
	tokens []string
	used   int // tokens given out
}

// A person may hold three bookings a day and one of each item: nine over three days.
const (
	townHalls  = 125 // of 8 hours each: 1,000 slots a day
	townDays   = 3
	roomy      = 30_000 // numbers an hour: no run fills them, and memory holds them as they are
	eachPerson = 9
)

func townItem(k int) string { return fmt.Sprintf("BENCH-%02d", k) }

// newTown fills an empty database.
func newTown(ctx context.Context, db *store.DB, dir string, people, capacity int) (*town, error) {
	t := &town{db: db, keys: filepath.Join(dir, "bench.keys")}
	if err := cipher.CreateKEK(t.keys + ".kek"); err != nil {
		return nil, err
	}
	ring, err := cipher.Create(t.keys, cipher.KEKFile(t.keys+".kek"))
	if err != nil {
		return nil, err
	}
	t.day = calendar.DateOf(time.Now()) + 5
	text := directory.Text{Hans: "基准"}
	units := []directory.Unit{{ID: "440100000000", Kind: directory.Platform, Name: text}}
	var halls []directory.Hall
	var queues []directory.Queue
	var offerings []directory.Offering
	var items []directory.Item
	var slots []booking.Slot
	for k := range eachPerson {
		items = append(items, directory.Item{Code: townItem(k), Line: "general", Name: text, Stages: directory.Stages{directory.Acceptance}})
	}
	open := calendar.HoursOf(9, 10, 11, 12, 13, 14, 15, 16)
	week := calendar.Week{Work: open, Saturday: open, Sunday: open}
	years := map[int]calendar.YearStatus{t.day.Year(): calendar.Official, t.day.Year() + 1: calendar.Official}
	cal, err := calendar.New(nil, years)
	if err != nil {
		return nil, err
	}
	rules := rulebook.Continued2025()
	rules.NoonAttempts, rules.GatherFor = 0, 0
	for i := range townHalls {
		hall := fmt.Sprintf("4401%08d", i+1)
		queue := hall + "-general"
		halls = append(halls, directory.Hall{ID: hall, Number: i + 1, UnitID: units[0].ID, Level: directory.StreetHall, Name: text, Open: true})
		queues = append(queues, directory.Queue{ID: queue, HallID: hall, Line: "general", Name: text, Open: true, Week: week, DailyAverage: 8 * capacity})
		for k := range eachPerson {
			offerings = append(offerings, directory.Offering{HallID: hall, QueueID: queue, ItemCode: townItem(k), Stages: directory.Stages{directory.Acceptance}})
		}
		t.queues = append(t.queues, queue)
		for d := range calendar.Date(townDays) {
			slots = append(slots, supply.SlotsFor(cal, rules, queues[i], t.day+d)...)
		}
	}
	err = db.Update(ctx, func(tx *store.Tx) error {
		for _, save := range []func() error{
			func() error { return tx.SaveUnits(ctx, units) },
			func() error { return tx.SaveHalls(ctx, halls) },
			func() error { return tx.SaveQueues(ctx, queues) },
			func() error { return tx.SaveItems(ctx, items) },
			func() error { return tx.SaveOfferings(ctx, offerings) },
			func() error { return tx.SaveRulebook(ctx, rules) },
			func() error {
				return tx.SaveCalendar(ctx, nil, years)
			},
			func() error { _, err := tx.AddSlots(ctx, slots); return err },
		} {
			if err := save(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t, t.signIn(ctx, ring, people)
}

// signIn opens a session for each of very many synthetic persons.
func (t *town) signIn(ctx context.Context, ring *cipher.Keyring, people int) error {
	now := time.Now()
	birth := calendar.MakeDate(1980, time.January, 1)
	for done := 0; done < people; {
		err := t.db.Update(ctx, func(tx *store.Tx) error {
			for range min(2000, people-done) {
				n := len(t.tokens)
				p := identity.Person{
					Name: "基准", Document: identity.SyntheticResident(identity.SyntheticArea, birth+calendar.Date(n/999), n%999+1), Level: identity.Verified,
					Phone: "13800000000",
				}
				p.Key = identity.Key(ring.Lookup("person", p.Document.Canonical("")))
				plain, err := json.Marshal(p)
				if err != nil {
					return err
				}
				token, id := cipher.Token(), fmt.Sprintf("bench%08d", n)
				if err := tx.SaveSession(ctx, store.Session{
					TokenHash: ring.TokenHash(token), ID: id, Person: p.Key, Sealed: ring.Seal(plain, "session|"+id),
					Level: p.Level, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(12 * time.Hour),
				}); err != nil {
					return err
				}
				t.tokens = append(t.tokens, token)
			}
			return nil
		})
		if err != nil {
			return err
		}
		done = len(t.tokens)
	}
	return nil
}

// process is a serving process of its own.
type process struct {
	cmd     *exec.Cmd
	address string
}

// serve starts the program and waits until it says where it listens.
func (t *town) serve(ctx context.Context, binary, source, profile string, plain bool) (*process, error) {
	args := []string{"bench-server", "--database", source, "--key-file", t.keys, "--kek-file", t.keys + ".kek", "--listen", "127.0.0.1:0",
		"--public-url", "https://localhost", "--identity-url", "https://localhost:9", "--identity-client", "bench", "--address-rate", "0", "--account-rate", "0", "--no-steps",
		"--connections", "32", "--log-level", "warn"}
	if plain {
		args = append(args, "--plain")
	} else if profile != "" {
		args = append(args, "--profile", profile)
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	const mark = "listening on "
	for in := bufio.NewScanner(out); in.Scan(); {
		if _, address, ok := strings.Cut(in.Text(), mark); ok {
			go io.Copy(io.Discard, out)
			return &process{cmd, strings.TrimSpace(address)}, nil
		}
	}
	return nil, fmt.Errorf("bench: the server ended before it listened: %w", cmd.Wait())
}

func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.cmd.Wait()
}

// memory returns the resident memory of the process in MiB.
func (p *process) memory() (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			var kib int
			_, err := fmt.Sscan(rest, &kib)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("bench: no memory figure")
}

// visitor is one client's way through the town: it books what each of its persons may hold, then goes
// on with the next person.
type visitor struct {
	town   *town
	tokens []string
	client client
	k      int // bookings made by the first of tokens
	base   int
}

// visitors gives each client connection persons of its own; false when too few are left.
func (t *town) visitors(p *process, clients, each int) ([]*visitor, bool) {
	if t.used+clients*each > len(t.tokens) {
		return nil, false
	}
	list := make([]*visitor, clients)
	for i := range list {
		// Each is somewhere on the way of its first person, or all would come to the next one at once.
		list[i] = &visitor{town: t, tokens: t.tokens[t.used : t.used+each], client: client{address: p.address}, k: mrand.IntN(eachPerson), base: mrand.IntN(8)}
		t.used += each
	}
	return list, true
}

// book makes the next booking, in a random hall.
func (v *visitor) book() error {
	if len(v.tokens) == 0 {
		return errors.New("bench: more persons are needed")
	}
	slot := booking.SlotID(v.town.queues[mrand.IntN(len(v.town.queues))], v.town.day+calendar.Date(v.k/3), 9+(v.base+v.k%3)%8)
	body := fmt.Appendf(nil, `{"item":%q,"slot":%q,"stage":"acceptance","applicant":{"kind":"self"}}`, townItem(v.k), slot)
	headers := fmt.Sprintf("Authorization: Bearer %s\r\nIdempotency-Key: bench-%016x\r\n", v.tokens[0], mrand.Uint64())
	if v.k++; v.k == eachPerson {
		v.k, v.tokens = 0, v.tokens[1:]
	}
	r, err := v.client.call("POST", "/api/v1/bookings", headers, body)
	if err != nil {
		return err
	}
	return r.problem()
}

// look reads what is free in a random queue, with the tag of the last look when there is one.
func (v *visitor) look(tags map[string]string) error {
	queue := v.town.queues[mrand.IntN(len(v.town.queues))]
	headers := ""
	if tag := tags[queue]; tag != "" {
		headers = "If-None-Match: " + tag + "\r\n"
	}
	r, err := v.client.call("GET", "/api/v1/queues/"+queue+"/availability", headers, nil)
	if err == nil && tags != nil {
		tags[queue] = r.etag
	}
	if err != nil {
		return err
	}
	return r.problem()
}

// halves is how often the half load is measured: whoever shares processors and disk with this machine shares the tail.
const halves = 5

type halfLoad struct {
	Result        // the middle one, by the time that one in a hundred takes longer than
	said   string // about all of them
}

// half offers rate bookings a second, several times. dir is on the disk of the database.
func (s *suite) half(ctx context.Context, t *town, p *process, rate float64, dir string, settle func()) (h halfLoad, err error) {
	var runs []Result
	var tails []string
	before, disk := processors(), watchDisk(dir)
	settle() // once: the first run has the pages that are written whole after it, as one in a few minutes has
	for range halves {
		crowd, ok := t.visitors(p, s.o.Clients, 3+int(1.25*rate*s.o.Seconds)/s.o.Clients/eachPerson)
		if !ok {
			return h, errors.New("too few persons")
		}
		free := make(chan *visitor, s.o.Clients)
		for _, v := range crowd {
			free <- v
		}
		r := open(ctx, "half", rate, s.length(), func(context.Context, int) error {
			v := <-free
			defer func() { free <- v }()
			return v.book()
		})
		for _, v := range crowd {
			v.client.close()
		}
		runs, tails = append(runs, r), append(tails, r.P99.Round(time.Millisecond).String())
	}
	slices.SortFunc(runs, func(a, b Result) int { return cmp.Compare(a.P99, b.P99) })
	h.Result, h.said = runs[halves/2], "p99 of each "+strings.Join(tails, ", ")
	if kept := before.kept(processors()); kept != "" {
		h.said += "; " + kept
	}
	if said := disk.stop(); said != "" {
		h.said += "; " + said
	}
	return h, nil
}

// throughHTTP measures the whole product: a serving process, real HTTP, this process as the crowd.
func (s *suite) throughHTTP(ctx context.Context, dir, source string) (err error) {
	clients := s.o.Clients
	each := 1 + int(s.o.Seconds*30_000)/clients/eachPerson // persons a client needs for the fastest run
	if dir, err = os.MkdirTemp(dir, "town-"); err != nil {
		return err
	}
	t, err := newTown(ctx, s.db, dir, clients*each*5, roomy)
	if err != nil {
		return err
	}
	// A server that has run for a day writes over files of its log that it has used before; one that has just been
	// made would have to make them in the middle of a run.
	settle := func() {
		if err := s.db.Settle(ctx); err != nil {
			fmt.Fprintf(s.table, "the database may not be settled before a run: %v\t\t\t\t\t\t\t\n", err)
		}
	}
	run := func(plain bool, f func(*process) error) error {
		settle()
		p, err := t.serve(ctx, s.o.Binary, source, s.o.Profile, plain)
		if err != nil {
			return err
		}
		return errors.Join(f(p), p.stop())
	}
	drive := func(p *process, name string, clients int) (Result, error) {
		crowd, ok := t.visitors(p, clients, each*s.o.Clients/clients/2+1)
		if !ok {
			return Result{}, errors.New("too few persons")
		}
		return closed(ctx, name, clients, s.length(), func(_ context.Context, c, _ int) error { return crowd[c].book() }), nil
	}
	reads := func(p *process, name string, tagged bool) (Result, error) {
		crowd, ok := t.visitors(p, clients/4, 0)
		if !ok {
			return Result{}, errors.New("too few persons")
		}
		tags := make([]map[string]string, len(crowd))
		for i := range tags {
			if tagged {
				tags[i] = map[string]string{}
			}
		}
		return closed(ctx, name, len(crowd), s.length(), func(_ context.Context, c, _ int) error { return crowd[c].look(tags[c]) }), nil
	}
	var book, read, lone Result
	err = run(false, func(p *process) (err error) {
		if lone, err = drive(p, "lone", 1); err != nil {
			return err
		}
		s.print("HTTP lone booking", "ours", lone, "")
		if book, err = drive(p, "ours", clients); err != nil {
			return err
		}
		s.print("HTTP booking", "ours", book, "")
		half, err := s.half(ctx, t, p, book.Rate()/2, dir, settle)
		if err != nil {
			return err
		}
		s.print("HTTP half of the maximum load", fmt.Sprintf("offered %.0f/s", book.Rate()/2), half.Result, half.said)
		if read, err = reads(p, "read", false); err != nil {
			return err
		}
		s.print("HTTP availability", "ours", read, "")
		tagged, err := reads(p, "read 304", true)
		if err != nil {
			return err
		}
		s.print("HTTP availability", "ours, ETag", tagged, "")
		mib, err := p.memory()
		fmt.Fprintf(s.table, "memory of the server after this\t%d MiB\t\t\t\t\t\t\t\n", mib)
		return err
	})
	if err != nil || !s.o.Compare {
		return err
	}
	return run(true, func(p *process) error {
		r, err := drive(p, "plain lone", 1)
		if err != nil {
			return err
		}
		s.print("HTTP lone booking", "plain", r, "p50 ours "+times(float64(lone.P50), float64(r.P50)))
		if r, err = drive(p, "plain", clients); err != nil {
			return err
		}
		s.print("HTTP booking", "plain, 32 connections", r, "ours "+times(book.Rate(), r.Rate()))
		if r, err = reads(p, "sql", false); err != nil {
			return err
		}
		s.print("HTTP availability", "SQL for each", r, "ours "+times(read.Rate(), r.Rate()))
		return nil
	})
}
