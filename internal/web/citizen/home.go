package citizen

import (
	"net/http"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// How many items are suggested; fewer in the elder edition, and where a booking is shown below them.
const (
	popularItems    = 6
	popularItemsFew = 3
)

type homeView struct {
	Search     ui.SearchView
	Next       *ui.CardView
	Release    *ui.CountdownView
	Categories []ui.Link
	Find       ui.Link
	Waiting    ui.Link
	Near       ui.Link // the same, and asks for the phone's place
}

func (p *Pages) home(w http.ResponseWriter, r *http.Request) error {
	who := p.visitor(r)
	s := p.shell(w, r, who, "", "/")
	s.Wide = true
	l := s.L
	v := homeView{
		Search:  p.searchView(l, ""),
		Release: p.release(l),
		Find:    ui.Link{Text: l.T("nav.find"), Href: "/find"},
		Waiting: ui.Link{Text: l.T("waiting.title"), Href: "/waiting"},
		Near:    ui.Link{Text: l.T("waiting.near_me"), Href: "/waiting#near"},
	}
	v.Search.Big = true
	if who != nil {
		v.Next = p.nextBooking(r, l, who)
	}
	most := popularItems
	if s.Elder || v.Next != nil {
		most = popularItemsFew
	}
	for _, it := range p.app.SearchItems("", most) {
		v.Search.Popular = append(v.Search.Popular, ui.Link{Text: l.Text(it.Name), Href: itemPath(it.Code)})
	}
	for _, c := range p.categories() {
		v.Categories = append(v.Categories, ui.Link{Text: l.Text(c.Name), Href: categoryPath(c.ID)})
	}
	return web.Render(w, r, http.StatusOK, homePage(s, v))
}

// nextBooking is the card of the booking that comes first, with what to do now; nil for none. The
// page does without it when it cannot be read.
func (p *Pages) nextBooking(r *http.Request, l web.Locale, who *identity.Session) *ui.CardView {
	list, err := p.app.MyActive(r.Context(), who)
	if err != nil {
		return nil
	}
	now := p.app.Now()
	for _, b := range list {
		if !ahead(b, now) {
			continue
		}
		if b.Booking.State.Choosing() {
			c := choiceCard(l, b, now)
			return &c
		}
		item := l.For(itemName(l, b), b.Applicant.Whom())
		c := &ui.CardView{
			Kicker: l.T("citizen.home.next"), Title: nearSlot(l, b.Booking.Date, b.Booking.Hour, calendar.DateOf(now)), Href: passPath(b.Code),
			Lines:  []string{hallName(l, b), item + " · " + stageName(l, b.Booking.Stage), whatNow(l, b, p)},
			Action: &ui.ButtonView{Text: l.T("citizen.home.show_pass"), Kind: ui.Secondary, Href: passPath(b.Code)},
		}
		return c
	}
	return nil
}

// whatNow is what the booker does next about a booking.
func whatNow(l web.Locale, b app.BookingView, p *Pages) string {
	now := p.app.Now()
	switch {
	case b.CanChange:
		return l.CancelUntil(b.CancelUntil, now)
	case calendar.DateOf(now) == b.Booking.Date:
		return l.T("citizen.now.go", "time", web.Clock(b.Booking.End()))
	}
	return l.T("citizen.now.bring")
}

// release is the line of the next release; nil when it opens no day.
func (p *Pages) release(l web.Locale) *ui.CountdownView {
	at, dates := p.app.NextRelease()
	if len(dates) == 0 {
		return nil
	}
	today, now := p.today()
	names := l.Date(dates[0])
	if n := len(dates); n > 1 {
		names = l.T("citizen.dates_to", "from", l.Date(dates[0]), "to", l.Date(dates[n-1]))
	}
	key := "release.line"
	if calendar.DateOf(at) != today {
		key = "citizen.release_later"
	}
	return &ui.CountdownView{
		L: l, Text: l.T(key, "time", web.Clock(at), "when", l.Near(at, now), "date", names),
		Done: l.T("release.done", "date", names), At: at, Now: now,
	}
}

// categories lists the headings that have an item somebody can go to.
func (p *Pages) categories() []directory.Category {
	used := map[string]bool{}
	for _, it := range p.app.City().Items() {
		if p.reachable(it) {
			used[it.Category] = true
		}
	}
	var out []directory.Category
	for _, c := range directory.Categories() {
		if used[c.ID] {
			out = append(out, c)
		}
	}
	return out
}

// reachable tells whether an item can be had at all: in a hall or on-line.
func (p *Pages) reachable(it *directory.Item) bool {
	return it.OnlineURL != "" || len(p.app.City().Offers(it.Code)) > 0
}
