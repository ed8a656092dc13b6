package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"suiyue/internal/server"
)

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Check the whole log: every hash, every checkpoint."`
	Proof  auditProofCmd  `cmd:"" help:"Print the proof that one entry is in the log."`
	Check  auditCheckCmd  `cmd:"" help:"Check a proof, without the database."`
	Key    auditKeyCmd    `cmd:"" help:"Print the public key of the log, for those who check it."`
}

type auditVerifyCmd struct {
	server.Data `embed:""`
	PublicKey   string   `help:"Public key of the log; without it that of the keyring." placeholder:"KEY"`
	Checkpoint  []string `help:"File with a checkpoint that was kept elsewhere; may be given again." type:"existingfile" placeholder:"FILE"`
}

func (auditVerifyCmd) Help() string {
	return `Computes the hash of every record anew and compares them with the stored hashes and with every signed
checkpoint: those of the database, the newest one kept beside the keyring, and any given. Says which
record was changed, added or taken away. It reads only and may run while the city is served.

Exit code: 0 the log is whole; 2 it is not; 1 it could not look.`
}

func (c *auditVerifyCmd) Run(e *edge) error {
	r, err := server.VerifyAudit(e.ctx, c.Data, c.PublicKey, c.Checkpoint)
	if err != nil {
		return err
	}
	for _, line := range r.Broken {
		fmt.Fprintln(e.out, line)
	}
	if r.Unsigned {
		fmt.Fprintln(e.err, "suiyue: signatures were not checked: there is no keyring here; give --public-key")
	}
	if len(r.Broken) > 0 {
		fmt.Fprintf(e.err, "suiyue: the log is not whole: %d records, %d checkpoints\n", r.Records, r.Checkpoints)
		return exitError(2)
	}
	fmt.Fprintf(e.out, "The log is whole: %d records, %d of them under %d checkpoints.\n", r.Records, r.Covered, r.Checkpoints)
	return nil
}

type auditProofCmd struct {
	server.Data `embed:""`
	N           int64 `arg:"" help:"Number of the entry, as the log shows it."`
}

func (auditProofCmd) Help() string {
	return `The proof is a text (C2SP tlog-proof): the entry, its path in the tree and a signed checkpoint. Whoever
has it and the public key of the log can check it, with this program or another, and needs nothing else.

Examples:

  suiyue audit proof 1204 > entry-1204.txt

  suiyue audit check entry-1204.txt --public-key "$(cat audit.pub)"`
}

func (c *auditProofCmd) Run(e *edge) error {
	proof, err := server.ProveAudit(e.ctx, c.Data, c.N)
	if err != nil {
		return err
	}
	fmt.Fprint(e.out, proof)
	return nil
}

type auditCheckCmd struct {
	server.Data `embed:""`
	File        string `arg:"" help:"The proof; - reads it from standard input."`
	PublicKey   string `help:"Public key of the log; without it that of the keyring." placeholder:"KEY"`
}

func (auditCheckCmd) Help() string {
	return `Exit code: 0 the proof is good; 2 it proves nothing; 1 it could not look.`
}

// maxProof is more than a proof can hold, in bytes.
const maxProof = 4 << 20

func (c *auditCheckCmd) Run(e *edge) error {
	in := io.Reader(os.Stdin)
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxProof))
	if err != nil {
		return err
	}
	p, err := server.CheckAudit(c.Data, c.PublicKey, text)
	if errors.Is(err, server.ErrProof) {
		fmt.Fprintln(e.err, "suiyue:", err)
		return exitError(2)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "Entry %d is in the log of %d records signed %s:\n%s\n", p.N, p.Size, p.At, p.Text)
	return nil
}

type auditKeyCmd struct {
	server.Data `embed:""`
}

func (c *auditKeyCmd) Run(e *edge) error {
	key, err := server.AuditKey(c.Data)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.out, key)
	return nil
}
