package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

// CheckDocument tells what is wrong with a normalised document: which of its fields ("kind",
// "number", "nationality") and how; "" and "" when it may belong to a person. A right check digit
// does not prove that the person exists: only the identity platform does (Art. 12).
//
// Every kind answers Required, TooShort, TooLong, BadCharacter and BadFormat; numbers with a birth
// date in them BadDate, those with a check digit BadCheckDigit. DocumentUnsupported is a 15-digit
// first-generation number and a passport of China, whose holders have a document of another kind.
// The address part of a resident number is not compared with today's districts: abolished ones
// live on in it.
func CheckDocument(d Document, today calendar.Date) (field string, bad fault.Code) {
	switch d.Kind {
	case ResidentID:
		bad = checkResident(d.Number, today)
	case ForeignPermanent:
		bad = checkPermanent(d.Number, today)
	case HKMacauPermit:
		bad = checkHKMacau(d.Number)
	case TaiwanPermit:
		bad = shape(d.Number, "dddddddd")
	case Passport:
		if bad = checkNationality(d.Nationality); bad != "" {
			return "nationality", bad
		}
		bad = checkPassport(d.Number)
	case "":
		return "kind", fault.Required
	default:
		return "kind", fault.NotOneOf
	}
	if bad != "" {
		return "number", bad
	}
	return "", ""
}

func checkResident(s string, today calendar.Date) fault.Code {
	if len(s) == 15 && digits(s) {
		return fault.DocumentUnsupported // first generation, ended 2013-01-01
	}
	if bad := shape(s, "dddddddddddddddddx"); bad != "" {
		return bad
	}
	if s[0] == '9' { // a foreigner's number: one person must not be two
		return fault.BadFormat
	}
	return checkDated(s, s[6:14], today)
}

func checkPermanent(s string, today calendar.Date) fault.Code {
	if s != "" && letter(rune(s[0])) { // the card of 2017
		if bad := shape(s, "aaadddddddddddd"); bad != "" {
			return bad
		}
		if _, ok := shortBirth(s[7:13]); !ok {
			return fault.BadDate
		}
		return ""
	}
	if bad := shape(s, "dddddddddddddddddx"); bad != "" {
		return bad
	}
	if s[0] != '9' {
		return fault.BadFormat
	}
	return checkDated(s, s[6:14], today)
}

// checkDated checks the birth date and the check digit of an 18-character number.
func checkDated(s, birth string, today calendar.Date) fault.Code {
	d, ok := longBirth(birth)
	if !ok || d.Year() < earliestBirth || d > today {
		return fault.BadDate
	}
	if checkMod112(s[:17]) != s[17] {
		return fault.BadCheckDigit
	}
	return ""
}

// earliestBirth is the year before which nobody alive was born.
const earliestBirth = 1900

func checkHKMacau(s string) fault.Code {
	switch {
	case s != "" && len(s) <= 11 && ascii(s) && s[0] != 'H' && s[0] != 'M':
		return fault.BadFormat
	case len(s) == 10:
		if bad := shape(s, "addddddddd"); bad != "" {
			return bad
		}
		return fault.BadFormat
	case len(s) > 9:
		return shape(s, "adddddddddd")
	}
	return shape(s, "adddddddd")
}

func checkPassport(s string) fault.Code {
	switch {
	case s == "":
		return fault.Required
	case !ascii(s):
		return fault.BadCharacter
	case len(s) < 6:
		return fault.TooShort
	case len(s) > 20:
		return fault.TooLong
	case strings.Trim(s, "0") == "":
		return fault.BadFormat
	}
	return ""
}

func checkNationality(s string) fault.Code {
	if s == "" {
		return fault.Required
	}
	if _, ok := CountryOf(s); !ok {
		return fault.NotOneOf
	}
	if ofChina(s) {
		return fault.DocumentUnsupported
	}
	return ""
}

// CheckCreditCode tells what is wrong with a normalised unified social credit code (GB 32100),
// "" for nothing. The older code within it is not checked on its own: the standard's own sample
// would fail.
func CheckCreditCode(s string) fault.Code {
	if bad := shape(s, "cccccccccccccccccc"); bad != "" {
		return bad
	}
	if s[0] == '0' || !digits(s[2:8]) { // no registering authority is 0; six digits of the division
		return fault.BadFormat
	}
	if checkMod31(s[:17]) != s[17] {
		return fault.BadCheckDigit
	}
	return ""
}

// creditAlphabet is the characters of a credit code in the order of their values.
const creditAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// checkMod112 returns the check character of a string of digits by ISO 7064 MOD 11-2.
func checkMod112(body string) byte {
	p := 0
	for i := range len(body) {
		p = (p + int(body[i]-'0')) * 2 % 11
	}
	return "0123456789X"[(12-p)%11]
}

// checkMod31 returns the check character of the first 17 characters of a credit code.
func checkMod31(body string) byte {
	sum, weight := 0, 1
	for i := range len(body) {
		sum += strings.IndexByte(creditAlphabet, body[i]) * weight
		weight = weight * 3 % 31
	}
	return creditAlphabet[(31-sum%31)%31]
}

// shape compares s with a pattern of one letter a character: d digit, x digit or X, a capital
// letter, c character of a credit code. What is in no such number is BadCharacter even when the
// length is wrong too: the length of a mistyped text helps nobody.
func shape(s, pattern string) fault.Code {
	switch {
	case s == "":
		return fault.Required
	case !ascii(s):
		return fault.BadCharacter
	case len(s) < len(pattern):
		return fault.TooShort
	case len(s) > len(pattern):
		return fault.TooLong
	}
	for i, r := range s {
		var ok bool
		switch pattern[i] {
		case 'd':
			ok = digit(r)
		case 'x':
			ok = digit(r) || r == 'X'
		case 'a':
			ok = letter(r)
		case 'c':
			ok = strings.ContainsRune(creditAlphabet, r)
		}
		if !ok {
			return fault.BadCharacter
		}
	}
	return ""
}

func digit(r rune) bool  { return '0' <= r && r <= '9' }
func letter(r rune) bool { return 'A' <= r && r <= 'Z' }

func digits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !digit(r) })
}

// ascii tells whether s has only digits and capital letters.
func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !digit(r) && !letter(r) })
}

// Birth returns the birth date within the number of a document that CheckDocument accepts; false
// for kinds that have none. The card of 2017 has two digits of the year: it was issued until
// November 2023, so 24 to 99 are of the last century and 00 to 23 are taken to be of this one.
func Birth(d Document) (calendar.Date, bool) {
	switch {
	case d.Kind != ResidentID && d.Kind != ForeignPermanent:
	case len(d.Number) == 18:
		return longBirth(d.Number[6:14])
	case d.Kind == ForeignPermanent && len(d.Number) == 15:
		return shortBirth(d.Number[7:13])
	}
	return 0, false
}

func longBirth(s string) (calendar.Date, bool) {
	d, err := calendar.ParseDate(s[:4] + "-" + s[4:6] + "-" + s[6:])
	return d, err == nil
}

func shortBirth(s string) (calendar.Date, bool) {
	if s[:2] < "24" {
		return longBirth("20" + s)
	}
	return longBirth("19" + s)
}

// mainlandMobile tells whether s is 11 digits from 13 to 19.
func mainlandMobile(s string) bool {
	return len(s) == 11 && digits(s) && s[0] == '1' && s[1] >= '3'
}

// abroad is how many digits follow the country codes whose numbers have one length.
var abroad = []struct {
	country string
	length  int
}{{"852", 8}, {"853", 8}, {"886", 9}}

// CheckPhone tells what is wrong with a normalised phone, "" for nothing: a mainland mobile of 11
// digits, or + and 8 to 15 digits of any other country (E.164).
func CheckPhone(s string) fault.Code {
	if s == "" {
		return fault.Required
	}
	number, international := strings.CutPrefix(s, "+")
	least, most := 11, 11
	if international {
		least, most = 8, 15
		for _, a := range abroad {
			if strings.HasPrefix(number, a.country) {
				least, most = 3+a.length, 3+a.length
			}
		}
	}
	switch {
	case !digits(number):
		return fault.BadCharacter
	case len(number) < least:
		return fault.TooShort
	case len(number) > most:
		return fault.TooLong
	case international && (number[0] == '0' || strings.HasPrefix(number, "86")), !international && !mainlandMobile(number):
		return fault.BadFormat
	}
	return ""
}

// CheckName tells what is wrong with a normalised name of a person, "" for nothing: 1 to 64
// Chinese characters (rare ones too), Latin letters with at most two combining marks each, middle
// dots, spaces, hyphens and apostrophes, at least one of them a letter.
func CheckName(s string) fault.Code {
	return checkText(s, 64, func(r rune) bool { return r == '·' || r == ' ' || r == '-' || r == '\'' }, func(r rune) bool {
		return han(r) || unicode.Is(unicode.Latin, r) && unicode.IsLetter(r)
	})
}

// CheckOrganisationName tells what is wrong with a normalised name of an organisation, "" for
// nothing: 1 to 200 letters of any script, digits, marks and spaces, at least one of them a letter.
func CheckOrganisationName(s string) fault.Code {
	return checkText(s, 200, func(r rune) bool {
		return r == ' ' || r == '+' || unicode.IsDigit(r) || unicode.IsPunct(r)
	}, func(r rune) bool { return unicode.IsLetter(r) || han(r) })
}

// checkText refuses what is not letter or other, and with it control, direction and zero-width
// characters. Marks may follow a letter that is not Chinese.
func checkText(s string, most int, other, letter func(rune) bool) fault.Code {
	if s == "" {
		return fault.Required
	}
	if !utf8.ValidString(s) {
		return fault.BadCharacter
	}
	if utf8.RuneCountInString(s) > most {
		return fault.TooLong
	}
	letters, marks, bearing := 0, 0, false
	for _, r := range s {
		switch {
		case letter(r):
			letters++
			marks, bearing = 0, !han(r)
		case bearing && 0x300 <= r && r <= 0x36F && marks < 2:
			marks++
		case other(r):
			bearing = false
		default:
			return fault.BadCharacter
		}
	}
	if letters == 0 {
		return fault.BadFormat
	}
	return ""
}
