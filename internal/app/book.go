package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// BookRequest asks for a number of the signed-in person.
type BookRequest struct {
	Key       string // idempotency key, 8 to 64 characters of [A-Za-z0-9_-]
	Item      string
	SlotID    string
	Stage     directory.Stage
	Units     int             // 0 counts as many as Cases, or 1
	Cases     []booking.Party // the list of a batch (Art. 19): one a unit; of more than one unit it must be there, but with Instead
	Applicant Applicant       // of no kind, with Instead: as it was
	Channel   booking.Channel
	Instead   string // code of the missed booking this makes good (Art. 18), "" for none
}

// Applicant says whose business it is. For Self the rest is empty; Other has name and document, or
// the id of a kept person; Organisation has its credit code and name.
type Applicant struct {
	Kind       booking.ApplicantKind
	Kept       string
	Name       string
	Document   identity.Document
	Birth      string // 2006-01-02, with a passport
	Phone      string
	CreditCode string
}

// Receipt is a booking as its booker gets it back.
type Receipt struct {
	View     BookingView
	Replayed bool       // the same request had been made before: nothing new was done
	Entry    *DrawEntry // set where the request is in a draw: View says what for, and nothing is booked yet
}

// Book takes a number, or says why not and what could be had instead.
func (a *App) Book(ctx context.Context, who *identity.Session, r BookRequest) (Receipt, error) {
	receipt, err := a.book(ctx, who, r)
	a.Tried(who, r.Key, err)
	if err != nil {
		a.refused(fault.CodeOf(err))
	}
	return receipt, err
}

func (a *App) book(ctx context.Context, who *identity.Session, r BookRequest) (Receipt, error) {
	if err := checkKey(r.Key); err != nil {
		return Receipt{}, err
	}
	if r.Units == 0 {
		r.Units = max(1, len(r.Cases))
	}
	if r.Units < 1 || r.Units > 1000 {
		return Receipt{}, fault.InvalidFields(fault.Field{Path: "units", Code: fault.OutOfRange})
	}
	offer, err := a.offer(r.Item, r.SlotID)
	if err != nil {
		return Receipt{}, err
	}
	var missed *booking.Booking
	if r.Instead != "" {
		if missed, err = a.ownBooking(ctx, who, r.Instead); err != nil {
			return Receipt{}, err
		}
	}
	if missed != nil && missed.Cases > 0 && len(r.Cases) == 0 { // the same list
		if r.Cases, err = a.listOf(ctx, missed); err != nil {
			return Receipt{}, err
		}
	}
	if missed == nil || missed.Cases > 0 {
		if err := a.checkBatch(who, offer, &r); err != nil {
			return Receipt{}, err
		}
	}
	parties, applicant, err := a.partiesFor(ctx, who, &r, missed)
	if err != nil {
		return Receipt{}, err
	}
	n, err := a.ids.next(ctx, a.db)
	if err != nil {
		return Receipt{}, fault.Wrap(fault.Busy, err).After(time.Second)
	}
	id := booking.IDOf(n)
	plain, err := json.Marshal(parties)
	if err != nil {
		return Receipt{}, err
	}
	var whom []byte // as given; who signed in and what is known of them may change until the request is repeated
	if r.Applicant.Kind != booking.Self {
		if whom, err = json.Marshal(parties.Applicant); err != nil {
			return Receipt{}, err
		}
	}
	asked := []string{"book", r.Item, r.SlotID, string(r.Stage), fmt.Sprint(r.Units), string(r.Applicant.Kind), string(applicant), string(whom)}
	cases, err := a.cases(id, r.Cases)
	if err != nil {
		return Receipt{}, err
	}
	for i, c := range cases {
		asked = append(asked, string(c.Person), r.Cases[i].Name)
	}
	instead := ""
	if missed != nil {
		instead = missed.ID
		asked = append(asked, instead)
	}
	ask := &booking.Book{
		Key: r.Key, Hash: digest(asked...), Instead: instead,
		ID: id, Who: booking.Who{Key: who.Person.Key, Level: who.Person.Level},
		Applicant: r.Applicant.Kind, For: applicant, Offer: offer,
		SlotID: r.SlotID, Stage: r.Stage, Units: r.Units, Cases: cases, Channel: r.Channel,
		Sealed: a.vault.Seal(plain, "booking|"+id),
	}
	if d, err := a.drawOf(ctx, r.SlotID); err != nil {
		return Receipt{}, err
	} else if d != nil {
		if err := a.mayBookOffSite(ctx, who.Person.Key, r.Channel, r.Instead != ""); err != nil {
			return Receipt{}, err
		}
		return a.enter(ctx, d, ask, parties)
	}
	answer, err := a.ask(ctx, ask)
	if err != nil {
		return Receipt{}, a.explain(ctx, who, err, wanted{r.Item, r.Stage, r.SlotID, r.Units})
	}
	if offer.System != "" {
		if answer.Booking, err = a.confirmed(ctx, answer.Booking); err != nil {
			return Receipt{}, a.explain(ctx, who, err, wanted{r.Item, r.Stage, r.SlotID, r.Units})
		}
	}
	if answer.Replayed { // its persons are as they were the first time
		return a.receipt(ctx, answer)
	}
	v, err := a.shownWith(answer.Booking, parties)
	return Receipt{View: v}, err
}

// MoveRequest asks to change a booking to another slot, as one step.
type MoveRequest struct {
	Key     string
	Code    string // booking code
	SlotID  string
	Channel booking.Channel
}

// Move changes a booking of the signed-in person to another slot that serves the same item.
func (a *App) Move(ctx context.Context, who *identity.Session, r MoveRequest) (Receipt, error) {
	receipt, err := a.move(ctx, who, r)
	if err != nil {
		a.refused(fault.CodeOf(err))
	}
	return receipt, err
}

func (a *App) move(ctx context.Context, who *identity.Session, r MoveRequest) (Receipt, error) {
	if err := checkKey(r.Key); err != nil {
		return Receipt{}, err
	}
	b, err := a.ownBooking(ctx, who, r.Code)
	if err != nil {
		return Receipt{}, err
	}
	offer, err := a.offer(b.Item, r.SlotID)
	if fault.CodeOf(err) == fault.NotOffered {
		return Receipt{}, fault.New(fault.MoveOtherItem)
	}
	if err != nil {
		return Receipt{}, err
	}
	ask := &booking.Move{
		Key: r.Key, Hash: digest("move", b.ID, r.SlotID), Who: booking.Who{Key: who.Person.Key, Level: who.Person.Level},
		Booking: b.ID, Offer: offer, SlotID: r.SlotID, Channel: r.Channel,
	}
	answer, err := a.ask(ctx, ask)
	if offer.System != "" && fault.CodeOf(err) == fault.ChangedMeanwhile { // it may, and the department has not been asked
		answer, err = a.moveThere(ctx, b, ask)
	}
	if err != nil {
		return Receipt{}, a.explain(ctx, who, err, wanted{b.Item, b.Stage, r.SlotID, b.Units})
	}
	return a.receipt(ctx, answer)
}

// CancelRequest asks to give a booking back.
type CancelRequest struct {
	Key     string
	Code    string
	Channel booking.Channel
}

// Cancel gives a booking of the signed-in person back (Art. 17).
func (a *App) Cancel(ctx context.Context, who *identity.Session, r CancelRequest) (Receipt, error) {
	receipt, err := a.cancel(ctx, who, r)
	if err != nil {
		a.refused(fault.CodeOf(err))
	}
	return receipt, err
}

func (a *App) cancel(ctx context.Context, who *identity.Session, r CancelRequest) (Receipt, error) {
	if err := checkKey(r.Key); err != nil {
		return Receipt{}, err
	}
	b, err := a.ownBooking(ctx, who, r.Code)
	if err != nil {
		return Receipt{}, err
	}
	answer, err := a.ask(ctx, &booking.Cancel{
		Key: r.Key, Hash: digest("cancel", b.ID), Who: booking.Who{Key: who.Person.Key, Level: who.Person.Level},
		Booking: b.ID, Rules: a.Rules(b.Date), Regime: a.regime(), Channel: r.Channel,
	})
	if err != nil {
		return Receipt{}, err
	}
	return a.receipt(ctx, answer)
}

// ask puts a request in line for the lanes and waits for the answer.
func (a *App) ask(ctx context.Context, r booking.Request) (booking.Answer, error) {
	if a.plain {
		return a.askPlainly(ctx, r)
	}
	out, err := a.lanes.Do(ctx, r)
	if err != nil {
		return booking.Answer{}, err
	}
	if out.Fault != nil {
		return booking.Answer{}, out.Fault
	}
	return out.Answer, nil
}

// offer finds what the queue of a slot offers of an item.
func (a *App) offer(item, slot string) (booking.Offer, error) {
	queue, date, _, ok := booking.ParseSlotID(slot)
	if !ok {
		return booking.Offer{}, fault.New(fault.SlotNotFound)
	}
	city := a.City()
	it := city.Item(item)
	if it == nil {
		return booking.Offer{}, fault.New(fault.ItemNotFound)
	}
	if city.Queue(queue) == nil {
		return booking.Offer{}, fault.New(fault.SlotNotFound)
	}
	o := city.Offer(item, queue)
	if o == nil {
		return booking.Offer{}, fault.New(fault.NotOffered)
	}
	out := booking.Offer{
		Rules: a.Rules(date), Item: item, HallID: o.HallID, QueueID: queue,
		Stages: o.Stages, BatchMax: o.BatchMax, Foreigner: it.Foreigner, Drawn: a.draws.releases(queue), Regime: a.regime(),
	}
	return out, a.setWay(&out)
}

// wanted is what somebody asked a number for.
type wanted struct {
	item  string
	stage directory.Stage
	slot  string
	units int
}

// explain adds to a refusal what could be done instead: for a full slot the next free ones, for a
// limit the booking that stands in the way, if it is the asker's own.
func (a *App) explain(ctx context.Context, who *identity.Session, err error, w wanted) error {
	f := fault.As(err)
	switch f.Code {
	case fault.SoldOut, fault.SlotClosed, fault.SlotOver, fault.OffSiteClosed, fault.NotReleased, fault.DepartmentNo:
		queue, _, _, _ := booking.ParseSlotID(w.slot)
		args := copyArgs(f)
		if next := a.NextFree(queue, w.units); next != nil {
			args["here"] = next.ID
		}
		if next := a.elsewhere(w, queue); next != nil {
			args["elsewhere"] = next.ID
		}
		f.Args = args
	case fault.BookedElsewhere:
		args := copyArgs(f)
		if s, readErr := a.sourceByID(ctx, args["system"]); readErr == nil && s != nil {
			args["system"] = s.Name
		}
		f.Args = args
	case fault.AlreadyBooked, fault.SameHour:
		args := copyArgs(f)
		held := args["booking"]
		delete(args, "booking")
		if b, readErr := a.readBooking(ctx, held); readErr == nil && b != nil && b.BookerKey == who.Person.Key {
			if n, ok := booking.NumberOfID(b.ID); ok {
				args["code"] = a.vault.CodeOf(n)
			}
		}
		f.Args = args
	}
	return f
}

func copyArgs(f *fault.Error) map[string]string {
	args := map[string]string{}
	for k, v := range f.Args {
		args[k] = v
	}
	return args
}

// elsewhere returns the soonest free slot for the same in any other queue, nearest in the tree first
// among equals.
func (a *App) elsewhere(w wanted, queue string) *SlotView {
	now := a.now()
	rules := a.Rules(calendar.DateOf(now))
	city := a.City()
	var best *SlotView
	bestNear := -1
	home := city.Queue(queue)
	for _, o := range city.Offers(w.item) {
		if o.QueueID == queue || !o.Stages.Has(w.stage) || w.units > max(o.BatchMax, 1) {
			continue
		}
		v := a.nextFree(o.QueueID, w.units, now, rules)
		if v == nil {
			continue
		}
		near := nearness(city, home, o.HallID)
		sooner := best == nil || v.Date < best.Date || v.Date == best.Date && v.Hour < best.Hour
		same := best != nil && v.Date == best.Date && v.Hour == best.Hour
		if sooner || same && near > bestNear {
			best, bestNear = v, near
		}
	}
	return best
}

// nearness is 2 for a hall in the same street, 1 in the same district, else 0.
func nearness(city *City, home *directory.Queue, hall string) int {
	if home == nil {
		return 0
	}
	a, b := city.Hall(home.HallID), city.Hall(hall)
	switch {
	case a == nil || b == nil:
		return 0
	case a.StreetID != "" && a.StreetID == b.StreetID:
		return 2
	case a.DistrictID != "" && a.DistrictID == b.DistrictID:
		return 1
	}
	return 0
}

// partiesFor is parties, with the applicant of the missed booking where r makes one good and names none.
func (a *App) partiesFor(ctx context.Context, who *identity.Session, r *BookRequest, missed *booking.Booking) (booking.Parties, identity.Key, error) {
	if missed == nil || r.Applicant.Kind != "" {
		return a.parties(ctx, who, r.Applicant)
	}
	r.Applicant.Kind = missed.Applicant
	if missed.Applicant == booking.Self {
		return a.parties(ctx, who, r.Applicant)
	}
	p, err := a.open(missed)
	if err != nil {
		return booking.Parties{}, "", err
	}
	me := who.Person
	p.Booker = booking.Party{Name: me.Name, Document: me.Document, Birth: me.Birth, Phone: me.Phone}
	return p, missed.ApplicantKey, nil
}

// parties gathers the persons of a booking and the applicant's key.
func (a *App) parties(ctx context.Context, who *identity.Session, ap Applicant) (booking.Parties, identity.Key, error) {
	p := who.Person
	booker := booking.Party{Name: p.Name, Document: p.Document, Birth: p.Birth, Phone: p.Phone}
	switch ap.Kind {
	case booking.Self:
		return booking.Parties{Booker: booker, Applicant: booker}, a.personKey(p.Document, p.Birth), nil
	case booking.Other:
		party, err := a.otherPerson(ctx, who, ap)
		if err != nil {
			return booking.Parties{}, "", err
		}
		return booking.Parties{Booker: booker, Applicant: party}, a.personKey(party.Document, party.Birth), nil
	case booking.Organisation:
		party := booking.Party{Name: ap.Name, CreditCode: ap.CreditCode}.Normalised()
		if err := checkParty(party, booking.Organisation, calendar.DateOf(a.now())); err != nil {
			return booking.Parties{}, "", err
		}
		return booking.Parties{Booker: booker, Applicant: party}, a.organisationKey(party.CreditCode), nil
	}
	return booking.Parties{}, "", fault.InvalidFields(fault.Field{Path: "applicant.kind", Code: fault.NotOneOf})
}

func (a *App) otherPerson(ctx context.Context, who *identity.Session, ap Applicant) (booking.Party, error) {
	if ap.Kept != "" {
		return a.keptPerson(ctx, who, ap.Kept)
	}
	party := booking.Party{Name: ap.Name, Document: ap.Document, Birth: ap.Birth, Phone: ap.Phone}.Normalised()
	return party, checkParty(party, booking.Other, calendar.DateOf(a.now()))
}

// checkParty refuses a normalised party of which anything is wrong.
func checkParty(p booking.Party, kind booking.ApplicantKind, today calendar.Date) error {
	if wrong := p.Check(kind, today); len(wrong) > 0 {
		return fault.InvalidFields(wrong...)
	}
	return nil
}

func (a *App) personKey(d identity.Document, birth string) identity.Key {
	return identity.Key(a.vault.Lookup("person", d.Canonical(birth)))
}

func (a *App) organisationKey(creditCode string) identity.Key {
	return identity.Key(a.vault.Lookup("organisation", creditCode))
}

// checkKey says what an idempotency key must look like.
func checkKey(key string) error {
	if key == "" {
		return fault.New(fault.KeyMissing)
	}
	if len(key) < 8 || len(key) > 64 {
		return fault.InvalidFields(fault.Field{Path: "Idempotency-Key", Code: fault.BadFormat})
	}
	for _, r := range key {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			return fault.InvalidFields(fault.Field{Path: "Idempotency-Key", Code: fault.BadFormat})
		}
	}
	return nil
}

// digest tells one request from another under the same key. A person's data among the parts need the
// keyed hash of their document beside them: without it nobody can try out what they are.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
