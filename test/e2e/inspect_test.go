package e2e

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
)

// axe finds faults of accessibility (axe/LICENSE).
//
//go:embed axe/axe.min.js
var axe string

// widths are those of a small phone, a tablet and a desk, in CSS pixels.
var widths = []int64{320, 768, 1280}

// finding is one rule that axe found broken.
type finding struct {
	ID, Help string
	Nodes    []string
}

const runAxe = `axe.run(document, {
	resultTypes: ["violations"],
	runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}).then(r => r.violations.map(v => ({ID: v.id, Help: v.help, Nodes: v.nodes.slice(0, 3).map(n => n.target.join(" ") + ": " + n.failureSummary)})))`

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

// inspect looks at the page that is shown, at every width: no scrolling sideways, controls as large as a finger,
// the language of the document, and, at the narrowest and the widest, nothing that axe finds.
func (b *tab) inspect(name, lang string, elder bool, at ...int64) {
	b.t.Helper()
	l := look{name: name, lang: lang, least: 44, at: at}
	if elder {
		l.least = 60
	}
	b.inspectAs(l)
}

// look is what a page must be like.
type look struct {
	name, lang string
	least      int     // size of a control in CSS pixels
	at         []int64 // widths; nil = all
	seen       bool    // axe has seen the page in another language at a narrower and a wider width
}

func (b *tab) inspectAs(l look) {
	b.t.Helper()
	name, lang, least, at := l.name, l.lang, l.least, l.at
	if len(at) == 0 {
		at = widths
	}
	if got := b.attribute("html", "lang"); got != lang {
		b.t.Errorf("%s: the document's language is %q, not %q", name, got, lang)
	}
	if b.text("title") == "" && eval[string](b, "document.title") == "" || b.count("h1") != 1 {
		b.t.Errorf("%s: a page has one title and one h1, this has %d", name, b.count("h1"))
	}
	edition := "normal"
	if least == 60 {
		edition = "elder"
	}
	b.do(chromedp.Evaluate[chromedp.Void](axe))
	for _, width := range at {
		b.resize(width)
		where := fmt.Sprintf("%s, %s, %s, %d px", name, lang, edition, width)
		b.keep(fmt.Sprintf("%s-%s-%s-%d", strings.ReplaceAll(name, " ", "_"), lang, edition, width))
		if wide := eval[int64](b, "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)"); wide > width {
			b.report(where, "scrolls sideways, %d px wide: %s", wide, eval[string](b, fmt.Sprintf(
				`[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > %d + 1).slice(0, 4).map(e => e.tagName + "." + (e.className.baseVal ?? e.className)).join(", ")`, width)))
		}
		for _, s := range eval[[]string](b, fmt.Sprintf("%s(%d)", tooSmall, least)) {
			b.report(where, "smaller than %d px: %s", least, s)
		}
		if l.seen || width != at[0] && width != at[len(at)-1] {
			continue // what axe looks at is shown at the narrowest or at the widest
		}
		b.unroll(width)
		found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]finding](runAxe, chromedp.EvalAwaitPromise))
		if err != nil {
			b.fail(err)
		}
		for _, f := range found {
			b.report(where, "axe %s (%s)\n  %s", f.ID, f.Help, strings.Join(f.Nodes, "\n  "))
		}
	}
	b.quiet()
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
