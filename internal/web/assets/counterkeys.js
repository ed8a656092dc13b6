// Keys of a counter's page: each does what a button does, unless somebody types, or has switched them off.
const $ = (sel, in_ = document) => in_.querySelector(sel);
const $$ = (sel, in_ = document) => [...in_.querySelectorAll(sel)];
const acts = $("#acts");

const keysOn = $("#keys-on");
try {
  keysOn.checked = localStorage.getItem("suiyue-keys") !== "off";
} catch { /* then they are on */ }
keysOn.addEventListener("change", () => {
  try {
    localStorage.setItem("suiyue-keys", keysOn.checked ? "on" : "off");
  } catch { /* for this page only */ }
});
function closeAll() { for (const d of $$("details[data-key]", acts)) d.open = false; }
function toggle(name) {
  const d = $$("details[data-key]").find((n) => n.dataset.key === name);
  if (!d) return;
  const open = !d.open;
  if (d.closest("#acts")) closeAll();
  d.open = open;
  (open ? $("input:checked, input:not([type=hidden]), select", d) ?? $("summary", d) : $("#now")).focus({ preventScroll: !open });
}
document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || e.defaultPrevented) return;
  const t = e.target;
  if (e.key === "Escape") {
    closeAll();
    if (t.closest?.("#quick")) $("#quick").open = false;
    return $("#now").focus({ preventScroll: true });
  }
  const typing = t.closest?.("textarea, select, input:not([type=radio]):not([type=checkbox])");
  if (e.key === "Enter" && t.matches?.("input[type=radio]") && t.closest("details[data-key=F]")) {
    e.preventDefault();
    return acts.requestSubmit($("[data-act=finish]", acts));
  }
  if (e.key === "Enter" && t.matches?.("select") && t.closest("details[data-key=T]")) {
    e.preventDefault();
    return acts.requestSubmit($("[data-act=transfer]", acts));
  }
  if (typing || !keysOn.checked) return;
  if (e.key === " " || e.key === "Enter") {
    if (t.closest?.("a, button, summary, input, label")) return; // they do what they say
    e.preventDefault();
    if (!e.repeat) $("[data-act=call]", acts).click();
    return;
  }
  if (e.repeat || e.shiftKey && e.key !== "?") return;
  const k = e.key.toUpperCase();
  const does = { R: "recall", N: "pass", H: "hold" }[k];
  if (does) {
    e.preventDefault();
    $("[data-act=" + does + "]", acts).click();
  } else if (k === "F" || k === "T") {
    e.preventDefault();
    if ($("#now").dataset.ticket) toggle(k);
  } else if (k === "W" || k === "?") {
    e.preventDefault();
    toggle(k);
  } else if (k === "P") {
    e.preventDefault();
    $("#seat-pause").click();
  } else if (/^[1-9]$/.test(k)) {
    const b = $('[data-back="' + k + '"] button');
    if (b) {
      e.preventDefault();
      b.click();
    }
  }
});
