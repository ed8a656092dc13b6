package citizen

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

// take books a slot for somebody nobody knows.
func (w *world) take(t *testing.T, serial int, slot string) {
	t.Helper()
	_, s := w.SignIn(t, apptest.Citizen(serial))
	_, err := w.App.Book(context.Background(), s, app.BookRequest{
		Key: "rival-" + slot, Item: apptest.SocialCard, SlotID: slot, Stage: directory.Acceptance, Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Art. 15: when the last number goes while somebody is checking, the page says so, with the next free
// one here and the soonest elsewhere, each one tap away; nothing typed is lost.
func TestArt15_SoldOutOffersTheNextBest(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	person := b.get("/book/"+apptest.SocialCard+"/"+apptest.QueueStreet).form("/book/who").send().form("/book/who").send("for", "other").must(200)
	check := person.form("/book/person").send("name", "李示例", "number", apptest.Citizen(2).Document.Number).must(200)
	slot := w.FreeSlots(apptest.QueueStreet)[0]
	w.take(t, 50, slot)
	refused := check.form("/book").send().must(409, "没有约成", "刚刚约满", "sold_out", "本大厅：明天 10:00", "甲区政务服务中心：明天 09:00", "李示例")
	if !strings.HasPrefix(refused.title(), "有误：") || strings.Contains(refused.body, ">确认预约<") {
		t.Error("it still offers to confirm")
	}
	if len(refused.links("看其他时间")) != 1 || len(refused.links("换一个大厅")) != 1 {
		t.Error("no way on")
	}
	// Reload shows the same without asking again; the next one here books.
	b.get(check.at).must(200, "没有约成", "本大厅：明天 10:00")
	refused.follow("甲区政务服务中心：").must(200, "请核对", "甲区政务服务中心", "李示例")
	refused.follow("本大厅：").must(200, "请核对", "甲一街政务服务中心", "10:00–11:00").form("/book").send().must(200, "李**", "甲一街政务服务中心", "10:00–11:00")

	// Earlier on the way it is said just as well.
	b.get("/book/who?item="+apptest.SocialCard+"&stage=acceptance&slot="+slot).must(409, "刚刚约满", "本大厅：").follow("本大厅：").must(200, "为谁办？")
}

// A hall with nothing left says so, when the next numbers come, and where there still are some.
func TestArt15_FullHall(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	free := w.FreeSlots(apptest.QueueStreet)
	for i, slot := range free {
		if strings.Contains(slot, "-20261125-") {
			w.take(t, 100+i, slot)
		}
	}
	day := b.get("/book/"+apptest.SocialCard+"/"+apptest.QueueStreet+"?date=2026-11-25").must(200, "11月25日(周三)已约满", "本大厅：后天 09:00", "甲区政务服务中心：明天 09:00", "满")
	day.follow("本大厅：").must(200, "11月26日(周四)的时段")
	day.follow("甲区政务服务中心：").must(200, "11月25日(周三)的时段")
	for i, slot := range free {
		if !strings.Contains(slot, "-20261125-") {
			w.take(t, 200+i, slot)
		}
	}
	b.get("/book/"+apptest.SocialCard+"/"+apptest.QueueStreet).must(200, "这个大厅已放出的号都约满了", "今天 12:00 放出 12月8日(周二) 的号", "甲区政务服务中心：明天 09:00")
	b.get("/item/"+apptest.SocialCard+"?street="+apptest.StreetA+"&district="+apptest.DistrictA).must(200, "近期已约满", "已放出的号都约满了")
}

func TestLimitsLeadToTheBookingInTheWay(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	code := codeOf(b.bookHere(apptest.SocialCard, apptest.QueueA))
	again := b.begin(apptest.SocialCard, apptest.QueueB).form("/book").send().must(409, "这件事已经有一个预约了", "already_booked_item")
	if codeOf(again.follow("看已有的预约").must(200, "预约凭证")) != code {
		t.Error("another booking")
	}
	again.follow("给已有的预约改时间").must(200, "改到什么时候？")

	hour := b.begin(apptest.Passport, apptest.HallCity+"-entry").form("/book").send().must(409, "同一时间已有别的预约", "already_booked_hour")
	hour.follow("看已有的预约").must(200)
	hour.follow("看其他时间").must(200).form("/book/check").send("slot", w.FreeSlots(apptest.HallCity + "-entry")[1]).must(200, "请核对").form("/book").send().must(200, "已约好")

	estate := b.begin(apptest.Estate, apptest.QueueAEstate)
	id := estate.form("/book").values.Get("draft")
	free := w.FreeSlots(apptest.QueueAEstate)
	b.get("/book/check?draft="+id+"&slot="+free[2]).must(200).form("/book").send().must(200, "已约好")
	entry := b.begin(apptest.Residence, apptest.QueueAEntry)
	id = entry.form("/book").values.Get("draft")
	b.get("/book/check?draft="+id+"&slot="+w.FreeSlots(apptest.QueueAEntry)[3]).must(200).form("/book").send().must(409, "同一天最多预约 3 个", "day_limit_reached")
}

func TestArt12_WhoMayNotBookIsToldAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	who := "/book/who?item=" + apptest.SocialCard + "&stage=acceptance&slot=" + w.FreeSlots(apptest.QueueA)[0]
	low := w.browser(t)
	low.signIn(apptest.LowLevel())
	low.get(who).must(403, "您的实名等级是 2 级，这项业务需要 3 级", "12345")
	visitor := w.browser(t)
	visitor.signIn(apptest.Visitor())
	visitor.get(who).must(403, "凭护照登录只能预约涉外业务")
	visitor.bookHere(apptest.Residence, apptest.QueueAEntry).must(200, "S***")
}

func TestArt14_WhatIsNotToBeHadNow(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	who := func(slot string) shown {
		return b.get("/book/who?item=" + apptest.SocialCard + "&stage=acceptance&slot=" + slot)
	}
	who(booking.SlotID(apptest.QueueA, calendar.MakeDate(2026, time.December, 8), 9)).must(409, "还没放号，11月24日(周二)12:00 开始预约", "本大厅：明天 09:00")
	who(booking.SlotID(apptest.QueueA, calendar.MakeDate(2026, time.November, 24), 15)).must(409, "当天的号只在大厅现场取")
	who(booking.SlotID(apptest.QueueA, calendar.MakeDate(2026, time.November, 28), 9)).must(404)
	// Noon: the day opens, and not before.
	check := b.begin(apptest.SocialCard, apptest.QueueA).form("/book").values.Get("draft")
	slot := booking.SlotID(apptest.QueueA, calendar.MakeDate(2026, time.December, 8), 9)
	early := b.get("/book/check?draft="+check+"&slot="+slot).must(200, "还没放号")
	w.Clock.Set(calendar.MakeDate(2026, time.November, 24).At(12, 0))
	b.get(early.at).must(200, "请核对", "12月8日(周二)09:00–10:00").form("/book").send().must(200, "已约好")
}

func TestArt19_BatchIsNotToBeForced(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1)) // level 3: no batches
	s := b.get("/book/" + apptest.Estate + "/" + apptest.QueueAEstate).form("/book/who").send().must(200)
	if strings.Contains(s.body, `name="units"`) {
		t.Error("it offers a batch")
	}
	s.form("/book/who").send("units", "4").must(200, "请核对").form("/book").send().must(200)
	if n := w.Rows(t)["taken"]; n != 1 {
		t.Errorf("%d units", n)
	}
}

func TestMoveToAFullHour(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	code := codeOf(b.bookHere(apptest.SocialCard, apptest.QueueStreet))
	sure := b.get("/pass/" + code + "/move").form("/pass/" + code + "/move/check").send().must(200)
	w.take(t, 60, sure.form("/pass/"+code+"/move").values.Get("slot"))
	refused := sure.form("/pass/"+code+"/move").send().must(409, "刚刚约满", "返回这个预约", "09:00–10:00", "本大厅：明天 11:00")
	b.get(sure.at).must(409, "刚刚约满")
	refused.follow("本大厅：").must(200, "11:00–12:00").form("/pass/"+code+"/move").send().must(200, "时间已改好", "11:00–12:00")
	b.get("/pass/"+code+"/move/check?slot="+w.FreeSlots(apptest.QueueAEstate)[0]).must(409, "不办这件事")
	b.get("/pass/"+code+"/move?queue="+apptest.QueueAEstate).must(409, "不办这件事")
}

func TestHallThatDoesNotOfferIt(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.get("/book/"+apptest.Passport+"/"+apptest.QueueA).must(409, "这个大厅不办这件事", "看所有大厅").follow("看所有大厅").must(200, "市出入境大厅")
	b.get("/book/"+apptest.Passport+"/nowhere").must(404, "看所有大厅")
	b.get("/book/XX-1/"+apptest.QueueA).must(404, "没有这个事项")
}

func TestAccountLimit(t *testing.T) {
	w := newWorld(t, nil)
	limited := newWorld(t, func(c *Config) {
		c.Account = web.NewLimiter(web.Limit{Rate: 0.01, Burst: 1}, w.Clock.Now)
	})
	b := limited.browser(t)
	b.signIn(apptest.Citizen(1))
	code := codeOf(b.bookHere(apptest.SocialCard, apptest.QueueA))
	check := b.get("/book/" + apptest.Estate + "/" + apptest.QueueAEstate + "?date=2026-11-26").form("/book/who").send().form("/book/who").send().must(200)
	check.form("/book").send().must(429, "太频繁", "再试一次", "不动产转移登记")
	b.get("/pass/" + code + "/cancel").form("/pass/" + code + "/cancel").send().must(429)
	if n := limited.Rows(t)["booking"]; n != 1 {
		t.Errorf("%d bookings", n)
	}
}

// A form that did not come from a page of ours in this browser does nothing.
func TestFormsNeedTheirToken(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	check := b.begin(apptest.SocialCard, apptest.QueueA)
	check.form("/book").send(web.FormField, "forged").must(403)
	check.form("/book").send(web.FormField, "").must(403)
	code := codeOf(check.form("/book").send().must(200))
	for _, path := range []string{"/pass/" + code + "/cancel", "/pass/" + code + "/move", "/book/who", "/book/person?draft=AAAAAAAAAAAA", "/find"} {
		b.post(path, url.Values{"key": {"0123456789"}, "slot": {w.FreeSlots(apptest.QueueA)[4]}}).must(403)
	}
	r, err := http.NewRequest(http.MethodPost, w.server.URL+"/book", strings.NewReader(`{"draft":"x"}`))
	if err == nil {
		r.Header.Set("Content-Type", "application/json")
	}
	b.send(r, err).must(415)
	if rows := w.Rows(t); rows["booking"] != 1 || rows["event"] != 1 {
		t.Errorf("%v", rows)
	}
}

// Whatever somebody puts into an address or a form, the answer is a page that says what is wrong.
func TestNonsenseIsNeverOurFault(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Agent())
	check := b.begin(apptest.SocialCard, apptest.QueueA)
	draft := check.form("/book").values.Get("draft")
	slot := w.FreeSlots(apptest.QueueA)[2]
	nonsense := []string{"", "x", "-1", "0", "99999999999999999999", "<script>", "'\";--", "\x00", "\xff\xfe", "../../etc", "％", strings.Repeat("9", 500), "440103000000-social-20269999-99", "NaN", "1e309"}
	gets := []string{
		"/search?q=%s", "/suggest?q=%s", "/category/%s", "/item/%s", "/item/SI-0001?stage=%s&district=%s&street=%s&sort=%s&page=%s&draft=%s", "/item/SI-0001?lat=%s&lng=%s",
		"/item/SI-0001/compare?compare=%s&compare=%s", "/book/SI-0001/%s", "/book/%s/440103000000-social", "/book/SI-0001/440103000000-social?stage=%s&date=%s&draft=%s&all=%s",
		"/book/who?item=SI-0001&stage=acceptance&slot=%s", "/book/who?item=SI-0001&stage=%s&slot=" + slot, "/book/who?item=%s&stage=acceptance&slot=" + slot, "/book/who?draft=%s",
		"/book/person?draft=%s", "/book/organisation?draft=%s", "/book/check?draft=%s", "/book/check?draft=" + draft + "&slot=%s", "/book/check?draft=" + draft + "&slot=" + slot + "&stage=%s",
		"/pass/%s", "/pass/%s/move", "/pass/%s/cancel", "/pass/%s/calendar.ics", "/pass/%s/move/check?slot=%s", "/?lang=%s&edition=%s",
	}
	for _, g := range gets {
		for _, n := range nonsense {
			s := b.get(strings.ReplaceAll(g, "%s", url.QueryEscape(n)))
			if s.status >= 500 || s.status == 0 {
				t.Errorf("GET %s with %.20q: %d", g, n, s.status)
			}
		}
	}
	fields := map[string][]string{
		"/book/who?item=SI-0001&stage=acceptance&slot=" + slot: {"for", "units"},
		"/book/person?draft=" + draft:                          {"name", "kind", "number", "nationality", "birth-year", "birth-month", "birth-day", "phone", "keep"},
		"/book/organisation?draft=" + draft:                    {"name", "credit_code"},
		"/book":                                                {"draft", "key"},
		"/find":                                                {"code", "fact"},
	}
	token := check.form("/book").values.Get(web.FormField)
	for path, names := range fields {
		for _, name := range names {
			for _, n := range nonsense {
				v := url.Values{web.FormField: {token}, name: {n}, "kind": {"passport"}}
				v.Set(name, n)
				if s := b.post(path, v); s.status >= 500 {
					t.Errorf("POST %s %s=%.20q: %d", path, name, n, s.status)
				} else if path == "/book/person" && len(n) > 4 && strings.Contains(w.logged(), n) {
					t.Errorf("%s is logged", name)
				}
			}
		}
	}
	if n := w.Rows(t)["booking"]; n != 0 {
		t.Errorf("%d bookings", n)
	}
}

func TestFaultPagesSayWhatToDoNext(t *testing.T) {
	for _, l := range web.Locales {
		for _, c := range fault.Codes() {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				r, _ := http.NewRequest(method, "/somewhere?lang="+string(l), nil)
				r.URL.RawQuery = "lang=" + string(l)
				var page strings.Builder
				if err := FaultPage(r, fault.New(c).After(3*time.Second)).Render(t.Context(), &page); err != nil {
					t.Fatal(err)
				}
				body := page.String()
				if strings.Contains(body, "⟦") || !strings.Contains(body, string(c)) || strings.Count(body, "<h1") != 1 || !strings.Contains(body, `class="button`) {
					t.Errorf("%s %s %s", l, c, method)
				}
			}
		}
	}
}
