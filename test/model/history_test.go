package model_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// Many people do the same kinds of thing at once, on one node and on two. What they were told, and what was seen of the
// hours meanwhile, is written down with the instants between which it happened; afterwards each hour's history must be
// one that could have come about one thing after the other, and nobody in line may have been overtaken who could have
// been served.

const (
	callers   = 8
	eachHas   = 8 // people
	bursts    = 6
	inBurst   = 12 // things each caller does in a burst
	forever   = int64(1) << 60
	patience  = 3 * time.Millisecond // of who does not wait for the answer
	impatient = 12                   // one of so many
)

// notes is a history being written down.
type notes struct {
	*town
	nodes []*app.App
	began time.Time
	slots []string // those that are fought for

	mu      sync.Mutex
	history []porcupine.Operation
	line    map[string]*waiter
	waiting map[string]int64 // entry → the start of the last look that saw it wait
	told    map[string]int   // what came of what, counted
	serial  int
}

func (n *notes) now() int64 { return time.Since(n.began).Nanoseconds() }

func (n *notes) next() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.serial++
	return n.serial
}

func (n *notes) note(a act, c came, call, ret int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.history = append(n.history, porcupine.Operation{ClientId: len(n.history), Input: a, Output: c, Call: call, Return: ret})
	n.told[fmt.Sprintf("%s %v", a.kind, c.yes)]++
	if c.unknown {
		n.told["unknown"]++
	}
}

// saw takes up how an entry stood in a look.
func (n *notes) saw(id string, state booking.WaitState, slot string, call, ret int64) {
	n.mu.Lock()
	w := n.line[id]
	if w == nil || w.served != 0 {
		n.mu.Unlock()
		return
	}
	if state != booking.WaitBooked {
		n.waiting[id] = max(n.waiting[id], call)
		n.mu.Unlock()
		return
	}
	w.slot, w.before, w.served = slot, max(w.joining, n.waiting[id]), ret
	a := act{slot, "promote", w.units}
	call = w.before
	n.mu.Unlock()
	n.note(a, came{yes: true}, call, ret)
}

// lookAtLine looks at everybody in line.
func (n *notes) lookAtLine(ctx context.Context) error {
	ids := map[string]struct{}{}
	n.mu.Lock()
	for id, w := range n.line {
		if w.served == 0 {
			ids[id] = struct{}{}
		}
	}
	n.mu.Unlock()
	call := n.now()
	var seen map[string]*booking.WaitEntry
	if err := n.db.View(ctx, func(tx *store.Tx) (err error) {
		seen, err = tx.WaitsByID(ctx, ids)
		return err
	}); err != nil {
		return err
	}
	ret := n.now()
	for id, e := range seen {
		n.saw(id, e.State, e.SlotID, call, ret)
	}
	return nil
}

// lookAtSlots writes down how the hours stand.
func (n *notes) lookAtSlots(ctx context.Context) (map[string]numbers, error) {
	call := n.now()
	out := map[string]numbers{}
	if err := n.db.View(ctx, func(tx *store.Tx) error {
		clear(out)
		return tx.SlotsFrom(ctx, calendar.MakeDate(2026, time.November, 25), func(s store.LiveSlot) {
			if slices.Contains(n.slots, s.ID) {
				out[s.ID] = numbers{s.Capacity, s.Taken, s.Held}
			}
		})
	}); err != nil {
		return nil, err
	}
	ret := n.now()
	for id, s := range out {
		n.note(act{slot: id, kind: "look"}, came{seen: s}, call, ret)
	}
	return out, nil
}

// soul is a person with what they have: a booking, or a place in line.
type soul struct {
	who   *identity.Session
	code  string
	id    string
	slot  string // booked
	units int
	lost  bool // nobody knows what they have
}

// do has a person do the next thing.
func (n *notes) do(ctx context.Context, node *app.App, rng *rand.Rand, p *soul) error {
	switch {
	case p.lost:
		return nil
	case p.slot != "" && rng.IntN(2) == 0:
		return n.cancel(ctx, node, rng, p)
	case p.slot != "":
		return n.move(ctx, node, rng, p)
	case p.code != "":
		return n.wait(ctx, node, rng, p)
	case rng.IntN(5) < 3:
		return n.book(ctx, node, rng, p)
	}
	return n.join(ctx, node, rng, p)
}

// ask runs a request, sometimes without patience; then half of them ask again, and half never know. Whoever asks again
// finds what came of the first time under the same key. Some answers are lost on their way, however soon they came.
func (n *notes) ask(ctx context.Context, rng *rand.Rand, request func(ctx context.Context) (app.Receipt, error)) (r app.Receipt, code fault.Code, known bool, err error) {
	hasty := rng.IntN(impatient) == 0
	for range 3 {
		within, cancel := ctx, context.CancelFunc(func() {})
		if hasty {
			within, cancel = context.WithTimeout(ctx, time.Duration(rng.Int64N(int64(patience))))
		}
		r, err = request(within)
		over := within.Err() != nil
		cancel()
		lost := hasty && rng.IntN(4) == 0
		if lost && (err == nil || fault.As(err).Kind != fault.Internal) {
			return r, "", false, nil
		}
		if err == nil {
			return r, "", true, nil
		}
		f := fault.As(err)
		switch unknown := f.Kind == fault.Unavailable || over || errors.Is(err, context.DeadlineExceeded); {
		case !unknown && f.Kind == fault.Internal:
			return r, "", false, err
		case !unknown:
			return r, f.Code, true, nil
		case hasty && rng.IntN(2) == 0:
			return r, "", false, nil
		}
		hasty = false
	}
	return r, "", false, nil
}

// busy tells whether something was not done only because the machine had no time for it.
func busy(err error) bool {
	return err != nil && (fault.As(err).Kind == fault.Unavailable || errors.Is(err, context.DeadlineExceeded))
}

func (n *notes) list(rng *rand.Rand) (out []booking.Party) {
	if rng.IntN(4) > 0 {
		return nil
	}
	for range 2 + rng.IntN(2) {
		p := apptest.Citizen(20_000 + n.next())
		out = append(out, booking.Party{Name: p.Name, Document: p.Document})
	}
	return out
}

func (n *notes) book(ctx context.Context, node *app.App, rng *rand.Rand, p *soul) error {
	list, slot := n.list(rng), n.slots[rng.IntN(len(n.slots))]
	key := fmt.Sprintf("book-%08d", n.next())
	call := n.now()
	r, code, known, err := n.ask(ctx, rng, func(ctx context.Context) (app.Receipt, error) {
		return node.Book(ctx, p.who, app.BookRequest{
			Key: key, Item: itemA, SlotID: slot, Stage: directory.Acceptance, Cases: slices.Clone(list), Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
		})
	})
	a := act{slot, "take", max(1, len(list))}
	switch {
	case err != nil:
		return err
	case !known:
		p.lost = true
		n.note(a, came{unknown: true}, call, forever)
	case code == "":
		n.note(a, came{yes: true}, call, n.now())
		p.code, p.id, p.slot, p.units = r.View.Code, r.View.Booking.ID, slot, a.units
	case code == fault.SoldOut:
		n.note(a, came{}, call, n.now())
	default:
		return fmt.Errorf("a booking was refused: %s", code)
	}
	return nil
}

func (n *notes) cancel(ctx context.Context, node *app.App, rng *rand.Rand, p *soul) error {
	key := fmt.Sprintf("gone-%08d", n.next())
	call := n.now()
	_, code, known, err := n.ask(ctx, rng, func(ctx context.Context) (app.Receipt, error) {
		return node.Cancel(ctx, p.who, app.CancelRequest{Key: key, Code: p.code, Channel: booking.Web})
	})
	a := act{p.slot, "give", p.units}
	switch {
	case err != nil:
		return err
	case !known:
		p.lost = true
		n.note(a, came{unknown: true}, call, forever)
	case code != "":
		return fmt.Errorf("a cancellation was refused: %s", code)
	default:
		n.note(a, came{yes: true}, call, n.now())
		*p = soul{who: p.who}
	}
	return nil
}

func (n *notes) move(ctx context.Context, node *app.App, rng *rand.Rand, p *soul) error {
	to := n.slots[rng.IntN(len(n.slots))]
	if to == p.slot {
		return nil
	}
	key := fmt.Sprintf("move-%08d", n.next())
	call := n.now()
	_, code, known, err := n.ask(ctx, rng, func(ctx context.Context) (app.Receipt, error) {
		return node.Move(ctx, p.who, app.MoveRequest{Key: key, Code: p.code, SlotID: to, Channel: booking.Web})
	})
	take, give := act{to, "take", p.units}, act{p.slot, "give", p.units}
	switch {
	case err != nil:
		return err
	case !known:
		p.lost = true
		n.note(take, came{unknown: true}, call, forever)
		n.note(give, came{unknown: true}, call, forever)
	case code == "":
		ret := n.now()
		n.note(take, came{yes: true}, call, ret)
		n.note(give, came{yes: true}, call, ret)
		p.slot = to
	case code == fault.SoldOut:
		n.note(take, came{}, call, n.now())
	default:
		return fmt.Errorf("a move was refused: %s", code)
	}
	return nil
}

func (n *notes) join(ctx context.Context, node *app.App, rng *rand.Rand, p *soul) error {
	list := n.list(rng)
	w := &waiter{slots: map[string]bool{}, units: max(1, len(list)), joining: n.now()}
	wants := app.Wants{Halls: [][]string{{north}, {south}, {north, south}}[rng.IntN(3)], Dates: []calendar.Date{calendar.MakeDate(2026, time.November, 25)}, Hours: hours[rng.IntN(3):]}
	if rng.IntN(2) == 0 {
		wants.Dates = append(wants.Dates, wants.Dates[0]+1)
	}
	v, err := node.JoinWait(ctx, p.who, app.WaitRequest{
		Key: fmt.Sprintf("join-%08d", n.next()), Item: itemA, Stage: directory.Acceptance, Cases: list, Wants: wants, Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
	})
	if fault.CodeOf(err) == fault.PlaceFree {
		return nil
	}
	if err != nil {
		return err
	}
	w.id, w.joined = v.Entry.ID, n.now()
	for _, l := range v.Entry.Lines {
		for _, d := range wants.Dates {
			for _, h := range wants.Hours {
				w.slots[booking.SlotID(l.QueueID, d, h)] = true
			}
		}
	}
	p.code, p.id, p.units = v.Code, w.id, w.units
	n.mu.Lock()
	n.line[w.id] = w
	n.told["joined"]++
	n.mu.Unlock()
	return nil
}

// wait looks what became of an entry, and sometimes leaves.
func (n *notes) wait(ctx context.Context, node *app.App, rng *rand.Rand, p *soul) error {
	call := n.now()
	v, err := node.MyWait(ctx, p.who, p.code)
	if err == nil && v.Entry.State == booking.Waiting && rng.IntN(6) == 0 {
		n.mu.Lock()
		n.line[p.id].away = n.now()
		n.mu.Unlock()
		v, err = node.LeaveWait(ctx, p.who, p.code)
		if code := fault.CodeOf(err); code == fault.WaitEnded || code == fault.ChangedMeanwhile { // it was being served
			call = n.now()
			v, err = node.MyWait(ctx, p.who, p.code)
		}
	}
	if err != nil {
		return err
	}
	switch v.Entry.State {
	case booking.WaitBooked:
		n.saw(p.id, v.Entry.State, v.Entry.SlotID, call, n.now())
		p.slot = v.Entry.SlotID
	case booking.WaitLeft:
		*p = soul{who: p.who}
	}
	return nil
}

// live plays the bursts.
func (n *notes) live(t *testing.T, seed uint64) {
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	people := make([][]*soul, callers)
	for c := range people {
		for i := range eachHas {
			p := apptest.Citizen(10_000 + c*eachHas + i)
			p.Level = identity.Verified
			_, s, err := n.app.SignIn(ctx, p)
			must(err)
			people[c] = append(people[c], &soul{who: s})
		}
	}
	total := dailyOfA
	for burst := range bursts {
		stop := make(chan struct{})
		var acting, serving sync.WaitGroup
		for c := range callers {
			acting.Go(func() {
				rng := rand.New(rand.NewPCG(seed, uint64(burst*callers+c)))
				for range inBurst {
					if err := n.do(ctx, n.nodes[rng.IntN(len(n.nodes))], rng, people[c][rng.IntN(eachHas)]); err != nil {
						t.Error(err)
					}
				}
			})
		}
		if burst%3 == 1 {
			total += len(hours)
			acting.Go(func() {
				call := n.now()
				_, err := n.capacity(ctx, ask{Queue: queueIDs[0], Dates: []string{"2026-11-25"}, Total: total, Urgent: true})
				if err != nil {
					t.Error(err)
				}
				for _, h := range hours {
					n.note(act{booking.SlotID(queueIDs[0], calendar.MakeDate(2026, time.November, 25), h), "more", total / len(hours)}, came{yes: true}, call, n.now())
				}
			})
		}
		for _, node := range n.nodes {
			serving.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if err := cmpOr(node.ServeWaits(ctx), n.lookAtLine(ctx)); err != nil && !busy(err) {
						t.Error(err)
						return
					}
					if _, err := n.lookAtSlots(ctx); err != nil && !busy(err) {
						t.Error(err)
						return
					}
					time.Sleep(2 * time.Millisecond)
				}
			})
		}
		acting.Wait()
		close(stop)
		serving.Wait()
		// Nobody does anything: the line is served, and what nobody wants opens from time to time.
		n.clock.Add(3 * time.Second)
		must(cmpOr(n.app.ServeWaits(ctx), n.lookAtLine(ctx)))
		_, err := n.lookAtSlots(ctx)
		must(err)
		if burst%2 == 1 {
			call := n.now()
			n.clock.Add(31 * time.Minute)
			must(n.app.ServeWaits(ctx))
			for _, id := range n.slots {
				n.note(act{slot: id, kind: "open"}, came{yes: true}, call, n.now())
			}
			_, err := n.lookAtSlots(ctx)
			must(err)
		}
	}
}

func cmpOr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestManyAtOnceAreServedAsIfOneAfterTheOther plays with one node on SQLite and with two on PostgreSQL.
func TestManyAtOnceAreServedAsIfOneAfterTheOther(t *testing.T) {
	for _, c := range []struct {
		name, source string
		nodes        int
	}{{"one_on_sqlite", "", 1}, {"two_on_postgres", pgSource, 2}} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(2) {
				t.Run(fmt.Sprint(seed), func(t *testing.T) { manyAtOnce(t, c.source, c.nodes, seed) })
			}
		})
	}
}

const pgSource = "postgres"

func manyAtOnce(t *testing.T, engine string, nodes int, seed uint64) {
	ctx := t.Context()
	source := ""
	if engine == pgSource {
		source = apptest.Postgres(t)
	}
	l := lawOf(false, 100)
	city, end := newTown(t, source, l, false)
	defer end()
	city.clock.Set(start.Add(4*time.Hour + 5*time.Minute)) // the release is over
	n := &notes{town: city, nodes: []*app.App{city.app}, began: time.Now(), line: map[string]*waiter{}, waiting: map[string]int64{}, told: map[string]int{}}
	follow, unfollow := context.WithCancel(ctx)
	var following sync.WaitGroup
	defer func() { unfollow(); following.Wait() }()
	for len(n.nodes) < nodes {
		db, err := store.Open(ctx, source, store.Options{Now: city.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		other, err := app.New(ctx, app.Config{DB: db, Vault: city.vault, Now: city.clock.Now, Public: apptest.Public})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		n.nodes = append(n.nodes, other)
	}
	for _, node := range n.nodes {
		following.Go(func() { node.FollowNews(follow, 5*time.Millisecond) })
	}
	for _, q := range queueIDs[:2] {
		for _, d := range []calendar.Date{calendar.MakeDate(2026, time.November, 25), calendar.MakeDate(2026, time.November, 26)} {
			for _, h := range hours {
				n.slots = append(n.slots, booking.SlotID(q, d, h))
			}
		}
	}
	initial, err := n.lookAtSlots(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n.history = nil
	n.live(t, seed)
	if t.Failed() {
		return
	}
	if err := city.sound(ctx); err != nil {
		t.Error(err)
	}
	began := time.Now()
	if got, _ := linear(initial, n.history); got != porcupine.Ok {
		t.Errorf("the history could not have come about one thing after the other: %v", got)
	}
	var line []waiter
	served := 0
	for _, w := range n.line {
		line = append(line, *w)
		if w.served != 0 {
			served++
		}
	}
	for _, wrong := range overtaken(line) {
		t.Error(wrong)
	}
	t.Logf("%d things in %v, looked at in %v; %d of %d in line served; %v", len(n.history), time.Since(n.began).Round(time.Millisecond), time.Since(began).Round(time.Millisecond), served, len(line), n.told)
	if served < 10 || n.told["take false"] < 10 || n.told["unknown"] == 0 {
		t.Error("too little happened: this proves nothing")
	}
	lies(t, initial, n.history)
}

// lies looks whether the history would have been found out had one answer been another.
func lies(t *testing.T, initial map[string]numbers, history []porcupine.Operation) {
	open := map[string]bool{} // slots of which somebody never knew: that may explain what is not so
	for _, o := range history {
		if o.Output.(came).unknown {
			open[o.Input.(act).slot] = true
		}
	}
	alone := func(look porcupine.Operation) bool { // nothing was being done to the slot meanwhile that may have been before or after
		return !slices.ContainsFunc(history, func(o porcupine.Operation) bool {
			a := o.Input.(act)
			return a.kind != "look" && a.slot == look.Input.(act).slot && o.Call <= look.Return && look.Call <= o.Return
		})
	}
	for name, lie := range map[string]func(o *porcupine.Operation) bool{
		"a no was a yes": func(o *porcupine.Operation) bool {
			c := o.Output.(came)
			if o.Input.(act).kind != "take" || c.yes || c.unknown {
				return false
			}
			o.Output = came{yes: true}
			return true
		},
		"one number more was taken": func(o *porcupine.Operation) bool {
			c := o.Output.(came)
			if o.Input.(act).kind != "look" || c.seen.free() == 0 || !alone(*o) {
				return false
			}
			c.seen.taken++
			o.Output = c
			return true
		},
		"a promotion took nothing": func(o *porcupine.Operation) bool {
			a := o.Input.(act)
			if a.kind != "promote" {
				return false
			}
			a.kind, a.units = "give", 0
			o.Input = a
			return true
		},
	} {
		told := slices.Clone(history)
		at := -1
		for i := range told {
			if at < 0 && !open[told[i].Input.(act).slot] && lie(&told[i]) {
				at = i
			}
		}
		if at < 0 {
			t.Errorf("%s: there is no such answer", name)
			continue
		}
		slot := told[at].Input.(act).slot
		told = slices.DeleteFunc(told, func(o porcupine.Operation) bool { return o.Input.(act).slot != slot })
		if got, _ := linear(initial, told); got != porcupine.Illegal {
			t.Errorf("%s: not found out, %v", name, got)
		}
	}
}
