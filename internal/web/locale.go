package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/language"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
)

// Locale is one of the three languages of the product, as a BCP 47 tag. The zero value reads as Hans.
type Locale string

const (
	Hans Locale = "zh-Hans"
	Hant Locale = "zh-Hant"
	En   Locale = "en"
)

// Locales lists them in the order the switch shows them.
var Locales = []Locale{Hans, Hant, En}

// ParseLocale returns the locale of a tag we write ourselves (query, cookie); false for any other.
func ParseLocale(s string) (Locale, bool) {
	l := Locale(s)
	return l, slices.Contains(Locales, l)
}

// Name is what the language calls itself, short enough for the switch.
func (l Locale) Name() string {
	switch l {
	case Hant:
		return "繁體"
	case En:
		return "English"
	}
	return "简体"
}

// Tag is the value for an HTML lang attribute or Content-Language.
func (l Locale) Tag() string {
	switch l {
	case Hant:
		return "zh-Hant-HK"
	case En:
		return "en"
	}
	return "zh-Hans-CN"
}

//go:embed locale/*.json
var localeFiles embed.FS

// catalogues holds the sentences of every locale: locale/<tag>.json for what is shared, and
// locale/<tag>.<face>.json for each face. A key may stand in one file only.
var catalogues = sync.OnceValue(func() map[Locale]map[string]string {
	all := make(map[Locale]map[string]string, len(Locales))
	for _, l := range Locales {
		all[l] = make(map[string]string)
	}
	files, err := localeFiles.ReadDir("locale")
	if err != nil {
		panic("web: locale files: " + err.Error())
	}
	for _, f := range files {
		tag, _, _ := strings.Cut(f.Name(), ".")
		l, ok := ParseLocale(tag)
		if !ok {
			panic("web: locale file of no locale: " + f.Name())
		}
		raw, err := localeFiles.ReadFile(path.Join("locale", f.Name()))
		if err != nil {
			panic("web: locale files: " + err.Error())
		}
		var part map[string]string
		if err := json.Unmarshal(raw, &part); err != nil {
			panic("web: " + f.Name() + ": " + err.Error())
		}
		for k, v := range part {
			if _, twice := all[l][k]; twice {
				panic("web: " + f.Name() + ": key stands in two files: " + k)
			}
			all[l][k] = v
		}
	}
	return all
})

// lookup returns the sentence of key, from Hans where the locale has none.
func (l Locale) lookup(key string) (string, bool) {
	if s, ok := catalogues()[l][key]; ok {
		return s, true
	}
	s, ok := catalogues()[Hans][key]
	return s, ok
}

// Has tells whether the catalogue has a sentence for key.
func (l Locale) Has(key string) bool {
	_, ok := l.lookup(key)
	return ok
}

// Sentences returns the sentences whose keys begin so, as they are written: {name} stands where something is filled in.
func (l Locale) Sentences(prefix string) map[string]string {
	out := map[string]string{}
	for key := range catalogues()[Hans] {
		if strings.HasPrefix(key, prefix) {
			out[key], _ = l.lookup(key)
		}
	}
	return out
}

// T returns the sentence of key with each {name} replaced; args are name, value, name, value …
// A key nobody wrote comes back as "⟦key⟧", which the tests look for on every page.
func (l Locale) T(key string, args ...string) string {
	s, ok := l.lookup(key)
	if !ok {
		return "⟦" + key + "⟧"
	}
	return fill(s, args)
}

// N is T for a count: {n} is replaced by n, and where English has key+".one" that sentence is
// taken for 1.
func (l Locale) N(key string, n int, args ...string) string {
	if n == 1 {
		if _, ok := catalogues()[l][key+".one"]; ok {
			key += ".one"
		}
	}
	return l.T(key, append([]string{"n", strconv.Itoa(n)}, args...)...)
}

func fill(s string, args []string) string {
	if len(args) == 0 || !strings.Contains(s, "{") {
		return s
	}
	if len(args)%2 != 0 {
		panic("web: odd arguments for a sentence")
	}
	pairs := make([]string, 0, len(args))
	for i := 0; i < len(args); i += 2 {
		pairs = append(pairs, "{"+args[i]+"}", args[i+1])
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// Text picks the language of a name from the directory; Hans where it has no other.
func (l Locale) Text(t directory.Text) string {
	switch {
	case l == Hant && t.Hant != "":
		return t.Hant
	case l == En && t.En != "":
		return t.En
	}
	return t.Hans
}

// Distance writes metres as people say them: "350 m", "1.2 km".
func (l Locale) Distance(metres float64) string {
	if metres < 1000 {
		return l.T("distance.m", "n", strconv.Itoa(max(10, int(metres/10+0.5)*10)))
	}
	if metres < 10_000 {
		return l.T("distance.km", "n", fmt.Sprintf("%.1f", metres/1000))
	}
	return l.T("distance.km", "n", fmt.Sprintf("%.0f", metres/1000))
}

const (
	localeCookie  = "suiyue-lang"
	editionCookie = "suiyue-edition"
	aYear         = 365 * 24 * 60 * 60

	viaCookie = "suiyue-via"
	viaLife   = 2 * 60 * 60 // whoever comes back later comes by themselves
)

var matcher = language.NewMatcher([]language.Tag{
	language.SimplifiedChinese, language.TraditionalChinese, language.English,
	language.MustParse("zh-HK"), language.MustParse("zh-MO"),
})

// chooseLocale takes ?lang=, then the cookie, then Accept-Language, then Hans. set says that the
// query chose, so that the choice is to be remembered.
func chooseLocale(r *http.Request) (l Locale, set bool) {
	if l, ok := ParseLocale(queryValue(r, "lang")); ok {
		return l, true
	}
	if c, err := r.Cookie(localeCookie); err == nil {
		if l, ok := ParseLocale(c.Value); ok {
			return l, false
		}
	}
	accept := r.Header.Get("Accept-Language")
	if accept == "" || len(accept) > 256 {
		return Hans, false
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return Hans, false
	}
	_, i, confidence := matcher.Match(tags...)
	switch {
	case confidence == language.No:
		return Hans, false
	case i == 1 || i == 3 || i == 4:
		return Hant, false
	case i == 2:
		return En, false
	}
	return Hans, false
}

// chooseElder takes ?edition=elder or normal, then the cookie.
func chooseElder(r *http.Request) (elder, set bool) {
	switch queryValue(r, "edition") {
	case "elder":
		return true, true
	case "normal":
		return false, true
	}
	c, err := r.Cookie(editionCookie)
	return err == nil && c.Value == "elder", false
}

// chooseVia takes ?via=, an entrance's channel, then the cookie.
func chooseVia(r *http.Request) (via booking.Channel, set bool) {
	if via := booking.Channel(queryValue(r, "via")); slices.Contains(booking.Entrances(), via) {
		return via, true
	}
	if c, err := r.Cookie(viaCookie); err == nil && slices.Contains(booking.Entrances(), booking.Channel(c.Value)) {
		return booking.Channel(c.Value), false
	}
	return booking.Web, false
}

func queryValue(r *http.Request, name string) string {
	if !strings.Contains(r.URL.RawQuery, name+"=") {
		return ""
	}
	return r.URL.Query().Get(name)
}

// SwitchURL is this page's own address with one preference set ("lang" or "edition"), for the
// switches in the header. After a POST it names the same path, which must answer GET too.
func SwitchURL(r *http.Request, name, value string) string {
	q := r.URL.Query()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		q = url.Values{}
	}
	q.Del("lang")
	q.Del("edition")
	q.Set(name, value)
	return r.URL.EscapedPath() + "?" + q.Encode()
}
