package oversight

import (
	"encoding/hex"
	"slices"
	"time"

	"suiyue/internal/domain/fault"
)

// Profile is how a connected system signs its requests. A key is of one profile.
type Profile string

const (
	Ed25519       Profile = "ed25519"        // RFC 9421
	HMACSHA256    Profile = "hmac-sha256"    // RFC 9421
	SM2           Profile = "sm2-sm3"        // RFC 9421 with GB/T 32918.2
	HMACSM3       Profile = "hmac-sm3"       // RFC 9421 with GB/T 32905
	GatewaySHA256 Profile = "gateway-sha256" // in the style of the provincial gateway
	GatewaySM3    Profile = "gateway-sm3"
)

// Profiles lists them in the order in which they are offered.
var Profiles = []Profile{Ed25519, SM2, HMACSHA256, HMACSM3, GatewaySHA256, GatewaySM3}

// Gateway tells whether requests are signed in the style of the provincial gateway.
func (p Profile) Gateway() bool { return p == GatewaySHA256 || p == GatewaySM3 }

// Public tells whether the system makes the key itself and hands over its public half; of the others both sides hold
// one secret.
func (p Profile) Public() bool { return p == Ed25519 || p == SM2 }

// ClientScope is what a client key may be used for.
type ClientScope string

const (
	ClientRead   ClientScope = "read"   // what the platform knows of the system itself
	ClientFeed   ClientScope = "feed"   // hand over records
	ClientEvents ClientScope = "events" // be told what happens at its halls
)

// ClientScopes lists them in the order in which they are offered.
var ClientScopes = []ClientScope{ClientRead, ClientFeed, ClientEvents}

// MostLiveKeys is how many keys of one profile a system may have at a time: the next is put to use before the one
// before is given up.
const MostLiveKeys = 2

// Bounds of a client key.
const (
	mostClientKeyLife = 3 * 366 * 24 * time.Hour
	mostPerMinute     = 60_000
)

// ClientKey is a key a connected system signs its requests with.
type ClientKey struct {
	ID          string
	SourceID    string
	Profile     Profile
	Name        string
	Scopes      []ClientScope
	Halls       []string // of those its source books for; none = all of these
	PerMinute   int      // requests in a minute, over all nodes
	Public      []byte   // of a profile with a public half
	Certificate string   // SHA-256 of the client certificate its requests must come with, lower-case hex; "" = none
	From, Until time.Time
	MadeAt      time.Time
	EndedAt     time.Time // zero = not taken away
}

// Check tells what is wrong with a key that somebody has entered, by field: profile, scopes, quota, from, until,
// certificate. The name is checked by whoever took it, and the halls with its source.
func (k ClientKey) Check(now time.Time) (wrong []fault.Field) {
	bad := func(path string, code fault.Code) { wrong = append(wrong, fault.Field{Path: path, Code: code}) }
	if !slices.Contains(Profiles, k.Profile) {
		bad("profile", fault.NotOneOf)
	}
	if len(k.Scopes) == 0 {
		bad("scopes", fault.Required)
	}
	for _, s := range k.Scopes {
		if !slices.Contains(ClientScopes, s) {
			bad("scopes", fault.NotOneOf)
			break
		}
	}
	if k.PerMinute < 1 || k.PerMinute > mostPerMinute {
		bad("quota", fault.OutOfRange)
	}
	switch {
	case k.From.IsZero():
		bad("from", fault.BadDate)
	case k.From.Sub(now) > mostClientKeyLife:
		bad("from", fault.OutOfRange)
	}
	switch {
	case k.Until.IsZero():
		bad("until", fault.BadDate)
	case !k.Until.After(now):
		bad("until", fault.DateInPast)
	case !k.From.IsZero() && (!k.Until.After(k.From) || k.Until.Sub(k.From) > mostClientKeyLife):
		bad("until", fault.OutOfRange)
	}
	if k.Certificate != "" && !isFingerprint(k.Certificate) {
		bad("certificate", fault.BadFormat)
	}
	return wrong
}

func isFingerprint(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32 && s == hex.EncodeToString(b)
}

// ClientKeyState is what may be said of a key at an instant.
type ClientKeyState string

const (
	KeyAhead ClientKeyState = "ahead" // in force later
	KeyLive  ClientKeyState = "live"
	KeyOver  ClientKeyState = "over" // its time is up
	KeyEnded ClientKeyState = "ended"
)

// State tells whether a key is in force.
func (k ClientKey) State(now time.Time) ClientKeyState {
	switch {
	case !k.EndedAt.IsZero():
		return KeyEnded
	case !now.Before(k.Until):
		return KeyOver
	case now.Before(k.From):
		return KeyAhead
	}
	return KeyLive
}

// May tells whether the key may be used for something.
func (k ClientKey) May(s ClientScope) bool { return slices.Contains(k.Scopes, s) }

// Serves tells whether the key may be used about a hall its source books for.
func (k ClientKey) Serves(hall string) bool {
	return len(k.Halls) == 0 || slices.Contains(k.Halls, hall)
}
