package app

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// Notice letters (Art. 22): what a unit is told to put right, until it is right.

// NewLetter is a letter somebody sends. About is what it is about, nothing where it is written by hand; a unit has at
// most one letter about the same.
type NewLetter struct {
	UnitID  string
	About   oversight.About
	Subject string
	Text    string
	Asks    string
}

// IssueLetter sends a letter to a unit that the administrator stands above, and returns its id. Wrong fields are unit,
// subject, text and asks.
func (a *App) IssueLetter(ctx context.Context, ad *Admin, n NewLetter) (id string, err error) {
	if err := a.Proven(ad); err != nil {
		return "", err
	}
	if !ad.has(account.Decide) {
		return "", fault.New(fault.NotAllowed)
	}
	seat, err := a.seatOf(ad, n.UnitID)
	if err != nil {
		return "", fault.InvalidFields(fault.Field{Path: "unit", Code: fault.NotOneOf})
	}
	var sent oversight.Letter
	var tell []store.Account
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		tell = nil
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		l := oversight.Letter{Seat: seat, About: n.About, Subject: n.Subject, Text: n.Text, Asks: n.Asks}
		l, err := oversight.NewLetter(l, ad.Account, tx.Now, a.Calendar(), a.Rules(calendar.DateOf(tx.Now)))
		if err != nil {
			return err
		}
		if err := a.letterAbout(ctx, tx, ad, l); err != nil {
			return err
		}
		l.Year = calendar.DateOf(tx.Now).Year()
		serial, err := tx.NextBlock(ctx, fmt.Sprintf("letter %d", l.Year), 1)
		if err != nil {
			return err
		}
		number, err := tx.NextBlock(ctx, fmt.Sprintf("letter %s %d", l.FromUnit, l.Year), 1)
		if err != nil {
			return err
		}
		l.ID, l.Number = fmt.Sprintf("G%d-%06d", l.Year, serial), int(number)
		added, err := tx.AddLetter(ctx, l)
		if err != nil {
			return err
		}
		if !added {
			return fault.New(fault.LetterTwice, "letter", n.About.ID)
		}
		if err := tx.AddLetterEvent(ctx, l.ID, l.Version, oversight.LetterEvent{Kind: string(l.State), Account: ad.Account.ID}); err != nil {
			return err
		}
		if tell, err = a.answering(ctx, tx, seat); err != nil {
			return err
		}
		sent, id = l, l.ID
		return tx.Audit(ctx, letterRecord(ad, "letter.issue", l))
	})
	if err == nil {
		a.tellLetter(ctx, tell, "letter_issued", sent)
	}
	return id, err
}

// letterAbout refuses a letter about what is not there for who sends it, or about what the unit has one already.
func (a *App) letterAbout(ctx context.Context, tx *store.Tx, ad *Admin, l oversight.Letter) error {
	switch l.About.Noun {
	case "":
		if l.About.ID != "" {
			return fault.New(fault.InvalidRequest)
		}
		return nil
	case oversight.AboutLedger:
		if _, _, err := a.entry(ctx, tx, ad, l.About.ID); err != nil {
			return err
		}
	case oversight.AboutAnomaly:
		one, err := tx.Anomaly(ctx, l.About.ID)
		if err != nil {
			return err
		}
		if one == nil || !a.May(ad, account.Supervise, one.HallID) {
			return fault.New(fault.AnomalyNotFound)
		}
	default:
		return fault.New(fault.InvalidRequest)
	}
	other, err := tx.LetterAbout(ctx, l.Seat.Unit, l.About)
	if err == nil && other != nil {
		err = fault.New(fault.LetterTwice, "letter", other.ID)
	}
	return err
}

// letterRecord is the audit of what became of a letter.
func letterRecord(ad *Admin, act string, l oversight.Letter) store.AuditRecord {
	rec := store.AuditRecord{Act: act, Noun: "letter", Key: l.ID}
	if ad != nil {
		rec = ad.record(act, "letter", l.ID)
	}
	rec.After = asJSON(map[string]any{"unit": l.Seat.Unit, "state": l.State, "about": strings.Trim(l.About.Noun+" "+l.About.ID, " "), "level": l.Level, "subject": l.Subject})
	return rec
}

// answering returns the accounts that receive letters to a unit.
func (a *App) answering(ctx context.Context, tx *store.Tx, at account.Seat) ([]store.Account, error) {
	list, err := tx.AccountsAt(ctx, []string{at.Unit})
	return slices.DeleteFunc(list, func(one store.Account) bool { return !one.Answers(at) }), err
}

// checking returns the accounts of the unit that sent a letter which check the replies.
func (a *App) checking(ctx context.Context, tx *store.Tx, l oversight.Letter) ([]store.Account, error) {
	list, err := tx.AccountsAt(ctx, []string{l.FromUnit})
	return slices.DeleteFunc(list, func(one store.Account) bool { return !l.Checks(one.Account) }), err
}

// tellLetter sends a message about a letter to administrators. One that fails is logged and no more: the letter is on
// their first page.
func (a *App) tellLetter(ctx context.Context, list []store.Account, kind string, l oversight.Letter) {
	if a.texts == nil {
		return
	}
	from, to := l.FromUnit, l.Seat.Unit
	for _, id := range []*string{&from, &to} {
		if u := a.City().Unit(*id); u != nil {
			*id = u.Name.Hans
		}
	}
	due := ""
	if !l.DueAt.IsZero() {
		due = calendar.DateOf(l.DueAt.Add(-1)).String()
	}
	for i := range list {
		p, err := a.person(&list[i])
		if err == nil && p.Mobile != "" {
			err = a.notify(ctx, p.Mobile, kind, map[string]string{"year": strconv.Itoa(l.Year), "number": strconv.Itoa(l.Number), "from": from, "unit": to, "due": due, "letter": l.ID})
		}
		if err != nil {
			a.log.Warn("a letter could not be told of", "letter", l.ID, "account", list[i].ID, "error", err)
		}
	}
}

// LetterView is a letter as an administrator sees it.
type LetterView struct {
	oversight.Letter
	Events   []oversight.LetterEvent
	Receives bool // they may confirm receipt now
	Replies  bool // they may report now
	Checks   bool // they may check now
}

// letter reads a letter; one to a unit that the administrator does not see is not found.
func (a *App) letter(ctx context.Context, tx *store.Tx, ad *Admin, id string) (oversight.Letter, error) {
	l, err := tx.Letter(ctx, id)
	if err != nil {
		return oversight.Letter{}, err
	}
	if l == nil || !ad.has(account.Supervise) && !ad.appeals() || !ad.Account.Sees(l.Seat) {
		return oversight.Letter{}, fault.New(fault.LetterNotFound)
	}
	return *l, nil
}

// Letter returns a letter to a unit that the administrator sees.
func (a *App) Letter(ctx context.Context, ad *Admin, id string) (v LetterView, err error) {
	return v, a.db.View(ctx, func(tx *store.Tx) error {
		l, err := a.letter(ctx, tx, ad, id)
		if err != nil {
			return err
		}
		answers := ad.Account.Answers(l.Seat) && ad.appeals()
		v = LetterView{
			Letter: l, Receives: answers && l.State == oversight.LetterIssued, Replies: answers && (l.State == oversight.LetterReceived || l.State == oversight.LetterReturned),
			Checks: l.Checks(ad.Account) && ad.has(account.Decide) && l.State == oversight.LetterReplied,
		}
		v.Events, err = tx.LetterEvents(ctx, id)
		return err
	})
}

// LetterFilter narrows a list of letters.
type LetterFilter struct {
	State oversight.LetterState
	Open  bool
	Unit  string // sent to
	Mine  string // "in": to the unit of who looks; "out": from it; "do": waiting for who looks
	Year  int
	Page  int   // from 0
	Size  int   // 0 = 25
	Walk  *Walk // in place of Page and Size; not of what is to be done
}

// Letters returns the letters to units that an administrator sees, those that wait first, and how many there are.
func (a *App) Letters(ctx context.Context, ad *Admin, f LetterFilter) (list []oversight.Letter, all int, err error) {
	q := store.LetterQuery{Scope: a.units(ad), State: f.State, Open: f.Open, Unit: f.Unit, Year: f.Year, Limit: f.Size, Walk: f.Walk}
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 25
	}
	q.Offset = max(f.Page, 0) * q.Limit
	here, _ := a.seat(ad.Account.Unit)
	switch f.Mine {
	case "in":
		q.Unit = ad.Account.Unit
	case "out":
		q.From = ad.Account.Unit
	case "do":
		return a.lettersToDo(ctx, ad, here, q)
	}
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, all, err = tx.Letters(ctx, q)
		return err
	})
	return list, all, err
}

// lettersToDo returns the letters that wait for an administrator: those their unit is to answer, and replies to what it
// sent.
func (a *App) lettersToDo(ctx context.Context, ad *Admin, here account.Seat, q store.LetterQuery) (list []oversight.Letter, all int, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		list, all = nil, 0
		if ad.Account.Answers(here) {
			in := q
			in.Unit, in.Open = here.Unit, true
			got, _, err := tx.Letters(ctx, in)
			if err != nil {
				return err
			}
			for _, l := range got {
				if l.WithUnit() {
					list = append(list, l)
				}
			}
		}
		out := q
		out.From, out.State = here.Unit, oversight.LetterReplied
		got, _, err := tx.Letters(ctx, out)
		if err != nil {
			return err
		}
		for _, l := range got {
			if l.Checks(ad.Account) {
				list = append(list, l)
			}
		}
		all = len(list)
		return nil
	})
	return list, all, err
}

// ReceiveLetter confirms that a letter has come to the administrator's unit.
func (a *App) ReceiveLetter(ctx context.Context, ad *Admin, id string, version int) error {
	return a.onLetter(ctx, ad, id, version, "letter.receive", "", func(tx *store.Tx, l oversight.Letter) (oversight.Letter, string, error) {
		next, err := l.Receive(ad.Account, tx.Now, a.Calendar(), a.Rules(calendar.DateOf(tx.Now)))
		return next, "", err
	})
}

// ReplyLetter reports what the administrator's unit has put right. The wrong field is text.
func (a *App) ReplyLetter(ctx context.Context, ad *Admin, id string, version int, text string) error {
	return a.onLetter(ctx, ad, id, version, "letter.reply", text, func(tx *store.Tx, l oversight.Letter) (oversight.Letter, string, error) {
		next, err := l.Reply(ad.Account, text, tx.Now, a.Calendar(), a.Rules(calendar.DateOf(tx.Now)))
		return next, "letter_replied", err
	})
}

// CheckLetter accepts a reply, which closes the letter, or returns it with what is missing. The wrong field is text.
func (a *App) CheckLetter(ctx context.Context, ad *Admin, id string, version int, accept bool, text string) error {
	if err := a.Proven(ad); err != nil {
		return err
	}
	if !ad.has(account.Decide) {
		return fault.New(fault.NotAllowed)
	}
	act, told := "letter.close", "letter_closed"
	if !accept {
		act, told = "letter.return", "letter_returned"
	}
	return a.onLetter(ctx, ad, id, version, act, text, func(tx *store.Tx, l oversight.Letter) (oversight.Letter, string, error) {
		next, err := l.Check(ad.Account, accept, text, tx.Now, a.Calendar(), a.Rules(calendar.DateOf(tx.Now)))
		return next, told, err
	})
}

// onLetter does what an administrator does about a letter; the version decides between two who act at once. do returns
// the kind of message it is told by, "" for none: to the unit, or to who sent it when the next step is theirs.
func (a *App) onLetter(ctx context.Context, ad *Admin, id string, version int, act, text string, do func(*store.Tx, oversight.Letter) (oversight.Letter, string, error)) error {
	var after oversight.Letter
	var tell []store.Account
	var kind string
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		tell, kind = nil, ""
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		l, err := a.letter(ctx, tx, ad, id)
		if err != nil {
			return err
		}
		next, told, err := do(tx, l)
		if err != nil {
			return err
		}
		if l.Version != version {
			return fault.New(fault.ChangedMeanwhile)
		}
		saved, err := tx.SaveLetter(ctx, next, version)
		if err != nil || !saved {
			return orElse(err, fault.New(fault.ChangedMeanwhile))
		}
		if err := tx.AddLetterEvent(ctx, id, next.Version, oversight.LetterEvent{Kind: string(next.State), Account: ad.Account.ID, Text: strings.TrimSpace(text)}); err != nil {
			return err
		}
		if told != "" && next.State == oversight.LetterReplied {
			tell, err = a.checking(ctx, tx, next)
		} else if told != "" {
			tell, err = a.answering(ctx, tx, next.Seat)
		}
		if err != nil {
			return err
		}
		after, kind = next, told
		return tx.Audit(ctx, letterRecord(ad, act, next))
	})
	if err == nil && kind != "" {
		a.tellLetter(ctx, tell, kind, after)
	}
	return err
}

// EscalateLetters tells of letters that are overdue, level after level, and enters the unit in the ledger when a step of
// its own is (Art. 22, 23). It returns how many it told of; it may run at any time and on several nodes at once.
func (a *App) EscalateLetters(ctx context.Context) (told int, err error) {
	var due []oversight.Letter
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.LettersDue(ctx, tx.Now, 200)
		return err
	}); err != nil {
		return 0, err
	}
	for _, l := range due {
		did, err := a.escalateLetter(ctx, l.ID)
		if err != nil {
			return told, err
		}
		if did {
			told++
		}
	}
	return told, nil
}

func (a *App) escalateLetter(ctx context.Context, id string) (did bool, err error) {
	var after oversight.Letter
	var tell []store.Account
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		did, tell = false, nil
		l, err := tx.Letter(ctx, id)
		if err != nil || l == nil || !l.Overdue(tx.Now) {
			return err
		}
		next, late := l.Escalate(tx.Now, a.Calendar())
		if did, err = tx.SaveLetter(ctx, next, l.Version); err != nil || !did {
			return err
		}
		if err := tx.AddLetterEvent(ctx, id, next.Version, oversight.LetterEvent{Kind: "overdue"}); err != nil {
			return err
		}
		if late {
			if e, ok := a.entryOfUnit(l.Seat, supply.LetterLate, l.ID); ok {
				e.Detail.Due = l.DueAt
				if _, err := tx.AddLedger(ctx, []store.LedgerEntry{e}); err != nil {
					return err
				}
			}
		}
		if tell, err = a.toldOf(ctx, tx, next); err != nil {
			return err
		}
		after = next
		return tx.Audit(ctx, letterRecord(nil, "letter.overdue", next))
	})
	if err == nil && did {
		a.tellLetter(ctx, tell, "letter_overdue", after)
	}
	return did, err
}

// toldOf returns whom an overdue letter is told to at its level: those it waits for and who sent it, then who heads the
// unit from above, then the city's first level.
func (a *App) toldOf(ctx context.Context, tx *store.Tx, l oversight.Letter) ([]store.Account, error) {
	switch l.Level {
	case 1:
		list, err := a.checking(ctx, tx, l)
		if err != nil || !l.WithUnit() {
			return list, err
		}
		mine, err := a.answering(ctx, tx, l.Seat)
		return append(list, mine...), err
	case 2:
		p := a.City().PlaceOfUnit(l.Seat.Unit, "", "")
		list, err := tx.AccountsAt(ctx, p.Above)
		return slices.DeleteFunc(list, func(one store.Account) bool { return one.Rank == account.Platform1 || !one.Writes(l.Seat) }), err
	}
	list, err := tx.AccountsAt(ctx, []string{a.root()})
	return slices.DeleteFunc(list, func(one store.Account) bool { return one.Rank != account.Platform1 }), err
}

// entryOfUnit is an entry of the ledger that stands against a unit as such, filed under its main hall; false for a unit
// without one.
func (a *App) entryOfUnit(at account.Seat, kind supply.Breach, about string) (e store.LedgerEntry, ok bool) {
	h := a.City().MainHall(at.Unit)
	if h == nil {
		list := a.City().HallsOf(at.Unit)
		if len(list) == 0 {
			return e, false
		}
		h = list[0]
	}
	return store.LedgerEntry{Kind: kind, Request: about, HallID: h.ID, UnitID: at.Unit, DistrictID: h.DistrictID, StreetID: h.StreetID, Level: h.Level}, true
}
