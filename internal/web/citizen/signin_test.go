package citizen

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"suiyue/internal/domain/identity"
	"suiyue/internal/gate/identity/testpeople"
)

func TestArt12_SignInAndBack(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	page := b.get("/bookings").must(t, http.StatusOK, "12345")
	if page.path != "/sign-in?return=%2Fbookings" {
		t.Fatalf("not signed in, led to %s", page.path)
	}
	if b.token() != "" {
		t.Fatal("a session before signing in")
	}
	end := b.choose(page, "citizen-1").must(t, http.StatusOK, "测***")
	if end.path != "/bookings" {
		t.Fatalf("signed in, led to %s", end.path)
	}
	s := b.session()
	if s == nil || s.Person.Level != identity.Verified || s.Person.Document.Kind != identity.ResidentID || s.Person.Phone == "" {
		t.Fatalf("signed in as %+v", s)
	}
	if b.cookie("suiyue-flow") != "" {
		t.Error("the sign-in on its way is still in the browser")
	}
}

// A session's token is new with each sign-in, whatever the browser had before, and the one before ends.
func TestSignInIsAlwaysAnew(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	b.setCookie("suiyue", "a-token-somebody-planted")
	b.get("/bookings").must(t, http.StatusOK, "登录已失效")
	b.signIn("citizen-1", "/bookings").must(t, http.StatusOK)
	first := b.token()
	if first == "a-token-somebody-planted" || len(first) < 40 {
		t.Fatalf("token %q", first)
	}
	b.get("/sign-in?return=/messages").must(t, http.StatusOK, "现在登录的是 测***", `href="/messages"`)
	b.signIn("citizen-2", "/bookings").must(t, http.StatusOK)
	if b.token() == first {
		t.Error("the same token again")
	}
	old := w.browser(t)
	old.setCookie("suiyue", first)
	if old.session() != nil {
		t.Error("the session before goes on behind the new one")
	}
}

func TestSessionCookie(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	at := b.get(b.start(b.get("/sign-in")))
	back := b.stay().post("/dev/idp/authorize", at.with("person", "citizen-1"))
	done := b.stay().get(back.header.Get("Location"))
	found := false
	for _, line := range done.header.Values("Set-Cookie") {
		if strings.HasPrefix(line, "suiyue=") {
			found = true
			for _, want := range []string{"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"} {
				if !strings.Contains(line, want) {
					t.Errorf("session cookie without %s", want)
				}
			}
		}
		if strings.HasPrefix(line, "suiyue-flow=") && !strings.Contains(line, "Max-Age=0") {
			t.Error("the flow stays in the browser")
		}
	}
	if !found || done.status != http.StatusSeeOther || done.header.Get("Location") != "/" {
		t.Fatalf("status %d to %q, session cookie %t", done.status, done.header.Get("Location"), found)
	}
	if c := done.header.Get("Cache-Control"); c != "no-store" {
		t.Errorf("Cache-Control %q", c)
	}
}

var returns = []struct{ in, want string }{
	{"/bookings", "/bookings"},
	{"/item/SI-0001?stage=acceptance&x=a%20b#halls", "/item/SI-0001?stage=acceptance&x=a%20b#halls"},
	{"/search?q=社保卡", "/search?q=社保卡"},
	{"", "/"},
	{"bookings", "/"},
	{"https://evil.example/", "/"},
	{"//evil.example/", "/"},
	{"///evil.example/", "/"},
	{"/\\evil.example", "/"},
	{"\\\\evil.example", "/"},
	{"/%5Cevil.example", "/"},
	{"/%2F/evil.example", "/"},
	{"/\t/evil.example", "/"},
	{"/\n/evil.example", "/"},
	{" //evil.example", "/"},
	{"javascript:alert(1)", "/"},
	{"/%0d%0aSet-Cookie:x=y", "/"},
	{"/sign-in?return=/sign-in", "/"},
	{"/sign-in/callback?code=x", "/"},
	{"/sign-out", "/"},
	{"/sign-in-help", "/sign-in-help"},
	{"/x\x00y", "/"},
	{"/\xff\xfe", "/"},
	{"/" + strings.Repeat("a", mostReturn), "/"},
	{"/%zz", "/"},
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	for _, c := range returns {
		if got := localPath(c.in); got != c.want {
			t.Errorf("%q leads to %q, want %q", c.in, got, c.want)
		}
	}
	w := newAccountWorld(t)
	for _, evil := range []string{"https://evil.example/", "//evil.example/", "/\\evil.example", "/%5Cevil.example"} {
		b := w.browser(t)
		if end := b.signIn("citizen-1", evil); end.path != "/" || end.status != http.StatusOK {
			t.Errorf("%q led to %s (%d)", evil, end.path, end.status)
		}
		// Past the page, straight to what begins a sign-in.
		b = w.browser(t)
		u, err := url.Parse(b.start(b.get("/sign-in")))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set("return", evil)
		at := b.get("/sign-in/start?" + q.Encode())
		if end := b.post("/dev/idp/authorize", at.with("person", "citizen-1")); end.path != "/" {
			t.Errorf("%q led to %s", evil, end.path)
		}
	}
	// The longest address there is still fits into the cookie.
	b := w.browser(t)
	long := "/search?q=" + strings.Repeat("&", mostReturn-len("/search?q="))
	if end := b.signIn("citizen-1", long); end.path != long {
		t.Errorf("led to %.40s…", end.path)
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, c := range returns {
		f.Add(c.in)
	}
	here, err := url.Parse("https://suiyue.example/sign-in")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := localPath(s)
		if got != s && got != "/" {
			t.Fatalf("%q became %q", s, got)
		}
		to, err := here.Parse(got)
		if err != nil || to.Host != here.Host || to.Scheme != "https" || to.User != nil || strings.HasPrefix(to.Path, "//") || strings.Contains(to.Path, "\\") || !strings.HasPrefix(got, "/") {
			t.Fatalf("%q leads to %v (%v)", s, to, err)
		}
		if localPath(got) != got {
			t.Fatalf("%q is not stable", got)
		}
	})
}

// What begins a sign-in works from this browser's own page only: a stranger's link begins nothing.
func TestSignInBeginsInThisBrowser(t *testing.T) {
	w := newAccountWorld(t)
	stranger := w.browser(t)
	theirs := stranger.start(stranger.get("/sign-in"))
	for _, link := range []string{"/sign-in/start", "/sign-in/start?return=/bookings", "/sign-in/start?go=x", theirs} {
		b := w.browser(t)
		b.get("/sign-in")
		res := b.stay().get(link)
		if res.status != http.StatusSeeOther || !strings.HasPrefix(res.header.Get("Location"), "/sign-in?") {
			t.Errorf("%s: %d to %q", link, res.status, res.header.Get("Location"))
		}
		if b.cookie("suiyue-flow") != "" {
			t.Errorf("%s began a sign-in", link)
		}
	}
}

// callback goes as far as the provider's way back and returns it with the flow it belongs to.
func callback(b *accountBrowser, person string) (address, flow string) {
	at := b.get(b.start(b.get("/sign-in?return=/bookings")))
	res := b.stay().post("/dev/idp/authorize", at.with("person", person))
	return res.header.Get("Location"), b.cookie("suiyue-flow")
}

func TestSignInTookTooLong(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	address, _ := callback(b, "citizen-1")
	w.Clock.Add(11 * time.Minute)
	b.get(address).must(t, http.StatusUnauthorized, "登录用的时间太长", "/sign-in")
	if b.token() != "" {
		t.Error("signed in")
	}
}

func TestCallbackIsAnsweredOnce(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	address, flow := callback(b, "citizen-1")
	b.get(address).must(t, http.StatusOK)
	token := b.token()
	// Back and reload after it was done are no error and sign nobody in.
	if again := b.get(address); again.path != "/" || b.token() != token {
		t.Errorf("reload led to %s, new token %t", again.path, b.token() != token)
	}
	// Somebody who kept both cookie and address gets nothing.
	thief := w.browser(t)
	thief.setCookie("suiyue-flow", flow)
	thief.get(address).must(t, http.StatusUnauthorized, "登录没有成功")
	if thief.token() != "" {
		t.Error("one callback signed in twice")
	}
	if list, err := w.App.Sessions(t.Context(), b.session()); err != nil || len(list) != 1 {
		t.Errorf("%d sessions (%v)", len(list), err)
	}
}

// A stranger's callback signs nobody in as the stranger.
func TestCallbackOfAnotherBrowser(t *testing.T) {
	w := newAccountWorld(t)
	stranger := w.browser(t)
	theirs, _ := callback(stranger, "citizen-2")
	b := w.browser(t)
	b.get(theirs).must(t, http.StatusUnauthorized, "登录用的时间太长")
	b.get(b.start(b.get("/sign-in"))) // on the way to the provider
	b.get(theirs).must(t, http.StatusUnauthorized, "登录没有成功")
	// A flow that is not ours cannot be opened.
	b.setCookie("suiyue-flow", "AAAA")
	b.get(theirs).must(t, http.StatusUnauthorized)
	if b.token() != "" {
		t.Error("signed in as a stranger")
	}
}

func TestSignInTurnedBack(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	at := b.get(b.start(b.get("/sign-in?return=/bookings")))
	page := b.post("/dev/idp/authorize", at.with("cancel", "1")).must(t, http.StatusOK, "您取消了登录", `href="/sign-in?return=%2Fbookings"`)
	for _, leak := range []string{"state=", "code="} {
		if strings.Contains(page.body, leak) {
			t.Errorf("the page repeats %q of the callback", leak)
		}
	}
	if b.token() != "" || b.cookie("suiyue-flow") != "" {
		t.Error("something stays in the browser")
	}
}

func TestProviderDoesNotAnswer(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	w.down.Store(true)
	page := b.get(b.start(b.get("/sign-in?return=/bookings"))).must(t, http.StatusServiceUnavailable, "身份平台暂时没有回应", `href="/sign-in?return=%2Fbookings"`)
	if page.header.Get("Retry-After") == "" {
		t.Error("not said when to try again")
	}
	w.down.Store(false)
	w.Clock.Add(time.Second)
	address, _ := callback(b, "citizen-1")
	w.down.Store(true)
	b.get(address).must(t, http.StatusServiceUnavailable, "身份平台暂时没有回应")
	if b.token() != "" {
		t.Error("signed in")
	}
	w.down.Store(false)
	b.signIn("citizen-1", "/bookings").must(t, http.StatusOK)
}

// A provider that vouches for a number with a wrong check digit is not believed.
func TestArt12_DocumentThatCannotBe(t *testing.T) {
	wrong := testpeople.All()[0]
	wrong.ID = "wrong"
	n := wrong.Document.Number
	wrong.Document.Number = n[:17] + string('0'+(n[17]-'0'+1)%10)
	w := newAccountWorld(t, wrong)
	b := w.browser(t)
	page := b.signIn("wrong", "/bookings").must(t, http.StatusUnauthorized, "这个证件暂时不能用于登录")
	if b.token() != "" || strings.Contains(page.body, wrong.Document.Number) {
		t.Error("signed in, or the number stands on the page")
	}
}

// Art. 12: level 2 may sign in and look; the way up comes before the way on.
func TestArt12_LevelTwoIsToldHowToRaiseIt(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	page := b.signIn("level-2", "/item/SI-0001").must(t, http.StatusOK, "2 级", "3 级", `href="/item/SI-0001"`)
	if page.path != "/account/level?return=%2Fitem%2FSI-0001" {
		t.Fatalf("led to %s", page.path)
	}
	b.get("/account").must(t, http.StatusOK, "/account/level")
	if p := b.get("/account/level?return=//evil.example"); strings.Contains(mainOf(p.body), "evil") {
		t.Error("a stranger's address on the page")
	}
	three := w.browser(t)
	if page := three.signIn("level-3", "/item/SI-0001"); page.path != "/item/SI-0001" {
		t.Errorf("level 3 was led to %s", page.path)
	}
	if page := three.get("/account/level?return=/messages"); page.path != "/messages" {
		t.Errorf("level 3 stays on %s", page.path)
	}
}

func TestSignOut(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	page := b.signIn("citizen-1", "/bookings")
	token := b.token()
	b.get("/sign-out").must(t, http.StatusOK, "要退出登录吗")
	if b.session() == nil {
		t.Fatal("a link signed out")
	}
	end := b.post("/sign-out", page.hidden())
	if end.path != "/" || end.status != http.StatusOK { // by way of the provider's own
		t.Errorf("led to %s (%d)", end.path, end.status)
	}
	if b.token() != "" {
		t.Error("the token is still in the browser")
	}
	b.setCookie("suiyue", token)
	if b.session() != nil {
		t.Error("the session goes on")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !strings.Contains(strings.Join(w.seen, "\n"), "/dev/idp/logout?") {
		t.Error("the provider's session was not ended")
	}
}

// Every form refuses a token that is missing, another browser's, or of before the sign-in.
func TestFormsOfTheAccountNeedTheirToken(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	before := b.get("/sign-in/visitor").hidden().Get(formField)
	b.signIn("citizen-1", "/bookings").must(t, http.StatusOK)
	other := w.browser(t)
	foreign := other.signIn("citizen-1", "/bookings").hidden().Get(formField)
	if before == "" || foreign == "" {
		t.Fatal("no tokens to try")
	}
	for _, path := range []string{
		"/sign-out", "/sign-in/visitor", "/sign-in/visitor/code", "/sign-in/visitor/again", "/people/new", "/people/x/remove",
		"/account/sessions/" + other.session().ID + "/end", "/account/sessions/others",
	} {
		for name, token := range map[string]string{"none": "", "foreign": foreign, "of before": before, "nonsense": "x"} {
			res := b.stay().post(path, url.Values{formField: {token}, "key": {"0123456789"}})
			if res.status != http.StatusForbidden || !strings.Contains(res.body, "cross_site_request") {
				t.Errorf("%s with token %s: %d", path, name, res.status)
			}
		}
	}
	if b.session() == nil || other.session() == nil {
		t.Error("a refused form ended a session")
	}
}

func TestSessionEndedElsewhere(t *testing.T) {
	w := newAccountWorld(t)
	here, there, stranger := w.browser(t), w.browser(t), w.browser(t)
	here.signIn("citizen-1", "/account").must(t, http.StatusOK)
	there.signIn("citizen-1", "/bookings").must(t, http.StatusOK)
	stranger.signIn("citizen-2", "/bookings").must(t, http.StatusOK)
	page := here.get("/account").must(t, http.StatusOK, "这个浏览器", "/account/sessions/"+there.session().ID+"/end")
	if strings.Contains(page.body, stranger.session().ID) {
		t.Fatal("another person's session is listed")
	}
	// Another person's session cannot be ended by its id.
	here.post("/account/sessions/"+stranger.session().ID+"/end", page.hidden()).must(t, http.StatusOK)
	if stranger.session() == nil {
		t.Fatal("another person's session ended")
	}
	here.post("/account/sessions/"+there.session().ID+"/end", page.hidden()).must(t, http.StatusOK)
	if end := there.get("/messages").must(t, http.StatusOK, "登录已失效"); end.path != "/sign-in?return=%2Fmessages" {
		t.Errorf("led to %s", end.path)
	}
	// All others at once; then this one, which is signing out.
	there.signIn("citizen-1", "/bookings")
	w.browser(t).signIn("citizen-1", "/bookings")
	page = here.get("/account").must(t, http.StatusOK, "退出其他所有登录")
	page = here.post("/account/sessions/others", page.hidden()).must(t, http.StatusOK)
	if there.session() != nil || here.session() == nil || strings.Contains(page.body, "退出其他所有登录") {
		t.Error("not all others ended, or not only they")
	}
	here.post("/account/sessions/"+here.session().ID+"/end", page.hidden())
	if here.session() != nil || here.token() != "" {
		t.Error("this session goes on")
	}
}
