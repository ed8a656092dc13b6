package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"suiyue/internal/domain/account"
)

// The security role gives a connected system an address for its events, changes its secret and takes it away.
func TestArt6_PagesOfTheAddressesForEvents(t *testing.T) {
	d := newDesk(t)
	who := account.Security
	head := url.Values{"unit": {"agency-social"}, "name": {"Estate booking"}, "kinds": {"booking"}, "delay": {"15"}, "silence": {"120"}}
	if w := d.sendTo(account.Municipal1, "/console/sources/new", "/console/sources/new", head); w.Code != http.StatusSeeOther {
		t.Fatalf("entered: %d", w.Code)
	}
	const path = "/console/clients/S0001/webhooks"
	for _, other := range []account.Rank{account.Municipal1, account.Platform1, account.System} {
		if w := d.get(other, path); w.Code != http.StatusForbidden {
			t.Errorf("%s opens the addresses: %d", other, w.Code)
		}
	}
	if w := d.get(who, "/console/clients/S0009/webhooks"); w.Code != http.StatusNotFound {
		t.Errorf("of no system: %d", w.Code)
	}
	d.says(d.page(who, "/console/clients/S0001"), `href="`+path+`"`)
	d.says(d.page(who, path), "No address yet")
	w := d.sendTo(who, path, path, url.Values{"url": {"http://127.0.0.1/"}})
	if w.Code != http.StatusUnprocessableEntity {
		t.Fatalf("an address that may not be called: %d", w.Code)
	}
	d.says(w.Body.String(), `href="#url"`, `value="http://127.0.0.1/"`)
	secret := regexp.MustCompile(`<code class="secret">(whsec_[^<]+)</code>`)
	w = d.sendTo(who, path, path, url.Values{"url": {"https://hooks.example.org/events"}})
	shown := secret.FindStringSubmatch(w.Body.String())
	if w.Code != http.StatusOK || shown == nil || !strings.Contains(w.Header().Get("Cache-Control"), "no-store") {
		t.Fatalf("added: %d, %v, %s", w.Code, shown, w.Header().Get("Cache-Control"))
	}
	list := d.page(who, path)
	d.says(list, "https://hooks.example.org/events", "in use")
	if strings.Contains(list, shown[1]) {
		t.Error("the secret is shown again")
	}
	one := regexp.MustCompile(path + `/[0-9a-f]{24}`).FindString(list)
	if one == "" {
		t.Fatal("it has no page")
	}
	d.says(d.page(who, one), "No message was put aside", "Make the next secret")
	w = d.sendTo(who, one, one+"/secret", url.Values{})
	next := secret.FindStringSubmatch(w.Body.String())
	if w.Code != http.StatusOK || next == nil || next[1] == shown[1] {
		t.Fatalf("the next secret: %d, %v", w.Code, next)
	}
	if w := d.sendTo(who, one, one+"/secret", url.Values{}); w.Code != http.StatusConflict {
		t.Errorf("a third: %d", w.Code)
	}
	end := regexp.MustCompile(one + `/end\?secret=([0-9a-f]{24})`).FindStringSubmatch(d.page(who, one))
	if end == nil {
		t.Fatal("no secret can be ended")
	}
	d.says(d.page(who, end[0]), "End the secret")
	if w := d.sendTo(who, end[0], one+"/end", url.Values{"secret": {end[1]}}); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("ended without a reason: %d", w.Code)
	}
	if w := d.sendTo(who, end[0], one+"/end", url.Values{"secret": {end[1]}, "why": {"rotated"}}); w.Code != http.StatusSeeOther || w.Header().Get("Location") != one+"?did=secret" {
		t.Errorf("ended: %d to %s", w.Code, w.Header().Get("Location"))
	}
	d.says(d.page(who, one+"?did=secret"), "The secret has ended")
	for _, upto := range []string{"", "7", "x"} {
		if w := d.sendTo(who, one, one+"/again", url.Values{"upto": {upto}}); w.Code != http.StatusConflict {
			t.Errorf("sent again %q: %d", upto, w.Code)
		}
	}
	if w := d.sendTo(who, one, one+"/resume", url.Values{}); w.Code != http.StatusSeeOther {
		t.Errorf("tried now: %d", w.Code)
	}
	d.says(d.page(account.Municipal1, "/console/sources/S0001"), "https://hooks.example.org/events", "in use") // who supervises the system sees it
	for _, lang := range []string{"zh-Hans", "zh-Hant"} {
		for _, p := range []string{path + "?", one + "?", one + "/end?"} {
			d.page(who, p+"lang="+lang)
		}
	}
	if w := d.sendTo(who, one+"/end", one+"/end", url.Values{"why": {"moved"}}); w.Code != http.StatusSeeOther || w.Header().Get("Location") != path+"?did=ended" {
		t.Errorf("taken away: %d to %s", w.Code, w.Header().Get("Location"))
	}
	d.says(d.page(who, path+"?did=ended"), "taken away")
	d.Clock.Add(11 * time.Minute) // an old proof makes nothing
	if w := d.sendTo(who, path, path, url.Values{"url": {"https://hooks.example.org/2"}}); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/console/prove") {
		t.Errorf("with an old proof: %d", w.Code)
	}
}
