package cipher

import (
	"bytes"
	"cmp"
	stdcipher "crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/emmansun/gmsm/sm4"
)

// Errors of loading a keyring, besides those of the file system.
var (
	ErrPermissions = errors.New("cipher: key file can be read or written by others than its owner (chmod 600)")
	ErrKeyFile     = errors.New("cipher: key file is damaged or not one")
	ErrKEK         = errors.New("cipher: key-encryption key is not the one this keyring was wrapped under")
)

// Keyring is all keys of the product. It is safe for concurrent use and never prints a key.
type Keyring struct {
	path string
	kek  []byte
	ring atomic.Pointer[ring]
	mu   sync.Mutex // one at a time reads or writes the file
}

// ring is one state of the keyring, with everything derived from the keys ready to use.
type ring struct {
	current uint32
	data    map[uint32]stdcipher.AEAD
	lookup  *mac
	code    permutation
	session *mac
	file    keyFile
	stat    fs.FileInfo
}

// keyFile is the keyring as it is stored. Wrapped keys are nonce and SM4-GCM ciphertext under the
// KEK, bound to their name, so that none can stand in for another.
type keyFile struct {
	Format  int               `json:"format"`
	KEK     string            `json:"kek"`     // id of the key-encryption key: 8 hex digits
	Current uint32            `json:"current"` // data key that seals
	Data    map[uint32][]byte `json:"data"`    // id → wrapped key of 16 bytes
	Lookup  []byte            `json:"lookup"`  // wrapped key of 32 bytes
	Code    []byte            `json:"code"`    // wrapped key of 16 bytes
	Session []byte            `json:"session"` // wrapped key of 32 bytes
}

const (
	fileFormat = 1
	shortKey   = 16 // SM4
	longKey    = 32 // HMAC-SM3
)

// Create makes a keyring with new random keys and writes it to path, readable by its owner only and
// safe on disk before it returns. A file that is there already is never touched: the error is then
// fs.ErrExist, and Load is meant. Whoever loses this file or its KEK loses all sealed data.
func Create(path string, source Source) (*Keyring, error) {
	kek, err := source.key()
	if err != nil {
		return nil, err
	}
	f := keyFile{Format: fileFormat, KEK: kekID(kek), Data: map[uint32][]byte{}}
	wrap := func(name string, size int) (wrapped []byte) {
		if err == nil {
			wrapped, err = wrapKey(kek, name, random(size))
		}
		return wrapped
	}
	f.Current = newID(f.Data)
	f.Data[f.Current] = wrap(dataName(f.Current), shortKey)
	f.Lookup, f.Code, f.Session = wrap("lookup", longKey), wrap("code", shortKey), wrap("session", longKey)
	if err != nil {
		return nil, err
	}
	if err := writeFile(path, f.text(), false); err != nil {
		return nil, err
	}
	return Load(path, source)
}

// Load reads the keyring at path. It refuses a file that others may read or write, one that is
// damaged, and a KEK that is not the right one; fs.ErrNotExist says there is none.
func Load(path string, source Source) (*Keyring, error) {
	kek, err := source.key()
	if err != nil {
		return nil, err
	}
	k := &Keyring{path: path, kek: kek}
	r, err := readRing(path, kek)
	if err != nil {
		return nil, err
	}
	k.ring.Store(r)
	return k, nil
}

// LoadOrCreate loads the keyring at path, or creates it when there is none; several processes may
// do so at once. Compare Fingerprint with what the database remembers before using it: a new ring
// beside an old database opens nothing.
func LoadOrCreate(path string, source Source) (*Keyring, error) {
	k, err := Load(path, source)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if k, err = Create(path, source); errors.Is(err, fs.ErrExist) {
		return Load(path, source)
	}
	return k, err
}

// Rotate adds a new data key, makes it current, and has it safe on disk before anything is sealed
// under it. What was sealed before still opens. Other processes over the same file open what the
// new key seals at once, and seal under it themselves from the first time they do.
func (k *Keyring) Rotate() error {
	return k.change(func(kek []byte, f *keyFile) ([]byte, error) {
		var err error
		f.Current = newID(f.Data)
		f.Data[f.Current], err = wrapKey(kek, dataName(f.Current), random(shortKey))
		return kek, err
	})
}

// Rewrap wraps all keys under another KEK and writes them. The keys themselves stay, so processes
// that run go on; they must be started again with the new KEK before the next Rotate.
func (k *Keyring) Rewrap(source Source) error {
	next, err := source.key()
	if err != nil {
		return err
	}
	return k.change(func(kek []byte, f *keyFile) ([]byte, error) {
		again := func(name string, size int, wrapped []byte) ([]byte, error) {
			key, err := unwrapKey(kek, name, size, wrapped)
			if err != nil {
				return nil, err
			}
			return wrapKey(next, name, key)
		}
		var bad [3]error
		f.Lookup, bad[0] = again("lookup", longKey, f.Lookup)
		f.Code, bad[1] = again("code", shortKey, f.Code)
		f.Session, bad[2] = again("session", longKey, f.Session)
		for id, wrapped := range f.Data {
			if f.Data[id], err = again(dataName(id), shortKey, wrapped); err != nil {
				return nil, err
			}
		}
		f.KEK = kekID(next)
		return next, errors.Join(bad[:]...)
	})
}

// Fingerprint tells keyrings apart without telling their keys: 26 characters, the same for the life
// of a ring through Rotate and Rewrap. Kept in the database, it shows a ring that does not belong to it.
func (k *Keyring) Fingerprint() string {
	r := k.ring.Load()
	sum := r.lookup.sum("fingerprint/1", strconv.FormatUint(r.code.forward(0), 10), strconv.FormatUint(r.code.forward(1), 10))
	return text32.EncodeToString(sum[:16])
}

// Format and LogValue keep keys out of logs, whatever verb prints them.
func (k *Keyring) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "keyring (not shown)") }
func (k *Keyring) LogValue() slog.Value       { return slog.StringValue("keyring (not shown)") }

// change edits the file as it is now, whoever wrote it last, and takes up the result. edit gets the
// KEK and returns the one the file is wrapped under after it.
func (k *Keyring) change(edit func(kek []byte, f *keyFile) ([]byte, error)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	unlock, err := lockFile(k.path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	now, err := readRing(k.path, k.kek)
	if err != nil {
		return err
	}
	f := now.file
	f.Data = maps.Clone(f.Data)
	kek, err := edit(k.kek, &f)
	if err != nil {
		return err
	}
	if err := writeFile(k.path, f.text(), true); err != nil {
		return err
	}
	next, err := readRing(k.path, kek)
	if err != nil {
		return err
	}
	k.kek = kek
	k.ring.Store(next)
	return nil
}

// refresh takes up the file if it is not the one in use any more.
func (k *Keyring) refresh() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	stat, err := os.Stat(k.path)
	if err != nil {
		return fmt.Errorf("cipher: keyring: %w", err)
	}
	if was := k.ring.Load().stat; os.SameFile(stat, was) && stat.ModTime().Equal(was.ModTime()) && stat.Size() == was.Size() {
		return nil
	}
	r, err := readRing(k.path, k.kek)
	if err == nil {
		k.ring.Store(r)
	}
	return err
}

func readRing(path string, kek []byte) (*ring, error) {
	text, stat, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	var f keyFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil || d.More() || f.Format != fileFormat || f.Data[f.Current] == nil {
		return nil, ErrKeyFile
	}
	if f.KEK != kekID(kek) {
		return nil, ErrKEK
	}
	r := &ring{current: f.Current, data: make(map[uint32]stdcipher.AEAD, len(f.Data)), file: f, stat: stat}
	for id, wrapped := range f.Data {
		key, err := unwrapKey(kek, dataName(id), shortKey, wrapped)
		if err != nil {
			return nil, err
		}
		if r.data[id], err = newAEAD(key); err != nil {
			return nil, err
		}
	}
	lookup, err1 := unwrapKey(kek, "lookup", longKey, f.Lookup)
	code, err2 := unwrapKey(kek, "code", shortKey, f.Code)
	session, err3 := unwrapKey(kek, "session", longKey, f.Session)
	if err := cmp.Or(err1, err2, err3); err != nil {
		return nil, err
	}
	block, err := sm4.NewCipher(code)
	if err != nil {
		return nil, fmt.Errorf("cipher: %w", err)
	}
	r.lookup, r.code, r.session = newMAC(lookup), permutation{block}, newMAC(session)
	return r, nil
}

func (f keyFile) text() []byte {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		panic("cipher: a key file has no value that JSON cannot hold: " + err.Error())
	}
	return append(b, '\n')
}

func dataName(id uint32) string { return "data " + strconv.FormatUint(uint64(id), 10) }

// wrapKey encrypts a key under the KEK, bound to its name.
func wrapKey(kek []byte, name string, key []byte) ([]byte, error) {
	aead, err := newAEAD(kek)
	if err != nil {
		return nil, err
	}
	nonce := random(nonceSize)
	return aead.Seal(nonce, nonce, key, []byte("suiyue keyring/1 "+name)), nil
}

func unwrapKey(kek []byte, name string, size int, wrapped []byte) ([]byte, error) {
	aead, err := newAEAD(kek)
	if err != nil {
		return nil, err
	}
	if len(wrapped) != nonceSize+size+tagSize {
		return nil, ErrKeyFile
	}
	key, err := aead.Open(nil, wrapped[:nonceSize], wrapped[nonceSize:], []byte("suiyue keyring/1 "+name))
	if err != nil {
		return nil, ErrKeyFile
	}
	return key, nil
}

// kekID names a KEK so that a wrong one is told from a damaged file.
func kekID(kek []byte) string {
	sum := newMAC(kek).sum("suiyue key-encryption key/1")
	return hex.EncodeToString(sum[:4])
}

// newID draws an id no other data key has. Ids are random, so that a ring restored from an old copy
// and rotated does not give one id to two keys.
func newID(taken map[uint32][]byte) uint32 {
	for {
		id := binary.BigEndian.Uint32(random(4))
		if _, ok := taken[id]; id != 0 && !ok {
			return id
		}
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: the program ends first
	return b
}
