// Command department is a small booking system of a department that offers the platform an adapter, as
// docs/connected-systems.md describes it: places are held, confirmed and released under the platform's ids, and what was answered
// is on disk. It uses nothing but the standard library, so that what it does can be written in any language.
//
//	department -hall 440103000000 -queue 440103000000-q1 -item SI-0001 -key ID -secret-file FILE -file holds.log
//	department … -key ID -public-file key.pem
//
// With -misbehave it breaks one promise of the protocol, for tests of who speaks to it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "department:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("department", flag.ContinueOnError)
	listen := f.String("listen", "127.0.0.1:8090", "address, host:port")
	base := f.String("base", "", "address the platform uses, where something stands in front; default http:// and the host it asks")
	hall := f.String("hall", "", "the platform's code of the hall")
	queues := f.String("queue", "", "the platform's code of the queue; several with commas")
	items := f.String("item", "", "codes of the items that are done there; several with commas")
	capacity := f.Int("capacity", 4, "places of an hour")
	days := f.Int("days", 14, "how many days ahead can be had")
	file := f.String("file", "", "file of what was held; default: in memory only")
	key := f.String("key", "", "id of the platform's key")
	secretFile := f.String("secret-file", "", "file that holds the secret, on one line (hmac-sha256)")
	publicFile := f.String("public-file", "", "file that holds the platform's public key, PEM (ed25519)")
	misbehave := f.String("misbehave", "", "break a promise: "+strings.Join(modes, ", "))
	if err := f.Parse(args); err != nil {
		return err
	}
	if *hall == "" || *queues == "" || *items == "" || *key == "" || *misbehave != "" && !slices.Contains(modes, *misbehave) {
		return errors.New("-hall, -queue, -item and -key must be given, and -misbehave be one of its words")
	}
	check, err := checkerOf(*secretFile, *publicFile)
	if err != nil {
		return err
	}
	b := &book{
		hall: *hall, queues: strings.Split(*queues, ","), items: strings.Split(*items, ","), capacity: *capacity, days: *days,
		holds: map[string]*hold{}, now: time.Now, mode: *misbehave,
	}
	if *file != "" {
		if err := b.open(*file); err != nil {
			return err
		}
		defer b.file.Close()
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	s := &server{book: b, gate: &gate{key: *key, base: *base, check: check, now: time.Now, used: map[string]time.Time{}, mode: *misbehave}}
	srv := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 20 * time.Second, MaxHeaderBytes: 16 << 10}
	fmt.Fprintln(out, "listening on http://"+l.Addr().String())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		end, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		return srv.Shutdown(end)
	}
}

// modes are the promises that can be broken.
var modes = []string{
	"slow",                 // answers after three seconds
	"fail",                 // does it, and answers 500
	"busy",                 // is always busy
	"error-in-200",         // says no with 200
	"another-schema",       // has a field more in its answers
	"forget",               // says confirmed, and forgets it
	"forget-later",         // … a second later
	"oversell",             // is never sold out
	"look-then-take",       // looks whether there is room, and takes it a little later
	"hold-twice",           // a hold that is asked for again takes another place
	"take-another",         // takes another body for the same hold
	"confirm-expired",      // confirms what is expired
	"never-expires",        // keeps the place of what is expired
	"hold-longer",          // says it holds longer than it was asked
	"hold-released",        // holds anew what was released
	"confirm-released",     // confirms what was released
	"release-unknown",      // does not keep in mind what was released before it was held
	"keep-released",        // does not give back what was confirmed
	"another-number",       // gives another number with each confirmation
	"count-confirmed-only", // says of its capacity what is confirmed only
	"get-unknown",          // knows everything it is asked for
	"any-body",             // takes bodies that are wrong
	"unsigned",             // checks no signature
	"any-digest",           // does not compare the body with its digest
	"any-time",             // takes old signatures
	"replayed",             // takes a signature twice
	"any-signature-of-key", // looks at who signed, and not at the signature
	"cover-nothing",        // does not mind what a signature covers
}
