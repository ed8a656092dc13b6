// Package sign proves which connected system sent a request, and that nobody changed it on the way: HTTP Message
// Signatures (RFC 9421) with Ed25519, HMAC-SHA-256, SM2 with SM3 and HMAC-SM3, and the style of the provincial
// gateway (gateway.go). Content is bound by Content-Digest (RFC 9530).
//
// A Message is a request without net/http; http.go makes one of it. Whatever is refused is refused with a code of its
// own (fault.Signature…).
package sign

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"hash"
	"math/big"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"

	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
)

// Tag marks the signature that is meant for us, where a request carries several.
const Tag = "suiyue"

// A nonce is drawn by whoever signs, for one request.
const (
	leastNonce = 8
	mostNonce  = 128
)

// Key is what a client signs with. A key is of one profile: what it signs in another is refused, so that a public key
// is never taken for a secret.
type Key struct {
	ID          string
	Profile     oversight.Profile
	Public      []byte    // Ed25519: 32 bytes. SM2: an uncompressed point, 65 bytes
	Secret      []byte    // of the profiles with one secret on both sides
	Private     []byte    // to sign with: an Ed25519 seed, an SM2 scalar; 32 bytes
	From, Until time.Time // in force from From on, and before Until
	Certificate string    // SHA-256 of the client certificate it goes with, hex; "" = any or none
}

// Nonces remembers which nonces a key has used, for every node. Take refuses one that was used before with
// fault.SignatureReplayed; it may be forgotten at until.
type Nonces interface {
	Take(ctx context.Context, key, nonce string, until time.Time) error
}

// Verifier checks signed requests. All its fields are required.
type Verifier struct {
	Keys   func(ctx context.Context, id string) (*Key, error) // nil = there is none
	Nonces Nonces
	Now    func() time.Time
	Skew   time.Duration // how far the clock of a client may be off; a signature is good that long before and behind
}

// Signed tells whether a request carries a signature of some kind, well made or not.
func Signed(m *Message) bool {
	for name := range m.Fields {
		if name == "signature" || name == "signature-input" || strings.HasPrefix(name, gatewayPrefix) {
			return true
		}
	}
	return false
}

// signature is one signature of a request, as it came.
type signature struct {
	covered []item
	params  []param
	value   []byte

	key, nonce, alg, tag      string
	created, expires          int64 // seconds
	hasCreated, hasExpires    bool
	hasNonce, hasKey, hasAlgo bool
}

// Verify returns the key a request is signed with. certificate is that of the connection, SHA-256 in hex, "" for none.
// A nonce is used up only by a request that is right in everything else.
func (v *Verifier) Verify(ctx context.Context, m *Message, certificate string) (*Key, error) {
	if isGateway(m) {
		return v.verifyGateway(ctx, m, certificate)
	}
	list, err := signatures(m)
	if err != nil {
		return nil, err
	}
	if digests := m.Fields["content-digest"]; len(digests) > 0 {
		if err := CheckDigest(digests, m.Body); err != nil {
			return nil, err
		}
	}
	var refused error
	for _, s := range list {
		k, err := v.verify(ctx, m, s, certificate)
		if err == nil {
			if err = v.Nonces.Take(ctx, k.ID, s.nonce, time.Unix(s.created, 0).Add(v.Skew+keptBehind)); err == nil {
				return k, nil
			}
			return nil, err
		}
		if refused == nil || fault.CodeOf(refused) == fault.SignatureKeyUnknown {
			refused = err
		}
	}
	return nil, refused
}

// keptBehind is how much longer than its signature is good a nonce is kept: clocks of nodes differ a little.
const keptBehind = time.Minute

// signatures reads the signatures of a request: those with our tag where there are some, else all.
func signatures(m *Message) (out []signature, err error) {
	inputs, err1 := parseDictionary(m.Fields["signature-input"])
	values, err2 := parseDictionary(m.Fields["signature"])
	if err1 != nil || err2 != nil {
		return nil, fault.New(fault.SignatureMalformed)
	}
	if len(inputs) == 0 || len(values) == 0 {
		return nil, fault.New(fault.SignatureMissing)
	}
	var ours []signature
	for _, in := range inputs {
		s, err := readInput(in)
		if err != nil {
			return nil, err
		}
		for _, val := range values {
			if val.key != in.key {
				continue
			}
			if val.isList || val.one.kind != isBytes {
				return nil, fault.New(fault.SignatureMalformed)
			}
			s.value = []byte(val.one.text)
		}
		if s.value == nil {
			return nil, fault.New(fault.SignatureMissing)
		}
		if s.tag == Tag {
			ours = append(ours, s)
		}
		out = append(out, s)
	}
	if len(ours) > 0 {
		return ours, nil
	}
	return out, nil
}

// readInput reads one entry of Signature-Input.
func readInput(in member) (s signature, err error) {
	bad := fault.New(fault.SignatureMalformed)
	if !in.isList {
		return s, bad
	}
	s.covered, s.params = in.list, in.params
	for _, p := range in.params {
		switch p.key {
		case "created", "expires":
			if p.kind != isInteger || p.n < 0 {
				return s, bad
			}
			if p.key == "created" {
				s.created, s.hasCreated = p.n, true
			} else {
				s.expires, s.hasExpires = p.n, true
			}
		case "nonce", "alg", "keyid", "tag":
			if p.kind != isString {
				return s, bad
			}
			switch p.key {
			case "nonce":
				s.nonce, s.hasNonce = p.text, true
			case "alg":
				s.alg, s.hasAlgo = p.text, true
			case "keyid":
				s.key, s.hasKey = p.text, true
			case "tag":
				s.tag = p.text
			}
		}
	}
	return s, nil
}

// verify checks one signature in everything but its nonce being new.
func (v *Verifier) verify(ctx context.Context, m *Message, s signature, certificate string) (*Key, error) {
	if !s.hasKey {
		return nil, fault.New(fault.SignatureIncomplete, "part", "keyid")
	}
	k, err := v.key(ctx, s.key, func(p oversight.Profile) bool { return !p.Gateway() && (!s.hasAlgo || s.alg == string(p)) })
	if err != nil {
		return nil, err
	}
	if missing := s.missing(m); missing != "" {
		return nil, fault.New(fault.SignatureIncomplete, "part", missing)
	}
	if len(s.nonce) < leastNonce || len(s.nonce) > mostNonce || s.hasExpires && s.expires < s.created {
		return nil, fault.New(fault.SignatureMalformed)
	}
	if err := v.timely(s.created); err != nil {
		return nil, err
	}
	if s.hasExpires && v.Now().Unix() >= s.expires {
		return nil, v.atTime(fault.SignatureExpired)
	}
	base, err := m.base(s.covered, s.params)
	if err != nil {
		return nil, err
	}
	if !k.verifies([]byte(base), s.value) {
		return nil, fault.New(fault.SignatureWrong)
	}
	return k, k.goesWith(certificate)
}

// key finds a key that is in force and of a profile that fits.
func (v *Verifier) key(ctx context.Context, id string, fits func(oversight.Profile) bool) (*Key, error) {
	k, err := v.Keys(ctx, id)
	if err != nil {
		return nil, err
	}
	now := v.Now()
	switch {
	case k == nil:
		return nil, fault.New(fault.SignatureKeyUnknown)
	case !fits(k.Profile):
		return nil, fault.New(fault.SignatureAlgorithm)
	case now.Before(k.From) || !now.Before(k.Until):
		return nil, fault.New(fault.SignatureKeyOver)
	}
	return k, nil
}

func (k *Key) goesWith(certificate string) error {
	if k.Certificate != "" && k.Certificate != certificate {
		return fault.New(fault.SignatureCertificate)
	}
	return nil
}

// timely refuses what was signed too long ago, or by a clock too far ahead; seconds is when it says it was signed.
func (v *Verifier) timely(seconds int64) error {
	now, skew := v.Now().Unix(), int64(v.Skew/time.Second)
	switch {
	case seconds < now-skew:
		return v.atTime(fault.SignatureOld)
	case seconds > now+skew:
		return v.atTime(fault.SignatureAhead)
	}
	return nil
}

// atTime is a refusal that tells what time it is here.
func (v *Verifier) atTime(code fault.Code) error {
	return fault.New(code, "now", v.Now().UTC().Format(time.RFC3339))
}

// missing names what a signature must cover and does not, "" if it covers everything: method, address and, where there
// is one, the body. Without those it would be good for another request.
func (s *signature) missing(m *Message) string {
	covers := map[string]bool{}
	for _, i := range s.covered {
		if len(i.params) == 0 {
			covers[i.text] = true
		}
	}
	address := covers["@target-uri"] || covers["@authority"] && (covers["@request-target"] || covers["@path"] && (!m.Asked || covers["@query"]))
	switch {
	case !covers["@method"]:
		return "@method"
	case !address:
		return "@target-uri"
	case len(m.Body) > 0 && (!covers["content-digest"] || len(m.Fields["content-digest"]) == 0):
		return "content-digest"
	case !s.hasCreated:
		return "created"
	case !s.hasNonce:
		return "nonce"
	}
	return ""
}

// verifies tells whether a signature of the base was made with the key.
func (k *Key) verifies(base, value []byte) bool {
	switch k.Profile {
	case oversight.Ed25519:
		return len(k.Public) == ed25519.PublicKeySize && ed25519.Verify(k.Public, base, value)
	case oversight.SM2:
		pub, err := sm2.NewPublicKey(k.Public)
		return err == nil && verifySM2(pub, base, value)
	case oversight.HMACSHA256:
		return len(k.Secret) > 0 && hmac.Equal(value, keyed(sha256.New, k.Secret, base))
	case oversight.HMACSM3:
		return len(k.Secret) > 0 && hmac.Equal(value, keyed(sm3.New, k.Secret, base))
	}
	return false
}

func keyed(h func() hash.Hash, secret, base []byte) []byte {
	m := hmac.New(h, secret)
	m.Write(base)
	return m.Sum(nil)
}

const halfSM2 = 32

// verifySM2 checks an SM2 signature (GB/T 32918.2, with the usual identity 1234567812345678): 64 bytes r and s, or
// ASN.1.
func verifySM2(pub *ecdsa.PublicKey, base, value []byte) bool {
	if len(value) != 2*halfSM2 {
		return sm2.VerifyASN1WithSM2(pub, nil, base, value)
	}
	coded, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(value[:halfSM2]), new(big.Int).SetBytes(value[halfSM2:])})
	return err == nil && sm2.VerifyASN1WithSM2(pub, nil, base, coded)
}

var errKey = errors.New("sign: a key that cannot sign")

// sign signs a base.
func (k *Key) sign(base []byte) ([]byte, error) {
	switch k.Profile {
	case oversight.Ed25519:
		if len(k.Private) != ed25519.SeedSize {
			return nil, errKey
		}
		return ed25519.Sign(ed25519.NewKeyFromSeed(k.Private), base), nil
	case oversight.SM2:
		private, err := sm2.NewPrivateKey(k.Private)
		if err != nil {
			return nil, errKey
		}
		coded, err := private.Sign(rand.Reader, base, sm2.DefaultSM2SignerOpts)
		if err != nil {
			return nil, err
		}
		var rs struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(coded, &rs); err != nil {
			return nil, err
		}
		out := make([]byte, 2*halfSM2)
		rs.R.FillBytes(out[:halfSM2])
		rs.S.FillBytes(out[halfSM2:])
		return out, nil
	case oversight.HMACSHA256:
		return keyed(sha256.New, k.Secret, base), nil
	case oversight.HMACSM3:
		return keyed(sm3.New, k.Secret, base), nil
	}
	return nil, errKey
}

// Params are those of a signature that is made.
type Params struct {
	Created, Expires time.Time // Expires zero = not said
	Nonce            string
	Alg              bool   // says the algorithm, too
	Tag              string // "" = not said
}

// Sign signs a message in the manner of RFC 9421 and returns the values of Signature-Input and Signature under a
// label. covered names components; one with a parameter is not made here.
func (k *Key) Sign(m *Message, label string, covered []string, p Params) (input, value string, err error) {
	list := make([]item, len(covered))
	for n, name := range covered {
		list[n] = item{value: text(name)}
	}
	params := []param{{"created", integer(p.Created.Unix())}}
	if !p.Expires.IsZero() {
		params = append(params, param{"expires", integer(p.Expires.Unix())})
	}
	params = append(params, param{"nonce", text(p.Nonce)}, param{"keyid", text(k.ID)})
	if p.Alg {
		params = append(params, param{"alg", text(string(k.Profile))})
	}
	if p.Tag != "" {
		params = append(params, param{"tag", text(p.Tag)})
	}
	base, err := m.base(list, params)
	if err != nil {
		return "", "", err
	}
	sum, err := k.sign([]byte(base))
	if err != nil {
		return "", "", err
	}
	return label + "=" + writeList(list, params), label + "=" + byteSequence(sum), nil
}
