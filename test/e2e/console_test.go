package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Widths of the console: a phone in need, a tablet, a desk, a wide screen.
const (
	phone, tablet, desk, wide = 320, 768, 1280, 1920
	finger, mouse             = 44, 32 // least size of a control
)

const tianhe = "/console/halls/440106000000"

// consolePages are the pages of each administrator of the demonstration.
var consolePages = map[string][]string{
	"district-1": {
		"/console", "/console/halls", "/console/halls?view=tree&unit=440106001000", "/console/halls?q=nowhere", tianhe, tianhe + "/capacity", tianhe + "/requests",
		"/console/jump?q=th", "/console/requests", "/console/requests/new", "/console/ledger", "/console/displaced", "/console/powers", "/console/me", "/console/tokens", "/console/prove",
		"/console/accounts", "/console/filings", "/console/filings/new", "/console/directory", "/console/directory/files", tianhe + "/edit", tianhe + "/edit/hall",
		tianhe + "/displaced", tianhe + "/edit?show=queues", tianhe + "/edit?show=counters", tianhe + "/edit?show=offerings", tianhe + "/edit?show=versions", tianhe + "/edit/queue", tianhe + "/edit/offering",
		"/console/requests/new?kind=close&hall=440106000000", "/console/requests/new?kind=capacity&hall=440106000000", "/console/requests/new?kind=weekend&hall=440106000000",
		"/console/requests/new?kind=share&hall=440106000000", "/console/requests/new?kind=close&hall=%2A", "/console/filings/bulk", "/console/me/password", "/console/me/totp", "/console/me/passkeys",
		tianhe + "/poster", tianhe + "/poster?size=a3", "/console/ledger?who=decide", "/console/ledger?who=mine",
		"/console/missed", tianhe + "/missed", tianhe + "/missed?date=2026-12-01", "/console/cases", "/console/cases?state=overdue",
	},
	"platform-1": {"/console", "/console/halls?sort=-booked&page=3", "/console/suggestions", "/console/displaced", "/console/ledger"},
	"platform-2": {
		"/console", "/console/suggestions", "/console/suggestions/new", "/console/suggestions/new?kind=capacity&hall=440106000000",
		"/console/suggestions/new?kind=weekend&hall=440106000000",
	},
	"municipal-2": {"/console/directory", "/console/directory/item", "/console/directory/item?item=SI-01"},
	"system":      {"/console", "/console/operation", "/console/directory/units", "/console/directory/unit?unit=440106000000"},
	"audit":       {"/console", "/console/log"},
}

// beAdmin signs in as the first administrator of a rank that the demonstration has ready.
func (b *tab) beAdmin(rank, locale string) {
	b.t.Helper()
	b.goTo("/demo/administrators?lang=en")
	words := map[string]string{"district-1": "District level 1", "platform-1": "Platform level 1", "platform-2": "Platform level 2", "municipal-2": "Municipal level 2", "system": "System administrator", "audit": "Audit administrator"}[rank]
	if !eval[bool](b, `(() => { const b = [...document.querySelectorAll("button[name=account]")].find(b => b.innerText.startsWith(`+quote(words)+`) && (`+quote(rank)+` !== "district-1" || b.innerText.includes("Tianhe"))); if (b) b.id = "it"; return !!b })()`) {
		b.t.Fatalf("nobody of rank %s is ready: %s", rank, b.text("main"))
	}
	b.click("#it")
	b.goTo("/console?lang=" + locale)
}

func (b *tab) scheme(name string) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}}); err != nil {
		b.t.Fatal(err)
	}
}

// Every page of the console, at four widths, light and dark, in three languages: the bar of the
// citizen's pages.
func TestConsolePages(t *testing.T) {
	c := shared.get(t)
	for _, way := range []struct {
		locale string
		look   look
	}{
		{"zh-Hans", look{lang: "zh-Hans-CN", at: []int64{phone, desk}, dark: wide}},
		{"zh-Hant", look{lang: "zh-Hant-HK", at: []int64{wide}, words: true}},
		{"en", look{lang: "en", at: []int64{tablet}, unseen: true}},
	} {
		for rank, pages := range consolePages {
			t.Run(fmt.Sprint(rank, "-", way.locale, "-", way.look.at[0]), func(t *testing.T) {
				t.Parallel()
				b := open(t, c)
				b.beAdmin(rank, way.locale)
				for _, path := range pages {
					if status := b.goTo(path); status != 200 {
						t.Errorf("%s as %s: %d", path, rank, status)
						continue
					}
					l := way.look
					l.least, l.fine = finger, mouse
					l.name = strings.NewReplacer("/", "_", "?", "_", "&", "_", "=", "_").Replace(strings.TrimPrefix(path, "/")) + "-" + rank
					b.inspectAs(l)
				}
			})
		}
	}
}

// What a file of directory entries would do, and what is wrong with one, in a real browser.
func TestPlanOfAFile(t *testing.T) {
	c := shared.get(t)
	b := open(t, c)
	b.beAdmin("district-1", "zh-Hans")
	for _, way := range []struct {
		locale string
		look   look
	}{{"zh-Hans", look{lang: "zh-Hans-CN", dark: desk}}, {"zh-Hant", look{lang: "zh-Hant-HK", words: true}}, {"en", look{lang: "en", words: true}}} {
		b.goTo("/console?lang=" + way.locale)
		for name, rows := range map[string]string{
			"changes": "id,phone,notice_hans,notice_hant,notice_en\n440106000000,020-12345678,今日系统升级,今日系統升級,Systems are being renewed today\n",
			"faults":  "id,phone\n440106000000,\nnowhere,020-1\n",
			"nothing": "id\n440106000000\n",
		} {
			file := filepath.Join(t.TempDir(), "halls.csv")
			if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
				t.Fatal(err)
			}
			b.goTo("/console/directory/files")
			b.do(chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{file}))
			b.click("main form[enctype] button[type=submit]")
			if at := b.path(); !strings.HasPrefix(at, "/console/directory/files/") {
				t.Fatalf("%s leads to %s: %s", name, at, b.text("main"))
			}
			l := way.look
			l.name, l.least, l.fine = "file plan, "+name, finger, mouse
			b.inspectAs(l)
		}
	}
}

// The console by keyboard: to anything by its name, through the rows of a list, back to the search; and
// the order in which Tab goes is the one that is seen.
func TestConsoleByKeyboard(t *testing.T) {
	b := open(t, shared.get(t))
	b.beAdmin("district-1", "en")
	b.resize(desk)
	key := func(k string, more ...chromedp.KeyOption) { b.do(chromedp.KeyEvent(k, more...)) }
	b.goTo("/console/halls")
	key("k", chromedp.KeyModifiers(2)) // Ctrl
	b.wait(`document.querySelector("#jump").open && document.activeElement.id === "jump-q"`)
	key("Tianhe District Government")
	b.wait(`document.querySelectorAll("#jump [role=option]").length > 0`)
	key(kb.ArrowDown)
	b.wait(`document.querySelector("#jump [aria-selected=true]") !== null`)
	if status := b.follow(enterKey); status != 200 || b.path() != tianhe {
		t.Fatalf("Ctrl K leads to %s, %d", b.path(), status)
	}
	b.goTo("/console/halls")
	key("j")
	key("j")
	second := eval[string](b, `document.querySelectorAll("[data-rows] tbody tr")[1].querySelector("a").getAttribute("href")`)
	if got := eval[string](b, `document.activeElement.getAttribute("href") ?? ""`); got != second {
		t.Errorf("J J leads to %q, the second row is %q", got, second)
	}
	key("k")
	key("/")
	if got := eval[string](b, `document.activeElement.id`); got != "q" {
		t.Errorf("/ leads to %q", got)
	}
	b.goTo("/console/halls")
	var order []string
	for range 9 {
		key("\t")
		order = append(order, eval[string](b, `(e => e.className.split(" ")[0] || e.textContent.trim())(document.activeElement)`))
	}
	if got, want := strings.Join(order, " "), "govuk-skip-link bar__brand Today bar__jump 简体 繁體 English bar__who linkish"; got != want {
		t.Errorf("Tab goes through %s; want %s", got, want)
	}
}

// The map of hours is drawn within the content policy, answers the mouse, and is a table without scripts.
func TestCapacityPicture(t *testing.T) {
	b := open(t, shared.get(t))
	b.beAdmin("district-1", "zh-Hans")
	b.resize(desk)
	b.goTo(tianhe + "/capacity")
	b.wait(`document.querySelector(".chart canvas") !== null && !document.querySelector(".chart").hidden`)
	if said := b.attribute("[data-space]", "aria-label"); !strings.Contains(said, "容量") {
		t.Errorf("the picture is read out as %q", said)
	}
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector(".chart").scrollIntoView({block: "center"})`))
	// Somewhere in the picture a pixel changes when the mouse is over an hour: the tooltip.
	b.do(chromedp.Evaluate[chromedp.Void](`window.looks = () => [...document.querySelectorAll(".chart canvas")].map(c => c.toDataURL()).join(); window.plain = looks()`))
	b.wait(`(c => { // over some hour: not every day has the same
		const r = c.getBoundingClientRect();
		for (let y = 60; y < 300; y += 30) c.dispatchEvent(new MouseEvent("mousemove", {clientX: r.left + r.width / 2, clientY: r.top + y, bubbles: true}));
		return looks() !== plain;
	})(document.querySelector(".chart canvas"))`)
	b.quiet() // no refusal by the policy
	b.noScripts()
	b.goTo(tianhe + "/capacity?show=booked")
	if b.count("#hours td.heat") == 0 || b.count(".chart:not([hidden])") != 0 {
		t.Error("without scripts there is no table, or an empty picture")
	}
}
