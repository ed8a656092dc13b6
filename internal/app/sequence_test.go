package app_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// move is one thing that somebody does in a city.
type move struct {
	act    string
	who    string
	a, b   int
	change supply.Change
	flag   bool
}

var anyMove = rapid.Custom(func(t *rapid.T) move {
	m := move{
		act: rapid.SampledFrom([]string{"file", "file", "decide", "decide", "decide", "book", "book", "book", "cancel", "withdraw", "answer", "wait", "prepare", "close account", "hand over"}).Draw(t, "act"),
		who: rapid.SampledFrom([]string{"P1", "P2", "A1", "A2", "AS", "AV", "B1", "M1"}).Draw(t, "who"),
		a:   rapid.IntRange(0, 999).Draw(t, "a"), b: rapid.IntRange(0, 6).Draw(t, "b"), flag: rapid.IntRange(0, 3).Draw(t, "flag") > 0,
	}
	c := supply.Change{
		Kind: rapid.SampledFrom([]supply.Kind{supply.Capacity, supply.Capacity, supply.Close, supply.Extend, supply.Weekend, supply.Share}).Draw(t, "kind"),
		From: calendar.Date(rapid.IntRange(0, 6).Draw(t, "from")), Total: rapid.IntRange(0, 150).Draw(t, "total"), Source: "filed",
		Half:  rapid.SampledFrom([]calendar.Half{calendar.Morning, calendar.Afternoon, calendar.WholeDay}).Draw(t, "half"),
		Hours: calendar.HoursOf(rapid.IntRange(8, 19).Draw(t, "hour")), PerHour: rapid.IntRange(1, 9).Draw(t, "per hour"), PerMille: rapid.IntRange(0, 100).Draw(t, "share"),
	}
	if rapid.Bool().Draw(t, "ends") {
		c.To = c.From + calendar.Date(rapid.IntRange(0, 5).Draw(t, "days"))
	}
	m.change = c
	return m
})

// After any sequence of requests, decisions and bookings no booking is on a slot above its capacity, nobody
// has decided their own, and no breach is missing from the ledger.
func TestArt23_AnySequenceHolds(t *testing.T) {
	plans := rapid.SliceOfN(anyMove, 120, 160)
	for seed := range 16 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, apptest.Options{})
			p := &play{desk: d, late: map[string]string{}}
			for i, m := range plans.Example(seed + 1) {
				p.step(m)
				if i%5 == 4 {
					p.holds(fmt.Sprintf("after step %d, %+v", i, m))
				}
				if t.Failed() {
					return
				}
			}
			d.full()
			t.Logf("%d requests, %d decided, %d bookings", len(p.requests), p.decided, len(p.booked))
		})
	}
}

// play is a sequence being played, with what it must have left behind.
type play struct {
	*desk
	requests []string
	booked   []app.Receipt
	people   []*identity.Session
	decided  int
	late     map[string]string // request → who decided it late
}

var playQueues = []string{apptest.QueueA, apptest.QueueStreet, apptest.HallVillage + "-general", apptest.QueueB}

func (p *play) step(m move) {
	p.Helper()
	ctx := context.Background()
	queue := playQueues[m.a%len(playQueues)]
	day := calendar.DateOf(p.Clock.Now())
	// What somebody may not do, or what cannot be done now, is refused; nothing may go wrong.
	check := func(err error) bool {
		p.Helper()
		if k := fault.As(err); k != nil && (k.Kind == fault.Internal || k.Kind == fault.Unavailable) {
			p.Errorf("%+v: %v", m, err)
		}
		return err == nil
	}
	pick := func() (supply.Request, bool) {
		if len(p.requests) == 0 {
			return supply.Request{}, false
		}
		return p.get(p.requests[m.a%len(p.requests)]), true
	}
	switch m.act {
	case "file":
		c := m.change
		c.From += day
		if c.To != 0 {
			c.To += day
		}
		in := app.Asked{Targets: []app.Target{{Hall: p.App.City().Queue(queue).HallID, Queue: queue}}, Change: c, Urgent: !m.flag, Reason: "理由"}
		who := m.who
		if m.b > 0 { // most often somebody who may
			who = map[string]string{apptest.QueueA: "A2", apptest.QueueStreet: "AS", apptest.QueueB: "B1"}[queue]
			if who == "" {
				who = "AV"
			}
		}
		list, err := p.App.FileRequest(ctx, p.as(who), in)
		check(err)
		for _, r := range list {
			p.requests = append(p.requests, r.ID)
		}
	case "decide":
		if r, ok := pick(); ok {
			// Most often it is the one it is up to; else anybody tries.
			who := m.who
			if m.b > 1 {
				who = map[account.Rank]string{account.Platform1: "P1", account.District1: "A1", account.District2: "AS", account.Municipal1: "M1"}[r.UpTo]
			}
			if _, err := p.App.DecideRequest(ctx, p.as(who), r.ID, r.Version, m.flag, "理由"); check(err) {
				p.decided++
				if p.Clock.Now().After(r.DueAt) {
					p.late[r.ID] = who
				}
			}
		}
	case "book":
		for range 1 + m.a%7 {
			_, who := p.SignIn(p, apptest.Citizen(len(p.people)+1))
			p.people = append(p.people, who)
			for hour := range 14 {
				id := booking.SlotID(queue, day+1+calendar.Date(m.b), 8+(hour+m.b)%14)
				r, err := p.App.Book(ctx, who, app.BookRequest{
					Key: fmt.Sprintf("play-%05d-%d", len(p.people), hour), Item: apptest.SocialCard, SlotID: id, Stage: directory.Consultation,
					Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
				})
				if check(err) {
					p.booked = append(p.booked, r)
					break
				}
			}
		}
	case "cancel":
		if len(p.booked) > 0 {
			r := p.booked[m.a%len(p.booked)]
			for _, who := range p.people {
				if who.Person.Key == r.View.Booking.BookerKey {
					_, err := p.App.Cancel(ctx, who, app.CancelRequest{Key: fmt.Sprintf("gone-%05d-%d", m.a, p.decided), Code: r.View.Code})
					check(err)
				}
			}
		}
	case "withdraw":
		if r, ok := pick(); ok {
			_, err := p.App.WithdrawRequest(ctx, p.as(m.who), r.ID, r.Version)
			check(err)
		}
	case "answer":
		if r, ok := pick(); ok {
			_, err := p.App.AnswerSuggestion(ctx, p.as("A2"), r.ID, r.Version, m.flag, "理由")
			check(err)
		}
	case "wait":
		p.Clock.Add(time.Duration(m.b*5) * time.Hour)
		if m.flag {
			_, err := p.App.EscalateRequests(ctx)
			check(err)
		}
	case "prepare":
		_, err := p.App.Prepare(ctx, nil)
		check(err)
		_, err = p.App.CarryOut(ctx)
		check(err)
	case "close account":
		if m.b == 0 && m.who != "P1" {
			p.close(m.who)
		}
	case "hand over":
		if m.b == 0 && m.who == "A1" && p.as("A1").Account.Active() {
			p.close("A1")
			p.open("A1n", account.District1, apptest.DistrictA, "A1")
		}
	}
}

// holds checks what must hold at every moment.
func (p *play) holds(when string) {
	p.Helper()
	ctx := context.Background()
	if err := p.DB.View(ctx, func(tx *store.Tx) error {
		if err := tx.SlotsFrom(ctx, 0, func(s store.LiveSlot) {
			if s.Taken > s.Capacity || s.OnSiteTaken > s.OnSite {
				p.Errorf("%s: %s has %d of %d", when, s.ID, s.Taken, s.Capacity)
			}
		}); err != nil {
			return err
		}
		for _, id := range p.requests {
			r, err := tx.Request(ctx, id)
			if err != nil {
				return err
			}
			list, _, err := tx.Ledger(ctx, store.LedgerQuery{Request: id, Limit: 100})
			if err != nil {
				return err
			}
			has := func(kind supply.Breach, who string) bool {
				return slices.ContainsFunc(list, func(e store.LedgerEntry) bool { return e.Kind == kind && (who == "*" || e.Account == who) })
			}
			if r.Late && !r.Urgent && r.Origin == supply.Asked && !has(supply.LateRequest, r.FiledBy) {
				p.Errorf("%s: %s was filed late and is not entered", when, id)
			}
			if who := p.late[id]; who != "" && !has(supply.LateDecision, who) {
				p.Errorf("%s: %s was decided late by %s and is not entered", when, id, who)
			}
			events, err := tx.RequestEvents(ctx, id)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(events, func(e store.RequestEvent) bool { return e.Kind == "escalated" }) && !has(supply.LateDecision, "*") {
				p.Errorf("%s: %s moved up and nobody is entered", when, id)
			}
			if r.DecidedBy == "" {
				if r.State != supply.Waiting && r.State != supply.Withdrawn {
					p.Errorf("%s: %s is %s and nobody decided", when, id, r.State)
				}
				continue
			}
			who, err := tx.Account(ctx, r.DecidedBy)
			if err != nil {
				return err
			}
			asker, err := tx.Account(ctx, r.FiledBy)
			if err != nil {
				return err
			}
			if account.Related(who.Account, asker.Account) || who.Mobile == asker.Mobile {
				p.Errorf("%s: %s decided what %s asked", when, who.ID, asker.ID)
			}
		}
		return nil
	}); err != nil {
		p.Fatal(err)
	}
}
