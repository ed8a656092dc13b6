// The work of a counter while the network is away: whom it calls from its standby, what it did, and telling
// that when the server is back. counter.js gives it what it needs of the page.
globalThis.counterAway = ({ $, $$, page, base, words, word, key, say, ask, form, act, show, ready, bar, notice, startClock, showClock, heard, contact, since, offGrid, Refused }) => {
  // Off the network: what is done is written down with a key each, and told when the server is back.
  const store = "suiyue-counter " + base + " " + page.dataset.account;
  const run = key();
  let queue = [], off = null;
  try {
    queue = JSON.parse(localStorage.getItem(store) ?? "[]");
  } catch { /* what nobody can read is nobody's */ }
  function keep() {
    try {
      if (queue.length) localStorage.setItem(store, JSON.stringify(queue));
      else localStorage.removeItem(store);
    } catch { /* no room to keep it: it lives as long as the page */ }
  }
  function note(kind, ticket, number, more) {
    queue.push({ key: key(), seq: queue.length ? queue[queue.length - 1].seq + 1 : 1, kind, ticket, number, ...more, run, at: performance.now(), wall: Date.now() });
    keep();
    bar();
  }

  // leave begins to work by itself; pending is what was asked last and not answered.
  function leave(pending) {
    off = { at: $("#now").dataset.ticket };
    if (pending && pending.act !== "call" && pending.act !== "return") { // the same key: done once, whether it arrived or not
      alone(pending);
      queue[queue.length - 1].key = pending.key;
      keep();
    }
    ready();
    bar();
    say(words.away + " " + $("#away-text").textContent);
  }

  function put(li) {
    const now = $("#now");
    now.dataset.ticket = li?.dataset.ticket ?? "";
    now.dataset.number = li?.dataset.number ?? "";
    $("#at-number").textContent = li?.dataset.number ?? "–";
    $("#at-number").classList.toggle("at__number--none", !li);
    $("#at-who").replaceChildren(...(li ? $("[data-who]", li).cloneNode(true).childNodes : []));
    if (!li) $("#at-who").textContent = words.nobody;
    $("#at-time").textContent = "";
    now.dataset.elapsed = "0";
    startClock();
    showClock();
    say(li ? word("called", li.dataset.number) + " " + $("#at-who").innerText : words.nobody);
  }

  // listed puts a number into a list: with the way back where label says so.
  function listed(list, ticket, number, who, label) {
    const section = $(list), li = document.createElement("li"), b = document.createElement("b"), div = document.createElement("div");
    let ul = $(".queue__list", section);
    if (!ul) {
      ul = document.createElement("ul");
      ul.className = "queue__list";
      section.append(ul);
    }
    li.dataset.ticket = ticket;
    li.dataset.number = b.textContent = number;
    b.className = "queue__number";
    div.dataset.who = "";
    div.append(...who);
    li.append(b, div);
    if (label) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button button--secondary";
      button.textContent = $("#held button span")?.textContent ?? "↩";
      button.setAttribute("aria-label", button.textContent + " " + number);
      button.addEventListener("click", () => act({ act: "return", back: li.dataset.ticket }));
      li.append(button);
    }
    ul.append(li);
    return li;
  }
  // aside is who is at the counter as a line of a list.
  function aside(list, label) {
    const now = $("#now");
    listed(list, now.dataset.ticket, now.dataset.number, $("#at-who").cloneNode(true).childNodes, label);
  }

  // What a reload needs is kept as long as this tab: numbers, nobody's name.
  const numbers = (list) => $$(list + " li").map((li) => ({ ticket: li.dataset.ticket, number: li.dataset.number, queue: li.dataset.queue }));
  let restored = !("shell" in page.dataset);
  function remember() {
    if (!restored) return;
    const now = $("#now");
    try {
      sessionStorage.setItem(store, JSON.stringify({
        at: now.dataset.ticket, number: now.dataset.number, called: Date.now() - (performance.now() - since()), before: off ? off.at : now.dataset.ticket,
        heard: Date.now() - (performance.now() - contact()), open: $("#seat-state").dataset.open,
        standby: numbers("#standby"), held: numbers("#held"), passed: numbers("#passed"),
      }));
    } catch { /* no room: a reload begins with an empty page */ }
  }
  // restore brings back what remember kept into the page's shell, and returns for how long nobody was heard.
  function restore() {
    let kept = {};
    try {
      kept = JSON.parse(sessionStorage.getItem(store) ?? "{}");
    } catch { /* then there is nothing */ }
    off = { at: kept.before ?? "" };
    restored = true;
    if (kept.open) $("#seat-state").dataset.open = kept.open;
    for (const [list, label] of [["standby", false], ["held", true], ["passed", false]]) {
      for (const k of kept[list] ?? []) {
        const li = listed("#" + list, k.ticket, k.number, [], label);
        if (k.queue) li.dataset.queue = k.queue;
      }
    }
    if (kept.at) {
      const li = document.createElement("li"), div = document.createElement("div");
      li.dataset.ticket = kept.at;
      li.dataset.number = kept.number;
      div.dataset.who = "";
      li.append(div);
      put(li);
      $("#now").dataset.elapsed = String(Math.max(0, Math.round((Date.now() - kept.called) / 1000)));
      startClock();
      showClock();
    }
    return Math.max(0, Date.now() - (kept.heard ?? 0));
  }

  function alone(f) {
    const now = $("#now"), at = now.dataset.ticket, number = now.dataset.number;
    switch (f.act) {
      case "call": {
        const next = $("#standby li");
        if (performance.now() - contact() > offGrid) return bar();
        if (!next) {
          if (at) {
            note("finish", at, number, { result: "finished" });
            put(null);
          }
          say(words.none_left);
          break;
        }
        note("call", next.dataset.ticket, next.dataset.number);
        put(next);
        next.remove();
        break;
      }
      case "recall":
        note("recall", at, number);
        say(word("called", number));
        break;
      case "pass":
      case "hold":
        note(f.act, at, number);
        aside(f.act === "pass" ? "#passed" : "#held", f.act === "hold");
        put(null);
        break;
      case "transfer":
      case "finish":
        note(f.act, at, number, f.act === "finish" ? { result: f.result } : { queue: f.queue });
        put(null);
        break;
      case "return": {
        const li = $$("#held li").find((n) => n.dataset.ticket === f.back);
        if (!li || at) return say(words.offline_not);
        note("return", f.back, li.dataset.number);
        put(li);
        li.remove();
        break;
      }
    }
    ready();
    now.focus({ preventScroll: true });
  }

  // back tells the server what was done meanwhile. What others did first stands, and is said.
  async function back(answer) {
    const fresh = new DOMParser().parseFromString(answer.html, "text/html").getElementById("now")?.dataset.ticket;
    if (off && queue.length && fresh && fresh !== off.at && !queue.some((a) => a.ticket === fresh)) {
      // A call whose answer was lost: whoever it was is not finished by the next one, but set aside.
      queue.unshift({ ...queue[0], key: key(), seq: queue[0].seq - 1, kind: "hold", ticket: fresh, number: "", queue: "", result: "" });
      keep();
    }
    const conflicts = [];
    let done = 0;
    while (queue.length) {
      const some = queue.slice(0, 100), told = some.map((a) => ({
        key: a.key, seq: a.seq, kind: a.kind, ticket: a.ticket, queue: a.queue, result: a.result,
        ago: Math.round(Math.max(0, a.run === run ? performance.now() - a.at : Date.now() - a.wall)),
      }));
      try {
        answer = await ask(base + "/merge", form({ acts: JSON.stringify(told) }));
      } catch (err) {
        if (!(err instanceof Refused)) throw err;
        conflicts.push(...some.map((a) => a.number + " — " + err.message));
        answer = null;
      }
      heard();
      const outcomes = new Map((answer?.outcomes ?? []).map((o) => [o.key, o]));
      some.forEach((a, i) => {
        const o = outcomes.get(a.key);
        if (!o) return;
        // A call that had arrived after all is no conflict: what was done with it afterwards was.
        const later = some.slice(i + 1).some((b) => b.ticket === a.ticket && outcomes.get(b.key) && !outcomes.get(b.key).refused);
        const there = new DOMParser().parseFromString(answer.html, "text/html").getElementById("now")?.dataset.ticket === a.ticket;
        if (!o.refused) done++;
        else if (!(a.kind === "call" && (later || there))) conflicts.push((o.number || a.number) + " — " + o.sentence);
      });
      queue = queue.slice(some.length);
      keep();
    }
    off = null;
    page.classList.remove("counter--over");
    show(answer ?? await ask(base + "/view"), true);
    ready();
    if (conflicts.length) notice(words.conflicts, conflicts);
    else if (done) notice(word("merged", done), null, 6000);
  }

  return { leave, alone, back, remember, restore, off: () => !!off, waiting: () => queue.length };
};
