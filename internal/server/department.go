package server

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/gate/department"
	"suiyue/internal/gate/egress"
	"suiyue/internal/gate/sign"
)

// departments asks the adapters of departments for the use cases.
type departments struct{ client *http.Client }

// newDepartments calls public addresses, and those in networks somebody who runs the product has named.
func newDepartments(networks []netip.Prefix, ports []int, plain bool) departments {
	return departments{egress.New(egress.Options{Allowed: networks, Ports: ports, Plain: plain}).Client()}
}

func (d departments) to(at app.DepartmentAdapter) (*department.Client, error) {
	key := sign.Key{ID: at.KeyID, Profile: at.Profile}
	if at.Profile.Public() {
		key.Private = at.Secret
	} else {
		key.Secret = at.Secret
	}
	return department.New(department.Options{Base: at.Base, Key: key, Client: d.client, Now: time.Now, Drawn: rand.Text})
}

// asked turns an error of the adapter's into one of the use cases.
func asked(err error) error {
	var no *department.Refusal
	if !errors.As(err, &no) {
		return err
	}
	return &app.DepartmentRefusal{
		Code: string(no.Code), Unknown: no.Code == department.HoldUnknown, Again: no.Code == department.Busy || no.Code == department.Unsigned, After: no.RetryAfter,
	}
}

func said(h *department.Hold, err error) (app.DepartmentHold, error) {
	if err != nil {
		return app.DepartmentHold{}, asked(err)
	}
	switch h.State {
	case department.Held:
		return app.DepartmentHold{State: app.ThereHeld}, nil
	case department.Confirmed:
		return app.DepartmentHold{State: app.ThereConfirmed, Number: h.Number}, nil
	}
	return app.DepartmentHold{State: app.ThereGone}, nil
}

func (d departments) Hold(ctx context.Context, at app.DepartmentAdapter, id string, p app.DepartmentPlace) (app.DepartmentHold, error) {
	c, err := d.to(at)
	if err != nil {
		return app.DepartmentHold{}, err
	}
	return said(c.Hold(ctx, id, department.Ask{
		HallID: p.HallID, QueueID: p.QueueID, Date: p.Date, Hour: p.Hour, Item: p.Item, Units: p.Units, Applicant: p.Applicant, Expires: p.Expires,
	}))
}

func (d departments) Confirm(ctx context.Context, at app.DepartmentAdapter, id string) (app.DepartmentHold, error) {
	c, err := d.to(at)
	if err != nil {
		return app.DepartmentHold{}, err
	}
	return said(c.Confirm(ctx, id))
}

func (d departments) Get(ctx context.Context, at app.DepartmentAdapter, id string) (app.DepartmentHold, error) {
	c, err := d.to(at)
	if err != nil {
		return app.DepartmentHold{}, err
	}
	return said(c.Get(ctx, id))
}

func (d departments) Release(ctx context.Context, at app.DepartmentAdapter, id string) error {
	c, err := d.to(at)
	if err != nil {
		return err
	}
	return asked(c.Release(ctx, id))
}

// Adapter is where a connected system is asked, as an operator enters it.
type Adapter struct {
	Source, URL, Key        string
	Profile                 string
	SecretFile, PrivateFile string
}

// SetAdapter enters where a connected system is asked, and with what the platform signs.
func SetAdapter(ctx context.Context, d Data, c Adapter) error {
	key, err := PlatformKey(c.Key, c.Profile, c.SecretFile, c.PrivateFile)
	if err != nil {
		return err
	}
	if _, err := department.New(department.Options{Base: c.URL}); err != nil {
		return err
	}
	return explainWay(withApp(ctx, d, func(a *app.App) error {
		return a.SetAdapter(ctx, c.Source, c.URL, key.Profile, key.ID, append(key.Secret, key.Private...))
	}))
}

// PlatformKey reads what the platform signs with: the file of a secret, or of a private key of Ed25519 (PKCS #8, PEM).
func PlatformKey(id, profile, secretFile, privateFile string) (key sign.Key, err error) {
	key.ID, key.Profile = id, oversight.Profile(profile)
	if !key.Profile.Public() {
		if secretFile == "" {
			return key, errors.New("--secret-file: the secret must be given")
		}
		text, err := os.ReadFile(secretFile)
		if key.Secret = []byte(strings.TrimSpace(string(text))); err == nil && len(key.Secret) == 0 {
			err = errors.New("--secret-file: nothing in it")
		}
		return key, err
	}
	if privateFile == "" {
		return key, errors.New("--private-file: the private key must be given")
	}
	text, err := os.ReadFile(privateFile)
	if err != nil {
		return key, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return key, errors.New("--private-file: no PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return key, errors.New("--private-file: no key of PKCS #8")
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return key, errors.New("--private-file: not of Ed25519")
	}
	key.Private = private.Seed()
	return key, nil
}

// SwitchQueue says how a queue is booked, and returns from when on that counts.
func SwitchQueue(ctx context.Context, d Data, queue, way, source string) (from time.Time, err error) {
	err = withApp(ctx, d, func(a *app.App) error {
		from, err = a.SwitchQueue(ctx, queue, booking.Way(way), source)
		return err
	})
	return from, explainWay(err)
}

// explainWay says what is wrong with a command in words for whoever typed it.
func explainWay(err error) error {
	if err == nil {
		return nil
	}
	switch e := fault.As(err); {
	case e.Code == fault.QueueNotFound:
		return errors.New("--queue: there is no such queue")
	case e.Code == fault.SourceNotFound:
		return errors.New("--source: there is no such connected system")
	case len(e.Fields) > 0 && e.Fields[0].Path == "source":
		return errors.New("--source: there is no such connected system, or it does not book for the hall")
	case len(e.Fields) > 0 && e.Fields[0].Path == "way":
		return fmt.Errorf("--way: enter the adapter of the system first (suiyue ways adapter)")
	}
	return err
}
