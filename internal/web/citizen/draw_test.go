package citizen

import (
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/draw"
	"suiyue/internal/store"
	"suiyue/internal/web"
)

// Who asks in the draw's minute is told so, finds their salt, and then what came of it, all at one address; anybody
// sees the commitment before and the seed after.
func TestDraw_OnThePages(t *testing.T) {
	w := newWorld(t, nil)
	q := *w.App.City().Queue(apptest.QueueA)
	q.Draw = true
	if err := w.DB.Update(t.Context(), func(tx *store.Tx) error { return tx.SaveQueues(t.Context(), []directory.Queue{q}) }); err != nil {
		t.Fatal(err)
	}
	if err := w.App.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := w.App.PublishDraws(t.Context()); err != nil || n == 0 {
		t.Fatalf("%d published, %v", n, err)
	}
	noon, dates := w.App.NextRelease()
	path := drawPath(draw.ID(apptest.QueueA, noon))
	stranger := w.browser(t)
	before := stranger.get(path).must(200)
	_, record, err := w.App.DrawOf(t.Context(), draw.ID(apptest.QueueA, noon))
	if err != nil || !strings.Contains(before.body, record.Commitment) {
		t.Fatalf("the commitment is not on the page, %v", err)
	}
	w.Clock.Set(noon.Add(time.Second))
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	in := b.bookHere(apptest.SocialCard, apptest.QueueA+"?date="+dates[0].String())
	if in.at != path || !strings.Contains(in.body, "notice--info") || strings.Contains(in.body, "/pass/") {
		t.Fatalf("after asking in the draw's minute: %s\n%s", in.at, in.body)
	}
	w.Clock.Set(noon.Add(63 * time.Second))
	if _, err := w.App.CarryOutDraws(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := b.get(path).must(200)
	if !strings.Contains(after.body, "notice--success") || !strings.Contains(after.body, "/pass/") {
		t.Errorf("after the draw:\n%s", after.body)
	}
	_, record, _ = w.App.DrawOf(t.Context(), draw.ID(apptest.QueueA, noon))
	all := stranger.get(path).must(200)
	if record.Seed == "" || !strings.Contains(all.body, record.Seed) || strings.Contains(all.body, "notice--success") {
		t.Error("anybody sees the seed and nobody else's entry")
	}
}

// Who gets no number is led on: to other hours, and where there is one to the waiting list for this day.
func TestDraw_WhoGetsNoNumberIsLedOn(t *testing.T) {
	for _, waits := range []bool{true, false} {
		for outcome, lost := range map[draw.Outcome]bool{"sold_out": true, draw.Booked: false, draw.Waiting: false} {
			e := app.DrawEntry{Outcome: outcome, For: app.BookingView{Applicant: app.MaskedParty{Kind: booking.Other, Name: "李**"}, Booking: booking.Booking{
				Item: apptest.SocialCard, QueueID: apptest.QueueA, Stage: directory.Acceptance, Date: calendar.MakeDate(2026, time.December, 9), Hour: 10,
			}}}
			var hrefs []string
			mine := myDraw(web.En, app.DrawView{}, e, waits)
			if mine.Rows[0].Value != "李**" {
				t.Errorf("not said for whom: %v", mine.Rows)
			}
			for _, link := range mine.Notice.Links {
				hrefs = append(hrefs, link.Href)
			}
			all := strings.Join(hrefs, " ")
			if strings.Contains(all, "/book/") != lost || strings.Contains(all, "/waitlist/new?") != (lost && waits) {
				t.Errorf("%q, waiting list %v: %v", outcome, waits, hrefs)
			}
		}
	}
}
