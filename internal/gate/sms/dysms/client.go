// Package dysms sends short messages through the HTTP interface Dysmsapi 2017-05-25, signed by ACS3-HMAC-SHA256: an approved template and
// its values for every message, which is found again by the reference it was sent with.
package dysms

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"suiyue/internal/gate/sms"
)

// Config says how to reach the interface, and as whom. Nothing of it but Endpoint may show anywhere.
type Config struct {
	Endpoint  string // https://host, nothing behind it
	Key       string // AccessKeyId
	Secret    string
	Templates *sms.Templates // with an id each

	PerSecond int            // requests a second by contract; 0 = no limit of ours
	Timeout   time.Duration  // of a request; 0 = 10 s
	Zone      *time.Location // whose days the interface keeps messages by

	Now       func() time.Time
	Transport http.RoundTripper // nil = the network
}

// Check finds what cannot work.
func (c *Config) Check() error {
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return errors.New("dysms: the address is https://host and nothing behind it")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return errors.New("dysms: phones travel by https only")
	case c.Key == "" || strings.Trim(c.Key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "":
		return errors.New("dysms: the account is an access key id")
	case c.Secret == "":
		return errors.New("dysms: the secret is missing")
	case c.Templates == nil:
		return errors.New("dysms: templates are missing")
	case c.PerSecond < 0 || c.Timeout < 0:
		return errors.New("dysms: neither pace nor timeout is below 0")
	case c.Now == nil || c.Zone == nil:
		return errors.New("dysms: a clock and its zone are needed")
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

const (
	apiVersion  = "2017-05-25"
	mostAnswer  = 256 << 10 // bytes that are read of an answer
	defaultTime = 10 * time.Second

	pageSize  = 50 // the most a page has
	mostPages = 4  // a phone gets fewer than 200 messages a day

	illAfter = 3                // requests that failed one after the other
	illFor   = 30 * time.Second // until it is tried first again
)

// Client is an sms.Sender and an sms.Asker.
type Client struct {
	c    Config
	base string
	host string
	http *http.Client
	pace *rate.Limiter

	failed atomic.Int32
	mu     sync.Mutex
	ill    time.Time // since when, zero for well
	why    string
}

// Open makes a client. Nothing is sent by it.
func Open(c Config) (*Client, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTime
	}
	if c.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxResponseHeaderBytes = 64 << 10
		t.MaxIdleConnsPerHost = 16
		c.Transport = t
	}
	u, _ := url.Parse(c.Endpoint)
	k := &Client{c: c, base: u.Scheme + "://" + u.Host + "/", host: u.Host, http: &http.Client{
		Transport: c.Transport, Timeout: c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // what is signed is for one host
	}}
	if c.PerSecond > 0 {
		k.pace = rate.NewLimiter(rate.Limit(c.PerSecond), 1)
	}
	return k, nil
}

// Well implements sms.Health.
func (k *Client) Well() (bool, string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ill.IsZero() || k.c.Now().Sub(k.ill) >= illFor {
		return true, ""
	}
	return false, k.why
}

// count notes whether the interface did its work.
func (k *Client) count(why string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if why == "" {
		k.failed.Store(0)
		k.ill = time.Time{}
	} else if k.failed.Add(1) >= illAfter {
		k.ill, k.why = k.c.Now(), why
	}
}

// Close lets go of idle connections.
func (k *Client) Close() error {
	k.http.CloseIdleConnections()
	return nil
}

// Send implements sms.Sender. The reference goes as OutId, by which Ask finds the message again.
func (k *Client) Send(ctx context.Context, m sms.Message) (sms.Receipt, error) {
	if err := m.Check(); err != nil {
		return sms.Receipt{}, err
	}
	made, err := k.c.Templates.Make(m)
	if err != nil {
		return sms.Receipt{}, err
	}
	values, err := json.Marshal(made.Values)
	if err != nil {
		return sms.Receipt{}, sms.Refuse(sms.Unsuited, "values", nil)
	}
	var out struct{ Code, BizID string }
	status, sent, err := k.call(ctx, "SendSms", url.Values{
		"PhoneNumbers": {phone(m.To)}, "SignName": {made.Signature}, "TemplateCode": {made.Template}, "TemplateParam": {string(values)}, "OutId": {m.Reference},
	}, func(b []byte) error {
		var v struct{ Code, BizId string }
		err := json.Unmarshal(b, &v)
		out.Code, out.BizID = v.Code, v.BizId
		return err
	})
	if err == nil && status == http.StatusOK && out.Code == ok && isWord(out.BizID, 64) {
		k.count("")
		return sms.Receipt{ID: out.BizID, Parts: []string{out.BizID}, Segments: sms.Segments(made.Text), Accepted: k.c.Now()}, nil
	}
	refused := outcome(status, out.Code, sent, err)
	if refused.Class == sms.Permanent || refused.Class == sms.Unsuited {
		k.count("")
	} else {
		k.count(refused.Reason)
	}
	return sms.Receipt{}, refused
}

// ok is the code of an answer that is none of an error.
const ok = "OK"

// outcome says what it means that a message was not accepted in so many words. sent says that the request may have gone out.
func outcome(status int, code string, sent bool, err error) *sms.Error {
	readable := isWord(code, 64)
	switch {
	case !sent:
		return sms.Refuse(sms.Temporary, "cannot be reached", err)
	case status == 0 || status >= 500 && !strings.HasPrefix(code, "Throttling"):
		return sms.Refuse(sms.Unknown, "no answer of the gateway", err)
	case status == http.StatusOK && (!readable || code == ok):
		return sms.Refuse(sms.Unknown, "answer that cannot be read", nil)
	case !readable: // somebody on the way, who has not passed it on
		return sms.Refuse(sms.Temporary, "gateway says "+strconv.Itoa(status), nil)
	}
	class := sms.Temporary // it is about account and traffic, which somebody or time puts right
	switch code {
	case "isp.SYSTEM_ERROR", "InternalError":
		class = sms.Unknown
	case "isv.MOBILE_NUMBER_ILLEGAL":
		class = sms.Permanent
	case "isv.SMS_TEMPLATE_ILLEGAL", "isv.SMS_SIGNATURE_ILLEGAL", "isv.TEMPLATE_MISSING_PARAMETERS", "isv.TEMPLATE_PARAMS_ILLEGAL", "isv.INVALID_PARAMETERS",
		"isv.INVALID_JSON_PARAM", "isv.PARAM_LENGTH_LIMIT", "isv.PARAM_NOT_SUPPORT_URL", "isv.BLACK_KEY_CONTROL_LIMIT", "isv.SMS_CONTENT_ILLEGAL",
		"isv.SMS_SIGN_ILLEGAL", "isv.DOMESTIC_NUMBER_NOT_SUPPORTED":
		class = sms.Unsuited
	}
	return sms.Refuse(class, "gateway says "+code, nil)
}

// isWord tells whether s is a code or an id and nothing else: it goes into logs.
func isWord(s string, most int) bool {
	return s != "" && len(s) <= most && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._^-") == ""
}

// phone is how the interface writes one: country code and number, nothing before.
func phone(to string) string { return strings.TrimPrefix(to, "+") }

// What the interface says of a message.
const (
	underWay = 1
	lost     = 2
	arrived  = 3
)

// Ask implements sms.Asker: by phone, day and reference.
func (k *Client) Ask(ctx context.Context, m sms.Message, since time.Time) (*sms.Found, error) {
	first, last := since.In(k.c.Zone).Format("20060102"), since.Add(k.c.Timeout+time.Minute).In(k.c.Zone).Format("20060102")
	f, err := k.askDay(ctx, m, first)
	if f == nil && err == nil && last != first { // handed over at midnight
		f, err = k.askDay(ctx, m, last)
	}
	return f, err
}

func (k *Client) askDay(ctx context.Context, m sms.Message, day string) (*sms.Found, error) {
	for page := 1; page <= mostPages; page++ {
		var out details
		status, sent, err := k.call(ctx, "QuerySendDetails", url.Values{
			"PhoneNumber": {phone(m.To)}, "SendDate": {day}, "PageSize": {strconv.Itoa(pageSize)}, "CurrentPage": {strconv.Itoa(page)},
		}, func(b []byte) error { return json.Unmarshal(b, &out) })
		if err != nil || status != http.StatusOK || out.Code != ok || out.Details == nil {
			return nil, sms.Refuse(sms.Temporary, "gateway cannot be asked", outcome(status, out.Code, sent, err))
		}
		for _, d := range out.Details.List {
			if d.OutID != m.Reference || phone(d.Phone) != phone(m.To) {
				continue
			}
			f := &sms.Found{ID: d.OutID, Segments: sms.Segments(d.Content)}
			switch d.Status {
			case underWay:
			case arrived:
				f.Ended, f.Arrived = true, true
			case lost:
				f.Ended = true
			default:
				return nil, sms.Refuse(sms.Temporary, "gateway cannot be asked", nil)
			}
			if isWord(d.Word, 32) {
				f.Word = d.Word
			}
			return f, nil
		}
		if len(out.Details.List) < pageSize {
			return nil, nil
		}
	}
	return nil, nil
}

type details struct {
	Code    string
	Details *struct {
		List []struct {
			OutID   string `json:"OutId"`
			Phone   string `json:"PhoneNum"`
			Content string
			Status  int    `json:"SendStatus"`
			Word    string `json:"ErrCode"`
		} `json:"SmsSendDetailDTO"`
	} `json:"SmsSendDetailDTOs"`
}

// errTooLong says that an answer is longer than any of the interface.
var errTooLong = fmt.Errorf("dysms: an answer of more than %d bytes", mostAnswer)

// call makes one request. status is 0 where no answer was read; sent says that the request may have gone out. The parameters
// go in the body: an address is written down on its way.
func (k *Client) call(ctx context.Context, action string, params url.Values, read func([]byte) error) (status int, sent bool, err error) {
	if k.pace != nil {
		if err := k.pace.Wait(ctx); err != nil {
			return 0, false, err
		}
	}
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	body := []byte(encode(params))
	var gone atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { gone.Store(true) }})
	r, err := http.NewRequestWithContext(traced, http.MethodPost, k.base, bytes.NewReader(body))
	if err != nil {
		return 0, false, errors.New("dysms: no request")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("X-Acs-Action", action)
	r.Header.Set("X-Acs-Version", apiVersion)
	r.Header.Set("X-Acs-Date", k.c.Now().UTC().Format("2006-01-02T15:04:05Z"))
	r.Header.Set("X-Acs-Signature-Nonce", rand.Text())
	sign(r, k.host, "", body, k.c.Key, k.c.Secret)
	answer, err := k.http.Do(r)
	if err != nil {
		return 0, gone.Load(), bare(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer+1))
	switch {
	case err != nil:
		return 0, true, bare(err)
	case len(b) > mostAnswer:
		return 0, true, errTooLong
	}
	if read(b) != nil { // no JSON, or another: the code says so by not being there
		return answer.StatusCode, true, nil
	}
	return answer.StatusCode, true, nil
}

// bare leaves the address out of an error.
func bare(err error) error {
	if u, is := errors.AsType[*url.Error](err); is {
		return u.Err
	}
	return err
}
