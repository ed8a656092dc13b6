package conform

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/gate/department"
)

const restarted = "restarted"

// scenarios are run in this order: the first confirms what the last looks at.
var scenarios = []struct {
	name, title string
	run         func(*play)
}{
	{"hold_and_confirm", "A place is held, confirmed, counted and given back", holdAndConfirm},
	{"capacity", "The hours are told, and dates that make no sense are refused", capacity},
	{"in_time", "Answers come in time", inTime},
	{"hold_twice", "Held twice it is the same, and one place", holdTwice},
	{"confirm_twice", "Confirmed twice it has the same number", confirmTwice},
	{"release_twice", "Released twice it is given back once", releaseTwice},
	{"several_units", "A hold of two takes two", severalUnits},
	{"unknown_hold", "What was never asked for is not known", unknownHold},
	{"other_under_the_id", "Something else under the same id is refused", otherUnderTheID},
	{"wrong_bodies", "What is wrong is refused, and takes nothing", wrongBodies},
	{"confirm_after_expiry", "What has expired is confirmed no more, and gives its place back", confirmAfterExpiry},
	{"hold_after_release", "What was released is not held again", holdAfterRelease},
	{"confirm_after_release", "What was released is not confirmed", confirmAfterRelease},
	{"release_before_hold", "Released before it was held: the hold that comes later is refused", releaseBeforeHold},
	{"late_hold", "A hold that arrives after its release takes nothing", lateHold},
	{"late_confirm", "A confirmation that arrives after the release changes nothing", lateConfirm},
	{"answers_lost", "Answers are lost: asked again, each is as it was answered", answersLost},
	{"questions_lost", "Questions are lost: asked again, nothing was done", questionsLost},
	{"same_at_once", "The same comes eight times at once: one place, one number", sameAtOnce},
	{"confirm_or_release", "Confirmed and released at once it is released in the end", confirmOrRelease},
	{"last_place", "Six want the last place at once: one has it", lastPlace},
	{"signatures", "What is not signed by the platform is refused, and does nothing", signatures},
	{"signature_twice", "A signed request is good once", signatureTwice},
	{restarted, "After a restart everything is as it was answered", afterRestart},
	{"kept", "What was confirmed is still there later", kept},
}

func holdAndConfirm(p *play) {
	at := p.place(1)
	id, a := p.id(), p.ask(at)
	p.hold("hold", id, a, department.Held)
	p.state("held", id, department.Held)
	p.takes("held", at, 1)
	number := p.confirm("confirm", id)
	if h := p.state("confirmed", id, department.Confirmed); p.err == nil && (h.Number != number || !same(h.Ask, a)) {
		p.fail("confirmed: it is another hold than was answered")
	}
	p.takes("confirmed", at, 1)
	p.release("release", id)
	p.state("released", id, department.Released)
	p.takes("released", at, 0)

	last := p.place(1)
	id, a = p.id(), p.ask(last)
	p.hold("hold", id, a, department.Held)
	p.confirm("confirm", id)
	if h := p.state("confirmed", id, department.Confirmed); p.err == nil {
		p.lasts = &lasting{id, h, p.Now()}
		p.ids = p.ids[:len(p.ids)-1] // by the last scenario
	}
}

// same compares but for when it expires.
func same(a, b department.Ask) bool {
	a.Expires, b.Expires = time.Time{}, time.Time{}
	return a == b
}

func capacity(p *play) {
	if len(p.places()) == 0 {
		p.fail("capacity: no hours in the next %d days", lookAhead)
	}
	today := calendar.DateOf(p.Now())
	for _, query := range []string{
		fmt.Sprintf("from=%s&to=%s", today+7, today+1), fmt.Sprintf("from=%s&to=%s", today+1, today+1+department.MostDays), "from=2026-02-30&to=2026-03-01", "from=&to=", "",
	} {
		if p.err == nil {
			p.refused("capacity?"+query, p.d.Send(p.ctx, http.MethodGet, "/capacity?"+query, nil), department.Invalid, department.BadRequest)
		}
	}
}

func inTime(p *play) {
	at := p.place(1)
	id, a := p.id(), p.ask(at)
	for range 10 {
		began := p.Now()
		p.hold("hold", id, a, department.Held)
		p.state("held", id, department.Held)
		if took := p.Now().Sub(began); p.err == nil && took > 2*p.Patience {
			p.fail("two answers took %s", took.Round(time.Millisecond))
		}
	}
}

func holdTwice(p *play) {
	at := p.place(1)
	id, a := p.id(), p.ask(at)
	for range 3 {
		p.hold("hold again", id, a, department.Held)
	}
	p.takes("held three times", at, 1)
	p.confirm("confirm", id)
	p.hold("hold what is confirmed", id, a, department.Confirmed)
	p.takes("held after it was confirmed", at, 1)
}

func confirmTwice(p *play) {
	at := p.place(1)
	id := p.id()
	p.hold("hold", id, p.ask(at), department.Held)
	number := p.confirm("confirm", id)
	for range 2 {
		if again := p.confirm("confirm again", id); p.err == nil && again != number {
			p.fail("confirm again: another number")
		}
	}
	p.takes("confirmed three times", at, 1)
}

func releaseTwice(p *play) {
	at := p.place(1)
	held, confirmed := p.id(), p.id()
	p.hold("hold", held, p.ask(at), department.Held)
	p.release("release", held)
	p.release("release again", held)
	p.takes("released twice", at, 0)
	p.hold("hold", confirmed, p.ask(at), department.Held)
	p.confirm("confirm", confirmed)
	p.release("release what is confirmed", confirmed)
	p.release("release it again", confirmed)
	p.takes("released after it was confirmed", at, 0)
	p.state("released", confirmed, department.Released)
}

func severalUnits(p *play) {
	at := p.place(2)
	id, a := p.id(), p.ask(at)
	a.Units = 2
	p.hold("hold two", id, a, department.Held)
	p.takes("two held", at, 2)
	p.release("release", id)
	p.takes("two released", at, 0)
	a.Units = at.Capacity - at.Taken + 1
	p.refusedHold("hold more than are free", p.id(), a, department.SoldOut)
	p.takes("more than are free refused", at, 0)
}

func unknownHold(p *play) {
	id := p.id()
	p.unknown("never held", id)
	p.refusedConfirm("confirm what was never held", id, department.HoldUnknown)
	p.unknown("never held, after confirming", id)
}

func otherUnderTheID(p *play) {
	at := p.place(2)
	id, a := p.id(), p.ask(at)
	p.hold("hold", id, a, department.Held)
	units, applicant := a, a
	units.Units, applicant.Applicant = 2, strings.Repeat("c1", 16)
	p.refusedHold("the same id with two units", id, units, department.HoldDiffers)
	p.refusedHold("the same id for another applicant", id, applicant, department.HoldDiffers)
	p.hold("the first again", id, a, department.Held)
	p.takes("after both", at, 1)
}

func wrongBodies(p *play) {
	at := p.place(1)
	if p.err != nil {
		return
	}
	good := map[string]any{
		"hall": at.HallID, "queue": at.QueueID, "date": at.Date.String(), "hour": at.Hour, "item": p.Item, "units": 1, "applicant": strings.Repeat("c0", 16),
		"expires": p.Now().Add(time.Minute).In(calendar.Zone).Format(time.RFC3339),
	}
	with := func(name string, value any) string {
		body := map[string]any{}
		for k, v := range good {
			body[k] = v
		}
		if body[name] = value; value == nil {
			delete(body, name)
		}
		text, err := json.Marshal(body)
		if err != nil {
			p.fail("%v", err)
		}
		return string(text)
	}
	type wrong struct{ what, body string }
	list := []wrong{
		{"no JSON", "hold"}, {"half of it", `{"hall":"`}, {"a list", "[]"}, {"nothing in it", "{}"}, {"a field more", with("colour", "red")}, {"a state", with("state", "confirmed")},
		{"no units", with("units", 0)}, {"units below nothing", with("units", -1)}, {"too many units", with("units", department.MostUnits+1)}, {"units as text", with("units", "1")},
		{"half a unit", with("units", 1.5)}, {"no such hour", with("hour", 24)}, {"no such date", with("date", "2026-02-30")}, {"a date of the past", with("date", "2020-01-02")},
		{"an hour of the night", with("hour", 3)}, {"no such hall", with("hall", "no-such-hall")}, {"no such queue", with("queue", "no-such-queue")},
		{"no such item", with("item", "no-such-item")}, {"expired already", with("expires", "2020-01-02T10:00:00+08:00")}, {"a time of no zone", with("expires", "2026-12-01 10:00:00")},
		{"an applicant that is long", with("applicant", strings.Repeat("c", 65))}, {"no applicant", with("applicant", "")},
	}
	for name := range good {
		list = append(list, wrong{name + " is missing", with(name, nil)})
	}
	for _, w := range list {
		if p.err != nil {
			return
		}
		id := p.id()
		p.refused(w.what, p.d.Send(p.ctx, http.MethodPut, "/holds/"+id, []byte(w.body)), department.BadRequest, department.Invalid, department.SlotUnknown)
		p.unknown(w.what, id)
	}
	p.takes("after all of them", at, 0)
}

// expiry is how long a hold is held that is to expire.
const expiry = 2 * time.Second

func confirmAfterExpiry(p *play) {
	at := p.place(1)
	id, a := p.id(), p.ask(at)
	a.Expires = p.Now().Add(expiry).Truncate(time.Second)
	p.hold("hold for two seconds", id, a, department.Held)
	p.wait(a.Expires.Add(time.Second))
	p.refusedConfirm("confirm after that", id, department.HoldExpired)
	p.state("expired", id, department.Expired)
	p.takes("expired", at, 0)
	a.Expires = p.Now().Add(-time.Second).Truncate(time.Second)
	p.refusedConfirm("confirm again", id, department.HoldExpired)
	p.release("release what is expired", id)
	p.takes("expired and released", at, 0)
}

func holdAfterRelease(p *play) {
	at := p.place(1)
	id, a := p.id(), p.ask(at)
	p.hold("hold", id, a, department.Held)
	p.release("release", id)
	p.refusedHold("hold again", id, a, department.HoldReleased)
	p.state("after that", id, department.Released)
	p.takes("after that", at, 0)
}

func confirmAfterRelease(p *play) {
	at := p.place(1)
	held, confirmed := p.id(), p.id()
	p.hold("hold", held, p.ask(at), department.Held)
	p.release("release", held)
	p.refusedConfirm("confirm", held, department.HoldReleased)
	p.hold("hold", confirmed, p.ask(at), department.Held)
	p.confirm("confirm", confirmed)
	p.release("release what is confirmed", confirmed)
	p.refusedConfirm("confirm again", confirmed, department.HoldReleased)
	p.state("after that", confirmed, department.Released)
	p.takes("after that", at, 0)
}

func releaseBeforeHold(p *play) {
	at := p.place(1)
	id := p.id()
	p.release("release what was never held", id)
	p.state("after that", id, department.Released)
	p.refusedHold("hold", id, p.ask(at), department.HoldReleased)
	p.refusedConfirm("confirm", id, department.HoldReleased)
	p.takes("after that", at, 0)
}

// let sends what was kept back on its way, whatever is answered: who asked has gone.
func (p *play) let(l *late) {
	p.net.fault = nil
	if len(l.kept) == 0 {
		p.fail("nothing was sent that could come late")
	}
	for _, r := range l.kept {
		ctx, cancel := context.WithTimeout(p.ctx, p.Patience)
		res, err := p.net.next.RoundTrip(r.WithContext(ctx))
		if err == nil {
			res.Body.Close()
		}
		cancel()
	}
}

func lateHold(p *play) {
	at := p.place(1)
	id, a := p.id(), p.ask(at)
	var l late
	p.net.fault = l.fault(http.MethodPut)
	_, _ = p.d.Hold(p.ctx, id, a) // is given up
	p.release("release", id)
	p.let(&l)
	p.state("after the hold came", id, department.Released)
	p.takes("after the hold came", at, 0)
}

func lateConfirm(p *play) {
	at := p.place(1)
	id := p.id()
	p.hold("hold", id, p.ask(at), department.Held)
	var l late
	p.net.fault = l.fault(http.MethodPost)
	if p.err == nil {
		_, _ = p.d.Confirm(p.ctx, id) // is given up
	}
	p.release("release", id)
	p.let(&l)
	p.state("after the confirmation came", id, department.Released)
	p.takes("after the confirmation came", at, 0)
}

// lost expects that nothing came back.
func (p *play) lost(when string, err error) {
	if p.err == nil && err == nil {
		p.fail("%s: an answer came although it was lost", when)
	}
}

func answersLost(p *play) {
	at := p.place(1)
	if p.err != nil {
		return
	}
	id, a := p.id(), p.ask(at)
	p.net.fault = loseAnswers(http.MethodPut)
	_, err := p.d.Hold(p.ctx, id, a)
	p.lost("hold", err)
	p.state("the answer to the hold was lost", id, department.Held)
	p.net.fault = nil
	p.hold("hold again", id, a, department.Held)
	p.takes("held again", at, 1)
	p.net.fault = loseAnswers(http.MethodPost)
	_, err = p.d.Confirm(p.ctx, id)
	p.lost("confirm", err)
	h := p.state("the answer to the confirmation was lost", id, department.Confirmed)
	p.net.fault = nil
	if number := p.confirm("confirm again", id); p.err == nil && number != h.Number {
		p.fail("confirm again: another number")
	}
	p.net.fault = loseAnswers(http.MethodDelete)
	p.lost("release", p.d.Release(p.ctx, id))
	p.state("the answer to the release was lost", id, department.Released)
	p.net.fault = nil
	p.release("release again", id)
	p.takes("released again", at, 0)
}

func questionsLost(p *play) {
	at := p.place(1)
	if p.err != nil {
		return
	}
	id, a := p.id(), p.ask(at)
	p.net.fault = loseQuestions(http.MethodPut)
	_, err := p.d.Hold(p.ctx, id, a)
	p.lost("hold", err)
	p.unknown("the hold was lost", id)
	p.net.fault = nil
	p.hold("hold again", id, a, department.Held)
	p.net.fault = loseQuestions(http.MethodPost)
	_, err = p.d.Confirm(p.ctx, id)
	p.lost("confirm", err)
	p.state("the confirmation was lost", id, department.Held)
	p.net.fault = nil
	p.confirm("confirm again", id)
	p.net.fault = loseQuestions(http.MethodDelete)
	p.lost("release", p.d.Release(p.ctx, id))
	p.state("the release was lost", id, department.Confirmed)
	p.net.fault = nil
	p.release("release again", id)
	p.takes("released again", at, 0)
}

// together does something n times at once and returns what came of each.
func together(n int, do func(int) error) []error {
	out := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { out[i] = do(i) })
	}
	all.Wait()
	return out
}

func sameAtOnce(p *play) {
	at := p.place(1)
	if p.err != nil {
		return
	}
	id, a := p.id(), p.ask(at)
	for _, err := range together(8, func(int) error { _, err := p.d.Hold(p.ctx, id, a); return err }) {
		if err != nil {
			p.fail("hold: %v", err)
		}
	}
	p.takes("held eight times at once", at, 1)
	numbers := make([]string, 8)
	for _, err := range together(8, func(n int) error {
		h, err := p.d.Confirm(p.ctx, id)
		if err == nil {
			numbers[n] = h.Number
		}
		return err
	}) {
		if err != nil {
			p.fail("confirm: %v", err)
		}
	}
	for _, number := range numbers {
		if p.err == nil && number != numbers[0] {
			p.fail("confirmed eight times at once: different numbers")
		}
	}
	p.takes("confirmed eight times at once", at, 1)
}

func confirmOrRelease(p *play) {
	at := p.place(1)
	for range 3 {
		id := p.id()
		p.hold("hold", id, p.ask(at), department.Held)
		if p.err != nil {
			return
		}
		for n, err := range together(8, func(n int) error {
			if n%2 == 0 {
				return p.d.Release(p.ctx, id)
			}
			_, err := p.d.Confirm(p.ctx, id)
			return err
		}) {
			if n%2 == 0 && err != nil {
				p.fail("release: %v", err)
			} else if err != nil {
				p.refused("confirm", err, department.HoldReleased)
			}
		}
		p.state("after both", id, department.Released)
		p.takes("after both", at, 0)
	}
}

func lastPlace(p *play) {
	at := p.place(2)
	if p.err != nil {
		return
	}
	free := at.Capacity - at.Taken
	for range free - 1 {
		p.hold("hold all but one", p.id(), p.ask(at), department.Held)
	}
	ids := make([]string, 6)
	for n := range ids {
		ids[n] = p.id()
	}
	if p.err != nil {
		return
	}
	have := 0
	for _, err := range together(len(ids), func(n int) error { _, err := p.d.Hold(p.ctx, ids[n], p.ask(at)); return err }) {
		if err == nil {
			have++
		} else {
			p.refused("hold the last place", err, department.SoldOut)
		}
	}
	if p.err == nil && have != 1 {
		p.fail("%d of %d have the last place", have, len(ids))
	}
	p.takes("all held", at, free)
}

func afterRestart(p *play) {
	at := p.place(3)
	held, confirmed, released := p.id(), p.id(), p.id()
	a := p.ask(at)
	for _, id := range []string{held, confirmed, released} {
		p.hold("hold", id, a, department.Held)
	}
	number := p.confirm("confirm", confirmed)
	p.release("release", released)
	if p.err != nil {
		return
	}
	if err := p.Restart(p.ctx); err != nil {
		p.fail("restart: %v", err)
	}
	p.state("held before the restart", held, department.Held)
	if h := p.state("confirmed before the restart", confirmed, department.Confirmed); p.err == nil && h.Number != number {
		p.fail("confirmed before the restart: another number")
	}
	p.state("released before the restart", released, department.Released)
	p.refusedHold("hold again what was released before the restart", released, a, department.HoldReleased)
	p.takes("after the restart", at, 2)
}

func kept(p *play) {
	if p.lasts == nil {
		holdAndConfirm(p)
	}
	if p.err != nil {
		return
	}
	l := p.lasts
	p.ids = append(p.ids, l.id)
	p.wait(l.since.Add(p.Kept))
	if h := p.state(fmt.Sprintf("confirmed %s ago", p.Now().Sub(l.since).Round(time.Second)), l.id, department.Confirmed); p.err == nil && (h.Number != l.hold.Number || !same(h.Ask, l.hold.Ask)) {
		p.fail("confirmed before: it is another hold now")
	}
	p.hold("hold what is confirmed", l.id, l.hold.Ask, department.Confirmed)
}
