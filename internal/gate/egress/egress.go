// Package egress is the way out to addresses that others have typed in: to the public Internet, and to nothing that is
// ours. A name is resolved once, every address it has is looked at, and the connection is made to the very address that
// was looked at; nothing is followed elsewhere.
package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrRefused says that an address is none that may be called. No connection was made.
var ErrRefused = errors.New("egress: not an address that may be called")

// ErrRedirect says that whoever was called sent the caller elsewhere, which is not followed.
var ErrRedirect = errors.New("egress: a redirect is not followed")

// Resolver finds the addresses of a name; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Options of New. The zero value calls public addresses by https on port 443.
type Options struct {
	Resolver Resolver       // nil = that of the system
	Ports    []int          // that may be called; nil = 443
	Allowed  []netip.Prefix // that may be called although they are not public: the network of the government, as somebody who runs the product has said
	TLS      *tls.Config    // roots and certificate of our own; nil = those of the system
	Timeout  time.Duration  // of a whole call; 0 = 10 s
	Plain    bool           // http is allowed, too: for tests and closed networks

	Dialer func(ctx context.Context, network, address string) (net.Conn, error) // makes a connection to an address that was looked at; nil = that of the system
}

// Guard makes connections. It is safe for concurrent use.
type Guard struct {
	o Options
}

// New makes a Guard.
func New(o Options) *Guard {
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.Ports == nil {
		o.Ports = []int{443}
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Dialer == nil {
		o.Dialer = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	}
	return &Guard{o}
}

// special are the blocks that are not the public Internet, by the registries of IANA (RFC 6890 and after), with those
// that carry another address inside.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"168.63.129.16/32", "100.100.100.200/32", // metadata of clouds at addresses that look public
	"::/128", "::1/128", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001:db8::/32", "2002::/16",
	"2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)

func prefixes(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// Public tells whether a is an address of the public Internet. One that is another inside IPv6 is none.
func Public(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" || a.Is4In6() {
		return false
	}
	if a.Is6() && !netip.MustParsePrefix("2000::/3").Contains(a) {
		return false
	}
	return !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) })
}

func (g *Guard) may(a netip.Addr) bool {
	return Public(a) || a.IsValid() && a.Zone() == "" && !a.Is4In6() && slices.ContainsFunc(g.o.Allowed, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Check tells whether an address somebody typed may be called as far as can be said without asking for its name.
func (g *Guard) Check(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil, len(raw) > 500, u.Opaque != "", u.User != nil, u.Fragment != "":
		return nil, ErrRefused
	case u.Scheme != "https" && (u.Scheme != "http" || !g.o.Plain):
		return nil, ErrRefused
	}
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	n, err := strconv.Atoi(port)
	if err != nil || !slices.Contains(g.o.Ports, n) {
		return nil, ErrRefused
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if !g.may(a) {
			return nil, ErrRefused
		}
		return u, nil
	}
	if !isName(host) {
		return nil, ErrRefused
	}
	return u, nil
}

// isName tells whether host is a name of at least two labels of which the last is no number: resolvers read others,
// such as 127.1 and 0x7f000001, as addresses.
func isName(host string) bool {
	host = strings.TrimSuffix(host, ".")
	labels := strings.Split(host, ".")
	if len(host) > 253 || len(labels) < 2 {
		return false
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || strings.HasPrefix(l, "-") || strings.HasSuffix(l, "-") {
			return false
		}
		for i := range len(l) {
			c := l[i]
			if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	last := strings.ToLower(labels[len(labels)-1])
	if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return false
	}
	return !slices.Contains([]string{"localhost", "local", "internal", "localdomain", "lan", "home", "corp", "intranet", "test", "invalid", "onion"}, last)
}

// Dial connects to host and port after having looked at every address that host has: one that may not be called
// refuses them all, so that a name cannot have one of each. It connects to an address that was looked at and asks for
// none anew.
func (g *Guard) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || network != "tcp" {
		return nil, ErrRefused
	}
	if n, err := strconv.Atoi(port); err != nil || !slices.Contains(g.o.Ports, n) {
		return nil, ErrRefused
	}
	var list []netip.Addr
	if a, err := netip.ParseAddr(host); err == nil {
		list = []netip.Addr{a}
	} else if !isName(host) {
		return nil, ErrRefused
	} else {
		if list, err = g.o.Resolver.LookupNetIP(ctx, "ip", host); err != nil {
			return nil, err
		}
		for i, a := range list { // a resolver may write an address of four bytes as one of sixteen
			if a.Is4In6() && a.Zone() == "" {
				list[i] = a.Unmap()
			}
		}
	}
	if len(list) == 0 || slices.ContainsFunc(list, func(a netip.Addr) bool { return !g.may(a) }) {
		return nil, ErrRefused
	}
	var failed error
	for _, a := range list {
		conn, err := g.o.Dialer(ctx, "tcp", net.JoinHostPort(a.String(), port))
		if err == nil {
			return conn, nil
		}
		failed = errors.Join(failed, err)
	}
	return nil, failed
}

// Client is a client that calls by this guard alone: no proxy, no redirect, no cookies, no connection kept for another
// name.
func (g *Guard) Client() *http.Client {
	conf := &tls.Config{}
	if g.o.TLS != nil {
		conf = g.o.TLS.Clone()
	}
	conf.MinVersion = max(conf.MinVersion, tls.VersionTLS12)
	return &http.Client{
		Timeout: g.o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return ErrRedirect
		},
		Transport: &http.Transport{
			DialContext: g.Dial, TLSClientConfig: conf, TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: g.o.Timeout,
			MaxResponseHeaderBytes: 16 << 10, DisableCompression: true, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		},
	}
}
