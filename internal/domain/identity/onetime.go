package identity

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"suiyue/internal/domain/fault"
)

// CodeRules are the limits of one-time codes, with which a foreigner signs in for
// foreigner-related business (Art. 12: travel document, nationality, birth date, code).
type CodeRules struct {
	Life     time.Duration // from sending to the last moment of use
	Attempts int           // wrong tries before the code is void
	Resend   time.Duration // between two codes to one phone
	PerHour  int           // codes to one phone in any 60 minutes
	PerDay   int           // … in any 24 hours; 0 = no limit
}

// DefaultCodeRules are 10 minutes, 5 tries, 60 seconds, 5 an hour, 10 a day: what the carriers' own limits allow.
func DefaultCodeRules() CodeRules {
	return CodeRules{Life: 10 * time.Minute, Attempts: 5, Resend: time.Minute, PerHour: 5, PerDay: 10}
}

// codeDigits is the length of a code; every code from 000000 on is equally likely.
const codeDigits = 6

// NewCode draws a code of 6 digits from random, which is crypto/rand.Reader outside tests.
func NewCode(random io.Reader) (string, error) {
	const codes = 1_000_000
	const fair = 1<<32 - (1<<32)%codes // above it, low codes would be likelier
	for {
		var b [4]byte
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return "", fmt.Errorf("identity: draw code: %w", err)
		}
		if n := binary.BigEndian.Uint32(b[:]); uint64(n) < fair {
			return fmt.Sprintf("%0*d", codeDigits, n%codes), nil
		}
	}
}

// CodeFact is what the caller puts through its keyed hash to get StoredCode.Hash: the code together
// with everything it was asked for, so that it opens no other document, birth date or phone. Each
// part is preceded by its length; document must be normalised.
func CodeFact(code string, document Document, birth, phone string) []byte {
	var b []byte
	for _, part := range []string{"one-time code", code, string(document.Kind), document.Number, document.Nationality, birth, phone} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

// StoredCode is a sent code as the database keeps it: never the code itself.
type StoredCode struct {
	Hash  Key
	Sent  time.Time
	Wrong int  // wrong tries so far
	Used  bool // it has signed somebody in
}

// Check decides whether given, hashed as Hash was, is the code (Art. 12). The caller stores next
// before it answers, in the statement that reads the code, so that tries at the same time count one
// by one. A wrong one is CodeWrong with arg left, the tries that remain; a code that is over, void or
// used is CodeExpired and next is stored unchanged.
func (r CodeRules) Check(stored StoredCode, given Key, now time.Time) (next StoredCode, err error) {
	next = stored
	switch age := now.Sub(stored.Sent); {
	case stored.Hash == "", stored.Used, stored.Wrong >= r.Attempts, age < 0, age >= r.Life:
		return next, fault.New(fault.CodeExpired)
	}
	if subtle.ConstantTimeCompare([]byte(stored.Hash), []byte(given)) != 1 {
		next.Wrong++
		return next, fault.New(fault.CodeWrong, "left", strconv.Itoa(r.Attempts-next.Wrong))
	}
	next.Used = true
	return next, nil
}

// MaySend decides whether another code may go to a phone to which codes went at the instants sent
// (in any order, those of the last day suffice). The refusal is CodeTooOften and says when to ask again.
func (r CodeRules) MaySend(sent []time.Time, now time.Time) error {
	recent := slices.DeleteFunc(slices.Clone(sent), func(t time.Time) bool { return now.Sub(t) >= 24*time.Hour })
	if len(recent) == 0 {
		return nil
	}
	slices.SortFunc(recent, func(a, b time.Time) int { return b.Compare(a) }) // latest first
	wait := recent[0].Add(r.Resend).Sub(now)
	if len(recent) >= r.PerHour {
		wait = max(wait, recent[r.PerHour-1].Add(time.Hour).Sub(now))
	}
	if r.PerDay > 0 && len(recent) >= r.PerDay {
		wait = max(wait, recent[r.PerDay-1].Add(24*time.Hour).Sub(now))
	}
	if wait <= 0 {
		return nil
	}
	seconds := (wait + time.Second - 1).Truncate(time.Second)
	return fault.New(fault.CodeTooOften, "seconds", strconv.Itoa(int(seconds/time.Second))).After(seconds)
}
