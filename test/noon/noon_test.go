// Package noon plays a release over HTTP: scripts on few identities beside honest people, at the interface as it is
// served, with the waiting room, the steps and the limits of a person.
//
// With SUIYUE_NOON=full it is 10,000 scripts on 1,000 identities beside 2,000 people, on several noons, and the
// shares are measured; the short form holds what must hold of every noon.
package noon_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/draw"
	"suiyue/internal/domain/room"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/store"
	"suiyue/internal/web"
	"suiyue/internal/web/api"
)

// scripts is how many programs run on each scripted identity.
const scripts = 10

// release is one noon of one city.
type release struct {
	*apptest.Fixture
	t        *testing.T
	server   *httptest.Server
	noon     time.Time
	slots    []string
	scripted int
	people   []*identity // scripted ones first

	waited   atomic.Int64 // answers of the waiting room
	limited  atomic.Int64 // 429
	requests atomic.Int64
	pace     time.Duration // how many seconds of this machine one of the city takes
	arrivals atomic.Int64
}

// identity is one account; its scripts share what they know.
type identity struct {
	token   string
	client  *http.Client // a line of their own: nobody waits for the requests of others but at the server
	codes   sync.Map     // of bookings and entries, by code
	arrived atomic.Int64
	salt    atomic.Pointer[string]
	over    atomic.Bool // has a number, or knows there is none
}

func newRelease(t *testing.T, scripted, honest, inside int, drawn bool, gather time.Duration) *release {
	t.Helper()
	r := &release{t: t, scripted: scripted, people: make([]*identity, scripted+honest), pace: 1}
	if scripted+honest > 1000 {
		r.pace = 6
	}
	rules := room.Default()
	if rules.Inside = inside; scripted == 0 {
		rules.Line = honest / 2
	}
	r.Fixture = apptest.New(t, apptest.Options{
		Change: func(c *app.Config) { c.Room = &rules },
		Rules:  func(b *rulebook.Rulebook) { b.GatherFor = gather },
	})
	q := *r.App.City().Queue(apptest.QueueA)
	q.DailyAverage, q.Draw = max((scripted+honest)/2, 20), drawn
	if err := r.DB.Update(t.Context(), func(tx *store.Tx) error { return tx.SaveQueues(t.Context(), []directory.Queue{q}) }); err != nil {
		t.Fatal(err)
	}
	if err := r.App.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	site := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Now: r.Clock.Now})
	key := bytes.Repeat([]byte("k"), 32)
	mux := http.NewServeMux()
	api.New(api.Config{
		App: r.App, Site: site, Cookies: web.NewCookies(false, key), Key: key, Flow: true,
		Account: web.NewLimiter(web.Limit{Rate: 2, Burst: 20}, r.Clock.Now),
	}).Mount(mux)
	r.server = httptest.NewServer(site.Wrap(mux))
	t.Cleanup(r.server.Close)
	r.noon, _ = r.App.NextRelease()
	return r
}

// prepare makes the slots of a noon known and signs new people in; false when nothing is released then.
func (r *release) prepare(noon time.Time, serial int) bool {
	r.t.Helper()
	r.noon, r.slots = noon, nil
	for _, who := range r.people {
		if who != nil {
			who.client.CloseIdleConnections()
		}
	}
	r.Clock.Set(noon.Add(-2 * time.Hour))
	if _, err := r.App.Prepare(r.t.Context(), nil); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.App.PublishDraws(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	for _, day := range r.App.Days(apptest.QueueA, 20) {
		for _, s := range day.Slots {
			if s.State == app.SlotNotReleased && s.From.Equal(noon) {
				r.slots = append(r.slots, s.ID)
			}
		}
	}
	if len(r.slots) == 0 {
		return false
	}
	r.Clock.Set(noon.Add(-time.Minute)) // a sign-in does not outlast hours of silence
	for i := range r.people {
		token, _ := r.SignIn(r.t, apptest.Citizen(serial+i))
		lines := 1
		if i < r.scripted {
			lines = scripts / 2
		}
		r.people[i] = &identity{token: token, client: &http.Client{Transport: &http.Transport{
			MaxConnsPerHost: lines, MaxIdleConnsPerHost: lines, ReadBufferSize: 1 << 10, WriteBufferSize: 1 << 10,
		}}}
	}
	r.arrivals.Store(0)
	return true
}

// post asks once and returns status, answer and after how long to ask again.
func (r *release) post(who *identity, path, key string, body map[string]any) (status int, got map[string]any, again time.Duration) {
	b, err := json.Marshal(body)
	if err != nil {
		r.t.Error(err)
		return 0, nil, 0
	}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.server.URL+api.Prefix+path, bytes.NewReader(b))
	if err != nil {
		r.t.Error(err)
		return 0, nil, 0
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+who.token)
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	r.requests.Add(1)
	res, err := who.client.Do(req)
	if err != nil {
		r.t.Error(err)
		return 0, nil, 0
	}
	defer res.Body.Close()
	b, err = io.ReadAll(res.Body)
	if err == nil {
		err = json.Unmarshal(b, &got)
	}
	if err != nil {
		r.t.Errorf("%s: %d, %v", path, res.StatusCode, err)
		return 0, nil, 0
	}
	if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil {
		again = time.Duration(n) * time.Second
	}
	switch {
	case res.StatusCode == http.StatusTooManyRequests:
		r.limited.Add(1)
	case got["code"] == "waiting_room", got["code"] == "waiting_order":
		r.waited.Add(1)
	}
	if (res.StatusCode >= 500 || res.StatusCode == 429) && (again == 0 || res.StatusCode > 503) {
		r.t.Errorf("%s: %d without saying when to come again: %v", path, res.StatusCode, got)
	}
	return res.StatusCode, got, again
}

// try takes both steps for one slot. pause is how long to wait before asking again; done, that there is no more to ask.
func (r *release) try(who *identity, slot string) (done bool, pause time.Duration) {
	choice := map[string]any{"item": apptest.SocialCard, "slot": slot, "stage": "acceptance"}
	status, got, again := r.post(who, "/bookings/quote", "", choice)
	if status == http.StatusOK {
		choice["applicant"], choice["token"] = map[string]any{"kind": "self"}, got["token"]
		key := got["idempotency_key"].(string)
		for status, got, again = r.post(who, "/bookings", key, choice); (status == 429 || status == 503) && !r.minuteOver(); {
			r.sleep(again)
			status, got, again = r.post(who, "/bookings", key, choice)
		}
	}
	switch code, _ := got["code"].(string); {
	case status == http.StatusCreated, status == http.StatusAccepted:
		if _, twice := who.codes.LoadOrStore(code, true); !twice && who.arrived.CompareAndSwap(0, r.arrivals.Add(1)) {
			if e, ok := got["draw"].(map[string]any); ok {
				text, _ := e["entry"].(string)
				who.salt.Store(&text)
			}
		}
		return true, 0
	case code == "already_booked_item", code == "one_entry_in_the_draw":
		return true, 0
	case code == "sold_out":
		return false, 0
	case status == 429: // there is no way around it
		return false, -again
	case status == 503, status == 0:
		return false, again
	default:
		r.t.Errorf("%d %v", status, got)
		return true, 0
	}
}

// left lists the slots that still have numbers, as the pages show them.
func (r *release) left() (out []string) {
	for _, id := range r.slots {
		if v, ok := r.App.Slot(id); ok && v.Free > 0 {
			out = append(out, id)
		}
	}
	return out
}

// sleep lets time of the city pass: what many thousands ask for in a second is more than a machine that is client and
// server at once can answer in one, and what is measured is who gets a number, not how fast.
func (r *release) sleep(d time.Duration) { time.Sleep(r.pace * d) }

func (r *release) minuteOver() bool { return r.Clock.Now().Sub(r.noon) > 58*time.Second }

// act lets one script or person try until they have a number, or there is none, or the minute is over. A script comes
// again after no longer than hurry, whatever the waiting room tells it.
func (r *release) act(who *identity, hurry time.Duration) {
	for !who.over.Load() {
		free := r.left()
		if len(free) == 0 || r.minuteOver() {
			return
		}
		done, pause := r.try(who, free[rand.IntN(len(free))])
		if done {
			who.over.Store(true)
		}
		switch {
		case pause < 0:
			pause = -pause
		case hurry > 0:
			pause = hurry
		}
		r.sleep(pause)
	}
}

// play lets everybody come: each identity for the first time at a random instant of the first seconds, those of
// scripts with ten programs at once, within a span of their own.
func (r *release) play(spread, scriptSpread time.Duration) {
	began := time.Now()
	stop := make(chan struct{})
	var clock sync.WaitGroup
	clock.Go(func() { // the city's clock goes on while they ask
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
				r.Clock.Set(r.noon.Add(time.Since(began) / r.pace))
			}
		}
	})
	var all sync.WaitGroup
	for i, who := range r.people {
		if i >= r.scripted {
			at := time.Duration(rand.Int64N(int64(spread)))
			all.Go(func() { time.Sleep(r.pace*at - time.Since(began)); r.act(who, 0) })
			continue
		}
		at := time.Duration(rand.Int64N(int64(scriptSpread)))
		for range scripts {
			all.Go(func() { time.Sleep(r.pace*at - time.Since(began)); r.act(who, 500*time.Millisecond) })
		}
	}
	all.Wait()
	close(stop)
	clock.Wait()
}

func sizes(t *testing.T, fullNoons int) (scripted, honest, inside, noons int, full bool) {
	if os.Getenv("SUIYUE_NOON") == "full" {
		t.Logf("on %d cores, client and server in one process, SQLite", runtime.NumCPU())
		return 1000, 2000, 100, fullNoons, true
	}
	return 20, 40, 12, 1, false
}

// Without a draw, of one identity one number stands, a place in the line is one place, and asking for the same is one
// try: who comes with more programs has no more numbers than others who come over the same seconds, and no fewer. Nor
// has who is faster, as far as the order of those who come within gather_for is settled by lot.
func TestNoon_ScriptsHaveTheNumbersOfTheirIdentities(t *testing.T) {
	t.Run("over the same seconds", func(t *testing.T) { playRoom(t, time.Second, 1) })
	t.Run("scripts at the very instant", func(t *testing.T) { playRoom(t, 10*time.Second, 1000) })
}

// playRoom plays noons without a draw; scripts come in a span so many times shorter than people.
func playRoom(t *testing.T, gather time.Duration, faster time.Duration) {
	scripted, honest, inside, noons, full := sizes(t, 5)
	if !full {
		gather = min(gather, time.Second)
	}
	r := newRelease(t, scripted, honest, inside, false, gather)
	spread := time.Duration(len(r.people)) * 2 * time.Millisecond
	var shares []float64
	fair := 100 * float64(honest) / float64(scripted+honest)
	most := 0
	began := time.Now()
	for n, noon := 0, r.noon; n < noons; noon = noon.AddDate(0, 0, 1) {
		if !r.prepare(noon, 1+n*len(r.people)) {
			continue
		}
		n++
		r.Clock.Set(noon)
		capacity := 0
		for _, id := range r.slots {
			v, _ := r.App.Slot(id)
			capacity += v.Free
		}
		r.play(spread, spread/faster)
		got, toHonest := 0, 0
		for i, who := range r.people {
			mine := 0
			who.codes.Range(func(any, any) bool { mine++; return true })
			if mine > 1 {
				t.Errorf("identity %d has %d numbers", i, mine)
			}
			if got += mine; i >= scripted {
				toHonest += mine
			}
		}
		if got != min(capacity, len(r.people)) {
			t.Errorf("%d numbers of %d given to %d identities", got, capacity, len(r.people))
		}
		most = max(most, got)
		shares = append(shares, 100*float64(toHonest)/float64(got))
	}
	share := 0.0
	for _, s := range shares {
		share += s / float64(len(shares))
	}
	t.Logf("%d numbers on each of %d noons: honest share %.2f %% %.2f (identities %.2f %%); %d requests in %s, %d told to wait in line, %d limited",
		most, noons, share, shares, fair, r.requests.Load(), time.Since(began).Round(time.Second), r.waited.Load(), r.limited.Load())
	if r.waited.Load() == 0 {
		t.Error("nobody ever waited: this proves nothing of the waiting room")
	}
	bound := 2.0
	if !full {
		bound = chance(scripted, honest, most)
	}
	if math.Abs(share-fair) > bound {
		t.Errorf("more than %.1f points away", bound)
	}
}

// chance is how far from fair the share of a noon is with a chance of one in ten thousand, in points, when numbers
// are given by lot: four deviations of the hypergeometric distribution.
func chance(scripted, honest, numbers int) float64 {
	all, n := float64(scripted+honest), float64(numbers)
	p := float64(honest) / all
	return 400 * math.Sqrt(p*(1-p)*(all-n)/(all-1)/n)
}

// In a draw neither coming early nor coming with more programs is an advantage.
func TestNoon_InADrawArrivalIsNoAdvantage(t *testing.T) {
	scripted, honest, inside, noons, full := sizes(t, 8)
	r := newRelease(t, scripted, honest, inside, true, time.Second)
	var arrival, success []float64
	numbers, toHonest := 0, 0
	began := time.Now()
	for n, noon := 0, r.noon; n < noons; noon = noon.AddDate(0, 0, 1) {
		if !r.prepare(noon, 1+n*len(r.people)) {
			continue
		}
		n++
		r.Clock.Set(noon)
		r.play(time.Duration(len(r.people))*2*time.Millisecond, time.Duration(len(r.people))*2*time.Millisecond)
		r.Clock.Set(noon.Add(63 * time.Second))
		if done, err := r.App.CarryOutDraws(t.Context()); err != nil || done != 1 {
			t.Fatalf("%d carried out, %v", done, err)
		}
		_, record, err := r.App.DrawOf(t.Context(), draw.ID(apptest.QueueA, noon))
		if err != nil {
			t.Fatal(err)
		}
		if r.waited.Load() > 0 {
			t.Errorf("%d times somebody was to wait for a draw", r.waited.Load())
		}
		if wrong, _ := record.Check(); len(wrong) > 0 || len(record.Entries) != len(r.people) {
			t.Fatalf("%d entries of %d identities: %v", len(record.Entries), len(r.people), wrong)
		}
		of := map[string]int{}
		for i, who := range r.people {
			if text := who.salt.Load(); text != nil {
				of[*text] = i
			}
		}
		for _, e := range record.Entries {
			i, known := of[e.Entry]
			if !known {
				t.Fatalf("an entry that nobody made: %+v", e)
			}
			got := 0.0
			if e.Outcome == "booked" {
				if got, numbers = 1, numbers+1; i >= scripted {
					toHonest++
				}
			}
			arrival, success = append(arrival, float64(r.people[i].arrived.Load())), append(success, got)
		}
	}
	share, fair := 100*float64(toHonest)/float64(numbers), 100*float64(honest)/float64(scripted+honest)
	c := pearson(arrival, success)
	t.Logf("%d numbers: honest share %.2f %% (identities %.2f %%), correlation of arrival and success %.4f; %d requests in %s, %d told to wait in line, %d limited",
		numbers, share, fair, c, r.requests.Load(), time.Since(began).Round(time.Second), r.waited.Load(), r.limited.Load())
	if full && (math.Abs(share-fair) > 2 || math.Abs(c) > .02) {
		t.Error("more than 2 points, or than 0.02, away")
	}
}

func pearson(x, y []float64) float64 {
	n := float64(len(x))
	var sx, sy, sxx, syy, sxy float64
	for i := range x {
		sx, sy, sxx, syy, sxy = sx+x[i], sy+y[i], sxx+x[i]*x[i], syy+y[i]*y[i], sxy+x[i]*y[i]
	}
	return (n*sxy - sx*sy) / math.Sqrt((n*sxx-sx*sx)*(n*syy-sy*sy))
}
