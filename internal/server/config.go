package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/flow"
	"suiyue/internal/domain/room"
	"suiyue/internal/gate/egress"
)

// Data says where a city is kept.
type Data struct {
	Database string `name:"database" env:"SUIYUE_DATABASE" default:"suiyue.db" placeholder:"SOURCE" group:"data" help:"The database: the path of a SQLite file, or postgres://user@host/name."`
	KeyFile  string `name:"key-file" env:"SUIYUE_KEY_FILE" default:"suiyue.keys" placeholder:"FILE" group:"data" help:"The keyring personal data are sealed with, made at the first start. Without it nobody can read the bookings: keep a copy apart from the database."`
	KEKFile  string `name:"kek-file" env:"SUIYUE_KEK_FILE" placeholder:"FILE" group:"data" help:"The key that opens the keyring, 32 hexadecimal digits. Made with it; keep it apart from copies of the keyring. Default: the key file's name and .kek."`
	KEK      string `name:"kek" env:"SUIYUE_KEK" placeholder:"HEX" group:"data" help:"That key itself, in place of a file. Set the variable, not the flag: a command line can be read by others."`
}

// file returns the path of a SQLite database; false for PostgreSQL.
func (d Data) file() (string, bool) {
	if strings.Contains(d.Database, "://") {
		return "", false
	}
	return strings.TrimPrefix(d.Database, "sqlite:"), true
}

// Logging says how the process writes what it does. Logs never hold personal data.
type Logging struct {
	LogLevel  string `name:"log-level" env:"SUIYUE_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" group:"log" help:"The least level that is written: debug, info, warn or error."`
	LogFormat string `name:"log-format" env:"SUIYUE_LOG_FORMAT" default:"text" enum:"text,json" group:"log" help:"text for people, json for machines."`
}

// HTTP says where and how the pages and the API are served.
type HTTP struct {
	Listen             string         `name:"listen" env:"SUIYUE_LISTEN" default:":8080" placeholder:"HOST:PORT" group:"http" help:"Address to serve on. Port 0 takes a free one."`
	PublicURL          string         `name:"public-url" env:"SUIYUE_PUBLIC_URL" placeholder:"URL" group:"http" help:"The address people open, as https://host. Cookies, sign-in and links follow it. Without it: https://localhost with --tls-cert, http://localhost with --demo."`
	TLSCert            string         `name:"tls-cert" env:"SUIYUE_TLS_CERT" placeholder:"FILE" group:"http" help:"Certificate chain (PEM). With --tls-key the process speaks TLS itself; SIGHUP reads both again."`
	TLSKey             string         `name:"tls-key" env:"SUIYUE_TLS_KEY" placeholder:"FILE" group:"http" help:"Private key of the certificate (PEM)."`
	ClientCA           string         `name:"client-ca" env:"SUIYUE_CLIENT_CA" placeholder:"FILE" group:"http" help:"Certificates (PEM) that client certificates of connected systems are issued by. Who shows one is checked; a key may be bound to it. Needs --tls-cert; SIGHUP reads it again."`
	TrustedProxies     []netip.Prefix `name:"trusted-proxies" env:"SUIYUE_TRUSTED_PROXIES" placeholder:"CIDR" group:"http" help:"Networks whose X-Forwarded-For is believed, separated by commas."`
	DepartmentNetworks []netip.Prefix `name:"department-networks" env:"SUIYUE_DEPARTMENT_NETWORKS" placeholder:"CIDR" group:"http" help:"Networks, not public ones, in which departments' own systems may be asked, separated by commas."`
	DepartmentPorts    []int          `name:"department-ports" env:"SUIYUE_DEPARTMENT_PORTS" default:"443" placeholder:"PORT" group:"http" help:"Ports at which they may be asked, separated by commas."`
	DepartmentPlain    bool           `name:"department-plain" env:"SUIYUE_DEPARTMENT_PLAIN" group:"http" help:"They may be asked without TLS, too: for tests."`
	Frame              []string       `name:"frame" env:"SUIYUE_FRAME" placeholder:"ENTRANCE=ORIGIN" group:"http" help:"Pages of an entrance in which ours may stand, separated by commas: suihaoban=https://host or gdzwfw=https://host, see docs/entrances.md."`
	HallSounds         string         `name:"hall-sounds" env:"SUIYUE_HALL_SOUNDS" placeholder:"FOLDER" group:"http" help:"Recorded numbers for call displays whose browser has no voice of a language: FOLDER/zh-Hant/a.mp3 and so on, see docs/hall-display.md."`
	MetricsListen      string         `name:"metrics-listen" env:"SUIYUE_METRICS_LISTEN" placeholder:"HOST:PORT" group:"http" help:"Serve /metrics (Prometheus), /healthz and /readyz here too. Keep it off the open network. Default: no such address, and no /metrics."`
}

// SignIn says who vouches for people's real names (Art. 12).
type SignIn struct {
	Identity           string `name:"identity" env:"SUIYUE_IDENTITY" default:"oidc" enum:"oidc,tyrz,dev" group:"identity" help:"oidc: an OpenID Connect provider. tyrz: the provincial unified identity platform. dev: a page of test persons, with --demo only."`
	IdentityURL        string `name:"identity-url" env:"SUIYUE_IDENTITY_URL" placeholder:"URL" group:"identity" help:"oidc: the issuer. tyrz: the platform's address, as https://tyrz.gd.gov.cn."`
	IdentityClient     string `name:"identity-client" env:"SUIYUE_IDENTITY_CLIENT" placeholder:"ID" group:"identity" help:"Our client id there. The redirect address to register is the public URL and /sign-in/callback."`
	IdentitySecret     string `name:"identity-secret" env:"SUIYUE_IDENTITY_SECRET" placeholder:"SECRET" group:"identity" help:"Our client secret. Prefer the variable or --identity-secret-file: a command line can be read by others."`
	IdentitySecretFile string `name:"identity-secret-file" env:"SUIYUE_IDENTITY_SECRET_FILE" placeholder:"FILE" group:"identity" help:"File that holds the client secret, on one line."`
	IdentityState      string `name:"identity-state" env:"SUIYUE_IDENTITY_STATE" default:"echo" enum:"echo,redirect,bound" group:"identity" help:"tyrz: how the platform brings a sign-in's state back: echo, redirect (in the query of the redirect address) or bound (not at all)."`
}

// Texting says who carries short messages.
type Texting struct {
	SMS         string `name:"sms" env:"SUIYUE_SMS" default:"outbox" enum:"outbox,file,gateways" group:"sms" help:"outbox: keep the last messages in memory, send nothing. file: append them to a file. gateways: hand them to the carriers of --sms-gateways."`
	SMSFile     string `name:"sms-file" env:"SUIYUE_SMS_FILE" default:"suiyue-sms.jsonl" placeholder:"FILE" group:"sms" help:"The file of --sms=file. It holds phones and texts."`
	SMSGateways string `name:"sms-gateways" env:"SUIYUE_SMS_GATEWAYS" default:"suiyue-gateways.json" placeholder:"FILE" group:"sms" help:"The carriers of --sms=gateways, in order of preference, as docs/operating.md says. It holds secrets."`
}

// Posting says to which addresses of connected systems events may be posted, besides those of the public Internet.
type Posting struct {
	WebhookNetworks []netip.Prefix `name:"webhook-networks" env:"SUIYUE_WEBHOOK_NETWORKS" placeholder:"CIDR" group:"webhooks" help:"Private networks whose addresses events may be posted to, separated by commas: the government's own, as 10.20.0.0/16."`
	WebhookPorts    []int          `name:"webhook-ports" env:"SUIYUE_WEBHOOK_PORTS" placeholder:"PORT" default:"443" group:"webhooks" help:"Ports that events may be posted to, separated by commas."`
	WebhookCA       string         `name:"webhook-ca" env:"SUIYUE_WEBHOOK_CA" placeholder:"FILE" group:"webhooks" help:"Certificates (PEM) that vouch for those addresses, besides those the system trusts."`
}

// private are the networks that --webhook-networks may name: what is shared with nobody outside, and not this machine.
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("fc00::/7"),
}

// guard is the way out to the addresses of connected systems. A demonstration may call this machine where it is named,
// and without TLS.
func (c *Config) guard() (*egress.Guard, error) {
	o := egress.Options{Allowed: c.WebhookNetworks, Ports: c.WebhookPorts, Plain: c.Demo}
	if c.WebhookCA != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("certificates of the system: %w", err)
		}
		text, err := os.ReadFile(c.WebhookCA)
		if err != nil {
			return nil, fmt.Errorf("--webhook-ca cannot be read: %w", err)
		}
		if !pool.AppendCertsFromPEM(text) {
			return nil, errors.New("--webhook-ca holds no certificate")
		}
		o.TLS = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return egress.New(o), nil
}

func (c *Config) validatePosting(bad func(string, ...any)) {
	for _, p := range c.WebhookNetworks {
		within := slices.ContainsFunc(private, func(q netip.Prefix) bool { return q.Bits() <= p.Bits() && q.Contains(p.Addr()) })
		if !p.IsValid() || p != p.Masked() || !within && !(c.Demo && p.Addr().IsLoopback()) {
			bad("--webhook-networks: %s is no private network, as 10.20.0.0/16", p)
		}
	}
	for _, n := range c.WebhookPorts {
		if n < 1 || n > 65535 {
			bad("--webhook-ports must lie between 1 and 65535")
		}
	}
	if _, err := c.guard(); err != nil {
		bad("%w", err)
	}
}

// Limits protect the process. Rates are requests per second with room for a burst.
type Limits struct {
	AddressRate    float64       `name:"address-rate" env:"SUIYUE_ADDRESS_RATE" default:"50" group:"limits" help:"Requests a second from one client address. 0 = no limit."`
	AddressBurst   int           `name:"address-burst" env:"SUIYUE_ADDRESS_BURST" default:"200" group:"limits" help:"Requests at once from one client address."`
	AccountRate    float64       `name:"account-rate" env:"SUIYUE_ACCOUNT_RATE" default:"2" group:"limits" help:"Booking, moving and cancelling requests a second of one signed-in person. 0 = no limit."`
	AccountBurst   int           `name:"account-burst" env:"SUIYUE_ACCOUNT_BURST" default:"20" group:"limits" help:"Such requests at once."`
	RoomInside     int           `name:"room-inside" env:"SUIYUE_ROOM_INSIDE" default:"1000" group:"limits" help:"People who may be booking at once before the next ones wait in the waiting room. 0 = no waiting room."`
	RoomLine       int           `name:"room-line" env:"SUIYUE_ROOM_LINE" default:"20000" group:"limits" help:"Most people in the line of the waiting room; more are told to come again later."`
	ProofBits      int           `name:"proof-bits" env:"SUIYUE_PROOF_BITS" default:"0" group:"limits" help:"Zero bits of the proof of work the waiting room asks for in a rush; 16 is a fifth of a second of a phone. Who brings none waits a few seconds instead. 0 = none is asked for."`
	ProofLine      int           `name:"proof-line" env:"SUIYUE_PROOF_LINE" default:"1000" group:"limits" help:"People in the line of the waiting room from which on it is asked for."`
	Steps          bool          `name:"steps" env:"SUIYUE_STEPS" default:"true" negatable:"" group:"limits" help:"A booking through the interface needs the token of the step before it (POST /bookings/quote)."`
	MaxBody        int64         `name:"max-body" env:"SUIYUE_MAX_BODY" default:"65536" group:"limits" help:"Bytes of a request body."`
	DrainDelay     time.Duration `name:"drain-delay" env:"SUIYUE_DRAIN_DELAY" default:"0s" group:"limits" help:"At a stop: how long /readyz says no before connections are refused, so that a load balancer sees it."`
	RequestTimeout time.Duration `name:"request-timeout" env:"SUIYUE_REQUEST_TIMEOUT" default:"20s" group:"limits" help:"Longest a request may take."`
	Connections    int           `name:"connections" env:"SUIYUE_CONNECTIONS" default:"16" group:"limits" help:"Most database connections, besides one for each lane."`
	Lanes          int           `name:"lanes" env:"SUIYUE_LANES" default:"0" group:"limits" help:"Lanes of group commit. 0 = one on SQLite, two on PostgreSQL."`
}

// DefaultLimits returns the limits that hold where nothing else is set.
func DefaultLimits() Limits {
	return Limits{
		AddressRate: 50, AddressBurst: 200, AccountRate: 2, AccountBurst: 20, RoomInside: 1000, RoomLine: 20_000, ProofLine: 1000, Steps: true,
		MaxBody: 64 << 10, RequestTimeout: 20 * time.Second, Connections: 16,
	}
}

// room is the waiting room of a node, nil for none.
func (l Limits) room() *room.Rules {
	if l.RoomInside == 0 {
		return nil
	}
	r := room.Default()
	r.Inside, r.Line = l.RoomInside, l.RoomLine
	return &r
}

// Showing is for demonstrations only.
type Showing struct {
	Demo       bool          `name:"demo" env:"SUIYUE_DEMO" group:"demo" help:"A demonstration: test persons, a clock that can be moved (/demo), outgoing messages on a page. Never for real people."`
	DemoPeople int           `name:"demo-people" env:"SUIYUE_DEMO_PEOPLE" default:"0" group:"demo" help:"With --demo: at least this many test persons, for load tools."`
	ClockShift time.Duration `name:"clock-shift" env:"SUIYUE_CLOCK_SHIFT" default:"0s" group:"demo" help:"With --demo: run the clock this much ahead, as 26h30m."`
}

// Config is every setting of a serving process. Each field names its flag, its variable, its default
// and what it means; a flag wins over a variable, a variable over the default.
type Config struct {
	Data
	Logging
	HTTP
	SignIn
	Texting
	Posting
	Limits
	Showing
	Migrate bool `name:"migrate" env:"SUIYUE_MIGRATE" group:"data" help:"Bring the schema up to date before serving."`

	// Plain answers the textbook way, for `suiyue bench` to compare with (app.Config.Plain).
	Plain bool `kong:"-"`

	// AnyPort lets the process take a free port when that of Listen is taken.
	AnyPort bool `kong:"-"`
}

// Validate finds everything that is wrong with the settings taken together.
func (c *Config) Validate() error {
	var wrong []error
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if c.Database == "" {
		bad("--database is empty")
	}
	if c.KeyFile == "" {
		bad("--key-file is empty")
	}
	if c.KEK != "" && c.KEKFile != "" {
		bad("--kek and --kek-file exclude each other")
	}
	if c.DrainDelay < 0 || c.DrainDelay > time.Minute {
		bad("--drain-delay must lie between 0s and 1m")
	}
	if c.DemoPeople < 0 || c.DemoPeople > 1_000_000 || c.DemoPeople > 0 && !c.Demo {
		bad("--demo-people must lie between 0 and 1000000 and needs --demo")
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		bad("--listen must be host:port, as :8080 or 127.0.0.1:8080")
	}
	if c.MetricsListen != "" {
		if _, _, err := net.SplitHostPort(c.MetricsListen); err != nil {
			bad("--metrics-listen must be host:port, as 127.0.0.1:9464")
		}
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			bad("--public-url must be http(s)://host and nothing behind it")
		}
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		bad("--tls-cert and --tls-key belong together")
	} else if c.TLSCert != "" {
		if _, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey); err != nil {
			bad("--tls-cert and --tls-key cannot be used: %w", err)
		}
	}
	if c.ClientCA != "" && c.TLSCert == "" {
		bad("--client-ca needs --tls-cert: whoever speaks TLS checks certificates")
	} else if c.ClientCA != "" {
		if _, err := c.clientCAs(); err != nil {
			bad("%w", err)
		}
	}
	if _, err := c.frames(); err != nil {
		bad("%w", err)
	}
	if !c.Demo && !strings.HasPrefix(c.PublicURL, "https://") && c.TLSCert == "" {
		bad("--public-url must be set to the https:// address people open: names and numbers never travel in clear (or try `suiyue demo`)")
	}
	c.validateSignIn(bad)
	c.validatePosting(bad)
	if c.RoomInside < 0 || c.RoomInside > 0 && c.RoomLine < 1 {
		bad("--room-inside must not be negative, and --room-line at least 1")
	}
	if c.ProofBits < 0 || c.ProofBits > flow.MostBits || c.ProofLine < 0 {
		bad("--proof-bits must lie between 0 and %d, and --proof-line must not be negative", flow.MostBits)
	}
	if c.AddressRate < 0 || c.AddressBurst < 0 || c.AccountRate < 0 || c.AccountBurst < 0 {
		bad("rates and bursts cannot be negative")
	}
	if c.MaxBody < 1024 || c.MaxBody > 16<<20 {
		bad("--max-body must lie between 1024 and 16777216")
	}
	if c.RequestTimeout < time.Second || c.RequestTimeout > 40*time.Second {
		bad("--request-timeout must lie between 1s and 40s")
	}
	if c.Connections < 2 || c.Connections > 1000 {
		bad("--connections must lie between 2 and 1000")
	}
	if c.Lanes < 0 || c.Lanes > 64 {
		bad("--lanes must lie between 0 and 64")
	}
	if c.ClockShift != 0 && !c.Demo {
		bad("--clock-shift needs --demo: real people are served by the real clock")
	}
	return errors.Join(wrong...)
}

func (c *Config) validateSignIn(bad func(string, ...any)) {
	if c.Identity == "dev" {
		if !c.Demo {
			bad("--identity=dev needs --demo: it signs in anybody as anybody")
		}
		return
	}
	if c.IdentityURL == "" || c.IdentityClient == "" {
		bad("--identity=%s needs --identity-url and --identity-client (or try `suiyue demo`)", c.Identity)
	}
	if c.IdentitySecret != "" && c.IdentitySecretFile != "" {
		bad("--identity-secret and --identity-secret-file exclude each other")
	}
	if c.Identity == "tyrz" && c.IdentitySecret == "" && c.IdentitySecretFile == "" {
		bad("--identity=tyrz needs --identity-secret-file")
	}
}

// clientCAs reads the certificates of --client-ca.
func (c *Config) clientCAs() (*x509.CertPool, error) {
	text, err := os.ReadFile(c.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("--client-ca cannot be read: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("--client-ca holds no certificate")
	}
	return pool, nil
}

// secret returns our client secret at the identity provider.
func (c *Config) secret() (string, error) {
	if c.IdentitySecretFile == "" {
		return c.IdentitySecret, nil
	}
	b, err := os.ReadFile(c.IdentitySecretFile)
	if err != nil {
		return "", fmt.Errorf("--identity-secret-file: %w", err)
	}
	s := strings.TrimSpace(string(b))
	if s == "" || strings.ContainsAny(s, "\r\n") {
		return "", errors.New("--identity-secret-file must hold one line")
	}
	return s, nil
}

// publicURL is the address people open, without trailing slash, once port is known.
func (c *Config) publicURL(port string) string {
	if c.PublicURL != "" {
		return strings.TrimRight(c.PublicURL, "/")
	}
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://localhost:" + port
}
