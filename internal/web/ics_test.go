package web_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/web"
)

func icsBooking(state booking.State) booking.Booking {
	return booking.Booking{
		Date: calendar.MakeDate(2026, time.December, 9), Hour: 10, State: state, Version: 3,
		ChangedAt: time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC),
	}
}

func TestBookingInACalendar(t *testing.T) {
	item := &directory.Item{Name: directory.Text{Hans: "社会保障卡申领; 首次", En: "Social card; first, new"}, Materials: []directory.Text{{Hans: "身份证"}}}
	hall := &directory.Hall{Name: directory.Text{Hans: "甲区政务服务中心"}, Address: directory.Text{Hans: "示例路 1 号, 2 楼"}, Latitude: 23.1, Longitude: 113.2}
	until := calendar.MakeDate(2026, time.December, 9).At(9, 0)
	for _, l := range web.Locales {
		e := web.BookingEvent(l, "7K3M-9Q2X-T", icsBooking(booking.Booked), item, hall, until)
		got := strings.ReplaceAll(string(e.ICS()), "\r\n ", "")
		for _, line := range []string{
			"BEGIN:VCALENDAR", "METHOD:PUBLISH", "TZID:Asia/Shanghai", "UID:7K3M9Q2XT@suiyue", "SEQUENCE:3", "STATUS:CONFIRMED",
			"DTSTAMP:20261124T020000Z", "DTSTART;TZID=Asia/Shanghai:20261209T100000", "DTEND;TZID=Asia/Shanghai:20261209T110000",
			`LOCATION:甲区政务服务中心 示例路 1 号\, 2 楼`, "GEO:23.100000;113.200000", "END:VCALENDAR",
		} {
			if !strings.Contains(got, line+"\r\n") {
				t.Errorf("%s: no line %s", l, line)
			}
		}
		if !strings.Contains(got, "7K3M-9Q2X-T") || !strings.Contains(got, "09:00") || strings.Contains(got, "⟦") {
			t.Errorf("%s: %s", l, got)
		}
	}
	w := httptest.NewRecorder()
	web.WriteICS(w, web.BookingEvent(web.Hans, "7K3M-9Q2X-T", icsBooking(booking.Cancelled), nil, nil, until))
	body := w.Body.String()
	if !strings.Contains(body, "METHOD:CANCEL\r\n") || !strings.Contains(body, "STATUS:CANCELLED\r\n") || !strings.Contains(w.Header().Get("Content-Type"), "method=CANCEL") {
		t.Errorf("cancelled: %v %s", w.Header(), body)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Error("a personal file may be stored")
	}
}

// Any text: lines of at most 75 octets that end in CRLF, no character cut, and nothing that starts
// a line of its own.
func TestCalendarLinesFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text") + strings.Repeat(rapid.StringOfN(rapid.Rune(), 1, 4, -1).Draw(t, "more"), rapid.IntRange(0, 60).Draw(t, "n"))
		e := web.Event{UID: "x@suiyue", Start: time.Unix(0, 0), End: time.Unix(3600, 0), Summary: text, Location: text, Description: text}
		raw := string(e.ICS())
		if !strings.HasSuffix(raw, "END:VCALENDAR\r\n") {
			t.Fatal("not whole")
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(raw, "\r\n"), "\r\n") {
			if len(line) > 75 || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n") {
				t.Fatalf("line of %d octets: %q", len(line), line)
			}
		}
		unfolded := strings.ReplaceAll(raw, "\r\n ", "")
		if n := strings.Count(unfolded, "\r\n"); n != 26 && text != "" {
			t.Fatalf("%d lines", n)
		}
	})
}
