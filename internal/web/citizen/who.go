package citizen

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// choice is what a booking is to be, as addresses carry it: nothing personal.
type choice struct {
	item  *directory.Item
	queue *directory.Queue
	hall  *directory.Hall
	offer *directory.Offering
	stage directory.Stage
	slot  string
	date  calendar.Date
	hour  int
	wait  *waiting // nothing is to be booked now: what is waited for; slot and hour are empty, date is today
}

// choiceOf finds what item, slot and stage name.
func (p *Pages) choiceOf(item, slot string, stage directory.Stage) (choice, error) {
	queue, date, hour, ok := booking.ParseSlotID(slot)
	if !ok {
		return choice{}, fault.New(fault.SlotNotFound)
	}
	it, qu, o, err := p.offered(item, queue)
	if err != nil {
		return choice{}, err
	}
	if _, ok := p.app.Slot(slot); !ok {
		return choice{}, fault.New(fault.SlotNotFound)
	}
	if !o.Stages.Has(stage) {
		return choice{}, fault.New(fault.StageNotOffered)
	}
	return choice{it, qu, p.app.City().Hall(qu.HallID), o, stage, slot, date, hour, nil}, nil
}

// choiceFor is the choice of a draft.
func (p *Pages) choiceFor(d *draft) (choice, error) {
	if d.Wait == nil {
		return p.choiceOf(d.Item, d.Slot, d.Stage)
	}
	it, qu, o, err := p.offered(d.Item, d.Wait.Queue)
	if err != nil {
		return choice{}, err
	}
	today, _ := p.today()
	return choice{item: it, queue: qu, hall: p.app.City().Hall(qu.HallID), offer: o, stage: pickStage(o.Stages, d.Stage), date: today, wait: d.Wait}, nil
}

// chosenRows repeats the choice, each line changeable. draft is "" before there is one.
func (p *Pages) chosenRows(l web.Locale, c choice, draft string) []ui.SummaryRow {
	if c.wait != nil {
		return p.waitedRows(l, c, draft)
	}
	item := address(itemPath(c.item.Code), "stage", string(c.stage), "draft", draft)
	when := address(bookPath(c.item.Code, c.queue.ID), "stage", string(c.stage), "date", c.date.String(), "draft", draft)
	return []ui.SummaryRow{
		{Key: l.T("pass.item"), Value: l.Text(c.item.Name), Lines: []string{stageName(l, c.stage)}, Change: change(l, item)},
		{Key: l.T("pass.where"), Value: l.Text(c.hall.Name), Lines: nonEmpty(l.Text(c.hall.Address)), Change: change(l, item+"#halls")},
		{Key: l.T("pass.when"), Value: l.Slot(c.date, c.hour), Change: change(l, when)},
	}
}

type whoView struct {
	L      web.Locale
	Token  string
	Action string
	Errors []ui.ErrorItem
	Steps  ui.StepsView
	Title  string
	Whom   ui.ChoiceView
	Units  *ui.InputView
}

// who asks for whom the booking is; what is chosen so far stands in the address.
func (p *Pages) who(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	q := r.URL.Query()
	d := p.draftOf(r, q.Get("draft"), who.Person.Key)
	item, slot, stage := q.Get("item"), q.Get("slot"), directory.Stage(q.Get("stage"))
	if d != nil && slot == "" {
		item, slot, stage = d.Item, d.Slot, d.Stage
	}
	if d != nil && d.Done != "" {
		return web.SeeOther(w, r, d.done())
	}
	if d != nil && d.Wait != nil && slot == "" {
		return web.SeeOther(w, r, d.askWhom())
	}
	c, err := p.choiceOf(item, slot, stage)
	if err != nil {
		return p.notHere(w, r, err, item)
	}
	if f := p.mayNot(who, c); f != nil {
		return p.refuseChoice(w, r, who, f, c)
	}
	whom, units := forSelf, 1
	if d != nil {
		whom, units = d.For, d.Units
	}
	return p.showWho(w, r, who, c, q.Get("draft"), whom, strconv.Itoa(units), nil)
}

func (p *Pages) showWho(w http.ResponseWriter, r *http.Request, who *identity.Session, c choice, draft, whom, units string, wrong *fault.Error) error {
	self := address("/book/who", "item", c.item.Code, "slot", c.slot, "stage", string(c.stage), "draft", draft)
	s := p.shell(w, r, who, "", self)
	l := s.L
	s.Title = l.T("citizen.who.title")
	s.Back = back(l, address(bookPath(c.item.Code, c.queue.ID), "stage", string(c.stage), "date", c.date.String()))
	v := whoView{
		L: l, Token: s.Token, Title: s.Title, Action: self,
		Steps: ui.StepsView{L: l, Step: 3, Total: bookingSteps, Chosen: p.chosenRows(l, c, draft)},
		Whom:  ui.ChoiceView{FieldView: ui.FieldView{ID: "for", Label: s.Title, Big: true}},
	}
	options, err := p.whomOptions(r, l, who)
	if err != nil {
		return err
	}
	for i := range options {
		options[i].Selected = options[i].Value == whom
	}
	v.Whom.Options = options
	if p.batches(who, c) {
		v.Units = &ui.InputView{
			FieldView: ui.FieldView{ID: "units", Label: l.T("citizen.who.units"), Hint: l.T("citizen.who.units_hint", "max", strconv.Itoa(c.offer.BatchMax))},
			Value:     units, InputMode: "numeric", Width: 3,
		}
	}
	status := http.StatusOK
	if wrong != nil {
		s.Error, status = true, web.Status(wrong)
		labels := map[string]string{"for": "", "units": l.T("citizen.who.units")}
		v.Errors = ui.FieldErrors(l, wrong, labels, map[string]string{"for": "for", "units": "units"})
		for _, f := range wrong.Fields {
			switch {
			case f.Path == "for":
				v.Whom.Error, v.Whom.Code = l.FieldSentence("", f.Code), string(f.Code)
			case f.Path == "units" && v.Units != nil:
				v.Units.Error, v.Units.Code = l.FieldSentence("", f.Code), string(f.Code)
			}
		}
	}
	return web.Render(w, r, status, whoPage(s, v))
}

// whoOptions lists for whom somebody may book: themselves, kept people, organisations of the sign-in,
// anybody else, any other organisation.
func (p *Pages) whoOptions(r *http.Request, l web.Locale, who *identity.Session) ([]ui.Option, error) {
	me := who.Person
	options := []ui.Option{{Value: forSelf, Text: l.T("applicant.self"),
		Hint: identity.MaskName(me.Name) + " · " + documentName(l, me.Document.Kind) + " " + identity.MaskNumber(me.Document.Number)}}
	kept, err := p.app.KeptPeople(r.Context(), who)
	if err != nil {
		return nil, err
	}
	for _, k := range kept {
		options = append(options, ui.Option{Value: forKept + k.ID, Text: k.Person.Name, Hint: documentName(l, k.Document) + " " + k.Person.Number})
	}
	for _, o := range me.Agent {
		options = append(options, ui.Option{Value: forAgent + o.CreditCode, Text: o.Name, Hint: l.T("citizen.who.agent")})
	}
	return append(options,
		ui.Option{Value: forOther, Text: l.T("citizen.who.other"), Hint: l.T("citizen.who.other_hint")},
		ui.Option{Value: forOrganisation, Text: l.T("citizen.who.organisation"), Hint: l.T("citizen.who.organisation_hint")}), nil
}

// whomOptions are whoOptions and, where the rules know it, several people at once.
func (p *Pages) whomOptions(r *http.Request, l web.Locale, who *identity.Session) ([]ui.Option, error) {
	options, err := p.whoOptions(r, l, who)
	if most := p.app.GroupMost(); err == nil && most >= 2 {
		options = append(options, ui.Option{Value: forTogether, Text: l.T("together.entry"), Hint: l.T("together.entry_hint", "max", strconv.Itoa(most))})
	}
	return options, err
}

// batches tells whether this person may ask for more than one unit here (Art. 19).
func (p *Pages) batches(who *identity.Session, c choice) bool {
	return c.offer.BatchMax > 1 && int(who.Person.Level) >= p.app.Rules(c.date).LevelToBatch
}

// chooseWho takes the answer and begins the draft, or changes it.
func (p *Pages) chooseWho(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := p.form(r); err != nil {
		return err
	}
	q := r.URL.Query()
	c, err := p.choiceOf(q.Get("item"), q.Get("slot"), directory.Stage(q.Get("stage")))
	if err != nil {
		return p.notHere(w, r, err, q.Get("item"))
	}
	if f := p.mayNot(who, c); f != nil {
		return p.refuseChoice(w, r, who, f, c)
	}
	whom, typedUnits := r.PostForm.Get("for"), strings.TrimSpace(r.PostForm.Get("units"))
	options, err := p.whomOptions(r, web.LocaleOf(r), who)
	if err != nil {
		return err
	}
	var wrong []fault.Field
	if whom == "" {
		wrong = append(wrong, fault.Field{Path: "for", Code: fault.Required})
	} else if !slices.ContainsFunc(options, func(o ui.Option) bool { return o.Value == whom }) {
		wrong = append(wrong, fault.Field{Path: "for", Code: fault.NotOneOf})
	}
	units := 1
	if p.batches(who, c) && typedUnits != "" && whom != forTogether {
		units, err = strconv.Atoi(typedUnits)
		switch {
		case err != nil:
			wrong = append(wrong, fault.Field{Path: "units", Code: fault.BadFormat})
		case units < 1 || units > c.offer.BatchMax:
			wrong = append(wrong, fault.Field{Path: "units", Code: fault.OutOfRange})
		}
	}
	if len(wrong) > 0 {
		return p.showWho(w, r, who, c, q.Get("draft"), whom, clip(typedUnits, 6), fault.InvalidFields(wrong...))
	}
	d := p.draftOf(r, q.Get("draft"), who.Person.Key)
	if d == nil || d.Done != "" {
		d = newDraft(who.Person.Key, p.app.Now())
	}
	d.ask(c.item.Code, c.slot, c.stage)
	d.forWhom(whom, units)
	if err := p.keep(w, r, d); err != nil {
		return err
	}
	return web.SeeOther(w, r, d.afterWhom())
}

// afterWhom is the page after the one that asks for whom the draft is.
func (d *draft) afterWhom() string {
	switch d.For {
	case forOther:
		return address("/book/person", "draft", d.ID)
	case forOrganisation:
		return address("/book/organisation", "draft", d.ID)
	case forTogether:
		return address("/book/together", "draft", d.ID)
	}
	return address("/book/check", "draft", d.ID)
}

// mayNot says early what Book would refuse in the end: who may not book this, and a slot that is gone.
// It decides nothing: Book asks again.
func (p *Pages) mayNot(who *identity.Session, c choice) *fault.Error {
	level, need := who.Person.Level, p.app.Rules(c.date).LevelToBook
	switch {
	case level == identity.Visitor && !c.item.Foreigner:
		return fault.New(fault.ItemNotForVisitor)
	case level != identity.Visitor && int(level) < need:
		return fault.New(fault.LevelTooLow, "level", strconv.Itoa(int(level)), "need", strconv.Itoa(need))
	}
	slot, _ := p.app.Slot(c.slot)
	if slot.State == "" {
		return fault.New(fault.SlotNotFound)
	}
	return slotFault(slot, slot.From.Format(time.RFC3339))
}

// refuseChoice answers when what was chosen cannot be booked: why, and what could be instead.
func (p *Pages) refuseChoice(w http.ResponseWriter, r *http.Request, who *identity.Session, f *fault.Error, c choice) error {
	l := web.LocaleOf(r)
	self := address("/book/who", "item", c.item.Code, "slot", c.slot, "stage", string(c.stage))
	links := p.insteadOf(l, f, c.item.Code, c.stage, c.slot, 1, func(slot string) string {
		return address("/book/who", "item", c.item.Code, "slot", slot, "stage", string(c.stage))
	})
	when := address(bookPath(c.item.Code, c.queue.ID), "stage", string(c.stage))
	actions := []ui.ButtonView{{Text: l.T("citizen.next.times"), Href: when}}
	if f.Kind == fault.Forbidden {
		actions = []ui.ButtonView{{Text: l.T("nav.home"), Href: "/"}, *hotlineButton(l)}
		if c.item.OnlineURL != "" {
			actions[0] = ui.ButtonView{Text: l.T("citizen.item.online_go", "name", onlineName(l, c.item)), Href: c.item.OnlineURL}
		}
	}
	return p.refused(w, r, who, self, f, p.chosenRows(l, c, ""), append(links, standing(l, f)...), actions...)
}
