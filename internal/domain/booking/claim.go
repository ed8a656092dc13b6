package booking

import (
	"strconv"
	"strings"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/identity"
)

// Claim is the right of one person to something they can hold only once: a row (person, name) that
// the database keeps unique across halls, nodes and shards.
//
// Names sort so that the three kinds a limit looks at lie together, before the keys:
//
//	day:20261209#1   the first of a booker's bookings on that day
//	hour:2026120910  a booker's one booking in that hour
//	item:SI-0001#1   an applicant's active booking for that item
//	key:<key>        an idempotency key: what its request came to; kept, never given back
type Claim struct {
	Person  identity.Key
	Name    string
	HallID  string
	Booking string // id of the booking that holds it
	Hash    string // key: digest of the request that used it
}

// Ref names a claim.
type Ref struct {
	Person identity.Key
	Name   string
}

// Ref returns the name of c.
func (c Claim) Ref() Ref { return Ref{c.Person, c.Name} }

// Bounds of the names that limits look at: LimitsFrom <= name < LimitsTo. Keys lie outside.
const (
	LimitsFrom = "day:"
	LimitsTo   = "item;"
	KeysFrom   = "key:"
	KeysTo     = "key;"
)

// KeyName is the claim name of an idempotency key.
func KeyName(key string) string { return KeysFrom + key }

func dayName(d calendar.Date, n int) string {
	return "day:" + d.Compact() + "#" + strconv.Itoa(n)
}

func hourName(d calendar.Date, hour, n int) string {
	name := "hour:" + d.Compact() + two(hour)
	if n > 1 {
		name += "#" + strconv.Itoa(n)
	}
	return name
}

// Ordinals of hours and days that do not count: of those booked together with another (Together).
const (
	besideLimits = 100
	besideMost   = 100
)

// besideIn returns a booking that the booker of b has in its hour beside the ones that count, other than b and than
// what b holds already: a single booking does not go into an hour where somebody booked with others still is.
func (f *Facts) besideIn(b *Booking, own []Claim) string {
	hour, longer := hourName(b.Date, b.Hour, 1)+"#", len(hourName(b.Date, b.Hour, besideLimits))
	for c := range f.of(b.BookerKey) {
		if len(c.Name) >= longer && strings.HasPrefix(c.Name, hour) && c.Booking != b.ID && !holds(own, c.Ref()) {
			return c.Booking
		}
	}
	return ""
}

// itemPrefix begins the names of the claims on an item.
const itemPrefix = "item:"

func itemName(item string, n int) string { return itemPrefix + item + "#" + strconv.Itoa(n) }

// Elsewhere is what stands for a booking where a claim is held by a row of a connected system. No booking has such an id.
func Elsewhere(source, row string) string { return "@" + source + ":" + row }

// ParseElsewhere reads what Elsewhere wrote.
func ParseElsewhere(id string) (source, row string, ok bool) {
	rest, ok := strings.CutPrefix(id, "@")
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, ":")
}

// FreeItem returns the first claim on an item that is free of limit ones, seeing those that are held; false if there is
// none, or no limit.
func FreeItem(person identity.Key, item, hall, id string, limit int, held []Claim) (Claim, bool) {
	for n := 1; n <= limit; n++ {
		c := Claim{Person: person, Name: itemName(item, n), HallID: hall, Booking: id}
		if !holds(held, c.Ref()) {
			return c, true
		}
	}
	return Claim{}, false
}

func two(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}
