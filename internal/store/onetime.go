package store

import (
	"context"
	"time"

	"suiyue/internal/domain/identity"
)

// LockCodes makes transactions about codes of one phone take turns, on every node. The row it holds
// on to is sent at 0 and no code.
func (tx *Tx) LockCodes(ctx context.Context, phone identity.Key) error {
	_, err := tx.exec(ctx, "code.lock", `
insert into one_time_code (phone, sent_at, code_hash) values ($1, 0, '')
on conflict (phone, sent_at) do update set used = 0`, string(phone))
	return err
}

// CodesSent returns when codes went to a phone after since, in order.
func (tx *Tx) CodesSent(ctx context.Context, phone identity.Key, since time.Time) ([]time.Time, error) {
	var out []time.Time
	err := tx.query(ctx, "code.sent", `select sent_at from one_time_code where phone = $1 and sent_at > $2 order by sent_at`,
		func(scan func(...any) error) error {
			var at int64
			err := scan(&at)
			out = append(out, instant(at))
			return err
		}, string(phone), max(micros(since), 0))
	return out, err
}

// InsertCode keeps a code that is about to be sent.
func (tx *Tx) InsertCode(ctx context.Context, phone identity.Key, c identity.StoredCode) error {
	_, err := tx.exec(ctx, "code.insert", `insert into one_time_code (phone, sent_at, code_hash, wrong, used) values ($1, $2, $3, $4, $5)`,
		string(phone), micros(c.Sent), string(c.Hash), c.Wrong, flag(c.Used))
	return err
}

// LastCode returns the code sent last to a phone; without a Hash when there is none.
func (tx *Tx) LastCode(ctx context.Context, phone identity.Key) (identity.StoredCode, error) {
	var c identity.StoredCode
	var sent, used int64
	found, err := tx.one(ctx, "code.last", `
select code_hash, sent_at, wrong, used from one_time_code where phone = $1 and sent_at > 0 order by sent_at desc limit 1`,
		[]any{string(phone)}, &c.Hash, &sent, &c.Wrong, &used)
	if found {
		c.Sent, c.Used = instant(sent), used != 0
	}
	return c, err
}

// UpdateCode stores what became of a code by a try.
func (tx *Tx) UpdateCode(ctx context.Context, phone identity.Key, c identity.StoredCode) error {
	_, err := tx.exec(ctx, "code.update", `update one_time_code set wrong = $3, used = $4 where phone = $1 and sent_at = $2`,
		string(phone), micros(c.Sent), c.Wrong, flag(c.Used))
	return err
}

// ForgetCodes drops codes sent before, which neither open anything nor count any more, and the locks
// of phones that have none left.
func (tx *Tx) ForgetCodes(ctx context.Context, before time.Time) error {
	if _, err := tx.exec(ctx, "code.forget", `delete from one_time_code where sent_at > 0 and sent_at < $1`, micros(before)); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "code.unlock", `
delete from one_time_code where sent_at = 0 and not exists (select 1 from one_time_code c where c.phone = one_time_code.phone and c.sent_at > 0)`)
	return err
}
