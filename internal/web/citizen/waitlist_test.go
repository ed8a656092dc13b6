package citizen

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/calendar"
)

// Whoever waits can say that a weekend or a late hour would do if it is opened, and that any day would: else
// nobody in line could use what a measure adds.
func TestArt16_WhoWaitsCanTakeWhatAMeasureAdds(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	noon, dates := w.App.NextRelease()
	w.Clock.Set(noon.Add(-1))
	var whole []string // what is chosen
	form := b.get(address("/waitlist/new", "item", apptest.SocialCard, "queue", apptest.QueueA, "stage", "acceptance", "date", dates[0].String())).must(200)
	sunday := calendar.DateOf(noon) + 1
	for sunday.Weekday() != 0 {
		sunday++
	}
	if !strings.Contains(form.body, `value="`+sunday.String()+`"`) || !strings.Contains(form.body, `value="17"`) || !strings.Contains(form.body, `value="until-`) {
		t.Fatalf("a weekend, a late hour or any day cannot be asked for:\n%s", form.text())
	}
	checked := regexp.MustCompile(`value="(\d+|until[^"]*|20[^"]*)"[^>]* checked`).FindAllStringSubmatch(form.body, -1)
	for _, m := range checked {
		whole = append(whole, m[1])
	}
	if !slices.Contains(whole, dates[0].String()) || slices.Contains(whole, "17") || !slices.Contains(whole, "16") {
		t.Errorf("chosen already are %v", whole)
	}
	send := url.Values{
		"form_token": {token(form.body)}, "key": {"any-day-000001"}, "item": {apptest.SocialCard}, "queue": {apptest.QueueA}, "stage": {"acceptance"},
		"for": {"self"}, "halls": {apptest.HallA}, "dates": {dates[0].String(), sunday.String()}, "hours": {"9", "10", "17"},
	}
	in := b.post("/book/wait", send)
	_, who := w.SignIn(t, apptest.Citizen(1))
	list, err := w.App.MyWaits(t.Context(), who)
	if err != nil || len(list) != 1 || in.at != waitPath(list[0].Code) || !slices.Contains(list[0].Entry.Dates, sunday) || !slices.Contains(list[0].Entry.Hours, 17) {
		t.Fatalf("joined: %s, %+v, %v", in.at, list, err)
	}
}

func TestAnyDayIsEachDay(t *testing.T) {
	today := calendar.MakeDate(2026, 12, 1)
	for dates, want := range map[string]int{"until-2026-12-21": 20, "until-2027-12-21": 0, "until-2026-12-01": 0, "2026-12-05": 1, "until-": 0, "tomorrow": 0} {
		w := wantsOf(nil, everyDay([]string{dates}, today), []string{"9", "x"})
		if len(w.Dates) != want || len(w.Hours) != 1 || want > 1 && (w.Dates[0] != today+1 || w.Dates[want-1] != today+20) {
			t.Errorf("%s: %v, %v", dates, w.Dates, w.Hours)
		}
	}
}

func TestDaysThatFollowEachOtherAreOne(t *testing.T) {
	day := calendar.MakeDate(2026, 12, 1)
	until := func(list ...string) (int, bool) {
		end, all := wholeUntil(day, list)
		return int(end - day), all
	}
	var every []string
	for d := day - 2; d < day+20; d++ {
		every = append(every, d.String())
	}
	if n, all := until(every...); n != 19 || !all {
		t.Errorf("every day of twenty: %d, %t", n, all)
	}
	if _, all := until(append(every, (day + 25).String())...); all {
		t.Error("a day further off stands by itself")
	}
	if _, all := until(every[:5]...); all {
		t.Error("three days are no reason to offer no others")
	}
	got := runs([]int{8, 9, 10, 13, 15, 16}, 2, func(from, to int) string { return fmt.Sprint(from, "-", to+1) })
	if want := "[8-11 13-14 15-17]"; fmt.Sprint(got) != want {
		t.Errorf("%v", got)
	}
}
