package feed

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/oversight"
)

var (
	day = calendar.MakeDate(2026, time.December, 1)
	now = day.At(10, 0)
)

func good() Record {
	return Record{
		Row: "b-1", Version: 1, Kind: oversight.BookingRecord, At: now.Add(-time.Minute), HallID: "h", Date: day + 1, Hour: 10, Item: "I", Units: 1, State: Booked, Applicant: booking.Self,
		Party: booking.Party{Name: "陈示例", Document: identity.SyntheticResident(identity.SyntheticArea, calendar.MakeDate(1980, 1, 1), 1)},
	}
}

func TestARecordIsCheckedFieldByField(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Record)
		path   string
		code   fault.Code
	}{
		{"good", func(*Record) {}, "", ""},
		{"guid", func(r *Record) { r.Row = "{0A1B-2C}" }, "", ""},
		{"row", func(r *Record) { r.Row = "a b" }, "row", fault.BadFormat},
		{"row that is two", func(r *Record) { r.Row = "a:b" }, "row", fault.BadFormat},
		{"no version", func(r *Record) { r.Version = 0 }, "version", fault.OutOfRange},
		{"kind", func(r *Record) { r.Kind = "wish" }, "kind", fault.NotOneOf},
		{"tomorrow", func(r *Record) { r.At = now.Add(Ahead + time.Second) }, "at", fault.DateInFuture},
		{"their clock is a little fast", func(r *Record) { r.At = now.Add(Ahead) }, "", ""},
		{"no hour", func(r *Record) { r.Hour = -1 }, "hour", fault.Required},
		{"no item", func(r *Record) { r.Item = "" }, "item", fault.Required},
		{"state of another kind", func(r *Record) { r.State = Arrived }, "state", fault.NotOneOf},
		{"nobody", func(r *Record) { r.Applicant = "" }, "applicant", fault.Required},
		{"nobody, cancelled", func(r *Record) { r.Applicant, r.State = "", Cancelled }, "", ""},
		{"nobody, removed", func(r *Record) { r.Applicant, r.State, r.Removed, r.Hour = "", "", true, -1 }, "", ""},
		{"document", func(r *Record) { r.Party.Document.Number = "1" }, "applicant.document.number", ""},
		{"capacity below nothing", func(r *Record) { r.Kind, r.State, r.Number = oversight.CapacityRecord, "", -1 }, "number", fault.OutOfRange},
		{"capacity", func(r *Record) { r.Kind, r.State, r.Number = oversight.CapacityRecord, "", 7 }, "", ""},
		{"grade", func(r *Record) { r.Kind, r.State, r.Number = oversight.EvaluationRecord, "", 6 }, "number", fault.OutOfRange},
		{"called", func(r *Record) { r.Kind, r.State = oversight.CallRecord, Called }, "", ""},
		{"long ago", func(r *Record) { r.Date = day - 3*366 }, "date", fault.OutOfRange},
	} {
		r := good()
		c.change(&r)
		wrong := r.Check(now)
		switch {
		case c.path == "" && len(wrong) > 0:
			t.Errorf("%s: %v", c.name, wrong)
		case c.path != "" && !slices.ContainsFunc(wrong, func(f fault.Field) bool { return f.Path == c.path && (c.code == "" || f.Code == c.code) }):
			t.Errorf("%s: %v, want %s %s", c.name, wrong, c.path, c.code)
		}
	}
}

func TestVersionsInAnyOrder(t *testing.T) {
	k := &Known{Version: 3, Kind: oversight.BookingRecord, Digests: map[int64]string{3: "c", 1: "a"}}
	for _, c := range []struct {
		version int64
		digest  string
		kind    oversight.RecordKind
		want    Verdict
	}{
		{3, "c", oversight.BookingRecord, Duplicate}, {3, "x", oversight.BookingRecord, Rejected}, {1, "a", oversight.BookingRecord, Duplicate},
		{2, "b", oversight.BookingRecord, Superseded}, {4, "d", oversight.BookingRecord, Accepted}, {4, "d", oversight.ResultRecord, Rejected},
	} {
		r := good()
		r.Version, r.Kind = c.version, c.kind
		if got, _ := k.Judge(&r, c.digest); got != c.want {
			t.Errorf("version %d, %s: %s, want %s", c.version, c.digest, got, c.want)
		}
	}
}

// However the numbers come, what is expected in the end is every number from the first that came to the highest, each
// on its own day once it is there, and nothing is ever received that was not expected.
func TestRunningNumbersFindEveryGap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "n")
		seed := rapid.Uint64().Draw(t, "seed")
		lost := rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "lost")
		rnd := rand.New(rand.NewPCG(seed, 1))
		order := rnd.Perm(n)
		slices.SortFunc(order, func(a, b int) int { // near their order, the first in front
			return a/5 - b/5
		})
		if i := slices.Index(order, 0); i >= 0 {
			order[0], order[i] = order[i], order[0]
		}
		lost[0] = false
		l, sums, top := &Line{}, map[calendar.Date]oversight.SourceDay{}, 0
		for _, i := range order {
			if lost[i] {
				continue
			}
			top = max(top, i)
			r := good()
			r.Seq, r.Date = int64(i+1), day+calendar.Date(i%3)
			for _, d := range Count(l, &r, "S", time.Hour, now) {
				sums[d.Date] = sums[d.Date].Plus(d)
			}
			for d, s := range sums {
				if !s.Sane() {
					t.Fatalf("on %v: %+v", d, s)
				}
			}
		}
		var all oversight.SourceDay
		for _, s := range sums {
			all = all.Plus(s)
		}
		came := 0
		for i := range top + 1 {
			if !lost[i] {
				came++
			}
		}
		if all.Received != int64(came) || all.Expected != int64(top+1) {
			t.Fatalf("%d received of %d, want %d of %d", all.Received, all.Expected, came, top+1)
		}
	})
}

func TestALineIsBounded(t *testing.T) {
	l := &Line{Top: 5}
	if l.Fits(6+MostJump) || !l.Fits(5+MostJump) {
		t.Error("a jump of any length is waited for")
	}
	for i := range int64(MostGaps + 50) {
		l.Take(7+2*i, day)
	}
	if len(l.Gaps) != MostGaps {
		t.Errorf("%d gaps are kept", len(l.Gaps))
	}
	if missing, from := l.Take(6, day); missing != 0 || from != 0 {
		t.Errorf("a number that was given up: %d missing, expected of %v", missing, from)
	}
}
