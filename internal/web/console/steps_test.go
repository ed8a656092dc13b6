package console_test

import (
	"net/url"
	"strings"
	"testing"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
)

// A department finds its step, takes it, asks for more by name of nobody, and finishes; overdue it stands on the
// first page of the department and of those above.
func TestArt20_StepsOfADepartmentOnItsPages(t *testing.T) {
	d := newDesk(t)
	d.AddTheme(t)
	const id = "aaaaaaaaaaaa"
	at := "/console/steps/" + id
	_, who := d.SignIn(t, apptest.Citizen(1))
	d.OpenCase(t, id, apptest.Citizen(1), who.Person.Key)
	if page := d.page(account.Municipal2, "/console/steps"); !strings.Contains(page, `href="`+at) || !strings.Contains(page, "Step card") {
		t.Error("the step is not in the list")
	}
	for _, rank := range []account.Rank{account.Municipal1, account.District1, account.Platform1} {
		if w := d.get(rank, at); w.Code != 403 && w.Code != 404 {
			t.Errorf("%s: %d", rank, w.Code)
		}
	}
	page := d.page(account.Municipal2, at)
	d.says(page, "陈**", "Step permit", "Sample Police Bureau", "Take")
	if strings.Contains(page, apptest.Citizen(1).Name) || strings.Contains(page, `value="finish"`) {
		t.Error("the page shows a person in clear, or ends a step that nobody has taken")
	}
	act := func(version, kind, text string) int {
		t.Helper()
		return d.sendTo(account.Municipal2, at, at+"/act", url.Values{"step": {"card"}, "version": {version}, "act": {kind}, "text": {text}}).Code
	}
	if got := act("1", "take", ""); got != 303 {
		t.Errorf("taken: %d", got)
	}
	if got := act("1", "finish", "done"); got != 409 {
		t.Errorf("finished as it was before: %d", got)
	}
	if got := act("2", "finish", " "); got != 422 {
		t.Errorf("finished without a word: %d", got)
	}
	if w := d.get(account.Municipal2, at); !strings.Contains(w.Body.String(), `value="finish"`) {
		t.Error("whoever took the step cannot finish it")
	}
	d.Clock.Set((calendar.DateOf(apptest.Start) + 30).At(10, 0))
	for _, rank := range []account.Rank{account.Municipal2, account.Municipal1, account.Platform1, account.District1} {
		d.signInAgain(rank)
		page := d.page(rank+" again", "/console")
		if told := strings.Contains(page, "1 step of one thing is overdue"); told != (rank != account.District1) {
			t.Errorf("%s is told of the overdue step: %v", rank, told)
		}
		if link := strings.Contains(page, "/console/steps?list=overdue"); link != (rank == account.Municipal2) {
			t.Errorf("%s is led to the steps: %v", rank, link)
		}
	}
}
