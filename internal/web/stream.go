package web

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"suiyue/internal/domain/fault"
)

// How long a reader may take to receive what was sent, before it is dropped and has to connect again.
const slowReader = 5 * time.Second

// mostStreams is how many streams a Site keeps open unless Options say otherwise.
const mostStreams = 20_000

// Stream is an answer without an end, events as they happen (text/event-stream). It lies outside of the
// time a request may take; each piece of it has a time of its own. Only the handler that opened it may use
// it.
type Stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	ctx     context.Context
	leaving <-chan struct{}
}

// streams is what a Site knows of those that are open.
type streams struct {
	open    atomic.Int64
	most    int64
	leaving chan struct{} // closed when the server is about to stop
	leave   func()
}

func newStreams(most int) *streams {
	if most <= 0 {
		most = mostStreams
	}
	s := &streams{most: int64(most), leaving: make(chan struct{})}
	s.leave = sync.OnceFunc(func() { close(s.leaving) })
	return s
}

// Drain tells all open streams that the server is about to stop, so that their readers connect elsewhere
// or again. Streams that are opened later are told at once.
func (s *Site) Drain() { s.streams.leave() }

// Streams returns how many streams are open.
func (s *Site) Streams() int { return int(s.streams.open.Load()) }

// Stream begins an answer without an end, or says why there is none. close ends it when the handler
// returns.
func (s *Site) Stream(w http.ResponseWriter, r *http.Request) (st *Stream, close func(), err error) {
	if s.streams.open.Add(1) > s.streams.most {
		s.streams.open.Add(-1)
		return nil, nil, fault.New(fault.Busy).After(2 * time.Second)
	}
	ctx := r.Context()
	if x := exchangeOf(r); x != nil && x.whole != nil {
		ctx = x.whole
	}
	ctx, cancel := context.WithCancel(ctx)
	st = &Stream{w: w, control: http.NewResponseController(w), ctx: ctx, leaving: s.streams.leaving}
	close = func() {
		cancel()
		s.streams.open.Add(-1)
	}
	// The server gives up reading, and so the request, where nothing more comes within its time; a reader
	// of a stream has nothing more to say.
	if err := st.control.SetReadDeadline(time.Time{}); err != nil {
		close()
		return nil, nil, fault.Wrap(fault.InternalError, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy passes each event on as it comes
	w.WriteHeader(http.StatusOK)
	return st, close, nil
}

// Context ends when the reader has gone away.
func (st *Stream) Context() context.Context { return st.ctx }

// Leaving is closed when the server is about to stop: the handler says good-bye and returns.
func (st *Stream) Leaving() <-chan struct{} { return st.leaving }

// Send writes the pieces as they are and has them on their way when it returns. An error says that the
// reader has gone away or does not keep up: the handler returns.
func (st *Stream) Send(pieces ...[]byte) error {
	// The deadline of a connection is an instant of the machine's clock, whatever the product's says.
	until, cancel := context.WithTimeout(context.Background(), slowReader)
	defer cancel()
	deadline, _ := until.Deadline()
	if err := st.control.SetWriteDeadline(deadline); err != nil {
		return err
	}
	for _, p := range pieces {
		if _, err := st.w.Write(p); err != nil {
			return err
		}
	}
	return st.control.Flush()
}

// Retry is the line that tells a reader how long to wait before it connects again.
func Retry(d time.Duration) []byte {
	return append(strconv.AppendInt([]byte("retry: "), d.Milliseconds(), 10), '\n', '\n')
}
