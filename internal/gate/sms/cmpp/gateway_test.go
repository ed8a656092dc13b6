package cmpp_test

import (
	"context"
	"io"
	"log"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	peer "github.com/bigwhite/gocmpp"

	"suiyue/internal/gate/sms"
	"suiyue/internal/gate/sms/cmpp"
	"suiyue/internal/gate/sms/smstest"
)

const (
	account   = "900001"
	secret    = "a secret of tests"
	number    = "106900001"
	extension = 6
)

// gateway is a server of somebody else's making, and what it was given.
type gateway struct {
	mu    sync.Mutex
	parts []peer.Cmpp3SubmitReqPkt
	next  uint64
	early bool // its reports come before its answers
}

func (g *gateway) ServeCmpp(r *peer.Response, p *peer.Packet, _ *log.Logger) (bool, error) {
	switch in := p.Packer.(type) {
	case *peer.CmppConnReqPkt:
		out := r.Packer.(*peer.Cmpp3ConnRspPkt)
		out.Secret, out.AuthSrc, out.Version = secret, in.AuthSrc, peer.V30
		if in.SrcAddr != account {
			out.Status = 2
		}
	case *peer.Cmpp3SubmitReqPkt:
		g.mu.Lock()
		defer g.mu.Unlock()
		g.next++
		g.parts = append(g.parts, *in)
		r.Packer.(*peer.Cmpp3SubmitRspPkt).MsgId = g.next
		if !g.early {
			break
		}
		receipt := peer.CmppReceiptPkt{MsgId: g.next, Stat: "DELIVRD", SubmitTime: "2611281200", DoneTime: "2611281201", DestTerminalId: in.DestTerminalId[0]}
		body, err := receipt.Pack()
		if err != nil {
			return false, err
		}
		return false, p.SendPkt(&peer.Cmpp3DeliverReqPkt{
			MsgId: g.next, DestId: in.SrcId, SrcTerminalId: in.DestTerminalId[0], RegisterDelivery: 1, MsgLength: uint8(len(body)), MsgContent: string(body),
		}, <-p.SeqId)
	}
	return false, nil
}

// whole puts the pieces of each message together, in the order of their first.
func (g *gateway) whole(t *testing.T) (tags []string, out map[string]sms.Message) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	out = map[string]sms.Message{}
	for _, p := range g.parts {
		tag := p.SrcId[len(number) : len(p.SrcId)-1]
		if p.SrcId[len(p.SrcId)-1] != '0'+p.PkTotal {
			t.Errorf("sent from %s, in %d parts", p.SrcId, p.PkTotal)
		}
		m, seen := out[tag]
		if !seen {
			tags = append(tags, tag)
		}
		content := []byte(p.MsgContent)
		if p.TpUdhi == 1 {
			if len(content) > 140 || content[0] != 5 || content[4] != p.PkTotal || content[5] != p.PkNumber {
				t.Errorf("piece %d of %d: %d bytes, header %v", p.PkNumber, p.PkTotal, len(content), content[:6])
			}
			content = content[6:]
		}
		if p.MsgFmt != 8 || p.RegisteredDelivery != 1 || p.MsgSrc != account || p.ServiceId != "SUIYUE" {
			t.Errorf("format %d, report %d, account %q, service %q", p.MsgFmt, p.RegisteredDelivery, p.MsgSrc, p.ServiceId)
		}
		var units []uint16
		for i := 0; i < len(content); i += 2 {
			units = append(units, uint16(content[i])<<8|uint16(content[i+1]))
		}
		m.To = p.DestTerminalId[0]
		m.Text += string(utf16.Decode(units))
		out[tag] = m
	}
	return tags, out
}

// start runs the gateway until the test ends.
func (g *gateway) start(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &peer.Server{Handler: g, Typ: peer.V30, T: time.Minute, N: 3, ErrorLog: log.New(io.Discard, "", 0)}
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

func connect(t *testing.T, address string, change func(*cmpp.Config)) *cmpp.Client {
	t.Helper()
	c := cmpp.Config{
		Address: address, Account: account, Secret: secret, Service: "SUIYUE", Number: number, Extension: extension,
		Zone: time.UTC, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&c)
	}
	k, err := cmpp.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := k.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return k
}

// named remembers what the wire does not carry: template and reference.
type named struct {
	sms.Sender
	mu   sync.Mutex
	sent map[string]sms.Message
}

func (n *named) Send(ctx context.Context, m sms.Message) (sms.Receipt, error) {
	n.mu.Lock()
	n.sent[cmpp.Tag(m.Reference, extension)] = m
	n.mu.Unlock()
	return n.Sender.Send(ctx, m)
}

func TestItIsASenderToAServerOfOthers(t *testing.T) {
	smstest.Run(t, func(t *testing.T) (sms.Sender, func(*testing.T) []sms.Message) {
		g := &gateway{}
		n := &named{Sender: connect(t, g.start(t), nil), sent: map[string]sms.Message{}}
		return n, func(t *testing.T) (out []sms.Message) {
			tags, got := g.whole(t)
			for _, tag := range tags {
				m := got[tag]
				m.Template, m.Reference = n.sent[tag].Template, n.sent[tag].Reference
				if m.To[:2] == "00" {
					m.To = "+" + m.To[2:]
				}
				out = append(out, m)
			}
			return out
		}
	})
}

func TestAReportFindsItsMessageThoughItComesBeforeTheAnswer(t *testing.T) {
	g, reports := &gateway{early: true}, make(chan cmpp.Report, 10)
	k := connect(t, g.start(t), func(c *cmpp.Config) {
		c.Keep = func(_ context.Context, list []cmpp.Report) error {
			for _, r := range list {
				reports <- r
			}
			return nil
		}
	})
	m := smstest.Good(1)
	for range 8 {
		m.Text += "这是一条很长的短信。"
	}
	r, err := k.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Parts) != 2 || r.ID != r.Parts[0] || r.Segments != 2 {
		t.Fatalf("%+v", r)
	}
	var ids []string
	for range r.Parts {
		got := <-reports
		if !got.Arrived || got.State != "DELIVRD" || got.Tag != cmpp.Tag(m.Reference, extension) || got.Of != 2 {
			t.Errorf("%+v", got)
		}
		ids = append(ids, got.ID)
	}
	if slices.Sort(ids); !slices.Equal(ids, r.Parts) {
		t.Errorf("reports of %v, sent %v", ids, r.Parts)
	}
}

func TestAWrongAccountIsNotAskedForAgainAtOnce(t *testing.T) {
	k := connect(t, (&gateway{}).start(t), func(c *cmpp.Config) { c.Account = "900002" })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := k.Send(ctx, smstest.Good(1))
	if sms.ClassOf(err) != sms.Temporary {
		t.Error(err)
	}
	if well, why := k.Well(); well || why != "login refused" {
		t.Error(well, why)
	}
}
