// Package webhook posts messages to addresses of others and signs them by Standard Webhooks
// (https://www.standardwebhooks.com, 1.0.0): webhook-id, webhook-timestamp, webhook-signature.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/domain/feed"
	"suiyue/internal/gate/egress"
)

// Prefix begins the text of a secret; base64 of its bytes follows.
const Prefix = "whsec_"

// ErrSecret says that the text of a secret is none.
var ErrSecret = errors.New("webhook: not a secret: whsec_ and the base64 of 24 to 64 bytes")

// key reads the text of a secret.
func key(secret string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, Prefix))
	if err != nil || len(b) < 24 || len(b) > 64 {
		return nil, ErrSecret
	}
	return b, nil
}

// Sign makes the field webhook-signature of a message that is sent at an instant: one signature with each secret, divided
// by blanks.
func Sign(id string, at time.Time, body []byte, secrets ...string) (string, error) {
	var out []string
	for _, s := range secrets {
		k, err := key(s)
		if err != nil {
			return "", err
		}
		h := hmac.New(sha256.New, k)
		io.WriteString(h, id+"."+strconv.FormatInt(at.Unix(), 10)+".")
		h.Write(body)
		out = append(out, "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
	}
	if len(out) == 0 {
		return "", ErrSecret
	}
	return strings.Join(out, " "), nil
}

// Message is what is posted.
type Message struct {
	ID      string
	URL     string
	Body    []byte // JSON
	Secrets []string
}

// bodyRead is how much is read of an answer: what it says is not looked at.
const bodyRead = 4 << 10

// Sender posts messages. It is safe for concurrent use.
type Sender struct {
	client *http.Client
	now    func() time.Time
	agent  string
}

// New makes a Sender that calls through a guard and by no other way. agent is what it calls itself.
func New(g *egress.Guard, now func() time.Time, agent string) *Sender {
	return &Sender{client: g.Client(), now: now, agent: agent}
}

// Post posts a message and says what came of it. A message whose answer began with 2xx is delivered, whatever follows.
func (s *Sender) Post(ctx context.Context, m Message) feed.Answer {
	at := s.now()
	signature, err := Sign(m.ID, at, m.Body, m.Secrets...)
	if err != nil {
		return feed.Answer{Failure: feed.FailedAddress}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(m.Body))
	if err != nil {
		return feed.Answer{Failure: feed.FailedAddress}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", s.agent)
	r.Header.Set("Webhook-Id", m.ID)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("Webhook-Signature", signature)
	res, err := s.client.Do(r)
	if err != nil {
		return feed.Answer{Failure: failure(err)}
	}
	defer res.Body.Close()
	// What the answer says is nobody's business, and an error here changes nothing: the status is there.
	_, _ = io.CopyN(io.Discard, res.Body, bodyRead)
	a := feed.Answer{Status: res.StatusCode}
	switch {
	case res.StatusCode >= 200 && res.StatusCode <= 299:
	case res.StatusCode >= 300 && res.StatusCode <= 399:
		a.Failure = feed.FailedRedirect
	default:
		a.Failure = feed.FailedStatus
		if res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable {
			a.Wait = retryAfter(res.Header.Get("Retry-After"), at)
		}
	}
	return a
}

// failure tells why there was no answer. Who asks must not learn what lies behind an address, so it says no more.
func failure(err error) feed.Failure {
	var certificate *tls.CertificateVerificationError
	var slow net.Error
	switch {
	case errors.Is(err, egress.ErrRefused):
		return feed.FailedAddress
	case errors.Is(err, egress.ErrRedirect):
		return feed.FailedRedirect
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &slow) && slow.Timeout() && !errors.As(err, &certificate):
		return feed.FailedTimeout
	}
	return feed.FailedConnect
}

// retryAfter reads the field: seconds, or an instant. 0 for none.
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
