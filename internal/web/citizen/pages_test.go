package citizen

import (
	"regexp"
	"strings"
	"testing"

	"suiyue/internal/app/apptest"
	"suiyue/internal/web"
)

var (
	ids         = regexp.MustCompile(`\sid="([^"]+)"`)
	idRefs      = regexp.MustCompile(`\s(?:for|aria-describedby|aria-labelledby|aria-controls)="([^"]+)"`)
	inlineCode  = regexp.MustCompile(`\sstyle=|\son[a-z]+=|<style|<script>`)
	placeholder = regexp.MustCompile(`\{[a-z_]+\}`)
)

// Every page in three languages and both editions: no sentence is missing, one heading, nothing the
// content policy forbids, labels that lead somewhere, and nothing personal may be stored.
func TestEveryPageInEveryLanguageAndEdition(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.signIn(apptest.Agent())
	code := codeOf(b.bookHere(apptest.SocialCard, apptest.QueueA))
	gone := codeOf(b.bookHere(apptest.Estate, apptest.QueueAEstate+"?date=2026-11-26"))
	b.get("/pass/" + gone + "/cancel").form("/pass/" + gone + "/cancel").send().must(200)
	other := b.get("/book/"+apptest.Residence+"/"+apptest.QueueAEntry+"?date=2026-11-27").form("/book/who").send().form("/book/who").send("for", "other").must(200)
	organisation := b.get("/book/"+apptest.Residence+"/"+apptest.QueueAEntry+"?date=2026-11-27").form("/book/who").send().form("/book/who").send("for", "organisation").must(200)
	check := b.get("/book/" + apptest.Passport + "/" + apptest.HallCity + "-entry?date=2026-11-27").form("/book/who").send().form("/book/who").send().must(200)
	draft := check.form("/book").values.Get("draft")
	slots := w.FreeSlots(apptest.QueueA)
	taken := w.FreeSlots(apptest.QueueStreet)[0]
	w.take(t, 70, taken)
	pages := map[string]int{
		"/": 200, "/search?q=社保": 200, "/search?q=zzz": 200, "/search": 200, "/category/social": 200, "/category/education": 200,
		"/item/" + apptest.SocialCard: 200, "/item/" + apptest.Passport: 200, "/item/" + apptest.Residence + "?lat=23.1&lng=113.2": 200,
		"/item/" + apptest.SocialCard + "?district=" + apptest.DistrictA: 200, "/item/" + apptest.SocialCard + "?stage=collection&page=2": 200,
		"/item/" + apptest.SocialCard + "/compare?compare=" + apptest.QueueA + "&compare=" + apptest.QueueB: 200, "/item/" + apptest.SocialCard + "/compare": 200,
		"/book/" + apptest.SocialCard + "/" + apptest.QueueA:                                                  200,
		"/book/" + apptest.SocialCard + "/" + apptest.QueueStreet:                                             200,
		"/book/" + apptest.Passport + "/" + apptest.QueueA:                                                    409,
		"/book/who?item=" + apptest.Estate + "&stage=acceptance&slot=" + w.FreeSlots(apptest.QueueAEstate)[9]: 200,
		"/book/who?item=" + apptest.SocialCard + "&stage=acceptance&slot=" + taken:                            409,
		other.at: 200, organisation.at: 200, "/book/check?draft=" + draft: 200, "/book/check?draft=AAAAAAAAAAAA": 410,
		"/pass/" + code: 200, "/pass/" + code + "?new=booked": 200, "/pass/" + code + "?new=moved": 200, "/pass/" + gone: 200, "/pass/" + gone + "?new=cancelled": 200,
		"/pass/" + code + "/move": 200, "/pass/" + code + "/move?queue=" + apptest.QueueB: 200, "/pass/" + code + "/move/halls": 200,
		"/pass/" + code + "/move/check?slot=" + slots[9]: 200, "/pass/" + code + "/cancel": 200, "/pass/" + gone + "/cancel": 409,
		"/hall/" + apptest.HallA: 200, "/hall/" + apptest.HallB + "?q=社保&page=2": 200, "/hall/none": 404,
		"/find": 200, "/nowhere": 404, "/item/none": 404, "/draws": 200, "/draws/none": 404,
	}
	for path, status := range pages {
		for _, l := range web.Locales {
			for _, edition := range []string{"normal", "elder"} {
				s := b.get(withQuery(withQuery(path, "lang", string(l)), "edition", edition))
				at := string(l) + " " + edition + " " + path
				if s.status != status {
					t.Errorf("%s: %d, want %d", at, s.status, status)
				}
				if i := strings.Index(s.body, "⟦"); i >= 0 {
					t.Errorf("%s: missing sentence near %q", at, s.body[i:min(len(s.body), i+60)])
				}
				if m := placeholder.FindString(s.text()); m != "" {
					t.Errorf("%s: unfilled %s", at, m)
				}
				if m := inlineCode.FindString(s.body); m != "" {
					t.Errorf("%s: the content policy forbids %q", at, m)
				}
				if n := strings.Count(s.body, "<h1"); n != 1 {
					t.Errorf("%s: %d h1", at, n)
				}
				if s.header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s may be stored", at)
				}
				if !strings.Contains(s.body, `lang="`+l.Tag()+`"`) || strings.Contains(s.body, `class="helpbar"`) != (edition == "elder") {
					t.Errorf("%s: wrong language or edition", at)
				}
				seen := map[string]bool{}
				for _, m := range ids.FindAllStringSubmatch(s.body, -1) {
					if seen[m[1]] {
						t.Errorf("%s: id %q twice", at, m[1])
					}
					seen[m[1]] = true
				}
				for _, m := range idRefs.FindAllStringSubmatch(s.body, -1) {
					for id := range strings.FieldsSeq(m[1]) {
						if !seen[id] {
							t.Errorf("%s: nothing has id %q", at, id)
						}
					}
				}
			}
		}
	}
}

// The elder edition leaves fewer choices at first, and the rest one tap away.
func TestElderEditionHasFewerChoices(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	b.get("/?edition=elder").must(200)
	item := b.get("/item/" + apptest.SocialCard + "?stage=consultation").must(200)
	if n := strings.Count(item.body, `class="card hall"`); n != hallRowsElder {
		t.Errorf("%d halls", n)
	}
	if strings.Contains(item.body, `name="compare"`) || strings.Contains(item.body, `id="sort"`) {
		t.Error("it asks to compare or sort")
	}
	if n := strings.Count(item.follow("显示更多大厅").must(200).body, `class="card hall"`); n != 4 {
		t.Errorf("%d halls after all", n)
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{withQuery("/a?b=1&lang=en#x", "lang", ""), "/a?b=1#x"},
		{withQuery("/a#x", "lang", "en"), "/a?lang=en#x"},
		{withQuery("/a?b=%zz", "lang", "en"), "/a?lang=en"},
		{withQuery("/a", "lang", ""), "/a"},
		{address("/a", "x", "", "y", "1&2"), "/a?y=1%262"},
		{address("/a"), "/a"},
		{clip("李示例", 4), "李"}, {clip("abc", 4), "abc"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func FuzzDraftCookie(f *testing.F) {
	w := newWorld(f, nil)
	p := New(Config{App: w.App, Site: web.New(web.Options{Log: discard(), Now: w.Clock.Now}), Cookies: web.NewCookies(false, make([]byte, 32)), Sealer: w.Vault})
	f.Add("ABCDEFGHJKLM", "AAAA")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, id, value string) {
		if d := p.openDraft(id, value); d != nil {
			t.Errorf("a draft nobody sealed: %+v", d.ID)
		}
	})
}
