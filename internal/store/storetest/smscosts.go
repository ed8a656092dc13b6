package storetest

import (
	"fmt"
	"sync"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/store"
)

// smsCosts: what a carrier has is counted once, by whichever way it is heard of, at the price of its day.
func smsCosts(w *world) {
	l := w.lane()
	s := w.slot("h1", 0, 9, 5)
	for _, who := range []string{"ann", "bea", "cat"} {
		w.ask(l, w.book(who, s, "SI-01"), "")
	}
	w.pass(time.Second)
	rows := claim(w, 9, time.Minute)
	if len(rows) != 3 {
		w.Fatalf("claimed %+v", rows)
	}
	settle := func(s store.Settled) {
		w.Helper()
		w.update(func(tx *store.Tx) error { return tx.SettleMessages(w.ctx, []store.Settled{s}) })
	}
	report := func(p store.SMSPart) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			return tx.KeepReports(w.ctx, []store.SMSPart{p}, map[string]bool{p.Tag: true})
		})
	}
	now := func() (at time.Time) {
		w.view(func(tx *store.Tx) error {
			at = tx.Now
			return nil
		})
		return at
	}
	wanted := func(step string, want map[string][2]int64) {
		w.Helper()
		month := now().In(time.FixedZone("", 8*3600)).Format("2006-01")
		got := map[string][2]int64{}
		w.view(func(tx *store.Tx) error {
			list, err := tx.SMSCosts(w.ctx, month)
			clear(got)
			for _, c := range list {
				got[fmt.Sprintf("%s %s %s", c.HallID, c.Kind, c.Gateway)] = [2]int64{c.Parts, c.Cost}
			}
			return err
		})
		if fmt.Sprint(got) != fmt.Sprint(want) {
			w.Errorf("%s: %v, want %v", step, got, want)
		}
	}
	wanted("before", map[string][2]int64{})
	three := store.Settled{Row: rows[0], State: store.MessageSent, Gateway: "g", Parts: []string{"1", "2", "3"}, Charged: 3, Price: 3800}
	settle(three)
	settle(three)                                                                                                          // of a node that woke up late
	report(store.SMSPart{Gateway: "g", ID: "1", Message: rows[0], State: store.PartArrived, Parts: 9, Price: 9, Tag: "7"}) // it is counted already
	wanted("three ids", map[string][2]int64{"h1 booked g": {3, 11400}})
	settle(store.Settled{Row: rows[1], State: store.MessageSent, Gateway: "a", Parts: []string{"x"}, Charged: 2, Price: 4500, AskIn: time.Minute})
	wanted("one id for two parts", map[string][2]int64{"h1 booked g": {3, 11400}, "h1 booked a": {2, 9000}})
	report(store.SMSPart{Gateway: "g", ID: "9", State: store.PartArrived, Price: 3800}) // of nothing that is known yet
	wanted("unknown", map[string][2]int64{"h1 booked g": {3, 11400}, "h1 booked a": {2, 9000}})
	settle(store.Settled{Row: rows[2], State: store.MessageSent, Gateway: "g", Parts: []string{"9"}, Charged: 1, Price: 4000})
	w.update(func(tx *store.Tx) error {
		code := store.Settled{Gateway: "g", Parts: []string{"c"}, Charged: 1, Price: 3800}
		code.Row.Kind = "one_time_code"
		return tx.SaveTexts(w.ctx, code)
	})
	report(store.SMSPart{Gateway: "g", ID: "c", State: store.PartLost, Price: 3800})
	whole := map[string][2]int64{"h1 booked g": {4, 15400}, "h1 booked a": {2, 9000}, " one_time_code g": {1, 3800}}
	wanted("all", whole)

	asks := func() (out []store.AskedPart) {
		w.update(func(tx *store.Tx) (err error) {
			out, err = tx.ClaimAsks(w.ctx, tx.Now, 9, func(asked int) time.Duration {
				if asked > 1 {
					return 0
				}
				return time.Hour
			})
			return err
		})
		return out
	}
	if got := asks(); len(got) != 0 {
		w.Errorf("asked too soon: %+v", got)
	}
	w.pass(time.Minute)
	if got := asks(); len(got) != 1 || got[0].Gateway != "a" || got[0].ID != "x" || got[0].Message.Booking != rows[1].Booking || got[0].Message.Kind != booking.MessageBooked || got[0].Asked != 0 {
		w.Errorf("to ask for: %+v", got)
	}
	if got := asks(); len(got) != 0 {
		w.Errorf("asked again at once: %+v", got)
	}
	w.pass(time.Hour)
	if got := asks(); len(got) != 1 || got[0].Asked != 1 {
		w.Errorf("to ask for again: %+v", got)
	}
	w.pass(30 * 24 * time.Hour)
	if got := asks(); len(got) != 0 {
		w.Errorf("asked for ever: %+v", got)
	}
	w.view(func(tx *store.Tx) error {
		months, err := tx.SMSCostMonths(w.ctx, 5)
		if len(months) != 1 {
			w.Errorf("months %v", months)
		}
		return err
	})
}

// smsPhones: nodes that count together let a phone have as many as it may, and no more.
func smsPhones(w *world) {
	rules := rulebook.Messages{PerMinute: 2, PerHour: 3, PerDay: 4}
	take := func(rules rulebook.Messages, at time.Time, phones ...identity.Key) (over map[identity.Key]time.Time) {
		w.Helper()
		w.update(func(tx *store.Tx) (err error) {
			over, err = tx.TakeTexts(w.ctx, phones, at, rules)
			return err
		})
		return over
	}
	at := start.Truncate(time.Hour)
	for n := range 2 {
		if over := take(rules, at, "a", "b"); len(over) != 0 {
			w.Fatalf("turn %d: %v", n, over)
		}
	}
	if over := take(rules, at.Add(59*time.Second), "a", "new"); len(over) != 1 || !over["a"].Equal(at.Add(time.Minute)) {
		w.Errorf("third in a minute: %v", over)
	}
	if over := take(rules, at.Add(time.Minute), "a"); len(over) != 0 {
		w.Errorf("in the next minute: %v", over)
	}
	if over := take(rules, at.Add(2*time.Minute), "a", "b"); len(over) != 1 || !over["a"].Equal(at.Add(time.Hour)) {
		w.Errorf("fourth in an hour: %v", over)
	}
	if over := take(rules, at.Add(time.Hour), "a"); len(over) != 0 {
		w.Errorf("in the next hour: %v", over)
	}
	tomorrow := at.In(time.FixedZone("", 8*3600))
	tomorrow = time.Date(tomorrow.Year(), tomorrow.Month(), tomorrow.Day()+1, 0, 0, 0, 0, tomorrow.Location())
	if over := take(rules, at.Add(2*time.Hour), "a"); len(over) != 1 || !over["a"].Equal(tomorrow) {
		w.Errorf("fifth in a day: %v, want %v", over, tomorrow)
	}
	if over := take(rules, tomorrow, "a"); len(over) != 0 {
		w.Errorf("on the next day: %v", over)
	}
	for range 20 {
		if over := take(rulebook.Messages{}, at, "free"); len(over) != 0 {
			w.Errorf("no limit: %v", over)
		}
	}
	w.update(func(tx *store.Tx) error { return tx.ForgetPhones(w.ctx, 1<<20) })
	if over := take(rules, at, "a"); len(over) != 0 {
		w.Errorf("forgotten: %v", over)
	}
}

// smsPhoneRace: many nodes at once.
func smsPhoneRace(w *world) {
	rules := rulebook.Messages{PerMinute: 7}
	var mu sync.Mutex
	var wg sync.WaitGroup
	taken := 0
	for range 6 {
		wg.Go(func() {
			for range 5 {
				var over map[identity.Key]time.Time
				err := w.db.Update(w.ctx, func(tx *store.Tx) (err error) {
					over, err = tx.TakeTexts(w.ctx, []identity.Key{"z", "a", "m"}, start, rules)
					return err
				})
				mu.Lock()
				if err != nil {
					w.Error(err)
				}
				taken += 3 - len(over)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if taken != 21 {
		w.Errorf("%d taken of three phones, want seven each", taken)
	}
}
