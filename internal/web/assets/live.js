// Live pages of the console: what changes is asked for again every few seconds and put in place piece by piece, so
// that nothing flashes and the focus stays. When it could not be had for a while, the page says so.
const $ = (id) => document.getElementById(id);
const box = document.querySelector("[data-piece]");
const wall = "wall" in box.dataset;
const every = 5000, patience = 15000;
const stale = $("stale"), say = $("say");
let tag = "", contact = performance.now(), out = false, said = $("live").dataset.said, clock = null;

// morph makes one element like another, touching only what is different.
function morph(old, fresh) {
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  const a = [...old.childNodes], b = [...fresh.childNodes];
  b.forEach((y, i) => {
    const x = a[i];
    if (!x) old.append(document.importNode(y, true));
    else if (x.nodeType !== y.nodeType || x.nodeName !== y.nodeName) old.replaceChild(document.importNode(y, true), x);
    else if (x.nodeType === Node.ELEMENT_NODE) morph(x, y);
    else if (x.nodeValue !== y.nodeValue) x.nodeValue = y.nodeValue;
  });
  for (const x of a.slice(b.length)) x.remove();
}

async function ask() {
  const answer = await fetch(box.dataset.piece, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store", signal: AbortSignal.timeout(10000) });
  if (answer.status === 401 || answer.status === 403) return void (out = true);
  if (answer.status !== 304 && !answer.ok) return;
  contact = performance.now();
  out = false;
  const now = Number(answer.headers.get("X-Now"));
  if (now) clock = { server: now, here: contact };
  if (answer.status === 304) return;
  tag = answer.headers.get("ETag") ?? "";
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
  if (!fresh) return;
  if (fresh.dataset.program !== $("live").dataset.program) return location.reload(); // a new version of the program
  morph($("live"), fresh);
  if (fresh.dataset.said !== said && say) say.textContent = said = fresh.dataset.said;
  box.dataset.seen = String(Number(box.dataset.seen ?? 0) + 1);
}

function look() {
  if (document.hidden && !wall) return;
  const silent = performance.now() - contact;
  const lost = out || silent > patience;
  if (stale.hidden === lost) stale.hidden = !lost;
  document.body.classList.toggle("out", lost);
  const text = out ? stale.dataset.out : stale.dataset.text.replace("{n}", String(Math.round(silent / 1000)));
  if (lost && stale.textContent !== text) stale.textContent = text;
  if (!wall || !clock) return;
  const now = clock.server + performance.now() - clock.here;
  const time = hours.format(now), day = days.format(now);
  if ($("clock").textContent !== time) $("clock").textContent = time;
  if ($("day").textContent !== day) $("day").textContent = day;
}

const zone = { timeZone: "Asia/Shanghai" };
const hours = new Intl.DateTimeFormat("en-GB", { ...zone, hour: "2-digit", minute: "2-digit" });
const days = new Intl.DateTimeFormat(box.dataset.tag ?? "en", { ...zone, year: "numeric", month: "long", day: "numeric", weekday: "long" });

async function follow() {
  for (;;) {
    if (wall || !document.hidden) await ask().catch(() => { /* it is asked again */ });
    await new Promise((done) => setTimeout(done, every * (0.9 + 0.2 * Math.random())));
  }
}
follow();
setInterval(look, 1000);
document.addEventListener("visibilitychange", () => { if (!document.hidden && !wall) ask().catch(() => {}); });
