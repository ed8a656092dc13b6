package powers

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/supply"
	"suiyue/internal/pgtest"
	"suiyue/internal/store"
	"suiyue/internal/web"
	"suiyue/internal/web/api"
	"suiyue/internal/web/console"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// Units of the small city beside those of apptest: a sibling of each.
const (
	root     = "440100000000"
	agency   = "agency-social"
	agency2  = "agency-other"
	streetA2 = "440103002000"
	villageN = "440103001002" // next to VillageA, of the same street
	villageX = "440103002001" // of the other street
	streetB  = "440104001000"
	villageB = "440104001001"
)

// halls are the halls of the city by the names the table of expectations uses.
var halls = map[string]string{
	"city": apptest.HallCity, "city2": "h-city2", "dA": apptest.HallA, "dB": apptest.HallB, "sA": apptest.HallStreet, "sA2": streetA2,
	"vA": apptest.HallVillage, "vN": villageN, "vX": villageX, "sB": streetB, "vB": villageB,
}

// node is the product as one process serves it: API and console over real HTTP.
type node struct {
	app     *app.App
	api     *api.API
	console *console.Console
	cookies *web.Cookies
	server  *httptest.Server
	client  *http.Client
}

func newNode(t *testing.T, a *app.App, v *apptest.Vault, now func() time.Time) *node {
	t.Helper()
	key := bytes.Repeat([]byte("k"), 32)
	site := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Now: now, MaxBody: 1 << 20})
	n := &node{app: a, cookies: web.NewCookies(false, key)}
	n.api = api.New(api.Config{App: a, Site: site, Cookies: n.cookies, Key: key})
	n.console = console.New(console.Config{App: a, Site: site, Cookies: n.cookies.Of("console"), Sealer: v, Public: apptest.Public})
	mux := http.NewServeMux()
	n.api.Mount(mux)
	n.console.Register(mux)
	n.server = httptest.NewServer(site.Wrap(mux))
	t.Cleanup(n.server.Close)
	n.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return n
}

// town is the small city with somebody of every kind.
type town struct {
	*testing.T
	*apptest.Fixture
	node     *node
	requests map[string]string // hall → a request about it
	people   []*principal
	serial   int
}

func newTown(t *testing.T, source string) *town {
	t.Helper()
	key, err := app.NewLogKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	w := &town{T: t, Fixture: apptest.New(t, apptest.Options{Source: source, Change: func(c *app.Config) { c.LogKey = key }}), requests: map[string]string{}}
	name := directory.Text{Hans: "示例", Hant: "示例", En: "Sample"}
	hall := func(n int, id, unit string, level directory.HallLevel, district, street string) directory.Hall {
		return directory.Hall{ID: id, Number: n, UnitID: unit, Level: level, DistrictID: district, StreetID: street, Name: name, Initials: "sl", Address: name, Phone: "020-1", Open: true}
	}
	list := []directory.Hall{
		hall(11, "h-city2", agency2, directory.CityHall, "", ""),
		hall(12, streetA2, streetA2, directory.StreetHall, apptest.DistrictA, streetA2),
		hall(13, villageN, villageN, directory.VillageHall, apptest.DistrictA, apptest.StreetA),
		hall(14, villageX, villageX, directory.VillageHall, apptest.DistrictA, streetA2),
		hall(15, streetB, streetB, directory.StreetHall, apptest.DistrictB, streetB),
		hall(16, villageB, villageB, directory.VillageHall, apptest.DistrictB, streetB),
	}
	var queues []directory.Queue
	for _, h := range list {
		queues = append(queues, directory.Queue{
			ID: h.ID + "-general", HallID: h.ID, Line: "general", Name: name, Week: calendar.Week{Work: calendar.HoursOf(9, 10, 11, 13, 14, 15, 16)},
			DailyAverage: 7, AverageSource: "filed", OnSitePerMille: 100, Open: true,
		})
	}
	ctx := t.Context()
	w.do(func(tx *store.Tx) error {
		if err := tx.SaveUnits(ctx, []directory.Unit{
			{ID: agency2, ParentID: root, Kind: directory.Agency, Name: name},
			{ID: streetA2, ParentID: apptest.DistrictA, Kind: directory.Street, Name: name},
			{ID: villageN, ParentID: apptest.StreetA, Kind: directory.Village, Name: name},
			{ID: villageX, ParentID: streetA2, Kind: directory.Village, Name: name},
			{ID: streetB, ParentID: apptest.DistrictB, Kind: directory.Street, Name: name},
			{ID: villageB, ParentID: streetB, Kind: directory.Village, Name: name},
		}); err != nil {
			return err
		}
		if err := tx.SaveHalls(ctx, list); err != nil {
			return err
		}
		return tx.SaveQueues(ctx, queues)
	})
	if err := w.App.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := w.App.Prepare(ctx, nil); err != nil {
		t.Fatal(err)
	}
	w.node = newNode(t, w.App, w.Vault, w.Clock.Now)
	w.settle()
	w.ask()
	w.handOver()
	return w
}

func (w *town) do(fn func(*store.Tx) error) {
	w.Helper()
	if err := w.DB.Update(w.Context(), fn); err != nil {
		w.Fatal(err)
	}
}

// principal is one kind of somebody who asks.
type principal struct {
	name    string
	account account.Account // of an administrator
	citizen int             // serial of a person, 0 for none
	bearer  string          // a token nobody has given out, or an administrator's
	scopes  []app.Scope     // of that
}

// add opens an account.
func (w *town) add(id string, rank account.Rank, unit string, state account.State) account.Account {
	w.Helper()
	a := account.Account{ID: id, Rank: rank, Unit: unit, State: state, Version: 1, OpenedAt: w.Clock.Now()}
	w.serial++
	w.do(func(tx *store.Tx) error {
		return tx.AddAccount(w.Context(), store.Account{Account: a, Mobile: fmt.Sprintf("m%d", w.serial), Sealed: w.Vault.Seal([]byte(`{"name":"陈示范","duty":"管理员","mobile":"13900000000"}`), "account|"+id), CreatedAt: w.Clock.Now()})
	})
	return a
}

// settle makes the principals: each rank, a sibling of each, and those who may do nothing.
func (w *town) settle() {
	w.Helper()
	for _, p := range []struct {
		id   string
		rank account.Rank
		unit string
	}{
		{"P1", account.Platform1, root}, {"P2", account.Platform2, root},
		{"M1", account.Municipal1, agency}, {"M2", account.Municipal2, agency}, {"M1b", account.Municipal1, agency2}, {"M2b", account.Municipal2, agency2},
		{"D1", account.District1, apptest.DistrictA}, {"D1b", account.District1, apptest.DistrictB},
		{"D2d", account.District2, apptest.DistrictA}, {"D2db", account.District2, apptest.DistrictB},
		{"D2s", account.District2, apptest.StreetA}, {"D2sb", account.District2, streetA2},
		{"D3", account.District3, apptest.VillageA}, {"D3b", account.District3, villageN},
		{"Cm", account.Clerk, agency}, {"Cd", account.Clerk, apptest.DistrictA}, {"Cdb", account.Clerk, apptest.DistrictB}, {"Cs", account.Clerk, apptest.StreetA}, {"Cv", account.Clerk, apptest.VillageA},
		{"S", account.System, root}, {"K", account.Security, root}, {"A", account.Audit, root},
	} {
		w.people = append(w.people, &principal{name: p.id, account: w.add(p.id, p.rank, p.unit, account.Open)})
	}
	w.people = append(w.people,
		&principal{name: "closed", account: w.add("closed", account.District1, apptest.DistrictA, account.Closed)},
		&principal{name: "invited", account: w.add("invited", account.District1, apptest.DistrictA, account.Invited)},
		&principal{name: "anonymous"}, &principal{name: "owner", citizen: 1}, &principal{name: "other", citizen: 2},
		&principal{name: "kiosk", bearer: "kiosk-" + strings.Repeat("k", 40)}, &principal{name: "system-of-a-department", bearer: app.TokenPrefix + strings.Repeat("d", 43)})
}

// ask files a request about each hall, by accounts that are nobody's here.
func (w *town) ask() {
	w.Helper()
	city1, city2 := w.add("x1", account.Municipal2, agency, account.Open), w.add("x2", account.Municipal2, agency2, account.Open)
	a, b := w.add("x3", account.District1, apptest.DistrictA, account.Open), w.add("x4", account.District1, apptest.DistrictB, account.Open)
	for name, hall := range halls {
		who := map[string]account.Account{"city": city1, "city2": city2, "dB": b, "sB": b, "vB": b}[name]
		if who.ID == "" {
			who = a
		}
		day := calendar.MakeDate(2026, time.December, 7)
		list, err := w.App.FileRequest(w.Context(), &app.Admin{Account: who, Proved: w.Clock.Now()}, app.Asked{
			Targets: []app.Target{{Hall: hall}}, Reason: "装修", Change: supply.Change{Kind: supply.Close, From: day, To: day, Half: calendar.WholeDay},
		})
		if err != nil {
			w.Fatalf("a request about %s: %v", name, err)
		}
		w.requests[name] = list[0].ID
		h := w.App.City().Hall(hall)
		other := list[0]
		other.ID, other.Bundle = "R-"+name, "B-"+name // as if filed together with others
		w.do(func(tx *store.Tx) error {
			if err := tx.AddRequest(w.Context(), other); err != nil {
				return err
			}
			_, err := tx.AddLedger(w.Context(), []store.LedgerEntry{{
				ID: "L-" + name, Kind: supply.LateRequest, Request: list[0].ID, Account: who.ID, HallID: hall, UnitID: h.UnitID, DistrictID: h.DistrictID, StreetID: h.StreetID, Level: h.Level,
			}})
			return err
		})
	}
}

// handOver has a village's administrator file for a change of person, which their street decides.
func (w *town) handOver() {
	w.Helper()
	i := slices.IndexFunc(w.people, func(p *principal) bool { return p.name == "D3" })
	out, err := w.App.File(w.Context(), &app.Admin{Account: w.people[i].account, Proved: w.Clock.Now()}, app.FilingRequest{
		Kind: account.FileHandover, Account: "D3", Person: account.Person{Name: "林示范", Duty: "管理员", Mobile: "13911112222"}, Reason: "调动",
	})
	if err != nil {
		w.Fatal(err)
	}
	w.requests["filing"] = out.ID
}

// session signs an account in, whatever state it is in, with a proof of that age.
func (w *town) session(a account.Account, proof time.Duration) string {
	w.Helper()
	w.serial++
	token := fmt.Sprintf("session-%d-%s", w.serial, strings.Repeat("s", 32))
	now := w.Clock.Now()
	w.do(func(tx *store.Tx) error {
		return tx.AddAdminSession(w.Context(), store.AdminSession{
			TokenHash: w.Vault.TokenHash(token), ID: fmt.Sprintf("s%d", w.serial), Account: a.ID, CreatedAt: now, SeenAt: now, ProvedAt: now.Add(-proof), ExpiresAt: now.Add(time.Hour), Origin: "192.0.2.0/24",
		})
	})
	return token
}

// program makes a token of an account, whatever state and rank it has.
func (w *town) program(a account.Account, scopes ...app.Scope) string {
	w.Helper()
	w.serial++
	token := fmt.Sprintf("%s%d-%s", app.TokenPrefix, w.serial, strings.Repeat("t", 40))
	var names []string
	for _, s := range scopes {
		names = append(names, string(s))
	}
	now := w.Clock.Now()
	w.do(func(tx *store.Tx) error {
		return tx.AddAPIToken(w.Context(), store.APIToken{
			TokenHash: w.Vault.TokenHash(token), ID: fmt.Sprintf("t%d", w.serial), Account: a.ID, Name: "program", Scopes: strings.Join(names, ","), CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		})
	})
	return token
}

// citizen signs a person in.
func (w *town) citizen(serial int) string {
	w.Helper()
	token, _, err := w.App.SignIn(context.Background(), apptest.Citizen(serial))
	if err != nil {
		w.Fatal(err)
	}
	return token
}
