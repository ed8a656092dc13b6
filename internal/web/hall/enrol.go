package hall

import (
	"net/http"

	"suiyue/internal/app"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

func (h *Hall) enrolRoutes() {
	h.add("GET "+enrolPath, "", h.enrolForm)
	h.add("POST "+enrolPath, "", h.enrol)
}

type enrolView struct {
	Frame
	Token string
	Error string
	Code  string // of the error
	Now   string // name of the device this machine is already, "" for none
	Home  string
}

// enrolForm asks for the one-time code of the console.
func (h *Hall) enrolForm(w http.ResponseWriter, r *http.Request, _ *app.Device) error {
	return h.showEnrol(w, r, nil)
}

func (h *Hall) showEnrol(w http.ResponseWriter, r *http.Request, err error) error {
	v := enrolView{Frame: h.frame(r, nil, web.LocaleOf(r).T("kiosk.enrol.title")), Token: h.Cookies.FormToken(w, r)}
	status := http.StatusOK
	if d, none := h.App.Device(r.Context(), h.Cookies.Session(r)); none == nil {
		v.Now, v.Home = d.Name, home(d.Kind)
	}
	if err != nil {
		e := fault.As(err)
		v.Error, v.Code, status = v.L.Sentence(e), string(e.Code), web.Status(e)
	}
	return web.Render(w, r, status, enrolPage(v))
}

// enrol makes the machine the device its code was made for. Codes cannot be tried one after another.
func (h *Hall) enrol(w http.ResponseWriter, r *http.Request, _ *app.Device) error {
	if h.Enrol != nil {
		if wait := h.Enrol.Take(web.AddrOf(r).String()); wait > 0 {
			return fault.New(fault.TooManyRequests).After(wait)
		}
	}
	key, d, err := h.App.EnrolDevice(r.Context(), r.PostForm.Get("code"), web.Network(r))
	if err != nil {
		if fault.CodeOf(err) == fault.DeviceCodeWrong {
			return h.showEnrol(w, r, err)
		}
		return err
	}
	h.Cookies.SetSession(w, key, keyLife)
	return web.SeeOther(w, r, home(d.Kind))
}
