package identity

import (
	"strconv"
	"strings"
)

// Canonical returns the text whose keyed hash is the person's Key: the same for every way of
// writing one document, different for two persons. d is normalised first.
//
// A permit for Hong Kong and Macao residents is known by its letter and 8 digits, which stay for
// life; the two digits that count re-issues are left out. A passport number belongs to a country
// and changes on renewal, so a foreigner is known by nationality, number and birth (2006-01-02)
// together; birth is not looked at for other kinds.
func (d Document) Canonical(birth string) string {
	d = Normalise(d)
	switch d.Kind {
	case HKMacauPermit:
		return join(string(d.Kind), d.Number[:min(len(d.Number), 9)])
	case Passport:
		return join(string(d.Kind), d.Nationality, d.Number, birth)
	}
	return join(string(d.Kind), d.Number)
}

// CanonicalCreditCode returns the text whose keyed hash is an organisation's Key.
func CanonicalCreditCode(code string) string { return NormaliseCreditCode(code) }

// CanonicalPhone returns the one form of a phone, with + and country code, by which it is hashed.
func CanonicalPhone(phone string) string {
	phone = NormalisePhone(phone)
	if mainlandMobile(phone) {
		return "+86" + phone
	}
	return phone
}

// join puts each part behind its length, so that nothing can move from one into the next.
func join(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(strconv.Itoa(len(p)) + ":" + p)
	}
	return b.String()
}
