package app

import (
	"time"

	"suiyue/internal/store"
)

// NewPasskey and UsedPasskey check answers outside of any transaction, for the fuzzer.

func (a *App) NewPasskey(id string, state, answer []byte, now time.Time) (*store.Passkey, error) {
	return a.newPasskey(id, "", state, answer, now)
}

func (a *App) UsedPasskey(id string, rows []store.Passkey, state, answer []byte, now time.Time) (string, bool) {
	h, err := newHolder(id, rows)
	if err != nil {
		return "", false
	}
	key, _ := a.usedPasskey(h, state, answer, now)
	if key == nil {
		return "", false
	}
	return passkeyID(key), true
}
