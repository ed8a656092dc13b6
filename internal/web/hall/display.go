package hall

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

func (h *Hall) displayRoutes() {
	h.displays = newBroadcast(h.App.WatchFloor, h.floorEvent, h.Log)
	h.add("GET "+displayPath, counter.Display, h.display)
	h.add("GET "+displayPath+"/events", counter.Display, h.displayEvents)
	h.add("GET "+displayPath+"/code.svg", counter.Display, h.displayCode)
	h.add("GET "+displayPath+"/sounds/{lang}/{file}", counter.Display, h.displaySound)
}

func (h *Hall) picture(ctx context.Context, hall string) (picture, error) {
	v, err := h.App.FloorView(ctx, hall)
	if err != nil {
		return picture{}, err
	}
	return pictureOf(v), nil
}

func (h *Hall) floorEvent(ctx context.Context, hall string) ([]byte, error) {
	p, err := h.picture(ctx, hall)
	if err != nil {
		return nil, err
	}
	return p.event()
}

// How the page and the stream keep in touch.
const (
	beatEvery = 10 * time.Second       // a comment with the time, when nothing else was sent
	retryFor  = 500 * time.Millisecond // before a reader that lost the stream connects again, for readers that ask
)

// displayEvents is a display's stream: the whole picture of the hall when it connects and with each change.
// Between them a comment with the time, ": now" and milliseconds, says that the line holds. "event: page"
// says which page goes with it: a display that shows another one loads it anew, after a new version of
// the program or of its settings. "event: bye" says that the server is about to stop.
func (h *Hall) displayEvents(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	changed, stopDevice := h.App.WatchDevice(d)
	defer stopDevice()
	if err := h.renew(w, r, d); err != nil {
		return err
	}
	st, done, err := h.Site.Stream(w, r)
	if err != nil {
		return err
	}
	defer done()
	room, leave := h.displays.join(d.HallID)
	defer leave()

	beat := time.NewTimer(beatEvery)
	defer beat.Stop()
	if st.Send(web.Retry(retryFor), h.now(), []byte("event: page\ndata: "+displayVersion(d.Device)+"\n\n")) != nil {
		return nil
	}
	var sent []byte
	for {
		event, newer := h.displays.look(room)
		if event != nil && (sent == nil || &event[0] != &sent[0]) {
			if st.Send(h.now(), event) != nil {
				return nil
			}
			sent = event
			beat.Reset(beatEvery)
		}
		select {
		case <-st.Context().Done():
			return nil
		case <-st.Leaving():
			_ = st.Send([]byte("event: bye\ndata:\n\n")) // it is over either way
			return nil
		case <-newer:
		case <-changed:
			now, err := h.App.Device(st.Context(), h.Cookies.Session(r))
			if err != nil { // the key was taken away: the page is told so when it asks again
				_ = st.Send([]byte("event: page\ndata: gone\n\n"))
				return nil
			}
			if st.Send([]byte("event: page\ndata: "+displayVersion(now.Device)+"\n\n")) != nil {
				return nil
			}
		case <-beat.C:
			if st.Send(h.now(), []byte("\n")) != nil {
				return nil
			}
			beat.Reset(beatEvery)
		}
	}
}

// now is the comment with the time.
func (h *Hall) now() []byte {
	return append(strconv.AppendInt([]byte(": now "), h.App.Now().UnixMilli(), 10), '\n')
}

// program names what the pages of displays are made of: another name, another page.
var program = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(web.AssetURL("display.js") + web.AssetURL("announce.js") + web.AssetURL("display.css")))
	return hex.EncodeToString(sum[:4])
})

// displayVersion names the page of a display as it is set now.
func displayVersion(d counter.Device) string { return program() + "-" + strconv.Itoa(d.Version) }

// displayView is the page of a display. Without scripts it loads itself again every ten seconds.
type displayView struct {
	L       web.Locale
	Device  counter.Device
	Version string
	Picture picture // of what this display shows
	Clock   string
	Day     string
	Code    string // address of the day's code as an image, "" where it is not shown
	Sounds  string // where recordings are, "" for none
}

func (h *Hall) display(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	p, err := h.picture(r.Context(), d.HallID)
	if err != nil {
		return err
	}
	if err := h.renew(w, r, d); err != nil {
		return err
	}
	now := h.App.Now()
	v := displayView{
		L: displayLocale(d.Device), Device: d.Device, Version: displayVersion(d.Device), Picture: p.only(d.Settings), Clock: web.Clock(now),
	}
	v.Day = v.L.LongDate(calendar.DateOf(now))
	if d.Settings.Code && h.DayCode != nil {
		v.Code = displayPath + "/code.svg"
	}
	if h.Sounds != "" {
		v.Sounds = displayPath + "/sounds"
	}
	return web.Render(w, r, http.StatusOK, displayPage(v))
}

// displayLocale is the language a display is written in: the first of those it has.
func displayLocale(d counter.Device) web.Locale {
	if len(d.Settings.Languages) > 0 {
		if l, ok := web.ParseLocale(d.Settings.Languages[0]); ok {
			return l
		}
	}
	return web.Hans
}

// displayCode is the hall's code of the day as an image: a phone that reads it is in the hall.
func (h *Hall) displayCode(w http.ResponseWriter, _ *http.Request, d *app.Device) error {
	if h.DayCode == nil || !d.Settings.Code {
		return fault.New(fault.NoSuchPage)
	}
	url, err := h.DayCode(d.HallID)
	if err != nil {
		return err
	}
	svg := codeSVG(url)
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(svg) // an error here is the reader gone away
	return nil
}

// words is what the script of a display says, each language by its tag: how calls are spoken, and what
// stands on the page in the page's own.
func (v displayView) words() string {
	say := map[string]string{}
	for _, tag := range v.Device.Settings.Languages {
		if l, ok := web.ParseLocale(tag); ok {
			say[tag] = l.T("display.speech")
		}
	}
	t := v.L.T
	out, _ := json.Marshal(map[string]any{ // strings only: it cannot fail
		"say": say, "to": t("display.to"), "waiting": t("display.waiting"), "wait": t("display.wait"), "nobody": t("display.no_wait"), "open": t("display.state.open"),
		"paused": t("display.state.paused"), "stale": t("display.stale"), "staleLong": t("display.stale_long"), "spoken": t("display.spoken"), "none": t("display.none"),
		"over": t("display.over"), "unknown": t("display.unknown"), "again": t("display.again"),
	})
	return string(out)
}

func (v displayView) queues() string { return strings.Join(v.Device.Settings.Queues, " ") }

func (v displayView) languages() string { return strings.Join(v.Device.Settings.Languages, " ") }

// newest is the call in large figures, nil while nobody was called.
func (v displayView) newest() *pictureCall {
	if len(v.Picture.Calls) == 0 {
		return nil
	}
	return &v.Picture.Calls[0]
}

// last is the four calls before it.
func (v displayView) last() []pictureCall {
	if len(v.Picture.Calls) < 2 {
		return nil
	}
	return v.Picture.Calls[1:min(len(v.Picture.Calls), 5)]
}

// fullScreen is how many counters or queues are shown at once; a script turns the pages of more.
const fullScreen = 24

func (v displayView) counters() []pictureCounter {
	return v.Picture.Counters[:min(len(v.Picture.Counters), fullScreen)]
}

// lines are the queues as rows, at most half as many as counters, without those that nobody serves and
// nobody waits in, unless that is all of them.
func (v displayView) lines() []pictureQueue {
	var some []pictureQueue
	for _, q := range v.Picture.Queues {
		if q.Seats > 0 || q.Waiting > 0 {
			some = append(some, q)
		}
	}
	if len(some) == 0 {
		some = v.Picture.Queues
	}
	return some[:min(len(some), fullScreen/2)]
}

// steps are the numbers of fields for which the style sheet has a size.
var steps = []int{1, 2, 4, 6, 9, 12, 16, 20, 24}

func step(n int) string {
	i, _ := slices.BinarySearch(steps, n)
	return "n" + strconv.Itoa(steps[min(i, len(steps)-1)])
}

// wait says how long somebody waits who takes a number now.
func (v displayView) wait(q pictureQueue) string {
	switch {
	case q.Early < 0 || q.Seats == 0:
		return v.L.T("display.unknown")
	case q.Late == 0:
		return v.L.T("display.no_wait")
	}
	return v.L.T("display.wait", "early", strconv.Itoa(q.Early), "late", strconv.Itoa(q.Late))
}

func (v displayView) notice() string {
	var parts []string
	for _, s := range []string{v.L.Text(v.Device.Settings.Notice), v.L.Text(v.Picture.Notice)} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " · ")
}

// said is a call as readers of the screen are told of it.
func (v displayView) said(c *pictureCall) string {
	return v.L.T("display.spoken", "number", c.Number, "counter", c.Counter)
}
