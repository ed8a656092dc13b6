// Passkeys: a button with data-passkey asks the browser to make or use one and sends the answer with its
// form. Without scripts, or without passkeys, the button stays hidden and the other ways remain.
const bytes = (s) => Uint8Array.from(atob(s.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const known = (list) => (list ?? []).map((d) => ({ ...d, id: bytes(d.id) }));

async function answer(kind, options) {
  const publicKey = { ...options, challenge: bytes(options.challenge) };
  if (kind === "create") {
    publicKey.user = { ...options.user, id: bytes(options.user.id) };
    publicKey.excludeCredentials = known(options.excludeCredentials);
    const made = await navigator.credentials.create({ publicKey });
    return {
      id: made.id, client: text(made.response.clientDataJSON), auth: text(made.response.getAuthenticatorData()),
      key: text(made.response.getPublicKey()), transports: made.response.getTransports(),
    };
  }
  publicKey.allowCredentials = known(options.allowCredentials);
  const used = await navigator.credentials.get({ publicKey });
  return {
    id: used.id, client: text(used.response.clientDataJSON), auth: text(used.response.authenticatorData), signature: text(used.response.signature),
  };
}

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
