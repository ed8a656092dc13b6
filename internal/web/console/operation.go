package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

func (c *Console) operationRoutes() {
	c.add(Route{Pattern: "GET " + Prefix + "/operation", Act: account.Settings}, c.operationPage)
	c.add(Route{Pattern: "POST " + Prefix + "/operation/holidays", Act: account.Settings, Prove: true}, c.importHolidays)
}

type operationView struct {
	L      web.Locale
	Token  string
	Facts  []Fact
	Alert  string
	Leases Table
	Years  Table
	Books  Table
	Report *app.ImportReport // of the file just sent
	Done   string
	Lines  []ui.ErrorItem // what is wrong with it, line by line
}

func (c *Console) operationPage(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.operation(w, r, ad, nil, nil)
}

// maxNotice is the most a file of a holiday notice may hold, in bytes.
const maxNotice = 256 << 10

func (c *Console) importHolidays(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	file, err := c.readUpload(w, r, maxNotice)
	if err != nil {
		return err
	}
	if file.Name == "" {
		return c.operation(w, r, ad, nil, fault.InvalidFields(fault.Field{Path: "file", Code: fault.Required}))
	}
	report, err := c.App.ImportHolidays(r.Context(), ad, file.Body)
	if err != nil && !errors.Is(err, app.ErrBadLines) {
		return err
	}
	return c.operation(w, r, ad, &report, nil)
}

// operation renders the page; report is what a file came to, wrong why there was none.
func (c *Console) operation(w http.ResponseWriter, r *http.Request, ad *app.Admin, report *app.ImportReport, wrong *fault.Error) error {
	o, err := c.App.Operation(r.Context())
	if err != nil {
		return err
	}
	l := web.LocaleOf(r)
	f := c.frame(w, r, ad, l.T("console.nav.operation"))
	f.Path = c.home0(l)
	v := operationView{
		L: l, Token: f.Token, Report: report,
		Facts: []Fact{
			{Key: l.T("operation.node"), Value: o.Node}, {Key: l.T("operation.engine"), Value: o.Engine + " " + o.Version},
			{Key: l.T("operation.waiting"), Value: strconv.Itoa(o.Waiting)},
		},
		Leases: Table{
			Caption: l.T("operation.jobs"), Empty: ui.EmptyView{Title: l.T("operation.jobs_none")},
			Cols: []Col{{Text: l.T("operation.job")}, {Text: l.T("operation.holder")}, {Text: l.T("operation.until")}},
		},
		Years: Table{
			Caption: l.T("operation.years"), Empty: ui.EmptyView{Title: l.T("operation.years_none")},
			Cols: []Col{{Text: l.T("operation.year")}, {Text: l.T("operation.status")}, {Text: l.T("operation.off"), Number: true}, {Text: l.T("operation.work"), Number: true}},
		},
	}
	if o.HasAlert {
		v.Alert = l.T("operation.alert", "date", l.LongDate(o.Alert), "year", strconv.Itoa(o.Alert.Year()))
	}
	for _, lease := range o.Leases {
		row := Row{Cells: []Cell{{Text: lease.Name}, {Text: lease.Holder}, {Text: logTime(lease.Until)}}}
		if c.App.LeaseOver(lease) {
			row.Cells[2].Tag = ui.Tag{Text: l.T("operation.over")}
		}
		v.Leases.Rows = append(v.Leases.Rows, row)
	}
	for _, y := range o.Years {
		cell := Cell{Tag: ui.Tag{Text: l.T("operation.official"), Kind: ui.TagGreen}}
		if y.Status != calendar.Official {
			cell.Tag = ui.Tag{Text: l.T("operation.provisional"), Kind: ui.TagAmber}
		}
		v.Years.Rows = append(v.Years.Rows, Row{Cells: []Cell{{Text: strconv.Itoa(y.Year)}, cell, {Text: strconv.Itoa(y.Off)}, {Text: strconv.Itoa(y.Work)}}})
	}
	v.Books = books(l, o)
	status := http.StatusOK
	switch {
	case wrong != nil:
		status, f.Error = web.Status(wrong), true
		for _, field := range wrong.Fields {
			v.Lines = append(v.Lines, ui.ErrorItem{Text: l.FieldSentence(l.T("operation.file"), field.Code), Href: "#file"})
		}
	case report != nil && len(report.Faults) > 0:
		status, f.Error = http.StatusUnprocessableEntity, true
		for _, bad := range report.Faults {
			v.Lines = append(v.Lines, ui.ErrorItem{Text: l.FieldSentence(l.T("operation.line", "n", strconv.Itoa(bad.Line)), bad.Code), Href: "#file"})
		}
	case report != nil && report.Changes() == 0:
		v.Done = l.T("operation.same")
	case report != nil:
		v.Done = l.N("operation.loaded", report.Changes())
	}
	return web.Render(w, r, status, operationPage(f, v))
}

// books shows the numbers of every version of the rules, side by side.
func books(l web.Locale, o app.Operation) Table {
	t := Table{Caption: l.T("operation.rules"), Empty: ui.EmptyView{Title: l.T("operation.rules_none")}, Cols: []Col{{Text: l.T("operation.rule")}}}
	list := slices.Clone(o.Books)
	slices.SortFunc(list, func(a, b rulebook.Rulebook) int { return int(a.EffectiveFrom - b.EffectiveFrom) })
	for _, b := range list {
		head := b.ID + " (" + b.EffectiveFrom.String() + ")"
		if b.ID == o.InForce {
			head += " · " + l.T("operation.in_force")
		}
		t.Cols = append(t.Cols, Col{Text: head})
	}
	if len(list) == 0 {
		return t
	}
	var names []string
	values := make([]map[string]string, len(list))
	for i, b := range list {
		values[i] = flat(jsonOf(b))
		for name := range values[i] {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	for _, name := range names {
		row := Row{Cells: []Cell{{Text: name}}}
		for _, v := range values {
			row.Cells = append(row.Cells, Cell{Text: v[name]})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
