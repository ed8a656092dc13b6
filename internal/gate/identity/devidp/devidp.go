// Package devidp is an OpenID Connect provider for development and demonstration: whoever opens its
// page chooses a test person and is signed in as them. It speaks discovery, the authorization code
// flow with PKCE (S256, demanded), userinfo, key set and RP-initiated logout, and signs with a key
// made at its start. It has no passwords, so it is made in development mode only.
package devidp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"suiyue/internal/gate/identity/testpeople"
)

// Options describe a development provider and the one client it serves.
type Options struct {
	DevMode bool   // must be true: New refuses otherwise
	Issuer  string // absolute address without trailing slash; its path is the prefix to mount at

	ClientID           string
	ClientSecret       string // "" = public client
	RedirectURIs       []string
	PostLogoutURIs     []string
	Stylesheet         string              // address on the same origin; "" = the built-in one
	AllowLoginHint     bool                // login_hint=<person id> signs in without the page: load tools only
	People             []testpeople.Person // nil = testpeople.All()
	Algorithm          jose.SignatureAlgorithm
	Now                func() time.Time
	CodeLife, TokenTTL time.Duration // 0 = one minute, five minutes
}

// Server is the provider. It serves every address under the path of its issuer, which the caller
// leaves in place (no http.StripPrefix).
type Server struct {
	opt    Options
	prefix string
	signer jose.Signer
	keys   jose.JSONWebKeySet
	people map[string]testpeople.Person
	codes  *testpeople.Tickets[grant]
	spent  *testpeople.Tickets[string] // by code: the access token it gave, to end it on replay
	tokens *testpeople.Tickets[access]
	mux    *http.ServeMux
}

// grant is what a code stands for.
type grant struct {
	person, redirectURI, nonce, challenge, scope string
	authTime                                     time.Time
}

// access is what an access token stands for.
type access struct{ person, scope string }

// New makes the provider and its signing key (ES256 unless Algorithm is RS256).
func New(opt Options) (*Server, error) {
	if !opt.DevMode {
		return nil, errors.New("devidp: it signs in anybody as anybody, so development mode must be set explicitly")
	}
	issuer, err := url.Parse(opt.Issuer)
	if err != nil || issuer.Host == "" || issuer.RawQuery != "" || issuer.Fragment != "" || strings.HasSuffix(opt.Issuer, "/") {
		return nil, errors.New("devidp: issuer must be an absolute address without trailing slash, query or fragment")
	}
	if opt.ClientID == "" || len(opt.RedirectURIs) == 0 || opt.Now == nil {
		return nil, errors.New("devidp: client id, redirect addresses and clock must be set")
	}
	if opt.People == nil {
		opt.People = testpeople.All()
	}
	if opt.Algorithm == "" {
		opt.Algorithm = jose.ES256
	}
	if opt.CodeLife <= 0 {
		opt.CodeLife = time.Minute
	}
	if opt.TokenTTL <= 0 {
		opt.TokenTTL = 5 * time.Minute
	}
	s := &Server{
		opt: opt, prefix: issuer.Path, people: map[string]testpeople.Person{},
		codes:  testpeople.NewTickets[grant](opt.CodeLife, opt.Now),
		spent:  testpeople.NewTickets[string](opt.TokenTTL, opt.Now),
		tokens: testpeople.NewTickets[access](opt.TokenTTL, opt.Now),
		mux:    http.NewServeMux(),
	}
	if opt.Stylesheet == "" {
		s.opt.Stylesheet = s.prefix + "/style.css"
	}
	for _, p := range opt.People {
		s.people[p.ID] = p
	}
	if err := s.makeKey(); err != nil {
		return nil, err
	}
	s.mux.HandleFunc("GET "+s.prefix+"/.well-known/openid-configuration", s.discovery)
	s.mux.HandleFunc("GET "+s.prefix+"/jwks", s.jwks)
	s.mux.HandleFunc("GET "+s.prefix+"/authorize", s.authorize)
	s.mux.HandleFunc("POST "+s.prefix+"/authorize", s.choose)
	s.mux.HandleFunc("POST "+s.prefix+"/token", s.token)
	s.mux.HandleFunc("GET "+s.prefix+"/userinfo", s.userinfo)
	s.mux.HandleFunc("POST "+s.prefix+"/userinfo", s.userinfo)
	s.mux.HandleFunc("GET "+s.prefix+"/logout", s.logout)
	s.mux.HandleFunc("GET "+s.prefix+"/style.css", s.style)
	return s, nil
}

func (s *Server) makeKey() error {
	var private crypto.Signer
	var err error
	switch s.opt.Algorithm {
	case jose.ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.RS256:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		return fmt.Errorf("devidp: signs with ES256 or RS256 only")
	}
	if err != nil {
		return fmt.Errorf("devidp: make key: %w", err)
	}
	id := rand.Text()
	s.signer, err = jose.NewSigner(
		jose.SigningKey{Algorithm: s.opt.Algorithm, Key: jose.JSONWebKey{Key: private, KeyID: id}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return fmt.Errorf("devidp: signer: %w", err)
	}
	s.keys.Keys = []jose.JSONWebKey{{Key: private.Public(), KeyID: id, Algorithm: string(s.opt.Algorithm), Use: "sig"}}
	return nil
}

// Prefix is the path under which the server wants to be mounted, without trailing slash.
func (s *Server) Prefix() string { return s.prefix }

// ServeHTTP serves the provider.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	s.mux.ServeHTTP(w, r)
}

// document is the configuration a relying party discovers (OpenID Connect Discovery 1.0, RFC 9207).
type document struct {
	Issuer        string   `json:"issuer"`
	Authorize     string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	UserInfo      string   `json:"userinfo_endpoint"`
	JWKS          string   `json:"jwks_uri"`
	EndSession    string   `json:"end_session_endpoint"`
	Scopes        []string `json:"scopes_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	ResponseModes []string `json:"response_modes_supported"`
	GrantTypes    []string `json:"grant_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	Claims        []string `json:"claims_supported"`
	UILocales     []string `json:"ui_locales_supported"`
	ClaimsParam   bool     `json:"claims_parameter_supported"`
	RequestParam  bool     `json:"request_parameter_supported"`
	RequestURI    bool     `json:"request_uri_parameter_supported"`
	IssInResponse bool     `json:"authorization_response_iss_parameter_supported"`
}

func (s *Server) discovery(w http.ResponseWriter, _ *http.Request) {
	methods := []string{"client_secret_basic", "client_secret_post"}
	if s.opt.ClientSecret == "" {
		methods = []string{"none"}
	}
	at := s.opt.Issuer
	answer(w, http.StatusOK, document{
		Issuer: at, Authorize: at + "/authorize", Token: at + "/token", UserInfo: at + "/userinfo",
		JWKS: at + "/jwks", EndSession: at + "/logout",
		Scopes:        []string{"openid", "profile", "phone", "real_name"},
		ResponseTypes: []string{"code"}, ResponseModes: []string{"query"}, GrantTypes: []string{"authorization_code"},
		SubjectTypes: []string{"public"}, Algorithms: []string{string(s.opt.Algorithm)},
		AuthMethods: methods, Challenges: []string{"S256"},
		Claims: []string{"sub", "name", "phone_number", "document_kind", "document_number", "nationality",
			"real_name_level", "organisations"},
		UILocales:     []string{"zh-Hans", "zh-Hant", "en"},
		IssInResponse: true,
	})
}

func (s *Server) jwks(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, s.keys) }

func (s *Server) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=600")
	_, _ = w.Write(testpeople.Style())
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	to := q.Get("post_logout_redirect_uri")
	if q.Get("client_id") != s.opt.ClientID || !slices.Contains(s.opt.PostLogoutURIs, to) {
		plain(w, http.StatusBadRequest, "client_id or post_logout_redirect_uri is not registered")
		return
	}
	// There is no session here to end: the page asks anew each time.
	more := url.Values{}
	if q.Has("state") {
		more.Set("state", q.Get("state"))
	}
	redirect(w, r, to, more)
}

// answer writes JSON that nobody keeps.
func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		plain(w, http.StatusInternalServerError, "not written")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// plain tells a developer what is wrong with a request that cannot be sent back to the client.
func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text)
}

// redirect sends the browser to a registered address with more added to its query.
func redirect(w http.ResponseWriter, r *http.Request, to string, more url.Values) {
	u, err := url.Parse(to)
	if err != nil {
		plain(w, http.StatusBadRequest, "redirect address cannot be read")
		return
	}
	q := u.Query()
	for k, v := range more {
		q[k] = v
	}
	u.RawQuery = q.Encode()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, u.String(), http.StatusSeeOther)
}
