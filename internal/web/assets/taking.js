// A list that is taken away: the browser saves it as it comes, and the page says how far it is. Without this the
// same links save the same files.
const box = document.getElementById("taking");
const part = (name) => box.querySelector(`[data-${name}]`);
const say = document.getElementById("say");
let id = "", told = 0, timer = 0;

// A name for the file that nobody guesses, by which the page asks for it.
function fresh() {
  const letters = "abcdefghijklmnopqrstuvwxyz234567";
  return [...crypto.getRandomValues(new Uint8Array(26))].map((b) => letters[b % 32]).join("");
}

// What has a percentage is shown by it; of what has none yet it is only seen that it goes on.
function show(title, text, percent) {
  if (title) part("title").textContent = title;
  part("text").textContent = text;
  if (percent === undefined) part("bar").removeAttribute("value");
  else part("bar").value = percent;
}

function end(state, title, text) {
  id = "";
  box.dataset.state = state;
  part("cancel").hidden = true;
  part("done").hidden = false;
  if (box.contains(document.activeElement) || document.activeElement === document.body) part("done").focus();
  say.textContent = `${title}. ${text}`;
}

async function look(mine, began, missed) {
  if (mine !== id) return;
  let wait = 1000;
  try {
    const r = await fetch(box.dataset.at + mine, { headers: { Accept: "application/json" }, cache: "no-store", redirect: "error" });
    if (mine !== id) return;
    if (r.status === 404) { // it is being counted, or the browser never asked for it
      if (performance.now() - began > 120000) {
        show("", box.dataset.none, 0);
        return end("broken", part("title").textContent, box.dataset.none);
      }
      wait = 500;
    } else if (r.ok) {
      missed = 0;
      const now = await r.json();
      show(now.title, now.text, now.percent);
      if (now.done) return end(now.state, now.title, now.text);
      if (performance.now() - told > 10000) { // read out now and then, not each second
        told = performance.now();
        say.textContent = now.text;
      }
    } else throw new Error(String(r.status));
  } catch {
    if (++missed > 4) part("text").textContent = box.dataset.lost;
    wait = Math.min(1000 * missed, 10000);
  }
  timer = setTimeout(look, wait, mine, began, missed);
}

function take(e) {
  if (e.defaultPrevented || e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
  e.preventDefault();
  if (id) return box.focus(); // one after the other
  id = fresh();
  told = performance.now();
  box.hidden = false;
  delete box.dataset.state;
  part("cancel").hidden = false;
  part("cancel").disabled = false;
  part("done").hidden = true;
  show(box.dataset.preparing, "");
  say.textContent = box.dataset.preparing;
  const to = new URL(e.currentTarget.href);
  to.searchParams.set("export", id);
  location.assign(to); // an attachment: the page stays
  clearTimeout(timer);
  timer = setTimeout(look, 400, id, performance.now(), 0);
}

async function cancel() {
  if (!id) return;
  part("cancel").disabled = true;
  const body = new URLSearchParams({ [box.dataset.field]: box.dataset.token });
  try {
    const r = await fetch(`${box.dataset.at}${id}/cancel`, { method: "POST", body, headers: { Accept: "application/json" } });
    if (!r.ok) part("cancel").disabled = false;
  } catch {
    part("cancel").disabled = false;
  }
}

if (box) {
  for (const a of document.querySelectorAll("[data-take]")) a.addEventListener("click", take);
  part("cancel").addEventListener("click", cancel);
  part("done").addEventListener("click", () => {
    box.hidden = true;
    document.querySelector("[data-take]")?.focus();
  });
  // Leaving the page leaves the file alone: it stands among one's files.
}
