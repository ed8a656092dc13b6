// Keys and the jump field of the console. Everything here is an addition: each page works without it.
const $ = (sel, in_ = document) => in_.querySelector(sel);
const $$ = (sel, in_ = document) => [...in_.querySelectorAll(sel)];

// The jump field stands in a dialog; without scripts its link leads to a page.
const dialog = $("#jump");
function jump(e) {
  if (!dialog?.showModal) return;
  e.preventDefault();
  if (!dialog.open) dialog.showModal();
  const input = $("input", dialog);
  input.focus();
  input.select();
}
$("[data-jump]")?.addEventListener("click", jump);
dialog?.addEventListener("click", (e) => {
  if (e.target === dialog) dialog.close();
});

// Menu of narrow screens.
const side = $("#side"), menu = $("[data-menu]");
function show(open) {
  side.classList.toggle("shown", open);
  menu.setAttribute("aria-expanded", String(open));
}
if (side && menu) {
  menu.setAttribute("role", "button");
  menu.setAttribute("aria-controls", "side");
  show(false);
  menu.addEventListener("click", (e) => {
    e.preventDefault();
    show(!side.classList.contains("shown"));
    if (side.classList.contains("shown")) $("a", side)?.focus();
  });
  $("[data-close]", side)?.addEventListener("click", (e) => {
    e.preventDefault();
    show(false);
    menu.focus();
  });
}

// J and K go through the rows of the page's first list, / to its search, Ctrl K to the jump field.
function rows() {
  return $$("[data-rows] tbody tr").map((r) => $("a[href], button, input", r)).filter(Boolean);
}
document.addEventListener("keydown", (e) => {
  if ((e.ctrlKey || e.metaKey) && !e.altKey && !e.shiftKey && e.key.toLowerCase() === "k") return jump(e);
  if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || dialog?.open) return;
  if (e.target.closest?.("input, select, textarea, [contenteditable]")) {
    if (e.key === "Escape") e.target.blur();
    return;
  }
  if (e.key === "/") {
    const field = $("[data-find]") ?? $("#find-hall");
    if (!field) return;
    e.preventDefault();
    field.focus();
    field.select();
  } else if (e.key === "j" || e.key === "k") {
    const list = rows();
    if (!list.length) return;
    const at = list.findIndex((a) => a.closest("tr").contains(document.activeElement));
    const next = at < 0 ? 0 : Math.min(list.length - 1, Math.max(0, at + (e.key === "j" ? 1 : -1)));
    e.preventDefault();
    list[next].focus();
    list[next].scrollIntoView({ block: "nearest" });
  }
});

// A number that was just counted as printed is printed, once: loading the page again prints nothing.
if ($("[data-print-now]")) {
  history.replaceState(null, "", location.pathname);
  print();
}

// Where nobody is signed in, nothing is kept of the counters' pages.
async function forget() {
  for (const r of await navigator.serviceWorker.getRegistrations()) if (new URL(r.scope).pathname.startsWith("/console/")) await r.unregister();
  for (const name of await caches.keys()) if (name.startsWith("suiyue-counter ")) await caches.delete(name);
  for (const name of Object.keys(sessionStorage)) if (name.startsWith("suiyue-counter ")) sessionStorage.removeItem(name);
}
if (document.body.classList.contains("bare") && "caches" in window) forget().catch(() => { /* then there is nothing */ });
