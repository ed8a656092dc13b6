package api_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/identity"
	"suiyue/internal/gate/sign"
	"suiyue/internal/web"
	"suiyue/internal/web/api"
)

// face is the API over a city, as it is served.
type face struct {
	*apptest.Fixture
	t   testing.TB
	api *api.API
	h   http.Handler
	log *bytes.Buffer

	read *docs // the document, once it has been asked for
}

func newFace(t testing.TB, change func(*api.Config)) *face {
	t.Helper()
	return newFaceOf(t, apptest.Options{}, change)
}

func newFaceOf(t testing.TB, o apptest.Options, change func(*api.Config)) *face {
	t.Helper()
	f := &face{Fixture: apptest.New(t, o), t: t, log: &bytes.Buffer{}}
	site := web.New(web.Options{Log: slog.New(slog.NewTextHandler(f.log, nil)), Now: f.Clock.Now, MaxBody: 2 << 20})
	key := bytes.Repeat([]byte("k"), 32)
	c := api.Config{App: f.App, Site: site, Cookies: web.NewCookies(false, key), Key: key}
	if change != nil {
		change(&c)
	}
	f.api = api.New(c)
	mux := http.NewServeMux()
	f.api.Mount(mux)
	f.h = site.Wrap(mux)
	return f
}

// ask is one request. Body may be a string, which is sent as it is, or anything else as JSON.
type ask struct {
	method, path string
	token, key   string
	body         any
	header       map[string]string
	signer       *sign.Key // whoever signs it
}

type reply struct {
	*httptest.ResponseRecorder
	t testing.TB
}

func (f *face) do(a ask) reply {
	f.t.Helper()
	var body io.Reader
	var raw []byte
	switch b := a.body.(type) {
	case nil:
	case string:
		raw = []byte(b)
		body = bytes.NewReader(raw)
	default:
		var err error
		if raw, err = json.Marshal(b); err != nil {
			f.t.Fatal(err)
		}
		body = bytes.NewReader(raw)
	}
	if a.method == "" {
		a.method = http.MethodGet
	}
	path := a.path
	if !strings.HasPrefix(path, "/api") && !strings.HasPrefix(path, "/problems") {
		path = api.Prefix + path
	}
	r := httptest.NewRequest(a.method, path, body)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept-Language", "en")
	if a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	if a.key != "" {
		r.Header.Set("Idempotency-Key", a.key)
	}
	if a.signer != nil {
		signRequest(f.t, a.signer, r, raw, f.Clock.Now())
	}
	for k, v := range a.header {
		if v == "" {
			r.Header.Del(k)
		} else {
			r.Header.Set(k, v)
		}
	}
	w := httptest.NewRecorder()
	f.h.ServeHTTP(w, r)
	return reply{w, f.t}
}

func (r reply) json() map[string]any {
	r.t.Helper()
	var out map[string]any
	if err := json.Unmarshal(r.Body.Bytes(), &out); err != nil {
		r.t.Fatalf("status %d, not JSON: %v", r.Code, err)
	}
	return out
}

// want fails the test unless the answer has that status and, for a refusal, that code.
func (r reply) want(status int, code string) reply {
	r.t.Helper()
	if r.Code != status {
		r.t.Fatalf("status %d, want %d: %s", r.Code, status, r.Body)
	}
	if code != "" && r.json()["code"] != code {
		r.t.Fatalf("code %v, want %s: %s", r.json()["code"], code, r.Body)
	}
	return r
}

// fields returns the wrong fields of a refusal, path to code.
func (r reply) fields() map[string]string {
	out := map[string]string{}
	list, _ := r.json()["errors"].([]any)
	for _, e := range list {
		m := e.(map[string]any)
		out[m["path"].(string)] = m["code"].(string)
	}
	return out
}

func (f *face) token(p identity.Person) string {
	token, _ := f.SignIn(f.t, p)
	return token
}

func newKey() string { return "key-" + rand.Text() }

func bookSelf(slot string) map[string]any {
	return map[string]any{"item": apptest.SocialCard, "slot": slot, "stage": "acceptance", "applicant": map[string]any{"kind": "self"}}
}

// book takes a number and returns its code.
func (f *face) book(token, slot string) string {
	f.t.Helper()
	r := f.do(ask{method: "POST", path: "/bookings", token: token, key: newKey(), body: bookSelf(slot)}).want(201, "")
	return r.json()["code"].(string)
}

func newRequest(path, rawQuery string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.URL.RawQuery = rawQuery
	return r
}

func query(s string) string { return url.QueryEscape(s) }

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
