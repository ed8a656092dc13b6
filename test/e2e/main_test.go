// Package e2e drives the real program through a real browser: the story of a booking on both engines,
// with and without scripts, by keyboard, at noon; and every page in both editions at three widths.
//
// SUIYUE_TEST_PICTURES names a folder for the pictures of the README, SUIYUE_TEST_SCREENS one for a
// picture of every page.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"suiyue/internal/pgtest"
	"suiyue/test/town"
)

// binary is the program, built once from this tree; chrome is the context of the one browser.
var (
	binary string
	chrome context.Context
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "suiyue-e2e-")
		if err == nil {
			defer os.RemoveAll(dir)
			err = setUp(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			return 1
		}
		code := pgtest.Main(m)
		err = errors.Join(shared.end(), os.RemoveAll(made.dir), chromedp.Cancel(chrome)) // waits until both are gone
		if err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			code = max(code, 1)
		}
		return code
	}())
}

func setUp(dir string) error {
	var err error
	if binary, err = town.Build(dir); err != nil {
		return err
	}
	path, err := browserPath()
	if err != nil {
		return err
	}
	profile := filepath.Join(dir, "profile")
	alloc, _ := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		// Whatever the pages ask for, the browser of a test speaks to this machine only.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"),
		chromedp.Flag("accept-lang", "zh-CN,zh"), chromedp.Flag("lang", "zh-CN"),
		// A page that comes back from memory loads nothing, and the driver would wait for its load.
		chromedp.Flag("disable-features", "Translate,BackForwardCache"), chromedp.Env("TZ=Asia/Shanghai", "LANGUAGE=zh_CN"),
	)...)
	chrome, _ = chromedp.NewContext(alloc)
	if err := chromedp.Do(chrome); err != nil {
		return fmt.Errorf("start %s: %w", path, err)
	}
	return nil
}

// browserPath finds Chromium or Chrome. The pages are not proven without one.
func browserPath() (string, error) {
	for _, name := range []string{"chromium", "google-chrome", "chromium-browser", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("Chromium or Chrome is needed (Debian: apt-get install chromium fonts-noto-cjk)")
}
