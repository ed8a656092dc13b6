package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/supply"
)

// LedgerEntry is one breach of Art. 23, written by the system.
type LedgerEntry struct {
	ID         string
	Kind       supply.Breach
	Request    string
	Account    string // whose breach it is
	HallID     string
	UnitID     string
	DistrictID string
	StreetID   string
	Level      directory.HallLevel
	At         time.Time
	State      supply.EntryState
	Detail     LedgerDetail
}

// LedgerDetail is what of an entry is never searched.
type LedgerDetail struct {
	Due        time.Time `json:"due,omitzero"` // of what was late
	Appeal     string    `json:"appeal,omitempty"`
	AppealedAt time.Time `json:"appealed_at,omitzero"`
	DecidedBy  string    `json:"decided_by,omitempty"` // account that decided the appeal
	DecidedAt  time.Time `json:"decided_at,omitzero"`
	Why        string    `json:"why,omitempty"` // of that decision
}

// AddLedger enters breaches of a request, each once for each account, and returns how many were not there.
func (tx *Tx) AddLedger(ctx context.Context, list []LedgerEntry) (entered int, err error) {
	for _, e := range list {
		if e.ID == "" {
			e.ID = "L" + strings.TrimPrefix(e.Request, "R") + "-" + string(e.Kind) + "-" + e.Account
		}
		n, err := tx.exec(ctx, "ledger.insert", `
insert into ledger (id, kind, request, account, hall_id, unit_id, district_id, street_id, level, at, detail, state)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open') on conflict do nothing`,
			e.ID, string(e.Kind), e.Request, e.Account, e.HallID, e.UnitID, e.DistrictID, e.StreetID, string(e.Level), micros(tx.Now), marshal(e.Detail))
		if err != nil {
			return entered, err
		}
		entered += int(n)
	}
	return entered, nil
}

const ledgerColumns = "l.id, l.kind, l.request, l.account, l.hall_id, l.unit_id, l.district_id, l.street_id, l.level, l.at, l.detail, l.state"

func scanLedger(scan func(...any) error) (LedgerEntry, error) {
	var e LedgerEntry
	var at int64
	var detail string
	if err := scan(&e.ID, &e.Kind, &e.Request, &e.Account, &e.HallID, &e.UnitID, &e.DistrictID, &e.StreetID, &e.Level, &at, &detail, &e.State); err != nil {
		return e, err
	}
	e.At = instant(at)
	return e, unmarshal(detail, &e.Detail)
}

// ofUnit is the condition that an entry stands against a unit as such.
const ofUnit = "l.kind in ('data_late', 'late_letter')"

// LedgerQuery says which entries are wanted. What is empty does not narrow them.
type LedgerQuery struct {
	Scope   account.Scope
	Kind    supply.Breach
	Request string
	Account string
	OrUnit  string // with Account: or about this unit as such
	State   supply.EntryState
	Of      []account.Rank // about accounts of these ranks …
	NotUnit string         // … or about units as such, but this …
	NotBy   []string       // … but about none of these accounts …
	NotFor  string         // … nor about another of the person of this account
	Offset  int
	Limit   int
	Walk    *Walk // in place of Offset and Limit
}

// Ledger returns the entries asked for, newest first, and how many there are without the limit.
func (tx *Tx) Ledger(ctx context.Context, q LedgerQuery) ([]LedgerEntry, int, error) {
	var args []any
	next := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	parts := []string{scopeSQL("l", q.Scope, next)}
	for _, p := range [][2]string{{"kind", string(q.Kind)}, {"request", q.Request}, {"state", string(q.State)}} {
		if p[1] != "" {
			parts = append(parts, "l."+p[0]+" = "+next(p[1]))
		}
	}
	if q.Account != "" {
		own := "l.account = " + next(q.Account)
		if q.OrUnit != "" {
			own = "(" + own + " or " + ofUnit + " and l.unit_id = " + next(q.OrUnit) + ")"
		}
		parts = append(parts, own)
	}
	if q.Of != nil {
		ranks := make([]string, len(q.Of))
		for i, r := range q.Of {
			ranks[i] = next(string(r))
		}
		of := "exists (select 1 from account s where s.id = l.account and s.rank in (" + strings.Join(ranks, ", ") + "))"
		if q.NotUnit != "" {
			of = "(" + of + " or " + ofUnit + " and l.unit_id <> " + next(q.NotUnit) + ")"
		}
		parts = append(parts, of)
	}
	for _, id := range q.NotBy {
		parts = append(parts, "l.account <> "+next(id))
	}
	if q.NotFor != "" {
		parts = append(parts, "not exists (select 1 from account s join account me on me.mobile = s.mobile where s.id = l.account and me.id = "+next(q.NotFor)+")")
	}
	where := strings.Join(parts, " and ")
	if q.Walk != nil {
		where += q.Walk.below("l.id", next)
		var out []LedgerEntry
		return out, 0, tx.walk(ctx, "ledger.walk", `select `+ledgerColumns+` from ledger l where `+where+` order by l.id desc limit `+next(int64(q.Walk.Size)),
			func(scan func(...any) error) error {
				e, err := scanLedger(scan)
				out = append(out, e)
				return err
			}, args...)
	}
	all := 0
	if _, err := tx.one(ctx, "ledger.count", `select count(*) from ledger l where `+where, args, &all); err != nil {
		return nil, 0, err
	}
	var out []LedgerEntry
	limit, offset := next(int64(q.Limit)), next(int64(q.Offset))
	err := tx.query(ctx, "ledger.list", `select `+ledgerColumns+` from ledger l where `+where+` order by l.at desc, l.id limit `+limit+` offset `+offset,
		func(scan func(...any) error) error {
			e, err := scanLedger(scan)
			out = append(out, e)
			return err
		}, args...)
	return out, all, err
}

// LedgerEntry returns an entry, nil if there is none.
func (tx *Tx) LedgerEntry(ctx context.Context, id string) (*LedgerEntry, error) {
	var out *LedgerEntry
	err := tx.query(ctx, "ledger.read", `select `+ledgerColumns+` from ledger l where l.id = $1`, func(scan func(...any) error) error {
		e, err := scanLedger(scan)
		out = &e
		return err
	}, id)
	return out, err
}

// SaveLedger writes back what became of an entry that is still in a state; false when it is not.
func (tx *Tx) SaveLedger(ctx context.Context, e LedgerEntry, was supply.EntryState) (bool, error) {
	n, err := tx.exec(ctx, "ledger.update", `update ledger set state = $2, detail = $3 where id = $1 and state = $4`, e.ID, string(e.State), marshal(e.Detail), string(was))
	return n == 1, err
}
