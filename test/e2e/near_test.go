package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// From the home page to the halls near the phone in one press; its place stands in no address, and going back
// does not ask for it again.
func TestWaitingTimesNearMe(t *testing.T) {
	t.Parallel()
	c := small(t, "")
	b := open(t, c)
	if _, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `navigator.geolocation.getCurrentPosition = (ok) => ok({coords: {latitude: 23.1259, longitude: 113.2442, accuracy: 20}})`,
	}); err != nil {
		t.Fatal(err)
	}
	for _, edition := range []string{"normal", "elder"} {
		b.goTo("/?lang=en&edition=" + edition)
		b.inspect("home near me", "en", edition == "elder")
		b.resize(390)
		b.do(b.press(`a[href="/waiting#near"]`))
		b.reach(`document.readyState === "complete" && / · [0-9.]+ k?m\b/.test(document.querySelector("main").innerText)`)
		if at := b.path(); strings.Contains(at, "23.") || strings.Contains(at, "#") {
			t.Errorf("the place is in the address: %s", at)
		}
		b.inspect("waits near me", "en", edition == "elder")
	}
}
