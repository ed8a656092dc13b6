package store

import (
	"context"
	"strconv"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
)

// AppealState is where an appeal against a no-show is.
type AppealState string

const (
	AppealWaiting AppealState = "waiting"
	AppealUpheld  AppealState = "upheld"
	AppealRefused AppealState = "refused"
)

// AppealStates lists them.
var AppealStates = []AppealState{AppealWaiting, AppealUpheld, AppealRefused}

// Appeal is what a person says who missed an hour because they were prevented (Art. 18): one a booking.
type Appeal struct {
	Booking   string
	HallID    string
	At        time.Time
	Sealed    []byte // the reason given
	State     AppealState
	DecidedBy string
	DecidedAt time.Time
	Why       string // refused: why
}

const appealColumns = "p.booking, p.hall_id, p.at, p.sealed, p.state, p.decided_by, p.decided_at, p.why"

func scanAppeal(scan func(...any) error) (*Appeal, error) {
	var p Appeal
	var at, decided int64
	err := scan(&p.Booking, &p.HallID, &at, &p.Sealed, &p.State, &p.DecidedBy, &decided, &p.Why)
	p.At, p.DecidedAt = instant(at), since(decided)
	return &p, err
}

// AddAppeal adds an appeal; false if the booking has one.
func (tx *Tx) AddAppeal(ctx context.Context, p Appeal) (bool, error) {
	n, err := tx.exec(ctx, "appeal.insert", `
insert into no_show_appeal (booking, hall_id, at, sealed, state) values ($1, $2, $3, $4, 'waiting') on conflict (booking) do nothing`,
		p.Booking, p.HallID, micros(tx.Now), p.Sealed)
	return n == 1, err
}

// Appeal returns the appeal of a booking, nil for none.
func (tx *Tx) Appeal(ctx context.Context, id string) (*Appeal, error) {
	var found *Appeal
	err := tx.query(ctx, "appeal.one", `select `+appealColumns+` from no_show_appeal p where p.booking = $1`,
		func(scan func(...any) error) (err error) {
			found, err = scanAppeal(scan)
			return err
		}, id)
	return found, err
}

// DecideAppeal settles a waiting appeal; false if it waits no more.
func (tx *Tx) DecideAppeal(ctx context.Context, id string, s AppealState, by, why string) (bool, error) {
	n, err := tx.exec(ctx, "appeal.decide", `
update no_show_appeal set state = $2, decided_by = $3, decided_at = $4, why = $5 where booking = $1 and state = 'waiting'`,
		id, string(s), by, micros(tx.Now), why)
	return n == 1, err
}

// AppealQuery says which appeals are wanted.
type AppealQuery struct {
	Scope         account.Scope
	Hall          string      // "" for all
	State         AppealState // "" for all
	Offset, Limit int
}

// Appeals returns appeals, those that waited longest first, and how many there are.
func (tx *Tx) Appeals(ctx context.Context, q AppealQuery) (list []*Appeal, all int, err error) {
	args := []any{q.Hall, string(q.State)}
	scope := scopeSQL("h", q.Scope, func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	})
	where := ` from no_show_appeal p join hall h on h.id = p.hall_id where ($1 = '' or p.hall_id = $1) and ($2 = '' or p.state = $2) and ` + scope
	if _, err := tx.one(ctx, "appeal.count", `select count(*)`+where, args, &all); err != nil {
		return nil, 0, err
	}
	limit, offset := "$"+strconv.Itoa(len(args)+1), "$"+strconv.Itoa(len(args)+2)
	err = tx.query(ctx, "appeal.list", `select `+appealColumns+where+` order by case when p.state = 'waiting' then 0 else 1 end, p.at, p.booking limit `+limit+` offset `+offset,
		func(scan func(...any) error) error {
			p, err := scanAppeal(scan)
			list = append(list, p)
			return err
		}, append(args, int64(q.Limit), int64(q.Offset))...)
	return list, all, err
}

// MissedOn returns the bookings of a hall and date that were missed, excused ones too, by hour.
func (tx *Tx) MissedOn(ctx context.Context, hall string, date calendar.Date, offset, limit int) (list []*booking.Booking, all int, err error) {
	where := ` from slot s join booking b on b.hall_id = s.hall_id and b.slot_id = s.id
where s.hall_id = $1 and s.date = $2 and b.state in ('no_show', 'excused')`
	if _, err := tx.one(ctx, "booking.missed_count", `select count(*)`+where, []any{hall, date.String()}, &all); err != nil {
		return nil, 0, err
	}
	err = tx.query(ctx, "booking.missed", `select `+bookingColumns+where+` order by b.hour, b.id limit $3 offset $4`,
		func(scan func(...any) error) error {
			b, err := scanBooking(scan)
			list = append(list, b)
			return err
		}, hall, date.String(), int64(limit), int64(offset))
	return list, all, err
}

// ClaimHolders returns which booking or ticket holds each of the claims named, by name.
func (tx *Tx) ClaimHolders(ctx context.Context, person string, names []string) (map[string]string, error) {
	out := map[string]string{}
	if len(names) == 0 {
		return out, nil
	}
	rows := make([][2]string, len(names))
	for i, n := range names {
		rows[i] = [2]string{person, n}
	}
	return out, tx.query(ctx, "claim.holders", `
with w as materialized (select r.value->>0 as person, r.value->>1 as name from {rows} r)
select c.name, c.booking from w cross join claim c where c.person = w.person and c.name = w.name`,
		func(scan func(...any) error) error {
			var name, holder string
			err := scan(&name, &holder)
			out[name] = holder
			return err
		}, marshal(rows))
}
