package console

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const retentionPath = Prefix + "/retention"

func (c *Console) retentionRoutes() {
	c.add(Route{Pattern: "GET " + retentionPath, Act: account.ReadLog}, c.retention)
}

type retentionView struct {
	L         web.Locale
	Kept      string
	Table     Table
	LogsKept  string
	LogsTable Table
}

// retention tells of which months it is forgotten who came, and which records of access were dropped.
func (c *Console) retention(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	state, err := c.App.Retention(r.Context(), ad)
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("retention.title"))
	f.Path, f.Lead = c.home0(l), l.T("retention.lead")
	v := retentionView{L: l, Kept: l.T("retention.kept", "date", l.LongDate(state.Kept)), LogsKept: l.T("retention.logs_kept", "date", l.LongDate(state.LogsFrom)), Table: Table{
		Caption: l.T("retention.months"), Empty: ui.EmptyView{Title: l.T("retention.none"), Text: l.T("retention.none_text")},
		Cols: []Col{{Text: l.T("retention.month")}, {Text: l.T("retention.rows")}, {Text: l.T("retention.begun")}, {Text: l.T("retention.done")}, {Text: l.T("retention.digest")}},
	}}
	for _, m := range state.Months {
		var rows []string
		for _, noun := range slices.Sorted(maps.Keys(m.Rows)) {
			rows = append(rows, l.T("retention.noun."+noun, "n", strconv.Itoa(m.Rows[noun])))
		}
		done := l.T("retention.going")
		if !m.Done.IsZero() {
			done = l.When(m.Done)
		}
		v.Table.Rows = append(v.Table.Rows, Row{Cells: []Cell{
			{Text: m.Month}, {Text: orDash(strings.Join(rows, " · "))}, {Text: l.When(m.Begun)}, {Text: done}, {Text: m.Digest[:min(len(m.Digest), 16)]},
		}})
	}
	v.LogsTable = Table{
		Caption: l.T("retention.logs"), Empty: ui.EmptyView{Title: l.T("retention.logs_none"), Text: l.T("retention.logs_none_text")},
		Cols: []Col{{Text: l.T("retention.dropped")}, {Text: l.T("retention.what")}, {Text: l.T("retention.records"), Number: true}, {Text: l.T("retention.before")}},
	}
	for _, d := range state.Logs {
		v.LogsTable.Rows = append(v.LogsTable.Rows, Row{Cells: []Cell{
			{Text: l.LongDate(d.Date)}, {Text: l.T("retention.log." + d.Noun)}, {Text: strconv.Itoa(d.Rows)}, {Text: l.LongDate(calendar.DateOf(d.Before))},
		}})
	}
	return web.Render(w, r, http.StatusOK, retentionPage(f, v))
}
