package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// Filing and handover of administrators' accounts (Art. 11).

// FilingRequest is an application. Rank and Unit are for a new account; the others are about Account.
// Of Person a new account and a handover need all, a new mobile only that, a closing nothing.
type FilingRequest struct {
	Kind    account.FilingKind
	Rank    account.Rank
	Unit    string
	Account string
	Person  account.Person
	Reason  string
}

// FilingOutcome is what became of an application or a decision. Link is there when an account was
// opened: it is shown this once.
type FilingOutcome struct {
	ID    string
	State account.FilingState
	Link  *Link
}

// carried is what a confirmed application brings about beside the database: a message with the link, or
// one to the mobile an account had before.
type carried struct {
	link  *Link
	phone string
	moved *moved
}

// moved is an account whose mobile is another one now.
type moved struct{ account, from, to string }

// File makes an application. The superior's own is confirmed with it and takes a fresh proof; all
// others wait for the superior. Wrong fields are kind, rank, unit, name, duty, mobile and reason.
func (a *App) File(ctx context.Context, ad *Admin, r FilingRequest) (out FilingOutcome, err error) {
	if !ad.has(account.Manage) {
		return out, fault.New(fault.NotAllowed)
	}
	if r.Reason = strings.TrimSpace(r.Reason); r.Reason != "" || r.Kind == account.FileClose {
		if bad := account.CheckText(r.Reason, account.MostReason); bad != "" {
			return out, fault.InvalidFields(fault.Field{Path: "reason", Code: bad})
		}
	}
	var done carried
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		out, done = FilingOutcome{}, carried{}
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		f, p, err := a.newFiling(ctx, tx, ad, r)
		if err != nil {
			return err
		}
		up, err := a.upTo(ctx, tx, f.Filing)
		if err != nil {
			return err
		}
		var log []store.AuditRecord
		if done, log, err = a.file(ctx, tx, ad, f, p, up); err != nil {
			return err
		}
		out = FilingOutcome{ID: f.ID, State: f.State, Link: done.link}
		return auditAll(ctx, tx, log)
	})
	if err == nil {
		a.tell(ctx, done)
	}
	return out, err
}

// newFiling checks an application and reads what it is about.
func (a *App) newFiling(ctx context.Context, tx *store.Tx, ad *Admin, r FilingRequest) (f *store.Filing, p account.Person, err error) {
	f = &store.Filing{Filing: account.Filing{Kind: r.Kind, Rank: r.Rank, Account: r.Account, FiledBy: ad.Account.ID, State: account.FilingWaiting, Version: 1}, Reason: r.Reason, CreatedAt: tx.Now}
	p = r.Person.Normalise()
	unit := r.Unit
	var of *account.Account
	if r.Kind != account.FileOpen {
		row, err := tx.Account(ctx, r.Account)
		if err != nil {
			return nil, p, err
		}
		if row == nil {
			return nil, p, fault.New(fault.AccountNotFound)
		}
		of, f.Rank, unit = &row.Account, row.Rank, row.Unit
		if r.Kind != account.FileHandover {
			old, err := a.person(row)
			if err != nil {
				return nil, p, err
			}
			if r.Kind == account.FileMobile {
				old.Mobile = p.Mobile
			}
			p = old
		}
	} else {
		f.Account = ""
	}
	var ok bool
	if f.Seat, ok = a.seat(unit); !ok {
		return nil, p, fault.New(fault.UnitNotFound)
	}
	if err := f.MayFile(ad.Account, of); err != nil {
		return nil, p, err
	}
	if r.Kind != account.FileClose {
		if wrong := p.Check(); len(wrong) > 0 {
			return nil, p, fault.InvalidFields(wrong...)
		}
		f.Mobile = a.adminMobile(p.Mobile)
		if err := a.mobileFree(ctx, tx, f); err != nil {
			return nil, p, err
		}
	}
	n, err := tx.NextBlock(ctx, "filing", 1)
	if err != nil {
		return nil, p, err
	}
	f.ID = fmt.Sprintf("F%06d", n)
	plain, err := json.Marshal(p)
	if err != nil {
		return nil, p, fault.Wrap(fault.InternalError, err)
	}
	f.Sealed = a.vault.Seal(plain, "filing|"+f.ID)
	return f, p, nil
}

// mobileFree refuses a mobile that has an account, or is named by an application that waits; and a
// second application about the same account.
func (a *App) mobileFree(ctx context.Context, tx *store.Tx, f *store.Filing) error {
	holder, err := tx.AccountByMobile(ctx, f.Mobile)
	if err != nil {
		return err
	}
	waits, err := tx.FilingWaits(ctx, f.Account, f.Mobile)
	switch {
	case err != nil:
		return err
	case holder != nil && holder.ID == f.Account && f.Kind == account.FileMobile:
		return fault.New(fault.NothingChanges)
	case holder != nil:
		return fault.New(fault.AccountTaken)
	case waits:
		return fault.New(fault.FilingWaits)
	}
	return nil
}

// upTo tells who confirms an application now.
func (a *App) upTo(ctx context.Context, tx *store.Tx, f account.Filing) (account.Rank, error) {
	holders, err := tx.Holders(ctx, f.Seat.Unit, f.Seat.Street, f.Seat.District, a.root())
	return f.UpTo(holders), err
}

// file keeps an application, and carries it out when it is confirmed by being made.
func (a *App) file(ctx context.Context, tx *store.Tx, ad *Admin, f *store.Filing, p account.Person, up account.Rank) (done carried, log []store.AuditRecord, err error) {
	if err := tx.AddFiling(ctx, *f); err != nil {
		return done, nil, err
	}
	log = append(log, a.filingRecord(ad, "filing.file", f))
	if !f.AtOnce(ad.Account, up) {
		return done, log, nil
	}
	if err := a.Proven(ad); err != nil {
		return done, nil, err
	}
	decided, more, err := a.confirm(ctx, tx, ad, f, p)
	return decided, append(log, more...), err
}

// DecideFiling confirms an application, or refuses it with a reason, as it was at version. Of two who
// decide at once one does; the other is told.
func (a *App) DecideFiling(ctx context.Context, ad *Admin, id string, version int, confirm bool, why string) (out FilingOutcome, err error) {
	why = strings.TrimSpace(why)
	if bad := account.CheckText(why, account.MostReason); bad != "" && (!confirm || why != "") {
		return out, fault.InvalidFields(fault.Field{Path: "why", Code: bad})
	}
	if !ad.has(account.Manage) {
		return out, fault.New(fault.NotAllowed)
	}
	if err := a.Proven(ad); err != nil {
		return out, err
	}
	var done carried
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		out, done = FilingOutcome{}, carried{}
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		f, filer, up, err := a.filing(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := f.MayDecide(ad.Account, filer, up); err != nil {
			return err
		}
		if version != f.Version {
			return fault.New(fault.ChangedMeanwhile)
		}
		var log []store.AuditRecord
		if confirm {
			p, err := a.filed(f)
			if err != nil {
				return err
			}
			f.Why = why
			if done, log, err = a.confirm(ctx, tx, ad, f, p); err != nil {
				return err
			}
		} else {
			if ok, err := tx.DecideFiling(ctx, f, account.FilingRefused, ad.Account.ID, why); err != nil || !ok {
				return orElse(err, fault.New(fault.FilingDecided))
			}
			rec := a.filingRecord(ad, "filing.refuse", f)
			rec.Why = why
			log = []store.AuditRecord{rec}
		}
		out = FilingOutcome{ID: f.ID, State: f.State, Link: done.link}
		return auditAll(ctx, tx, log)
	})
	if err == nil {
		a.tell(ctx, done)
	}
	return out, err
}

// filing reads an application, who made it and whose turn it is.
func (a *App) filing(ctx context.Context, tx *store.Tx, id string) (f *store.Filing, filer account.Account, up account.Rank, err error) {
	if f, err = tx.Filing(ctx, id); err != nil || f == nil {
		return nil, filer, "", orElse(err, fault.New(fault.FilingNotFound))
	}
	filer, up, err = newDesk(a, tx).look(ctx, f)
	return f, filer, up, err
}

// desk remembers who made applications and whose turn they are, while a list of them is read.
type desk struct {
	a      *App
	tx     *store.Tx
	filers map[string]account.Account
	turns  map[string]account.Rank // of a rank and unit
}

func newDesk(a *App, tx *store.Tx) *desk {
	return &desk{a, tx, map[string]account.Account{}, map[string]account.Rank{}}
}

// look finds out about an application, and fills in the kind of its unit.
func (d *desk) look(ctx context.Context, f *store.Filing) (filer account.Account, up account.Rank, err error) {
	f.Seat, _ = d.a.seat(f.Seat.Unit)
	filer, ok := d.filers[f.FiledBy]
	if !ok {
		row, err := d.tx.Account(ctx, f.FiledBy)
		if err != nil || row == nil {
			return filer, "", orElse(err, fault.New(fault.FilingNotFound))
		}
		filer = row.Account
		d.filers[f.FiledBy] = filer
	}
	key := string(f.Rank) + " " + f.Seat.Unit
	if up, ok = d.turns[key]; !ok {
		if up, err = d.a.upTo(ctx, d.tx, f.Filing); err != nil {
			return filer, "", err
		}
		d.turns[key] = up
	}
	return filer, up, nil
}

// confirm ends an application well and carries it out.
func (a *App) confirm(ctx context.Context, tx *store.Tx, ad *Admin, f *store.Filing, p account.Person) (done carried, log []store.AuditRecord, err error) {
	if ok, err := tx.DecideFiling(ctx, f, account.FilingConfirmed, ad.Account.ID, f.Why); err != nil || !ok {
		return done, nil, orElse(err, fault.New(fault.FilingDecided))
	}
	rec := a.filingRecord(ad, "filing.confirm", f)
	rec.Why = f.Why
	log = append(log, rec)
	if f.Kind == account.FileOpen {
		acc, link, err := a.addAccount(ctx, tx, f.Rank, f.Seat, p, "")
		if err != nil {
			return done, nil, err
		}
		made := ad.record("account.create", "account", acc.ID)
		made.After = asJSON(map[string]string{"rank": string(f.Rank), "unit": f.Seat.Unit, "filing": f.ID})
		f.Opened = acc.ID
		return carried{link: &link, phone: p.Mobile}, append(log, made), tx.FilingOpened(ctx, f.ID, acc.ID)
	}
	row, err := tx.Account(ctx, f.Account)
	if err != nil {
		return done, nil, err
	}
	if row == nil || row.State == account.Closed {
		return done, nil, fault.New(fault.AccountClosed)
	}
	changed := ad.record("account."+string(f.Kind), "account", row.ID)
	changed.After = asJSON(map[string]string{"filing": f.ID})
	switch f.Kind {
	case account.FileMobile:
		old, err := a.person(row)
		if err != nil {
			return done, nil, err
		}
		done.moved = &moved{row.ID, old.Mobile, p.Mobile}
		if err := a.setPerson(ctx, tx, row, p); err != nil {
			return done, nil, err
		}
	case account.FileClose:
		row.Account = row.Close("", tx.Now)
	case account.FileHandover:
		next, link, err := a.addAccount(ctx, tx, row.Rank, f.Seat, p, row.ID)
		if err != nil {
			return done, nil, err
		}
		row.Account = row.Close(next.ID, tx.Now)
		f.Opened, done = next.ID, carried{link: &link, phone: p.Mobile}
		if err := tx.FilingOpened(ctx, f.ID, next.ID); err != nil {
			return done, nil, err
		}
		changed.After = asJSON(map[string]string{"filing": f.ID, "successor": next.ID})
		made := ad.record("account.create", "account", next.ID)
		made.After = asJSON(map[string]string{"rank": string(row.Rank), "unit": row.Unit, "filing": f.ID, "predecessor": row.ID})
		log = append(log, made)
	}
	if row.State == account.Closed {
		if err := a.emptyAccount(ctx, tx, row); err != nil {
			return done, nil, err
		}
	}
	if ok, err := tx.SaveAccount(ctx, row); err != nil || !ok {
		return done, nil, orElse(err, fault.New(fault.ChangedMeanwhile))
	}
	return done, append(log, changed), nil
}

// emptyAccount takes away all an account can be used with: sign-ins, tokens, links, password, factors.
func (a *App) emptyAccount(ctx context.Context, tx *store.Tx, row *store.Account) error {
	row.Password, row.TOTP, row.Failures, row.LockedUntil = "", nil, 0, time.Time{}
	if _, err := tx.RemovePasskeys(ctx, row.ID, ""); err != nil {
		return err
	}
	if err := tx.EndAdminSessions(ctx, row.ID, "", ""); err != nil {
		return err
	}
	if _, err := tx.EndAPITokens(ctx, row.ID, ""); err != nil {
		return err
	}
	return tx.VoidInvitations(ctx, row.ID)
}

// WithdrawFiling takes back an application that waits.
func (a *App) WithdrawFiling(ctx context.Context, ad *Admin, id string) error {
	if !ad.has(account.Manage) {
		return fault.New(fault.NotAllowed)
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		f, filer, _, err := a.filing(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := f.MayWithdraw(ad.Account, filer); err != nil {
			return err
		}
		if ok, err := tx.DecideFiling(ctx, f, account.FilingWithdrawn, ad.Account.ID, ""); err != nil || !ok {
			return orElse(err, fault.New(fault.FilingDecided))
		}
		return tx.Audit(ctx, a.filingRecord(ad, "filing.withdraw", f))
	})
}

// filingRecord begins the entry of the log of an act on an application. The person is not in it.
func (a *App) filingRecord(ad *Admin, act string, f *store.Filing) store.AuditRecord {
	rec := ad.record(act, "filing", f.ID)
	rec.After = asJSON(map[string]string{"kind": string(f.Kind), "rank": string(f.Rank), "unit": f.Seat.Unit, "account": f.Account})
	return rec
}

// auditAll enters records at the end of a transaction.
func auditAll(ctx context.Context, tx *store.Tx, log []store.AuditRecord) error {
	for _, r := range log {
		if err := tx.Audit(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// filed opens whom an application names.
func (a *App) filed(f *store.Filing) (p account.Person, err error) {
	plain, err := a.vault.Open(f.Sealed, "filing|"+f.ID)
	if err == nil {
		err = json.Unmarshal(plain, &p)
	}
	if err != nil {
		return p, fault.Wrap(fault.InternalError, err)
	}
	return p, nil
}

// tell sends what an application brought about: the person of an account their one-time link, which is on
// the confirmer's page too, and the mobile an account had before that it has another one now, so that
// nobody takes an account over unseen. A message that fails is logged and no more.
func (a *App) tell(ctx context.Context, c carried) {
	send := func(account, phone, kind string, args map[string]string) {
		if a.texts == nil || phone == "" {
			return
		}
		args["account"] = account
		if err := a.texts.Text(ctx, phone, kind, args); err != nil {
			a.log.Warn("a message about an account could not be sent", "kind", kind, "account", account, "error", err)
		}
	}
	if c.link != nil {
		send(c.link.Account, c.phone, "admin_link", map[string]string{"link": c.link.URL})
	}
	if c.moved != nil {
		send(c.moved.account, c.moved.from, "admin_mobile", map[string]string{"mobile": identity.MaskPhone(c.moved.to)})
	}
}

// FilingView is an application as somebody sees it.
type FilingView struct {
	account.Filing
	Person    account.Person // name and duty in clear for who may decide or has made it; the mobile is masked
	Reason    string
	FiledAt   time.Time
	UpTo      account.Rank // whose turn it is, "" when it is decided
	MayDecide bool
	MayTake   bool // back
	DecidedBy string
	DecidedAt time.Time
	Why       string
}

// Filings returns one page of the applications the administrator is concerned with, those that wait
// first; state "" is all.
func (a *App) Filings(ctx context.Context, ad *Admin, state account.FilingState, from, limit int) (page []FilingView, total int, err error) {
	return a.filings(ctx, ad, state, from, limit, nil)
}

// WalkFilings returns the next piece of them, of a Walk.
func (a *App) WalkFilings(ctx context.Context, ad *Admin, state account.FilingState, w *Walk) (page []FilingView, err error) {
	page, _, err = a.filings(ctx, ad, state, 0, 0, w)
	return page, err
}

func (a *App) filings(ctx context.Context, ad *Admin, state account.FilingState, from, limit int, w *Walk) (page []FilingView, total int, err error) {
	scope := ad.Account.Accounts()
	if !ad.has(account.Manage) {
		return nil, 0, fault.New(fault.NotAllowed)
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		page = nil
		rows, n, err := tx.FindFilings(ctx, scope, state, ad.Account.ID, ad.Account.Predecessor, from, limit, w)
		if err != nil {
			return err
		}
		total = n
		d := newDesk(a, tx)
		for i := range rows {
			v, err := a.filingView(ctx, d, ad, &rows[i])
			if err != nil {
				return err
			}
			page = append(page, v)
		}
		return nil
	})
	return page, total, err
}

// FilingsWaiting tells how many applications wait for the administrator's own decision.
func (a *App) FilingsWaiting(ctx context.Context, ad *Admin) (n int, err error) {
	if ad.Account.Accounts().None || !ad.has(account.Manage) {
		return 0, nil
	}
	page, _, err := a.Filings(ctx, ad, account.FilingWaiting, 0, 500)
	for _, f := range page {
		if f.MayDecide {
			n++
		}
	}
	return n, err
}

// Filing returns one application the administrator is concerned with.
func (a *App) Filing(ctx context.Context, ad *Admin, id string) (v FilingView, err error) {
	if !ad.has(account.Manage) {
		return v, fault.New(fault.NotAllowed)
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		f, err := tx.Filing(ctx, id)
		if err != nil || f == nil {
			return orElse(err, fault.New(fault.FilingNotFound))
		}
		own := f.FiledBy == ad.Account.ID || f.Account == ad.Account.ID || f.FiledBy == ad.Account.Predecessor
		at, _ := a.seat(f.Seat.Unit)
		if !own && !ad.Account.Accounts().Has(f.Rank, at) {
			return fault.New(fault.FilingNotFound)
		}
		v, err = a.filingView(ctx, newDesk(a, tx), ad, f)
		return err
	})
	return v, err
}

func (a *App) filingView(ctx context.Context, d *desk, ad *Admin, f *store.Filing) (v FilingView, err error) {
	filer, up, err := d.look(ctx, f)
	if err != nil {
		return v, err
	}
	v = FilingView{Filing: f.Filing, Reason: f.Reason, FiledAt: f.CreatedAt, DecidedBy: f.DecidedBy, DecidedAt: f.DecidedAt, Why: f.Why}
	if v.Person, err = a.filed(f); err != nil {
		return v, err
	}
	v.MayDecide, v.MayTake = f.MayDecide(ad.Account, filer, up) == nil, f.MayWithdraw(ad.Account, filer) == nil
	if f.State == account.FilingWaiting {
		v.UpTo = up
	}
	// A program's token shows no names.
	if ad.Scopes != nil || !v.MayDecide && !v.MayTake {
		v.Person.Name = identity.MaskName(v.Person.Name)
	}
	v.Person.Mobile = identity.MaskPhone(v.Person.Mobile)
	return v, nil
}
