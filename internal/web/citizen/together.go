package citizen

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// Several people in one step (ADR 0029): who they are, hours in which all of them fit, one page to check, one press,
// a pass for each.

const togetherSteps = 5 // hall, time, for whom, hours of all, check

type togetherView struct {
	L      web.Locale
	Token  string
	Action string
	Errors []ui.ErrorItem
	Steps  ui.StepsView
	Title  string
	Lead   string
	Listed string
	Rows   []caseRow
	Known  []ui.ButtonView // one tap each: oneself, kept people, organisations of the sign-in
	Go     *ui.ButtonView
	Full   string // why nobody can be added, "" if somebody can
	Person personView
}

// together shows who is booked for so far, and adds others.
func (p *Pages) together(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	d, err := p.togetherDraft(w, r, who)
	if d == nil {
		return err
	}
	return p.showGroup(w, r, who, d, typed{}, nil)
}

// togetherDraft is the draft of several people; nil when there is none any more, or it is booked, or for one person:
// that is answered then.
func (p *Pages) togetherDraft(w http.ResponseWriter, r *http.Request, who *identity.Session) (*draft, error) {
	d, err := p.listDraft(w, r, who)
	if d != nil && (d.For != forTogether || p.app.GroupMost() < 2) {
		return nil, web.SeeOther(w, r, address("/book/who", "draft", d.ID))
	}
	return d, err
}

func (p *Pages) showGroup(w http.ResponseWriter, r *http.Request, who *identity.Session, d *draft, t typed, wrong *fault.Error) error {
	self := address("/book/together", "draft", d.ID)
	s := p.shell(w, r, who, "", self)
	l := s.L
	c, err := p.choiceFor(d)
	if err != nil {
		return p.notHere(w, r, err, d.Item)
	}
	g, err := p.app.Group(r.Context(), who, d.ID)
	if err != nil {
		return err
	}
	n, most := len(g.Shown), p.app.GroupMost()
	s.Title, s.Back = l.T("together.title"), back(l, address("/book/who", "draft", d.ID))
	v := togetherView{
		L: l, Token: s.Token, Title: s.Title, Action: self, Lead: l.T("together.lead", "max", strconv.Itoa(most)), Listed: l.T("together.listed", "n", strconv.Itoa(n)),
		Steps: ui.StepsView{L: l, Step: 3, Total: togetherSteps, Chosen: p.chosenRows(l, c, d.ID)},
	}
	for i, m := range g.Shown {
		v.Rows = append(v.Rows, caseRow{strconv.Itoa(i + 1), memberName(l, m), memberLine(l, m)})
	}
	switch {
	case n >= most:
		v.Full = l.T("together.full", "max", strconv.Itoa(most))
	default:
		options, err := p.whoOptions(r, l, who)
		if err != nil {
			return err
		}
		for _, o := range options {
			if o.Value == forOther || o.Value == forOrganisation || p.inGroup(r, who, d.ID, g, o.Value) {
				continue
			}
			v.Known = append(v.Known, ui.ButtonView{Text: l.T("together.add_known", "name", knownName(l, who, o)), Kind: ui.Secondary, Name: "whom", Value: o.Value})
		}
	}
	if n >= 2 {
		v.Go = &ui.ButtonView{Text: l.T("together.go", "n", strconv.Itoa(n)), Name: "do", Value: "go", Block: true}
	}
	v.Person.L = l
	p.fill(&v.Person, l, &draft{Other: t})
	status := http.StatusOK
	if wrong != nil {
		s.Error, status = true, web.Status(wrong)
		v.Errors = v.Person.wrong(wrong)
	}
	return web.Render(w, r, status, togetherPage(s, v))
}

// knownName is how somebody who is added with one tap is called there.
func knownName(l web.Locale, who *identity.Session, o ui.Option) string {
	if o.Value == forSelf {
		return identity.MaskName(who.Person.Name) + l.T("citizen.who.myself")
	}
	return o.Text
}

func memberName(l web.Locale, m app.GroupMember) string { return whoName(l, m.Person) }

// memberLine says under a masked name what tells one from another.
func memberLine(l web.Locale, m app.GroupMember) string {
	if m.Person.Kind == booking.Organisation {
		return m.Person.Number
	}
	return documentName(l, m.Document) + " " + m.Person.Number
}

// inGroup tells whether one of the known is in the group already, as far as can be told without asking for them in clear.
func (p *Pages) inGroup(r *http.Request, who *identity.Session, id string, g app.Group, whom string) bool {
	d := draft{For: whom}
	return p.app.InGroup(r.Context(), who, g, d.applicant(who))
}

// changeTogether adds somebody, takes somebody out, or goes on.
func (p *Pages) changeTogether(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := p.form(r); err != nil {
		return err
	}
	d, err := p.togetherDraft(w, r, who)
	if d == nil {
		return err
	}
	ctx, f := r.Context(), r.PostForm
	switch {
	case f.Get("do") == "go":
		g, err := p.app.Group(ctx, who, d.ID)
		if err != nil {
			return err
		}
		if len(g.Shown) < 2 {
			return p.showGroup(w, r, who, d, typed{}, nil)
		}
		return web.SeeOther(w, r, address("/book/together/hours", "draft", d.ID))
	case f.Get("remove") != "":
		n, _ := strconv.Atoi(f.Get("remove"))
		err = p.app.RemoveFromGroup(ctx, who, d.ID, n)
		if fault.CodeOf(err) == fault.InvalidRequest { // gone already, in another window
			err = nil
		}
		if err != nil {
			return err
		}
		return p.groupChanged(w, r, d)
	}
	var t typed
	ap := (&draft{For: f.Get("whom")}).applicant(who)
	if f.Get("whom") == "" {
		t = typedIn(r, typed{}, forOther).clipped()
		if f := t.check(forOther, calendar.DateOf(p.app.Now())); f != nil {
			return p.showGroup(w, r, who, d, t, f)
		}
		ap = (&draft{For: forOther, Other: t}).applicant(who)
	}
	if err := p.app.AddToGroup(ctx, who, d.ID, ap); err != nil {
		if f := fault.As(err); f.Code == fault.InvalidRequest {
			return p.showGroup(w, r, who, d, t, f)
		}
		return err
	}
	if f.Get("whom") == "" && f.Get("keep") != "" { // for the next time; the booking needs it not
		_, _ = p.app.KeepPerson(ctx, who, rand.Text(), booking.Party{Name: ap.Name, Document: ap.Document, Birth: ap.Birth, Phone: ap.Phone})
	}
	return p.groupChanged(w, r, d)
}

// groupChanged gives a draft whose people changed a new key: its hours are to be found anew.
func (p *Pages) groupChanged(w http.ResponseWriter, r *http.Request, d *draft) error {
	d.Slots, d.Key = nil, rand.Text()
	if err := p.keep(w, r, d); err != nil {
		return err
	}
	return web.SeeOther(w, r, address("/book/together", "draft", d.ID))
}

// takeRun takes the hours of all from the slot of a draft on, or none where they do not fit.
func (p *Pages) takeRun(r *http.Request, who *identity.Session, d *draft) error {
	g, err := p.app.Group(r.Context(), who, d.ID)
	if err == nil {
		d.run(p.app.Run(d.Slot, len(g.Shown)))
	}
	return err
}

type togetherHoursView struct {
	L      web.Locale
	Steps  ui.StepsView
	Title  string
	Lead   string
	Choose chooser
	Fewer  ui.Link
}

// togetherHours offers hours in which all fit: the first such is chosen already, from the hour on that was looked at.
func (p *Pages) togetherHours(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	d, err := p.togetherDraft(w, r, who)
	if d == nil {
		return err
	}
	c, err := p.choiceFor(d)
	if err != nil {
		return p.notHere(w, r, err, d.Item)
	}
	g, err := p.app.Group(r.Context(), who, d.ID)
	if err != nil {
		return err
	}
	n := len(g.Shown)
	if n < 2 {
		return web.SeeOther(w, r, d.askWhom())
	}
	s := p.shell(w, r, who, "", r.URL.RequestURI())
	l := s.L
	s.Title, s.Back = l.T("together.hours_title"), back(l, d.askWhom())
	v := togetherHoursView{
		L: l, Title: s.Title, Lead: l.T("together.hours_lead"), Fewer: ui.Link{Text: l.T("together.fewer"), Href: d.askWhom()},
		Steps: ui.StepsView{L: l, Step: 4, Total: togetherSteps, Chosen: p.chosenRows(l, c, d.ID)[:2]},
	}
	v.Steps.Chosen = append(v.Steps.Chosen, p.groupRow(l, g, d.askWhom()))
	q := r.URL.Query()
	v.Choose = p.chooseRun(l, s.Elder, c, d, n, q.Get("date"), q.Get("all") != "")
	return web.Render(w, r, http.StatusOK, togetherHoursPage(s, v))
}

// groupRow names everybody in one line.
func (p *Pages) groupRow(l web.Locale, g app.Group, ask string) ui.SummaryRow {
	var names []string
	for _, m := range g.Shown {
		names = append(names, memberName(l, m))
	}
	return ui.SummaryRow{Key: l.T("pass.who"), Value: l.T("together.people", "n", strconv.Itoa(len(names))), Lines: []string{strings.Join(names, l.T("list.and"))}, Change: change(l, ask)}
}

// chooseRun lays out dates and first hours for n people.
func (p *Pages) chooseRun(l web.Locale, elder bool, c choice, d *draft, n int, wanted string, all bool) chooser {
	count := strconv.Itoa(n)
	at := func(date string) string { return address("/book/together/hours", "draft", d.ID, "date", date) }
	days := p.app.Days(c.queue.ID, datesShown)
	var first *app.SlotView // the first hour in which all fit, from the one that was looked at
	for _, from := range []string{d.Slot, ""} {
		for i := range days {
			runs := p.app.RunsOn(days[i], n)
			if len(runs) == 0 {
				if days[i].State == app.DayFree {
					days[i].State = app.DayFull
				}
				continue
			}
			for _, run := range runs {
				if v, ok := p.app.Slot(run[0]); ok && first == nil && (from == "" || v.ID == from) {
					first = &v
				}
			}
		}
	}
	chosen := chosenDay(days, wanted, first)
	out := chooser{L: l, Strip: ui.DateStripView{Label: l.T("days.label"), Target: "when"}, Action: "/book/check", Hidden: []pair{{"draft", d.ID}}}
	shown := days
	if elder && !all {
		shown = fewDays(days, chosen)
		if len(shown) < len(days) {
			out.MoreDays = withQuery(at(""), "all", "1")
		}
	}
	today := calendar.DateOf(p.app.Now())
	for i, day := range shown {
		v := dayView(l, day, today)
		if i == 0 || day.Date.Month() != shown[i-1].Date.Month() {
			v.Month = l.Month(day.Date)
		}
		if day.State == app.DayFull && day.Free > 0 {
			v.Label, v.Spoken = l.T("together.day_few"), l.Date(day.Date)+" "+l.T("together.not_so_many", "n", count)
		}
		if day.State == app.DayFree || day.State == app.DayFull {
			if v.Href = at(day.Date.String()); all {
				v.Href = withQuery(v.Href, "all", "1")
			}
		}
		if chosen != nil && day.Date == chosen.Date {
			v.Selected = true
			v.Spoken += " " + l.T("day.chosen")
		}
		out.Strip.Days = append(out.Strip.Days, v)
	}
	if chosen != nil {
		out.Day = l.Date(chosen.Date)
		out.Hours, out.Open = p.runHours(l, elder, *chosen, first, n)
		out.Hours.Label = l.T("citizen.when.hours", "date", out.Day)
	}
	if !out.Open {
		out.Notice, out.Others = p.nothingForAll(l, c, d, chosen, first, n)
	}
	return out
}

// runHours lists the hours of a day from which on all of n people fit, and says who comes when.
func (p *Pages) runHours(l web.Locale, elder bool, d app.DayView, first *app.SlotView, n int) (v ui.HourListView, open bool) {
	v, _ = hours(l, elder, d, nil, "")
	runs := map[string][]string{}
	for _, run := range p.app.RunsOn(d, n) {
		runs[run[0]] = run
	}
	kept := v.Hours[:0]
	for _, h := range v.Hours {
		run := runs[h.Value]
		switch {
		case run != nil:
			_, _, from, _ := booking.ParseSlotID(run[0])
			_, _, last, _ := booking.ParseSlotID(run[n-1])
			h.Left, h.State, h.Disabled, h.Selected = runLine(l, run), ui.DayFree, false, first != nil && h.Value == first.ID
			if last > from {
				h.Time, h.Note, h.Left = fmt.Sprintf("%02d:00–%02d:00", from, last+1), h.Left, l.T("together.over", "n", strconv.Itoa(last-from+1))
			} else if h.Selected {
				h.Note = l.T("together.first")
			}
			open = true
		case h.Disabled:
		default:
			h.Disabled, h.State, h.Left = true, ui.DayFull, l.T("together.not_so_many", "n", strconv.Itoa(n))
		}
		if h.Selected = h.Selected && run != nil; elder && run == nil {
			continue // fewer choices
		}
		kept = append(kept, h)
	}
	v.Hours = kept
	if open && !slices.ContainsFunc(v.Hours, func(h ui.HourView) bool { return h.Selected }) {
		for i := range v.Hours {
			if !v.Hours[i].Disabled {
				v.Hours[i].Selected = true
				break
			}
		}
	}
	return v, open
}

// runLine says how many come in each hour of a run.
func runLine(l web.Locale, run []string) string {
	var parts []string
	for i := 0; i < len(run); {
		n := i
		for n < len(run) && run[n] == run[i] {
			n++
		}
		_, _, hour, _ := booking.ParseSlotID(run[i])
		if i == 0 && n == len(run) {
			return l.T("together.one_hour", "n", strconv.Itoa(n))
		}
		parts = append(parts, l.T("together.hour", "from", web.HourRange(hour)[:5], "n", strconv.Itoa(n-i)))
		i = n
	}
	return strings.Join(parts, l.T("list.and"))
}

// nothingForAll says that a day, or the whole queue, has no room for so many, and what there is instead.
func (p *Pages) nothingForAll(l web.Locale, c choice, d *draft, chosen *app.DayView, first *app.SlotView, n int) (*ui.NoticeView, []ui.Link) {
	count := strconv.Itoa(n)
	v := &ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.T("together.none", "n", count), Text: l.T("together.none_hint")}
	links := []ui.Link{{Text: l.T("together.fewer"), Href: d.askWhom()}}
	if chosen != nil && first != nil {
		v.Title, v.Text = l.T("together.day_none", "date", l.Date(chosen.Date), "n", count), ""
		links = append([]ui.Link{{Text: l.T("citizen.next.here", "when", l.Near(first.Date.At(first.Hour, 0), p.app.Now())), Href: address("/book/together/hours", "draft", d.ID, "date", first.Date.String())}}, links...)
	}
	links = append(links, ui.Link{Text: l.T("citizen.next.halls"), Href: address(itemPath(c.item.Code), "stage", string(c.stage), "draft", d.ID) + "#halls"})
	if today, _ := p.today(); chosen != nil && p.app.Rules(today).Waitlist && chosen.Free == 0 { // where a number is free there is no line
		links = append(links, ui.Link{Text: l.T("together.wait", "date", l.Date(chosen.Date)), Href: address("/waitlist/new",
			"item", c.item.Code, "queue", c.queue.ID, "stage", string(c.stage), "date", chosen.Date.String())})
	}
	return v, links
}

// showTogether shows several people's bookings for checking; f is why they could not be booked.
func (p *Pages) showTogether(w http.ResponseWriter, r *http.Request, who *identity.Session, d *draft, f *fault.Error) error {
	c, err := p.choiceFor(d)
	if err != nil {
		return p.notHere(w, r, err, d.Item)
	}
	g, err := p.app.Group(r.Context(), who, d.ID)
	if err != nil {
		return err
	}
	pick := address("/book/together/hours", "draft", d.ID)
	switch {
	case len(g.Shown) < 2:
		return web.SeeOther(w, r, d.askWhom())
	case len(d.Slots) != len(g.Shown):
		return web.SeeOther(w, r, pick)
	}
	status := http.StatusOK
	if f != nil {
		status = web.Status(f)
	} else if f = p.mayNot(who, c); f == nil && !p.app.Fits(d.Slots) {
		f = fault.New(fault.SoldOut)
	}
	self := address("/book/check", "draft", d.ID)
	l := web.LocaleOf(r)
	s := p.shell(w, r, who, l.T("citizen.check.title"), self)
	s.Back = back(l, pick)
	v := checkView{
		L: l, Token: s.Token, Title: s.Title, Draft: d.ID, Key: d.Key,
		Steps: ui.StepsView{L: l, Step: togetherSteps, Total: togetherSteps}, Rows: p.chosenRows(l, c, d.ID)[:2],
	}
	v.Rows = append(v.Rows, ui.SummaryRow{Key: l.T("pass.when"), Value: l.Date(c.date), Lines: []string{runLine(l, d.Slots)}, Change: change(l, pick)})
	for i, m := range g.Shown {
		_, _, hour, _ := booking.ParseSlotID(d.Slots[i])
		v.Rows = append(v.Rows, ui.SummaryRow{Key: l.T("together.nth", "n", strconv.Itoa(i+1)), Value: memberName(l, m), Lines: []string{memberLine(l, m), web.HourRange(hour)}, Change: change(l, d.askWhom())})
	}
	_, _, last, _ := booking.ParseSlotID(d.Slots[0])
	until := booking.CancelUntil(c.date.At(last+1, 0), p.app.Rules(c.date))
	v.Rules = []string{l.T("together.all_or_none"), l.T("citizen.check.cancel", "time", l.When(until)), l.T("together.each")}
	if f == nil || retriable(f) {
		v.Confirm = &ui.ButtonView{Text: l.T("together.confirm", "n", strconv.Itoa(len(g.Shown))), Block: true}
	}
	if f != nil {
		s.Error = true
		n := noticeOf(l, f, standing(l, f))
		if f == changed {
			n.Title, n.Code = l.T("citizen.check.changed"), ""
		} else if whom := aboutMember(l, f, g); whom != "" {
			n.Title = l.T("together.about", "whom", whom, "sentence", n.Title)
		}
		v.Refusal = &n
		if v.Confirm == nil {
			v.Title, v.Actions = l.T("together.not_booked"), p.waysOnTogether(l, f, c, d)
			s.Title = v.Title
		} else {
			v.Confirm.Text = l.T("citizen.check.again")
		}
	}
	return web.Render(w, r, status, checkPage(s, v))
}

// aboutMember says whom of a group a refusal is about: the limits of applicants and what is wrong with one of them. A
// slot that is full and the booker's own limits are nobody's of them.
func aboutMember(l web.Locale, f *fault.Error, g app.Group) string {
	n, _ := strconv.Atoi(f.Args["applicant"])
	if n < 1 || n > len(g.Shown) || f.Code != fault.AlreadyBooked && f.Kind != fault.Invalid {
		return ""
	}
	return l.T("together.nth", "n", strconv.Itoa(n)) + " " + memberName(l, g.Shown[n-1])
}

func (p *Pages) waysOnTogether(l web.Locale, f *fault.Error, c choice, d *draft) []ui.ButtonView {
	hours := ui.ButtonView{Text: l.T("together.other_hours"), Kind: ui.Secondary, Href: address("/book/together/hours", "draft", d.ID)}
	people := ui.ButtonView{Text: l.T("together.change"), Kind: ui.Secondary, Href: d.askWhom()}
	switch {
	case f.Code == fault.AlreadyBooked || f.Kind == fault.Invalid:
		return []ui.ButtonView{people}
	case f.Kind == fault.Forbidden:
		return []ui.ButtonView{*hotlineButton(l)}
	case f.Code == fault.SoldOut:
		return []ui.ButtonView{hours, people}
	}
	return []ui.ButtonView{hours}
}

// bookTogether takes the numbers of all, or none, under the key of the draft: a second press comes to the same.
func (p *Pages) bookTogether(w http.ResponseWriter, r *http.Request, who *identity.Session, d *draft) (done bool, err error) {
	g, err := p.app.Group(r.Context(), who, d.ID)
	if err != nil {
		return false, err
	}
	if len(d.Slots) != len(g.Applicants) {
		return false, web.SeeOther(w, r, address("/book/check", "draft", d.ID))
	}
	got, err := p.app.BookTogether(r.Context(), who, app.TogetherRequest{
		Key: d.Key, Item: d.Item, Stage: d.Stage, Slots: d.Slots, Applicants: g.Applicants, Channel: web.ViaOf(r),
	})
	if err != nil {
		f := fault.As(err)
		if f.Kind == fault.Internal {
			return false, err
		}
		if f.Code == fault.KeyReused {
			d.Key = rand.Text()
			if err := p.keep(w, r, d); err != nil {
				return false, err
			}
			f = changed
		}
		return false, p.showTogether(w, r, who, d, f)
	}
	for _, one := range got {
		d.Codes = append(d.Codes, one.View.Code)
	}
	d.Done = d.Codes[0]
	if err := p.keep(w, r, d); err != nil {
		return true, err
	}
	return true, web.SeeOther(w, r, d.done())
}

type togetherDoneView struct {
	L      web.Locale
	Title  string
	Notice ui.NoticeView
	Rows   []ui.SummaryRow
	Passes []ui.CardView
	All    ui.ButtonView
}

// togetherDone lists the passes of what was booked in one step, as they stand now.
func (p *Pages) togetherDone(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	d := p.draftOf(r, r.URL.Query().Get("draft"), who.Person.Key)
	switch {
	case d == nil:
		return p.draftGone(w, r, who)
	case len(d.Codes) < 2:
		return web.SeeOther(w, r, address("/book/check", "draft", d.ID))
	}
	s := p.shell(w, r, who, "", address("/book/together/done", "draft", d.ID))
	l := s.L
	s.Title, s.Back = l.T("together.done", "n", strconv.Itoa(len(d.Codes))), &ui.Link{Text: l.T("nav.bookings"), Href: "/bookings"}
	v := togetherDoneView{
		L: l, Title: s.Title, Notice: ui.NoticeView{L: l, Kind: ui.NoticeSuccess, Title: l.T("together.done_each"), Text: l.T("citizen.pass.booked_hint")},
		All: ui.ButtonView{Text: l.T("nav.bookings"), Kind: ui.Secondary, Href: "/bookings"},
	}
	now := p.app.Now()
	for i, code := range d.Codes {
		b, err := p.app.Booking(r.Context(), who, code)
		if err != nil {
			return err
		}
		if i == 0 {
			v.Rows = []ui.SummaryRow{{Key: l.T("pass.item"), Value: itemName(l, b), Lines: []string{stageName(l, b.Booking.Stage)}}, {Key: l.T("pass.where"), Value: hallName(l, b)}}
			if b.Hall != nil {
				v.Rows[1].Lines = nonEmpty(l.Text(b.Hall.Address), b.Hall.Phone)
			}
		}
		card := ui.CardView{
			Kicker: l.T("together.nth", "n", strconv.Itoa(i+1)), Title: whoName(l, b.Applicant), Href: passPath(code),
			Tag:    stateTag(l, b.Booking.State, b.Booking.State == booking.Booked && now.Before(b.Booking.End())),
			Lines:  []string{l.Slot(b.Booking.Date, b.Booking.Hour), l.T("together.code", "code", code)},
			Action: &ui.ButtonView{Text: l.T("citizen.home.show_pass"), Kind: ui.Secondary, Href: passPath(code)},
		}
		if b.CanChange {
			card.Lines = append(card.Lines, l.CancelUntil(b.CancelUntil, now))
		}
		v.Passes = append(v.Passes, card)
	}
	return web.Render(w, r, http.StatusOK, togetherDonePage(s, v))
}
