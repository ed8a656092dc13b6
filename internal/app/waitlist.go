package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/waitlist"
	"suiyue/internal/store"
)

// WaitRequest asks to stand in line for a number (候補, Art. 15).
type WaitRequest struct {
	Key       string // idempotency key, as in BookRequest
	Item      string
	Stage     directory.Stage
	Units     int             // 0 counts as 1, or as many as there are on the list
	Cases     []booking.Party // the list of a batch (Art. 19): one person a unit; none for one unit
	Wants     Wants
	Applicant Applicant
	Channel   booking.Channel
}

// Wants is what would suit somebody: any hour of Hours on any of Dates at any of Halls.
type Wants struct {
	Halls []string
	Dates []calendar.Date
	Hours []int
}

// The most somebody may name.
const (
	MostWaitHalls = 20
	MostWaitDates = 60
)

// WaitView is an entry of the waitlist as its person sees it.
type WaitView struct {
	Code      string            // the entry's, and later the booking's
	Entry     booking.WaitEntry // Sealed left out
	Item      *directory.Item
	Places    []WaitPlace
	Applicant MaskedParty
	Hall      *directory.Hall // offered, booked: where
	Date      calendar.Date
	Hour      int
	Replayed  bool
}

// WaitPlace is where an entry stands in the line of one queue.
type WaitPlace struct {
	Hall   *directory.Hall
	Queue  *directory.Queue
	Ahead  int             // how many stand before it; told only while it stands in line
	Chance waitlist.Chance // of those who joined this line that far behind or further
}

// pastDays is how far back the chance is told from.
const pastDays = 28

// JoinWait puts somebody in line. It is refused where a number that would suit is free: the slot is named.
func (a *App) JoinWait(ctx context.Context, who *identity.Session, r WaitRequest) (WaitView, error) {
	v, err := a.joinWait(ctx, who, r)
	if err != nil {
		a.refused(fault.CodeOf(err))
	}
	return v, err
}

func (a *App) joinWait(ctx context.Context, who *identity.Session, r WaitRequest) (WaitView, error) {
	if err := checkKey(r.Key); err != nil {
		return WaitView{}, err
	}
	if r.Units == 0 {
		r.Units = max(1, len(r.Cases))
	}
	parties, applicant, err := a.parties(ctx, who, r.Applicant)
	if err != nil {
		return WaitView{}, err
	}
	rules := a.Rules(calendar.DateOf(a.now()))
	if !rules.Waitlist {
		return WaitView{}, fault.New(fault.WaitlistOff)
	}
	e := &booking.WaitEntry{
		Booker: who.Person.Key, Level: who.Person.Level, Applicant: r.Applicant.Kind, ApplicantKey: applicant,
		Item: r.Item, Stage: r.Stage, Units: r.Units, Cases: len(r.Cases), Channel: r.Channel, State: booking.Waiting, Version: 1,
	}
	asked := []string{"wait", r.Item, string(r.Stage), fmt.Sprint(r.Units), string(r.Applicant.Kind), string(applicant),
		strings.Join(slices.Sorted(slices.Values(r.Wants.Halls)), " "), fmt.Sprint(slices.Sorted(slices.Values(r.Wants.Dates))), fmt.Sprint(slices.Sorted(slices.Values(r.Wants.Hours)))}
	bad := a.checkCases(r.Units, r.Cases)
	for _, one := range r.Cases {
		asked = append(asked, string(a.personKey(one.Document, one.Birth)), one.Name)
	}
	hash := digest(asked...)
	if v, found, err := a.joined(ctx, who, r.Key, hash); found || err != nil {
		return v, err
	}
	if err := a.mayBookOffSite(ctx, who.Person.Key, r.Channel, false); err != nil {
		return WaitView{}, err
	}
	if err := a.want(e, r.Wants); err != nil { // first: who may not wait here need not hear about their list
		return WaitView{}, err
	}
	if bad != nil {
		return WaitView{}, bad
	}
	n, err := a.ids.next(ctx, a.db)
	if err != nil {
		return WaitView{}, fault.Wrap(fault.Busy, err).After(time.Second)
	}
	e.ID = booking.IDOf(n)
	plain, err := json.Marshal(parties)
	if err != nil {
		return WaitView{}, err
	}
	e.Sealed = a.vault.Seal(plain, "booking|"+e.ID)
	cases, err := a.cases(e.ID, r.Cases)
	if err != nil {
		return WaitView{}, err
	}
	again := false
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		again = false
		number, err := tx.NextBlock(ctx, "waitlist", 1) // who joins at once takes turns here
		if err != nil {
			return err
		}
		e.Number, e.JoinedAt, e.ChangedAt = number, tx.Now, tx.Now
		home := e.Lines[0].HallID
		if holder, err := tx.TakeClaim(ctx, booking.Claim{Person: e.Booker, Name: booking.WaitKeyName(r.Key), HallID: home, Booking: e.ID, Hash: hash}); err != nil {
			return err
		} else if again = holder != ""; again {
			return nil
		}
		holder, err := tx.TakeClaim(ctx, booking.Claim{Person: applicant, Name: booking.WaitName(e.Item), HallID: home, Booking: e.ID})
		if err != nil {
			return err
		}
		if holder != "" {
			return a.waitsTwice(ctx, tx, who, holder)
		}
		open, err := tx.OpenWaits(ctx, e.Booker)
		if err != nil {
			return err
		}
		if open >= rules.WaitlistMost {
			return fault.New(fault.WaitTooMany, "max", fmt.Sprint(rules.WaitlistMost))
		}
		if err := tx.AddWait(ctx, e, cases); err != nil {
			return err
		}
		return markLines(ctx, tx, e.Lines, tx.Now)
	})
	if err != nil {
		return WaitView{}, notDone(err)
	}
	if again { // the same request, sent twice at once
		v, _, err := a.joined(ctx, who, r.Key, hash)
		return v, err
	}
	a.wakeLine() // something that suits may be held
	a.checkLines(ctx, e.Lines)
	return a.waitView(ctx, e)
}

// joined answers a request that was made before under its key.
func (a *App) joined(ctx context.Context, who *identity.Session, key, hash string) (v WaitView, found bool, err error) {
	var e *booking.WaitEntry
	var claim *booking.Claim
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		e = nil
		if claim, err = tx.ClaimOf(ctx, booking.Ref{Person: who.Person.Key, Name: booking.WaitKeyName(key)}); err != nil || claim == nil {
			return err
		}
		e, err = tx.Wait(ctx, claim.Booking)
		return err
	}); err != nil || claim == nil {
		return v, false, err
	}
	if claim.Hash != hash || e == nil {
		return v, true, fault.New(fault.KeyReused)
	}
	v, err = a.waitView(ctx, e)
	v.Replayed = true
	return v, true, err
}

func (a *App) waitsTwice(ctx context.Context, tx *store.Tx, who *identity.Session, holder string) error {
	other, err := tx.Wait(ctx, holder)
	if err != nil {
		return err
	}
	if n, ok := booking.NumberOfID(holder); ok && other != nil && other.Booker == who.Person.Key {
		return fault.New(fault.WaitTwice, "entry", a.vault.CodeOf(n))
	}
	return fault.New(fault.WaitTwice)
}

// want fills in what an entry waits for, or says what is wrong with it: that a number is free now, too.
func (a *App) want(e *booking.WaitEntry, w Wants) error {
	city := a.City()
	item := city.Item(e.Item)
	now := a.now()
	today := calendar.DateOf(now)
	switch {
	case item == nil:
		return fault.New(fault.ItemNotFound)
	case e.Units < 1 || e.Units > 1000:
		return fault.InvalidFields(fault.Field{Path: "units", Code: fault.OutOfRange})
	}
	sets := []struct {
		path string
		n    int
		most int
	}{{"halls", len(w.Halls), MostWaitHalls}, {"dates", len(w.Dates), MostWaitDates}, {"hours", len(w.Hours), 24}}
	for _, s := range sets {
		if s.n == 0 {
			return fault.InvalidFields(fault.Field{Path: s.path, Code: fault.Required})
		}
		if s.n > s.most {
			return fault.InvalidFields(fault.Field{Path: s.path, Code: fault.OutOfRange})
		}
	}
	e.Dates = slices.Compact(slices.Sorted(slices.Values(w.Dates)))
	e.Hours = slices.Compact(slices.Sorted(slices.Values(w.Hours)))
	if e.Hours[0] < 0 || e.Hours[len(e.Hours)-1] > 23 {
		return fault.InvalidFields(fault.Field{Path: "hours", Code: fault.OutOfRange})
	}
	if e.Dates[0] < today {
		return fault.InvalidFields(fault.Field{Path: "dates", Code: fault.DateInPast})
	}
	e.Lines = nil
	who := booking.Who{Key: e.Booker, Level: e.Level}
	for _, hall := range slices.Compact(slices.Sorted(slices.Values(w.Halls))) {
		if city.Hall(hall) == nil {
			return fault.New(fault.HallNotFound)
		}
		var refusal error = fault.New(fault.NotOffered)
		for _, o := range city.Offers(e.Item) {
			if o.HallID != hall {
				continue
			}
			offer := booking.Offer{
				Rules: a.Rules(today), Item: e.Item, HallID: hall, QueueID: o.QueueID, Stages: o.Stages, BatchMax: o.BatchMax, Foreigner: item.Foreigner,
			}
			if err := booking.MayWait(who, offer, e.Stage, e.Units); err != nil {
				refusal = err
				continue
			}
			e.Lines = append(e.Lines, booking.WaitLine{HallID: hall, QueueID: o.QueueID})
		}
		if len(e.Lines) == 0 || e.Lines[len(e.Lines)-1].HallID != hall {
			return refusal
		}
	}
	could := false
	for _, l := range e.Lines {
		q := a.board.queue(l.QueueID)
		if q == nil {
			continue
		}
		for s := range q.all() {
			slot := booking.Slot{ID: booking.SlotID(q.id, s.date, int(s.hour)), HallID: l.HallID, QueueID: l.QueueID, Date: s.date, Hour: int(s.hour)}
			if !e.Fits(&slot) {
				continue
			}
			switch v := q.view(s, now, a.Rules(s.date)); {
			case v.State == SlotFree && v.Free >= e.Units:
				return fault.New(fault.PlaceFree, "slot", v.ID)
			case v.State != SlotPast && v.State != SlotClosed:
				could = true
			}
		}
	}
	if !could {
		return fault.InvalidFields(fault.Field{Path: "dates", Code: fault.OutOfRange})
	}
	return nil
}

// MyWaits returns the entries of the signed-in person, newest first: where they stand, and what came of them.
func (a *App) MyWaits(ctx context.Context, who *identity.Session) ([]WaitView, error) {
	var list []*booking.WaitEntry
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.WaitEntriesOf(ctx, who.Person.Key, 50)
		return err
	}); err != nil {
		return nil, err
	}
	out := make([]WaitView, 0, len(list))
	for _, e := range list {
		v, err := a.waitView(ctx, e)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// MyWait returns one of them by its code.
func (a *App) MyWait(ctx context.Context, who *identity.Session, code string) (WaitView, error) {
	e, err := a.ownWait(ctx, who, code)
	if err != nil {
		return WaitView{}, err
	}
	return a.waitView(ctx, e)
}

// ownWait reads an entry by code; another person's is as absent as none.
func (a *App) ownWait(ctx context.Context, who *identity.Session, code string) (e *booking.WaitEntry, err error) {
	n, ok := a.vault.NumberOf(code)
	if !ok {
		return nil, fault.New(fault.WaitNotFound)
	}
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		e, err = tx.Wait(ctx, booking.IDOf(n))
		return err
	}); err != nil {
		return nil, err
	}
	if e == nil || e.Booker != who.Person.Key {
		return nil, fault.New(fault.WaitNotFound)
	}
	return e, nil
}

// waitShown is all of a view that the entry itself tells.
func (a *App) waitShown(e *booking.WaitEntry) (WaitView, error) {
	n, ok := booking.NumberOfID(e.ID)
	if !ok {
		return WaitView{}, fault.New(fault.InternalError)
	}
	p, err := a.open(&booking.Booking{ID: e.ID, Sealed: e.Sealed})
	if err != nil {
		return WaitView{}, err
	}
	city := a.City()
	v := WaitView{Code: a.vault.CodeOf(n), Entry: *e, Item: city.Item(e.Item), Applicant: mask(p.Applicant, e.Applicant)}
	v.Entry.Sealed = nil
	for _, l := range e.Lines {
		v.Places = append(v.Places, WaitPlace{Hall: city.Hall(l.HallID), Queue: city.Queue(l.QueueID)})
	}
	if e.SlotID != "" {
		v.Hall = city.Hall(e.HallID)
		_, v.Date, v.Hour, _ = booking.ParseSlotID(e.SlotID)
	}
	return v, nil
}

// waitView is waitShown with the place in each line and its chance.
func (a *App) waitView(ctx context.Context, e *booking.WaitEntry) (WaitView, error) {
	v, err := a.waitShown(e)
	if err != nil || !e.State.Open() {
		return v, err
	}
	return v, a.db.View(ctx, func(tx *store.Tx) error {
		for i, l := range e.Lines {
			p := &v.Places[i]
			var err error
			if p.Ahead, err = tx.WaitAhead(ctx, l, e.Number); err != nil {
				return err
			}
			if p.Chance, err = a.chance(ctx, tx, l, p.Ahead); err != nil {
				return err
			}
		}
		return nil
	})
}

const pastMost = 1000 // of one line that a chance is told from

func (a *App) chance(ctx context.Context, tx *store.Tx, l booking.WaitLine, ahead int) (waitlist.Chance, error) {
	var past []waitlist.Past
	err := tx.LinePast(ctx, l, tx.Now.Add(-pastDays*24*time.Hour), pastMost, func(ahead int, s booking.WaitState) {
		past = append(past, waitlist.Past{Ahead: ahead, State: s})
	})
	return waitlist.ChanceOf(ahead, past), err
}

// WaitOutlook tells how long the lines of a hall for an item are and what chance somebody has who joins now.
func (a *App) WaitOutlook(ctx context.Context, item, hall string) (out []WaitPlace, err error) {
	return out, a.db.View(ctx, func(tx *store.Tx) error {
		out = nil
		for _, o := range a.City().Offers(item) {
			if o.HallID != hall {
				continue
			}
			l := booking.WaitLine{HallID: hall, QueueID: o.QueueID}
			ahead, err := tx.WaitAhead(ctx, l, 1<<62)
			if err != nil {
				return err
			}
			chance, err := a.chance(ctx, tx, l, ahead)
			if err != nil {
				return err
			}
			out = append(out, WaitPlace{Hall: a.City().Hall(hall), Queue: a.City().Queue(o.QueueID), Ahead: ahead, Chance: chance})
		}
		return nil
	})
}

// ChangeWait changes what an entry waits for. Its place is kept where it asks for nothing it did not ask for
// before; else it stands at the end. The same again changes nothing. A batch keeps its list, so its units too.
func (a *App) ChangeWait(ctx context.Context, who *identity.Session, code string, units int, w Wants) (WaitView, error) {
	was, err := a.ownWait(ctx, who, code)
	if err != nil {
		return WaitView{}, err
	}
	if was.State != booking.Waiting {
		return WaitView{}, fault.New(fault.WaitEnded, "state", string(was.State))
	}
	e := *was
	if units > 0 {
		e.Units = units
	}
	if e.Units != was.Units && (e.Units > 1 || e.Cases > 0) {
		return WaitView{}, fault.New(fault.BatchUnequal, "units", fmt.Sprint(e.Units), "cases", fmt.Sprint(e.Cases))
	}
	if err := a.want(&e, w); err != nil {
		return WaitView{}, err
	}
	if waitlist.Same(was, &e) {
		return a.waitView(ctx, was)
	}
	e.Version++
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		e.ChangedAt = tx.Now
		if !waitlist.Narrows(was, &e) {
			number, err := tx.NextBlock(ctx, "waitlist", 1)
			if err != nil {
				return err
			}
			e.Number = number
		}
		saved, err := tx.ChangeWait(ctx, &e, was.Version)
		if err == nil && !saved {
			err = fault.New(fault.ChangedMeanwhile)
		}
		if err != nil {
			return err
		}
		return markLines(ctx, tx, append(slices.Clip(was.Lines), e.Lines...), was.JoinedAt) // it joins anew
	})
	if err != nil {
		return WaitView{}, notDone(err)
	}
	a.wakeLine()
	a.checkLines(ctx, e.Lines)
	return a.waitView(ctx, &e)
}

// LeaveWait takes an entry out of line. One that has left has left.
func (a *App) LeaveWait(ctx context.Context, who *identity.Session, code string) (WaitView, error) {
	return a.leaveWait(ctx, who, code, booking.WaitLeft)
}

// TookOnline takes an entry out of line whose person took the online way instead. It is counted as such.
func (a *App) TookOnline(ctx context.Context, who *identity.Session, code string) (WaitView, error) {
	return a.leaveWait(ctx, who, code, booking.WaitOnline)
}

func (a *App) leaveWait(ctx context.Context, who *identity.Session, code string, how booking.WaitState) (WaitView, error) {
	return a.settleWait(ctx, who, code, func(tx *store.Tx, e *booking.WaitEntry) (*booking.WaitEntry, error) {
		switch {
		case e.State == how:
			return e, nil
		case !e.State.Open():
			return nil, fault.New(fault.WaitEnded, "state", string(e.State))
		}
		if item := a.City().Item(e.Item); how == booking.WaitOnline && (item == nil || item.OnlineURL == "") {
			return nil, fault.New(fault.NotOffered)
		}
		gone := e.End(how, tx.Now)
		saved, err := tx.SaveWait(ctx, gone, e.Version)
		if err != nil || !saved {
			return nil, orElse(err, fault.New(fault.ChangedMeanwhile))
		}
		if err := tx.DropClaim(ctx, booking.Claim{Person: e.ApplicantKey, Name: booking.WaitName(e.Item), Booking: e.ID}); err != nil {
			return nil, err
		}
		if e.State == booking.Offered {
			if err := a.returnOffer(ctx, tx, e); err != nil {
				return nil, err
			}
		}
		return gone, markLines(ctx, tx, e.Lines, tx.Now)
	})
}

// DeclineOffer leaves a place that is offered to the next. The entry stays where it stands, and is not offered
// that hour again.
func (a *App) DeclineOffer(ctx context.Context, who *identity.Session, code string) (WaitView, error) {
	return a.settleWait(ctx, who, code, func(tx *store.Tx, e *booking.WaitEntry) (*booking.WaitEntry, error) {
		if e.State == booking.Waiting {
			return e, nil
		}
		if e.State != booking.Offered {
			return nil, fault.New(fault.OfferOver)
		}
		done, err := a.passOffer(ctx, tx, e)
		if err != nil || !done {
			return nil, orElse(err, fault.New(fault.ChangedMeanwhile))
		}
		return e.Pass(tx.Now), nil
	})
}

func (a *App) settleWait(ctx context.Context, who *identity.Session, code string, do func(*store.Tx, *booking.WaitEntry) (*booking.WaitEntry, error)) (WaitView, error) {
	own, err := a.ownWait(ctx, who, code)
	if err != nil {
		return WaitView{}, err
	}
	var after *booking.WaitEntry
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Wait(ctx, own.ID)
		if err != nil || e == nil {
			return orElse(err, fault.New(fault.WaitNotFound))
		}
		after, err = do(tx, e)
		return err
	})
	if err != nil {
		return WaitView{}, notDone(err)
	}
	a.wakeLine()
	return a.waitView(ctx, after)
}

// TakeOffer books the place that is offered to an entry.
func (a *App) TakeOffer(ctx context.Context, who *identity.Session, key, code string, ch booking.Channel) (Receipt, error) {
	receipt, err := a.takeOffer(ctx, who, key, code, ch)
	if err != nil {
		a.refused(fault.CodeOf(err))
	}
	return receipt, err
}

func (a *App) takeOffer(ctx context.Context, who *identity.Session, key, code string, ch booking.Channel) (Receipt, error) {
	if err := checkKey(key); err != nil {
		return Receipt{}, err
	}
	e, err := a.ownWait(ctx, who, code)
	if err != nil {
		return Receipt{}, err
	}
	if e.SlotID == "" {
		return Receipt{}, fault.New(fault.OfferOver)
	}
	offer, err := a.offer(e.Item, e.SlotID)
	if err != nil {
		return Receipt{}, err
	}
	answer, err := a.ask(ctx, &booking.Accept{
		Key: key, Hash: digest("take offer", e.ID), Who: booking.Who{Key: who.Person.Key, Level: who.Person.Level},
		Entry: e.ID, HallID: e.HallID, SlotID: e.SlotID, Offer: offer, Channel: ch,
	})
	if err != nil {
		return Receipt{}, a.explain(ctx, who, err, wanted{e.Item, e.Stage, e.SlotID, e.Units})
	}
	for _, l := range e.Lines {
		a.touched.add(l.HallID, calendar.DateOf(a.now()))
	}
	return a.receipt(ctx, answer)
}

// outgoingWait is a message about an entry of the waitlist, ready to be sent.
func (a *App) outgoingWait(r store.MessageRow, e *booking.WaitEntry) (Outgoing, error) {
	v, err := a.waitShown(e)
	if err != nil {
		return Outgoing{}, err
	}
	p, err := a.open(&booking.Booking{ID: e.ID, Sealed: e.Sealed})
	stale := r.Kind == booking.MessageWaitOffer && (e.State != booking.Offered || e.Version != r.Version) || r.Kind == booking.MessageWaitOnline && !e.State.Open()
	return Outgoing{Row: r, Phone: p.Booker.Phone, Wait: &v, Stale: stale}, err
}
