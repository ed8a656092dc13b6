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
	"suiyue/internal/domain/fault"
)

// Who came is forgotten after 24 months (docs/adr/0034-retention.md): no page, file or answer has a name, a document, a
// phone or a word of theirs any more, and all of them still open.
func TestForgottenPeopleAreOnNoPageAndInNoFile(t *testing.T) {
	d := newDesk(t)
	ctx := t.Context()
	day := calendar.DateOf(apptest.Start) + 1
	missed, came := apptest.Citizen(1), apptest.Permanent()
	_, who := d.SignIn(t, missed)
	r, err := d.App.Book(ctx, who, app.BookRequest{
		Key: "forget-0001", Item: apptest.SocialCard, SlotID: booking.SlotID(apptest.QueueA, day, 9), Stage: directory.Acceptance,
		Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
	})
	if err != nil {
		t.Fatal(err)
	}
	code := r.View.Code
	const district = account.Rank("district")
	d.Clock.Set(day.At(9, 30))
	d.open(string(district), account.District1, apptest.DistrictA)
	ad, err := d.App.Admin(ctx, string(district))
	if err != nil {
		t.Fatal(err)
	}
	v, err := d.App.TakeNumber(ctx, app.By{Admin: ad, Channel: app.AtDesk}, apptest.HallA, app.OnSite{
		Key: "forget-0002", Item: apptest.SocialCard, Name: came.Name, Document: came.Document, Birth: came.Birth, Phone: came.Phone,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.App.OpenCounter(ctx, ad, apptest.HallA, "w1", nil); err != nil {
		t.Fatal(err)
	}
	for i, act := range []counter.Act{{Kind: counter.Call}, {Kind: counter.Finish, Result: counter.Finished}} {
		if _, err := d.App.Serve(ctx, ad, apptest.HallA, "w1", act, []string{"forget-act-1", "forget-act-2"}[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.App.Evaluate(ctx, app.Evaluate{Ticket: v.Ticket.ID, Token: d.App.EvaluationToken(v.Ticket.ID), Grade: 1, Reasons: []counter.Reason{"slow"}, Text: "two hours in the rain", Channel: counter.EvaluatedBySMS}); err != nil {
		t.Fatal(err)
	}
	d.Clock.Set(day.At(10, 5))
	if _, err := d.App.MarkMissed(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := d.App.AppealMissed(ctx, who, code, "the metro stood still"); err != nil {
		t.Fatal(err)
	}
	const reader = account.Rank("reader") // who has sat still for half an hour signs in again
	d.open(string(reader), account.District1, apptest.DistrictA)
	_, rest, ok := strings.Cut(d.page(reader, "/console/cases"), `href="/console/cases/`)
	if !ok {
		t.Fatal("no case is listed")
	}
	id, _, _ := strings.Cut(rest, `"`)
	hall := "/console/halls/" + apptest.HallA
	pages := []string{
		"/console", hall, hall + "/day", hall + "/day?date=" + day.String(), hall + "/missed", hall + "/missed?date=" + day.String(), hall + "/missed/" + code, "/console/missed",
		hall + "/bookings?date=" + day.String(), hall + "/bookings.csv?date=" + day.String(), hall + "/missed.csv?date=" + day.String(), hall + "/sanctions/" + code, "/console/sanctions", "/console/cases", "/console/cases/" + id, "/console/cases.csv", "/console/cases?state=overdue",
		"/console/jump?q=" + code, "/console/jump.json?q=" + url.QueryEscape(missed.Name), "/console/jump?q=" + missed.Phone,
	}
	never := []string{"metro stood", "in the rain"}
	for _, p := range []struct{ name, number, phone string }{{missed.Name, missed.Document.Number, missed.Phone}, {came.Name, came.Document.Number, came.Phone}} {
		never = append(never, p.name, p.number, p.number[len(p.number)-4:], p.phone)
	}
	never = append(never, "陈*", "SAMPLE", "S*")
	told := func(body, asked string) (out []string) {
		for _, s := range never {
			if strings.Contains(body, s) && !(asked != "" && strings.Contains(asked, s)) {
				out = append(out, s)
			}
		}
		return out
	}
	// While they are known, pages say something of them: what is looked for below is there to be found.
	before := map[string]bool{}
	for _, path := range pages {
		for _, s := range told(d.get(reader, path).Body.String(), "") {
			before[s] = true
		}
	}
	if !before["metro stood"] || !before["in the rain"] || !before["陈*"] {
		t.Fatalf("before, the pages tell only %v", before)
	}

	d.Clock.Set(calendar.MakeDate(day.Year()+2, day.Month()+2, 1).At(9, 0))
	const later, audit = account.Rank("later"), account.Rank("later-audit")
	d.open(string(later), account.District1, apptest.DistrictA)
	d.open(string(audit), account.Audit, "440100000000")
	for more, runs := true, 0; more; runs++ {
		if _, more, err = d.App.Forget(ctx, 50); err != nil || runs > 1000 {
			t.Fatalf("after %d runs: %v", runs, err)
		}
	}
	for _, path := range pages {
		asked := "" // what was asked for may stand in the field again
		if at, err := url.Parse(path); err == nil {
			asked = at.Query().Get("q")
		}
		w := d.get(later, path)
		if s := told(w.Body.String(), asked); len(s) > 0 {
			t.Errorf("%s still tells %q", path, s)
		}
		if w.Code >= 500 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	for _, path := range []string{"/console/retention", "/console/log", "/console/log.csv"} {
		if s := told(d.page(audit, path), ""); len(s) > 0 {
			t.Errorf("%s tells %q", path, s)
		}
	}
	if w := d.sendTo(later, "/console/cases/"+id, "/console/cases/"+id+"/phone", url.Values{}); strings.Contains(w.Body.String(), came.Phone) {
		t.Error("the phone can still be asked for")
	}
	if _, err := d.App.Find(ctx, code, missed.Document.Number[len(missed.Document.Number)-4:]); fault.CodeOf(err) != fault.BookingNotFound {
		t.Errorf("found by the document: %v", err)
	}
	_, again := d.SignIn(t, missed)
	if list, _, err := d.App.MyBookings(ctx, again, "", 10); err != nil || len(list) != 0 {
		t.Errorf("their bookings: %v, %v", list, err)
	}
}
