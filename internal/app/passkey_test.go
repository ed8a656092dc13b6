package app_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

func signers(t testing.TB) map[string]crypto.Signer {
	ec, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, ed, err2 := ed25519.GenerateKey(rand.Reader)
	r, err3 := rsa.GenerateKey(rand.Reader, 2048)
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	return map[string]crypto.Signer{"ES256": ec, "EdDSA": ed, "RS256": r}
}

// addPasskey lets an administrator keep the answer that a device's is made into.
func addPasskey(t testing.TB, f *apptest.Fixture, o *apptest.Operator, d *apptest.Device, with func(app.Ceremony, apptest.Answer) app.NewFactor) error {
	t.Helper()
	begun, err := f.App.BeginNewPasskey(t.Context(), o.ID)
	if err != nil {
		t.Fatal(err)
	}
	made := app.NewFactor{State: begun.State, Answer: d.Make(t, begun.Options).JSON(), Name: "办公室"}
	if with != nil {
		made = with(begun, d.Make(t, begun.Options))
	}
	return f.App.AddPasskey(t.Context(), f.As(t, o), made)
}

// signing is a sign-in that waits for its second factor.
func signing(t testing.TB, f *apptest.Fixture, o *apptest.Operator) (*app.Half, app.Ceremony) {
	t.Helper()
	f.Clock.Add(time.Second)
	half, err := f.App.SignInAdmin(t.Context(), o.ID, apptest.Password)
	if err != nil {
		t.Fatal(err)
	}
	begun, err := f.App.BeginPasskey(t.Context(), o.ID)
	if err != nil || begun.State == nil {
		t.Fatalf("no passkey is asked for: %v", err)
	}
	return half, begun
}

func finish(t testing.TB, f *apptest.Fixture, half *app.Half, state, answer []byte) error {
	_, _, err := f.App.FinishSignIn(t.Context(), half, app.Factor{State: state, Answer: answer}, "192.0.2.0/24")
	return err
}

func TestAPasskeyIsMadeAndUsed(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		o := f.OpenAdmin(t, account.District1, apptest.DistrictA)
		for name, s := range signers(t) {
			d := apptest.NewDevice("a credential for "+name, s)
			if err := addPasskey(t, f, o, d, nil); err != nil {
				t.Fatalf("%s: made: %v", name, err)
			}
			if fault.CodeOf(addPasskey(t, f, o, d, nil)) == "" {
				t.Errorf("%s: the same credential twice", name)
			}
			use := func() error {
				half, begun := signing(t, f, o)
				if bytes.Contains(begun.Options, []byte(o.Person.Name)) || !bytes.Contains(begun.Options, []byte(`"rpId":"yuyue.example.org"`)) {
					t.Errorf("%s: asked for by %s", name, begun.Options)
				}
				answer := d.Use(t, begun.Options).JSON()
				err := finish(t, f, half, begun.State, answer)
				if again := finish(t, f, half, begun.State, answer); fault.CodeOf(again) != fault.PasswordWrong {
					t.Errorf("%s: an answer counts twice: %v", name, again)
				}
				return err
			}
			if err := use(); err != nil {
				t.Errorf("%s: the use of one that does not count: %v", name, err)
			}
			if d.Count = 5; use() != nil {
				t.Errorf("%s: it counts from now on", name)
			}
			if fault.CodeOf(use()) != fault.PasswordWrong {
				t.Errorf("%s: a count that does not grow is taken", name)
			}
			if d.Count = 6; use() != nil { // and four failures are forgotten
				t.Errorf("%s: a count that grows is refused", name)
			}
			if d.Count = 4; fault.CodeOf(use()) != fault.PasswordWrong {
				t.Errorf("%s: a count that falls is taken", name)
			}
			if d.Count = 7; use() != nil {
				t.Errorf("%s: a count that grows is refused", name)
			}
		}
		me, err := f.App.Me(t.Context(), f.As(t, o))
		if err != nil || len(me.Passkeys) != 3 {
			t.Errorf("kept: %+v, %v", me, err)
		}
	})
}

func flip(t testing.TB, s string) string {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	return base64.RawURLEncoding.EncodeToString(b)
}

// Each thing that is wrong is enough, and none is more than a wrong second factor.
func TestAPasskeyElsewhereOrChangedIsRefused(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	all := signers(t)
	o, other := f.OpenAdmin(t, account.District1, apptest.DistrictA), f.OpenAdmin(t, account.District1, apptest.DistrictB)
	d, theirs := apptest.NewDevice("a credential of sixteen", all["ES256"]), apptest.NewDevice("a credential of another", all["EdDSA"])
	for who, its := range map[*apptest.Operator]*apptest.Device{o: d, other: theirs} {
		if err := addPasskey(t, f, who, its, nil); err != nil {
			t.Fatal(err)
		}
	}
	altered := func(change func(*apptest.Device)) func(app.Ceremony) ([]byte, []byte) {
		return func(c app.Ceremony) ([]byte, []byte) {
			e := *d
			change(&e)
			return c.State, e.Use(t, c.Options).JSON()
		}
	}
	answered := func(change func(*apptest.Answer)) func(app.Ceremony) ([]byte, []byte) {
		return func(c app.Ceremony) ([]byte, []byte) {
			a := d.Use(t, c.Options)
			change(&a)
			return c.State, a.JSON()
		}
	}
	sent := func(text string) func(app.Ceremony) ([]byte, []byte) {
		return func(c app.Ceremony) ([]byte, []byte) { return c.State, []byte(text) }
	}
	_, old := signing(t, f, o)
	uses := map[string]func(app.Ceremony) ([]byte, []byte){
		"another challenge":        func(c app.Ceremony) ([]byte, []byte) { return c.State, d.Use(t, old.Options).JSON() },
		"another origin":           altered(func(e *apptest.Device) { e.Origin = "https://evil.example.org" }),
		"a port of the same host":  altered(func(e *apptest.Device) { e.Origin += ":8443" }),
		"the origin without TLS":   altered(func(e *apptest.Device) { e.Origin = "http://yuyue.example.org" }),
		"a page of an app":         altered(func(e *apptest.Device) { e.Origin = "android:apk-key-hash:abc" }),
		"another domain":           altered(func(e *apptest.Device) { e.Host = "evil.example.org" }),
		"another key":              altered(func(e *apptest.Device) { e.Signer = all["EdDSA"] }),
		"a credential nobody has":  altered(func(e *apptest.Device) { e.ID = []byte("another one of them all") }),
		"nobody touched it":        altered(func(e *apptest.Device) { e.Flags = 0 }),
		"a key that is copied now": altered(func(e *apptest.Device) { e.Flags |= 1 << 3 }),
		"another account's":        func(c app.Ceremony) ([]byte, []byte) { return c.State, theirs.Use(t, c.Options).JSON() },
		"made out to another account": answered(func(a *apptest.Answer) {
			a.Response.UserHandle = base64.RawURLEncoding.EncodeToString([]byte(other.ID))
		}),
		"another account's ceremony": func(app.Ceremony) ([]byte, []byte) {
			begun, err := f.App.BeginPasskey(t.Context(), other.ID)
			if err != nil {
				t.Fatal(err)
			}
			return begun.State, theirs.Use(t, begun.Options).JSON()
		},
		"a changed signature": answered(func(a *apptest.Answer) { a.Response.Signature = flip(t, a.Response.Signature) }),
		"changed data":        answered(func(a *apptest.Answer) { a.Response.AuthData = flip(t, a.Response.AuthData) }),
		"no signature":        answered(func(a *apptest.Answer) { a.Response.Signature = "" }),
		"another type":        answered(func(a *apptest.Answer) { a.Type = "password" }),
		"data cut short":      answered(func(a *apptest.Answer) { a.Response.AuthData = a.Response.AuthData[:30] }),
		"no data":             answered(func(a *apptest.Answer) { a.Response = apptest.Response{} }),
		"cut short": func(c app.Ceremony) ([]byte, []byte) {
			a := d.Use(t, c.Options).JSON()
			return c.State, a[:len(a)/2]
		},
		"the answer of making": func(c app.Ceremony) ([]byte, []byte) { return c.State, d.Make(t, c.Options).JSON() },
		"the state of making": func(app.Ceremony) ([]byte, []byte) {
			begun, err := f.App.BeginNewPasskey(t.Context(), o.ID)
			if err != nil {
				t.Fatal(err)
			}
			return begun.State, d.Use(t, begun.Options).JSON()
		},
		"a state nobody sealed": func(c app.Ceremony) ([]byte, []byte) { return c.State[1:], d.Use(t, c.Options).JSON() },
		"no state":              func(c app.Ceremony) ([]byte, []byte) { return nil, d.Use(t, c.Options).JSON() },
		"a list":                sent("[]"),
		"null":                  sent("null"),
		"not JSON":              sent("\x00\xff"),
		"an empty object":       sent("{}"),
		"deep":                  sent(strings.Repeat(`{"response":`, 5000)),
	}
	for name, wrong := range uses {
		half, begun := signing(t, f, o)
		state, answer := wrong(begun)
		if err := finish(t, f, half, state, answer); fault.CodeOf(err) != fault.PasswordWrong {
			t.Errorf("used: %s: %v", name, err)
		}
		if err := finish(t, f, half, begun.State, d.Use(t, begun.Options).JSON()); err != nil {
			t.Fatalf("used: the right one after %s: %v", name, err)
		}
	}
	half, begun := signing(t, f, o)
	_, later := signing(t, f, o)
	if err := finish(t, f, half, later.State, d.Use(t, later.Options).JSON()); err != nil {
		t.Fatal(err)
	}
	if err := finish(t, f, half, begun.State, d.Use(t, begun.Options).JSON()); fault.CodeOf(err) != fault.PasswordWrong {
		t.Errorf("used: a ceremony begun before the passkey's last use: %v", err)
	}
	_, begun = signing(t, f, o)
	f.Clock.Add(5*time.Minute + time.Second)
	half, _ = signing(t, f, o)
	if err := finish(t, f, half, begun.State, d.Use(t, begun.Options).JSON()); fault.CodeOf(err) != fault.PasswordWrong {
		t.Errorf("used: after five minutes: %v", err)
	}
}

func TestAPasskeyThatIsNotSoundIsNotKept(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	all := signers(t)
	o, other := f.OpenAdmin(t, account.District1, apptest.DistrictA), f.OpenAdmin(t, account.District1, apptest.DistrictB)
	p384, err1 := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	short, err2 := rsa.GenerateKey(rand.Reader, 1024)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	fresh := func() *apptest.Device { return apptest.NewDevice("a credential of sixteen", all["ES256"]) }
	changed := func(change func(*apptest.Device)) *apptest.Device {
		d := fresh()
		change(d)
		return d
	}
	for name, d := range map[string]*apptest.Device{
		"another curve": changed(func(d *apptest.Device) { d.Signer = p384 }), "a short key": changed(func(d *apptest.Device) { d.Signer = short }),
		"another origin": changed(func(d *apptest.Device) { d.Origin = "https://evil.example.org" }), "another domain": changed(func(d *apptest.Device) { d.Host = "evil.example.org" }),
		"nobody touched it": changed(func(d *apptest.Device) { d.Flags = 0 }), "no id": changed(func(d *apptest.Device) { d.ID = nil }),
		"an id too long":     changed(func(d *apptest.Device) { d.ID = make([]byte, 1024) }),
		"a maker's word":     changed(func(d *apptest.Device) { d.Format = "tpm" }),
		"a word not signed":  changed(func(d *apptest.Device) { d.Format = "packed" }),
		"an unknown word":    changed(func(d *apptest.Device) { d.Format = "mystery" }),
		"backed up, but not": changed(func(d *apptest.Device) { d.Flags |= 1 << 4 }),
	} {
		if err := addPasskey(t, f, o, d, nil); fault.CodeOf(err) != fault.PasswordWrong {
			t.Errorf("made: %s: %v", name, err)
		}
	}
	for name, with := range map[string]func(app.Ceremony, apptest.Answer) app.NewFactor{
		"another id than the authenticator's": func(c app.Ceremony, a apptest.Answer) app.NewFactor {
			a.ID = base64.RawURLEncoding.EncodeToString([]byte("another one of them all"))
			a.RawID = a.ID
			return app.NewFactor{State: c.State, Answer: a.JSON()}
		},
		"the answer of using": func(c app.Ceremony, _ apptest.Answer) app.NewFactor {
			return app.NewFactor{State: c.State, Answer: fresh().Use(t, c.Options).JSON()}
		},
		"no attestation object": func(c app.Ceremony, a apptest.Answer) app.NewFactor {
			a.Response.Attestation = ""
			return app.NewFactor{State: c.State, Answer: a.JSON()}
		},
		"cut short": func(c app.Ceremony, a apptest.Answer) app.NewFactor {
			a.Response.Attestation = a.Response.Attestation[:len(a.Response.Attestation)/2]
			return app.NewFactor{State: c.State, Answer: a.JSON()}
		},
		"more after it": func(c app.Ceremony, a apptest.Answer) app.NewFactor {
			return app.NewFactor{State: c.State, Answer: append(a.JSON(), "{}"...)}
		},
		"garbage": func(c app.Ceremony, a apptest.Answer) app.NewFactor {
			return app.NewFactor{State: c.State, Answer: []byte("\xff{")}
		},
		"the challenge of another ceremony": func(c app.Ceremony, _ apptest.Answer) app.NewFactor {
			begun, err := f.App.BeginNewPasskey(t.Context(), o.ID)
			if err != nil {
				t.Fatal(err)
			}
			return app.NewFactor{State: c.State, Answer: fresh().Make(t, begun.Options).JSON()}
		},
		"the ceremony of another account": func(_ app.Ceremony, _ apptest.Answer) app.NewFactor {
			begun, err := f.App.BeginNewPasskey(t.Context(), other.ID)
			if err != nil {
				t.Fatal(err)
			}
			return app.NewFactor{State: begun.State, Answer: fresh().Make(t, begun.Options).JSON()}
		},
		"after five minutes": func(c app.Ceremony, a apptest.Answer) app.NewFactor {
			f.Clock.Add(5*time.Minute + time.Second)
			return app.NewFactor{State: c.State, Answer: a.JSON()}
		},
	} {
		if err := addPasskey(t, f, o, fresh(), with); fault.CodeOf(err) != fault.PasswordWrong {
			t.Errorf("made: %s: %v", name, err)
		}
	}
	if err := addPasskey(t, f, o, fresh(), nil); err != nil {
		t.Fatalf("the good one is refused: %v", err)
	}
	if err := addPasskey(t, f, other, fresh(), nil); fault.CodeOf(err) == "" {
		t.Error("one credential is kept for two accounts")
	}
}

// FuzzPasskey: whatever a browser sends, nothing is taken but what the device signed, and nothing falls.
func FuzzPasskey(f *testing.F) {
	x := apptest.New(f, apptest.Options{})
	ctx, now := f.Context(), x.Clock.Now()
	d := apptest.NewDevice("a credential of sixteen", signers(f)["ES256"])
	o := x.OpenAdmin(f, account.District1, apptest.DistrictA)
	making, err := x.App.BeginNewPasskey(ctx, o.ID)
	if err != nil {
		f.Fatal(err)
	}
	made := d.Make(f, making.Options)
	if err := x.App.AddPasskey(ctx, x.As(f, o), app.NewFactor{State: making.State, Answer: made.JSON()}); err != nil {
		f.Fatal(err)
	}
	row, err := x.App.NewPasskey(o.ID, making.State, made.JSON(), now)
	if err != nil {
		f.Fatal(err)
	}
	using, err := x.App.BeginPasskey(ctx, o.ID)
	if err != nil {
		f.Fatal(err)
	}
	used := d.Use(f, using.Options)
	if id, ok := x.App.UsedPasskey(o.ID, []store.Passkey{*row}, using.State, used.JSON(), now); !ok || id != row.ID {
		f.Fatal("the good one is refused")
	}
	f.Add(made.ID, made.Response.ClientData, made.Response.Attestation, "")
	f.Add(used.ID, used.Response.ClientData, used.Response.AuthData, used.Response.Signature)
	f.Add("", "e30", "", "AA")
	f.Fuzz(func(t *testing.T, id, client, data, signature string) {
		a := apptest.Answer{ID: id, RawID: id, Type: "public-key", Response: apptest.Response{ClientData: client, Attestation: data}}
		if k, err := x.App.NewPasskey(o.ID, making.State, a.JSON(), now); err == nil && k.ID == "" || err != nil && fault.CodeOf(err) != fault.PasswordWrong {
			t.Errorf("made of nothing: %+v, %v", k, err)
		}
		a.Response = apptest.Response{ClientData: client, AuthData: data, Signature: signature}
		if _, ok := x.App.UsedPasskey(o.ID, []store.Passkey{*row}, using.State, a.JSON(), now); ok && strings.TrimRight(signature, "=") != used.Response.Signature {
			t.Error("a signature the device did not make is taken")
		}
		_, _ = x.App.NewPasskey(o.ID, making.State, []byte(client), now)
		_, _ = x.App.UsedPasskey(o.ID, []store.Passkey{*row}, using.State, []byte(client), now)
	})
}
