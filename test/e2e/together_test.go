package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/room"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/domain/theme"
)

// A family on its pages, from the entry on the ordinary way to a pass for each.
func TestAFamilyOnItsPages(t *testing.T) {
	t.Parallel()
	w := within(t, apptest.Options{})
	b, _ := w.tab(t, apptest.Citizen(1))
	b.goTo("/book/" + apptest.SocialCard + "/" + apptest.QueueStreet + "?lang=zh-Hans")
	b.click("#when form button")
	b.ways("for whom, several people", b.path())
	b.pick("for", "together")
	b.click("main form button.button")
	people := b.path()
	b.ways("several people, nobody yet", people)
	b.click(`button[name=whom][value=self]`)
	if got := b.follow(b.press(".person form button.button")); got != 422 {
		t.Errorf("sent empty: %d", got)
	}
	b.expectStatus(422)
	b.inspect("several people, sent empty", "zh-Hans-CN", false)
	for i := range 2 {
		b.write("[name=name]", "测试家人")
		b.write("[name=number]", apptest.Citizen(2+i).Document.Number)
		b.click(".person form button.button")
	}
	b.ways("several people", people)
	b.click(`button[name=do][value=go]`)
	hours := b.path()
	b.ways("hours of several people", hours)
	b.click("#when form button")
	b.ways("check of several people", b.path())
	check := b.path()
	b.click(`form[action="/book"] button`)
	done := b.path()
	b.ways("several people booked", done)
	if n := len(eval[[]string](b, `[...new Set([...document.querySelectorAll('main a[href^="/pass/"]')].map(a => a.getAttribute("href")))]`)); n != 3 {
		t.Errorf("%d passes", n)
	}
	for range 3 {
		b.do(chromedp.NavigateBack(), chromedp.Reload())
	}
	if b.goTo(check); b.path() != done {
		t.Errorf("back leads to %s", b.path())
	}
	if n := w.Rows(t)["booking"]; n != 3 {
		t.Errorf("%d bookings", n)
	}
	b.click(`main a.button[href^="/pass/"]`)
	b.ways("pass of one of several", b.path())
	b.ways("bookings of several", "/bookings")

	// A day that has not room for so many.
	free := w.FreeSlots(apptest.QueueStreet)
	for i, slot := range free {
		w.take(t, 100+i, slot)
	}
	other, _ := w.tab(t, apptest.Citizen(40))
	other.goTo("/book/" + apptest.SocialCard + "/" + apptest.QueueA + "?lang=zh-Hans")
	other.click("#when form button")
	other.pick("for", "together")
	other.click("main form button.button")
	other.click(`button[name=whom][value=self]`)
	other.write("[name=name]", "测试家人")
	other.write("[name=number]", apptest.Citizen(41).Document.Number)
	other.click(".person form button.button")
	for i, slot := range w.FreeSlots(apptest.QueueA) {
		for v, _ := w.App.Slot(slot); v.Free > 0; v, _ = w.App.Slot(slot) {
			w.take(t, 1000+100*i+v.Free, slot)
		}
	}
	other.click(`button[name=do][value=go]`)
	other.ways("no room for several people", other.path())
}

// The waiting list on its pages: joining for somebody else, where one stands, an offer, a number from the line, leaving.
func TestTheWaitlistOnItsPages(t *testing.T) {
	t.Parallel()
	w := within(t, apptest.Options{})
	free := w.FreeSlots(apptest.QueueStreet)
	_, day, _, _ := booking.ParseSlotID(free[0])
	holder := map[string]func(){}
	for i, slot := range free {
		if _, d, _, _ := booking.ParseSlotID(slot); d == day {
			who, code := w.take(t, 100+i, slot)
			holder[slot] = func() { w.cancel(t, who, code) }
		}
	}
	b, _ := w.tab(t, apptest.Citizen(1))
	full := "/book/" + apptest.SocialCard + "/" + apptest.QueueStreet + "?date=" + day.String()
	b.ways("a full day", full)
	b.click(`main a[href^="/waitlist/new"]`)
	form := b.path()
	b.ways("joining the line", form)
	if got := b.follow(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("[name=dates]").forEach(e => e.checked = false)`), b.press("main form button.button")); got != 422 {
		t.Errorf("without a date: %d", got)
	}
	b.expectStatus(422)
	b.inspect("joining the line, no date", "zh-Hans-CN", false)
	b.goTo(form)
	b.pick("for", "other")
	b.click("main form button.button")
	b.ways("joining for somebody else", b.path())
	b.write("[name=name]", "测试家人")
	b.write("[name=number]", apptest.Citizen(2).Document.Number)
	b.click("main form button.button")
	b.ways("check before joining", b.path())
	b.click(`form[action="/book"] button`)
	entry := b.path()
	b.ways("an entry of the line", entry)
	b.ways("my waiting list", "/waitlist")
	b.ways("changing an entry", entry+"/change")
	b.ways("bookings with an entry", "/bookings")

	// A number that comes free is booked for the entry.
	holder[free[0]]()
	if err := w.App.ServeWaits(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.goTo(entry)
	if !strings.HasPrefix(b.path(), "/pass/") {
		t.Fatalf("served from the line: %s", b.path())
	}
	b.ways("a pass from the line", b.path())
	b.ways("messages from the line", "/messages")

	// Where booking stays open until the hour begins, a number that comes free shortly before is offered.
	w.rules(t, func(r *rulebook.Rulebook) { r.OffSiteCloses = rulebook.SlotStart })
	w.Clock.Set(day.At(8, 30))
	c, _ := w.tab(t, apptest.Citizen(3))
	c.goTo("/waitlist/new?lang=zh-Hans&item=" + apptest.SocialCard + "&queue=" + apptest.QueueStreet + "&date=" + day.String())
	c.click("main form button.button")
	entry = c.path()
	holder[free[1]]()
	if err := w.App.ServeWaits(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.ways("an offer", entry)
	c.ways("my waiting list with an offer", "/waitlist")
	if c.count(`form[action$="/take"] button`) != 1 && c.goTo(entry) != 200 {
		t.Error("no offer")
	}
	c.goTo(entry)
	c.click(`form[action$="/decline"] button`)
	c.click(`form[action$="/leave"] button`)
	c.ways("left the line", entry)
}

// What is recorded of somebody, on their account; the waiting room; a theme and a case of it.
func TestNoticesRoomAndThemeOnTheirPages(t *testing.T) {
	t.Parallel()
	t.Run("standing", func(t *testing.T) {
		w := within(t, apptest.Options{})
		w.rules(t, func(r *rulebook.Rulebook) {
			r.Sanctions.On, r.Sanctions.Cancellations, r.Sanctions.WarnBeforeFirst = true, 1, true
		})
		b, who := w.tab(t, apptest.Citizen(1))
		for i, look := range []string{"warned", "barred"} {
			_, code := w.take(t, 1, w.FreeSlots(apptest.QueueA)[i])
			w.cancel(t, who, code)
			b.ways("account, "+look, "/account")
			b.ways("measure, "+look, "/account/standing/"+code)
		}
	})
	t.Run("appeal", func(t *testing.T) {
		w := within(t, apptest.Options{})
		w.rules(t, func(r *rulebook.Rulebook) {
			r.Sanctions.On, r.Sanctions.Cancellations, r.Sanctions.WarnBeforeFirst = true, 1, false
		})
		who, code := w.take(t, 1, w.FreeSlots(apptest.QueueA)[0])
		w.cancel(t, who, code)
		o := w.OpenAdmin(t, account.District2, apptest.DistrictA)
		b := w.office(t, o)
		b.goTo("/console/sanctions?appeals=1")
		b.inspectAs(lookOf("no appeals", "zh-Hans-CN").from(tablet))
		if _, err := w.App.AppealMeasure(t.Context(), who, code, "那天是大厅的电话叫我取消的。"); err != nil {
			t.Fatal(err)
		}
		for _, list := range []string{"?appeals=1", ""} {
			b.goTo("/console/sanctions" + list)
			b.inspectAs(lookOf("sanctions"+list, "zh-Hans-CN").from(tablet))
		}
		b.click(`main table a[href*="/sanctions/"]`)
		if said := b.text("main"); !strings.Contains(said, "大厅的电话") || strings.Contains(said, apptest.Citizen(1).Name) {
			t.Errorf("the appeal is not told, or somebody is named: %s", said)
		}
		b.inspectAs(lookOf("appeal to decide", "zh-Hans-CN").from(tablet))
		if status := b.follow(b.press(`main form button[value=refuse]`)); status != 422 {
			t.Errorf("refused without a reason: %d", status)
		}
		b.expectStatus(422)
		b.inspectAs(lookOf("appeal, refused without a reason", "zh-Hans-CN").from(tablet))
		b.choose("main form [name=why]", "大厅已核实，确系通知取消。")
		b.click(`main form button[value=grant]`)
		b.inspectAs(lookOf("appeal granted", "zh-Hans-CN").from(tablet))
		if b.count("main form [name=why]") != 0 {
			t.Error("what is decided can be decided again")
		}
	})
	t.Run("room", func(t *testing.T) {
		w := within(t, apptest.Options{Change: func(c *app.Config) { c.Room = &room.Rules{Inside: 1, Line: 5} }})
		first, _ := w.tab(t, apptest.Citizen(1))
		second, _ := w.tab(t, apptest.Citizen(2))
		for i, b := range []*tab{first, second} {
			b.goTo("/book/" + apptest.SocialCard + "/" + apptest.QueueA + "?lang=zh-Hans")
			b.click("#when form button")
			if i == 0 {
				b.click("main form button.button")
				continue
			}
			if got := b.follow(b.press("main form button.button")); got != 503 {
				t.Errorf("the second is let in: %d", got)
			}
			b.awaitStatus(503)
			b.polls = 503
			b.ways("waiting room", b.path())
		}
	})
	t.Run("theme", func(t *testing.T) {
		w := within(t, apptest.Options{})
		w.AddTheme(t)
		b, who := w.tab(t, apptest.Citizen(1))
		b.ways("item with its themes", "/item/"+apptest.SocialCard)
		b.ways("themes", "/themes")
		b.ways("theme", "/themes/"+apptest.Theme)
		if size := eval[[]float64](b, `["b", ".line"].map(s => parseFloat(getComputedStyle(document.querySelector("ol.numbered li " + s)).fontWeight))`); size[0] <= size[1] {
			t.Errorf("a step does not stand out from its department: %v", size)
		}
		const id = "aaaaaaaaaaaa"
		w.OpenCaseFor(t, id, apptest.Citizen(1), apptest.Citizen(2), who.Person.Key)
		social := w.As(t, w.OpenAdmin(t, account.Municipal2, apptest.AgencySocial))
		b.ways("cases", "/cases")
		b.ways("a case's task list", "/cases/"+id)
		for _, kind := range []theme.ActKind{theme.Take, theme.Ask} {
			if err := w.App.WorkStep(t.Context(), social, app.StepAct{Kind: kind, Case: id, Step: "card", Text: "请写明户籍地"}); err != nil {
				t.Fatal(err)
			}
		}
		b.ways("a case that asks", "/cases/"+id)
		b.ways("withdrawing a case", "/cases/"+id+"/withdraw")
	})
}
