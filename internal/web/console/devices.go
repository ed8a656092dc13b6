package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

func (c *Console) deviceRoutes() {
	at := hallPath("{hall}") + "/devices"
	c.add(Route{Pattern: "GET " + at, Act: account.Supervise, Hall: "hall"}, c.devices)
	c.add(Route{Pattern: "POST " + at, Act: account.Configure, Hall: "hall"}, c.createDevice)
	c.add(Route{Pattern: "GET " + at + "/new", Act: account.Configure, Hall: "hall"}, c.newDevice)
	c.add(Route{Pattern: "GET " + at + "/{device}", Act: account.Configure, Hall: "hall"}, c.device)
	c.add(Route{Pattern: "POST " + at + "/{device}", Act: account.Configure, Hall: "hall"}, c.changeDevice)
	c.add(Route{Pattern: "POST " + at + "/{device}/renew", Act: account.Configure, Hall: "hall"}, c.renewDevice)
	c.add(Route{Pattern: "POST " + at + "/{device}/end", Act: account.Configure, Hall: "hall"}, c.endDevice)
}

func devicesPath(hall string) string    { return hallPath(hall) + "/devices" }
func devicePath(hall, id string) string { return devicesPath(hall) + "/" + id }

type devicesView struct {
	Tabs  []ui.Link
	Done  string
	Table Table
}

// devices lists the kiosks and displays of a hall with how they are doing.
func (c *Console) devices(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, hall := web.LocaleOf(r), r.PathValue("hall")
	list, err := c.App.Devices(r.Context(), ad, hall)
	if err != nil {
		return err
	}
	f, pages := c.hallFrame(w, r, ad, hall, l.T("device.title"))
	f.Lead = l.T("device.lead")
	may := c.App.May(ad, account.Configure, hall)
	if may {
		for _, k := range counter.DeviceKinds {
			kind := ui.Secondary
			if k == counter.Kiosk {
				kind = ui.Primary
			}
			f.Actions = append(f.Actions, ui.ButtonView{Text: l.T("device.new_" + string(k)), Href: address(devicesPath(hall)+"/new", "kind", string(k)), Kind: kind})
		}
	}
	v := devicesView{Tabs: pages, Table: Table{Caption: l.T("device.title"), Cols: []Col{
		{Text: l.T("device.name")}, {Text: l.T("device.kind")}, {Text: l.T("device.state")}, {Text: l.T("device.seen")}, {Text: l.T("device.enrolled")},
	}, Empty: ui.EmptyView{Title: l.T("device.none"), Text: l.T("device.none_hint")}}}
	if done := r.URL.Query().Get("done"); done == "saved" || done == "ended" {
		v.Done = l.T("device." + done)
	}
	now := c.App.Now()
	for _, d := range list {
		state := d.State(now)
		name := Cell{Text: d.Name}
		if may && state != counter.DeviceOver {
			name.Href = devicePath(hall, d.ID)
		}
		row := Row{Cells: []Cell{name, {Text: l.T("device.kind_" + string(d.Kind))}, {Tag: deviceTag(l, state)}, {Text: "—"}, {Text: "—"}}, Urgent: state == counter.DeviceSilent}
		if !d.Seen.IsZero() {
			row.Cells[3].Text = logTime(d.Seen)
		}
		if !d.Enrolled.IsZero() {
			row.Cells[4].Text = l.Near(d.Enrolled, now)
		}
		if state == counter.DeviceWaiting {
			row.Cells[2].Note = l.T("device.code_until", "at", web.Clock(d.CodeUntil))
		}
		v.Table.Rows = append(v.Table.Rows, row)
	}
	return web.Render(w, r, http.StatusOK, devicesPage(f, v))
}

func deviceTag(l web.Locale, s counter.DeviceState) ui.Tag {
	t := ui.Tag{Text: l.T("device.state_" + string(s))}
	switch s {
	case counter.DeviceHere:
		t.Kind = ui.TagGreen
	case counter.DeviceSilent, counter.DeviceLapsed:
		t.Kind = ui.TagAmber
	}
	return t
}

type deviceView struct {
	Form     formView
	Device   counter.Device
	New      bool
	Kind     counter.DeviceKind
	Name     string
	Settings counter.DeviceSettings
	Queues   []*directory.Queue
	Facts    []Fact
	Code     string // just made: shown this once
	Until    string
	Enrol    string // address the code is typed at
	Pairing  string
	Renew    Confirm
	End      Confirm
	Back     string
}

func deviceLabels(l web.Locale) map[string]string {
	out := map[string]string{}
	for _, name := range []string{"name", "kind", "queues", "languages", "idle", "layout", "notice", "printer", "bridge"} {
		out[name] = l.T("device." + name)
	}
	return out
}

func (c *Console) newDevice(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	k := counter.DeviceKind(r.URL.Query().Get("kind"))
	if !slices.Contains(counter.DeviceKinds, k) {
		k = counter.Kiosk
	}
	s := counter.NewDeviceSettings(k)
	if k == counter.Kiosk {
		s.Bridge = defaultBridge
	}
	return c.showNewDevice(w, r, ad, app.NewDevice{Kind: k, Settings: s}, nil)
}

// defaultBridge is where `suiyue bridge` listens unless told otherwise.
const defaultBridge = "http://127.0.0.1:18951"

func (c *Console) showNewDevice(w http.ResponseWriter, r *http.Request, ad *app.Admin, n app.NewDevice, err error) error {
	l, hall := web.LocaleOf(r), r.PathValue("hall")
	f, _ := c.hallFrame(w, r, ad, hall, l.T("device.new_"+string(n.Kind)))
	f.Path = append(f.Path, ui.Link{Text: l.T("device.title"), Href: devicesPath(hall)})
	f.Narrow = true
	v := deviceView{New: true, Kind: n.Kind, Name: n.Name, Settings: n.Settings, Queues: c.App.City().QueuesAt(hall), Back: devicesPath(hall)}
	v.Form = c.formView(&f, devicesPath(hall), err, deviceLabels(l))
	return web.Render(w, r, v.Form.status(), devicePage(f, v))
}

func (c *Console) createDevice(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	n := deviceForm(r)
	n.Kind = counter.DeviceKind(r.PostForm.Get("kind"))
	d, code, err := c.App.CreateDevice(r.Context(), ad, r.PathValue("hall"), n)
	if err != nil {
		if comesBack(err) && slices.Contains(counter.DeviceKinds, n.Kind) {
			return c.showNewDevice(w, r, ad, n, err)
		}
		return err
	}
	return c.showDevice(w, r, ad, d, code, nil)
}

// deviceForm reads name and settings as they were sent. A number that cannot be read is out of range.
func deviceForm(r *http.Request) app.NewDevice {
	form := r.PostForm
	idle, err := strconv.Atoi(strings.TrimSpace(form.Get("idle")))
	if err != nil {
		idle = -1
	}
	text := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	return app.NewDevice{Name: text("name"), Settings: counter.DeviceSettings{
		Queues: form["queues"], Languages: form["languages"], Idle: idle, Layout: counter.Layout(text("layout")),
		Notice: directory.Text{Hans: text("notice"), Hant: text("notice_hant"), En: text("notice_en")},
		Chime:  text("chime") != "", Speech: text("speech") != "", Names: text("names") != "", Code: text("code") != "", Printer: counter.Printer(text("printer")), Bridge: strings.TrimSuffix(text("bridge"), "/"),
	}}
}

func (c *Console) device(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	d, err := c.App.HallDevice(r.Context(), ad, r.PathValue("hall"), r.PathValue("device"))
	if err != nil {
		return err
	}
	return c.showDevice(w, r, ad, d, "", nil)
}

func (c *Console) showDevice(w http.ResponseWriter, r *http.Request, ad *app.Admin, d counter.Device, code string, wrong error) error {
	l, hall, now := web.LocaleOf(r), d.HallID, c.App.Now()
	f, _ := c.hallFrame(w, r, ad, hall, d.Name)
	f.Path = append(f.Path, ui.Link{Text: l.T("device.title"), Href: devicesPath(hall)})
	f.Narrow = true
	v := deviceView{Device: d, Kind: d.Kind, Name: d.Name, Settings: d.Settings, Queues: c.App.City().QueuesAt(hall), Code: code, Enrol: c.Public + "/hall/enrol", Back: devicesPath(hall)}
	if code != "" {
		v.Until = web.Clock(d.CodeUntil)
	}
	if wrong != nil {
		n := deviceForm(r)
		v.Name, v.Settings = n.Name, n.Settings
	}
	v.Form = c.formView(&f, devicePath(hall, d.ID), wrong, deviceLabels(l))
	v.Facts = []Fact{{Key: l.T("device.kind"), Value: l.T("device.kind_" + string(d.Kind))}, {Key: l.T("device.state"), Part: ui.TagMark(deviceTag(l, d.State(now)))}}
	if !d.Seen.IsZero() {
		v.Facts = append(v.Facts, Fact{Key: l.T("device.seen"), Value: logTime(d.Seen)})
	}
	var err error
	if v.Pairing, err = c.App.DevicePairing(r.Context(), ad, hall, d.ID); err != nil {
		return err
	}
	version := [][2]string{{"version", strconv.Itoa(d.Version)}}
	v.Renew = Confirm{L: l, Action: devicePath(hall, d.ID) + "/renew", Token: f.Token, Text: l.T("device.renew_text"), Hidden: version, Yes: l.T("device.renew")}
	v.End = Confirm{L: l, Action: devicePath(hall, d.ID) + "/end", Token: f.Token, Text: l.T("device.end_text"), Hidden: version, Yes: l.T("device.end"), Danger: true}
	return web.Render(w, r, v.Form.status(), devicePage(f, v))
}

// versionOf is the version of what a form is about.
func versionOf(r *http.Request) int {
	n, err := strconv.Atoi(r.PostForm.Get("version"))
	if err != nil {
		return 0
	}
	return n
}

func (c *Console) changeDevice(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	hall, id := r.PathValue("hall"), r.PathValue("device")
	_, err := c.App.ChangeDevice(r.Context(), ad, hall, id, versionOf(r), deviceForm(r))
	if err != nil {
		if !comesBack(err) || fault.CodeOf(err) == fault.DeviceNotFound {
			return err
		}
		d, lost := c.App.HallDevice(r.Context(), ad, hall, id)
		if lost != nil {
			return lost
		}
		return c.showDevice(w, r, ad, d, "", err)
	}
	return web.SeeOther(w, r, devicesPath(hall)+"?done=saved")
}

func (c *Console) renewDevice(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	d, code, err := c.App.RenewDevice(r.Context(), ad, r.PathValue("hall"), r.PathValue("device"), versionOf(r))
	if err != nil {
		return err
	}
	return c.showDevice(w, r, ad, d, code, nil)
}

func (c *Console) endDevice(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	hall := r.PathValue("hall")
	if err := c.App.EndDevice(r.Context(), ad, hall, r.PathValue("device"), versionOf(r)); err != nil {
		return err
	}
	return web.SeeOther(w, r, devicesPath(hall)+"?done=ended")
}
