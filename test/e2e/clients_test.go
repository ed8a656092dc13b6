package e2e

import (
	"strings"
	"testing"
	"time"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/oversight"
)

// The security role makes a key for a connected system, sees its secret once, and ends it with a reason (Art. 5).
func TestArt5_AKeyOfAConnectedSystemIsMadeAndEnded(t *testing.T) {
	t.Parallel()
	w := within(t, apptest.Options{})
	b := w.office(t, w.OpenAdmin(t, account.Security, "440100000000"))
	b.goTo("/console/clients")
	b.paper("keys, no system")
	if _, err := w.App.ConnectSource(t.Context(), w.As(t, w.OpenAdmin(t, account.District1, apptest.DistrictA)), apptest.DistrictA, oversight.Source{
		Name: "自建系统", Kinds: oversight.RecordKinds, Halls: []string{apptest.HallA}, Delay: 15 * time.Minute, Silence: 2 * time.Hour,
	}); err != nil {
		t.Fatal(err)
	}
	b.goTo("/console/clients")
	b.paper("keys, by system")
	b.click(`main table a`)
	b.paper("keys of a system, none")
	if status := b.follow(b.press(`main form button.button`)); status != 422 {
		t.Errorf("sent empty: status %d", status)
	}
	b.expectStatus(422)
	b.paper("a key, sent empty")
	b.write("[name=name]", "政务云前置机")
	b.do(b.press(`label:has([name=profile][value="hmac-sha256"])`))
	b.click(`main form button.button`)
	b.paper("a key, its secret")
	secrets := eval[[]string](b, `[...document.querySelectorAll("code.secret")].map(e => e.innerText)`)
	if len(secrets) != 2 || len(secrets[1]) < 40 {
		t.Fatalf("shown: %d", len(secrets))
	}
	here := b.path()
	b.goTo(here)
	if strings.Contains(b.text("main"), secrets[1]) || !strings.Contains(b.text("main"), secrets[0]) {
		t.Error("the secret is shown again, or the key is not there")
	}
	b.click(`main table a[href*="/end?"]`)
	b.paper("a key, to be ended")
	b.pen("[name=why]", "更换设备")
	b.click(`main form button.button`)
	b.paper("a key, ended")
	if s := b.text("main"); !strings.Contains(s, "已终止") {
		t.Errorf("ended: %s", s)
	}
}
