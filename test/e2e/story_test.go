package e2e

import (
	"bytes"
	"image/png"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"suiyue/internal/pgtest"
)

// everyday is how somebody asks who does not know what the item is called.
const everyday = "社保卡丢了"

// A person books, moves and cancels: on the whole city and SQLite, and on PostgreSQL; with scripts and
// without.
func TestStory(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		c := shared.get(t)
		t.Logf("a city of the whole of Guangzhou was made and served in %.1f s", shared.took.Seconds())
		t.Run("scripts", func(t *testing.T) { story(t, c, "citizen-1", true) })
		t.Run("no scripts", func(t *testing.T) { story(t, c, "citizen-2", false) })
	})
	t.Run("postgres", func(t *testing.T) {
		c := small(t, pgtest.New(t))
		story(t, c, "citizen-1", true)
	})
}

// toItem goes from the home page to the page of an item: by a suggestion while typing, or by the list
// of what was found.
func toItem(b *tab, words string, scripts bool) {
	b.t.Helper()
	if status := b.goTo("/"); status != 200 {
		b.t.Fatalf("the home page answers %d", status)
	}
	if scripts {
		b.write("#q", words)
		b.wait(`document.querySelectorAll("#suggest li").length > 0`)
		b.follow(chromedp.KeyEvent(kb.ArrowDown), enterKey) // the first suggestion
		return
	}
	b.write("#q", words)
	b.click("form.search button")
	if b.count(".item") == 0 {
		b.t.Fatalf("nothing was found for %s", words)
	}
	b.click(".item a")
}

// toCheck goes from the page of an item to the one on which everything is checked.
func toCheck(b *tab, person string) (hall string) {
	b.t.Helper()
	hall = b.text(".hall .card__title")
	b.click(`.hall a.button[href^="/book/"]`)
	if b.count(".days .day") < 10 {
		b.t.Errorf("only %d days are offered at once", b.count(".days .day"))
	}
	if b.count(`.days a[aria-current=date]`) != 1 || b.count(`.hours input:checked`) != 1 {
		b.t.Error("the first free day and hour are not chosen already")
	}
	if first := b.attribute(".days a.day--free", "id"); first != b.attribute(".days a[aria-current=date]", "id") {
		b.t.Errorf("chosen is %s, the first free day is %s", b.attribute(".days a[aria-current=date]", "id"), first)
	}
	b.click("#when form button")
	if strings.HasPrefix(b.path(), "/sign-in") {
		b.signIn(person) // its screens are not counted
	}
	if !strings.HasPrefix(b.path(), "/book/who") {
		b.t.Fatalf("after signing in: %s", b.path())
	}
	b.click("main form button.button")
	if !strings.HasPrefix(b.path(), "/book/check") {
		b.t.Fatalf("after for whom: %s", b.path())
	}
	return hall
}

func story(t *testing.T, c *city, person string, scripts bool) {
	me := c.program(t, person)
	if len(me.bookings(t)) != 0 {
		t.Fatal("this person has bookings before the story begins")
	}
	b := open(t, c)
	if !scripts {
		b.noScripts()
	}
	began := time.Now()
	toItem(b, everyday, scripts)
	if !strings.HasPrefix(b.path(), "/item/") {
		t.Fatalf("the search led to %s", b.path())
	}
	item := b.text("h1")
	if !strings.Contains(item, "社会保障卡") {
		t.Errorf("%s led to %q", everyday, item)
	}
	if !eval[bool](b, `(() => { const on = document.querySelector("main .notice a.button, main .notice"), halls = document.querySelector("#halls");
		return !!on && !!halls && !!(on.compareDocumentPosition(halls) & Node.DOCUMENT_POSITION_FOLLOWING) })()`) {
		t.Error("the way without a visit does not stand before the halls")
	}
	if n := b.count(".hall"); n < 2 {
		t.Errorf("%d halls stand side by side", n)
	}
	hall := toCheck(b, person)
	for _, want := range []string{item, hall} {
		if !strings.Contains(b.text("main"), want) {
			t.Errorf("the check does not repeat %q", want)
		}
	}
	again(t, b, me, 0)
	b.click(`form[action="/book"] button`)
	took, screens := time.Since(began), b.seen
	code := passOf(t, b, hall)
	if shown := eval[bool](b, `[...document.querySelectorAll(".js-only:not([hidden])")].some(e => e.getClientRects().length > 0)`); shown != scripts {
		t.Errorf("what only a script can do is offered: %t", shown)
	}
	if got := me.bookings(t); len(got) != 1 || got[0].Code != code || got[0].State != "booked" {
		t.Fatalf("booked once, the interface says %+v", got)
	}
	// The wait for a person is not in it; the machine's part must leave nearly all of the 90 s to them.
	t.Logf("from the home page to the pass: %d screens (sign-in not counted), %.1f s", screens, took.Seconds())
	if most := map[bool]int{true: 6, false: 7}[scripts]; screens > most {
		t.Errorf("a booking takes %d screens", screens)
	}
	if took > 90*time.Second {
		t.Errorf("a booking takes %s", took)
	}
	// Back and reload, at every step of the way behind.
	again(t, b, me, 1)
	for range 4 {
		b.do(chromedp.NavigateBack())
		again(t, b, me, 1)
	}
	resend(t, b, me, code)

	moveAndCancel(t, b, me, code)
}

// again loads the page once more; there are as many bookings as before.
func again(t *testing.T, b *tab, me *program, want int) {
	t.Helper()
	b.do(chromedp.Reload())
	if got := len(me.bookings(t)); got != want {
		t.Fatalf("%s loaded again: %d bookings, not %d", b.path(), got, want)
	}
}

// resend goes back to the check and presses the button a second time: it is the same booking.
func resend(t *testing.T, b *tab, me *program, code string) {
	t.Helper()
	for range 4 {
		if strings.HasPrefix(b.path(), "/book/check") {
			break
		}
		b.do(chromedp.NavigateForward())
	}
	if b.count(`form[action="/book"] button`) > 0 {
		b.click(`form[action="/book"] button`)
	}
	if got := me.bookings(t); len(got) != 1 || got[0].Code != code {
		t.Fatalf("sent again from %s: %+v", b.path(), got)
	}
}

var clockTime = regexp.MustCompile(`\d{2}:\d{2}`)

// passOf checks the pass and returns its code.
func passOf(t *testing.T, b *tab, hall string) string {
	t.Helper()
	if !strings.HasPrefix(b.path(), "/pass/") {
		t.Fatalf("after booking: %s: %s", b.path(), b.text("main"))
	}
	code := b.text("[data-pass-code]")
	if !passCode.MatchString(code) {
		t.Errorf("the code is %q", code)
	}
	if until := b.text(".pass__cancel"); !clockTime.MatchString(until) {
		t.Errorf("until when it can be cancelled is no clock time: %q", until)
	}
	if at := b.text("[data-pass-hall]"); !strings.HasPrefix(at, hall) {
		t.Errorf("the pass names %q, chosen was %q", at, hall)
	}
	if b.count(`a[href$="/calendar.ics"]`) != 1 || b.count(".pass .checklist li") == 0 {
		t.Error("the pass has no calendar entry or does not say what to bring")
	}
	picture, err := chromedp.Run(b.ctx, chromedp.ScreenshotScale(chromedp.CSS(".qr"), 2))
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	read, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		t.Fatalf("the QR code cannot be read: %v", err)
	}
	if plain := strings.ReplaceAll(code, "-", ""); !strings.Contains(strings.ReplaceAll(read.GetText(), "-", ""), plain) {
		t.Errorf("the QR code says %q, the pass %q", read.GetText(), code)
	}
	return code
}

func moveAndCancel(t *testing.T, b *tab, me *program, code string) {
	t.Helper()
	b.goTo("/bookings")
	b.click(`.next a[href*="/pass/"]`)
	before := b.text("[data-pass-date]") + b.text("[data-pass-hours]")
	b.click(`a[href$="/move"]`)
	// Another hour than the one that is booked.
	b.do(b.press(".hours label:has(input:not(:disabled):not(:checked))"))
	b.click("#when form button")
	if !strings.Contains(b.path(), "/move/check") {
		t.Fatalf("after choosing another hour: %s", b.path())
	}
	b.click(`main form button.button`)
	if after := b.text("[data-pass-date]") + b.text("[data-pass-hours]"); after == before || b.text("[data-pass-code]") != code {
		t.Errorf("moved from %s to %s, code %s", before, after, b.text("[data-pass-code]"))
	}
	again(t, b, me, 1)
	b.click(`a[href$="/cancel"]`)
	b.click(`form[action$="/cancel"] button`)
	again(t, b, me, 1)
	if got := me.bookings(t); got[0].State != "cancelled" {
		t.Errorf("cancelled, the interface says %+v", got)
	}
	if b.count(".qr") != 0 {
		t.Error("a cancelled pass still shows its QR code")
	}
	b.goTo("/messages")
	if n := b.count(".message"); n < 3 {
		t.Errorf("%d messages after booking, moving and cancelling", n)
	}
}
