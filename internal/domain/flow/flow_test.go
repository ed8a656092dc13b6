package flow_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/domain/flow"
)

var (
	key = []byte(strings.Repeat("k", 32))
	now = time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
)

// A token is good for the step it was made for and for no other, however the parts are shifted into each other.
func TestToken_IsOfOneStepOnly(t *testing.T) {
	text := rapid.StringMatching(`[a-z0-9:-]{0,8}`)
	steps := func(t *rapid.T, name string) flow.Step {
		return flow.Step{Name: text.Draw(t, name), Who: text.Draw(t, name), Item: text.Draw(t, name), Slot: text.Draw(t, name), Key: text.Draw(t, name)}
	}
	rapid.Check(t, func(t *rapid.T) {
		one, other := steps(t, "one"), steps(t, "other")
		until := now.Add(time.Duration(rapid.IntRange(-100, 100).Draw(t, "until")) * time.Second)
		token := one.Token(key, until)
		if len(token) != 32 {
			t.Fatalf("%d characters", len(token))
		}
		if genuine, over := one.Check(key, token, now); !genuine || over != now.After(until) {
			t.Fatalf("genuine %v, over %v", genuine, over)
		}
		if genuine, _ := other.Check(key, token, now); genuine != (one == other) {
			t.Fatalf("the token of %+v is taken for %+v", one, other)
		}
		at := rapid.IntRange(0, 31).Draw(t, "at")
		c := "A"
		if token[at] == 'A' {
			c = "B"
		}
		if genuine, _ := one.Check(key, token[:at]+c+token[at+1:], now); genuine {
			t.Fatal("a changed token is taken")
		}
		if genuine, _ := one.Check([]byte(strings.Repeat("l", 32)), token, now); genuine {
			t.Fatal("a token of another key is taken")
		}
	})
}

func TestToken_Nonsense(t *testing.T) {
	for _, token := range []string{"", "A", "====", strings.Repeat("A", 31), strings.Repeat("A", 32), strings.Repeat("A", 1000), "\x00"} {
		if genuine, _ := (flow.Step{}).Check(key, token, now); genuine {
			t.Errorf("%q is taken", token)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	s := flow.Step{Name: flow.Book, Who: strings.Repeat("a", 43), Item: "SI-0001", Slot: "440103000000-social-20261209-10", Key: "3f1c2a7e-booking-1"}
	token := s.Token(key, now)
	b.ReportAllocs()
	for b.Loop() {
		if genuine, _ := s.Check(key, token, now); !genuine {
			b.Fatal()
		}
	}
}
