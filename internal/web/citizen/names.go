package citizen

import (
	"net/url"
	"strconv"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
)

// How things are called on the pages, and where they stand.

func itemPath(code string) string { return "/item/" + url.PathEscape(code) }

func passPath(code string) string { return "/pass/" + url.PathEscape(code) }

func bookPath(item, queue string) string {
	return "/book/" + url.PathEscape(item) + "/" + url.PathEscape(queue)
}

func stageName(l web.Locale, s directory.Stage) string { return l.T("stage." + string(s)) }

// hallName and itemName name what a booking is about, its ids when the directory has lost them.
func hallName(l web.Locale, b app.BookingView) string {
	if b.Hall == nil {
		return b.Booking.HallID
	}
	return l.Text(b.Hall.Name)
}

func itemName(l web.Locale, b app.BookingView) string {
	if b.Item == nil {
		return b.Booking.Item
	}
	return l.Text(b.Item.Name)
}

// queueName is the line people stand in at a hall, "" where the hall has but one.
func (p *Pages) queueName(l web.Locale, q *directory.Queue) string {
	if q == nil || q.Line == directory.GeneralLine {
		return ""
	}
	return l.Text(q.Name)
}

// nearSlot says a slot with today and tomorrow by name, before the date.
func nearSlot(l web.Locale, d calendar.Date, hour int, today calendar.Date) string {
	if d < today || d > today+2 {
		return l.Slot(d, hour)
	}
	return l.NearDate(d, today) + " " + l.Slot(d, hour)
}

// whoName is for whom a booking is, masked.
func whoName(l web.Locale, m app.MaskedParty) string {
	if m.Kind == booking.Organisation {
		return m.Name
	}
	if m.Kind == booking.Self {
		return m.Name + l.T("citizen.who.myself")
	}
	return m.Name
}

// place is where a hall lies: district, street, distance when known.
func (p *Pages) place(l web.Locale, h *directory.Hall, km float64) string {
	city := p.app.City()
	out := ""
	add := func(s string) {
		if s != "" && out != "" {
			out += " · "
		}
		out += s
	}
	if u := city.Unit(h.DistrictID); u != nil {
		add(l.Text(u.Name))
	} else {
		add(l.T("citizen.city_hall"))
	}
	if u := city.Unit(h.StreetID); u != nil && h.StreetID != "" {
		add(l.Text(u.Name))
	}
	if km >= 0 {
		add(l.Distance(km * 1000))
	}
	return out
}

// mapURL is a map that shows a hall, "" when nobody knows where it is.
func mapURL(l web.Locale, h *directory.Hall) string {
	if h.Latitude == 0 && h.Longitude == 0 {
		return ""
	}
	return "https://uri.amap.com/marker?" + url.Values{
		"position": {degrees(h.Longitude) + "," + degrees(h.Latitude)}, "name": {l.Text(h.Name)}, "coordinate": {"wgs84"},
	}.Encode()
}

func documentName(l web.Locale, k identity.DocumentKind) string {
	return l.T("citizen.document." + string(k))
}

// seconds writes a wait in whole seconds, rounded up.
func seconds(d time.Duration) string { return strconv.Itoa(int((d + time.Second - 1) / time.Second)) }

const rfc3339 = time.RFC3339

// currentPage is the value of aria-current.
func currentPage(yes bool) string {
	if yes {
		return "true"
	}
	return "false"
}
