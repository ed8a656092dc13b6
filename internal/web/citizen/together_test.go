package citizen

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/room"
	"suiyue/internal/store"
)

// severalAt goes from a queue to the page of several people, with the booker and the n-th citizens on it.
func (b *browser) severalAt(queue string, numbers ...int) shown {
	b.t.Helper()
	s := b.get("/book/"+apptest.SocialCard+"/"+queue).must(200).form("/book/who").send().must(200, "几个人一起约")
	s = s.form("/book/who").send("for", "together").must(200, "为哪几个人一起预约？", "社会保障卡申领")
	s = s.form("/book/together").send("whom", "self").must(200, "已加入 1 人")
	for _, n := range numbers {
		s = s.form("/book/together").send("name", "李示例", "kind", "resident_id", "number", apptest.Citizen(n).Document.Number).must(200)
	}
	return s
}

// A family without scripts: who they are, hours in which all of them fit, one press, a pass for each. Back and reload
// never book twice, and afterwards each number is on its own.
func TestTogether_AFamilyWithoutScripts(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	people := b.severalAt(apptest.QueueStreet).must(200, "再加一个人")
	if strings.Contains(people.body, "加上 陈**") || strings.Contains(people.body, `value="go"`) {
		t.Error("oneself can be added twice, or one person goes on alone")
	}
	people.form("/book/together").send("whom", "self").must(422, "名单中已有此人")
	add := people.form("/book/together")
	number := apptest.Citizen(2).Document.Number
	wrong := add.send("name", "李示例", "kind", "resident_id", "number", "440103199001011230").must(422, "证件号码：", "已加入 1 人")
	if !strings.HasPrefix(wrong.title(), "有误：") || !strings.Contains(wrong.body, `href="#number"`) || !strings.Contains(wrong.body, `value="李示例"`) {
		t.Error("what is wrong is not said where it is, or what was typed is lost")
	}
	people = add.send("name", "李示例", "kind", "resident_id", "number", number).must(200, "已加入 2 人", "李**", "按 2 人继续")
	add.send("name", "李示例", "kind", "resident_id", "number", number).must(422, "名单中已有此人")
	people = add.send("name", "王示例", "kind", "resident_id", "number", apptest.Citizen(3).Document.Number).must(200, "已加入 3 人")
	people = people.form("/book/together").send("remove", "3").must(200, "已加入 2 人")
	if strings.Contains(people.body, number) {
		t.Error("a whole number is shown")
	}

	// One number an hour: they follow each other, and the first such hours are chosen.
	hours := people.form("/book/together").send("do", "go").must(200, "大家什么时候去？", "09:00 起 1 人、10:00 起 1 人", "2 人", "李**")
	free := w.FreeSlots(apptest.QueueStreet)
	if got := hours.form("/book/check").values.Get("slot"); got != free[0] {
		t.Errorf("chosen is %s, the first is %s", got, free[0])
	}
	check := hours.form("/book/check").send().must(200, "请核对", "第 1 位", "陈**（本人）", "09:00–10:00", "第 2 位", "李**", "10:00–11:00", "有一位约不成，就都不约")
	if strings.Contains(check.body, "李示例") {
		t.Error("the check page is not masked")
	}
	f := check.form("/book")
	at := make([]string, 6)
	var all sync.WaitGroup
	for i := range at {
		all.Go(func() { at[i] = f.send().at })
	}
	all.Wait()
	for _, a := range at {
		if a != at[0] || !strings.HasPrefix(a, "/book/together/done?") {
			t.Fatalf("presses led to %q", at)
		}
	}
	done := b.get(at[0]).must(200, "已约好 2 个号", "第 1 位", "第 2 位", "李**", "预约码", "甲一街政务服务中心")
	codes := slices.Compact(slices.Sorted(slices.Values(done.links("看凭证"))))
	if rows := w.Rows(t); rows["booking"] != 2 || rows["taken"] != 2 || len(codes) != 2 {
		t.Fatalf("%v, %q", rows, codes)
	}
	for _, back := range []string{check.at, hours.at, people.at, "/book/who?" + strings.SplitN(people.at, "?", 2)[1]} {
		if s := b.get(back); s.at != at[0] {
			t.Errorf("%s leads to %s", back, s.at)
		}
	}
	f.send().must(200, "已约好 2 个号")
	if n := w.Rows(t)["booking"]; n != 2 {
		t.Errorf("%d bookings", n)
	}

	// Each for itself.
	second := done.links("李**")[0]
	b.get(second).must(200, "李**", "10:00–11:00")
	b.get(second+"/move").must(200).form(second+"/move/check").send().must(200, "李**", "原来", "改为").form(second+"/move").send().must(200, "时间已改好", "李**")
	b.get(second+"/cancel").must(200, "李**").form(second+"/cancel").send().must(200, "这个预约已取消")
	b.get(at[0]).must(200, "已取消", "陈**")
	if n := w.Rows(t)["taken"]; n != 1 {
		t.Errorf("%d numbers are taken", n)
	}
	for _, a := range w.addresses() {
		if strings.Contains(a, number) || strings.Contains(a, url.QueryEscape("李")) {
			t.Errorf("personal data in the address %q", a)
		}
	}
	if strings.Contains(w.logged(), number) {
		t.Error("personal data in the log")
	}
	other := w.browser(t)
	other.signIn(apptest.Citizen(9))
	other.get(at[0]).must(410)
}

// Where one of them cannot have a number none has, and it is said of whom; where the numbers went, what there is instead.
func TestTogether_AllOrNone(t *testing.T) {
	w := newWorld(t, nil)
	w.take(t, 2, w.FreeSlots(apptest.QueueA)[9]) // has the item booked
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	check := b.severalAt(apptest.QueueStreet, 2).form("/book/together").send("do", "go").form("/book/check").send().must(200, "请核对")
	before := w.Rows(t)
	refused := check.form("/book").send().must(409, "没有约成，一个号也没有占", "第 2 位 李**：", "already_booked_item", "改人员")
	if strings.Contains(refused.body, apptest.Citizen(2).Document.Number) || w.Rows(t)["booking"] != before["booking"] {
		t.Error("something was booked, or somebody named")
	}
	people := refused.follow("改人员").must(200).form("/book/together").send("remove", "2")
	check = people.form("/book/together").send("name", "李示例", "kind", "resident_id", "number", apptest.Citizen(3).Document.Number).
		form("/book/together").send("do", "go").form("/book/check").send().must(200, "请核对")
	slot := w.FreeSlots(apptest.QueueStreet)[1]
	w.take(t, 50, slot)
	gone := check.form("/book").send().must(409, "没有约成，一个号也没有占", "约满", "看其他时间")
	b.get(check.at).must(200, "没有约成")
	again := gone.follow("看其他时间").must(200, "排不下 2 人")
	if got := again.form("/book/check").values.Get("slot"); got == slot || !strings.HasSuffix(got, "-11") && !strings.HasSuffix(got, "-13") {
		t.Errorf("chosen is %s", got)
	}
	again.form("/book/check").send().must(200, "请核对").form("/book").send().must(200, "已约好 2 个号")
}

// Too many for what is left: it is said, and fewer, another day, another hall and the waitlist are offered.
func TestTogether_SoldOutForSoMany(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	free := w.FreeSlots(apptest.QueueStreet)
	_, day, _ := slotOf(t, free[0])
	serial := 100
	take := func(keep func(day string, hour int) bool) {
		for _, slot := range w.FreeSlots(apptest.QueueStreet) {
			if _, d, hour := slotOf(t, slot); !keep(d, hour) {
				w.take(t, serial, slot)
				serial++
			}
		}
	}
	take(func(d string, hour int) bool { return d != day || hour == 10 })
	hours := b.severalAt(apptest.QueueStreet, 2, 3, 4).must(200, "按 4 人继续").form("/book/together").send("do", "go").must(200, "大家什么时候去？", "13:00 起 1 人")
	full := b.get(withQuery(hours.at, "date", day)).must(200, "排不下 4 人", "本大厅：", "减少人数", "换一个大厅", "不够")
	if strings.Contains(full.body, "/waitlist/new") {
		t.Error("a line is offered where a number is free")
	}
	full.follow("本大厅：").must(200, "13:00 起 1 人")
	take(func(_ string, hour int) bool { return hour == 10 })
	b.get(hours.at).must(200, "已放出的号排不下 4 人", "减少人数", "换一个大厅")
	take(func(string, int) bool { return false })
	none := b.get(withQuery(hours.at, "date", day)).must(200, "已放出的号排不下 4 人", "逐个候补")
	none.follow("逐个候补").must(200, "候补一个号")
	// The rules say how many.
	b2 := w.browser(t)
	b2.signIn(apptest.Citizen(20))
	s := b2.severalAt(apptest.QueueA, 21, 22, 23, 24).must(200, "一次最多 5 人，不能再加")
	s.form("/book/together").send("name", "李示例", "kind", "resident_id", "number", apptest.Citizen(25).Document.Number).must(422)
	s.form("/book/together").send("do", "go").must(200, "5 人都在这一小时")
}

// Kept people and organisations of the sign-in are one tap; whoever is not known any more is not taken.
func TestTogether_KnownPeopleAreOneTap(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	me := b.signIn(apptest.Agent())
	p := apptest.Citizen(2)
	kept, err := w.App.KeepPerson(t.Context(), me, "keep-them-0001", booking.Party{Name: p.Name, Document: p.Document})
	if err != nil {
		t.Fatal(err)
	}
	s := b.severalAt(apptest.QueueA).must(200, "加上 示例有限公司")
	s = s.form("/book/together").send("whom", forKept+kept.ID).must(200, "已加入 2 人")
	s = s.form("/book/together").send("whom", forAgent+apptest.Agent().Agent[0].CreditCode).must(200, "已加入 3 人", "示例****公司")
	if strings.Contains(s.body, "加上 ") {
		t.Error("somebody can be added twice")
	}
	s.form("/book/together").send("whom", forKept+"nobody").must(422)
	if err := w.App.ForgetPerson(t.Context(), me, kept.ID); err != nil {
		t.Fatal(err)
	}
	s.form("/book/together").send("do", "go").form("/book/check").send().must(200).form("/book").send().must(200, "已约好 3 个号", "示例****公司")
}

// Several people wait in the room as one does, and their hours are kept meanwhile.
func TestTogether_WaitsInTheRoom(t *testing.T) {
	w := newWorldOf(t, apptest.Options{Change: func(c *app.Config) { c.Room = &room.Rules{Inside: 1, Line: 2} }}, nil)
	first, second := w.browser(t), w.browser(t)
	first.signIn(apptest.Citizen(30))
	second.signIn(apptest.Citizen(1))
	one := first.begin(apptest.SocialCard, apptest.QueueA)
	s := second.severalAt(apptest.QueueStreet, 2).form("/book/together").send("do", "go").form("/book/check").send().must(503, "正在排队", "李**")
	one.form("/book").send().must(200)
	w.Clock.Add(1e9)
	second.get(s.at).must(200, "请核对", "第 2 位").form("/book").send().must(200, "已约好 2 个号")
}

// In the minute of a draw there is nothing for several people: they come back when it is done (ADR 0029).
func TestTogether_NotInADraw(t *testing.T) {
	w := newWorld(t, nil)
	q := *w.App.City().Queue(apptest.QueueA)
	q.Draw = true
	if err := w.DB.Update(t.Context(), func(tx *store.Tx) error { return tx.SaveQueues(t.Context(), []directory.Queue{q}) }); err != nil {
		t.Fatal(err)
	}
	if err := w.App.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.App.PublishDraws(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	noon, dates := w.App.NextRelease()
	s := b.severalAt(apptest.QueueA, 2)
	w.Clock.Set(noon.Add(10e9))
	b.signIn(apptest.Citizen(1))
	hours := b.get(s.at).must(200).form("/book/together").send("do", "go").must(200)
	slot := booking.SlotID(apptest.QueueA, dates[len(dates)-1], 9)
	check := b.get(withQuery(strings.Replace(hours.at, "/book/together/hours", "/book/check", 1), "slot", slot))
	check.must(200, "请核对").form("/book").send().must(503, "draw_takes_one_by_one", "一人一签")
	if n := w.Rows(t)["booking"]; n != 0 {
		t.Errorf("%d booked in a draw", n)
	}
}
