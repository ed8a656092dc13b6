package smstest

import (
	"fmt"
	"testing"
	"time"
)

// World is everything between an event and a phone, in front of a carrier that can be told how to behave.
type World interface {
	Behave(b Behaviour)
	Write(t *testing.T, people int) // so many people have one thing each to be told of
	Turn(t *testing.T)              // what is due is sent
	Die(t *testing.T)               // what is due is handed over, by a process that dies before it has written that down
	Pass(d time.Duration)           // time goes by
	Taken() map[string]int          // how often the carrier has each message, by its reference
	Open(t *testing.T) int          // messages that are neither with a carrier nor given up
	Failed(t *testing.T) int        // messages that were given up
	Charged(t *testing.T) int       // parts that are counted for somebody to pay
}

// Bear runs a World through every bad behaviour, with a process that dies in the middle of it: nobody is sent two messages for one event, none is
// lost, and what is counted is what the carrier has.
func Bear(t *testing.T, open func(t *testing.T) World) {
	for _, b := range Bad {
		t.Run(string(b), func(t *testing.T) {
			t.Parallel()
			for _, wrong := range Day(t, open(t), b) {
				t.Error(wrong)
			}
		})
	}
}

const bearers = 6

// Day runs one bad behaviour and says what came out wrong.
func Day(t *testing.T, w World, b Behaviour) (wrong []string) {
	w.Behave(Well)
	w.Write(t, 1)
	w.Turn(t) // there is a line
	w.Behave(b)
	w.Write(t, bearers-1)
	for round := range 4 {
		if round == 1 {
			w.Die(t)
		} else {
			w.Turn(t)
		}
		w.Pass(20 * time.Second)
	}
	if b == Outage {
		for range 12 {
			w.Pass(5 * time.Minute)
			w.Turn(t)
		}
	}
	w.Behave(Well)
	quiet := 0
	for turn := 0; turn < 240 && quiet < 20; turn++ { // 20 minutes after the last one is longer than any is held
		w.Turn(t)
		w.Pass(time.Minute)
		if w.Open(t) == 0 {
			quiet++
		} else {
			quiet = 0
		}
	}
	all, twice := 0, 0
	for _, n := range w.Taken() {
		all += n
		if n > 1 {
			twice++
		}
	}
	failed := w.Failed(t)
	if twice > 0 || all+failed != bearers || failed > 0 && b != Refuses || w.Open(t) != 0 {
		wrong = append(wrong, fmt.Sprintf("of %d people %d were sent their message, %d of them twice or more; %d were given up, %d are open", bearers, len(w.Taken()), twice, failed, w.Open(t)))
	}
	if got := w.Charged(t); got != all {
		wrong = append(wrong, fmt.Sprintf("%d parts are charged, the carrier has %d", got, all))
	}
	return wrong
}
