package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"suiyue/internal/gate/cipher"
	"suiyue/internal/store"
)

// vault is the keyring as the app wants it: codes as people read them.
type vault struct{ *cipher.Keyring }

func (v vault) CodeOf(n uint64) string { return cipher.FormatCode(v.Keyring.CodeOf(n)) }

// source says where the key that opens the keyring comes from.
func (d Data) source() (source cipher.Source, file string) {
	if d.KEK != "" {
		return cipher.KEKText(d.KEK), ""
	}
	file = d.KEKFile
	if file == "" {
		file = d.KeyFile + ".kek"
	}
	return cipher.KEKFile(file), file
}

// openKeys loads the keyring. It makes a new one only for a database in which nothing is sealed yet:
// a new keyring beside an old database would open nothing.
func openKeys(ctx context.Context, d Data, db *store.DB) (*cipher.Keyring, error) {
	source, file := d.source()
	k, err := cipher.Load(d.KeyFile, source)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return k, explainKeys(err, d)
	}
	if _, err := os.Stat(d.KeyFile); err == nil {
		return nil, fmt.Errorf("the keyring %s is there, the key that opens it (%s) is not", d.KeyFile, file)
	}
	sealed := 0
	if err := db.View(ctx, func(tx *store.Tx) error {
		n, err := tx.Counts(ctx)
		sealed = n["booking"] + n["kept_person"] + n["account"]
		return err
	}); err != nil {
		return nil, err
	}
	if sealed > 0 {
		return nil, fmt.Errorf("there is no keyring at %s, but the database holds sealed data: put the keyring it was sealed with there", d.KeyFile)
	}
	if file != "" {
		if err := cipher.CreateKEK(file); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make %s: %w", file, err)
		}
	}
	k, err = cipher.LoadOrCreate(d.KeyFile, source)
	return k, explainKeys(err, d)
}

func explainKeys(err error, d Data) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("keyring %s: %w", d.KeyFile, err)
}

// RotateKeys makes a new data key the current one. What was sealed before still opens; processes that
// run take the new key up by themselves.
func RotateKeys(d Data) error {
	source, _ := d.source()
	k, err := cipher.Load(d.KeyFile, source)
	if err != nil {
		return explainKeys(err, d)
	}
	return k.Rotate()
}
