package app

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// Who somebody was is forgotten a month of days at a time, after the time the rules in force say
// (docs/adr/0034-retention.md). The hashes of the month's people are made anew with a key that is thrown away with its
// end: within the month one person is still one, and nothing leads from there to anybody.

// Forget forgets who came on some days of halls that are due, at most so many, and tells whether there are more. It may
// be stopped at any time and goes on where it was; each day is one transaction.
func (a *App) Forget(ctx context.Context, limit int) (days int, more bool, err error) {
	m, err := a.dueMonth(ctx)
	if err != nil || m == nil {
		return 0, false, err
	}
	rename, err := a.renaming(m)
	if err != nil {
		return 0, false, err
	}
	first, last, err := oversight.SpanMonth.Dates(m.Month)
	if err != nil {
		return 0, false, err
	}
	from := max(first, m.At.Date)
	var list []oversight.HallDay
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.HallDays(ctx, from, last)
		return err
	}); err != nil {
		return 0, false, err
	}
	for _, d := range list {
		if d.Date == m.At.Date && d.HallID <= m.At.HallID {
			continue
		}
		if days == limit {
			return days, true, nil
		}
		was := *m
		if err := a.db.Update(ctx, func(tx *store.Tx) error {
			*m = was
			counts, err := tx.ForgetDay(ctx, d, rename)
			if err != nil {
				return err
			}
			m.At = d
			m.note(d.HallID+" "+d.Date.String(), counts)
			return tx.SaveForgotten(ctx, &m.ForgottenMonth)
		}); err != nil {
			return days, false, fmt.Errorf("forget %s at %s: %w", d.Date, d.HallID, err)
		}
		days++
	}
	was := *m
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		*m = was
		counts, err := tx.ForgetRest(ctx, first.At(0, 0), (last+1).At(0, 0), rename)
		if err != nil {
			return err
		}
		m.note("rest", counts)
		m.Sealed, m.Done = nil, tx.Now
		if err := tx.SaveForgotten(ctx, &m.ForgottenMonth); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditRecord{
			Act: "retention.month", Noun: "month", Key: m.Month, After: asJSON(map[string]any{"rows": m.Counts, "digest": m.Digest}),
		})
	})
	if err == nil && len(m.Counts) > 0 {
		err = a.db.Scrub(ctx)
	}
	return days, err == nil, err
}

// forgetting is a month with its counts as they grow.
type forgetting struct{ store.ForgottenMonth }

// note adds what was forgotten somewhere: to the counts, and to the digest over all of it.
func (m *forgetting) note(where string, counts map[string]int) {
	sum := map[string]int{}
	for noun, n := range m.Counts {
		sum[noun] = n
	}
	for noun, n := range counts {
		sum[noun] += n
	}
	h := sha256.New()
	text, err := json.Marshal(counts) // keys in order
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(h, "%s\n%s\n%s\n", m.Digest, where, text)
	m.Counts, m.Digest = sum, hex.EncodeToString(h.Sum(nil))
}

// dueMonth returns the month that is being forgotten, or begins the oldest that is due; nil for none.
func (a *App) dueMonth(ctx context.Context) (m *forgetting, err error) {
	today := calendar.DateOf(a.now())
	keep := a.Rules(today).Retention.Before(today)
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		m = nil
		first, any, err := tx.FirstLived(ctx)
		if err != nil || !any || first >= keep {
			return err
		}
		months, err := tx.ForgottenMonths(ctx)
		if err != nil {
			return err
		}
		done := map[string]bool{}
		for _, k := range months {
			if k.Done.IsZero() {
				m = &forgetting{k}
				return nil
			}
			done[k.Month] = true
		}
		for d := calendar.MakeDate(first.Year(), first.Month(), 1); d < keep; d = calendar.MakeDate(d.Year(), d.Month()+1, 1) {
			month := oversight.SpanMonth.Period(d)
			if done[month] {
				continue
			}
			var key [32]byte
			rand.Read(key[:])
			m = &forgetting{store.ForgottenMonth{Month: month, Sealed: a.vault.Seal(key[:], "retention|"+month), Counts: map[string]int{}, Begun: tx.Now}}
			return tx.SaveForgotten(ctx, &m.ForgottenMonth)
		}
		return nil
	})
	return m, err
}

var forgottenKey = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// renaming makes the hashes of a month's people anew.
func (a *App) renaming(m *forgetting) (func(string) string, error) {
	key, err := a.vault.Open(m.Sealed, "retention|"+m.Month)
	if err != nil {
		return nil, fmt.Errorf("the key of %s: %w", m.Month, err)
	}
	return func(person string) string {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(person))
		return "~" + forgottenKey.EncodeToString(h.Sum(nil)[:16])
	}, nil
}

// Forgotten is a month of which it is forgotten who came: how many rows, when, and a digest over what was done where.
type Forgotten struct {
	Month       string
	Rows        map[string]int
	Digest      string
	Begun, Done time.Time // Done is zero while it goes on
}

// LogDropped is records of access of one noun that were dropped on a date: sign_in (administrators' sign-ins) or file
// (lists taken away).
type LogDropped = store.LogDropped

// RetentionState is what was forgotten, and what is kept.
type RetentionState struct {
	Months   []Forgotten   // the newest first
	Kept     calendar.Date // the first day that is kept whole
	Logs     []LogDropped  // the latest first, of the last hundreds of days on which something was dropped
	LogsFrom calendar.Date // records of access from this day on are kept
}

// logsTold is how many lines of dropped records a report has.
const logsTold = 500

// RetentionReport says what was forgotten, and of records of access dropped. Kept and LogsFrom are not in it: they are
// of a day.
func RetentionReport(ctx context.Context, db *store.DB) (r RetentionState, err error) {
	err = db.View(ctx, func(tx *store.Tx) error {
		r = RetentionState{}
		months, err := tx.ForgottenMonths(ctx)
		if err != nil {
			return err
		}
		for _, m := range months {
			r.Months = append(r.Months, Forgotten{m.Month, m.Counts, m.Digest, m.Begun, m.Done})
		}
		r.Logs, err = tx.LogsDropped(ctx, logsTold)
		return err
	})
	return r, err
}

// Retention is the report for who looks after the log or supervises the city.
func (a *App) Retention(ctx context.Context, ad *Admin) (RetentionState, error) {
	if err := a.Allow(ad, account.ReadLog, ""); err != nil {
		return RetentionState{}, err
	}
	r, err := RetentionReport(ctx, a.db)
	today := calendar.DateOf(a.now())
	rules := a.Rules(today).Retention
	r.Kept, r.LogsFrom = rules.Before(today), rules.LogsFrom(today)
	return r, err
}

// dropLogs drops records of access that are older than the rules in force have them kept, says in the report how many,
// and writes it into the audit log, which itself is never cut (docs/adr/0048-logs-of-access.md).
func (a *App) dropLogs(ctx context.Context, tx *store.Tx) error {
	today := calendar.DateOf(tx.Now)
	before := a.Rules(today).Retention.LogsFrom(today).At(0, 0)
	counts, err := tx.DropLogs(ctx, before)
	if err != nil || len(counts) == 0 {
		return err
	}
	for noun, n := range counts {
		if err := tx.AddLogDropped(ctx, store.LogDropped{Date: today, Noun: noun, Rows: n, Before: before}); err != nil {
			return err
		}
	}
	return tx.Audit(ctx, store.AuditRecord{Act: "retention.logs", Noun: "date", Key: today.String(), After: asJSON(map[string]any{"rows": counts, "before": before.UTC()})})
}

// unseal opens what is sealed; what is forgotten is instead.
func (a *App) unseal(sealed []byte, about, instead string) ([]byte, error) {
	if len(sealed) == 0 {
		return []byte(instead), nil
	}
	return a.vault.Open(sealed, about)
}
