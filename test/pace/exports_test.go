package pace

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/supply"
	"suiyue/internal/pgtest"
	"suiyue/internal/store"
	"suiyue/internal/web"
	"suiyue/internal/web/console"
)

// mostGrowth is how much more the server's heap may hold while it sends a list, garbage among it, however long that
// is. What reads the file in this process is counted in.
const mostGrowth = 32 << 20

// exported is how many rows are taken away: SUIYUE_EXPORT, 50,000 where nothing else is said.
func exported(t *testing.T) int {
	if s := os.Getenv("SUIYUE_EXPORT"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 50_000
}

// A list of a million rows is taken away as CSV and as XLSX in flat memory, past the time limits of server and
// request, each row once and in order, while others write. It is written down as whole, with the digest of what came.
func TestLongListsAreTakenAwayInFlatMemory(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			source := apptest.SQLite(t)
			if engine == "postgres" {
				source = pgtest.New(t)
			}
			n := exported(t)
			f := apptest.New(t, apptest.Options{Source: source})
			manyBreaches(t, f, engine, n)
			o := f.OpenAdmin(t, account.Platform1, "440100000000")
			srv := impatient(f)
			defer srv.Close()
			for _, format := range []string{"csv", "xlsx"} {
				takeAway(t, f, srv.URL, o.Token, engine, format, n)
			}
		})
	}
}

// impatient is the console on a server whose time limits are a second each.
func impatient(f *apptest.Fixture) *httptest.Server {
	site := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Now: f.Clock.Now, Page: console.FaultPage, Timeout: time.Second})
	mux := http.NewServeMux()
	console.New(console.Config{App: f.App, Site: site, Cookies: web.NewCookies(false, make([]byte, 32)).Of("console"), Sealer: f.Vault, Public: apptest.Public}).Register(mux)
	srv := httptest.NewUnstartedServer(site.Wrap(mux))
	web.Harden(srv.Config)
	srv.Config.ReadTimeout, srv.Config.WriteTimeout = time.Second, time.Second
	srv.Start()
	return srv
}

// manyBreaches enters n breaches of one hall.
func manyBreaches(t *testing.T, f *apptest.Fixture, engine string, n int) {
	t.Helper()
	const atOnce = 5000
	began := time.Now()
	for done := 0; done < n; done += atOnce {
		list := make([]store.LedgerEntry, 0, atOnce)
		for i := done + 1; i <= min(n, done+atOnce); i++ {
			list = append(list, store.LedgerEntry{
				ID: fmt.Sprintf("L%d", 10_000_000+i), Kind: supply.LateRequest, Request: fmt.Sprintf("R%d", 10_000_000+i), Account: "P000001", HallID: apptest.HallCity,
				UnitID: "agency-social", Level: directory.CityHall, Detail: store.LedgerDetail{Appeal: "=1+1, and some more words of a reason"},
			})
		}
		if err := f.DB.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.AddLedger(t.Context(), list)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.DB.Analyze(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d rows made in %.1f s", engine, n, time.Since(began).Seconds())
}

// takeAway fetches the list once, while somebody enters breaches and changes those there are.
func takeAway(t *testing.T, f *apptest.Fixture, url, token, engine, format string, n int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var behind sync.WaitGroup
	var wrote atomic.Int64
	behind.Go(func() { // somebody writes
		for i := 0; ctx.Err() == nil; i++ {
			err := f.DB.Update(context.Background(), func(tx *store.Tx) error {
				e := store.LedgerEntry{ID: fmt.Sprintf("L9-%s-%d", format, i), Kind: supply.LateRequest, Request: fmt.Sprintf("N%s%d", format, i), HallID: apptest.HallCity, UnitID: "agency-social", Level: "municipal", State: supply.EntryOpen}
				if _, err := tx.AddLedger(ctx, []store.LedgerEntry{e}); err != nil {
					return err
				}
				at := fmt.Sprintf("L%d", 10000001+i*7919%n)
				was, err := tx.LedgerEntry(ctx, at)
				if err != nil || was == nil {
					return err
				}
				to := *was
				if to.State = supply.EntryOpen; was.State == supply.EntryOpen {
					to.State = supply.EntryAppealed
				}
				_, err = tx.SaveLedger(ctx, to, was.State)
				return err
			})
			if err != nil && ctx.Err() == nil {
				t.Error(err)
				return
			}
			wrote.Add(1)
			time.Sleep(5 * time.Millisecond)
		}
	})
	var base, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&base)
	peak := atomic.Uint64{}
	behind.Go(func() {
		for ctx.Err() == nil {
			runtime.ReadMemStats(&now)
			peak.Store(max(peak.Load(), now.HeapAlloc))
			time.Sleep(50 * time.Millisecond)
		}
	})
	id := strings.Repeat(format[:1], 25) + "a"
	if engine == "postgres" {
		id = strings.Repeat(format[:1], 25) + "b"
	}
	began := time.Now()
	resp := take(t, url+"/console/ledger."+format+"?export="+id, token)
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Fatalf("%s: %s", format, resp.Status)
	}
	path := filepath.Join(t.TempDir(), "list."+format)
	size := save(t, path, resp.Body)
	took := time.Since(began)
	stop()
	behind.Wait()
	grown := int64(peak.Load()) - int64(base.HeapAlloc)
	t.Logf("%s, %s: %d rows, %.1f MB in %.1f s, %.0f rows a second; heap %.1f MiB before, at most %.1f MiB more; %d changes meanwhile",
		engine, format, n, float64(size)/1e6, took.Seconds(), float64(n)/took.Seconds(), float64(base.HeapAlloc)/(1<<20), float64(grown)/(1<<20), wrote.Load())
	if grown > mostGrowth {
		t.Errorf("%s: the heap grew by %d MiB", format, grown>>20)
	}
	if wrote.Load() == 0 {
		t.Error("nobody wrote meanwhile")
	}
	seen := 0
	each := func(id string) { // what was entered meanwhile lies behind
		if strings.HasPrefix(id, "L9") {
			return
		}
		if want := fmt.Sprintf("L%d", 10000000+n-seen); id != want {
			t.Fatalf("%s: row %d is %s, want %s", format, seen+1, id, want)
		}
		seen++
	}
	if format == "csv" {
		idsOfCSV(t, path, each)
	} else {
		idsOfXLSX(t, path, each)
	}
	if seen != n {
		t.Errorf("%s: %d rows, want %d", format, seen, n)
	}
	state := take(t, url+"/console/exports/"+id, token)
	defer state.Body.Close()
	var is struct {
		State   string
		Percent int
	}
	if err := json.NewDecoder(state.Body).Decode(&is); err != nil || is.State != string(app.ExportWhole) || is.Percent != 100 {
		t.Errorf("%s: it is told to be %+v (%v)", format, is, err)
	}
}

func take(t *testing.T, url, token string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "suiyue-console", Value: token})
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func save(t *testing.T, path string, from io.Reader) int64 {
	t.Helper()
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	n, err := io.CopyBuffer(struct{ io.Writer }{out}, from, make([]byte, 64<<10))
	if err != nil {
		t.Fatalf("cut off after %d bytes: %v", n, err)
	}
	return n
}

func idsOfCSV(t *testing.T, path string, each func(string)) {
	t.Helper()
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	r := csv.NewReader(in)
	r.ReuseRecord = true
	for line := 0; ; line++ {
		row, err := r.Read()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if line > 0 {
			if each(row[0]); !strings.HasPrefix(row[0], "L9") && !strings.HasPrefix(row[9], "'=1+1") {
				t.Fatalf("a cell that calculates: %q", row[9])
			}
		}
	}
}

var firstCell = regexp.MustCompile(`<c r="A[0-9]+" t="inlineStr"><is><t xml:space="preserve">([^<]*)</t>`)

func idsOfXLSX(t *testing.T, path string, each func(string)) {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, part := range z.File {
		if !strings.HasPrefix(part.Name, "xl/worksheets/") {
			continue
		}
		in, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		rows := bufio.NewScanner(in)
		rows.Split(func(data []byte, end bool) (int, []byte, error) {
			if i := bytes.Index(data, []byte("</row>")); i >= 0 {
				return i + len("</row>"), data[:i], nil
			}
			if end {
				return len(data), nil, nil
			}
			return 0, nil, nil
		})
		for rows.Scan() {
			if m := firstCell.FindSubmatch(rows.Bytes()); m != nil { // a head has a style
				each(string(m[1]))
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		in.Close()
	}
}
