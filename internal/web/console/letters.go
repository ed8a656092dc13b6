package console

import (
	"net/http"
	"strconv"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const lettersPath = Prefix + "/letters"

func (c *Console) letterRoutes() {
	c.add(Route{Pattern: "GET " + lettersPath, Act: account.Supervise}, c.letters)
	c.fileRoutesOf(Route{Act: account.Export}, lettersPath, c.letterFile)
	c.add(Route{Pattern: "GET " + lettersPath + "/new", Act: account.Decide}, c.newLetter)
	c.add(Route{Pattern: "POST " + lettersPath + "/new", Act: account.Decide, Prove: true}, c.issueLetter)
	c.add(Route{Pattern: "GET " + lettersPath + "/{id}", Act: account.Supervise}, c.letter)
	c.add(Route{Pattern: "POST " + lettersPath + "/{id}/receive", Act: account.Supervise}, c.receiveLetter)
	c.add(Route{Pattern: "POST " + lettersPath + "/{id}/reply", Act: account.Supervise}, c.replyLetter)
	c.add(Route{Pattern: "POST " + lettersPath + "/{id}/check", Act: account.Decide, Prove: true}, c.checkLetter)
}

func letterPath(id string) string { return lettersPath + "/" + id }

// letterNumber is what a letter is called: 穗约函〔2026〕12号; one of a district names it.
func (c *Console) letterNumber(l web.Locale, v oversight.Letter) string {
	from := ""
	if u := c.App.City().Unit(v.FromUnit); u != nil && u.ParentID != "" {
		from = l.T("letter.number_from", "unit", l.Text(u.Name))
	}
	return l.T("letter.number", "from", from, "year", strconv.Itoa(v.Year), "n", strconv.Itoa(v.Number))
}

func letterTag(l web.Locale, v oversight.Letter, now time.Time) ui.Tag {
	kind := map[oversight.LetterState]ui.TagKind{
		oversight.LetterIssued: ui.TagAmber, oversight.LetterReceived: ui.TagAmber, oversight.LetterReturned: ui.TagRed, oversight.LetterReplied: ui.TagRiver, oversight.LetterClosed: ui.TagGreen,
	}[v.State]
	return ui.Tag{Text: l.T("letter.state." + string(v.State)), Kind: kind}
}

type listView struct {
	Bar   FilterBar
	Table Table
}

// letters lists the notice letters to units that who looks sees (Art. 22), those that wait first.
func (c *Console) letters(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, list := web.LocaleOf(r), listOf(r)
	f := c.frame(w, r, ad, l.T("letter.title"))
	f.Path, f.Lead = c.home0(l), l.T("letter.lead")
	if len(c.App.UnitsHeaded(ad, true)) > 0 && c.may(ad, account.Decide) {
		f.Actions = []ui.ButtonView{{Text: l.T("letter.new"), Href: lettersPath + "/new"}}
	}
	c.fileActions(&f, r, ad, list)
	rows, all, err := c.App.Letters(r.Context(), ad, letterFilter(list))
	if err != nil {
		return err
	}
	now := c.App.Now()
	v := listView{Bar: FilterBar{L: l, List: list, Total: l.N("letter.total", all), Clear: list.Get("who")+list.Get("state") != "", Filters: []Filter{
		option(l, list, "who", "letter.who", "do", "in", "out"), option(l, list, "state", "letter.state", words(oversight.LetterStates)...),
	}}}
	v.Table = Table{Caption: l.T("letter.title"), Cols: []Col{
		{Text: l.T("letter.subject")}, {Text: l.T("letter.to")}, {Text: l.T("letter.issued_at")}, {Text: l.T("letter.state")}, {Text: l.T("letter.due")},
	}, Empty: ui.EmptyView{Title: l.T("letter.none"), Text: l.T("letter.none_hint")}}
	if v.Bar.Clear {
		v.Table.Empty.Text = l.T("letter.none_filter")
	}
	for _, one := range rows {
		row := Row{Cells: []Cell{
			{Text: one.Subject, Href: letterPath(one.ID), Note: c.letterNumber(l, one)}, {Text: c.unitName(l, one.Seat.Unit)}, {Text: l.Date(calendar.DateOf(one.IssuedAt))}, {Tag: letterTag(l, one, now)}, {},
		}}
		if !one.DueAt.IsZero() {
			row.Cells[4], row.Urgent = due(l, one.DueAt, now), now.After(one.DueAt)
		} else {
			row.Cells[4].Text = l.T("letter.closed_on", "date", l.Date(calendar.DateOf(one.ClosedAt)))
		}
		v.Table.Rows = append(v.Table.Rows, row)
	}
	if all > list.Size {
		p := list.Pager(l, all)
		v.Table.Pager = &p
	}
	return web.Render(w, r, http.StatusOK, listPage(f, v))
}

// textView is something written in several lines.
type textView struct {
	ui.FieldView
	Value string
	Rows  int
	Max   int
}

type newLetterView struct {
	formView
	Units   ui.ChoiceView
	About   string // as in the address
	AboutIs *Fact
	Subject ui.InputView
	Text    textView
	Asks    textView
	Prove   string // where one proves first who they are; what is typed before that would be lost
}

func letterLabels(l web.Locale) map[string]string {
	return map[string]string{"unit": l.T("letter.to"), "subject": l.T("letter.subject"), "text": l.T("letter.text"), "asks": l.T("letter.asks")}
}

// aboutHref is the page of what a letter is about.
func aboutHref(a oversight.About) string {
	if a.Noun == oversight.AboutLedger {
		return breachPath(a.ID)
	}
	return alertsPath + "/" + a.ID
}

func (c *Console) newLetter(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	q := r.URL.Query()
	n := app.NewLetter{UnitID: q.Get("unit"), About: oversight.ParseAbout(q.Get("about"))}
	l := web.LocaleOf(r)
	if n.About.Noun == oversight.AboutLedger {
		e, err := c.App.Entry(r.Context(), ad, n.About.ID)
		if err != nil {
			return err
		}
		n.UnitID = e.UnitID
		n.Subject = l.T("letter.about_entry", "kind", l.T("ledger.kind."+string(e.Kind)))
		n.Text = l.T("letter.text_entry", "hall", c.hallName(l, e.HallID), "date", l.LongDate(calendar.DateOf(e.At)), "kind", l.T("ledger.kind."+string(e.Kind)), "id", e.ID)
		n.Asks = l.T("letter.asks_entry")
	}
	if n.About.Noun == oversight.AboutAnomaly {
		one, err := c.App.Anomaly(r.Context(), ad, n.About.ID)
		if err != nil {
			return err
		}
		if h := c.App.City().Hall(one.HallID); h != nil {
			n.UnitID = h.UnitID
		}
		n.Subject = l.T("letter.about_alert", "hall", c.hallName(l, one.HallID))
		n.Text = l.T("letter.text_alert", "hall", c.hallName(l, one.HallID), "date", l.LongDate(one.First), "id", one.ID)
		n.Asks = l.T("letter.asks_entry")
	}
	return c.showNewLetter(w, r, ad, n, nil)
}

func (c *Console) showNewLetter(w http.ResponseWriter, r *http.Request, ad *app.Admin, n app.NewLetter, err error) error {
	l := web.LocaleOf(r)
	units := c.App.UnitsHeaded(ad, true)
	if len(units) == 0 {
		return fault.New(fault.NotAllowed)
	}
	f := c.frame(w, r, ad, l.T("letter.new"))
	rules := c.App.Rules(calendar.DateOf(c.App.Now()))
	f.Path, f.Narrow = append(c.home0(l), ui.Link{Text: l.T("letter.title"), Href: lettersPath}), true
	f.Lead = l.T("letter.new_lead", "receipt", strconv.Itoa(rules.LetterReceiptDays), "reply", strconv.Itoa(rules.LetterReplyDays))
	fv := c.formView(&f, lettersPath+"/new", err, letterLabels(l))
	v := newLetterView{formView: fv}
	if n.About.Noun != "" {
		v.About = n.About.String()
		v.AboutIs = &Fact{Key: l.T("letter.about"), Value: l.T("letter.about."+n.About.Noun, "id", n.About.ID), Href: aboutHref(n.About)}
	}
	v.Units = ui.ChoiceView{FieldView: fv.field("unit", ""), Options: append([]ui.Option{{Text: l.T("letter.choose")}}, c.unitOptions(l, units, n.UnitID)...)}
	v.Subject = ui.InputView{FieldView: fv.field("subject", l.T("letter.subject_hint")), Value: n.Subject, Attrs: map[string]any{"maxlength": "80"}}
	v.Text = textView{FieldView: fv.field("text", l.T("letter.text_hint")), Value: n.Text, Rows: 8, Max: 4000}
	v.Asks = textView{FieldView: fv.field("asks", l.T("letter.asks_hint")), Value: n.Asks, Rows: 4, Max: 4000}
	if c.App.Proven(ad) != nil {
		v.Prove = address(provePath, "return", r.URL.RequestURI())
	}
	return web.Render(w, r, fv.status(), newLetterPage(f, v))
}

func (c *Console) issueLetter(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	p := r.PostForm
	n := app.NewLetter{UnitID: p.Get("unit"), About: oversight.ParseAbout(p.Get("about")), Subject: p.Get("subject"), Text: p.Get("text"), Asks: p.Get("asks")}
	id, err := c.App.IssueLetter(r.Context(), ad, n)
	switch {
	case err == nil:
		return web.SeeOther(w, r, address(letterPath(id), "did", "issued"))
	case comesBack(err):
		return c.showNewLetter(w, r, ad, n, err)
	}
	return err
}

type letterView struct {
	formView
	Notice  *ui.NoticeView
	Known   []Fact
	Letter  app.LetterView
	Number  string
	From    string
	To      string
	Date    string
	Until   string
	Steps   []letterStep
	Version string
	Reply   textView
	Check   textView
	Receipt *Confirm
	Prove   string
}

type letterStep struct {
	Title, When, Who, Text string
}

func (c *Console) letter(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showLetter(w, r, ad, nil)
}

// showLetter is the page of a letter: as it was sent, what came of it, and what the one who looks can do now. problem is
// what stood against what they just did.
func (c *Console) showLetter(w http.ResponseWriter, r *http.Request, ad *app.Admin, problem error) error {
	l, id := web.LocaleOf(r), r.PathValue("id")
	one, err := c.App.Letter(r.Context(), ad, id)
	if err != nil {
		return err
	}
	now := c.App.Now()
	f := c.frame(w, r, ad, one.Subject)
	f.Path = append(c.home0(l), ui.Link{Text: l.T("letter.title"), Href: lettersPath})
	v := letterView{
		formView: c.formView(&f, letterPath(id), problem, map[string]string{"text": l.T("letter.reply")}), Letter: one, Number: c.letterNumber(l, one.Letter), From: c.unitName(l, one.FromUnit),
		To: c.unitName(l, one.Seat.Unit), Date: l.LongDate(calendar.DateOf(one.IssuedAt)), Version: strconv.Itoa(one.Version),
	}
	v.Known = []Fact{{Key: l.T("letter.state"), Part: ui.TagMark(letterTag(l, one.Letter, now)), Note: l.T("letter.means." + string(one.State))}}
	if !one.DueAt.IsZero() {
		cell := due(l, one.DueAt, now)
		v.Known = append(v.Known, Fact{Key: l.T("letter.due"), Part: inCell(cell)})
	}
	if one.About.Noun != "" {
		v.Known = append(v.Known, Fact{Key: l.T("letter.about"), Value: l.T("letter.about."+one.About.Noun, "id", one.About.ID), Href: aboutHref(one.About)})
	}
	if one.Late > 0 {
		v.Known = append(v.Known, Fact{Key: l.T("letter.late"), Value: l.N("letter.late_n", one.Late)})
	}
	for _, e := range one.Events {
		who := e.Account
		if who == "" {
			who = l.T("letter.system")
		}
		v.Steps = append(v.Steps, letterStep{l.T("letter.event." + e.Kind), l.When(e.At), who, e.Text})
	}
	typed := ""
	if problem != nil {
		typed = r.PostForm.Get("text")
	}
	if one.Receives {
		v.Receipt = &Confirm{L: l, Action: letterPath(id) + "/receive", Token: f.Token, Text: l.T("letter.receive_text"), Yes: l.T("letter.receive"), Hidden: [][2]string{{"version", v.Version}}}
	}
	if one.Replies {
		v.Reply = textView{FieldView: v.field("text", l.T("letter.reply_hint")), Value: typed, Rows: 8, Max: 4000}
	}
	if one.Checks {
		v.Labels["text"] = l.T("letter.check_text")
		v.Check = textView{FieldView: v.field("text", l.T("letter.check_hint")), Value: typed, Rows: 4, Max: 4000}
		if c.App.Proven(ad) != nil {
			v.Prove = address(provePath, "return", letterPath(id))
		}
	}
	if did := r.URL.Query().Get("did"); problem == nil && did == string(one.State) {
		v.Notice = &ui.NoticeView{L: l, Kind: ui.NoticeSuccess, Title: l.T("letter.did." + did), Live: true}
	}
	return web.Render(w, r, v.status(), letterPage(f, v))
}

func (c *Console) receiveLetter(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.afterLetter(w, r, ad, oversight.LetterReceived, c.App.ReceiveLetter(r.Context(), ad, r.PathValue("id"), versionOf(r)))
}

func (c *Console) replyLetter(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.afterLetter(w, r, ad, oversight.LetterReplied, c.App.ReplyLetter(r.Context(), ad, r.PathValue("id"), versionOf(r), r.PostForm.Get("text")))
}

func (c *Console) checkLetter(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	became := map[string]oversight.LetterState{"accept": oversight.LetterClosed, "return": oversight.LetterReturned}[r.PostForm.Get("decision")]
	if became == "" {
		return fault.New(fault.MalformedRequest)
	}
	return c.afterLetter(w, r, ad, became, c.App.CheckLetter(r.Context(), ad, r.PathValue("id"), versionOf(r), became == oversight.LetterClosed, r.PostForm.Get("text")))
}

func (c *Console) afterLetter(w http.ResponseWriter, r *http.Request, ad *app.Admin, did oversight.LetterState, err error) error {
	switch {
	case err == nil:
		return web.SeeOther(w, r, address(letterPath(r.PathValue("id")), "did", string(did)))
	case comesBack(err):
		return c.showLetter(w, r, ad, err)
	}
	return err
}
