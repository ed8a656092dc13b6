package hall

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// The ways of a visit: to the number of a booking, and to a number of the day. Each act is a POST that leads on
// to a page without anything of it in its address; what is kept meanwhile is sealed, of this device, and short.

const (
	bookingPath = kioskPath + "/booking"
	numberPath  = kioskPath + "/number"
	choosePath  = numberPath + "/choose"
	donePath    = kioskPath + "/done"
	refusedPath = kioskPath + "/refused"
)

func (h *Hall) visitRoutes() {
	h.add("POST "+kioskPath+"/scan", counter.Kiosk, h.scan)
	h.add("GET "+bookingPath, counter.Kiosk, h.bookingForm)
	h.add("POST "+bookingPath, counter.Kiosk, h.arrive)
	h.add("GET "+numberPath, counter.Kiosk, h.numberForm)
	h.add("POST "+numberPath, counter.Kiosk, h.identify)
	h.add("GET "+choosePath, counter.Kiosk, h.choose)
	h.add("POST "+choosePath, counter.Kiosk, h.take)
	h.add("POST "+kioskPath+"/show", counter.Kiosk, h.show)
	h.add("GET "+donePath, counter.Kiosk, h.done)
	h.add("GET "+refusedPath, counter.Kiosk, h.refused)
	h.add("POST "+kioskPath+"/print", counter.Kiosk, h.print)
	h.add("POST "+kioskPath+"/printed", counter.Kiosk, h.printed)
}

func by(d *app.Device) app.By { return app.By{Device: d, Channel: app.AtKiosk} }

// codeIn finds a booking code in what a scanner read: the code itself or the address of its pass.
func codeIn(text string) string {
	text = strings.TrimSpace(text)
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		parts := strings.Split(strings.Trim(u.Path, "/"), "/")
		if len(parts) != 2 || parts[0] != "pass" {
			return ""
		}
		text = parts[1]
	}
	text = strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(text))
	if len(text) < 6 || len(text) > 24 || strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
		return ""
	}
	return text
}

// scan takes what a scanner read at the start.
func (h *Hall) scan(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	code := codeIn(r.PostForm.Get("text"))
	if code == "" {
		return h.refuse(w, r, d, flow{From: "scan"}, fault.New(fault.BookingNotFound))
	}
	if err := h.setFlow(w, d, flow{Scan: code}); err != nil {
		return err
	}
	return web.SeeOther(w, r, bookingPath)
}

// refuse keeps why something could not be done and leads to the page that tells it.
func (h *Hall) refuse(w http.ResponseWriter, r *http.Request, d *app.Device, f flow, e *fault.Error) error {
	f.Code, f.Args = e.Code, e.Args
	if err := h.setFlow(w, d, f); err != nil {
		return err
	}
	return web.SeeOther(w, r, refusedPath)
}

type askView struct {
	Frame
	Action  string
	Scan    bool   // a code was scanned: only what shows that it is theirs is asked for
	Wrong   string // a sentence, "" for none
	Field   string // that is wrong
	Kind    identity.DocumentKind
	Kinds   []identity.DocumentKind
	Passing bool
}

// kinds are the documents a machine takes, the usual one first.
var kinds = []identity.DocumentKind{identity.ResidentID, identity.HKMacauPermit, identity.TaiwanPermit, identity.ForeignPermanent, identity.Passport}

func (h *Hall) ask(w http.ResponseWriter, r *http.Request, d *app.Device, title, action string) (askView, error) {
	v := askView{Frame: h.frame(r, d, web.LocaleOf(r).T(title)), Action: action, Kind: identity.ResidentID, Kinds: kinds}
	return v, h.bridge(w, &v.Frame)
}

// bookingForm asks which booking, and for what shows that it is theirs.
func (h *Hall) bookingForm(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	return h.showBooking(w, r, d, nil)
}

func (h *Hall) showBooking(w http.ResponseWriter, r *http.Request, d *app.Device, wrong *fault.Error) error {
	v, err := h.ask(w, r, d, "kiosk.booking", bookingPath)
	if err != nil {
		return err
	}
	v.Scan = h.flowOf(r, d).Scan != ""
	return web.Render(w, r, v.tell(wrong), bookingPage(v))
}

// tell says what is wrong with what was sent, and returns the status of the page. Nothing that was sent is
// shown again.
func (v *askView) tell(wrong *fault.Error) int {
	if wrong == nil {
		return http.StatusOK
	}
	v.Wrong = v.L.Sentence(wrong)
	if len(wrong.Fields) > 0 {
		v.Field = strings.TrimPrefix(wrong.Fields[0].Path, "document.")
		label := "kiosk.field_" + v.Field
		v.Wrong = v.L.FieldSentence("", wrong.Fields[0].Code)
		if v.L.Has(label) {
			v.Wrong = v.L.FieldSentence(v.L.T(label), wrong.Fields[0].Code)
		}
	}
	return web.Status(wrong)
}

// arrive checks somebody in for their booking: by its code and a fact, or by the document they show.
func (h *Hall) arrive(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	doc, before := documentOf(r), h.flowOf(r, d)
	in := app.CheckIn{Code: codeIn(r.PostForm.Get("code")), Fact: strings.TrimSpace(r.PostForm.Get("fact"))}
	if in.Code == "" {
		in.Code = before.Scan
	}
	switch {
	case doc != nil:
		in.Document, in.Birth = &doc.Document, doc.Birth
	case r.PostForm.Get("code") != "" && in.Code == "":
		return h.showBooking(w, r, d, fault.InvalidFields(fault.Field{Path: "code", Code: fault.BadFormat}))
	case in.Code == "":
		return h.showBooking(w, r, d, fault.InvalidFields(fault.Field{Path: "code", Code: fault.Required}))
	case in.Fact == "":
		return h.showBooking(w, r, d, fault.InvalidFields(fault.Field{Path: "fact", Code: fault.Required}))
	case h.Find != nil:
		if wait := h.Find.Take("code " + in.Code); wait > 0 {
			return fault.New(fault.TooManyRequests).After(wait)
		}
	}
	v, err := h.App.CheckIn(r.Context(), by(d), d.HallID, in)
	if err == nil {
		again := h.App.Now().Sub(v.Ticket.IssuedAt) > 5*time.Second
		return h.hand(w, r, d, flow{Ticket: v.Ticket.ID, Proof: doc != nil, Again: again, From: "booking"})
	}
	e := fault.As(err)
	switch e.Kind {
	case fault.Internal, fault.Unavailable, fault.TooMany, fault.SignIn:
		return err
	case fault.Invalid:
		return h.showBooking(w, r, d, e)
	}
	f := flow{From: "booking"}
	if doc != nil && e.Code != fault.DocumentMismatch {
		f.Doc = doc
		if e.Code == fault.BookingNotFound { // a number of the day they took before
			if have, err := h.App.TicketsShown(r.Context(), by(d), d.HallID, doc.Document, doc.Birth); err == nil && len(have) > 0 {
				return h.hand(w, r, d, flow{Ticket: have[0].Ticket.ID, Proof: true, Again: true, From: "booking"})
			}
		}
	}
	return h.refuse(w, r, d, f, e)
}

// hand leads to the page of a ticket.
func (h *Hall) hand(w http.ResponseWriter, r *http.Request, d *app.Device, f flow) error {
	if err := h.setFlow(w, d, f); err != nil {
		return err
	}
	return web.SeeOther(w, r, donePath)
}

// numberForm asks for the document a number of the day is given for (Art. 14).
func (h *Hall) numberForm(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	if h.flowOf(r, d).Doc != nil { // shown before, on the way here
		return web.SeeOther(w, r, choosePath)
	}
	return h.showNumber(w, r, d, nil)
}

func (h *Hall) showNumber(w http.ResponseWriter, r *http.Request, d *app.Device, wrong *fault.Error) error {
	v, err := h.ask(w, r, d, "kiosk.number", numberPath)
	if err != nil {
		return err
	}
	if k := identity.DocumentKind(r.PostForm.Get("kind")); slices.Contains(kinds, k) {
		v.Kind = k
	}
	v.Passing = v.Kind == identity.Passport
	return web.Render(w, r, v.tell(wrong), numberPage(v))
}

// identify takes the document and leads on to what there is to choose from.
func (h *Hall) identify(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	doc := documentOf(r)
	if doc == nil {
		return h.showNumber(w, r, d, fault.InvalidFields(fault.Field{Path: "number", Code: fault.Required}))
	}
	party := booking.Party{Name: doc.Name, Document: doc.Document, Birth: doc.Birth}.Normalised()
	if wrong := party.Check(booking.Other, calendar.DateOf(h.App.Now())); len(wrong) > 0 {
		first := wrong[0]
		for _, f := range wrong { // the document before the name: of one that was read by half both are wrong
			if strings.HasPrefix(f.Path, "applicant.document.") {
				first = f
				break
			}
		}
		first.Path = strings.TrimPrefix(first.Path, "applicant.")
		return h.showNumber(w, r, d, fault.InvalidFields(first))
	}
	if err := h.setFlow(w, d, flow{Doc: doc, Key: "kiosk-" + rand.Text(), From: "number"}); err != nil {
		return err
	}
	return web.SeeOther(w, r, choosePath)
}

type chooseView struct {
	Frame
	Lead    string
	Notice  string // why nothing can be had now
	Held    []heldView
	Lots    []lot
	Queues  bool // what is chosen is a queue, of which the items come next
	Back    string
	Nothing bool
}

type heldView struct{ Number, Item, Index string }

// lot is one thing to choose: a queue, or an item and the queue it is served by.
type lot struct {
	Queue, Item string
	Name, Note  string
	Left        string
	Off         bool
}

// choose shows what numbers of the day can be had now, and how long one waits.
func (h *Hall) choose(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	f := h.flowOf(r, d)
	if f.Doc == nil {
		return web.SeeOther(w, r, numberPath)
	}
	l, now := web.LocaleOf(r), h.App.Now()
	v := chooseView{Frame: h.frame(r, d, l.T("kiosk.choose"))}
	if f.Key == "" {
		f.Key = "kiosk-" + rand.Text()
	}
	if err := h.setFlow(w, d, f); err != nil { // whoever chooses is still here
		return err
	}
	have, err := h.App.TicketsShown(r.Context(), by(d), d.HallID, f.Doc.Document, f.Doc.Birth)
	if err != nil {
		return err
	}
	for i, t := range have {
		one := heldView{Number: t.Ticket.Number, Index: strconv.Itoa(i)}
		if t.Item != nil {
			one.Item = l.Text(t.Item.Name)
		}
		v.Held = append(v.Held, one)
	}
	left, err := h.App.OnSiteLeft(r.Context(), d.HallID)
	if err != nil {
		return err
	}
	left = slices.DeleteFunc(left, func(q app.OnSiteView) bool { return !d.Settings.Shows(q.Queue.ID) || len(q.Items) == 0 })
	floor, err := h.App.FloorView(r.Context(), d.HallID)
	if err != nil {
		return err
	}
	v.Notice = h.notNow(l, left, floor, now)
	chosen := r.URL.Query().Get("queue")
	at := slices.IndexFunc(left, func(q app.OnSiteView) bool { return q.Queue.ID == chosen })
	if len(left) == 1 {
		at = 0
	}
	for i, q := range left {
		if at >= 0 && i != at {
			continue
		}
		state, off := leftOf(l, q, now)
		off = off || v.Notice != ""
		note := waitNote(l, floor, q.Queue.ID)
		if at < 0 {
			v.Queues = true
			v.Lots = append(v.Lots, lot{Queue: q.Queue.ID, Name: l.Text(q.Queue.Name), Note: note, Left: state, Off: off})
			continue
		}
		v.Lead = strings.Trim(l.Text(q.Queue.Name)+" · "+state+" · "+note, " ·")
		if len(left) > 1 {
			v.Back = choosePath
		}
		for _, it := range q.Items {
			v.Lots = append(v.Lots, lot{Queue: q.Queue.ID, Item: it.Code, Name: l.Text(it.Name), Off: off})
		}
	}
	v.Nothing = len(v.Lots) == 0 || !slices.ContainsFunc(v.Lots, func(x lot) bool { return !x.Off })
	return web.Render(w, r, http.StatusOK, choosePage(v))
}

// notNow says why no number of the day can be had at all, "" where some may.
func (h *Hall) notNow(l web.Locale, left []app.OnSiteView, floor app.FloorView, now time.Time) string {
	switch open := slices.ContainsFunc(left, func(q app.OnSiteView) bool { return q.Open }); {
	case floor.Sealed:
		return l.Sentence(fault.New(fault.DaySealed))
	case !open:
		return l.Sentence(fault.New(fault.NotOpenToday))
	case now.Before(left[0].From):
		return l.Sentence(fault.New(fault.OnSiteNotYet, "at", left[0].From.Format(time.RFC3339)))
	}
	return ""
}

// leftOf says what is left of a queue's numbers, and whether that is nothing.
func leftOf(l web.Locale, q app.OnSiteView, now time.Time) (text string, none bool) {
	switch n := q.Left + q.Unsold; {
	case !q.Open:
		return l.T("kiosk.shut"), true
	case now.Before(q.From):
		return l.T("kiosk.left_from", "at", web.Clock(q.From), "n", strconv.Itoa(q.Left)), true
	case n <= 0:
		return l.T("kiosk.left_none"), true
	default:
		return l.T("kiosk.left", "n", strconv.Itoa(n)), false
	}
}

func waitNote(l web.Locale, f app.FloorView, queue string) string {
	for _, q := range f.Queues {
		if q.Queue.ID == queue {
			note := l.N("kiosk.waiting", q.Waiting)
			if s := waitText(l, q.Wait); s != "" {
				note += " · " + s
			}
			return note
		}
	}
	return ""
}

// waitText says a range of waiting in minutes, "" where nothing can be told.
func waitText(l web.Locale, w app.Range) string {
	if !w.Known {
		return ""
	}
	early, late := int(w.Early/time.Minute), int((w.Late+time.Minute-1)/time.Minute)
	if late <= 1 {
		return l.T("kiosk.wait_none")
	}
	if early == late {
		return l.T("kiosk.wait_about", "n", strconv.Itoa(late))
	}
	return l.T("kiosk.wait", "from", strconv.Itoa(early), "to", strconv.Itoa(late))
}

// take gives the number. Sent twice it is one.
func (h *Hall) take(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	f := h.flowOf(r, d)
	if f.Doc == nil || f.Key == "" {
		if f.Ticket != "" { // given already: a form sent again
			return web.SeeOther(w, r, donePath)
		}
		return web.SeeOther(w, r, numberPath)
	}
	item, queue := r.PostForm.Get("item"), r.PostForm.Get("queue")
	if item == "" {
		return web.SeeOther(w, r, choosePath+"?"+url.Values{"queue": {queue}}.Encode())
	}
	if !d.Settings.Shows(queue) {
		return fault.New(fault.QueueNotFound)
	}
	v, err := h.App.TakeNumber(r.Context(), by(d), d.HallID, app.OnSite{
		Key: f.Key, Item: item, Queue: queue, Name: f.Doc.Name, Document: f.Doc.Document, Birth: f.Doc.Birth,
	})
	if err == nil {
		return h.hand(w, r, d, flow{Ticket: v.Ticket.ID, Proof: true, From: "number"})
	}
	e := fault.As(err)
	switch e.Kind {
	case fault.Internal, fault.Unavailable, fault.TooMany, fault.SignIn, fault.Invalid:
		return err
	}
	f.From = "number"
	return h.refuse(w, r, d, f, e)
}

// show leads to one of the numbers the holder of the document has already.
func (h *Hall) show(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	f := h.flowOf(r, d)
	if f.Doc == nil {
		return web.SeeOther(w, r, kioskPath)
	}
	have, err := h.App.TicketsShown(r.Context(), by(d), d.HallID, f.Doc.Document, f.Doc.Birth)
	if err != nil {
		return err
	}
	i, err := strconv.Atoi(r.PostForm.Get("index"))
	if err != nil || i < 0 || i >= len(have) {
		return fault.New(fault.TicketNotFound)
	}
	return h.hand(w, r, d, flow{Ticket: have[i].Ticket.ID, Proof: true, Again: true, From: "number"})
}

type doneView struct {
	Frame
	Ticket  app.TicketView
	Facts   [][2]string
	URL     string
	Again   bool
	Paper   counter.Printer
	Auto    bool // put on paper at once
	MayMore bool // may be put on paper (again)
}

// done shows the number. A look at it prints nothing: the script does, once.
func (h *Hall) done(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	f := h.flowOf(r, d)
	if f.Ticket == "" {
		return web.SeeOther(w, r, kioskPath)
	}
	t, err := h.App.Ticket(r.Context(), f.Ticket)
	if err != nil {
		return err
	}
	p, err := h.App.TicketPrints(r.Context(), d.HallID, f.Ticket)
	if err != nil {
		return err
	}
	l := web.LocaleOf(r)
	v := doneView{Frame: h.frame(r, d, l.T("kiosk.done")), Ticket: t, URL: h.Public + "/ticket/" + t.Ticket.ID, Again: f.Again, Paper: d.Settings.Printer, Facts: h.facts(l, t)}
	if err := h.bridge(w, &v.Frame); err != nil {
		return err
	}
	v.Auto = p.Times == 0 && v.Paper != counter.NoPrinter
	v.MayMore = v.Paper != counter.NoPrinter && (f.Proof || p.Times == 0 || p.Last == app.NoPaper || p.Last == app.PrintFailed)
	return web.Render(w, r, http.StatusOK, donePage(v))
}

// facts are what stands beside a number, on the screen and on paper.
func (h *Hall) facts(l web.Locale, t app.TicketView) (out [][2]string) {
	if t.Item != nil {
		out = append(out, [2]string{l.T("kiosk.item"), l.Text(t.Item.Name)})
	}
	if t.Ticket.Kind == counter.Booked && t.Ticket.Hour >= 0 {
		out = append(out, [2]string{l.T("kiosk.slot"), l.Slot(t.Ticket.Date, t.Ticket.Hour)})
	}
	if t.Ticket.Units > 1 {
		out = append(out, [2]string{l.T("kiosk.units"), strconv.Itoa(t.Ticket.Units)})
	}
	if t.Ahead >= 0 {
		out = append(out, [2]string{l.T("kiosk.ahead"), l.N("kiosk.people", t.Ahead)})
	}
	if s := waitText(l, t.Wait); s != "" {
		out = append(out, [2]string{l.T("kiosk.waiting_time"), s})
	}
	if t.CounterLabel != "" && t.Ticket.State == counter.Called {
		out = append(out, [2]string{l.T("kiosk.called_to"), t.CounterLabel})
	}
	if t.Name != "" {
		out = append(out, [2]string{l.T("kiosk.name"), t.Name})
	}
	return append(out, [2]string{l.T("kiosk.issued"), l.When(t.Ticket.IssuedAt)})
}

// print counts one more print of the number on the screen and answers with what the printer is sent.
func (h *Hall) print(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	f := h.flowOf(r, d)
	if f.Ticket == "" {
		return fault.New(fault.TicketNotFound)
	}
	n, t, err := h.App.PrintTicket(r.Context(), by(d), d.HallID, f.Ticket, f.Proof)
	if err != nil {
		return err
	}
	l := web.LocaleOf(r)
	rc := receipt{Number: t.Ticket.Number, Lines: h.facts(l, t), QR: h.Public + "/ticket/" + t.Ticket.ID, QRLabel: l.T("kiosk.qr"), Foot: []string{l.T("kiosk.paper_foot")}}
	if t.Hall != nil {
		rc.Hall = l.Text(t.Hall.Name)
	}
	if t.Queue != nil {
		rc.Queue = l.Text(t.Queue.Name)
	}
	if n > 1 {
		rc.Copy = l.T("kiosk.copy", "n", strconv.Itoa(n))
	}
	return answer(w, map[string]any{"n": n, "job": t.Ticket.ID + "-" + strconv.Itoa(n), "data": base64.StdEncoding.EncodeToString(escpos(rc))})
}

// printed is told what came of a print.
func (h *Hall) printed(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	f := h.flowOf(r, d)
	n, err := strconv.Atoi(r.PostForm.Get("n"))
	if f.Ticket == "" || err != nil {
		return fault.New(fault.TicketNotFound)
	}
	if err := h.App.PrintOutcome(r.Context(), by(d), d.HallID, f.Ticket, n, r.PostForm.Get("outcome")); err != nil {
		return err
	}
	return answer(w, map[string]any{"n": n})
}

func answer(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(v)
}

type refusedView struct {
	Frame
	Sentence string
	Notes    []string
	Actions  []ui.ButtonView
	Code     string
}

// refused says why it could not be done, and what is possible now.
func (h *Hall) refused(w http.ResponseWriter, r *http.Request, d *app.Device) error {
	f := h.flowOf(r, d)
	if f.Code == "" {
		return web.SeeOther(w, r, kioskPath)
	}
	l := web.LocaleOf(r)
	var args []string
	for k, v := range f.Args {
		args = append(args, k, v)
	}
	e := fault.New(f.Code, args...)
	v := refusedView{Frame: h.frame(r, d, l.T("kiosk.refused")), Sentence: l.Sentence(e), Code: string(f.Code)}
	number := ui.ButtonView{Text: l.T("kiosk.take_number"), Href: numberPath}
	again := ui.ButtonView{Text: l.T("kiosk.try_other"), Href: bookingPath}
	note := func(key string) { v.Notes = append(v.Notes, l.T("kiosk.note_"+key)) }
	switch f.Code {
	case fault.TooEarly:
		note("early")
		v.Actions = []ui.ButtonView{number}
	case fault.TooLate:
		note("late")
		v.Actions = []ui.ButtonView{number}
	case fault.OtherDay:
		note("other_day")
		v.Actions = []ui.ButtonView{number}
	case fault.OtherHall:
		note("other_hall")
		v.Actions = []ui.ButtonView{number}
	case fault.DocumentMismatch:
		note("mismatch")
		v.Actions = []ui.ButtonView{again}
	case fault.NotActive:
		if booking.State(f.Args["state"]).Choosing() {
			note("displaced")
		} else {
			note("cancelled")
		}
		v.Actions = []ui.ButtonView{number}
	case fault.BookingNotFound:
		switch {
		case f.From == "scan":
			v.Sentence = l.T("kiosk.scan_other")
		case f.Doc != nil:
			v.Sentence = l.T("kiosk.no_booking")
		}
		note("not_found")
		v.Actions = []ui.ButtonView{again, number}
	case fault.OnSiteNone:
		note("none")
	case fault.OnSiteNotYet:
		note("not_yet")
	case fault.OnSiteOnce:
		note("once")
		v.Actions = []ui.ButtonView{{Text: l.T("kiosk.my_numbers"), Href: choosePath}}
	}
	note("staff")
	for i := range v.Actions {
		if i > 0 {
			v.Actions[i].Kind = ui.Secondary
		}
	}
	return web.Render(w, r, http.StatusOK, refusedPage(v))
}
