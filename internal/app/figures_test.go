package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// count counts everything that is marked.
func countFigures(t *testing.T, f *apptest.Fixture) int {
	t.Helper()
	n, err := f.App.CountFigures(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// recounted fails unless everything stands as counting it anew comes to.
func recounted(t *testing.T, f *apptest.Fixture, when string) app.FigureCheck {
	t.Helper()
	today := calendar.DateOf(f.Clock.Now())
	c, err := f.App.RecountFigures(context.Background(), calendar.DateOf(apptest.Start), today, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range c.Wrong {
		t.Errorf("%s: %s %s, %s %s differs in %v", when, w.Place.Noun, w.Place.ID, w.Span, w.Period, w.Where)
	}
	return c
}

// playDay is a sequence of people, halls and offices, with what happens by itself.
type playDay struct {
	*play
	rand *rand.Rand
	done []app.TicketView
	n    int
}

func (p *playDay) step(m move) {
	p.Helper()
	ctx := context.Background()
	may := func(err error) {
		p.Helper()
		if k := fault.As(err); k != nil && (k.Kind == fault.Internal || k.Kind == fault.Unavailable) {
			p.Errorf("%v", err)
		}
	}
	p.n++
	p.Clock.Add(time.Duration(p.rand.IntN(15)) * time.Minute)
	key := fmt.Sprintf("figures-%06d", p.n)
	today := calendar.DateOf(p.Clock.Now())
	kiosk := app.By{Device: &app.Device{Device: counter.Device{ID: "kiosk-1", HallID: apptest.HallA, Kind: counter.Kiosk}}, Channel: app.AtKiosk}
	clerk := p.as("A2")
	switch p.rand.IntN(9) {
	case 0: // come to what was booked
		for _, r := range p.booked {
			b := r.View.Booking
			for i, who := range p.people {
				if b.HallID == apptest.HallA && who.Person.Key == b.BookerKey && p.rand.IntN(3) > 0 {
					_, err := p.App.CheckIn(ctx, kiosk, apptest.HallA, app.CheckIn{Code: r.View.Code, Fact: lastFour(apptest.Citizen(i + 1))})
					may(err)
				}
			}
		}
	case 1: // take a number of the day
		v, err := p.App.TakeNumber(ctx, kiosk, apptest.HallA, walkIn(key, apptest.Citizen(700+p.n), apptest.SocialCard))
		if may(err); err == nil {
			p.done = append(p.done, v)
		}
	case 2, 3: // serve who is there
		_, err := p.App.OpenCounter(ctx, clerk, apptest.HallA, "w1", nil)
		may(err)
		for i := range 4 {
			_, err := p.App.Serve(ctx, clerk, apptest.HallA, "w1", counter.Act{Kind: counter.Call}, fmt.Sprintf("%s-%d-call", key, i))
			may(err)
			p.Clock.Add(time.Duration(p.rand.IntN(300)) * time.Second)
			act := counter.Act{Kind: counter.Finish, Result: counter.Finished}
			if p.rand.IntN(4) == 0 {
				act = counter.Act{Kind: counter.Pass}
			}
			_, err = p.App.Serve(ctx, clerk, apptest.HallA, "w1", act, fmt.Sprintf("%s-%d-end", key, i))
			may(err)
		}
	case 4: // say how it was
		for i, v := range p.done {
			may(p.App.Evaluate(ctx, app.Evaluate{Ticket: v.Ticket.ID, Token: p.App.EvaluationToken(v.Ticket.ID), Grade: counter.Grade(1 + i%5), Channel: counter.EvaluatedByPhone}))
		}
	case 5: // move
		if len(p.booked) > 0 {
			r := p.booked[p.rand.IntN(len(p.booked))]
			free := p.FreeSlots(r.View.Booking.QueueID)
			for _, who := range p.people {
				if who.Person.Key == r.View.Booking.BookerKey && len(free) > 0 {
					_, err := p.App.Move(ctx, who, app.MoveRequest{Key: key, Code: r.View.Code, SlotID: free[p.rand.IntN(len(free))], Channel: booking.Web})
					may(err)
				}
			}
		}
	case 6: // stand in line for the street's hall
		_, who := p.SignIn(p, apptest.Citizen(2000+p.n))
		w := app.Wants{Halls: []string{apptest.HallStreet}, Dates: []calendar.Date{today + 1}, Hours: []int{9, 10, 11}}
		v, err := p.App.JoinWait(ctx, who, app.WaitRequest{
			Key: key, Item: apptest.SocialCard, Stage: directory.Acceptance, Units: 1, Applicant: app.Applicant{Kind: booking.Self}, Wants: w, Channel: booking.Web,
		})
		if may(err); err == nil && p.rand.IntN(2) == 0 {
			w.Hours = []int{9, 14, 15}
			_, err = p.App.ChangeWait(ctx, who, v.Code, 0, w)
			may(err)
		}
	case 7: // what happens by itself
		for _, job := range []func(context.Context) error{
			p.App.ServeWaits,
			func(ctx context.Context) error { _, err := p.App.MarkMissed(ctx); return err },
			func(ctx context.Context) error { _, _, err := p.App.EndDays(ctx); return err },
			func(ctx context.Context) error { _, err := p.App.Lapse(ctx, 100); return err },
		} {
			if err := job(ctx); err != nil {
				p.Error(err)
			}
		}
	default:
		if m.act == "wait" && p.rand.IntN(4) > 0 { // most often not a whole day
			p.Clock.Add(40 * time.Minute)
			break
		}
		p.play.step(m)
	}
}

// begin fills some hours of the days to come, and takes some of them away.
func (p *playDay) begin() {
	p.Helper()
	ctx := context.Background()
	day := calendar.DateOf(apptest.Start)
	for plus := range calendar.Date(3) {
		for hour := 9; hour <= 16; hour++ {
			for _, queue := range []string{apptest.QueueA, apptest.QueueA, apptest.QueueB, apptest.QueueStreet} {
				_, who := p.SignIn(p, apptest.Citizen(len(p.people)+1))
				p.people = append(p.people, who)
				r, err := p.App.Book(ctx, who, self(fmt.Sprintf("begin-%06d", len(p.people)), booking.SlotID(queue, day+1+plus, hour)))
				if err == nil {
					p.booked = append(p.booked, r)
				} else if fault.As(err).Kind == fault.Internal {
					p.Fatal(err)
				}
			}
		}
	}
	for who, in := range map[string]app.Asked{
		"B1": shutHall(apptest.HallB, day+3, day+3),
		"A2": {Targets: []app.Target{{Hall: apptest.HallA, Queue: apptest.QueueA}}, Change: supply.Change{Kind: supply.Capacity, From: day + 2, To: day + 2, Total: 7, Source: "filed"}, Reason: "理由"},
	} {
		list, err := p.App.FileRequest(ctx, p.as(who), in)
		if err != nil {
			p.Fatal(err)
		}
		decider := map[string]string{"B1": "P1", "A2": "A1"}[who]
		if _, err := p.App.DecideRequest(ctx, p.as(decider), list[0].ID, list[0].Version, true, ""); err != nil {
			p.Fatal(err)
		}
	}
	p.Clock.Set((day + 1).At(8, 40))
}

func TestArt21_WhateverHappensFiguresAreThoseCountedAnew(t *testing.T) {
	plans := rapid.SliceOfN(anyMove, 150, 180)
	for seed := range 6 {
		for _, engine := range []string{"sqlite", "postgres"} {
			t.Run(fmt.Sprintf("%s/%d", engine, seed), func(t *testing.T) {
				t.Parallel()
				var o apptest.Options
				if engine == "postgres" {
					o.Source = apptest.Postgres(t)
				}
				p := &playDay{play: &play{desk: newDesk(t, o), late: map[string]string{}}, rand: rand.New(rand.NewPCG(uint64(seed), 5))}
				p.begin()
				counted := 0
				count := func() {
					if seed%2 == 1 { // as a past that was put in at once is counted
						day := calendar.DateOf(apptest.Start)
						n, err := p.App.CountMonths(context.Background(), day, day+100, nil)
						if err != nil {
							t.Fatal(err)
						}
						counted += n
					}
					counted += countFigures(t, p.Fixture)
				}
				for i, m := range plans.Example(seed + 1) {
					p.step(m)
					if i%9 == 8 {
						count()
					}
					if i%40 == 39 {
						count()
						recounted(t, p.Fixture, fmt.Sprintf("after step %d", i))
					}
					if t.Failed() {
						return
					}
				}
				p.Clock.Set(p.Clock.Now().AddDate(0, 0, 1))
				count()
				c := recounted(t, p.Fixture, "in the end")
				sum := p.addUp()
				if sum.Empty() || c.Days == 0 || c.Given != 0 || counted == 0 {
					t.Errorf("counted %d days, %+v", counted, c)
				}
				t.Logf("%d days of halls, %d sums; in all %v", c.Days, c.Sums, sum.N)
			})
		}
	}
}

// addUp holds that the days of all halls add up to the days and months of the city, and returns the sum.
func (p *playDay) addUp() (halls oversight.Counts) {
	p.Helper()
	from, to := calendar.DateOf(apptest.Start), calendar.DateOf(p.Clock.Now())
	var days, months oversight.Counts
	if err := p.DB.View(context.Background(), func(tx *store.Tx) error {
		halls, days, months = oversight.Counts{}, oversight.Counts{}, oversight.Counts{}
		for _, s := range []struct {
			noun     oversight.Noun
			ids      []string
			span     oversight.Span
			from, to string
			sum      *oversight.Counts
		}{
			{oversight.OfHall, nil, oversight.SpanDay, from.String(), to.String(), &halls},
			{oversight.OfUnit, []string{"440100000000"}, oversight.SpanDay, from.String(), to.String(), &days},
			{oversight.OfUnit, []string{"440100000000"}, oversight.SpanMonth, from.String()[:7], to.String()[:7], &months},
		} {
			rows, err := tx.Totals(context.Background(), s.noun, s.ids, s.span, s.from, s.to)
			if err != nil {
				return err
			}
			for _, r := range rows {
				s.sum.Add(r.Figures.All)
			}
		}
		return nil
	}); err != nil {
		p.Fatal(err)
	}
	if !halls.Equal(days) || !halls.Equal(months) {
		p.Errorf("halls: %v\ncity's days: %v\ncity's months: %v", halls.N, days.N, months.N)
	}
	return halls
}

func TestArt21_FiguresThatAreNotWhatWasCountedAreFoundAndMended(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		today := calendar.DateOf(apptest.Start)
		countFigures(t, f)
		if n := countFigures(t, f); n != 0 {
			t.Errorf("%d days are counted again though nothing happened", n)
		}
		wrong := func(p oversight.Place, span oversight.Span, period string) oversight.Row {
			return oversight.Row{Place: p, Span: span, Period: period, CountedAt: f.Clock.Now(),
				Figures: oversight.Figures{All: oversight.Counts{N: map[oversight.Counter]int64{oversight.Booked: 99}}}}
		}
		hall := oversight.Place{Noun: oversight.OfHall, ID: apptest.HallB}
		given := wrong(hall, oversight.SpanDay, (today - 9).String())
		if err := f.DB.Update(ctx, func(tx *store.Tx) error {
			return tx.PutFigures(ctx, []oversight.Row{wrong(hall, oversight.SpanDay, (today + 1).String()), given, wrong(oversight.Place{Noun: oversight.OfUnit, ID: apptest.DistrictA}, oversight.SpanMonth, "2026-11")})
		}); err != nil {
			t.Fatal(err)
		}
		f.Clock.Set((today + 1).At(9, 0))
		check := func(mend bool) app.FigureCheck {
			t.Helper()
			c, err := app.CheckFigures(ctx, f.DB, f.Clock.Now(), today-9, today+1, mend, nil)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		// The hall's day, its month which has the day nothing else is kept of too, and the district's month.
		if c := check(false); c.Differ == 0 || c.Given != 1 || c.Mended != 0 || c.Wrong[0].Where == nil {
			t.Errorf("%+v", c)
		}
		if c := check(true); c.Mended != c.Differ || c.Differ == 0 {
			t.Errorf("mended: %+v", c)
		}
		if c := check(false); c.Differ != 0 || c.Given != 1 {
			t.Errorf("after mending: %+v", c)
		}
		rows := 0
		if err := f.DB.View(ctx, func(tx *store.Tx) error {
			list, err := tx.Figures(ctx, oversight.OfUnit, []string{"440100000000"}, oversight.SpanMonth, "2026-11", "2026-11")
			for _, r := range list {
				rows++
				if n := r.Figures.By[oversight.ByDepartment]; r.Figures.All.N[oversight.Booked] != 99 || n != nil {
					t.Errorf("the city's month: %v", r.Figures)
				}
			}
			return err
		}); err != nil || rows != 1 {
			t.Errorf("%d rows of the city's month (%v)", rows, err)
		}
	})
}
