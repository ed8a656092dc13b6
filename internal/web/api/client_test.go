package api_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/gate/sign"
	"suiyue/internal/store"
	"suiyue/internal/web/api"
)

// department is a connected system that signs.
type department struct {
	*face
	source string
	sec    *app.Admin
	key    *sign.Key
}

// connected enters a system of the social agency, with a key.
func (f *face) connected(t testing.TB, change func(k *oversight.ClientKey)) *department {
	t.Helper()
	d := &department{face: f}
	head, err := f.App.Admin(t.Context(), f.OpenAdmin(t, account.Municipal1, apptest.AgencySocial).Token)
	if err != nil {
		t.Fatal(err)
	}
	d.source, err = f.App.ConnectSource(t.Context(), head, apptest.AgencySocial, oversight.Source{Name: "自建系统", Kinds: oversight.RecordKinds, Delay: 15 * time.Minute, Silence: 2 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if d.sec, err = f.App.Admin(t.Context(), f.OpenAdmin(t, account.Security, "440100000000").Token); err != nil {
		t.Fatal(err)
	}
	d.key = d.newKey(t, oversight.HMACSHA256, change)
	return d
}

func (d *department) newKey(t testing.TB, p oversight.Profile, change func(k *oversight.ClientKey)) *sign.Key {
	t.Helper()
	now := d.Clock.Now()
	k := oversight.ClientKey{Name: "报送", Profile: p, Scopes: []oversight.ClientScope{oversight.ClientRead}, PerMinute: 1000, From: now.Add(-time.Minute), Until: now.Add(24 * time.Hour)}
	if change != nil {
		change(&k)
	}
	public, out := "", &sign.Key{Profile: p}
	if p == oversight.Ed25519 {
		half, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKIXPublicKey(half)
		if err != nil {
			t.Fatal(err)
		}
		public, out.Private = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), private.Seed()
	}
	secret, made, err := d.App.AddClientKey(t.Context(), d.sec, d.source, k, public)
	if err != nil {
		t.Fatal(err)
	}
	out.ID, out.Secret = made.ID, []byte(secret)
	return out
}

var drawn int

// signed makes a signed request; change spoils it afterwards.
func (d *department) signed(k *sign.Key, path string, change func(r *http.Request)) *http.Request {
	d.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "https://yuyue.example.org"+api.Prefix+path, nil)
	r.Header.Set("Accept-Language", "en")
	signRequest(d.t, k, r, nil, d.Clock.Now())
	if change != nil {
		change(r)
	}
	return r
}

func signRequest(t testing.TB, k *sign.Key, r *http.Request, body []byte, at time.Time) {
	t.Helper()
	drawn++
	nonce := fmt.Sprintf("nonce%08d", drawn)
	if k.Profile.Gateway() {
		for name, line := range k.SignGateway(sign.MessageOf(r, "https", body), at, nonce) {
			r.Header.Set(name, line)
		}
		return
	}
	covered := []string{"@method", "@target-uri"}
	if len(body) > 0 {
		r.Header.Set("Content-Digest", sign.Digest(body))
		covered = append(covered, "content-digest")
	}
	input, value, err := k.Sign(sign.MessageOf(r, "https", body), sign.Tag, covered, sign.Params{Created: at, Nonce: nonce, Tag: sign.Tag})
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Signature-Input", input)
	r.Header.Set("Signature", value)
}

func (d *department) send(r *http.Request) reply { return reply{serve(d.h, r), d.t} }

func TestArt5_AConnectedSystemSignsWhatItAsks(t *testing.T) {
	f := newFace(t, nil)
	d := f.connected(t, nil)
	for _, p := range oversight.Profiles {
		if p == oversight.SM2 { // the national algorithm is tried with the verifier itself
			continue
		}
		k := d.key
		if p != k.Profile {
			k = d.newKey(t, p, nil)
		}
		got := d.send(d.signed(k, "/source", nil)).want(200, "").json()
		if got["id"] != d.source || got["key"].(map[string]any)["profile"] != string(p) || len(got["halls"].([]any)) == 0 {
			t.Errorf("%s: %v", p, got)
		}
		again := d.signed(k, "/source", nil)
		d.send(again.Clone(t.Context())).want(200, "")
		r := d.send(again).want(401, "signature_replayed")
		if r.Header().Get("WWW-Authenticate") != "Signature" || !strings.HasPrefix(r.Header().Get("Accept-Signature"), `suiyue=("@method" "@target-uri"`) {
			t.Errorf("says %v", r.Header())
		}
		d.send(d.signed(k, "/source", func(r *http.Request) { r.URL.Path += "/days"; r.RequestURI += "/days" })).want(401, map[bool]string{true: "signature_digest_wrong", false: "signature_wrong"}[p.Gateway()])
	}

	plain := httptest.NewRequest(http.MethodGet, api.Prefix+"/source", nil)
	d.send(plain).want(401, "signature_missing")
	// A token is no signature, and neither is a signature one where no system is meant.
	program := f.program(account.District1, apptest.DistrictA, app.Scopes...)
	f.do(ask{path: "/source", token: program}).want(401, "signature_missing")
	d.send(d.signed(d.key, "/admin/me", nil)).want(401, "sign_in_required")

	// A clock that is wrong is told the time, by which it can be set.
	late := httptest.NewRequest(http.MethodGet, "https://yuyue.example.org"+api.Prefix+"/source", nil)
	signRequest(t, d.key, late, nil, f.Clock.Now().Add(-time.Hour))
	told, err := http.ParseTime(d.send(late).want(401, "signature_too_old").Header().Get("Date"))
	if err != nil || !told.Equal(f.Clock.Now().Truncate(time.Second)) {
		t.Errorf("told %v, %v", told, err)
	}
	signRequest(t, d.key, late, nil, told)
	d.send(late).want(200, "")

	if strings.Contains(f.log.String(), string(d.key.Secret)) {
		t.Error("the secret is in the log")
	}
}

func TestArt5_AKeyIsForItsScopesHallsAndQuota(t *testing.T) {
	f := newFace(t, nil)
	d := f.connected(t, nil)
	feed := d.newKey(t, oversight.Ed25519, func(k *oversight.ClientKey) { k.Scopes = []oversight.ClientScope{oversight.ClientFeed} })
	d.send(d.signed(feed, "/source", nil)).want(403, "not_allowed")

	few := d.newKey(t, oversight.HMACSM3, func(k *oversight.ClientKey) { k.PerMinute = 2 })
	for range 2 {
		d.send(d.signed(few, "/source", nil)).want(200, "")
	}
	r := d.send(d.signed(few, "/source", nil)).want(429, "quota_used_up")
	if after := r.Header().Get("Retry-After"); after == "" || after == "0" || len(after) > 2 {
		t.Errorf("Retry-After %q", after)
	}
	d.send(d.signed(d.key, "/source", nil)).want(200, "") // each key has its own

	// What came of its records, at the halls of the key only.
	hall := f.App.ClientHallsOf(d.client(t))[0]
	other := d.newKey(t, oversight.GatewaySM3, func(k *oversight.ClientKey) { k.Halls = []string{hall} })
	yesterday := calendar.DateOf(f.Clock.Now()) - 1
	day := oversight.SourceDay{HallID: hall, Kind: oversight.BookingRecord, Date: yesterday, Expected: 10, Received: 9, InTime: 8, Checked: 5, Agreed: 4, LastAt: f.Clock.Now().Add(-time.Hour)}
	if err := f.DB.Update(t.Context(), func(tx *store.Tx) error {
		return f.App.RecordSource(t.Context(), tx, d.client(t).Source, []oversight.SourceDay{day})
	}); err != nil {
		t.Fatal(err)
	}
	for _, k := range []*sign.Key{d.key, other} {
		list := d.send(d.signed(k, "/source/days", nil)).want(200, "").json()["days"].([]any)
		if len(list) != 1 || list[0].(map[string]any)["in_time"] != 8.0 || list[0].(map[string]any)["date"] != yesterday.String() {
			t.Errorf("days: %v", list)
		}
	}
	for query, want := range map[string]string{
		"?from=2020-01-01": "invalid_request", "?from=2026-12-02&to=2026-12-01": "invalid_request", "?from=yesterday": "invalid_request", "?x=1": "invalid_request",
	} {
		d.send(d.signed(d.key, "/source/days"+query, nil)).want(422, want)
	}
	if last, _ := d.send(d.signed(d.key, "/source", nil)).want(200, "").json()["last_record"].(string); last == "" {
		t.Error("no last record")
	}
}

func (d *department) client(t testing.TB) *app.Client {
	t.Helper()
	c, err := d.App.ClientByKey(t.Context(), d.key.ID)
	if err != nil || c == nil {
		t.Fatal(c, err)
	}
	return c
}

func TestArt5_AKeyThatWasTakenAwayIsRefusedAtOnce(t *testing.T) {
	f := newFace(t, nil)
	d := f.connected(t, nil)
	next := d.newKey(t, oversight.HMACSHA256, nil) // two at a time: the next is put to use first
	for _, k := range []*sign.Key{d.key, next} {
		d.send(d.signed(k, "/source", nil)).want(200, "")
	}
	if err := f.App.EndClientKey(t.Context(), d.sec, d.source, d.key.ID, "换新"); err != nil {
		t.Fatal(err)
	}
	d.send(d.signed(d.key, "/source", nil)).want(401, "signature_key_not_in_force")
	d.send(d.signed(next, "/source", nil)).want(200, "")
	stranger := &sign.Key{ID: strings.Repeat("0", 24), Profile: oversight.HMACSHA256, Secret: []byte("x")}
	d.send(d.signed(stranger, "/source", nil)).want(401, "signature_key_unknown")
}

// A key that goes with a certificate is worth nothing without it.
func TestArt5_AKeyMayGoWithAClientCertificate(t *testing.T) {
	f := newFace(t, nil)
	d := f.connected(t, nil)
	cert := &x509.Certificate{Raw: []byte("the certificate")}
	sum := sign.CertificateOf(&http.Request{TLS: &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: [][]*x509.Certificate{{cert}}}})
	bound := d.newKey(t, oversight.Ed25519, func(k *oversight.ClientKey) { k.Certificate = sum })
	over := func(state *tls.ConnectionState) func(*http.Request) {
		return func(r *http.Request) { r.TLS = state }
	}
	checked := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: [][]*x509.Certificate{{cert}}}
	other := &x509.Certificate{Raw: []byte("another")}
	d.send(d.signed(bound, "/source", over(checked))).want(200, "")
	d.send(d.signed(bound, "/source", over(nil))).want(401, "signature_certificate_wrong")
	d.send(d.signed(bound, "/source", over(&tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}))).want(401, "signature_certificate_wrong") // nobody checked it
	d.send(d.signed(bound, "/source", over(&tls.ConnectionState{PeerCertificates: []*x509.Certificate{other}, VerifiedChains: [][]*x509.Certificate{{other}}}))).want(401, "signature_certificate_wrong")
}

// What is too large is refused before it is read, and a body that nobody asked for is signed like any other.
func TestASignedBodyIsBounded(t *testing.T) {
	f := newFace(t, nil)
	d := f.connected(t, nil)
	huge := bytes.Repeat([]byte("x"), api.MaxBody+1)
	r := httptest.NewRequest(http.MethodGet, "https://yuyue.example.org"+api.Prefix+"/source", bytes.NewReader(huge))
	signRequest(t, d.key, r, huge, f.Clock.Now())
	d.send(r).want(413, "body_too_large")
}
