package server

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// health answers those who watch over the process. Nothing it says helps a stranger.
type health struct {
	draining atomic.Bool
	ready    func(context.Context) error
}

// live says that the process runs.
func (h *health) live(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") }

// readiness says whether bookings can be taken: the database answers and the schema is current. While
// draining it says no, so that nobody new is sent here.
func (h *health) readiness(w http.ResponseWriter, r *http.Request) {
	if h.draining.Load() {
		say(w, http.StatusServiceUnavailable, "draining")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := h.ready(ctx); err != nil {
		say(w, http.StatusServiceUnavailable, "not ready")
		return
	}
	say(w, http.StatusOK, "ready")
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text) // whoever asked may be gone
}
