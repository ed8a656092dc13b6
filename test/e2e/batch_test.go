package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// An item of the catalogue that may be booked in batches.
const batches = "SI-03"

// The pages of a batch (Art. 19) and of the draws, in both editions at every width, and in the other languages.
func TestPagesOfBatchesAndDraws(t *testing.T) {
	c := shared.get(t)
	for _, p := range []struct {
		name, locale, lang string
		elder              bool
		serial             int
		at                 []int64
	}{
		{"normal", "zh-Hans", "zh-Hans-CN", false, 700, nil},
		{"elder", "zh-Hans", "zh-Hans-CN", true, 710, nil},
		{"zh-Hant", "zh-Hant", "zh-Hant-HK", false, 720, []int64{320}},
		{"en", "en", "en", false, 730, []int64{320}},
	} {
		t.Run(p.name, func(t *testing.T) { // one after the other: the agent may have one batch of an item at a time
			w := &walk{tab: open(t, c), lang: p.lang, elder: p.elder, person: "agent", at: p.at, words: p.at != nil}
			w.begin(p.locale)
			w.page("draws", "/draws", 200)
			w.page("no such draw", "/draws/440103000000-social-20261124", 404)
			w.goTo("/item/" + batches)
			w.click(`.hall a.button[href^="/book/"]`)
			w.click("#when form button")
			w.signIn(w.person)
			w.do(w.press("label:has(input[value=self])"))
			w.write("#units", "2")
			w.click("main form button.button")
			w.here("empty list")
			w.send(".person form button.button", 422)
			w.wrong("list, sent empty")
			for i := range 2 {
				w.write("[name=name]", "测试名单")
				w.write("[name=number]", resident(p.serial+i))
				w.click(".person form button.button")
			}
			w.here("list of two")
			w.click(`main form button[name=do][value=go]`)
			w.here("check of a batch")
			w.click(`form[action="/book"] button`)
			w.here("pass of a batch")
			pass, _, _ := strings.Cut(w.path(), "?")
			w.page("list of the pass", pass+"/cases", 200)
			w.do(w.press("label:has(input[name=case])"))
			w.click("main form button.button")
			w.here("one taken off")
			w.goTo(pass + "/cancel")
			w.do(chromedp.WaitReady(`form[action$="/cancel"] button`))
			w.click(`form[action$="/cancel"] button`)
		})
	}
}
