package app

import (
	"context"
	"crypto/rand"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// Texter sends one short message that is not about a booking. kind names its wording, args fill it;
// for "one_time_code" they are code and minutes. The phone is in clear and must not be logged.
type Texter interface {
	Text(ctx context.Context, phone, kind string, args map[string]string) error
}

// Visitor is what somebody signs in with for foreigner-related business (Art. 12).
type Visitor struct {
	Document identity.Document // a Passport with its Nationality
	Birth    string            // 2006-01-02
	Name     string
	Phone    string
}

// RequestVisitorCode sends a one-time code to the visitor's phone. The answer does not depend on
// whether the person or the phone has been here before. Too many codes to one phone are
// CodeTooOften, counted in the database for all nodes together; wrong fields are named "name",
// "document.number", "document.nationality", "birth" and "phone".
func (a *App) RequestVisitorCode(ctx context.Context, v Visitor) error {
	if a.texts == nil {
		return fault.New(fault.NotAllowed)
	}
	v, err := a.checkVisitor(v)
	if err != nil {
		return err
	}
	code, err := identity.NewCode(rand.Reader)
	if err != nil {
		return err
	}
	rules := a.codeRules()
	phone := a.phoneKey(v.Phone)
	hash := a.codeHash(code, v)
	var refused error
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		refused = nil
		if err := tx.LockCodes(ctx, phone); err != nil {
			return err
		}
		sent, err := tx.CodesSent(ctx, phone, tx.Now.Add(-codesKept))
		if err != nil {
			return err
		}
		if refused = rules.MaySend(sent, tx.Now); refused != nil {
			return nil
		}
		return tx.InsertCode(ctx, phone, identity.StoredCode{Hash: hash, Sent: tx.Now})
	})
	if err != nil {
		return notDone(err)
	}
	if refused != nil {
		return refused
	}
	if err := a.texts.Text(ctx, v.Phone, "one_time_code", map[string]string{
		"code": code, "minutes": strconv.Itoa(int(rules.Life / time.Minute)),
	}); err != nil {
		return fault.Wrap(fault.Busy, err).After(rules.Resend)
	}
	return nil
}

// SignInVisitor opens a session of level Visitor for whoever has the code that was sent last for
// these very facts: it books foreigner-related items only. Tries are counted one by one across nodes;
// a wrong one is CodeWrong with arg left, a code that is over, used or void is CodeExpired.
func (a *App) SignInVisitor(ctx context.Context, v Visitor, code string) (token string, s *identity.Session, err error) {
	v, err = a.checkVisitor(v)
	if err != nil {
		return "", nil, err
	}
	if code, err = checkCode(code); err != nil {
		return "", nil, err
	}
	rules := a.codeRules()
	phone := a.phoneKey(v.Phone)
	given := a.codeHash(code, v)
	var refused error
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		refused = nil
		if err := tx.LockCodes(ctx, phone); err != nil {
			return err
		}
		stored, err := tx.LastCode(ctx, phone)
		if err != nil {
			return err
		}
		next, err := rules.Check(stored, given, tx.Now)
		refused = err // the try is counted although it is refused
		if next == stored {
			return nil
		}
		return tx.UpdateCode(ctx, phone, next)
	})
	if err != nil {
		return "", nil, notDone(err)
	}
	if refused != nil {
		return "", nil, refused
	}
	return a.SignIn(ctx, identity.Person{Name: v.Name, Document: v.Document, Birth: v.Birth, Phone: v.Phone, Level: identity.Visitor})
}

// checkVisitor normalises what somebody typed and finds all that is wrong with it.
func (a *App) checkVisitor(v Visitor) (Visitor, error) {
	v = Visitor{
		Document: identity.Normalise(v.Document), Birth: strings.TrimSpace(v.Birth),
		Name: identity.NormaliseName(v.Name), Phone: identity.NormalisePhone(v.Phone),
	}
	if v.Document.Kind != "" && v.Document.Kind != identity.Passport {
		return v, fault.InvalidFields(fault.Field{Path: "document.kind", Code: fault.DocumentUnsupported})
	}
	var wrong []fault.Field
	if err := checkParty(booking.Party{Name: v.Name, Document: v.Document, Birth: v.Birth, Phone: v.Phone}, booking.Other, calendar.DateOf(a.now())); err != nil {
		wrong = fault.As(bare(err)).Fields
	}
	if v.Phone == "" {
		wrong = append(wrong, fault.Field{Path: "phone", Code: fault.Required})
	}
	if len(wrong) > 0 {
		return v, fault.InvalidFields(wrong...)
	}
	return v, nil
}

// checkCode reads a one-time code as people type it. A misshapen one is no try.
func checkCode(code string) (string, error) {
	code = strings.Join(strings.Fields(code), "")
	switch {
	case code == "":
		return "", fault.InvalidFields(fault.Field{Path: "code", Code: fault.Required})
	case len(code) != 6 || strings.Trim(code, "0123456789") != "":
		return "", fault.InvalidFields(fault.Field{Path: "code", Code: fault.BadFormat})
	}
	return code, nil
}

// codeRules are the limits of one-time codes under the rules of today.
func (a *App) codeRules() identity.CodeRules {
	r, m := identity.DefaultCodeRules(), a.Rules(calendar.DateOf(a.now())).Messages
	r.PerHour, r.PerDay = m.CodesPerHour, m.CodesPerDay
	return r
}

// phoneKey is what the database knows a phone by.
func (a *App) phoneKey(phone string) identity.Key {
	return identity.Key(a.vault.Lookup("phone", identity.CanonicalPhone(phone)))
}

func (a *App) codeHash(code string, v Visitor) identity.Key {
	return identity.Key(a.vault.Lookup("one-time code", string(identity.CodeFact(code, v.Document, v.Birth, v.Phone))))
}
