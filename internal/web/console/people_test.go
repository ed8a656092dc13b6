package console_test

import (
	"net/url"
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
)

// Somebody misses an hour at a street's hall and says why: its people hear them.
func TestArt18_AppealsAgainstMissedHours(t *testing.T) {
	d := newDesk(t)
	ctx := t.Context()
	day := calendar.DateOf(apptest.Start) + 1
	_, who := d.SignIn(t, apptest.Citizen(1))
	r, err := d.App.Book(ctx, who, app.BookRequest{
		Key: "missed-0001", Item: apptest.SocialCard, SlotID: booking.SlotID(apptest.QueueStreet, day, 9), Stage: directory.Acceptance,
		Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Clock.Set(day.At(10, 5))
	if _, err := d.App.MarkMissed(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := d.App.AppealMissed(ctx, who, r.View.Code, "the metro stood still"); err != nil {
		t.Fatal(err)
	}
	const street = account.Rank("street")
	d.open(string(street), account.District2, units[account.District2])
	hall := "/console/halls/" + apptest.HallStreet + "/missed"
	one := hall + "/" + r.View.Code
	for _, path := range []string{"/console/missed", hall, hall + "?date=" + day.String(), "/console"} {
		if page := d.page(street, path); !strings.Contains(page, one) || strings.Contains(page, apptest.Citizen(1).Name) {
			t.Errorf("%s does not lead there, or shows the name", path)
		}
	}
	if page := d.page(street, one); !strings.Contains(page, "the metro stood still") || !strings.Contains(page, "Refuse") || strings.Contains(page, apptest.Citizen(1).Document.Number) {
		t.Error("the page lacks what was said, or shows a number")
	}
	if w := d.send(street, one, url.Values{"decision": {"excuse"}}); w.Code != 422 || !strings.Contains(w.Body.String(), "Reason") {
		t.Errorf("without a reason: %d", w.Code)
	}
	if w := d.send(street, one, url.Values{"decision": {"excuse"}, "why": {"confirmed"}}); w.Code != 303 {
		t.Errorf("excused: %d", w.Code)
	}
	if page := d.page(street, one); !strings.Contains(page, "Excused, no mark") || strings.Contains(page, "<textarea") {
		t.Error("the page does not say what has become of it")
	}
}

// A bad grade is seen by every level above, answered by the hall, and nobody learns whose it was.
func TestBadGradesAreAnswered(t *testing.T) {
	d := newDesk(t)
	ctx := t.Context()
	d.Clock.Set((calendar.DateOf(apptest.Start) + 1).At(9, 30))
	const district, platform = account.Rank("district"), account.Rank("platform")
	d.open(string(district), account.District1, units[account.District1])
	d.open(string(platform), account.Platform1, units[account.Platform1])
	ad, err := d.App.Admin(ctx, string(district))
	if err != nil {
		t.Fatal(err)
	}
	p := apptest.Citizen(1)
	v, err := d.App.TakeNumber(ctx, app.By{Admin: ad, Channel: app.AtDesk}, apptest.HallA, app.OnSite{
		Key: "grade-0001", Item: apptest.SocialCard, Name: p.Name, Document: p.Document, Birth: p.Birth, Phone: p.Phone,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.App.OpenCounter(ctx, ad, apptest.HallA, "w1", nil); err != nil {
		t.Fatal(err)
	}
	for i, act := range []counter.Act{{Kind: counter.Call}, {Kind: counter.Finish, Result: counter.Finished}} {
		if _, err := d.App.Serve(ctx, ad, apptest.HallA, "w1", act, []string{"grade-act-1", "grade-act-2"}[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.App.Evaluate(ctx, app.Evaluate{Ticket: v.Ticket.ID, Token: d.App.EvaluationToken(v.Ticket.ID), Grade: 1, Reasons: []counter.Reason{"slow"}, Text: "two hours", Channel: counter.EvaluatedBySMS}); err != nil {
		t.Fatal(err)
	}
	list := d.page(district, "/console/cases")
	_, rest, ok := strings.Cut(list, `href="/console/cases/`)
	if !ok {
		t.Fatal("no case is listed")
	}
	id, _, _ := strings.Cut(rest, `"`)
	at := "/console/cases/" + id
	for _, who := range []account.Rank{district, platform} {
		page := d.page(who, at)
		for _, never := range []string{v.Ticket.ID, v.Ticket.Number, p.Name, p.Phone, "陈*"} {
			if strings.Contains(page, never) {
				t.Errorf("%s sees %q", who, never)
			}
		}
		if full := strings.Contains(page, "two hours"); full != (who == district) || !strings.Contains(page, "Slow service") {
			t.Errorf("%s sees the text: %t", who, full)
		}
	}
	if w := d.sendTo(district, at, at+"/phone", url.Values{}); w.Code != 200 || strings.Count(w.Body.String(), p.Phone) != 1 {
		t.Errorf("the phone: %d", w.Code)
	}
	if w := d.sendTo(district, at, at+"/answer", url.Values{"version": {"1"}, "answer": {""}}); w.Code != 422 {
		t.Errorf("an empty answer: %d", w.Code)
	}
	for path, form := range map[string]url.Values{"/answer": {"version": {"1"}, "answer": {"a second counter"}}} {
		if w := d.sendTo(district, at, at+path, form); w.Code != 303 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := d.sendTo(district, at, at+"/called", url.Values{"version": {"2"}, "called_back": {"accepts"}}); w.Code != 303 {
		t.Errorf("called back: %d", w.Code)
	}
	if page := d.page(district, at); !strings.Contains(page, "Takes the answer") || !strings.Contains(page, "a second counter") {
		t.Error("the page does not say what came of it")
	}
}
