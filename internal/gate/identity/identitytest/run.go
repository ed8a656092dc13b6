package identitytest

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"suiyue/internal/domain/fault"
	identitygate "suiyue/internal/gate/identity"
	"suiyue/internal/gate/identity/testpeople"
)

// Canary is planted by lying providers wherever personal data or a secret could stand.
const Canary = "canary-7f3e-测试市民-440103"

// Expect checks that err is the refusal of a reason and tells nothing it must not.
func Expect(t *testing.T, err error, reasons ...identitygate.Reason) *identitygate.Failure {
	t.Helper()
	failure, ok := errors.AsType[*identitygate.Failure](err)
	if !ok {
		t.Fatalf("not a failure of a sign-in: %v", err)
	}
	if !slices.Contains(reasons, failure.Reason) {
		t.Errorf("failed as %q (%v), want %q", failure.Reason, err, reasons)
	}
	want := fault.SignInFailed
	if failure.Reason == identitygate.Cancelled {
		want = fault.SignInCancelled
	}
	if fault.CodeOf(err) != want {
		t.Errorf("code %q, want %q", fault.CodeOf(err), want)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Error("sign-in", "err", err)
	shown := fmt.Sprintf("%v %+v %#v %s", err, err, *failure, log.String())
	for _, p := range testpeople.All() {
		for _, secret := range []string{p.Name, p.Document.Number, p.Phone} {
			if strings.Contains(shown, secret) {
				t.Error("the error shows personal data")
			}
		}
	}
	for _, secret := range []string{Canary, "canary", Secret, "http://", "access_token="} {
		if strings.Contains(shown, secret) {
			t.Errorf("the error shows what came from outside, or a secret, or an address: %q", secret)
		}
	}
	return failure
}

// Run tests a driver against its provider.
func Run(t *testing.T, d Driver) {
	t.Run("every test person signs in", func(t *testing.T) {
		w := NewWorld(t, d)
		for _, p := range testpeople.All() {
			got := w.SignIn(t, p.ID, "/book/1?step=2")
			want := identitygate.Claims{
				Provider: w.Provider.Name(), Subject: p.ID, Name: p.Name, Document: p.Document, Phone: p.Phone,
				Level: p.Level, Agent: p.Organisations,
			}
			if got.Err != nil || !reflect.DeepEqual(got.Claims, want) || got.Path != "/book/1?step=2" {
				t.Errorf("%s: %v, claims as vouched for: %v", p.ID, got.Err, reflect.DeepEqual(got.Claims, want))
			}
		}
	})
	t.Run("leads back inside only", func(t *testing.T) {
		w := NewWorld(t, d)
		for _, path := range []string{"https://example.com/", "//example.com", "/\\example.com", "javascript:alert(1)", "", "book"} {
			if got := w.SignIn(t, "citizen-1", path); got.Err != nil || got.Path != "/" {
				t.Errorf("%q leads to %q, %v", path, got.Path, got.Err)
			}
		}
	})
	t.Run("callback", func(t *testing.T) { callbacks(t, d) })
	t.Run("one callback is answered once", func(t *testing.T) {
		w := NewWorld(t, d)
		to := w.Choose(t, "/", url.Values{"person": {"citizen-1"}})
		pending := w.Pending(t)
		if got := w.Land(t, to); got.Err != nil {
			t.Fatal(got.Err)
		}
		if got := w.Land(t, to); got.Err == nil {
			t.Error("a callback without a pending sign-in was answered")
		} else {
			Expect(t, got.Err, identitygate.Mismatch)
		}
		_, err := w.Provider.Finish(t.Context(), pending, to.Query())
		Expect(t, err, identitygate.Refused)
	})
	t.Run("too late", func(t *testing.T) {
		w := NewWorld(t, d)
		to := w.Choose(t, "/", url.Values{"person": {"citizen-1"}})
		w.Advance(2 * time.Minute)
		Expect(t, w.Land(t, to).Err, identitygate.Refused) // the provider's code is over
		to = w.Choose(t, "/", url.Values{"person": {"citizen-1"}})
		w.Advance(10 * time.Minute)
		Expect(t, w.Land(t, to).Err, identitygate.Expired)
	})
	t.Run("provider lies", func(t *testing.T) { lies(t, d) })
	t.Run("provider gone", func(t *testing.T) {
		w := NewWorld(t, d)
		to := w.Choose(t, "/", url.Values{"person": {"citizen-1"}})
		w.Server.Close()
		got := w.Land(t, to)
		if Expect(t, got.Err, identitygate.Unavailable); fault.As(got.Err).RetryAfter <= 0 {
			t.Error("it does not say when to try again")
		}
	})
	t.Run("nothing is shown", func(t *testing.T) {
		w := NewWorld(t, d)
		to := w.Choose(t, "/", url.Values{"person": {"citizen-1"}})
		pending := w.Pending(t)
		got := w.Land(t, to)
		if got.Err != nil {
			t.Fatal(got.Err)
		}
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "claims", got.Claims, "pending", pending)
		shown := fmt.Sprintf("%v %+v %#v %s", got.Claims, got.Claims, got.Claims, log.String()) +
			fmt.Sprintf("%v %+v %#v", pending, pending, pending)
		for _, secret := range []string{got.Claims.Name, got.Claims.Document.Number, got.Claims.Phone, pending.State} {
			if secret == "" || strings.Contains(shown, secret) {
				t.Error("printing shows what it must not")
			}
		}
	})
	t.Run("sign-out address names nobody", func(t *testing.T) {
		w := NewWorld(t, d)
		got := w.SignIn(t, "citizen-1", "/")
		if got.Err != nil {
			t.Fatal(got.Err)
		}
		if to := w.Provider.SignOutURL("http://127.0.0.1/"); to != "" {
			u, err := url.Parse(to)
			if err != nil || u.Host == "" || strings.Contains(to, "citizen-1") || strings.Contains(to, "token") {
				t.Errorf("sign-out address is wrong or tells too much, %v", err)
			}
		}
	})
}

// callbacks alters what comes back with the browser.
func callbacks(t *testing.T, d Driver) {
	for _, c := range []struct {
		name   string
		answer url.Values
		alter  func(w *World, q url.Values, p *identitygate.Pending)
		want   identitygate.Reason
	}{
		{"cancelled by the person", url.Values{"cancel": {"1"}}, nil, identitygate.Cancelled},
		{"cancelled, state of another sign-in", url.Values{"cancel": {"1"}}, func(_ *World, q url.Values, _ *identitygate.Pending) { q.Set("state", "other") }, identitygate.Mismatch},
		{"wrong state", nil, func(_ *World, q url.Values, _ *identitygate.Pending) { q.Set("state", Canary) }, identitygate.Mismatch},
		{"empty state", nil, func(_ *World, q url.Values, _ *identitygate.Pending) { q.Set("state", "") }, identitygate.Mismatch},
		{"no state", nil, func(_ *World, q url.Values, _ *identitygate.Pending) { q.Del("state") }, identitygate.Mismatch},
		{"nothing", nil, func(_ *World, q url.Values, _ *identitygate.Pending) { clear(q) }, identitygate.Mismatch},
		{"nothing pending", nil, func(_ *World, _ url.Values, p *identitygate.Pending) { *p = identitygate.Pending{} }, identitygate.Mismatch},
		{"nothing pending and no state", nil, func(_ *World, q url.Values, p *identitygate.Pending) {
			*p = identitygate.Pending{}
			q.Del("state")
		}, identitygate.Mismatch},
		{"pending elsewhere", nil, func(_ *World, _ url.Values, p *identitygate.Pending) { p.Provider = "elsewhere" }, identitygate.Mismatch},
		{"no code", nil, func(_ *World, q url.Values, _ *identitygate.Pending) { q.Del("code") }, identitygate.Incomplete},
		{"two codes", nil, func(_ *World, q url.Values, _ *identitygate.Pending) { q.Add("code", Canary) }, identitygate.Malformed},
		{"endless code", nil, func(_ *World, q url.Values, _ *identitygate.Pending) { q.Set("code", strings.Repeat("c", 5000)) }, identitygate.Malformed},
		{"made-up code", nil, func(_ *World, q url.Values, _ *identitygate.Pending) { q.Set("code", Canary) }, identitygate.Refused},
		{"provider busy", nil, func(_ *World, q url.Values, _ *identitygate.Pending) { q.Set(d.ErrorKey, "temporarily_unavailable") }, identitygate.Unavailable},
		{"unknown error", nil, func(_ *World, q url.Values, _ *identitygate.Pending) { q.Set(d.ErrorKey, Canary) }, identitygate.Refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := NewWorld(t, d)
			if c.answer == nil {
				c.answer = url.Values{"person": {"citizen-1"}}
			}
			to := w.Choose(t, "/", c.answer)
			q, pending := to.Query(), w.Pending(t)
			if c.alter != nil {
				c.alter(w, q, &pending)
			}
			claims, err := w.Provider.Finish(t.Context(), pending, q)
			Expect(t, err, c.want)
			if !reflect.DeepEqual(claims, identitygate.Claims{}) {
				t.Error("claims beside a refusal")
			}
		})
	}
}

// lies makes the provider's own answers wrong.
func lies(t *testing.T, d Driver) {
	m := d.Mapping
	set := func(key string, value any) func(*World) {
		return func(w *World) { w.Alter(d.UserInfoPath, func(o map[string]any) { setFold(o, key, value) }) }
	}
	say := func(path string, h http.HandlerFunc) func(*World) {
		return func(w *World) { w.Override(path, h) }
	}
	type lie struct {
		name string
		tell func(*World)
		want []identitygate.Reason
	}
	is := func(r ...identitygate.Reason) []identitygate.Reason { return r }
	cases := []lie{
		{"name missing", set(m.Name, nil), is(identitygate.Incomplete)},
		{"name null", set(m.Name, nullValue), is(identitygate.Incomplete)},
		{"name blank", set(m.Name, " "), is(identitygate.Incomplete)},
		{"name of controls", set(m.Name, Canary+"\n"+"x"), is(identitygate.Malformed)},
		{"name endless", set(m.Name, strings.Repeat(Canary, 20)), is(identitygate.Malformed)},
		{"name an object", set(m.Name, map[string]any{"x": Canary}), is(identitygate.Malformed)},
		{"number missing", set(m.DocumentNumber, nil), is(identitygate.Incomplete)},
		{"kind missing", set(m.DocumentKind, nil), is(identitygate.Incomplete)},
		{"kind unknown", set(m.DocumentKind, Canary), is(identitygate.Unsupported)},
		{"level absent", set(m.Level, nil), is(identitygate.Incomplete)},
		{"level empty", set(m.Level, ""), is(identitygate.Incomplete)},
		{"level 1", set(m.Level, 1), is(identitygate.Unsupported)},
		{"level 6", set(m.Level, "6"), is(identitygate.Unsupported)},
		{"level 0", set(m.Level, 0), is(identitygate.Unsupported)},
		{"level +4", set(m.Level, "+4"), is(identitygate.Unsupported)},
		{"level 3.9", set(m.Level, 3.9), is(identitygate.Malformed)},
		{"level true", set(m.Level, true), is(identitygate.Malformed)},
		{"level a word", set(m.Level, Canary), is(identitygate.Unsupported)},
		{"phone endless", set(m.Phone, strings.Repeat("1", 40)), is(identitygate.Malformed)},
		{"organisations a number", set(m.Organisations, 7), is(identitygate.Malformed)},
		{"organisations nameless", set(m.Organisations, []any{map[string]any{m.OrganisationCode: "X"}}), is(identitygate.Malformed)},
		{"organisations without end", set(m.Organisations, make([]int, 300)), is(identitygate.Malformed)},
		{"subject missing", set(m.Subject, nil), is(identitygate.Incomplete, identitygate.Mismatch)},
	}
	for step, path := range map[string]string{"token": d.TokenPath, "userinfo": d.UserInfoPath} {
		cases = append(cases,
			lie{step + " half", say(path, Say(200, `{"name":"`+Canary)), is(identitygate.Malformed)},
			lie{step + " a list", say(path, Say(200, `["`+Canary+`"]`)), is(identitygate.Malformed)},
			lie{step + " null", say(path, Say(200, `null`)), is(identitygate.Malformed)},
			lie{step + " empty", say(path, Say(200, ``)), is(identitygate.Malformed, identitygate.Unavailable)},
			lie{step + " an empty object", say(path, Say(200, `{}`)), is(identitygate.Malformed, identitygate.Incomplete, identitygate.Mismatch)},
			lie{step + " a page", say(path, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, Canary, 200) }), is(identitygate.Malformed)},
			lie{step + " huge", say(path, Huge), is(identitygate.Malformed)},
			lie{step + " slow", say(path, Slow), is(identitygate.Unavailable)},
			lie{step + " 503", say(path, Say(503, Canary)), is(identitygate.Unavailable)},
			lie{step + " 400", say(path, Say(400, Canary)), is(identitygate.Refused)},
			lie{step + " 403", say(path, Say(403, `{"error":"`+Canary+`","error_description":"`+Canary+`","error_code":"`+Canary+`","error_msg":"`+Canary+`"}`)), is(identitygate.Refused)},
			lie{step + " elsewhere", say(path, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/style.css?"+Canary, http.StatusFound)
			}), is(identitygate.Malformed)},
			lie{step + " cut off", say(path, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				_, _ = w.Write([]byte(`{"name":"` + Canary))
			}), is(identitygate.Unavailable, identitygate.Malformed)},
		)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := NewWorld(t, d)
			to := w.Choose(t, "/", url.Values{"person": {"citizen-1"}})
			c.tell(w)
			got := w.Land(t, to)
			Expect(t, got.Err, c.want...)
			if !reflect.DeepEqual(got.Claims, identitygate.Claims{}) {
				t.Error("claims beside a refusal")
			}
		})
	}
}

// nullValue is set as null, where nil takes the field away.
var nullValue = (*int)(nil)

func setFold(object map[string]any, key string, value any) {
	for k := range object {
		if strings.EqualFold(k, key) {
			delete(object, k)
		}
	}
	if value != nil {
		object[key] = value
	}
}
