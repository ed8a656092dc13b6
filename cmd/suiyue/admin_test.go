package main

import (
	"regexp"
	"strings"
	"testing"

	"suiyue/internal/domain/account"
)

func TestPowersPrintsTheTable(t *testing.T) {
	code, out, errs := call(t, nil, "powers")
	if code != 0 || errs != "" || out != account.Matrix() || strings.Count(out, "\n") < 12 {
		t.Errorf("code %d: %s%s", code, out, errs)
	}
}

func TestAdminCreatePrintsAOneTimeLink(t *testing.T) {
	at, dir := place(t), small(t)
	do := func(want int, args ...string) (out, errs string) {
		t.Helper()
		code, out, errs := call(t, nil, append(args, at...)...)
		if code != want {
			t.Fatalf("%v: code %d, want %d: %s%s", args, code, want, out, errs)
		}
		return out, errs
	}
	create := func(rank, unit, mobile string) []string {
		args := []string{"admin", "create", "--rank", rank, "--name", "许示例", "--duty", "管理员", "--mobile", mobile, "--public-url", "https://yuyue.example.org/"}
		if unit != "" {
			args = append(args, "--unit", unit)
		}
		return args
	}
	do(0, "migrate")
	if _, errs := do(1, create("security", "", "13900000001")...); !strings.Contains(errs, "--unit") {
		t.Errorf("before there is a city: %s", errs)
	}
	do(0, "import", "--dir", dir)
	out, _ := do(0, create("security", "", "13900000001")...)
	if !regexp.MustCompile(`(?s)^Account A000001\..*  https://yuyue\.example\.org/console/welcome/[A-Za-z0-9_-]{32}\n$`).MatchString(out) {
		t.Errorf("it prints %q", out)
	}
	for what, args := range map[string][]string{
		"one person, one account": create("audit", "", "13900000001"), "no such unit": create("district-1", "999999000000", "13900000002"),
		"cannot be at this unit": create("district-3", "440103000000", "13900000003"), "--rank": create("boss", "", "13900000004"), "--mobile": create("audit", "", "12"),
	} {
		if _, errs := do(1, args...); !strings.Contains(errs, what) || strings.Contains(errs, "1390000000") {
			t.Errorf("%s: %s", what, errs)
		}
	}
}
