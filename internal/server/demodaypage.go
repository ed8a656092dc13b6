package server

import (
	_ "embed"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const demoDayPath = "/demo/day"

//go:embed demoday.html
var demoDayText string

var demoDayPage = template.Must(template.New("day").Parse(demoDayText))

// dayDesk is what the page of the day shows.
type dayDesk struct {
	locale            web.Locale
	Now, NowISO, Pace string
	Hall, State, Said string
	Playing           bool
	Counters          []dayCounter
	Code, Enrol       string
	Phones            []dayPhone
}

type dayCounter struct {
	ID, Label, Lines, Link string
	Hand                   bool
	Open, Take, Back       string
}

type dayPhone struct{ ID, Number, State string }

// T gives a sentence in the reader's language.
func (d dayDesk) T(key string) string { return d.locale.T(key) }

// mountDay puts the page of the day into the mux.
func (s *Server) mountDay(mux *http.ServeMux, f *faces) {
	mux.Handle("GET "+demoDayPath, s.site.Handle(func(w http.ResponseWriter, r *http.Request) error { return s.dayDesk(w, r, "") }))
	mux.Handle("POST "+demoDayPath, s.site.Handle(s.playDay(f.Cookies.Of("console"))))
}

func (s *Server) dayDesk(w http.ResponseWriter, r *http.Request, code string) error {
	l, now, h := web.LocaleOf(r), s.clock.Now(), &s.day
	d := dayDesk{
		locale: l, Now: l.LongDate(calendar.DateOf(now)) + " " + now.In(calendar.Zone).Format("15:04:05"), NowISO: now.In(calendar.Zone).Format(time.RFC3339),
		Pace: l.T("demo.day_pace", "n", strconv.Itoa(s.clock.Pace())), Code: code, Enrol: "/hall/enrol", State: l.T("demo.day_not"),
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if hall := s.app.City().Hall(h.hall); hall != nil {
		d.Hall = l.Text(hall.Name)
	}
	d.Playing, d.Said = h.stop != nil, h.said
	if len(h.clerks) > 0 {
		d.State = l.T("demo.day_state", "date", l.LongDate(h.date), "coming", strconv.Itoa(len(h.coming)), "came", strconv.Itoa(len(h.came)))
	}
	for _, c := range h.clerks {
		one := dayCounter{
			ID: c.counter, Label: c.counter, Hand: c.hand, Link: counterPage(h.hall, c.counter),
			Open: l.T("demo.day_open"), Take: l.T("demo.day_take"), Back: l.T("demo.day_back"),
		}
		for _, known := range s.app.City().CountersOf(h.hall) {
			if known.ID == c.counter {
				one.Label = known.Label
			}
		}
		for i, q := range c.queues {
			if queue := s.app.City().Queue(q); queue != nil {
				if i > 0 {
					one.Lines += " / "
				}
				one.Lines += l.Text(queue.Name)
			}
		}
		d.Counters = append(d.Counters, one)
	}
	for i := len(h.came) - 1; i >= 0 && len(d.Phones) < 12; i-- {
		t, err := s.app.Ticket(r.Context(), h.came[i])
		if err != nil {
			continue
		}
		d.Phones = append(d.Phones, dayPhone{t.Ticket.ID, t.Ticket.Number, l.T("demo.ticket_" + string(t.Ticket.State))})
	}
	return web.Render(w, r, http.StatusOK, inShell(ui.NewShell(r, l.T("demo.day_title")), templ.FromGoHTML(demoDayPage, d)))
}

// counterPage is where a counter of the day is worked.
func counterPage(hall, id string) string { return "/console/halls/" + hall + "/counters/" + id }

// playDay does what a button of the page asks for.
func (s *Server) playDay(cookies *web.Cookies) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := web.ParseForm(r); err != nil {
			return err
		}
		form := r.PostForm
		switch {
		case form.Get("do") == "start":
			if err := s.day.begin(r.Context(), dayPace); err != nil {
				return err
			}
		case form.Get("do") == "stop":
			s.day.end()
		case form.Has("pace"):
			n, err := strconv.Atoi(form.Get("pace"))
			if err != nil || n < 1 || n > 600 {
				return fault.InvalidFields(fault.Field{Path: "pace", Code: fault.OutOfRange})
			}
			s.clock.SetPace(n)
		case form.Has("take"):
			hall, who := s.day.hand(form.Get("take"), true)
			if who == "" {
				return fault.New(fault.CounterNotFound)
			}
			token, err := s.app.OpenAs(r.Context(), who, "demonstration")
			if err != nil {
				return err
			}
			cookies.SetSession(w, token, 12*time.Hour)
			return web.SeeOther(w, r, counterPage(hall, form.Get("take")))
		case form.Has("back"):
			s.day.hand(form.Get("back"), false)
		case form.Has("machine"):
			code, err := s.day.machine(r, counter.DeviceKind(form.Get("machine")))
			if err != nil {
				return err
			}
			return s.dayDesk(w, r, code)
		default:
			return fault.InvalidFields(fault.Field{Path: "do", Code: fault.NotOneOf})
		}
		return web.SeeOther(w, r, demoDayPath)
	}
}

// machine makes a kiosk or display that a browser can become, and returns its one-time code.
func (h *hallDay) machine(r *http.Request, kind counter.DeviceKind) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.runs == nil {
		return "", fault.New(fault.NotOpenToday)
	}
	if kind != counter.Kiosk && kind != counter.Display {
		return "", fault.InvalidFields(fault.Field{Path: "machine", Code: fault.NotOneOf})
	}
	h.made++
	_, code, err := h.s.app.CreateDevice(r.Context(), h.runs, h.hall, app.NewDevice{
		Kind: kind, Name: "演示设备 " + strconv.Itoa(h.made), Settings: dayMachine(kind),
	})
	return code, err
}
