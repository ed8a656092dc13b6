package server

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"suiyue/internal/domain/account"
)

func TestTheFirstStartPrintsALinkUntilSomebodyHasOpenedAnAccount(t *testing.T) {
	c := testConfig(t)
	if _, err := Migrate(t.Context(), c.Data); err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var out strings.Builder
	if s.firstLink(t.Context(), &out); out.Len() != 0 {
		t.Errorf("without a city: %s", out.String())
	}
	if _, err := s.app.Import(t.Context(), smallCity(t), nil); err != nil {
		t.Fatal(err)
	}
	s.firstLink(t.Context(), &out)
	_, token, ok := strings.Cut(out.String(), s.URL()+"/console/welcome/")
	if !ok {
		t.Fatalf("it prints %q", out.String())
	}
	to, err := s.app.Welcome(t.Context(), strings.TrimSpace(token))
	if err != nil || !to.Nobody || to.Account.Rank != account.Security {
		t.Fatalf("the link is for %+v, %v", to, err)
	}
	if _, err := s.app.CreateAccount(t.Context(), account.Audit, "", account.Person{Name: "许示例", Duty: "审计", Mobile: "13900000001"}); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if s.firstLink(t.Context(), &out); out.Len() != 0 {
		t.Errorf("once there is another account: %s", out.String())
	}
}

func TestADemonstrationHasReadyAdministrators(t *testing.T) {
	c, files := testConfig(t), smallCity(t)
	r := start(t, c, func(s *Server) {
		if err := s.MakeCity(t.Context(), files, nil); err != nil {
			t.Fatal(err)
		}
	})
	list, _, err := r.app.DemoAccounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[account.Rank]string{}
	for _, a := range list {
		seen[a.Rank] = a.ID
	}
	for _, rank := range account.Ranks {
		if seen[rank] == "" {
			t.Errorf("nobody is %s", rank)
		}
	}
	if half, err := r.app.SignInAdmin(t.Context(), seen[account.District1], demoPassword); err != nil || half == nil {
		t.Errorf("the password all know: %v", err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := http.Client{Jar: jar}
	for back, want := range map[string]string{"/console/powers": "/console/powers", "https://evil.example.org/console": "/console", "//evil.example.org/console": "/console", "/consolex": "/console", "": "/console"} {
		resp, err := browser.PostForm("http://"+r.Address()+demoAdmins, url.Values{"account": {seen[account.District1]}, "return": {back}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 || resp.Request.URL.Path != want {
			t.Errorf("back to %q: %d at %s", back, resp.StatusCode, resp.Request.URL)
		}
	}
}
