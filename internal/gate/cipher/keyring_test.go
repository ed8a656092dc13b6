package cipher

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestCreateAndLoad(t *testing.T) {
	dir := t.TempDir()
	path, kek := filepath.Join(dir, "keys.json"), filepath.Join(dir, "kek")
	if _, err := Create(path, KEKFile(kek)); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("without KEK: %v", err)
	}
	if err := CreateKEK(kek); err != nil {
		t.Fatal(err)
	}
	if err := CreateKEK(kek); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("KEK overwritten: %v", err)
	}
	if _, err := Load(path, KEKFile(kek)); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("no ring: %v", err)
	}
	k, err := Create(path, KEKFile(kek))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(path, KEKFile(kek)); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("ring overwritten: %v", err)
	}
	for _, p := range []string{path, kek} {
		if stat, err := os.Stat(p); err != nil || stat.Mode() != 0o600 {
			t.Errorf("%s: mode %v, %v", filepath.Base(p), stat.Mode(), err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("files left behind: %v %v", left, err)
	}
	again, err := Load(path, KEKFile(kek))
	if err != nil {
		t.Fatal(err)
	}
	same(t, k, again)
	if newRing(t).Fingerprint() == k.Fingerprint() {
		t.Error("two rings have one fingerprint")
	}
	text, err := os.ReadFile(kek)
	if err != nil {
		t.Fatal(err)
	}
	if again, err = Load(path, KEKText(string(text))); err != nil {
		t.Fatalf("KEK as text: %v", err)
	}
	same(t, k, again)
}

// same fails unless b does for a's data what a does.
func same(t *testing.T, a, b *Keyring) {
	t.Helper()
	if got, err := b.Open(a.Seal([]byte("plain"), "about"), "about"); err != nil || string(got) != "plain" {
		t.Errorf("does not open: %v", err)
	}
	if a.Lookup("d", "x") != b.Lookup("d", "x") || a.CodeOf(7) != b.CodeOf(7) || a.TokenHash("t") != b.TokenHash("t") || a.Fingerprint() != b.Fingerprint() {
		t.Error("keys differ")
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "keys.json")
	if _, err := Create(path, KEKText(testKEK)); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o602, 0o610, 0o601} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, KEKText(testKEK)); !errors.Is(err, ErrPermissions) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, KEKText(testKEK)); err != nil {
		t.Errorf("read-only: %v", err)
	}
	if _, err := Load(path, KEKText("ff"+testKEK[2:])); !errors.Is(err, ErrKEK) {
		t.Errorf("other KEK: %v", err)
	}
	for _, kek := range []string{"", testKEK[2:], testKEK + "00", "zz" + testKEK[2:]} {
		if _, err := Load(path, KEKText(kek)); !errors.Is(err, ErrKEKForm) || strings.Contains(err.Error(), "zz") {
			t.Errorf("KEK of %d characters: %v", len(kek), err)
		}
	}
	if _, err := Load(dir, KEKText(testKEK)); !errors.Is(err, ErrKeyFile) {
		t.Errorf("directory: %v", err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(pipe, KEKText(testKEK)); !errors.Is(err, ErrKeyFile) {
		t.Errorf("pipe: %v", err)
	}

	var f keyFile
	if err := json.Unmarshal(good, &f); err != nil {
		t.Fatal(err)
	}
	edit := func(change func(*keyFile)) string {
		g := f
		g.Data = map[uint32][]byte{f.Current: bytes.Clone(f.Data[f.Current])}
		change(&g)
		return string(g.text())
	}
	damaged := filepath.Join(dir, "damaged.json")
	for name, text := range map[string]string{
		"empty":         "",
		"cut":           string(good[:len(good)/2]),
		"two":           string(good) + string(good),
		"unknown field": strings.Replace(string(good), "{", `{"extra":1,`, 1),
		"huge":          strings.Repeat(" ", 1<<20) + string(good),
		"format":        edit(func(f *keyFile) { f.Format = 2 }),
		"no current":    edit(func(f *keyFile) { f.Current++ }),
		"other id":      edit(func(f *keyFile) { f.Data[f.Current+1] = f.Data[f.Current]; f.Current++ }),
		"flipped bit":   edit(func(f *keyFile) { f.Data[f.Current][20] ^= 1 }),
		"keys swapped":  edit(func(f *keyFile) { f.Lookup, f.Session = f.Session, f.Lookup }),
		"code as data":  edit(func(f *keyFile) { f.Data[f.Current] = f.Code }),
		"key missing":   edit(func(f *keyFile) { f.Code = nil }),
	} {
		if err := os.WriteFile(damaged, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadOrCreate(damaged, KEKText(testKEK)); !errors.Is(err, ErrKeyFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRotate(t *testing.T) {
	k := newRing(t)
	running, err := Load(k.path, KEKText(testKEK)) // another process
	if err != nil {
		t.Fatal(err)
	}
	fingerprint, code, person := k.Fingerprint(), k.CodeOf(1), k.Lookup("person", "x")
	var sealed [][]byte
	ids := map[string]bool{}
	for i := range 4 {
		s := k.Seal(fmt.Appendf(nil, "plain %d", i), "about")
		ids[string(s[1:5])] = true
		sealed = append(sealed, s)
		if err := k.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
	if len(ids) != 4 {
		t.Errorf("%d data keys sealed 4 times with rotations between", len(ids))
	}
	restarted, err := Load(k.path, KEKText(testKEK))
	if err != nil {
		t.Fatal(err)
	}
	for name, ring := range map[string]*Keyring{"this": k, "running": running, "restarted": restarted} {
		for i, s := range sealed {
			if got, err := ring.Open(s, "about"); err != nil || string(got) != fmt.Sprintf("plain %d", i) {
				t.Errorf("%s: sealed before rotation %d: %v", name, i, err)
			}
		}
		if ring.Fingerprint() != fingerprint || ring.CodeOf(1) != code || ring.Lookup("person", "x") != person {
			t.Errorf("%s: rotation of data keys changed others", name)
		}
		same(t, k, ring)
	}
}

// Processes that rotate at the same time lose nobody's key.
func TestRotateTogether(t *testing.T) {
	k := newRing(t)
	var mu sync.Mutex
	var sealed [][]byte
	var wg sync.WaitGroup
	for range 4 {
		ring, err := Load(k.path, KEKText(testKEK))
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for range 3 {
				if err := ring.Rotate(); err != nil {
					t.Error(err)
					return
				}
				s := ring.Seal([]byte("plain"), "about")
				mu.Lock()
				sealed = append(sealed, s)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, s := range sealed {
		if _, err := k.Open(s, "about"); err != nil {
			t.Errorf("%v", err)
		}
	}
	if n := len(k.ring.Load().data); n != 13 {
		t.Errorf("%d data keys after 12 rotations", n)
	}
}

func TestRewrap(t *testing.T) {
	k := newRing(t)
	before, err := Load(k.path, KEKText(testKEK))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	next := KEKText(strings.Repeat("ab", 16))
	if err := k.Rewrap(next); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(k.path, KEKText(testKEK)); !errors.Is(err, ErrKEK) {
		t.Errorf("old KEK: %v", err)
	}
	after, err := Load(k.path, next)
	if err != nil {
		t.Fatal(err)
	}
	same(t, k, after)
	same(t, before, after)
	if err := k.Rotate(); err != nil {
		t.Errorf("rotation under the new KEK: %v", err)
	}
	same(t, k, after)
	if err := before.Rotate(); !errors.Is(err, ErrKEK) {
		t.Errorf("rotation under the old KEK: %v", err)
	}
}

// Of several first starts at once, all end with the one ring.
func TestLoadOrCreateTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	rings := make([]*Keyring, 6)
	var wg sync.WaitGroup
	for i := range rings {
		wg.Go(func() {
			var err error
			if rings[i], err = LoadOrCreate(path, KEKText(testKEK)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	for _, k := range rings[1:] {
		same(t, rings[0], k)
	}
}
