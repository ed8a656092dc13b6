package console

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
	"suiyue/internal/web"
)

// long is how many rows the list has: more than what lies between a server and a reader who does not read.
const long = 20_000

// takers is a console whose ledger is long, and readers whose connections hold little.
type takers struct {
	*apptest.Fixture
	site   *web.Site
	url    string
	client *http.Client
	n      int
}

func newTakers(t *testing.T) *takers {
	t.Helper()
	f := apptest.New(t, apptest.Options{})
	list := make([]store.LedgerEntry, long)
	for i := range list {
		list[i] = store.LedgerEntry{
			ID: fmt.Sprintf("L%d", 10_000_000+i), Kind: supply.LateRequest, Request: fmt.Sprintf("R%d", 10_000_000+i), HallID: apptest.HallCity, UnitID: "agency-social",
			Level: directory.CityHall, Detail: store.LedgerDetail{Appeal: strings.Repeat("=words ", 30)},
		}
	}
	if err := f.DB.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.AddLedger(t.Context(), list); return err }); err != nil {
		t.Fatal(err)
	}
	k := &takers{Fixture: f, site: web.New(web.Options{Log: slog.New(slog.DiscardHandler), Now: f.Clock.Now, Page: FaultPage, Timeout: time.Second})}
	mux := http.NewServeMux()
	New(Config{App: f.App, Site: k.site, Cookies: web.NewCookies(false, make([]byte, 32)).Of("console"), Sealer: f.Vault, Public: apptest.Public}).Register(mux)
	srv := httptest.NewUnstartedServer(k.site.Wrap(mux))
	srv.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		c.(*net.TCPConn).SetWriteBuffer(64 << 10)
		return ctx
	}
	srv.Start()
	t.Cleanup(srv.Close)
	k.url = srv.URL
	k.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			err = c.(*net.TCPConn).SetReadBuffer(64 << 10)
		}
		return c, err
	}}}
	return k
}

func (k *takers) ask(t *testing.T, o *apptest.Operator, method, path string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, k.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "suiyue-console", Value: o.Token})
	resp, err := k.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// begin takes the ledger away and reads a little of it; the server has more than it can send.
func (k *takers) begin(t *testing.T, o *apptest.Operator, format string) (id string, resp *http.Response) {
	t.Helper()
	k.n++
	id = strings.Repeat("a", 25) + string(rune('a'+k.n))
	resp = k.ask(t, o, "GET", "/console/ledger."+format+"?export="+id)
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	if _, err := io.CopyN(io.Discard, resp.Body, 8<<10); err != nil {
		t.Fatal(err)
	}
	return id, resp
}

// state is what the pages of its owner say of a file.
func (k *takers) state(t *testing.T, o *apptest.Operator, id string) takenNow {
	t.Helper()
	e, err := k.App.ExportOf(t.Context(), &app.Admin{Account: account.Account{ID: o.ID}}, id)
	if err != nil {
		t.Fatal(err)
	}
	return howFar(web.Hans, e)
}

// settled waits until a file has ended.
func (k *takers) settled(t *testing.T, o *apptest.Operator, id string, want app.ExportState) {
	t.Helper()
	var now takenNow
	for range 600 {
		if now = k.state(t, o, id); now.Done {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if now.State != string(want) || want != app.ExportWhole && now.Percent == 100 {
		t.Errorf("the page says %+v, want %s", now, want)
	}
}

func TestAListThatIsNotWholeIsCutOffAndSaysSo(t *testing.T) {
	t.Parallel()
	k := newTakers(t)
	o := k.OpenAdmin(t, account.Platform1, "440100000000")
	gone := k.OpenAdmin(t, account.Platform2, "440100000000")
	for name, c := range map[string]struct {
		who  *apptest.Operator
		do   func(t *testing.T, id string)
		want app.ExportState
	}{
		"nothing happens": {o, func(*testing.T, string) {}, app.ExportWhole},
		"who takes it cancels it": {o, func(t *testing.T, id string) {
			if err := k.App.CancelExport(t.Context(), k.As(t, o), id); err != nil {
				t.Fatal(err)
			}
		}, app.ExportCancelled},
		"the account is closed": {gone, func(t *testing.T, _ string) {
			if err := k.DB.Update(t.Context(), func(tx *store.Tx) error {
				row, err := tx.Account(t.Context(), gone.ID)
				if err != nil {
					return err
				}
				row.State = account.Closed
				_, err = tx.SaveAccount(t.Context(), row)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}, app.ExportStopped},
	} {
		t.Run(name, func(t *testing.T) {
			id, resp := k.begin(t, c.who, "csv")
			if now := k.state(t, c.who, id); now.Done || now.State != string(app.ExportRunning) {
				t.Errorf("before: %+v", now)
			}
			c.do(t, id)
			time.Sleep(1200 * time.Millisecond) // it is looked once a second whether it is to go on
			_, err := io.Copy(io.Discard, resp.Body)
			if whole := err == nil; whole != (c.want == app.ExportWhole) {
				t.Errorf("read to its end: %v", err)
			}
			k.settled(t, c.who, id, c.want)
		})
	}
	t.Run("whoever reads goes away", func(t *testing.T) {
		id, resp := k.begin(t, o, "xlsx")
		resp.Body.Close()
		k.settled(t, o, id, app.ExportBroken)
	})
	t.Run("one too many", func(t *testing.T) {
		var ids []string
		for range 8 {
			id, _ := k.begin(t, o, "csv")
			ids = append(ids, id)
		}
		resp := k.ask(t, o, "GET", "/console/ledger.csv")
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || strings.HasPrefix(resp.Header.Get("Content-Type"), "text/csv") {
			t.Errorf("the ninth: %s, %v", resp.Status, resp.Header)
		}
		for _, id := range ids {
			if now := k.state(t, o, id); now.Done {
				t.Errorf("one of the eight: %+v", now)
			}
		}
	})
}

func TestAListEndsSoonWhenTheServerIsAboutToStop(t *testing.T) {
	t.Parallel()
	k := newTakers(t)
	o := k.OpenAdmin(t, account.Platform1, "440100000000")
	quick, resp := k.begin(t, o, "csv")
	slow, held := k.begin(t, o, "csv")
	k.site.Drain()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil { // it has ten seconds
		t.Errorf("one that is read was cut off: %v", err)
	}
	k.settled(t, o, quick, app.ExportWhole)
	time.Sleep(11 * time.Second)
	if _, err := io.Copy(io.Discard, held.Body); err == nil {
		t.Error("one that nobody reads came to its end")
	}
	k.settled(t, o, slow, app.ExportStopped)
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// The digest that stands beside a whole file is that of what came, and a file is its owner's only.
func TestAWholeListIsWhatItsDigestSays(t *testing.T) {
	t.Parallel()
	k := newTakers(t)
	o, other := k.OpenAdmin(t, account.Platform1, "440100000000"), k.OpenAdmin(t, account.Platform2, "440100000000")
	id := strings.Repeat("b", 26)
	resp := k.ask(t, o, "GET", "/console/ledger.csv?export="+id)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(string(body))).ReadAll()
	if err != nil || len(lines) != long+1 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	e, err := k.App.ExportOf(t.Context(), k.As(t, o), id)
	if err != nil || e.Digest != digestOf(body) || e.Bytes != int64(len(body)) || e.Written != long || e.Counted != long {
		t.Errorf("%+v, %v", e, err)
	}
	var acts []string
	for _, act := range k.Acts(t, "ledger", "") {
		if strings.HasPrefix(act, "file.") {
			acts = append(acts, act)
		}
	}
	if strings.Join(acts, " ") != "file.export file.exported" && strings.Join(acts, " ") != "file.exported file.export" {
		t.Errorf("the log has %v", acts)
	}
	for _, path := range []string{"/console/exports/" + id, "/console/exports/" + strings.Repeat("c", 26)} {
		r := k.ask(t, other, "GET", path)
		r.Body.Close()
		if r.StatusCode != http.StatusNotFound {
			t.Errorf("%s of somebody else's: %s", path, r.Status)
		}
	}
	mine := k.ask(t, o, "GET", "/console/exports/"+id)
	defer mine.Body.Close()
	var now takenNow
	if err := json.NewDecoder(mine.Body).Decode(&now); err != nil || !now.Done || now.Percent != 100 {
		t.Errorf("%+v %v", now, err)
	}
	again := k.ask(t, o, "GET", "/console/ledger.csv?export="+id)
	again.Body.Close()
	if again.StatusCode != http.StatusConflict {
		t.Errorf("the same file once more: %s", again.Status)
	}
	if err := k.App.CancelExport(t.Context(), k.As(t, o), id); err != nil {
		t.Errorf("cancelling what is whole: %v", err)
	}
	k.settled(t, o, id, app.ExportWhole)
}
