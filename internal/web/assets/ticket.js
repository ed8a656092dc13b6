// The live ticket asks again every few seconds while somebody looks; nothing is sent while nothing changes.
// Being called is said aloud to readers of the screen, and felt.
for (const box of document.querySelectorAll("[data-live]")) {
  let tag = "";
  let called = !!box.querySelector(".ticket--called");
  const look = async () => {
    if (document.hidden) return;
    const was = box.textContent;
    try {
      const got = await fetch(box.dataset.live, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
      if (got.status !== 200) return;
      tag = got.headers.get("ETag") ?? "";
      const text = await got.text();
      const part = new DOMParser().parseFromString(text, "text/html").querySelector(".ticket");
      if (!part) return;
      box.replaceChildren(part);
    } catch { return; }
    const now = !!box.querySelector(".ticket--called");
    if (now && !called && navigator.userActivation?.hasBeenActive) navigator.vibrate?.([300, 150, 300]);
    const say = document.getElementById("say");
    if (say && (now !== called || was === "")) say.textContent = box.querySelector(".ticket__state").textContent + " " + (box.querySelector(".ticket__counter")?.textContent ?? "");
    called = now;
  };
  setInterval(look, 5000);
  document.addEventListener("visibilitychange", look);
}

// Checking in where the phone is: the position goes with this one press and is kept nowhere.
for (const form of document.querySelectorAll("[data-here]")) {
  if (!navigator.geolocation) {
    form.hidden = true;
    continue;
  }
  form.addEventListener("submit", (e) => {
    if (form.elements.lat.value) return;
    e.preventDefault();
    const say = document.getElementById("say");
    navigator.geolocation.getCurrentPosition((at) => {
      form.elements.lat.value = at.coords.latitude.toFixed(5);
      form.elements.lng.value = at.coords.longitude.toFixed(5);
      form.submit();
    }, () => {
      const p = form.querySelector(".failed") ?? form.appendChild(Object.assign(document.createElement("p"), { className: "failed" }));
      p.textContent = form.dataset.failed;
      if (say) say.textContent = form.dataset.failed;
    }, { enableHighAccuracy: true, timeout: 15000 });
  });
}
