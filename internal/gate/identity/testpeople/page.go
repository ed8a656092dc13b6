package testpeople

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/text/language"
)

//go:embed page.html style.css
var files embed.FS

var page = template.Must(template.ParseFS(files, "page.html"))

// Style is the stylesheet the page uses when the caller has none of its own.
func Style() []byte {
	b, err := files.ReadFile("style.css")
	if err != nil {
		panic("testpeople: stylesheet not embedded")
	}
	return b
}

// Choice is the page on which a test person is chosen.
type Choice struct {
	Action     string // where the form posts: person=<id>, or cancel=1, with Hidden
	Hidden     url.Values
	Stylesheet string // address
	People     []Person
	Locale     string // zh-Hans, zh-Hant or en
	Languages  []Language
	ReturnTo   string // address the browser goes to after the choice, for the policy of the page
}

// Language is a link to the same page in another language.
type Language struct{ Locale, Label, Href string }

// words are the page's sentences. They are here and not with the product's, since no citizen ever
// reads them.
var words = map[string]map[string]string{
	"zh-Hans": {
		"title": "选择测试人员", "notice": "这里是开发环境。名单上的人都是虚构的，号码由程序算出，不要在这里使用真实身份。",
		"cancel": "返回，不登录", "languages": "语言", "level": "实名等级", "for": "可代办",
		"citizen": "市民", "low": "实名等级较低", "elder": "长者", "hkmt": "港澳台居民", "foreign": "永久居留外国人", "agent": "单位经办人",
		"resident_id": "居民身份证", "foreign_permanent": "外国人永久居留身份证", "hk_macau_permit": "港澳居民来往内地通行证",
		"taiwan_permit": "台湾居民来往大陆通行证", "passport": "护照",
	},
	"zh-Hant": {
		"title": "選擇測試人員", "notice": "這裏是開發環境。名單上的人都是虛構的，號碼由程式算出，不要在這裏使用真實身份。",
		"cancel": "返回，不登入", "languages": "語言", "level": "實名等級", "for": "可代辦",
		"citizen": "市民", "low": "實名等級較低", "elder": "長者", "hkmt": "港澳台居民", "foreign": "永久居留外國人", "agent": "單位經辦人",
		"resident_id": "居民身份證", "foreign_permanent": "外國人永久居留身份證", "hk_macau_permit": "港澳居民來往內地通行證",
		"taiwan_permit": "台灣居民來往大陸通行證", "passport": "護照",
	},
	"en": {
		"title": "Choose a test person", "notice": "This is a development system. The people listed do not exist and their numbers are computed. Do not use a real identity here.",
		"cancel": "Go back without signing in", "languages": "Language", "level": "Real-name level", "for": "may act for",
		"citizen": "Citizens", "low": "Lower real-name levels", "elder": "Elders", "hkmt": "Hong Kong, Macao and Taiwan residents",
		"foreign": "Foreign permanent residents", "agent": "Agents of organisations",
		"resident_id": "Resident identity card", "foreign_permanent": "Foreign permanent resident identity card",
		"hk_macau_permit": "Mainland travel permit (Hong Kong, Macao)", "taiwan_permit": "Mainland travel permit (Taiwan)", "passport": "Passport",
	},
}

// spoken are the languages of the page. Regions that write traditional characters are named, or a
// plain zh behind them in a browser's list would win.
var (
	spoken = []string{"zh-Hans", "zh-Hant", "en", "zh-Hant", "zh-Hant", "zh-Hant"}
	tags   = language.NewMatcher([]language.Tag{
		language.SimplifiedChinese, language.TraditionalChinese, language.English,
		language.MustParse("zh-HK"), language.MustParse("zh-MO"), language.MustParse("zh-TW"),
	})
)

// Locale chooses the language of the page: what the caller asks for, else what the browser prefers.
func Locale(uiLocales, acceptLanguage string) string {
	if len(uiLocales) > 200 || len(acceptLanguage) > 500 {
		return "zh-Hans"
	}
	_, i := language.MatchStrings(tags, strings.ReplaceAll(strings.TrimSpace(uiLocales), " ", ","), acceptLanguage)
	return spoken[i]
}

type group struct {
	Key    Group
	People []row
}

type row struct {
	ID, Name, About string
}

// Write sends the page with a policy that allows its stylesheet, its form and nothing else.
func (c Choice) Write(w http.ResponseWriter) {
	text := words[c.Locale]
	if text == nil {
		c.Locale, text = "zh-Hans", words["zh-Hans"]
	}
	var groups []group
	for _, g := range Groups() {
		section := group{Key: g}
		for _, p := range c.People {
			if p.Group != g || len(section.People) == 50 {
				continue
			}
			about := text[string(p.Document.Kind)] + " · " + text["level"] + " " + string(rune('0'+p.Level))
			for i, o := range p.Organisations {
				if i == 0 {
					about += " · " + text["for"] + " "
				} else {
					about += " / "
				}
				about += o.Name
			}
			section.People = append(section.People, row{p.ID, p.Shown[c.Locale], about})
		}
		if len(section.People) > 0 {
			groups = append(groups, section)
		}
	}
	var out bytes.Buffer
	err := page.Execute(&out, map[string]any{"Choice": c, "Text": text, "Groups": groups})
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	// A browser applies form-action to the redirect after the post too, so the way back is named.
	forms := "'self'"
	if u, err := url.Parse(c.ReturnTo); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && !strings.ContainsAny(u.Host, " ;,'\"") {
		forms += " " + u.Scheme + "://" + u.Host
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action "+forms+"; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", c.Locale)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin") // none at all would make the form's Origin "null"
	h.Set("X-Content-Type-Options", "nosniff")
	h.Add("Vary", "Accept-Language")
	_, _ = w.Write(out.Bytes())
}
