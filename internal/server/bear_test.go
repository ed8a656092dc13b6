package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	peer "github.com/bigwhite/gocmpp"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/identity"
	"suiyue/internal/gate/sms"
	"suiyue/internal/gate/sms/cmpp"
	"suiyue/internal/gate/sms/dysms"
	"suiyue/internal/gate/sms/smstest"
	"suiyue/internal/jobs"
	"suiyue/internal/store"
)

// standIn is a carrier that can be told how to behave.
type standIn interface {
	Behave(smstest.Behaviour)
	taken() map[string]int // by tag or reference
	bring()                // reports that nobody asks for
}

// bearWorld is the App and its mail in front of one carrier.
type bearWorld struct {
	f     *apptest.Fixture
	mail  *jobs.Mail
	stand standIn
	slow  time.Duration // a carrier is given so long
	rest  time.Duration // what it owes comes meanwhile
	who   []*identity.Session
	slots []string
}

func newBearWorld(t *testing.T, make func(f *apptest.Fixture) (sms.Sender, standIn)) *bearWorld {
	f := apptest.New(t, apptest.Options{})
	sender, stand := make(f)
	g := &gateways{chain: sms.NewChain(sms.Gateway{Name: "g", Sender: sender}), prices: map[string]int64{"g": 3800}}
	t.Cleanup(func() { _ = g.chain.Close() })
	return &bearWorld{f: f, stand: stand, slots: f.FreeSlots(apptest.QueueA), slow: 2 * time.Second, mail: &jobs.Mail{
		App: f.App, Carrier: carrier(texting{sender: g.chain, gateways: g}), Ask: g.ask(), Log: slog.New(slog.DiscardHandler), Hold: holdFor, InFlight: 2,
		Words: func(m app.Outgoing) jobs.Text {
			code := m.View.Code
			return jobs.Text{To: m.Phone, Template: "booked", Language: "zh-Hans", Body: "【穗约】" + code, Values: map[string]string{"text": code}}
		},
	}}
}

func (w *bearWorld) Behave(b smstest.Behaviour) { w.stand.Behave(b) }
func (w *bearWorld) Taken() map[string]int      { return w.stand.taken() }

func (w *bearWorld) Write(t *testing.T, people int) {
	for range people {
		n := len(w.who)
		_, who := w.f.SignIn(t, apptest.Citizen(100+n))
		w.who = append(w.who, who)
		if _, err := w.f.App.Book(t.Context(), who, app.BookRequest{
			Key: fmt.Sprintf("key-%08d", n), Item: apptest.SocialCard, SlotID: w.slots[n], Stage: directory.Acceptance,
			Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *bearWorld) Turn(t *testing.T) {
	within, cancel := context.WithTimeout(t.Context(), w.slow)
	defer cancel()
	for _, do := range []func(context.Context) (bool, error){w.mail.Send, w.mail.AskCarriers} {
		if _, err := do(within); err != nil && within.Err() == nil {
			t.Fatal(err)
		}
	}
	time.Sleep(w.rest)
	w.stand.bring()
}

func (w *bearWorld) Die(t *testing.T) {
	due, err := w.f.App.DueMessages(t.Context(), 3, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	within, cancel := context.WithTimeout(t.Context(), w.slow)
	defer cancel()
	for _, m := range due {
		if m.Row.Handed.IsZero() { // it would have waited for the others
			text := w.mail.Words(m)
			text.Reference = m.Row.Ref()
			_, _ = w.mail.Carrier(within, text)
		}
	}
}

func (w *bearWorld) Pass(d time.Duration) { w.f.Clock.Add(d) }

func (w *bearWorld) count(t *testing.T, states ...app.MessageState) (n int) {
	for _, who := range w.who {
		page, _, err := w.f.App.MyMessages(t.Context(), who, "", 50)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page {
			if slices.Contains(states, m.State) {
				n++
			}
		}
	}
	return n
}

func (w *bearWorld) Open(t *testing.T) int   { return w.count(t, app.MessagePending) }
func (w *bearWorld) Failed(t *testing.T) int { return w.count(t, app.MessageFailed) }

func (w *bearWorld) Charged(t *testing.T) (n int) {
	if err := w.f.DB.View(t.Context(), func(tx *store.Tx) error {
		n = 0
		list, err := tx.SMSCosts(t.Context(), calendar.DateOf(apptest.Start).String()[:7])
		for _, c := range list {
			if c.Cost != 3800*c.Parts || c.HallID == "" || c.Kind != booking.MessageBooked || c.Gateway != "g" {
				t.Errorf("%+v", c)
			}
			n += int(c.Parts)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestArt13_ABadDayOfAnHTTPGateway, and the two after it, bear what smstest lists.
func TestArt13_ABadDayOfAnHTTPGateway(t *testing.T) {
	t.Parallel()
	smstest.Bear(t, func(t *testing.T) smstest.World {
		return newBearWorld(t, func(f *apptest.Fixture) (sms.Sender, standIn) {
			const patience = 400 * time.Millisecond
			d := &smstest.Dysms{
				Key: "TestKeyID", Secret: "a secret of tests", Signature: "穗约", Approved: map[string]string{"SMS_1": "${text}"},
				Now: f.Clock.Now, Patience: patience, Skew: 20 * time.Minute,
			}
			s := httptest.NewUnstartedServer(d)
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.Start()
			t.Cleanup(s.Close)
			k, err := dysms.Open(dysms.Config{Endpoint: s.URL, Key: d.Key, Secret: d.Secret, Templates: d.Templates(), Zone: carriersZone, Timeout: patience, Now: f.Clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			return k, httpStand{d}
		})
	})
}

type httpStand struct{ *smstest.Dysms }

func (h httpStand) bring() { h.Settle(3) }
func (h httpStand) taken() map[string]int {
	out := map[string]int{}
	for _, m := range h.Dysms.Taken() {
		out[m.Reference]++
	}
	return out
}

func TestArt13_ABadDayOfAFake(t *testing.T) {
	t.Parallel()
	smstest.Bear(t, func(t *testing.T) smstest.World {
		return newBearWorld(t, func(f *apptest.Fixture) (sms.Sender, standIn) {
			k := &fakeCarrier{f: f, got: map[string]int{}}
			return k, k
		})
	})
}

// TestACarelessSenderDoesNotBearIt: one that neither waits nor asks sends twice, and the suite says so.
func TestACarelessSenderDoesNotBearIt(t *testing.T) {
	t.Parallel()
	for _, b := range []smstest.Behaviour{smstest.Slow, smstest.DropsAfter, smstest.HalfAnswer} {
		w := newBearWorld(t, func(f *apptest.Fixture) (sms.Sender, standIn) {
			k := &fakeCarrier{f: f, got: map[string]int{}}
			return k, mute{k}
		})
		w.mail.Hold = 0
		if wrong := smstest.Day(t, w, b); len(wrong) == 0 {
			t.Errorf("%s: nothing is found wrong", b)
		}
	}
}

// mute reports of nothing.
type mute struct{ *fakeCarrier }

func (mute) bring() {}

// fakeCarrier is a Sender without a line, that reports as those with one do.
type fakeCarrier struct {
	f    *apptest.Fixture
	mu   sync.Mutex
	how  smstest.Behaviour
	got  map[string]int
	owed []app.SMSReport
}

const fakeDigits = 6

func (k *fakeCarrier) Behave(b smstest.Behaviour) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.how = b
}

func (k *fakeCarrier) taken() map[string]int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.got)
}

func (k *fakeCarrier) keep(list []app.SMSReport) {
	if err := k.f.App.KeepReports(context.Background(), "g", list, func(reference string) string { return sms.Tag(reference, fakeDigits) }); err != nil {
		panic(err)
	}
}

func (k *fakeCarrier) bring() {
	k.mu.Lock()
	owed, how := k.owed, k.how
	k.owed = nil
	k.mu.Unlock()
	switch how {
	case smstest.TwiceReports:
		owed = append(owed, owed...)
	case smstest.OtherOrder:
		slices.Reverse(owed)
	case smstest.UnknownReport:
		owed = append(owed, app.SMSReport{ID: "never", Tag: "999999", Of: 1, Arrived: true, Word: "DELIVRD", Price: 3800})
	}
	for _, r := range owed {
		k.keep([]app.SMSReport{r})
	}
}

func (k *fakeCarrier) Send(_ context.Context, m sms.Message) (sms.Receipt, error) {
	k.mu.Lock()
	how := k.how
	r := sms.Receipt{ID: "id-" + m.Reference, Segments: 1, Tag: sms.Tag(m.Reference, fakeDigits), Accepted: k.f.Clock.Now()}
	r.Parts = []string{r.ID}
	report := app.SMSReport{ID: r.ID, Tag: r.Tag, Of: 1, Arrived: true, Word: "DELIVRD", Price: 3800}
	if how.Takes() || how.Answers() {
		k.got[m.Reference]++
		if how != smstest.ReportFirst {
			k.owed = append(k.owed, report)
		}
	}
	k.mu.Unlock()
	switch {
	case how == smstest.ReportFirst:
		k.keep([]app.SMSReport{report})
		return r, nil
	case how.Answers():
		return r, nil
	case how.Takes() || how == smstest.Silent || how == smstest.DropsBefore:
		return sms.Receipt{}, sms.Refuse(sms.Unknown, "no answer", nil)
	case how == smstest.Refuses:
		return sms.Receipt{}, sms.Refuse(sms.Permanent, "phone", nil)
	}
	return sms.Receipt{}, sms.Refuse(sms.Temporary, "not now", nil)
}

func TestArt13_ABadDayOfACMPPGateway(t *testing.T) {
	t.Parallel()
	smstest.Bear(t, func(t *testing.T) smstest.World {
		w := newBearWorld(t, func(f *apptest.Fixture) (sms.Sender, standIn) {
			s := &cmppStand{got: map[string]int{}, owed: map[uint64]peer.Cmpp3DeliverReqPkt{}}
			const digits = 6
			k, err := cmpp.Open(cmpp.Config{
				Address: s.start(t), Account: "900001", Secret: "secret", Service: "SUIYUE", Number: "106900001", Extension: digits, Zone: time.UTC,
				Heartbeat: 20 * time.Millisecond, Timeout: time.Second, Now: time.Now, Log: slog.New(slog.DiscardHandler),
				Keep: func(ctx context.Context, reports []cmpp.Report) error {
					out := make([]app.SMSReport, len(reports))
					for i, r := range reports {
						out[i] = app.SMSReport{ID: r.ID, Tag: r.Tag, Of: r.Of, Arrived: r.Arrived, Word: r.State, Price: 3800}
					}
					return f.App.KeepReports(ctx, "g", out, func(reference string) string { return cmpp.Tag(reference, digits) })
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			return cmppSender{k}, s
		})
		w.rest = 60 * time.Millisecond
		return w
	})
}

// cmppStand is a gateway of somebody else's making that behaves as it is told to.
type cmppStand struct {
	mu   sync.Mutex
	how  smstest.Behaviour
	next uint64
	got  map[string]int // by the number a message came from
	owed map[uint64]peer.Cmpp3DeliverReqPkt
}

func (s *cmppStand) Behave(b smstest.Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.how = b
}

func (s *cmppStand) taken() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.got)
}

func (s *cmppStand) bring() {} // it brings what it owes when it is tested

func (s *cmppStand) start(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &peer.Server{Handler: s, Typ: peer.V30, T: time.Minute, N: 3, ErrorLog: log.New(io.Discard, "", 0)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		l.Close()
		<-ended
	})
	return l.Addr().String()
}

var errHangsUp = errors.New("hangs up")

func (s *cmppStand) ServeCmpp(r *peer.Response, p *peer.Packet, _ *log.Logger) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hangUp := func() (bool, error) {
		p.Conn.Close()
		return false, errHangsUp
	}
	away := s.how == smstest.Down || s.how == smstest.Outage
	switch in := p.Packer.(type) {
	case *peer.CmppConnReqPkt:
		if away {
			return hangUp()
		}
		out := r.Packer.(*peer.Cmpp3ConnRspPkt)
		out.Secret, out.AuthSrc, out.Version = "secret", in.AuthSrc, peer.V30
	case *peer.CmppActiveTestReqPkt:
		if away {
			return hangUp()
		}
		return false, s.deliver(p)
	case *peer.Cmpp3DeliverRspPkt:
		if in.Result == 0 {
			delete(s.owed, in.MsgId)
		}
	case *peer.Cmpp3SubmitReqPkt:
		out := r.Packer.(*peer.Cmpp3SubmitRspPkt)
		if s.how.Takes() || s.how.Answers() || s.how == smstest.Skewed {
			out.MsgId = s.take(in)
		}
		switch s.how {
		case smstest.Down, smstest.Outage, smstest.DropsBefore, smstest.DropsAfter:
			return hangUp()
		case smstest.Slow, smstest.Silent:
			s.mu.Unlock()
			time.Sleep(1200 * time.Millisecond) // longer than it is waited for
			s.mu.Lock()
			return hangUp()
		case smstest.HalfAnswer:
			_, _ = p.Conn.Conn.Write([]byte{0, 0, 0, 24, 0x80})
			return hangUp()
		case smstest.WrongSchema:
			_, _ = p.Conn.Conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			return hangUp()
		case smstest.ErrorIn200:
			out.Result = 10
		case smstest.Refuses:
			out.Result = 13
		case smstest.Throttles:
			out.Result = 8
		case smstest.ReportFirst:
			return false, s.deliver(p)
		}
	}
	return false, nil
}

// deliver brings what is owed; until it hears that it is kept it brings it again.
func (s *cmppStand) deliver(p *peer.Packet) error {
	ids := slices.Sorted(maps.Keys(s.owed))
	switch s.how {
	case smstest.OtherOrder:
		slices.Reverse(ids)
	case smstest.TwiceReports:
		ids = append(ids, ids...)
	}
	for _, id := range ids {
		report := s.owed[id]
		if err := p.SendPkt(&report, <-p.SeqId); err != nil {
			return err
		}
	}
	if s.how == smstest.UnknownReport {
		report := s.report(1<<40, "106900001999991", "19900000001")
		return p.SendPkt(&report, <-p.SeqId)
	}
	return nil
}

func (s *cmppStand) take(in *peer.Cmpp3SubmitReqPkt) uint64 {
	s.next++
	s.got[in.SrcId]++
	s.owed[s.next] = s.report(s.next, in.SrcId, in.DestTerminalId[0])
	return s.next
}

func (s *cmppStand) report(id uint64, from, phone string) peer.Cmpp3DeliverReqPkt {
	at := "2611281200"
	if s.how == smstest.Skewed {
		at = "2001010000"
	}
	receipt := peer.CmppReceiptPkt{MsgId: id, Stat: "DELIVRD", SubmitTime: at, DoneTime: at, DestTerminalId: phone}
	body, err := receipt.Pack()
	if err != nil {
		panic(err)
	}
	return peer.Cmpp3DeliverReqPkt{MsgId: id, DestId: from, SrcTerminalId: phone, RegisterDelivery: 1, MsgLength: uint8(len(body)), MsgContent: string(body)}
}
