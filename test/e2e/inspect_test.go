package e2e

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/chromedp"
)

// axe finds faults of accessibility (axe/LICENSE); looking asks it for them.
var (
	//go:embed axe/axe.min.js
	axe string
	//go:embed axe/look.js
	looking string
)

// widths are those of a small phone, a tablet and a desk, in CSS pixels.
var widths = []int64{320, 768, 1280}

// finding is one rule that axe found broken.
type finding struct {
	ID, Help string
	Nodes    []string
}

// tooSmall lists the controls that are smaller than a finger. Links that stand inside a sentence are no
// controls; a card whose title leads on is one as a whole.
const tooSmall = `(least => {
	const seen = e => { const r = e.getBoundingClientRect(), s = getComputedStyle(e);
		return r.width > 1 && r.height > 1 && s.visibility !== "hidden" && s.display !== "none" && !e.closest(".govuk-visually-hidden") };
	const inText = a => getComputedStyle(a).display === "inline" && [...a.parentNode.childNodes].some(n => n.nodeType === 3 && n.data.trim());
	const out = [];
	for (const e of document.querySelectorAll("a[href], button, select, summary, input:not([type=hidden]):not([type=radio]):not([type=checkbox]), label:has(input)")) {
		if (!seen(e) || e.matches(".govuk-skip-link") || e.matches("a") && inText(e)) continue;
		const r = (e.closest(".card--link") ?? e).getBoundingClientRect();
		if (r.height < least - .5 || r.width < least - .5) out.push(e.tagName.toLowerCase() + "." + e.className + " " + JSON.stringify(e.innerText.trim().slice(0, 20)) + " " + Math.round(r.width) + "×" + Math.round(r.height));
	}
	return [...new Set(out)];
})`

// measures is what a page is like at one width, in one answer.
type measures struct {
	Lang, Title string
	H1          int
	Wide, High  int64    // of the document
	Out         string   // what stands out to the right
	Small       []string // tooSmall
}

const measure = `((least, width) => {
	const wide = Math.max(document.documentElement.scrollWidth, document.body.scrollWidth);
	return {Lang: document.documentElement.lang, Title: document.title, H1: document.querySelectorAll("h1").length,
		Wide: wide, High: document.documentElement.scrollHeight, Small: ` + tooSmall + `(least),
		Out: wide <= width ? "" : [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > width + 1).slice(0, 4).map(e => e.tagName + "." + (e.className.baseVal ?? e.className)).join(", ")};
})`

// inspect looks at the page that is shown, at every width: no scrolling sideways, controls as large as a finger,
// the language of the document, and nothing that axe finds.
func (b *tab) inspect(name, lang string, elder bool, at ...int64) {
	b.t.Helper()
	b.inspectAs(lookAt(name, lang, elder, at))
}

// inspectWords is inspect for a page that is inspected in another language as well: axe looks for what words can break.
func (b *tab) inspectWords(name, lang string, elder bool, at ...int64) {
	b.t.Helper()
	l := lookAt(name, lang, elder, at)
	l.words = true
	b.inspectAs(l)
}

func lookAt(name, lang string, elder bool, at []int64) look {
	l := look{name: name, lang: lang, least: 44, at: at}
	if elder {
		l.least = 60
	}
	return l
}

// look is what a page must be like.
type look struct {
	name, lang string
	least      int     // size of a control in CSS pixels
	fine       int     // the same from 1024 px on, where there is a mouse; 0 for the same
	at         []int64 // widths, the narrowest first; nil = all
	words      bool    // axe sees the page in another language: here it looks for what words can break
	unseen     bool    // axe sees the page elsewhere
	dark       int64   // a width at which colours are looked at in the dark as well; 0 for none
}

// inspectAs looks at a page. Axe looks at all of it at the narrowest width, and at the widest at what was not shown there or
// had other colours.
func (b *tab) inspectAs(l look) {
	b.t.Helper()
	at := l.at
	if len(at) == 0 {
		at = widths
	}
	edition := "normal"
	if l.least == 60 {
		edition = "elder"
	}
	where := func(width int64) string { return fmt.Sprintf("%s, %s, %s, %d px", l.name, l.lang, edition, width) }
	for i, width := range at {
		b.resize(width)
		b.keep(fmt.Sprintf("%s-%s-%s-%d", strings.ReplaceAll(l.name, " ", "_"), l.lang, edition, width))
		least := l.least
		if l.fine != 0 && width >= 1024 {
			least = l.fine
		}
		m := eval[measures](b, fmt.Sprintf("%s(%d, %d)", measure, least, width))
		for until := time.Now().Add(5 * time.Second); m.Wide > width && time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
			m = eval[measures](b, fmt.Sprintf("%s(%d, %d)", measure, least, width)) // a picture is drawn anew some time after
		}
		if i == 0 && m.Lang != l.lang {
			b.t.Errorf("%s: the document's language is %q, not %q", l.name, m.Lang, l.lang)
		}
		if i == 0 && (m.Title == "" || m.H1 != 1) {
			b.t.Errorf("%s: a page has one title and one h1, this has %d", l.name, m.H1)
		}
		if m.Wide > width {
			b.report(where(width), "scrolls sideways, %d px wide: %s", m.Wide, m.Out)
		}
		for _, s := range m.Small {
			b.report(where(width), "smaller than %d px: %s", least, s)
		}
		// So high that nothing lies under a bar that stays in view.
		high := func() { b.window(width, m.High+200) }
		switch {
		case l.unseen:
		case i == 0 && l.words:
			b.axe(where(width), "names")
		case i == 0:
			high()
			b.axe(where(width), "all")
		case i == len(at)-1 && !l.words:
			b.axeRest(where(width), edition, high)
		}
	}
	if l.dark != 0 {
		b.scheme("dark")
		b.unroll(l.dark)
		b.axe(where(l.dark)+", dark", "contrast")
		b.scheme("light")
	}
	b.quiet()
}

// axe has axe look at what is shown now, in one of the ways of axe/look.js.
func (b *tab) axe(where, how string) {
	b.t.Helper()
	if !eval[bool](b, `"looking" in globalThis`) {
		b.do(chromedp.Evaluate[chromedp.Void](axe + "\n" + looking))
	}
	for _, f := range eval[[]finding](b, "looking."+how+"()", chromedp.EvalAwaitPromise) {
		b.report(where, "axe %s (%s)\n  %s", f.ID, f.Help, strings.Join(f.Nodes, "\n  "))
	}
}

// seen are texts of rest with their editions: parts of pages that axe has looked at. A bar that stands on every page is one.
var seen sync.Map

// axeRest has axe look at what it has not seen in this document or any other of the edition; first makes ready for it.
func (b *tab) axeRest(where, edition string, first func()) {
	b.t.Helper()
	rest := eval[string](b, "looking.rest()")
	if rest == "" {
		return
	}
	if _, known := seen.LoadOrStore(edition+" "+rest, true); !known {
		first()
		b.axe(where, "more")
	}
}

// report fails the test: once for what is wrong on every page.
func (b *tab) report(where, format string, args ...any) {
	b.t.Helper()
	if b.reported == nil {
		b.reported = map[string]bool{}
	}
	if what := fmt.Sprintf(format, args...); !b.reported[what] {
		b.reported[what] = true
		b.t.Errorf("%s: %s", where, what)
	}
}
