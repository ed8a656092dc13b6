package e2e

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"testing"
	"time"

	"suiyue/internal/pgtest"
)

// A whole day of a district hall as the demonstration plays it, on both engines: the display shows whom the
// counters call, one counter is worked by hand, a visitor's phone follows its number, and when the day has
// ended everybody's number has, too. What doctor says of it is looked at when the city ends.
func TestADayInTheHall(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); playDay(t, small(t, "")) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); playDay(t, small(t, pgtest.New(t))) })
}

var cameWords = regexp.MustCompile(`(\d+) 人领了号`)

func playDay(t *testing.T, c *city) {
	desk := open(t, c)
	desk.goTo("/demo/day?lang=zh-Hans")
	desk.click("button[value=start]")

	machine := open(t, c)
	machine.goTo("/demo/day?lang=zh-Hans")
	machine.click("button[value=display]")
	code := machine.text("strong.code")
	machine.goTo("/hall/enrol")
	machine.write("input[name=code]", code)
	machine.click("main form button[type=submit]")
	machine.goTo("/hall/display")
	called := func() bool {
		return eval[bool](machine, `/^[A-Z]+\d{3,}$/.test(document.querySelector(".call__number")?.innerText ?? "")`)
	}
	for until := time.Now().Add(90 * time.Second); !called(); time.Sleep(time.Second) { // nine o'clock is half a minute away
		if time.Now().After(until) {
			t.Fatalf("nobody is called on the display: %s", machine.text("body"))
		}
	}

	clerk := open(t, c)
	clerk.goTo("/demo/day?lang=zh-Hans")
	clerk.click(`button[name=take][value="1"]`)
	if clerk.count("#counter") != 1 {
		t.Fatalf("taking a counter over led to %s: %s", clerk.path(), clerk.text("main"))
	}
	clerk.goTo("/demo/day?lang=zh-Hans")
	clerk.click(`button[name=back][value="1"]`)

	phone := open(t, c)
	phone.goTo("/demo/day?lang=zh-Hans")
	phone.click(`a[href^="/ticket/"]`)
	if number := phone.text("main"); !regexp.MustCompile(`[A-Z]\d{3}`).MatchString(number) {
		t.Errorf("a visitor's phone shows %s", number)
	}

	desk.goTo("/demo/day?lang=zh-Hans")
	resp, err := http.PostForm(c.url+"/demo/day", url.Values{"pace": {"600"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	until := time.Now().Add(4 * time.Minute)
	for desk.count("button[value=start]") == 0 {
		if time.Now().After(until) {
			t.Fatalf("the day does not end: %s", desk.text("main"))
		}
		time.Sleep(2 * time.Second)
		desk.goTo("/demo/day?lang=zh-Hans")
	}
	m := cameWords.FindStringSubmatch(desk.text("main"))
	if m == nil {
		t.Fatalf("the day says nothing of who came: %s", desk.text("main"))
	}
	if n, err := strconv.Atoi(m[1]); err != nil || n < 100 {
		t.Errorf("%s people came in the day", m[1])
	}
	if said := desk.count("main dd code"); said != 0 {
		t.Errorf("something was refused on the way: %s", desk.text("main dd code"))
	}
}
