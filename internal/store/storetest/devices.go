package storetest

import (
	"fmt"
	"time"

	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

func device(n int) store.Device {
	s := counter.NewDeviceSettings(counter.Kiosk)
	s.Queues, s.Notice, s.Pairing, s.Bridge = []string{"q"}, directory.Text{Hans: "一", Hant: "二", En: "three"}, []byte{0, 255}, "http://127.0.0.1:18951"
	return store.Device{
		Device: counter.Device{ID: fmt.Sprint("device-", n), HallID: "h", Kind: counter.Kiosk, Name: fmt.Sprint("Kiosk ", n), Settings: s, Version: 1, CodeUntil: begin.Add(time.Hour)},
		Code:   fmt.Sprint("code-", n), CreatedBy: "A000001",
	}
}

func devices(w *world) {
	one := device(1)
	w.update(func(tx *store.Tx) error { return tx.AddDevice(w.ctx, one) })
	byKey := func(key string) (d *store.Device) {
		w.view(func(tx *store.Tx) (err error) {
			d, err = tx.DeviceByKey(w.ctx, key)
			return err
		})
		return d
	}
	read := func() (d *store.Device) {
		w.view(func(tx *store.Tx) (err error) {
			d, err = tx.Device(w.ctx, "h", one.ID)
			return err
		})
		return d
	}
	want := one
	want.CreatedAt, want.ChangedAt = begin, begin
	same(w, "a device", *read(), want)
	w.view(func(tx *store.Tx) error {
		other, err := tx.Device(w.ctx, "elsewhere", one.ID)
		if other != nil {
			w.Error("a device is found at another hall")
		}
		return err
	})
	if byKey("") != nil {
		w.Error("nothing is a key")
	}

	var saved []bool
	for range 2 { // of two who enrol at once one does
		w.update(func(tx *store.Tx) error {
			d := one
			d.Code, d.Key, d.Enrolled, d.KeyedAt, d.CodeUntil = "", "k1", begin, begin, time.Time{}
			ok, err := tx.SaveDevice(w.ctx, &d)
			saved = append(saved, ok)
			return err
		})
	}
	if !saved[0] || saved[len(saved)-1] {
		w.Errorf("saved: %v", saved)
	}
	w.view(func(tx *store.Tx) error {
		d, err := tx.DeviceByCode(w.ctx, "code-1")
		if d != nil {
			w.Error("a code is good twice")
		}
		return err
	})

	// Keys: offered once in a while, taken by being used, the one before known as such.
	var offered bool
	offer := func(next string) bool {
		w.update(func(tx *store.Tx) (err error) {
			offered, err = tx.OfferDeviceKey(w.ctx, one.ID, "k1", next, begin.Add(-time.Minute))
			return err
		})
		return offered
	}
	if !offer("k2") || offer("k3") {
		w.Error("a device was not offered one key")
	}
	if d := byKey("k2"); d == nil || d.Next != "k2" || d.Key != "k1" || d.Version != 2 {
		w.Errorf("by the key offered: %+v", d)
	}
	w.update(func(tx *store.Tx) error { return tx.TakeDeviceKey(w.ctx, one.ID, "k2") })
	if d := byKey("k1"); d == nil || d.Last != "k1" || d.Key != "k2" || d.Next != "" {
		w.Errorf("by the key before: %+v", d)
	}
	if offer("k4") {
		w.Error("a former key was offered another")
	}

	w.pass(time.Minute)
	w.update(func(tx *store.Tx) error { return tx.SawDevice(w.ctx, one.ID) })
	if d := read(); !d.Seen.Equal(begin.Add(time.Minute)) || d.Version != 2 {
		w.Errorf("seen: %v, version %d", d.Seen, d.Version)
	}
	w.pass(time.Minute)
	w.update(func(tx *store.Tx) error { return tx.SawDevices(w.ctx, []string{one.ID, "nobody"}) })
	if d := read(); !d.Seen.Equal(begin.Add(2 * time.Minute)) {
		w.Errorf("seen with others: %v", d.Seen)
	}
	w.update(func(tx *store.Tx) error { return tx.SawDevices(w.ctx, nil) })
	two := device(2)
	two.Kind = counter.Display
	w.update(func(tx *store.Tx) error { return tx.AddDevice(w.ctx, two) })
	w.view(func(tx *store.Tx) error {
		changed, err := tx.DevicesChanged(w.ctx, begin.Add(time.Second))
		if len(changed) != 1 || changed[0] != (store.DeviceChange{ID: two.ID, Version: 1}) {
			w.Errorf("changed: %+v", changed)
		}
		return err
	})
	w.update(func(tx *store.Tx) error {
		d, err := tx.Device(w.ctx, "h", one.ID)
		if err != nil {
			return err
		}
		d.Key, d.Last, d.Ended = "", "", tx.Now
		_, err = tx.SaveDevice(w.ctx, d)
		return err
	})
	if byKey("k2") != nil || byKey("k1") != nil {
		w.Error("a device that has ended is known by a key")
	}
	w.view(func(tx *store.Tx) error {
		list, err := tx.Devices(w.ctx, "h")
		if len(list) != 2 || list[0].ID != two.ID || list[1].Ended.IsZero() {
			w.Errorf("list: %+v", list)
		}
		return err
	})
}

func prints(w *world) {
	for n := 1; n <= 2; n++ {
		w.update(func(tx *store.Tx) error {
			return tx.AddPrint(w.ctx, "h", "t", store.Print{N: n, ByKind: "device", ByID: "d", Why: "issued"})
		})
	}
	if err := w.db.Update(w.ctx, func(tx *store.Tx) error {
		return tx.AddPrint(w.ctx, "h", "t", store.Print{N: 2, ByKind: "device", ByID: "e", Why: "issued"})
	}); fault.CodeOf(err) != fault.ChangedMeanwhile {
		w.Errorf("the same print twice: %v", err)
	}
	for _, outcome := range []string{"no_paper", "printed"} { // the first word counts
		w.update(func(tx *store.Tx) error { return tx.SettlePrint(w.ctx, "h", "t", 2, outcome) })
	}
	w.view(func(tx *store.Tx) error {
		list, err := tx.Prints(w.ctx, "h", "t")
		if len(list) != 2 || list[0].Outcome != "" || list[1].Outcome != "no_paper" || list[1].ByID != "d" || !list[1].At.Equal(begin) {
			w.Errorf("prints: %+v", list)
		}
		return err
	})
}
