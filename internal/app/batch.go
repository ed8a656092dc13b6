package app

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// A batch (批量預約, Art. 19) is a booking with a list: one person a unit. Whoever books it is the agent;
// each person on the list counts as an applicant of the item.

// listKept is how long a list that is being filled in is kept after it was last touched.
const listKept = 24 * time.Hour

// MaxList is the most bytes a file with a list may have.
const MaxList = 256 << 10

// ListedCase is a case of a batch as its booker and staff see it: masked.
type ListedCase struct {
	N        int // as listed, from 1
	Person   MaskedParty
	Document identity.DocumentKind
	State    booking.CaseState
}

// checkBatch checks the list of a request. What does not depend on the list comes first: who may not book
// a batch, or not here, need not hear about their list.
func (a *App) checkBatch(who *identity.Session, offer booking.Offer, r *BookRequest) error {
	bad := a.checkCases(r.Units, r.Cases)
	if bad == nil {
		return nil
	}
	if f := booking.MayBook(booking.Who{Key: who.Person.Key, Level: who.Person.Level}, offer, r.Stage, r.Units); f != nil {
		return f
	}
	return bad
}

// checkCases normalises a list and checks it.
func (a *App) checkCases(units int, list []booking.Party) *fault.Error {
	for i := range list {
		list[i] = list[i].AsCase()
	}
	return booking.CheckCases(units, list, calendar.DateOf(a.now()))
}

// cases seals the list of the batch that booking id is to be.
func (a *App) cases(id string, list []booking.Party) (out []booking.Case, err error) {
	for i, p := range list {
		plain, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		out = append(out, booking.Case{
			N: i + 1, Person: a.personKey(p.Document, p.Birth), Sealed: a.vault.Seal(plain, caseAbout(id, i+1)), State: booking.CaseOpen,
		})
	}
	return out, nil
}

func caseAbout(id string, n int) string { return "case|" + id + "|" + strconv.Itoa(n) }

func (a *App) openCase(id string, c booking.Case) (p booking.Party, err error) {
	plain, err := a.unseal(c.Sealed, caseAbout(id, c.N), "{}")
	if err != nil {
		return p, fault.Wrap(fault.InternalError, err)
	}
	return p, json.Unmarshal(plain, &p)
}

// listOf returns who is on the list of a batch, those taken off it left out.
func (a *App) listOf(ctx context.Context, b *booking.Booking) (list []booking.Party, err error) {
	cases, err := a.batchCases(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	for _, c := range cases {
		if c.State == booking.CaseRemoved {
			continue
		}
		p, err := a.openCase(b.ID, c)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// listed shows the list of a batch.
func (a *App) listed(id string, cases []booking.Case) (out []ListedCase, err error) {
	for _, c := range cases {
		p, err := a.openCase(id, c)
		if err != nil {
			return nil, err
		}
		out = append(out, ListedCase{N: c.N, Person: mask(p, booking.Other), Document: p.Document.Kind, State: c.State})
	}
	return out, nil
}

// Batch returns the list of one of the signed-in person's bookings, in its order; none for a booking
// without one.
func (a *App) Batch(ctx context.Context, who *identity.Session, code string) ([]ListedCase, error) {
	b, err := a.ownBooking(ctx, who, code)
	if err != nil || b.Cases == 0 {
		return nil, err
	}
	cases, err := a.batchCases(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	return a.listed(b.ID, cases)
}

func (a *App) batchCases(ctx context.Context, id string) (cases []booking.Case, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		cases, err = tx.BatchCases(ctx, id)
		return err
	})
	return cases, err
}

// ReduceRequest asks to take cases off a batch.
type ReduceRequest struct {
	Key     string
	Code    string
	Cases   []int // as listed, from 1
	Channel booking.Channel
}

// Reduce takes cases off a batch of the signed-in person, as long as it can be cancelled (Art. 17): their
// units go back. NoSuchCase for one that is not on the list, LastCase for all of them.
func (a *App) Reduce(ctx context.Context, who *identity.Session, r ReduceRequest) (Receipt, error) {
	receipt, err := a.reduce(ctx, who, r)
	if err != nil {
		a.refused(fault.CodeOf(err))
	}
	return receipt, err
}

func (a *App) reduce(ctx context.Context, who *identity.Session, r ReduceRequest) (Receipt, error) {
	if err := checkKey(r.Key); err != nil {
		return Receipt{}, err
	}
	b, err := a.ownBooking(ctx, who, r.Code)
	if err != nil {
		return Receipt{}, err
	}
	if b.Cases == 0 {
		return Receipt{}, fault.New(fault.NoSuchCase)
	}
	cases := slices.Compact(slices.Sorted(slices.Values(r.Cases)))
	answer, err := a.ask(ctx, &booking.Reduce{
		Key: r.Key, Hash: digest("reduce", b.ID, fmt.Sprint(cases)), Who: booking.Who{Key: who.Person.Key, Level: who.Person.Level},
		Booking: b.ID, Cases: cases, Rules: a.Rules(b.Date), Channel: r.Channel,
	})
	if err != nil {
		return Receipt{}, err
	}
	return a.receipt(ctx, answer)
}

// --- a list that is being filled in

// BatchList is a list that is being filled in by the signed-in person.
type BatchList struct {
	Parties []booking.Party // in clear: to be checked and booked, never shown
	Shown   []ListedCase
}

// BatchList returns a list being filled in; an empty one where there is none under this id.
func (a *App) BatchList(ctx context.Context, who *identity.Session, id string) (l BatchList, err error) {
	var sealed []byte
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		sealed, err = tx.List(ctx, who.Person.Key, id)
		return err
	}); err != nil || sealed == nil {
		return l, err
	}
	plain, err := a.vault.Open(sealed, "list|"+id)
	if err != nil {
		return l, fault.Wrap(fault.InternalError, err)
	}
	if err := json.Unmarshal(plain, &l.Parties); err != nil {
		return l, fault.Wrap(fault.InternalError, err)
	}
	for i, p := range l.Parties {
		l.Shown = append(l.Shown, ListedCase{N: i + 1, Person: mask(p, booking.Other), Document: p.Document.Kind, State: booking.CaseOpen})
	}
	return l, nil
}

// SaveBatchList keeps a list that is being filled in for a day, sealed, in place of what was there. What is
// wrong with a person, or stands in it twice, is refused, by fields cases.<n>.<field>.
func (a *App) SaveBatchList(ctx context.Context, who *identity.Session, id string, list []booking.Party) error {
	if len(list) > booking.MostCases {
		return fault.InvalidFields(fault.Field{Path: "cases", Code: fault.TooLong})
	}
	for i := range list {
		list[i] = list[i].AsCase()
	}
	if wrong := booking.CaseFaults(list, calendar.DateOf(a.now())); len(wrong) > 0 {
		return fault.InvalidFields(wrong...)
	}
	plain, err := json.Marshal(list)
	if err != nil {
		return err
	}
	sealed := a.vault.Seal(plain, "list|"+id)
	return a.db.Update(ctx, func(tx *store.Tx) error { return tx.SaveList(ctx, who.Person.Key, id, sealed) })
}

// ReadCases reads a list from a CSV file in UTF-8, with or without a byte order mark, whose header names
// booking.CaseColumns; kinds of documents may be given as words (see words). Every line that is wrong is
// told of by its number and column, and nothing of it is repeated.
func (a *App) ReadCases(body []byte, words func(string) identity.DocumentKind) ([]booking.Party, []directory.LineError) {
	if len(body) > MaxList || !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0 {
		return nil, []directory.LineError{{Line: 1, Code: fault.FileUnreadable}}
	}
	list, lines, wrong := booking.ParseCases(limited(directory.Lines(bytes.NewReader(body))))
	if len(list) > booking.MostCases {
		return nil, append(wrong, directory.LineError{Line: lines[booking.MostCases], Code: fault.TooLong})
	}
	for i := range list {
		d := &list[i].Document
		if d.Kind == "" {
			d.Kind = identity.ResidentID
		} else if k := words(string(d.Kind)); k != "" {
			d.Kind = k
		}
		list[i] = list[i].AsCase()
	}
	for _, f := range booking.CaseFaults(list, calendar.DateOf(a.now())) {
		_, rest, _ := strings.Cut(f.Path, ".")
		n, column, _ := strings.Cut(rest, ".")
		at, err := strconv.Atoi(n)
		if err != nil || at >= len(lines) {
			continue
		}
		column = strings.TrimPrefix(column, "document.")
		if column == "kind" {
			column = "document"
		}
		wrong = append(wrong, directory.LineError{Line: lines[at], Column: column, Code: f.Code})
	}
	slices.SortStableFunc(wrong, func(x, y directory.LineError) int { return x.Line - y.Line })
	return list, wrong
}

// CasesTemplate is an empty file for a list, as a spreadsheet opens it.
func CasesTemplate() []byte {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	_ = w.Write(booking.CaseColumns) // into memory
	w.Flush()
	return b.Bytes()
}

// keepCases keeps the list of a batch that enters a draw, until the draw has decided: less than a day.
func (a *App) keepCases(ctx context.Context, b *booking.Book) error {
	if len(b.Cases) == 0 {
		return nil
	}
	plain, err := json.Marshal(b.Cases) // keys, and persons that are sealed already
	if err != nil {
		return err
	}
	return a.db.Update(ctx, func(tx *store.Tx) error { return tx.SaveList(ctx, b.Who.Key, "draw "+b.ID, plain) })
}

// keptCases returns what keepCases kept for the booking that an entry of a draw is to be.
func (a *App) keptCases(ctx context.Context, booker identity.Key, id string, units int) (list []booking.Case, err error) {
	if units <= 1 {
		return nil, nil
	}
	var plain []byte
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		plain, err = tx.List(ctx, booker, "draw "+id)
		return err
	}); err != nil || plain == nil {
		return nil, err
	}
	return list, json.Unmarshal(plain, &list)
}

// --- at the counter

// TickCase marks a case of the batch at a counter as done, or as open again: case by case, while the
// batch's number is at that counter. What is so already stays so.
func (a *App) TickCase(ctx context.Context, ad *Admin, hall, id, ticket string, n int, done bool) (CounterView, error) {
	v, err := a.tickCase(ctx, ad, hall, id, ticket, n, done)
	return v, a.told(err)
}

func (a *App) tickCase(ctx context.Context, ad *Admin, hall, id, ticket string, n int, done bool) (v CounterView, err error) {
	c, err := a.atCounter(ad, hall, id)
	if err != nil {
		return v, err
	}
	var f *counter.Floor
	err = a.onFloor(ctx, By{Admin: ad, Channel: AtDesk}, hall, calendar.DateOf(a.now()), func(d *day) error {
		s, err := d.mine(id)
		if err != nil {
			return err
		}
		t := d.Tickets[ticket]
		switch {
		case t == nil:
			return fault.New(fault.TicketNotFound)
		case t.Counter != id || t.State != counter.Called && t.State != counter.Held:
			return fault.New(fault.TicketNotYours)
		}
		list, err := d.tx.BatchCases(ctx, t.Booking)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(c booking.Case) bool { return c.N == n && c.State != booking.CaseRemoved })
		if i < 0 {
			return fault.New(fault.NoSuchCase)
		}
		if done == (list[i].State == booking.CaseDone) {
			return errStands
		}
		if ticked, err := d.tx.TickCase(ctx, t.Booking, n, done); err != nil || !ticked {
			return orElse(err, fault.New(fault.ChangedMeanwhile))
		}
		s.Seen = d.tx.Now
		d.seats[id] = true
		f = d.Floor
		return nil
	})
	if errors.Is(err, errStands) {
		return a.CounterView(ctx, ad, hall, id)
	}
	return a.after(ctx, ad, hall, c, f, err)
}

// casesAt returns the list of the batch a ticket is for, none for any other.
func (a *App) casesAt(ctx context.Context, t *counter.Ticket) ([]ListedCase, error) {
	if t.Booking == "" || t.Units <= 1 {
		return nil, nil
	}
	cases, err := a.batchCases(ctx, t.Booking)
	if err != nil {
		return nil, err
	}
	return a.listed(t.Booking, slices.DeleteFunc(cases, func(c booking.Case) bool { return c.State == booking.CaseRemoved }))
}
