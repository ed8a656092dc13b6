package server

import (
	"context"
	_ "embed"
	"html/template"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/gate/identity/testpeople"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

//go:embed demo.html
var demoText string

var demoPage = template.Must(template.New("demo").Parse(demoText))

// demoDesk is what the page of the demonstration shows.
type demoDesk struct {
	locale      web.Locale
	Now, NowISO string
	Shift       string
	Tomorrow    string
	Messages    []demoMessage
	Count       string
	People      []demoPerson
}

type demoMessage struct{ At, To, Text string }

type demoPerson struct{ Name, Level string }

// T gives a sentence in the reader's language.
func (d demoDesk) T(key string) string { return d.locale.T(key) }

// mountDemo puts the desk of the demonstration into the mux: the clock, the messages sent and the test
// persons. It is never mounted for real people.
func (s *Server) mountDemo(mux *http.ServeMux, f *faces) {
	mux.Handle("GET /demo", s.site.Handle(s.desk))
	mux.Handle("POST /demo/clock", s.site.Handle(s.moveClock))
	s.mountDay(mux, f)
	mux.Handle("GET "+demoAdmins, s.site.Handle(s.adminDesk))
	mux.Handle("POST "+demoAdmins, s.site.Handle(s.beAdmin(f.Cookies.Of("console"))))
}

func (s *Server) desk(w http.ResponseWriter, r *http.Request) error {
	l, now := web.LocaleOf(r), s.clock.Now()
	d := demoDesk{
		locale: l, Now: l.LongDate(calendar.DateOf(now)) + " " + now.In(calendar.Zone).Format("15:04:05"), NowISO: now.In(calendar.Zone).Format(time.RFC3339),
		Shift: shiftWords(l, s.clock.Shift()), Tomorrow: (calendar.DateOf(now) + 1).String(),
	}
	if s.outbox != nil {
		for _, m := range s.outbox.Recent(50) {
			d.Messages = append(d.Messages, demoMessage{
				At: l.When(m.Receipt.Accepted), To: l.T("demo.messages_to", "phone", identity.MaskPhone(m.Message.To)), Text: m.Message.Text,
			})
		}
		d.Count = l.T("demo.messages_more", "n", strconv.Itoa(s.outbox.Total()))
	}
	for _, p := range testpeople.All() {
		d.People = append(d.People, demoPerson{Name: p.Shown[string(l)], Level: l.T("demo.level", "n", strconv.Itoa(int(p.Level)))})
	}
	return web.Render(w, r, http.StatusOK, inShell(ui.NewShell(r, l.T("demo.title")), templ.FromGoHTML(demoPage, d)))
}

// inShell puts content into the page around everything.
func inShell(shell ui.Shell, content templ.Component) web.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return ui.Page(shell).Render(templ.WithChildren(ctx, content), w)
	})
}

func shiftWords(l web.Locale, shift time.Duration) string {
	shift = shift.Round(time.Second)
	if shift == 0 {
		return l.T("demo.real")
	}
	direction := l.T("demo.forward")
	if shift < 0 {
		direction, shift = l.T("demo.back"), -shift
	}
	return l.T("demo.ahead", "direction", direction, "shift", shift.String())
}

// moveClock moves the clock: to=release (ten seconds before the next release), to=day (08:30 of date),
// to=time (the RFC 3339 instant in at) or to=real.
func (s *Server) moveClock(w http.ResponseWriter, r *http.Request) error {
	if err := web.ParseForm(r); err != nil {
		return err
	}
	now := s.clock.Now()
	switch r.PostForm.Get("to") {
	case "release":
		s.clock.Set(beforeNext(now, s.app.Rules(calendar.DateOf(now)).ReleaseAt))
	case "day":
		d, err := calendar.ParseDate(r.PostForm.Get("date"))
		if err != nil {
			return fault.InvalidFields(fault.Field{Path: "date", Code: fault.BadDate})
		}
		if err := s.setClock(d.At(8, 30), "date"); err != nil {
			return err
		}
	case "time":
		at, err := time.Parse(time.RFC3339, r.PostForm.Get("at"))
		if err != nil {
			return fault.InvalidFields(fault.Field{Path: "at", Code: fault.BadDate})
		}
		if err := s.setClock(at, "at"); err != nil {
			return err
		}
	case "real":
		s.clock.Reset()
	default:
		return fault.InvalidFields(fault.Field{Path: "to", Code: fault.NotOneOf})
	}
	s.log.Info("clock moved", "shift", s.clock.Shift().Round(time.Second))
	if s.clock.Now().Before(now) { // days gone by come back to the board
		if err := s.app.ReloadSlots(r.Context()); err != nil {
			return err
		}
	}
	s.runner.Kick()
	return web.SeeOther(w, r, "/demo")
}

// furthest is how far the clock may be moved: slots are prepared for some weeks only.
const furthest = 400 * 24 * time.Hour

func (s *Server) setClock(t time.Time, field string) error {
	if d := time.Until(t); d > furthest || d < -furthest {
		return fault.InvalidFields(fault.Field{Path: field, Code: fault.OutOfRange})
	}
	s.clock.Set(t)
	return nil
}
