package crash

import (
	"bytes"
	"cmp"
	"context"
	crand "crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/identity"
	"suiyue/internal/gate/cipher"
	"suiyue/internal/store"
)

const (
	clients = 24
	each    = 20               // persons a client acts for
	patient = 20 * time.Second // an answer comes within this, whatever has happened
)

// mode is what the clients do.
type mode int32

const (
	busy     mode = iota // ask for one thing after another, and again until answered
	settling             // get the answer of what is open, then rest
	leaving              // go on until the first request that gets no answer
)

// crowd is very many people who use the interface for programs, each by one request at a time.
type crowd struct {
	t       *testing.T
	place   *place
	client  http.Client
	places  []choice
	clients []*client
	mode    atomic.Int32
	working sync.WaitGroup

	answers, refusals, again, replayed, later atomic.Int64
	wait                                      atomic.Int64 // the longest, in nanoseconds
}

// choice is an item at some halls and what is free there.
type choice struct {
	item, stage string
	slots       []string
}

// held is a booking as the answers say it is.
type held struct {
	Code    string
	Version int
	State   string
	Slot    string

	choice int
}

// person is somebody signed in, and what they were told.
type person struct {
	token string
	held  []held
}

// request is something asked for. It keeps its key until it is answered.
type request struct {
	who      *person
	path     string
	body     string
	key      string
	quoted   bool // the step before a booking is taken
	booking  int  // index in held; -1 for a new booking
	expected held
}

type client struct {
	*crowd
	people []*person
	open   *request
}

// newCrowd signs people in by hand: it writes their sessions, as a sign-in does.
func newCrowd(t *testing.T, p *place) *crowd {
	t.Helper()
	c := &crowd{t: t, place: p, client: http.Client{
		Timeout: patient + 5*time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: clients, MaxConnsPerHost: 0},
	}}
	ring, err := cipher.Load(p.keys(), cipher.KEKFile(p.keys()+".kek"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), p.database, store.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	now, birth := time.Now(), calendar.MakeDate(1990, 1, 1)
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		// These people ask for one number after another, also where this runs in the minutes after a release.
		books, err := tx.Rulebooks(t.Context())
		if err != nil {
			return err
		}
		for _, r := range books {
			r.NoonAttempts, r.GatherFor = 0, 0
			if err := tx.SaveRulebook(t.Context(), r); err != nil {
				return err
			}
		}
		c.clients = nil
		for i := range clients {
			one := &client{crowd: c}
			for j := range each {
				n := i*each + j
				who := identity.Person{
					Name: "测试", Document: identity.SyntheticResident(identity.SyntheticArea, birth, n+1), Level: identity.Verified,
				}
				who.Key = identity.Key(ring.Lookup("person", who.Document.Canonical("")))
				plain, err := json.Marshal(who)
				if err != nil {
					return err
				}
				token, id := cipher.Token(), fmt.Sprintf("crash%08d", n)
				if err := tx.SaveSession(t.Context(), store.Session{
					TokenHash: ring.TokenHash(token), ID: id, Person: who.Key, Sealed: ring.Seal(plain, "session|"+id),
					Level: who.Level, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(12 * time.Hour),
				}); err != nil {
					return err
				}
				one.people = append(one.people, &person{token: token})
			}
			c.clients = append(c.clients, one)
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *crowd) url(path string) string { return "http://" + c.place.address + "/api/v1" + path }

func (c *crowd) get(path, token string, into any) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.url(path), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.client.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(resp.Body)
		c.t.Fatalf("GET %s: %d %s", path, resp.StatusCode, b)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		c.t.Fatal(err)
	}
}

// learn finds items with few numbers left, so that people meet.
func (c *crowd) learn() {
	c.t.Helper()
	var items struct {
		Items []struct {
			Code      string
			Foreigner bool `json:"foreigner_related"`
		}
	}
	c.get("/items?limit=30", "", &items)
	known := map[string][]free{}
	for _, it := range items.Items {
		var halls struct {
			Halls []struct {
				Queue  struct{ ID string }
				Stages []string
			}
		}
		c.get("/items/"+it.Code+"/halls", "", &halls)
		if it.Foreigner || len(halls.Halls) < 2 {
			continue
		}
		one := choice{item: it.Code, stage: halls.Halls[0].Stages[0]}
		var all []free
		for _, h := range halls.Halls {
			if !slices.Contains(h.Stages, one.stage) {
				continue
			}
			if known[h.Queue.ID] == nil {
				known[h.Queue.ID] = c.free(h.Queue.ID)
			}
			all = append(all, known[h.Queue.ID]...)
		}
		slices.SortStableFunc(all, func(a, b free) int { return cmp.Compare(a.left, b.left) })
		for _, f := range all[:min(len(all), 60)] {
			one.slots = append(one.slots, f.slot)
		}
		if c.places = append(c.places, one); len(c.places) == 6 {
			break
		}
	}
	if len(c.places) < 3 {
		c.t.Fatalf("there are %d items to book only", len(c.places))
	}
}

// free is a slot with numbers left.
type free struct {
	slot string
	left int
}

func (c *crowd) free(queue string) []free {
	c.t.Helper()
	var out []free
	var a struct {
		Days []struct {
			Slots []struct {
				ID    string
				State string
				Free  int
			}
		}
	}
	c.get("/queues/"+queue+"/availability", "", &a)
	for _, d := range a.Days {
		for _, s := range d.Slots {
			if s.State == "free" {
				out = append(out, free{s.ID, s.Free})
			}
		}
	}
	return out
}

// begin lets everybody ask for things until settle or leave.
func (c *crowd) begin() { c.work(busy) }

func (c *crowd) work(m mode) {
	c.mode.Store(int32(m))
	for _, one := range c.clients {
		c.working.Go(one.act)
	}
}

// settle waits until everything asked for is answered.
func (c *crowd) settle() {
	c.t.Helper()
	c.mode.Store(int32(settling))
	c.working.Wait()
	c.work(settling)
	done := make(chan struct{})
	go func() { c.working.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(2 * patient):
		c.t.Fatal("some requests are never answered")
	}
}

// leave lets everybody go on until the server is gone.
func (c *crowd) leave() { c.mode.Store(int32(leaving)) }

// rest waits until nobody does anything and returns how many requests stay unanswered.
func (c *crowd) rest() (unanswered int) {
	c.working.Wait()
	for _, one := range c.clients {
		if one.open != nil {
			unanswered++
		}
	}
	return unanswered
}

// progress waits until answers come again.
func (c *crowd) progress() {
	c.t.Helper()
	want := c.answers.Load() + clients
	for range 400 {
		if c.answers.Load() >= want {
			return
		}
		time.Sleep(patient / 400)
	}
	c.t.Fatalf("nobody is served %s after PostgreSQL came back\n%s", patient, c.place.process.Log())
}

func (c *crowd) longest() time.Duration { return time.Duration(c.wait.Load()) }

func (c *crowd) tally() string {
	return fmt.Sprintf("%d requests done, %d refused, %d asked again, of which %d had been done already",
		c.answers.Load(), c.refusals.Load(), c.again.Load(), c.replayed.Load())
}

// act is a client's day.
func (c *client) act() {
	for {
		now := mode(c.mode.Load())
		if now == leaving && c.open != nil || now == settling && c.open == nil || c.t.Failed() {
			return
		}
		if c.open == nil {
			c.open = c.wish()
		} else {
			c.again.Add(1)
		}
		if c.ask(c.open) {
			c.open = nil
		} else {
			time.Sleep(25 * time.Millisecond)
		}
	}
}

// wish is what somebody wants next: a number, another one, or none.
func (c *client) wish() *request {
	who := c.people[rand.IntN(len(c.people))]
	r := &request{who: who, key: crand.Text(), booking: -1}
	if i := slices.IndexFunc(who.held, func(h held) bool { return h.State == "booked" }); i >= 0 && rand.IntN(3) > 0 {
		h := who.held[i]
		r.booking, r.expected = i, held{Code: h.Code, Version: h.Version + 1, State: "cancelled", Slot: h.Slot, choice: h.choice}
		r.path, r.body = "/bookings/"+h.Code+"/cancel", "{}"
		if rand.IntN(2) == 0 {
			r.expected.State, r.expected.Slot = "booked", pick(c.places[h.choice].slots)
			r.path, r.body = "/bookings/"+h.Code+"/move", fmt.Sprintf(`{"slot":%q}`, r.expected.Slot)
		}
		return r
	}
	k := rand.IntN(len(c.places))
	r.expected = held{Version: 1, State: "booked", Slot: pick(c.places[k].slots), choice: k}
	r.path = "/bookings"
	r.body = fmt.Sprintf(`{"item":%q,"slot":%q,"stage":%q}`, c.places[k].item, r.expected.Slot, c.places[k].stage)
	return r
}

func pick(list []string) string { return list[rand.IntN(len(list))] }

// quote takes the step before a booking: the token and the key it gives are good for whatever becomes of the server.
func (c *client) quote(r *request) (refused, answered bool) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, c.url("/bookings/quote"), bytes.NewBufferString(r.body))
	if err != nil {
		c.t.Error(err)
		return true, true
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+r.who.token)
	resp, err := c.client.Do(req)
	if err != nil {
		return false, false
	}
	defer resp.Body.Close()
	var got struct {
		Token string `json:"token"`
		Key   string `json:"idempotency_key"`
	}
	switch b, err := io.ReadAll(resp.Body); {
	case err != nil || resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
		return false, false
	case resp.StatusCode == http.StatusConflict:
		c.refusals.Add(1)
		return true, true
	case resp.StatusCode != http.StatusOK || json.Unmarshal(b, &got) != nil:
		c.t.Errorf("/bookings/quote is answered with %d: %s", resp.StatusCode, b)
		return true, true
	}
	r.quoted, r.key = true, got.Key
	r.body = strings.TrimSuffix(r.body, "}") + fmt.Sprintf(`,"token":%q,"applicant":{"kind":"self"}}`, got.Token)
	return false, true
}

// ask sends a request and tells whether it was answered. What was promised is written down.
func (c *client) ask(r *request) (answered bool) {
	if r.path == "/bookings" && !r.quoted {
		if refused, ok := c.quote(r); !ok || refused {
			return ok
		}
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, c.url(r.path), bytes.NewBufferString(r.body))
	if err != nil {
		c.t.Error(err)
		return true
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+r.who.token)
	req.Header.Set("Idempotency-Key", r.key)
	began := time.Now()
	resp, err := c.client.Do(req)
	var b []byte
	if err == nil {
		b, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	waited := time.Since(began)
	for {
		longest := c.wait.Load()
		if int64(waited) <= longest || c.wait.CompareAndSwap(longest, int64(waited)) {
			break
		}
	}
	if waited > patient {
		c.t.Errorf("%s took %s", r.path, waited)
	}
	switch {
	case err != nil:
		return false
	case resp.StatusCode >= 500:
		c.later.Add(1)
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
			c.t.Errorf("%s is answered with %d, Retry-After %q: %s", r.path, resp.StatusCode, resp.Header.Get("Retry-After"), b)
		}
		return false
	case resp.StatusCode == http.StatusConflict:
		c.refusals.Add(1)
		return true
	case resp.StatusCode >= 300:
		c.t.Errorf("%s %s is answered with %d: %s", r.path, r.body, resp.StatusCode, b)
		return true
	}
	var got held
	if err := json.Unmarshal(b, &got); err != nil {
		c.t.Error(err)
		return true
	}
	c.answers.Add(1)
	if resp.Header.Get("Idempotency-Replayed") == "true" {
		c.replayed.Add(1)
	}
	if r.booking < 0 {
		r.expected.Code = got.Code
	}
	if got.choice = r.expected.choice; got != r.expected {
		c.t.Errorf("%s: asked for %+v, told %+v", r.path, r.expected, got)
	}
	if r.booking < 0 {
		r.who.held = append(r.who.held, got)
	} else {
		r.who.held[r.booking] = got
	}
	return true
}

// compare looks whether everybody has exactly what they were told.
func (c *crowd) compare() {
	c.t.Helper()
	bookings := 0
	for _, one := range c.clients {
		for _, who := range one.people {
			var page struct {
				Bookings []held
				Next     string
			}
			c.get("/bookings?limit=100", who.token, &page)
			for page.Next != "" {
				next := page.Next
				page.Next = ""
				had := page.Bookings
				page.Bookings = nil
				c.get("/bookings?limit=100&cursor="+next, who.token, &page)
				page.Bookings = append(had, page.Bookings...)
			}
			bookings += len(who.held)
			told := map[string]held{}
			for _, h := range who.held {
				h.choice = 0
				told[h.Code] = h
			}
			for _, h := range page.Bookings {
				if told[h.Code] != h {
					c.t.Errorf("there is %+v, told was %+v", h, told[h.Code])
				}
				delete(told, h.Code)
			}
			for _, h := range told {
				c.t.Errorf("told was %+v, there is none", h)
			}
		}
	}
	if bookings < clients {
		c.t.Errorf("%d bookings prove nothing", bookings)
	}
}
