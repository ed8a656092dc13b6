package citizen

import (
	"net/http"
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/theme"
)

// newWholeWorld is newWorld with the pages around the person.
func newWholeWorld(t *testing.T) *world {
	t.Helper()
	var c Config
	w := newWorld(t, func(own *Config) { c = *own })
	pages, mux := New(c), http.NewServeMux()
	pages.Register(mux)
	NewAccount(pages, AccountConfig{Identity: vouched{}}).Register(mux)
	w.server.Config.Handler = c.Site.Wrap(mux)
	return w
}

// fullDay books every hour of the first day of the street's hall and returns the date.
func (w *world) fullDay(t *testing.T) string {
	t.Helper()
	free := w.FreeSlots(apptest.QueueStreet)
	_, day, _ := slotOf(t, free[0])
	for i, slot := range free {
		if _, d, _ := slotOf(t, slot); d == day {
			w.take(t, 300+i, slot)
		}
	}
	return day
}

// codeAt is the code at the end of an address of the waitlist.
func codeAt(s shown) string {
	s.b.t.Helper()
	code, ok := strings.CutPrefix(s.at, "/waitlist/")
	if !ok || s.status != 200 {
		s.b.t.Fatalf("%s is no entry: %s", s.at, s.text())
	}
	return code
}

// Art. 15: one joins the line for oneself, for somebody kept or an organisation of the sign-in on one page, for
// anybody else after saying who that is; back and a second press never join twice.
func TestArt15_WaitingForSomebodyElse(t *testing.T) {
	w := newWholeWorld(t)
	day := w.fullDay(t)
	b := w.browser(t)
	me := b.signIn(apptest.Citizen(1))
	form := b.get("/book/"+apptest.SocialCard+"/"+apptest.QueueStreet+"?date="+day).must(200).follow("候补").must(200, "候补一个号", "为谁办？", "陈**", "别人", "单位")
	form.form("/book/wait").send("for", "kept:nobody").must(422, "请从所列选项中选择一项")
	person := form.form("/book/wait").send("for", "other").must(200, "办事人是谁？", "甲一街政务服务中心")
	person.form("/book/person").send("name", "", "number", "1").must(422, "姓名：", "证件号码：")
	number := apptest.Citizen(2).Document.Number
	check := person.form("/book/person").send("name", "李示例", "number", number).must(200, "请核对您的候补", "李示例", "11月25日(周三)")
	changed := check.follow("更改").must(200, "候补一个号")
	if got := changed.form("/book/wait").values; got.Get("for") != "other" || got.Get("dates") != day {
		t.Errorf("the form forgot %v", got)
	}
	entry := check.form("/book").send().must(200, "候补中", "李**")
	code := codeAt(entry)
	if again := check.form("/book").send(); codeAt(again) != code {
		t.Errorf("a second press joins as %s", again.at)
	}
	b.get(check.at).must(200, "李**")
	list, err := w.App.MyWaits(t.Context(), me)
	if err != nil || len(list) != 1 || list[0].Entry.Applicant != booking.Other {
		t.Fatalf("%v %v", list, err)
	}
	// Twice for the same person is refused with the way to the entry there is.
	twice := b.get("/waitlist/new?item="+apptest.SocialCard+"&queue="+apptest.QueueStreet+"&date="+day).form("/book/wait").send("for", "other").must(200).
		form("/book/person").send("name", "李示例", "number", number).form("/book").send().must(409, "已经在候补", "waiting_already")
	if links := twice.links("我的候补"); len(links) != 1 || links[0] != waitPath(code) {
		t.Errorf("leads to %q", links)
	}
	// For oneself it is one page still, and an organisation is named first.
	codeAt(form.form("/book/wait").send().must(200, "候补中", "陈**（本人）"))
	o := form.form("/book/wait").send("for", "organisation").must(200, "是哪个单位？").form("/book/organisation").send("name", "另一示例公司", "credit_code", apptest.Agent().Agent[0].CreditCode)
	codeAt(o.must(200, "请核对您的候补", "另一示例公司").form("/book").send().must(200, "另一****公司"))
	b.get("/waitlist").must(200, "为 李** 办理", "为 另一****公司 办理")
	for _, a := range w.addresses() {
		if strings.Contains(a, number) {
			t.Errorf("personal data in the address %q", a)
		}
	}
}

// Art. 15, 19: whoever may book a batch waits with its list, where the item is booked in batches.
func TestArt19_WaitingWithAList(t *testing.T) {
	w := newWholeWorld(t)
	free := w.FreeSlots(apptest.QueueAEstate)
	_, day, _ := slotOf(t, free[0])
	serial := 500
	for _, slot := range free {
		if _, d, _ := slotOf(t, slot); d != day {
			continue
		}
		for v, _ := w.App.Slot(slot); v.Free > 0; v, _ = w.App.Slot(slot) {
			serial++
			_, s := w.SignIn(t, apptest.Citizen(serial))
			if _, err := w.App.Book(t.Context(), s, app.BookRequest{Key: "fill-" + slot, Item: apptest.Estate, SlotID: slot, Stage: directory.Acceptance, Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web}); err != nil {
				t.Fatal(err)
			}
		}
	}
	b := w.browser(t)
	me := b.signIn(apptest.Agent())
	form := b.get("/waitlist/new?item="+apptest.Estate+"&queue="+apptest.QueueAEstate+"&date="+day).must(200, "一次最多 5 件", "示例有限公司")
	form.form("/book/wait").send("units", "6").must(422, "件数：")
	agent := forAgent + apptest.Agent().Agent[0].CreditCode
	list := form.form("/book/wait").send("for", agent, "units", "2").must(200, "名单", "共要 2 件", "示例有限公司")
	check := listing(list, 31, 2).form("/book/cases").send("do", "go").must(200, "请核对您的候补", "示例有限公司", "2 件", "李**")
	entry := check.form("/book").send().must(200, "候补中", "示例****公司", "2 件")
	if e, err := w.App.MyWait(t.Context(), me, codeAt(entry)); err != nil || e.Entry.Units != 2 || e.Entry.Cases != 2 {
		t.Errorf("%+v %v", e.Entry, err)
	}
	// Whoever may not book a batch is not asked for how many.
	c := w.browser(t)
	c.signIn(apptest.Citizen(1))
	if strings.Contains(c.get("/waitlist/new?item="+apptest.SocialCard+"&queue="+apptest.QueueStreet).body, `name="units"`) {
		t.Error("a batch is offered where there is none")
	}
}

// A booker sees for whom, always: every page of what they hold for somebody else says so, masked.
func TestEveryPageSaysForWhom(t *testing.T) {
	w := newWholeWorld(t)
	w.AddTheme(t)
	day := w.fullDay(t)
	b := w.browser(t)
	me := b.signIn(apptest.Citizen(1))
	number := apptest.Citizen(2).Document.Number
	says := func(path string) {
		t.Helper()
		s := b.get(path).must(200, "李**")
		if strings.Contains(s.body, "李示例") || strings.Contains(s.body, number) {
			t.Errorf("%s is not masked", path)
		}
	}
	who := b.get("/book/" + apptest.SocialCard + "/" + apptest.QueueA).form("/book/who").send().must(200)
	check := who.form("/book/who").send("for", "other").form("/book/person").send("name", "李示例", "number", number).must(200)
	id := check.form("/book").values.Get("draft")
	b.get("/book/"+apptest.SocialCard+"/"+apptest.QueueA+"?draft="+id).must(200, "李示例") // typed just now, to be checked
	code := codeOf(check.form("/book").send().must(200, "李**"))
	pass := passPath(code)
	slot := w.FreeSlots(apptest.QueueA)[9]
	for _, path := range []string{pass, "/", "/bookings", "/messages", pass + "/move", pass + "/move/halls", pass + "/move/check?slot=" + slot, pass + "/cancel"} {
		says(path)
	}
	b.get(pass+"/cancel").form(pass+"/cancel").send().must(200, "李**")
	says("/bookings")
	says("/messages")

	person := b.get("/waitlist/new?item="+apptest.SocialCard+"&queue="+apptest.QueueStreet+"&date="+day).form("/book/wait").send("for", "other")
	wait := waitPath(codeAt(person.form("/book/person").send("name", "李示例", "number", number).form("/book").send()))
	for _, path := range []string{wait, "/waitlist", "/bookings", wait + "/change"} {
		says(path)
	}

	const matter = "aaaaaaaaaaaa"
	li := apptest.Citizen(2)
	li.Name = "李示例"
	w.OpenCaseFor(t, matter, apptest.Citizen(1), li, me.Person.Key)
	social := w.As(t, w.OpenAdmin(t, account.Municipal2, apptest.AgencySocial))
	for _, kind := range []theme.ActKind{theme.Take, theme.Ask} {
		if err := w.App.WorkStep(t.Context(), social, app.StepAct{Kind: kind, Case: matter, Step: "card", Text: "请写明户籍地"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/cases", "/cases/" + matter, "/cases/" + matter + "/withdraw"} {
		says(path)
	}
	b.get("/messages").must(200, "安家一件事（为李**）")
}

// The number of the day says for whom it is as well.
func TestATicketSaysForWhom(t *testing.T) {
	w := newWholeWorld(t)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	who := b.get("/book/" + apptest.SocialCard + "/" + apptest.QueueA).form("/book/who").send().must(200)
	check := who.form("/book/who").send("for", "other").form("/book/person").send("name", "李示例", "number", apptest.Citizen(2).Document.Number).must(200)
	_, _, hour := slotOf(t, w.FreeSlots(apptest.QueueA)[0])
	code := codeOf(check.form("/book").send().must(200, "李**"))
	day := calendar.DateOf(w.Clock.Now()) + 1
	w.Clock.Set(day.At(hour, 5))
	b.signIn(apptest.Citizen(1))
	at := "/arrive/" + apptest.HallA + "/" + w.App.HallCode(apptest.HallA, day)
	ticket := b.get(at).must(200, "李**").form("/arrive/").send("code", code)
	for range 2 { // and again when the page is loaded anew
		ticket.must(200, "李**")
		if strings.Contains(ticket.body, "李示例") || !strings.HasPrefix(ticket.at, "/ticket/") {
			t.Errorf("%s is not masked", ticket.at)
		}
		path, _, _ := strings.Cut(ticket.at, "?")
		ticket = b.get(path)
	}
	b.get("/messages").must(200, "社会保障卡申领（为李**）")
}

// An item names the themes that hold it, a theme's step before the department that does it.
func TestArt20_AnItemNamesItsThemes(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	if s := b.get("/item/" + apptest.SocialCard).must(200); len(s.links("安家一件事")) != 0 {
		t.Error("a theme is named that is not there")
	}
	w.AddTheme(t)
	s := b.get("/item/"+apptest.SocialCard).must(200, "和别的事一次办好").follow("安家一件事").must(200, "示例公安局")
	if !strings.Contains(s.body, "<b>步骤card</b>") {
		t.Error("the step does not stand out")
	}
	if s := b.get("/item/" + apptest.Passport).must(200); len(s.links("安家一件事")) != 0 {
		t.Error("an item names a theme that does not hold it")
	}
}
