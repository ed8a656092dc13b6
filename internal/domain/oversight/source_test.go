package oversight

import (
	"testing"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

func TestArt21_SilenceIsCountedInOpeningHoursOnly(t *testing.T) {
	monday := calendar.MakeDate(2026, time.November, 30)
	s := Source{Since: monday - 10, Silence: 2 * time.Hour}
	at := func(hour, minute int) time.Time { return monday.At(hour, minute) }
	friday := (monday - 3).At(16, 55)
	for name, c := range map[string]struct {
		last, opened, now time.Time
		silent            bool
		since             time.Time
	}{
		"shut":                        {friday, time.Time{}, at(3, 0), false, time.Time{}},
		"a weekend is no silence":     {friday, at(9, 0), at(10, 0), false, time.Time{}},
		"exactly as long as agreed":   {friday, at(9, 0), at(11, 0), false, time.Time{}},
		"a minute more":               {friday, at(9, 0), at(11, 1), true, friday},
		"heard of meanwhile":          {at(10, 30), at(9, 0), at(11, 1), false, time.Time{}},
		"never heard of":              {time.Time{}, at(9, 0), at(12, 0), true, (monday - 10).At(0, 0)},
		"silent since within today":   {at(9, 30), at(9, 0), at(12, 0), true, at(9, 30)},
		"the clock of the feed is on": {at(12, 30), at(9, 0), at(12, 0), false, time.Time{}},
	} {
		since, silent := s.SilentSince(c.last, c.opened, c.now)
		if silent != c.silent || !since.Equal(c.since) {
			t.Errorf("%s: %v %t, want %v %t", name, since, silent, c.since, c.silent)
		}
	}
	s.Ended = monday
	if _, silent := s.SilentSince(friday, at(9, 0), at(16, 0)); silent {
		t.Error("a source that is connected no more is silent")
	}
}

func TestArt21_ASourceIsEnteredWithWhatIsAgreed(t *testing.T) {
	good := Source{Name: "x", Kinds: RecordKinds, Delay: time.Minute, Silence: time.Minute}
	if wrong := good.Check(); wrong != nil {
		t.Fatal(wrong)
	}
	for field, change := range map[string]func(*Source){
		"name":    func(s *Source) { s.Name = "  " },
		"kinds":   func(s *Source) { s.Kinds = []RecordKind{"weather"} },
		"delay":   func(s *Source) { s.Delay = 0 },
		"silence": func(s *Source) { s.Silence = time.Second },
	} {
		s := good
		change(&s)
		if wrong := s.Check(); len(wrong) != 1 || wrong[0].Path != field {
			t.Errorf("%s: %v", field, wrong)
		}
	}
	long := good
	long.Name = string(make([]rune, 61))
	if wrong := long.Check(); len(wrong) != 1 || wrong[0].Code != fault.TooLong {
		t.Errorf("long: %v", wrong)
	}
}

func TestArt23_DataIsLateBelowTheShareOfTheRulebook(t *testing.T) {
	for _, c := range []struct {
		in, expected int64
		late         bool
	}{{0, 0, false}, {950, 1000, false}, {949, 1000, true}, {0, 1, true}, {1, 1, false}} {
		if late := (SourceDay{InTime: c.in, Expected: c.expected}).Late(950); late != c.late {
			t.Errorf("%d of %d in time: late %t", c.in, c.expected, late)
		}
	}
	for _, bad := range []SourceDay{{Expected: 1, Received: 2}, {Received: 1, Expected: 1, InTime: 2}, {Checked: 1, Agreed: 2}, {InTime: -1}} {
		if bad.Sane() {
			t.Errorf("%+v can be", bad)
		}
	}
}
