// Package sms is the port to whoever carries short messages to a phone. A Sender takes one message
// and says whether it was accepted; delivery is at least once, since a caller that does not learn the
// outcome sends again with the same Reference. No error holds a phone or a text.
package sms

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Sender hands one message to a carrier. It is safe for concurrent use. Errors are *Error.
type Sender interface {
	Send(ctx context.Context, m Message) (Receipt, error)
}

// Message is one short message.
type Message struct {
	To        string // 11 digits in the mainland, else + and country code, 7 to 15 digits
	Template  string // name of the approved template; [a-z0-9_.-], at most 64
	Text      string // as it is read, signature included; at most MaxText characters
	Reference string // the caller's id of this message, the same on a repeat; [A-Za-z0-9_.-], at most 64

	Language string            // of the text: zh-Hans, zh-Hant, en
	Values   map[string]string // that fill the template, by the names of its variables; what it does not use is left
}

// Receipt says that a message was accepted, not that it has arrived.
type Receipt struct {
	ID       string    // the carrier's id
	Parts    []string  // the carrier's id of each part, where it gives every part its own
	Tag      string    // digits that its reports bring back, "" for none
	Gateway  string    // which of several it was, "" where there is one
	Segments int       // what it is counted as
	Accepted time.Time // when
}

// Found is what a carrier knows of a message.
type Found struct {
	ID       string // its id of the message, or the reference it was sent with where it tells no other
	Gateway  string // as in Receipt
	Segments int    // what it counts the message as
	Ended    bool   // it tries no more
	Arrived  bool   // and the message is on the phone
	Word     string // the carrier's word
}

// Asker is a Sender that can be asked what became of a message.
type Asker interface {
	// Ask looks for a message that was handed over after since, by its phone and reference. nil without an error says that
	// the carrier does not have it.
	Ask(ctx context.Context, m Message, since time.Time) (*Found, error)
}

// MaxText is the length in characters that carriers accept.
const MaxText = 500

// Format and LogValue keep phone and text out of logs.
func (m Message) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, "message "+m.Template+" (not shown)")
}
func (m Message) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(m)) }

// Class tells whether sending again can help.
type Class string

const (
	Permanent Class = "permanent" // the message itself is refused: never send it again
	Temporary Class = "temporary" // try again later with the same reference
	Unknown   Class = "unknown"   // it may have been accepted: whoever can wait waits for a report first
	Unsuited  Class = "unsuited"  // this carrier will never take the message as it is; another may
)

// Error is a refusal. Reason is a fixed word; cause is kept for errors.Is and holds no personal data.
type Error struct {
	Class  Class
	Reason string
	cause  error
}

func (e *Error) Error() string { return "sms: " + string(e.Class) + ": " + e.Reason }
func (e *Error) Unwrap() error { return e.cause }

// Refuse makes an error. cause must hold no personal data; it may be nil.
func Refuse(c Class, reason string, cause error) *Error {
	return &Error{Class: c, Reason: reason, cause: cause}
}

// ClassOf gives the class of an error of Send; what is not an *Error is Unknown.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return Unknown
}

// Tag gives so many digits that follow from a reference: added to the number a message is sent from, they come back with
// its report even where the answer to the sending was lost.
func Tag(reference string, digits int) string {
	if digits == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte(reference))
	n, limit := binary.BigEndian.Uint64(sum[:]), uint64(1)
	for range digits {
		limit *= 10
	}
	return fmt.Sprintf("%0*d", digits, n%limit)
}

// Check refuses a message no carrier would take. Every driver calls it first.
func (m Message) Check() error {
	refuse := func(reason string) error { return &Error{Class: Permanent, Reason: reason} }
	switch {
	case !validPhone(m.To):
		return refuse("phone")
	case !validName(m.Template, nameAlphabet):
		return refuse("template")
	case !validName(m.Reference, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"):
		return refuse("reference")
	case strings.TrimSpace(m.Text) == "":
		return refuse("empty text")
	case !utf8.ValidString(m.Text) || strings.ContainsFunc(m.Text, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }):
		return refuse("character in text")
	case utf8.RuneCountInString(m.Text) > MaxText:
		return refuse("text too long")
	}
	return nil
}

const (
	nameAlphabet     = "abcdefghijklmnopqrstuvwxyz0123456789_.-"
	variableAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789_"
)

func validPhone(s string) bool {
	digits, abroad := strings.CutPrefix(s, "+")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	if abroad {
		return digits[0] != '0' && len(digits) >= 7 && len(digits) <= 15
	}
	return len(digits) == 11 && digits[0] == '1' && digits[1] >= '3'
}

func validName(s, alphabet string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, alphabet) == ""
}

// Segments counts what a text is charged as: one up to 70 UTF-16 units, else parts of at most 67. A
// character of two units is never cut in half. An empty text is 0.
func Segments(text string) int {
	units, parts, inPart := 0, 0, 0
	for _, r := range text {
		n := 1
		if r > 0xffff {
			n = 2
		}
		units += n
		if parts == 0 || inPart+n > 67 {
			parts, inPart = parts+1, 0
		}
		inPart += n
	}
	if units == 0 {
		return 0
	}
	if units <= 70 {
		return 1
	}
	return parts
}
