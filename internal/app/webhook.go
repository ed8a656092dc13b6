package app

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/feed"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// Addresses to which the events of connected systems are posted: kept by the security role (三員), as their keys are
// (docs/adr/0050-webhooks.md).

// WebhookInfo is an address with what can be said of it now. It holds no secret.
type WebhookInfo struct {
	feed.Webhook
	Waiting     int // events that are not delivered yet, those of the message under way among them; counted up to feed.MostWaiting
	Undelivered int // messages put aside
	Secrets     []WebhookSecret
}

// WebhookSecret is a secret in a list. It is shown once, when it is made.
type WebhookSecret struct {
	ID      string
	MadeAt  time.Time
	EndedAt time.Time // zero = in force
	MadeBy  string    // account
}

// LiveSecrets is how many secrets messages are signed with.
func (w *WebhookInfo) LiveSecrets() (n int) {
	for _, s := range w.Secrets {
		if s.EndedAt.IsZero() {
			n++
		}
	}
	return n
}

func webhookSecretAbout(id string) string { return "webhook|secret|" + id }

// secretPrefix begins the text of a secret, by Standard Webhooks.
const secretPrefix = "whsec_"

// newWebhookSecret draws a secret of 32 bytes and returns it as the other side gets it.
func newWebhookSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return secretPrefix + base64.StdEncoding.EncodeToString(b)
}

// Webhooks returns a connected system and the addresses events are posted to, newest first.
func (a *App) Webhooks(ctx context.Context, ad *Admin, source string) (s oversight.Source, list []WebhookInfo, err error) {
	if err := a.Allow(ad, account.Keys, ""); err != nil {
		return s, nil, err
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		found, err := tx.Source(ctx, source)
		if err != nil || found == nil {
			return orElse(err, fault.New(fault.SourceNotFound))
		}
		s = *found
		list, err = a.webhooksOf(ctx, tx, s)
		return err
	})
	return s, list, err
}

// webhooksOf reads the addresses of a source with what waits for each.
func (a *App) webhooksOf(ctx context.Context, tx *store.Tx, s oversight.Source) (out []WebhookInfo, err error) {
	list, err := tx.Webhooks(ctx, s.ID)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	aside, err := tx.CountUndelivered(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	halls := a.hallsFed(s)
	for _, w := range list {
		v := WebhookInfo{Webhook: w, Undelivered: aside[w.ID]}
		if w.State() != feed.WebhookEnded {
			if v.Waiting, err = tx.CountEvents(ctx, halls, w.After, feed.MostWaiting); err != nil {
				return nil, err
			}
		}
		secrets, err := tx.WebhookSecrets(ctx, w.ID)
		if err != nil {
			return nil, err
		}
		for _, x := range secrets {
			v.Secrets = append(v.Secrets, WebhookSecret{x.ID, x.MadeAt, x.EndedAt, x.MadeBy})
		}
		out = append(out, v)
	}
	return out, nil
}

// SourceWebhooks returns how it is with the addresses of a connected system, for whoever supervises it.
func (a *App) SourceWebhooks(ctx context.Context, s oversight.Source) (out []WebhookInfo, err error) {
	return out, a.db.View(ctx, func(tx *store.Tx) error {
		out, err = a.webhooksOf(ctx, tx, s)
		return err
	})
}

// UndeliveredShown is how many messages that were put aside are listed.
const UndeliveredShown = 100

// Webhook returns one address of a connected system, with the messages that were put aside: those that still are first,
// the oldest of them in front.
func (a *App) Webhook(ctx context.Context, ad *Admin, source, id string) (s oversight.Source, v WebhookInfo, aside []feed.Undelivered, err error) {
	s, list, err := a.Webhooks(ctx, ad, source)
	if err != nil {
		return s, v, nil, err
	}
	i := slices.IndexFunc(list, func(w WebhookInfo) bool { return w.ID == id })
	if i < 0 {
		return s, v, nil, fault.New(fault.WebhookNotFound)
	}
	v = list[i]
	return s, v, aside, a.db.View(ctx, func(tx *store.Tx) (err error) {
		aside, err = tx.Undelivered(ctx, id, UndeliveredShown)
		return err
	})
}

// AddWebhook gives a connected system an address to which what happens from now on is posted, and returns the secret
// messages are signed with, this once. A wrong address is field url.
func (a *App) AddWebhook(ctx context.Context, ad *Admin, source, url string) (shown string, made feed.Webhook, err error) {
	if err := a.Allow(ad, account.Keys, ""); err != nil {
		return "", made, err
	}
	if err := a.Proven(ad); err != nil {
		return "", made, err
	}
	url = strings.TrimSpace(url)
	switch {
	case url == "":
		return "", made, fault.InvalidFields(fault.Field{Path: "url", Code: fault.Required})
	case !a.mayCall(url):
		return "", made, fault.InvalidFields(fault.Field{Path: "url", Code: fault.AddressNotAllowed})
	}
	shown = newWebhookSecret()
	made = feed.Webhook{ID: publicID(), SourceID: source, URL: url}
	key := store.WebhookSecret{ID: publicID(), Webhook: made.ID, Place: 1, MadeBy: ad.Account.ID}
	key.Sealed = a.vault.Seal([]byte(shown), webhookSecretAbout(key.ID))
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		s, err := tx.Source(ctx, source)
		if err != nil || s == nil {
			return orElse(err, fault.New(fault.SourceNotFound))
		}
		if !s.On(calendar.DateOf(tx.Now)) {
			return fault.New(fault.SourceEnded)
		}
		had, err := tx.Webhooks(ctx, source)
		if err != nil {
			return err
		}
		live := 0
		for i := range had {
			if had[i].State() != feed.WebhookEnded {
				live++
			}
		}
		if live >= feed.MostWebhooks {
			return fault.New(fault.WebhooksMost, "n", strconv.Itoa(feed.MostWebhooks))
		}
		out, err := tx.FeedOut(ctx)
		if err != nil {
			return err
		}
		made.MadeAt, made.After, key.MadeAt = tx.Now, out.Seq, tx.Now
		if err := tx.AddWebhook(ctx, made, ad.Account.ID); err != nil {
			return err
		}
		if err := tx.AddWebhookSecret(ctx, key); err != nil {
			return err
		}
		rec := ad.record("webhook.make", "webhook", made.ID)
		rec.After = asJSON(webhookShown(made))
		return tx.Audit(ctx, rec)
	})
	if err != nil {
		return "", feed.Webhook{}, err
	}
	return shown, made, nil
}

// webhookShown is what the log holds of an address.
func webhookShown(w feed.Webhook) map[string]any {
	return map[string]any{"source": w.SourceID, "url": w.URL}
}

// changeWebhook does something to an address of a connected system that was not taken away.
func (a *App) changeWebhook(ctx context.Context, ad *Admin, source, id string, do func(tx *store.Tx, w feed.Webhook) (store.AuditRecord, error)) error {
	if err := a.Allow(ad, account.Keys, ""); err != nil {
		return err
	}
	if err := a.Proven(ad); err != nil {
		return err
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		w, err := tx.Webhook(ctx, id)
		if err != nil || w == nil || w.SourceID != source {
			return orElse(err, fault.New(fault.WebhookNotFound))
		}
		if w.State() == feed.WebhookEnded {
			return fault.New(fault.WebhookEnded)
		}
		rec, err := do(tx, *w)
		if err != nil {
			return err
		}
		return tx.Audit(ctx, rec)
	})
}

// AddWebhookSecret makes a second secret for an address and returns it, this once. Messages are signed with both until
// one of them ends.
func (a *App) AddWebhookSecret(ctx context.Context, ad *Admin, source, id string) (shown string, err error) {
	shown = newWebhookSecret()
	key := store.WebhookSecret{ID: publicID(), Webhook: id}
	key.Sealed = a.vault.Seal([]byte(shown), webhookSecretAbout(key.ID))
	err = a.changeWebhook(ctx, ad, source, id, func(tx *store.Tx, w feed.Webhook) (rec store.AuditRecord, err error) {
		had, err := tx.WebhookSecrets(ctx, id)
		if err != nil {
			return rec, err
		}
		key.Place, key.MadeAt, key.MadeBy = 0, tx.Now, ad.Account.ID
		for place := feed.MostWebhookSecrets; place >= 1; place-- {
			if !slices.ContainsFunc(had, func(s store.WebhookSecret) bool { return s.EndedAt.IsZero() && s.Place == place }) {
				key.Place = place
			}
		}
		if key.Place == 0 {
			return rec, fault.New(fault.WebhookSecretsTwo)
		}
		rec = ad.record("webhook.secret", "webhook", id)
		rec.After = asJSON(map[string]any{"secret": key.ID})
		return rec, tx.AddWebhookSecret(ctx, key)
	})
	if err != nil {
		return "", err
	}
	return shown, nil
}

// reasoned checks why something is taken away.
func reasoned(why string) (string, error) {
	why = strings.TrimSpace(why)
	if bad := account.CheckText(why, account.MostReason); bad != "" {
		return "", fault.InvalidFields(fault.Field{Path: "why", Code: bad})
	}
	return why, nil
}

// EndWebhookSecret takes one of two secrets of an address away, with a reason.
func (a *App) EndWebhookSecret(ctx context.Context, ad *Admin, source, id, secret, why string) error {
	why, bad := reasoned(why)
	return a.changeWebhook(ctx, ad, source, id, func(tx *store.Tx, w feed.Webhook) (rec store.AuditRecord, err error) {
		if bad != nil {
			return rec, bad
		}
		had, err := tx.WebhookSecrets(ctx, id)
		if err != nil {
			return rec, err
		}
		had = slices.DeleteFunc(had, func(s store.WebhookSecret) bool { return !s.EndedAt.IsZero() })
		if len(had) == 1 && had[0].ID == secret {
			return rec, fault.New(fault.WebhookSecretLast)
		}
		ended, err := tx.EndWebhookSecret(ctx, id, secret)
		if err != nil || !ended {
			return rec, orElse(err, fault.New(fault.WebhookSecretEnded))
		}
		rec = ad.record("webhook.secret_end", "webhook", id)
		rec.Why, rec.Before = why, asJSON(map[string]any{"secret": secret})
		return rec, nil
	})
}

// EndWebhook takes an address away, with a reason. What waits for it is not sent.
func (a *App) EndWebhook(ctx context.Context, ad *Admin, source, id, why string) error {
	why, bad := reasoned(why)
	return a.changeWebhook(ctx, ad, source, id, func(tx *store.Tx, w feed.Webhook) (rec store.AuditRecord, err error) {
		if bad != nil {
			return rec, bad
		}
		ended, err := tx.EndWebhook(ctx, id)
		if err != nil || !ended {
			return rec, orElse(err, fault.New(fault.WebhookEnded))
		}
		rec = ad.record("webhook.end", "webhook", id)
		rec.Why, rec.Before = why, asJSON(webhookShown(w))
		return rec, nil
	})
}

// ResumeWebhook lets an address that is off or failing be tried at once, from where it has come.
func (a *App) ResumeWebhook(ctx context.Context, ad *Admin, source, id string) error {
	return a.changeWebhook(ctx, ad, source, id, func(tx *store.Tx, w feed.Webhook) (rec store.AuditRecord, err error) {
		on, err := tx.ResumeWebhook(ctx, id)
		if err != nil || !on {
			return rec, orElse(err, fault.New(fault.WebhookEnded))
		}
		rec = ad.record("webhook.resume", "webhook", id)
		rec.Before = asJSON(map[string]any{"state": w.State(), "off": w.Off})
		return rec, nil
	})
}

// SendAgain asks for messages of an address that were put aside to be sent again, in their order: the one that ends with
// event upto, or all for 0. It returns how many.
func (a *App) SendAgain(ctx context.Context, ad *Admin, source, id string, upto int64) (n int64, err error) {
	return n, a.changeWebhook(ctx, ad, source, id, func(tx *store.Tx, w feed.Webhook) (rec store.AuditRecord, err error) {
		if w.State() == feed.WebhookOff {
			return rec, fault.New(fault.WebhookOff)
		}
		if n, err = tx.AskUndelivered(ctx, id, upto); err != nil || n == 0 {
			return rec, orElse(err, fault.New(fault.NothingUndelivered))
		}
		if _, err := tx.ResumeWebhook(ctx, id); err != nil { // at once, though it is failing
			return rec, err
		}
		rec = ad.record("webhook.again", "webhook", id)
		rec.After = asJSON(map[string]any{"upto": upto, "messages": n})
		return rec, nil
	})
}
