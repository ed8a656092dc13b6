// Package smstest is the conformance test of the SMS port: every driver passes it.
package smstest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"suiyue/internal/gate/sms"
)

// Open makes a fresh sender and a way to read, in order, what it has handed on.
type Open func(t *testing.T) (sms.Sender, func(t *testing.T) []sms.Message)

// Good is a well-formed message to a number nobody has.
func Good(n int) sms.Message {
	return sms.Message{To: fmt.Sprintf("199%08d", n), Template: "booked", Text: "【穗约】测试短信,请忽略。", Reference: fmt.Sprintf("msg-%d", n)}
}

// Run tests a driver.
func Run(t *testing.T, open Open) {
	t.Run("accepts and hands on unchanged", func(t *testing.T) {
		sender, handed := open(t)
		want := []sms.Message{Good(1), Good(2)}
		want[1].To = "+85290000001"
		want[1].Text = "【穗约】" + strings.Repeat("长", 71) + "\n第二行 \"引号\" 😀"
		ids := map[string]bool{}
		for _, m := range want {
			r, err := sender.Send(t.Context(), m)
			if err != nil {
				t.Fatal(err)
			}
			if r.ID == "" || ids[r.ID] || r.Segments != sms.Segments(m.Text) || r.Accepted.IsZero() {
				t.Errorf("receipt %+v", r)
			}
			ids[r.ID] = true
		}
		got := handed(t)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d messages handed on, or not as they were given", len(got))
		}
	})

	t.Run("malformed is refused for good", func(t *testing.T) {
		sender, handed := open(t)
		const canary = "19900777123"
		for name, spoil := range map[string]func(*sms.Message){
			"no phone":         func(m *sms.Message) { m.To = "" },
			"phone of letters": func(m *sms.Message) { m.To = canary + "x" },
			"phone too short":  func(m *sms.Message) { m.To = "1990000000" },
			"phone too long":   func(m *sms.Message) { m.To = "+1234567890123456" },
			"landline":         func(m *sms.Message) { m.To = "02012345678" },
			"phone of +0":      func(m *sms.Message) { m.To = "+0123456789" },
			"no template":      func(m *sms.Message) { m.Template = "" },
			"bad template":     func(m *sms.Message) { m.Template = "a b" },
			"no reference":     func(m *sms.Message) { m.Reference = "" },
			"long reference":   func(m *sms.Message) { m.Reference = strings.Repeat("r", 65) },
			"no text":          func(m *sms.Message) { m.Text = " \n" },
			"text too long":    func(m *sms.Message) { m.Text = canary + strings.Repeat("长", sms.MaxText) },
			"control":          func(m *sms.Message) { m.Text = canary + "\x00" },
			"not UTF-8":        func(m *sms.Message) { m.Text = canary + "\xff" },
		} {
			m := Good(1)
			spoil(&m)
			_, err := sender.Send(t.Context(), m)
			refused, ok := errors.AsType[*sms.Error](err)
			if !ok || refused.Class != sms.Permanent {
				t.Errorf("%s: %v", name, err)
			}
			if strings.Contains(fmt.Sprintf("%+v %#v", err, err), canary) {
				t.Errorf("%s: the error repeats what was given", name)
			}
		}
		if got := handed(t); len(got) != 0 {
			t.Errorf("%d malformed messages handed on", len(got))
		}
	})

	t.Run("given up is temporary and not handed on", func(t *testing.T) {
		sender, handed := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := sender.Send(ctx, Good(1))
		if sms.ClassOf(err) != sms.Temporary || !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if got := handed(t); len(got) != 0 {
			t.Errorf("handed on all the same")
		}
	})

	t.Run("many at once", func(t *testing.T) {
		sender, handed := open(t)
		const each, together = 10, 8
		var wait sync.WaitGroup
		for w := range together {
			wait.Go(func() {
				for i := range each {
					if _, err := sender.Send(t.Context(), Good(1+w*each+i)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		seen := map[string]bool{}
		for _, m := range handed(t) {
			seen[m.Reference] = true
		}
		if len(seen) != each*together {
			t.Errorf("%d of %d messages handed on", len(seen), each*together)
		}
	})
}
