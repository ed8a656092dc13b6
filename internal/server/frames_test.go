package server

import (
	"slices"
	"testing"

	"suiyue/internal/domain/booking"
)

func TestFramesNameAnEntranceAndAnOrigin(t *testing.T) {
	c := Config{HTTP: HTTP{Frame: []string{"suihaoban=https://a.example", "gdzwfw=https://b.example:8443", "suihaoban=https://c.example"}}}
	got, err := c.frames()
	if err != nil || !slices.Equal(got[booking.Suihaoban], []string{"https://a.example", "https://c.example"}) || len(got[booking.Province]) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	for _, wrong := range []string{"", "suihaoban", "web=https://a.example", "suihaoban=http://a.example", "suihaoban=https://a.example/", "suihaoban=https://a.example/x", "suihaoban=https://*.example",
		"suihaoban=https://a.example;script-src", "suihaoban=https://u@a.example", "suihaoban=*", "suihaoban=https://", "suihaoban=https://a.example?x"} {
		c.Frame = []string{wrong}
		if _, err := c.frames(); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
	c = Config{HTTP: HTTP{Frame: []string{"suihaoban=http://127.0.0.1:8090"}}}
	c.Demo = true
	if _, err := c.frames(); err != nil {
		t.Errorf("a demonstration on this machine: %v", err)
	}
}
