// What the program on this machine reads (docs/kiosk-bridge.md): documents laid on the reader, codes scanned.
// Pages of kiosks and of the desk listen to it for as long as they are open. tell has laid(document),
// scanned(text), unread(), and away(boolean): whether the program does not answer.
globalThis.listenToReader = async (bridge, headers, tell) => {
  for (let after = -1, wait = 500; ;) {
    try {
      const r = await fetch(`${bridge}/v1/reader?after=${after}&wait=20`, { headers, cache: "no-store", signal: AbortSignal.timeout(30000) });
      if (!r.ok) throw new Error(String(r.status));
      const got = await r.json();
      if (Number.isInteger(got.seq)) after = got.seq;
      tell.away(false);
      for (const e of Array.isArray(got.events) ? got.events : []) {
        const d = e?.document;
        if (e?.kind === "document" && d && typeof d.number === "string" && d.number && typeof d.kind === "string") tell.laid(d); // not what was read by half
        if (e?.kind === "code" && typeof e.text === "string") tell.scanned(e.text);
        if (e?.kind === "unread") tell.unread();
      }
      wait = 500;
    } catch {
      tell.away(true);
      await new Promise((done) => setTimeout(done, wait));
      wait = Math.min(wait * 2, 8000);
    }
  }
};
