package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/pgtest"
	"suiyue/test/town"
)

// The queue of the demonstration that draws, and what is asked for there.
const (
	soldOut = "440103000000-estate"
	deed    = "RE-01"
)

// noonCrowd are those who ask within the minute, for an hour with fewer numbers than that.
var noonCrowd = []string{"citizen-2", "citizen-3", "citizen-4", "citizen-5", "citizen-6", "citizen-strong", "level-3", "elder", "hong-kong", "taiwan", "foreign-card-2017", "agent"}

// The noon of a sold-out queue: a line is served before the crowd, the crowd is drawn and anybody can check it,
// who lost stands in line, the alert reaches every level, a weekend is opened and the line is cleared (Art. 14–16, 23).
func TestTheNoonOfASoldOutQueue(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); noon(t, small(t, ""), true) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); noon(t, small(t, pgtest.New(t)), false) })
}

// waiter is somebody in line.
type waiter struct {
	*tab
	person, locale, lang string
	me                   *program
}

func noon(t *testing.T, c *city, looks bool) {
	look := func(b *tab, name, lang string, at ...int64) {
		t.Helper()
		if !looks {
			return
		}
		if len(at) > 0 {
			b.inspect(name, lang, false, at...)
		} else {
			b.inspectAs(lookOf(name, lang).from(tablet))
		}
	}
	id, day := nextDraw(t, c)
	c.setClock(t, day.At(11, 40))

	// Sold out. One waits for the day that was looked at and for the weekends, one for any day.
	some := newWaiter(t, c, "citizen-1", "zh-Hans", "zh-Hans-CN")
	any := newWaiter(t, c, "hong-kong-card", "zh-Hant", "zh-Hant-HK")
	for _, w := range []*waiter{some, any} {
		w.goTo("/book/" + deed + "/" + soldOut)
		look(w.tab, "noon sold out", w.lang, phone, desk)
		if w.count(`a[href^="/waitlist/new"]`) == 0 {
			w.click(`.days a.day--full`)
		}
		w.click(`a[href^="/waitlist/new"]`)
		w.signIn(w.person)
		look(w.tab, "noon what would suit", w.lang, phone, desk)
		if w == any {
			w.do(w.press(`label:has(input[value^="until-"])`), w.press(`label:has(input[name=dates]:checked:not([value^="until-"]))`))
		} else {
			w.weekends()
		}
		w.click("main form button.button")
		look(w.tab, "noon in line", w.lang, phone, desk)
		if said := w.text("main"); !regexp.MustCompile(`(前面|ahead).*\d+|\d+ ahead`).MatchString(said) || !regexp.MustCompile(`说不准|說不準|近四周`).MatchString(said) {
			t.Errorf("in line, neither place nor chance is told: %s", said)
		}
		w.goTo("/waitlist")
		look(w.tab, "noon my lines", w.lang, phone)
	}

	// Before noon the hash of the seed is published; the line is served a little before.
	c.setClock(t, day.At(11, 55))
	seen := open(t, c)
	seen.goTo("/draws/" + id)
	commitment := c.draw(t, id).Commitment
	if commitment == "" || !strings.Contains(seen.text("main"), commitment) {
		t.Errorf("no commitment before noon: %s", seen.text("main"))
	}
	look(seen, "noon draw announced", "zh-Hans-CN", phone, desk)
	any.booked(t)
	if list := some.me.bookings(t); len(list) != 0 {
		t.Errorf("a day that was not asked for is booked: %+v", list)
	}

	// Noon.
	c.setClock(t, day.At(12, 0).Add(time.Second))
	any.goTo("/messages")
	any.wait(`document.querySelector(".message") !== null`)
	look(any.tab, "noon messages of who was first", any.lang, phone)
	if first := any.text(".message"); !strings.Contains(first, "候補") {
		t.Errorf("the newest message is %q", first)
	}
	slot, others := c.left(t, soldOut, any.me.bookings(t)[0].Slot)
	english := newWaiter(t, c, "foreign-card-2023", "en", "en")
	english.goTo("/book/" + deed + "/" + soldOut + "?date=" + dateOf(slot))
	look(english.tab, "noon the new day", "en", phone, desk)
	english.click("#when form button")
	english.signIn(english.person)
	english.click("main form button.button")
	look(english.tab, "noon check before the draw", "en", phone)
	english.click(`form[action="/book"] button`)
	if at := english.path(); !strings.HasPrefix(at, "/draws/"+id) {
		t.Fatalf("after asking in the minute: %s: %s", at, english.text("main"))
	}
	look(english.tab, "noon in the draw", "en", phone, desk)
	crowd := map[string]*program{}
	for _, person := range noonCrowd {
		crowd[person] = c.program(t, person)
		crowd[person].ask(t, deed, slot, 202)
	}
	for i, other := range others { // nothing of the day is left in the end
		c.program(t, fmt.Sprintf("load-%d", 60+i)).ask(t, deed, other, 202)
	}

	// The minute is over.
	c.setClock(t, day.At(12, 1).Add(4*time.Second))
	until(t, "the draw is done", func() bool { return c.draw(t, id).Seed != "" })
	if out, err := town.Command(binary, "draw", "verify", c.url+"/api/v1/draws/"+id).CombinedOutput(); err != nil || !strings.Contains(string(out), fmt.Sprintf("is as it must be: %d entries", 1+len(noonCrowd)+len(others))) {
		t.Errorf("draw verify: %v\n%s", err, out)
	}
	english.goTo("/draws/" + id)
	look(english.tab, "noon draw done", "en", phone, desk)
	seen.goTo("/draws/" + id)
	if now := c.draw(t, id); now.Commitment != commitment || !strings.Contains(seen.text("main"), now.Seed) {
		t.Errorf("the seed is not on the page: %s", seen.text("main"))
	}
	lost := ""
	for _, person := range noonCrowd {
		if len(crowd[person].bookings(t)) == 0 {
			lost = person
		}
	}
	if lost == "" {
		t.Fatal("everybody has a number of an hour with fewer than that")
	}
	loser := newWaiter(t, c, lost, "zh-Hans", "zh-Hans-CN")
	loser.goTo("/sign-in?return=%2Fmessages")
	loser.signIn(lost)
	look(loser.tab, "noon message of who lost", loser.lang, phone)
	loser.goTo("/draws/" + id)
	look(loser.tab, "noon who lost", loser.lang, phone, desk)
	loser.click(`a[href^="/waitlist/new"]`)
	loser.weekends()
	loser.click("main form button.button")
	if !strings.HasPrefix(loser.path(), "/waitlist/") {
		t.Fatalf("who lost cannot join the line: %s", loser.text("main"))
	}

	weekend(t, c, look)
	some.booked(t)
	loser.booked(t)
	first, second := some.me.bookings(t)[0].Slot, loser.me.bookings(t)[0].Slot
	if calendarOf(first) > calendarOf(second) {
		t.Errorf("who joined later has %s, who joined before %s", second, first)
	}
	for _, w := range []*waiter{newWaiter(t, c, some.person, "zh-Hans", some.lang), newWaiter(t, c, lost, "zh-Hans", loser.lang)} {
		w.goTo("/sign-in?return=%2Fmessages")
		w.signIn(w.person)
		w.keep("noon-booked-" + w.person)
		if first := w.text(".message"); !strings.Contains(first, "候补") {
			t.Errorf("the newest message is %q", first)
		}
		w.goTo("/bookings")
		look(w.tab, "noon bookings in the end", w.lang, phone)
	}
}

func newWaiter(t *testing.T, c *city, person, locale, lang string) *waiter {
	t.Helper()
	w := &waiter{tab: open(t, c), person: person, locale: locale, lang: lang, me: c.program(t, person)}
	w.goTo("/?lang=" + locale)
	return w
}

// weekends ticks the days that would have to be opened specially.
func (w *waiter) weekends() {
	w.t.Helper()
	for _, id := range eval[[]string](w.tab, `[...document.querySelectorAll("input[name=dates]")].filter(i => !i.value.startsWith("until-") && [0, 6].includes(new Date(i.value).getUTCDay())).map(i => i.id)`) {
		w.do(w.press(`label[for="` + id + `"]`))
	}
	if n := w.count("input[name=dates]:checked"); n < 3 {
		w.t.Errorf("%d days are chosen, weekends among them: %s", n, w.text("main"))
	}
}

// booked waits until the line has served the person.
func (w *waiter) booked(t *testing.T) {
	t.Helper()
	until(t, w.person+" has a number", func() bool {
		list := w.me.bookings(t)
		return len(list) == 1 && list[0].State == "booked"
	})
}

// weekend answers the alert: all levels see it, the hall takes it up and asks for a weekend, the district says yes.
func weekend(t *testing.T, c *city, look func(*tab, string, string, ...int64)) {
	t.Helper()
	for _, who := range [][2]string{{"平台一级", ""}, {"平台二级", ""}, {"区一级", "荔湾区"}, {"区二级", "荔湾区"}} {
		b := open(t, c)
		b.resize(desk)
		b.beOne(who[0], who[1])
		if !strings.Contains(b.text("main"), "候补人数超过") && b.count(`main a[href^="/console/alerts"]`) == 0 {
			t.Errorf("%s is not told on the first page: %s", who[0], b.text("main"))
		}
		b.goTo("/console/alerts")
		if !strings.Contains(b.text("main"), "不动产登记") {
			t.Errorf("%s does not see the alert: %s", who[0], b.text("main"))
		}
	}
	b := open(t, c)
	b.resize(desk)
	b.beOne("区二级", "荔湾区")
	look(b, "today with an alert", "zh-Hans-CN")
	b.goTo("/console/alerts")
	look(b, "alert", "zh-Hans-CN")
	b.click(`form[action$="/acknowledge"] button`)
	if strings.Contains(b.text("main"), "还没有人认领") {
		t.Errorf("taken up, and the page says %s", b.text("main"))
	}
	look(b, "alert taken up", "zh-Hans-CN")
	b.click(`main a[href*="kind=weekend"]`)
	look(b, "weekend filled in", "zh-Hans-CN")
	if b.attribute("[name=per_hour]", "value") == "" || b.count("[name=weekday]:checked") != 2 || b.count("[name=hour]:checked") == 0 {
		t.Errorf("the request is not filled in: %s", b.text("main"))
	}
	b.write("[name=per_hour]", "12")
	b.click("main form.flow button[value=check]")
	look(b, "weekend to check", "zh-Hans-CN")
	b.write("[name=reason]", "候补人数超过放号数，周末全部窗口开放")
	if b.count("#urgent") == 1 {
		b.do(b.press("label[for=urgent]"))
	}
	b.click("main form.confirm button[type=submit]")
	at, _, _ := strings.Cut(b.path(), "?")
	if !regexp.MustCompile(`^/console/requests/R\d{4}-\d+$`).MatchString(at) {
		t.Fatalf("filed, and the page is %s: %s", b.path(), b.text("main"))
	}
	superior := approve(t, c, at, func(b *tab, name, lang string) { look(b, "weekend "+name, lang) })
	until(t, "the alert is over", func() bool {
		superior.goTo("/console/alerts")
		return strings.Contains(superior.text("main"), "没有候补预警") || superior.count("main section") == 0
	})
	superior.goTo("/console/alerts?show=all")
	look(superior, "alert over", "zh-Hans-CN")
}

// nextDraw is the next draw of the queue, and its day.
func nextDraw(t *testing.T, c *city) (id string, day calendar.Date) {
	t.Helper()
	var list struct{ Draws []struct{ ID, State string } }
	if err := json.Unmarshal([]byte(c.program(t, "citizen-6").text(t, "/api/v1/draws?queue="+soldOut)), &list); err != nil {
		t.Fatal(err)
	}
	for _, d := range list.Draws { // newest first
		if d.State == "announced" {
			id = d.ID
		}
	}
	text := id[strings.LastIndex(id, "-")+1:]
	at, err := time.ParseInLocation("20060102", text, calendar.Zone)
	if err != nil {
		t.Fatalf("no draw is announced: %+v", list)
	}
	return id, calendar.DateOf(at)
}

type publicDraw struct{ Commitment, Seed string }

func (c *city) draw(t *testing.T, id string) (d publicDraw) {
	t.Helper()
	if err := json.Unmarshal([]byte(c.program(t, "citizen-6").text(t, "/api/v1/draws/"+id)), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// left is the slot of the same day with the fewest numbers left, and each other one as often as it has numbers left.
func (c *city) left(t *testing.T, queue, like string) (slot string, others []string) {
	t.Helper()
	var a struct {
		Days []struct {
			Date  string
			Slots []struct {
				ID   string
				Free int
			}
		}
	}
	if err := json.Unmarshal([]byte(c.program(t, "citizen-6").text(t, "/api/v1/queues/"+queue+"/availability")), &a); err != nil {
		t.Fatal(err)
	}
	free := map[string]int{}
	for _, d := range a.Days {
		for _, s := range d.Slots {
			if d.Date != dateOf(like) || s.Free == 0 {
				continue
			}
			if free[s.ID] = s.Free; slot == "" || s.Free < free[slot] {
				slot = s.ID
			}
		}
	}
	if slot == "" {
		t.Fatalf("nothing of %s is left for the draw: %+v", dateOf(like), a)
	}
	delete(free, slot)
	for id, n := range free {
		others = append(others, slices.Repeat([]string{id}, n)...)
	}
	return slot, others
}

// dateOf is the date of a slot.
func dateOf(slot string) string {
	parts := strings.Split(slot, "-")
	d := parts[len(parts)-2]
	return d[:4] + "-" + d[4:6] + "-" + d[6:]
}

// calendarOf is date and hour of a slot, as text that sorts.
func calendarOf(slot string) string {
	parts := strings.Split(slot, "-")
	return strings.Join(slices.Clone(parts[len(parts)-2:]), "-")
}

// until waits for something the city does by itself.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never happens that %s", what)
		}
	}
}
