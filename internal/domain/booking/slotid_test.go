package booking_test

import (
	"testing"

	"pgregory.net/rapid"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
)

func TestSlotID(t *testing.T) {
	id := booking.SlotID("440106000000-01-social", calendar.MakeDate(2026, 12, 9), 9)
	if id != "440106000000-01-social-20261209-09" {
		t.Errorf("id = %s", id)
	}
	for _, bad := range []string{
		"", "-20261209-09", "q-20261209-9", "q-20261209-24", "q-20261209-90", "q-20260229-09", "q-20261209-0９",
		"q-2026129-009", "q20261209-09", "q-20261209_09", "q-20261209-09 ", " q-20261209-09", "Q-20261209-09", "q/-20261209-09", "q'-20261209-09",
		"号-20261209-09", "q\x00-20261209-09", "q-+0261209-09", "q-2026-209-09", "q-20261209-+9",
		"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq-20261209-09",
	} {
		if queue, d, hour, ok := booking.ParseSlotID(bad); ok || queue != "" || d != 0 || hour != 0 {
			t.Errorf("%q read as %q %s %d", bad, queue, d, hour)
		}
	}
}

func TestSlotIDRoundTrip(t *testing.T) {
	first, last := calendar.MakeDate(2000, 1, 1), calendar.MakeDate(2099, 12, 31)
	rapid.Check(t, func(t *rapid.T) {
		queue := rapid.StringMatching(`[0-9]{12}(-[0-9]{2})?-[a-z]{1,20}`).Draw(t, "queue")
		d := calendar.Date(rapid.Int32Range(int32(first), int32(last)).Draw(t, "date"))
		hour := rapid.IntRange(0, 23).Draw(t, "hour")
		id := booking.SlotID(queue, d, hour)
		if q, date, h, ok := booking.ParseSlotID(id); !ok || q != queue || date != d || h != hour {
			t.Fatalf("%s read as %q %s %d %t", id, q, date, h, ok)
		}
	})
}

func FuzzParseSlotID(f *testing.F) {
	for _, s := range []string{"440106000000-social-20261209-09", "q-00000101-00", "q-20240229-23", "q-20261209-24", "-20261209-09", "q--20261209-09", "20261209-09", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		queue, d, hour, ok := booking.ParseSlotID(s)
		switch {
		case !ok && (queue != "" || d != 0 || hour != 0):
			t.Fatalf("%q refused with %q %s %d", s, queue, d, hour)
		case ok && (queue == "" || hour < 0 || hour > 23 || booking.SlotID(queue, d, hour) != s):
			t.Fatalf("%q read as %q %s %d", s, queue, d, hour)
		}
	})
}
