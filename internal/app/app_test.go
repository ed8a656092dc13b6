package app_test

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/pgtest"
)

func TestMain(m *testing.M) {
	if source := os.Getenv(evictIn); source != "" {
		evictAndDie(source)
	}
	os.Exit(pgtest.Main(m))
}

// onBoth runs a case on each engine, every closure of the store twice, beside other cases: each has a city of its own.
func onBoth(t *testing.T, run func(t *testing.T, f *apptest.Fixture)) {
	t.Parallel()
	aloneOnBoth(t, run)
}

// aloneOnBoth is onBoth for a case that bounds real time: nothing of this package runs beside it.
func aloneOnBoth(t *testing.T, run func(t *testing.T, f *apptest.Fixture)) {
	t.Run("sqlite", func(t *testing.T) { run(t, apptest.New(t, apptest.Options{Twice: true})) })
	t.Run("postgres", func(t *testing.T) { run(t, apptest.New(t, apptest.Options{Twice: true, Source: apptest.Postgres(t)})) })
}

func self(key, slot string) app.BookRequest {
	return app.BookRequest{Key: key, Item: apptest.SocialCard, SlotID: slot, Stage: directory.Acceptance, Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web}
}

func TestTheWholeStory(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		_, who := f.SignIn(t, apptest.Citizen(1))
		items := f.App.SearchItems("社保卡", 5)
		if len(items) == 0 || items[0].Code != apptest.SocialCard {
			t.Fatalf("search found %v", items)
		}
		halls, total, err := f.App.Halls(app.HallQuery{Item: apptest.SocialCard, Limit: 10})
		if err != nil || total != 4 || halls[0].Next == nil {
			t.Fatalf("halls: %d, %v", total, err)
		}
		first := halls[0].Next
		if first.Date != calendar.DateOf(apptest.Start)+1 || first.Hour != 9 {
			t.Errorf("the first free slot is %s at %d, want tomorrow at 9", first.Date, first.Hour)
		}
		before := first.Free
		got, err := f.App.Book(ctx, who, self("story-0001", first.ID))
		if err != nil {
			t.Fatal(err)
		}
		if len(got.View.Code) != len("XXXX-XXXX-X") || got.View.Applicant.Name != "陈**" && got.View.Applicant.Name != "陈*" {
			t.Errorf("code %q, applicant %q", got.View.Code, got.View.Applicant.Name)
		}
		if want := first.Date.At(8, 0); !got.View.CancelUntil.Equal(want) {
			t.Errorf("Art. 17: cancel until %v, want %v", got.View.CancelUntil, want)
		}
		if now, _ := f.App.Slot(first.ID); now.Free != before-1 {
			t.Errorf("%d free after the booking, want %d: memory follows this node's commits at once", now.Free, before-1)
		}
		again, err := f.App.Book(ctx, who, self("story-0001", first.ID))
		if err != nil || !again.Replayed || again.View.Code != got.View.Code {
			t.Errorf("the same key again: %+v, %v", again, err)
		}
		_, err = f.App.Book(ctx, who, self("story-0002", f.FreeSlots(apptest.QueueB)[3]))
		if e := fault.As(err); e.Code != fault.AlreadyBooked || e.Args["code"] != got.View.Code {
			t.Errorf("a second number of the same item: %v; it must name the own booking that stands in the way", err)
		}
		target := f.FreeSlots(apptest.QueueB)[5]
		moved, err := f.App.Move(ctx, who, app.MoveRequest{Key: "story-0003", Code: got.View.Code, SlotID: target})
		if err != nil || moved.View.Booking.SlotID != target || moved.View.Code != got.View.Code {
			t.Fatalf("move to another hall: %+v, %v", moved.View.Booking, err)
		}
		if now, _ := f.App.Slot(first.ID); now.Free != before-1 {
			t.Errorf("%d free where the booking was, want %d: it is held for who waits", now.Free, before-1)
		}
		f.Reopen(t)
		if now, _ := f.App.Slot(first.ID); now.Free != before {
			t.Errorf("%d free where the booking was, want %d", now.Free, before)
		}
		found, err := f.App.Find(ctx, " "+got.View.Code+" ", who.Person.Document.Number[14:])
		if err != nil || found.Code != got.View.Code {
			t.Errorf("find by code and last four: %v", err)
		}
		if _, err := f.App.Find(ctx, got.View.Code, "0000"); fault.CodeOf(err) != fault.BookingNotFound {
			t.Errorf("find by code and a wrong fact: %v", err)
		}
		_, stranger := f.SignIn(t, apptest.Citizen(2))
		if _, err := f.App.Booking(ctx, stranger, got.View.Code); fault.CodeOf(err) != fault.BookingNotFound {
			t.Errorf("another person's booking: %v", err)
		}
		if _, err := f.App.Cancel(ctx, who, app.CancelRequest{Key: "story-0004", Code: got.View.Code}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.App.Cancel(ctx, who, app.CancelRequest{Key: "story-0005", Code: got.View.Code}); fault.CodeOf(err) != fault.NotActive {
			t.Errorf("cancelled twice: %v", err)
		}
		messages, next, err := f.App.MyMessages(ctx, who, "", 2)
		if err != nil || len(messages) != 2 || next == "" {
			t.Fatalf("%d messages, next %q, %v", len(messages), next, err)
		}
		rest, next, err := f.App.MyMessages(ctx, who, next, 2)
		if err != nil || len(rest) != 1 || next != "" {
			t.Errorf("%d more messages, next %q, %v; want booked, moved and cancelled in all", len(rest), next, err)
		}
		mine, next, err := f.App.MyBookings(ctx, who, "", 10)
		if err != nil || len(mine) != 1 || next != "" || mine[0].Booking.State != booking.Cancelled {
			t.Errorf("my bookings: %d, %v", len(mine), err)
		}
		if active, err := f.App.MyActive(ctx, who); err != nil || len(active) != 0 {
			t.Errorf("my active bookings: %d, %v", len(active), err)
		}
	})
}

func TestArt15SoldOutSaysWhatIsFree(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		slot := f.FreeSlots(apptest.QueueStreet)[0] // one number an hour
		_, first := f.SignIn(t, apptest.Citizen(1))
		if _, err := f.App.Book(ctx, first, self("sold-0001", slot)); err != nil {
			t.Fatal(err)
		}
		_, second := f.SignIn(t, apptest.Citizen(2))
		_, err := f.App.Book(ctx, second, self("sold-0002", slot))
		e := fault.As(err)
		if e.Code != fault.SoldOut {
			t.Fatal(err)
		}
		here, ok := f.App.Slot(e.Args["here"])
		if !ok || here.State != app.SlotFree || here.ID != f.FreeSlots(apptest.QueueStreet)[0] {
			t.Errorf("the next free here: %q", e.Args["here"])
		}
		if q, _, _, _ := booking.ParseSlotID(e.Args["elsewhere"]); q != apptest.QueueA && q != apptest.QueueB {
			t.Errorf("the next free elsewhere: %q", e.Args["elsewhere"])
		}
	})
}

func TestArt14ReleaseAtNoonNeedsNoJob(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	at, dates := f.App.NextRelease()
	today := calendar.DateOf(apptest.Start)
	if !at.Equal(today.At(12, 0)) || !slices.Equal(dates, []calendar.Date{today + 14}) {
		t.Fatalf("next release %v of %v", at, dates)
	}
	state := func() app.DayView {
		days := f.App.Days(apptest.QueueA, 14)
		return days[13]
	}
	tag := f.App.Tag(apptest.QueueA)
	f.Clock.Set(at.Add(-time.Microsecond))
	if d := state(); d.State != app.DayNotReleased || !d.From.Equal(at) || f.App.Tag(apptest.QueueA) != tag {
		t.Errorf("a microsecond before noon: %+v", d)
	}
	f.Clock.Set(at)
	if d := state(); d.State != app.DayFree || d.Free != 63 {
		t.Errorf("at noon: %s, %d free; want 70 less the on-site tenth", d.State, d.Free)
	}
	if f.App.Tag(apptest.QueueA) == tag {
		t.Error("the tag is the same before and after the release: a 304 would hide it")
	}
}

func TestTwoNodesSeeEachOtherWithinAQuarterSecond(t *testing.T) {
	source := apptest.Postgres(t)
	one := apptest.New(t, apptest.Options{Source: source})
	two, err := app.New(t.Context(), app.Config{DB: one.DB, Vault: one.Vault, Now: one.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go two.FollowNews(ctx, 100*time.Millisecond)
	var worst time.Duration
	for i := range 10 {
		_, who := one.SignIn(t, apptest.Citizen(i+1))
		slot := one.FreeSlots(apptest.QueueA)[i]
		before, _ := two.Slot(slot)
		if _, err := one.App.Book(ctx, who, self("news-000"+string(rune('0'+i)), slot)); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for {
			if now, _ := two.Slot(slot); now.Free == before.Free-1 {
				break
			}
			if time.Since(began) > 5*time.Second {
				t.Fatal("the other node never saw it")
			}
			time.Sleep(time.Millisecond)
		}
		worst = max(worst, time.Since(began))
	}
	if worst > 250*time.Millisecond {
		t.Errorf("the other node saw a booking after %v", worst)
	}
}

// Who has just signed in is not written of again a moment later: at a rush that would be everybody.
func TestWhenASessionWasLastSeenIsRecordedInSteps(t *testing.T) {
	aloneOnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go f.App.FollowSessions(ctx)
		token, who := f.SignIn(t, apptest.Citizen(1))
		signedIn := f.Clock.Now()
		seen := func(after time.Duration) time.Time {
			t.Helper()
			f.Clock.Set(signedIn.Add(after))
			if _, err := f.App.Session(ctx, token); err != nil {
				t.Fatal(err)
			}
			time.Sleep(1200 * time.Millisecond) // two looks
			list, err := f.App.Sessions(ctx, who)
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			return list[0].Seen
		}
		for _, c := range []struct{ after, recorded time.Duration }{
			{2 * time.Minute, 0}, {4 * time.Minute, 0}, {6 * time.Minute, 6 * time.Minute}, {8 * time.Minute, 6 * time.Minute},
			{12 * time.Minute, 12 * time.Minute},
		} {
			if at, want := seen(c.after), signedIn.Add(c.recorded); !at.Equal(want.Truncate(time.Microsecond)) {
				t.Errorf("%v after the sign-in: last seen %v, recorded must be %v", c.after, at.Sub(signedIn), c.recorded)
			}
		}
	})
}

func TestASessionEndedElsewhereIsOverWithinASecond(t *testing.T) {
	aloneOnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		other, err := app.New(t.Context(), app.Config{DB: f.DB, Vault: f.Vault, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		f.Clock.Set(time.Now())
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go other.FollowSessions(ctx)
		token, who := f.SignIn(t, apptest.Citizen(1))
		if s, err := other.Session(ctx, token); err != nil || s.Person.Key != who.Person.Key {
			t.Fatalf("the other node: %v", err)
		}
		f.Clock.Set(time.Now())
		if err := f.App.SignOut(ctx, who); err != nil {
			t.Fatal(err)
		}
		if _, err := f.App.Session(ctx, token); fault.CodeOf(err) != fault.SessionEnded {
			t.Errorf("here: %v", err)
		}
		for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
			if _, err := other.Session(ctx, token); fault.CodeOf(err) == fault.SessionEnded {
				break
			}
			if time.Since(began) > time.Second {
				t.Fatal("the other node still takes the session after a second")
			}
		}
	})
}

func TestManyAtOnceNeverOversell(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		slot := f.FreeSlots(apptest.QueueA)[0]
		room, _ := f.App.Slot(slot)
		var mu sync.Mutex
		got := map[fault.Code]int{}
		var wg sync.WaitGroup
		for i := range 100 {
			_, who := f.SignIn(t, apptest.Citizen(i+1))
			wg.Go(func() {
				_, err := f.App.Book(t.Context(), who, self("rush-"+who.ID, slot))
				mu.Lock()
				got[fault.CodeOf(err)]++
				mu.Unlock()
			})
		}
		wg.Wait()
		if got[""] != room.Free || got[fault.SoldOut] != 100-room.Free {
			t.Errorf("%v for %d places", got, room.Free)
		}
	})
}

func TestApplicants(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	ctx := t.Context()
	_, who := f.SignIn(t, apptest.Citizen(1))
	other := apptest.Citizen(7)
	slots := f.FreeSlots(apptest.QueueA)
	for i, c := range []struct {
		name  string
		ap    app.Applicant
		code  fault.Code
		field string
	}{
		{"other", app.Applicant{Kind: booking.Other, Name: "李示例", Document: other.Document}, "", ""},
		{"wrong check digit", app.Applicant{Kind: booking.Other, Name: "李示例", Document: identity.Document{Kind: identity.ResidentID, Number: "000000198001010010"}}, fault.InvalidRequest, "applicant.document.number"},
		{"no name", app.Applicant{Kind: booking.Other, Document: other.Document}, fault.InvalidRequest, "applicant.name"},
		{"passport without birth", app.Applicant{Kind: booking.Other, Name: "Sample", Document: identity.Document{Kind: identity.Passport, Number: "X1234567", Nationality: "FRA"}}, fault.InvalidRequest, "applicant.birth"},
		{"organisation", app.Applicant{Kind: booking.Organisation, Name: "示例公司", CreditCode: identity.SyntheticCreditCode("440100", 1)}, "", ""},
		{"organisation with a wrong code", app.Applicant{Kind: booking.Organisation, Name: "示例公司", CreditCode: "91350100M000100Y44"}, fault.InvalidRequest, "applicant.credit_code"},
		{"nobody", app.Applicant{}, fault.InvalidRequest, "applicant.kind"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := self("applicant-"+string(rune('a'+i)), slots[i])
			r.Applicant = c.ap
			_, err := f.App.Book(ctx, who, r)
			e := fault.As(err)
			if fault.CodeOf(err) != c.code {
				t.Fatalf("got %v, want %q", err, c.code)
			}
			if c.field != "" && (len(e.Fields) != 1 || e.Fields[0].Path != c.field) {
				t.Errorf("got fields %v, want %q", e.Fields, c.field)
			}
		})
	}
}
