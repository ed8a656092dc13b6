package console

import (
	"net/http"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/counter"
	"suiyue/internal/web"
)

// readerView is the program on this machine that reads documents.
type readerView struct {
	Bridge, Pairing string
}

// machineLife is how long the browser keeps the key of its machine: the device's own life decides.
const machineLife = 10 * 365 * 24 * time.Hour

// reader lets a page of the desk read documents, where the machine is enrolled as a kiosk of the hall that has a
// bridge (docs/kiosk-bridge.md). Elsewhere whoever serves types; what keeps the page from reading keeps it from
// nothing else.
func (c *Console) reader(w http.ResponseWriter, r *http.Request, f *Frame) {
	if c.Machine == nil || c.Machine.Session(r) == "" {
		return
	}
	d, err := c.App.Device(r.Context(), c.Machine.Session(r))
	if err != nil || d.Kind != counter.Kiosk || d.HallID != r.PathValue("hall") || d.Settings.Bridge == "" {
		return
	}
	pairing, err := c.App.Pairing(d.Device)
	if err != nil || c.keepMachine(w, r, d) != nil {
		return
	}
	web.Connect(w, d.Settings.Bridge)
	f.Reader = &readerView{d.Settings.Bridge, pairing}
	f.Scripts = append(f.Scripts, "reader.js", "desk.js")
}

// keepMachine gives the machine its next key when it is time, as a page of a kiosk does.
func (c *Console) keepMachine(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	key, err := c.App.NextDeviceKey(r.Context(), d)
	if err == nil && key != "" {
		c.Machine.SetSession(w, key, machineLife)
	}
	return err
}
