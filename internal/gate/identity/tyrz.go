package identitygate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// StateWay says how the provincial platform is made to bring our state back. Its authorize address
// knows no state parameter in the samples seen, and redirect addresses are registered exactly.
type StateWay int

const (
	// StateEcho sends the standard state parameter and demands it back. It is the default: on
	// a platform that drops state every sign-in is refused, none is accepted unbound.
	StateEcho StateWay = iota

	// StateRedirect also writes the state into the query of redirect_uri (sy_state) and demands
	// at least one of the two back. For a registration that allows a query behind the address.
	StateRedirect

	// StateBound accepts a callback without any state, bound only by Pending; one that is
	// there must still be right. Only for a caller that opens Pending by a POST with CSRF
	// protection and uses it once: else a stranger could sign a person in as somebody else.
	StateBound
)

const redirectState = "sy_state"

// TyrzConfig describes our registration with the provincial unified identity platform.
type TyrzConfig struct {
	Name         string // short name, e.g. "tyrz"
	Base         string // https://tyrz.gd.gov.cn, or the test platform
	ClientID     string
	ClientSecret string
	RedirectURI  string // registered exactly
	StateWay     StateWay
	GrantType    string // "" = authorization_code; the platform's older contracts say "code"
	LogoutURL    string // the platform's sign-out page if the contract names one, else ""
	LogoutReturn string // name of its return parameter; "" = redirect_uri
	Mapping      Mapping
	Timeout      time.Duration     // of one request to the platform; 0 = 5 s
	AllowPlain   bool              // http instead of https: development only
	Transport    http.RoundTripper // nil = the network
	Now          func() time.Time
}

// Tyrz is the driver for the provincial platform's variant of OAuth 2.0: authorize, access_token,
// tokeninfo; no discovery, no ID token, no PKCE, refusals as error_code and error_msg, also with
// status 200.
type Tyrz struct {
	cfg    TyrzConfig
	base   *url.URL
	client *http.Client
}

const tyrzPath = "/tif/sso/connect/page/oauth2/"

// NewTyrz checks the configuration; it does not speak to the platform.
func NewTyrz(cfg TyrzConfig) (*Tyrz, error) {
	if cfg.Name == "" || cfg.ClientID == "" || cfg.ClientSecret == "" || cfg.Now == nil || !cfg.Mapping.complete() {
		return nil, errors.New("identitygate: name, client id, client secret, mapping and clock must be set")
	}
	base, err := checkEndpoint(cfg.Base, cfg.AllowPlain)
	if err != nil {
		return nil, fmt.Errorf("identitygate: platform address %w", err)
	}
	if _, err := checkEndpoint(cfg.RedirectURI, cfg.AllowPlain); err != nil {
		return nil, fmt.Errorf("identitygate: redirect address %w", err)
	}
	if cfg.LogoutURL != "" {
		if _, err := checkEndpoint(cfg.LogoutURL, cfg.AllowPlain); err != nil {
			return nil, fmt.Errorf("identitygate: sign-out address %w", err)
		}
	}
	if cfg.StateWay < StateEcho || cfg.StateWay > StateBound {
		return nil, errors.New("identitygate: unknown way of state")
	}
	if cfg.GrantType == "" {
		cfg.GrantType = "authorization_code"
	}
	if cfg.LogoutReturn == "" {
		cfg.LogoutReturn = "redirect_uri"
	}
	return &Tyrz{cfg: cfg, base: base, client: newClient(cfg.Transport, cfg.Timeout)}, nil
}

// Name implements Provider.
func (p *Tyrz) Name() string { return p.cfg.Name }

func (p *Tyrz) endpoint(name string, q url.Values) string {
	u := *p.base
	u.Path = strings.TrimSuffix(u.Path, "/") + tyrzPath + name
	u.RawQuery = q.Encode()
	return u.String()
}

// redirect is the address the platform sends back to, the same text at authorize and access_token.
func (p *Tyrz) redirect(state string) string {
	if p.cfg.StateWay != StateRedirect {
		return p.cfg.RedirectURI
	}
	separator := "?"
	if strings.Contains(p.cfg.RedirectURI, "?") {
		separator = "&"
	}
	return p.cfg.RedirectURI + separator + redirectState + "=" + url.QueryEscape(state)
}

// Start implements Provider. It asks nobody and fails never.
func (p *Tyrz) Start(_ context.Context, back Return) (string, Pending, error) {
	pending := newPending(p.cfg.Name, back.Path, p.cfg.Now())
	q := url.Values{
		"service": {"initService"}, "response_type": {"code"}, "client_id": {p.cfg.ClientID}, "scope": {"all"},
		"redirect_uri": {p.redirect(pending.State)}, "state": {pending.State},
	}
	return p.endpoint("authorize", q), pending, nil
}

// Finish implements Provider.
func (p *Tyrz) Finish(ctx context.Context, pending Pending, callback url.Values) (Claims, error) {
	claims, f := p.finish(ctx, pending, callback)
	if f != nil {
		return Claims{}, f.public()
	}
	return claims, nil
}

func (p *Tyrz) finish(ctx context.Context, pending Pending, callback url.Values) (Claims, *Failure) {
	var states []string
	states = append(states, callback["state"]...)
	states = append(states, callback[redirectState]...)
	if len(states) == 0 && p.cfg.StateWay != StateBound {
		states = []string{""}
	}
	if f := checkPending(p.cfg.Name, pending, states, p.cfg.Now()); f != nil {
		return Claims{}, f
	}
	errorKey := "error"
	if callback.Has("error_code") {
		errorKey = "error_code"
	}
	code, f := callbackCode(p.cfg.Name, callback, errorKey)
	if f != nil {
		return Claims{}, f
	}
	access, f := p.token(ctx, code, p.redirect(pending.State))
	if f != nil {
		return Claims{}, f
	}
	// The platform takes the token in the query only. Errors of this request never hold its address.
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.endpoint("tokeninfo", url.Values{"access_token": {access}}), nil)
	if err != nil {
		return Claims{}, &Failure{Provider: p.cfg.Name, Step: StepUserInfo, Reason: Malformed, Detail: "address"}
	}
	said, f := p.ask(req, StepUserInfo)
	if f != nil {
		return Claims{}, f
	}
	return p.cfg.Mapping.claims(p.cfg.Name, said)
}

func (p *Tyrz) token(ctx context.Context, code, redirect string) (string, *Failure) {
	fail := func(reason Reason, detail string) (string, *Failure) {
		return "", &Failure{Provider: p.cfg.Name, Step: StepToken, Reason: reason, Detail: detail}
	}
	// By POST: the platform also takes GET, which would write the secret into addresses.
	form := url.Values{
		"service": {"initService"}, "grant_type": {p.cfg.GrantType}, "client_id": {p.cfg.ClientID},
		"client_secret": {p.cfg.ClientSecret}, "code": {code}, "scope": {"all"}, "redirect_uri": {redirect},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.endpoint("access_token", nil), strings.NewReader(form.Encode()))
	if err != nil {
		return fail(Malformed, "address")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	said, f := p.ask(req, StepToken)
	if f != nil {
		return "", f
	}
	kind, ok := said.text("token_type", 20)
	if !ok || kind != "" && !strings.EqualFold(kind, "Bearer") {
		return fail(Malformed, "token type")
	}
	access, ok := said.text("access_token", 8192)
	if !ok {
		return fail(Malformed, "access token")
	}
	if access == "" {
		return fail(Incomplete, "access token")
	}
	return access, nil
}

// ask sends one request and reads its object, or its refusal, which comes with any status.
func (p *Tyrz) ask(req *http.Request, step Step) (fields, *Failure) {
	req.Header.Set("Accept", "application/json")
	body, f := fetch(p.client, req, p.cfg.Name, step)
	if f != nil && (body == nil || f.Reason == Unavailable) {
		return fields{}, f
	}
	said, ok := parseFields(body, p.cfg.Mapping.FoldCase)
	if ok {
		for _, key := range []string{"error_code", "error"} {
			if said.raw(key) == nil {
				continue
			}
			code, _ := said.text(key, 64)
			if code == "0" {
				continue // some of its services write a zero beside a good answer
			}
			refused := &Failure{Provider: p.cfg.Name, Step: step, Reason: Refused, Detail: knownCode(code)}
			if f != nil {
				refused.Status = f.Status
			}
			return fields{}, refused
		}
	}
	switch {
	case f != nil:
		return fields{}, f
	case !ok:
		return fields{}, &Failure{Provider: p.cfg.Name, Step: step, Reason: Malformed, Detail: "unreadable"}
	}
	return said, nil
}

// SignOutURL implements Provider. No sign-out address of the platform is public; without one in the
// configuration only our own session ends.
func (p *Tyrz) SignOutURL(returnTo string) string {
	if p.cfg.LogoutURL == "" {
		return ""
	}
	u, err := url.Parse(p.cfg.LogoutURL)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", p.cfg.ClientID)
	if returnTo != "" {
		q.Set(p.cfg.LogoutReturn, returnTo)
	}
	u.RawQuery = q.Encode()
	return u.String()
}
