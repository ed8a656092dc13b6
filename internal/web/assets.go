package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed assets
var assetFiles embed.FS

type asset struct {
	url    string
	kind   string
	plain  []byte
	zipped []byte // nil when smaller is not
}

const assetRoot = "/assets/"

// assets are the static files by name and by hashed address.
var assets = sync.OnceValues(func() (byName, byURL map[string]*asset) {
	byName, byURL = make(map[string]*asset), make(map[string]*asset)
	files, err := assetFiles.ReadDir("assets")
	if err != nil {
		panic("web: assets: " + err.Error())
	}
	for _, f := range files {
		b, err := assetFiles.ReadFile("assets/" + f.Name())
		if err != nil {
			panic("web: assets: " + err.Error())
		}
		sum := sha256.Sum256(b)
		ext := path.Ext(f.Name())
		a := &asset{
			url:   assetRoot + strings.TrimSuffix(f.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext,
			kind:  mediaType(ext),
			plain: b,
		}
		var z bytes.Buffer
		zw, _ := gzip.NewWriterLevel(&z, gzip.BestCompression)
		_, err = zw.Write(b)
		if err == nil && zw.Close() == nil && z.Len() < len(b)*9/10 {
			a.zipped = z.Bytes()
		}
		byName[f.Name()], byURL[a.url] = a, a
	}
	return byName, byURL
})

func mediaType(ext string) string {
	switch ext {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".webmanifest":
		return "application/manifest+json"
	}
	return mime.TypeByExtension(ext)
}

// AssetURL returns the address of a static file, with a hash of what is in it. A name nobody has
// put there is a programmer error.
func AssetURL(name string) string {
	byName, _ := assets()
	a, ok := byName[name]
	if !ok {
		panic("web: no such asset: " + name)
	}
	return a.url
}

// AssetText returns what is in a static file, for a script that is served under an address of its own.
func AssetText(name string) string {
	byName, _ := assets()
	return string(byName[name].plain)
}

// AssetPattern is where Assets belongs in the mux.
const AssetPattern = "GET " + assetRoot + "{file}"

// Assets serves the static files under their hashed addresses, for ever, compressed beforehand.
func (s *Site) Assets() http.Handler {
	return s.Handle(func(w http.ResponseWriter, r *http.Request) error {
		_, byURL := assets()
		a, ok := byURL[r.URL.Path]
		if !ok {
			return NotFound(w, r)
		}
		h := w.Header()
		h.Set("Content-Type", a.kind)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Vary", "Accept-Encoding")
		body := a.plain
		if a.zipped != nil && AcceptsGzip(r) {
			h.Set("Content-Encoding", "gzip")
			body = a.zipped
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method != http.MethodHead {
			// An error here is the reader gone away.
			_, _ = w.Write(body)
		}
		return nil
	})
}

// AcceptsGzip tells whether the reader takes an answer compressed by gzip.
func AcceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" {
			q = strings.ReplaceAll(q, " ", "")
			return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
		}
	}
	return false
}
