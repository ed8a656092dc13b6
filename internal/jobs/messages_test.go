package jobs

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

func tagOf(reference string) string {
	return fmt.Sprintf("%06d", crc32.ChecksumIEEE([]byte(reference))%1_000_000)
}

// gateway is a carrier that keeps what it is given and fails as it is told to.
type gateway struct {
	mu    sync.Mutex
	got   []Text
	fail  error
	panic bool
	lost  bool // it takes the text and its answer is lost
}

func (g *gateway) carry(_ context.Context, t Text) (Carried, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.panic {
		panic(t.Body)
	}
	if g.fail != nil {
		return Carried{}, g.fail
	}
	g.got = append(g.got, t)
	if g.lost {
		return Carried{}, ErrUnknown
	}
	id := fmt.Sprint("receipt-", len(g.got))
	return Carried{Receipt: id, Gateway: "g", Tag: tagOf(t.Reference), Parts: []string{id}}, nil
}

func (g *gateway) texts() []Text {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Text(nil), g.got...)
}

type city struct {
	*apptest.Fixture
	who  *identity.Session
	gate *gateway
	mail *Mail
	told map[string]int
	n    int
}

func newCity(t *testing.T) *city {
	c := &city{Fixture: apptest.New(t, apptest.Options{}), gate: &gateway{}, told: map[string]int{}}
	_, c.who = c.SignIn(t, apptest.Citizen(1))
	c.mail = &Mail{
		App: c.App, Carrier: c.gate.carry, Log: slog.New(slog.DiscardHandler),
		Words: func(m app.Outgoing) Text { return Text{To: m.Phone, Template: string(m.Row.Kind), Body: m.View.Code} },
		Told:  func(kind booking.MessageKind, outcome string) { c.told[string(kind)+" "+outcome]++ },
		// One at a time: the test counts without a lock.
		InFlight: 1,
	}
	return c
}

// book takes the n-th free slot of the district hall's social queue for a new person.
func (c *city) book(t *testing.T, slot string) app.Receipt {
	t.Helper()
	c.n++
	_, who := c.SignIn(t, apptest.Citizen(c.n))
	c.who = who
	r, err := c.App.Book(t.Context(), who, app.BookRequest{
		Key: fmt.Sprintf("key-%08d", c.n), Item: apptest.SocialCard, SlotID: slot, Stage: directory.Acceptance,
		Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (c *city) send(t *testing.T) (more bool) {
	t.Helper()
	more, err := c.mail.Send(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return more
}

// states counts the messages of the last booker by state.
func (c *city) states(t *testing.T) map[string]int {
	t.Helper()
	page, _, err := c.App.MyMessages(t.Context(), c.who, "", 50)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, m := range page {
		out[fmt.Sprint(m.Kind, " ", m.State)]++
	}
	return out
}

func TestArt13_EveryChangeSendsItsMessageOnce(t *testing.T) {
	c := newCity(t)
	slots := c.FreeSlots(apptest.QueueA)
	r := c.book(t, slots[0])
	if _, err := c.App.Move(t.Context(), c.who, app.MoveRequest{Key: "move-0001", Code: r.View.Code, SlotID: slots[9], Channel: booking.Web}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.App.Cancel(t.Context(), c.who, app.CancelRequest{Key: "cancel-0001", Code: r.View.Code, Channel: booking.Web}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c.send(t)
	}
	var kinds []string
	refs := map[string]bool{}
	for _, m := range c.gate.texts() {
		kinds = append(kinds, m.Template)
		refs[m.Reference] = true
		if m.To != "13800000000" || m.Body != r.View.Code {
			t.Errorf("message %s: %+q", m.Template, m)
		}
	}
	if len(kinds) != 3 || len(refs) != 3 {
		t.Errorf("sent %v under %d references, want booked, moved and cancelled once each", kinds, len(refs))
	}
	for _, kind := range []string{"booked", "moved", "cancelled"} {
		if c.told[kind+" sent"] != 1 {
			t.Errorf("%s was told %d times", kind, c.told[kind+" sent"])
		}
	}
}

func TestAMessageClaimedButNotSettledIsSentAgain(t *testing.T) {
	c := newCity(t)
	c.book(t, c.FreeSlots(apptest.QueueA)[0])
	// A process claims the message, hands it to the carrier, and dies before it can say so.
	due, err := c.App.DueMessages(t.Context(), 10, claimFor)
	if err != nil || len(due) != 1 {
		t.Fatalf("claimed %d messages: %v", len(due), err)
	}
	first := due[0].Row.Ref()
	if c.send(t); len(c.gate.texts()) != 0 {
		t.Fatal("a claimed message was sent by somebody else at once")
	}
	c.Clock.Add(claimFor)
	c.send(t)
	got := c.gate.texts()
	if len(got) != 1 || got[0].Reference != first {
		t.Fatalf("after the claim ran out %d messages were sent; want the same one under %s", len(got), first)
	}
	c.Clock.Add(time.Hour)
	if c.send(t); len(c.gate.texts()) != 1 {
		t.Error("a settled message was sent again")
	}
}

func TestAMessageThatFailsIsTriedEightTimesAndGivenUp(t *testing.T) {
	c := newCity(t)
	c.book(t, c.FreeSlots(apptest.QueueA)[0])
	c.gate.fail = errors.New("no line")
	var waits []time.Duration
	last := c.Clock.Now()
	for range 100_000 {
		c.send(t)
		tries := c.told["booked pending"] + c.told["booked failed"]
		if tries > len(waits) {
			waits = append(waits, c.Clock.Now().Sub(last))
			last = c.Clock.Now()
		}
		if c.told["booked failed"] > 0 {
			break
		}
		c.Clock.Add(10 * time.Second)
	}
	if len(waits) != maxAttempts {
		t.Fatalf("tried %d times, want %d", len(waits), maxAttempts)
	}
	for i := 2; i < len(waits); i++ {
		if waits[i] <= waits[i-1] || waits[i] > 3*waits[i-1] {
			t.Errorf("waits do not grow as they should: %v", waits)
		}
	}
	if s := c.states(t); s["booked failed"] != 1 {
		t.Errorf("the person sees %v, want one message that failed", s)
	}
	c.gate.fail = nil
	c.Clock.Add(24 * time.Hour)
	if c.send(t); len(c.gate.texts()) != 0 {
		t.Error("a message given up was sent after all")
	}
}

func TestARefusedMessageIsNotTriedAgain(t *testing.T) {
	c := newCity(t)
	c.book(t, c.FreeSlots(apptest.QueueA)[0])
	c.gate.fail = fmt.Errorf("%w: phone", ErrRefused)
	c.send(t)
	if c.told["booked failed"] != 1 || c.states(t)["booked failed"] != 1 {
		t.Errorf("told %v, stored %v", c.told, c.states(t))
	}
}

func TestAPanicWithOneMessageLeavesTheOthersAndIsTriedAgain(t *testing.T) {
	c := newCity(t)
	c.book(t, c.FreeSlots(apptest.QueueA)[0])
	var log strings.Builder
	c.mail.Log = slog.New(slog.NewTextHandler(&log, nil))
	c.gate.panic = true
	c.send(t)
	if c.told["booked pending"] != 1 {
		t.Fatalf("told %v", c.told)
	}
	if strings.Contains(log.String(), "13800000000") {
		t.Error("the log holds a phone")
	}
	c.gate.panic = false
	c.Clock.Add(2 * firstPause)
	if c.send(t); len(c.gate.texts()) != 1 {
		t.Error("the message was not sent later")
	}
}

func TestMoreSaysThatABatchWasFull(t *testing.T) {
	c := newCity(t)
	slots := c.FreeSlots(apptest.QueueA)
	for i := range 5 {
		c.book(t, slots[i])
	}
	c.mail.Batch = 2
	for _, want := range []bool{true, true, false} {
		if more := c.send(t); more != want {
			t.Errorf("five messages in batches of two: more is %t, want %t", more, want)
		}
	}
	if n := len(c.gate.texts()); n != 5 {
		t.Errorf("%d messages sent, want 5", n)
	}
}

func TestMessagesGiveWayToARush(t *testing.T) {
	c := newCity(t)
	slots := c.FreeSlots(apptest.QueueA)
	for i := range 5 {
		c.book(t, slots[i])
	}
	rush := true
	c.mail.Batch, c.mail.Pressed = 2, func() bool { return rush }
	for turn, want := range []bool{false, false, false} {
		if more := c.send(t); more != want {
			t.Errorf("turn %d in a rush: more at once is %t", turn, more)
		}
	}
	if n := len(c.gate.texts()); n != 5 {
		t.Errorf("%d messages sent in three turns of two, want all 5: a rush makes them later and keeps none", n)
	}
	rush = false
	for i := range 2 {
		c.book(t, slots[5+i])
	}
	if more := c.send(t); !more {
		t.Error("after the rush a full batch goes on at once")
	}
}

func TestTwoNodesNeverSendOneMessageTwice(t *testing.T) {
	c := newCity(t)
	slots := c.FreeSlots(apptest.QueueA)
	for i := range 40 {
		c.book(t, slots[i%20])
	}
	other := *c.mail
	other.Told, c.mail.Told, other.Batch, c.mail.Batch = nil, nil, 3, 3
	var wg sync.WaitGroup
	for _, m := range []*Mail{c.mail, &other} {
		wg.Go(func() {
			for {
				more, err := m.Send(context.Background())
				if err != nil {
					t.Error(err)
				}
				if !more {
					return
				}
			}
		})
	}
	wg.Wait()
	seen := map[string]int{}
	for _, m := range c.gate.texts() {
		seen[m.Reference]++
	}
	if len(seen) != 40 || len(c.gate.texts()) != 40 {
		t.Errorf("%d messages, %d of them different; want 40", len(c.gate.texts()), len(seen))
	}
}

func TestPauseGrowsToAnHourWithSomeChance(t *testing.T) {
	for attempts, want := range map[int]time.Duration{1: firstPause, 2: time.Minute, 3: 2 * time.Minute, 8: lastPause, 100: lastPause, 0: firstPause} {
		if got := pause(attempts, 0); got != want {
			t.Errorf("pause(%d, 0) = %s, want %s", attempts, got, want)
		}
		if got := pause(attempts, .999); got <= want || got > want*5/4 {
			t.Errorf("pause(%d, .999) = %s, want up to a quarter above %s", attempts, got, want)
		}
	}
}

// task returns one of Tasks.
func (c *city) task(t *testing.T, name string) Task {
	t.Helper()
	for _, task := range Tasks(c.App, c.mail, &Webhooks{App: c.App}, slog.New(slog.DiscardHandler), nil) {
		if task.Name == name {
			return task
		}
	}
	t.Fatalf("no task %q", name)
	return Task{}
}

func TestArt13_ReminderTheDayBeforeFromTenOnceAndNotForWhatHasChanged(t *testing.T) {
	c := newCity(t)
	slots := c.FreeSlots(apptest.QueueA)
	kept := c.book(t, slots[0])
	keeper := c.who
	moved := c.book(t, slots[1])
	mover := c.who
	c.send(t)
	before := len(c.gate.texts())
	remind := c.task(t, "write reminders")
	run := func() {
		t.Helper()
		if _, err := remind.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	day := kept.View.Booking.Date
	c.Clock.Set((day - 1).At(9, 59))
	run()
	c.send(t)
	if len(c.gate.texts()) != before {
		t.Fatal("a reminder was sent before 10:00")
	}
	c.Clock.Set((day - 1).At(10, 0))
	run()
	run()
	// One booking moves away before its reminder is sent.
	if _, err := c.App.Move(t.Context(), mover, app.MoveRequest{Key: "move-0002", Code: moved.View.Code, SlotID: slots[30], Channel: booking.Web}); err != nil {
		t.Fatal(err)
	}
	c.send(t)
	var reminded []string
	for _, m := range c.gate.texts()[before:] {
		if m.Template == string(booking.MessageReminder) {
			reminded = append(reminded, m.Body)
		}
	}
	if len(reminded) != 1 || reminded[0] != kept.View.Code {
		t.Errorf("reminded %v, want only %s", reminded, kept.View.Code)
	}
	c.who = keeper
	if s := c.states(t); s["reminder sent"] != 1 {
		t.Errorf("the person sees %v", s)
	}
}

func TestTasksRunOverARealDatabase(t *testing.T) {
	c := newCity(t)
	c.Clock.Add(3 * 24 * time.Hour)
	var alerts []bool
	for _, task := range Tasks(c.App, c.mail, &Webhooks{App: c.App}, slog.New(slog.DiscardHandler), func(a bool) { alerts = append(alerts, a) }) {
		if _, err := task.Run(t.Context()); err != nil {
			t.Errorf("%s: %v", task.Name, err)
		}
	}
	if len(alerts) != 1 || alerts[0] {
		t.Errorf("alerts %v, want one look and no alert: both years are official", alerts)
	}
}

func TestLeasesInTheDatabase(t *testing.T) {
	c := newCity(t)
	take := func(holder string, hold time.Duration) (has bool) {
		t.Helper()
		if err := c.DB.Update(t.Context(), func(tx *store.Tx) (err error) {
			has, err = tx.TakeLease(t.Context(), "task", holder, tx.Now, hold)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return has
	}
	if !take("a", time.Minute) || take("b", time.Minute) || !take("a", time.Minute) {
		t.Error("a lease is not held by exactly who took it")
	}
	c.Clock.Add(time.Minute)
	if !take("b", time.Minute) || take("a", time.Minute) {
		t.Error("a lease that ran out was not to be had, or not lost")
	}
}

// report tells of the n-th text the gateway has, by the id it gave it and the tag it was sent under.
func (c *city) report(t *testing.T, n int, id string, arrived bool) {
	t.Helper()
	word := map[bool]string{true: "DELIVRD", false: "UNDELIV"}[arrived]
	list := []app.SMSReport{{ID: id, Tag: tagOf(c.gate.texts()[n].Reference), Arrived: arrived, Word: word}}
	if err := c.App.KeepReports(t.Context(), "g", list, tagOf); err != nil {
		t.Fatal(err)
	}
}

func (c *city) want(t *testing.T, state string, sent int) {
	t.Helper()
	if got := c.states(t); len(got) != 1 || got["booked "+state] != 1 || len(c.gate.texts()) != sent {
		t.Errorf("%v, %d texts given to the gateway; want %s and %d", got, len(c.gate.texts()), state, sent)
	}
}

func TestArt13_AReportSaysWhetherAMessageHasArrived(t *testing.T) {
	for _, arrived := range []bool{true, false} {
		c := newCity(t)
		c.book(t, c.FreeSlots(apptest.QueueA)[0])
		c.send(t)
		c.want(t, "sent", 1)
		c.report(t, 0, "receipt-1", arrived)
		c.report(t, 0, "receipt-1", arrived) // brought twice
		c.want(t, map[bool]string{true: "arrived", false: "lost"}[arrived], 1)
	}
}

func TestArt13_AMessageACarrierMayHaveWaitsForItsReport(t *testing.T) {
	c := newCity(t)
	c.mail.Hold = 10 * time.Minute
	c.gate.lost = true
	c.book(t, c.FreeSlots(apptest.QueueA)[0])
	c.send(t)
	c.want(t, "pending", 1)
	c.gate.lost = false
	c.Clock.Add(9 * time.Minute)
	c.send(t)
	c.want(t, "pending", 1)
	c.report(t, 0, "its id", true)
	c.Clock.Add(time.Hour)
	c.send(t)
	c.want(t, "arrived", 1)
}

func TestArt13_AMessageOfWhichAPartIsMissingIsSentAgain(t *testing.T) {
	for _, second := range []bool{true, false} {
		c := newCity(t)
		c.mail.Hold = 10 * time.Minute
		c.gate.lost = true
		c.book(t, c.FreeSlots(apptest.QueueA)[0])
		c.send(t)
		c.gate.lost = false
		report := func(id string) {
			list := []app.SMSReport{{ID: id, Tag: tagOf(c.gate.texts()[0].Reference), Of: 2, Arrived: true, Word: "DELIVRD"}}
			if err := c.App.KeepReports(t.Context(), "g", list, tagOf); err != nil {
				t.Fatal(err)
			}
		}
		report("part 1")
		report("part 1")
		c.want(t, "pending", 1) // of two parts the gateway has one
		if second {
			report("part 2")
			c.want(t, "arrived", 1)
			continue
		}
		c.Clock.Add(11 * time.Minute)
		c.send(t)
		if got := len(c.gate.texts()); got != 2 {
			t.Errorf("given to the gateway %d times, want twice", got)
		}
	}
}

func TestArt13_AMessageNobodyReportsOfIsSentAgain(t *testing.T) {
	c := newCity(t)
	c.mail.Hold = 10 * time.Minute
	c.gate.lost = true
	c.book(t, c.FreeSlots(apptest.QueueA)[0])
	c.send(t)
	c.gate.lost = false
	c.Clock.Add(10*time.Minute + time.Second)
	c.send(t)
	c.want(t, "sent", 2)
}

func TestArt13_AMessageWhoseSenderDiedIsNotSentTwice(t *testing.T) {
	c := newCity(t)
	c.mail.Hold = 10 * time.Minute
	c.book(t, c.FreeSlots(apptest.QueueA)[0])
	// A process claims it, hands it over and dies: nothing is settled.
	due, err := c.App.DueMessages(t.Context(), 10, claimFor)
	if err != nil || len(due) != 1 {
		t.Fatal(err, len(due))
	}
	text := c.mail.Words(due[0])
	text.Reference = due[0].Row.Ref()
	if _, err := c.gate.carry(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	c.Clock.Add(claimFor + time.Second)
	c.send(t)
	c.want(t, "pending", 1)
	c.report(t, 0, "receipt-1", true)
	c.Clock.Add(time.Hour)
	c.send(t)
	c.want(t, "arrived", 1)
}

func TestArt13_AReportThatComesBeforeTheAnswerIsNotLost(t *testing.T) {
	c := newCity(t)
	c.mail.Hold = 10 * time.Minute
	c.book(t, c.FreeSlots(apptest.QueueA)[0])
	carry := c.mail.Carrier
	c.mail.Carrier = func(ctx context.Context, text Text) (Carried, error) {
		done, err := carry(ctx, text)
		c.report(t, 0, done.Parts[0], true)
		return done, err
	}
	c.send(t)
	c.want(t, "arrived", 1)
}
