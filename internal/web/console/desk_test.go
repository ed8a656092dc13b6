package console_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
	"suiyue/internal/web"
	"suiyue/internal/web/console"
)

// desk is the console of the small city, and an administrator of every rank signed in to it.
type desk struct {
	*testing.T
	*apptest.Fixture
	handler http.Handler
}

var units = map[account.Rank]string{
	account.Platform1: "440100000000", account.Platform2: "440100000000", account.Municipal1: "agency-social", account.Municipal2: "agency-social",
	account.District1: apptest.DistrictA, account.District2: apptest.StreetA, account.District3: apptest.VillageA,
	account.System: "440100000000", account.Security: "440100000000", account.Audit: "440100000000",
}

func newDesk(t *testing.T) *desk {
	d := &desk{T: t, Fixture: apptest.New(t, apptest.Options{})}
	for rank, unit := range units {
		d.open(string(rank), rank, unit)
	}
	d.handler = serve(d.Fixture)
	return d
}

// serve makes the pages of the console over an App.
func serve(f *apptest.Fixture) http.Handler {
	site := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Now: f.Clock.Now, Page: console.FaultPage})
	mux := http.NewServeMux()
	console.New(console.Config{
		App: f.App, Site: site, Cookies: web.NewCookies(false, []byte(strings.Repeat("k", 32))).Of("console"), Sealer: f.Vault, Public: apptest.Public, Tiles: map[string][2]int{apptest.DistrictA: {0, 0}, apptest.DistrictB: {1, 1}},
	}).Register(mux)
	return site.Wrap(mux)
}

// open makes an account and signs it in; the token is the account's name.
func (d *desk) open(id string, rank account.Rank, unit string) {
	d.Helper()
	if err := d.DB.Update(context.Background(), func(tx *store.Tx) error {
		ctx := context.Background()
		err := tx.AddAccount(ctx, store.Account{
			Account: account.Account{ID: id, Rank: rank, Unit: unit, State: account.Open, Version: 1, OpenedAt: tx.Now}, Mobile: "mobile of " + id, Sealed: []byte{1}, CreatedAt: tx.Now,
		})
		if err != nil {
			return err
		}
		return tx.AddAdminSession(ctx, store.AdminSession{
			TokenHash: d.Vault.TokenHash(id), ID: "session of " + id, Account: id, CreatedAt: tx.Now, SeenAt: tx.Now, ProvedAt: tx.Now, ExpiresAt: tx.Now.Add(12 * time.Hour),
		})
	}); err != nil {
		d.Fatal(err)
	}
}

// get opens a page as somebody, in English.
func (d *desk) get(who account.Rank, path string) *httptest.ResponseRecorder {
	d.Helper()
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Accept-Language", "en")
	r.AddCookie(&http.Cookie{Name: "suiyue-console", Value: string(who)})
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	if strings.Contains(w.Body.String(), "⟦") {
		d.Errorf("%s: a sentence is missing: %.60s", path, w.Body.String()[strings.Index(w.Body.String(), "⟦"):])
	}
	return w
}

// page is get for a page that must be there.
func (d *desk) page(who account.Rank, path string) string {
	d.Helper()
	w := d.get(who, path)
	if w.Code != 200 {
		d.Fatalf("%s opens %s: %d", who, path, w.Code)
	}
	return w.Body.String()
}

var rowLink = regexp.MustCompile(`<th scope="row"><a class="cell" href="/console/halls/([^"?/]+)"`)

// listed are the ids of the halls that a list shows, in its order.
func listed(page string) (ids []string) {
	for _, m := range rowLink.FindAllStringSubmatch(page, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

// Art. 8 to 10: whoever looks sees the halls that are theirs, on every page, and does not learn that
// there are others.
func TestArt8to10_TheConsoleShowsOnesOwnHalls(t *testing.T) {
	d := newDesk(t)
	all := []string{apptest.HallCity, apptest.HallA, apptest.HallB, apptest.HallStreet, apptest.HallVillage}
	want := map[account.Rank][]string{
		account.Platform1: all, account.Platform2: all[:3], account.Municipal1: all[:1], account.Municipal2: all[:1],
		account.District1: {apptest.HallA, apptest.HallStreet, apptest.HallVillage}, account.District2: all[3:], account.District3: all[4:],
	}
	for rank := range units {
		mine := want[rank]
		if list := d.get(rank, "/console/halls"); mine == nil {
			if list.Code != 403 {
				t.Errorf("%s opens the list of halls: %d", rank, list.Code)
			}
		} else if got := listed(list.Body.String()); !slices.Equal(got, mine) {
			t.Errorf("%s is shown %v, want %v", rank, got, mine)
		}
		for _, h := range all {
			for _, page := range []string{"", "/capacity", "/capacity.csv", "/capacity.xlsx"} {
				status := 404
				if slices.Contains(mine, h) {
					status = 200
				}
				if got := d.get(rank, "/console/halls/"+h+page).Code; got != status {
					t.Errorf("%s opens %s%s: %d, want %d", rank, h, page, got, status)
				}
			}
			name := d.App.City().Hall(h).Name.En
			for _, page := range []string{"/console", "/console/jump?q=hall", "/console/jump.json?q=hall", "/console/halls?view=tree&unit=" + apptest.StreetA} {
				if w := d.get(rank, page); !slices.Contains(mine, h) && strings.Contains(w.Body.String(), name) {
					t.Errorf("%s learns of %s on %s", rank, name, page)
				}
			}
		}
	}
}

func TestListsKeepTheirStateInTheAddress(t *testing.T) {
	d := newDesk(t)
	who := account.Platform1
	slots := d.FreeSlots(apptest.QueueB)
	for i := range 3 { // three people book at B
		_, citizen := d.SignIn(t, apptest.Citizen(i+1))
		if _, err := d.App.Book(t.Context(), citizen, app.BookRequest{
			Key: fmt.Sprintf("list-%04d", i), Item: apptest.SocialCard, SlotID: slots[i], Stage: directory.Acceptance, Applicant: app.Applicant{Kind: "self"}, Channel: "web",
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"", []string{apptest.HallCity, apptest.HallA, apptest.HallB, apptest.HallStreet, apptest.HallVillage}},
		{"?sort=name", []string{apptest.HallCity, apptest.HallVillage, apptest.HallA, apptest.HallB, apptest.HallStreet}},
		{"?sort=-name", []string{apptest.HallStreet, apptest.HallB, apptest.HallA, apptest.HallVillage, apptest.HallCity}},
		{"?level=district&sort=-booked", []string{apptest.HallB, apptest.HallA}},
		{"?level=district&sort=booked", []string{apptest.HallA, apptest.HallB}},
		{"?district=" + apptest.DistrictA + "&level=village", []string{apptest.HallVillage}},
		{"?unit=" + apptest.StreetA, []string{apptest.HallStreet, apptest.HallVillage}},
		{"?q=" + apptest.HallB[:6], []string{apptest.HallB}},
		{"?q=station", []string{apptest.HallVillage}},
		{"?open=no", nil},
		{"?sort=nonsense&level=nonsense&page=-3", []string{apptest.HallCity, apptest.HallA, apptest.HallB, apptest.HallStreet, apptest.HallVillage}},
		{"?page=99", []string{apptest.HallCity, apptest.HallA, apptest.HallB, apptest.HallStreet, apptest.HallVillage}},
	} {
		if got := listed(d.page(who, "/console/halls"+c.query)); !slices.Equal(got, c.want) {
			t.Errorf("%q lists %v, want %v", c.query, got, c.want)
		}
	}
	page := d.page(who, "/console/halls?level=district&sort=-booked")
	for _, want := range []string{
		`aria-sort="descending"><a href="/console/halls?level=district&amp;sort=booked"`,          // the other way round
		`<option value="district" selected>`, `<input type="hidden" name="sort" value="-booked">`, // a filter keeps the sort
		`href="/console/halls.csv?level=district&amp;sort=-booked"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the list has no %s", want)
		}
	}
}

// A name that a spreadsheet would run is text in every file; whoever takes one away has proved who
// they are, and it is written down.
func TestFilesAreInertProvenAndRecorded(t *testing.T) {
	d := newDesk(t)
	evil := `=HYPERLINK("http://example.org","x")`
	if err := d.DB.Update(t.Context(), func(tx *store.Tx) error {
		h := *d.App.City().Hall(apptest.HallB)
		h.Name = directory.Text{Hans: evil, En: evil}
		return tx.SaveHalls(t.Context(), []directory.Hall{h})
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.App.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	who := account.Platform1
	if page := d.page(who, "/console/halls"); strings.Contains(page, " download") {
		t.Error("a link that may lead to a proof must not save what it leads to")
	}
	w := d.get(who, "/console/halls.csv")
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") || !bytes.HasPrefix(w.Body.Bytes(), []byte("\xef\xbb\xbf")) {
		t.Fatal(w.Code, w.Header())
	}
	rows, err := csv.NewReader(bytes.NewReader(w.Body.Bytes()[3:])).ReadAll()
	if err != nil || len(rows) != 6 {
		t.Fatal(err, len(rows))
	}
	if got := rows[3][1]; got != "'"+evil {
		t.Errorf("CSV has %q", got)
	}
	w = d.get(who, "/console/halls.xlsx?level=district")
	f, err := excelize.OpenReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if lines, err := f.GetRows("Sheet1"); err != nil || len(lines) != 3 || lines[2][1] != evil || lines[2][0] != apptest.HallB {
		t.Errorf("XLSX has %v, %v", lines, err)
	}
	if formula, err := f.GetCellFormula("Sheet1", "B3"); err != nil || formula != "" {
		t.Errorf("XLSX runs %q, %v", formula, err)
	}
	w = d.get(who, "/console/halls/"+apptest.HallA+"/capacity.csv")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "09:00–10:00") {
		t.Errorf("capacity: %d", w.Code)
	}
	if got := d.Acts(t, "halls", ""); !slices.Equal(got, []string{"file.export", "file.export"}) {
		t.Errorf("the log has %v of lists of halls", got)
	}
	if got := d.Acts(t, "capacity", apptest.HallA); !slices.Equal(got, []string{"file.export"}) {
		t.Errorf("the log has %v of capacity", got)
	}
	d.Clock.Add(app.ReproveAfter + time.Second)
	if w := d.get(who, "/console/halls.csv"); w.Code != 303 || !strings.HasPrefix(w.Header().Get("Location"), "/console/prove?") {
		t.Errorf("a proof too old: %d %s", w.Code, w.Header().Get("Location"))
	}
	if got := d.Acts(t, "halls", ""); len(got) != 2 {
		t.Errorf("the log has %v after a refusal", got)
	}
}

// Art. 23: what waits for a decision stands on the first page of who decides, with the hours left, and
// is marked once they are over; it does not stand on anybody else's.
func TestArt23_TodayListsWhatWaitsWithTheHoursLeft(t *testing.T) {
	d := newDesk(t)
	ad, err := d.App.Admin(t.Context(), string(account.District3))
	if err != nil {
		t.Fatal(err)
	}
	filed, err := d.App.FileRequest(t.Context(), ad, app.Asked{
		Targets: []app.Target{{Hall: apptest.HallVillage}},
		Change:  supply.Change{Kind: supply.Capacity, From: calendarDay(12), Total: 21, Source: "counted by hand"}, Reason: "more people come",
	})
	if err != nil {
		t.Fatal(err)
	}
	link := `href="/console/requests/` + filed[0].ID + `"`
	for _, page := range []string{"/console", "/console/requests", "/console/requests/" + filed[0].ID} { // one deadline reads the same everywhere
		d.says(d.page(account.District2, page), "tomorrow 23:59", "38 hours left")
	}
	if page := d.page(account.District2, "/console"); !strings.Contains(page, link) || !strings.Contains(page, "hours left") {
		t.Errorf("the street's second level does not see %s", link)
	}
	for rank := range units {
		if rank != account.District2 && strings.Contains(d.page(rank, "/console"), link) {
			t.Errorf("%s is shown what is not theirs to decide", rank)
		}
	}
	d.Clock.Set(filed[0].DueAt.Add(90 * time.Minute))
	d.signInAgain(account.District2)
	if page := d.page(account.District2+" again", "/console"); !strings.Contains(page, "2 hours overdue") || !strings.Contains(page, `class="urgent"`) {
		t.Error("what is overdue is not marked")
	}
	for _, page := range []string{"/console/requests", "/console/requests/" + filed[0].ID} {
		d.says(d.page(account.District2+" again", page), "2 hours overdue")
	}
	d.Clock.Set(filed[0].DueAt.Add(-30 * time.Minute))
	for _, page := range []string{"/console", "/console/requests", "/console/requests/" + filed[0].ID} {
		d.says(d.page(account.District2+" again", page), "today 23:59", "1 hour left")
	}
}

func TestFaultsOfTheConsoleSayWhatToDoNext(t *testing.T) {
	d := newDesk(t)
	for path, want := range map[string]string{
		"/console/nowhere":                    `href="/console"`,
		"/console/halls/" + apptest.HallB:     `href="/console"`,
		"/console/halls/nowhere/capacity":     `href="/console"`,
		"/console/halls/x/capacity?queue=%20": `href="/console"`,
	} {
		w := d.get(account.District1, path)
		body := w.Body.String()
		if w.Code != 404 || !strings.Contains(body, want) || !strings.Contains(body, `class="bare"`) || strings.Count(body, "<h1") != 1 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := d.get(account.District1, "/console/halls/"+apptest.HallA+"/capacity?queue="+apptest.QueueB); w.Code != 404 {
		t.Errorf("a queue of another hall: %d", w.Code)
	}
	if w := d.get("nobody", "/console"); w.Code != 303 || w.Header().Get("Location") != "/console/sign-in?return=%2Fconsole" {
		t.Errorf("nobody: %d %s", w.Code, w.Header().Get("Location"))
	}
}

// The map of hours is a table without scripts, and what it shows is what is booked.
func TestArt15_CapacityByHourAndDay(t *testing.T) {
	d := newDesk(t)
	path := "/console/halls/" + apptest.HallA + "/capacity?queue=" + apptest.QueueA
	before := d.page(account.District1, path)
	if strings.Contains(before, "style=") {
		t.Error("the page has styles that its policy refuses")
	}
	slot := d.FreeSlots(apptest.QueueA)[0]
	_, citizen := d.SignIn(t, apptest.Citizen(1))
	if _, err := d.App.Book(t.Context(), citizen, app.BookRequest{
		Key: "capacity-0001", Item: apptest.SocialCard, SlotID: slot, Stage: directory.Acceptance, Applicant: app.Applicant{Kind: "self"}, Channel: "web",
	}); err != nil {
		t.Fatal(err)
	}
	said := "Wed 25 Nov, 09:00–10:00: capacity 9, booked %d, on-site 1"
	if after := d.page(account.District1, path); !strings.Contains(before, fmt.Sprintf(said, 0)) || !strings.Contains(after, fmt.Sprintf(said, 1)) {
		t.Errorf("the map does not say "+said, 1)
	}
}

// calendarDay is a day of December 2026.
func calendarDay(day int) calendar.Date { return calendar.MakeDate(2026, time.December, day) }

// signInAgain opens a new session of an account under the same token.
func (d *desk) signInAgain(id account.Rank) {
	d.Helper()
	if err := d.DB.Update(context.Background(), func(tx *store.Tx) error {
		return tx.AddAdminSession(context.Background(), store.AdminSession{
			TokenHash: d.Vault.TokenHash(string(id) + " again"), ID: "second of " + string(id), Account: string(id), CreatedAt: tx.Now, SeenAt: tx.Now, ProvedAt: tx.Now, ExpiresAt: tx.Now.Add(12 * time.Hour),
		})
	}); err != nil {
		d.Fatal(err)
	}
}
