package hall_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/counter"
	"suiyue/internal/store"
	"suiyue/internal/web"
	"suiyue/internal/web/hall"
)

// The server of the load: everything a serving process has between the network and the database for a day in
// a hall, in a process of its own. Instead of the pages of counters and kiosks there are two addresses that
// do what those pages do and answer without a page.

const (
	serveVar  = "SUIYUE_HALL_SERVE"  // database to serve
	listenVar = "SUIYUE_HALL_LISTEN" // where
	shiftVar  = "SUIYUE_HALL_SHIFT"  // how far the clock runs ahead
)

func newVault() *apptest.Vault { return apptest.NewVault() }

func hallCookies() *web.Cookies {
	return web.NewCookies(false, []byte(strings.Repeat("k", 32))).Of("hall").Strict()
}

func serve() error {
	shift, err := time.ParseDuration(os.Getenv(shiftVar))
	if err != nil {
		return err
	}
	now := func() time.Time { return time.Now().Add(shift) }
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	db, err := store.Open(ctx, os.Getenv(serveVar), store.Options{Now: now, Conns: 16})
	if err != nil {
		return err
	}
	defer db.Close()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	a, err := app.New(ctx, app.Config{DB: db, Vault: newVault(), Now: now, Log: log})
	if err != nil {
		return err
	}
	defer a.Close()
	var behind sync.WaitGroup
	behind.Go(func() { a.FollowNews(ctx, 100*time.Millisecond) })
	behind.Go(func() { a.FollowFloors(ctx, 250*time.Millisecond) })
	behind.Go(func() { a.FollowDevices(ctx, 500*time.Millisecond) })
	defer behind.Wait()

	cookies := hallCookies()
	site := web.New(web.Options{
		Log: log, Now: now, Page: hall.FaultPage, Address: web.Limit{Rate: 50, Burst: 200}, Known: cookies.Known, Machine: web.Limit{Rate: 10, Burst: 60},
	})
	mux := http.NewServeMux()
	hall.New(hall.Config{App: a, Site: site, Cookies: cookies, Sealer: newVault(), Public: "http://localhost", Log: log}).Register(mux)
	desk := http.NewServeMux() // counters and kiosks: no limit of an address, for they have one here
	desk.HandleFunc("POST /call/{hall}/{counter}", func(w http.ResponseWriter, r *http.Request) {
		ad, err := a.Admin(r.Context(), r.Header.Get("Authorization"))
		if err == nil {
			var v app.CounterView
			v, err = a.Serve(r.Context(), ad, r.PathValue("hall"), r.PathValue("counter"), counter.Act{Kind: counter.Call}, r.Header.Get("Idempotency-Key"))
			if err == nil && v.At != nil {
				fmt.Fprint(w, v.At.Ticket.Number)
				return
			}
		}
		answer(w, err)
	})
	desk.HandleFunc("POST /open/{hall}/{counter}", func(w http.ResponseWriter, r *http.Request) {
		ad, err := a.Admin(r.Context(), r.Header.Get("Authorization"))
		if err == nil {
			_, err = a.OpenCounter(r.Context(), ad, r.PathValue("hall"), r.PathValue("counter"), nil)
		}
		answer(w, err)
	})
	desk.HandleFunc("POST /number/{hall}/{person}", func(w http.ResponseWriter, r *http.Request) {
		d, err := a.Device(r.Context(), r.Header.Get("Authorization"))
		if err == nil {
			var n int
			fmt.Sscan(r.PathValue("person"), &n)
			p := apptest.Citizen(n)
			_, err = a.TakeNumber(r.Context(), app.By{Device: d, Channel: app.AtKiosk}, r.PathValue("hall"), app.OnSite{
				Key: "number-" + r.PathValue("person"), Item: item, Name: p.Name, Document: p.Document, Phone: p.Phone,
			})
		}
		answer(w, err)
	})
	all := http.NewServeMux()
	all.Handle("/hall/", site.Wrap(mux))
	all.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	all.Handle("/", desk)
	srv := &http.Server{Handler: all}
	web.Harden(srv)
	l, err := net.Listen("tcp", os.Getenv(listenVar))
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String() + "/")
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	site.Drain()
	end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(end); err != nil {
		return fmt.Errorf("the stop was held up: %w", err)
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
