// The worker of one counter's page. It answers for that page alone, and only when the server does not: then
// with the page's shell, in which nobody is. Before it stands what is its own: page, assets, version.
const family = "suiyue-counter " + own.page + " ", store = family + own.version;
const patience = 8000;

async function keepShell() {
  const res = await fetch(own.page + "/shell", { cache: "no-store", redirect: "error" });
  if (!res.ok) throw new Error("no shell: " + res.status);
  await (await caches.open(store)).put(own.page, res);
}

addEventListener("install", (e) => e.waitUntil((async () => {
  await (await caches.open(store)).addAll(own.assets);
  await keepShell();
  await skipWaiting();
})()));

addEventListener("activate", (e) => e.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith(family) && name !== store) await caches.delete(name);
  await clients.claim();
})()));

async function opened(e) {
  let res;
  try {
    res = await fetch(e.request, { signal: AbortSignal.timeout(patience) });
  } catch { /* no network, or nobody who answers */ }
  if (!res || res.status >= 502 && res.status <= 504) return await caches.match(own.page, { cacheName: store }) ?? res ?? Response.error();
  if (res.ok) e.waitUntil(keepShell().catch(() => {})); // the next one will do
  return res;
}

addEventListener("fetch", (e) => {
  const url = new URL(e.request.url);
  if (url.origin !== location.origin || e.request.method !== "GET") return;
  if (e.request.mode === "navigate" && url.pathname === own.page) e.respondWith(opened(e));
  else if (own.assets.includes(url.pathname)) e.respondWith(caches.match(url.pathname, { cacheName: store }).then((kept) => kept ?? fetch(e.request)));
});
