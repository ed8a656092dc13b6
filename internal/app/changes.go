package app

import (
	"context"
	"maps"
	"slices"
	"sync"

	"suiyue/internal/store"
)

// changes tells other nodes of slots that this node changed by another road than a lane: one change
// after the other, under a name like a lane's, so that a reader misses none.
type changes struct {
	mu   sync.Mutex
	name string
	seq  int64
}

func (c *changes) begin(node string) string {
	c.name = node + "-slots"
	return c.name
}

// changeSlots runs fn in a transaction, tells the other nodes of the slots it says it changed, and brings
// this node's board up to date once that is committed.
func (a *App) changeSlots(ctx context.Context, fn func(tx *store.Tx) ([]store.SlotState, error)) error {
	a.changes.mu.Lock()
	defer a.changes.mu.Unlock()
	a.changes.seq++
	var states []store.SlotState
	err := a.db.Update(ctx, func(tx *store.Tx) (err error) {
		if states, err = fn(tx); err != nil || len(states) == 0 {
			return err
		}
		refs := map[[2]string]bool{}
		for _, s := range states {
			refs[[2]string{s.HallID, s.SlotID}] = true
		}
		if err := tx.TouchLanes(ctx, []string{a.changes.name}); err != nil {
			return err
		}
		return tx.AddNews(ctx, a.changes.name, a.changes.seq, slices.Collect(maps.Keys(refs)))
	})
	if err == nil {
		a.board.apply(states)
		a.wakeWaits(states)
	}
	return err
}
