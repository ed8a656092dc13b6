package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"suiyue/internal/domain/fault"
)

// FormField is the name of the hidden field that carries a form token.
const FormField = "form_token"

// Cookies keeps the session token in the browser and binds forms to it. Tokens are opaque here.
type Cookies struct {
	secure bool
	key    []byte
	of     string // "" for citizens, else the face whose sign-ins these are
	strict bool   // sent with requests that begin at our own pages only
}

// NewCookies takes whether the site is served over https and a secret of at least 32 bytes, the same
// on every node.
func NewCookies(secure bool, key []byte) *Cookies {
	if len(key) < 32 {
		panic("web: the key of form tokens needs 32 bytes")
	}
	return &Cookies{secure: secure, key: key}
}

// Of returns the cookies of another face: its sign-ins and forms are not those of citizens, though
// browser and key are the same.
func (c *Cookies) Of(face string) *Cookies {
	return &Cookies{secure: c.secure, key: c.key, of: "-" + face}
}

// Strict returns the same cookies for a face nobody comes to from a page of somebody else.
func (c *Cookies) Strict() *Cookies {
	s := *c
	s.strict = true
	return &s
}

// Names with __Host- cannot be set by a sibling domain or without https.
func (c *Cookies) name(base string) string {
	base += c.of
	if c.secure {
		return "__Host-" + base
	}
	return base
}

const maxToken = 256

// Session returns the session token the browser sent, "" for none.
func (c *Cookies) Session(r *http.Request) string { return c.read(r, "suiyue") }

// SetSession gives the browser its session token for life. It is a span and not an instant: the clock
// of the browser is its own, and the one of a demonstration can be moved.
func (c *Cookies) SetSession(w http.ResponseWriter, token string, life time.Duration) {
	c.write(w, "suiyue", token, int(life.Seconds()))
}

// ClearSession takes it away. The session itself ends in the database.
func (c *Cookies) ClearSession(w http.ResponseWriter) { c.write(w, "suiyue", "", -1) }

// SetFlow keeps the state of a sign-in on its way to the identity platform and back, for maxAge.
func (c *Cookies) SetFlow(w http.ResponseWriter, value string, maxAge time.Duration) {
	c.write(w, "suiyue-flow", value, int(maxAge.Seconds()))
}

// Flow returns what SetFlow kept, "" for none.
func (c *Cookies) Flow(r *http.Request) string { return c.read(r, "suiyue-flow") }

// ClearFlow forgets it.
func (c *Cookies) ClearFlow(w http.ResponseWriter) {
	c.write(w, "suiyue-flow", "", -1)
}

// SetKnown lets a machine prove, without the database, which one it is: for limits only, it opens nothing.
func (c *Cookies) SetKnown(w http.ResponseWriter, id string, maxAge time.Duration) {
	c.write(w, "suiyue-known", id+"."+c.signed("known", id), int(maxAge.Seconds()))
}

// Known returns the machine SetKnown was called for in this browser, "" for none.
func (c *Cookies) Known(r *http.Request) string {
	id, sign, ok := strings.Cut(c.read(r, "suiyue-known"), ".")
	if !ok || !hmac.Equal([]byte(c.signed("known", id)), []byte(sign)) {
		return ""
	}
	return id
}

// FormToken returns the token for a form on this page: bound to the session, or for somebody not
// signed in to a random visitor cookie, which it sets when there is none.
func (c *Cookies) FormToken(w http.ResponseWriter, r *http.Request) string {
	bound := c.Session(r)
	if bound == "" {
		bound = c.read(r, "suiyue-visitor")
		if bound == "" {
			bound = rand.Text()
			c.write(w, "suiyue-visitor", bound, 0)
			r.AddCookie(&http.Cookie{Name: c.name("suiyue-visitor"), Value: bound})
		}
	}
	return c.sign(bound)
}

// CheckForm refuses a POST whose token is not the one of this browser. Call it after ParseForm.
func (c *Cookies) CheckForm(r *http.Request) error {
	bound := c.Session(r)
	if bound == "" {
		bound = c.read(r, "suiyue-visitor")
	}
	if bound == "" || !hmac.Equal([]byte(c.sign(bound)), []byte(r.PostForm.Get(FormField))) {
		return fault.New(fault.CrossSite)
	}
	return nil
}

// FormTokenOf and CheckFormOf bind a form to what the face says instead of to the browser: to a device, whose
// key is changed while pages of it are open.
func (c *Cookies) FormTokenOf(bound string) string { return c.sign("of " + bound) }

func (c *Cookies) CheckFormOf(r *http.Request, bound string) error {
	if !hmac.Equal([]byte(c.sign("of "+bound)), []byte(r.PostForm.Get(FormField))) {
		return fault.New(fault.CrossSite)
	}
	return nil
}

func (c *Cookies) sign(bound string) string { return c.signed("form token", bound) }

func (c *Cookies) signed(what, bound string) string {
	m := hmac.New(sha256.New, c.key)
	m.Write([]byte(what + c.of + "\x00"))
	m.Write([]byte(bound))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func (c *Cookies) read(r *http.Request, base string) string {
	k, err := r.Cookie(c.name(base))
	if err != nil || len(k.Value) > 16*maxToken || (base != "suiyue-flow" && len(k.Value) > maxToken) {
		return ""
	}
	return k.Value
}

func (c *Cookies) write(w http.ResponseWriter, base, value string, maxAge int) {
	site := http.SameSiteLaxMode
	if c.strict {
		site = http.SameSiteStrictMode
	}
	http.SetCookie(w, &http.Cookie{
		Name: c.name(base), Value: value, Path: "/", MaxAge: maxAge,
		Secure: c.secure, HttpOnly: true, SameSite: site,
	})
}
