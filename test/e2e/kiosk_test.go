package e2e

import (
	"fmt"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"suiyue/internal/bridge"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/gate/identity/testpeople"
)

// Screens of kiosks: portrait and landscape.
var kioskScreens = [][2]int64{{1080, 1920}, {1920, 1080}}

const (
	kioskHall = "/console/halls/440103000000"
	kioskItem = "SI-02"
)

// reach waits until an expression is true of whatever page there is by then.
func (b *tab) reach(js string) {
	b.t.Helper()
	deadline := time.Now().Add(45 * time.Second)
	for {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.readyState !== "loading" && (`+js+")")); err == nil && ok {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: this never becomes true: %s\n%s", b.path(), js, b.text("body"))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// looks at a page of a kiosk on both screens: nothing that axe finds, everything on the screen at once.
func (b *tab) kioskLook(name string, whole bool) {
	b.t.Helper()
	for i, s := range kioskScreens {
		b.do(chromedp.EmulateViewport(s[0], s[1]))
		eval[bool](b, `document.body.dispatchEvent(new PointerEvent("pointerdown", {bubbles: true}))`)
		where := fmt.Sprintf("%s, %d×%d", name, s[0], s[1])
		b.keep(fmt.Sprintf("kiosk-%s-%d", name, s[0]))
		if i == 0 {
			b.axe(where, "all")
		} else {
			b.axeRest(where, "kiosk", func() {})
		}
		if wide := eval[int64](b, "document.documentElement.scrollWidth"); wide > s[0] {
			b.report(where, "scrolls sideways: %d px", wide)
		}
		if high := eval[int64](b, "document.documentElement.scrollHeight"); whole && high > s[1] {
			b.report(where, "is %d px high", high)
		}
		for _, small := range eval[[]string](b, fmt.Sprintf("%s(%d)", tooSmall, 60)) {
			b.report(where, "smaller than 60 px: %s", small)
		}
	}
	b.quiet()
}

// shown looks with axe at what is on the screen and would go with a touch.
func (b *tab) shown(name string) {
	b.t.Helper()
	b.axe(name, "all")
	b.keep("kiosk-" + name)
}

// scan types as a scanner does: fast, and Enter.
func (b *tab) scan(text string) {
	b.t.Helper()
	eval[bool](b, `(t => { for (const c of t) document.body.dispatchEvent(new KeyboardEvent("keydown", {key: c, bubbles: true})); return true })(`+quote(text)+`)`)
	b.do(chromedp.KeyEvent(kb.Enter))
}

// A kiosk from its making in the console to paper: by a scanned code, by a document, and by one that does not
// match, with the reader and the printer beside it.
func TestKiosk(t *testing.T) {
	t.Parallel()
	c := small(t, "")
	// Tomorrow, or the next day that is worked, from the day before.
	today := calendar.DateOf(c.clock(t))
	for today.Weekday() == time.Friday || today.Weekday() == time.Saturday || today.Weekday() == time.Sunday {
		today++
	}
	day := today + 1
	c.setClock(t, today.At(14, 0))
	me := c.program(t, "citizen-1")
	var at struct{ queue string }
	for _, q := range regexp.MustCompile(`440103000000-[a-z]+`).FindAllString(me.text(t, "/api/v1/items/"+kioskItem+"/halls"), -1) {
		at.queue = q
	}
	if at.queue == "" {
		t.Fatal("no queue of the hall serves the item")
	}
	me.book(t, kioskItem, fmt.Sprintf("%s-%s-09", at.queue, strings.ReplaceAll(day.String(), "-", "")))
	code := me.bookings(t)[0].Code
	c.setClock(t, day.At(8, 45))

	desk := open(t, c)
	desk.goTo("/demo/administrators?lang=en")
	if !eval[bool](desk, `(() => { const b = [...document.querySelectorAll("button[name=account]")].find(b => b.innerText.startsWith("District level 1")); if (b) b.id = "it"; return !!b })()`) {
		t.Fatalf("nobody administers the district: %s", desk.text("main"))
	}
	desk.click("#it")
	desk.resize(1280)
	desk.goTo(kioskHall + "/devices/new?kind=kiosk&lang=en")
	reader := bridge.New(bridge.Config{Origins: []string{c.url}, Now: time.Now, Documents: bridge.Synthetic(4)})
	beside := httptest.NewServer(reader.Handler())
	t.Cleanup(beside.Close)
	desk.inspectAs(look{name: "device new", lang: "en", least: mouse, at: []int64{1280}})
	desk.write("#name", "Entrance 1")
	desk.write("#bridge", beside.URL)
	desk.click("main form button[type=submit]")
	enrol := strings.ReplaceAll(desk.text(".device-code"), " ", "")
	desk.inspectAs(look{name: "device made", lang: "en", least: mouse, at: []int64{1280}})
	secret := eval[string](desk, `document.querySelector("details code").textContent`)
	if len(enrol) != 8 || secret == "" {
		t.Fatalf("code %q, secret %q", enrol, secret)
	}
	reader.Set(func(r *bridge.Bridge) { r.Secret = secret })

	k := open(t, c)
	k.do(chromedp.EmulateViewport(1080, 1920))
	k.goTo("/hall/enrol?lang=en")
	k.kioskLook("enrol", true)
	k.write("#code", "AAAAAAAA")
	k.follow(k.press("form.ask button"))
	k.expectStatus(422)
	k.kioskLook("enrol-wrong", true)
	k.write("#code", strings.ToLower(enrol))
	k.click("form.ask button")
	k.reach(`location.pathname === "/hall/kiosk"`)
	k.kioskLook("start", true)
	for _, l := range []string{"zh-Hans", "zh-Hant"} {
		k.goTo("/hall/kiosk?lang=" + l)
		k.kioskLook("start-"+l, true)
	}
	k.goTo("/hall/kiosk?lang=en")
	desk.goTo(kioskHall + "/devices?lang=en")
	desk.inspectAs(look{name: "devices", lang: "en", least: mouse, at: []int64{1280}})

	// Nobody touches it: the start is locked, and opens with a touch.
	k.reach(`!document.querySelector("#lock").hidden`)
	k.shown("lock")
	k.goTo("/hall/kiosk")

	// Typed, and wrong.
	k.goTo("/hall/kiosk/booking")
	k.kioskLook("booking", false)
	k.follow(k.press("form.ask > button.button"))
	k.expectStatus(422)
	k.kioskLook("booking-wrong", false)
	k.goTo("/hall/kiosk/number")
	k.do(k.press(`.kind:has(input[value=passport])`))
	k.kioskLook("number-passport", false)
	k.follow(k.press("form.ask > button.button"))
	k.expectStatus(422)
	k.kioskLook("number-wrong", false)
	k.goTo("/hall/kiosk")

	// A scanned code, then a document of somebody else, then the right fact.
	k.scan(code)
	k.reach(`location.pathname === "/hall/kiosk/booking"`)
	k.kioskLook("scanned", false)
	time.Sleep(time.Second) // the page has asked its reader what there is
	reader.Lay(bridge.Document{Kind: "resident_id", Number: resident(77), Name: "陈示例"})
	k.reach(`location.pathname === "/hall/kiosk/refused"`)
	if !strings.Contains(k.text("main"), "not the one on the booking") {
		t.Errorf("after another's document: %s", k.text("main"))
	}
	k.kioskLook("mismatch", true)
	k.goTo("/hall/kiosk")
	k.scan("junk#junk")
	k.scan(code)
	k.reach(`location.pathname === "/hall/kiosk/booking"`)
	k.reach(`document.querySelector(".pad") !== null`)
	k.do(k.press(`.pad button[aria-label]`)) // delete: nothing is there yet
	fact := ""
	for _, p := range testpeople.All() {
		if p.ID == "citizen-1" {
			fact = p.Document.Number[len(p.Document.Number)-4:]
		}
	}
	for _, d := range fact {
		k.do(k.press(fmt.Sprintf(`.pad button:nth-child(%d)`, strings.IndexRune("1234567890X", d)+1)))
	}
	k.do(k.press("form.ask > button.button"))
	k.reach(`location.pathname === "/hall/kiosk/done"`)
	number := k.text(".ticket__number")
	k.reach(`document.querySelector("[data-printing]").textContent.includes("Printed")`)
	k.kioskLook("ticket", true)
	paper := reader.Papers()
	if len(paper) != 1 || !strings.Contains(fmt.Sprint(paper[0].Lines), number) {
		t.Fatalf("paper: %+v", paper)
	}
	k.goTo("/hall/kiosk/done") // a reload prints nothing
	time.Sleep(500 * time.Millisecond)
	if n := len(reader.Papers()); n != 1 {
		t.Errorf("a reload printed: %d", n)
	}
	if strings.Contains(k.path(), number) || eval[int](k, "history.length") > 20 {
		t.Error("the history grows")
	}

	// A number of the day by a document, without paper, then with it.
	c.setClock(t, day.At(9, 10))
	k.goTo("/hall/kiosk")
	k.do(k.press(`a.hand[href$="/number"]`))
	k.reach(`location.pathname === "/hall/kiosk/number"`)
	k.kioskLook("number", false)
	reader.Set(func(r *bridge.Bridge) { r.Empty = true })
	time.Sleep(time.Second)
	reader.Tell(bridge.Event{Kind: "unread"})
	k.reach(`!document.querySelector("[data-unread]").hidden`)
	reader.Lay(reader.Documents[0])
	k.reach(`location.pathname === "/hall/kiosk/number/choose"`)
	k.kioskLook("queues", false)
	k.do(k.press(`.lot:not([disabled])`))
	k.reach(`document.querySelector("h1") && (location.search.includes("queue=") || location.pathname === "/hall/kiosk/done")`)
	if k.path() != "/hall/kiosk/done" {
		k.kioskLook("items", false)
		k.do(k.press(`.lot:not([disabled])`))
	}
	k.reach(`location.pathname === "/hall/kiosk/done"`)
	k.reach(`document.querySelector("[data-printing]").textContent.includes("no paper")`)
	k.kioskLook("no-paper", true)
	reader.Set(func(r *bridge.Bridge) { r.Empty = false })
	k.do(k.press("[data-print]"))
	k.reach(`document.querySelector("[data-printing]").textContent.includes("Printed")`)
	if n := len(reader.Papers()); n != 2 {
		t.Errorf("%d papers", n)
	}

	// Nobody there: asked once, then the start, then the locked screen.
	k.goTo("/hall/kiosk/help")
	k.kioskLook("help", true)
	k.reach(`document.querySelector("#still").open`)
	k.shown("still")
	k.reach(`location.pathname === "/hall/kiosk"`)

	// The key is taken away: within seconds the machine is out of service.
	desk.goTo(kioskHall + "/devices?lang=en")
	desk.click("tbody a.cell")
	desk.click(`form[action$="/end"] button`)
	k.reach(`document.querySelector("main").innerText.includes("device_not_enrolled")`)
	k.shown("out-of-service")
	k.do(chromedp.Navigate("about:blank")) // the page asks again by itself, and the browser tells of each answer
	k.expectStatus(401)
}
