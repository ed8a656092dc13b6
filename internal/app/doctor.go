package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// Finding is one thing the doctor found. It never holds personal data: ids and counts only.
type Finding struct {
	Check  string // "slot", "calendar" …
	Error  bool   // a promise of the product is broken; else something to see to
	Detail string
}

// String writes a line: "error slot: …".
func (f Finding) String() string {
	word := "warning"
	if f.Error {
		word = "error"
	}
	return word + " " + f.Check + ": " + f.Detail
}

// figureLag is for how long days may wait to be counted before the doctor says so.
const figureLag = 30 * time.Minute

// Doctor looks at everything that must hold: the store's own checks (every slot recounted from its
// bookings, claims, events, the tree, the engine), whether there is a city at all, and whether the
// booking window of now reaches a year without an official holiday notice, and the whole audit log
// (VerifyAudit; v and kept may be nil). It only reads and may run while the city is served.
func Doctor(ctx context.Context, db *store.DB, now time.Time, v note.Verifier, kept []byte) ([]Finding, error) {
	found, err := db.Doctor(ctx)
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, f := range found {
		out = append(out, Finding{Check: f.Check, Error: f.Severity == store.Error, Detail: f.Detail})
	}
	if current, err := db.SchemaCurrent(ctx); err != nil || !current {
		return out, err
	}
	log, err := VerifyAudit(ctx, db, v, kept)
	if err != nil {
		return nil, err
	}
	for _, line := range log.Broken {
		out = append(out, Finding{Check: "audit log", Error: true, Detail: line})
	}
	if log.Unsigned && log.Checkpoints > 0 {
		out = append(out, Finding{Check: "audit log", Detail: "signatures were not checked: there is no keyring here"})
	}
	a := &App{db: db, now: func() time.Time { return now }, board: newBoard("doctor"), pace: func() int { return 1 }}
	if err := a.Reload(ctx); err != nil {
		return nil, err
	}
	if day, alert := a.Horizon(); alert && !slices.ContainsFunc(out, func(f Finding) bool { return f.Check == "calendar" }) {
		out = append(out, Finding{Check: "calendar", Detail: fmt.Sprintf("the booking window reaches %s, a year whose holiday notice is not loaded", day)})
	}
	if halls, _, _ := a.City().Counts(); halls == 0 {
		out = append(out, Finding{Check: "city", Detail: "no city is loaded: run `suiyue import`"})
	}
	if err := a.recountDays(ctx, func(line string) { out = append(out, Finding{Check: "day digest", Error: true, Detail: line}) }); err != nil {
		return nil, err
	}
	if err := a.recountDraws(ctx, func(line string) { out = append(out, Finding{Check: "draw", Error: true, Detail: line}) }); err != nil {
		return nil, err
	}
	if err := db.View(ctx, func(tx *store.Tx) error {
		days, counted, err := tx.FigureLag(ctx, calendar.DateOf(now))
		if days > 0 && now.Sub(counted) > figureLag {
			out = append(out, Finding{Check: "figures", Detail: fmt.Sprintf("%d days of halls wait to be counted; is the city served?", days)})
		}
		return err
	}); err != nil {
		return nil, err
	}
	cases, err := a.recountCases(ctx)
	if err != nil {
		return nil, err
	}
	out = append(out, cases...)
	stale := 0
	if err := a.drift(ctx, func(d supply.Difference) error {
		for _, s := range d.Step {
			if s.Taken > 0 {
				stale++
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if stale > 0 {
		out = append(out, Finding{Check: "plan", Detail: fmt.Sprintf("%d hours that people have booked are not as their queue and calendar say now", stale)})
	}
	return out, nil
}
