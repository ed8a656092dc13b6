package draw_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/domain/draw"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

const id = "440103000000-social-20261124"

func counting() []byte {
	seed := make([]byte, draw.SeedSize)
	for i := range seed {
		seed[i] = byte(i)
	}
	return seed
}

func asked(n int) draw.Request {
	return draw.Request{Draw: id, Item: "SI-0001", Slot: fmt.Sprintf("440103000000-social-20261209-%02d", 9+n%2), Stage: "acceptance", Units: 1}
}

// The rule is public: these values were computed by another program from its description.
func TestFixedVectors(t *testing.T) {
	if got := draw.Commit(id, counting()); got != "c6ce92d9e35f01047dc9568be1601d5b3d57350aaa557bc1d9705ee9ee12c4af" {
		t.Errorf("commitment %s", got)
	}
	want := []string{
		"48dde481f2702c6e9f27ae20816ee2d1aa012babaef54dc5ff902f022f1c89ac", "2f0891fd1261a6c34a2868f85101a6a4ec8d1c96b77dc5b78a174af6ce89ac31",
		"7d134a3ba5c91ec7fbde3cc956d51646349220a45b17de2daa4ff23fb45706ff", "534fc58045c74b05e740b55582fa2ee178da0cac35a1f65c73f702f9c6192ae7",
	}
	var got []string
	for i := range want {
		got = append(got, asked(i).Entry(fmt.Sprintf("%032x", i)))
	}
	if !slices.Equal(got, want) {
		t.Errorf("entries %v", got)
	}
	if order := draw.Order(counting(), got); !slices.Equal(order, []string{want[0], want[1], want[3], want[2]}) {
		t.Errorf("order %v", order)
	}
	if got := draw.ID("440103000000-social", time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)); got != id {
		t.Errorf("id %s", got)
	}
}

// Whatever part of what is hashed changes, the hash does; parts cannot be shifted into each other.
func TestHashesBindEveryPart(t *testing.T) {
	seen := map[string]string{}
	note := func(what, hash string) {
		if was, again := seen[hash]; again {
			t.Errorf("%s has the hash of %s", what, was)
		}
		seen[hash] = what
	}
	r := asked(0)
	note("as it is", r.Entry("00"))
	note("salt", r.Entry("01"))
	for what, change := range map[string]func(*draw.Request){
		"draw": func(r *draw.Request) { r.Draw += "1" }, "item": func(r *draw.Request) { r.Item += "1" }, "slot": func(r *draw.Request) { r.Slot += "1" },
		"stage": func(r *draw.Request) { r.Stage = "collection" }, "units": func(r *draw.Request) { r.Units = 2 },
		"shifted": func(r *draw.Request) { r.Draw, r.Item = r.Draw+"7", strings.TrimPrefix(r.Item, "S") },
	} {
		q := r
		change(&q)
		note(what, q.Entry("00"))
	}
	note("commitment", draw.Commit(id, counting()))
	note("commitment of another draw", draw.Commit(id+"1", counting()))
}

func seeds(t *rapid.T) []byte { return rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed") }

// The order is a permutation of the list, and the order things came in has no part in it.
func TestOrderDoesNotKnowArrival(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := seeds(t)
		entries := rapid.SliceOfDistinct(rapid.StringMatching(`[0-9a-f]{64}`), rapid.ID).Draw(t, "entries")
		order := draw.Order(seed, entries)
		shuffled := rapid.Permutation(entries).Draw(t, "shuffled")
		if again := draw.Order(seed, append(shuffled, entries...)); !slices.Equal(order, again) {
			t.Fatalf("another arrival, or entries given twice, change the order:\n%v\n%v", order, again)
		}
		slices.Sort(entries)
		slices.Sort(order)
		if !slices.Equal(entries, order) {
			t.Fatal("the order is not one of the entries")
		}
	})
}

// Who is taken off the list changes the place of nobody else among each other.
func TestOrderOfTheOthersStays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := seeds(t)
		entries := rapid.SliceOfNDistinct(rapid.StringMatching(`[0-9a-f]{64}`), 2, 40, rapid.ID).Draw(t, "entries")
		out := rapid.IntRange(0, len(entries)-1).Draw(t, "out")
		gone := entries[out]
		want := slices.DeleteFunc(draw.Order(seed, entries), func(e string) bool { return e == gone })
		if got := draw.Order(seed, slices.Delete(slices.Clone(entries), out, out+1)); !slices.Equal(got, want) {
			t.Fatal("others changed places")
		}
	})
}

// correlation is Pearson's, of two lists as long as each other.
func correlation(x, y []float64) float64 {
	n := float64(len(x))
	var sx, sy, sxx, syy, sxy float64
	for i := range x {
		sx, sy = sx+x[i], sy+y[i]
		sxx, syy, sxy = sxx+x[i]*x[i], syy+y[i]*y[i], sxy+x[i]*y[i]
	}
	return (n*sxy - sx*sy) / math.Sqrt((n*sxx-sx*sx)*(n*syy-sy*sy))
}

// Arrival and place have nothing to do with each other: over 40 draws of 1,000 entries the correlation is
// within ± 0.02, and so is that of arrival and success where a third gets a number.
func TestArrivalGivesNoAdvantage(t *testing.T) {
	chance := rand.New(rand.NewPCG(2021, 2))
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := 0; i < n; i += 8 {
			binary.LittleEndian.PutUint64(b[i:], chance.Uint64())
		}
		return b
	}
	const draws, people = 40, 1000
	var arrival, place, success []float64
	for range draws {
		entries := make([]string, people)
		for i := range entries {
			entries[i] = asked(i).Entry(fmt.Sprintf("%x", random(draw.SaltSize)))
		}
		at := map[string]int{}
		for i, e := range draw.Order(random(draw.SeedSize), entries) {
			at[e] = i
		}
		for i, e := range entries {
			arrival, place = append(arrival, float64(i)), append(place, float64(at[e]))
			got := 0.0
			if at[e] < people/3 {
				got = 1
			}
			success = append(success, got)
		}
	}
	if c := correlation(arrival, place); math.Abs(c) > .02 {
		t.Errorf("correlation of arrival and place %.4f", c)
	}
	if c := correlation(arrival, success); math.Abs(c) > .02 {
		t.Errorf("correlation of arrival and success %.4f", c)
	}
}

func TestEnter(t *testing.T) {
	noon := time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
	d := &draw.Draw{ID: id, Release: noon, Until: noon.Add(time.Minute), State: draw.Announced}
	closed := *d
	closed.State = draw.Closed
	one := draw.Entry{Draw: id, Booker: "ann", Applicant: "ann", Item: "SI-0001", SlotID: "s", Stage: "acceptance", Units: 1, Key: "key-0001", Hash: "h", At: noon}
	with := func(change func(*draw.Entry)) draw.Entry {
		e := one
		e.Key, e.Salt = "key-0002", "another"
		change(&e)
		return e
	}
	stood := []draw.Entry{one}
	for name, c := range map[string]struct {
		d        *draw.Draw
		have     []draw.Entry
		e        draw.Entry
		replayed bool
		want     fault.Code
	}{
		"the first instant":                  {d, nil, one, false, ""},
		"the last":                           {d, nil, with(func(e *draw.Entry) { e.At = d.Until.Add(-1) }), false, ""},
		"too early":                          {d, nil, with(func(e *draw.Entry) { e.At = noon.Add(-1) }), false, fault.NotReleased},
		"too late":                           {d, nil, with(func(e *draw.Entry) { e.At = d.Until }), false, fault.DrawRunning},
		"closed":                             {&closed, nil, one, false, fault.DrawRunning},
		"the same key":                       {d, stood, one, true, ""},
		"the same key, after it was closed":  {&closed, stood, one, true, ""},
		"the same key for something else":    {d, stood, with(func(e *draw.Entry) { e.Key, e.Hash = one.Key, "other" }), false, fault.KeyReused},
		"the same again under another key":   {d, stood, with(func(*draw.Entry) {}), true, ""},
		"another hour":                       {d, stood, with(func(e *draw.Entry) { e.SlotID = "s2" }), false, fault.DrawOnce},
		"for somebody else":                  {d, stood, with(func(e *draw.Entry) { e.Applicant = "bea" }), false, fault.DrawOnce},
		"by somebody else for the same":      {d, stood, with(func(e *draw.Entry) { e.Booker = "bea" }), false, fault.DrawOnce},
		"another item":                       {d, stood, with(func(e *draw.Entry) { e.Item = "SI-0002" }), false, ""},
		"another person":                     {d, stood, with(func(e *draw.Entry) { e.Booker, e.Applicant = "bea", "bea" }), false, ""},
		"another person with the same key":   {d, stood, with(func(e *draw.Entry) { e.Booker, e.Applicant, e.Key, e.Hash = "bea", "bea", one.Key, "x" }), false, ""},
		"the same person under the same key": {d, stood, with(func(e *draw.Entry) { e.Key, e.Item, e.Hash = one.Key, "SI-0002", "x" }), false, fault.KeyReused},
	} {
		got, replayed, err := draw.Enter(c.d, c.have, c.e)
		code := fault.Code("")
		if err != nil {
			code = err.Code
		}
		if code != c.want || replayed != c.replayed {
			t.Errorf("%s: %q, replayed %v; want %q, %v", name, code, replayed, c.want, c.replayed)
		}
		if want := c.e; err == nil {
			if replayed {
				want = one
			}
			if got.Salt != want.Salt || got.Key != want.Key {
				t.Errorf("%s: %+v stands", name, got)
			}
		}
	}
}

// More entries are no more chances: whatever one booker tries, for whomever, of one item one entry stands.
func TestEnterGivesOneChance(t *testing.T) {
	noon := time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
	d := &draw.Draw{ID: id, Release: noon, Until: noon.Add(time.Minute), State: draw.Announced}
	rapid.Check(t, func(t *rapid.T) {
		var have []draw.Entry
		for i := range rapid.IntRange(1, 30).Draw(t, "tries") {
			e := draw.Entry{
				Draw: id, Booker: identity.Key(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "booker")), Applicant: identity.Key(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "applicant")),
				Item: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "item"), SlotID: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "slot"),
				Key: fmt.Sprint("key-", rapid.IntRange(0, 9).Draw(t, "key")), Hash: fmt.Sprint(i), At: noon,
			}
			if got, replayed, err := draw.Enter(d, have, e); err == nil && !replayed {
				have = append(have, got)
			}
		}
		count := map[string]int{}
		for _, e := range have {
			count["booker "+string(e.Booker)+e.Item]++
			count["applicant "+string(e.Applicant)+e.Item]++
			count["key "+string(e.Booker)+e.Key]++
		}
		for what, n := range count {
			if n > 1 {
				t.Fatalf("%s has %d entries", what, n)
			}
		}
	})
}

func done(n int) *draw.Record {
	noon := time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
	r := &draw.Record{
		ID: id, State: "done", Release: noon, Until: noon.Add(time.Minute), Published: noon.Add(-72 * time.Hour),
		Commitment: draw.Commit(id, counting()), Seed: fmt.Sprintf("%x", counting()),
	}
	of := map[string]int{}
	var texts []string
	for i := range n {
		e := asked(i).Entry(fmt.Sprintf("%032x", i))
		of[e] = i
		texts = append(texts, e)
	}
	left := map[string]int{}
	for i, e := range draw.Order(counting(), texts) {
		l := draw.Line{Entry: e, Slot: asked(of[e]).Slot, Units: 1, Rank: i + 1, Outcome: "booked"}
		if left[l.Slot]++; left[l.Slot] > 3 {
			l.Outcome = "sold_out"
		}
		r.Entries = append(r.Entries, l)
	}
	return r
}

func TestCheckFindsEveryLie(t *testing.T) {
	if wrong, notYet := done(20).Check(); len(wrong) > 0 || notYet {
		t.Fatalf("an honest draw: %v", wrong)
	}
	before := done(0)
	before.State, before.Seed = "announced", ""
	if _, notYet := before.Check(); !notYet {
		t.Error("a commitment alone was checked")
	}
	for want, lie := range map[string]func(*draw.Record){
		"not the one committed to": func(r *draw.Record) { r.Seed = strings.Repeat("ab", 32) },
		"not 32 bytes":             func(r *draw.Record) { r.Seed = "ab" },
		"not before the release":   func(r *draw.Record) { r.Published = r.Release },
		"should be":                func(r *draw.Record) { r.Entries[0], r.Entries[1] = r.Entries[1], r.Entries[0] },
		"more than once":           func(r *draw.Record) { r.Entries = append(r.Entries, r.Entries[3]) },
		"says it is":               func(r *draw.Record) { r.Entries[4].Rank = 1 },
		"has no outcome":           func(r *draw.Record) { r.Entries[0].Outcome = "" },
		"after place":              func(r *draw.Record) { r.Entries[0].Outcome = "sold_out" },
	} {
		r := done(20)
		lie(r)
		if wrong, _ := r.Check(); !slices.ContainsFunc(wrong, func(w string) bool { return strings.Contains(w, want) }) {
			t.Errorf("%q not found: %v", want, wrong)
		}
	}
	r := done(20)
	if at := r.Find(asked(7), fmt.Sprintf("%032x", 7)); at == 0 || r.Entries[at-1].Slot != asked(7).Slot {
		t.Errorf("found at %d", at)
	}
	if at := r.Find(asked(7), "00"); at != 0 {
		t.Errorf("found by a wrong salt at %d", at)
	}
}
