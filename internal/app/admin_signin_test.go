package app_test

import (
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
)

func TestAdminSignInTakesPasswordAndCode(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		o := f.OpenAdmin(t, account.District1, apptest.DistrictA)
		for _, name := range []string{o.ID, " " + o.Person.Mobile, "+86 " + o.Person.Mobile} {
			half, err := f.App.SignInAdmin(ctx, name, apptest.Password)
			if err != nil {
				t.Fatalf("%q: %v", name, err)
			}
			f.Clock.Add(30 * time.Second)
			token, _, err := f.App.FinishSignIn(ctx, half, app.Factor{Code: f.Code(t, o.Secret)}, "192.0.2.0/24")
			if err != nil {
				t.Fatalf("%q: %v", name, err)
			}
			if ad, err := f.App.Admin(ctx, token); err != nil || ad.Account.ID != o.ID || f.App.Proven(ad) != nil {
				t.Errorf("%q: %+v, %v", name, ad, err)
			}
		}
		for _, c := range [][2]string{{o.ID, "Kapok-in-March-2027"}, {"A999999", apptest.Password}, {"13900999999", apptest.Password}, {"", apptest.Password}, {o.ID, ""}} {
			if _, err := f.App.SignInAdmin(ctx, c[0], c[1]); fault.CodeOf(err) != fault.PasswordWrong {
				t.Errorf("%v: %v", c, err)
			}
		}
	})
}

func TestACodeCountsOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		o := f.OpenAdmin(t, account.District1, apptest.DistrictA)
		try := func(code string) error {
			half, err := f.App.SignInAdmin(ctx, o.ID, apptest.Password)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = f.App.FinishSignIn(ctx, half, app.Factor{Code: code}, "")
			return err
		}
		if err := try(f.Code(t, o.Secret)); fault.CodeOf(err) != fault.PasswordWrong {
			t.Errorf("the code the account was opened with, again: %v", err)
		}
		f.Clock.Add(30 * time.Second)
		code := f.Code(t, o.Secret)
		if err := try(code); err != nil {
			t.Fatal(err)
		}
		if err := try(code); fault.CodeOf(err) != fault.PasswordWrong {
			t.Errorf("the same code again: %v", err)
		}
		f.Clock.Add(2 * time.Minute)
		if err := try(code); fault.CodeOf(err) != fault.PasswordWrong {
			t.Errorf("an old code: %v", err)
		}
		// Two at once with one code: one gets in.
		f.Clock.Add(30 * time.Second)
		code = f.Code(t, o.Secret)
		half, err := f.App.SignInAdmin(ctx, o.ID, apptest.Password)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		in := 0
		for range 2 {
			wg.Go(func() {
				if _, _, err := f.App.FinishSignIn(ctx, half, app.Factor{Code: code}, ""); err == nil {
					mu.Lock()
					in++
					mu.Unlock()
				}
			})
		}
		if wg.Wait(); in != 1 {
			t.Errorf("%d got in with one code", in)
		}
	})
}

func TestFiveFailuresLockForAQuarterOfAnHour(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		o := f.OpenAdmin(t, account.District1, apptest.DistrictA)
		half, err := f.App.SignInAdmin(ctx, o.ID, apptest.Password)
		if err != nil {
			t.Fatal(err)
		}
		// Passwords and codes count together; a stranger's name is answered alike.
		for i := range 5 {
			want := fault.PasswordWrong
			if i == 4 {
				want = fault.AccountLocked
			}
			var err error
			if i%2 == 0 {
				_, err = f.App.SignInAdmin(ctx, o.ID, "Wrong-password-2026")
			} else {
				_, _, err = f.App.FinishSignIn(ctx, half, app.Factor{Code: "000000"}, "")
			}
			if fault.CodeOf(err) != want {
				t.Errorf("failure %d: %v", i+1, err)
			}
			if _, err := f.App.SignInAdmin(ctx, "13900888888", "Wrong-password-2026"); fault.CodeOf(err) != want {
				t.Errorf("failure %d of nobody: %v", i+1, err)
			}
		}
		f.Clock.Add(15*time.Minute - time.Second)
		if _, err := f.App.SignInAdmin(ctx, o.ID, apptest.Password); fault.CodeOf(err) != fault.AccountLocked {
			t.Errorf("the right password while locked: %v", err)
		}
		if err := f.App.Prove(ctx, f.As(t, o), app.Proof{Password: apptest.Password}); fault.CodeOf(err) != fault.AccountLocked {
			t.Errorf("a proof while locked: %v", err)
		}
		f.Clock.Add(time.Second)
		f.SignInAdmin(t, o)
		locks := 0
		for _, act := range f.Acts(t, "account", o.ID) {
			if act == "account.lock" {
				locks++
			}
		}
		if locks != 1 {
			t.Errorf("%d lock-outs in the log", locks)
		}
	})
}

func TestManyGuessesAtOnceAreCounted(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	o := f.OpenAdmin(t, account.District1, apptest.DistrictA)
	half, err := f.App.SignInAdmin(t.Context(), o.ID, apptest.Password)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[fault.Code]int{}
	for range 40 {
		wg.Go(func() {
			_, _, err := f.App.FinishSignIn(t.Context(), half, app.Factor{Code: "000000"}, "")
			mu.Lock()
			got[fault.CodeOf(err)]++
			mu.Unlock()
		})
	}
	if wg.Wait(); got[fault.PasswordWrong] != 4 || got[fault.AccountLocked] != 36 {
		t.Errorf("%v; want four tries and then no more", got)
	}
}

func TestAProofIsAskedForAfterTenMinutes(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		o := f.OpenAdmin(t, account.District1, apptest.DistrictA)
		f.Clock.Add(app.ReproveAfter + time.Second)
		if err := f.App.Proven(f.As(t, o)); fault.CodeOf(err) != fault.ProveAgain {
			t.Fatalf("after ten minutes: %v", err)
		}
		if err := f.App.Prove(ctx, f.As(t, o), app.Proof{Password: "Wrong-password-2026"}); fault.CodeOf(err) != fault.PasswordWrong {
			t.Errorf("a wrong password: %v", err)
		}
		if err := f.App.Prove(ctx, f.As(t, o), app.Proof{Password: apptest.Password}); err != nil {
			t.Fatal(err)
		}
		if err := f.App.Proven(f.As(t, o)); err != nil {
			t.Errorf("after the password: %v", err)
		}
		f.Clock.Add(app.ReproveAfter + time.Second)
		if err := f.App.Prove(ctx, f.As(t, o), app.Proof{Factor: app.Factor{Code: f.Code(t, o.Secret)}}); err != nil {
			t.Fatal(err)
		}
		if err := f.App.Proven(f.As(t, o)); err != nil {
			t.Errorf("after a code: %v", err)
		}
		f.Clock.Add(31 * time.Minute)
		if _, err := f.App.Admin(ctx, o.Token); fault.CodeOf(err) != fault.SessionEnded {
			t.Errorf("after half an hour of nothing: %v", err)
		}
		// A counter is left for lunch with its page open; an afternoon is too long.
		clerk := f.OpenAdmin(t, account.Clerk, apptest.DistrictA)
		for _, c := range []struct {
			idle time.Duration
			want fault.Code
		}{{119 * time.Minute, ""}, {119 * time.Minute, ""}, {121 * time.Minute, fault.SessionEnded}} {
			f.Clock.Add(c.idle)
			if _, err := f.App.Admin(ctx, clerk.Token); fault.CodeOf(err) != c.want {
				t.Errorf("a clerk after %v of nothing: %v", c.idle, err)
			}
		}
		if _, _, err := f.App.CreateToken(ctx, f.As(t, f.OpenAdmin(t, account.Clerk, apptest.DistrictA)), "x", []app.Scope{app.ScopeRead}, 1); fault.CodeOf(err) != fault.NotAllowed {
			t.Errorf("a clerk makes a token: %v", err)
		}
	})
}

func TestOneTimeLinks(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		p := apptest.Person()
		link, err := f.App.CreateAccount(ctx, account.District2, apptest.StreetA, p)
		if err != nil {
			t.Fatal(err)
		}
		token := link.URL[len(apptest.Public+app.WelcomePath):]
		for password, want := range map[string]fault.Code{
			"short": fault.TooShort, "Password12345": fault.PasswordWeak, "123456789012": fault.PasswordWeak,
			p.Mobile + "abcd": fault.PasswordWeak, p.Name + "-abcdefghij": fault.PasswordWeak, "甲一街-abcdefghijk": fault.PasswordWeak, "": fault.Required,
		} {
			_, err := f.App.SetUpPassword(ctx, token, password, account.Person{})
			if e := fault.As(err); len(e.Fields) != 1 || e.Fields[0].Path != "password" || e.Fields[0].Code != want {
				t.Errorf("%q: %v, want %s", password, err, want)
			}
		}
		if _, err := f.App.SignInAdmin(ctx, link.Account, apptest.Password); fault.CodeOf(err) != fault.PasswordWrong {
			t.Errorf("before it is opened: %v", err)
		}
		state, err := f.App.SetUpPassword(ctx, token, apptest.Password, account.Person{})
		if err != nil {
			t.Fatal(err)
		}
		secret := app.NewTOTP()
		if _, _, err := f.App.SetUpFactor(ctx, token, state, app.NewFactor{Secret: secret, Code: "000000"}, ""); fault.CodeOf(err) != fault.InvalidRequest {
			t.Errorf("a wrong code: %v", err)
		}
		if _, _, err := f.App.SetUpFactor(ctx, token, nil, app.NewFactor{Secret: secret, Code: f.Code(t, secret)}, ""); fault.CodeOf(err) != fault.SignInRequired {
			t.Errorf("without the password: %v", err)
		}
		good := app.NewFactor{Secret: secret, Code: f.Code(t, secret)}
		var wg sync.WaitGroup
		var mu sync.Mutex
		got := map[fault.Code]int{}
		for range 3 {
			wg.Go(func() {
				_, _, err := f.App.SetUpFactor(ctx, token, state, good, "")
				mu.Lock()
				got[fault.CodeOf(err)]++
				mu.Unlock()
			})
		}
		if wg.Wait(); got[""] != 1 || got[fault.LinkUsed] != 2 {
			t.Errorf("three at once: %v", got)
		}
		if _, err := f.App.Welcome(ctx, token); fault.CodeOf(err) != fault.LinkUsed {
			t.Errorf("a used link: %v", err)
		}
		late, err := f.App.CreateAccount(ctx, account.District2, apptest.StreetA, apptest.Person())
		if err != nil {
			t.Fatal(err)
		}
		f.Clock.Add(72 * time.Hour)
		if _, err := f.App.Welcome(ctx, late.URL[len(apptest.Public+app.WelcomePath):]); fault.CodeOf(err) != fault.LinkUsed {
			t.Errorf("a link of three days ago: %v", err)
		}
	})
}

func TestTheFirstAdministratorOpensByAPrintedLink(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		old, ok, err := f.App.FirstLink(ctx)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		link, ok, err := f.App.FirstLink(ctx)
		if err != nil || !ok || link.Account != old.Account {
			t.Fatal("a second start:", link.Account, ok, err)
		}
		if _, err := f.App.Welcome(ctx, old.URL[len(apptest.Public+app.WelcomePath):]); fault.CodeOf(err) != fault.LinkUsed {
			t.Errorf("the link of the first start: %v", err)
		}
		if _, err := f.App.SetUpPassword(ctx, link.URL[len(apptest.Public+app.WelcomePath):], apptest.Password, account.Person{}); len(fault.As(err).Fields) != 3 {
			t.Errorf("nobody named: %v", err)
		}
		o := f.Open(t, link, apptest.Person())
		if ad := f.As(t, o); ad.Account.Rank != account.Security {
			t.Errorf("the first is %s", ad.Account.Rank)
		}
		if _, ok, err := f.App.FirstLink(ctx); ok || err != nil {
			t.Errorf("once there is one: %v, %v", ok, err)
		}
	})
}

func TestOwnSessionsAreSeenAndEnded(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		other, err := app.New(ctx, app.Config{DB: f.DB, Vault: f.Vault, Now: f.Clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		o := f.OpenAdmin(t, account.Municipal1, "agency-social")
		second := f.SignInAdmin(t, o)
		me, err := f.App.Me(ctx, f.As(t, o))
		if err != nil || len(me.Sessions) != 2 || !me.TOTP || me.Person.Name != o.Person.Name {
			t.Fatalf("%+v, %v", me, err)
		}
		if err := f.App.EndAdminSession(ctx, f.As(t, o), ""); err != nil {
			t.Fatal(err)
		}
		if _, err := other.Admin(ctx, second); fault.CodeOf(err) != fault.SessionEnded {
			t.Errorf("the other sign-in, at another node: %v", err)
		}
		if _, err := other.Admin(ctx, o.Token); err != nil {
			t.Errorf("this one: %v", err)
		}
		if err := f.App.SetPassword(ctx, f.As(t, o), "Another-word-for-2026"); err != nil {
			t.Fatal(err)
		}
		if _, err := f.App.SignInAdmin(ctx, o.ID, apptest.Password); fault.CodeOf(err) != fault.PasswordWrong {
			t.Errorf("the old password: %v", err)
		}
	})
}

func TestTokensActWithinTheirScopes(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		o := f.OpenAdmin(t, account.District1, apptest.DistrictA)
		for name, c := range map[string]struct {
			scopes []app.Scope
			days   int
		}{"no scope": {nil, 30}, "no days": {[]app.Scope{app.ScopeRead}, 0}, "too long": {[]app.Scope{app.ScopeRead}, 400}, "unknown scope": {[]app.Scope{"all"}, 30}} {
			if _, _, err := f.App.CreateToken(ctx, f.As(t, o), "x", c.scopes, c.days); fault.CodeOf(err) != fault.InvalidRequest {
				t.Errorf("%s: %v", name, err)
			}
		}
		token, info, err := f.App.CreateToken(ctx, f.As(t, o), "排班", []app.Scope{app.ScopeRead, app.ScopeDirectory}, 30)
		if err != nil {
			t.Fatal(err)
		}
		ad, err := f.App.AdminByToken(ctx, token)
		if err != nil || ad.Account.ID != o.ID {
			t.Fatal(err)
		}
		for act, want := range map[account.Action]bool{account.Supervise: true, account.Configure: true, account.Decide: false, account.Adjust: false, account.Reveal: false, account.Export: true} {
			if got := f.App.May(ad, act, apptest.HallA); got != want {
				t.Errorf("by token, %s: %t", act, got)
			}
		}
		if _, _, err := f.App.CreateToken(ctx, ad, "more", []app.Scope{app.ScopeRead}, 1); fault.CodeOf(err) != fault.NotAllowed {
			t.Errorf("a token of a token: %v", err)
		}
		if err := f.App.EndToken(ctx, f.As(t, o), info.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := f.App.AdminByToken(ctx, token); fault.CodeOf(err) != fault.SessionEnded {
			t.Errorf("after its end: %v", err)
		}
		token, _, err = f.App.CreateToken(ctx, f.As(t, o), "短期", []app.Scope{app.ScopeRead}, 1)
		if err != nil {
			t.Fatal(err)
		}
		f.Clock.Add(24 * time.Hour)
		if _, err := f.App.AdminByToken(ctx, token); fault.CodeOf(err) != fault.SessionEnded {
			t.Errorf("after its day: %v", err)
		}
		audit := f.OpenAdmin(t, account.Audit, "")
		if _, _, err := f.App.CreateToken(ctx, f.As(t, audit), "x", []app.Scope{app.ScopeRead}, 1); fault.CodeOf(err) != fault.NotAllowed {
			t.Errorf("a token of the audit role: %v", err)
		}
	})
}
