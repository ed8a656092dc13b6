package tyrzfake

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The stand-in refuses as the platform does: an object with error_code and error_msg, status 200.
func TestRefusals(t *testing.T) {
	const back = "https://suiyue.example/callback"
	s, err := New(Options{DevMode: true, ClientID: "suiyue", ClientSecret: "secret", RedirectURI: back, EchoState: true, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, name string, q url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "https://tyrz.example"+Path+name, nil)
		if method == http.MethodPost {
			r = httptest.NewRequest(method, "https://tyrz.example"+Path+name, strings.NewReader(q.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		} else {
			r.URL.RawQuery = q.Encode()
		}
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		return rec
	}
	start := func() url.Values {
		return url.Values{"service": {"initService"}, "response_type": {"code"}, "scope": {"all"}, "client_id": {"suiyue"}, "redirect_uri": {back}, "state": {"s"}}
	}
	code := func() string {
		q := start()
		q.Set("person", "elder")
		to, err := ask(http.MethodPost, "authorize", q).Result().Location()
		if err != nil || to.Query().Get("code") == "" || to.Query().Get("state") != "s" {
			t.Fatalf("no code: %v", err)
		}
		return to.Query().Get("code")
	}
	token := func(code string) url.Values {
		return url.Values{"service": {"initService"}, "grant_type": {"authorization_code"}, "scope": {"all"}, "client_id": {"suiyue"},
			"client_secret": {"secret"}, "code": {code}, "redirect_uri": {back}}
	}
	with := func(q url.Values, key, value string) url.Values { q.Set(key, value); return q }

	if rec := ask(http.MethodGet, "authorize", start()); !strings.Contains(rec.Body.String(), "<form") {
		t.Errorf("no page: %d", rec.Code)
	}
	if rec := ask(http.MethodGet, "access_token", token(code())); !strings.Contains(rec.Body.String(), `"access_token"`) {
		t.Errorf("GET for a token: %d", rec.Code)
	}
	for name, c := range map[string]struct {
		method, path string
		q            url.Values
		code         string
	}{
		"address not exact":  {http.MethodGet, "authorize", with(start(), "redirect_uri", back+"?a=b"), "10001"},
		"other service":      {http.MethodGet, "authorize", with(start(), "service", "x"), "10001"},
		"form elsewhere":     {http.MethodPost, "authorize", with(start(), "redirect_uri", "https://evil.example"), "10001"},
		"wrong secret":       {http.MethodPost, "access_token", with(token(code()), "client_secret", "x"), "10002"},
		"other grant":        {http.MethodPost, "access_token", with(token(code()), "grant_type", "code"), "10003"},
		"other address":      {http.MethodPost, "access_token", with(token(code()), "redirect_uri", "x"), "10003"},
		"made-up code":       {http.MethodPost, "access_token", token("x"), "10003"},
		"token made up":      {http.MethodGet, "tokeninfo", url.Values{"access_token": {"x"}}, "10004"},
		"token not in query": {http.MethodGet, "tokeninfo", nil, "10004"},
	} {
		rec := ask(c.method, c.path, c.q)
		if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `"error_code":"`+c.code+`"`) || !strings.Contains(rec.Body.String(), `"error_msg"`) {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}
