package server

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/feed"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/gate/egress"
	"suiyue/internal/gate/webhook"
	"suiyue/internal/jobs"
	"suiyue/internal/store"
)

// An event is seen by the other side within five seconds, though another address hangs and a third is down: with the
// tasks at their own pace, over HTTP on this machine, on a clock that runs.
func TestArt6_AnEventIsSeenWithinSeconds(t *testing.T) {
	began := time.Now()
	now := func() time.Time { return apptest.Start.Add(3*time.Hour + time.Since(began)) }
	f := apptest.New(t, apptest.Options{
		Store:  func(o *store.Options) { o.Now = now },
		Change: func(c *app.Config) { c.Now, c.MayCall = now, func(string) bool { return true } },
	})
	f.Clock.Set(now())
	ctx := t.Context()
	district, err := f.App.Admin(ctx, f.OpenAdmin(t, account.District1, apptest.DistrictA).Token)
	if err != nil {
		t.Fatal(err)
	}
	source, err := f.App.ConnectSource(ctx, district, apptest.DistrictA, oversight.Source{Name: "自建系统", Kinds: oversight.RecordKinds, Halls: []string{apptest.HallA}, Delay: 15 * time.Minute, Silence: 2 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	sec, err := f.App.Admin(ctx, f.OpenAdmin(t, account.Security, "440100000000").Token)
	if err != nil {
		t.Fatal(err)
	}
	sec.Proved = now()
	var mu sync.Mutex
	seen := map[string]time.Time{} // by booking
	secrets := map[string]string{} // by path
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		mu.Lock()
		secret := secrets[r.URL.Path]
		mu.Unlock()
		at, _ := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
		if want, err := webhook.Sign(r.Header.Get("webhook-id"), time.Unix(at, 0), raw, secret); err != nil || want != r.Header.Get("webhook-signature") {
			t.Errorf("signed %q", r.Header.Get("webhook-signature"))
		}
		switch r.URL.Path {
		case "/hangs":
			<-r.Context().Done()
			return
		case "/down":
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		var body struct {
			Data struct{ Events []struct{ Booking string } }
		}
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, e := range body.Data.Events {
			if _, had := seen[e.Booking]; !had {
				seen[e.Booking] = now()
			}
		}
	}))
	defer srv.Close()
	u, _ := url.Parse(srv.URL)
	port, _ := strconv.Atoi(u.Port())
	sender := webhook.New(egress.New(egress.Options{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Ports: []int{port}, Plain: true}), now, "Suiyue")
	if _, err := f.App.NumberEvents(ctx); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/hangs", "/down", "/good"} {
		secret, _, err := f.App.AddWebhook(ctx, sec, source, srv.URL+path)
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		secrets[path] = secret
		mu.Unlock()
	}
	run, stop := context.WithCancel(ctx)
	hooks := &jobs.Webhooks{App: f.App, Log: slog.New(slog.DiscardHandler), Post: func(ctx context.Context, m *app.WebhookMessage) feed.Answer {
		return sender.Post(ctx, webhook.Message{ID: m.ID, URL: m.URL, Body: m.Body, Secrets: m.Secrets})
	}}
	var tasks []jobs.Task
	for _, task := range jobs.Tasks(f.App, &jobs.Mail{App: f.App}, hooks, slog.New(slog.DiscardHandler), nil) {
		if task.Name == "number events" || task.Name == "post events" {
			tasks = append(tasks, task)
		}
	}
	if len(tasks) != 2 {
		t.Fatalf("%d tasks", len(tasks))
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		(&jobs.Runner{Now: now, Log: slog.New(slog.DiscardHandler)}).Run(run, tasks...)
	})
	booked := map[string]time.Time{}
	const n = 120
	for i := range n {
		_, who := f.SignIn(t, apptest.Citizen(i))
		free := f.FreeSlots(apptest.QueueA)
		r, err := f.App.Book(ctx, who, app.BookRequest{
			Key: "seen-" + strings.Repeat("0", 4) + strconv.Itoa(i), Item: apptest.SocialCard, SlotID: free[i%len(free)], Stage: directory.Acceptance, Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
		})
		if err != nil {
			t.Fatal(err)
		}
		booked[r.View.Code] = now()
		time.Sleep(100 * time.Millisecond)
	}
	for range 300 {
		mu.Lock()
		done := len(seen) >= n
		mu.Unlock()
		if done {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	stop()
	wg.Wait()
	var lags []time.Duration
	for code, at := range booked {
		if s, ok := seen[code]; ok {
			lags = append(lags, s.Sub(at))
		}
	}
	slices.Sort(lags)
	if len(lags) != n {
		t.Fatalf("%d of %d events were seen", len(lags), n)
	}
	p50, p99 := lags[n/2], lags[n*99/100]
	t.Logf("seen after: median %v, p99 %v, most %v", p50.Round(time.Millisecond), p99.Round(time.Millisecond), lags[n-1].Round(time.Millisecond))
	if p99 >= 5*time.Second {
		t.Errorf("p99 %v", p99)
	}
}
