package draw

import (
	"encoding/hex"
	"fmt"
	"time"
)

// Record is what is published of a draw. Before it is done it has a commitment and nothing to check.
type Record struct {
	ID         string    `json:"id" doc:"Queue and day of the release."`
	Hall       string    `json:"hall"`
	Queue      string    `json:"queue"`
	Release    time.Time `json:"release" doc:"From when entries were, or will be, taken."`
	Until      time.Time `json:"until" doc:"When the draw's minute ends."`
	State      string    `json:"state" enum:"announced,closed,done"`
	Published  time.Time `json:"published" doc:"When the commitment was published."`
	Commitment string    `json:"commitment" doc:"SHA-256 of \"suiyue draw seed 1\\n\", id, \"\\n\" and the 32 bytes of the seed; hexadecimal."`
	Seed       string    `json:"seed,omitempty" doc:"32 bytes, hexadecimal; published when the draw is done."`
	Entries    []Line    `json:"entries" nullable:"false" doc:"Empty until the draw is done; then all of them in drawn order: ascending HMAC-SHA-256(seed, entry)."`
}

// Line is one entry on the public list.
type Line struct {
	Entry   string `json:"entry" doc:"Salted hash of the request; who made it has the salt on the receipt."`
	Slot    string `json:"slot"`
	Units   int    `json:"units"`
	Rank    int    `json:"rank" doc:"Place in the drawn order, from 1."`
	Outcome string `json:"outcome" doc:"booked, or the code of what stood against it."`
}

// findingsShown is how much of the same is told.
const findingsShown = 20

// Check recomputes a published draw and returns what is not as it must be, nothing if all is. It needs
// nothing but the record. notYet tells that there is only a commitment so far.
//
//   - the seed is the one that was committed to;
//   - the entries are in the order that follows from seed and entries, each once, with its rank;
//   - nobody was told that a slot is sold out before somebody later in the order got as many numbers of it.
func (r *Record) Check() (wrong []string, notYet bool) {
	if r.State != string(Done) {
		return nil, true
	}
	say := func(format string, args ...any) {
		if len(wrong) < findingsShown {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	seed, err := hex.DecodeString(r.Seed)
	if err != nil || len(seed) != SeedSize {
		return []string{"the seed is not 32 bytes in hexadecimal"}, false
	}
	if got := Commit(r.ID, seed); got != r.Commitment {
		say("the seed is not the one committed to: its commitment is %s, published was %s", got, r.Commitment)
	}
	if !r.Published.Before(r.Release) {
		say("the commitment was published at %s, not before the release", r.Published.Format(time.RFC3339))
	}
	texts := make([]string, len(r.Entries))
	for i, e := range r.Entries {
		texts[i] = e.Entry
	}
	order := Order(seed, texts)
	if len(order) != len(texts) {
		say("%d entries are on the list more than once", len(texts)-len(order))
	}
	refused := map[string]Line{} // by slot: the one turned away with the fewest units
	for i, e := range r.Entries {
		if i < len(order) && order[i] != e.Entry {
			say("place %d: %s is there, %s should be", i+1, e.Entry, order[i])
		}
		if e.Rank != i+1 {
			say("place %d: %s says it is %d", i+1, e.Entry, e.Rank)
		}
		before, any := refused[e.Slot]
		switch e.Outcome {
		case string(Booked):
			if any && before.Units <= e.Units {
				say("place %d got a number of %s after place %d was told it is sold out", e.Rank, e.Slot, before.Rank)
			}
		case "sold_out":
			if !any || e.Units < before.Units {
				refused[e.Slot] = e
			}
		case "":
			say("place %d: %s has no outcome", e.Rank, e.Entry)
		}
	}
	return wrong, false
}

// Find returns the place of a request on the list, 0 if it is not there.
func (r *Record) Find(q Request, salt string) int {
	q.Draw = r.ID
	text := q.Entry(salt)
	for _, e := range r.Entries {
		if e.Entry == text {
			return e.Rank
		}
	}
	return 0
}
