package cmpp

import (
	"context"
	"crypto/md5"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"suiyue/internal/gate/sms"
)

// Config says how to reach a gateway, and as whom. Nothing of it but Address may show anywhere.
type Config struct {
	Address   string // host:port
	Account   string // Source_Addr: 6 characters
	Secret    string
	Service   string         // Service_Id: at most 10 characters
	Number    string         // the number people see, 106…; digits are added to it where Extension says so
	Extension int            // digits that tell one message from another, the last in how many parts it is; 0 where the contract has none, or 2 to 9
	Zone      *time.Location // in which the gateway reads the clock of a login

	Window    int           // submits under way at most; 0 = 16
	PerSecond int           // submits a second by contract; 0 = no limit of ours
	Heartbeat time.Duration // an active test after so long a silence; 0 = 3 minutes
	Timeout   time.Duration // an answer is waited for so long; 0 = 60 s
	Tries     int           // active tests without an answer until the line is given up; 0 = 3

	Now  func() time.Time
	Dial func(ctx context.Context, network, address string) (net.Conn, error) // nil = net.Dialer
	Log  *slog.Logger
	Keep func(ctx context.Context, list []Report) error // keeps reports before they are acknowledged; else they come again. May be nil
}

// Check finds what a gateway would refuse.
func (c *Config) Check() error {
	switch {
	case len(c.Account) != accountSize:
		return errors.New("cmpp: the account has 6 characters")
	case c.Secret == "":
		return errors.New("cmpp: the secret is missing")
	case len(c.Service) > serviceSize:
		return errors.New("cmpp: the service has at most 10 characters")
	case c.Number == "" || strings.Trim(c.Number, "0123456789") != "":
		return errors.New("cmpp: the number has digits only")
	case c.Extension < 0 || c.Extension == 1 || c.Extension > 9 || len(c.Number)+c.Extension > numberSize-1:
		return fmt.Errorf("cmpp: the extension has 0 or 2 to 9 digits, with the number at most %d", numberSize-1)
	case c.Window < 0 || c.Window > 256 || c.PerSecond < 0:
		return errors.New("cmpp: the window lies between 1 and 256")
	case c.Now == nil || c.Log == nil || c.Zone == nil:
		return errors.New("cmpp: a clock, its zone and a log are needed")
	}
	if _, _, err := net.SplitHostPort(c.Address); err != nil {
		return errors.New("cmpp: the address is host:port")
	}
	return nil
}

// Client keeps one connection to a gateway, made anew whenever it is lost. It is an sms.Sender.
type Client struct {
	c      Config
	pace   *rate.Limiter
	window chan struct{}
	serial atomic.Uint32
	piece  atomic.Uint32 // reference of the last long message

	mu     sync.Mutex
	up     chan struct{} // closed while line is not nil
	line   *line
	closed bool
	why    string // why there is no line: a fixed word

	stop context.CancelFunc
	done chan struct{}
}

// Open starts to connect and returns at once. It returns an error only for a Config that cannot work.
func Open(c Config) (*Client, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	c.Window, c.Tries = or(c.Window, 16), or(c.Tries, 3)
	c.Heartbeat, c.Timeout = or(c.Heartbeat, 3*time.Minute), or(c.Timeout, time.Minute)
	if c.Dial == nil {
		c.Dial = (&net.Dialer{KeepAlive: time.Minute}).DialContext
	}
	ctx, stop := context.WithCancel(context.Background())
	k := &Client{c: c, window: make(chan struct{}, c.Window), up: make(chan struct{}), stop: stop, done: make(chan struct{}), why: "not connected yet"}
	if c.PerSecond > 0 {
		k.pace = rate.NewLimiter(rate.Limit(c.PerSecond), 1)
	}
	k.serial.Store(rand.Uint32())
	k.piece.Store(rand.Uint32())
	go k.keep(ctx)
	return k, nil
}

func or[T comparable](v, otherwise T) T {
	var none T
	if v == none {
		return otherwise
	}
	return v
}

// Well tells whether the gateway is connected, and else why not.
func (k *Client) Well() (bool, string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.line != nil, k.why
}

// Send implements sms.Sender. A long message is accepted when each of its parts is. The class of an error is
// sms.Unknown when the line was lost, or the gateway silent, after a part had gone out.
func (k *Client) Send(ctx context.Context, m sms.Message) (sms.Receipt, error) {
	if err := m.Check(); err != nil {
		return sms.Receipt{}, err
	}
	if len(m.To)+1 > terminalSize {
		return sms.Receipt{}, sms.Refuse(sms.Permanent, "phone", nil)
	}
	list := parts(m.Text, byte(k.piece.Add(1)))
	r := sms.Receipt{Segments: len(list)}
	to, from := strings.Replace(m.To, "+", "00", 1), k.c.Number
	if k.c.Extension > 0 {
		r.Tag = Tag(m.Reference, k.c.Extension)
		from += r.Tag + strconv.Itoa(len(list))
	}
	for _, p := range list {
		id, err := k.submit(ctx, submission(&k.c, to, from, p))
		if err != nil {
			return sms.Receipt{}, err
		}
		r.Parts = append(r.Parts, carrierID(id))
	}
	r.ID, r.Accepted = r.Parts[0], k.c.Now()
	return r, nil
}

// Tag gives the digits a report of that reference brings back under an extension of so many, without the last.
func Tag(reference string, extension int) string { return sms.Tag(reference, max(extension-1, 0)) }

// pauseWhenFull is waited after the gateway has said that it is given too much.
const pauseWhenFull = time.Second

// submit hands over one part. Told that it is too much, it waits and tries again until ctx ends.
func (k *Client) submit(ctx context.Context, body []byte) (id uint64, err error) {
	for {
		l, err := k.enter(ctx)
		if err != nil {
			return 0, err
		}
		id, result, err := l.submit(ctx, body)
		<-k.window
		switch {
		case errors.Is(err, errNothing): // the line was lost between
			continue
		case err != nil:
			return 0, err
		case result == 0:
			return id, nil
		case result != tooMuch:
			return 0, refusal(result)
		}
		select {
		case <-time.After(pauseWhenFull):
		case <-ctx.Done():
			return 0, sms.Refuse(sms.Temporary, "too much for the gateway", ctx.Err())
		}
	}
}

// enter waits for the contract's pace, a place in the window and a line.
func (k *Client) enter(ctx context.Context) (*line, error) {
	givenUp := func(cause error) error { return sms.Refuse(sms.Temporary, "no line to the gateway in time", cause) }
	if k.pace != nil {
		if err := k.pace.Wait(ctx); err != nil {
			return nil, sms.Refuse(sms.Temporary, "not its turn in time", err)
		}
	}
	select {
	case k.window <- struct{}{}:
	case <-k.done:
		return nil, errClosed
	case <-ctx.Done():
		return nil, givenUp(ctx.Err())
	}
	for {
		k.mu.Lock()
		l, up, closed := k.line, k.up, k.closed
		k.mu.Unlock()
		switch {
		case closed:
			<-k.window
			return nil, errClosed
		case l != nil:
			return l, nil
		}
		select {
		case <-up:
		case <-k.done:
		case <-ctx.Done():
			<-k.window
			return nil, givenUp(ctx.Err())
		}
	}
}

var errClosed = sms.Refuse(sms.Temporary, "closed", net.ErrClosed)

const (
	tooMuch = 8

	wrongLength = 4
	tooLong     = 6
	wrongPhone  = 13
)

// refusal classes the result of a submit: a message may be wrong; everything else is about contract and gateway, which
// somebody can put right, or another gateway does not mind.
func refusal(result uint32) error {
	class := sms.Temporary
	if result == wrongLength || result == tooLong || result == wrongPhone {
		class = sms.Permanent
	}
	return sms.Refuse(class, fmt.Sprintf("gateway says %d", result), nil)
}

// Close takes no more, waits until what is under way is answered or ctx ends, and says goodbye.
func (k *Client) Close(ctx context.Context) error {
	k.mu.Lock()
	already := k.closed
	k.closed = true
	l := k.line
	k.mu.Unlock()
	if already {
		<-k.done
		return nil
	}
	var err error
	for range k.c.Window {
		select {
		case k.window <- struct{}{}:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if l != nil && err == nil {
		bye, cancel := context.WithTimeout(ctx, min(k.c.Timeout, 5*time.Second))
		_, _ = l.ask(bye, terminate, nil)
		cancel()
	}
	k.stop()
	<-k.done
	return err
}

const (
	firstPause = 200 * time.Millisecond
	lastPause  = time.Minute
	// A gateway that refuses the login is not asked every second: it would lock the account.
	refusedPause = 5 * time.Minute
)

var errRefused = errors.New("cmpp: login refused")

// keep connects again and again until ctx ends.
func (k *Client) keep(ctx context.Context) {
	defer close(k.done)
	pause := firstPause
	for ctx.Err() == nil {
		l, err := k.connect(ctx)
		if err == nil {
			pause = firstPause
			k.set(l, "")
			err = l.serve(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		wait := time.Duration(float64(pause) * (0.5 + rand.Float64()))
		if errors.Is(err, errRefused) {
			wait = refusedPause
			k.set(nil, "login refused")
		} else if l == nil {
			k.set(nil, "cannot be reached")
		}
		k.c.Log.Warn("no line to the SMS gateway", "gateway", k.c.Address, "error", err, "again_in", wait.Round(time.Millisecond))
		pause = min(2*pause, lastPause)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

func (k *Client) set(l *line, why string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l != nil {
		close(k.up)
		k.line = l
	}
	k.why = why
}

// gone takes a lost line away, once.
func (k *Client) gone(l *line) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.line == l {
		k.line, k.up, k.why = nil, make(chan struct{}), "line lost"
	}
}

// connect dials and logs in; the gateway has to prove that it knows the secret, too.
func (k *Client) connect(ctx context.Context) (*line, error) {
	within, cancel := context.WithTimeout(ctx, k.c.Timeout)
	defer cancel()
	conn, err := k.c.Dial(within, "tcp", k.c.Address)
	if err != nil {
		return nil, err
	}
	unhook := context.AfterFunc(within, func() { conn.Close() })
	body, ours := login(k.c.Account, k.c.Secret, k.c.Now().In(k.c.Zone))
	err = k.greet(conn, body, ours)
	if !unhook() && err == nil {
		err = within.Err()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return newLine(k, conn), nil
}

func (k *Client) greet(conn net.Conn, body []byte, ours [md5.Size]byte) error {
	serial := k.serial.Add(1)
	if _, err := conn.Write(packet{connect, serial, body}.bytes()); err != nil {
		return err
	}
	p, err := readPacket(conn)
	if err != nil {
		return err
	}
	f := fields{rest: p.body}
	status := f.bytes(4)
	theirs := f.bytes(md5.Size)
	if p.command != connect|answer || p.serial != serial || f.short {
		return errNotCMPP
	}
	if n := binary.BigEndian.Uint32(status); n != 0 {
		return fmt.Errorf("%w: status %d", errRefused, n)
	}
	want := gatewayDigest(status, ours, k.c.Secret)
	if subtle.ConstantTimeCompare(theirs, want[:]) != 1 {
		return fmt.Errorf("%w: by us, for the gateway does not know the secret", errRefused)
	}
	return nil
}
