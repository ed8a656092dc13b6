package identitygate_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	identitygate "suiyue/internal/gate/identity"
	"suiyue/internal/gate/identity/identitytest"
	"suiyue/internal/gate/identity/tyrzfake"
)

const tyrzPath = "/tif/sso/connect/page/oauth2/"

func tyrzDriver(way identitygate.StateWay, change func(*tyrzfake.Options)) identitytest.Driver {
	return identitytest.Driver{
		TokenPath: tyrzPath + "access_token", UserInfoPath: tyrzPath + "tokeninfo",
		Mapping: identitygate.TyrzMapping(), ErrorKey: "error_code",
		Make: func(t *testing.T, plan identitytest.Plan) (identitygate.Provider, http.Handler) {
			opt := tyrzfake.Options{
				DevMode: true, ClientID: "suiyue", ClientSecret: identitytest.Secret, RedirectURI: plan.RedirectURI,
				EchoState: true, Now: plan.Now,
			}
			if change != nil {
				change(&opt)
			}
			fake, err := tyrzfake.New(opt)
			if err != nil {
				t.Fatal(err)
			}
			p, err := identitygate.NewTyrz(tyrzConfig(plan, way))
			if err != nil {
				t.Fatal(err)
			}
			return p, fake
		},
	}
}

func tyrzConfig(plan identitytest.Plan, way identitygate.StateWay) identitygate.TyrzConfig {
	return identitygate.TyrzConfig{
		Name: "tyrz", Base: plan.Base, ClientID: "suiyue", ClientSecret: identitytest.Secret, RedirectURI: plan.RedirectURI,
		StateWay: way, Mapping: identitygate.TyrzMapping(), Timeout: plan.Timeout, AllowPlain: true, Now: plan.Now,
	}
}

func TestArt12_TyrzConformance(t *testing.T) {
	identitytest.Run(t, tyrzDriver(identitygate.StateEcho, nil))
}

func TestTyrzStateWays(t *testing.T) {
	silent := func(o *tyrzfake.Options) { o.EchoState = false }
	silentQuery := func(o *tyrzfake.Options) { o.EchoState, o.AllowQuery = false, true }

	t.Run("a platform that drops state is refused by default", func(t *testing.T) {
		w := identitytest.NewWorld(t, tyrzDriver(identitygate.StateEcho, silent))
		identitytest.Expect(t, w.SignIn(t, "citizen-1", "/").Err, identitygate.Mismatch)
	})
	t.Run("state in the redirect address", func(t *testing.T) {
		w := identitytest.NewWorld(t, tyrzDriver(identitygate.StateRedirect, silentQuery))
		if got := w.SignIn(t, "citizen-1", "/"); got.Err != nil {
			t.Fatal(got.Err)
		}
		for _, alter := range []func(url.Values){
			func(q url.Values) { q.Set("sy_state", "other") },
			func(q url.Values) { q.Del("sy_state") },
			func(q url.Values) { q.Set("state", "other") },
			func(q url.Values) { q.Add("sy_state", "other") },
		} {
			to := w.Choose(t, "/", url.Values{"person": {"citizen-1"}})
			q := to.Query()
			alter(q)
			to.RawQuery = q.Encode()
			identitytest.Expect(t, w.Land(t, to).Err, identitygate.Mismatch)
		}
	})
	t.Run("bound by the pending sign-in", func(t *testing.T) {
		w := identitytest.NewWorld(t, tyrzDriver(identitygate.StateBound, silent))
		if got := w.SignIn(t, "citizen-1", "/"); got.Err != nil {
			t.Fatal(got.Err)
		}
		to := w.Choose(t, "/", url.Values{"person": {"citizen-1"}})
		to.RawQuery += "&state=other"
		identitytest.Expect(t, w.Land(t, to).Err, identitygate.Mismatch)
	})
}

func TestTyrzSpeaksThePlatformsWay(t *testing.T) {
	plan := identitytest.Plan{Base: "https://tyrz.example", RedirectURI: "https://suiyue.example/callback", Now: time.Now}
	p, err := identitygate.NewTyrz(tyrzConfig(plan, identitygate.StateEcho))
	if err != nil {
		t.Fatal(err)
	}
	to, pending, err := p.Start(t.Context(), identitygate.Return{Path: "/"})
	if err != nil {
		t.Fatal(err)
	}
	want := "https://tyrz.example/tif/sso/connect/page/oauth2/authorize?client_id=suiyue" +
		"&redirect_uri=https%3A%2F%2Fsuiyue.example%2Fcallback&response_type=code&scope=all&service=initService&state=" + pending.State
	if to != want {
		t.Errorf("authorize address\n%s, want\n%s", to, want)
	}
	if len(pending.State) < 26 {
		t.Errorf("state of %d characters", len(pending.State))
	}
	if p.SignOutURL("https://suiyue.example/") != "" {
		t.Error("a sign-out address that nobody configured")
	}
}

func TestTyrzAnswersSeenInTheField(t *testing.T) {
	d := tyrzDriver(identitygate.StateEcho, nil)
	for _, c := range []struct {
		name, path, body string
		ok               bool
	}{
		{"old field names", d.UserInfoPath, `{"uid":"u1","cn":"测试市民一","idCardNumber":"X1","idCardType":"111","telephoneNumber":"19900000001","credenceState":4}`, true},
		{"zero beside a good answer", d.UserInfoPath, `{"error_code":0,"uid":"u1","cn":"测试市民一","idcardnumber":"X1","idcardtype":111,"credencestate":"4"}`, true},
		{"organisation as a string", d.UserInfoPath, `{"uid":"u1","cn":"测试市民一","idcardnumber":"X1","idcardtype":"111","credencestate":"4","orginfo":"{\"creditcode\":\"C1\",\"orgname\":\"测试企业一\"}"}`, true},
		{"one field twice", d.UserInfoPath, `{"uid":"u1","cn":"测试市民一","idcardnumber":"X1","idCardNumber":"X2","idcardtype":"111","credencestate":"4"}`, false},
		{"refusal with status 200", d.UserInfoPath, `{"error_code":"10004","error_msg":"` + identitytest.Canary + `"}`, false},
		{"token of another type", d.TokenPath, `{"access_token":"` + identitytest.Canary + `","token_type":"mac"}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := identitytest.NewWorld(t, d)
			w.Override(c.path, identitytest.Say(200, c.body))
			got := w.SignIn(t, "citizen-1", "/")
			if !c.ok {
				identitytest.Expect(t, got.Err, identitygate.Refused, identitygate.Malformed)
				return
			}
			if got.Err != nil || got.Claims.Level != 4 || got.Claims.Document.Number != "X1" || got.Claims.Subject != "u1" {
				t.Errorf("not read: %v", got.Err)
			}
		})
	}
}

func TestTyrzOlderGrantType(t *testing.T) {
	d := tyrzDriver(identitygate.StateEcho, nil)
	d.Make = func(t *testing.T, plan identitytest.Plan) (identitygate.Provider, http.Handler) {
		fake, err := tyrzfake.New(tyrzfake.Options{
			DevMode: true, ClientID: "suiyue", ClientSecret: identitytest.Secret, RedirectURI: plan.RedirectURI,
			EchoState: true, GrantType: "code", Now: plan.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		cfg := tyrzConfig(plan, identitygate.StateEcho)
		cfg.GrantType = "code"
		cfg.LogoutURL, cfg.LogoutReturn = plan.Base+"/out?a=1", "goto"
		p, err := identitygate.NewTyrz(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return p, fake
	}
	w := identitytest.NewWorld(t, d)
	if got := w.SignIn(t, "citizen-1", "/"); got.Err != nil {
		t.Fatal(got.Err)
	}
	if to := w.Provider.SignOutURL("https://suiyue.example/"); !strings.HasSuffix(to, "/out?a=1&client_id=suiyue&goto=https%3A%2F%2Fsuiyue.example%2F") {
		t.Errorf("sign-out address %q", to)
	}
}

func TestTyrzRefusesToBeMadeWrong(t *testing.T) {
	good := tyrzConfig(identitytest.Plan{Base: "https://tyrz.example", RedirectURI: "https://suiyue.example/callback", Now: time.Now}, 0)
	good.AllowPlain = false
	if _, err := identitygate.NewTyrz(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*identitygate.TyrzConfig){
		"no name":        func(c *identitygate.TyrzConfig) { c.Name = "" },
		"no secret":      func(c *identitygate.TyrzConfig) { c.ClientSecret = "" },
		"plain platform": func(c *identitygate.TyrzConfig) { c.Base = "http://tyrz.example" },
		"plain return":   func(c *identitygate.TyrzConfig) { c.RedirectURI = "http://suiyue.example" },
		"relative":       func(c *identitygate.TyrzConfig) { c.RedirectURI = "/callback" },
		"script":         func(c *identitygate.TyrzConfig) { c.LogoutURL = "javascript:alert(1)" },
		"no mapping":     func(c *identitygate.TyrzConfig) { c.Mapping = identitygate.Mapping{} },
		"state way":      func(c *identitygate.TyrzConfig) { c.StateWay = 9 },
		"no clock":       func(c *identitygate.TyrzConfig) { c.Now = nil },
	} {
		c := good
		spoil(&c)
		if _, err := identitygate.NewTyrz(c); err == nil {
			t.Errorf("%s: made all the same", name)
		}
	}
	if _, err := tyrzfake.New(tyrzfake.Options{ClientID: "a", ClientSecret: "b", RedirectURI: "c", Now: time.Now}); err == nil {
		t.Error("the stand-in was made outside development mode")
	}
}
