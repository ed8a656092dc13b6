package app_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

func visitor() app.Visitor {
	p := apptest.Visitor()
	return app.Visitor{Document: p.Document, Birth: p.Birth, Name: p.Name, Phone: p.Phone}
}

// sentCode is the code of the last message.
func sentCode(t *testing.T, f *apptest.Fixture) string {
	t.Helper()
	sent := f.Texts.Sent()
	if len(sent) == 0 {
		t.Fatal("nothing was sent")
	}
	last := sent[len(sent)-1]
	if last.Kind != "one_time_code" || len(last.Args["code"]) != 6 || last.Args["minutes"] != "10" {
		t.Fatalf("sent a %s", last.Kind)
	}
	return last.Args["code"]
}

// other is a code that is not the given one.
func other(code string) string {
	return code[:5] + string('0'+(code[5]-'0'+1)%10)
}

func TestArt12_VisitorSignsInAndBooksForeignerItemsOnly(t *testing.T) {
	f := apptest.New(t, apptest.Options{Twice: true})
	ctx := t.Context()
	if err := f.App.RequestVisitorCode(ctx, visitor()); err != nil {
		t.Fatal(err)
	}
	if n := len(f.Texts.Sent()); n != 1 {
		t.Fatalf("%d messages", n)
	}
	code := sentCode(t, f)
	token, s, err := f.App.SignInVisitor(ctx, visitor(), " "+code[:3]+" "+code[3:])
	if err != nil {
		t.Fatal(err)
	}
	if s.Person.Level != identity.Visitor || s.Person.Key == "" {
		t.Errorf("level %d", s.Person.Level)
	}
	if again, err := f.App.Session(ctx, token); err != nil || again.Person.Key != s.Person.Key {
		t.Errorf("the session does not hold: %v", err)
	}
	if _, _, err := f.App.SignInVisitor(ctx, visitor(), code); fault.CodeOf(err) != fault.CodeExpired {
		t.Errorf("a used code: %v", err)
	}
	ask := func(item, queue, key string) error {
		_, err := f.App.Book(ctx, s, app.BookRequest{Key: key, Item: item, SlotID: f.FreeSlots(queue)[0], Stage: directory.Acceptance,
			Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web})
		return err
	}
	if err := ask(apptest.SocialCard, apptest.QueueA, "key-social-1"); fault.CodeOf(err) != fault.ItemNotForVisitor {
		t.Errorf("an item for everybody: %v", err)
	}
	if err := ask(apptest.Residence, apptest.QueueAEntry, "key-residence"); err != nil {
		t.Errorf("a foreigner-related item: %v", err)
	}
}

// A code opens for the very facts it was asked for, and nothing else.
func TestArt12_CodeIsBoundToItsFacts(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	ctx := t.Context()
	if err := f.App.RequestVisitorCode(ctx, visitor()); err != nil {
		t.Fatal(err)
	}
	code := sentCode(t, f)
	for name, change := range map[string]func(*app.Visitor){
		"number":      func(v *app.Visitor) { v.Document.Number = "X0000002" },
		"nationality": func(v *app.Visitor) { v.Document.Nationality = "DEU" },
		"birth":       func(v *app.Visitor) { v.Birth = "1985-06-08" },
	} {
		v := visitor()
		change(&v)
		if _, _, err := f.App.SignInVisitor(ctx, v, code); fault.CodeOf(err) != fault.CodeWrong {
			t.Errorf("another %s: %v", name, err)
		}
	}
	v := visitor()
	v.Phone = "13800000099"
	if _, _, err := f.App.SignInVisitor(ctx, v, code); fault.CodeOf(err) != fault.CodeExpired {
		t.Errorf("another phone: %v", err)
	}
	if _, _, err := f.App.SignInVisitor(ctx, visitor(), code); err != nil {
		t.Errorf("the right facts after three wrong: %v", err)
	}
}

func TestArt12_TriesCountOneByOneAcrossNodes(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		second, err := app.New(ctx, app.Config{DB: f.DB, Vault: f.Vault, Now: f.Clock.Now, Texts: f.Texts})
		if err != nil {
			t.Fatal(err)
		}
		defer second.Close()
		if err := f.App.RequestVisitorCode(ctx, visitor()); err != nil {
			t.Fatal(err)
		}
		code := sentCode(t, f)
		var mu sync.Mutex
		count := map[fault.Code]int{}
		var wg sync.WaitGroup
		for i := range 12 {
			node := []*app.App{f.App, second}[i%2]
			wg.Go(func() {
				_, _, err := node.SignInVisitor(ctx, visitor(), other(code))
				mu.Lock()
				defer mu.Unlock()
				count[fault.CodeOf(err)]++
			})
		}
		wg.Wait()
		if count[fault.CodeWrong] != 5 || count[fault.CodeExpired] != 7 {
			t.Errorf("twelve wrong tries at once: %v", count)
		}
		if _, _, err := f.App.SignInVisitor(ctx, visitor(), code); fault.CodeOf(err) != fault.CodeExpired {
			t.Errorf("the right code after five wrong: %v", err)
		}
	})
}

func TestArt12_SendingIsLimitedAcrossNodes(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		var wg sync.WaitGroup
		var mu sync.Mutex
		sent := 0
		for range 8 {
			wg.Go(func() {
				err := f.App.RequestVisitorCode(ctx, visitor())
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					sent++
				} else if fault.CodeOf(err) != fault.CodeTooOften || fault.As(err).RetryAfter != time.Minute {
					t.Errorf("at once: %v", err)
				}
			})
		}
		wg.Wait()
		if sent != 1 {
			t.Fatalf("%d codes at once", sent)
		}
		v := visitor()
		v.Document.Number, v.Phone = "X0000005", "+86 138 0000 0003" // somebody else, the same phone
		for i := range 4 {
			f.Clock.Add(time.Minute)
			if err := f.App.RequestVisitorCode(ctx, v); err != nil {
				t.Fatalf("code %d: %v", i+2, err)
			}
		}
		f.Clock.Add(time.Minute)
		if err := f.App.RequestVisitorCode(ctx, v); fault.CodeOf(err) != fault.CodeTooOften {
			t.Errorf("the sixth within the hour: %v", err)
		}
		f.Clock.Add(time.Hour)
		if err := f.App.RequestVisitorCode(ctx, v); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}

// Only the last code opens, and only for ten minutes.
func TestArt12_OnlyTheLastCode(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	ctx := t.Context()
	if err := f.App.RequestVisitorCode(ctx, visitor()); err != nil {
		t.Fatal(err)
	}
	first := sentCode(t, f)
	f.Clock.Add(2 * time.Minute)
	for {
		if err := f.App.RequestVisitorCode(ctx, visitor()); err != nil {
			t.Fatal(err)
		}
		if sentCode(t, f) != first {
			break
		}
		f.Clock.Add(time.Minute)
	}
	if _, _, err := f.App.SignInVisitor(ctx, visitor(), first); fault.CodeOf(err) != fault.CodeWrong {
		t.Errorf("the code before: %v", err)
	}
	f.Clock.Add(10 * time.Minute)
	if _, _, err := f.App.SignInVisitor(ctx, visitor(), sentCode(t, f)); fault.CodeOf(err) != fault.CodeExpired {
		t.Errorf("after ten minutes: %v", err)
	}
}

func TestArt12_VisitorFieldsAreNamed(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	for _, c := range []struct {
		change func(*app.Visitor)
		path   string
		code   fault.Code
	}{
		{func(v *app.Visitor) { v.Name = "" }, "name", fault.Required},
		{func(v *app.Visitor) { v.Document.Kind = identity.ResidentID }, "document.kind", fault.DocumentUnsupported},
		{func(v *app.Visitor) { v.Document.Number = "" }, "document.number", fault.Required},
		{func(v *app.Visitor) { v.Document.Nationality = "" }, "document.nationality", fault.Required},
		{func(v *app.Visitor) { v.Birth = "" }, "birth", fault.Required},
		{func(v *app.Visitor) { v.Birth = "1985-02-30" }, "birth", fault.BadDate},
		{func(v *app.Visitor) { v.Birth = "2985-02-03" }, "birth", fault.DateInFuture},
		{func(v *app.Visitor) { v.Phone = "" }, "phone", fault.Required},
	} {
		v := visitor()
		c.change(&v)
		for _, err := range []error{f.App.RequestVisitorCode(t.Context(), v), signIn(f, v)} {
			found := false
			for _, field := range fault.As(err).Fields {
				found = found || field.Path == c.path && field.Code == c.code
			}
			if !found {
				t.Errorf("%s %s: %v", c.path, c.code, err)
			}
		}
	}
	if len(f.Texts.Sent()) != 0 {
		t.Error("something was sent")
	}
	for code, want := range map[string]fault.Code{"": fault.Required, "12345": fault.BadFormat, "12345a": fault.BadFormat, "１２３４５６": fault.BadFormat} {
		_, _, err := f.App.SignInVisitor(t.Context(), visitor(), code)
		if e := fault.As(err); len(e.Fields) != 1 || e.Fields[0] != (fault.Field{Path: "code", Code: want}) {
			t.Errorf("code of %d characters: %v", len(code), err)
		}
	}
}

func signIn(f *apptest.Fixture, v app.Visitor) error {
	_, _, err := f.App.SignInVisitor(context.Background(), v, "000000")
	return err
}

func TestArt12_NoTextNoSecret(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	f.Texts.Fail = errors.New("carrier down")
	err := f.App.RequestVisitorCode(t.Context(), visitor())
	if fault.CodeOf(err) != fault.Busy {
		t.Fatalf("carrier down: %v", err)
	}
	if strings.Contains(err.Error(), visitor().Phone) || strings.Contains(err.Error(), visitor().Document.Number) {
		t.Error("the error holds personal data")
	}
	none := apptest.New(t, apptest.Options{Change: func(c *app.Config) { c.Texts = nil }})
	if err := none.App.RequestVisitorCode(t.Context(), visitor()); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("nobody to send: %v", err)
	}
}

// Whoever knows another's passport and birth date, and has a phone, is not that person: they see and
// change nothing of what was booked from another phone, and cannot double the number of that passport.
func TestArt12_AnotherPhoneIsAnotherBooker(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	ctx := t.Context()
	p := identity.Person{
		Name: "Sample Visitor", Document: identity.Document{Kind: identity.Passport, Number: "X1234567", Nationality: "FRA"},
		Birth: "1980-01-01", Phone: "13800000001", Level: identity.Visitor,
	}
	_, own := f.SignIn(t, p)
	slots := f.FreeSlots(apptest.QueueAEntry)
	ask := func(key, slot string) app.BookRequest {
		return app.BookRequest{Key: key, Item: apptest.Residence, SlotID: slot, Stage: directory.Acceptance, Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web}
	}
	got, err := f.App.Book(ctx, own, ask("visitor-0001", slots[0]))
	if err != nil {
		t.Fatal(err)
	}
	p.Phone = "13800000002"
	_, other := f.SignIn(t, p)
	if _, err := f.App.Booking(ctx, other, got.View.Code); fault.CodeOf(err) != fault.BookingNotFound {
		t.Errorf("another phone sees the booking: %v", err)
	}
	if _, err := f.App.Cancel(ctx, other, app.CancelRequest{Key: "visitor-0002", Code: got.View.Code}); fault.CodeOf(err) != fault.BookingNotFound {
		t.Errorf("another phone cancels the booking: %v", err)
	}
	_, err = f.App.Book(ctx, other, ask("visitor-0003", slots[9]))
	if e := fault.As(err); e.Code != fault.AlreadyBooked || e.Args["code"] != "" {
		t.Errorf("a second number for the passport: %v; it must be refused without telling whose the first is", err)
	}
	p.Phone = "13800000001"
	_, again := f.SignIn(t, p)
	if _, err := f.App.Booking(ctx, again, got.View.Code); err != nil {
		t.Errorf("the same phone later: %v", err)
	}
}
