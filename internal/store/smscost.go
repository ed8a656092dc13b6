package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"suiyue/internal/domain/booking"
)

// SMSCost is what the messages of a hall, a month, a kind and a gateway come to.
type SMSCost struct {
	HallID  string // "" for messages about no hall
	Month   string // 2026-11
	Kind    booking.MessageKind
	Gateway string
	Parts   int64
	Cost    int64 // thousandths of a fen, at the prices of their days
}

// countParts adds to the costs those of the parts that are known and not counted yet, each once whoever brings it.
func (tx *Tx) countParts(ctx context.Context, parts []SMSPart) error {
	if len(parts) == 0 {
		return nil
	}
	rows := make([][2]any, len(parts))
	for i, p := range parts {
		rows[i] = [2]any{p.Gateway, p.ID}
	}
	sums := map[SMSCost]SMSCost{} // by what they are told apart by
	if err := tx.query(ctx, "sms_part.count", `
with w as materialized (select distinct r.value->>0 as gateway, r.value->>1 as id from {rows} r order by 1, 2)
update sms_part set counted = 1 where (gateway, id) in (select gateway, id from w) and counted = 0 and kind <> ''
returning hall_id, date, kind, gateway, parts, price`, func(scan func(...any) error) error {
		var key SMSCost
		var date string
		var n, price int64
		if err := scan(&key.HallID, &date, &key.Kind, &key.Gateway, &n, &price); err != nil {
			return err
		}
		key.Month = date[:min(len(date), len("2026-11"))]
		sum := sums[key]
		sum.Parts, sum.Cost = sum.Parts+n, sum.Cost+n*price
		sums[key] = sum
		return nil
	}, marshal(rows)); err != nil || len(sums) == 0 {
		return err
	}
	keys := slices.SortedFunc(maps.Keys(sums), func(a, b SMSCost) int {
		return cmp.Or(cmp.Compare(a.HallID, b.HallID), cmp.Compare(a.Month, b.Month), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Gateway, b.Gateway))
	})
	return saveSet(ctx, tx, "sms_cost.add", keys, func(k SMSCost) any {
		return []any{k.HallID, k.Month, k.Kind, k.Gateway, sums[k].Parts, sums[k].Cost}
	}, `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as month, r.value->>2 as kind, r.value->>3 as gateway, cast(r.value->>4 as bigint) as parts,
    cast(r.value->>5 as bigint) as cost from {rows} r order by 1, 2, 3, 4)
insert into sms_cost (hall_id, month, kind, gateway, parts, cost) select hall_id, month, kind, gateway, parts, cost from w where true
on conflict (hall_id, month, kind, gateway) do update set parts = sms_cost.parts + excluded.parts, cost = sms_cost.cost + excluded.cost`)
}

// SMSCosts returns what messages of a month cost, by hall, kind and gateway.
func (tx *Tx) SMSCosts(ctx context.Context, month string) (out []SMSCost, err error) {
	err = tx.query(ctx, "sms_cost.month", `
select hall_id, month, kind, gateway, parts, cost from sms_cost where month = $1 order by hall_id, kind, gateway`, func(scan func(...any) error) error {
		var c SMSCost
		err := scan(&c.HallID, &c.Month, &c.Kind, &c.Gateway, &c.Parts, &c.Cost)
		out = append(out, c)
		return err
	}, month)
	return out, err
}

// AskedPart is a part whose carrier is asked what became of it.
type AskedPart struct {
	Gateway, ID string
	Message     MessageRow // booking, version, kind and hall
	At          time.Time  // when it was accepted
	Asked       int        // how often it was asked for before
}

// ClaimAsks takes up to limit parts whose carriers are to be asked now. Each comes again after what next says of how often it was
// asked for; 0 ends it.
func (tx *Tx) ClaimAsks(ctx context.Context, now time.Time, limit int, next func(asked int) time.Duration) (out []AskedPart, err error) {
	if err = tx.walk(ctx, "sms_part.to_ask", `
select p.gateway, p.id, p.booking, p.version, p.kind, p.hall_id, p.at, p.asked from sms_part p where p.ask_at > 0 and p.ask_at <= $1 order by p.ask_at limit $2 {skip}`,
		func(scan func(...any) error) error {
			var p AskedPart
			var at int64
			err := scan(&p.Gateway, &p.ID, &p.Message.Booking, &p.Message.Version, &p.Message.Kind, &p.Message.HallID, &at, &p.Asked)
			p.At = instant(at)
			out = append(out, p)
			return err
		}, micros(now), limit); err != nil {
		return nil, err
	}
	return out, saveSet(ctx, tx, "sms_part.asked", out, func(p AskedPart) any {
		at := int64(0)
		if d := next(p.Asked + 1); d > 0 {
			at = micros(now.Add(d))
		}
		return []any{p.Gateway, p.ID, at}
	}, `
with w as materialized (select r.value->>0 as gateway, r.value->>1 as id, cast(r.value->>2 as bigint) as at from {rows} r order by 1, 2)
update sms_part set ask_at = w.at, asked = asked + 1 from w where sms_part.gateway = w.gateway and sms_part.id = w.id`)
}

// SMSCostMonths returns the months of which there are costs, newest first, at most limit.
func (tx *Tx) SMSCostMonths(ctx context.Context, limit int) (out []string, err error) {
	err = tx.query(ctx, "sms_cost.months", `select distinct month from sms_cost order by month desc limit $1`, func(scan func(...any) error) error {
		var m string
		err := scan(&m)
		out = append(out, m)
		return err
	}, limit)
	return out, err
}
