package app

import (
	"context"
	"crypto/subtle"
	"math"
	"slices"
	"strings"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// Coming by phone: who is in the hall checks in themselves. That they are there the phone's position shows,
// or the code of the day that hangs in the hall.

// HallCode is the code of a hall's day, shown in the hall: 8 characters, another each day.
func (a *App) HallCode(hall string, d calendar.Date) string {
	return shortCode(a.vault.Lookup("hall day", hall+"|"+d.String()), 8)
}

// AtHall says how a phone shows that it is in the hall: Code of today, or Position. A position is compared
// and forgotten.
type AtHall struct {
	Code     string
	Position *Place
}

// there refuses who is not shown to be in the hall.
func (a *App) there(ctx context.Context, hall string, at AtHall) error {
	h := a.City().Hall(hall)
	if h == nil {
		return fault.New(fault.HallNotFound)
	}
	today := calendar.DateOf(a.now())
	if at.Position == nil {
		want := a.HallCode(hall, today)
		if subtle.ConstantTimeCompare([]byte(strings.ToUpper(strings.TrimSpace(at.Code))), []byte(want)) != 1 {
			return fault.New(fault.DayCodeWrong)
		}
		return nil
	}
	p := *at.Position
	if math.IsNaN(p.Latitude) || math.IsNaN(p.Longitude) || math.Abs(p.Latitude) > 90 || math.Abs(p.Longitude) > 180 {
		return fault.InvalidFields(fault.Field{Path: "position", Code: fault.OutOfRange})
	}
	if h.Latitude == 0 && h.Longitude == 0 {
		return fault.New(fault.TooFar) // nobody knows where it is: the code of the day does
	}
	var rules counter.Rules
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		rules, err = a.rulesOf(ctx, tx, hall, today)
		return err
	}); err != nil {
		return err
	}
	if distance(p, Place{h.Latitude, h.Longitude})*1000 > float64(rules.RadiusMetres) {
		return fault.New(fault.TooFar)
	}
	return nil
}

// CheckInByPhone checks the signed-in person in for one of their bookings of today, in its hall. Again, it
// returns the ticket there is.
func (a *App) CheckInByPhone(ctx context.Context, who *identity.Session, hall, code string, at AtHall) (TicketView, error) {
	if err := a.there(ctx, hall, at); err != nil {
		return TicketView{}, a.told(err)
	}
	return a.CheckIn(ctx, By{Self: who, Channel: ByPhone}, hall, CheckIn{Code: code})
}

// NumberByPhone gives the signed-in person, in the hall, a number of the day instead of the booking they
// missed today (Art. 18).
func (a *App) NumberByPhone(ctx context.Context, who *identity.Session, hall, key, missed string, at AtHall) (TicketView, error) {
	if err := a.there(ctx, hall, at); err != nil {
		return TicketView{}, a.told(err)
	}
	b, err := a.ownBooking(ctx, who, missed)
	if err != nil {
		return TicketView{}, a.told(err)
	}
	if b.HallID != hall {
		return TicketView{}, a.told(fault.New(fault.OtherHall, "hall", a.hallName(b.HallID)))
	}
	return a.TakeNumber(ctx, By{Self: who, Channel: ByPhone}, hall, OnSite{Key: key, Item: b.Item, Stage: b.Stage, Units: b.Units, Queue: b.QueueID, Instead: missed})
}

// Comings is what a signed-in person may have come to a hall for today.
type Comings struct {
	Here   []BookingView // of today at this hall: booked, arrived or missed, by hour
	Others []BookingView // active ones elsewhere, or of another day
}

// ComingTo lists what the signed-in person may have come to a hall for.
func (a *App) ComingTo(ctx context.Context, who *identity.Session, hall string) (c Comings, err error) {
	if a.City().Hall(hall) == nil {
		return c, fault.New(fault.HallNotFound)
	}
	today := calendar.DateOf(a.now())
	var list []*booking.Booking
	if err := a.db.View(ctx, func(tx *store.Tx) error {
		active, err := tx.ActiveOf(ctx, who.Person.Key)
		if err != nil {
			return err
		}
		recent, err := tx.BookingsOf(ctx, who.Person.Key, "", 50)
		list = active
		for _, b := range recent {
			if !slices.ContainsFunc(list, func(o *booking.Booking) bool { return o.ID == b.ID }) {
				list = append(list, b)
			}
		}
		return err
	}); err != nil {
		return c, err
	}
	views, err := a.views(ctx, list)
	for _, v := range views {
		b := v.Booking
		switch {
		case b.HallID == hall && b.Date == today && slices.Contains([]booking.State{booking.Booked, booking.Arrived, booking.NoShow}, b.State):
			c.Here = append(c.Here, v)
		case b.State.Active():
			c.Others = append(c.Others, v)
		}
	}
	slices.SortStableFunc(c.Here, func(x, y BookingView) int { return x.Booking.Hour - y.Booking.Hour })
	return c, err
}

// TicketOfMine returns the ticket one of the signed-in person's bookings stands in line with, TicketNotFound
// before they have come.
func (a *App) TicketOfMine(ctx context.Context, b BookingView) (TicketView, error) {
	if b.Booking.State != booking.Arrived && b.Booking.State != booking.Done {
		return TicketView{}, fault.New(fault.TicketNotFound)
	}
	return a.TicketOfBooking(ctx, b.Booking.HallID, b.Booking.ID)
}

// ArrivalRules is from when and until when a booking can be checked in for.
func (a *App) ArrivalRules(ctx context.Context, hall string) (r counter.Rules, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		r, err = a.rulesOf(ctx, tx, hall, calendar.DateOf(a.now()))
		return err
	})
	return r, err
}
