package api

import (
	"net/http"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/flow"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
)

// slotFaults are the refusals of whoever wants a number of a slot (Art. 12 to 15, 19).
var slotFaults = []fault.Code{
	fault.SlotNotFound, fault.LevelTooLow, fault.ItemNotForVisitor, fault.NotReleased, fault.OffSiteClosed, fault.SlotOver, fault.SlotClosed,
	fault.SoldOut, fault.DrawRunning, fault.AlreadyBooked, fault.SameHour, fault.DayLimit, fault.BatchNotOffered, fault.BatchTooLarge, fault.BatchUnequal, fault.CaseBooked,
}

func (a *API) declareBookings() {
	code := inPath("code", "The booking code.", "7K3M-9Q2X-T", fault.BookingNotFound)
	replayed := "true when the same request had been made before: nothing new was done."
	write(a, operation{
		id: "book", method: http.MethodPost, path: "/bookings", tag: "Bookings", signedIn: true, write: true, status: http.StatusCreated,
		about:   "Takes a number, with the token and the key of quote. A refusal because the slot is full, closed or not open yet names slots that are free instead. In the minute after a release that is drawn the request becomes an entry in the draw: 202, and state is in_draw.",
		headers: map[string]string{"Location": "Where the booking is.", "Idempotency-Replayed": replayed},
		faults: append([]fault.Code{
			fault.ItemNotFound, fault.NotOffered, fault.StageNotOffered, fault.DrawOnce, fault.StepMissing, fault.StepOver, fault.WaitingRoom, fault.WaitingOrder, fault.WaitingRoomFull, fault.OffSiteBarred,
		}, slotFaults...),
	}, a.book)
	a.declareTogether(replayed)
	read(a, operation{
		id: "list-bookings", method: http.MethodGet, path: "/bookings", tag: "Bookings", signedIn: true,
		about: "Your bookings, newest made first; with active=true those that stand, soonest first, all at once.",
		params: []param{
			inQuery("active", "Only those that stand.", nil, yesNo),
			inQuery("limit", "At most this many.", nil, whole(1, 100, 20)),
			inQuery("cursor", "next of the page before.", nil, text(maxCursor)),
		},
		faults: []fault.Code{fault.CursorInvalid},
	}, a.listBookings)
	one := operation{
		id: "get-booking", method: http.MethodGet, path: "/bookings/{code}", tag: "Bookings", signedIn: true,
		about: "One of your bookings. Somebody else's is as absent as none.", params: []param{code},
	}
	a.declare(&one, nil, answerType[bookingView]())
	a.route(&one, a.getBooking) // and its calendar entry: a mux pattern cannot end in {code}.ics
	a.declare(&operation{
		id: "get-booking-calendar", method: http.MethodGet, path: "/bookings/{code}.ics", tag: "Bookings", signedIn: true,
		about: "One of your bookings as a calendar entry (RFC 5545).", params: []param{code}, media: "text/calendar",
	}, nil, answerType[written[string]]())
	write(a, operation{
		id: "move-booking", method: http.MethodPost, path: "/bookings/{code}/move", tag: "Bookings", signedIn: true, write: true,
		about:  "Moves a booking to another slot as one step: never neither, never both. Possible until cancel_until (Art. 17).",
		params: []param{code}, headers: map[string]string{"Idempotency-Replayed": replayed},
		faults: append([]fault.Code{fault.MoveTooLate, fault.NotActive, fault.SameSlot, fault.MoveOtherItem}, slotFaults...),
	}, a.moveBooking)
	write(a, operation{
		id: "keep-booking", method: http.MethodPost, path: "/bookings/{code}/keep", tag: "Bookings", signedIn: true, write: true,
		about:  "Takes the number kept for a displaced booking, before lost.until. Move and cancel are the other choices, then without a limit of time.",
		params: []param{code}, headers: map[string]string{"Idempotency-Replayed": replayed},
		faults: []fault.Code{fault.ChoiceOver, fault.NotActive},
	}, a.keepBooking)
	write(a, operation{
		id: "cancel-booking", method: http.MethodPost, path: "/bookings/{code}/cancel", tag: "Bookings", signedIn: true, write: true,
		about:  "Gives a number back, until cancel_until (Art. 17).",
		params: []param{code}, headers: map[string]string{"Idempotency-Replayed": replayed},
		faults: []fault.Code{fault.CancelTooLate, fault.NotActive},
	}, a.cancelBooking)
	read(a, operation{
		id: "list-cases", method: http.MethodGet, path: "/bookings/{code}/cases", tag: "Bookings", signedIn: true,
		about: "The list of one of your batch bookings (Art. 19), masked, and what has become of each case.", params: []param{code},
	}, a.listCases)
	write(a, operation{
		id: "remove-cases", method: http.MethodPost, path: "/bookings/{code}/cases/remove", tag: "Bookings", signedIn: true, write: true,
		about:  "Takes cases off a batch until cancel_until (Art. 17, 19): their units go back, the rest stays as it is. To give up all of them, cancel the booking.",
		params: []param{code}, headers: map[string]string{"Idempotency-Replayed": replayed},
		faults: []fault.Code{fault.CancelTooLate, fault.NotActive, fault.NoSuchCase, fault.LastCase},
	}, a.removeCases)
	write(a, operation{
		id: "find-booking", method: http.MethodPost, path: "/bookings/find", tag: "Bookings",
		about:  "Finds a booking without signing in, by its code and one fact about the booker or the applicant. It is a question, not a write, and needs no key; both travel in the body, never in an address. Tries are limited.",
		faults: []fault.Code{fault.BookingNotFound},
	}, a.findBooking)
}

func (a *API) book(c *call, b *bookBody) (bookingView, error) {
	ap, err := b.Applicant.of()
	if err != nil {
		return bookingView{}, err
	}
	req := app.BookRequest{
		Key: c.key, Item: b.Item, SlotID: b.Slot, Stage: directory.Stage(b.Stage), Units: b.Units, Channel: booking.API,
		Applicant: ap, Cases: partiesOf(b.Cases),
	}
	if err := a.stepped(c, flow.Step{Name: flow.Book, Item: b.Item, Slot: b.Slot}, b.Token); err != nil {
		return bookingView{}, err
	}
	over, done := a.app.Working(c.who), false
	defer func() { over(done) }()
	got, err := a.app.Book(c.r.Context(), c.who, req)
	done = err == nil
	if err != nil {
		return bookingView{}, err
	}
	c.w.Header().Set("Location", Prefix+"/bookings/"+got.View.Code)
	return a.receipt(c, got), nil
}

// partiesOf reads the list of a batch.
func partiesOf(list []caseBody) (out []booking.Party) {
	for _, one := range list {
		out = append(out, booking.Party{Name: one.Name, Birth: one.Birth, Document: identity.Document{Kind: identity.DocumentKind(one.Document.Kind), Number: one.Document.Number, Nationality: one.Document.Nationality}})
	}
	return out
}

func (a *API) listCases(c *call) (batchList, error) {
	out := batchList{Cases: []batchCase{}}
	list, err := a.app.Batch(c.r.Context(), c.who, c.path("code"))
	for _, v := range list {
		out.Cases = append(out.Cases, batchCase{N: v.N, Name: v.Person.Name, Document: string(v.Document), Number: v.Person.Number, State: string(v.State)})
	}
	return out, err
}

func (a *API) removeCases(c *call, b *casesBody) (bookingView, error) {
	got, err := a.app.Reduce(c.r.Context(), c.who, app.ReduceRequest{Key: c.key, Code: c.path("code"), Cases: b.Cases, Channel: booking.API})
	if err != nil {
		return bookingView{}, err
	}
	return a.receipt(c, got), nil
}

// misplaced names what does not belong to this kind of applicant.
func (ap *applicant) misplaced() []fault.Field {
	given := map[string]bool{
		"kept": ap.Kept != "", "name": ap.Name != "", "document": ap.Document != nil, "birth": ap.Birth != "",
		"phone": ap.Phone != "", "credit_code": ap.CreditCode != "",
	}
	var allowed string
	switch {
	case ap.Kind == string(booking.Other) && ap.Kept != "":
		allowed = "kept"
	case ap.Kind == string(booking.Other):
		allowed = "name document birth phone"
	case ap.Kind == string(booking.Organisation):
		allowed = "name credit_code"
	}
	var wrong []fault.Field
	for _, name := range []string{"kept", "name", "document", "birth", "phone", "credit_code"} {
		if given[name] && !strings.Contains(" "+allowed+" ", " "+name+" ") {
			wrong = append(wrong, fault.Field{Path: "applicant." + name, Code: fault.UnknownField})
		}
	}
	return wrong
}

func (a *API) receipt(c *call, got app.Receipt) bookingView {
	if got.Replayed {
		c.w.Header().Set("Idempotency-Replayed", "true")
	}
	out := a.booking(c.l, got.View)
	if got.Entry != nil {
		e := drawnEntry(got.Entry)
		out.State, out.CanChange, out.Draw = "in_draw", false, &e
		c.status = http.StatusAccepted
		c.w.Header().Set("Location", Prefix+"/draws/"+e.Draw+"/mine")
	}
	return out
}

func (a *API) listBookings(c *call) (bookingPage, error) {
	out := bookingPage{Bookings: []bookingView{}}
	var list []app.BookingView
	name := "bookings|" + string(c.who.Person.Key)
	if c.query["active"] == "true" {
		if c.query["cursor"] != "" {
			return out, fault.New(fault.CursorInvalid)
		}
		var err error
		if list, err = a.app.MyActive(c.r.Context(), c.who); err != nil {
			return out, err
		}
	} else {
		place, err := a.cursors.open(name, c.query["cursor"])
		if err != nil {
			return out, err
		}
		var next string
		if list, next, err = a.app.MyBookings(c.r.Context(), c.who, place, c.int("limit", 20)); err != nil {
			return out, err
		}
		out.Next = a.cursors.seal(name, next)
	}
	for _, v := range list {
		out.Bookings = append(out.Bookings, a.booking(c.l, v))
	}
	return out, nil
}

// getBooking also answers the address with .ics behind the code.
func (a *API) getBooking(c *call) (any, error) {
	code, asCalendar := strings.CutSuffix(c.path("code"), ".ics")
	v, err := a.app.Booking(c.r.Context(), c.who, code)
	if err != nil {
		return nil, err
	}
	if !asCalendar {
		return a.booking(c.l, v), nil
	}
	web.WriteICS(c.w, web.BookingEvent(c.l, v.Code, v.Booking, v.Item, v.Hall, v.CancelUntil))
	return written[string]{}, nil
}

func (a *API) moveBooking(c *call, b *moveBody) (bookingView, error) {
	got, err := a.app.Move(c.r.Context(), c.who, app.MoveRequest{Key: c.key, Code: c.path("code"), SlotID: b.Slot, Channel: booking.API})
	if err != nil {
		return bookingView{}, err
	}
	return a.receipt(c, got), nil
}

func (a *API) keepBooking(c *call, _ *nothing) (bookingView, error) {
	got, err := a.app.Keep(c.r.Context(), c.who, app.KeepRequest{Key: c.key, Code: c.path("code"), Channel: booking.API})
	if err != nil {
		return bookingView{}, err
	}
	return a.receipt(c, got), nil
}

func (a *API) cancelBooking(c *call, _ *nothing) (bookingView, error) {
	got, err := a.app.Cancel(c.r.Context(), c.who, app.CancelRequest{Key: c.key, Code: c.path("code"), Channel: booking.API})
	if err != nil {
		return bookingView{}, err
	}
	return a.receipt(c, got), nil
}

func (a *API) findBooking(c *call, b *findBody) (bookingView, error) {
	if a.find != nil {
		code := strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(b.Code))
		wait := max(a.find.Take("address "+web.AddrOf(c.r).String()), a.find.Take("code "+code))
		if wait > 0 {
			return bookingView{}, fault.New(fault.TooManyRequests).After(wait)
		}
	}
	v, err := a.app.Find(c.r.Context(), b.Code, b.Fact)
	if err != nil {
		return bookingView{}, err
	}
	return a.booking(c.l, v), nil
}

func (a *API) booking(l web.Locale, v app.BookingView) bookingView {
	b := v.Booking
	out := bookingView{
		Code: v.Code, State: string(b.State), Item: ItemRef{Code: b.Item}, Stage: string(b.Stage), Units: b.Units,
		Queue: queueRef{ID: b.QueueID}, Slot: b.SlotID, Date: b.Date.String(), Start: b.Start(), End: b.End(), Materials: []string{},
		Booker: partyOf(v.Booker), Applicant: partyOf(v.Applicant), CancelUntil: v.CancelUntil.In(calendar.Zone), CanChange: v.CanChange,
		Version: b.Version, Created: b.CreatedAt.In(calendar.Zone), Changed: b.ChangedAt.In(calendar.Zone),
	}
	out.Booker.Kind = ""
	if v.Item != nil {
		out.Item.Name, out.Materials = l.Text(v.Item.Name), texts(l, v.Item.Materials)
	}
	if v.Hall != nil {
		out.Hall = a.hallRef(l, v.Hall)
	}
	if v.Queue != nil {
		out.Queue.Name = l.Text(v.Queue.Name)
	}
	if v.Lost != nil {
		out.Lost = &loss{Hall: v.Lost.HallID, Start: v.Lost.Date.At(v.Lost.Hour, 0), Reason: "fewer", Until: v.Lost.Until}
		if v.Lost.Closed {
			out.Lost.Reason = "closed"
		}
		if v.Lost.Hall != nil {
			out.Lost.Name = l.Text(v.Lost.Hall.Name)
		}
	}
	return out
}

func partyOf(p app.MaskedParty) party {
	return party{Kind: string(p.Kind), Name: p.Name, Number: p.Number, Phone: p.Phone}
}
