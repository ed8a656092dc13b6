package account

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
)

// Passkeys (WebAuthn Level 3) as far as a second factor needs them: no attestation is asked for, so
// whoever makes a passkey may name its public key, and what is left to check is the challenge, the
// place it was answered at and one signature (§7.1 and §7.2).

// Passkey is the public part of a credential, as it is kept.
type Passkey struct {
	ID         string   `json:"id"`              // base64url
	Key        []byte   `json:"key"`             // PKIX, DER
	Count      uint32   `json:"count,omitempty"` // signatures so far, 0 for authenticators that do not count
	Transports []string `json:"transports,omitempty"`
}

// Party is whom passkeys are made for: a domain, and the origin its pages are at.
type Party struct {
	ID     string // yuyue.example.org
	Origin string // https://yuyue.example.org
}

// PasskeyAnswer is what the browser's script sends of a passkey made or used; bytes are base64url.
type PasskeyAnswer struct {
	ID         string   `json:"id"`
	ClientData string   `json:"client"`
	AuthData   string   `json:"auth"`
	Key        string   `json:"key,omitempty"`       // made: the public key, PKIX DER
	Signature  string   `json:"signature,omitempty"` // used
	Transports []string `json:"transports,omitempty"`
}

// Flags of authenticator data.
const (
	userPresent = 1 << 0
	attested    = 1 << 6
)

var base64url = base64.RawURLEncoding.Strict()

// Made checks the answer to a challenge to make a passkey and returns it; false for whatever is wrong.
func (p Party) Made(challenge []byte, a PasskeyAnswer) (Passkey, bool) {
	_, auth, ok := p.read("webauthn.create", challenge, a)
	if !ok || auth[32]&attested == 0 || len(auth) < 37+18 {
		return Passkey{}, false
	}
	size := int(binary.BigEndian.Uint16(auth[53:55]))
	id, err := base64url.DecodeString(a.ID)
	if err != nil || size == 0 || size > 1023 || len(auth) < 55+size || !bytes.Equal(auth[55:55+size], id) {
		return Passkey{}, false
	}
	key, err := base64url.DecodeString(a.Key)
	if err != nil || len(key) > 2048 {
		return Passkey{}, false
	}
	if parseKey(key) == nil {
		return Passkey{}, false
	}
	made := Passkey{ID: a.ID, Key: key, Count: binary.BigEndian.Uint32(auth[33:37])}
	for _, t := range a.Transports {
		if slices.Contains([]string{"usb", "nfc", "ble", "smart-card", "hybrid", "internal"}, t) && !slices.Contains(made.Transports, t) {
			made.Transports = append(made.Transports, t)
		}
	}
	return made, true
}

// Used checks the answer of k to a challenge. count is to be kept with k: one that does not grow comes
// from a copy of the authenticator, and is refused.
func (p Party) Used(challenge []byte, k Passkey, a PasskeyAnswer) (count uint32, ok bool) {
	client, auth, ok := p.read("webauthn.get", challenge, a)
	if !ok || a.ID != k.ID {
		return 0, false
	}
	signature, err := base64url.DecodeString(a.Signature)
	if err != nil {
		return 0, false
	}
	hash := sha256.Sum256(client)
	if !verify(parseKey(k.Key), append(slices.Clone(auth), hash[:]...), signature) {
		return 0, false
	}
	count = binary.BigEndian.Uint32(auth[33:37])
	return count, count == 0 && k.Count == 0 || count > k.Count
}

// read checks what both answers have in common and returns their client data and authenticator data.
func (p Party) read(kind string, challenge []byte, a PasskeyAnswer) (client, auth []byte, ok bool) {
	client, err1 := base64url.DecodeString(a.ClientData)
	auth, err2 := base64url.DecodeString(a.AuthData)
	var said struct {
		Type        string `json:"type"`
		Challenge   string `json:"challenge"`
		Origin      string `json:"origin"`
		CrossOrigin bool   `json:"crossOrigin"`
	}
	if err1 != nil || err2 != nil || len(challenge) < 16 || len(auth) < 37 || json.Unmarshal(client, &said) != nil {
		return nil, nil, false
	}
	answered, err := base64url.DecodeString(said.Challenge)
	if err != nil || said.Type != kind || said.CrossOrigin || said.Origin != p.Origin || subtle.ConstantTimeCompare(answered, challenge) != 1 {
		return nil, nil, false
	}
	place := sha256.Sum256([]byte(p.ID))
	return client, auth, bytes.Equal(auth[:32], place[:]) && auth[32]&userPresent != 0
}

// parseKey returns a public key we can check signatures with, nil for any other.
func parseKey(der []byte) crypto.PublicKey {
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil
	}
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return k
		}
	case ed25519.PublicKey:
		return k
	case *rsa.PublicKey:
		if k.N.BitLen() >= 2048 && k.N.BitLen() <= 4096 {
			return k
		}
	}
	return nil
}

func verify(key crypto.PublicKey, message, signature []byte) bool {
	hash := sha256.Sum256(message)
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, hash[:], signature)
	case ed25519.PublicKey:
		return ed25519.Verify(k, message, signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, hash[:], signature) == nil
	}
	return false
}
