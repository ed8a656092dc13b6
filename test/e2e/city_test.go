package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/test/town"
)

// city is a demonstration served by a process of its own.
type city struct {
	url      string
	dir      string
	database string
	process  *town.Process
	rough    bool // the database is taken from it: that it logs errors of that is what is tested
}

// demo starts `suiyue demo`; files "" is Guangzhou, database "" is SQLite.
func demo(dir, files, database string, more ...string) (*city, error) {
	c := &city{dir: dir, database: database}
	args := append([]string{"demo", "--dir", dir, "--listen", "127.0.0.1:0", "--people", "200"}, more...)
	if files != "" {
		args = append(args, "--city", files)
	}
	if database != "" {
		args = append(args, "--database", database)
	} else {
		c.database = filepath.Join(dir, "suiyue.db")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	var err error
	if c.process, err = town.Start(ctx, "", town.Command(binary, args...)); err == nil {
		c.url = c.process.URL
	}
	return c, err
}

// end stops the city as an operator does. It must leave with 0, have logged no error on the way, and
// leave nothing behind that doctor finds.
func (c *city) end() error {
	err := c.process.Stop()
	for line := range strings.Lines(c.process.Log()) {
		if !c.rough && strings.Contains(line, "level=ERROR") || strings.Contains(line, "panic") {
			err = errors.Join(err, errors.New("the program logged: "+line))
		}
	}
	out, sick := town.Command(binary, "doctor", "--database", c.database, "--key-file", filepath.Join(c.dir, "suiyue.keys")).CombinedOutput()
	if sick != nil {
		err = errors.Join(err, fmt.Errorf("doctor: %w\n%s", sick, out))
	}
	return err
}

// guangzhou is the whole city on SQLite, as `make demo` serves it: made once, used by most tests.
type guangzhou struct {
	once sync.Once
	city *city
	err  error
	took time.Duration
}

var shared guangzhou

func (g *guangzhou) get(t *testing.T) *city {
	t.Helper()
	g.once.Do(func() {
		dir, err := os.MkdirTemp("", "suiyue-e2e-city-")
		if err != nil {
			g.err = err
			return
		}
		began := time.Now()
		g.city, g.err = demo(dir, "", "")
		g.took = time.Since(began)
	})
	if g.err != nil {
		t.Fatal(g.err)
	}
	return g.city
}

func (g *guangzhou) end() error {
	if g.city == nil {
		return nil
	}
	var err error
	if g.err == nil {
		err = g.city.end()
	}
	return errors.Join(err, os.RemoveAll(g.city.dir))
}

// made is a small part of the city on SQLite that has been made and is served by nobody: what the others begin with.
var made struct {
	once sync.Once
	dir  string
	err  error
}

func ready() (string, error) {
	made.once.Do(func() {
		if made.dir, made.err = os.MkdirTemp("", "suiyue-e2e-made-"); made.err != nil {
			return
		}
		files, err := town.Files(made.dir)
		if err != nil {
			made.err = err
			return
		}
		args := []string{"demo", "--make-only", "--dir", filepath.Join(made.dir, "demo"), "--city", files, "--people", "200"}
		if out, err := town.Command(binary, args...).CombinedOutput(); err != nil {
			made.err = fmt.Errorf("a small city: %w\n%s", err, out)
		}
	})
	return made.dir, made.err
}

// small starts a small part of the city.
func small(t *testing.T, database string, more ...string) *city {
	t.Helper()
	dir := t.TempDir()
	files, err := town.Files(dir)
	if err != nil {
		t.Fatal(err)
	}
	if database == "" {
		from, err := ready()
		if err == nil {
			err = os.CopyFS(dir, os.DirFS(filepath.Join(from, "demo")))
		}
		for _, name := range []string{"suiyue.keys", "suiyue.keys.kek"} {
			err = errors.Join(err, os.Chmod(filepath.Join(dir, name), 0o600)) // CopyFS lets others read
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := demo(dir, files, database, more...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.end(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// setClock moves the clock of the demonstration by its desk.
func (c *city) setClock(t *testing.T, at time.Time) {
	t.Helper()
	resp, err := http.PostForm(c.url+"/demo/clock", url.Values{"to": {"time"}, "at": {at.Format(time.RFC3339)}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the desk answers %d", resp.StatusCode)
	}
}

// clock reads what time it is in the demonstration.
func (c *city) clock(t *testing.T) time.Time {
	t.Helper()
	resp, err := http.Get(c.url + "/api/v1/release")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var r struct{ Now time.Time }
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r.Now
}

// workday is a working day after today in the city, with its clock moved there.
func workday(t *testing.T, c *city, hour, minute int) calendar.Date {
	t.Helper()
	day := calendar.DateOf(c.clock(t)) + 1
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day++
	}
	c.setClock(t, day.At(hour, minute))
	return day
}

// program is a person who uses the interface for programs, signed in through the provider.
type program struct {
	city   *city
	client http.Client
}

func (c *city) program(t *testing.T, person string) *program {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &program{city: c, client: http.Client{Jar: jar, Timeout: 20 * time.Second}}
	b := p.text(t, "/sign-in?lang=en")
	_, start, ok := strings.Cut(b, `href="/sign-in/start?`)
	if !ok {
		t.Fatal("the sign-in page leads nowhere")
	}
	start, _, _ = strings.Cut(start, `"`)
	// The provider's page is left out: it takes the choice as a hint too.
	p.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasSuffix(r.URL.Path, "/authorize") {
			q := r.URL.Query()
			q.Set("login_hint", person)
			r.URL.RawQuery = q.Encode()
		}
		return nil
	}
	p.text(t, "/sign-in/start?"+strings.ReplaceAll(start, "&amp;", "&"))
	p.client.CheckRedirect = nil
	if me := p.text(t, "/api/v1/me"); !strings.Contains(me, `"name"`) {
		t.Fatalf("nobody is signed in: %s", me)
	}
	return p
}

func (p *program) text(t *testing.T, path string) string {
	t.Helper()
	resp, err := p.client.Get(p.city.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, resp.StatusCode, b)
	}
	return string(b)
}

// booked is what the interface says about one booking.
type booked struct {
	Code  string
	State string
	Slot  string
}

// bookings lists every booking of the person, newest first.
func (p *program) bookings(t *testing.T) []booked {
	t.Helper()
	var page struct{ Bookings []booked }
	if err := json.Unmarshal([]byte(p.text(t, "/api/v1/bookings?limit=100")), &page); err != nil {
		t.Fatal(err)
	}
	return page.Bookings
}

// endOthers ends every sign-in of the person but this one.
func (p *program) endOthers(t *testing.T) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, p.city.url+"/api/v1/sessions", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Idempotency-Key", "end-the-other-sessions")
	resp, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode >= 300 {
		t.Fatalf("ending the other sessions: %d", resp.StatusCode)
	}
}

// lastOne finds the slot of an item with the fewest numbers left and lets other people take all of
// them but one.
func (p *program) lastOne(t *testing.T, item string) string {
	t.Helper()
	var halls struct {
		Halls []struct{ Queue struct{ ID string } }
	}
	if err := json.Unmarshal([]byte(p.text(t, "/api/v1/items/"+item+"/halls")), &halls); err != nil {
		t.Fatal(err)
	}
	slot, free := "", 150
	for _, h := range halls.Halls {
		var a struct {
			Days []struct {
				Slots []struct {
					ID   string
					Free int
				}
			}
		}
		if err := json.Unmarshal([]byte(p.text(t, "/api/v1/queues/"+h.Queue.ID+"/availability")), &a); err != nil {
			t.Fatal(err)
		}
		for _, d := range a.Days {
			for _, s := range d.Slots {
				if s.Free > 0 && s.Free < free {
					slot, free = s.ID, s.Free
				}
			}
		}
	}
	if slot == "" {
		t.Fatalf("no slot of %s is nearly full", item)
	}
	for i := range free - 1 {
		p.city.program(t, fmt.Sprintf("load-%d", 100+i)).book(t, item, slot)
	}
	return slot
}

// book books through the interface, in its two steps.
func (p *program) book(t *testing.T, item, slot string) {
	t.Helper()
	p.ask(t, item, slot, http.StatusCreated)
}

// ask is book where the answer may be another one: 202 for an entry in a draw.
func (p *program) ask(t *testing.T, item, slot string, status int) {
	t.Helper()
	post := func(path, key, body string, want int) []byte {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.city.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
		resp, err := p.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != want {
			t.Fatalf("%s: %d %s", path, resp.StatusCode, b)
		}
		return b
	}
	var quote struct {
		Token string `json:"token"`
		Key   string `json:"idempotency_key"`
	}
	choice := fmt.Sprintf(`"item":%q,"slot":%q,"stage":"acceptance"`, item, slot)
	if err := json.Unmarshal(post("/api/v1/bookings/quote", "", "{"+choice+"}", http.StatusOK), &quote); err != nil {
		t.Fatal(err)
	}
	post("/api/v1/bookings", quote.Key, fmt.Sprintf(`{%s,"applicant":{"kind":"self"},"token":%q}`, choice, quote.Token), status)
}
