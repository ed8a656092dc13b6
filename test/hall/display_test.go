package hall_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"
)

// display reads its stream as the page of a display does: it connects again by itself, with a pause that
// grows and is never the same for two of them.
type display struct {
	n       int
	address string
	cookie  string

	mu       sync.Mutex
	called   map[string]time.Time // number → when it was first shown
	contact  atomic.Int64         // generation of the server it has a picture of
	retries  atomic.Int64
	pictures atomic.Int64
}

func newDisplay(n int, address string) *display {
	w := httptest.NewRecorder()
	c := hallCookies()
	c.SetSession(w, displayKey(n), time.Hour)
	c.SetKnown(w, displayKey(n), time.Hour)
	d := &display{n: n, address: address, called: map[string]time.Time{}}
	for _, k := range w.Result().Cookies() {
		d.cookie += k.Name + "=" + k.Value + "; "
	}
	return d
}

// follow reads until ctx ends.
func (d *display) follow(ctx context.Context, generation *atomic.Int64) {
	for tries := 0; ctx.Err() == nil; tries++ {
		began := time.Now()
		if d.listen(ctx, generation) || time.Since(began) > 5*time.Second {
			tries = 0
		}
		d.retries.Add(1)
		most := min(2500*time.Millisecond, 250*time.Millisecond<<min(tries, 10))
		pause := time.Duration(float64(most) * (0.4 + 0.6*rand.Float64()))
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// listen reads one stream until it ends; true if it was one.
func (d *display) listen(ctx context.Context, generation *atomic.Int64) bool {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", d.address)
	if err != nil {
		return false
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	at := generation.Load()
	if _, err := fmt.Fprintf(conn, "GET /hall/display/events HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nAccept: text/event-stream\r\n\r\n", d.address, d.cookie); err != nil {
		return false
	}
	in := bufio.NewReaderSize(conn, 2048)
	conn.SetReadDeadline(time.Now().Add(25 * time.Second))
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		return false
	}
	defer resp.Body.Close()
	lines := bufio.NewReaderSize(resp.Body, 2048)
	var line []byte
	for {
		part, err := lines.ReadSlice('\n')
		line = append(line, part...)
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil {
			return true
		}
		if bytes.HasPrefix(line, []byte(`data: {`)) {
			d.picture(line)
			d.contact.Store(at)
		}
		line = line[:0]
		conn.SetReadDeadline(time.Now().Add(25 * time.Second))
	}
}

// picture notes the calls of a picture that were not there before.
func (d *display) picture(line []byte) {
	now := time.Now()
	d.pictures.Add(1)
	calls, _, _ := bytes.Cut(line, []byte(`"queues":`))
	mark := []byte(`"number":"`)
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		i := bytes.Index(calls, mark)
		if i < 0 {
			return
		}
		calls = calls[i+len(mark):]
		j := bytes.IndexByte(calls, '"')
		if j < 0 {
			return
		}
		if _, ok := d.called[string(calls[:j])]; !ok {
			d.called[string(calls[:j])] = now
		}
	}
}

func (d *display) shown(number string) (time.Time, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, ok := d.called[number]
	return at, ok
}
