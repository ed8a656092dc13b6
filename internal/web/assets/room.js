// The waiting room looks again by itself when the server says that it may help, and never oftener. Where it asks
// for a proof of work the page does it quietly, a little at a time; nobody has to solve anything, and who has no
// script waits a few seconds instead.
const box = document.querySelector("[data-room]");
let proof = "";

// SHA-256 of a short ASCII text: how many zero bits it begins with, up to 32.
const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
const part = (x) => ((x - Math.floor(x)) * 0x100000000) | 0;
const first = primes.slice(0, 8).map((p) => part(Math.sqrt(p)));
const rounds = primes.map((p) => part(Math.cbrt(p)));
const w = new Int32Array(64);
const turn = (x, n) => (x >>> n) | (x << (32 - n));
function zeros(text) {
  w.fill(0, 0, 16);
  for (let i = 0; i < text.length; i++) w[i >> 2] |= text.charCodeAt(i) << (24 - 8 * (i & 3));
  w[text.length >> 2] |= 0x80 << (24 - 8 * (text.length & 3));
  w[15] = 8 * text.length; // a text is at most 55 characters: one block
  for (let i = 16; i < 64; i++) {
    const a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + w[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = first;
  for (let i = 0; i < 64; i++) {
    const t = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + rounds[i] + w[i]) | 0;
    const u = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t) | 0; d = c; c = b; b = a; a = (t + u) | 0;
  }
  return Math.clz32(first[0] + a);
}

async function solve(challenge, bits) {
  for (let n = 0, t = performance.now(); ; n++) {
    if (zeros(challenge + "." + n) >= bits) return challenge + "." + n;
    if (n % 256 === 255 && performance.now() - t > 12) {
      await new Promise((go) => setTimeout(go, 4));
      t = performance.now();
    }
  }
}

const wait = (s) => new Promise((go) => setTimeout(go, 1000 * s));
const say = document.getElementById("say");
let said = box.dataset.say;
let saidAt = Date.now();

// A place, and about how long it takes, is said aloud when it has changed, three times a minute at most.
function tell() {
  if (!say || box.dataset.say === said || Date.now() - saidAt < 20000) return;
  said = say.textContent = box.dataset.say;
  saidAt = Date.now();
}

async function look() {
  const got = await fetch(location.href, { headers: proof ? { "Suiyue-Proof": proof } : {}, cache: "no-store" });
  const again = Number(got.headers.get("Retry-After")) || 0;
  if (got.status === 429) return again || 5;
  const page = new DOMParser().parseFromString(await got.text(), "text/html");
  const now = page.querySelector("[data-room]");
  if (!now) { // one's turn, or something else to be read
    location.replace(got.url);
    return 60;
  }
  for (const name of ["say", "challenge", "bits"]) box.dataset[name] = now.dataset[name] ?? "";
  box.replaceChildren(...now.childNodes);
  tell();
  return again || 5;
}

let pause = Number(box.dataset.again) || 5;
for (;;) {
  const { challenge, bits } = box.dataset;
  if (challenge && !proof.startsWith(challenge)) {
    const began = performance.now();
    proof = await solve(challenge, Number(bits));
    pause = Math.min(pause, 1 + (performance.now() - began) / 1000);
  }
  await wait(pause);
  try {
    pause = await look();
  } catch {
    pause = 5; // no network: nothing is lost, the place is kept for two minutes
  }
}
