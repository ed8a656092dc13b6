// What makes a kiosk's pages better than forms: it goes back by itself, reads documents and codes, prints,
// speaks, and says when the network is away. Every page works without it, by touch and a keyboard.
const $ = (sel, in_ = document) => in_.querySelector(sel);
const $$ = (sel, in_ = document) => [...in_.querySelectorAll(sel)];
document.documentElement.classList.add("js");

const body = document.body.dataset;
const kiosk = body.kiosk; // where the pages are; undefined on pages that know no device
const start = "start" in body, still = "still" in body;
const say = (text) => { const s = $("#say"); if (s) s.textContent = text; };

// Pages replace each other: a browser's history of a kiosk is one page long.
for (const a of $$("a[data-replace]")) {
  a.addEventListener("click", (e) => {
    e.preventDefault();
    location.replace(a.href);
  });
}

// A page that comes back out of the browser's memory is asked for anew: what it held is over.
addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });

// A form is sent once.
let sent = false;
for (const form of $$("form")) {
  form.addEventListener("submit", (e) => {
    if (sent) return e.preventDefault();
    sent = true;
    const b = e.submitter ?? $("button", form);
    b?.setAttribute("aria-disabled", "true");
    say(body.sending);
    setTimeout(() => { sent = false; b?.removeAttribute("aria-disabled"); }, 8000);
  });
}
function send(form, fields) {
  if (sent || !form) return;
  for (const [name, value] of Object.entries(fields)) {
    const field = form.elements[name];
    if (field) field.value = value;
  }
  form.requestSubmit();
}

// --- Nobody stays on the screen ---------------------------------------------------------------------
const idle = Number(body.idle) || 30;
const warn = Math.min(10, Math.floor(idle / 2));
const lock = $("#lock"), ask = $("#still"), endForm = $(`form[action="${kiosk}/end"]`);
let since = performance.now();

function touched() {
  since = performance.now();
  if (ask?.open) ask.close();
  count();
}
function locked(on) {
  if (!lock || lock.hidden === !on) return;
  lock.hidden = !on;
  if (on) {
    for (const i of $$("input:not([type=hidden])")) i.value = "";
    lock.focus();
  }
}
function count() {
  if (!kiosk || still) return;
  const left = Math.ceil(idle - (performance.now() - since) / 1000);
  if (start) return locked(left <= 0);
  for (const n of $$("[data-left]")) n.textContent = Math.max(0, left);
  if (left <= warn && left > 0 && ask && !ask.open && !sent) {
    ask.showModal();
    speak($("h2", ask).textContent);
  }
  if (left <= 0 && endForm) {
    sent = false;
    endForm.requestSubmit();
    since = performance.now() + 5000; // asked for: not every second
  }
}
for (const kind of ["pointerdown", "keydown"]) {
  addEventListener(kind, (e) => {
    if (lock && !lock.hidden) {
      e.preventDefault();
      e.stopPropagation();
      locked(false);
    }
    touched();
  }, { capture: true });
}
$("[data-stay]")?.addEventListener("click", touched);
ask?.addEventListener("cancel", touched);
setInterval(count, 500);

// --- Speech and sound ---------------------------------------------------------------------------------
function speak(text) {
  if (!("speech" in body) || !window.speechSynthesis || !text) return;
  speechSynthesis.cancel();
  const u = new SpeechSynthesisUtterance(text);
  u.lang = body.voice;
  const of = (want) => speechSynthesis.getVoices().find((v) => v.lang.replace("_", "-").toLowerCase().startsWith(want));
  // Cantonese has two names; a machine without it reads in Mandarin rather than not at all.
  u.voice = of(body.voice.toLowerCase()) ?? (body.voice === "zh-HK" ? of("yue") ?? of("zh") : of(body.voice.slice(0, 2))) ?? null;
  u.rate = 0.9;
  speechSynthesis.speak(u);
}
let audio;
function chime() {
  if (!("chime" in body) || !window.AudioContext) return;
  try {
    audio ??= new AudioContext();
    const o = audio.createOscillator(), g = audio.createGain();
    o.frequency.value = 880;
    g.gain.setValueAtTime(0.12, audio.currentTime);
    g.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.15);
    o.connect(g).connect(audio.destination);
    o.start();
    o.stop(audio.currentTime + 0.16);
  } catch { /* a machine without a speaker */ }
}
addEventListener("pointerdown", (e) => {
  const at = e.target.closest?.("[data-say], a, button, label");
  if (!at || at.closest(".pad")) return;
  chime();
  speak(at.dataset.say ?? at.textContent.trim().replace(/\s+/g, " "));
});
$("[data-read]")?.addEventListener("click", (e) => {
  e.stopPropagation();
  speak($$("main h1, main h2, main p, main li, main dt, main dd, main label").filter((x) => x.offsetParent).map((x) => x.dataset.say ?? x.textContent.trim()).join("。"));
});

// --- The server ---------------------------------------------------------------------------------------
const offline = $("#offline");
let missed = 0;
async function look() {
  try {
    const r = await fetch(kiosk + "/state", { cache: "no-store", headers: { Accept: "application/json" }, signal: AbortSignal.timeout(4000) });
    if (r.status === 401) return location.replace(kiosk); // the key was taken away
    if (!r.ok) throw new Error(String(r.status));
    const s = await r.json();
    missed = 0;
    offline.hidden = true;
    for (const c of $$("[data-clock]")) c.textContent = s.clock; // this machine's own clock may be wrong
    if (start && String(s.version) !== body.version) location.reload();
  } catch {
    if (++missed >= 2) offline.hidden = false;
  }
}
if (kiosk && !still) setInterval(look, 3000);
if (still) { // a fault: what is asked for again by itself must not be lost when the network is away
  const again = $("main a.button");
  $('meta[http-equiv="refresh"]')?.remove();
  setInterval(async () => {
    try {
      const r = await fetch(again.href, { method: "HEAD", cache: "no-store", redirect: "manual" });
      if (r.status < 500 && r.status !== 401) location.replace(again.href);
    } catch { /* still away */ }
  }, 5000);
}

// --- What machines beside the screen read ---------------------------------------------------------------
const docForm = $("#document"), scanForm = $("#scan");
const sane = /^[A-Za-z0-9:/._?=&%-]{6,200}$/;
function scanned(text) {
  if (!sane.test(text)) return; // junk of a scanner is nothing
  touched();
  locked(false);
  chime();
  send(scanForm, { text });
}
function laid(d) {
  touched();
  locked(false);
  chime();
  send(docForm, { kind: d.kind, number: d.number, nationality: d.nationality ?? "", name: d.name ?? "", birth: d.birth ?? "", read: "reader" });
}

// A scanner is a keyboard that types faster than anybody, and ends with Enter.
let keys = [], last = 0;
addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.altKey || e.metaKey || e.isComposing) return;
  const now = performance.now();
  if (now - last > 60) keys = [];
  last = now;
  if (e.key.length === 1) {
    keys.push(e.key);
    if (keys.length > 300) keys = [];
  } else if (e.key === "Enter") {
    const text = keys.join("");
    keys = [];
    if (text.length < 6 || !scanForm) return;
    e.preventDefault();
    if (e.target.matches?.("input")) e.target.value = "";
    scanned(text);
  }
}, { capture: true });

// The program on this machine: documents laid on the reader, codes scanned, paper.
const bridge = body.bridge;
const told = { Authorization: "Bearer " + (body.pairing ?? "") };
function unread() {
  const x = $("[data-unread]");
  if (!x) return;
  touched();
  x.hidden = false;
  speak(x.textContent);
}
if (bridge && (docForm || scanForm)) {
  listenToReader(bridge, told, { laid, scanned, unread, away: (is) => { for (const x of $$("[data-away]")) x.hidden = !is; } });
}

// --- Paper ------------------------------------------------------------------------------------------------
const paper = $("[data-paper]");
async function post(path, fields) {
  const r = await fetch(kiosk + path, {
    method: "POST", cache: "no-store", headers: { Accept: "application/json" },
    body: new URLSearchParams({ form_token: body.token, ...fields }),
  });
  return r.ok ? await r.json() : null;
}
async function print() {
  const state = $("[data-printing]"), button = $("[data-print]");
  const tell = (what) => {
    state.textContent = state.dataset[what] ?? "";
    state.classList.toggle("printing--bad", what !== "busy" && what !== "printed");
    if (what !== "busy") speak(state.textContent);
  };
  if (button) button.hidden = true;
  tell("busy");
  let job;
  try {
    job = await post("/print", {});
  } catch { /* told below */ }
  if (!job?.n) return tell("refused");
  let outcome = "failed";
  if (paper.dataset.paper === "browser") {
    window.print();
    outcome = "printed";
  } else {
    try {
      const r = await fetch(bridge + "/v1/print", {
        method: "POST", headers: { ...told, "Content-Type": "application/json" }, body: JSON.stringify({ job: job.job, data: job.data }), signal: AbortSignal.timeout(15000),
      });
      const got = await r.json();
      outcome = ["printed", "no_paper"].includes(got.state) ? got.state : "failed";
    } catch { /* failed */ }
  }
  tell(outcome);
  if (outcome !== "printed" && button) button.hidden = false;
  try {
    await post("/printed", { n: job.n, outcome });
  } catch { /* the server knows a print whose end it was not told */ }
}
if (paper) {
  $("[data-print]")?.addEventListener("click", (e) => { e.preventDefault(); print(); });
  if ("auto" in paper.dataset) print();
}

// --- Keys on the screen, for machines without a keyboard -------------------------------------------------------
for (const input of $$("input[data-pad]")) {
  const pad = document.createElement("div");
  pad.className = "pad pad--" + input.dataset.pad;
  pad.setAttribute("role", "group");
  pad.setAttribute("aria-label", input.dataset.padLabel ?? "");
  const key = (text, label, act, wide) => {
    const b = document.createElement("button");
    b.type = "button";
    b.textContent = text;
    if (label) b.setAttribute("aria-label", label);
    if (wide) b.className = "pad__wide";
    b.addEventListener("click", () => { act(); input.dispatchEvent(new Event("input", { bubbles: true })); });
    pad.append(b);
  };
  const letters = input.dataset.pad === "digits" ? "1234567890X" : "1234567890QWERTYUIOPASDFGHJKLZXCVBNM";
  for (const c of letters) key(c, "", () => { if (input.value.length < input.maxLength) input.value += c; });
  key("⌫", input.dataset.padBack, () => { input.value = input.value.slice(0, -1); }, input.dataset.pad !== "digits");
  input.after(pad);
  input.inputMode = "none"; // the machine's own keys would cover ours
}

count();
