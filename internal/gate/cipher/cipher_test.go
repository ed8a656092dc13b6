package cipher

import (
	"bytes"
	stdcipher "crypto/cipher"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
	"pgregory.net/rapid"
)

const testKEK = "000102030405060708090a0b0c0d0e0f"

func newRing(t testing.TB) *Keyring {
	t.Helper()
	k, err := Create(filepath.Join(t.TempDir(), "keys.json"), KEKText(testKEK))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Examples of GB/T 32905, GB/T 32907, GM/T 0042 and RFC 8998.
func TestAlgorithmsOfTheStandards(t *testing.T) {
	if got := sm3.Sum([]byte("abc")); !bytes.Equal(got[:], unhex(t, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")) {
		t.Errorf("SM3: %x", got)
	}
	key := unhex(t, "0123456789abcdeffedcba9876543210")
	block, err := sm4.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	var out [16]byte
	if block.Encrypt(out[:], key); !bytes.Equal(out[:], unhex(t, "681edf34d206965e86b3e94f536e4246")) {
		t.Errorf("SM4: %x", out)
	}
	var macKey [32]byte
	for i := range macKey {
		macKey[i] = byte(i + 1)
	}
	h := hmac.New(sm3.New, macKey[:])
	h.Write([]byte(strings.Repeat("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 2)))
	if got := h.Sum(nil); !bytes.Equal(got, unhex(t, "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a")) {
		t.Errorf("HMAC-SM3: %x", got)
	}
	aead, err := newAEAD(key)
	if err != nil {
		t.Fatal(err)
	}
	got := aead.Seal(nil, unhex(t, "00001234567800000000abcd"),
		unhex(t, "aaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbb cccccccccccccccc dddddddddddddddd eeeeeeeeeeeeeeee ffffffffffffffff eeeeeeeeeeeeeeee aaaaaaaaaaaaaaaa"),
		unhex(t, "feedfacedeadbeeffeedfacedeadbeefabaddad2"))
	if want := unhex(t, "17f399f08c67d5ee19d0dc9969c4bb7d 5fd46fd3756489069157b282bb200735 d82710ca5c22f0ccfa7cbf93d496ac15 a56834cbcf98c397b4024a2691233b8d 83de3541e4c2b58177e065a9bf7b62ec"); !bytes.Equal(got, want) {
		t.Errorf("SM4-GCM: %x", got)
	}
}

// mac.sum is HMAC-SM3 over the parts behind their lengths, the second time too.
func TestMAC(t *testing.T) {
	key := []byte("a key that is longer than the block of SM3, which is sixty-four bytes long")
	m := newMAC(key)
	for range 3 {
		h := hmac.New(sm3.New, key)
		h.Write([]byte("\x03one\x00\xc8\x01" + strings.Repeat("x", 200)))
		if got := m.sum("one", "", strings.Repeat("x", 200)); !bytes.Equal(got[:], h.Sum(nil)) {
			t.Fatalf("got %x", got)
		}
	}
}

func TestSealOpens(t *testing.T) {
	k := newRing(t)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		about := rapid.String().Draw(t, "about")
		sealed := k.Seal(plain, about)
		if got, err := k.Open(sealed, about); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%v", err)
		}
		if _, err := k.Open(sealed, about+"x"); !errors.Is(err, ErrSealed) {
			t.Fatalf("opened about something else: %v", err)
		}
		if bytes.Equal(sealed, k.Seal(plain, about)) {
			t.Fatal("sealed the same twice")
		}
		if len(sealed) != len(plain)+33 || len(plain) > 8 && bytes.Contains(sealed, plain) {
			t.Fatal("not sealed")
		}
	})
}

func TestSealedCannotBeChanged(t *testing.T) {
	k := newRing(t)
	sealed := k.Seal([]byte("440103 a number"), "booking|parties|00000001")
	for i := range sealed {
		for bit := range 8 {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1 << bit
			if _, err := k.Open(changed, "booking|parties|00000001"); !errors.Is(err, ErrSealed) {
				t.Fatalf("byte %d bit %d: %v", i, bit, err)
			}
		}
	}
	for n := range sealed {
		if _, err := k.Open(sealed[:n], "booking|parties|00000001"); !errors.Is(err, ErrSealed) {
			t.Fatalf("cut to %d: %v", n, err)
		}
	}
	if _, err := k.Open(append(bytes.Clone(sealed), 0), "booking|parties|00000001"); !errors.Is(err, ErrSealed) {
		t.Fatalf("longer: %v", err)
	}
	if _, err := newRing(t).Open(sealed, "booking|parties|00000001"); !errors.Is(err, ErrSealed) {
		t.Fatalf("another keyring: %v", err)
	}
}

// The header is authenticated even where two key ids lead to one key.
func TestHeaderIsBound(t *testing.T) {
	k := newRing(t)
	r := *k.ring.Load()
	other := r.current + 1
	r.data = map[uint32]stdcipher.AEAD{r.current: r.data[r.current], other: r.data[r.current]}
	k.ring.Store(&r)
	sealed := k.Seal([]byte("x"), "y")
	sealed[1], sealed[2], sealed[3], sealed[4] = byte(other>>24), byte(other>>16), byte(other>>8), byte(other)
	if _, err := k.Open(sealed, "y"); !errors.Is(err, ErrSealed) {
		t.Fatalf("%v", err)
	}
}

func TestLookup(t *testing.T) {
	k, other := newRing(t), newRing(t)
	a := k.Lookup("person", "11:resident_id")
	if !regexp.MustCompile(`^[a-z2-7]{26}$`).MatchString(a) {
		t.Errorf("form: %q", a)
	}
	if a != k.Lookup("person", "11:resident_id") {
		t.Error("not the same twice")
	}
	for name, b := range map[string]string{
		"domain": k.Lookup("phone", "11:resident_id"), "value": k.Lookup("person", "11:resident_ie"),
		"border": k.Lookup("person1", "1:resident_id"), "key": other.Lookup("person", "11:resident_id"),
	} {
		if a == b {
			t.Errorf("%s does not count", name)
		}
	}
}

func TestTokens(t *testing.T) {
	k := newRing(t)
	a, b := Token(), Token()
	if a == b || !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(a) {
		t.Error("not a token")
	}
	if !regexp.MustCompile(`^[a-z2-7]{52}$`).MatchString(k.TokenHash(a)) || k.TokenHash(a) == k.TokenHash(b) {
		t.Error("not its hash")
	}
	if newRing(t).TokenHash(a) == k.TokenHash(a) {
		t.Error("the key does not count")
	}
	if !Equal(a, a) || Equal(a, b) || Equal(a, a[:42]) || !Equal("", "") {
		t.Error("Equal")
	}
}

func TestSign(t *testing.T) {
	k := newRing(t)
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	end := now.Add(time.Minute)
	token := k.Sign("hold", []byte("slot"), end)
	for _, c := range []struct {
		name    string
		ring    *Keyring
		purpose string
		token   string
		now     time.Time
		ok      bool
	}{
		{"at once", k, "hold", token, now, true},
		{"last moment", k, "hold", token, end.Add(-time.Microsecond), true},
		{"over", k, "hold", token, end, false},
		{"other purpose", k, "holds", token, now, false},
		{"other ring", newRing(t), "hold", token, now, false},
		{"line break", k, "hold", token[:4] + "\n" + token[4:], now, false},
		{"padded", k, "hold", token + "=", now, false},
		{"empty", k, "hold", "", now, false},
		{"not ours", k, "hold", Token(), now, false},
	} {
		payload, ok := c.ring.Verify(c.purpose, c.token, c.now)
		if ok != c.ok || ok && string(payload) != "slot" {
			t.Errorf("%s: %q %v", c.name, payload, ok)
		}
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range token {
		for _, c := range []byte(alphabet) {
			if c != token[i] {
				if _, ok := k.Verify("hold", token[:i]+string(c)+token[i+1:], now); ok {
					t.Fatalf("character %d may be %c", i, c)
				}
			}
		}
	}
	if p, ok := k.Verify("p", k.Sign("p", nil, end), now); !ok || len(p) != 0 {
		t.Error("empty payload")
	}
}

func TestRingsDoNotPrintKeys(t *testing.T) {
	k := newRing(t)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "ring", k)
	for _, s := range []string{fmt.Sprint(k), fmt.Sprintf("%+v %#v %s %x", k, k, k, k), log.String()} {
		if strings.Trim(strings.ReplaceAll(s, "keyring (not shown)", ""), " ") != "" && !strings.Contains(s, `"ring":"keyring (not shown)"`) {
			t.Errorf("printed %q", s)
		}
	}
}

// Everything at once, with rotations in between; worth its time under -race.
func TestConcurrentUse(t *testing.T) {
	k := newRing(t)
	want := k.Lookup("person", "x")
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 50 {
				plain := fmt.Appendf(nil, "%d-%d", w, i)
				if got, err := k.Open(k.Seal(plain, "a"), "a"); err != nil || !bytes.Equal(got, plain) {
					t.Errorf("open: %v", err)
				}
				n := uint64(w)<<32 | uint64(i)
				if got, ok := k.NumberOf(k.CodeOf(n)); !ok || got != n {
					t.Error("code")
				}
				if k.Lookup("person", "x") != want {
					t.Error("lookup")
				}
			}
		})
	}
	wg.Go(func() {
		for range 5 {
			if err := k.Rotate(); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
}

func FuzzOpen(f *testing.F) {
	k := newRing(f)
	f.Add(k.Seal([]byte("plain"), "about"), "about")
	f.Add([]byte{1, 0, 0, 0, 0}, "")
	f.Fuzz(func(t *testing.T, sealed []byte, about string) {
		if plain, err := k.Open(sealed, about); err == nil && (string(plain) != "plain" || about != "about") {
			t.Fatal("opened what was not sealed here")
		}
	})
}

func FuzzVerify(f *testing.F) {
	k := newRing(f)
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	token := k.Sign("cursor", []byte("payload"), now.Add(time.Hour))
	f.Add("cursor", token)
	f.Add("", "AQ")
	f.Fuzz(func(t *testing.T, purpose, s string) {
		if _, ok := k.Verify(purpose, s, now); ok && (purpose != "cursor" || s != token) {
			t.Fatal("verified what was not signed here")
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	k := newRing(b)
	plain := make([]byte, 300)
	for b.Loop() {
		k.Seal(plain, "booking|parties|00000001")
	}
}

func BenchmarkLookup(b *testing.B) {
	k := newRing(b)
	for b.Loop() {
		k.Lookup("person", "11:resident_id18:000000199005060070")
	}
}
