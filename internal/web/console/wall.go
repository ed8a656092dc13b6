package console

import (
	"net/http"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

// wallAlerts is how many alerts a wall screen has room for.
const wallAlerts = 5

// wall is the live picture of a unit on a wall screen (Art. 4): the whole on one screen, dark, read from five metres.
func (c *Console) wall(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	if c.App.Grove(ad, account.Supervise).Root == "" {
		return fault.New(fault.UnitNotFound)
	}
	v, err := c.wallView(r, ad)
	if err != nil {
		return err
	}
	f := bare(r, l.T("live.title_of", "place", v.Place))
	now := c.App.Now()
	f.Lead = l.LongDate(calendar.DateOf(now))
	return web.Render(w, r, http.StatusOK, wallPage(f, *v, pieceOf(wallPath+"/live", r), web.Clock(now)))
}

func (c *Console) wallPiece(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	v, err := c.wallView(r, ad)
	if err != nil {
		return err
	}
	w.Header().Set("X-Now", strconv.FormatInt(c.App.Now().UnixMilli(), 10))
	return piece(w, r, wallPart(*v))
}

// wallView is the picture of a unit; a hall has displays of its own.
func (c *Console) wallView(r *http.Request, ad *app.Admin) (*liveView, error) {
	l, list := web.LocaleOf(r), listOf(r)
	live, err := c.App.Live(r.Context(), ad, list.Get("unit"))
	if err != nil {
		return nil, err
	}
	v := c.live(l, live)
	m := c.tileMap(l, live, liveMeasureOf(list), wallTiles, func(p app.LivePart) string {
		if p.Unit != nil {
			return address(wallPath, "unit", p.Unit.ID, "show", list.Get("show"))
		}
		return partHref(list, p)
	})
	v.Map, v.Shown = &m, l.T("live.measure."+liveMeasureOf(list).ID)
	if n := len(v.Alerts); n > wallAlerts {
		v.Alerts, v.More = v.Alerts[:wallAlerts], n-wallAlerts
	}
	return v, nil
}
