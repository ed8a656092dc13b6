package waitlist_test

import (
	"testing"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/waitlist"
)

func TestArt16_ByWhenAMeasureClearsALine(t *testing.T) {
	d := calendar.MakeDate(2026, time.December, 1)
	for name, c := range map[string]struct {
		waiting int
		added   []waitlist.Added
		want    waitlist.Outlook
	}{
		"nothing is added":      {5, nil, waitlist.Outlook{Left: 5}},
		"just enough":           {6, []waitlist.Added{{d, 3}, {d + 1, 3}}, waitlist.Outlook{PerDay: 3, Total: 6, By: d + 1}},
		"more than enough":      {4, []waitlist.Added{{d, 3}, {d + 1, 3}, {d + 2, 9}}, waitlist.Outlook{PerDay: 9, Total: 15, By: d + 1}},
		"one too few":           {7, []waitlist.Added{{d, 3}, {d + 1, 3}}, waitlist.Outlook{PerDay: 3, Total: 6, Left: 1}},
		"days without any":      {3, []waitlist.Added{{d, 0}, {d + 5, 3}}, waitlist.Outlook{PerDay: 3, Total: 3, By: d + 5}},
		"what takes away":       {3, []waitlist.Added{{d, -9}, {d + 5, 3}}, waitlist.Outlook{PerDay: 3, Total: 3, By: d + 5}},
		"nobody waits any more": {0, []waitlist.Added{{d, 2}}, waitlist.Outlook{PerDay: 2, Total: 2, By: d}},
	} {
		if got := waitlist.Clears(c.waiting, c.added); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	for _, c := range [][3]int{{10, 3, 4}, {9, 3, 3}, {1, 14, 1}, {0, 5, 0}, {5, 0, 0}} {
		if got := waitlist.Needed(c[0], c[1]); got != c[2] {
			t.Errorf("%d waiting, %d days: %d a day, want %d", c[0], c[1], got, c[2])
		}
	}
}

func TestArt16_AnAlertRisesUntilItIsTakenUpAndEndsWhenItIsNoLongerSo(t *testing.T) {
	now := calendar.MakeDate(2026, time.December, 1).At(9, 0)
	a := waitlist.NewAlert("A", "h", "q", 8, 7, now)
	if waitlist.Pressed(7, 7) || !waitlist.Pressed(8, 7) || !a.Open() || a.Due(now.Add(waitlist.EscalateAfter-time.Second)) {
		t.Fatalf("%+v", a)
	}
	if same := a.See(8, 7, now); same != a {
		t.Errorf("the same again: %+v", same)
	}
	at := now
	for level := 1; level <= 2; level++ {
		if at = at.Add(waitlist.EscalateAfter); !a.Due(at) {
			t.Fatalf("level %d is not due: %+v", level, a)
		}
		a = a.Remind(2, at)
	}
	if a.Level != 2 || a.Due(at.Add(100*time.Hour)) {
		t.Errorf("beyond the last level: %+v", a)
	}
	a = a.See(12, 7, at).See(9, 7, at)
	if a.Most != 12 || a.Waiting != 9 {
		t.Errorf("seen: %+v", a)
	}
	a = a.Acknowledge("first", at)
	if again := a.Acknowledge("second", at.Add(time.Hour)); again != a || a.AckBy != "first" || a.Due(at.Add(100*time.Hour)) {
		t.Errorf("acknowledged: %+v", again)
	}
	over := a.See(7, 7, at.Add(time.Hour))
	if over.Open() || over.Due(at.Add(100*time.Hour)) || over.See(9, 1, at) != over || over.Acknowledge("late", at) != over {
		t.Errorf("ended: %+v", over)
	}
}
