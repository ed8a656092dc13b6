package oversight

import (
	"testing"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/rulebook"
)

// The stage of letters: Friday 27 November 2026, a street of a district.
var (
	letterDay   = calendar.MakeDate(2026, time.November, 27)
	letterSeat  = account.Seat{Unit: "440103001000", Kind: directory.Street, District: "440103000000", Street: "440103001000"}
	letterRules = rulebook.Continued2025()
	city1       = account.Account{ID: "P1", Rank: account.Platform1, Unit: "440100000000", State: account.Open}
	city2       = account.Account{ID: "P2", Rank: account.Platform2, Unit: "440100000000", State: account.Open}
	district1   = account.Account{ID: "A1", Rank: account.District1, Unit: "440103000000", State: account.Open}
	other1      = account.Account{ID: "B1", Rank: account.District1, Unit: "440104000000", State: account.Open}
	street2     = account.Account{ID: "AS", Rank: account.District2, Unit: "440103001000", State: account.Open}
	clerk       = account.Account{ID: "C", Rank: account.Clerk, Unit: "440103001000", State: account.Open}
)

func letterCalendar(t *testing.T) *calendar.Calendar {
	t.Helper()
	cal, err := calendar.New(nil, map[int]calendar.YearStatus{2026: calendar.Official, 2027: calendar.Official})
	if err != nil {
		t.Fatal(err)
	}
	return cal
}

func sentLetter(t *testing.T, by account.Account) Letter {
	t.Helper()
	l, err := NewLetter(Letter{Seat: letterSeat, Subject: "放号", Text: "未按时放号", Asks: "按时放号"}, by, letterDay.At(10, 0), letterCalendar(t), letterRules)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestArt22_ALetterIsSentFromAbove(t *testing.T) {
	cal := letterCalendar(t)
	for _, c := range []struct {
		by   account.Account
		want fault.Code
	}{{city1, ""}, {district1, ""}, {city2, fault.NotAllowed}, {other1, fault.NotAllowed}, {street2, fault.NotAllowed}, {clerk, fault.NotAllowed}} {
		_, err := NewLetter(Letter{Seat: letterSeat, Subject: "x", Text: "x", Asks: "x"}, c.by, letterDay.At(10, 0), cal, letterRules)
		if fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", c.by.ID, err, c.want)
		}
	}
	own := account.Seat{Unit: district1.Unit, Kind: directory.District, District: district1.Unit}
	if _, err := NewLetter(Letter{Seat: own, Subject: "x", Text: "x", Asks: "x"}, district1, letterDay.At(10, 0), cal, letterRules); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("to its own unit: %v", err)
	}
	_, err := NewLetter(Letter{Seat: letterSeat, Subject: string(make([]rune, 81)), Text: " ", Asks: "a\x00"}, city1, letterDay.At(10, 0), cal, letterRules)
	if f := fault.As(err); len(f.Fields) != 3 || f.Fields[0].Code != fault.TooLong || f.Fields[1].Code != fault.Required || f.Fields[2].Code != fault.BadCharacter {
		t.Errorf("what is wrong: %v", f.Fields)
	}
	if l := sentLetter(t, city1); !l.DueAt.Equal((letterDay + 5).At(0, 0)) { // the second working day after a Friday is a Tuesday
		t.Errorf("receipt is due %v", l.DueAt)
	}
}

// Every act in every state by everybody: who may do what, and what comes of it.
func TestArt22_LifeOfALetter(t *testing.T) {
	cal, now := letterCalendar(t), letterDay.At(11, 0)
	acts := map[string]func(Letter, account.Account) (Letter, error){
		"receive": func(l Letter, who account.Account) (Letter, error) { return l.Receive(who, now, cal, letterRules) },
		"reply": func(l Letter, who account.Account) (Letter, error) {
			return l.Reply(who, "已整改", now, cal, letterRules)
		},
		"accept": func(l Letter, who account.Account) (Letter, error) {
			return l.Check(who, true, "", now, cal, letterRules)
		},
		"return": func(l Letter, who account.Account) (Letter, error) {
			return l.Check(who, false, "还差", now, cal, letterRules)
		},
	}
	may := map[string]map[LetterState]LetterState{
		"receive": {LetterIssued: LetterReceived},
		"reply":   {LetterReceived: LetterReplied, LetterReturned: LetterReplied},
		"accept":  {LetterReplied: LetterClosed},
		"return":  {LetterReplied: LetterReturned},
	}
	who := map[string]string{"receive": "AS", "reply": "AS", "accept": "P1", "return": "P1"} // the city sent it
	for name, act := range acts {
		for _, state := range LetterStates {
			for _, by := range []account.Account{city1, city2, district1, other1, street2, clerk} {
				l := sentLetter(t, city1)
				l.State = state
				next, err := act(l, by)
				want, ok := may[name][state]
				switch {
				case who[name] != by.ID:
					if fault.CodeOf(err) != fault.NotAllowed {
						t.Errorf("%s in %s by %s: %v", name, state, by.ID, err)
					}
				case !ok:
					if fault.CodeOf(err) != fault.LetterNotNow {
						t.Errorf("%s in %s: %v", name, state, err)
					}
				case err != nil || next.State != want || next.Version != l.Version+1:
					t.Errorf("%s in %s: %s, %v; want %s", name, state, next.State, err, want)
				}
				if err != nil && next != l {
					t.Errorf("%s in %s by %s was refused and changed it", name, state, by.ID)
				}
			}
		}
	}
	l := sentLetter(t, district1) // the district sent it: the city checks it, too
	l.State = LetterReplied
	for _, by := range []account.Account{district1, city1} {
		if _, err := acts["accept"](l, by); err != nil {
			t.Errorf("%s checks: %v", by.ID, err)
		}
	}
	if _, err := l.Check(district1, false, " ", now, cal, letterRules); fault.CodeOf(err) != fault.InvalidRequest {
		t.Errorf("returned without a word: %v", err)
	}
	back, _ := acts["return"](l, district1)
	if back.Returns != 1 || !back.DueAt.Equal((letterDay+8).At(0, 0)) { // five working days
		t.Errorf("returned: %d, due %v", back.Returns, back.DueAt)
	}
	done, _ := acts["accept"](l, district1)
	if !done.ClosedAt.Equal(now) || !done.DueAt.IsZero() || !done.NextAt.IsZero() {
		t.Errorf("closed: %+v", done)
	}
}

func TestArt22_OverdueLettersMoveUpAndStop(t *testing.T) {
	cal := letterCalendar(t)
	l := sentLetter(t, city1)
	if _, late := l.Escalate(l.DueAt.Add(-time.Microsecond), cal); late {
		t.Error("late before its time")
	}
	now, told := l.DueAt, 0
	for ; told < 9 && !l.NextAt.IsZero(); told++ {
		next, late := l.Escalate(now, cal)
		if late != (told == 0) || next.Level != told+1 || next.Version != l.Version+1 {
			t.Fatalf("told %d times: late %t, level %d", told, late, next.Level)
		}
		if again, _ := next.Escalate(now, cal); again != next {
			t.Error("told twice at once")
		}
		l, now = next, next.NextAt
	}
	if told != 3 || l.Late != 1 || !l.DueAt.Equal((letterDay+5).At(0, 0)) {
		t.Errorf("told %d times, late %d, due %v", told, l.Late, l.DueAt)
	}
	l, err := l.Receive(street2, now.Add(24*time.Hour), cal, letterRules)
	if err != nil || l.Level != 0 || l.NextAt.IsZero() {
		t.Errorf("a step later it begins anew: %+v, %v", l, err)
	}
	l.State, l.Late = LetterReplied, 0
	if l, late := l.Escalate(l.NextAt, cal); late || l.Late != 0 {
		t.Error("the unit is late while who sent the letter is")
	}
}

func TestAboutIsReadAsItIsWritten(t *testing.T) {
	for s, want := range map[string]About{"": {}, "ledger:L1": {"ledger", "L1"}, "anomaly:X:2": {"anomaly", "X:2"}, "weather:1": {}, "ledger": {}, "ledger:": {}} {
		if got := ParseAbout(s); got != want {
			t.Errorf("%q: %v", s, got)
		} else if want.ID != "" && got.String() != s {
			t.Errorf("%q is written %q", s, got.String())
		}
	}
}
