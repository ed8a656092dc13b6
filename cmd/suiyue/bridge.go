package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"suiyue/internal/bridge"
)

// bridgeCmd stands for the document reader and the printer of a kiosk.
type bridgeCmd struct {
	Listen string   `name:"listen" default:"127.0.0.1:18951" help:"Address on this machine, host:port."`
	Secret string   `name:"secret" env:"SUIYUE_BRIDGE_SECRET" required:"" help:"Secret of the kiosk's settings (console, devices)."`
	Origin []string `name:"origin" default:"http://localhost:8080" help:"Address people open: its pages may ask. Several with a comma."`
	People int      `name:"people" default:"8" help:"How many synthetic documents lie beside the reader."`
	Card   []string `name:"card" help:"A document more, as kind:number:name." sep:"none"`
}

func (c *bridgeCmd) Run(e *edge) error {
	if err := bridge.CheckListen(c.Listen); err != nil {
		return err
	}
	b := bridge.New(bridge.Config{Secret: c.Secret, Origins: c.Origin, Now: time.Now, Documents: bridge.Synthetic(min(c.People, 200))})
	for _, card := range c.Card {
		parts := strings.SplitN(card, ":", 3)
		if len(parts) != 3 {
			return fmt.Errorf("--card %q: kind:number:name", card)
		}
		b.Documents = append(b.Documents, bridge.Document{Kind: parts[0], Number: parts[1], Name: parts[2]})
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: b.Handler(), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	fmt.Fprintf(e.out, "Reader and printer: http://%s\n", l.Addr())
	select {
	case err = <-done:
	case <-e.ctx.Done():
		stop, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err = srv.Shutdown(stop); err != nil {
			err = srv.Close()
		}
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}
