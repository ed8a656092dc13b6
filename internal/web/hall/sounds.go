package hall

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"

	"suiyue/internal/app"
	"suiyue/internal/web"
)

// Recordings that say a call where the browser of a display has no voice of the language. docs/hall-display.md
// says what the folder holds.
var (
	soundLanguage = regexp.MustCompile(`^(zh-Hans|zh-Hant|en)$`)
	soundFile     = regexp.MustCompile(`^[a-z0-9]{1,12}\.(mp3|ogg|wav)$`)
	soundTypes    = map[string]string{".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".wav": "audio/wav"}
)

func (h *Hall) displaySound(w http.ResponseWriter, r *http.Request, _ *app.Device) error {
	lang, file := r.PathValue("lang"), r.PathValue("file")
	if h.Sounds == "" || !soundLanguage.MatchString(lang) || !soundFile.MatchString(file) {
		return web.NotFound(w, r)
	}
	f, err := os.OpenInRoot(h.Sounds, filepath.Join(lang, file))
	if err != nil {
		return web.NotFound(w, r)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return web.NotFound(w, r)
	}
	w.Header().Set("Content-Type", soundTypes[filepath.Ext(file)])
	w.Header().Set("Cache-Control", "private, max-age=86400")
	http.ServeContent(w, r, file, info.ModTime(), f)
	return nil
}
