package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/identity"
)

// Items of the catalogue: one with a way on line, one for foreigners.
const (
	online  = "SI-01"
	foreign = "FR-02"
)

// resident is the number of somebody who does not exist.
func resident(serial int) string {
	return identity.SyntheticResident(identity.SyntheticArea, calendar.MakeDate(1985, 5, 5), serial).Number
}

// Everything a person can come to, in both editions, at every width.
func TestPages(t *testing.T) {
	c := shared.get(t)
	for _, elder := range []bool{false, true} {
		name, person := "normal", "citizen-3"
		if elder {
			name, person = "elder", "elder"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &walk{tab: open(t, c), lang: "zh-Hans-CN", elder: elder, person: person}
			w.begin("zh-Hans")
			w.strangers()
			w.everybody()
			w.signedIn()
			w.booking()
		})
	}
}

// The main pages in the other languages.
func TestLanguages(t *testing.T) {
	c := shared.get(t)
	for locale, lang := range map[string]string{"zh-Hant": "zh-Hant-HK", "en": "en"} {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			w := &walk{tab: open(t, c), lang: lang, person: map[string]string{"zh-Hant": "hong-kong-card", "en": "foreign-card-2023"}[locale], at: []int64{320}, words: true}
			w.begin(locale)
			w.everybody()
			w.booking()
		})
	}
}

// walk goes through pages and inspects each.
type walk struct {
	*tab
	lang   string
	elder  bool
	person string
	at     []int64 // widths; nil = all
	words  bool    // the pages are inspected in another language as well
}

func (w *walk) begin(locale string) {
	edition := "normal"
	if w.elder {
		edition = "elder"
	}
	w.goTo("/?lang=" + locale + "&edition=" + edition)
	if dark := w.count("html.elder") == 1; dark != w.elder {
		w.t.Fatalf("the edition asked for is %s, shown is another", edition)
	}
}

// page inspects an address that answers with a status.
func (w *walk) page(name, path string, status int) {
	w.t.Helper()
	if got := w.goTo(path); got != status {
		w.t.Errorf("%s: %s answers %d, not %d", name, path, got, status)
	}
	w.expectStatus(status)
	w.here(name)
}

// here inspects the page that is shown.
func (w *walk) here(name string) {
	w.t.Helper()
	l := lookAt(name, w.lang, w.elder, w.at)
	l.words = w.words
	w.inspectAs(l)
}

// send submits the form of the page and expects a refusal.
func (w *walk) send(css string, status int) {
	w.t.Helper()
	if got := w.follow(w.press(css)); got != status {
		w.t.Errorf("%s: sending is answered with %d, not %d", w.path(), got, status)
	}
	w.expectStatus(status)
}

// wrong inspects a form that came back: the summary has the focus, and its links lead to the fields.
func (w *walk) wrong(name string) {
	w.t.Helper()
	if !eval[bool](w.tab, `document.activeElement?.matches(".govuk-error-summary") ?? false`) {
		w.t.Errorf("%s: the summary of what is wrong has not the focus", name)
	}
	if bad := eval[[]string](w.tab, `[...document.querySelectorAll(".govuk-error-summary a")].map(a => a.getAttribute("href")).filter(h => !document.querySelector(h))`); len(bad) > 0 {
		w.t.Errorf("%s: the summary points to what is not there: %v", name, bad)
	}
	if w.count(".govuk-error-summary a") == 0 || w.count("[aria-invalid=true], .govuk-form-group--error") == 0 {
		w.t.Errorf("%s: no field is marked as wrong", name)
	}
	w.here(name)
}

// everybody are the pages of the way to a date.
func (w *walk) everybody() {
	w.page("home", "/", 200)
	category := w.link(`.tile[href^="/category/"]`)
	w.page("search", "/search?q=%E7%A4%BE%E4%BF%9D", 200) // 社保
	w.page("category", category, 200)
	w.page("item with an online way", "/item/"+online, 200)
	w.page("item of foreigners", "/item/"+foreign, 200)
	w.page("waits of the city", "/waiting", 200)
	w.page("waits of a district", "/waiting?sort=wait&district=440103000000", 200)
	w.page("waits for an item", "/waiting?item="+online, 200)
	w.page("hall with its waits", "/hall/440103000000", 200)
	w.goTo("/item/" + online)
	w.page("date", w.link(`.hall a.button[href^="/book/"]`), 200)
	w.page("sign in", "/sign-in", 200)
}

// strangers are the pages of somebody who is not signed in, and those that say no.
func (w *walk) strangers() {
	w.page("nothing found", "/search?q=qqqqzzzz", 200)
	w.page("nowhere", "/nowhere-at-all", 404)
	w.page("no such item", "/item/no-such-item", 404)
	w.page("find", "/find", 200)
	w.send("main form button.button", 422)
	w.wrong("find, sent empty")
	w.write("[name=code]", "7K3M-9Q2X-T")
	w.write("[name=fact]", "440103199001011234")
	w.send("main form button.button", 404)
	w.here("find, nothing there")
	w.page("closed pass", "/pass/7K3M-9Q2X-T", 401)
	w.page("visitor", "/sign-in/visitor", 200)
	w.send("main form button.button", 422)
	w.wrong("visitor, sent empty")
	w.page("signed out", "/sign-out", 200)
	w.page("desk", "/demo", 200)
	w.forPrograms()
	w.goTo("/item/" + online)
	w.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("[name=compare]:not(:checked)").forEach((e, i) => { if (i < 2) e.click() })`))
	if w.count("[name=compare]") > 1 {
		w.click(".compare-bar button")
		w.here("two halls compared")
	}
}

// forPrograms are the pages that explain the interface: no citizen comes there, links stand close.
func (w *walk) forPrograms() {
	if w.elder {
		return
	}
	for name, path := range map[string]string{"interface": "/api/", "problem": "/problems/sold_out"} {
		w.goTo(path)
		w.inspectAs(look{name: name, lang: w.lang, least: 0, at: w.at})
	}
}

// signedIn are the pages around a person who has booked nothing yet.
func (w *walk) signedIn() {
	w.goTo("/sign-in?return=%2Fbookings")
	w.click(`main a[href^="/sign-in/start"]`)
	w.inspect("test persons", strings.TrimSuffix(w.lang, "-CN"), false, w.at...)
	w.click(`button[name=person][value="` + w.person + `"]`)
	w.here("no bookings")
	w.page("no messages", "/messages", 200)
	w.page("people", "/people", 200)
	w.page("new person", "/people/new", 200)
	w.send("main form button.button", 422)
	w.wrong("new person, sent empty")
	w.write("[name=name]", "测试家人")
	w.write("[name=number]", resident(31))
	w.write("[name=phone]", "19900000777")
	w.click("main .person form button.button")
	w.here("somebody looked after")
	w.page("removal", w.link(`main a[href$="/remove"]`), 200)
	w.page("account", "/account", 200)
	w.click(`form[action="/account/calendar"] button`)
	w.here("account, a calendar's address")
	w.goTo("/account")
	w.click(`form[action="/account/calendar/end"] button`)
}

// booking are the pages from the choice of an hour to a cancelled pass.
func (w *walk) booking() {
	w.goTo("/item/" + online)
	w.click(`.hall a.button[href^="/book/"]`)
	w.click("#when form button")
	if strings.HasPrefix(w.path(), "/sign-in") {
		w.signIn(w.person)
	}
	w.here("for whom")
	who := w.path()
	w.do(w.press("label:has(input[value=other])"))
	w.click("main form button.button")
	w.here("somebody else")
	w.send("main form button.button", 422)
	w.wrong("somebody else, sent empty")
	w.goTo(who)
	w.do(w.press("label:has(input[value=organisation])"))
	w.click("main form button.button")
	w.here("organisation")
	w.send("main form button.button", 422)
	w.wrong("organisation, sent empty")
	w.goTo(who)
	w.do(w.press("label:has(input[value=self])"))
	w.click("main form button.button")
	w.here("check")
	w.click(`form[action="/book"] button`)
	w.here("pass")
	pass, _, _ := strings.Cut(w.path(), "?")
	w.page("bookings", "/bookings", 200)
	w.page("messages", "/messages", 200)
	w.page("home with a booking", "/", 200)
	w.goTo(who)
	w.click("main form button.button")
	w.send(`form[action="/book"] button`, 409)
	w.here("already booked")
	w.page("move", pass+"/move", 200)
	w.click("#when form button")
	w.here("move check")
	w.page("move, other halls", pass+"/move/halls", 200)
	w.page("cancel", pass+"/cancel", 200)
	w.click(`form[action$="/cancel"] button`)
	w.here("cancelled")
	w.page("bookings over", "/bookings", 200)
}

// link is where the first link of a selector leads.
func (w *walk) link(css string) string {
	w.t.Helper()
	w.must(css)
	return w.attribute(css, "href")
}
