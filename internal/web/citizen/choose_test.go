package citizen

import (
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
)

// storm books a number for a person and closes the hour they have.
func (w *world) storm(t *testing.T, b *browser, serial int, all bool) (code string) {
	t.Helper()
	b.signIn(apptest.Citizen(serial))
	slot := w.FreeSlots(apptest.QueueA)[0]
	code = codeOf(b.bookHere(apptest.SocialCard, apptest.QueueA))
	cuts := []app.SlotCut{{HallID: apptest.HallA, QueueID: apptest.QueueA, SlotID: slot, Closed: true}}
	if all {
		cuts = nil
		for queue, hall := range map[string]string{apptest.QueueA: apptest.HallA, apptest.QueueStreet: apptest.HallStreet} {
			for _, id := range w.FreeSlots(queue) {
				cuts = append(cuts, app.SlotCut{HallID: hall, QueueID: queue, SlotID: id, Closed: true})
			}
		}
	}
	if err := w.App.Evict(t.Context(), "R2026-1", cuts, nil); err != nil {
		t.Fatal(err)
	}
	return code
}

const (
	lostWords = "很抱歉，您约的11月25日(周三)09:00–10:00，甲区政务服务中心停止服务，不能按原来的时间办理。"
	keptWords = "我们为您保留了11月25日(周三)10:00–11:00，甲区政务服务中心，保留到今天 22:00。"
)

func TestWhoLostAnHourTakesWhatIsKeptInOneTap(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	code := w.storm(t, b, 1, false)
	// It is the first thing on the home page, under my bookings and among the messages.
	b.get("/").must(200, "原来的时段没有了，请您选择", lostWords, keptWords)
	pass := b.get("/pass/"+code).must(200, lostWords, keptWords, "就要这个时间", "换个时间", "不去了，取消", "不计入您的取消次数", "等您选择")
	if strings.Contains(pass.text(), "最晚") || strings.Contains(pass.body, "calendar.ics") {
		t.Error("a pass that waits for a choice looks like one that stands")
	}
	done := pass.form("/pass/"+code+"/keep").send().must(200, "时间已改好", "11月25日(周三)", "10:00–11:00", "最晚")
	if strings.Contains(done.text(), "请您选择") || codeOf(done) != code {
		t.Error("the choice is still asked for")
	}
	// A second press changes nothing and shows the same.
	pass.form("/pass/"+code+"/keep").send().must(200, "10:00–11:00")
}

func TestWhoLostAnHourChoosesAnotherOrNone(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	code := w.storm(t, b, 1, false)
	move := b.get("/pass/"+code).must(200).follow("换个时间").must(200, "改到什么时候？")
	move.form("/pass/"+code+"/move/check").send().must(200).form("/pass/"+code+"/move").send().must(200, "时间已改好")
	other := w.browser(t)
	code = w.storm(t, other, 2, false)
	other.get("/pass/"+code).follow("不去了，取消").must(200, "不计入您的取消次数").form("/pass/"+code+"/cancel").send().must(200, "这个预约已取消", "不计入您的取消次数")
}

// What is kept already is not chosen anew: the pass asks for the yes.
func TestChoosingTheKeptHourLeadsToThePass(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	code := w.storm(t, b, 1, false)
	b.get("/pass/"+code+"/move/check?slot="+apptest.QueueA+"-20261125-10").must(200, "就要这个时间")
}

// Whoever has the code and a fact says yes without signing in, and nothing else.
func TestWhoHasTheCodeAndAFactMaySayYes(t *testing.T) {
	w := newWorld(t, nil)
	code := w.storm(t, w.browser(t), 1, false)
	b := w.browser(t)
	if s := b.get("/pass/" + code).must(401); strings.Contains(s.text(), "保留") {
		t.Error("a code alone shows the choice")
	}
	number := apptest.Citizen(1).Document.Number
	found := b.get("/find").form("/find").send("code", code, "fact", number[14:]).must(200, keptWords, "就要这个时间", "请约号的人登录后操作")
	if len(found.links("换个时间"))+len(found.links("不去了，取消")) > 0 {
		t.Error("whoever found it is offered more than the yes")
	}
	found.form("/pass/"+code+"/keep").send().must(200, "时间已改好", "10:00–11:00")
	// Another booking is not theirs to take.
	second := w.storm(t, w.browser(t), 2, false)
	v := found.form("/pass/" + code + "/keep").values
	if s := b.post("/pass/"+second+"/keep", v); s.status != 303 {
		t.Errorf("another booking: %d", s.status)
	}
	if who := w.browser(t); true {
		who.signIn(apptest.Citizen(2))
		who.get("/pass/"+second).must(200, "就要这个时间")
	}
}

func TestWhereNothingIsKeptThePassSaysSo(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	code := w.storm(t, b, 1, true)
	pass := b.get("/pass/"+code).must(200, lostWords, "附近暂时没有空余的时段", "换个时间", "不去了，取消")
	if strings.Contains(pass.body, "/keep") {
		t.Error("there is nothing to keep")
	}
	b.get("/").must(200, "原来的时段没有了，请您选择")
}

func TestWhenTheKeptTimeIsOverThePassSaysSo(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	code := w.storm(t, b, 1, false)
	w.Clock.Set(apptest.Start.Add(12*time.Hour - time.Second))
	b.signIn(apptest.Citizen(1))
	pass := b.get("/pass/"+code).must(200, "就要这个时间")
	w.Clock.Add(time.Second)
	pass.form("/pass/"+code+"/keep").send().must(200, "已过保留时间", "换个时间")
	if n, err := w.App.Lapse(t.Context(), 10); err != nil || n != 1 {
		t.Fatalf("%d lapsed, %v", n, err)
	}
	b.get("/pass/"+code).must(200, "这个预约已取消")
}
