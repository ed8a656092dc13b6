package app

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// How administrators sign in: account or mobile and password, then a second factor.

const (
	mostFailures = 5 // in a row, of password and code together
	lockTime     = 15 * time.Minute
	halfLife     = 5 * time.Minute
)

// Half is a sign-in whose password was right and whose second factor is still to come. It travels
// sealed in the browser.
type Half struct {
	Account string    `json:"a"`
	Mark    string    `json:"m"` // of the password it was right with: a new one ends it
	Until   time.Time `json:"u"`
}

// Factor is what a person shows beside the password: the code of an authenticator app, or the answer of
// a passkey with the State of its Ceremony.
type Factor struct {
	Code   string
	State  []byte
	Answer []byte
}

// Factors says which second factors an account has.
type Factors struct {
	TOTP     bool
	Passkeys int
}

// SignInAdmin checks account and password. Whatever is wrong, the answer is PasswordWrong, or after
// mostFailures of them AccountLocked, for accounts that do not exist as well.
func (a *App) SignInAdmin(ctx context.Context, name, password string) (*Half, error) {
	if password == "" || len(password) > 4*account.MostPassword {
		return nil, fault.New(fault.PasswordWrong)
	}
	row, err := a.accountNamed(ctx, name)
	if err != nil {
		return nil, err
	}
	kept := ""
	if row != nil && row.Active() {
		kept = row.Password
	}
	right, err := a.hasher.verify(ctx, password, kept)
	switch {
	case err != nil:
		return nil, err
	case kept == "":
		return nil, a.strangers.failed(a.vault.TokenHash("stranger "+strings.ToUpper(strings.TrimSpace(name))), a.now())
	case !right:
		return nil, a.failedOnce(ctx, row.ID, "")
	}
	// While the password was looked at, others may have been tried.
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		row, err = tx.Account(ctx, row.ID)
		return err
	}); err != nil {
		return nil, err
	}
	if now := a.now(); now.Before(row.LockedUntil) {
		return nil, locked(row.LockedUntil, now)
	}
	return &Half{Account: row.ID, Mark: a.passwordMark(row), Until: a.now().Add(halfLife)}, nil
}

// FactorsOf says what the second step of a sign-in can be done with.
func (a *App) FactorsOf(ctx context.Context, id string) (f Factors, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		row, err := tx.Account(ctx, id)
		if err != nil || row == nil {
			return err
		}
		keys, err := tx.Passkeys(ctx, id)
		f = Factors{TOTP: row.TOTP != nil, Passkeys: len(keys)}
		return err
	})
	return f, err
}

// FinishSignIn checks the second factor and opens a session; life is how long the browser may keep its
// token. Failures count together with those of the password.
func (a *App) FinishSignIn(ctx context.Context, half *Half, f Factor, origin string) (token string, life time.Duration, err error) {
	if half == nil || !a.now().Before(half.Until) {
		return "", 0, fault.New(fault.SignInRequired)
	}
	var refused error
	err = a.changeAccount(ctx, half.Account, func(tx *store.Tx, row *store.Account) (rec *store.AuditRecord, err error) {
		token, refused = "", nil
		if !row.Active() || a.passwordMark(row) != half.Mark {
			return nil, fault.New(fault.SignInRequired)
		}
		if tx.Now.Before(row.LockedUntil) {
			return nil, locked(row.LockedUntil, tx.Now)
		}
		ok, err := a.checkFactor(ctx, tx, row, f)
		switch {
		case err != nil:
			return nil, err
		case !ok:
			rec, refused = countFailure(tx, row, origin)
			return rec, nil
		}
		row.Failures, row.LockedUntil = 0, time.Time{}
		if token, err = a.openAdminSession(ctx, tx, row.ID, origin); err != nil {
			return nil, err
		}
		return &store.AuditRecord{Account: row.ID, Rank: string(row.Rank), Act: "session.open", Noun: "account", Key: row.ID, From: origin}, nil
	})
	if err == nil {
		err = refused
	}
	return token, adminLife, err
}

// Proof is what a person who is signed in shows once more: the password, or a second factor.
type Proof struct {
	Password string
	Factor
}

// Prove takes a proof that it is still the same person. After it, App.Proven is content for a while.
func (a *App) Prove(ctx context.Context, ad *Admin, p Proof) error {
	mark, right := "", false
	if p.Password != "" {
		row, err := a.accountByID(ctx, ad.Account.ID)
		if err != nil {
			return err
		}
		if len(p.Password) <= 4*account.MostPassword {
			if right, err = a.hasher.verify(ctx, p.Password, row.Password); err != nil {
				return err
			}
		}
		mark = a.passwordMark(row)
	}
	var refused error
	err := a.changeAccount(ctx, ad.Account.ID, func(tx *store.Tx, row *store.Account) (*store.AuditRecord, error) {
		refused = nil
		if !row.Active() || p.Password != "" && a.passwordMark(row) != mark {
			return nil, fault.New(fault.SessionEnded)
		}
		if tx.Now.Before(row.LockedUntil) {
			return nil, locked(row.LockedUntil, tx.Now)
		}
		ok := right
		if p.Password == "" {
			var err error
			if ok, err = a.checkFactor(ctx, tx, row, p.Factor); err != nil {
				return nil, err
			}
		}
		if !ok {
			var rec *store.AuditRecord
			rec, refused = countFailure(tx, row, ad.Origin)
			return rec, nil
		}
		row.Failures = 0
		return nil, tx.TouchAdminSession(ctx, ad.Session, tx.Now, tx.Now)
	})
	if err == nil {
		err = refused
	}
	return err
}

// SignOutAdmin ends the session of an administrator at once, on every node.
func (a *App) SignOutAdmin(ctx context.Context, ad *Admin) error {
	return a.db.Update(ctx, func(tx *store.Tx) error { return tx.EndAdminSessions(ctx, ad.Account.ID, ad.Session, "") })
}

// accountNamed finds who signs in with a mobile or the number of an account; nil for none.
func (a *App) accountNamed(ctx context.Context, name string) (row *store.Account, err error) {
	name = strings.ToUpper(strings.Join(strings.Fields(name), ""))
	if len(name) > 40 {
		return nil, nil
	}
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		if strings.HasPrefix(name, "A") {
			row, err = tx.Account(ctx, name)
		} else if phone := identity.NormalisePhone(name); identity.CheckPhone(phone) == "" {
			row, err = tx.AccountByMobile(ctx, a.adminMobile(phone))
		}
		return err
	})
	return row, err
}

// adminMobile is what the database knows an administrator's mobile by.
func (a *App) adminMobile(phone string) string {
	return a.vault.Lookup("admin mobile", identity.CanonicalPhone(phone))
}

func (a *App) accountByID(ctx context.Context, id string) (row *store.Account, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		row, err = tx.Account(ctx, id)
		return err
	})
	if err == nil && row == nil {
		err = fault.New(fault.AccountNotFound)
	}
	return row, err
}

// passwordMark changes with the password and tells nothing of it.
func (a *App) passwordMark(row *store.Account) string {
	return a.vault.Lookup("password mark", row.ID+" "+row.Password)
}

func (a *App) checkFactor(ctx context.Context, tx *store.Tx, row *store.Account, f Factor) (bool, error) {
	if len(f.Answer) > 0 {
		return a.usePasskey(ctx, tx, row.ID, f.State, f.Answer)
	}
	if row.TOTP == nil {
		return false, nil
	}
	secret, err := a.vault.Open(row.TOTP, "totp|"+row.ID)
	if err != nil {
		return false, fault.Wrap(fault.InternalError, err)
	}
	step, ok := checkTOTP(string(secret), f.Code, row.TOTPStep, tx.Now)
	if ok {
		row.TOTPStep = step
	}
	return ok, nil
}

// failedOnce counts a wrong password of an account.
func (a *App) failedOnce(ctx context.Context, id, origin string) error {
	var refused error
	err := a.changeAccount(ctx, id, func(tx *store.Tx, row *store.Account) (rec *store.AuditRecord, err error) {
		if tx.Now.Before(row.LockedUntil) {
			return nil, locked(row.LockedUntil, tx.Now)
		}
		rec, refused = countFailure(tx, row, origin)
		return rec, nil
	})
	if err == nil {
		err = refused
	}
	return err
}

// countFailure counts one in the row, and locks it at the last.
func countFailure(tx *store.Tx, row *store.Account, origin string) (*store.AuditRecord, error) {
	if row.Failures++; row.Failures < mostFailures {
		return nil, fault.New(fault.PasswordWrong)
	}
	row.Failures, row.LockedUntil = 0, tx.Now.Add(lockTime)
	return &store.AuditRecord{Act: "account.lock", Noun: "account", Key: row.ID, From: origin}, locked(row.LockedUntil, tx.Now)
}

func locked(until, now time.Time) error {
	return fault.New(fault.AccountLocked, "until", until.Format(time.RFC3339)).After(until.Sub(now))
}

var errStale = errors.New("app: somebody else changed the account meanwhile")

// changeAccount reads an account, lets fn change it and writes it back, from the start again when
// somebody else was faster. What fn returns is entered in the log.
func (a *App) changeAccount(ctx context.Context, id string, fn func(*store.Tx, *store.Account) (*store.AuditRecord, error)) error {
	for range 20 {
		err := a.db.Update(ctx, func(tx *store.Tx) error {
			row, err := tx.Account(ctx, id)
			if err != nil {
				return err
			}
			if row == nil {
				return fault.New(fault.AccountNotFound)
			}
			rec, err := fn(tx, row)
			if err != nil {
				return err
			}
			saved, err := tx.SaveAccount(ctx, row)
			switch {
			case err != nil:
				return err
			case !saved:
				return errStale
			case rec != nil:
				return tx.Audit(ctx, *rec)
			}
			return nil
		})
		if !errors.Is(err, errStale) {
			return err
		}
	}
	return fault.New(fault.ChangedMeanwhile)
}

// strangers counts failures of names that are no account's, so that they are answered like those that
// are. It forgets the oldest half when it is full.
type strangers struct {
	mu         sync.Mutex
	young, old map[string]stranger
}

type stranger struct {
	failures int
	until    time.Time
}

const strangersKept = 20_000

func (s *strangers) failed(key string, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.young[key]
	if !ok {
		one = s.old[key]
	}
	if now.Before(one.until) {
		return locked(one.until, now)
	}
	err := fault.New(fault.PasswordWrong)
	if one.failures++; one.failures >= mostFailures {
		one = stranger{until: now.Add(lockTime)}
	}
	if s.young == nil || len(s.young) >= strangersKept/2 {
		s.young, s.old = map[string]stranger{}, s.young
	}
	s.young[key] = one
	if !one.until.IsZero() {
		return locked(one.until, now)
	}
	return err
}
