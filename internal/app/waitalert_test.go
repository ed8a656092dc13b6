package app_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

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

// pressed is a city with all its administrators, each with a mobile of their own.
type pressed struct {
	*desk
	day    calendar.Date // to be released at noon
	serial int
	people []*identity.Session
	codes  []string
}

func alertOnBoth(t *testing.T, run func(p *pressed)) {
	t.Parallel()
	one := func(t *testing.T, source string) {
		p := &pressed{desk: newDesk(t, apptest.Options{Twice: true, Source: source}), serial: 2000}
		for id := range officers {
			p.change(id, func(a *store.Account) {
				plain, err := json.Marshal(account.Person{Name: "陈示例", Duty: "职员", Mobile: "mobile of " + id})
				if err != nil {
					t.Fatal(err)
				}
				a.Sealed = p.Vault.Seal(plain, "account|"+id)
			})
		}
		p.at(today, 12, 5) // no release comes in between
		_, dates := p.App.NextRelease()
		p.day = dates[0]
		run(p)
		(&inLine{T: t, Fixture: p.Fixture}).sound()
	}
	t.Run("sqlite", func(t *testing.T) { one(t, "") })
	t.Run("postgres", func(t *testing.T) { one(t, apptest.Postgres(t)) })
}

// join puts n people into the line of the street hall, seven numbers a day.
func (p *pressed) join(n int) {
	p.Helper()
	for range n {
		p.serial++
		_, who := p.SignIn(p.T, apptest.Citizen(p.serial))
		v, err := p.App.JoinWait(p.Context(), who, app.WaitRequest{
			Key: fmt.Sprintf("press-%06d", p.serial), Item: apptest.SocialCard, Stage: directory.Acceptance, Channel: booking.Web, Applicant: app.Applicant{Kind: booking.Self},
			Wants: app.Wants{Halls: []string{apptest.HallStreet}, Dates: p.dates(), Hours: []int{9, 10, 11, 13, 14, 15, 16, 17, 18}},
		})
		if err != nil {
			p.Fatal(err)
		}
		p.people, p.codes = append(p.people, who), append(p.codes, v.Code)
	}
}

// dates are those that have something to wait for: the one released next, and the weekend before.
func (p *pressed) dates() []calendar.Date {
	out := []calendar.Date{p.day}
	for d := today; d < p.day; d++ {
		if d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
			out = append(out, d)
		}
	}
	return out
}

// told are the mobiles of administrators that got a message of a kind.
func (p *pressed) told(kind string) map[string]int {
	out := map[string]int{}
	for _, one := range p.Texts.Sent() {
		if one.Kind == kind {
			out[strings.TrimPrefix(one.Phone, "mobile of ")]++
		}
	}
	return out
}

func (p *pressed) check() {
	p.Helper()
	if _, err := p.App.CheckAlerts(p.Context()); err != nil {
		p.Fatal(err)
	}
}

func (p *pressed) only(who string, standing bool) app.AlertView {
	p.Helper()
	list, all, err := p.App.WaitAlerts(p.Context(), p.as(who), standing, 0, 10)
	if err != nil || len(list) != 1 || all != 1 {
		p.Fatalf("alerts of %s: %+v, %v", who, list, err)
	}
	return list[0]
}

func sameTold(t *testing.T, what string, got map[string]int, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: told %v, want %v", what, got, want)
	}
	for _, w := range want {
		if got[w] != 1 {
			t.Errorf("%s: %s was told %d times", what, w, got[w])
		}
	}
}

func TestArt16_MoreWaitingThanReleasedAlertsEveryLevelOnceAndRisesUntilAcknowledged(t *testing.T) {
	alertOnBoth(t, func(p *pressed) {
		ctx := t.Context()
		released := 0
		for _, day := range p.App.Days(apptest.QueueStreet, 0) {
			for _, s := range day.Slots {
				if s.State == app.SlotFree || s.State == app.SlotFull {
					released += s.Free
				}
			}
		}
		p.join(released)
		p.check()
		sameTold(t, "as many as are released", p.told("wait_alert"))
		p.join(1) // no job is needed: joining looks
		sameTold(t, "one more", p.told("wait_alert"), "AS", "A1", "P1")
		p.check()
		p.join(1)
		p.check()
		sameTold(t, "and more", p.told("wait_alert"), "AS", "A1", "P1")
		v := p.only("A1", true)
		if v.Waiting != released+2 || v.Released != released || v.Most != released+2 || !v.Takes || !v.Since.Equal(p.Clock.Now()) {
			t.Errorf("the alert: %+v", v)
		}
		for who, sees := range map[string]bool{"AS": true, "P1": true, "A2": false, "AV": false, "B1": false, "M1": false, "P2": false} {
			if list, _, err := p.App.WaitAlerts(ctx, p.as(who), true, 0, 10); err != nil || len(list) == 1 != sees {
				t.Errorf("%s: %+v, %v", who, list, err)
			}
			if _, err := p.App.WaitAlert(ctx, p.as(who), v.ID); (err == nil) != sees || !sees && fault.CodeOf(err) != fault.AlertNotFound {
				t.Errorf("%s: %v", who, err)
			}
		}
		// Nearest first, one level each time.
		for i := range 2 {
			p.Clock.Add(4*time.Hour - time.Second)
			p.check()
			p.Clock.Add(time.Second)
			p.check()
			p.check()
			sameTold(t, "reminded", p.told("wait_alert_again"), []string{"AS", "A1"}[:i+1]...)
		}
		if err := p.App.AcknowledgeAlert(ctx, p.as("B1"), v.ID); fault.CodeOf(err) != fault.AlertNotFound {
			t.Errorf("another district: %v", err)
		}
		for range 2 {
			if err := p.App.AcknowledgeAlert(ctx, p.as("A1"), v.ID); err != nil {
				t.Fatal(err)
			}
		}
		p.Clock.Add(12 * time.Hour)
		p.check()
		sameTold(t, "after somebody took it up", p.told("wait_alert_again"), "AS", "A1")
		if got := p.only("AS", true); got.AckBy != "A1" || got.Takes {
			t.Errorf("taken up: %+v", got)
		}
		if acts := p.Acts(t, "alert", v.ID); fmt.Sprint(acts) != "[alert.open alert.escalate alert.escalate alert.acknowledge]" {
			t.Errorf("the log: %v", acts)
		}
	})
}

func TestArt16_AMeasureApprovedAtOnceGoesToTheLineAndEndsTheAlert(t *testing.T) {
	alertOnBoth(t, func(p *pressed) {
		ctx := t.Context()
		released := p.App.HallPicture(apptest.HallStreet).Window.Released
		p.join(released + 1)
		p.check()
		v := p.only("AS", true)
		if len(v.Measures) != 2 || !v.Asks || v.Tells || v.Days == 0 || v.Needed != (v.Waiting+v.Days-1)/v.Days {
			t.Fatalf("measures: %+v", v)
		}
		for i, kind := range []supply.Kind{supply.Extend, supply.Weekend} {
			m := v.Measures[i]
			if m.Change.Kind != kind || m.Outlook.Total == 0 || m.Outlook.PerDay == 0 || m.Outlook.By == 0 && m.Outlook.Left != v.Waiting-m.Outlook.Total {
				t.Errorf("%s: %+v", kind, m)
			}
		}
		if err := p.App.TellWaiting(ctx, p.as("AS"), v.ID); fault.CodeOf(err) != fault.NoOnlineWay {
			t.Errorf("nothing can be done online: %v", err)
		}
		// As it stands ready, but with as many an hour as clear the line.
		c := v.Measures[1].Change
		c.PerHour = 40
		in := app.Asked{Targets: []app.Target{{Hall: v.HallID, Queue: v.QueueID}}, Change: c, Urgent: true, Reason: "候补人数超过放号数"}
		preview, err := p.App.PreviewRequest(ctx, p.as("AS"), in)
		if err != nil || !preview.Increase {
			t.Fatalf("%+v, %v", preview, err)
		}
		p.approved("AS", "A1", in)
		saturday := on("2026-11-28")
		if s, _ := p.App.Slot(booking.SlotID(apptest.QueueStreet, saturday, 9)); s.State != app.SlotFull {
			t.Errorf("open to all before the line had it: %+v", s)
		}
		if err := p.App.ServeWaits(ctx); err != nil {
			t.Fatal(err)
		}
		for i, who := range p.people {
			if e, err := p.App.MyWait(ctx, who, p.codes[i]); err != nil || e.Entry.State != booking.WaitBooked {
				t.Fatalf("number %d in line: %s, %v", i, e.Entry.State, err)
			}
		}
		p.check()
		if list, all, err := p.App.WaitAlerts(ctx, p.as("AS"), true, 0, 5); err != nil || all != 0 {
			t.Errorf("it is no longer so: %+v, %v", list, err)
		}
		if over := p.only("AS", false); over.Open() || !over.EndedAt.Equal(p.Clock.Now()) {
			t.Errorf("ended: %+v", over)
		}
		if err := p.App.AcknowledgeAlert(ctx, p.as("A1"), v.ID); fault.CodeOf(err) != fault.AlertOver {
			t.Errorf("acknowledged after its end: %v", err)
		}
	})
}

func TestArt16_WhoWaitsIsToldOfTheOnlineWayAndLeavesWithOneTap(t *testing.T) {
	alertOnBoth(t, func(p *pressed) {
		ctx := t.Context()
		// One entry of a batch's size is enough to press a queue.
		p.serial++
		_, who := p.SignIn(t, apptest.Citizen(p.serial))
		v, err := p.App.JoinWait(ctx, who, app.WaitRequest{
			Key: "online-0001", Item: apptest.Passport, Stage: directory.Acceptance, Channel: booking.Web, Applicant: app.Applicant{Kind: booking.Self},
			Wants: app.Wants{Halls: []string{apptest.HallCity}, Dates: []calendar.Date{p.day}, Hours: []int{9}},
		})
		if err != nil {
			t.Fatal(err)
		}
		p.update(func(tx *store.Tx) error {
			e, err := tx.Wait(ctx, booking.IDOf(mustNumber(p, v.Code)))
			if err != nil {
				return err
			}
			was := e.Version
			e.Units, e.Version = 5000, was+1
			_, err = tx.ChangeWait(ctx, e, was)
			return err
		})
		p.check()
		sameTold(t, "city hall", p.told("wait_alert"), "M1", "M2", "P1", "P2")
		one := p.only("M2", true)
		if !one.Tells || one.Online != 0 {
			t.Fatalf("%+v", one)
		}
		for range 2 {
			if err := p.App.TellWaiting(ctx, p.as("M2"), one.ID); err != nil {
				t.Fatal(err)
			}
		}
		m, _, err := p.App.MyMessages(ctx, who, "", 5)
		if err != nil || len(m) != 1 || m[0].Kind != booking.MessageWaitOnline || m[0].Wait == nil {
			t.Fatalf("told %+v, %v", m, err)
		}
		if _, err := p.App.TookOnline(ctx, who, v.Code); err != nil {
			t.Fatal(err)
		}
		p.check()
		if over := p.only("M1", false); over.Open() || over.Online != 1 {
			t.Errorf("after one went online: %+v", over)
		}
	})
}

func mustNumber(p *pressed, code string) uint64 {
	p.Helper()
	n, ok := p.Vault.NumberOf(code)
	if !ok {
		p.Fatal(code)
	}
	return n
}
