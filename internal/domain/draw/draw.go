// Package draw is the verifiable draw of a release: everyone who asks within the draw's minute is put in an
// order that nobody could know or choose, and that anybody can recompute afterwards.
//
// The rule, in full. Before the release the hash of a secret seed is published (Commit). Who asks within the
// minute gets a salt on their receipt, and the salted hash of what they asked for (Request.Entry) goes on the
// list. After the minute the seed and the whole list are published: entries stand in ascending order of
// HMAC-SHA-256(seed, entry), and get numbers in that order as far as there are any and the limits allow.
// When somebody asked within the minute is no part of it.
package draw

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/domain/calendar"
)

// SeedSize and SaltSize are in bytes.
const (
	SeedSize = 32
	SaltSize = 16
)

// What each hash begins with, so that none can be taken for one of something else.
const (
	seedDomain  = "suiyue draw seed 1\n"
	entryDomain = "suiyue draw entry 1\n"
)

// ID names the draw of a queue at a release: queue id, "-", the day of the release as yyyymmdd.
func ID(queue string, release time.Time) string {
	return queue + "-" + calendar.DateOf(release).Compact()
}

// Commit returns the commitment to a seed for one draw: 64 hexadecimal digits of
// SHA-256("suiyue draw seed 1\n" + id + "\n" + seed). It says nothing about the seed and fits no other.
func Commit(id string, seed []byte) string {
	h := sha256.New()
	h.Write([]byte(seedDomain + id + "\n"))
	h.Write(seed)
	return hex.EncodeToString(h.Sum(nil))
}

// Request is what somebody asks for in a draw, as it stands on their receipt.
type Request struct {
	Draw  string // ID
	Item  string
	Slot  string
	Stage string
	Units int
}

// Entry returns what of a request is on the public list: 64 hexadecimal digits of SHA-256 over
// "suiyue draw entry 1\n" and then, each as its length in bytes, ":" and itself: salt, draw, item, slot,
// stage, units. Without the salt nobody can tell whose it is or try out what it might be.
func (r Request) Entry(salt string) string {
	var b strings.Builder
	b.WriteString(entryDomain)
	for _, part := range []string{salt, r.Draw, r.Item, r.Slot, r.Stage, strconv.Itoa(r.Units)} {
		b.WriteString(strconv.Itoa(len(part)) + ":" + part)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// Order returns the entries in drawn order: ascending by the bytes of HMAC-SHA-256(seed, entry), over the
// entry's digits as text. An entry that is given twice stands once.
func Order(seed []byte, entries []string) []string {
	type ticket struct {
		entry, mac string
	}
	list := make([]ticket, len(entries))
	m := hmac.New(sha256.New, seed)
	for i, e := range entries {
		m.Reset()
		m.Write([]byte(e))
		list[i] = ticket{e, string(m.Sum(nil))}
	}
	slices.SortFunc(list, func(a, b ticket) int {
		if c := strings.Compare(a.mac, b.mac); c != 0 {
			return c
		}
		return strings.Compare(a.entry, b.entry)
	})
	out := make([]string, 0, len(list))
	for _, t := range list {
		if len(out) == 0 || out[len(out)-1] != t.entry {
			out = append(out, t.entry)
		}
	}
	return out
}
