package identitygate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

// Limits of one request to a provider: a person is waiting in front of it.
const (
	defaultTimeout = 5 * time.Second
	maxBody        = 1 << 20 // a token, key set or user document is a few KiB
)

var errBodyTooLarge = errors.New("identitygate: answer too large")

// newClient makes the client of one provider: a deadline for the whole exchange, a limit to the
// body, and no redirect followed, since a code, a token or a secret would travel with it.
func newClient(base http.RoundTripper, timeout time.Duration) *http.Client {
	if base == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = 32
		t.MaxResponseHeaderBytes = 64 << 10
		base = t
	}
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	return &http.Client{
		Transport:     limitedTransport{base},
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// limitedTransport makes reading past maxBody an error rather than a silent cut.
type limitedTransport struct{ base http.RoundTripper }

func (t limitedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &limitedBody{ReadCloser: resp.Body, left: maxBody}
	return resp, nil
}

type limitedBody struct {
	io.ReadCloser
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errBodyTooLarge
	}
	return n, err
}

// trouble classes an error of the network or of a library into a reason and a fixed word. The
// text of the error is dropped: it may hold an address with a token in it, or a part of an answer.
func trouble(err error) (Reason, string) {
	var (
		netErr  net.Error
		dnsErr  *net.DNSError
		certErr *tls.CertificateVerificationError
		authErr x509.UnknownAuthorityError
		urlErr  *url.Error
	)
	switch {
	case errors.Is(err, errBodyTooLarge):
		return Malformed, "answer too large"
	case errors.Is(err, context.Canceled):
		return Unavailable, "given up"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return Unavailable, "timeout"
	case errors.As(err, &dnsErr):
		return Unavailable, "name not found"
	case errors.Is(err, syscall.ECONNREFUSED):
		return Unavailable, "connection refused"
	case errors.As(err, &certErr), errors.As(err, &authErr):
		return Unavailable, "certificate"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Unavailable, "connection lost"
	case errors.As(err, &urlErr):
		return Unavailable, "network"
	}
	return Malformed, "unreadable"
}

// statusReason says what an HTTP status of the provider means for the person.
func statusReason(status int) Reason {
	switch {
	case status == http.StatusTooManyRequests, status >= 500:
		return Unavailable
	case status >= 400:
		return Refused
	}
	return Malformed
}

// checkEndpoint refuses an address a browser or this server must not be sent to. Plain http is for
// development only, where allowPlain says so.
func checkEndpoint(raw string, allowPlain bool) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, errors.New("not an absolute address")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !allowPlain) {
		return nil, fmt.Errorf("must be https")
	}
	return u, nil
}

// fetch sends one request and returns the body of a 200.
func fetch(client *http.Client, req *http.Request, provider string, step Step) ([]byte, *Failure) {
	f := &Failure{Provider: provider, Step: step}
	resp, err := client.Do(req)
	if err != nil {
		f.Reason, f.Detail = trouble(err)
		return nil, f
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		f.Reason, f.Detail = trouble(err)
		return nil, f
	}
	if resp.StatusCode != http.StatusOK {
		f.Status, f.Reason = resp.StatusCode, statusReason(resp.StatusCode)
		return body, f
	}
	return body, nil
}
