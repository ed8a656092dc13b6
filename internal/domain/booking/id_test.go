package booking

import (
	"cmp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestIDs(t *testing.T) {
	for n, want := range map[uint64]string{0: "00000000", 1: "00000001", 31: "0000000Z", 32: "00000010", IDs - 1: "ZZZZZZZZ", IDs: ""} {
		if got := IDOf(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
	for _, id := range []string{"", "0000000", "000000000", "0000000i", "0000000I", "0000000U", "0000-000", "０00000"} {
		if _, ok := NumberOfID(id); ok {
			t.Errorf("%q was read", id)
		}
	}
	number := rapid.Uint64Range(0, IDs-1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		if n, ok := NumberOfID(IDOf(a)); !ok || n != a {
			t.Fatalf("%d came back as %d", a, n)
		}
		if strings.Compare(IDOf(a), IDOf(b)) != cmp.Compare(a, b) {
			t.Fatalf("ids of %d and %d sort otherwise", a, b)
		}
	})
}

func FuzzNumberOfID(f *testing.F) {
	f.Add("0000000Z")
	f.Fuzz(func(t *testing.T, id string) {
		if n, ok := NumberOfID(id); ok && IDOf(n) != id {
			t.Fatalf("%q reads as %d, which is %q", id, n, IDOf(n))
		}
	})
}
