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
)

// refused are addresses that somebody may type to reach what is ours.
var refused = strings.Fields(`
127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 172.16.0.1 172.20.1.1 172.31.255.254 192.168.0.1 192.168.255.255
169.254.0.1 169.254.169.254 169.254.170.2 169.254.255.255 100.64.0.1 100.100.100.200 100.127.255.254 192.0.0.1 192.0.0.8 192.0.0.192 192.0.2.1 198.18.0.1 198.19.255.255
198.51.100.1 203.0.113.1 192.88.99.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 168.63.129.16 192.175.48.1 192.31.196.1 192.52.193.1
[::] [::1] [::2] [::127.0.0.1] [::7f00:1] [::10.0.0.1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:10.0.0.1] [::ffff:169.254.169.254] [::ffff:8.8.8.8] [::ffff:0:127.0.0.1]
[64:ff9b::127.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b::8.8.8.8] [64:ff9b:1::1] [100::1] [2001::1] [2001:0:7f00:1::] [2001:2::1] [2001:10::1] [2001:20::1] [2001:db8::1] [2002:7f00:1::] [2002:a9fe:a9fe::1]
[2002:0a00:0001::] [fc00::1] [fd00::1] [fd00:ec2::254] [fdff:ffff::1] [fe80::1] [fe80::1%25eth0] [fe80::1%25lo] [febf::1] [fec0::1] [ff02::1] [ff05::2] [3fff::1] [5f00::1] [4000::1] [8000::1]
[0:0:0:0:0:0:0:1] [0:0:0:0:0:ffff:7f00:0001] [::ffff:c0a8:1] [2620:4f:8000::1]
localhost localhost. LOCALHOST a.localhost foo.local metadata.google.internal router.lan db.internal host.localdomain intranet name
127.1 127.0.1 0 1 017700000001 2130706433 0x7f000001 0x7f.0.0.1 0x7f.1 0177.0.0.1 00000177.0.0.1 127.0.0.01 127.0.0.1. 1.2.3 10.1 192.168.257 3232235521 0xA9FEA9FE 0251.0376.0251.0376
169.254.43518 [::ffff:127.0.0.1%25x] a..b -a.example a-.example ①②⑦.⓪.⓪.① 127。0。0。1 exa%00mple.org user@127.0.0.1 example.org:80 example.org:22 example.org:8443 example.org:0 example.org:99999 127.0.0.1:443 [::1]:443
`)

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
	if len(refused) < 120 {
		t.Fatalf("only %d addresses", len(refused))
	}
	for _, host := range refused {
		// A resolver that would follow whatever it is asked for into the house.
		g := New(Options{Resolver: &names{list: [][]netip.Addr{addrs("127.0.0.1")}}, dial: noConnection(t)})
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
	for _, host := range refused {
		a, err := netip.ParseAddr(strings.Trim(strings.ReplaceAll(host, "%25", "%"), "[]"))
		if err != nil {
			continue
		}
		n++
		for _, list := range [][]netip.Addr{{a}, {netip.MustParseAddr("8.8.8.8"), a}, {a, netip.MustParseAddr("2606:4700::1111")}} {
			if a.Is4In6() && Public(a.Unmap()) { // how a resolver may write a public address
				continue
			}
			g := New(Options{Resolver: &names{list: [][]netip.Addr{list}}, dial: noConnection(t)})
			if _, err := g.Dial(t.Context(), "tcp", "hooks.example.org:443"); !errors.Is(err, ErrRefused) {
				t.Errorf("a name with %v: %v", list, err)
			}
		}
	}
	if n < 70 {
		t.Errorf("only %d addresses", n)
	}
	if _, err := New(Options{Resolver: &names{list: [][]netip.Addr{nil}}, dial: noConnection(t)}).Dial(t.Context(), "tcp", "hooks.example.org:443"); !errors.Is(err, ErrRefused) {
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
	g := New(Options{Resolver: r, dial: func(_ context.Context, _, address string) (net.Conn, error) {
		called = append(called, address)
		return nil, errors.New("unreachable")
	}})
	if _, err := g.Dial(t.Context(), "tcp", "hooks.example.org:443"); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("dial: %v", err)
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
