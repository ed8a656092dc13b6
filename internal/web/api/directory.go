package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

func (a *API) declareDirectory() {
	const stable, live = "public, max-age=60", "public, no-cache"
	read(a, operation{
		id: "list-items", method: http.MethodGet, path: "/items", tag: "Directory", cache: stable,
		about: "Items whose name, everyday words or pinyin initials match; without q the popular ones.",
		params: []param{
			inQuery("q", "What somebody would type.", "社保卡", text(100)),
			inQuery("limit", "At most this many.", nil, whole(1, 50, 20)),
		},
	}, a.listItems)
	item := inPath("item", "Code of the item.", "SI-0001", fault.ItemNotFound)
	read(a, operation{
		id: "get-item", method: http.MethodGet, path: "/items/{item}", tag: "Directory", cache: stable,
		about: "One item, with what to bring and its on-line way.", params: []param{item},
	}, a.getItem)
	read(a, operation{
		id: "list-halls-of-item", method: http.MethodGet, path: "/items/{item}/halls", tag: "Directory", cache: live,
		about: "Halls that offer an item, with their next free time.",
		params: []param{
			item,
			inQuery("district", "Id of a district.", "440103000000", text(32)),
			inQuery("street", "Id of a street or town.", "440103001000", text(32)),
			inQuery("stage", "Only halls that offer this stage.", nil, choice("consultation", "acceptance", "collection")),
			inQuery("units", "Free numbers needed in one slot.", nil, whole(1, 1000, 1)),
			inQuery("near", "Latitude and longitude, WGS-84, rounded to three decimals (about 100 m) or fewer.", "23.129,113.264", nearSchema()),
			inQuery("sort", "next: soonest free first. distance needs near.", nil, choice("next", "distance", "name")),
			inQuery("limit", "At most this many.", nil, whole(1, 100, 10)),
			inQuery("cursor", "next of the page before, with the same other parameters.", nil, text(maxCursor)),
		},
		faults: []fault.Code{fault.CursorInvalid},
	}, a.listHalls)
	read(a, operation{
		id: "get-hall", method: http.MethodGet, path: "/halls/{hall}", tag: "Directory", cache: stable,
		about:  "One hall and what it offers.",
		params: []param{inPath("hall", "Id of the hall.", "440103000000", fault.HallNotFound)},
	}, a.getHall)
	read(a, operation{
		id: "list-districts", method: http.MethodGet, path: "/districts", tag: "Directory", cache: "public, max-age=300",
		about: "Districts with their streets and towns.",
	}, a.listDistricts)
	read(a, operation{
		id: "get-availability", method: http.MethodGet, path: "/queues/{queue}/availability", tag: "Availability",
		about: "What is free in a queue, date by date and hour by hour, at most 250 ms old. Ask again with If-None-Match: " +
			"while nothing has changed the answer is 304. It is a picture, not a promise: booking decides.",
		params:  []param{inPath("queue", "Id of the queue.", "440103000000-social", fault.QueueNotFound)},
		headers: map[string]string{"ETag": "Changes when a number is taken or given back, at a release and at the end of a day."},
	}, a.getAvailability)
	read(a, operation{
		id: "get-release", method: http.MethodGet, path: "/release", tag: "Availability", cache: live,
		about: "The next release of numbers and the dates it opens.",
	}, a.getRelease)
}

func nearSchema() huma.Schema {
	most := 24
	return huma.Schema{Type: "string", Pattern: `^-?\d{1,2}(\.\d{1,3})?,-?\d{1,3}(\.\d{1,3})?$`, MaxLength: &most}
}

func (a *API) listItems(c *call) (itemList, error) {
	out := itemList{Items: []item{}}
	for _, it := range a.app.SearchItems(c.query["q"], c.int("limit", 20)) {
		out.Items = append(out.Items, a.item(c.l, it))
	}
	return out, nil
}

func (a *API) getItem(c *call) (item, error) {
	it, err := a.app.Item(c.path("item"))
	if err != nil {
		return item{}, err
	}
	return a.item(c.l, it), nil
}

func (a *API) item(l web.Locale, it *directory.Item) item {
	out := item{
		ItemRef: ItemRef{it.Code, l.Text(it.Name)}, Summary: l.Text(it.Summary), Category: it.Category,
		Stages: stages(it.Stages), Materials: texts(l, it.Materials), OnlineURL: it.OnlineURL,
		SelfService: it.SelfService, Foreigner: it.Foreigner, Minutes: it.Minutes,
	}
	if it.OnlineURL != "" {
		out.OnlineName = l.Text(it.OnlineName)
	}
	if u := a.app.City().Unit(it.Department); u != nil {
		out.Department = l.Text(u.Name)
	}
	return out
}

func stages(set directory.Stages) []string {
	out := make([]string, len(set))
	for i, s := range set {
		out[i] = string(s)
	}
	return out
}

func texts(l web.Locale, list []directory.Text) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = l.Text(t)
	}
	return out
}

func (a *API) listHalls(c *call) (hallPage, error) {
	q := app.HallQuery{
		Item: c.path("item"), Stage: directory.Stage(c.query["stage"]), District: c.query["district"], Street: c.query["street"],
		Units: c.int("units", 1), Sort: app.Sorting(c.query["sort"]), Limit: c.int("limit", 10),
	}
	if q.Sort == "" {
		q.Sort = app.ByNext
	}
	if near := c.query["near"]; near != "" {
		lat, lng, _ := strings.Cut(near, ",")
		p := app.Place{}
		p.Latitude, _ = strconv.ParseFloat(lat, 64) // the schema has checked the form
		p.Longitude, _ = strconv.ParseFloat(lng, 64)
		if p.Latitude < -90 || p.Latitude > 90 || p.Longitude < -180 || p.Longitude > 180 {
			return hallPage{}, fault.InvalidFields(fault.Field{Path: "near", Code: fault.OutOfRange})
		}
		q.Near = &p
	} else if q.Sort == app.ByDistance {
		return hallPage{}, fault.InvalidFields(fault.Field{Path: "near", Code: fault.Required})
	}
	list := strings.Join([]string{"halls", q.Item, string(q.Stage), q.District, q.Street, strconv.Itoa(q.Units), string(q.Sort), c.query["near"]}, "|")
	place, err := a.cursors.open(list, c.query["cursor"])
	if err != nil {
		return hallPage{}, err
	}
	if place != "" {
		if q.Offset, err = strconv.Atoi(place); err != nil {
			return hallPage{}, fault.New(fault.CursorInvalid)
		}
	}
	page, total, err := a.app.Halls(q)
	if err != nil {
		return hallPage{}, err
	}
	out := hallPage{Halls: []hallOffer{}, Total: total}
	for _, o := range page {
		h := hallOffer{
			Hall: a.hallRef(c.l, o.Hall), Queue: queueRef{o.Queue.ID, c.l.Text(o.Queue.Name)},
			Stages: stages(o.Offering.Stages), BatchMax: max(o.Offering.BatchMax, 1), NextDay: o.NextFree,
		}
		if o.Next != nil {
			s := slotOf(*o.Next)
			h.Next = &s
		}
		if o.Km >= 0 {
			h.Km = &o.Km
		}
		out.Halls = append(out.Halls, h)
	}
	if end := q.Offset + len(page); end < total && len(page) > 0 {
		out.Next = a.cursors.seal(list, strconv.Itoa(end))
	}
	return out, nil
}

func (a *API) hallRef(l web.Locale, h *directory.Hall) HallRef {
	out := HallRef{
		ID: h.ID, Name: l.Text(h.Name), Level: string(h.Level), Address: l.Text(h.Address), Phone: h.Phone,
		Latitude: h.Latitude, Longitude: h.Longitude,
	}
	if u := a.app.City().Unit(h.DistrictID); u != nil {
		out.District = &Place{u.ID, l.Text(u.Name)}
	}
	if u := a.app.City().Unit(h.StreetID); u != nil {
		out.Street = &Place{u.ID, l.Text(u.Name)}
	}
	return out
}

func (a *API) getHall(c *call) (hall, error) {
	city := a.app.City()
	h := city.Hall(c.path("hall"))
	if h == nil {
		return hall{}, fault.New(fault.HallNotFound)
	}
	out := hall{HallRef: a.hallRef(c.l, h), Notice: c.l.Text(h.Notice), Open: h.Open, Offers: []offer{}}
	for _, o := range city.OffersAt(h.ID) {
		out.Offers = append(out.Offers, offer{
			Item:   ItemRef{o.ItemCode, c.l.Text(city.Item(o.ItemCode).Name)},
			Queue:  queueRef{o.QueueID, c.l.Text(city.Queue(o.QueueID).Name)},
			Stages: stages(o.Stages), BatchMax: max(o.BatchMax, 1),
		})
	}
	return out, nil
}

func (a *API) listDistricts(c *call) (districtList, error) {
	city := a.app.City()
	out := districtList{Districts: []district{}}
	for _, u := range city.Districts() {
		d := district{Place: Place{u.ID, c.l.Text(u.Name)}, Streets: []Place{}}
		for _, s := range city.Below(u.ID) {
			if s.Kind == directory.Street {
				d.Streets = append(d.Streets, Place{s.ID, c.l.Text(s.Name)})
			}
		}
		out.Districts = append(out.Districts, d)
	}
	return out, nil
}

func slotOf(v app.SlotView) slot {
	s := slot{
		ID: v.ID, Date: v.Date.String(), Hour: v.Hour, Start: v.Date.At(v.Hour, 0), End: v.Date.At(v.Hour+1, 0),
		State: string(v.State), Free: v.Free,
	}
	if v.State == app.SlotNotReleased {
		s.Release = &v.From
	}
	return s
}

// picture writes what is free in a queue. It is kept until something changes, so it names no language
// and nobody.
func picture(queue string, days []app.DayView) []byte {
	out := availability{Queue: queue, Days: make([]day, 0, len(days))}
	for _, d := range days {
		v := day{Date: d.Date.String(), State: string(d.State), Free: d.Free, Festival: d.Festival, Slots: make([]slot, 0, len(d.Slots))}
		if d.State == app.DayNotReleased {
			v.Release = &d.From
		}
		for _, s := range d.Slots {
			v.Slots = append(v.Slots, slotOf(s))
		}
		out.Days = append(out.Days, v)
	}
	b, err := json.Marshal(out)
	if err != nil {
		panic("api: picture: " + err.Error()) // plain texts, numbers and times of four-digit years
	}
	return append(b, '\n')
}

// getAvailability answers from the encoded picture: no SQL, and nothing encoded while it stands.
func (a *API) getAvailability(c *call) (written[availability], error) {
	queue, w := c.path("queue"), c.w
	q := a.app.City().Queue(queue)
	if q == nil || !q.Open {
		return written[availability]{}, fault.New(fault.QueueNotFound)
	}
	h := w.Header()
	h.Set("Cache-Control", "public, no-cache")
	if asked := c.r.Header.Get("If-None-Match"); asked != "" {
		if tag := `"` + a.app.Tag(queue) + `"`; matches(asked, tag) {
			h.Set("ETag", tag)
			w.WriteHeader(http.StatusNotModified)
			return written[availability]{}, nil
		}
	}
	tag, body := a.app.Picture(queue, func(days []app.DayView) []byte { return picture(queue, days) })
	h.Set("ETag", `"`+tag+`"`)
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	// An error here is the reader gone away.
	_, _ = w.Write(body)
	return written[availability]{}, nil
}

func (a *API) getRelease(*call) (release, error) {
	at, dates := a.app.NextRelease()
	out := release{At: at, Now: a.app.Now().In(calendar.Zone).Truncate(time.Second), Dates: []string{}}
	for _, d := range dates {
		out.Dates = append(out.Dates, d.String())
	}
	return out, nil
}
