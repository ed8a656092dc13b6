package citizen

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/room"
)

// More people come than can be served: the others see their place, reload as they like, and get on in turn with
// all they had filled in. Nobody sees the room on a quiet day, and who was let in does not see it again.
func TestRoom_OfPages(t *testing.T) {
	w := newWorldOf(t, apptest.Options{Change: func(c *app.Config) { c.Room = &room.Rules{Inside: 2, Line: 2} }}, nil)
	at := func(n int) (*browser, string) {
		b := w.browser(t)
		b.signIn(apptest.Citizen(n))
		s := b.get("/book/" + apptest.SocialCard + "/" + apptest.QueueA).must(200).form("/book/who").send().must(200).form("/book/who").send()
		u, err := url.Parse(s.at)
		if err != nil || u.Path != "/book/check" {
			t.Fatalf("at %s: %s", s.at, s.text())
		}
		return b, s.at
	}
	first, firstAt := at(1)
	first.get(firstAt).must(200)
	second, secondAt := at(2)
	third, thirdAt := at(3)
	for range 5 {
		s := third.get(thirdAt).must(503, "正在排队", "您的位置 1")
		if !strings.Contains(s.body, `<noscript><meta http-equiv="refresh"`) || !strings.Contains(s.body, "/room.") || s.header.Get("Retry-After") == "" {
			t.Errorf("the page does not look again by itself: %v", s.header)
		}
	}
	other := w.browser(t) // another browser of the same person has the same place
	other.signIn(apptest.Citizen(3))
	if s := other.get("/book/" + apptest.SocialCard + "/" + apptest.QueueA).form("/book/who").send().form("/book/who").send(); s.status != 503 {
		t.Fatalf("another browser: %d", s.status)
	}
	fourth, fourthAt := at(4)
	fourth.get(fourthAt).must(503, "您的位置 2")
	fifth, fifthAt := at(5)
	if s := fifth.get(fifthAt).must(503, "排队也已满"); s.header.Get("Retry-After") == "" {
		t.Error("nobody says when to come again")
	}
	codeOf(first.get(firstAt).must(200).form("/book").send().must(200))
	w.Clock.Set(w.Clock.Now().Add(time.Second))
	fourth.get(fourthAt).must(503, "您的位置 1") // the place is kept for the one before
	check := third.get(thirdAt).must(200)
	codeOf(check.form("/book").send().must(200))
	w.Clock.Set(w.Clock.Now().Add(time.Second))
	fourth.get(fourthAt).must(200)
	// The second has looked at the page for minutes while others came and went; confirming is not waiting again.
	codeOf(second.get(secondAt).must(200).form("/book").send().must(200))
	w.Clock.Set(w.Clock.Now().Add(time.Hour))
	sixth, quiet := at(6)
	sixth.get(quiet).must(200)
}
