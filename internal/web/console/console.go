// Package console is the pages of administrators: what waits for them today, their halls, requests and
// decisions, accounts, the directory and the log. Rendered on the server; a script makes them quicker.
package console

import (
	"net/http"
	"net/url"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

// Prefix is where the console's pages are.
const Prefix = "/console"

// Config of New. All but Account, Demo, Tiles and Machine are required.
type Config struct {
	App     *app.App
	Site    *web.Site
	Cookies *web.Cookies // of the console: web.Cookies.Of("console")
	Sealer  Sealer
	Public  string            // address people open, without trailing slash
	Account *web.Limiter      // writes of one administrator; nil = no limit
	Demo    string            // page of ready accounts; "" outside of a demonstration
	Tiles   map[string][2]int // where the map draws districts and streets: column and row; nil = in the order of their codes
	Machine *web.Cookies      // of machines in halls, strict: a desk whose machine is one reads documents; nil = people type
}

// Sealer seals what a browser keeps for us. The app's vault is one.
type Sealer interface {
	Seal(plain []byte, about string) []byte
	Open(sealed []byte, about string) ([]byte, error)
}

// Console is the pages. Made by New, safe for concurrent use.
type Console struct {
	Config
	routes []Route
}

// New makes the Console.
func New(c Config) *Console {
	if c.App == nil || c.Site == nil || c.Cookies == nil || c.Sealer == nil || c.Public == "" {
		panic("console: Config needs App, Site, Cookies, Sealer and Public")
	}
	k := &Console{Config: c}
	k.homeRoutes()
	k.signInRoutes()
	k.meRoutes()
	k.accountRoutes()
	k.filingRoutes()
	k.jumpRoutes()
	k.hallRoutes()
	k.logRoutes()
	k.operationRoutes()
	k.keyRoutes()
	k.clientRoutes()
	k.webhookRoutes()
	k.retentionRoutes()
	k.costRoutes()
	k.requestRoutes()
	k.displacedRoutes()
	k.alertRoutes()
	k.forecastRoutes()
	k.sourceRoutes()
	k.bulletinRoutes()
	k.letterRoutes()
	k.yearlyRoutes()
	k.missedRoutes()
	k.sanctionRoutes()
	k.caseRoutes()
	k.stepRoutes()
	k.editRoutes()
	k.deviceRoutes()
	k.counterRoutes()
	k.deskRoutes()
	k.dayRoutes()
	k.figureRoutes()
	k.pictureRoutes()
	k.takenRoutes()
	k.hallBookingRoutes()
	return k
}

// Route is one page or act of the console with who may use it. A test crosses every Route with every
// kind of principal.
type Route struct {
	Pattern string         // "GET /console/halls/{hall}"
	Open    bool           // for anybody: signing in
	Act     account.Action // what it needs; "" for anybody signed in
	Or      account.Action // another action that will do as well
	Hall    string         // name of the part of the path that is the hall it needs Act over; "" = over some hall, or the platform
	Prove   bool           // the person must have proved who they are lately: decisions, exports, names
	Asset   bool           // not a page: no frame, no sign-in redirect
	File    bool           // a list to be taken away: who has yet to prove who they are comes back to its page

	handle handler
}

// handler answers a request of an administrator, who is nil on an open route.
type handler func(w http.ResponseWriter, r *http.Request, ad *app.Admin) error

// Routes lists every page and act.
func (c *Console) Routes() []Route { return c.routes }

func (c *Console) add(r Route, h handler) {
	r.handle = h
	c.routes = append(c.routes, r)
}

// Register adds the pages to the mux.
func (c *Console) Register(mux *http.ServeMux) {
	for _, route := range c.routes {
		mux.Handle(route.Pattern, c.Site.Handle(c.guard(route)))
	}
	mux.Handle(Prefix+"/", c.Site.Handle(web.NotFound))
}

// guard does what comes before a page: who, what they may, form token, a fresh proof.
func (c *Console) guard(route Route) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodPost {
			if err := c.form(r); err != nil {
				return err
			}
		}
		if route.Open {
			return route.handle(w, r, nil)
		}
		ad, err := c.App.Admin(r.Context(), c.Cookies.Session(r))
		if err != nil {
			if fault.As(err).Kind == fault.SignIn && !route.Asset {
				return web.SeeOther(w, r, Prefix+"/sign-in?"+url.Values{"return": {back(r)}}.Encode())
			}
			return err
		}
		if err := c.allow(route, r, ad); err != nil {
			return err
		}
		if route.Prove {
			if err := c.App.Proven(ad); err != nil {
				to := back(r)
				if route.File {
					to = listOfFile(r)
				}
				return web.SeeOther(w, r, Prefix+"/prove?"+url.Values{"return": {to}}.Encode())
			}
		}
		if r.Method == http.MethodPost && c.Account != nil {
			if wait := c.Account.Take(ad.Account.ID); wait > 0 {
				return fault.New(fault.TooManyRequests).After(wait)
			}
		}
		return route.handle(w, r, ad)
	}
}

func (c *Console) allow(route Route, r *http.Request, ad *app.Admin) error {
	switch {
	case route.Act == "":
		return nil
	case route.Hall != "":
		if hall := r.PathValue(route.Hall); route.Or == "" || !c.App.May(ad, route.Or, hall) {
			return c.App.Allow(ad, route.Act, hall)
		}
		return nil
	case c.may(ad, route.Act) || route.Or != "" && c.may(ad, route.Or):
		return nil
	}
	return fault.New(fault.NotAllowed)
}

// may tells whether the administrator may do act over the platform, or over some hall.
func (c *Console) may(ad *app.Admin, act account.Action) bool {
	return c.App.May(ad, act, "") || !c.App.Scope(ad, act).None
}

// form reads a POST and refuses one that did not come from a page of ours in this browser.
func (c *Console) form(r *http.Request) error {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return nil // the handler reads the parts, and checks the token among them
	}
	if err := web.ParseForm(r); err != nil {
		return err
	}
	return c.Cookies.CheckForm(r)
}

// back is where a sign-in or a proof leads to afterwards: this page, or for a POST the page it was
// sent from, of which only the path is believed.
func back(r *http.Request) string {
	if r.Method == http.MethodGet {
		return r.URL.RequestURI()
	}
	if u, err := url.Parse(r.Referer()); err == nil && strings.HasPrefix(u.Path, Prefix) {
		return u.RequestURI()
	}
	return Prefix
}

// local returns p if it is a page of the console, else its home.
func local(p string) string {
	u, err := url.Parse(p)
	if err != nil || u.Host != "" || u.Scheme != "" || (u.Path != Prefix && !strings.HasPrefix(u.Path, Prefix+"/")) {
		return Prefix
	}
	return u.RequestURI()
}
