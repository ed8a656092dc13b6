package flow_test

import (
	"strings"
	"testing"
	"time"

	"suiyue/internal/domain/flow"
)

// A proof is good for its account and its minute or the next, when it is solved, and for nothing else.
func TestWork_IsOfOneAccountAndMinute(t *testing.T) {
	at := now.Add(59 * time.Second)
	w := flow.Work{Who: "one", Bits: 8}
	challenge := w.Challenge(key, at)
	proof := flow.Solve(challenge, 8)
	easy := flow.Work{Who: "one", Bits: 1}
	other := flow.Work{Who: "two", Bits: 8}
	unsolved := func() string {
		for _, n := range "0123456789" {
			if p := challenge + "." + string(n); p != proof {
				return p
			}
		}
		return ""
	}
	forged := []byte(challenge)
	forged[20] ^= 1
	for name, c := range map[string]struct {
		w     flow.Work
		proof string
		now   time.Time
		good  bool
	}{
		"solved":                        {w, proof, at, true},
		"brought again":                 {w, proof, at, true},
		"in the next minute":            {w, proof, at.Add(time.Minute), true},
		"expired":                       {w, proof, at.Add(61 * time.Second), false},
		"expired an hour ago":           {w, proof, at.Add(time.Hour), false},
		"of the future":                 {w, proof, at.Add(-time.Minute), false},
		"of somebody else":              {other, proof, at, false},
		"under another key":             {w, flow.Solve(w.Challenge([]byte(strings.Repeat("l", 32)), at), 8), at, false},
		"harder than asked for":         {easy, proof, at, true},
		"easier than asked for":         {w, flow.Solve(easy.Challenge(key, at), 8), at, false},
		"not solved":                    {w, unsolved(), at, false},
		"a challenge that is made up":   {w, flow.Solve(string(forged), 8), at, false},
		"the challenge alone":           {w, challenge, at, false},
		"without a nonce":               {w, challenge + ".", at, false},
		"a nonce of other characters":   {w, challenge + ".1x", at, false},
		"a nonce without end":           {w, challenge + "." + strings.Repeat("1", 21), at, false},
		"nothing":                       {w, "", at, false},
		"a point":                       {w, ".", at, false},
		"nonsense":                      {w, strings.Repeat("A", 34) + ".1", at, false},
		"with something in front":       {w, "A" + proof, at, false},
		"its challenge spelt otherwise": {w, strings.Replace(proof, ".", "=.", 1), at, false},
	} {
		if got := c.w.Solved(key, c.proof, c.now); got != c.good {
			t.Errorf("%s: %v", name, got)
		}
	}
	if len(challenge) != 34 {
		t.Errorf("%d characters", len(challenge))
	}
}

func BenchmarkSolve(b *testing.B) {
	w := flow.Work{Who: "one", Bits: 16}
	for i := 0; b.Loop(); i++ {
		flow.Solve(w.Challenge(key, now.Add(time.Duration(i)*time.Minute)), 16)
	}
}

func BenchmarkSolved(b *testing.B) {
	w := flow.Work{Who: strings.Repeat("a", 52), Bits: 16}
	proof := flow.Solve(w.Challenge(key, now), 16)
	b.ReportAllocs()
	for b.Loop() {
		w.Solved(key, proof, now)
	}
}
