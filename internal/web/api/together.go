package api

import (
	"net/http"
	"slices"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/flow"
)

// Several people in one step: docs/adr/0029-several-people-in-one-step.md.

type togetherBody struct {
	Item       string      `json:"item" minLength:"1" maxLength:"36" doc:"Code of the item." example:"SI-0001"`
	Stage      string      `json:"stage" enum:"consultation,acceptance,collection" doc:"What the numbers are for (Art. 13)." example:"acceptance"`
	Slots      []string    `json:"slots" minItems:"2" maxItems:"20" nullable:"false" doc:"The slot of each applicant, in their order: slots of quote. Of one queue and day, in one hour or in hours that follow each other."`
	Applicants []applicant `json:"applicants" minItems:"2" maxItems:"20" nullable:"false" doc:"Whose business it is, one a slot, nobody twice; the signed-in person is the booker, and may be one of them."`
	Token      string      `json:"token,omitempty" pattern:"^[A-Za-z0-9_-]{32}$" doc:"token of quote for so many people: of these slots, and under the Idempotency-Key that quote gave."`
}

type togetherView struct {
	Bookings []bookingView `json:"bookings" nullable:"false" doc:"One for each applicant, in their order. Each is a booking of its own from now on."`
}

func (a *API) declareTogether(replayed string) {
	write(a, operation{
		id: "book-together", method: http.MethodPost, path: "/bookings/together", tag: "Bookings", signedIn: true, write: true, status: http.StatusCreated,
		about: "Takes a number for each of several people in one step, all or none, with the token and the key of quote. A refusal says in applicant whom it is about, counted from 1, and nothing else of them; then nothing is booked. " +
			"For the limits of the booker they count as one booking; for those of an applicant each counts. Not in the minute of a draw: there an entry is for one number.",
		headers: map[string]string{"Idempotency-Replayed": replayed},
		faults: append([]fault.Code{
			fault.ItemNotFound, fault.NotOffered, fault.StageNotOffered, fault.StepMissing, fault.StepOver, fault.WaitingRoom, fault.WaitingRoomFull, fault.OffSiteBarred, fault.DrawSingly,
		}, slotFaults...),
	}, a.bookTogether)
}

func (a *API) bookTogether(c *call, b *togetherBody) (togetherView, error) {
	req := app.TogetherRequest{Key: c.key, Item: b.Item, Stage: directory.Stage(b.Stage), Slots: b.Slots, Channel: booking.API}
	for i, one := range b.Applicants {
		ap, err := one.of()
		if err != nil {
			return togetherView{}, app.AboutApplicant(err, i)
		}
		req.Applicants = append(req.Applicants, ap)
	}
	if slices.ContainsFunc(b.Slots, func(s string) bool { return strings.Contains(s, " ") }) { // blanks part them in the token
		return togetherView{}, fault.New(fault.SlotNotFound)
	}
	if err := a.stepped(c, flow.Step{Name: flow.Together, Item: b.Item, Slot: strings.Join(b.Slots, " ")}, b.Token); err != nil {
		return togetherView{}, err
	}
	over, done := a.app.Working(c.who), false
	defer func() { over(done) }()
	got, err := a.app.BookTogether(c.r.Context(), c.who, req)
	done = err == nil
	out := togetherView{Bookings: []bookingView{}}
	for _, one := range got {
		out.Bookings = append(out.Bookings, a.receipt(c, one))
	}
	return out, err
}
