package console

import (
	"context"
	"net/http"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const bulletinsPath = Prefix + "/bulletins"

func (c *Console) bulletinRoutes() {
	c.add(Route{Pattern: "GET " + bulletinsPath, Act: account.Supervise}, c.bulletins)
	c.fileRoutesOf(Route{Act: account.Export}, bulletinsPath, c.bulletinListFile)
	c.add(Route{Pattern: "GET " + bulletinsPath + "/new", Act: account.Supervise}, c.newBulletin)
	c.add(Route{Pattern: "POST " + bulletinsPath + "/new", Act: account.Supervise}, c.draftBulletin)
	c.add(Route{Pattern: "GET " + bulletinsPath + "/{id}", Act: account.Supervise}, c.bulletin)
	c.add(Route{Pattern: "GET " + bulletinsPath + "/{id}/file.xlsx", Act: account.Export, Prove: true}, c.bulletinFile)
	c.add(Route{Pattern: "POST " + bulletinsPath + "/{id}/remarks", Act: account.Supervise}, c.writeBulletin)
	c.add(Route{Pattern: "POST " + bulletinsPath + "/{id}/redraft", Act: account.Supervise}, c.onBulletin(oversight.BulletinDraft, (*app.App).RedraftBulletin))
	c.add(Route{Pattern: "POST " + bulletinsPath + "/{id}/review", Act: account.Supervise}, c.onBulletin(oversight.BulletinReviewed, (*app.App).ReviewBulletin))
	c.add(Route{Pattern: "POST " + bulletinsPath + "/{id}/issue", Act: account.Decide, Prove: true}, c.onBulletin(oversight.BulletinIssued, (*app.App).IssueBulletin))
	c.add(Route{Pattern: "POST " + bulletinsPath + "/{id}/reissue", Act: account.Decide, Prove: true}, c.reissueBulletin)
}

func bulletinPath(id string) string { return bulletinsPath + "/" + id }

func bulletinTag(l web.Locale, s oversight.BulletinState) ui.Tag {
	kind := map[oversight.BulletinState]ui.TagKind{oversight.BulletinDraft: ui.TagAmber, oversight.BulletinReviewed: ui.TagRiver, oversight.BulletinIssued: ui.TagGreen}[s]
	return ui.Tag{Text: l.T("bulletin.state." + string(s)), Kind: kind}
}

var bulletinKinds = []string{string(directory.Platform), string(directory.District), string(directory.Agency)}

// bulletinFilter is what the address says of the bulletins.
func bulletinFilter(list List) app.BulletinFilter {
	return app.BulletinFilter{
		State: oversight.BulletinState(list.Value("state", words(oversight.BulletinStates)...)), Kind: directory.UnitKind(list.Value("kind", bulletinKinds...)), Page: list.Page - 1, Size: list.Size,
	}
}

// bulletins lists the bulletins of the units that who looks sees, of the latest period first (Art. 21).
func (c *Console) bulletins(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, list := web.LocaleOf(r), listOf(r)
	f := c.frame(w, r, ad, l.T("bulletin.title"))
	f.Path, f.Lead = c.home0(l), l.T("bulletin.lead")
	if len(c.App.BulletinUnits(ad)) > 0 {
		f.Actions = []ui.ButtonView{{Text: l.T("bulletin.new"), Href: bulletinsPath + "/new", Kind: ui.Secondary}}
	}
	c.fileActions(&f, r, ad, list)
	rows, all, err := c.App.Bulletins(r.Context(), ad, bulletinFilter(list))
	if err != nil {
		return err
	}
	v := listView{Bar: FilterBar{L: l, List: list, Total: l.N("bulletin.total", all), Clear: list.Get("kind")+list.Get("state") != "", Filters: []Filter{
		option(l, list, "kind", "bulletin.kind", bulletinKinds...), option(l, list, "state", "bulletin.state", words(oversight.BulletinStates)...),
	}}}
	v.Table = Table{Caption: l.T("bulletin.title"), Cols: []Col{
		{Text: l.T("bulletin.period")}, {Text: l.T("bulletin.unit")}, {Text: l.T("bulletin.state")}, {Text: l.T("bulletin.drafted")}, {Text: l.T("bulletin.issued_by")},
	}, Empty: ui.EmptyView{Title: l.T("bulletin.none"), Text: l.T("bulletin.none_hint")}}
	if v.Bar.Clear {
		v.Table.Empty.Text = l.T("bulletin.none_filter")
	}
	for _, b := range rows {
		issued := Cell{Text: "–"}
		if !b.IssuedAt.IsZero() {
			issued = Cell{Text: l.When(b.IssuedAt), Note: b.Issuer}
		}
		v.Table.Rows = append(v.Table.Rows, Row{Cells: []Cell{
			{Text: ui.PeriodName(l, b.Period), Href: bulletinPath(b.ID), Note: l.T("bulletin.version", "n", strconv.Itoa(b.Version))}, {Text: c.unitName(l, b.Seat.Unit)}, {Tag: bulletinTag(l, b.State)},
			{Text: l.When(b.DraftedAt), Note: c.byWhom(l, b.Author)}, issued,
		}})
	}
	if all > list.Size {
		p := list.Pager(l, all)
		v.Table.Pager = &p
	}
	return web.Render(w, r, http.StatusOK, listPage(f, v))
}

// byWhom names an account, or the system.
func (c *Console) byWhom(l web.Locale, account string) string {
	if account == "" {
		return l.T("bulletin.system")
	}
	return account
}

type newBulletinView struct {
	formView
	Units  ui.ChoiceView
	Period ui.InputView
}

func (c *Console) newBulletin(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showNewBulletin(w, r, ad, "", "", nil)
}

func (c *Console) showNewBulletin(w http.ResponseWriter, r *http.Request, ad *app.Admin, unit, period string, err error) error {
	l := web.LocaleOf(r)
	units := c.App.BulletinUnits(ad)
	if len(units) == 0 {
		return fault.New(fault.NotAllowed)
	}
	f := c.frame(w, r, ad, l.T("bulletin.new"))
	f.Path, f.Lead, f.Narrow = append(c.home0(l), ui.Link{Text: l.T("bulletin.title"), Href: bulletinsPath}), l.T("bulletin.new_lead"), true
	v := newBulletinView{formView: c.formView(&f, bulletinsPath+"/new", err, map[string]string{"unit": l.T("bulletin.unit"), "period": l.T("bulletin.period")})}
	v.Units = ui.ChoiceView{FieldView: v.field("unit", ""), Options: c.unitOptions(l, units, unit)}
	v.Period = ui.InputView{FieldView: v.field("period", l.T("bulletin.period_hint")), Value: period, Width: 10}
	return web.Render(w, r, v.status(), newBulletinPage(f, v))
}

func (c *Console) draftBulletin(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	unit, period := r.PostForm.Get("unit"), r.PostForm.Get("period")
	id, err := c.App.DraftBulletin(r.Context(), ad, unit, period)
	switch {
	case err == nil:
		return web.SeeOther(w, r, bulletinPath(id))
	case comesBack(err):
		return c.showNewBulletin(w, r, ad, unit, period, err)
	}
	return err
}

type bulletinPageView struct {
	formView
	Notices  []ui.NoticeView
	Known    []Fact
	Remarks  *textView // nil for who may not write
	Revision string
	Redraft  bool
	Acts     []Confirm
	Prove    string
	Sheet    ui.BulletinView
	Versions *Table
}

func (c *Console) bulletin(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showBulletin(w, r, ad, nil)
}

// showBulletin is the page of a bulletin: how far it is, what the one who looks can do about it, and the sheet itself.
// problem is what stood against what they just did.
func (c *Console) showBulletin(w http.ResponseWriter, r *http.Request, ad *app.Admin, problem error) error {
	l, id := web.LocaleOf(r), r.PathValue("id")
	b, err := c.App.Bulletin(r.Context(), ad, id)
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, c.unitName(l, b.Seat.Unit)+" · "+ui.PeriodName(l, b.Period))
	f.Path = append(c.home0(l), ui.Link{Text: l.T("bulletin.title"), Href: bulletinsPath})
	v := bulletinPageView{formView: c.formView(&f, bulletinPath(id), problem, map[string]string{"remarks": l.T("bulletin.remarks")}), Revision: strconv.Itoa(b.Revision)}
	v.Sheet = ui.BulletinOf(l, b.Bulletin, b.Was)
	v.Known = []Fact{
		{Key: l.T("bulletin.state"), Part: ui.TagMark(bulletinTag(l, b.State)), Note: l.T("bulletin.means." + string(b.State))},
		{Key: l.T("bulletin.drafted"), Value: l.When(b.DraftedAt), Note: c.byWhom(l, b.Author)},
	}
	if !b.ReviewedAt.IsZero() {
		v.Known = append(v.Known, Fact{Key: l.T("bulletin.reviewed_by"), Value: l.When(b.ReviewedAt), Note: b.Reviewer})
	}
	if !b.IssuedAt.IsZero() {
		v.Known = append(v.Known, Fact{Key: l.T("bulletin.issued_by"), Value: l.When(b.IssuedAt), Note: b.Issuer})
	}
	v.Known = append(v.Known, Fact{Key: l.T("bulletin.print"), Value: l.T("bulletin.print_hint")})
	if c.may(ad, account.Export) {
		f.Actions = []ui.ButtonView{{Text: "XLSX", Kind: ui.Secondary, Href: bulletinPath(id) + "/file.xlsx", Attrs: map[string]any{"aria-label": l.T("console.export", "format", "XLSX")}}}
	}
	if b.State == oversight.BulletinIssued {
		f.Actions = append(f.Actions, ui.ButtonView{Text: "JSON", Kind: ui.Secondary, Href: "/api/v1/bulletins/" + id, Attrs: map[string]any{"aria-label": l.T("console.export", "format", "JSON")}})
	}
	hidden := [][2]string{{"revision", v.Revision}}
	act := func(path, text, yes string) {
		v.Acts = append(v.Acts, Confirm{L: l, Action: bulletinPath(id) + "/" + path, Token: f.Token, Text: l.T(text), Yes: l.T(yes), Hidden: hidden})
	}
	if b.Writes {
		typed := b.Remarks
		if problem != nil && r.PostForm.Has("remarks") {
			typed = r.PostForm.Get("remarks")
		}
		v.Remarks, v.Redraft = &textView{FieldView: v.field("remarks", l.T("bulletin.remarks_hint")), Value: typed, Rows: 6, Max: 4000}, true
	}
	if b.Reviews {
		act("review", "bulletin.means.draft", "bulletin.review")
	}
	if b.Issues {
		act("issue", "bulletin.issue_text", "bulletin.issue")
	}
	if b.Reissues {
		act("reissue", "bulletin.reissue_text", "bulletin.reissue")
	}
	if (b.Issues || b.Reissues) && c.App.Proven(ad) != nil {
		v.Prove = address(provePath, "return", bulletinPath(id))
	}
	if len(b.Versions) > 1 {
		t := Table{Caption: l.T("bulletin.versions"), Shown: true, Cols: []Col{{Text: l.T("bulletin.versions")}, {Text: l.T("bulletin.state")}, {Text: l.T("bulletin.issued_by")}}}
		for _, o := range b.Versions {
			row := Row{Cells: []Cell{{Text: l.T("bulletin.version", "n", strconv.Itoa(o.Version)), Href: bulletinPath(o.ID)}, {Tag: bulletinTag(l, o.State)}, {Text: "–"}}, Current: o.ID == id}
			if !o.IssuedAt.IsZero() {
				row.Cells[2].Text = l.When(o.IssuedAt)
			}
			if o.Version > b.Version && o.State == oversight.BulletinIssued && len(v.Notices) == 0 {
				v.Notices = append(v.Notices, ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.T("bulletin.newer"), Links: []ui.Link{{Text: l.T("bulletin.version", "n", strconv.Itoa(o.Version)), Href: bulletinPath(o.ID)}}})
			}
			t.Rows = append(t.Rows, row)
		}
		v.Versions = &t
	}
	if did := r.URL.Query().Get("did"); problem == nil && did == string(b.State) {
		v.Notices = append(v.Notices, ui.NoticeView{L: l, Kind: ui.NoticeSuccess, Title: l.T("bulletin.did." + did), Live: true})
	}
	return web.Render(w, r, v.status(), bulletinPage(f, v))
}

func (c *Console) writeBulletin(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.afterBulletin(w, r, ad, oversight.BulletinDraft, c.App.WriteBulletin(r.Context(), ad, r.PathValue("id"), revisionOf(r), r.PostForm.Get("remarks")))
}

func revisionOf(r *http.Request) int {
	n, err := strconv.Atoi(r.PostForm.Get("revision"))
	if err != nil {
		return -1
	}
	return n
}

func (c *Console) onBulletin(did oversight.BulletinState, do func(*app.App, context.Context, *app.Admin, string, int) error) handler {
	return func(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
		return c.afterBulletin(w, r, ad, did, do(c.App, r.Context(), ad, r.PathValue("id"), revisionOf(r)))
	}
}

func (c *Console) afterBulletin(w http.ResponseWriter, r *http.Request, ad *app.Admin, did oversight.BulletinState, err error) error {
	switch {
	case err == nil:
		return web.SeeOther(w, r, address(bulletinPath(r.PathValue("id")), "did", string(did)))
	case comesBack(err) || fault.CodeOf(err) == fault.BulletinOwn:
		return c.showBulletin(w, r, ad, err)
	}
	return err
}

func (c *Console) reissueBulletin(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	id, err := c.App.ReissueBulletin(r.Context(), ad, r.PathValue("id"))
	switch {
	case err == nil:
		return web.SeeOther(w, r, bulletinPath(id))
	case comesBack(err):
		return c.showBulletin(w, r, ad, err)
	}
	return err
}

// bulletinFile is a bulletin as a spreadsheet, a sheet a table.
func (c *Console) bulletinFile(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	b, err := c.App.Bulletin(r.Context(), ad, r.PathValue("id"))
	if err != nil {
		return err
	}
	v := ui.BulletinOf(l, b.Bulletin, b.Was)
	tables := []ui.SheetTable{{Caption: l.T("bulletin.title"), Head: []string{v.Name}, Rows: [][]ui.SheetCell{{{Text: v.Sub}}, {{Text: v.Remarks}}, {{Text: v.Formulas}}, {{Text: v.Digest}}}}, v.Figures}
	tables = append(tables, v.Ranks...)
	if v.Channels != nil {
		tables = append(tables, *v.Channels)
	}
	for _, t := range v.Trends {
		table := ui.SheetTable{Caption: t.Title, Head: []string{l.T("bulletin.period"), l.T("bulletin.now")}}
		for i := range t.Labels {
			table.Rows = append(table.Rows, []ui.SheetCell{{Text: t.Labels[i]}, {Text: t.Values[i]}})
		}
		tables = append(tables, table)
	}
	if v.Differences != nil {
		tables = append(tables, *v.Differences)
	}
	return c.sendSheets(w, r, ad, "bulletin", "suiyue-"+b.ID, tables)
}
