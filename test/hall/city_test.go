package hall_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/store"
)

// The city of the load: halls with five counters, a kiosk and some displays each, and a clerk for every
// counter.
const (
	item     = "LOAD-01"
	counters = 5
)

func hallID(n int) string       { return fmt.Sprintf("440103%06d", n+1) }
func clerkToken(n int) string   { return fmt.Sprintf("clerk-%05d", n) }
func displayKey(n int) string   { return fmt.Sprintf("display-%05d", n) }
func kioskKey(n int) string     { return fmt.Sprintf("kiosk-%05d", n) }
func counterID(c int) string    { return fmt.Sprintf("w%d", c+1) }
func displayOf(n, each int) int { return n / each } // hall of a display

// found fills an empty database. It returns how far the clock of the load runs ahead: it is half past ten
// of a working day.
func found(t *testing.T, source string, halls, each int) time.Duration {
	t.Helper()
	ctx := t.Context()
	day := calendar.DateOf(time.Now()) + 1
	years := map[int]calendar.YearStatus{day.Year(): calendar.Official, day.Year() + 1: calendar.Official}
	cal, err := calendar.New(nil, years)
	if err != nil {
		t.Fatal(err)
	}
	for !cal.IsWorking(day) {
		day++
	}
	shift := time.Until(day.At(10, 15))
	now := func() time.Time { return time.Now().Add(shift) }
	db, err := store.Open(ctx, source, store.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	text := directory.Text{Hans: "负载"}
	units := []directory.Unit{{ID: "440100000000", Kind: directory.Platform, Name: text}, {ID: "440103000000", ParentID: "440100000000", Kind: directory.District, Name: text}}
	var list []directory.Hall
	var queues []directory.Queue
	var windows []directory.Counter
	var offers []directory.Offering
	var slots []booking.Slot
	for n := range halls {
		id := hallID(n)
		queue := id + "-general"
		list = append(list, directory.Hall{ID: id, Number: n + 1, UnitID: "440103000000", Level: directory.DistrictHall, DistrictID: "440103000000", Name: text, Open: true})
		queues = append(queues, directory.Queue{ID: queue, HallID: id, Line: "general", Name: text, Open: true, DailyAverage: 8000, Week: calendar.Week{Work: calendar.HoursOf(9, 10, 11, 12, 13, 14, 15, 16)}})
		offers = append(offers, directory.Offering{HallID: id, QueueID: queue, ItemCode: item, Stages: directory.Stages{directory.Acceptance}})
		for c := range counters {
			windows = append(windows, directory.Counter{HallID: id, ID: counterID(c), Label: fmt.Sprintf("%d 号窗口", c+1), Queues: []string{queue}, Open: true})
		}
		for hour := 9; hour <= 16; hour++ {
			slots = append(slots, booking.Slot{HallID: id, QueueID: queue, ID: booking.SlotID(queue, day, hour), Date: day, Hour: hour, Capacity: 20_000, OnSite: 100, Release: day.At(0, 0)})
		}
	}
	keys := newVault()
	must := func(fn func(ctx context.Context, tx *store.Tx) error) {
		t.Helper()
		if err := db.Update(ctx, func(tx *store.Tx) error { return fn(ctx, tx) }); err != nil {
			t.Fatal(err)
		}
	}
	must(func(ctx context.Context, tx *store.Tx) error {
		for _, save := range []func() error{
			func() error { return tx.SaveUnits(ctx, units) }, func() error { return tx.SaveHalls(ctx, list) },
			func() error { return tx.SaveQueues(ctx, queues) }, func() error { return tx.SaveCounters(ctx, windows) },
			func() error {
				return tx.SaveItems(ctx, []directory.Item{{Code: item, Line: "general", Name: text, Stages: directory.Stages{directory.Acceptance}}})
			},
			func() error { return tx.SaveOfferings(ctx, offers) }, func() error { return tx.SaveRulebook(ctx, rulebook.Continued2025()) },
			func() error { return tx.SaveCalendar(ctx, nil, years) },
			func() error { _, err := tx.AddSlots(ctx, slots); return err },
		} {
			if err := save(); err != nil {
				return err
			}
		}
		return nil
	})
	must(func(ctx context.Context, tx *store.Tx) error {
		for n := range halls * counters {
			id := clerkToken(n)
			if err := tx.AddAccount(ctx, store.Account{
				Account: account.Account{ID: id, Rank: account.District3, Unit: "440103000000", State: account.Open, Version: 1}, District: "440103000000",
				Mobile: id, Sealed: []byte{1}, CreatedAt: tx.Now,
			}); err != nil {
				return err
			}
			if err := tx.AddAdminSession(ctx, store.AdminSession{
				TokenHash: keys.TokenHash(id), ID: id, Account: id, CreatedAt: tx.Now, SeenAt: tx.Now, ProvedAt: tx.Now, ExpiresAt: tx.Now.Add(8 * time.Hour),
			}); err != nil {
				return err
			}
		}
		return nil
	})
	enrol := func(tx *store.Tx, hall, key string, kind counter.DeviceKind) error {
		d := store.Device{Device: counter.Device{ID: key, HallID: hall, Kind: kind, Name: key, Settings: counter.NewDeviceSettings(kind), Version: 1}}
		if err := tx.AddDevice(ctx, d); err != nil {
			return err
		}
		d.Key, d.KeyedAt, d.Enrolled = keys.TokenHash(key), tx.Now, tx.Now
		_, err := tx.SaveDevice(ctx, &d)
		return err
	}
	must(func(ctx context.Context, tx *store.Tx) error {
		for n := range halls {
			if err := enrol(tx, hallID(n), kioskKey(n), counter.Kiosk); err != nil {
				return err
			}
		}
		for n := range halls * each {
			if err := enrol(tx, hallID(displayOf(n, each)), displayKey(n), counter.Display); err != nil {
				return err
			}
		}
		return nil
	})
	return shift
}
