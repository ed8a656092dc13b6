// Package cmpp speaks CMPP 3.0, by which the gateways of China Mobile take short messages: one long connection, a
// login by digest, a window of submits under way, an active test when it is quiet, reports of what has arrived.
package cmpp

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// version is 3.0.
const version = 0x30

// What a packet is about; an answer has the highest bit, too.
const (
	connect    uint32 = 1
	terminate  uint32 = 2
	submit     uint32 = 4
	deliver    uint32 = 5
	activeTest uint32 = 8

	answer uint32 = 1 << 31
)

const (
	headerSize = 12
	maxPacket  = 4096 // a deliver has at most some 350 bytes: whoever says more does not speak CMPP
)

// Lengths of fields of text, in bytes.
const (
	accountSize  = 6
	serviceSize  = 10
	numberSize   = 21
	terminalSize = 32
	linkSize     = 20
	validSize    = 17
)

// packet is one packet without its length.
type packet struct {
	command uint32
	serial  uint32 // the same in a packet and its answer
	body    []byte
}

// bytes gives what goes over the line.
func (p packet) bytes() []byte {
	b := make([]byte, 0, headerSize+len(p.body))
	b = binary.BigEndian.AppendUint32(b, uint32(headerSize+len(p.body)))
	b = binary.BigEndian.AppendUint32(b, p.command)
	b = binary.BigEndian.AppendUint32(b, p.serial)
	return append(b, p.body...)
}

var errNotCMPP = errors.New("cmpp: what came is no packet")

// readPacket reads the next packet.
func readPacket(r io.Reader) (p packet, err error) {
	var head [headerSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return p, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < headerSize || size > maxPacket {
		return p, errNotCMPP
	}
	p.command, p.serial = binary.BigEndian.Uint32(head[4:]), binary.BigEndian.Uint32(head[8:])
	p.body = make([]byte, size-headerSize)
	_, err = io.ReadFull(r, p.body)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return p, err
}

// field writes a text of a fixed size, zeroes after it. What is longer is cut: callers check before.
func field(b []byte, text string, size int) []byte {
	if len(text) > size {
		text = text[:size]
	}
	return append(append(b, text...), make([]byte, size-len(text))...)
}

// fields reads a body from its start.
type fields struct {
	rest  []byte
	short bool // there was less than asked for
}

func (f *fields) bytes(n int) []byte {
	if n < 0 || len(f.rest) < n {
		f.short, f.rest = true, nil
		return make([]byte, max(n, 0))
	}
	b := f.rest[:n]
	f.rest = f.rest[n:]
	return b
}

func (f *fields) byte() byte     { return f.bytes(1)[0] }
func (f *fields) uint32() uint32 { return binary.BigEndian.Uint32(f.bytes(4)) }
func (f *fields) uint64() uint64 { return binary.BigEndian.Uint64(f.bytes(8)) }

// text ends at its first zero byte, or with the field.
func (f *fields) text(n int) string {
	b := f.bytes(n)
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return strings.TrimRight(string(b), " ")
}

// digest proves the secret at an instant: MD5 is what the protocol has. stamp is MMDDHHMMSS in the gateway's zone.
func digest(account, secret, stamp string) [md5.Size]byte {
	return md5.Sum(bytes.Join([][]byte{[]byte(account), make([]byte, 9), []byte(secret), []byte(stamp)}, nil))
}

// gatewayDigest is what the gateway proves in turn.
func gatewayDigest(status []byte, ours [md5.Size]byte, secret string) [md5.Size]byte {
	return md5.Sum(bytes.Join([][]byte{status, ours[:], []byte(secret)}, nil))
}

// login makes the body of a connect, and the digest in it.
func login(account, secret string, at time.Time) (body []byte, ours [md5.Size]byte) {
	stamp := at.Format("0102150405")
	number, _ := strconv.ParseUint(stamp, 10, 32) // ten digits, December at most
	ours = digest(account, secret, stamp)
	body = field(nil, account, accountSize)
	body = append(body, ours[:]...)
	body = append(body, version)
	return binary.BigEndian.AppendUint32(body, uint32(number)), ours
}

// part is one submit: a message, or a piece of a long one.
type part struct {
	content []byte // with its header, if it is a piece
	piece   byte   // from 1
	of      byte
}

// Pieces of a long message carry six bytes that say which they are.
const (
	inOne    = 140 // bytes of a message that stands alone: 70 characters
	inPiece  = 134 // bytes of a piece without its header: 67 characters
	ucs2     = 8
	ofHeader = 6
)

// parts cuts a text into what fits, a character never in two. reference tells the pieces of one message from those of
// another on the same phone.
func parts(text string, reference byte) []part {
	whole := encode(text)
	if len(whole) <= inOne {
		return []part{{content: whole, piece: 1, of: 1}}
	}
	var pieces [][]byte
	var piece []byte
	for _, r := range text {
		b := encode(string(r))
		if len(piece)+len(b) > inPiece {
			pieces, piece = append(pieces, piece), nil
		}
		piece = append(piece, b...)
	}
	pieces = append(pieces, piece)
	out := make([]part, len(pieces))
	for i, p := range pieces {
		head := []byte{ofHeader - 1, 0, 3, reference, byte(len(pieces)), byte(i + 1)}
		out[i] = part{content: append(head, p...), piece: byte(i + 1), of: byte(len(pieces))}
	}
	return out
}

// encode is UCS-2 as phones read it: UTF-16, big end first.
func encode(text string) (b []byte) {
	for _, u := range utf16.Encode([]rune(text)) {
		b = binary.BigEndian.AppendUint16(b, u)
	}
	return b
}

// submission is the body of a submit.
func submission(c *Config, to, from string, p part) []byte {
	b := make([]byte, 8, 300) // the gateway gives the id
	b = append(b, p.of, p.piece, 1, 1)
	b = field(b, c.Service, serviceSize)
	b = append(b, 2) // the account pays
	b = field(b, "", terminalSize)
	b = append(b, 0, 0, flag(p.of > 1), ucs2)
	b = field(b, c.Account, accountSize)
	b = append(b, "01"...) // free of charge to who reads it
	b = append(b, "000000"...)
	b = field(b, "", validSize)
	b = field(b, "", validSize)
	b = field(b, from, numberSize)
	b = append(b, 1)
	b = field(b, to, terminalSize)
	b = append(b, 0, byte(len(p.content)))
	b = append(b, p.content...)
	return field(b, "", linkSize)
}

func flag(yes bool) byte {
	if yes {
		return 1
	}
	return 0
}

// Report says what became of one part of a message. It names no phone.
type Report struct {
	ID      string // as in the receipt
	Tag     string // as Tag gives it: tells the message where its receipt was never seen
	Of      int    // in how many parts that message is, 0 for not known
	Arrived bool
	State   string // the carrier's word, e.g. DELIVRD, EXPIRED, UNDELIV, REJECTD
}

// delivery reads the body of a deliver; report is nil for what a person wrote.
func delivery(number string, body []byte) (id uint64, report *Report, err error) {
	f := fields{rest: body}
	id = f.uint64()
	from := f.text(numberSize)
	f.bytes(serviceSize)
	f.bytes(3)
	f.bytes(terminalSize + 1)
	isReport, size := f.byte(), int(f.byte())
	content := f.bytes(size)
	if f.short {
		return 0, nil, errNotCMPP
	}
	if isReport != 1 {
		return id, nil, nil
	}
	c := fields{rest: content} // 3.0 has 71 bytes, gateways that kept the phone of 2.0 have 60
	r := Report{ID: carrierID(c.uint64()), State: c.text(7)}
	if c.short || r.State == "" {
		return 0, nil, errNotCMPP
	}
	r.Arrived = r.State == "DELIVRD"
	if tag, ok := strings.CutPrefix(from, number); ok && tag != "" && strings.Trim(tag, "0123456789") == "" {
		last := len(tag) - 1
		r.Tag, r.Of = tag[:last], int(tag[last]-'0')
	}
	return id, &r, nil
}

func carrierID(id uint64) string { return fmt.Sprintf("%016x", id) }
