package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// The live picture at a desk and on a wall (Art. 4): at every width, in three languages, down to a hall, kept up to date
// by itself, and saying so when it is not.
func TestArt4_LivePicture(t *testing.T) {
	b := open(t, shared.get(t))
	b.beAdmin("platform-1", "zh-Hans")
	b.resize(desk)
	look := func(name, lang, path string, at ...int64) {
		t.Helper()
		if status := b.goTo(path); status != 200 {
			t.Fatalf("%s answers %d", path, status)
		}
		b.inspectAs(look{name: name, lang: lang, least: 24, at: at})
	}
	look("picture", "zh-Hans-CN", "/console/picture?lang=zh-Hans", 320, 768, 1280)
	look("picture", "en", "/console/picture?lang=en&show=waiting", 320)
	look("picture-hall", "zh-Hant-HK", "/console/picture?lang=zh-Hant&hall=440106000000", 320, 1280)
	b.scheme("dark")
	look("picture-district-dark", "zh-Hans-CN", "/console/picture?lang=zh-Hans&unit=440106000000", 1280)
	b.scheme("light")
	b.resize(desk)
	if n := b.count(".tile"); n < 21 {
		t.Errorf("the district has %d tiles", n)
	}

	// What changes is put in place; what has the focus keeps it.
	b.wait(`Number(document.querySelector("[data-piece]").dataset.seen) >= 1`)
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector(".tile").focus(); window.was = document.activeElement; window.seen = Number(document.querySelector("[data-piece]").dataset.seen)`))
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("[data-piece]").dataset.piece += "&show=waiting"`))
	b.wait(`Number(document.querySelector("[data-piece]").dataset.seen) > seen && document.querySelector("#live .pills [aria-current]").textContent.includes("等候人数")`)
	if !eval[bool](b, `document.activeElement === was`) {
		t.Error("the focus is lost")
	}

	for _, wall := range []struct {
		name, path string
		size       [2]int64
	}{
		{"wall", "/console/wall?lang=zh-Hans", [2]int64{1920, 1080}}, {"wall", "/console/wall?lang=zh-Hans", [2]int64{3840, 2160}},
		{"wall-district", "/console/wall?lang=zh-Hans&unit=440106000000", [2]int64{1920, 1080}}, {"wall-district-en", "/console/wall?lang=en&unit=440106000000", [2]int64{1920, 1080}},
	} {
		b.goTo(wall.path)
		b.window(wall.size[0], wall.size[1])
		b.wait(`Number(document.querySelector("[data-piece]").dataset.seen) >= 1`)
		where := fmt.Sprintf("%s-%d", wall.name, wall.size[0])
		b.keep(where)
		if over := eval[string](b, `[...document.querySelectorAll("body *")].filter(e => { const r = e.getBoundingClientRect(); return r.width > 1 && (r.right > innerWidth + 1 || r.bottom > innerHeight + 1) }).slice(0, 4).map(e => e.tagName + "." + (e.className.baseVal ?? e.className)).join(", ")`); over != "" {
			t.Errorf("%s: beyond the screen: %s", where, over)
		}
		// From five metres letters of a two-hundredth of the screen's width are read.
		if small := eval[string](b, `[...document.querySelectorAll(".eight dt, .eight dd > *, .eight__note, .stream p, .tiles text, .legend li, .wall__time *")].filter(e => (e.closest("svg.tiles") ? parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a : parseFloat(getComputedStyle(e).fontSize)) < innerWidth / 100).slice(0, 4).map(e => e.tagName + " " + e.textContent).join(", ")`); small != "" {
			t.Errorf("%s: too small to be read from five metres: %s", where, small)
		}
		if cut := eval[string](b, `[...document.querySelectorAll(".tiles a, .tiles g")].filter(g => g.querySelector("rect") && [...g.querySelectorAll("text")].some(t => { const a = t.getBoundingClientRect(), r = g.querySelector("rect").getBoundingClientRect(); return a.width && (a.left < r.left - 1 || a.right > r.right + 1) })).slice(0, 4).map(g => g.textContent.trim().replace(/\s+/g, " ")).join(", ")`); cut != "" {
			t.Errorf("%s: words stand out of their tiles: %s", where, cut)
		}
		b.axe(where, "all")
	}
	b.goTo("/console/wall?lang=zh-Hans")
	b.wait(`Number(document.querySelector("[data-piece]").dataset.seen) >= 1`)
	if b.text("#clock") == "" || eval[bool](b, `!document.getElementById("stale").hidden`) {
		t.Error("no clock, or said to be out of touch")
	}
	b.cutOff(true)
	for range 3 {
		if eval[bool](b, `!document.getElementById("stale").hidden`) {
			break
		}
		time.Sleep(6 * time.Second)
	}
	if said := b.text("#stale"); !strings.Contains(said, "秒没有更新") {
		t.Errorf("out of touch it says %q", said)
	}
	b.keep("wall-out")
	b.cutOff(false)
	b.wait(`document.getElementById("stale").hidden`)
	b.forgive("ERR_INTERNET_DISCONNECTED", "Failed to fetch")
}

// Open data and releases, as anybody sees them.
func TestOpenDataAndReleases(t *testing.T) {
	b := open(t, shared.get(t))
	b.ways("open-data", "/open-data")
	b.ways("releases", "/releases?q=440106000000")
	b.resize(390)
	b.goTo("/releases?lang=zh-Hans")
	b.write("#q", "天河")
	b.click("form.filters button")
	if !strings.Contains(b.text("main"), "天河区") {
		t.Errorf("searching finds %s", b.text("#halls"))
	}
}
