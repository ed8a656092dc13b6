package storetest

import (
	"fmt"
	"reflect"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

func counted(booked int64) oversight.Figures {
	part := oversight.Counts{N: map[oversight.Counter]int64{oversight.Booked: booked}, Spells: map[oversight.Spell]oversight.Lengths{oversight.WaitBooked: {3: booked, 40: 1}}}
	return oversight.Figures{All: part, By: map[oversight.Dimension]map[string]oversight.Counts{
		oversight.ByQueue: {"h1-general": part}, oversight.ByItem: {"SI-01": part, "SI-02": {}},
	}}
}

func figureRow(noun oversight.Noun, id string, span oversight.Span, period string, booked int64, w *world) oversight.Row {
	return oversight.Row{Place: oversight.Place{Noun: noun, ID: id}, Span: span, Period: period, Figures: counted(booked), CountedAt: w.now()}
}

// figures holds that rows come back as they were put, by place and period, and that the later one stands.
func figures(w *world) {
	saveCity(w)
	put := func(rows ...oversight.Row) {
		w.Helper()
		w.update(func(tx *store.Tx) error { return tx.PutFigures(w.ctx, rows) })
	}
	var all []oversight.Row
	for d := range calendar.Date(9) {
		all = append(all, figureRow(oversight.OfHall, "h1", oversight.SpanDay, (day+d).String(), int64(d), w))
	}
	city := figureRow(oversight.OfUnit, "440100000000", oversight.SpanDay, day.String(), 5, w)
	month := figureRow(oversight.OfHall, "h1", oversight.SpanMonth, "2026-12", 36, w)
	other := figureRow(oversight.OfHall, "h2", oversight.SpanDay, day.String(), 1, w)
	gone := figureRow(oversight.OfHall, "h9", oversight.SpanDay, day.String(), 1, w)
	put(append([]oversight.Row{city, month, other, gone}, all...)...)
	put() // nothing is something, too
	read := func(noun oversight.Noun, ids []string, span oversight.Span, from, to string) (rows, totals []oversight.Row) {
		w.Helper()
		w.view(func(tx *store.Tx) (err error) {
			if rows, err = tx.Figures(w.ctx, noun, ids, span, from, to); err != nil {
				return err
			}
			totals, err = tx.Totals(w.ctx, noun, ids, span, from, to)
			return err
		})
		return rows, totals
	}
	expect := func(what string, noun oversight.Noun, ids []string, span oversight.Span, from, to string, want ...oversight.Row) {
		w.Helper()
		rows, totals := read(noun, ids, span, from, to)
		same(w, what, rows, want)
		bare := make([]oversight.Row, len(want))
		for i, r := range want {
			bare[i] = r
			bare[i].Figures.By = nil
		}
		if len(totals)+len(bare) > 0 {
			same(w, what+", totals", totals, bare)
		}
	}
	last := (day + 8).String()
	expect("days of a hall", oversight.OfHall, []string{"h1"}, oversight.SpanDay, day.String(), last, all...)
	expect("some of them", oversight.OfHall, []string{"h1", "h1", "none"}, oversight.SpanDay, (day + 2).String(), (day + 3).String(), all[2:4]...)
	expect("a month", oversight.OfHall, []string{"h2", "h1"}, oversight.SpanMonth, "2026-01", "2026-12", month)
	expect("every hall there is", oversight.OfHall, nil, oversight.SpanDay, day.String(), day.String(), all[0], other)
	expect("every unit there is", oversight.OfUnit, nil, oversight.SpanDay, day.String(), last, city)
	expect("no hall", oversight.OfHall, []string{}, oversight.SpanDay, day.String(), last)
	again := figureRow(oversight.OfHall, "h1", oversight.SpanDay, day.String(), 77, w)
	again.Figures.By = nil
	put(again)
	expect("counted again", oversight.OfHall, []string{"h1"}, oversight.SpanDay, day.String(), (day + 1).String(), again, all[1])

	// Many rows go in several statements.
	var many []oversight.Row
	for i := range 1100 {
		many = append(many, figureRow(oversight.OfHall, fmt.Sprintf("m%05d", i), oversight.SpanDay, day.String(), int64(i), w))
	}
	put(many...)
	put(many...)
	ids := make([]string, len(many))
	for i, r := range many {
		ids[i] = r.Place.ID
	}
	if _, totals := read(oversight.OfHall, ids, oversight.SpanDay, day.String(), day.String()); len(totals) != len(many) || totals[1099].Figures.All.N[oversight.Booked] != 1099 {
		w.Errorf("%d of %d rows are there", len(totals), len(many))
	}
}

// marks holds that a day marked while it is counted is counted once more, and that days to come wait.
func marks(w *world) {
	at := func(hall string, plus calendar.Date) oversight.HallDay {
		return oversight.HallDay{HallID: hall, Date: day + plus}
	}
	mark := func(days ...oversight.HallDay) {
		w.Helper()
		w.update(func(tx *store.Tx) error { return tx.MarkFigures(w.ctx, days) })
	}
	read := func(until calendar.Date, limit int) (list []store.FigureMark) {
		w.Helper()
		w.view(func(tx *store.Tx) (err error) {
			list, err = tx.FigureMarks(w.ctx, until, limit)
			return err
		})
		return list
	}
	clearMarks := func(list []store.FigureMark) (cleared map[oversight.HallDay]bool) {
		w.Helper()
		w.update(func(tx *store.Tx) (err error) {
			cleared, err = tx.ClearMarks(w.ctx, list)
			return err
		})
		return cleared
	}
	mark()
	mark(at("h2", 0), at("h1", 0), at("h1", 0), at("h1", -3), at("h1", 1))
	days := func(list []store.FigureMark) (out []oversight.HallDay) {
		for _, m := range list {
			out = append(out, m.HallDay)
		}
		return out
	}
	list := read(day, 9)
	same(w, "marked", days(list), []oversight.HallDay{at("h1", 0), at("h2", 0), at("h1", -3)})
	same(w, "the first two", days(read(day, 2)), []oversight.HallDay{at("h1", 0), at("h2", 0)})
	mark(at("h2", 0)) // while it is counted
	if got := clearMarks(list); !reflect.DeepEqual(got, map[oversight.HallDay]bool{at("h1", 0): true, at("h1", -3): true}) {
		w.Errorf("cleared %v", got)
	}
	same(w, "left", days(read(day+9, 9)), []oversight.HallDay{at("h1", 1), at("h2", 0)})
	if got := clearMarks(list); len(got) != 0 {
		w.Errorf("cleared twice: %v", got)
	}
	var lag int
	w.view(func(tx *store.Tx) error {
		n, counted, err := tx.FigureLag(w.ctx, day)
		if lag = n; !counted.IsZero() {
			w.Errorf("the city was counted at %v", counted)
		}
		return err
	})
	if lag != 1 {
		w.Errorf("%d days wait, not 1", lag)
	}
}
