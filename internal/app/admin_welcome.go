package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// One-time links: an account is opened by its person with one, and set up anew after a reset.

const linkLife = 72 * time.Hour

// Purposes of a one-time link.
const (
	LinkOpen  = "open"
	LinkReset = "reset"
)

// WelcomePath is where one-time links lead, before the token.
const WelcomePath = "/console/welcome/"

// Link is a one-time link, shown to whoever made it and to nobody again.
type Link struct {
	Account string
	URL     string
	Until   time.Time
}

// invite makes the one-time link of an account within tx.
func (a *App) invite(ctx context.Context, tx *store.Tx, id, purpose string) (Link, error) {
	token := secret(24)
	until := tx.Now.Add(linkLife)
	return Link{Account: id, URL: a.public + WelcomePath + token, Until: until}, tx.AddInvitation(ctx, store.Invitation{
		TokenHash: a.vault.TokenHash(token), Account: id, Purpose: purpose, CreatedAt: tx.Now, ExpiresAt: until,
	})
}

// Welcome is what a one-time link is for.
type Welcome struct {
	Account account.Account
	Purpose string
	Name    string // masked
	Nobody  bool   // the first account of all: its person is not known yet and is asked for
}

// Welcome looks at a one-time link without using it. A used, expired or unknown one is LinkUsed.
func (a *App) Welcome(ctx context.Context, token string) (*Welcome, error) {
	_, row, purpose, err := a.invitation(ctx, token)
	if err != nil {
		return nil, err
	}
	p, err := a.person(row)
	return &Welcome{Account: row.Account, Purpose: purpose, Name: identity.MaskName(p.Name), Nobody: row.Mobile == ""}, err
}

func (a *App) invitation(ctx context.Context, token string) (hash string, row *store.Account, purpose string, err error) {
	if token == "" || len(token) > 128 {
		return "", nil, "", fault.New(fault.LinkUsed)
	}
	hash = a.vault.TokenHash(token)
	err = a.db.View(ctx, func(tx *store.Tx) error {
		i, err := tx.Invitation(ctx, hash)
		if err != nil {
			return err
		}
		if i == nil || !i.UsedAt.IsZero() || !tx.Now.Before(i.ExpiresAt) {
			return fault.New(fault.LinkUsed)
		}
		purpose = i.Purpose
		if row, err = tx.Account(ctx, i.Account); err == nil && (row == nil || row.State == account.Closed) {
			err = fault.New(fault.LinkUsed)
		}
		return err
	})
	return hash, row, purpose, err
}

// setUp is what the first step of a set-up leaves in the browser, sealed: the password's hash, and who the
// first account of all is.
type setUp struct {
	Link     string // hash of its token
	Password string
	Person   account.Person
	Until    time.Time
}

const (
	setUpLife  = 15 * time.Minute
	setUpAbout = "set-up of an account"
)

// SetUpPassword is the first step of using a one-time link: it checks a password, and for the first
// account of all its person, and returns what the browser keeps for SetUpFactor. Wrong fields are
// password, name, duty and mobile.
func (a *App) SetUpPassword(ctx context.Context, token, password string, p account.Person) (state []byte, err error) {
	hash, row, _, err := a.invitation(ctx, token)
	if err != nil {
		return nil, err
	}
	var wrong []fault.Field
	if row.Mobile == "" {
		p = p.Normalise()
		wrong = p.Check()
	} else if p, err = a.person(row); err != nil {
		return nil, err
	}
	if bad := account.CheckPassword(password, a.aboutAccount(row, p)...); bad != "" {
		wrong = append(wrong, fault.Field{Path: "password", Code: bad})
	}
	if len(wrong) > 0 {
		return nil, fault.InvalidFields(wrong...)
	}
	kept, err := a.hasher.hash(ctx, password)
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(setUp{Link: hash, Password: kept, Person: p, Until: a.now().Add(setUpLife)})
	if err != nil {
		return nil, fault.Wrap(fault.InternalError, err)
	}
	return a.vault.Seal(plain, setUpAbout), nil
}

// NewFactor is a second factor being set up: the Secret of an authenticator app with a Code it gave, or
// a passkey made, with what its holder calls it.
type NewFactor struct {
	Secret, Code string
	State        []byte
	Answer       []byte
	Name         string
}

// SetUpFactor uses a one-time link: password and second factor are kept, the account opens and its
// person is signed in. Without the first step, or long after it, it is SignInRequired.
func (a *App) SetUpFactor(ctx context.Context, token string, state []byte, f NewFactor, origin string) (session string, life time.Duration, err error) {
	hash, row, _, err := a.invitation(ctx, token)
	if err != nil {
		return "", 0, err
	}
	var s setUp
	plain, err := a.vault.Open(state, setUpAbout)
	if err != nil || json.Unmarshal(plain, &s) != nil || s.Link != hash || !a.now().Before(s.Until) {
		return "", 0, fault.New(fault.SignInRequired)
	}
	key, step, err := a.checkNewFactor(row.ID, f)
	if err != nil {
		return "", 0, err
	}
	err = a.changeAccount(ctx, row.ID, func(tx *store.Tx, row *store.Account) (_ *store.AuditRecord, err error) {
		if used, err := tx.UseInvitation(ctx, hash); err != nil || !used || row.State == account.Closed {
			return nil, orElse(err, fault.New(fault.LinkUsed))
		}
		act := "account.reset_done"
		if row.State == account.Invited {
			act, row.State, row.OpenedAt = "account.open", account.Open, tx.Now
		}
		if row.Mobile == "" {
			if err := a.setPerson(ctx, tx, row, s.Person); err != nil {
				return nil, err
			}
		}
		row.Password, row.Failures, row.LockedUntil = s.Password, 0, time.Time{}
		row.TOTP, row.TOTPStep = nil, 0
		if _, err := tx.RemovePasskeys(ctx, row.ID, ""); err != nil {
			return nil, err
		}
		if key != nil {
			if added, err := tx.AddPasskey(ctx, *key); err != nil || !added {
				return nil, orElse(err, fault.New(fault.PasswordWrong))
			}
		} else {
			row.TOTP, row.TOTPStep = a.vault.Seal([]byte(f.Secret), "totp|"+row.ID), step
		}
		if err := tx.EndAdminSessions(ctx, row.ID, "", ""); err != nil {
			return nil, err
		}
		if session, err = a.openAdminSession(ctx, tx, row.ID, origin); err != nil {
			return nil, err
		}
		return &store.AuditRecord{Account: row.ID, Rank: string(row.Rank), Act: act, Noun: "account", Key: row.ID, From: origin}, nil
	})
	return session, adminLife, err
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// checkNewFactor checks a second factor being set up: the row of a passkey, or the time step of a code.
func (a *App) checkNewFactor(id string, f NewFactor) (key *store.Passkey, step int64, err error) {
	if len(f.Answer) > 0 {
		key, err := a.newPasskey(id, passkeyName(f.Name), f.State, f.Answer, a.now())
		return key, 0, err
	}
	if f.Secret == "" || f.Code == "" {
		return nil, 0, fault.InvalidFields(fault.Field{Path: "code", Code: fault.Required})
	}
	step, ok := checkTOTP(f.Secret, f.Code, 0, a.now())
	if !ok {
		return nil, 0, fault.InvalidFields(fault.Field{Path: "code", Code: fault.PasswordWrong})
	}
	return nil, step, nil
}

func passkeyName(s string) string {
	if account.CheckText(s, 40) != "" {
		return ""
	}
	return s
}

// aboutAccount is what a password of the account must not be made of.
func (a *App) aboutAccount(row *store.Account, p account.Person) []string {
	out := []string{row.ID, p.Name, p.Mobile}
	if u := a.City().Unit(row.Unit); u != nil {
		out = append(out, u.Name.Hans, u.Name.Hant, u.Name.En)
	}
	return out
}

// person opens who holds an account.
func (a *App) person(row *store.Account) (p account.Person, err error) {
	if len(row.Sealed) == 0 {
		return p, nil
	}
	plain, err := a.vault.Open(row.Sealed, "account|"+row.ID)
	if err == nil {
		err = json.Unmarshal(plain, &p)
	}
	if err != nil {
		return p, fault.Wrap(fault.InternalError, err)
	}
	return p, nil
}

// setPerson puts a person into a row, unless their mobile has an account already (one person, one
// account: nobody holds audit together with another).
func (a *App) setPerson(ctx context.Context, tx *store.Tx, row *store.Account, p account.Person) error {
	row.Mobile = a.adminMobile(p.Mobile)
	other, err := tx.AccountByMobile(ctx, row.Mobile)
	if err != nil {
		return err
	}
	if other != nil && other.ID != row.ID {
		return fault.New(fault.AccountTaken)
	}
	plain, err := json.Marshal(p)
	if err != nil {
		return fault.Wrap(fault.InternalError, err)
	}
	row.Sealed = a.vault.Seal(plain, "account|"+row.ID)
	return nil
}

// seat is a unit as the place of an account; false when there is no such unit.
func (a *App) seat(unit string) (account.Seat, bool) {
	c := a.City()
	u := c.Unit(unit)
	if u == nil {
		return account.Seat{}, false
	}
	s := account.Seat{Unit: u.ID, Kind: u.Kind}
	for i := 0; u != nil && i < 8; i++ {
		switch u.Kind {
		case directory.District:
			s.District = u.ID
		case directory.Street, directory.Pseudo:
			s.Street = u.ID
		}
		u = c.Unit(u.ParentID)
	}
	return s, true
}

// root is the unit of the platform, "" where there is no city yet.
func (a *App) root() string {
	if u := a.City().Root(); u != nil {
		return u.ID
	}
	return ""
}

// addAccount makes an invited account for a person within tx, with its one-time link. A mobile that has
// an account is AccountTaken.
func (a *App) addAccount(ctx context.Context, tx *store.Tx, r account.Rank, at account.Seat, p account.Person, predecessor string) (account.Account, Link, error) {
	id, err := nextAccount(ctx, tx)
	if err != nil {
		return account.Account{}, Link{}, err
	}
	row := store.Account{
		Account:  account.Account{ID: id, Rank: r, Unit: at.Unit, State: account.Invited, Predecessor: predecessor, Version: 1},
		District: at.District, Street: at.Street, CreatedAt: tx.Now,
	}
	if p.Mobile != "" {
		if err := a.setPerson(ctx, tx, &row, p); err != nil {
			return row.Account, Link{}, err
		}
	} else {
		row.Sealed = a.vault.Seal([]byte("{}"), "account|"+id)
	}
	if err := tx.AddAccount(ctx, row); err != nil {
		return row.Account, Link{}, err
	}
	link, err := a.invite(ctx, tx, id, LinkOpen)
	return row.Account, link, err
}

func nextAccount(ctx context.Context, tx *store.Tx) (string, error) {
	n, err := tx.NextBlock(ctx, "account", 1)
	return fmt.Sprintf("A%06d", n), err
}

// CreateAccount makes an account of any rank without a filing: for whoever operates the program, on its
// command line. It returns the one-time link.
func (a *App) CreateAccount(ctx context.Context, r account.Rank, unit string, p account.Person) (link Link, err error) {
	if unit == "" && r.At(directory.Platform) {
		unit = a.root()
	}
	at, ok := a.seat(unit)
	switch {
	case !r.Valid():
		return link, fault.InvalidFields(fault.Field{Path: "rank", Code: fault.NotOneOf})
	case !ok:
		return link, fault.New(fault.UnitNotFound)
	case !r.At(at.Kind):
		return link, fault.New(fault.RankNotHere)
	}
	p = p.Normalise()
	if wrong := p.Check(); len(wrong) > 0 {
		return link, fault.InvalidFields(wrong...)
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		acc, l, err := a.addAccount(ctx, tx, r, at, p, "")
		if err != nil {
			return err
		}
		link = l
		return tx.Audit(ctx, store.AuditRecord{Act: "account.create", Noun: "account", Key: acc.ID, After: json.RawMessage(fmt.Sprintf(`{"rank":%q,"unit":%q}`, r, unit)), From: "command line"})
	})
	return link, err
}

// FirstLink returns a one-time link to the first security administrator, who opens the accounts of the
// platform, as long as nobody has opened an account; false afterwards, or where there is no city yet.
// An earlier link leads nowhere then.
func (a *App) FirstLink(ctx context.Context) (link Link, ok bool, err error) {
	at, there := a.seat(a.root())
	if !there {
		return link, false, nil
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		ok = false
		n, err := tx.CountAccounts(ctx)
		if err != nil {
			return err
		}
		first, err := tx.AccountByMobile(ctx, "")
		switch {
		case err != nil || n > 1 || n == 1 && first == nil:
			return err
		case n == 1:
			link, err = a.invite(ctx, tx, first.ID, LinkOpen)
		default:
			_, link, err = a.addAccount(ctx, tx, account.Security, at, account.Person{}, "")
		}
		if err != nil {
			return err
		}
		ok = true
		return tx.Audit(ctx, store.AuditRecord{Act: "account.create", Noun: "account", Key: link.Account, After: json.RawMessage(`{"rank":"security"}`), From: "first start"})
	})
	return link, ok, err
}
