package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/identity"
)

// readCases makes the statements that bring the lists of batches into f, with the limit claims of everybody
// on them.
func readCases(n *booking.Needs, f *booking.Facts) []stmt {
	rows := make([][1]string, 0, len(n.Cases))
	for id := range n.Cases {
		rows = append(rows, [1]string{id})
	}
	ids := marshal(rows)
	return []stmt{
		{name: "case.read", want: -1, args: []any{ids}, text: `
with w as materialized (select r.value->>0 as id from {rows} r)
select k.booking, k.n, k.person, k.state from w cross join batch_case k where k.booking = w.id order by k.booking, k.n`,
			row: func(scan func(...any) error) error {
				var id string
				var c booking.Case
				err := scan(&id, &c.N, &c.Person, &c.State)
				f.Cases[id] = append(f.Cases[id], c)
				f.SetKnown(c.Person)
				return err
			}},
		// Whoever was read as a person of the group stands twice in f then, which changes nothing: claims are
		// found by their names.
		{name: "case.claims", want: -1, args: []any{ids}, text: `
with w as materialized (select r.value->>0 as id from {rows} r),
p as materialized (select distinct k.person from w cross join batch_case k where k.booking = w.id)
select c.person, c.name, c.hall_id, c.booking, c.hash from p cross join claim c
where c.person = p.person and c.name >= '` + booking.LimitsFrom + `' and c.name < '` + booking.LimitsTo + `'`,
			row: func(scan func(...any) error) error {
				var c booking.Claim
				err := scan(&c.Person, &c.Name, &c.HallID, &c.Booking, &c.Hash)
				if _, known := f.Claim(c.Ref()); !known {
					f.Put(c)
				}
				return err
			}},
	}
}

// writeCases makes the statements of lists that are new, and of cases taken off.
func writeCases(d *dialect, list []stmt, c *booking.Change) []stmt {
	type row struct {
		booking string
		booking.Case
		at int64
	}
	var rows []row
	for _, id := range c.Batches() {
		at := int64(0)
		for _, b := range c.Insert {
			if b.ID == id {
				at = micros(b.CreatedAt)
			}
		}
		for _, one := range c.Cases[id] {
			if slices.Contains(c.Remove, booking.CaseRef{Booking: id, N: one.N}) { // by this very group
				one.State = booking.CaseRemoved
			}
			rows = append(rows, row{id, one, at})
		}
	}
	list = caseInsert.add(d, list, len(rows), func(i int, args []any) []any {
		r := &rows[i]
		return append(args, r.booking, int64(r.N), string(r.Person), r.Sealed, string(r.State), r.at)
	})
	var gone [][2]any
	for _, r := range c.Remove {
		if _, inserted := c.Cases[r.Booking]; !inserted {
			gone = append(gone, [2]any{r.Booking, r.N})
		}
	}
	if len(gone) == 0 {
		return list
	}
	slices.SortFunc(gone, func(a, b [2]any) int { return strings.Compare(a[0].(string), b[0].(string)) })
	return append(list, stmt{name: "case.remove", want: int64(len(gone)), args: []any{marshal(gone)}, text: `
with w as materialized (select r.value->>0 as booking, cast(r.value->>1 as bigint) as n from {rows} r order by 1, 2)
update batch_case set state = 'removed' from w where batch_case.booking = w.booking and batch_case.n = w.n and state = 'open'`})
}

var caseInsert = newInserter("batch_case", "booking", "n", "person", "sealed", "state", "changed_at")

// releaseCases gives back what the cases of a batch that is over claim.
func (tx *Tx) releaseCases(ctx context.Context, id string) error {
	_, err := tx.exec(ctx, "claim.cases_over", `
delete from claim where person in (select person from batch_case where booking = $1) and name >= '`+booking.LimitsFrom+`' and name < '`+booking.LimitsTo+`' and booking = $1`, id)
	return err
}

// BatchCases returns the list of a batch, in its order.
func (tx *Tx) BatchCases(ctx context.Context, id string) (out []booking.Case, err error) {
	return out, tx.query(ctx, "case.of", `select n, person, sealed, state from batch_case where booking = $1 order by n`,
		func(scan func(...any) error) error {
			var c booking.Case
			err := scan(&c.N, &c.Person, &c.Sealed, &c.State)
			out = append(out, c)
			return err
		}, id)
}

// TickCase marks a case of a batch as done, or as open again; false if it is neither, or so already.
func (tx *Tx) TickCase(ctx context.Context, id string, n int, done bool) (bool, error) {
	was, is := booking.CaseOpen, booking.CaseDone
	if !done {
		was, is = is, was
	}
	got, err := tx.exec(ctx, "case.tick", `update batch_case set state = $4, changed_at = $5 where booking = $1 and n = $2 and state = $3`,
		id, n, string(was), string(is), micros(tx.Now))
	return got == 1, err
}

// SaveList keeps a list that is being filled in.
func (tx *Tx) SaveList(ctx context.Context, owner identity.Key, id string, sealed []byte) error {
	_, err := tx.exec(ctx, "list.save", `
insert into batch_list (owner, id, sealed, changed_at) values ($1, $2, $3, $4)
on conflict (owner, id) do update set sealed = excluded.sealed, changed_at = excluded.changed_at`, string(owner), id, sealed, micros(tx.Now))
	return err
}

// List returns a list that is being filled in, nil for none.
func (tx *Tx) List(ctx context.Context, owner identity.Key, id string) (sealed []byte, err error) {
	_, err = tx.one(ctx, "list.read", `select sealed from batch_list where owner = $1 and id = $2`, []any{string(owner), id}, &sealed)
	return sealed, err
}

// ForgetLists drops lists not touched since before.
func (tx *Tx) ForgetLists(ctx context.Context, before time.Time) error {
	_, err := tx.exec(ctx, "list.forget", `delete from batch_list where changed_at < $1`, micros(before))
	return err
}
