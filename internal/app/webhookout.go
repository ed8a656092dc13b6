package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/feed"
	"suiyue/internal/store"
)

// Sending what happened to the addresses of connected systems: in order, one message at a time each.

// WebhookMessage is a message ready to be posted.
type WebhookMessage struct {
	ID      string // the same each time it is sent
	URL     string
	Body    []byte
	Secrets []string // it is signed with each of them
	Events  int

	webhook feed.Webhook
	aside   *feed.Undelivered // nil = the message under way
	claim   time.Time
}

// String names the message and keeps the rest out of logs.
func (m *WebhookMessage) String() string { return m.ID }

// Webhook is the id of the address it goes to.
func (m *WebhookMessage) Webhook() string { return m.webhook.ID }

// postFor is how long a node has an address while it sends one message: much longer than a call may take.
const postFor = time.Minute

// DueWebhooks returns the ids of the addresses for which there is something to send. It writes nothing.
func (a *App) DueWebhooks(ctx context.Context) (ids []string, err error) {
	return ids, a.db.View(ctx, func(tx *store.Tx) error {
		ids = nil
		list, err := tx.DueWebhooks(ctx)
		if err != nil || len(list) == 0 {
			return err
		}
		out, err := tx.FeedOut(ctx)
		if err != nil {
			return err
		}
		for _, w := range list {
			s, err := tx.Source(ctx, w.SourceID)
			if err != nil {
				return err
			}
			if s == nil || s.Ended != 0 { // a system that is connected no more is sent nothing
				continue
			}
			if w.Upto == 0 && w.After < out.Seq { // something has happened, perhaps at its halls
				n, err := tx.CountEvents(ctx, a.hallsFed(*s), w.After, 1)
				if err != nil {
					return err
				}
				if n > 0 {
					ids = append(ids, w.ID)
					continue
				}
			}
			asked, err := tx.UndeliveredAsked(ctx, w.ID)
			if err != nil {
				return err
			}
			if w.Upto > 0 || asked != nil {
				ids = append(ids, w.ID)
			}
		}
		return nil
	})
}

// NextMessage takes an address and the next message to it, nil where there is none or another node has it. It must be
// settled: what is not is sent again under the same id once postFor is over.
func (a *App) NextMessage(ctx context.Context, id string) (m *WebhookMessage, err error) {
	return m, a.db.Update(ctx, func(tx *store.Tx) error {
		m = nil
		claim := tx.Now.Add(postFor)
		mine, err := tx.ClaimWebhook(ctx, id, claim)
		if err != nil || !mine {
			return err
		}
		w, err := tx.Webhook(ctx, id)
		if err != nil {
			return err
		}
		s, err := tx.Source(ctx, w.SourceID)
		if err != nil {
			return err
		}
		out := &WebhookMessage{URL: w.URL, claim: claim}
		var events []store.FeedEvent
		var made time.Time
		after, upto := w.After, w.Upto
		if s != nil && s.Ended == 0 {
			halls := a.hallsFed(*s)
			if out.aside, err = tx.UndeliveredAsked(ctx, id); err != nil {
				return err
			}
			switch {
			case out.aside != nil:
				after, upto, made = out.aside.After, out.aside.Upto, out.aside.FirstAt
			case upto == 0:
				kept, err := tx.FeedOut(ctx)
				if err != nil {
					return err
				}
				after = max(after, kept.Forgotten) // what was forgotten is missing: the other side sees it by the numbers
				w.After = after
			}
			if events, err = tx.FeedEvents(ctx, halls, after, feed.MostPosted); err != nil {
				return err
			}
			for len(events) > 0 && upto > 0 && events[len(events)-1].Seq > upto {
				events = events[:len(events)-1]
			}
		}
		if len(events) == 0 { // nothing, or nothing any more, as where a hall is no longer theirs
			switch {
			case out.aside != nil:
				if err := tx.SaveUndelivered(ctx, id, out.aside.Retried(tx.Now, feed.Answer{})); err != nil {
					return err
				}
			case upto > 0:
				w.After, w.Upto, w.Tries, w.FirstAt = upto, 0, 0, time.Time{}
			}
			_, err := tx.SaveWebhook(ctx, *w, claim, time.Time{})
			return err
		}
		if out.aside == nil {
			if upto == 0 {
				w.Upto = events[len(events)-1].Seq
				upto = w.Upto
			}
			if w.FirstAt.IsZero() {
				w.FirstAt = tx.Now
			}
			made = w.FirstAt
			if _, err := tx.SaveWebhook(ctx, *w, claim, claim); err != nil {
				return err
			}
		}
		out.webhook, out.Events, out.ID = *w, len(events), "msg_"+id+"_"+strconv.FormatInt(upto, 10)
		if out.Body, err = a.webhookBody(w.SourceID, after, upto, made, events); err != nil {
			return err
		}
		keys, err := tx.WebhookSecrets(ctx, id)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if !k.EndedAt.IsZero() {
				continue
			}
			plain, err := a.vault.Open(k.Sealed, webhookSecretAbout(k.ID))
			if err != nil {
				return fmt.Errorf("secret of webhook %s: %w", id, err)
			}
			out.Secrets = append(out.Secrets, string(plain))
		}
		m = out
		return nil
	})
}

// webhookType names what a message tells, by Standard Webhooks.
const webhookType = "booking.events"

// webhookBody writes a message. Its events look as those of GET /sources/{source}/events.
func (a *App) webhookBody(source string, after, upto int64, made time.Time, list []store.FeedEvent) ([]byte, error) {
	type event struct {
		Seq     int64             `json:"seq"`
		Kind    booking.EventKind `json:"kind"`
		At      time.Time         `json:"at"`
		Hall    string            `json:"hall"`
		Booking string            `json:"booking"`
		Version int               `json:"version"`
		Slot    string            `json:"slot"`
		From    string            `json:"from_slot,omitempty"`
	}
	var body struct {
		Type string    `json:"type"`
		At   time.Time `json:"timestamp"`
		Data struct {
			Source string  `json:"source"`
			After  int64   `json:"after"`
			Next   int64   `json:"next"`
			Events []event `json:"events"`
		} `json:"data"`
	}
	body.Type, body.At = webhookType, made.In(calendar.Zone)
	body.Data.Source, body.Data.After, body.Data.Next = source, after, upto
	for _, e := range a.withCodes(list) {
		body.Data.Events = append(body.Data.Events, event{e.Seq, e.Kind, e.At.In(calendar.Zone), e.HallID, e.Code, e.Version, e.SlotID, e.From})
	}
	return json.Marshal(body)
}

// SettleMessage writes what came of posting a message, and says what became of it; chance, from 0 to below 1, spreads
// what is tried again. Where the address went to another node meanwhile, nothing is written: that node sends the message
// again.
func (a *App) SettleMessage(ctx context.Context, m *WebhookMessage, got feed.Answer, chance float64) (fate feed.Fate, err error) {
	return fate, a.db.Update(ctx, func(tx *store.Tx) error {
		fate = feed.Again
		w, err := tx.Webhook(ctx, m.webhook.ID)
		if err != nil {
			return err
		}
		if m.aside != nil {
			return a.settleAside(ctx, tx, m, *w, got, &fate)
		}
		if w.Upto != m.webhook.Upto || w.After != m.webhook.After {
			return nil // somebody else has sent it
		}
		next, became := w.Tried(tx.Now, got, chance)
		saved, err := tx.SaveWebhook(ctx, next, m.claim, time.Time{})
		if err != nil || !saved {
			return err
		}
		if fate = became; became == feed.PutAside {
			return tx.PutAside(ctx, w.ID, feed.Undelivered{
				After: w.After, Upto: w.Upto, Events: m.Events, Tries: w.Tries + 1, FirstAt: w.FirstAt, AsideAt: tx.Now, Failure: next.Failure, Status: next.Status,
			})
		}
		return nil
	})
}

// settleAside writes what came of a message that was put aside before. It changes nothing of the message under way, but
// an address that is gone is switched off.
func (a *App) settleAside(ctx context.Context, tx *store.Tx, m *WebhookMessage, w feed.Webhook, got feed.Answer, fate *feed.Fate) error {
	tried, became := w.Tried(tx.Now, got, 0)
	*fate = feed.PutAside
	switch became {
	case feed.Delivered:
		*fate, w.SuccessAt = feed.Delivered, tx.Now
	case feed.Stopped:
		*fate, w.OffAt, w.Off, w.FailingAt, w.Failure, w.Status = feed.Stopped, tried.OffAt, tried.Off, tried.FailingAt, tried.Failure, tried.Status
	}
	if err := tx.SaveUndelivered(ctx, w.ID, m.aside.Retried(tx.Now, got)); err != nil {
		return err
	}
	_, err := tx.SaveWebhook(ctx, w, m.claim, time.Time{})
	return err
}
