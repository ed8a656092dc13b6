// Package model plays the whole of booking, moving, cancelling, changing capacity, waiting and batches side by side
// with a small reference that is easy to read, and looks after every step whether both are the same: how many numbers
// of each hour are taken and held, whose every claim is, who stands in line in what order, and each refusal's code.
//
// SUIYUE_MODEL=full plays a million steps, or as many as it names, half of them on each engine.
package model_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/app/apptest"
	"suiyue/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// seeded is dice from a seed.
type seeded struct{ *rand.Rand }

func (s seeded) n(below int) int { return s.IntN(below) }

func diceOf(a, b uint64) dice { return seeded{rand.New(rand.NewPCG(a, b))} }

var engines = []struct {
	name   string
	source func(testing.TB) string
	short  int // steps of the short form
}{{"sqlite", apptest.SQLite, 1500}, {"postgres", apptest.Postgres, 600}}

// laws are the rules as they ship, with the line's share of a release halved, and with off-site booking open until the
// hour begins: then places are offered, too.
var laws = []law{lawOf(true, 100), lawOf(false, 100), lawOf(true, 50)}

// long is how many steps the long form plays on each engine, 0 in the short one.
func long(t *testing.T) int {
	switch s := os.Getenv("SUIYUE_MODEL"); s {
	case "":
		return 0
	case "full":
		return 500_000
	default:
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal("SUIYUE_MODEL must be full or a number of steps")
		}
		return n / len(engines)
	}
}

func TestTheCityIsAsTheReferenceHasIt(t *testing.T) {
	each := 200
	if long(t) > 0 {
		each = 5000
	}
	for name, value := range map[string]string{"rapid.checks": "1", "rapid.steps": strconv.Itoa(each)} {
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			began, done, tally := time.Now(), 0, map[string]int{}
			all := cmp.Or(long(t), e.short)
			for city := 0; done < all && !t.Failed(); city++ {
				t.Run(strconv.Itoa(city), func(t *testing.T) {
					l := laws[city%len(laws)]
					rapid.Check(t, func(rt *rapid.T) { done += playOne(t, rt, e.source(t), l, tally) })
				})
				if long(t) > 0 {
					t.Logf("%d steps in %v, %d cities", done, time.Since(began).Round(time.Second), city+1)
					fmt.Printf("%s: %d of %d steps in %v\n", e.name, done, all, time.Since(began).Round(time.Second))
				}
			}
			t.Logf("%d steps in %v: %v", done, time.Since(began).Round(time.Millisecond), tally)
			if t.Failed() {
				return
			}
			needs := []string{"book ", "book sold_out", "cancel ", "join ", "join place_is_free"}
			if long(t) > 0 {
				needs = append(needs, "move ", "reduce ", "change ", "leave ", "take ", "decline ", "served or over", "lost an hour")
			}
			for _, need := range needs {
				if tally[need] == 0 {
					t.Errorf("%q never happened: this proves too little", need)
				}
			}
		})
	}
}

// playOne plays one city and returns how many steps that were.
func playOne(t *testing.T, rt *rapid.T, source string, l law, tally map[string]int) int {
	ctx := context.Background()
	city, end := newTown(t, source, l, false)
	defer end()
	p, err := newPlay(ctx, city, l, nil)
	if err != nil {
		rt.Fatal(err)
	}
	// One number a step: rapid draws small ones far too often to make up what people do, but finds out which steps are
	// not needed to see something wrong.
	rt.Repeat(map[string]func(*rapid.T){"step": func(rt *rapid.T) {
		p.dice = diceOf(rapid.Uint64().Draw(rt, "step"), uint64(p.ref.now.Unix()))
		if err := p.step(ctx, pick(p.dice, kinds)); err != nil {
			rt.Fatal(err)
		}
		if p.steps%500 == 0 {
			if err := city.sound(ctx); err != nil {
				rt.Fatal(err)
			}
		}
	}})
	if err := city.sound(ctx); err != nil {
		rt.Fatal(err)
	}
	for k, n := range p.tally {
		tally[k] += n
	}
	return p.steps
}

// sound asks the doctor.
func (t *town) sound(ctx context.Context) error {
	found, err := t.db.Doctor(ctx)
	if err != nil {
		return err
	}
	for _, f := range found {
		if f.Severity == "error" {
			return fmt.Errorf("doctor: %s: %s", f.Check, f.Detail)
		}
	}
	return nil
}
