package cmpp

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"time"

	"suiyue/internal/gate/sms"
)

// line is one connection that has logged in, until it is lost.
type line struct {
	k       *Client
	conn    net.Conn
	quiet   *time.Timer // runs out when nothing has come for a heartbeat
	brought chan packet // what the gateway has brought and is not kept yet

	writing sync.Mutex
	mu      sync.Mutex
	waiting map[uint32]chan packet // by serial
	lost    bool
}

func newLine(k *Client, conn net.Conn) *line {
	return &line{k: k, conn: conn, quiet: time.NewTimer(k.c.Heartbeat), brought: make(chan packet, atOnce), waiting: map[uint32]chan packet{}}
}

// atOnce is how many reports are kept together at most.
const atOnce = 64

var (
	errLost   = errors.New("cmpp: line lost")
	errSilent = errors.New("cmpp: no answer in time")
)

// write sends a packet whole or ends the line: half a packet would spoil all after it.
func (l *line) write(p packet) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	hangs := time.AfterFunc(l.k.c.Timeout, func() { l.conn.Close() })
	defer hangs.Stop()
	_, err := l.conn.Write(p.bytes())
	if err != nil {
		l.end()
	}
	return err
}

// end wakes everybody who waits for an answer; it may be called more than once.
func (l *line) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost {
		return
	}
	l.lost = true
	l.k.gone(l)
	l.conn.Close()
	for _, w := range l.waiting {
		close(w)
	}
	l.waiting = nil
}

// ask sends a packet and waits for its answer. errNothing says that nothing was sent.
func (l *line) ask(ctx context.Context, command uint32, body []byte) (packet, error) {
	serial, w := l.k.serial.Add(1), make(chan packet, 1)
	l.mu.Lock()
	if l.lost {
		l.mu.Unlock()
		return packet{}, errNothing
	}
	l.waiting[serial] = w
	l.mu.Unlock()
	if err := l.write(packet{command, serial, body}); err != nil {
		return packet{}, errLost
	}
	timer := time.NewTimer(l.k.c.Timeout)
	defer timer.Stop()
	forget := func() {
		l.mu.Lock()
		delete(l.waiting, serial)
		l.mu.Unlock()
	}
	select {
	case p, ok := <-w:
		if !ok {
			return packet{}, errLost
		}
		if p.command != command|answer {
			return packet{}, errNotCMPP
		}
		return p, nil
	case <-timer.C:
		forget()
		return packet{}, errSilent
	case <-ctx.Done():
		forget()
		return packet{}, ctx.Err()
	}
}

// errNothing says that a line was lost before anything went out.
var errNothing = errors.New("cmpp: line lost before")

// submit hands over one part. It is never sent twice by itself: a gateway that is only slow would send it twice.
func (l *line) submit(ctx context.Context, body []byte) (id uint64, result uint32, err error) {
	p, err := l.ask(ctx, submit, body)
	if errors.Is(err, errNothing) {
		return 0, 0, err
	}
	f := fields{rest: p.body}
	id, result = f.uint64(), f.uint32()
	if err == nil && f.short {
		err = errNotCMPP
	}
	if err != nil {
		return 0, 0, sms.Refuse(sms.Unknown, "no answer of the gateway", err)
	}
	return id, result, nil
}

// serve reads until the line is lost or ctx ends, and tests it when it is quiet.
func (l *line) serve(ctx context.Context) error {
	unhook := context.AfterFunc(ctx, l.end)
	defer unhook()
	defer l.end()
	within, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	beside.Go(func() { l.test(within) })
	beside.Go(func() {
		defer cancel()
		l.keepAll(within)
	})
	in := bufio.NewReader(l.conn)
	for {
		p, err := readPacket(in)
		if err != nil {
			return err
		}
		l.quiet.Reset(l.k.c.Heartbeat)
		if err := l.take(within, p); err != nil {
			return err
		}
	}
}

var errGoodbye = errors.New("cmpp: the gateway ended the line")

// take does what a packet asks for.
func (l *line) take(ctx context.Context, p packet) error {
	switch p.command {
	case activeTest:
		return l.write(packet{activeTest | answer, p.serial, []byte{0}})
	case terminate:
		_ = l.write(packet{terminate | answer, p.serial, nil})
		return errGoodbye
	case deliver:
		select {
		case l.brought <- p: // a gateway that brings more than can be kept has to wait
			return nil
		case <-ctx.Done():
			return errLost
		}
	}
	if p.command&answer == 0 {
		return nil // nothing a gateway asks of us
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.waiting[p.serial]; w != nil {
		delete(l.waiting, p.serial)
		w <- p
	}
	return nil
}

// Results of a deliver.
const (
	kept    = 0
	notKept = 9 // anything but 0: the gateway brings it again
)

// keepAll keeps what the gateway brings, as much as has come at a time, and acknowledges it then.
func (l *line) keepAll(ctx context.Context) {
	for {
		var list []packet
		select {
		case p := <-l.brought:
			list = append(list, p)
		case <-ctx.Done():
			return
		}
		for len(list) < atOnce && len(l.brought) > 0 {
			list = append(list, <-l.brought)
		}
		if err := l.keep(ctx, list); err != nil {
			l.end()
			return
		}
	}
}

// keep keeps the reports among what has come. What a person wrote is nobody's business: it is taken and forgotten.
func (l *line) keep(ctx context.Context, list []packet) error {
	var reports []Report
	ids := make([]uint64, len(list))
	for i, p := range list {
		id, report, err := delivery(l.k.c.Number, p.body)
		if err != nil {
			l.k.c.Log.Warn("the SMS gateway sent what cannot be read", "bytes", len(p.body))
			return err
		}
		ids[i] = id
		if report != nil {
			reports = append(reports, *report)
		}
	}
	result := uint32(kept)
	if len(reports) > 0 && l.k.c.Keep != nil {
		if err := l.k.c.Keep(ctx, reports); err != nil {
			l.k.c.Log.Warn("reports of the SMS gateway were not kept", "reports", len(reports), "error", err)
			result = notKept
		}
	}
	for i, p := range list {
		body := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, ids[i]), result)
		if err := l.write(packet{deliver | answer, p.serial, body}); err != nil {
			return err
		}
	}
	return nil
}

// test asks whether anybody is there when nothing has come for a while; unanswered so often, the line is given up.
func (l *line) test(ctx context.Context) {
	defer l.quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.quiet.C:
		}
		err := errSilent
		for range l.k.c.Tries {
			if _, err = l.ask(ctx, activeTest, nil); !errors.Is(err, errSilent) {
				break
			}
		}
		if err != nil {
			l.end()
			return
		}
	}
}
