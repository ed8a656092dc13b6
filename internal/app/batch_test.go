package app_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// people is a list of n citizens from a serial on.
func people(from, n int) (list []booking.Party) {
	for i := range n {
		p := apptest.Citizen(from + i)
		list = append(list, booking.Party{Name: p.Name, Document: p.Document})
	}
	return list
}

// batchOf asks for a batch at 10 of the day of the hall, of the agent as the first organisation.
func batchOf(key, slot string, list []booking.Party) app.BookRequest {
	return app.BookRequest{
		Key: key, Item: apptest.Estate, SlotID: slot, Stage: directory.Acceptance, Cases: list, Channel: booking.Web,
		Applicant: app.Applicant{Kind: booking.Organisation, Name: "示例有限公司", CreditCode: identity.SyntheticCreditCode("000000", 1)},
	}
}

func free(f *apptest.Fixture, slot string) int {
	v, _ := f.App.Slot(slot)
	return v.Free
}

func TestArt19_ABatchTakesItsUnitsInOneSlotAllOrNone(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		_, who := f.SignIn(t, apptest.Agent())
		slot := booking.SlotID(apptest.QueueAEstate, hallDate, 10)
		before := free(f, slot)
		got, err := f.App.Book(ctx, who, batchOf("batch-0001", slot, people(31, 5)))
		if err != nil {
			t.Fatal(err)
		}
		if b := got.View.Booking; b.Units != 5 || b.Cases != 5 || free(f, slot) != before-5 {
			t.Errorf("%d units, %d cases, %d of %d left", b.Units, b.Cases, free(f, slot), before)
		}
		list, err := f.App.Batch(ctx, who, got.View.Code)
		if err != nil || len(list) != 5 || list[4].N != 5 || list[0].State != booking.CaseOpen || !strings.Contains(list[0].Person.Name, "*") || !strings.Contains(list[0].Person.Number, "*") {
			t.Errorf("the list: %+v, %v", list, err)
		}
		// What is left is fewer than the next wants: none of it is taken.
		left := free(f, slot)
		for serial := 60; left >= 5; left, serial = left-1, serial+1 {
			p := apptest.Citizen(serial)
			_, one := f.SignIn(t, p)
			r := self(fmt.Sprintf("single-%04d", serial), slot)
			r.Item = apptest.Estate
			if _, err := f.App.Book(ctx, one, r); err != nil {
				t.Fatal(err)
			}
		}
		other := apptest.Agent()
		other.Document = apptest.Citizen(903).Document
		_, second := f.SignIn(t, other)
		rows := f.Rows(t)
		r := batchOf("batch-0002", slot, people(41, 5))
		r.Applicant.CreditCode = identity.SyntheticCreditCode("000000", 2)
		_, err = f.App.Book(ctx, second, r)
		wantCode(t, err, fault.SoldOut, "more than is left")
		if now := f.Rows(t); fmt.Sprint(now) != fmt.Sprint(rows) {
			t.Errorf("refused, and yet written: %v, before %v", now, rows)
		}
		again, err := f.App.Book(ctx, who, batchOf("batch-0001", slot, people(31, 5)))
		if err != nil || !again.Replayed || again.View.Code != got.View.Code {
			t.Errorf("asked again: %+v, %v", again, err)
		}
		_, err = f.App.Book(ctx, who, batchOf("batch-0001", slot, people(32, 5)))
		wantCode(t, err, fault.KeyReused, "another list under the same key")
		sound(t, f)
	})
}

func TestArt19_RefusalsOfABatch(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		_, agent := f.SignIn(t, apptest.Agent())
		_, matched := f.SignIn(t, apptest.Citizen(1))
		slot := booking.SlotID(apptest.QueueAEstate, hallDate, 10)
		ask := func(key string, change func(*app.BookRequest)) app.BookRequest {
			r := batchOf(key, slot, people(31, 3))
			change(&r)
			return r
		}
		twice := people(31, 3)
		twice[2].Document = twice[0].Document
		broken := people(31, 3)
		broken[1].Document.Number, broken[2].Name = "440106198001010009", ""
		rows := f.Rows(t)
		for name, c := range map[string]struct {
			who  *identity.Session
			r    app.BookRequest
			want fault.Code
		}{
			"level too low":         {matched, ask("refuse-0001", func(*app.BookRequest) {}), fault.LevelTooLow},
			"level, without a list": {matched, ask("refuse-0002", func(r *app.BookRequest) { r.Units, r.Cases = 3, nil }), fault.LevelTooLow},
			"batch off": {agent, ask("refuse-0003", func(r *app.BookRequest) {
				r.Item, r.SlotID = apptest.SocialCard, booking.SlotID(apptest.QueueA, hallDate, 10)
			}), fault.BatchNotOffered},
			"too many":          {agent, ask("refuse-0004", func(r *app.BookRequest) { r.Cases = people(31, 6) }), fault.BatchTooLarge},
			"no list":           {agent, ask("refuse-0005", func(r *app.BookRequest) { r.Units, r.Cases = 3, nil }), fault.BatchUnequal},
			"more than listed":  {agent, ask("refuse-0006", func(r *app.BookRequest) { r.Units = 4 }), fault.BatchUnequal},
			"fewer than listed": {agent, ask("refuse-0007", func(r *app.BookRequest) { r.Units = 1 }), fault.BatchUnequal},
			"twice in the list": {agent, ask("refuse-0008", func(r *app.BookRequest) { r.Cases = twice }), fault.InvalidRequest},
			"broken lines":      {agent, ask("refuse-0009", func(r *app.BookRequest) { r.Cases = broken }), fault.InvalidRequest},
		} {
			_, err := f.App.Book(ctx, c.who, c.r)
			wantCode(t, err, c.want, name)
			switch name {
			case "twice in the list":
				if got := fault.As(err).Fields; len(got) != 1 || got[0] != (fault.Field{Path: "cases.2.document.number", Code: fault.ListedTwice}) {
					t.Errorf("%s: %v", name, got)
				}
			case "broken lines":
				if got := fault.As(err).Fields; len(got) != 2 || got[0].Path != "cases.1.document.number" || got[1] != (fault.Field{Path: "cases.2.name", Code: fault.Required}) {
					t.Errorf("%s: %v", name, got)
				}
			}
		}
		if now := f.Rows(t); fmt.Sprint(now) != fmt.Sprint(rows) {
			t.Errorf("refused, and yet written: %v, before %v", now, rows)
		}
	})
}

// One active booking per applicant and item holds for each person on the list, whichever way and hall the
// other came by.
func TestArt19_EachPersonOfABatchCountsAsAnApplicant(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		_, agent := f.SignIn(t, apptest.Agent())
		slot, elsewhere := booking.SlotID(apptest.QueueAEstate, hallDate, 10), booking.SlotID(apptest.QueueBEstate, hallDate, 14)
		_, third := f.SignIn(t, apptest.Citizen(33))
		own := self("of-own-0001", elsewhere)
		own.Item = apptest.Estate
		held, err := f.App.Book(ctx, third, own)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.App.Book(ctx, agent, batchOf("claims-0001", slot, people(31, 5)))
		if wantCode(t, err, fault.CaseBooked, "somebody on the list has a booking"); fault.As(err).Args["n"] != "3" {
			t.Errorf("case %q stands against it, want 3", fault.As(err).Args["n"])
		}
		if free(f, slot) != free(f, booking.SlotID(apptest.QueueAEstate, hallDate, 11)) {
			t.Error("a refused batch kept numbers")
		}
		if _, err := f.App.Cancel(ctx, third, app.CancelRequest{Key: "of-own-0002", Code: held.View.Code, Channel: booking.API}); err != nil {
			t.Fatal(err)
		}
		got, err := f.App.Book(ctx, agent, batchOf("claims-0002", slot, people(31, 5)))
		if err != nil {
			t.Fatal(err)
		}
		own.Key = "of-own-0003"
		_, err = f.App.Book(ctx, third, own)
		wantCode(t, err, fault.AlreadyBooked, "somebody who stands on a list")
		// Off the list, and only then, they book for themselves.
		if _, err := f.App.Reduce(ctx, agent, app.ReduceRequest{Key: "claims-0003", Code: got.View.Code, Cases: []int{3}, Channel: booking.Web}); err != nil {
			t.Fatal(err)
		}
		if _, err = f.App.Book(ctx, third, own); err != nil {
			t.Error(err)
		}
		_, fourth := f.SignIn(t, apptest.Citizen(34))
		own.Key = "of-own-0004"
		_, err = f.App.Book(ctx, fourth, own)
		wantCode(t, err, fault.AlreadyBooked, "somebody still on the list")
		// A move keeps what they hold; the end of the batch gives it back.
		if _, err := f.App.Move(ctx, agent, app.MoveRequest{Key: "claims-0004", Code: got.View.Code, SlotID: booking.SlotID(apptest.QueueBEstate, hallDate, 9), Channel: booking.Web}); err != nil {
			t.Fatal(err)
		}
		own.Key = "of-own-0005"
		_, err = f.App.Book(ctx, fourth, own)
		wantCode(t, err, fault.AlreadyBooked, "somebody on a list that was moved")
		sound(t, f)
		if _, err := f.App.Cancel(ctx, agent, app.CancelRequest{Key: "claims-0005", Code: got.View.Code, Channel: booking.Web}); err != nil {
			t.Fatal(err)
		}
		own.Key = "of-own-0006"
		if _, err = f.App.Book(ctx, fourth, own); err != nil {
			t.Error(err)
		}
		sound(t, f)
	})
}

func TestArt19_CasesAreTakenOffABatchBeforeTheLimit(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		_, agent := f.SignIn(t, apptest.Agent())
		slot := booking.SlotID(apptest.QueueAEstate, hallDate, 10)
		before := free(f, slot)
		got, err := f.App.Book(ctx, agent, batchOf("reduce-0001", slot, people(31, 5)))
		if err != nil {
			t.Fatal(err)
		}
		reduce := func(key string, cases ...int) (app.Receipt, error) {
			return f.App.Reduce(ctx, agent, app.ReduceRequest{Key: key, Code: got.View.Code, Cases: cases, Channel: booking.Web})
		}
		r, err := reduce("reduce-0002", 4, 2, 2)
		if err != nil || r.View.Booking.Units != 3 || r.View.Booking.Version != 2 || free(f, slot) != before-5 {
			t.Fatalf("%+v, %d of %d left, %v", r.View.Booking, free(f, slot), before, err)
		}
		f.Reopen(t)
		if again, err := reduce("reduce-0002", 2, 4); err != nil || !again.Replayed || free(f, slot) != before-3 {
			t.Errorf("asked again: %+v, %v", again, err)
		}
		_, err = reduce("reduce-0002", 1)
		wantCode(t, err, fault.KeyReused, "another case under the same key")
		for name, c := range map[string]struct {
			cases []int
			want  fault.Code
		}{"one taken off before": {[]int{2}, fault.NoSuchCase}, "none": {nil, fault.NoSuchCase}, "beyond the list": {[]int{6}, fault.NoSuchCase}, "all": {[]int{1, 3, 5}, fault.LastCase}} {
			_, err = reduce("reduce-no-"+fmt.Sprint(len(name)), c.cases...)
			wantCode(t, err, c.want, name)
		}
		list, err := f.App.Batch(ctx, agent, got.View.Code)
		var states []booking.CaseState
		for _, c := range list {
			states = append(states, c.State)
		}
		if want := []booking.CaseState{booking.CaseOpen, booking.CaseRemoved, booking.CaseOpen, booking.CaseRemoved, booking.CaseOpen}; err != nil || !slices.Equal(states, want) {
			t.Errorf("%v, want %v, %v", states, want, err)
		}
		_, stranger := f.SignIn(t, apptest.Citizen(31))
		if _, err := f.App.Batch(ctx, stranger, got.View.Code); fault.CodeOf(err) != fault.BookingNotFound {
			t.Errorf("somebody on the list opened the batch: %v", err)
		}
		_, err = f.App.Reduce(ctx, stranger, app.ReduceRequest{Key: "reduce-9999", Code: got.View.Code, Cases: []int{1}, Channel: booking.Web})
		wantCode(t, err, fault.BookingNotFound, "a stranger")
		sound(t, f)
		f.Clock.Set(hallDate.At(9, 1))
		_, err = reduce("reduce-0009", 1)
		wantCode(t, err, fault.CancelTooLate, "after the limit")
		sound(t, f)
	})
}

// However many ask at once for the same people, each is in one batch.
func TestArt19_TheSamePeopleAreInOneBatch(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for i := range 8 {
			p := apptest.Agent()
			p.Document = apptest.Citizen(700 + i).Document
			_, who := f.SignIn(t, p)
			queue := []string{apptest.QueueAEstate, apptest.QueueBEstate}[i%2]
			r := batchOf(fmt.Sprintf("race-%04d", i), booking.SlotID(queue, hallDate, 9+i%3), people(31+i%2, 4))
			r.Applicant = app.Applicant{Kind: booking.Self}
			wg.Go(func() {
				_, err := f.App.Book(t.Context(), who, r)
				mu.Lock()
				defer mu.Unlock()
				switch code := fault.CodeOf(err); {
				case err == nil:
					won++
				case code != fault.CaseBooked:
					t.Errorf("%v", err)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d batches hold the same people", won)
		}
		sound(t, f)
	})
}

func TestArt19_TheCounterServesTheBatchCaseByCase(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		_, agent := f.SignIn(t, apptest.Agent())
		got, err := f.App.Book(ctx, agent, batchOf("counter-0001", booking.SlotID(apptest.QueueAEstate, hallDate, 10), people(31, 3)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.App.Reduce(ctx, agent, app.ReduceRequest{Key: "counter-0002", Code: got.View.Code, Cases: []int{2}, Channel: booking.Web}); err != nil {
			t.Fatal(err)
		}
		h.at(9, 50)
		ad := h.admin(0)
		if _, err := f.App.OpenCounter(ctx, ad, apptest.HallA, "w1", nil); err != nil {
			t.Fatal(err)
		}
		n, err := f.App.CheckIn(ctx, h.kiosk(), apptest.HallA, app.CheckIn{Code: got.View.Code, Fact: lastFour(apptest.Agent())})
		if err != nil || n.Ticket.Units != 2 {
			t.Fatalf("%+v, %v", n.Ticket, err)
		}
		tick := func(n app.TicketView, c int, done bool) (app.CounterView, error) {
			return f.App.TickCase(ctx, ad, apptest.HallA, "w1", n.Ticket.ID, c, done)
		}
		_, err = tick(n, 1, true)
		wantCode(t, err, fault.TicketNotYours, "before it was called")
		h.at(10, 1)
		v, err := f.App.Serve(ctx, ad, apptest.HallA, "w1", counter.Act{Kind: counter.Call}, "call-0001")
		if err != nil || v.At == nil || v.At.Ticket.Booking != got.View.Booking.ID || len(v.Cases) != 2 || v.Cases[1].N != 3 {
			t.Fatalf("at the counter: %+v, %v", v, err)
		}
		if v, err = tick(n, 3, true); err != nil || v.Cases[0].State != booking.CaseOpen || v.Cases[1].State != booking.CaseDone {
			t.Errorf("%+v, %v", v.Cases, err)
		}
		if v, err = tick(n, 3, true); err != nil || v.Cases[1].State != booking.CaseDone {
			t.Errorf("ticked twice: %+v, %v", v.Cases, err)
		}
		if v, err = tick(n, 3, false); err != nil || v.Cases[1].State != booking.CaseOpen {
			t.Errorf("taken back: %+v, %v", v.Cases, err)
		}
		_, err = tick(n, 2, true)
		wantCode(t, err, fault.NoSuchCase, "a case taken off before")
		if _, err := f.App.TickCase(ctx, h.admin(1), apptest.HallA, "w1", n.Ticket.ID, 1, true); fault.CodeOf(err) != fault.CounterTaken {
			t.Errorf("somebody else's counter: %v", err)
		}
		if _, err = tick(n, 1, true); err != nil {
			t.Error(err)
		}
		if _, err := f.App.Serve(ctx, ad, apptest.HallA, "w1", counter.Act{Kind: counter.Finish, Result: counter.Finished}, "finish-0001"); err != nil {
			t.Fatal(err)
		}
		_, err = tick(n, 3, true)
		wantCode(t, err, fault.TicketNotFound, "when it is over")
		list, err := f.App.Batch(ctx, agent, got.View.Code)
		if err != nil || list[0].State != booking.CaseDone || list[1].State != booking.CaseRemoved || list[2].State != booking.CaseOpen {
			t.Errorf("what came of it: %+v, %v", list, err)
		}
		// Done, and everybody on the list may book again.
		_, one := f.SignIn(t, apptest.Citizen(31))
		own := self("after-0001", booking.SlotID(apptest.QueueBEstate, hallDate+1, 14))
		own.Item = apptest.Estate
		if _, err := f.App.Book(ctx, one, own); err != nil {
			t.Error(err)
		}
		sound(t, f)
	})
}

func TestArt19_ANumberOfTheDayIsForOneCase(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		h := newHallDay(t, f)
		h.at(10, 0)
		r := walkIn("walk-in-0001", apptest.Citizen(2), apptest.Estate)
		r.Units = 2
		_, err := f.App.TakeNumber(t.Context(), h.desk(), apptest.HallA, r)
		wantCode(t, err, fault.OnSiteBatch, "two units on site")
	})
}

// Art. 18: a batch that was missed is rebooked with its list, those taken off it left out.
func TestArt19_AMissedBatchIsRebookedWithItsList(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		_, agent := f.SignIn(t, apptest.Agent())
		got, err := f.App.Book(ctx, agent, batchOf("missed-0001", booking.SlotID(apptest.QueueAEstate, hallDate, 10), people(31, 3)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.App.Reduce(ctx, agent, app.ReduceRequest{Key: "missed-0002", Code: got.View.Code, Cases: []int{1}, Channel: booking.Web}); err != nil {
			t.Fatal(err)
		}
		f.Clock.Set(hallDate.At(11, 1))
		if n, err := f.App.MarkMissed(ctx); err != nil || n != 1 {
			t.Fatalf("%d marked, %v", n, err)
		}
		sound(t, f)
		again, err := f.App.Book(ctx, agent, app.BookRequest{
			Key: "missed-0003", Item: apptest.Estate, SlotID: booking.SlotID(apptest.QueueAEstate, hallDate+1, 10), Stage: directory.Acceptance, Units: 2, Channel: booking.Web, Instead: got.View.Code,
		})
		if err != nil {
			t.Fatal(err)
		}
		list, err := f.App.Batch(ctx, agent, again.View.Code)
		if err != nil || len(list) != 2 || again.View.Booking.Units != 2 {
			t.Errorf("%+v, %v", list, err)
		}
		sound(t, f)
	})
}

func TestArt19_AListIsKeptSealedWhileItIsFilledIn(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		_, agent := f.SignIn(t, apptest.Agent())
		_, other := f.SignIn(t, apptest.Citizen(5))
		if err := f.App.SaveBatchList(ctx, agent, "list-1", people(31, 2)); err != nil {
			t.Fatal(err)
		}
		l, err := f.App.BatchList(ctx, agent, "list-1")
		if err != nil || len(l.Parties) != 2 || l.Shown[1].Person.Name != "陈**" {
			t.Errorf("%+v, %v", l, err)
		}
		if l, err := f.App.BatchList(ctx, other, "list-1"); err != nil || len(l.Parties) != 0 {
			t.Errorf("somebody else's list: %+v, %v", l, err)
		}
		if err := f.DB.View(ctx, func(tx *store.Tx) error {
			sealed, err := tx.List(ctx, agent.Person.Key, "list-1")
			if strings.Contains(string(sealed), "示例") || strings.Contains(string(sealed), people(31, 1)[0].Document.Number) {
				t.Error("the list lies open in the database")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		f.Clock.Add(25 * 60 * 60 * 1e9)
		if err := f.App.Upkeep(ctx); err != nil {
			t.Fatal(err)
		}
		if l, err := f.App.BatchList(ctx, agent, "list-1"); err != nil || len(l.Parties) != 0 {
			t.Errorf("after a day: %+v, %v", l, err)
		}
	})
}

func TestArt19_EveryBadLineOfAListIsToldOf(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	good := func(i int) string { return "陈示例,," + apptest.Citizen(i).Document.Number + ",," }
	words := func(s string) identity.DocumentKind {
		return map[string]identity.DocumentKind{"身份证": identity.ResidentID, "passport": identity.Passport}[s]
	}
	head := "\ufeffname,document,number,nationality,birth\r\n"
	list, wrong := f.App.ReadCases([]byte(head+good(1)+"\r\n"+"林示例,身份证,"+apptest.Citizen(2).Document.Number+",,\r\nSAMPLE PAUL,passport,X0000001,FRA,1985-06-07\r\n"), words)
	if len(wrong) != 0 || len(list) != 3 || list[0].Document.Kind != identity.ResidentID || list[2].Birth != "1985-06-07" {
		t.Errorf("%+v, %v", list, wrong)
	}
	_, wrong = f.App.ReadCases([]byte(head+good(1)+"\n,,"+apptest.Citizen(2).Document.Number+",,\n"+good(1)+"\n\nonly one\n陈示例,,440106198001010009,,\n陈示例,no such,1,,\n"), words)
	var told []string
	for _, w := range wrong {
		told = append(told, fmt.Sprintf("%d %s %s", w.Line, w.Column, w.Code))
	}
	if want := []string{"3 name required", "4 number listed_twice", "6  bad_format", "7 number bad_check_digit", "8 document not_one_of"}; !slices.Equal(told, want) {
		t.Errorf("told of %q, want %q", told, want)
	}
	for name, body := range map[string][]byte{"binary": {'P', 'K', 3, 4, 0}, "another encoding": {0xb3, 0xc2, ','}, "too large": make([]byte, app.MaxList+1)} {
		if _, wrong := f.App.ReadCases(body, words); len(wrong) != 1 || wrong[0].Code != fault.FileUnreadable {
			t.Errorf("%s: %v", name, wrong)
		}
	}
}
