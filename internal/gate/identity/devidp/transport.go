package devidp

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// Transport reaches the provider from inside its own process, so that a demonstration needs no
// connection to itself, whatever address it is opened at. Requests to other addresses are refused.
func (s *Server) Transport() http.RoundTripper { return inside{s} }

type inside struct{ server *Server }

func (t inside) RoundTrip(r *http.Request) (*http.Response, error) {
	at := r.URL.Scheme + "://" + r.URL.Host + r.URL.Path
	if at != t.server.opt.Issuer && !strings.HasPrefix(at, t.server.opt.Issuer+"/") {
		return nil, http.ErrNotSupported
	}
	served := r.Clone(r.Context())
	if served.Body == nil {
		served.Body = http.NoBody
	}
	served.Host, served.RequestURI = r.URL.Host, r.URL.RequestURI()
	rec := &recorder{header: http.Header{}, status: http.StatusOK}
	t.server.ServeHTTP(rec, served)
	_ = served.Body.Close()
	return &http.Response{
		Status: http.StatusText(rec.status), StatusCode: rec.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: rec.header, Body: io.NopCloser(&rec.body), ContentLength: int64(rec.body.Len()), Request: r,
	}, nil
}

type recorder struct {
	header http.Header
	body   bytes.Buffer
	status int
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }
func (w *recorder) WriteHeader(status int)      { w.status = status }
