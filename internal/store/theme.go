package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"suiyue/internal/domain/theme"
)

// SaveTheme keeps a theme as a new version and returns it, or 0 if its newest version, which is open, says
// the very same.
func (tx *Tx) SaveTheme(ctx context.Context, t theme.Theme) (version int, err error) {
	t.Version = 0
	sum := sha256.Sum256([]byte(marshal(t)))
	digest := hex.EncodeToString(sum[:])
	newest, closed, was := 0, 0, ""
	if _, err := tx.one(ctx, "theme.newest", `select version, digest, closed from theme_version where code = $1 order by version desc limit 1`,
		[]any{t.Code}, &newest, &was, &closed); err != nil {
		return 0, err
	}
	if was == digest && closed == 0 {
		return 0, nil
	}
	t.Version = newest + 1
	_, err = tx.exec(ctx, "theme.insert", `insert into theme_version (code, version, at, digest, closed, detail) values ($1, $2, $3, $4, 0, $5)`,
		t.Code, int64(t.Version), micros(tx.Now), digest, marshal(t))
	return t.Version, err
}

// CloseTheme has no more cases opened under a theme; false if none could be before.
func (tx *Tx) CloseTheme(ctx context.Context, code string) (bool, error) {
	n, err := tx.exec(ctx, "theme.close", `
update theme_version set closed = 1 where code = $1 and closed = 0 and version = (select max(v.version) from theme_version v where v.code = $1)`, code)
	return n > 0, err
}

// Themes returns the newest version of every theme that is open, by code.
func (tx *Tx) Themes(ctx context.Context) (out []*theme.Theme, err error) {
	err = tx.themes(ctx, "theme.all", `where t.closed = 0 and t.version = (select max(v.version) from theme_version v where v.code = t.code) order by t.code`, &out)
	return out, err
}

// Theme returns the newest version of a theme if it is open, else nil.
func (tx *Tx) Theme(ctx context.Context, code string) (*theme.Theme, error) {
	var out []*theme.Theme
	err := tx.themes(ctx, "theme.open", `where t.code = $1 and t.closed = 0 and t.version = (select max(v.version) from theme_version v where v.code = t.code)`, &out, code)
	if err != nil || len(out) == 0 {
		return nil, err
	}
	return out[0], nil
}

// ThemeVersion returns one version of a theme, nil for none.
func (tx *Tx) ThemeVersion(ctx context.Context, code string, version int) (*theme.Theme, error) {
	var out []*theme.Theme
	err := tx.themes(ctx, "theme.version", `where t.code = $1 and t.version = $2`, &out, code, int64(version))
	if err != nil || len(out) == 0 {
		return nil, err
	}
	return out[0], nil
}

func (tx *Tx) themes(ctx context.Context, name, where string, out *[]*theme.Theme, args ...any) error {
	return tx.query(ctx, name, `select t.detail from theme_version t `+where, func(scan func(...any) error) error {
		var detail string
		if err := scan(&detail); err != nil {
			return err
		}
		t := new(theme.Theme)
		*out = append(*out, t)
		return unmarshal(detail, t)
	}, args...)
}
