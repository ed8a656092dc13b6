package conform

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
)

// errLost is what somebody sees whose question or answer was lost.
var errLost = errors.New("conform: lost between the two")

// fault does something to a request on its way; send lets it through.
type fault func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error)

// between stands between the kit and the adapter. Its fault is set while nothing is under way.
type between struct {
	next  http.RoundTripper
	fault fault
}

func (b *between) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.fault == nil {
		return b.next.RoundTrip(r)
	}
	return b.fault(r, b.next.RoundTrip)
}

// loseAnswers lets requests of one method through and loses what is answered.
func loseAnswers(method string) fault {
	return func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		res, err := send(r)
		if err != nil || r.Method != method {
			return res, err
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		return nil, errLost
	}
}

// loseQuestions loses requests of one method.
func loseQuestions(method string) fault {
	return func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		if r.Method != method {
			return send(r)
		}
		return nil, errLost
	}
}

// late keeps requests of one method back until they are let go.
type late struct {
	mu   sync.Mutex
	kept []*http.Request
}

func (l *late) fault(method string) fault {
	return func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		if r.Method != method {
			return send(r)
		}
		copied, err := copyOf(r)
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.kept = append(l.kept, copied)
		return nil, errLost
	}
}

// copyOf copies a request so that it can be sent when the one who made it has given up.
func copyOf(r *http.Request) (*http.Request, error) {
	out := r.Clone(r.Context())
	if r.Body == nil || r.Body == http.NoBody {
		return out, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	out.Body = io.NopCloser(bytes.NewReader(body))
	return out, nil
}
