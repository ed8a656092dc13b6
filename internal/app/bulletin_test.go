package app_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// figuresOf are counts of a month: booked, missed, called, called on time.
func figuresOf(booked, missed, called, onTime int64) (f oversight.Figures) {
	f.All.Count(oversight.Booked, booked)
	f.All.Count(oversight.Missed, missed)
	f.All.Count(oversight.CalledBooked, called)
	f.All.Count(oversight.CalledOnTime, onTime)
	var web oversight.Counts
	web.Count(oversight.Booked, booked)
	f.By = map[oversight.Dimension]map[string]oversight.Counts{oversight.ByChannel: {"web": web}}
	return f
}

// months keeps figures of two months of the city, its units and halls. missed is how many did not come to district A's
// halls in October.
func (d *desk) months(missed int64) {
	d.Helper()
	var rows []oversight.Row
	add := func(noun oversight.Noun, id, month string, f oversight.Figures) {
		rows = append(rows, oversight.Row{Place: oversight.Place{Noun: noun, ID: id}, Span: oversight.SpanMonth, Period: month, Figures: f, CountedAt: d.Clock.Now()})
	}
	for month, m := range map[string]int64{"2026-09": 40, "2026-10": missed} {
		add(oversight.OfUnit, "440100000000", month, figuresOf(3000, m+90, 2000, 1800))
		add(oversight.OfUnit, apptest.DistrictA, month, figuresOf(1000, m, 700, 690))
		add(oversight.OfUnit, apptest.DistrictB, month, figuresOf(1000, 30, 700, 600))
		add(oversight.OfUnit, apptest.StreetA, month, figuresOf(400, m/2, 300, 290))
		add(oversight.OfUnit, "agency-social", month, figuresOf(1000, 60, 600, 510))
		add(oversight.OfHall, apptest.HallCity, month, figuresOf(1000, 60, 600, 510))
		add(oversight.OfHall, apptest.HallA, month, figuresOf(600, m/2, 400, 400))
	}
	d.update(func(tx *store.Tx) error { return tx.PutFigures(context.Background(), rows) })
}

const octobers = "B2026-10-440100000000-1"

func TestArt21_BulletinsAreDraftedFromTheFigures(t *testing.T) {
	overseen(t, func(d *desk) {
		if n, err := d.App.DraftBulletins(d.Context()); err != nil || n != 0 {
			d.Fatalf("%d drafted of nothing, %v", n, err)
		}
		d.months(20)
		n, err := d.App.DraftBulletins(d.Context())
		if err != nil || n != 8 { // the city, two districts, an agency: the month and, of one month of it, the quarter
			d.Errorf("%d drafted, %v", n, err)
		}
		if n, err = d.App.DraftBulletins(d.Context()); err != nil || n != 0 {
			d.Errorf("%d drafted again, %v", n, err)
		}
		b, err := d.App.Bulletin(d.Context(), d.as("P2"), octobers)
		if err != nil {
			d.Fatal(err)
		}
		c := b.Content
		if b.Author != "" || c.Now.N[oversight.Booked] != 3000 || c.Now.N[oversight.Missed] != 110 || c.Before.N[oversight.Missed] != 130 || len(c.Trend) != 2 || c.Channels["web"].N[oversight.Booked] != 3000 {
			d.Errorf("the city's: %+v", c)
		}
		var parts []string
		for _, p := range c.Parts {
			parts = append(parts, p.Group+" "+p.Place.ID)
		}
		if !slices.Equal(parts, []string{"district " + apptest.DistrictA, "district " + apptest.DistrictB, "agency agency-social"}) {
			d.Errorf("compared: %v", parts)
		}
		m, err := c.Measure("no_show_rate")
		if err != nil {
			d.Fatal(err)
		}
		if got := c.Rank(m, "district"); got[0].Key != apptest.DistrictA || got[0].Place != 1 || got[0].Was != 2 {
			d.Errorf("ranked: %+v", got)
		}
		district, err := d.App.Bulletin(d.Context(), d.as("A1"), "B2026-10-"+apptest.DistrictA+"-1")
		if err != nil {
			d.Fatal(err)
		}
		if p := district.Content.Parts; len(p) != 2 || p[0].Place.ID != apptest.StreetA || p[1].Place.ID != apptest.HallA || p[1].Group != "hall" {
			d.Errorf("a district's: %+v", p)
		}
		for who, want := range map[string]int{"P1": 8, "P2": 8, "M1": 2, "M2": 2, "A1": 2, "B1": 2, "A2": 0, "AS": 0, "AV": 0, "SYS": 0} {
			_, all, err := d.App.Bulletins(d.Context(), d.as(who), app.BulletinFilter{})
			if err != nil || all != want {
				d.Errorf("%s sees %d bulletins, %v; want %d", who, all, err, want)
			}
		}
		if _, err := d.App.Bulletin(d.Context(), d.as("A2"), district.ID); fault.CodeOf(err) != fault.BulletinNotFound {
			d.Errorf("a draft for who could not write it: %v", err)
		}
	})
}

// A month in which the figures only begin is not drawn beside whole ones; one that begins with a holiday is whole.
func TestArt21_ATrendBeginsWithAWholeMonth(t *testing.T) {
	for name, c := range map[string]struct {
		first int // day of September, a month before, of which there are figures
		want  int // periods of the trend
	}{"on its first day": {1, 2}, "in its middle": {15, 1}} {
		t.Run(name, func(t *testing.T) {
			overseen(t, func(d *desk) {
				d.months(20)
				d.update(func(tx *store.Tx) error {
					var rows []oversight.Row
					for day := c.first; day <= 30; day++ {
						rows = append(rows, oversight.Row{
							Place: oversight.Place{Noun: oversight.OfUnit, ID: "440100000000"}, Span: oversight.SpanDay, Period: calendar.MakeDate(2026, 9, day).String(), Figures: figuresOf(10, 1, 5, 4), CountedAt: tx.Now,
						})
					}
					return tx.PutFigures(context.Background(), rows)
				})
				if _, err := d.App.DraftBulletins(d.Context()); err != nil {
					d.Fatal(err)
				}
				b, err := d.App.Bulletin(d.Context(), d.as("P2"), octobers)
				if err != nil {
					d.Fatal(err)
				}
				if got := len(b.Content.Trend); got != c.want || b.Content.Before.N[oversight.Missed] == 0 {
					d.Errorf("%d periods, want %d", got, c.want)
				}
			})
		})
	}
}

func TestArt21_ABulletinIsReadByTwoAndIssued(t *testing.T) {
	overseen(t, func(d *desk) {
		d.months(20)
		if _, err := d.App.DraftBulletins(d.Context()); err != nil {
			d.Fatal(err)
		}
		ctx := d.Context()
		wants := func(what string, err error, want fault.Code) {
			d.Helper()
			if fault.CodeOf(err) != want {
				d.Errorf("%s: %v, want %q", what, err, want)
			}
		}
		waits := func(who string, want int) {
			d.Helper()
			list, err := d.App.BulletinsToDo(ctx, d.as(who), 50)
			if err != nil || len(list) != want {
				d.Errorf("%d bulletins wait for %s, %v; want %d", len(list), who, err, want)
			}
		}
		waits("P1", 2)
		waits("P2", 2)
		waits("M2", 2)
		waits("A2", 0)
		wants("written on", d.App.WriteBulletin(ctx, d.as("P2"), octobers, 1, "总体平稳"), "")
		wants("written on from what was before", d.App.WriteBulletin(ctx, d.as("P1"), octobers, 1, "改"), fault.ChangedMeanwhile)
		wants("read by who wrote", d.App.ReviewBulletin(ctx, d.as("P2"), octobers, 2), fault.BulletinOwn)
		waits("P2", 1)
		wants("issued unread", d.App.IssueBulletin(ctx, d.as("P1"), octobers, 2), fault.BulletinNotNow)
		wants("read by another unit", d.App.ReviewBulletin(ctx, d.as("M1"), octobers, 2), fault.BulletinNotFound)
		wants("read", d.App.ReviewBulletin(ctx, d.as("P1"), octobers, 2), "")
		wants("issued by the second level", d.App.IssueBulletin(ctx, d.as("P2"), octobers, 3), fault.NotAllowed)
		wants("read by anybody before it is issued", func() error { _, _, _, err := d.App.IssuedBulletin(ctx, octobers); return err }(), fault.BulletinNotFound)
		wants("issued", d.App.IssueBulletin(ctx, d.as("P1"), octobers, 3), "")
		wants("written on after it was issued", d.App.WriteBulletin(ctx, d.as("P2"), octobers, 4, "改"), fault.BulletinNotNow)
		issued, was, versions, err := d.App.IssuedBulletin(ctx, octobers)
		if err != nil || was != nil || len(versions) != 1 || issued.Digest != issued.Sum() || len(issued.Digest) != 64 || issued.Remarks != "总体平稳" {
			d.Fatalf("issued: %+v, %v", issued, err)
		}

		d.months(25) // an appeal was granted late
		again, _, _, err := d.App.IssuedBulletin(ctx, octobers)
		if err != nil || again.Content.Now.N[oversight.Missed] != 110 || again.Sum() != issued.Digest {
			d.Errorf("what was issued moved: %+v, %v", again.Content.Now, err)
		}
		_, err = d.App.ReissueBulletin(ctx, d.as("P2"), octobers)
		wants("corrected by the second level", err, fault.NotAllowed)
		next, err := d.App.ReissueBulletin(ctx, d.as("P1"), octobers)
		wants("corrected", err, "")
		if same, err := d.App.ReissueBulletin(ctx, d.as("P1"), octobers); err != nil || same != next || !strings.HasSuffix(next, "-2") {
			d.Errorf("corrected twice: %s and %s, %v", next, same, err)
		}
		wants("the correction read by who began it", d.App.ReviewBulletin(ctx, d.as("P1"), next, 1), fault.BulletinOwn)
		wants("the correction read", d.App.ReviewBulletin(ctx, d.as("P2"), next, 1), "")
		if list, _, err := d.App.Issued(ctx, 0, 10); err != nil || len(list) != 1 || list[0].ID != octobers {
			d.Errorf("before it is issued the list has %v, %v", list, err)
		}
		wants("the correction issued", d.App.IssueBulletin(ctx, d.as("P1"), next, 2), "")
		b, was, versions, err := d.App.IssuedBulletin(ctx, next)
		if err != nil || was == nil || was.ID != octobers || len(versions) != 2 {
			d.Fatalf("corrected: %v, %v", was, err)
		}
		var differs []string
		for _, f := range b.Content.Differences(was.Content) {
			differs = append(differs, f.Place+" "+f.Measure)
		}
		if !slices.Equal(differs, []string{" no_show_rate", apptest.DistrictA + " no_show_rate"}) {
			d.Errorf("differences: %v", differs)
		}
		if list, all, err := d.App.Issued(ctx, 0, 10); err != nil || all != 1 || list[0].ID != next {
			d.Errorf("the list has %v, %v", list, err)
		}
		if got := d.Acts(t, "bulletin", octobers); !slices.Equal(got, []string{"bulletin.draft", "bulletin.write", "bulletin.review", "bulletin.issue"}) {
			d.Errorf("the log has %v", got)
		}
		if text, err := json.Marshal(b.Content); err != nil || strings.Contains(string(text), "陈") {
			d.Errorf("somebody's name: %v", err)
		}
	})
}

func TestArt21_ABulletinByHand(t *testing.T) {
	overseen(t, func(d *desk) {
		d.months(20)
		for _, c := range []struct {
			who, unit, period string
			want              fault.Code
		}{
			{"P2", "440100000000", "2026-10", ""}, {"P1", "440100000000", "2026-10", ""}, // the one that is there
			{"A1", apptest.DistrictA, "2026-10", ""}, {"M2", "agency-social", "2026-Q3", ""}, {"A2", apptest.DistrictA, "2026-10", fault.NotAllowed},
			{"A1", apptest.DistrictB, "2026-10", fault.InvalidRequest}, {"A1", apptest.StreetA, "2026-10", fault.InvalidRequest}, {"P1", "440100000000", "2026-11", fault.BulletinNoFigures},
			{"P1", "440100000000", "2026-08", fault.BulletinNoFigures}, {"P1", "440100000000", "gestern", fault.InvalidRequest},
		} {
			if _, err := d.App.DraftBulletin(d.Context(), d.as(c.who), c.unit, c.period); fault.CodeOf(err) != c.want {
				d.Errorf("%s drafts %s of %s: %v, want %q", c.who, c.period, c.unit, err, c.want)
			}
		}
	})
}
