package citizen

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

type checkView struct {
	L       web.Locale
	Token   string
	Steps   ui.StepsView
	Title   string
	Refusal *ui.NoticeView
	Rows    []ui.SummaryRow
	Rules   []string
	Draft   string
	Key     string
	Confirm *ui.ButtonView // nil when there is nothing to confirm now
	Actions []ui.ButtonView
}

// check shows everything on one page. With slot (and stage) in the address the draft takes that slot
// first: the way back from choosing another time or hall.
func (p *Pages) check(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	q := r.URL.Query()
	d := p.draftOf(r, q.Get("draft"), who.Person.Key)
	if d == nil {
		return p.draftGone(w, r, who)
	}
	if d.Done != "" {
		return web.SeeOther(w, r, d.done())
	}
	if slot := q.Get("slot"); slot != "" {
		stage, item := directory.Stage(q.Get("stage")), q.Get("item")
		if stage == "" {
			stage = d.Stage
		}
		if item == "" {
			item = d.Item
		}
		c, err := p.choiceOf(item, slot, stage)
		if err != nil {
			return p.notHere(w, r, err, item)
		}
		d.ask(c.item.Code, c.slot, c.stage)
		if d.For == forTogether {
			if err := p.takeRun(r, who, d); err != nil {
				return err
			}
		}
		if err := p.keep(w, r, d); err != nil {
			return err
		}
		return web.SeeOther(w, r, address("/book/check", "draft", d.ID))
	}
	if err := p.letIn(w, r, who, d); err != nil {
		if f := fault.As(err); f.Args["place"] != "" {
			return p.waitingRoom(w, r, who, d, f)
		}
		return err
	}
	return p.showCheck(w, r, who, d, nil)
}

// showCheck shows the draft for checking; f is why it could not be booked, nil before it was tried.
func (p *Pages) showCheck(w http.ResponseWriter, r *http.Request, who *identity.Session, d *draft, f *fault.Error) error {
	switch {
	case d.For == forTogether:
		return p.showTogether(w, r, who, d, f)
	case d.Wait != nil:
		return p.showWaitCheck(w, r, who, d, f)
	}
	c, err := p.choiceFor(d)
	if err != nil {
		return p.notHere(w, r, err, d.Item)
	}
	l := web.LocaleOf(r)
	whom, missing, err := p.whomRow(r, l, who, d)
	if err != nil {
		return err
	}
	var units ui.SummaryRow
	if missing == "" && d.Units > 1 {
		units, missing, err = p.batchRow(r, l, who, d)
	}
	if err != nil {
		return err
	}
	if missing != "" {
		return web.SeeOther(w, r, missing)
	}
	status := http.StatusOK
	if f == nil {
		f = p.mayNot(who, c)
	} else {
		status = web.Status(f)
	}
	self := address("/book/check", "draft", d.ID)
	s := p.shell(w, r, who, l.T("citizen.check.title"), self)
	s.Back = back(l, d.askWhom())
	v := checkView{
		L: l, Token: s.Token, Title: s.Title, Draft: d.ID, Key: d.Key,
		Steps: ui.StepsView{L: l, Step: bookingSteps, Total: bookingSteps},
		Rows:  append(p.chosenRows(l, c, d.ID), whom),
	}
	if d.Units > 1 {
		v.Rows = append(v.Rows, units)
	}
	until := booking.CancelUntil(c.date.At(c.hour+1, 0), p.app.Rules(c.date))
	v.Rules = []string{l.T("citizen.check.cancel", "time", l.When(until)), l.T("citizen.check.bring")}
	if f == nil || retriable(f) {
		v.Confirm = &ui.ButtonView{Text: l.T("citizen.check.confirm"), Block: true}
	}
	if f != nil {
		s.Error = true
		links := p.insteadOf(l, f, d.Item, d.Stage, d.Slot, d.Units, func(slot string) string {
			return address("/book/check", "draft", d.ID, "slot", slot)
		})
		n := noticeOf(l, f, append(links, standing(l, f)...))
		if f == changed {
			n.Title, n.Code = l.T("citizen.check.changed"), ""
		}
		v.Refusal = &n
		if v.Confirm == nil {
			v.Title, v.Actions = l.T("citizen.check.not_booked"), p.waysOn(l, f, c, d)
			s.Title = v.Title
		} else {
			v.Confirm.Text = l.T("citizen.check.again")
		}
	}
	return web.Render(w, r, status, checkPage(s, v))
}

// retriable tells whether asking the very same again may help.
func retriable(f *fault.Error) bool {
	return f.Kind == fault.Unavailable || f.Kind == fault.TooMany || f == changed
}

// changed says that the draft has been changed in another window since the page was made.
var changed = fault.New(fault.KeyReused)

// waysOn are the buttons of a refusal that asking again does not help.
func (p *Pages) waysOn(l web.Locale, f *fault.Error, c choice, d *draft) []ui.ButtonView {
	times := ui.ButtonView{Text: l.T("citizen.next.times"), Kind: ui.Secondary,
		Href: address(bookPath(c.item.Code, c.queue.ID), "stage", string(c.stage), "draft", d.ID)}
	halls := ui.ButtonView{Text: l.T("citizen.next.halls"), Kind: ui.Secondary,
		Href: address(itemPath(c.item.Code), "stage", string(c.stage), "draft", d.ID) + "#halls"}
	switch f.Code {
	case fault.AlreadyBooked:
		return []ui.ButtonView{{Text: l.T("nav.bookings"), Kind: ui.Secondary, Href: "/bookings"}}
	case fault.LevelTooLow, fault.ItemNotForVisitor, fault.NotAllowed:
		return []ui.ButtonView{*hotlineButton(l)}
	case fault.CaseBooked, fault.BatchUnequal:
		return []ui.ButtonView{{Text: l.T("batch.change"), Kind: ui.Secondary, Href: address("/book/cases", "draft", d.ID)}}
	case fault.BatchNotOffered, fault.BatchTooLarge:
		return []ui.ButtonView{{Text: l.T("citizen.next.units"), Kind: ui.Secondary, Href: d.askWhom()}, halls}
	}
	return []ui.ButtonView{times, halls}
}

// whomRow says for whom the draft is; missing is the address of the page that must be filled in first.
func (p *Pages) whomRow(r *http.Request, l web.Locale, who *identity.Session, d *draft) (row ui.SummaryRow, missing string, err error) {
	ask := d.askWhom()
	row = ui.SummaryRow{Key: l.T("pass.who"), Change: change(l, ask)}
	today, _ := p.today()
	switch {
	case d.For == forSelf:
		row.Value = l.T("applicant.self") + " " + identity.MaskName(who.Person.Name)
		row.Lines = []string{documentName(l, who.Person.Document.Kind) + " " + identity.MaskNumber(who.Person.Document.Number)}
		return row, "", nil
	case d.For == forOther:
		page := address("/book/person", "draft", d.ID)
		if d.Other.check(forOther, today) != nil {
			return row, page, nil
		}
		doc := identity.Normalise(d.Other.document())
		row.Value, row.Change = identity.NormaliseName(d.Other.Name), change(l, page)
		row.Lines = []string{documentName(l, doc.Kind) + " " + identity.MaskNumber(doc.Number)}
		return row, "", nil
	case d.For == forOrganisation:
		page := address("/book/organisation", "draft", d.ID)
		if d.Other.check(forOrganisation, today) != nil {
			return row, page, nil
		}
		row.Value, row.Change = identity.NormaliseName(d.Other.OrgName), change(l, page)
		row.Lines = []string{identity.NormaliseCreditCode(d.Other.CreditCode)}
		return row, "", nil
	case strings.HasPrefix(d.For, forAgent):
		for _, o := range who.Person.Agent {
			if forAgent+o.CreditCode == d.For {
				row.Value, row.Lines = o.Name, []string{o.CreditCode}
				return row, "", nil
			}
		}
	case strings.HasPrefix(d.For, forKept):
		kept, err := p.app.KeptPeople(r.Context(), who)
		if err != nil {
			return row, "", err
		}
		for _, k := range kept {
			if forKept+k.ID == d.For {
				row.Value, row.Lines = k.Person.Name, []string{documentName(l, k.Document) + " " + k.Person.Number}
				return row, "", nil
			}
		}
	}
	return row, ask, nil
}

// forWhomRow says for whom a draft is, as far as that has been said: for pages that repeat it, without a way to change it.
func (p *Pages) forWhomRow(r *http.Request, l web.Locale, who *identity.Session, d *draft) (ui.SummaryRow, bool) {
	if d.For == forTogether {
		g, err := p.app.Group(r.Context(), who, d.ID)
		row := p.groupRow(l, g, "")
		row.Change = nil
		return row, err == nil && len(g.Shown) > 0
	}
	row, missing, err := p.whomRow(r, l, who, d)
	row.Change = nil
	return row, err == nil && missing == ""
}

// book takes the number. The idempotency key was made with the draft: reload, back and a second press
// come to the same booking.
func (p *Pages) book(w http.ResponseWriter, r *http.Request) error {
	if err := p.form(r); err != nil {
		return err
	}
	id := r.PostForm.Get("draft")
	who, err := p.session(r)
	if err != nil {
		return p.toSignIn(w, r, err, address("/book/check", "draft", id))
	}
	d := p.draftOf(r, id, who.Person.Key)
	if d == nil {
		return p.draftGone(w, r, who)
	}
	if d.Done != "" {
		return web.SeeOther(w, r, d.done())
	}
	if r.PostForm.Get("key") != d.Key {
		return p.showCheck(w, r, who, d, changed)
	}
	if err := p.slowDown(who); err != nil {
		return p.showCheck(w, r, who, d, fault.As(err))
	}
	if d.Wait != nil {
		return p.joinDraft(w, r, who, d)
	}
	if err := p.letIn(w, r, who, d); err != nil {
		if fault.As(err).Args["place"] != "" {
			return web.SeeOther(w, r, address("/book/check", "draft", id))
		}
		return err
	}
	if _, err := p.app.Try(who, d.Key, d.Key); err != nil {
		return p.showCheck(w, r, who, d, fault.As(err))
	}
	over, done := p.app.Working(who), false
	defer func() { over(done) }()
	if d.For == forTogether {
		done, err = p.bookTogether(w, r, who, d)
		return err
	}
	cases, err := p.listOf(r, who, d)
	if err != nil {
		return err
	}
	receipt, err := p.app.Book(r.Context(), who, app.BookRequest{
		Key: d.Key, Item: d.Item, SlotID: d.Slot, Stage: d.Stage, Units: d.Units, Cases: cases, Applicant: d.applicant(who), Channel: web.ViaOf(r),
	})
	if err != nil {
		return p.notBooked(w, r, who, d, fault.As(err))
	}
	done = true
	if receipt.Entry != nil { // the draft stays: who gets no number can ask for what is left
		return web.SeeOther(w, r, drawPath(receipt.Entry.Draw))
	}
	d.Done, d.Other = receipt.View.Code, typed{}
	if err := p.keep(w, r, d); err != nil {
		return err
	}
	return web.SeeOther(w, r, passPath(receipt.View.Code)+"?new=booked")
}

// notBooked leads back to where the refusal can be put right, with everything that was typed.
func (p *Pages) notBooked(w http.ResponseWriter, r *http.Request, who *identity.Session, d *draft, f *fault.Error) error {
	if f.Kind == fault.Internal {
		return f
	}
	if f.Code == fault.KeyReused {
		d.Key = rand.Text()
		if err := p.keep(w, r, d); err != nil {
			return err
		}
		return p.showCheck(w, r, who, d, changed)
	}
	for _, field := range f.Fields {
		switch {
		case strings.HasPrefix(field.Path, "cases"):
			return web.SeeOther(w, r, address("/book/cases", "draft", d.ID))
		case field.Path == "units":
			c, err := p.choiceFor(d)
			if err != nil {
				return p.notHere(w, r, err, d.Item)
			}
			return p.showWho(w, r, who, c, d.ID, d.For, strconv.Itoa(d.Units), f)
		case strings.HasPrefix(field.Path, "applicant.") && (d.For == forOther || d.For == forOrganisation):
			return p.showPerson(w, r, who, d, d.For, f)
		}
	}
	return p.showCheck(w, r, who, d, f)
}
