package server

import (
	"context"
	"fmt"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/theme"
	"suiyue/internal/gate/identity/testpeople"
)

// The cases of a demonstration (Art. 20): themes a test person handed in at the district's counter some working
// days ago, and what the departments have done with them since. They are accepted by the counter and worked by the
// departments as any are; only the clock is put back for it.
const (
	demoApplicant = "citizen-strong"
	demoDaysAgo   = 8 // working days
)

// demoWork is one act of a department: so many working days after the acceptance.
type demoWork struct {
	day, hour int
	unit      string
	step      string
	kind      theme.ActKind
	text      string
}

// demoCases are the themes and what was done.
var demoCases = []struct {
	item string
	work []demoWork
}{
	{"OT-01", []demoWork{ // done, being worked on, supplement asked, and two that wait for it
		{0, 15, "440100-health", "certificate", theme.Take, ""},
		{1, 10, "440100-health", "certificate", theme.Finish, "出生医学证明已签发，随户口材料一并转送。"},
		{2, 9, "440100-health", "vaccination", theme.Take, ""},
		{2, 10, "440100-police", "household", theme.Take, ""},
		{3, 11, "440100-police", "household", theme.Ask, "请补交父亲的居民户口簿原件照片（首页和本人页）。"},
	}},
	{"OT-06", []demoWork{ // one department is done, another late
		{0, 16, "440100-market", "company", theme.Take, ""},
		{2, 15, "440100-market", "company", theme.Finish, "准予设立登记，营业执照已生成，可在网上下载。"},
	}},
}

// makeCases has a test person's themes accepted and worked on, unless that was done before.
func (s *Server) makeCases(ctx context.Context) error {
	cal, date := s.app.Calendar(), calendar.DateOf(s.clock.Now())
	for n := 0; n < demoDaysAgo; {
		if date--; cal.IsWorking(date) {
			n++
		}
	}
	h := &hallDay{s: s}
	switch err := h.counters(ctx); fault.CodeOf(err) {
	case "":
	case fault.AccountNotFound, fault.HallNotFound: // a city without a district's hall
		return nil
	default:
		return err
	}
	who, _ := testpeople.Find(testpeople.All(), demoApplicant)
	keys, err := openKeys(ctx, s.cfg.Data, s.db)
	if err != nil {
		return err
	}
	p := identity.Person{Key: identity.Key(keys.Lookup("person", who.Document.Canonical("")))}
	if have, err := s.app.MyCases(ctx, &identity.Session{Person: p}); err != nil || len(have) > 0 {
		return err
	}
	shift := s.clock.Shift()
	defer func() { s.clock.Set(time.Now().Add(shift)) }()
	clerk := h.clerks[0]
	s.clock.Set(date.At(9, 30))
	if _, err := s.app.OpenCounter(ctx, clerk.by, h.hall, clerk.counter, clerk.queues); err != nil {
		return err
	}
	served := 0
	act := func(kind counter.ActKind, ticket string, r counter.Result) error {
		served++
		_, err := s.app.Serve(ctx, clerk.by, h.hall, clerk.counter, counter.Act{Kind: kind, Ticket: ticket, Counter: clerk.counter, Result: r}, fmt.Sprintf("demo-case-%d", served))
		return err
	}
	for _, c := range demoCases {
		o := s.offered(h.hall, c.item)
		if o == nil {
			continue
		}
		t, err := s.app.TakeGreen(ctx, app.By{Admin: clerk.by, Channel: app.AtDesk}, h.hall, app.Green{
			Key: "demo-case-" + c.item, Item: c.item, Stage: directory.Acceptance, Queue: o.QueueID,
			Name: who.Name, Document: who.Document, Phone: who.Phone, Verified: counter.Military,
		})
		if err != nil {
			return err
		}
		if err := act(counter.Call, "", ""); err != nil {
			return err
		}
		s.clock.Set(s.clock.Now().Add(12 * time.Minute))
		if err := act(counter.Finish, t.Ticket.ID, counter.Finished); err != nil {
			return err
		}
	}
	if _, err := s.app.CloseCounter(ctx, clerk.by, h.hall, clerk.counter); err != nil {
		return err
	}
	list, err := s.app.MyCases(ctx, &identity.Session{Person: p})
	if err != nil {
		return err
	}
	for _, c := range demoCases {
		for _, one := range list {
			if one.Case.Theme == c.item {
				if err := s.workCase(ctx, one.Case.ID, date, c.work); err != nil {
					return fmt.Errorf("%s: %w", c.item, err)
				}
			}
		}
	}
	s.clock.Set(date.At(18, 30))
	_, err = s.app.EndDay(ctx, h.hall, date)
	return err
}

func (s *Server) offered(hall, item string) *directory.Offering {
	for _, o := range s.app.City().Offers(item) {
		if o.HallID == hall && o.Stages.Has(directory.Acceptance) {
			return o
		}
	}
	return nil
}

// workCase does what the departments did with a case accepted on a date.
func (s *Server) workCase(ctx context.Context, id string, date calendar.Date, list []demoWork) error {
	accounts, _, err := s.app.DemoAccounts(ctx)
	if err != nil {
		return err
	}
	for _, w := range list {
		day := date
		for n := 0; n < w.day; {
			if day++; s.app.Calendar().IsWorking(day) {
				n++
			}
		}
		s.clock.Set(day.At(w.hour, 10))
		for _, who := range accounts {
			if who.Unit != w.unit || who.Scope(account.Handle).None {
				continue
			}
			ad := &app.Admin{Account: who, SignedIn: s.clock.Now(), Proved: s.clock.Now(), Expires: s.clock.Now().Add(time.Hour), Origin: "demonstration"}
			if err := s.app.WorkStep(ctx, ad, app.StepAct{Kind: w.kind, Case: id, Step: w.step, Text: w.text}); err != nil {
				return fmt.Errorf("%s %s: %w", w.kind, w.step, err)
			}
			break
		}
	}
	return nil
}
