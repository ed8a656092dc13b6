package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

// What administrators do by program: the same acts as in the console, by the same road, with a token in
// place of a sign-in. A token does what its account may, within its scopes.

// tagAdmin is where the document lists them.
const tagAdmin = "Administration"

// adminPrefix begins the paths of all of them.
const adminPrefix = "/admin"

func (a *API) declareAdmin() {
	a.declareAdminHalls()
	a.declareAdminRequests()
	a.declareAdminDirectory()
	a.declareAdminAccounts()
	a.declareAdminPeople()
	a.declareAdminMissed()
	a.declareAdminSteps()
	a.declareAdminStanding()
	a.declareAdminLetters()
}

// administrator finds whom a request acts for, and refuses what they may not do. A hall they may not see
// is not found.
func (a *API) administrator(o *operation, r *http.Request) (*app.Admin, error) {
	h := r.Header.Values("Authorization")
	if len(h) != 1 {
		return nil, fault.New(fault.SignInRequired)
	}
	scheme, token, _ := strings.Cut(h[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, fault.New(fault.SignInRequired)
	}
	ad, err := a.app.AdminByToken(r.Context(), strings.TrimSpace(token))
	if err != nil {
		return nil, err
	}
	ad.Origin = web.Network(r)
	if a.admin != nil {
		if wait := a.admin.Take(ad.Account.ID); wait > 0 {
			return nil, fault.New(fault.TooManyRequests).After(wait)
		}
	}
	switch {
	case o.scope != "" && !slices.Contains(ad.Scopes, o.scope):
		return nil, fault.New(fault.NotAllowed)
	case o.act == "":
		return ad, nil
	case o.hall != "":
		return ad, a.app.Allow(ad, o.act, r.PathValue(o.hall))
	}
	for _, act := range []account.Action{o.act, o.or} {
		if act != "" && (a.app.May(ad, act, "") || !a.app.Scope(ad, act).None) {
			return ad, nil
		}
	}
	return nil, fault.New(fault.NotAllowed)
}

// adminRead declares an operation of administrators that only looks.
func adminRead[O any](a *API, o operation, h func(*call) (O, error)) {
	o.admin, o.method, o.tag, o.path = true, http.MethodGet, tagAdmin, adminPrefix+o.path
	read(a, o, h)
}

// adminAsk declares a question of administrators that needs a body. It changes nothing and takes no key.
func adminAsk[B, O any](a *API, o operation, h func(*call, *B) (O, error)) {
	o.admin, o.method, o.tag, o.path = true, http.MethodPost, tagAdmin, adminPrefix+o.path
	write(a, o, h)
}

// adminWrite declares an operation of administrators that does something: act does it and says to what;
// show answers with that. A request that was made before under the same key does nothing and is answered
// with what it was done to then.
func adminWrite[B, O any](a *API, o operation, act func(*call, *B) (subject string, err error), show func(c *call, b *B, subject string) (O, error)) {
	o.admin, o.write, o.tag, o.path = true, true, tagAdmin, adminPrefix+o.path
	if o.method == "" {
		o.method = http.MethodPost
	}
	o.headers = map[string]string{"Idempotency-Replayed": "true when the same request had been made before: nothing new was done."}
	bodyType := reflect.TypeFor[B]()
	a.declare(&o, bodyType, answerType[O]())
	s := a.shapes[o.id]
	optional := bodyType == reflect.TypeFor[nothing]()
	a.route(&o, func(c *call) (any, error) {
		raw, err := readBody(c.w, c.r, s, optional, MaxBody)
		if err != nil {
			return nil, err
		}
		b := new(B)
		if raw != nil {
			if err := json.Unmarshal(raw, b); err != nil {
				return nil, fault.New(fault.MalformedRequest)
			}
		}
		sum := sha256.Sum256([]byte(c.r.Method + "\x00" + c.r.URL.Path + "\x00" + string(raw)))
		ctx, err := a.app.Once(c.r.Context(), c.ad, c.key, hex.EncodeToString(sum[:]))
		subject := ""
		if err == nil {
			c.r = c.r.WithContext(ctx)
			if subject, err = act(c, b); err == nil {
				err = a.app.Settled(ctx)
			}
		}
		if _, key, done := app.Replayed(err); done {
			subject, err = key, nil
			c.w.Header().Set("Idempotency-Replayed", "true")
		}
		if err != nil {
			return nil, err
		}
		c.ad = reading(c.ad)
		return show(c, b, subject)
	})
}

// reading is who is answered with what they have just done: for that a token needs no scope to read. Without
// it an act would be done and answered as refused.
func reading(ad *app.Admin) *app.Admin {
	out := *ad
	if out.Scopes != nil {
		out.Scopes = append(slices.Clone(out.Scopes), app.ScopeRead)
	}
	return &out
}

// page reads which page of a list is asked for; its cursor is bound to the list and the account.
func (a *API) page(c *call, list string) (page, size int, err error) {
	size = c.int("limit", 50)
	place, err := a.cursors.open(a.listName(c, list), c.query["cursor"])
	if err != nil || place == "" {
		return 0, size, err
	}
	if page, err = strconv.Atoi(place); err != nil {
		err = fault.New(fault.CursorInvalid)
	}
	return page, size, err
}

// next is the cursor of the page behind, "" on the last.
func (a *API) next(c *call, list string, page, size, total int) string {
	if (page+1)*size >= total {
		return ""
	}
	return a.cursors.seal(a.listName(c, list), strconv.Itoa(page+1))
}

// listName binds a cursor to a list with its filters and to whose list it is.
func (a *API) listName(c *call, list string) string {
	name := list + "|" + c.ad.Account.ID
	for _, k := range []string{"limit", "q", "level", "unit", "open", "state", "kind", "origin", "hall", "mine", "to_decide", "to_report", "rank", "noun"} {
		name += "|" + c.query[k]
	}
	return name
}

// pageParams are the parameters of every list.
func pageParams(more ...param) []param {
	return append(more,
		inQuery("limit", "At most this many.", nil, whole(1, 100, 50)),
		inQuery("cursor", "next of the page before.", nil, text(maxCursor)))
}

type adminMe struct {
	Account string    `json:"account" doc:"The account the token acts for."`
	Rank    string    `json:"rank" enum:"platform-1,platform-2,municipal-1,municipal-2,district-1,district-2,district-3,clerk,system,security,audit"`
	Unit    adminUnit `json:"unit"`
	Scopes  []string  `json:"scopes" nullable:"false" doc:"What the token may be used for."`
	Halls   int       `json:"halls" doc:"Halls the account may supervise."`
	Expires time.Time `json:"expires" doc:"When the token ends."`
}

type adminUnit struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type adminHall struct {
	ID       string    `json:"id" example:"440103000000"`
	Name     string    `json:"name"`
	Level    string    `json:"level" enum:"city,district,street,village"`
	Unit     adminUnit `json:"unit"`
	District string    `json:"district,omitempty" doc:"Id of its district."`
	Street   string    `json:"street,omitempty" doc:"Id of its street or town."`
	Open     bool      `json:"open"`
	Queues   int       `json:"queues" doc:"How many queues it has."`
	Window   adminLoad `json:"window" doc:"Numbers of the days that can be booked now."`
	Today    adminLoad `json:"today"`
}

type adminLoad struct {
	Released int `json:"released" doc:"Numbers that can be, or could have been, booked."`
	Booked   int `json:"booked" doc:"Of those, taken."`
}

type adminHallPage struct {
	Halls []adminHall `json:"halls" nullable:"false"`
	Total int         `json:"total"`
	Next  string      `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type adminQueue struct {
	ID      string     `json:"id" example:"440103000000-social"`
	Line    string     `json:"line"`
	Name    string     `json:"name"`
	Open    bool       `json:"open"`
	Average int        `json:"daily_average" doc:"Numbers of a working day (Art. 15)."`
	Source  string     `json:"average_source" doc:"Where that comes from."`
	OnSite  int        `json:"on_site_per_mille" doc:"Share kept for the hall, of a thousand (Art. 14)."`
	Horizon int        `json:"grandfathered_horizon_days,omitempty" doc:"A longer window it had before the measure (Art. 14)."`
	Days    []adminDay `json:"days" nullable:"false" doc:"The days that have slots, from today on."`
}

type adminDay struct {
	Date  string      `json:"date" format:"date"`
	Hours []adminHour `json:"hours" nullable:"false"`
}

type adminHour struct {
	Hour    int  `json:"hour"`
	Planned int  `json:"planned" doc:"Off-site numbers, released or not."`
	Booked  int  `json:"booked" doc:"Of those, taken."`
	OnSite  int  `json:"on_site" doc:"Numbers kept for the hall (Art. 14)."`
	Closed  bool `json:"closed"`
}

type adminHallDetail struct {
	Hall     adminHall    `json:"hall"`
	Address  string       `json:"address"`
	Phone    string       `json:"phone"`
	Notice   string       `json:"notice,omitempty"`
	QueueSet []adminQueue `json:"queues" nullable:"false"`
}

func (a *API) declareAdminHalls() {
	adminRead(a, operation{id: "admin-me", path: "/me", about: "Whom the token acts for, and what it may be used for."}, a.adminMe)
	adminRead(a, operation{
		id: "admin-list-halls", path: "/halls", act: account.Supervise, about: "The halls the account may supervise, in the order of the tree; with q the best answers first.",
		params: pageParams(
			inQuery("q", "Part of a name, initials, or an id.", nil, text(60)),
			inQuery("level", "Halls of this level only.", nil, choice("city", "district", "street", "village")),
			inQuery("unit", "Halls at this unit and below it only.", nil, text(96)),
			inQuery("open", "Open, or closed, halls only.", nil, yesNo)),
		faults: []fault.Code{fault.CursorInvalid},
	}, a.adminHalls)
	adminRead(a, operation{
		id: "admin-get-hall", path: "/halls/{hall}", act: account.Supervise, hall: "hall", about: "One hall with its queues and their days.",
		params: []param{inPath("hall", "Id of the hall.", "440103000000", fault.HallNotFound)},
	}, a.adminHall)
}

func (a *API) adminMe(c *call) (adminMe, error) {
	out := adminMe{
		Account: c.ad.Account.ID, Rank: string(c.ad.Account.Rank), Unit: a.adminUnit(c.l, c.ad.Account.Unit), Scopes: []string{},
		Halls: len(a.app.Grove(c.ad, account.Supervise).Halls), Expires: c.ad.Expires.In(calendar.Zone),
	}
	for _, s := range c.ad.Scopes {
		out.Scopes = append(out.Scopes, string(s))
	}
	return out, nil
}

func (a *API) adminUnit(l web.Locale, id string) adminUnit {
	u := adminUnit{ID: id}
	if unit := a.app.City().Unit(id); unit != nil {
		u.Name = l.Text(unit.Name)
	}
	return u
}

func (a *API) adminHalls(c *call) (adminHallPage, error) {
	out := adminHallPage{Halls: []adminHall{}}
	page, size, err := a.page(c, "halls")
	if err != nil {
		return out, err
	}
	g := a.app.Grove(c.ad, account.Supervise)
	found := g.Halls
	if q := c.query["q"]; q != "" {
		found = g.Find(q, len(g.Halls))
	}
	var list []*directory.Hall
	for _, h := range found {
		if c.query["level"] != "" && string(h.Level) != c.query["level"] || c.query["open"] != "" && h.Open != (c.query["open"] == "true") ||
			c.query["unit"] != "" && !a.app.City().UnitHas(c.query["unit"], h.UnitID) {
			continue
		}
		list = append(list, h)
	}
	out.Total, out.Next = len(list), a.next(c, "halls", page, size, len(list))
	for _, h := range list[min(page*size, len(list)):min((page+1)*size, len(list))] {
		out.Halls = append(out.Halls, a.adminHallOf(c.l, h))
	}
	return out, nil
}

func (a *API) adminHallOf(l web.Locale, h *directory.Hall) adminHall {
	p := a.app.HallPicture(h.ID)
	return adminHall{
		ID: h.ID, Name: l.Text(h.Name), Level: string(h.Level), Unit: a.adminUnit(l, h.UnitID), District: h.DistrictID, Street: h.StreetID, Open: h.Open,
		Queues: len(a.app.City().QueuesAt(h.ID)), Window: adminLoad{p.Window.Released, p.Window.Booked}, Today: adminLoad{p.Today.Released, p.Today.Booked},
	}
}

func (a *API) adminHall(c *call) (adminHallDetail, error) {
	h := a.app.City().Hall(c.path("hall"))
	if h == nil {
		return adminHallDetail{}, fault.New(fault.HallNotFound)
	}
	out := adminHallDetail{Hall: a.adminHallOf(c.l, h), Address: c.l.Text(h.Address), Phone: h.Phone, Notice: c.l.Text(h.Notice), QueueSet: []adminQueue{}}
	for _, q := range a.app.City().QueuesAt(h.ID) {
		v := adminQueue{
			ID: q.ID, Line: q.Line, Name: c.l.Text(q.Name), Open: q.Open, Average: q.DailyAverage, Source: q.AverageSource, OnSite: q.OnSitePerMille,
			Horizon: q.GrandfatheredHorizon, Days: []adminDay{},
		}
		for _, d := range a.app.QueueDays(q.ID) {
			day := adminDay{Date: d.Date.String(), Hours: []adminHour{}}
			for _, h := range d.Hours {
				day.Hours = append(day.Hours, adminHour{h.Hour, h.Planned, h.Booked, h.OnSite, h.Closed})
			}
			v.Days = append(v.Days, day)
		}
		out.QueueSet = append(out.QueueSet, v)
	}
	return out, nil
}
