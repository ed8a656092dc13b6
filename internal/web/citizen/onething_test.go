package citizen

import (
	"net/http"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/theme"
)

// A person finds a theme, sees their case, answers what a department asks, reads of it among their messages and
// withdraws; nobody else sees the case.
func TestArt20_ACaseOnItsPages(t *testing.T) {
	var c Config
	w := newWorld(t, func(own *Config) { c = *own })
	pages, mux := New(c), http.NewServeMux()
	pages.Register(mux)
	NewAccount(pages, AccountConfig{Identity: vouched{}}).Register(mux)
	w.server.Config.Handler = c.Site.Wrap(mux)
	w.AddTheme(t)
	const id = "aaaaaaaaaaaa"
	b, other := w.browser(t), w.browser(t)
	who := b.signIn(apptest.Citizen(1))
	other.signIn(apptest.Citizen(2))
	b.get("/cases").must(200)
	b.get("/themes").must(200).follow("安家一件事").must(200, "步骤card", "示例公安局", "购房合同")
	w.OpenCase(t, id, apptest.Citizen(1), who.Person.Key)
	social := w.As(t, w.OpenAdmin(t, account.Municipal2, apptest.AgencySocial))
	for _, kind := range []theme.ActKind{theme.Take, theme.Ask} {
		if err := w.App.WorkStep(t.Context(), social, app.StepAct{Kind: kind, Case: id, Step: "card", Text: "请写明户籍地"}); err != nil {
			t.Fatal(err)
		}
	}
	other.get("/cases/" + id).must(404)
	b.get("/messages").must(200, "需要补充", "步骤card")
	page := b.get("/cases").must(200, "安家一件事").follow("安家一件事").must(200, "请写明户籍地", "步骤permit")
	page.form("/cases/"+id+"/answer").send("text", " ").must(422, "请写明户籍地")
	page.form("/cases/"+id+"/answer").send("text", "户籍在越秀").must(200, "户籍在越秀")
	page.form("/cases/"+id+"/answer").send("text", "再答一次").must(409)
	b.get("/cases/"+id).follow("撤回").must(200).form("/cases/"+id+"/withdraw").send().must(200, "已撤回")
	other.get("/cases/" + id + "/withdraw").must(404)
}
