package citizen

import (
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
)

var missedDay = calendar.DateOf(apptest.Start) + 1

// miss makes a person book 9 o'clock of the next day and miss it.
func (w *world) miss(t *testing.T, b *browser, serial int) (code string) {
	t.Helper()
	b.signIn(apptest.Citizen(serial))
	code = codeOf(b.bookHere(apptest.SocialCard, apptest.QueueA))
	w.Clock.Set(missedDay.At(10, 1))
	if n, err := w.App.MarkMissed(t.Context()); err != nil || n != 1 {
		t.Fatalf("%d marked, %v", n, err)
	}
	b.signIn(apptest.Citizen(serial))
	return code
}

func TestArt18_TheMissedHourOffersWhatCanBeDone(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	code := w.miss(t, b, 1)
	pass := b.get("/pass/"+code).must(200, "错过了怎么办", "领现场号", "17:00 前有效", "改约一次", "说明没能来的原因")
	choose := pass.follow("改约一次").must(200, "改约到什么时候")
	check := choose.form("/pass/"+code+"/rebook/check").send().must(200, "核对改约", "只能改约一次")
	f := check.form("/pass/" + code + "/rebook")
	done := f.send().must(200, "已约好")
	if codeOf(done) == code {
		t.Error("the new booking has the code of the missed one")
	}
	f.send().must(200, "已约好") // a second press
	pass = b.get("/pass/"+code).must(200, "查看改约后的预约")
	if len(pass.links("改约一次")) > 0 {
		t.Error("offered a second time")
	}
	b.get("/pass/"+code+"/rebook").must(409, "已经改约过一次", "再约一次")
	// Without signing in nothing of it can be done.
	if s := w.browser(t).get("/pass/" + code + "/rebook"); s.status == 200 && strings.Contains(s.text(), "改约到什么时候") {
		t.Error("a stranger rebooks")
	}
}

func TestArt18_WhoWasPreventedSaysSoOnThePass(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	code := w.miss(t, b, 1)
	ask := b.get("/pass/"+code+"/appeal").must(200, "说明没能来的原因", "发生了什么")
	ask.form("/pass/"+code+"/appeal").send("text", " ").must(422, "发生了什么")
	ask.form("/pass/"+code+"/appeal").send("text", "地铁停运").must(200, "您的说明正等大厅处理", "地铁停运")
	b.get("/pass/"+code+"/appeal").must(200, "您的说明正等大厅处理")
	staff := w.OpenAdmin(t, account.District2, apptest.DistrictA)
	if err := w.App.Excuse(t.Context(), w.As(t, staff), apptest.HallA, code, "公告属实"); err != nil {
		t.Fatal(err)
	}
	b.get("/pass/"+code).must(200, "已更正，不计入爽约", "大厅已采纳您的说明", "已说明情况，不计入")
}

func TestTheHallsCodeOfTheDayChecksIn(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	code := codeOf(b.bookHere(apptest.SocialCard, apptest.QueueA))
	w.Clock.Set(missedDay.At(8, 0))
	b.signIn(apptest.Citizen(1))
	path := "/arrive/" + apptest.HallA + "/" + w.App.HallCode(apptest.HallA, missedDay)
	b.get(path).must(200, "还没有到报到时间", "08:30")
	w.Clock.Set(missedDay.At(8, 40))
	b.get("/pass/"+code).must(200, "08:30 至 10:00 可以报到", "我在大厅，现在报到")
	page := b.get(path).must(200, "报到取号")
	yesterday := "/arrive/" + apptest.HallA + "/" + w.App.HallCode(apptest.HallA, missedDay-1)
	b.get(yesterday).form(yesterday).send("code", code).must(422, "不是这个大厅今天的")
	far := b.get("/pass/" + code).form("/pass/" + code + "/arrive")
	far.send("lat", "22.5", "lng", "114.0").must(403, "不在大厅附近")
	far.send("lat", "", "lng", "").must(403, "不在大厅附近")
	page.form(path).send("code", code).must(200, "正在排队", "C001", "您来得早", "前面还有")
	if strings.Contains(w.logged(), "22.5") || strings.Contains(w.logged(), "114.0") {
		t.Error("a position stands in the log")
	}
	b.get("/pass/"+code).must(200, "查看 C001 号的排队情况")
	b.get(path).must(200, "查看 C001 号的排队情况")
}

// served lets somebody take a number and be served.
func (w *world) served(t *testing.T, serial int) app.TicketView {
	t.Helper()
	w.Clock.Set(missedDay.At(9, 30))
	staff := w.OpenAdmin(t, account.District2, apptest.DistrictA)
	ad := w.As(t, staff)
	p := apptest.Citizen(serial)
	v, err := w.App.TakeNumber(t.Context(), app.By{Admin: ad, Channel: app.AtDesk}, apptest.HallA, app.OnSite{
		Key: "served-0001", Item: apptest.SocialCard, Name: p.Name, Document: p.Document, Birth: p.Birth, Phone: p.Phone,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.App.OpenCounter(t.Context(), ad, apptest.HallA, "w1", nil); err != nil {
		t.Fatal(err)
	}
	for i, act := range []counter.Act{{Kind: counter.Call}, {Kind: counter.Finish, Result: counter.Finished}} {
		if i == 1 {
			w.browser(t).get("/ticket/"+v.Ticket.ID).must(200, "请到窗口", "1 号窗口", v.Ticket.Number)
		}
		if _, err := w.App.Serve(t.Context(), ad, apptest.HallA, "w1", act, "serve-000"+itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func TestAServiceIsEvaluatedOnce(t *testing.T) {
	w := newWorld(t, nil)
	v := w.served(t, 1)
	number := apptest.Citizen(1).Document.Number
	b := w.browser(t)
	page := b.get("/ticket/"+v.Ticket.ID).must(200, "已办理完毕", "评价本次服务")
	ask := page.follow("评价本次服务").must(200, "非常满意", "非常不满意", "等太久", "证件号码后四位")
	f := "/ticket/" + v.Ticket.ID + "/evaluate"
	ask.form(f).send("fact", number[14:]).must(422, "总体感觉")
	ask.form(f).send("grade", "1", "fact", "0000").must(422, "后四位")
	done := ask.form(f).send("grade", "1", "fact", number[14:], "text", "等太久了").must(200, "已收到您的评价")
	if strings.Contains(done.text(), "非常不满意") || strings.Contains(done.text(), "等太久") {
		t.Error("the ticket shows the grade to whoever knows its address")
	}
	b.get(f).must(200, "已收到您的评价")
}

func TestTheCodeAtTheCounterLeadsToTheEvaluation(t *testing.T) {
	w := newWorld(t, nil)
	v := w.served(t, 1)
	number := apptest.Citizen(1).Document.Number
	b := w.browser(t)
	find := b.get("/evaluate/"+apptest.HallA).must(200, "号码")
	find.form("/evaluate/"+apptest.HallA).send("number", "", "fact", "").must(422, "号码")
	find.form("/evaluate/"+apptest.HallA).send("number", v.Ticket.Number, "fact", "0000").must(404, "没有找到这个号")
	ask := find.form("/evaluate/"+apptest.HallA).send("number", strings.ToLower(v.Ticket.Number), "fact", number[14:]).must(200, "请评价本次服务")
	if strings.Contains(ask.body, `name="fact"`) {
		t.Error("asked a second time who it was")
	}
	ask.form("/ticket/"+v.Ticket.ID+"/evaluate").send("grade", "5").must(200, "已收到您的评价")
	// By the link of the message.
	other := w.browser(t)
	other.get("/ticket/"+v.Ticket.ID+"/evaluate?t="+w.App.EvaluationToken(v.Ticket.ID)).must(200, "已收到您的评价")
}

func TestALiveTicketIsAskedForByItsTag(t *testing.T) {
	w := newWorld(t, nil)
	w.Clock.Set(missedDay.At(9, 30))
	staff := w.OpenAdmin(t, account.District2, apptest.DistrictA)
	p := apptest.Citizen(1)
	v, err := w.App.TakeNumber(t.Context(), app.By{Admin: w.As(t, staff), Channel: app.AtDesk}, apptest.HallA, app.OnSite{
		Key: "live-0001", Item: apptest.SocialCard, Name: p.Name, Document: p.Document, Birth: p.Birth, Phone: p.Phone,
	})
	if err != nil {
		t.Fatal(err)
	}
	b := w.browser(t)
	live := b.get("/ticket/"+v.Ticket.ID+"/live").must(200, "正在排队")
	if strings.Contains(live.body, "<html") {
		t.Error("the part is a whole page")
	}
	page := b.get("/ticket/"+v.Ticket.ID).must(200, "退号", "快到您了")
	for _, name := range []string{p.Name, p.Document.Number, p.Phone} {
		if strings.Contains(page.body, name) {
			t.Error("the ticket tells whose it is")
		}
	}
	page.form("/ticket/"+v.Ticket.ID+"/leave").send().must(200, "这个号已经结束")
	page.form("/ticket/"+v.Ticket.ID+"/leave").send().must(200, "这个号已经结束")
	b.get("/ticket/" + strings.Repeat("a", 16)).must(404)
}
