package app

import (
	"context"
	"slices"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// AnomalyView is an anomaly as an administrator sees it.
type AnomalyView struct {
	oversight.Anomaly
	Hall  *directory.Hall
	Queue *directory.Queue
	About *supply.Request // it led to
	Takes bool            // who looks may acknowledge and close it
	Asks  bool            // who looks may file a request at the hall, and name one it led to
}

// AnomalyFilter narrows a list of anomalies; what is empty does not.
type AnomalyFilter struct {
	Kind  oversight.AnomalyKind
	Stage oversight.Stage
	Hall  string
	Under oversight.Place
	Open  bool // somebody still has to close them
	Page  int
	Size  int
}

// Anomalies returns the anomalies of the halls the administrator may supervise, those nobody has taken up first, and how
// many there are.
func (a *App) Anomalies(ctx context.Context, ad *Admin, f AnomalyFilter) (out []AnomalyView, all int, err error) {
	var list []oversight.Anomaly
	size := min(max(f.Size, 1), 200)
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, all, err = tx.Anomalies(ctx, store.AnomalyQuery{
			Scope: a.Scope(ad, account.Supervise), Under: a.storePlace(f.Under), Open: f.Open, Kind: f.Kind, Stage: f.Stage, Hall: f.Hall, Offset: max(f.Page, 0) * size, Limit: size,
		})
		return err
	}); err != nil {
		return nil, 0, err
	}
	for _, one := range list {
		out = append(out, a.anomalyView(ad, one))
	}
	return out, all, nil
}

// Anomaly returns one anomaly of a hall the administrator may supervise.
func (a *App) Anomaly(ctx context.Context, ad *Admin, id string) (v AnomalyView, err error) {
	one, err := a.theAnomaly(ctx, ad, id)
	if err != nil {
		return v, err
	}
	v = a.anomalyView(ad, *one)
	if v.Request == "" {
		return v, nil
	}
	return v, a.db.Read(ctx, func(tx *store.Tx) (err error) {
		v.About, err = tx.Request(ctx, v.Request)
		return err
	})
}

// FalseAlarms counts the anomalies that were closed in the last days at halls the administrator may supervise, and how
// many of these were nothing.
func (a *App) FalseAlarms(ctx context.Context, ad *Admin, days int) (closed, nothing int, err error) {
	err = a.db.Read(ctx, func(tx *store.Tx) (err error) {
		closed, nothing, err = tx.ClosedAnomalies(ctx, a.Scope(ad, account.Supervise), tx.Now.AddDate(0, 0, -days))
		return err
	})
	return closed, nothing, err
}

func (a *App) theAnomaly(ctx context.Context, ad *Admin, id string) (one *oversight.Anomaly, err error) {
	if err := a.db.Read(ctx, func(tx *store.Tx) (err error) {
		one, err = tx.Anomaly(ctx, id)
		return err
	}); err != nil {
		return nil, err
	}
	if one == nil || !a.May(ad, account.Supervise, one.HallID) {
		return nil, fault.New(fault.AnomalyNotFound)
	}
	return one, nil
}

func (a *App) anomalyView(ad *Admin, one oversight.Anomaly) AnomalyView {
	return AnomalyView{
		Anomaly: one, Hall: a.City().Hall(one.HallID), Queue: a.City().Queue(one.QueueID),
		Takes: one.Open() && a.May(ad, account.Decide, one.HallID), Asks: one.Open() && a.May(ad, account.Adjust, one.HallID),
	}
}

// AcknowledgeAnomaly says that an account has taken an anomaly up. It is for who decides for the hall. Whoever was first
// stays.
func (a *App) AcknowledgeAnomaly(ctx context.Context, ad *Admin, id string) error {
	return a.onAnomaly(ctx, ad, id, "anomaly.acknowledge", []account.Action{account.Decide}, func(_ *store.Tx, one oversight.Anomaly, now time.Time) (oversight.Anomaly, error) {
		if !one.Open() {
			return one, fault.New(fault.AnomalyClosed)
		}
		return one.Acknowledge(ad.Account.ID, now), nil
	})
}

// ActOnAnomaly names the request an anomaly led to: one about the same hall. It is for who files requests at the hall or
// decides for it.
func (a *App) ActOnAnomaly(ctx context.Context, ad *Admin, id, request string) error {
	return a.onAnomaly(ctx, ad, id, "anomaly.act", []account.Action{account.Adjust, account.Decide}, func(tx *store.Tx, one oversight.Anomaly, now time.Time) (oversight.Anomaly, error) {
		r, err := tx.Request(ctx, request)
		if err != nil {
			return one, err
		}
		if r == nil || r.HallID != one.HallID {
			return one, fault.InvalidFields(fault.Field{Path: "request", Code: fault.RequestNotFound})
		}
		next, wrong := one.Act(ad.Account.ID, request, now)
		return next, orNil(wrong)
	})
}

// CloseAnomaly closes an anomaly with a reason. It is for who decides for the hall.
func (a *App) CloseAnomaly(ctx context.Context, ad *Admin, id string, reason oversight.Closure, why string) error {
	return a.onAnomaly(ctx, ad, id, "anomaly.close", []account.Action{account.Decide}, func(_ *store.Tx, one oversight.Anomaly, now time.Time) (oversight.Anomaly, error) {
		next, wrong := one.Close(ad.Account.ID, reason, why, now)
		return next, orNil(wrong)
	})
}

func orNil(wrong *fault.Error) error {
	if wrong == nil {
		return nil
	}
	return wrong
}

// onAnomaly does what an administrator does about an anomaly, who must be allowed one of the actions.
func (a *App) onAnomaly(ctx context.Context, ad *Admin, id, name string, any []account.Action, do func(*store.Tx, oversight.Anomaly, time.Time) (oversight.Anomaly, error)) error {
	seen, err := a.theAnomaly(ctx, ad, id)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(any, func(act account.Action) bool { return a.May(ad, act, seen.HallID) }) {
		return fault.New(fault.NotAllowed)
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		one, err := tx.Anomaly(ctx, id)
		if err != nil || one == nil {
			return orElse(err, fault.New(fault.AnomalyNotFound))
		}
		next, err := do(tx, *one, tx.Now)
		if err != nil || next == *one {
			return err
		}
		saved, err := tx.SaveAnomaly(ctx, next, one.Version)
		if err != nil || !saved {
			return orElse(err, fault.New(fault.ChangedMeanwhile))
		}
		rec := anomalyRecord(name, next)
		rec.Account, rec.Rank, rec.From = ad.Account.ID, string(ad.Account.Rank), ad.Origin
		return tx.Audit(ctx, rec)
	})
}
