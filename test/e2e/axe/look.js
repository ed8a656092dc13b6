// Put after axe into a page that is looked at. Each answers with what is wrong, as [{ID, Help, Nodes}].
globalThis.looking = (() => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const contrast = ["color-contrast", "link-in-text-block"];
  // What the words of a language can break: names that are missing or the same.
  const names = [
    "area-alt", "aria-command-name", "aria-dialog-name", "aria-input-field-name", "aria-meter-name", "aria-progressbar-name", "aria-toggle-field-name",
    "aria-tooltip-name", "button-name", "document-title", "empty-heading", "empty-table-header", "html-has-lang", "html-lang-valid", "image-alt",
    "image-redundant-alt", "input-button-name", "label", "label-title-only", "landmark-unique", "link-name", "role-img-alt", "select-name", "summary-name",
    "svg-img-alt", "table-duplicate-name", "valid-lang",
  ];
  const seen = new WeakMap(); // elements axe has looked at, and their colours then
  let left = []; // roots of what it has not

  const colours = (e) => { const s = getComputedStyle(e); return [s.color, s.backgroundColor, s.backgroundImage].join() };
  const shown = () => [...document.body.querySelectorAll("*"), document.body].filter((e) => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length > 0);
  const remember = () => { for (const e of shown()) seen.set(e, colours(e)) };
  const settle = () => { for (const a of document.getAnimations()) if (a instanceof CSSTransition) a.finish() }; // colours on their way to others
  const run = async (where, how) => {
    settle();
    const r = await axe.run(where, {resultTypes: ["violations"], iframes: false, preload: false, ...how});
    return r.violations.map((v) => ({ID: v.id, Help: v.help, Nodes: v.nodes.slice(0, 3).map((n) => n.target.join(" ") + ": " + n.failureSummary)}));
  };
  const hash = (text) => {
    let a = 0xdeadbeef, b = 0x41c6ce57;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      a = Math.imul(a ^ c, 2654435761);
      b = Math.imul(b ^ c, 1597334677);
    }
    return (a >>> 0) + "-" + (b >>> 0);
  };

  return {
    // the whole page, by every rule
    all() { settle(); remember(); return run(document, {runOnly: tags}) },
    // in other colours
    contrast() { return run(document, {runOnly: {type: "rule", values: contrast}}) },
    // in another language
    names() { return run(document, {runOnly: {type: "rule", values: names}}) },
    // rest is a text that stands for what all and rest have not looked at as it is shown now; "" for nothing. more looks at it.
    rest() {
      settle();
      const all = new Set(shown().filter((e) => seen.get(e) !== colours(e)));
      left = [...all].filter((e) => !all.has(e.parentElement));
      remember();
      if (left.length === 0) return "";
      const styles = [...document.querySelectorAll("link[rel=stylesheet]")].map((e) => e.href);
      return hash([document.documentElement.className, document.body.className, ...styles, ...left.map((e) => e.outerHTML)].join("\n").replace(/<input[^>]*type="hidden"[^>]*>/g, ""));
    },
    more() { return run({include: left}, {runOnly: tags}) },
  };
})();
