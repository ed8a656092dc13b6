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
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// The list of a batch (Art. 19) is filled in after for whom the batch is. It is kept by the server, sealed:
// it may be longer than any cookie.

type casesView struct {
	L          web.Locale
	Token      string
	Action     string
	FileAction string
	Errors     []ui.ErrorItem
	Steps      ui.StepsView
	Title      string
	Lead       string
	Lines      []string // what is wrong with a file, line by line
	Listed     string
	Rows       []caseRow
	Go         *ui.ButtonView
	Full       string // why nobody can be added, "" if somebody can
	Person     personView
}

type caseRow struct{ N, Name, Line string }

const mostLines = 100 // of a file that are told of at once

// cases shows the list of a draft.
func (p *Pages) cases(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	d, err := p.listDraft(w, r, who)
	if d == nil {
		return err
	}
	return p.showCases(w, r, who, d, typed{}, nil, nil)
}

func (p *Pages) showCases(w http.ResponseWriter, r *http.Request, who *identity.Session, d *draft, t typed, wrong *fault.Error, lines []string) error {
	self := address("/book/cases", "draft", d.ID)
	s := p.shell(w, r, who, "", self)
	l := s.L
	c, err := p.choiceFor(d)
	if err != nil {
		return p.notHere(w, r, err, d.Item)
	}
	if !p.batches(who, c) {
		return web.SeeOther(w, r, d.askWhom())
	}
	list, err := p.app.BatchList(r.Context(), who, d.ID)
	if err != nil {
		return err
	}
	n := len(list.Shown)
	s.Title, s.Back = l.T("batch.title"), back(l, d.askWhom())
	v := casesView{
		L: l, Token: s.Token, Title: s.Title, Action: self, FileAction: address("/book/cases/file", "draft", d.ID), Lines: lines,
		Lead: l.T("batch.lead", "n", strconv.Itoa(n), "units", strconv.Itoa(d.Units), "max", strconv.Itoa(c.offer.BatchMax)), Listed: l.T("batch.listed", "n", strconv.Itoa(n)),
		Steps: ui.StepsView{L: l, Step: 3, Total: bookingSteps, Chosen: p.chosenRows(l, c, d.ID)},
	}
	if whom, missing, err := p.whomRow(r, l, who, d); err == nil && missing == "" {
		v.Steps.Chosen = append(v.Steps.Chosen, whom)
	}
	for _, one := range list.Shown {
		v.Rows = append(v.Rows, caseRow{strconv.Itoa(one.N), one.Person.Name, caseLine(l, one)})
	}
	if n >= c.offer.BatchMax {
		v.Full = l.T("batch.full", "max", strconv.Itoa(c.offer.BatchMax))
	}
	if n > 0 && n <= c.offer.BatchMax {
		v.Go = &ui.ButtonView{Text: l.N("batch.go", n), Name: "do", Value: "go", Block: true}
		if n != d.Units {
			v.Go.Kind = ui.Secondary
		}
	}
	v.Person.L = l
	p.fill(&v.Person, l, &draft{Other: t})
	status := http.StatusOK
	if wrong != nil {
		s.Error, status = true, web.Status(wrong)
		v.Errors = v.Person.wrong(wrong)
		if len(wrong.Fields) == 0 && len(lines) > 0 {
			v.Errors[0] = ui.ErrorItem{Text: l.T("batch.lines"), Href: "#lines"}
		}
	}
	return web.Render(w, r, status, casesPage(s, v))
}

// caseLine says under a masked name what tells one person from another.
func caseLine(l web.Locale, c app.ListedCase) string {
	return documentName(l, c.Document) + " " + c.Person.Number
}

// listDraft is the draft a list belongs to; nil when there is none any more, or it is booked: that is answered then.
func (p *Pages) listDraft(w http.ResponseWriter, r *http.Request, who *identity.Session) (*draft, error) {
	d := p.draftOf(r, r.URL.Query().Get("draft"), who.Person.Key)
	switch {
	case d == nil:
		return nil, p.draftGone(w, r, who)
	case d.Done != "":
		return nil, web.SeeOther(w, r, d.done())
	}
	return d, nil
}

// changeCases adds a person to the list of a draft, takes one off, or goes on with it.
func (p *Pages) changeCases(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := p.form(r); err != nil {
		return err
	}
	d, err := p.listDraft(w, r, who)
	if d == nil {
		return err
	}
	list, err := p.app.BatchList(r.Context(), who, d.ID)
	if err != nil {
		return err
	}
	parties := list.Parties
	if gone := r.PostForm.Get("remove"); gone != "" {
		n, err := strconv.Atoi(gone)
		if err != nil || n < 1 || n > len(parties) {
			return p.showCases(w, r, who, d, typed{}, fault.New(fault.NoSuchCase), nil)
		}
		return p.keepList(w, r, who, d, slices.Delete(parties, n-1, n))
	}
	if r.PostForm.Get("do") == "go" {
		d.forWhom(d.For, max(1, len(parties)))
		if err := p.keep(w, r, d); err != nil {
			return err
		}
		return web.SeeOther(w, r, address("/book/check", "draft", d.ID))
	}
	t := typedIn(r, typed{}, forOther).clipped()
	if f := t.check(forOther, calendar.DateOf(p.app.Now())); f != nil {
		return p.showCases(w, r, who, d, t, f, nil)
	}
	one := booking.Party{Name: t.Name, Document: t.document(), Birth: t.birth()}
	before := len(parties)
	err = p.keepList(w, r, who, d, append(parties, one))
	if f := fault.As(err); err != nil && f.Code == fault.InvalidRequest { // listed twice: at the fields it was typed in
		var fields []fault.Field
		for _, bad := range f.Fields {
			if path, ok := strings.CutPrefix(bad.Path, "cases."+strconv.Itoa(before)+"."); ok {
				fields = append(fields, fault.Field{Path: "applicant." + path, Code: bad.Code})
			}
		}
		return p.showCases(w, r, who, d, t, fault.InvalidFields(fields...), nil)
	}
	return err
}

// listOf is the list of a draft of more than one unit, nil for one.
func (p *Pages) listOf(r *http.Request, who *identity.Session, d *draft) ([]booking.Party, error) {
	if d.Units <= 1 {
		return nil, nil
	}
	list, err := p.app.BatchList(r.Context(), who, d.ID)
	return list.Parties, err
}

// keepList keeps a list and shows it. What is asked for has changed: the draft gets a new key.
func (p *Pages) keepList(w http.ResponseWriter, r *http.Request, who *identity.Session, d *draft, list []booking.Party) error {
	if err := p.app.SaveBatchList(r.Context(), who, d.ID, list); err != nil {
		return err
	}
	d.Key = rand.Text()
	if err := p.keep(w, r, d); err != nil {
		return err
	}
	return web.SeeOther(w, r, address("/book/cases", "draft", d.ID))
}

// casesFile takes the list from a file, in place of what was there: all of it, or nothing and every line
// that is wrong.
func (p *Pages) casesFile(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	file, err := web.ReadUpload(w, r, app.MaxList)
	if err != nil {
		return err
	}
	if err := p.cookies.CheckForm(r); err != nil {
		return err
	}
	d, err := p.listDraft(w, r, who)
	if d == nil {
		return err
	}
	l := web.LocaleOf(r)
	list, wrong := p.app.ReadCases(file.Body, documentKind)
	if len(wrong) == 0 && len(list) > 0 {
		return p.keepList(w, r, who, d, list)
	}
	var lines []string
	for _, bad := range wrong[:min(len(wrong), mostLines)] {
		column := ""
		if bad.Column != "" {
			column = l.T("batch.column." + bad.Column)
		}
		lines = append(lines, l.T("batch.line", "n", strconv.Itoa(bad.Line), "error", l.FieldSentence(column, bad.Code)))
	}
	if more := len(wrong) - mostLines; more > 0 {
		lines = append(lines, l.T("batch.more_lines", "n", strconv.Itoa(more)))
	}
	return p.showCases(w, r, who, d, typed{}, fault.New(fault.FileUnreadable), lines)
}

// documentKind reads the name of a kind of document in any of our languages, or its code.
func documentKind(word string) identity.DocumentKind {
	for _, k := range documentKinds {
		if strings.EqualFold(word, string(k)) {
			return k
		}
		for _, l := range web.Locales {
			if strings.EqualFold(word, documentName(l, k)) {
				return k
			}
		}
	}
	return ""
}

func (p *Pages) casesTemplate(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="list.csv"`)
	// An error here is the reader gone away.
	_, _ = w.Write(app.CasesTemplate())
	return nil
}

// batchRow says how many cases a draft has and who is on the list; missing is the page that must be filled
// in first.
func (p *Pages) batchRow(r *http.Request, l web.Locale, who *identity.Session, d *draft) (row ui.SummaryRow, missing string, err error) {
	page := address("/book/cases", "draft", d.ID)
	list, err := p.app.BatchList(r.Context(), who, d.ID)
	if err != nil {
		return row, "", err
	}
	if len(list.Shown) != d.Units {
		return row, page, nil
	}
	row = ui.SummaryRow{Key: l.T("citizen.who.units"), Value: l.N("pass.units", d.Units), Change: change(l, page)}
	for _, c := range list.Shown {
		row.Lines = append(row.Lines, c.Person.Name+" · "+caseLine(l, c))
	}
	return row, "", nil
}

type batchView struct {
	L       web.Locale
	Token   string
	Action  string
	Key     string
	Title   string
	Lead    string
	Notice  *ui.NoticeView
	Refusal *ui.NoticeView
	Rows    []ui.SummaryRow
	List    []ui.SummaryRow
	Cases   ui.ChoiceView
	Remove  *ui.ButtonView
}

// batch is the list of a batch that is booked.
func (p *Pages) batch(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	return p.showBatch(w, r, who, nil)
}

func (p *Pages) showBatch(w http.ResponseWriter, r *http.Request, who *identity.Session, f *fault.Error) error {
	code := r.PathValue("code")
	b, err := p.app.Booking(r.Context(), who, code)
	if err != nil {
		return err
	}
	list, err := p.app.Batch(r.Context(), who, code)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return web.SeeOther(w, r, passPath(code))
	}
	s := p.shell(w, r, who, "", passPath(code)+"/cases")
	l := s.L
	s.Title, s.Back = l.T("batch.booked_title"), back(l, passPath(code))
	v := batchView{L: l, Token: s.Token, Title: s.Title, Action: passPath(code) + "/cases", Key: rand.Text(), Rows: p.bookingRows(l, b), Lead: l.T("batch.only_this")}
	if r.URL.Query().Get("new") == "reduced" {
		v.Notice = &ui.NoticeView{L: l, Kind: ui.NoticeSuccess, Title: l.T("batch.reduced"), Live: true}
	}
	v.Cases = ui.ChoiceView{FieldView: ui.FieldView{ID: "case", Label: l.T("batch.choose_off"), Hint: l.CancelUntil(b.CancelUntil, p.app.Now())}}
	open := 0
	for _, c := range list {
		n := strconv.Itoa(c.N)
		state := l.T("batch.state." + string(c.State))
		v.List = append(v.List, ui.SummaryRow{Key: n, Value: c.Person.Name, Lines: []string{caseLine(l, c), state}})
		o := ui.Option{Value: n, Text: n + " · " + c.Person.Name, Hint: caseLine(l, c)}
		if c.State != booking.CaseOpen {
			o.Disabled, o.Hint = true, state
		} else {
			open++
		}
		v.Cases.Options = append(v.Cases.Options, o)
	}
	if b.CanChange && b.Booking.State == booking.Booked && open > 1 {
		v.Remove = &ui.ButtonView{Text: l.T("batch.take_off"), Kind: ui.Danger}
	}
	status := http.StatusOK
	if f != nil {
		status, s.Error = web.Status(f), true
		n := noticeOf(l, f, nil)
		if len(f.Fields) > 0 {
			n.Title = l.FieldSentence("", f.Fields[0].Code)
		}
		v.Refusal = &n
	}
	return web.Render(w, r, status, batchPage(s, v))
}

// reduce takes the chosen cases off a batch.
func (p *Pages) reduce(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := p.form(r); err != nil {
		return err
	}
	if err := p.slowDown(who); err != nil {
		return p.showBatch(w, r, who, fault.As(err))
	}
	code := r.PathValue("code")
	var cases []int
	for _, text := range r.PostForm["case"] {
		n, err := strconv.Atoi(text)
		if err != nil {
			return p.showBatch(w, r, who, fault.New(fault.NoSuchCase))
		}
		cases = append(cases, n)
	}
	if len(cases) == 0 {
		return p.showBatch(w, r, who, fault.InvalidFields(fault.Field{Path: "case", Code: fault.Required}))
	}
	_, err := p.app.Reduce(r.Context(), who, app.ReduceRequest{Key: r.PostForm.Get("key"), Code: code, Cases: cases, Channel: web.ViaOf(r)})
	if err == nil {
		return web.SeeOther(w, r, passPath(code)+"/cases?new=reduced")
	}
	f := fault.As(err)
	if f.Kind == fault.Internal || f.Code == fault.BookingNotFound || f.Kind == fault.Malformed {
		return err
	}
	return p.showBatch(w, r, who, f)
}
