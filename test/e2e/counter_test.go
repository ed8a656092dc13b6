package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/identity"
)

const windowHall = "/console/halls/440103000000"

// sitAs signs in as the n-th ready administrator of a rank over a unit.
func (b *tab) sitAs(rank, unit string, n int) {
	b.t.Helper()
	b.goTo("/demo/administrators?lang=en")
	if !eval[bool](b, fmt.Sprintf(`(() => { const b = [...document.querySelectorAll("button[name=account]")].filter(b => b.innerText.startsWith(%q) && b.innerText.includes(%q))[%d]; if (b) b.id = "it"; return !!b })()`, rank, unit, n)) {
		b.t.Fatalf("no %s over %s is ready: %s", rank, unit, b.text("main"))
	}
	b.click("#it")
}

// cutParams says it both ways: Chromium 148 wants to be told once for all conditions, others for each.
type cutParams struct {
	network.EmulateNetworkConditionsByRuleParams
	Offline bool `json:"offline"`
}

// cutOff takes the network from a browser, or gives it back.
func (b *tab) cutOff(off bool) {
	b.t.Helper()
	p := cutParams{EmulateNetworkConditionsByRuleParams: network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{}}, Offline: off}
	if off {
		b.mu.Lock()
		b.cut = true
		b.mu.Unlock()
		p.MatchedNetworkConditions = append(p.MatchedNetworkConditions, &network.Conditions{Offline: true, DownloadThroughput: -1, UploadThroughput: -1})
	}
	if _, err := chromedp.Call(b.ctx, cdp.Command[cutParams, network.EmulateNetworkConditionsByRuleResult]{Method: network.CommandEmulateNetworkConditionsByRule}, p); err != nil {
		b.t.Fatal(err)
	}
}

// key presses a key as a keyboard does: what the page takes for itself types nothing.
func (b *tab) key(k string) {
	b.t.Helper()
	p := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: k, Text: k, UnmodifiedText: k}
	if len(k) > 1 {
		p.Text, p.UnmodifiedText = "", ""
	}
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		p.Type = kind
		if kind == input.DispatchKeyEventTypeKeyUp {
			p.Text, p.UnmodifiedText = "", ""
		}
		if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, p); err != nil {
			b.fail(err)
		}
	}
}

func (b *tab) called() string {
	return eval[string](b, `document.getElementById("at-number").textContent`)
}

// Two counters of a hall for a morning: they call at the same time and never get the same person; one does
// everything by keys, loses the network, goes on, and what it did is told when the network is back.
func TestTwoCountersOfAHall(t *testing.T) {
	t.Parallel()
	c := small(t, "")
	day := calendar.DateOf(c.clock(t)) + 1
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day++
	}
	c.setClock(t, day.At(9, 4))

	boss := open(t, c)
	boss.resize(1280)
	boss.sitAs("District level 1", "Liwan", 0)
	for n := 8; n <= 9; n++ { // the demonstration has the first ones
		boss.goTo(windowHall + "/edit/counter?lang=en")
		boss.write("#counter", fmt.Sprint(n))
		boss.write("#label", fmt.Sprint(n))
		eval[bool](boss, `(() => { const line = document.querySelector("[name=lines]"); if (!line.checked) line.click(); return true })()`)
		boss.click("main form button[type=submit]")
	}
	if boss.count("main a[href*='noun=counter'], main table") == 0 {
		t.Fatalf("counters: %s", boss.text("main"))
	}

	one, two := open(t, c), open(t, c)
	for i, b := range []*tab{one, two} {
		b.resize(1280)
		b.sitAs("Counter clerk", "Liwan", i)
		b.goTo("/console?lang=en")
		if b.path() != windowHall+"/counters" {
			t.Fatalf("a clerk begins at %s", b.path())
		}
		b.inspectAs(look{name: "counters", lang: "en", least: mouse, at: []int64{desk}})
		b.goTo(fmt.Sprintf("%s/counters/%d", windowHall, i+8))
		b.inspectAs(look{name: "counter to open", lang: "en", least: mouse, at: []int64{desk}})
		b.click("main form button[type=submit]")
		b.must("#acts")
	}

	// A walk-in is put in line from the counter's page by keys alone, in seconds.
	for n := range 6 {
		began := time.Now()
		if n == 0 {
			one.key("w")
		}
		one.do(chromedp.KeyEvent(identity.SyntheticResident(identity.SyntheticArea, calendar.MakeDate(1985, 5, 1), 700+n).Number), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent("陈示例"), enterKey)
		one.wait(fmt.Sprintf(`document.querySelectorAll("#line li").length === %d`, n+1))
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("a walk-in takes %v", took)
		}
	}
	one.key("Escape")
	two.wait(`document.querySelectorAll("#line li").length === 6`) // told, not asked for

	// Both call at the same time.
	both := make(chan string, 2)
	for _, b := range []*tab{one, two} {
		go func() {
			b.key(" ")
			b.wait(`document.getElementById("now").dataset.ticket !== ""`)
			both <- b.called()
		}()
	}
	if x, y := <-both, <-both; x == y {
		t.Fatalf("two counters call %s", x)
	}
	one.wait(`document.querySelectorAll("#line li").length === 4`)
	one.inspectAs(look{name: "counter", lang: "en", least: mouse, at: []int64{phone, tablet, desk, wide}, dark: desk})
	one.resize(1280)

	// Keys alone: again, set aside, taken back, finished with a result, not here, back in line.
	first := one.called()
	one.key("r")
	one.wait(`document.getElementById("at-who").innerText.includes("2")`)
	one.key("h")
	one.wait(`document.querySelectorAll("#held li").length === 1`)
	one.key("1")
	one.wait(fmt.Sprintf(`document.getElementById("at-number").textContent === %q`, first))
	one.key("f")
	one.wait(`document.activeElement.name === "result"`)
	one.do(chromedp.KeyEvent(kb.ArrowDown))
	one.do(enterKey)
	one.wait(`document.getElementById("now").dataset.ticket === ""`)
	one.key(" ")
	one.wait(`document.getElementById("now").dataset.ticket !== ""`)
	one.key("n")
	one.wait(`document.querySelectorAll("#passed li").length === 1`)
	one.key("1")
	one.wait(`document.querySelectorAll("#passed li").length === 0`)
	one.key("p")
	one.wait(`document.getElementById("seat-state").dataset.open === "false"`)
	one.key("p")
	one.wait(`document.getElementById("seat-state").dataset.open === "true"`)

	// The network goes. After twenty seconds the counter works by itself.
	one.wait(`document.querySelectorAll("#standby li").length > 0`)
	mine := eval[[]string](one, `[...document.querySelectorAll("#standby li")].map(li => li.dataset.number)`)
	one.cutOff(true)
	one.key(" ") // asked for while nobody answers: not lost, and not done twice
	one.reach(`!document.getElementById("standby").hidden && !document.getElementById("away").hidden`)
	one.inspectAs(look{name: "counter cut off", lang: "en", least: mouse, at: []int64{tablet, desk}})
	one.resize(1280)
	one.key(" ")
	one.wait(fmt.Sprintf(`document.getElementById("at-number").textContent === %q`, mine[0]))
	one.key("h")
	one.wait(`document.querySelectorAll("#held li").length === 1 && document.getElementById("now").dataset.ticket === ""`)
	kept := eval[int](one, `JSON.parse(Object.entries(localStorage).find(([k]) => k.startsWith("suiyue-counter"))[1]).length`)
	if kept != 2 {
		t.Errorf("%d acts are written down", kept)
	}
	one.cutOff(false)
	one.reach(`document.getElementById("away").hidden && document.getElementById("standby").hidden`)
	one.wait(fmt.Sprintf(`document.querySelector("#held li")?.dataset.number === %q`, mine[0]))
	if left := eval[bool](one, `Object.keys(localStorage).some(k => k.startsWith("suiyue-counter"))`); left {
		t.Error("what was told is kept all the same")
	}
	one.goTo(windowHall + "/counters/8") // the server says the same
	if got := eval[string](one, `document.querySelector("#held li").dataset.number`); got != mine[0] {
		t.Errorf("set aside on the server: %q", got)
	}

	// The desk's pages.
	for _, path := range []string{"/desk", "/desk?q=nobody", "/desk/number", "/desk/green", "/desk/book", "/day", "/day/list", "/missed"} {
		one.goTo(windowHall + path)
		one.inspectAs(look{name: "desk " + strings.NewReplacer("/", "_", "?", "_", "=", "_").Replace(path), lang: "en", least: mouse, at: []int64{phone, tablet, desk}})
	}
	boss.goTo(windowHall + "/day/rules?lang=en")
	boss.inspectAs(look{name: "rules of the day", lang: "en", least: mouse, at: []int64{tablet, desk}})
}

// A counter's page that is reloaded while nobody answers comes up with its numbers and goes on, and tells what it
// did when the server is back; who signs out leaves nothing of it behind.
func TestACounterReloadedWhileCutOff(t *testing.T) {
	t.Parallel()
	c := small(t, "")
	workday(t, c, 9, 4)
	boss := open(t, c)
	boss.resize(1280)
	boss.sitAs("District level 1", "Liwan", 0)
	boss.goTo(windowHall + "/edit/counter?lang=en")
	boss.write("#counter", "8")
	boss.write("#label", "8")
	eval[bool](boss, `(() => { const line = document.querySelector("[name=lines]"); if (!line.checked) line.click(); return true })()`)
	boss.click("main form button[type=submit]")

	one := open(t, c)
	one.resize(1280)
	one.sitAs("Counter clerk", "Liwan", 0)
	one.goTo(windowHall + "/counters/8?lang=en")
	one.click("main form button[type=submit]")
	one.must("#acts")
	one.key("w")
	for n := range 5 {
		one.do(chromedp.KeyEvent(identity.SyntheticResident(identity.SyntheticArea, calendar.MakeDate(1985, 5, 1), 800+n).Number), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent("陈示例"), enterKey)
		one.wait(fmt.Sprintf(`document.querySelectorAll("#line li").length === %d`, n+1))
	}
	one.key("Escape")
	one.key(" ")
	one.wait(`document.getElementById("now").dataset.ticket !== "" && document.querySelectorAll("#standby li").length > 1`)
	at := one.called()
	mine := eval[[]string](one, `[...document.querySelectorAll("#standby li")].map(li => li.dataset.number)`)
	one.reach(`navigator.serviceWorker.controller !== null`)
	time.Sleep(2 * time.Second)
	if kept := eval[string](one, `(async () => { let all = ""; for (const n of await caches.keys()) for (const q of await (await caches.open(n)).keys()) { const r = await (await caches.open(n)).match(q); if (r.headers.get("Content-Type").includes("html")) all += await r.text() } return all })()`, chromedp.EvalAwaitPromise); !strings.Contains(kept, "data-shell") || strings.Contains(kept, "陈") || strings.Contains(kept, at) {
		t.Errorf("what the browser keeps: %d characters, with a person or a number in it, or no page", len(kept))
	}

	// Nobody answers any more: the worker of the page has a network of its own, which the browser's tools leave it.
	silent := func(sig syscall.Signal) {
		if err := syscall.Kill(c.process.PID(), sig); err != nil {
			t.Fatal(err)
		}
	}
	silent(syscall.SIGSTOP)
	t.Cleanup(func() { syscall.Kill(c.process.PID(), syscall.SIGCONT) })
	one.reach(`!document.getElementById("standby").hidden && !document.getElementById("away").hidden`)
	one.key("h")
	one.wait(`document.querySelectorAll("#held li").length === 1`)
	one.key(" ")
	one.wait(fmt.Sprintf(`document.getElementById("at-number").textContent === %q`, mine[0]))
	for range 2 {
		one.do(chromedp.Reload())
		one.reach(fmt.Sprintf(`document.getElementById("at-number")?.textContent === %q && !document.getElementById("standby").hidden && document.querySelector("#held li").dataset.number === %q`, mine[0], at))
	}
	one.inspectAs(look{name: "counter reloaded cut off", lang: "en", least: mouse, at: []int64{tablet, desk}})
	one.resize(1280)
	one.key(" ")
	one.wait(fmt.Sprintf(`document.getElementById("at-number").textContent === %q`, mine[1]))
	silent(syscall.SIGCONT)
	one.reach(`document.getElementById("away").hidden && document.getElementById("standby").hidden`)
	one.goTo(windowHall + "/counters/8")
	if got := one.called(); got != mine[1] || eval[string](one, `document.querySelector("#held li")?.dataset.number ?? ""`) != at {
		t.Errorf("on the server %s is at the counter, want %s; %s", got, mine[1], one.text("#held"))
	}
	if eval[bool](one, `Object.keys(localStorage).some(k => k.startsWith("suiyue-counter"))`) {
		t.Error("what was told is kept all the same")
	}

	one.click(`form[action$="/sign-out"] button`)
	one.reach(`document.body.classList.contains("bare")`)
	time.Sleep(time.Second)
	if n := eval[int](one, `(async () => (await navigator.serviceWorker.getRegistrations()).length + (await caches.keys()).filter((n) => n.startsWith("suiyue-counter")).length + Object.keys(sessionStorage).length)()`, chromedp.EvalAwaitPromise); n != 0 {
		t.Errorf("%d things are left after signing out", n)
	}
}
