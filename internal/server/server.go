// Package server is the edge of the product: settings, wiring, start and stop. It alone knows every
// part and reads the clock.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"suiyue/data"
	"suiyue/internal/app"
	"suiyue/internal/gate/identity/devidp"
	"suiyue/internal/gate/webhook"
	"suiyue/internal/jobs"
	"suiyue/internal/store"
	"suiyue/internal/web"
)

// Server is one node: a database, the app over it, its faces and what happens by itself.
type Server struct {
	cfg     Config
	log     *slog.Logger
	clock   *Clock
	metrics *metrics
	db      *store.DB
	app     *app.App
	texting
	hooks    *webhook.Sender
	keeper   atomic.Pointer[app.App] // who records what gateways report, once it can
	dev      *devidp.Server
	runner   *jobs.Runner
	health   *health
	public   string
	listener net.Listener
	watch    net.Listener // metrics; nil for none
	site     *web.Site
	handler  http.Handler
	tls      atomic.Pointer[tls.Config]
	closers  []io.Closer
	closeApp func()
	once     sync.Once
	current  atomic.Int64 // when the schema was last seen to be current, unix seconds
	day      hallDay      // of a demonstration
}

// ErrOldSchema says that the schema must be brought up to date first.
var ErrOldSchema = errors.New("the schema of the database is not up to date: run `suiyue migrate`, or serve with --migrate")

// findLimit keeps booking codes from being tried one after another: ten at once, then one in 30 s.
var findLimit = web.Limit{Rate: 1.0 / 30, Burst: 10}

// machineLimit bounds what one enrolled kiosk or display may ask, wherever it stands.
var machineLimit = web.Limit{Rate: 10, Burst: 60}

// drainTime bounds how long a stop takes.
const drainTime = 20 * time.Second

// Run serves until ctx ends and then stops in order: readiness says no, no connection is accepted,
// requests and bookings already accepted are answered, the database is closed.
func Run(ctx context.Context, c Config) error {
	s, err := New(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.db.CheckClothed(ctx); err != nil {
		return err
	}
	return s.Serve(ctx, func() { s.firstLink(ctx, os.Stderr) })
}

// firstLink prints the one-time link by which the first administrator opens an account, as long as
// nobody has. It goes to whoever started the process, not into the log.
func (s *Server) firstLink(ctx context.Context, to io.Writer) {
	link, ok, err := s.app.FirstLink(ctx)
	switch {
	case err != nil:
		s.log.Error("the link for the first administrator could not be made", "error", err)
	case ok:
		fmt.Fprintf(to, "\nNo administrator has opened an account yet. The first one, a security administrator, opens theirs with this link, once:\n\n  %s\n\n", link.URL)
	}
}

// New opens the database, the keyring and the addresses and makes the app. Close ends it.
func New(ctx context.Context, c Config) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Server{cfg: c, log: c.Logger(os.Stderr), clock: NewClock(c.ClockShift), metrics: newMetrics()}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if !c.Demo && s.outbox != nil {
		s.log.Warn("no gateway for short messages is set: they are kept in memory and reach nobody", "setting", "--sms")
	}
	return s, nil
}

func (s *Server) open(ctx context.Context) (err error) {
	c := &s.cfg
	if err := s.listen(); err != nil {
		return err
	}
	if s.db, err = openStore(ctx, c.Data, s.clock.Now, c.Connections, s.metrics.statement); err != nil {
		return err
	}
	if err := s.checkSchema(ctx); err != nil {
		return err
	}
	keys, err := openKeys(ctx, c.Data, s.db)
	if err != nil {
		return err
	}
	if err := s.openTexting(); err != nil {
		return err
	}
	sign, err := logKey(keys)
	if err != nil {
		return err
	}
	witness := app.Witness(c.Data.witness())
	if c.Demo { // its database is thrown away and made anew
		witness = nil
	}
	guard, err := c.guard()
	if err != nil {
		return err
	}
	s.hooks = webhook.New(guard, s.clock.Now, "Suiyue")
	if s.app, err = app.New(ctx, app.Config{
		MayCall: func(url string) bool { _, err := guard.Check(url); return err == nil },
		DB:      s.db, Vault: vault{keys}, Now: s.clock.Now, Log: s.log, Lanes: c.Lanes, Public: s.public,
		Texts: texter{texting: s.texting, log: s.log, keep: s.keepText}, Refused: s.metrics.refused, Grouped: s.metrics.grouped, Plain: c.Plain, Pace: s.clock.Pace,
		LogKey: sign, Witness: witness, Department: newDepartments(c.DepartmentNetworks, c.DepartmentPorts, c.DepartmentPlain), Room: c.room(), Work: app.Work{Bits: c.ProofBits, Line: c.ProofLine},
	}); err != nil {
		return err
	}
	s.keeper.Store(s.app)
	s.closeApp = sync.OnceFunc(s.app.Close)
	s.metrics.lanes(s.app)
	if s.gateways != nil {
		s.metrics.gateways(s.gateways.chain.States)
	}
	s.metrics.waits(s.app.WaitCoverage)
	s.health = &health{ready: s.ready}
	provider, dev, err := newProvider(c, s.public, s.clock.Now)
	if err != nil {
		return err
	}
	s.dev = dev
	cookies := web.NewCookies(s.secure(), []byte(keys.TokenHash("the key of form tokens")))
	frames, err := c.frames()
	if err != nil {
		return err
	}
	s.site = web.New(web.Options{
		Log: s.log, Now: s.clock.Now, Secure: s.secure(), Trusted: c.TrustedProxies, FormAction: formOrigins(c), Page: faultPage, Frames: frames,
		Address: web.Limit{Rate: c.AddressRate, Burst: c.AddressBurst}, MaxBody: c.MaxBody, Timeout: c.RequestTimeout,
		Observe: s.metrics.request, Known: cookies.Of("hall").Known, Machine: machineLimit,
	})
	tiles, err := data.Tiles()
	if err != nil {
		return err
	}
	f := &faces{
		Tiles: tiles,
		App:   s.app, Site: s.site, Provider: provider, Keys: vault{keys}, Public: s.public, Now: s.clock.Now, Demo: c.Demo, Limits: c.Limits, Log: s.log,
		Cookies: cookies, Sounds: c.HallSounds,
		Find: web.NewLimiter(findLimit, s.clock.Now),
	}
	if c.AccountRate > 0 {
		f.Account = web.NewLimiter(web.Limit{Rate: c.AccountRate, Burst: c.AccountBurst}, s.clock.Now)
	}
	if c.ProofBits > 0 {
		f.Often = web.NewLimiter(oftenLimit, s.clock.Now)
	}
	s.handler = s.routes(f)
	s.runner = s.newRunner()
	s.day.s = s
	return nil
}

// App returns the product without its faces.
func (s *Server) App() *app.App { return s.app }

// URL is the address people open.
func (s *Server) URL() string { return s.public }

// Address is where connections are accepted, host and port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Clock returns the clock of this node.
func (s *Server) Clock() *Clock { return s.clock }

func (s *Server) secure() bool {
	u, err := url.Parse(s.public)
	return err == nil && u.Scheme == "https"
}

func (s *Server) listen() (err error) {
	s.listener, err = net.Listen("tcp", s.cfg.Listen)
	if errors.Is(err, syscall.EADDRINUSE) && s.cfg.AnyPort {
		host, port, _ := net.SplitHostPort(s.cfg.Listen)
		s.log.Info("the port is taken; a free one is used", "taken", port)
		s.listener, err = net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.cfg.Listen, err)
	}
	_, port, err := net.SplitHostPort(s.listener.Addr().String())
	if err != nil {
		return err
	}
	s.public = s.cfg.publicURL(port)
	if s.cfg.TLSCert != "" {
		if err := s.loadCertificate(); err != nil {
			return err
		}
		// One Config until the files are read again: what connections resume by is kept in it.
		s.listener = tls.NewListener(s.listener, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.tls.Load(), nil }})
	}
	if s.cfg.MetricsListen != "" {
		if s.watch, err = net.Listen("tcp", s.cfg.MetricsListen); err != nil {
			return fmt.Errorf("listen on %s: %w", s.cfg.MetricsListen, err)
		}
	}
	return nil
}

func (s *Server) loadCertificate() error {
	pair, err := tls.LoadX509KeyPair(s.cfg.TLSCert, s.cfg.TLSKey)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, Certificates: []tls.Certificate{pair}}
	if s.cfg.ClientCA != "" {
		if c.ClientCAs, err = s.cfg.clientCAs(); err != nil {
			return err
		}
		c.ClientAuth = tls.VerifyClientCertIfGiven // browsers have none
	}
	s.tls.Store(c)
	return nil
}

// keepText writes down what a carrier has of a message that is about no booking.
func (s *Server) keepText(ctx context.Context, kind string, c jobs.Carried) error {
	a := s.keeper.Load()
	if a == nil {
		return errors.New("not ready to keep messages yet")
	}
	return a.KeepText(ctx, kind, c.Gateway, c.Parts, c.Charged, c.Price)
}

func (s *Server) openTexting() (err error) {
	s.texting, err = newTexting(&s.cfg, s.clock.Now, s.log, func(ctx context.Context, gateway string, list []app.SMSReport, tag func(string) string) error {
		a := s.keeper.Load()
		if a == nil {
			return errors.New("not ready to keep reports yet") // the gateway brings them again
		}
		return a.KeepReports(ctx, gateway, list, tag)
	})
	if err == nil {
		s.closers = append(s.closers, s.texting)
	}
	return err
}

func (s *Server) checkSchema(ctx context.Context) error {
	if s.cfg.Migrate {
		done, err := s.db.Migrate(ctx)
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		if len(done) > 0 {
			s.log.Info("schema brought up to date", "steps", done)
		}
		return nil
	}
	current, err := s.db.SchemaCurrent(ctx)
	if err == nil && !current {
		err = ErrOldSchema
	}
	return err
}

// ready tells whether this node can take bookings.
func (s *Server) ready(ctx context.Context) error {
	if err := s.app.Ready(ctx); err != nil {
		return err
	}
	// The schema changes with a new program only: once a minute is often enough.
	if time.Now().Unix()-s.current.Load() < 60 {
		return nil
	}
	current, err := s.db.SchemaCurrent(ctx)
	switch {
	case err != nil:
		return err
	case !current:
		return ErrOldSchema
	}
	s.current.Store(time.Now().Unix())
	return nil
}

func (s *Server) routes(f *faces) http.Handler {
	pages := http.NewServeMux()
	f.mount(pages)
	if s.cfg.Demo {
		s.mountDemo(pages, f)
	}
	all := http.NewServeMux()
	all.HandleFunc("GET /healthz", s.health.live)
	all.HandleFunc("GET /readyz", s.health.readiness)
	if s.dev != nil {
		all.Handle(s.dev.Prefix()+"/", s.dev) // its pages bring their own headers
	}
	if s.cfg.Demo {
		all.Handle("GET /metrics", s.metrics.handler())
	}
	all.Handle("/", s.site.Wrap(pages))
	return all
}

func (s *Server) watchRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.health.live)
	mux.HandleFunc("GET /readyz", s.health.readiness)
	mux.Handle("GET /metrics", s.metrics.handler())
	return mux
}

func (s *Server) httpServer(h http.Handler) *http.Server {
	srv := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
	web.Harden(srv)
	return srv
}

// Serve answers until ctx ends, then drains. ready, if not nil, is told once connections are accepted.
func (s *Server) Serve(ctx context.Context, ready func()) error {
	main := s.httpServer(s.handler)
	servers := []*http.Server{main}
	failed := make(chan error, 2)
	var serving sync.WaitGroup
	serve := func(srv *http.Server, l net.Listener) {
		serving.Go(func() {
			if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		})
	}
	serve(main, s.listener)
	if s.watch != nil {
		watch := s.httpServer(s.watchRoutes())
		servers = append(servers, watch)
		serve(watch, s.watch)
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var behind sync.WaitGroup
	behind.Go(func() { s.app.FollowNews(background, 100*time.Millisecond) })
	behind.Go(func() { s.app.FollowWaitlist(background, 250*time.Millisecond) })
	behind.Go(func() { s.app.FollowSessions(background) })
	behind.Go(func() { s.app.FollowDirectory(background, 2*time.Second) })
	behind.Go(func() { s.app.FollowFloors(background, 250*time.Millisecond) })
	behind.Go(func() { s.app.FollowDevices(background, 500*time.Millisecond) })
	behind.Go(func() { s.runner.Run(background, s.tasks()...) })
	behind.Go(func() { s.followSignals(background) })
	behind.Go(func() { followHeap(background) })
	s.log.Info("serving", "address", s.listener.Addr().String(), "url", s.public, "engine", s.db.Engine(), "node", s.app.Node())
	if ready != nil {
		ready()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	return errors.Join(err, s.drain(servers, stop, &serving, &behind))
}

// drain stops in order; nothing accepted is left unanswered unless it takes longer than drainTime.
func (s *Server) drain(servers []*http.Server, stop context.CancelFunc, serving, behind *sync.WaitGroup) error {
	s.health.draining.Store(true)
	s.log.Info("stopping: requests already accepted are answered")
	if s.cfg.DrainDelay > 0 {
		time.Sleep(s.cfg.DrainDelay)
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	var errs []error
	s.site.Drain()
	for _, srv := range servers {
		if err := srv.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("some requests were cut off: %w", err), srv.Close())
		}
	}
	stop()
	done := make(chan struct{})
	go func() {
		serving.Wait()
		behind.Wait()
		s.closeApp()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		errs = append(errs, errors.New("background work did not end in time"))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s.log.Info("stopped")
	return nil
}

// followSignals reads certificate and directory again at SIGHUP.
func (s *Server) followSignals(ctx context.Context) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
		}
		err := s.app.Reload(ctx)
		if s.cfg.TLSCert != "" {
			err = errors.Join(err, s.loadCertificate())
		}
		if err != nil {
			s.log.Error("reading again failed; what was known stays", "error", err)
			continue
		}
		s.log.Info("directory and certificate read again")
		s.runner.Kick()
	}
}

// Close closes what New opened. After Serve it only ends the database.
func (s *Server) Close() error {
	var errs []error
	s.once.Do(func() {
		for _, l := range []net.Listener{s.listener, s.watch} {
			if l != nil {
				l.Close() // Serve may have closed it
			}
		}
		if s.closeApp != nil {
			s.closeApp()
		}
		for _, c := range s.closers {
			errs = append(errs, c.Close())
		}
		if s.db != nil {
			errs = append(errs, s.db.Close())
		}
	})
	return errors.Join(errs...)
}

func openStore(ctx context.Context, d Data, now func() time.Time, conns int, observe func(string, time.Duration, error)) (*store.DB, error) {
	if path, ok := d.file(); ok {
		if err := reserve(path); err != nil {
			return nil, fmt.Errorf("database: %w", err)
		}
	}
	db, err := store.Open(ctx, d.Database, store.Options{Now: now, Conns: conns, Observe: observe})
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	return db, nil
}

// reserve makes the file of a new SQLite database, readable by its owner only; SQLite itself would let
// others read it, and gives the files beside it the same mode.
func reserve(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}
