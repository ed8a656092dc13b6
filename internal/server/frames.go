package server

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"suiyue/internal/domain/booking"
)

// frames reads --frame: for each entrance of Article 2 the origins whose pages may hold ours. Outside of a
// demonstration these are https.
func (c *Config) frames() (map[booking.Channel][]string, error) {
	out := map[booking.Channel][]string{}
	for _, f := range c.Frame {
		name, origin, _ := strings.Cut(f, "=")
		entrance := booking.Channel(name)
		u, err := url.Parse(origin)
		switch {
		case !slices.Contains(booking.Entrances(), entrance):
			return nil, fmt.Errorf("--frame %s: the entrances are %v", f, booking.Entrances())
		case err != nil, u.Host == "", u.User != nil, u.Scheme != "https" && !(c.Demo && u.Scheme == "http"), strings.ContainsAny(u.Host, "*;, '\""), u.Scheme+"://"+u.Host != origin:
			return nil, fmt.Errorf("--frame %s: what follows the = must be https://host and nothing behind it", f)
		}
		out[entrance] = append(out[entrance], origin)
	}
	return out, nil
}
