package store

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"suiyue/internal/domain/oversight"
)

// Everything that is counted has a code of its own, and figures come back as they were.
func TestArt21_FiguresAreKeptAsTheyWereCounted(t *testing.T) {
	for _, k := range oversight.Counters {
		if !slices.Contains(counterCodes, k) {
			t.Errorf("%s has no code", k)
		}
	}
	if len(counterCodes) != len(oversight.Counters) || !slices.Equal(spellCodes, oversight.Spells) {
		t.Error("codes for what is not counted")
	}
	counts := rapid.Custom(func(t *rapid.T) (c oversight.Counts) {
		for range rapid.IntRange(0, 8).Draw(t, "counters") {
			c.Count(rapid.SampledFrom(oversight.Counters).Draw(t, "counter"), rapid.Int64Range(-9, 1<<40).Draw(t, "n"))
		}
		for range rapid.IntRange(0, 20).Draw(t, "spells") {
			c.Lasted(rapid.SampledFrom(oversight.Spells).Draw(t, "spell"), rapid.IntRange(0, 700).Draw(t, "minutes"), 1)
		}
		return c
	})
	rapid.Check(t, func(t *rapid.T) {
		total := counts.Draw(t, "total")
		if got, err := readTotal(writeTotal(total)); err != nil || !got.Equal(total) {
			t.Fatalf("%v came back as %v (%v)", total, got, err)
		}
		by := rapid.MapOf(rapid.SampledFrom([]oversight.Dimension{oversight.ByQueue, oversight.ByItem, oversight.ByQueueHour}),
			rapid.MapOf(rapid.StringMatching(`[ab]{0,4}(\|0[0-9])?`), counts)).Draw(t, "parts")
		kept := writeParts(by)
		got, err := readParts(kept)
		if err != nil || len(got) != len(by) {
			t.Fatalf("%v came back as %v (%v)", by, got, err)
		}
		for d, parts := range by {
			if len(parts) != len(got[d]) {
				t.Fatalf("%s: %v came back as %v", d, parts, got[d])
			}
			for key, c := range parts {
				if !c.Equal(got[d][key]) {
					t.Fatalf("%s %s: %v came back as %v", d, key, c, got[d][key])
				}
			}
		}
		if at := rapid.IntRange(0, len(kept)-1).Draw(t, "cut off"); at < len(kept) {
			if _, err := readParts(kept[:at]); err == nil {
				t.Fatalf("read what was cut off after %d of %d bytes", at, len(kept))
			}
		}
	})
	for _, bad := range [][]byte{nil, {}, {2}, {1}, {1, 1, 99, 2, 0}, {1, 0, 1, 9, 0}, {1, 0, 0, 7}, {1, 255, 255, 255, 255, 15}} {
		if c, err := readTotal(bad); err == nil {
			t.Errorf("%v read as %v", bad, c)
		}
	}
	if by, err := readParts(writeParts(nil)); err != nil || by != nil || !reflect.DeepEqual(by, map[oversight.Dimension]map[string]oversight.Counts(nil)) {
		t.Errorf("nothing came back as %v (%v)", by, err)
	}
}
