package store

import (
	"context"
	"time"

	"suiyue/internal/domain/identity"
)

// Session is one sign-in as it is stored: found by the hash of its secret token, its person sealed.
type Session struct {
	TokenHash string
	ID        string
	Person    identity.Key
	Sealed    []byte
	Level     identity.Level
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
	EndedAt   time.Time // zero while it is open
}

const sessionColumns = "token_hash, id, person, sealed, level, created_at, seen_at, expires_at, ended_at"

// SaveSession inserts a new session.
func (tx *Tx) SaveSession(ctx context.Context, s Session) error {
	_, err := tx.exec(ctx, "session.save", `
insert into session (token_hash, id, person, sealed, level, created_at, seen_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		s.TokenHash, s.ID, string(s.Person), s.Sealed, int(s.Level), micros(s.CreatedAt), micros(s.SeenAt), micros(s.ExpiresAt))
	return err
}

// SessionByToken returns the session with that token hash, ended ones too; nil if there is none.
func (tx *Tx) SessionByToken(ctx context.Context, hash string) (*Session, error) {
	list, err := tx.sessions(ctx, "session.token", `where token_hash = $1`, hash)
	if len(list) == 0 {
		return nil, err
	}
	return &list[0], err
}

// SessionsOf returns a person's sessions, newest first, ended ones too.
func (tx *Tx) SessionsOf(ctx context.Context, person identity.Key) ([]Session, error) {
	return tx.sessions(ctx, "session.of", `where person = $1 order by created_at desc, id`, string(person))
}

func (tx *Tx) sessions(ctx context.Context, name, where string, arg string) ([]Session, error) {
	var out []Session
	err := tx.query(ctx, name, `select `+sessionColumns+` from session `+where, func(scan func(...any) error) error {
		var s Session
		var created, seen, expires, ended int64
		if err := scan(&s.TokenHash, &s.ID, &s.Person, &s.Sealed, &s.Level, &created, &seen, &expires, &ended); err != nil {
			return err
		}
		s.CreatedAt, s.SeenAt, s.ExpiresAt = instant(created), instant(seen), instant(expires)
		if ended != 0 {
			s.EndedAt = instant(ended)
		}
		out = append(out, s)
		return nil
	}, arg)
	return out, err
}

// TouchSessions records when sessions were last seen, by token hash. It never moves back.
func (tx *Tx) TouchSessions(ctx context.Context, seen map[string]time.Time) error {
	rows := make([][2]any, 0, len(seen))
	for hash, at := range seen {
		rows = append(rows, [2]any{hash, micros(at)})
	}
	return saveSet(ctx, tx, "session.touch", rows, func(r [2]any) any { return r }, `
with w as materialized (select r.value->>0 as hash, cast(r.value->>1 as bigint) as at from {rows} r order by 1)
update session set seen_at = w.at from w where session.token_hash = w.hash and session.seen_at < w.at`)
}

// EndSession ends one session of a person by its public id; another's it leaves alone.
func (tx *Tx) EndSession(ctx context.Context, id string, person identity.Key) error {
	_, err := tx.exec(ctx, "session.end", `update session set ended_at = $3 where id = $1 and person = $2 and ended_at = 0`, id, string(person), micros(tx.Now))
	return err
}

// EndedSince returns the public ids of sessions ended at or after since.
func (tx *Tx) EndedSince(ctx context.Context, since time.Time) ([]string, error) {
	var out []string
	err := tx.query(ctx, "session.ended", `select id from session where ended_at > 0 and ended_at >= $1`, func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		out = append(out, id)
		return err
	}, micros(since))
	return out, err
}

// PurgeSessions deletes sessions that expired or ended before before.
func (tx *Tx) PurgeSessions(ctx context.Context, before time.Time) (int64, error) {
	return tx.exec(ctx, "session.purge", `delete from session where expires_at < $1 or ended_at > 0 and ended_at < $1`, micros(before))
}
