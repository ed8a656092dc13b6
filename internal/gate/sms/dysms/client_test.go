package dysms_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"suiyue/internal/gate/sms"
	"suiyue/internal/gate/sms/dysms"
	"suiyue/internal/gate/sms/smstest"
)

var zone = time.FixedZone("Asia/Shanghai", 8*3600)

const patience = 150 * time.Millisecond

// clock can be set.
type clock struct{ at atomic.Int64 }

func (c *clock) Now() time.Time      { return time.UnixMicro(c.at.Load()) }
func (c *clock) Set(t time.Time)     { c.at.Store(t.UnixMicro()) }
func (c *clock) Add(d time.Duration) { c.Set(c.Now().Add(d)) }

func stand(t *testing.T) (*smstest.Dysms, *dysms.Client, *clock) {
	c := &clock{}
	c.Set(time.Date(2026, 11, 28, 10, 0, 0, 0, zone))
	d := &smstest.Dysms{
		Key: "TestKeyID", Secret: "a secret of tests", Signature: "穗约", Approved: map[string]string{"SMS_1": "${text}"},
		Now: c.Now, Patience: patience, Skew: 20 * time.Minute,
	}
	s := httptest.NewServer(d)
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	return d, client(t, s.URL, d, c, nil), c
}

func client(t *testing.T, address string, d *smstest.Dysms, c *clock, change func(*dysms.Config)) *dysms.Client {
	t.Helper()
	config := dysms.Config{Endpoint: address, Key: d.Key, Secret: d.Secret, Templates: d.Templates(), Zone: zone, Timeout: patience, Now: c.Now}
	if change != nil {
		change(&config)
	}
	k, err := dysms.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

// filled gives a message what fills its template.
func filled(m sms.Message) sms.Message {
	m.Language, m.Values = "zh-Hans", map[string]string{"text": strings.TrimPrefix(m.Text, "【穗约】")}
	return m
}

type filling struct{ sms.Sender }

func (f filling) Send(ctx context.Context, m sms.Message) (sms.Receipt, error) {
	return f.Sender.Send(ctx, filled(m))
}

func TestItIsASenderToAnInterfaceThatChecksSignatures(t *testing.T) {
	smstest.Run(t, func(t *testing.T) (sms.Sender, func(*testing.T) []sms.Message) {
		d, k, _ := stand(t)
		return filling{k}, func(t *testing.T) (out []sms.Message) {
			if wrong := d.Wrong(); len(wrong) > 0 {
				t.Errorf("the interface found %v", wrong)
			}
			for _, m := range d.Taken() {
				to := m.Phone
				if len(to) != 11 || to[0] != '1' || to[:3] == "852" {
					to = "+" + to
				}
				out = append(out, sms.Message{To: to, Template: "booked", Text: m.Text, Reference: m.Reference})
			}
			return out
		}
	})
}

// TestWhateverTheInterfaceDoesAMessageIsSentOrItIsSaid: what is said to be sent is there once, what may be tried again is not there.
func TestWhateverTheInterfaceDoesAMessageIsSentOrItIsSaid(t *testing.T) {
	for _, b := range append([]smstest.Behaviour{smstest.Well}, smstest.Bad...) {
		t.Run(string(b), func(t *testing.T) {
			t.Parallel()
			d, k, _ := stand(t)
			d.Behave(b)
			r, err := k.Send(t.Context(), filled(smstest.Good(1)))
			taken := d.Taken()
			switch class := sms.ClassOf(err); {
			case err == nil:
				if !b.Answers() || len(taken) != 1 || r.ID != taken[0].ID || len(r.Parts) != 1 {
					t.Errorf("sent, the interface has %d", len(taken))
				}
			case b.Answers():
				t.Error(err)
			case class == sms.Unknown:
				if !b.Takes() && b != smstest.Silent && b != smstest.DropsBefore && b != smstest.Down && b != smstest.Outage {
					t.Error(err)
				}
			default:
				if len(taken) != 0 || b.Takes() || (class == sms.Permanent) != (b == smstest.Refuses) {
					t.Errorf("%v, the interface has %d", err, len(taken))
				}
			}
			if err != nil && strings.Contains(fmt.Sprintf("%+v %v", err, errors.Unwrap(err)), "199000") {
				t.Error("the error shows the phone")
			}
		})
	}
}

func TestAMessageIsFoundByItsReferenceThoughItsAnswerWasLost(t *testing.T) {
	d, k, c := stand(t)
	ask := func(m sms.Message, since time.Time) *sms.Found {
		t.Helper()
		f, err := k.Ask(t.Context(), filled(m), since)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	c.Set(time.Date(2026, 11, 28, 23, 59, 50, 0, zone))
	handed := c.Now()
	for n := range 120 { // the same phone, so that there are pages
		m := filled(smstest.Good(1))
		m.Reference = fmt.Sprint("other-", n)
		if _, err := k.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	d.Behave(smstest.DropsAfter)
	c.Add(20 * time.Second) // the day of the interface is the next one
	m := smstest.Good(1)
	m.Text = "【穗约】" + strings.Repeat("长", 100)
	if _, err := k.Send(t.Context(), filled(m)); sms.ClassOf(err) != sms.Unknown {
		t.Fatal(err)
	}
	if _, err := k.Ask(t.Context(), filled(m), handed); sms.ClassOf(err) != sms.Temporary {
		t.Errorf("asked while it drops: %v", err)
	}
	d.Behave(smstest.Well)
	c.Add(time.Hour)
	if f := ask(m, handed); f == nil || f.Ended || f.ID != m.Reference || f.Segments != 2 {
		t.Errorf("%+v", f)
	}
	d.Settle(3)
	if f := ask(m, handed); f == nil || !f.Ended || !f.Arrived || f.Word != "DELIVERED" {
		t.Errorf("%+v", f)
	}
	d.Settle(2)
	last := smstest.Good(1)
	last.Reference = "other-119"
	if f := ask(last, handed); f == nil || !f.Ended || f.Arrived {
		t.Errorf("on the third page: %+v", f)
	}
	for name, change := range map[string]func(*sms.Message){"another reference": func(m *sms.Message) { m.Reference = "never" }, "another phone": func(m *sms.Message) { m.To = "19900000099" }} {
		other := m
		change(&other)
		if f := ask(other, handed); f != nil {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f := ask(m, handed.Add(-48*time.Hour)); f != nil {
		t.Errorf("days before: %+v", f)
	}
}

// TestASignatureIsCheckedByTheStandIn: a stand-in that takes everything would prove nothing.
func TestASignatureIsCheckedByTheStandIn(t *testing.T) {
	d, _, c := stand(t)
	s := httptest.NewServer(d)
	t.Cleanup(s.Close)
	for name, change := range map[string]func(*dysms.Config){
		"another secret": func(k *dysms.Config) { k.Secret = "another" },
		"another key":    func(k *dysms.Config) { k.Key = "another" },
		"another time":   func(k *dysms.Config) { k.Now = func() time.Time { return c.Now().Add(16 * time.Minute) } },
		"a body changed on its way": func(k *dysms.Config) {
			k.Transport = spoil(func(r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(strings.NewReader(strings.Replace(string(b), "19900000001", "19900000002", 1)))
			})
		},
		"another action": func(k *dysms.Config) {
			k.Transport = spoil(func(r *http.Request) { r.Header.Set("X-Acs-Action", "QuerySendDetails") })
		},
	} {
		k := client(t, s.URL, d, c, change)
		if _, err := k.Send(t.Context(), filled(smstest.Good(1))); sms.ClassOf(err) != sms.Temporary || len(d.Taken()) != 0 {
			t.Errorf("%s: %v, %d taken", name, err, len(d.Taken()))
		}
	}
	if got := len(d.Wrong()); got != 5 {
		t.Errorf("%d found wrong, want all five", got)
	}
}

type spoil func(*http.Request)

func (s spoil) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	s(r)
	return http.DefaultTransport.RoundTrip(r)
}

func TestAnswersOfOthersAreNoAnswers(t *testing.T) {
	d, _, c := stand(t)
	for name, one := range map[string]struct {
		do   http.HandlerFunc
		want sms.Class
	}{
		"an endless answer": {func(w http.ResponseWriter, _ *http.Request) {
			for range 1000 {
				if _, err := io.WriteString(w, strings.Repeat(`{"Code":"OK","BizId":"1"}`, 1000)); err != nil {
					return
				}
			}
		}, sms.Unknown},
		"sent elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		}, sms.Temporary},
		"a page":                    {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>sign in</html>") }, sms.Unknown},
		"a page of the proxy":       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(407) }, sms.Temporary},
		"nothing":                   {func(w http.ResponseWriter, _ *http.Request) {}, sms.Unknown},
		"an id of somebody's phone": {answer(200, `{"Code":"OK","BizId":"199 0000 0001"}`), sms.Unknown},
		"a code of somebody's text": {answer(200, `{"Code":"手机 19900000001"}`), sms.Unknown},
		"a list":                    {answer(200, `[{"Code":"OK"}]`), sms.Unknown},
		"broken inside":             {answer(500, `{"Code":"InternalError"}`), sms.Unknown},
		"broken, it says":           {answer(200, `{"Code":"isp.SYSTEM_ERROR"}`), sms.Unknown},
		"too much":                  {answer(503, `{"Code":"Throttling.Api"}`), sms.Temporary},
		"no money":                  {answer(200, `{"Code":"isv.AMOUNT_NOT_ENOUGH"}`), sms.Temporary},
		"too many to a phone":       {answer(200, `{"Code":"isv.BUSINESS_LIMIT_CONTROL"}`), sms.Temporary},
		"a code nobody knows":       {answer(200, `{"Code":"isv.NEW"}`), sms.Temporary},
		"a template it has not":     {answer(200, `{"Code":"isv.SMS_TEMPLATE_ILLEGAL"}`), sms.Unsuited},
		"no such phone":             {answer(200, `{"Code":"isv.MOBILE_NUMBER_ILLEGAL"}`), sms.Permanent},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(one.do)
			defer s.Close()
			_, err := client(t, s.URL, d, c, nil).Send(t.Context(), filled(smstest.Good(1)))
			if sms.ClassOf(err) != one.want || err == nil {
				t.Errorf("%v, want %s", err, one.want)
			}
			if strings.Contains(fmt.Sprintf("%v %v", err, errors.Unwrap(err)), "1990") || strings.Contains(fmt.Sprint(err), "手机") {
				t.Errorf("shown: %v", err)
			}
		})
	}
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestOneThatFailsAgainAndAgainIsNotAskedFirst(t *testing.T) {
	d, k, c := stand(t)
	d.Behave(smstest.ErrorIn200)
	for range 3 {
		if well, _ := k.Well(); !well {
			t.Fatal("given up too soon")
		}
		if _, err := k.Send(t.Context(), filled(smstest.Good(1))); err == nil {
			t.Fatal("sent")
		}
	}
	if well, why := k.Well(); well || why != "gateway says isv.AMOUNT_NOT_ENOUGH" {
		t.Error(well, why)
	}
	c.Add(31 * time.Second)
	if well, _ := k.Well(); !well {
		t.Error("not tried again")
	}
	d.Behave(smstest.Well)
	if _, err := k.Send(t.Context(), filled(smstest.Good(1))); err != nil {
		t.Error(err)
	}
	if well, _ := k.Well(); !well {
		t.Error("not well again")
	}
}

func TestPhonesTravelByHTTPSOnly(t *testing.T) {
	d, _, c := stand(t)
	good := dysms.Config{Endpoint: "https://dysmsapi.example", Key: "k", Secret: "a secret of tests", Templates: d.Templates(), Zone: zone, Now: c.Now}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*dysms.Config){
		"in clear":      func(c *dysms.Config) { c.Endpoint = "http://dysmsapi.example" },
		"with a path":   func(c *dysms.Config) { c.Endpoint = "https://dysmsapi.example/a" },
		"with a query":  func(c *dysms.Config) { c.Endpoint = "https://dysmsapi.example?a" },
		"as somebody":   func(c *dysms.Config) { c.Endpoint = "https://a:b@dysmsapi.example" },
		"nowhere":       func(c *dysms.Config) { c.Endpoint = "" },
		"no key":        func(c *dysms.Config) { c.Key = "" },
		"a key, a line": func(c *dysms.Config) { c.Key = "a\nb" },
		"no secret":     func(c *dysms.Config) { c.Secret = "" },
		"no templates":  func(c *dysms.Config) { c.Templates = nil },
		"no zone":       func(c *dysms.Config) { c.Zone = nil },
	} {
		c := good
		change(&c)
		if _, err := dysms.Open(c); err == nil || strings.Contains(err.Error(), "a secret of tests") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestManyAtOnceNeverShareANonce(t *testing.T) {
	d, k, _ := stand(t)
	var wait sync.WaitGroup
	for n := range 50 {
		wait.Go(func() {
			if _, err := k.Send(t.Context(), filled(smstest.Good(n))); err != nil && sms.ClassOf(err) != sms.Unknown {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if wrong := d.Wrong(); len(wrong) > 0 {
		t.Error(wrong)
	}
}
