package app_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/feed"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

const hookURL = "https://hooks.example.org/events"

func TestArt5_TheSecurityRoleKeepsTheAddressesForEvents(t *testing.T) {
	overseen(t, func(d *desk) {
		source := d.connect("M1", "agency-social", agreed(apptest.HallCity), "")
		sec := keeper(d)
		ctx := d.Context()
		add := func(want fault.Code, ad *app.Admin, source, url string) (string, feed.Webhook) {
			d.Helper()
			secret, w, err := d.App.AddWebhook(ctx, ad, source, url)
			if fault.CodeOf(err) != want {
				d.Errorf("add %s: %v, want %q", url, err, want)
			}
			return secret, w
		}
		for _, who := range []string{"P1", "M1", "SYS"} {
			ad := d.as(who)
			ad.Proved = d.Clock.Now()
			add(fault.NotAllowed, ad, source, hookURL)
			if _, _, err := d.App.Webhooks(ctx, ad, source); fault.CodeOf(err) != fault.NotAllowed {
				d.Errorf("%s sees the addresses: %v", who, err)
			}
		}
		stale := d.as("SEC")
		stale.Proved = d.Clock.Now().Add(-time.Hour)
		add(fault.ProveAgain, stale, source, hookURL)
		add(fault.SourceNotFound, sec, "S9999", hookURL)
		add(fault.InvalidRequest, sec, source, " ")
		add(fault.InvalidRequest, sec, source, "http://hooks.example.org") // of the test: what may be called begins with https
		s1, w := add("", sec, source, " "+hookURL+" ")
		if raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s1, "whsec_")); err != nil || len(raw) != 32 || !strings.HasPrefix(s1, "whsec_") || w.URL != hookURL {
			d.Errorf("secret of %d bytes, %v, for %s", len(raw), err, w.URL)
		}
		for range feed.MostWebhooks - 1 {
			add("", sec, source, hookURL)
		}
		add(fault.WebhooksMost, sec, source, hookURL)

		want := func(what string, err error, code fault.Code) {
			d.Helper()
			if fault.CodeOf(err) != code {
				d.Errorf("%s: %v, want %q", what, err, code)
			}
		}
		s2, err := d.App.AddWebhookSecret(ctx, sec, source, w.ID)
		want("a second secret", err, "")
		_, err = d.App.AddWebhookSecret(ctx, sec, source, w.ID)
		want("a third", err, fault.WebhookSecretsTwo)
		_, v, aside, err := d.App.Webhook(ctx, sec, source, w.ID)
		if err != nil || s1 == s2 || v.LiveSecrets() != 2 || len(aside) != 0 || v.State() != feed.WebhookOn {
			d.Errorf("%+v, %v", v, err)
		}
		first := v.Secrets[slices.IndexFunc(v.Secrets, func(s app.WebhookSecret) bool { return s.MadeAt.Equal(w.MadeAt) })].ID
		want("ended without a reason", d.App.EndWebhookSecret(ctx, sec, source, w.ID, first, " "), fault.InvalidRequest)
		want("ended", d.App.EndWebhookSecret(ctx, sec, source, w.ID, first, "换新"), "")
		want("ended twice", d.App.EndWebhookSecret(ctx, sec, source, w.ID, first, "换新"), fault.WebhookSecretEnded)
		_, v, _, _ = d.App.Webhook(ctx, sec, source, w.ID)
		i := slices.IndexFunc(v.Secrets, func(s app.WebhookSecret) bool { return s.EndedAt.IsZero() })
		want("the last", d.App.EndWebhookSecret(ctx, sec, source, w.ID, v.Secrets[i].ID, "换新"), fault.WebhookSecretLast)
		_, err = d.App.AddWebhookSecret(ctx, sec, source, w.ID) // its place is free
		want("the next", err, "")
		_, err = d.App.SendAgain(ctx, sec, source, w.ID, 0)
		want("nothing was put aside", err, fault.NothingUndelivered)
		want("tried now", d.App.ResumeWebhook(ctx, sec, source, w.ID), "")
		want("of another system", d.App.ResumeWebhook(ctx, sec, "S9999", w.ID), fault.WebhookNotFound)
		want("taken away without a reason", d.App.EndWebhook(ctx, sec, source, w.ID, ""), fault.InvalidRequest)
		want("taken away", d.App.EndWebhook(ctx, sec, source, w.ID, "停用"), "")
		want("taken away twice", d.App.EndWebhook(ctx, sec, source, w.ID, "停用"), fault.WebhookEnded)
		_, err = d.App.AddWebhookSecret(ctx, sec, source, w.ID)
		want("a secret of none", err, fault.WebhookEnded)
		add("", sec, source, hookURL) // in its place
		if got := d.Acts(t, "webhook", w.ID); !slices.Equal(got, []string{"webhook.make", "webhook.secret", "webhook.secret_end", "webhook.secret", "webhook.resume", "webhook.end"}) {
			d.Errorf("the log has %v", got)
		}
		if err := d.App.EndSource(ctx, d.as("M1"), source, 1); err != nil {
			d.Fatal(err)
		}
		add(fault.SourceEnded, sec, source, hookURL)
	})
}

// posting is a desk with a connected system of district A's hall and an address its events are posted to.
type posting struct {
	*desk
	sec      *app.Admin
	source   string
	webhook  string
	codes    []string    // of what was booked, in order
	received []hookEvent // by the other side, every time
}

// hookEvent is an event as the other side gets it.
type hookEvent struct {
	id   string // of its message
	seq  int64
	code string
	kind string
}

func newPosting(d *desk) *posting {
	p := &posting{desk: d}
	d.Clock.Add(3 * time.Hour)
	p.source = d.connect("A1", apptest.DistrictA, agreed(apptest.HallA), "")
	p.sec = keeper(d)
	p.number()
	_, w, err := d.App.AddWebhook(d.Context(), p.sec, p.source, hookURL)
	if err != nil {
		d.Fatal(err)
	}
	p.webhook = w.ID
	return p
}

func (p *posting) number() {
	p.Helper()
	for more := true; more; {
		var err error
		if more, err = p.App.NumberEvents(p.Context()); err != nil {
			p.Fatal(err)
		}
	}
}

// happen books n hours of the hall and gives the events their numbers.
func (p *posting) happen(n int) {
	p.Helper()
	for range n {
		p.Clock.Add(time.Second)
		p.codes = append(p.codes, p.book(p.FreeSlots(apptest.QueueA)[0], apptest.SocialCard).View.Code)
	}
	p.number()
}

// connected is the connected system.
func (p *posting) connected() (s oversight.Source) {
	p.Helper()
	if err := p.DB.View(p.Context(), func(tx *store.Tx) error {
		found, err := tx.Source(p.Context(), p.source)
		if err == nil {
			s = *found
		}
		return err
	}); err != nil {
		p.Fatal(err)
	}
	return s
}

func (p *posting) state() app.WebhookInfo {
	p.Helper()
	list, err := p.App.SourceWebhooks(p.Context(), p.connected())
	if err != nil || len(list) != 1 {
		p.Fatal(list, err)
	}
	return list[0]
}

// is tells how it is with the address.
func (p *posting) is() feed.WebhookState {
	p.Helper()
	w := p.state()
	return w.State()
}

func (p *posting) again() *app.Admin {
	ad := p.as("SEC")
	ad.Proved = p.Clock.Now()
	return ad
}

// next takes the next message, nil for none, and reads it as the other side does.
func (p *posting) next() (*app.WebhookMessage, []hookEvent) {
	p.Helper()
	due, err := p.App.DueWebhooks(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	if len(due) == 0 {
		return nil, nil
	}
	m, err := p.App.NextMessage(p.Context(), p.webhook)
	if err != nil || m == nil {
		p.Fatalf("due, and no message: %v, %v", m, err)
	}
	var body struct {
		Type string
		At   time.Time `json:"timestamp"`
		Data struct {
			Source      string
			After, Next int64
			Events      []struct {
				Seq           int64
				Booking, Kind string
				Hall, Slot    string
			}
		}
	}
	if err := json.Unmarshal(m.Body, &body); err != nil || body.Type != "booking.events" || body.Data.Source != p.source || body.At.IsZero() || len(body.Data.Events) == 0 || len(body.Data.Events) > feed.MostPosted {
		p.Fatalf("%s, %v", m.Body, err)
	}
	var out []hookEvent
	last := body.Data.After
	for _, e := range body.Data.Events {
		if e.Seq <= last || e.Hall != apptest.HallA || e.Slot == "" {
			p.Errorf("after %d: %+v", last, e)
		}
		last = e.Seq
		out = append(out, hookEvent{m.ID, e.Seq, e.Booking, e.Kind})
	}
	if last != body.Data.Next {
		p.Errorf("the last is %d, next %d", last, body.Data.Next)
	}
	return m, out
}

// post sends what is due until nothing is, and each is answered as answer says; it returns the fates.
func (p *posting) post(answer func(id string) feed.Answer) (fates []string) {
	p.Helper()
	for range 1000 {
		m, events := p.next()
		if m == nil {
			return fates
		}
		got := answer(m.ID)
		if got.Failure == "" || got.Failure == feed.FailedTimeout { // they have it, perhaps
			p.received = append(p.received, events...)
		}
		fate, err := p.App.SettleMessage(p.Context(), m, got, 0)
		if err != nil {
			p.Fatal(err)
		}
		fates = append(fates, string(fate))
	}
	p.Fatal("it never ends")
	return nil
}

func taken(string) feed.Answer { return feed.Answer{Status: 200} }

func always(f feed.Failure, status int) func(string) feed.Answer {
	return func(string) feed.Answer { return feed.Answer{Failure: f, Status: status} }
}

// all checks that the other side has everything, in order, once it drops what it has had.
func (p *posting) all(from int) {
	p.Helper()
	seen := map[int64]bool{}
	var got []string
	var last int64
	for _, e := range p.received {
		if seen[e.seq] {
			continue
		}
		seen[e.seq] = true
		if e.seq < last {
			p.Errorf("%d after %d", e.seq, last)
		}
		last = e.seq
		got = append(got, e.code)
	}
	if !slices.Equal(got, p.codes[from:]) {
		p.Errorf("received %v, want %v", got, p.codes[from:])
	}
}

func TestArt6_EventsArePosted(t *testing.T) {
	overseen(t, func(d *desk) {
		p := newPosting(d)
		if m, _ := p.next(); m != nil {
			d.Errorf("before anything happened: %s", m)
		}
		p.happen(3)
		d.book(d.FreeSlots(apptest.QueueB)[0], apptest.SocialCard) // another hall's
		p.number()
		if w := p.state(); w.Waiting != 3 {
			d.Errorf("%d wait", w.Waiting)
		}
		if got := p.post(taken); !slices.Equal(got, []string{"delivered"}) {
			d.Errorf("%v", got)
		}
		p.all(0)
		if w := p.state(); w.Waiting != 0 || !w.SuccessAt.Equal(d.Clock.Now()) || w.State() != feed.WebhookOn {
			d.Errorf("%+v", w)
		}

		// Two nodes: one has it, the other finds nothing; what a late one says is not written.
		p.happen(1)
		m, first := p.next()
		if other, err := d.App.NextMessage(d.Context(), p.webhook); other != nil || err != nil {
			d.Errorf("two have it: %v, %v", other, err)
		}
		p.received = append(p.received, first...)
		d.Clock.Add(2 * time.Minute) // killed between sending and writing
		p.happen(2)
		twin, second := p.next()
		if twin == nil || twin.ID != m.ID || string(twin.Body) != string(m.Body) || len(second) != 1 {
			d.Fatalf("sent again as %v, was %v: %v", twin, m, second)
		}
		if fate, err := d.App.SettleMessage(d.Context(), m, feed.Answer{Failure: feed.FailedTimeout}, 0); fate != feed.Again || err != nil || p.is() != feed.WebhookOn {
			d.Errorf("a late one: %s, %v, %s", fate, err, p.is())
		}
		p.received = append(p.received, second...)
		for range 2 { // the second says nothing new
			if _, err := d.App.SettleMessage(d.Context(), twin, feed.Answer{Status: 200}, 0); err != nil {
				d.Fatal(err)
			}
		}
		p.post(taken)
		p.all(0)

		// While secrets change, messages are signed with both.
		p.happen(1)
		if _, err := d.App.AddWebhookSecret(d.Context(), p.again(), p.source, p.webhook); err != nil {
			d.Fatal(err)
		}
		both, events := p.next()
		if len(both.Secrets) != 2 || both.Secrets[0] == both.Secrets[1] || !strings.HasPrefix(both.Secrets[0], "whsec_") {
			d.Errorf("%d secrets", len(both.Secrets))
		}
		p.received = append(p.received, events...)
		if _, err := d.App.SettleMessage(d.Context(), both, feed.Answer{Status: 200}, 0); err != nil {
			d.Fatal(err)
		}
		p.all(0)

		// More than one message holds.
		n := len(p.codes)
		p.happen(feed.MostPosted + 3)
		if got := p.post(taken); !slices.Equal(got, []string{"delivered", "delivered"}) {
			d.Errorf("%d events: %v", len(p.codes)-n, got)
		}
		p.all(0)
	})
}

func TestArt6_AnAddressThatFails(t *testing.T) {
	overseen(t, func(d *desk) {
		p := newPosting(d)
		p.happen(2)
		for i, c := range []struct {
			answer func(string) feed.Answer
			wait   time.Duration
		}{
			{always(feed.FailedStatus, 500), 5 * time.Second},
			{always(feed.FailedTimeout, 0), 5 * time.Minute}, // slow, or half an answer: they may have it
			{always(feed.FailedRedirect, 302), 30 * time.Minute},
			{func(string) feed.Answer {
				return feed.Answer{Failure: feed.FailedStatus, Status: 429, Wait: 90 * time.Second}
			}, 90 * time.Second},
			{always(feed.FailedConnect, 0), 2 * time.Hour},
		} {
			if got := p.post(c.answer); !slices.Equal(got, []string{"again"}) {
				d.Errorf("%d: %v", i, got)
			}
			w := p.state()
			if w.State() != feed.WebhookFailing || !w.NextAt.Equal(d.Clock.Now().Add(c.wait)) || w.Waiting < 2 {
				d.Errorf("%d: next at %v, now %v, %+v", i, w.NextAt, d.Clock.Now(), w)
			}
			p.happen(1) // meanwhile
			d.Clock.Set(w.NextAt.Add(-time.Microsecond))
			if m, _ := p.next(); m != nil {
				d.Errorf("%d: too early", i)
			}
			d.Clock.Set(w.NextAt)
		}
		if got := p.post(taken); !slices.Equal(got, []string{"delivered", "delivered"}) {
			d.Errorf("at last: %v", got)
		}
		p.all(0)
		if w := p.state(); w.State() != feed.WebhookOn || !w.FailingAt.IsZero() || w.Failure != "" {
			d.Errorf("%+v", w)
		}

		// Gone: nothing is sent until it is switched on, and then everything is.
		p.happen(1)
		if got := p.post(always(feed.FailedStatus, 410)); !slices.Equal(got, []string{"stopped"}) {
			d.Errorf("gone: %v", got)
		}
		p.happen(1)
		d.Clock.Add(24 * time.Hour)
		if m, _ := p.next(); m != nil || p.is() != feed.WebhookOff || p.state().Off != feed.OffGone {
			d.Errorf("off: %v, %+v", m, p.state())
		}
		if _, err := d.App.SendAgain(d.Context(), p.again(), p.source, p.webhook, 0); fault.CodeOf(err) != fault.WebhookOff {
			d.Errorf("sent again while off: %v", err)
		}
		if err := d.App.ResumeWebhook(d.Context(), p.again(), p.source, p.webhook); err != nil {
			d.Fatal(err)
		}
		p.post(taken)
		p.all(0)

		// Taken away: what waits is not sent.
		p.happen(1)
		if err := d.App.EndWebhook(d.Context(), p.again(), p.source, p.webhook, "停用"); err != nil {
			d.Fatal(err)
		}
		if m, _ := p.next(); m != nil {
			d.Errorf("sent after its end: %v", m)
		}
	})
}

// Seven days of outage: what had its tries is put aside, all else waits, and everything comes in order; what was put
// aside is sent again when somebody asks.
func TestArt6_SevenDaysOfOutage(t *testing.T) {
	overseen(t, func(d *desk) {
		p := newPosting(d)
		p.happen(1)
		end := d.Clock.Now().Add(7 * 24 * time.Hour)
		tries := map[string]int{}
		for d.Clock.Now().Before(end) {
			p.post(func(id string) feed.Answer {
				tries[id]++
				return feed.Answer{Failure: feed.FailedConnect}
			})
			next := p.state().NextAt
			if !next.After(d.Clock.Now()) || next.Sub(d.Clock.Now()) > 25*time.Hour {
				t.Fatalf("next at %v, now %v", next, d.Clock.Now())
			}
			if len(p.codes) < 60 {
				p.happen(7)
			}
			if d.Clock.Now().Before(next) {
				d.Clock.Set(next)
			}
			if _, err := d.App.Prepare(d.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		w := p.state()
		if w.Undelivered != 2 || w.State() != feed.WebhookFailing || w.Waiting+1 < len(p.codes)-feed.MostPosted {
			t.Errorf("after seven days: %d put aside, %d of %d wait, %s", w.Undelivered, w.Waiting, len(p.codes), w.State())
		}
		_, _, aside, err := d.App.Webhook(d.Context(), p.again(), p.source, p.webhook)
		if err != nil || len(aside) != 2 || aside[0].Tries != feed.MostTries || tries["msg_"+p.webhook+fmt.Sprint("_", aside[0].Upto)] != feed.MostTries || aside[0].AsideAt.Sub(aside[0].FirstAt) < 75*time.Hour {
			t.Fatalf("put aside: %+v, %v", aside, err)
		}
		lost := aside[0].Events + aside[1].Events
		fates := p.post(taken) // it is back
		if slices.ContainsFunc(fates, func(f string) bool { return f != "delivered" }) {
			t.Errorf("%v", fates)
		}
		p.all(lost)
		if w := p.state(); w.Waiting != 0 || w.State() != feed.WebhookOn || w.Undelivered != 2 {
			t.Errorf("%+v", w)
		}

		// One is asked for and fails: it stays. All are asked for and come in order, under the ids they had.
		before := len(p.received)
		ask := func(upto, want int64) {
			t.Helper()
			if n, err := d.App.SendAgain(d.Context(), p.again(), p.source, p.webhook, upto); err != nil || n != want {
				t.Errorf("asked for %d: %d, %v", upto, n, err)
			}
		}
		ask(aside[1].Upto, 1)
		if got := p.post(always(feed.FailedStatus, 503)); !slices.Equal(got, []string{"put_aside"}) {
			t.Errorf("again, and failed: %v", got)
		}
		ask(0, 2)
		if got := p.post(taken); !slices.Equal(got, []string{"delivered", "delivered"}) {
			t.Errorf("again: %v", got)
		}
		again := p.received[before:]
		var codes []string
		for _, e := range again {
			codes = append(codes, e.code)
		}
		if !slices.Equal(codes, p.codes[:lost]) || again[0].id != "msg_"+p.webhook+fmt.Sprint("_", aside[0].Upto) {
			t.Errorf("again: %v", again)
		}
		if w := p.state(); w.Undelivered != 0 {
			t.Errorf("%d are still put aside", w.Undelivered)
		}
		if _, err := d.App.SendAgain(d.Context(), p.again(), p.source, p.webhook, aside[0].Upto); fault.CodeOf(err) != fault.NothingUndelivered {
			t.Errorf("delivered twice: %v", err)
		}

		// A month in which nothing gets through switches it off.
		p.happen(1)
		for range 200 {
			p.post(always(feed.FailedConnect, 0))
			if w = p.state(); w.State() == feed.WebhookOff {
				break
			}
			d.Clock.Set(w.NextAt.Add(time.Second))
			if w.Waiting == 0 { // the last one was put aside
				if _, err := d.App.Prepare(d.Context(), nil); err != nil {
					t.Fatal(err)
				}
				p.happen(1)
			}
		}
		if w.Off != feed.OffFailing {
			t.Errorf("after a month: %+v", w)
		}
	})
}

func TestArt6_EventsAreKeptForAWhile(t *testing.T) {
	overseen(t, func(d *desk) {
		p := newPosting(d)
		p.happen(3)
		by := app.Feeder{Client: &app.Client{Source: p.connected()}}
		by.Client.Key.Scopes = append(by.Client.Key.Scopes, "events", "feed")
		ask := func(after int64) ([]app.FeedEvent, int64, error) {
			return d.App.FeedEvents(d.Context(), by, p.source, after, 100)
		}
		list, next, err := ask(0)
		if err != nil || len(list) != 3 || next != list[2].Seq {
			t.Fatalf("%v, %d, %v", list, next, err)
		}
		forget := func() {
			t.Helper()
			if more, err := d.App.ForgetFeeds(d.Context()); err != nil || more {
				t.Errorf("forgotten: %t, %v", more, err)
			}
		}
		forget()
		if again, _, err := ask(0); err != nil || len(again) != 3 {
			t.Errorf("too early: %v, %v", again, err)
		}
		d.Clock.Add(91 * 24 * time.Hour)
		if _, err := d.App.Prepare(d.Context(), nil); err != nil {
			t.Fatal(err)
		}
		p.happen(2)
		forget()
		forget()
		_, _, err = ask(list[0].Seq)
		f := fault.As(err)
		if fault.CodeOf(err) != fault.EventsForgotten || f.Args["after"] != fmt.Sprint(next) {
			t.Fatalf("from long ago: %v", err)
		}
		rest, last, err := ask(next)
		if err != nil || len(rest) != 2 {
			t.Errorf("from where it can go on: %v, %v", rest, err)
		}
		if all, _, err := ask(0); err != nil || len(all) != 2 {
			t.Errorf("all there are: %v, %v", all, err)
		}
		p.number() // what lost its number gets none again
		if all, end, err := ask(0); err != nil || len(all) != 2 || end != last {
			t.Errorf("numbered again: %v, %d, %v", all, end, err)
		}
		p.post(taken) // the address was asleep all the time: it sees by the numbers that something is missing
		if len(p.received) != 2 || p.received[0].code != p.codes[3] {
			t.Errorf("posted: %v", p.received)
		}
		found, err := d.DB.Doctor(d.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range found {
			if x.Severity == store.Error {
				t.Errorf("doctor: %s: %s", x.Check, x.Detail)
			}
		}
	})
}
