package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/store"
)

// Text is one message ready for a carrier.
type Text struct {
	To        string // phone, in clear
	Template  string // name of the wording
	Language  string // of the body, as zh-Hans
	Body      string
	Values    map[string]string // what the wording was filled with, by name
	Reference string            // the same each time this message is sent, so that a carrier can drop repeats
}

// LogValue keeps phone and text out of logs.
func (t Text) LogValue() slog.Value { return slog.StringValue("text " + t.Template + " (not shown)") }

// Carried says that a carrier has a text.
type Carried struct {
	Receipt string
	Gateway string   // who the carrier is, where it counts parts
	Tag     string   // digits its reports bring back, "" for none
	Parts   []string // its ids of the parts
	Charged int      // how many parts it is charged as
	Price   int64    // of one of them, in thousandths of a fen
	Asked   bool     // it does not report by itself: it is asked

	// What a carrier that was asked says already became of it.
	Ended, Arrived bool
	Word           string
}

// Carrier hands a text to whoever carries it. An error that is ErrRefused will not go away by trying again; after one
// that is ErrUnknown the carrier may have it; after any other it has not, and the message is sent again later.
type Carrier func(ctx context.Context, t Text) (Carried, error)

// Asker asks carriers for a text that was handed over since: those that can be asked, or the one of a name. nil without an error says
// that none of them has it.
type Asker func(ctx context.Context, gateway string, t Text, since time.Time) (*Carried, error)

var (
	// ErrRefused says that a carrier will never take this message.
	ErrRefused = errors.New("jobs: message refused for good")
	// ErrLater says that no carrier can take a message now, which is not about the message.
	ErrLater = errors.New("jobs: no carrier can take the message now")
	// ErrUnknown says that a carrier may have the message though it has not said so.
	ErrUnknown = errors.New("jobs: a carrier may have the message")
)

// Mail sends the messages that bookings have written. A message is claimed for a while, sent and
// settled; when the process dies between sending and settling, or the carrier gives no answer, the carrier may have it.
// It is then sent again after Hold, with the same reference, unless a report of the carrier has told of it by then:
// never lost, and twice only where a carrier that has it says nothing for so long.
type Mail struct {
	App     *app.App
	Words   func(app.Outgoing) Text // everything but Reference
	Carrier Carrier
	Log     *slog.Logger
	Told    func(kind booking.MessageKind, outcome string) // for metrics; may be nil

	Batch    int // most claimed at once; 0 = 100
	InFlight int // most handed to the carrier at once; 0 = 16

	Pressed func() bool // whether people rush just now; nil = App.Pressed

	Ask Asker // nil where no carrier can be asked

	// Admit says which may go out now: nil where all may, as in a demonstration, which shows its messages at once.
	Admit func(ctx context.Context, list []app.Outgoing) ([]app.Admission, error)

	Hold time.Duration // how long a message that a carrier may have waits for a report; 0 where carriers report nothing
}

const (
	claimFor    = time.Minute      // a claim not settled by then is somebody else's
	sendFor     = 45 * time.Second // so sending ends before
	maxAttempts = 8
	mostLater   = 80 // about three days, where it is carriers that are away: the last hour by hour
	firstPause  = 30 * time.Second
	lastPause   = time.Hour

	askEvery = time.Minute    // whether a carrier has a message it may have
	askFor   = 24 * time.Hour // it is sent again after, though its carrier could not be asked all the while

	asksAtOnce = 50
)

// Send claims what is due and sends it; more says that there may be more and nothing speaks against going on at once.
// In a rush the rest waits for the next turn: what has been booked is certain and shown, the rest is for those who book.
func (m *Mail) Send(ctx context.Context) (more bool, err error) {
	batch, width := m.Batch, m.InFlight
	if batch == 0 {
		batch = 100
	}
	if width == 0 {
		width = 16
	}
	due, err := m.App.DueMessages(ctx, batch, claimFor)
	if err != nil || len(due) == 0 {
		return false, err
	}
	settled := make([]app.Settled, len(due))
	admitted := make([]app.Admission, len(due))
	if m.Admit != nil {
		if admitted, err = m.Admit(ctx, due); err != nil {
			return false, fmt.Errorf("admit messages: %w", err)
		}
	}
	sending, cancel := context.WithTimeout(ctx, sendFor)
	defer cancel()
	free := make(chan struct{}, width)
	var wg sync.WaitGroup
	for i := range due {
		if admitted[i].Held() {
			settled[i] = m.held(due[i], admitted[i])
			continue
		}
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			settled[i] = m.one(sending, due[i])
		})
	}
	wg.Wait()
	// The carrier has them: that is recorded even while stopping.
	keep, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	if err := m.App.SettleMessages(keep, settled); err != nil {
		return false, fmt.Errorf("settle messages: %w", err)
	}
	pressed := m.Pressed
	if pressed == nil {
		pressed = m.App.Pressed
	}
	return len(due) == batch && !pressed(), nil
}

// held keeps back a message that may not go out now, or drops one that is of no use later.
func (m *Mail) held(out app.Outgoing, a app.Admission) app.Settled {
	s := app.Settled{Row: out.Row, State: app.MessageDropped}
	if !a.Drop {
		s.State, s.Again, s.Kept = app.MessagePending, a.Again, true
	}
	if m.Told != nil {
		m.Told(out.Row.Kind, a.Why)
	}
	return s
}

// one sends one message and says what became of it.
func (m *Mail) one(ctx context.Context, out app.Outgoing) (done app.Settled) {
	done.Row = out.Row
	attempts := out.Row.Attempts + 1
	defer func() {
		if v := recover(); v != nil { // one message must not stop the others; its value may hold anything
			m.Log.Error("panic while sending a message", "message", out.Row.Ref(), "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
			done.State, done.Again = later(attempts, maxAttempts)
		}
		if m.Told != nil {
			m.Told(out.Row.Kind, string(done.State))
		}
	}()
	if out.Stale {
		done.State = app.MessageDropped
		return done
	}
	if out.Phone == "" {
		done.State = app.MessageShown
		return done
	}
	text := m.Words(out)
	text.Reference = out.Row.Ref()
	if !out.Row.Handed.IsZero() {
		if settled, wait := m.mayHave(ctx, out, text); settled != nil || wait > 0 {
			if settled != nil {
				return *settled
			}
			done.State, done.Handed, done.Again = app.MessagePending, out.Row.Handed, wait
			return done
		}
	}
	handed := m.App.Now()
	carried, err := m.Carrier(ctx, text)
	if err == nil {
		return sent(out.Row, carried)
	}
	if errors.Is(err, ErrUnknown) && m.Hold > 0 {
		done.State, done.Handed, done.Again = app.MessagePending, handed, m.Hold
		if m.Ask != nil {
			done.Again = min(askEvery, m.Hold)
		}
		m.Log.Warn("a carrier may have a message", "message", out.Row.Ref(), "again_in", done.Again, "error", err)
		return done
	}
	if ctx.Err() != nil { // we are stopping, or the carrier hangs: whoever comes next sends it
		done.State, done.Again = app.MessagePending, firstPause
		return done
	}
	most := maxAttempts
	if errors.Is(err, ErrLater) {
		most = mostLater
	}
	if done.State, done.Again = later(attempts, most); errors.Is(err, ErrRefused) {
		done.State, done.Again = app.MessageFailed, 0
	}
	m.Log.Warn("message not sent", "message", out.Row.Ref(), "attempts", attempts, "now", string(done.State), "again_in", done.Again, "error", err)
	return done
}

// sent settles a message that a carrier has.
func sent(row store.MessageRow, c Carried) app.Settled {
	s := app.Settled{Row: row, State: app.MessageSent, Receipt: c.Receipt, Gateway: c.Gateway, Tag: c.Tag, Parts: c.Parts, Charged: c.Charged, Price: c.Price}
	switch {
	case c.Ended && c.Arrived:
		s.Ended, s.Word = app.PartArrived, c.Word
	case c.Ended:
		s.Ended, s.Word = app.PartLost, c.Word
	case c.Asked:
		s.AskIn = app.FirstAsk()
	}
	return s
}

// mayHave decides about a message that a carrier may have: it is settled where one that was asked has it, waits for so long, or, neither, is
// sent again.
func (m *Mail) mayHave(ctx context.Context, out app.Outgoing, text Text) (settled *app.Settled, wait time.Duration) {
	age := m.App.Now().Sub(out.Row.Handed)
	hold := m.Hold
	if m.Ask != nil && m.Hold > 0 {
		c, err := m.Ask(ctx, "", text, out.Row.Handed)
		switch {
		case c != nil:
			s := sent(out.Row, *c)
			return &s, 0
		case err != nil:
			m.Log.Warn("a carrier cannot be asked for a message it may have", "message", out.Row.Ref(), "error", err)
			hold = max(hold, askFor)
		}
	}
	if wait = hold - age; wait > 0 && m.Ask != nil {
		wait = min(wait, askEvery)
	}
	return nil, max(wait, 0)
}

// AskCarriers asks those carriers that do not report by themselves what became of what they have; more says that there may be more to ask for.
func (m *Mail) AskCarriers(ctx context.Context) (more bool, err error) {
	if m.Ask == nil {
		return false, nil
	}
	due, err := m.App.DueAsks(ctx, asksAtOnce)
	if err != nil || len(due) == 0 {
		return false, err
	}
	answers := make([]*Carried, len(due))
	asking, cancel := context.WithTimeout(ctx, sendFor)
	defer cancel()
	free := make(chan struct{}, 8)
	var wg sync.WaitGroup
	for i, one := range due {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			text := m.Words(one.Outgoing)
			text.Reference = one.Row.Ref()
			c, err := m.Ask(asking, one.Gateway, text, one.At.Add(-claimFor))
			if err != nil {
				m.Log.Warn("a carrier cannot be asked what became of a message", "message", one.Row.Ref(), "gateway", one.Gateway, "error", err)
			}
			answers[i] = c
		})
	}
	wg.Wait()
	reports := map[string][]app.SMSReport{}
	for i, c := range answers {
		if c != nil && c.Ended {
			reports[due[i].Gateway] = append(reports[due[i].Gateway], app.SMSReport{ID: due[i].ID, Of: 1, Arrived: c.Arrived, Word: c.Word})
		}
	}
	for gateway, list := range reports {
		if err := m.App.KeepReports(ctx, gateway, list, func(string) string { return "" }); err != nil {
			return false, err
		}
	}
	return len(due) == asksAtOnce, nil
}

// later puts a message off, or gives it up after so many attempts.
func later(attempts, most int) (app.MessageState, time.Duration) {
	if attempts >= most {
		return app.MessageFailed, 0
	}
	return app.MessagePending, pause(attempts, rand.Float64())
}

// pause is how long to wait after so many attempts: twice as long each time up to an hour, and up to a
// quarter more by chance (0 ≤ chance < 1), so that what failed together does not come back together.
func pause(attempts int, chance float64) time.Duration {
	d := min(firstPause<<min(max(attempts-1, 0), 16), lastPause)
	return d + time.Duration(chance*float64(d)/4)
}
