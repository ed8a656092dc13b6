package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"

	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	identitygate "suiyue/internal/gate/identity"
)

// vouching is the identity provider as the citizen's pages see it (citizen.Identity).
type vouching struct {
	provider identitygate.Provider
	returnTo string // absolute address of the home page, registered for coming back after a sign-out
	log      *slog.Logger
}

// Name implements citizen.Identity.
func (v vouching) Name() string { return v.provider.Name() }

// Start implements citizen.Identity. The page to go on with stays with the caller.
func (v vouching) Start(ctx context.Context, locale string) (address string, pending []byte, err error) {
	address, p, err := v.provider.Start(ctx, identitygate.Return{Path: "/", Locale: locale})
	if err != nil {
		v.note(ctx, err)
		return "", nil, err
	}
	pending, err = json.Marshal(p)
	return address, pending, err
}

// Finish implements citizen.Identity.
func (v vouching) Finish(ctx context.Context, pending []byte, callback url.Values) (identity.Person, error) {
	var p identitygate.Pending
	if err := json.Unmarshal(pending, &p); err != nil {
		return identity.Person{}, fault.New(fault.SignInFailed)
	}
	claims, err := v.provider.Finish(ctx, p, callback)
	if err != nil {
		v.note(ctx, err)
		return identity.Person{}, err
	}
	return claims.Person(""), nil // the app computes the key
}

// SignOutURL implements citizen.Identity.
func (v vouching) SignOutURL() string { return v.provider.SignOutURL(v.returnTo) }

// note logs why a sign-in failed: for whoever operates the connection. Nothing in it is personal.
func (v vouching) note(ctx context.Context, err error) {
	var f *identitygate.Failure
	if errors.As(err, &f) && f.Reason != identitygate.Cancelled {
		v.log.LogAttrs(ctx, slog.LevelWarn, "sign-in failed", slog.String("provider", f.Provider), slog.String("step", string(f.Step)),
			slog.String("reason", string(f.Reason)), slog.Int("status", f.Status), slog.String("detail", f.Detail))
	}
}
