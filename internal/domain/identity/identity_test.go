package identity

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

var today = calendar.MakeDate(2026, 11, 24)

func TestCheckDigitsOfTheStandards(t *testing.T) {
	for _, s := range []string{"11010519491231002X", "440524188001010014"} { // GB 11643
		if got := checkMod112(s[:17]); got != s[17] {
			t.Errorf("%s: check character %c", s, got)
		}
	}
	for _, s := range []string{"91350100M000100Y43", "11440100696927671X"} { // GB 32100
		if bad := CheckCreditCode(s); bad != "" {
			t.Errorf("%s: %s", s, bad)
		}
	}
}

func TestArt12_CheckDocument(t *testing.T) {
	dated := func(head, birth, tail string) string { // with its check digit
		body := head + birth + tail
		return body + string(checkMod112(body))
	}
	for _, c := range []struct {
		name   string
		kind   DocumentKind
		number string
		nation string
		field  string
		bad    fault.Code
	}{
		{"standard example", ResidentID, "11010519491231002X", "", "", ""},
		{"as typed", ResidentID, " １１０１０５-19491231 002ｘ", "", "", ""},
		{"abolished district", ResidentID, dated("440102", "19700101", "001"), "", "", ""},
		{"Hong Kong residence permit", ResidentID, dated("810000", "19850505", "011"), "", "", ""},
		{"Macao residence permit", ResidentID, dated("820000", "19850505", "011"), "", "", ""},
		{"Taiwan residence permit", ResidentID, dated("830000", "19850505", "011"), "", "", ""},
		{"born today", ResidentID, dated("440103", "20261124", "001"), "", "", ""},
		{"born tomorrow", ResidentID, dated("440103", "20261125", "001"), "", "number", fault.BadDate},
		{"born 1900", ResidentID, dated("440103", "19000101", "001"), "", "", ""},
		{"born 1899", ResidentID, dated("440103", "18991231", "001"), "", "number", fault.BadDate},
		{"standard example of 1880", ResidentID, "440524188001010014", "", "number", fault.BadDate},
		{"29 February", ResidentID, dated("440103", "20000229", "001"), "", "", ""},
		{"29 February of no leap year", ResidentID, dated("440103", "20010229", "001"), "", "number", fault.BadDate},
		{"month 13", ResidentID, dated("440103", "20001301", "001"), "", "number", fault.BadDate},
		{"day 0", ResidentID, dated("440103", "20000100", "001"), "", "number", fault.BadDate},
		{"wrong check digit", ResidentID, "110105194912310021", "", "number", fault.BadCheckDigit},
		{"first generation", ResidentID, "110105491231002", "", "number", fault.DocumentUnsupported},
		{"17 characters", ResidentID, "11010519491231002", "", "number", fault.TooShort},
		{"19 characters", ResidentID, "11010519491231002XX", "", "number", fault.TooLong},
		{"X inside", ResidentID, "1101051949123100XX", "", "number", fault.BadCharacter},
		{"letter at the end", ResidentID, "11010519491231002A", "", "number", fault.BadCharacter},
		{"other digits", ResidentID, "११०१०५१९४९१२३१००२X", "", "number", fault.BadCharacter},
		{"empty", ResidentID, " - ", "", "number", fault.Required},
		{"foreigner's number", ResidentID, dated("944840", "19860606", "001"), "", "number", fault.BadFormat},

		{"card of 2023", ForeignPermanent, dated("944840", "19860606", "001"), "", "", ""},
		{"card of 2023, wrong digit", ForeignPermanent, "944840198606060010", "", "number", fault.BadCheckDigit},
		{"card of 2023, not born", ForeignPermanent, dated("944840", "20270101", "001"), "", "number", fault.BadDate},
		{"citizen's number", ForeignPermanent, "11010519491231002X", "", "number", fault.BadFormat},
		{"card of 2017", ForeignPermanent, "xxx440086060601", "", "", ""},
		{"card of 2017, no date", ForeignPermanent, "XXX440086130601", "", "number", fault.BadDate},
		{"card of 2017, short", ForeignPermanent, "XXX44008606060", "", "number", fault.TooShort},
		{"card of 2017, long", ForeignPermanent, "XXX4400860606011", "", "number", fault.TooLong},
		{"card of 2017, letter", ForeignPermanent, "XXXX40086060601", "", "number", fault.BadCharacter},
		{"card of 2023, short", ForeignPermanent, "94484019860606001", "", "number", fault.TooShort},
		{"no card", ForeignPermanent, "", "", "number", fault.Required},

		{"Hong Kong permit", HKMacauPermit, "h0000 0001", "", "", ""},
		{"Macao permit, second issue", HKMacauPermit, "M0000000102", "", "", ""},
		{"one digit too many", HKMacauPermit, "H000000010", "", "number", fault.BadFormat},
		{"permit of nowhere", HKMacauPermit, "T00000001", "", "number", fault.BadFormat},
		{"permit without letter", HKMacauPermit, "00000001", "", "number", fault.BadFormat},
		{"short permit", HKMacauPermit, "H0000000", "", "number", fault.TooShort},
		{"long permit", HKMacauPermit, "H00000000000", "", "number", fault.TooLong},
		{"letter in permit", HKMacauPermit, "H0000000A", "", "number", fault.BadCharacter},
		{"no permit", HKMacauPermit, "", "", "number", fault.Required},

		{"Taiwan permit", TaiwanPermit, "00000001", "", "", ""},
		{"short Taiwan permit", TaiwanPermit, "0000001", "", "number", fault.TooShort},
		{"long Taiwan permit", TaiwanPermit, "000000001", "", "number", fault.TooLong},
		{"letter in Taiwan permit", TaiwanPermit, "T0000001", "", "number", fault.BadCharacter},

		{"passport", Passport, "ab 123456", "fra", "", ""},
		{"passport without nationality", Passport, "AB123456", "", "nationality", fault.Required},
		{"passport of no country", Passport, "AB123456", "ZZZ", "nationality", fault.NotOneOf},
		{"passport of China", Passport, "E12345678", "CHN", "nationality", fault.DocumentUnsupported},
		{"passport of Hong Kong", Passport, "K12345678", "HKG", "nationality", fault.DocumentUnsupported},
		{"short passport", Passport, "AB123", "FRA", "number", fault.TooShort},
		{"long passport", Passport, strings.Repeat("A", 21), "FRA", "number", fault.TooLong},
		{"odd passport", Passport, "AB_12345", "FRA", "number", fault.BadCharacter},
		{"passport of zeros", Passport, "00000000", "FRA", "number", fault.BadFormat},
		{"no passport", Passport, "", "FRA", "number", fault.Required},

		{"no kind", "", "11010519491231002X", "", "kind", fault.Required},
		{"unknown kind", "library_card", "11010519491231002X", "", "kind", fault.NotOneOf},
	} {
		field, bad := CheckDocument(Normalise(Document{c.kind, c.number, c.nation}), today)
		if field != c.field || bad != c.bad {
			t.Errorf("%s: got %q %q, want %q %q", c.name, field, bad, c.field, c.bad)
		}
	}
}

func TestCheckCreditCode(t *testing.T) {
	for _, c := range []struct {
		code string
		bad  fault.Code
	}{
		{"９１350100-m000100y43", ""},
		{"91350100M000100Y44", fault.BadCheckDigit},
		{"91350100M000100Y4", fault.TooShort},
		{"91350100M000100Y433", fault.TooLong},
		{"91350100O000100Y43", fault.BadCharacter}, // letter O
		{"9135010XM000100Y43", fault.BadFormat},
		{"000000000000000000", fault.BadFormat},
		{"", fault.Required},
	} {
		if bad := CheckCreditCode(NormaliseCreditCode(c.code)); bad != c.bad {
			t.Errorf("%q: got %q, want %q", c.code, bad, c.bad)
		}
	}
}

// One wrong character, or two neighbours exchanged, never passes.
func TestCheckDigitsFindMistakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		birth := rapid.Int32Range(int32(calendar.MakeDate(1900, 1, 1)), int32(today)).Draw(t, "birth")
		serial := rapid.IntRange(0, 999_999_999).Draw(t, "serial")
		for _, c := range []struct {
			right    string
			alphabet string
			ok       func(string) bool
		}{
			{SyntheticResident(SyntheticArea, calendar.Date(birth), serial).Number, "0123456789", func(s string) bool {
				_, bad := CheckDocument(Document{Kind: ResidentID, Number: s}, today)
				return bad == ""
			}},
			{SyntheticCreditCode("440100", serial), creditAlphabet, func(s string) bool { return CheckCreditCode(s) == "" }},
		} {
			if !c.ok(c.right) {
				t.Fatalf("synthetic %s is refused", c.right)
			}
			b := []byte(c.right)
			i := rapid.IntRange(0, 17).Draw(t, "at")
			b[i] = rapid.SampledFrom([]byte(c.alphabet)).Draw(t, "digit")
			if string(b) != c.right && c.ok(string(b)) {
				t.Fatalf("%s for %s passes", b, c.right)
			}
			b = []byte(c.right)
			i = rapid.IntRange(0, 16).Draw(t, "swap")
			b[i], b[i+1] = b[i+1], b[i]
			if string(b) != c.right && c.ok(string(b)) {
				t.Fatalf("%s for %s passes", b, c.right)
			}
		}
	})
}

func TestSyntheticBelongsToNobody(t *testing.T) {
	d := SyntheticResident(SyntheticArea, calendar.MakeDate(1990, 5, 6), 1007)
	if d.Kind != ResidentID || !strings.HasPrefix(d.Number, "00000019900506007") || d.Number[0] != '0' {
		t.Errorf("got %s", d.Number)
	}
	if code := SyntheticCreditCode("440100", 42); !strings.HasPrefix(code, "90440100000000042") {
		t.Errorf("got %s", code)
	}
	if SyntheticResident(SyntheticArea, 0, 1) == SyntheticResident(SyntheticArea, 0, 2) {
		t.Error("serial does not count")
	}
}

func TestBirth(t *testing.T) {
	for _, c := range []struct {
		d    Document
		want string
	}{
		{Document{Kind: ResidentID, Number: "11010519491231002X"}, "1949-12-31"},
		{Document{Kind: ForeignPermanent, Number: "944840198606060015"}, "1986-06-06"},
		{Document{Kind: ForeignPermanent, Number: "XXX440086060601"}, "1986-06-06"},
		{Document{Kind: ForeignPermanent, Number: "XXX440023060601"}, "2023-06-06"},
		{Document{Kind: ForeignPermanent, Number: "XXX440024060601"}, "1924-06-06"},
		{Document{Kind: ResidentID, Number: "XXX440086060601"}, ""},
		{Document{Kind: ResidentID, Number: "11010519491331002X"}, ""},
		{Document{Kind: HKMacauPermit, Number: "H00000001"}, ""},
		{Document{Kind: Passport, Number: "AB1234567890123456", Nationality: "FRA"}, ""},
		{Document{}, ""},
	} {
		got, ok := Birth(c.d)
		if ok != (c.want != "") || ok && got.String() != c.want {
			t.Errorf("%+v: got %v %v", c.d, got, ok)
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		typed, want string
		bad         fault.Code
	}{
		{"陈小明", "陈小明", ""},
		{"  陳　大文 ", "陳 大文", ""},
		{"𠮷野", "𠮷野", ""},                   // extension B
		{"王\U000323B0", "王\U000323B0", ""}, // a plane newer than the tables
		{"〇", "〇", ""},
		{"买买提.吐尔逊", "买买提·吐尔逊", ""},
		{"买买提・吐尔逊", "买买提·吐尔逊", ""},
		{"Ｊｅａｎ‐Luc  O’Neill", "Jean-Luc O'Neill", ""},
		{"Nguye\u0302\u0303n", "Nguye\u0302\u0303n", ""},
		{"Zoë", "Zoë", ""},
		{"", "", fault.Required},
		{" \t", "", fault.Required},
		{"·", "·", fault.BadFormat},
		{"Z\u0302\u0303\u0304", "Z\u0302\u0303\u0304", fault.BadCharacter},
		{"王\u0302", "王\u0302", fault.BadCharacter},
		{"王1", "王1", fault.BadCharacter},
		{"王\u200b明", "王\u200b明", fault.BadCharacter},
		{"王\u202e明", "王\u202e明", fault.BadCharacter},
		{"王\x00", "王\x00", fault.BadCharacter},
		{"王\xff", "王\ufffd", fault.BadCharacter},
		{"<b>", "<b>", fault.BadCharacter},
		{"Иван", "Иван", fault.BadCharacter},
		{strings.Repeat("王", 64), strings.Repeat("王", 64), ""},
		{strings.Repeat("王", 65), strings.Repeat("王", 65), fault.TooLong},
	} {
		got := NormaliseName(c.typed)
		if got != c.want || CheckName(got) != c.bad {
			t.Errorf("%q: got %q %q, want %q %q", c.typed, got, CheckName(got), c.want, c.bad)
		}
	}
	for name, bad := range map[string]fault.Code{
		"广州市某某（集团）有限公司": "", "Company No. 1 (Asia), Ltd.": "", "7·11便利店": "", "": fault.Required, "123": fault.BadFormat,
		"公司\u202e": fault.BadCharacter, "<公司>": fault.BadCharacter, strings.Repeat("公", 201): fault.TooLong, "公\n司": fault.BadCharacter,
	} {
		if got := CheckOrganisationName(name); got != bad {
			t.Errorf("%q: got %q, want %q", name, got, bad)
		}
	}
}

func TestPhones(t *testing.T) {
	for _, c := range []struct {
		typed, want, canonical string
		bad                    fault.Code
	}{
		{"138 0013-8000", "13800138000", "+8613800138000", ""},
		{"+86 138 0013 8000", "13800138000", "+8613800138000", ""},
		{"008613800138000", "13800138000", "+8613800138000", ""},
		{"8613800138000", "13800138000", "+8613800138000", ""},
		{"１３８００１３８０００", "13800138000", "+8613800138000", ""},
		{"(+852) 9123 4567", "+85291234567", "+85291234567", ""},
		{"00853 6612 3456", "+85366123456", "+85366123456", ""},
		{"+886 0912 345 678", "+886912345678", "+886912345678", ""},
		{"+1 (415) 555.0100", "+14155550100", "+14155550100", ""},
		{"", "", "", fault.Required},
		{"12800138000", "12800138000", "12800138000", fault.BadFormat},
		{"1380013800", "1380013800", "1380013800", fault.TooShort},
		{"138001380001", "138001380001", "138001380001", fault.TooLong},
		{"1380013800a", "1380013800a", "1380013800a", fault.BadCharacter},
		{"+86 20 8888 8888", "+862088888888", "+862088888888", fault.BadFormat},
		{"+8529123456", "+8529123456", "+8529123456", fault.TooShort},
		{"+852912345678", "+852912345678", "+852912345678", fault.TooLong},
		{"+1234567", "+1234567", "+1234567", fault.TooShort},
		{"+1234567890123456", "+1234567890123456", "+1234567890123456", fault.TooLong},
		{"+0123456789", "+0123456789", "+0123456789", fault.BadFormat},
		{"+", "+", "+", fault.TooShort},
	} {
		got := NormalisePhone(c.typed)
		if got != c.want || CheckPhone(got) != c.bad || CanonicalPhone(c.typed) != c.canonical {
			t.Errorf("%q: got %q %q %q", c.typed, got, CheckPhone(got), CanonicalPhone(c.typed))
		}
	}
}

func TestNormaliseOnce(t *testing.T) {
	typed := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.RuneFrom([]rune("0１a8 6-.+·’王（）\u200b"))))
	rapid.Check(t, func(t *rapid.T) {
		s := typed.Draw(t, "typed")
		for name, f := range map[string]func(string) string{
			"number": normaliseNumber, "phone": NormalisePhone, "name": NormaliseName, "canonical phone": CanonicalPhone,
		} {
			if once := f(s); f(once) != once {
				t.Fatalf("%s: %q becomes %q, then %q", name, s, once, f(once))
			}
		}
	})
}

func TestCanonical(t *testing.T) {
	same := func(a, b Document, birthA, birthB string, want bool) {
		t.Helper()
		if (a.Canonical(birthA) == b.Canonical(birthB)) != want {
			t.Errorf("%+v %s and %+v %s: same = %v", a, birthA, b, birthB, !want)
		}
	}
	id := Document{Kind: ResidentID, Number: "11010519491231002X"}
	same(id, Document{ResidentID, " 110105 19491231 002x", "FRA"}, "", "1949-12-31", true)
	same(id, Document{ForeignPermanent, id.Number, ""}, "", "", false)
	same(Document{HKMacauPermit, "H00000001", ""}, Document{HKMacauPermit, "H0000000102", ""}, "", "", true)
	same(Document{HKMacauPermit, "H00000001", ""}, Document{HKMacauPermit, "M00000001", ""}, "", "", false)
	passport := Document{Passport, "AB123456", "FRA"}
	same(passport, Document{Passport, "ab 123456", "fra"}, "1990-01-01", "1990-01-01", true)
	same(passport, Document{Passport, "AB123456", "DEU"}, "1990-01-01", "1990-01-01", false)
	same(passport, passport, "1990-01-01", "1990-01-02", false)
	if CanonicalCreditCode("91350100m000100y43 ") != "91350100M000100Y43" {
		t.Error("credit code is not normalised")
	}
}

func TestMasks(t *testing.T) {
	for _, c := range []struct {
		name string
		mask func(string) string
		in   string
		want string
	}{
		{"name", MaskName, "陳一", "陳*"},
		{"name", MaskName, "陈小明", "陈**"},
		{"name", MaskName, "歐陽大文", "歐陽**"},
		{"name", MaskName, "欧阳修", "欧阳*"},
		{"name", MaskName, "歐陽", "歐*"},
		{"name", MaskName, "买买提·吐尔逊", "买***"},
		{"name", MaskName, "𠮷野", "𠮷*"},
		{"name", MaskName, "Mary Ann Smith", "M***"},
		{"name", MaskName, "王", "*"},
		{"name", MaskName, "\u202e王明", "*"},
		{"name", MaskName, "", ""},
		{"number", MaskNumber, "11010519491231002x", "1****************X"},
		{"number", MaskNumber, "H00000001", "H*******1"},
		{"number", MaskNumber, "12345", "****"},
		{"number", MaskNumber, "", ""},
		{"credit code", MaskCreditCode, "91350100M000100Y43", "91***************3"},
		{"credit code", MaskCreditCode, "91350", "****"},
		{"phone", MaskPhone, "+86 13812345678", "138****5678"},
		{"phone", MaskPhone, "+85291234567", "+852****67"},
		{"phone", MaskPhone, "1381234567", "****"},
		{"phone", MaskPhone, "", ""},
		{"organisation", MaskOrganisation, "广州测试有限公司", "广州****公司"},
		{"organisation", MaskOrganisation, "测试店", "测****店"},
		{"organisation", MaskOrganisation, "店", "****"},
	} {
		if got := c.mask(c.in); got != c.want {
			t.Errorf("%s %q: got %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

// Whatever is masked, no more comes out than what the mask's contract says.
func TestMasksShowNoMore(t *testing.T) {
	typed := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune("0123456789ABX+王陳歐陽. "))))
	rapid.Check(t, func(t *rapid.T) {
		s := typed.Draw(t, "value")
		for _, m := range []struct {
			name  string
			mask  func(string) string
			input string
			clear int
			whole int // shortest input of which anything is shown
		}{
			{"name", MaskName, NormaliseName(s), 2, 2},
			{"number", MaskNumber, normaliseNumber(s), 2, 6},
			{"credit code", MaskCreditCode, normaliseNumber(s), 3, 9},
			{"phone", MaskPhone, NormalisePhone(s), 7, 9},
			{"organisation", MaskOrganisation, NormaliseName(s), 4, 3},
		} {
			out := m.mask(s)
			shown := utf8.RuneCountInString(strings.ReplaceAll(out, "*", ""))
			n := utf8.RuneCountInString(m.input)
			if shown > m.clear || shown > 0 && (n < m.whole || shown >= n) || n > 0 && !strings.Contains(out, "*") {
				t.Fatalf("%s: %q of %q", m.name, out, s)
			}
		}
	})
}

func TestCountries(t *testing.T) {
	all := Countries()
	if len(all) != 249 {
		t.Errorf("%d countries, ISO 3166-1 has 249", len(all))
	}
	if !slices.IsSortedFunc(all, func(a, b Country) int { return strings.Compare(a.Code, b.Code) }) {
		t.Error("not sorted")
	}
	for _, part := range []func(Country) string{
		func(c Country) string { return c.Code }, func(c Country) string { return c.Hans },
		func(c Country) string { return c.Hant }, func(c Country) string { return c.En },
	} {
		seen := map[string]bool{}
		for _, c := range all {
			if part(c) == "" || seen[part(c)] {
				t.Errorf("%s: a name is missing or there twice", c.Code)
			}
			seen[part(c)] = true
		}
	}
	if c, ok := CountryOf("JPN"); !ok || c.Hans != "日本" {
		t.Errorf("JPN: %+v", c)
	}
	if len(Nationalities()) != 245 || slices.ContainsFunc(Nationalities(), func(c Country) bool { return c.Code == "CHN" }) {
		t.Error("nationalities of foreigners")
	}
	all[0].Code = "changed"
	if countries[0].Code != "ABW" {
		t.Error("the table can be changed from outside")
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"11010519491231002X", "944840198606060015", "XXX440086060601", "H0000000102", "91350100M000100Y43", "+85291234567", "欧阳修", "\xff\u202e"} {
		f.Add(s, "FRA")
	}
	f.Fuzz(func(t *testing.T, s, nation string) {
		for _, kind := range []DocumentKind{ResidentID, ForeignPermanent, HKMacauPermit, TaiwanPermit, Passport} {
			raw := Document{kind, s, nation}
			CheckDocument(raw, today)
			if born, ok := Birth(raw); ok && born > today {
				t.Fatalf("born after today: %v", born)
			}
			d := Normalise(raw)
			field, bad := CheckDocument(d, today)
			if (field == "") != (bad == "") {
				t.Fatalf("%s: field %q with code %q", kind, field, bad)
			}
			if bad == "" && (len(d.Number) > 20 || !ascii(d.Number) || MaskNumber(d.Number) == d.Number) {
				t.Fatalf("%s: accepted %q", kind, d.Number)
			}
			if _, has := Birth(d); bad == "" && has != (kind == ResidentID || kind == ForeignPermanent) {
				t.Fatalf("%s: birth of %q", kind, d.Number)
			}
			if raw.Canonical("") != d.Canonical("") {
				t.Fatal("canonical text depends on the way of writing")
			}
		}
		if CheckCreditCode(NormaliseCreditCode(s)) == "" && len(NormaliseCreditCode(s)) != 18 {
			t.Fatal("credit code of another length")
		}
		if name := NormaliseName(s); CheckName(name) == "" && CheckOrganisationName(name) != "" {
			t.Fatalf("%q is a person's name and no organisation's", name)
		}
		if phone := NormalisePhone(s); CheckPhone(phone) == "" && (len(phone) > 16 || CheckPhone(CanonicalPhone(phone)) == "" && phone[0] != '+') {
			t.Fatalf("phone %q", phone)
		}
		MaskName(s)
		MaskOrganisation(s)
	})
}
