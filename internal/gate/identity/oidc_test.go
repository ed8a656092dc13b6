package identitygate_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	identitygate "suiyue/internal/gate/identity"
	"suiyue/internal/gate/identity/devidp"
	"suiyue/internal/gate/identity/identitytest"
)

const devPrefix = "/dev-idp"

func oidcDriver(change func(*devidp.Options, *identitygate.OIDCConfig)) identitytest.Driver {
	return identitytest.Driver{
		TokenPath: devPrefix + "/token", UserInfoPath: devPrefix + "/userinfo",
		Mapping: identitygate.StandardMapping(), ErrorKey: "error",
		Make: func(t *testing.T, plan identitytest.Plan) (identitygate.Provider, http.Handler) {
			opt := devidp.Options{
				DevMode: true, Issuer: plan.Base + devPrefix, ClientID: "suiyue", ClientSecret: identitytest.Secret,
				RedirectURIs: []string{plan.RedirectURI}, PostLogoutURIs: []string{"http://127.0.0.1/"}, Now: plan.Now,
			}
			cfg := identitygate.OIDCConfig{
				Name: "dev", Issuer: opt.Issuer, ClientID: "suiyue", ClientSecret: identitytest.Secret, RedirectURI: plan.RedirectURI,
				Mapping: identitygate.StandardMapping(), Timeout: plan.Timeout, AllowPlain: true, Now: plan.Now,
			}
			if change != nil {
				change(&opt, &cfg)
			}
			idp, err := devidp.New(opt)
			if err != nil {
				t.Fatal(err)
			}
			p, err := identitygate.NewOIDC(cfg)
			if err != nil {
				t.Fatal(err)
			}
			return p, idp
		},
	}
}

func TestArt12_OIDCConformance(t *testing.T) { identitytest.Run(t, oidcDriver(nil)) }

func TestOIDCVariants(t *testing.T) {
	for name, change := range map[string]func(*devidp.Options, *identitygate.OIDCConfig){
		"RS256":         func(o *devidp.Options, _ *identitygate.OIDCConfig) { o.Algorithm = jose.RS256 },
		"public client": func(o *devidp.Options, c *identitygate.OIDCConfig) { o.ClientSecret, c.ClientSecret = "", "" },
		"odd secret": func(o *devidp.Options, c *identitygate.OIDCConfig) {
			o.ClientSecret, c.ClientSecret = "a b+c%:&=é", "a b+c%:&=é"
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := identitytest.NewWorld(t, oidcDriver(change))
			if got := w.SignIn(t, "agent", "/"); got.Err != nil || len(got.Claims.Agent) != 2 {
				t.Error(got.Err)
			}
		})
	}
}

func TestOIDCWrongSecret(t *testing.T) {
	w := identitytest.NewWorld(t, oidcDriver(func(_ *devidp.Options, c *identitygate.OIDCConfig) { c.ClientSecret = "canary-other" }))
	f := identitytest.Expect(t, w.SignIn(t, "citizen-1", "/").Err, identitygate.Refused)
	if f.Detail != "invalid_client" {
		t.Errorf("detail %q", f.Detail)
	}
}

func TestOIDCPendingOfAnotherSignIn(t *testing.T) {
	for name, c := range map[string]struct {
		alter  func(url.Values, *identitygate.Pending)
		reason identitygate.Reason
		step   identitygate.Step
		detail string
	}{
		"nonce":      {func(_ url.Values, p *identitygate.Pending) { p.Nonce = "other" }, identitygate.Mismatch, identitygate.StepIDToken, "nonce"},
		"no nonce":   {func(_ url.Values, p *identitygate.Pending) { p.Nonce = "" }, identitygate.Mismatch, identitygate.StepCallback, "pending"},
		"verifier":   {func(_ url.Values, p *identitygate.Pending) { p.Verifier = strings.Repeat("v", 43) }, identitygate.Refused, identitygate.StepToken, "invalid_grant"},
		"issuer":     {func(q url.Values, _ *identitygate.Pending) { q.Set("iss", "https://canary.example") }, identitygate.Mismatch, identitygate.StepCallback, "issuer"},
		"no issuer":  {func(q url.Values, _ *identitygate.Pending) { q.Del("iss") }, identitygate.Mismatch, identitygate.StepCallback, "issuer"},
		"two issuer": {func(q url.Values, _ *identitygate.Pending) { q.Add("iss", "https://canary.example") }, identitygate.Malformed, identitygate.StepCallback, "repeated parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			w := identitytest.NewWorld(t, oidcDriver(nil))
			to := w.Choose(t, "/", url.Values{"person": {"citizen-1"}})
			q, pending := to.Query(), w.Pending(t)
			c.alter(q, &pending)
			_, err := w.Provider.Finish(t.Context(), pending, q)
			f := identitytest.Expect(t, err, c.reason)
			if f.Step != c.step || f.Detail != c.detail {
				t.Errorf("failed at %s: %s", f.Step, f.Detail)
			}
		})
	}
}

// A forger holds the signing key of the provider's key set and writes the ID token as it likes.
func TestOIDCForgedIDToken(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(t *testing.T, alg jose.SignatureAlgorithm, key any, claims map[string]any) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: "forged"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign(body)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	good := func(t *testing.T, c map[string]any) string { return sign(t, jose.ES256, key, c) }
	for _, c := range []struct {
		name   string
		alter  func(map[string]any)
		sign   func(*testing.T, map[string]any) string
		reason identitygate.Reason
	}{
		{"as it should be", func(map[string]any) {}, good, ""},
		{"audience of several with its party", func(c map[string]any) { c["aud"], c["azp"] = []string{"suiyue", "b"}, "suiyue" }, good, ""},
		{"other audience", func(c map[string]any) { c["aud"] = "canary" }, good, identitygate.Malformed},
		{"audience of several", func(c map[string]any) { c["aud"] = []string{"suiyue", "canary"} }, good, identitygate.Mismatch},
		{"other party", func(c map[string]any) { c["azp"] = "canary" }, good, identitygate.Mismatch},
		{"other issuer", func(c map[string]any) { c["iss"] = "https://canary.example" }, good, identitygate.Malformed},
		{"no nonce", func(c map[string]any) { delete(c, "nonce") }, good, identitygate.Mismatch},
		{"over", func(c map[string]any) { c["exp"] = c["iat"].(int64) - 1 }, good, identitygate.Expired},
		{"not yet", func(c map[string]any) { c["nbf"] = c["iat"].(int64) + 3600 }, good, identitygate.Malformed},
		{"other access token", func(c map[string]any) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" }, good, identitygate.Mismatch},
		{"other subject", func(c map[string]any) { c["sub"] = "canary" }, good, identitygate.Mismatch},
		{"other key", func(map[string]any) {}, func(t *testing.T, c map[string]any) string { return sign(t, jose.ES256, other, c) }, identitygate.Malformed},
		{"shared secret", func(map[string]any) {}, func(t *testing.T, c map[string]any) string {
			return sign(t, jose.HS256, []byte(identitytest.Secret+identitytest.Secret), c)
		}, identitygate.Malformed},
		{"unsigned", func(map[string]any) {}, func(t *testing.T, c map[string]any) string {
			return "eyJhbGciOiJub25lIn0." + strings.Split(good(t, c), ".")[1] + "."
		}, identitygate.Malformed},
		{"not a token", func(map[string]any) {}, func(*testing.T, map[string]any) string { return identitytest.Canary }, identitygate.Malformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := identitytest.NewWorld(t, oidcDriver(nil))
			to := w.Choose(t, "/", url.Values{"person": {"citizen-1"}})
			jwks, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "forged", Use: "sig", Algorithm: "ES256"}}})
			if err != nil {
				t.Fatal(err)
			}
			w.Override(devPrefix+"/jwks", identitytest.Say(200, string(jwks)))
			claims := map[string]any{
				"iss": w.Server.URL + devPrefix, "aud": "suiyue", "sub": "citizen-1", "nonce": w.Pending(t).Nonce,
				"iat": w.Now().Unix(), "exp": w.Now().Unix() + 60,
			}
			c.alter(claims)
			raw := c.sign(t, claims)
			w.Alter(devPrefix+"/token", func(o map[string]any) { o["id_token"] = raw })
			got := w.Land(t, to)
			if c.reason == "" {
				if got.Err != nil {
					t.Error(got.Err)
				}
				return
			}
			identitytest.Expect(t, got.Err, c.reason)
		})
	}
}

func TestOIDCTokenAnswerWithout(t *testing.T) {
	for name, alter := range map[string]func(map[string]any){
		"id token":   func(o map[string]any) { delete(o, "id_token") },
		"token type": func(o map[string]any) { o["token_type"] = "mac" },
	} {
		t.Run(name, func(t *testing.T) {
			w := identitytest.NewWorld(t, oidcDriver(nil))
			w.Alter(devPrefix+"/token", alter)
			identitytest.Expect(t, w.SignIn(t, "citizen-1", "/").Err, identitygate.Incomplete, identitygate.Malformed)
		})
	}
}

func TestOIDCKeySetTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   []identitygate.Reason
	}{
		"slow": {identitytest.Slow, []identitygate.Reason{identitygate.Unavailable}},
		"huge": {identitytest.Huge, []identitygate.Reason{identitygate.Malformed}},
		"half": {identitytest.Say(200, `{"keys":[{"`+identitytest.Canary), []identitygate.Reason{identitygate.Malformed}},
		"none": {identitytest.Say(200, `{"keys":[]}`), []identitygate.Reason{identitygate.Malformed}},
		"gone": {identitytest.Say(503, identitytest.Canary), []identitygate.Reason{identitygate.Malformed}},
	} {
		t.Run(name, func(t *testing.T) {
			w := identitytest.NewWorld(t, oidcDriver(nil))
			to := w.Choose(t, "/", url.Values{"person": {"citizen-1"}})
			w.Override(devPrefix+"/jwks", c.answer)
			f := identitytest.Expect(t, w.Land(t, to).Err, c.want...)
			if f.Step != identitygate.StepIDToken {
				t.Errorf("failed at %s", f.Step)
			}
		})
	}
}

const configuration = devPrefix + "/.well-known/openid-configuration"

func TestOIDCDiscoveryTrouble(t *testing.T) {
	set := func(key string, value any) func(*identitytest.World) {
		return func(w *identitytest.World) { w.Alter(configuration, func(o map[string]any) { o[key] = value }) }
	}
	say := func(h http.HandlerFunc) func(*identitytest.World) {
		return func(w *identitytest.World) { w.Override(configuration, h) }
	}
	for name, c := range map[string]struct {
		tell func(*identitytest.World)
		want identitygate.Reason
	}{
		"503":           {say(identitytest.Say(503, identitytest.Canary)), identitygate.Unavailable},
		"404":           {say(identitytest.Say(404, identitytest.Canary)), identitygate.Unavailable},
		"slow":          {say(identitytest.Slow), identitygate.Unavailable},
		"huge":          {say(identitytest.Huge), identitygate.Unavailable},
		"half":          {say(identitytest.Say(200, `{"issuer":"`+identitytest.Canary)), identitygate.Unavailable},
		"other issuer":  {set("issuer", "https://canary.example"), identitygate.Mismatch},
		"script":        {set("authorization_endpoint", "javascript:alert('canary')"), identitygate.Malformed},
		"no token":      {set("token_endpoint", ""), identitygate.Malformed},
		"no keys":       {set("jwks_uri", "/jwks"), identitygate.Malformed},
		"bad userinfo":  {set("userinfo_endpoint", "file:///etc/canary"), identitygate.Malformed},
		"HS256 only":    {set("id_token_signing_alg_values_supported", []string{"HS256", "none"}), identitygate.Malformed},
		"no algorithms": {set("id_token_signing_alg_values_supported", nil), identitygate.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			w := identitytest.NewWorld(t, oidcDriver(nil))
			c.tell(w)
			_, _, err := w.Provider.Start(t.Context(), identitygate.Return{Path: "/"})
			f := identitytest.Expect(t, err, c.want)
			if f.Step != identitygate.StepDiscovery {
				t.Errorf("failed at %s", f.Step)
			}
			if w.Provider.SignOutURL("http://127.0.0.1/") != "" {
				t.Error("a sign-out address out of nowhere")
			}
			// Once the provider is well, so is the driver, and without a restart.
			w.Override(configuration, nil)
			w.Advance(2 * time.Second)
			if got := w.SignIn(t, "citizen-1", "/"); got.Err != nil {
				t.Errorf("after it was well again: %v", got.Err)
			}
		})
	}
}

// A provider that is down is asked twice a second at most, however many people try.
func TestOIDCDiscoveryIsNotHammered(t *testing.T) {
	w := identitytest.NewWorld(t, oidcDriver(nil))
	var asked atomic.Int64
	w.Override(configuration, func(rw http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		rw.WriteHeader(http.StatusBadGateway)
	})
	for range 20 {
		_, _, err := w.Provider.Start(t.Context(), identitygate.Return{})
		identitytest.Expect(t, err, identitygate.Unavailable)
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func TestOIDCWarmWaitsForTheProvider(t *testing.T) {
	w := identitytest.NewWorld(t, oidcDriver(nil))
	var asked atomic.Int64
	w.Override(configuration, func(rw http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Override(configuration, nil)
		time.AfterFunc(200*time.Millisecond, func() { w.Advance(time.Second) })
		rw.WriteHeader(http.StatusBadGateway)
	})
	p := w.Provider.(*identitygate.OIDC)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := p.Warm(ctx); err != nil || asked.Load() != 1 {
		t.Errorf("%v after %d refusals", err, asked.Load())
	}
	if to := p.SignOutURL("http://127.0.0.1/"); !strings.HasSuffix(to, "/dev-idp/logout?client_id=suiyue&post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%2F") {
		t.Errorf("sign-out address %q", to)
	}

	gone := identitytest.NewWorld(t, oidcDriver(nil))
	gone.Server.Close()
	ended, stop := context.WithCancel(t.Context())
	stop()
	if err := gone.Provider.(*identitygate.OIDC).Warm(ended); err == nil {
		t.Error("warm without a provider")
	}
}

func TestOIDCStartAddress(t *testing.T) {
	w := identitytest.NewWorld(t, oidcDriver(nil))
	to, pending, err := w.Provider.Start(t.Context(), identitygate.Return{Path: "/x", Locale: "zh-Hant", LoginHint: "elder"})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for k, want := range map[string]string{
		"response_type": "code", "client_id": "suiyue", "code_challenge_method": "S256", "state": pending.State,
		"nonce": pending.Nonce, "ui_locales": "zh-Hant", "login_hint": "elder", "scope": "openid profile phone real_name",
	} {
		if q.Get(k) != want {
			t.Errorf("%s is %q", k, q.Get(k))
		}
	}
	if strings.Contains(to, pending.Verifier) || len(pending.Verifier) < 43 || strings.Contains(to, identitytest.Secret) {
		t.Error("the verifier or the secret is in the address")
	}
	b, err := json.Marshal(pending)
	if err != nil {
		t.Fatal(err)
	}
	var back identitygate.Pending
	if err := json.Unmarshal(b, &back); err != nil || back != pending {
		t.Errorf("pending does not survive JSON: %v", err)
	}
	if len(b) > 1500 {
		t.Errorf("pending is %d bytes, too many for a cookie", len(b))
	}
}

func TestOIDCRefusesToBeMadeWrong(t *testing.T) {
	good := identitygate.OIDCConfig{
		Name: "dev", Issuer: "https://idp.example", ClientID: "suiyue", RedirectURI: "https://suiyue.example/callback",
		Mapping: identitygate.StandardMapping(), Now: time.Now,
	}
	if _, err := identitygate.NewOIDC(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*identitygate.OIDCConfig){
		"no name":      func(c *identitygate.OIDCConfig) { c.Name = "" },
		"no client":    func(c *identitygate.OIDCConfig) { c.ClientID = "" },
		"plain issuer": func(c *identitygate.OIDCConfig) { c.Issuer = "http://idp.example" },
		"user in it":   func(c *identitygate.OIDCConfig) { c.Issuer = "https://a:b@idp.example" },
		"plain return": func(c *identitygate.OIDCConfig) { c.RedirectURI = "http://suiyue.example/callback" },
		"no mapping":   func(c *identitygate.OIDCConfig) { c.Mapping = identitygate.Mapping{} },
		"no clock":     func(c *identitygate.OIDCConfig) { c.Now = nil },
	} {
		c := good
		spoil(&c)
		if _, err := identitygate.NewOIDC(c); err == nil {
			t.Errorf("%s: made all the same", name)
		}
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/", "/a?b=c#d", "//x", "/\\x", "/\t/x", "https://x", "/%2f/x", "/a//b", "/./\\x", "/?next=//x"} {
		f.Add(s)
	}
	site := &url.URL{Scheme: "https", Host: "suiyue.example", Path: "/callback"}
	f.Fuzz(func(t *testing.T, s string) {
		got := identitygate.LocalPath(s)
		to, err := site.Parse(got)
		if err != nil || to.Host != site.Host || to.Scheme != site.Scheme || !strings.HasPrefix(got, "/") {
			t.Fatalf("%q leads to %v, %v", got, to, err)
		}
	})
}
