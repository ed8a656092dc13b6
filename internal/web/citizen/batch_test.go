package citizen

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app/apptest"
	"suiyue/internal/web"
)

// listing adds n citizens from a serial on to the list that a page shows.
func listing(s shown, from, n int) shown {
	s.b.t.Helper()
	for i := range n {
		s = s.form("/book/cases").send("do", "add", "name", "李示例", "kind", "resident_id", "number", apptest.Citizen(from+i).Document.Number).must(200, fmt.Sprintf("已列 %d 位", i+1))
	}
	return s
}

// upload sends a file with the form of a page that takes one.
func (f form) upload(body string) shown {
	f.s.b.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name := range f.values {
		if name != "file" {
			_ = w.WriteField(name, f.values.Get(name)) // into memory
		}
	}
	part, err := w.CreateFormFile("file", "list.csv")
	if err != nil {
		f.s.b.t.Fatal(err)
	}
	_, _ = part.Write([]byte(body))
	_ = w.Close()
	r, err := http.NewRequest(http.MethodPost, f.s.b.w.server.URL+f.action, &b)
	if err == nil {
		r.Header.Set("Content-Type", w.FormDataContentType())
	}
	return f.s.b.send(r, err)
}

func TestArt19_AListIsFilledInOneByOneOrFromAFile(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Agent())
	page := b.get("/book/"+apptest.Estate+"/"+apptest.QueueAEstate).form("/book/who").send().form("/book/who").send("units", "3").must(200, "名单", "已列 0 位，共要 3 件")
	page = listing(page, 31, 2)
	page.form("/book/cases").send("do", "add", "name", "", "kind", "resident_id", "number", "440106198001010009").must(422, "姓名：", "证件号码：")
	again := page.form("/book/cases").send("do", "add", "name", "李示例", "kind", "resident_id", "number", apptest.Citizen(31).Document.Number).must(422, "名单中已有此人")
	if strings.Count(again.text(), "已列 2 位") == 0 {
		t.Error("somebody was listed twice")
	}
	page = page.form("/book/cases").send("remove", "1").must(200, "已列 1 位")
	// A number that is not asked for is taken as what is wanted, by a press that says so.
	page.must(200, "按 1 件继续")

	row := func(i int) string { return "陈示例,," + apptest.Citizen(i).Document.Number + ",,\n" }
	head := "name,document,number,nationality,birth\n"
	bad := page.form("/book/cases/file").upload(head+row(41)+"陈示例,,440106198001010009,,\n"+row(41)+"李示例,护照,X0000001,,\n").must(422, "名单没有改动", "第 3 行：证件号码", "第 4 行：证件号码：名单中已有此人", "第 5 行：国籍", "已列 1 位")
	if strings.Contains(bad.body, "440106198001010009") || strings.Contains(bad.body, "X0000001") {
		t.Error("what a file said is repeated")
	}
	page.form("/book/cases/file").upload("nonsense").must(422, "名单没有改动")
	page = page.form("/book/cases/file").upload("\ufeff"+head+row(41)+row(42)+"SAMPLE PAUL,Passport,X0000001,FRA,1985-06-07\n").must(200, "已列 3 位")
	check := page.form("/book/cases").send("do", "go").must(200, "请核对", "3 件")
	for _, number := range []string{apptest.Citizen(41).Document.Number, "X0000001"} {
		if strings.Contains(check.body, number) {
			t.Error("a whole document number is shown")
		}
	}
	pass := check.form("/book").send().must(200, "已约好", "3 件")
	code := codeOf(pass)
	// Off the list, as long as it can be cancelled.
	list := pass.follow("查看名单").must(200, "窗口只办理这批业务", "S***")
	list.form("/pass/"+code).send().must(422, "请填写这一项")
	list.form("/pass/"+code).send("case", "2").must(200, "已从名单去掉", "已去掉", "2")
	b.get("/pass/"+code).must(200, "2 件", "查看名单（2 件）")
	list.form("/pass/"+code).send("case", "9").must(422) // the key stands for another case
	b.get("/pass/"+code+"/cases").form("/pass/"+code).send("case", "9").must(404, "名单里没有这一件")
	w.Clock.Add(30 * time.Hour)
	b.signIn(apptest.Agent())
	if s := b.get("/pass/"+code+"/cases").must(200, "已去掉"); strings.Contains(s.body, `name="case"`) {
		t.Error("cases can be taken off after the limit")
	}
	other := w.browser(t)
	other.signIn(apptest.Citizen(41))
	other.get("/pass/" + code + "/cases").must(404)
	if logged := w.logged(); strings.Contains(logged, apptest.Citizen(41).Document.Number) || strings.Contains(logged, "示例") {
		t.Error("the log tells who is on the list")
	}
}

func TestArt19_TheListStaysWithItsDraft(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Agent())
	page := b.get("/book/"+apptest.Estate+"/"+apptest.QueueAEstate).form("/book/who").send().form("/book/who").send("units", "2").must(200)
	id := page.at[strings.LastIndex(page.at, "=")+1:]
	// Without its list there is nothing to check yet.
	if s := b.get("/book/check?draft=" + id); !strings.HasPrefix(s.at, "/book/cases") {
		t.Errorf("it goes to %s", s.at)
	}
	page = listing(page, 31, 2)
	check := page.form("/book/cases").send("do", "go").must(200, "请核对", "2 件")
	stale := check.form("/book")
	b.get("/book/cases?draft="+id).form("/book/cases").send("remove", "2").must(200)
	listing(b.get("/book/cases?draft="+id), 33, 0).form("/book/cases").send("do", "add", "name", "李示例", "kind", "resident_id", "number", apptest.Citizen(34).Document.Number).must(200, "已列 2 位")
	stale.send().must(422, "请核对") // another list than the one that was checked
	if n := w.Rows(t)["taken"]; n != 0 {
		t.Errorf("%d numbers taken by a page that was no longer so", n)
	}
	// Somebody on the list has a booking for this: the page leads back to the list.
	other := w.browser(t)
	other.signIn(apptest.Citizen(34))
	other.bookHere(apptest.Estate, apptest.QueueAEstate)
	b.get("/book/check?draft="+id).form("/book").send().must(409, "名单第 2 位已经有这项业务的预约").follow("修改名单").must(200, "已列 2 位")
	for _, l := range web.Locales {
		b.get("/book/cases?draft=" + id + "&lang=" + string(l)).must(200)
		b.get("/book/cases?draft=" + id + "&edition=elder").must(200)
	}
}
