package account

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
)

// The seats of the piece of the city above.
var seats = map[string]Seat{
	"root": {"root", directory.Platform, "", ""}, "agency-1": {"agency-1", directory.Agency, "", ""}, "agency-2": {"agency-2", directory.Agency, "", ""},
	"d1": {"440103000000", directory.District, "440103000000", ""}, "d2": {"440104000000", directory.District, "440104000000", ""},
	"s1": {"440103001000", directory.Street, "440103000000", "440103001000"}, "s2": {"440103002000", directory.Street, "440103000000", "440103002000"},
	"v1": {"440103001001", directory.Village, "440103000000", "440103001000"}, "v2": {"440103002001", directory.Village, "440103000000", "440103002000"},
}

// Art. 8 to 11, account by account: whose accounts are whose to look after, written out by hand.
func TestArt11_WhoLooksAfterWhom(t *testing.T) {
	want := map[string]string{
		"P1":  "platform-2@root municipal-1@agency-1 municipal-2@agency-1 municipal-1@agency-2 municipal-2@agency-2 district-1@d1 district-1@d2 district-2@d1 district-2@d2 district-2@s1 district-2@s2 district-3@v1 district-3@v2 clerk@agency-1 clerk@agency-2 clerk@d1 clerk@d2 clerk@s1 clerk@s2 clerk@v1 clerk@v2",
		"M1":  "municipal-2@agency-1 clerk@agency-1",
		"D1":  "district-2@d1 district-2@s1 district-2@s2 district-3@v1 district-3@v2 clerk@d1 clerk@s1 clerk@s2 clerk@v1 clerk@v2",
		"D2d": "clerk@d1",
		"D2s": "district-3@v1 clerk@s1 clerk@v1",
		"K":   "platform-1@root platform-2@root system@root security@root audit@root",
	}
	for _, who := range everyone {
		who.State = Open
		for name, s := range seats {
			for _, r := range Ranks {
				if !r.At(s.Kind) {
					continue
				}
				expect := slices.Contains(strings.Fields(want[who.ID]), fmt.Sprintf("%s@%s", r, name))
				if got := who.Above(r, s); got != expect {
					t.Errorf("%s looks after %s at %s: %t", who.ID, r, name, got)
				}
				if expect && !who.Accounts().Has(r, s) {
					t.Errorf("%s looks after %s at %s and cannot see it", who.ID, r, name)
				}
				for _, state := range []State{Invited, Closed} {
					idle := who
					if idle.State = state; idle.Above(r, s) || !idle.Accounts().None {
						t.Errorf("a %s account looks after %s", state, r)
					}
				}
			}
		}
	}
}

func TestArt11_TheNearestSuperiorThereIsConfirms(t *testing.T) {
	street, district, city := Account{ID: "S", Rank: District2, Unit: "440103001000", State: Open}, Account{ID: "D", Rank: District1, Unit: "440103000000", State: Open}, Account{ID: "P", Rank: Platform1, Unit: "root", State: Open}
	closed := street
	closed.State = Closed
	elsewhere := Account{ID: "E", Rank: District2, Unit: "440103002000", State: Open}
	f := Filing{Kind: FileOpen, Rank: District3, Seat: seats["v1"]}
	for name, c := range map[string]struct {
		holders []Account
		want    Rank
	}{
		"all there": {[]Account{city, district, street}, District2}, "no street": {[]Account{city, district}, District1}, "its account is closed": {[]Account{closed, district}, District1},
		"another street's": {[]Account{elsewhere, city}, Platform1}, "nobody": {nil, Platform1},
	} {
		if got := f.UpTo(c.holders); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	hall, bureau := Account{ID: "H", Rank: District2, Unit: "440103000000", State: Open}, Account{ID: "M", Rank: Municipal1, Unit: "agency-1", State: Open}
	for name, c := range map[string]struct {
		at      string
		holders []Account
		want    Rank
	}{
		"a clerk of the district hall": {"d1", []Account{city, district, hall, street}, District2}, "its second level is not there": {"d1", []Account{city, district, street}, District1},
		"a clerk of a street": {"s1", []Account{city, district, hall, street}, District2}, "of a village": {"v1", []Account{city, district, hall, street}, District2},
		"the district hall's second level is none of a street's": {"s1", []Account{city, district, hall}, District1}, "of an agency": {"agency-1", []Account{city, bureau}, Municipal1},
	} {
		if got := (Filing{Kind: FileOpen, Rank: Clerk, Seat: seats[c.at]}).UpTo(c.holders); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	for _, r := range []Rank{Platform1, Platform2, System, Security, Audit} {
		if got := (Filing{Rank: r, Seat: seats["root"]}).UpTo([]Account{city}); got != Security {
			t.Errorf("%s is confirmed by %s", r, got)
		}
	}
}

// Whatever is filed by whoever: nobody confirms what they filed, what is about their own account or what
// their predecessor filed; and what counts as confirmed at once was the superior's.
func TestArt23_NobodyConfirmsTheirOwn(t *testing.T) {
	names := make([]string, 0, len(seats))
	for n := range seats {
		names = append(names, n)
	}
	slices.Sort(names)
	rapid.Check(t, func(t *rapid.T) {
		person := func(label string) Account {
			s := seats[rapid.SampledFrom(names).Draw(t, label+" seat")]
			var ranks []Rank
			for _, r := range Ranks {
				if r.At(s.Kind) {
					ranks = append(ranks, r)
				}
			}
			return Account{
				ID: rapid.SampledFrom([]string{"A1", "A2", "A3", "A4"}).Draw(t, label), Rank: rapid.SampledFrom(ranks).Draw(t, label+" rank"), Unit: s.Unit,
				State: rapid.SampledFrom([]State{Open, Open, Open, Invited, Closed}).Draw(t, label+" state"), Predecessor: rapid.SampledFrom([]string{"", "A1", "A2"}).Draw(t, label+" before"),
			}
		}
		filer, by := person("filer"), person("by")
		s := seats[rapid.SampledFrom(names).Draw(t, "seat")]
		f := Filing{
			Kind: rapid.SampledFrom(FilingKinds).Draw(t, "kind"), Rank: rapid.SampledFrom(Ranks).Draw(t, "rank"), Seat: s,
			Account: rapid.SampledFrom([]string{"", "A1", "A3"}).Draw(t, "about"), FiledBy: filer.ID,
			State: rapid.SampledFrom([]FilingState{FilingWaiting, FilingWaiting, FilingConfirmed}).Draw(t, "state"),
		}
		up := f.UpTo([]Account{filer, by})
		if err := f.MayDecide(by, filer, up); err == nil {
			switch {
			case by.State != Open, f.State != FilingWaiting:
				t.Fatalf("decided by a %s account, %s", by.State, f.State)
			case Related(by, filer), by.ID == f.Account:
				t.Fatal("somebody decides their own")
			case by.Rank != up, !by.Above(f.Rank, f.Seat):
				t.Fatal("somebody decides who is not the superior")
			}
		}
		if f.AtOnce(filer, up) && (filer.State != Open || filer.ID == f.Account || f.Rank.platform() || filer.Rank != up || !filer.Above(f.Rank, f.Seat)) {
			t.Fatalf("confirmed by being made: %+v by %+v", f, filer)
		}
		target := Account{ID: f.Account, Rank: f.Rank, Unit: f.Seat.Unit, State: Closed}
		if err := f.MayFile(filer, &target); err == nil && f.Kind != FileOpen {
			t.Fatal("something is filed about a closed account")
		}
	})
}

func TestPasswords(t *testing.T) {
	about := []string{"A000012", "陈示范", "13900001234", "天河区", "Tianhe District"}
	for password, want := range map[string]fault.Code{
		"": fault.Required, "elevenchars": fault.TooShort, strings.Repeat("ab c", 40): fault.TooLong,
		"aaaaaaaaaaaa": fault.PasswordWeak, "abababababab": fault.PasswordWeak, "123456789012": fault.PasswordWeak, "abcdefghijkl": fault.PasswordWeak, "198806061234": fault.PasswordWeak,
		"Password2026!": fault.PasswordWeak, "admin-admin-2026": fault.PasswordWeak, "Guangzhou12345": fault.PasswordWeak, "政务政务政务20260101": fault.PasswordWeak,
		"my-a000012-key!": fault.PasswordWeak, "call 13900001234": fault.PasswordWeak, "天河区的大门钥匙在这里放": fault.PasswordWeak, "TianheDistrict-x9": fault.PasswordWeak, "陈示范-1987-kapok": fault.PasswordWeak,
		"Kapok-in-March-2026": "", "correct horse battery": "", "木棉花开在三月的早上八点": "", "q8#Vt2!pLm4z": "",
	} {
		if got := CheckPassword(password, about...); got != want {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
	}
}

func TestBulkTable(t *testing.T) {
	head := "unit,unit_name,rank,name,duty,mobile\n"
	for name, c := range map[string]struct{ text, want string }{
		"good":               {"\ufeff" + head + "440103001000,甲一街,district-2,陈示范,主任,139 0000 0001\r\n", "ok 2:陈示范/13900000001"},
		"its own names":      {"单位编码,级别,姓名,职务,手机号\n440103001000,district-2,陈示范,主任,13900000001", "ok 2:陈示范/13900000001"},
		"lines left empty":   {head + "a,甲,district-2,,,\n\nb,乙,district-2,陈示范,主任,13900000001\n", "ok 4:陈示范/13900000001"},
		"nobody":             {head + "a,甲,district-2,,,\n", "2  required"},
		"nothing":            {"", "1  required"},
		"no column":          {"unit,rank,name,duty\n", "1 mobile required"},
		"an unknown column":  {"unit,rank,name,duty,mobile,salary\n", "1  unknown_field"},
		"a column twice":     {"unit,rank,name,duty,mobile,name\n", "1 name duplicate_field"},
		"a half line":        {head + "a,甲\n", "2  bad_format"},
		"an open quote":      {head + "a,甲,district-2,\"陈示范,主任,13900000001\nb,乙,district-2,李示范,主任,13900000002\n", "2  bad_format"},
		"what is wrong":      {head + ",甲,boss,陈示范1,,12\n", "2 unit required; 2 rank not_one_of; 2 name bad_character; 2 duty required; 2 mobile too_short"},
		"one person twice":   {head + "a,甲,district-2,陈示范,主任,13900000001\nb,乙,district-2,陈示范,主任,+8613900000001\n", "3 mobile duplicate_field"},
		"not UTF-8":          {head + "a,\xbc\xd7,district-2,x,y,13900000001\n", "2  bad_character"},
		"a line without end": {head + strings.Repeat("x", 5000), "2  too_long"},
	} {
		lines, faults := ParseBulk(strings.NewReader(c.text))
		var got []string
		for _, f := range faults {
			got = append(got, fmt.Sprintf("%d %s %s", f.Line, f.Column, f.Code))
		}
		for _, l := range lines {
			got = append(got, fmt.Sprintf("ok %d:%s/%s", l.Line, l.Person.Name, l.Person.Mobile))
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s: %s, want %s", name, s, c.want)
		}
	}
	many := head + strings.Repeat("a,甲,district-2,陈示范,主任,MOBILE\n", MostBulk+1)
	for i := range MostBulk + 1 {
		many = strings.Replace(many, "MOBILE", fmt.Sprintf("139%08d", i), 1)
	}
	if lines, faults := ParseBulk(strings.NewReader(many)); lines != nil || len(faults) != 1 || faults[0].Code != fault.TooLong {
		t.Errorf("too many: %d lines, %v", len(lines), faults)
	}
}

// FuzzBulk: whatever is in a file, either every line of it is good or none is taken, and each fault has
// its line.
func FuzzBulk(f *testing.F) {
	f.Add("unit,rank,name,duty,mobile\n440103001000,district-2,陈示范,主任,13900000001\n")
	f.Add("\ufeff单位,级别,姓名,职务,手机\n\"a\",\"b\n")
	f.Add("unit,unit_name,rank,name,duty,mobile\r\n,,,,,\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines, faults := ParseBulk(strings.NewReader(text))
		if (len(lines) > 0) == (len(faults) > 0) {
			t.Fatalf("%d lines and %d faults", len(lines), len(faults))
		}
		for _, e := range faults {
			if _, ok := fault.KindOf(e.Code); !ok || e.Line < 1 {
				t.Fatalf("fault %+v", e)
			}
		}
		seen := map[string]bool{}
		for _, l := range lines {
			if l.Unit == "" || !l.Rank.Valid() || len(l.Person.Check()) > 0 || seen[l.Person.Mobile] || l.Person != l.Person.Normalise() {
				t.Fatalf("taken: %+v", l)
			}
			seen[l.Person.Mobile] = true
		}
	})
}
