package citizen

import (
	"net/http"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// pastOnPage is how many past bookings a page shows.
const pastOnPage = 10

type bookingsView struct {
	L     web.Locale
	Title string
	Tabs  []ui.Link
	Empty *ui.EmptyView
	Next  []ui.CardView // first the one that comes first
	Past  []ui.ItemView
	Pager ui.PagerView
	Book  *ui.ButtonView
}

// bookings shows what is coming, soonest first, and what came of what is past. Later pages hold the
// past only.
func (a *Account) bookings(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	place, err := a.cursor(r, who, "/bookings")
	if err != nil {
		return err
	}
	l := web.LocaleOf(r)
	s := a.frame(w, r, who, tabBookings, l.T("account.bookings.title"), r.URL.RequestURI())
	v := bookingsView{L: l, Title: s.Title, Tabs: tabLinks(l, tabBookings), Pager: ui.PagerView{L: l}}
	if place == "" {
		if v.Next, err = a.coming(r, l, who); err != nil {
			return err
		}
		waits, err := a.app.MyWaits(r.Context(), who)
		if err != nil {
			return err
		}
		for _, e := range waits {
			if e.Entry.State.Open() {
				v.Next = append(v.Next, waitCard(l, e))
			}
		}
	} else {
		v.Pager.Previous, v.Pager.PreviousTo = "/bookings", l.T("account.newest")
	}
	past, next, err := a.past(r, who, place)
	if err != nil {
		return err
	}
	for _, b := range past {
		v.Past = append(v.Past, a.pastItem(l, b))
	}
	v.Pager.Next = a.after(who, "/bookings", next)
	switch {
	case len(v.Next)+len(v.Past) == 0 && v.Pager.Next == "":
		v.Empty = &ui.EmptyView{Title: l.T("empty.bookings"), Text: l.T("empty.bookings_hint"), Action: &ui.ButtonView{Text: l.T("account.bookings.book"), Href: "/"}}
	case len(v.Next) == 0 && place == "":
		v.Book = &ui.ButtonView{Text: l.T("account.bookings.book"), Href: "/"}
	}
	return web.Render(w, r, http.StatusOK, bookingsPage(s, v))
}

// coming are the cards of the bookings whose hour is not over.
func (a *Account) coming(r *http.Request, l web.Locale, who *identity.Session) ([]ui.CardView, error) {
	list, err := a.app.MyActive(r.Context(), who)
	if err != nil {
		return nil, err
	}
	now := a.app.Now()
	var out []ui.CardView
	for _, b := range list {
		if !ahead(b, now) {
			continue
		}
		if b.Booking.State.Choosing() {
			out = append(out, choiceCard(l, b, now))
			continue
		}
		c := ui.CardView{
			Title: nearSlot(l, b.Booking.Date, b.Booking.Hour, calendar.DateOf(now)), Href: passPath(b.Code),
			Lines: []string{hallName(l, b), itemName(l, b) + " · " + stageName(l, b.Booking.Stage)},
		}
		if b.Applicant.Kind != booking.Self {
			c.Lines = append(c.Lines, l.T("account.bookings.for", "name", whoName(l, b.Applicant)))
		}
		c.Lines = append(c.Lines, whatNow(l, b, a.Pages))
		if len(out) == 0 {
			c.Kicker = l.T("citizen.home.next")
			c.Action = &ui.ButtonView{Text: l.T("citizen.home.show_pass"), Href: passPath(b.Code)}
		}
		out = append(out, c)
	}
	return out, nil
}

// past returns a page of the bookings that are over, and the place behind it.
func (a *Account) past(r *http.Request, who *identity.Session, place string) (out []app.BookingView, next string, err error) {
	now := a.app.Now()
	for {
		list, behind, err := a.app.MyBookings(r.Context(), who, place, pastOnPage)
		if err != nil {
			return nil, "", err
		}
		for _, b := range list {
			if ahead(b, now) {
				continue
			}
			if len(out) == pastOnPage {
				return out, out[len(out)-1].Booking.ID, nil
			}
			out = append(out, b)
		}
		if behind == "" {
			return out, "", nil
		}
		place = behind
	}
}

// ahead tells whether a booking is still to come, or on now, or waits for a choice.
func ahead(b app.BookingView, now time.Time) bool {
	return b.Booking.State.Choosing() || b.Booking.State.Active() && now.Before(b.Booking.End())
}

// pastItem is a past booking with what came of it.
func (a *Account) pastItem(l web.Locale, b app.BookingView) ui.ItemView {
	v := ui.ItemView{
		Name: itemName(l, b), Href: passPath(b.Code), Tags: []ui.Tag{stateTag(l, b.Booking.State, false)},
		Summary: pastSlot(l, b.Booking, calendar.DateOf(a.app.Now())) + " · " + hallName(l, b), Meta: stageName(l, b.Booking.Stage),
	}
	if b.Applicant.Kind != booking.Self {
		v.Meta += " · " + l.T("account.bookings.for", "name", whoName(l, b.Applicant))
	}
	return v
}

// pastSlot says an hour of the past, with the year when it is not this one.
func pastSlot(l web.Locale, b booking.Booking, today calendar.Date) string {
	if b.Date.Year() == today.Year() {
		return l.Slot(b.Date, b.Hour)
	}
	return l.LongDate(b.Date) + " " + web.HourRange(b.Hour)
}
