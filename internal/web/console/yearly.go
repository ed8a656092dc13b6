package console

import (
	"fmt"
	"net/http"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const (
	yearlyPath = ledgerPath + "/year"
	assessPath = Prefix + "/assessment"
)

func (c *Console) yearlyRoutes() {
	c.add(Route{Pattern: "GET " + yearlyPath, Act: account.Supervise}, c.yearly)
	c.add(Route{Pattern: "GET " + yearlyPath + "/file.xlsx", Act: account.Export, Prove: true}, c.yearlyFile)
	c.add(Route{Pattern: "GET " + yearlyPath + "/announce", Act: account.Decide, Prove: true}, c.announceForm)
	c.add(Route{Pattern: "POST " + yearlyPath + "/announce", Act: account.Decide, Prove: true}, c.announce)
	c.add(Route{Pattern: "POST " + yearlyPath + "/end", Act: account.Decide, Prove: true}, c.endAnnouncement)
	c.add(Route{Pattern: "GET " + assessPath, Act: account.Supervise}, c.assessment)
	c.add(Route{Pattern: "GET " + assessPath + "/file.xlsx", Act: account.Export, Prove: true}, c.assessmentFile)
}

// yearOf is the year the address names, else the present one.
func (c *Console) yearOf(r *http.Request) int {
	now := calendar.DateOf(c.App.Now()).Year()
	if y, err := strconv.Atoi(r.FormValue("year")); err == nil && y >= 2022 && y <= now {
		return y
	}
	return now
}

// years leads to other years of a page.
func (c *Console) years(path string, chosen int) (out []ui.Link) {
	now := calendar.DateOf(c.App.Now()).Year()
	for y := now; y > now-4 && y >= 2022; y-- {
		out = append(out, ui.Link{Text: strconv.Itoa(y), Href: path + "?year=" + strconv.Itoa(y), Current: y == chosen})
	}
	return out
}

type yearlyView struct {
	Years  []ui.Link
	Sheet  ui.SheetTable
	Name   string
	Note   string
	Empty  *ui.EmptyView
	Notice *ui.NoticeView
	Offers []ui.Link // units the city's first level may announce
	Prove  string
	Token  string
	L      web.Locale
	Ends   []yearlyEnd
}

type yearlyEnd struct {
	ID, Name string
	Why      ui.InputView
}

// failureSheet is the yearly list as a table, with the units by how much stands against them.
func (c *Console) failureSheet(l web.Locale, list []app.FailuresView) ui.SheetTable {
	t := ui.SheetTable{Caption: l.T("yearly.title"), Head: []string{l.T("yearly.unit"), l.T("yearly.total")}}
	for _, k := range supply.Breaches {
		t.Head = append(t.Head, l.T("ledger.kind."+string(k)))
	}
	for _, key := range []string{"returned", "appealed", "struck", "letters", "open"} {
		t.Head = append(t.Head, l.T("yearly."+key))
	}
	n := func(v int64) ui.SheetCell { return ui.SheetCell{Text: strconv.FormatInt(v, 10)} }
	for _, f := range list {
		total := n(f.Total())
		if f.Repeated {
			total.Note = l.T("yearly.repeated")
		}
		if f.Announced != nil {
			total.Note = l.T("yearly.announced")
		}
		row := []ui.SheetCell{{Text: c.unitName(l, f.UnitID)}, total}
		for _, k := range supply.Breaches {
			row = append(row, n(f.Entries[string(k)]))
		}
		t.Rows = append(t.Rows, append(row, n(f.Returned), n(f.Appealed), n(f.Struck), n(f.Letters), n(f.Open)))
	}
	return t
}

// yearly is the list for the discipline office: what stands against each unit in a year, after appeals (Art. 23).
func (c *Console) yearly(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, year := web.LocaleOf(r), c.yearOf(r)
	list, least, err := c.App.YearlyList(r.Context(), ad, year)
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("yearly.title"))
	f.Path, f.Lead = append(c.home0(l), ui.Link{Text: l.T("ledger.title"), Href: ledgerPath}), l.T("yearly.lead", "n", strconv.Itoa(least))
	if c.may(ad, account.Export) {
		f.Actions = []ui.ButtonView{{Text: "XLSX", Kind: ui.Secondary, Href: fmt.Sprintf("%s/file.xlsx?year=%d", yearlyPath, year), Attrs: map[string]any{"aria-label": l.T("console.export", "format", "XLSX")}}}
	}
	v := yearlyView{L: l, Token: f.Token, Years: c.years(yearlyPath, year), Sheet: c.failureSheet(l, list), Name: l.T("yearly.name", "year", strconv.Itoa(year)), Note: l.T("yearly.note")}
	if len(list) == 0 {
		v.Empty = &ui.EmptyView{Title: l.T("yearly.none"), Text: l.T("yearly.none_hint")}
	}
	if ad.Account.Rank == account.Platform1 && c.may(ad, account.Decide) {
		for _, one := range list {
			switch {
			case one.Announced != nil:
				v.Ends = append(v.Ends, yearlyEnd{ID: one.Announced.ID, Name: c.unitName(l, one.UnitID), Why: ui.InputView{
					FieldView: ui.FieldView{ID: "why-" + one.Announced.ID, Name: "why", Label: l.T("yearly.why")}, Attrs: map[string]any{"maxlength": "500", "required": true}}})
			case one.Repeated:
				v.Offers = append(v.Offers, ui.Link{Text: l.T("yearly.announce_unit", "unit", c.unitName(l, one.UnitID)), Href: address(yearlyPath+"/announce", "unit", one.UnitID, "year", strconv.Itoa(year))})
			}
		}
		if len(v.Ends) > 0 && c.App.Proven(ad) != nil {
			v.Prove, v.Ends = address(provePath, "return", r.URL.RequestURI()), nil
		}
	}
	switch did := r.URL.Query().Get("did"); did {
	case "announced", "ended":
		v.Notice = &ui.NoticeView{L: l, Kind: ui.NoticeSuccess, Title: l.T("yearly.did." + did), Live: true, Links: []ui.Link{{Text: l.T("announcement.title"), Href: "/announcements"}}}
	}
	return web.Render(w, r, http.StatusOK, yearlyPage(f, v))
}

func (c *Console) yearlyFile(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, year := web.LocaleOf(r), c.yearOf(r)
	list, _, err := c.App.YearlyList(r.Context(), ad, year)
	if err != nil {
		return err
	}
	return c.sendSheets(w, r, ad, "ledger", fmt.Sprintf("suiyue-discipline-%d", year), []ui.SheetTable{c.failureSheet(l, list)})
}

type announceView struct {
	formView
	Known []Fact
	Unit  string
	Year  string
	Text  textView
}

func (c *Console) announceForm(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showAnnounce(w, r, ad, nil)
}

func (c *Console) showAnnounce(w http.ResponseWriter, r *http.Request, ad *app.Admin, problem error) error {
	l, year, unit := web.LocaleOf(r), c.yearOf(r), r.FormValue("unit")
	if ad.Account.Rank != account.Platform1 {
		return fault.New(fault.NotAllowed)
	}
	if c.App.City().Unit(unit) == nil {
		return fault.New(fault.UnitNotFound)
	}
	list, _, err := c.App.YearlyList(r.Context(), ad, year)
	if err != nil {
		return err
	}
	total := int64(0)
	for _, f := range list {
		if f.UnitID == unit {
			total = f.Total()
		}
	}
	f := c.frame(w, r, ad, l.T("yearly.announce"))
	f.Path, f.Lead, f.Narrow = append(c.home0(l), ui.Link{Text: l.T("yearly.title"), Href: yearlyPath}), l.T("yearly.announce_lead"), true
	v := announceView{formView: c.formView(&f, yearlyPath+"/announce", problem, map[string]string{"text": l.T("yearly.text")}), Unit: unit, Year: strconv.Itoa(year)}
	v.Known = []Fact{{Key: l.T("yearly.unit"), Value: c.unitName(l, unit)}, {Key: l.T("yearly.year"), Value: v.Year}, {Key: l.T("yearly.total"), Value: strconv.FormatInt(total, 10)}}
	v.Text = textView{FieldView: v.field("text", l.T("yearly.text_hint")), Value: r.PostForm.Get("text"), Rows: 4, Max: 1000}
	return web.Render(w, r, v.status(), announcePage(f, v))
}

func (c *Console) announce(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	year := c.yearOf(r)
	_, err := c.App.Announce(r.Context(), ad, r.PostForm.Get("unit"), year, r.PostForm.Get("text"))
	switch {
	case err == nil:
		return web.SeeOther(w, r, address(yearlyPath, "year", strconv.Itoa(year), "did", "announced"))
	case comesBack(err):
		return c.showAnnounce(w, r, ad, err)
	}
	return err
}

func (c *Console) endAnnouncement(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	if err := c.App.EndAnnouncement(r.Context(), ad, r.PostForm.Get("id"), r.PostForm.Get("why")); err != nil {
		return err
	}
	return web.SeeOther(w, r, address(yearlyPath, "did", "ended"))
}

type assessView struct {
	Years  []ui.Link
	Name   string
	Sheets []ui.SheetTable
	Note   string
	Empty  *ui.EmptyView
}

// assessSheets are the sheets of a year, a table for each district and agency.
func (c *Console) assessSheets(l web.Locale, list []oversight.Assessment) (out []ui.SheetTable) {
	for _, a := range list {
		t := ui.SheetTable{Caption: c.unitName(l, a.Seat.Unit), Head: []string{l.T("assess.what"), l.T("assess.value"), l.T("assess.basis"), l.T("assess.formula")}}
		for _, line := range a.Lines() {
			basis := "–"
			if line.OK() {
				basis = count(int(line.Top)) + " / " + count(int(line.Bottom))
			}
			formula := l.T("assess.formula." + line.ID)
			if line.Formula > 0 {
				formula += " (v" + strconv.Itoa(line.Formula) + ")"
			}
			t.Rows = append(t.Rows, []ui.SheetCell{{Text: l.T("assess.group."+string(line.Group)) + " · " + l.T("assess.line."+line.ID)}, {Text: inPercent(line.Top, line.Bottom)}, {Text: basis}, {Text: formula}})
		}
		out = append(out, t)
	}
	return out
}

// assessment is the yearly sheet of each district and agency: connection, timeliness, adjustment (Art. 21).
func (c *Console) assessment(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, year := web.LocaleOf(r), c.yearOf(r)
	list, err := c.App.Assessments(r.Context(), ad, year)
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("assess.title"))
	f.Path, f.Lead = c.home0(l), l.T("assess.lead")
	v := assessView{Years: c.years(assessPath, year), Name: l.T("assess.name", "year", strconv.Itoa(year)), Sheets: c.assessSheets(l, list), Note: l.T("assess.note", "date", l.LongDate(calendar.DateOf(c.App.Now())))}
	if len(list) == 0 {
		v.Empty = &ui.EmptyView{Title: l.T("assess.none"), Text: l.T("assess.none_hint")}
	} else if c.may(ad, account.Export) {
		f.Actions = []ui.ButtonView{{Text: "XLSX", Kind: ui.Secondary, Href: fmt.Sprintf("%s/file.xlsx?year=%d", assessPath, year), Attrs: map[string]any{"aria-label": l.T("console.export", "format", "XLSX")}}}
	}
	return web.Render(w, r, http.StatusOK, assessPage(f, v))
}

func (c *Console) assessmentFile(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, year := web.LocaleOf(r), c.yearOf(r)
	list, err := c.App.Assessments(r.Context(), ad, year)
	if err != nil {
		return err
	}
	tables := c.assessSheets(l, list)
	if len(tables) == 0 {
		tables = []ui.SheetTable{{Caption: l.T("assess.title"), Head: []string{l.T("assess.none")}}}
	}
	return c.sendSheets(w, r, ad, "assessment", fmt.Sprintf("suiyue-assessment-%d", year), tables)
}
