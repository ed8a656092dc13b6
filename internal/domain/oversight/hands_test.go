package oversight_test

import (
	"testing"

	"suiyue/internal/domain/oversight"
)

// over is a place that a giver gave up and a taker took, each written as account:applicant.
func over(given, taken, giver, giverFor, taker, takerFor string) oversight.Handover {
	return oversight.Handover{Given: given, Taken: taken, Giver: giver, Taker: taker, GiverApplicant: giverFor, TakerApplicant: takerFor}
}

func TestArt22_HandsThatBelongTogether(t *testing.T) {
	for name, c := range map[string]struct {
		over []oversight.Handover
		want int64
	}{
		"nothing":                       {nil, 0},
		"strangers":                     {[]oversight.Handover{over("1", "2", "ann", "ann", "dan", "dan")}, 0},
		"the same person again":         {[]oversight.Handover{over("1", "2", "ann", "ann", "ann", "ann")}, 0},
		"one account, another person":   {[]oversight.Handover{over("1", "2", "ann", "bob", "ann", "cid")}, 1},
		"two accounts, the same person": {[]oversight.Handover{over("1", "2", "ann", "bob", "dan", "bob")}, 1},
		"two accounts of one circle": {[]oversight.Handover{
			over("1", "2", "ann", "bob", "dan", "bob"), over("3", "4", "ann", "ann", "dan", "dan"),
		}, 2},
		"strangers, twice": {[]oversight.Handover{
			over("1", "2", "ann", "ann", "dan", "dan"), over("3", "4", "ann", "ann", "dan", "dan"),
		}, 2},
		"one place given up, two taken by one account": {[]oversight.Handover{
			over("1", "2", "ann", "ann", "dan", "dan"), over("1", "3", "ann", "ann", "dan", "dan"),
		}, 0},
		"two places given up, one taken": {[]oversight.Handover{
			over("1", "3", "ann", "ann", "dan", "dan"), over("2", "3", "ann", "ann", "dan", "dan"),
		}, 0},
		"one place given up, taken by a stranger and by a relative": {[]oversight.Handover{
			over("1", "2", "ann", "bob", "dan", "dan"), over("1", "3", "ann", "bob", "ann", "cid"),
		}, 1},
		"one place given up, taken by two relatives": {[]oversight.Handover{
			over("1", "2", "ann", "bob", "ann", "cid"), over("1", "3", "ann", "bob", "ann", "eve"),
		}, 1},
	} {
		if h := oversight.HandsOf(nil, 9, c.over, 1); h.Regrab != c.want || h.Given != 9 {
			t.Errorf("%s: %d of %d, want %d of 9", name, h.Regrab, h.Given, c.want)
		}
	}
	for family, want := range map[int]int64{1: 4, 2: 3, 3: 3, 4: 0} {
		if h := oversight.HandsOf([]int64{1, 4, 2}, 0, nil, family); h.Bookings != 7 || h.Accounts != 3 || h.Top != want {
			t.Errorf("families of %d: %+v; of seven bookings of three accounts, %d beyond the first of those that hold more", family, h, want)
		}
	}
}
