package console

import (
	"net/http"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/directory"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// advice is what the even split of a queue leaves idle or short, by its history (Art. 15); nil where
// there is none.
func (c *Console) advice(r *http.Request, l web.Locale, ad *app.Admin, q *directory.Queue) (*Table, error) {
	list, err := c.App.Advice(r.Context(), ad, q.ID)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	t := &Table{Caption: l.T("console.advice.title"), Cols: []Col{
		{Text: l.T("console.file.hour")}, {Text: l.T("console.advice.split"), Number: true}, {Text: l.T("console.advice.usual"), Number: true}, {Text: l.T("console.advice.says")},
	}}
	for _, h := range list {
		said := Cell{Text: l.T("console.advice.fits")}
		switch {
		case h.Short > 0:
			said = Cell{Tag: ui.Tag{Text: l.N("console.advice.short", h.Short), Kind: ui.TagAmber}}
		case h.Idle > 0:
			said = Cell{Tag: ui.Tag{Text: l.N("console.advice.idle", h.Idle)}}
		}
		t.Rows = append(t.Rows, Row{Cells: []Cell{{Text: web.HourRange(h.Hour)}, {Text: strconv.Itoa(h.Split)}, {Text: strconv.Itoa(h.Usual)}, said}})
	}
	return t, nil
}
