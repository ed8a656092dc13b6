package store

import (
	"context"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
)

// Account is a row of account: what decisions see, and what only signing in needs.
type Account struct {
	account.Account
	District    string // of the unit, "" for none; the street likewise
	Street      string
	Mobile      string // keyed hash
	Sealed      []byte // account.Person
	Password    string
	TOTP        []byte // sealed; nil for none
	TOTPStep    int64
	Failures    int
	LockedUntil time.Time
	CreatedAt   time.Time
}

const accountColumns = "a.id, a.rank, a.unit_id, a.district_id, a.street_id, a.state, a.mobile, a.sealed, a.password, a.totp, a.totp_step, a.failures, a.locked_until, a.predecessor, a.successor, a.created_at, a.opened_at, a.closed_at, a.version"

func scanAccount(scan func(...any) error, more ...any) (*Account, error) {
	var a Account
	var locked, created, opened, closed int64
	err := scan(append([]any{&a.ID, &a.Rank, &a.Unit, &a.District, &a.Street, &a.State, &a.Mobile, &a.Sealed, &a.Password, &a.TOTP, &a.TOTPStep, &a.Failures, &locked,
		&a.Predecessor, &a.Successor, &created, &opened, &closed, &a.Version}, more...)...)
	if len(a.TOTP) == 0 {
		a.TOTP = nil
	}
	a.LockedUntil, a.CreatedAt, a.OpenedAt, a.ClosedAt = since(locked), instant(created), since(opened), since(closed)
	return &a, err
}

// since is instant with 0 for never.
func since(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return instant(us)
}

func untilMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return micros(t)
}

// Account returns an account by id, nil if there is none.
func (tx *Tx) Account(ctx context.Context, id string) (*Account, error) {
	return tx.oneAccount(ctx, "account.read", `select `+accountColumns+` from account a where a.id = $1`, id)
}

// AccountByMobile returns the account that is not closed of the mobile with that keyed hash.
func (tx *Tx) AccountByMobile(ctx context.Context, mobile string) (*Account, error) {
	return tx.oneAccount(ctx, "account.mobile", `select `+accountColumns+` from account a where a.mobile = $1 and a.state <> 'closed'`, mobile)
}

func (tx *Tx) oneAccount(ctx context.Context, name, text, arg string) (*Account, error) {
	var out *Account
	err := tx.query(ctx, name, text, func(scan func(...any) error) (err error) {
		out, err = scanAccount(scan)
		return err
	}, arg)
	return out, err
}

// AddAccount inserts a new account.
func (tx *Tx) AddAccount(ctx context.Context, a Account) error {
	_, err := tx.exec(ctx, "account.insert", `
insert into account (id, rank, unit_id, state, mobile, sealed, password, totp, totp_step, failures, locked_until, predecessor, successor, created_at, opened_at, closed_at, version, district_id, street_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		a.ID, string(a.Rank), a.Unit, string(a.State), a.Mobile, a.Sealed, a.Password, append([]byte{}, a.TOTP...), a.TOTPStep, int64(a.Failures), untilMicros(a.LockedUntil),
		a.Predecessor, a.Successor, micros(a.CreatedAt), untilMicros(a.OpenedAt), untilMicros(a.ClosedAt), int64(a.Version), a.District, a.Street)
	return tx.mobileTaken(err)
}

// SaveAccount writes an account back whose row is still at version a.Version, and makes it one more;
// false when somebody else changed it meanwhile.
func (tx *Tx) SaveAccount(ctx context.Context, a *Account) (bool, error) {
	n, err := tx.exec(ctx, "account.update", `
update account set state = $3, mobile = $4, sealed = $5, password = $6, totp = $7, totp_step = $8, failures = $9, locked_until = $10,
  predecessor = $11, successor = $12, opened_at = $13, closed_at = $14, version = version + 1
where id = $1 and version = $2`,
		a.ID, int64(a.Version), string(a.State), a.Mobile, a.Sealed, a.Password, append([]byte{}, a.TOTP...), a.TOTPStep, int64(a.Failures), untilMicros(a.LockedUntil),
		a.Predecessor, a.Successor, untilMicros(a.OpenedAt), untilMicros(a.ClosedAt))
	a.Version++
	return n == 1, tx.mobileTaken(err)
}

// mobileTaken says in the words of the product that another account that is not closed has the mobile.
func (tx *Tx) mobileTaken(err error) error {
	if err != nil && tx.db.d.unique(err) {
		return fault.Wrap(fault.AccountTaken, err)
	}
	return err
}

// AdminSession is one sign-in of an administrator.
type AdminSession struct {
	TokenHash string
	ID        string
	Account   string
	CreatedAt time.Time
	SeenAt    time.Time
	ProvedAt  time.Time
	ExpiresAt time.Time
	EndedAt   time.Time // zero = not ended
	Origin    string
}

const adminSessionColumns = "s.token_hash, s.id, s.account, s.created_at, s.seen_at, s.proved_at, s.expires_at, s.ended_at, s.origin"

func (s *AdminSession) scan(scan func(...any) error, account ...any) error {
	var created, seen, proved, expires, ended int64
	err := scan(append([]any{&s.TokenHash, &s.ID, &s.Account, &created, &seen, &proved, &expires, &ended, &s.Origin}, account...)...)
	s.CreatedAt, s.SeenAt, s.ProvedAt, s.ExpiresAt, s.EndedAt = instant(created), instant(seen), instant(proved), instant(expires), since(ended)
	return err
}

// AddAdminSession keeps a new sign-in.
func (tx *Tx) AddAdminSession(ctx context.Context, s AdminSession) error {
	_, err := tx.exec(ctx, "admin_session.insert", `
insert into admin_session (token_hash, id, account, created_at, seen_at, proved_at, expires_at, origin) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		s.TokenHash, s.ID, s.Account, micros(s.CreatedAt), micros(s.SeenAt), micros(s.ProvedAt), micros(s.ExpiresAt), s.Origin)
	return err
}

// AdminSession returns the session of a token and its account as they are now, nil for none. It is read
// with each request: what was taken away is gone at once, on every node.
func (tx *Tx) AdminSession(ctx context.Context, tokenHash string) (*AdminSession, *account.Account, error) {
	var s *AdminSession
	var a account.Account
	err := tx.query(ctx, "admin_session.read", `
select `+adminSessionColumns+`, a.id, a.rank, a.unit_id, a.state, a.predecessor, a.successor, a.version
from admin_session s join account a on a.id = s.account where s.token_hash = $1`, func(scan func(...any) error) error {
		s = &AdminSession{}
		return s.scan(scan, &a.ID, &a.Rank, &a.Unit, &a.State, &a.Predecessor, &a.Successor, &a.Version)
	}, tokenHash)
	return s, &a, err
}

// TouchAdminSession records that a session was seen, and proved when proved is not zero.
func (tx *Tx) TouchAdminSession(ctx context.Context, id string, seen, proved time.Time) error {
	_, err := tx.exec(ctx, "admin_session.touch", `
update admin_session set seen_at = $2, proved_at = case when cast($3 as bigint) > 0 then cast($3 as bigint) else proved_at end where id = $1 and ended_at = 0`,
		id, micros(seen), untilMicros(proved))
	return err
}

// EndAdminSessions ends the sessions of an account: the one named, or with id "" all but keep.
func (tx *Tx) EndAdminSessions(ctx context.Context, account, id, keep string) error {
	_, err := tx.exec(ctx, "admin_session.end", `
update admin_session set ended_at = $4 where account = $1 and ended_at = 0 and ($2 = '' or id = $2) and id <> $3`,
		account, id, keep, micros(tx.Now))
	return err
}

// AdminSessions lists the sessions of an account that have not ended, newest first.
func (tx *Tx) AdminSessions(ctx context.Context, account string) ([]AdminSession, error) {
	var out []AdminSession
	err := tx.query(ctx, "admin_session.list", `
select `+adminSessionColumns+` from admin_session s where s.account = $1 and s.ended_at = 0 order by s.created_at desc`,
		func(scan func(...any) error) error {
			var s AdminSession
			err := s.scan(scan)
			out = append(out, s)
			return err
		}, account)
	return out, err
}

// CountAccounts tells how many accounts there have ever been.
func (tx *Tx) CountAccounts(ctx context.Context) (n int, err error) {
	_, err = tx.one(ctx, "account.count", `select count(*) from account`, nil, &n)
	return n, err
}

// OpenAccounts lists open accounts in order of their numbers.
func (tx *Tx) OpenAccounts(ctx context.Context, limit int) ([]Account, error) {
	var out []Account
	err := tx.query(ctx, "account.open", `select `+accountColumns+` from account a where a.state = 'open' order by a.id limit $1`,
		func(scan func(...any) error) error {
			a, err := scanAccount(scan)
			out = append(out, *a)
			return err
		}, int64(limit))
	return out, err
}

// Holders lists the open accounts of some units.
func (tx *Tx) Holders(ctx context.Context, unit, street, district, root string) ([]account.Account, error) {
	var out []account.Account
	err := tx.query(ctx, "account.holders", `
select id, rank, unit_id, state, predecessor, successor, version from account
where state = 'open' and unit_id in ($1, $2, $3, $4)`, func(scan func(...any) error) error {
		var a account.Account
		err := scan(&a.ID, &a.Rank, &a.Unit, &a.State, &a.Predecessor, &a.Successor, &a.Version)
		out = append(out, a)
		return err
	}, unit, street, district, root)
	return out, err
}

// AccountQuery says which accounts are listed, and in which order.
type AccountQuery struct {
	Scope  account.AccountScope
	Rank   account.Rank
	State  account.State
	Unit   string
	ID     string // beginning of a number
	Locked bool
	Sort   string // id, rank, unit, state, created
	Desc   bool
	From   int
	Limit  int
	Walk   *Walk // in place of order, From and Limit
}

// rankList writes ranks for a condition: "" for all.
func rankList(ranks []account.Rank) string {
	if ranks == nil {
		return ""
	}
	s := ","
	for _, r := range ranks {
		s += string(r) + ","
	}
	return s
}

const inAccountScope = `
  ($1 = '' or $1 like '%,' || rank || ',%') and ($2 = '' or unit_id = $2) and ($3 = '' or district_id = $3) and ($4 = '' or street_id = $4)`

var accountOrders = map[string]string{"id": "id", "rank": "rank", "unit": "unit_id", "state": "state", "created": "created_at"}

// FindAccounts returns one page of accounts, and how many there are in all.
func (tx *Tx) FindAccounts(ctx context.Context, q AccountQuery) (page []Account, total int, err error) {
	if q.Scope.None {
		return nil, 0, nil
	}
	order := accountOrders[q.Sort]
	if order == "" {
		order = "id"
	}
	direction := " asc"
	if q.Desc {
		direction = " desc"
	}
	locked := int64(-1)
	if q.Locked {
		locked = micros(tx.Now)
	}
	where := ` from account a where ` + inAccountScope + `
  and ($5 = '' or rank = $5) and ($6 = '' or state = $6) and ($7 = '' or unit_id = $7) and ($8 = '' or id like $8 || '%') and locked_until > cast($9 as bigint)`
	args := []any{rankList(q.Scope.Ranks), q.Scope.Unit, q.Scope.District, q.Scope.Street, string(q.Rank), string(q.State), q.Unit, q.ID, locked}
	if q.Walk != nil {
		next := numbered(&args)
		where += q.Walk.below("a.id", next)
		return page, 0, tx.walk(ctx, "account.walk", `select `+accountColumns+where+` order by a.id desc limit `+next(int64(q.Walk.Size)), func(scan func(...any) error) error {
			a, err := scanAccount(scan)
			page = append(page, *a)
			return err
		}, args...)
	}
	if _, err := tx.one(ctx, "account.find_count", `select count(*)`+where, args, &total); err != nil {
		return nil, 0, err
	}
	err = tx.query(ctx, "account.find", `select `+accountColumns+where+` order by a.`+order+direction+`, a.id limit $10 offset $11`, func(scan func(...any) error) error {
		a, err := scanAccount(scan)
		page = append(page, *a)
		return err
	}, append(args, int64(q.Limit), int64(q.From))...)
	return page, total, err
}
