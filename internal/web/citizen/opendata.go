package citizen

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const openDataPath = "/open-data"

// openDaysShown is how many days the page lists; the API lists all.
const openDaysShown = 31

type openDataView struct {
	L       web.Locale
	Least   string
	Columns []ui.SummaryRow
	Days    []openDayView
	More    string // address of the list by the API
	Older   string
}

type openDayView struct {
	Date, Note string
	Files      []ui.Link
	Digest     string
}

// openData tells what the open data are, and lists their days.
func (p *Pages) openData(w http.ResponseWriter, r *http.Request) error {
	s := p.shell(w, r, p.visitor(r), "", r.URL.RequestURI())
	l := s.L
	s.Title, s.Back, s.Wide = l.T("opendata.title"), back(l, "/"), true
	today, _ := p.today()
	v := openDataView{L: l, Least: strconv.Itoa(p.app.Rules(today).OpenDataLeast), More: "/api/v1/open-data"}
	for _, c := range app.OpenColumns {
		v.Columns = append(v.Columns, ui.SummaryRow{Key: c, Value: l.T("opendata.column." + c)})
	}
	before, err := calendar.ParseDate(r.URL.Query().Get("before"))
	if err != nil {
		before = 0
	}
	days, err := p.app.OpenDays(r.Context(), before, openDaysShown+1)
	if err != nil {
		return err
	}
	if len(days) > openDaysShown {
		days = days[:openDaysShown]
		v.Older = address(openDataPath, "before", days[openDaysShown-1].Date.String()) + "#days"
	}
	for _, d := range days {
		one := openDayView{Date: l.LongDate(d.Date), Note: l.T("opendata.day", "halls", strconv.Itoa(d.Halls), "lines", strconv.Itoa(d.Lines)), Digest: d.Digest[:16]}
		for _, kind := range []string{"csv", "json"} {
			one.Files = append(one.Files, ui.Link{Text: strings.ToUpper(kind), Href: openFile(d.Date, kind)})
		}
		v.Days = append(v.Days, one)
	}
	return web.Render(w, r, http.StatusOK, openDataPage(s, v))
}

func openFile(d calendar.Date, kind string) string {
	return openDataPath + "/" + d.String() + "." + kind
}

// openDataFile serves the file of a day, as it was frozen: <date>.csv or <date>.json; or what describes them all.
func (p *Pages) openDataFile(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("file")
	if name == "catalog.json" {
		return p.openDataCatalog(w, r)
	}
	day, kind, _ := strings.Cut(name, ".")
	date, err := calendar.ParseDate(day)
	if err != nil || date.String() != day || kind != "csv" && kind != "json" {
		return web.NotFound(w, r)
	}
	d, err := p.app.OpenDay(r.Context(), date)
	if err != nil {
		return err
	}
	h := w.Header()
	tag := `"` + d.Digest[:24] + "-" + kind + `"`
	h.Set("ETag", tag)
	h.Set("Cache-Control", "public, max-age=86400, immutable")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Last-Modified", d.MadeAt.UTC().Format(http.TimeFormat))
	if tagged(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Disposition", `attachment; filename="suiyue-`+day+"."+kind+`"`)
	zipped := web.AcceptsGzip(r)
	if kind == "csv" {
		h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
		if zipped {
			h.Set("Content-Encoding", "gzip")
			h.Set("Content-Length", strconv.Itoa(len(d.Body)))
			_, _ = w.Write(d.Body) // an error here is the reader gone away
			return nil
		}
		h.Set("Content-Length", strconv.Itoa(d.Bytes))
		plain, err := gzip.NewReader(bytes.NewReader(d.Body))
		if err != nil {
			return fault.Wrap(fault.InternalError, err)
		}
		_, _ = io.Copy(w, plain)
		return nil
	}
	h.Set("Content-Type", "application/json")
	var out io.Writer = w
	if zipped {
		h.Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		out = z
	}
	_ = app.WriteOpenJSON(out, d) // an error here is the reader gone away
	return nil
}

// openDataCatalog describes the data for programs, after DCAT 3: what they are, their licence, their columns, and the
// files of the last days. The API lists them all.
func (p *Pages) openDataCatalog(w http.ResponseWriter, r *http.Request) error {
	days, err := p.app.OpenDays(r.Context(), 0, openDaysShown)
	if err != nil {
		return err
	}
	text := func(key string) []map[string]string {
		var out []map[string]string
		for _, l := range web.Locales {
			out = append(out, map[string]string{"@language": l.Tag(), "@value": l.T(key)})
		}
		return out
	}
	var columns, files []map[string]any
	for _, c := range app.OpenColumns {
		columns = append(columns, map[string]any{"@type": "csvw:Column", "csvw:name": c, "dct:description": text("opendata.column." + c)})
	}
	for _, d := range days {
		for _, f := range [][2]string{{"csv", "text/csv"}, {"json", "application/json"}} {
			kind, media := f[0], f[1]
			files = append(files, map[string]any{
				"@type": "dcat:Distribution", "dct:identifier": d.Date.String() + "." + kind, "dcat:downloadURL": openFile(d.Date, kind), "dcat:mediaType": media, "dct:issued": d.MadeAt.UTC().Format("2006-01-02T15:04:05Z"),
				"dct:temporal": map[string]any{"dcat:startDate": d.Date.String(), "dcat:endDate": d.Date.String()}, "dcat:byteSize": d.Bytes,
				"spdx:checksum": map[string]any{"spdx:algorithm": "sha256", "spdx:checksumValue": d.Digest, "dct:description": "of the CSV"},
			})
		}
	}
	today, _ := p.today()
	body, err := json.MarshalIndent(map[string]any{
		"@context": map[string]string{"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/", "csvw": "http://www.w3.org/ns/csvw#", "spdx": "http://spdx.org/rdf/terms#"},
		"@type":    "dcat:Dataset", "dct:title": text("opendata.title"), "dct:description": text("opendata.lead"), "dct:license": "https://creativecommons.org/licenses/by/4.0/",
		"dct:accrualPeriodicity": "http://publications.europa.eu/resource/authority/frequency/DAILY", "dcat:landingPage": openDataPath, "dct:spatial": "Guangzhou",
		"dct:accessRights": fmt.Sprintf("counts of fewer than %d people are hidden, with as many others as protect them", p.app.Rules(today).OpenDataLeast),
		"csvw:column":      columns, "dcat:distribution": files, "dcat:accessService": "/api/v1/open-data",
	}, "", " ")
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/ld+json")
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // an error here is the reader gone away
	return nil
}

// tagged tells whether If-None-Match names a tag, compared weakly (RFC 9110).
func tagged(header, tag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == tag || one == "*" {
			return true
		}
	}
	return false
}
