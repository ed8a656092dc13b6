package console

import (
	"net/http"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// Frame is what every page of the console is made in. c.frame fills it; a page adds where it is.
type Frame struct {
	L       web.Locale
	Title   string
	Token   string     // form token
	Admin   *app.Admin // nil: nobody is signed in, and the page is bare
	Nav     []ui.Link  // what the administrator may open
	Path    []ui.Link  // from the console's home to above this page
	Actions []ui.ButtonView
	Lead    string // a sentence below the title
	Error   bool   // the page shows an error summary: the title says so
	Narrow  bool   // a form or a text: not wider than can be read
	Full    bool   // the page has the whole width: no tree beside it
	Scripts []string
	Styles  []string    // beside the console's
	Reader  *readerView // of a desk's machine, nil for none
	Taking  *takingView // lists of the page can be taken away; nil for none

	Langs  []ui.Link
	Tree   []Node // my halls
	Me     string // rank and unit of who is signed in
	MeHref string // "" where there is no such page
	Find   bool   // there is a page to search halls
}

// Node is one line of the tree of halls.
type Node struct {
	Text     string
	Href     string
	Count    int // halls below, 0 for a hall
	Current  bool
	Open     bool // its children are shown
	Children []Node
}

// section is an entry of the navigation. It is shown to whoever may open the page.
type section struct{ name, path string }

// sections lists them in their order. A page that no route serves is left out.
var sections = []section{
	{"today", ""}, {"picture", "/picture"}, {"serve", "/serve"}, {"steps", "/steps"}, {"halls", "/halls"}, {"requests", "/requests"}, {"suggestions", "/suggestions"}, {"displaced", "/displaced"}, {"missed", "/missed"}, {"cases", "/cases"},
	{"alerts", "/alerts"}, {"forecast", "/forecast"}, {"figures", "/figures"},
	{"ledger", "/ledger"}, {"letters", "/letters"}, {"bulletins", "/bulletins"}, {"assessment", "/assessment"}, {"sources", "/sources"}, {"messages", "/messages"}, {"directory", "/directory"}, {"accounts", "/accounts"}, {"filings", "/filings"}, {"powers", "/powers"},
	{"log", "/log"}, {"retention", "/retention"}, {"operation", "/operation"}, {"tokens", "/tokens"}, {"clients", "/clients"}, {"keys", "/keys"},
}

// frame makes the Frame of a page; ad is nil before signing in.
func (c *Console) frame(w http.ResponseWriter, r *http.Request, ad *app.Admin, title string) Frame {
	f := bare(r, title)
	f.Token, f.Admin = c.Cookies.FormToken(w, r), ad
	if ad == nil {
		return f
	}
	path := r.URL.Path
	for _, s := range sections {
		at := Prefix + s.path
		if !c.opens(r, ad, at) || idle(ad, s.name) {
			continue
		}
		if s.name == "steps" { // steps fall to departments
			if u := c.App.City().Unit(ad.Account.Unit); u == nil || u.Kind != directory.Agency {
				continue
			}
		}
		current := path == at || s.path != "" && strings.HasPrefix(path, at+"/")
		f.Nav = append(f.Nav, ui.Link{Text: f.L.T("console.nav." + s.name), Href: at, Current: current})
	}
	unit := f.L.T("console.platform")
	if u := c.App.City().Unit(ad.Account.Unit); u != nil && u.Kind != directory.Platform {
		unit = f.L.Text(u.Name)
	}
	f.Me = f.L.T("rank."+string(ad.Account.Rank)) + " · " + unit
	if c.opens(r, ad, Prefix+"/me") {
		f.MeHref = Prefix + "/me"
	}
	if f.Find = c.opens(r, ad, Prefix+"/halls"); f.Find {
		f.Tree = c.tree(f.L, ad, r.PathValue("hall"), r.URL.Query().Get("unit"), path)
	}
	return f
}

// idle tells that an administrator may open a section and can do nothing in it: it is left out. A clerk's day
// is at the counter, and neither counters nor operation use programs.
func idle(ad *app.Admin, section string) bool {
	switch section {
	case "today", "directory", "filings":
		return ad.Account.Rank == account.Clerk
	case "tokens":
		return ad.Account.Rank == account.Clerk || ad.Account.Rank.Operates()
	}
	return false
}

// bare is the frame of a page for nobody in particular.
func bare(r *http.Request, title string) Frame {
	l := web.LocaleOf(r)
	f := Frame{L: l, Title: title}
	for _, o := range web.Locales {
		href := web.SwitchURL(r, "lang", string(o))
		f.Langs = append(f.Langs, ui.Link{Text: o.Name(), Href: href, Current: o == l, Lang: o.Tag()})
	}
	return f
}

// opens tells whether there is a page at that address that the administrator may open.
func (c *Console) opens(r *http.Request, ad *app.Admin, path string) bool {
	for _, route := range c.routes {
		if route.Pattern == "GET "+path {
			return route.Hall == "" && c.allow(route, r, ad) == nil
		}
	}
	return false
}

// tree is my halls, opened where the page is: at a hall or at a unit.
func (c *Console) tree(l web.Locale, ad *app.Admin, hall, unit, path string) []Node {
	g := c.App.Grove(ad, account.Supervise)
	if g.Root == "" {
		return nil
	}
	if h := c.App.City().Hall(hall); h != nil {
		unit = h.UnitID
	}
	open := map[string]bool{g.Root: true}
	for _, u := range g.Path(unit) {
		open[u.ID] = true
	}
	at := unit
	if hall != "" || path != Prefix+"/halls" {
		at = ""
	}
	return c.branch(l, g, g.Root, hall, at, open)
}

func (c *Console) branch(l web.Locale, g *app.Grove, unit, hall, at string, open map[string]bool) []Node {
	var out []Node
	for _, h := range g.At(unit) {
		out = append(out, Node{Text: l.Text(h.Name), Href: hallPath(h.ID), Current: h.ID == hall})
	}
	for _, u := range g.Below(unit) {
		halls := g.At(u.ID)
		if len(halls) == 1 && g.Count(u.ID) == 1 {
			out = append(out, Node{Text: l.Text(halls[0].Name), Href: hallPath(halls[0].ID), Current: halls[0].ID == hall})
			continue
		}
		n := Node{Text: l.Text(u.Name), Href: address(Prefix+"/halls", "unit", u.ID), Count: g.Count(u.ID), Current: u.ID == at, Open: open[u.ID]}
		if n.Open {
			n.Children = c.branch(l, g, u.ID, hall, at, open)
		}
		out = append(out, n)
	}
	return out
}

func hallPath(id string) string { return Prefix + "/halls/" + id }

// fullTitle is the title in the browser's tab.
func (f Frame) fullTitle() string {
	t := f.Title
	if f.Error {
		t = f.L.T("title.error", "title", t)
	}
	return t + " – " + f.L.T("console.name")
}

// FaultPage is the page of a request of the console that could not be answered: what happened, and what
// to do next. It is a web.FaultPage, and knows nobody.
func FaultPage(r *http.Request, e *fault.Error) web.Component {
	f := bare(r, web.LocaleOf(r).T("kind."+string(e.Kind)))
	f.Narrow = true
	l := f.L
	v := faultView{Sentence: l.Sentence(e), Code: string(e.Code), Request: web.RequestID(r)}
	for _, field := range e.Fields {
		v.Fields = append(v.Fields, l.FieldSentence("", field.Code))
	}
	home := ui.ButtonView{Text: l.T("console.fault.home"), Href: Prefix, Kind: ui.Secondary}
	switch {
	case e.Kind == fault.SignIn:
		v.Actions = []ui.ButtonView{{Text: l.T("nav.sign_in"), Href: Prefix + "/sign-in"}}
	case e.Kind == fault.Forbidden && e.Code == fault.NotAllowed:
		v.Note = l.T("console.fault.powers")
		v.Actions = []ui.ButtonView{home}
	case r.Method == http.MethodGet && (e.Kind == fault.TooMany || e.Kind == fault.Unavailable || e.Kind == fault.Internal):
		v.Actions = []ui.ButtonView{{Text: l.T("console.fault.again"), Href: r.URL.RequestURI()}, home}
	default:
		v.Actions = []ui.ButtonView{home}
		if p := back(r); r.Method != http.MethodGet && p != Prefix {
			v.Actions = []ui.ButtonView{{Text: l.T("console.fault.back"), Href: p}, home}
		}
	}
	return faultPage(f, v)
}

type faultView struct {
	Sentence, Note string
	Fields         []string
	Actions        []ui.ButtonView
	Code, Request  string
}
