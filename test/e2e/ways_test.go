package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"suiyue/internal/domain/calendar"
)

// Art. 14: numbers open at noon. Before, the day says when; the page counts down; then it can be booked.
func TestArt14_AtNoonTheNewDayOpens(t *testing.T) {
	t.Parallel()
	c := small(t, "")
	now := c.clock(t)
	day := calendar.DateOf(now)
	if !now.Before(day.At(11, 59)) {
		day++
	}
	for day.At(12, 0).Weekday() != time.Tuesday { // so that the day that opens is one with numbers
		day++
	}
	c.setClock(t, day.At(11, 59).Add(50*time.Second))
	b := open(t, c)
	b.goTo("/item/" + online)
	b.click(`.hall a.button[href^="/book/"]`)
	before := b.count(".days a.day--free")
	if b.count(".days .day--locked, .days .day--not_released, .days .day--soon") == 0 && !strings.Contains(b.text(".days"), "12:00") {
		t.Errorf("no day says that it opens at 12:00: %s", b.text(".days"))
	}
	if !eval[bool](b, `document.querySelector(".release").classList.contains("counting")`) {
		t.Error("nothing counts down ten seconds before noon")
	}
	left := b.text(".release__clock")
	if !regexp.MustCompile(`^0:\d\d$`).MatchString(left) {
		t.Errorf("the countdown says %q", left)
	}
	b.wait(`!document.querySelector(".release").classList.contains("counting")`)
	late := c.clock(t).Sub(day.At(12, 0))
	b.do(chromedp.Reload())
	after := b.count(".days a.day--free")
	if after != before+1 {
		t.Errorf("before noon %d days were free, after it %d", before, after)
	}
	if late < -time.Second || late > 2*time.Second {
		t.Errorf("the countdown ended %s after noon", late)
	}
	last := eval[string](b, `[...document.querySelectorAll(".days a.day--free")].at(-1).id`)
	b.do(b.press("#" + last))
	b.wait(`document.querySelector(".days [aria-current=date]")?.id === ` + quote(last))
	b.click("#when form button")
	b.signIn("citizen-1")
	b.click("main form button.button")
	b.click(`form[action="/book"] button`)
	if !strings.HasPrefix(b.path(), "/pass/") {
		t.Errorf("booking the day that has just opened leads to %s", b.path())
	}
}

// Somebody who never touches a mouse: only Tab, Shift-Tab, arrows, Enter and typing.
func TestByKeyboardAlone(t *testing.T) {
	c := shared.get(t)
	for edition, width := range map[string]int64{"normal": 1280, "elder": 390} {
		t.Run(edition, func(t *testing.T) {
			t.Parallel()
			byKeyboard(t, c, edition, width, map[string]string{"normal": "citizen-4", "elder": "citizen-5"}[edition])
		})
	}
}

func byKeyboard(t *testing.T, c *city, edition string, width int64, person string) {
	b := open(t, c)
	b.resize(width)
	b.goTo("/?edition=" + edition)
	b.tabTo("#q")
	b.do(chromedp.KeyEvent("gjj"))
	b.wait(`document.querySelectorAll("#suggest li").length > 0`)
	b.follow(chromedp.KeyEvent(kb.ArrowDown), enterKey)
	b.tabTo(`.hall a.button[href^="/book/"]`)
	b.enter()
	b.tabTo("#when input:checked")
	b.tabTo("#when form button")
	b.enter()
	b.tabTo(`main a[href^="/sign-in/start"]`)
	b.enter()
	b.tabTo(`button[name=person][value="` + person + `"]`)
	b.enter()
	b.tabTo("main form input:checked")
	b.tabTo("main form button.button")
	b.enter()
	b.tabTo(`form[action="/book"] button`)
	b.enter()
	if !strings.HasPrefix(b.path(), "/pass/") {
		t.Fatalf("by keyboard: %s", b.path())
	}
	b.goTo("/")
	b.do(chromedp.KeyEvent(kb.Tab))
	if !eval[bool](b, `document.activeElement.matches(".govuk-skip-link")`) {
		t.Error("the first stop of the Tab key is not the way to the content")
	}
	b.do(enterKey)
	b.wait(`document.activeElement.closest("main") !== null || document.activeElement === document.body && location.hash === "#main"`)
}

// tabTo presses Tab until something has the focus, which must be seen: a ring, in the window, covered
// by nothing.
func (b *tab) tabTo(css string) {
	b.t.Helper()
	b.must(css)
	for range 150 {
		b.do(chromedp.KeyEvent(kb.Tab))
		if !eval[bool](b, "document.activeElement?.matches("+quote(css)+") ?? false") {
			continue
		}
		if !eval[bool](b, `(() => { const e = document.activeElement, l = e.closest("label") ?? e, r = l.getBoundingClientRect();
			const top = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);
			return top !== null && l.contains(top) && [e, l].some(x => getComputedStyle(x).outlineStyle !== "none" || getComputedStyle(x).boxShadow !== "none") })()`) {
			b.t.Errorf("%s: the focus on %s cannot be seen", b.path(), css)
		}
		return
	}
	b.t.Fatalf("%s: Tab never comes to %s", b.path(), css)
}

func (b *tab) enter() {
	b.t.Helper()
	if status := b.follow(enterKey); status != 200 {
		b.t.Fatalf("Enter leads to status %d at %s", status, b.path())
	}
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

// Art. 12: foreigner-related business can be booked with a travel document and a one-time code; nothing
// else can.
func TestArt12_AForeignerSignsInWithACode(t *testing.T) {
	t.Parallel()
	c := small(t, "")
	b := open(t, c)
	b.goTo("/?lang=en")
	b.goTo("/sign-in/visitor?return=%2Fitem%2F" + foreign)
	b.write("[name=number]", "XX1234567")
	b.choose("[name=nationality]", "FRA")
	for part, v := range map[string]string{"year": "1980", "month": "1", "day": "31"} {
		b.write(fmt.Sprintf("[name$=birth-%s]", part), v)
	}
	b.write("[name=name]", "TEST VISITOR")
	b.write("[name=phone]", "19900000999")
	b.click("main form button.button")
	if !strings.HasPrefix(b.path(), "/sign-in/visitor/code") {
		t.Fatalf("after asking for a code: %s: %s", b.path(), b.text("main"))
	}
	b.inspect("one-time code", "en", false)
	desk := open(t, c)
	desk.goTo("/demo?lang=en")
	code := sixDigits.FindString(desk.text("main"))
	if code == "" {
		t.Fatalf("the desk shows no code: %s", desk.text("main"))
	}
	wrong := "111111"
	if code == wrong {
		wrong = "222222"
	}
	b.write("[name=code]", wrong)
	if got := b.follow(b.press("main form button.button")); got != 422 {
		t.Errorf("a wrong code is answered with %d", got)
	}
	b.expectStatus(422)
	b.write("[name=code]", code)
	b.click("main form button.button")
	if !strings.HasPrefix(b.path(), "/item/"+foreign) {
		t.Fatalf("after the code: %s: %s", b.path(), b.text("main"))
	}
	b.click(`.hall a.button[href^="/book/"]`)
	b.click("#when form button")
	b.click("main form button.button")
	b.click(`form[action="/book"] button`)
	if !strings.HasPrefix(b.path(), "/pass/") {
		t.Fatalf("a visitor's booking leads to %s", b.path())
	}
	// Business that is nobody's but residents' is refused, with the reason.
	b.goTo("/item/" + online)
	b.click(`.hall a.button[href^="/book/"]`)
	status := b.follow(b.press("#when form button"))
	for status == 200 && b.count("main form button.button") > 0 && !strings.HasPrefix(b.path(), "/pass/") {
		status = b.follow(b.press("main form button.button"))
	}
	b.expectStatus(status)
	if status < 400 || status >= 500 || !strings.Contains(b.text("main"), "item_needs_provincial_identity") {
		t.Errorf("ordinary business asked for by a visitor: %d, %s", status, b.text("main"))
	}
}

// Whoever comes too late is told what is possible now.
func TestRefusalsSayWhatToDo(t *testing.T) {
	t.Parallel()
	c := small(t, "")
	b := open(t, c)
	// A booking of tomorrow, looked at after the last moment it could be cancelled.
	b.goTo("/item/" + online)
	hall := toCheck(b, "citizen-1")
	b.click(`form[action="/book"] button`)
	passOf(t, b, hall)
	pass, _, _ := strings.Cut(b.path(), "?")
	me := c.program(t, "citizen-1")
	slot := me.bookings(t)[0].Slot // …-20261125-09
	date, err := time.ParseInLocation("20060102-15", slot[len(slot)-11:], calendar.Zone)
	if err != nil {
		t.Fatal(err)
	}

	// The last number of an hour is taken while somebody checks what they entered.
	last := open(t, c)
	last.goTo("/item/" + online)
	slot = me.lastOne(t, "MA-01")
	last.goTo("/book/who?item=MA-01&stage=acceptance&slot=" + slot)
	last.signIn("citizen-2")
	last.click("main form button.button")
	c.program(t, "citizen-3").book(t, "MA-01", slot)
	if got := last.follow(last.press(`form[action="/book"] button`)); got != 409 {
		t.Errorf("the last number is gone, the answer is %d", got)
	}
	last.expectStatus(409)
	if !strings.Contains(last.text("main"), "sold_out") || last.count(".refusal a, .notice__links a") == 0 {
		t.Errorf("sold out: no other slot is offered: %s", last.text("main"))
	}
	if !eval[bool](last, `document.activeElement?.matches(".refusal") ?? false`) {
		t.Error("sold out: the refusal has not the focus")
	}
	last.inspect("sold out", "zh-Hans-CN", false)
	last.click(".notice__links a")
	if !strings.HasPrefix(last.path(), "/book/") {
		t.Errorf("the slot offered instead leads to %s", last.path())
	}

	c.setClock(t, date.Add(-30*time.Minute)) // until 08:00 for 09:00–10:00
	b.goTo("/sign-in?return=%2Fbookings")    // the clock has left the sign-in behind
	b.signIn("citizen-1")
	me = c.program(t, "citizen-1")
	for _, change := range []string{"/cancel", "/move"} {
		b.goTo(pass)
		if b.count(`a[href$="`+change+`"]`) != 0 {
			t.Errorf("the pass still offers %s after the last moment", change)
		}
		if got := b.goTo(pass + change); got != 409 {
			t.Errorf("%s too late: %d", change, got)
		}
		b.expectStatus(409)
		if !strings.Contains(b.text("main"), "too_late") || b.count("main .button") == 0 {
			t.Errorf("%s too late: neither reason nor a way on: %s", change, b.text("main"))
		}
		b.inspect("too late"+strings.ReplaceAll(change, "/", " to "), "zh-Hans-CN", false, 320)
	}

	// Signed out elsewhere, in the middle of a booking: sign in again and go on.
	b.goTo("/item/SI-02")
	b.click(`.hall a.button[href^="/book/"]`)
	b.click("#when form button")
	me.endOthers(t)
	b.click("main form button.button")
	if !strings.HasPrefix(b.path(), "/sign-in") {
		t.Fatalf("with a session that has ended: %s", b.path())
	}
	b.inspect("signed out", "zh-Hans-CN", false, 320)
	b.signIn("citizen-1")
	if !strings.HasPrefix(b.path(), "/book/") {
		t.Errorf("after signing in again: %s", b.path())
	}

	// Art. 12: a sign-in that is not sure enough who it is says how to become so.
	low := open(t, c)
	low.goTo("/item/" + online)
	low.click(`.hall a.button[href^="/book/"]`)
	low.click("#when form button")
	low.signIn("level-2")
	if !strings.HasPrefix(low.path(), "/account/level") || low.count("main ol li") == 0 {
		t.Errorf("somebody of level 2 comes to %s: %s", low.path(), low.text("main"))
	}
	low.inspect("level", "zh-Hans-CN", false)
}

// The network goes away while somebody fills in a form: the page says so, and what is in the form stays.
func TestWithoutNetworkAFormKeepsWhatIsInIt(t *testing.T) {
	t.Parallel()
	b := open(t, small(t, ""))
	connected := func(yes bool) {
		t.Helper()
		if _, err := chromedp.Call(b.ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: !yes, DownloadThroughput: -1, UploadThroughput: -1}); err != nil {
			t.Fatal(err)
		}
		b.wait(fmt.Sprintf(`document.querySelector("#offline").hidden === %t`, yes))
	}
	b.goTo("/find")
	b.write("[name=code]", "7K3M-9Q2X-T")
	b.write("[name=fact]", "1234")
	connected(false)
	b.do(b.press("main form button.button"))
	time.Sleep(300 * time.Millisecond)
	if got := eval[string](b, `document.querySelector("[name=code]").value`); b.count(".refusal") > 0 || got != "7K3M-9Q2X-T" {
		t.Errorf("sent without a network, the field holds %q", got)
	}
	b.inspect("offline", "zh-Hans-CN", false)
	connected(true)
	if got := b.follow(b.press("main form button.button")); got != 404 {
		t.Errorf("with the network back: %d", got)
	}
	b.expectStatus(404)
	if !strings.Contains(b.text(".refusal"), "booking_not_found") {
		t.Errorf("nothing found: %s", b.text("main"))
	}
}
