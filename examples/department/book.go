package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"sync"
	"time"
)

var china = time.FixedZone("CST", 8*60*60)

// hold is a place under an id of the platform's, as it is said and as it is kept.
type hold struct {
	ID        string `json:"id"`
	State     string `json:"state"` // held, confirmed or released; expired is a held one whose time is over
	Hall      string `json:"hall,omitempty"`
	Queue     string `json:"queue,omitempty"`
	Date      string `json:"date,omitempty"`
	Hour      int    `json:"hour"`
	Item      string `json:"item,omitempty"`
	Units     int    `json:"units,omitempty"`
	Applicant string `json:"applicant,omitempty"`
	Expires   string `json:"expires,omitempty"`
	Number    string `json:"number,omitempty"`
}

// refusal is a no with its code and status.
type refusal struct {
	status int
	code   string
}

func (r refusal) Error() string { return r.code }

var (
	badRequest   = refusal{400, "bad_request"}
	unsigned     = refusal{401, "signature_refused"}
	slotUnknown  = refusal{404, "slot_unknown"}
	holdUnknown  = refusal{404, "hold_unknown"}
	holdDiffers  = refusal{409, "hold_differs"}
	soldOut      = refusal{409, "sold_out"}
	holdExpired  = refusal{409, "hold_expired"}
	holdReleased = refusal{409, "hold_released"}
	invalid      = refusal{422, "invalid"}
	busy         = refusal{503, "busy"}
)

// book is everything that was ever asked under an id; none is forgotten.
type book struct {
	hall     string
	queues   []string
	items    []string
	capacity int
	days     int
	now      func() time.Time
	mode     string // the promise that is broken

	mu     sync.Mutex
	holds  map[string]*hold
	number int      // the last that was given
	file   *os.File // nil = in memory only
}

// open reads what was held before, and writes to the same file from then on. A line that was not written to its end was
// not answered either: it is cut off.
func (b *book) open(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	whole := int64(0)
	for r := bufio.NewReader(f); ; {
		line, err := r.ReadBytes('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		var h hold
		if err := json.Unmarshal(line, &h); err != nil {
			return fmt.Errorf("%s, at byte %d: %w", name, whole, err)
		}
		b.holds[h.ID] = &h
		if h.Number != "" {
			b.number++
		}
		whole += int64(len(line))
	}
	if err := f.Truncate(whole); err != nil {
		return err
	}
	b.file = f
	_, err = f.Seek(whole, io.SeekStart)
	return err
}

// keep writes the newest state of a hold, and returns when it is on disk: nothing is answered before. Where it cannot be
// written the program ends, and what is in the file is what counts.
func (b *book) keep(h hold) {
	if b.file != nil {
		line, err := json.Marshal(h)
		if err == nil {
			_, err = b.file.Write(append(line, '\n'))
		}
		if err == nil {
			err = b.file.Sync()
		}
		if err != nil {
			log.Fatalln("department:", err)
		}
	}
	b.holds[h.ID] = &h
}

// state is what has become of a hold by now.
func (b *book) state(h *hold) string {
	if expires, err := time.Parse(time.RFC3339, h.Expires); h.State == "held" && (err != nil || !b.now().Before(expires)) {
		return "expired"
	}
	return h.State
}

func (b *book) taken(queue, date string, hour int) (n int) {
	for _, h := range b.holds {
		if h.Queue != queue || h.Date != date || h.Hour != hour {
			continue
		}
		switch s := b.state(h); {
		case s == "held" && b.mode != "count-confirmed-only", s == "confirmed", s == "expired" && b.mode == "never-expires":
			n += h.Units
		}
	}
	return n
}

var hours = []int{9, 10, 11, 13, 14, 15, 16}

// there tells whether there is such a slot, from tomorrow on.
func (b *book) there(h hold) bool {
	date, err := time.ParseInLocation(time.DateOnly, h.Date, china)
	now := b.now().In(china)
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, china)
	return err == nil && date.After(today) && !date.After(today.AddDate(0, 0, b.days)) && slices.Contains(hours, h.Hour) &&
		h.Hall == b.hall && slices.Contains(b.queues, h.Queue) && slices.Contains(b.items, h.Item)
}

// put holds a place.
func (b *book) put(h hold) (hold, error) {
	if b.mode == "look-then-take" {
		b.mu.Lock()
		room := b.taken(h.Queue, h.Date, h.Hour)+h.Units <= b.capacity
		b.mu.Unlock()
		time.Sleep(100 * time.Millisecond)
		if !room {
			return hold{}, soldOut
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if old := b.holds[h.ID]; old != nil {
		switch b.state(old) {
		case "released":
			if b.mode != "hold-released" {
				return hold{}, holdReleased
			}
		case "expired":
			return hold{}, holdExpired
		default:
			same := h
			same.State, same.Number = old.State, old.Number
			if same != *old {
				if b.mode == "take-another" {
					return h, nil
				}
				return hold{}, holdDiffers
			}
			if b.mode == "hold-twice" {
				again := *old
				again.ID = fmt.Sprint(old.ID, "-again-", len(b.holds))
				b.keep(again)
			}
			return *old, nil
		}
	}
	if !b.there(h) {
		return hold{}, slotUnknown
	}
	if b.mode != "oversell" && b.mode != "look-then-take" && b.taken(h.Queue, h.Date, h.Hour)+h.Units > b.capacity {
		return hold{}, soldOut
	}
	b.keep(h)
	return h, nil
}

// confirm makes a hold a booking.
func (b *book) confirm(id string) (hold, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.holds[id]
	if old == nil {
		return hold{}, holdUnknown
	}
	h := *old
	switch s := b.state(old); {
	case s == "confirmed" && b.mode != "another-number":
		return h, nil
	case s == "expired" && b.mode != "confirm-expired":
		return hold{}, holdExpired
	case s == "released" && b.mode != "confirm-released":
		return hold{}, holdReleased
	}
	b.number++
	h.State, h.Number = "confirmed", fmt.Sprintf("A-%04d", b.number)
	if h.Hall == "" { // of the lying only: it was released before it was held
		h.Hall, h.Queue, h.Item, h.Date, h.Units, h.Expires = b.hall, b.queues[0], b.items[0], b.now().In(china).Format(time.DateOnly), 1, b.now().In(china).Format(time.RFC3339)
	}
	if b.mode == "forget" {
		delete(b.holds, id)
		return h, nil
	}
	if b.mode == "forget-later" {
		time.AfterFunc(time.Second, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			delete(b.holds, id)
		})
	}
	b.keep(h)
	return h, nil
}

// release gives back what is held under id, and keeps in mind that nothing ever will be.
func (b *book) release(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := hold{ID: id}
	if old := b.holds[id]; old != nil {
		if old.State == "released" {
			return
		}
		if b.mode == "keep-released" && old.State == "confirmed" {
			lost := *old
			lost.ID += "-kept"
			b.keep(lost)
		}
		h = *old
	} else if b.mode == "release-unknown" {
		return
	}
	h.State = "released"
	b.keep(h)
}

func (b *book) get(id string) (hold, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.holds[id]
	if old == nil && b.mode == "get-unknown" {
		return hold{ID: id, State: "expired"}, nil
	}
	if old == nil {
		return hold{}, holdUnknown
	}
	h := *old
	h.State = b.state(old)
	return h, nil
}

// slot is one hour of a queue.
type slot struct {
	Hall     string `json:"hall"`
	Queue    string `json:"queue"`
	Date     string `json:"date"`
	Hour     int    `json:"hour"`
	Capacity int    `json:"capacity"`
	Taken    int    `json:"taken"`
}

// slots lists the hours of the dates from and to and those between.
func (b *book) slots(from, to string) ([]slot, error) {
	first, err1 := time.ParseInLocation(time.DateOnly, from, china)
	last, err2 := time.ParseInLocation(time.DateOnly, to, china)
	if err1 != nil || err2 != nil || last.Before(first) || !last.Before(first.AddDate(0, 0, 31)) {
		return nil, invalid
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []slot{}
	for d := first; !d.After(last); d = d.AddDate(0, 0, 1) {
		for _, queue := range b.queues {
			for _, hour := range hours {
				date := d.Format(time.DateOnly)
				if b.there(hold{Hall: b.hall, Queue: queue, Date: date, Hour: hour, Item: b.items[0]}) {
					out = append(out, slot{b.hall, queue, date, hour, b.capacity, min(b.taken(queue, date, hour), b.capacity)})
				}
			}
		}
	}
	return out, nil
}

// readHold reads the body of a hold; state and number are none of it.
func readHold(id string, text []byte, now time.Time, any bool) (hold, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil || fields == nil {
		return hold{}, badRequest
	}
	h := hold{}
	d := json.NewDecoder(bytes.NewReader(text))
	if !any {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(&h); err != nil {
		return hold{}, invalid
	}
	for _, name := range []string{"hall", "queue", "date", "hour", "item", "units", "applicant", "expires"} {
		if fields[name] == nil && !any {
			return hold{}, invalid
		}
	}
	expires, err := time.Parse(time.RFC3339, h.Expires)
	short := func(s string) bool { return s != "" && len(s) <= 64 }
	if !any && (err != nil || !expires.After(now) || h.ID != "" || h.State != "" || h.Number != "" || h.Units < 1 || h.Units > 1000 || h.Hour < 0 || h.Hour > 23 ||
		!short(h.Hall) || !short(h.Queue) || !short(h.Item) || !short(h.Applicant)) {
		return hold{}, invalid
	}
	h.ID, h.State, h.Number = id, "held", ""
	return h, nil
}
