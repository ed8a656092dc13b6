package citizen

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
)

// The whole story, from the question to a cancelled booking, in a browser without scripts.
func TestStoryWithoutScripts(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	home := b.get("/").must(200, "您要办什么事？", "放出", "社会保障卡申领")
	found := home.form("/search").send("q", "社保卡").must(200, "社会保障卡申领")
	item := found.follow("社会保障卡申领").must(200, "请带上", "本人有效身份证件", "甲区政务服务中心", "最早可约", "约 15 分钟")
	when := item.follow("甲区政务服务中心").must(200, "第 2 步，共 4 步", "社会保障卡申领", "最早可约")
	slot := when.form("/book/who").values.Get("slot")
	if free := w.FreeSlots(apptest.QueueA); slot != free[0] {
		t.Fatalf("chosen is %s, first free is %s", slot, free[0])
	}

	// Whoever is not signed in is sent to sign in, and back to the same choice.
	away := when.form("/book/who").send()
	to, err := url.Parse(away.header.Get("Location"))
	if err != nil || away.status != http.StatusSeeOther || to.Path != "/sign-in" {
		t.Fatalf("%d %v", away.status, away.header)
	}
	back := to.Query().Get("return")
	if !strings.HasPrefix(back, "/book/who?") {
		t.Fatalf("back to %q", back)
	}
	b.signIn(apptest.Citizen(1))
	who := b.get(back).must(200, "为谁办？", "陈**", "甲区政务服务中心")
	check := who.form("/book/who").send().must(200, "请核对", "社会保障卡申领", "甲区政务服务中心", "11月25日(周三)09:00–10:00", "陈**")
	pass := check.form("/book").send().must(200, "预约凭证", "已约好", "11月25日(周三)", "09:00–10:00", "最晚 11月25日(周三)08:00 前可取消",
		"甲区政务服务中心", "示例路 1 号", "020-12345", "本人有效身份证件", "陈**（本人）")
	code := codeOf(pass)
	if pass.header.Get("Cache-Control") != "no-store" {
		t.Error("a pass may be stored")
	}
	if ics := b.get("/pass/" + code + "/calendar.ics").must(200); !strings.Contains(ics.body, "BEGIN:VEVENT") || !strings.Contains(ics.body, "DTSTART") {
		t.Error(ics.body)
	}
	b.get("/").must(200, "下一个预约", "明天 11月25日(周三)09:00–10:00", "看凭证")

	// Move to the next hour, then to another hall.
	move := b.get("/pass/"+code+"/move").must(200, "改到什么时候？", "现在的时段")
	sure := move.form("/pass/"+code+"/move/check").send().must(200, "原来", "改为", "09:00–10:00", "10:00–11:00")
	moved := sure.form("/pass/"+code+"/move").send().must(200, "时间已改好", "10:00–11:00")
	if codeOf(moved) != code {
		t.Error("the code changed")
	}
	other := b.get("/pass/"+code+"/move/halls").must(200, "乙区政务服务中心").follow("乙区政务服务中心").must(200, "改到")
	other.form("/pass/"+code+"/move/check").send().must(200).form("/pass/"+code+"/move").send().must(200, "时间已改好", "乙区政务服务中心")

	// Cancel. The same address says so from now on.
	gone := b.get("/pass/"+code+"/cancel").must(200, "取消这个预约？").form("/pass/" + code + "/cancel").send()
	gone.must(200, "这个预约已取消", "已取消", "再约一次")
	b.get("/pass/"+code).must(200, "这个预约已取消")
	if strings.Contains(b.get("/").text(), "下一个预约") {
		t.Error("a cancelled booking is still next")
	}
	if n := w.Rows(t)["taken"]; n != 0 {
		t.Errorf("%d numbers are still taken", n)
	}
	p := apptest.Citizen(1)
	for _, secret := range []string{p.Document.Number, p.Phone, p.Name, url.QueryEscape(p.Name)} {
		for _, at := range w.addresses() {
			if strings.Contains(at, secret) {
				t.Errorf("personal data in the address %q", at)
			}
		}
		if strings.Contains(w.logged(), secret) {
			t.Errorf("personal data in the log")
		}
	}
}

// At most six screens lie between the question and the pass.
func TestSixScreens(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	screens := 1
	s := b.get("/").must(200)
	for _, step := range []func(shown) shown{
		func(s shown) shown { return s.follow("社会保障卡申领") },
		func(s shown) shown { return s.follow("甲区政务服务中心") },
		func(s shown) shown { return s.form("/book/who").send() },
		func(s shown) shown { return s.form("/book/who").send() },
		func(s shown) shown { return s.form("/book").send() },
	} {
		s = step(s).must(200)
		screens++
	}
	codeOf(s)
	if screens > 6 {
		t.Errorf("%d screens", screens)
	}
}

// Reload, back and a double press never book twice: the same key comes to the same booking.
func TestDoublePressBooksOnce(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	check := b.begin(apptest.SocialCard, apptest.QueueA)
	f := check.form("/book")
	at := make([]string, 8)
	var all sync.WaitGroup
	for i := range at {
		all.Go(func() { at[i] = f.send().at })
	}
	all.Wait()
	for _, a := range at {
		if a, _, _ := strings.Cut(a, "?"); a == "/book" || !strings.HasPrefix(a, "/pass/") || !strings.HasPrefix(at[0], a) {
			t.Fatalf("presses led to %q", at)
		}
	}
	if rows := w.Rows(t); rows["booking"] != 1 || rows["taken"] != 1 {
		t.Fatalf("%v", rows)
	}
	// Back to the check page, or to the question before it: the booking is there.
	if s := b.get(check.at).must(200, "预约凭证"); codeOf(s) != codeOf(shown{b: b, at: at[0]}) {
		t.Error(s.at)
	}
	f.send().must(200, "预约凭证")
	if n := w.Rows(t)["booking"]; n != 1 {
		t.Errorf("%d bookings", n)
	}
}

func TestMoveAndCancelAreRepeatable(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	code := codeOf(b.bookHere(apptest.SocialCard, apptest.QueueA))
	f := b.get("/pass/" + code + "/move").form("/pass/" + code + "/move/check").send().must(200).form("/pass/" + code + "/move")
	for range 2 {
		f.send().must(200, "时间已改好", "10:00–11:00")
	}
	// The same change asked for again from a page of its own: it is so already.
	b.get("/pass/"+code+"/move/check?slot="+f.values.Get("slot")).must(409, "已经约在这个时段")
	c := b.get("/pass/" + code + "/cancel").must(200).form("/pass/" + code + "/cancel")
	for range 2 {
		c.send().must(200, "这个预约已取消")
	}
	c.send("key", "another-key-of-some-length").must(200, "这个预约已取消")
	f.send("key", "another-key-of-some-length").must(200, "这个预约已取消")
	if rows := w.Rows(t); rows["taken"] != 0 || rows["event"] != 3 {
		t.Errorf("%v", rows)
	}
}

func TestForSomebodyElse(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	other := apptest.Citizen(2).Document.Number
	who := b.get("/book/" + apptest.SocialCard + "/" + apptest.QueueA).form("/book/who").send().must(200)
	person := who.form("/book/who").send("for", "other").must(200, "办事人是谁？")

	// All that is wrong is said at once, in the same words twice, and nothing typed is lost.
	wrong := person.form("/book/person").send("name", "", "number", "11010119900307001"+"9", "phone", "12")
	wrong.must(422, "请先改正下面 3 处", "姓名：请填写这一项", "证件号码：")
	if !strings.HasPrefix(wrong.title(), "有误：") || !strings.Contains(wrong.body, "data-focus") || !strings.Contains(wrong.body, `href="#number"`) {
		t.Error(wrong.title())
	}
	if got := wrong.form("/book/person").values; got.Get("phone") != "12" || got.Get("number") != "110101199003070019" {
		t.Errorf("lost what was typed: %v", got)
	}
	// Reload and a switch of language keep it too.
	again := b.get(wrong.at+"&lang=en").must(200, "Who is the person?")
	if got := again.form("/book/person").values.Get("number"); got != "110101199003070019" {
		t.Errorf("lost what was typed: %q", got)
	}
	b.get("/?lang=zh-Hans")
	check := again.form("/book/person").send("name", "李 示例", "number", strings.ToLower(other), "phone", "").must(200, "请核对", "李 示例")
	if strings.Contains(check.text(), other) {
		t.Error("the whole number is shown")
	}
	back := check.follow("更改").must(200)
	if back.at == check.at {
		t.Error("nothing to change")
	}
	pass := check.form("/book").send().must(200, "李**")
	if strings.Contains(pass.body, "李 示例") || strings.Contains(pass.body, other) {
		t.Error("the pass is not masked")
	}
	for _, at := range w.addresses() {
		if strings.Contains(at, other) || strings.Contains(at, url.QueryEscape("李")) || strings.Contains(at, "1101011990") {
			t.Errorf("personal data in the address %q", at)
		}
	}
	if strings.Contains(w.logged(), other) {
		t.Error("personal data in the log")
	}
}

func TestPassportNeedsNationalityAndBirth(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	person := b.get("/book/"+apptest.Residence+"/"+apptest.QueueAEntry).form("/book/who").send().form("/book/who").send("for", "other").must(200)
	f := person.form("/book/person")
	f.send("name", "SAMPLE PAUL", "kind", "passport", "number", "X0000001").must(422, "国籍：请填写这一项", "出生日期：请填写这一项")
	f.send("name", "SAMPLE PAUL", "kind", "passport", "number", "X0000001", "nationality", "FRA", "birth-year", "2030", "birth-month", "1", "birth-day", "2").must(422, "出生日期：日期还没到")
	f.send("name", "SAMPLE PAUL", "kind", "passport", "number", "X0000001", "nationality", "FRA", "birth-year", "1985", "birth-month", "6", "birth-day", "7").
		must(200, "SAMPLE PAUL", "护照").form("/book").send().must(200, "S***")
}

func TestKeptPeopleAreOneTap(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	me := b.signIn(apptest.Citizen(1))
	person := b.get("/book/"+apptest.SocialCard+"/"+apptest.QueueA).form("/book/who").send().form("/book/who").send("for", "other").must(200)
	f := person.form("/book/person")
	f.send("name", "李示例", "number", apptest.Citizen(2).Document.Number, "keep", "yes").must(200, "李**").form("/book").send().must(200, "李**")
	if kept, err := w.App.KeptPeople(t.Context(), me); err != nil || len(kept) != 1 {
		t.Fatalf("%v %v", kept, err)
	}
	who := b.get("/book/"+apptest.Estate+"/"+apptest.QueueAEstate).form("/book/who").send().must(200, "李**")
	kept := ""
	for _, m := range input.FindAllStringSubmatch(who.body, -1) {
		if v := attrs(m[1])["value"]; strings.HasPrefix(v, forKept) {
			kept = v
		}
	}
	// The same hour is taken by the first booking: another one is chosen on the way.
	free := w.FreeSlots(apptest.QueueAEstate)
	check := who.form("/book/who").send("for", kept).must(200, "请核对", "李**")
	id := check.form("/book").values.Get("draft")
	b.get("/book/check?draft="+id+"&slot="+free[1]).must(200, "10:00–11:00").form("/book").send().must(200, "李**", "不动产转移登记")
}

func TestArt12_OrganisationsAndTheirAgents(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Agent())
	who := b.get("/book/"+apptest.Estate+"/"+apptest.QueueAEstate).form("/book/who").send().must(200, "示例有限公司", "一次最多 5 件")
	code := apptest.Agent().Agent[0].CreditCode
	who.form("/book/who").send("for", forAgent+identity.SyntheticCreditCode("000000", 9)).must(422, "请从所列选项中选择一项")
	who.form("/book/who").send("for", forAgent+code, "units", "6").must(422, "件数：")
	who.form("/book/who").send("for", forAgent+code, "units", "many").must(422, "件数：")
	listed := listing(who.form("/book/who").send("for", forAgent+code, "units", "3").must(200, "名单", "共要 3 件", "示例有限公司"), 31, 3)
	listed.form("/book/cases").send("do", "go").must(200, "请核对", "示例有限公司", "3 件").form("/book").send().must(200, "3 件", "示例****公司", "查看名单（3 件）")

	organisation := b.get("/book/"+apptest.SocialCard+"/"+apptest.QueueA).form("/book/who").send().form("/book/who").send("for", "organisation").must(200, "是哪个单位？")
	f := organisation.form("/book/organisation")
	f.send("name", "", "credit_code", "900000000000000010").must(422, "单位名称：", "统一社会信用代码：")
	free := w.FreeSlots(apptest.QueueA)
	check := f.send("name", "另一示例公司", "credit_code", identity.SyntheticCreditCode("000000", 7)).must(200, "另一示例公司")
	id := check.form("/book").values.Get("draft")
	b.get("/book/check?draft="+id+"&slot="+free[1]).must(200, "10:00–11:00").form("/book").send().must(200, "另一****公司")
}

// What was typed is not lost when the sign-in runs out meanwhile, and nobody else gets at it.
func TestDraftOutlivesTheSession(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	s := b.signIn(apptest.Citizen(1))
	person := b.get("/book/"+apptest.SocialCard+"/"+apptest.QueueA).form("/book/who").send().form("/book/who").send("for", "other").must(200)
	if err := w.App.SignOut(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	f := person.form("/book/person")
	away := f.send("name", "李示例", "number", apptest.Citizen(2).Document.Number)
	if away.status != http.StatusSeeOther || !strings.HasPrefix(away.header.Get("Location"), "/sign-in?") {
		t.Fatalf("%d %v", away.status, away.header)
	}
	b.signIn(apptest.Citizen(3))
	if got := b.get(person.at).must(410, "已经过期").text(); strings.Contains(got, "李示例") {
		t.Error("somebody else reads the draft")
	}
	b.signIn(apptest.Citizen(1))
	if got := b.get(person.at).must(200).form("/book/person").values.Get("name"); got != "李示例" {
		t.Errorf("kept %q", got)
	}
	b.get("/book/check?draft="+f.s.at[len(f.s.at)-idLength:]).must(200, "李示例").form("/book").send().must(200, "李**")
}

func TestDraftsAreSealed(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	person := b.get("/book/"+apptest.SocialCard+"/"+apptest.QueueA).form("/book/who").send().form("/book/who").send("for", "other").must(200)
	check := person.form("/book/person").send("name", "SAMPLE LI", "number", apptest.Citizen(2).Document.Number).must(200)
	u, _ := url.Parse(w.server.URL + "/book")
	drafts := 0
	for _, c := range b.http.Jar.Cookies(u) {
		if strings.HasPrefix(c.Name, draftCookie) {
			drafts++
			if strings.Contains(c.Value, "SAMPLE") || len(c.Value) > 3500 {
				t.Error("a draft is readable, or too large for a cookie")
			}
			other := "A"
			if c.Value[0] == 'A' {
				other = "B"
			}
			c.Value = other + c.Value[1:]
			b.http.Jar.SetCookies(u, []*http.Cookie{{Name: c.Name, Value: c.Value, Path: "/book"}})
		}
	}
	if drafts != 1 {
		t.Fatalf("%d drafts", drafts)
	}
	b.get(check.at).must(410, "已经过期")
	// Long nonsense still fits, and no more than three drafts are kept.
	long := strings.Repeat("李", 2000)
	for range 5 {
		person = b.get("/book/"+apptest.SocialCard+"/"+apptest.QueueA).form("/book/who").send().form("/book/who").send("for", "other").must(200)
		person.form("/book/person").send("name", long, "number", long, "phone", long).must(422, "内容太长")
		if kept := b.get(person.at).must(200).form("/book/person").values.Get("name"); !strings.HasPrefix(kept, "李李") || len(kept) > 300 {
			t.Errorf("kept %d bytes", len(kept))
		}
	}
	drafts = 0
	for _, c := range b.http.Jar.Cookies(u) {
		if strings.HasPrefix(c.Name, draftCookie) {
			drafts++
		}
	}
	if drafts > mostDrafts+1 { // one of them broken
		t.Errorf("%d drafts are kept", drafts)
	}
}

// A draft changed in another window is shown again before it is booked.
func TestChangedInAnotherWindow(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	check := b.begin(apptest.SocialCard, apptest.QueueA)
	old := check.form("/book")
	free := w.FreeSlots(apptest.QueueA)
	b.get(check.at+"&slot="+free[3]).must(200, "13:00–14:00")
	again := old.send().must(422, "别的窗口", "13:00–14:00")
	if w.Rows(t)["booking"] != 0 {
		t.Fatal("booked what was not shown")
	}
	again.form("/book").send().must(200, "13:00–14:00")
}

func TestSuggestions(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	for q, want := range map[string]string{"社保": "社会保障卡申领", "shbz": "社会保障卡申领", "护照": "普通护照换发"} {
		var list []struct{ Text, Note, Href string }
		s := b.get("/suggest?q=" + url.QueryEscape(q)).must(200)
		if err := json.Unmarshal([]byte(s.body), &list); err != nil || len(list) == 0 || list[0].Text != want {
			t.Fatalf("%s: %v %s", q, err, s.body)
		}
		b.get(list[0].Href).must(200, want)
	}
	if s := b.get("/suggest?q=zzzz"); strings.TrimSpace(s.body) != "[]" {
		t.Error(s.body)
	}
	b.get("/search?q=zzzz").must(200, "没有找到", "拨打 12345", "社会保险")
	b.get("/search?q="+strings.Repeat("x", 4000)).must(200, "没有找到")
}

// Art. 16: the way without a trip comes first.
func TestArt16_OnlineWayFirst(t *testing.T) {
	w := newWorld(t, nil)
	s := w.browser(t).get("/item/"+apptest.Passport).must(200, "可以网上办")
	online, halls := strings.Index(s.body, "https://example.org/passport"), strings.Index(s.body, `id="halls"`)
	if online < 0 || online > halls {
		t.Error("the halls come before the online way")
	}
}

func TestArt13_StagesAndTheirHalls(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	if s := b.get("/item/"+apptest.SocialCard+"?stage=consultation").must(200, "咨询", "受理", "取件", "共 4 个大厅"); len(s.links("甲一社区服务站")) == 0 {
		t.Error("the village hall advises and is not shown")
	}
	if s := b.get("/item/"+apptest.SocialCard).must(200, "共 3 个大厅"); len(s.links("甲一社区服务站")) != 0 {
		t.Error("the village hall takes no papers and is shown")
	}
}

func TestHallsFilterSortAndCompare(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	item := b.get("/item/" + apptest.SocialCard).must(200)
	f := item.form("/item/" + apptest.SocialCard)
	f.send("district", apptest.DistrictB).must(200, "共 1 个大厅", "乙区政务服务中心")
	f.send("district", apptest.DistrictA, "street", "nonsense").must(200, "共 2 个大厅")
	f.send("district", "nonsense", "sort", "nonsense").must(200, "共 3 个大厅")
	near := b.get("/item/"+apptest.SocialCard+"?lat=23.20&lng=113.26").must(200, "离我近", "公里")
	if i, j := strings.Index(near.text(), "乙区政务服务中心"), strings.Index(near.text(), "甲区政务服务中心"); i < 0 || i > j {
		t.Error("the nearest is not first")
	}
	b.get("/item/"+apptest.SocialCard+"?lat=900&lng=x").must(200, "共 3 个大厅")
	two := b.get("/item/"+apptest.SocialCard+"/compare?compare="+apptest.QueueA+"&compare="+apptest.QueueB).must(200, "甲区政务服务中心", "乙区政务服务中心", "最早可约")
	if n := len(two.links("选这里")); n != 2 {
		t.Errorf("%d ways to choose", n)
	}
	b.get("/item/"+apptest.SocialCard+"/compare?compare="+apptest.QueueA).must(200, "请选两个大厅")
}

// At least ten dates at once, the first free one and its first free hour chosen.
func TestArt14_TenDatesAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	s := b.get("/book/" + apptest.SocialCard + "/" + apptest.QueueA).must(200)
	if n := strings.Count(s.body, `class="day day--`); n < 10 {
		t.Errorf("%d dates", n)
	}
	s.must(200, "12:00", "放号", "休", "余 ")
	other := b.get("/book/"+apptest.SocialCard+"/"+apptest.QueueA+"?date=2026-11-27").must(200, "11月27日(周五)的时段")
	_, date, hour := slotOf(t, other.form("/book/who").values.Get("slot"))
	if date != "2026-11-27" || hour != 9 {
		t.Errorf("%s %d", date, hour)
	}
	for _, bad := range []string{"2026-11-28", "1999-01-01", "tomorrow", "2026-11-24"} {
		if _, date, _ := slotOf(t, b.get("/book/"+apptest.SocialCard+"/"+apptest.QueueA+"?date="+bad).form("/book/who").values.Get("slot")); date != "2026-11-25" {
			t.Errorf("%s: %s", bad, date)
		}
	}
	elder := b.get("/book/"+apptest.SocialCard+"/"+apptest.QueueA+"?edition=elder").must(200, "看全部日期")
	if n := strings.Count(elder.body, `class="day day--`); n != datesShownElder {
		t.Errorf("%d dates in the elder edition", n)
	}
	if n := strings.Count(b.get(elder.links("看全部日期")[0]).body, `class="day day--`); n < 10 {
		t.Errorf("%d dates", n)
	}
}

// A code alone opens nothing, and whether there is such a booking is not told.
func TestCodeAloneOpensNothing(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	first := codeOf(b.bookHere(apptest.SocialCard, apptest.QueueA))
	second := codeOf(b.bookHere(apptest.Estate, apptest.QueueAEstate+"?date=2026-11-26"))

	stranger := w.browser(t)
	there, absent := stranger.get("/pass/"+first).must(401, "先证明是您的预约"), stranger.get("/pass/7K3M-9Q2X-T").must(401)
	if there.text() != absent.text() {
		t.Error("the answer tells which code exists")
	}
	stranger.get("/pass/" + first + "/calendar.ics").must(401)
	if s := stranger.get("/pass/" + first + "/cancel"); s.status != http.StatusSeeOther {
		t.Errorf("%d", s.status)
	}
	signed := w.browser(t)
	signed.signIn(apptest.Citizen(2))
	for _, path := range []string{"", "/move", "/cancel", "/move/halls", "/move/check?slot=" + w.FreeSlots(apptest.QueueA)[5], "/calendar.ics"} {
		signed.get("/pass/"+first+path).must(404, "没有找到这个预约")
	}

	// The code and one fact open this one booking, for a quarter of an hour, and change nothing.
	find := stranger.get("/find").must(200)
	number := apptest.Citizen(1).Document.Number
	find.form("/find").send("code", first, "fact", "0000").must(404, "没有找到这个预约")
	find.form("/find").send("code", "7K3M-9Q2X-T", "fact", number[14:]).must(404, "没有找到这个预约")
	find.form("/find").send().must(422, "预约码：请填写这一项")
	pass := find.form("/find").send("code", strings.ToLower(strings.ReplaceAll(first, "-", " ")), "fact", number[14:]).must(200, "预约凭证", "请约号的人登录")
	if len(pass.links("取消预约"))+len(pass.links("改时间")) != 0 {
		t.Error("whoever found it may change it")
	}
	stranger.get("/pass/" + first + "/calendar.ics").must(200)
	stranger.get("/pass/" + second).must(401)
	if s := stranger.get("/pass/" + first + "/cancel"); s.status != http.StatusSeeOther {
		t.Errorf("%d", s.status)
	}
	w.Clock.Add(findingLife)
	stranger.get("/pass/" + first).must(401)
}

func TestFindingIsLimited(t *testing.T) {
	w := newWorld(t, func(c *Config) {
		c.Find = web.NewLimiter(web.Limit{Rate: 0.01, Burst: 3}, func() time.Time { return apptest.Start })
	})
	b := w.browser(t)
	f := b.get("/find").form("/find")
	for range 3 {
		f.send("code", "7K3M-9Q2X-T", "fact", "1234").must(404)
	}
	if s := f.send("code", "7K3M-9Q2X-T", "fact", "1234").must(429, "太频繁"); s.header.Get("Retry-After") == "" {
		t.Error("it does not say how long")
	}
}

func TestArt17_TooLateIsExplained(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	code := codeOf(b.bookHere(apptest.SocialCard, apptest.QueueA))
	day := calendar.MakeDate(2026, time.November, 25)
	move := b.get("/pass/" + code + "/move").form("/pass/" + code + "/move/check").send().form("/pass/" + code + "/move")
	cancel := b.get("/pass/" + code + "/cancel").form("/pass/" + code + "/cancel")

	w.Clock.Set(day.At(8, 0)) // the last instant still counts
	b.signIn(apptest.Citizen(1))
	b.get("/pass/"+code).must(200, "最晚 08:00 前可取消", "就是今天")
	w.Clock.Set(day.At(8, 0).Add(time.Second))
	pass := b.get("/pass/"+code).must(200, "在 11月25日(周三)08:00 截止")
	if len(pass.links("取消预约")) != 0 {
		t.Error("it still offers to cancel")
	}
	b.get("/pass/"+code+"/cancel").must(409, "取消的截止时间是 11月25日(周三)08:00")
	b.get("/pass/"+code+"/move").must(409, "改期的截止时间是 11月25日(周三)08:00")
	token := b.get("/find").form("/find").values.Get(web.FormField)
	cancel.send(web.FormField, token).must(409, "取消的截止时间")
	move.send(web.FormField, token).must(409, "改期的截止时间")
	w.Clock.Set(day.At(10, 0))
	b.signIn(apptest.Citizen(1))
	b.get("/pass/"+code).must(200, "预约的时间已过", "再约一次")
}
