package app

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"net/url"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// Passkeys (WebAuthn) as a second factor of administrators.

// newParty is nil where the address people open cannot have passkeys: a bare IP address.
func newParty(public string) *account.Party {
	u, err := url.Parse(public)
	if err != nil || u.Hostname() == "" {
		return nil
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return nil
	}
	return &account.Party{ID: u.Hostname(), Origin: u.Scheme + "://" + u.Host}
}

// ceremony is what of a passkey being made or used is kept in the browser until its answer comes.
type ceremony struct {
	Account   string
	Create    bool
	Began     time.Time
	Challenge []byte
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

type descriptor struct {
	Type       string   `json:"type"`
	ID         string   `json:"id"`
	Transports []string `json:"transports,omitempty"`
}

func descriptors(rows []store.Passkey) ([]descriptor, error) {
	out := make([]descriptor, 0, len(rows))
	for _, r := range rows {
		k, err := keyOf(r)
		if err != nil {
			return nil, err
		}
		out = append(out, descriptor{"public-key", k.ID, k.Transports})
	}
	return out, nil
}

func keyOf(r store.Passkey) (k account.Passkey, err error) {
	if err := json.Unmarshal([]byte(r.Detail), &k); err != nil {
		return k, fault.Wrap(fault.InternalError, err)
	}
	return k, nil
}

// BeginPasskey begins the use of one of the account's passkeys; the zero Ceremony when it has none.
func (a *App) BeginPasskey(ctx context.Context, id string) (Ceremony, error) {
	rows, err := a.passkeysOf(ctx, id)
	if err != nil || a.party == nil || len(rows) == 0 {
		return Ceremony{}, err
	}
	allowed, err := descriptors(rows)
	if err != nil {
		return Ceremony{}, err
	}
	c := a.newCeremony(id, false)
	return a.sealCeremony(c, map[string]any{
		"challenge": base64.RawURLEncoding.EncodeToString(c.Challenge), "rpId": a.party.ID, "allowCredentials": allowed,
		"userVerification": "preferred", "timeout": ceremonyLife.Milliseconds(),
	})
}

// BeginNewPasskey begins to make a passkey for an account. The name its authenticator shows is the
// account's number: nothing personal leaves for it.
func (a *App) BeginNewPasskey(ctx context.Context, id string) (Ceremony, error) {
	if a.party == nil {
		return Ceremony{}, nil
	}
	rows, err := a.passkeysOf(ctx, id)
	if err != nil {
		return Ceremony{}, err
	}
	have, err := descriptors(rows)
	if err != nil {
		return Ceremony{}, err
	}
	c := a.newCeremony(id, true)
	type param struct {
		Type string `json:"type"`
		Alg  int    `json:"alg"`
	}
	return a.sealCeremony(c, map[string]any{
		"challenge":        base64.RawURLEncoding.EncodeToString(c.Challenge),
		"rp":               map[string]string{"id": a.party.ID, "name": "穗约 Suiyue"},
		"user":             map[string]string{"id": base64.RawURLEncoding.EncodeToString([]byte(id)), "name": id, "displayName": id},
		"pubKeyCredParams": []param{{"public-key", -7}, {"public-key", -8}, {"public-key", -257}}, "excludeCredentials": have,
		"authenticatorSelection": map[string]string{"residentKey": "discouraged", "userVerification": "preferred"},
		"attestation":            "none", "timeout": ceremonyLife.Milliseconds(),
	})
}

func (a *App) passkeysOf(ctx context.Context, id string) (rows []store.Passkey, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Passkeys(ctx, id)
		return err
	})
	return rows, err
}

func (a *App) newCeremony(id string, create bool) ceremony {
	c := ceremony{Account: id, Create: create, Began: a.now().Truncate(time.Microsecond), Challenge: make([]byte, 32)}
	rand.Read(c.Challenge)
	return c
}

func (a *App) sealCeremony(c ceremony, options any) (Ceremony, error) {
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

// openCeremony returns what state kept, if it is of that account and not too old.
func (a *App) openCeremony(state []byte, id string, create bool, now time.Time) (c ceremony, ok bool) {
	plain, err := a.vault.Open(state, ceremonyAbout)
	ok = err == nil && a.party != nil && json.Unmarshal(plain, &c) == nil &&
		c.Account == id && c.Create == create && now.Sub(c.Began) <= ceremonyLife && !now.Before(c.Began)
	return c, ok
}

// usePasskey checks the answer of a passkey within tx. An answer counts once.
func (a *App) usePasskey(ctx context.Context, tx *store.Tx, id string, state, answer []byte) (bool, error) {
	c, ok := a.openCeremony(state, id, false, tx.Now)
	var said account.PasskeyAnswer
	if !ok || json.Unmarshal(answer, &said) != nil {
		return false, nil
	}
	rows, err := tx.Passkeys(ctx, id)
	if err != nil {
		return false, err
	}
	for _, r := range rows {
		if r.ID != said.ID {
			continue
		}
		k, err := keyOf(r)
		if err != nil {
			return false, err
		}
		if k.Count, ok = a.party.Used(c.Challenge, k, said); !ok {
			return false, nil
		}
		detail, err := json.Marshal(k)
		if err != nil {
			return false, fault.Wrap(fault.InternalError, err)
		}
		return tx.UsePasskey(ctx, r.ID, string(detail), c.Began)
	}
	return false, nil
}

// newPasskey checks the answer of a passkey being made and returns its row.
func (a *App) newPasskey(id, name string, state, answer []byte, now time.Time) (*store.Passkey, error) {
	c, ok := a.openCeremony(state, id, true, now)
	var said account.PasskeyAnswer
	if !ok || json.Unmarshal(answer, &said) != nil {
		return nil, fault.New(fault.PasswordWrong)
	}
	k, ok := a.party.Made(c.Challenge, said)
	if !ok {
		return nil, fault.New(fault.PasswordWrong)
	}
	detail, err := json.Marshal(k)
	if err != nil {
		return nil, fault.Wrap(fault.InternalError, err)
	}
	return &store.Passkey{ID: k.ID, Account: id, Detail: string(detail), Name: name, CreatedAt: now}, nil
}
