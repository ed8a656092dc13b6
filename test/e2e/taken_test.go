package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// slowly writes a file as a thin line takes it.
type slowly struct{ http.ResponseWriter }

func (s slowly) Write(b []byte) (int, error) {
	time.Sleep(time.Duration(len(b)/1000) * 8 * time.Millisecond)
	return s.ResponseWriter.Write(b)
}

func (s slowly) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// A long list is taken away: the card beside the list says how far it is, one is cancelled, one comes whole with the bytes its
// digest says, and both stand among the files that were taken.
func TestAListIsTakenAway(t *testing.T) {
	w := within(t, apptest.Options{})
	list := make([]store.LedgerEntry, 30_000)
	for i := range list {
		list[i] = store.LedgerEntry{
			ID: fmt.Sprintf("L%d", 10_000_000+i), Kind: supply.LateRequest, Request: fmt.Sprintf("R%d", 10_000_000+i), HallID: apptest.HallCity, UnitID: "agency-social", Level: directory.CityHall,
			Detail: store.LedgerDetail{Appeal: strings.Repeat("因台风停办，", 8)},
		}
	}
	if err := w.DB.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.AddLedger(t.Context(), list); return err }); err != nil {
		t.Fatal(err)
	}
	var slow atomic.Bool
	slow.Store(true)
	b := w.officeWith(t, w.OpenAdmin(t, account.Platform1, "440100000000"), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if slow.Load() && strings.HasSuffix(r.URL.Path, ".csv") {
				rw = slowly{rw}
			}
			next.ServeHTTP(rw, r)
		})
	})
	saved := t.TempDir()
	if _, err := chromedp.Call(b.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID, DownloadPath: saved,
	}); err != nil {
		t.Fatal(err)
	}
	const bar, state = `document.querySelector("#taking [data-bar]")`, `document.querySelector("#taking").dataset.state`
	b.goTo("/console/ledger?lang=zh-Hans")
	if eval[bool](b, `!document.querySelector("#taking").hidden`) {
		t.Error("the card is there before anything is taken")
	}
	b.do(b.press(`[data-take][href*=".csv"]`))
	b.wait(bar + `.hasAttribute("value") && ` + bar + `.value > 0 && ` + bar + `.value < 100`)
	first := eval[float64](b, bar+".value")
	b.wait(fmt.Sprintf(`%s.value > %v`, bar, first)) // it moves
	if text := b.text("#taking [data-text]"); !strings.Contains(text, "30,000") || !strings.Contains(text, "%") {
		t.Errorf("the card says %q", text)
	}
	b.inspectAs(look{name: "export running", lang: "zh-Hans-CN", least: finger, fine: mouse, dark: desk})
	b.resize(desk)
	b.do(b.press("#taking [data-cancel]"))
	b.wait(state + ` === "cancelled"`)
	if text := b.text("#taking"); !strings.Contains(text, "已取消") || eval[bool](b, `document.activeElement !== document.querySelector("#taking [data-done]")`) {
		t.Errorf("cancelled, it says %q, and the focus is elsewhere", text)
	}
	b.inspectAs(look{name: "export cancelled", lang: "zh-Hans-CN", least: finger, fine: mouse})
	b.resize(desk)
	b.do(b.press("#taking [data-done]"))
	b.wait(`document.querySelector("#taking").hidden && document.activeElement.matches("[data-take]")`)

	w.Clock.Add(time.Minute)
	slow.Store(false)
	b.do(b.press(`[data-take][href*=".csv"]`))
	b.wait(state + ` === "whole" && ` + bar + `.value === 100`)
	b.inspectAs(look{name: "export whole", lang: "zh-Hans-CN", least: finger, fine: mouse})
	b.resize(desk)
	b.follow(b.press(`#taking a[href="/console/exports"]`))
	rows := eval[[]string](b, `[...document.querySelectorAll("main tbody tr")].map(tr => tr.innerText.replace(/\s+/g, " "))`)
	if len(rows) != 2 || !strings.Contains(rows[0], "完整") || !strings.Contains(rows[1], "已取消") || !strings.Contains(rows[0], "30,000") {
		t.Errorf("taken away were %q", rows)
	}
	b.inspectAs(look{name: "files taken", lang: "zh-Hans-CN", least: finger, fine: mouse, dark: desk})
	for _, other := range []struct{ locale, lang string }{{"zh-Hant", "zh-Hant-HK"}, {"en", "en"}} {
		b.goTo("/console/exports?lang=" + other.locale)
		b.inspectAs(look{name: "files taken", lang: other.lang, least: finger, fine: mouse, words: true})
	}
	digest := b.text("main tbody tr:first-child td:last-child")
	files, err := filepath.Glob(filepath.Join(saved, "suiyue-ledger-*.csv"))
	if err != nil || len(files) != 1 {
		t.Fatalf("saved were %v, %v", files, err)
	}
	body, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != digest || bytes.Count(body, []byte("\n")) != len(list)+1 {
		t.Errorf("what was saved is not what the page says: %d bytes, %q", len(body), digest)
	}
}
