package app_test

import (
	"context"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
	"suiyue/internal/web"
	"suiyue/internal/web/console"
)

// pages is the way of a person in the console: what a page offers is followed. What it does not offer is
// sent nevertheless, as somebody could, and must come to nothing.
type pages struct {
	*desk
	handler http.Handler
}

func inPages(d *desk) way {
	site := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Now: d.Clock.Now, Page: console.FaultPage})
	mux := http.NewServeMux()
	console.New(console.Config{
		App: d.App, Site: site, Cookies: web.NewCookies(false, secretOfFaces).Of("console"), Sealer: d.Vault, Public: "https://suiyue.example.org",
	}).Register(mux)
	return pages{d, site.Wrap(mux)}
}

func (p pages) name() string { return "console" }

// session signs an administrator in.
func (p pages) session(ad *app.Admin) string {
	n := serial.Add(1)
	token := fmt.Sprintf("session-%d-%s", n, strings.Repeat("s", 32))
	now := p.Clock.Now()
	p.update(func(tx *store.Tx) error {
		return tx.AddAdminSession(context.Background(), store.AdminSession{
			TokenHash: p.Vault.TokenHash(token), ID: fmt.Sprintf("s%d", n), Account: ad.Account.ID, CreatedAt: now, SeenAt: now, ProvedAt: ad.Proved, ExpiresAt: now.Add(time.Hour), Origin: "192.0.2.0/24",
		})
	})
	return token
}

// shown is what the browser is answered.
type shown struct {
	*pages
	status int
	to     string // where it leads
	body   string
}

func (p pages) ask(session, method, path string, form url.Values) shown {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", "zh-Hans")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.AddCookie(&http.Cookie{Name: "suiyue-console", Value: session})
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	s := shown{&p, w.Code, w.Header().Get("Location"), w.Body.String()}
	if i := strings.Index(s.body, "⟦"); i >= 0 {
		p.Errorf("%s: a sentence is missing: %.60s", path, s.body[i:])
	}
	return s
}

var (
	codes   = regexp.MustCompile(`class="code">([^<]*)`)
	forms   = regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)".*?</form>`)
	hidden  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	word    = regexp.MustCompile(`[a-z_]+`)
	linked  = regexp.MustCompile(`<a[^>]* href="/console/requests/(R[0-9-]+)"`)
	entries = regexp.MustCompile(`<a[^>]* href="/console/ledger/(L[^"?]+)"`)
)

// fields are the codes that stand at a field: the request is invalid.
var fields = []fault.Code{fault.Required, fault.TooLong, fault.TooShort, fault.BadDate, fault.DateInPast, fault.OutOfRange, fault.NotOneOf}

// err is the refusal a page tells by its code, nil where it tells none.
func (s shown) err() error {
	switch {
	case s.status == http.StatusSeeOther && strings.HasPrefix(s.to, "/console/sign-in"):
		return fault.New(fault.SessionEnded)
	case s.status == http.StatusSeeOther && strings.HasPrefix(s.to, "/console/prove"):
		return fault.New(fault.ProveAgain)
	case s.status < 400:
		return nil
	}
	for _, m := range codes.FindAllStringSubmatch(s.body, -1) {
		for _, w := range word.FindAllString(m[1], -1) {
			code := fault.Code(w)
			if slices.Contains(fields, code) {
				code = fault.InvalidRequest
			}
			if kind, ok := fault.KindOf(code); ok {
				if want := web.Status(fault.New(code)); s.status != want && s.status != http.StatusUnprocessableEntity {
					return fmt.Errorf("%d with the code %s of kind %s", s.status, code, kind)
				}
				return fault.New(code, "told", html.UnescapeString(s.body))
			}
		}
	}
	return fmt.Errorf("%d without a code", s.status)
}

// form is what the form of the page that leads to action would send, as long as nothing is filled in.
func (s shown) form(action string) (url.Values, bool) {
	for _, m := range forms.FindAllStringSubmatch(s.body, -1) {
		if html.UnescapeString(m[1]) != action || !strings.Contains(m[0], `method="post"`) {
			continue
		}
		out := url.Values{}
		for _, h := range hidden.FindAllStringSubmatch(m[0], -1) {
			out.Add(html.UnescapeString(h[1]), html.UnescapeString(h[2]))
		}
		return out, true
	}
	return nil, false
}

// byHand is a form that no page offers, with a good token.
func (p pages) byHand(session string) url.Values {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(&http.Cookie{Name: "suiyue-console", Value: session})
	return url.Values{web.FormField: {web.NewCookies(false, secretOfFaces).Of("console").FormToken(httptest.NewRecorder(), r)}}
}

// known are refusals that a page should have known of: what they refuse is not offered.
var known = []fault.Code{fault.RequestOwn, fault.RequestNotYours, fault.RequestDecided, fault.RequestNotFound, fault.NotAllowed, fault.EntryNotFound, fault.NoAppeal, fault.AppealOwn, fault.AppealNotYours}

// press opens a page, fills in its form to act and sends it.
func (p pages) press(ad *app.Admin, page, act string, fill map[string]string) (shown, error) {
	session := p.session(ad)
	before := p.ask(session, http.MethodGet, page, nil)
	form, offered := before.form(act)
	if !offered {
		form = p.byHand(session)
	}
	for k, v := range fill {
		form.Set(k, v)
	}
	after := p.ask(session, http.MethodPost, act, form)
	err := after.err()
	switch {
	case err == nil && !offered:
		p.Errorf("%s: %s does it, though the page does not offer it", act, ad.Account.ID)
	case err == nil:
		if led := p.ask(session, http.MethodGet, after.to, nil); led.status != http.StatusOK {
			p.Errorf("%s leads to %s: %d", act, after.to, led.status)
		}
	case slices.Contains(known, fault.CodeOf(err)):
		if _, still := p.ask(session, http.MethodGet, page, nil).form(act); still {
			p.Errorf("%s: the page offers %s what it refuses with %v", act, ad.Account.ID, err)
		}
	}
	if early := before.err(); early != nil && fault.CodeOf(early) != fault.CodeOf(err) {
		p.Errorf("%s: the page says %v, the act %v", act, early, err)
	}
	return after, err
}

func (p pages) decide(ad *app.Admin, id string, version int, approve bool, why string) error {
	_, err := p.press(ad, "/console/requests/"+id, "/console/requests/"+id+"/decide", map[string]string{
		"version": strconv.Itoa(version), "decision": map[bool]string{true: "approve", false: "refuse"}[approve], "why": why,
	})
	return err
}

func (p pages) decideBundle(ad *app.Admin, bundle string, approve bool, why string) error {
	list := p.bundle(bundle)
	at := "/console/requests/" + list[max(0, slices.IndexFunc(list, func(id string) bool { return p.get(id).State == supply.Waiting }))]
	_, err := p.press(ad, at, at+"/decide", map[string]string{
		"bundle": bundle, "decision": map[bool]string{true: "approve", false: "refuse"}[approve], "why": why,
	})
	return err
}

func (p pages) withdraw(ad *app.Admin, id string, version int) error {
	_, err := p.press(ad, "/console/requests/"+id, "/console/requests/"+id+"/withdraw", map[string]string{"version": strconv.Itoa(version)})
	return err
}

func (p pages) report(ad *app.Admin, id string, version int, done bool, text string) error {
	_, err := p.press(ad, "/console/requests/"+id, "/console/requests/"+id+"/report", map[string]string{
		"version": strconv.Itoa(version), "outcome": map[bool]string{true: "done", false: "impossible"}[done], "report": text,
	})
	return err
}

func (p pages) appeal(ad *app.Admin, entry, why string) error {
	_, err := p.press(ad, "/console/ledger/"+entry, "/console/ledger/"+entry+"/appeal", map[string]string{"why": why})
	return err
}

func (p pages) decideAppeal(ad *app.Admin, entry string, strike bool, why string) error {
	_, err := p.press(ad, "/console/ledger/"+entry, "/console/ledger/"+entry+"/decide", map[string]string{
		"decision": map[bool]string{true: "strike", false: "stand"}[strike], "why": why,
	})
	return err
}

// appeals are those of the list, which the first page shows too.
func (p pages) appeals(ad *app.Admin) (ids []string, err error) {
	list := p.ask(p.session(ad), http.MethodGet, "/console/ledger?who=decide", nil)
	if ids = links(entries, list.body); list.err() != nil {
		return nil, list.err()
	}
	if today := links(entries, p.ask(p.session(ad), http.MethodGet, "/console", nil).body); !slices.Equal(today, ids) {
		p.Errorf("%v on the first page, %v in the list", today, ids)
	}
	p.counted(list, "ledger.total", len(ids))
	return ids, nil
}

// counted wants a list to say how many there are.
func (p pages) counted(list shown, key string, n int) {
	if say := web.Hans.N(key, n); !strings.Contains(list.body, say) {
		p.Errorf("the list does not say %q", say)
	}
}

func links(at *regexp.Regexp, body string) (ids []string) {
	for _, m := range at.FindAllStringSubmatch(body, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

func (p pages) read(ad *app.Admin, id string) error {
	return p.ask(p.session(ad), http.MethodGet, "/console/requests/"+id, nil).err()
}

func (p pages) toDecide(ad *app.Admin) (ids []string, err error) {
	list := p.ask(p.session(ad), http.MethodGet, "/console/requests?who=decide", nil)
	if ids = links(linked, list.body); list.err() != nil {
		return nil, list.err()
	}
	p.counted(list, "request.total", len(ids))
	today := slices.DeleteFunc(links(linked, p.ask(p.session(ad), http.MethodGet, "/console", nil).body), func(id string) bool { return p.get(id).State != supply.Waiting })
	slices.Sort(today)
	if sorted := slices.Sorted(slices.Values(ids)); !slices.Equal(today, sorted) {
		p.Errorf("%v on the first page, %v in the list", today, sorted)
	}
	return ids, nil
}

// bundle are the requests of a bundle in the order they were filed in.
func (p pages) bundle(bundle string) (ids []string) {
	if err := p.DB.View(context.Background(), func(tx *store.Tx) error {
		ids = nil
		list, _, err := tx.Requests(context.Background(), store.RequestQuery{Bundle: bundle, Reversed: true, Limit: 100})
		for _, r := range list {
			ids = append(ids, r.ID)
		}
		return err
	}); err != nil {
		p.Fatal(err)
	}
	return ids
}

// draft is what is asked as the address of the form keeps it.
func draft(in app.Asked) url.Values {
	c := in.Change
	out := url.Values{"kind": {string(c.Kind)}, "from": {c.From.String()}}
	set := func(name, v string, given bool) {
		if given {
			out.Add(name, v)
		}
	}
	for _, t := range in.Targets {
		out.Add("hall", t.Hall)
		set("queue", t.Queue, t.Queue != "" && len(in.Targets) == 1)
	}
	set("to", c.To.String(), c.To != 0)
	for _, w := range c.Weekdays {
		out.Add("weekday", strconv.Itoa(int(w)))
	}
	for _, h := range c.Hours.List() {
		out.Add("hour", strconv.Itoa(h))
	}
	set("total", strconv.Itoa(c.Total), c.Kind == supply.Capacity)
	set("source", c.Source, c.Source != "")
	set("half", string(c.Half), c.Half != "")
	set("per_hour", strconv.Itoa(c.PerHour), c.PerHour != 0)
	set("share", strconv.FormatFloat(float64(c.PerMille)/10, 'f', -1, 64), c.Kind == supply.Share)
	set("days", strconv.Itoa(c.Days), c.Kind == supply.Horizon)
	if c.Rule != nil {
		out.Set("half", string(c.Rule.Half))
		out.Set("rule", string(c.Rule.Kind))
		out.Set("n", strconv.Itoa(c.Rule.N))
	}
	return out
}

// base is where the rank's form is.
func base(ad *app.Admin) string {
	if ad.Account.Rank == account.Platform2 {
		return "/console/suggestions"
	}
	return "/console/requests"
}

// file goes from the list through the screens of a new request.
func (p pages) file(ad *app.Admin, in app.Asked) ([]string, error) {
	session, at := p.session(ad), base(ad)+"/new"
	listed := p.ask(session, http.MethodGet, base(ad), nil)
	what := p.ask(session, http.MethodGet, at, nil)
	offered := strings.Contains(listed.body, `href="`+at+`"`)
	for _, t := range in.Targets {
		offered = offered && strings.Contains(what.body, `value="`+t.Hall+`"`)
	}
	q := draft(in)
	check := p.ask(session, http.MethodGet, at+"?"+q.Encode()+"&step=check", nil)
	form, ready := check.form(at)
	if !ready {
		form = p.byHand(session)
		for k, v := range q {
			form[k] = v
		}
	}
	form.Set("reason", in.Reason)
	if in.Urgent {
		form.Set("urgent", "yes")
	}
	after := p.ask(session, http.MethodPost, at, form)
	err := after.err()
	if early := check.err(); early != nil && fault.CodeOf(early) != fault.CodeOf(err) {
		p.Errorf("the check says %v, the filing %v", early, err)
	}
	if err != nil {
		if offered && slices.Contains([]fault.Code{fault.HallNotFound, fault.HallShut, fault.NotAllowed}, fault.CodeOf(err)) {
			p.Errorf("%s is offered what is refused with %s", ad.Account.ID, fault.CodeOf(err))
		}
		return nil, err
	}
	if !offered || !ready || in.Urgent && !strings.Contains(check.body, `name="urgent"`) {
		p.Errorf("%s files what the pages do not offer: hall %t, check %t", ad.Account.ID, offered, ready)
	}
	if led := p.ask(session, http.MethodGet, after.to, nil); led.status != http.StatusOK {
		p.Errorf("filed, and led to %s: %d", after.to, led.status)
	}
	to, err := url.Parse(after.to)
	if err != nil {
		return nil, err
	}
	if b := to.Query().Get("bundle"); b != "" {
		return p.bundle(b), nil
	}
	return []string{strings.TrimPrefix(to.Path, "/console/requests/")}, nil
}

func (p pages) preview(ad *app.Admin, in app.Asked, want weighed) error {
	check := p.ask(p.session(ad), http.MethodGet, base(ad)+"/new?"+draft(in).Encode()+"&step=check", nil)
	if err := check.err(); err != nil {
		return err
	}
	l := web.Hans
	for _, s := range []string{
		l.T("request.per_day", "before", strconv.Itoa(want.before), "after", strconv.Itoa(want.after)), l.N("request.effect.bookings", want.bookings), l.T("rank." + string(want.upTo)),
	} {
		if !strings.Contains(check.body, s) {
			p.Errorf("the check does not say %q", s)
		}
	}
	if n := strings.Count(check.body, "陈**"); n != want.names {
		p.Errorf("%d names, want %d", n, want.names)
	}
	return nil
}
