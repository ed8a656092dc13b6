package server

import (
	"errors"
	"maps"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// figuresIn reads rows of the database.
func figuresIn(t *testing.T, s *Server, noun oversight.Noun, ids []string, span oversight.Span, from, to calendar.Date) (out []oversight.Row) {
	t.Helper()
	if err := s.db.View(t.Context(), func(tx *store.Tx) (err error) {
		out, err = tx.Figures(t.Context(), noun, ids, span, span.Period(from), span.Period(to))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFiguresOfADemonstrationAddUpAndAreTheSameAgain(t *testing.T) {
	t.Parallel()
	s, err := New(t.Context(), cityConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	today := calendar.DateOf(s.clock.Now())
	city := s.app.City().Root().ID
	days := figuresIn(t, s, oversight.OfUnit, []string{city}, oversight.SpanDay, today-figureDays, today)
	var halls, byDay, byMonth oversight.Figures
	for _, r := range figuresIn(t, s, oversight.OfHall, nil, oversight.SpanDay, today-figureDays, today) {
		halls.Add(r.Figures.OfItems(func(item string) string { return s.app.City().Item(item).Department }))
	}
	for _, r := range days {
		byDay.Add(r.Figures)
	}
	for _, r := range figuresIn(t, s, oversight.OfUnit, []string{city}, oversight.SpanMonth, today-figureDays, today) {
		byMonth.Add(r.Figures)
	}
	if len(days) < 50 || halls.All.N[oversight.Booked] < 1000 {
		t.Fatalf("%d days, %d booked", len(days), halls.All.N[oversight.Booked])
	}
	for name, f := range map[string]oversight.Figures{"days": byDay, "months": byMonth} {
		if diff := halls.Differences(f, 3); len(diff) > 0 {
			t.Errorf("%s of the city are not the sum of its halls: %v", name, diff)
		}
	}
	n := halls.All.N
	if n[oversight.Booked] != n[oversight.Came]+n[oversight.Missed]+n[oversight.Cancelled] {
		t.Errorf("booked %d, came %d, missed %d, cancelled %d", n[oversight.Booked], n[oversight.Came], n[oversight.Missed], n[oversight.Cancelled])
	}
	if err := s.makeFigures(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, r := range figuresIn(t, s, oversight.OfUnit, []string{city}, oversight.SpanDay, today-figureDays, today) {
		if diff := r.Figures.Differences(days[i].Figures, 3); len(diff) > 0 {
			t.Errorf("%s made again: %v", r.Period, diff)
		}
	}
}

// simulated makes a part of a year and counts its rows.
func simulated(t *testing.T, m Simulation) (c Config, done Simulated, rows map[string]int) {
	t.Helper()
	c = testConfig(t)
	s, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if done, err = s.simulate(t.Context(), smallCity(t), m, func(string, int, int) {}); err != nil {
		t.Fatal(err)
	}
	if err := s.db.View(t.Context(), func(tx *store.Tx) (err error) {
		rows, err = tx.Counts(t.Context())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return c, done, rows
}

func TestASimulatedYearIsInOrderTheSameAgainAndGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	m := Simulation{Year: 2025, Seed: 7, Scale: .4, To: calendar.MakeDate(2025, time.January, 6), Counted: true, Forgotten: calendar.MakeDate(2025, time.January, 4)}
	c, done, rows := simulated(t, m)
	if done.Days != 6 || done.Bookings < 500 || rows["booking"] != done.Bookings {
		t.Fatalf("made %+v, %v", done, rows)
	}
	found, err := Doctor(t.Context(), c.Data)
	if err != nil || len(found) > 0 {
		t.Errorf("the doctor found %v, %v", found, err)
	}
	part := m
	part.To -= 3
	s, err := New(t.Context(), testConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, m := range []Simulation{part, m, m} {
		if done, err = s.simulate(t.Context(), smallCity(t), m, func(string, int, int) {}); err != nil {
			t.Fatal(err)
		}
	}
	if done.Days != 0 {
		t.Errorf("%d days were made again", done.Days)
	}
	if err := s.db.View(t.Context(), func(tx *store.Tx) error {
		again, err := tx.Counts(t.Context())
		if !maps.Equal(rows, again) {
			t.Errorf("in one go %v, in parts %v", rows, again)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	m.Seed++
	if _, err := s.simulate(t.Context(), smallCity(t), m, func(string, int, int) {}); !errors.Is(err, ErrOtherSimulation) {
		t.Errorf("another seed into the same year: %v", err)
	}
}

func TestASimulationLeavesARealCityAlone(t *testing.T) {
	s, err := New(t.Context(), testConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.app.Import(t.Context(), smallCity(t), app.ImportProgress(func(string, int, int) {})); err != nil {
		t.Fatal(err)
	}
	if _, err := s.simulate(t.Context(), smallCity(t), Simulation{Year: 2025, Seed: 1, Scale: 1}, func(string, int, int) {}); !errors.Is(err, ErrNotDemo) {
		t.Errorf("a real city: %v", err)
	}
}
