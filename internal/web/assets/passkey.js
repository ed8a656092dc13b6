// Passkeys: a button with data-passkey asks the browser to make or use one and sends the answer with its
// form. Without scripts, or without passkeys, the button stays hidden and the other ways remain.
// Options and answers are the JSON of WebAuthn Level 3; browsers older than that have it made here.
const bytes = (s) => Uint8Array.from(atob(s.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const known = (list) => list?.map((d) => ({ ...d, id: bytes(d.id) }));

function read(kind, o) {
  const parse = kind === "create" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
  if (PublicKeyCredential[parse]) return PublicKeyCredential[parse](o);
  return {
    ...o, challenge: bytes(o.challenge), user: o.user && { ...o.user, id: bytes(o.user.id) },
    excludeCredentials: known(o.excludeCredentials), allowCredentials: known(o.allowCredentials),
  };
}

function write(made) {
  if (made.toJSON) return made.toJSON();
  const response = { transports: made.response.getTransports?.() };
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature"]) {
    if (made.response[part]) response[part] = text(made.response[part]);
  }
  return { id: made.id, rawId: made.id, type: made.type, clientExtensionResults: {}, response };
}

const answer = async (kind, options) => write(await navigator.credentials[kind]({ publicKey: read(kind, options) }));

for (const button of document.querySelectorAll("[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  const form = button.form, failed = form.querySelector("[data-passkey-failed]");
  for (const part of form.querySelectorAll("[data-passkey-part]")) part.hidden = false;
  button.hidden = false;
  button.addEventListener("click", async () => {
    failed.hidden = true;
    button.setAttribute("aria-disabled", "true");
    try {
      form.elements.answer.value = JSON.stringify(await answer(button.dataset.passkey, JSON.parse(button.dataset.options)));
      form.submit();
    } catch {
      failed.hidden = false;
      button.removeAttribute("aria-disabled");
    }
  });
}
