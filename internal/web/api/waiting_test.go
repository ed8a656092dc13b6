package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app/apptest"
)

func TestWaitingOfTheCityAndOfAHall(t *testing.T) {
	f := newFace(t, nil)
	r := f.do(ask{path: "/waiting?limit=2"}).want(200, "")
	page := f.valid("list-waiting", r).json()
	if halls := page["halls"].([]any); len(halls) != 2 || page["next"] == nil || page["total"].(float64) < 4 {
		t.Fatalf("%v", page)
	}
	tag := r.Header().Get("ETag")
	f.do(ask{path: "/waiting?limit=2", header: map[string]string{"If-None-Match": tag}}).want(304, "")
	next := f.valid("list-waiting", f.do(ask{path: "/waiting?limit=2&cursor=" + page["next"].(string)}).want(200, "")).json()
	if next["halls"].([]any)[0].(map[string]any)["hall"].(map[string]any)["id"] == page["halls"].([]any)[0].(map[string]any)["hall"].(map[string]any)["id"] {
		t.Error("the second page is the first")
	}
	far := f.valid("list-waiting", f.do(ask{path: "/waiting?near=23.13,113.26&sort=distance"}).want(200, "")).json()
	if far["halls"].([]any)[0].(map[string]any)["km"] == nil {
		t.Error("no distance is told")
	}
	one := f.do(ask{path: "/halls/" + apptest.HallA + "/waiting"}).want(200, "")
	hall := f.valid("get-hall-waiting", one).json()
	if len(hall["queues"].([]any)) == 0 || hall["coverage"].(map[string]any)["stated"].(float64) != 0.8 {
		t.Errorf("%v", hall)
	}
	f.do(ask{path: "/halls/" + apptest.HallA + "/waiting", header: map[string]string{"If-None-Match": one.Header().Get("ETag")}}).want(304, "")
	f.Clock.Add(time.Hour)
	f.do(ask{path: "/halls/" + apptest.HallA + "/waiting", header: map[string]string{"If-None-Match": one.Header().Get("ETag")}}).want(200, "")
}

func TestWaitingRefusesWhatItDoesNotKnow(t *testing.T) {
	f := newFace(t, nil)
	for path, status := range map[string]int{
		"/waiting?sort=distance":             http.StatusUnprocessableEntity,
		"/waiting?sort=" + canary:            http.StatusUnprocessableEntity,
		"/waiting?near=23.12345,113.26":      http.StatusUnprocessableEntity,
		"/waiting?near=99,113.26":            http.StatusUnprocessableEntity,
		"/waiting?near=" + canary:            http.StatusUnprocessableEntity,
		"/waiting?limit=0":                   http.StatusUnprocessableEntity,
		"/waiting?limit=101":                 http.StatusUnprocessableEntity,
		"/halls/" + canary + "/waiting":      http.StatusNotFound,
		"/halls/..%2F" + canary + "/waiting": http.StatusNotFound,
		"/waiting?item=" + canary:            http.StatusOK, // nothing serves it
		"/waiting?district=" + canary:        http.StatusOK,
	} {
		r := f.do(ask{path: path})
		if r.Code != status {
			t.Errorf("%s: %d, want %d", path, r.Code, status)
		}
		if strings.Contains(r.Body.String(), canary) {
			t.Errorf("%s: comes back: %s", path, r.Body.String())
		}
	}
	f.do(ask{path: "/waiting?cursor=" + canary}).want(400, "cursor_invalid")
}
