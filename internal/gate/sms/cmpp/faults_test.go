package cmpp

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"suiyue/internal/gate/sms"
)

// script is what a gateway does with one connection.
type script func(g *end)

// end is the gateway's end of a connection.
type end struct {
	t    *testing.T
	conn net.Conn
}

func (g *end) read() packet {
	p, err := readPacket(g.conn)
	if err != nil {
		return packet{}
	}
	return p
}

func (g *end) say(command, serial uint32, body []byte) {
	g.conn.Write(packet{command, serial, body}.bytes())
}

// login lets the client in.
func (g *end) login() {
	p := g.read()
	if p.command != connect || len(p.body) != 27 {
		g.t.Errorf("no login: command %x, %d bytes", p.command, len(p.body))
		return
	}
	var ours [16]byte
	copy(ours[:], p.body[6:22])
	if want := digest("900001", "secret", time.Now().UTC().Format("0102150405")); ours != want {
		g.t.Error("the digest of the login is not that of the instant")
	}
	g.say(connect|answer, p.serial, hello(0, ours))
}

func hello(status uint32, ours [16]byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, status)
	theirs := gatewayDigest(b, ours, "secret")
	return append(append(b, theirs[:]...), version)
}

func accepted(id uint64, result uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, id), result)
}

// rest reads whatever comes and never says anything.
func (g *end) rest() {
	for g.read().command != 0 {
	}
}

// submitted waits for the next submit, and answers tests before it.
func (g *end) submitted() packet {
	for {
		switch p := g.read(); p.command {
		case activeTest:
			g.say(activeTest|answer, p.serial, []byte{0})
		default:
			return p
		}
	}
}

// good accepts everything until the line ends.
func good(g *end) {
	g.login()
	for id := uint64(1); ; id++ {
		p := g.submitted()
		switch p.command {
		case submit:
			g.say(submit|answer, p.serial, accepted(id, 0))
		case terminate:
			g.say(terminate|answer, p.serial, nil)
			return
		default:
			return
		}
	}
}

// play opens a client whose connections are served by scripts, the last again and again, inside a bubble of time.
func play(t *testing.T, change func(*Config), test func(t *testing.T, k *Client, dialled func() int), scripts ...script) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		n := 0
		c := Config{
			Address: "gateway:7890", Account: "900001", Secret: "secret", Service: "SUIYUE", Number: "106900001", Extension: 6, Zone: time.UTC,
			Now: time.Now, Log: slog.New(slog.DiscardHandler),
			Dial: func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				mu.Lock()
				s := scripts[min(n, len(scripts)-1)]
				n++
				mu.Unlock()
				if s == nil {
					return nil, errors.New("refused")
				}
				go func() {
					defer theirs.Close()
					s(&end{t, theirs})
				}()
				return ours, nil
			},
		}
		if change != nil {
			change(&c)
		}
		k, err := Open(c)
		if err != nil {
			t.Fatal(err)
		}
		test(t, k, func() int {
			mu.Lock()
			defer mu.Unlock()
			return n
		})
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = k.Close(ctx)
	})
}

func message(reference string) sms.Message {
	return sms.Message{To: "19900000001", Template: "booked", Text: "【穗约】测试", Reference: reference}
}

// within sends with a limit of time and gives the class of what came of it, "" for accepted.
func within(t *testing.T, k *Client, d time.Duration) sms.Class {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if _, err := k.Send(ctx, message("m")); err != nil {
		return sms.ClassOf(err)
	}
	return ""
}

func TestWhateverAGatewayDoesAMessageIsSentOrItIsSaid(t *testing.T) {
	const patient = 10 * time.Minute
	dead := func(g *end) { g.rest() }
	onSubmit := func(do func(g *end, p packet)) script {
		return func(g *end) {
			g.login()
			if p := g.submitted(); p.command == submit {
				do(g, p)
			}
		}
	}
	result := func(n uint32) script {
		return onSubmit(func(g *end, p packet) {
			g.say(submit|answer, p.serial, accepted(1, n))
			for p = g.submitted(); p.command == submit; p = g.submitted() {
				g.say(submit|answer, p.serial, accepted(2, n))
			}
		})
	}
	for name, c := range map[string]struct {
		scripts []script
		want    sms.Class
		patient time.Duration // 0 = ten minutes
	}{
		"well":                        {[]script{good}, "", 0},
		"down at first":               {[]script{nil, nil, nil, good}, "", 0},
		"down for long":               {[]script{nil}, sms.Temporary, time.Minute},
		"lets nobody in, then does":   {[]script{dead, good}, "", 0},
		"garbage for a login":         {[]script{func(g *end) { g.read(); g.conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }, good}, "", 0},
		"an endless packet":           {[]script{func(g *end) { g.read(); g.conn.Write([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0}) }, good}, "", 0},
		"half a packet":               {[]script{func(g *end) { g.read(); g.conn.Write([]byte{0, 0, 0, 33, 0x80}) }, good}, "", 0},
		"never answers a submit":      {[]script{func(g *end) { g.login(); dead(g) }}, sms.Unknown, 0},
		"hangs up on a submit":        {[]script{onSubmit(func(*end, packet) {}), good}, sms.Unknown, 0},
		"half an answer":              {[]script{onSubmit(func(g *end, p packet) { g.conn.Write([]byte{0, 0, 0, 24}) }), good}, sms.Unknown, 0},
		"an answer to something else": {[]script{onSubmit(func(g *end, p packet) { g.say(activeTest|answer, p.serial, []byte{0}); dead(g) })}, sms.Unknown, 0},
		"an answer too short":         {[]script{onSubmit(func(g *end, p packet) { g.say(submit|answer, p.serial, []byte{1}); dead(g) })}, sms.Unknown, 0},
		"too much for a while": {[]script{onSubmit(func(g *end, p packet) {
			g.say(submit|answer, p.serial, accepted(0, 8))
			p = g.submitted()
			g.say(submit|answer, p.serial, accepted(1, 0))
			dead(g)
		})}, "", 0},
		"too much for ever":              {[]script{result(8)}, sms.Temporary, 10*time.Second + time.Second/2},
		"no such phone":                  {[]script{result(13)}, sms.Permanent, 0},
		"a contract that does not allow": {[]script{result(10)}, sms.Temporary, 0},
		"twice the same answer": {[]script{onSubmit(func(g *end, p packet) {
			g.say(submit|answer, p.serial, accepted(1, 0))
			g.say(submit|answer, p.serial, accepted(1, 0))
			g.say(submit|answer, p.serial+99, accepted(1, 0))
			dead(g)
		})}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(t *testing.T, k *Client, _ func() int) {
				if got := within(t, k, or(c.patient, patient)); got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
			}, c.scripts...)
		})
	}
}

func TestAfterALineWasLostTheNextMessageGoesOverANewOne(t *testing.T) {
	play(t, nil, func(t *testing.T, k *Client, dialled func() int) {
		if got := within(t, k, time.Minute); got != sms.Unknown {
			t.Errorf("%q", got)
		}
		if got := within(t, k, time.Minute); got != "" {
			t.Errorf("%q", got)
		}
		if dialled() != 2 {
			t.Errorf("%d connections", dialled())
		}
	}, func(g *end) { g.login(); g.submitted() }, good)
}

func TestAGoodbyeIsAnsweredAndTheLineMadeAnew(t *testing.T) {
	play(t, nil, func(t *testing.T, k *Client, dialled func() int) {
		time.Sleep(time.Minute)
		if got := within(t, k, time.Minute); got != "" || dialled() != 2 {
			t.Errorf("%q, %d connections", got, dialled())
		}
	}, func(g *end) {
		g.login()
		g.say(terminate, 7, nil)
		if p := g.read(); p.command != terminate|answer || p.serial != 7 {
			g.t.Errorf("goodbye was answered by %x", p.command)
		}
	}, good)
}

func TestNoMoreAreUnderWayThanTheWindowHolds(t *testing.T) {
	const window, messages = 4, 20
	held := make(chan packet, messages)
	play(t, func(c *Config) { c.Window = window }, func(t *testing.T, k *Client, _ func() int) {
		var wg sync.WaitGroup
		ids := make([]string, messages)
		for i := range messages {
			wg.Go(func() {
				r, err := k.Send(t.Context(), message(string(rune('a'+i))))
				if err != nil {
					t.Error(err)
				}
				ids[i] = r.ID
			})
		}
		wg.Wait()
		seen := map[string]bool{}
		for _, id := range ids {
			seen[id] = true
		}
		if len(seen) != messages {
			t.Errorf("%d different ids", len(seen))
		}
	}, func(g *end) {
		g.login()
		over := make(chan struct{})
		go func() {
			defer close(over)
			for p := g.read(); p.command == submit; p = g.read() {
				held <- p
			}
			g.rest()
		}()
		for done := 0; done < messages; {
			time.Sleep(time.Second) // whatever may come has come
			n := len(held)
			if n > window || n == 0 {
				g.t.Errorf("%d under way", n)
			}
			var list []packet
			for range n {
				list = append(list, <-held)
			}
			for i := range list { // answered the other way round
				p := list[n-1-i]
				g.say(submit|answer, p.serial, accepted(uint64(p.serial), 0))
			}
			done += n
		}
		<-over
	})
}

func TestASilentGatewayIsTestedAndGivenUp(t *testing.T) {
	var tests int
	play(t, nil, func(t *testing.T, k *Client, dialled func() int) {
		time.Sleep(3*time.Minute + 2*time.Minute + 30*time.Second) // silence, two tests unanswered, the third under way
		if well, _ := k.Well(); !well || dialled() != 1 {
			t.Error("given up too soon")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if well, why := k.Well(); !well || dialled() != 2 || tests != 3 {
			t.Errorf("%v %s, %d connections, %d tests", well, why, dialled(), tests)
		}
	}, func(g *end) {
		g.login()
		for p := g.read(); p.command != 0; p = g.read() {
			if p.command == activeTest {
				tests++
			}
		}
	}, good)
}

func TestAQuietLineThatAnswersIsKept(t *testing.T) {
	play(t, nil, func(t *testing.T, k *Client, dialled func() int) {
		time.Sleep(24 * time.Hour)
		if well, _ := k.Well(); !well || dialled() != 1 {
			t.Errorf("%d connections", dialled())
		}
		if got := within(t, k, time.Minute); got != "" {
			t.Errorf("%q", got)
		}
	}, good)
}

func TestALoginThatIsRefusedIsNotTriedAgainForMinutes(t *testing.T) {
	refuse := func(g *end) {
		p := g.read()
		g.say(connect|answer, p.serial, hello(3, [16]byte{}))
	}
	stranger := func(g *end) {
		p := g.read()
		g.say(connect|answer, p.serial, append(make([]byte, 20), version))
	}
	for name, s := range map[string]script{"by the gateway": refuse, "by us, for it does not know the secret": stranger} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(t *testing.T, k *Client, dialled func() int) {
				time.Sleep(4 * time.Minute)
				if well, why := k.Well(); well || why != "login refused" || dialled() != 1 {
					t.Errorf("%s, %d connections", why, dialled())
				}
				time.Sleep(5 * time.Minute)
				if dialled() != 2 {
					t.Errorf("%d connections", dialled())
				}
			}, s)
		})
	}
}

// bring is a report as a gateway brings it.
func bring(id uint64, tag, state string, phone int) []byte {
	content := binary.BigEndian.AppendUint64(nil, id)
	content = field(content, state, 7)
	content = field(field(content, "2611281200", 10), "2611281201", 10)
	content = binary.BigEndian.AppendUint32(field(content, "19900000001", phone), 1)
	b := binary.BigEndian.AppendUint64(nil, 900+id)
	b = field(b, "106900001"+tag, numberSize)
	b = field(b, "", serviceSize)
	b = append(b, 0, 0, 0)
	b = field(b, "19900000001", terminalSize)
	b = append(b, 0, 1, byte(len(content)))
	return field(append(b, content...), "", linkSize)
}

func TestAReportIsAcknowledgedWhenItIsKept(t *testing.T) {
	var kept []Report
	fails := true
	play(t, func(c *Config) {
		c.Keep = func(_ context.Context, list []Report) error {
			if fails {
				fails = false
				return errors.New("no database")
			}
			kept = append(kept, list...)
			return nil
		}
	}, func(t *testing.T, k *Client, _ func() int) {
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []Report{{"0000000000000005", "00012", 3, true, "DELIVRD"}, {"0000000000000006", "", 0, false, "UNDELIV"}}
		if len(kept) != 2 || kept[0] != want[0] || kept[1] != want[1] {
			t.Errorf("%+v", kept)
		}
	}, func(g *end) {
		g.login()
		ask := func(serial uint32, body []byte, want uint32) {
			g.say(deliver, serial, body)
			p := g.read()
			f := fields{rest: p.body}
			if f.uint64(); p.command != deliver|answer || p.serial != serial || f.uint32() != want {
				g.t.Errorf("answered by %x %v", p.command, p.body)
			}
		}
		ask(1, bring(5, "000123", "DELIVRD", terminalSize), notKept)
		ask(2, bring(5, "000123", "DELIVRD", terminalSize), 0)
		ask(3, bring(6, "", "UNDELIV", numberSize), 0) // the phone as in 2.0
		reply := bring(7, "", "x", terminalSize)
		reply[8+numberSize+serviceSize+3+terminalSize+1] = 0 // somebody wrote
		ask(4, reply, 0)
		g.rest()
	})
}

func TestAMessageNobodyTakesOffTheLineEndsIt(t *testing.T) {
	play(t, nil, func(t *testing.T, k *Client, _ func() int) {
		if got := within(t, k, 5*time.Minute); got != sms.Unknown {
			t.Errorf("%q", got)
		}
		if got := within(t, k, 5*time.Minute); got != "" {
			t.Errorf("%q", got)
		}
		time.Sleep(time.Hour)
	}, func(g *end) { g.login(); time.Sleep(time.Hour) }, good)
}

func TestClosedItTakesNoMoreAndLosesNothing(t *testing.T) {
	play(t, nil, func(t *testing.T, k *Client, _ func() int) {
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if got := within(t, k, time.Minute); got != "" {
					t.Errorf("%q", got)
				}
			})
		}
		time.Sleep(time.Second) // all are under way
		if err := k.Close(t.Context()); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if got := within(t, k, time.Minute); got != sms.Temporary {
			t.Errorf("%q", got)
		}
	}, func(g *end) {
		g.login()
		said := false
		for !said {
			p := g.submitted()
			if said = p.command == terminate; said {
				g.say(terminate|answer, p.serial, nil)
				break
			}
			go func() {
				time.Sleep(10 * time.Second)
				g.say(submit|answer, p.serial, accepted(1, 0))
			}()
		}
	})
}

func TestALongTextIsCutBetweenCharacters(t *testing.T) {
	for _, text := range []string{"短", strings.Repeat("长", 70), strings.Repeat("长", 71), strings.Repeat("长", 66) + strings.Repeat("😀", 40), strings.Repeat("a", sms.MaxText)} {
		list := parts(text, 200)
		if len(list) != sms.Segments(text) {
			t.Errorf("%d parts, counted as %d", len(list), sms.Segments(text))
		}
		var whole []byte
		for i, p := range list {
			content := p.content
			if len(list) > 1 {
				if string(content[:6]) != string([]byte{5, 0, 3, 200, byte(len(list)), byte(i + 1)}) {
					t.Errorf("header %v", content[:6])
				}
				content = content[6:]
				if hi := content[len(content)-2]; hi >= 0xd8 && hi < 0xdc {
					t.Error("a character is cut in two")
				}
			}
			if len(p.content) > inOne {
				t.Errorf("%d bytes", len(p.content))
			}
			whole = append(whole, content...)
		}
		if string(whole) != string(encode(text)) {
			t.Error("the parts are not the whole")
		}
	}
}

func FuzzDelivery(f *testing.F) {
	f.Add(bring(5, "000123", "DELIVRD", terminalSize))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, r, err := delivery("106900001", body)
		if err == nil && r != nil && (len(r.ID) != 16 || r.State == "") {
			t.Errorf("%+v", r)
		}
	})
}
