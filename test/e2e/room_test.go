package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Somebody holds the only place inside by asking for it again and again, in a page of their own.
const holding = `(() => {
  const ask = () => fetch("/api/v1/bookings/quote", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({item: %q, slot: %q, stage: "acceptance"})});
  window.holding = setInterval(ask, 700);
  ask();
  return true;
})()`

// The waiting room's page keeps itself up to date, says nothing aloud that has not changed, and goes on by itself
// when it is one's turn; without a script it is loaded again.
func TestTheWaitingRoomLooksByItself(t *testing.T) {
	t.Parallel()
	c := small(t, "", "--room-inside", "1")
	workday(t, c, 10, 0)
	at := func(person string) *tab {
		b := open(t, c)
		b.goTo("/item/" + online)
		b.click(`.hall a.button[href^="/book/"]`)
		b.click("#when form button")
		b.signIn(person)
		return b
	}
	holder := at("citizen-2")
	slot := eval[string](holder, `document.querySelector("input[name=slot]")?.value ?? ""`)
	if slot == "" {
		holder.goTo("/item/" + online)
		holder.click(`.hall a.button[href^="/book/"]`)
		slot = eval[string](holder, `document.querySelector("#when input[name=slot]:checked, #when input[name=slot]").value`)
	}
	eval[bool](holder, fmt.Sprintf(holding, online, slot))
	time.Sleep(time.Second)

	waits := at("citizen-3")
	waits.loose = "status of 503" // the browser's remark on each page that says: wait
	if status := waits.follow(waits.press("main form button.button")); status != http.StatusServiceUnavailable {
		t.Fatalf("status %d, at %s", status, waits.path())
	}
	waits.wait(`!!document.querySelector("[data-room]")`)
	if waits.count("noscript") == 0 || eval[string](waits, `document.querySelector("#say").textContent`) != "" {
		t.Error("a page for no script, or something said that has not changed")
	}
	waits.inspect("waiting room", eval[string](waits, "document.documentElement.lang"), false, phone, desk)
	eval[bool](waits, `(window.before = document.querySelector("[data-room] dl"), true)`)
	waits.wait(`document.querySelector("[data-room] dl") !== window.before`) // brought up to date, in the same page
	if strings.TrimSpace(waits.text("h1")) == "" {
		t.Error("the page lost its heading")
	}
	eval[bool](holder, `(clearInterval(window.holding), true)`)
	waits.wait(`!document.querySelector("[data-room]") && !!document.querySelector('form[action="/book"]')`)
}
