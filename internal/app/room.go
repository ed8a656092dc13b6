package app

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"sync"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/room"
)

// waitingRoom is the room of this node.
type waitingRoom struct {
	mu   sync.Mutex
	room *room.Room // nil for none
}

// Enter lets somebody who comes to book go on, or answers WaitingRoom with their place in the line, or
// WaitingRoomFull. place is what they were given by the last such answer, from whatever node, "" for none: it is
// good for its person only, and not for ever. Nobody waits as long as the node has room. Who was let in tells
// what becomes of it with Working.
func (a *App) Enter(who *identity.Session, place string) error {
	if a.room.room == nil {
		return nil
	}
	key := string(who.Person.Key)
	now := a.now()
	since := a.openPlace(key, place, now)
	load := a.lanes.Held() + a.draws.line.Held()
	a.room.mu.Lock()
	got := a.room.room.Ask(now, key, since, load)
	a.room.mu.Unlock()
	switch {
	case got.In:
		return nil
	case got.Full:
		return fault.New(fault.WaitingRoomFull).After(got.Again)
	}
	minutes := int((got.Wait + time.Minute - 1) / time.Minute)
	return fault.New(fault.WaitingRoom, "position", strconv.Itoa(got.Position), "minutes", strconv.Itoa(max(1, minutes)),
		"seconds", strconv.Itoa(max(1, int((got.Wait+time.Second-1)/time.Second))), "place", a.sealPlace(key, got.Since, now)).After(got.Again)
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
