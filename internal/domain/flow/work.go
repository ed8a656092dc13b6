package flow

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Work is a small proof of work: friction for programs that ask very often, and never the only way on. Its challenge
// belongs to one account and one minute; it is solved by a nonce with which SHA-256 of "challenge.nonce" begins with
// Bits zero bits, and the proof is that text. It is kept nowhere: brought again by the same account within its time
// it is the same proof, and no other.
type Work struct {
	Who  string
	Bits int // 1 to MostBits
}

// MostBits is the hardest work that is asked for: some seconds of a phone.
const MostBits = 22

// Challenge makes the challenge of the minute of now: 34 characters of A–Z, a–z, 0–9, - and _. key is a secret of at
// least 32 bytes, the same on every node.
func (w Work) Challenge(key []byte, now time.Time) string {
	b := make([]byte, 9, 9+macSize)
	binary.BigEndian.PutUint64(b, uint64(now.Unix()/60))
	b[8] = byte(w.Bits)
	return base64.RawURLEncoding.EncodeToString(append(b, w.mac(key, b)...))
}

// Solved tells whether a proof is of this account, of this minute or the one before, of no fewer bits, and solved.
func (w Work) Solved(key []byte, proof string, now time.Time) bool {
	challenge, nonce, ok := strings.Cut(proof, ".")
	if !ok || nonce == "" || len(nonce) > 20 || strings.Trim(nonce, "0123456789") != "" {
		return false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	if err != nil || len(b) != 9+macSize || !hmac.Equal(b[9:], w.mac(key, b[:9])) {
		return false
	}
	age := now.Unix()/60 - int64(binary.BigEndian.Uint64(b))
	return (age == 0 || age == 1) && int(b[8]) >= w.Bits && zeros(proof) >= int(b[8])
}

// Solve does the work.
func Solve(challenge string, bits int) (proof string) {
	for n := 0; ; n++ {
		if proof = challenge + "." + strconv.Itoa(n); zeros(proof) >= bits {
			return proof
		}
	}
}

func zeros(text string) int {
	sum := sha256.Sum256([]byte(text))
	return bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:]))
}

func (w Work) mac(key, head []byte) []byte {
	b := make([]byte, 0, 128)
	b = append(append(b, "suiyue work 1\n"...), head...)
	b = append(b, w.Who...)
	m := hmac.New(sha256.New, key)
	m.Write(b)
	return m.Sum(nil)[:macSize]
}
