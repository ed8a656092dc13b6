// The reader beside a desk: a document laid on it fills the form of the page, or finds who it is on the list of
// arrivals. Whoever serves checks it and sends the form; without the reader they type.
const box = document.getElementById("reader");
const number = document.querySelector('form [name="document.number"]'), find = document.querySelector("[data-find]");
const say = (what) => { box.textContent = box.dataset[what]; };

function seek(text) {
  find.value = text;
  find.form.requestSubmit();
}
function laid(d) {
  if (!number) return find && seek(d.number.slice(-4));
  const form = number.form;
  for (const [name, value] of [["document.number", d.number], ["name", d.name], ["document.kind", d.kind], ["document.nationality", d.nationality], ["birth", d.birth]]) {
    if (form.elements[name]) form.elements[name].value = value ?? "";
  }
  const closed = form.closest("details"), more = form.elements["document.kind"]?.closest("details");
  if (closed) closed.open = true;
  if (more && d.kind === "passport") more.open = true;
  const item = form.querySelector("select[name=item]");
  (item && !item.value ? item : form.elements.phone ?? form.querySelector("button[type=submit]")).focus();
  say("read");
}

box.hidden = false;
say("ready");
let quiet = false;
listenToReader(box.dataset.bridge, { Authorization: "Bearer " + box.dataset.pairing }, {
  laid,
  scanned: (text) => { if (find && /^[A-Za-z0-9:/._?=&%-]{6,200}$/.test(text)) seek(text); },
  unread: () => say("unread"),
  away: (is) => {
    if (is !== quiet) say(is ? "away" : "ready");
    quiet = is;
  },
});
