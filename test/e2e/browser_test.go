package e2e

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// tab is one person's browser: cookies and cache of its own, a phone unless it is resized.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string // of the city
	seen int    // screens shown
	cut  bool   // the network was taken from it: that requests fail is what is tested
	// The same for requests to this origin, a bridge that fails; "" for none.
	loose string
	polls int // status that a script of the page is answered with as long as it asks; 0 for none

	reported map[string]bool

	mu       sync.Mutex
	messages []chromedp.ConsoleMessage
}

// open gives the test a browser of its own. Whatever the pages write to the console as an error, a
// refusal by the policy of the page among it, fails the test.
func open(t *testing.T, c *city) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chrome, chromedp.WithNewBrowserContext())
	ctx, stop := context.WithTimeout(ctx, 10*time.Minute)
	b := &tab{t: t, ctx: ctx, base: c.url}
	messages := chromedp.Console(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m, err := range messages {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.messages = append(b.messages, m)
			b.mu.Unlock()
		}
	}()
	b.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile))
	t.Cleanup(func() {
		b.quiet()
		if t.Failed() {
			b.keep("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
		}
		stop()
		cancel()
		<-done
	})
	return b
}

// quiet fails the test for errors in the console since it was asked last.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.messages {
		if b.cut && m.Source == "network" && strings.Contains(m.Text, "ERR_INTERNET_DISCONNECTED") {
			continue
		}
		if b.polls != 0 && m.Source == "network" && strings.Contains(m.Text, fmt.Sprint("status of ", b.polls)) {
			continue
		}
		if b.loose != "" && (strings.HasPrefix(m.URL, b.loose) || strings.Contains(m.Text, b.loose)) {
			continue
		}
		if m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleException || m.Source == "security" {
			b.t.Errorf("console: %s %s %s", m, m.Source, m.URL)
		}
	}
	b.messages = nil
}

// expectStatus takes back the browser's own remark that a page came with this status.
func (b *tab) expectStatus(status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.messages[:0]
	for _, m := range b.messages {
		if m.Source != "network" || !strings.Contains(m.Text, fmt.Sprint("status of ", status)) {
			kept = append(kept, m)
		}
	}
	b.messages = kept
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.fail(err)
	}
}

func (b *tab) fail(err error) {
	b.t.Helper()
	at, _ := chromedp.Run(b.ctx, chromedp.Location())
	b.t.Fatalf("at %s: %v", at, err)
}

// goTo opens an address of the city and returns its status.
func (b *tab) goTo(path string) int {
	b.t.Helper()
	resp, err := chromedp.Run(b.ctx, chromedp.NavigateResponse(b.base+path))
	if err != nil {
		b.t.Fatalf("%s: %v", path, err)
	}
	b.seen++
	return int(resp.Status)
}

// follow does something that brings another page, and returns its status.
func (b *tab) follow(steps ...chromedp.Action[chromedp.Void]) int {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	resp, err := chromedp.RunResponse(ctx, steps...)
	if err != nil {
		b.fail(err)
	}
	b.seen++
	return int(resp.Status)
}

// click presses the first visible element of a selector, which brings another page.
func (b *tab) click(css string) {
	b.t.Helper()
	if status := b.follow(b.press(css)); status != 200 {
		b.t.Fatalf("%s leads to status %d, %s", css, status, b.path())
	}
}

// press is a press on the first element of a selector with a mouse, in the middle of the window, where
// nothing that stays in place covers it.
func (b *tab) press(css string) chromedp.Action[chromedp.Void] {
	b.t.Helper()
	b.must(css)
	b.do(chromedp.Evaluate[chromedp.Void]("document.querySelector(" + quote(css) + ").scrollIntoView({block: 'center', behavior: 'instant'})"))
	return chromedp.Click(chromedp.CSS(css), chromedp.NodeVisible)
}

// enterKey is the Enter key. Down and its character are one event, as from a keyboard: sent apart, the
// character could come when the page has left already.
var enterKey = chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
	down := input.DispatchKeyEventParams{
		Type: input.DispatchKeyEventTypeKeyDown, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13, NativeVirtualKeyCode: 13, Text: "\r", UnmodifiedText: "\r",
	}
	if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, down); err != nil {
		return err
	}
	down.Type, down.Text, down.UnmodifiedText = input.DispatchKeyEventTypeKeyUp, "", ""
	_, err := cdp.Call(ctx, t, input.DispatchKeyEvent, down)
	return err
})

// must fails when nothing on the page matches, after giving a page that is just coming the time to.
func (b *tab) must(css string) {
	b.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); b.count(css) == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: nothing matches %s", b.path(), css)
		}
	}
}

// path is where the browser is: path and query.
func (b *tab) path() string {
	b.t.Helper()
	at, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil {
		b.t.Fatal(err)
	}
	u, err := url.Parse(at)
	if err != nil {
		b.t.Fatal(err)
	}
	return u.RequestURI()
}

// eval evaluates an expression in the page.
func eval[T any](b *tab, js string, how ...chromedp.EvaluateOption) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](js, how...))
	if err != nil {
		b.fail(fmt.Errorf("%s: %w", js, err))
	}
	return v
}

func (b *tab) count(css string) int {
	b.t.Helper()
	return eval[int](b, "document.querySelectorAll("+quote(css)+").length")
}

// text is what stands in the first element of a selector, blanks joined; "" when there is none.
func (b *tab) text(css string) string {
	b.t.Helper()
	return eval[string](b, "(document.querySelector("+quote(css)+")?.innerText ?? '').replace(/\\s+/g, ' ').trim()")
}

func (b *tab) attribute(css, name string) string {
	b.t.Helper()
	return eval[string](b, "document.querySelector("+quote(css)+")?.getAttribute("+quote(name)+") ?? ''")
}

// wait waits until an expression is true.
func (b *tab) wait(js string) {
	b.t.Helper()
	deadline := time.Now().Add(45 * time.Second)
	for !eval[bool](b, js) {
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: this never becomes true: %s", b.path(), js)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// write types into a field as a person does.
func (b *tab) write(css, text string) {
	b.t.Helper()
	b.must(css)
	b.do(chromedp.Clear(chromedp.CSS(css)), chromedp.SendKeys(chromedp.CSS(css), text))
}

// choose selects an entry of a list.
func (b *tab) choose(css, value string) {
	b.t.Helper()
	b.must(css)
	b.do(chromedp.SetValue(chromedp.CSS(css), value))
}

// resize makes the window so wide; up to 480 it is a phone.
func (b *tab) resize(width int64) {
	b.t.Helper()
	b.window(width, 872)
}

// unroll makes the window as high as the page, so that nothing lies under a bar that stays in view.
func (b *tab) unroll(width int64) {
	b.t.Helper()
	b.window(width, eval[int64](b, "document.documentElement.scrollHeight")+200)
}

func (b *tab) window(width, height int64) {
	b.t.Helper()
	if width <= 480 {
		b.do(chromedp.EmulateViewport(width, height, chromedp.EmulateMobile))
	} else {
		b.do(chromedp.EmulateViewport(width, height))
	}
}

// noScripts turns the scripts of the pages off.
func (b *tab) noScripts() {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		b.t.Fatal(err)
	}
}

// signIn chooses a test person on the provider's page, from our page of signing in.
func (b *tab) signIn(person string) {
	b.t.Helper()
	before := b.seen
	b.click(`main a[href^="/sign-in/start"]`)
	b.click(`button[name=person][value="` + person + `"]`)
	b.seen = before
}

// keep writes a picture of the whole page into the folder of SUIYUE_TEST_SCREENS, if there is one.
func (b *tab) keep(name string) {
	dir := os.Getenv("SUIYUE_TEST_SCREENS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		b.t.Log("no picture:", err)
	}
}

func quote(s string) string { return fmt.Sprintf("%q", s) }

var passCode = regexp.MustCompile(`^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]$`)
