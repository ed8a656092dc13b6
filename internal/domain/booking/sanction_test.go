package booking_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
)

// regime is the example of the rules, switched on.
func regime(change func(*booking.Regime)) booking.Regime {
	r := booking.Regime{Sanctions: rulebook.Continued2025().Sanctions, Since: calendar.MakeDate(2026, time.January, 1).At(0, 0)}
	r.On = true
	if change != nil {
		change(&r)
	}
	return r
}

// facts are no-shows at ten on days of December.
func facts(kind booking.FactKind, days ...int) (out []booking.Fact) {
	for i, d := range days {
		start := calendar.MakeDate(2026, time.December, d).At(9, 0)
		at := start.Add(time.Hour)
		if kind == booking.FactCancelled {
			at = start.Add(-3 * time.Hour)
		}
		out = append(out, booking.Fact{N: i + 1, Kind: kind, Booking: fmt.Sprintf("%s-%d-%d", kind, d, i), At: at, Start: start})
	}
	return out
}

func TestArt18_WhatComesOfWhatIsRecorded(t *testing.T) {
	at := calendar.MakeDate(2026, time.December, 20).At(10, 0)
	warned := &booking.Measure{ID: "w", Kind: booking.Warning, At: at.AddDate(0, -2, 0), State: booking.MeasureStands}
	on := facts(booking.FactNoShow, 3, 9, 20)
	for _, c := range []struct {
		name    string
		change  func(*booking.Regime)
		facts   []booking.Fact
		earlier []*booking.Measure
		want    booking.MeasureKind
		rests   int
	}{
		{"nothing", nil, nil, nil, "", 0},
		{"one_too_few", nil, facts(booking.FactNoShow, 3, 9), nil, "", 0},
		{"the_first_is_a_warning", nil, on, nil, booking.Warning, 3},
		{"off", func(r *booking.Regime) { r.On = false }, on, nil, "", 0},
		{"without_warnings", func(r *booking.Regime) { r.WarnBeforeFirst = false }, on, nil, booking.Barred, 3},
		{"warned_before", nil, on, []*booking.Measure{warned}, booking.Barred, 3},
		{"warned_long_ago", func(r *booking.Regime) { r.WarnedFor = 30 }, on, []*booking.Measure{warned}, booking.Warning, 3},
		{"the_warning_was_lifted", nil, on, []*booking.Measure{{ID: "w", Kind: booking.Warning, At: warned.At, State: booking.MeasureLifted}}, booking.Warning, 3},
		{"already_under_a_measure", nil, on, []*booking.Measure{{ID: "w", Kind: booking.Warning, At: at, State: booking.MeasureStands, Facts: []string{on[0].Booking}}}, "", 0},
		{"under_one_that_is_void", nil, on, []*booking.Measure{{ID: "w", Kind: booking.Warning, At: at, State: booking.MeasureVoid, Facts: []string{on[0].Booking}}}, booking.Warning, 3},
		{"the_month_before", func(r *booking.Regime) {}, append(facts(booking.FactNoShow, 3, 9), booking.Fact{Kind: booking.FactNoShow, Booking: "x", At: calendar.MakeDate(2026, time.November, 30).At(23, 59)}), nil, "", 0},
		{"last_days", func(r *booking.Regime) { r.Span, r.SpanDays = rulebook.LastDays, 21 }, append(facts(booking.FactNoShow, 3, 9), booking.Fact{Kind: booking.FactNoShow, Booking: "x", At: calendar.MakeDate(2026, time.November, 30).At(0, 0)}), nil, booking.Warning, 3},
		{"one_day_before_the_last_days", func(r *booking.Regime) { r.Span, r.SpanDays = rulebook.LastDays, 20 }, append(facts(booking.FactNoShow, 3, 9), booking.Fact{Kind: booking.FactNoShow, Booking: "x", At: calendar.MakeDate(2026, time.November, 30).At(23, 59)}), nil, "", 0},
		{"before_they_were_on", func(r *booking.Regime) { r.Since = calendar.MakeDate(2026, time.December, 4).At(0, 0) }, on, nil, "", 0},
		{"five_cancellations", nil, facts(booking.FactCancelled, 1, 2, 3, 4, 5), nil, booking.Warning, 5},
		{"four_cancellations", nil, facts(booking.FactCancelled, 1, 2, 3, 4), nil, "", 0},
		{"kinds_are_not_added", nil, append(facts(booking.FactCancelled, 1, 2, 3, 4), facts(booking.FactNoShow, 3, 9)...), nil, "", 0},
		{"only_what_reached_it_is_used", nil, append(facts(booking.FactCancelled, 1, 2, 3, 4), on...), nil, booking.Warning, 3},
		{"late_ones_only", func(r *booking.Regime) { r.LateWithin = 3 * time.Hour }, facts(booking.FactCancelled, 1, 2, 3, 4, 5), nil, "", 0},
		{"late_ones", func(r *booking.Regime) { r.LateWithin = 3*time.Hour + time.Second }, facts(booking.FactCancelled, 1, 2, 3, 4, 5), nil, booking.Warning, 5},
		{"no_shows_lead_to_none", func(r *booking.Regime) { r.NoShows = 0 }, on, nil, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := booking.Judge(regime(c.change), at, c.facts, c.earlier)
			if m == nil {
				if c.want != "" {
					t.Fatal("nothing came of it")
				}
				return
			}
			if m.Kind != c.want || len(m.Facts) != c.rests || m.Marks.NoShows+m.Marks.Cancellations != c.rests {
				t.Fatalf("%+v", m)
			}
			if m.Kind == booking.Warning && (!m.Until.IsZero() || m.Holds(at)) {
				t.Errorf("a warning bars: %+v", m)
			}
			if m.Kind == booking.Barred {
				end := calendar.MakeDate(2027, time.January, 19).At(0, 0)
				if !m.Until.Equal(end) || !m.Holds(at) || !m.Holds(end.Add(-1)) || m.Holds(end) {
					t.Errorf("until %s", m.Until)
				}
			}
		})
	}
}

// Whatever happens in whatever order: nothing comes of less than the count within one span, nothing rests on the
// same twice, on nothing that was struck, and every bar ends by itself.
func TestArt18_NeverBeforeTheCountAndNeverTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := regime(func(r *booking.Regime) {
			r.NoShows = rapid.IntRange(0, 3).Draw(t, "no-shows")
			r.Cancellations = rapid.IntRange(0, 3).Draw(t, "cancellations")
			r.WarnBeforeFirst = rapid.Bool().Draw(t, "warn")
			r.Span = rapid.SampledFrom([]rulebook.Span{rulebook.CalendarMonth, rulebook.LastDays}).Draw(t, "span")
			r.SpanDays = rapid.IntRange(1, 40).Draw(t, "days")
			r.LateWithin = rapid.SampledFrom([]time.Duration{0, 12 * time.Hour}).Draw(t, "late")
		})
		now := calendar.MakeDate(2026, time.November, 1).At(9, 0)
		var recorded []booking.Fact
		var came []*booking.Measure
		struck := map[string]bool{}
		for i := range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 15*24).Draw(t, "hours")) * time.Hour)
			switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
			case what == 0 && len(recorded) > 0: // set right
				gone := rapid.IntRange(0, len(recorded)-1).Draw(t, "which")
				id := recorded[gone].Booking
				recorded = slices.Delete(recorded, gone, gone+1)
				struck[id] = true
				for _, m := range came {
					if m.State == booking.MeasureStands && slices.Contains(m.Facts, id) {
						m.State = booking.MeasureVoid
					}
				}
			case what == 1 && len(came) > 0: // an appeal is granted
				m := came[len(came)-1]
				if m.State == booking.MeasureStands {
					m.State = booking.MeasureLifted
					for _, id := range m.Facts {
						struck[id] = true
					}
					recorded = slices.DeleteFunc(recorded, func(f booking.Fact) bool { return struck[f.Booking] })
				}
			default:
				f := booking.Fact{N: i + 1, Kind: booking.FactNoShow, Booking: fmt.Sprint(i), At: now, Start: now.Add(-time.Hour)}
				if what > 5 {
					f.Kind, f.Start = booking.FactCancelled, now.Add(time.Duration(rapid.IntRange(1, 24).Draw(t, "ahead"))*time.Hour)
				}
				recorded = append(recorded, f)
				m := booking.Judge(r, now, recorded, came)
				if m == nil {
					continue
				}
				from, before := r.SpanOf(calendar.DateOf(now))
				n := map[booking.FactKind]int{}
				for _, id := range m.Facts {
					at := slices.IndexFunc(recorded, func(f booking.Fact) bool { return f.Booking == id })
					if struck[id] || at < 0 {
						t.Fatalf("rests on what was struck: %s", id)
					}
					if f := recorded[at]; f.At.Before(from) || !f.At.Before(before) {
						t.Fatalf("rests on what lies outside the span: %+v", f)
					}
					n[recorded[at].Kind]++
					for _, e := range came {
						if e.State != booking.MeasureVoid && slices.Contains(e.Facts, id) {
							t.Fatalf("%s is under two", id)
						}
					}
				}
				if (n[booking.FactNoShow] > 0 && n[booking.FactNoShow] < r.NoShows) || (n[booking.FactCancelled] > 0 && n[booking.FactCancelled] < r.Cancellations) || len(m.Facts) == 0 {
					t.Fatalf("before the count: %v of %+v", n, r)
				}
				first := !slices.ContainsFunc(came, func(e *booking.Measure) bool { return e.State == booking.MeasureStands })
				if r.WarnBeforeFirst && first && m.Kind != booking.Warning {
					t.Fatal("barred without a warning")
				}
				if m.Kind == booking.Barred && (!m.Holds(now) || m.Holds(now.AddDate(0, 0, r.BarredDays+1))) {
					t.Fatalf("%+v does not end by itself", m)
				}
				if again := booking.Judge(r, now, recorded, append(came, m)); again != nil {
					t.Fatalf("twice: %+v", again)
				}
				came = append(came, m)
			}
		}
	})
}

func TestAFactIsAClaim(t *testing.T) {
	for _, f := range append(facts(booking.FactNoShow, 3, 9), facts(booking.FactCancelled, 4)...) {
		got, ok := booking.FactOf(f.Claim("ann", "h1"))
		if !ok || !got.At.Equal(f.At) || !got.Start.Equal(f.Start) || got.Kind != f.Kind || got.N != f.N || got.Booking != f.Booking {
			t.Errorf("%+v, %t", got, ok)
		}
	}
	for _, c := range []booking.Claim{{Name: booking.BarName}, {Name: "mark:1"}, {Name: "mark:x", Hash: "a|1|2"}, {Name: "mark:100001", Hash: "a|x|2"}} {
		if f, ok := booking.FactOf(c); ok {
			t.Errorf("%+v of %+v", f, c)
		}
	}
}

// Three missed hours under a warning: off-site booking ends, by every way but the desk and Art. 18; what is held is
// moved and cancelled as ever; and it opens again by itself.
func TestArt18_WhoIsBarredAndFromWhat(t *testing.T) {
	r := regime(func(r *booking.Regime) { r.WarnBeforeFirst, r.NoShows, r.Since = false, 2, now.AddDate(0, -1, 0) })
	f := world(slot(9, 5, 0), slot(10, 5, 0), slot(11, 5, 0), slot(13, 5, 0), slot(14, 5, 0), slot(15, 5, 0))
	with := func(hour int, change func(*booking.Book)) *booking.Book {
		return book(func(b *booking.Book) {
			b.SlotID, b.Offer.Regime, b.Offer.Item = slot(hour, 0, 0).ID, r, fmt.Sprintf("SI-%d", hour)
			b.Offer.Rules.ActivePerDay = 9
			if change != nil {
				change(b)
			}
		})
	}
	first, second, held := with(9, nil), with(10, nil), with(15, nil)
	out, _ := decide(t, now, f, first, second, held)
	for _, o := range out {
		if o.Fault != nil {
			t.Fatal(o.Fault)
		}
	}
	at := day.At(11, 0)
	out, c := decide(t, at, f, &booking.Miss{Booking: first.ID, Regime: r}, &booking.Miss{Booking: second.ID, Regime: r})
	if len(c.Measures) != 1 || c.Measures[0].ID != second.ID || c.Measures[0].Kind != booking.Barred || len(c.Measures[0].Facts) != 2 || c.Measures[0].Person != "ann" {
		t.Fatalf("%v %+v", out, c.Measures)
	}
	if last := c.Messages[len(c.Messages)-1]; last.Kind != booking.MessageBarred || last.Booking != second.ID {
		t.Errorf("told %+v", last)
	}
	for name, w := range map[string]struct {
		at     time.Time
		change func(*booking.Book)
		want   fault.Code
	}{
		"web":            {now, nil, fault.OffSiteBarred},
		"api":            {now, func(b *booking.Book) { b.Channel = booking.API }, fault.OffSiteBarred},
		"a batch":        {now, func(b *booking.Book) { b.Units, b.Who.Level = 3, identity.Verified }, fault.OffSiteBarred},
		"for another":    {now, func(b *booking.Book) { b.Applicant, b.For = booking.Other, "bea" }, fault.OffSiteBarred},
		"the desk":       {now, func(b *booking.Book) { b.Channel = booking.Desk }, ""},
		"somebody else":  {now, func(b *booking.Book) { b.Who.Key, b.For = "bea", "bea" }, ""},
		"switched off":   {now, func(b *booking.Book) { b.Offer.Regime.On = false }, ""},
		"before it ends": {c.Measures[0].Until.Add(-time.Second), nil, fault.OffSiteBarred},
	} {
		t.Run(name, func(t *testing.T) {
			out, _ := decide(t, w.at, f, with(13, w.change))
			if code(out[0]) != w.want {
				t.Errorf("%v, want %q", out[0].Fault, w.want)
			}
			if out[0].Fault == nil {
				decide(t, now, f, &booking.Cancel{Key: "x" + out[0].Answer.Booking.ID, Hash: "h", Who: booking.Who{Key: out[0].Answer.Booking.BookerKey}, Booking: out[0].Answer.Booking.ID, Rules: rulebook.Continued2025()})
			}
		})
	}
	rebooked := with(9, func(b *booking.Book) { b.SlotID, b.Instead = slot(14, 0, 0).ID, first.ID })
	moved := &booking.Move{Key: "moved-key", Hash: "h", Who: first.Who, Booking: held.ID, Offer: held.Offer, SlotID: slot(13, 0, 0).ID}
	gone := &booking.Cancel{Key: "gone-key", Hash: "h", Who: first.Who, Booking: held.ID, Rules: rulebook.Continued2025(), Regime: r}
	// The clock of the case stands before the hours, so that they can still be had.
	if out, _ := decide(t, now, f, rebooked, moved, gone); out[0].Fault != nil || out[1].Fault != nil || out[2].Fault != nil {
		t.Errorf("rebooked %v, moved %v, cancelled %v", out[0].Fault, out[1].Fault, out[2].Fault)
	}
	late := with(11, nil)
	later := slot(11, 5, 0)
	later.Date += 60
	later.ID = booking.SlotID(later.QueueID, later.Date, 11)
	f.Slots[later.ID], late.SlotID = later, later.ID
	if out, _ := decide(t, c.Measures[0].Until, f, late); out[0].Fault != nil {
		t.Errorf("when it has ended: %v", out[0].Fault)
	}
}
