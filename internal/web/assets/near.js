// Brings the phone's place into the address, or into the form of a button that says data-near="form", when
// somebody asks for it: to about a kilometre, which is enough to sort halls by and too little to tell where
// somebody lives.
for (const b of document.querySelectorAll("[data-near]")) {
  if (!navigator.geolocation) {
    b.hidden = true;
    continue;
  }
  b.addEventListener("click", () => {
    b.setAttribute("aria-disabled", "true");
    navigator.geolocation.getCurrentPosition((at) => {
      if (b.dataset.near === "form") {
        b.form.elements.lat.value = at.coords.latitude.toFixed(2);
        b.form.elements.lng.value = at.coords.longitude.toFixed(2);
        b.form.submit();
        return;
      }
      const to = new URL(b.form.action);
      for (const [name, value] of new FormData(b.form)) {
        if (value && name !== "sort") to.searchParams.set(name, value);
      }
      to.searchParams.set("lat", at.coords.latitude.toFixed(2));
      to.searchParams.set("lng", at.coords.longitude.toFixed(2));
      location.assign(to);
    }, () => {
      b.removeAttribute("aria-disabled");
      const say = document.getElementById("say");
      b.lastChild.textContent = b.dataset.failed;
      if (say) say.textContent = b.dataset.failed;
    }, { maximumAge: 600000, timeout: 10000 });
  });
  // A link to #near has asked for it already; going back to the page asks no second time.
  if (b.id && location.hash === "#" + b.id) {
    history.replaceState(null, "", location.pathname + location.search);
    b.click();
  }
}
