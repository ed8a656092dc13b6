package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
)

// Event is one entry for somebody's calendar (RFC 5545).
type Event struct {
	UID         string // the same for every version of the entry
	Sequence    int    // grows with each version
	Cancelled   bool   // takes the entry away
	Tentative   bool   // not settled yet
	Changed     time.Time
	Start, End  time.Time
	Summary     string
	Location    string
	Description string
	Latitude    float64 // with Longitude; 0,0 when not known
	Longitude   float64
}

// BookingEvent makes the entry of a booking: when and where, the code, what to bring, until when it
// can be cancelled. It holds no name. item and hall may be nil.
func BookingEvent(l Locale, code string, b booking.Booking, item *directory.Item, hall *directory.Hall, cancelUntil time.Time) Event {
	e := Event{
		UID: strings.ReplaceAll(code, "-", "") + "@suiyue", Sequence: b.Version, Cancelled: !b.State.Holds(), Tentative: b.State == booking.Displaced,
		Changed: b.ChangedAt, Start: b.Start(), End: b.End(), Summary: l.T("brand.name"),
	}
	lines := []string{l.T("pass.code") + " " + code}
	if item != nil {
		e.Summary = l.Text(item.Name)
		if len(item.Materials) > 0 {
			lines = append(lines, l.T("pass.bring"))
			for _, m := range item.Materials {
				lines = append(lines, "· "+l.Text(m))
			}
		}
	}
	if hall != nil {
		e.Location = strings.TrimSpace(l.Text(hall.Name) + " " + l.Text(hall.Address))
		e.Latitude, e.Longitude = hall.Latitude, hall.Longitude
	}
	if !e.Cancelled && !e.Tentative {
		lines = append(lines, l.T("cancel.until", "time", l.When(cancelUntil)))
	}
	e.Description = strings.Join(lines, "\n")
	return e
}

// ICSType is the media type of a calendar file.
const ICSType = "text/calendar; charset=utf-8"

// WriteICS answers with the entry as a file. It is personal.
func WriteICS(w http.ResponseWriter, e Event) {
	body, method := e.ICS(), "PUBLISH"
	if e.Cancelled {
		method = "CANCEL"
	}
	h := w.Header()
	h.Set("Content-Type", ICSType+"; method="+method)
	h.Set("Content-Disposition", `attachment; filename="suiyue.ics"`)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	// An error here is the reader gone away.
	_, _ = w.Write(body)
}

// ICS writes the calendar file: lines end in CRLF and are folded at 75 octets between characters.
func (e Event) ICS() []byte {
	method := "PUBLISH"
	if e.Cancelled {
		method = "CANCEL"
	}
	return calendarFile(method, nil, e)
}

// Feed writes entries as a calendar that others read again and again. Cancelled entries stay in it as such, so that a
// calendar that has them takes them away.
func Feed(name string, entries []Event) []byte {
	return calendarFile("PUBLISH", []string{"X-WR-CALNAME:" + icsText(name), "REFRESH-INTERVAL;VALUE=DURATION:PT1H", "X-PUBLISHED-TTL:PT1H"}, entries...)
}

func calendarFile(method string, head []string, entries ...Event) (b []byte) {
	line := func(name, value string) { b = appendFolded(b, name+value) }
	line("BEGIN:", "VCALENDAR")
	line("VERSION:", "2.0")
	line("PRODID:", "-//Suiyue//Appointments//ZH")
	line("CALSCALE:", "GREGORIAN")
	line("METHOD:", method)
	for _, s := range head {
		line(s, "")
	}
	// China Standard Time has had no daylight saving since 1991: one rule serves.
	for _, s := range []string{
		"BEGIN:VTIMEZONE", "TZID:Asia/Shanghai", "BEGIN:STANDARD", "DTSTART:19910915T000000",
		"TZOFFSETFROM:+0800", "TZOFFSETTO:+0800", "TZNAME:CST", "END:STANDARD", "END:VTIMEZONE",
	} {
		line(s, "")
	}
	for _, e := range entries {
		b = e.append(b)
	}
	line("END:", "VCALENDAR")
	return b
}

func (e Event) append(b []byte) []byte {
	const local = "20060102T150405"
	status := "CONFIRMED"
	switch {
	case e.Cancelled:
		status = "CANCELLED"
	case e.Tentative:
		status = "TENTATIVE"
	}
	line := func(name, value string) { b = appendFolded(b, name+value) }
	line("BEGIN:", "VEVENT")
	line("UID:", icsText(e.UID))
	line("SEQUENCE:", strconv.Itoa(e.Sequence))
	line("DTSTAMP:", e.Changed.UTC().Format(local)+"Z")
	line("DTSTART;TZID=Asia/Shanghai:", e.Start.In(calendar.Zone).Format(local))
	line("DTEND;TZID=Asia/Shanghai:", e.End.In(calendar.Zone).Format(local))
	line("STATUS:", status)
	line("SUMMARY:", icsText(e.Summary))
	if e.Location != "" {
		line("LOCATION:", icsText(e.Location))
	}
	if e.Description != "" {
		line("DESCRIPTION:", icsText(e.Description))
	}
	if e.Latitude != 0 || e.Longitude != 0 {
		line("GEO:", strconv.FormatFloat(e.Latitude, 'f', 6, 64)+";"+strconv.FormatFloat(e.Longitude, 'f', 6, 64))
	}
	line("END:", "VEVENT")
	return b
}

// icsText escapes a TEXT value; control characters other than a line break are left out.
func icsText(s string) string {
	var b strings.Builder
	for _, r := range strings.ReplaceAll(s, "\r\n", "\n") {
		switch {
		case r == '\\' || r == ';' || r == ',':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r < ' ' || r == 0x7f:
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// appendFolded adds one content line, folded so that no line is longer than 75 octets.
func appendFolded(b []byte, s string) []byte {
	room := 75
	for len(s) > room {
		cut := room
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		if cut == 0 { // not UTF-8: cut anywhere
			cut = room
		}
		b = append(append(b, s[:cut]...), "\r\n "...)
		s, room = s[cut:], 74 // the blank counts
	}
	return append(append(b, s...), "\r\n"...)
}
