package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/feed"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/gate/sign"
)

// What connected systems do by program. Their requests are signed (docs/connected-systems.md); no token is sent.

// skew is how far the clock of a connected system may be off.
const skew = 5 * time.Minute

// acceptSignature tells who is refused what to sign (RFC 9421, 5.1).
const acceptSignature = sign.Tag + `=("@method" "@target-uri" "content-digest");created;keyid;nonce;tag="` + sign.Tag + `"`

// schemeOf is the scheme of the address people use.
func schemeOf(public string) string {
	if scheme, _, ok := strings.Cut(public, "://"); ok {
		return scheme
	}
	return "https"
}

func (a *API) verifier() sign.Verifier {
	return sign.Verifier{
		Keys: func(ctx context.Context, id string) (*sign.Key, error) {
			c, err := a.app.ClientByKey(ctx, id)
			if err != nil || c == nil {
				return nil, err
			}
			if box, ok := ctx.Value(clientBox{}).(*[]*app.Client); ok {
				*box = append(*box, c)
			}
			k := c.Key
			return &sign.Key{ID: k.ID, Profile: k.Profile, Public: k.Public, Secret: c.Secret, From: k.From, Until: k.Until, Certificate: k.Certificate}, nil
		},
		Nonces: nonces{a.app}, Now: a.app.Now, Skew: skew,
	}
}

// clientBox is where a request keeps the clients whose keys were looked up for it.
type clientBox struct{}

func clientIn(ctx context.Context, key string) *app.Client {
	if box, ok := ctx.Value(clientBox{}).(*[]*app.Client); ok {
		for _, c := range *box {
			if c.Key.ID == key {
				return c
			}
		}
	}
	return nil
}

// nonces are those of the app's store.
type nonces struct{ app *app.App }

func (n nonces) Take(ctx context.Context, key, nonce string, until time.Time) error {
	c := clientIn(ctx, key)
	if c == nil {
		return fault.New(fault.SignatureKeyUnknown)
	}
	return n.app.UseClientKey(ctx, c.Key, nonce, until)
}

// signs tells whether an operation takes a signature and the request has one; one that also takes a token takes a
// token that is there.
func signs(o *operation, r *http.Request) bool {
	return o.client != "" && (!o.admin || len(r.Header.Values("Authorization")) == 0 && sign.Signed(sign.MessageOf(r, "", nil)))
}

// client finds which connected system has signed a request, and refuses what its key may not be used for. The body is
// read for that, and can be read again.
func (a *API) client(o *operation, w http.ResponseWriter, r *http.Request) (*app.Client, error) {
	c, err := a.signedBy(w, r, o.most())
	if err == nil {
		return c, c.May(o.client)
	}
	h := w.Header()
	switch e := fault.As(err); {
	case e.Code == fault.SignatureOld || e.Code == fault.SignatureAhead || e.Code == fault.SignatureExpired:
		h.Set("Date", a.app.Now().UTC().Format(http.TimeFormat)) // by which a clock can be set
		fallthrough
	case e.Kind == fault.SignIn:
		h.Set("WWW-Authenticate", "Signature")
		h.Set("Accept-Signature", acceptSignature)
	}
	return nil, err
}

func (a *API) signedBy(w http.ResponseWriter, r *http.Request, most int64) (*app.Client, error) {
	if r.ContentLength > most {
		return nil, tooLarge(most)
	}
	if !sign.Signed(sign.MessageOf(r, a.scheme, nil)) { // nothing is read for who signs nothing
		return nil, fault.New(fault.SignatureMissing)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err != nil {
		return nil, bodyFault(err, most)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	m := sign.MessageOf(r, a.scheme, body)
	ctx := context.WithValue(r.Context(), clientBox{}, &[]*app.Client{})
	v := a.verifier()
	k, err := v.Verify(ctx, m, sign.CertificateOf(r))
	if err != nil {
		return nil, err
	}
	return clientIn(ctx, k.ID), nil
}

// signatureFaults are what a signed request may be refused with.
var signatureFaults = []fault.Code{
	fault.SignatureMissing, fault.SignatureMalformed, fault.SignatureIncomplete, fault.SignaturePartAbsent, fault.SignaturePartUnknown, fault.SignatureKeyUnknown,
	fault.SignatureKeyOver, fault.SignatureAlgorithm, fault.SignatureWrong, fault.SignatureOld, fault.SignatureAhead, fault.SignatureExpired, fault.SignatureReplayed,
	fault.SignatureDigestWrong, fault.SignatureCertificate, fault.QuotaUsedUp, fault.NotAllowed, fault.BodyTooLarge,
}

var aDate = huma.Schema{Type: "string", Format: "date"}

type sourceAnswer struct {
	ID      string       `json:"id" example:"S0001"`
	Name    string       `json:"name"`
	Unit    adminUnit    `json:"unit"`
	Kinds   []string     `json:"kinds" nullable:"false" doc:"Kinds of records it sends: booking, check_in, result, capacity, call, evaluation."`
	Delay   int          `json:"delay_seconds" doc:"How long after what it tells a record may come."`
	Silence int          `json:"silence_seconds" doc:"How long, in opening hours, nothing may come."`
	Last    *time.Time   `json:"last_record,omitempty" doc:"When its last record came."`
	Halls   []sourceHall `json:"halls" nullable:"false" doc:"The halls the key may be used about."`
	Key     sourceKey    `json:"key"`
	Now     time.Time    `json:"now" doc:"The time here."`

	Webhooks []sourceWebhook `json:"webhooks" nullable:"false" doc:"The addresses events are posted to."`
}

type sourceWebhook struct {
	ID          string     `json:"id"`
	URL         string     `json:"url"`
	State       string     `json:"state" enum:"on,failing,off" doc:"off: nothing is sent until the platform's security administrator switches it on."`
	Off         string     `json:"off_because,omitempty" enum:"gone,failing" doc:"gone: it answered 410. failing: nothing got through for 30 days."`
	Success     *time.Time `json:"last_success,omitempty" doc:"When a message was delivered last."`
	Failing     *time.Time `json:"failing_since,omitempty"`
	Failure     string     `json:"failure,omitempty" enum:"address,connect,timeout,redirect,status" doc:"Of the last try, if it failed."`
	Status      int        `json:"failure_status,omitempty" doc:"HTTP status of that answer."`
	Waiting     int        `json:"waiting_events" doc:"Events that are not delivered yet; at most 9999 are counted."`
	Undelivered int        `json:"undelivered_messages" doc:"Messages that had their last try and are kept."`
	Secrets     int        `json:"secrets" doc:"How many secrets messages are signed with."`
}

type sourceHall struct {
	ID   string `json:"id" example:"440103000000"`
	Name string `json:"name"`
}

type sourceKey struct {
	ID      string    `json:"id"`
	Profile string    `json:"profile" enum:"ed25519,sm2-sm3,hmac-sha256,hmac-sm3,gateway-sha256,gateway-sm3"`
	Scopes  []string  `json:"scopes" nullable:"false"`
	Quota   int       `json:"requests_a_minute"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
}

type sourceDays struct {
	Days []sourceDay `json:"days" nullable:"false" doc:"By date and kind."`
}

type sourceDay struct {
	Date     string `json:"date" format:"date"`
	Kind     string `json:"kind" enum:"booking,check_in,result,capacity,call,evaluation"`
	Expected int64  `json:"expected" doc:"Records that were to come."`
	Received int64  `json:"received" doc:"Of those, that came."`
	InTime   int64  `json:"in_time" doc:"Of those, within the agreed delay."`
	Checked  int64  `json:"checked" doc:"Records compared with the other side's list."`
	Agreed   int64  `json:"agreed" doc:"Of those, the same on both sides."`
}

func (a *API) declareClients() {
	read(a, operation{
		id: "get-source", method: http.MethodGet, path: "/source", tag: tagFeed, client: oversight.ClientRead,
		about: "Which connected system signs, with what is agreed with it and what its key is for: the first thing to ask with a new key.",
	}, a.source)
	read(a, operation{
		id: "list-source-days", method: http.MethodGet, path: "/source/days", tag: tagFeed, client: oversight.ClientRead,
		about: "What came of the records the system sent, by the day they are about (Art. 21): at the halls of the key, at most 31 days.",
		params: []param{
			inQuery("from", "First day; without it, 30 days before to.", "2026-11-01", aDate), inQuery("to", "Last day; without it, today.", "2026-11-30", aDate),
		},
	}, a.sourceDays)
}

func (a *API) source(c *call) (sourceAnswer, error) {
	s, k := c.client.Source, c.client.Key
	out := sourceAnswer{
		ID: s.ID, Name: s.Name, Unit: a.adminUnit(c.l, s.Seat.Unit), Kinds: []string{}, Delay: int(s.Delay / time.Second), Silence: int(s.Silence / time.Second), Halls: []sourceHall{},
		Key: sourceKey{ID: k.ID, Profile: string(k.Profile), Scopes: []string{}, Quota: k.PerMinute, From: k.From.In(calendar.Zone), Until: k.Until.In(calendar.Zone)},
		Now: a.app.Now().In(calendar.Zone), Webhooks: []sourceWebhook{},
	}
	for _, kind := range s.Kinds {
		out.Kinds = append(out.Kinds, string(kind))
	}
	for _, scope := range k.Scopes {
		out.Key.Scopes = append(out.Key.Scopes, string(scope))
	}
	for _, id := range a.app.ClientHallsOf(c.client) {
		out.Halls = append(out.Halls, sourceHall{id, c.l.Text(a.app.City().Hall(id).Name)})
	}
	last, err := a.app.ClientLast(c.r.Context(), c.client)
	if err != nil {
		return out, err
	}
	out.Last = moment(last)
	hooks, err := a.app.SourceWebhooks(c.r.Context(), s)
	for _, w := range hooks {
		if w.State() == feed.WebhookEnded {
			continue
		}
		one := sourceWebhook{
			ID: w.ID, URL: w.URL, State: string(w.State()), Off: string(w.Off), Success: moment(w.SuccessAt), Failing: moment(w.FailingAt), Failure: string(w.Failure), Status: w.Status,
			Waiting: w.Waiting, Undelivered: w.Undelivered, Secrets: w.LiveSecrets(),
		}
		out.Webhooks = append(out.Webhooks, one)
	}
	return out, err
}

func (a *API) sourceDays(c *call) (sourceDays, error) {
	out := sourceDays{Days: []sourceDay{}}
	to, err := calendar.ParseDate(c.query["to"])
	if err != nil {
		to = calendar.DateOf(a.app.Now())
	}
	from, err := calendar.ParseDate(c.query["from"])
	if err != nil {
		from = to - app.SourceDays
	}
	if from > to || to-from > app.SourceDays {
		return out, fault.InvalidFields(fault.Field{Path: "from", Code: fault.OutOfRange})
	}
	days, err := a.app.ClientDays(c.r.Context(), c.client, from, to)
	for _, d := range days {
		out.Days = append(out.Days, sourceDay{d.Date.String(), string(d.Kind), d.Expected, d.Received, d.InTime, d.Checked, d.Agreed})
	}
	return out, err
}
