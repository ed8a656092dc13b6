package app_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
)

func somebody(serial int) booking.Party {
	p := apptest.Citizen(serial)
	return booking.Party{Name: p.Name, Document: p.Document, Phone: p.Phone}
}

func TestKeptPeople(t *testing.T) {
	f := apptest.New(t, apptest.Options{Twice: true})
	ctx := t.Context()
	_, me := f.SignIn(t, apptest.Citizen(1))
	_, you := f.SignIn(t, apptest.Citizen(2))

	k, err := f.App.KeepPerson(ctx, me, "key-keep-1", somebody(11))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(k.Person.Name, "示例") || k.Person.Number == somebody(11).Document.Number {
		t.Error("not masked")
	}
	again, err := f.App.KeepPerson(ctx, me, "key-keep-1", somebody(11))
	if err != nil || again != k {
		t.Errorf("the same key again: %v, %v", again, err)
	}
	if _, err := f.App.KeepPerson(ctx, me, "key-keep-1", somebody(12)); fault.CodeOf(err) != fault.KeyReused {
		t.Errorf("the same key for somebody else: %v", err)
	}
	yours, err := f.App.KeepPerson(ctx, you, "key-keep-1", somebody(12))
	if err != nil || yours.ID == k.ID {
		t.Errorf("another person's same key: %v", err)
	}
	if err := f.App.ForgetPerson(ctx, you, k.ID); err != nil {
		t.Error(err)
	}
	if list, err := f.App.KeptPeople(ctx, me); err != nil || len(list) != 1 || list[0] != k {
		t.Errorf("my people: %v, %v", list, err)
	}

	book := func(id string) error {
		_, err := f.App.Book(ctx, me, app.BookRequest{Key: "key-book-" + id[:8], Item: apptest.SocialCard, SlotID: f.FreeSlots(apptest.QueueA)[0],
			Stage: directory.Acceptance, Applicant: app.Applicant{Kind: booking.Other, Kept: id}})
		return err
	}
	if err := book(k.ID); err != nil {
		t.Errorf("booking for a kept person: %v", err)
	}
	if e := fault.As(book(yours.ID)); len(e.Fields) != 1 || e.Fields[0] != (fault.Field{Path: "applicant.kept", Code: fault.NotOneOf}) {
		t.Errorf("booking for somebody else's: %v", e)
	}
	for range 2 {
		if err := f.App.ForgetPerson(ctx, me, k.ID); err != nil {
			t.Error(err)
		}
	}
	if list, err := f.App.KeptPeople(ctx, me); err != nil || len(list) != 0 {
		t.Errorf("after forgetting: %v, %v", list, err)
	}
}

// However many come at once, nobody keeps more than ten.
func TestKeptPeopleAtMostTen(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		_, me := f.SignIn(t, apptest.Citizen(1))
		var wg sync.WaitGroup
		var mu sync.Mutex
		done := 0
		for i := range 14 {
			wg.Go(func() {
				_, err := f.App.KeepPerson(context.Background(), me, fmt.Sprintf("key-keep-%02d", i), somebody(20+i))
				mu.Lock()
				defer mu.Unlock()
				switch e := fault.As(err); {
				case err == nil:
					done++
				case len(e.Fields) != 1 || e.Fields[0].Code != fault.OutOfRange:
					t.Errorf("refused as %v", err)
				}
			})
		}
		wg.Wait()
		if list, err := f.App.KeptPeople(t.Context(), me); err != nil || done != app.MostKept || len(list) != app.MostKept {
			t.Errorf("%d kept, %d listed, %v", done, len(list), err)
		}
	})
}

func TestKeptPersonFieldsAreNamed(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	_, me := f.SignIn(t, apptest.Citizen(1))
	before := f.Rows(t)
	wrong := somebody(11)
	wrong.Document.Number = "11010519491231002"
	wrong.Name = ""
	_, err := f.App.KeepPerson(t.Context(), me, "key-keep-1", wrong)
	fields := map[string]fault.Code{}
	for _, field := range fault.As(err).Fields {
		fields[field.Path] = field.Code
	}
	if fields["name"] != fault.Required || fields["document.number"] == "" {
		t.Errorf("fields: %v", fields)
	}
	if _, err := f.App.KeepPerson(t.Context(), me, "", somebody(11)); fault.CodeOf(err) != fault.KeyMissing {
		t.Errorf("without a key: %v", err)
	}
	if after := f.Rows(t); !maps.Equal(before, after) {
		t.Errorf("written: %v, then %v", before, after)
	}
}
