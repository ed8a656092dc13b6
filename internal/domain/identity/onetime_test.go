package identity

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/domain/fault"
)

var sentAt = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)

func TestArt12_NewCodeIsSixDigits(t *testing.T) {
	word := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	for _, c := range []struct {
		name   string
		random []byte
		want   string
	}{
		{"zero", word(0), "000000"},
		{"leading zeros stay", word(42), "000042"},
		{"modulo", word(1_234_567), "234567"},
		{"last fair", word(4_293_999_999), "999999"},
		{"first unfair is drawn again", append(word(4_294_000_000), word(7)...), "000007"},
	} {
		got, err := NewCode(bytes.NewReader(c.random))
		if err != nil || got != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
	if _, err := NewCode(strings.NewReader("abc")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("source that ends: %v", err)
	}
	seen := map[string]bool{}
	for range 1000 {
		code, err := NewCode(rand.Reader)
		if err != nil || len(code) != 6 || strings.Trim(code, "0123456789") != "" {
			t.Fatalf("not six digits: %v", err)
		}
		seen[code] = true
	}
	if len(seen) < 900 {
		t.Errorf("only %d different codes of 1000", len(seen))
	}
}

func TestArt12_CodeCheck(t *testing.T) {
	rules := DefaultCodeRules()
	const right, wrong = Key("right"), Key("wrong")
	fresh := StoredCode{Hash: right, Sent: sentAt}
	with := func(change func(*StoredCode)) StoredCode {
		c := fresh
		change(&c)
		return c
	}
	for _, c := range []struct {
		name   string
		stored StoredCode
		given  Key
		after  time.Duration
		want   fault.Code
		left   string
		next   StoredCode
	}{
		{"right at once", fresh, right, 0, "", "", with(func(c *StoredCode) { c.Used = true })},
		{"right at the last moment", fresh, right, 10*time.Minute - 1, "", "", with(func(c *StoredCode) { c.Used = true })},
		{"right too late", fresh, right, 10 * time.Minute, fault.CodeExpired, "", fresh},
		{"before it was sent", fresh, right, -time.Second, fault.CodeExpired, "", fresh},
		{"wrong", fresh, wrong, time.Minute, fault.CodeWrong, "4", with(func(c *StoredCode) { c.Wrong = 1 })},
		{"nothing given", fresh, "", time.Minute, fault.CodeWrong, "4", with(func(c *StoredCode) { c.Wrong = 1 })},
		{"wrong the fifth time", with(func(c *StoredCode) { c.Wrong = 4 }), wrong, 0, fault.CodeWrong, "0", with(func(c *StoredCode) { c.Wrong = 5 })},
		{"right the fifth time", with(func(c *StoredCode) { c.Wrong = 4 }), right, 0, "", "", with(func(c *StoredCode) { c.Wrong, c.Used = 4, true })},
		{"right after five wrong", with(func(c *StoredCode) { c.Wrong = 5 }), right, 0, fault.CodeExpired, "", with(func(c *StoredCode) { c.Wrong = 5 })},
		{"right again", with(func(c *StoredCode) { c.Used = true }), right, 0, fault.CodeExpired, "", with(func(c *StoredCode) { c.Used = true })},
		{"nothing stored", StoredCode{Sent: sentAt}, "", 0, fault.CodeExpired, "", StoredCode{Sent: sentAt}},
	} {
		next, err := rules.Check(c.stored, c.given, sentAt.Add(c.after))
		if fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if next != c.next {
			t.Errorf("%s: next %+v, want %+v", c.name, next, c.next)
		}
		if err != nil && fault.As(err).Args["left"] != c.left {
			t.Errorf("%s: left %q, want %q", c.name, fault.As(err).Args["left"], c.left)
		}
	}
}

// However tries follow each other, a code opens at most once and never after five wrong ones.
func TestArt12_CodeOpensAtMostOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := DefaultCodeRules()
		code, opened, wrong := StoredCode{Hash: "right", Sent: sentAt}, 0, 0
		for _, given := range rapid.SliceOfN(rapid.SampledFrom([]Key{"right", "wrong", ""}), 0, 20).Draw(t, "tries") {
			next, err := rules.Check(code, given, sentAt.Add(time.Minute))
			switch fault.CodeOf(err) {
			case "":
				if given != "right" || wrong >= rules.Attempts {
					t.Fatalf("opened by %q after %d wrong", given, wrong)
				}
				opened++
			case fault.CodeWrong:
				wrong++
			}
			code = next
		}
		if opened > 1 || wrong > rules.Attempts {
			t.Fatalf("opened %d times, %d wrong tries counted", opened, wrong)
		}
	})
}

func TestArt12_CodeMaySend(t *testing.T) {
	rules := DefaultCodeRules()
	ago := func(ages ...time.Duration) []time.Time {
		out := make([]time.Time, len(ages))
		for i, a := range ages {
			out[i] = sentAt.Add(-a)
		}
		return out
	}
	for _, c := range []struct {
		name string
		sent []time.Time
		wait time.Duration
	}{
		{"first", nil, 0},
		{"a minute ago", ago(time.Minute), 0},
		{"just under a minute", ago(time.Minute - time.Millisecond), time.Second},
		{"just now", ago(0), time.Minute},
		{"four within the hour", ago(2*time.Minute, 20*time.Minute, 30*time.Minute, 40*time.Minute), 0},
		{"five within the hour", ago(50*time.Minute, 2*time.Minute, 20*time.Minute, 30*time.Minute, 40*time.Minute), 10 * time.Minute},
		{"five, one of them an hour ago", ago(2*time.Minute, 20*time.Minute, 30*time.Minute, 40*time.Minute, time.Hour), 0},
		{"five, the last just now", ago(0, 59*time.Minute+30*time.Second, 50*time.Minute, 40*time.Minute, 30*time.Minute), time.Minute},
		{"ten within the day", ago(time.Hour, 2*time.Hour, 3*time.Hour, 4*time.Hour, 5*time.Hour, 6*time.Hour, 7*time.Hour, 8*time.Hour, 9*time.Hour, 23*time.Hour), time.Hour},
		{"ten, one of them a day ago", ago(time.Hour, 2*time.Hour, 3*time.Hour, 4*time.Hour, 5*time.Hour, 6*time.Hour, 7*time.Hour, 8*time.Hour, 9*time.Hour, 24*time.Hour), 0},
		{"six within the hour wait for the second oldest", ago(55*time.Minute, 50*time.Minute, 40*time.Minute, 30*time.Minute, 20*time.Minute, 10*time.Minute), 10 * time.Minute},
	} {
		err := rules.MaySend(c.sent, sentAt)
		if c.wait == 0 {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if fault.CodeOf(err) != fault.CodeTooOften || fault.As(err).RetryAfter != c.wait {
			t.Errorf("%s: %v, want to wait %v", c.name, err, c.wait)
			continue
		}
		if err := rules.MaySend(c.sent, sentAt.Add(c.wait)); err != nil {
			t.Errorf("%s: still refused after the wait: %v", c.name, err)
		}
	}
}

// Two different sets of facts never give the same bytes, wherever the border between parts lies.
func TestArt12_CodeFactIsInjective(t *testing.T) {
	word := rapid.StringOfN(rapid.RuneFrom([]rune("A1")), 0, 3, -1)
	draw := func(t *rapid.T) [6]string {
		return [6]string{word.Draw(t, "code"), word.Draw(t, "kind"), word.Draw(t, "number"), word.Draw(t, "nationality"),
			word.Draw(t, "birth"), word.Draw(t, "phone")}
	}
	fact := func(f [6]string) []byte {
		return CodeFact(f[0], Document{Kind: DocumentKind(f[1]), Number: f[2], Nationality: f[3]}, f[4], f[5])
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t), draw(t)
		if bytes.Equal(fact(a), fact(b)) != (a == b) {
			t.Fatalf("%v and %v", a, b)
		}
	})
}
