package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The department of examples/department is tried from the command line, as its builders would.
func TestConform(t *testing.T) {
	dir := t.TempDir()
	program, secret := filepath.Join(dir, "department"), filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("a secret of the test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", program, "suiyue/examples/department").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	department := func(more ...string) []string {
		cmd := exec.Command(program, append([]string{"-listen", "127.0.0.1:0", "-hall", "H1", "-queue", "Q1", "-item", "I1", "-key", "platform", "-secret-file", secret}, more...)...)
		cmd.Stderr = t.Output()
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		_, base, _ := strings.Cut(strings.TrimSpace(line), "listening on ")
		return []string{"conform", "--target", base, "--key", "platform", "--secret-file", secret, "--item", "I1", "--kept", "1s"}
	}
	good := department()
	if code, out, errs := call(t, nil, good...); code != 0 || !strings.Contains(out, "24 of 24 passed") || errs != "" {
		t.Errorf("code %d: %s%s", code, out, errs)
	}
	bad := department("-misbehave", "oversell")
	if code, out, errs := call(t, nil, append(bad, "--only", "last_place,hold_twice")...); code != 1 || !strings.Contains(out, "FAIL  last_place") || !strings.Contains(out, "1 of 2 passed") || errs != "" {
		t.Errorf("code %d: %s%s", code, out, errs)
	}
	code, out, _ := call(t, nil, append(bad, "--only", "last_place", "--json")...)
	var read struct {
		Passed    bool
		Scenarios []struct{ Name, Why string }
	}
	if err := json.Unmarshal([]byte(out), &read); code != 1 || err != nil || read.Passed || len(read.Scenarios) != 1 || read.Scenarios[0].Name != "last_place" || read.Scenarios[0].Why == "" {
		t.Errorf("code %d, %v: %s", code, err, out)
	}
	if code, _, errs := call(t, nil, append(good, "--profile", "ed25519")...); code != 1 || !strings.Contains(errs, "--private-file") {
		t.Errorf("without a private key: code %d: %s", code, errs)
	}
	if code, _, errs := call(t, nil, append(good, "--only", "lastplace")...); code != 1 || !strings.Contains(errs, "there are hold_and_confirm") {
		t.Errorf("a scenario that is none: code %d: %s", code, errs)
	}
}
