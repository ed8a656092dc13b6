package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"suiyue/internal/server"
)

type demoCmd struct {
	Dir       string   `env:"SUIYUE_DEMO_DIR" default:"demo" placeholder:"DIR" help:"Folder of the demonstration: its database and keys. Remove it to start over."`
	Database  string   `env:"SUIYUE_DEMO_DATABASE" placeholder:"SOURCE" help:"Keep the city elsewhere, as postgres://user@host/name. The database must be empty or an earlier demonstration's."`
	City      string   `env:"SUIYUE_DEMO_CITY" placeholder:"DIR" help:"CSV files of another city. Default: Guangzhou, from the program itself."`
	Listen    string   `env:"SUIYUE_LISTEN" default:":8080" placeholder:"HOST:PORT" help:"Address to serve on; when its port is taken, a free one."`
	PublicURL string   `env:"SUIYUE_PUBLIC_URL" placeholder:"URL" help:"The address you open, if it is not http://localhost and the port."`
	People    int      `env:"SUIYUE_DEMO_PEOPLE" default:"0" help:"At least this many test persons, for load tools."`
	Room      int      `name:"room-inside" env:"SUIYUE_ROOM_INSIDE" default:"1000" help:"People who may be booking at once before the next ones wait; 1 shows the waiting room to the second."`
	Frame     []string `env:"SUIYUE_FRAME" placeholder:"ENTRANCE=ORIGIN" help:"Pages of an entrance in which ours may stand, see docs/entrances.md."`
	MakeOnly  bool     `help:"Make the city and stop."`
	LogLevel  string   `env:"SUIYUE_LOG_LEVEL" default:"warn" enum:"debug,info,warn,error" help:"The least level that is written: debug, info, warn or error."`
	LogFormat string   `env:"SUIYUE_LOG_FORMAT" default:"text" enum:"text,json" help:"text for people, json for machines."`
}

func (demoCmd) Help() string {
	return `Makes a city of about 3,000 halls the first time, which takes half a minute, and serves it with test
persons, a clock that can be moved and a page of the messages sent. Nothing in it is real and nothing
leaves this computer. Whoever can reach the port can use it.

Examples:

  suiyue demo

  suiyue demo --database postgres://postgres@localhost/demo --listen 127.0.0.1:9000`
}

func (c *demoCmd) Run(e *edge) error {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	cfg := server.Config{
		Data:    server.Data{Database: c.Database, KeyFile: filepath.Join(c.Dir, "suiyue.keys")},
		Logging: server.Logging{LogLevel: c.LogLevel, LogFormat: c.LogFormat},
		HTTP:    server.HTTP{Listen: c.Listen, PublicURL: c.PublicURL, Frame: c.Frame},
		SignIn:  server.SignIn{Identity: "dev"},
		Texting: server.Texting{SMS: "outbox"},
		Limits:  server.DefaultLimits(),
		Showing: server.Showing{Demo: true, DemoPeople: c.People},
		Migrate: true, AnyPort: true,
	}
	cfg.RoomInside = c.Room
	if cfg.Database == "" {
		cfg.Database = filepath.Join(c.Dir, "suiyue.db")
	}
	var files fs.FS
	if c.City != "" {
		files = os.DirFS(c.City)
	}
	began := time.Now()
	s, err := server.New(e.ctx, cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	bar := newProgress(e.err, map[string]string{
		"city": "City", "slots": "Numbers of the next weeks", "bookings": "People who have booked", "messages": "Their messages",
	})
	if err := s.MakeCity(e.ctx, files, bar.step); err != nil {
		bar.end()
		if e.ctx.Err() != nil {
			return fmt.Errorf("stopped; `suiyue demo` goes on where it was")
		}
		return err
	}
	bar.end()
	if c.MakeOnly {
		halls, queues, items := s.CityCounts()
		fmt.Fprintf(e.out, "%d halls, %d queues, %d items in %s\n", halls, queues, items, time.Since(began).Round(100*time.Millisecond))
		return nil
	}
	return s.Serve(e.ctx, func() { c.welcome(e, s) })
}

func (c *demoCmd) welcome(e *edge, s *server.Server) {
	halls, _, items := s.CityCounts()
	at := s.URL()
	fmt.Fprintf(e.out, `
穗約 Suiyue: %d halls, %d items, ready.

  Book a number           %s/
  Demonstration desk      %s/demo    clock, messages sent, test persons
  Administrators          %s/console    ready accounts of every rank
  Interface for programs  %s/api/

  Sign in as any test person; nobody there is real. On the desk, move the clock to 11:59:50
  and see tomorrow's window open at noon.

  Stop with Ctrl-C. To start over, remove %s.

`, halls, items, at, at, at, at, c.Dir)
}
