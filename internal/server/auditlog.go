package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"suiyue/internal/app"
	"suiyue/internal/gate/cipher"
	"suiyue/internal/store"
)

// ErrProof says that a text proves nothing (app.ErrProof).
var ErrProof = app.ErrProof

// witnessFile keeps the newest checkpoint of the audit log beside the keyring, out of the database.
type witnessFile string

func (d Data) witness() witnessFile { return witnessFile(d.KeyFile + ".checkpoint") }

// Kept implements app.Witness.
func (f witnessFile) Kept() ([]byte, error) {
	b, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Keep implements app.Witness: whole or not at all.
func (f witnessFile) Keep(checkpoint []byte) error {
	t, err := os.CreateTemp(filepath.Dir(string(f)), "."+filepath.Base(string(f))+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(t.Name())
	_, err = t.Write(checkpoint)
	if err = errors.Join(err, t.Sync(), t.Close()); err != nil {
		return err
	}
	return os.Rename(t.Name(), string(f))
}

// logKey is the key that signs the audit log.
func logKey(k *cipher.Keyring) (*app.LogKey, error) { return app.NewLogKey(k.SigningKey("audit log")) }

// readLogKey reads it for a command that must not make a keyring; nil where there is none.
func readLogKey(d Data) (*app.LogKey, error) {
	source, _ := d.source()
	k, err := cipher.Load(d.KeyFile, source)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, explainKeys(err, d)
	}
	return logKey(k)
}

// VerifyAudit checks the whole audit log against its checkpoints, the one kept beside the keyring, and
// those in files. Without a keyring and a public key signatures are not checked.
func VerifyAudit(ctx context.Context, d Data, public string, files []string) (report app.AuditReport, err error) {
	v, err := verifierOf(d, public)
	if err != nil {
		return report, err
	}
	kept, err := d.witness().Kept()
	if err != nil {
		return report, err
	}
	elsewhere := [][]byte{kept}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			return report, err
		}
		elsewhere = append(elsewhere, b)
	}
	err = withStore(ctx, d, func(db *store.DB) error {
		current, err := db.SchemaCurrent(ctx)
		switch {
		case err != nil:
			return err
		case !current:
			return ErrOldSchema
		}
		report, err = app.VerifyAudit(ctx, db, v, elsewhere...)
		return err
	})
	return report, err
}

// verifierOf is the public key given, or that of the keyring, or nil.
func verifierOf(d Data, public string) (note.Verifier, error) {
	if public != "" {
		v, err := note.NewVerifier(public)
		if err != nil {
			return nil, fmt.Errorf("public key: %w", err)
		}
		return v, nil
	}
	key, err := readLogKey(d)
	if key == nil {
		return nil, err
	}
	return key.Verifier, nil
}

// ProveAudit returns the proof that a record is in the log (app.App.AuditProof).
func ProveAudit(ctx context.Context, d Data, n int64) (proof string, err error) {
	err = withApp(ctx, d, func(a *app.App) (err error) {
		proof, err = a.AuditProof(ctx, n)
		return err
	})
	return proof, err
}

// CheckAudit checks a proof. It needs no database, and no keyring where a public key is given.
func CheckAudit(d Data, public string, proof []byte) (app.Proven, error) {
	v, err := verifierOf(d, public)
	if err != nil {
		return app.Proven{}, err
	}
	if v == nil {
		return app.Proven{}, errors.New("give the public key of the log with --public-key: there is no keyring here")
	}
	return app.CheckProof(proof, v)
}

// AuditKey returns the public key that checkpoints and proofs are checked with.
func AuditKey(d Data) (string, error) {
	key, err := readLogKey(d)
	if err != nil {
		return "", err
	}
	if key == nil {
		return "", fmt.Errorf("there is no keyring at %s", d.KeyFile)
	}
	return key.Public, nil
}
