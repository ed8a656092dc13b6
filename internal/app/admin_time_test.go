package app_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
)

// Nobody learns from the time of an answer whether there is an account.
func TestASignInOfNobodyTakesAsLong(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	median := func(name func(i int) string) time.Duration {
		var took []time.Duration
		for i := range 9 {
			began := time.Now()
			f.App.SignInAdmin(t.Context(), name(i), "Wrong-password-2026") // refused: only the time counts
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		return took[len(took)/2]
	}
	o := make([]*apptest.Operator, 9)
	for i := range o {
		o[i] = f.OpenAdmin(t, account.District1, apptest.DistrictA)
	}
	there, nobody := median(func(i int) string { return o[i].ID }), median(func(i int) string { return fmt.Sprintf("A9%05d", i) })
	t.Logf("an account %v, nobody %v", there, nobody)
	if nobody < there/2 {
		t.Errorf("a wrong password of an account takes %v, one of nobody %v", there, nobody)
	}
}
