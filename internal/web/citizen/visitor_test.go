package citizen

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/identity"
)

// visitor is the form of apptest.Visitor, changed by pairs.
func visitor(page answered, pairs ...string) url.Values {
	v := page.with("kind", "passport", "number", "x 000 0001", "nationality", "FRA", "birth-year", "1985", "birth-month", "6", "birth-day", "7",
		"name", "Sample  Paul", "phone", "+33 612345678")
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// lastCode is the code that was sent last.
func lastCode(t *testing.T, w *accountWorld) string {
	t.Helper()
	sent := w.Texts.Sent()
	if len(sent) == 0 {
		t.Fatal("no code was sent")
	}
	return sent[len(sent)-1].Args["code"]
}

// wrongCode is a code that was not sent.
func wrongCode(t *testing.T, w *accountWorld) string {
	if lastCode(t, w) == "123456" {
		return "654321"
	}
	return "123456"
}

func TestArt12_VisitorSignsInWithCode(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	page := b.get("/sign-in/visitor?return=/item/EE-0001").must(t, http.StatusOK, "凭护照登录", `<option value="FRA"`)
	if strings.Contains(page.body, `value="CHN"`) {
		t.Error("nationality of people who have another document")
	}
	page = b.post("/sign-in/visitor?return=/item/EE-0001", visitor(page)).must(t, http.StatusOK, "+336****78", "10:10", `autocomplete="one-time-code"`)
	if page.path != "/sign-in/visitor/code" {
		t.Fatalf("led to %s", page.path)
	}
	if sent := w.Texts.Sent(); len(sent) != 1 || sent[0].Phone != "+33612345678" {
		t.Fatalf("sent %d codes", len(sent))
	}
	// Reload is safe, and back has what was typed.
	b.get("/sign-in/visitor/code").must(t, http.StatusOK, "+336****78")
	b.get("/sign-in/visitor?return=/item/EE-0001").must(t, http.StatusOK, `value="x 000 0001"`, `value="FRA" selected`)
	// In another language it goes on.
	b.get("/sign-in/visitor/code?lang=en").must(t, http.StatusOK, "We sent a code to")

	b.post(codePath, page.with("code", "12")).must(t, http.StatusUnprocessableEntity, "bad_format")
	b.post(codePath, page.with("code", "")).must(t, http.StatusUnprocessableEntity, "required")
	b.post(codePath, page.with("code", wrongCode(t, w))).must(t, http.StatusUnprocessableEntity, "Tries left: 4", "one_time_code_wrong")
	end := b.post(codePath, page.with("code", " "+lastCode(t, w)+" ")).must(t, http.StatusOK)
	if end.path != "/item/EE-0001" {
		t.Errorf("led to %s", end.path)
	}
	s := b.session()
	if s == nil || s.Person.Level != identity.Visitor || s.Person.Name != "Sample Paul" || s.Person.Birth != "1985-06-07" ||
		s.Person.Document != (identity.Document{Kind: identity.Passport, Number: "X0000001", Nationality: "FRA"}) {
		t.Fatalf("signed in as %+v", s)
	}
	if b.cookie("suiyue-flow") != "" {
		t.Error("what was typed is still in the browser")
	}
	b.get("/account").must(t, http.StatusOK, "Signed in with a passport", "X******1")
	// The code is spent.
	b.get(codePath)
	again := w.browser(t)
	form := again.get("/sign-in/visitor")
	w.Clock.Add(2 * time.Minute)
	before := lastCode(t, w)
	form = again.post("/sign-in/visitor", visitor(form))
	if lastCode(t, w) != before {
		again.post(codePath, form.with("code", before)).must(t, http.StatusUnprocessableEntity)
	}
	// Ending it does not lead to a platform the visitor never saw.
	if out := b.post("/sign-out", b.get("/account").hidden()).must(t, http.StatusOK, "You are signed out"); out.path != "/sign-out" {
		t.Errorf("led to %s", out.path)
	}
}

func TestArt12_VisitorsCodeIsVoidAfterFiveTries(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	page := b.post("/sign-in/visitor", visitor(b.get("/sign-in/visitor"))).must(t, http.StatusOK)
	for _, left := range []string{"4", "3", "2", "1"} {
		b.post(codePath, page.with("code", wrongCode(t, w))).must(t, http.StatusUnprocessableEntity, "还可以试 "+left+" 次")
	}
	b.post(codePath, page.with("code", wrongCode(t, w))).must(t, http.StatusUnprocessableEntity, "已作废")
	void := b.post(codePath, page.with("code", lastCode(t, w))).must(t, http.StatusGone, "one_time_code_expired")
	if strings.Contains(void.body, `name="code"`) || b.token() != "" {
		t.Error("a void code is still asked for, or it signed in")
	}
	// Another one: not within a minute, then yes.
	b.post("/sign-in/visitor/again", void.hidden()).must(t, http.StatusTooManyRequests, "60 秒", "one_time_code_too_often")
	w.Clock.Add(time.Minute)
	page = b.post("/sign-in/visitor/again", void.hidden()).must(t, http.StatusOK)
	if page.path != codePath || len(w.Texts.Sent()) != 2 {
		t.Fatalf("led to %s, %d codes", page.path, len(w.Texts.Sent()))
	}
	b.post(codePath, page.with("code", lastCode(t, w))).must(t, http.StatusOK)
	if b.session() == nil {
		t.Error("not signed in")
	}
}

// The same form again, by reload or a second press, leads to the code that is on its way; another one
// has to wait.
func TestVisitorsFormAgain(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	form := b.get("/sign-in/visitor")
	b.post("/sign-in/visitor", visitor(form)).must(t, http.StatusOK)
	if page := b.post("/sign-in/visitor", visitor(form)).must(t, http.StatusOK); page.path != codePath {
		t.Errorf("led to %s", page.path)
	}
	b.post("/sign-in/visitor", visitor(form, "number", "X0000002")).must(t, http.StatusTooManyRequests, "60 秒", `value="X0000002"`)
	if n := len(w.Texts.Sent()); n != 1 {
		t.Errorf("%d codes sent", n)
	}
}

func TestArt12_VisitorsCodeRunsOut(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	page := b.post("/sign-in/visitor", visitor(b.get("/sign-in/visitor"))).must(t, http.StatusOK)
	w.Clock.Add(10 * time.Minute)
	b.post(codePath, page.with("code", lastCode(t, w))).must(t, http.StatusGone, "one_time_code_expired", "重新发送")
	w.Clock.Add(6 * time.Minute)
	b.post(codePath, page.with("code", lastCode(t, w))).must(t, http.StatusUnauthorized, "登录用的时间太长")
	if page := b.get(codePath); page.path != "/sign-in/visitor" {
		t.Errorf("led to %s", page.path)
	}
	if b.token() != "" {
		t.Error("signed in")
	}
}

func TestVisitorsFormNamesWhatIsWrong(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	page := b.get("/sign-in/visitor")
	for _, c := range []struct {
		pairs []string
		id    string
		code  string
	}{
		{[]string{"kind", ""}, "kind", "required"},
		{[]string{"kind", "library_card"}, "kind", "not_one_of"},
		{[]string{"number", ""}, "number", "required"},
		{[]string{"number", "X1"}, "number", "too_short"},
		{[]string{"number", "X000000<b>"}, "number", "bad_character"},
		{[]string{"nationality", ""}, "nationality", "required"},
		{[]string{"nationality", "CHN"}, "nationality", "document_unsupported"},
		{[]string{"birth-year", ""}, "birth", "bad_date"},
		{[]string{"birth-day", "31"}, "birth", "bad_date"},
		{[]string{"birth-year", "2030"}, "birth", "date_in_future"},
		{[]string{"name", ""}, "name", "required"},
		{[]string{"phone", ""}, "phone", "required"},
		{[]string{"phone", "12"}, "phone", ""},
		{[]string{"name", strings.Repeat("A", 3000)}, "name", "too_long"},
	} {
		res := b.post("/sign-in/visitor", visitor(page, c.pairs...)).must(t, http.StatusUnprocessableEntity, `href="#`+c.id+`"`, `id="`+c.id+`-error"`)
		if c.code != "" && !strings.Contains(res.body, `<code class="code">`+c.code+`</code>`) {
			t.Errorf("%v: not %s:\n%s", c.pairs, c.code, mainOf(res.body))
		}
		if strings.Contains(res.body, "<b>") && strings.Contains(c.pairs[1], "<b>") {
			t.Errorf("%v: what was typed is markup", c.pairs)
		}
	}
	for _, kind := range []string{"foreign_permanent", "hk_macau_permit", "taiwan_permit"} {
		b.post("/sign-in/visitor", visitor(page, "kind", kind)).must(t, http.StatusUnprocessableEntity, "/sign-in/start?", "document_unsupported", `href="#kind"`)
	}
	if n := len(w.Texts.Sent()); n != 0 {
		t.Errorf("%d codes sent for what is wrong", n)
	}
}

// changing is what differs between two answers to the same question whoever asks.
var changing = regexp.MustCompile(`name="form_token" value="[^"]*"|go=[^"&]*|X-Request-Id[^\n]*`)

// Whether a document has been here before is told by nothing.
func TestVisitorsAnswerTellsNothingOfOthers(t *testing.T) {
	w := newAccountWorld(t)
	known := apptest.Visitor()
	w.SignIn(t, known)
	ask := func(number, phone string) (sent, wrong string) {
		b := w.browser(t)
		page := b.post("/sign-in/visitor", visitor(b.get("/sign-in/visitor"), "number", number, "phone", phone)).must(t, http.StatusOK)
		bad := b.post(codePath, page.with("code", wrongCode(t, w)))
		return changing.ReplaceAllString(page.body, ""), changing.ReplaceAllString(bad.body, "")
	}
	sent1, wrong1 := ask(known.Document.Number, "13800000003")
	sent2, wrong2 := ask("Z9999999", "13800010003")
	if sent1 != sent2 || wrong1 != wrong2 {
		t.Errorf("answers differ for a document that is known:\n%s\n---\n%s", mainOf(sent1), mainOf(sent2))
	}
}

func TestVisitorsCodesAreLimitedByAddress(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	page := b.get("/sign-in/visitor")
	slow := 0
	for i := range 25 {
		phone := "+3361234" + string(rune('0'+i/10)) + string(rune('0'+i%10)) + "00"
		if res := b.post("/sign-in/visitor", visitor(page, "phone", phone)); res.status == http.StatusTooManyRequests {
			res.must(t, http.StatusTooManyRequests, "too_many_requests", "秒")
			slow++
		}
	}
	if slow != 5 || len(w.Texts.Sent()) != 20 {
		t.Errorf("%d refused, %d codes sent", slow, len(w.Texts.Sent()))
	}
}

func TestVisitorsMessageCannotBeSent(t *testing.T) {
	w := newAccountWorld(t)
	w.Texts.Fail = http.ErrHandlerTimeout
	b := w.browser(t)
	b.post("/sign-in/visitor", visitor(b.get("/sign-in/visitor"))).must(t, http.StatusServiceUnavailable, "busy", "秒", `value="Sample  Paul"`)
}
