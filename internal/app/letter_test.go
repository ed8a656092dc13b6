package app_test

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// phones gives every administrator a mobile of their own.
func (d *desk) phones() {
	d.Helper()
	for id := range officers {
		d.change(id, func(a *store.Account) {
			plain, err := json.Marshal(account.Person{Name: "陈示例", Duty: "职员", Mobile: "mobile of " + id})
			if err != nil {
				d.Fatal(err)
			}
			a.Sealed = d.Vault.Seal(plain, "account|"+id)
		})
	}
}

// told lists whom messages of a kind went to, since the first from of them.
func (d *desk) told(kind string, from int) (who []string) {
	for _, m := range d.Texts.Sent()[from:] {
		if m.Kind == kind {
			who = append(who, m.Phone[len("mobile of "):])
		}
	}
	slices.Sort(who)
	return who
}

func notice(unit string, about oversight.About) app.NewLetter {
	return app.NewLetter{UnitID: unit, About: about, Subject: "关于放号", Text: "连续三天未按时放号", Asks: "按时放号"}
}

func (d *desk) letter(who, unit string, want fault.Code) string {
	d.Helper()
	id, err := d.App.IssueLetter(d.Context(), d.as(who), notice(unit, oversight.About{}))
	if fault.CodeOf(err) != want {
		d.Errorf("%s writes to %s: %v, want %q", who, unit, err, want)
	}
	return id
}

func (d *desk) read(who, id string) app.LetterView {
	d.Helper()
	v, err := d.App.Letter(d.Context(), d.as(who), id)
	if err != nil {
		d.Fatalf("%s reads %s: %v", who, id, err)
	}
	return v
}

func TestArt22_WhoSendsLettersToWhom(t *testing.T) {
	overseen(t, func(d *desk) {
		d.phones()
		first := d.letter("P1", "agency-social", "")
		d.letter("P1", apptest.DistrictA, "")
		street := d.letter("A1", apptest.StreetA, "")
		d.letter("P2", "agency-social", fault.NotAllowed)
		d.letter("A2", apptest.StreetA, fault.InvalidRequest) // they do not see it
		d.letter("A1", apptest.DistrictA, fault.NotAllowed)
		d.letter("A1", apptest.DistrictB, fault.InvalidRequest)
		d.letter("M1", "agency-social", fault.NotAllowed)
		d.letter("SYS", "agency-social", fault.InvalidRequest)
		if got := d.told("letter_issued", 0); !slices.Equal(got, []string{"A1", "A2", "AS", "M1", "M2"}) {
			d.Errorf("told of letters: %v", got)
		}
		if l := d.read("M1", first); l.Number != 1 || l.Year != 2026 || l.FromUnit != "440100000000" || len(l.Events) != 1 {
			d.Errorf("the first letter: %+v", l)
		}
		if l := d.read("AS", street); l.Number != 1 || l.FromUnit != apptest.DistrictA { // each unit numbers its own
			d.Errorf("the district's letter: %+v", l.Letter)
		}
		if _, err := d.App.Letter(d.Context(), d.as("B1"), street); fault.CodeOf(err) != fault.LetterNotFound {
			d.Errorf("a letter to another district: %v", err)
		}
		if _, err := d.App.Letter(d.Context(), d.as("M2"), street); fault.CodeOf(err) != fault.LetterNotFound {
			d.Errorf("a letter to another unit: %v", err)
		}
		for who, want := range map[string]int{"P1": 3, "P2": 2, "M2": 1, "A1": 2, "A2": 1, "AS": 1, "AV": 0, "B1": 0, "SYS": 0} {
			_, all, err := d.App.Letters(d.Context(), d.as(who), app.LetterFilter{})
			if err != nil || all != want {
				d.Errorf("%s sees %d letters, %v; want %d", who, all, err, want)
			}
		}
		stale := d.as("P1")
		stale.Proved = d.Clock.Now().Add(-time.Hour)
		if _, err := d.App.IssueLetter(d.Context(), stale, notice("agency-social", oversight.About{})); fault.CodeOf(err) != fault.ProveAgain {
			d.Errorf("without a fresh proof: %v", err)
		}
	})
}

func TestArt22_ALetterIsAnsweredAndChecked(t *testing.T) {
	overseen(t, func(d *desk) {
		d.phones()
		id := d.letter("P1", "agency-social", "")
		wants := func(what string, err error, want fault.Code) {
			d.Helper()
			if fault.CodeOf(err) != want {
				d.Errorf("%s: %v, want %q", what, err, want)
			}
		}
		todo := func(who string, want int) {
			d.Helper()
			list, _, err := d.App.Letters(d.Context(), d.as(who), app.LetterFilter{Mine: "do"})
			if err != nil || len(list) != want {
				d.Errorf("%d letters wait for %s, %v; want %d", len(list), who, err, want)
			}
		}
		ctx := d.Context()
		todo("M2", 1)
		todo("P1", 0)
		wants("answered before it was received", d.App.ReplyLetter(ctx, d.as("M1"), id, 1, "已整改"), fault.LetterNotNow)
		wants("received by another unit", d.App.ReceiveLetter(ctx, d.as("A1"), id, 1), fault.LetterNotFound)
		wants("received by who sent it", d.App.ReceiveLetter(ctx, d.as("P1"), id, 1), fault.NotAllowed)
		wants("received", d.App.ReceiveLetter(ctx, d.as("M2"), id, 1), "")
		wants("received twice", d.App.ReceiveLetter(ctx, d.as("M2"), id, 1), fault.LetterNotNow)
		wants("answered on what was before", d.App.ReplyLetter(ctx, d.as("M1"), id, 1, "已整改"), fault.ChangedMeanwhile)
		wants("answered with nothing", d.App.ReplyLetter(ctx, d.as("M1"), id, 2, "  "), fault.InvalidRequest)
		wants("answered", d.App.ReplyLetter(ctx, d.as("M1"), id, 2, "已整改"), "")
		todo("M2", 0)
		todo("P1", 1)
		todo("P2", 0)
		wants("checked by the second level", d.App.CheckLetter(ctx, d.as("P2"), id, 3, true, ""), fault.NotAllowed)
		wants("returned", d.App.CheckLetter(ctx, d.as("P1"), id, 3, false, "还差说明"), "")
		wants("answered again", d.App.ReplyLetter(ctx, d.as("M2"), id, 4, "补充说明"), "")
		wants("accepted", d.App.CheckLetter(ctx, d.as("P1"), id, 5, true, "属实"), "")
		v := d.read("M1", id)
		var kinds []string
		for _, e := range v.Events {
			kinds = append(kinds, e.Kind)
		}
		if v.State != oversight.LetterClosed || v.Returns != 1 || !slices.Equal(kinds, []string{"issued", "received", "replied", "returned", "replied", "closed"}) || v.Events[2].Text != "已整改" || v.Events[2].Account != "M1" {
			d.Errorf("closed: %+v", v)
		}
		if got := d.Acts(t, "letter", id); !slices.Equal(got, []string{"letter.issue", "letter.receive", "letter.reply", "letter.return", "letter.reply", "letter.close"}) {
			d.Errorf("the log has %v", got)
		}
		if got := d.told("letter_replied", 0); !slices.Equal(got, []string{"P1", "P1"}) {
			d.Errorf("told of replies: %v", got)
		}
		if got := d.told("letter_closed", 0); !slices.Equal(got, []string{"M1", "M2"}) {
			d.Errorf("told of the end: %v", got)
		}
	})
}

// Two who check at once: one of them does.
func TestArt22_ALetterIsCheckedOnce(t *testing.T) {
	overseen(t, func(d *desk) {
		id := d.letter("P1", "agency-social", "")
		for _, err := range []error{d.App.ReceiveLetter(d.Context(), d.as("M1"), id, 1), d.App.ReplyLetter(d.Context(), d.as("M1"), id, 2, "已整改")} {
			if err != nil {
				d.Fatal(err)
			}
		}
		answers := make([]fault.Code, 6)
		var wg sync.WaitGroup
		ad := d.as("P1")
		for i := range answers {
			wg.Go(func() { answers[i] = fault.CodeOf(d.App.CheckLetter(d.Context(), ad, id, 3, i%2 == 0, "看过")) })
		}
		wg.Wait()
		counted := 0
		for _, code := range answers {
			switch code {
			case "":
				counted++
			case fault.LetterNotNow, fault.ChangedMeanwhile, fault.Busy:
			default:
				d.Errorf("refused with %q", code)
			}
		}
		if v := d.read("P1", id); counted != 1 || len(v.Events) != 4 {
			d.Errorf("%d checks counted, %d events", counted, len(v.Events))
		}
	})
}

func TestArt22_OverdueLettersAreToldAndEntered(t *testing.T) {
	overseen(t, func(d *desk) {
		d.phones()
		id := d.letter("A1", apptest.StreetA, "")
		again := func(want int) {
			d.Helper()
			if n, err := d.App.EscalateLetters(d.Context()); err != nil || n != want {
				d.Errorf("told of %d letters, %v; want %d", n, err, want)
			}
		}
		d.at(today+2, 23, 59) // two working days after a Tuesday
		again(0)
		before := len(d.Texts.Sent())
		d.at(today+3, 0, 0)
		again(1)
		again(0)
		if got := d.told("letter_overdue", before); !slices.Equal(got, []string{"A1", "AS"}) {
			d.Errorf("first told: %v", got)
		}
		before = len(d.Texts.Sent())
		d.at(today+6, 9, 0)
		again(1)
		if got := d.told("letter_overdue", before); !slices.Equal(got, []string{"A1"}) {
			d.Errorf("then told: %v", got)
		}
		before = len(d.Texts.Sent())
		d.at(today+7, 9, 0)
		again(1)
		if got := d.told("letter_overdue", before); !slices.Equal(got, []string{"P1"}) {
			d.Errorf("last told: %v", got)
		}
		d.at(today+30, 9, 0)
		again(0)
		list, all, err := d.App.Ledger(d.Context(), d.as("A1"), app.LedgerFilter{Kind: supply.LetterLate})
		if err != nil || all != 1 || list[0].Request != id || list[0].Account != "" || list[0].UnitID != apptest.StreetA || list[0].HallID != apptest.HallStreet {
			d.Errorf("entered: %+v, %v", list, err)
		}
		if err := d.App.ReceiveLetter(d.Context(), d.as("AS"), id, d.read("AS", id).Version); err != nil {
			d.Errorf("received late: %v", err)
		}
	})
}

func TestArt22_OneLetterAboutTheSame(t *testing.T) {
	overseen(t, func(d *desk) {
		entry := d.entered() // about the district hall's second level
		about := oversight.About{Noun: oversight.AboutLedger, ID: entry}
		issue := func(who, unit string, about oversight.About, want fault.Code) {
			d.Helper()
			if _, err := d.App.IssueLetter(d.Context(), d.as(who), notice(unit, about)); fault.CodeOf(err) != want {
				d.Errorf("%s about %v: %v, want %q", who, about, err, want)
			}
		}
		issue("P1", apptest.DistrictA, about, "")
		issue("P1", apptest.DistrictA, about, fault.LetterTwice)
		issue("P1", apptest.DistrictB, about, "") // another unit may have to do with it, too
		issue("P1", apptest.DistrictA, oversight.About{Noun: oversight.AboutLedger, ID: "gone"}, fault.EntryNotFound)
		issue("P1", apptest.DistrictA, oversight.About{Noun: "weather", ID: "1"}, fault.InvalidRequest)
		issue("P1", apptest.DistrictA, oversight.About{}, "")
		issue("P1", apptest.DistrictA, oversight.About{}, "") // by hand as many as there are reasons
	})
}

// An entry against a unit is appealed by who speaks for it, and heard above it.
func TestArt23_AUnitAppealsAgainstAnEntryAboutIt(t *testing.T) {
	overseen(t, func(d *desk) {
		id := d.letter("A1", apptest.StreetA, "")
		d.at(today+3, 9, 0)
		if n, err := d.App.EscalateLetters(d.Context()); err != nil || n != 1 {
			d.Fatalf("told of %d, %v", n, err)
		}
		entry := "L" + id + "-late_letter-"
		view := func(who string) app.EntryView {
			d.Helper()
			v, err := d.App.Entry(d.Context(), d.as(who), entry)
			if err != nil {
				d.Fatalf("%s reads the entry: %v", who, err)
			}
			return v
		}
		if v := view("AS"); !v.Own || !v.Appealing {
			d.Errorf("the street: %+v", v)
		}
		if v := view("A1"); v.Own || v.Appealing {
			d.Errorf("the district: %+v", v)
		}
		appeal := func(who string, want fault.Code) {
			d.Helper()
			if err := d.App.Appeal(d.Context(), d.as(who), entry, "函未送达"); fault.CodeOf(err) != want {
				d.Errorf("%s appeals: %v, want %q", who, err, want)
			}
		}
		appeal("A1", fault.EntryNotFound)
		appeal("AV", fault.EntryNotFound)
		appeal("AS", "")
		appeal("AS", fault.NoAppeal)
		for who, want := range map[string]int{"A1": 1, "P1": 1, "AS": 0, "A2": 0, "B1": 0, "M1": 0} {
			_, all, err := d.App.Ledger(d.Context(), d.as(who), app.LedgerFilter{ToDecide: true})
			if err != nil || all != want {
				d.Errorf("%d wait for %s, %v; want %d", all, who, err, want)
			}
		}
		if _, all, err := d.App.Ledger(d.Context(), d.as("AS"), app.LedgerFilter{Mine: true}); err != nil || all != 1 {
			d.Errorf("%d are the street's, %v", all, err)
		}
		hear := func(who string, want fault.Code) {
			d.Helper()
			if err := d.App.DecideAppeal(d.Context(), d.as(who), entry, true, "属实"); fault.CodeOf(err) != want {
				d.Errorf("%s decides: %v, want %q", who, err, want)
			}
		}
		hear("AS", fault.AppealNotYours)
		hear("A1", "")
		list, least, err := d.App.YearlyList(d.Context(), d.as("A1"), 2026)
		if err != nil || least != 3 || len(list) != 1 || list[0].Struck != 1 || list[0].Total() != 0 || list[0].Letters != 1 || list[0].Open != 1 {
			d.Errorf("the year: %+v, %v", list, err)
		}
	})
}

func TestArt23_LateDataIsEnteredOnceAMonth(t *testing.T) {
	overseen(t, func(d *desk) {
		late := d.connect("M1", "agency-social", agreed(), "")
		good := d.connect("A1", apptest.DistrictA, agreed(), "")
		d.connect("A1", apptest.StreetA, agreed(), "") // sends nothing and was to send nothing
		d.update(func(tx *store.Tx) error {
			return tx.AddSourceCounts(d.Context(), []oversight.SourceDay{
				{SourceID: late, HallID: apptest.HallCity, Kind: oversight.BookingRecord, Date: today, Expected: 1000, Received: 1000, InTime: 949},
				{SourceID: good, HallID: apptest.HallA, Kind: oversight.BookingRecord, Date: today, Expected: 1000, Received: 1000, InTime: 950},
			})
		})
		enter := func(want int) {
			d.Helper()
			if n, err := d.App.EnterLateData(d.Context()); err != nil || n != want {
				d.Errorf("%d entered, %v; want %d", n, err, want)
			}
		}
		enter(0) // the month goes on
		d.at(on("2026-12-02"), 9, 0)
		enter(0) // the second working day after it
		d.at(on("2026-12-03"), 9, 0)
		enter(1)
		enter(0)
		list, all, err := d.App.Ledger(d.Context(), d.as("M1"), app.LedgerFilter{Mine: true})
		if err != nil || all != 1 || list[0].Kind != supply.DataLate || list[0].Request != late+"-2026-11" {
			d.Errorf("entered: %+v, %v", list, err)
		}
		if noun, id := app.AboutEntry(list[0]); noun != "source" || id != late {
			d.Errorf("it is about %s %s", noun, id)
		}
	})
}
