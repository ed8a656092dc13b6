package identitygate

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// OIDCConfig describes one OpenID Connect provider and our registration there.
type OIDCConfig struct {
	Name         string // short name, e.g. "dev"
	Issuer       string
	ClientID     string
	ClientSecret string // "" for a public client; PKCE is used either way
	RedirectURI  string // registered exactly
	Scopes       []string
	Mapping      Mapping
	Timeout      time.Duration     // of one request to the provider; 0 = 5 s
	AllowPlain   bool              // http instead of https: development only
	Transport    http.RoundTripper // nil = the network
	Now          func() time.Time
}

// OIDC is the OpenID Connect driver: authorization code flow with PKCE (S256), state and nonce,
// ID token verified, user information read and bound to the same subject. The provider's
// configuration is read when first needed and kept, so the server starts while it is down.
type OIDC struct {
	cfg    OIDCConfig
	client *http.Client
	found  atomic.Pointer[oidcFound]
	turn   chan struct{} // one discovery at a time
	retry  atomic.Int64  // unix milliseconds before which discovery is not tried again
}

type oidcFound struct {
	oauth      oauth2.Config
	userInfo   string // "" if it has none
	verifier   *oidc.IDTokenVerifier
	endSession string
	issInReply bool // RFC 9207
}

// NewOIDC checks the configuration; it does not speak to the provider.
func NewOIDC(cfg OIDCConfig) (*OIDC, error) {
	if cfg.Name == "" || cfg.ClientID == "" || cfg.Now == nil || !cfg.Mapping.complete() {
		return nil, errors.New("identitygate: name, client id, mapping and clock must be set")
	}
	if _, err := checkEndpoint(cfg.Issuer, cfg.AllowPlain); err != nil {
		return nil, fmt.Errorf("identitygate: issuer %w", err)
	}
	if _, err := checkEndpoint(cfg.RedirectURI, cfg.AllowPlain); err != nil {
		return nil, fmt.Errorf("identitygate: redirect address %w", err)
	}
	if len(cfg.Scopes) == 0 {
		cfg.Scopes = []string{oidc.ScopeOpenID, "profile", "phone", "real_name"}
	}
	return &OIDC{cfg: cfg, client: newClient(cfg.Transport, cfg.Timeout), turn: make(chan struct{}, 1)}, nil
}

// Name implements Provider.
func (p *OIDC) Name() string { return p.cfg.Name }

// Warm reads the provider's configuration, trying again with growing pauses (up to 1 min) until
// it has it or ctx ends. The server runs it beside its start; nothing waits for it.
func (p *OIDC) Warm(ctx context.Context) error {
	for pause := 2 * discoveryPause; ; pause = min(2*pause, time.Minute) {
		if _, f := p.discover(ctx); f == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// discoveryPause keeps a provider that is down from being asked by every person who tries.
const discoveryPause = 500 * time.Millisecond

func (p *OIDC) discover(ctx context.Context) (*oidcFound, *Failure) {
	if f := p.found.Load(); f != nil {
		return f, nil
	}
	fail := func(reason Reason, detail string) (*oidcFound, *Failure) {
		return nil, &Failure{Provider: p.cfg.Name, Step: StepDiscovery, Reason: reason, Detail: detail}
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return fail(trouble(ctx.Err()))
	}
	if f := p.found.Load(); f != nil {
		return f, nil
	}
	if p.cfg.Now().UnixMilli() < p.retry.Load() {
		return fail(Unavailable, "down a moment ago")
	}

	// One impatient person must not spoil it for those who wait for the same answer.
	shared := oidc.ClientContext(context.WithoutCancel(ctx), p.client)
	provider, err := oidc.NewProvider(shared, p.cfg.Issuer)
	if err != nil {
		p.retry.Store(p.cfg.Now().Add(discoveryPause).UnixMilli())
		var wrong *oidc.IssuerMismatchError
		if errors.As(err, &wrong) {
			return fail(Mismatch, "issuer")
		}
		reason, detail := trouble(err)
		if detail == "unreadable" { // a status other than 200 comes as text only
			reason, detail = Unavailable, "configuration"
		}
		return fail(reason, detail)
	}
	found, detail := p.read(provider)
	if detail != "" {
		p.retry.Store(p.cfg.Now().Add(discoveryPause).UnixMilli())
		return fail(Malformed, detail)
	}
	p.found.Store(found)
	return found, nil
}

// read takes from the provider's configuration what we use; detail says what is unfit.
func (p *OIDC) read(provider *oidc.Provider) (found *oidcFound, detail string) {
	var more struct {
		JWKS       string   `json:"jwks_uri"`
		EndSession string   `json:"end_session_endpoint"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
		IssInReply bool     `json:"authorization_response_iss_parameter_supported"`
		AuthStyles []string `json:"token_endpoint_auth_methods_supported"`
	}
	if provider.Claims(&more) != nil {
		return nil, "configuration"
	}
	endpoint := provider.Endpoint()
	for what, address := range map[string]string{
		"authorization endpoint": endpoint.AuthURL, "token endpoint": endpoint.TokenURL, "key set": more.JWKS,
	} {
		if _, err := checkEndpoint(address, p.cfg.AllowPlain); err != nil {
			return nil, what
		}
	}
	if u := provider.UserInfoEndpoint(); u != "" {
		if _, err := checkEndpoint(u, p.cfg.AllowPlain); err != nil {
			return nil, "userinfo endpoint"
		}
	}
	if _, err := checkEndpoint(more.EndSession, p.cfg.AllowPlain); err != nil {
		more.EndSession = ""
	}
	// Signatures with a shared secret, and none at all, are never accepted, whatever is offered.
	algorithms := slices.DeleteFunc(more.Algorithms, func(a string) bool { return !slices.Contains(asymmetric, a) })
	if len(algorithms) == 0 {
		return nil, "signing algorithm"
	}
	keys := reportingKeys{oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), p.client), more.JWKS)}
	// The way to authenticate is chosen, never found out by trying: a trial would burn the code.
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	basic := len(more.AuthStyles) == 0 || slices.Contains(more.AuthStyles, "client_secret_basic")
	if !basic || p.cfg.ClientSecret == "" {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oidcFound{
		oauth: oauth2.Config{
			ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, Endpoint: endpoint,
			RedirectURL: p.cfg.RedirectURI, Scopes: p.cfg.Scopes,
		},
		userInfo: provider.UserInfoEndpoint(),
		verifier: oidc.NewVerifier(p.cfg.Issuer, keys, &oidc.Config{
			ClientID: p.cfg.ClientID, SupportedSigningAlgs: algorithms, Now: p.cfg.Now,
		}),
		endSession: more.EndSession,
		issInReply: more.IssInReply,
	}, ""
}

var asymmetric = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
}

// reportingKeys hands out why keys could not be had; the verifier's own error has only its text.
type reportingKeys struct{ oidc.KeySet }

type keyErrKey struct{}

func (k reportingKeys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.KeySet.VerifySignature(ctx, jwt)
	if slot, ok := ctx.Value(keyErrKey{}).(*error); ok {
		*slot = err
	}
	return payload, err
}

// Start implements Provider.
func (p *OIDC) Start(ctx context.Context, back Return) (string, Pending, error) {
	found, f := p.discover(ctx)
	if f != nil {
		return "", Pending{}, f.public()
	}
	pending := newPending(p.cfg.Name, back.Path, p.cfg.Now())
	pending.Nonce = rand.Text()
	pending.Verifier = oauth2.GenerateVerifier()
	options := []oauth2.AuthCodeOption{oidc.Nonce(pending.Nonce), oauth2.S256ChallengeOption(pending.Verifier)}
	if back.Locale != "" {
		options = append(options, oauth2.SetAuthURLParam("ui_locales", back.Locale))
	}
	if back.LoginHint != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", back.LoginHint))
	}
	return found.oauth.AuthCodeURL(pending.State, options...), pending, nil
}

// Finish implements Provider.
func (p *OIDC) Finish(ctx context.Context, pending Pending, callback url.Values) (Claims, error) {
	claims, f := p.finish(oidc.ClientContext(ctx, p.client), pending, callback)
	if f != nil {
		return Claims{}, f.public()
	}
	return claims, nil
}

func (p *OIDC) finish(ctx context.Context, pending Pending, callback url.Values) (Claims, *Failure) {
	fail := func(step Step, reason Reason, detail string) (Claims, *Failure) {
		return Claims{}, &Failure{Provider: p.cfg.Name, Step: step, Reason: reason, Detail: detail}
	}
	if f := checkPending(p.cfg.Name, pending, []string{callback.Get("state")}, p.cfg.Now()); f != nil {
		return Claims{}, f
	}
	if pending.Nonce == "" || pending.Verifier == "" {
		return fail(StepCallback, Mismatch, "pending")
	}
	found, f := p.discover(ctx)
	if f != nil {
		return Claims{}, f
	}
	if iss, given := callback.Get("iss"), callback.Has("iss"); (given || found.issInReply) && iss != p.cfg.Issuer {
		return fail(StepCallback, Mismatch, "issuer")
	}
	code, f := callbackCode(p.cfg.Name, callback, "error")
	if f != nil {
		return Claims{}, f
	}

	token, err := found.oauth.Exchange(ctx, code, oauth2.VerifierOption(pending.Verifier))
	if err != nil {
		return Claims{}, p.tokenFailure(err)
	}
	if !strings.EqualFold(token.Type(), "Bearer") {
		return fail(StepToken, Malformed, "token type")
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return fail(StepToken, Incomplete, "id token")
	}
	idToken, f := p.verify(ctx, found, raw, pending.Nonce, token.AccessToken)
	if f != nil {
		return Claims{}, f
	}
	said, f := p.gather(ctx, found, idToken, token)
	if f != nil {
		return Claims{}, f
	}
	return p.cfg.Mapping.claims(p.cfg.Name, said)
}

func (p *OIDC) tokenFailure(err error) *Failure {
	f := &Failure{Provider: p.cfg.Name, Step: StepToken}
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil {
		f.Status = refused.Response.StatusCode
		f.Reason = statusReason(f.Status)
		if refused.ErrorCode != "" {
			f.Detail = knownCode(refused.ErrorCode)
			if f.Reason != Unavailable {
				f.Reason = Refused
			}
		}
		return f
	}
	f.Reason, f.Detail = trouble(err)
	return f
}

// verify checks signature, issuer, audience, expiry, nonce, authorised party and the binding to the
// access token.
func (p *OIDC) verify(ctx context.Context, found *oidcFound, raw, nonce, access string) (*oidc.IDToken, *Failure) {
	fail := func(reason Reason, detail string) (*oidc.IDToken, *Failure) {
		return nil, &Failure{Provider: p.cfg.Name, Step: StepIDToken, Reason: reason, Detail: detail}
	}
	var keyErr error
	token, err := found.verifier.Verify(context.WithValue(ctx, keyErrKey{}, &keyErr), raw)
	if err != nil {
		if keyErr != nil {
			err = keyErr
		}
		var old *oidc.TokenExpiredError
		if errors.As(err, &old) {
			return fail(Expired, "id token")
		}
		return fail(trouble(err))
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(nonce)) != 1 {
		return fail(Mismatch, "nonce")
	}
	var party struct {
		Authorised string `json:"azp"`
	}
	if token.Claims(&party) != nil {
		return fail(Malformed, "unreadable")
	}
	if party.Authorised != p.cfg.ClientID && (party.Authorised != "" || len(token.Audience) > 1) {
		return fail(Mismatch, "authorised party")
	}
	if token.AccessTokenHash != "" && token.VerifyAccessToken(access) != nil {
		return fail(Mismatch, "access token")
	}
	return token, nil
}

// gather reads the ID token's claims, and beneath them the user information of the same subject.
func (p *OIDC) gather(ctx context.Context, found *oidcFound, idToken *oidc.IDToken, token *oauth2.Token) (fields, *Failure) {
	fail := func(step Step, reason Reason, detail string) (fields, *Failure) {
		return fields{}, &Failure{Provider: p.cfg.Name, Step: step, Reason: reason, Detail: detail}
	}
	var body json.RawMessage
	if idToken.Claims(&body) != nil {
		return fail(StepIDToken, Malformed, "unreadable")
	}
	said, ok := parseFields(body, p.cfg.Mapping.FoldCase)
	if !ok {
		return fail(StepIDToken, Malformed, "unreadable")
	}
	if found.userInfo == "" {
		return said, nil
	}
	// The library's own call puts the answer's text into its errors and loses the status.
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, found.userInfo, nil)
	if err != nil {
		return fail(StepUserInfo, Malformed, "userinfo endpoint")
	}
	token.SetAuthHeader(req)
	req.Header.Set("Accept", "application/json")
	answer, f := fetch(p.client, req, p.cfg.Name, StepUserInfo)
	if f != nil {
		return fields{}, f
	}
	info, ok := parseFields(answer, p.cfg.Mapping.FoldCase)
	if !ok {
		return fail(StepUserInfo, Malformed, "unreadable")
	}
	if sub, ok := info.text("sub", 255); !ok || sub == "" || sub != idToken.Subject {
		return fail(StepUserInfo, Mismatch, "subject")
	}
	return said.under(info), nil
}

// SignOutURL implements Provider: RP-initiated logout with client_id and no ID token, which would
// carry the person through addresses and logs.
func (p *OIDC) SignOutURL(returnTo string) string {
	found := p.found.Load()
	if found == nil || found.endSession == "" {
		return ""
	}
	u, err := url.Parse(found.endSession)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", p.cfg.ClientID)
	if returnTo != "" {
		q.Set("post_logout_redirect_uri", returnTo)
	}
	u.RawQuery = q.Encode()
	return u.String()
}
