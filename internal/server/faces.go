package server

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	identitygate "suiyue/internal/gate/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/api"
	"suiyue/internal/web/citizen"
	"suiyue/internal/web/console"
	"suiyue/internal/web/hall"
)

// programLimit bounds what the programs of one administrator's account may ask.
var programLimit = web.Limit{Rate: 10, Burst: 60}

// enrolLimit keeps codes that enrol a device from being tried one after another from one address; deviceLimit
// bounds what one kiosk may ask: a person acts every few seconds, a program would not.
var (
	enrolLimit  = web.Limit{Rate: 1.0 / 30, Burst: 10}
	deviceLimit = web.Limit{Rate: 0.5, Burst: 30}
)

// oftenLimit is how often an address comes to the waiting room where a household or an office does: what comes
// oftener is asked for a proof of work, where there is one.
var oftenLimit = web.Limit{Rate: 5, Burst: 50}

// faces is what every face of the product is made with.
type faces struct {
	App      *app.App
	Site     *web.Site
	Cookies  *web.Cookies
	Provider identitygate.Provider
	Keys     vault
	Account  *web.Limiter // booking, moving and cancelling by one person; nil = no limit
	Often    *web.Limiter // coming to the waiting room from one address, before it asks for a proof of work
	Limits   Limits
	Log      *slog.Logger
	Find     *web.Limiter // looking up a booking by its code
	Public   string       // address people open, without trailing slash
	Now      func() time.Time
	Demo     bool
	Sounds   string            // recorded numbers for displays
	Tiles    map[string][2]int // of the console's map
}

// demoAdmins is the page of ready administrators, "" outside of a demonstration.
func (f *faces) demoAdmins() string {
	if f.Demo {
		return demoAdmins
	}
	return ""
}

// mount puts the faces into the mux. Patterns of a face begin with its own path.
func (f *faces) mount(mux *http.ServeMux) {
	mux.Handle(web.AssetPattern, f.Site.Assets())
	api.New(api.Config{
		App: f.App, Site: f.Site, Cookies: f.Cookies, Key: []byte(f.Keys.TokenHash("the key of cursors")),
		Account: f.Account, AccountLimit: web.Limit{Rate: f.Limits.AccountRate, Burst: f.Limits.AccountBurst}, Find: f.Find,
		Admin: web.NewLimiter(programLimit, f.Now), Flow: f.Limits.Steps, Often: f.Often, Public: f.Public,
	}).Mount(mux)
	pages := citizen.New(citizen.Config{
		App: f.App, Site: f.Site, Cookies: f.Cookies, Sealer: f.Keys, Secure: strings.HasPrefix(f.Public, "https:"), Account: f.Account, Often: f.Often, Find: f.Find,
	})
	pages.Register(mux)
	citizen.NewAccount(pages, citizen.AccountConfig{
		Identity: vouching{provider: f.Provider, returnTo: f.Public + "/", log: f.Log},
	}).Register(mux)
	console.New(console.Config{
		App: f.App, Site: f.Site, Cookies: f.Cookies.Of("console"), Sealer: f.Keys, Public: f.Public, Account: f.Account, Demo: f.demoAdmins(),
		Machine: f.Cookies.Of("hall").Strict(), Tiles: f.Tiles,
	}).Register(mux)
	hall.New(hall.Config{
		App: f.App, Site: f.Site, Cookies: f.Cookies.Of("hall").Strict(), Sealer: f.Keys, Public: f.Public,
		Enrol: web.NewLimiter(enrolLimit, f.Now), Device: web.NewLimiter(deviceLimit, f.Now), Find: f.Find, Log: f.Log, Sounds: f.Sounds,
		DayCode: func(hall string) (string, error) {
			return f.Public + "/arrive/" + hall + "/" + f.App.HallCode(hall, calendar.DateOf(f.Now())), nil
		},
	}).Register(mux)
	mux.Handle("/", f.Site.Handle(web.NotFound))
}

// faultPage is the page of a fault in the look of the face it was asked of.
func faultPage(r *http.Request, e *fault.Error) web.Component {
	if r.URL.Path == console.Prefix || strings.HasPrefix(r.URL.Path, console.Prefix+"/") {
		return console.FaultPage(r, e)
	}
	if strings.HasPrefix(r.URL.Path, hall.Prefix+"/") {
		return hall.FaultPage(r, e)
	}
	return citizen.FaultPage(r, e)
}
