package app

import (
	"context"
	"sync"

	"suiyue/internal/store"
)

// idBlock hands out booking numbers from blocks that the database gives to nodes. Numbers of a block
// not used when a node stops are never used.
type idBlock struct {
	mu         sync.Mutex
	at, before int64
}

const idBlockSize = 4096

func (b *idBlock) next(ctx context.Context, db *store.DB) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.at == b.before {
		var first int64
		err := db.Update(ctx, func(tx *store.Tx) (err error) {
			first, err = tx.NextBlock(ctx, "booking", idBlockSize)
			return err
		})
		if err != nil {
			return 0, err
		}
		b.at, b.before = first, first+idBlockSize
	}
	n := b.at
	b.at++
	return uint64(n), nil
}
