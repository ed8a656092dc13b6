package api

import (
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
)

// Notice letters (Art. 22), by program.

type adminLetter struct {
	ID       string             `json:"id" example:"G2026-000001"`
	Year     int                `json:"year"`
	Number   int                `json:"number" doc:"Of those of the sending unit in the year."`
	From     string             `json:"from" doc:"Unit that sent it."`
	Unit     string             `json:"unit" doc:"Unit it is sent to."`
	About    string             `json:"about,omitempty" example:"anomaly:X2026-000001" doc:"What it is about; absent where it was written by hand."`
	Subject  string             `json:"subject"`
	Text     string             `json:"text"`
	Asks     string             `json:"asks" doc:"What is to be done."`
	State    string             `json:"state" enum:"issued,received,replied,returned,closed"`
	Issued   time.Time          `json:"issued"`
	IssuedBy string             `json:"issued_by" doc:"Account."`
	Due      *time.Time         `json:"due,omitempty" doc:"Of the step that waits: until before this instant."`
	Late     int                `json:"late" doc:"How many steps of the unit were overdue."`
	Returns  int                `json:"returns" doc:"How often a reply was not enough."`
	Closed   *time.Time         `json:"closed,omitempty"`
	Version  int                `json:"version"`
	Events   []adminLetterEvent `json:"events,omitempty" nullable:"false" doc:"Its history, oldest first; not in lists."`
	May      *adminLetterMay    `json:"may,omitempty" doc:"What the account may do about it; not in lists."`
}

type adminLetterEvent struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind" enum:"issued,received,replied,returned,closed,overdue"`
	Account string    `json:"account,omitempty" doc:"Absent for the system."`
	Text    string    `json:"text,omitempty"`
}

type adminLetterMay struct {
	Receive bool `json:"receive"`
	Reply   bool `json:"reply"`
	Check   bool `json:"check"`
}

type adminLetterPage struct {
	Letters []adminLetter `json:"letters" nullable:"false" doc:"Those that wait first, the most urgent in front."`
	Total   int           `json:"total"`
	Next    string        `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type adminNewLetter struct {
	Unit    string `json:"unit" minLength:"1" maxLength:"96" doc:"Unit it is sent to."`
	About   string `json:"about,omitempty" maxLength:"120" pattern:"^(anomaly|ledger):.+$" doc:"What it is about: an alert or an entry of the ledger."`
	Subject string `json:"subject" minLength:"1" maxLength:"80"`
	Text    string `json:"text" minLength:"1" maxLength:"4000"`
	Asks    string `json:"asks" minLength:"1" maxLength:"4000" doc:"What is to be done."`
}

type adminLetterVersion struct {
	Version int `json:"version" minimum:"1" doc:"That was looked at."`
}

type adminLetterReply struct {
	Version int    `json:"version" minimum:"1" doc:"That was looked at."`
	Text    string `json:"text" minLength:"1" maxLength:"4000" doc:"What was put right."`
}

type adminLetterCheck struct {
	Version int    `json:"version" minimum:"1" doc:"That was looked at."`
	Accept  bool   `json:"accept" doc:"true closes the letter; false returns it, and needs a text."`
	Text    string `json:"text" maxLength:"4000"`
}

func (a *API) declareAdminLetters() {
	id := inPath("letter", "Id of the letter.", "G2026-000001", fault.LetterNotFound)
	adminRead(a, operation{
		id: "admin-list-letters", path: "/letters", act: account.Supervise, about: "Notice letters to the units the account sees (Art. 22).",
		params: pageParams(
			inQuery("state", "Only those in this state.", nil, choice("issued", "received", "replied", "returned", "closed")),
			inQuery("mine", "in: to the account's unit; out: from it; do: waiting for the account.", nil, choice("in", "out", "do"))),
		faults: []fault.Code{fault.CursorInvalid},
	}, a.adminLetters)
	adminRead(a, operation{id: "admin-get-letter", path: "/letters/{letter}", act: account.Supervise, about: "One notice letter with its history.", params: []param{id}},
		func(c *call) (adminLetter, error) { return a.adminLetter(c, c.path("letter")) })
	adminWrite(a, operation{
		id: "admin-issue-letter", path: "/letters", act: account.Decide, faults: []fault.Code{fault.LetterTwice, fault.EntryNotFound, fault.AnomalyNotFound},
		about: "Sends a notice letter to a unit the account stands above. A unit has one letter about the same at most.",
	}, func(c *call, b *adminNewLetter) (string, error) {
		return a.app.IssueLetter(c.r.Context(), c.ad, app.NewLetter{UnitID: b.Unit, About: oversight.ParseAbout(b.About), Subject: b.Subject, Text: b.Text, Asks: b.Asks})
	}, func(c *call, _ *adminNewLetter, id string) (adminLetter, error) { return a.adminLetter(c, id) })
	faults := []fault.Code{fault.LetterNotNow, fault.ChangedMeanwhile, fault.NotAllowed}
	adminWrite(a, operation{
		id: "admin-receive-letter", path: "/letters/{letter}/receive", scope: app.ScopeRequests, params: []param{id}, faults: faults,
		about: "Confirms that a letter has come to the account's unit. The token needs the scope requests.",
	}, func(c *call, b *adminLetterVersion) (string, error) {
		return c.path("letter"), a.app.ReceiveLetter(c.r.Context(), c.ad, c.path("letter"), b.Version)
	}, func(c *call, _ *adminLetterVersion, id string) (adminLetter, error) { return a.adminLetter(c, id) })
	adminWrite(a, operation{
		id: "admin-reply-letter", path: "/letters/{letter}/reply", scope: app.ScopeRequests, params: []param{id}, faults: faults,
		about: "Reports what the account's unit has put right. The token needs the scope requests.",
	}, func(c *call, b *adminLetterReply) (string, error) {
		return c.path("letter"), a.app.ReplyLetter(c.r.Context(), c.ad, c.path("letter"), b.Version, b.Text)
	}, func(c *call, _ *adminLetterReply, id string) (adminLetter, error) { return a.adminLetter(c, id) })
	adminWrite(a, operation{
		id: "admin-check-letter", path: "/letters/{letter}/check", act: account.Decide, params: []param{id}, faults: faults,
		about: "Accepts a report, which closes the letter, or returns it with what is missing.",
	}, func(c *call, b *adminLetterCheck) (string, error) {
		return c.path("letter"), a.app.CheckLetter(c.r.Context(), c.ad, c.path("letter"), b.Version, b.Accept, b.Text)
	}, func(c *call, _ *adminLetterCheck, id string) (adminLetter, error) { return a.adminLetter(c, id) })
}

func (a *API) adminLetters(c *call) (adminLetterPage, error) {
	out := adminLetterPage{Letters: []adminLetter{}}
	page, size, err := a.page(c, "letters")
	if err != nil {
		return out, err
	}
	list, all, err := a.app.Letters(c.r.Context(), c.ad, app.LetterFilter{State: oversight.LetterState(c.query["state"]), Mine: c.query["mine"], Page: page, Size: size})
	for _, l := range list {
		out.Letters = append(out.Letters, letterOf(l))
	}
	out.Total, out.Next = all, a.next(c, "letters", page, size, all)
	return out, err
}

func (a *API) adminLetter(c *call, id string) (adminLetter, error) {
	v, err := a.app.Letter(c.r.Context(), c.ad, id)
	if err != nil {
		return adminLetter{}, err
	}
	out := letterOf(v.Letter)
	for _, e := range v.Events {
		out.Events = append(out.Events, adminLetterEvent{e.At.In(calendar.Zone), e.Kind, e.Account, e.Text})
	}
	out.May = &adminLetterMay{v.Receives, v.Replies, v.Checks}
	return out, nil
}

func letterOf(l oversight.Letter) adminLetter {
	return adminLetter{
		ID: l.ID, Year: l.Year, Number: l.Number, From: l.FromUnit, Unit: l.Seat.Unit, About: l.About.String(), Subject: l.Subject, Text: l.Text, Asks: l.Asks, State: string(l.State),
		Issued: l.IssuedAt.In(calendar.Zone), IssuedBy: l.IssuedBy, Due: moment(l.DueAt), Late: l.Late, Returns: l.Returns, Closed: moment(l.ClosedAt), Version: l.Version,
	}
}
