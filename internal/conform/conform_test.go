package conform_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/internal/conform"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/gate/sign"
)

// built is the example, built once.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "department")
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, "department")
	if text, err := exec.Command("go", "build", "-o", out, "suiyue/examples/department").CombinedOutput(); err != nil {
		return "", errors.New(string(text))
	}
	return out, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := built(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

const secret = "a secret of the test"

// department is the example while it runs.
type department struct {
	t    *testing.T
	cmd  *exec.Cmd
	base string
	args []string
}

// start starts the example.
func start(t *testing.T, args ...string) *department {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(args, "-public-file") {
		args = append(args, "-secret-file", file)
	}
	d := &department{t: t, args: append([]string{
		"-hall", "440103000000", "-queue", "440103000000-q1,440103000000-q2", "-item", "SI-0001,SI-0002", "-key", "platform", "-file", filepath.Join(dir, "holds"),
	}, args...)}
	if err := d.start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.kill)
	return d
}

func (d *department) start(listen string) error {
	path, err := built()
	if err != nil {
		return err
	}
	d.cmd = exec.Command(path, append(slices.Clone(d.args), "-listen", listen)...)
	d.cmd.Stderr = d.t.Output()
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := d.cmd.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	d.base = strings.TrimPrefix(strings.TrimSpace(line), "listening on ")
	return err
}

func (d *department) kill() {
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait()
}

// restart kills the department and starts it at the same address.
func (d *department) restart(context.Context) error {
	listen := strings.TrimPrefix(d.base, "http://")
	d.kill()
	return d.start(listen)
}

func options(d *department) conform.Options {
	return conform.Options{
		Base: d.base, Key: sign.Key{ID: "platform", Profile: oversight.HMACSHA256, Secret: []byte(secret)}, Client: conform.NewClient(nil),
		Now: time.Now, Drawn: rand.Text, Item: "SI-0001", Patience: 2 * time.Second, Kept: 2 * time.Second,
	}
}

func TestTheReferenceDepartmentPasses(t *testing.T) {
	d := start(t)
	o := options(d)
	o.Restart = d.restart
	for range 2 { // it leaves nothing behind
		report, err := conform.Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		var text, coded bytes.Buffer
		if err := errors.Join(report.Text(&text), report.JSON(&coded)); err != nil {
			t.Fatal(err)
		}
		if !report.Passed() || len(report.Results) != len(conform.Names()) {
			t.Fatalf("not passed:\n%s", text.String())
		}
		var read struct {
			Passed    bool
			Scenarios []struct {
				Name   string
				Passed bool
			}
		}
		if err := json.Unmarshal(coded.Bytes(), &read); err != nil || !read.Passed || len(read.Scenarios) != len(report.Results) {
			t.Errorf("as JSON: %v, %s", err, coded.String())
		}
	}
}

func TestTheReferenceDepartmentPassesWithEd25519(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options(start(t, "-public-file", file))
	o.Key = sign.Key{ID: "platform", Profile: oversight.Ed25519, Private: private.Seed()}
	o.Only = []string{"hold_and_confirm", "signatures", "signature_twice"}
	report, err := conform.Run(t.Context(), o)
	if err != nil || !report.Passed() {
		t.Fatalf("%v, %+v", err, report)
	}
}

// Each promise that is broken is found, by the scenario that is about it.
func TestEachBrokenPromiseIsFound(t *testing.T) {
	found := map[string]string{
		"slow": "in_time", "fail": "hold_and_confirm", "busy": "hold_and_confirm", "error-in-200": "unknown_hold", "another-schema": "hold_and_confirm", "forget": "hold_and_confirm",
		"forget-later": "kept", "oversell": "last_place", "look-then-take": "last_place", "hold-twice": "hold_twice", "take-another": "other_under_the_id",
		"confirm-expired": "confirm_after_expiry", "never-expires": "confirm_after_expiry", "hold-longer": "hold_and_confirm", "hold-released": "hold_after_release",
		"confirm-released": "confirm_after_release", "release-unknown": "release_before_hold", "keep-released": "release_twice", "another-number": "confirm_twice",
		"count-confirmed-only": "hold_and_confirm", "get-unknown": "unknown_hold", "any-body": "wrong_bodies", "unsigned": "signatures", "any-digest": "signatures", "any-time": "signatures",
		"replayed": "signature_twice", "any-signature-of-key": "signatures", "cover-nothing": "signatures",
	}
	// What breaks by the same, and nothing else may: a kit that refuses everybody finds nothing.
	also := map[string][]string{
		"hold-released": {"release_before_hold", "late_hold", "release_twice"}, "confirm-released": {"release_before_hold", "late_confirm", "confirm_or_release"},
		"release-unknown": {"late_hold"}, "keep-released": {"hold_and_confirm", "confirm_after_release", "answers_lost", "questions_lost", "confirm_or_release", "kept"}, "another-number": {"same_at_once", "answers_lost"},
		"hold-twice": {"same_at_once", "answers_lost", "other_under_the_id"}, "oversell": {"several_units"}, "look-then-take": {"several_units"}, "any-signature-of-key": {"signature_twice"},
	}
	modes := modesOf(t)
	if len(modes) != len(found) {
		t.Errorf("the example breaks %d promises, %d are tried", len(modes), len(found))
	}
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			o := options(start(t, "-misbehave", mode))
			if mode == "slow" { // the others would wait, too, each of them
				o.Only = []string{found[mode]}
			}
			report, err := conform.Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			failed := report.Failed()
			if !slices.Contains(failed, found[mode]) {
				t.Errorf("%s passed: failed %v", found[mode], failed)
			}
			switch mode {
			case "slow", "fail", "busy", "another-schema", "forget", "hold-longer", "error-in-200", "count-confirmed-only", "get-unknown", "unsigned", "never-expires", "forget-later": // nearly everything fails, or whatever is just being counted
				return
			}
			for _, name := range failed {
				if name != found[mode] && !slices.Contains(also[mode], name) {
					t.Errorf("%s failed, too", name)
				}
			}
			if t.Failed() {
				_ = report.Text(t.Output())
			}
		})
	}
}

// modesOf asks the example which promises it can break.
func modesOf(t *testing.T) []string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command(path, "-help").CombinedOutput()
	_, list, ok := strings.Cut(string(out), "break a promise: ")
	list, _, _ = strings.Cut(list, "\n")
	if !ok || list == "" {
		t.Fatalf("no promises in %s", out)
	}
	return strings.Split(list, ", ")
}

func TestWhatCannotBeRun(t *testing.T) {
	o := options(&department{base: "http://127.0.0.1:1"})
	o.Only = []string{"no_such_scenario"}
	if _, err := conform.Run(t.Context(), o); err == nil {
		t.Error("a scenario that is none is run")
	}
	o.Only = nil
	if report, err := conform.Run(t.Context(), o); err != nil || report.Passed() || len(report.Failed()) != len(conform.Names())-1 {
		t.Errorf("nobody listens: %v, %+v", err, report)
	}
	followed := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			followed++
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer srv.Close()
	o.Base, o.Only = srv.URL, []string{"hold_and_confirm"}
	if report, err := conform.Run(t.Context(), o); err != nil || report.Passed() || followed != 0 {
		t.Errorf("a redirect: %v, %+v, followed %d times", err, report, followed)
	}
}
