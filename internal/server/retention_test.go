package server

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/pgtest"
	"suiyue/internal/store"
)

// pieceSize is how many bytes of a hash or a sealed text are looked for.
const pieceSize = 16

// After the time of the rulebook nothing in the database, nor in a copy of it, leads to who came: neither what was
// sealed nor a hash. How many people there were stays, and the doctor finds everything in order.
func TestWhoCameIsForgottenInEveryByteOfTheDatabase(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		c := testConfig(t)
		forgetsWhoCame(t, c, func(s *Server) map[string][]byte {
			copied := filepath.Join(t.TempDir(), "copy.db")
			if err := s.db.Backup(t.Context(), copied); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil { // what is in the log beside it goes into the file
				t.Fatal(err)
			}
			out := map[string][]byte{}
			for _, file := range []string{c.Database, copied} {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				out[filepath.Base(file)] = text
			}
			return out
		})
	})
	t.Run("postgres", func(t *testing.T) {
		c := testConfig(t)
		c.Database = pgtest.New(t)
		forgetsWhoCame(t, c, func(s *Server) map[string][]byte {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return map[string][]byte{"the database": pgtest.Texts(t, c.Database)}
		})
	})
}

func forgetsWhoCame(t *testing.T, c Config, bytesOf func(*Server) map[string][]byte) {
	s, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := Simulation{Year: 2024, Seed: 3, Scale: .2, To: calendar.MakeDate(2024, time.January, 3), Counted: true}
	if _, err := s.simulate(t.Context(), smallCity(t), m, func(string, int, int) {}); err != nil {
		t.Fatal(err)
	}
	type person struct{ key, sealed string }
	people := func() (list []person, distinct map[string]int) {
		t.Helper()
		distinct = map[string]int{}
		if err := s.db.View(t.Context(), func(tx *store.Tx) error {
			for _, h := range hallsInOrder(s.app.City()) {
				var queues []string
				for _, q := range s.app.City().QueuesAt(h.ID) {
					queues = append(queues, q.ID)
				}
				for d := calendar.MakeDate(2024, time.January, 1); d <= m.To; d++ {
					bookings, err := tx.BookingsOn(t.Context(), h.ID, queues, d)
					if err != nil {
						return err
					}
					for _, b := range bookings {
						list = append(list, person{string(b.BookerKey), string(b.Sealed)}, person{string(b.ApplicantKey), ""})
						distinct[string(b.BookerKey)]++
					}
					tickets, err := tx.TicketsOn(t.Context(), h.ID, d)
					if err != nil {
						return err
					}
					for _, k := range tickets {
						list = append(list, person{string(k.Person), string(k.Sealed)})
					}
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return list, distinct
	}
	was, before := people()
	before0 := was[0].key
	if len(was) < 500 {
		t.Fatalf("%d people", len(was))
	}
	for more, runs := true, 0; more; runs++ {
		if _, more, err = s.app.Forget(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
		if runs > 1000 {
			t.Fatal("it does not end")
		}
	}
	_, after := people()
	if len(after) != len(before) {
		t.Errorf("%d people before, %d after", len(before), len(after))
	}
	often := func(m map[string]int) map[int]int {
		out := map[int]int{}
		for _, n := range m {
			out[n]++
		}
		return out
	}
	if !maps.Equal(often(before), often(after)) {
		t.Errorf("how often people came: %v before, %v after", often(before), often(after))
	}
	texts := bytesOf(s)
	found, err := Doctor(t.Context(), c.Data)
	if err != nil || len(found) > 0 {
		t.Errorf("the doctor found %v, %v", found, err)
	}
	report, err := Retention(t.Context(), c.Data)
	if err != nil || len(report.Months) == 0 {
		t.Fatalf("no report, %v", err)
	}
	if m := report.Months[len(report.Months)-1]; m.Month != "2024-01" || m.Done.IsZero() || m.Rows["booking"] < len(before) || len(m.Digest) != 64 {
		t.Errorf("the report says %+v", m)
	}
	pieces := map[[pieceSize]byte]bool{}
	for _, p := range was {
		pieces[[pieceSize]byte([]byte(p.key))] = true
		if len(p.sealed) > 20+pieceSize {
			pieces[[pieceSize]byte([]byte(p.sealed[20:]))] = true // behind the header, which all have alike
		}
	}
	traces := func(text []byte) (left int) {
		for at := 0; at+pieceSize <= len(text); at++ { // every place once, whatever the number of people
			if pieces[[pieceSize]byte(text[at:])] {
				left++
			}
		}
		return left
	}
	for where, text := range texts {
		if left := traces(text); left > 0 {
			t.Errorf("%s still has %d traces of %d people", where, left, len(was))
		}
	}
	if traces([]byte(before0)) != 1 { // what is looked for can be found
		t.Error("a key is not found where it is")
	}
}
