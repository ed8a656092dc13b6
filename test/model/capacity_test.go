package model_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// numbers is how a slot stands: the state that what happens to it is checked against.
type numbers struct{ capacity, taken, held int }

func (n numbers) free() int { return n.capacity - n.taken - n.held }

// act is one thing that happened to one slot.
type act struct {
	slot  string
	kind  string // take, give, promote, more, open, look
	units int    // more: what the capacity is to be
}

// came is what it came to.
type came struct {
	yes     bool    // take: given; else sold out
	unknown bool    // nobody was told
	seen    numbers // look
}

// slotModel says what may come of an act, for each slot by itself.
func slotModel(initial map[string]numbers) porcupine.Model {
	m := porcupine.NondeterministicModel{
		Partition: func(history []porcupine.Operation) (out [][]porcupine.Operation) {
			at := map[string]int{}
			for _, o := range history {
				slot := o.Input.(act).slot
				i, ok := at[slot]
				if !ok {
					i = len(out)
					at[slot], out = i, append(out, nil)
					// How it stood before anything happened.
					out[i] = append(out[i], porcupine.Operation{Input: act{slot: slot, kind: "begin"}, Output: came{seen: initial[slot]}, Call: -2, Return: -1})
				}
				out[i] = append(out[i], o)
			}
			return out
		},
		Init:              func() []any { return []any{numbers{}} },
		Step:              func(state, input, output any) []any { return step(state.(numbers), input.(act), output.(came)) },
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
	}
	return m.ToModel()
}

func step(n numbers, a act, c came) []any {
	switch a.kind {
	case "begin":
		return []any{c.seen}
	case "look":
		if n == c.seen {
			return []any{n}
		}
	case "take":
		after := n
		after.taken += a.units
		switch can := n.free() >= a.units; {
		case c.unknown && can:
			return []any{n, after}
		case c.unknown:
			return []any{n}
		case c.yes && can:
			return []any{after}
		case !c.yes && !can:
			return []any{n}
		}
	case "give": // held for the line
		after := n
		after.taken, after.held = n.taken-a.units, n.held+a.units
		switch can := n.taken >= a.units; {
		case c.unknown && can:
			return []any{n, after}
		case c.unknown:
			return []any{n}
		case can:
			return []any{after}
		}
	case "promote": // out of what is held, and for a batch what is free besides
		if held := min(n.held, a.units); held > 0 && a.units-held <= n.free() {
			n.held, n.taken = n.held-held, n.taken+a.units
			return []any{n}
		}
	case "more": // what is new is the line's
		if more := a.units - n.capacity; more >= 0 {
			n.capacity, n.held = a.units, n.held+more
			return []any{n}
		}
	case "open": // some of what is held is everybody's
		var out []any
		for held := 0; held <= n.held; held++ {
			out = append(out, numbers{n.capacity, n.taken, held})
		}
		return out
	}
	return nil
}

// linear tells whether a history could have come about one act after the other; an unknown one may lie anywhere after
// it began.
func linear(initial map[string]numbers, history []porcupine.Operation) (porcupine.CheckResult, porcupine.Model) {
	m := slotModel(initial)
	return porcupine.CheckOperationsTimeout(m, history, 2*time.Minute), m
}

func TestAHistoryThatCannotBeIsSeen(t *testing.T) {
	one := map[string]numbers{"nine": {capacity: 1}}
	op := func(call, ret int64, kind string, units int, c came) porcupine.Operation {
		return porcupine.Operation{ClientId: int(call), Input: act{"nine", kind, units}, Output: c, Call: call, Return: ret}
	}
	yes, no, unknown := came{yes: true}, came{}, came{unknown: true}
	const open = 1 << 62
	for name, c := range map[string]struct {
		history []porcupine.Operation
		want    bool
	}{
		"one number, one taker":                        {[]porcupine.Operation{op(1, 2, "take", 1, yes), op(3, 4, "take", 1, no)}, true},
		"one number, two takers":                       {[]porcupine.Operation{op(1, 4, "take", 1, yes), op(2, 3, "take", 1, yes)}, false},
		"sold out while it is free":                    {[]porcupine.Operation{op(1, 2, "take", 1, no)}, false},
		"sold out while somebody is just taking it":    {[]porcupine.Operation{op(1, 4, "take", 1, yes), op(2, 3, "take", 1, no)}, true},
		"given back and not everybody's at once":       {[]porcupine.Operation{op(1, 2, "take", 1, yes), op(3, 4, "give", 1, yes), op(5, 6, "take", 1, no)}, true},
		"given back and everybody's at once":           {[]porcupine.Operation{op(1, 2, "take", 1, yes), op(3, 4, "give", 1, yes), op(5, 6, "take", 1, yes)}, false},
		"given back and opened":                        {[]porcupine.Operation{op(1, 2, "take", 1, yes), op(3, 4, "give", 1, yes), op(4, 5, "open", 0, yes), op(5, 6, "take", 1, yes)}, true},
		"given back and given to the line":             {[]porcupine.Operation{op(1, 2, "take", 1, yes), op(3, 4, "give", 1, yes), op(4, 5, "promote", 1, yes)}, true},
		"given to the line twice":                      {[]porcupine.Operation{op(1, 2, "take", 1, yes), op(3, 4, "give", 1, yes), op(4, 5, "promote", 1, yes), op(4, 6, "promote", 1, yes)}, false},
		"given to the line though nothing was held":    {[]porcupine.Operation{op(1, 2, "promote", 1, yes)}, false},
		"given back twice":                             {[]porcupine.Operation{op(1, 2, "take", 1, yes), op(3, 4, "give", 1, yes), op(5, 6, "give", 1, yes)}, false},
		"nobody knows whether it was taken: it was":    {[]porcupine.Operation{op(1, open, "take", 1, unknown), op(3, 4, "take", 1, no)}, true},
		"nobody knows whether it was taken: it wasn't": {[]porcupine.Operation{op(1, open, "take", 1, unknown), op(3, 4, "take", 1, yes)}, true},
		"nobody knows, but it was seen":                {[]porcupine.Operation{op(1, open, "take", 1, unknown), op(3, 4, "look", 0, came{seen: numbers{1, 1, 0}})}, true},
		"more numbers are the line's":                  {[]porcupine.Operation{op(1, 2, "more", 2, yes), op(3, 4, "look", 0, came{seen: numbers{2, 0, 1}})}, true},
		"more numbers are everybody's":                 {[]porcupine.Operation{op(1, 2, "more", 2, yes), op(3, 4, "look", 0, came{seen: numbers{2, 0, 0}})}, false},
		"a number is lost":                             {[]porcupine.Operation{op(1, 2, "look", 0, came{seen: numbers{1, 1, 0}})}, false},
	} {
		got, _ := linear(one, c.history)
		if (got == porcupine.Ok) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
