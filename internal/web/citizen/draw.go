package citizen

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/draw"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

type drawListView struct {
	Lead  string
	Links []ui.Link
}

type drawView struct {
	Lead string
	Mine []drawMine
	Rows []ui.SummaryRow
	Data string
}

type drawMine struct {
	Notice ui.NoticeView
	Rows   []ui.SummaryRow
}

func drawPath(id string) string { return "/draws/" + url.PathEscape(id) }

// drawList shows the draws to come and those of the last two weeks, to anybody.
func (p *Pages) drawList(w http.ResponseWriter, r *http.Request) error {
	list, err := p.app.Draws(r.Context(), "")
	if err != nil {
		return err
	}
	s := p.shell(w, r, p.visitor(r), "", "/draws")
	s.Title, s.Back = s.L.T("draw.list"), back(s.L, "/")
	v := drawListView{Lead: s.L.T("draw.list_lead")}
	for _, d := range list {
		v.Links = append(v.Links, ui.Link{Text: drawName(s.L, d) + " · " + s.L.When(d.Release.In(calendar.Zone)) + " · " + s.L.T("draw.state."+string(d.State)), Href: drawPath(d.ID)})
	}
	return web.Render(w, r, http.StatusOK, drawListPage(s, v))
}

func drawName(l web.Locale, d app.DrawView) string {
	name := d.QueueID
	if d.Hall != nil && d.Queue != nil {
		name = l.Text(d.Hall.Name) + " · " + l.Text(d.Queue.Name)
	}
	return name
}

// draw shows one draw to anybody, and on top of it their own entry to who is signed in. While they wait for it
// the page looks again by itself.
func (p *Pages) draw(w http.ResponseWriter, r *http.Request) error {
	d, _, err := p.app.DrawOf(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	who := p.visitor(r)
	s := p.shell(w, r, who, "", drawPath(d.ID))
	l := s.L
	s.Title, s.Back = l.T("draw.title")+" · "+drawName(l, d), back(l, "/draws")
	v := drawView{
		Lead: l.T("draw.lead", "seconds", strconv.Itoa(int(d.Until.Sub(d.Release)/time.Second))),
		Data: "/api/v1/draws/" + url.PathEscape(d.ID),
		Rows: []ui.SummaryRow{
			{Key: l.T("draw.queue"), Value: drawName(l, d)},
			{Key: l.T("draw.release"), Value: l.When(d.Release.In(calendar.Zone))},
			{Key: l.T("draw.state"), Value: l.T("draw.state." + string(d.State))},
			{Key: l.T("draw.commitment"), Value: d.Commitment, Lines: []string{l.T("draw.published", "when", l.When(d.Published.In(calendar.Zone)))}},
		},
	}
	seed := ui.SummaryRow{Key: l.T("draw.seed"), Value: l.T("draw.seed_later")}
	if d.State == draw.Done {
		seed.Value = d.Seed
		v.Rows = append(v.Rows, ui.SummaryRow{Key: l.T("draw.entries"), Value: l.T("draw.entries_value", "n", strconv.Itoa(d.Entries), "booked", strconv.Itoa(d.Booked))})
	}
	v.Rows = append(v.Rows, seed)
	if who != nil {
		mine, err := p.app.MyEntries(r.Context(), who, d.ID)
		if err != nil {
			return err
		}
		today, _ := p.today()
		waits := p.app.Rules(today).Waitlist
		for _, e := range mine {
			v.Mine = append(v.Mine, myDraw(l, d, e, waits))
			if e.Outcome == draw.Waiting {
				w.Header().Set("Refresh", strconv.Itoa(p.drawAgain(d)))
			}
		}
	}
	return web.Render(w, r, http.StatusOK, drawPage(s, v))
}

// drawAgain is in how many seconds a page that waits for a draw should look again.
func (p *Pages) drawAgain(d app.DrawView) int {
	return max(int(d.Until.Sub(p.app.Now())/time.Second)+4, 3)
}

// myDraw shows somebody their entry. Who got no number is led on: waits tells whether there is a waiting list.
func myDraw(l web.Locale, d app.DrawView, e app.DrawEntry, waits bool) drawMine {
	b := e.For.Booking
	item := b.Item
	if e.For.Item != nil {
		item = l.Text(e.For.Item.Name)
	}
	args := []string{"when", l.Slot(b.Date, b.Hour), "item", item, "rank", strconv.Itoa(e.Rank), "at", web.Clock(d.Until.In(calendar.Zone).Add(time.Minute))}
	n := ui.NoticeView{L: l, Live: true}
	switch e.Outcome {
	case draw.Waiting:
		n.Title = l.T("draw.mine.waiting", args...)
	case draw.Booked:
		n.Kind, n.Title = ui.NoticeSuccess, l.T("draw.mine.booked", args...)
		n.Links = []ui.Link{{Text: l.T("draw.pass"), Href: passPath(e.For.Code)}}
	default:
		n.Kind, n.Title, n.Code = ui.NoticeWarning, l.T("draw.mine.lost", args...), string(e.Outcome)
		n.Links = []ui.Link{{Text: l.T("draw.other"), Href: address(bookPath(b.Item, b.QueueID), "stage", string(b.Stage))}, {Text: l.T("nav.bookings"), Href: "/bookings"}}
		if waits {
			n.Links = append(n.Links, ui.Link{
				Text: l.T("wait.join.here", "date", l.Date(b.Date)),
				Href: address("/waitlist/new", "item", b.Item, "queue", b.QueueID, "stage", string(b.Stage), "date", b.Date.String()),
			})
		}
	}
	return drawMine{Notice: n, Rows: []ui.SummaryRow{{Key: l.T("pass.who"), Value: whoName(l, e.For.Applicant)}, {Key: l.T("draw.entry"), Value: e.Text}, {Key: l.T("draw.salt"), Value: e.Salt}}}
}
