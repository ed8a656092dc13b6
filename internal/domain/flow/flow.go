// Package flow is the one-time token that leads from one step of a booking to the next. It says that this account
// was shown this slot by the step before, and is good for one number: the idempotency key of the booking is part
// of it, and of one account a key gets one booking. It is kept nowhere.
package flow

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"time"
)

// Life is how long a token is good for.
const Life = 10 * time.Minute

// Step is what a token is bound to. Name is the step it opens.
type Step struct {
	Name, Who, Item, Slot, Key string
}

// Steps.
const (
	Book     = "book"
	Together = "together" // for several people: Slot is all their slots, with blanks between
)

const domain = "suiyue flow 1\n"

const macSize = 16

// Token makes the token of a step, good until the second of until. key is a secret of at least 32 bytes, the same
// on every node. A token is 32 characters of A–Z, a–z, 0–9, - and _.
func (s Step) Token(key []byte, until time.Time) string {
	b := make([]byte, 8, 8+macSize)
	binary.BigEndian.PutUint64(b, uint64(until.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(b, s.mac(key, b)...))
}

// Check tells whether a token is that of the step, and whether its time is over.
func (s Step) Check(key []byte, token string, now time.Time) (genuine, over bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != 8+macSize || !hmac.Equal(b[8:], s.mac(key, b[:8])) {
		return false, false
	}
	return true, now.After(time.Unix(int64(binary.BigEndian.Uint64(b)), 0))
}

func (s Step) mac(key, until []byte) []byte {
	b := make([]byte, 0, 256)
	b = append(append(b, domain...), until...)
	for _, part := range []string{s.Name, s.Who, s.Item, s.Slot, s.Key} {
		b = strconv.AppendInt(b, int64(len(part)), 10)
		b = append(append(b, ':'), part...)
	}
	m := hmac.New(sha256.New, key)
	m.Write(b)
	return m.Sum(nil)[:macSize]
}
