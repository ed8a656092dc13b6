package app

import (
	"bytes"
	"context"
	"encoding/json"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// FloorRules is what a hall's day goes by, and where it comes from.
type FloorRules struct {
	Rules   counter.Rules // in force today
	Book    counter.Rules // the rulebook's
	Version int           // of what the hall sets itself: 0 for nothing yet
}

// HallRules returns what a hall's day goes by today.
func (a *App) HallRules(ctx context.Context, hall string) (r counter.Rules, err error) {
	return r, a.db.View(ctx, func(tx *store.Tx) (err error) {
		r, err = a.rulesOf(ctx, tx, hall, calendar.DateOf(a.now()))
		return err
	})
}

// FloorRules returns what a hall's day goes by, for whoever may see it there.
func (a *App) FloorRules(ctx context.Context, ad *Admin, hall string) (v FloorRules, err error) {
	if err := a.Allow(ad, account.Supervise, hall); err != nil {
		return v, err
	}
	today := calendar.DateOf(a.now())
	v.Book = a.Rules(today).Hall
	return v, a.db.View(ctx, func(tx *store.Tx) (err error) {
		if v.Rules, err = a.rulesOf(ctx, tx, hall, today); err != nil {
			return err
		}
		_, v.Version, err = tx.FloorSetting(ctx, hall)
		return err
	})
}

// SetFloorRules makes a hall's days go by r, as far as a hall may decide (Configure): what differs from the
// rulebook is kept, what does not follows it. OffGrid and SilentAfter are the platform's. version is the one
// that was seen.
func (a *App) SetFloorRules(ctx context.Context, ad *Admin, hall string, version int, r counter.Rules) error {
	if err := a.Allow(ad, account.Configure, hall); err != nil {
		return err
	}
	book := a.Rules(calendar.DateOf(a.now())).Hall
	wrong := r.Check()
	if r.OffGrid != book.OffGrid {
		wrong = append(wrong, fault.Field{Path: "off_grid", Code: fault.NotOneOf})
	}
	if r.SilentAfter != book.SilentAfter {
		wrong = append(wrong, fault.Field{Path: "silent_after", Code: fault.NotOneOf})
	}
	if len(wrong) > 0 {
		return fault.InvalidFields(wrong...)
	}
	own, err := differing(r, book)
	if err != nil {
		return err
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		was, at, err := tx.FloorSetting(ctx, hall)
		if err != nil {
			return err
		}
		if at != version {
			return fault.New(fault.ChangedMeanwhile)
		}
		if was == nil {
			was = json.RawMessage("{}")
		}
		if bytes.Equal(was, own) {
			return fault.New(fault.NothingChanges)
		}
		saved, err := tx.SaveFloorSetting(ctx, hall, own, version)
		if err != nil {
			return err
		}
		if !saved {
			return fault.New(fault.ChangedMeanwhile)
		}
		rec := ad.record("hall.day", "hall", hall)
		rec.Hall, rec.Before, rec.After = hall, was, own
		return tx.Audit(ctx, rec)
	})
	if err == nil {
		a.floors.wake(hall)
	}
	return err
}

// differing writes the fields of r that are not as in book, in order of name.
func differing(r, book counter.Rules) (json.RawMessage, error) {
	fields := func(r counter.Rules) (map[string]json.RawMessage, error) {
		text, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		out := map[string]json.RawMessage{}
		return out, json.Unmarshal(text, &out)
	}
	own, err := fields(r)
	if err != nil {
		return nil, err
	}
	theirs, err := fields(book)
	if err != nil {
		return nil, err
	}
	for name, v := range theirs {
		if bytes.Equal(own[name], v) {
			delete(own, name)
		}
	}
	return json.Marshal(own)
}
