package citizen

import (
	"net/http"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const (
	datesShown      = 10 // at least
	datesShownElder = 3
	fewOnDay        = 5 // so many or fewer are said to be few
	fewInHour       = 2
	bookingSteps    = 4 // hall, time, for whom, check
)

// chooser is dates and hours of one queue, with one of each chosen already.
type chooser struct {
	L        web.Locale
	Strip    ui.DateStripView
	MoreDays string // address that shows all dates, "" when they are shown
	Day      string // the chosen date
	Hours    ui.HourListView
	Open     bool // an hour can be had
	Notice   *ui.NoticeView
	Others   []ui.Link // where else, when nothing suits here
	Action   string    // of the GET form around the hours
	Hidden   []pair
}

type whenView struct {
	L       web.Locale
	Steps   ui.StepsView
	Title   string
	Release *ui.CountdownView
	Choose  chooser
	Halls   ui.Link
}

// chooseOf says what a chooser is for.
type chooseOf struct {
	item    *directory.Item
	stage   directory.Stage
	queue   *directory.Queue
	date    string                   // wanted, 2006-01-02, "" or nonsense for the first free one
	all     bool                     // show all dates in the elder edition too
	current string                   // slot held already, when moving
	day     func(date string) string // address of this page with another date
	others  func(slot app.SlotView) string
}

func (p *Pages) when(w http.ResponseWriter, r *http.Request) error {
	it, qu, o, err := p.offered(r.PathValue("item"), r.PathValue("queue"))
	if err != nil {
		return p.notHere(w, r, err, r.PathValue("item"))
	}
	q := r.URL.Query()
	stage := pickStage(o.Stages, directory.Stage(q.Get("stage")))
	draft := q.Get("draft")
	s := p.shell(w, r, p.visitor(r), "", r.URL.RequestURI())
	l := s.L
	hall := p.app.City().Hall(qu.HallID)
	list := address(itemPath(it.Code), "stage", string(stage), "draft", draft)
	self := func(date string) string {
		return address(bookPath(it.Code, qu.ID), "stage", string(stage), "draft", draft, "date", date)
	}
	s.Title, s.Back = l.T("citizen.when.title"), back(l, list+"#halls")
	v := whenView{
		L: l, Title: s.Title, Release: p.release(l), Halls: ui.Link{Text: l.T("citizen.halls.all"), Href: list + "#halls"},
		Steps: ui.StepsView{L: l, Step: 2, Total: bookingSteps, Chosen: []ui.SummaryRow{
			{Key: l.T("pass.item"), Value: l.Text(it.Name), Lines: []string{stageName(l, stage)}, Change: change(l, list)},
			{Key: l.T("pass.where"), Value: l.Text(hall.Name), Lines: nonEmpty(p.place(l, hall, -1), l.Text(hall.Notice)), Change: change(l, list+"#halls")},
		}},
	}
	if v.Release != nil {
		v.Release.Href = self("") // the new date is on this page then
	}
	v.Choose = p.choose(l, s.Elder, chooseOf{
		item: it, stage: stage, queue: qu, date: q.Get("date"), all: q.Get("all") != "", day: self,
		others: func(slot app.SlotView) string {
			queue, _ := p.queueOf(slot.ID)
			return address(bookPath(it.Code, queue), "stage", string(stage), "draft", draft, "date", slot.Date.String())
		},
	})
	v.Choose.Action, v.Choose.Hidden = "/book/who", []pair{{"item", it.Code}, {"stage", string(stage)}}
	if draft != "" {
		if who := p.visitor(r); who != nil {
			if d := p.draftOf(r, draft, who.Person.Key); d != nil {
				if row, ok := p.forWhomRow(r, l, who, d); ok {
					v.Steps.Chosen = append(v.Steps.Chosen, row)
				}
			}
		}
		v.Choose.Action = "/book/check"
		v.Choose.Hidden = append(v.Choose.Hidden, pair{"draft", draft})
	}
	return web.Render(w, r, http.StatusOK, whenPage(s, v))
}

// choose lays out dates and hours, with the first free ones chosen unless the address asks otherwise.
func (p *Pages) choose(l web.Locale, elder bool, of chooseOf) chooser {
	days := p.app.Days(of.queue.ID, datesShown)
	first := p.app.NextFree(of.queue.ID, 1)
	chosen := chosenDay(days, of.date, first)
	c := chooser{L: l, Strip: ui.DateStripView{Label: l.T("days.label"), Target: "when"}}
	shown := days
	if elder && !of.all {
		shown = fewDays(days, chosen)
		if len(shown) < len(days) {
			c.MoreDays = withQuery(of.day(""), "all", "1")
		}
	}
	today := calendar.DateOf(p.app.Now())
	for i, d := range shown {
		v := dayView(l, d, today)
		if i == 0 || d.Date.Month() != shown[i-1].Date.Month() {
			v.Month = l.Month(d.Date)
		}
		if d.State == app.DayFree || d.State == app.DayFull {
			v.Href = of.day(d.Date.String())
			if of.all {
				v.Href = withQuery(v.Href, "all", "1")
			}
		}
		if chosen != nil && d.Date == chosen.Date {
			v.Selected = true
			v.Spoken += " " + l.T("day.chosen")
		}
		c.Strip.Days = append(c.Strip.Days, v)
	}
	if chosen != nil {
		c.Day = l.Date(chosen.Date)
		c.Hours, c.Open = hours(l, elder, *chosen, first, of.current)
		c.Hours.Label = l.T("citizen.when.hours", "date", c.Day)
	}
	if !c.Open {
		c.Notice, c.Others = p.nothingFree(l, of, chosen, first)
	}
	return c
}

// chosenDay is the wanted date if it can be looked at, else that of the first free slot, else the
// first full one; nil when there is none.
func chosenDay(days []app.DayView, wanted string, first *app.SlotView) *app.DayView {
	var full *app.DayView
	var free *app.DayView
	for i := range days {
		d := &days[i]
		if d.State != app.DayFree && d.State != app.DayFull {
			continue
		}
		if d.Date.String() == wanted {
			return d
		}
		if first != nil && d.Date == first.Date {
			free = d
		}
		if full == nil {
			full = d
		}
	}
	if free != nil {
		return free
	}
	return full
}

// fewDays keeps the first dates that have something free, and the chosen one.
func fewDays(days []app.DayView, chosen *app.DayView) []app.DayView {
	var out []app.DayView
	n := 0
	for _, d := range days {
		keep := chosen != nil && d.Date == chosen.Date
		if d.State == app.DayFree && n < datesShownElder {
			n++
			keep = true
		}
		if keep {
			out = append(out, d)
		}
	}
	return out
}

func dayView(l web.Locale, d app.DayView, today calendar.Date) ui.DayView {
	v := ui.DayView{Date: d.Date.String(), Weekday: l.Weekday(d.Date), Day: strconv.Itoa(d.Date.Day())}
	spoken := ""
	switch d.State {
	case app.DayFree:
		v.State, v.Label = ui.DayFree, l.T("day.free", "n", strconv.Itoa(d.Free))
		if d.Free <= fewOnDay {
			v.State = ui.DayFew
		}
		spoken = l.N("hours.left", d.Free)
	case app.DayFull:
		v.State, v.Label = ui.DayFull, l.T("day.full")
		spoken = l.T("hours.full")
	case app.DayNotReleased:
		v.State, v.Note = ui.DaySoon, l.T("day.release_note")
		v.Label = web.Clock(d.From)
		if from := calendar.DateOf(d.From); from != today {
			v.Label = l.Weekday(from)
		}
		spoken = l.T("day.release", "time", l.When(d.From))
	default:
		v.State, v.Label = ui.DayOff, l.T("day.off")
		spoken = v.Label
	}
	v.Spoken = l.Date(d.Date) + " " + spoken
	return v
}

// hours lists the hours of a day; the first free one is chosen. open tells whether there is one.
func hours(l web.Locale, elder bool, d app.DayView, first *app.SlotView, current string) (v ui.HourListView, open bool) {
	v = ui.HourListView{FieldView: ui.FieldView{ID: "slot"}}
	for _, s := range d.Slots {
		h := ui.HourView{Value: s.ID, Time: web.HourRange(s.Hour), Disabled: true, State: ui.DayOff}
		switch s.State {
		case app.SlotFree:
			h.State, h.Disabled, h.Left = ui.DayFree, false, l.N("hours.left", s.Free)
			if s.Free <= fewInHour {
				h.State = ui.DayFew
			}
		case app.SlotFull:
			h.State, h.Left = ui.DayFull, l.T("hours.full")
		case app.SlotNotReleased:
			h.State, h.Left = ui.DaySoon, l.T("day.release", "time", web.Clock(s.From))
		case app.SlotClosed:
			h.Left = l.T("hours.closed")
		case app.SlotPast:
			h.Left = l.T("hours.over")
		}
		if s.ID == current {
			h.Disabled, h.Left = true, l.T("citizen.move.now_here")
		}
		if !h.Disabled && !open {
			open, h.Selected = true, true
		}
		if first != nil && s.ID == first.ID && !h.Disabled {
			h.Note = l.T("hours.first")
		}
		if elder && h.Disabled && s.ID != current {
			continue // fewer choices
		}
		v.Hours = append(v.Hours, h)
	}
	return v, open
}

// nothingFree says that the chosen day, or the whole queue, has nothing left, and where there is.
func (p *Pages) nothingFree(l web.Locale, of chooseOf, chosen *app.DayView, first *app.SlotView) (*ui.NoticeView, []ui.Link) {
	n := &ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.T("citizen.when.none"), Text: l.T("citizen.when.none_hint")}
	var links []ui.Link
	now := p.app.Now()
	if chosen != nil && first != nil {
		n.Title, n.Text = l.T("citizen.when.day_full", "date", l.Date(chosen.Date)), ""
		links = append(links, ui.Link{Text: l.T("citizen.next.here", "when", l.Near(first.Date.At(first.Hour, 0), now)), Href: of.day(first.Date.String())})
	} else if at, dates := p.app.NextRelease(); first == nil && len(dates) > 0 {
		n.Text = l.T("citizen.when.none_until", "when", l.Near(at, now), "date", l.Date(dates[len(dates)-1]))
	}
	if today, _ := p.today(); of.current == "" && chosen != nil && chosen.State == app.DayFull && p.app.Rules(today).Waitlist {
		links = append(links, ui.Link{Text: l.T("wait.join.here", "date", l.Date(chosen.Date)), Href: address("/waitlist/new",
			"item", of.item.Code, "queue", of.queue.ID, "stage", string(of.stage), "date", chosen.Date.String())})
	}
	for _, o := range p.elsewhere(of.item.Code, of.stage, of.queue, 1) {
		links = append(links, ui.Link{
			Text: l.T("citizen.next.elsewhere", "hall", l.Text(o.Hall.Name), "when", l.Near(o.Next.Date.At(o.Next.Hour, 0), now)), Href: of.others(*o.Next),
		})
	}
	return n, links
}

// elsewhere returns up to two other halls that have something free: the soonest of the same district,
// and the soonest of the city.
func (p *Pages) elsewhere(item string, stage directory.Stage, home *directory.Queue, units int) []app.HallOffer {
	var out []app.HallOffer
	hall := p.app.City().Hall(home.HallID)
	for _, district := range []string{hall.DistrictID, ""} {
		list, _, err := p.app.Halls(app.HallQuery{Item: item, Stage: stage, District: district, Units: units, Sort: app.ByNext, Limit: 3})
		if err != nil {
			return out
		}
		for _, o := range list {
			if o.Next != nil && o.Queue.ID != home.ID && (len(out) == 0 || out[0].Queue.ID != o.Queue.ID) {
				out = append(out, o)
				break
			}
		}
	}
	return out
}

// queueOf returns the queue a slot belongs to.
func (p *Pages) queueOf(slot string) (string, *directory.Queue) {
	queue, _, _, ok := booking.ParseSlotID(slot)
	if !ok {
		return "", nil
	}
	return queue, p.app.City().Queue(queue)
}

// nonEmpty returns the strings that say something.
func nonEmpty(list ...string) []string {
	var out []string
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}
