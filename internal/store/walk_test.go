package store

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/pgtest"
)

// In a rush the planner's idea of the table is older than the rush: it knows of twenty that wait when thirty
// thousand do. The hundred that are due first must be read from the index and not be sorted out of all.
func TestTheFirstMessagesOfARushAreReadInOrder(t *testing.T) {
	ctx := t.Context()
	db := migrated(t, pgtest.New(t))
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	add := func(from, n int) {
		t.Helper()
		var list []booking.Message
		for i := range n {
			due := now.Add(time.Duration((from+i)*7919%99_991) * time.Millisecond) // in no order of theirs
			list = append(list, booking.Message{Booking: fmt.Sprint("b", from+i), HallID: "h", Version: 1, Kind: booking.MessageBooked, Due: due})
		}
		if err := db.Update(ctx, func(tx *Tx) error { return tx.InsertReminders(ctx, list) }); err != nil {
			t.Fatal(err)
		}
	}
	add(0, 10_000)
	for _, text := range []string{"update message set state = 'sent' where booking < 'b998'", "analyze message"} {
		if _, err := db.write.ExecContext(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	add(10_000, 30_000)

	explain := func(ask func(*Tx, func(func(...any) error) error) error) string {
		t.Helper()
		var plan []string
		err := db.Update(ctx, func(tx *Tx) error {
			return ask(tx, func(scan func(...any) error) error {
				var line string
				err := scan(&line)
				plan = append(plan, line)
				return err
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(plan, "\n")
	}
	at := micros(now.Add(time.Hour))
	in := regexp.MustCompile(`Index Scan using message_due on message`)
	got := explain(func(tx *Tx, row func(func(...any) error) error) error {
		return tx.walk(ctx, "explain", "explain "+messagesDue, row, at, 100)
	})
	if !in.MatchString(got) || strings.Contains(got, "Sort") {
		t.Errorf("the first hundred of 30,000 are found by\n%s", got)
	}
	after := explain(func(tx *Tx, row func(func(...any) error) error) error {
		if err := tx.walk(ctx, "due", messagesDue, func(func(...any) error) error { return nil }, at, 1); err != nil {
			return err
		}
		return tx.query(ctx, "show", "select current_setting('enable_sort') || ' ' || current_setting('enable_bitmapscan')", row)
	})
	if after != "on on" {
		t.Errorf("after it the planner may sort and use bitmaps: %s, want on on", after)
	}
}
