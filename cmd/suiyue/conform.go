package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"suiyue/internal/conform"
	"suiyue/internal/server"
)

type conformCmd struct {
	Target      string        `required:"" placeholder:"URL" help:"Address of the adapter; the paths of the protocol come behind it."`
	Key         string        `required:"" placeholder:"ID" help:"Id of the platform's key, as the department has it."`
	Profile     string        `default:"hmac-sha256" enum:"ed25519,hmac-sha256,hmac-sm3,gateway-sha256,gateway-sm3" help:"How requests are signed: ed25519, hmac-sha256, hmac-sm3, gateway-sha256 or gateway-sm3."`
	SecretFile  string        `type:"existingfile" placeholder:"FILE" help:"File that holds the secret, on one line."`
	PrivateFile string        `type:"existingfile" placeholder:"FILE" help:"File that holds the private key of ed25519, PKCS #8 as PEM."`
	Item        string        `required:"" placeholder:"CODE" help:"An item that is done in every queue of the adapter."`
	Patience    time.Duration `default:"5s" help:"How long an answer may take."`
	Kept        time.Duration `default:"10s" help:"How long what was confirmed is watched."`
	Restart     string        `placeholder:"COMMAND" help:"A command that starts the adapter anew and returns when it answers: adds the scenario restarted."`
	CA          string        `name:"ca" type:"existingfile" placeholder:"FILE" help:"Certificates of the authority the adapter's certificate is from, PEM. Default: those of the system."`
	Only        []string      `placeholder:"NAME" help:"Only these scenarios."`
	JSON        bool          `name:"json" help:"Print the list as JSON."`
}

func (conformCmd) Help() string {
	return `The protocol is in docs/connected-systems.md. Use a test system nobody else books in: places are held, confirmed and
given back, and what is counted must be what the scenarios did. Hours with 3 to 60 free places within the next two weeks are needed.

Exit code: 0 every scenario passed; 1 one did not, or they could not be run.

Example, with the department of examples/department:

  go run ./examples/department -hall H1 -queue Q1 -item I1 -key platform -secret-file secret

  suiyue conform --target http://127.0.0.1:8090 --key platform --secret-file secret --item I1`
}

func (c *conformCmd) Run(e *edge) error {
	o := conform.Options{
		Base: c.Target, Now: time.Now, Drawn: rand.Text, Item: c.Item, Patience: c.Patience, Kept: c.Kept, Only: c.Only,
	}
	key, err := server.PlatformKey(c.Key, c.Profile, c.SecretFile, c.PrivateFile)
	if err != nil {
		return err
	}
	o.Key = key
	var conf *tls.Config
	if c.CA != "" {
		text, err := os.ReadFile(c.CA)
		if err != nil {
			return err
		}
		conf = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
		if !conf.RootCAs.AppendCertsFromPEM(text) {
			return errors.New("--ca: no certificate in it")
		}
	}
	o.Client = conform.NewClient(conf)
	if c.Restart != "" {
		o.Restart = func(ctx context.Context) error {
			if out, err := exec.CommandContext(ctx, "sh", "-c", c.Restart).CombinedOutput(); err != nil {
				return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
			}
			return nil
		}
	}
	report, err := conform.Run(e.ctx, o)
	if err != nil {
		return err
	}
	write := report.Text
	if c.JSON {
		write = report.JSON
	}
	if err := write(e.out); err != nil {
		return err
	}
	if !report.Passed() {
		return exitError(1)
	}
	return nil
}
