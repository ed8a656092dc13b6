package app_test

import (
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
)

// A request waits for a district that changes hands in the middle: who has its page open decides nothing
// any more, and who took over decides what waited.
func TestArt11_ARequestThatWaitsPassesOnWithTheAccount(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		city, old, street := f.OpenAdmin(t, account.Platform1, ""), f.OpenAdmin(t, account.District1, apptest.DistrictA), f.OpenAdmin(t, account.District2, apptest.StreetA)
		filed, err := f.App.FileRequest(ctx, f.As(t, street), total(apptest.HallStreet, apptest.QueueStreet, 14, friday, friday+4))
		if err != nil {
			t.Fatal(err)
		}
		r := filed[0]
		open := f.As(t, old)
		p := apptest.Person()
		out, err := f.App.File(ctx, f.As(t, old), app.FilingRequest{Kind: account.FileHandover, Account: old.ID, Person: p})
		if err != nil {
			t.Fatal(err)
		}
		if out, err = decide(t, f, city, out.ID, true, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := f.App.DecideRequest(ctx, open, r.ID, r.Version, true, "同意"); fault.CodeOf(err) != fault.SessionEnded {
			t.Errorf("a decision begun before the handover: %v", err)
		}
		next := f.Open(t, *out.Link, p)
		got, err := f.App.DecideRequest(ctx, f.As(t, next), r.ID, r.Version, true, "同意")
		if err != nil || got.State != supply.Approved && got.State != supply.Done {
			t.Errorf("the new person decides what waited: %+v, %v", got, err)
		}
	})
}
