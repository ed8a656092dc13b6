package store

import (
	"context"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
)

// phoneWindows are the minute, the hour and the day of an instant by the clock, each numbered since 1970.
func phoneWindows(now time.Time) (minute, hour, day int64) {
	return now.Unix() / 60, now.Unix() / 3600, int64(calendar.DateOf(now))
}

// TakeTexts counts one message for each of the phones, each named once, that may be sent one now, in one statement for all nodes. It
// returns those that may not, with the instant from which they may be again.
func (tx *Tx) TakeTexts(ctx context.Context, phones []identity.Key, now time.Time, m rulebook.Messages) (over map[identity.Key]time.Time, err error) {
	if len(phones) == 0 {
		return nil, nil
	}
	minute, hour, day := phoneWindows(now)
	rows := make([]any, len(phones))
	over = make(map[identity.Key]time.Time, len(phones))
	for i, p := range phones {
		rows[i] = []any{string(p)}
		over[p] = time.Time{}
	}
	all := marshal(rows)
	if err := tx.query(ctx, "sms_phone.take", `
with w as materialized (select r.value->>0 as phone from {rows} r order by 1)
insert into sms_phone (phone, minute, in_minute, hour, in_hour, day, in_day)
select phone, cast($2 as bigint), 1, cast($3 as bigint), 1, cast($4 as bigint), 1 from w where true
on conflict (phone) do update set
  in_minute = case when sms_phone.minute = excluded.minute then sms_phone.in_minute else 0 end + 1, minute = excluded.minute,
  in_hour = case when sms_phone.hour = excluded.hour then sms_phone.in_hour else 0 end + 1, hour = excluded.hour,
  in_day = case when sms_phone.day = excluded.day then sms_phone.in_day else 0 end + 1, day = excluded.day
where (cast($5 as bigint) = 0 or sms_phone.minute <> excluded.minute or sms_phone.in_minute < cast($5 as bigint))
  and (cast($6 as bigint) = 0 or sms_phone.hour <> excluded.hour or sms_phone.in_hour < cast($6 as bigint))
  and (cast($7 as bigint) = 0 or sms_phone.day <> excluded.day or sms_phone.in_day < cast($7 as bigint))
returning phone`, func(scan func(...any) error) error {
		var p string
		err := scan(&p)
		delete(over, identity.Key(p))
		return err
	}, all, minute, hour, day, int64(m.PerMinute), int64(m.PerHour), int64(m.PerDay)); err != nil || len(over) == 0 {
		return nil, err
	}
	return over, tx.query(ctx, "sms_phone.full", `
with w as materialized (select r.value->>0 as phone from {rows} r order by 1)
select p.phone, p.minute, p.in_minute, p.hour, p.in_hour, p.day, p.in_day from w cross join sms_phone p where p.phone = w.phone`, func(scan func(...any) error) error {
		var p string
		var atMinute, inMinute, atHour, inHour, atDay, inDay int64
		if err := scan(&p, &atMinute, &inMinute, &atHour, &inHour, &atDay, &inDay); err != nil {
			return err
		}
		if _, is := over[identity.Key(p)]; !is {
			return nil
		}
		again := time.Unix((minute+1)*60, 0)
		if m.PerHour > 0 && atHour == hour && inHour >= int64(m.PerHour) {
			again = time.Unix((hour+1)*3600, 0)
		}
		if m.PerDay > 0 && atDay == day && inDay >= int64(m.PerDay) {
			again = (calendar.Date(day) + 1).At(0, 0)
		}
		over[identity.Key(p)] = again
		return nil
	}, all)
}

// ForgetPhones drops the counts of phones that were sent nothing since a day.
func (tx *Tx) ForgetPhones(ctx context.Context, before calendar.Date) error {
	_, err := tx.exec(ctx, "sms_phone.forget", `delete from sms_phone where day < $1`, int64(before))
	return err
}
