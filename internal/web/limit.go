package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"suiyue/internal/domain/fault"
)

// Limit is a steady rate per key with room for a burst.
type Limit struct {
	Rate  float64 // requests a second
	Burst int     // at once; at least 1
	Keys  int     // keys remembered; 0 = 100 000
}

// Limiter answers how long a key must wait. It remembers at most Limit.Keys keys: when the younger
// half is full the older half is forgotten, so memory is bounded whatever strangers send.
type Limiter struct {
	limit Limit
	now   func() time.Time

	mu         sync.Mutex
	young, old map[string]*rate.Limiter
}

// NewLimiter makes a Limiter.
func NewLimiter(l Limit, now func() time.Time) *Limiter {
	l.Burst = max(l.Burst, 1)
	if l.Keys <= 0 {
		l.Keys = 100_000
	}
	return &Limiter{limit: l, now: now, young: make(map[string]*rate.Limiter)}
}

// Take uses one request of key's allowance. It returns 0, or how long to wait when none is left. nil has no limit.
func (l *Limiter) Take(key string) time.Duration {
	if l == nil {
		return 0
	}
	now := l.now()
	res := l.bucket(key).ReserveN(now, 1)
	wait := res.DelayFrom(now)
	if wait > 0 {
		res.CancelAt(now)
	}
	return wait
}

func (l *Limiter) bucket(key string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.young[key]; ok {
		return b
	}
	b, ok := l.old[key]
	if !ok {
		b = rate.NewLimiter(rate.Limit(l.limit.Rate), l.limit.Burst)
	}
	if len(l.young) >= max(1, l.limit.Keys/2) {
		l.old, l.young = l.young, make(map[string]*rate.Limiter)
	}
	l.young[key] = b
	return b
}

// LimitBy refuses with 429 whoever is over the limit; key names the account, "" lets through.
func (s *Site) LimitBy(l *Limiter, key func(*http.Request) string, next Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if k := key(r); k != "" {
			if wait := l.Take(k); wait > 0 {
				return fault.New(fault.TooManyRequests).After(wait)
			}
		}
		return next(w, r)
	}
}

// addressKey groups addresses one customer holds: an IPv4 address, an IPv6 /64.
func addressKey(a netip.Addr) string {
	a = a.Unmap()
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.Addr().String()
		}
	}
	return a.String()
}

// clientAddr is the peer's address, or behind trusted proxies the last address in X-Forwarded-For
// that is not one of them. Anything unreadable in the header ends the search.
func clientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	addr = addr.Unmap()
	if !contains(trusted, addr) {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return addr
		}
		addr = hop.Unmap()
		if !contains(trusted, addr) {
			return addr
		}
	}
	return addr
}

func contains(set []netip.Prefix, a netip.Addr) bool {
	for _, p := range set {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
