package console

import (
	"bytes"
	"context"
	"net/http"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const filingsPath = Prefix + "/filings"

func (c *Console) filingRoutes() {
	c.fileRoutesOf(Route{Act: account.Manage, Or: account.Keys}, filingsPath, c.filingFile)
	// Everybody may apply for a new mobile or a successor of their own.
	c.add(Route{Pattern: "GET " + filingsPath}, c.filings)
	c.add(Route{Pattern: "GET " + filingsPath + "/new", Prove: true}, c.fileForm)
	c.add(Route{Pattern: "POST " + filingsPath, Prove: true}, c.file)
	c.add(Route{Pattern: "GET " + filingsPath + "/{id}"}, c.filing)
	c.add(Route{Pattern: "POST " + filingsPath + "/{id}/withdraw"}, c.withdrawFiling)
	for pattern, h := range map[string]handler{
		"POST " + filingsPath + "/{id}/decide":      c.decideFiling,
		"GET " + filingsPath + "/bulk":              c.bulkForm,
		"POST " + filingsPath + "/bulk":             c.bulk,
		"GET " + filingsPath + "/bulk/template.csv": c.bulkTemplate,
	} {
		c.add(Route{Pattern: pattern, Act: account.Manage, Or: account.Keys, Prove: true}, h)
	}
}

type filingsView struct {
	Bar   FilterBar
	Table Table
}

var filingStates = []string{string(account.FilingWaiting), string(account.FilingConfirmed), string(account.FilingRefused), string(account.FilingWithdrawn)}

// filings lists the applications I am concerned with, those that wait first.
func (c *Console) filings(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	list := listOf(r)
	state := list.Value("state", filingStates...)
	page, total, err := c.App.Filings(r.Context(), ad, account.FilingState(state), (list.Page-1)*list.Size, list.Size)
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("filings.title"))
	f.Lead = l.T("filings.lead")
	f.Actions = []ui.ButtonView{{Text: l.T("filing.new"), Href: filingsPath + "/new"}}
	if !ad.Account.Accounts().None {
		f.Actions = append(f.Actions, ui.ButtonView{Text: l.T("filing.bulk"), Href: filingsPath + "/bulk", Kind: ui.Secondary})
	}
	c.fileActions(&f, r, ad, list)
	v := filingsView{Bar: FilterBar{L: l, List: list, Clear: state != "", Total: l.N("filings.total", total),
		Filters: []Filter{{"state", l.T("account.state"), options(l, "filing.state.", filingStates, state)}}}}
	v.Table = Table{Caption: l.T("filings.title"), Cols: []Col{
		{Text: l.T("filing.id")}, {Text: l.T("filing.what")}, {Text: l.T("account.rank")}, {Text: l.T("account.unit")}, {Text: l.T("account.field.name")},
		{Text: l.T("filing.by")}, {Text: l.T("filing.at")}, {Text: l.T("account.state")},
	}, Empty: ui.EmptyView{Title: l.T("filings.none"), Text: l.T("filings.none_hint")}}
	for _, g := range page {
		v.Table.Rows = append(v.Table.Rows, Row{Urgent: g.MayDecide, Cells: []Cell{
			{Text: g.ID, Href: filingsPath + "/" + g.ID}, {Text: l.T("filing.kind." + string(g.Kind))}, {Text: l.T("rank." + string(g.Rank))}, {Text: c.unitName(l, g.Seat.Unit)},
			{Text: g.Person.Name}, {Text: g.FiledBy}, {Text: l.When(g.FiledAt)}, {Tag: filingTag(l, g)},
		}})
	}
	pager := list.Pager(l, total)
	v.Table.Pager = &pager
	return web.Render(w, r, http.StatusOK, filingsPage(f, v))
}

func filingTag(l web.Locale, g app.FilingView) ui.Tag {
	switch {
	case g.MayDecide:
		return ui.Tag{Text: l.T("filing.state.mine"), Kind: ui.TagAmber}
	case g.State == account.FilingWaiting:
		return ui.Tag{Text: l.T("filing.state.waits_for", "rank", l.T("rank."+string(g.UpTo))), Kind: ui.TagRiver}
	case g.State == account.FilingConfirmed:
		return ui.Tag{Text: l.T("filing.state.confirmed"), Kind: ui.TagGreen}
	}
	return ui.Tag{Text: l.T("filing.state." + string(g.State))}
}

// filingDuties are the applications that wait for the administrator's decision, for the first page.
func (c *Console) filingDuties(ctx context.Context, l web.Locale, ad *app.Admin) (out []duty, err error) {
	if ad.Account.Accounts().None {
		return nil, nil
	}
	page, _, err := c.App.Filings(ctx, ad, account.FilingWaiting, 0, 200)
	for _, g := range page {
		if g.MayDecide && len(out) < mostDuties {
			out = append(out, duty{Title: l.T("filing.kind."+string(g.Kind)) + " · " + c.unitName(l, g.Seat.Unit), Note: g.ID + " · " + l.T("rank."+string(g.Rank)),
				Href: filingsPath + "/" + g.ID, Kind: l.T("filing.duty")})
		}
	}
	return out, err
}

// fileView is the form of an application.
type fileView struct {
	formView
	Kind    account.FilingKind
	About   string // the account it is about, in words
	ID      string // its number
	Rank    string
	Ranks   []ui.Link
	Search  string // what is sought among many units
	Many    bool
	Units   ui.ChoiceView
	Person  account.Person
	Reason  string
	Button  string
	Notice  string
	Invalid bool // there is nothing to file
}

func (c *Console) fileForm(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	q := r.URL.Query()
	return c.showFile(w, r, ad, app.FilingRequest{Kind: account.FilingKind(q.Get("kind")), Rank: account.Rank(q.Get("rank")), Unit: q.Get("unit"), Account: q.Get("account")}, q.Get("q"), nil)
}

func (c *Console) showFile(w http.ResponseWriter, r *http.Request, ad *app.Admin, q app.FilingRequest, search string, err error) error {
	l := web.LocaleOf(r)
	if q.Kind != account.FileHandover && q.Kind != account.FileMobile && q.Kind != account.FileClose {
		q.Kind = account.FileOpen
	}
	f := c.frame(w, r, ad, l.T("filing.kind."+string(q.Kind)))
	f.Path, f.Narrow, f.Lead = []ui.Link{{Text: l.T("filings.title"), Href: filingsPath}}, true, l.T("filing.lead."+string(q.Kind))
	v := fileView{formView: c.formView(&f, filingsPath, err, map[string]string{
		"name": l.T("account.field.name"), "duty": l.T("account.field.duty"), "mobile": l.T("account.field.mobile"), "reason": l.T("filing.reason"), "unit": l.T("account.unit"), "rank": l.T("account.rank"),
	}), Kind: q.Kind, ID: q.Account, Person: q.Person, Reason: q.Reason, Search: search, Button: l.T("filing.send")}
	if q.Kind == account.FileOpen {
		c.chooseUnit(l, ad, &v, q)
		return web.Render(w, r, v.status(), filePage(f, v))
	}
	d, problem := c.App.AccountByID(r.Context(), ad, q.Account)
	switch {
	case problem == nil:
		v.About = c.accountWords(l, d.Account) + " · " + d.Name
	case fault.CodeOf(problem) == fault.AccountNotFound: // a fellow's: the application is checked when it is sent
		v.About = q.Account
	default:
		return problem
	}
	return web.Render(w, r, v.status(), filePage(f, v))
}

// fewUnits is how many units a list offers; of more, some are sought by name.
const fewUnits = 60

// chooseUnit offers the ranks and units an account may be filed for.
func (c *Console) chooseUnit(l web.Locale, ad *app.Admin, v *fileView, q app.FilingRequest) {
	units := map[account.Rank][]*directory.Unit{}
	for _, rank := range account.Ranks {
		list := c.App.UnitsToFile(ad, rank)
		if len(list) == 0 {
			continue
		}
		units[rank] = list
		if q.Rank == "" {
			q.Rank = rank
		}
		v.Ranks = append(v.Ranks, ui.Link{Text: l.T("rank." + string(rank)), Href: address(filingsPath+"/new", "rank", string(rank)), Current: rank == q.Rank})
	}
	if v.Invalid = len(v.Ranks) == 0; v.Invalid {
		return
	}
	v.Rank = string(q.Rank)
	v.Units = ui.ChoiceView{FieldView: v.field("unit", "")}
	v.Many = len(units[q.Rank]) > fewUnits
	for _, u := range units[q.Rank] {
		if v.Many && u.ID != q.Unit && (v.Search == "" || !within(l.Text(u.Name), v.Search) && !within(u.Name.Hans, v.Search) && u.ID != v.Search) {
			continue
		}
		if len(v.Units.Options) < fewUnits {
			text := l.Text(u.Name)
			if up := c.App.City().Unit(u.ParentID); up != nil && up.ParentID != "" {
				text = l.Text(up.Name) + " · " + text
			}
			v.Units.Options = append(v.Units.Options, ui.Option{Value: u.ID, Text: text, Selected: u.ID == q.Unit})
		}
	}
}

func (c *Console) file(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	p := r.PostForm
	q := app.FilingRequest{
		Kind: account.FilingKind(p.Get("kind")), Rank: account.Rank(p.Get("rank")), Unit: p.Get("unit"), Account: p.Get("account"), Reason: p.Get("reason"),
		Person: account.Person{Name: p.Get("name"), Duty: p.Get("duty"), Mobile: p.Get("mobile")},
	}
	out, err := c.App.File(r.Context(), ad, q)
	switch {
	case err == nil && out.Link != nil:
		return c.showLinks(w, r, ad, web.LocaleOf(r).T("filing.opened"), filingsPath+"/"+out.ID, *out.Link)
	case err == nil:
		return web.SeeOther(w, r, filingsPath+"/"+out.ID)
	case comesBack(err) || fault.CodeOf(err) == fault.UnitNotFound:
		return c.showFile(w, r, ad, q, p.Get("q"), err)
	}
	return err
}

type filingView struct {
	formView
	Facts   []Fact
	Decide  bool
	Take    string // address that takes it back, "" for those who may not
	Version string
	Why     string
	Back    ui.Link
}

func (c *Console) filing(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showFiling(w, r, ad, nil)
}

func (c *Console) showFiling(w http.ResponseWriter, r *http.Request, ad *app.Admin, err error) error {
	g, problem := c.App.Filing(r.Context(), ad, r.PathValue("id"))
	if problem != nil {
		return problem
	}
	l, path := web.LocaleOf(r), filingsPath+"/"+g.ID
	f := c.frame(w, r, ad, l.T("filing.kind."+string(g.Kind))+" · "+g.ID)
	f.Path, f.Narrow = []ui.Link{{Text: l.T("filings.title"), Href: filingsPath}}, true
	v := filingView{formView: c.formView(&f, path+"/decide", err, map[string]string{"why": l.T("account.why")}), Decide: g.MayDecide, Version: strconv.Itoa(g.Version), Why: r.PostForm.Get("why")}
	v.Facts = []Fact{
		{Key: l.T("account.rank"), Value: l.T("rank." + string(g.Rank))}, {Key: l.T("account.unit"), Value: c.unitName(l, g.Seat.Unit)},
		{Key: l.T("account.field.name"), Value: g.Person.Name}, {Key: l.T("account.field.duty"), Value: g.Person.Duty}, {Key: l.T("account.field.mobile"), Value: g.Person.Mobile},
		{Key: l.T("filing.by"), Value: g.FiledBy, Note: l.When(g.FiledAt)}, {Key: l.T("account.state"), Part: ui.TagMark(filingTag(l, g))},
	}
	add := func(key, value, href string) {
		if value != "" {
			v.Facts = append(v.Facts, Fact{Key: l.T(key), Value: value, Href: href})
		}
	}
	manages := !ad.Account.Accounts().None
	link := func(id string) string {
		if id == "" || !manages {
			return ""
		}
		return accountsPath + "/" + id
	}
	add("filing.about", g.Account, link(g.Account))
	add("filing.reason", g.Reason, "")
	add("filing.decided_by", g.DecidedBy, "")
	if !g.DecidedAt.IsZero() {
		add("filing.decided_at", l.When(g.DecidedAt), "")
	}
	add("account.why", g.Why, "")
	add("filing.led_to", g.Opened, link(g.Opened))
	if g.MayTake {
		v.Take = path + "/withdraw"
	}
	return web.Render(w, r, v.status(), filingPage(f, v))
}

func (c *Console) decideFiling(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	version, err := strconv.Atoi(r.PostForm.Get("version"))
	if err != nil {
		return fault.New(fault.ChangedMeanwhile)
	}
	out, err := c.App.DecideFiling(r.Context(), ad, r.PathValue("id"), version, r.PostForm.Get("decision") == "confirm", r.PostForm.Get("why"))
	switch {
	case err == nil && out.Link != nil:
		return c.showLinks(w, r, ad, web.LocaleOf(r).T("filing.opened"), filingsPath+"/"+out.ID, *out.Link)
	case err == nil:
		return web.SeeOther(w, r, filingsPath+"/"+out.ID)
	case comesBack(err):
		return c.showFiling(w, r, ad, err)
	}
	return err
}

func (c *Console) withdrawFiling(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	if err := c.App.WithdrawFiling(r.Context(), ad, r.PathValue("id")); err != nil {
		return err
	}
	return web.SeeOther(w, r, filingsPath+"/"+r.PathValue("id"))
}

type bulkView struct {
	formView
	Faults Table
	Bad    string
}

func (c *Console) bulkForm(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showBulk(w, r, ad, nil, nil)
}

func (c *Console) showBulk(w http.ResponseWriter, r *http.Request, ad *app.Admin, faults []directory.LineError, err error) error {
	l := web.LocaleOf(r)
	f := c.frame(w, r, ad, l.T("filing.bulk"))
	f.Path, f.Lead = []ui.Link{{Text: l.T("filings.title"), Href: filingsPath}}, l.T("bulk.lead")
	v := bulkView{formView: c.formView(&f, filingsPath+"/bulk", err, map[string]string{"file": l.T("bulk.file")})}
	v.Faults = Table{Caption: l.T("bulk.faults"), Cols: []Col{{Text: l.T("bulk.line"), Number: true}, {Text: l.T("bulk.column")}, {Text: l.T("bulk.wrong")}}}
	for _, e := range faults {
		v.Faults.Rows = append(v.Faults.Rows, Row{Cells: []Cell{{Text: strconv.Itoa(e.Line)}, {Text: e.Column}, {Text: l.FieldSentence("", e.Code), Note: string(e.Code)}}})
	}
	status := v.status()
	if len(faults) > 0 {
		status, v.Bad, f.Error = http.StatusUnprocessableEntity, l.N("bulk.bad", len(faults)), true
	}
	return web.Render(w, r, status, bulkPage(f, v))
}

// maxBulk is the most a table of accounts may hold, in bytes.
const maxBulk = 1 << 20

func (c *Console) bulk(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	file, err := c.readUpload(w, r, maxBulk)
	if err == nil && file.Name == "" {
		err = fault.InvalidFields(fault.Field{Path: "file", Code: fault.Required})
	}
	if err != nil {
		if comesBack(err) {
			return c.showBulk(w, r, ad, nil, err)
		}
		return err
	}
	out, faults, err := c.App.FileBulk(r.Context(), ad, bytes.NewReader(file.Body))
	switch {
	case err == nil && len(faults) == 0:
		l := web.LocaleOf(r)
		return c.showLinks(w, r, ad, l.T("bulk.done", "opened", strconv.Itoa(len(out.Links)), "waiting", strconv.Itoa(out.Waiting)), filingsPath, out.Links...)
	case err == nil || comesBack(err):
		return c.showBulk(w, r, ad, faults, err)
	}
	return err
}

func (c *Console) bulkTemplate(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	text, err := c.App.BulkTemplate(r.Context(), ad, l.Text)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="suiyue-accounts.csv"`)
	h.Set("Cache-Control", "no-store")
	// An error here is the reader gone away.
	_, _ = w.Write([]byte(text))
	return nil
}

// reasonHint says whether a reason is asked for.
func reasonHint(v fileView) string {
	if v.Kind == account.FileClose {
		return v.L.T("filing.reason_needed")
	}
	return v.L.T("filing.reason_hint")
}
