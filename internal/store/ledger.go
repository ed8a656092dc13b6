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
	State      string // open, appealed, upheld, struck
	Detail     LedgerDetail
}

// LedgerDetail is what of an entry is never searched.
type LedgerDetail struct {
	Due    time.Time `json:"due,omitzero"` // of what was late
	Appeal string    `json:"appeal,omitempty"`
}

// AddLedger enters breaches of a request, each once for each account.
func (tx *Tx) AddLedger(ctx context.Context, list []LedgerEntry) error {
	for _, e := range list {
		if e.ID == "" {
			e.ID = "L" + strings.TrimPrefix(e.Request, "R") + "-" + string(e.Kind) + "-" + e.Account
		}
		if _, err := tx.exec(ctx, "ledger.insert", `
insert into ledger (id, kind, request, account, hall_id, unit_id, district_id, street_id, level, at, detail, state)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open') on conflict do nothing`,
			e.ID, string(e.Kind), e.Request, e.Account, e.HallID, e.UnitID, e.DistrictID, e.StreetID, string(e.Level), micros(tx.Now), marshal(e.Detail)); err != nil {
			return err
		}
	}
	return nil
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

// LedgerQuery says which entries are wanted. What is empty does not narrow them.
type LedgerQuery struct {
	Scope   account.Scope
	Kind    supply.Breach
	Request string
	Account string
	State   string
	Offset  int
	Limit   int
}

// Ledger returns the entries asked for, newest first, and how many there are without the limit.
func (tx *Tx) Ledger(ctx context.Context, q LedgerQuery) ([]LedgerEntry, int, error) {
	var args []any
	next := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	parts := []string{scopeSQL("l", q.Scope, next)}
	for _, p := range [][2]string{{"kind", string(q.Kind)}, {"request", q.Request}, {"account", q.Account}, {"state", q.State}} {
		if p[1] != "" {
			parts = append(parts, "l."+p[0]+" = "+next(p[1]))
		}
	}
	where := strings.Join(parts, " and ")
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

// AppealLedger records an appeal of the account an open entry is about; false when there is none.
func (tx *Tx) AppealLedger(ctx context.Context, id, account, why string) (bool, error) {
	var e LedgerEntry
	found := false
	if err := tx.query(ctx, "ledger.read", `select `+ledgerColumns+` from ledger l where l.id = $1 and l.account = $2 and l.state = 'open'`,
		func(scan func(...any) error) (err error) {
			found = true
			e, err = scanLedger(scan)
			return err
		}, id, account); err != nil || !found {
		return false, err
	}
	e.Detail.Appeal = why
	n, err := tx.exec(ctx, "ledger.appeal", `update ledger set state = 'appealed', detail = $2 where id = $1 and state = 'open'`, id, marshal(e.Detail))
	return n == 1, err
}
