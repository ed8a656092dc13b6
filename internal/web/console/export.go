package console

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

func (c *Console) exportRoutes() {
	for _, format := range []string{"csv", "xlsx"} {
		c.add(Route{Pattern: "GET " + Prefix + "/halls." + format, Act: account.Export, Prove: true}, c.hallsFile)
		c.add(Route{Pattern: "GET " + Prefix + "/halls/{hall}/capacity." + format, Act: account.Export, Hall: "hall", Prove: true}, c.capacityFile)
	}
}

// fileLinks are the buttons by which what a page shows is taken away as a file; none for those who may
// not. path is the page's, query its filters.
func fileLinks(l web.Locale, path, query string) []ui.ButtonView {
	if query != "" {
		query = "?" + query
	}
	return []ui.ButtonView{
		{Text: "CSV", Kind: ui.Secondary, Href: path + ".csv" + query, Attrs: map[string]any{"aria-label": l.T("console.export", "format", "CSV")}},
		{Text: "XLSX", Kind: ui.Secondary, Href: path + ".xlsx" + query, Attrs: map[string]any{"aria-label": l.T("console.export", "format", "XLSX")}},
	}
}

// sheet is a list to be taken away: its cells are text or int.
type sheet struct {
	name string // of the file, without its ending
	head []string
	rows [][]any
}

func (s *sheet) add(cells ...any) { s.rows = append(s.rows, cells) }

// send writes the sheet in the format that the address ends with, once that has been recorded.
func (c *Console) send(w http.ResponseWriter, r *http.Request, ad *app.Admin, noun, hall string, s sheet) error {
	format, kind, write := "csv", "text/csv; charset=utf-8", s.csv
	if strings.HasSuffix(r.URL.Path, ".xlsx") {
		format, kind, write = "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", s.xlsx
	}
	body, err := write()
	if err != nil {
		return err
	}
	if err := c.App.RecordFile(r.Context(), ad, noun, hall, format, len(s.rows)); err != nil {
		return err
	}
	return sendFile(w, kind, s.name+"-"+calendar.DateOf(c.App.Now()).String()+"."+format, body)
}

// csv begins with a byte order mark, without which spreadsheets take UTF-8 for something else; no cell
// of it is run as a formula.
func (s sheet) csv() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	out := csv.NewWriter(&b)
	line := make([]string, len(s.head))
	for i, h := range s.head {
		line[i] = directory.Inert(h)
	}
	if err := out.Write(line); err != nil {
		return nil, err
	}
	for _, row := range s.rows {
		line = line[:0]
		for _, cell := range row {
			if text, is := cell.(string); is {
				line = append(line, directory.Inert(text))
			} else {
				line = append(line, fmt.Sprint(cell))
			}
		}
		if err := out.Write(line); err != nil {
			return nil, err
		}
	}
	out.Flush()
	return b.Bytes(), out.Error()
}

// xlsx has every text in a cell of text, which is never a formula.
func (s sheet) xlsx() (body []byte, err error) {
	f := excelize.NewFile()
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return nil, err
	}
	out, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return nil, err
	}
	if err := out.SetColWidth(1, len(s.head), 16); err != nil {
		return nil, err
	}
	if err := out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return nil, err
	}
	head := make([]any, len(s.head))
	for i, h := range s.head {
		head[i] = excelize.Cell{StyleID: bold, Value: h}
	}
	if err := out.SetRow("A1", head); err != nil {
		return nil, err
	}
	for i, row := range s.rows {
		if err := out.SetRow("A"+strconv.Itoa(i+2), row); err != nil {
			return nil, err
		}
	}
	if err := out.Flush(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = f.Write(&b)
	return b.Bytes(), err
}

// hallsFile is the list of halls as the address filters it, of those the administrator may export.
func (c *Console) hallsFile(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, list := web.LocaleOf(r), listOf(r, hallSorts...)
	s := sheet{name: "suiyue-halls"}
	for _, key := range []string{"id", "name", "level", "where", "address", "phone", "state", "queues", "today_released", "today_booked", "today_free", "on_site", "released", "booked", "free", "next"} {
		s.head = append(s.head, l.T("console.file."+key))
	}
	scope := c.App.Scope(ad, account.Export)
	for _, row := range c.hallRows(l, ad, list) {
		h, p := row.hall, row.picture
		if !scope.Has(*h) {
			continue
		}
		state := l.T("console.halls.open")
		if !h.Open {
			state = l.T("console.halls.closed")
		}
		s.add(h.ID, l.Text(h.Name), l.T("level."+string(h.Level)), c.where(l, h.UnitID), l.Text(h.Address), h.Phone, state, row.queues,
			p.Today.Released, p.Today.Booked, p.Today.Free(), p.Today.OnSite, p.Window.Released, p.Window.Booked, p.Window.Free(), nextFree(l, p))
	}
	return c.send(w, r, ad, "halls", "", s)
}

// capacityFile is the map of hours of every queue of a hall, or of the one the address names.
func (c *Console) capacityFile(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, id := web.LocaleOf(r), r.PathValue("hall")
	queues := c.App.City().QueuesAt(id)
	if r.URL.Query().Get("queue") != "" {
		q, err := c.queueOf(r, id)
		if err != nil {
			return err
		}
		queues = []*directory.Queue{q}
	}
	s := sheet{name: "suiyue-capacity-" + id}
	for _, key := range []string{"hall", "queue", "date", "hour", "planned", "hour_released", "hour_booked", "hour_free", "on_site", "state"} {
		s.head = append(s.head, l.T("console.file."+key))
	}
	hall := l.Text(c.App.City().Hall(id).Name)
	for _, q := range queues {
		for _, d := range c.App.QueueDays(q.ID) {
			for _, h := range d.Hours {
				state := l.T("console.halls.open")
				if h.Closed {
					state = l.T("console.map.closed")
				}
				s.add(hall, l.Text(q.Name), d.Date.String(), web.HourRange(h.Hour), h.Planned, h.Released, h.Booked, h.Free(), h.OnSite, state)
			}
		}
	}
	return c.send(w, r, ad, "capacity", id, s)
}

// sendSheets writes tables as one spreadsheet, a sheet each, once that has been recorded. Every cell is text, which is
// never a formula.
func (c *Console) sendSheets(w http.ResponseWriter, r *http.Request, ad *app.Admin, noun, name string, tables []ui.SheetTable) error {
	f := excelize.NewFile()
	defer f.Close()
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	rows := 0
	for i, t := range tables {
		title := strconv.Itoa(i+1) + " " + sheetName(t.Caption)
		if i == 0 {
			err = f.SetSheetName("Sheet1", title)
		} else {
			_, err = f.NewSheet(title)
		}
		if err != nil {
			return err
		}
		if err := writeSheet(f, title, bold, t); err != nil {
			return err
		}
		rows += len(t.Rows)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		return err
	}
	if err := c.App.RecordFile(r.Context(), ad, noun, "", "xlsx", rows); err != nil {
		return err
	}
	return sendFile(w, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", name+".xlsx", b.Bytes())
}

// sheetName is a caption as the name of a sheet: at most 27 characters, without those that no name may have.
func sheetName(s string) string {
	out := []rune(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\'`, r) {
			return ' '
		}
		return r
	}, s))
	return string(out[:min(len(out), 27)])
}

func writeSheet(f *excelize.File, title string, bold int, t ui.SheetTable) error {
	out, err := f.NewStreamWriter(title)
	if err != nil {
		return err
	}
	if err := out.SetColWidth(1, max(len(t.Head), 1), 20); err != nil {
		return err
	}
	head := make([]any, len(t.Head))
	for i, h := range t.Head {
		head[i] = excelize.Cell{StyleID: bold, Value: h}
	}
	if err := out.SetRow("A1", head); err != nil {
		return err
	}
	for i, row := range t.Rows {
		line := make([]any, len(row))
		for j, cell := range row {
			if line[j] = cell.Text; cell.Note != "" {
				line[j] = cell.Text + " (" + cell.Note + ")"
			}
		}
		if err := out.SetRow("A"+strconv.Itoa(i+2), line); err != nil {
			return err
		}
	}
	return out.Flush()
}
