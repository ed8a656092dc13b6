package store

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"suiyue/internal/domain/oversight"
)

// counterCodes says by which number a counter is kept. It is only ever added to at the end: rows are older than any
// order in which counters are shown.
var counterCodes = []oversight.Counter{
	oversight.Planned, oversight.Released, oversight.OnSite, oversight.Added, oversight.Cut, oversight.CutHeld,
	oversight.Booked, oversight.Cancelled, oversight.Moved, oversight.Displaced, oversight.Came, oversight.Missed, oversight.Excused,
	oversight.WalkIn, oversight.Green, oversight.Served, oversight.ServedBooked, oversight.CalledBooked, oversight.CalledOnTime, oversight.Passed, oversight.Unserved,
	oversight.Waiting, oversight.Ahead, oversight.Joined, oversight.FromLine, oversight.LeftOnline,
	oversight.Requests, oversight.RequestsEarly, oversight.Decisions, oversight.DecisionsEarly,
	oversight.Records, oversight.RecordsIn, oversight.RecordsEarly, oversight.Checked, oversight.Agreed,
	oversight.Evaluated, oversight.Content, oversight.Rush, oversight.RushFirst,
}

// spellCodes is the same for spells.
var spellCodes = []oversight.Spell{oversight.WaitBooked, oversight.WaitWalkIn, oversight.WaitGreen, oversight.Handling}

// figureForm is the first byte of what is kept, so that another form can be told from this one.
const figureForm = 1

var errFigures = errors.New("store: figures not understood")

func writeTotal(c oversight.Counts) []byte { return appendCounts([]byte{figureForm}, c) }

func readTotal(b []byte) (c oversight.Counts, err error) {
	r := figureReader{b: b}
	r.form()
	c = r.counts()
	return c, r.end()
}

// appendCounts writes how many counters, the number and count of each, how many spells, and of each its number, how many
// lengths, and of each how many minutes more than the one before and how often.
func appendCounts(b []byte, c oversight.Counts) []byte {
	b = binary.AppendUvarint(b, uint64(len(c.N)))
	for code, k := range counterCodes {
		if n, ok := c.N[k]; ok {
			b = binary.AppendVarint(binary.AppendUvarint(b, uint64(code)), n)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(c.Spells)))
	var minutes [64]int
	for code, k := range spellCodes {
		l, ok := c.Spells[k]
		if !ok {
			continue
		}
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(code)), uint64(len(l)))
		list := minutes[:0]
		for m := range l {
			list = append(list, m)
		}
		slices.Sort(list)
		last := 0
		for _, m := range list {
			b = binary.AppendVarint(binary.AppendUvarint(b, uint64(m-last)), l[m])
			last = m
		}
	}
	return b
}

var (
	squeezers  = sync.Pool{New: func() any { w, _ := flate.NewWriter(nil, flate.BestSpeed); return w }}
	stretchers = sync.Pool{New: func() any { return flate.NewReader(bytes.NewReader(nil)) }}
)

// writeParts writes the breakdowns: of each part the begin it shares with the key before, the rest, and its counts; all
// of it compressed.
func writeParts(by map[oversight.Dimension]map[string]oversight.Counts) []byte {
	b := binary.AppendUvarint(nil, uint64(len(by)))
	for _, d := range slices.Sorted(maps.Keys(by)) {
		parts := by[d]
		b = appendText(b, string(d))
		b = binary.AppendUvarint(b, uint64(len(parts)))
		last := ""
		for _, key := range slices.Sorted(maps.Keys(parts)) {
			same := 0
			for same < len(last) && same < len(key) && last[same] == key[same] {
				same++
			}
			b = appendText(binary.AppendUvarint(b, uint64(same)), key[same:])
			b = appendCounts(b, parts[key])
			last = key
		}
	}
	var out bytes.Buffer
	out.WriteByte(figureForm)
	w := squeezers.Get().(*flate.Writer)
	defer squeezers.Put(w)
	w.Reset(&out)
	if _, err := w.Write(b); err != nil { // a buffer takes everything
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func readParts(b []byte) (map[oversight.Dimension]map[string]oversight.Counts, error) {
	r := figureReader{b: b}
	if r.form(); r.bad {
		return nil, errFigures
	}
	in := stretchers.Get().(io.ReadCloser)
	defer stretchers.Put(in)
	if err := in.(flate.Resetter).Reset(bytes.NewReader(r.b), nil); err != nil {
		return nil, fmt.Errorf("%w: %w", errFigures, err)
	}
	plain, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFigures, err)
	}
	r = figureReader{b: plain}
	dimensions := r.size()
	if dimensions == 0 {
		return nil, r.end()
	}
	by := make(map[oversight.Dimension]map[string]oversight.Counts, dimensions)
	for range dimensions {
		d := oversight.Dimension(r.text())
		n := r.size()
		parts := make(map[string]oversight.Counts, n)
		last := ""
		for range n {
			same := r.number()
			if same > uint64(len(last)) {
				r.bad = true
			}
			if r.bad {
				return nil, errFigures
			}
			last = last[:same] + r.text()
			parts[last] = r.counts()
		}
		by[d] = parts
	}
	return by, r.end()
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// figureReader reads what was written; once something cannot be read, bad is set and it gives nothing more.
type figureReader struct {
	b   []byte
	bad bool
}

func (r *figureReader) end() error {
	if r.bad || len(r.b) > 0 {
		return errFigures
	}
	return nil
}

func (r *figureReader) form() {
	if r.number() != figureForm {
		r.bad = true
	}
}

func (r *figureReader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if r.bad = r.bad || n <= 0; r.bad {
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *figureReader) signed() int64 {
	v, n := binary.Varint(r.b)
	if r.bad = r.bad || n <= 0; r.bad {
		return 0
	}
	r.b = r.b[n:]
	return v
}

// size reads how many follow, each of a byte at least.
func (r *figureReader) size() int {
	n := r.number()
	if r.bad = r.bad || n > uint64(len(r.b)); r.bad {
		return 0
	}
	return int(n)
}

func (r *figureReader) text() string {
	n := r.size()
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *figureReader) counts() (c oversight.Counts) {
	if n := r.size(); n > 0 {
		c.N = make(map[oversight.Counter]int64, n)
		for range n {
			code, v := r.number(), r.signed()
			if code >= uint64(len(counterCodes)) {
				r.bad = true
				return c
			}
			c.N[counterCodes[code]] = v
		}
	}
	if n := r.size(); n > 0 {
		c.Spells = make(map[oversight.Spell]oversight.Lengths, n)
		for range n {
			code, lengths := r.number(), r.size()
			if code >= uint64(len(spellCodes)) {
				r.bad = true
				return c
			}
			l := make(oversight.Lengths, lengths)
			minutes := 0
			for range lengths {
				minutes += int(r.number())
				l[minutes] = r.signed()
			}
			c.Spells[spellCodes[code]] = l
		}
	}
	return c
}
