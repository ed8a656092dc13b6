package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"suiyue/internal/domain/fault"
)

const (
	// slowDownload is how long a reader may take to receive one piece of a download.
	slowDownload = 60 * time.Second

	// leavingDownload is how long downloads may go on when the server is about to stop; it is less than the
	// server waits for.
	leavingDownload = 10 * time.Second

	// mostDownloads is how many downloads a Site writes at once.
	mostDownloads = 8
)

// Errors that end a download early.
var (
	ErrReaderGone = errors.New("web: the reader of a download has gone away")
	ErrLeaving    = errors.New("web: the server is about to stop")
)

// Download is an answer that is written as it is made and whose length nobody knows. It lies outside of the time
// a request may take; each piece of it has a time of its own. Until the first byte is sent the answer may still be
// another one. Only the handler that opened it may use it.
type Download struct {
	w       http.ResponseWriter
	control *http.ResponseController
	ctx     context.Context
	cancel  context.CancelCauseFunc
	kind    string
	name    string
	sent    int64
}

// Download begins a file of a media type that browsers keep under a name, or says why there is none. done ends it
// when the handler returns.
func (s *Site) Download(w http.ResponseWriter, r *http.Request, kind, name string) (d *Download, done func(), err error) {
	if s.downloads.Add(1) > mostDownloads {
		s.downloads.Add(-1)
		return nil, nil, fault.New(fault.ExportsMany).After(10 * time.Second)
	}
	whole := r.Context()
	if x := exchangeOf(r); x != nil && x.whole != nil {
		whole = x.whole
	}
	ctx, cancel := context.WithCancelCause(whole)
	d = &Download{w: w, control: http.NewResponseController(w), ctx: ctx, cancel: cancel, kind: kind, name: name}
	done = func() {
		cancel(nil)
		s.downloads.Add(-1)
	}
	// The server gives up reading, and so the request, where nothing more comes within its time.
	if err := d.control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		done()
		return nil, nil, fault.Wrap(fault.InternalError, err)
	}
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-s.streams.leaving:
		}
		late := time.NewTimer(leavingDownload)
		defer late.Stop()
		select {
		case <-ctx.Done():
		case <-late.C:
			cancel(ErrLeaving)
		}
	}()
	return d, done, nil
}

// Context ends when the reader has gone away, and some seconds after the server was told to stop.
func (d *Download) Context() context.Context { return d.ctx }

// Why returns what ended the download early: ErrReaderGone, ErrLeaving, or err where it is about neither.
func (d *Download) Why(err error) error {
	switch {
	case errors.Is(context.Cause(d.ctx), ErrLeaving):
		return ErrLeaving
	case d.ctx.Err() != nil:
		return ErrReaderGone
	}
	return err
}

// Sent is how many bytes were sent.
func (d *Download) Sent() int64 { return d.sent }

// Write sends a piece. An error says that the reader has gone away or does not keep up.
func (d *Download) Write(b []byte) (int, error) {
	if d.ctx.Err() != nil {
		return 0, d.Why(nil)
	}
	// The deadline of a connection is an instant of the machine's clock, whatever the product's says.
	until, cancel := context.WithTimeout(context.Background(), slowDownload)
	defer cancel()
	deadline, _ := until.Deadline()
	if err := d.control.SetWriteDeadline(deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	if d.sent == 0 {
		h := d.w.Header()
		h.Set("Content-Type", d.kind)
		h.Set("Content-Disposition", `attachment; filename="`+d.name+`"`)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no") // a proxy passes it on as it comes
	}
	n, err := d.w.Write(b)
	d.sent += int64(n)
	if err != nil {
		return n, errors.Join(ErrReaderGone, err)
	}
	return n, nil
}

// Abort ends a download of which something was sent already so that the reader learns that it is not whole: the
// connection is cut. It does not return.
func (d *Download) Abort() { panic(http.ErrAbortHandler) }

var _ io.Writer = (*Download)(nil)
