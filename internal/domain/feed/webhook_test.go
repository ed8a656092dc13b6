package feed

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTheScheduleOfTries(t *testing.T) {
	var least, most time.Duration
	want := []string{"5s", "5m0s", "30m0s", "2h0m0s", "5h0m0s", "10h0m0s", "14h0m0s", "20h0m0s", "24h0m0s"}
	for failed := 1; failed < MostTries; failed++ {
		short, more := Pause(failed, 0)
		long, _ := Pause(failed, 0.999)
		if !more || short.String() != want[failed-1] || long <= short || long > short+short/10 {
			t.Errorf("after %d tries: %v to %v, %t, want %s", failed, short, long, more, want[failed-1])
		}
		least, most = least+short, most+long
	}
	if _, more := Pause(MostTries, 0); more {
		t.Error("an eleventh try")
	}
	if least.String() != "75h35m5s" || patience.String() != "75h35m5s" || most > 84*time.Hour {
		t.Errorf("all take %v to %v", least, most)
	}
}

func TestWhatBecomesOfAMessage(t *testing.T) {
	at := day.At(10, 0)
	first := at.Add(-time.Hour)
	under := Webhook{After: 10, Upto: 15, Tries: 2, FirstAt: first, FailingAt: first, Failure: FailedTimeout}
	with := func(change func(*Webhook)) Webhook {
		w := under
		change(&w)
		return w
	}
	for _, c := range []struct {
		name  string
		from  Webhook
		got   Answer
		fate  Fate
		next  time.Duration // NextAt behind now
		tries int
		after int64
	}{
		{"taken", under, Answer{Status: 204}, Delivered, 0, 0, 15},
		{"an error of theirs", under, Answer{Failure: FailedStatus, Status: 500}, Again, 30 * time.Minute, 3, 10},
		{"the first error", with(func(w *Webhook) { w.Tries, w.FirstAt, w.FailingAt = 0, at, time.Time{} }), Answer{Failure: FailedConnect}, Again, 5 * time.Second, 1, 10},
		{"the last", with(func(w *Webhook) { w.Tries = 9 }), Answer{Failure: FailedTimeout}, PutAside, 0, 0, 15},
		{"gone", under, Answer{Failure: FailedStatus, Status: 410}, Stopped, 0, 2, 10},
		{"asks to wait", under, Answer{Failure: FailedStatus, Status: 429, Wait: 90 * time.Second}, Again, 90 * time.Second, 2, 10},
		{"asks for nothing much", under, Answer{Failure: FailedStatus, Status: 503, Wait: time.Millisecond}, Again, time.Second, 2, 10},
		{"asks for ever", under, Answer{Failure: FailedStatus, Status: 503, Wait: 1e6 * time.Hour}, Again, 24 * time.Hour, 2, 10},
		{"asks for too long", with(func(w *Webhook) { w.FirstAt = at.Add(-patience) }), Answer{Failure: FailedStatus, Status: 429, Wait: time.Second}, Again, 30 * time.Minute, 3, 10},
		{"asks for too long, at last", with(func(w *Webhook) { w.FirstAt, w.Tries = at.Add(-patience), 9 }), Answer{Failure: FailedStatus, Status: 429, Wait: time.Second}, PutAside, 0, 0, 15},
		{"nothing for a month", with(func(w *Webhook) { w.FailingAt = at.Add(-OffAfter) }), Answer{Failure: FailedConnect}, Stopped, 0, 2, 10},
	} {
		w, fate := c.from.Tried(at, c.got, 0)
		if fate != c.fate || w.Tries != c.tries || w.After != c.after || c.next > 0 && !w.NextAt.Equal(at.Add(c.next)) {
			t.Errorf("%s: %s, %+v", c.name, fate, w)
		}
		switch fate {
		case Delivered:
			if !w.FailingAt.IsZero() || !w.SuccessAt.Equal(at) || w.Failure != "" || w.State() != WebhookOn {
				t.Errorf("%s: %+v", c.name, w)
			}
		case Stopped:
			if w.State() != WebhookOff || w.Off == "" || w.Upto != 15 {
				t.Errorf("%s: %+v", c.name, w)
			}
		default:
			if w.State() != WebhookFailing || w.Failure != c.got.Failure || w.Status != c.got.Status {
				t.Errorf("%s: %+v", c.name, w)
			}
		}
	}
}

// Whatever an address answers: a message is tried ten times at most besides those it asked to be put off, ends, and never
// goes back; nothing is tried before its time.
func TestAMessageEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := day.At(10, 0)
		w := Webhook{After: 3, Upto: 9, FirstAt: at}
		counted := 0
		for n := 0; ; n++ {
			got := rapid.SampledFrom([]Answer{{Failure: FailedConnect}, {Failure: FailedStatus, Status: 500}, {Failure: FailedStatus, Status: 429, Wait: time.Hour}, {Failure: FailedTimeout}}).Draw(t, "answer")
			next, fate := w.Tried(at, got, rapid.Float64Range(0, 0.999).Draw(t, "chance"))
			if next.Tries > w.Tries || fate == PutAside {
				counted++
			}
			if next.After < w.After || counted > MostTries || n > 200 {
				t.Fatalf("after %d answers, %d counted: %+v", n, counted, next)
			}
			if fate == PutAside {
				if counted != MostTries || next.After != 9 || at.Sub(w.FirstAt) < 75*time.Hour {
					t.Fatalf("put aside after %d tries and %v", counted, at.Sub(w.FirstAt))
				}
				return
			}
			if fate == Stopped || !next.NextAt.After(at) {
				t.Fatalf("%s, next at %v", fate, next.NextAt)
			}
			w, at = next, next.NextAt
		}
	})
}

func TestAMessagePutAsideIsSentAgain(t *testing.T) {
	u := Undelivered{Upto: 5, Tries: 10, AgainAt: now, Failure: FailedTimeout}
	if f := u.Retried(now, Answer{Failure: FailedStatus, Status: 500}); !f.Open() || !f.AgainAt.IsZero() || f.Tries != 11 || f.Status != 500 {
		t.Errorf("failed: %+v", f)
	}
	if d := u.Retried(now, Answer{Status: 200}); d.Open() || d.Failure != "" || d.Status != 0 {
		t.Errorf("delivered: %+v", d)
	}
}
