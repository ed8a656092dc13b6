package booking_test

import (
	"fmt"
	"testing"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// family asks for one number of an hour each, for people whose claims are known.
func family(f *booking.Facts, key string, hours ...int) *booking.Together {
	r := &booking.Together{}
	for i, hour := range hours {
		who := identity.Key(fmt.Sprintf("%s-%d", key, i))
		f.SetKnown(who)
		r.Books = append(r.Books, book(func(b *booking.Book) {
			b.Key, b.Applicant, b.For, b.SlotID = booking.TogetherKey(key, i), booking.Other, who, slot(hour, 0, 0).ID
		}))
	}
	return r
}

func TestSeveralAreBookedTogetherOrNoneIs(t *testing.T) {
	f := world(slot(9, 5, 0), slot(10, 5, 0), slot(11, 1, 0))
	three := family(f, "family-1", 9, 9, 10)
	out, c := decide(t, now, f, three)
	if out[0].Fault != nil || len(three.Answers) != 3 || len(c.Insert) != 3 || c.Slots[slot(9, 0, 0).ID] != 2 || c.Slots[slot(10, 0, 0).ID] != 1 {
		t.Fatalf("%v %+v", out, c.Slots)
	}
	if out, c := decide(t, now, f, three); out[0].Fault != nil || len(three.Answers) != 3 || !three.Answers[2].Replayed || !c.Empty() {
		t.Errorf("a repetition: %+v", out)
	}
	// They count once: one more hour is free to their booker, theirs is not.
	single := func(hour int) fault.Code {
		out, _ := decide(t, now, f, book(func(b *booking.Book) { b.SlotID, b.Offer.Item = slot(hour, 0, 0).ID, fmt.Sprint("SI-", hour) }))
		return code(out[0])
	}
	if got := single(9); got != fault.SameHour {
		t.Errorf("in their hour: %q", got)
	}
	// One place too few, and a second person who holds the item: all or none, and nothing is left behind.
	for name, r := range map[string]*booking.Together{"full": family(f, "family-2", 11, 11), "held": family(f, "family-3", 11, 10)} {
		want := fault.SoldOut
		if name == "held" {
			r.Books[1].For, want = three.Books[0].For, fault.AlreadyBooked
			r.Books[0].SlotID = slot(11, 0, 0).ID
		}
		for _, b := range r.Books {
			b.Who.Key = "bea"
		}
		out, c := decide(t, now, f, r)
		if code(out[0]) != want || out[0].Fault.Args["applicant"] != "2" {
			t.Errorf("%s: %v", name, out[0].Fault)
		}
		if len(c.Insert)+len(c.Take)+len(c.Events)+len(c.Messages)+len(c.Slots)+len(r.Answers) != 0 || f.Slots[slot(11, 0, 0).ID].Taken != 0 {
			t.Errorf("%s left something behind: %+v", name, c)
		}
	}
}
