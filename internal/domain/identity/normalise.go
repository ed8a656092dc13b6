package identity

import (
	"strings"
	"unicode"
)

// Normalise returns d with its number as it is checked, stored and hashed: half-width capitals
// without spaces, hyphens and invisible characters. Nationality is kept for a Passport only.
// It does not make a wrong number right: CheckDocument follows.
func Normalise(d Document) Document {
	d.Number = normaliseNumber(d.Number)
	if d.Kind == Passport {
		d.Nationality = normaliseNumber(d.Nationality)
	} else {
		d.Nationality = ""
	}
	return d
}

// NormaliseCreditCode does for a unified social credit code what Normalise does for a document.
func NormaliseCreditCode(code string) string { return normaliseNumber(code) }

func normaliseNumber(s string) string {
	return strings.Map(func(r rune) rune {
		r = halfWidth(r)
		switch {
		case blank(r) || hyphen(r) || unicode.Is(unicode.Cf, r):
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// NormalisePhone returns a phone as it is checked, stored and sent to: 11 digits for a mainland
// mobile, else + and country code. A leading 00 is read as +.
func NormalisePhone(s string) string {
	s = strings.Map(func(r rune) rune {
		r = halfWidth(r)
		if blank(r) || hyphen(r) || unicode.Is(unicode.Cf, r) || r == '(' || r == ')' || r == '.' {
			return -1
		}
		return r
	}, s)
	if rest, ok := strings.CutPrefix(s, "00"); ok {
		s = "+" + rest
	}
	if rest, ok := strings.CutPrefix(strings.TrimPrefix(s, "+"), "86"); ok && mainlandMobile(rest) {
		return rest
	}
	if rest, ok := strings.CutPrefix(s, "+8860"); ok { // the 0 that is dialled within Taiwan only
		return "+886" + strings.TrimLeft(rest, "0")
	}
	return s
}

// NormaliseName returns a name with single spaces, half-width letters, and one form each of the
// middle dot (also a full stop between two Chinese characters), the hyphen and the apostrophe.
func NormaliseName(s string) string {
	var b strings.Builder
	space := false
	in := []rune(s)
	for i, r := range in {
		if half := halfWidth(r); half != '(' && half != ')' && half != '&' { // full-width in company names
			r = half
		}
		switch {
		case blank(r):
			space = b.Len() > 0
			continue
		case hyphen(r):
			r = '-'
		}
		switch r {
		case '•', '‧', '・', '･', '∙', '⋅', '●':
			r = '·'
		case '‘', '’', 'ʼ', '`', '´', '′':
			r = '\''
		case '.':
			if i > 0 && i+1 < len(in) && han(in[i-1]) && han(in[i+1]) {
				r = '·'
			}
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// halfWidth returns the ASCII form of a full-width character, others unchanged.
func halfWidth(r rune) rune {
	if 0xFF01 <= r && r <= 0xFF5E {
		return r - 0xFF01 + '!'
	}
	return r
}

// blank tells whether r is white space that people type or paste: not the control characters.
func blank(r rune) bool { return r == '\t' || r == '\n' || r == '\r' || unicode.Is(unicode.Zs, r) }

func hyphen(r rune) bool {
	return r == '-' || 0x2010 <= r && r <= 0x2015 || r == 0x2212 || r == 0xFE63
}

// han tells whether r is a Chinese character. Planes 2 and 3 hold nothing else; they are taken
// whole, so that a rare name need not wait for the language's next Unicode tables.
func han(r rune) bool {
	return unicode.Is(unicode.Han, r) && unicode.IsOneOf([]*unicode.RangeTable{unicode.Lo, unicode.Lm, unicode.Nl}, r) ||
		0x20000 <= r && r <= 0x3FFFD
}
