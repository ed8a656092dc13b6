package cipher

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Source supplies the key-encryption key, 16 bytes: from a file (KEKFile), from configuration
// (KEKText), or from whatever else guards it.
type Source func() ([]byte, error)

// ErrKEKForm is the answer to a key-encryption key that is not 32 hexadecimal digits.
var ErrKEKForm = errors.New("cipher: key-encryption key must be 32 hexadecimal digits")

// KEKFile reads the KEK from a file of 32 hexadecimal digits that only its owner may read.
func KEKFile(path string) Source {
	return func() ([]byte, error) {
		text, _, err := readPrivate(path)
		if err != nil {
			return nil, err
		}
		return KEKText(string(text))()
	}
}

// KEKText takes the KEK from 32 hexadecimal digits, e.g. out of an environment variable.
func KEKText(text string) Source {
	return func() ([]byte, error) {
		key, err := hex.DecodeString(strings.TrimSpace(text))
		if err != nil || len(key) != shortKey { // err would repeat a character of the key
			return nil, ErrKEKForm
		}
		return key, nil
	}
}

// CreateKEK writes a new random KEK to path as Create writes a keyring: fs.ErrExist if there is one.
// Keep it apart from the keyring's backups; either is worth nothing without the other.
func CreateKEK(path string) error {
	return writeFile(path, []byte(hex.EncodeToString(random(shortKey))+"\n"), false)
}

func (s Source) key() ([]byte, error) {
	key, err := s()
	if err != nil {
		return nil, err
	}
	if len(key) != shortKey {
		return nil, ErrKEKForm
	}
	return key, nil
}

const maxKeyFile = 1 << 20

// readPrivate reads a regular file that nobody but its owner may read or write.
func readPrivate(path string) ([]byte, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe must not make us wait
	if err != nil {
		return nil, nil, fmt.Errorf("cipher: key file: %w", err)
	}
	defer f.Close()
	stat, err := f.Stat()
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("cipher: key file: %w", err)
	case !stat.Mode().IsRegular():
		return nil, nil, ErrKeyFile
	case stat.Mode().Perm()&0o077 != 0:
		return nil, nil, ErrPermissions
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("cipher: key file: %w", err)
	case len(text) > maxKeyFile:
		return nil, nil, ErrKeyFile
	}
	return text, stat, nil
}

// writeFile puts text at path, whole or not at all, readable by its owner only, and returns when
// file and directory are on disk. Without replace an existing file is fs.ErrExist and stays.
func writeFile(path string, text []byte, replace bool) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("cipher: write key file: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("cipher: write key file: %w", err)
		}
	}()
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if replace {
		err = os.Rename(f.Name(), path)
	} else {
		err = os.Link(f.Name(), path)
	}
	if err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// lockFile keeps other processes from changing the keyring until unlock.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cipher: lock keyring: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cipher: lock keyring: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil // which unlocks
}
