package web

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

func placeholders(s string) []string {
	found := placeholder.FindAllString(s, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func TestEveryLocaleHasEveryKeyWithTheSamePlaceholders(t *testing.T) {
	base := catalogues()[Hans]
	for _, l := range Locales {
		for key, sentence := range base {
			s, ok := catalogues()[l][key]
			if !ok || strings.TrimSpace(s) == "" {
				t.Errorf("%s has no %q", l, key)
				continue
			}
			if got, want := placeholders(s), placeholders(sentence); !slices.Equal(got, want) {
				t.Errorf("%s %q: placeholders %v, want %v", l, key, got, want)
			}
		}
		for key := range catalogues()[l] {
			plain, one := strings.CutSuffix(key, ".one")
			if _, ok := base[plain]; !ok || (one && l != En) {
				t.Errorf("%s has %q, which zh-Hans has not", l, key)
			}
		}
	}
}

func TestEveryFaultHasASentenceInEveryLanguage(t *testing.T) {
	for _, l := range Locales {
		for _, c := range fault.Codes() {
			if _, ok := catalogues()[l]["fault."+string(c)]; !ok {
				t.Errorf("%s says nothing for %s", l, c)
			}
			kind, _ := fault.KindOf(c)
			if _, ok := catalogues()[l]["kind."+string(kind)]; !ok {
				t.Errorf("%s has no title for kind %s", l, kind)
			}
		}
		for key, s := range catalogues()[l] {
			if strings.ContainsAny(s, "!！") {
				t.Errorf("%s %q: sentences are calm", l, key)
			}
		}
	}
}

// Letters that exist in one script only, as a tripwire for a sentence put in the wrong file.
func TestScriptsAreNotMixed(t *testing.T) {
	for key, s := range catalogues()[Hant] {
		if i := strings.IndexAny(s, "约预厅广务时间号码证请办这个们话达发应该网线录说语单开关"); i >= 0 {
			t.Errorf("zh-Hant %q is simplified at %q", key, s[i:i+3])
		}
	}
	for key, s := range catalogues()[Hans] {
		if i := strings.IndexAny(s, "約預廳廣務時間號碼證請辦這個們話達發應該網線錄說語單開關"); i >= 0 {
			t.Errorf("zh-Hans %q is traditional at %q", key, s[i:i+3])
		}
	}
}

// Every literal key a page or component asks for is in the catalogue.
func TestKeysInUseExist(t *testing.T) {
	use := regexp.MustCompile(`\.[TN]\("([a-z0-9_.]+)"[,)]`)
	seen := 0
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if ext := filepath.Ext(path); d.IsDir() || (ext != ".templ" && ext != ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range use.FindAllStringSubmatch(string(text), -1) {
			seen++
			if !Hans.Has(m[1]) {
				t.Errorf("%s asks for %q", path, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 40 {
		t.Fatalf("found only %d keys in use: the search is broken", seen)
	}
}

func TestT(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Hans.T("steps.of", "n", "3", "total", "5"), "第 3 步，共 5 步"},
		{En.N("errors.title", 1), "Please correct one thing below"},
		{En.N("errors.title", 2), "Please correct 2 things below"},
		{Hant.N("errors.title", 1), "請先改正下面 1 處"},
		{Hans.T("no.such.key"), "⟦no.such.key⟧"},
		{Hans.T("field.error", "label", "{error}", "error", "x"), "{error}：x"}, // what is put in is not filled again
		{Hans.Distance(354), "350 米"}, {Hans.Distance(1234), "1.2 公里"}, {En.Distance(12345), "12 km"}, {En.Distance(1), "10 m"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestLocaleChoice(t *testing.T) {
	for _, c := range []struct {
		query, cookie, accept string
		want                  Locale
	}{
		{"", "", "", Hans},
		{"", "", "zh-CN,zh;q=0.9,en;q=0.8", Hans},
		{"", "", "zh-HK,zh;q=0.9", Hant},
		{"", "", "zh-TW", Hant},
		{"", "", "zh-MO", Hant},
		{"", "", "zh-Hant-MO", Hant},
		{"", "", "en-GB,en", En},
		{"", "", "fr-FR", Hans},
		{"", "", "ja,en;q=0.5", En},
		{"", "", ";;;q=x", Hans},
		{"", "", strings.Repeat("en,", 200), Hans},
		{"", "zh-Hant", "en", Hant},
		{"lang=en", "zh-Hant", "zh-CN", En},
		{"lang=xx", "zh-Hant", "en", Hant},
		{"", "xx", "en", En},
	} {
		r := httptest.NewRequest("GET", "/?"+c.query, nil)
		if c.cookie != "" {
			r.Header.Set("Cookie", localeCookie+"="+c.cookie)
		}
		r.Header.Set("Accept-Language", c.accept)
		if got := LocaleOf(r); got != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
	}
}

func TestSwitchURLKeepsThePlace(t *testing.T) {
	r := httptest.NewRequest("GET", "/halls/%E5%BB%A3?date=2026-12-09&lang=en", nil)
	if got, want := SwitchURL(r, "lang", "zh-Hant"), "/halls/%E5%BB%A3?date=2026-12-09&lang=zh-Hant"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := SwitchURL(httptest.NewRequest("POST", "/find?x=1", nil), "edition", "elder"), "/find?edition=elder"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTimesAsPeopleSayThem(t *testing.T) {
	d := calendar.MakeDate(2026, time.December, 9)
	now := calendar.MakeDate(2026, time.December, 7).At(15, 0)
	for _, c := range []struct{ got, want string }{
		{Hans.Slot(d, 10), "12月9日(周三)10:00–11:00"},
		{Hant.Slot(d, 10), "12月9日(週三)10:00–11:00"},
		{En.Slot(d, 10), "Wed 9 Dec, 10:00–11:00"},
		{HourRange(9), "09:00–10:00"},
		{Hans.When(d.At(9, 0)), "12月9日(周三)09:00"},
		{En.When(d.At(9, 0)), "Wed 9 Dec, 09:00"},
		{Hans.CancelUntil(d.At(9, 0), d.At(7, 0)), "最晚 09:00 前可取消"},
		{Hans.CancelUntil(d.At(9, 0), now), "最晚 12月9日(周三)09:00 前可取消"},
		{Hans.Near(now, now), "今天 15:00"},
		{Hans.Near(d.At(9, 0), now), "后天 09:00"},
		{Hant.Near(d.At(9, 0), now.AddDate(0, 0, 1)), "明天 09:00"},
		{En.Near(d.At(9, 0), now), "Wed 9 Dec, 09:00"},
		{En.NearDate(d, d-1), "tomorrow"},
		{Hans.NearDate(calendar.MakeDate(2027, time.January, 4), d), "2027年1月4日(周一)"},
		{En.NearDate(calendar.MakeDate(2027, time.January, 4), d), "Mon 4 Jan 2027"},
		{Clock(time.Date(2026, 12, 8, 16, 0, 0, 0, time.UTC)), "00:00"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// FuzzLocale: whatever a browser says of its language, one of the three comes out.
func FuzzLocale(f *testing.F) {
	f.Add("zh-HK,zh;q=0.9", "en", "lang=zh-Hant")
	f.Add("\x00;q=", "\xff", "lang=%zz&lang=en")
	f.Fuzz(func(t *testing.T, accept, cookie, query string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Accept-Language"] = []string{accept}
		r.Header["Cookie"] = []string{localeCookie + "=" + cookie}
		r.URL.RawQuery = query
		if l := LocaleOf(r); !slices.Contains(Locales, l) {
			t.Fatalf("locale %q", l)
		}
	})
}
