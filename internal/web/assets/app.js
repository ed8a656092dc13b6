// Everything here is an addition: each page works without it.
const root = document.documentElement;
root.classList.add("js");

const $ = (sel, in_ = document) => in_.querySelector(sel);
const $$ = (sel, in_ = document) => [...in_.querySelectorAll(sel)];

// say tells readers of the screen what changed.
function say(text) {
  const out = $("#say");
  if (!out) return;
  out.textContent = "";
  setTimeout(() => { out.textContent = text; }, 50);
}

// The error summary takes the focus; its links focus the field.
$("[data-focus]")?.focus();
document.addEventListener("click", (e) => {
  const a = e.target.closest?.(".govuk-error-summary a[href^='#']");
  const field = a && document.getElementById(a.hash.slice(1));
  if (!field) return;
  e.preventDefault();
  (field.closest("fieldset, .govuk-form-group") ?? field).scrollIntoView();
  field.focus({ preventScroll: true });
});

// When the network goes away the page says so, and a form keeps what is in it instead of losing it to
// the browser's own page. Only a network that was seen to go counts: some machines have none but themselves.
const away = $("#offline");
addEventListener("offline", () => {
  away.hidden = false;
  say(away.textContent.trim());
});
addEventListener("online", () => { away.hidden = true; });
document.addEventListener("submit", (e) => {
  if (away.hidden) return;
  e.preventDefault();
  say(away.textContent.trim());
});

// A form is sent once; coming back to the page makes it ready again.
document.addEventListener("submit", (e) => {
  const form = e.target;
  if (e.defaultPrevented || !form.matches("[data-once]")) return;
  if (form.dataset.sent) {
    e.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  const b = e.submitter;
  if (b) b.setAttribute("aria-disabled", "true");
  say(document.body.dataset.sending);
});
addEventListener("pageshow", () => {
  for (const form of $$("[data-sent]")) {
    delete form.dataset.sent;
    for (const b of $$("[aria-disabled=true]", form)) b.removeAttribute("aria-disabled");
  }
});

// Countdowns run on the server's clock: what the page said at load, plus what has passed since.
const loaded = performance.now();
function countdown(el) {
  const at = Number(el.dataset.at), now = Number(el.dataset.now), window_ = Number(el.dataset.window) * 1000;
  const left = $(".release__left", el), clock = $(".release__clock", el), go = $(".release__go", el);
  let saidMinute = -1;
  const tick = () => {
    const rest = at - now - (performance.now() - loaded);
    if (rest <= 0) {
      left.hidden = true;
      el.classList.remove("counting");
      if (el.dataset.done) $(".release__text", el).textContent = el.dataset.done;
      if (go) go.hidden = false;
      say([el.dataset.done, go?.textContent].filter(Boolean).join(" "));
      return;
    }
    if (rest <= window_) {
      const s = Math.ceil(rest / 1000), m = Math.floor(s / 60);
      left.hidden = false;
      el.classList.add("counting");
      clock.textContent = m + ":" + String(s % 60).padStart(2, "0");
      if (m !== saidMinute && (m === 5 || m === 1)) {
        saidMinute = m;
        say(left.textContent.trim());
      }
    }
    setTimeout(tick, rest > window_ ? Math.min(rest - window_, 30000) : rest % 1000 || 1000);
  };
  tick();
}
for (const el of $$("[data-countdown]")) countdown(el);

// Links in [data-swap] exchange one element of this page for the same one of the next.
let swapping;
async function swap(url, ids, push) {
  swapping?.abort();
  swapping = new AbortController();
  const res = await fetch(url, { signal: swapping.signal, headers: { Accept: "text/html" } });
  if (!res.ok || res.redirected) return false;
  const next = new DOMParser().parseFromString(await res.text(), "text/html");
  const pairs = ids.map((id) => [document.getElementById(id), next.getElementById(id)]);
  if (pairs.some(([old, fresh]) => !old || !fresh)) return false;
  // One that lies within another comes with it.
  for (const [old, fresh] of pairs.filter(([old]) => !pairs.some(([other]) => other !== old && other.contains(old)))) {
    old.replaceWith(document.adoptNode(fresh));
  }
  if (push) history.pushState({ swap: ids }, "", url);
  return true;
}
document.addEventListener("click", (e) => {
  if (e.button || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
  const a = e.target.closest?.("[data-swap] a[href]");
  if (!a) return;
  e.preventDefault();
  const id = a.id, ids = a.closest("[data-swap]").dataset.swap.split(" ");
  if (!history.state?.swap) history.replaceState({ swap: ids }, "");
  swap(a.href, ids, true).then((ok) => {
    if (!ok) return location.assign(a.href);
    const again = id && document.getElementById(id);
    if (again) {
      again.focus({ preventScroll: true });
      say(again.textContent.trim());
    }
  }, (err) => { if (err.name !== "AbortError" && away.hidden) location.assign(a.href); });
});
addEventListener("popstate", (e) => {
  if (e.state?.swap) swap(location.href, e.state.swap, false).then((ok) => ok || location.reload(), () => location.reload());
});

// Suggestions while typing: a listbox under the search field.
function suggestions(box) {
  const input = $("input", box);
  const list = document.createElement("ul");
  list.className = "suggest";
  list.id = "suggest";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.labels?.[0]?.textContent.trim() ?? "");
  list.hidden = true;
  box.append(list);
  for (const [k, v] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": "suggest" })) input.setAttribute(k, v);
  let at = -1, asked = "", timer, abort, hrefs = [];
  const close = () => {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = (i) => {
    at = i;
    [...list.children].forEach((li, n) => li.setAttribute("aria-selected", String(n === i)));
    const li = list.children[i];
    if (li) {
      input.setAttribute("aria-activedescendant", li.id);
      li.scrollIntoView({ block: "nearest" });
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  };
  const ask = async () => {
    const q = input.value.trim();
    if (q === asked && !list.hidden) return;
    asked = q;
    abort?.abort();
    if (!q) return close();
    abort = new AbortController();
    let found;
    try {
      const res = await fetch(box.dataset.suggest + "?q=" + encodeURIComponent(q), { signal: abort.signal, headers: { Accept: "application/json" } });
      if (!res.ok) return close();
      found = await res.json();
    } catch {
      return;
    }
    if (document.activeElement !== input) return;
    hrefs = found.map((f) => f.href);
    list.replaceChildren(...found.map((f, i) => {
      const li = document.createElement("li"), note = document.createElement("span");
      li.id = "suggest-" + i;
      li.setAttribute("role", "option");
      li.setAttribute("aria-selected", "false");
      li.textContent = f.text;
      if (f.note) {
        note.textContent = f.note;
        li.append(note);
      }
      return li;
    }));
    at = -1;
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(found.length > 0));
    say(found.length ? box.dataset.count.replace("{n}", found.length) : box.dataset.none);
  };
  let composing = false;
  input.addEventListener("compositionstart", () => { composing = true; });
  input.addEventListener("compositionend", () => { composing = false; ask(); });
  input.addEventListener("input", () => {
    clearTimeout(timer);
    if (!composing) timer = setTimeout(ask, 120);
  });
  input.addEventListener("keydown", (e) => {
    if (composing || e.isComposing) return;
    const n = list.children.length;
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      if (list.hidden || !n) return;
      e.preventDefault();
      mark(e.key === "ArrowDown" ? (at + 1) % n : (at <= 0 ? n : at) - 1);
    } else if (e.key === "Enter" && at >= 0 && !list.hidden) {
      e.preventDefault();
      location.assign(hrefs[at]);
    } else if (e.key === "Escape") {
      close();
    }
  });
  input.addEventListener("blur", () => setTimeout(close, 150));
  list.addEventListener("mousedown", (e) => e.preventDefault());
  list.addEventListener("click", (e) => {
    const i = [...list.children].indexOf(e.target.closest("li"));
    if (i >= 0) location.assign(hrefs[i]);
  });
}
for (const box of $$("[data-suggest]")) suggestions(box);

// The pass: copy the code, save a picture, share, print.
function done(button) {
  const text = button.dataset.done;
  if (!text) return;
  say(text);
  const node = [...button.childNodes].findLast((n) => n.nodeType === Node.TEXT_NODE && n.data.trim());
  if (!node || button.dataset.busy) return;
  const before = node.data;
  button.dataset.busy = "1";
  node.data = text;
  setTimeout(() => { node.data = before; delete button.dataset.busy; }, 2500);
}

function picture(pass) {
  const text = (name) => $("[data-pass-" + name + "]", pass)?.textContent.trim() ?? "";
  const style = getComputedStyle(root), font = getComputedStyle(document.body).fontFamily;
  const c = document.createElement("canvas"), g = c.getContext("2d"), w = 750;
  c.width = w;
  c.height = 1180;
  g.fillStyle = "#fff";
  g.fillRect(0, 0, w, c.height);
  g.textAlign = "center";
  let y = 0;
  const line = (s, size, weight, colour, gap) => {
    g.font = weight + " " + size + "px " + font;
    g.fillStyle = colour;
    let row = "";
    const rows = [];
    for (const word of s.match(/[\u0020-\u024f]+?(?=\s|$|[^\u0020-\u024f])|\s|[^\u0020-\u024f]/gu) ?? []) {
      if (row && g.measureText(row + word).width > w - 80) {
        rows.push(row);
        row = "";
      }
      row += word;
    }
    rows.push(row);
    y += gap;
    for (const r of rows) {
      y += size * 1.3;
      g.fillText(r.trim(), w / 2, y);
    }
  };
  const ink = style.getPropertyValue("--ink") || "#000", quiet = style.getPropertyValue("--quiet") || "#555";
  line($(".pass__brand", pass)?.textContent.trim() ?? "", 32, 700, quiet, 24);
  line(text("date"), 40, 400, ink, 12);
  line(text("hours"), 84, 700, ink, 0);
  const qr = $(".qr", pass);
  if (qr) {
    const side = Number(qr.dataset.side), scale = Math.floor(440 / side);
    g.save();
    g.translate((w - side * scale) / 2, y + 30);
    g.scale(scale, scale);
    g.fillStyle = "#000";
    g.fill(new Path2D($("path", qr).getAttribute("d")));
    g.restore();
    y += side * scale + 30;
  }
  line(text("code"), 84, 700, ink, 0);
  line(text("hall"), 34, 700, ink, 24);
  line(text("item"), 32, 400, quiet, 4);
  return new Promise((ok) => c.toBlob(ok, "image/png"));
}

for (const b of $$("[data-copy]")) {
  b.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(b.dataset.copy);
      done(b);
    } catch { /* the code stands beside it */ }
  });
}
for (const b of $$("[data-print]")) b.addEventListener("click", () => print());
for (const pass of $$("[data-pass]")) {
  $("[data-save]", pass)?.addEventListener("click", async (e) => {
    const b = e.currentTarget, blob = await picture(pass);
    if (!blob) return;
    const a = document.createElement("a");
    a.href = URL.createObjectURL(blob);
    a.download = "suiyue-" + ($("[data-pass-code]", pass)?.textContent.replace(/\W/g, "") ?? "") + ".png";
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 10000);
    done(b);
  });
  const share = $("[data-share]", pass);
  if (share && navigator.share) {
    share.hidden = false;
    share.addEventListener("click", () => {
      const t = ["date", "hours", "hall", "item"].map((n) => $("[data-pass-" + n + "]", pass)?.textContent.trim()).join("\n");
      // A share that was called off needs no answer.
      navigator.share({ title: document.title, text: t }).catch(() => {});
    });
  }
}
