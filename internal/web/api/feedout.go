package api

import (
	"net/http"
	"strconv"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/feed"
	"suiyue/internal/domain/oversight"
)

// listsBody is the most the lists of a comparison may hold, in bytes.
const listsBody = 768 << 10

type feedEvent struct {
	Seq     int64     `json:"seq" doc:"Its number: grows from each to the next."`
	Kind    string    `json:"kind" example:"booked" doc:"booked, moved, cancelled, reduced, displaced, stranded, kept, declined, lapsed, arrived, done, left, no_show, excused, wait_booked."`
	At      time.Time `json:"at"`
	Hall    string    `json:"hall"`
	Booking string    `json:"booking" doc:"Code of the booking."`
	Version int       `json:"version" doc:"Of the booking; an event is known by booking and version."`
	Slot    string    `json:"slot" doc:"The slot it has, or had last."`
	From    string    `json:"from_slot,omitempty" doc:"moved: the slot it had before."`
}

type feedEvents struct {
	Events []feedEvent `json:"events" nullable:"false"`
	Next   int64       `json:"next" doc:"Ask for what comes after this next time."`
}

type listRow struct {
	Row    string `json:"row" minLength:"1" maxLength:"64"`
	Seq    int64  `json:"seq,omitempty" minimum:"1" doc:"Running number, if it has one."`
	Queue  string `json:"queue,omitempty" minLength:"1" maxLength:"96"`
	Hour   *int   `json:"hour,omitempty" minimum:"0" maximum:"23"`
	Item   string `json:"item,omitempty" minLength:"1" maxLength:"36"`
	Units  int    `json:"units,omitempty" minimum:"1" maximum:"1000" doc:"Default 1."`
	State  string `json:"state,omitempty" enum:"booked,cancelled,no_show,arrived,called,passed,done,left"`
	Number int    `json:"number,omitempty" minimum:"0" maximum:"10000"`
}

type list struct {
	Hall   string    `json:"hall" minLength:"1" maxLength:"64"`
	Kind   string    `json:"kind" enum:"booking,check_in,result,capacity,call,evaluation"`
	Count  int64     `json:"count" minimum:"0" doc:"Rows of the list: those that were not removed."`
	Digest string    `json:"digest" pattern:"^[0-9a-f]{64}$" doc:"SHA-256 over a line for each row in the order of the bytes of their ids: row, queue, hour (-1 for none), item, units, state, number, divided by tabs, a line feed behind each."`
	Rows   []listRow `json:"rows,omitempty" maxItems:"5000" nullable:"false" doc:"The rows, at most 768 KiB of them in a request. Leave them out at first; send them where the digests differ."`
}

type reconcileBody struct {
	Date  string `json:"date" format:"date" doc:"A day that is over."`
	Lists []list `json:"lists" minItems:"1" maxItems:"200" nullable:"false"`
}

type listDifference struct {
	Row    string   `json:"row"`
	Kind   string   `json:"kind" enum:"missing_here,missing_there,differs"`
	Fields []string `json:"fields,omitempty" nullable:"false" doc:"differs: which."`
}

type listResult struct {
	Hall        string           `json:"hall"`
	Kind        string           `json:"kind"`
	Result      string           `json:"result" enum:"same,different,compared" doc:"different: send the rows, nothing was compared yet."`
	Count       int64            `json:"count" doc:"Of the list here."`
	Digest      string           `json:"digest" doc:"Of the list here."`
	Checked     int64            `json:"checked"`
	Agreed      int64            `json:"agreed"`
	Differences []listDifference `json:"differences,omitempty" nullable:"false" doc:"compared: every row that is not the same on both sides, by row. Send those that are missing here."`
}

type reconcileAnswer struct {
	Lists []listResult `json:"lists" nullable:"false"`
}

func (a *API) declareFeedOut() {
	events := operation{
		id: "list-events", path: "/events", method: http.MethodGet,
		about: "What happened to bookings at the halls the system books for, in order, from the one after after. Each comes at least once: keep next when you have dealt with them, and go on from there.",
		params: []param{
			inQuery("after", "next of the answer before; 0 for all there are.", nil, whole(0, 1<<53-1, 0)),
			inQuery("limit", "At most this many.", nil, whole(1, 500, 100)),
		},
	}
	feedOperation(&events, oversight.ClientEvents)
	events.faults = append(events.faults, fault.EventsForgotten)
	read(a, events, a.feedEvents)

	compare := operation{
		id: "reconcile-lists", path: "/reconcile", method: http.MethodPost, body: listsBody,
		about: "Compare your lists of a day, by hall and kind, with what came of them: counts and digests first, rows where those differ. Each comparison counts for the accuracy of the source (Art. 21); done again it replaces the one before.",
	}
	feedOperation(&compare, oversight.ClientFeed)
	compare.faults = append(compare.faults, fault.HallNotFound, fault.OutcomeUnknown)
	write(a, compare, a.reconcile)
}

func (a *API) feedEvents(c *call) (feedEvents, error) {
	after, _ := strconv.ParseInt(c.query["after"], 10, 64) // checked
	list, next, err := a.app.FeedEvents(c.r.Context(), c.feeder(), c.path("source"), after, c.int("limit", 100))
	out := feedEvents{Events: make([]feedEvent, len(list)), Next: next}
	for i, e := range list {
		out.Events[i] = feedEvent{Seq: e.Seq, Kind: string(e.Kind), At: e.At.In(calendar.Zone), Hall: e.HallID, Booking: e.Code, Version: e.Version, Slot: e.SlotID, From: e.From}
	}
	return out, err
}

func (a *API) reconcile(c *call, b *reconcileBody) (reconcileAnswer, error) {
	out := reconcileAnswer{Lists: []listResult{}}
	date, err := calendar.ParseDate(b.Date)
	if err != nil {
		return out, fault.InvalidFields(fault.Field{Path: "date", Code: fault.BadDate})
	}
	lists := make([]app.FeedListing, len(b.Lists))
	for i, l := range b.Lists {
		lists[i] = app.FeedListing{FeedList: app.FeedList{HallID: l.Hall, Kind: oversight.RecordKind(l.Kind)}, Count: l.Count, Digest: l.Digest}
		if l.Rows == nil {
			continue
		}
		lists[i].Rows = make([]feed.Entry, len(l.Rows))
		for k, r := range l.Rows {
			e := feed.Entry{Row: r.Row, Seq: r.Seq, QueueID: r.Queue, Hour: -1, Item: r.Item, Units: max(r.Units, 1), State: r.State, Number: r.Number}
			if r.Hour != nil {
				e.Hour = *r.Hour
			}
			lists[i].Rows[k] = e
		}
	}
	found, err := a.app.Reconcile(c.r.Context(), c.feeder(), c.path("source"), date, lists)
	if err != nil {
		return out, err
	}
	for i, v := range found {
		one := listResult{Hall: lists[i].HallID, Kind: string(lists[i].Kind), Result: "different", Count: v.Count, Digest: v.Digest, Checked: v.Checked, Agreed: v.Agreed}
		switch {
		case v.Same:
			one.Result = "same"
		case v.Rows:
			one.Result = "compared"
		}
		for _, d := range v.Lost {
			one.Differences = append(one.Differences, listDifference{d.Row, string(d.Kind), d.Fields})
		}
		out.Lists = append(out.Lists, one)
	}
	return out, nil
}
