package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
)

// The security role makes a key for a connected system, sees its secret once, and ends it.
func TestArt5_PagesOfTheKeysOfConnectedSystems(t *testing.T) {
	d := newDesk(t)
	who := account.Security
	d.says(d.page(who, "/console/clients"), "No system is connected yet", `href="/console/clients"`)
	head := url.Values{"unit": {"agency-social"}, "name": {"Estate booking"}, "kinds": {"booking"}, "delay": {"15"}, "silence": {"120"}}
	if w := d.sendTo(account.Municipal1, "/console/sources/new", "/console/sources/new", head); w.Code != http.StatusSeeOther {
		t.Fatalf("entered: %d", w.Code)
	}
	for _, other := range []account.Rank{account.Municipal1, account.Platform1, account.System} {
		if w := d.get(other, "/console/clients/S0001"); w.Code != http.StatusForbidden {
			t.Errorf("%s opens the keys: %d", other, w.Code)
		}
	}
	if w := d.get(who, "/console/clients/S0009"); w.Code != http.StatusNotFound {
		t.Errorf("of no system: %d", w.Code)
	}
	d.says(d.page(who, "/console/clients"), "Estate booking", `href="/console/clients/S0001"`)
	const path = "/console/clients/S0001"
	d.says(d.page(who, path), "It has no key yet", "Provincial gateway, SHA-256", `value="600"`)

	bad := url.Values{"name": {""}, "profile": {"ed25519"}, "public": {"rubbish"}, "quota": {"many"}, "from": {"2026-13-01"}, "until": {""}, "certificate": {"ab"}}
	w := d.sendTo(who, path, path, bad)
	if w.Code != http.StatusUnprocessableEntity {
		t.Fatalf("nothing is refused: %d", w.Code)
	}
	d.says(w.Body.String(), `href="#name"`, `href="#public"`, `href="#scopes"`, `href="#quota"`, `href="#from"`, `href="#until"`, `href="#certificate"`, ">rubbish</textarea>", `value="many"`)

	today := calendar.DateOf(d.Clock.Now())
	good := url.Values{"name": {"Main site"}, "profile": {"hmac-sm3"}, "scopes": {"read", "feed"}, "quota": {"60"}, "from": {today.String()}, "until": {(today + 30).String()}}
	w = d.sendTo(who, path, path, good)
	shown := regexp.MustCompile(`<code class="secret">([^<]+)</code>`).FindAllStringSubmatch(w.Body.String(), -1)
	if w.Code != http.StatusOK || len(shown) != 2 || !strings.Contains(w.Header().Get("Cache-Control"), "no-store") {
		t.Fatalf("made: %d, shows %v, %s", w.Code, shown, w.Header().Get("Cache-Control"))
	}
	id, secret := shown[0][1], shown[1][1]
	client, err := d.App.ClientByKey(t.Context(), id)
	if err != nil || client == nil || string(client.Secret) != secret || client.Key.PerMinute != 60 || !client.Key.Until.Equal((today+31).At(0, 0)) || client.Key.State(d.Clock.Now()) != oversight.KeyLive {
		t.Fatalf("the key is %+v, %v", client, err)
	}
	page := d.page(who, path)
	d.says(page, "Main site", id, "HMAC-SM3", "in force", "See its own data · Send records")
	if strings.Contains(page, secret) {
		t.Error("the secret is shown a second time")
	}
	if w := d.sendTo(who, path, path, good); w.Code != http.StatusOK {
		t.Fatalf("the second: %d", w.Code)
	}
	if w := d.sendTo(who, path, path, good); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "Two keys of this kind") {
		t.Errorf("the third: %d", w.Code)
	}

	end := path + "/end?id=" + id
	d.says(d.page(who, end), "End the key “Main site” of Estate booking")
	if w := d.sendTo(who, end, path+"/end", url.Values{"id": {id}}); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("ended without a reason: %d", w.Code)
	}
	if w := d.sendTo(who, end, path+"/end", url.Values{"id": {id}, "why": {"leaked"}}); w.Code != http.StatusSeeOther || w.Header().Get("Location") != path+"?did=ended" {
		t.Fatalf("ended: %d to %s", w.Code, w.Header().Get("Location"))
	}
	d.says(d.page(who, path+"?did=ended"), "The key has ended", "ended")
	if client, err := d.App.ClientByKey(t.Context(), id); err != nil || client.Key.State(d.Clock.Now()) != oversight.KeyEnded {
		t.Errorf("ended and in force: %v, %v", client, err)
	}
	for _, lang := range []string{"zh-Hans", "zh-Hant"} {
		for _, p := range []string{"/console/clients?", path + "?", end + "&"} {
			d.page(who, p+"lang="+lang)
		}
	}
	d.Clock.Add(11 * time.Minute) // an old proof makes nothing
	if w := d.sendTo(who, path, path, good); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/console/prove") {
		t.Errorf("with an old proof: %d", w.Code)
	}
}
