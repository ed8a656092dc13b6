package store

import "context"

// NextBlock hands out n numbers of a counter that begins at 1 and returns the first of them. Numbers
// of a block that is not used up are never used.
func (tx *Tx) NextBlock(ctx context.Context, name string, n int64) (first int64, err error) {
	_, err = tx.one(ctx, "counter.next", `
insert into counter (name, next) values ($1, 1 + cast($2 as bigint))
on conflict (name) do update set next = counter.next + cast($2 as bigint) returning next - cast($2 as bigint)`, []any{name, n}, &first)
	return first, err
}
