package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"suiyue/data"
	"suiyue/internal/domain/directory"
	"suiyue/internal/server"
	"suiyue/internal/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

// call runs the program within this process.
func call(t *testing.T, environ []string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e strings.Builder
	code = run(t.Context(), args, environ, &o, &e)
	return code, o.String(), e.String()
}

func TestHelp(t *testing.T) {
	t.Setenv("COLUMNS", "100")
	for name, args := range map[string][]string{
		"help": {"--help"}, "serve": {"serve", "--help"}, "demo": {"demo", "--help"}, "import": {"import", "city", "--help"}, "import-themes": {"import", "themes", "--help"}, "doctor": {"doctor", "--help"}, "anomalies": {"anomalies", "--help"},
	} {
		code, out, errs := call(t, nil, args...)
		if code != 0 || errs != "" {
			t.Errorf("%v: code %d, %s", args, code, errs)
		}
		file := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(file, []byte(out), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if out != string(want) {
			t.Errorf("%v is not as in %s (go test ./cmd/suiyue -update):\n%s", args, file, out)
		}
	}
}

func TestServeHelpTeachesEverySetting(t *testing.T) {
	_, out, _ := call(t, nil, "serve", "--help")
	for _, s := range server.Settings() {
		if !strings.Contains(out, "--"+s.Flag) && !strings.Contains(out, "--[no-]"+s.Flag) {
			t.Errorf("--%s is not shown", s.Flag)
		}
		if !strings.Contains(out, "$"+s.Variable) {
			t.Errorf("$%s is not shown", s.Variable)
		}
	}
}

func TestWrongCalls(t *testing.T) {
	for name, c := range map[string]struct {
		environ []string
		args    []string
		says    string
	}{
		"unknown command":  {nil, []string{"serv"}, `did you mean "serve"?`},
		"unknown flag":     {nil, []string{"serve", "--databse", "x"}, `did you mean "--database"?`},
		"unknown variable": {[]string{"SUIYUE_DATABSE=secret"}, []string{"version"}, "did you mean SUIYUE_DATABASE?"},
		"not one of":       {nil, []string{"serve", "--sms", "pigeon"}, "outbox"},
		"not a network":    {nil, []string{"serve", "--trusted-proxies", "here"}, "--trusted-proxies"},
		"file missing":     {nil, []string{"backup"}, "<file>"},
	} {
		code, _, errs := call(t, c.environ, c.args...)
		if code != 2 || !strings.Contains(errs, c.says) || strings.Contains(errs, "secret") {
			t.Errorf("%s: code %d: %s", name, code, errs)
		}
	}
}

func TestServeSaysAllThatIsWrongWithItsSettings(t *testing.T) {
	code, _, errs := call(t, nil, "serve", "--listen", "nowhere", "--lanes", "99", "--database", filepath.Join(t.TempDir(), "x.db"))
	if code != 2 || !strings.Contains(errs, "--listen") || !strings.Contains(errs, "--lanes") || !strings.Contains(errs, "--identity-url") {
		t.Errorf("code %d: %s", code, errs)
	}
}

func TestVersion(t *testing.T) {
	if code, out, _ := call(t, nil, "version"); code != 0 || !strings.HasPrefix(out, "suiyue ") || !strings.Contains(out, "go1.") {
		t.Errorf("code %d: %q", code, out)
	}
}

// place is a database and keys of a test's own, as flags.
func place(t *testing.T) []string {
	dir := t.TempDir()
	return []string{"--database", filepath.Join(dir, "city.db"), "--key-file", filepath.Join(dir, "keys")}
}

// small writes the shipped files to a folder, but only some halls.
func small(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, data.Files); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"divisions.csv", "halls.csv"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		var kept []string
		for i, line := range strings.Split(string(b), "\n") {
			if i == 0 || strings.HasPrefix(line, "440100") || strings.HasPrefix(line, "440103000000") || strings.HasPrefix(line, "440103001") {
				kept = append(kept, line)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Join(kept, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTheLifeOfADatabase(t *testing.T) {
	at, dir := place(t), small(t)
	do := func(want int, args ...string) (out, errs string) {
		t.Helper()
		code, out, errs := call(t, nil, append(args, at...)...)
		if code != want {
			t.Fatalf("%v: code %d, want %d: %s%s", args, code, want, out, errs)
		}
		return out, errs
	}
	if _, errs := do(1, "import", "--dir", dir); !strings.Contains(errs, "suiyue migrate") {
		t.Errorf("import into nothing: %s", errs)
	}
	if out, _ := do(0, "migrate"); !strings.Contains(out, "Steps taken: 1") {
		t.Errorf("migrate: %s", out)
	}
	if out, _ := do(0, "migrate"); !strings.Contains(out, "up to date") {
		t.Errorf("migrate again: %s", out)
	}
	if out, _ := do(0, "doctor"); !strings.Contains(out, "warning city") {
		t.Errorf("doctor without a city: %s", out)
	}
	if out, _ := do(0, "import", "--dir", dir); !strings.Contains(out, "hall") || strings.Contains(out, "Nothing changed") {
		t.Errorf("import: %s", out)
	}
	if out, _ := do(0, "import", "--dir", dir); !strings.Contains(out, "Nothing changed") {
		t.Errorf("import again: %s", out)
	}
	if out, _ := do(0, "doctor"); !strings.Contains(out, "Nothing found") {
		t.Errorf("doctor: %s", out)
	}
	holidays := filepath.Join(dir, "statutory-holidays.csv")
	b, err := os.ReadFile(holidays)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(holidays, append(b, "2026-99-01,off,secret\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, errs := do(1, "import", "--dir", dir); !strings.Contains(errs, "statutory-holidays.csv:182: bad_date") || strings.Contains(errs, "secret") {
		t.Errorf("import of a bad line: %s", errs)
	}
	do(0, "keys", "rotate")
	copied := filepath.Join(t.TempDir(), "copy.db")
	do(0, "backup", copied)
	if _, errs := do(1, "restore", copied); !strings.Contains(errs, "--force") {
		t.Errorf("restore over a database: %s", errs)
	}
	do(0, "restore", copied, "--force")
	do(0, "doctor")
}

// Whoever runs doctor by itself, from cron or a probe, sees by its exit code what it found.
func TestDoctorsExitCodeSaysWhatItFound(t *testing.T) {
	at := place(t)
	file := filepath.Join(t.TempDir(), "spelt-wrong.db")
	for _, args := range [][]string{{"doctor"}, {"backup", file + ".copy"}, {"import"}} {
		if code, _, errs := call(t, nil, append(args, "--database", file)...); code != 1 || !strings.Contains(errs, "there is no database at "+file) {
			t.Errorf("%v without a database: code %d: %s", args, code, errs)
		}
		if _, err := os.Stat(file); err == nil {
			t.Fatalf("%v made a database", args)
		}
	}
	if code, _, errs := call(t, nil, append([]string{"migrate"}, at...)...); code != 0 {
		t.Fatalf("migrate: code %d: %s", code, errs)
	}
	db, err := store.Open(t.Context(), at[1], store.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		return tx.SaveUnits(t.Context(), []directory.Unit{{ID: "1", ParentID: "nowhere", Kind: directory.Street}})
	})
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := call(t, nil, append([]string{"doctor"}, at...)...); code != 2 || !strings.Contains(out, "error unit: 1") || errs != "suiyue: 1 errors found\n" {
		t.Errorf("doctor: code %d: %s%s", code, out, errs)
	}
}

func TestDemoIsMadeFromASmallCity(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	args := []string{"demo", "--dir", dir, "--city", small(t), "--make-only", "--listen", "127.0.0.1:0", "--log-level", "error"}
	code, out, errs := call(t, nil, args...)
	if code != 0 || !strings.Contains(out, "halls") || !strings.Contains(errs, "People who have booked: ") {
		t.Fatalf("code %d: %s%s", code, out, errs)
	}
	if code, _, errs = call(t, nil, args...); code != 0 || errs != "" {
		t.Errorf("made again: code %d: %s", code, errs)
	}
	if code, out, errs = call(t, nil, "doctor", "--database", filepath.Join(dir, "suiyue.db")); code != 0 {
		t.Errorf("doctor: code %d: %s%s", code, out, errs)
	}
}

// Counting anew begins where the figures do, leaves those of which nothing else is kept, and says which days were made.
func TestFiguresAgainBeginWithTheFirstFigures(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	at := []string{"--database", filepath.Join(dir, "suiyue.db")}
	if code, _, errs := call(t, nil, "demo", "--dir", dir, "--city", small(t), "--make-only", "--listen", "127.0.0.1:0", "--log-level", "error"); code != 0 {
		t.Fatalf("code %d: %s", code, errs)
	}
	again := func(args ...string) string {
		t.Helper()
		code, out, errs := call(t, nil, append(append([]string{"figures", "--again"}, at...), args...)...)
		if code != 0 || !strings.Contains(out, "The same: ") {
			t.Fatalf("%v: code %d: %s%s", args, code, out, errs)
		}
		return out
	}
	const left, made = "days of halls have figures of which no numbers are kept, and stay as they are.", "2025-01-01 to 2025-01-03 was made by suiyue simulate"
	if out := again(); !strings.Contains(out, left) || strings.Contains(out, "simulate") {
		t.Errorf("of the demonstration: %s", out)
	}
	if code, _, errs := call(t, nil, append([]string{"simulate", "--year", "2025", "--to", "2025-01-03", "--key-file", filepath.Join(dir, "suiyue.keys")}, at...)...); code != 0 {
		t.Fatalf("simulate: code %d: %s", code, errs)
	}
	if out := again("--from", "2025-01-01", "--to", "2025-01-31"); !strings.Contains(out, made) || strings.Contains(out, left) || strings.Contains(out, ": 0 days") {
		t.Errorf("of the made past: %s", out)
	}
	for _, args := range [][]string{{"anomalies"}, {"anomalies", "--scale", "2"}, {"anomalies", "--from", "spring"}} { // three days have no past to tell anything from
		if code, out, errs := call(t, nil, append(args, at...)...); code != 1 || out != "" || !strings.HasPrefix(errs, "suiyue: ") {
			t.Errorf("%v: code %d: %s%s", args, code, out, errs)
		}
	}
	if out := again("--from", "2025-02-01", "--to", "2025-02-28"); strings.Contains(out, made) {
		t.Errorf("without the made past: %s", out)
	}
}

func TestDemoThatIsBrokenOffGoesOnLater(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	args := []string{"demo", "--dir", dir, "--city", small(t), "--make-only", "--listen", "127.0.0.1:0", "--log-level", "error"}
	ctx, cancel := context.WithCancel(t.Context())
	var out, errs strings.Builder
	code := run(ctx, args, nil, &out, &breaker{Builder: &errs, at: "Numbers of the next weeks", cancel: cancel})
	if code == 0 {
		t.Fatalf("the demonstration was made although it was broken off: %s", out.String())
	}
	if code, _, errs := call(t, nil, args...); code != 0 {
		t.Fatalf("after a break: code %d: %s", code, errs)
	}
	if code, out, _ := call(t, nil, "doctor", "--database", filepath.Join(dir, "suiyue.db")); code != 0 {
		t.Errorf("doctor: code %d: %s", code, out)
	}
}

// breaker stops the program when it prints a certain line.
type breaker struct {
	*strings.Builder
	at     string
	cancel context.CancelFunc
}

func (b *breaker) Write(p []byte) (int, error) {
	if strings.Contains(string(p), b.at) {
		b.cancel()
	}
	return b.Builder.Write(p)
}
