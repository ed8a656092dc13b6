package main

import (
	"suiyue/internal/server"
)

type serveCmd struct {
	server.Config `embed:""`
}

func (serveCmd) Help() string {
	return `Serves until it is told to stop (Ctrl-C, SIGTERM). Then /readyz says no, requests and bookings
already accepted are answered, and the database is closed; a second signal ends it at once. SIGHUP
reads the directory and the certificate again.

Examples:

  suiyue serve --migrate --identity-url https://id.example.org --identity-client suiyue --identity-secret-file /etc/suiyue/secret

  SUIYUE_DATABASE=postgres://suiyue@db/suiyue suiyue serve --metrics-listen 127.0.0.1:9464`
}

func (c *serveCmd) Run(e *edge) error { return server.Run(e.ctx, c.Config) }
