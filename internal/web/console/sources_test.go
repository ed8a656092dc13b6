package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"suiyue/internal/domain/account"
)

func TestArt21_PagesOfConnectedSystems(t *testing.T) {
	d := newDesk(t)
	d.says(d.page(account.Municipal1, "/console/sources"), "No system is connected yet", `href="/console/sources/new"`)
	if page := d.page(account.Municipal2, "/console/sources"); strings.Contains(page, "/console/sources/new") {
		t.Error("a second level is led to the form")
	}
	if w := d.get(account.Municipal2, "/console/sources/new"); w.Code != http.StatusForbidden {
		t.Errorf("a second level opens the form: %d", w.Code)
	}
	bad := url.Values{"unit": {"agency-social"}, "name": {""}, "kinds": {"booking"}, "delay": {"x"}, "silence": {"120"}}
	w := d.sendTo(account.Municipal1, "/console/sources/new", "/console/sources/new", bad)
	if w.Code != http.StatusUnprocessableEntity {
		t.Fatalf("nothing is refused: %d", w.Code)
	}
	d.says(w.Body.String(), `href="#name"`, `href="#delay"`, `value="x"`)
	good := url.Values{"unit": {"agency-social"}, "name": {"Estate booking"}, "kinds": {"booking", "result"}, "delay": {"15"}, "silence": {"120"}}
	w = d.sendTo(account.Municipal1, "/console/sources/new", "/console/sources/new", good)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/console/sources/S0001?did=connected" {
		t.Fatalf("entered: %d to %s", w.Code, w.Header().Get("Location"))
	}
	d.says(d.page(account.Municipal1, "/console/sources/S0001?did=connected"), "It is entered.", "15 minutes", "Nothing was sent in this time", "Change what is agreed")
	d.says(d.page(account.Platform1, "/console/sources"), "Estate booking", "Results", "Sample Social Insurance Bureau")
	if w := d.get(account.District1, "/console/sources/S0001"); w.Code != http.StatusNotFound {
		t.Errorf("another unit's: %d", w.Code)
	}
	good.Set("version", "1")
	good.Set("name", "Estate registration")
	if w = d.sendTo(account.Municipal1, "/console/sources/S0001", "/console/sources/S0001", good); w.Code != http.StatusSeeOther {
		t.Fatalf("changed: %d", w.Code)
	}
	w = d.sendTo(account.Municipal1, "/console/sources/S0001", "/console/sources/S0001", good) // as it was before
	if w.Code != http.StatusConflict {
		t.Errorf("changed twice from one page: %d", w.Code)
	}
	if w = d.sendTo(account.Municipal1, "/console/sources/S0001", "/console/sources/S0001/end", url.Values{"version": {"2"}}); w.Code != http.StatusSeeOther {
		t.Fatalf("ended: %d", w.Code)
	}
	page := d.page(account.Municipal1, "/console/sources/S0001?did=ended")
	d.says(page, "The connection is ended.", "Estate registration")
	if strings.Contains(page, "Change what is agreed") {
		t.Error("what has ended can be changed")
	}
	for _, lang := range []string{"zh-Hans", "zh-Hant"} {
		d.page(account.Municipal1, "/console/sources?lang="+lang)
		d.page(account.Municipal1, "/console/sources/S0001?lang="+lang)
	}
}
