package console

import (
	"bytes"
	"net/http"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

func (c *Console) fileRoutes() {
	at := Prefix + "/directory/files"
	c.add(Route{Pattern: "GET " + at, Act: account.Export}, c.files)
	c.add(Route{Pattern: "GET " + at + "/export", Act: account.Export, Prove: true, Asset: true}, c.exportFile)
	c.add(Route{Pattern: "POST " + at, Act: account.Configure}, c.sendFile)
	c.add(Route{Pattern: "GET " + at + "/{upload}", Act: account.Configure}, c.fileplan)
	c.add(Route{Pattern: "POST " + at + "/{upload}", Act: account.Configure}, c.applyFile)
}

type filesView struct {
	Tabs    []ui.Link
	Form    formView
	Exports []ui.ButtonView
	May     bool
	Done    string
}

func (c *Console) files(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.filesAgain(w, r, ad, nil)
}

// filesAgain shows the page with why a file was not taken, nil for nothing.
func (c *Console) filesAgain(w http.ResponseWriter, r *http.Request, ad *app.Admin, refused error) error {
	l := web.LocaleOf(r)
	at := Prefix + "/directory/files"
	f := c.frame(w, r, ad, l.T("directory.part.files"))
	f.Path, f.Narrow = c.home0(l), true
	v := filesView{Tabs: c.directoryTabs(l, r, ad), May: !c.App.Scope(ad, account.Configure).None}
	v.Form = c.formView(&f, at, refused, map[string]string{"file": l.T("directory.file")})
	if n, err := strconv.Atoi(r.URL.Query().Get("done")); err == nil && n > 0 {
		v.Done = l.N("directory.done", n)
	}
	hall := r.URL.Query().Get("hall")
	v.Exports = []ui.ButtonView{{Text: l.T("directory.all_xlsx"), Href: address(at+"/export", "format", "xlsx", "hall", hall)}}
	for _, s := range app.DirectorySheets {
		v.Exports = append(v.Exports, ui.ButtonView{Text: l.T("directory.part."+s.Name) + " CSV", Kind: ui.Secondary, Href: address(at+"/export", "format", "csv", "sheet", s.Name, "hall", hall)})
	}
	status := http.StatusOK
	if refused != nil {
		status = web.Status(fault.As(refused))
	}
	return web.Render(w, r, status, filesPage(f, v))
}

func (c *Console) exportFile(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	q := r.URL.Query()
	format, sheet := app.Format(q.Get("format")), q.Get("sheet")
	var b bytes.Buffer
	if err := c.App.ExportDirectory(r.Context(), ad, q.Get("hall"), format, sheet, &b); err != nil {
		return err
	}
	name, kind := "directory.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	if format == app.CSV {
		name, kind = sheet+".csv", "text/csv; charset=utf-8"
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(b.Bytes()) // an error here is the reader gone away
	return nil
}

// sendFile takes a file and leads to what it would do.
func (c *Console) sendFile(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	u, err := c.readUpload(w, r, app.MaxUpload)
	if err != nil && fault.CodeOf(err) != fault.BodyTooLarge {
		return err
	}
	if err == nil {
		var id string
		if id, err = c.App.SendDirectory(r.Context(), ad, u.Name, u.Body); err == nil {
			return web.SeeOther(w, r, Prefix+"/directory/files/"+id)
		}
	}
	switch fault.As(err).Kind {
	case fault.Invalid, fault.Malformed:
		return c.filesAgain(w, r, ad, err)
	}
	return err
}

// mostShown is how many differences or faults a plan shows; the counts tell of all.
const mostShown = 100

type planView struct {
	Form    formView
	Figures []Fact
	Faults  Table
	Changes []versionView
	Ready   bool
	Ask     string
	Digest  string
	Nothing string
	More    string
}

func (c *Console) fileplan(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.planAgain(w, r, ad, nil)
}

func (c *Console) planAgain(w http.ResponseWriter, r *http.Request, ad *app.Admin, refused error) error {
	l, id := web.LocaleOf(r), r.PathValue("upload")
	p, err := c.App.PlanDirectory(r.Context(), ad, id)
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("directory.plan"))
	f.Lead = p.Name
	f.Path = append(c.home0(l), ui.Link{Text: l.T("directory.part.files"), Href: Prefix + "/directory/files"})
	v := planView{Ready: p.Ready(), Digest: p.Digest, Ask: l.N("directory.apply_ask", len(p.Changes))}
	if refused == nil && p.Booked > 0 {
		refused = fault.New(fault.PeopleBooked, "n", strconv.Itoa(p.Booked))
	}
	v.Form = c.formView(&f, r.URL.Path, refused, nil)
	n := strconv.Itoa
	v.Figures = []Fact{{Key: l.T("directory.plan_rows"), Value: n(p.Rows)}, {Key: l.T("directory.plan_changes"), Value: n(len(p.Changes))}, {Key: l.T("directory.plan_faults"), Value: n(len(p.Faults))}}
	v.Faults = Table{Caption: l.T("directory.plan_faults"), Cols: []Col{{Text: l.T("directory.sheet")}, {Text: l.T("directory.line"), Number: true}, {Text: l.T("directory.column")}, {Text: l.T("directory.wrong")}}}
	for _, e := range p.Faults[:min(len(p.Faults), mostShown)] {
		v.Faults.Rows = append(v.Faults.Rows, Row{Cells: []Cell{{Text: e.File}, {Text: n(e.Line)}, {Text: orDash(e.Column)}, {Text: l.FieldSentence("", e.Code), Note: string(e.Code)}}})
	}
	for _, ch := range p.Changes[:min(len(p.Changes), mostShown)] {
		v.Changes = append(v.Changes, versionView{Title: l.T("directory.noun."+string(ch.Noun)) + " " + c.entryName(l, ch.Noun, ch.After), Who: ch.Key, Changes: c.changes(l, ch.Noun, ch.Before, ch.After)})
	}
	if more := max(len(p.Changes), len(p.Faults)) - mostShown; more > 0 {
		v.More = l.N("directory.more", more)
	}
	if len(p.Changes) == 0 && len(p.Faults) == 0 {
		v.Nothing = l.T("directory.plan_nothing")
	}
	status := http.StatusOK
	if refused != nil {
		status = web.Status(fault.As(refused))
	}
	return web.Render(w, r, status, planPage(f, v))
}

func (c *Console) applyFile(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	n, err := c.App.ApplyDirectory(r.Context(), ad, r.PathValue("upload"), r.PostForm.Get("digest"))
	if err == nil {
		return web.SeeOther(w, r, Prefix+"/directory/files?done="+strconv.Itoa(n))
	}
	if fault.As(err).Kind == fault.Conflict {
		return c.planAgain(w, r, ad, err)
	}
	return err
}
