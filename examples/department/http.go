package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// server answers the platform.
type server struct {
	book *book
	gate *gate
}

var ids = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

const mostBody = 16 << 10

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /holds/{id}", s.answer(func(r *http.Request, body []byte) (int, any, error) {
		h, err := readHold(r.PathValue("id"), body, s.book.now(), s.book.mode == "any-body")
		if err != nil {
			return 0, nil, err
		}
		h, err = s.book.put(h)
		if s.book.mode == "hold-longer" {
			h.Expires = s.book.now().Add(24 * time.Hour).Format(time.RFC3339)
		}
		return http.StatusCreated, h, err
	}))
	mux.HandleFunc("POST /holds/{id}/confirm", s.answer(func(r *http.Request, _ []byte) (int, any, error) {
		h, err := s.book.confirm(r.PathValue("id"))
		return http.StatusOK, h, err
	}))
	mux.HandleFunc("DELETE /holds/{id}", s.answer(func(r *http.Request, _ []byte) (int, any, error) {
		id := r.PathValue("id")
		s.book.release(id)
		return http.StatusOK, map[string]string{"id": id, "state": "released"}, nil
	}))
	mux.HandleFunc("GET /holds/{id}", s.answer(func(r *http.Request, _ []byte) (int, any, error) {
		h, err := s.book.get(r.PathValue("id"))
		return http.StatusOK, h, err
	}))
	mux.HandleFunc("GET /capacity", s.answer(func(r *http.Request, _ []byte) (int, any, error) {
		slots, err := s.book.slots(r.URL.Query().Get("from"), r.URL.Query().Get("to"))
		return http.StatusOK, map[string][]slot{"slots": slots}, err
	}))
	return mux
}

// answer checks who asks, lets do decide, and writes the answer. An error that is no refusal is not explained: the platform
// asks again.
func (s *server) answer(do func(r *http.Request, body []byte) (status int, answer any, err error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
		if err != nil {
			refuse(w, badRequest)
			return
		}
		if err := s.gate.verify(r, body); err != nil {
			refuse(w, unsigned)
			return
		}
		switch s.book.mode {
		case "slow":
			time.Sleep(3 * time.Second)
		case "busy":
			refuse(w, busy)
			return
		}
		if id := r.PathValue("id"); id != "" && (!ids.MatchString(id) || strings.Trim(id, "._-") == "") {
			refuse(w, invalid)
			return
		}
		status, v, err := do(r, body)
		var no refusal
		switch {
		case errors.As(err, &no) && s.book.mode == "error-in-200":
			write(w, http.StatusOK, "application/json", map[string]string{"code": "1", "message": no.code})
		case errors.As(err, &no):
			refuse(w, no)
		case err != nil || s.book.mode == "fail":
			http.Error(w, "failed", http.StatusInternalServerError)
		case s.book.mode == "another-schema":
			write(w, status, "application/json", map[string]any{"code": 0, "data": v})
		default:
			write(w, status, "application/json", v)
		}
	}
}

func refuse(w http.ResponseWriter, r refusal) {
	if r.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	write(w, r.status, "application/problem+json", map[string]any{"type": "about:blank", "title": http.StatusText(r.status), "status": r.status, "code": r.code})
}

func write(w http.ResponseWriter, status int, kind string, v any) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // who asked has gone: they ask again
}
