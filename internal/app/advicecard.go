package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// AdviceView is a card as an administrator sees it.
type AdviceView struct {
	oversight.AdviceCard
	Hall  *directory.Hall
	Queue *directory.Queue
	About *supply.Request // it led to
	Asks  bool            // who looks may follow or dismiss it
}

const (
	cardsPerQueue = 2  // pieces of advice that are kept for a queue at once
	adviceRests   = 14 // days after which the same is advised again that was followed or dismissed
	adviceBlock   = "advice"
)

// adviseHall brings the cards of a hall to what its coming days need: new ones are made, those that stand get today's
// figures, and what is no longer needed is over.
func (a *App) adviseHall(ctx context.Context, hall string) error {
	var v HallForecast
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		v, err = a.foresee(ctx, tx, hall)
		return err
	}); err != nil {
		return err
	}
	var wanted []oversight.Advice
	for _, q := range v.Queues {
		if q.OK {
			list := oversight.Advise(q.input)
			wanted = append(wanted, list[:min(len(list), cardsPerQueue)]...)
		}
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		today := calendar.DateOf(tx.Now)
		cards, _, err := tx.AdviceCards(ctx, store.AdviceQuery{Scope: everywhere, Hall: hall, Limit: 200})
		if err != nil {
			return err
		}
		for _, one := range cards {
			if one.State != oversight.AdviceOpen {
				continue
			}
			next := one
			i := slices.IndexFunc(wanted, func(w oversight.Advice) bool { return w.Kind == one.Kind && w.QueueID == one.QueueID })
			if i >= 0 {
				next.Advice, next.Until = wanted[i], today+forecastAhead
				wanted = slices.Delete(wanted, i, i+1)
			} else {
				next.State, next.At = oversight.AdviceGone, tx.Now
			}
			next.Version++
			if _, err := tx.SaveAdvice(ctx, next, one.Version); err != nil {
				return err
			}
		}
		for _, w := range wanted {
			if slices.ContainsFunc(cards, func(c oversight.AdviceCard) bool {
				return c.Kind == w.Kind && c.QueueID == w.QueueID && (c.State == oversight.AdviceFollowed || c.State == oversight.AdviceDismissed) && c.At.After(tx.Now.AddDate(0, 0, -adviceRests))
			}) {
				continue
			}
			n, err := tx.NextBlock(ctx, fmt.Sprintf("%s %d", adviceBlock, today.Year()), 1)
			if err != nil {
				return err
			}
			card := oversight.AdviceCard{Advice: w, ID: fmt.Sprintf("V%d-%06d", today.Year(), n), State: oversight.AdviceOpen, MadeAt: tx.Now, Until: today + forecastAhead, Version: 1}
			if _, err := tx.AddAdvice(ctx, card); err != nil {
				return err
			}
		}
		return nil
	})
}

// everywhere is the scope of what happens by itself.
var everywhere = account.Scope{}

// AdviceCards returns the advice for the halls the administrator may supervise, of one of them if hall is not "", that
// which is open first, and how much there is. Only open tells what somebody may act on.
func (a *App) AdviceCards(ctx context.Context, ad *Admin, hall string, open bool, limit int) (out []AdviceView, all int, err error) {
	act := account.Supervise
	if open && hall == "" {
		act = account.Adjust
	}
	return out, all, a.db.View(ctx, func(tx *store.Tx) error {
		list, n, err := tx.AdviceCards(ctx, store.AdviceQuery{Scope: a.Scope(ad, act), Hall: hall, Open: open, Limit: min(max(limit, 1), 200)})
		if err != nil {
			return err
		}
		out, all = nil, n
		for _, one := range list {
			v := AdviceView{AdviceCard: one, Hall: a.City().Hall(one.HallID), Queue: a.City().Queue(one.QueueID), Asks: one.State == oversight.AdviceOpen && a.May(ad, account.Adjust, one.HallID)}
			if one.Request != "" {
				if v.About, err = tx.Request(ctx, one.Request); err != nil {
					return err
				}
			}
			out = append(out, v)
		}
		return nil
	})
}

// FollowAdvice names the request that advice led to.
func (a *App) FollowAdvice(ctx context.Context, ad *Admin, id, request string) error {
	return a.onAdvice(ctx, ad, id, "advice.follow", func(tx *store.Tx, one oversight.AdviceCard, now time.Time) (oversight.AdviceCard, error) {
		r, err := tx.Request(ctx, request)
		if err != nil {
			return one, err
		}
		if r == nil || r.HallID != one.HallID {
			return one, fault.InvalidFields(fault.Field{Path: "request", Code: fault.RequestNotFound})
		}
		one.State, one.Request = oversight.AdviceFollowed, request
		return one, nil
	})
}

// DismissAdvice puts advice aside, with a reason.
func (a *App) DismissAdvice(ctx context.Context, ad *Admin, id, why string) error {
	why = strings.TrimSpace(why)
	return a.onAdvice(ctx, ad, id, "advice.dismiss", func(_ *store.Tx, one oversight.AdviceCard, now time.Time) (oversight.AdviceCard, error) {
		switch {
		case why == "":
			return one, fault.InvalidFields(fault.Field{Path: "why", Code: fault.Required})
		case len([]rune(why)) > oversight.LongestWhy:
			return one, fault.InvalidFields(fault.Field{Path: "why", Code: fault.TooLong})
		}
		one.State, one.Why = oversight.AdviceDismissed, why
		return one, nil
	})
}

func (a *App) onAdvice(ctx context.Context, ad *Admin, id, name string, do func(*store.Tx, oversight.AdviceCard, time.Time) (oversight.AdviceCard, error)) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		one, err := tx.AdviceCard(ctx, id)
		if err != nil {
			return err
		}
		if one == nil || !a.May(ad, account.Supervise, one.HallID) {
			return fault.New(fault.AdviceNotFound)
		}
		if err := a.Allow(ad, account.Adjust, one.HallID); err != nil {
			return err
		}
		if one.State != oversight.AdviceOpen {
			return fault.New(fault.AdviceOver)
		}
		next, err := do(tx, *one, tx.Now)
		if err != nil {
			return err
		}
		next.By, next.At = ad.Account.ID, tx.Now
		next.Version++
		saved, err := tx.SaveAdvice(ctx, next, one.Version)
		if err != nil || !saved {
			return orElse(err, fault.New(fault.ChangedMeanwhile))
		}
		rec := ad.record(name, "advice", id)
		rec.Hall = one.HallID
		rec.After = asJSON(map[string]any{"kind": one.Kind, "queue": one.QueueID, "state": next.State, "request": next.Request})
		return tx.Audit(ctx, rec)
	})
}
