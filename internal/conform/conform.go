// Package conform tries an adapter of a department: whether it does what docs/connected-systems.md says, also when answers are lost,
// questions come late or twice, and several ask at once. Where something between the two must fail, the kit stands between them.
package conform

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/gate/department"
	"suiyue/internal/gate/sign"
)

// Options of Run. Restart and Only may be empty, the rest is required.
type Options struct {
	Base     string
	Key      sign.Key
	Client   *http.Client // of NewClient; Patience is put in the place of its timeout
	Now      func() time.Time
	Drawn    func() string // letters and digits nobody can foresee
	Item     string        // that is booked; it must be done in every queue the adapter has
	Patience time.Duration // how long an answer may take
	Kept     time.Duration // how long what was confirmed is watched at least
	Restart  func(context.Context) error
	Only     []string // names of scenarios; nil = all
}

// Result is what a scenario came to.
type Result struct {
	Name   string
	Title  string
	Passed bool
	Why    string // what was seen instead, without what it was asked for
	Took   time.Duration
}

// Report is what all came to.
type Report struct {
	Target  string
	Results []Result
}

// Passed tells whether all did.
func (r *Report) Passed() bool {
	return len(r.Results) > 0 && !slices.ContainsFunc(r.Results, func(s Result) bool { return !s.Passed })
}

// Failed lists the names of those that did not.
func (r *Report) Failed() (out []string) {
	for _, s := range r.Results {
		if !s.Passed {
			out = append(out, s.Name)
		}
	}
	return out
}

// Text writes a line a scenario, and a line below for what was seen instead.
func (r *Report) Text(w io.Writer) error {
	var b strings.Builder
	passed := 0
	for _, s := range r.Results {
		word := "FAIL"
		if s.Passed {
			word, passed = "pass", passed+1
		}
		fmt.Fprintf(&b, "%s  %-22s %s (%.1f s)\n", word, s.Name, s.Title, s.Took.Seconds())
		if s.Why != "" {
			fmt.Fprintf(&b, "      %s\n", s.Why)
		}
	}
	fmt.Fprintf(&b, "%d of %d passed: %s\n", passed, len(r.Results), r.Target)
	_, err := io.WriteString(w, b.String())
	return err
}

// JSON writes the report as one object: target, passed, and scenarios with name, title, passed, why and took_ms.
func (r *Report) JSON(w io.Writer) error {
	type scenarioJSON struct {
		Name   string `json:"name"`
		Title  string `json:"title"`
		Passed bool   `json:"passed"`
		Why    string `json:"why,omitempty"`
		Took   int64  `json:"took_ms"`
	}
	out := struct {
		Target    string         `json:"target"`
		Passed    bool           `json:"passed"`
		Scenarios []scenarioJSON `json:"scenarios"`
	}{Target: r.Target, Passed: r.Passed(), Scenarios: []scenarioJSON{}}
	for _, s := range r.Results {
		out.Scenarios = append(out.Scenarios, scenarioJSON{s.Name, s.Title, s.Passed, s.Why, s.Took.Milliseconds()})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// Names lists the scenarios in the order in which they are run.
func Names() (out []string) {
	for _, s := range scenarios {
		out = append(out, s.name)
	}
	return out
}

// Run runs the scenarios. Whatever they hold they release in the end. It fails only where they cannot be run at all: a name that
// is none, an address that is none, or ctx over.
func Run(ctx context.Context, o Options) (*Report, error) {
	for _, name := range o.Only {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("no scenario %q; there are %s", name, strings.Join(Names(), ", "))
		}
	}
	k := &kit{Options: o, net: &between{next: o.Client.Transport}}
	var err error
	client := *o.Client
	client.Timeout, client.Transport = o.Patience, k.net
	k.client = &client
	if k.d, err = department.New(department.Options{Base: o.Base, Key: o.Key, Client: k.client, Now: o.Now, Drawn: o.Drawn}); err != nil {
		return nil, err
	}
	report := &Report{Target: o.Base}
	for _, s := range scenarios {
		if len(o.Only) > 0 && !slices.Contains(o.Only, s.name) || s.name == restarted && o.Restart == nil {
			continue
		}
		began := o.Now()
		p := &play{kit: k, ctx: ctx}
		s.run(p)
		p.clear()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r := Result{Name: s.name, Title: s.title, Passed: p.err == nil, Took: o.Now().Sub(began)}
		if p.err != nil {
			r.Why = p.err.Error()
		}
		report.Results = append(report.Results, r)
	}
	if k.lasts != nil {
		k.net.fault = nil
		_ = k.d.Release(ctx, k.lasts.id) // the last scenario did, where it was run
	}
	return report, nil
}

// NewClient makes a client for Options: it follows nothing and keeps no connection. conf may be nil.
func NewClient(conf *tls.Config) *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 16 << 10},
	}
}

// kit is what the scenarios of a run share.
type kit struct {
	Options
	net    *between
	client *http.Client
	d      *department.Client
	lasts  *lasting
}

// lasting is a confirmed hold that is looked at again in the end.
type lasting struct {
	id    string
	hold  *department.Hold
	since time.Time
}

// play is one scenario while it is run. After the first thing that was not as it should be it does nothing more.
type play struct {
	*kit
	ctx context.Context
	err error
	ids []string // to be released
}

func (p *play) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// id draws an id, which is released when the scenario is over.
func (p *play) id() string {
	id := "conform." + strings.ToLower(p.Drawn())
	if len(id) > department.MostID {
		id = id[:department.MostID]
	}
	p.ids = append(p.ids, id)
	return id
}

// clear releases what the scenario held.
func (p *play) clear() {
	p.net.fault = nil
	for _, id := range p.ids {
		if err := p.d.Release(p.ctx, id); err != nil {
			p.fail("release at the end: %v", err)
		}
	}
}

const lookAhead = 14

// places asks for the hours of the next two weeks.
func (p *play) places() []department.Place {
	if p.err != nil {
		return nil
	}
	today := calendar.DateOf(p.Now())
	list, err := p.d.Capacity(p.ctx, today+1, today+lookAhead)
	if err != nil {
		p.fail("capacity: %v", err)
	}
	return list
}

// mostFilled is how many places a scenario takes to fill an hour.
const mostFilled = 60

// place finds an hour with at least free places and not too many to fill it.
func (p *play) place(free int) department.Place {
	for _, s := range p.places() {
		if n := s.Capacity - s.Taken; n >= free && n <= mostFilled {
			return s
		}
	}
	p.fail("no hour of the next %d days has %d to %d free places", lookAhead, free, mostFilled)
	return department.Place{}
}

// taken tells how many places of an hour are taken now.
func (p *play) taken(at department.Place) int {
	for _, s := range p.places() {
		if s.HallID == at.HallID && s.QueueID == at.QueueID && s.Date == at.Date && s.Hour == at.Hour {
			return s.Taken
		}
	}
	p.fail("capacity: the hour is there no more")
	return -1
}

func (p *play) takes(when string, at department.Place, more int) {
	if n := p.taken(at); p.err == nil && n != at.Taken+more {
		p.fail("%s: %d places are taken, want %d", when, n, at.Taken+more)
	}
}

// ask is what is asked for: a place of that hour, held for a minute.
func (p *play) ask(at department.Place) department.Ask {
	return department.Ask{
		HallID: at.HallID, QueueID: at.QueueID, Date: at.Date, Hour: at.Hour, Item: p.Item, Units: 1, Applicant: strings.Repeat("c0", 16),
		Expires: p.Now().Add(time.Minute).Truncate(time.Second),
	}
}

func (p *play) hold(when, id string, a department.Ask, want department.State) {
	if p.err != nil {
		return
	}
	switch h, err := p.d.Hold(p.ctx, id, a); {
	case err != nil:
		p.fail("%s: %v", when, err)
	case h.State != want:
		p.fail("%s: it is %s, want %s", when, h.State, want)
	}
}

// confirm returns the department's number.
func (p *play) confirm(when, id string) string {
	if p.err != nil {
		return ""
	}
	h, err := p.d.Confirm(p.ctx, id)
	if err != nil {
		p.fail("%s: %v", when, err)
		return ""
	}
	return h.Number
}

func (p *play) release(when, id string) {
	if p.err != nil {
		return
	}
	if err := p.d.Release(p.ctx, id); err != nil {
		p.fail("%s: %v", when, err)
	}
}

func (p *play) state(when, id string, want department.State) *department.Hold {
	if p.err != nil {
		return nil
	}
	h, err := p.d.Get(p.ctx, id)
	switch {
	case err != nil:
		p.fail("%s: asked what it is: %v", when, err)
	case h.State != want:
		p.fail("%s: it is %s, want %s", when, h.State, want)
	}
	return h
}

// unknown expects that nothing was ever asked under id.
func (p *play) unknown(when, id string) {
	if p.err != nil {
		return
	}
	_, err := p.d.Get(p.ctx, id)
	p.refused(when+": asked what it is", err, department.HoldUnknown)
}

// refused expects a refusal with one of codes.
func (p *play) refused(when string, err error, codes ...department.Code) {
	if p.err != nil || slices.Contains(codes, department.Refused(err)) {
		return
	}
	words := make([]string, len(codes))
	for n, c := range codes {
		words[n] = string(c)
	}
	if err == nil {
		err = errors.New("accepted")
	}
	p.fail("%s: %v; want %s", when, err, strings.Join(words, " or "))
}

func (p *play) refusedHold(when, id string, a department.Ask, codes ...department.Code) {
	if p.err == nil {
		_, err := p.d.Hold(p.ctx, id, a)
		p.refused(when, err, codes...)
	}
}

func (p *play) refusedConfirm(when, id string, codes ...department.Code) {
	if p.err == nil {
		_, err := p.d.Confirm(p.ctx, id)
		p.refused(when, err, codes...)
	}
}

// wait waits until t by the clock of the kit.
func (p *play) wait(t time.Time) {
	if p.err != nil {
		return
	}
	select {
	case <-p.ctx.Done():
	case <-time.After(t.Sub(p.Now())):
	}
}
