package egress

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"suiyue/internal/gate/egress/egresstest"
)

// noConnection fails the test when a connection is made.
func noConnection(t *testing.T) func(context.Context, string, string) (net.Conn, error) {
	return func(_ context.Context, _, address string) (net.Conn, error) {
		t.Errorf("a connection to %s", address)
		return nil, errors.New("no")
	}
}

// names resolves every name to the addresses of a test.
type names struct {
	list  [][]netip.Addr // of each question in turn, the last for ever
	asked atomic.Int64
}

func (n *names) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	i := int(n.asked.Add(1)) - 1
	return append([]netip.Addr(nil), n.list[min(i, len(n.list)-1)]...), nil
}

func addrs(list ...string) (out []netip.Addr) {
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

func TestNoConnectionToWhatIsOurs(t *testing.T) {
	if len(egresstest.Refused) < 120 {
		t.Fatalf("only %d addresses", len(egresstest.Refused))
	}
	for _, host := range egresstest.Refused {
		// A resolver that would follow whatever it is asked for into the house.
		g := New(Options{Resolver: &names{list: [][]netip.Addr{addrs("127.0.0.1")}}, Dialer: noConnection(t)})
		if _, err := g.Check("https://" + host + "/hook"); !errors.Is(err, ErrRefused) {
			t.Errorf("%s is let through: %v", host, err)
		}
		if res, err := g.Client().Get("https://" + host + "/hook"); err == nil {
			res.Body.Close()
			t.Errorf("%s was called", host)
		}
	}
}

// A name may have any address: every one that is ours refuses it, mixed with a public one, too.
func TestNoConnectionByName(t *testing.T) {
	n := 0
	for _, host := range egresstest.Refused {
		a, err := netip.ParseAddr(strings.Trim(strings.ReplaceAll(host, "%25", "%"), "[]"))
		if err != nil {
			continue
		}
		n++
		for _, list := range [][]netip.Addr{{a}, {netip.MustParseAddr("8.8.8.8"), a}, {a, netip.MustParseAddr("2606:4700::1111")}} {
			if a.Is4In6() && Public(a.Unmap()) { // how a resolver may write a public address
				continue
			}
			g := New(Options{Resolver: &names{list: [][]netip.Addr{list}}, Dialer: noConnection(t)})
			if _, err := g.Dial(t.Context(), "tcp", "hooks.example.org:443"); !errors.Is(err, ErrRefused) {
				t.Errorf("a name with %v: %v", list, err)
			}
		}
	}
	if n < 70 {
		t.Errorf("only %d addresses", n)
	}
	if _, err := New(Options{Resolver: &names{list: [][]netip.Addr{nil}}, Dialer: noConnection(t)}).Dial(t.Context(), "tcp", "hooks.example.org:443"); !errors.Is(err, ErrRefused) {
		t.Errorf("a name without an address: %v", err)
	}
}

func TestPublicAddressesAreCalled(t *testing.T) {
	for _, a := range addrs("8.8.8.8", "1.1.1.1", "223.5.5.5", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.167.255.255", "11.0.0.1", "2606:4700::1111", "2400:3200::1", "240e::1") {
		if !Public(a) {
			t.Errorf("%s is refused", a)
		}
	}
}

// Who answers with a public address first and with one of ours then is called at the first: it is asked once.
func TestTheAddressIsPinned(t *testing.T) {
	r := &names{list: [][]netip.Addr{addrs("8.8.8.8"), addrs("127.0.0.1")}}
	var called []string
	g := New(Options{Resolver: r, Dialer: func(_ context.Context, _, address string) (net.Conn, error) {
		called = append(called, address)
		return nil, errors.New("unreachable")
	}})
	if _, err := g.Dial(t.Context(), "tcp", "hooks.example.org:443"); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("Dialer: %v", err)
	}
	if r.asked.Load() != 1 || len(called) != 1 || called[0] != "8.8.8.8:443" {
		t.Errorf("asked %d times, called %v", r.asked.Load(), called)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	var hits atomic.Int64
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		http.Redirect(w, r, "https://127.0.0.1/elsewhere", http.StatusFound)
	}))
	defer srv.Close()
	_, text, _ := net.SplitHostPort(srv.Listener.Addr().String())
	port, _ := strconv.Atoi(text)
	tls := srv.Client().Transport.(*http.Transport).TLSClientConfig
	closed := Options{Ports: []int{port}, TLS: tls}
	if _, err := New(closed).Client().Get(srv.URL); !errors.Is(err, ErrRefused) || hits.Load() != 0 {
		t.Errorf("our own address: %v, %d calls", err, hits.Load())
	}
	open := closed
	open.Allowed = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	if _, err := New(open).Client().Get(srv.URL); !errors.Is(err, ErrRedirect) || hits.Load() != 1 {
		t.Errorf("one that was allowed, and redirects: %v, %d calls", err, hits.Load())
	}
}
