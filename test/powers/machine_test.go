package powers

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/hall"
)

// machine is a device at work: of which hall, what it holds.
type machine struct {
	name string
	hall string
	kind counter.DeviceKind
	key  string
	dead bool
}

// Every page of a machine is open to machines of its kind, and to nobody else; a machine's key opens nothing of
// the console or of the interface for programs; and what a kiosk does, it does at its own hall only.
func TestMachinesAreWhatTheyWereEnrolledAs(t *testing.T) {
	t.Parallel()
	w := newTown(t, "")
	site := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Now: w.Clock.Now, Page: hall.FaultPage})
	cookies := web.NewCookies(false, bytes.Repeat([]byte("k"), 32)).Of("hall").Strict()
	pages := hall.New(hall.Config{App: w.App, Site: site, Cookies: cookies, Sealer: w.Vault, Public: apptest.Public})
	mux := http.NewServeMux()
	pages.Register(mux)
	server := httptest.NewServer(site.Wrap(mux))
	t.Cleanup(server.Close)

	chief := map[string]*app.Admin{
		apptest.HallA: w.As(t, w.OpenAdmin(t, account.District1, apptest.DistrictA)), apptest.HallB: w.As(t, w.OpenAdmin(t, account.District1, apptest.DistrictB)),
	}
	enrol := func(name, at string, kind counter.DeviceKind, dead bool) machine {
		t.Helper()
		s := counter.NewDeviceSettings(kind)
		s.Printer = counter.NoPrinter
		d, code, err := w.App.CreateDevice(t.Context(), chief[at], at, app.NewDevice{Kind: kind, Name: name, Settings: s})
		if err != nil {
			t.Fatal(err)
		}
		key, now, err := w.App.EnrolDevice(t.Context(), code, "")
		if err == nil && dead {
			err = w.App.EndDevice(t.Context(), chief[at], at, d.ID, now.Version)
		}
		if err != nil {
			t.Fatal(err)
		}
		return machine{name, at, kind, key, dead}
	}
	machines := []machine{
		enrol("kiosk of the hall", apptest.HallA, counter.Kiosk, false), enrol("kiosk of another hall", apptest.HallB, counter.Kiosk, false),
		enrol("display of the hall", apptest.HallA, counter.Display, false), enrol("ended kiosk", apptest.HallA, counter.Kiosk, true),
		{name: "made-up key", key: strings.Repeat("A", 43), dead: true}, {name: "nobody", dead: true},
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	send := func(base, method, path, cookie, key string) int {
		t.Helper()
		var body io.Reader
		if method == http.MethodPost {
			body = strings.NewReader(url.Values{"text": {"x"}}.Encode())
		}
		ctx := t.Context()
		r, err := http.NewRequestWithContext(ctx, method, base+path, body)
		if err != nil {
			t.Fatal(err)
		}
		if body != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if key != "" {
			r.AddCookie(&http.Cookie{Name: cookie, Value: key})
			r.Header.Set("Authorization", "Bearer "+key)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	for pattern, kind := range pages.Routes() {
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.NewReplacer("{", "", "}", "").Replace(path)
		if kind == "" {
			continue
		}
		for _, m := range machines {
			got := send(server.URL, method, path, "suiyue-hall", m.key)
			switch {
			case m.dead && got != http.StatusUnauthorized:
				t.Errorf("%s: %s is answered %d", pattern, m.name, got)
			case !m.dead && m.kind != kind && got != http.StatusNotFound:
				t.Errorf("%s: %s is answered %d", pattern, m.name, got)
			case !m.dead && m.kind == kind && method == http.MethodPost && got != http.StatusForbidden: // without a form token
				t.Errorf("%s: %s is answered %d", pattern, m.name, got)
			case !m.dead && m.kind == kind && method == http.MethodGet && (got == http.StatusUnauthorized || got == http.StatusForbidden):
				t.Errorf("%s: %s is answered %d", pattern, m.name, got)
			}
		}
	}
	// A machine's key is nobody's sign-in.
	key := machines[0].key
	for path, want := range map[string]int{
		"/console": http.StatusSeeOther, "/console/halls/" + apptest.HallA + "/devices": http.StatusSeeOther, "/api/v1/me": http.StatusUnauthorized,
		"/api/v1/bookings": http.StatusUnauthorized, "/api/v1/admin/me": http.StatusUnauthorized,
	} {
		for _, cookie := range []string{"suiyue-hall", "suiyue-console", "suiyue"} {
			if got := send(w.node.server.URL, http.MethodGet, path, cookie, key); got != want {
				t.Errorf("%s with a machine's key as %s: %d, want %d", path, cookie, got, want)
			}
		}
	}
	// What they do, by the app itself.
	for _, m := range machines[:3] {
		d, err := w.App.Device(t.Context(), m.key)
		if err != nil {
			t.Fatal(err)
		}
		by := app.By{Device: d, Channel: app.AtKiosk}
		for _, at := range []string{apptest.HallA, apptest.HallB, "nowhere"} {
			want := fault.NotAllowed
			switch {
			case at == "nowhere":
				want = fault.HallNotFound
			case m.kind == counter.Kiosk && m.hall == at:
				want = ""
			}
			allowed := func(what string, err error) {
				t.Helper()
				code := fault.CodeOf(err)
				if want == "" && (code == fault.NotAllowed || code == fault.HallNotFound) || want != "" && code != want {
					t.Errorf("%s at %s: %s: %v, want %q", m.name, at, what, err, want)
				}
			}
			_, err := w.App.CheckIn(t.Context(), by, at, app.CheckIn{Code: "AAAAAAAA", Fact: "1234"})
			allowed("checks in", err)
			_, err = w.App.TakeNumber(t.Context(), by, at, app.OnSite{Key: "machine-0001", Item: apptest.SocialCard, Name: "陈示例", Document: apptest.Citizen(1).Document})
			allowed("gives a number", err)
			_, err = w.App.TicketsShown(t.Context(), by, at, apptest.Citizen(1).Document, "")
			allowed("shows numbers", err)
			_, _, err = w.App.PrintTicket(t.Context(), by, at, "abcdefghijklmnop", true)
			allowed("prints", err)
			if _, err = w.App.TakeGreen(t.Context(), by, at, app.Green{Key: "machine-0002", Item: apptest.SocialCard, Verified: counter.Elderly}); err == nil || fault.CodeOf(err) != fault.NotAllowed {
				t.Errorf("%s opens the green channel at %s: %v", m.name, at, err)
			}
		}
	}
}
