package e2e

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"suiyue/internal/domain/booking"
	"suiyue/internal/gate/identity/testpeople"
)

// A page of the city's app holds ours in a frame; choosing a hall there opens the platform over the whole window, and the
// booking that comes of it says so. Another site's page is shown nothing (Art. 2).
func TestArt2_ABookingBeginsInAPageOfAnEntrance(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	origin := fmt.Sprintf("http://localhost:%d", l.Addr().(*net.TCPAddr).Port) // another site than 127.0.0.1
	c := small(t, "", "--frame", "suihaoban="+origin)
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, `<!DOCTYPE html><html lang="zh-Hans"><title>an entrance</title><body style="margin:0">`+
				`<iframe title="ours" src="%s%s" style="border:0;width:100%%;height:820px"></iframe>`, c.url, r.URL.RequestURI())
		}))
	}()
	t.Cleanup(func() { l.Close() })
	framed := "/embed/suihaoban/item/" + deed

	b := open(t, c)
	for _, edition := range []string{"normal", "elder"} { // as itself first: what is in a frame of another site is not seen by axe
		b.goTo(framed + "?edition=" + edition)
		b.inspect("in a frame", "zh-Hans-CN", edition == "elder")
		b.goTo("/embed/suihaoban?edition=" + edition)
		b.inspect("search in a frame", "zh-Hans-CN", edition == "elder")
	}
	b.goTo(framed + "?edition=normal")
	// Where the first hall's button stands is asked of the page by itself, and pressed in the frame: both are as wide.
	spot := eval[[2]float64](b, `(e => { const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })(document.querySelector(".hall__end a.button"))`)
	if spot[1] > 800 {
		t.Fatalf("the first hall is not on the first screen: %v", spot)
	}

	top := &tab{t: t, ctx: b.ctx, base: origin}
	top.goTo(framed)
	top.keep("in a page of an entrance")
	// The frame comes after its page: pressed until it leads somewhere.
	for try := 0; !strings.HasPrefix(b.path(), "/book/"); try++ {
		if try == 50 {
			t.Fatalf("choosing a hall in the frame leads to %s", b.path())
		}
		b.do(chromedp.MouseClickXY(spot[0], spot[1]), chromedp.Sleep(300*time.Millisecond))
	}
	b.must(".hours")
	b.click("#when form button.button")
	b.signIn("citizen-2")
	b.click("main form button.button")
	b.click(`main form[action="/book"] button.button`)
	if !strings.HasPrefix(b.path(), "/pass/") {
		t.Fatalf("booked, and then %s", b.path())
	}
	person, _ := testpeople.Find(testpeople.All(), "citizen-2")
	code := strings.TrimPrefix(b.path(), "/pass/")
	code, _, _ = strings.Cut(code, "?")
	booked, err := c.beside(t).App.Find(t.Context(), code, person.Document.Number[14:])
	if err != nil || booked.Booking.Channel != booking.Suihaoban {
		t.Errorf("the booking came through %q: %v", booked.Booking.Channel, err)
	}
}
