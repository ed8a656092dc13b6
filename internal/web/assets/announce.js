// Says the calls of a hall aloud, one after the other: a chime made here, then each language of the display
// by the browser's voice or, where it has none, by recorded numbers.
const set = document.body.dataset;
const words = JSON.parse(set.words);
const languages = set.languages.split(" ").filter((tag) => words.say[tag]);
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// Written in traditional letters is spoken in Cantonese, in simplified ones in Mandarin.
const voices = {
  "zh-Hans": { tag: "zh-CN", match: /^(cmn|zh-(hans-)?(cn|sg)|zh$)/i },
  "zh-Hant": { tag: "zh-HK", match: /^(yue|zh-(hant-)?(hk|mo))/i },
  en: { tag: "en-GB", match: /^en/i },
};
const digits = "零一二三四五六七八九";
const spell = (tag, s) => (tag === "en" ? [...s].join(" ") : s.replace(/[A-Z]/g, "$& ").replace(/\d/g, (d) => digits[d]));

// --- sound

let audio = null;
function context() {
  audio ??= new AudioContext();
  return audio;
}

// mark shows that the browser makes no sound before somebody has touched it: a machine in a hall is
// started with --autoplay-policy=no-user-gesture-required.
const mark = document.getElementById("sound");
function silent() {
  if (!("chime" in set) && !("speech" in set)) return;
  const ctx = context();
  mark.hidden = ctx.state === "running";
  ctx.onstatechange = () => { mark.hidden = ctx.state === "running"; };
}
const wake = () => audio?.resume();
addEventListener("pointerdown", wake);
addEventListener("keydown", wake);

// chime is two notes that fade, our own.
async function chime() {
  const ctx = context();
  if (ctx.state !== "running") return;
  const at = ctx.currentTime + 0.02;
  for (const [i, pitch] of [659.3, 523.3].entries()) {
    for (const [overtone, loud] of [[1, 0.32], [2, 0.08], [3, 0.03]]) {
      const tone = ctx.createOscillator();
      const gain = ctx.createGain();
      const from = at + i * 0.42;
      tone.frequency.value = pitch * overtone;
      gain.gain.setValueAtTime(0, from);
      gain.gain.linearRampToValueAtTime(loud, from + 0.01);
      gain.gain.exponentialRampToValueAtTime(0.0001, from + 0.9);
      tone.connect(gain).connect(ctx.destination);
      tone.start(from);
      tone.stop(from + 1);
    }
  }
  await wait(1100);
}

// --- speech

function voiceOf(tag) {
  const all = window.speechSynthesis?.getVoices() ?? [];
  return all.find((v) => v.localService && voices[tag].match.test(v.lang)) ?? all.find((v) => voices[tag].match.test(v.lang));
}

// speak resolves when it is over, or when the browser does not get to an end of it.
function speak(tag, call) {
  const voice = voiceOf(tag);
  if (!voice) return recorded(tag, call);
  const s = words.say[tag].replace("{number}", spell(tag, call.number)).replace("{counter}", call.counter);
  return new Promise((done) => {
    const u = new SpeechSynthesisUtterance(s);
    u.voice = voice;
    u.lang = voice.lang;
    u.rate = 0.9;
    const over = setTimeout(() => {
      speechSynthesis.cancel();
      done();
    }, 12000);
    u.onend = u.onerror = () => {
      clearTimeout(over);
      done();
    };
    speechSynthesis.speak(u);
  });
}

// recorded plays "please", the characters of the number, "to", those of the counter's label that are letters
// or digits, "counter". A recording that is missing is left out.
const kept = new Map();
async function recorded(tag, call) {
  if (!set.sounds || context().state !== "running") return;
  const letters = (s) => [...s.toLowerCase()].filter((c) => /[a-z0-9]/.test(c));
  for (const name of ["please", ...letters(call.number), "to", ...letters(call.counter), "counter"]) {
    const sound = await load(`${set.sounds}/${tag}/${name}`);
    if (sound) await play(sound);
  }
}

function load(address) {
  if (!kept.has(address)) {
    kept.set(address, (async () => {
      for (const ending of ["mp3", "ogg", "wav"]) {
        const answer = await fetch(`${address}.${ending}`);
        if (answer.ok) return context().decodeAudioData(await answer.arrayBuffer());
        if (answer.status !== 404) throw new Error(answer.status);
      }
      return null;
    })().catch(() => {
      kept.delete(address); // out of touch: asked for again with the next call
      return null;
    }));
  }
  return kept.get(address);
}

function play(sound) {
  return new Promise((done) => {
    const source = context().createBufferSource();
    source.buffer = sound;
    source.connect(context().destination);
    source.onended = done;
    source.start();
    setTimeout(done, sound.duration * 1000 + 500);
  });
}

// --- one after the other

const line = [];
let busy = false;
document.addEventListener("hall:call", (e) => {
  const same = line.findIndex((c) => c.number === e.detail.number);
  if (same >= 0) line.splice(same, 1); // called again before it was announced: once is enough
  line.push(e.detail);
  announce();
});

const show = (key) => document.dispatchEvent(new CustomEvent("hall:announcing", { detail: key }));

async function announce() {
  if (busy) return;
  busy = true;
  while (line.length > 0) {
    const call = line.shift();
    show(call.key);
    const least = wait(line.length > 2 ? 1500 : 3000); // long enough to be read
    try {
      if ("chime" in set) await chime();
      if ("speech" in set) {
        for (const [i, tag] of languages.entries()) {
          if (i > 0 && line.length > 2) break; // many counters call at once: one language keeps up
          await speak(tag, call);
        }
      }
    } catch {
      // A machine without sound shows the call all the same.
    }
    await least;
  }
  busy = false;
  show("");
}

silent();
