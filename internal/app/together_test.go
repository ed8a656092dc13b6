package app_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
)

// family is a request of a booker for others, from the n-th citizen on, in hours of a day.
func family(key string, n int, hours ...int) app.TogetherRequest {
	r := app.TogetherRequest{Key: key, Item: apptest.SocialCard, Stage: directory.Acceptance, Channel: booking.Web}
	for i, hour := range hours {
		p := apptest.Citizen(n + i)
		r.Slots = append(r.Slots, booking.SlotID(apptest.QueueA, hallDate+2, hour))
		r.Applicants = append(r.Applicants, app.Applicant{Kind: booking.Other, Name: p.Name, Document: p.Document})
	}
	return r
}

func TestArt18_SeveralPeopleInOneStep(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		_, who := f.SignIn(t, apptest.Citizen(1))
		r := family("family-0001", 10, 9, 9, 10)
		got, err := f.App.BookTogether(ctx, who, r)
		if err != nil || len(got) != 3 {
			t.Fatalf("%v %v", got, err)
		}
		again, err := f.App.BookTogether(ctx, who, r)
		if err != nil || len(again) != 3 {
			t.Fatalf("%v %v", again, err)
		}
		for i := range got {
			if !again[i].Replayed || again[i].View.Code != got[i].View.Code || got[i].View.Applicant.Name == apptest.Citizen(10+i).Name || got[i].View.Applicant.Name == "" {
				t.Errorf("%d: %+v and %+v", i, got[i].View, again[i].View)
			}
		}
		other := r
		other.Slots = []string{r.Slots[0], r.Slots[0], r.Slots[0]}
		_, err = f.App.BookTogether(ctx, who, other)
		wantCode(t, err, fault.KeyReused, "another under the same key")
		before := f.Rows(t)
		held := family("family-0002", 12, 11, 11) // the first of them is booked already
		held.Applicants[0], held.Applicants[1] = held.Applicants[1], held.Applicants[0]
		_, err = f.App.BookTogether(ctx, who, held)
		if wantCode(t, err, fault.AlreadyBooked, "the second is booked"); fault.As(err).Args["applicant"] != "2" {
			t.Errorf("not said who: %v", err)
		}
		after := f.Rows(t)
		if fmt.Sprint(before) != fmt.Sprint(after) {
			t.Errorf("something was left: %v and %v", before, after)
		}
		for name, bad := range map[string]app.TogetherRequest{"one": family("family-0003", 20, 9), "too many": family("family-0004", 20, 9, 9, 9, 9, 9, 9), "a gap": family("family-0005", 20, 9, 11), "back": family("family-0006", 20, 10, 9)} {
			_, err := f.App.BookTogether(ctx, who, bad)
			wantCode(t, err, fault.InvalidRequest, name)
		}
		// Each for itself afterwards.
		if _, err := f.App.Move(ctx, who, app.MoveRequest{Key: "move-family", Code: got[1].View.Code, SlotID: booking.SlotID(apptest.QueueA, hallDate+2, 14), Channel: booking.Web}); err != nil {
			t.Error(err)
		}
		if _, err := f.App.Cancel(ctx, who, app.CancelRequest{Key: "cancel-family", Code: got[0].View.Code, Channel: booking.Web}); err != nil {
			t.Error(err)
		}
		sound(t, f)
	})
}

// Many families want the last places of an hour: each has all it asked for or nothing, and no slot is above capacity.
func TestArt18_FamiliesAtOnceHaveAllOrNone(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := context.Background()
		before := f.Rows(t)
		const families = 8
		var wg sync.WaitGroup
		var mu sync.Mutex
		booked := 0
		for i := range families {
			_, who := f.SignIn(t, apptest.Citizen(1+i))
			wg.Go(func() {
				got, err := f.App.BookTogether(ctx, who, family(fmt.Sprintf("crowd-%04d", i), 100+10*i, 9, 9, 9))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil && len(got) == 3:
					booked += 3
				case fault.CodeOf(err) != fault.SoldOut:
					t.Errorf("%d: %d, %v", i, len(got), err)
				}
			})
		}
		wg.Wait()
		if after := f.Rows(t); after["booking"]-before["booking"] != booked || booked == 0 || booked == 3*families {
			t.Errorf("%d booked, rows %v", booked, after)
		}
		sound(t, f)
	})
}

// Whoever is the first of several is in the first hour that has a number; no hour between is left out.
func TestRunOfHours(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	at := func(hour int) string { return booking.SlotID(apptest.QueueStreet, hallDate+2, hour) } // one number an hour, 9 to 12 and 13 to 17
	for _, c := range []struct {
		from   string
		people int
		want   []string
	}{
		{at(9), 3, []string{at(9), at(10), at(11)}}, {at(9), 4, nil}, {at(13), 4, []string{at(13), at(14), at(15), at(16)}}, {at(16), 2, nil},
		{booking.SlotID(apptest.QueueA, hallDate+2, 9), 2, []string{booking.SlotID(apptest.QueueA, hallDate+2, 9), booking.SlotID(apptest.QueueA, hallDate+2, 9)}},
		{at(12), 2, nil}, {"none", 2, nil}, {at(9), 0, nil},
	} {
		if got := f.App.Run(c.from, c.people); !slices.Equal(got, c.want) {
			t.Errorf("%s for %d: %v, not %v", c.from, c.people, got, c.want)
		}
	}
}
