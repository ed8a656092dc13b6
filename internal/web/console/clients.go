package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// Keys of connected systems, kept by the security role (三員).

const clientsPath = Prefix + "/clients"

func (c *Console) clientRoutes() {
	c.add(Route{Pattern: "GET " + clientsPath, Act: account.Keys}, c.clients)
	c.add(Route{Pattern: "GET " + clientsPath + "/{source}", Act: account.Keys}, c.client)
	c.add(Route{Pattern: "POST " + clientsPath + "/{source}", Act: account.Keys, Prove: true}, c.makeClientKey)
	c.add(Route{Pattern: "GET " + clientsPath + "/{source}/end", Act: account.Keys, Prove: true}, c.endClientKeyForm)
	c.add(Route{Pattern: "POST " + clientsPath + "/{source}/end", Act: account.Keys, Prove: true}, c.endClientKey)
}

func clientPath(source string) string { return clientsPath + "/" + source }

// clients lists the connected systems with how many keys each has.
func (c *Console) clients(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	list, err := c.App.ClientSources(r.Context(), ad)
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("client.title"))
	f.Path, f.Lead = c.home0(l), l.T("client.lead")
	t := Table{Caption: l.T("client.title"), Cols: []Col{{Text: l.T("source.name")}, {Text: l.T("source.unit")}, {Text: l.T("client.live"), Number: true}}, Empty: ui.EmptyView{Title: l.T("source.none"), Text: l.T("client.none_hint")}}
	for _, s := range list {
		row := Row{Cells: []Cell{{Text: s.Name, Href: clientPath(s.ID), Note: s.ID}, {Text: c.unitName(l, s.Seat.Unit)}, {Text: count(s.Live)}}}
		if s.Ended != 0 {
			row.Cells[0].Tag = ui.Tag{Text: l.T("source.ended")}
		}
		t.Rows = append(t.Rows, row)
	}
	return web.Render(w, r, http.StatusOK, clientsPage(f, t))
}

type clientView struct {
	formView
	Keys  Table
	Done  string
	Made  *madeKey
	Form  bool // a key may be made
	Name  string
	Until string
	From  string
	Quota string

	Profiles    ui.ChoiceView
	Scopes      ui.ChoiceView
	Halls       ui.ChoiceView
	Public      string
	Certificate string
	Webhooks    string // address of the page about where its events are posted
}

// madeKey is a key that was just made; its secret is shown this once.
type madeKey struct{ ID, Secret string }

func clientLabels(l web.Locale) map[string]string {
	out := map[string]string{}
	for _, name := range []string{"name", "profile", "public", "scopes", "halls", "quota", "from", "until", "certificate"} {
		out[name] = l.T("client." + name)
	}
	return out
}

func (c *Console) client(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showClient(w, r, ad, nil, nil)
}

func (c *Console) showClient(w http.ResponseWriter, r *http.Request, ad *app.Admin, made *madeKey, problem error) error {
	l, id, now := web.LocaleOf(r), r.PathValue("source"), c.App.Now()
	s, keys, err := c.App.ClientKeys(r.Context(), ad, id)
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, s.Name)
	f.Path, f.Lead = append(c.home0(l), ui.Link{Text: l.T("client.title"), Href: clientsPath}), l.T("client.source_lead", "unit", c.unitName(l, s.Seat.Unit), "id", s.ID)
	v := clientView{formView: c.formView(&f, clientPath(id), problem, clientLabels(l)), Made: made, Form: s.On(calendar.DateOf(now)), Webhooks: webhooksPath(id)}
	if r.URL.Query().Get("did") == "ended" {
		v.Done = l.T("client.did_end")
	}
	v.Keys = Table{Caption: l.T("client.keys"), Shown: true, Empty: ui.EmptyView{Title: l.T("client.no_keys"), Text: l.T("client.no_keys_hint")}, Cols: []Col{
		{Text: l.T("client.name")}, {Text: l.T("client.profile")}, {Text: l.T("client.state")}, {Text: l.T("client.scopes")}, {Text: l.T("client.quota"), Number: true}, {Text: l.T("client.until")}, {Text: l.T("tokens.used")}, {Text: l.T("account.action")},
	}}
	for _, k := range keys {
		v.Keys.Rows = append(v.Keys.Rows, c.clientRow(l, id, k, now))
	}
	c.clientForm(&v, r, s, problem != nil)
	return web.Render(w, r, v.status(), clientPage(f, v))
}

func (c *Console) clientRow(l web.Locale, source string, k app.ClientKeyInfo, now time.Time) Row {
	scopes := make([]string, len(k.Scopes))
	for i, s := range k.Scopes {
		scopes[i] = l.T("client.scope." + string(s))
	}
	halls := ""
	if len(k.Halls) > 0 {
		halls = l.N("client.some_halls", len(k.Halls))
	}
	state := k.State(now)
	tag := ui.Tag{Text: l.T("client.state_" + string(state))}
	switch state {
	case oversight.KeyLive:
		tag.Kind = ui.TagGreen
	case oversight.KeyAhead:
		tag.Kind = ui.TagRiver
	}
	used := l.T("passkey.never")
	if !k.Used.IsZero() {
		used = l.When(k.Used)
	}
	until, end := l.LongDate(calendar.DateOf(k.Until.Add(-time.Second))), Cell{} // its last day; often one of another year
	if state == oversight.KeyEnded {
		until = l.LongDate(calendar.DateOf(k.EndedAt))
	}
	if state == oversight.KeyLive || state == oversight.KeyAhead {
		end = Cell{Text: l.T("tokens.end"), Href: address(clientPath(source)+"/end", "id", k.ID)}
	}
	profile := Cell{Text: l.T("client.profile." + string(k.Profile))}
	if k.Certificate != "" {
		profile.Note = l.T("client.with_certificate", "sum", k.Certificate[:16])
	}
	return Row{Cells: []Cell{{Text: k.Name, Note: k.ID}, profile, {Tag: tag}, {Text: strings.Join(scopes, " · "), Note: halls}, {Text: count(k.PerMinute)}, {Text: until}, {Text: used}, end}}
}

// clientForm fills the form of a new key: what stands in it is what was typed, where it came back.
func (c *Console) clientForm(v *clientView, r *http.Request, s oversight.Source, again bool) {
	l, p := v.L, r.PostForm
	today := calendar.DateOf(c.App.Now())
	v.From, v.Until, v.Quota = today.String(), (today + 365).String(), "600"
	chosen := map[string][]string{"scopes": {string(oversight.ClientRead), string(oversight.ClientFeed)}}
	if again {
		v.Name, v.From, v.Until, v.Quota, v.Public, v.Certificate = p.Get("name"), p.Get("from"), p.Get("until"), p.Get("quota"), p.Get("public"), p.Get("certificate")
		chosen = p
	}
	has := func(field, value string) bool { return slices.Contains(chosen[field], value) }
	v.Profiles = ui.ChoiceView{FieldView: v.field("profile", "")}
	for _, one := range oversight.Profiles {
		v.Profiles.Options = append(v.Profiles.Options, ui.Option{Value: string(one), Text: l.T("client.profile." + string(one)), Hint: l.T("client.profile_hint." + string(one)), Selected: has("profile", string(one))})
	}
	v.Scopes = ui.ChoiceView{FieldView: v.field("scopes", "")}
	for _, one := range oversight.ClientScopes {
		v.Scopes.Options = append(v.Scopes.Options, ui.Option{Value: string(one), Text: l.T("client.scope." + string(one)), Selected: has("scopes", string(one))})
	}
	v.Halls = ui.ChoiceView{FieldView: v.field("halls", l.T("client.halls_hint"))}
	for _, id := range c.App.ClientHalls(s) {
		v.Halls.Options = append(v.Halls.Options, ui.Option{Value: id, Text: l.Text(c.App.City().Hall(id).Name), Selected: has("halls", id)})
	}
}

// readClientKey reads the form of a new key. It is in force from the beginning of its first day to the end of its last.
func readClientKey(r *http.Request) (k oversight.ClientKey, public string) {
	p := r.PostForm
	k.Name, k.Profile, k.Halls, k.Certificate = p.Get("name"), oversight.Profile(p.Get("profile")), p["halls"], p.Get("certificate")
	for _, s := range p["scopes"] {
		k.Scopes = append(k.Scopes, oversight.ClientScope(s))
	}
	if n, err := strconv.Atoi(strings.TrimSpace(p.Get("quota"))); err == nil {
		k.PerMinute = n
	}
	if d, err := calendar.ParseDate(p.Get("from")); err == nil {
		k.From = d.At(0, 0)
	}
	if d, err := calendar.ParseDate(p.Get("until")); err == nil {
		k.Until = (d + 1).At(0, 0)
	}
	return k, p.Get("public")
}

func (c *Console) makeClientKey(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	k, public := readClientKey(r)
	secret, made, err := c.App.AddClientKey(r.Context(), ad, r.PathValue("source"), k, public)
	switch {
	case err == nil:
		w.Header().Set("Cache-Control", "no-store")
		return c.showClient(w, r, ad, &madeKey{made.ID, secret}, nil)
	case comesBack(err):
		return c.showClient(w, r, ad, nil, err)
	}
	return err
}

func (c *Console) endClientKeyForm(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showEndClientKey(w, r, ad, nil)
}

func (c *Console) showEndClientKey(w http.ResponseWriter, r *http.Request, ad *app.Admin, problem error) error {
	l, source, id := web.LocaleOf(r), r.PathValue("source"), r.FormValue("id")
	s, keys, err := c.App.ClientKeys(r.Context(), ad, source)
	if err != nil {
		return err
	}
	n := slices.IndexFunc(keys, func(k app.ClientKeyInfo) bool { return k.ID == id })
	if n < 0 {
		return fault.New(fault.ClientKeyNotFound)
	}
	f := c.frame(w, r, ad, l.T("client.end"))
	f.Narrow = true
	f.Path = append(c.home0(l), ui.Link{Text: l.T("client.title"), Href: clientsPath}, ui.Link{Text: s.Name, Href: clientPath(source)})
	v := endHeldView{formView: c.formView(&f, clientPath(source)+"/end", problem, map[string]string{"why": l.T("log.why")}), Why: r.PostForm.Get("why")}
	v.Confirm = Confirm{
		L: l, Action: clientPath(source) + "/end", Token: f.Token, Text: l.T("client.end_text", "name", keys[n].Name, "source", s.Name), Warning: l.T("client.end_warning"),
		Hidden: [][2]string{{"id", id}}, Yes: l.T("client.end"), Danger: true, No: ui.Link{Text: l.T("console.fault.back"), Href: clientPath(source)},
	}
	return web.Render(w, r, v.status(), endHeldPage(f, v))
}

func (c *Console) endClientKey(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	err := c.App.EndClientKey(r.Context(), ad, r.PathValue("source"), r.PostForm.Get("id"), r.PostForm.Get("why"))
	switch {
	case err == nil:
		return web.SeeOther(w, r, address(clientPath(r.PathValue("source")), "did", "ended"))
	case comesBack(err):
		return c.showEndClientKey(w, r, ad, err)
	}
	return err
}
