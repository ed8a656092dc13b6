// Package hall is the pages of the machines in a hall: the kiosk visitors check in and take numbers at, and
// the display that shows whom the counters call. A
// machine is enrolled as a device of its hall by a one-time code and holds a key; whoever stands before it is
// known by what they show, and nothing of them stays on the machine.
package hall

import (
	"log/slog"
	"net/http"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

// Prefix is where the pages of machines are.
const Prefix = "/hall"

const (
	enrolPath = Prefix + "/enrol"
	kioskPath = Prefix + "/kiosk"
	// displayPath is where a display shows its hall.
	displayPath = Prefix + "/display"
)

// Config of New. All but the limiters are required.
type Config struct {
	App     *app.App
	Site    *web.Site
	Cookies *web.Cookies // of the hall, strict: web.Cookies.Of("hall").Strict()
	Sealer  Sealer
	Public  string       // address people open, without trailing slash
	Enrol   *web.Limiter // codes tried from one address; nil = no limit
	Device  *web.Limiter // what one device asks for; nil = no limit
	Find    *web.Limiter // facts tried for one booking code; nil = no limit
	Log     *slog.Logger // nil = nothing is said
	Sounds  string       // folder of recorded numbers for displays, "" for none

	// DayCode returns the address a phone in the hall opens to check in today; nil = displays show none.
	DayCode func(hall string) (string, error)
}

// Sealer seals what a browser keeps for us. The app's vault is one.
type Sealer interface {
	Seal(plain []byte, about string) []byte
	Open(sealed []byte, about string) ([]byte, error)
}

// Hall is the pages. Made by New, safe for concurrent use.
type Hall struct {
	Config
	routes   []route
	displays *broadcast
}

// route is one page or act; a display or kiosk that is enrolled may open it, if its kind is the one named.
type route struct {
	pattern string
	kind    counter.DeviceKind // "" = anybody: enrolling
	handle  handler
}

// handler answers a request of a device, which is nil on the pages that enrol one.
type handler func(w http.ResponseWriter, r *http.Request, d *app.Device) error

// New makes the Hall.
func New(c Config) *Hall {
	if c.App == nil || c.Site == nil || c.Cookies == nil || c.Sealer == nil || c.Public == "" {
		panic("hall: Config needs App, Site, Cookies, Sealer and Public")
	}
	h := &Hall{Config: c}
	if h.Log == nil {
		h.Log = slog.New(slog.DiscardHandler)
	}
	h.enrolRoutes()
	h.kioskRoutes()
	h.visitRoutes()
	h.displayRoutes()
	return h
}

func (h *Hall) add(pattern string, kind counter.DeviceKind, do handler) {
	h.routes = append(h.routes, route{pattern, kind, do})
}

// Register adds the pages to the mux.
func (h *Hall) Register(mux *http.ServeMux) {
	for _, r := range h.routes {
		mux.Handle(r.pattern, h.Site.Handle(h.guard(r)))
	}
	mux.Handle(Prefix+"/", h.Site.Handle(web.NotFound))
}

// Routes lists the patterns of all pages and acts with the kind of device each is for, "" for anybody.
func (h *Hall) Routes() map[string]counter.DeviceKind {
	out := map[string]counter.DeviceKind{}
	for _, r := range h.routes {
		out[r.pattern] = r.kind
	}
	return out
}

// guard does what comes before a page: which device, its form, its limit. The key is asked for with each
// request.
func (h *Hall) guard(rt route) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if rt.kind == "" {
			if r.Method == http.MethodPost {
				if err := web.ParseForm(r); err != nil {
					return err
				}
				if err := h.Cookies.CheckForm(r); err != nil {
					return err
				}
			}
			return rt.handle(w, r, nil)
		}
		d, err := h.App.Device(r.Context(), h.Cookies.Session(r))
		if err != nil {
			return err
		}
		if d.Kind != rt.kind {
			return fault.New(fault.NoSuchPage)
		}
		if h.Cookies.Known(r) != d.ID {
			h.Cookies.SetKnown(w, d.ID, keyLife)
		}
		if r.Method == http.MethodPost {
			if err := web.ParseForm(r); err != nil {
				return err
			}
			if err := h.Cookies.CheckFormOf(r, d.ID); err != nil {
				return err
			}
			if h.Device != nil {
				if wait := h.Device.Take(d.ID); wait > 0 {
					return fault.New(fault.TooManyRequests).After(wait)
				}
			}
		}
		return rt.handle(w, r, d)
	}
}

// keyLife is how long the browser keeps the key: the device's own life decides, not the browser's.
const keyLife = 10 * 365 * 24 * time.Hour

// renew gives the machine its next key with a page, when it is time.
func (h *Hall) renew(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	key, err := h.App.NextDeviceKey(r.Context(), d)
	if err == nil && key != "" {
		h.Cookies.SetSession(w, key, keyLife)
	}
	return err
}

// home is where a device belongs.
func home(k counter.DeviceKind) string {
	if k == counter.Display {
		return displayPath
	}
	return kioskPath
}
