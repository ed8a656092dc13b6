package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"suiyue/internal/app/apptest"
	"suiyue/internal/web/api"
)

// The way of a booking that is refused before the lane: what HTTP, checking and decoding cost.
func BenchmarkBookOverhead(b *testing.B) {
	f := newFace(b, nil)
	token := f.token(apptest.Citizen(1))
	body := `{"item":"none","slot":"440103000000-social-20261130-10","stage":"acceptance","units":1,"applicant":{"kind":"self"}}`
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, api.Prefix+"/bookings", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Idempotency-Key", "bench-key-1")
		w := httptest.NewRecorder()
		f.h.ServeHTTP(w, r)
		if w.Code != http.StatusNotFound {
			b.Fatal(w.Code)
		}
	}
}

func benchmarkAvailability(b *testing.B, same bool) {
	f := newFace(b, nil)
	path := api.Prefix + "/queues/" + apptest.QueueA + "/availability"
	tag := f.do(ask{path: path}).Header().Get("ETag")
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		if same {
			r.Header.Set("If-None-Match", tag)
		}
		w := httptest.NewRecorder()
		f.h.ServeHTTP(w, r)
		if same != (w.Code == http.StatusNotModified) {
			b.Fatal(w.Code)
		}
	}
}

func BenchmarkAvailability(b *testing.B)    { benchmarkAvailability(b, false) }
func BenchmarkAvailability304(b *testing.B) { benchmarkAvailability(b, true) }
