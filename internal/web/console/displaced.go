package console

import (
	"net/http"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const displacedPath = Prefix + "/displaced"

func (c *Console) displacedRoutes() {
	c.add(Route{Pattern: "GET " + displacedPath, Act: account.Supervise}, c.unchosen)
	c.add(Route{Pattern: "GET " + hallPath("{hall}") + "/displaced", Act: account.Supervise, Hall: "hall"}, c.unchosen)
	c.add(Route{Pattern: "GET " + requestsPath + "/{id}/affected", Act: account.Supervise}, c.displaced)
	c.fileRoutesOf(Route{Act: account.Export}, requestsPath+"/{id}/affected", c.affectedFile)
	c.add(Route{Pattern: "POST " + requestsPath + "/{id}/affected", Act: account.Reveal, Prove: true}, c.phone)
}

func affectedPath(request string) string { return requestPath(request) + "/affected" }

type unchosenView struct {
	Tabs  []ui.Link
	Table Table
}

// unchosen lists the requests after which somebody has not chosen another hour yet.
func (c *Console) unchosen(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, list, hall := web.LocaleOf(r), listOf(r), r.PathValue("hall")
	var f Frame
	var v unchosenView
	if hall != "" {
		f, v.Tabs = c.hallFrame(w, r, ad, hall, l.T("displaced.title"))
	} else {
		f = c.frame(w, r, ad, l.T("displaced.title"))
		f.Path = c.home0(l)
	}
	f.Lead = l.T("displaced.lead")
	rows, all, err := c.App.Unchosen(r.Context(), ad, hall, (list.Page-1)*list.Size, list.Size)
	if err != nil {
		return err
	}
	v.Table = Table{Caption: f.Title, Cols: []Col{
		{Text: l.T("displaced.request")}, {Text: l.T("displaced.hall")}, {Text: l.T("displaced.waiting"), Number: true}, {Text: l.T("displaced.until")},
	}, Empty: ui.EmptyView{Title: l.T("displaced.none"), Text: l.T("displaced.none_hint")}}
	for _, u := range rows {
		name := u.HallID
		if h := c.App.City().Hall(u.HallID); h != nil {
			name = l.Text(h.Name)
		}
		v.Table.Rows = append(v.Table.Rows, Row{Cells: []Cell{
			{Text: u.Request, Href: address(affectedPath(u.Request), "state", string(booking.ChoiceWaiting))}, {Text: name},
			{Text: l.T("console.of", "n", count(u.Waiting), "all", count(u.All))}, {Text: l.Near(u.Until, c.App.Now())},
		}})
	}
	if all > list.Size {
		p := list.Pager(l, all)
		v.Table.Pager = &p
	}
	return web.Render(w, r, http.StatusOK, unchosenPage(f, v))
}

type displacedView struct {
	Bar     FilterBar
	Figures []Fact
	Table   Table
	Reload  ui.Link // turns reloading by itself on and off
	At      string
}

// reloadAfter is how many seconds the page stands before it loads itself again, for whoever asked for that.
const reloadAfter = 30

// displaced shows who lost an hour to a request, and who of them has not chosen yet.
func (c *Console) displaced(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showDisplaced(w, r, ad, "", "")
}

// phone shows the phone of one of them once, in the answer itself: it is in no address and no cache.
func (c *Console) phone(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	code := r.PostForm.Get("code")
	phone, err := c.App.RevealPhone(r.Context(), ad, r.PathValue("id"), code)
	if err != nil {
		return err
	}
	return c.showDisplaced(w, r, ad, code, phone)
}

func (c *Console) showDisplaced(w http.ResponseWriter, r *http.Request, ad *app.Admin, code, phone string) error {
	l, list, id := web.LocaleOf(r), listOf(r), r.PathValue("id")
	state := booking.Choice(list.Value("state", words(booking.Choices)...))
	p, err := c.App.Displaced(r.Context(), ad, id, state, (list.Page-1)*list.Size, list.Size)
	if err != nil {
		return err
	}
	total := p.All()
	if state != "" {
		total = p.Counts[state]
	}
	now := c.App.Now()
	f := c.frame(w, r, ad, l.T("displaced.page", "id", id))
	f.Path = append(c.home0(l), ui.Link{Text: l.T("request.title"), Href: requestsPath}, ui.Link{Text: id, Href: requestPath(id)})
	f.Lead = c.sentence(l, p.Request.HallID, p.Request.QueueID, p.Request.Change)
	c.fileActions(&f, r, ad, list)
	v := displacedView{At: l.T("displaced.as_of", "at", web.Clock(now)), Reload: ui.Link{Text: l.T("displaced.reload_on"), Href: list.With("reload", "on")}}
	if r.Method == http.MethodGet && list.Value("reload", "on") != "" {
		w.Header().Set("Refresh", strconv.Itoa(reloadAfter))
		v.Reload = ui.Link{Text: l.T("displaced.reload_off"), Href: list.With("reload", "")}
	}
	for _, s := range booking.Choices {
		if n := p.Counts[s]; n > 0 || s == booking.ChoiceWaiting {
			v.Figures = append(v.Figures, Fact{Key: l.T("displaced.state." + string(s)), Value: count(n), Href: list.With("state", string(s))})
		}
	}
	v.Bar = FilterBar{L: l, List: list, Clear: state != "", Total: l.N("displaced.total", total), Filters: []Filter{option(l, list, "state", "displaced.state", words(booking.Choices)...)}}
	v.Table = Table{Caption: l.T("displaced.people"), Cols: []Col{
		{Text: l.T("displaced.who")}, {Text: l.T("displaced.state")}, {Text: l.T("displaced.lost")}, {Text: l.T("displaced.now")}, {Text: l.T("displaced.until")}, {Text: l.T("displaced.phone")},
	}, Empty: ui.EmptyView{Title: l.T("displaced.nobody")}}
	for _, d := range p.People {
		v.Table.Rows = append(v.Table.Rows, c.displacedRow(l, f.Token, p, d, code, phone))
	}
	if total > list.Size {
		pager := list.Pager(l, total)
		v.Table.Pager = &pager
	}
	return web.Render(w, r, http.StatusOK, displacedPage(f, v))
}

func (c *Console) displacedRow(l web.Locale, token string, p app.DisplacedPage, d app.DisplacedView, code, phone string) Row {
	who := Cell{Text: d.View.Code}
	if p.Named {
		who = Cell{Text: d.View.Booker.Name, Note: d.View.Code}
	}
	tag := ui.Tag{Text: l.T("displaced.state." + string(d.State))}
	stands := Cell{Text: "—"}
	switch {
	case d.State == booking.ChoiceWaiting:
		tag.Kind = ui.TagAmber
		if stands = (Cell{Text: l.T("displaced.nothing_kept")}); d.HeldSlot != "" {
			stands = c.standsAt(l, d.View)
		}
	case d.View.Booking.State.Active():
		stands = c.standsAt(l, d.View)
	}
	until := Cell{}
	if d.State == booking.ChoiceWaiting {
		until.Text = l.Near(d.Until, c.App.Now())
	}
	row := Row{Cells: []Cell{who, {Tag: tag}, {Text: l.Slot(d.Date, d.Hour)}, stands, until, {}}}
	last := &row.Cells[len(row.Cells)-1]
	switch {
	case !p.Named || d.View.Booker.Phone == "":
		last.Text = l.T("displaced.no_phone")
	case code == d.View.Code:
		last.Text, row.Current = phone, true
	default:
		last.Part = revealForm(l, affectedPath(d.Request), token, d.View.Code, d.View.Booker.Phone)
	}
	return row
}

func (c *Console) standsAt(l web.Locale, b app.BookingView) Cell {
	cell := Cell{Text: l.Slot(b.Booking.Date, b.Booking.Hour), Note: b.Booking.HallID}
	if b.Hall != nil {
		cell.Note = l.Text(b.Hall.Name)
	}
	return cell
}
