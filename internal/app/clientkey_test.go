package app_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
)

// keeper is a desk with a security account whose proof is fresh.
func keeper(d *desk) *app.Admin {
	d.open("SEC", account.Security, "440100000000", "")
	ad := d.as("SEC")
	ad.Proved = d.Clock.Now()
	return ad
}

// aKey is a key as somebody enters it.
func (d *desk) aKey(p oversight.Profile) oversight.ClientKey {
	return oversight.ClientKey{Name: "报送程序", Profile: p, Scopes: []oversight.ClientScope{oversight.ClientRead}, PerMinute: 3, From: d.Clock.Now(), Until: d.Clock.Now().Add(90 * 24 * time.Hour)}
}

func pemOf(t testing.TB, key any) string {
	t.Helper()
	der, err := smx509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestArt5_TheSecurityRoleKeepsTheKeysOfConnectedSystems(t *testing.T) {
	overseen(t, func(d *desk) {
		source := d.connect("M1", "agency-social", agreed(apptest.HallCity), "")
		sec := keeper(d)
		ctx := d.Context()
		make := func(want fault.Code, ad *app.Admin, k oversight.ClientKey, public string) (string, oversight.ClientKey) {
			d.Helper()
			secret, made, err := d.App.AddClientKey(ctx, ad, source, k, public)
			if fault.CodeOf(err) != want {
				d.Errorf("make %s: %v, want %q", k.Profile, err, want)
			}
			return secret, made
		}
		for _, who := range []string{"P1", "M1", "SYS"} {
			ad := d.as(who)
			ad.Proved = d.Clock.Now()
			make(fault.NotAllowed, ad, d.aKey(oversight.HMACSHA256), "")
			if _, err := d.App.ClientSources(ctx, ad); fault.CodeOf(err) != fault.NotAllowed {
				d.Errorf("%s sees the keys: %v", who, err)
			}
		}
		stale := d.as("SEC")
		stale.Proved = d.Clock.Now().Add(-time.Hour)
		make(fault.ProveAgain, stale, d.aKey(oversight.HMACSHA256), "")
		if _, _, err := d.App.AddClientKey(ctx, sec, "S9999", d.aKey(oversight.HMACSHA256), ""); fault.CodeOf(err) != fault.SourceNotFound {
			d.Errorf("of no system: %v", err)
		}

		// Two of a profile, each with a secret of its own that is kept sealed.
		s1, k1 := make("", sec, d.aKey(oversight.HMACSHA256), "")
		s2, k2 := make("", sec, d.aKey(oversight.HMACSHA256), "")
		make(fault.ClientKeysTwo, sec, d.aKey(oversight.HMACSHA256), "")
		if len(s1) != 43 || s1 == s2 || k1.ID == k2.ID {
			d.Errorf("secrets %d and %d long", len(s1), len(s2))
		}
		c, err := d.App.ClientByKey(ctx, k1.ID)
		if err != nil || c == nil || string(c.Secret) != s1 || c.Source.ID != source || c.May(oversight.ClientFeed) == nil || c.May(oversight.ClientRead) != nil {
			d.Errorf("found by its key: %+v, %v", c, err)
		}
		if !d.App.Serves(c, apptest.HallCity) || d.App.Serves(c, apptest.HallB) || !slices.Equal(d.App.ClientHallsOf(c), []string{apptest.HallCity}) {
			d.Errorf("serves %v", d.App.ClientHallsOf(c))
		}
		for _, id := range []string{"", "K1", strings.Repeat("0", 24), k1.ID + "x"} {
			if c, err := d.App.ClientByKey(ctx, id); c != nil || err != nil {
				d.Errorf("key %q: %v, %v", id, c, err)
			}
		}

		// A public half, as PEM and as base64; of the right kind.
		public, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		private, err := sm2.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		secret, k := make("", sec, d.aKey(oversight.Ed25519), pemOf(t, public))
		if secret != "" || string(k.Public) != string(public) {
			d.Errorf("secret %q, public %x", secret, k.Public)
		}
		make("", sec, d.aKey(oversight.Ed25519), base64.StdEncoding.EncodeToString(der))
		if _, k := make("", sec, d.aKey(oversight.SM2), pemOf(t, &private.PublicKey)); len(k.Public) != 65 || k.Public[0] != 4 {
			d.Errorf("a point %x", k.Public)
		}
		make(fault.InvalidRequest, sec, d.aKey(oversight.SM2), pemOf(t, public))
		make(fault.InvalidRequest, sec, d.aKey(oversight.SM2), "")
		make(fault.InvalidRequest, sec, d.aKey(oversight.SM2), "rubbish")
		make(fault.InvalidRequest, sec, d.aKey(oversight.HMACSM3), pemOf(t, public))
		for field, change := range map[string]func(k *oversight.ClientKey){
			"name":        func(k *oversight.ClientKey) { k.Name = " " },
			"profile":     func(k *oversight.ClientKey) { k.Profile = "none" },
			"scopes":      func(k *oversight.ClientKey) { k.Scopes = nil },
			"halls":       func(k *oversight.ClientKey) { k.Halls = []string{apptest.HallB} },
			"quota":       func(k *oversight.ClientKey) { k.PerMinute = 0 },
			"from":        func(k *oversight.ClientKey) { k.From = time.Time{} },
			"until":       func(k *oversight.ClientKey) { k.Until = d.Clock.Now() },
			"certificate": func(k *oversight.ClientKey) { k.Certificate = "abc" },
		} {
			k := d.aKey(oversight.HMACSM3)
			change(&k)
			_, _, err := d.App.AddClientKey(ctx, sec, source, k, "")
			if f := fault.As(err); f == nil || len(f.Fields) != 1 || f.Fields[0].Path != field {
				d.Errorf("%s: %v", field, err)
			}
		}
		withColons := d.aKey(oversight.HMACSM3)
		withColons.Certificate = strings.ToUpper(strings.TrimSuffix(strings.Repeat("ab:", 32), ":"))
		if _, k := make("", sec, withColons, ""); k.Certificate != strings.Repeat("ab", 32) {
			d.Errorf("certificate %s", k.Certificate)
		}

		// Ended, it is no more in force, and another takes its place.
		if err := d.App.EndClientKey(ctx, sec, source, k1.ID, " "); fault.CodeOf(err) != fault.InvalidRequest {
			d.Errorf("ended without a reason: %v", err)
		}
		if err := d.App.EndClientKey(ctx, sec, "S9999", k1.ID, "x"); fault.CodeOf(err) != fault.ClientKeyNotFound {
			d.Errorf("ended of another system: %v", err)
		}
		if err := d.App.EndClientKey(ctx, sec, source, k1.ID, "泄露"); err != nil {
			d.Error(err)
		}
		if err := d.App.EndClientKey(ctx, sec, source, k1.ID, "泄露"); fault.CodeOf(err) != fault.ClientKeyOver {
			d.Errorf("ended twice: %v", err)
		}
		if c, err := d.App.ClientByKey(ctx, k1.ID); err != nil || c.Key.Until.After(d.Clock.Now()) {
			d.Errorf("ended and in force until %v, %v", c.Key.Until, err)
		}
		make("", sec, d.aKey(oversight.HMACSHA256), "")
		make(fault.ClientKeysTwo, sec, d.aKey(oversight.HMACSHA256), "")
		if got := d.Acts(t, "client_key", k1.ID); !slices.Equal(got, []string{"client_key.make", "client_key.end"}) {
			d.Errorf("the log has %v", got)
		}

		// One whose time is up gives its place away; the keys of a system that is connected no more are worth nothing.
		d.Clock.Add(91 * 24 * time.Hour)
		sec = d.as("SEC")
		sec.Proved = d.Clock.Now()
		if c, err := d.App.ClientByKey(ctx, k2.ID); err != nil || c.Key.State(d.Clock.Now()) != oversight.KeyOver {
			d.Errorf("after its time: %v, %v", c, err)
		}
		_, k3 := make("", sec, d.aKey(oversight.HMACSHA256), "")
		make("", sec, d.aKey(oversight.HMACSHA256), "")
		if err := d.App.EndSource(ctx, d.as("M1"), source, 1); err != nil {
			d.Error(err)
		}
		if c, err := d.App.ClientByKey(ctx, k3.ID); err != nil || c.Key.State(d.Clock.Now()) != oversight.KeyOver {
			d.Errorf("of a system connected no more: %v, %v", c, err)
		}
		make(fault.SourceEnded, sec, d.aKey(oversight.Ed25519), hex.EncodeToString(public))
	})
}

func TestArt5_ANonceIsUsedOnceAndAKeySoOftenAMinute(t *testing.T) {
	overseen(t, func(d *desk) {
		source := d.connect("M1", "agency-social", agreed(apptest.HallCity), "")
		sec := keeper(d)
		_, k, err := d.App.AddClientKey(d.Context(), sec, source, d.aKey(oversight.HMACSHA256), "")
		if err != nil {
			t.Fatal(err)
		}
		until := d.Clock.Now().Add(6 * time.Minute)
		use := func(nonce string) error { return d.App.UseClientKey(d.Context(), k, nonce, until) }
		// Of many at once one gets through.
		var wg sync.WaitGroup
		codes := make([]fault.Code, 8)
		for n := range codes {
			wg.Go(func() { codes[n] = fault.CodeOf(use("the same nonce")) })
		}
		wg.Wait()
		through := 0
		for _, c := range codes {
			if c == "" {
				through++
			} else if c != fault.SignatureReplayed {
				t.Errorf("refused with %q", c)
			}
		}
		if through != 1 {
			t.Errorf("%d of one nonce got through", through)
		}
		for _, nonce := range []string{"second", "third"} {
			if err := use(nonce); err != nil {
				t.Error(err)
			}
		}
		f := fault.As(use("fourth"))
		if f == nil || f.Code != fault.QuotaUsedUp || f.RetryAfter <= 0 || f.RetryAfter > time.Minute {
			t.Fatalf("over the quota: %+v", f)
		}
		d.Clock.Add(f.RetryAfter)
		if err := use("fourth"); err != nil { // its nonce was not used up
			t.Error(err)
		}
		if err := use("second"); fault.CodeOf(err) != fault.SignatureReplayed {
			t.Error(err)
		}
		// Kept as long as the signature is good, and an hour; then forgotten.
		d.Clock.Add(30 * time.Minute)
		if err := d.App.Upkeep(d.Context()); err != nil {
			t.Error(err)
		}
		if err := use("second"); fault.CodeOf(err) != fault.SignatureReplayed {
			t.Error(err)
		}
		d.Clock.Add(2 * time.Hour)
		if err := d.App.Upkeep(d.Context()); err != nil {
			t.Error(err)
		}
		if rows := d.Rows(t); rows["client_nonce"] != 0 || rows["client_use"] != 0 {
			t.Errorf("kept: %v", rows)
		}
	})
}
