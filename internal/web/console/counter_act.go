package console

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

// act does one thing at a counter: call, recall, pass, hold, return, transfer, finish.
func (c *Console) act(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	hall, id, p := r.PathValue("hall"), r.PathValue("counter"), r.PostForm
	act := counter.Act{Kind: counter.ActKind(p.Get("act")), Ticket: p.Get("ticket"), Queue: p.Get("queue"), Result: counter.Result(p.Get("result"))}
	switch act.Kind {
	case counter.Call:
		act.Ticket, act.Queue, act.Result = "", "", ""
	case counter.Transfer:
		act.Result = ""
	case counter.Finish:
		act.Queue = ""
	case counter.Return:
		act.Ticket, act.Queue, act.Result = p.Get("back"), "", ""
	default:
		act.Queue, act.Result = "", ""
	}
	v, err := c.App.Serve(r.Context(), ad, hall, id, act, p.Get("key"))
	return c.acted(w, r, ad, hall, id, v, err)
}

// acted answers an act at a counter: with what the counter looks like now, or with its page again and what was
// wrong.
func (c *Console) acted(w http.ResponseWriter, r *http.Request, ad *app.Admin, hall, id string, v app.CounterView, err error) error {
	switch {
	case web.WantsJSON(r) && err == nil:
		return c.answer(w, r, v, nil)
	case err == nil:
		return web.SeeOther(w, r, counterPath(hall, id))
	case web.WantsJSON(r) || !comesBack(err) && fault.As(err).Kind != fault.NotFound:
		return err
	}
	now, again := c.App.CounterView(r.Context(), ad, hall, id)
	if again != nil {
		return again
	}
	return c.showCounter(w, r, ad, now, fault.As(err))
}

// tick marks a case of the batch at a counter as done, or as open again (Art. 19).
func (c *Console) tick(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	hall, id, p := r.PathValue("hall"), r.PathValue("counter"), r.PostForm
	n, err := strconv.Atoi(p.Get("n"))
	if err != nil {
		return fault.InvalidFields(fault.Field{Path: "n", Code: fault.BadFormat})
	}
	v, err := c.App.TickCase(r.Context(), ad, hall, id, p.Get("ticket"), n, p.Get("done") == "yes")
	return c.acted(w, r, ad, hall, id, v, err)
}

// seatAnswer is what the script of a counter's page is answered with.
type seatAnswer struct {
	HTML     string        `json:"html"` // the parts of the page that change, by their ids
	Revision int64         `json:"revision"`
	Outcomes []seatOutcome `json:"outcomes,omitempty"`
}

// seatOutcome is what became of one act that was done without the network.
type seatOutcome struct {
	Key      string     `json:"key"`
	Number   string     `json:"number,omitempty"`
	Refused  fault.Code `json:"refused,omitempty"`
	Sentence string     `json:"sentence,omitempty"`
}

func (c *Console) answer(w http.ResponseWriter, r *http.Request, v app.CounterView, outcomes []app.MergeOutcome) error {
	l := web.LocaleOf(r)
	if !v.Mine {
		return fault.New(fault.CounterClosed)
	}
	a := seatAnswer{Revision: v.Version}
	for _, o := range outcomes {
		out := seatOutcome{Key: o.Key, Number: o.Number, Refused: o.Refused}
		if o.Refused != "" {
			out.Sentence = l.Sentence(fault.New(o.Refused))
		}
		a.Outcomes = append(a.Outcomes, out)
	}
	var b bytes.Buffer
	if err := seatParts(c.seatView(l, c.Cookies.FormToken(w, r), v, nil)).Render(r.Context(), &b); err != nil {
		return fault.Wrap(fault.InternalError, err)
	}
	a.HTML = b.String()
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	// An error here is the reader gone away.
	_ = json.NewEncoder(w).Encode(a)
	return nil
}

// beat is the heartbeat of a counter's page: what it shows, now.
func (c *Console) beat(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	v, err := c.App.CounterView(r.Context(), ad, r.PathValue("hall"), r.PathValue("counter"))
	if err != nil {
		return err
	}
	return c.answer(w, r, v, nil)
}

// merge takes over what a counter did without the network.
func (c *Console) merge(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	var told []struct {
		Key    string          `json:"key"`
		Seq    int             `json:"seq"`
		Ago    int64           `json:"ago"` // milliseconds, by the page's own clock that only runs
		Kind   counter.ActKind `json:"kind"`
		Ticket string          `json:"ticket"`
		Queue  string          `json:"queue"`
		Result counter.Result  `json:"result"`
	}
	if err := json.Unmarshal([]byte(r.PostForm.Get("acts")), &told); err != nil {
		return fault.New(fault.MalformedRequest)
	}
	acts := make([]app.OfflineAct, len(told))
	for i, t := range told {
		acts[i] = app.OfflineAct{Key: t.Key, Seq: t.Seq, Ago: time.Duration(min(max(t.Ago, 0), longestAgo)) * time.Millisecond, Kind: t.Kind, Ticket: t.Ticket, Queue: t.Queue, Result: t.Result}
	}
	v, outcomes, err := c.App.Merge(r.Context(), ad, r.PathValue("hall"), r.PathValue("counter"), acts)
	if err != nil {
		return err
	}
	return c.answer(w, r, v, outcomes)
}

// longestAgo bounds what a page may say of how long ago something was: a day, in milliseconds.
const longestAgo = 24 * 60 * 60 * 1000

// How long a stream of changes lasts before the page connects again and is asked again who it is.
const streamLife = 10 * time.Minute

// events tells a counter's page that its hall's day has changed; the page then asks for what it shows.
func (c *Console) events(w http.ResponseWriter, r *http.Request, _ *app.Admin) error {
	changes, stop := c.App.WatchFloor(r.PathValue("hall"))
	defer stop()
	s, done, err := c.Site.Stream(w, r)
	if err != nil {
		return err
	}
	defer done()
	// From here on an error is the reader gone away: there is nobody to tell.
	if s.Send(web.Retry(2*time.Second), []byte(": here\n\n")) != nil {
		return nil
	}
	over, calm := time.NewTimer(streamLife), time.NewTicker(15*time.Second)
	defer over.Stop()
	defer calm.Stop()
	for {
		said := []byte("data: changed\n\n")
		select {
		case <-s.Context().Done():
			return nil
		case <-s.Leaving():
			return nil
		case <-over.C:
			return nil
		case <-calm.C:
			said = []byte(": still here\n\n")
		case <-changes:
		}
		if s.Send(said) != nil {
			return nil
		}
	}
}
