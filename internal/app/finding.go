package app

import (
	"math"
	"sort"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/rulebook"
)

// SearchItems returns open items that match what somebody typed, best first; an empty query gives the
// popular ones.
func (a *App) SearchItems(query string, limit int) []*directory.Item {
	city := a.City()
	var out []*directory.Item
	for _, hit := range city.index.Search(query, limit) {
		if it := city.Item(hit.Code); it != nil {
			out = append(out, it)
		}
	}
	return out
}

// Item returns an open item.
func (a *App) Item(code string) (*directory.Item, error) {
	it := a.City().Item(code)
	if it == nil || len(a.City().Offers(code)) == 0 && it.OnlineURL == "" {
		return nil, fault.New(fault.ItemNotFound)
	}
	return it, nil
}

// HallOffer is one hall that offers an item, with what a person chooses by.
type HallOffer struct {
	Hall     *directory.Hall
	Queue    *directory.Queue
	Offering *directory.Offering
	Next     *SlotView // first free slot, nil when there is none in the window
	NextFree int       // numbers left on that day
	Km       float64   // distance from Near, −1 when not known
}

// Sorting of halls.
type Sorting string

const (
	ByNext     Sorting = "next"     // soonest free first, then nearest in the tree
	ByDistance Sorting = "distance" // needs Near
	ByName     Sorting = "name"
)

// HallQuery says which halls are wanted.
type HallQuery struct {
	Item     string
	Stage    directory.Stage // "" for any
	District string          // unit id, "" for all
	Street   string          // unit id, "" for all
	Level    directory.HallLevel
	Near     *Place
	Units    int
	Sort     Sorting
	Offset   int
	Limit    int
}

// Place is a point, WGS-84 degrees.
type Place struct{ Latitude, Longitude float64 }

// Halls returns the halls that offer an item, sorted, and how many there are in all.
func (a *App) Halls(q HallQuery) (page []HallOffer, total int, err error) {
	city := a.City()
	if city.Item(q.Item) == nil {
		return nil, 0, fault.New(fault.ItemNotFound)
	}
	now := a.now()
	rules := a.Rules(calendar.DateOf(now))
	units := max(q.Units, 1)
	var all []HallOffer
	for _, o := range city.Offers(q.Item) {
		h := city.Hall(o.HallID)
		if q.District != "" && h.DistrictID != q.District || q.Street != "" && h.StreetID != q.Street ||
			q.Level != "" && h.Level != q.Level || q.Stage != "" && !o.Stages.Has(q.Stage) {
			continue
		}
		offer := HallOffer{Hall: h, Queue: city.Queue(o.QueueID), Offering: o, Km: -1}
		offer.Next = a.nextFree(o.QueueID, units, now, rules)
		if q.Near != nil && (h.Latitude != 0 || h.Longitude != 0) {
			offer.Km = distance(*q.Near, Place{h.Latitude, h.Longitude})
		}
		all = append(all, offer)
	}
	sort.SliceStable(all, func(i, j int) bool { return before(all[i], all[j], q.Sort) })
	total = len(all)
	from := min(max(q.Offset, 0), total)
	page = all[from:min(from+max(q.Limit, 1), total)]
	for i := range page {
		if page[i].Next != nil {
			page[i].NextFree = a.freeOn(page[i].Queue.ID, page[i].Next.Date)
		}
	}
	return page, total, nil
}

// level orders halls of equal time: the wider the hall's reach, the earlier.
var level = map[directory.HallLevel]int{directory.DistrictHall: 0, directory.CityHall: 1, directory.StreetHall: 2, directory.VillageHall: 3}

func before(x, y HallOffer, by Sorting) bool {
	switch by {
	case ByName:
		return x.Hall.Initials < y.Hall.Initials
	case ByDistance:
		if (x.Km < 0) != (y.Km < 0) {
			return x.Km >= 0
		}
		if x.Km != y.Km {
			return x.Km < y.Km
		}
	}
	switch {
	case (x.Next == nil) != (y.Next == nil):
		return x.Next != nil
	case x.Next != nil && x.Next.Date != y.Next.Date:
		return x.Next.Date < y.Next.Date
	case x.Next != nil && x.Next.Hour != y.Next.Hour:
		return x.Next.Hour < y.Next.Hour
	}
	return level[x.Hall.Level] < level[y.Hall.Level]
}

// freeOn returns the numbers left in a queue on one day.
func (a *App) freeOn(queue string, d calendar.Date) int {
	q := a.board.queue(queue)
	if q == nil {
		return 0
	}
	now := a.now()
	rules := a.Rules(calendar.DateOf(now))
	free := 0
	for s := range q.all() {
		if s.date == d {
			free += q.view(s, now, rules).Free
		}
	}
	return free
}

// distance returns the kilometres between two points on the globe.
func distance(p, q Place) float64 {
	const earth, rad = 6371.0, math.Pi / 180
	dLat, dLon := (q.Latitude-p.Latitude)*rad, (q.Longitude-p.Longitude)*rad
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(p.Latitude*rad)*math.Cos(q.Latitude*rad)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * earth * math.Asin(math.Sqrt(h))
}

// NextRelease returns the next release instant after now and the dates it opens, for queues without a
// longer window of their own (Art. 14). Dates no hall opens on are left out; on the eve of a holiday
// there may be none.
func (a *App) NextRelease() (at time.Time, dates []calendar.Date) {
	now := a.now()
	day := calendar.DateOf(now)
	for range 30 { // a window never stands still longer than a holiday lasts
		r, cal := a.Rules(day), a.Calendar()
		at = day.At(r.ReleaseAt/60, r.ReleaseAt%60)
		if at.After(now) {
			skip := r.WindowCounts == rulebook.SkipStatutory
			for d := cal.WindowEnd(day-1, r.WindowDays, skip) + 1; d <= cal.WindowEnd(day, r.WindowDays, skip); d++ {
				if cal.IsWorking(d) {
					dates = append(dates, d)
				}
			}
			return at, dates
		}
		day++
	}
	return at, nil
}
