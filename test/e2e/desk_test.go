package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"suiyue/internal/bridge"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/identity"
)

// keystroke is how long a person takes for one key.
const keystroke = 120 * time.Millisecond

// byHand presses keys one by one, as fast as a person does.
func (b *tab) byHand(keys string) {
	b.t.Helper()
	for _, k := range keys {
		b.do(chromedp.KeyEvent(string(k)))
		time.Sleep(keystroke)
	}
}

// walkTo goes on by Tab, or back by Shift and Tab, until an element that matches has the focus.
func (b *tab) walkTo(css string, back ...chromedp.KeyOption) {
	b.t.Helper()
	for range 80 {
		if eval[bool](b, "document.activeElement?.matches("+quote(css)+") ?? false") {
			return
		}
		b.do(chromedp.KeyEvent(kb.Tab, back...))
		time.Sleep(keystroke)
	}
	b.t.Fatalf("%s: Tab does not lead to %s", b.path(), css)
}

var shift = chromedp.KeyModifiers(8)

// chooseFirst takes the first entry of a list that has the focus.
func (b *tab) chooseFirst(css string) {
	b.t.Helper()
	b.walkTo(css)
	b.byHand(kb.ArrowDown)
	if eval[string](b, "document.querySelector("+quote(css)+").value") == "" {
		b.t.Fatalf("%s: nothing is chosen in %s", b.path(), css)
	}
}

// somebody is a resident who does not exist.
func somebody(serial int) string {
	return identity.SyntheticResident(identity.SyntheticArea, calendar.MakeDate(1962, 3, 4), serial).Number
}

// The desk serves somebody in less than a minute, by the keyboard alone and at a person's pace; with a reader
// beside it in a fraction of that; and prints the number as often as it takes.
func TestTheDeskByKeyboard(t *testing.T) {
	t.Parallel()
	c := small(t, "")
	day := calendar.DateOf(c.clock(t)) + 1
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day++
	}
	c.setClock(t, day.At(9, 4))
	b := open(t, c)
	b.resize(1280)
	if _, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `window.print = () => { sessionStorage.printed = Number(sessionStorage.printed ?? 0) + 1 }`,
	}); err != nil {
		t.Fatal(err)
	}
	b.sitAs("Counter clerk", "Liwan", 0)
	at := windowHall + "/desk"
	// timed begins at the list of arrivals, and asserts how long it took and how many screens were seen after it.
	timed := func(what string, screens int, do func()) {
		t.Helper()
		b.goTo(at + "?lang=en")
		began, seen := time.Now(), b.seen
		do()
		took, pages := time.Since(began), b.seen-seen
		t.Logf("%s: %.1f s, %d screens", what, took.Seconds(), pages)
		if took > time.Minute || pages != screens {
			t.Errorf("%s takes %.1f s and %d screens, want less than 60 s and %d", what, took.Seconds(), pages, screens)
		}
	}
	timed("a number of the day, typed", 3, func() {
		b.walkTo(`a[href$="/desk/number"]`, shift)
		b.enter()
		b.chooseFirst("#item")
		b.walkTo(`[name="document.number"]`)
		b.byHand(somebody(901))
		b.walkTo("[name=name]")
		b.byHand("陈示例")
		b.enter()
		b.must(".slip__number")
		b.walkTo(`form[action$="/print"] button`)
		b.enter()
		b.wait(`sessionStorage.printed === "1"`)
	})
	b.inspectAs(look{name: "desk ticket", lang: "en", least: mouse, at: []int64{phone, tablet, desk}})
	b.resize(1280)

	// Printed again: counted, and said on the paper; loading the page again prints nothing; a number that was given
	// back meanwhile is refused.
	ticket, _, _ := strings.Cut(b.path(), "?")
	b.goTo(ticket)
	b.click(`form[action$="/print"] button`)
	b.wait(`sessionStorage.printed === "2"`)
	if got := b.text("main"); !strings.Contains(got, "2 times") || !strings.Contains(b.text(".slip"), "Print no. 2") {
		t.Errorf("printed again: %s", got)
	}
	b.goTo(b.path())
	if n := eval[string](b, "sessionStorage.printed"); n != "2" {
		t.Errorf("after a reload it was printed %s times", n)
	}
	resp, err := http.Post(c.url+"/api/v1/tickets/"+ticket[strings.LastIndex(ticket, "/")+1:]+"/leave", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := b.follow(b.press(`form[action$="/print"] button`)); got != http.StatusConflict || !strings.Contains(b.text("main"), "ticket_over") {
		t.Errorf("a number given back is printed: %d, %s", got, b.text("main"))
	}
	b.expectStatus(http.StatusConflict)
	b.inspectAs(look{name: "desk ticket over", lang: "en", least: mouse, at: []int64{desk}})

	timed("a booking, typed", 3, func() {
		b.walkTo(`a[href$="/desk/book"]`, shift)
		b.enter()
		b.chooseFirst("#item")
		b.walkTo("form.filters button")
		b.enter()
		b.walkTo(`[name="document.number"]`)
		b.byHand(somebody(902))
		b.walkTo("[name=name]")
		b.byHand("陈示例")
		b.walkTo("[name=phone]")
		b.byHand("19900000902")
		b.enter()
		if got := b.text("main"); !strings.Contains(got, "Booked. Code") {
			t.Fatalf("booking at the desk: %s", got)
		}
	})

	// The same with a reader: the machine is enrolled as one of the hall.
	boss := open(t, c)
	boss.resize(1280)
	boss.sitAs("District level 1", "Liwan", 0)
	boss.goTo(windowHall + "/devices/new?kind=kiosk&lang=en")
	reader := bridge.New(bridge.Config{Origins: []string{c.url}, Now: time.Now, Documents: bridge.Synthetic(4)})
	beside := httptest.NewServer(reader.Handler())
	t.Cleanup(beside.Close)
	boss.write("#name", "Desk")
	boss.write("#bridge", beside.URL)
	boss.click("main form button[type=submit]")
	code, secret := boss.text(".device-code"), eval[string](boss, `document.querySelector("details code").textContent`)
	reader.Set(func(r *bridge.Bridge) { r.Secret = secret })
	if b.count("#reader") != 0 {
		t.Error("a machine that is none of the hall is told of a reader")
	}
	b.goTo("/hall/enrol")
	b.write("#code", code)
	b.click("form.ask button")
	lay := func(d bridge.Document, filled string) {
		t.Helper()
		b.reach(`document.querySelector("#reader")?.hidden === false`)
		time.Sleep(time.Second) // the page has asked its reader what there is
		reader.Lay(d)
		b.wait(filled)
	}
	doc := bridge.Document{Kind: "resident_id", Number: somebody(903), Name: "陈示例"}
	timed("a number of the day, with the reader", 2, func() {
		b.walkTo(`a[href$="/desk/number"]`, shift)
		b.enter()
		b.chooseFirst("#item")
		lay(doc, `document.querySelector('[name="document.number"]').value !== "" && document.activeElement.name === "phone"`)
		b.enter()
		b.must(".slip__number")
	})
	timed("a booking, with the reader", 3, func() {
		b.walkTo(`a[href$="/desk/book"]`, shift)
		b.enter()
		b.chooseFirst("#item")
		b.walkTo("form.filters button")
		b.enter()
		lay(doc, `document.activeElement.name === "phone"`)
		b.byHand("19900000903")
		b.enter()
		b.must(".notice")
	})
	passport := bridge.Document{Kind: "passport", Number: "X0000009", Nationality: "FRA", Name: "MARTIN CLAIRE", Birth: "1985-06-07"}
	b.goTo(at + "/green")
	lay(passport, `document.querySelector('[name="document.nationality"]').value === "FRA" && document.querySelector("[name=birth]").value === "1985-06-07" && document.querySelector('[name="document.kind"]').closest("details").open`)
	b.inspectAs(look{name: "desk with a document read", lang: "en", least: mouse, at: []int64{phone, tablet, desk}})
	b.resize(1280)
	reader.Tell(bridge.Event{Kind: "unread"})
	b.wait(`document.getElementById("reader").textContent === document.getElementById("reader").dataset.unread`)
	b.goTo(at)
	b.reach(`document.querySelector("#reader")?.hidden === false`)
	time.Sleep(time.Second)
	reader.Lay(doc)
	b.reach(`location.search.includes("q=" + ` + quote(doc.Number[14:]) + `)`)

	// The reader away: it is said, and typing goes on.
	b.goTo(at + "/number")
	reader.Set(func(r *bridge.Bridge) { r.Secret = "another" })
	b.reach(`document.getElementById("reader").textContent === document.getElementById("reader").dataset.away`)
	b.walkTo(`[name="document.number"]`)
	b.do(chromedp.Navigate("about:blank")) // the browser tells of each answer
	b.expectStatus(http.StatusUnauthorized)
}
