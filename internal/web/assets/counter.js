// A counter's page: keys, what changes by itself, and the work that goes on while the network is away.
// Without this script the same forms do the same, page by page.
const $ = (sel, in_ = document) => in_.querySelector(sel);
const $$ = (sel, in_ = document) => [...in_.querySelectorAll(sel)];

const page = $("#counter");
const base = page.dataset.base, words = JSON.parse(page.dataset.words), offGrid = Number(page.dataset.offGrid) * 1000;
const acts = $("#acts"), quick = $("#quick-form"), strip = $("#away"), told = $("#told");
const parts = ["seat-state", "now", "rest"];

// How often the server is asked, how long an answer may take, and after how long without one the counter
// works by itself.
const beatEvery = 5000, patience = 4000, silence = 20000;

const key = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
const word = (name, n) => words[name].replace("{n}", n ?? "").replace("{number}", n ?? "").replace("{time}", n ?? "");

function say(text) {
  const out = $("#say");
  out.textContent = "";
  setTimeout(() => { out.textContent = text; }, 50);
}

// How long somebody has been at the counter, by a clock that only runs: that of the machine may be wrong.
let since = 0;
function startClock() { since = performance.now() - Number($("#now").dataset.elapsed) * 1000; }
function showClock() {
  const now = $("#now");
  if (!now.dataset.ticket) return;
  const text = word("so_far", word("minutes", Math.floor((performance.now() - since) / 60000)));
  const out = $("#at-time");
  if (out.textContent !== text) out.textContent = text;
}
setInterval(showClock, 1000);

// What is told apart by its words alone: a part is exchanged only if something in it has changed, and what
// had the focus keeps it.
function show(answer, aloud) {
  const next = new DOMParser().parseFromString(answer.html, "text/html");
  const had = document.activeElement?.id, before = $("#now").dataset.number;
  for (const id of parts) {
    const old = document.getElementById(id), fresh = next.getElementById(id);
    if (!fresh) continue;
    const same = (n) => n.outerHTML.replace(/ name="(key|form)" value="[^"]*"/g, "").replace(/data-elapsed="\d+"/, "");
    if (same(old) !== same(fresh)) old.replaceWith(document.adoptNode(fresh));
  }
  const now = next.getElementById("now") ?? $("#now");
  $("#now").dataset.elapsed = now.dataset.elapsed;
  startClock();
  showClock();
  ready();
  if (had && document.activeElement?.id !== had) document.getElementById(had)?.focus({ preventScroll: true });
  const at = $("#now").dataset.number;
  if (at !== before || aloud) say(at ? word("called", at) + " " + ($("#at-who")?.innerText ?? "") : words.nobody);
}

// Which acts are possible now.
function ready() {
  const open = $("#seat-state").dataset.open === "true", at = $("#now").dataset.ticket;
  acts.elements.ticket.value = at;
  for (const b of $$("[data-act]", acts)) b.disabled = busy || (b.dataset.act === "call" ? !open : !at);
  for (const d of $$("summary", acts)) d.setAttribute("aria-disabled", String(!at));
  for (const b of $$("button", $("#seat-state"))) b.disabled = away.off();
  for (const b of $$("#held button, #passed button")) b.disabled = away.off() && !b.closest("#held");
  const standby = $("#standby");
  if (standby) standby.hidden = !away.off();
  const line = $("#line");
  if (line) line.hidden = away.off();
  away.remember();
}

// Telling.
let busy = false, contact = performance.now(), pending = null, stuck = false, gone = false;

function notice(title, lines, close) {
  told.replaceChildren();
  const p = document.createElement("p");
  p.textContent = title;
  told.append(p);
  if (lines?.length) {
    const ul = document.createElement("ul");
    for (const s of lines) {
      const li = document.createElement("li");
      li.textContent = s;
      ul.append(li);
    }
    told.append(ul);
  }
  const b = document.createElement("button");
  b.type = "button";
  b.className = "button button--secondary";
  b.textContent = words.dismiss;
  b.addEventListener("click", () => { told.hidden = true; $("#now").focus({ preventScroll: true }); });
  told.append(b);
  told.hidden = false;
  if (close) setTimeout(() => { told.hidden = true; }, close);
}

function bar() {
  const quiet = performance.now() - contact;
  if (gone) {
    $("#away-title").textContent = words.signed_out;
    $("#away-text").textContent = "";
  } else if (away.off()) {
    const over = quiet > offGrid;
    $("#away-title").textContent = words[over ? "away_end" : "away"];
    $("#away-text").textContent = word(over ? "away_end_text" : "away_text", away.waiting());
    page.classList.toggle("counter--over", over);
  } else if (quiet > 2 * beatEvery || stuck || !navigator.onLine) {
    $("#away-title").textContent = words.trying;
    $("#away-text").textContent = words.trying_text;
  } else {
    strip.hidden = true;
    return;
  }
  strip.hidden = false;
}

// Asking the server. A refusal is an answer; only silence is not.
class Refused extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? String(status));
    this.status = status;
    this.code = problem?.code;
    this.fields = problem?.errors;
  }
}
async function ask(url, body) {
  const res = await fetch(url, {
    method: body ? "POST" : "GET", body, headers: { Accept: "application/json" }, signal: AbortSignal.timeout(patience), redirect: "error", cache: "no-store",
  });
  const type = res.headers.get("Content-Type") ?? "";
  if (res.ok) return res.json();
  if (!type.includes("json") || res.status >= 500 || res.status === 429) throw new Error("no answer: " + res.status);
  throw new Refused(res.status, await res.json());
}
function form(fields) {
  const out = new URLSearchParams();
  out.set(acts.elements[0].name, acts.elements[0].value);
  for (const [k, v] of Object.entries(fields)) if (v) out.set(k, v);
  return out;
}
function heard() {
  contact = performance.now();
  gone = false;
}
function refused(err) {
  if (err.status === 401) {
    gone = true;
    return bar();
  }
  if (err.code === "counter_closed" || err.code === "counter_taken") return location.reload();
  notice(err.fields?.length ? err.fields.map((f) => f.detail).join(" ") : err.message, null, 8000);
}

const away = counterAway({
  $, $$, page, base, words, word, key, say, ask, form, act, show, ready, bar, notice, startClock, showClock, heard, contact: () => contact, since: () => since, offGrid, Refused,
});

let beating = false;
async function beat() {
  if (beating) return;
  beating = true;
  try {
    const answer = await ask(base + "/view");
    heard();
    if (away.off() || away.waiting()) {
      await away.back(answer);
      ready();
    } else if (pending) await retry();
    else show(answer);
  } catch (err) {
    if (err instanceof Refused) refused(err);
  } finally {
    beating = false;
  }
  if (!away.off() && !gone && performance.now() - contact > silence) {
    busy = stuck = false;
    const last = pending;
    pending = null;
    away.leave(last);
  }
  bar();
}
setInterval(beat, beatEvery);

// Changes are told as they happen; a beat at most every second is enough to show them.
let soon, last = 0;
function changed() {
  clearTimeout(soon);
  soon = setTimeout(() => { last = performance.now(); if (!busy) beat(); }, Math.max(50, last + 1000 - performance.now()));
}
function listen() {
  const events = new EventSource(base + "/events");
  events.addEventListener("message", changed);
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, beatEvery);
  });
}
listen();
addEventListener("online", () => beat());
addEventListener("offline", bar);

// Doing something at the counter.
async function act(fields) {
  if (busy) return;
  if (away.off()) return away.alone(fields);
  pending = { ...fields, key: key() };
  await retry(true);
}
async function retry(first) {
  busy = true;
  ready();
  try {
    const answer = await ask(base + "/act", form(pending));
    heard();
    pending = null;
    busy = stuck = false;
    show(answer);
    if (first) $("#now").focus({ preventScroll: true });
  } catch (err) {
    busy = stuck = false;
    if (err instanceof Refused) {
      heard();
      pending = null;
      refused(err);
      setTimeout(beat, 100);
    } else {
      busy = stuck = true; // until it is answered, or the counter works by itself
    }
  }
  ready();
  bar();
}

// Forms and buttons. None of them leads away, whatever else of the page would do with it.
function stop(e) {
  e.preventDefault();
  e.stopPropagation();
}
acts.addEventListener("submit", (e) => {
  stop(e);
  const kind = e.submitter?.value ?? "call", f = acts.elements;
  const fields = { act: kind };
  if (kind !== "call") fields.ticket = $("#now").dataset.ticket;
  if (kind === "finish") fields.result = f.result.value;
  if (kind === "transfer") fields.queue = f.queue?.value;
  for (const d of $$("details[data-key]", acts)) d.open = false;
  act(fields);
});
document.addEventListener("submit", async (e) => {
  const f = e.target;
  if (f.matches("#held form, #passed form")) {
    stop(e);
    act({ act: "return", back: f.elements.back.value });
  } else if (f.matches("#seat-state form") && e.submitter?.value !== "close") {
    stop(e);
    try {
      show(await ask(base + "/seat", form({ to: e.submitter.value })));
      heard();
      $("#now").focus({ preventScroll: true });
    } catch (err) {
      if (err instanceof Refused) refused(err);
    }
  } else if (f === quick) {
    stop(e);
    const said = $("#quick-said");
    if (away.off()) {
      said.textContent = words.offline_not;
      return;
    }
    said.textContent = words.sending;
    const body = new URLSearchParams(new FormData(quick));
    try {
      const got = await ask(quick.action, body);
      heard();
      const a = document.createElement("a");
      a.href = got.ticket;
      a.textContent = got.text;
      said.replaceChildren(a);
      quick.elements["document.number"].value = quick.elements.name.value = "";
      quick.elements.key.value = key();
      quick.elements["document.number"].focus();
      beat();
    } catch (err) {
      if (!(err instanceof Refused)) said.textContent = words.trying;
      else said.textContent = err.fields?.length ? err.fields.map((x) => x.detail).join(" ") : err.message;
      if (err instanceof Refused) quick.elements.key.value = key();
    }
  }
}, true);

startClock();
if ("shell" in page.dataset) { // reloaded without the network: the page as its own numbers tell it
  quick.elements.key.value = key();
  contact -= away.restore();
  bar();
  beat();
} else {
  // Without it the page is the same, but is gone when it is reloaded without the network.
  navigator.serviceWorker?.register(base + "/worker.js", { scope: base, updateViaCache: "none" }).catch(() => {});
}
ready();
$("#now").focus({ preventScroll: true });
if (away.waiting()) beat();
