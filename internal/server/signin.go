package server

import (
	"net/url"
	"time"

	identitygate "suiyue/internal/gate/identity"
	"suiyue/internal/gate/identity/devidp"
	"suiyue/internal/gate/identity/testpeople"
)

// CallbackPath is where an identity provider sends people back to.
const CallbackPath = "/sign-in/callback"

const devPath = "/dev/idp"

// newProvider makes the identity provider of the settings; dev is not nil where the process serves
// the development provider itself.
func newProvider(c *Config, public string, now func() time.Time) (p identitygate.Provider, dev *devidp.Server, err error) {
	secret, err := c.secret()
	if err != nil {
		return nil, nil, err
	}
	switch c.Identity {
	case "dev":
		dev, err = devidp.New(devidp.Options{
			DevMode: c.Demo, Issuer: public + devPath, ClientID: "suiyue",
			RedirectURIs: []string{public + CallbackPath}, PostLogoutURIs: []string{public + "/"},
			AllowLoginHint: true, People: testpeople.Many(max(c.DemoPeople, len(testpeople.All()))), Now: now,
		})
		if err != nil {
			return nil, nil, err
		}
		p, err = identitygate.NewOIDC(identitygate.OIDCConfig{
			Name: "dev", Issuer: public + devPath, ClientID: "suiyue", RedirectURI: public + CallbackPath,
			Mapping: identitygate.StandardMapping(), AllowPlain: true, Transport: dev.Transport(), Now: now,
		})
		return p, dev, err
	case "tyrz":
		ways := map[string]identitygate.StateWay{"echo": identitygate.StateEcho, "redirect": identitygate.StateRedirect, "bound": identitygate.StateBound}
		p, err = identitygate.NewTyrz(identitygate.TyrzConfig{
			Name: "tyrz", Base: c.IdentityURL, ClientID: c.IdentityClient, ClientSecret: secret, RedirectURI: public + CallbackPath,
			StateWay: ways[c.IdentityState], Mapping: identitygate.TyrzMapping(), AllowPlain: c.Demo, Now: now,
		})
		return p, nil, err
	}
	p, err = identitygate.NewOIDC(identitygate.OIDCConfig{
		Name: "oidc", Issuer: c.IdentityURL, ClientID: c.IdentityClient, ClientSecret: secret, RedirectURI: public + CallbackPath,
		Mapping: identitygate.StandardMapping(), AllowPlain: c.Demo, Now: now,
	})
	return p, nil, err
}

// formOrigins are the origins a sign-in form may lead to, for the policy of the pages.
func formOrigins(c *Config) []string {
	u, err := url.Parse(c.IdentityURL)
	if err != nil || u.Host == "" {
		return nil
	}
	return []string{u.Scheme + "://" + u.Host}
}
