package powers

import (
	"net/http"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/store"
)

// A power taken away works within a second on every node: two processes over one database, asked all
// the time while one of them takes it away.
func TestAPowerTakenAwayWorksWithinASecondOnEveryNode(t *testing.T) {
	w := newTown(t, apptest.Postgres(t))
	second, err := app.New(t.Context(), app.Config{DB: w.DB, Vault: w.Vault, Now: w.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.Close)
	nodes := []*node{w.node, newNode(t, second, w.Vault, w.Clock.Now)}
	d2 := w.add("taken", account.District2, apptest.StreetA, account.Open)
	for _, c := range []struct {
		name string
		take func(*store.Tx) error
	}{
		{"the session is ended", func(tx *store.Tx) error { return tx.EndAdminSessions(t.Context(), d2.ID, "", "") }},
		{"the token is ended", func(tx *store.Tx) error {
			_, err := tx.EndAPITokens(t.Context(), d2.ID, "")
			return err
		}},
		{"the account is closed", func(tx *store.Tx) error {
			row, err := tx.Account(t.Context(), d2.ID)
			if err != nil {
				return err
			}
			row.State = account.Closed
			_, err = tx.SaveAccount(t.Context(), row)
			return err
		}},
	} {
		session, token := w.session(d2, 0), w.program(d2, app.Scopes...)
		look := func(n *node, byToken bool) int {
			s, b, path := session, "", "/console/halls/"+apptest.HallStreet
			if byToken {
				s, b, path = "", token, "/api/v1/admin/halls/"+apptest.HallStreet
			}
			was := w.node
			w.node = n
			defer func() { w.node = was }()
			r, _ := w.send(http.MethodGet, path, s, b, nil, "")
			return r.StatusCode
		}
		for i, n := range nodes {
			if look(n, false) != http.StatusOK || look(n, true) != http.StatusOK {
				t.Fatalf("%s: node %d does not know the account before", c.name, i)
			}
		}
		w.do(c.take)
		began := time.Now()
		for i, n := range nodes {
			for _, byToken := range []bool{false, true} {
				if byToken && c.name == "the session is ended" || !byToken && c.name == "the token is ended" {
					continue
				}
				for look(n, byToken) == http.StatusOK {
					if time.Since(began) > time.Second {
						t.Errorf("%s: node %d still lets in (token: %t) after a second", c.name, i, byToken)
						break
					}
				}
			}
		}
		t.Logf("%s: gone on both nodes after %v", c.name, time.Since(began).Round(time.Millisecond))
		if look(nodes[1], true) == http.StatusOK && c.name != "the session is ended" {
			t.Errorf("%s: it came back", c.name)
		}
	}
}
