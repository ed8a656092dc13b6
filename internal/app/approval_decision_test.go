package app_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// full wants no slot of a queue above its capacity, and the doctor content.
func (d *desk) full() {
	d.Helper()
	found, err := d.DB.Doctor(context.Background())
	if err != nil {
		d.Fatal(err)
	}
	for _, f := range found {
		if f.Severity == store.Error {
			d.Errorf("doctor: %s: %s", f.Check, f.Detail)
		}
	}
}

var decisionCases = []approvalCase{
	{"self-decision is refused", func(d *desk) {
		r := d.file("A1", more(friday))
		d.decide("A1", r, true, fault.RequestOwn)
		d.state(r, supply.Waiting)
	}},
	{"what district level 1 asks goes to the platform", func(d *desk) {
		r := d.file("A1", more(friday))
		d.upTo(r, account.Platform1)
		d.decide("P1", r, true, "")
		d.state(r, supply.Done)
	}},
	{"the superior of another district is no superior", func(d *desk) {
		r := d.file("A2", more(friday))
		d.decide("B1", r, true, fault.RequestNotFound)
		d.state(r, supply.Waiting)
	}},
	{"a level above does not decide before its turn", func(d *desk) {
		r := d.file("A2", more(friday))
		d.decide("P1", r, true, fault.RequestNotYours)
		d.state(r, supply.Waiting)
	}},
	{"the asker's own level does not decide", func(d *desk) {
		d.open("A2b", account.District2, apptest.DistrictA, "")
		d.decide("A2b", d.file("A2", more(friday)), true, fault.RequestNotYours)
	}},
	{"the street decides for its village", func(d *desk) {
		r := d.file("AV", total(apptest.HallVillage, apptest.HallVillage+"-general", 14, friday, friday))
		d.decide("A2", r, true, fault.RequestNotFound) // the district hall's second level has no village
		d.decide("AS", r, true, "")
		d.state(r, supply.Done)
	}},
	{"municipal level 1 decides for its hall", func(d *desk) {
		r := d.file("M2", total(apptest.HallCity, apptest.HallCity+"-entry", 140, friday, friday))
		d.decide("M2", r, true, d.door(fault.RequestOwn))
		d.decide("A1", r, true, fault.RequestNotFound)
		d.decide("M1", r, true, "")
		d.state(r, supply.Done)
	}},
	{"municipal level 2 never decides", func(d *desk) {
		d.open("M2b", account.Municipal2, "agency-social", "")
		r := d.file("M2", total(apptest.HallCity, apptest.HallCity+"-entry", 140, friday, friday))
		d.decide("M2b", r, true, d.door(fault.RequestNotYours))
	}},
	{"where nobody holds the next level it goes higher", func(d *desk) {
		d.close("A1")
		r := d.file("A2", more(friday))
		d.upTo(r, account.Platform1)
		d.decide("P1", r, true, "")
	}},
	{"a village without a street goes to the district", func(d *desk) {
		d.close("AS")
		r := d.file("AV", total(apptest.HallVillage, apptest.HallVillage+"-general", 14, friday, friday))
		d.upTo(r, account.District1)
		d.decide("A1", r, true, "")
	}},
	{"revoked in the middle decides nothing", func(d *desk) {
		r := d.file("A2", more(friday))
		ad := d.as("A1")
		d.close("A1")
		d.decideAs(ad, r, true, fault.SessionEnded)
		d.state(r, supply.Waiting)
		d.places(apptest.QueueA, friday, 70)
	}},
	{"an invited account decides nothing yet", func(d *desk) {
		r := d.file("A2", more(friday))
		d.change("A1", func(a *store.Account) { a.State = account.Invited })
		d.decideAs(d.as("A1"), r, true, fault.SessionEnded)
	}},
	{"a request outlives its asker's account", func(d *desk) {
		r := d.file("A2", more(friday))
		d.close("A2")
		d.decide("A1", r, true, "")
		d.state(r, supply.Done)
	}},
	{"two decide at once and one wins", func(d *desk) {
		d.open("A1b", account.District1, apptest.DistrictA, "")
		r := d.file("A2", more(friday))
		var wg sync.WaitGroup
		got := make([]fault.Code, 2)
		for i, who := range []*app.Admin{d.as("A1"), d.as("A1b")} {
			wg.Go(func() {
				got[i] = fault.CodeOf(d.way.decide(who, r.ID, r.Version, i == 0, "理由"))
			})
		}
		wg.Wait()
		won := 0
		for _, c := range got {
			switch c {
			case "":
				won++
			case fault.ChangedMeanwhile, fault.RequestDecided:
			default:
				d.Errorf("the other is told %q", c)
			}
		}
		if won != 1 {
			d.Errorf("answers %v: one wins", got)
		}
	}},
	{"what is decided is not decided again", func(d *desk) {
		r := d.file("A2", more(friday))
		d.decide("A1", r, false, "")
		d.decide("A1", r, true, fault.RequestDecided)
		d.state(r, supply.Refused)
		d.places(apptest.QueueA, friday, 70)
	}},
	{"who saw an older version is told", func(d *desk) {
		r := d.file("A2", more(friday))
		d.at(today+2, 10, 0)
		d.escalate(1)
		if err := d.way.decide(d.as("P1"), r.ID, r.Version, true, ""); fault.CodeOf(err) != fault.ChangedMeanwhile {
			d.Errorf("got %v", err)
		}
	}},
	{"a refusal names its reason", func(d *desk) {
		r := d.file("A2", more(friday))
		if err := d.way.decide(d.as("A1"), r.ID, r.Version, false, " "); fault.CodeOf(err) != fault.InvalidRequest {
			d.Errorf("got %v", err)
		}
		d.state(r, supply.Waiting)
	}},
	{"after the deadline a decision counts and is entered", func(d *desk) {
		r := d.file("A2", more(on("2026-12-02")))
		d.at(today+2, 0, 0)
		d.decide("A1", r, true, "")
		d.state(r, supply.Done)
		d.ledger(r)
		late := d.file("A2", more(on("2026-12-10")))
		d.at(today+6, 0, 1)
		d.decide("A1", late, true, "")
		d.ledger(late, "late_decision A1")
	}},
	{"overdue it moves up and the one who slept is entered", func(d *desk) {
		r := d.file("A2", more(on("2026-12-02")))
		d.at(today+1, 23, 59)
		d.escalate(0)
		d.at(today+2, 0, 1)
		d.escalate(1)
		d.upTo(r, account.Platform1)
		d.ledger(r, "late_decision A1")
		d.decide("A1", r, true, fault.RequestNotYours)
		d.decide("P1", r, true, "")
		d.ledger(r, "late_decision A1")
	}},
	{"each who slept is entered once", func(d *desk) {
		d.open("A1b", account.District1, apptest.DistrictA, "")
		r := d.file("AV", total(apptest.HallVillage, apptest.HallVillage+"-general", 14, on("2026-12-09"), on("2026-12-09")))
		for day := today + 2; day < today+14; day++ {
			d.at(day, 0, 1)
			if _, err := d.App.EscalateRequests(context.Background()); err != nil {
				d.Fatal(err)
			}
		}
		d.upTo(r, account.Platform1)
		d.ledger(r, "late_decision AS", "late_decision A1", "late_decision A1b", "late_decision P1")
	}},
	{"nothing is approved by silence", func(d *desk) {
		r := d.file("A2", less(friday))
		for day := today; day < today+30; day++ {
			d.at(day, 12, 0)
			if _, err := d.App.EscalateRequests(context.Background()); err != nil {
				d.Fatal(err)
			}
			if _, err := d.App.CarryOut(context.Background()); err != nil {
				d.Fatal(err)
			}
		}
		d.state(r, supply.Waiting)
		d.upTo(r, account.Platform1)
	}},
	{"where nobody held the rank the entry stands against the unit", func(d *desk) {
		r := d.file("A2", more(on("2026-12-09")))
		d.close("A1")
		d.at(today+2, 0, 1)
		d.escalate(1)
		d.ledger(r, "late_decision ")
	}},
	{"after the effective time it can only be refused", func(d *desk) {
		r := d.file("A2", total(apptest.HallA, apptest.QueueA, 140, friday, friday))
		d.at(friday+3, 9, 0)
		d.decide("A1", r, true, fault.RequestOver)
		d.decide("A1", r, false, "")
		d.ledger(r, "late_decision A1")
	}},
	{"in the middle of its dates the rest is carried out", func(d *desk) {
		r := d.file("A2", total(apptest.HallA, apptest.QueueA, 140, today+2, today+9))
		d.at(today+6, 10, 30)
		d.decide("A1", r, true, "")
		d.places(apptest.QueueA, today+3, 70)
		d.places(apptest.QueueA, today+7, 140)
		for _, s := range d.slots(apptest.QueueA, today+6) {
			if want := map[bool]int{true: 9, false: 18}[s.Hour < 11]; s.Capacity != want {
				d.Errorf("hour %d of today has %d, want %d: what has begun stays", s.Hour, s.Capacity, want)
			}
		}
	}},
	{"who took the asker's account over does not decide it", func(d *desk) {
		r := d.file("A2", more(friday))
		d.close("A2")
		d.open("A1n", account.District1, apptest.DistrictA, "A2")
		d.decide("A1n", r, true, fault.RequestOwn)
		d.decide("A1", r, true, "")
	}},
	{"who took the decider's account over decides", func(d *desk) {
		r := d.file("A2", more(friday))
		d.close("A1")
		d.open("A1n", account.District1, apptest.DistrictA, "A1")
		d.decide("A1n", r, true, "")
		d.state(r, supply.Done)
	}},
	{"a second account of the same person does not decide", func(d *desk) {
		r := d.file("A2", more(friday))
		d.close("A2")
		d.change("A1", func(a *store.Account) { a.Mobile = "mobile of A2" })
		d.decide("A1", r, true, fault.RequestOwn)
	}},
	{"withdrawn is over", func(d *desk) {
		r := d.file("A2", more(friday))
		d.withdraw("A2", r, "")
		d.decide("A1", r, true, fault.RequestDecided)
		d.at(today+5, 12, 0)
		d.escalate(0)
		d.ledger(r)
	}},
	{"the successor of the asker withdraws", func(d *desk) {
		r := d.file("A2", more(friday))
		d.close("A2")
		d.open("A2n", account.District2, apptest.DistrictA, "A2")
		d.withdraw("A2n", r, "")
		d.state(r, supply.Withdrawn)
	}},
	{"nobody else withdraws", func(d *desk) {
		r := d.file("A2", more(friday))
		d.withdraw("A1", r, fault.RequestNotFound)
		d.withdraw("B2", r, fault.RequestNotFound)
		d.state(r, supply.Waiting)
	}},
	{"what is decided is not withdrawn", func(d *desk) {
		r := d.approved("A2", "A1", more(friday))
		d.withdraw("A2", r, fault.RequestDecided)
	}},
	{"an old proof is asked for again", func(d *desk) {
		if d.unsaid("api", "a token proves nobody: it has its scopes, and ends") {
			return
		}
		r := d.file("A2", more(friday))
		ad := d.as("A1")
		ad.Proved = d.Clock.Now().Add(-app.ReproveAfter - time.Second)
		d.decideAs(ad, r, true, fault.ProveAgain)
	}},
	{"a token without the scope does not decide", func(d *desk) {
		if d.unsaid("console", "a session has no scopes") {
			return
		}
		r := d.file("A2", more(friday))
		ad := d.as("A1")
		ad.Scopes = []app.Scope{app.ScopeRead, app.ScopeRequests}
		d.decideAs(ad, r, true, fault.NotAllowed)
	}},
	{"a token with the scope decides", func(d *desk) {
		if d.unsaid("console", "a session has no scopes") {
			return
		}
		r := d.file("A2", more(friday))
		ad := d.as("A1")
		ad.Scopes, ad.Proved = []app.Scope{app.ScopeDecide}, time.Time{}
		d.decideAs(ad, r, true, "")
	}},
	{"a suggestion is decided by platform level 1 and sent to the hall", func(d *desk) {
		r := d.file("P2", more(friday))
		d.upTo(r, account.Platform1)
		d.decide("P2", r, true, d.door(fault.RequestOwn))
		d.decide("A1", r, true, fault.RequestNotYours)
		d.decide("P1", r, true, "")
		d.state(r, supply.Sent)
		d.places(apptest.QueueA, friday, 70)
	}},
	{"a suggestion is carried out by the hall with a report", func(d *desk) {
		r := d.file("P2", more(friday))
		d.answer("A2", r, true, "好", fault.RequestDecided)
		d.decide("P1", r, true, "")
		d.answer("A2", r, true, "", fault.InvalidRequest)
		d.answer("B2", r, true, "好", fault.RequestNotFound)
		d.answer("P1", r, true, "好", fault.NotAllowed)
		d.answer("A2", r, true, "已加开", "")
		d.state(r, supply.Done)
		d.places(apptest.QueueA, friday, 140)
		d.answer("A1", r, false, "不", fault.RequestDecided)
	}},
	{"a suggestion that cannot be done is reported so", func(d *desk) {
		r := d.file("P2", more(friday))
		d.decide("P1", r, true, "")
		d.answer("A2", r, false, "没有窗口", "")
		d.state(r, supply.Impossible)
		d.places(apptest.QueueA, friday, 70)
	}},
	{"a suggestion refused goes nowhere", func(d *desk) {
		r := d.file("P2", more(friday))
		d.decide("P1", r, false, "")
		d.answer("A2", r, true, "好", fault.RequestDecided)
	}},
	{"the platform suggests nothing to a street", func(d *desk) {
		d.refuses("P2", total(apptest.HallStreet, apptest.QueueStreet, 14, friday, friday), fault.HallNotFound)
	}},
	{"a suggestion sent to a hall that closed is only reported", func(d *desk) {
		r := d.file("P2", more(friday))
		d.decide("P1", r, true, "")
		d.closeHall(apptest.HallA)
		d.answer("A2", r, true, "好", fault.HallShut)
		d.answer("A2", r, false, "大厅已停用", "")
		d.state(r, supply.Impossible)
	}},
	{"nothing is approved for a hall that closed", func(d *desk) {
		r := d.file("A2", more(friday))
		d.closeHall(apptest.HallA)
		d.decide("A1", r, true, fault.HallShut)
		d.decide("A1", r, false, "")
	}},
	{"a request is no suggestion to report on", func(d *desk) {
		d.answer("A1", d.file("A2", more(friday)), true, "好", fault.RequestNotFound)
	}},
	{"a cut below what is booked moves the last out", func(d *desk) {
		d.fill(apptest.QueueA, friday, 9)
		r := d.approved("A2", "A1", less(friday))
		d.ledger(r, "cut_after_booking A2")
		for _, s := range d.slots(apptest.QueueA, friday) {
			if s.Taken > s.Capacity || s.Hour == 9 && s.Capacity != 4 {
				d.Errorf("%+v", s)
			}
		}
		d.full()
	}},
	{"a closed hall keeps nobody in its hours", func(d *desk) {
		d.fill(apptest.QueueA, friday, 9)
		d.book(booking.SlotID(apptest.QueueA, friday, 14), apptest.SocialCard)
		r := d.approved("A2", "A1", shutHall(apptest.HallA, friday, friday))
		d.ledger(r, "cut_after_booking A2")
		for _, s := range d.slots(apptest.QueueA, friday) {
			if s.Taken != 0 || !s.Closed {
				d.Errorf("%+v", s)
			}
		}
		d.full()
	}},
	{"a cut that leaves everybody room touches nobody", func(d *desk) {
		got := d.book(booking.SlotID(apptest.QueueA, friday, 9), apptest.SocialCard)
		r := d.approved("A2", "A1", less(friday))
		d.ledger(r)
		if b := d.slots(apptest.QueueA, friday)[0]; b.Taken != 1 || got.View.Booking.SlotID != b.ID {
			d.Errorf("%+v", b)
		}
	}},
	{"what an approval could not finish is taken up later", func(d *desk) {
		r := d.file("A2", more(friday))
		d.update(func(tx *store.Tx) error { // another node is at it, and stops
			_, err := tx.TakeLease(context.Background(), "carry out "+r.ID, "another", tx.Now, time.Minute)
			return err
		})
		d.decide("A1", r, true, "")
		d.state(r, supply.Approved)
		d.places(apptest.QueueA, friday, 70)
		d.Clock.Add(2 * time.Minute)
		if _, err := d.App.CarryOut(context.Background()); err != nil {
			d.Fatal(err)
		}
		d.state(r, supply.Done)
		d.places(apptest.QueueA, friday, 140)
	}},
	{"a district closes at once and nobody is moved into a hall that closes too", func(d *desk) {
		d.fill(apptest.QueueA, friday, 9)
		d.book(booking.SlotID(apptest.QueueStreet, friday, 9), apptest.SocialCard)
		in := shutHall(apptest.HallA, friday, friday)
		in.Targets = append(in.Targets, app.Target{Hall: apptest.HallStreet}, app.Target{Hall: apptest.HallVillage})
		list := d.fileAll("A1", in)
		if err := d.way.decideBundle(d.as("A2"), list[0].Bundle, true, ""); fault.CodeOf(err) != fault.RequestNotYours {
			d.Errorf("the district's second level: %v", err)
		}
		if err := d.way.decideBundle(d.as("P1"), list[0].Bundle, true, "好"); err != nil {
			d.Fatal(err)
		}
		for _, r := range list {
			d.state(r, supply.Done)
		}
		for _, queue := range []string{apptest.QueueA, apptest.QueueStreet} {
			for _, s := range d.slots(queue, friday) {
				if s.Taken != 0 || !s.Closed {
					d.Errorf("%+v", s)
				}
			}
		}
		d.full()
	}},
	{"filed on a Saturday it is decided on Monday", func(d *desk) {
		d.at(on("2026-11-28"), 10, 0)
		r := d.file("A2", less(on("2026-12-01")))
		if want := on("2026-11-30").At(24, 0); !r.DueAt.Equal(want) {
			d.Errorf("due %v, want %v", r.DueAt, want)
		}
		d.ledger(r)
	}},
	{"a make-up Saturday is a working day", func(d *desk) {
		d.notice(2026, calendar.Day{Date: on("2026-11-28"), Kind: calendar.Work}, calendar.Day{Date: on("2026-11-30"), Kind: calendar.Off})
		d.at(friday, 10, 0)
		r := d.file("A2", less(on("2026-12-01"))) // Saturday and Tuesday
		if want := on("2026-11-28").At(24, 0); !r.DueAt.Equal(want) || r.Late {
			d.Errorf("due %v, want %v; late %t", r.DueAt, want, r.Late)
		}
	}},
	{"Spring Festival is no time to decide", func(d *desk) {
		var days []calendar.Day
		for day := on("2027-02-05"); day <= on("2027-02-11"); day++ {
			days = append(days, calendar.Day{Date: day, Kind: calendar.Off, Festival: "春节"})
		}
		d.notice(2027, append(days, calendar.Day{Date: on("2027-02-14"), Kind: calendar.Work})...)
		d.at(on("2027-02-04"), 15, 0)
		r := d.file("A2", less(on("2027-02-14"))) // Friday the 12th and Sunday the 14th are working days
		if want := on("2027-02-12").At(24, 0); !r.DueAt.Equal(want) || r.Late {
			d.Errorf("due %v, want %v; late %t", r.DueAt, want, r.Late)
		}
		late := d.file("A2", less(on("2027-02-12")))
		d.ledger(late, "late_request A2")
		d.at(on("2027-02-11"), 12, 0)
		d.escalate(0)
	}},
	{"the lists show what is mine to decide", func(d *desk) {
		own, other := d.file("A1", more(friday)), d.file("A2", less(friday))
		for who, want := range map[string][]string{"A1": {other.ID}, "P1": {own.ID}, "A2": nil} {
			if got, err := d.way.toDecide(d.as(who)); err != nil || !slices.Equal(got, want) {
				d.Errorf("%s has %v to decide, %v; want %v", who, got, err, want)
			}
		}
		if _, n, _ := d.App.Requests(context.Background(), d.as("B1"), app.RequestFilter{}); n != 0 {
			d.Errorf("another district sees %d", n)
		}
		if err := d.way.read(d.as("B1"), own.ID); fault.CodeOf(err) != fault.RequestNotFound {
			d.Errorf("another district reads: %v", err)
		}
		if err := d.way.read(d.as("A1"), other.ID); err != nil {
			d.Errorf("who decides reads: %v", err)
		}
		v, err := d.App.Request(context.Background(), d.as("A1"), other.ID)
		if err != nil || !v.Decidable || v.Own || len(v.Events) != 1 {
			d.Errorf("%+v, %v", v, err)
		}
	}},
}
