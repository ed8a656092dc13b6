package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/flow"
	"suiyue/internal/web"
)

type quoteBody struct {
	Item   string `json:"item" minLength:"1" maxLength:"36" doc:"Code of the item." example:"SI-0001"`
	Slot   string `json:"slot" minLength:"1" maxLength:"96" doc:"Id of the slot, from availability." example:"440103000000-social-20261209-10"`
	Stage  string `json:"stage" enum:"consultation,acceptance,collection" doc:"What the number is for (Art. 13)." example:"acceptance"`
	Units  int    `json:"units,omitempty" minimum:"1" maximum:"1000" doc:"Units of a batch (Art. 19); 1 when absent." example:"1"`
	People int    `json:"people,omitempty" minimum:"2" maximum:"20" doc:"For book-together: how many people, one number each. slots of the answer says an hour for each, from slot on. At most group_most of the rules in force, 5." example:"3"`
	Place  string `json:"place,omitempty" pattern:"^[A-Za-z0-9_-]{1,256}$" doc:"place of the last waiting_room or waiting_order answer: whatever node answers this time knows it."`
	Proof  string `json:"proof,omitempty" pattern:"^[A-Za-z0-9_-]{34}[.][0-9]{1,20}$" doc:"Where the last such answer has a challenge: challenge.nonce, where nonce is a decimal number with which SHA-256 of this very text begins with work zero bits. Leaving it out costs some seconds and no place."`
}

type quoteView struct {
	Slot    string    `json:"slot"`
	Slots   []string  `json:"slots,omitempty" nullable:"false" doc:"With people: the slot of each, in order. All in one hour, or in hours that follow each other."`
	Start   time.Time `json:"start"`
	Free    int       `json:"free" doc:"Numbers left a moment ago. None is kept for you."`
	Token   string    `json:"token" doc:"For token of the booking: of this person, this item and this slot, good for one number."`
	Key     string    `json:"idempotency_key" doc:"The Idempotency-Key to book with: the token is good under it only."`
	Expires time.Time `json:"expires" doc:"The token is good until then."`
}

func (a *API) declareQuote() {
	write(a, operation{
		id: "quote", method: http.MethodPost, path: "/bookings/quote", tag: "Bookings", signedIn: true,
		about: "The step before booking: looks whether the slot has a number for you, and gives the token and the key to book it with. It keeps nothing, and needs no key itself. " +
			"When more people come to book than the server can serve, this is where they wait: 503 waiting_room with position, wait and Retry-After. Ask again then, with place; asking earlier or oftener moves nobody. " +
			"Who comes in the first moment after a release has come at its instant and stands in a random order: 503 waiting_order until it is settled. " +
			"In a rush the answer may have a challenge: bring its proof, or wait a few seconds more in the same place.",
		faults: append([]fault.Code{fault.ItemNotFound, fault.NotOffered, fault.StageNotOffered, fault.WaitingRoom, fault.WaitingOrder, fault.WaitingRoomFull, fault.DrawSingly}, slotFaults...),
	}, a.quote)
}

func (a *API) quote(c *call, b *quoteBody) (quoteView, error) {
	if a.account != nil { // asking for one's place, too
		if wait := a.account.Take("quote|" + string(c.who.Person.Key)); wait > 0 { // and leaves the booking its own
			return quoteView{}, fault.New(fault.TooManyRequests).After(wait)
		}
	}
	if !a.app.Drawing(c.r.Context(), b.Slot) {
		if err := a.app.Enter(c.who, app.Coming{Slot: b.Slot, Place: b.Place, Proof: b.Proof, Often: a.often.Take(web.AddrOf(c.r).String()) > 0}); err != nil {
			return quoteView{}, err
		}
	}
	var got app.Quote
	var run []string
	var err error
	if b.People > 0 && b.Units > 1 { // a batch is one number for several cases, and for one applicant
		err = fault.InvalidFields(fault.Field{Path: "units", Code: fault.OutOfRange})
	} else if b.People > 0 {
		got, run, err = a.app.QuoteTogether(c.r.Context(), c.who, b.Item, b.Slot, directory.Stage(b.Stage), b.People)
	} else {
		got, err = a.app.Quote(c.r.Context(), c.who, b.Item, b.Slot, directory.Stage(b.Stage), b.Units)
	}
	if err != nil {
		a.app.Working(c.who)(false) // and is over already
		return quoteView{}, err
	}
	until := a.app.Now().Add(flow.Life).Truncate(time.Second).In(calendar.Zone)
	s := flow.Step{Name: flow.Book, Who: string(c.who.Person.Key), Item: b.Item, Slot: b.Slot, Key: got.Key}
	if run != nil {
		s.Name, s.Slot = flow.Together, strings.Join(run, " ")
	}
	return quoteView{Slot: b.Slot, Slots: run, Start: got.Slot.Date.At(got.Slot.Hour, 0), Free: got.Slot.Free, Token: s.Token(a.flow, until), Key: got.Key, Expires: until}, nil
}

// stepped lets a booking through whose token says that the step before it was taken: its person has waited where
// there was a line. Where no token is asked for, this is where people wait. What was booked under the key is
// answered again, however old the token.
func (a *API) stepped(c *call, step flow.Step, token string) error {
	if !a.flowNeeded {
		slot, _, _ := strings.Cut(step.Slot, " ")
		if !a.app.Drawing(c.r.Context(), slot) {
			if err := a.app.Enter(c.who, app.Coming{Slot: slot}); err != nil {
				return err
			}
		}
		_, err := a.app.Try(c.who, c.key, c.key)
		return err
	}
	step.Who, step.Key = string(c.who.Person.Key), c.key
	genuine, over := step.Check(a.flow, token, a.app.Now())
	if !genuine {
		return fault.New(fault.StepMissing)
	}
	if !over {
		return nil
	}
	done, err := a.app.Answered(c.r.Context(), c.who, c.key)
	if err == nil && !done {
		err = fault.New(fault.StepOver)
	}
	return err
}

// flowKey makes the secret of tokens from that of the face.
func flowKey(key []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte("tokens of steps"))
	return m.Sum(nil)
}

// position writes where in the waiting room somebody stands.
func (p *problem) position(e *fault.Error) {
	p.Position, _ = strconv.Atoi(e.Args["position"])
	p.Wait, _ = strconv.Atoi(e.Args["seconds"])
	p.Place, p.Challenge = e.Args["place"], e.Args["challenge"]
	p.Work, _ = strconv.Atoi(e.Args["bits"])
}
