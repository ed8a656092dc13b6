package store

import "context"

// tables whose rows Counts counts: all that a request of a person may write.
var counted = []string{"slot", "booking", "claim", "event", "message", "session", "one_time_code", "kept_person", "account"}

// Counts returns how many rows the tables of people's doings hold, and under "taken" how many numbers
// are taken in all. It reads everything: for checks and tests.
func (tx *Tx) Counts(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	for _, table := range counted {
		n := 0
		if _, err := tx.one(ctx, "counts", `select count(*) from `+table, nil, &n); err != nil {
			return nil, err
		}
		out[table] = n
	}
	taken := 0
	_, err := tx.one(ctx, "counts", `select coalesce(sum(taken), 0) from slot`, nil, &taken)
	out["taken"] = taken
	return out, err
}
