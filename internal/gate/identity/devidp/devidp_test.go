package devidp

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"suiyue/internal/gate/identity/testpeople"
)

const (
	issuer   = "https://suiyue.example/dev-idp"
	redirTo  = "https://suiyue.example/callback"
	verifier = "a-verifier-of-at-least-forty-three-characters-long"
)

func options() Options {
	return Options{
		DevMode: true, Issuer: issuer, ClientID: "suiyue", ClientSecret: "secret", RedirectURIs: []string{redirTo},
		PostLogoutURIs: []string{"https://suiyue.example/bye?x=1"}, Now: time.Now,
	}
}

func server(t *testing.T, change func(*Options)) *Server {
	t.Helper()
	opt := options()
	if change != nil {
		change(&opt)
	}
	s, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func do(s *Server, r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, r)
	return rec
}

func get(s *Server, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, issuer+path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return do(s, r)
}

func post(s *Server, path string, form url.Values, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, issuer+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return do(s, r)
}

func request() url.Values {
	sum := sha256.Sum256([]byte(verifier))
	return url.Values{
		"client_id": {"suiyue"}, "redirect_uri": {redirTo}, "response_type": {"code"}, "scope": {"openid profile"},
		"state": {"st<ate>&"}, "nonce": {"n"}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])},
	}
}

// code signs in through the form and gives the code.
func code(t *testing.T, s *Server, scope string) string {
	t.Helper()
	q := request()
	q.Set("person", "agent")
	if scope != "" {
		q.Set("scope", scope)
	}
	to, err := post(s, "/authorize", q).Result().Location()
	if err != nil || to.Query().Get("code") == "" {
		t.Fatalf("no code: %v", err)
	}
	return to.Query().Get("code")
}

func exchange(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirTo}, "code_verifier": {verifier},
		"client_id": {"suiyue"}, "client_secret": {"secret"},
	}
}

func TestRefusesOutsideDevelopment(t *testing.T) {
	for name, spoil := range map[string]func(*Options){
		"not development":    func(o *Options) { o.DevMode = false },
		"relative issuer":    func(o *Options) { o.Issuer = "/dev-idp" },
		"issuer with slash":  func(o *Options) { o.Issuer += "/" },
		"issuer with query":  func(o *Options) { o.Issuer += "?a=b" },
		"no client":          func(o *Options) { o.ClientID = "" },
		"no redirect":        func(o *Options) { o.RedirectURIs = nil },
		"no clock":           func(o *Options) { o.Now = nil },
		"symmetric signture": func(o *Options) { o.Algorithm = "HS256" },
	} {
		opt := options()
		spoil(&opt)
		if _, err := New(opt); err == nil {
			t.Errorf("%s: made all the same", name)
		}
	}
}

func TestDiscoveryGolden(t *testing.T) {
	rec := get(server(t, nil), "/.well-known/openid-configuration")
	var got bytes.Buffer
	if err := json.Indent(&got, rec.Body.Bytes(), "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	want, err := os.ReadFile("testdata/discovery.json")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("discovery document is now\n%s", got.String())
	}
	if ct := rec.Header().Get("Content-Type"); ct != "application/json" {
		t.Errorf("content type %q", ct)
	}
}

func TestKeySetHoldsPublicKeysOnly(t *testing.T) {
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(get(server(t, nil), "/jwks").Body.Bytes(), &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%d keys, %v", len(set.Keys), err)
	}
	for _, secret := range []string{"d", "p", "q", "k"} {
		if _, ok := set.Keys[0][secret]; ok {
			t.Errorf("the key set holds %q", secret)
		}
	}
}

func TestAuthorizeRefuses(t *testing.T) {
	s := server(t, nil)
	for _, c := range []struct {
		name, key, value string
		status           int
		wrong            string
	}{
		{"other client", "client_id", "x", 400, ""},
		{"other address", "redirect_uri", "https://evil.example/callback", 400, ""},
		{"address and more", "redirect_uri", redirTo + "?a=b", 400, ""},
		{"token asked", "response_type", "token", 303, "unsupported_response_type"},
		{"fragment asked", "response_mode", "fragment", 303, "invalid_request"},
		{"not OpenID", "scope", "profile", 303, "invalid_scope"},
		{"plain challenge", "code_challenge_method", "plain", 303, "invalid_request"},
		{"no challenge", "code_challenge", "", 303, "invalid_request"},
		{"request object", "request", "e30", 303, "request_not_supported"},
		{"request address", "request_uri", "https://x", 303, "request_uri_not_supported"},
		{"silently", "prompt", "none", 303, "login_required"},
		{"endless state", "state", strings.Repeat("s", 3000), 400, ""},
	} {
		q := request()
		q.Set(c.key, c.value)
		rec := get(s, "/authorize?"+q.Encode())
		if rec.Code != c.status {
			t.Errorf("%s: status %d", c.name, rec.Code)
		}
		if c.status == 303 {
			to, err := rec.Result().Location()
			if err != nil || to.Query().Get("error") != c.wrong || to.Query().Get("state") != "st<ate>&" || to.Query().Get("iss") != issuer {
				t.Errorf("%s: sent to %v, %v", c.name, to, err)
			}
		} else if rec.Header().Get("Location") != "" {
			t.Errorf("%s: redirected", c.name)
		}
	}
	q := request()
	q.Add("redirect_uri", "https://evil.example")
	if rec := get(s, "/authorize?"+q.Encode()); rec.Code != 400 {
		t.Errorf("two addresses: status %d", rec.Code)
	}
	q = request()
	q.Set("person", "agent")
	if rec := post(s, "/authorize", q, "Sec-Fetch-Site", "cross-site"); rec.Code != http.StatusForbidden {
		t.Errorf("form of another site: status %d", rec.Code)
	}
	q.Set("person", "nobody")
	if to, err := post(s, "/authorize", q).Result().Location(); err != nil || to.Query().Get("error") != "access_denied" {
		t.Errorf("unknown person: %v", err)
	}
}

func TestLoginHintOnlyWhereAllowed(t *testing.T) {
	q := request()
	q.Set("login_hint", "elder")
	if rec := get(server(t, nil), "/authorize?"+q.Encode()); rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "<form") {
		t.Errorf("the hint was taken, status %d", rec.Code)
	}
	allowed := server(t, func(o *Options) { o.AllowLoginHint = true })
	if to, err := get(allowed, "/authorize?"+q.Encode()).Result().Location(); err != nil || to.Query().Get("code") == "" {
		t.Errorf("the hint was not taken: %v", err)
	}
	q.Set("login_hint", "nobody")
	if to, err := get(allowed, "/authorize?"+q.Encode()).Result().Location(); err != nil || to.Query().Get("error") != "access_denied" {
		t.Errorf("unknown person by hint: %v", err)
	}
}

func TestTokenRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		alter func(url.Values)
		want  string
	}{
		{"wrong secret", func(f url.Values) { f.Set("client_secret", "x") }, "invalid_client"},
		{"no secret", func(f url.Values) { f.Del("client_secret") }, "invalid_client"},
		{"other client", func(f url.Values) { f.Set("client_id", "x") }, "invalid_client"},
		{"other grant", func(f url.Values) { f.Set("grant_type", "password") }, "unsupported_grant_type"},
		{"other code", func(f url.Values) { f.Set("code", "x") }, "invalid_grant"},
		{"other address", func(f url.Values) { f.Set("redirect_uri", "https://x") }, "invalid_grant"},
		{"wrong verifier", func(f url.Values) { f.Set("code_verifier", "x") }, "invalid_grant"},
		{"no verifier", func(f url.Values) { f.Del("code_verifier") }, "invalid_grant"},
	} {
		s := server(t, nil)
		form := exchange(code(t, s, ""))
		c.alter(form)
		rec := post(s, "/token", form)
		var got struct{ Error string }
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || got.Error != c.want || rec.Code < 400 || rec.Code > 401 {
			t.Errorf("%s: %d %q, %v", c.name, rec.Code, got.Error, err)
		}
	}
}

// A code is good once; a second use also ends what the first one gave.
func TestCodeReplayEndsTheToken(t *testing.T) {
	s := server(t, nil)
	form := exchange(code(t, s, ""))
	var got struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal(post(s, "/token", form).Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if rec := get(s, "/userinfo", "Authorization", "Bearer "+got.Access); rec.Code != http.StatusOK {
		t.Fatalf("status %d", rec.Code)
	}
	if rec := post(s, "/token", form); rec.Code != http.StatusBadRequest {
		t.Errorf("replay: status %d", rec.Code)
	}
	if rec := get(s, "/userinfo", "Authorization", "Bearer "+got.Access); rec.Code != http.StatusUnauthorized {
		t.Errorf("after the replay: status %d", rec.Code)
	}
}

func TestUserInfoFollowsScope(t *testing.T) {
	s := server(t, nil)
	for scope, want := range map[string][]string{
		"openid":                   {"sub"},
		"openid profile":           {"name", "sub"},
		"openid phone":             {"phone_number", "sub"},
		"openid profile real_name": {"document_kind", "document_number", "name", "organisations", "real_name_level", "sub"},
	} {
		var got struct {
			Access string `json:"access_token"`
		}
		if err := json.Unmarshal(post(s, "/token", exchange(code(t, s, scope))).Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		var claims map[string]any
		if err := json.Unmarshal(get(s, "/userinfo", "Authorization", "Bearer "+got.Access).Body.Bytes(), &claims); err != nil {
			t.Fatal(err)
		}
		for _, k := range want {
			if _, ok := claims[k]; !ok {
				t.Errorf("%s: %s is missing", scope, k)
			}
		}
		if len(claims) != len(want) {
			t.Errorf("%s: %d claims, want %d", scope, len(claims), len(want))
		}
	}
	if rec := get(s, "/userinfo", "Authorization", "Basic x"); rec.Code != http.StatusUnauthorized {
		t.Errorf("without a token: status %d", rec.Code)
	}
}

func TestLogout(t *testing.T) {
	s := server(t, nil)
	good := "client_id=suiyue&state=s&post_logout_redirect_uri=" + url.QueryEscape("https://suiyue.example/bye?x=1")
	if to, err := get(s, "/logout?"+good).Result().Location(); err != nil || to.String() != "https://suiyue.example/bye?state=s&x=1" {
		t.Errorf("sent to %v, %v", to, err)
	}
	if rec := get(s, "/logout?client_id=suiyue&post_logout_redirect_uri=https://evil.example"); rec.Code != http.StatusBadRequest {
		t.Errorf("unregistered address: status %d", rec.Code)
	}
}

func TestPage(t *testing.T) {
	s := server(t, nil)
	for _, c := range []struct{ ui, accept, lang, title, person string }{
		{"", "", "zh-Hans", "选择测试人员", "测试市民一"},
		{"zh-Hant", "en", "zh-Hant", "選擇測試人員", "測試市民一"},
		{"", "zh-HK,zh;q=0.8", "zh-Hant", "選擇測試人員", "測試台灣居民一"},
		{"en", "zh-CN", "en", "Choose a test person", "Test Citizen 1"},
		{"", "en-GB", "en", "Choose a test person", "Test Elder 1"},
		{"fr de", "", "zh-Hans", "选择测试人员", "测试长者一"},
	} {
		q := request()
		if c.ui != "" {
			q.Set("ui_locales", c.ui)
		}
		rec := get(s, "/authorize?"+q.Encode(), "Accept-Language", c.accept)
		page := rec.Body.String()
		for _, part := range []string{`<html lang="` + c.lang + `">`, "<title>" + c.title + "</title>", c.person, `href="/dev-idp/style.css"`, `value="st&lt;ate&gt;&amp;"`} {
			if !strings.Contains(page, part) {
				t.Errorf("%q %q: %q is not on the page", c.ui, c.accept, part)
			}
		}
		for _, part := range []string{"<script", "style=", "<style", "onclick", "javascript:", "st<ate>"} {
			if strings.Contains(page, part) {
				t.Errorf("%q is on the page", part)
			}
		}
		for _, p := range testpeople.All() {
			if !strings.Contains(page, `value="`+p.ID+`"`) {
				t.Errorf("%s cannot be chosen", p.ID)
			}
			if strings.Contains(page, p.Document.Number) || strings.Contains(page, p.Phone) {
				t.Errorf("the page shows numbers of %s", p.ID)
			}
		}
		policy := rec.Header().Get("Content-Security-Policy")
		if policy != "default-src 'none'; style-src 'self'; form-action 'self' https://suiyue.example; base-uri 'none'; frame-ancestors 'none'" {
			t.Errorf("policy %q", policy)
		}
	}
	if rec := get(s, "/style.css"); rec.Code != http.StatusOK || rec.Body.Len() == 0 || !strings.HasPrefix(rec.Header().Get("Content-Type"), "text/css") {
		t.Errorf("stylesheet: status %d", rec.Code)
	}
	own := server(t, func(o *Options) { o.Stylesheet = "/assets/app.css" })
	if page := get(own, "/authorize?"+request().Encode()).Body.String(); !strings.Contains(page, `href="/assets/app.css"`) {
		t.Error("the caller's stylesheet is not on the page")
	}
}

func TestTransportStaysInside(t *testing.T) {
	s := server(t, nil)
	client := &http.Client{Transport: s.Transport()}
	resp, err := client.Get(issuer + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(issuer)) {
		t.Errorf("status %d, %v", resp.StatusCode, err)
	}
	resp, err = client.PostForm(issuer+"/token", exchange(code(t, s, "")))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("token: %v", err)
	}
	for _, other := range []string{"https://evil.example/dev-idp/jwks", "http://suiyue.example/dev-idp/jwks", "https://suiyue.example/dev-idpx"} {
		if _, err := client.Get(other); err == nil {
			t.Errorf("%s was reached", other)
		}
	}
}

func FuzzAuthorize(f *testing.F) {
	f.Add(request().Encode())
	f.Add("client_id=suiyue&redirect_uri=https://evil.example&%zz;x")
	s, err := New(options())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodGet, issuer+"/authorize", nil)
		r.URL.RawQuery = query
		rec := do(s, r)
		if rec.Code >= 500 {
			t.Fatalf("status %d", rec.Code)
		}
		if to := rec.Header().Get("Location"); to != "" && !strings.HasPrefix(to, redirTo+"?") {
			t.Fatalf("sent to %q", to)
		}
	})
}
