package console_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// window is a hall with two clerks on the day after the fixture begins.
type window struct {
	*desk
	n int
}

const (
	clerk1, clerk2 = account.Rank("clerk one"), account.Rank("clerk two")
	hallPage       = "/console/halls/" + apptest.HallA
	counter1       = hallPage + "/counters/w1"
	counter2       = hallPage + "/counters/w2"
)

var today = calendar.DateOf(apptest.Start) + 1

func onBothEngines(t *testing.T, run func(t *testing.T, w *window)) {
	for name, source := range map[string]func(*testing.T) string{"sqlite": func(*testing.T) string { return "" }, "postgres": func(t *testing.T) string { return apptest.Postgres(t) }} {
		t.Run(name, func(t *testing.T) {
			d := &desk{T: t, Fixture: apptest.New(t, apptest.Options{Source: source(t)})}
			d.handler = serve(d.Fixture)
			run(t, &window{desk: d})
		})
	}
}

// book books an hour of today for somebody, the day before.
func (w *window) book(serial, hour int) app.BookingView {
	w.Helper()
	_, who := w.SignIn(w.T, apptest.Citizen(serial))
	r, err := w.App.Book(w.Context(), who, app.BookRequest{
		Key: fmt.Sprintf("window-%04d", serial), Item: apptest.SocialCard, SlotID: booking.SlotID(apptest.QueueA, today, hour), Stage: directory.Acceptance,
		Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
	})
	if err != nil {
		w.Fatal(err)
	}
	return r.View
}

// begin makes it morning, with both clerks signed in.
func (w *window) begin(hour, minute int) {
	w.Clock.Set(today.At(hour, minute))
	w.open(string(clerk1), account.Clerk, apptest.DistrictA)
	w.open(string(clerk2), account.Clerk, apptest.DistrictA)
}

// do sends a form to path with the token of the page from, and follows where it leads.
func (w *window) do(who account.Rank, from, path string, fields ...string) *httptest.ResponseRecorder {
	w.Helper()
	form := url.Values{"form_token": {w.token(who, from)}}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	got := w.post(who, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()).Read)
	if to := got.Header().Get("Location"); got.Code == http.StatusSeeOther && strings.HasPrefix(to, "/console/") {
		return w.get(who, to)
	}
	return got
}

// act does something at a counter as the page does without scripts.
func (w *window) act(who account.Rank, counter, act string, more ...string) *httptest.ResponseRecorder {
	w.Helper()
	w.n++
	return w.do(who, counter, counter+"/act", append([]string{"act", act, "key", fmt.Sprintf("act-of-the-page-%04d", w.n)}, more...)...)
}

var (
	atNumber   = regexp.MustCompile(`id="at-number">([^<]*)<`)
	atTicket   = regexp.MustCompile(`id="now"[^>]*data-ticket="([^"]*)"`)
	idInList   = regexp.MustCompile(`<li data-ticket="([a-z0-9]{16})"`)
	slipNumber = regexp.MustCompile(`class="slip__number">([^<]*)<`)
)

func first(re *regexp.Regexp, page string) string {
	if m := re.FindStringSubmatch(page); m != nil {
		return m[1]
	}
	return ""
}

// Art. 12, 14: a morning at two counters and the desk, by forms alone.
func TestArt12_AMorningAtTheCountersByFormsAlone(t *testing.T) {
	onBothEngines(t, func(t *testing.T, w *window) {
		one, two, later := w.book(1, 9), w.book(2, 9), w.book(3, 10)
		w.begin(9, 5)
		if got := w.get(clerk1, "/console"); got.Code != 303 || got.Header().Get("Location") != "/console/serve" {
			t.Errorf("a clerk's day begins at %d %s", got.Code, got.Header().Get("Location"))
		}
		w.says(w.page(clerk1, hallPage+"/counters"), counter1, "Closed")
		for who, at := range map[account.Rank]string{clerk1: counter1, clerk2: counter2} {
			if got := w.do(who, at, at+"/seat", "to", "open", "queues", apptest.QueueA); got.Code != 200 || !strings.Contains(got.Body.String(), `id="acts"`) {
				t.Fatalf("%s opens: %d", who, got.Code)
			}
		}
		if got := w.do(clerk2, counter1, counter1+"/seat", "to", "open"); got.Code != http.StatusConflict {
			t.Errorf("somebody else's counter is opened: %d", got.Code)
		}
		if acts := w.acts("counter", apptest.HallA+" w1"); len(acts) != 1 || acts[0] != "counter.open" {
			t.Errorf("in the log: %v", acts)
		}
		// The desk: found by code, compared, given a number; a wrong document is refused and said so.
		desk := hallPage + "/desk"
		var numbers []string
		for _, b := range []app.BookingView{one, two} {
			page := w.page(clerk1, desk+"?q="+url.QueryEscape(b.Code))
			if strings.Contains(page, "陈示例") || !strings.Contains(page, "陈**") {
				t.Error("a name is not masked")
			}
			got := w.do(clerk1, desk+"?q="+url.QueryEscape(b.Code), desk+"/check-in", "booking", b.Booking.ID, "compared", "same")
			numbers = append(numbers, first(slipNumber, got.Body.String()))
			if got.Code != 200 || numbers[len(numbers)-1] == "" {
				t.Fatalf("check-in: %d", got.Code)
			}
			w.Clock.Add(time.Minute)
		}
		got := w.do(clerk1, desk+"?q="+url.QueryEscape(later.Code), desk+"/check-in", "booking", later.Booking.ID, "compared", "other")
		if got.Code != 422 && got.Code != 409 && got.Code != 403 || !strings.Contains(got.Body.String(), "document_does_not_match") || !strings.Contains(got.Body.String(), "recorded") {
			t.Errorf("a wrong document: %d", got.Code)
		}
		// A walk-in gets a number on a slip, a second one for the same is refused within the form.
		who := apptest.Citizen(9)
		walkIn := []string{"key", "walk-in-0001", "item", apptest.SocialCard + " " + apptest.QueueA, "name", who.Name, "document.number", who.Document.Number}
		got = w.do(clerk1, desk+"/number", desk+"/number", walkIn...)
		third := first(slipNumber, got.Body.String())
		if got.Code != 200 || third == "" {
			t.Fatalf("a walk-in: %d", got.Code)
		}
		walkIn[1] = "walk-in-0002"
		if got = w.do(clerk1, desk+"/number", desk+"/number", walkIn...); got.Code != 409 || !strings.Contains(got.Body.String(), "on_site_once") {
			t.Errorf("a second number: %d", got.Code)
		}
		got = w.do(clerk1, desk+"/number", desk+"/number", "key", "walk-in-0003", "item", "", "name", "", "document.number", "1")
		if got.Code != 422 || !strings.Contains(got.Body.String(), `href="#item"`) {
			t.Errorf("nothing chosen: %d", got.Code)
		}
		// The counters: next, next; never the same person.
		page := w.act(clerk1, counter1, "call").Body.String()
		if first(atNumber, page) != numbers[0] {
			t.Errorf("first is %q, want %s", first(atNumber, page), numbers[0])
		}
		other := w.act(clerk2, counter2, "call").Body.String()
		if first(atNumber, other) != numbers[1] {
			t.Errorf("the second counter calls %q, want %s", first(atNumber, other), numbers[1])
		}
		w.says(other, third, "Walk-in")
		// Set aside, taken back; not here, back in line; sent on; finished with a result.
		page = w.act(clerk1, counter1, "hold", "ticket", first(atTicket, page)).Body.String()
		held := first(idInList, page[strings.Index(page, `id="held"`):])
		if held == "" || first(atNumber, page) != "–" {
			t.Error("nobody is set aside")
		}
		page = w.act(clerk1, counter1, "return", "back", held).Body.String()
		if first(atNumber, page) != numbers[0] {
			t.Errorf("taken back: %q", first(atNumber, page))
		}
		page = w.act(clerk1, counter1, "finish", "ticket", held, "result", "incomplete").Body.String()
		if first(atNumber, page) != "–" {
			t.Error("who is finished stays at the counter")
		}
		other = w.act(clerk2, counter2, "pass", "ticket", first(atTicket, other)).Body.String()
		passed := first(idInList, other[strings.Index(other, `id="passed"`):])
		if passed == "" {
			t.Error("nobody was passed")
		}
		w.act(clerk2, counter2, "return", "back", passed)
		if got := w.act(clerk2, counter2, "finish", "ticket", held, "result", "finished"); got.Code != 409 {
			t.Errorf("what is over is finished again: %d", got.Code)
		}
		page = w.act(clerk1, counter1, "call").Body.String()
		if first(atNumber, page) != third {
			t.Errorf("next is %q, want %s", first(atNumber, page), third)
		}
		page = w.act(clerk1, counter1, "transfer", "ticket", first(atTicket, page), "queue", apptest.QueueAEstate).Body.String()
		if first(atNumber, page) != "–" {
			t.Error("who was sent on stays at the counter")
		}
		// Pause and close, each in the log; single calls are not.
		w.do(clerk1, counter1, counter1+"/seat", "to", "pause")
		if got := w.act(clerk1, counter1, "call"); got.Code != 409 || !strings.Contains(got.Body.String(), "counter_paused") {
			t.Errorf("a paused counter calls: %d", got.Code)
		}
		w.do(clerk1, counter1, counter1+"/seat", "to", "close")
		if acts := strings.Join(w.acts("counter", apptest.HallA+" w1"), " "); acts != "counter.open counter.pause counter.close" {
			t.Errorf("in the log: %s", acts)
		}
		w.says(w.page(clerk1, hallPage+"/day"), "Waiting")
		w.says(w.page(clerk1, hallPage+"/day/list"), "10:00")
	})
}

// The page's script is answered with parts of the page; a heartbeat keeps a counter, and what was done
// without the network is merged once, with what could not be done.
func TestACounterWithoutTheNetwork(t *testing.T) {
	onBothEngines(t, func(t *testing.T, w *window) {
		one, two := w.book(1, 9), w.book(2, 9)
		w.begin(9, 5)
		for who, at := range map[account.Rank]string{clerk1: counter1, clerk2: counter2} {
			w.do(who, at, at+"/seat", "to", "open", "queues", apptest.QueueA)
		}
		for _, b := range []app.BookingView{one, two} {
			w.do(clerk1, hallPage+"/desk?q="+url.QueryEscape(b.Code), hallPage+"/desk/check-in", "booking", b.Booking.ID, "compared", "same")
		}
		var a struct {
			HTML     string
			Outcomes []struct{ Key, Number, Refused, Sentence string }
		}
		script := func(who account.Rank, method, path, body string) int {
			t.Helper()
			r := httptest.NewRequest(method, path, strings.NewReader(body))
			r.Header.Set("Accept", "application/json")
			r.Header.Set("Accept-Language", "en")
			if body != "" {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			r.AddCookie(&http.Cookie{Name: "suiyue-console", Value: string(who)})
			got := httptest.NewRecorder()
			w.handler.ServeHTTP(got, r)
			a.HTML, a.Outcomes = "", nil
			if err := json.Unmarshal(got.Body.Bytes(), &a); err != nil {
				t.Fatalf("%s: %v in %.200s", path, err, got.Body)
			}
			return got.Code
		}
		if code := script(clerk1, "GET", counter1+"/view", ""); code != 200 || !strings.Contains(a.HTML, `id="rest"`) || strings.Contains(a.HTML, "<html") {
			t.Fatalf("a heartbeat: %d", code)
		}
		standby := regexp.MustCompile(`data-ticket="([a-z0-9]{16})" data-number="[^"]+" data-queue`).FindAllStringSubmatch(a.HTML, -1)
		if len(standby) != 1 {
			t.Fatalf("%d are dealt to the first of two counters", len(standby))
		}
		id := standby[0][1]
		script(clerk2, "GET", counter2+"/view", "")
		if strings.Contains(a.HTML, `<li data-ticket="`+id+`" data-number`) {
			t.Error("one person is dealt to two counters")
		}
		told := func(acts string) string {
			return url.Values{"form_token": {w.token(clerk1, counter1)}, "acts": {acts}}.Encode()
		}
		acts := fmt.Sprintf(`[{"key":"away-0001","seq":1,"ago":60000,"kind":"call","ticket":%q},{"key":"away-0002","seq":2,"ago":20000,"kind":"finish","ticket":%q,"result":"finished"},{"key":"away-0003","seq":3,"ago":1,"kind":"call","ticket":"aaaaaaaaaaaaaaaa"}]`, id, id)
		for round := range 2 { // told twice, it is done once
			if code := script(clerk1, "POST", counter1+"/merge", told(acts)); code != 200 || len(a.Outcomes) != 3 {
				t.Fatalf("merged: %d, %+v", code, a.Outcomes)
			}
			if a.Outcomes[0].Refused+a.Outcomes[1].Refused != "" || a.Outcomes[2].Refused != "ticket_not_found" || a.Outcomes[2].Sentence == "" {
				t.Errorf("round %d: %+v", round, a.Outcomes)
			}
		}
		if code := script(clerk1, "POST", counter1+"/merge", told("{")); code != 400 {
			t.Errorf("nonsense is merged: %d", code)
		}
		// Who is signed out is told so, not led away.
		if code := script("nobody", "GET", counter1+"/view", ""); code != 401 {
			t.Errorf("nobody's heartbeat: %d", code)
		}
	})
}

// Art. 14: who stands at the desk is booked in their own name, with their own limits; it is in the log.
func TestArt14_BookingForWhoStandsAtTheDesk(t *testing.T) {
	onBothEngines(t, func(t *testing.T, w *window) {
		w.begin(9, 5)
		book := hallPage + "/desk/book"
		item := apptest.SocialCard + " " + apptest.QueueA
		page := w.page(clerk1, book+"?item="+url.QueryEscape(item))
		slot := first(regexp.MustCompile(`name="slot" value="([^"]+)" checked`), page)
		if slot == "" {
			t.Fatal("no hour is chosen already")
		}
		who := apptest.Citizen(5)
		form := []string{"key", "desk-book-0001", "item", item, "slot", slot, "stage", "acceptance", "name", who.Name, "document.number", who.Document.Number, "phone", who.Phone}
		got := w.do(clerk1, book+"?item="+url.QueryEscape(item), book, form...)
		if got.Code != 200 || !strings.Contains(got.Body.String(), "Booked. Code") {
			t.Fatalf("%d", got.Code)
		}
		_, theirs := w.SignIn(t, who)
		mine, err := w.App.MyActive(t.Context(), theirs)
		if err != nil || len(mine) != 1 || mine[0].Booking.SlotID != slot || mine[0].Booking.Channel != booking.Desk {
			t.Fatalf("theirs: %+v, %v", mine, err)
		}
		if acts := w.acts("booking", mine[0].Booking.ID); len(acts) != 1 || acts[0] != "booking.on_behalf" {
			t.Errorf("in the log: %v", acts)
		}
		w.do(clerk1, book+"?item="+url.QueryEscape(item), book, form...) // sent again: nothing more
		if acts := w.acts("booking", mine[0].Booking.ID); len(acts) != 1 {
			t.Errorf("in the log after it was sent again: %v", acts)
		}
		form[1] = "desk-book-0002"
		if got := w.do(clerk1, book+"?item="+url.QueryEscape(item), book, form...); got.Code != 409 || !strings.Contains(got.Body.String(), "already") {
			t.Errorf("the same again: %d", got.Code)
		}
		form[5] = booking.SlotID(apptest.QueueB, today+2, 9)
		if got := w.do(clerk1, book+"?item="+url.QueryEscape(item), book, form...); got.Code != 422 {
			t.Errorf("an hour of another hall: %d", got.Code)
		}
		green := hallPage + "/desk/green"
		old := apptest.Citizen(6)
		got = w.do(clerk1, green, green, "key", "green-0001", "item", item, "name", old.Name, "document.number", old.Document.Number, "verified", "elderly")
		if number := first(slipNumber, got.Body.String()); got.Code != 200 || number == "" {
			t.Errorf("green channel: %d", got.Code)
		}
		if got = w.do(clerk1, green, green, "key", "green-0002", "item", item, "name", old.Name, "document.number", old.Document.Number, "verified", "rich"); got.Code != 422 {
			t.Errorf("an entitlement there is not: %d", got.Code)
		}
	})
}

// Clerks are shown what they can use, and nothing else.
func TestAClerkIsShownWhatAClerkUses(t *testing.T) {
	d := newDesk(t)
	d.open("clerk", account.Clerk, apptest.DistrictA)
	nav := func(who account.Rank, path string) (out []string) {
		_, rest, _ := strings.Cut(d.page(who, path), `<ul class="menu"`)
		menu, _, _ := strings.Cut(rest, "</ul>")
		for _, m := range regexp.MustCompile(`href="([^"]+)"`).FindAllStringSubmatch(menu, -1) {
			out = append(out, m[1])
		}
		return out
	}
	if got := strings.Join(nav("clerk", hallPage+"/counters"), " "); got != "/console/serve /console/missed /console/powers" {
		t.Errorf("a clerk is shown %s", got)
	}
	for who, there := range map[account.Rank]bool{account.District1: true, account.Platform2: true, account.Audit: false, account.System: false} {
		if got := strings.Contains(strings.Join(nav(who, "/console/powers"), " "), "/console/tokens"); got != there {
			t.Errorf("%s is shown tokens: %v", who, got)
		}
	}
}

// A number is printed at the desk as often as it takes; each time is counted and in the log, from the second on
// the paper says so, and what is over is printed no more.
func TestANumberIsPrintedAtTheDesk(t *testing.T) {
	onBothEngines(t, func(t *testing.T, w *window) {
		w.begin(9, 5)
		desk, who := hallPage+"/desk", apptest.Citizen(9)
		w.do(clerk1, desk+"/number", desk+"/number", "key", "walk-in-0001", "item", apptest.SocialCard+" "+apptest.QueueA, "name", who.Name, "document.number", who.Document.Number)
		shown, err := w.App.TicketsShown(t.Context(), app.By{Admin: w.As(t, w.OpenAdmin(t, account.District2, apptest.DistrictA))}, apptest.HallA, who.Document, "")
		if err != nil || len(shown) != 1 {
			t.Fatalf("%d tickets, %v", len(shown), err)
		}
		id := shown[0].Ticket.ID
		at := desk + "/tickets/" + id
		if page := w.page(clerk1, at); !strings.Contains(page, "0 times") || strings.Contains(page, "data-print-now") || strings.Contains(page, "Print no.") {
			t.Error("it was never printed")
		}
		for n, says := range []string{"once", "2 times", "3 times"} {
			page := w.do(clerk1, at, at+"/print").Body.String()
			if !strings.Contains(page, says) || !strings.Contains(page, "data-print-now") || strings.Contains(page, fmt.Sprint("Print no. ", n+1)) != (n > 0) {
				t.Errorf("print %d: it does not say %q, or does not print", n+1, says)
			}
		}
		for _, query := range []string{"", "?print=2", "?print=99"} { // only the newest print prints
			if page := w.page(clerk1, at+query); strings.Contains(page, "data-print-now") {
				t.Errorf("%q prints", query)
			}
		}
		if acts := strings.Join(w.acts("ticket", id), " "); acts != "ticket.print ticket.print ticket.print" {
			t.Errorf("in the log: %s", acts)
		}
		token := w.page(clerk1, at)
		if err := w.App.LeaveLine(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if got := w.do(clerk1, desk, at+"/print"); got.Code != 409 || !strings.Contains(got.Body.String(), "ticket_over") || !strings.Contains(token, at+"/print") || strings.Contains(got.Body.String(), `action="`+at+`/print"`) {
			t.Errorf("after the number was given back: %d", got.Code)
		}
		if acts := w.acts("ticket", id); len(acts) != 3 {
			t.Errorf("in the log: %v", acts)
		}
	})
}

// A hall sets its own day within what it may; what is out of range is told at the field.
func TestAHallSetsTheRulesOfItsDay(t *testing.T) {
	onBothEngines(t, func(t *testing.T, w *window) {
		w.begin(9, 0)
		manager := account.Rank("manager")
		w.open(string(manager), account.District2, apptest.DistrictA)
		rules := hallPage + "/day/rules"
		form := []string{"version", "0", "check_in_before", "45", "walk_in_after", "4", "walk_in_longest", "45", "passed_after", "3", "passed_most", "3", "green_most", "3", "near_ahead", "3", "radius_metres", "300", "ends_after", "30", "green", "first"}
		if got := w.do(manager, rules, rules, form...); got.Code != 200 || !strings.Contains(got.Body.String(), `name="check_in_before" type="text" value="45"`) {
			t.Errorf("set: %d", got.Code)
		}
		if r, err := w.App.HallRules(t.Context(), apptest.HallA); err != nil || r.CheckInBefore != 45*time.Minute || r.Green != "first" {
			t.Errorf("%+v, %v", r, err)
		}
		form[1], form[3] = "1", "9999"
		if got := w.do(manager, rules, rules, form...); got.Code != 422 || !strings.Contains(got.Body.String(), `href="#check_in_before"`) {
			t.Errorf("out of range: %d", got.Code)
		}
		if got := w.get(clerk1, rules); got.Code != 403 {
			t.Errorf("a clerk sets rules: %d", got.Code)
		}
	})
}

// acts lists what the log has of a thing, oldest first.
func (w *window) acts(noun, key string) []string {
	w.Helper()
	return w.Acts(w.T, noun, key)
}
