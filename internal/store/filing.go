package store

import (
	"context"
	"time"

	"suiyue/internal/domain/account"
)

// Filing is a row of filing: what decisions see, and the person it names.
type Filing struct {
	account.Filing
	Sealed    []byte // account.Person
	Mobile    string // keyed hash
	Reason    string
	DecidedBy string
	DecidedAt time.Time // zero = not yet
	Why       string
	CreatedAt time.Time
}

const filingColumns = "id, kind, rank, unit_id, district_id, street_id, account, sealed, mobile, reason, filed_by, state, decided_by, decided_at, why, opened, created_at, version"

func scanFiling(scan func(...any) error) (Filing, error) {
	var f Filing
	var decided, created int64
	err := scan(&f.ID, &f.Kind, &f.Rank, &f.Seat.Unit, &f.Seat.District, &f.Seat.Street, &f.Account, &f.Sealed, &f.Mobile, &f.Reason, &f.FiledBy,
		&f.State, &f.DecidedBy, &decided, &f.Why, &f.Opened, &created, &f.Version)
	f.DecidedAt, f.CreatedAt = since(decided), instant(created)
	return f, err
}

// AddFiling keeps a new application.
func (tx *Tx) AddFiling(ctx context.Context, f Filing) error {
	_, err := tx.exec(ctx, "filing.insert", `
insert into filing (`+filingColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		f.ID, string(f.Kind), string(f.Rank), f.Seat.Unit, f.Seat.District, f.Seat.Street, f.Account, f.Sealed, f.Mobile, f.Reason, f.FiledBy,
		string(f.State), f.DecidedBy, untilMicros(f.DecidedAt), f.Why, f.Opened, micros(f.CreatedAt), int64(f.Version))
	return err
}

// Filing returns an application, nil for none. The kind of its unit is not in it.
func (tx *Tx) Filing(ctx context.Context, id string) (*Filing, error) {
	var out *Filing
	err := tx.query(ctx, "filing.read", `select `+filingColumns+` from filing where id = $1`, func(scan func(...any) error) error {
		f, err := scanFiling(scan)
		out = &f
		return err
	}, id)
	return out, err
}

// DecideFiling gives a waiting application its end; false when it is no longer as it was read. Of two
// who decide at once, one does.
func (tx *Tx) DecideFiling(ctx context.Context, f *Filing, state account.FilingState, by, why string) (bool, error) {
	n, err := tx.exec(ctx, "filing.decide", `
update filing set state = $3, decided_by = $4, decided_at = $5, why = $6, version = version + 1 where id = $1 and version = $2 and state = 'waiting'`,
		f.ID, int64(f.Version), string(state), by, micros(tx.Now), why)
	f.State, f.DecidedBy, f.DecidedAt, f.Why = state, by, tx.Now, why
	f.Version++
	return n == 1, err
}

// FilingOpened notes which account a confirmed application led to.
func (tx *Tx) FilingOpened(ctx context.Context, id, account string) error {
	_, err := tx.exec(ctx, "filing.opened", `update filing set opened = $2 where id = $1`, id, account)
	return err
}

// FilingWaits tells whether an application waits already that is about the account, or names the mobile.
func (tx *Tx) FilingWaits(ctx context.Context, account, mobile string) (bool, error) {
	n := 0
	_, err := tx.one(ctx, "filing.waits", `
select count(*) from filing where state = 'waiting' and ($1 <> '' and account = $1 or $2 <> '' and mobile = $2)`, []any{account, mobile}, &n)
	return n > 0, err
}

// FindFilings returns one page of the applications within a scope, or made by or about one of two
// accounts, newest first, those waiting before the others; and how many there are. With w they come as a Walk has them.
func (tx *Tx) FindFilings(ctx context.Context, scope account.AccountScope, state account.FilingState, own, before string, from, limit int, w *Walk) (page []Filing, total int, err error) {
	none := flag(scope.None)
	where := ` from filing where (cast($8 as bigint) = 0 and ` + inAccountScope + ` or filed_by = $5 or account = $5 or $6 <> '' and filed_by = $6) and ($7 = '' or state = $7)`
	args := []any{rankList(scope.Ranks), scope.Unit, scope.District, scope.Street, own, before, string(state), none}
	if w != nil {
		next := numbered(&args)
		where += w.below("id", next)
		return page, 0, tx.walk(ctx, "filing.walk", `select `+filingColumns+where+` order by id desc limit `+next(int64(w.Size)), func(scan func(...any) error) error {
			f, err := scanFiling(scan)
			page = append(page, f)
			return err
		}, args...)
	}
	if _, err := tx.one(ctx, "filing.find_count", `select count(*)`+where, args, &total); err != nil {
		return nil, 0, err
	}
	err = tx.query(ctx, "filing.find", `select `+filingColumns+where+`
order by case when state = 'waiting' then 0 else 1 end, created_at desc, id desc limit $9 offset $10`, func(scan func(...any) error) error {
		f, err := scanFiling(scan)
		page = append(page, f)
		return err
	}, append(args, int64(limit), int64(from))...)
	return page, total, err
}
