package e2e

import (
	"strings"
	"testing"
)

// One thing (Art. 20) on the pages: the themes and their steps, a case as its applicant sees it, and the departments'
// side of it. A department asks, the applicant answers, the department refuses, and the applicant reads why.
func TestPagesOfOneThing(t *testing.T) {
	c := shared.get(t)
	w := &walk{tab: open(t, c), lang: "zh-Hans-CN", person: "citizen-strong"}
	w.begin("zh-Hans")
	w.page("themes", "/themes", 200)
	w.page("theme", "/themes/OT-01", 200)
	if steps := w.text("main"); !strings.Contains(steps, "户") || !strings.Contains(steps, "公安局") {
		t.Errorf("the theme does not name its departments: %s", steps)
	}
	w.goTo("/sign-in?return=%2Fcases")
	w.signIn(w.person)
	w.here("cases")
	if n := w.count(`main a[href^="/cases/"]`); n != 2 {
		t.Fatalf("%d cases are under way: %s", n, w.text("main"))
	}
	company := eval[string](w.tab, `[...document.querySelectorAll('main a[href^="/cases/"]')].find(a => a.innerText.includes("企业开办")).getAttribute("href")`)
	child := eval[string](w.tab, `[...document.querySelectorAll('main a[href^="/cases/"]')].find(a => a.innerText.includes("新生儿")).getAttribute("href")`)
	w.page("case asked", child, 200)
	if said := w.text("main"); !strings.Contains(said, "户口簿") {
		t.Errorf("what is asked for is not told: %s", said)
	}
	w.page("withdraw a case", child+"/withdraw", 200)
	w.page("messages about cases", "/messages", 200)
	w.page("themes elder", "/themes?edition=elder", 200)
	w.goTo("/?edition=normal")

	b := open(t, c)
	b.resize(desk)
	b.beOne("市级二级", "人力资源")
	at := func(name string) { b.inspectAs(lookOf(name, "zh-Hans-CN").from(tablet)) }
	if !strings.Contains(b.text("main"), "超时限") {
		t.Errorf("the first page does not tell of the step that is overdue: %s", b.text("main"))
	}
	at("today with an overdue step")
	for _, list := range []string{"", "?list=asked", "?list=mine", "?list=overdue"} {
		b.goTo("/console/steps" + list)
		at(strings.TrimSpace("steps " + strings.TrimPrefix(list, "?list=")))
	}
	b.click(`main table a[href^="/console/steps/"]`)
	if company != "/cases/"+b.path()[strings.LastIndex(b.path(), "/")+1:] {
		t.Errorf("the overdue step leads to %s, the case is %s", b.path(), company)
	}
	at("step to take")
	b.click(`main form[action$="/act"] button[value=take]`)
	at("step taken")
	if status := b.follow(b.press(`main form[action$="/act"] button[value=ask]`)); status != 422 {
		t.Errorf("asking without a word: %d", status)
	}
	b.expectStatus(422)
	at("step, asked without a word")
	b.choose("main form textarea", "请补交银行开户许可证明的照片。")
	b.click(`main form[action$="/act"] button[value=ask]`)
	at("step asked")

	w.goTo(company)
	if !strings.Contains(w.text("main"), "银行开户许可") {
		t.Errorf("what is asked for is not told: %s", w.text("main"))
	}
	w.here("case with a question")
	w.choose("main form textarea", "已经补交，请查收。")
	w.click(`form[action$="/answer"] button`)
	w.here("case answered")

	b.goTo(strings.Replace(company, "/cases/", "/console/steps/", 1))
	if !strings.Contains(b.text("main"), "已经补交") {
		t.Errorf("the answer is not told: %s", b.text("main"))
	}
	at("step answered")
	b.click(`main form[action$="/act"] button[value=take]`)
	b.choose("main form textarea", "所附证明不是本单位的，请备齐后重新申请。")
	b.click(`main form[action$="/act"] button[value=reject]`)
	at("step rejected")
	w.goTo(company)
	if !strings.Contains(w.text("main"), "不是本单位的") {
		t.Errorf("why it was refused is not told: %s", w.text("main"))
	}
	w.here("case with a refusal")

	// What hangs on no-shows is switched off in the rulebook that ships: the pages say that there is nothing.
	b.beOne("区二级", "天河区")
	b.goTo("/console/sanctions")
	at("no sanctions")
	b.goTo("/console/alerts")
	at("no alerts of mine, or mine")
}
