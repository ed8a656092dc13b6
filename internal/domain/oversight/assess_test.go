package oversight

import "testing"

func TestArt21_TheYearlySheetHasAFormulaForEachLine(t *testing.T) {
	a := Assessment{Halls: 10, Linked: 9, Alerts: 4, Early: 3}
	a.Figures.Count(Records, 200)
	a.Figures.Count(RecordsEarly, 190)
	a.Figures.Count(Decisions, 8)
	a.Figures.Count(DecisionsEarly, 6)
	got := map[string][2]int64{}
	for _, l := range a.Lines() {
		if l.OK() {
			got[l.ID] = [2]int64{l.Top, l.Bottom}
		}
		if (l.Formula == 0) != (l.ID == "linked" || l.ID == "alerts_early") {
			t.Errorf("%s is made by formula %d", l.ID, l.Formula)
		}
	}
	want := map[string][2]int64{"linked": {9, 10}, "alerts_early": {3, 4}, "data_in_time": {190, 200}, "data_complete": {0, 200}, "decided_in_time": {6, 8}}
	if len(got) != len(want) {
		t.Errorf("lines: %v", got)
	}
	for id, v := range want {
		if got[id] != v {
			t.Errorf("%s: %v, want %v", id, got[id], v)
		}
	}
	if n := len(Assessment{}.Lines()); n != 8 {
		t.Errorf("%d lines", n)
	}
}

func TestArt22_WhatCountsAsAFailure(t *testing.T) {
	f := Failures{UnitID: "u", Entries: map[string]int64{"late_request": 1, "data_late": 1}, Appealed: 5, Struck: 7, Letters: 9, Open: 1}
	if f.Total() != 2 {
		t.Errorf("%d failures", f.Total())
	}
	if _, err := NewAnnouncement(city1, f, 2026, "多次违规", 3, letterDay.At(10, 0)); err == nil {
		t.Error("two failures are announced")
	}
	f.Returned = 1
	if a, err := NewAnnouncement(city1, f, 2026, " 多次违规 ", 3, letterDay.At(10, 0)); err != nil || a.Text != "多次违规" || a.Counts.Total() != 3 {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := NewAnnouncement(district1, f, 2026, "x", 3, letterDay.At(10, 0)); err == nil {
		t.Error("a district announces")
	}
	if _, err := NewAnnouncement(city1, f, 2026, " ", 3, letterDay.At(10, 0)); err == nil {
		t.Error("announced without a word")
	}
}
