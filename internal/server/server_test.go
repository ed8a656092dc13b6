package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"suiyue/data"
	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/gate/identity/testpeople"
	"suiyue/internal/pgtest"
)

// testConfig is a demonstration in a folder of its own, on a free port.
func testConfig(t *testing.T) Config {
	dir := t.TempDir()
	return Config{
		Data:    Data{Database: filepath.Join(dir, "city.db"), KeyFile: filepath.Join(dir, "keys")},
		Logging: Logging{LogLevel: "error", LogFormat: "text"},
		HTTP:    HTTP{Listen: "127.0.0.1:0"},
		SignIn:  SignIn{Identity: "dev"},
		Texting: Texting{SMS: "outbox"},
		Limits:  DefaultLimits(),
		Showing: Showing{Demo: true},
		Migrate: true,
	}
}

// smallCity is a part of the real files: one district with a few of its streets and villages.
func smallCity(t *testing.T) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	keep := map[string]func(line string) bool{
		directory.UnitsFile: func(l string) bool { return strings.HasPrefix(l, "440100") || strings.HasPrefix(l, "440103") },
		directory.HallsFile: func(l string) bool {
			return strings.HasPrefix(l, "440100") || strings.HasPrefix(l, "44010300100") || strings.HasPrefix(l, "440103000000")
		},
	}
	for _, name := range append(directory.FileNames(), app.HolidaysFile) {
		b, err := data.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if wanted := keep[name]; wanted != nil {
			var kept []string
			for i, line := range strings.Split(string(b), "\n") {
				if i == 0 || wanted(line) {
					kept = append(kept, line)
				}
			}
			b = []byte(strings.Join(kept, "\n") + "\n")
		}
		out[name] = &fstest.MapFile{Data: b}
	}
	return out
}

// made is a small demonstration, made once for all tests that want one: its database and keys.
var made struct {
	sync.Once
	dir string
}

func TestMain(m *testing.M) {
	code := pgtest.Main(m)
	os.RemoveAll(made.dir)
	os.Exit(code)
}

// cityConfig is testConfig over a city that is there already.
func cityConfig(t *testing.T) Config {
	t.Helper()
	made.Do(func() {
		c := testConfig(t)
		s, err := New(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.MakeCity(t.Context(), smallCity(t), nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if made.dir, err = os.MkdirTemp("", "suiyue-city-"); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(made.dir, os.DirFS(filepath.Dir(c.Database))); err != nil {
			t.Fatal(err)
		}
	})
	c := testConfig(t)
	for _, name := range []string{"city.db", "keys", "keys.kek"} {
		b, err := os.ReadFile(filepath.Join(made.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(filepath.Dir(c.Database), name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// running is a server that serves until it is stopped.
type running struct {
	*Server
	stop  context.CancelFunc
	done  chan error    // how it ended
	ended chan struct{} // closed then
}

func start(t *testing.T, c Config, before func(*Server)) *running {
	t.Helper()
	s, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if before != nil {
		before(s)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{Server: s, stop: stop, done: make(chan error, 1), ended: make(chan struct{})}
	up := make(chan struct{})
	go func() {
		defer close(r.ended)
		r.done <- s.Serve(ctx, func() { close(up) })
	}()
	<-up
	t.Cleanup(func() {
		stop()
		<-r.ended
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *running) get(t *testing.T, path string) (int, string) {
	t.Helper()
	resp, err := http.Get(r.URL() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func (r *running) post(t *testing.T, path string, form url.Values) int {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.PostForm(r.URL()+path, form)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestADemonstrationIsMadeServedAndStartedAgain(t *testing.T) {
	c, files := testConfig(t), smallCity(t)
	var steps []string
	r := start(t, c, func(s *Server) {
		if err := s.MakeCity(t.Context(), files, func(step string, done, all int) {
			if len(steps) == 0 || steps[len(steps)-1] != step {
				steps = append(steps, step)
			}
		}); err != nil {
			t.Fatal(err)
		}
	})
	if got := strings.Join(steps, " "); got != "city slots bookings messages" {
		t.Errorf("steps %q", got)
	}
	if halls, queues, items := r.CityCounts(); halls < 5 || queues < 20 || items < 60 {
		t.Errorf("the city has %d halls, %d queues, %d items", halls, queues, items)
	}
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ready"} {
		if status, body := r.get(t, path); status != 200 || strings.TrimSpace(body) != want {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
	if status, _ := r.get(t, "/dev/idp/.well-known/openid-configuration"); status != 200 {
		t.Errorf("the development provider answers %d", status)
	}
	if q := r.App().City().Queue(demoDrawn); q == nil || !q.Draw {
		t.Errorf("no queue draws: %+v", q)
	}
	if status, body := r.get(t, "/nowhere-to-be-found"); status != 404 || !strings.Contains(body, string(fault.NoSuchPage)) {
		t.Errorf("an address nobody serves: %d", status)
	}
	if info, err := os.Stat(c.Database); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the database can be read by others: %v %v", info.Mode(), err)
	}
	r.stop()
	if err := <-r.done; err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	found, err := Doctor(t.Context(), c.Data)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.Error {
			t.Error(f)
		}
	}
	again := start(t, c, func(s *Server) {
		if err := s.MakeCity(t.Context(), files, func(step string, _, _ int) { t.Errorf("second start: %s", step) }); err != nil {
			t.Fatal(err)
		}
	})
	if halls, _, _ := again.CityCounts(); halls < 5 {
		t.Error("the city is gone after a second start")
	}
}

func TestADemonstrationLeavesARealCityAlone(t *testing.T) {
	c := testConfig(t)
	if _, err := Migrate(t.Context(), c.Data); err != nil {
		t.Fatal(err)
	}
	if _, err := Import(t.Context(), c.Data, smallCity(t), nil); err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.MakeCity(t.Context(), nil, nil); !errors.Is(err, ErrNotDemo) {
		t.Errorf("MakeCity over a city of somebody else: %v", err)
	}
}

// signedIn opens a session for a test person and finds a free slot to book.
func someone(t *testing.T, a *app.App, id string) (who *identity.Session, item, slot string, stage directory.Stage) {
	t.Helper()
	p, ok := testpeople.Find(testpeople.All(), id)
	if !ok {
		t.Fatal("no such test person")
	}
	_, who, err := a.SignIn(t.Context(), identity.Person{Name: p.Name, Document: p.Document, Phone: p.Phone, Level: p.Level})
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range a.City().Items() {
		for _, o := range a.City().Offers(it.Code) {
			if next := a.NextFree(o.QueueID, 1); next != nil && !it.Foreigner {
				return who, it.Code, next.ID, o.Stages[0]
			}
		}
	}
	t.Fatal("nothing is free")
	return nil, "", "", ""
}

func TestABookingsMessageReachesTheDesk(t *testing.T) {
	r := start(t, cityConfig(t), nil)
	who, item, slot, stage := someone(t, r.App(), "citizen-1")
	receipt, err := r.App().Book(t.Context(), who, app.BookRequest{
		Key: "a-key-of-the-test", Item: item, SlotID: slot, Stage: stage, Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
	})
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		_, desk := r.get(t, "/demo")
		if strings.Contains(desk, receipt.View.Code) {
			if strings.Contains(desk, who.Person.Phone) {
				t.Error("the desk shows a phone in clear")
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the message never came")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if n := r.outbox.Total(); n != 1 {
		t.Errorf("%d messages in the outbox; those of the crowd do not belong there", n)
	}
	text := ""
	for status := 0; !strings.Contains(text, `last_success_seconds{task="prepare slots"}`); time.Sleep(20 * time.Millisecond) {
		if status, text = r.get(t, "/metrics"); status != 200 || time.Now().After(deadline) {
			t.Fatalf("/metrics: %d, and no word of prepared slots", status)
		}
	}
	for _, want := range []string{
		`suiyue_statement_seconds_count{statement="booking.insert"}`, `suiyue_lane_running{lane="0"}`, `suiyue_http_request_seconds_count{method="GET",route="GET /demo",status="200"}`,
		`suiyue_messages_total{kind="booked",outcome="sent"} 1`, "go_goroutines",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	// The values are left out: the sum of some durations, 0.23456719900000001, holds a test phone.
	for line := range strings.Lines(text) {
		if at := strings.LastIndexByte(line, ' '); at >= 0 && line[0] != '#' {
			line = line[:at]
		}
		for _, never := range []string{who.Person.Name, who.Person.Phone, who.Person.Document.Number, string(who.Person.Key), receipt.View.Code, "nowhere-to-be-found"} {
			if strings.Contains(line, never) {
				t.Errorf("/metrics holds %q, of a test person or a raw path: %s", never, line)
			}
		}
	}
}

func TestTheClockOfADemonstrationIsMovedByThePage(t *testing.T) {
	r := start(t, cityConfig(t), nil)
	if status := r.post(t, "/demo/clock", url.Values{"to": {"release"}}); status != http.StatusSeeOther {
		t.Fatalf("moved: %d", status)
	}
	now := r.Clock().Now().In(calendar.Zone)
	if got := now.Format("15:04"); got != "11:59" || r.Clock().Shift() <= 0 {
		t.Errorf("the clock says %s, shift %s", now, r.Clock().Shift())
	}
	day := calendar.DateOf(now) + 5
	r.post(t, "/demo/clock", url.Values{"to": {"day"}, "date": {day.String()}})
	if got := calendar.DateOf(r.Clock().Now()); got != day {
		t.Errorf("the clock says %s, want %s", got, day)
	}
	for _, bad := range []url.Values{{"to": {"day"}, "date": {"tomorrow"}}, {"to": {"day"}, "date": {"2999-01-01"}}, {"to": {"time"}, "at": {"noon"}}, {"to": {"midnight"}}, {}} {
		if status := r.post(t, "/demo/clock", bad); status != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d, want 422", bad, status)
		}
	}
	r.post(t, "/demo/clock", url.Values{"to": {"real"}})
	if r.Clock().Shift() != 0 {
		t.Error("the clock is not back at the real time")
	}
}

func TestNoDemonstrationForRealPeople(t *testing.T) {
	c := testConfig(t)
	c.Demo, c.Identity, c.IdentityURL, c.IdentityClient = false, "oidc", "https://id.example.org", "suiyue"
	c.PublicURL, c.LogLevel = "https://suiyue.example.org", "error"
	r := start(t, c, nil)
	r.public = "http://" + r.listener.Addr().String() // a proxy would stand between
	for _, path := range []string{"/demo", "/dev/idp/authorize", "/metrics"} {
		if status, _ := r.get(t, path); status != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, status)
		}
	}
}

func TestAStopAnswersWhatWasAccepted(t *testing.T) {
	arrived, leave := make(chan struct{}), make(chan struct{})
	r := start(t, cityConfig(t), func(s *Server) {
		inner := s.handler
		s.handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path != "/slow" {
				inner.ServeHTTP(w, req)
				return
			}
			close(arrived)
			<-leave
			who, item, slot, stage := someone(t, s.App(), "citizen-2")
			if _, err := s.App().Book(req.Context(), who, app.BookRequest{
				Key: "a-key-of-the-test", Item: item, SlotID: slot, Stage: stage, Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
			}); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			io.WriteString(w, "booked")
		})
	})
	answer := make(chan string, 1)
	go func() {
		resp, err := http.Get(r.URL() + "/slow")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		answer <- string(b)
	}()
	<-arrived
	r.stop()
	deadline := time.Now().Add(5 * time.Second)
	for !r.health.draining.Load() {
		if time.Now().After(deadline) {
			t.Fatal("the process does not drain")
		}
		time.Sleep(time.Millisecond)
	}
	w := newAnswer()
	r.health.readiness(w, mustRequest(t))
	if w.status != http.StatusServiceUnavailable {
		t.Errorf("/readyz while draining: %d, want 503", w.status)
	}
	for { // connections are refused while the slow request goes on
		if _, err := http.Get(r.URL() + "/healthz"); err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("connections are still accepted")
		}
		time.Sleep(5 * time.Millisecond)
	}
	close(leave)
	if got := <-answer; got != "booked" {
		t.Errorf("the request accepted before the stop got %q", got)
	}
	if err := <-r.done; err != nil {
		t.Errorf("the stop was not clean: %v", err)
	}
}

type plainAnswer struct {
	bytes.Buffer
	header http.Header
	status int
}

func newAnswer() *plainAnswer              { return &plainAnswer{header: http.Header{}} }
func (w *plainAnswer) Header() http.Header { return w.header }
func (w *plainAnswer) WriteHeader(s int)   { w.status = s }
func mustRequest(t *testing.T) *http.Request {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnOldSchemaIsRefused(t *testing.T) {
	c := testConfig(t)
	c.Migrate = false
	if _, err := New(t.Context(), c); !errors.Is(err, ErrOldSchema) {
		t.Errorf("an empty database: %v", err)
	}
	if _, err := Migrate(t.Context(), c.Data); err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

func TestANewKeyringIsNeverMadeBesideSealedData(t *testing.T) {
	c := cityConfig(t)
	if info, err := os.Stat(c.KeyFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("keyring: %v %v", info, err)
	}
	if err := os.Rename(c.KeyFile, c.KeyFile+".lost"); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), c); err == nil || !strings.Contains(err.Error(), "sealed") {
		t.Errorf("started without the keyring: %v", err)
	}
	if _, err := os.Stat(c.KeyFile); err == nil {
		t.Error("a new keyring was made")
	}
}

func TestATakenPortIsLeftToWhoHasIt(t *testing.T) {
	first := start(t, testConfig(t), nil)
	c := testConfig(t)
	c.Listen = first.listener.Addr().String()
	if _, err := New(t.Context(), c); err == nil {
		t.Error("two processes took one port")
	}
	c.AnyPort = true
	s, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.URL() == first.URL() {
		t.Error("the second says it has the first one's address")
	}
}

func TestABackupWhileServingIsRestored(t *testing.T) {
	c := cityConfig(t)
	r := start(t, c, nil)
	to := filepath.Join(t.TempDir(), "copy.db")
	if err := Backup(t.Context(), c.Data, to); err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), c.Data, to); err == nil {
		t.Error("a copy was written over another")
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("copy: %v %v", info, err)
	}
	if err := Restore(t.Context(), c.Data, to, true); err == nil {
		t.Error("restored over a database that is being served")
	}
	r.stop()
	<-r.done
	r.Close()
	if err := Restore(t.Context(), c.Data, to, false); !errors.Is(err, os.ErrExist) {
		t.Errorf("restored over a database without being told to: %v", err)
	}
	broken := filepath.Join(t.TempDir(), "broken.db")
	if err := os.WriteFile(broken, []byte("this is not a database at all, but long enough to be read as one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Restore(t.Context(), c.Data, broken, true); err == nil {
		t.Error("restored something that is no database")
	}
	if err := Restore(t.Context(), c.Data, to, true); err != nil {
		t.Fatal(err)
	}
	found, err := Doctor(t.Context(), c.Data)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.Error {
			t.Error(f)
		}
	}
}

func TestLogsKeepQuietAboutWhatIsBelowTheirLevel(t *testing.T) {
	var out strings.Builder
	Logging{LogLevel: "warn", LogFormat: "json"}.Logger(&out).Info("hidden")
	Logging{LogLevel: "warn", LogFormat: "json"}.Logger(&out).Log(t.Context(), slog.LevelWarn, "shown")
	if got := out.String(); strings.Contains(got, "hidden") || !strings.Contains(got, `"msg":"shown"`) {
		t.Errorf("log: %s", got)
	}
}
