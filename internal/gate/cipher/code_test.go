package cipher

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"suiyue/internal/domain/booking"
)

func TestCodes(t *testing.T) {
	k := newRing(t)
	number := rapid.Uint64Range(0, booking.IDs-1)
	rapid.Check(t, func(t *rapid.T) {
		n := number.Draw(t, "n")
		code := k.CodeOf(n)
		if got, ok := k.NumberOf(code); !ok || got != n || len(code) != 9 {
			t.Fatalf("%d: %q reads as %d", n, code, got)
		}
		if got := k.ring.Load().code.forward(k.ring.Load().code.back(n)); got != n {
			t.Fatalf("%d is reached by nothing", n)
		}
		b := []byte(code)
		i, j := rapid.IntRange(0, 8).Draw(t, "i"), rapid.IntRange(0, 8).Draw(t, "j")
		b[i], b[j] = b[j], b[i]
		if _, ok := k.NumberOf(string(b)); ok && string(b) != code {
			t.Fatalf("%s for %s is read", b, code)
		}
		b = []byte(code)
		b[i] = rapid.SampledFrom([]byte(booking.Alphabet)).Draw(t, "other")
		if _, ok := k.NumberOf(string(b)); ok && string(b) != code {
			t.Fatalf("%s for %s is read", b, code)
		}
	})
	if k.CodeOf(booking.IDs) != "" {
		t.Error("a number too large has a code")
	}
	if newRing(t).CodeOf(1) == k.CodeOf(1) && newRing(t).CodeOf(2) == k.CodeOf(2) {
		t.Error("the key does not count")
	}
}

// Codes of numbers in a row are all different and spread like random ones: each character of each
// place comes up, and neighbours have few places in common.
func TestCodesTellNoOrder(t *testing.T) {
	k := newRing(t)
	const n = 20_000
	seen := map[string]bool{}
	var count [8][256]int
	common, last := 0, ""
	for i := range uint64(n) {
		code := k.CodeOf(i)
		if seen[code] {
			t.Fatalf("%s is there twice", code)
		}
		seen[code] = true
		for p := range 8 {
			count[p][code[p]]++
			if last != "" && last[p] == code[p] {
				common++
			}
		}
		last = code
	}
	for p := range 8 {
		for _, c := range []byte(booking.Alphabet) {
			if got := count[p][c]; got < n/32-200 || got > n/32+200 { // 8 standard deviations
				t.Errorf("place %d: %c %d times of %d", p, c, got, n)
			}
		}
	}
	if expected := 8 * n / 32; common < expected-600 || common > expected+600 {
		t.Errorf("neighbours share %d places, chance is %d", common, expected)
	}
}

func TestCodesAsTyped(t *testing.T) {
	k := newRing(t)
	var n uint64
	code := k.CodeOf(n)
	for !strings.Contains(code, "0") || !strings.Contains(code, "1") { // one with what is misread
		n++
		code = k.CodeOf(n)
	}
	shown := FormatCode(code)
	if len(shown) != 11 || shown[4] != '-' || shown[9] != '-' || strings.ReplaceAll(shown, "-", "") != code {
		t.Fatalf("shown as %q", shown)
	}
	wide := strings.Map(func(r rune) rune { return r - '!' + 0xFF01 }, code)
	for _, s := range []string{
		shown, strings.ToLower(shown), " " + strings.ReplaceAll(shown, "-", " ") + "\n", strings.ReplaceAll(shown, "-", "—"), wide,
		strings.ReplaceAll(code, "0", "O"), strings.ReplaceAll(code, "0", "o"), strings.ReplaceAll(code, "1", "I"), strings.ReplaceAll(code, "1", "l"),
	} {
		if got, ok := k.NumberOf(s); !ok || got != n {
			t.Errorf("%q is not read", s)
		}
	}
	for _, s := range []string{"", code[:8], code + "0", strings.Repeat("-", 100) + code, "U" + code[1:], "é" + code[1:], "\xff" + code[1:]} {
		if _, ok := k.NumberOf(s); ok {
			t.Errorf("%q is read", s)
		}
	}
	if FormatCode("short") != "short" {
		t.Error("no code was changed")
	}
}

func FuzzNumberOf(f *testing.F) {
	k := newRing(f)
	f.Add(FormatCode(k.CodeOf(12345)))
	f.Add("oooo-iiii-l")
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := k.NumberOf(s)
		if !ok {
			return
		}
		if read, _ := readCode(s); k.CodeOf(n) != read {
			t.Fatalf("%q reads as %d, whose code is %q", s, n, k.CodeOf(n))
		}
	})
}

func BenchmarkCodeOf(b *testing.B) {
	k := newRing(b)
	n := uint64(0)
	for b.Loop() {
		n++
		k.CodeOf(n)
	}
}

func BenchmarkNumberOf(b *testing.B) {
	k := newRing(b)
	code := FormatCode(k.CodeOf(12345))
	for b.Loop() {
		k.NumberOf(code)
	}
}
