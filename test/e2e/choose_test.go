package e2e

import (
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/store"
)

// A hall closes while its city is served: whoever had booked there is asked on their pass, and says yes in
// one tap, without scripts. The page is looked at in each language and edition.
func TestWhoLosesAnHourIsAskedOnThePass(t *testing.T) {
	t.Parallel()
	c := small(t, "")
	me := c.program(t, "citizen-1")
	b := open(t, c)
	toItem(b, everyday, false)
	toCheck(b, "citizen-1")
	b.click(`form[action="/book"] button`)
	mine := me.bookings(t)
	if len(mine) != 1 {
		t.Fatalf("booked %+v", mine)
	}
	c.close(t, mine[0].Slot)
	pass := "/pass/" + mine[0].Code
	for _, look := range []struct {
		query, name, lang string
		elder             bool
	}{
		{"?lang=en", "choice-en", "en", false}, {"?lang=zh-Hant", "choice-hant", "zh-Hant-HK", false},
		{"?edition=elder", "choice-elder", "zh-Hant-HK", true}, {"?edition=normal&lang=zh-Hans", "choice-hans", "zh-Hans-CN", false},
	} {
		if status := b.goTo(pass + look.query); status != 200 {
			t.Fatalf("the pass answers %d", status)
		}
		if look.elder || look.lang == "zh-Hans-CN" {
			b.inspect(look.name, look.lang, look.elder)
		} else {
			b.inspectWords(look.name, look.lang, false)
		}
		b.keep(look.name)
	}
	for _, path := range []string{"/", "/bookings", "/messages"} {
		b.goTo(path)
		if !strings.Contains(b.text("main"), "原来的时段没有了") {
			t.Errorf("%s does not say that an hour is gone", path)
		}
		b.keep("choice-at-" + strings.Trim(path, "/"))
	}
	b.noScripts()
	b.goTo(pass)
	b.click(`form[action$="/keep"] button`)
	if !strings.Contains(b.text("main"), "时间已改好") {
		t.Errorf("after the yes: %s", b.text("main"))
	}
	if after := me.bookings(t); len(after) != 1 || after[0].State != "booked" || after[0].Slot == mine[0].Slot {
		t.Errorf("booked %+v, was %+v", after, mine)
	}
}

// close closes an hour of the city from another node, as carrying out a request does.
func (c *city) close(t *testing.T, slot string) {
	t.Helper()
	ctx, now := t.Context(), c.clock(t)
	db, err := store.Open(ctx, c.database, store.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	node, err := app.New(ctx, app.Config{DB: db, Vault: apptest.NewVault(), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer node.Close()
	queue, _, _, _ := booking.ParseSlotID(slot)
	hall := node.City().Queue(queue).HallID
	if err := node.Evict(ctx, "R2026-000001", []app.SlotCut{{HallID: hall, QueueID: queue, SlotID: slot, Closed: true}}, nil); err != nil {
		t.Fatal(err)
	}
}
