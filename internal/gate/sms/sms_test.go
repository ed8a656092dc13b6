package sms_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/gate/sms"
	"suiyue/internal/gate/sms/smstest"
)

func clock() time.Time { return time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC) }

func TestOutboxConformance(t *testing.T) {
	smstest.Run(t, func(*testing.T) (sms.Sender, func(*testing.T) []sms.Message) {
		o := sms.NewOutbox(100, clock)
		return o, func(*testing.T) []sms.Message {
			var out []sms.Message
			for _, s := range slices.Backward(o.Recent(100)) {
				out = append(out, s.Message)
			}
			return out
		}
	})
}

func TestFileConformance(t *testing.T) {
	smstest.Run(t, func(t *testing.T) (sms.Sender, func(*testing.T) []sms.Message) {
		path := filepath.Join(t.TempDir(), "sms.jsonl")
		f, err := sms.OpenFile(path, clock)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f, func(t *testing.T) []sms.Message { return readFile(t, path) }
	})
}

func readFile(t *testing.T, path string) []sms.Message {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var out []sms.Message
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var l struct{ To, Template, Text, Reference string }
		if json.Unmarshal(lines.Bytes(), &l) == nil {
			out = append(out, sms.Message{To: l.To, Template: l.Template, Text: l.Text, Reference: l.Reference})
		}
	}
	return out
}

func TestOutboxKeepsTheLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size, sent := rapid.IntRange(1, 5).Draw(t, "size"), rapid.IntRange(0, 12).Draw(t, "sent")
		limit := rapid.IntRange(-1, 7).Draw(t, "limit")
		o := sms.NewOutbox(size, clock)
		for n := 1; n <= sent; n++ {
			if _, err := o.Send(t.Context(), smstest.Good(n)); err != nil {
				t.Fatal(err)
			}
		}
		got := o.Recent(limit)
		if want := max(0, min(size, sent, limit)); len(got) != want || o.Total() != sent {
			t.Fatalf("%d of %d kept, want %d", len(got), o.Total(), want)
		}
		for i, s := range got {
			if !reflect.DeepEqual(s.Message, smstest.Good(sent-i)) || s.Receipt.ID != fmt.Sprintf("outbox-%d", sent-i) {
				t.Fatalf("place %d holds %s", i, s.Message.Reference)
			}
		}
	})
}

func TestFileIsForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sms.jsonl")
	f, err := sms.OpenFile(path, clock)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if f, err := sms.OpenFile(path, clock); err == nil {
		_ = f.Close()
		t.Error("a file others may read was opened")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if f, err := sms.OpenFile(link, clock); err == nil {
		_ = f.Close()
		t.Error("a symbolic link was followed")
	}
	if _, err := f.Send(t.Context(), smstest.Good(1)); sms.ClassOf(err) != sms.Temporary || err == nil {
		t.Errorf("after Close: %v", err)
	}
}

func TestFileGoesOnAfterACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sms.jsonl")
	if err := os.WriteFile(path, []byte(`{"id":"file-0","to":"1990000`), 0o600); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 2; n++ { // the second opening finds a whole last line
		f, err := sms.OpenFile(path, clock)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Send(t.Context(), smstest.Good(n)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := readFile(t, path); len(got) != 2 || !reflect.DeepEqual(got, []sms.Message{smstest.Good(1), smstest.Good(2)}) {
		t.Errorf("%d whole messages in the file", len(got))
	}
}

func TestSegments(t *testing.T) {
	for _, c := range []struct {
		text string
		want int
	}{
		{"", 0},
		{"a", 1},
		{strings.Repeat("约", 70), 1},
		{strings.Repeat("约", 71), 2},
		{strings.Repeat("a", 71), 2},
		{strings.Repeat("约", 134), 2},
		{strings.Repeat("约", 135), 3},
		{strings.Repeat("😀", 35), 1},                           // 70 units
		{strings.Repeat("😀", 36), 2},                           // 72 units
		{strings.Repeat("😀", 67), 3},                           // 134 units, but 33 whole pairs a part
		{strings.Repeat("约", 66) + "😀" + "约约", 1},              // 70 units
		{strings.Repeat("约", 66) + "😀" + "约约约", 2},             // the pair does not fit the first part
		{strings.Repeat("约", sms.MaxText), 8},                  // 500 = 7 × 67 + 31
		{strings.Repeat("约", 66) + strings.Repeat("😀", 34), 3}, // 66, 33 pairs, 1 pair
	} {
		if got := sms.Segments(c.text); got != c.want {
			t.Errorf("%d characters: %d parts, want %d", len([]rune(c.text)), got, c.want)
		}
	}
}

func FuzzMessageCheck(f *testing.F) {
	f.Add("19900000001", "booked", "【穗约】测试", "msg-1")
	f.Add("+85290000001", "x", strings.Repeat("长", 501), "r")
	f.Add("", "", "\xff", "\x00")
	f.Fuzz(func(t *testing.T, to, template, text, reference string) {
		m := sms.Message{To: to, Template: template, Text: text, Reference: reference}
		if err := m.Check(); err != nil {
			if sms.ClassOf(err) != sms.Permanent {
				t.Fatalf("%v", err)
			}
			return
		}
		if n := sms.Segments(text); n < 1 || n > 16 || len(to) > 16 || len(template) > 64 || len(reference) > 64 {
			t.Fatalf("accepted with %d parts", n)
		}
	})
}

func TestMessageIsNotShown(t *testing.T) {
	m := smstest.Good(7)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("sent", "message", m)
	for _, shown := range []string{fmt.Sprint(m), fmt.Sprintf("%+v %#v %s %q", m, m, m, m), log.String()} {
		if strings.Contains(shown, m.To) || strings.Contains(shown, "忽略") {
			t.Errorf("shown: %s", strings.ReplaceAll(shown, m.To, "…"))
		}
	}
}
