// Package identitygate is the port to whoever vouches for a person's real name (Art. 12): the
// provincial identity platform, or any OpenID Connect provider. A Provider sends the browser away
// and reads what comes back; sessions, cookies and the database are the caller's.
//
// Two drivers stand behind the port: NewOIDC and NewTyrz. Both give errors that are *fault.Error
// with a *Failure inside, and neither ever puts a name, number, phone, token, code or secret into
// an error.
package identitygate

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// Provider is one identity provider as a relying party sees it.
type Provider interface {
	// Name is the configured short name of the provider, for metrics and for Pending.
	Name() string

	// Start begins a sign-in: the address to send the browser to, and what must be remembered
	// until it returns. Errors: SignInFailed with Reason Unavailable while the provider cannot
	// be reached.
	Start(ctx context.Context, back Return) (redirectURL string, pending Pending, err error)

	// Finish ends a sign-in from the query of the callback address. The caller drops pending
	// before it calls, so that one callback is answered once. Errors: SignInCancelled when the
	// person turned back, else SignInFailed; the *Failure inside says why.
	Finish(ctx context.Context, pending Pending, callback url.Values) (Claims, error)

	// SignOutURL is where to send the browser after our own session has ended, so that the
	// provider's ends too and comes back to returnTo (an absolute address registered there).
	// It is "" when the provider has no such address or it is not known yet. Nothing that
	// identifies the person is put into it.
	SignOutURL(returnTo string) string
}

// Return says where a sign-in leads back to and how the provider should greet.
type Return struct {
	Path      string // page of ours to go on with, e.g. "/book/123?step=2"; anything not local becomes "/"
	Locale    string // zh-Hans, zh-Hant or en; "" leaves it to the provider
	LoginHint string // a test person's id, for load tools against the development provider; never personal data
}

// Pending is one sign-in between Start and Finish. It goes into a signed, short-lived, HttpOnly,
// SameSite=Lax cookie or a row: who holds it together with the callback finishes the sign-in.
type Pending struct {
	Provider string    `json:"p"`
	State    string    `json:"s"`
	Nonce    string    `json:"n,omitempty"`
	Verifier string    `json:"v,omitempty"` // PKCE
	Path     string    `json:"r"`           // Return.Path, made safe
	Expires  time.Time `json:"e"`
}

// Claims is what a provider vouches for. Every field but Nationality, Phone and Agent is there.
type Claims struct {
	Provider string // Provider.Name
	Subject  string // the provider's own id of the person, stable, opaque
	Name     string
	Document identity.Document
	Phone    string         // as the provider writes it; "" when it has none
	Level    identity.Level // the provider's raw level, 2 to 5
	Agent    []identity.Organisation
}

// Person gives the claims as a person whose Key the caller has computed from the document.
func (c Claims) Person(key identity.Key) identity.Person {
	return identity.Person{
		Key: key, Name: c.Name, Document: c.Document, Phone: c.Phone, Level: c.Level, Agent: c.Agent,
	}
}

// Format and LogValue keep claims and pending sign-ins out of logs, whatever verb prints them.
func (c Claims) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, "claims of "+c.Provider+" (not shown)")
}
func (c Claims) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

func (p Pending) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, "sign-in pending at "+p.Provider+" (not shown)")
}
func (p Pending) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(p)) }

// Reason is why a sign-in failed, for metrics and for the sentence on the page.
type Reason string

const (
	Cancelled   Reason = "cancelled"   // the person turned back at the provider
	Expired     Reason = "expired"     // too long between Start and Finish
	Mismatch    Reason = "mismatch"    // state, nonce, issuer or provider is not that of this sign-in
	Refused     Reason = "refused"     // the provider said no: code used up, client unknown, …
	Unavailable Reason = "unavailable" // no answer, too slow, 5xx: trying again may help
	Malformed   Reason = "malformed"   // an answer that cannot be read or trusted
	Incomplete  Reason = "incomplete"  // a readable answer without something that must be there
	Unsupported Reason = "unsupported" // a kind of document or level the product does not know
)

// Step is the leg of the sign-in that failed.
type Step string

const (
	StepDiscovery Step = "discovery"
	StepCallback  Step = "callback"
	StepToken     Step = "token"
	StepIDToken   Step = "id_token"
	StepUserInfo  Step = "userinfo"
	StepClaims    Step = "claims"
)

// Failure is the cause inside the *fault.Error of a sign-in. Detail is one of this package's own
// fixed words (a field's role, a kind of network trouble, a registered OAuth error code), never text
// that came from outside.
type Failure struct {
	Provider string
	Step     Step
	Reason   Reason
	Status   int    // HTTP status of the provider's answer, 0 if there was none
	Detail   string // "timeout", "state", "level", "invalid_grant", …
}

func (f *Failure) Error() string {
	s := fmt.Sprintf("sign-in at %s: %s: %s", f.Provider, f.Step, f.Reason)
	if f.Detail != "" {
		s += " (" + f.Detail + ")"
	}
	if f.Status != 0 {
		s += fmt.Sprintf(" status %d", f.Status)
	}
	return s
}

// public turns the failure into what the edge answers with.
func (f *Failure) public() error {
	switch f.Reason {
	case Cancelled:
		return fault.Wrap(fault.SignInCancelled, f)
	case Unavailable:
		return fault.Wrap(fault.SignInFailed, f).After(5 * time.Second)
	default:
		return fault.Wrap(fault.SignInFailed, f)
	}
}

// pendingLife is how long a person may stay at the provider.
const pendingLife = 10 * time.Minute

func newPending(provider, path string, now time.Time) Pending {
	return Pending{
		Provider: provider, State: rand.Text(), Path: LocalPath(path), Expires: now.Add(pendingLife).UTC().Truncate(time.Second),
	}
}

// LocalPath returns path if it is an address within this site (a path with an optional query), else
// "/". It keeps a sign-in from being used to send people elsewhere.
func LocalPath(path string) string {
	if len(path) > 1024 || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return "/"
	}
	for _, r := range path {
		if r <= ' ' || r == '\\' || r == 0x7f {
			return "/"
		}
	}
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, "\\") {
		return "/"
	}
	return path
}

// checkPending refuses a callback that does not belong to this sign-in. It comes before anything
// in the callback is believed, an error included.
func checkPending(name string, p Pending, states []string, now time.Time) *Failure {
	fail := func(reason Reason, detail string) *Failure {
		return &Failure{Provider: name, Step: StepCallback, Reason: reason, Detail: detail}
	}
	if p.Provider != name || p.State == "" {
		return fail(Mismatch, "provider")
	}
	for _, s := range states {
		if subtle.ConstantTimeCompare([]byte(s), []byte(p.State)) != 1 {
			return fail(Mismatch, "state")
		}
	}
	if !now.Before(p.Expires) {
		return fail(Expired, "")
	}
	return nil
}

// callbackCode reads the code or the refusal of a callback whose state has been checked.
func callbackCode(name string, q url.Values, errorKey string) (string, *Failure) {
	fail := func(reason Reason, detail string) (string, *Failure) {
		return "", &Failure{Provider: name, Step: StepCallback, Reason: reason, Detail: detail}
	}
	for _, k := range []string{"code", "state", "iss", errorKey} {
		if len(q[k]) > 1 {
			return fail(Malformed, "repeated parameter")
		}
	}
	if e := q.Get(errorKey); e != "" {
		switch e {
		case "access_denied", "login_required", "interaction_required", "consent_required":
			return fail(Cancelled, knownCode(e))
		case "server_error", "temporarily_unavailable":
			return fail(Unavailable, knownCode(e))
		}
		return fail(Refused, knownCode(e))
	}
	code := q.Get("code")
	if code == "" {
		return fail(Incomplete, "code")
	}
	if len(code) > 4096 {
		return fail(Malformed, "code")
	}
	return code, nil
}

// knownCode lets only registered OAuth error codes, and short numbers, into an error; whatever else
// a provider writes there is not repeated.
func knownCode(s string) string {
	switch s {
	case "access_denied", "login_required", "interaction_required", "consent_required",
		"account_selection_required", "invalid_request", "unauthorized_client", "unsupported_response_type",
		"invalid_scope", "server_error", "temporarily_unavailable", "invalid_client", "invalid_grant",
		"unsupported_grant_type", "invalid_token", "insufficient_scope", "request_not_supported",
		"request_uri_not_supported", "registration_not_supported":
		return s
	}
	if len(s) > 0 && len(s) <= 6 && strings.Trim(s, "0123456789") == "" {
		return s
	}
	return "other"
}
