package app

import (
	"context"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// RequestView is a request with its history and what the one who looks may do.
type RequestView struct {
	supply.Request
	Events    []store.RequestEvent
	Ledger    []store.LedgerEntry
	Now       supply.Impact // as it would be now, while it waits
	Bundled   int           // requests filed together with it, itself too; 0 alone
	Decidable bool
	Own       bool // filed by who looks, or by the account they took over
	Reports   bool // a suggestion they may carry out and report on
}

// Request returns a request of a hall the administrator may supervise.
func (a *App) Request(ctx context.Context, ad *Admin, id string) (RequestView, error) {
	var v RequestView
	if !ad.has(account.Supervise) {
		return v, fault.New(fault.NotAllowed)
	}
	err := a.db.View(ctx, func(tx *store.Tx) error {
		r, err := tx.Request(ctx, id)
		if err != nil {
			return err
		}
		var p account.Place
		if r != nil {
			p, _ = a.City().Place(r.HallID)
		}
		if r == nil || !ad.Account.May(account.Supervise, p) {
			return fault.New(fault.RequestNotFound)
		}
		asker, err := tx.Account(ctx, r.FiledBy)
		if err != nil {
			return err
		}
		if asker == nil {
			asker = &store.Account{}
		}
		v = RequestView{Request: *r, Own: account.Related(ad.Account, asker.Account)}
		me, err := tx.Account(ctx, ad.Account.ID)
		if err != nil {
			return err
		}
		samePerson := me != nil && me.Mobile == asker.Mobile
		v.Decidable = r.State == supply.Waiting && ad.has(account.Decide) && ad.Account.Decides(asker.Account, r.UpTo, p) && !samePerson
		v.Reports = r.State == supply.Sent && ad.has(account.CarryOut) && ad.Account.May(account.CarryOut, p)
		if v.Events, err = tx.RequestEvents(ctx, id); err != nil {
			return err
		}
		if r.Bundle != "" {
			if _, v.Bundled, err = tx.Requests(ctx, store.RequestQuery{Bundle: r.Bundle, Scope: a.Scope(ad, account.Supervise), Limit: 1}); err != nil {
				return err
			}
		}
		if v.Ledger, _, err = tx.Ledger(ctx, store.LedgerQuery{Scope: a.Scope(ad, account.Supervise), Request: id, Limit: 20}); err != nil {
			return err
		}
		if v.Now = r.Impact; r.State == supply.Waiting || r.State == supply.Sent {
			v.Now, _, err = a.impact(ctx, tx, Target{r.HallID, r.QueueID}, r.Change)
		}
		return err
	})
	return v, err
}

// RequestFilter narrows a list of requests.
type RequestFilter struct {
	State    supply.State
	Open     bool
	Kind     supply.Kind
	Origin   supply.Origin
	Hall     string
	Bundle   string
	Mine     bool   // filed by who looks
	ToDecide bool   // waiting for who looks
	ToReport bool   // suggestions waiting for a hall of who looks
	Order    string // "", "due", "effective"
	Reversed bool
	Page     int   // from 0
	Size     int   // 0 = 25
	Walk     *Walk // in place of order, Page and Size
}

// Requests returns the requests of the halls an administrator may supervise, and how many there are.
func (a *App) Requests(ctx context.Context, ad *Admin, f RequestFilter) (list []supply.Request, all int, err error) {
	q := store.RequestQuery{
		Scope: a.Scope(ad, account.Supervise), State: f.State, Open: f.Open, Kind: f.Kind, Origin: f.Origin, Hall: f.Hall, Bundle: f.Bundle,
		Order: f.Order, Reversed: f.Reversed, Limit: f.Size, Walk: f.Walk,
	}
	if q.Limit <= 0 || q.Limit > mostTargets {
		q.Limit = 25
	}
	q.Offset = max(f.Page, 0) * q.Limit
	if f.Mine {
		q.FiledBy = ad.Account.ID
	}
	if f.ToDecide {
		q.Scope, q.UpTo = a.Scope(ad, account.Decide), ad.Account.Rank
		q.NotBy, q.NotFor = relatedTo(ad.Account), ad.Account.ID
	}
	if f.ToReport {
		q.Scope, q.State, q.Origin = a.Scope(ad, account.CarryOut), supply.Sent, supply.Suggested
	}
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, all, err = tx.Requests(ctx, q)
		return err
	})
	return list, all, err
}

// relatedTo lists the accounts that are one with a in the eyes of the rule that nobody decides their own.
func relatedTo(a account.Account) []string {
	list := []string{a.ID}
	for _, other := range []string{a.Predecessor, a.Successor} {
		if other != "" {
			list = append(list, other)
		}
	}
	return list
}

// Average is the daily average of a queue from what it completed over the rulebook's working days, 60 of
// them (Art. 15). days is how many of those are known; 0 means that there is nothing to take a mean of.
func (a *App) Average(ctx context.Context, ad *Admin, queue string) (average, days int, err error) {
	q := a.City().Queue(queue)
	if q == nil {
		return 0, 0, fault.New(fault.QueueNotFound)
	}
	if err := a.Allow(ad, account.Supervise, q.HallID); err != nil {
		return 0, 0, err
	}
	today := calendar.DateOf(a.now())
	cal := a.Calendar()
	from := today
	for n := a.Rules(today).CapacityDays; n > 0; {
		if from--; cal.IsWorking(from) {
			n--
		}
	}
	var list []store.Completed
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.CompletedOf(ctx, q.HallID, q.ID, from, today)
		return err
	}); err != nil {
		return 0, 0, err
	}
	var counts []int
	for _, c := range list {
		if cal.IsWorking(c.Date) {
			counts = append(counts, c.N)
		}
	}
	return supply.DailyAverage(counts), len(counts), nil
}

// Advice shows what the even split of a queue's daily total leaves idle or short per hour, by the hours
// people took before (Art. 15). It advises only.
func (a *App) Advice(ctx context.Context, ad *Admin, queue string) ([]supply.HourAdvice, error) {
	q := a.City().Queue(queue)
	if q == nil {
		return nil, fault.New(fault.QueueNotFound)
	}
	if err := a.Allow(ad, account.Supervise, q.HallID); err != nil {
		return nil, err
	}
	var wanted [24]int
	from := calendar.DateOf(a.now()) - 90
	err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		wanted, err = tx.TakenByHour(ctx, q.HallID, q.ID, from)
		return err
	})
	return supply.Advise(q.DailyAverage, q.Week.Work, wanted), err
}
