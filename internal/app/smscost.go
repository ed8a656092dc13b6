package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// SMSCost is what the messages of a hall, a kind and a gateway cost in a month.
type SMSCost = store.SMSCost

// MessageCosts are what short messages cost in a month.
type MessageCosts struct {
	Month  string   // 2026-11
	Months []string // of which there is something, newest first
	Parts  int64    // that were sent
	Cost   int64    // thousandths of a fen
	Halls  []SMSCost
	Rows   []SMSCost // the same by kind and gateway
}

// costMonths is of how many months costs are shown.
const costMonths = 24

// MessageCosts returns what short messages cost in a month ("" = this one) over the halls the administrator supervises, or of one of them; the dearest
// first. Messages about no hall are the platform's.
func (a *App) MessageCosts(ctx context.Context, ad *Admin, month, hall string) (out MessageCosts, err error) {
	if hall != "" {
		if err := a.Allow(ad, account.Supervise, hall); err != nil {
			return out, err
		}
	} else if a.Scope(ad, account.Supervise).None {
		return out, fault.New(fault.NotAllowed)
	}
	out.Month = month
	if month == "" {
		out.Month = calendar.DateOf(a.now()).String()[:len("2026-11")]
	} else if t, err := time.Parse("2006-01", month); err != nil || t.Format("2006-01") != month {
		return out, fault.InvalidFields(fault.Field{Path: "month", Code: fault.BadFormat})
	}
	var all []SMSCost
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if out.Months, err = tx.SMSCostMonths(ctx, costMonths); err != nil {
			return err
		}
		all, err = tx.SMSCosts(ctx, out.Month)
		return err
	}); err != nil {
		return out, err
	}
	sees := map[string]bool{"": ad.Account.Rank == account.Platform1}
	at := map[string]int{}
	for _, c := range all {
		is, known := sees[c.HallID]
		if !known {
			is = a.May(ad, account.Supervise, c.HallID)
			sees[c.HallID] = is
		}
		if !is || hall != "" && c.HallID != hall {
			continue
		}
		out.Parts, out.Cost = out.Parts+c.Parts, out.Cost+c.Cost
		out.Rows = append(out.Rows, c)
		i, is := at[c.HallID]
		if !is {
			i = len(out.Halls)
			at[c.HallID], out.Halls = i, append(out.Halls, SMSCost{HallID: c.HallID, Month: c.Month})
		}
		out.Halls[i].Parts, out.Halls[i].Cost = out.Halls[i].Parts+c.Parts, out.Halls[i].Cost+c.Cost
	}
	dearest := func(x, y SMSCost) int {
		return cmp.Or(cmp.Compare(y.Cost, x.Cost), cmp.Compare(y.Parts, x.Parts), cmp.Compare(x.HallID, y.HallID))
	}
	slices.SortStableFunc(out.Halls, dearest)
	slices.SortStableFunc(out.Rows, dearest)
	return out, nil
}
