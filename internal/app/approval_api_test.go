package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
	"suiyue/internal/web"
	"suiyue/internal/web/api"
)

var secretOfFaces = bytes.Repeat([]byte("k"), 32)

// serial numbers tokens, sessions and keys.
var serial atomic.Int64

// program is the way of a program with a token of the administrator's, who gave it every scope unless it
// is said otherwise.
type program struct {
	*desk
	handler http.Handler
}

func byProgram(d *desk) way {
	site := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Now: d.Clock.Now, MaxBody: 1 << 20})
	mux := http.NewServeMux()
	api.New(api.Config{App: d.App, Site: site, Cookies: web.NewCookies(false, secretOfFaces), Key: secretOfFaces}).Mount(mux)
	return program{d, site.Wrap(mux)}
}

func (p program) name() string { return "api" }

// call makes one request and reads its answer into out.
func (p program) call(ad *app.Admin, method, path string, in, out any) error {
	n := serial.Add(1)
	token := fmt.Sprintf("%s%d-%s", app.TokenPrefix, n, strings.Repeat("t", 40))
	scopes := ad.Scopes
	if scopes == nil {
		scopes = app.Scopes
	}
	var names []string
	for _, s := range scopes {
		names = append(names, string(s))
	}
	now := p.Clock.Now()
	p.update(func(tx *store.Tx) error {
		return tx.AddAPIToken(p.Context(), store.APIToken{
			TokenHash: p.Vault.TokenHash(token), ID: fmt.Sprintf("t%d", n), Account: ad.Account.ID, Name: "program", Scopes: strings.Join(names, ","), CreatedAt: now, ExpiresAt: now.Add(time.Hour), UsedAt: now,
		})
	})
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	r := httptest.NewRequest(method, api.Prefix+"/admin"+path, body)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Idempotency-Key", fmt.Sprintf("key-%08d", n))
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	if w.Code < 400 {
		return json.Unmarshal(w.Body.Bytes(), out)
	}
	var problem web.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Header().Get("Content-Type") != web.ProblemType {
		return fmt.Errorf("%d %s: %w", w.Code, w.Body, err)
	}
	if kind, ok := fault.KindOf(problem.Code); !ok || problem.Status != w.Code {
		return fmt.Errorf("%d %s of kind %q", w.Code, w.Body, kind)
	}
	return fault.New(problem.Code, "told", problem.Detail)
}

// told is what the cases read of an answer about a request.
type told struct {
	ID    string
	State string
}

// settled calls an act upon a request, whose answer must be the request as it stands then.
func (p program) settled(ad *app.Admin, id, act string, in any) error {
	var out told
	err := p.call(ad, http.MethodPost, "/requests/"+id+"/"+act, in, &out)
	if r := p.get(id); err == nil && (out.ID != id || out.State != string(r.State)) {
		p.Errorf("%s of %s is answered with %+v; it is %s", act, id, out, r.State)
	}
	return err
}

// body is what is asked, as a program writes it.
func body(in app.Asked) map[string]any {
	c := in.Change
	change := map[string]any{"kind": c.Kind, "from": c.From.String()}
	set := func(name string, v any, given bool) {
		if given {
			change[name] = v
		}
	}
	set("to", c.To.String(), c.To != 0)
	set("weekdays", c.Weekdays, len(c.Weekdays) > 0)
	set("total", c.Total, c.Total != 0)
	set("source", c.Source, c.Source != "")
	set("half", c.Half, c.Half != "")
	set("hours", c.Hours.List(), c.Hours != 0)
	set("per_hour", c.PerHour, c.PerHour != 0)
	set("per_mille", c.PerMille, c.PerMille != 0)
	set("days", c.Days, c.Days != 0)
	if c.Rule != nil {
		change["rule"] = map[string]any{"kind": c.Rule.Kind, "n": c.Rule.N, "half": c.Rule.Half}
	}
	var targets []map[string]any
	for _, t := range in.Targets {
		target := map[string]any{"hall": t.Hall}
		if t.Queue != "" {
			target["queue"] = t.Queue
		}
		targets = append(targets, target)
	}
	return map[string]any{"targets": targets, "change": change, "urgent": in.Urgent, "reason": in.Reason}
}

func (p program) file(ad *app.Admin, in app.Asked) (ids []string, err error) {
	var out struct{ Requests []told }
	err = p.call(ad, http.MethodPost, "/requests", body(in), &out)
	for _, r := range out.Requests {
		ids = append(ids, r.ID)
	}
	return ids, err
}

func (p program) preview(ad *app.Admin, in app.Asked, want weighed) error {
	var out struct {
		Impact     struct{ Days, Before, After, Bookings int }
		UpTo       string `json:"up_to"`
		Suggestion bool
	}
	if err := p.call(ad, http.MethodPost, "/requests/preview", body(in), &out); err != nil {
		return err
	}
	i := out.Impact // all dates together; programs are told no names
	if i.Days == 0 || i.Before != want.before*i.Days || i.After != want.after*i.Days || i.Bookings != want.bookings || out.UpTo != string(want.upTo) || out.Suggestion != want.suggestion {
		p.Errorf("previewed as %+v, want %+v", out, want)
	}
	return nil
}

func (p program) decide(ad *app.Admin, id string, version int, approve bool, why string) error {
	in := map[string]any{"version": version, "approve": approve}
	if why != "" {
		in["why"] = why
	}
	return p.settled(ad, id, "decide", in)
}

func (p program) decideBundle(ad *app.Admin, bundle string, approve bool, why string) error {
	in := map[string]any{"approve": approve}
	if why != "" {
		in["why"] = why
	}
	var out struct{ Requests []told }
	err := p.call(ad, http.MethodPost, "/bundles/"+bundle+"/decide", in, &out)
	for _, r := range out.Requests {
		if now := p.get(r.ID); r.State != string(now.State) || now.Bundle != bundle {
			p.Errorf("%s is answered as %s; it is %s", r.ID, r.State, now.State)
		}
	}
	if err == nil && len(out.Requests) == 0 {
		p.Errorf("nothing of %s is answered", bundle)
	}
	return err
}

func (p program) withdraw(ad *app.Admin, id string, version int) error {
	return p.settled(ad, id, "withdraw", map[string]any{"version": version})
}

func (p program) report(ad *app.Admin, id string, version int, done bool, text string) error {
	return p.settled(ad, id, "report", map[string]any{"version": version, "done": done, "report": text})
}

// written calls an act upon an entry of the ledger, whose answer must be the entry in that state.
func (p program) written(ad *app.Admin, entry, act string, in any, want ...string) error {
	var out told
	err := p.call(ad, http.MethodPost, "/ledger/"+entry+"/"+act, in, &out)
	if err == nil && (out.ID != entry || !slices.Contains(want, out.State)) {
		p.Errorf("%s of %s is answered with %+v", act, entry, out)
	}
	return err
}

func (p program) appeal(ad *app.Admin, entry, why string) error {
	return p.written(ad, entry, "appeal", map[string]any{"why": why}, "appealed")
}

func (p program) decideAppeal(ad *app.Admin, entry string, strike bool, why string) error {
	return p.written(ad, entry, "decide", map[string]any{"strike": strike, "why": why}, map[bool]string{true: "struck", false: "upheld"}[strike])
}

func (p program) appeals(ad *app.Admin) (ids []string, err error) {
	var out struct {
		Entries []told
		Total   int
	}
	err = p.call(ad, http.MethodGet, "/ledger?to_decide=true", nil, &out)
	for _, e := range out.Entries {
		var one struct{ May struct{ Decide bool } }
		if err := p.call(ad, http.MethodGet, "/ledger/"+e.ID, nil, &one); err != nil || !one.May.Decide {
			p.Errorf("%s is listed as to decide: %+v, %v", e.ID, one, err)
		}
		ids = append(ids, e.ID)
	}
	if out.Total != len(ids) {
		p.Errorf("%d of %d appeals", len(ids), out.Total)
	}
	return ids, err
}

func (p program) read(ad *app.Admin, id string) error {
	var out struct {
		told
		Events []told
		May    struct{ Decide bool }
	}
	err := p.call(ad, http.MethodGet, "/requests/"+id, nil, &out)
	if err != nil {
		return err
	}
	mine, err := p.toDecide(ad)
	if err == nil && (out.ID != id || len(out.Events) == 0 || out.May.Decide != slices.Contains(mine, id)) {
		p.Errorf("read as %+v; to decide are %v", out, mine)
	}
	return err
}

func (p program) toDecide(ad *app.Admin) (ids []string, err error) {
	var out struct {
		Requests []told
		Total    int
	}
	err = p.call(ad, http.MethodGet, "/requests?to_decide=true", nil, &out)
	for _, r := range out.Requests {
		ids = append(ids, r.ID)
	}
	if out.Total != len(ids) {
		p.Errorf("%d of %d requests", len(ids), out.Total)
	}
	return ids, err
}
