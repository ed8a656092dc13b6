package app

import (
	"context"
	"runtime"
	"sync"
)

// onAllCores does one thing to each part, as many parts at a time as there are cores. The first error ends it; parts that
// are under way then see their context end.
func onAllCores[T any](ctx context.Context, parts []T, do func(ctx context.Context, part T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	line := make(chan T)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for part := range line {
				if ctx.Err() != nil {
					continue
				}
				if err := do(ctx, part); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, part := range parts {
		line <- part
	}
	close(line)
	wg.Wait()
	return context.Cause(ctx)
}
