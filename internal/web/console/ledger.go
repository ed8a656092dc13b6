package console

import (
	"net/http"
	"slices"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const ledgerPath = Prefix + "/ledger"

func (c *Console) ledgerRoutes() {
	c.add(Route{Pattern: "GET " + ledgerPath, Act: account.Supervise}, c.ledger)
	c.fileRoutesOf(Route{Act: account.Export}, ledgerPath, c.ledgerFile)
	c.add(Route{Pattern: "GET " + ledgerPath + "/{entry}", Act: account.Supervise}, c.breach)
	c.add(Route{Pattern: "POST " + ledgerPath + "/{entry}/appeal", Act: account.Supervise}, c.appeal)
	c.add(Route{Pattern: "POST " + ledgerPath + "/{entry}/decide", Act: account.Decide, Prove: true}, c.decideAppeal)
}

func breachPath(id string) string { return ledgerPath + "/" + id }

type ledgerView struct {
	Bar   FilterBar
	Table Table
}

// ledger lists what the system entered about the halls of who looks (Art. 23).
func (c *Console) ledger(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, list := web.LocaleOf(r), listOf(r, "-at")
	f := c.frame(w, r, ad, l.T("ledger.title"))
	f.Path, f.Lead = c.home0(l), l.T("ledger.lead")
	f.Actions = []ui.ButtonView{{Text: l.T("yearly.link"), Kind: ui.Secondary, Href: yearlyPath}}
	c.fileActions(&f, r, ad, list)
	who := list.Value("who", "decide", "mine")
	rows, all, err := c.App.Ledger(r.Context(), ad, ledgerFilter(list))
	if err != nil {
		return err
	}
	v := ledgerView{Table: c.ledgerTable(l, rows), Bar: FilterBar{L: l, List: list, Total: l.N("ledger.total", all),
		Clear: list.Get("who")+list.Get("kind")+list.Get("state") != "", Filters: []Filter{
			option(l, list, "who", "ledger.who", "decide", "mine"), option(l, list, "kind", "ledger.kind", words(supply.Breaches)...),
			option(l, list, "state", "ledger.state", words(supply.EntryStates)...),
		}}}
	switch {
	case who == "decide":
		v.Table.Empty = ui.EmptyView{Title: l.T("ledger.none_decide"), Text: l.T("ledger.none_decide_hint")}
	case v.Bar.Clear:
		v.Table.Empty.Text = l.T("ledger.none_filter")
	}
	if all > list.Size {
		p := list.Pager(l, all)
		v.Table.Pager = &p
	}
	return web.Render(w, r, http.StatusOK, ledgerPage(f, v))
}

func (c *Console) ledgerTable(l web.Locale, rows []app.LedgerEntry) Table {
	t := Table{Caption: l.T("ledger.title"), Cols: []Col{
		{Text: l.T("ledger.kind")}, {Text: l.T("ledger.request")}, {Text: l.T("ledger.hall")}, {Text: l.T("ledger.account")}, {Text: l.T("request.at")}, {Text: l.T("ledger.state")},
	}, Empty: ui.EmptyView{Title: l.T("ledger.none"), Text: l.T("ledger.none_hint")}}
	for _, e := range rows {
		t.Rows = append(t.Rows, Row{Cells: []Cell{
			{Text: l.T("ledger.kind." + string(e.Kind)), Href: breachPath(e.ID), Note: e.Detail.Appeal}, c.aboutEntry(e),
			{Text: c.hallName(l, e.HallID)}, {Text: accused(l, e)}, {Text: l.LongDate(calendar.DateOf(e.At)) + " " + web.Clock(e.At)}, {Tag: entryTag(l, e.State)},
		}})
	}
	return t
}

// aboutEntry leads to what an entry is about.
func (c *Console) aboutEntry(e app.LedgerEntry) Cell {
	switch noun, id := app.AboutEntry(e); noun {
	case "letter":
		return Cell{Text: id, Href: letterPath(id)}
	case "source":
		return Cell{Text: e.Request, Href: sourcePath(id)}
	}
	return Cell{Text: e.Request, Href: requestPath(e.Request)}
}

// hallName is what a hall is called, its id where there is none any more.
func (c *Console) hallName(l web.Locale, id string) string {
	if h := c.App.City().Hall(id); h != nil {
		return l.Text(h.Name)
	}
	return id
}

// accused is whom an entry is about.
func accused(l web.Locale, e app.LedgerEntry) string {
	if e.Account == "" {
		return l.T("ledger.unit")
	}
	return e.Account
}

func entryTag(l web.Locale, s supply.EntryState) ui.Tag {
	kind := map[supply.EntryState]ui.TagKind{supply.EntryAppealed: ui.TagAmber, supply.EntryUpheld: ui.TagRed, supply.EntryStruck: ui.TagGreen}[s]
	return ui.Tag{Text: l.T("ledger.state." + string(s)), Kind: kind}
}

type breachView struct {
	Notice *ui.NoticeView
	Errors []ui.ErrorItem
	Known  []Fact
	Entry  app.EntryView
	Action string // address of the entry
	Token  string
	Why    ui.InputView
	Prove  string // where one proves first who they are; a reason typed before that would be lost
}

func (c *Console) breach(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showBreach(w, r, ad, nil, "")
}

// showBreach is the page of an entry: what it is about, what was said against it and what became of that,
// and what the one who looks can do now. wrong is what stood against what they just did.
func (c *Console) showBreach(w http.ResponseWriter, r *http.Request, ad *app.Admin, wrong *fault.Error, typed string) error {
	l := web.LocaleOf(r)
	e, err := c.App.Entry(r.Context(), ad, r.PathValue("entry"))
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("ledger.page", "kind", l.T("ledger.kind."+string(e.Kind)), "request", e.Request))
	f.Path = append(c.home0(l), ui.Link{Text: l.T("ledger.title"), Href: ledgerPath})
	v := breachView{Entry: e, Action: breachPath(e.ID), Token: f.Token}
	v.Known = []Fact{
		{Key: l.T("ledger.state"), Value: l.T("ledger.state." + string(e.State)), Note: l.T("ledger.means." + string(e.State))},
		{Key: l.T("ledger.request"), Value: e.Request, Href: c.aboutEntry(e.LedgerEntry).Href},
		{Key: l.T("ledger.hall"), Value: c.hallName(l, e.HallID)},
		{Key: l.T("ledger.account"), Value: accused(l, e.LedgerEntry)},
		{Key: l.T("ledger.entered"), Value: l.When(e.At)},
	}
	if e.About != nil {
		v.Known[1].Note = c.sentence(l, e.About.HallID, e.About.QueueID, e.About.Change)
	}
	if e.Rank != "" {
		v.Known[3].Note = l.T("rank." + string(e.Rank))
	}
	if !e.Detail.Due.IsZero() {
		v.Known = append(v.Known, Fact{Key: l.T("ledger.due"), Value: due(l, e.Detail.Due, c.App.Now()).Text})
	}
	if e.Detail.Appeal != "" {
		at := Fact{Key: l.T("ledger.appealed"), Value: e.Detail.Appeal}
		if !e.Detail.AppealedAt.IsZero() {
			at.Note = l.When(e.Detail.AppealedAt)
		}
		v.Known = append(v.Known, at)
	}
	if e.Detail.DecidedBy != "" {
		v.Known = append(v.Known, Fact{Key: l.T("ledger.decided"), Value: e.Detail.Why, Note: e.Detail.DecidedBy + " · " + l.When(e.Detail.DecidedAt)})
	}
	if unit := c.App.City().Unit(e.UnitID); unit != nil && c.may(ad, account.Decide) && slices.Contains(c.App.UnitsHeaded(ad, true), unit) {
		f.Actions = []ui.ButtonView{{Text: l.T("letter.new"), Kind: ui.Secondary, Href: address(lettersPath+"/new", "about", oversight.About{Noun: oversight.AboutLedger, ID: e.ID}.String())}}
	}
	if c.App.Proven(ad) != nil {
		v.Prove = address(provePath, "return", v.Action)
	}
	label, hint := "ledger.appeal_why", "request.reason_hint"
	if e.Decidable {
		label, hint = "ledger.decide_why", "ledger.decide_hint"
	}
	v.Why = ui.InputView{FieldView: ui.FieldView{ID: "why", Label: l.T(label), Hint: l.T(hint)}, Value: typed, Attrs: map[string]any{"maxlength": "500"}}
	status := http.StatusOK
	switch did := r.URL.Query().Get("did"); {
	case wrong != nil:
		f.Error, status = true, http.StatusUnprocessableEntity
		for _, field := range wrong.Fields {
			v.Why.Error, v.Why.Code = l.FieldSentence("", field.Code), string(field.Code)
		}
		v.Errors = []ui.ErrorItem{{Text: l.Sentence(wrong), Href: "#main", Code: string(wrong.Code)}}
		if len(wrong.Fields) > 0 {
			v.Errors = ui.FieldErrors(l, wrong, map[string]string{"why": v.Why.Label}, map[string]string{"why": "why"})
		}
	case did == string(e.State):
		v.Notice = &ui.NoticeView{L: l, Kind: ui.NoticeSuccess, Title: l.T("ledger.did." + did), Live: true}
	}
	return web.Render(w, r, status, breachPage(f, v))
}

// heard leads on after an act about an entry, or shows its page again with what stood against it.
func (c *Console) heard(w http.ResponseWriter, r *http.Request, ad *app.Admin, err error, did supply.EntryState) error {
	if err == nil {
		return web.SeeOther(w, r, address(breachPath(r.PathValue("entry")), "did", string(did)))
	}
	switch e := fault.As(err); e.Kind {
	case fault.Invalid, fault.Conflict, fault.Forbidden:
		return c.showBreach(w, r, ad, e, r.PostForm.Get("why"))
	}
	return err
}

func (c *Console) appeal(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	err := c.App.Appeal(r.Context(), ad, r.PathValue("entry"), r.PostForm.Get("why"))
	return c.heard(w, r, ad, err, supply.EntryAppealed)
}

func (c *Console) decideAppeal(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	became := map[string]supply.EntryState{"strike": supply.EntryStruck, "stand": supply.EntryUpheld}[r.PostForm.Get("decision")]
	if became == "" {
		return fault.New(fault.MalformedRequest)
	}
	err := c.App.DecideAppeal(r.Context(), ad, r.PathValue("entry"), became == supply.EntryStruck, r.PostForm.Get("why"))
	return c.heard(w, r, ad, err, became)
}
