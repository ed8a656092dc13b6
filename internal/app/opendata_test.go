package app_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// hallHours is a hall's day of figures: so many booked, missed and called by hour.
func hallHours(f *apptest.Fixture, hall string, date calendar.Date, hours map[string][3]int64) oversight.Row {
	r := oversight.Row{Place: oversight.Place{Noun: oversight.OfHall, ID: hall}, Span: oversight.SpanDay, Period: date.String(), CountedAt: f.Clock.Now()}
	r.Figures.By = map[oversight.Dimension]map[string]oversight.Counts{oversight.ByHour: {}}
	for hour, n := range hours {
		var c oversight.Counts
		c.Count(oversight.Released, 30)
		c.Count(oversight.Booked, n[0])
		c.Count(oversight.Missed, n[1])
		c.Lasted(oversight.WaitBooked, 6, n[2])
		r.Figures.By[oversight.ByHour][hour] = c
		r.Figures.All.Add(c)
	}
	return r
}

// A day is frozen once it is over and settled, says nothing about few people, and stays as it is.
func TestOpenData_ADayIsFrozenOnceAndHidesFewPeople(t *testing.T) {
	livesOnBoth(t, func(t *testing.T, d *desk) {
		today := calendar.DateOf(d.App.Now())
		day := today - 4
		put := func(booked int64) {
			rows := []oversight.Row{
				hallHours(d.Fixture, apptest.HallA, day, map[string][3]int64{"09": {booked, 2, 22}, "10": {25, 6, 20}}),
				hallHours(d.Fixture, apptest.HallStreet, day, map[string][3]int64{"09": {12, 6, 9}, "10": {3, 0, 3}}),
				{Place: oversight.Place{Noun: oversight.OfUnit, ID: theCity}, Span: oversight.SpanDay, Period: day.String(), CountedAt: d.App.Now()},
				{Place: oversight.Place{Noun: oversight.OfUnit, ID: theCity}, Span: oversight.SpanDay, Period: (today - 1).String(), CountedAt: d.App.Now()},
			}
			d.update(func(tx *store.Tx) error { return tx.PutFigures(t.Context(), rows) })
		}
		put(20)
		mark := []oversight.HallDay{{HallID: apptest.HallA, Date: day}}
		d.update(func(tx *store.Tx) error { return tx.MarkFigures(t.Context(), mark) })
		if at, _, err := d.App.FreezeOpenData(t.Context()); err != nil || at != 0 {
			t.Fatalf("%v is frozen while it waits to be counted, or yesterday is: %v", at, err)
		}
		d.update(func(tx *store.Tx) error {
			marks, err := tx.FigureMarks(t.Context(), today, 10)
			if err == nil {
				_, err = tx.ClearMarks(t.Context(), marks)
			}
			return err
		})
		if at, more, err := d.App.FreezeOpenData(t.Context()); err != nil || at != day || more {
			t.Fatalf("frozen is %v, %v: %v", at, more, err)
		}
		first, err := d.App.OpenDay(t.Context(), day)
		if err != nil {
			t.Fatal(err)
		}
		put(40) // counted again later
		if at, _, err := d.App.FreezeOpenData(t.Context()); err != nil || at != 0 {
			t.Fatalf("it is frozen again, or a day that is not settled is: %v %v", at, err)
		}
		again, err := d.App.OpenDay(t.Context(), day)
		if err != nil || again.Digest != first.Digest || !bytes.Equal(again.Body, first.Body) {
			t.Fatalf("what was frozen is another: %v", err)
		}
		zip, err := gzip.NewReader(bytes.NewReader(first.Body))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(zip)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(plain); hex.EncodeToString(sum[:]) != first.Digest || len(plain) != first.Bytes {
			t.Error("digest or length is not that of the file")
		}
		lines, err := csv.NewReader(bytes.NewReader(plain)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if len(lines) != first.Lines+1 || first.Halls != 2 || len(lines) != 10 {
			t.Fatalf("%d lines of %d halls: %s", len(lines)-1, first.Halls, plain)
		}
		for _, line := range lines[1:] {
			for _, i := range []int{6, 7, 8} { // bookings, no-shows, waits
				if n, err := strconv.Atoi(line[i]); err == nil && n > 0 && n < 5 {
					t.Errorf("%d people are told: %v", n, line)
				}
			}
			if line[0] != day.String() || line[1] != apptest.DistrictA {
				t.Errorf("another day or district: %v", line)
			}
		}
		var asJSON struct {
			Date  string
			Lines []map[string]any
		}
		var b bytes.Buffer
		if err := app.WriteOpenJSON(&b, first); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b.Bytes(), &asJSON); err != nil {
			t.Fatalf("%v: %s", err, b.Bytes())
		}
		if len(asJSON.Lines) != first.Lines || asJSON.Date != day.String() {
			t.Fatalf("as JSON: %s", b.Bytes())
		}
		for i, line := range asJSON.Lines {
			if hidden, n := lines[i+1][6] == app.OpenHidden, line["bookings"]; hidden != (n == nil) {
				t.Errorf("CSV %v, JSON %v", lines[i+1], line)
			}
		}
		if _, err := d.App.OpenDay(t.Context(), day-1); fault.CodeOf(err) != fault.OpenDayNotFound {
			t.Errorf("a day without: %v", err)
		}
		if days, err := d.App.OpenDays(t.Context(), 0, 10); err != nil || len(days) != 1 || days[0].Body != nil {
			t.Errorf("listed are %v, %v", days, err)
		}
	})
}

// Art. 22: every approved change is told to everybody, with the numbers before and after, and without who.
func TestArt22_EveryChangeOfNumbersIsToldToEverybody(t *testing.T) {
	livesOnBoth(t, func(t *testing.T, d *desk) {
		if list, err := d.App.NumberChanges(t.Context(), "", 0, 10); err != nil || len(list) != 0 {
			t.Fatalf("before anything was changed: %v, %v", list, err)
		}
		from := d.App.Calendar().AddWorkingDays(calendar.DateOf(d.App.Now()), 6)
		more := supply.Change{Kind: supply.Capacity, From: from, To: from + 20, Total: 140, Source: "filed"}
		d.approved("A2", "A1", app.Asked{Targets: []app.Target{{Hall: apptest.HallA, Queue: apptest.QueueA}}, Change: more, Reason: "because of somebody's words"})
		list, err := d.App.NumberChanges(t.Context(), apptest.HallA, 0, 10)
		if err != nil || len(list) != 1 {
			t.Fatalf("told are %v, %v", list, err)
		}
		n := list[0]
		if got := [2]int{n.Told.Before.OffSite + n.Told.Before.OnSite, n.Told.After.OffSite + n.Told.After.OnSite}; got != [2]int{70, 140} {
			t.Errorf("before and after are %v", got)
		}
		if n.Told.Date != from || n.Reason() != "planned" || n.DecidedAt.IsZero() {
			t.Errorf("told is %+v", n)
		}
		if other, err := d.App.NumberChanges(t.Context(), apptest.HallB, 0, 10); err != nil || len(other) != 0 {
			t.Errorf("another hall: %v, %v", other, err)
		}
		if older, err := d.App.NumberChanges(t.Context(), "", n.Seq, 10); err != nil || len(older) != 0 {
			t.Errorf("before the first: %v, %v", older, err)
		}
		if _, err := d.App.NumberChanges(t.Context(), "none", 0, 10); fault.CodeOf(err) != fault.HallNotFound {
			t.Errorf("a hall there is not: %v", err)
		}
	})
}

// Art. 14: what is released today and next, by hall, for everybody.
func TestArt14_ReleasesOfTodayAndTheNextAreTold(t *testing.T) {
	d := newDesk(t, apptest.Options{})
	at, dates := d.App.NextRelease()
	halls, total := d.App.Releases(app.ReleaseQuery{Limit: 3})
	if total != 5 || len(halls) != 3 {
		t.Fatalf("%d of %d halls", len(halls), total)
	}
	halls, total = d.App.Releases(app.ReleaseQuery{Text: apptest.HallA, Limit: 10})
	if total != 1 || halls[0].Hall.ID != apptest.HallA {
		t.Fatalf("found are %d", total)
	}
	found := false
	for _, r := range halls[0].Releases {
		if r.At.Equal(at) && r.Date == dates[0] && r.Queue.ID == apptest.QueueA {
			found = r.Numbers > 0 && !r.Done
		}
	}
	if !found {
		t.Errorf("the release of %v for %v is not among %v", at, dates, halls[0].Releases)
	}
	if _, total := d.App.Releases(app.ReleaseQuery{District: apptest.DistrictB, Limit: 10}); total != 1 {
		t.Errorf("%d halls of a district with one", total)
	}
}

// Art. 22: every edit by which other numbers are released is told to everybody: where, from what to what, and not who.
func TestArt22_EveryEditOfTheReleaseIsToldToEverybody(t *testing.T) {
	livesOnBoth(t, func(t *testing.T, d *desk) {
		ad := staff(t, d.Fixture, account.District1, apptest.DistrictA)
		edit := func(noun directory.Noun, fields directory.Fields, key ...string) {
			t.Helper()
			edited(t, d.Fixture, ad, "", app.EditRequest{Noun: noun, Key: key, Fields: fields})
			d.Clock.Add(time.Minute)
		}
		all := func(hall string, limit int) (out []app.DirectoryEdit) {
			t.Helper()
			for at := (app.EditPlace{}); ; {
				list, next, err := d.App.DirectoryEdits(t.Context(), hall, at, limit)
				if err != nil {
					t.Fatal(err)
				}
				if out = append(out, list...); next == nil {
					return out
				}
				if at, err = app.ParseEditPlace(next.String()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if list := all("", 10); len(list) != 0 {
			t.Fatalf("before anything was edited: %v", list)
		}
		first := d.App.Now()
		edit(directory.HallNoun, directory.Fields{"phone": "020-83380000", "notice_hans": "今日停电"}, apptest.HallA)
		edit(directory.QueueNoun, directory.Fields{"hours": "09:00-12:00", "closures": "day_of_month 23 afternoon by order of somebody"}, apptest.HallA, "social")
		edit(directory.OfferingNoun, directory.Fields{"batch_max": "4"}, apptest.HallA, "social", apptest.SocialCard)
		list := all(apptest.HallA, 1)
		if len(list) != 2 || list[0].Noun != directory.OfferingNoun || list[1].Queue.ID != apptest.QueueA || !list[1].At.Equal(first.Add(time.Minute)) {
			t.Fatalf("told are %+v", list)
		}
		if got := list[0].Fields; len(got) != 1 || got[0].Column != "batch_max" || got[0].Is != "4" || list[0].Name != d.App.City().Item(apptest.SocialCard).Name {
			t.Errorf("what is offered: %+v", list[0])
		}
		want := []directory.FieldChange{{Column: "hours", Was: list[1].Fields[0].Was, Is: "09:00-12:00"}, {Column: "closures", Is: "day_of_month 23 afternoon"}}
		if !slices.Equal(list[1].Fields, want) || want[0].Was == "" || list[1].Reason() != "edited" || list[1].Added || list[1].Unit == nil {
			t.Errorf("hours: %+v", list[1])
		}
		if len(all("", 10)) != 2 || len(all(apptest.HallB, 10)) != 0 {
			t.Error("all halls, and another")
		}
		if _, _, err := d.App.DirectoryEdits(t.Context(), "none", app.EditPlace{}, 10); fault.CodeOf(err) != fault.HallNotFound {
			t.Errorf("a hall there is not: %v", err)
		}
	})
}
