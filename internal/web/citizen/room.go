package citizen

import (
	"net/http"
	"strconv"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

type roomView struct {
	Lead            string
	Say             string // the place and the wait in one sentence
	Pause           string // seconds after which it may help to look again
	Challenge, Bits string // of a proof of work, "" for none
	Rows            []ui.SummaryRow
	Kept            []string
	Again           ui.ButtonView
}

// letFor is how long somebody who was let in may take to confirm; placeFor how long the browser keeps a place.
const (
	letFor   = 10 * time.Minute
	placeFor = 2 * time.Minute
)

// proofHeader is how the page's script brings the proof of work.
const proofHeader = "Suiyue-Proof"

// placeName is the cookie of somebody's place in the waiting room, sealed, for whatever node answers next.
func (p *Pages) placeName() string {
	if p.secure {
		return "__Secure-suiyue-place"
	}
	return "suiyue-place"
}

// letIn lets the person of a draft go on to book it, or says why not: they wait. Who was let in is not asked to
// wait again for this hour. Before the release nobody waits, and nobody is let in for what comes after it.
func (p *Pages) letIn(w http.ResponseWriter, r *http.Request, who *identity.Session, d *draft) error {
	now := p.app.Now()
	if !p.app.Released(d.Slot) || now.Sub(d.Let) < letFor || p.app.Drawing(r.Context(), d.Slot) {
		return nil
	}
	place := ""
	if c, err := r.Cookie(p.placeName()); err == nil {
		place = c.Value
	}
	coming := app.Coming{Slot: d.Slot, Place: place, Proof: r.Header.Get(proofHeader), Often: p.often.Take(web.AddrOf(r).String()) > 0}
	if err := p.app.Enter(who, coming); err != nil {
		if place = fault.As(err).Args["place"]; place != "" {
			http.SetCookie(w, &http.Cookie{
				Name: p.placeName(), Value: place, Path: "/book", MaxAge: int(placeFor / time.Second),
				Secure: p.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
			})
		}
		return err
	}
	d.Let = now
	return p.keep(w, r, d)
}

// waitingRoom is the page of somebody who waits: it looks again by itself when that may help, without a script by
// being loaded again.
func (p *Pages) waitingRoom(w http.ResponseWriter, r *http.Request, who *identity.Session, d *draft, f *fault.Error) error {
	c, err := p.choiceFor(d)
	if err != nil {
		return p.notHere(w, r, err, d.Item)
	}
	self := address("/book/check", "draft", d.ID)
	s := p.shell(w, r, who, "", self)
	l := s.L
	s.Title = l.T("room.title")
	until := l.T("room.wait.soon")
	if n, _ := strconv.Atoi(f.Args["seconds"]); n >= 60 {
		until = l.T("room.wait.minutes", "n", f.Args["minutes"])
	}
	rows := []ui.SummaryRow{
		{Key: l.T("room.position"), Value: f.Args["position"]},
		{Key: l.T("room.wait"), Value: until},
		{Key: l.T("pass.item"), Value: l.Text(c.item.Name)},
		{Key: l.T("pass.when"), Value: l.Slot(c.date, c.hour), Lines: []string{l.Text(c.hall.Name)}},
	}
	if row, ok := p.forWhomRow(r, l, who, d); ok {
		rows = append(rows, row)
	}
	again := seconds(max(f.RetryAfter, time.Second))
	w.Header().Set("Retry-After", again)
	s.Refresh = again
	v := roomView{
		Lead: l.T("room.lead"), Pause: again, Challenge: f.Args["challenge"], Bits: f.Args["bits"],
		Rows:  rows,
		Kept:  []string{l.T("room.kept"), l.T("room.on")},
		Again: ui.ButtonView{Text: l.T("room.again"), Kind: ui.Secondary, Href: self},
	}
	if v.Say = l.T("room.say", "position", f.Args["position"], "wait", until); f.Code == fault.WaitingOrder {
		v.Lead, v.Rows[0].Value, v.Rows[1].Value = l.T("room.order"), l.T("room.order.place"), l.T("room.order.wait")
		v.Say = v.Lead
	}
	return web.Render(w, r, web.Status(f), roomPage(s, v))
}
