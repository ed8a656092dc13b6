package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/pem"
	"slices"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// Keys with which connected systems sign their requests: made and ended by the security role (三員), used by a
// program of the system.

// ClientSource is a connected system with how many keys it has.
type ClientSource struct {
	oversight.Source
	Live int // keys in force, or to be
}

// ClientKeyInfo is a key in a list. A secret is shown once, when it is made.
type ClientKeyInfo struct {
	oversight.ClientKey
	MadeBy string    // account
	Used   time.Time // zero = never; to the minute
}

// mostClientKeyName bounds what a key is called.
const mostClientKeyName = 40

// ClientSources lists the connected systems for whom keys are made.
func (a *App) ClientSources(ctx context.Context, ad *Admin) (out []ClientSource, err error) {
	if err := a.Allow(ad, account.Keys, ""); err != nil {
		return nil, err
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		out = nil
		list, err := tx.Sources(ctx, account.UnitScope{})
		if err != nil {
			return err
		}
		live, err := tx.LiveClientKeys(ctx)
		for _, s := range list {
			out = append(out, ClientSource{s, live[s.ID]})
		}
		return err
	})
	return out, err
}

// ClientKeys returns a connected system and its keys, newest first.
func (a *App) ClientKeys(ctx context.Context, ad *Admin, source string) (s oversight.Source, keys []ClientKeyInfo, err error) {
	if err := a.Allow(ad, account.Keys, ""); err != nil {
		return s, nil, err
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		found, err := tx.Source(ctx, source)
		if err != nil || found == nil {
			return orElse(err, fault.New(fault.SourceNotFound))
		}
		s, keys = *found, nil
		rows, err := tx.ClientKeys(ctx, source)
		for _, k := range rows {
			keys = append(keys, ClientKeyInfo{k.ClientKey, k.MadeBy, k.UsedAt})
		}
		return err
	})
	return s, keys, err
}

// ClientHalls returns the halls a key of a connected system may be bound to.
func (a *App) ClientHalls(s oversight.Source) (ids []string) {
	for _, h := range a.booksFor(s) {
		ids = append(ids, h.ID)
	}
	return ids
}

// AddClientKey makes a key for a connected system; of a profile with a secret it returns that, this once. public is
// the public half of the others, PEM or base64. Wrong fields are those of ClientKey.Check, name, halls and public.
func (a *App) AddClientKey(ctx context.Context, ad *Admin, source string, k oversight.ClientKey, public string) (shown string, made oversight.ClientKey, err error) {
	if err := a.Allow(ad, account.Keys, ""); err != nil {
		return "", made, err
	}
	if err := a.Proven(ad); err != nil {
		return "", made, err
	}
	k.Name, k.Certificate = strings.TrimSpace(k.Name), fingerprint(k.Certificate)
	var wrong []fault.Field // in the order of the form
	if bad := account.CheckText(k.Name, mostClientKeyName); bad != "" {
		wrong = append(wrong, fault.Field{Path: "name", Code: bad})
	}
	wrong = append(wrong, k.Check(a.now())...)
	if k.Profile.Public() {
		bad := fault.Code("")
		if k.Public, bad = publicKey(k.Profile, public); bad != "" {
			wrong = append(wrong, fault.Field{Path: "public", Code: bad})
		}
	} else if strings.TrimSpace(public) != "" {
		wrong = append(wrong, fault.Field{Path: "public", Code: fault.UnknownField})
	}
	k.ID, k.SourceID = publicID(), source
	row := store.ClientKey{MadeBy: ad.Account.ID}
	if !k.Profile.Public() {
		shown = secret(32)
		row.Sealed = a.vault.Seal([]byte(shown), clientKeyAbout(k.ID))
	}
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
		bad := slices.Clone(wrong)
		books := a.ClientHalls(*s)
		if slices.ContainsFunc(k.Halls, func(h string) bool { return !slices.Contains(books, h) }) {
			bad = append(bad, fault.Field{Path: "halls", Code: fault.NotOneOf})
		}
		if len(bad) > 0 {
			return fault.InvalidFields(bad...)
		}
		had, err := tx.ClientKeys(ctx, source)
		if err != nil {
			return err
		}
		if row.Place, err = placeOfKey(ctx, tx, had, k.Profile); err != nil {
			return err
		}
		k.MadeAt, k.EndedAt = tx.Now, time.Time{}
		row.ClientKey, made = k, k
		if err := tx.AddClientKey(ctx, row); err != nil {
			return err
		}
		rec := ad.record("client_key.make", "client_key", k.ID)
		rec.After = asJSON(clientKeyShown(k))
		return tx.Audit(ctx, rec)
	})
	if err != nil {
		return "", oversight.ClientKey{}, err
	}
	return shown, made, nil
}

func clientKeyAbout(id string) string { return "client_key|secret|" + id }

// fingerprint takes the usual ways of writing one: with colons, and in capitals.
func fingerprint(typed string) string {
	return strings.ToLower(strings.NewReplacer(":", "", " ", "").Replace(strings.TrimSpace(typed)))
}

// placeOfKey finds a free place for a key of a profile. One whose time is up gives its place away.
func placeOfKey(ctx context.Context, tx *store.Tx, had []store.ClientKey, p oversight.Profile) (int, error) {
	taken := map[int]bool{}
	for _, k := range had {
		if k.Profile != p || !k.EndedAt.IsZero() {
			continue
		}
		if k.State(tx.Now) == oversight.KeyOver {
			if _, err := tx.EndClientKey(ctx, k.ID, k.Until); err != nil {
				return 0, err
			}
			continue
		}
		taken[k.Place] = true
	}
	for place := 1; place <= oversight.MostLiveKeys; place++ {
		if !taken[place] {
			return place, nil
		}
	}
	return 0, fault.New(fault.ClientKeysTwo)
}

// publicKey reads a public key: PEM, or the base64 of its DER.
func publicKey(p oversight.Profile, text string) ([]byte, fault.Code) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, fault.Required
	}
	if len(text) > 4096 {
		return nil, fault.TooLong
	}
	var der []byte
	if block, rest := pem.Decode([]byte(text)); block != nil {
		if block.Type != "PUBLIC KEY" || len(strings.TrimSpace(string(rest))) > 0 {
			return nil, fault.BadFormat
		}
		der = block.Bytes
	} else {
		var err error
		if der, err = base64.StdEncoding.DecodeString(text); err != nil {
			return nil, fault.BadFormat
		}
	}
	key, err := smx509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fault.BadFormat
	}
	switch key := key.(type) {
	case ed25519.PublicKey:
		if p == oversight.Ed25519 {
			return key, ""
		}
	case *ecdsa.PublicKey:
		if p == oversight.SM2 && key.Curve == sm2.P256() {
			point, err := sm2.PublicKeyToECDH(key)
			if err == nil {
				return point.Bytes(), ""
			}
		}
	}
	return nil, fault.NotOneOf
}

// EndClientKey takes a key away, with a reason, at once and on every node.
func (a *App) EndClientKey(ctx context.Context, ad *Admin, source, id, why string) error {
	if err := a.Allow(ad, account.Keys, ""); err != nil {
		return err
	}
	if err := a.Proven(ad); err != nil {
		return err
	}
	if why = strings.TrimSpace(why); account.CheckText(why, account.MostReason) != "" {
		return fault.InvalidFields(fault.Field{Path: "why", Code: account.CheckText(why, account.MostReason)})
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		k, err := tx.ClientKey(ctx, id)
		if err != nil || k == nil || k.SourceID != source {
			return orElse(err, fault.New(fault.ClientKeyNotFound))
		}
		ended, err := tx.EndClientKey(ctx, id, tx.Now)
		if err != nil || !ended {
			return orElse(err, fault.New(fault.ClientKeyOver))
		}
		rec := ad.record("client_key.end", "client_key", id)
		rec.Why, rec.Before = why, asJSON(clientKeyShown(k.ClientKey))
		return tx.Audit(ctx, rec)
	})
}

// clientKeyShown is what the log holds of a key: no secret.
func clientKeyShown(k oversight.ClientKey) map[string]any {
	return map[string]any{
		"source": k.SourceID, "profile": k.Profile, "name": k.Name, "scopes": k.Scopes, "halls": k.Halls, "per_minute": k.PerMinute, "certificate": k.Certificate,
		"from": k.From.UTC().Format(time.RFC3339), "until": k.Until.UTC().Format(time.RFC3339),
	}
}

// Client is a connected system that has signed a request, with the key it did so.
type Client struct {
	Key    oversight.ClientKey
	Source oversight.Source
	Secret []byte // where the profile has one
}

// May refuses what the key may not be used for.
func (c *Client) May(s oversight.ClientScope) error {
	if !c.Key.May(s) {
		return fault.New(fault.NotAllowed)
	}
	return nil
}

// Serves tells whether the client may do something about a hall: its system books for it, and the key is for it.
func (a *App) Serves(c *Client, hall string) bool {
	h := a.City().Hall(hall)
	return h != nil && a.City().UnitHas(c.Source.Seat.Unit, h.UnitID) && c.Source.Books(hall) && c.Key.Serves(hall)
}

// ClientHallsOf returns the halls a client may do something about, in the order of their numbers.
func (a *App) ClientHallsOf(c *Client) []string {
	return slices.DeleteFunc(a.ClientHalls(c.Source), func(h string) bool { return !c.Key.Serves(h) })
}

// ClientByKey returns who signs with a key, nil for nobody. Key and system are read with each request: what was taken
// away works no more, on every node. A key that was taken away, or whose system is connected no more, is no longer in
// force.
func (a *App) ClientByKey(ctx context.Context, id string) (*Client, error) {
	if len(id) != 24 {
		return nil, nil
	}
	var k *store.ClientKey
	var s *oversight.Source
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if k, err = tx.ClientKey(ctx, id); err != nil || k == nil {
			return err
		}
		s, err = tx.Source(ctx, k.SourceID)
		return err
	}); err != nil || k == nil || s == nil {
		return nil, err
	}
	c := &Client{Key: k.ClientKey, Source: *s}
	if end := k.EndedAt; !end.IsZero() && end.Before(c.Key.Until) {
		c.Key.Until = end
	}
	if now := a.now(); !s.On(calendar.DateOf(now)) && now.Before(c.Key.Until) {
		c.Key.Until = now
	}
	if len(k.Sealed) > 0 {
		var err error
		if c.Secret, err = a.vault.Open(k.Sealed, clientKeyAbout(id)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// UseClientKey takes a nonce of a signed request and counts the request against what its key may: once each, over all
// nodes. It refuses a nonce that was used before, and a request too many until the minute is over; then the nonce is
// still good.
func (a *App) UseClientKey(ctx context.Context, k oversight.ClientKey, nonce string, until time.Time) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		fresh, err := tx.TakeNonce(ctx, k.ID, nonce, until)
		if err != nil || !fresh {
			return orElse(err, fault.New(fault.SignatureReplayed))
		}
		within, err := tx.CountUse(ctx, k.ID, k.PerMinute)
		if err != nil {
			return err
		}
		if !within {
			return fault.New(fault.QuotaUsedUp).After(time.Minute - time.Duration(tx.Now.UnixNano()%int64(time.Minute)))
		}
		return tx.TouchClientKey(ctx, k.ID)
	})
}

// ClientLast returns when the last record of a client's system came, zero for never.
func (a *App) ClientLast(ctx context.Context, c *Client) (last time.Time, err error) {
	return last, a.db.View(ctx, func(tx *store.Tx) error {
		all, err := tx.LastRecords(ctx)
		last = all[c.Source.ID]
		return err
	})
}

// ClientDays returns what a client's system sent about the days from from to to, both inside, at the halls of its key:
// by day and kind.
func (a *App) ClientDays(ctx context.Context, c *Client, from, to calendar.Date) (days []oversight.SourceDay, err error) {
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		days, err = tx.SourceDays(ctx, []string{c.Source.ID}, from, to)
		return err
	}); err != nil {
		return nil, err
	}
	return merged(slices.DeleteFunc(days, func(d oversight.SourceDay) bool { return !c.Key.Serves(d.HallID) })), nil
}
