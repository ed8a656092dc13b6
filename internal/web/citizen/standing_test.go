package citizen

import (
	"net/http"
	"strings"
	"testing"

	"suiyue/internal/domain/rulebook"
	"suiyue/internal/store"
)

// The account says until when and what stays possible, and takes an appeal; nobody else sees it.
func TestArt18_WhoIsBarredReadsItAndAppeals(t *testing.T) {
	w := newAccountWorld(t)
	rules := rulebook.Continued2025()
	rules.Sanctions.On, rules.Sanctions.Cancellations, rules.Sanctions.WarnBeforeFirst = true, 1, false
	if err := w.DB.Update(t.Context(), func(tx *store.Tx) error { return tx.SaveRulebook(t.Context(), rules) }); err != nil {
		t.Fatal(err)
	}
	if err := w.App.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	who := w.person(t, "citizen-1")
	b := w.browser(t)
	account := b.signIn("citizen-1", "/account").must(t, http.StatusOK)
	if strings.Contains(account.body, "/account/standing/") {
		t.Error("something is said of who did nothing")
	}
	v := w.book(t, who, "barred")
	w.cancel(t, who, v.Code, "cancel")
	path := "/account/standing/" + v.Code
	b.get("/account").must(t, http.StatusOK, "网上预约暂停到", "当天的现场号", path)
	page := b.get(path).must(t, http.StatusOK, "依据的预约", "有异议")
	form := page.hidden()
	form.Set("text", " ")
	b.post(path+"/appeal", form).must(t, http.StatusUnprocessableEntity, "有异议")
	form.Set("text", "住院")
	b.post(path+"/appeal", form).must(t, http.StatusOK, "申诉正等大厅处理", "住院")
	b.get("/messages").must(t, http.StatusOK, "网上预约暂停一段时间", path)
	other := w.browser(t)
	other.signIn("citizen-2", "/account")
	other.get(path).must(t, http.StatusNotFound)
}
