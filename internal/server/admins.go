package server

import (
	"context"
	"errors"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
)

// NewAdmin is an administrator's account to be made on the command line.
type NewAdmin struct {
	Rank, Unit, Name, Duty, Mobile string
	PublicURL                      string // what links begin with; "" prints them without
}

// CreateAdmin makes an account without a filing and returns its number, the one-time link its person
// opens it with, and until when that works.
func CreateAdmin(ctx context.Context, d Data, n NewAdmin) (number, link string, until time.Time, err error) {
	err = withApp(ctx, d, func(a *app.App) error {
		l, err := a.CreateAccount(ctx, account.Rank(n.Rank), n.Unit, account.Person{Name: n.Name, Duty: n.Duty, Mobile: n.Mobile})
		number, link, until = l.Account, n.PublicURL+l.URL, l.Until
		return err
	})
	return number, link, until, explainAdmin(err)
}

// explainAdmin says what is wrong with a command in words for whoever typed it.
func explainAdmin(err error) error {
	if err == nil {
		return nil
	}
	e := fault.As(err)
	switch {
	case e.Code == fault.UnitNotFound:
		return errors.New("there is no such unit: give the id of a unit of the directory with --unit")
	case e.Code == fault.RankNotHere:
		return errors.New("an administrator of this rank cannot be at this unit (Art. 8 to 10)")
	case e.Code == fault.AccountTaken:
		return errors.New("this mobile has an account already: one person, one account")
	case len(e.Fields) > 0:
		return errors.New("--" + e.Fields[0].Path + ": " + string(e.Fields[0].Code))
	}
	return err
}

// Powers is the table of who may do what, as text.
func Powers() string { return account.Matrix() }
