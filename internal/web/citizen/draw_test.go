package citizen

import (
	"strings"
	"testing"
	"time"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/draw"
	"suiyue/internal/store"
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
