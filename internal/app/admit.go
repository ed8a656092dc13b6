package app

import (
	"context"
	"errors"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// Admission says whether a message that is due may go out now: the zero value is that it may.
type Admission struct {
	Again time.Duration // it waits so long
	Drop  bool          // it is not sent: it is of no use later
	Why   string        // quiet, limit
}

// Held tells whether it may not.
func (a Admission) Held() bool { return a.Drop || a.Again > 0 }

// Why a message is held.
const (
	heldQuiet = "quiet"
	heldLimit = "limit"
)

// AdmitMessages says which of the messages that are due may go out now, by the quiet hours and by what each phone was sent already. What goes out
// is counted. One that was tried before was admitted then.
func (a *App) AdmitMessages(ctx context.Context, list []Outgoing) ([]Admission, error) {
	out := make([]Admission, len(list))
	now := a.now()
	rules := a.Rules(calendar.DateOf(now)).Messages
	end, quiet := rules.Quiet(now)
	waiting := map[identity.Key][]int{} // of each phone, in order
	for i, o := range list {
		if o.Stale || o.Phone == "" || !o.Row.Handed.IsZero() {
			continue
		}
		if quiet && !o.Row.Kind.Night(now, o.about(now), end, rules.QuietSpares) {
			out[i] = Admission{Again: end.Sub(now), Why: heldQuiet}
			continue
		}
		if o.Row.Attempts == 0 && o.Row.Kind.OverLimit() != booking.LimitNever {
			key := a.phoneKey(o.Phone)
			waiting[key] = append(waiting[key], i)
		}
	}
	for len(waiting) > 0 { // once, unless a phone has several that are due
		over, err := a.takeTexts(ctx, waiting, now)
		if err != nil {
			return nil, err
		}
		for key, of := range waiting {
			again, full := over[key]
			if !full {
				if of = of[1:]; len(of) > 0 {
					waiting[key] = of
				} else {
					delete(waiting, key)
				}
				continue
			}
			for _, i := range of {
				out[i] = Admission{Again: max(again.Sub(now), time.Second), Why: heldLimit}
				if list[i].Row.Kind.OverLimit() == booking.LimitDrops {
					out[i] = Admission{Drop: true, Why: heldLimit}
				}
			}
			delete(waiting, key)
		}
	}
	return out, nil
}

func (a *App) takeTexts(ctx context.Context, waiting map[identity.Key][]int, now time.Time) (over map[identity.Key]time.Time, err error) {
	phones := make([]identity.Key, 0, len(waiting))
	for key := range waiting {
		phones = append(phones, key)
	}
	rules := a.Rules(calendar.DateOf(now)).Messages
	err = a.db.Update(ctx, func(tx *store.Tx) (err error) {
		over, err = tx.TakeTexts(ctx, phones, now, rules)
		return err
	})
	return over, err
}

// about is when what a message tells of begins, or has to be chosen by, after now; zero for nothing of the kind.
func (o Outgoing) about(now time.Time) (at time.Time) {
	sooner := func(t time.Time) {
		if t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if o.Ticket != nil || o.Case != nil {
		return at
	}
	if w := o.Wait; w != nil {
		if w.Hour > 0 {
			sooner(w.Date.At(w.Hour, 0))
		}
		return at
	}
	if lost := o.View.Lost; lost != nil {
		sooner(lost.Date.At(lost.Hour, 0))
		sooner(lost.Until)
	}
	if o.View.Booking.ID != "" {
		sooner(o.View.Booking.Date.At(o.View.Booking.Hour, 0))
	}
	return at
}

// errTextLimit says that a phone was sent as many notices as one is.
var errTextLimit = errors.New("app: the phone was sent too many notices")

// notify sends an administrator a notice that stands on their first page, too: one over the phone's limit is not sent. Quiet hours are none for
// whoever is on duty.
func (a *App) notify(ctx context.Context, phone, kind string, args map[string]string) error {
	key := a.phoneKey(phone)
	over, err := a.takeTexts(ctx, map[identity.Key][]int{key: nil}, a.now())
	if err != nil {
		return err
	}
	if _, full := over[key]; full {
		return errTextLimit
	}
	return a.texts.Text(ctx, phone, kind, args)
}
