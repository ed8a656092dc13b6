package conform

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/gate/department"
	"suiyue/internal/gate/sign"
)

// request is a hold that was not signed yet.
func (p *play) request(id string, at department.Place) (*http.Request, []byte) {
	a := p.ask(at)
	body, err := json.Marshal(map[string]any{
		"hall": a.HallID, "queue": a.QueueID, "date": a.Date.String(), "hour": a.Hour, "item": a.Item, "units": a.Units, "applicant": a.Applicant,
		"expires": a.Expires.In(calendar.Zone).Format(time.RFC3339),
	})
	if err != nil {
		p.fail("%v", err)
		return nil, nil
	}
	r, err := http.NewRequestWithContext(p.ctx, http.MethodPut, strings.TrimRight(p.Base, "/")+"/holds/"+id, bytes.NewReader(body))
	if err != nil {
		p.fail("%v", err)
		return nil, nil
	}
	r.Header.Set("Content-Type", "application/json")
	return r, body
}

// status sends a request and returns the status it is answered with.
func (p *play) status(when string, r *http.Request) int {
	res, err := p.client.Do(r)
	if err != nil {
		p.fail("%s: %v", when, err)
		return 0
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	return res.StatusCode
}

func signatures(p *play) {
	at := p.place(1)
	now := p.Now()
	elsewhere := p.id()
	gateway := p.Key.Profile.Gateway()
	other := p.Key
	other.Secret, other.Private = []byte(p.Drawn()+p.Drawn()), bytes.Repeat([]byte{7}, 32)
	named := p.Key
	named.ID = "nobody-" + p.Drawn()
	replace := func(r *http.Request, body string) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
	cases := []struct {
		what string
		rfc  bool // of HTTP Message Signatures only
		make func(r *http.Request, body []byte) error
	}{
		{"not signed", false, func(*http.Request, []byte) error { return nil }},
		{"signed with another key", false, func(r *http.Request, body []byte) error { return department.Sign(r, body, &other, now, p.Drawn()) }},
		{"signed by nobody who is known", false, func(r *http.Request, body []byte) error { return department.Sign(r, body, &named, now, p.Drawn()) }},
		{"signed an hour ago", false, func(r *http.Request, body []byte) error {
			return department.Sign(r, body, &p.Key, now.Add(-time.Hour), p.Drawn())
		}},
		{"signed an hour ahead", false, func(r *http.Request, body []byte) error {
			return department.Sign(r, body, &p.Key, now.Add(time.Hour), p.Drawn())
		}},
		{"with another body than was signed", false, func(r *http.Request, body []byte) error {
			err := department.Sign(r, body, &p.Key, now, p.Drawn())
			replace(r, strings.Replace(string(body), "c0c0", "c1c1", 1))
			return err
		}},
		{"signed for another address", false, func(r *http.Request, body []byte) error {
			path := r.URL.Path
			r.URL.Path = path[:strings.LastIndex(path, "/")+1] + elsewhere
			err := department.Sign(r, body, &p.Key, now, p.Drawn())
			r.URL.Path = path
			return err
		}},
		{"signed for another method", false, func(r *http.Request, body []byte) error {
			r.Method = http.MethodGet
			err := department.Sign(r, body, &p.Key, now, p.Drawn())
			r.Method = http.MethodPut
			return err
		}},
		{"with a signature that does not cover the address", true, func(r *http.Request, body []byte) error {
			return p.cover(r, body, now, "@method", "content-digest")
		}},
		{"with a signature that does not cover the method", true, func(r *http.Request, body []byte) error {
			return p.cover(r, body, now, "@target-uri", "content-digest")
		}},
		{"with a signature that does not cover the body", true, func(r *http.Request, body []byte) error {
			return p.cover(r, body, now, "@method", "@target-uri")
		}},
		{"with half of a signature", true, func(r *http.Request, body []byte) error {
			err := department.Sign(r, body, &p.Key, now, p.Drawn())
			r.Header.Del("Signature")
			return err
		}},
	}
	for _, c := range cases {
		if c.rfc && gateway {
			continue
		}
		id := p.id()
		r, body := p.request(id, at)
		if p.err != nil {
			return
		}
		if err := c.make(r, body); err != nil {
			p.fail("%v", err)
			return
		}
		if status := p.status(c.what, r); p.err == nil && status != http.StatusUnauthorized {
			p.fail("%s: status %d, want 401", c.what, status)
		}
		p.unknown(c.what, id)
	}
	p.takes("after all of them", at, 0)
}

// cover signs no more of a request than it is told.
func (p *play) cover(r *http.Request, body []byte, now time.Time, parts ...string) error {
	r.Header.Set("Content-Digest", sign.Digest(body))
	input, value, err := p.Key.Sign(sign.MessageOf(r, r.URL.Scheme, body), "suiyue", parts, sign.Params{Created: now, Nonce: p.Drawn(), Tag: sign.Tag})
	r.Header.Set("Signature-Input", input)
	r.Header.Set("Signature", value)
	return err
}

func signatureTwice(p *play) {
	at := p.place(1)
	id := p.id()
	r, body := p.request(id, at)
	if p.err != nil {
		return
	}
	if err := department.Sign(r, body, &p.Key, p.Now(), p.Drawn()); err != nil {
		p.fail("%v", err)
		return
	}
	again := r.Clone(p.ctx)
	again.Body = io.NopCloser(bytes.NewReader(body))
	if status := p.status("the first time", r); p.err == nil && status != http.StatusOK && status != http.StatusCreated {
		p.fail("the first time: status %d", status)
	}
	if status := p.status("the second time", again); p.err == nil && status != http.StatusUnauthorized {
		p.fail("the second time: status %d, want 401", status)
	}
	p.takes("after both", at, 1)
}
