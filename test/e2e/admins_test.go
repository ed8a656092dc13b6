package e2e

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"
)

// An account is filed by a district, opened by its person with a one-time link and a passkey, and signed
// in to with the passkey and with an authenticator app.
func TestAnAdministratorsAccountFromFilingToSignIn(t *testing.T) {
	t.Parallel()
	c := small(t, "")
	district := open(t, c)
	district.resize(1280)
	district.goTo("/demo/administrators")
	button := eval[string](district, `[...document.querySelectorAll("button[name=account]")].find(b => b.innerText.includes("区一级")).value`)
	district.click(`button[name=account][value="` + button + `"]`)
	if at := district.path(); at != "/console" {
		t.Fatalf("the demonstration's page leads to %s", at)
	}
	district.goTo("/console/filings/new?rank=district-2")
	district.desk("file an account")
	unit := eval[string](district, `document.querySelector("#unit option").value`)
	district.choose("#unit", unit)
	district.write("#name", "许示例")
	district.write("#duty", "大厅负责人")
	district.write("#mobile", "139 0000 1234")
	district.click("main form[action='/console/filings'] button[type=submit]")
	district.desk("one-time link")
	link, err := url.Parse(district.text("code.secret"))
	if err != nil || !strings.HasPrefix(link.Path, "/console/welcome/") {
		t.Fatalf("no link: %v, %v", link, err)
	}
	number := district.text("table th a")
	for _, page := range []string{"/console/accounts", "/console/accounts/" + number, "/console/filings", "/console/filings/bulk", "/console/powers", "/console/me", "/console/tokens", "/console/accounts/" + number + "/reset"} {
		if status := district.goTo(page); status != 200 {
			t.Errorf("%s: %d", page, status)
		}
		district.desk(page)
	}

	b := open(t, c)
	b.resize(1280)
	b.authenticator()
	b.goTo(link.Path)
	b.desk("welcome")
	b.write("#password", "Kapok-in-April-2026")
	b.write("#again", "Kapok-in-April-2026")
	b.click("main form button[type=submit]")
	b.desk("second factor")
	b.write("#key_name", "办公室电脑")
	b.olderPasskeys()
	b.click("[data-passkey]")
	if at := b.path(); at != "/console" {
		t.Fatalf("after the passkey was made: %s: %s", at, b.text("main"))
	}
	b.signOutOfConsole()

	signIn := func() {
		t.Helper()
		b.goTo("/console/me")
		if !strings.HasPrefix(b.path(), "/console/sign-in?") {
			t.Fatalf("nobody is signed in, and the page is %s", b.path())
		}
		b.write("#name", "13900001234")
		b.write("#password", "Kapok-in-April-2026")
		b.click("main form button[type=submit]")
	}
	signIn()
	b.desk("passkey asked for")
	b.olderPasskeys()
	b.click("[data-passkey]")
	if at := b.path(); at != "/console/me" || b.text("main") == "" {
		t.Fatalf("after the passkey was used: %s", at)
	}
	if who := b.text(".bar__who b"); who != number {
		t.Errorf("signed in as %q, not %q", who, number)
	}

	b.goTo("/console/me/totp")
	b.desk("authenticator app")
	secret := strings.ReplaceAll(b.text("code.secret"), " ", "")
	b.write("#code", code(t, c, secret))
	b.click("main form.form button[type=submit]")
	b.signOutOfConsole()
	c.setClock(t, c.clock(t).Add(31*time.Second))
	signIn()
	b.click("[data-passkey]")
	if at := b.path(); at != "/console/me" {
		t.Fatalf("after the passkey was used by the browser's own JSON: %s", at)
	}
	b.signOutOfConsole()
	signIn()
	b.desk("passkey or code asked for")
	b.write("#code", "000000")
	if status := b.follow(b.press("main form:has(#code) button[type=submit]")); status != 422 {
		t.Errorf("a wrong code: %d", status)
	}
	b.expectStatus(422)
	b.write("#code", code(t, c, secret))
	b.click("main form:has(#code) button[type=submit]")
	if at := b.path(); at != "/console/me" {
		t.Fatalf("after the code: %s: %s", at, b.text("main"))
	}
	b.desk("my account")

	// Once the district closes the account, the next click of its person finds nobody signed in.
	district.goTo("/console/filings/new?kind=close&account=" + number)
	district.write("#reason", "离职")
	district.click("main form.form button[type=submit]")
	b.goTo("/console/me")
	if !strings.HasPrefix(b.path(), "/console/sign-in") {
		t.Errorf("a closed account still opens %s", b.path())
	}
}

// authenticator gives the browser a device that makes passkeys and is always touched.
func (b *tab) authenticator() {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		b.t.Fatal(err)
	}
	if _, err := chromedp.Call(b.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}}); err != nil {
		b.t.Fatal(err)
	}
}

// olderPasskeys takes from the page what browsers of before WebAuthn Level 3 do not have.
func (b *tab) olderPasskeys() {
	b.t.Helper()
	if !eval[bool](b, `(() => {
		const had = "toJSON" in PublicKeyCredential.prototype && "parseRequestOptionsFromJSON" in PublicKeyCredential;
		delete PublicKeyCredential.prototype.toJSON;
		delete PublicKeyCredential.parseCreationOptionsFromJSON;
		delete PublicKeyCredential.parseRequestOptionsFromJSON;
		return had && !PublicKeyCredential.parseCreationOptionsFromJSON && !PublicKeyCredential.prototype.toJSON;
	})()`) {
		b.t.Fatal("this browser does not speak the JSON of WebAuthn")
	}
}

// desk inspects a page of the console at a tablet's and a desk's width.
func (b *tab) desk(name string) {
	b.t.Helper()
	b.inspectAs(look{name: strings.ReplaceAll(strings.TrimPrefix(name, "/"), "/", "-"), lang: "zh-Hans-CN", least: 24, at: []int64{768, 1280}})
}

func (b *tab) signOutOfConsole() {
	b.t.Helper()
	b.click(".bar__me button")
}

// code is what an authenticator app shows by the clock of the demonstration.
func code(t *testing.T, c *city, secret string) string {
	t.Helper()
	s, err := totp.GenerateCode(secret, c.clock(t))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
