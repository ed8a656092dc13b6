package console_test

import (
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
)

// sendTo sends a form that stands on one page to another.
func (d *desk) sendTo(who account.Rank, page, path string, fields url.Values) *httptest.ResponseRecorder {
	d.Helper()
	fields.Set("form_token", d.token(who, page))
	return d.post(who, path, "application/x-www-form-urlencoded", strings.NewReader(fields.Encode()).Read)
}

func (d *desk) says(page string, sentences ...string) {
	d.Helper()
	for _, s := range sentences {
		if !strings.Contains(page, s) {
			d.Errorf("the page does not say %q", s)
		}
	}
}

const openSaturday = "/console/requests/new?hall=" + apptest.HallStreet + "&kind=weekend&queue=" + apptest.QueueStreet +
	"&from=2026-11-28&to=2026-12-12&weekday=6&hour=9&hour=10&hour=11&per_hour=20"

// A request is made in four screens, decided, and its effect is there.
func TestArt23_ARequestInFourScreens(t *testing.T) {
	d := newDesk(t)
	street, district := account.District2, account.District1
	saturday := calendar.MakeDate(2026, 11, 28)

	d.says(d.page(street, "/console/requests/new?hall="+apptest.HallStreet), "Street A1 Hall", "Community A1 Station", "Weekend opening (5+X)")
	d.says(d.page(street, openSaturday), "Only on these days", "09:00–10:00", "Places an hour")
	d.says(d.page(street, openSaturday+"&step=when"), "Street A1 Hall · General business · 28 Nov–12 Dec Sat: open 09–12 · 20 an hour", "0 → 60")
	check := d.page(street, openSaturday+"&step=check")
	d.says(check, "+180", "District level 1", "by tomorrow 23:59", "Reason")
	fields, _ := url.ParseQuery(strings.SplitN(openSaturday, "?", 2)[1])
	if w := d.sendTo(street, openSaturday+"&step=check", "/console/requests/new", fields); w.Code != 422 || !strings.Contains(w.Body.String(), "Reason") {
		t.Errorf("without a reason: %d", w.Code)
	}
	fields.Set("reason", "Many people are waiting")
	w := d.sendTo(street, openSaturday+"&step=check", "/console/requests/new", fields)
	at, _, _ := strings.Cut(w.Header().Get("Location"), "?")
	if w.Code != 303 || !regexp.MustCompile(`^/console/requests/R2026-\d{6}$`).MatchString(at) {
		t.Fatalf("filed: %d, %s", w.Code, w.Header().Get("Location"))
	}
	d.says(d.page(street, w.Header().Get("Location")), "Filed. It waits for a decision.", "Many people are waiting", "Withdraw")
	if strings.Contains(d.page(street, at), "Approve") {
		t.Error("the asker is offered to decide")
	}
	d.says(d.page(district, "/console/requests?who=decide"), "Street A1 Hall · General business", "38 hours left")
	page := d.page(district, at)
	d.says(page, "Many people are waiting", "0 → 60", "Approve", "Refuse")
	if got := d.sendTo(district, at, at+"/decide", url.Values{"version": {"1"}, "decision": {"refuse"}}); got.Code != 422 {
		t.Errorf("refused without a reason: %d", got.Code)
	}
	if got := d.sendTo(street, at, at+"/decide", url.Values{"version": {"1"}, "decision": {"approve"}}); got.Code != 422 || !strings.Contains(got.Body.String(), "decided by your superior") {
		t.Errorf("the asker decides: %d", got.Code)
	}
	w = d.sendTo(district, at, at+"/decide", url.Values{"version": {"1"}, "decision": {"approve"}})
	if w.Code != 303 || !strings.HasSuffix(w.Header().Get("Location"), "?did=done") {
		t.Fatalf("approved: %d %s", w.Code, w.Header().Get("Location"))
	}
	d.says(d.page(district, w.Header().Get("Location")), "Approved, and the slots are changed.", "slots changed")
	if got := d.sendTo(district, "/console/requests/new", at+"/decide", url.Values{"version": {"1"}, "decision": {"approve"}}); got.Code != 422 || !strings.Contains(got.Body.String(), "decided already") {
		t.Errorf("decided twice: %d", got.Code)
	}
	d.Reopen(t) // what is new is held for who waits first
	free := 0
	for _, day := range d.App.Days(apptest.QueueStreet, 0) {
		if day.Date == saturday {
			free = day.Free
		}
	}
	if free != 54 {
		t.Errorf("%d free on Saturday, want 60 less the on-site tenth", free)
	}
}

// What is wrong is told beside its field, and what is late before it is filed.
func TestArt23_TheFormSaysWhatIsWrong(t *testing.T) {
	d := newDesk(t)
	for _, c := range []struct {
		query  string
		status int
		says   string
	}{
		{"kind=capacity&step=check&from=2026-13-01&total=5&source=x", 422, "not a real date"},
		{"kind=capacity&step=check&from=2026-11-30&total=many&source=x", 422, "Places a day"},
		{"kind=capacity&step=check&from=2026-11-30&total=5", 422, "Where this number comes from"},
		{"kind=weekend&step=check&from=2026-11-30&per_hour=5", 422, "Hours"},
		{"kind=share&step=check&from=2026-11-30&share=11", 422, "at most 10 %"},
		{"kind=capacity&step=check&from=2026-11-30&total=7&source=x", 422, "leave everything as it is"},
		{"kind=capacity&step=check&from=2026-11-25&total=3&source=x", 200, "is entered in the ledger"},
		{"kind=capacity&step=check&from=2026-11-25&total=30&source=x", 200, "mark it as urgent"},
		{"kind=close&step=when&from=2026-12-01&half=morning&rule=nth_working_day&n=1", 200, "on working day 1 of each month: closed, morning"},
		{"next=when", 200, "Please correct"},
	} {
		w := d.get(account.District3, "/console/requests/new?hall="+apptest.HallVillage+"&queue="+apptest.HallVillage+"-general&"+c.query)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d, want %d saying %q", c.query, w.Code, c.status, c.says)
			for _, m := range regexp.MustCompile(`(?s)govuk-error-summary__list.*?</ul>`).FindAllString(w.Body.String(), -1) {
				t.Log(m)
			}
		}
	}
}

// Art. 8: a suggestion of the platform goes to the hall, which reports back.
func TestArt8_ASuggestionIsCarriedOutAndReported(t *testing.T) {
	d := newDesk(t)
	d.open("hall", account.District2, apptest.DistrictA)
	in := "hall=" + apptest.HallA + "&kind=extend&queue=" + apptest.QueueA + "&from=2026-11-30&to=2026-11-30&hour=17&per_hour=10"
	fields, _ := url.ParseQuery(in)
	fields.Set("reason", "Long queues at noon")
	w := d.sendTo(account.Platform2, "/console/suggestions/new?step=check&"+in, "/console/suggestions/new", fields)
	at, _, _ := strings.Cut(w.Header().Get("Location"), "?")
	if w.Code != 303 {
		t.Fatalf("suggested: %d", w.Code)
	}
	if got := d.sendTo(account.Platform1, at, at+"/decide", url.Values{"version": {"1"}, "decision": {"approve"}}); got.Code != 303 {
		t.Fatalf("approved: %d", got.Code)
	}
	d.says(d.page("hall", "/console/suggestions?who=report"), "also open 17–18")
	d.says(d.page("hall", at), "Carry out and report", "It cannot be done")
	if got := d.sendTo("hall", at, at+"/report", url.Values{"version": {"2"}, "outcome": {"done"}}); got.Code != 422 {
		t.Errorf("reported without words: %d", got.Code)
	}
	if got := d.sendTo("hall", at, at+"/report", url.Values{"version": {"2"}, "outcome": {"done"}, "report": {"One more counter"}}); got.Code != 303 {
		t.Errorf("reported: %d", got.Code)
	}
	d.says(d.page(account.Platform2, at), "carried out", "One more counter")
}
