package counter

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
)

// DeviceKind is what a machine in a hall is for.
type DeviceKind string

const (
	Kiosk   DeviceKind = "kiosk"   // visitors check in and take numbers at it
	Display DeviceKind = "display" // shows whom the counters call
)

// DeviceKinds lists them.
var DeviceKinds = []DeviceKind{Kiosk, Display}

// Layout is how a display shows the calls.
type Layout string

const (
	LayoutCall     Layout = "call"     // the newest call in large figures, the last four below
	LayoutQueues   Layout = "queues"   // a line for each queue
	LayoutBoard    Layout = "board"    // a field for each counter
	LayoutPortrait Layout = "portrait" // for a screen that stands upright: the call, the last four, the queues
)

// Layouts lists them; the first is what a display has until somebody sets another.
var Layouts = []Layout{LayoutCall, LayoutQueues, LayoutBoard, LayoutPortrait}

// Printer is how a kiosk puts a number on paper.
type Printer string

const (
	NoPrinter      Printer = "none"    // the number is on the screen and on the phone
	ThermalPrinter Printer = "escpos"  // 80 mm roll, ESC/POS, through the bridge
	BrowserPrinter Printer = "browser" // whatever the browser of the machine prints to
)

// Printers lists them.
var Printers = []Printer{ThermalPrinter, BrowserPrinter, NoPrinter}

// Languages a device may speak, as BCP 47 tags; the first of its own is the one it starts in.
var Languages = []string{"zh-Hans", "zh-Hant", "en"}

// DeviceSettings is what an administrator sets for one device from afar.
type DeviceSettings struct {
	Queues    []string       `json:"queues,omitempty"` // shown; none = all of the hall
	Languages []string       `json:"languages"`
	Idle      int            `json:"idle"`   // seconds until a kiosk goes back to its start: 10 to 120
	Layout    Layout         `json:"layout"` // displays
	Notice    directory.Text `json:"notice,omitzero"`
	Chime     bool           `json:"chime"`  // displays: a sound with each call; kiosks: with each touch that was taken
	Speech    bool           `json:"speech"` // displays: calls are spoken, in each of its languages; kiosks: what is touched is read out
	Names     bool           `json:"names"`  // displays: the masked name beside the number
	Code      bool           `json:"code"`   // displays: the hall's code of the day, for phones that check in
	Printer   Printer        `json:"printer"`
	Bridge    string         `json:"bridge,omitempty"`  // http://127.0.0.1:port of the program that reads documents and prints, "" for none
	Pairing   []byte         `json:"pairing,omitempty"` // sealed: the secret page and bridge share
}

// Limits of a device's settings.
const (
	IdleDefault = 30
	IdleLeast   = 10
	IdleMost    = 120

	mostDeviceName = 40
	mostNotice     = 120
)

// NewDeviceSettings is what a device begins with.
func NewDeviceSettings(k DeviceKind) DeviceSettings {
	s := DeviceSettings{Languages: slices.Clone(Languages), Idle: IdleDefault, Layout: Layouts[0], Chime: true, Speech: true, Names: true, Printer: NoPrinter}
	if k == Kiosk {
		s.Printer = ThermalPrinter
	}
	return s
}

// CheckDevice tells what is wrong with a device's name and settings; queues are those of its hall. Wrong
// fields are name, kind, queues, languages, idle, layout, notice, printer and bridge.
func CheckDevice(k DeviceKind, name string, s DeviceSettings, queues []string) (wrong []fault.Field) {
	bad := func(path string, code fault.Code) { wrong = append(wrong, fault.Field{Path: path, Code: code}) }
	if !slices.Contains(DeviceKinds, k) {
		bad("kind", fault.NotOneOf)
	}
	switch n := len([]rune(name)); {
	case strings.TrimSpace(name) == "":
		bad("name", fault.Required)
	case n > mostDeviceName:
		bad("name", fault.TooLong)
	}
	if slices.ContainsFunc(s.Queues, func(q string) bool { return !slices.Contains(queues, q) }) {
		bad("queues", fault.NotOneOf)
	}
	seen := map[string]bool{}
	for _, l := range s.Languages {
		if !slices.Contains(Languages, l) || seen[l] {
			bad("languages", fault.NotOneOf)
			break
		}
		seen[l] = true
	}
	if len(s.Languages) == 0 {
		bad("languages", fault.Required)
	}
	if s.Idle < IdleLeast || s.Idle > IdleMost {
		bad("idle", fault.OutOfRange)
	}
	if !slices.Contains(Layouts, s.Layout) {
		bad("layout", fault.NotOneOf)
	}
	for _, text := range []string{s.Notice.Hans, s.Notice.Hant, s.Notice.En} {
		if len([]rune(text)) > mostNotice {
			bad("notice", fault.TooLong)
			break
		}
	}
	if !slices.Contains(Printers, s.Printer) {
		bad("printer", fault.NotOneOf)
	}
	switch {
	case s.Bridge != "" && !loopback(s.Bridge):
		bad("bridge", fault.BadFormat)
	case s.Bridge == "" && s.Printer == ThermalPrinter && k == Kiosk:
		bad("bridge", fault.Required)
	}
	return wrong
}

// loopback tells whether s is an address of the machine itself and nothing more: what a page may talk to
// beside us.
func loopback(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.Port() == "" {
		return false
	}
	a, err := netip.ParseAddr(u.Hostname())
	return (err == nil && a.IsLoopback() || u.Hostname() == "localhost") && u.String() == s
}

// DeviceState is how a device is doing.
type DeviceState string

const (
	DeviceWaiting DeviceState = "waiting" // to be enrolled
	DeviceLapsed  DeviceState = "lapsed"  // to be enrolled, and its code is over
	DeviceHere    DeviceState = "here"
	DeviceSilent  DeviceState = "silent" // enrolled and not heard of
	DeviceOver    DeviceState = "ended"
)

// How long a device may say nothing before it counts as silent, and how long a code to enrol one is good.
const (
	DeviceQuiet    = 3 * time.Minute
	DeviceCodeLife = 30 * time.Minute
)

// Device is a kiosk or a display of a hall.
type Device struct {
	ID        string
	HallID    string
	Kind      DeviceKind
	Name      string
	Settings  DeviceSettings
	Version   int
	Keyed     bool      // a machine holds its key
	CodeUntil time.Time // of the code to enrol it; zero for none
	Enrolled  time.Time
	Seen      time.Time
	Ended     time.Time
}

// State tells how a device is doing.
func (d Device) State(now time.Time) DeviceState {
	switch {
	case !d.Ended.IsZero():
		return DeviceOver
	case !d.Keyed && now.Before(d.CodeUntil):
		return DeviceWaiting
	case !d.Keyed:
		return DeviceLapsed
	case now.Sub(d.Seen) > DeviceQuiet:
		return DeviceSilent
	}
	return DeviceHere
}

// Shows tells whether a device has to do with a queue.
func (s DeviceSettings) Shows(queue string) bool {
	return len(s.Queues) == 0 || slices.Contains(s.Queues, queue)
}
