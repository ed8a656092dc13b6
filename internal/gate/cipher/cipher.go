// Package cipher keeps the product's secrets: it seals personal data (SM4-GCM), makes keyed hashes
// by which it is found again (HMAC-SM3), turns booking numbers into codes that nobody can guess or
// count up, and signs what a browser carries for us. SM3 and SM4 are GB/T 32905 and GB/T 32907.
//
// A Keyring holds all keys. It is a file in which each key is wrapped under a key-encryption key
// (KEK) that is kept elsewhere; see Create.
package cipher

import (
	stdcipher "crypto/cipher"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
)

// ErrSealed is the answer to sealed data that cannot be opened: changed, cut, sealed about
// something else, or under a key this ring does not have. It says no more on purpose.
var ErrSealed = errors.New("cipher: sealed data cannot be opened")

// Sealed data is: format (1 byte), id of the data key (4), nonce (12), SM4-GCM ciphertext with its
// tag (16). Format and key id are authenticated together with what the data is about.
const (
	sealFormat = 1
	headerSize = 1 + 4
	nonceSize  = 12
	tagSize    = 16
)

// Seal encrypts plain under the current data key. about binds it to its place, e.g.
// "booking|parties|" and the row's id: it opens nowhere else. A data key is good for 2^32 seals;
// Rotate long before that.
func (k *Keyring) Seal(plain []byte, about string) []byte {
	r := k.ring.Load()
	out := make([]byte, headerSize+nonceSize, headerSize+nonceSize+len(plain)+tagSize)
	out[0] = sealFormat
	binary.BigEndian.PutUint32(out[1:], r.current)
	rand.Read(out[headerSize:])
	return r.data[r.current].Seal(out, out[headerSize:], plain, bound(out[:headerSize], about))
}

// Open decrypts what Seal made with the same about. Data sealed under a key that another process
// has added to the file since is opened too. The error is ErrSealed, or that of reading the file.
func (k *Keyring) Open(sealed []byte, about string) ([]byte, error) {
	if len(sealed) < headerSize+nonceSize+tagSize || sealed[0] != sealFormat {
		return nil, ErrSealed
	}
	id := binary.BigEndian.Uint32(sealed[1:])
	aead, ok := k.ring.Load().data[id]
	if !ok {
		if err := k.refresh(); err != nil {
			return nil, err
		}
		if aead, ok = k.ring.Load().data[id]; !ok {
			return nil, ErrSealed
		}
	}
	plain, err := aead.Open(nil, sealed[headerSize:headerSize+nonceSize], sealed[headerSize+nonceSize:], bound(sealed[:headerSize], about))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func bound(header []byte, about string) []byte {
	return append(append(make([]byte, 0, len(header)+len(about)), header...), about...)
}

// newAEAD makes SM4-GCM of a key of 16 bytes; the result is safe for concurrent use.
func newAEAD(key []byte) (stdcipher.AEAD, error) {
	block, err := sm4.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("cipher: %w", err)
	}
	return stdcipher.NewGCM(block)
}

// Lookup returns the keyed hash by which a value is found without being stored: 26 characters of
// a-z and 2-7. domain ("person", "organisation", "phone", …) keeps values of different kinds apart.
func (k *Keyring) Lookup(domain, canonical string) string {
	sum := k.ring.Load().lookup.sum("lookup/1", domain, canonical)
	return text32.EncodeToString(sum[:16])
}

// TokenHash returns what a session is stored under instead of its token: 52 characters of a-z and 2-7.
func (k *Keyring) TokenHash(token string) string {
	sum := k.ring.Load().session.sum("token/1", token)
	return text32.EncodeToString(sum[:])
}

// Token returns a new secret of 256 random bits: 43 characters of A-Z, a-z, 0-9, - and _.
func Token() string {
	var b [32]byte
	rand.Read(b[:])
	return text64.EncodeToString(b[:])
}

// Equal compares two secrets in a time that tells only whether their lengths agree.
func Equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// A signed token is base64url of: format (1 byte), the instant it ends in microseconds (8), payload,
// HMAC-SM3 over purpose and all that (32).
const signFormat = 1

// Sign returns payload in a form that a browser may carry and not change, for one purpose
// ("sign-in", "hold", "cursor", …) until expires. It is not secret: no personal data in it.
func (k *Keyring) Sign(purpose string, payload []byte, expires time.Time) string {
	b := make([]byte, 0, 9+len(payload)+sm3.Size)
	b = append(b, signFormat)
	b = binary.BigEndian.AppendUint64(b, uint64(expires.UnixMicro()))
	b = append(b, payload...)
	sum := k.ring.Load().session.sum("sign/1", purpose, string(b))
	return text64.EncodeToString(append(b, sum[:]...))
}

// Verify returns the payload of a token that Sign made for the same purpose, if now is before its end.
func (k *Keyring) Verify(purpose, token string, now time.Time) ([]byte, bool) {
	if strings.ContainsAny(token, "\r\n") { // which the decoder would pass over
		return nil, false
	}
	b, err := text64.DecodeString(token)
	if err != nil || len(b) < 9+sm3.Size || b[0] != signFormat {
		return nil, false
	}
	body, got := b[:len(b)-sm3.Size], b[len(b)-sm3.Size:]
	want := k.ring.Load().session.sum("sign/1", purpose, string(body))
	if subtle.ConstantTimeCompare(got, want[:]) != 1 {
		return nil, false
	}
	if now.UnixMicro() >= int64(binary.BigEndian.Uint64(body[1:9])) {
		return nil, false
	}
	return body[9:], true
}

var (
	text32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	text64 = base64.RawURLEncoding.Strict()
)

// mac is HMAC-SM3 under one key, ready to run: the key's two blocks are hashed once.
type mac struct{ pool sync.Pool }

func newMAC(key []byte) *mac {
	m := &mac{}
	m.pool.New = func() any { return hmac.New(sm3.New, key) }
	return m
}

// sum hashes the parts, each behind its length, so that nothing can move from one into the next.
func (m *mac) sum(parts ...string) (out [sm3.Size]byte) {
	h := m.pool.Get().(hash.Hash)
	h.Reset()
	var buf [128]byte
	b := buf[:0]
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	h.Write(b)
	h.Sum(out[:0])
	m.pool.Put(h)
	return out
}

// SigningKey returns the Ed25519 key of this ring for one purpose, the same for the life of the ring. It
// is made from the session key and never stored: whoever holds the database alone cannot sign.
func (k *Keyring) SigningKey(purpose string) ed25519.PrivateKey {
	seed := k.ring.Load().session.sum("signing key/1", purpose)
	return ed25519.NewKeyFromSeed(seed[:])
}
