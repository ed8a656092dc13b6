package console

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

// What a browser keeps of a counter's page, so that one that is reloaded without the network comes up again:
// a worker of that one page with its shell, in which nobody is, and what the page loads. Numbers and what was
// done are kept by the page itself (away.js).

var counterScripts = []string{"away.js", "counter.js", "counterkeys.js"}

// shell is the page of a counter without anybody in it, for the worker.
func (c *Console) shell(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	v, err := c.App.CounterView(r.Context(), ad, r.PathValue("hall"), r.PathValue("counter"))
	if err != nil {
		return err
	}
	if !v.Mine {
		return fault.New(fault.CounterClosed)
	}
	v.At, v.Cases, v.Line, v.Held, v.Passed, v.Standby, v.Waiting = nil, nil, nil, nil, nil, nil, 0
	f, _ := c.serveFrame(w, r, ad, web.LocaleOf(r).Text(v.Hall.Name)+" · "+counterName(web.LocaleOf(r), v.Counter.Label))
	f.Full, f.Scripts = true, counterScripts
	s := c.seatView(f.L, f.Token, v, nil)
	s.Shell = true
	web.Workers(w)
	return web.Render(w, r, http.StatusOK, counterPage(f, s, c.quick(f, v)))
}

// worker is the script of the worker of a counter's page: another one whenever what the page loads is another.
func (c *Console) worker(w http.ResponseWriter, r *http.Request, _ *app.Admin) error {
	page := counterPath(r.PathValue("hall"), r.PathValue("counter"))
	var assets []string
	for _, name := range append([]string{"favicon.svg", "console.css", "counter.css", "app.js", "console.js"}, counterScripts...) {
		assets = append(assets, web.AssetURL(name))
	}
	text := web.AssetText("counterworker.js")
	sum := sha256.Sum256([]byte(strings.Join(assets, " ") + text))
	head, err := json.Marshal(map[string]any{"page": page, "assets": assets, "version": hex.EncodeToString(sum[:6])})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("Service-Worker-Allowed", page)
	// An error here is the reader gone away.
	_, _ = fmt.Fprintf(w, "const own = %s;\n%s", head, text)
	return nil
}
