package hall

import (
	"encoding/json"
	"net/http"

	"suiyue/internal/app"
	"suiyue/internal/domain/counter"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

func (h *Hall) kioskRoutes() {
	h.add("GET "+kioskPath, counter.Kiosk, h.start)
	h.add("GET "+kioskPath+"/state", counter.Kiosk, h.state)
	h.add("GET "+kioskPath+"/end", counter.Kiosk, h.end)
	h.add("POST "+kioskPath+"/end", counter.Kiosk, h.end)
	h.add("GET "+kioskPath+"/help", counter.Kiosk, h.help)
}

type startView struct {
	Frame
	Notice  string
	Choices []choice
}

// choice is one of the three things a kiosk is for, as large as a hand.
type choice struct {
	Href, Icon, Title, Text string
}

// start is the page everything begins at. Nothing is kept of whoever stood here before.
func (h *Hall) start(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	if err := h.renew(w, r, d); err != nil {
		return err
	}
	h.Cookies.ClearFlow(w)
	l := web.LocaleOf(r)
	v := startView{Frame: h.frame(r, d, l.T("kiosk.title")), Notice: l.Text(d.Settings.Notice)}
	v.Start = true
	if err := h.bridge(w, &v.Frame); err != nil {
		return err
	}
	for _, c := range [][2]string{{"booking", "calendar"}, {"number", "user"}, {"help", "info"}} {
		v.Choices = append(v.Choices, choice{Href: kioskPath + "/" + c[0], Icon: c[1], Title: l.T("kiosk." + c[0]), Text: l.T("kiosk." + c[0] + "_text")})
	}
	return web.Render(w, r, http.StatusOK, startPage(v))
}

// end forgets whoever stood here and goes back to the start, in the language the device begins in.
func (h *Hall) end(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	h.Cookies.ClearFlow(w)
	return web.SeeOther(w, r, startOf(d))
}

// state tells the script of an open page whether it still is the page of this device, and what time it is.
func (h *Hall) state(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	now := h.App.Now()
	return json.NewEncoder(w).Encode(map[string]any{"version": d.Version, "now": now.UnixMilli(), "clock": web.Clock(now)})
}

type helpView struct {
	Frame
	Phone  string
	Public string
}

// help says who helps, and that nobody has to use a machine.
func (h *Hall) help(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	l := web.LocaleOf(r)
	v := helpView{Frame: h.frame(r, d, l.T("kiosk.help")), Public: h.Public}
	if hall := h.App.City().Hall(d.HallID); hall != nil {
		v.Phone = hall.Phone
	}
	if v.Phone == "" {
		v.Phone = ui.Hotline
	}
	return web.Render(w, r, http.StatusOK, helpPage(v))
}
