package api

import (
	"net/http"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

func (a *API) declarePersons() {
	read(a, operation{
		id: "list-messages", method: http.MethodGet, path: "/messages", tag: "You", signedIn: true,
		about: "What you have been told about your bookings, and about the numbers you held.",
		params: []param{
			inQuery("limit", "At most this many.", nil, whole(1, 100, 20)),
			inQuery("cursor", "next of the page before.", nil, text(maxCursor)),
		},
		faults: []fault.Code{fault.CursorInvalid},
	}, a.listMessages)
	read(a, operation{
		id: "get-me", method: http.MethodGet, path: "/me", tag: "You", signedIn: true,
		about: "Who is signed in, masked.",
	}, a.getMe)
	read(a, operation{
		id: "list-sessions", method: http.MethodGet, path: "/sessions", tag: "You", signedIn: true,
		about: "Where you are signed in.",
	}, a.listSessions)
	read(a, operation{
		id: "end-other-sessions", method: http.MethodDelete, path: "/sessions", tag: "You", signedIn: true, write: true,
		about: "Ends every sign-in of yours but this one.",
	}, a.endOtherSessions)
	read(a, operation{
		id: "end-session", method: http.MethodDelete, path: "/sessions/{id}", tag: "You", signedIn: true, write: true,
		about:  "Ends one of your sign-ins. One that is not there, or not yours, is as good as ended.",
		params: []param{inPath("id", "Id of the session.", "5f0c2a7e9b1d4c3a5f0c2a7e", fault.NoSuchPage)},
	}, a.endSession)
	read(a, operation{
		id: "list-people", method: http.MethodGet, path: "/people", tag: "You", signedIn: true,
		about: "The people you look after, masked.",
	}, a.listPeople)
	write(a, operation{
		id: "keep-person", method: http.MethodPost, path: "/people", tag: "You", signedIn: true, write: true, status: http.StatusCreated,
		about: "Remembers somebody you look after, at most ten, to book for with applicant.kept.",
	}, a.keepPerson)
	read(a, operation{
		id: "forget-person", method: http.MethodDelete, path: "/people/{id}", tag: "You", signedIn: true, write: true,
		about:  "Forgets one of them. One that is not there, or not yours, is as good as forgotten.",
		params: []param{inPath("id", "Id of the person.", "k3v7q2m5x4n6p8r9t2w3y5z7", fault.NoSuchPage)},
	}, a.forgetPerson)
}

func (a *API) listMessages(c *call) (messagePage, error) {
	out := messagePage{Messages: []message{}}
	list := "messages|" + string(c.who.Person.Key)
	place, err := a.cursors.open(list, c.query["cursor"])
	if err != nil {
		return out, err
	}
	page, next, err := a.app.MyMessages(c.r.Context(), c.who, place, c.int("limit", 20))
	if err != nil {
		return out, err
	}
	for _, m := range page {
		v := message{Kind: string(m.Kind), At: m.At.In(calendar.Zone), State: string(m.State)}
		item, hall := m.Booking.Item, m.Booking.Hall
		if t := m.Ticket; t != nil {
			v.Ticket, v.Number, item, hall = t.Ticket.ID, t.Ticket.Number, t.Item, t.Hall
		} else if w := m.Wait; w != nil {
			v.Wait, item, hall = w.Code, w.Item, w.Hall
			if w.Hall != nil {
				start := w.Date.At(w.Hour, 0)
				v.Start = &start
			}
		} else {
			start := m.Booking.Booking.Start()
			v.Booking, v.Start = m.Booking.Code, &start
		}
		if item != nil {
			v.Item = c.l.Text(item.Name)
		}
		if hall != nil {
			v.Hall = c.l.Text(hall.Name)
		}
		out.Messages = append(out.Messages, v)
	}
	out.Next = a.cursors.seal(list, next)
	return out, nil
}

func (a *API) getMe(c *call) (me, error) {
	p := c.who.Person
	out := me{
		Name: identity.MaskName(p.Name), Document: string(p.Document.Kind), Number: identity.MaskNumber(p.Document.Number),
		Phone: identity.MaskPhone(p.Phone), Level: int(p.Level), Organisations: []party{},
		SignedIn: c.who.SignedIn.In(calendar.Zone), Expires: c.who.Expires.In(calendar.Zone),
	}
	for _, o := range p.Agent {
		out.Organisations = append(out.Organisations, party{
			Kind: string(booking.Organisation), Name: identity.MaskOrganisation(o.Name), Number: identity.MaskCreditCode(o.CreditCode),
		})
	}
	return out, nil
}

func (a *API) listSessions(c *call) (sessionList, error) {
	list, err := a.app.Sessions(c.r.Context(), c.who)
	if err != nil {
		return sessionList{}, err
	}
	out := sessionList{Sessions: []session{}}
	for _, s := range list {
		out.Sessions = append(out.Sessions, session{ID: s.ID, SignedIn: s.SignedIn.In(calendar.Zone), Seen: s.Seen.In(calendar.Zone), Current: s.Current})
	}
	return out, nil
}

func (a *API) endOtherSessions(c *call) (none, error) {
	return none{}, a.app.EndOtherSessions(c.r.Context(), c.who)
}

func (a *API) endSession(c *call) (none, error) {
	id := c.path("id")
	if err := a.app.EndSession(c.r.Context(), c.who, id); err != nil {
		return none{}, err
	}
	if id == c.who.ID && c.r.Header.Get("Authorization") == "" {
		a.cookies.ClearSession(c.w)
	}
	return none{}, nil
}

func (a *API) listPeople(c *call) (personList, error) {
	list, err := a.app.KeptPeople(c.r.Context(), c.who)
	if err != nil {
		return personList{}, err
	}
	out := personList{People: []person{}}
	for _, k := range list {
		out.People = append(out.People, personOf(k))
	}
	return out, nil
}

func personOf(k app.KeptPerson) person {
	return person{
		ID: k.ID, Name: k.Person.Name, Document: string(k.Document), Number: k.Person.Number, Phone: k.Person.Phone,
		Kept: k.Kept.In(calendar.Zone),
	}
}

func (a *API) keepPerson(c *call, b *personBody) (person, error) {
	k, err := a.app.KeepPerson(c.r.Context(), c.who, c.key, booking.Party{
		Name: b.Name, Birth: b.Birth, Phone: b.Phone,
		Document: identity.Document{Kind: identity.DocumentKind(b.Document.Kind), Number: b.Document.Number, Nationality: b.Document.Nationality},
	})
	if err != nil {
		return person{}, err
	}
	return personOf(k), nil
}

func (a *API) forgetPerson(c *call) (none, error) {
	return none{}, a.app.ForgetPerson(c.r.Context(), c.who, c.path("id"))
}
