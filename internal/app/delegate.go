package app

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// Delegated booking: what bookings want of departments' own systems is written with them, and asked for here until both sides
// know the same (docs/adr/0052-three-ways-to-connect.md).

// Department asks the adapter of a department (docs/connected-systems.md). Everything can be asked again under the same id. An
// error that is no *DepartmentRefusal says nothing of whether it was done.
type Department interface {
	Hold(ctx context.Context, at DepartmentAdapter, id string, p DepartmentPlace) (DepartmentHold, error)
	Confirm(ctx context.Context, at DepartmentAdapter, id string) (DepartmentHold, error)
	Release(ctx context.Context, at DepartmentAdapter, id string) error
	Get(ctx context.Context, at DepartmentAdapter, id string) (DepartmentHold, error)
}

// DepartmentAdapter is where a department is asked, and with what the platform signs, in clear.
type DepartmentAdapter struct {
	Source  string
	Base    string
	Profile oversight.Profile
	KeyID   string
	Secret  []byte // or private key
}

// DepartmentPlace is what is asked for.
type DepartmentPlace struct {
	HallID, QueueID string
	Date            calendar.Date
	Hour            int
	Item            string
	Units           int
	Applicant       string // opaque
	Expires         time.Time
}

// DepartmentHold is what a department says of an id.
type DepartmentHold struct {
	State  DepartmentState
	Number string
}

// DepartmentState is what has become of an id there.
type DepartmentState string

const (
	ThereHeld      DepartmentState = "held"
	ThereConfirmed DepartmentState = "confirmed"
	ThereGone      DepartmentState = "gone" // released or expired, for good
)

// DepartmentRefusal is a no of a department: nothing was done.
type DepartmentRefusal struct {
	Code    string
	Unknown bool          // nothing was ever asked under the id
	Again   bool          // it may say otherwise later
	After   time.Duration // then, 0 where nothing was said
}

func (r *DepartmentRefusal) Error() string { return "department refuses: " + r.Code }

const (
	patience = 4 * time.Second

	// askFor bounds asking for one place: less than booking.AskedFor, and than claimPlacesFor.
	askFor = 12 * time.Second

	placesAtOnce   = 64
	placesInFlight = 16
	claimPlacesFor = time.Minute
	placesKept     = 35 * 24 * time.Hour
)

// downs are systems that did not answer, and until when they are left alone.
type downs struct {
	mu sync.Mutex
	of map[string]down
}

type down struct {
	failures int
	until    time.Time
}

func (d *downs) is(system string, now time.Time) (until time.Time, down bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	until = d.of[system].until
	return until, now.Before(until)
}

// told keeps whether a system answered; one that has failed several times is left alone for a while.
func (d *downs) told(system string, answered bool, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if answered {
		delete(d.of, system)
		return
	}
	if d.of == nil {
		d.of = map[string]down{}
	}
	f := d.of[system].failures + 1
	next := down{failures: f}
	if f > 3 {
		next.until = now.Add(putOff(f-3, 30*time.Second))
	}
	d.of[system] = next
}

// putOff is how long to wait after so many attempts: a second, then twice as long each time up to most.
func putOff(attempts int, most time.Duration) time.Duration {
	return min(time.Second<<min(max(attempts-1, 0), 12), most)
}

var errNoAdapter = errors.New("app: the system has no adapter, or nobody asks departments here")

func (a *App) adapter(source string) (DepartmentAdapter, error) {
	k, err := a.waysNow()
	if err != nil {
		return DepartmentAdapter{}, err
	}
	row, ok := k.adapters[source]
	if !ok || row.Base == "" || a.ways.department == nil {
		return DepartmentAdapter{}, errNoAdapter
	}
	secret, err := a.vault.Open(row.Sealed, aboutAdapter(source))
	return DepartmentAdapter{Source: source, Base: row.Base, Profile: row.Profile, KeyID: row.KeyID, Secret: secret}, err
}

// reference is what a system knows an applicant by: the same for the same one, and another in each system.
func (a *App) reference(system string, applicant identity.Key) string {
	return a.vault.Lookup("applicant for "+system, string(applicant))
}

func (a *App) placeThere(system string, b *booking.Booking, until time.Time) DepartmentPlace {
	return DepartmentPlace{
		HallID: b.HallID, QueueID: b.QueueID, Date: b.Date, Hour: b.Hour, Item: b.Item, Units: b.Units,
		Applicant: a.reference(system, b.ApplicantKey), Expires: until,
	}
}

// take holds and confirms a place. asked tells that it may have been asked for before: then what became of that is asked first.
func (a *App) take(ctx context.Context, at DepartmentAdapter, id string, p DepartmentPlace, asked bool) (DepartmentHold, error) {
	var h DepartmentHold
	var err error
	var no *DepartmentRefusal
	known := false
	if asked {
		h, err = a.ways.department.Get(ctx, at, id)
		if known = err == nil; err != nil && !(errors.As(err, &no) && no.Unknown) {
			return h, err
		}
	}
	if !known {
		if h, err = a.ways.department.Hold(ctx, at, id, p); err != nil {
			return h, err
		}
	}
	if h.State == ThereHeld {
		h, err = a.ways.department.Confirm(ctx, at, id)
	}
	if err == nil && h.State != ThereConfirmed {
		err = &DepartmentRefusal{Code: string(h.State)}
	}
	return h, err
}

// asked sorts what asking came to: refused for good, or to be asked again, in a while where the department said so.
func asked(err error) (refused bool, after time.Duration) {
	var no *DepartmentRefusal
	if errors.As(err, &no) {
		return !no.Again, no.After
	}
	return false, 0
}

// look does for one place what is to be done, as far as the department answers. again says when to look the next time; 0 = not.
func (a *App) look(ctx context.Context, d *booking.Delegation) (again time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	pause := putOff(d.Attempts, map[bool]time.Duration{true: 20 * time.Second, false: 5 * time.Minute}[d.State == booking.Wanted])
	now := a.now()
	over := d.State == booking.Wanted && !now.Before(d.Until)
	if until, is := a.ways.down.is(d.System, now); is && !over {
		return max(until.Sub(now), pause), nil
	}
	at, err := a.adapter(d.System)
	if err != nil && !over {
		return pause, err
	}
	tell := func(err error) {
		var no *DepartmentRefusal
		a.ways.down.told(d.System, err == nil || errors.As(err, &no), a.now())
	}
	switch d.State {
	case booking.Unwant:
		if err := a.ways.department.Release(ctx, at, d.Hold); err != nil {
			tell(err)
			_, after := asked(err)
			return max(pause, after), err
		}
		tell(nil)
		return 0, a.db.Update(ctx, func(tx *store.Tx) error { return tx.Returned(ctx, d.Hold) })
	case booking.Wanted:
		b, err := a.readBooking(ctx, d.Booking)
		if err != nil || b == nil || b.State != booking.Pending || booking.HoldOf(b.ID, b.Version) != d.Hold {
			return pause, err
		}
		settle := &booking.Settle{Booking: b.ID, Hold: d.Hold, Rules: a.Rules(b.Date)}
		if !over {
			h, err := a.take(ctx, at, d.Hold, a.placeThere(d.System, b, d.Until), d.Attempts > 1)
			tell(err)
			refused, after := asked(err)
			if err != nil && !refused {
				return max(pause, after), err
			}
			settle.Confirmed, settle.Number = err == nil, h.Number
		}
		// What the department said is told even to who has gone.
		keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), laneTime)
		defer cancel()
		_, err = a.ask(keep, settle)
		return pause, err
	}
	return 0, nil
}

// AskDepartments asks for and gives back the places that are due; more says that there may be more. Where none is it writes
// nothing.
func (a *App) AskDepartments(ctx context.Context) (more bool, err error) {
	if a.ways.department == nil {
		return false, nil
	}
	some := false
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		some, err = tx.DelegationsDue(ctx)
		return err
	}); err != nil || !some {
		return false, err
	}
	var due []*booking.Delegation
	if err := a.db.Update(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.ClaimDelegations(ctx, tx.Now.Add(claimPlacesFor), placesAtOnce)
		return err
	}); err != nil || len(due) == 0 {
		return false, err
	}
	free := make(chan struct{}, placesInFlight)
	var all sync.WaitGroup
	for _, d := range due {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			d.Attempts++ // by the claim
			a.lookAndPutOff(ctx, d)
		})
	}
	all.Wait()
	return len(due) == placesAtOnce, ctx.Err()
}

func (a *App) lookAndPutOff(ctx context.Context, d *booking.Delegation) {
	again, err := a.look(ctx, d)
	if err != nil && !errors.Is(err, context.Canceled) {
		a.log.Warn("a department was asked in vain", "system", d.System, "place", d.Hold, "state", string(d.State), "attempts", d.Attempts, "error", err)
	}
	if again == 0 {
		return
	}
	if err := a.db.Update(ctx, func(tx *store.Tx) error { return tx.PutOff(ctx, d.Hold, d.State, tx.Now.Add(again)) }); err != nil {
		a.log.Warn("a place is looked at again when its claim is over", "place", d.Hold, "error", err)
	}
}

// confirmed waits a little for the department to say something of a booking that was just made: the booking as it is then. A
// refusal is fault.DepartmentNo: nothing is booked. Who has no answer is told later.
func (a *App) confirmed(ctx context.Context, b booking.Booking) (booking.Booking, error) {
	if b.State == booking.Pending && a.ways.department != nil {
		var d *booking.Delegation
		err := a.db.Read(ctx, func(tx *store.Tx) error {
			list, err := tx.Delegations(ctx, b.ID)
			for _, one := range list {
				if one.Hold == booking.HoldOf(b.ID, b.Version) {
					d = one
				}
			}
			return err
		})
		if err == nil && d != nil && d.State == booking.Wanted && d.Attempts == 0 {
			done := make(chan struct{})
			go func() {
				defer close(done)
				d.Attempts = 1
				a.lookAndPutOff(context.WithoutCancel(ctx), d)
			}()
			wait := time.NewTimer(a.ways.patience)
			defer wait.Stop()
			select {
			case <-done:
			case <-wait.C:
			case <-ctx.Done():
			}
		}
		if now, err := a.readBooking(ctx, b.ID); err == nil && now != nil {
			b = *now
		}
	}
	if b.State != booking.Cancelled {
		return b, nil
	}
	var events []booking.Event
	if err := a.db.Read(ctx, func(tx *store.Tx) (err error) {
		events, err = tx.Events(ctx, b.ID)
		return err
	}); err != nil {
		return b, err
	}
	if n := len(events); n > 0 && events[n-1].Kind == booking.EventRefused {
		return b, fault.New(fault.DepartmentNo)
	}
	return b, nil
}

// moveThere moves a booking to numbers of a department's: the place is taken there before, so that the booking is never without
// one, and given back unless the move comes to be.
func (a *App) moveThere(ctx context.Context, b *booking.Booking, ask *booking.Move) (booking.Answer, error) {
	queue, date, hour, _ := booking.ParseSlotID(ask.SlotID)
	system := ask.Offer.System
	at, err := a.adapter(system)
	if err != nil {
		return booking.Answer{}, fault.Wrap(fault.DepartmentSilent, err).After(time.Minute)
	}
	hold := booking.HoldOf(b.ID, b.Version+1) + "-" + strings.ToLower(rand.Text()[:8])
	place := *b
	place.HallID, place.QueueID, place.SlotID, place.Date, place.Hour = ask.Offer.HallID, queue, ask.SlotID, date, hour
	until := a.now().Add(booking.TriedFor).Truncate(time.Second)
	if err := a.db.Update(ctx, func(tx *store.Tx) error {
		return tx.AddDelegation(ctx, &booking.Delegation{
			Hold: hold, Booking: b.ID, System: system, HallID: place.HallID, SlotID: place.SlotID, State: booking.Tried,
			Until: until, Due: tx.Now.Add(booking.TriedFor), MadeAt: tx.Now, At: tx.Now,
		})
	}); err != nil {
		return booking.Answer{}, err
	}
	giveUp := func() {
		keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := a.db.Update(keep, func(tx *store.Tx) error { return tx.GiveUp(keep, hold) }); err != nil {
			a.log.Warn("a place that was tried is given back when its time is over", "place", hold, "error", err)
		}
	}
	asking, cancel := context.WithTimeout(ctx, 2*a.ways.patience)
	defer cancel()
	h, err := a.take(asking, at, hold, a.placeThere(system, &place, until), false)
	if err != nil {
		giveUp()
		if refused, _ := asked(err); refused {
			return booking.Answer{}, fault.Wrap(fault.DepartmentNo, err)
		}
		return booking.Answer{}, fault.Wrap(fault.DepartmentSilent, err).After(30 * time.Second)
	}
	kept := false
	if err := a.db.Update(ctx, func(tx *store.Tx) (err error) {
		kept, err = tx.Tried(ctx, hold, h.Number)
		return err
	}); err != nil || !kept {
		giveUp()
		return booking.Answer{}, orElse(err, fault.New(fault.DepartmentSilent).After(30*time.Second))
	}
	ask.Hold = hold
	answer, err := a.ask(ctx, ask)
	if err != nil && fault.CodeOf(err) != fault.OutcomeUnknown || answer.Replayed {
		giveUp() // unless the move is done: then it is tried no more
	}
	return answer, err
}
