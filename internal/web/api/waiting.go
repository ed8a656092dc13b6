package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

// queueWaiting is the wait at one queue.
type queueWaiting struct {
	Queue    queueRef  `json:"queue"`
	State    string    `json:"state" enum:"open,paused,not_begun,over,closed_day" doc:"Whether counters call from it now."`
	Waiting  int       `json:"waiting" doc:"People in line."`
	Counters int       `json:"counters" doc:"Open counters that call from it."`
	Wait     *waitSpan `json:"wait,omitempty" doc:"Of somebody who takes a number now; absent where nothing can be told."`
}

type waitSpan struct {
	Early int  `json:"early_minutes" doc:"The wait should last at least so many minutes …"`
	Late  int  `json:"late_minutes" doc:"… and at most so many; both 0: a counter is free."`
	Usual bool `json:"usual" doc:"No counter is open now: this is what is usual at this hour."`
}

// HallWaiting is the wait at a hall.
type HallWaiting struct {
	Hall   HallRef        `json:"hall"`
	At     time.Time      `json:"at" doc:"When it was so, RFC 3339, +08:00."`
	Queues []queueWaiting `json:"queues" nullable:"false"`
	Km     *float64       `json:"km,omitempty" doc:"As the crow flies from near."`
}

// waitCoverage says how often ranges hold.
type waitCoverage struct {
	Stated   float64  `json:"stated" doc:"Share of waits that a range is meant to hold." example:"0.8"`
	Measured *float64 `json:"measured,omitempty" doc:"Share it held over the last 28 days; absent while too few were told."`
	Told     int      `json:"told" doc:"Ranges it was measured by."`
}

type hallWaitingAnswer struct {
	HallWaiting
	Coverage waitCoverage `json:"coverage"`
}

type waitingPage struct {
	Halls    []HallWaiting `json:"halls" nullable:"false"`
	Total    int           `json:"total" doc:"How many there are in all."`
	Next     string        `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
	Coverage waitCoverage  `json:"coverage"`
}

// leastMeasured is how many ranges must have been told before their coverage is given.
const leastMeasured = 200

func (a *API) declareWaiting() {
	about := "Some seconds old, as at says. Ask again with If-None-Match: while nothing has changed the answer is 304."
	tag := map[string]string{"ETag": "Changes with the waits."}
	most := 20
	read(a, operation{
		id: "list-waiting", method: http.MethodGet, path: "/waiting", tag: "Waiting", headers: tag,
		about: "How long people wait at the halls of the city now, as ranges with a stated coverage (2025 regulation). " + about,
		params: []param{
			inQuery("district", "Id of a district.", "440103000000", text(32)),
			inQuery("item", "Only queues that serve this item.", "SI-0001", text(36)),
			inQuery("near", "Latitude and longitude, WGS-84, rounded to two decimals (about 1 km) or fewer.", "23.13,113.26",
				huma.Schema{Type: "string", Pattern: `^-?\d{1,2}(\.\d{1,2})?,-?\d{1,3}(\.\d{1,2})?$`, MaxLength: &most}),
			inQuery("sort", "wait: the shortest first. distance needs near.", nil, choice("district", "wait", "distance")),
			inQuery("limit", "At most this many.", nil, whole(1, 100, 10)),
			inQuery("cursor", "next of the page before, with the same other parameters.", nil, text(maxCursor)),
		},
		faults: []fault.Code{fault.CursorInvalid},
	}, a.listWaiting)
	read(a, operation{
		id: "get-hall-waiting", method: http.MethodGet, path: "/halls/{hall}/waiting", tag: "Waiting", headers: tag,
		about:  "How long people wait at each queue of a hall now. " + about,
		params: []param{inPath("hall", "Id of the hall.", "440103000000", fault.HallNotFound)},
	}, a.getHallWaiting)
}

func (a *API) listWaiting(c *call) (written[waitingPage], error) {
	q := app.WaitQuery{District: c.query["district"], Item: c.query["item"], Sort: app.Sorting(c.query["sort"]), Limit: c.int("limit", 10)}
	if q.Sort == "" {
		q.Sort = app.ByDistrict
	}
	if near := c.query["near"]; near != "" {
		lat, lng, _ := strings.Cut(near, ",")
		p := app.Place{}
		p.Latitude, _ = strconv.ParseFloat(lat, 64) // the schema has checked the form
		p.Longitude, _ = strconv.ParseFloat(lng, 64)
		if p.Latitude < -90 || p.Latitude > 90 || p.Longitude < -180 || p.Longitude > 180 {
			return written[waitingPage]{}, fault.InvalidFields(fault.Field{Path: "near", Code: fault.OutOfRange})
		}
		q.Near = &p
	} else if q.Sort == app.ByDistance {
		return written[waitingPage]{}, fault.InvalidFields(fault.Field{Path: "near", Code: fault.Required})
	}
	list := strings.Join([]string{"waiting", q.District, q.Item, string(q.Sort), c.query["near"]}, "|")
	place, err := a.cursors.open(list, c.query["cursor"])
	if err != nil {
		return written[waitingPage]{}, err
	}
	if place != "" {
		if q.Offset, err = strconv.Atoi(place); err != nil {
			return written[waitingPage]{}, fault.New(fault.CursorInvalid)
		}
	}
	page, total := a.app.CityWaiting(q)
	out := waitingPage{Halls: []HallWaiting{}, Total: total, Coverage: a.coverage()}
	for _, h := range page {
		out.Halls = append(out.Halls, a.waitingAt(c.l, h))
	}
	if end := q.Offset + len(page); end < total && len(page) > 0 {
		out.Next = a.cursors.seal(list, strconv.Itoa(end))
	}
	// A cursor is sealed anew each time: the tag is of what it leads to.
	return written[waitingPage]{}, c.tagged(out, strconv.Itoa(q.Offset+len(page)), func() any {
		plain := out
		plain.Next = ""
		return plain
	}())
}

func (a *API) getHallWaiting(c *call) (written[hallWaitingAnswer], error) {
	h, err := a.app.Waiting(c.r.Context(), c.path("hall"))
	if err != nil {
		return written[hallWaitingAnswer]{}, err
	}
	out := hallWaitingAnswer{a.waitingAt(c.l, h), a.coverage()}
	return written[hallWaitingAnswer]{}, c.tagged(out, "", out)
}

// tagged answers with out, or with 304 if the asker has what of says already.
func (c *call) tagged(out any, more string, of any) error {
	told, err := json.Marshal(of)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(append(told, more...))
	tag, h := `"`+hex.EncodeToString(sum[:8])+`"`, c.w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "public, no-cache")
	h.Set("Vary", "Accept-Language")
	if matches(c.r.Header.Get("If-None-Match"), tag) {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	h.Set("Content-Type", "application/json")
	_, _ = c.w.Write(append(body, '\n')) // an error here is the reader gone away
	return nil
}

func (a *API) waitingAt(l web.Locale, h app.HallWaiting) HallWaiting {
	out := HallWaiting{Hall: a.hallRef(l, h.Hall), At: h.At.In(calendar.Zone).Truncate(time.Second), Queues: []queueWaiting{}}
	if h.Km >= 0 {
		out.Km = &h.Km
	}
	for _, q := range h.Queues {
		w := queueWaiting{Queue: queueRef{q.Queue.ID, l.Text(q.Queue.Name)}, State: string(q.State), Waiting: q.Waiting, Counters: q.Counters}
		if q.Wait.Known {
			w.Wait = &waitSpan{int(q.Wait.Early / time.Minute), int(q.Wait.Late / time.Minute), q.Usual}
		}
		out.Queues = append(out.Queues, w)
	}
	return out
}

func (a *API) coverage() waitCoverage {
	told, held := a.app.WaitCoverage()
	out := waitCoverage{Stated: counter.CoverageGoal, Told: told}
	if told >= leastMeasured {
		share := float64(held*1000/told) / 1000
		out.Measured = &share
	}
	return out
}
