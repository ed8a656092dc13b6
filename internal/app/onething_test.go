package app_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/theme"
	"suiyue/internal/store"
)

// oneThing is a hall's day with a theme, somebody at the counter and somebody at each of two departments.
type oneThing struct {
	*hallDay
	who            *identity.Session
	social, police *apptest.Operator
}

func newOneThing(t *testing.T, f *apptest.Fixture) *oneThing {
	t.Helper()
	f.AddTheme(t)
	o := &oneThing{hallDay: newHallDay(t, f)}
	_, o.who = f.SignIn(t, apptest.Citizen(1))
	o.social, o.police = f.OpenAdmin(t, account.Municipal2, apptest.AgencySocial), f.OpenAdmin(t, account.Municipal2, apptest.AgencyPolice)
	return o
}

func (o *oneThing) as(op *apptest.Operator) *app.Admin {
	o.t.Helper()
	ad, err := o.App.Admin(o.t.Context(), op.Token)
	if err != nil {
		op.Token = o.SignInAdmin(o.t, op)
		ad = o.As(o.t, op)
	}
	return ad
}

// accept books the theme, comes, is served with a result and returns the person's cases.
func (o *oneThing) accept(result counter.Result) []app.OneThing {
	o.t.Helper()
	ctx := o.t.Context()
	v := o.book(apptest.Citizen(1), apptest.Theme, apptest.QueueA, 10)
	o.at(9, 45)
	if _, err := o.App.CheckIn(ctx, o.desk(), apptest.HallA, app.CheckIn{Booking: v.Booking.ID, Compared: app.SameDocument}); err != nil {
		o.t.Fatal(err)
	}
	clerk := o.clerks(1)[0]
	o.must(o.App.OpenCounter(ctx, clerk, apptest.HallA, "w1", nil))
	at := o.must(o.act(clerk, "w1", counter.Act{Kind: counter.Call}))
	if at.Checklist == nil || len(at.Checklist.Materials) != 2 {
		o.t.Fatalf("the counter shows no list of materials: %+v", at.Checklist)
	}
	o.must(o.act(clerk, "w1", counter.Act{Kind: counter.Finish, Result: result}))
	return o.cases()
}

func (o *oneThing) cases() []app.OneThing {
	o.t.Helper()
	_, o.who = o.SignIn(o.t, apptest.Citizen(1))
	list, err := o.App.MyCases(o.t.Context(), o.who)
	if err != nil {
		o.t.Fatal(err)
	}
	return list
}

func (o *oneThing) step(v app.OneThing, key string) app.OneStep {
	o.t.Helper()
	for _, s := range v.Steps {
		if s.Key == key {
			return s
		}
	}
	o.t.Fatalf("no step %s", key)
	return app.OneStep{}
}

func (o *oneThing) work(op *apptest.Operator, id, step string, kind theme.ActKind, text string) error {
	return o.App.WorkStep(o.t.Context(), o.as(op), app.StepAct{Kind: kind, Case: id, Step: step, Text: text})
}

func (o *oneThing) do(op *apptest.Operator, id, step string, kinds ...theme.ActKind) {
	o.t.Helper()
	for _, k := range kinds {
		if err := o.work(op, id, step, k, "写明"); err != nil {
			o.t.Fatalf("%s %s: %v", k, step, err)
		}
	}
}

func (o *oneThing) states() string {
	o.t.Helper()
	v := o.cases()[0]
	out := ""
	for _, s := range v.Steps {
		out += s.Key + ":" + string(s.State) + " "
	}
	return out + string(v.Case.State)
}

func (o *oneThing) want(states string) {
	o.t.Helper()
	if got := o.states(); got != states {
		o.t.Errorf("%s\nwant %s", got, states)
	}
}

// told returns the kinds of the messages about the case that wait to be sent, with the step each is about.
func (o *oneThing) told() (out []string) {
	o.t.Helper()
	list, err := o.App.DueMessages(o.t.Context(), 100, time.Hour)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, m := range list {
		if m.Case == nil {
			continue
		}
		if m.Phone != apptest.Citizen(1).Phone || m.Case.Theme.Code != apptest.Theme {
			o.t.Errorf("a message to nobody, or about nothing: %+v", m.Row)
		}
		out = append(out, strings.TrimSpace(string(m.Row.Kind)+" "+m.Case.Step))
	}
	slices.Sort(out)
	return out
}

func TestArt20_BookedOnceAcceptedOnceAndEachDepartmentItsOwnSteps(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		o := newOneThing(t, f)
		list := o.accept(counter.Finished)
		if len(list) != 1 || list[0].Name != "陈**" || list[0].Hall.ID != apptest.HallA || len(list[0].Case.Sealed) != 0 {
			t.Fatalf("accepted: %+v", list)
		}
		id := list[0].Case.ID
		o.want("card:due home:waiting permit:waiting end:waiting running")
		if got := o.told(); !slices.Equal(got, []string{"case_opened"}) {
			t.Errorf("told %v", got)
		}
		mine, _, err := f.App.MyMessages(ctx, o.who, "", 20)
		if err != nil || !slices.ContainsFunc(mine, func(m app.MessageView) bool { return m.Kind == booking.MessageCaseOpened && m.Case.ID == id }) {
			t.Errorf("among the person's messages: %+v, %v", mine, err)
		}
		due, n, err := f.App.Steps(ctx, o.as(o.social), app.StepFilter{})
		if err != nil || n != 1 || due[0].Case != id || due[0].Key != "card" || due[0].Theme.Code != apptest.Theme || due[0].Due != hallDate+5 { // Wednesday and three working days
			t.Fatalf("due: %+v, %v", due, err)
		}
		_, err = f.App.StepCase(ctx, o.as(o.police), id)
		if err != nil {
			t.Errorf("a department whose turn is still to come sees the case: %v", err)
		}
		wantCode(t, o.work(o.police, id, "card", theme.Take, ""), fault.StepNotFound, "a step of another department")
		wantCode(t, o.work(o.police, id, "permit", theme.Take, ""), fault.StepNotThere, "a step before its time")
		o.do(o.social, id, "card", theme.Take)
		wantCode(t, o.work(o.social, id, "card", theme.Finish, " "), fault.InvalidRequest, "a result without a word")
		o.do(o.social, id, "card", theme.Finish)
		o.want("card:done home:due permit:due end:waiting running")
		if got := o.told(); !slices.Equal(got, []string{"case_done card"}) {
			t.Errorf("told %v", got)
		}
		o.do(o.police, id, "permit", theme.Take, theme.Ask)
		s := o.step(o.cases()[0], "permit")
		if s.Asked != "写明" || s.State != theme.Supplement {
			t.Errorf("asked: %+v", s)
		}
		other, err := f.App.StepCase(ctx, o.as(o.social), id)
		if err != nil || o.step(other, "permit").Asked != "" || o.step(other, "card").Said != "写明" {
			t.Errorf("what one department writes is read by another: %+v, %v", other.Steps, err)
		}
		_, stranger := f.SignIn(t, apptest.Citizen(2))
		wantCode(t, f.App.AnswerStep(ctx, stranger, id, "permit", 0, "给"), fault.OneCaseNotFound, "an answer by somebody else")
		if err := f.App.AnswerStep(ctx, o.who, id, "permit", s.Version, "补上了"); err != nil {
			t.Fatal(err)
		}
		wantCode(t, f.App.AnswerStep(ctx, o.who, id, "permit", s.Version, "补上了"), fault.ChangedMeanwhile, "the same answer again")
		o.do(o.police, id, "permit", theme.Take, theme.Finish)
		o.do(o.social, id, "home", theme.Take, theme.Finish)
		o.do(o.social, id, "end", theme.Take, theme.Finish)
		o.want("card:done home:done permit:done end:done complete")
		if got := o.told(); !slices.Equal(got, []string{"case_asked permit", "case_done home", "case_done permit", "case_ended end"}) {
			t.Errorf("told %v", got)
		}
		acts := f.Acts(t, "case", id)
		if len(acts) != 10 || acts[0] != "step.take" || acts[9] != "step.finish" {
			t.Errorf("the log has %v", acts)
		}
		sound(t, f)
	})
}

func TestArt20_WhatWasNotAcceptedOpensNoCase(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		o := newOneThing(t, f)
		if list := o.accept(counter.Incomplete); len(list) != 0 {
			t.Errorf("papers are missing, and still: %+v", list)
		}
		sound(t, f)
	})
}

// The end of the day is nobody's acceptance: what a counter did not finish opens no case, whether its person was at the
// counter or still waited. They may come again for it, and have missed nothing.
func TestArt20_ATicketNobodyFinishedOpensNoCase(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		o := newOneThing(t, f)
		var tickets, booked []string
		for i := range 2 {
			booked = append(booked, o.book(apptest.Citizen(1+i), apptest.Theme, apptest.QueueA, 10).Booking.ID)
		}
		o.at(9, 45)
		for _, id := range booked {
			got, err := o.App.CheckIn(ctx, o.desk(), apptest.HallA, app.CheckIn{Booking: id, Compared: app.SameDocument})
			if err != nil {
				t.Fatal(err)
			}
			tickets = append(tickets, got.Ticket.ID)
		}
		clerk := o.clerks(1)[0]
		o.must(o.App.OpenCounter(ctx, clerk, apptest.HallA, "w1", nil))
		o.must(o.act(clerk, "w1", counter.Act{Kind: counter.Call}))
		o.at(18, 5)
		if _, err := o.App.EndDay(ctx, apptest.HallA, hallDate); err != nil {
			t.Fatal(err)
		}
		for i, want := range []counter.Result{counter.Incomplete, counter.DayEnded} {
			if v, err := o.App.Ticket(ctx, tickets[i]); err != nil || v.Ticket.Result != want {
				t.Errorf("ticket %d ended with %q, want %q, %v", i, v.Ticket.Result, want, err)
			}
		}
		if list := o.cases(); len(list) != 0 {
			t.Errorf("a case nobody accepted: %+v", list)
		}
		for i := range 2 {
			_, who := f.SignIn(t, apptest.Citizen(1+i))
			list, _, err := f.App.MyBookings(ctx, who, "", 10)
			if err != nil || len(list) != 1 || list[0].Booking.State != booking.Done {
				t.Errorf("the booking is no business done: %+v, %v", list, err)
			}
		}
		_, who := f.SignIn(t, apptest.Citizen(1))
		if _, err := f.App.Book(ctx, who, app.BookRequest{
			Key: "come-again-0001", Item: apptest.Theme, SlotID: booking.SlotID(apptest.QueueA, hallDate+1, 11), Stage: directory.Acceptance,
			Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
		}); err != nil {
			t.Errorf("the same cannot be booked again: %v", err)
		}
		sound(t, f)
	})
}

// A hall that offers a theme and lacks an item of it after a change of the catalogue is told to who supervises it.
func TestArt20_WhatAHallLacksOfAThemeIsToldToItsAdministrators(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		o := newOneThing(t, f)
		own, other := f.OpenAdmin(t, account.District1, apptest.DistrictA), f.OpenAdmin(t, account.District1, apptest.DistrictB)
		gaps := func(op *apptest.Operator) (out []string) {
			list, err := f.App.ThemeGaps(ctx, o.as(op))
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range list {
				out = append(out, g.Hall.ID+" "+g.Theme.Code+" "+g.Step.Key)
			}
			return out
		}
		if got := append(gaps(own), gaps(other)...); len(got) != 0 {
			t.Fatalf("nothing has changed, and there lack %v", got)
		}
		th, err := f.App.Theme(ctx, apptest.Theme)
		if err != nil {
			t.Fatal(err)
		}
		for _, of := range f.App.City().OffersAt(apptest.HallA) {
			if of.ItemCode == th.Steps[0].Item {
				gone := *of
				gone.Stages = directory.Stages{directory.Collection}
				if err := f.DB.Update(ctx, func(tx *store.Tx) error { return tx.SaveOfferings(ctx, []directory.Offering{gone}) }); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := f.App.Reload(ctx); err != nil {
			t.Fatal(err)
		}
		if got, want := gaps(own), apptest.HallA+" "+apptest.Theme+" "+th.Steps[0].Key; len(got) == 0 || got[0] != want {
			t.Errorf("told %v, want %s", got, want)
		}
		if got := gaps(other); len(got) != 0 {
			t.Errorf("another district is told %v", got)
		}
	})
}

func TestArt20_ARejectionStopsWhatDependsOnItAndSaysSo(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		o := newOneThing(t, f)
		id := o.accept(counter.Finished)[0].Case.ID
		o.do(o.social, id, "card", theme.Take, theme.Finish)
		o.do(o.police, id, "permit", theme.Take, theme.Reject)
		o.want("card:done home:due permit:rejected end:stopped running")
		v := o.cases()[0]
		if s := o.step(v, "end"); !slices.Equal(s.Blocked, []string{"permit"}) || o.step(v, "permit").Said != "写明" {
			t.Errorf("why it stopped: %+v", s)
		}
		o.do(o.social, id, "home", theme.Take, theme.Finish)
		o.want("card:done home:done permit:rejected end:stopped partly")
		sound(t, f)
	})
}

func TestArt20_TheApplicantMayWithdraw(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		o := newOneThing(t, f)
		id := o.accept(counter.Finished)[0].Case.ID
		o.do(o.social, id, "card", theme.Take)
		_, stranger := f.SignIn(t, apptest.Citizen(2))
		wantCode(t, f.App.WithdrawCase(ctx, stranger, id), fault.OneCaseNotFound, "by somebody else")
		if err := f.App.WithdrawCase(ctx, o.who, id); err != nil {
			t.Fatal(err)
		}
		o.want("card:withdrawn home:withdrawn permit:withdrawn end:withdrawn withdrawn")
		wantCode(t, o.work(o.social, id, "card", theme.Finish, "x"), fault.CaseOver, "a step of what was withdrawn")
		wantCode(t, f.App.WithdrawCase(ctx, o.who, id), fault.CaseOver, "a second time")
		if _, n, err := f.App.Steps(ctx, o.as(o.social), app.StepFilter{}); err != nil || n != 0 {
			t.Errorf("still due: %d, %v", n, err)
		}
		sound(t, f)
	})
}

func TestArt20_ANewVersionOfAThemeLeavesRunningCasesAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		o := newOneThing(t, f)
		id := o.accept(counter.Finished)[0].Case.ID
		file := "theme,key,item,department,after,days\n" + apptest.Theme + ",only," + apptest.Estate + "," + apptest.AgencySocial + ",,7\n"
		report, err := f.App.ImportThemes(ctx, fstest.MapFS{theme.File: {Data: []byte(file)}})
		if err != nil || len(report.Counts) != 1 || report.Counts[0].Changed != 1 {
			t.Fatalf("imported: %+v, %v", report, err)
		}
		if report, err = f.App.ImportThemes(ctx, fstest.MapFS{theme.File: {Data: []byte(file)}}); err != nil || report.Changes() != 0 {
			t.Errorf("the same file again: %+v, %v", report, err)
		}
		now, err := f.App.Theme(ctx, apptest.Theme)
		if err != nil || now.Version != 2 || len(now.Steps) != 1 {
			t.Fatalf("the new version: %+v, %v", now, err)
		}
		o.want("card:due home:waiting permit:waiting end:waiting running")
		o.do(o.social, id, "card", theme.Take, theme.Finish)
		o.want("card:done home:due permit:due end:waiting running")
		if v := o.cases()[0]; v.Theme.Version != 1 {
			t.Errorf("the case goes by version %d", v.Theme.Version)
		}
		sound(t, f)
	})
}

func TestArt20_AFileOfThemesIsLoadedAllOrNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		f.AddTheme(t)
		head := "theme,key,item,department,after,days\n"
		row := func(key, item, unit, after string) string {
			return fmt.Sprintf("%s,%s,%s,%s,%s,3\n", apptest.Theme, key, item, unit, after)
		}
		good := row("a", apptest.SocialCard, apptest.AgencySocial, "")
		for what, c := range map[string]struct {
			rows   string
			line   int
			column string
			code   fault.Code
		}{
			"a ring":                               {good + row("b", apptest.Estate, apptest.AgencySocial, "c") + row("c", apptest.Estate, apptest.AgencySocial, "b"), 3, "after", fault.StepCycle},
			"an item there is not":                 {good + row("b", "XX-1", apptest.AgencySocial, "a"), 3, "item", fault.NotOneOf},
			"a department there is not":            {good + row("b", apptest.Estate, "nobody", "a"), 3, "department", fault.NotOneOf},
			"what the hall cannot accept":          {good + row("b", apptest.Passport, apptest.AgencySocial, "a"), 3, "item", fault.NotOffered},
			"a theme that is an item like another": {good + apptest.Estate + ",a," + apptest.SocialCard + "," + apptest.AgencySocial + ",,3\n", 3, "theme", fault.NotOneOf},
			"nothing":                              {"", 0, "", fault.Required},
		} {
			report, err := f.App.ImportThemes(ctx, fstest.MapFS{theme.File: {Data: []byte(head + c.rows)}})
			if err != app.ErrBadLines || len(report.Faults) == 0 || report.Faults[0].Line != c.line || report.Faults[0].Column != c.column || report.Faults[0].Code != c.code {
				t.Errorf("%s: %+v, %v", what, report.Faults, err)
			}
		}
		if now, err := f.App.Theme(ctx, apptest.Theme); err != nil || now.Version != 1 {
			t.Errorf("after bad files: %+v, %v", now, err)
		}
	})
}

func TestArt20_WhoMayWorkAStep(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		o := newOneThing(t, f)
		id := o.accept(counter.Finished)[0].Case.ID
		take := app.StepAct{Kind: theme.Take, Case: id, Step: "card"}
		for what, c := range map[string]struct {
			rank account.Rank
			unit string
			want fault.Code
		}{
			"a clerk of another unit":      {account.Clerk, apptest.DistrictA, fault.OneCaseNotFound},
			"the district":                 {account.District1, apptest.DistrictA, fault.NotAllowed},
			"the department's first level": {account.Municipal1, apptest.AgencySocial, fault.NotAllowed},
			"the platform":                 {account.Platform1, "440100000000", fault.NotAllowed},
			"a clerk of the department":    {account.Clerk, apptest.AgencySocial, ""},
		} {
			ad := f.As(t, f.OpenAdmin(t, c.rank, c.unit))
			wantCode(t, f.App.WorkStep(ctx, ad, take), c.want, what)
		}
		ad := o.as(o.social)
		program := *ad
		program.Scopes = []app.Scope{app.ScopeRead}
		over := app.StepAct{Kind: theme.TakeOver, Case: id, Step: "card"}
		wantCode(t, f.App.WorkStep(ctx, &program, over), fault.NotAllowed, "a program without the scope")
		program.Scopes = []app.Scope{app.ScopeSteps}
		wantCode(t, f.App.WorkStep(ctx, &program, over), "", "a program with it")
		_, err := f.App.CasePerson(ctx, &program, id)
		wantCode(t, err, fault.NotAllowed, "a person shown to a program")
		_, err = f.App.CasePerson(ctx, o.as(o.police), id)
		wantCode(t, err, fault.NotAllowed, "a person shown to a department that has nothing to do yet")
		p, err := f.App.CasePerson(ctx, ad, id)
		if err != nil || p.Applicant.Name != apptest.Citizen(1).Name || !slices.Contains(f.Acts(t, "case", id), "case.reveal") {
			t.Errorf("a person shown to who works on it: %v, %v", err, f.Acts(t, "case", id))
		}
		_, err = f.App.StepCase(ctx, ad, "aaaaaaaaaaaa")
		wantCode(t, err, fault.OneCaseNotFound, "a case there is not")
	})
}

// The doctor sees a step that was forgotten, one begun before its time, and a service without its case.
func TestArt20_TheDoctorRecountsEveryCase(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := context.Background()
		o := newOneThing(t, f)
		id := o.accept(counter.Finished)[0].Case.ID
		o.do(o.social, id, "card", theme.Take, theme.Finish)
		sound(t, f)
		if err := f.DB.Update(ctx, func(tx *store.Tx) error {
			c, err := tx.Case(ctx, id)
			if err != nil {
				return err
			}
			c.Step("home").State, c.Step("home").Due = theme.Waiting, 0
			c.Acts++
			_, err = tx.SaveCase(ctx, &theme.Change{Case: c, Steps: []*theme.Progress{c.Step("home")}})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		found, err := app.Doctor(ctx, f.DB, f.Clock.Now(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(found, func(x app.Finding) bool {
			return x.Error && x.Check == "one thing" && strings.Contains(x.Detail, "every step before it is done")
		}) {
			t.Errorf("a forgotten step was not found: %v", found)
		}
	})
}

// A step past its deadline is told to its department, to that department's first level and to the platform, and
// to nobody else; while the applicant is asked the deadline rests.
func TestArt20_AnOverdueStepIsToldToTheDepartmentAndThoseAboveIt(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		o := newOneThing(t, f)
		id := o.accept(counter.Finished)[0].Case.ID
		late := func(op *apptest.Operator) (steps int, own bool) {
			t.Helper()
			list, err := f.App.LateSteps(ctx, o.as(op))
			if err != nil || len(list) > 1 {
				t.Fatalf("%+v, %v", list, err)
			}
			if len(list) == 0 {
				return 0, false
			}
			if list[0].Unit.ID != apptest.AgencySocial || list[0].Oldest != hallDate+5 {
				t.Errorf("late: %+v", list[0])
			}
			return list[0].Steps, list[0].Own
		}
		first, platform := f.OpenAdmin(t, account.Municipal1, apptest.AgencySocial), f.OpenAdmin(t, account.Platform1, "440100000000")
		district, clerk := f.OpenAdmin(t, account.District1, apptest.DistrictA), f.OpenAdmin(t, account.Clerk, apptest.AgencySocial)
		f.Clock.Set((hallDate + 5).At(12, 0)) // the last day
		if n, _ := late(o.social); n != 0 {
			t.Errorf("late on its last day: %d", n)
		}
		f.Clock.Set((hallDate + 6).At(9, 0))
		for what, c := range map[string]struct {
			who   *apptest.Operator
			steps int
			own   bool
		}{
			"the department": {o.social, 1, true}, "its clerk": {clerk, 1, true}, "its first level": {first, 1, false}, "the platform": {platform, 1, false},
			"another department": {o.police, 0, false}, "a district": {district, 0, false},
		} {
			if n, own := late(c.who); n != c.steps || own != c.own {
				t.Errorf("%s is told of %d steps, its own: %v", what, n, own)
			}
		}
		if v := o.cases()[0]; !o.step(v, "card").Overdue {
			t.Error("the applicant is not told")
		}
		list, n, err := f.App.Steps(ctx, o.as(o.social), app.StepFilter{Overdue: true})
		if err != nil || n != 1 || !list[0].Overdue {
			t.Errorf("the list of overdue steps: %+v, %v", list, err)
		}
		o.do(o.social, id, "card", theme.Take, theme.Ask)
		if n, _ := late(o.social); n != 0 {
			t.Errorf("late while the applicant is asked: %d", n)
		}
		s := o.step(o.cases()[0], "card")
		if err := f.App.AnswerStep(ctx, o.who, id, "card", s.Version, "补上了"); err != nil {
			t.Fatal(err)
		}
		if s = o.step(o.cases()[0], "card"); s.Overdue || s.Due != hallDate+7 { // one working day is left
			t.Errorf("after the answer: %+v", s.Progress)
		}
		sound(t, f)
	})
}
