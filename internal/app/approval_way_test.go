package app_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// way is how an administrator acts: by the App itself, by a program, or in the pages of the console. An
// error has the code that is told there.
type way interface {
	name() string
	file(ad *app.Admin, in app.Asked) (ids []string, err error)
	preview(ad *app.Admin, in app.Asked, want weighed) error
	decide(ad *app.Admin, id string, version int, approve bool, why string) error
	decideBundle(ad *app.Admin, bundle string, approve bool, why string) error
	withdraw(ad *app.Admin, id string, version int) error
	report(ad *app.Admin, id string, version int, done bool, text string) error
	appeal(ad *app.Admin, entry, why string) error
	decideAppeal(ad *app.Admin, entry string, strike bool, why string) error
	appeals(ad *app.Admin) (ids []string, err error) // to decide
	read(ad *app.Admin, id string) error
	toDecide(ad *app.Admin) (ids []string, err error)
}

// weighed is what is told about a request before it is filed.
type weighed struct {
	bookings, names int
	before, after   int // numbers a day
	upTo            account.Rank
	suggestion      bool
}

// direct is the way of the App itself.
type direct struct{ *desk }

func (w direct) name() string { return "app" }

func (w direct) file(ad *app.Admin, in app.Asked) (ids []string, err error) {
	list, err := w.App.FileRequest(context.Background(), ad, in)
	for _, r := range list {
		ids = append(ids, r.ID)
	}
	return ids, err
}

func (w direct) preview(ad *app.Admin, in app.Asked, want weighed) error {
	p, err := w.App.PreviewRequest(context.Background(), ad, in)
	if err != nil {
		return err
	}
	before, after := p.Impact.PerDay()
	if got := (weighed{p.Impact.Bookings, len(p.People), before, after, p.UpTo, p.Suggestion}); got != want {
		w.Errorf("previewed as %+v, want %+v", got, want)
	}
	for _, who := range p.People {
		if who.Name != "陈**" {
			w.Errorf("named %q", who.Name)
		}
	}
	return nil
}

func (w direct) decide(ad *app.Admin, id string, version int, approve bool, why string) error {
	_, err := w.App.DecideRequest(context.Background(), ad, id, version, approve, why)
	return err
}

func (w direct) decideBundle(ad *app.Admin, bundle string, approve bool, why string) error {
	_, err := w.App.DecideBundle(context.Background(), ad, bundle, approve, why)
	return err
}

func (w direct) withdraw(ad *app.Admin, id string, version int) error {
	_, err := w.App.WithdrawRequest(context.Background(), ad, id, version)
	return err
}

func (w direct) report(ad *app.Admin, id string, version int, done bool, text string) error {
	_, err := w.App.AnswerSuggestion(context.Background(), ad, id, version, done, text)
	return err
}

func (w direct) appeal(ad *app.Admin, entry, why string) error {
	return w.App.Appeal(context.Background(), ad, entry, why)
}

func (w direct) decideAppeal(ad *app.Admin, entry string, strike bool, why string) error {
	return w.App.DecideAppeal(context.Background(), ad, entry, strike, why)
}

func (w direct) appeals(ad *app.Admin) (ids []string, err error) {
	list, all, err := w.App.Ledger(context.Background(), ad, app.LedgerFilter{ToDecide: true})
	for _, e := range list {
		ids = append(ids, e.ID)
		if v, err := w.App.Entry(context.Background(), ad, e.ID); err != nil || !v.Decidable {
			w.Errorf("%s is listed as to decide: %+v, %v", e.ID, v, err)
		}
	}
	if all != len(ids) {
		w.Errorf("%d of %d appeals", len(ids), all)
	}
	return ids, err
}

func (w direct) read(ad *app.Admin, id string) error {
	_, err := w.App.Request(context.Background(), ad, id)
	return err
}

func (w direct) toDecide(ad *app.Admin) (ids []string, err error) {
	list, all, err := w.App.Requests(context.Background(), ad, app.RequestFilter{ToDecide: true})
	for _, r := range list {
		ids = append(ids, r.ID)
	}
	if all != len(ids) {
		w.Errorf("%d of %d requests", len(ids), all)
	}
	return ids, err
}

// unsaid lists the cases that cannot be said in some way, each with its reason.
var unsaid struct {
	sync.Mutex
	reasons map[string]string
}

// unsaid tells that a case cannot be said in this way, and writes down why.
func (d *desk) unsaid(way, why string) bool {
	if d.way.name() != way {
		return false
	}
	unsaid.Lock()
	defer unsaid.Unlock()
	if unsaid.reasons == nil {
		unsaid.reasons = map[string]string{}
	}
	unsaid.reasons[strings.Split(d.Name(), "/")[1]+" by "+way] = why
	return true
}

// mostUnsaid is how many cases may not be said in some way.
const mostUnsaid = 3

// tellUnsaid tells the list at the end.
func tellUnsaid(t interface {
	Logf(string, ...any)
	Errorf(string, ...any)
}) {
	unsaid.Lock()
	defer unsaid.Unlock()
	for _, name := range slices.Sorted(maps.Keys(unsaid.reasons)) {
		t.Logf("not played: %s: %s", name, unsaid.reasons[name])
	}
	if n := len(unsaid.reasons); n > mostUnsaid {
		t.Errorf("%d cases are not played in some way, at most %d may be", n, mostUnsaid)
	}
}

// door is the answer where the account has no such power over any hall at all: a face says so before it
// looks at what is asked.
func (d *desk) door(behind fault.Code) fault.Code {
	if d.way.name() == "app" {
		return behind
	}
	return fault.NotAllowed
}

// fileAll files and wants all of it kept.
func (d *desk) fileAll(who string, in app.Asked) (list []supply.Request) {
	d.Helper()
	ids, err := d.way.file(d.as(who), in)
	if err != nil || len(ids) == 0 {
		d.Fatalf("%s files: %v, %v", who, ids, err)
	}
	for i, id := range ids {
		r := d.get(id)
		if i < len(in.Targets) && (r.HallID != in.Targets[i].Hall || r.QueueID != in.Targets[i].Queue) {
			d.Errorf("request %d is about %s, want %s", i, r.HallID, in.Targets[i].Hall)
		}
		list = append(list, r)
	}
	return list
}

// file files and wants it kept.
func (d *desk) file(who string, in app.Asked) supply.Request {
	d.Helper()
	return d.fileAll(who, in)[0]
}

func (d *desk) refuses(who string, in app.Asked, want fault.Code) {
	d.Helper()
	d.refusesTo(d.as(who), in, want)
}

// refusesTo wants a filing refused, and nothing of it kept.
func (d *desk) refusesTo(ad *app.Admin, in app.Asked, want fault.Code) (told string) {
	d.Helper()
	before := d.requests()
	_, err := d.way.file(ad, in)
	if fault.CodeOf(err) != want {
		d.Errorf("%s files: %v, want %q", ad.Account.ID, err, want)
	}
	if n := d.requests() - before; n != 0 {
		d.Errorf("%d requests were kept", n)
	}
	if err != nil {
		told = fmt.Sprint(fault.As(err).Args)
	}
	return told
}

// requests counts all there are.
func (d *desk) requests() (n int) {
	d.Helper()
	if err := d.DB.View(context.Background(), func(tx *store.Tx) (err error) {
		_, n, err = tx.Requests(context.Background(), store.RequestQuery{Scope: account.Scope{}, Limit: 1})
		return err
	}); err != nil {
		d.Fatal(err)
	}
	return n
}

// decide decides at the version that stands, and wants that answer ("" = it counts).
func (d *desk) decide(who string, r supply.Request, approve bool, want fault.Code) supply.Request {
	d.Helper()
	return d.decideAs(d.as(who), r, approve, want)
}

func (d *desk) decideAs(who *app.Admin, r supply.Request, approve bool, want fault.Code) supply.Request {
	d.Helper()
	if err := d.way.decide(who, r.ID, d.get(r.ID).Version, approve, "理由"); fault.CodeOf(err) != want {
		d.Errorf("%s decides: %v, want %q", who.Account.ID, err, want)
	}
	return d.get(r.ID)
}

// answer reports on a suggestion.
func (d *desk) answer(who string, r supply.Request, done bool, text string, want fault.Code) {
	d.Helper()
	if err := d.way.report(d.as(who), r.ID, d.get(r.ID).Version, done, text); fault.CodeOf(err) != want {
		d.Errorf("%s reports: %v, want %q", who, err, want)
	}
}

func (d *desk) withdraw(who string, r supply.Request, want fault.Code) {
	d.Helper()
	if err := d.way.withdraw(d.as(who), r.ID, d.get(r.ID).Version); fault.CodeOf(err) != want {
		d.Errorf("%s withdraws: %v, want %q", who, err, want)
	}
}

func (d *desk) preview(who string, in app.Asked, want weighed) {
	d.Helper()
	if err := d.way.preview(d.as(who), in, want); err != nil {
		d.Errorf("%s previews: %v", who, err)
	}
}
