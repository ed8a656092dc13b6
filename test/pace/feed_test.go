package pace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/gate/cipher"
	"suiyue/internal/pgtest"
	"suiyue/internal/web"
	"suiyue/internal/web/api"
)

// fewest is how many records a second are taken at least: an eighth of what two quiet cores are to do (5,000).
const fewest = 600

// Connected systems send full batches, through the API as it is served and with the product's own ciphers: nine in ten
// are bookings of people, each with a claim of its own, and the rest is what becomes of them.
func TestRecordsOfConnectedSystemsAreTakenInTime(t *testing.T) {
	const systems, batches = 4, 12
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			o := apptest.Options{Source: apptest.SQLite(t)}
			if engine == "postgres" {
				o.Source = pgtest.New(t)
			}
			dir := t.TempDir()
			if err := cipher.CreateKEK(filepath.Join(dir, "kek")); err != nil {
				t.Fatal(err)
			}
			ring, err := cipher.Create(filepath.Join(dir, "ring"), cipher.KEKFile(filepath.Join(dir, "kek")))
			if err != nil {
				t.Fatal(err)
			}
			o.Change = func(c *app.Config) { c.Vault = coded{ring} }
			f := apptest.New(t, o)
			site := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Now: f.Clock.Now})
			face, mux := api.New(api.Config{App: f.App, Site: site, Cookies: web.NewCookies(false, bytes.Repeat([]byte("k"), 32)), Key: bytes.Repeat([]byte("k"), 32)}), http.NewServeMux()
			face.Mount(mux)
			handler := site.Wrap(mux)

			admin := f.OpenAdmin(t, account.District1, apptest.DistrictA)
			token, _, err := f.App.CreateToken(t.Context(), f.As(t, admin), "feed", []app.Scope{app.ScopeFeed}, 1)
			if err != nil {
				t.Fatal(err)
			}
			bodies := make([][][]byte, systems)
			for s := range systems {
				id, err := f.App.ConnectSource(t.Context(), f.As(t, admin), apptest.DistrictA, oversight.Source{
					Name: fmt.Sprint("system ", s), Kinds: oversight.RecordKinds, Halls: []string{apptest.HallA}, Delay: time.Hour, Silence: time.Hour,
				})
				if err != nil {
					t.Fatal(err)
				}
				for b := range batches {
					bodies[s] = append(bodies[s], batch(t, f, s*batches+b))
				}
				t.Logf("%s: %d bytes a batch", id, len(bodies[s][0]))
			}
			began := time.Now()
			var all sync.WaitGroup
			for s, list := range bodies {
				all.Go(func() {
					for _, body := range list {
						r := httptest.NewRequest(http.MethodPost, fmt.Sprintf("%s/sources/S%04d/records", api.Prefix, s+1), bytes.NewReader(body))
						r.Header.Set("Authorization", "Bearer "+token)
						r.Header.Set("Content-Type", "application/json")
						w := httptest.NewRecorder()
						handler.ServeHTTP(w, r)
						if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"accepted":500,`) {
							t.Errorf("system %d: %d %.300s", s, w.Code, w.Body)
							return
						}
					}
				})
			}
			all.Wait()
			spent := time.Since(began)
			rate := float64(systems*batches*500) / spent.Seconds()
			t.Logf("%s: %d records of %d systems in %.2f s, %.0f a second", engine, systems*batches*500, systems, spent.Seconds(), rate)
			if rate < fewest {
				t.Errorf("%.0f records a second", rate)
			}
		})
	}
}

// coded is a keyring with codes as people read them.
type coded struct{ *cipher.Keyring }

func (c coded) CodeOf(n uint64) string { return cipher.FormatCode(c.Keyring.CodeOf(n)) }

// batch is the nth full batch of records: no two have the same person or row.
func batch(t *testing.T, f *apptest.Fixture, n int) []byte {
	t.Helper()
	at := f.Clock.Now().Format(time.RFC3339)
	list := make([]any, 500)
	for i := range list {
		serial := n*500 + i
		r := map[string]any{"row": fmt.Sprintf("r-%08d", serial), "version": 1, "at": at, "hall": apptest.HallA, "date": fmt.Sprintf("2026-12-%02d", 1+serial%9), "seq": serial + 1}
		if i%10 == 9 {
			r["kind"], r["state"], r["booking"] = "check_in", "arrived", fmt.Sprintf("r-%08d", serial-1)
		} else {
			r["kind"], r["state"], r["hour"], r["item"] = "booking", "booked", 9+serial%3, apptest.SocialCard
			r["applicant"] = map[string]any{"kind": "self", "name": "陈示例", "phone": "13800000000", "document": map[string]any{"kind": "resident_id", "number": apptest.Citizen(serial).Document.Number}}
		}
		list[i] = r
	}
	body, err := json.Marshal(map[string]any{"records": list})
	if err != nil {
		t.Fatal(err)
	}
	return body
}
