package api

import (
	"net/http"
	"strconv"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
)

// Open data, releases and the changes of them: what anybody may check (docs/adr/0031-the-city-picture.md).

type openDay struct {
	Date   string    `json:"date" format:"date"`
	CSV    string    `json:"csv" doc:"Address of the file." example:"/open-data/2026-11-23.csv"`
	JSON   string    `json:"json" doc:"The same lines as JSON."`
	Least  int64     `json:"least" doc:"How many people a count stands for at least; smaller ones are hidden, and as many others as protect them."`
	Halls  int       `json:"halls"`
	Lines  int       `json:"lines"`
	Bytes  int       `json:"bytes" doc:"Of the CSV, not compressed."`
	SHA256 string    `json:"sha256" doc:"Of the CSV, not compressed."`
	Made   time.Time `json:"made" doc:"When it was frozen; it never changes afterwards."`
}

type openDayPage struct {
	Days []openDay `json:"days" nullable:"false" doc:"The latest first."`
	Next string    `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type releasedNumbers struct {
	Queue    queueRef  `json:"queue"`
	At       time.Time `json:"at" doc:"When they open."`
	Date     string    `json:"date" format:"date" doc:"They are for."`
	Numbers  int       `json:"numbers"`
	Left     int       `json:"left" doc:"Not taken yet."`
	Released bool      `json:"released"`
}

type hallReleases struct {
	Hall     HallRef           `json:"hall"`
	Releases []releasedNumbers `json:"releases" nullable:"false" doc:"Those of today, and of each queue the next one."`
}

type releaseRule struct {
	Article    string `json:"article" example:"14"`
	ReleaseAt  string `json:"release_at" doc:"Clock time, Asia/Shanghai." example:"12:00"`
	WindowDays int    `json:"window_days"`
	Counts     string `json:"window_counts" enum:"skip_statutory,calendar_days" doc:"skip_statutory: statutory days off do not count."`
	OnSiteAt   string `json:"on_site_release_at" example:"09:00"`
	OnSiteMost int    `json:"on_site_per_mille" doc:"At most this many of a thousand numbers of a day are kept for the hall."`
	Average    int    `json:"capacity_days" doc:"Working days the numbers of a day are the mean of."`
	Notice     int    `json:"request_notice_days" doc:"Working days a change is to be asked for before it takes effect."`
}

type releasePage struct {
	Rule  releaseRule    `json:"rule"`
	Halls []hallReleases `json:"halls" nullable:"false"`
	Total int            `json:"total"`
	Next  string         `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type plannedNumbers struct {
	Hours   []int `json:"hours" nullable:"false" doc:"Hours of the day that are open."`
	OffSite int   `json:"off_site"`
	OnSite  int   `json:"on_site"`
	Window  int   `json:"window_days"`
}

type numberChange struct {
	Hall    HallRef        `json:"hall"`
	Queue   queueRef       `json:"queue"`
	Kind    string         `json:"kind" enum:"capacity,weekend,extend,close,share,horizon"`
	Reason  string         `json:"reason" enum:"planned,urgent,suggested" doc:"urgent: it answers people who wait and adds numbers. suggested: by the city's platform."`
	From    string         `json:"from" format:"date"`
	To      string         `json:"to,omitempty" format:"date" doc:"Last day; absent without end."`
	Filed   time.Time      `json:"filed"`
	Decided *time.Time     `json:"decided,omitempty"`
	Example string         `json:"example" format:"date" doc:"A date of it, whose numbers before and after follow."`
	Before  plannedNumbers `json:"before"`
	After   plannedNumbers `json:"after"`
}

type changePage struct {
	Changes []numberChange `json:"changes" nullable:"false" doc:"The latest first. What was changed, not by whom."`
	Next    string         `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type fieldChange struct {
	Field string `json:"field" enum:"open,hours,saturday,sunday,closures,daily_average,on_site_per_mille,grandfathered_days,draw,stages,batch_max"`
	Was   string `json:"was" doc:"As in the files of a directory; empty for nothing." example:"09:00-12:00|13:00-17:00"`
	Is    string `json:"is" example:"09:00-12:00"`
}

type unitRef struct {
	ID   string `json:"id" doc:"Id of the unit."`
	Name string `json:"name"`
}

type directoryEdit struct {
	At     time.Time     `json:"at"`
	Kind   string        `json:"kind" enum:"hall,queue,offering,item"`
	Added  bool          `json:"added" doc:"It is new."`
	Name   string        `json:"name" doc:"Of the hall, queue or item."`
	Hall   *HallRef      `json:"hall,omitempty" doc:"Absent for an item of the catalogue, which holds in every hall."`
	Queue  *queueRef     `json:"queue,omitempty"`
	Unit   *unitRef      `json:"unit,omitempty" doc:"Whose hall or item it is."`
	Reason string        `json:"reason" enum:"edited,city_files" doc:"edited: by who configures the hall or item, which needs no approval as long as nobody is booked in what is closed. city_files: with the files of the city."`
	Fields []fieldChange `json:"fields" nullable:"false" doc:"What changed of when numbers are released, how many and for what."`
}

type directoryEditPage struct {
	Edits []directoryEdit `json:"edits" nullable:"false" doc:"The latest first. What was changed, not by whom. May be short and have a next."`
	Next  string          `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

func (a *API) declareOpenData() {
	cursor := inQuery("cursor", "next of the page before, with the same other parameters.", nil, text(maxCursor))
	read(a, operation{
		id: "list-open-data", method: http.MethodGet, path: "/open-data", tag: "Open data", cache: "public, max-age=300",
		about:  "Days there are open data of: capacity, bookings, no-shows and waits by hall and hour.",
		params: []param{inQuery("limit", "At most this many.", nil, whole(1, 100, 31)), cursor}, faults: []fault.Code{fault.CursorInvalid},
	}, a.listOpenData)
	read(a, operation{
		id: "list-releases", method: http.MethodGet, path: "/releases", tag: "Open data", cache: "public, no-cache",
		about: "By which rule numbers are released, what is released today, and of each queue the next release.",
		params: []param{
			inQuery("q", "Name, initials or id of halls.", "天河", text(60)), inQuery("district", "Id of a district.", "440106000000", text(32)),
			inQuery("limit", "At most this many halls.", nil, whole(1, 50, 10)), cursor,
		}, faults: []fault.Code{fault.CursorInvalid},
	}, a.listReleases)
	read(a, operation{
		id: "list-changes", method: http.MethodGet, path: "/changes", tag: "Open data", cache: "public, no-cache",
		about: "Every change of released numbers by hand: hall, queue, hours, before and after, when and by what kind of reason.",
		params: []param{
			inQuery("hall", "Id of a hall.", "440106000000", text(32)), inQuery("limit", "At most this many.", nil, whole(1, 100, 20)), cursor,
		}, faults: []fault.Code{fault.CursorInvalid, fault.HallNotFound},
	}, a.listChanges)
	read(a, operation{
		id: "list-directory-changes", method: http.MethodGet, path: "/directory-changes", tag: "Open data", cache: "public, no-cache",
		about: "Every edit of the directory that changes when numbers are released, how many or for what: opening hours, closures, averages, what is offered. " +
			"New hours hold for days whose numbers were not made yet.",
		params: []param{
			inQuery("hall", "Id of a hall.", "440106000000", text(32)), inQuery("limit", "At most this many.", nil, whole(1, 100, 20)), cursor,
		}, faults: []fault.Code{fault.CursorInvalid, fault.HallNotFound},
	}, a.listDirectoryChanges)
}

func (a *API) listOpenData(c *call) (openDayPage, error) {
	out := openDayPage{Days: []openDay{}}
	place, err := a.cursors.open("open-data", c.query["cursor"])
	if err != nil {
		return out, err
	}
	var before calendar.Date
	if place != "" {
		if before, err = calendar.ParseDate(place); err != nil {
			return out, fault.New(fault.CursorInvalid)
		}
	}
	limit := c.int("limit", 31)
	days, err := a.app.OpenDays(c.r.Context(), before, limit+1)
	if err != nil {
		return out, err
	}
	if len(days) > limit {
		days = days[:limit]
		out.Next = a.cursors.seal("open-data", days[limit-1].Date.String())
	}
	for _, d := range days {
		at := "/open-data/" + d.Date.String()
		out.Days = append(out.Days, openDay{d.Date.String(), at + ".csv", at + ".json", d.Least, d.Halls, d.Lines, d.Bytes, d.Digest, d.MadeAt.In(calendar.Zone)})
	}
	return out, nil
}

func (a *API) listReleases(c *call) (releasePage, error) {
	rules := a.app.Rules(calendar.DateOf(a.app.Now()))
	clock := func(minute int) string { return time.Unix(int64(minute)*60, 0).UTC().Format("15:04") }
	out := releasePage{Halls: []hallReleases{}, Rule: releaseRule{
		"14", clock(rules.ReleaseAt), rules.WindowDays, string(rules.WindowCounts), clock(rules.OnSiteReleaseAt), rules.OnSitePerMille, rules.CapacityDays, rules.RequestNoticeDays,
	}}
	list := "releases|" + c.query["q"] + "|" + c.query["district"]
	place, err := a.cursors.open(list, c.query["cursor"])
	if err != nil {
		return out, err
	}
	q := app.ReleaseQuery{Text: c.query["q"], District: c.query["district"], Limit: c.int("limit", 10)}
	if place != "" {
		if q.Offset, err = strconv.Atoi(place); err != nil {
			return out, fault.New(fault.CursorInvalid)
		}
	}
	halls, total := a.app.Releases(q)
	for _, h := range halls {
		one := hallReleases{Hall: a.hallRef(c.l, h.Hall), Releases: []releasedNumbers{}}
		for _, r := range h.Releases {
			one.Releases = append(one.Releases, releasedNumbers{queueRef{r.Queue.ID, c.l.Text(r.Queue.Name)}, r.At.In(calendar.Zone), r.Date.String(), r.Numbers, r.Left, r.Done})
		}
		out.Halls = append(out.Halls, one)
	}
	if out.Total = total; q.Offset+len(halls) < total && len(halls) > 0 {
		out.Next = a.cursors.seal(list, strconv.Itoa(q.Offset+len(halls)))
	}
	return out, nil
}

func (a *API) listChanges(c *call) (changePage, error) {
	out := changePage{Changes: []numberChange{}}
	list := "changes|" + c.query["hall"]
	place, err := a.cursors.open(list, c.query["cursor"])
	if err != nil {
		return out, err
	}
	var before int64
	if place != "" {
		if before, err = strconv.ParseInt(place, 10, 64); err != nil {
			return out, fault.New(fault.CursorInvalid)
		}
	}
	limit := c.int("limit", 20)
	changes, err := a.app.NumberChanges(c.r.Context(), c.query["hall"], before, limit)
	if err != nil {
		return out, err
	}
	for _, n := range changes {
		out.Changes = append(out.Changes, a.numberChange(c, n))
	}
	if len(changes) == limit {
		out.Next = a.cursors.seal(list, strconv.FormatInt(changes[limit-1].Seq, 10))
	}
	return out, nil
}

func (a *API) numberChange(c *call, n app.NumberChange) numberChange {
	v := numberChange{
		Hall: a.hallRef(c.l, n.Hall), Queue: queueRef{n.Queue.ID, c.l.Text(n.Queue.Name)}, Kind: string(n.Change.Kind), Reason: n.Reason(),
		From: n.Change.From.String(), Filed: n.FiledAt.In(calendar.Zone), Example: n.Told.Date.String(), Before: planned(n.Told.Before), After: planned(n.Told.After),
	}
	if n.Change.To != 0 {
		v.To = n.Change.To.String()
	}
	if !n.DecidedAt.IsZero() {
		at := n.DecidedAt.In(calendar.Zone)
		v.Decided = &at
	}
	return v
}

func planned(n supply.DayNumbers) plannedNumbers {
	out := plannedNumbers{Hours: n.Hours.List(), OffSite: n.OffSite, OnSite: n.OnSite, Window: n.Window}
	if out.Hours == nil {
		out.Hours = []int{}
	}
	return out
}

func (a *API) listDirectoryChanges(c *call) (directoryEditPage, error) {
	out := directoryEditPage{Edits: []directoryEdit{}}
	list := "directory-changes|" + c.query["hall"]
	place, err := a.cursors.open(list, c.query["cursor"])
	if err != nil {
		return out, err
	}
	var at app.EditPlace
	if place != "" {
		if at, err = app.ParseEditPlace(place); err != nil {
			return out, fault.New(fault.CursorInvalid)
		}
	}
	edits, next, err := a.app.DirectoryEdits(c.r.Context(), c.query["hall"], at, c.int("limit", 20))
	if err != nil {
		return out, err
	}
	for _, e := range edits {
		v := directoryEdit{At: e.At.In(calendar.Zone), Kind: string(e.Noun), Added: e.Added, Name: c.l.Text(e.Name), Reason: e.Reason(), Fields: []fieldChange{}}
		if e.Hall != nil {
			h := a.hallRef(c.l, e.Hall)
			v.Hall = &h
		}
		if e.Queue != nil {
			v.Queue = &queueRef{e.Queue.ID, c.l.Text(e.Queue.Name)}
		}
		if e.Unit != nil {
			v.Unit = &unitRef{e.Unit.ID, c.l.Text(e.Unit.Name)}
		}
		for _, f := range e.Fields {
			v.Fields = append(v.Fields, fieldChange{f.Column, f.Was, f.Is})
		}
		out.Edits = append(out.Edits, v)
	}
	if next != nil {
		out.Next = a.cursors.seal(list, next.String())
	}
	return out, nil
}
