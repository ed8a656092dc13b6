package hall_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/counter"
	"suiyue/internal/web/hall"
	"suiyue/internal/web/ui"
)

// display makes a display of a hall and enrols a machine as it.
func (w *world) display(at string, change func(*counter.DeviceSettings)) *kiosk {
	w.Helper()
	s := counter.NewDeviceSettings(counter.Display)
	if change != nil {
		change(&s)
	}
	_, code, err := w.App.CreateDevice(w.Context(), w.ad, at, app.NewDevice{Kind: counter.Display, Name: "大屏", Settings: s})
	if err != nil {
		w.Fatal(err)
	}
	k := w.machine()
	if p := k.post(k.get("/hall/enrol"), "/hall/enrol", url.Values{"code": {code}}); p.path != "/hall/display" || p.status != 200 {
		w.Fatalf("enrolled, and then at %s: %d", p.path, p.status)
	}
	return k
}

// Recordings come out of the folder, out of nowhere else, and to displays only.
func TestTheRecordingsOfADisplay(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"zh-Hans/a.mp3": "ID3 a", "zh-Hant/please.ogg": "OggS", "en/0.wav": "RIFF", "en/notes.txt": "x", "en/A.mp3": "x", "fr/a.mp3": "x", "secret.mp3": "x", "en/long-name.mp3": "x",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	outside := filepath.Join(t.TempDir(), "outside.mp3")
	if err := os.WriteFile(outside, []byte("out of the folder"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "en", "z.mp3")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "en", "b.mp3"), 0o700); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, apptest.Options{}, func(c *hall.Config) { c.Sounds = dir })
	d := w.display(apptest.HallA, nil)
	if page := d.get("/hall/display"); !strings.Contains(page.body, `data-sounds="/hall/display/sounds"`) {
		t.Error("the page is not told where recordings are")
	}
	at := "/hall/display/sounds/"
	for name, kind := range map[string]string{"zh-Hans/a.mp3": "audio/mpeg", "zh-Hant/please.ogg": "audio/ogg", "en/0.wav": "audio/wav"} {
		got := d.get(at + name)
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got.status != 200 || got.body != string(want) || got.header.Get("Content-Type") != kind || !strings.HasPrefix(got.header.Get("Cache-Control"), "private") {
			t.Errorf("%s: %d %v %q", name, got.status, got.header, got.body)
		}
	}
	for _, name := range []string{"en/q.mp3", "en/notes.txt", "en/A.mp3", "fr/a.mp3", "en/long-name.mp3", "en/b.mp3", "en/z.mp3", "en/..%2fsecret.mp3", "..%2fen/0.wav", "en/0.wav%00", "en/"} {
		if got := d.get(at + name); got.status != http.StatusNotFound || strings.Contains(got.body, "out of the folder") {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	if got := w.kiosk(apptest.HallA, nil).get(at + "zh-Hans/a.mp3"); got.status != http.StatusNotFound {
		t.Errorf("a kiosk is answered %d", got.status)
	}
	if got := w.machine().get(at + "zh-Hans/a.mp3"); got.status != http.StatusUnauthorized {
		t.Errorf("nobody is answered %d", got.status)
	}

	none := newWorld(t, apptest.Options{}).display(apptest.HallA, nil)
	if page := none.get("/hall/display"); !strings.Contains(page.body, `data-sounds=""`) {
		t.Error("without a folder the page is sent for recordings")
	}
	if got := none.get(at + "zh-Hans/a.mp3"); got.status != http.StatusNotFound {
		t.Errorf("without a folder: %d", got.status)
	}
}

// The hall's code of the day is a picture of its address, on displays that are set to show it.
func TestTheCodeOnADisplay(t *testing.T) {
	address := func(id string) string { return apptest.Public + "/arrive/" + id + "/ABCDEFGH" }
	w := newWorld(t, apptest.Options{}, func(c *hall.Config) {
		c.DayCode = func(id string) (string, error) { return address(id), nil }
	})
	d := w.display(apptest.HallA, func(s *counter.DeviceSettings) { s.Code = true })
	if page := d.get("/hall/display"); !strings.Contains(page.body, `<img id="code" src="/hall/display/code.svg" alt="`) {
		t.Error("the page shows no code")
	}
	got := d.get("/hall/display/code.svg")
	path, _ := ui.QRPath(address(apptest.HallA))
	other, _ := ui.QRPath(address(apptest.HallB))
	if got.status != 200 || got.header.Get("Content-Type") != "image/svg+xml" || got.header.Get("Cache-Control") != "no-store" || !strings.Contains(got.body, `d="`+path+`"`) || path == other {
		t.Errorf("%d %v %.120s", got.status, got.header, got.body)
	}
	plain := w.display(apptest.HallA, nil)
	if page := plain.get("/hall/display"); strings.Contains(page.body, "code.svg") {
		t.Error("a display that is not set to shows the code")
	}
	if got := plain.get("/hall/display/code.svg"); got.status != http.StatusNotFound {
		t.Errorf("a display that is not set to: %d", got.status)
	}
	if got := w.machine().get("/hall/display/code.svg"); got.status != http.StatusUnauthorized {
		t.Errorf("nobody: %d", got.status)
	}
}

// Without scripts a display loads itself again.
func TestADisplayWithoutScripts(t *testing.T) {
	d := newWorld(t, apptest.Options{}).display(apptest.HallA, nil)
	if page := d.get("/hall/display"); !strings.Contains(page.body, `<noscript><meta http-equiv="refresh" content="10"></noscript>`) {
		t.Error("nothing makes it load again")
	}
}
