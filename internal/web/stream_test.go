package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"suiyue/internal/domain/fault"
)

// pipes is a network inside of the test, so that it runs on the clock of a bubble.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// ask opens a connection, asks for path and returns the connection and its answer's status.
func (p *pipes) ask(t *testing.T, path string) (net.Conn, *http.Response, error) {
	t.Helper()
	here, there := net.Pipe()
	select {
	case p.conns <- there:
	case <-p.done:
		return nil, nil, net.ErrClosed
	}
	if _, err := fmt.Fprintf(here, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
		return nil, nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(here), nil)
	return here, resp, err
}

// served is a hardened server of a site with one stream that sends what a test gives it.
func served(t *testing.T, o Options, events <-chan string) (*Site, *pipes, *http.Server, *[]error) {
	h := build(t, o)
	var mu sync.Mutex
	var ended []error
	h.mux.Handle("GET /events", h.site.Handle(func(w http.ResponseWriter, r *http.Request) error {
		st, done, err := h.site.Stream(w, r)
		if err != nil {
			return err
		}
		defer done()
		note := func(err error) error {
			mu.Lock()
			defer mu.Unlock()
			ended = append(ended, err)
			return nil
		}
		if err := st.Send(Retry(time.Second)); err != nil {
			return note(err)
		}
		for {
			select {
			case <-st.Context().Done():
				return note(context.Cause(st.Context()))
			case <-st.Leaving():
				return note(st.Send([]byte("event: bye\ndata:\n\n")))
			case e := <-events:
				if err := st.Send([]byte("data: "), []byte(e), []byte("\n\n")); err != nil {
					return note(err)
				}
			}
		}
	}))
	l := newPipes()
	srv := &http.Server{Handler: h.site.Wrap(h.mux)}
	Harden(srv)
	go srv.Serve(l)
	return h.site, l, srv, &ended
}

func TestAStreamOutlivesTheLimitsOfARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := make(chan string)
		site, l, srv, ended := served(t, Options{Timeout: 10 * time.Second}, events)
		conn, resp, err := l.ask(t, "/events")
		if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
			t.Fatalf("%v, %v", resp, err)
		}
		in := bufio.NewReader(resp.Body)
		line := func(want string) {
			t.Helper()
			if got, err := in.ReadString('\n'); err != nil || got != want+"\n" {
				t.Fatalf("%q, %v; want %q", got, err, want)
			}
		}
		line("retry: 1000")
		line("")
		for i := range 30 { // an hour
			time.Sleep(2 * time.Minute)
			e := fmt.Sprint(i)
			go func() { events <- e }()
			line("data: " + e)
			line("")
		}
		if site.Streams() != 1 {
			t.Errorf("%d streams are open", site.Streams())
		}

		// A stop is not held up by it, and its reader is told.
		began := time.Now()
		read := make(chan string)
		go func() {
			rest, _ := io.ReadAll(in)
			read <- string(rest)
		}()
		site.Drain()
		site.Drain()
		if err := srv.Shutdown(t.Context()); err != nil || time.Since(began) > time.Second {
			t.Errorf("the stop took %s: %v", time.Since(began), err)
		}
		if rest := <-read; rest != "event: bye\ndata:\n\n" {
			t.Errorf("the reader was told %q", rest)
		}
		if site.Streams() != 0 || len(*ended) != 1 || (*ended)[0] != nil {
			t.Errorf("%d streams, ended with %v", site.Streams(), *ended)
		}
		conn.Close()
		synctest.Wait()
	})
}

func TestAReaderWhoHasGoneOrDoesNotKeepUpIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := make(chan string)
		site, l, srv, ended := served(t, Options{}, events)
		gone, _, err := l.ask(t, "/events")
		if err != nil {
			t.Fatal(err)
		}
		gone.Close()
		synctest.Wait()
		if site.Streams() != 0 || len(*ended) != 1 {
			t.Fatalf("%d streams after the reader has gone: %v", site.Streams(), *ended)
		}
		slow, resp, err := l.ask(t, "/events")
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		events <- strings.Repeat("x", 100_000) // nobody reads it
		time.Sleep(slowReader - time.Second)
		synctest.Wait()
		if site.Streams() != 1 {
			t.Error("dropped before its time")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if site.Streams() != 0 || len(*ended) != 2 || !errors.Is((*ended)[1], context.DeadlineExceeded) && !strings.Contains((*ended)[1].Error(), "timeout") {
			t.Errorf("%d streams, ended with %v", site.Streams(), *ended)
		}
		slow.Close()
		srv.Close()
	})
}

func TestStreamsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, l, srv, _ := served(t, Options{Streams: 2}, nil)
		var conns []net.Conn
		for i, want := range []int{200, 200, 503} {
			c, resp, err := l.ask(t, "/events")
			if err != nil || resp.StatusCode != want {
				t.Fatalf("stream %d: %v, %v; want %d", i, resp, err, want)
			}
			conns = append(conns, c)
		}
		conns[0].Close()
		synctest.Wait()
		c, resp, err := l.ask(t, "/events")
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("after one has ended: %v, %v", resp, err)
		}
		for _, c := range append(conns, c) {
			c.Close()
		}
		srv.Close()
	})
}

func TestMachinesOfOursShareAnAddressWithoutSharingItsLimit(t *testing.T) {
	cookies := NewCookies(false, []byte(strings.Repeat("k", 32))).Of("hall")
	mark := func(id string) *http.Cookie {
		w := httptest.NewRecorder()
		cookies.SetKnown(w, id, time.Hour)
		return w.Result().Cookies()[0]
	}
	h := build(t, Options{Address: Limit{Rate: 0.001, Burst: 2}, Machine: Limit{Rate: 0.001, Burst: 3}, Known: cookies.Known})
	h.mux.Handle("GET /api/x", h.site.Handle(func(http.ResponseWriter, *http.Request) error { return nil }))
	ask := func(c *http.Cookie) int {
		r := httptest.NewRequest("GET", "/api/x", nil)
		r.RemoteAddr = "192.0.2.1:5"
		if c != nil {
			r.AddCookie(c)
		}
		return h.ask(r).Code
	}
	for i := range 50 {
		m := mark(fmt.Sprint("display", i))
		for n, want := range []int{200, 200, 200, 429} {
			if got := ask(m); got != want {
				t.Fatalf("display %d, request %d: %d, want %d", i, n, got, want)
			}
		}
	}
	forged := mark("display99")
	forged.Value = strings.Replace(forged.Value, "display99", "display98", 1)
	for i, want := range []int{200, 200, 429} {
		if got := ask(forged); got != want {
			t.Errorf("forged, request %d: %d, want %d", i, got, want)
		}
	}
	if got := ask(nil); got != 429 {
		t.Errorf("a stranger at the same address: %d", got)
	}
}

func TestStreamNeedsAConnection(t *testing.T) {
	h := build(t, Options{})
	h.mux.Handle("GET /api/events", h.site.Handle(func(w http.ResponseWriter, r *http.Request) error {
		_, _, err := h.site.Stream(w, r)
		return err
	}))
	w := h.ask(httptest.NewRequest("GET", "/api/events", nil))
	if p := problem(t, w); p.Code != fault.InternalError || h.site.Streams() != 0 {
		t.Errorf("%+v, %d streams", p, h.site.Streams())
	}
}
