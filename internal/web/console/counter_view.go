package console

import (
	"encoding/json"
	"strconv"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// seatView is a counter's one page.
type seatView struct {
	L        web.Locale
	Token    string
	Base     string // address of the counter
	Key      string // of the next act by a form
	Hall     string
	Account  string
	Label    string
	State    ui.Tag
	Open     bool
	Sealed   bool
	Shell    bool // nobody is in it: what a browser keeps
	Refused  *ui.NoticeView
	Revision int64
	Queues   string
	OffGrid  int // seconds
	At       *holder
	Cases    []caseAt   // of the batch at the counter
	Ticked   string     // how many of them are done
	Check    *checklist // whoever is at the counter is to be accepted for a theme
	Elapsed  int        // seconds since it was called
	Minutes  string     // the same in words
	Line     []holder
	Waiting  string
	More     string
	Held     []holder
	Passed   []holder
	Standby  []holder
	Gaps     Table
	Others   []ui.Option // queues of the hall somebody may be sent on to
	Results  []ui.Option
}

// caseAt is one case of the batch at a counter.
type caseAt struct {
	N, Name, Line string
	State         ui.Tag
	To, Act       string // what a press makes of it, and says
}

// batchAt shows the list of the batch at a counter.
func batchAt(l web.Locale, cases []app.ListedCase) (out []caseAt, ticked string) {
	n := 0
	for _, c := range cases {
		one := caseAt{N: strconv.Itoa(c.N), Name: c.Person.Name, Line: l.T("citizen.document."+string(c.Document)) + " " + c.Person.Number, State: ui.Tag{Text: l.T("batch.state.open")}, To: "yes", Act: l.T("serve.tick")}
		if c.State == booking.CaseDone {
			n++
			one.State, one.To, one.Act = ui.Tag{Text: l.T("batch.state.done"), Kind: ui.TagGreen}, "no", l.T("serve.untick")
		}
		out = append(out, one)
	}
	return out, l.T("serve.batch_done", "n", strconv.Itoa(n), "all", strconv.Itoa(len(cases)))
}

// checklist is the one set of materials of a theme (Art. 20).
type checklist struct {
	Hint  string
	Lines []string
}

// holder is somebody with a number, as staff see them: masked.
type holder struct {
	Ticket string
	Number string
	Name   string
	What   string // item, stage, units
	Kind   ui.Tag
	Mark   ui.Tag // late, early, called again
	Why    string // it has its place
	Note   string // how long it has waited, or since when it is away
	Nth    string // key that takes it back
	Queue  string
}

func (c *Console) seatView(l web.Locale, token string, v app.CounterView, refused *fault.Error) seatView {
	s := seatView{
		L: l, Token: token, Base: counterPath(v.Hall.ID, v.Counter.ID), Key: newKey(), Hall: l.Text(v.Hall.Name), Label: v.Counter.Label, Sealed: v.Sealed, Revision: v.Version,
		OffGrid: int(v.Rules.OffGrid / time.Second), Waiting: l.N("serve.waiting_n", v.Waiting),
	}
	if refused != nil {
		n := refusal(l, refused)
		s.Refused = &n
	}
	queues := v.Counter.Queues
	if v.Seat != nil {
		s.State, s.Open, s.Account = seatTag(l, v.Seat.State), v.Seat.State == counter.SeatOpen, v.Seat.Account
		queues = v.Seat.Queues
	}
	s.Queues = c.queueNames(l, queues)
	if v.At != nil {
		at := c.who(l, *v.At, v.Now)
		passed := v.Now.Sub(v.At.Ticket.FirstAt)
		s.At, s.Elapsed, s.Minutes = &at, int(passed/time.Second), l.T("serve.so_far", "time", minutes(l, passed))
		if n := v.At.Ticket.Calls; n > 1 {
			s.At.Note = l.N("serve.called_n", n)
		}
	}
	s.Cases, s.Ticked = batchAt(l, v.Cases)
	if v.Checklist != nil {
		s.Check = &checklist{Hint: l.N("serve.checklist_hint", len(v.Checklist.Departments()))}
		for _, m := range v.Checklist.Materials {
			s.Check.Lines = append(s.Check.Lines, l.Text(m))
		}
	}
	for _, p := range v.Line {
		w := c.who(l, p.TicketView, v.Now)
		w.Why = l.T("serve.why." + string(p.Why))
		w.Note = l.T("serve.waited", "time", minutes(l, p.Ticket.Waited(v.Now)))
		s.Line = append(s.Line, w)
	}
	if more := v.Waiting - len(v.Line); more > 0 {
		s.More = l.N("serve.more", more)
	}
	nth := 0
	back := func(list []app.TicketView, note string) (out []holder) {
		for _, t := range list {
			w := c.who(l, t, v.Now)
			w.Note = l.T(note, "time", web.Clock(t.Ticket.CalledAt))
			if nth++; nth <= 9 {
				w.Nth = strconv.Itoa(nth)
			}
			out = append(out, w)
		}
		return out
	}
	s.Held, s.Passed = back(v.Held, "serve.held_at"), back(v.Passed, "serve.passed_at")
	for _, t := range v.Standby {
		s.Standby = append(s.Standby, c.who(l, t, v.Now))
	}
	s.Gaps = gaps(l, v)
	for _, q := range c.App.City().QueuesAt(v.Hall.ID) {
		if q.Open && (len(queues) > 1 || !hasQueue(queues, q.ID)) {
			s.Others = append(s.Others, ui.Option{Value: q.ID, Text: l.Text(q.Name)})
		}
	}
	for _, r := range counter.Results {
		s.Results = append(s.Results, ui.Option{Value: string(r), Text: l.T("serve.result." + string(r))})
	}
	return s
}

// who shows a ticket to staff.
func (c *Console) who(l web.Locale, t app.TicketView, now time.Time) holder {
	w := holder{Ticket: t.Ticket.ID, Number: t.Ticket.Number, Name: t.Name, Queue: t.Ticket.QueueID, What: t.Ticket.Item}
	if t.Item != nil {
		w.What = l.Text(t.Item.Name)
	}
	if t.Ticket.Stage != "" {
		w.What += " · " + l.T("stage."+string(t.Ticket.Stage))
	}
	if t.Ticket.Units > 1 {
		w.What += " · " + l.N("pass.units", t.Ticket.Units)
	}
	switch t.Ticket.Kind {
	case counter.Green:
		w.Kind = ui.Tag{Text: l.T("serve.kind.green"), Kind: ui.TagGreen}
	case counter.WalkIn:
		w.Kind = ui.Tag{Text: l.T("serve.kind.walk_in")}
	default:
		w.Kind = ui.Tag{Text: l.T("serve.kind.booked", "hour", clock(max(0, t.Ticket.Hour))), Kind: ui.TagRiver}
		w.Mark = punctual(l, t.Ticket, now)
	}
	return w
}

// punctual marks who has come late or early for their hour.
func punctual(l web.Locale, t counter.Ticket, now time.Time) ui.Tag {
	if t.Hour < 0 {
		return ui.Tag{}
	}
	start := t.Date.At(t.Hour, 0)
	switch late := t.IssuedAt.Sub(start); {
	case late >= time.Minute:
		return ui.Tag{Text: l.T("serve.late", "time", minutes(l, late)), Kind: ui.TagAmber}
	case now.Before(start):
		return ui.Tag{Text: l.T("serve.early"), Kind: ui.TagAmber}
	}
	return ui.Tag{}
}

// minutes says a span in full minutes.
func minutes(l web.Locale, d time.Duration) string {
	return l.N("serve.minutes", int(max(0, d)/time.Minute))
}

// gaps is today hour by hour: who is still to come, and what is left.
func gaps(l web.Locale, v app.CounterView) Table {
	t := Table{Caption: l.T("serve.gaps"), Cols: []Col{
		{Text: l.T("serve.hour")}, {Text: l.T("serve.to_come"), Number: true}, {Text: l.T("serve.came"), Number: true}, {Text: l.T("serve.unsold"), Number: true},
	}, Empty: ui.EmptyView{Title: l.T("serve.no_hours")}}
	at := v.Now.In(calendar.Zone).Hour()
	for _, h := range v.Hours {
		row := Row{Current: h.Hour == at, Cells: []Cell{{Text: clock(h.Hour)}, {Text: count(h.Booked)}, {Text: count(h.Arrived)}, {Text: count(h.Unsold)}}}
		if h.Missed > 0 {
			row.Cells[1].Note = l.N("serve.missed_n", h.Missed)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (v seatView) atTicket() string {
	if v.At == nil {
		return ""
	}
	return v.At.Ticket
}

func (v seatView) atNumber() string {
	if v.At == nil {
		return ""
	}
	return v.At.Number
}

// seatWords are the sentences the script of the page says by itself.
var seatWords = []string{"trying", "trying_text", "away", "away_text", "away_end", "away_end_text", "merged", "conflicts", "so_far", "minutes", "called", "nobody", "signed_out", "none_left", "dismiss", "offline_not", "sending"}

// words are the sentences of the script, as JSON.
func (v seatView) words() string {
	out := map[string]string{}
	for _, name := range seatWords {
		out[name] = v.L.T("serve.said." + name)
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic("console: " + err.Error()) // a map of strings is always JSON
	}
	return string(text)
}

// keysOf lists the keys of a counter's page.
func keysOf(l web.Locale) (out []Fact) {
	for _, k := range [][2]string{{l.T("serve.space"), "next"}, {"R", "recall"}, {"N", "pass"}, {"H", "hold"}, {"F", "finish"}, {"T", "transfer"}, {"1–9", "back"}, {"W", "walk_in"}, {"P", "pause"}, {"?", "help"}, {"Esc", "close"}} {
		out = append(out, Fact{Key: k[0], Value: l.T("serve.key." + k[1])})
	}
	return out
}
