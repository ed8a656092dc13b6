// Package powers crosses everything that can be asked of the product by API and console with everybody
// who could ask. What is expected is written out here by hand, a second time: nothing here reads the
// table of powers, nor what a route says of itself.
package powers

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/web"
)

// powers is Art. 8 to 10 by hand: who may do what over which halls. "-" is the platform as a whole.
var powers = func() map[string]map[string]string {
	all, districtA, districtB := "city city2 dA dB sA sA2 vA vN vX sB vB", "dA sA sA2 vA vN vX", "dB sB vB"
	one := func(halls string) map[string]string { // municipal and district levels that configure
		return map[string]string{"supervise": halls, "configure": halls, "carry_out": halls, "adjust": halls, "reveal": halls, "export": halls, "serve": halls}
	}
	works := func(halls string) map[string]string { // and work the steps of their department
		m := one(halls)
		m["handle"] = halls
		return m
	}
	clerk := func(halls string) map[string]string { return map[string]string{"serve": halls, "handle": halls} }
	lead := func(halls string) map[string]string { // and decide
		m := one(halls)
		m["decide"], m["manage"] = halls, halls
		return m
	}
	chief := func(halls string) map[string]string {
		return map[string]string{"supervise": halls, "decide": halls, "manage": halls, "reveal": halls, "export": halls}
	}
	return map[string]map[string]string{
		"P1": {"supervise": all, "decide": all, "manage": all, "export": all},
		"P2": {"supervise": "city city2 dA dB", "suggest": "city city2 dA dB", "export": "city city2 dA dB"},
		"M1": chief("city"), "M1b": chief("city2"), "M2": works("city"), "M2b": works("city2"),
		"D1": lead(districtA), "D1b": lead(districtB), "D2d": lead("dA"), "D2db": lead("dB"),
		"D2s": lead("sA vA vN"), "D2sb": lead("sA2 vX"), "D3": one("vA"), "D3b": one("vN"),
		"Cm": clerk("city"), "Cd": clerk("dA"), "Cdb": clerk("dB"), "Cs": clerk("sA"), "Cv": clerk("vA"),
		"S": {"settings": "-"}, "K": {"keys": "-"}, "A": {"read_log": "-"},
	}
}()

// scopes says which scope of a token each act needs, by hand; what is not here no token may do.
var scopes = map[string]app.Scope{
	"supervise": app.ScopeRead, "export": app.ScopeRead, "configure": app.ScopeDirectory, "adjust": app.ScopeRequests, "suggest": app.ScopeRequests,
	"carry_out": app.ScopeRequests, "decide": app.ScopeDecide, "manage": app.ScopeAccounts, "keys": app.ScopeAccounts, "handle": app.ScopeSteps,
}

// need is what an operation or page is expected to ask for.
type need struct {
	who   string // "" = an administrator; open = anybody; citizen = a citizen; booking = the citizen whose booking it is; system = a connected system that signs
	act   string // one of these acts, divided by spaces; "" = any administrator
	scope string // of a token, whatever else
	over  string // "" = over some hall, or the platform; hall = the hall in the path; request, bundle, entry = that of the one in the path; account; filing
	sees  string // account, filing: who finds it, and whom it is not found by: see of; entry: nobody where it is about somebody else
	may   string // account: of those who see it, who may: see of
	prove bool   // a fresh proof
	asset bool   // no redirect to the sign-in

	only   string     // of those only these
	except string     // these may not, divided by spaces
	form   url.Values // of a page that does something
	body   string     // of an operation that does something
}

// may tells whether the administrator may do act: over a hall, with hall "" over any.
func (p *principal) may(act, hall string) bool {
	if p.scopes != nil {
		s, ok := scopes[act]
		if !ok || !slices.Contains(p.scopes, s) {
			return false
		}
	}
	list := powers[p.account.ID][act]
	if hall == "" {
		return list != ""
	}
	return slices.Contains(strings.Fields(list), hall)
}

// answer is what became of a request.
type answer string

const (
	allowed  answer = "allowed"
	denied   answer = "denied"    // 403: they may see it, or nothing is given away
	unseen   answer = "not found" // 404 of what they may not even see
	signIn   answer = "sign in"
	proveIt  answer = "prove"
	confused answer = "confused"
)

// expect is what the principal should be answered, at hall ("" where no hall is concerned).
func (n need) expect(p *principal, hall string) answer {
	mine := powers[p.account.ID] != nil
	switch n.who {
	case "open":
		return allowed
	case "system": // it signs, and none of these does
		return signIn
	case "citizen", "booking", "wait":
		if p.citizen == 0 {
			return signIn
		}
		if n.who != "citizen" && p.citizen != 1 {
			return unseen
		}
		return allowed
	}
	if !mine {
		return signIn
	}
	if slices.Contains(strings.Fields(n.except), p.account.ID) {
		return denied
	}
	acts := strings.Fields(n.act)
	able := func(hall string) bool {
		return len(acts) == 0 || slices.ContainsFunc(acts, func(act string) bool { return p.may(act, hall) })
	}
	if n.scope != "" && p.scopes != nil && !slices.Contains(p.scopes, app.Scope(n.scope)) {
		return denied
	}
	switch {
	case n.over == "hall":
		if able(hall) {
			return allowed
		}
		plain := *p
		plain.scopes = nil
		if plain.may("supervise", hall) || plain.may("serve", hall) {
			return denied
		}
		return unseen
	case !able(""), n.only != "" && !slices.Contains(strings.Fields(n.only), p.account.ID):
		return denied
	case n.over == "account":
		switch {
		case n.may == "reveal" && powers[p.account.ID]["reveal"] == "":
			return denied
		case !of(n.sees, p.account.ID, hall) && p.account.ID != hall:
			return unseen
		case n.may != "" && n.may != "reveal" && hall != "closed" && !of(n.may, p.account.ID, hall):
			return denied
		}
	case n.over == "filing":
		if !slices.Contains(strings.Fields(n.sees), p.account.ID) {
			return unseen
		}
	case n.over == "request", n.over == "bundle", n.over == "entry":
		plain := *p
		plain.scopes = nil
		if !plain.may("supervise", hall) || n.sees == "nobody" {
			return unseen
		}
	}
	return allowed
}

// outcome reads what a request was answered with.
func outcome(n need, r *http.Response, body []byte) answer {
	to := r.Header.Get("Location")
	var problem struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal(body, &problem)
	switch {
	case r.StatusCode >= 500:
		return confused
	case r.StatusCode == http.StatusSeeOther && strings.HasPrefix(to, "/console/sign-in?return=") && !n.asset, r.StatusCode == http.StatusUnauthorized && problem.Code != "prove_again":
		return signIn
	case r.StatusCode == http.StatusSeeOther && strings.HasPrefix(to, "/console/prove?return="):
		return proveIt
	case problem.Code == "not_allowed", problem.Code == "cross_site_request":
		return denied
	case r.StatusCode == http.StatusNotFound && (n.over != "" && problem.Code == strings.Replace(n.over, "bundle", "request", 1)+"_not_found" || n.who == "booking" && problem.Code == "booking_not_found" || n.who == "wait" && problem.Code == "wait_not_found"):
		return unseen
	}
	return allowed
}

// send makes one request: a console page with a session, an operation with a bearer token.
func (w *town) send(method, path, session, bearer string, form url.Values, body string) (*http.Response, []byte) {
	w.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	cookies := w.node.cookies.Of("console")
	if form != nil {
		form.Set(web.FormField, w.formToken(cookies, session))
		in = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(w.Context(), method, w.node.server.URL+path, in)
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(&http.Cookie{Name: "suiyue-visitor-console", Value: "visitor"})
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if session != "" {
		r.AddCookie(&http.Cookie{Name: "suiyue-console", Value: session})
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	w.serial++
	r.Header.Set("Idempotency-Key", fmt.Sprintf("key-%08d", w.serial))
	res, err := w.node.client.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") { // it has no end: that it begins is the answer
		return res, nil
	}
	out, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	return res, out
}

// formToken is what a page of the browser would hold.
func (w *town) formToken(c *web.Cookies, session string) string {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if session != "" {
		r.AddCookie(&http.Cookie{Name: "suiyue-console", Value: session})
	} else {
		r.AddCookie(&http.Cookie{Name: "suiyue-visitor-console", Value: "visitor"})
	}
	return c.FormToken(httptest.NewRecorder(), r)
}

// places are the halls a need is tried at.
func (n need) places() []string {
	if n.over == "" {
		return []string{""}
	}
	var out []string
	switch n.over {
	case "account":
		return strings.Fields("P1 P2 M1 M2 M1b D1 D1b D2d D2s D2sb D3 D3b Cm Cd Cdb Cs Cv S K A closed invited")
	case "filing":
		return []string{"filing"}
	}
	for name := range halls {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (w *town) fill(path, place string) string {
	id := w.requests[place]
	if id == "" {
		if id = place; id == "" { // an account, or nothing in particular
			id = "none"
		}
	}
	hall := halls[place]
	if hall == "" {
		hall = apptest.HallA
	}
	return strings.NewReplacer("{hall}", hall, "{id}", id, "{entry}", "L-"+place, "{bundle}", "B-"+place, "{source}", "none").Replace(path)
}

func TestEveryPageOfTheConsoleIsOpenToThoseWhoMayAndNobodyElse(t *testing.T) {
	t.Parallel()
	w := newTown(t, "")
	cells, listed := 0, map[string]bool{}
	for _, route := range w.node.console.Routes() {
		n, ok := pages[route.Pattern]
		if !ok {
			t.Errorf("%s is not in the table: say who may open it", route.Pattern)
			continue
		}
		listed[route.Pattern] = true
		method, path, _ := strings.Cut(route.Pattern, " ")
		for _, p := range w.people {
			for _, hall := range n.places() {
				session, bearer := "", p.bearer
				switch {
				case p.account.ID != "":
					session = w.session(p.account, 0)
				case p.citizen != 0:
					session = w.citizen(p.citizen) // of another face: it opens nothing here
				}
				var form url.Values
				if method == http.MethodPost {
					form = url.Values{}
					for k, v := range n.form {
						form[k] = v
					}
				}
				at := strings.NewReplacer("{n}", "0", "{token}", "none", "{code}", "none", "{account}", "D3", "{noun}", "hall", "{key}", "none", "{upload}", "none", "{counter}", "none", "{ticket}", "none").Replace(w.fill(path, hall))
				res, body := w.send(method, at, session, bearer, form, "")
				cells++
				want := n.expect(p, hall)
				if got := outcome(n, res, body); got != want {
					t.Errorf("%s by %s at %q: %s (%d %s), want %s", route.Pattern, p.name, hall, got, res.StatusCode, res.Header.Get("Location"), want)
				}
				if n.prove && want == allowed {
					res, body := w.send(method, at, w.session(p.account, time.Hour), "", form, "")
					cells++
					if got := outcome(n, res, body); got != proveIt {
						t.Errorf("%s by %s at %q with an old proof: %s (%d)", route.Pattern, p.name, hall, got, res.StatusCode)
					}
				}
			}
		}
	}
	for pattern := range pages {
		if !listed[pattern] {
			t.Errorf("%s is in the table and no page", pattern)
		}
	}
	w.noNames()
	t.Logf("%d pages and acts of the console, %d cells", len(listed), cells)
	if cells < 1500 {
		t.Errorf("only %d cells", cells)
	}
}

func TestEveryOperationOfTheAPIIsOpenToThoseWhoMayAndNobodyElse(t *testing.T) {
	t.Parallel()
	w := newTown(t, "")
	// Programs: each account with each scope alone, with all, and with none.
	programs := slices.Clone(w.people)
	for _, p := range w.people {
		if p.account.ID == "" {
			continue
		}
		for _, s := range app.Scopes {
			programs = append(programs, &principal{name: p.name + " by a token to " + string(s), account: p.account, scopes: []app.Scope{s}, bearer: w.program(p.account, s)})
		}
		programs = append(programs,
			&principal{name: p.name + " by a token to everything", account: p.account, scopes: app.Scopes, bearer: w.program(p.account, app.Scopes...)},
			&principal{name: p.name + " by a token to nothing", account: p.account, scopes: []app.Scope{}, bearer: w.program(p.account)})
	}
	booked, waits := w.bookOne(), w.waitOne()
	var doc struct {
		Paths map[string]map[string]struct {
			ID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(w.node.api.Document(), &doc); err != nil {
		t.Fatal(err)
	}
	cells, listed := 0, map[string]bool{}
	for path, item := range doc.Paths {
		for method, op := range item {
			n, ok := operations[op.ID]
			if !ok {
				t.Errorf("%s is not in the table: say who may call it", op.ID)
				continue
			}
			listed[op.ID] = true
			method = strings.ToUpper(method)
			code := booked
			if n.who == "wait" {
				code = waits
			}
			for _, p := range programs {
				for _, hall := range n.places() {
					session, bearer := "", p.bearer
					switch {
					case p.citizen != 0:
						bearer = w.citizen(p.citizen)
					case p.account.ID != "" && bearer == "":
						session = w.session(p.account, 0) // a person's sign-in is not a program's
					}
					at := underAPI(strings.NewReplacer("{code}", code, "{item}", apptest.SocialCard, "{queue}", apptest.QueueA, "{account}", "D3", "{noun}", "hall", "{key}", apptest.HallA).Replace(w.fill(path, hall)))
					body := ""
					if method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch {
						body = "{}"
						if n.body != "" {
							body = n.body
						}
					}
					res, answered := w.send(method, at, session, bearer, nil, body)
					cells++
					want := n.expect(p, hall)
					if n.who == "" && p.scopes == nil {
						want = signIn // only a token opens these
					}
					if got := outcome(n, res, answered); got != want {
						t.Errorf("%s by %s at %q: %s (%d %.120s), want %s", op.ID, p.name, hall, got, res.StatusCode, answered, want)
					}
				}
			}
		}
	}
	for id := range operations {
		if !listed[id] {
			t.Errorf("%s is in the table and no operation", id)
		}
	}
	w.noNames()
	t.Logf("%d operations, %d principals, %d cells", len(listed), len(programs), cells)
	if cells < 5000 {
		t.Errorf("only %d cells", cells)
	}
}

func underAPI(path string) string {
	if strings.HasPrefix(path, "/api/") {
		return path
	}
	return "/api/v1" + path
}

// bookOne books for the citizen who owns something.
func (w *town) bookOne() string {
	w.Helper()
	_, who := w.SignIn(w.T, apptest.Citizen(1))
	got, err := w.App.Book(w.Context(), who, app.BookRequest{
		Key: "owner-0001", Item: apptest.SocialCard, SlotID: w.FreeSlots(apptest.QueueA)[0], Stage: directory.Acceptance,
		Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
	})
	if err != nil {
		w.Fatal(err)
	}
	return got.View.Code
}

// waitOne lets the first citizen wait for an hour that is not released yet.
func (w *town) waitOne() string {
	w.Helper()
	_, who := w.SignIn(w.T, apptest.Citizen(1))
	_, dates := w.App.NextRelease()
	v, err := w.App.JoinWait(w.Context(), who, app.WaitRequest{
		Key: "waits-0001", Item: apptest.SocialCard, Stage: directory.Acceptance, Wants: app.Wants{Halls: []string{apptest.HallA}, Dates: dates[:1], Hours: []int{10}},
		Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
	})
	if err != nil {
		w.Fatal(err)
	}
	return v.Code
}

// noNames looks through the whole audit log for personal data in clear.
func (w *town) noNames() {
	w.Helper()
	report, err := app.VerifyAudit(w.Context(), w.DB, nil)
	if err != nil || len(report.Broken) > 0 || report.Records < int64(len(halls)) {
		w.Errorf("the log: %+v, %v", report, err)
	}
	person := apptest.Citizen(1)
	for n := int64(0); n < report.Records; n++ {
		e, err := w.App.AuditEntry(w.Context(), n)
		if err != nil {
			w.Fatal(err)
		}
		text := fmt.Sprintf("%+v %s %s", e, e.Before, e.After)
		for _, secret := range []string{"陈示范", "林示范", "139000", "139111", person.Name, person.Document.Number, person.Phone} {
			if strings.Contains(text, secret) {
				w.Errorf("entry %d of the log holds %s: %s", n, secret, text)
			}
		}
	}
}
