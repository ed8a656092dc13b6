package app

import (
	"context"
	"slices"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// SeesFigures tells whether an administrator may see the figures of a place: of a hall they supervise, of a unit whose
// halls they supervise all. The platform, which supervises release and adjustment everywhere (Art. 8), sees every sum.
func (a *App) SeesFigures(ad *Admin, p oversight.Place) bool {
	if p.Noun == oversight.OfHall {
		return p.ID != "" && a.May(ad, account.Supervise, p.ID)
	}
	u := a.City().Unit(p.ID)
	if u == nil || !ad.has(account.Supervise) || !ad.Account.Active() || a.Scope(ad, account.Supervise).None {
		return false
	}
	if ad.Account.Rank == account.Platform1 || ad.Account.Rank == account.Platform2 {
		return true
	}
	n := a.City().tree().count[p.ID]
	return n > 0 && a.Grove(ad, account.Supervise).Count(p.ID) == n
}

// allowFigures refuses a place whose figures an administrator may not see: it is not found.
func (a *App) allowFigures(ad *Admin, p oversight.Place) error {
	switch {
	case a.SeesFigures(ad, p):
		return nil
	case p.Noun == oversight.OfHall:
		return fault.New(fault.HallNotFound)
	}
	return fault.New(fault.UnitNotFound)
}

// TopPlace is the widest place an administrator may see figures of; false for nobody who supervises anything.
func (a *App) TopPlace(ad *Admin) (oversight.Place, bool) {
	unit := oversight.Place{Noun: oversight.OfUnit, ID: ad.Account.Unit}
	if root := a.City().Root(); root != nil && (ad.Account.Rank == account.Platform1 || ad.Account.Rank == account.Platform2) {
		unit.ID = root.ID
	}
	if a.SeesFigures(ad, unit) {
		return unit, true
	}
	halls := a.Grove(ad, account.Supervise).Halls
	if len(halls) == 0 {
		return oversight.Place{}, false
	}
	return oversight.Place{Noun: oversight.OfHall, ID: halls[0].ID}, true
}

// AbovePlace is the place right above one, as far as an administrator may see it; false at the top.
func (a *App) AbovePlace(ad *Admin, p oversight.Place) (oversight.Place, bool) {
	up := oversight.Place{Noun: oversight.OfUnit}
	if p.Noun == oversight.OfHall {
		if h := a.City().Hall(p.ID); h != nil {
			up.ID = h.UnitID
		}
	} else if u := a.City().Unit(p.ID); u != nil {
		up.ID = u.ParentID
	}
	return up, up.ID != "" && a.SeesFigures(ad, up)
}

// Figures returns the figures of a place from one period to another, both inside, oldest first.
func (a *App) Figures(ctx context.Context, ad *Admin, p oversight.Place, span oversight.Span, from, to string) (rows []oversight.Row, err error) {
	if err := a.allowFigures(ad, p); err != nil {
		return nil, err
	}
	err = a.db.Read(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Figures(ctx, p.Noun, []string{p.ID}, span, from, to)
		return err
	})
	return rows, err
}

// PlaceTotals is Figures without the breakdowns.
func (a *App) PlaceTotals(ctx context.Context, ad *Admin, p oversight.Place, span oversight.Span, from, to string) (rows []oversight.Row, err error) {
	if err := a.allowFigures(ad, p); err != nil {
		return nil, err
	}
	err = a.db.Read(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Totals(ctx, p.Noun, []string{p.ID}, span, from, to)
		return err
	})
	return rows, err
}

// PlacesBelow returns the places right below a unit that an administrator may see figures of: units, then halls of its own.
func (a *App) PlacesBelow(ad *Admin, p oversight.Place) (out []oversight.Place) {
	if p.Noun != oversight.OfUnit {
		return nil
	}
	tree := a.City().tree()
	for _, id := range slices.Sorted(slices.Values(tree.below[p.ID])) {
		u := a.City().Unit(id)
		if one := (oversight.Place{Noun: oversight.OfUnit, ID: id}); u.Kind != directory.Pseudo && tree.count[id] > 0 && a.SeesFigures(ad, one) {
			out = append(out, one)
		}
	}
	for _, id := range slices.Sorted(slices.Values(tree.halls[p.ID])) {
		if one := (oversight.Place{Noun: oversight.OfHall, ID: id}); a.SeesFigures(ad, one) {
			out = append(out, one)
		}
	}
	return out
}

// FiguresBelow returns what was counted in a period, without breakdowns, at the units and halls right below a unit that an
// administrator may see. Of places at which nothing was counted there is no row.
func (a *App) FiguresBelow(ctx context.Context, ad *Admin, p oversight.Place, span oversight.Span, period string) (rows []oversight.Row, err error) {
	if err := a.allowFigures(ad, p); err != nil {
		return nil, err
	}
	ids := map[oversight.Noun][]string{}
	for _, one := range a.PlacesBelow(ad, p) {
		ids[one.Noun] = append(ids[one.Noun], one.ID)
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		rows = nil
		for _, noun := range []oversight.Noun{oversight.OfUnit, oversight.OfHall} {
			if len(ids[noun]) == 0 {
				continue
			}
			list, err := tx.Totals(ctx, noun, ids[noun], span, period, period)
			if err != nil {
				return err
			}
			rows = append(rows, list...)
		}
		return nil
	})
	return rows, err
}

// DepartmentFigures returns what was counted in all halls of the city of the items of a department, for those who may see
// the department's own figures: it answers for its system everywhere (Art. 9).
func (a *App) DepartmentFigures(ctx context.Context, ad *Admin, department string, span oversight.Span, from, to string) (rows []oversight.Row, err error) {
	p := oversight.Place{Noun: oversight.OfUnit, ID: department}
	root := a.City().Root()
	if u := a.City().Unit(department); u == nil || u.Kind != directory.Agency || root == nil || !a.seesDepartment(ad, department) {
		return nil, fault.New(fault.UnitNotFound)
	}
	err = a.db.Read(ctx, func(tx *store.Tx) error {
		rows = nil
		list, err := tx.Figures(ctx, oversight.OfUnit, []string{root.ID}, span, from, to)
		for _, r := range list {
			r.Place, r.Figures = p, oversight.Figures{All: r.Figures.By[oversight.ByDepartment][department]}
			rows = append(rows, r)
		}
		return err
	})
	return rows, err
}

// seesDepartment: a department without a hall of its own has its items all the same.
func (a *App) seesDepartment(ad *Admin, department string) bool {
	switch ad.Account.Rank {
	case account.Platform1, account.Platform2:
		return a.SeesFigures(ad, oversight.Place{Noun: oversight.OfUnit, ID: department})
	case account.Municipal1, account.Municipal2:
		return ad.Account.Active() && ad.has(account.Supervise) && ad.Account.Unit == department
	}
	return false
}
