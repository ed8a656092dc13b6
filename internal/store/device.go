package store

import (
	"context"
	"time"

	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
)

// Device is a kiosk or display as it is stored: with the hashes of what it is known by.
type Device struct {
	counter.Device
	Key       string // hash of the key its machine holds, "" for none
	Next      string // of the key given and not used yet
	Last      string // of the key before
	KeyedAt   time.Time
	OfferedAt time.Time
	Code      string // hash of the one-time code
	CreatedBy string
	CreatedAt time.Time
	ChangedAt time.Time
}

const deviceColumns = `d.id, d.hall_id, d.kind, d.name, d.key_hash, d.next_hash, d.last_hash, d.keyed_at, d.offered_at, d.code_hash, d.code_until,
  d.detail, d.version, d.created_by, d.created_at, d.enrolled_at, d.seen_at, d.ended_at, d.changed_at`

func scanDevice(scan func(...any) error) (*Device, error) {
	var d Device
	var detail string
	var keyed, offered, until, created, enrolled, seen, ended, changed int64
	if err := scan(&d.ID, &d.HallID, &d.Kind, &d.Name, &d.Key, &d.Next, &d.Last, &keyed, &offered, &d.Code, &until,
		&detail, &d.Version, &d.CreatedBy, &created, &enrolled, &seen, &ended, &changed); err != nil {
		return nil, err
	}
	d.KeyedAt, d.OfferedAt, d.CodeUntil, d.CreatedAt = since(keyed), since(offered), since(until), since(created)
	d.Enrolled, d.Seen, d.Ended, d.ChangedAt = since(enrolled), since(seen), since(ended), since(changed)
	d.Keyed = d.Key != ""
	return &d, unmarshal(detail, &d.Settings)
}

// AddDevice keeps a new device, with the time of the transaction.
func (tx *Tx) AddDevice(ctx context.Context, d Device) error {
	_, err := tx.exec(ctx, "device.insert", `
insert into device (id, hall_id, kind, name, key_hash, next_hash, last_hash, keyed_at, offered_at, code_hash, code_until, detail, version, created_by, created_at, enrolled_at, seen_at, ended_at, changed_at)
values ($1, $2, $3, $4, '', '', '', 0, 0, $5, $6, $7, 1, $8, $9, 0, 0, 0, $10)`,
		d.ID, d.HallID, string(d.Kind), d.Name, d.Code, untilMicros(d.CodeUntil), marshal(d.Settings), d.CreatedBy, micros(tx.Now), micros(tx.Now))
	return err
}

func (tx *Tx) device(ctx context.Context, name, where string, args ...any) (d *Device, err error) {
	err = tx.query(ctx, name, `select `+deviceColumns+` from device d where `+where, func(scan func(...any) error) (err error) {
		d, err = scanDevice(scan)
		return err
	}, args...)
	return d, err
}

// Device returns a device of a hall, nil for none.
func (tx *Tx) Device(ctx context.Context, hall, id string) (*Device, error) {
	return tx.device(ctx, "device.read", `d.id = $1 and d.hall_id = $2`, id, hall)
}

// DeviceByCode returns the device a one-time code enrols, nil for none.
func (tx *Tx) DeviceByCode(ctx context.Context, code string) (*Device, error) {
	return tx.device(ctx, "device.by_code", `d.code_hash = $1 and d.code_hash <> ''`, code)
}

// DeviceByKey returns the device that holds a key now, was given it, or held it before; nil for none. It is
// read with each request: what was taken away is gone at once, on every node.
func (tx *Tx) DeviceByKey(ctx context.Context, key string) (*Device, error) {
	if key == "" {
		return nil, nil
	}
	for _, at := range []string{"key_hash", "next_hash", "last_hash"} {
		if d, err := tx.device(ctx, "device.by_"+at, "d."+at+" = $1 and d."+at+" <> ''", key); err != nil || d != nil {
			return d, err
		}
	}
	return nil, nil
}

// SaveDevice writes a device back whose row is still at version d.Version, and makes it one more; false when
// somebody else changed it meanwhile. When it was seen is not written.
func (tx *Tx) SaveDevice(ctx context.Context, d *Device) (bool, error) {
	n, err := tx.exec(ctx, "device.update", `
update device set name = $3, key_hash = $4, next_hash = $5, last_hash = $6, keyed_at = $7, offered_at = $8, code_hash = $9, code_until = $10, detail = $11,
  enrolled_at = $12, ended_at = $13, changed_at = $14, version = version + 1
where id = $1 and version = $2`,
		d.ID, int64(d.Version), d.Name, d.Key, d.Next, d.Last, untilMicros(d.KeyedAt), untilMicros(d.OfferedAt), d.Code, untilMicros(d.CodeUntil), marshal(d.Settings),
		untilMicros(d.Enrolled), untilMicros(d.Ended), micros(tx.Now))
	d.Version++
	return n == 1, err
}

// OfferDeviceKey gives a device its next key, unless one was given after since; false then. Its version
// stays: nobody set anything.
func (tx *Tx) OfferDeviceKey(ctx context.Context, id, key, next string, since time.Time) (bool, error) {
	n, err := tx.exec(ctx, "device.offer", `
update device set next_hash = $3, offered_at = $4 where id = $1 and key_hash = $2 and ended_at = 0 and offered_at < $5`,
		id, key, next, micros(tx.Now), micros(since))
	return n == 1, err
}

// TakeDeviceKey makes the key a device was given the one it holds.
func (tx *Tx) TakeDeviceKey(ctx context.Context, id, next string) error {
	_, err := tx.exec(ctx, "device.take", `
update device set last_hash = key_hash, key_hash = next_hash, next_hash = '', keyed_at = $3 where id = $1 and next_hash = $2 and ended_at = 0`,
		id, next, micros(tx.Now))
	return err
}

// SawDevice records that a device was heard of.
func (tx *Tx) SawDevice(ctx context.Context, id string) error {
	_, err := tx.exec(ctx, "device.seen", `update device set seen_at = $2 where id = $1 and seen_at < $3`, id, micros(tx.Now), micros(tx.Now))
	return err
}

// SawDevices records that devices were heard of, all in one statement.
func (tx *Tx) SawDevices(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	rows := make([][1]string, len(ids))
	for i, id := range ids {
		rows[i] = [1]string{id}
	}
	_, err := tx.exec(ctx, "device.seen_all", `
with w as materialized (select r.value->>0 as id from {rows} r order by 1)
update device set seen_at = cast($2 as bigint) from w where device.id = w.id and device.seen_at < cast($2 as bigint)`, marshal(rows), micros(tx.Now))
	return err
}

// Devices lists the devices of a hall, by kind and name, ended ones last.
func (tx *Tx) Devices(ctx context.Context, hall string) ([]Device, error) {
	var out []Device
	err := tx.query(ctx, "device.list", `select `+deviceColumns+` from device d where d.hall_id = $1 order by d.ended_at, d.kind desc, d.name, d.id`,
		func(scan func(...any) error) error {
			d, err := scanDevice(scan)
			if err == nil {
				out = append(out, *d)
			}
			return err
		}, hall)
	return out, err
}

// DeviceChange names a device that was changed, and the version it was changed to.
type DeviceChange struct {
	ID      string
	Version int
}

// DevicesChanged lists what was changed from an instant on.
func (tx *Tx) DevicesChanged(ctx context.Context, from time.Time) ([]DeviceChange, error) {
	var out []DeviceChange
	err := tx.query(ctx, "device.changed", `select id, version from device where changed_at >= $1`, func(scan func(...any) error) error {
		var c DeviceChange
		err := scan(&c.ID, &c.Version)
		out = append(out, c)
		return err
	}, micros(from))
	return out, err
}

// Print is one time a ticket was put on paper.
type Print struct {
	N       int
	At      time.Time
	ByKind  string
	ByID    string
	Why     string // issued, document, staff
	Outcome string // "" while nothing was heard of it
}

// Prints lists how often a ticket was put on paper, oldest first.
func (tx *Tx) Prints(ctx context.Context, hall, ticket string) ([]Print, error) {
	var out []Print
	err := tx.query(ctx, "print.list", `select n, at, by_kind, by_id, why, outcome from ticket_print where hall_id = $1 and ticket = $2 order by n`,
		func(scan func(...any) error) error {
			var p Print
			var at int64
			err := scan(&p.N, &at, &p.ByKind, &p.ByID, &p.Why, &p.Outcome)
			p.At = instant(at)
			out = append(out, p)
			return err
		}, hall, ticket)
	return out, err
}

// AddPrint records the n-th time. Of two who print at once one does; the other is told by ChangedMeanwhile.
func (tx *Tx) AddPrint(ctx context.Context, hall, ticket string, p Print) error {
	_, err := tx.exec(ctx, "print.insert", `insert into ticket_print (hall_id, ticket, n, at, by_kind, by_id, why, outcome) values ($1, $2, $3, $4, $5, $6, $7, '')`,
		hall, ticket, int64(p.N), micros(tx.Now), p.ByKind, p.ByID, p.Why)
	if err != nil && tx.db.d.unique(err) {
		return fault.Wrap(fault.ChangedMeanwhile, err)
	}
	return err
}

// SettlePrint records what came of the n-th time, once.
func (tx *Tx) SettlePrint(ctx context.Context, hall, ticket string, n int, outcome string) error {
	_, err := tx.exec(ctx, "print.settle", `update ticket_print set outcome = $4 where hall_id = $1 and ticket = $2 and n = $3 and outcome = ''`, hall, ticket, int64(n), outcome)
	return err
}
