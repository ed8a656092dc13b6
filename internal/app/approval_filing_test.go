package app_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

var approvals = slices.Concat(filingCases, decisionCases, ledgerCases)

// closeHall closes a hall in the directory.
func (d *desk) closeHall(id string) {
	d.Helper()
	d.update(func(tx *store.Tx) error { return tx.Close(context.Background(), store.Halls, [][]string{{id}}) })
	if err := d.App.Reload(context.Background()); err != nil {
		d.Fatal(err)
	}
}

// notice loads days of the State Council's notices.
func (d *desk) notice(year int, days ...calendar.Day) {
	d.Helper()
	d.update(func(tx *store.Tx) error {
		return tx.SaveCalendar(context.Background(), days, map[int]calendar.YearStatus{year: calendar.Official})
	})
	if err := d.App.Reload(context.Background()); err != nil {
		d.Fatal(err)
	}
}

// with changes a copy of what is asked.
func with(in app.Asked, fn func(*app.Asked)) app.Asked {
	in.Targets = slices.Clone(in.Targets)
	fn(&in)
	return in
}

// approved files and approves.
func (d *desk) approved(filer, decider string, in app.Asked) supply.Request {
	d.Helper()
	r := d.file(filer, in)
	d.decide(decider, r, true, "")
	d.state(r, supply.Done)
	return r
}

var filingCases = []approvalCase{
	{"an increase in time is approved and carried out", func(d *desk) {
		r := d.file("A2", more(friday))
		d.state(r, supply.Waiting)
		d.places(apptest.QueueA, friday, 70)
		d.decide("A1", r, true, "")
		d.state(r, supply.Done)
		d.places(apptest.QueueA, friday, 140)
		d.places(apptest.QueueA, friday+7, 70)
		d.ledger(r)
	}},
	{"a reduction in time takes free numbers away", func(d *desk) {
		r := d.approved("A2", "A1", less(friday))
		d.places(apptest.QueueA, friday, 35)
		d.ledger(r)
	}},
	{"a reduction filed late goes its way and is entered", func(d *desk) {
		r := d.file("A2", less(today+1))
		d.ledger(r, "late_request A2")
		d.decide("A1", r, true, "")
		d.places(apptest.QueueA, today+1, 35)
		d.ledger(r, "late_request A2")
	}},
	{"two working days ahead is in time", func(d *desk) { d.ledger(d.file("A2", less(today+2))) }},
	{"an increase filed late is refused with the earliest day", func(d *desk) {
		told := d.refusesTo(d.as("A2"), more(today+1), fault.NoticeTooShort)
		if !strings.Contains(told, "2026-11-26") && !strings.Contains(told, "11月26日") {
			d.Errorf("told %q", told)
		}
	}},
	{"an urgent increase takes effect on approval", func(d *desk) {
		r := d.approved("A2", "A1", with(more(today+1), func(a *app.Asked) { a.Urgent = true }))
		d.places(apptest.QueueA, today+1, 140)
		d.ledger(r)
	}},
	{"an urgent cut is refused", func(d *desk) {
		d.refuses("A2", with(less(today+1), func(a *app.Asked) { a.Urgent = true }), fault.UrgentCut)
	}},
	{"an urgent closing is refused", func(d *desk) {
		d.refuses("A2", with(shutHall(apptest.HallA, today+1, today+1), func(a *app.Asked) { a.Urgent = true }), fault.UrgentCut)
	}},
	{"municipal level 1 decides and does not file", func(d *desk) {
		d.refuses("M1", total(apptest.HallCity, apptest.HallCity+"-entry", 140, friday, friday), fault.NotAllowed)
	}},
	{"platform level 1 does not file", func(d *desk) { d.refuses("P1", more(friday), fault.NotAllowed) }},
	{"a village files for its own hall", func(d *desk) {
		d.upTo(d.file("AV", total(apptest.HallVillage, apptest.HallVillage+"-general", 14, friday, friday)), "district-2")
	}},
	{"a village does not file for its street", func(d *desk) {
		d.refuses("AV", total(apptest.HallStreet, apptest.QueueStreet, 14, friday, friday), fault.HallNotFound)
	}},
	{"a street files for a village below it", func(d *desk) {
		d.upTo(d.file("AS", total(apptest.HallVillage, apptest.HallVillage+"-general", 14, friday, friday)), "district-1")
	}},
	{"another district's hall is not found", func(d *desk) { d.refuses("B2", more(friday), fault.HallNotFound) }},
	{"the system administrator files nothing", func(d *desk) { d.refuses("SYS", more(friday), d.door(fault.HallNotFound)) }},
	{"the audit administrator files nothing", func(d *desk) { d.refuses("AUD", more(friday), d.door(fault.HallNotFound)) }},
	{"a closed account files nothing", func(d *desk) {
		ad := d.as("A2")
		d.close("A2")
		d.refusesTo(ad, more(friday), fault.SessionEnded)
	}},
	{"an on-site share above the limit is refused", func(d *desk) {
		d.refuses("A2", with(more(friday), func(a *app.Asked) { a.Change = supply.Change{Kind: supply.Share, From: friday, PerMille: 110} }), fault.ShareTooLarge)
	}},
	{"an on-site share within the limit is carried out", func(d *desk) {
		d.approved("A2", "A1", with(more(friday), func(a *app.Asked) { a.Change = supply.Change{Kind: supply.Share, From: friday, PerMille: 50} }))
		onSite := 0
		for _, s := range d.slots(apptest.QueueA, friday) {
			onSite += s.OnSite
		}
		if onSite != 3 {
			d.Errorf("%d on-site numbers of 70 at 5 %%", onSite)
		}
	}},
	{"a window is never made longer", func(d *desk) {
		d.refuses("A2", with(more(friday), func(a *app.Asked) { a.Change = supply.Change{Kind: supply.Horizon, From: friday, Days: 30} }), fault.InvalidRequest)
	}},
	{"what changes nothing is refused", func(d *desk) {
		d.refuses("A2", total(apptest.HallA, apptest.QueueA, 70, friday, friday), fault.NothingChanges)
	}},
	{"a change of days gone by is refused", func(d *desk) { d.refuses("A2", more(today-1), fault.InvalidRequest) }},
	{"a request without a reason is refused", func(d *desk) {
		d.refuses("A2", with(more(friday), func(a *app.Asked) { a.Reason = " " }), fault.InvalidRequest)
	}},
	{"a total without its source is refused", func(d *desk) {
		d.refuses("A2", with(more(friday), func(a *app.Asked) { a.Change.Source = "" }), fault.InvalidRequest)
	}},
	{"a total is for one queue", func(d *desk) {
		d.refuses("A2", with(more(friday), func(a *app.Asked) { a.Targets[0].Queue = "" }), fault.InvalidRequest)
	}},
	{"the hall's weekend is opened", func(d *desk) {
		saturday := on("2026-11-28")
		d.places(apptest.QueueA, saturday, 0)
		d.approved("A2", "A1", saturdays(friday))
		d.places(apptest.QueueA, saturday, 60)
		d.places(apptest.QueueA, saturday+1, 0)
		d.places(apptest.QueueA, saturday+7, 60)
		d.places(apptest.QueueAEstate, saturday, 0)
		if v, ok := d.App.Slot(booking.SlotID(apptest.QueueA, saturday, 10)); !ok || v.Free != 0 {
			d.Errorf("not held for who waits: %+v", v)
		}
		d.Reopen(d.T)
		if v, ok := d.App.Slot(booking.SlotID(apptest.QueueA, saturday, 10)); !ok || v.Free != 18 {
			d.Errorf("the board shows %+v", v)
		}
		d.book(booking.SlotID(apptest.QueueA, saturday, 10), apptest.SocialCard)
	}},
	{"a statutory day off stays shut", func(d *desk) {
		d.notice(2026, calendar.Day{Date: on("2026-11-28"), Kind: calendar.Off})
		d.refuses("A2", with(saturdays(friday), func(a *app.Asked) { a.Change.To = friday + 1 }), fault.NothingChanges)
	}},
	{"extended hours come on top", func(d *desk) {
		d.approved("A2", "A1", with(more(friday), func(a *app.Asked) {
			a.Change = supply.Change{Kind: supply.Extend, From: friday, To: friday, Hours: calendar.HoursOf(17, 18), PerHour: 10}
		}))
		d.places(apptest.QueueA, friday, 90)
	}},
	{"half a day closed leaves the other as it was", func(d *desk) {
		d.approved("A2", "A1", with(shutHall(apptest.HallA, friday, friday), func(a *app.Asked) { a.Change.Half = calendar.Afternoon }))
		d.places(apptest.QueueA, friday, 30)
		d.places(apptest.QueueAEstate, friday, 30)
	}},
	{"a monthly closure is one request", func(d *desk) {
		d.approved("A2", "A1", with(shutHall(apptest.HallA, friday, friday+60), func(a *app.Asked) {
			a.Change.Half, a.Change.Rule = "", &calendar.Rule{Kind: calendar.NthWorkingDay, N: 1, Half: calendar.Morning}
		}))
		d.places(apptest.QueueA, on("2026-12-01"), 40)
		d.places(apptest.QueueA, on("2026-12-02"), 70)
	}},
	{"several halls are filed at once under one bundle", func(d *desk) {
		in := shutHall(apptest.HallA, friday, friday)
		in.Targets = append(in.Targets, app.Target{Hall: apptest.HallStreet}, app.Target{Hall: apptest.HallVillage})
		list := d.fileAll("A1", in)
		if len(list) != 3 || list[0].Bundle == "" || list[2].Bundle != list[0].Bundle || list[0].ID == list[1].ID {
			d.Fatalf("%+v", list)
		}
		d.decide("P1", list[1], true, "")
		d.state(list[0], supply.Waiting)
		d.places(apptest.QueueStreet, friday, 0)
	}},
	{"a bundle with a foreign hall files nothing", func(d *desk) {
		in := shutHall(apptest.HallA, friday, friday)
		in.Targets = append(in.Targets, app.Target{Hall: apptest.HallB})
		d.refuses("A1", in, fault.HallNotFound)
	}},
	{"a closed hall is refused", func(d *desk) {
		d.closeHall(apptest.HallA)
		d.refuses("A2", more(friday), fault.HallShut)
	}},
	{"the preview says what is done", func(d *desk) {
		d.fill(apptest.QueueA, friday, 9)
		d.preview("A2", less(friday), weighed{bookings: 5, names: 5, before: 70, after: 35, upTo: "district-1"})
	}},
	{"the preview names nobody to the platform", func(d *desk) {
		d.fill(apptest.QueueA, friday, 9)
		d.preview("P2", less(friday), weighed{bookings: 5, before: 70, after: 35, upTo: "platform-1", suggestion: true})
	}},
	{"a later change lies over an earlier one", func(d *desk) {
		d.approved("A2", "A1", more(friday))
		d.approved("A2", "A1", total(apptest.HallA, apptest.QueueA, 105, friday, friday))
		d.places(apptest.QueueA, friday, 105)
		d.places(apptest.QueueA, on("2026-11-30"), 140)
	}},
	{"slots made later follow what was approved", func(d *desk) {
		far := on("2027-01-11")
		d.approved("A2", "A1", total(apptest.HallA, apptest.QueueA, 140, far, far))
		d.places(apptest.QueueA, far, 0)
		d.at(on("2026-12-28"), 10, 0)
		if _, err := d.App.Prepare(context.Background(), nil); err != nil {
			d.Fatal(err)
		}
		d.places(apptest.QueueA, far, 140)
		d.places(apptest.QueueA, far+1, 70)
	}},
}

// Art. 15: the mean of what was completed on the last 60 working days.
func TestArt15_TheAverageOfWhatWasCompleted(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		d := &desk{T: t, Fixture: f}
		d.open("A2", officers["A2"].rank, officers["A2"].unit, "")
		if n, days, err := f.App.Average(t.Context(), d.as("A2"), apptest.QueueA); err != nil || n != 0 || days != 0 {
			t.Errorf("without history: %d of %d days, %v", n, days, err)
		}
		var list []store.Completed
		for day := today - 120; day < today; day++ {
			n := 50
			if day < today-84 { // longer ago than 60 working days
				n = 1000
			}
			if w := day.Weekday(); w == time.Saturday || w == time.Sunday {
				n = 7
			}
			list = append(list, store.Completed{HallID: apptest.HallA, QueueID: apptest.QueueA, Date: day, N: n, Source: "tickets"})
		}
		d.update(func(tx *store.Tx) error { return tx.SaveCompleted(t.Context(), list) })
		if n, days, err := f.App.Average(t.Context(), d.as("A2"), apptest.QueueA); err != nil || n != 50 || days != 60 {
			t.Errorf("%d over %d days, %v; want 50 over 60", n, days, err)
		}
		if _, _, err := f.App.Average(t.Context(), d.as("A2"), apptest.QueueB); fault.CodeOf(err) != fault.HallNotFound {
			t.Errorf("another district's: %v", err)
		}
		for i := range 6 {
			d.book(booking.SlotID(apptest.QueueA, friday, 9+i%2), apptest.SocialCard)
		}
		advice, err := f.App.Advice(t.Context(), d.as("A2"), apptest.QueueA)
		if err != nil || len(advice) != 7 || advice[0].Short != 25 || advice[6].Idle != 10 {
			t.Errorf("%+v, %v", advice, err)
		}
	})
}

// What a directory or a holiday notice changes later re-plans hours nobody holds a number in, and reports
// the others.
func TestArt14_SlotsFollowTheirCalendarAndQueue(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		d := &desk{T: t, Fixture: f}
		monday := on("2026-11-30")
		d.book(booking.SlotID(apptest.QueueA, monday, 9), apptest.SocialCard)
		d.notice(2026, calendar.Day{Date: monday, Kind: calendar.Off}, calendar.Day{Date: monday - 1, Kind: calendar.Work})
		if n, err := f.App.Prepare(t.Context(), nil); err != nil || n == 0 {
			t.Fatalf("%d new, %v", n, err)
		}
		d.places(apptest.QueueA, monday-1, 70)
		for _, s := range d.slots(apptest.QueueA, monday) {
			if s.Closed != (s.Hour != 9) {
				t.Errorf("hour %d closed: %t", s.Hour, s.Closed)
			}
		}
		if v, ok := f.App.Slot(booking.SlotID(apptest.QueueA, monday, 10)); !ok || v.State != app.SlotClosed {
			t.Errorf("the board shows %+v", v)
		}
		if f.App.Stale() != 1 {
			t.Errorf("%d hours reported, want the one that is booked", f.App.Stale())
		}
		found, err := app.Doctor(t.Context(), f.DB, f.Clock.Now(), nil, nil)
		if err != nil || !slices.ContainsFunc(found, func(x app.Finding) bool { return x.Check == "plan" && !x.Error }) {
			t.Errorf("the doctor says %v, %v", found, err)
		}
		q := *f.App.City().Queue(apptest.QueueB)
		q.DailyAverage = 35
		d.update(func(tx *store.Tx) error { return tx.SaveQueues(t.Context(), []directory.Queue{q}) })
		if err := f.App.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := f.App.Prepare(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		d.places(apptest.QueueB, friday, 35)
		if v, _ := f.App.Slot(booking.SlotID(apptest.QueueB, friday, 9)); v.Free != 4 {
			t.Errorf("the board shows %+v", v)
		}
	})
}
