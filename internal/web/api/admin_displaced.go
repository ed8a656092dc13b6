package api

import (
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

// adminDisplaced is one booking whose hour was taken away. Nobody is named: a program tells people
// nothing, and who they are is for a person to look up.
type adminDisplaced struct {
	Code   string     `json:"code" doc:"Code of the booking." example:"FTYM-VBM0-2"`
	Lost   string     `json:"lost" doc:"Id of the slot it had."`
	Kept   string     `json:"kept,omitempty" doc:"Id of the slot kept for it; absent when there was none."`
	Until  *time.Time `json:"until,omitempty" doc:"The person chooses before this instant."`
	State  string     `json:"state" enum:"waiting,kept,moved,cancelled,lapsed,again"`
	At     time.Time  `json:"at" doc:"When it lost its hour."`
	Chosen *time.Time `json:"chosen,omitempty" doc:"When the person chose."`
}

type adminChoices struct {
	Waiting   int `json:"waiting"`
	Kept      int `json:"kept" doc:"Took what was kept."`
	Moved     int `json:"moved" doc:"Took another hour."`
	Cancelled int `json:"cancelled"`
	Lapsed    int `json:"lapsed" doc:"Nobody chose in time."`
	Again     int `json:"again" doc:"The kept hour was taken away too."`
}

type adminDisplacedPage struct {
	Counts    adminChoices     `json:"counts" doc:"How many in each state, over all pages."`
	Displaced []adminDisplaced `json:"displaced" nullable:"false" doc:"Those who booked first in front."`
	Next      string           `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

func (a *API) declareAdminDisplaced() {
	adminRead(a, operation{
		id: "admin-list-displaced", path: "/requests/{id}/displaced", act: account.Supervise,
		about: "Who lost an hour to a request, and who of them has not chosen yet; without names.",
		params: append([]param{inPath("id", "Id of the request.", "R2026-000001", fault.RequestNotFound)}, pageParams(
			inQuery("state", "Only those in this state.", nil, choice("waiting", "kept", "moved", "cancelled", "lapsed", "again")))...),
		faults: []fault.Code{fault.CursorInvalid},
	}, a.adminDisplaced)
}

func (a *API) adminDisplaced(c *call) (adminDisplacedPage, error) {
	out := adminDisplacedPage{Displaced: []adminDisplaced{}}
	list := "displaced " + c.path("id")
	page, size, err := a.page(c, list)
	if err != nil {
		return out, err
	}
	state := booking.Choice(c.query["state"])
	p, err := a.app.Displaced(c.r.Context(), c.ad, c.path("id"), state, page*size, size)
	if err != nil {
		return out, err
	}
	out.Counts = adminChoices{
		p.Counts[booking.ChoiceWaiting], p.Counts[booking.ChoiceKept], p.Counts[booking.ChoiceMoved],
		p.Counts[booking.ChoiceCancelled], p.Counts[booking.ChoiceLapsed], p.Counts[booking.ChoiceAgain],
	}
	for _, d := range p.People {
		out.Displaced = append(out.Displaced, adminDisplaced{
			Code: d.View.Code, Lost: d.SlotID, Kept: d.HeldSlot, Until: moment(d.Until), State: string(d.State), At: d.At.In(calendar.Zone), Chosen: moment(d.Chosen),
		})
	}
	all := p.All()
	if state != "" {
		all = p.Counts[state]
	}
	out.Next = a.next(c, list, page, size, all)
	return out, nil
}
