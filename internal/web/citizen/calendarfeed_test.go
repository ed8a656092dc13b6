package citizen

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"suiyue/internal/domain/calendar"
)

var feedAddress = regexp.MustCompile(`<code class="secret">https?://[^/]+(/calendar/[A-Za-z0-9_-]+\.ics)</code>`)

// A person's calendar reads the bookings under a secret address, follows each change, and reads nothing any more once
// the address has ended. Nobody is signed in there, and no name is in it.
func TestACalendarFollowsTheBookings(t *testing.T) {
	w := newAccountWorld(t)
	who := w.person(t, "citizen-1")
	b := w.browser(t)
	page := b.signIn("citizen-1", "/account").must(t, http.StatusOK, "放进我的日历", "取一个日历地址")
	if feedAddress.MatchString(page.body) {
		t.Error("an address though none was made")
	}
	v := w.book(t, who, "calendar-1")
	made := b.post("/account/calendar", page.hidden()).must(t, http.StatusOK, "您的日历地址", "webcal://")
	m := feedAddress.FindStringSubmatch(made.body)
	if m == nil {
		t.Fatalf("no address on the page: %s", made.body)
	}
	if again := b.get("/account").must(t, http.StatusOK, "日历地址在用", "换一个地址"); strings.Contains(again.body, m[1]) {
		t.Error("the address is shown a second time")
	}

	device := w.browser(t) // nobody is signed in
	entry := func(words ...string) {
		t.Helper()
		a := device.get(m[1]).must(t, http.StatusOK, append([]string{"METHOD:PUBLISH", "BEGIN:VEVENT", "UID:" + strings.ReplaceAll(v.Code, "-", "") + "@suiyue"}, words...)...)
		if a.header.Get("Content-Type") != "text/calendar; charset=utf-8" || a.header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("headers %v", a.header)
		}
		for _, private := range []string{who.Person.Name, who.Person.Document.Number, who.Person.Phone} {
			if strings.Contains(a.body, private) {
				t.Errorf("%q is in the feed", private)
			}
		}
	}
	entry("SEQUENCE:1", "STATUS:CONFIRMED")
	w.cancel(t, who, v.Code, "calendar-2")
	entry("SEQUENCE:2", "STATUS:CANCELLED")

	// It lasts as long as calendars that look seldom need, and no longer.
	w.Clock.Set((v.Booking.Date + 30).At(12, 0))
	entry("STATUS:CANCELLED")
	w.Clock.Set((v.Booking.Date + 31).At(12, 0))
	if a := device.get(m[1]).must(t, http.StatusOK, "BEGIN:VCALENDAR"); strings.Contains(a.body, "VEVENT") {
		t.Error("a booking of more than 30 days ago is still in the feed")
	}

	// Another address takes the place of the first; the second ends.
	page = b.signIn("citizen-1", "/account")
	second := feedAddress.FindStringSubmatch(b.post("/account/calendar", page.hidden()).must(t, http.StatusOK, "您的日历地址").body)
	device.get(m[1]).must(t, http.StatusNotFound, "feed_not_found")
	device.get(second[1]).must(t, http.StatusOK, "BEGIN:VCALENDAR")
	b.post("/account/calendar/end", page.hidden()).must(t, http.StatusOK, "取一个日历地址")
	for _, path := range []string{second[1], strings.TrimSuffix(second[1], ".ics"), "/calendar/.ics", "/calendar/" + strings.Repeat("a", 3000) + ".ics"} {
		device.get(path).must(t, http.StatusNotFound, "feed_not_found")
	}
	b.get("/account/calendar/end").must(t, http.StatusOK, "取一个日历地址")

	// Without the page's token nothing is made.
	if a := b.post("/account/calendar", nil); a.status != http.StatusForbidden {
		t.Errorf("made without the page's token: status %d", a.status)
	}
	if made, err := w.App.CalendarFeed(t.Context(), who); err != nil || !made.IsZero() {
		t.Error(made, err)
	}
}

// What nobody reads for more than a year ends by itself.
func TestACalendarNobodyReadsEnds(t *testing.T) {
	w := newAccountWorld(t)
	who := w.person(t, "citizen-1")
	token, err := w.App.MakeCalendarFeed(t.Context(), who, "en")
	if err != nil {
		t.Fatal(err)
	}
	day := calendar.DateOf(w.Clock.Now())
	stands := func(at calendar.Date) bool {
		t.Helper()
		w.Clock.Set(at.At(12, 0))
		if err := w.App.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		made, err := w.App.CalendarFeed(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		return !made.IsZero()
	}
	if !stands(day + 400) {
		t.Error("ended after 400 days")
	}
	if _, locale, err := w.App.ReadCalendarFeed(t.Context(), token); err != nil || locale != "en" {
		t.Error(locale, err)
	}
	if !stands(day + 800) {
		t.Error("ended though it was read 400 days ago")
	}
	if stands(day + 802) {
		t.Error("still there though nobody read it for 402 days")
	}
}
