package app

import (
	"context"
	"slices"
	"sync"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// Live is how a part of the city stands now (Art. 4): numbers from the board, who waits from the floors, both in
// memory, and what has come of the day from its figures, which are counted again while it goes on.
type Live struct {
	Unit    *directory.Unit // whose part it is, nil where it is a hall
	Hall    *directory.Hall
	Date    calendar.Date
	Counted time.Time // when the figures were counted; zero = not yet today
	All     LiveSum
	Parts   []LivePart   // right below: units and halls, of a hall its queues, in the order of the tree
	Alerts  []AlertLine  // that stand, the newest first
	Sources []LiveSource // connected systems that book for halls of the part, as far as they may be seen
}

// LiveSum is what stands in numbers.
type LiveSum struct {
	Halls    int
	Load     Load             // today's numbers
	Counts   oversight.Counts // of today
	Waiting  int              // people in line at the halls
	Counters int              // open
	Alerts   int              // that stand
}

func (s *LiveSum) add(o LiveSum) {
	s.Halls += o.Halls
	s.Load.add(o.Load)
	s.Waiting += o.Waiting
	s.Counters += o.Counters
}

// LivePart is one of the parts: a unit, a hall or a queue.
type LivePart struct {
	Unit  *directory.Unit
	Hall  *directory.Hall
	Queue *directory.Queue
	LiveSum
}

// LiveSource is how new the data of a connected system are (Art. 5, 6).
type LiveSource struct {
	ID, Name string
	Last     time.Time // when the last record came, zero for never
	Silent   bool      // for longer than was agreed
}

// lastRecords keeps when connected systems sent their last record: it is told to the half minute.
type lastRecords struct {
	mu   sync.Mutex
	read time.Time
	at   map[string]time.Time
}

const recordsFresh = 30 * time.Second

func (a *App) lastRecordOf(ctx context.Context, tx *store.Tx, source string) (time.Time, error) {
	r := &a.records
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := a.now(); r.at == nil || now.Sub(r.read).Abs() > recordsFresh {
		at, err := tx.LastRecords(ctx)
		if err != nil {
			return time.Time{}, err
		}
		r.at, r.read = at, now
	}
	return r.at[source], nil
}

// liveSources tells of the connected systems that book for one of the halls.
func (a *App) liveSources(ctx context.Context, ad *Admin, v *Live, here func(hall string) bool) error {
	return a.db.View(ctx, func(tx *store.Tx) error {
		v.Sources = nil
		list, err := tx.Sources(ctx, a.units(ad))
		if err != nil {
			return err
		}
		for _, s := range list {
			if !s.On(v.Date) {
				continue
			}
			last, err := a.lastRecordOf(ctx, tx, s.ID)
			if err != nil {
				return err
			}
			if one := a.sourceView(ad, s, nil, last); slices.ContainsFunc(one.Halls, func(h *directory.Hall) bool { return here(h.ID) }) {
				v.Sources = append(v.Sources, LiveSource{s.ID, s.Name, last, !one.Silent.IsZero()})
			}
		}
		return nil
	})
}

// mostLiveAlerts is how many alerts a live picture knows.
const mostLiveAlerts = 200

// Live tells how the halls at and below a unit stand, as far as the administrator supervises them; "" is all of
// them. A part of the tree nobody shows them is not found.
func (a *App) Live(ctx context.Context, ad *Admin, unit string) (*Live, error) {
	g := a.Grove(ad, account.Supervise)
	if unit == "" {
		unit = g.Root
	}
	if g.Root == "" || !g.Has(unit) || g.Path(unit) == nil {
		return nil, fault.New(fault.UnitNotFound)
	}
	v := &Live{Unit: a.City().Unit(unit), Date: calendar.DateOf(a.now())}
	at := map[string]int{} // unit or hall → its part
	for _, h := range g.At(unit) {
		at[h.ID] = len(v.Parts)
		v.Parts = append(v.Parts, LivePart{Hall: h})
	}
	for _, u := range g.Below(unit) {
		at[u.ID] = len(v.Parts)
		v.Parts = append(v.Parts, LivePart{Unit: u})
	}
	pictures := a.Pictures(g)
	part := func(h *directory.Hall) *LivePart { // nil for a hall that is not below unit
		if i, ok := at[h.ID]; ok && h.UnitID == unit {
			return &v.Parts[i]
		}
		for u := g.city.units[h.UnitID]; u != nil; u = g.city.units[u.ParentID] {
			if u.ParentID == unit {
				if i, ok := at[u.ID]; ok {
					return &v.Parts[i]
				}
				return nil
			}
		}
		return nil
	}
	halls := make(map[string]*LivePart, len(g.Halls))
	for i, h := range g.Halls {
		if p := part(h); p != nil {
			halls[h.ID] = p
			one := LiveSum{Halls: 1, Load: pictures[i].Today}
			one.Waiting, one.Counters = a.inLine(h.ID, v.Date)
			p.add(one)
			v.All.add(one)
		}
	}
	if err := a.liveFigures(ctx, v, g, unit, halls); err != nil {
		return nil, err
	}
	if err := a.liveSources(ctx, ad, v, func(hall string) bool { return halls[hall] != nil }); err != nil {
		return nil, err
	}
	err := a.liveAlerts(ctx, ad, v, oversight.Place{Noun: oversight.OfUnit, ID: unit}, func(one AlertLine) *LivePart { return halls[one.HallID] })
	return v, err
}

// LiveHall tells how a hall and its queues stand.
func (a *App) LiveHall(ctx context.Context, ad *Admin, hall string) (*Live, error) {
	if err := a.Allow(ad, account.Supervise, hall); err != nil {
		return nil, err
	}
	v := &Live{Hall: a.City().Hall(hall), Date: calendar.DateOf(a.now())}
	v.All.Halls = 1
	v.All.Waiting, v.All.Counters = a.inLine(hall, v.Date)
	at := map[string]int{}
	for _, q := range a.City().QueuesAt(hall) {
		p := LivePart{Queue: q, LiveSum: LiveSum{Load: a.QueuePicture(q.ID).Today}}
		if !q.Open && p.Load == (Load{}) {
			continue
		}
		if w, ok := a.WaitNow(q); ok {
			p.Waiting, p.Counters = w.Waiting, w.Counters
		}
		v.All.Load.add(p.Load)
		at[q.ID] = len(v.Parts)
		v.Parts = append(v.Parts, p)
	}
	rows, err := a.hallDays(ctx, hall, v.Date, v.Date)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		v.Counted, v.All.Counts = r.CountedAt, r.Figures.All
		for queue, c := range r.Figures.By[oversight.ByQueue] {
			if i, ok := at[queue]; ok {
				v.Parts[i].Counts = c
			}
		}
	}
	if err := a.liveSources(ctx, ad, v, func(h string) bool { return h == hall }); err != nil {
		return nil, err
	}
	err = a.liveAlerts(ctx, ad, v, oversight.Place{Noun: oversight.OfHall, ID: hall}, func(one AlertLine) *LivePart {
		if i, ok := at[one.QueueID]; ok {
			return &v.Parts[i]
		}
		return nil
	})
	return v, err
}

// inLine tells who waits at a hall and which counters are open, as this node last saw it today.
func (a *App) inLine(hall string, date calendar.Date) (waiting, counters int) {
	w := a.knownWaits(hall)
	if w == nil || calendar.DateOf(w.At) != date {
		return 0, 0
	}
	open := 0
	for _, q := range w.Queues {
		waiting += q.Waiting
		open = max(open, q.Counters) // a counter serves several queues
	}
	return waiting, open
}

// liveFigures reads what has come of today in the part and its parts. Of a unit that is theirs only in part, it adds
// up the halls that are.
func (a *App) liveFigures(ctx context.Context, v *Live, g *Grove, unit string, halls map[string]*LivePart) error {
	everything, day := a.wholeCity(), v.Date.String()
	whole := func(u string) bool { return g.Count(u) == everything.Count(u) }
	units, single := []string{}, []string{}
	if whole(unit) {
		units = append(units, unit)
	}
	byID := map[string]*LivePart{}
	for i := range v.Parts {
		switch p := &v.Parts[i]; {
		case p.Unit == nil:
		case whole(p.Unit.ID):
			units = append(units, p.Unit.ID)
			byID[p.Unit.ID] = p
		}
	}
	for id, p := range halls {
		if p.Unit == nil || byID[p.Unit.ID] == nil {
			single = append(single, id)
		}
	}
	slices.Sort(single)
	var ofUnits, ofHalls []oversight.Row
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if ofUnits, err = tx.Totals(ctx, oversight.OfUnit, units, oversight.SpanDay, day, day); err != nil {
			return err
		}
		ofHalls, err = tx.Totals(ctx, oversight.OfHall, single, oversight.SpanDay, day, day)
		return err
	}); err != nil {
		return err
	}
	for _, r := range ofUnits {
		if r.CountedAt.After(v.Counted) {
			v.Counted = r.CountedAt
		}
		if p := byID[r.Place.ID]; p != nil {
			p.Counts = r.Figures.All
		} else {
			v.All.Counts = r.Figures.All
		}
	}
	for _, r := range ofHalls {
		if r.CountedAt.After(v.Counted) {
			v.Counted = r.CountedAt
		}
		halls[r.Place.ID].Counts.Add(r.Figures.All)
	}
	if !whole(unit) {
		for i := range v.Parts {
			v.All.Counts.Add(v.Parts[i].Counts)
		}
	}
	return nil
}

// HallDays returns the figures of a hall's days, broken down, from one date to another, both inside.
func (a *App) HallDays(ctx context.Context, ad *Admin, hall string, from, to calendar.Date) ([]oversight.Row, error) {
	if err := a.Allow(ad, account.Supervise, hall); err != nil {
		return nil, err
	}
	return a.hallDays(ctx, hall, from, to)
}

func (a *App) hallDays(ctx context.Context, hall string, from, to calendar.Date) (rows []oversight.Row, err error) {
	return rows, a.db.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Figures(ctx, oversight.OfHall, []string{hall}, oversight.SpanDay, from.String(), to.String())
		return err
	})
}

// liveAlerts counts the alerts that stand, by part too. part is nil for one that lies in none.
func (a *App) liveAlerts(ctx context.Context, ad *Admin, v *Live, under oversight.Place, part func(AlertLine) *LivePart) error {
	list, err := a.AlertLines(ctx, ad, under, mostLiveAlerts)
	if err != nil {
		return err
	}
	v.Alerts, v.All.Alerts = list, len(list)
	for _, one := range list {
		if p := part(one); p != nil {
			p.Alerts++
		}
	}
	return nil
}
