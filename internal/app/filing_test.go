package app_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
)

const (
	rootUnit = "440100000000"
	bureau   = "agency-social"
)

func opening(r account.Rank, unit string, p account.Person) app.FilingRequest {
	return app.FilingRequest{Kind: account.FileOpen, Rank: r, Unit: unit, Person: p}
}

// decide confirms or refuses an application as the operator sees it.
func decide(t *testing.T, f *apptest.Fixture, o *apptest.Operator, id string, confirm bool, why string) (app.FilingOutcome, error) {
	t.Helper()
	return f.App.DecideFiling(t.Context(), f.As(t, o), id, 1, confirm, why)
}

func TestArt11_TheSuperiorConfirmsAndTheAccountOpens(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		city, district, street := f.OpenAdmin(t, account.Platform1, ""), f.OpenAdmin(t, account.District1, apptest.DistrictA), f.OpenAdmin(t, account.District2, apptest.StreetA)
		p := apptest.Person()
		out, err := f.App.File(ctx, f.As(t, district), opening(account.District3, apptest.VillageA, p))
		if err != nil || out.State != account.FilingWaiting || out.Link != nil {
			t.Fatalf("the district files for a village whose street confirms: %+v, %v", out, err)
		}
		for who, want := range map[*apptest.Operator]fault.Code{district: fault.RequestOwn, city: fault.RequestNotYours} {
			if _, err := decide(t, f, who, out.ID, true, ""); fault.CodeOf(err) != want {
				t.Errorf("%s: %v, want %s", who.ID, err, want)
			}
		}
		got, err := decide(t, f, street, out.ID, true, "")
		if err != nil || got.State != account.FilingConfirmed || got.Link == nil {
			t.Fatalf("the street confirms: %+v, %v", got, err)
		}
		texts := f.Texts.Sent()
		if last := texts[len(texts)-1]; last.Phone != p.Mobile || last.Kind != "admin_link" || last.Args["link"] != got.Link.URL {
			t.Errorf("the person was sent %+v", last)
		}
		o := f.Open(t, *got.Link, p)
		if ad := f.As(t, o); ad.Account.Rank != account.District3 || ad.Account.Unit != apptest.VillageA || !f.App.May(ad, account.Adjust, apptest.HallVillage) {
			t.Errorf("opened: %+v", ad.Account)
		}
		if _, err := decide(t, f, street, out.ID, true, ""); fault.CodeOf(err) != fault.FilingDecided {
			t.Errorf("confirmed again: %v", err)
		}
		if acts := f.Acts(t, "account", o.ID); !slices.Equal(acts, []string{"account.create", "account.open"}) {
			t.Errorf("in the log: %v", acts)
		}
	})
}

func TestArt11_WhoMayFile(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	who := map[string]*apptest.Operator{}
	for name, c := range map[string]struct {
		rank account.Rank
		unit string
	}{
		"platform 1": {account.Platform1, ""}, "platform 2": {account.Platform2, ""}, "agency 1": {account.Municipal1, bureau}, "agency 2": {account.Municipal2, bureau},
		"district": {account.District1, apptest.DistrictA}, "other district": {account.District1, apptest.DistrictB}, "district hall": {account.District2, apptest.DistrictA},
		"street": {account.District2, apptest.StreetA}, "village": {account.District3, apptest.VillageA}, "clerk": {account.Clerk, apptest.VillageA},
		"system": {account.System, ""}, "security": {account.Security, ""}, "audit": {account.Audit, ""},
	} {
		who[name] = f.OpenAdmin(t, c.rank, c.unit)
	}
	// What each may open, and whether it is open at once: written out by hand.
	want := map[string]string{
		"platform 1": "platform-2? municipal-1! municipal-2? district-1! district-2? district-3? clerk?",
		"agency 1":   "municipal-2!", "district": "district-2! district-3? clerk?", "street": "district-3! clerk!",
		"security": "platform-1? platform-2? system? security? audit?",
	}
	units := map[account.Rank]string{
		account.Municipal1: bureau, account.Municipal2: bureau, account.District1: apptest.DistrictA, account.District2: apptest.StreetA, account.District3: apptest.VillageA, account.Clerk: apptest.VillageA,
	}
	for name, o := range who {
		for _, r := range account.Ranks {
			unit := units[r]
			if unit == "" {
				unit = rootUnit
			}
			out, err := f.App.File(t.Context(), f.As(t, o), opening(r, unit, apptest.Person()))
			got := ""
			switch {
			case err == nil && out.Link != nil:
				got = "!"
			case err == nil:
				got = "?"
			case fault.CodeOf(err) != fault.NotAllowed:
				t.Errorf("%s files %s: %v", name, r, err)
			}
			expect := ""
			for _, w := range strings.Fields(want[name]) {
				if w[:len(w)-1] == string(r) {
					expect = w[len(w)-1:]
				}
			}
			if got != expect {
				t.Errorf("%s files %s: %q, want %q (! open at once, ? waits)", name, r, got, expect)
			}
		}
	}
	for name, c := range map[string]struct {
		r    app.FilingRequest
		want fault.Code
	}{
		"a street's rank at a village":    {opening(account.District2, apptest.VillageA, apptest.Person()), fault.RankNotHere},
		"another district's street":       {opening(account.District1, apptest.DistrictB, apptest.Person()), fault.NotAllowed},
		"no such unit":                    {opening(account.District2, "440103009000", apptest.Person()), fault.UnitNotFound},
		"no name":                         {opening(account.District2, apptest.StreetA, account.Person{Duty: "x", Mobile: "13900007777"}), fault.InvalidRequest},
		"a mobile that is none":           {opening(account.District2, apptest.StreetA, account.Person{Name: "陈示范", Duty: "x", Mobile: "12345"}), fault.InvalidRequest},
		"a mobile that has an account":    {opening(account.District2, apptest.StreetA, who["street"].Person), fault.AccountTaken},
		"the mobile of the audit account": {opening(account.District2, apptest.StreetA, who["audit"].Person), fault.AccountTaken},
		"another kind":                    {app.FilingRequest{Kind: "rename", Rank: account.District2, Unit: apptest.StreetA, Person: apptest.Person()}, fault.AccountNotFound},
	} {
		if _, err := f.App.File(t.Context(), f.As(t, who["district"]), c.r); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestArt11_WithoutAStreetTheDistrictConfirms(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		district := f.OpenAdmin(t, account.District1, apptest.DistrictA)
		out, err := f.App.File(t.Context(), f.As(t, district), opening(account.District3, apptest.VillageA, apptest.Person()))
		if err != nil || out.Link == nil {
			t.Errorf("nobody is nearer: %+v, %v", out, err)
		}
	})
}

func TestArt11_ARefusalNeedsAReason(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		street, district := f.OpenAdmin(t, account.District2, apptest.StreetA), f.OpenAdmin(t, account.District1, apptest.DistrictA)
		p := apptest.Person()
		out, err := f.App.File(ctx, f.As(t, street), app.FilingRequest{Kind: account.FileHandover, Account: street.ID, Person: p})
		if err != nil || out.State != account.FilingWaiting {
			t.Fatal(err)
		}
		if _, err := f.App.File(ctx, f.As(t, street), app.FilingRequest{Kind: account.FileHandover, Account: street.ID, Person: apptest.Person()}); fault.CodeOf(err) != fault.FilingWaits {
			t.Errorf("filed twice: %v", err)
		}
		if _, err := decide(t, f, district, out.ID, false, " "); fault.CodeOf(err) != fault.InvalidRequest {
			t.Errorf("refused without a reason: %v", err)
		}
		if got, err := decide(t, f, district, out.ID, false, "手机号不对"); err != nil || got.State != account.FilingRefused {
			t.Fatal(err)
		}
		v, err := f.App.Filing(ctx, f.As(t, street), out.ID)
		if err != nil || v.Why != "手机号不对" || v.Opened != "" {
			t.Errorf("%+v, %v", v, err)
		}
		if _, err := f.App.Admin(ctx, street.Token); err != nil {
			t.Errorf("the old account after a refused handover: %v", err)
		}
		out, err = f.App.File(ctx, f.As(t, street), app.FilingRequest{Kind: account.FileHandover, Account: street.ID, Person: p})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.App.WithdrawFiling(ctx, f.As(t, district), out.ID); fault.CodeOf(err) != fault.FilingNotFound {
			t.Errorf("the superior withdraws: %v", err)
		}
		if err := f.App.WithdrawFiling(ctx, f.As(t, street), out.ID); err != nil {
			t.Error(err)
		}
		if _, err := decide(t, f, district, out.ID, true, ""); fault.CodeOf(err) != fault.FilingDecided {
			t.Errorf("confirmed after it was withdrawn: %v", err)
		}
	})
}

func TestArt11_AHandoverIsOneStep(t *testing.T) {
	aloneOnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		other, err := app.New(ctx, app.Config{DB: f.DB, Vault: f.Vault, Now: f.Clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		city, old := f.OpenAdmin(t, account.Platform1, ""), f.OpenAdmin(t, account.District1, apptest.DistrictA)
		street := f.OpenAdmin(t, account.District2, apptest.StreetA)
		token, _, err := f.App.CreateToken(ctx, f.As(t, old), "排班", []app.Scope{app.ScopeRead}, 30)
		if err != nil {
			t.Fatal(err)
		}
		// Something waits for the district's decision, and somebody has its page open.
		waiting, err := f.App.File(ctx, f.As(t, street), app.FilingRequest{Kind: account.FileMobile, Account: street.ID, Person: account.Person{Mobile: "13700000001"}})
		if err != nil {
			t.Fatal(err)
		}
		open := f.As(t, old)
		p := apptest.Person()
		out, err := f.App.File(ctx, f.As(t, old), app.FilingRequest{Kind: account.FileHandover, Account: old.ID, Person: p, Reason: "轮岗"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decide(t, f, old, out.ID, true, ""); fault.CodeOf(err) != fault.RequestOwn {
			t.Errorf("its own: %v", err)
		}
		if _, err := other.Admin(ctx, old.Token); err != nil {
			t.Fatalf("before it is confirmed: %v", err)
		}
		got, err := decide(t, f, city, out.ID, true, "")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := other.Admin(ctx, old.Token); fault.CodeOf(err) != fault.SessionEnded || time.Since(began) > time.Second {
			t.Errorf("the old account's session on another node: %v after %v", err, time.Since(began))
		}
		if _, err := other.AdminByToken(ctx, token); fault.CodeOf(err) != fault.SessionEnded {
			t.Errorf("its token on another node: %v", err)
		}
		if _, err := f.App.SignInAdmin(ctx, old.ID, apptest.Password); fault.CodeOf(err) != fault.PasswordWrong {
			t.Errorf("it signs in again: %v", err)
		}
		if _, err := f.App.DecideFiling(ctx, open, waiting.ID, 1, true, ""); fault.CodeOf(err) != fault.SessionEnded {
			t.Errorf("a decision begun before the handover: %v", err)
		}
		next := f.Open(t, *got.Link, p)
		before, err := f.App.AccountByID(ctx, f.As(t, city), old.ID)
		if err != nil || before.State != account.Closed || before.Successor != next.ID || before.ClosedAt.IsZero() {
			t.Errorf("the old account: %+v, %v", before, err)
		}
		if now := f.As(t, next).Account; now.Predecessor != old.ID || now.Unit != apptest.DistrictA || now.Rank != account.District1 {
			t.Errorf("the new account: %+v", now)
		}
		// What waited passes on.
		if got, err := decide(t, f, next, waiting.ID, true, ""); err != nil || got.State != account.FilingConfirmed {
			t.Errorf("the new person decides what waited: %+v, %v", got, err)
		}
		if said := f.Texts.Sent(); !slices.ContainsFunc(said, func(s apptest.Text) bool {
			return s.Kind == "admin_mobile" && s.Phone == street.Person.Mobile && maps.Equal(s.Args, map[string]string{"account": street.ID, "mobile": "137****0001"})
		}) {
			t.Errorf("the mobile before was told nothing, or too much: %+v", said[len(said)-1])
		}
		if _, err := f.App.SignInAdmin(ctx, "13700000001", apptest.Password); err != nil {
			t.Errorf("the street signs in with its new mobile: %v", err)
		}
		if _, err := f.App.SignInAdmin(ctx, street.Person.Mobile, apptest.Password); fault.CodeOf(err) != fault.PasswordWrong {
			t.Errorf("and with the old one: %v", err)
		}
		if acts := f.Acts(t, "account", old.ID); acts[len(acts)-1] != "account.handover" {
			t.Errorf("in the log: %v", acts)
		}
	})
}

// Who takes over takes over the applications too: they are the same in the eyes of the rule that
// nobody decides their own.
func TestArt23_WhoTookOverDoesNotDecideThePredecessorsFiling(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	ctx := t.Context()
	one, two := f.OpenAdmin(t, account.Security, ""), f.OpenAdmin(t, account.Security, "")
	filed, err := f.App.File(ctx, f.As(t, one), opening(account.Audit, rootUnit, apptest.Person()))
	if err != nil || filed.Link != nil {
		t.Fatalf("platform and operation take two people: %+v, %v", filed, err)
	}
	p := apptest.Person()
	handover, err := f.App.File(ctx, f.As(t, one), app.FilingRequest{Kind: account.FileHandover, Account: one.ID, Person: p})
	if err != nil {
		t.Fatal(err)
	}
	out, err := decide(t, f, two, handover.ID, true, "")
	if err != nil {
		t.Fatal(err)
	}
	next := f.Open(t, *out.Link, p)
	if _, err := decide(t, f, next, filed.ID, true, ""); fault.CodeOf(err) != fault.RequestOwn {
		t.Errorf("the successor confirms: %v", err)
	}
	if _, err := decide(t, f, two, filed.ID, true, ""); err != nil {
		t.Errorf("the second security administrator confirms: %v", err)
	}
}

func TestArt11_TwoConfirmAtOnceOneWins(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		one, two := f.OpenAdmin(t, account.District1, apptest.DistrictA), f.OpenAdmin(t, account.District1, apptest.DistrictA)
		street := f.OpenAdmin(t, account.District2, apptest.StreetA)
		out, err := f.App.File(t.Context(), f.As(t, street), app.FilingRequest{Kind: account.FileHandover, Account: street.ID, Person: apptest.Person()})
		if err != nil {
			t.Fatal(err)
		}
		admins := []*app.Admin{f.As(t, one), f.As(t, two), f.As(t, one), f.As(t, two)}
		var wg sync.WaitGroup
		var mu sync.Mutex
		got := map[fault.Code]int{}
		for i, ad := range admins {
			wg.Go(func() {
				_, err := f.App.DecideFiling(t.Context(), ad, out.ID, 1, i != 3, "人员不符")
				mu.Lock()
				got[fault.CodeOf(err)]++
				mu.Unlock()
			})
		}
		if wg.Wait(); got[""] != 1 || got[fault.FilingDecided] != 3 {
			t.Errorf("%v; want one that wins and three that are told", got)
		}
	})
}

func TestArt11_OnePersonHoldsOneAccountAlsoAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		district, other := f.OpenAdmin(t, account.District1, apptest.DistrictA), f.OpenAdmin(t, account.District1, apptest.DistrictB)
		p := apptest.Person()
		requests := []struct {
			ad   *app.Admin
			unit string
		}{{f.As(t, district), apptest.DistrictA}, {f.As(t, district), apptest.StreetA}, {f.As(t, other), apptest.DistrictB}}
		var wg sync.WaitGroup
		var mu sync.Mutex
		got := map[fault.Code]int{}
		for _, r := range requests {
			wg.Go(func() {
				_, err := f.App.File(t.Context(), r.ad, opening(account.District2, r.unit, p))
				mu.Lock()
				got[fault.CodeOf(err)]++
				mu.Unlock()
			})
		}
		if wg.Wait(); got[""] != 1 || got[fault.AccountTaken] != 2 {
			t.Errorf("%v", got)
		}
	})
}

func TestArt11_AResetIsTheSuperiorsAndLeavesATrace(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		district, street, stranger := f.OpenAdmin(t, account.District1, apptest.DistrictA), f.OpenAdmin(t, account.District2, apptest.StreetA), f.OpenAdmin(t, account.District1, apptest.DistrictB)
		security := f.OpenAdmin(t, account.Security, "")
		for name, c := range map[string]struct {
			who  *apptest.Operator
			id   string
			want fault.Code
		}{
			"oneself": {street, street.ID, fault.NotAllowed}, "below": {street, district.ID, fault.AccountNotFound}, "another district": {stranger, street.ID, fault.AccountNotFound},
			"security, not of the platform": {security, street.ID, fault.NotAllowed}, "nobody": {district, "A999999", fault.AccountNotFound},
		} {
			if _, err := f.App.ResetAccount(ctx, f.As(t, c.who), c.id, "换手机"); fault.CodeOf(err) != c.want {
				t.Errorf("%s: %v, want %s", name, err, c.want)
			}
		}
		if _, err := f.App.ResetAccount(ctx, f.As(t, district), street.ID, ""); fault.CodeOf(err) != fault.InvalidRequest {
			t.Errorf("without a reason: %v", err)
		}
		link, err := f.App.ResetAccount(ctx, f.As(t, district), street.ID, "换手机")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.App.Admin(ctx, street.Token); fault.CodeOf(err) != fault.SessionEnded {
			t.Errorf("the session of before: %v", err)
		}
		if _, err := f.App.SignInAdmin(ctx, street.ID, apptest.Password); fault.CodeOf(err) != fault.PasswordWrong {
			t.Errorf("the password of before: %v", err)
		}
		again := f.Open(t, link, street.Person)
		if f.As(t, again).Account.ID != street.ID {
			t.Error("a reset makes another account")
		}
		d, err := f.App.AccountByID(ctx, f.As(t, district), street.ID)
		if err != nil || len(d.History) < 2 || d.History[1].Act != "account.reset" || d.History[1].Why != "换手机" || d.History[1].Account != district.ID {
			t.Errorf("history: %+v, %v", d.History, err)
		}
		// A lock-out is ended by the superior or the security role.
		for range 5 {
			f.App.SignInAdmin(ctx, street.ID, "Wrong-password-2026")
		}
		if err := f.App.UnlockAccount(ctx, f.As(t, stranger), street.ID, "本人申请"); fault.CodeOf(err) != fault.AccountNotFound {
			t.Errorf("another district unlocks: %v", err)
		}
		if err := f.App.UnlockAccount(ctx, f.As(t, security), street.ID, "本人申请"); err != nil {
			t.Fatal(err)
		}
		if _, err := f.App.SignInAdmin(ctx, street.ID, apptest.Password); err != nil {
			t.Errorf("after the lock was ended: %v", err)
		}
	})
}

func TestArt11_ClosingEndsEverythingAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		district, street := f.OpenAdmin(t, account.District1, apptest.DistrictA), f.OpenAdmin(t, account.District2, apptest.StreetA)
		ad := f.As(t, street)
		if _, err := f.App.File(ctx, f.As(t, district), app.FilingRequest{Kind: account.FileClose, Account: street.ID}); fault.CodeOf(err) != fault.InvalidRequest {
			t.Errorf("without a reason: %v", err)
		}
		if _, err := f.App.File(ctx, ad, app.FilingRequest{Kind: account.FileClose, Account: street.ID, Reason: "离职"}); fault.CodeOf(err) != fault.RequestOwn {
			t.Errorf("its own: %v", err)
		}
		out, err := f.App.File(ctx, f.As(t, district), app.FilingRequest{Kind: account.FileClose, Account: street.ID, Reason: "离职"})
		if err != nil || out.State != account.FilingConfirmed {
			t.Fatal(err)
		}
		if _, err := f.App.Admin(ctx, street.Token); fault.CodeOf(err) != fault.SessionEnded {
			t.Errorf("its session: %v", err)
		}
		if _, err := f.App.File(ctx, ad, opening(account.District3, apptest.VillageA, apptest.Person())); fault.CodeOf(err) != fault.SessionEnded {
			t.Errorf("what it had begun: %v", err)
		}
		for _, kind := range []account.FilingKind{account.FileClose, account.FileMobile, account.FileHandover} {
			if _, err := f.App.File(ctx, f.As(t, district), app.FilingRequest{Kind: kind, Account: street.ID, Reason: "离职", Person: apptest.Person()}); fault.CodeOf(err) != fault.AccountClosed {
				t.Errorf("%s of a closed account: %v", kind, err)
			}
		}
		// The person may hold another account now.
		if _, err := f.App.File(ctx, f.As(t, district), opening(account.District2, apptest.StreetA, street.Person)); err != nil {
			t.Errorf("the same person, later: %v", err)
		}
	})
}

func TestArt11_BulkFilingIsAllOrNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		district := f.OpenAdmin(t, account.District1, apptest.DistrictA)
		template, err := f.App.BulkTemplate(ctx, f.As(t, district), func(n directory.Text) string { return n.Hans })
		if err != nil || template != "\ufeffunit,unit_name,rank,name,duty,mobile\n440103001000,甲一街,district-2,,,\n440103001001,甲一社区,district-3,,,\n440103000000,甲区,clerk,,,\n" {
			t.Fatalf("%q, %v", template, err)
		}
		one, two := apptest.Person(), apptest.Person()
		table := func(lines ...string) string { return "unit,rank,name,duty,mobile\n" + strings.Join(lines, "\n") + "\n" }
		line := func(unit, rank string, p account.Person) string {
			return fmt.Sprintf("%s,%s,%s,%s,%s", unit, rank, p.Name, p.Duty, p.Mobile)
		}
		_, faults, err := f.App.FileBulk(ctx, f.As(t, district), strings.NewReader(table(
			line(apptest.StreetA, "district-2", one),
			line(apptest.DistrictB, "district-2", two),
			line(apptest.VillageA, "district-2", apptest.Person()),
			line(apptest.StreetA, "district-2", district.Person),
			line("nowhere", "district-2", apptest.Person()))))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, e := range faults {
			got += fmt.Sprintf("%d %s %s; ", e.Line, e.Column, e.Code)
		}
		if got != "3 unit unit_not_found; 4 rank rank_not_at_this_unit; 5 mobile mobile_has_an_account; 6 unit unit_not_found; " {
			t.Errorf("faults: %s", got)
		}
		if _, n, err := f.App.Accounts(ctx, f.As(t, district), app.AccountFilter{Limit: 10}); err != nil || n != 1 {
			t.Errorf("%d accounts after a table with faults, %v", n, err)
		}
		out, faults, err := f.App.FileBulk(ctx, f.As(t, district), strings.NewReader(table(line(apptest.StreetA, "district-2", one), line(apptest.VillageA, "district-3", two))))
		if err != nil || len(faults) > 0 || len(out.Links) != 2 || out.Waiting != 0 {
			t.Fatalf("%+v %v %v", out, faults, err)
		}
		f.Open(t, out.Links[1], two)
		if again, err := f.App.BulkTemplate(ctx, f.As(t, district), func(n directory.Text) string { return n.Hans }); err != nil || strings.Count(again, "\n") != 2 {
			t.Errorf("the template once all have one: %q, %v", again, err)
		}
	})
}

func TestAccountsAreListedWithinTheirScope(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		who := map[string]*apptest.Operator{
			"city": f.OpenAdmin(t, account.Platform1, ""), "agency": f.OpenAdmin(t, account.Municipal1, bureau), "agency2": f.OpenAdmin(t, account.Municipal2, bureau),
			"a": f.OpenAdmin(t, account.District1, apptest.DistrictA), "b": f.OpenAdmin(t, account.District1, apptest.DistrictB), "hall": f.OpenAdmin(t, account.District2, apptest.DistrictA),
			"street": f.OpenAdmin(t, account.District2, apptest.StreetA), "village": f.OpenAdmin(t, account.District3, apptest.VillageA), "security": f.OpenAdmin(t, account.Security, ""),
		}
		want := map[string]string{
			"city": "city agency agency2 a b hall street village", "agency": "agency agency2", "a": "a hall street village", "b": "b", "hall": "hall", "street": "street village",
			"security": "city agency agency2 a b hall street village security",
		}
		for name, o := range who {
			ad := f.As(t, o)
			page, total, err := f.App.Accounts(ctx, ad, app.AccountFilter{Sort: "id", Limit: 50})
			if want[name] == "" {
				if fault.CodeOf(err) != fault.NotAllowed {
					t.Errorf("%s lists: %v", name, err)
				}
			} else if err != nil || total != len(page) {
				t.Fatalf("%s: %d of %d, %v", name, len(page), total, err)
			}
			seen := map[string]bool{o.ID: true} // one's own is always there by its number
			for _, v := range page {
				seen[v.ID] = true
				if v.Name != "陈**" {
					t.Errorf("%s sees a name: %s", name, v.Name)
				}
			}
			for other, p := range who {
				in := slices.Contains(strings.Fields(want[name]), other) || other == name
				if seen[p.ID] != in {
					t.Errorf("%s lists %s: %t", name, other, seen[p.ID])
				}
				if _, err := f.App.AccountByID(ctx, ad, p.ID); (err == nil) != in {
					t.Errorf("%s opens %s: %v", name, other, err)
				}
			}
		}
		a := f.As(t, who["a"])
		for filter, want := range map[string]app.AccountFilter{
			"1 rank": {Rank: account.District3, Limit: 9}, "4 state": {State: account.Open, Limit: 9}, "0 closed": {State: account.Closed, Limit: 9}, "2 unit": {Unit: apptest.DistrictA, Limit: 9}, "1 id": {ID: strings.ToLower(who["a"].ID), Limit: 9},
		} {
			if _, n, err := f.App.Accounts(ctx, a, want); err != nil || fmt.Sprint(n) != filter[:1] {
				t.Errorf("%s: %d, %v", filter, n, err)
			}
		}
		page, total, err := f.App.Accounts(ctx, a, app.AccountFilter{Sort: "rank", Desc: true, From: 1, Limit: 2})
		if err != nil || total != 4 || len(page) != 2 || page[0].Rank != account.District2 {
			t.Errorf("sorted and paged: %+v, %d, %v", page, total, err)
		}
		// A name is shown one by one, to whom names may be shown, and that is entered in the log.
		p, err := f.App.RevealAccount(ctx, a, who["village"].ID)
		if err != nil || p.Name != "陈示范" {
			t.Errorf("%+v, %v", p, err)
		}
		if acts := f.Acts(t, "account", who["village"].ID); acts[len(acts)-1] != "account.reveal" {
			t.Errorf("in the log: %v", acts)
		}
		for _, name := range []string{"city", "security"} {
			if _, err := f.App.RevealAccount(ctx, f.As(t, who[name]), who["village"].ID); fault.CodeOf(err) != fault.NotAllowed {
				t.Errorf("%s reveals: %v", name, err)
			}
		}
		if _, err := f.App.RevealAccount(ctx, f.As(t, who["b"]), who["village"].ID); fault.CodeOf(err) != fault.AccountNotFound {
			t.Errorf("another district reveals: %v", err)
		}
	})
}
