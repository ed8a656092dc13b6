package api

import (
	"net/http"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/web"
)

// Bulletins and the public list (Art. 21, 22), to anybody.

type bulletinSummary struct {
	ID      string     `json:"id" example:"B2026-10-440100000000-1"`
	Unit    adminUnit  `json:"unit" doc:"Whom it is about; the city's is the root of the units."`
	Period  string     `json:"period" example:"2026-10" doc:"A month, or a quarter as 2026-Q3."`
	Version int        `json:"version"`
	State   string     `json:"state" enum:"draft,reviewed,issued"`
	Issued  *time.Time `json:"issued,omitempty"`
	Digest  string     `json:"digest,omitempty" doc:"SHA-256 of what was issued, in hexadecimal."`
}

type bulletinList struct {
	Bulletins []bulletinSummary `json:"bulletins" nullable:"false" doc:"Of the latest period first; of each the newest version."`
	Total     int               `json:"total"`
}

type bulletinFigure struct {
	Measure string   `json:"measure" example:"on_time_rate"`
	Formula int      `json:"formula" doc:"Version of the formula it was made by."`
	Value   *float64 `json:"value,omitempty" doc:"A share from 0 to 1, minutes, or a count; absent where it stands on fewer than five cases."`
	Top     int64    `json:"top,omitempty" doc:"What is over …"`
	Bottom  int64    `json:"bottom,omitempty" doc:"… what; of a length of time, how many there were."`
	Before  *float64 `json:"before,omitempty" doc:"Of the period before."`
	Place   int      `json:"place,omitempty" doc:"Among those of its group, where it is ranked."`
	Was     int      `json:"was,omitempty" doc:"Its place in the period before."`
}

type bulletinPart struct {
	ID      string           `json:"id" doc:"Of a unit or a hall."`
	Group   string           `json:"group" enum:"district,agency,street,village,hall" doc:"What it is compared with."`
	Name    string           `json:"name"`
	Figures []bulletinFigure `json:"figures" nullable:"false"`
}

type bulletinDiffering struct {
	Part    string   `json:"part,omitempty" doc:"Id of a unit or hall; absent for the whole."`
	Measure string   `json:"measure"`
	Was     *float64 `json:"was,omitempty"`
	Is      *float64 `json:"is,omitempty"`
}

type bulletinDetail struct {
	Bulletin    bulletinSummary     `json:"bulletin"`
	From        string              `json:"from" format:"date"`
	To          string              `json:"to" format:"date"`
	Remarks     string              `json:"remarks"`
	Figures     []bulletinFigure    `json:"figures" nullable:"false"`
	Parts       []bulletinPart      `json:"parts" nullable:"false"`
	Replaces    string              `json:"replaces,omitempty" doc:"Id of the version issued before."`
	Differences []bulletinDiffering `json:"differences" nullable:"false" doc:"Figures that are not as in the version issued before."`
	Newest      string              `json:"newest" doc:"Id of the newest version that is issued."`
}

type announcementList struct {
	Announcements []announcementShown `json:"announcements" nullable:"false" doc:"The newest first."`
}

type announcementShown struct {
	ID       string    `json:"id" example:"P2026-0001"`
	Unit     adminUnit `json:"unit"`
	Year     int       `json:"year"`
	Failures int64     `json:"failures" doc:"That stood against the unit in the year when it was announced."`
	Text     string    `json:"text"`
	Made     time.Time `json:"made"`
}

func (a *API) declareBulletins() {
	id := inPath("bulletin", "Id of the bulletin.", "B2026-10-440100000000-1", fault.BulletinNotFound)
	read(a, operation{
		id: "list-bulletins", method: http.MethodGet, path: "/bulletins", tag: "Supervision", cache: "public, max-age=60", about: "Bulletins that are issued (Art. 21).",
		params: []param{inQuery("page", "From 1.", nil, whole(1, 1000, 1))},
	}, func(c *call) (bulletinList, error) {
		list, all, err := a.app.Issued(c.r.Context(), c.int("page", 1)-1, 50)
		out := bulletinList{Bulletins: []bulletinSummary{}, Total: all}
		for _, b := range list {
			out.Bulletins = append(out.Bulletins, a.bulletinSummary(c.l, b))
		}
		return out, err
	})
	read(a, operation{
		id: "get-bulletin", method: http.MethodGet, path: "/bulletins/{bulletin}", tag: "Supervision", cache: "public, max-age=60", params: []param{id},
		about: "A bulletin that is issued, with its frozen figures, the versions of their formulas, and what differs from the version before (Art. 21).",
	}, func(c *call) (bulletinDetail, error) {
		b, was, versions, err := a.app.IssuedBulletin(c.r.Context(), c.path("bulletin"))
		if err != nil {
			return bulletinDetail{}, err
		}
		out := a.bulletinDetail(c.l, b, was)
		out.Newest = versions[0].ID
		return out, nil
	})
	read(a, operation{
		id: "list-announcements", method: http.MethodGet, path: "/announcements", tag: "Supervision", cache: "public, max-age=60",
		about: "Units that failed repeatedly in a year, as the city has made public (Art. 22). No person is named.",
	}, func(c *call) (announcementList, error) {
		list, err := a.app.Announcements(c.r.Context())
		out := announcementList{Announcements: []announcementShown{}}
		for _, n := range list {
			out.Announcements = append(out.Announcements, announcementShown{n.ID, a.adminUnit(c.l, n.UnitID), n.Year, n.Counts.Total(), n.Text, n.MadeAt.In(calendar.Zone)})
		}
		return out, err
	})
}

func (a *API) bulletinSummary(l web.Locale, b oversight.Bulletin) bulletinSummary {
	return bulletinSummary{ID: b.ID, Unit: a.adminUnit(l, b.Seat.Unit), Period: string(b.Period), Version: b.Version, State: string(b.State), Issued: moment(b.IssuedAt), Digest: b.Digest}
}

func (a *API) bulletinDetail(l web.Locale, b oversight.Bulletin, was *oversight.Bulletin) bulletinDetail {
	c := b.Content
	out := bulletinDetail{
		Bulletin: a.bulletinSummary(l, b), From: c.Days[0].String(), To: c.Days[1].String(), Remarks: b.Remarks, Figures: measuresOf(c, c.Now, c.Before), Parts: []bulletinPart{},
		Differences: []bulletinDiffering{}, Newest: b.ID,
	}
	places := map[string]map[string]oversight.Placed{} // measure → part
	for _, id := range oversight.BulletinRanks {
		m, err := c.Measure(id)
		if err != nil {
			continue
		}
		places[id] = map[string]oversight.Placed{}
		for _, g := range c.Groups() {
			for _, p := range c.Rank(m, g) {
				places[id][p.Key] = p
			}
		}
	}
	for _, p := range c.Parts {
		one := bulletinPart{ID: p.Place.ID, Group: p.Group, Name: l.Text(p.Name), Figures: measuresOf(c, p.Now, p.Before)}
		for i := range one.Figures {
			f := &one.Figures[i]
			if at, ok := places[f.Measure][p.Place.ID]; ok {
				f.Place, f.Was = at.Place, at.Was
			}
		}
		out.Parts = append(out.Parts, one)
	}
	if was != nil {
		out.Replaces = was.ID
		for _, d := range c.Differences(was.Content) {
			if m, err := c.Measure(d.Measure); err == nil {
				out.Differences = append(out.Differences, bulletinDiffering{d.Place, d.Measure, published(m, d.Was), published(m, d.Is)})
			}
		}
	}
	return out
}

func measuresOf(c oversight.Frozen, now, before oversight.Counts) []bulletinFigure {
	out := []bulletinFigure{}
	for _, id := range oversight.BulletinMeasures {
		m, err := c.Measure(id)
		if err != nil {
			continue
		}
		v := m.Published(m.Of(now))
		f := bulletinFigure{Measure: id, Formula: m.Version, Value: published(m, v), Before: published(m, m.Of(before))}
		if v.OK {
			f.Top, f.Bottom = v.Top, v.Bottom
		}
		out = append(out, f)
	}
	return out
}

// published is a value as it is published; nil for none.
func published(m *oversight.Measure, v oversight.Value) *float64 {
	if v = m.Published(v); !v.OK {
		return nil
	}
	n := m.Float(v)
	return &n
}
