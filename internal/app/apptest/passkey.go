package apptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math/big"
	"testing"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
)

// Flags of what an authenticator says.
const (
	UserPresent  = 1 << 0
	UserVerified = 1 << 2
	attested     = 1 << 6
)

// Device is an authenticator and the browser before it: it makes one passkey and signs with it.
type Device struct {
	Host   string // it is asked from
	Origin string
	ID     []byte
	Signer crypto.Signer
	Count  uint32 // signatures so far; stays 0 for one that does not count
	Flags  byte
	Format string // of its attestation
}

// NewDevice is a device at the address people open.
func NewDevice(id string, signer crypto.Signer) *Device {
	return &Device{Host: Public[len("https://"):], Origin: Public, ID: []byte(id), Signer: signer, Flags: UserPresent | UserVerified, Format: "none"}
}

// Answer is what the browser's script sends, as WebAuthn has it in JSON.
type Answer struct {
	ID       string         `json:"id"`
	RawID    string         `json:"rawId"`
	Type     string         `json:"type"`
	Results  map[string]any `json:"clientExtensionResults"`
	Response Response       `json:"response"`
}

// Response is base64url but for the transports.
type Response struct {
	ClientData  string   `json:"clientDataJSON"`
	Attestation string   `json:"attestationObject,omitempty"`
	AuthData    string   `json:"authenticatorData,omitempty"`
	Signature   string   `json:"signature,omitempty"`
	UserHandle  string   `json:"userHandle,omitempty"`
	Transports  []string `json:"transports,omitempty"`
}

// JSON is the answer as a form sends it.
func (a Answer) JSON() []byte {
	b, err := json.Marshal(a)
	if err != nil {
		panic(err)
	}
	return b
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Make answers the options of a passkey to be made.
func (d *Device) Make(t testing.TB, options []byte) Answer {
	t.Helper()
	place := append(d.place(d.Flags|attested), make([]byte, 16)...)
	auth := append(append(binary.BigEndian.AppendUint16(place, uint16(len(d.ID))), d.ID...), d.key(t)...)
	object, err := webauthncbor.Marshal(map[string]any{"fmt": d.Format, "attStmt": map[string]any{}, "authData": auth})
	if err != nil {
		t.Fatal(err)
	}
	a := d.answer()
	a.Response = Response{ClientData: encode(d.client(t, "webauthn.create", options)), Attestation: encode(object), Transports: []string{"internal"}}
	return a
}

// Use answers the options of a passkey to be used.
func (d *Device) Use(t testing.TB, options []byte) Answer {
	t.Helper()
	client, auth := d.client(t, "webauthn.get", options), d.place(d.Flags)
	said := sha256.Sum256(client)
	message := append(append([]byte(nil), auth...), said[:]...)
	digest, opts := message, crypto.SignerOpts(crypto.Hash(0))
	if _, pure := d.Signer.(ed25519.PrivateKey); !pure {
		sum := sha256.Sum256(message)
		digest, opts = sum[:], crypto.SHA256
	}
	signature, err := d.Signer.Sign(rand.Reader, digest, opts)
	if err != nil {
		t.Fatal(err)
	}
	a := d.answer()
	a.Response = Response{ClientData: encode(client), AuthData: encode(auth), Signature: encode(signature)}
	return a
}

func (d *Device) answer() Answer {
	return Answer{ID: encode(d.ID), RawID: encode(d.ID), Type: "public-key", Results: map[string]any{}}
}

func (d *Device) client(t testing.TB, kind string, options []byte) []byte {
	t.Helper()
	var asked struct{ Challenge string }
	if err := json.Unmarshal(options, &asked); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(map[string]any{"type": kind, "challenge": asked.Challenge, "origin": d.Origin, "crossOrigin": false})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (d *Device) place(flags byte) []byte {
	host := sha256.Sum256([]byte(d.Host))
	return binary.BigEndian.AppendUint32(append(host[:], flags), d.Count)
}

// key is the public key in COSE.
func (d *Device) key(t testing.TB) []byte {
	t.Helper()
	var m map[int]any
	switch k := d.Signer.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		half := len(point) / 2
		m = map[int]any{1: 2, 3: -7, -1: map[int]int{256: 1, 384: 2}[k.Params().BitSize], -2: point[1 : 1+half], -3: point[1+half:]}
	case ed25519.PublicKey:
		m = map[int]any{1: 1, 3: -8, -1: 6, -2: []byte(k)}
	case *rsa.PublicKey:
		m = map[int]any{1: 3, 3: -257, -1: k.N.Bytes(), -2: big.NewInt(int64(k.E)).Bytes()}
	}
	b, err := webauthncbor.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
