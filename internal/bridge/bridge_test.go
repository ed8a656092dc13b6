package bridge

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const page = "https://yuyue.example.org"

func begin(t *testing.T) (*Bridge, func(method, path, secret, origin, body string) (int, http.Header, string)) {
	t.Helper()
	b := New(Config{Secret: "s3cret", Origins: []string{page}, Documents: Synthetic(2), Now: func() time.Time { return time.Unix(0, 0) }})
	srv := httptest.NewServer(b.Handler())
	t.Cleanup(srv.Close)
	return b, func(method, path, secret, origin, body string) (int, http.Header, string) {
		t.Helper()
		r, err := http.NewRequest(method, srv.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if secret != "" {
			r.Header.Set("Authorization", "Bearer "+secret)
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, res.Header, string(text)
	}
}

func TestOnlyThePairedPageMayAsk(t *testing.T) {
	_, ask := begin(t)
	for _, c := range []struct {
		name, secret, origin string
		want                 int
	}{
		{"paired", "s3cret", page, 200}, {"no secret", "", page, 401}, {"another secret", "s3cre", page, 401}, {"another page", "s3cret", "https://example.org", 403},
		{"a page of no origin", "s3cret", "null", 403}, {"the machine itself", "s3cret", "", 200},
	} {
		code, h, _ := ask("GET", "/v1/status", c.secret, c.origin, "")
		if code != c.want {
			t.Errorf("%s: %d, want %d", c.name, code, c.want)
		}
		if allowed := h.Get("Access-Control-Allow-Origin"); allowed != "" && allowed != page {
			t.Errorf("%s: %q may read it", c.name, allowed)
		}
	}
	code, h, _ := ask("OPTIONS", "/v1/print", "", page, "")
	if code != 204 || h.Get("Access-Control-Allow-Private-Network") != "true" || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("before a print the browser is told %d %v", code, h)
	}
	r := httptest.NewRequest("GET", "http://evil.example/v1/status", nil) // a name that leads to this machine
	r.Header.Set("Authorization", "Bearer s3cret")
	w := httptest.NewRecorder()
	b, _ := begin(t)
	if b.Handler().ServeHTTP(w, r); w.Code != 403 {
		t.Errorf("by another name: %d", w.Code)
	}
	if code, _, _ := ask("POST", "/lay", "", "", `{"kind":"unread"}`); code != 403 {
		t.Errorf("a form of another page lays documents: %d", code)
	}
}

func TestReaderTellsWhatIsReadFromNowOn(t *testing.T) {
	b, ask := begin(t)
	b.Lay(b.Documents[0])
	_, _, text := ask("GET", "/v1/reader?after=-1&wait=20", "s3cret", page, "")
	if text != "{\"events\":[],\"seq\":1}\n" {
		t.Fatalf("at first: %s", text)
	}
	got := make(chan string, 1)
	go func() {
		_, _, text := ask("GET", "/v1/reader?after=1&wait=20", "s3cret", page, "")
		got <- text
	}()
	b.Lay(b.Documents[1])
	select {
	case text = <-got:
	case <-time.After(5 * time.Second):
		t.Fatal("nothing was told")
	}
	var answer struct {
		Seq    int
		Events []Event
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Seq != 2 || len(answer.Events) != 1 || *answer.Events[0].Document != b.Documents[1] {
		t.Errorf("told %s", text)
	}
	for _, bad := range []string{"", "?after=x&wait=1", "?after=-2&wait=1", "?after=0&wait=99"} {
		if code, _, _ := ask("GET", "/v1/reader"+bad, "s3cret", page, ""); code != 400 {
			t.Errorf("%q: %d", bad, code)
		}
	}
	// Started anew, it counts from the beginning: a page that is ahead is told so at once.
	if _, _, text := ask("GET", "/v1/reader?after=99&wait=20", "s3cret", page, ""); !strings.Contains(text, `"seq":2`) {
		t.Errorf("ahead of it: %s", text)
	}
}

func TestAJobIsPrintedOnce(t *testing.T) {
	b, ask := begin(t)
	job := func(id string) string {
		t.Helper()
		_, _, text := ask("POST", "/v1/print", "s3cret", page, `{"job":"`+id+`","data":"`+base64.StdEncoding.EncodeToString([]byte("A001\n"))+`"}`)
		return strings.TrimSpace(text)
	}
	b.Set(func(b *Bridge) { b.Empty = true })
	if got := job("a-1"); got != `{"state":"no_paper"}` {
		t.Errorf("without paper: %s", got)
	}
	b.Set(func(b *Bridge) { b.Empty, b.Broken = false, true })
	if got := job("a-1"); got != `{"state":"failed"}` {
		t.Errorf("broken: %s", got)
	}
	b.Set(func(b *Bridge) { b.Broken = false })
	for range 2 {
		if got := job("a-1"); got != `{"state":"printed"}` {
			t.Errorf("printed: %s", got)
		}
	}
	if n := len(b.Papers()); n != 1 {
		t.Errorf("%d papers of one job", n)
	}
	if code, _, _ := ask("POST", "/v1/print", "s3cret", page, `{"job":"","data":""}`); code != 400 {
		t.Errorf("a job without a name: %d", code)
	}
}

func TestPaperIsReadAsItIsSeen(t *testing.T) {
	data := []byte("\x1b@\x1c&\x1ba\x01\xb9\xe3\xd6\xdd\n\x1d!\x33\x1c!\x0cA012\n\x1d!\x00\x1c!\x00\x1ba\x00x  y\n\x1d(k\x08\x001P0https\x1d(k\x03\x001Q0\n\x1dVB\x50")
	lines := Read(data)
	want := []Line{{Text: "广州", Size: 1, Centre: true}, {Text: "A012", Size: 4, Centre: true}, {Text: "x  y", Size: 1}, {QR: "https", Size: 1, Centre: true}, {Size: 1, Cut: true}}
	if len(lines) != len(want) {
		t.Fatalf("%+v", lines)
	}
	for i := range want {
		if lines[i] != want[i] {
			t.Errorf("line %d: %+v, want %+v", i, lines[i], want[i])
		}
	}
}

func FuzzPaper(f *testing.F) {
	f.Add([]byte("\x1d(k\xff\xff1P"))
	f.Add([]byte{0x1b})
	f.Fuzz(func(t *testing.T, data []byte) { Read(data) })
}

func TestTheBridgeIsForItsMachineOnly(t *testing.T) {
	for addr, fine := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "localhost:0": true, ":8080": false, "0.0.0.0:1": false, "192.0.2.1:1": false, "": false} {
		if got := CheckListen(addr) == nil; got != fine {
			t.Errorf("%q: %v", addr, got)
		}
	}
}
