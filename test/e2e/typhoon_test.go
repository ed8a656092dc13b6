package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/pgtest"
)

// hitHall is the district hall of the small part of the city.
const hitHall = "440103000000"

// demoSecret is the authenticator app of the ready administrators, as their page shows it.
const demoSecret = "KAPOKKAPOKKAPOKKAPOKKAPOKKAPOKKA"

// A typhoon comes. A district closes its hall for the next working day through the pages, its superior
// says yes, and everybody who had booked there finds on their pass what happened and chooses in their own
// language: one takes what is kept, one another time, one cancels without a mark.
func TestATyphoonMorning(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); typhoon(t, small(t, ""), true) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); typhoon(t, small(t, pgtest.New(t)), false) })
}

// hit is somebody whose hour the typhoon takes.
type hit struct {
	*tab
	person, locale, lang string
	me                   *program
	pass                 string // address
	slot                 string
}

// typhoon plays the morning; looks tells whether each page is inspected as well.
func typhoon(t *testing.T, c *city, looks bool) {
	day := calendar.DateOf(c.clock(t)) + 1
	for day.Weekday() != time.Wednesday {
		day++
	}
	c.setClock(t, day.At(7, 30))
	people := []*hit{
		{person: "citizen-1", locale: "zh-Hans", lang: "zh-Hans-CN"},
		{person: "hong-kong-card", locale: "zh-Hant", lang: "zh-Hant-HK"},
		{person: "foreign-card-2023", locale: "en", lang: "en"},
	}
	var date string
	for _, p := range people {
		p.tab = open(t, c)
		p.goTo("/?lang=" + p.locale)
		p.goTo("/hall/" + hitHall)
		p.click(`a[href^="/book/"]`)
		days := eval[[]string](p.tab, `[...document.querySelectorAll(".days a.day--free")].map(a => a.id.replace("day-", ""))`)
		for len(days) > 0 && days[0] <= day.String() {
			days = days[1:]
		}
		if len(days) == 0 {
			t.Fatalf("no day is free: %s", p.text("main"))
		}
		date = days[0]
		if p.attribute(".days a[aria-current=date]", "id") != "day-"+date {
			p.do(p.press("#day-" + date))
			p.wait(`document.querySelector(".days [aria-current=date]")?.id === "day-` + date + `"`)
		}
		p.click("#when form button")
		p.signIn(p.person)
		p.click("main form button.button")
		p.click(`form[action="/book"] button`)
		p.pass, _, _ = strings.Cut(p.path(), "?")
		p.me = c.program(t, p.person)
		if list := p.me.bookings(t); len(list) != 1 || !strings.HasPrefix(p.pass, "/pass/") {
			t.Fatalf("%s booked %+v and came to %s", p.person, list, p.pass)
		} else {
			p.slot = list[0].Slot
		}
	}
	if !strings.Contains(people[0].slot, strings.ReplaceAll(date, "-", "")) {
		t.Fatalf("booked is %s, to be closed %s", people[0].slot, date)
	}

	look := func(b *tab, name, lang string) {
		if looks {
			b.inspectAs(lookOf(name, lang))
		}
	}
	request, all := closeHall(t, c, date, look)
	superior := approve(t, c, request, look)

	waiting := func(want int) {
		t.Helper()
		superior.goTo("/console/displaced")
		superior.must("main table, main .empty")
		if got := superior.text("main table tbody"); want > 0 && !strings.Contains(got, fmt.Sprintf("%d / %d", want, all)) {
			t.Errorf("%d have not chosen, the page says %s", want, got)
		} else if want == 0 && !strings.Contains(superior.text("main"), "没有等待选择的人") {
			t.Errorf("all have chosen, the page says %s", superior.text("main"))
		}
	}
	waiting(all)
	look(superior, "displaced", "zh-Hans-CN")
	superior.goTo(request + "/affected")
	if n := superior.count("main table tbody tr"); n != min(all, 50) {
		t.Errorf("%d people are listed: %s", n, superior.text("main"))
	}
	look(superior, "affected", "zh-Hans-CN")

	told := map[string]string{
		"zh-Hans": "很抱歉，您约的.+荔湾区政务服务中心停止服务，不能按原来的时间办理",
		"zh-Hant": "很抱歉，您約的.+荔灣區政務服務中心停止服務，不能按原來的時間辦理",
		"en":      "We are sorry. You had booked .+, but at Liwan .+ the hall is closed, so it cannot be kept",
	}
	for i, p := range people {
		p.goTo("/messages")
		if first := p.text(".message"); !regexp.MustCompile("原来的时段没有了|原來的時段沒有了|Your hour is gone").MatchString(first) {
			t.Errorf("the newest message is %q", first)
		}
		p.keep("typhoon-message-" + p.locale)
		p.goTo(p.pass)
		if said := p.text(".lost"); !regexp.MustCompile(told[p.locale]).MatchString(said) {
			t.Errorf("%s: the pass says %q", p.locale, said)
		}
		if p.count(".qr") != 0 && p.count(".lost") == 0 {
			t.Error("the pass shows its code as if nothing had happened")
		}
		p.keep("typhoon-pass-" + p.locale)
		p.choose3(t, i)
		p.goTo(p.pass)
		p.keep("typhoon-chosen-" + p.locale)
		if looks {
			p.inspect("typhoon chosen", p.lang, false, phone)
		}
		waiting(all - 1 - i)
	}
	// It was not their doing: neither marks nor a count of cancellations.
	last := people[2]
	last.goTo("/bookings")
	last.keep("typhoon-bookings")
	if marks := last.me.text(t, "/api/v1/me"); strings.Contains(marks, `"cancellations":1`) {
		t.Errorf("the cancellation counts: %s", marks)
	}

	// Whoever says nothing for a day has cancelled, and nobody waits.
	c.setClock(t, c.clock(t).Add(25*time.Hour))
	superior.beOne("区一级", "荔湾区")
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		superior.goTo("/console/displaced")
		if superior.count("main table tbody tr") == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("after the time to choose: %s", superior.text("main"))
			break
		}
	}
	waiting(0)
	superior.goTo(request + "/affected?state=lapsed")
	if said := superior.text("main"); !strings.Contains(said, fmt.Sprintf("过期未选 %d", all-len(people))) {
		t.Errorf("%d have not chosen in time, the page says %s", all-len(people), said)
	}
	superior.keep("typhoon-affected-in-the-end")
	superior.goTo(request)
	look(superior, "request done", "zh-Hans-CN")
	superior.goTo("/console/ledger")
	for _, entry := range []string{"提出不及时", "已有预约后减号"} {
		if rows := superior.text("main table tbody"); strings.Count(rows, entry) != 1 {
			t.Errorf("the ledger does not say %s once: %s", entry, rows)
		}
	}
	look(superior, "ledger with entries", "zh-Hans-CN")
	appealed(t, c, superior, look)
}

// appealed has the hall say something against its late request, which the district upholds.
func appealed(t *testing.T, c *city, superior *tab, look func(*tab, string, string)) {
	t.Helper()
	b := open(t, c)
	b.resize(desk)
	b.beOne("区二级", "荔湾区")
	b.goTo("/console/ledger?who=mine")
	entry := eval[string](b, `[...document.querySelectorAll("main table a")].find(a => a.innerText.includes("提出不及时")).getAttribute("href")`)
	b.goTo(entry)
	look(b, "ledger entry of one's own", "zh-Hans-CN")
	if status := b.follow(b.press("main form.confirm button[type=submit]")); status != 422 || b.count("#why-error, .govuk-error-message") == 0 {
		t.Errorf("an appeal without a word: %d: %s", status, b.text("main"))
	}
	b.expectStatus(422)
	look(b, "ledger entry, appeal without a word", "zh-Hans-CN")
	b.write("#why", "台风红色预警当晚才发布")
	b.click("main form.confirm button[type=submit]")
	if !strings.Contains(b.text("main"), "已提出申辩") || b.count("main form") != 0 {
		t.Errorf("appealed: %s", b.text("main"))
	}
	look(b, "ledger entry appealed", "zh-Hans-CN")

	superior.goTo("/console")
	if !strings.Contains(superior.text("main"), "申辩待裁定") {
		t.Errorf("the first page does not say what waits: %s", superior.text("main"))
	}
	superior.goTo("/console/ledger?who=decide")
	superior.click(`main table a[href="` + entry + `"]`)
	if superior.count(`main .confirm a[href^="/console/prove"]`) == 1 {
		look(superior, "appeal to decide, before the proof", "zh-Hans-CN")
		c.setClock(t, c.clock(t).Add(31*time.Second)) // a code counts once
		superior.click(`main .confirm a[href^="/console/prove"]`)
		superior.write("#code", code(t, c, demoSecret))
		superior.click("main form:has(#code) button[type=submit]")
	}
	look(superior, "appeal to decide", "zh-Hans-CN")
	superior.write("#why", "查明属实")
	superior.click("main form.confirm button[value=strike]")
	if !strings.Contains(superior.text("main"), "记录已撤销") || superior.count("main form") != 0 {
		t.Errorf("decided: %s", superior.text("main"))
	}
	look(superior, "ledger entry struck", "zh-Hans-CN")
	superior.goTo("/console/ledger?who=decide")
	look(superior, "no appeal to decide", "zh-Hans-CN")
}

// choose3 is what each of the three does.
func (p *hit) choose3(t *testing.T, i int) {
	t.Helper()
	before := p.seen
	switch i {
	case 0: // one tap
		p.click(`form[action$="/keep"] button`)
		if !strings.Contains(p.text("main"), "时间已改好") || p.seen != before+1 {
			t.Errorf("after the yes: %s", p.text("main"))
		}
	case 1:
		p.click(`a[href$="/move"]`)
		p.do(p.press(".hours label:has(input:not(:disabled):not(:checked))"))
		p.click("#when form button")
		p.click("main form button.button")
	case 2:
		p.click(`a[href$="/cancel"]`)
		p.keep("typhoon-cancel-en")
		p.click(`form[action$="/cancel"] button`)
		if !strings.Contains(p.text("main"), "does not count as a cancellation of yours") {
			t.Errorf("after cancelling: %s", p.text("main"))
		}
	}
	state := map[bool]string{true: "booked", false: "cancelled"}[i < 2]
	if list := p.me.bookings(t); len(list) != 1 || list[0].State != state || i < 2 && list[0].Slot == p.slot {
		t.Errorf("%s had %s, now %+v", p.person, p.slot, list)
	}
	if p.count(".lost") != 0 {
		t.Errorf("somebody who has chosen is asked again: %s", p.text("main"))
	}
}

// closeHall files the closure as the district's administrator of level 2. It returns the address of the request
// and how many people it hits.
func closeHall(t *testing.T, c *city, date string, look func(*tab, string, string)) (string, int) {
	t.Helper()
	b := open(t, c)
	b.resize(desk)
	b.beOne("区二级", "荔湾区")
	b.goTo("/console/halls/" + hitHall + "/requests")
	look(b, "requests of a hall", "zh-Hans-CN")
	before := b.seen
	b.click(`a[href^="/console/requests/new"]`)
	look(b, "new: what", "zh-Hans-CN")
	if b.count("input[name=hall]:checked") != 1 {
		t.Error("the hall one comes from is not chosen already")
	}
	b.do(b.press("label:has(input[name=kind][value=close]), input[name=kind][value=close] + label"))
	b.click("main form.flow button[name=next]")
	look(b, "new: when", "zh-Hans-CN")
	b.choose("[name=from]", date)
	b.choose("[name=to]", date)
	b.click("main form.flow button[value=check]")
	look(b, "new: check", "zh-Hans-CN")
	people, _ := strconv.Atoi(strings.TrimSuffix(regexp.MustCompile(`\d+ 个预约`).FindString(b.text("main")), " 个预约"))
	if people < 3 || b.count("main table tbody tr") != min(people, 50) {
		t.Fatalf("the effect on %d people is not told: %s", people, b.text("main"))
	}
	b.write("[name=reason]", "台风红色预警，全市停止集会")
	b.click("main form.confirm button[type=submit]")
	if n := b.seen - before; n > 4 {
		t.Errorf("a closure takes %d screens", n)
	}
	at, _, _ := strings.Cut(b.path(), "?")
	if !regexp.MustCompile(`^/console/requests/R\d{4}-\d+$`).MatchString(at) {
		t.Fatalf("filed, and the page is %s: %s", b.path(), b.text("main"))
	}
	look(b, "request waiting, its asker", "zh-Hans-CN")
	return at, people
}

// approve decides as the district's first level, who has not proved lately who they are.
func approve(t *testing.T, c *city, request string, look func(*tab, string, string)) *tab {
	t.Helper()
	b := open(t, c)
	b.resize(desk)
	b.beOne("区一级", "荔湾区")
	c.setClock(t, c.clock(t).Add(11*time.Minute))
	b.goTo("/console/requests?who=decide")
	look(b, "requests to decide", "zh-Hans-CN")
	b.click(`main table a[href="` + request + `"]`)
	look(b, "request to decide", "zh-Hans-CN")
	if b.count("[name=why]") != 0 {
		t.Error("a reason can be written that the proof would lose")
	}
	b.click(`main .confirm a[href^="/console/prove"]`)
	look(b, "prove", "zh-Hans-CN")
	b.write("#code", code(t, c, demoSecret))
	b.click("main form:has(#code) button[type=submit]")
	if b.path() != request {
		t.Errorf("after the proof: %s", b.path())
	}
	b.write("[name=why]", "同意，请做好公告")
	b.click("main form.confirm button[value=approve]")
	look(b, "request approved", "zh-Hans-CN")
	if !strings.Contains(b.text("main"), "已同意，号源已调整") {
		t.Errorf("approved: %s", b.text("main"))
	}
	return b
}

// beOne signs in as the ready administrator of a rank over a unit.
func (b *tab) beOne(rank, unit string) {
	b.t.Helper()
	b.goTo("/demo/administrators")
	if !eval[bool](b, `(() => { const b = [...document.querySelectorAll("button[name=account]")].find(b => b.innerText.startsWith(`+quote(rank)+`) && b.innerText.includes(`+quote(unit)+`)); if (b) b.id = "it"; return !!b })()`) {
		b.t.Fatalf("no %s over %s is ready: %s", rank, unit, b.text("main"))
	}
	b.click("#it")
}

func lookOf(name, lang string) look {
	return look{name: name, lang: lang, least: 24, at: []int64{phone, tablet, desk}}
}

// from leaves narrower windows out.
func (l look) from(width int64) look {
	l.at = slices.DeleteFunc(slices.Clone(l.at), func(w int64) bool { return w < width })
	return l
}
