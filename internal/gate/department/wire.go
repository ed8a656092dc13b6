package department

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"time"

	"suiyue/internal/domain/calendar"
)

// askJSON is Ask as it is sent, and the part of holdJSON that is said of a hold in force.
type askJSON struct {
	Hall      string `json:"hall"`
	Queue     string `json:"queue"`
	Date      string `json:"date"`
	Hour      int    `json:"hour"`
	Item      string `json:"item"`
	Units     int    `json:"units"`
	Applicant string `json:"applicant"`
	Expires   string `json:"expires"`
}

type holdJSON struct {
	ID     string `json:"id"`
	State  State  `json:"state"`
	Number string `json:"number"`
	askJSON
}

type placesJSON struct {
	Slots []placeJSON `json:"slots"`
}

type placeJSON struct {
	Hall     string `json:"hall"`
	Queue    string `json:"queue"`
	Date     string `json:"date"`
	Hour     int    `json:"hour"`
	Capacity int    `json:"capacity"`
	Taken    int    `json:"taken"`
}

type problemJSON struct {
	Code   Code   `json:"code"`
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

func (a Ask) wire() askJSON {
	return askJSON{a.HallID, a.QueueID, a.Date.String(), a.Hour, a.Item, a.Units, a.Applicant, a.Expires.In(calendar.Zone).Format(time.RFC3339)}
}

// read turns what was said of a hold into a Hold of id.
func (h holdJSON) read(id string) (*Hold, error) {
	if h.ID != id {
		return nil, wrong("another id")
	}
	switch h.State {
	case Released, Expired:
		return &Hold{ID: id, State: h.State}, nil
	case Held, Confirmed:
	default:
		return nil, wrong("a state that is not known")
	}
	date, err := calendar.ParseDate(h.Date)
	if err != nil {
		return nil, wrong("date")
	}
	expires, err := time.Parse(time.RFC3339, h.Expires)
	if err != nil {
		return nil, wrong("expires")
	}
	if h.State == Held && h.Number != "" || !printable(h.Number, MostNumber) {
		return nil, wrong("number")
	}
	return &Hold{
		ID: id, State: h.State, Number: h.Number,
		Ask: Ask{HallID: h.Hall, QueueID: h.Queue, Date: date, Hour: h.Hour, Item: h.Item, Units: h.Units, Applicant: h.Applicant, Expires: expires},
	}, nil
}

// answers tells whether the hold is what was asked for.
func (h *Hold) answers(a Ask) bool {
	got := h.Ask
	sooner := !got.Expires.After(a.Expires)
	got.Expires, a.Expires = time.Time{}, time.Time{}
	return sooner && got == a
}

func (p placeJSON) read(from, to calendar.Date) (Place, error) {
	date, err := calendar.ParseDate(p.Date)
	switch {
	case err != nil || date < from || date > to:
		return Place{}, wrong("date")
	case p.Hall == "" || p.Queue == "":
		return Place{}, wrong("hall or queue")
	case p.Hour < 0 || p.Hour > 23:
		return Place{}, wrong("hour")
	case p.Taken < 0 || p.Taken > p.Capacity:
		return Place{}, wrong("more taken than there is")
	}
	return Place{p.Hall, p.Queue, date, p.Hour, p.Capacity, p.Taken}, nil
}

// printable tells whether s has at most n characters, letters, digits and signs of ASCII, none of them a space or of HTML.
func printable(s string, n int) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '<' || c == '>' || c == '&' || c == '"' || c == '\'' {
			return false
		}
	}
	return len(s) <= n
}

// decode reads one JSON object of at most limit bytes into v. A field that is there twice, one in other letters, anything
// behind the object and, where it is strict, a field that is not known make it unreadable: nothing is read in two ways.
func decode(r io.Reader, limit int64, strict bool, v any) error {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return err
	}
	if int64(len(text)) > limit {
		return wrong("too long")
	}
	if !once(json.NewDecoder(bytes.NewReader(text))) {
		return wrong("no JSON, or a field twice")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if strict {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(v); err != nil {
		return wrong("not as described")
	}
	if _, err := d.Token(); err != io.EOF {
		return wrong("something behind it")
	}
	return nil
}

// once tells whether the next value is JSON of which no object has a name twice, nor one with capitals, which encoding/json
// would take for the same.
func once(d *json.Decoder) bool {
	t, err := d.Token()
	if err != nil {
		return false
	}
	open, ok := t.(json.Delim)
	if !ok {
		return true
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			t, err := d.Token()
			name, ok := t.(string)
			if err != nil || !ok || seen[name] || strings.ToLower(name) != name {
				return false
			}
			seen[name] = true
		}
		if !once(d) {
			return false
		}
	}
	_, err = d.Token()
	return err == nil
}
