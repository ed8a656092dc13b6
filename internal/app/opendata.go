package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// OpenColumns are the columns of an open data file, in order.
var OpenColumns = []string{"date", "district", "hall", "hall_name", "hour", "capacity", "bookings", "no_shows", "waits", "wait_median", "wait_p90"}

// What stands in an open data file instead of a value.
const (
	OpenAll    = "all" // as hall or hour: the sum
	OpenHidden = "*"   // a count that is not told because it is about few people
	OpenCity   = "city"
)

// openDaysBack is how many days after it is over a day is still made into open data, if it was not before.
const openDaysBack = 60

// hallsAtOnce is how many halls' figures are read at once.
const hallsAtOnce = 200

// FreezeOpenData makes the open data of one day that is over and settled, the latest first; more says that others wait.
// A day that was frozen is never made again: what was counted later is told by the figures of the console.
func (a *App) FreezeOpenData(ctx context.Context) (day calendar.Date, more bool, err error) {
	today := calendar.DateOf(a.now())
	rules := a.Rules(today)
	last := today - 1 - calendar.Date(rules.OpenDataAfter)
	var due []calendar.Date
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.DaysToOpen(ctx, last-openDaysBack, last, 2)
		return err
	}); err != nil || len(due) == 0 {
		return 0, false, err
	}
	d, err := a.openDay(ctx, due[0], int64(rules.OpenDataLeast))
	if err != nil {
		return 0, false, err
	}
	return due[0], len(due) > 1, a.db.Update(ctx, func(tx *store.Tx) error {
		d.MadeAt = tx.Now
		added, err := tx.AddOpenDay(ctx, d)
		if err != nil || !added {
			return err
		}
		return tx.Audit(ctx, store.AuditRecord{Act: "open_data.freeze", Noun: "open_data", Key: d.Date.String(),
			After: mustJSON(map[string]any{"lines": d.Lines, "halls": d.Halls, "digest": d.Digest})})
	})
}

// openDay makes the file of a day: a district at a time, so that little is held at once.
func (a *App) openDay(ctx context.Context, date calendar.Date, least int64) (store.OpenDay, error) {
	d := store.OpenDay{Date: date, Least: least}
	groups := map[string][]*directory.Hall{}
	city := a.City()
	for _, h := range city.halls {
		groups[h.DistrictID] = append(groups[h.DistrictID], h)
	}
	var plain counting
	sum := sha256.New()
	var body bytes.Buffer
	zip, err := gzip.NewWriterLevel(&body, gzip.BestCompression)
	if err != nil {
		return d, err
	}
	out := csv.NewWriter(io.MultiWriter(zip, sum, &plain))
	if err := out.Write(OpenColumns); err != nil {
		return d, err
	}
	for _, district := range slices.Sorted(maps.Keys(groups)) {
		var halls []oversight.OpenHall
		for batch := range slices.Chunk(idsOf(groups[district]), hallsAtOnce) {
			if err := a.db.View(ctx, func(tx *store.Tx) error {
				rows, err := tx.Figures(ctx, oversight.OfHall, batch, oversight.SpanDay, date.String(), date.String())
				for _, r := range rows {
					byHour := map[oversight.Dimension]map[string]oversight.Counts{oversight.ByHour: r.Figures.By[oversight.ByHour]}
					halls = append(halls, oversight.OpenHall{HallID: r.Place.ID, Figures: oversight.Figures{By: byHour}})
				}
				return err
			}); err != nil {
				return d, err
			}
		}
		d.Halls += len(halls)
		for _, r := range oversight.OpenDay(halls, least) {
			if err := out.Write(a.openLine(city, date, district, r)); err != nil {
				return d, err
			}
			d.Lines++
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return d, err
	}
	if err := zip.Close(); err != nil {
		return d, err
	}
	d.Bytes, d.Digest, d.Body = int(plain), hex.EncodeToString(sum.Sum(nil)), body.Bytes()
	return d, nil
}

// counting counts what is written.
type counting int

func (c *counting) Write(b []byte) (int, error) { *c += counting(len(b)); return len(b), nil }

func idsOf(halls []*directory.Hall) []string {
	out := make([]string, len(halls))
	for i, h := range halls {
		out[i] = h.ID
	}
	slices.Sort(out)
	return out
}

func (a *App) openLine(city *City, date calendar.Date, district string, r oversight.OpenRow) []string {
	count := func(c oversight.OpenCell) string {
		if c.Hidden {
			return OpenHidden
		}
		return strconv.FormatInt(c.N, 10)
	}
	minutes := func(m int) string {
		if m < 0 {
			return ""
		}
		return strconv.Itoa(m)
	}
	hour, hall, name := OpenAll, OpenAll, ""
	if r.Hour != oversight.AllHours {
		hour = strconv.Itoa(r.Hour)
	}
	if h := city.Hall(r.HallID); h != nil {
		hall, name = h.ID, h.Name.Hans
	}
	if district == "" {
		district = OpenCity
	}
	return []string{date.String(), district, hall, name, hour, strconv.FormatInt(r.Capacity, 10), count(r.Bookings), count(r.NoShows), count(r.Waits),
		minutes(r.WaitMedian), minutes(r.WaitP90)}
}

// OpenDays lists the days there are open data of before one, the latest first.
func (a *App) OpenDays(ctx context.Context, before calendar.Date, limit int) (out []store.OpenDay, err error) {
	if before == 0 {
		before = calendar.DateOf(a.now()) + 1
	}
	return out, a.db.View(ctx, func(tx *store.Tx) (err error) {
		out, err = tx.OpenDays(ctx, before, min(max(limit, 1), 366))
		return err
	})
}

// OpenDay returns the frozen file of a day.
func (a *App) OpenDay(ctx context.Context, date calendar.Date) (*store.OpenDay, error) {
	var out *store.OpenDay
	err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		out, err = tx.OpenDay(ctx, date)
		return err
	})
	if err == nil && out == nil {
		err = fault.New(fault.OpenDayNotFound)
	}
	return out, err
}

// WriteOpenJSON writes the file of a day as JSON: an object with the date and its lines, one a line, in the order and
// with the names of OpenColumns. What is empty in the CSV is left out, what is hidden is null.
func WriteOpenJSON(w io.Writer, d *store.OpenDay) error {
	zip, err := gzip.NewReader(bytes.NewReader(d.Body))
	if err != nil {
		return err
	}
	in := csv.NewReader(zip)
	in.ReuseRecord = true
	if _, err := in.Read(); err != nil {
		return err
	}
	if _, err := io.WriteString(w, `{"date":"`+d.Date.String()+`","least":`+strconv.FormatInt(d.Least, 10)+`,"lines":[`); err != nil {
		return err
	}
	for first := true; ; first = false {
		record, err := in.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		var line strings.Builder
		if !first {
			line.WriteByte(',')
		}
		line.WriteString("\n{")
		for i, v := range record[1:] {
			name := OpenColumns[i+1]
			if v == "" {
				continue
			}
			if i > 0 {
				line.WriteByte(',')
			}
			line.WriteString(`"` + name + `":`)
			_, number := strconv.Atoi(v)
			switch {
			case v == OpenHidden:
				line.WriteString("null")
			case number == nil && name != "hall" && name != "district":
				line.WriteString(v)
			default:
				text, err := json.Marshal(v)
				if err != nil {
					return err
				}
				line.Write(text)
			}
		}
		line.WriteByte('}')
		if _, err := io.WriteString(w, line.String()); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, "\n]}\n")
	return err
}
