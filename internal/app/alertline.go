package app

import (
	"context"
	"slices"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// AlertLine is one line of the stream of alerts: of the waitlist (Art. 16) and of anomalies (Art. 22). The sentence
// of its kind is alert_line.<kind>, with Args.
type AlertLine struct {
	ID, Kind                string
	HallID, QueueID, UnitID string
	Since                   time.Time
	Open                    bool // it stands: not closed, and not over by itself
	Acked                   bool
	Href                    string // page of the console
	Args                    map[string]any
}

// LineWaiting is the kind of the alerts of Art. 16.
const LineWaiting = "waiting"

// mostLines is how many lines the stream may be asked for at once.
const mostLines = 200

// AlertLines returns what stands at the halls that are the place or below it and that the administrator may
// supervise, the newest first. The zero place stands for all of theirs.
func (a *App) AlertLines(ctx context.Context, ad *Admin, under oversight.Place, limit int) (out []AlertLine, err error) {
	limit = min(max(limit, 1), mostLines)
	place := a.storePlace(under)
	err = a.db.View(ctx, func(tx *store.Tx) error {
		waits, _, err := tx.Alerts(ctx, store.AlertQuery{Scope: a.Scope(ad, account.Supervise), Under: place, Standing: true, Limit: limit})
		if err != nil {
			return err
		}
		out = out[:0]
		for _, one := range waits {
			out = append(out, AlertLine{
				ID: one.ID, Kind: LineWaiting, HallID: one.HallID, QueueID: one.QueueID, UnitID: a.unitOf(one.HallID), Since: one.Since,
				Open: one.Open(), Acked: one.Acknowledged(), Href: "/console/alerts?kind=" + LineWaiting + "#" + one.ID,
				Args: map[string]any{"waiting": one.Waiting, "released": one.Released},
			})
		}
		list, _, err := tx.Anomalies(ctx, store.AnomalyQuery{Scope: a.Scope(ad, account.Supervise), Under: place, Open: true, Limit: limit})
		if err != nil {
			return err
		}
		for _, one := range list {
			out = append(out, AlertLine{
				ID: one.ID, Kind: string(one.Kind), HallID: one.HallID, QueueID: one.QueueID, UnitID: a.unitOf(one.HallID), Since: one.Since,
				Open: one.EndedAt.IsZero(), Acked: !one.AckAt.IsZero(), Href: "/console/alerts/" + one.ID,
				Args: map[string]any{"seen": one.Seen, "of": one.Of, "low": one.Low, "high": one.High},
			})
		}
		return nil
	})
	slices.SortStableFunc(out, func(x, y AlertLine) int { return y.Since.Compare(x.Since) })
	return out[:min(len(out), limit)], err
}

func (a *App) unitOf(hall string) string {
	if h := a.City().Hall(hall); h != nil {
		return h.UnitID
	}
	return ""
}

// storePlace is a place as a condition of a query: the root stands for every hall.
func (a *App) storePlace(p oversight.Place) store.Under {
	switch {
	case p.Noun == oversight.OfHall:
		return store.Under{Hall: p.ID}
	case p.ID == "" || a.City().Root() != nil && a.City().Root().ID == p.ID:
		return store.Under{}
	}
	return store.Under{Unit: p.ID}
}
