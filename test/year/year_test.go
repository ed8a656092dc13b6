// Package year makes a past year of the city on PostgreSQL, serves it and measures what administrators and the public read of it.
package year

import (
	"context"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/pgtest"
	"suiyue/test/town"
)

const (
	requests = 30                     // of each page by each administrator
	bound    = 500 * time.Millisecond // for 95 of 100
)

// pages are the dashboards and tables of the console; who may not see one is told so, and it is left out for them.
var pages = []string{
	"/console", "/console/picture", "/console/wall", "/console/figures", "/console/figures?span=month", "/console/figures/measures", "/console/alerts",
	"/console/forecast", "/console/bulletins", "/console/letters", "/console/ledger", "/console/requests", "/console/suggestions", "/console/displaced",
	"/console/cases", "/console/sources", "/console/halls", "/console/directory", "/console/accounts", "/console/filings", "/console/yearly",
	"/console/assessment", "/console/log", "/console/retention", "/console/operation", "/console/missed", "/console/sanctions", "/console/serve",
}

var public = []string{"/", "/open-data", "/open-data/catalog.json", "/api/v1/open-data"}

// A made year is served within half a second a page, is in order, and its figures are the same again. Without
// SUIYUE_YEAR it is a week of few halls, which bounds nothing in time; with it the year at that scale.
// SUIYUE_YEAR_DATABASE takes one that was made before, whose key file is SUIYUE_YEAR_KEYS; SUIYUE_YEAR_AGAIN is the first date
// whose figures are counted anew, all of them without it.
func TestAMadeYearIsInOrderAndReadInTime(t *testing.T) {
	dir := t.TempDir()
	binary, err := town.Build(dir)
	if err != nil {
		t.Fatal(err)
	}
	scale, long := os.Getenv("SUIYUE_YEAR"), true
	to := "2025-12-31"
	if scale == "" {
		scale, long, to = "0.003", false, "2025-01-06"
	}
	database, keys := os.Getenv("SUIYUE_YEAR_DATABASE"), os.Getenv("SUIYUE_YEAR_KEYS")
	run := func(args ...string) string {
		t.Helper()
		began := time.Now()
		out, err := town.Command(binary, append(args, "--database", database, "--key-file", keys)...).CombinedOutput()
		t.Logf("suiyue %s (%.1f s)\n%s", args[0], time.Since(began).Seconds(), out)
		if err != nil {
			t.Errorf("%s: %v", args[0], err)
		}
		return string(out)
	}
	if database == "" {
		database, keys = pgtest.New(t), filepath.Join(dir, "keys")
		run("simulate", "--scale", scale, "--to", to)
	}
	run("doctor")
	from := "2025-01-01"
	if again := os.Getenv("SUIYUE_YEAR_AGAIN"); again != "" {
		from = again
	}
	run("figures", "--again", "--from", from, "--to", to)
	if long { // a week has no past to tell anything from
		run("anomalies")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := town.Start(ctx, "http://"+address, town.Command(binary, "serve", "--demo", "--identity", "dev", "--listen", address, "--database", database,
		"--key-file", keys, "--address-rate", "0", "--account-rate", "0", "--log-level", "warn"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	// The city is looked at on its last day, as far back as a demonstration goes: what dashboards show is what was made.
	if long {
		resp, err := http.PostForm(p.URL+"/demo/clock", url.Values{"to": {"day"}, "date": {to}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		t.Logf("seen on %s: status %d", to, resp.StatusCode)
	}
	n := 2
	if long {
		n = requests
	}
	measure(t, "public", http.DefaultClient, p.URL, public, n, long)
	for _, who := range administrators(t, p.URL) {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		c := &http.Client{Jar: jar}
		resp, err := c.PostForm(p.URL+"/demo/administrators", url.Values{"account": {who.id}, "return": {"/console"}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		measure(t, who.rank, c, p.URL, pages, n, long)
		if who.rank == "platform-2" {
			freeze(t, c, p.URL, to[:len("2025-12")], long)
		}
	}
}

type administrator struct{ rank, id string }

var (
	accountField = regexp.MustCompile(`data-rank="([^"]+)"[^<]*<button[^>]* name="account" value="([^"]+)"`)
	hiddenField  = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
	unitOption   = regexp.MustCompile(`<option value="(\d+)"`)
)

// administrators returns one account of each rank of a demonstration.
func administrators(t *testing.T, at string) (out []administrator) {
	t.Helper()
	body, _, _ := get(t, http.DefaultClient, at+"/demo/administrators")
	seen := map[string]bool{}
	for _, m := range accountField.FindAllStringSubmatch(body, -1) {
		if !seen[m[1]] {
			seen[m[1]] = true
			out = append(out, administrator{m[1], html.UnescapeString(m[2])})
		}
	}
	if len(out) != len(account.Ranks) {
		t.Fatalf("accounts of %d ranks are ready, of %d there are", len(out), len(account.Ranks))
	}
	return out
}

// freeze has the bulletin of a month drafted for each unit there is one of: each within a minute (Art. 21). In a small
// part of the city some have no figures to draft it of.
func freeze(t *testing.T, c *http.Client, at, month string, every bool) {
	t.Helper()
	const form = "/console/bulletins/new"
	body, _, _ := get(t, c, at+form)
	fields := url.Values{"period": {month}}
	for _, m := range hiddenField.FindAllStringSubmatch(body, -1) {
		fields.Set(m[1], html.UnescapeString(m[2]))
	}
	units := unitOption.FindAllStringSubmatch(body, -1)
	if len(units) == 0 {
		t.Fatal("no unit to draft a bulletin of")
	}
	var all, most time.Duration
	for _, u := range units {
		fields.Set("unit", u[1])
		began := time.Now()
		resp, err := c.PostForm(at+form, fields)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		took := time.Since(began)
		all, most = all+took, max(most, took)
		if resp.StatusCode == http.StatusConflict && !every {
			continue
		}
		if resp.StatusCode != http.StatusOK || resp.Request.URL.Path == form {
			t.Errorf("the bulletin of %s, %s: status %d at %s", u[1], month, resp.StatusCode, resp.Request.URL.Path)
		}
	}
	t.Logf("bulletins of %s: %d units in %d ms, one at most %d ms", month, len(units), all.Milliseconds(), most.Milliseconds())
	if most > time.Minute {
		t.Errorf("a bulletin took %s", most)
	}
}

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func get(t *testing.T, c *http.Client, at string) (body string, status int, took time.Duration) {
	t.Helper()
	began := time.Now()
	resp, err := c.Get(at)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), resp.StatusCode, time.Since(began)
}

// measure reads each page n times after a first, and holds it against the bound if asked to.
func measure(t *testing.T, who string, c *http.Client, at string, list []string, n int, bounded bool) {
	t.Helper()
	seen := 0
	for _, path := range list {
		_, status, first := get(t, c, at+path)
		if status >= 500 {
			t.Errorf("%s %s: status %d", who, path, status)
		}
		if status != http.StatusOK {
			continue
		}
		seen++
		took := make([]time.Duration, n)
		for i := range took {
			_, _, took[i] = get(t, c, at+path)
		}
		slices.Sort(took)
		half, most := took[n/2], took[min(n*95/100, n-1)]
		t.Logf("%-12s %-32s first %4d ms, p50 %4d ms, p95 %4d ms", who, path, first.Milliseconds(), half.Milliseconds(), most.Milliseconds())
		if bounded && most > bound {
			t.Errorf("%s %s: p95 %s", who, path, most)
		}
	}
	if seen == 0 {
		t.Errorf("%s sees no page at all", who)
	}
}
