package store

import (
	"context"
	"time"

	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/feed"
)

const webhookColumns = "w.id, w.source, w.url, w.made_at, w.ended_at, w.off_at, w.off_why, w.after_seq, w.upto_seq, w.tries, w.first_at, w.next_at, w.success_at, w.failing_at, w.failure, w.status"

func scanWebhook(scan func(...any) error) (w feed.Webhook, err error) {
	var made, ended, off, first, next, success, failing int64
	err = scan(&w.ID, &w.SourceID, &w.URL, &made, &ended, &off, &w.Off, &w.After, &w.Upto, &w.Tries, &first, &next, &success, &failing, &w.Failure, &w.Status)
	w.MadeAt, w.EndedAt, w.OffAt, w.FirstAt, w.NextAt, w.SuccessAt, w.FailingAt = instant(made), since(ended), since(off), since(first), since(next), since(success), since(failing)
	return w, err
}

// orZero writes an instant, 0 for none.
func orZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return micros(t)
}

// AddWebhook adds an address that has been sent nothing yet.
func (tx *Tx) AddWebhook(ctx context.Context, w feed.Webhook, by string) error {
	_, err := tx.exec(ctx, "webhook.insert", `
insert into webhook (id, source, url, made_by, made_at, ended_at, off_at, off_why, after_seq, upto_seq, tries, first_at, next_at, until_at, success_at, failing_at, failure, status)
values ($1, $2, $3, $4, $5, 0, 0, '', $6, 0, 0, 0, 0, 0, 0, 0, '', 0)`, w.ID, w.SourceID, w.URL, by, micros(w.MadeAt), w.After)
	return err
}

// Webhook returns an address, nil if there is none.
func (tx *Tx) Webhook(ctx context.Context, id string) (found *feed.Webhook, err error) {
	return found, tx.query(ctx, "webhook.one", `select `+webhookColumns+` from webhook w where w.id = $1`, func(scan func(...any) error) error {
		w, err := scanWebhook(scan)
		found = &w
		return err
	}, id)
}

// Webhooks returns the addresses of a source, newest first, those that were taken away too.
func (tx *Tx) Webhooks(ctx context.Context, source string) (out []feed.Webhook, err error) {
	return out, tx.query(ctx, "webhook.of", `select `+webhookColumns+` from webhook w where w.source = $1 order by w.made_at desc, w.id`, func(scan func(...any) error) error {
		w, err := scanWebhook(scan)
		out = append(out, w)
		return err
	}, source)
}

// DueWebhooks returns the addresses that are on, to which something may be sent now and nobody is sending.
func (tx *Tx) DueWebhooks(ctx context.Context) (out []feed.Webhook, err error) {
	return out, tx.query(ctx, "webhook.due", `
select `+webhookColumns+` from webhook w where w.ended_at = 0 and w.off_at = 0 and w.next_at <= $1 and w.until_at <= $1 order by w.id`, func(scan func(...any) error) error {
		w, err := scanWebhook(scan)
		out = append(out, w)
		return err
	}, micros(tx.Now))
}

// ClaimWebhook gives an address to whoever asks until an instant; false if another has it, or nothing may be sent now.
func (tx *Tx) ClaimWebhook(ctx context.Context, id string, until time.Time) (bool, error) {
	n, err := tx.exec(ctx, "webhook.claim", `
update webhook set until_at = $3 where id = $1 and ended_at = 0 and off_at = 0 and next_at <= $2 and until_at <= $2`, id, micros(tx.Now), micros(until))
	return n == 1, err
}

// SaveWebhook writes how far an address has come, and gives it back unless it is kept until an instant. claim is until
// when the writer has it; one whose claim is no more writes nothing and is told false.
func (tx *Tx) SaveWebhook(ctx context.Context, w feed.Webhook, claim, keep time.Time) (bool, error) {
	n, err := tx.exec(ctx, "webhook.save", `
update webhook set off_at = $3, off_why = $4, after_seq = $5, upto_seq = $6, tries = $7, first_at = $8, next_at = $9, until_at = $10, success_at = $11, failing_at = $12, failure = $13, status = $14
where id = $1 and until_at = $2`, w.ID, micros(claim), orZero(w.OffAt), string(w.Off), w.After, w.Upto, int64(w.Tries), orZero(w.FirstAt), orZero(w.NextAt), orZero(keep),
		orZero(w.SuccessAt), orZero(w.FailingAt), string(w.Failure), int64(w.Status))
	return n == 1, err
}

// ResumeWebhook switches an address on and lets it be tried at once; false if it was taken away.
func (tx *Tx) ResumeWebhook(ctx context.Context, id string) (bool, error) {
	n, err := tx.exec(ctx, "webhook.resume", `update webhook set off_at = 0, off_why = '', next_at = 0, failing_at = case when off_at > 0 then 0 else failing_at end where id = $1 and ended_at = 0`, id)
	return n == 1, err
}

// EndWebhook takes an address and its secrets away; false if it was.
func (tx *Tx) EndWebhook(ctx context.Context, id string) (bool, error) {
	n, err := tx.exec(ctx, "webhook.end", `update webhook set ended_at = $2 where id = $1 and ended_at = 0`, id, micros(tx.Now))
	if err != nil || n == 0 {
		return false, err
	}
	_, err = tx.exec(ctx, "webhook_secret.end", `update webhook_secret set ended_at = $2 where webhook = $1 and ended_at = 0`, id, micros(tx.Now))
	return true, err
}

// WebhookSecret is a secret as it is kept.
type WebhookSecret struct {
	ID      string
	Webhook string
	Place   int // 1 or 2
	Sealed  []byte
	MadeBy  string // account
	MadeAt  time.Time
	EndedAt time.Time // zero = in force
}

// AddWebhookSecret adds a secret. Of two that take one place at once, one is told by ChangedMeanwhile.
func (tx *Tx) AddWebhookSecret(ctx context.Context, s WebhookSecret) error {
	_, err := tx.exec(ctx, "webhook_secret.insert", `insert into webhook_secret (id, webhook, place, secret, made_by, made_at, ended_at) values ($1, $2, $3, $4, $5, $6, 0)`,
		s.ID, s.Webhook, int64(s.Place), s.Sealed, s.MadeBy, micros(s.MadeAt))
	if err != nil && tx.db.d.unique(err) {
		return fault.Wrap(fault.ChangedMeanwhile, err)
	}
	return err
}

// WebhookSecrets returns the secrets of an address, newest first, those that ended too.
func (tx *Tx) WebhookSecrets(ctx context.Context, webhook string) (out []WebhookSecret, err error) {
	return out, tx.query(ctx, "webhook_secret.of", `
select id, webhook, place, secret, made_by, made_at, ended_at from webhook_secret where webhook = $1 order by made_at desc, id`, func(scan func(...any) error) error {
		var s WebhookSecret
		var made, ended int64
		err := scan(&s.ID, &s.Webhook, &s.Place, &s.Sealed, &s.MadeBy, &made, &ended)
		s.MadeAt, s.EndedAt = instant(made), since(ended)
		out = append(out, s)
		return err
	}, webhook)
}

// EndWebhookSecret takes a secret of an address away; false if it had ended.
func (tx *Tx) EndWebhookSecret(ctx context.Context, webhook, id string) (bool, error) {
	n, err := tx.exec(ctx, "webhook_secret.end_one", `update webhook_secret set ended_at = $3 where id = $2 and webhook = $1 and ended_at = 0`, webhook, id, micros(tx.Now))
	return n == 1, err
}

// PutAside keeps a message that had its last try.
func (tx *Tx) PutAside(ctx context.Context, webhook string, u feed.Undelivered) error {
	_, err := tx.exec(ctx, "webhook_undelivered.insert", `
insert into webhook_undelivered (webhook, upto_seq, after_seq, events, tries, first_at, aside_at, failure, status, again_at, done_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0)`, webhook, u.Upto, u.After, int64(u.Events), int64(u.Tries), orZero(u.FirstAt), orZero(u.AsideAt), string(u.Failure), int64(u.Status))
	return err
}

const undeliveredColumns = "u.upto_seq, u.after_seq, u.events, u.tries, u.first_at, u.aside_at, u.failure, u.status, u.again_at, u.done_at"

func scanUndelivered(scan func(...any) error) (u feed.Undelivered, err error) {
	var first, aside, again, done int64
	err = scan(&u.Upto, &u.After, &u.Events, &u.Tries, &first, &aside, &u.Failure, &u.Status, &again, &done)
	u.FirstAt, u.AsideAt, u.AgainAt, u.DoneAt = since(first), since(aside), since(again), since(done)
	return u, err
}

// Undelivered returns the messages to an address that were put aside, the oldest first, at most limit: those delivered
// since then too.
func (tx *Tx) Undelivered(ctx context.Context, webhook string, limit int) (out []feed.Undelivered, err error) {
	return out, tx.query(ctx, "webhook_undelivered.of", `
select `+undeliveredColumns+` from webhook_undelivered u where u.webhook = $1 order by case when u.done_at = 0 then 0 else 1 end, u.upto_seq limit $2`, func(scan func(...any) error) error {
		u, err := scanUndelivered(scan)
		out = append(out, u)
		return err
	}, webhook, int64(limit))
}

// CountUndelivered counts the messages that were put aside and not delivered since, by address of a source.
func (tx *Tx) CountUndelivered(ctx context.Context, source string) (map[string]int, error) {
	out := map[string]int{}
	return out, tx.query(ctx, "webhook_undelivered.count", `
select u.webhook, count(*) from webhook_undelivered u join webhook w on w.id = u.webhook where w.source = $1 and u.done_at = 0 group by u.webhook`, func(scan func(...any) error) error {
		var id string
		var n int
		err := scan(&id, &n)
		out[id] = n
		return err
	}, source)
}

// UndeliveredAsked returns the oldest message of an address that somebody asked to be sent again, nil for none.
func (tx *Tx) UndeliveredAsked(ctx context.Context, webhook string) (found *feed.Undelivered, err error) {
	return found, tx.query(ctx, "webhook_undelivered.asked", `
select `+undeliveredColumns+` from webhook_undelivered u where u.webhook = $1 and u.done_at = 0 and u.again_at > 0 order by u.upto_seq limit 1`, func(scan func(...any) error) error {
		u, err := scanUndelivered(scan)
		found = &u
		return err
	}, webhook)
}

// AskUndelivered asks for messages of an address that were put aside to be sent again, for one if upto is not 0, and
// tells for how many.
func (tx *Tx) AskUndelivered(ctx context.Context, webhook string, upto int64) (int64, error) {
	return tx.exec(ctx, "webhook_undelivered.ask", `
update webhook_undelivered set again_at = $3 where webhook = $1 and done_at = 0 and again_at = 0 and ($2 = 0 or upto_seq = $2)`, webhook, upto, micros(tx.Now))
}

// SaveUndelivered writes what became of a message that was sent again. One that failed ends the asking for all of its
// address.
func (tx *Tx) SaveUndelivered(ctx context.Context, webhook string, u feed.Undelivered) error {
	_, err := tx.exec(ctx, "webhook_undelivered.save", `
update webhook_undelivered set tries = $3, failure = $4, status = $5, again_at = 0, done_at = $6 where webhook = $1 and upto_seq = $2 and done_at = 0`,
		webhook, u.Upto, int64(u.Tries), string(u.Failure), int64(u.Status), orZero(u.DoneAt))
	if err != nil || !u.Open() {
		return err
	}
	_, err = tx.exec(ctx, "webhook_undelivered.rest", `update webhook_undelivered set again_at = 0 where webhook = $1 and again_at > 0`, webhook)
	return err
}

// CountEvents counts the events at halls after a number, up to most.
func (tx *Tx) CountEvents(ctx context.Context, halls []string, after int64, most int) (n int, err error) {
	_, err = tx.one(ctx, "feed_event.count", `
with w as materialized (select r.value->>0 as hall_id from {rows} r order by 1)
select count(*) from (select 1 from feed_event f where f.seq > $2 and f.hall_id in (select hall_id from w) limit $3) x`,
		[]any{marshal(oneColumn(halls)), after, int64(most)}, &n)
	return n, err
}
