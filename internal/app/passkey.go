package app

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// Passkeys (WebAuthn) as a second factor of administrators. What a browser answers is checked by
// go-webauthn; what is said here is for whom, for how long and that an answer counts once.

// newParty says whom passkeys are made for: the host of the address people open. It is nil where there
// can be none: without an address, or at a bare IP address.
func newParty(public string) *webauthn.WebAuthn {
	u, err := url.Parse(public)
	if err != nil {
		return nil
	}
	wait := webauthn.TimeoutConfig{Timeout: ceremonyLife}
	party, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: "穗约 Suiyue", RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementDiscouraged, UserVerification: protocol.VerificationPreferred,
		},
		// The library would ask time.Now whether a ceremony has expired; openCeremony asks our clock.
		Timeouts: webauthn.TimeoutsConfig{Login: wait, Registration: wait},
		// No extension is asked for and none is read: what password managers add unasked does no harm.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil || u.Hostname() == "" {
		return nil
	}
	return party
}

// Signatures passkeys may be made with; all authenticators know one of them.
var passkeyParams = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
}

// holder is an account as go-webauthn sees it. The name an authenticator shows is the account's number:
// nothing personal leaves for it.
type holder struct {
	account string
	keys    []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return []byte(h.account) }
func (h holder) WebAuthnName() string                       { return h.account }
func (h holder) WebAuthnDisplayName() string                { return h.account }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

func newHolder(id string, rows []store.Passkey) (holder, error) {
	h := holder{account: id}
	for _, r := range rows {
		var k webauthn.Credential
		if err := json.Unmarshal([]byte(r.Detail), &k); err != nil {
			return h, fault.Wrap(fault.InternalError, err)
		}
		h.keys = append(h.keys, k)
	}
	return h, nil
}

// ceremony is what of a passkey being made or used is kept in the browser until its answer comes.
type ceremony struct {
	Account   string
	Create    bool
	Began     time.Time
	Challenge string
}

const (
	ceremonyLife  = 5 * time.Minute
	ceremonyAbout = "passkey ceremony"
	mostPasskeys  = 10
)

// Ceremony is a passkey being made or used: Options for the browser's script, State sealed and to be
// kept in the browser. The zero value says that there is none to be had.
type Ceremony struct {
	Options []byte // JSON, as PublicKeyCredential.parse…OptionsFromJSON reads it
	State   []byte
}

// BeginPasskey begins the use of one of the account's passkeys; the zero Ceremony when it has none.
func (a *App) BeginPasskey(ctx context.Context, id string) (Ceremony, error) {
	h, err := a.holder(ctx, id)
	if err != nil || a.party == nil || len(h.keys) == 0 {
		return Ceremony{}, err
	}
	asked, session, err := a.party.BeginLogin(h)
	if err != nil {
		return Ceremony{}, fault.Wrap(fault.InternalError, err)
	}
	return a.sealCeremony(ceremony{Account: id, Challenge: session.Challenge}, asked.Response)
}

// BeginNewPasskey begins to make a passkey for an account.
func (a *App) BeginNewPasskey(ctx context.Context, id string) (Ceremony, error) {
	h, err := a.holder(ctx, id)
	if err != nil || a.party == nil {
		return Ceremony{}, err
	}
	asked, session, err := a.party.BeginRegistration(h, webauthn.WithCredentialParameters(passkeyParams),
		webauthn.WithExclusions(webauthn.Credentials(h.keys).CredentialDescriptors()))
	if err != nil {
		return Ceremony{}, fault.Wrap(fault.InternalError, err)
	}
	return a.sealCeremony(ceremony{Account: id, Create: true, Challenge: session.Challenge}, asked.Response)
}

func (a *App) holder(ctx context.Context, id string) (h holder, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Passkeys(ctx, id)
		if err != nil {
			return err
		}
		h, err = newHolder(id, rows)
		return err
	})
	return h, err
}

func (a *App) sealCeremony(c ceremony, options any) (Ceremony, error) {
	c.Began = a.now().Truncate(time.Microsecond)
	script, err := json.Marshal(options)
	if err != nil {
		return Ceremony{}, fault.Wrap(fault.InternalError, err)
	}
	plain, err := json.Marshal(c)
	if err != nil {
		return Ceremony{}, fault.Wrap(fault.InternalError, err)
	}
	return Ceremony{Options: script, State: a.vault.Seal(plain, ceremonyAbout)}, nil
}

// openCeremony returns what state kept, if it is of that account and not too old. The session of
// go-webauthn is made of it again: whole it would not fit a cookie beside ten passkeys.
func (a *App) openCeremony(state []byte, id string, create bool, now time.Time) (c ceremony, s webauthn.SessionData, ok bool) {
	plain, err := a.vault.Open(state, ceremonyAbout)
	ok = err == nil && a.party != nil && json.Unmarshal(plain, &c) == nil &&
		c.Account == id && c.Create == create && now.Sub(c.Began) <= ceremonyLife && !now.Before(c.Began)
	return c, webauthn.SessionData{
		Challenge: c.Challenge, UserID: []byte(c.Account), UserVerification: protocol.VerificationPreferred, CredParams: passkeyParams,
	}, ok
}

// usePasskey checks the answer of a passkey within tx. An answer counts once: what is kept says when
// the passkey was last used, and the ceremony must have begun after that.
func (a *App) usePasskey(ctx context.Context, tx *store.Tx, id string, state, answer []byte) (bool, error) {
	rows, err := tx.Passkeys(ctx, id)
	if err != nil {
		return false, err
	}
	h, err := newHolder(id, rows)
	if err != nil {
		return false, err
	}
	key, began := a.usedPasskey(h, state, answer, tx.Now)
	if key == nil {
		return false, nil
	}
	detail, err := json.Marshal(key)
	if err != nil {
		return false, fault.Wrap(fault.InternalError, err)
	}
	return tx.UsePasskey(ctx, passkeyID(key), string(detail), began)
}

// usedPasskey returns the passkey of h that gave the answer, as it is to be kept now; nil for whatever
// is wrong.
func (a *App) usedPasskey(h holder, state, answer []byte, now time.Time) (key *webauthn.Credential, began time.Time) {
	c, session, ok := a.openCeremony(state, h.account, false, now)
	if !ok {
		return nil, began
	}
	said, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, began
	}
	// A count that does not grow comes from a copy of the authenticator.
	key, err = a.party.ValidateLogin(h, session, said)
	if err != nil || key.Authenticator.CloneWarning {
		return nil, began
	}
	return key, c.Began
}

// newPasskey checks the answer of a passkey being made and returns its row.
func (a *App) newPasskey(id, name string, state, answer []byte, now time.Time) (*store.Passkey, error) {
	key := a.madePasskey(id, state, answer, now)
	if key == nil {
		return nil, fault.New(fault.PasswordWrong)
	}
	detail, err := json.Marshal(key)
	if err != nil {
		return nil, fault.Wrap(fault.InternalError, err)
	}
	return &store.Passkey{ID: passkeyID(key), Account: id, Detail: string(detail), Name: name, CreatedAt: now}, nil
}

// madePasskey is nil for whatever is wrong.
func (a *App) madePasskey(id string, state, answer []byte, now time.Time) *webauthn.Credential {
	_, session, ok := a.openCeremony(state, id, true, now)
	if !ok {
		return nil
	}
	said, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil
	}
	// No attestation is asked for, and browsers take out all but an authenticator's word for itself:
	// statements of makers are neither wanted nor worth the reading.
	if f := protocol.AttestationFormat(said.Response.AttestationObject.Format); f != protocol.AttestationFormatNone && f != protocol.AttestationFormatPacked {
		return nil
	}
	key, err := a.party.CreateCredential(holder{account: id}, session, said)
	if err != nil || !soundKey(key.PublicKey) {
		return nil
	}
	return key
}

// soundKey looks at what go-webauthn does not when a passkey is made without an attestation: whether
// signatures can be checked with the key at all, and how long a key of RSA is.
func soundKey(cose []byte) bool {
	key, err := webauthncose.ParsePublicKey(cose)
	if err != nil {
		return false
	}
	if k, ok := key.(webauthncose.RSAPublicKeyData); ok {
		bits := new(big.Int).SetBytes(k.Modulus).BitLen()
		return bits >= 2048 && bits <= 4096
	}
	return true
}

func passkeyID(k *webauthn.Credential) string { return base64.RawURLEncoding.EncodeToString(k.ID) }
