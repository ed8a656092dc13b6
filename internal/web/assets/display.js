// A display of a hall: takes the hall's day as it changes, draws it, and says when it is out of touch.
// announce.js says the calls aloud.
const $ = (id) => document.getElementById(id);
const set = document.body.dataset;
const words = JSON.parse(set.words);
const only = set.queues ? set.queues.split(" ") : null;
const fill = (s, args) => s.replace(/\{(\w+)\}/g, (all, k) => args[k] ?? all);
const text = (t) => (set.locale === "zh-Hant" ? t.hant : set.locale === "en" ? t.en : "") || t.hans;
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const el = (name, cls, content) => {
  const e = document.createElement(name);
  if (cls) e.className = cls;
  if (content !== undefined) e.textContent = content;
  return e;
};

// --- in touch

const beat = 10000; // the server says something at least this often
const quietFor = beat + 5000; // longer, and it is out of touch
const dead = 2.5 * beat; // longer, and the line is taken for broken
let contact = performance.now(); // when it was last heard of
let lost = 0; // since when there is no line, 0 while there is one
let last = ""; // id of the newest event
let page = null; // the hall's day as last told
let clock = null; // the server's time at a moment of our own

function heard(line) {
  contact = performance.now();
  const now = /^: now (\d+)/.exec(line);
  if (now) {
    clock = { server: Number(now[1]), here: contact };
    tick();
  }
}

const serverNow = () => (clock ? clock.server + performance.now() - clock.here : Date.now());

// listen reads one stream until it ends. The text of it is read here and not by EventSource, which neither
// tells of comments nor tries again after an answer that is no stream.
async function listen() {
  const stop = new AbortController();
  const watch = setInterval(() => {
    if (performance.now() - contact > dead) stop.abort();
  }, 1000);
  try {
    contact = Math.max(contact, performance.now() - beat); // a new try has its own time
    const headers = { Accept: "text/event-stream" };
    if (last) headers["Last-Event-ID"] = last;
    const answer = await fetch(set.events, { headers, cache: "no-store", signal: stop.signal });
    if (answer.status === 401 || answer.status === 403 || answer.status === 404) return again();
    if (!answer.ok || !answer.body) return false;
    lost = 0;
    stale();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    let event = { name: "", data: "", id: "" };
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return true;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (line === "") {
          if (event.data || event.name) take(event);
          event = { name: "", data: "", id: "" };
          continue;
        }
        heard(line);
        const [, field, content] = /^(\w*): ?(.*)$/.exec(line) ?? [];
        if (field === "data") event.data = content;
        if (field === "event") event.name = content;
        if (field === "id") event.id = content;
      }
    }
  } catch {
    return false;
  } finally {
    clearInterval(watch);
    stop.abort();
    if (!lost) lost = performance.now();
  }
}

function take(event) {
  if (event.name === "page" && event.data !== set.version) again();
  if (event.name !== "floor") return;
  last = event.id;
  draw(JSON.parse(event.data));
}

// again loads the page anew, not all displays of the city at once.
let leaving = false;
function again() {
  if (!leaving) {
    leaving = true;
    setTimeout(() => location.reload(), 500 + 1500 * Math.random());
  }
  return false;
}

async function follow() {
  for (let tries = 0; ; tries++) {
    const began = performance.now();
    const ended = await listen();
    if (ended || performance.now() - began > 5000) tries = 0;
    const most = Math.min(2500, 250 * 2 ** tries);
    await wait(most * (0.4 + 0.6 * Math.random()));
  }
}

// stale shows for how long nothing was heard, as soon as that is more than it should be.
function stale() {
  const silent = performance.now() - contact;
  const out = silent > quietFor || (lost && performance.now() - lost > 1500);
  const mark = $("stale");
  mark.hidden = !out;
  document.body.classList.toggle("out", Boolean(out));
  document.body.classList.toggle("out--long", Boolean(out) && silent > 60000);
  if (!out) return;
  const s = Math.max(1, Math.round(silent / 1000));
  mark.textContent = fill(silent > 60000 ? words.staleLong : words.stale, { n: s < 100 ? s : Math.round(s / 60) + "′" });
}

const hours = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit" });
const days = new Intl.DateTimeFormat(set.tag, { timeZone: "Asia/Shanghai", year: "numeric", month: "long", day: "numeric", weekday: "long" });
function tick() {
  if (!clock) return;
  const now = serverNow();
  put($("clock"), hours.format(now));
  put($("day"), days.format(now));
}

const put = (e, s) => {
  if (e.textContent !== s) e.textContent = s;
};

// --- the picture

const keyOf = (day, c) => `${day} ${c.number} ${c.calls}`;
let announcing = ""; // key of the call that is being announced, which stands in large figures meanwhile
let pages = 0; // turns the pages of long lists

// running leaves out queues that nobody serves and nobody waits in, unless that is all of them.
function running(queues) {
  const some = queues.filter((q) => q.seats > 0 || q.waiting > 0);
  return some.length > 0 ? some : queues;
}

function draw(p) {
  const calls = p.calls.filter((c) => !only || only.includes(c.queue));
  page = {
    ...p, calls,
    queues: running(p.queues.filter((q) => !only || only.includes(q.id))),
    counters: p.counters.filter((c) => !only || c.queues.some((q) => only.includes(q))),
  };
  put($("hall"), text(p.hall));
  tell(p.date, calls);
  redraw();
}

// Beside a large call there is room for six queues, on an upright screen or by themselves for twelve.
const beside = document.body.matches(".show--call") && matchMedia("(orientation: landscape)").matches;
const lines = beside ? 6 : 12;

function redraw() {
  if (!page) return;
  const { calls } = page;
  const big = calls.find((c) => keyOf(page.date, c) === announcing) ?? calls[0];
  drawCall(big);
  $("last").replaceChildren(...calls.filter((c) => c !== big).slice(0, 4).map(drawLast));
  fields($("counters"), page.counters, 24, drawCounter);
  fields($("queues"), page.queues, lines, drawQueue);
  notices();
}

function drawCall(c) {
  const box = $("call");
  const key = c ? keyOf(page.date, c) : page.over ? "over" : "none";
  box.classList.toggle("fresh", key === announcing);
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  if (!c) {
    box.replaceChildren(el("p", "call__none", page.over ? words.over : words.none));
    return;
  }
  const to = el("span", "call__to");
  to.append(el("small", "", words.to), " ", el("b", "", c.counter));
  box.replaceChildren(el("b", "call__number", c.number), to);
  if ("names" in set) box.append(el("span", "call__name", c.name));
  if (c.calls > 1) box.append(el("span", "call__again", words.again));
}

function drawLast(c) {
  const li = el("li", c.gone ? "gone" : "");
  li.append(el("b", "last__number", c.number), " ", el("span", "last__to", c.counter));
  if ("names" in set) li.append(" ", el("span", "last__name", c.name));
  return li;
}

function drawCounter(c) {
  const li = el("li", c.state);
  const what = c.state === "paused" ? words.paused : c.number || words.open;
  const key = page.calls.find((k) => k.number === c.number);
  if (key && keyOf(page.date, key) === announcing) li.classList.add("fresh");
  li.append(el("span", "counters__label", c.label), " ", el("b", "counters__number", what));
  return li;
}

function drawQueue(q) {
  const li = el("li");
  const range = q.early < 0 || q.seats === 0 ? words.unknown : q.late === 0 ? words.nobody : fill(words.wait, q);
  li.append(
    el("span", "queues__prefix", q.prefix), " ", el("span", "queues__name", text(q.name)), " ", el("span", "queues__last", q.last), " ",
    el("span", "queues__waiting", fill(words.waiting, { n: q.waiting })), " ", el("span", "queues__wait", range),
  );
  return li;
}

// fields fills a list with as many as have room; the pages of more are turned.
function fields(list, all, most, draw) {
  const turns = Math.max(1, Math.ceil(all.length / most));
  const each = Math.ceil(all.length / turns);
  const turn = pages % turns;
  const shown = all.slice(turn * each, (turn + 1) * each);
  list.className = "n" + [1, 2, 4, 6, 9, 12, 16, 20, 24].find((n) => n >= Math.min(24, each));
  list.replaceChildren(...shown.map(draw));
}

// notices shows what the hall wants people to know in one line, piece by piece as the line has room.
let pieces = [];
let piece = 0;
let noticed = null;
function notices() {
  const all = [set.own, page ? text(page.notice) : ""].filter(Boolean);
  const room = `${all.join("\n")}\n${innerWidth}`;
  if (room === noticed) return;
  noticed = room;
  const p = $("notice").firstElementChild;
  pieces = [];
  for (const s of all) {
    p.textContent = s;
    if (p.scrollWidth <= p.clientWidth) {
      pieces.push(s);
      continue;
    }
    let line = "";
    for (const part of s.match(/[^，。；！？,.;!? ]+[，。；！？,.;!? ]*/g) ?? [s]) {
      p.textContent = line + part;
      if (line && p.scrollWidth > p.clientWidth) {
        pieces.push(line);
        line = "";
      }
      line += part;
    }
    if (line) pieces.push(line);
  }
  piece = 0;
  p.textContent = pieces[0] ?? "";
  $("notice").hidden = pieces.length === 0;
}

// --- announcing

// What was announced stays known when the page is loaded anew. Nothing is announced twice; a recall is
// another announcement. What was called long ago is not announced to a hall that has moved on.
const tooOld = 45000;
const known = "announced";
let said = new Set(JSON.parse(sessionStorage.getItem(known) ?? "[]"));
let first = said.size === 0;
function tell(day, calls) {
  const fresh = calls.filter((c) => !said.has(keyOf(day, c))).reverse();
  for (const c of fresh) {
    const key = keyOf(day, c);
    said.add(key);
    const age = serverNow() - c.at;
    if (!first) set.lag = String(Math.round(age)); // how long the last call was under way, by the server's clock
    if (c.gone || age > (first ? 5000 : tooOld)) continue;
    put($("say"), fill(words.spoken, { number: c.number, counter: c.counter }));
    document.dispatchEvent(new CustomEvent("hall:call", { detail: { key, number: c.number, counter: c.counter } }));
  }
  first = false;
  if (fresh.length === 0) return;
  said = new Set([...said].filter((k) => k.startsWith(day + " ")).slice(-200));
  sessionStorage.setItem(known, JSON.stringify([...said]));
}

document.addEventListener("hall:announcing", (e) => {
  announcing = e.detail;
  redraw();
});

setInterval(() => {
  stale();
  tick();
}, 500);
setInterval(() => {
  pages++;
  if (page && (page.counters.length > 24 || page.queues.length > lines)) redraw();
  if (pieces.length > 1) $("notice").firstElementChild.textContent = pieces[piece = (piece + 1) % pieces.length];
}, 8000);
// The day's code is another one tomorrow.
const code = $("code");
if (code) setInterval(() => { code.src = code.src.split("?")[0] + "?" + Math.floor(serverNow() / 600000); }, 600000);
addEventListener("resize", notices);
addEventListener("online", () => { contact = Math.max(contact, performance.now() - dead); });
follow();
