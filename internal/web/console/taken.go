package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// Files of lists: what an administrator took away lately, and how far the one is that is being written.

const takenPath = Prefix + "/exports"

// takenShown is how many files the page lists.
const takenShown = 50

func (c *Console) takenRoutes() {
	c.add(Route{Pattern: "GET " + takenPath}, c.taken)
	c.add(Route{Pattern: "GET " + takenPath + "/{id}", Asset: true}, c.takenState)
	c.add(Route{Pattern: "POST " + takenPath + "/{id}/cancel"}, c.cancelTaken)
}

// takingView is what a page with lists to take away shows of the file it is fetching; a script fills it.
type takingView struct {
	L     web.Locale
	Token string
}

// fileActions offers the list of a page as files, with its filters, to whoever may take it away.
func (c *Console) fileActions(f *Frame, r *http.Request, ad *app.Admin, list List) {
	_, pattern, _ := strings.Cut(r.Pattern, " ")
	for _, route := range c.routes {
		if route.File && route.Pattern == "GET "+pattern+".csv" && c.allow(route, r, ad) == nil {
			for _, b := range fileLinks(f.L, r.URL.Path, list.encoded()) {
				b.Attrs["data-take"] = true
				f.Actions = append(f.Actions, b)
			}
			f.Scripts = append(f.Scripts, "taking.js")
			f.Taking = &takingView{L: f.L, Token: f.Token}
			return
		}
	}
}

// listOfFile is the page of the list that a file is of.
func listOfFile(r *http.Request) string {
	path := strings.TrimSuffix(strings.TrimSuffix(r.URL.Path, ".csv"), ".xlsx")
	q := r.URL.Query()
	q.Del("export")
	return (&url.URL{Path: path, RawQuery: q.Encode()}).RequestURI()
}

// takenNames are the keys of what the lists are called, by the log's noun.
var takenNames = map[string]string{
	"log": "log.title", "ledger": "ledger.title", "requests": "request.title", "suggestions": "request.suggestions", "letters": "letter.title", "bulletins": "bulletin.title",
	"accounts": "accounts.title", "filings": "filings.title", "affected": "displaced.people", "cases": "case.title",
	"bookings": "bookings.title", "missed": "bookings.missed", "waiting_lines": "bookings.lines", "sources": "source.title",
}

func takenTag(l web.Locale, s app.ExportState) ui.Tag {
	kind := map[app.ExportState]ui.TagKind{app.ExportRunning: ui.TagRiver, app.ExportWhole: ui.TagGreen, app.ExportBroken: ui.TagRed, app.ExportStopped: ui.TagRed}[s]
	return ui.Tag{Text: l.T("taken.state." + string(s)), Kind: kind}
}

// size says how large a file is.
func size(bytes int64) string {
	switch {
	case bytes < 1000:
		return strconv.FormatInt(bytes, 10) + " B"
	case bytes < 1_000_000:
		return fmt.Sprintf("%.0f kB", float64(bytes)/1000)
	case bytes < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1_000_000)
	}
	return fmt.Sprintf("%.2f GB", float64(bytes)/1_000_000_000)
}

// ofRows says how many of the rows a file has.
func ofRows(l web.Locale, e app.Export) string {
	if e.State == app.ExportWhole {
		return count(int(e.Written))
	}
	return l.T("console.of", "n", count(int(e.Written)), "all", count(int(max(e.Counted, e.Written))))
}

type takenView struct {
	L       web.Locale
	Token   string
	Running []app.Export
	Table   Table
}

// taken lists the files who looks took away lately, and whether each is whole.
func (c *Console) taken(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	list, err := c.App.Exports(r.Context(), ad, takenShown)
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("taken.title"))
	f.Path, f.Lead = c.home0(l), l.T("taken.lead")
	v := takenView{L: l, Token: f.Token, Table: Table{Caption: l.T("taken.title"), Empty: ui.EmptyView{Title: l.T("taken.none"), Text: l.T("taken.none_text")}, Cols: []Col{
		{Text: l.T("taken.what")}, {Text: l.T("taken.began")}, {Text: l.T("taken.state")}, {Text: l.T("taken.rows"), Number: true}, {Text: l.T("taken.size"), Number: true}, {Text: l.T("taken.digest")},
	}}}
	for _, e := range list {
		name := e.Noun
		if key := takenNames[e.Noun]; key != "" {
			name = l.T(key)
		}
		row := Row{Cells: []Cell{{Text: name + " · " + strings.ToUpper(e.Format)}, {Text: l.When(e.Began)}, {Tag: takenTag(l, e.State)}, {Text: ofRows(l, e)}, {Text: size(e.Bytes)}, {Text: orDash("")}}}
		if e.Digest != "" {
			row.Cells[5] = Cell{Part: digestText(e.Digest)}
		}
		if e.Hall != "" {
			row.Cells[0].Note = c.hallName(l, e.Hall)
		}
		if e.State == app.ExportRunning {
			v.Running = append(v.Running, e)
			row.Cells[5] = Cell{Part: smallForm(takenPath+"/"+e.ID+"/cancel", f.Token, "page", "1", l.T("taken.cancel"), l.T("taken.cancel")+": "+name)}
		} else if e.State != app.ExportWhole {
			row.Urgent, row.Cells[2].Note = true, l.T("taken.not_whole")
		}
		v.Table.Rows = append(v.Table.Rows, row)
	}
	if len(v.Running) > 0 {
		w.Header().Set("Refresh", "5")
	}
	return web.Render(w, r, http.StatusOK, takenPage(f, v))
}

// takenNow is how far a file is, as the page that fetches it shows it.
type takenNow struct {
	State   string `json:"state"`
	Title   string `json:"title"`
	Text    string `json:"text"`
	Percent int    `json:"percent"` // of the rows, 100 only when it is whole
	Done    bool   `json:"done"`    // nothing more becomes of it
}

func (c *Console) takenState(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	e, err := c.App.ExportOf(r.Context(), ad, r.PathValue("id"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	// An error here is the reader gone away.
	_ = json.NewEncoder(w).Encode(howFar(web.LocaleOf(r), e))
	return nil
}

// howFar says how far a file is: rows of rows, how fast, and how long it takes still.
func howFar(l web.Locale, e app.Export) takenNow {
	now := takenNow{State: string(e.State), Title: l.T("taken.title." + string(e.State)), Done: e.State != app.ExportRunning}
	if e.Counted > 0 {
		now.Percent = int(min(e.Written*100/e.Counted, 99))
	}
	switch e.State {
	case app.ExportWhole:
		now.Percent = 100
		now.Text = l.T("taken.whole", "n", count(int(e.Written)), "size", size(e.Bytes))
	case app.ExportRunning:
		now.Text = l.T("taken.rows_of", "n", count(int(e.Written)), "all", count(int(max(e.Counted, e.Written))), "percent", strconv.Itoa(now.Percent))
		took := e.Told.Sub(e.Began)
		if took >= time.Second && e.Written > 0 {
			rate := float64(e.Written) / took.Seconds()
			now.Text += " · " + l.T("taken.rate", "n", count(int(rate)))
			if left := e.Counted - e.Written; left > 0 {
				now.Text += " · " + lasts(l, time.Duration(float64(left)/rate*float64(time.Second)))
			}
		}
	default:
		now.Text = l.T("taken.rows_of", "n", count(int(e.Written)), "all", count(int(max(e.Counted, e.Written))), "percent", strconv.Itoa(now.Percent)) + " · " + l.T("taken.not_whole")
	}
	return now
}

// lasts says how long something takes still.
func lasts(l web.Locale, d time.Duration) string {
	if d < time.Minute {
		return l.N("taken.seconds_left", max(int(d.Round(time.Second)/time.Second), 1))
	}
	return l.N("taken.minutes_left", int((d+time.Minute-1)/time.Minute))
}

// cancelTaken ends a file that is being written, on whichever node that is.
func (c *Console) cancelTaken(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	if err := c.App.CancelExport(r.Context(), ad, r.PathValue("id")); err != nil {
		return err
	}
	if r.PostForm.Get("page") != "" {
		return web.SeeOther(w, r, takenPath)
	}
	return c.takenState(w, r, ad)
}
