package hall

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// Frame is what every page of a kiosk is made in. h.frame fills it; a page adds what it is about.
type Frame struct {
	L       web.Locale
	Title   string
	Hall    string // name of the hall, "" while nobody knows
	Langs   []ui.Link
	Token   string // form token
	Device  *app.Device
	Start   bool   // the page everything begins at: nothing on it is anybody's
	Still   bool   // nothing is asked for: fault pages, which go back by themselves
	Reload  string // seconds after which the page goes to Next by itself, "" for never
	Next    string
	Bridge  string // the program on this machine that reads documents and prints, "" for none
	Pairing string
	Clock   string
}

// frame makes the Frame of a page; d is nil where no device is known.
func (h *Hall) frame(r *http.Request, d *app.Device, title string) Frame {
	f := bare(r, title)
	if d == nil {
		return f
	}
	f.Device, f.Token, f.Clock = d, h.Cookies.FormTokenOf(d.ID), web.Clock(h.App.Now())
	if hall := h.App.City().Hall(d.HallID); hall != nil {
		f.Hall = f.L.Text(hall.Name)
	}
	f.Langs = slices.DeleteFunc(f.Langs, func(n ui.Link) bool { return !slices.Contains(d.Settings.Languages, localeOfTag(n.Lang)) })
	return f
}

// localeOfTag returns our name of the language a link is in.
func localeOfTag(tag string) string {
	for _, l := range web.Locales {
		if l.Tag() == tag {
			return string(l)
		}
	}
	return ""
}

// bare is the frame of a page for nobody in particular.
func bare(r *http.Request, title string) Frame {
	l := web.LocaleOf(r)
	f := Frame{L: l, Title: title}
	for _, o := range web.Locales {
		f.Langs = append(f.Langs, ui.Link{Text: o.Name(), Href: web.SwitchURL(r, "lang", string(o)), Current: o == l, Lang: o.Tag()})
	}
	return f
}

// bridge lets the page talk to the program on its machine.
func (h *Hall) bridge(w http.ResponseWriter, f *Frame) error {
	s := f.Device.Settings
	if s.Bridge == "" {
		return nil
	}
	var err error
	if f.Pairing, err = h.App.Pairing(f.Device.Device); err != nil {
		return err
	}
	f.Bridge = s.Bridge
	web.Connect(w, s.Bridge)
	return nil
}

func (f Frame) idle() string {
	if f.Device == nil {
		return strconv.Itoa(counter.IdleDefault)
	}
	return strconv.Itoa(f.Device.Settings.Idle)
}

// startOf is the start in the language the device begins in.
func startOf(d *app.Device) string { return kioskPath + "?lang=" + d.Settings.Languages[0] }

// voice is the language the browser speaks a page in: Cantonese where it is written in traditional letters.
func (f Frame) voice() string {
	switch f.L {
	case web.Hant:
		return "zh-HK"
	case web.En:
		return "en-GB"
	}
	return "zh-CN"
}

func (f Frame) version() string {
	if f.Device == nil {
		return ""
	}
	return strconv.Itoa(f.Device.Version)
}

// flow is what the machine keeps, sealed, of whoever stands before it, for as long as they do.
type flow struct {
	At     int64             `json:"t"` // seconds since 1970, when it was begun
	Scan   string            `json:"s,omitempty"`
	Doc    *shown            `json:"d,omitempty"` // the document shown or typed
	Key    string            `json:"k,omitempty"` // of the number to be taken: asked for twice it is one
	Ticket string            `json:"n,omitempty"`
	Proof  bool              `json:"p,omitempty"` // the holder of the ticket showed their document
	Again  bool              `json:"a,omitempty"` // the ticket was given before
	Code   fault.Code        `json:"c,omitempty"` // why it was refused
	Args   map[string]string `json:"g,omitempty"`
	From   string            `json:"f,omitempty"` // booking, number
}

// flowLife is how long what is kept of a person is worth anything, whoever holds it.
const flowLife = 3 * time.Minute

func flowAbout(d *app.Device) string { return "kiosk flow|" + d.ID }

// setFlow keeps f in the browser; nobody but this device can use it, and not for long.
func (h *Hall) setFlow(w http.ResponseWriter, d *app.Device, f flow) error {
	f.At = h.App.Now().Unix()
	plain, err := json.Marshal(f)
	if err != nil {
		return fault.Wrap(fault.InternalError, err)
	}
	h.Cookies.SetFlow(w, base64.RawURLEncoding.EncodeToString(h.Sealer.Seal(plain, flowAbout(d))), flowLife)
	return nil
}

// flowOf returns what setFlow kept; the zero flow when there is nothing, nothing of this device, or it is old.
func (h *Hall) flowOf(r *http.Request, d *app.Device) (f flow) {
	sealed, err := base64.RawURLEncoding.DecodeString(h.Cookies.Flow(r))
	if err != nil {
		return flow{}
	}
	plain, err := h.Sealer.Open(sealed, flowAbout(d))
	if err != nil || json.Unmarshal(plain, &f) != nil {
		return flow{}
	}
	if age := h.App.Now().Sub(time.Unix(f.At, 0)); age > flowLife || age < -time.Minute {
		return flow{}
	}
	return f
}

// FaultPage is the page of a request of a machine that could not be answered. It is a web.FaultPage: it knows
// no device and nobody. What passes by itself is asked for again by itself.
func FaultPage(r *http.Request, e *fault.Error) web.Component {
	l := web.LocaleOf(r)
	f := bare(r, l.T("kind."+string(e.Kind)))
	f.Still = true
	v := faultView{Frame: f, Sentence: l.Sentence(e), Code: string(e.Code), Request: web.RequestID(r)}
	switch {
	case e.Code == fault.DeviceEnded:
		v.Title, v.Note = l.T("kiosk.locked.title"), l.T("kiosk.locked.text")
		v.Enrol, v.Reload, v.Next = true, "30", r.URL.Path
		if r.Method != http.MethodGet {
			v.Next = kioskPath
		}
	case e.Kind == fault.Unavailable || e.Kind == fault.Internal || e.Kind == fault.TooMany:
		v.Note = l.T("kiosk.fault.again")
		v.Reload, v.Next = "5", kioskPath
		if r.Method == http.MethodGet {
			v.Next = r.URL.RequestURI()
		}
	default:
		v.Reload, v.Next = "15", kioskPath
	}
	return faultPage(v)
}

type faultView struct {
	Frame
	Sentence, Note, Code, Request string
	Enrol                         bool
}
