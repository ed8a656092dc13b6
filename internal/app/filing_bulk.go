package app

import (
	"context"
	"encoding/csv"
	"io"
	"sort"
	"strings"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// BulkOutcome is what became of a table of applications.
type BulkOutcome struct {
	Waiting int    // for the superior
	Links   []Link // of those confirmed at once, shown this once
}

// FileBulk files every account of a table (account.ParseBulk), all or none: with one bad line nothing is
// written, and every bad line is told.
func (a *App) FileBulk(ctx context.Context, ad *Admin, in io.Reader) (out BulkOutcome, faults []directory.LineError, err error) {
	if !ad.has(account.Manage) || ad.Account.Accounts().None {
		return out, nil, fault.New(fault.NotAllowed)
	}
	if err := a.Proven(ad); err != nil {
		return out, nil, err
	}
	lines, faults := account.ParseBulk(in)
	if len(faults) > 0 {
		return out, faults, nil
	}
	var done []carried
	errBad := fault.New(fault.InvalidRequest)
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		out, faults, done = BulkOutcome{}, nil, nil
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		var log []store.AuditRecord
		for _, l := range lines {
			f, p, err := a.newFiling(ctx, tx, ad, FilingRequest{Kind: account.FileOpen, Rank: l.Rank, Unit: l.Unit, Person: l.Person})
			if bad, ok := lineFault(l.Line, err); ok {
				faults = append(faults, bad)
				continue
			}
			if err != nil {
				return err
			}
			up, err := a.upTo(ctx, tx, f.Filing)
			if err != nil {
				return err
			}
			c, more, err := a.file(ctx, tx, ad, f, p, up)
			if err != nil {
				return err
			}
			if log = append(log, more...); c.link == nil {
				out.Waiting++
				continue
			}
			done = append(done, c)
			out.Links = append(out.Links, *c.link)
		}
		if len(faults) > 0 {
			return errBad
		}
		return auditAll(ctx, tx, log)
	})
	if len(faults) > 0 {
		return BulkOutcome{}, faults, nil
	}
	if err != nil {
		return BulkOutcome{}, nil, err
	}
	for _, c := range done {
		a.tell(ctx, c)
	}
	return out, nil, nil
}

// lineFault says what of a line is wrong, if it is the line that is.
func lineFault(line int, err error) (directory.LineError, bool) {
	column, code := "", fault.CodeOf(err)
	switch code {
	case fault.UnitNotFound, fault.NotAllowed:
		column, code = "unit", fault.UnitNotFound // outside one's powers is not found
	case fault.RankNotHere:
		column = "rank"
	case fault.AccountTaken, fault.FilingWaits:
		column = "mobile"
	case fault.InvalidRequest:
		column, code = fault.As(err).Fields[0].Path, fault.As(err).Fields[0].Code
	default:
		return directory.LineError{}, false
	}
	return directory.LineError{Line: line, Column: column, Code: code}, true
}

// BulkTemplate writes the table to fill in: a line for every unit below the administrator's that has no
// account of its rank yet, and one for a clerk of their own hall. name says a unit in the reader's language.
func (a *App) BulkTemplate(ctx context.Context, ad *Admin, name func(directory.Text) string) (string, error) {
	scope := ad.Account.Accounts()
	if !ad.has(account.Manage) || scope.None {
		return "", fault.New(fault.NotAllowed)
	}
	has := map[string]bool{}
	if err := a.db.View(ctx, func(tx *store.Tx) error {
		clear(has)
		for from := 0; ; from += 1000 {
			rows, _, err := tx.FindAccounts(ctx, store.AccountQuery{Scope: scope, Sort: "id", From: from, Limit: 1000})
			if err != nil || len(rows) == 0 {
				return err
			}
			for _, r := range rows {
				if r.State != account.Closed {
					has[string(r.Rank)+" "+r.Unit] = true
				}
			}
		}
	}); err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	rows := [][]string{account.BulkColumns}
	var walk func(unit string)
	walk = func(unit string) {
		below := append([]*directory.Unit(nil), a.City().Below(unit)...)
		sort.Slice(below, func(i, j int) bool { return below[i].ID < below[j].ID })
		for _, u := range below {
			if r := rankOf(u.Kind); r != "" {
				at, _ := a.seat(u.ID)
				if ad.Account.Above(r, at) && !has[string(r)+" "+u.ID] && len(rows) <= account.MostBulk {
					rows = append(rows, []string{u.ID, name(u.Name), string(r), "", "", ""})
				}
			}
			walk(u.ID)
		}
	}
	walk(ad.Account.Unit)
	if at, ok := a.seat(ad.Account.Unit); ok && ad.Account.Above(account.Clerk, at) { // a hall has many: the line is to be copied
		rows = append(rows, []string{at.Unit, name(a.City().Unit(at.Unit).Name), string(account.Clerk), "", "", ""})
	}
	if err := w.WriteAll(rows); err != nil {
		return "", fault.Wrap(fault.InternalError, err)
	}
	return b.String(), nil
}

// rankOf is the rank that looks after a unit of a kind itself, "" for none.
func rankOf(k directory.UnitKind) account.Rank {
	switch k {
	case directory.Agency:
		return account.Municipal1
	case directory.District:
		return account.District1
	case directory.Street:
		return account.District2
	case directory.Village:
		return account.District3
	}
	return ""
}
