package hall

import (
	"encoding/json"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
)

// picture is a hall's day as its displays are told of it. Each display shows of it what it was set to.
type picture struct {
	Hall     directory.Text   `json:"hall"`
	Date     string           `json:"date"`
	Revision int64            `json:"revision"`
	Over     bool             `json:"over,omitempty"` // the day has ended
	Calls    []pictureCall    `json:"calls"`          // newest first
	Queues   []pictureQueue   `json:"queues"`
	Counters []pictureCounter `json:"counters"`
	Notice   directory.Text   `json:"notice"`
}

type pictureCall struct {
	Number  string `json:"number"`
	Name    string `json:"name"` // masked
	Counter string `json:"counter"`
	Queue   string `json:"queue"`
	At      int64  `json:"at"` // milliseconds
	Calls   int    `json:"calls"`
	Gone    bool   `json:"gone,omitempty"` // no longer asked to come: passed over, served, left
}

// pictureQueue is a queue; Early and Late are whole minutes, both −1 where nothing can be told.
type pictureQueue struct {
	ID      string         `json:"id"`
	Name    directory.Text `json:"name"`
	Prefix  string         `json:"prefix"`
	Waiting int            `json:"waiting"`
	Seats   int            `json:"seats"` // counters that call from it
	Last    string         `json:"last"`
	Early   int            `json:"early"`
	Late    int            `json:"late"`
}

type pictureCounter struct {
	Label  string   `json:"label"`
	State  string   `json:"state"`
	Number string   `json:"number"`
	Queues []string `json:"queues"`
}

// shownCalls is how many calls a display is told of: more than it shows, so that none of those that came
// close together stays unsaid.
const shownCalls = 16

func pictureOf(v app.FloorView) picture {
	p := picture{
		Hall: v.Hall.Name, Date: v.Date.String(), Revision: v.Revision, Over: v.Sealed, Notice: v.Notice,
		Calls: []pictureCall{}, Queues: []pictureQueue{}, Counters: []pictureCounter{},
	}
	for _, c := range v.Calls[:min(len(v.Calls), shownCalls)] {
		p.Calls = append(p.Calls, pictureCall{
			Number: c.Number, Name: c.Name, Counter: c.CounterLabel, Queue: c.QueueID, At: c.At.UnixMilli(), Calls: c.Calls, Gone: c.State != counter.Called,
		})
	}
	for _, q := range v.Queues {
		s := pictureQueue{ID: q.Queue.ID, Name: q.Queue.Name, Prefix: q.Prefix, Waiting: q.Waiting, Seats: q.Seats, Last: q.Last, Early: -1, Late: -1}
		if q.Wait.Known {
			s.Early, s.Late = int(q.Wait.Early.Minutes()), int((q.Wait.Late.Seconds()+59)/60)
		}
		p.Queues = append(p.Queues, s)
	}
	for _, c := range v.Counters {
		p.Counters = append(p.Counters, pictureCounter{Label: c.Label, State: string(c.State), Number: c.Number, Queues: c.Queues})
	}
	return p
}

// event writes a picture as it is sent: its id is the revision of the hall's day.
func (p picture) event() ([]byte, error) {
	body, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	b := append(strconv.AppendInt([]byte("id: "), p.Revision, 10), "\nevent: floor\ndata: "...)
	return append(append(b, body...), "\n\n"...), nil
}

// only leaves what a display has to do with: all, or what belongs to the queues it was set to.
func (p picture) only(s counter.DeviceSettings) picture {
	calls, queues, counters := []pictureCall{}, []pictureQueue{}, []pictureCounter{}
	for _, c := range p.Calls {
		if s.Shows(c.Queue) {
			calls = append(calls, c)
		}
	}
	for _, q := range p.Queues {
		if s.Shows(q.ID) {
			queues = append(queues, q)
		}
	}
	for _, c := range p.Counters {
		for _, q := range c.Queues {
			if s.Shows(q) {
				counters = append(counters, c)
				break
			}
		}
	}
	p.Calls, p.Queues, p.Counters = calls, queues, counters
	return p
}
