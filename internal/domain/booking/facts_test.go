package booking

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"suiyue/internal/domain/identity"
)

// Claims are found, listed in the order in which they were put, and gone once dropped, as in a plain list.
func TestClaimsOfAGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, plain := NewFacts(), []Claim{}
		ref := rapid.Custom(func(t *rapid.T) Ref {
			return Ref{identity.Key(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "person")), rapid.SampledFrom([]string{"1", "2", "3", "4", "5"}).Draw(t, "name")}
		})
		for range rapid.IntRange(0, 100).Draw(t, "steps") {
			r := ref.Draw(t, "ref")
			at := slices.IndexFunc(plain, func(c Claim) bool { return c.Ref() == r })
			if c, ok := f.Claim(r); ok != (at >= 0) || ok && c != plain[at] {
				t.Fatalf("%v is %v %t, want %v at %d", r, c, ok, plain, at)
			}
			switch {
			case rapid.Bool().Draw(t, "drop"):
				f.drop(r)
				if at >= 0 {
					plain = slices.Delete(plain, at, at+1)
				}
			case at < 0:
				c := Claim{Person: r.Person, Name: r.Name, Booking: rapid.StringN(1, 3, -1).Draw(t, "booking")}
				f.Put(c)
				plain = append(plain, c)
			}
			var of []Claim
			for c := range f.of(r.Person) {
				of = append(of, *c)
			}
			want := slices.DeleteFunc(slices.Clone(plain), func(c Claim) bool { return c.Person != r.Person })
			if !slices.Equal(of, want) {
				t.Fatalf("%s holds %v, want %v", r.Person, of, want)
			}
		}
	})
}
