package app

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// Kiosks and displays: what an administrator does with them, and how a machine proves which it is.

// Device is a kiosk or a display at work.
type Device struct {
	counter.Device
	hash    string    // of the key it came with
	keyed   time.Time // since when the key is in use
	offered time.Time // when the next one was given
}

// NewDevice is what an administrator says of a device; Settings of a new one begin with
// counter.NewDeviceSettings.
type NewDevice struct {
	Kind     counter.DeviceKind // of a new device only
	Name     string
	Settings counter.DeviceSettings
}

// mostDevices is how many devices a hall may have that are not ended.
const mostDevices = 60

// newDeviceCode makes a one-time code: eight letters and digits of which none looks like another. It is good
// for counter.DeviceCodeLife, once.
func newDeviceCode() string { return rand.Text()[:8] }

// deviceCode reads a code as it was typed.
func deviceCode(typed string) string {
	return strings.NewReplacer("0", "O", "1", "I", "8", "B", " ", "", "-", "", "\t", "").Replace(strings.ToUpper(strings.TrimSpace(typed)))
}

func (a *App) deviceCodeHash(code string) string { return a.vault.TokenHash("device code " + code) }

// Devices lists the devices of a hall, for whoever may supervise it.
func (a *App) Devices(ctx context.Context, ad *Admin, hall string) (out []counter.Device, err error) {
	if err := a.Allow(ad, account.Supervise, hall); err != nil {
		return nil, err
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		out = nil
		list, err := tx.Devices(ctx, hall)
		for _, d := range list {
			out = append(out, d.Device)
		}
		return err
	})
	return out, err
}

// HallDevice returns one of them.
func (a *App) HallDevice(ctx context.Context, ad *Admin, hall, id string) (counter.Device, error) {
	if err := a.Allow(ad, account.Supervise, hall); err != nil {
		return counter.Device{}, err
	}
	var row *store.Device
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		row, err = tx.Device(ctx, hall, id)
		return err
	}); err != nil {
		return counter.Device{}, err
	}
	if row == nil {
		return counter.Device{}, fault.New(fault.DeviceNotFound)
	}
	return row.Device, nil
}

// CreateDevice makes a device of a hall and the code that enrols a machine as it: the code is shown this
// once. Wrong fields are those of counter.CheckDevice.
func (a *App) CreateDevice(ctx context.Context, ad *Admin, hall string, n NewDevice) (d counter.Device, code string, err error) {
	if err := a.Allow(ad, account.Configure, hall); err != nil {
		return d, "", err
	}
	if err := a.checkDevice(hall, n.Kind, &n); err != nil {
		return d, "", err
	}
	code = newDeviceCode()
	n.Settings.Pairing = a.vault.Seal([]byte(secret(24)), "pairing")
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		had, err := tx.Devices(ctx, hall)
		if err != nil {
			return err
		}
		if live := slices.DeleteFunc(had, func(d store.Device) bool { return !d.Ended.IsZero() }); len(live) >= mostDevices {
			return fault.InvalidFields(fault.Field{Path: "name", Code: fault.OutOfRange})
		}
		row := store.Device{Device: counter.Device{ID: publicID(), HallID: hall, Kind: n.Kind, Name: n.Name, Settings: n.Settings, Version: 1, CodeUntil: tx.Now.Add(counter.DeviceCodeLife)},
			Code: a.deviceCodeHash(code), CreatedBy: ad.Account.ID}
		if err := tx.AddDevice(ctx, row); err != nil {
			return err
		}
		d = row.Device
		return tx.Audit(ctx, deviceRecord(ad, "device.create", nil, &row))
	})
	return d, code, err
}

func (a *App) checkDevice(hall string, k counter.DeviceKind, n *NewDevice) error {
	var queues []string
	for _, q := range a.City().QueuesAt(hall) {
		queues = append(queues, q.ID)
	}
	n.Name = strings.TrimSpace(n.Name)
	if wrong := counter.CheckDevice(k, n.Name, n.Settings, queues); len(wrong) > 0 {
		return fault.InvalidFields(wrong...)
	}
	return nil
}

// ChangeDevice sets name and settings of a device as it was at version; its pages take them up within
// seconds. The pairing secret stays.
func (a *App) ChangeDevice(ctx context.Context, ad *Admin, hall, id string, version int, n NewDevice) (counter.Device, error) {
	return a.setDevice(ctx, ad, hall, id, version, "device.change", func(d *store.Device) error {
		if err := a.checkDevice(hall, d.Kind, &n); err != nil {
			return err
		}
		n.Settings.Pairing = d.Settings.Pairing
		d.Name, d.Settings = n.Name, n.Settings
		return nil
	})
}

// RenewDevice takes a device's key away at once and makes a code to enrol a machine as it anew: for another
// machine, or when the key may be in wrong hands. The pairing secret is new too.
func (a *App) RenewDevice(ctx context.Context, ad *Admin, hall, id string, version int) (d counter.Device, code string, err error) {
	code = newDeviceCode()
	pairing := a.vault.Seal([]byte(secret(24)), "pairing")
	d, err = a.setDevice(ctx, ad, hall, id, version, "device.renew", func(d *store.Device) error {
		d.Key, d.Next, d.Last, d.Keyed = "", "", "", false
		d.Code, d.CodeUntil = a.deviceCodeHash(code), a.now().Add(counter.DeviceCodeLife)
		d.Settings.Pairing = pairing
		return nil
	})
	return d, code, err
}

// EndDevice takes a device out of service for good: its key is worth nothing from now on.
func (a *App) EndDevice(ctx context.Context, ad *Admin, hall, id string, version int) error {
	_, err := a.setDevice(ctx, ad, hall, id, version, "device.end", func(d *store.Device) error {
		d.Key, d.Next, d.Last, d.Code, d.Keyed = "", "", "", "", false
		d.CodeUntil, d.Ended = time.Time{}, a.now()
		return nil
	})
	return err
}

func (a *App) setDevice(ctx context.Context, ad *Admin, hall, id string, version int, act string, change func(*store.Device) error) (out counter.Device, err error) {
	if err := a.Allow(ad, account.Configure, hall); err != nil {
		return out, err
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		row, err := tx.Device(ctx, hall, id)
		switch {
		case err != nil:
			return err
		case row == nil:
			return fault.New(fault.DeviceNotFound)
		case row.Version != version:
			return fault.New(fault.ChangedMeanwhile)
		case !row.Ended.IsZero():
			return fault.New(fault.DeviceNotFound)
		}
		before := *row
		if err := change(row); err != nil {
			return err
		}
		saved, err := tx.SaveDevice(ctx, row)
		if err != nil {
			return err
		}
		if !saved {
			return fault.New(fault.ChangedMeanwhile)
		}
		out = row.Device
		return tx.Audit(ctx, deviceRecord(ad, act, &before, row))
	})
	if err == nil {
		a.devices.changed(id, out.Version)
	}
	return out, err
}

// deviceRecord says what became of a device; nothing it is known by, and not what it is paired with.
func deviceRecord(ad *Admin, act string, before, after *store.Device) store.AuditRecord {
	rec := store.AuditRecord{Act: act, Noun: "device", Key: after.ID, Hall: after.HallID}
	if ad != nil {
		rec = ad.record(act, "device", after.ID)
		rec.Hall = after.HallID
	}
	shown := func(d *store.Device) any {
		s := d.Settings
		s.Pairing = nil
		return map[string]any{"kind": d.Kind, "name": d.Name, "settings": s, "enrolled": d.Key != "", "ended": !d.Ended.IsZero()}
	}
	if before != nil {
		rec.Before = asJSON(shown(before))
	}
	rec.After = asJSON(shown(after))
	return rec
}

// EnrolDevice makes the machine that knows a one-time code the device it was made for, and returns the key
// the machine keeps. The code is good once.
func (a *App) EnrolDevice(ctx context.Context, typed, origin string) (key string, d *Device, err error) {
	code := deviceCode(typed)
	if len(code) != 8 {
		return "", nil, fault.New(fault.DeviceCodeWrong)
	}
	key = secret(32)
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		d = nil
		row, err := tx.DeviceByCode(ctx, a.deviceCodeHash(code))
		if err != nil {
			return err
		}
		if row == nil || !row.Ended.IsZero() || !tx.Now.Before(row.CodeUntil) {
			return fault.New(fault.DeviceCodeWrong)
		}
		before := *row
		row.Key, row.Next, row.Last, row.Code, row.Keyed = a.vault.TokenHash(key), "", "", "", true
		row.CodeUntil, row.KeyedAt, row.OfferedAt, row.Enrolled = time.Time{}, tx.Now, time.Time{}, tx.Now
		saved, err := tx.SaveDevice(ctx, row)
		if err != nil {
			return err
		}
		if !saved {
			return fault.New(fault.DeviceCodeWrong)
		}
		if err := tx.SawDevice(ctx, row.ID); err != nil {
			return err
		}
		d = &Device{Device: row.Device, hash: row.Key, keyed: row.KeyedAt}
		rec := deviceRecord(nil, "device.enrol", &before, row)
		rec.From = origin
		return tx.Audit(ctx, rec)
	})
	if err == nil {
		a.devices.changed(d.ID, d.Version)
	}
	return key, d, err
}

// How long a device holds one key, how long an answer with the next may be under way, and how long the key
// before is still taken for a request that was under way.
const (
	deviceKeyLife  = 24 * time.Hour
	deviceKeyOffer = 10 * time.Minute
	deviceKeyGrace = time.Minute
)

// Device returns which device holds a key. It is read with each request, never from memory. A key that was
// given up for another more than a minute ago is a copy: then neither is worth anything any more, and the
// hall has to enrol the machine again.
func (a *App) Device(ctx context.Context, key string) (*Device, error) {
	if key == "" || len(key) > 128 {
		return nil, fault.New(fault.DeviceEnded)
	}
	hash := a.vault.TokenHash(key)
	var row *store.Device
	now := a.now()
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		row, err = tx.DeviceByKey(ctx, hash)
		return err
	}); err != nil {
		return nil, err
	}
	switch {
	case row == nil || !row.Ended.IsZero():
		return nil, fault.New(fault.DeviceEnded)
	case hash == row.Last && now.Sub(row.KeyedAt) > deviceKeyGrace:
		return nil, a.copied(ctx, hash)
	case hash == row.Next:
		if err := a.db.Update(ctx, func(tx *store.Tx) error { return tx.TakeDeviceKey(ctx, row.ID, hash) }); err != nil {
			return nil, err
		}
		row.KeyedAt = now
	}
	if now.Sub(row.Seen) > counter.DeviceQuiet/3 && !a.devices.saw(row.ID) {
		if err := a.db.Update(ctx, func(tx *store.Tx) error { return tx.SawDevice(ctx, row.ID) }); err != nil {
			return nil, err
		}
	}
	return &Device{Device: row.Device, hash: hash, keyed: row.KeyedAt, offered: row.OfferedAt}, nil
}

// copied takes every key away from a device one of whose former keys was used.
func (a *App) copied(ctx context.Context, hash string) error {
	id, version := "", 0
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		id = ""
		row, err := tx.DeviceByKey(ctx, hash)
		if err != nil || row == nil || hash != row.Last {
			return err
		}
		before := *row
		row.Key, row.Next, row.Last, row.Keyed = "", "", "", false
		saved, err := tx.SaveDevice(ctx, row)
		if err != nil || !saved {
			return err
		}
		id, version = row.ID, row.Version
		return tx.Audit(ctx, deviceRecord(nil, "device.copied", &before, row))
	})
	if err != nil {
		return err
	}
	if id != "" {
		a.log.Warn("a former key of a device was used: all its keys were taken away", "device", id)
		a.devices.changed(id, version)
	}
	return fault.New(fault.DeviceEnded)
}

// NextDeviceKey returns the key a device is to hold from now on, "" while the one it has will do. The face
// gives it with a page; whichever of the two the machine uses is good.
func (a *App) NextDeviceKey(ctx context.Context, d *Device) (string, error) {
	now := a.now()
	if now.Sub(d.keyed) < deviceKeyLife || now.Sub(d.offered) < deviceKeyOffer {
		return "", nil
	}
	key, given := secret(32), false
	err := a.db.Update(ctx, func(tx *store.Tx) (err error) {
		given, err = tx.OfferDeviceKey(ctx, d.ID, d.hash, a.vault.TokenHash(key), tx.Now.Add(-deviceKeyOffer))
		return err
	})
	if err != nil || !given {
		return "", err
	}
	return key, nil
}

// Pairing returns the secret a kiosk's page and the program on its machine share.
func (a *App) Pairing(d counter.Device) (string, error) {
	if len(d.Settings.Pairing) == 0 {
		return "", nil
	}
	plain, err := a.vault.Open(d.Settings.Pairing, "pairing")
	if err != nil {
		return "", fault.Wrap(fault.InternalError, err)
	}
	return string(plain), nil
}

// DevicePairing is Pairing for the administrator who sets the program up.
func (a *App) DevicePairing(ctx context.Context, ad *Admin, hall, id string) (string, error) {
	if err := a.Allow(ad, account.Configure, hall); err != nil {
		return "", err
	}
	d, err := a.HallDevice(ctx, ad, hall, id)
	if err != nil {
		return "", err
	}
	return a.Pairing(d)
}
