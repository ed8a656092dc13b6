package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	peer "github.com/bigwhite/gocmpp"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/gate/sms"
	"suiyue/internal/jobs"
	"suiyue/internal/web"
)

// carrierNet is a gateway of somebody else's making that loses lines as a bad day has it: before it takes a message, and
// after. It reports of all it has taken, in its own time.
type carrierNet struct {
	mu       sync.Mutex
	rng      *rand.Rand
	next     uint64
	taken    map[string]int                     // texts by the number they came from: one of each message
	owed     map[uint64]peer.Cmpp3DeliverReqPkt // reports nobody has kept yet
	dropped  int
	unspoken int
}

// passerBy is somebody whose messages only let the gateway speak.
const passerBy = "19999999999"

func (n *carrierNet) ServeCmpp(r *peer.Response, p *peer.Packet, _ *log.Logger) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch in := p.Packer.(type) {
	case *peer.CmppConnReqPkt:
		out := r.Packer.(*peer.Cmpp3ConnRspPkt)
		out.Secret, out.AuthSrc, out.Version = "secret", in.AuthSrc, peer.V30
	case *peer.Cmpp3SubmitReqPkt:
		// What it owes it brings whenever it hears of somebody. Its connections are not made for two who send at once.
		for _, id := range slices.Sorted(maps.Keys(n.owed)) {
			report := n.owed[id]
			if err := p.SendPkt(&report, <-p.SeqId); err != nil {
				return false, err
			}
		}
		if in.DestTerminalId[0] == passerBy {
			n.next++
			r.Packer.(*peer.Cmpp3SubmitRspPkt).MsgId = n.next
			break
		}
		switch n.rng.IntN(12) {
		case 0: // the line goes before it has taken it
			n.dropped++
			p.Conn.Close()
			return false, io.ErrClosedPipe
		case 1: // … and after
			n.unspoken++
			n.take(in)
			p.Conn.Close()
			return false, io.ErrClosedPipe
		}
		r.Packer.(*peer.Cmpp3SubmitRspPkt).MsgId = n.take(in)
	case *peer.Cmpp3DeliverRspPkt: // until it hears that it is kept it brings it again
		if in.Result == 0 {
			delete(n.owed, in.MsgId)
		}
	}
	return false, nil
}

func (n *carrierNet) take(in *peer.Cmpp3SubmitReqPkt) uint64 {
	n.next++
	n.taken[in.SrcId]++
	receipt := peer.CmppReceiptPkt{MsgId: n.next, Stat: "DELIVRD", SubmitTime: "2611281200", DoneTime: "2611281201", DestTerminalId: in.DestTerminalId[0]}
	body, err := receipt.Pack()
	if err != nil {
		panic(err)
	}
	n.owed[n.next] = peer.Cmpp3DeliverReqPkt{
		MsgId: n.next, DestId: in.SrcId, SrcTerminalId: in.DestTerminalId[0], RegisterDelivery: 1, MsgLength: uint8(len(body)), MsgContent: string(body),
	}
	return n.next
}

func (n *carrierNet) start(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &peer.Server{Handler: n, Typ: peer.V30, T: time.Minute, N: 3, ErrorLog: log.New(io.Discard, "", 0)}
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

func gatewaysFile(t *testing.T, mode os.FileMode, list ...gatewayEntry) string {
	t.Helper()
	b, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "gateways.json")
	if err := os.WriteFile(path, b, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func entry(address string) gatewayEntry {
	return gatewayEntry{Name: "mobile", Driver: "cmpp", Address: address, Account: "900001", Secret: "secret", Service: "SUIYUE", Number: "106900001", Extension: 6}
}

// TestArt13_NobodyGetsTwoMessagesForOneEventAndNoneIsLost sends through a carrier that loses its lines before and after it
// has taken a message, while the process that sends them dies between handing over and settling.
func TestArt13_NobodyGetsTwoMessagesForOneEventAndNoneIsLost(t *testing.T) {
	t.Parallel()
	const people = 60
	f := apptest.New(t, apptest.Options{})
	n := &carrierNet{rng: rand.New(rand.NewPCG(1, 2)), taken: map[string]int{}, owed: map[uint64]peer.Cmpp3DeliverReqPkt{}}
	g, err := openGateways(gatewaysFile(t, 0o600, entry(n.start(t))), time.Now, slog.New(slog.DiscardHandler), f.App.KeepReports)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.chain.Close() })
	mail := &jobs.Mail{
		App: f.App, Carrier: carrier(texting{sender: g.chain, gateways: g}), Log: slog.New(slog.DiscardHandler), Hold: holdFor, InFlight: 4,
		Words: func(m app.Outgoing) jobs.Text {
			return jobs.Text{To: m.Phone, Template: string(m.Row.Kind), Body: "【穗约】" + m.View.Code}
		},
	}
	slots := f.FreeSlots(apptest.QueueA)
	for i := range people {
		_, who := f.SignIn(t, apptest.Citizen(100+i))
		_, err := f.App.Book(t.Context(), who, app.BookRequest{
			Key: fmt.Sprintf("key-%08d", i), Item: apptest.SocialCard, SlotID: slots[i/4], Stage: directory.Acceptance,
			Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// Every few rounds the process dies: what it had handed over is settled by nobody.
	more := 100 // rounds, longer than a message is held, after everybody has theirs
	for round := 0; round < 1000 && more > 0; round++ {
		if round%7 == 3 {
			due, err := f.App.DueMessages(t.Context(), 3, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range due {
				if !m.Row.Handed.IsZero() { // a process that lives would have waited
					continue
				}
				text := mail.Words(m)
				text.Reference = m.Row.Ref()
				_, _ = mail.Carrier(t.Context(), text)
			}
		} else if _, err := mail.Send(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.mu.Lock()
		if len(n.taken) == people {
			more--
		}
		n.mu.Unlock()
		if round%5 == 0 {
			within, cancel := context.WithTimeout(t.Context(), time.Second)
			_, _ = g.chain.Send(within, sms.Message{To: passerBy, Template: "booked", Text: "【穗约】", Reference: fmt.Sprint("passer-by-", round)})
			cancel()
		}
		time.Sleep(20 * time.Millisecond) // what the carrier owes comes
		f.Clock.Add(10 * time.Second)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dropped == 0 || n.unspoken == 0 {
		t.Errorf("%d lines lost before, %d after: this proves nothing", n.dropped, n.unspoken)
	}
	twice := 0
	for _, times := range n.taken { // the passer-by is not among them
		if times > 1 {
			twice++
		}
	}
	if len(n.taken) != people || twice > 0 {
		t.Errorf("%d of %d people have their message, %d of them more than once", len(n.taken), people, twice)
	}
}

func TestAFileOfGatewaysIsReadWithCare(t *testing.T) {
	good := entry("127.0.0.1:1")
	if list, err := readGateways(gatewaysFile(t, 0o600, good)); err != nil || len(list) != 1 {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*gatewayEntry){
		"no name":        func(e *gatewayEntry) { e.Name = "" },
		"a name of more": func(e *gatewayEntry) { e.Name = "a b" },
		"another driver": func(e *gatewayEntry) { e.Driver = "smpp" },
		"account":        func(e *gatewayEntry) { e.Account = "1" },
		"no secret":      func(e *gatewayEntry) { e.Secret = "" },
		"number":         func(e *gatewayEntry) { e.Number = "106-9" },
		"extension":      func(e *gatewayEntry) { e.Extension = 15 },
		"address":        func(e *gatewayEntry) { e.Address = "gateway" },
		"price":          func(e *gatewayEntry) { e.Price = -1 },
		"no templates":   func(e *gatewayEntry) { e.Driver, e.Address = "dysms", "https://gateway" },
	} {
		e := good
		change(&e)
		g, err := openGateways(gatewaysFile(t, 0o600, e), time.Now, slog.New(slog.DiscardHandler), nil)
		if err == nil {
			g.chain.Close()
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), good.Secret+"\"") {
			t.Errorf("%s: the error shows the secret", name)
		}
	}
	for name, path := range map[string]string{
		"readable by others": gatewaysFile(t, 0o644, good),
		"two of a name":      gatewaysFile(t, 0o600, good, good),
		"none":               gatewaysFile(t, 0o600),
		"not there":          filepath.Join(t.TempDir(), "x"),
	} {
		if _, err := readGateways(path); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// approvedFile writes templates of every message but those left out, as a carrier would have approved them.
func approvedFile(t *testing.T, change func(*sms.Template), without ...string) string {
	t.Helper()
	var list []sms.Template
	for name, sentence := range web.Hans.Sentences("sms.") {
		if slices.Contains(without, name) {
			continue
		}
		one := sms.Template{Name: name, Language: string(web.Hans), ID: "SMS_" + strconv.Itoa(len(list)), Text: strings.ReplaceAll(strings.TrimPrefix(sentence, "【穗约】"), "{", "${")}
		if change != nil {
			change(&one)
		}
		list = append(list, one)
	}
	b, err := json.Marshal(map[string]any{"signature": "广州政务", "templates": list})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "templates.json")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestEveryMessageHasAWordingSomeGatewayMaySend: a server that could not send one of its messages does not start.
func TestEveryMessageHasAWordingSomeGatewayMaySend(t *testing.T) {
	with := func(name, templates string) gatewayEntry {
		e := entry("127.0.0.1:1")
		e.Name, e.Templates = name, templates
		return e
	}
	whole := approvedFile(t, nil)
	for name, c := range map[string]struct {
		list []gatewayEntry
		want string // part of the error, "" for none
	}{
		"all of them":            {[]gatewayEntry{with("a", whole)}, ""},
		"one nobody has":         {[]gatewayEntry{with("a", approvedFile(t, nil, "sms.booked"))}, "no gateway has an approved template of sms.booked in zh-Hans"},
		"one the other has":      {[]gatewayEntry{with("a", approvedFile(t, nil, "sms.booked")), with("b", approvedFile(t, nil, "sms.moved"))}, ""},
		"one the other is free":  {[]gatewayEntry{with("a", approvedFile(t, nil, "sms.booked")), with("b", "")}, ""},
		"one without its code":   {[]gatewayEntry{with("a", approvedFile(t, func(m *sms.Template) { m.Text = strings.ReplaceAll(m.Text, "${code}", "") })), with("b", "")}, `template "sms.booked" in "zh-Hans" lacks ${code}`},
		"one with something new": {[]gatewayEntry{with("a", approvedFile(t, func(m *sms.Template) { m.Text += "${name}" }))}, "has ${name}"},
		"no such file":           {[]gatewayEntry{with("a", "not-there.json")}, "gateway \"a\""},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := openGateways(gatewaysFile(t, 0o600, c.list...), time.Now, slog.New(slog.DiscardHandler), nil)
			if err == nil {
				g.chain.Close()
			}
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestEveryMessageIsMadeOfItsTemplate fills every wording with what the server fills it with.
func TestEveryMessageIsMadeOfItsTemplate(t *testing.T) {
	book, err := sms.OpenTemplates(approvedFile(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	for name, sentence := range web.Hans.Sentences("sms.") {
		var args []string
		for _, v := range sms.Variables(sentence) {
			args = append(args, v, "某"+v)
		}
		m := text(web.Hans, "19900000001", name, args...)
		made, err := book.Make(sms.Message{To: m.To, Template: m.Template, Language: m.Language, Values: m.Values})
		if err != nil || strings.TrimPrefix(made.Text, "【广州政务】") != strings.TrimPrefix(m.Body, "【穗约】") || strings.HasPrefix(made.Text, "【穗约】") {
			t.Errorf("%s: %q %v, ours is %q", name, made.Text, err, m.Body)
		}
		if !strings.HasPrefix(m.Body, "【穗约】") {
			t.Errorf("%s: not signed", name)
		}
	}
}
