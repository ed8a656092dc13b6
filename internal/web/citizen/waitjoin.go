package citizen

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// Joining the waitlist (Art. 15). For oneself, somebody kept or an organisation of the sign-in it is one page; who has to
// be named first, and a batch's list, are asked for in a draft as for a booking.

// waiting is what a draft waits for, as the form has it.
type waiting struct {
	Queue string   `json:"queue"` // that was looked at
	Halls []string `json:"halls"`
	Dates []string `json:"dates"`
	Hours []string `json:"hours"`
}

func (w *waiting) wants() app.Wants { return wantsOf(w.Halls, w.Dates, w.Hours) }

// wantsOf reads what a form says would suit.
func wantsOf(halls, dates, hours []string) app.Wants {
	w := app.Wants{Halls: halls}
	for _, d := range dates {
		if day, err := calendar.ParseDate(d); err == nil {
			w.Dates = append(w.Dates, day)
		}
	}
	for _, h := range hours {
		if n, err := strconv.Atoi(h); err == nil {
			w.Hours = append(w.Hours, n)
		}
	}
	return w
}

// waitAsk is the form for joining as it stands.
type waitAsk struct {
	item, stage string
	waiting
	whom, units string
	draft       string // its id, "" before there is one
	key         string
}

// waitForm asks what would suit: halls, dates and hours, and for whom. What is chosen already is what was looked at,
// or what the draft has.
func (p *Pages) waitForm(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	q := r.URL.Query()
	ask := waitAsk{item: q.Get("item"), stage: q.Get("stage"), waiting: waiting{Queue: q.Get("queue"), Dates: q["date"]}, whom: forSelf, units: "1"}
	if id := q.Get("draft"); id != "" {
		d := p.draftOf(r, id, who.Person.Key)
		switch {
		case d == nil:
			return p.draftGone(w, r, who)
		case d.Done != "":
			return web.SeeOther(w, r, d.done())
		case d.Wait == nil:
			return web.SeeOther(w, r, d.askWhom())
		}
		ask = waitAsk{item: d.Item, stage: string(d.Stage), waiting: *d.Wait, whom: d.For, units: strconv.Itoa(d.Units), draft: id}
	}
	return p.showWaitForm(w, r, who, ask, nil)
}

func (p *Pages) showWaitForm(w http.ResponseWriter, r *http.Request, who *identity.Session, ask waitAsk, wrong *fault.Error) error {
	it, qu, o, err := p.offered(ask.item, ask.Queue)
	if err != nil {
		return p.notHere(w, r, err, ask.item)
	}
	chosen := pickStage(o.Stages, directory.Stage(ask.stage))
	self := address("/waitlist/new", "item", it.Code, "queue", qu.ID, "stage", string(chosen))
	if ask.draft != "" {
		self = address("/book/wait", "draft", ask.draft)
	}
	l := web.LocaleOf(r)
	s := p.shell(w, r, who, l.T("wait.join.title"), self)
	s.Back = back(l, address(bookPath(it.Code, qu.ID), "stage", string(chosen)))
	if ask.key == "" {
		ask.key = rand.Text()
	}
	v := waitFormView{
		L: l, Title: s.Title, Lead: l.T("wait.join.lead", "item", l.Text(it.Name)), Action: "/book/wait", Token: s.Token,
		Hidden: []pair{{"item", it.Code}, {"queue", qu.ID}, {"stage", string(chosen)}, {"key", ask.key}, {"draft", ask.draft}},
		Send:   ui.ButtonView{Text: l.T("wait.join.send"), Block: true},
		Whom:   &ui.ChoiceView{FieldView: ui.FieldView{ID: "for", Label: l.T("citizen.who.title")}},
	}
	if list, err := p.app.WaitOutlook(r.Context(), it.Code, qu.HallID); err == nil {
		for _, place := range list {
			v.Chance = append(v.Chance, chanceLine(l, place))
		}
	}
	if v.Whom.Options, err = p.whoOptions(r, l, who); err != nil {
		return err
	}
	for i, o := range v.Whom.Options {
		v.Whom.Options[i].Selected = o.Value == ask.whom
	}
	today, _ := p.today()
	if p.batches(who, choice{offer: o, date: today}) {
		v.Units = &ui.InputView{
			FieldView: ui.FieldView{ID: "units", Label: l.T("citizen.who.units"), Hint: l.T("wait.units_hint", "max", strconv.Itoa(o.BatchMax))},
			Value:     ask.units, InputMode: "numeric", Width: 3,
		}
	}
	halls := ask.Halls
	if halls == nil {
		halls = []string{qu.HallID}
	}
	p.waitChoices(l, &v, it.Code, chosen, qu, halls, ask.Dates, ask.Hours)
	return p.renderWaitForm(w, r, s, v, it.Code, chosen, wrong)
}

// joinWait takes the form: it joins at once where nobody has to be named first, else it goes on with a draft.
func (p *Pages) joinWait(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := p.form(r); err != nil {
		return err
	}
	if err := p.slowDown(who); err != nil {
		return err
	}
	f := r.PostForm
	some := func(list []string) []string { // what nobody chose is asked for again, and not chosen anew
		if list == nil {
			list = []string{}
		}
		return list[:min(len(list), app.MostWaitDates)]
	}
	ask := waitAsk{
		item: f.Get("item"), stage: f.Get("stage"), waiting: waiting{clip(f.Get("queue"), 96), some(f["halls"]), some(everyDay(f["dates"], calendar.DateOf(p.app.Now()))), some(f["hours"])},
		whom: f.Get("for"), units: clip(strings.TrimSpace(f.Get("units")), 6), draft: f.Get("draft"), key: f.Get("key"),
	}
	it, _, o, err := p.offered(ask.item, ask.Queue)
	if err != nil {
		return p.notHere(w, r, err, ask.item)
	}
	options, err := p.whoOptions(r, web.LocaleOf(r), who)
	if err != nil {
		return err
	}
	today, _ := p.today()
	units, wrong := p.waitUnits(who, choice{offer: o, date: today}, ask.units)
	if !slices.ContainsFunc(options, func(o ui.Option) bool { return o.Value == ask.whom }) {
		wrong = append(wrong, fault.Field{Path: "for", Code: fault.NotOneOf})
	}
	for path, list := range map[string][]string{"halls": ask.Halls, "dates": ask.Dates, "hours": ask.Hours} {
		if len(list) == 0 {
			wrong = append(wrong, fault.Field{Path: path, Code: fault.Required})
		}
	}
	if len(wrong) > 0 {
		return p.showWaitForm(w, r, who, ask, fault.InvalidFields(wrong...))
	}
	if units > 1 || ask.whom == forOther || ask.whom == forOrganisation {
		d := p.draftOf(r, ask.draft, who.Person.Key)
		if d == nil || d.Done != "" {
			d = newDraft(who.Person.Key, p.app.Now())
		}
		d.Item, d.Slot, d.Stage, d.Wait, d.Key = it.Code, "", pickStage(o.Stages, directory.Stage(ask.stage)), &ask.waiting, rand.Text()
		d.forWhom(ask.whom, units)
		if err := p.keep(w, r, d); err != nil {
			return err
		}
		return web.SeeOther(w, r, d.afterWhom())
	}
	v, err := p.app.JoinWait(r.Context(), who, app.WaitRequest{
		Key: ask.key, Item: ask.item, Stage: directory.Stage(ask.stage), Wants: ask.wants(), Applicant: (&draft{For: ask.whom}).applicant(who), Channel: web.ViaOf(r),
	})
	if err != nil {
		if f := fault.As(err); f.Kind != fault.Internal {
			return p.showWaitForm(w, r, who, ask, f)
		}
		return err
	}
	return web.SeeOther(w, r, waitPath(v.Code))
}

// waitUnits reads for how many cases somebody waits; 1 where there are no batches.
func (p *Pages) waitUnits(who *identity.Session, c choice, typed string) (units int, wrong []fault.Field) {
	if !p.batches(who, c) || typed == "" {
		return 1, nil
	}
	units, err := strconv.Atoi(typed)
	switch {
	case err != nil:
		return 1, []fault.Field{{Path: "units", Code: fault.BadFormat}}
	case units < 1 || units > c.offer.BatchMax:
		return 1, []fault.Field{{Path: "units", Code: fault.OutOfRange}}
	}
	return units, nil
}

// waitedRows repeats what a draft waits for, each line changeable.
func (p *Pages) waitedRows(l web.Locale, c choice, draft string) []ui.SummaryRow {
	again := address("/book/wait", "draft", draft)
	var halls []string
	for _, id := range c.wait.Halls {
		if h := p.app.City().Hall(id); h != nil {
			halls = append(halls, l.Text(h.Name))
		}
	}
	w := c.wait.wants()
	slices.Sort(w.Dates)
	slices.Sort(w.Hours)
	dates, hours := dateRuns(l, slices.Compact(w.Dates)), hourRuns(slices.Compact(w.Hours))
	return []ui.SummaryRow{
		{Key: l.T("pass.item"), Value: l.Text(c.item.Name), Lines: []string{stageName(l, c.stage)}},
		{Key: l.T("wait.halls"), Value: strings.Join(halls, " · "), Change: change(l, again)},
		{Key: l.T("wait.dates"), Value: strings.Join(dates, " · "), Change: change(l, again)},
		{Key: l.T("wait.hours"), Value: strings.Join(hours, " · "), Change: change(l, again)},
	}
}

// showWaitCheck shows what a draft waits for and for whom; f is why it could not join.
func (p *Pages) showWaitCheck(w http.ResponseWriter, r *http.Request, who *identity.Session, d *draft, f *fault.Error) error {
	c, err := p.choiceFor(d)
	if err != nil {
		return p.notHere(w, r, err, d.Item)
	}
	l := web.LocaleOf(r)
	whom, missing, err := p.whomRow(r, l, who, d)
	if err != nil {
		return err
	}
	rows := append(p.chosenRows(l, c, d.ID), whom)
	if missing == "" && d.Units > 1 {
		var units ui.SummaryRow
		units, missing, err = p.batchRow(r, l, who, d)
		rows = append(rows, units)
	}
	if err != nil {
		return err
	}
	if missing != "" {
		return web.SeeOther(w, r, missing)
	}
	self := address("/book/check", "draft", d.ID)
	s := p.shell(w, r, who, l.T("wait.check"), self)
	s.Back = back(l, d.askWhom())
	v := checkView{L: l, Token: s.Token, Title: s.Title, Draft: d.ID, Key: d.Key, Rows: rows, Rules: []string{l.T("wait.rule")},
		Confirm: &ui.ButtonView{Text: l.T("wait.join.send"), Block: true}}
	status := http.StatusOK
	if f != nil {
		s.Error, status = true, web.Status(f)
		links := standing(l, f)
		if queue, date, _, ok := booking.ParseSlotID(f.Args["slot"]); ok && f.Code == fault.PlaceFree {
			links = append(links, ui.Link{Text: l.T("wait.book_it"), Href: address(bookPath(d.Item, queue), "stage", string(d.Stage), "date", date.String(), "draft", d.ID)})
		}
		if code := f.Args["entry"]; code != "" {
			links = append(links, ui.Link{Text: l.T("wait.title"), Href: waitPath(code)})
		}
		n := noticeOf(l, f, links)
		if f == changed {
			n.Title, n.Code = l.T("citizen.check.changed"), ""
		}
		v.Refusal = &n
		if !retriable(f) {
			v.Confirm, v.Actions = nil, []ui.ButtonView{{Text: l.T("wait.do.change"), Kind: ui.Secondary, Href: d.askWhom()}}
		}
	}
	return web.Render(w, r, status, checkPage(s, v))
}

// joinDraft joins with what a draft holds, under its key: a second press comes to the same entry.
func (p *Pages) joinDraft(w http.ResponseWriter, r *http.Request, who *identity.Session, d *draft) error {
	cases, err := p.listOf(r, who, d)
	if err != nil {
		return err
	}
	v, err := p.app.JoinWait(r.Context(), who, app.WaitRequest{
		Key: d.Key, Item: d.Item, Stage: d.Stage, Units: d.Units, Cases: cases, Wants: d.Wait.wants(), Applicant: d.applicant(who), Channel: web.ViaOf(r),
	})
	if err != nil {
		f := fault.As(err)
		for _, field := range f.Fields {
			if field.Path == "halls" || field.Path == "dates" || field.Path == "hours" {
				ask := waitAsk{item: d.Item, stage: string(d.Stage), waiting: *d.Wait, whom: d.For, units: strconv.Itoa(d.Units), draft: d.ID}
				return p.showWaitForm(w, r, who, ask, f)
			}
		}
		return p.notBooked(w, r, who, d, f)
	}
	d.Done, d.Other = v.Code, typed{}
	if err := p.keep(w, r, d); err != nil {
		return err
	}
	return web.SeeOther(w, r, d.done())
}
