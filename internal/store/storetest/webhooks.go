package storetest

import (
	"fmt"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/feed"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// webhooks holds what is kept of the addresses events are posted to: taken by one at a time, two secrets, messages put
// aside.
func webhooks(w *world) {
	one := feed.Webhook{ID: "W1", SourceID: "S0001", URL: "https://hooks.example.org/", MadeAt: w.now(), After: 7}
	two := feed.Webhook{ID: "W2", SourceID: "S0001", URL: "https://hooks.example.org/2", MadeAt: w.now().Add(time.Second)}
	w.update(func(tx *store.Tx) error {
		for _, h := range []feed.Webhook{one, two} {
			if err := tx.AddWebhook(w.ctx, h, "A1"); err != nil {
				return err
			}
		}
		return nil
	})
	read := func(id string) (h *feed.Webhook) {
		w.Helper()
		w.view(func(tx *store.Tx) (err error) {
			h, err = tx.Webhook(w.ctx, id)
			return err
		})
		return h
	}
	one.NextAt, two.NextAt = time.Time{}, time.Time{}
	same(w, "as added", read("W1"), &one)
	if read("W9") != nil {
		w.Error("an address that was never added is there")
	}
	due := func(want ...string) {
		w.Helper()
		w.view(func(tx *store.Tx) error {
			list, err := tx.DueWebhooks(w.ctx)
			var ids []string
			for _, h := range list {
				ids = append(ids, h.ID)
			}
			same(w, "due", ids, want)
			return err
		})
	}
	due("W1", "W2")
	claim := func(id string, until time.Time, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			mine, err := tx.ClaimWebhook(w.ctx, id, until)
			if mine != want {
				w.Errorf("claim of %s: %t", id, mine)
			}
			return err
		})
	}
	save := func(h feed.Webhook, held, keep time.Time, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			saved, err := tx.SaveWebhook(w.ctx, h, held, keep)
			if saved != want {
				w.Errorf("save of %s: %t", h.ID, saved)
			}
			return err
		})
	}
	until := w.now().Add(time.Minute)
	claim("W1", until, true)
	claim("W1", until.Add(time.Second), false)
	due("W2")
	one.Upto, one.FirstAt = 9, w.now()
	save(one, until, until, true)
	same(w, "under way", read("W1"), &one)
	w.pass(time.Minute)
	claim("W1", until.Add(time.Hour), true)
	save(one, until, time.Time{}, false) // it is another's now
	one.Tries, one.NextAt, one.FailingAt, one.Failure, one.Status = 1, w.now().Add(time.Hour), w.now(), feed.FailedStatus, 500
	save(one, until.Add(time.Hour), time.Time{}, true)
	same(w, "failing", read("W1"), &one)
	due("W2")
	claim("W1", w.now().Add(time.Minute), false)
	w.update(func(tx *store.Tx) error {
		on, err := tx.ResumeWebhook(w.ctx, "W1")
		if !on {
			w.Error("not resumed")
		}
		return err
	})
	due("W1", "W2")

	// Secrets, two at a time.
	secret := func(id string, place int, want fault.Code) {
		w.Helper()
		s := store.WebhookSecret{ID: id, Webhook: "W1", Place: place, Sealed: []byte{1, 0, 9}, MadeBy: "A1", MadeAt: w.now()}
		if err := w.db.Update(w.ctx, func(tx *store.Tx) error { return tx.AddWebhookSecret(w.ctx, s) }); fault.CodeOf(err) != want {
			w.Errorf("secret %s: %v, want %q", id, err, want)
		}
	}
	secret("K1", 1, "")
	secret("K2", 1, fault.ChangedMeanwhile)
	secret("K2", 2, "")
	w.update(func(tx *store.Tx) error {
		for n, want := range []bool{true, false} {
			if ended, err := tx.EndWebhookSecret(w.ctx, "W1", "K1"); err != nil || ended != want {
				w.Errorf("end %d: %t, %v", n, ended, err)
			}
		}
		if ended, err := tx.EndWebhookSecret(w.ctx, "W2", "K2"); err != nil || ended {
			w.Errorf("of another address: %t, %v", ended, err)
		}
		return nil
	})
	secret("K3", 1, "")
	w.view(func(tx *store.Tx) error {
		list, err := tx.WebhookSecrets(w.ctx, "W1")
		got := map[string]bool{}
		for _, s := range list {
			got[s.ID] = s.EndedAt.IsZero()
		}
		same(w, "secrets", got, map[string]bool{"K1": false, "K2": true, "K3": true})
		return err
	})

	// Messages put aside.
	aside := func(upto int64) feed.Undelivered {
		return feed.Undelivered{After: upto - 2, Upto: upto, Events: 2, Tries: 10, FirstAt: start.UTC(), AsideAt: w.now(), Failure: feed.FailedTimeout}
	}
	a, b := aside(9), aside(12)
	w.update(func(tx *store.Tx) error {
		if err := tx.PutAside(w.ctx, "W1", b); err != nil {
			return err
		}
		return tx.PutAside(w.ctx, "W1", a)
	})
	w.update(func(tx *store.Tx) error {
		list, err := tx.Undelivered(w.ctx, "W1", 10)
		same(w, "put aside", list, []feed.Undelivered{a, b})
		if err != nil {
			return err
		}
		if found, err := tx.UndeliveredAsked(w.ctx, "W1"); err != nil || found != nil {
			w.Errorf("asked for: %v, %v", found, err)
		}
		if n, err := tx.AskUndelivered(w.ctx, "W1", 12); err != nil || n != 1 {
			w.Errorf("one asked for: %d, %v", n, err)
		}
		if n, err := tx.AskUndelivered(w.ctx, "W1", 0); err != nil || n != 1 {
			w.Errorf("the rest asked for: %d, %v", n, err)
		}
		found, err := tx.UndeliveredAsked(w.ctx, "W1")
		if err != nil || found == nil || found.Upto != 9 {
			w.Errorf("the first: %v, %v", found, err)
			return err
		}
		if err := tx.SaveUndelivered(w.ctx, "W1", found.Retried(tx.Now, feed.Answer{})); err != nil {
			return err
		}
		count, err := tx.CountUndelivered(w.ctx, "S0001")
		same(w, "open", count, map[string]int{"W1": 1})
		if err != nil {
			return err
		}
		if found, err = tx.UndeliveredAsked(w.ctx, "W1"); err != nil || found == nil || found.Upto != 12 {
			w.Errorf("the second: %v, %v", found, err)
			return err
		}
		if err := tx.SaveUndelivered(w.ctx, "W1", found.Retried(tx.Now, feed.Answer{Failure: feed.FailedConnect})); err != nil {
			return err
		}
		if found, err = tx.UndeliveredAsked(w.ctx, "W1"); err != nil || found != nil {
			w.Errorf("after one failed: %v, %v", found, err)
		}
		return err
	})

	w.update(func(tx *store.Tx) error {
		for n, want := range []bool{true, false} {
			if ended, err := tx.EndWebhook(w.ctx, "W2"); err != nil || ended != want {
				w.Errorf("taken away %d: %t, %v", n, ended, err)
			}
		}
		return nil
	})
	due("W1")
}

// feedsKept holds how long rows of connected systems and events are kept.
func feedsKept(w *world) {
	const source = "S0001"
	old, kept := day-500, day-10
	rows := []store.FeedRow{}
	for i, d := range []calendar.Date{old, old, kept, old} {
		r := store.FeedRow{Received: w.now(), Sealed: []byte{}}
		r.Row, r.Version, r.Kind, r.At, r.HallID, r.Date, r.Hour, r.Units, r.State = fmt.Sprint("r", i), 2, oversight.BookingRecord, w.now(), "h1", d, 10, 1, feed.Cancelled
		if i == 3 {
			r.Claim = "item:I#1" // held: it is not forgotten before it is given back
		}
		rows = append(rows, r)
	}
	w.update(func(tx *store.Tx) error {
		var versions []store.FeedVersion
		for _, r := range rows {
			versions = append(versions, store.FeedVersion{Row: r.Row, Version: 1, Digest: "a"}, store.FeedVersion{Row: r.Row, Version: 2, Digest: "b"})
		}
		if err := tx.AddFeedVersions(w.ctx, source, versions); err != nil {
			return err
		}
		return tx.SaveFeedRows(w.ctx, source, rows)
	})
	known := func(want ...string) {
		w.Helper()
		w.view(func(tx *store.Tx) error {
			list, err := tx.FeedKnown(w.ctx, source, [][2]any{{"r0", 1}, {"r1", 1}, {"r2", 1}, {"r3", 1}})
			var got []string
			for _, id := range []string{"r0", "r1", "r2", "r3"} {
				if k := list[id]; k != nil && k.Version == 2 && k.Digests[1] == "a" {
					got = append(got, id)
				} else if k != nil && (k.Version != 0 || len(k.Digests) > 0) {
					w.Errorf("half of %s is left: %+v", id, k)
				}
			}
			same(w, "known", got, want)
			return err
		})
	}
	known("r0", "r1", "r2", "r3")
	before := day - 400
	w.view(func(tx *store.Tx) error {
		list, err := tx.FeedRowsBefore(w.ctx, []string{"h1", "h2"}, before, 10)
		same(w, "old rows", list, map[string][]string{source: {"r0", "r1"}})
		return err
	})
	for range 2 {
		w.update(func(tx *store.Tx) error {
			return tx.ForgetFeedRows(w.ctx, source, []string{"r1", "r0", "r2", "r3"}, before)
		})
		known("r2", "r3")
	}
	w.update(func(tx *store.Tx) error { // where nobody ever asked for events there is nothing to forget
		if more, err := tx.ForgetEvents(w.ctx, w.now(), 10); err != nil || more {
			w.Errorf("events forgotten: %t, %v", more, err)
		}
		return nil
	})
}
