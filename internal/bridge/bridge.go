// Package bridge stands for the machines beside a kiosk's screen: a document reader, a code scanner and an
// 80 mm printer, as the program on the kiosk serves them to the page (docs/kiosk-bridge.md). Documents are laid
// and paper is taken on a page of its own. Tests and demonstrations use it; a hall runs the program of its
// maker, which speaks the same protocol.
package bridge

import (
	"crypto/subtle"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/identity"
)

// Document is what a reader reads.
type Document struct {
	Kind        string `json:"kind"`
	Number      string `json:"number"`
	Nationality string `json:"nationality,omitempty"`
	Name        string `json:"name"`
	Birth       string `json:"birth,omitempty"`
}

// Event is one thing a machine told: a document that was read, one that could not be, a code that was scanned.
type Event struct {
	Seq      int       `json:"seq"`
	Kind     string    `json:"kind"` // document, unread, code
	Document *Document `json:"document,omitempty"`
	Text     string    `json:"text,omitempty"`
}

// Paper is what came out of the printer.
type Paper struct {
	Job   string `json:"job"`
	Lines []Line `json:"lines"`
	Bytes []byte `json:"-"`
}

// Config of New.
type Config struct {
	Secret    string     // of the device's settings
	Origins   []string   // pages that may ask: the address people open
	Documents []Document // to lay, on the page
	Now       func() time.Time
}

// Synthetic makes documents of nobody: numbers that pass every check and were never given out.
func Synthetic(n int) (out []Document) {
	for i := range n {
		doc := identity.SyntheticResident(identity.SyntheticArea, calendar.MakeDate(1990, time.January, 1), i+1)
		out = append(out, Document{Kind: string(doc.Kind), Number: doc.Number, Name: "陈示例"})
	}
	return out
}

// Bridge is the machines. Made by New, safe for concurrent use.
type Bridge struct {
	Config

	mu     sync.Mutex
	seq    int
	events []Event
	wake   chan struct{}
	papers []Paper
	done   map[string]string // job → what came of it
	Empty  bool              // the printer has no paper
	Broken bool              // the printer does not answer
	Lies   bool              // answers are not of the protocol
	Cut    bool              // the power goes while it prints: the paper is out, nobody is told
}

// New makes a Bridge.
func New(c Config) *Bridge {
	return &Bridge{Config: c, wake: make(chan struct{}), done: map[string]string{}}
}

// Tell makes a machine tell something.
func (b *Bridge) Tell(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seq++
	e.Seq = b.seq
	if b.events = append(b.events, e); len(b.events) > 50 {
		b.events = b.events[1:]
	}
	close(b.wake)
	b.wake = make(chan struct{})
}

// Lay lays a document on the reader.
func (b *Bridge) Lay(d Document) { b.Tell(Event{Kind: "document", Document: &d}) }

// Set changes how the machines behave.
func (b *Bridge) Set(change func(*Bridge)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

// Papers returns what was printed, oldest first.
func (b *Bridge) Papers() []Paper {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Paper(nil), b.papers...)
}

//go:embed pages
var pages embed.FS

// Handler serves the protocol under /v1/ and the page of the machines at /.
func (b *Bridge) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v1/", b.protocol())
	files, err := fs.Sub(pages, "pages")
	if err != nil {
		panic(err) // they are part of the program
	}
	own := http.NewServeMux()
	own.Handle("GET /", http.FileServerFS(files))
	own.HandleFunc("GET /machines", b.machines)
	own.HandleFunc("POST /lay", b.lay)
	own.HandleFunc("POST /set", b.set)
	mux.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
		// Another page on this machine must not lay documents: only ours sends this header.
		if r.Method == http.MethodPost && r.Header.Get("X-Bridge") == "" || !local(r.Host) {
			http.Error(w, "not from here", http.StatusForbidden)
			return
		}
		own.ServeHTTP(w, r)
	}))
	return mux
}

// local tells whether a request was made to the machine itself by its own name: no other name leads here.
func local(host string) bool {
	u, err := url.Parse("//" + host)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(u.Hostname())
	return err == nil && a.IsLoopback() || u.Hostname() == "localhost"
}

func (b *Bridge) protocol() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/reader", b.reader)
	mux.HandleFunc("POST /v1/print", b.print)
	mux.HandleFunc("GET /v1/status", b.status)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		origin := r.Header.Get("Origin")
		allowed := false
		for _, o := range b.Origins {
			allowed = allowed || o == origin
		}
		if allowed {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
			h.Set("Access-Control-Allow-Methods", "GET, POST")
			h.Set("Access-Control-Allow-Private-Network", "true")
			h.Set("Access-Control-Max-Age", "600")
			h.Set("Vary", "Origin")
		}
		switch {
		case !local(r.Host) || origin != "" && !allowed:
			http.Error(w, "not from there", http.StatusForbidden)
		case r.Method == http.MethodOptions:
			w.WriteHeader(http.StatusNoContent)
		case subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+b.Secret)) != 1 || b.Secret == "":
			http.Error(w, "not paired", http.StatusUnauthorized)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

// reader answers what was read after a number, or waits for it; after −1 nothing but the number there is now.
func (b *Bridge) reader(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.Atoi(r.URL.Query().Get("after"))
	wait, bad := strconv.Atoi(r.URL.Query().Get("wait"))
	if err != nil || bad != nil || after < -1 || wait < 0 || wait > 60 {
		http.Error(w, "after and wait are numbers", http.StatusBadRequest)
		return
	}
	deadline := time.NewTimer(time.Duration(wait) * time.Second)
	defer deadline.Stop()
	for {
		b.mu.Lock()
		seq, wake, lies := b.seq, b.wake, b.Lies
		out := []Event{}
		for _, e := range b.events {
			if after >= 0 && e.Seq > after {
				out = append(out, e)
			}
		}
		b.mu.Unlock()
		if lies {
			answer(w, map[string]any{"seq": "many", "events": []any{nil, 7, map[string]any{"kind": "document", "document": map[string]any{"kind": "<b>", "number": 5}}}})
			return
		}
		if len(out) > 0 || after < 0 || after > seq {
			answer(w, map[string]any{"seq": seq, "events": out})
			return
		}
		select {
		case <-wake:
		case <-deadline.C:
			answer(w, map[string]any{"seq": seq, "events": out})
			return
		case <-r.Context().Done():
			return
		}
	}
}

// print puts a job on paper, once: told again it is only answered again.
func (b *Bridge) print(w http.ResponseWriter, r *http.Request) {
	var job struct {
		Job  string `json:"job"`
		Data string `json:"data"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&job); err != nil || job.Job == "" {
		http.Error(w, "a job and its data", http.StatusBadRequest)
		return
	}
	data, err := base64.StdEncoding.DecodeString(job.Data)
	if err != nil {
		http.Error(w, "data is base64", http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	state := b.done[job.Job]
	switch {
	case state != "":
	case b.Broken:
		state = "failed"
	case b.Empty:
		state = "no_paper"
	default:
		state = "printed"
		b.done[job.Job] = state
		b.papers = append(b.papers, Paper{Job: job.Job, Lines: Read(data), Bytes: data})
	}
	if b.Cut {
		panic(http.ErrAbortHandler)
	}
	if b.Lies {
		state = "certainly"
	}
	answer(w, map[string]string{"state": state})
}

func (b *Bridge) status(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	printer := "ok"
	if b.Empty {
		printer = "no_paper"
	}
	if b.Broken {
		printer = "failed"
	}
	answer(w, map[string]any{"printer": printer, "reader": "ok", "clock": b.Now().UTC().Format(time.RFC3339)})
}

// The page of the machines.

func (b *Bridge) machines(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	answer(w, map[string]any{"documents": b.Documents, "papers": append([]Paper{}, b.papers...), "empty": b.Empty, "broken": b.Broken})
}

func (b *Bridge) lay(w http.ResponseWriter, r *http.Request) {
	var e Event
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&e); err != nil {
		http.Error(w, "an event", http.StatusBadRequest)
		return
	}
	b.Tell(e)
	answer(w, map[string]bool{"told": true})
}

func (b *Bridge) set(w http.ResponseWriter, r *http.Request) {
	var s struct{ Empty, Broken *bool }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&s); err != nil {
		http.Error(w, "empty, broken", http.StatusBadRequest)
		return
	}
	b.Set(func(b *Bridge) {
		if s.Empty != nil {
			b.Empty = *s.Empty
		}
		if s.Broken != nil {
			b.Broken = *s.Broken
		}
	})
	answer(w, map[string]bool{"set": true})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	// Whoever asked may be gone.
	_ = json.NewEncoder(w).Encode(v)
}

// ErrNotLoopback says that the bridge would have been open to others.
var ErrNotLoopback = errors.New("the bridge listens on the machine itself only: 127.0.0.1, [::1] or localhost")

// CheckListen refuses an address that others could reach.
func CheckListen(addr string) error {
	if i := strings.LastIndexByte(addr, ':'); i <= 0 || !local(addr) {
		return ErrNotLoopback
	}
	return nil
}
