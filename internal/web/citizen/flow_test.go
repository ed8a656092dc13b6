package citizen

import (
	"net/url"
	"testing"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/identity"
)

// The last step takes the token that the step before it showed: of this person, for this slot, good for one
// number. Alone, from another's steps, or with a token of what was asked before, it books nothing.
func TestFlow_TheLastStepAloneIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	active := func(who *identity.Session) int {
		t.Helper()
		list, err := w.App.MyActive(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	b := w.browser(t)
	who := b.signIn(apptest.Citizen(1))
	token := b.get("/find").form("/find").values.Get("form_token")
	book := func(b *browser, draft, key string) shown {
		return b.post("/book", url.Values{"form_token": {token}, "draft": {draft}, "key": {key}})
	}
	if s := book(b, "AAAAAAAAAAAA", "of-my-own-making"); s.status == 200 || active(who) != 0 {
		t.Errorf("without the steps before: %d", s.status)
	}
	first := b.begin(apptest.SocialCard, apptest.QueueA).form("/book")
	draft, key := first.values.Get("draft"), first.values.Get("key")
	for _, wrong := range []string{"", "of-my-own-making"} {
		if s := book(b, draft, wrong); s.status == 200 || active(who) != 0 {
			t.Errorf("with the key %q: %d", wrong, s.status)
		}
	}
	// Another slot is another token: the one shown before is worth nothing any more.
	other := w.FreeSlots(apptest.QueueA)[9]
	now := b.get(address("/book/check", "draft", draft, "slot", other)).must(200).form("/book")
	if now.values.Get("key") == key {
		t.Error("the token is the same for another slot")
	}
	if s := book(b, draft, key); s.status == 200 || active(who) != 0 {
		t.Errorf("with the token of another slot: %d", s.status)
	}
	// Another person with the same token.
	thief := w.browser(t)
	stranger := thief.signIn(apptest.Citizen(2))
	thief.get("/").must(200)
	mine := thief.get("/find").form("/find").values.Get("form_token")
	if s := thief.post("/book", url.Values{"form_token": {mine}, "draft": {draft}, "key": {now.values.Get("key")}}); s.status == 200 || active(stranger) != 0 {
		t.Errorf("by somebody else: %d", s.status)
	}
	got := codeOf(now.send().must(200))
	again := codeOf(now.send().must(200))
	if got != again || active(who) != 1 {
		t.Errorf("used twice: %s and %s, %d bookings", got, again, active(who))
	}
}
