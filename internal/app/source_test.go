package app_test

import (
	"context"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// overseen runs a case about supervision on both engines.
func overseen(t *testing.T, run func(d *desk)) {
	t.Run("sqlite", func(t *testing.T) { run(newDesk(t, apptest.Options{Twice: true})) })
	t.Run("postgres", func(t *testing.T) { run(newDesk(t, apptest.Options{Twice: true, Source: apptest.Postgres(t)})) })
}

// agreed is a system as somebody enters it.
func agreed(halls ...string) oversight.Source {
	return oversight.Source{Name: "自建系统", Kinds: oversight.RecordKinds, Halls: halls, Delay: 15 * time.Minute, Silence: 2 * time.Hour}
}

// connect enters a system and wants that answer ("" = it is there).
func (d *desk) connect(who, unit string, s oversight.Source, want fault.Code) string {
	d.Helper()
	id, err := d.App.ConnectSource(d.Context(), d.as(who), unit, s)
	if fault.CodeOf(err) != want {
		d.Errorf("%s connects a system of %s: %v, want %q", who, unit, err, want)
	}
	return id
}

func (d *desk) seen(who, id string) (app.SourceView, error) {
	today := calendar.DateOf(d.Clock.Now())
	v, _, err := d.App.Source(d.Context(), d.as(who), id, today-app.SourceDays, today-1)
	return v, err
}

func TestArt6_WhoHeadsAUnitSaysWhichSystemsAreConnected(t *testing.T) {
	overseen(t, func(d *desk) {
		agency := d.connect("M1", "agency-social", agreed(), "")
		village := d.connect("A1", apptest.VillageA, agreed(apptest.HallVillage), "")
		d.connect("P1", apptest.DistrictB, agreed(), "")
		d.connect("M2", "agency-social", agreed(), fault.NotAllowed)
		d.connect("P2", apptest.DistrictB, agreed(), fault.NotAllowed)
		d.connect("AS", apptest.StreetA, agreed(), fault.NotAllowed)
		d.connect("B1", apptest.DistrictA, agreed(), fault.InvalidRequest) // a unit they do not see
		d.connect("A1", apptest.VillageA, agreed(apptest.HallB), fault.InvalidRequest)
		d.connect("M1", "agency-social", oversight.Source{}, fault.InvalidRequest)

		for who, want := range map[string]int{"P1": 3, "P2": 2, "M1": 1, "M2": 1, "A1": 1, "AS": 1, "AV": 1, "A2": 0, "B1": 1, "SYS": 0} {
			list, err := d.App.Sources(d.Context(), d.as(who))
			if err != nil || len(list) != want {
				d.Errorf("%s sees %d sources, %v; want %d", who, len(list), err, want)
			}
		}
		if _, err := d.seen("B1", village); fault.CodeOf(err) != fault.SourceNotFound {
			d.Errorf("a system of another district: %v", err)
		}

		changed := agreed()
		changed.Delay = time.Hour
		for _, c := range []struct {
			who     string
			version int
			want    fault.Code
		}{{"M2", 1, fault.NotAllowed}, {"A1", 1, fault.SourceNotFound}, {"M1", 2, fault.ChangedMeanwhile}, {"M1", 1, ""}, {"M1", 1, fault.ChangedMeanwhile}} {
			if err := d.App.ChangeSource(d.Context(), d.as(c.who), agency, c.version, changed); fault.CodeOf(err) != c.want {
				d.Errorf("%s changes version %d: %v, want %q", c.who, c.version, err, c.want)
			}
		}
		if v, err := d.seen("M2", agency); err != nil || v.Delay != time.Hour || v.Heads {
			d.Errorf("changed: %+v, %v", v, err)
		}
		if err := d.App.EndSource(d.Context(), d.as("M1"), agency, 2); err != nil {
			d.Error(err)
		}
		if err := d.App.ChangeSource(d.Context(), d.as("M1"), agency, 3, changed); fault.CodeOf(err) != fault.SourceEnded {
			d.Errorf("changed after its end: %v", err)
		}
		if got := d.Acts(t, "source", agency); len(got) != 3 || got[0] != "source.connect" || got[1] != "source.change" || got[2] != "source.end" {
			d.Errorf("the log has %v", got)
		}
	})
}

func TestArt21_WhatAConnectedSystemSendsIsMeasured(t *testing.T) {
	overseen(t, func(d *desk) {
		id := d.connect("M1", "agency-social", agreed(), "")
		v, err := d.seen("M1", id)
		if err != nil {
			t.Fatal(err)
		}
		record := func(want fault.Code, day oversight.SourceDay) {
			t.Helper()
			err := d.DB.Update(d.Context(), func(tx *store.Tx) error {
				return d.App.RecordSource(context.Background(), tx, v.Source, []oversight.SourceDay{day})
			})
			if fault.CodeOf(err) != want {
				t.Errorf("recorded: %v, want %q", err, want)
			}
		}
		yesterday := today - 1
		one := oversight.SourceDay{HallID: apptest.HallCity, Kind: oversight.BookingRecord, Date: yesterday, Expected: 100, Received: 98, InTime: 90, Checked: 50, Agreed: 49, LastAt: d.Clock.Now().Add(-time.Hour)}
		record("", one)
		record("", one)
		far := one
		far.HallID = apptest.HallB
		record(fault.HallNotFound, far)
		odd := one
		odd.InTime = 99
		record(fault.InvalidRequest, odd)

		v, err = d.seen("M1", id)
		if err != nil || v.Sum.Expected != 200 || v.Sum.InTime != 180 || v.Sum.Received != 196 || v.Sum.Agreed != 98 || len(v.Kinds) != len(oversight.RecordKinds) || v.Kinds[0].Sum.Checked != 100 {
			t.Errorf("measured: %+v, %v", v, err)
		}
		if _, err := d.App.CountFigures(d.Context(), 100); err != nil {
			t.Fatal(err)
		}
		if err := d.DB.View(d.Context(), func(tx *store.Tx) error {
			rows, err := tx.Totals(d.Context(), oversight.OfHall, []string{apptest.HallCity}, oversight.SpanDay, yesterday.String(), yesterday.String())
			if len(rows) != 1 || rows[0].Figures.All.N[oversight.Records] != 200 || rows[0].Figures.All.N[oversight.RecordsEarly] != 180 || rows[0].Figures.All.N[oversight.Agreed] != 98 {
				t.Errorf("figures of the day: %+v", rows)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if !v.Silent.IsZero() {
			t.Errorf("an hour after the last record it is silent since %v", v.Silent)
		}
		d.at(today, 12, 1) // two hours and more since the last, all of them open
		if v, err = d.seen("M1", id); err != nil || !v.Silent.Equal(one.LastAt) {
			t.Errorf("silent since %v, %v; want %v", v.Silent, err, one.LastAt)
		}
		d.at(today, 20, 0) // the hall is shut
		if v, err = d.seen("M1", id); err != nil || !v.Silent.IsZero() {
			t.Errorf("in the evening it is silent since %v, %v", v.Silent, err)
		}
	})
}
