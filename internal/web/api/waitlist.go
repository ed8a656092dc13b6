package api

import (
	"net/http"
	"slices"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// tagWait is where the document lists the waitlist (候補, Art. 15).
const tagWait = "Waiting list"

type waitBody struct {
	Item      string     `json:"item" minLength:"1" maxLength:"36" doc:"Code of the item." example:"SI-0001"`
	Stage     string     `json:"stage" enum:"consultation,acceptance,collection" doc:"What the number is for (Art. 13)." example:"acceptance"`
	Units     int        `json:"units,omitempty" minimum:"1" maximum:"1000" doc:"Units of a batch (Art. 19); 1, or as many as there are on the list, when absent." example:"1"`
	Cases     []caseBody `json:"cases,omitempty" minItems:"1" maxItems:"1000" nullable:"false" doc:"The list of a batch (Art. 19): one person a unit, nobody twice. With units above 1 it must be there; units may be left out then."`
	Halls     []string   `json:"halls" minItems:"1" maxItems:"20" nullable:"false" doc:"Ids of halls that would do."`
	Dates     []string   `json:"dates" minItems:"1" maxItems:"60" nullable:"false" doc:"Dates that would do, 2026-12-09."`
	Hours     []int      `json:"hours" minItems:"1" maxItems:"24" nullable:"false" doc:"Hours that would do, by when they start: 9 for 09:00–10:00."`
	Applicant applicant  `json:"applicant" doc:"Whose business it is; the signed-in person is the booker."`
}

type waitChangeBody struct {
	Units int      `json:"units,omitempty" minimum:"1" maximum:"1000" doc:"As they were when absent; a batch keeps its list, and so its units." example:"1"`
	Halls []string `json:"halls" minItems:"1" maxItems:"20" nullable:"false" doc:"Ids of halls that would do."`
	Dates []string `json:"dates" minItems:"1" maxItems:"60" nullable:"false" doc:"Dates that would do, 2026-12-09."`
	Hours []int    `json:"hours" minItems:"1" maxItems:"24" nullable:"false" doc:"Hours that would do, by when they start."`
}

type waitShown struct {
	Code      string       `json:"code" doc:"Of the entry, and of the booking it becomes."`
	State     string       `json:"state" enum:"waiting,offered,booked,left,expired,online" doc:"offered: a place is kept until the instant named; booked: see the booking of this code; expired: no place came free; online: its person took the online way."`
	Item      ItemRef      `json:"item"`
	Stage     string       `json:"stage" enum:"consultation,acceptance,collection"`
	Units     int          `json:"units"`
	Places    []waitPlace  `json:"places" nullable:"false" doc:"Where it stands, for each queue."`
	Dates     []string     `json:"dates" nullable:"false"`
	Hours     []int        `json:"hours" nullable:"false"`
	Applicant party        `json:"applicant" doc:"Whose business it is, masked."`
	Offer     *waitOffered `json:"offer,omitempty" doc:"offered: the place that is kept."`
	Joined    time.Time    `json:"joined"`
	Changed   time.Time    `json:"changed"`
	Version   int          `json:"version"`
}

type waitPlace struct {
	Hall   HallRef     `json:"hall"`
	Queue  queueRef    `json:"queue"`
	Ahead  *int        `json:"ahead,omitempty" doc:"How many stand before it; while it stands in line."`
	Chance *waitChance `json:"chance,omitempty" doc:"Absent where too few have waited here to say anything."`
}

type waitChance struct {
	Served int `json:"served" doc:"Of those who joined this line in the last four weeks that far behind or further, this many were served."`
	Of     int `json:"of"`
}

type waitOffered struct {
	Slot  string    `json:"slot"`
	Hall  HallRef   `json:"hall"`
	Start time.Time `json:"start"`
	Until time.Time `json:"until" doc:"It is kept before this instant."`
}

type waitList struct {
	Entries []waitShown `json:"entries" nullable:"false" doc:"Newest first, at most 50."`
}

func (a *API) declareWaitlist() {
	code := inPath("code", "The code of the entry.", "7K3M-9Q2X-T", fault.WaitNotFound)
	replayed := map[string]string{"Idempotency-Replayed": "true when the same request had been made before: nothing new was done."}
	wants := []fault.Code{
		fault.PlaceFree, fault.HallNotFound, fault.NotOffered, fault.StageNotOffered, fault.LevelTooLow, fault.ItemNotForVisitor, fault.BatchNotOffered, fault.BatchTooLarge, fault.BatchUnequal,
	}
	write(a, operation{
		id: "join-waitlist", method: http.MethodPost, path: "/waitlist", tag: tagWait, signedIn: true, write: true, status: http.StatusCreated, headers: replayed,
		about:  "Stands in line for a number where none that would do is free (Art. 15). One entry may stand in the lines of several halls. Where a number is free it is named instead.",
		faults: append([]fault.Code{fault.WaitlistOff, fault.ItemNotFound, fault.WaitTwice, fault.WaitTooMany, fault.OffSiteBarred}, wants...),
	}, a.joinWaitlist)
	read(a, operation{
		id: "list-waits", method: http.MethodGet, path: "/waitlist", tag: tagWait, signedIn: true,
		about: "Your entries: where they stand, what chance they have from history, and what came of them.",
	}, a.listWaits)
	read(a, operation{
		id: "get-wait", method: http.MethodGet, path: "/waitlist/{code}", tag: tagWait, signedIn: true, params: []param{code},
		about: "One of your entries. Somebody else's is as absent as none.",
	}, a.getWait)
	write(a, operation{
		id: "change-wait", method: http.MethodPost, path: "/waitlist/{code}/change", tag: tagWait, signedIn: true, write: true, params: []param{code},
		about:  "Changes what would do. The place is kept where nothing is asked for that was not before; else the entry stands at the end. The same again changes nothing.",
		faults: append([]fault.Code{fault.WaitEnded, fault.ChangedMeanwhile, fault.ItemNotFound}, wants...),
	}, a.changeWait)
	write(a, operation{
		id: "leave-wait", method: http.MethodPost, path: "/waitlist/{code}/leave", tag: tagWait, signedIn: true, write: true, params: []param{code},
		about: "Leaves the line. An entry that has left has left.", faults: []fault.Code{fault.WaitEnded, fault.ChangedMeanwhile},
	}, a.leaveWait)
	write(a, operation{
		id: "took-online", method: http.MethodPost, path: "/waitlist/{code}/online", tag: tagWait, signedIn: true, write: true, params: []param{code},
		about: "Leaves the line because the business was done by its online way, and is counted as such.", faults: []fault.Code{fault.WaitEnded, fault.ChangedMeanwhile, fault.NotOffered},
	}, a.tookOnline)
	write(a, operation{
		id: "take-offer", method: http.MethodPost, path: "/waitlist/{code}/take", tag: tagWait, signedIn: true, write: true, params: []param{code}, headers: replayed,
		about:  "Books the place that is kept for an entry.",
		faults: append([]fault.Code{fault.OfferOver, fault.OffSiteBarred, fault.ItemNotFound, fault.NotOffered, fault.StageNotOffered}, slotFaults...),
	}, a.takeOffer)
	write(a, operation{
		id: "decline-offer", method: http.MethodPost, path: "/waitlist/{code}/decline", tag: tagWait, signedIn: true, write: true, params: []param{code},
		about: "Leaves the place that is kept to the next in line. The entry stands where it stood and is not offered that hour again.", faults: []fault.Code{fault.OfferOver, fault.ChangedMeanwhile},
	}, a.declineOffer)
}

func wantsOf(halls, dates []string, hours []int) (app.Wants, error) {
	w := app.Wants{Halls: halls, Hours: hours}
	for _, d := range dates {
		day, err := calendar.ParseDate(d)
		if err != nil {
			return w, fault.InvalidFields(fault.Field{Path: "dates", Code: fault.BadDate})
		}
		w.Dates = append(w.Dates, day)
	}
	return w, nil
}

// of makes the applicant of a request.
func (ap *applicant) of() (app.Applicant, error) {
	if wrong := ap.misplaced(); len(wrong) > 0 {
		return app.Applicant{}, fault.InvalidFields(wrong...)
	}
	out := app.Applicant{Kind: booking.ApplicantKind(ap.Kind), Kept: ap.Kept, Name: ap.Name, Birth: ap.Birth, Phone: ap.Phone, CreditCode: ap.CreditCode}
	if d := ap.Document; d != nil {
		out.Document = identity.Document{Kind: identity.DocumentKind(d.Kind), Number: d.Number, Nationality: d.Nationality}
	}
	return out, nil
}

func (a *API) joinWaitlist(c *call, b *waitBody) (waitShown, error) {
	ap, err := b.Applicant.of()
	if err != nil {
		return waitShown{}, err
	}
	w, err := wantsOf(b.Halls, b.Dates, b.Hours)
	if err != nil {
		return waitShown{}, err
	}
	v, err := a.app.JoinWait(c.r.Context(), c.who, app.WaitRequest{
		Key: c.key, Item: b.Item, Stage: directory.Stage(b.Stage), Units: b.Units, Cases: partiesOf(b.Cases), Wants: w, Applicant: ap, Channel: booking.API,
	})
	if err != nil {
		return waitShown{}, err
	}
	if v.Replayed {
		c.w.Header().Set("Idempotency-Replayed", "true")
	}
	return a.wait(c, v), nil
}

func (a *API) listWaits(c *call) (waitList, error) {
	out := waitList{Entries: []waitShown{}}
	list, err := a.app.MyWaits(c.r.Context(), c.who)
	for _, v := range list {
		out.Entries = append(out.Entries, a.wait(c, v))
	}
	return out, err
}

// shownWait is the answer of what comes to one entry.
func (a *API) shownWait(c *call, v app.WaitView, err error) (waitShown, error) {
	if err != nil {
		return waitShown{}, err
	}
	return a.wait(c, v), nil
}

func (a *API) getWait(c *call) (waitShown, error) {
	v, err := a.app.MyWait(c.r.Context(), c.who, c.path("code"))
	return a.shownWait(c, v, err)
}

func (a *API) changeWait(c *call, b *waitChangeBody) (waitShown, error) {
	w, err := wantsOf(b.Halls, b.Dates, b.Hours)
	if err != nil {
		return waitShown{}, err
	}
	v, err := a.app.ChangeWait(c.r.Context(), c.who, c.path("code"), b.Units, w)
	return a.shownWait(c, v, err)
}

func (a *API) leaveWait(c *call, _ *nothing) (waitShown, error) {
	v, err := a.app.LeaveWait(c.r.Context(), c.who, c.path("code"))
	return a.shownWait(c, v, err)
}

func (a *API) tookOnline(c *call, _ *nothing) (waitShown, error) {
	v, err := a.app.TookOnline(c.r.Context(), c.who, c.path("code"))
	return a.shownWait(c, v, err)
}

func (a *API) takeOffer(c *call, _ *nothing) (bookingView, error) {
	got, err := a.app.TakeOffer(c.r.Context(), c.who, c.key, c.path("code"), booking.API)
	if err != nil {
		return bookingView{}, err
	}
	return a.receipt(c, got), nil
}

func (a *API) declineOffer(c *call, _ *nothing) (waitShown, error) {
	v, err := a.app.DeclineOffer(c.r.Context(), c.who, c.path("code"))
	return a.shownWait(c, v, err)
}

func (a *API) wait(c *call, v app.WaitView) waitShown {
	e := v.Entry
	out := waitShown{
		Code: v.Code, State: string(e.State), Item: ItemRef{Code: e.Item}, Stage: string(e.Stage), Units: e.Units, Places: []waitPlace{}, Dates: []string{},
		Hours: slices.Clone(e.Hours), Applicant: partyOf(v.Applicant), Joined: e.JoinedAt.In(calendar.Zone), Changed: e.ChangedAt.In(calendar.Zone), Version: e.Version,
	}
	if v.Item != nil {
		out.Item.Name = c.l.Text(v.Item.Name)
	}
	for _, d := range e.Dates {
		out.Dates = append(out.Dates, d.String())
	}
	for i, l := range e.Lines {
		p := waitPlace{Queue: queueRef{ID: l.QueueID}}
		if i < len(v.Places) {
			if v.Places[i].Hall != nil {
				p.Hall = a.hallRef(c.l, v.Places[i].Hall)
			}
			if v.Places[i].Queue != nil {
				p.Queue.Name = c.l.Text(v.Places[i].Queue.Name)
			}
			if e.State.Open() {
				p.Ahead = &v.Places[i].Ahead
				if ch := v.Places[i].Chance; ch.Known() {
					p.Chance = &waitChance{ch.Served, ch.Of}
				}
			}
		}
		out.Places = append(out.Places, p)
	}
	if e.State == booking.Offered {
		out.Offer = &waitOffered{Slot: e.SlotID, Start: v.Date.At(v.Hour, 0), Until: e.Until.In(calendar.Zone)}
		if v.Hall != nil {
			out.Offer.Hall = a.hallRef(c.l, v.Hall)
		}
	}
	return out
}
