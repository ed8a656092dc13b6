package console

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/web"
)

// The lists that grow with the years, each as a file: its filters are the page's, its rows come in the order of their
// numbers, the newest first, and what is masked on the page is masked in it.

// inFile writes an instant for a cell, "" for none.
func inFile(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return logTime(t)
}

// inFileDay writes a date for a cell, "" for none.
func inFileDay(d calendar.Date) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func heads(l web.Locale, keys ...string) []string {
	out := make([]string, len(keys))
	for i, key := range keys {
		out[i] = l.T(key)
	}
	return out
}

func yesNo(l web.Locale, is bool) string {
	if is {
		return l.T("taken.yes")
	}
	return ""
}

// logFile is what is sought in the log.
func (c *Console) logFile(r *http.Request, _ *app.Admin) (listFile, error) {
	_, filter := logSought(r)
	filter.Before = 0
	return listFile{
		name: "suiyue-log", noun: "log", hall: filter.Hall,
		head:  []string{"n", "at", "account", "rank", "act", "noun", "key", "hall", "from", "why", "before", "after"},
		count: func(ctx context.Context) (int, error) { return c.App.CountAudit(ctx, filter) },
		each: func(ctx context.Context, row func(...any) error) error {
			f := filter
			return walk(func(w *app.Walk) ([]app.AuditEntry, error) {
				list, more, err := c.App.FindAudit(ctx, f, w.Size)
				if !more {
					w.Size = len(list) + 1
				}
				return list, err
			}, func(_ *app.Walk, e app.AuditEntry) { f.Before = e.N }, func(e app.AuditEntry) error {
				return row(e.N, e.At.In(calendar.Zone).Format(time.RFC3339), e.Account, e.Rank, e.Act, e.Noun, e.Key, e.Hall, e.From, e.Why, string(e.Before), string(e.After))
			})
		},
	}, nil
}

// ledgerFilter is what the address says of the ledger.
func ledgerFilter(list List) app.LedgerFilter {
	who := list.Value("who", "decide", "mine")
	return app.LedgerFilter{
		Kind: supply.Breach(list.Value("kind", words(supply.Breaches)...)), State: supply.EntryState(list.Value("state", words(supply.EntryStates)...)),
		Mine: who == "mine", ToDecide: who == "decide", Page: list.Page - 1, Size: list.Size,
	}
}

func (c *Console) ledgerFile(r *http.Request, ad *app.Admin) (listFile, error) {
	l, f := web.LocaleOf(r), ledgerFilter(listOf(r, "-at"))
	return listFile{
		name: "suiyue-ledger", noun: "ledger",
		head: heads(l, "taken.id", "ledger.kind", "ledger.request", "console.file.id", "ledger.hall", "ledger.account", "ledger.entered", "ledger.due", "ledger.state", "ledger.appealed", "ledger.decided", "taken.at"),
		count: func(ctx context.Context) (int, error) {
			f := f
			f.Page, f.Size = 0, 1
			_, all, err := c.App.Ledger(ctx, ad, f)
			return all, err
		},
		each: func(ctx context.Context, row func(...any) error) error {
			return walk(func(w *app.Walk) ([]app.LedgerEntry, error) {
				f := f
				f.Walk = w
				list, _, err := c.App.Ledger(ctx, ad, f)
				return list, err
			}, func(w *app.Walk, e app.LedgerEntry) { w.Before = e.ID }, func(e app.LedgerEntry) error {
				return row(e.ID, l.T("ledger.kind."+string(e.Kind)), e.Request, e.HallID, c.hallName(l, e.HallID), accused(l, e), inFile(e.At), inFile(e.Detail.Due),
					l.T("ledger.state."+string(e.State)), e.Detail.Appeal, e.Detail.Why, inFile(e.Detail.DecidedAt))
			})
		},
	}, nil
}

// requestFilter is what the address says of a list of requests.
func requestFilter(r *http.Request, list List) app.RequestFilter {
	in := app.RequestFilter{
		State: supply.State(list.Value("state", words(supply.States)...)), Kind: supply.Kind(list.Value("kind", words(supply.Kinds)...)), Hall: list.Get("hall"),
		Bundle: list.Get("bundle"), Order: map[string]string{"due": "due", "effective": "effective"}[list.Sort], Page: list.Page - 1, Size: list.Size,
	}
	in.Reversed = list.Desc != (list.Sort == "filed")
	who := list.Value("who", "decide", "mine", "report")
	in.ToDecide, in.Mine, in.ToReport = who == "decide", who == "mine", who == "report"
	if hall := r.PathValue("hall"); hall != "" {
		in.Hall = hall
	}
	return in
}

// requestFile is the requests, or the suggestions among them.
func (c *Console) requestFile(noun string, origin supply.Origin) func(*http.Request, *app.Admin) (listFile, error) {
	return func(r *http.Request, ad *app.Admin) (listFile, error) {
		l, f := web.LocaleOf(r), requestFilter(r, listOf(r, "-filed", "due", "effective"))
		if origin != "" {
			f.Origin = origin
		}
		return listFile{
			name: "suiyue-" + noun, noun: noun, hall: r.PathValue("hall"),
			head: heads(l, "taken.id", "console.file.id", "request.what", "request.state", "request.urgent", "request.late", "request.reason", "request.effect_short", "request.effective",
				"request.filed", "request.asker", "request.due", "request.decided_by", "taken.at", "request.why", "request.report"),
			count: func(ctx context.Context) (int, error) {
				f := f
				f.Page, f.Size = 0, 1
				_, all, err := c.App.Requests(ctx, ad, f)
				return all, err
			},
			each: func(ctx context.Context, row func(...any) error) error {
				return walk(func(w *app.Walk) ([]supply.Request, error) {
					f := f
					f.Walk = w
					list, _, err := c.App.Requests(ctx, ad, f)
					return list, err
				}, func(w *app.Walk, q supply.Request) { w.Before = q.ID }, func(q supply.Request) error {
					return row(q.ID, q.HallID, c.sentence(l, q.HallID, q.QueueID, q.Change), l.T("request.state."+string(q.State)), yesNo(l, q.Urgent), yesNo(l, q.Late), q.Reason,
						effectShort(l, q.Impact), inFileDay(q.Change.From), inFile(q.FiledAt), q.FiledBy, inFile(q.DueAt), q.DecidedBy, inFile(q.DecidedAt), q.Why, q.Report)
				})
			},
		}, nil
	}
}

// letterFilter is what the address says of the letters.
func letterFilter(list List) app.LetterFilter {
	return app.LetterFilter{State: oversight.LetterState(list.Value("state", words(oversight.LetterStates)...)), Mine: list.Value("who", "do", "in", "out"), Page: list.Page - 1, Size: list.Size}
}

func (c *Console) letterFile(r *http.Request, ad *app.Admin) (listFile, error) {
	l, f := web.LocaleOf(r), letterFilter(listOf(r))
	first := f
	first.Page, first.Size = 0, 1
	if f.Mine == "do" { // what is to be done fits on a page
		first.Size = 200
	}
	return listFile{
		name: "suiyue-letters", noun: "letters",
		head: heads(l, "taken.id", "letter.subject", "letter.from", "letter.to", "letter.issued_at", "letter.state", "letter.due", "taken.late", "taken.returns", "taken.closed"),
		count: func(ctx context.Context) (int, error) {
			_, all, err := c.App.Letters(ctx, ad, first)
			return all, err
		},
		each: func(ctx context.Context, row func(...any) error) error {
			return walk(func(w *app.Walk) ([]oversight.Letter, error) {
				f := f
				if f.Mine == "do" {
					f = first
					w.Size = 1 << 30
				} else {
					f.Walk = w
				}
				list, _, err := c.App.Letters(ctx, ad, f)
				return list, err
			}, func(w *app.Walk, v oversight.Letter) { w.Before = v.ID }, func(v oversight.Letter) error {
				return row(c.letterNumber(l, v), v.Subject, c.unitName(l, v.FromUnit), c.unitName(l, v.Seat.Unit), inFile(v.IssuedAt), l.T("letter.state."+string(v.State)), inFile(v.DueAt),
					v.Late, v.Returns, inFile(v.ClosedAt))
			})
		},
	}, nil
}

func (c *Console) bulletinListFile(r *http.Request, ad *app.Admin) (listFile, error) {
	l, f := web.LocaleOf(r), bulletinFilter(listOf(r))
	return listFile{
		name: "suiyue-bulletins", noun: "bulletins",
		head: heads(l, "taken.id", "bulletin.period", "taken.version", "bulletin.unit", "bulletin.state", "bulletin.drafted", "taken.author", "bulletin.reviewed_by", "bulletin.issued_by", "taken.at", "taken.digest"),
		count: func(ctx context.Context) (int, error) {
			f := f
			f.Page, f.Size = 0, 1
			_, all, err := c.App.Bulletins(ctx, ad, f)
			return all, err
		},
		each: func(ctx context.Context, row func(...any) error) error {
			return walk(func(w *app.Walk) ([]oversight.Bulletin, error) {
				f := f
				f.Walk = w
				list, _, err := c.App.Bulletins(ctx, ad, f)
				return list, err
			}, func(w *app.Walk, b oversight.Bulletin) { w.Before = b.ID }, func(b oversight.Bulletin) error {
				return row(b.ID, string(b.Period), b.Version, c.unitName(l, b.Seat.Unit), l.T("bulletin.state."+string(b.State)), inFile(b.DraftedAt), c.byWhom(l, b.Author), b.Reviewer, b.Issuer,
					inFile(b.IssuedAt), b.Digest)
			})
		},
	}, nil
}

func (c *Console) accountFile(r *http.Request, ad *app.Admin) (listFile, error) {
	l := web.LocaleOf(r)
	_, _, f := accountFilter(listOf(r, accountSorts...), ad)
	return listFile{
		name: "suiyue-accounts", noun: "accounts",
		head: heads(l, "account.id", "account.rank", "taken.unit_id", "account.unit", "account.field.name", "account.state", "account.since", "account.locked_until"),
		count: func(ctx context.Context) (int, error) {
			f := f
			f.From, f.Limit = 0, 1
			_, all, err := c.App.Accounts(ctx, ad, f)
			return all, err
		},
		each: func(ctx context.Context, row func(...any) error) error {
			return walk(func(w *app.Walk) ([]app.AccountView, error) {
				f := f
				f.Walk = w
				list, _, err := c.App.Accounts(ctx, ad, f)
				return list, err
			}, func(w *app.Walk, a app.AccountView) { w.Before = a.ID }, func(a app.AccountView) error {
				return row(a.ID, l.T("rank."+string(a.Rank)), a.Unit, c.unitName(l, a.Unit), a.Name, accountTag(l, a).Text, inFile(a.Since), inFile(a.Locked))
			})
		},
	}, nil
}

func (c *Console) filingFile(r *http.Request, ad *app.Admin) (listFile, error) {
	l := web.LocaleOf(r)
	state := account.FilingState(listOf(r).Value("state", filingStates...))
	return listFile{
		name: "suiyue-filings", noun: "filings",
		head: heads(l, "filing.id", "filing.what", "account.rank", "account.unit", "account.field.name", "filing.by", "filing.at", "account.state", "filing.decided_by", "filing.decided_at", "account.why"),
		count: func(ctx context.Context) (int, error) {
			_, all, err := c.App.Filings(ctx, ad, state, 0, 1)
			return all, err
		},
		each: func(ctx context.Context, row func(...any) error) error {
			return walk(func(w *app.Walk) ([]app.FilingView, error) { return c.App.WalkFilings(ctx, ad, state, w) },
				func(w *app.Walk, g app.FilingView) { w.Before = g.ID }, func(g app.FilingView) error {
					return row(g.ID, l.T("filing.kind."+string(g.Kind)), l.T("rank."+string(g.Rank)), c.unitName(l, g.Seat.Unit), g.Person.Name, g.FiledBy, inFile(g.FiledAt), filingTag(l, g).Text,
						g.DecidedBy, inFile(g.DecidedAt), g.Why)
				})
		},
	}, nil
}

// affectedFile is who lost an hour to a request. Phones are in no file.
func (c *Console) affectedFile(r *http.Request, ad *app.Admin) (listFile, error) {
	l, id := web.LocaleOf(r), r.PathValue("id")
	state := booking.Choice(listOf(r).Value("state", words(booking.Choices)...))
	p, err := c.App.Displaced(r.Context(), ad, id, state, 0, 1)
	if err != nil {
		return listFile{}, err
	}
	all := p.All()
	if state != "" {
		all = p.Counts[state]
	}
	return listFile{
		name: "suiyue-affected-" + id, noun: "affected", hall: p.Request.HallID,
		head:  heads(l, "taken.id", "displaced.who", "displaced.state", "displaced.lost", "displaced.now", "displaced.until"),
		count: func(context.Context) (int, error) { return all, nil },
		each: func(ctx context.Context, row func(...any) error) error {
			return walk(func(w *app.Walk) ([]app.DisplacedView, error) {
				p, err := c.App.WalkDisplaced(ctx, ad, id, state, w)
				return p.People, err
			}, func(w *app.Walk, d app.DisplacedView) { w.Before, w.N = d.Booking, int64(d.Version) }, func(d app.DisplacedView) error {
				stands := ""
				if d.State == booking.ChoiceWaiting && d.HeldSlot != "" || d.State != booking.ChoiceWaiting && d.View.Booking.State.Active() {
					cell := c.standsAt(l, d.View)
					stands = cell.Text + " " + cell.Note
				}
				return row(d.View.Code, d.View.Booker.Name, l.T("displaced.state."+string(d.State)), l.Slot(d.Date, d.Hour), stands, inFile(d.Until))
			})
		},
	}, nil
}

// caseFilter is what the address says of the cases of bad grades.
func caseFilter(list List) app.CaseFilter {
	state := list.Value("state", "open", "answered", "closed", "overdue")
	q := app.CaseFilter{State: counter.CaseState(state), Offset: (list.Page - 1) * list.Size, Limit: list.Size}
	if state == "overdue" {
		q.State, q.Overdue = "", true
	}
	return q
}

func (c *Console) caseFile(r *http.Request, ad *app.Admin) (listFile, error) {
	l, f := web.LocaleOf(r), caseFilter(listOf(r))
	return listFile{
		name: "suiyue-cases", noun: "cases",
		head: heads(l, "taken.id", "case.grade", "console.file.id", "case.hall", "case.queue", "case.reasons", "case.date", "case.state", "case.due", "case.overdue"),
		count: func(ctx context.Context) (int, error) {
			f := f
			f.Offset, f.Limit = 0, 1
			_, all, err := c.App.Cases(ctx, ad, f)
			return all, err
		},
		each: func(ctx context.Context, row func(...any) error) error {
			return walk(func(w *app.Walk) ([]app.CaseView, error) {
				f := f
				f.Walk = w
				list, _, err := c.App.Cases(ctx, ad, f)
				return list, err
			}, func(w *app.Walk, e app.CaseView) { w.Before = e.ID }, func(e app.CaseView) error {
				return row(e.ID, l.T("grade."+strconv.Itoa(int(e.Grade))), e.HallID, c.hallName(l, e.HallID), queueName(l, e), reasonsText(l, e.Reasons), inFileDay(e.Date),
					l.T("case.state."+string(e.State)), inFileDay(e.Due), yesNo(l, e.Overdue))
			})
		},
	}, nil
}
