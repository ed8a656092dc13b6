package app

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"sync"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/flow"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/room"
)

// waitingRoom is the room of this node.
type waitingRoom struct {
	mu    sync.Mutex
	room  *room.Room // nil for none
	tries room.Tries
	work  Work
	key   []byte // of challenges
}

// Coming is what somebody brings who comes to book.
type Coming struct {
	Slot  string // what they come for
	Place string // what the last WaitingRoom answer gave them, from whatever node, "" for none: good for its person only, and not for ever
	Proof string // of the work the last such answer asked for, "" for none
	Often bool   // very much is asked from where they come
}

// Enter lets somebody who comes to book go on, or answers WaitingRoom with their place in the line, WaitingOrder
// in the first moment after a release, while those who come are put in an order, or WaitingRoomFull. Nobody waits
// as long as the node has room, after that moment. Who was let in tells what becomes of it with Working.
func (a *App) Enter(who *identity.Session, c Coming) error {
	if a.room.room == nil {
		return nil
	}
	key := string(who.Person.Key)
	now := a.now()
	comer := room.Comer{Who: key, Since: a.openPlace(key, c.Place, now)}
	if queue, at, ok := a.releaseOf(c.Slot); ok && !now.Before(at) && now.Sub(at) < rushFor {
		comer.Release, comer.Want = at, wanting(queue, at)
		comer.Settled = at.Add(a.Rules(calendar.DateOf(at)).GatherFor)
	}
	load := a.lanes.Held() + a.draws.line.Held()
	a.room.mu.Lock()
	work := flow.Work{Who: key, Bits: a.workFor(c.Often)}
	comer.Ask = work.Bits > 0 && !work.Solved(a.room.key, c.Proof, now)
	got := a.room.room.Ask(now, comer, load)
	a.room.mu.Unlock()
	switch {
	case got.In:
		return nil
	case got.Full:
		return fault.New(fault.WaitingRoomFull).After(got.Again)
	}
	args := []string{"place", a.sealPlace(key, got.Since, now)}
	if comer.Ask {
		args = append(args, "challenge", work.Challenge(a.room.key, now), "bits", strconv.Itoa(work.Bits))
	}
	if got.Position == 0 {
		return fault.New(fault.WaitingOrder, args...).After(got.Again)
	}
	minutes := int((got.Wait + time.Minute - 1) / time.Minute)
	return fault.New(fault.WaitingRoom, append(args, "position", strconv.Itoa(got.Position), "minutes", strconv.Itoa(max(1, minutes)),
		"seconds", strconv.Itoa(max(1, int((got.Wait+time.Second-1)/time.Second))))...).After(got.Again)
}

// releaseOf returns whose numbers those of a slot are, and when they are released off-site.
func (a *App) releaseOf(slot string) (queue string, at time.Time, ok bool) {
	queue, date, hour, ok := booking.ParseSlotID(slot)
	q := a.board.queue(queue)
	if !ok || q == nil {
		return "", time.Time{}, false
	}
	s := find(*q.slots.Load(), date, hour)
	if s == nil {
		return "", time.Time{}, false
	}
	return queue, time.UnixMicro(s.release), true
}

// wanting names what people want of which there are so many and no more: what a queue releases at an instant.
func wanting(queue string, release time.Time) string {
	return strconv.FormatInt(release.UnixMicro(), 10) + "|" + queue
}

// leftOf returns how many numbers are left of it.
func (a *App) leftOf(want string) (n int) {
	text, queue, _ := strings.Cut(want, "|")
	at, _ := strconv.ParseInt(text, 10, 64)
	q := a.board.queue(queue)
	if q == nil {
		return 0
	}
	now := a.now()
	rules := a.Rules(calendar.DateOf(now))
	for s := range q.all() {
		if s.release == at {
			n += max(q.view(s, now, rules).Free, 0)
		}
	}
	return n
}

// lot is the order of those who come at the same instant: the same at every node, and not to be known outside.
func (a *App) lot(who string, since time.Time) uint64 {
	h := a.vault.Lookup("order of the waiting room", who+"|"+strconv.FormatInt(since.UnixMicro(), 10))
	sum := sha256.Sum256([]byte(h))
	return binary.BigEndian.Uint64(sum[:])
}

// Work says when the waiting room asks for a proof of work. Who brings none waits a few seconds instead.
type Work struct {
	Bits int // 0 = never
	Line int // people in line from which on it is asked for
}

// workFor returns how hard a work is asked for, 0 for none: in a rush only, where the line is long or very much is
// asked from one place.
func (a *App) workFor(often bool) int {
	if w := a.room.work; w.Bits > 0 && (often || a.room.room.Waiting() >= w.Line) && a.Rush() {
		return w.Bits
	}
	return 0
}

// Working says that somebody who was let in begins the work they were let in for, and the function it returns
// that this is over: whether they have what they came for.
func (a *App) Working(who *identity.Session) (over func(done bool)) {
	if a.room.room == nil {
		return func(bool) {}
	}
	key, now := string(who.Person.Key), a.now()
	a.room.mu.Lock()
	a.room.room.Begin(now, key)
	a.room.mu.Unlock()
	return func(done bool) {
		now := a.now()
		a.room.mu.Lock()
		a.room.room.End(now, key, done)
		a.room.mu.Unlock()
	}
}

// Room returns how many people wait at this node, and how many are let in and not done.
func (a *App) Room() (waiting, inside int) {
	if a.room.room == nil {
		return 0, 0
	}
	a.room.mu.Lock()
	defer a.room.mu.Unlock()
	return a.room.room.Waiting(), a.room.room.Inside()
}

// placeLife is how long a place that is not shown to any node is good for.
const placeLife = 2 * time.Minute

// sealPlace writes down since when somebody waits, for any node to read and nobody else to make.
func (a *App) sealPlace(who string, since, now time.Time) string {
	plain := binary.BigEndian.AppendUint64(nil, uint64(since.UnixMicro()))
	plain = binary.BigEndian.AppendUint64(plain, uint64(now.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(a.vault.Seal(plain, "place|"+who))
}

// openPlace is zero for what is none of this person's, or too old.
func (a *App) openPlace(who, place string, now time.Time) time.Time {
	if place == "" || len(place) > 256 {
		return time.Time{}
	}
	sealed, err := base64.RawURLEncoding.DecodeString(place)
	if err != nil {
		return time.Time{}
	}
	plain, err := a.vault.Open(sealed, "place|"+who)
	if err != nil || len(plain) != 16 {
		return time.Time{}
	}
	shown := time.UnixMicro(int64(binary.BigEndian.Uint64(plain[8:])))
	if now.Sub(shown) > placeLife {
		return time.Time{}
	}
	return time.UnixMicro(int64(binary.BigEndian.Uint64(plain)))
}

// rushFor is how long after a release people try for its numbers.
const rushFor = 10 * time.Minute

// Rush tells whether numbers have been released just now.
func (a *App) Rush() bool {
	now := a.now()
	today := calendar.DateOf(now)
	at := a.Rules(today).ReleaseAt
	since := now.Sub(today.At(at/60, at%60))
	return since >= 0 && since < rushFor
}

// Try counts a try of somebody for a number while many try, and answers TooManyRequests where none is left. what
// names what they try for; while a try for it is open it is the same, and key is that of the one that is open.
// Tried ends it.
func (a *App) Try(who *identity.Session, what, key string) (of string, err error) {
	if !a.Rush() {
		return key, nil
	}
	now := a.now()
	a.room.mu.Lock()
	of, wait := a.room.tries.Begin(now, string(who.Person.Key), what, key, a.tryRules(now), flow.Life)
	a.room.mu.Unlock()
	if wait > 0 {
		a.Working(who)(false) // their place inside is for somebody else meanwhile
		return "", fault.New(fault.TooManyRequests).After(wait)
	}
	return of, nil
}

// Tried says what the try under a key came to. One that was answered, whether or not with a number, is over; one
// that was not, because the node was busy or failed, is no try and stays open.
func (a *App) Tried(who *identity.Session, key string, err error) {
	if err != nil {
		if k := fault.As(err).Kind; k == fault.Unavailable || k == fault.Internal || k == fault.TooMany {
			return
		}
	}
	a.room.mu.Lock()
	a.room.tries.End(string(who.Person.Key), key)
	a.room.mu.Unlock()
}

func (a *App) tryRules(now time.Time) room.TryRules {
	r := a.Rules(calendar.DateOf(now))
	return room.TryRules{Most: r.NoonAttempts, Every: r.NoonAttemptEvery}
}
