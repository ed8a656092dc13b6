package citizen

import (
	"net/http"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// refusalView is a page that says no, why, and what can be done next.
type refusalView struct {
	L       web.Locale
	Title   string
	Notice  ui.NoticeView
	Chosen  []ui.SummaryRow // what it was about
	Actions []ui.ButtonView
}

// refused answers with a page of a refusal: its sentence, links to what could be had instead, and
// buttons for the way on.
func (p *Pages) refused(w http.ResponseWriter, r *http.Request, who *identity.Session, self string, f *fault.Error, chosen []ui.SummaryRow, links []ui.Link, actions ...ui.ButtonView) error {
	l := web.LocaleOf(r)
	s := p.shell(w, r, who, l.T("kind."+string(f.Kind)), self)
	s.Error = true
	v := refusalView{L: l, Title: s.Title, Chosen: chosen, Actions: actions, Notice: noticeOf(l, f, links)}
	return web.Render(w, r, web.Status(f), refusalPage(s, v))
}

// noticeOf is a refusal as a framed remark.
func noticeOf(l web.Locale, f *fault.Error, links []ui.Link) ui.NoticeView {
	return ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.Sentence(f), Links: links, Code: string(f.Code)}
}

// notHere answers when a hall does not offer an item: the halls that do are a tap away.
func (p *Pages) notHere(w http.ResponseWriter, r *http.Request, err error, item string) error {
	f := fault.As(err)
	if it, lost := p.app.Item(item); lost == nil && (f.Code == fault.NotOffered || f.Code == fault.QueueNotFound) {
		l := web.LocaleOf(r)
		return p.refused(w, r, p.visitor(r), r.URL.RequestURI(), f,
			[]ui.SummaryRow{{Key: l.T("pass.item"), Value: l.Text(it.Name)}}, nil,
			ui.ButtonView{Text: l.T("citizen.halls.all"), Href: itemPath(item) + "#halls"})
	}
	return err
}

// draftGone is the page of a draft this browser has no more.
func (p *Pages) draftGone(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	l := web.LocaleOf(r)
	s := p.shell(w, r, who, l.T("citizen.gone.title"), "/")
	v := refusalView{L: l, Title: s.Title, Notice: ui.NoticeView{L: l, Title: l.T("citizen.gone.text")},
		Actions: []ui.ButtonView{{Text: l.T("citizen.gone.again"), Href: "/"}, {Text: l.T("nav.bookings"), Href: "/bookings", Kind: ui.Secondary}}}
	return web.Render(w, r, http.StatusGone, refusalPage(s, v))
}

// slotFault says why a slot cannot be had now, nil when it can.
func slotFault(v app.SlotView, now string) *fault.Error {
	switch v.State {
	case app.SlotFree:
		return nil
	case app.SlotFull:
		return fault.New(fault.SoldOut)
	case app.SlotNotReleased:
		return fault.New(fault.NotReleased, "at", now)
	case app.SlotClosed:
		return fault.New(fault.SlotClosed)
	}
	return fault.New(fault.OffSiteClosed)
}

// insteadOf lists what could be had instead of a refused slot: the refusal's own suggestions, or else
// those of the board. take makes the address that takes a slot.
func (p *Pages) insteadOf(l web.Locale, f *fault.Error, item string, stage directory.Stage, slot string, units int, take func(slot string) string) []ui.Link {
	switch f.Code {
	case fault.SoldOut, fault.SlotClosed, fault.SlotOver, fault.OffSiteClosed, fault.NotReleased:
	default:
		return nil
	}
	now := p.app.Now()
	_, home := p.queueOf(slot)
	if home == nil {
		return nil
	}
	var links []ui.Link
	here := f.Args["here"]
	if here == "" {
		if next := p.app.NextFree(home.ID, units); next != nil {
			here = next.ID
		}
	}
	if _, d, hour, ok := booking.ParseSlotID(here); ok {
		links = append(links, ui.Link{Text: l.T("citizen.next.here", "when", l.Near(d.At(hour, 0), now)), Href: take(here)})
	}
	add := func(id, hall string) {
		if _, d, hour, ok := booking.ParseSlotID(id); ok {
			links = append(links, ui.Link{Text: l.T("citizen.next.elsewhere", "hall", hall, "when", l.Near(d.At(hour, 0), now)), Href: take(id)})
		}
	}
	if there := f.Args["elsewhere"]; there != "" {
		if _, q := p.queueOf(there); q != nil {
			add(there, l.Text(p.app.City().Hall(q.HallID).Name))
		}
		return links
	}
	for _, o := range p.elsewhere(item, stage, home, units) {
		add(o.Next.ID, l.Text(o.Hall.Name))
	}
	return links
}

// standing lists the way out of what stands against a booking: the booking there is already, when it is
// the booker's own; how to raise a level that is too low.
func standing(l web.Locale, f *fault.Error) []ui.Link {
	if f.Code == fault.LevelTooLow {
		return []ui.Link{{Text: l.T("account.level.how"), Href: "/account/level"}}
	}
	if f.Code == fault.OffSiteBarred {
		return []ui.Link{{Text: l.T("standing.mine"), Href: "/account"}, {Text: l.T("standing.halls"), Href: "/halls"}}
	}
	if code := f.Args["code"]; code != "" {
		return []ui.Link{
			{Text: l.T("citizen.next.booking"), Href: passPath(code)},
			{Text: l.T("citizen.next.move_it"), Href: passPath(code) + "/move"},
		}
	}
	return nil
}
