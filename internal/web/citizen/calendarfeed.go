package citizen

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
)

// calendarView is the part of a person's page about their calendar.
type calendarView struct {
	Made    string // since when there is an address, "" for none
	Make    string // what the button says
	Address string // of one made just now
	Opens   string // the same for a calendar that listens to such addresses; any browser may follow it
}

const feedSuffix = ".ics"

func (a *Account) calendarView(r *http.Request, l web.Locale, who *identity.Session, feed string) (v calendarView, err error) {
	made, err := a.app.CalendarFeed(r.Context(), who)
	if err != nil {
		return v, err
	}
	v.Make = l.T("account.calendar.make")
	if !made.IsZero() {
		v.Make, v.Made = l.T("account.calendar.again"), l.T("account.calendar.on", "when", l.Near(made, a.app.Now()))
	}
	if feed != "" {
		scheme, rest := "http://", r.Host+"/calendar/"+feed+feedSuffix
		if a.secure {
			scheme = "https://"
		}
		v.Address, v.Opens = scheme+rest, "webcal://"+rest
	}
	return v, nil
}

// makeCalendar makes an address and shows it, this once.
func (a *Account) makeCalendar(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := a.form(r); err != nil {
		return err
	}
	token, err := a.app.MakeCalendarFeed(r.Context(), who, string(web.LocaleOf(r)))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return a.showMe(w, r, who, token)
}

func (a *Account) endCalendar(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := a.form(r); err != nil {
		return err
	}
	if err := a.app.EndCalendarFeed(r.Context(), who); err != nil {
		return err
	}
	return web.SeeOther(w, r, "/account#calendar")
}

// calendarFeed answers to calendars. Nobody is signed in there: the address is the secret.
func (a *Account) calendarFeed(w http.ResponseWriter, r *http.Request) error {
	token, ok := strings.CutSuffix(r.PathValue("file"), feedSuffix)
	if !ok {
		return fault.New(fault.FeedNotFound)
	}
	list, locale, err := a.app.ReadCalendarFeed(r.Context(), token)
	if err != nil {
		return err
	}
	l, ok := web.ParseLocale(locale)
	if !ok {
		l = web.Hans
	}
	entries := make([]web.Event, len(list))
	for i, b := range list {
		entries[i] = web.BookingEvent(l, b.Code, b.Booking, b.Item, b.Hall, b.CancelUntil)
	}
	body := web.Feed(l.T("account.calendar.name"), entries)
	sum := sha256.Sum256(body)
	h := w.Header()
	h.Set("Content-Type", web.ICSType)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	if r.Header.Get("If-None-Match") == h.Get("ETag") {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	// An error here is the reader gone away.
	_, _ = w.Write(body)
	return nil
}
