package oversight

import (
	"testing"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
)

func TestArt21_Periods(t *testing.T) {
	for s, want := range map[string]struct{ first, last, from, to, before string }{
		"2026-10": {"2026-10-01", "2026-10-31", "2026-10", "2026-10", "2026-09"},
		"2026-01": {"2026-01-01", "2026-01-31", "2026-01", "2026-01", "2025-12"},
		"2024-02": {"2024-02-01", "2024-02-29", "2024-02", "2024-02", "2024-01"},
		"2026-Q1": {"2026-01-01", "2026-03-31", "2026-01", "2026-03", "2025-Q4"},
		"2026-Q4": {"2026-10-01", "2026-12-31", "2026-10", "2026-12", "2026-Q3"},
	} {
		p, err := ParsePeriod(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		first, last := p.Days()
		from, to := p.Months()
		if first.String() != want.first || last.String() != want.last || from != want.from || to != want.to || string(p.Before()) != want.before {
			t.Errorf("%s: %s to %s, %s to %s, after %s", s, first, last, from, to, p.Before())
		}
	}
	for _, s := range []string{"", "2026", "2026-13", "2026-00", "2026-Q5", "2026-Q0", "2026-1", "1999-12", "2026-Q11", "2026-10 ", "+026-10", "2026_10"} {
		if p, err := ParsePeriod(s); err == nil {
			t.Errorf("%q is %s", s, p)
		}
	}
}

func frozen(missed int64) Frozen {
	counts := func(booked, missed int64) (c Counts) {
		c.Count(Booked, booked)
		c.Count(Missed, missed)
		return c
	}
	return Frozen{
		Unit: directory.Text{Hans: "示例市"}, Named: Formulas(), Now: counts(300, missed), Before: counts(300, 30), Days: [2]calendar.Date{letterDay - 30, letterDay},
		Parts: []Part{
			{Place: Place{OfUnit, "a"}, Group: "district", Now: counts(100, missed), Before: counts(100, 1)},
			{Place: Place{OfUnit, "b"}, Group: "district", Now: counts(100, 5), Before: counts(100, 9)},
			{Place: Place{OfUnit, "c"}, Group: "district", Now: counts(10, 0), Before: counts(100, 3)},
			{Place: Place{OfUnit, "z"}, Group: "agency", Now: counts(100, 50)},
		},
	}
}

func TestArt21_ABulletinRanksWithinAGroup(t *testing.T) {
	c := frozen(10)
	m, err := c.Measure("no_show_rate")
	if err != nil {
		t.Fatal(err)
	}
	got := c.Rank(m, "district")
	if len(got) != 3 || got[0].Key != "b" || got[0].Place != 1 || got[0].Was != 3 || got[1].Key != "a" || got[1].Was != 1 || got[2].Key != "c" || got[2].Place != 0 {
		t.Errorf("ranked: %+v", got)
	}
	if g := c.Groups(); len(g) != 2 || g[0] != "district" || g[1] != "agency" {
		t.Errorf("groups: %v", g)
	}
	few := Counts{}
	few.Count(Booked, 4)
	if v := m.Published(m.Of(few)); v.OK {
		t.Error("a rate of four is published")
	}
	few.Count(Booked, 1)
	if v := m.Published(m.Of(few)); !v.OK {
		t.Error("a rate of five is not published")
	}
}

func TestArt21_AnotherVersionShowsEachFigureThatDiffers(t *testing.T) {
	if d := frozen(10).Differences(frozen(10)); len(d) != 0 {
		t.Errorf("nothing differs: %+v", d)
	}
	d := frozen(11).Differences(frozen(10))
	// Of no-shows the rate of the whole and of a: in both the show rate stands as it was.
	if len(d) != 2 || d[0].Place != "" || d[0].Measure != "no_show_rate" || d[0].Was.Top != 10 || d[0].Is.Top != 11 || d[1].Place != "a" {
		t.Errorf("differences: %+v", d)
	}
	gone := frozen(10)
	gone.Parts = gone.Parts[1:]
	if d := gone.Differences(frozen(10)); len(d) == 0 || d[0].Place != "a" || d[0].Is.OK && d[0].Is.Top != 0 {
		t.Errorf("a part that is gone: %+v", d)
	}
}

func TestArt21_LifeOfABulletin(t *testing.T) {
	city := account.Seat{Unit: city1.Unit, Kind: directory.Platform}
	now := letterDay.At(10, 0)
	draft := NewBulletin(city, "2026-10", 1, frozen(10), "", now)
	if draft.ID != "B2026-10-440100000000-1" || draft.State != BulletinDraft {
		t.Fatalf("draft: %+v", draft)
	}
	wants := func(what string, err error, want fault.Code) {
		t.Helper()
		if fault.CodeOf(err) != want {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	_, err := draft.Issue(city1, now)
	wants("issued unread", err, fault.BulletinNotNow)
	_, err = draft.Write(district1, "x")
	wants("written on by a district", err, fault.NotAllowed)
	_, err = draft.Write(city2, string(make([]rune, 4001)))
	wants("too long", err, fault.InvalidRequest)
	written, err := draft.Write(city2, "总体平稳")
	wants("written on", err, "")
	_, err = written.Review(city2, city2, now)
	wants("read by who wrote", err, fault.BulletinOwn)
	heir := account.Account{ID: "P9", Rank: account.Platform2, Unit: city1.Unit, State: account.Open, Predecessor: "P2"}
	_, err = written.Review(heir, city2, now)
	wants("read by who took over from who wrote", err, fault.BulletinOwn)
	read, err := written.Review(city1, city2, now)
	wants("read", err, "")
	_, err = read.Issue(city2, now)
	wants("issued by the second level", err, fault.NotAllowed)
	if again, err := read.Write(city2, "改"); err != nil || again.State != BulletinDraft || again.Reviewer != "" {
		t.Errorf("written on after it was read: %+v, %v", again, err)
	}
	issued, err := read.Issue(city1, now)
	wants("issued", err, "")
	if len(issued.Digest) != 64 || issued.Sum() != issued.Digest {
		t.Errorf("digest %q", issued.Digest)
	}
	_, err = issued.Write(city1, "改")
	wants("written on after it was issued", err, fault.BulletinNotNow)
	_, err = issued.Redraft(city1, frozen(11), now)
	wants("figures of an issued one", err, fault.BulletinNotNow)
	_, err = issued.Issue(city1, now)
	wants("issued twice", err, fault.BulletinNotNow)
	next, err := issued.Next(city1, frozen(11), now.Add(time.Hour))
	wants("another version", err, "")
	if next.Version != 2 || next.ID != "B2026-10-440100000000-2" || next.State != BulletinDraft || next.Remarks != "总体平稳" {
		t.Errorf("next: %+v", next)
	}
	_, err = read.Next(city1, frozen(11), now)
	wants("another version of what is not issued", err, fault.BulletinNotNow)
	for name, change := range map[string]func(*Bulletin){
		"remarks": func(b *Bulletin) { b.Remarks += "。" }, "a count": func(b *Bulletin) { b.Content.Now.Count(Booked, 1) }, "a formula": func(b *Bulletin) { b.Content.Named = map[string]int{} },
		"a version": func(b *Bulletin) { b.ID += "0" }, "an instant": func(b *Bulletin) { b.IssuedAt = b.IssuedAt.Add(time.Second) },
	} {
		other := issued
		other.Content = frozen(10)
		if other.Sum() != issued.Digest {
			t.Fatal("the same has another digest")
		}
		if change(&other); other.Sum() == issued.Digest {
			t.Errorf("with another %s it has the same digest", name)
		}
	}
}
