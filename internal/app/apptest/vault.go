package apptest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"strings"
)

// Vault is an app.Vault of the standard library, with keys that are known to all: AES-GCM, HMAC-SHA-256
// and a permutation of 40 bits. Two of them open what the other sealed.
type Vault struct {
	aead cipher.AEAD
	key  []byte
}

// NewVault makes a Vault.
func NewVault() *Vault {
	key := sha256.Sum256([]byte("a key for tests, known to all"))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return &Vault{aead: aead, key: key[:]}
}

func (v *Vault) mac(domain string, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, v.key)
	m.Write([]byte(domain + "\x00"))
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(nil)
}

// Seal and Open keep plain from whoever reads the database, bound to what it is about.
func (v *Vault) Seal(plain []byte, about string) []byte {
	nonce := make([]byte, v.aead.NonceSize())
	rand.Read(nonce)
	return v.aead.Seal(nonce, nonce, plain, []byte(about))
}

func (v *Vault) Open(sealed []byte, about string) ([]byte, error) {
	n := v.aead.NonceSize()
	if len(sealed) < n {
		return nil, errors.New("apptest: sealed text too short")
	}
	return v.aead.Open(nil, sealed[:n], sealed[n:], []byte(about))
}

var lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Lookup is the keyed hash by which something is found.
func (v *Vault) Lookup(domain, canonical string) string {
	return lower.EncodeToString(v.mac("lookup "+domain, []byte(canonical))[:16])
}

// TokenHash is what the database knows a session token by.
func (v *Vault) TokenHash(token string) string { return v.Lookup("token", token) }

const codeDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// CodeOf writes a booking number as XXXX-XXXX-X: a permutation of it and a check character.
func (v *Vault) CodeOf(n uint64) string {
	l, r := uint32(n>>20)&0xfffff, uint32(n)&0xfffff
	for i := range 4 {
		l, r = r, l^v.round(i, r)
	}
	return write(uint64(l)<<20 | uint64(r))
}

// NumberOf reads a code back, however it is spaced and in either case.
func (v *Vault) NumberOf(code string) (uint64, bool) {
	code = strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))
	if len(code) != 9 {
		return 0, false
	}
	var c uint64
	for i := range 8 {
		d := strings.IndexByte(codeDigits, code[i])
		if d < 0 {
			return 0, false
		}
		c = c<<5 | uint64(d)
	}
	if strings.ReplaceAll(write(c), "-", "") != code {
		return 0, false
	}
	l, r := uint32(c>>20)&0xfffff, uint32(c)&0xfffff
	for i := 3; i >= 0; i-- {
		l, r = r^v.round(i, l), l
	}
	return uint64(l)<<20 | uint64(r), true
}

func (v *Vault) round(i int, half uint32) uint32 {
	return binary.BigEndian.Uint32(v.mac("code", []byte{byte(i)}, binary.BigEndian.AppendUint32(nil, half))) & 0xfffff
}

func write(c uint64) string {
	b := make([]byte, 0, 11)
	for i := range 8 {
		if i == 4 {
			b = append(b, '-')
		}
		b = append(b, codeDigits[c>>(35-5*i)&31])
	}
	return string(b) + "-" + string(codeDigits[c%31])
}
