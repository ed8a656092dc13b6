package booking_test

import (
	"testing"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
)

func TestArt13_WhatIsToldAtNight(t *testing.T) {
	day := calendar.MakeDate(2026, time.November, 28)
	now, end := day.At(23, 0), (day+1).At(7, 0)
	for _, c := range []struct {
		kind  booking.MessageKind
		about time.Time
		want  bool
	}{
		{booking.MessageNear, time.Time{}, true},
		{booking.MessageWaitOffer, time.Time{}, true},
		{booking.MessageBooked, (day + 1).At(9, 0), true},
		{booking.MessageStranded, (day + 1).At(11, 59), true},
		{booking.MessageStranded, (day + 1).At(12, 0), false},
		{booking.MessageBooked, (day + 7).At(9, 0), false},
		{booking.MessageNoShow, day.At(16, 0), false}, // it is over: nobody can do anything about it tonight
		{booking.MessageCaseDone, time.Time{}, false},
	} {
		if got := c.kind.Night(now, c.about, end, 5*time.Hour); got != c.want {
			t.Errorf("%s about %v: %v", c.kind, c.about, got)
		}
	}
}

func TestArt13_WhatIsOverThePhonesLimit(t *testing.T) {
	for kind, want := range map[booking.MessageKind]booking.OverLimit{
		booking.MessageNear: booking.LimitDrops, booking.MessageEvaluate: booking.LimitDrops, booking.MessageDisplaced: booking.LimitNever,
		booking.MessageStranded: booking.LimitNever, booking.MessageWaitOffer: booking.LimitNever, booking.MessageBooked: booking.LimitWaits,
		booking.MessageNoShow: booking.LimitWaits, booking.MessageCaseEnded: booking.LimitWaits,
	} {
		if got := kind.OverLimit(); got != want {
			t.Errorf("%s: %s", kind, got)
		}
	}
}
