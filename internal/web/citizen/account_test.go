package citizen

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/identity"
	"suiyue/internal/gate/identity/testpeople"
	"suiyue/internal/web"
)

// places are the addresses of past bookings on a page, in order.
var places = regexp.MustCompile(`<h2 class="card__title"><a href="(/pass/[^"]+)"`)

func TestMyBookings(t *testing.T) {
	w := newAccountWorld(t)
	who := w.person(t, "citizen-1")
	b := w.browser(t)
	b.signIn("citizen-1", "/bookings").must(t, http.StatusOK, "还没有预约", "去预约")

	var cancelled []string // newest last
	for i := range 23 {
		v := w.book(t, who, fmt.Sprintf("book-%02d", i))
		w.cancel(t, who, v.Code, fmt.Sprintf("cancel-%02d", i))
		cancelled = append(cancelled, "/pass/"+v.Code)
	}
	slices.Reverse(cancelled)
	b.get("/bookings").must(t, http.StatusOK, "现在没有要去办的预约", "已取消")
	next := w.book(t, who, "book-next")
	page := b.get("/bookings").must(t, http.StatusOK, "/pass/"+next.Code, "前可取消", "甲区政务服务中心", "社会保障卡申领")

	// Every past booking stands on one page and one only, newest first; the coming one on the first only.
	var seen []string
	for pages := 1; ; pages++ {
		on := places.FindAllStringSubmatch(page.body, -1)
		if len(on) > pastOnPage {
			t.Errorf("%d bookings on a page", len(on))
		}
		for _, m := range on {
			seen = append(seen, m[1])
		}
		more := regexp.MustCompile(`rel="next" href="(/bookings\?after=[^"]+)"`).FindStringSubmatch(page.body)
		if more == nil {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		if page = b.get(more[1]).must(t, http.StatusOK, `rel="prev" href="/bookings"`); strings.Contains(page.body, next.Code) {
			t.Error("the coming booking stands among the past")
		}
		// A place in my list is nobody else's, and no other list's.
		other := w.browser(t)
		other.signIn("citizen-2", "/bookings")
		other.get(more[1]).must(t, http.StatusBadRequest, "cursor_invalid")
		b.get("/messages?"+strings.TrimPrefix(more[1], "/bookings?")).must(t, http.StatusBadRequest, "cursor_invalid")
	}
	if !slices.Equal(seen, cancelled) {
		t.Errorf("past bookings %v, want %v", seen, cancelled)
	}
	for _, place := range []string{"x", "zzzz", strings.Repeat("A", 5000), "%00"} {
		b.get("/bookings?after="+place).must(t, http.StatusBadRequest, "cursor_invalid")
	}

	// When its hour is over it is past, and what came of it is not made up.
	w.Clock.Set(next.Booking.End())
	b.signIn("citizen-1", "/bookings")
	page = b.get("/bookings").must(t, http.StatusOK, "现在没有要去办的预约", web.Hans.T("citizen.state.over"))
	if m := places.FindStringSubmatch(page.body); m == nil || m[1] != "/pass/"+next.Code {
		t.Error("the booking that is over is not the first of the past")
	}
}

func TestMyBookingsForOthers(t *testing.T) {
	w := newAccountWorld(t)
	who := w.person(t, "citizen-1")
	if _, err := w.App.Book(t.Context(), who, app.BookRequest{
		Key: "for-somebody-else", Item: apptest.SocialCard, SlotID: w.FreeSlots(apptest.QueueA)[0], Stage: "acceptance", Units: 1, Channel: booking.Web,
		Applicant: app.Applicant{Kind: booking.Other, Name: apptest.Citizen(7).Name, Document: apptest.Citizen(7).Document},
	}); err != nil {
		t.Fatal(err)
	}
	b := w.browser(t)
	b.signIn("citizen-1", "/bookings").must(t, http.StatusOK, "为 陈** 办理")
}

// Who was served is asked how it was, among their messages; the message leads to where that is said.
func TestTheInvitationIsAmongMyMessages(t *testing.T) {
	w := newAccountWorld(t)
	who := w.person(t, "citizen-1")
	b := w.browser(t)
	w.Clock.Set(missedDay.At(9, 30))
	ad := w.As(t, w.OpenAdmin(t, account.District2, apptest.DistrictA))
	v, err := w.App.TakeNumber(t.Context(), app.By{Admin: ad, Channel: app.AtDesk}, apptest.HallA, app.OnSite{
		Key: "invited-0001", Item: apptest.SocialCard, Name: who.Person.Name, Document: who.Person.Document,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.App.OpenCounter(t.Context(), ad, apptest.HallA, "w1", nil); err != nil {
		t.Fatal(err)
	}
	for i, act := range []counter.Act{{Kind: counter.Call}, {Kind: counter.Finish, Result: counter.Finished}} {
		if _, err := w.App.Serve(t.Context(), ad, apptest.HallA, "w1", act, fmt.Sprintf("invited-%04d", 2+i)); err != nil {
			t.Fatal(err)
		}
	}
	b.signIn("citizen-1", "/messages").must(t, http.StatusOK, "请评价本次服务", v.Ticket.Number+" 号的窗口服务已结束", `href="/ticket/`+v.Ticket.ID+`/evaluate"`)
	other := w.browser(t)
	if page := other.signIn("citizen-3", "/messages"); strings.Contains(page.body, v.Ticket.ID) {
		t.Error("somebody else is told of the number")
	}
}

func TestMyMessages(t *testing.T) {
	w := newAccountWorld(t)
	who := w.person(t, "citizen-1")
	b := w.browser(t)
	b.signIn("citizen-1", "/messages").must(t, http.StatusOK, "还没有消息")

	first := w.book(t, who, "booked")
	b.get("/messages").must(t, http.StatusOK, "预约成功", "正在发送", "199****0001", first.Code, web.Hans.Slot(first.Booking.Date, first.Booking.Hour))
	due, err := w.App.DueMessages(t.Context(), 10, time.Minute)
	if err != nil || len(due) != 1 {
		t.Fatalf("%d messages due (%v)", len(due), err)
	}
	if err := w.App.SettleMessages(t.Context(), []app.Settled{{Row: due[0].Row, State: app.MessageSent}}); err != nil {
		t.Fatal(err)
	}
	b.get("/messages").must(t, http.StatusOK, "短信已发送")

	// What was said of an hour that is no longer so is not said again.
	w.Clock.Add(time.Minute)
	var to string
	for _, id := range w.FreeSlots(apptest.QueueB) {
		if to = id; to != first.Booking.SlotID {
			break
		}
	}
	moved, err := w.App.Move(t.Context(), who, app.MoveRequest{Key: "moved-0123456789", Code: first.Code, SlotID: to, Channel: booking.Web})
	if err != nil {
		t.Fatal(err)
	}
	page := b.get("/messages").must(t, http.StatusOK, "改期成功", "预约成功", "这个预约后来有变化，现在是：已预约", "乙区政务服务中心")
	if n := strings.Count(together(page.body), web.Hans.Slot(moved.View.Booking.Date, moved.View.Booking.Hour)); n != 1 {
		t.Errorf("the new hour is said %d times", n)
	}
	w.Clock.Add(time.Minute)
	w.cancel(t, who, first.Code, "cancelled")
	page = b.get("/messages").must(t, http.StatusOK, "预约已取消")
	if a, c := strings.Index(page.body, "预约已取消"), strings.Index(page.body, "预约成功"); a > c {
		t.Error("the newest is not first")
	}
	for i := range 12 {
		v := w.book(t, who, fmt.Sprintf("more-%02d", i))
		w.cancel(t, who, v.Code, fmt.Sprintf("undo-%02d", i))
	}
	page = b.get("/messages")
	more := regexp.MustCompile(`rel="next" href="(/messages\?after=[^"]+)"`).FindStringSubmatch(page.body)
	if more == nil {
		t.Fatal("27 messages on one page")
	}
	if rest := b.get(more[1]).must(t, http.StatusOK); strings.Count(rest.body, `<li class="message`) != 7 {
		t.Errorf("%d messages on the second page", strings.Count(rest.body, `<li class="message`))
	}
	other := w.browser(t)
	other.signIn("citizen-2", "/messages").must(t, http.StatusOK, "还没有消息")
}

// somebody is the form of a person to look after.
func somebody(page answered, serial int) url.Values {
	p := apptest.Citizen(serial)
	return page.with("name", p.Name, "kind", string(identity.ResidentID), "number", p.Document.Number, "phone", "13800138000")
}

func TestPeopleILookAfter(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	b.signIn("citizen-1", "/people").must(t, http.StatusOK, "还没有记下任何人", "/people/new")
	form := b.get("/people/new").must(t, http.StatusOK)

	b.post("/people/new", form.with("kind", string(identity.ResidentID), "number", "44010319800101001", "name", "")).
		must(t, http.StatusUnprocessableEntity, `href="#name"`, `href="#number"`, "too_short")
	b.post("/people/new", form.with("kind", "passport", "number", "X0000001", "name", "SAMPLE")).
		must(t, http.StatusUnprocessableEntity, `href="#nationality"`)

	first := apptest.Citizen(31)
	list := b.post("/people/new", somebody(form, 31)).must(t, http.StatusOK, "陈**", identity.MaskNumber(first.Document.Number), "138****8000")
	if list.path != "/people" || strings.Contains(list.body, first.Document.Number) || strings.Contains(list.body, first.Name) {
		t.Fatalf("led to %s, or not masked", list.path)
	}
	// A second press is no second person; the same form with another person asks once more.
	b.post("/people/new", somebody(form, 31)).must(t, http.StatusOK)
	again := b.post("/people/new", somebody(form, 32)).must(t, http.StatusUnprocessableEntity, "请再点一次保存")
	if removes := strings.Count(b.get("/people").body, "/remove"); removes != 1 {
		t.Fatalf("%d people after two presses", removes)
	}
	b.post("/people/new", somebody(again, 32)).must(t, http.StatusOK)
	for serial := 33; serial < 33+app.MostKept-2; serial++ {
		b.post("/people/new", somebody(b.get("/people/new"), serial)).must(t, http.StatusOK)
	}
	full := b.get("/people").must(t, http.StatusOK, "最多记 10 个人")
	if strings.Contains(full.body, `href="/people/new"`) {
		t.Error("a full list still offers to add")
	}
	b.post("/people/new", somebody(b.get("/people/new"), 60)).must(t, http.StatusUnprocessableEntity, "最多记 10 个人")

	// Removing is asked for first, and is the owner's alone.
	link := regexp.MustCompile(`href="(/people/[^"]+/remove)"`).FindStringSubmatch(full.body)[1]
	ask := b.get(link).must(t, http.StatusOK, "要移除这个人吗", "陈**")
	other := w.browser(t)
	other.signIn("citizen-2", "/people")
	if page := other.get(link); page.path != "/people" {
		t.Errorf("another person was asked on %s", page.path)
	}
	other.post(link, other.get("/people/new").hidden()).must(t, http.StatusOK)
	if n := strings.Count(b.get("/people").body, "/remove"); n != app.MostKept {
		t.Fatalf("%d people left", n)
	}
	b.post(link, ask.hidden()).must(t, http.StatusOK)
	b.post(link, ask.hidden()).must(t, http.StatusOK) // back and again
	if n := strings.Count(b.get("/people").body, "/remove"); n != app.MostKept-1 {
		t.Errorf("%d people left", n)
	}
	if page := b.get(link); page.path != "/people" {
		t.Errorf("somebody forgotten is asked about on %s", page.path)
	}
}

func TestMyAccount(t *testing.T) {
	w := newAccountWorld(t)
	agent := w.browser(t)
	p, _ := testpeople.Find(testpeople.All(), "agent")
	page := agent.signIn("agent", "/account").must(t, http.StatusOK, identity.MaskName(p.Name), identity.MaskNumber(p.Document.Number),
		identity.MaskPhone(p.Phone), "实名等级 4 级", "也可以批量预约", identity.MaskOrganisation(p.Organisations[0].Name))
	for _, o := range p.Organisations {
		if strings.Contains(page.body, o.CreditCode) {
			t.Error("a credit code in clear")
		}
	}
	// One tap into the elder edition and the other languages, and one out.
	elder := agent.get("/account?edition=elder").must(t, http.StatusOK, `class="elder`, "helpbar", "edition=normal")
	if elder = agent.get("/bookings").must(t, http.StatusOK); !strings.Contains(elder.body, "helpbar") {
		t.Error("the elder edition is forgotten")
	}
	agent.get("/bookings?edition=normal")
	if strings.Contains(agent.get("/messages").body, "helpbar") {
		t.Error("the elder edition stays")
	}
	agent.get("/account?lang=en").must(t, http.StatusOK, "Real-name level 4")
	agent.get("/people").must(t, http.StatusOK, "People I look after")
	three := w.browser(t)
	three.signIn("level-3", "/account").must(t, http.StatusOK, "实名等级 3 级", "批量预约需要 4 级")
}

var (
	idOnPage = regexp.MustCompile(` id="([^"]+)"`)
	forID    = regexp.MustCompile(` (?:for|aria-describedby|aria-labelledby)="([^"]+)"`)
	tagOf    = regexp.MustCompile(`<(script|style)[^>]*>[^<]+<| on[a-z]+="| style="`)
)

// Every page, in every language and edition: no sentence is missing, one heading, ids that are there,
// nothing the policy forbids, and the ways in and out of language and edition.
func TestAccountPagesInEveryLanguageAndEdition(t *testing.T) {
	w := newAccountWorld(t)
	who := w.person(t, "citizen-1")
	v := w.book(t, who, "first")
	w.cancel(t, who, v.Code, "first-undo")
	w.book(t, who, "second")
	for _, l := range web.Locales {
		for _, edition := range []string{"normal", "elder"} {
			look := "?lang=" + string(l) + "&edition=" + edition
			pages := map[string]answered{}
			b := w.browser(t)
			b.get("/" + look)
			pages["sign-in"] = b.get("/sign-in")
			pages["sign-in first"] = b.get("/people")
			at := b.get(b.start(pages["sign-in"]))
			pages["cancelled"] = b.post("/dev/idp/authorize", at.with("cancel", "1"))
			pages["expired"] = b.get("/sign-in/callback?code=x&state=y")
			address, _ := callback(b, "citizen-1")
			w.down.Store(true)
			pages["unavailable"] = b.get(address)
			w.down.Store(false)
			address, _ = callback(b, "citizen-1")
			pages["failed"] = b.get(strings.Replace(address, "state=", "state=x", 1))
			pages["visitor"] = b.get("/sign-in/visitor")
			pages["visitor wrong"] = b.post("/sign-in/visitor", pages["visitor"].with("kind", "passport"))
			pages["visitor platform"] = b.post("/sign-in/visitor", pages["visitor"].with("kind", "taiwan_permit"))
			w.Clock.Add(61 * time.Second)
			phone := "+3361234" + string('0'+rune(slices.Index(web.Locales, l))) + map[string]string{"normal": "100", "elder": "200"}[edition]
			pages["code"] = b.post("/sign-in/visitor", visitor(pages["visitor"], "phone", phone))
			pages["code too often"] = b.post("/sign-in/visitor/again", pages["code"].hidden())
			pages["code wrong"] = b.post(codePath, pages["code"].with("code", wrongCode(t, w)))
			for range 4 {
				pages["code void"] = b.post(codePath, pages["code"].with("code", wrongCode(t, w)))
			}
			pages["code over"] = b.post(codePath, pages["code"].with("code", wrongCode(t, w)))
			pages["signed out"] = b.get("/sign-out")
			low := w.browser(t)
			low.get("/" + look)
			pages["level"] = low.signIn("level-2", "/")
			pages["account low"] = low.get("/account")
			pages["no bookings"], pages["no messages"], pages["nobody"] = low.get("/bookings"), low.get("/messages"), low.get("/people")
			agent := w.browser(t)
			agent.get("/" + look)
			w.browser(t).signIn("agent", "/")
			pages["account agent"] = agent.signIn("agent", "/account")
			b.signIn("citizen-1", "/")
			pages["bookings"], pages["messages"] = b.get("/bookings"), b.get("/messages")
			pages["new person"] = b.get("/people/new")
			pages["new person wrong"] = b.post("/people/new", pages["new person"].with("kind", "passport"))
			pages["people"] = b.post("/people/new", somebody(pages["new person"], 40))
			pages["remove"] = b.get(regexp.MustCompile(`/people/[^"]+/remove`).FindString(pages["people"].body))
			pages["sign out"], pages["sign-in again"] = b.get("/sign-out"), b.get("/sign-in")
			pages["lost place"] = b.get("/bookings?after=x")
			for name, p := range pages {
				where := string(l) + " " + edition + " " + name
				if p.status >= 500 && name != "unavailable" || p.body == "" {
					t.Errorf("%s: %d", where, p.status)
					continue
				}
				if i := strings.Index(p.body, "⟦"); i >= 0 {
					t.Errorf("%s: nobody wrote %s", where, p.body[i:min(len(p.body), i+60)])
				}
				if regexp.MustCompile(`[{}]`).MatchString(mainOf(p.body)) {
					t.Errorf("%s: a place in a sentence was not filled:\n%s", where, mainOf(p.body))
				}
				if n := strings.Count(p.body, "<h1"); n != 1 {
					t.Errorf("%s: %d h1", where, n)
				}
				if m := tagOf.FindString(p.body); m != "" {
					t.Errorf("%s: inline %q", where, m)
				}
				if !strings.Contains(p.body, `lang="`+l.Tag()+`"`) || strings.Contains(p.body, "helpbar") != (edition == "elder") {
					t.Errorf("%s: in another language or edition", where)
				}
				ids := map[string]bool{}
				for _, m := range idOnPage.FindAllStringSubmatch(p.body, -1) {
					if ids[m[1]] {
						t.Errorf("%s: id %q twice", where, m[1])
					}
					ids[m[1]] = true
				}
				for _, m := range forID.FindAllStringSubmatch(p.body, -1) {
					for id := range strings.FieldsSeq(m[1]) {
						if !ids[id] {
							t.Errorf("%s: nothing has id %q", where, id)
						}
					}
				}
				for _, way := range []string{"lang=zh-Hans", "lang=zh-Hant", "lang=en", "edition=" + map[string]string{"normal": "elder", "elder": "normal"}[edition]} {
					if !strings.Contains(p.body, way) {
						t.Errorf("%s: no way to %s", where, way)
					}
				}
				writeAccountGallery(t, where, p.body)
			}
		}
	}
}

// Where the switches of language and edition lead is a page, also from what a POST has answered.
func TestAccountSwitchesLeadSomewhere(t *testing.T) {
	w := newAccountWorld(t)
	b := w.browser(t)
	form := b.get("/sign-in/visitor")
	sent := b.post("/sign-in/visitor", visitor(form))
	b.signIn("citizen-1", "/")
	person := b.get("/people/new")
	for name, p := range map[string]answered{
		"visitor wrong": b.post("/sign-in/visitor", person.with("kind", "passport")),
		"code again":    b.post("/sign-in/visitor/again", person.hidden()),
		"code":          b.post(codePath, person.with("code", "1")),
		"person wrong":  b.post("/people/new", person.with("kind", "passport")),
		"sent":          sent,
	} {
		for _, m := range regexp.MustCompile(`href="([^"]*(?:lang|edition)=[^"]*)"`).FindAllStringSubmatch(p.body, -1) {
			if to := b.get(strings.ReplaceAll(m[1], "&amp;", "&")); to.status != http.StatusOK {
				t.Errorf("%s: %s answers %d", name, m[1], to.status)
			}
		}
	}
}

// No address holds anything personal, and no page more than the masks let through; only forms give
// back what the reader has just typed there.
func TestAccountTellsNothingPersonal(t *testing.T) {
	canary := testpeople.Person{
		ID: "canary", Name: "欧阳金丝雀", Phone: "19987654321", Level: identity.Verified,
		Document:      identity.SyntheticResident(identity.SyntheticArea, calendar.MakeDate(1971, 2, 3), 456),
		Organisations: []identity.Organisation{{CreditCode: identity.SyntheticCreditCode("440100", 77), Name: "金丝雀示例有限责任公司"}},
	}
	w := newAccountWorld(t, canary)
	b := w.browser(t)
	b.signIn("canary", "/bookings").must(t, http.StatusOK, "欧阳")
	v := w.book(t, b.session(), "canary")
	w.book(t, w.person(t, "citizen-1"), "other")
	kept := apptest.Citizen(77)
	kept.Name = "司马金丝雀"
	b.post("/people/new", b.get("/people/new").with("name", kept.Name, "kind", "resident_id", "number", kept.Document.Number, "phone", "13787654321")).must(t, http.StatusOK)
	for _, path := range []string{"/bookings", "/messages", "/people", "/account", "/sign-in?return=/people", "/sign-out", "/account/level", "/bookings?after=x"} {
		b.get(path)
	}
	b.get(regexp.MustCompile(`/people/[^"]+/remove`).FindString(b.get("/people").body))
	w.cancel(t, b.session(), v.Code, "canary-undo")
	b.get("/bookings")
	b.get("/messages")
	b.post("/sign-out", b.get("/account").hidden())
	guest := w.browser(t)
	page := guest.post("/sign-in/visitor", visitor(guest.get("/sign-in/visitor"), "number", "K7654321", "name", "Canary Yellow", "phone", "+33687654321"))
	guest.post(codePath, page.with("code", wrongCode(t, w)))
	guest.post(codePath, page.with("code", lastCode(t, w)))
	guest.get("/account").must(t, http.StatusOK, "C***")

	w.mu.Lock()
	defer w.mu.Unlock()
	secrets := []string{
		canary.Name, "金丝雀", canary.Document.Number, canary.Document.Number[14:], canary.Phone, "87654321", canary.Organisations[0].CreditCode,
		kept.Name, kept.Document.Number, "13787654321", "K7654321", "Canary", "33687654321", "1985",
	}
	for _, s := range secrets {
		for _, u := range w.seen {
			if plain, err := url.QueryUnescape(u); err != nil || strings.Contains(plain, s) {
				t.Errorf("an address holds %q: %s (%v)", s, u, err)
			}
		}
		if s == "1985" {
			continue // a hint of the form gives it as an example
		}
		for _, page := range w.html {
			if i := strings.Index(page, s); i >= 0 {
				t.Errorf("a page holds %q: …%s…", s, page[max(0, i-120):min(len(page), i+60)])
			}
		}
	}
	if len(w.html) < 15 || len(w.seen) < 60 {
		t.Fatalf("only %d pages and %d addresses were looked at", len(w.html), len(w.seen))
	}
}
