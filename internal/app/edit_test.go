package app_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// staff opens an account and returns who holds it, at work.
func staff(t testing.TB, f *apptest.Fixture, rank account.Rank, unit string) *app.Admin {
	t.Helper()
	a := account.Account{ID: fmt.Sprintf("A-%s-%s", rank, unit), Rank: rank, Unit: unit, State: account.Open, Version: 1, OpenedAt: f.Clock.Now()}
	if err := f.DB.Update(context.Background(), func(tx *store.Tx) error {
		if had, err := tx.Account(context.Background(), a.ID); err != nil || had != nil {
			return err
		}
		return tx.AddAccount(context.Background(), store.Account{Account: a, Mobile: a.ID, Sealed: []byte("{}"), CreatedAt: f.Clock.Now()})
	}); err != nil {
		t.Fatal(err)
	}
	return &app.Admin{Account: a, Session: "s", Proved: f.Clock.Now(), Origin: "10.0.0"}
}

const agency = "agency-social"

// edited is an edit that must come to the given code.
func edited(t testing.TB, f *apptest.Fixture, ad *app.Admin, want fault.Code, r app.EditRequest) {
	t.Helper()
	if !r.New && r.Version == 0 {
		_, r.Version, _ = f.App.EntryVersion(context.Background(), ad, r.Noun, r.Key...)
	}
	if err := f.App.Edit(context.Background(), ad, r); fault.CodeOf(err) != want {
		t.Errorf("%s edits %s %v with %v: %v, want %q", ad.Account.Rank, r.Noun, r.Key, r.Fields, err, want)
	}
}

func TestArt3_BookingMethodsAndEnquiryPhoneArePosted(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ad := staff(t, f, account.District1, apptest.DistrictA)
		if got := f.App.City().Hall(apptest.HallA).Posted(); !slices.Equal(got, []directory.Way{directory.WayWeb, directory.WayApp, directory.WayOnSite}) {
			t.Errorf("a hall that says nothing posts %v", got)
		}
		hall := func(code fault.Code, fields directory.Fields) {
			t.Helper()
			edited(t, f, ad, code, app.EditRequest{Noun: directory.HallNoun, Key: []string{apptest.HallA}, Fields: fields})
		}
		hall("", directory.Fields{"ways": "app|phone", "phone": "020-83380000", "hours_hans": "周一至周五 9:00–17:00"})
		h := f.App.City().Hall(apptest.HallA)
		if !slices.Equal(h.Posted(), []directory.Way{directory.WayApp, directory.WayPhone}) || h.Phone != "020-83380000" || h.Hours.Hans == "" {
			t.Errorf("after the edit: %v %q %v", h.Posted(), h.Phone, h.Hours)
		}
		hall(fault.InvalidRequest, directory.Fields{"phone": ""})
		hall(fault.InvalidRequest, directory.Fields{"ways": "pigeon"})
		hall(fault.InvalidRequest, directory.Fields{"latitude": "39.9", "longitude": "116.4"}) // not in Guangzhou
		hall(fault.InvalidRequest, directory.Fields{"latitude": "23.1", "longitude": ""})
		hall(fault.InvalidRequest, directory.Fields{"notice_en": "Only in English"})
		hall(fault.InvalidRequest, directory.Fields{"capacity": "9"})
		hall(fault.NothingChanges, directory.Fields{"phone": "020-83380000"})
		hall("", directory.Fields{"latitude": "23.125", "longitude": "113.25"})
	})
}

func TestArt9And10_WhoMayEditWhichPartOfTheDirectory(t *testing.T) {
	f := apptest.New(t, apptest.Options{Twice: true})
	phone := func(hall string) app.EditRequest {
		return app.EditRequest{Noun: directory.HallNoun, Key: []string{hall}, Fields: directory.Fields{"phone": fmt.Sprint(f.Clock.Now().Unix())}}
	}
	item := app.EditRequest{Noun: directory.ItemNoun, Key: []string{apptest.SocialCard}, Fields: directory.Fields{"minutes": "25"}}
	unit := app.EditRequest{Noun: directory.UnitNoun, Key: []string{apptest.DistrictA}, Fields: directory.Fields{"en": "Alpha District"}}
	for _, c := range []struct {
		rank account.Rank
		unit string
		r    app.EditRequest
		want fault.Code
	}{
		{account.District1, apptest.DistrictA, phone(apptest.HallVillage), ""},
		{account.District1, apptest.DistrictB, phone(apptest.HallA), fault.HallNotFound},
		{account.District2, apptest.DistrictA, phone(apptest.HallStreet), fault.HallNotFound},
		{account.District2, apptest.StreetA, phone(apptest.HallStreet), ""},
		{account.District3, apptest.VillageA, phone(apptest.HallStreet), fault.HallNotFound},
		{account.Municipal1, agency, phone(apptest.HallCity), fault.NotAllowed},
		{account.Municipal2, agency, phone(apptest.HallCity), ""},
		{account.Municipal2, agency, phone(apptest.HallA), fault.HallNotFound},
		{account.Platform1, "440100000000", phone(apptest.HallA), fault.NotAllowed},
		{account.Platform2, "440100000000", phone(apptest.HallCity), fault.NotAllowed},
		{account.System, "440100000000", phone(apptest.HallA), fault.HallNotFound},
		{account.Municipal2, agency, item, fault.InvalidRequest}, // its levels are not run here: what is wrong is said, not who
		{account.Municipal1, agency, item, fault.NotAllowed},
		{account.District1, apptest.DistrictA, item, fault.NotAllowed},
		{account.Platform1, "440100000000", item, fault.NotAllowed},
		{account.System, "440100000000", unit, ""},
		{account.District1, apptest.DistrictA, unit, fault.NotAllowed},
		{account.Platform1, "440100000000", unit, fault.NotAllowed},
	} {
		f.Clock.Add(1e9)
		edited(t, f, staff(t, f, c.rank, c.unit), c.want, c.r)
	}
	if got := f.App.City().Unit(apptest.DistrictA).Name.En; got != "Alpha District" {
		t.Errorf("the unit is called %q", got)
	}
	closed := staff(t, f, account.District1, apptest.DistrictA)
	if err := f.DB.Update(t.Context(), func(tx *store.Tx) error {
		a, err := tx.Account(t.Context(), closed.Account.ID)
		if err != nil {
			return err
		}
		a.State = account.Closed
		_, err = tx.SaveAccount(t.Context(), a)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	edited(t, f, closed, fault.SessionEnded, phone(apptest.HallA)) // taken away in the middle
}

func TestEveryChangeOfTheDirectoryIsAVersionWithWhoAndWhen(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		ad := staff(t, f, account.District1, apptest.DistrictA)
		key := func(k ...string) []string { return append([]string{apptest.HallA}, k...) }
		edited(t, f, ad, "", app.EditRequest{Noun: directory.HallNoun, Key: key(), Fields: directory.Fields{"phone": "12345"}})
		edited(t, f, ad, "", app.EditRequest{Noun: directory.QueueNoun, Key: key("social"), Fields: directory.Fields{"hans": "社保", "hours": "09:00-12:00", "saturday": "09:00-11:00"}})
		edited(t, f, ad, "", app.EditRequest{Noun: directory.CounterNoun, Key: key("1"), New: true, Fields: directory.Fields{"label": "1号窗", "lines": "social|estate"}})
		edited(t, f, ad, "", app.EditRequest{Noun: directory.CounterNoun, Key: key("1"), Fields: directory.Fields{"open": "no"}})
		edited(t, f, ad, "", app.EditRequest{Noun: directory.OfferingNoun, Key: key("social", apptest.Estate), New: true, Fields: directory.Fields{"stages": "acceptance", "batch_max": "3"}})
		edited(t, f, ad, "", app.EditRequest{Noun: directory.QueueNoun, Key: key("general"), New: true, Fields: directory.Fields{"hans": "综合", "hant": "綜合", "en": "General", "hours": "09:00-17:00"}})
		edited(t, f, ad, "", app.EditRequest{Noun: directory.HallNoun, Key: key("")[:1], Fields: directory.Fields{"notice_hans": "今日停电"}})
		sub := apptest.DistrictA + "-01"
		edited(t, f, ad, "", app.EditRequest{Noun: directory.HallNoun, Key: []string{sub}, New: true, Fields: directory.Fields{
			"parent_hall": apptest.HallA, "hans": "甲区分厅", "hant": "甲區分廳", "en": "Branch", "initials": "jqft", "phone": "12345",
			"address_hans": "分厅路", "address_hant": "分廳路", "address_en": "Branch Road"}})
		h := f.App.City().Hall(sub)
		if h == nil || h.ParentHall != apptest.HallA || h.Number != 6 || h.UnitID != apptest.DistrictA || h.Level != directory.DistrictHall {
			t.Fatalf("the sub-hall: %+v", h)
		}
		list, total, err := f.App.HallVersions(ctx, ad, apptest.HallA, "", 0, 20)
		if err != nil || total != 7 || len(list) != 7 {
			t.Fatalf("%d versions of %d: %v", len(list), total, err)
		}
		for _, v := range list {
			if v.Account != ad.Account.ID || v.Rank != account.District1 || !v.At.Equal(f.Clock.Now()) || len(directory.Differs(v.Before, v.After)) == 0 {
				t.Errorf("version %+v", v)
			}
		}
		only, total, _ := f.App.HallVersions(ctx, ad, apptest.HallA, directory.CounterNoun, 0, 20)
		if total != 2 || only[0].Version+only[1].Version != 3 {
			t.Errorf("versions of counters: %d, %+v", total, only)
		}
		counters := f.App.City().CountersOf(apptest.HallA)
		i := slices.IndexFunc(counters, func(c *directory.Counter) bool { return c.ID == "1" })
		if i < 0 || counters[i].Open || !slices.Equal(counters[i].Queues, []string{apptest.QueueAEstate, apptest.QueueA}) {
			t.Errorf("counter 1 of %d", len(counters))
		}
		if o := f.App.City().Offer(apptest.Estate, apptest.QueueA); o == nil || o.BatchMax != 3 {
			t.Errorf("offering: %+v", o)
		}
		if q := f.App.City().Queue(apptest.HallA + "-general"); q == nil || q.DailyAverage != 0 || !q.Open {
			t.Errorf("a new queue gives no numbers before they are approved: %+v", q)
		}
		if q := f.App.City().Queue(apptest.QueueA); q.Name.Hans != "社保" || len(q.Week.Work.List()) != 3 || len(q.Week.Saturday.List()) != 2 || q.DailyAverage != 70 {
			t.Errorf("queue: %+v", q)
		}
		if n := auditRecords(t, f); n != 8 {
			t.Errorf("%d audit records for 8 edits", n)
		}
		if _, _, err := f.App.HallVersions(ctx, staff(t, f, account.District1, apptest.DistrictB), apptest.HallA, "", 0, 20); fault.CodeOf(err) != fault.HallNotFound {
			t.Errorf("another district reads the versions: %v", err)
		}
	})
}

func auditRecords(t *testing.T, f *apptest.Fixture) int64 {
	t.Helper()
	var n int64
	if err := f.DB.View(t.Context(), func(tx *store.Tx) (err error) {
		n, err = tx.AuditSize(t.Context())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTwoEditOneEntryAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		ad := staff(t, f, account.District1, apptest.DistrictA)
		edited(t, f, ad, "", app.EditRequest{Noun: directory.HallNoun, Key: []string{apptest.HallA}, Fields: directory.Fields{"phone": "10000"}})
		edited(t, f, ad, fault.ChangedMeanwhile, app.EditRequest{Noun: directory.HallNoun, Key: []string{apptest.HallA}, Version: 7, Fields: directory.Fields{"phone": "10001"}})
		var wg sync.WaitGroup
		codes := make([]fault.Code, 8)
		for i := range codes {
			wg.Go(func() {
				codes[i] = fault.CodeOf(f.App.Edit(ctx, ad, app.EditRequest{Noun: directory.HallNoun, Key: []string{apptest.HallA}, Version: 1,
					Fields: directory.Fields{"phone": fmt.Sprintf("2000%d", i)}}))
			})
		}
		wg.Wait()
		won := 0
		for _, c := range codes {
			switch c {
			case "":
				won++
			case fault.ChangedMeanwhile:
			default:
				t.Errorf("refused with %q", c)
			}
		}
		if won != 1 {
			t.Errorf("%d of 8 edits of one version were written", won)
		}
	})
}

func TestNobodyIsStrandedByClosing(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		ad := staff(t, f, account.District1, apptest.DistrictA)
		_, who := f.SignIn(t, apptest.Citizen(1))
		slot := f.FreeSlots(apptest.QueueA)[0]
		booked, err := f.App.Book(ctx, who, self("close-0001", slot))
		if err != nil {
			t.Fatal(err)
		}
		queue := app.EditRequest{Noun: directory.QueueNoun, Key: []string{apptest.HallA, "social"}, Fields: directory.Fields{"open": "no"}}
		hall := app.EditRequest{Noun: directory.HallNoun, Key: []string{apptest.HallA}, Fields: directory.Fields{"open": "no"}}
		offer := app.EditRequest{Noun: directory.OfferingNoun, Key: []string{apptest.HallA, "social", apptest.SocialCard}, Fields: directory.Fields{"open": "no"}}
		for _, r := range []app.EditRequest{queue, hall, offer} {
			edited(t, f, ad, fault.PeopleBooked, r)
		}
		if s, ok := f.App.Slot(slot); !ok || s.State != app.SlotFree {
			t.Errorf("a refused closing left the slot %q", s.State)
		}
		if _, err := f.App.Cancel(ctx, who, app.CancelRequest{Key: "close-0002", Code: booked.View.Code}); err != nil {
			t.Fatal(err)
		}
		edited(t, f, ad, "", offer)
		edited(t, f, ad, "", queue)
		if s, _ := f.App.Slot(slot); s.State != app.SlotClosed {
			t.Errorf("after closing its queue the slot is %q", s.State)
		}
		if _, err := f.App.Book(ctx, who, self("close-0003", slot)); fault.CodeOf(err) == "" {
			t.Error("booked in a closed queue")
		}
		queue.Fields, offer.Fields = directory.Fields{"open": "yes"}, directory.Fields{"open": "yes"}
		edited(t, f, ad, "", queue)
		edited(t, f, ad, "", offer)
		f.Reopen(t)
		if _, err := f.App.Book(ctx, who, self("close-0004", slot)); err != nil {
			t.Errorf("after opening again: %v", err)
		}
	})
}

func TestAnotherNodeTakesOverAnEdit(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		other, err := app.New(ctx, app.Config{DB: f.DB, Vault: f.Vault, Now: f.Clock.Now, Texts: f.Texts})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		ad := staff(t, f, account.District1, apptest.DistrictA)
		edited(t, f, ad, "", app.EditRequest{Noun: directory.QueueNoun, Key: []string{apptest.HallA, "estate"}, Fields: directory.Fields{"open": "no"}})
		edited(t, f, ad, "", app.EditRequest{Noun: directory.HallNoun, Key: []string{apptest.HallStreet}, Fields: directory.Fields{"phone": "99999"}})
		if other.City().Hall(apptest.HallStreet).Phone == "99999" {
			t.Fatal("the other node knew before it looked")
		}
		if err := other.ReadDirectory(ctx); err != nil {
			t.Fatal(err)
		}
		if h := other.City().Hall(apptest.HallStreet); h.Phone != "99999" {
			t.Errorf("phone %q", h.Phone)
		}
		if other.City().Offer(apptest.Estate, apptest.QueueAEstate) != nil || other.NextFree(apptest.QueueAEstate, 1) != nil {
			t.Error("the other node still offers the closed queue")
		}
		if other.City().Offer(apptest.SocialCard, apptest.QueueB) == nil || other.NextFree(apptest.QueueB, 1) == nil {
			t.Error("what did not change is gone")
		}
	})
}

// Art. 23: numbers that are made are not changed by editing a queue; what a request closed stays closed
// when a queue is opened again.
func TestArt23_EditingAQueueLeavesItsNumbersAsTheyAre(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		ad := staff(t, f, account.District1, apptest.DistrictA)
		before := f.FreeSlots(apptest.QueueA)
		queue := func(fields directory.Fields) {
			t.Helper()
			edited(t, f, ad, "", app.EditRequest{Noun: directory.QueueNoun, Key: []string{apptest.HallA, "social"}, Fields: fields})
			if _, err := f.App.Prepare(ctx, nil); err != nil {
				t.Fatal(err)
			}
		}
		queue(directory.Fields{"hours": "09:00-11:00"})
		queue(directory.Fields{"hours": "10:00-12:00"})
		if after := f.FreeSlots(apptest.QueueA); !slices.Equal(before, after) {
			t.Errorf("%d numbers' hours before the edit, %d after", len(before), len(after))
		}
		if q := f.App.City().Queue(apptest.QueueA); len(q.Former) != 1 || len(q.Week.Work.List()) != 2 {
			t.Errorf("the queue: %+v", q)
		}
		f.Clock.Add(40 * 24 * time.Hour) // all of those days are over
		if _, err := f.App.Prepare(ctx, nil); err != nil {
			t.Fatal(err)
		}
		for _, id := range f.FreeSlots(apptest.QueueA) {
			if _, _, hour, _ := booking.ParseSlotID(id); hour != 10 && hour != 11 {
				t.Fatalf("after their time the new hours do not hold: %s", id)
			}
		}
		first := f.FreeSlots(apptest.QueueA)[0]
		_, date, _, _ := booking.ParseSlotID(first)
		if err := f.DB.Update(ctx, func(tx *store.Tx) error {
			return tx.AddAdjustments(ctx, "R-1", [][2]string{{apptest.HallA, apptest.QueueA}}, supply.Change{Kind: supply.Close, From: date, To: date, Half: calendar.WholeDay})
		}); err != nil {
			t.Fatal(err)
		}
		queue(directory.Fields{"open": "no"})
		edited(t, f, ad, "", app.EditRequest{Noun: directory.QueueNoun, Key: []string{apptest.HallA, "social"}, Fields: directory.Fields{"open": "yes"}})
		f.Reopen(t)
		free := f.FreeSlots(apptest.QueueA)
		if len(free) == 0 || slices.Contains(free, first) {
			t.Errorf("opened again: %d hours free; the day a request closed must not be among them", len(free))
		}
	})
}
