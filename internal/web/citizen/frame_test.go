package citizen

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
)

// Whoever comes from one of the two entrances books through it; an address of nobody's is our own page.
func TestArt2_ABookingSaysThroughWhichEntranceItCame(t *testing.T) {
	w := newWorld(t, nil)
	for n, c := range []struct {
		via  string
		want booking.Channel
	}{{"", booking.Web}, {"suihaoban", booking.Suihaoban}, {"gdzwfw", booking.Province}, {"desk", booking.Web}, {"kiosk", booking.Web}} {
		b := w.browser(t)
		who := b.signIn(apptest.Citizen(n + 1))
		b.get(address("/item/"+apptest.SocialCard, "via", c.via)).must(200)
		b.bookHere(apptest.SocialCard, apptest.QueueA).must(200)
		list, err := w.App.MyActive(t.Context(), who)
		if err != nil || len(list) != 1 {
			t.Fatalf("via %q: %d bookings, %v", c.via, len(list), err)
		}
		if got := list[0].Booking.Channel; got != c.want {
			t.Errorf("via %q: channel %s, want %s", c.via, got, c.want)
		}
	}
	for _, at := range w.addresses() {
		if strings.Contains(at, apptest.Citizen(1).Document.Number) || strings.Contains(at, url.QueryEscape(apptest.Citizen(1).Name)) {
			t.Errorf("an address names a person: %s", at)
		}
	}
}

var (
	targets  = regexp.MustCompile(`<(?:a|form)\b[^>]*>`)
	leadsOut = regexp.MustCompile(`(?:href|action)="([^"]*)"`)
)

// Pages for frames stand in those of their entrance only, change nothing, and lead out of the frame; no other page of ours
// stands in any.
func TestArt2_PagesStandInThoseOfAnEntranceOnly(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Citizen(1))
	for _, at := range []string{"/embed/suihaoban", "/embed/suihaoban/item/" + apptest.SocialCard, "/embed/suihaoban/item/" + apptest.SocialCard + "?lang=en&edition=elder", "/embed/suihaoban/item/nothing"} {
		status := 200
		if strings.HasSuffix(at, "nothing") {
			status = 404
		}
		s := b.get(at).must(status)
		if csp := s.header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors https://app.example https://h5.example;") && !strings.HasSuffix(csp, "frame-ancestors https://app.example https://h5.example") || s.header.Get("X-Frame-Options") != "" {
			t.Errorf("%s: %s, X-Frame-Options %q", at, csp, s.header.Get("X-Frame-Options"))
		}
		if !strings.Contains(s.body, `<base target="_top">`) && !strings.Contains(s.body, `<base target="_top"/>`) {
			t.Errorf("%s stays in its frame", at)
		}
		if strings.Contains(s.body, `method="post"`) || strings.Contains(s.body, "form_token") {
			t.Errorf("%s can change something", at)
		}
		for _, tag := range targets.FindAllString(s.body, -1) {
			m := leadsOut.FindStringSubmatch(tag)
			if m == nil || strings.HasPrefix(m[1], "#") || strings.HasPrefix(m[1], "tel:") || strings.HasPrefix(m[1], "http") {
				continue
			}
			if stays := strings.Contains(tag, `target="_self"`); stays != strings.HasPrefix(m[1], "/embed/") {
				t.Errorf("%s: %s", at, tag)
			}
			if !strings.HasPrefix(m[1], "/embed/") && !strings.HasPrefix(m[1], "/search") && !strings.Contains(m[1], "via=suihaoban") {
				t.Errorf("%s leads to %s, which does not know where its person came from", at, m[1])
			}
		}
	}
	for _, at := range []string{"/embed/gdzwfw", "/embed/nobody", "/embed/gdzwfw/item/" + apptest.SocialCard} {
		if s := b.get(at).must(404); !framesNobody(s) {
			t.Errorf("%s may be framed", at)
		}
	}
	for _, at := range []string{"/?via=suihaoban", "/item/" + apptest.SocialCard + "?via=suihaoban", bookPath(apptest.SocialCard, apptest.QueueA), "/bookings"} {
		if !framesNobody(b.get(at)) {
			t.Errorf("%s may be framed", at)
		}
	}
	// The filters stay in the frame with what was chosen of language and edition.
	s := b.get("/embed/suihaoban/item/"+apptest.SocialCard+"?lang=en&edition=elder").must(200, "social security")
	hidden := regexp.MustCompile(`name="(lang|edition)" value="([^"]+)"`).FindAllStringSubmatch(s.body, -1)
	if !slices.ContainsFunc(hidden, func(m []string) bool { return m[1] == "lang" && m[2] == "en" }) {
		t.Errorf("the filters forget the language: %v", hidden)
	}
}

func framesNobody(s shown) bool {
	return strings.Contains(s.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") && s.header.Get("X-Frame-Options") == "DENY"
}
