package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"suiyue/internal/bridge"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/pgtest"
	"suiyue/internal/store"
)

// Faults of a day in the hall, in the browser: the network, the database and the machines beside a kiosk go
// away and come back.

// kioskWith makes a kiosk in the console, enrols a browser as it and gives it the page; b may be nil for none
// beside it.
func kioskWith(t *testing.T, c *city, beside string, b *bridge.Bridge) *tab {
	t.Helper()
	desk := open(t, c)
	desk.resize(1280)
	desk.sitAs("District level 1", "Liwan", 0)
	desk.goTo(kioskHall + "/devices/new?kind=kiosk&lang=en")
	desk.write("#name", "Entrance 1")
	if beside != "" {
		desk.write("#bridge", beside)
	}
	desk.click("main form button[type=submit]")
	code := strings.ReplaceAll(desk.text(".device-code"), " ", "")
	if b != nil {
		secret := eval[string](desk, `document.querySelector("details code").textContent`)
		b.Set(func(b *bridge.Bridge) { b.Secret = secret })
	}
	k := open(t, c)
	k.do(chromedp.EmulateViewport(1080, 1920))
	k.goTo("/hall/enrol?lang=en")
	k.write("#code", code)
	k.click("form.ask button")
	k.reach(`location.pathname === "/hall/kiosk"`)
	return k
}

// takeNumber goes from the start page as far as a document is wanted, lays one, and goes on to the choice.
func takeNumber(k *tab, b *bridge.Bridge, document int) {
	k.t.Helper()
	k.goTo("/hall/kiosk/number")
	k.reach(`document.querySelector("#document") !== null`)
	time.Sleep(time.Second) // the page has asked its reader what there is
	b.Lay(b.Documents[document])
	k.reach(`location.pathname === "/hall/kiosk/number/choose"`)
	k.do(k.press(`.lot:not([disabled])`))
	k.reach(`location.pathname !== "/hall/kiosk/number/choose" || location.search.includes("queue=")`)
}

// walkIns counts the numbers given to walk-ins of the hall today.
func walkIns(t *testing.T, c *city, source string) (n int) {
	t.Helper()
	db := database(t, source)
	defer db.Close()
	today := calendar.DateOf(c.clock(t))
	if err := db.View(t.Context(), func(tx *store.Tx) error {
		list, err := tx.TicketsOn(t.Context(), "440103000000", today)
		n = 0
		for _, ticket := range list {
			if ticket.Kind == counter.WalkIn {
				n++
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func database(t *testing.T, source string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), source, store.Options{Now: time.Now, Conns: 2})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// skip lets a page's own clocks jump.
func (b *tab) skip(d time.Duration) {
	b.t.Helper()
	eval[bool](b, fmt.Sprintf(`((ms) => { const p = performance.now.bind(performance), d = Date.now; performance.now = () => p() + ms; Date.now = () => d() + ms; return true })(%d)`, d.Milliseconds()))
}

// A kiosk that is cut off says so, loses nothing by it, and half an hour later goes on by the server's clock.
func TestKioskCutOffForHalfAnHour(t *testing.T) {
	t.Parallel()
	c := small(t, "")
	day := workday(t, c, 9, 5)
	reader := bridge.New(bridge.Config{Origins: []string{c.url}, Now: time.Now, Documents: bridge.Synthetic(2)})
	beside := httptest.NewServer(reader.Handler())
	t.Cleanup(beside.Close)
	k := kioskWith(t, c, beside.URL, reader)
	k.cutOff(true)
	k.reach(`!document.querySelector("#offline").hidden`)
	k.skip(30 * time.Minute)
	c.setClock(t, day.At(9, 36))
	k.reach(`!document.querySelector("#lock").hidden`) // nobody is there; what the screen says of the network stays
	if eval[bool](k, `document.querySelector("#offline").hidden`) || k.path() != "/hall/kiosk" {
		t.Errorf("after half an hour: %s, %s", k.path(), k.text("body"))
	}
	k.cutOff(false)
	k.reach(`document.querySelector("#offline").hidden && document.querySelector("[data-clock]").textContent.includes("09:3")`)
	takeNumber(k, reader, 0)
	if k.path() != "/hall/kiosk/done" {
		k.do(k.press(`.lot:not([disabled])`))
	}
	k.reach(`location.pathname === "/hall/kiosk/done" && /[A-Z]\d{3}/.test(document.querySelector(".ticket__number").textContent)`)
	if n := walkIns(t, c, c.database); n != 1 {
		t.Errorf("%d numbers were given", n)
	}
}

// lastStraw stands between the program and PostgreSQL, and lets the server die at the first COMMIT after it was
// armed: the transaction is done, and nobody is told.
type lastStraw struct {
	listener net.Listener
	server   string
	armed    atomic.Bool
	kill     func()
}

func (l *lastStraw) run() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		go l.serve(client)
	}
}

func (l *lastStraw) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", l.server)
	if err != nil {
		return
	}
	defer server.Close()
	var dead atomic.Bool
	var once sync.Once
	go func() {
		defer client.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if dead.Load() {
				once.Do(l.kill)
				return
			}
			if _, werr := client.Write(buf[:n]); err != nil || werr != nil {
				return
			}
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if bytes.Contains(bytes.ToLower(buf[:n]), []byte("commit\x00")) && l.armed.CompareAndSwap(true, false) {
			dead.Store(true)
		}
		if _, werr := server.Write(buf[:n]); werr != nil || err != nil {
			return
		}
	}
}

// The database dies in the middle of giving a number: the person is told, the kiosk comes back by itself, and
// the number stands once.
func TestDatabaseDiesUnderAKiosk(t *testing.T) {
	t.Parallel()
	t.Run("postgres", func(t *testing.T) {
		server, err := pgtest.Start(pgtest.Durable)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { server.Stop() }) // killed on the way: what it says of that is no news
		source, err := server.Create(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		straw := &lastStraw{server: u.Host}
		killed := make(chan error, 1)
		straw.kill = func() { killed <- server.Kill9() }
		if straw.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { straw.listener.Close() })
		go straw.run()
		u.Host = straw.listener.Addr().String()
		c := small(t, u.String())
		c.rough = true
		kioskWithout(t, c, "postgres", source, func() { straw.armed.Store(true) }, func() {
			if err := <-killed; err != nil {
				t.Log("the server was killed:", err)
			}
			time.Sleep(2 * time.Second)
			if err := server.Restart(); err != nil {
				t.Fatal(err)
			}
		})
	})
	t.Run("sqlite", func(t *testing.T) {
		c := small(t, "")
		c.rough = true
		db := database(t, c.database)
		defer db.Close()
		held, free, ended := make(chan struct{}), make(chan struct{}), make(chan error)
		kioskWithout(t, c, "sqlite", c.database, func() {
			go func() {
				ended <- db.Update(context.WithoutCancel(t.Context()), func(*store.Tx) error { // whoever writes waits for it
					close(held)
					<-free
					return nil
				})
			}()
			<-held
		}, func() {
			close(free)
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	})
}

// kioskWithout takes the database from a kiosk while it asks for a number, and gives it back.
func kioskWithout(t *testing.T, c *city, engine, source string, take, give func()) {
	t.Helper()
	workday(t, c, 9, 10)
	reader := bridge.New(bridge.Config{Origins: []string{c.url}, Now: time.Now, Documents: bridge.Synthetic(2)})
	beside := httptest.NewServer(reader.Handler())
	t.Cleanup(beside.Close)
	k := kioskWith(t, c, beside.URL, reader)
	takeNumber(k, reader, 0)
	k.reach(`document.querySelector(".lot:not([disabled])") !== null`)
	take()
	k.do(k.press(`.lot:not([disabled])`))
	k.reach(`document.querySelector("main a.button[data-replace]") !== null && document.querySelector("main").innerText.includes("by itself")`)
	k.keep("kiosk-without-database-" + engine)
	give()
	k.reach(`location.pathname === "/hall/kiosk" && document.querySelector("a.hand") !== null`)
	k.expectStatus(503)
	k.expectStatus(500)
	before := walkIns(t, c, source)
	if before > 1 {
		t.Fatalf("%d numbers were given", before)
	}
	takeNumber(k, reader, 0) // the same person again
	if k.path() != "/hall/kiosk/done" && k.count(`.lot:not([disabled])`) > 0 {
		k.do(k.press(`.lot:not([disabled])`))
	}
	k.reach(`/[A-Z]\d{3}/.test(document.querySelector("main").innerText) || document.querySelector("main").innerText.includes("Show my numbers")`)
	if n := walkIns(t, c, source); n != 1 {
		t.Errorf("%d numbers were given, %d before it was asked again", n, before)
	}
}

// unhelpful is a bridge that answers as it likes.
type unhelpful struct {
	mu     sync.Mutex
	answer func(w http.ResponseWriter, r *http.Request)
}

func (u *unhelpful) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	answer := u.answer
	u.mu.Unlock()
	answer(w, r)
}

func (u *unhelpful) be(answer func(w http.ResponseWriter, r *http.Request)) {
	u.mu.Lock()
	u.answer = answer
	u.mu.Unlock()
}

// A bridge that is down, of another version, of another page, or that says what is not of the protocol: the
// kiosk says that the reader does not work, types, gives numbers, and goes on as soon as it does.
func TestKioskBesideABridgeThatFails(t *testing.T) {
	t.Parallel()
	c := small(t, "")
	workday(t, c, 9, 10)
	good := bridge.New(bridge.Config{Origins: []string{c.url}, Now: time.Now, Documents: bridge.Synthetic(8)})
	strange := bridge.New(bridge.Config{Origins: []string{"https://elsewhere.example"}, Now: time.Now, Documents: bridge.Synthetic(8)})
	says := func(body string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", c.url)
			w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
			w.Header().Set("Access-Control-Allow-Private-Network", "true")
			if r.Method != http.MethodOptions {
				time.Sleep(100 * time.Millisecond)
				io.WriteString(w, body)
			}
		}
	}
	fails := &unhelpful{answer: good.Handler().ServeHTTP}
	beside := httptest.NewServer(fails)
	t.Cleanup(beside.Close)
	k := kioskWith(t, c, beside.URL, good)
	k.loose = beside.URL
	good.Set(func(g *bridge.Bridge) { strange.Set(func(s *bridge.Bridge) { s.Secret = g.Secret }) })

	works := func() bool {
		return eval[bool](k, `[...document.querySelectorAll("[data-away]")].every(x => x.hidden)`)
	}
	lied := bridge.New(bridge.Config{Origins: []string{c.url}, Now: time.Now, Documents: bridge.Synthetic(8)})
	good.Set(func(g *bridge.Bridge) { lied.Set(func(l *bridge.Bridge) { l.Secret, l.Lies = g.Secret, true }) })
	for _, f := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request)
		away   bool // the page knows by it that the reader is of no use
	}{
		{"down", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true},
		{"another version", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/v1/") && r.Method != http.MethodOptions {
				says(`{"error":"this bridge speaks /v2"}`)(httptest.NewRecorder(), r)
				w.Header().Set("Access-Control-Allow-Origin", c.url)
				http.Error(w, "no such version", http.StatusNotFound)
				return
			}
			says("")(w, r)
		}, true},
		{"another origin", strange.Handler().ServeHTTP, true},
		{"garbage", says("\x00\xff<html>"), true},
		{"an array", says(`[1,2]`), false},
		{"nothing", says(`null`), true},
		{"lies", lied.Handler().ServeHTTP, false},
		{"half a document", says(`{"seq":1,"events":[{"kind":"document","document":{"kind":"resident_id"}},{"kind":"code","text":"<script>"},{"kind":"code","text":7}]}`), false},
	} {
		fails.be(f.answer)
		k.goTo("/hall/kiosk/number?lang=en")
		if f.away {
			k.reach(`[...document.querySelectorAll("[data-away]")].some(x => !x.hidden)`)
		}
		time.Sleep(time.Second)
		if k.path() != "/hall/kiosk/number?lang=en" || k.count("#document input") == 0 && k.count("form.ask input") == 0 {
			t.Errorf("beside a bridge that is %s: %s, %s", f.name, k.path(), k.text("main"))
		}
	}
	fails.be(good.Handler().ServeHTTP)
	k.goTo("/hall/kiosk/number?lang=en")
	k.reach(`[...document.querySelectorAll("[data-away]")].every(x => x.hidden)`)
	if !works() {
		t.Error("a bridge that is back is not believed")
	}

	// One that repeats itself: the same document again and again gives one number.
	doc := good.Documents[3]
	fails.be(says(fmt.Sprintf(`{"seq":1,"events":[{"seq":1,"kind":"document","document":{"kind":"resident_id","number":%q,"name":"陈示例"}},{"seq":1,"kind":"document","document":{"kind":"resident_id","number":%q,"name":"陈示例"}}]}`, doc.Number, doc.Number)))
	k.goTo("/hall/kiosk/number?lang=en")
	k.reach(`location.pathname === "/hall/kiosk/number/choose"`)
	for range 2 {
		if k.path() != "/hall/kiosk/done" && k.count(`.lot:not([disabled])`) > 0 {
			k.do(k.press(`.lot:not([disabled])`))
			time.Sleep(time.Second)
		}
	}
	k.reach(`location.pathname === "/hall/kiosk/done"`)
	time.Sleep(2 * time.Second)
	if n := walkIns(t, c, c.database); n != 1 {
		t.Errorf("a bridge that repeats itself gave %d numbers", n)
	}
	k.do(chromedp.Navigate("about:blank"))
}
