package model_test

import (
	"fmt"
	"testing"
)

// waiter is what is known of somebody's time in line, in instants of one clock. Each happened somewhere between the
// call and the return of what brought it about; 0 is never.
type waiter struct {
	id      string
	slots   map[string]bool // hours they could use
	units   int
	joining int64 // the call that put them in line
	joined  int64 // its return
	away    int64 // the first instant at which they may be out of line, or unable to take a place, for another reason
	slot    string
	before  int64 // they were served after this,
	served  int64 // and not later than that
}

// overtaken lists who was served although somebody who joined before could have been. Where the history leaves open
// which came first, nobody is accused.
func overtaken(line []waiter) (out []string) {
	never := func(at int64) int64 {
		if at == 0 {
			return 1<<63 - 1
		}
		return at
	}
	for _, late := range line {
		if late.served == 0 {
			continue
		}
		for _, early := range line {
			stood := early.joined != 0 && early.joined < late.joining && // in line before the other asked to be
				never(early.away) > late.served && (early.served == 0 || early.before >= late.served) // and still there when the other was served
			if stood && early.slots[late.slot] && early.units <= late.units {
				out = append(out, fmt.Sprintf("%s was served in %s before %s", late.id, late.slot, early.id))
			}
		}
	}
	return out
}

func TestOvertakingIsSeen(t *testing.T) {
	nine := map[string]bool{"nine": true}
	both := map[string]bool{"nine": true, "ten": true}
	a := waiter{id: "a", slots: nine, units: 1, joining: 1, joined: 2}
	served := func(w waiter, slot string, before, at int64) waiter {
		w.slot, w.before, w.served = slot, before, at
		return w
	}
	b := served(waiter{id: "b", slots: both, units: 1, joining: 3, joined: 4}, "nine", 5, 6)
	with := func(w waiter, change func(*waiter)) waiter { change(&w); return w }
	for name, c := range map[string]struct {
		line []waiter
		want int
	}{
		"nobody":                            {nil, 0},
		"the first is passed over":          {[]waiter{a, b}, 1},
		"in whatever order they are listed": {[]waiter{b, a}, 1},
		"the first was served before":       {[]waiter{served(a, "nine", 3, 5), b}, 0},
		"the first was served after":        {[]waiter{served(a, "nine", 6, 8), b}, 1},
		"either may have been first":        {[]waiter{served(a, "nine", 5, 8), b}, 0},
		"the first wants another hour":      {[]waiter{with(a, func(w *waiter) { w.slots = map[string]bool{"ten": true} }), b}, 0},
		"the first wants more":              {[]waiter{with(a, func(w *waiter) { w.units = 2 }), b}, 0},
		"the first wants as many":           {[]waiter{with(a, func(w *waiter) { w.units = 2 }), with(b, func(w *waiter) { w.units = 2 })}, 1},
		"the first had left":                {[]waiter{with(a, func(w *waiter) { w.away = 5 }), b}, 0},
		"the first left afterwards":         {[]waiter{with(a, func(w *waiter) { w.away = 7 }), b}, 1},
		"both joined at once":               {[]waiter{with(a, func(w *waiter) { w.joined = 4 }), b}, 0},
		"nobody knows whether it joined":    {[]waiter{with(a, func(w *waiter) { w.joined = 0 }), b}, 0},
		"three, the last is served":         {[]waiter{a, with(a, func(w *waiter) { w.id = "c" }), b}, 2},
	} {
		if got := overtaken(c.line); len(got) != c.want {
			t.Errorf("%s: %v, want %d", name, got, c.want)
		}
	}
}
