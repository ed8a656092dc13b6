package app

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"sync"
	"time"

	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// How long a sign-in lasts, and how long it may lie idle.
const (
	sessionLife = 12 * time.Hour
	sessionIdle = 2 * time.Hour
	// When a session was last seen is recorded in steps of this, and for so many sessions at a time: at a rush, thousands
	// of people who have just signed in are seen within a minute, and their bookings must not wait for it.
	seenStep   = 5 * time.Minute
	seenAtOnce = 50
)

// SignIn opens a session for a person the identity platform has vouched for, and returns the secret
// token the browser keeps. The person's Key is computed here.
func (a *App) SignIn(ctx context.Context, p identity.Person) (token string, s *identity.Session, err error) {
	p.Document = identity.Normalise(p.Document)
	p.Key = a.bookerKey(p)
	token, id := secret(32), publicID()
	now := a.now()
	plain, err := json.Marshal(p)
	if err != nil {
		return "", nil, err
	}
	s = &identity.Session{ID: id, Person: p, SignedIn: now, Expires: now.Add(sessionLife)}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		return tx.SaveSession(ctx, store.Session{
			TokenHash: a.vault.TokenHash(token), ID: id, Person: p.Key, Sealed: a.vault.Seal(plain, "session|"+id),
			Level: p.Level, CreatedAt: now, SeenAt: now, ExpiresAt: s.Expires,
		})
	})
	if err != nil {
		return "", nil, err
	}
	return token, s, nil
}

// bookerKey is what a person's bookings are found by. The identity platform vouches for a document.
// Nobody vouches for what a visitor types (Art. 12), only for the phone that took the one-time code: so
// the phone is part of it, and who knows another's passport does not come by that person's bookings.
func (a *App) bookerKey(p identity.Person) identity.Key {
	key := a.personKey(p.Document, p.Birth)
	if p.Level == identity.Visitor {
		key = identity.Key(a.vault.Lookup("visitor", string(key)+" "+identity.CanonicalPhone(p.Phone)))
	}
	return key
}

// Session returns who holds the token: from memory if seen within the last minute, else from the
// database. A session ended anywhere is forgotten here within a second.
func (a *App) Session(ctx context.Context, token string) (*identity.Session, error) {
	if token == "" {
		return nil, fault.New(fault.SignInRequired)
	}
	if len(token) > 128 {
		return nil, fault.New(fault.SessionEnded)
	}
	hash := a.vault.TokenHash(token)
	now := a.now()
	if s := a.sessions.get(hash, now); s != nil {
		return s, nil
	}
	var row *store.Session
	err := a.db.Read(ctx, func(tx *store.Tx) (err error) {
		row, err = tx.SessionByToken(ctx, hash)
		return err
	})
	switch {
	case err != nil:
		return nil, fault.Wrap(fault.Busy, err).After(time.Second)
	case row == nil || !row.EndedAt.IsZero() || !now.Before(row.ExpiresAt) || now.Sub(row.SeenAt) > a.silence(sessionIdle):
		return nil, fault.New(fault.SessionEnded)
	}
	plain, err := a.vault.Open(row.Sealed, "session|"+row.ID)
	if err != nil {
		return nil, fault.Wrap(fault.SessionEnded, err)
	}
	s := &identity.Session{ID: row.ID, SignedIn: row.CreatedAt, Expires: row.ExpiresAt}
	if err := json.Unmarshal(plain, &s.Person); err != nil {
		return nil, fault.Wrap(fault.SessionEnded, err)
	}
	a.sessions.put(hash, s, now, now.Sub(row.SeenAt) >= seenStep)
	return s, nil
}

// SessionInfo is one sign-in in a person's list of them.
type SessionInfo struct {
	ID       string
	SignedIn time.Time
	Seen     time.Time
	Current  bool
}

// Sessions lists the person's open sessions, newest first.
func (a *App) Sessions(ctx context.Context, who *identity.Session) ([]SessionInfo, error) {
	var out []SessionInfo
	now := a.now()
	err := a.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.SessionsOf(ctx, who.Person.Key)
		for _, r := range rows {
			if r.EndedAt.IsZero() && now.Before(r.ExpiresAt) && now.Sub(r.SeenAt) <= a.silence(sessionIdle) {
				out = append(out, SessionInfo{ID: r.ID, SignedIn: r.CreatedAt, Seen: r.SeenAt, Current: r.ID == who.ID})
			}
		}
		return err
	})
	return out, err
}

// SignOut ends the session at once on this node, within a second on others.
func (a *App) SignOut(ctx context.Context, who *identity.Session) error {
	return a.EndSession(ctx, who, who.ID)
}

// EndSession ends one of the person's sessions by its public id.
func (a *App) EndSession(ctx context.Context, who *identity.Session, id string) error {
	err := a.db.Update(ctx, func(tx *store.Tx) error { return tx.EndSession(ctx, id, who.Person.Key) })
	a.sessions.drop(id)
	return err
}

// EndOtherSessions ends all sessions of the person but this one.
func (a *App) EndOtherSessions(ctx context.Context, who *identity.Session) error {
	list, err := a.Sessions(ctx, who)
	if err != nil {
		return err
	}
	for _, s := range list {
		if !s.Current {
			if err := a.EndSession(ctx, who, s.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// FollowSessions forgets sessions ended on other nodes and records when sessions were last seen, until
// ctx ends.
func (a *App) FollowSessions(ctx context.Context) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	since := a.now().Add(-time.Minute)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var ended []string
		began := a.now()
		if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
			ended, err = tx.EndedSince(ctx, since)
			return err
		}); err != nil {
			continue // the cache forgets by itself within a minute
		}
		for _, id := range ended {
			a.sessions.drop(id)
		}
		since = began.Add(-5 * time.Second) // commits that come to light late
		seen := a.sessions.takeSeen(seenAtOnce)
		if len(seen) == 0 {
			continue
		}
		if err := a.db.Update(ctx, func(tx *store.Tx) error { return tx.TouchSessions(ctx, seen) }); err != nil {
			a.log.Warn("sessions could not be marked as seen", "error", err)
		}
	}
}

// sessionCache keeps sessions in memory for a minute, so that a request costs no SQL.
type sessionCache struct {
	mu     sync.RWMutex
	byHash map[string]*cachedSession
	hashes map[string]string // id → hash
	seen   []string          // hashes of those whose being seen is yet to be recorded
}

type cachedSession struct {
	session *identity.Session
	loaded  time.Time
}

const (
	sessionsKept     = 50_000
	sessionCacheTime = time.Minute
)

func (c *sessionCache) init() {
	c.byHash, c.hashes = map[string]*cachedSession{}, map[string]string{}
}

func (c *sessionCache) get(hash string, now time.Time) *identity.Session {
	c.mu.RLock()
	defer c.mu.RUnlock()
	s := c.byHash[hash]
	if s == nil || now.Sub(s.loaded) > sessionCacheTime || now.Before(s.loaded) || !now.Before(s.session.Expires) {
		return nil
	}
	return s.session
}

func (c *sessionCache) put(hash string, s *identity.Session, now time.Time, seen bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.byHash) >= sessionsKept {
		for h, old := range c.byHash { // any will do: it is read again when it comes
			delete(c.byHash, h)
			delete(c.hashes, old.session.ID)
			if len(c.byHash) < sessionsKept*9/10 {
				break
			}
		}
	}
	c.byHash[hash] = &cachedSession{session: s, loaded: now}
	if seen {
		c.seen = append(c.seen, hash)
	}
	c.hashes[s.ID] = hash
}

func (c *sessionCache) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if hash, ok := c.hashes[id]; ok {
		delete(c.byHash, hash)
		delete(c.hashes, id)
	}
}

// takeSeen returns at most so many sessions whose being seen is yet to be recorded, with when that was.
func (c *sessionCache) takeSeen(most int) map[string]time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(most, len(c.seen))
	out := make(map[string]time.Time, n)
	for _, hash := range c.seen[:n] {
		if s := c.byHash[hash]; s != nil {
			out[hash] = s.loaded
		}
	}
	if c.seen = c.seen[n:]; len(c.seen) == 0 {
		c.seen = nil
	}
	return out
}

func secret(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

func publicID() string {
	b := make([]byte, 12)
	rand.Read(b)
	return hex.EncodeToString(b)
}
