package apptest

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/store"
)

// Password is what every administrator of a Fixture signs in with.
const Password = "Kapok-in-March-2026"

// Public is the address people open.
const Public = "https://yuyue.example.org"

var adminSerial atomic.Int64

// Person makes somebody with a mobile of their own.
func Person() account.Person {
	return account.Person{Name: "陈示范", Duty: "大厅管理员", Mobile: fmt.Sprintf("139%08d", adminSerial.Add(1))}
}

// Operator is an administrator who has opened an account.
type Operator struct {
	ID     string
	Token  string // of a session
	Secret string // of the authenticator app
	Person account.Person
}

// OpenAdmin makes an account on the command line's way and opens it with its one-time link.
func (f *Fixture) OpenAdmin(t testing.TB, r account.Rank, unit string) *Operator {
	t.Helper()
	p := Person()
	link, err := f.App.CreateAccount(context.Background(), r, unit, p)
	if err != nil {
		t.Fatal(err)
	}
	return f.Open(t, link, p)
}

// Open uses a one-time link.
func (f *Fixture) Open(t testing.TB, link app.Link, p account.Person) *Operator {
	t.Helper()
	ctx := context.Background()
	token := link.URL[len(Public+app.WelcomePath):]
	state, err := f.App.SetUpPassword(ctx, token, Password, p)
	if err != nil {
		t.Fatal(err)
	}
	o := &Operator{ID: link.Account, Secret: app.NewTOTP(), Person: p}
	if o.Token, _, err = f.App.SetUpFactor(ctx, token, state, app.NewFactor{Secret: o.Secret, Code: f.Code(t, o.Secret)}, "192.0.2.0/24"); err != nil {
		t.Fatal(err)
	}
	return o
}

// As returns who holds the operator's session, as a request of theirs would.
func (f *Fixture) As(t testing.TB, o *Operator) *app.Admin {
	t.Helper()
	ad, err := f.App.Admin(context.Background(), o.Token)
	if err != nil {
		t.Fatal(err)
	}
	return ad
}

// Code is what the authenticator app shows now.
func (f *Fixture) Code(t testing.TB, secret string) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, f.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// SignInAdmin signs an operator in again, at the next code of their app.
func (f *Fixture) SignInAdmin(t testing.TB, o *Operator) string {
	t.Helper()
	f.Clock.Add(30 * time.Second)
	half, err := f.App.SignInAdmin(context.Background(), o.ID, Password)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := f.App.FinishSignIn(context.Background(), half, app.Factor{Code: f.Code(t, o.Secret)}, "192.0.2.0/24")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Acts lists the acts the log has of a noun, oldest first.
func (f *Fixture) Acts(t testing.TB, noun, key string) (acts []string) {
	t.Helper()
	if err := f.DB.View(context.Background(), func(tx *store.Tx) error {
		acts = nil
		rows, err := tx.FindAudit(context.Background(), store.AuditFilter{Noun: noun, Key: key}, 1000)
		for _, r := range slices.Backward(rows) {
			acts = append(acts, r.Act)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return acts
}
