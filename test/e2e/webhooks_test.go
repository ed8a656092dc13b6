package e2e

import (
	"strings"
	"testing"
	"time"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/feed"
	"suiyue/internal/domain/oversight"
)

// The security role gives a connected system an address for its events, sees that nothing gets through, sends again what
// was put aside, and changes the secret (Art. 6).
func TestArt6_AnAddressForEventsIsKept(t *testing.T) {
	t.Parallel()
	w := within(t, apptest.Options{})
	ctx := t.Context()
	source, err := w.App.ConnectSource(ctx, w.As(t, w.OpenAdmin(t, account.District1, apptest.DistrictA)), apptest.DistrictA, oversight.Source{
		Name: "自建系统", Kinds: oversight.RecordKinds, Halls: []string{apptest.HallA}, Delay: 15 * time.Minute, Silence: 2 * time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.App.NumberEvents(ctx); err != nil {
		t.Fatal(err)
	}
	security := w.OpenAdmin(t, account.Security, "440100000000")
	b := w.office(t, security)
	b.goTo("/console/clients/" + source + "/webhooks")
	b.paper("addresses, none")
	b.write("[name=url]", "http://127.0.0.1/")
	if status := b.follow(b.press(`main form button.button`)); status != 422 {
		t.Errorf("an address that may not be called: status %d", status)
	}
	b.expectStatus(422)
	b.paper("an address, refused")
	b.write("[name=url]", "https://hooks.example.org/events")
	b.click(`main form button.button`)
	b.paper("an address, its secret")
	if s := b.text("main code.secret"); !strings.HasPrefix(s, "whsec_") {
		t.Fatal("no secret is shown")
	}
	b.click(`main table a`)
	b.paper("an address, new")
	page := b.path()
	id := page[strings.LastIndex(page, "/")+1:]

	// Two messages have their tries, one after the other.
	happen := func(n int) {
		w.take(t, n, w.FreeSlots(apptest.QueueA)[0])
		if _, err := w.App.NumberEvents(ctx); err != nil {
			t.Fatal(err)
		}
	}
	w.Clock.Add(3 * time.Hour) // after the day's release
	happen(1)
	for n := range 2 * feed.MostTries {
		m, err := w.App.NextMessage(ctx, id)
		if err != nil || m == nil {
			t.Fatal("nothing to send", err)
		}
		if _, err := w.App.SettleMessage(ctx, m, feed.Answer{Failure: feed.FailedStatus, Status: 503}, 0); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			happen(2)
		}
		w.Clock.Add(25 * time.Hour)
	}
	security.Token = w.SignInAdmin(t, security) // many days later
	b = w.office(t, security)
	b.goTo(page)
	b.paper("an address that fails")
	b.click(`main form[action$="/again"]:not(:has([name=upto])) button`)
	b.paper("sent again")
	if s := b.text("main"); !strings.Contains(s, "正在重新发送") {
		t.Errorf("sent again: %s", s)
	}
	b.click(`main form[action$="/secret"] button`)
	b.paper("the next secret")
	b.click(`main table a[href*="/end?secret="]`)
	b.paper("a secret, to be ended")
	b.pen("[name=why]", "更换设备")
	b.click(`main form button.button`)
	b.paper("a secret, ended")
	b.goTo("/console/clients/" + source + "/webhooks")
	b.paper("addresses, one that fails")
}
