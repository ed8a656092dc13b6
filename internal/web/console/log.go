package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

func (c *Console) logRoutes() {
	log := Prefix + "/log"
	c.add(Route{Pattern: "GET " + log, Act: account.ReadLog}, c.logPage)
	c.add(Route{Pattern: "GET " + log + "/{n}", Act: account.ReadLog}, c.logEntry)
	c.add(Route{Pattern: "GET " + log + "/{n}/proof", Act: account.ReadLog, Asset: true}, c.logProof)
	c.fileRoutesOf(Route{Act: account.ReadLog}, log, c.logFile)
	c.add(Route{Pattern: "POST " + log + "/check", Act: account.ReadLog}, c.logCheck)
}

// logSearch is what is sought in the log, as it stands in the address.
type logSearch struct {
	List                          List
	Account, Act, Noun, Key, Hall string
	From, To                      string // dates, the last one included
	Before                        string
}

// logSought reads it. What cannot be a date is left out.
func logSought(r *http.Request) (s logSearch, f app.AuditFilter) {
	s.List = listOf(r)
	get := func(name string) string {
		v := strings.TrimSpace(s.List.Get(name))
		if len(v) > 96 {
			return ""
		}
		return v
	}
	s.Account, s.Act, s.Noun, s.Key, s.Hall = get("account"), get("act"), get("noun"), get("key"), get("hall")
	f = app.AuditFilter{Account: s.Account, Act: s.Act, Noun: s.Noun, Key: s.Key, Hall: s.Hall}
	if d, err := calendar.ParseDate(get("from")); err == nil {
		s.From, f.From = d.String(), d.At(0, 0)
	}
	if d, err := calendar.ParseDate(get("to")); err == nil {
		s.To, f.To = d.String(), (d+1).At(0, 0)
	}
	if n, err := strconv.ParseInt(get("before"), 10, 64); err == nil && n > 0 {
		s.Before, f.Before = strconv.FormatInt(n, 10), n
	}
	return s, f
}

// set tells whether anything is sought.
func (s logSearch) set() bool {
	return s.Account+s.Act+s.Noun+s.Key+s.Hall+s.From+s.To != ""
}

type logView struct {
	L      web.Locale
	Search logSearch
	Acts   []ui.Option
	State  []Fact
	Token  string
	Table  Table
}

func (c *Console) logPage(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	s, filter := logSought(r)
	entries, more, err := c.App.FindAudit(r.Context(), filter, pageSize)
	if err != nil {
		return err
	}
	acts, err := c.App.AuditActs(r.Context())
	if err != nil {
		return err
	}
	state, err := c.App.LogState(r.Context())
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("log.title"))
	f.Path, f.Lead = c.home0(l), l.T("log.lead")
	c.fileActions(&f, r, ad, s.List)
	v := logView{
		L: l, Search: s, Token: f.Token, State: logFacts(l, state), Acts: []ui.Option{{Text: l.T("log.any"), Selected: s.Act == ""}},
		Table: Table{
			Caption: l.T("log.title"), Empty: ui.EmptyView{Title: l.T("log.none")},
			Cols: []Col{{Text: l.T("log.n")}, {Text: l.T("log.at")}, {Text: l.T("log.account")}, {Text: l.T("log.act")}, {Text: l.T("log.subject")}, {Text: l.T("log.hall")}},
		},
	}
	for _, act := range acts {
		v.Acts = append(v.Acts, ui.Option{Value: act, Text: act, Selected: act == s.Act})
	}
	for _, e := range entries {
		v.Table.Rows = append(v.Table.Rows, c.logRow(l, s.List, e))
	}
	pager := ui.PagerView{L: l}
	if s.Before != "" {
		pager.Previous, pager.PreviousTo = s.List.With("before", ""), l.T("log.newest")
	}
	if more {
		pager.Next = s.List.With("before", strconv.FormatInt(entries[len(entries)-1].N, 10))
	}
	v.Table.Pager = &pager
	return web.Render(w, r, http.StatusOK, logList(f, v))
}

func logFacts(l web.Locale, s app.LogState) []Fact {
	signed := l.T("log.unsigned")
	if !s.SignedAt.IsZero() {
		signed = logTime(s.SignedAt)
	}
	return []Fact{
		{Key: l.T("log.records"), Value: strconv.FormatInt(s.Records, 10)},
		{Key: l.T("log.signed"), Value: strconv.FormatInt(s.Signed, 10), Note: signed},
	}
}

func (c *Console) logRow(l web.Locale, list List, e app.AuditEntry) Row {
	n := strconv.FormatInt(e.N, 10)
	row := Row{Urgent: e.Damaged, Cells: []Cell{
		{Text: n, Href: Prefix + "/log/" + n}, {Text: logTime(e.At)},
		{Text: e.Account, Href: list.With("account", e.Account), Note: logRank(l, e.Rank)},
		{Text: e.Act}, {Text: e.Noun + " " + e.Key, Href: list.With("noun", e.Noun, "key", e.Key)}, {Text: c.logHall(l, e.Hall)},
	}}
	if e.Account == "" {
		row.Cells[2] = Cell{Text: l.T("log.system")}
	}
	if e.Damaged {
		row.Cells[0].Tag = ui.Tag{Text: l.T("log.damaged"), Kind: ui.TagRed}
	}
	return row
}

func logRank(l web.Locale, rank string) string {
	if key := "rank." + rank; rank != "" && l.Has(key) {
		return l.T(key)
	}
	return rank
}

func (c *Console) logHall(l web.Locale, id string) string {
	if h := c.App.City().Hall(id); h != nil {
		return l.Text(h.Name)
	}
	return id
}

// logTime writes an instant to the second, as of the city.
func logTime(t time.Time) string { return t.In(calendar.Zone).Format("2006-01-02 15:04:05") }

type logEntryView struct {
	L       web.Locale
	Damaged bool
	Facts   []Fact
	Why     string
	Changes []Change
	Proof   string
	File    string
	Key     string
}

func (c *Console) logEntry(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	n, err := strconv.ParseInt(r.PathValue("n"), 10, 64)
	if err != nil || n < 0 {
		return fault.New(fault.EntryNotFound)
	}
	e, err := c.App.AuditEntry(r.Context(), n)
	if err != nil {
		return err
	}
	state, err := c.App.LogState(r.Context())
	if err != nil {
		return err
	}
	proof, err := c.App.AuditProof(r.Context(), n)
	if err != nil {
		proof = "" // the page says that it is damaged; a proof there is none
	}
	f := c.frame(w, r, ad, l.T("log.entry", "n", strconv.FormatInt(n, 10)))
	f.Path = append(c.home0(l), ui.Link{Text: l.T("log.title"), Href: Prefix + "/log"})
	who := e.Account
	if who == "" {
		who = l.T("log.system")
	}
	return web.Render(w, r, http.StatusOK, logEntryPage(f, logEntryView{
		L: l, Damaged: e.Damaged, Why: e.Why, Changes: logChanges(e.Before, e.After), Proof: proof, Key: state.PublicKey,
		File: Prefix + "/log/" + strconv.FormatInt(n, 10) + "/proof",
		Facts: []Fact{
			{Key: l.T("log.at"), Value: logTime(e.At)}, {Key: l.T("log.account"), Value: who, Note: logRank(l, e.Rank)}, {Key: l.T("log.act"), Value: e.Act},
			{Key: l.T("log.subject"), Value: e.Noun + " " + e.Key}, {Key: l.T("log.hall"), Value: c.logHall(l, e.Hall)}, {Key: l.T("log.from"), Value: e.From},
		},
	}))
}

func (c *Console) logProof(w http.ResponseWriter, r *http.Request, _ *app.Admin) error {
	n, err := strconv.ParseInt(r.PathValue("n"), 10, 64)
	if err != nil || n < 0 {
		return fault.New(fault.EntryNotFound)
	}
	proof, err := c.App.AuditProof(r.Context(), n)
	if err != nil {
		return err
	}
	return sendFile(w, "text/plain; charset=utf-8", fmt.Sprintf("suiyue-log-%d.txt", n), []byte(proof))
}

// sendFile answers with a file to keep.
func sendFile(w http.ResponseWriter, kind, name string, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	// An error here is the reader gone away.
	_, _ = w.Write(body)
	return nil
}

type logCheckView struct {
	L      web.Locale
	Report app.AuditReport
}

// logCheck checks the whole log, and shows what that came to.
func (c *Console) logCheck(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	report, err := c.App.VerifyLog(r.Context())
	if err != nil {
		return err
	}
	l := web.LocaleOf(r)
	f := c.frame(w, r, ad, l.T("log.check"))
	f.Path = append(c.home0(l), ui.Link{Text: l.T("log.title"), Href: Prefix + "/log"})
	return web.Render(w, r, http.StatusOK, logCheckPage(f, logCheckView{l, report}))
}

// logChanges tells before and after apart, field by field: what is the same in both is left out.
func logChanges(before, after json.RawMessage) []Change {
	was, is := flat(before), flat(after)
	var names []string
	for name := range was {
		names = append(names, name)
	}
	for name := range is {
		if _, both := was[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var out []Change
	for _, name := range names {
		if was[name] != is[name] {
			out = append(out, Change{name, was[name], is[name]})
		}
	}
	return out
}

// flat lists the values of a JSON text by where they stand: "week.work.0".
func flat(raw json.RawMessage) map[string]string {
	out := map[string]string{}
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if len(raw) == 0 || d.Decode(&v) != nil {
		return out
	}
	flatten(out, "", v)
	return out
}

// jsonOf writes a value that JSON can hold.
func jsonOf(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("console: " + err.Error())
	}
	return b
}

func flatten(out map[string]string, at string, v any) {
	under := func(name string) string {
		if at == "" {
			return name
		}
		return at + "." + name
	}
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			flatten(out, under(name), inner)
		}
	case []any:
		for i, inner := range v {
			flatten(out, under(strconv.Itoa(i)), inner)
		}
	case nil:
	default:
		out[at] = fmt.Sprint(v)
	}
}
