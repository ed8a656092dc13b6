package main

import (
	"fmt"

	"suiyue/internal/server"
)

type waysCmd struct {
	Adapter waysAdapterCmd `cmd:"" help:"Enter where a connected system is asked for places, and with what the platform signs."`
	Set     waysSetCmd     `cmd:"" help:"Say how a queue is booked: with numbers of the platform's, or of a department's own system."`
}

type waysAdapterCmd struct {
	server.Data `embed:""`
	Source      string `required:"" placeholder:"ID" help:"The connected system (console, connected systems)."`
	URL         string `name:"url" required:"" placeholder:"URL" help:"Address of its adapter; the paths of the protocol come behind it."`
	Key         string `required:"" placeholder:"ID" help:"Id of the platform's key, as the department has it."`
	Profile     string `default:"hmac-sha256" enum:"ed25519,hmac-sha256,hmac-sm3,gateway-sha256,gateway-sm3" help:"How requests are signed: ed25519, hmac-sha256, hmac-sm3, gateway-sha256 or gateway-sm3."`
	SecretFile  string `type:"existingfile" placeholder:"FILE" help:"File that holds the secret, on one line."`
	PrivateFile string `type:"existingfile" placeholder:"FILE" help:"File that holds the private key of ed25519, PKCS #8 as PEM."`
}

func (waysAdapterCmd) Help() string {
	return `The secret is kept sealed. Try the adapter before with ` + "`suiyue conform`" + `.`
}

func (c *waysAdapterCmd) Run(e *edge) error {
	if err := server.SetAdapter(e.ctx, c.Data, server.Adapter{Source: c.Source, URL: c.URL, Key: c.Key, Profile: c.Profile, SecretFile: c.SecretFile, PrivateFile: c.PrivateFile}); err != nil {
		return err
	}
	fmt.Fprintf(e.out, "%s is asked at %s.\n", c.Source, c.URL)
	return nil
}

type waysSetCmd struct {
	server.Data `embed:""`
	Queue       string `required:"" placeholder:"ID" help:"The queue."`
	Way         string `required:"" enum:"full,delegated" help:"full: numbers of the platform's. delegated: those of a department's own system, which is asked for each."`
	Source      string `placeholder:"ID" help:"The connected system, of delegated."`
}

func (waysSetCmd) Help() string {
	return `It counts two minutes later, when every process knows it. What is booked stays as it is, and is given back
where it was booked.`
}

func (c *waysSetCmd) Run(e *edge) error {
	from, err := server.SwitchQueue(e.ctx, c.Data, c.Queue, c.Way, c.Source)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "%s is booked as %s from %s.\n", c.Queue, c.Way, from.Local().Format("15:04:05"))
	return nil
}
