package identitygate_test

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"suiyue/internal/domain/identity"
	identitygate "suiyue/internal/gate/identity"
	"suiyue/internal/gate/identity/identitytest"
)

// realNames lets a provider that we did not write vouch for a real name.
type realNames struct{ *storage.Storage }

func (s realNames) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, token, subject, origin string) error {
	if err := s.Storage.SetUserinfoFromToken(ctx, info, token, subject, origin); err != nil {
		return err
	}
	info.AppendClaims("document_kind", "taiwan_permit")
	info.AppendClaims("document_number", "00000001")
	info.AppendClaims("real_name_level", 4)
	info.AppendClaims("phone_number", "19900000001")
	return nil
}

// The relying party is proven against a certified implementation of the other side: zitadel/oidc.
func TestOIDCAgainstAnotherImplementation(t *testing.T) {
	const redirect = "http://127.0.0.1:1/callback" // never visited
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	defer server.Close()
	handler = exampleop.SetupServer(server.URL, realNames{storage.NewStorageWithClients(storage.NewUserStore(server.URL),
		map[string]*storage.Client{"suiyue": storage.WebClient("suiyue", identitytest.Secret, redirect)})}, nil, false)

	p, err := identitygate.NewOIDC(identitygate.OIDCConfig{
		Name: "other", Issuer: server.URL, ClientID: "suiyue", ClientSecret: identitytest.Secret, RedirectURI: redirect,
		Scopes: []string{"openid", "profile", "phone"}, Mapping: identitygate.StandardMapping(), AllowPlain: true, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	signIn := func() (identitygate.Pending, url.Values) {
		t.Helper()
		to, pending, err := p.Start(t.Context(), identitygate.Return{Path: "/book", Locale: "en"})
		if err != nil {
			t.Fatal(err)
		}
		return pending, otherLogin(t, to)
	}

	pending, back := signIn()
	claims, err := p.Finish(t.Context(), pending, back)
	if err != nil {
		t.Fatal(err)
	}
	if claims.Subject != "id2" || claims.Name != "Test User2" || claims.Level != identity.Verified ||
		claims.Document != (identity.Document{Kind: identity.TaiwanPermit, Number: "00000001"}) {
		t.Error("the claims are not those vouched for")
	}
	_, err = p.Finish(t.Context(), pending, back)
	identitytest.Expect(t, err, identitygate.Refused)

	pending, back = signIn()
	pending.Verifier = strings.Repeat("v", 43)
	_, err = p.Finish(t.Context(), pending, back)
	identitytest.Expect(t, err, identitygate.Refused)

	pending, back = signIn()
	pending.Nonce = "other"
	_, err = p.Finish(t.Context(), pending, back)
	identitytest.Expect(t, err, identitygate.Mismatch)

	if to := p.SignOutURL(""); !strings.HasPrefix(to, server.URL+"/end_session?client_id=suiyue") {
		t.Error("no sign-out address was discovered")
	}
}

// otherLogin signs in at the provider's own form and gives the query that comes back.
func otherLogin(t *testing.T, to string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var back *url.URL
	browser := &http.Client{Jar: jar, Timeout: 5 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/callback" {
			back = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	resp, err := browser.Get(to)
	if err != nil {
		t.Fatal(err)
	}
	body := make([]byte, 64<<10)
	n, _ := resp.Body.Read(body)
	_ = resp.Body.Close()
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindSubmatch(body[:n])
	if id == nil {
		t.Fatalf("no login form, status %d", resp.StatusCode)
	}
	resp, err = browser.PostForm(resp.Request.URL.Scheme+"://"+resp.Request.URL.Host+"/login/username", url.Values{
		"id": {string(id[1])}, "username": {"test-user2"}, "password": {"verysecure"},
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if back == nil {
		t.Fatalf("the provider did not send the browser back, status %d", resp.StatusCode)
	}
	return back.Query()
}
