const $ = (s) => document.querySelector(s);
const post = (path, body) => fetch(path, { method: "POST", headers: { "Content-Type": "application/json", "X-Bridge": "1" }, body: JSON.stringify(body) });
function el(tag, text, cls) {
  const e = document.createElement(tag);
  if (text) e.textContent = text;
  if (cls) e.className = cls;
  return e;
}
let shown = "";
async function look() {
  const m = await (await fetch("/machines")).json();
  $("#empty").checked = m.empty;
  $("#broken").checked = m.broken;
  const now = JSON.stringify([m.documents, m.papers]);
  if (now === shown) return;
  shown = now;
  $("#documents").replaceChildren(...(m.documents ?? []).map((d) => {
    const li = el("li"), b = el("button", `${d.name} · ${d.number}`);
    b.type = "button";
    b.addEventListener("click", () => post("/lay", { kind: "document", document: d }));
    li.append(b);
    return li;
  }));
  $("#papers").replaceChildren(...m.papers.toReversed().map((p) => {
    const paper = el("div", "", "paper");
    for (const l of p.lines) {
      paper.append(el("p", l.qr ? "▦ " + l.qr : l.text, [l.centre ? "centre" : "", "s" + l.size, l.cut ? "cut" : ""].join(" ")));
    }
    return paper;
  }));
}
for (const id of ["empty", "broken"]) $("#" + id).addEventListener("change", (e) => post("/set", { [id]: e.target.checked }));
$("[data-event]").addEventListener("click", () => post("/lay", { kind: "unread" }));
$("#scan").addEventListener("submit", (e) => {
  e.preventDefault();
  post("/lay", { kind: "code", text: $("#text").value });
  $("#text").value = "";
});
look();
setInterval(look, 1000);
