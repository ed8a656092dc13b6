package department

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/gate/egress"
	"suiyue/internal/gate/sign"
)

// Options of New. All are required.
type Options struct {
	Base   string       // address of the adapter, the paths of the protocol come behind it; it has no query
	Key    sign.Key     // what the platform signs with
	Client *http.Client // that of an egress.Guard, which bounds the time and follows nothing
	Now    func() time.Time
	Drawn  func() string // at least 8 letters and digits nobody can foresee, new with each call
}

// Client asks one department. It is safe for concurrent use. Every error of its methods is a *Refusal, ErrNotSent or
// ErrUnknown; each can be refused with BadRequest, Invalid, Unsigned and Busy besides what is said of it.
type Client struct {
	o    Options
	base string
}

// New makes a Client.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.Base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil {
		return nil, errors.New("department: not an address of an adapter")
	}
	return &Client{o: o, base: strings.TrimRight(o.Base, "/")}, nil
}

// Hold asks for a place. Asked again under the same id it answers the same, and takes nothing more. The answer is held,
// or confirmed where it was confirmed before. Refusals: SlotUnknown, HoldDiffers, SoldOut, HoldExpired,
// HoldReleased.
func (c *Client) Hold(ctx context.Context, id string, a Ask) (*Hold, error) {
	body, err := json.Marshal(a.wire())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	h, err := c.hold(ctx, http.MethodPut, id, "", body, SlotUnknown, HoldDiffers, SoldOut, HoldExpired, HoldReleased)
	switch {
	case err != nil:
		return nil, err
	case h.State != Held && h.State != Confirmed || !h.answers(a):
		return nil, wrong("not what was asked for")
	}
	return h, nil
}

// Confirm makes a hold a booking there. Refusals: HoldUnknown, HoldExpired, HoldReleased.
func (c *Client) Confirm(ctx context.Context, id string) (*Hold, error) {
	h, err := c.hold(ctx, http.MethodPost, id, "/confirm", nil, HoldUnknown, HoldExpired, HoldReleased)
	if err == nil && h.State != Confirmed {
		return nil, wrong("a state after confirming")
	}
	return h, err
}

// Release gives back whatever is held or confirmed under an id, and makes that nothing ever will be: what was sent before and
// comes later is refused.
func (c *Client) Release(ctx context.Context, id string) error {
	h, err := c.hold(ctx, http.MethodDelete, id, "", nil)
	if err == nil && h.State != Released {
		return wrong("a state after releasing")
	}
	return err
}

// Get asks what has become of an id; it changes nothing. Refusal: HoldUnknown.
func (c *Client) Get(ctx context.Context, id string) (*Hold, error) {
	return c.hold(ctx, http.MethodGet, id, "", nil, HoldUnknown)
}

// Capacity asks for the hours of the dates from and to and those between, at most MostDays.
func (c *Client) Capacity(ctx context.Context, from, to calendar.Date) ([]Place, error) {
	if to < from || to-from >= MostDays {
		return nil, fmt.Errorf("%w: dates", ErrNotSent)
	}
	var v placesJSON
	if err := c.ask(ctx, http.MethodGet, "/capacity?from="+from.String()+"&to="+to.String(), nil, mostPlacesBytes, &v); err != nil {
		return nil, err
	}
	if len(v.Slots) > mostPlaces {
		return nil, wrong("too many slots")
	}
	type hour struct {
		hall, queue string
		date        calendar.Date
		hour        int
	}
	seen, out := make(map[hour]bool, len(v.Slots)), make([]Place, len(v.Slots))
	for n, s := range v.Slots {
		p, err := s.read(from, to)
		if err != nil {
			return nil, err
		}
		at := hour{p.HallID, p.QueueID, p.Date, p.Hour}
		if seen[at] {
			return nil, wrong("an hour twice")
		}
		seen[at], out[n] = true, p
	}
	return out, nil
}

// always are refusals that everything can come to: all say that the request was not even looked at.
var always = []Code{BadRequest, Invalid, Unsigned, Busy}

// hold asks something about an id. A refusal that is neither one of may nor one of always is no answer to that question.
func (c *Client) hold(ctx context.Context, method, id, behind string, body []byte, may ...Code) (*Hold, error) {
	if !CheckID(id) {
		return nil, fmt.Errorf("%w: id", ErrNotSent)
	}
	var v holdJSON
	err := c.ask(ctx, method, "/holds/"+id+behind, body, mostHold, &v)
	if code := Refused(err); code != "" && !slices.Contains(may, code) && !slices.Contains(always, code) {
		return nil, wrong("a refusal that does not go with the question")
	}
	if err != nil {
		return nil, err
	}
	return v.read(id)
}

// ask sends a signed request and reads the answer into v.
func (c *Client) ask(ctx context.Context, method, path string, body []byte, limit int64, v any) error {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept", "application/json, application/problem+json")
	if err := Sign(r, body, &c.o.Key, c.o.Now(), c.o.Drawn()); err != nil {
		return fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	res, err := c.o.Client.Do(r)
	if err != nil {
		if dial := (*net.OpError)(nil); errors.Is(err, egress.ErrRefused) || errors.As(err, &dial) && dial.Op == "dial" {
			return fmt.Errorf("%w: %w", ErrNotSent, err)
		}
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	defer res.Body.Close()
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return wrong("no content type")
	case kind == "application/problem+json":
		return refusal(res)
	case kind != "application/json":
		return wrong("content type")
	case res.StatusCode != http.StatusOK && (res.StatusCode != http.StatusCreated || method != http.MethodPut):
		return wrong("status %d", res.StatusCode)
	}
	return known(decode(res.Body, limit, true, v))
}

// known makes an error while reading an answer an ErrUnknown.
func known(err error) error {
	if err == nil || errors.Is(err, ErrUnknown) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnknown, err)
}

// longestWait is how long a department may tell us to wait.
const longestWait = time.Hour

// refusal reads a problem document. One whose code is not known, or does not go with its status, says nothing.
func refusal(res *http.Response) error {
	var p problemJSON
	if err := decode(res.Body, mostHold, false, &p); err != nil {
		return known(err)
	}
	status, ok := Statuses[p.Code]
	if !ok || status != res.StatusCode || p.Status != 0 && p.Status != status {
		return wrong("status %d with a code that does not go with it", res.StatusCode)
	}
	r := &Refusal{Code: p.Code}
	if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && n > 0 {
		r.RetryAfter = min(time.Duration(n)*time.Second, longestWait)
	}
	return r
}

// Sign signs a request that is to be sent, with its body. drawn is 8 to 63 letters and digits nobody can foresee.
func Sign(r *http.Request, body []byte, key *sign.Key, now time.Time, drawn string) error {
	m := sign.MessageOf(r, r.URL.Scheme, body)
	if key.Profile.Gateway() {
		for name, value := range key.SignGateway(m, now, drawn) {
			r.Header.Set(name, value)
		}
		return nil
	}
	covered := []string{"@method", "@target-uri"}
	if len(body) > 0 {
		r.Header.Set("Content-Digest", sign.Digest(body))
		m.Fields["content-digest"] = []string{sign.Digest(body)}
		covered = append(covered, "content-digest")
	}
	input, value, err := key.Sign(m, "suiyue", covered, sign.Params{Created: now, Nonce: drawn, Tag: sign.Tag})
	if err != nil {
		return err
	}
	r.Header.Set("Signature-Input", input)
	r.Header.Set("Signature", value)
	return nil
}

// Send sends a body as it is, signed, and tells what it came to; it is for who tries an adapter with what the protocol does
// not have. path begins with a slash.
func (c *Client) Send(ctx context.Context, method, path string, body []byte) error {
	var v any
	return c.ask(ctx, method, path, body, mostPlacesBytes, &v)
}
