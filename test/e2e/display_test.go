package e2e

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"suiyue/test/town"
)

// desk presses a button of the desk of a day that is played, and returns the page it answers with.
func (c *city) desk(t *testing.T, form url.Values) string {
	t.Helper()
	resp, err := http.PostForm(c.url+"/demo/day", form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the desk of the day answers %d: %.300s", resp.StatusCode, body)
	}
	return string(body)
}

var machineCode = regexp.MustCompile(`<strong class="code">([^<]+)</strong>`)

// asDisplay makes the tab's browser a display of the hall whose day is played.
func (b *tab) asDisplay(c *city) {
	b.t.Helper()
	code := machineCode.FindStringSubmatch(c.desk(b.t, url.Values{"machine": {"display"}}))
	if code == nil {
		b.t.Fatal("the desk of the day shows no code")
	}
	b.goTo("/hall/enrol")
	b.write("#code", code[1])
	b.click("form.ask button[type=submit]")
	if b.path() != "/hall/display" {
		b.t.Fatalf("an enrolled display is at %s", b.path())
	}
}

const oneScreen = "document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth"

func TestTheDisplayOfAHall(t *testing.T) {
	t.Parallel()
	c := small(t, "")
	c.desk(t, url.Values{"do": {"start"}})
	b := open(t, c)
	b.do(chromedp.EmulateViewport(1920, 1080))
	b.asDisplay(c)

	// A call is there within a second: at sixty times the pace, a minute of the day's.
	deadline := time.Now().Add(60 * time.Second)
	for b.text(".call__number") == "" {
		if time.Now().After(deadline) {
			t.Fatalf("nobody was called: %s", b.text("main"))
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.wait("document.body.dataset.lag !== undefined")
	if lag := eval[float64](b, "Number(document.body.dataset.lag)"); lag > 60_000 {
		t.Errorf("the call was shown %.1f s after it was made", lag/60_000)
	} else {
		t.Logf("the call was shown %.2f s after it was made", lag/60_000)
	}
	if got := b.text("#say"); got == "" {
		t.Error("readers of the screen are told nothing")
	}
	b.wait("document.querySelectorAll('#last li').length === 4")
	for _, screen := range []struct {
		name          string
		width, height int64
	}{{"landscape", 1920, 1080}, {"portrait", 1080, 1920}, {"small", 1280, 720}} {
		b.do(chromedp.EmulateViewport(screen.width, screen.height))
		time.Sleep(300 * time.Millisecond)
		if !eval[bool](b, oneScreen) {
			t.Errorf("%s: the display scrolls", screen.name)
		}
		for _, layout := range []string{"call", "board", "queues", "portrait"} {
			b.do(chromedp.Evaluate[chromedp.Void]("document.body.className = 'show show--" + layout + "'"))
			time.Sleep(100 * time.Millisecond)
			if !eval[bool](b, oneScreen) {
				t.Errorf("%s, %s: the display scrolls", screen.name, layout)
			}
			if where := screen.name + ", " + layout; where == "landscape, call" {
				b.axe(where, "all")
			} else {
				b.axeRest(where, "display", func() {})
			}
			b.keep("display-" + layout + "-" + screen.name)
		}
		b.do(chromedp.Evaluate[chromedp.Void]("document.body.className = 'show show--call'"))
	}
	b.do(chromedp.EmulateViewport(1920, 1080))

	// Without scripts it shows the same, and loads itself again.
	still := open(t, c)
	still.do(chromedp.EmulateViewport(1920, 1080))
	still.asDisplay(c)
	still.noScripts()
	still.goTo("/hall/display")
	if still.text(".call__number") == "" || still.count("#last li") == 0 {
		t.Errorf("without scripts it shows %s", still.text("main"))
	}
	still.keep("display-without-scripts")
	opened := eval[float64](still, "performance.timeOrigin")
	for since := time.Now(); eval[float64](still, "performance.timeOrigin") == opened; time.Sleep(200 * time.Millisecond) {
		if time.Since(since) > 20*time.Second {
			t.Fatal("without scripts it never loads itself again")
		}
	}
	still.do(chromedp.Navigate("about:blank"))

	// Cut off, it says so; the server back, it is in touch again within five seconds by itself.
	address := strings.TrimPrefix(c.url, "http://")
	if err := c.process.Stop(); err != nil {
		t.Fatal(err)
	}
	b.wait("!document.getElementById('stale').hidden && document.body.classList.contains('out')")
	if got := b.text("#stale"); !regexp.MustCompile(`\d`).MatchString(got) {
		t.Errorf("out of touch it says %q", got)
	}
	b.keep("display-out")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args := slices.Clone(c.process.Args())
	for i, a := range args {
		if a == "--listen" {
			args[i+1] = address
		}
	}
	began := time.Now()
	p, err := town.Start(ctx, "", restart(args))
	if err != nil {
		t.Fatal(err)
	}
	c.process = p
	up := time.Now()
	for eval[bool](b, "document.body.classList.contains('out')") {
		if time.Since(up) > 5*time.Second {
			t.Fatalf("still out of touch %s after the server answers", time.Since(up))
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("the server answers after %s, the display is in touch %s later", up.Sub(began).Round(time.Millisecond), time.Since(up).Round(time.Millisecond))
	b.forgive("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET")
}

// restart is a command like one that has ended.
func restart(args []string) *exec.Cmd { return town.Command(args[0], args[1:]...) }

// forgive takes back what the browser remarked about a network that was away on purpose.
func (b *tab) forgive(words ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.messages[:0]
	for _, m := range b.messages {
		known := false
		for _, w := range words {
			known = known || strings.Contains(m.Text, w)
		}
		if !known {
			kept = append(kept, m)
		}
	}
	b.messages = kept
}
