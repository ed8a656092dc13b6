package server

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// The day of a demonstration: people who booked, people who did not, two kiosks and five counters of one
// district hall, from before it opens until it closes. Everything goes the way it goes for real people;
// only who decides to come, and how long they take, is drawn.
const (
	dayPace    = 60 // seconds of the day in one of ours
	dayClerks  = 5
	dayTick    = 200 * time.Millisecond
	dayWalkIns = 3 // an hour and queue
)

// dayLines is which lines the counters of the day serve, counter by counter; and how many people an hour
// the day has for a line.
var (
	dayCounters = [dayClerks][]string{{"general"}, {"general"}, {"social"}, {"social", "general"}, {"household"}}
	dayBooked   = map[string]int{"general": 17, "social": 12, "household": 6}
)

// hallDay is the day as it is played. Its zero value is a hall on an ordinary day.
type hallDay struct {
	s  *Server
	mu sync.Mutex

	stop   context.CancelFunc // of the day being played, nil for none
	ended  chan struct{}
	hall   string
	date   calendar.Date
	coming []*visitor
	clerks []*clerk
	kiosks []*app.Device
	runs   *app.Admin // who runs the hall
	made   int        // devices made for whoever tries the demonstration
	came   []string   // tickets, in the order they were given
	said   string     // the last thing that went wrong, as a code
	chance *rand.Rand
}

// visitor is somebody of the day.
type visitor struct {
	n       int
	booking string // id, "" for a walk-in
	code    string
	item    string
	stage   directory.Stage
	queue   string
	green   bool
	at      time.Time // comes then
	tries   int
}

// clerk is whoever sits at a counter of the day.
type clerk struct {
	counter string
	queues  []string
	by      *app.Admin
	hand    bool      // somebody who tries the demonstration has taken it over
	until   time.Time // busy
	acts    int
	open    bool
}

// dayPerson is one of the people of a day: another one each day.
func dayPerson(d calendar.Date, n int) identity.Person {
	names := []rune("陈李黄张梁林刘吴罗杨周何谢郑邓曾许彭冯唐")
	p := extra(200_000 + int(d)%200*2000 + n)
	p.Name = string(names[n%len(names)]) + "示范"
	return p
}

// begun tells whether a day of the hall was played before, as far as it came.
func (h *hallDay) begun(ctx context.Context, date calendar.Date) (begun bool, err error) {
	err = h.s.db.View(ctx, func(tx *store.Tx) error {
		f, err := tx.Floor(ctx, h.hall, date)
		begun = f != nil
		return err
	})
	return begun, err
}

// begin books the next working day of the hall that was not played full, as far as its five counters can serve, moves the
// clock to half an hour before it opens and lets the day run.
func (h *hallDay) begin(ctx context.Context, pace int) error {
	h.end()
	s := h.s
	cal := s.app.Calendar()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.coming, h.came, h.clerks, h.said = nil, nil, nil, ""
	if err := h.staff(ctx); err != nil {
		return fmt.Errorf("counters of the day: %w", err)
	}
	date := calendar.DateOf(s.clock.Now()) + 1
	for {
		begun, err := h.begun(ctx, date)
		if err != nil {
			return err
		}
		if !begun && cal.IsWorking(date) {
			break
		}
		date++
	}
	h.date, h.chance = date, rand.New(rand.NewPCG(uint64(date), 17))
	if err := h.book(ctx); err != nil {
		return fmt.Errorf("bookings of the day: %w", err)
	}
	h.walkIns()
	slices.SortFunc(h.coming, func(a, b *visitor) int { return a.at.Compare(b.at) })
	s.clock.Set(date.At(8, 28))
	s.clock.SetPace(pace)
	s.runner.Kick()
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.stop, h.ended = cancel, make(chan struct{})
	go h.run(run, h.ended)
	return nil
}

// end stops playing; the clock goes on as fast as the real one.
func (h *hallDay) end() {
	h.mu.Lock()
	stop, ended := h.stop, h.ended
	h.stop = nil
	h.mu.Unlock()
	if stop != nil {
		stop()
		<-ended
		h.s.clock.SetPace(1)
	}
}

// hand gives a counter to whoever tries the demonstration, or back, and tells in which hall it is and whose;
// "" if there is no such counter.
func (h *hallDay) hand(id string, take bool) (hall, who string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.clerks {
		if c.counter == id {
			c.hand = take
			return h.hall, c.by.Account.ID
		}
	}
	return "", ""
}

// staff finds who sits at the counters, and makes the counters and kiosks if this is the first day.
func (h *hallDay) staff(ctx context.Context) error {
	if err := h.counters(ctx); err != nil {
		return err
	}
	return h.machines(ctx, h.runs)
}

// counters finds who sits at the counters, and makes those that are not there.
func (h *hallDay) counters(ctx context.Context) error {
	s := h.s
	accounts, _, err := s.app.DemoAccounts(ctx)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	as := func(who account.Account) *app.Admin {
		return &app.Admin{Account: who, SignedIn: now, Proved: now, Expires: now.Add(48 * time.Hour), Origin: "demonstration"}
	}
	var runs *app.Admin
	var clerks []account.Account
	for _, who := range accounts {
		switch {
		case s.app.City().Unit(who.Unit).Kind != directory.District || !who.Active():
		case who.Rank == account.Clerk:
			clerks = append(clerks, who)
		}
	}
	if len(clerks) < dayClerks {
		return fault.New(fault.AccountNotFound)
	}
	for _, who := range accounts {
		if who.Rank == account.District2 && who.Unit == clerks[0].Unit && who.Active() {
			runs = as(who)
		}
	}
	hall := s.app.City().MainHall(clerks[0].Unit)
	if runs == nil || hall == nil {
		return fault.New(fault.HallNotFound)
	}
	h.hall = hall.ID
	there := map[string]bool{}
	for _, c := range s.app.City().CountersOf(h.hall) {
		there[c.ID] = true
	}
	for i, lines := range dayCounters {
		c := &clerk{counter: strconv.Itoa(i + 1), by: as(clerks[i])}
		served, text := dayQueues(s.app.City(), h.hall, lines), ""
		for _, q := range served {
			if text != "" {
				text += "|"
			}
			text += q.Line
			c.queues = append(c.queues, q.ID)
		}
		if !there[c.counter] {
			if err := s.app.Edit(ctx, runs, app.EditRequest{Noun: directory.CounterNoun, Key: []string{h.hall, c.counter}, New: true, Fields: directory.Fields{
				"label": fmt.Sprintf("%d 号窗口", i+1), "lines": text, "open": "yes",
			}}); err != nil {
				return err
			}
		}
		h.clerks = append(h.clerks, c)
	}
	h.runs = runs
	return nil
}

// dayQueues is which queues of a hall a counter of the day serves.
func dayQueues(city *app.City, hall string, lines []string) (out []*directory.Queue) {
	for _, line := range lines {
		if q := city.Queue(hall + "-" + line); q != nil {
			out = append(out, q)
		}
	}
	if queues := city.QueuesAt(hall); len(out) == 0 && len(queues) > 0 { // a smaller city
		out = queues[:1]
	}
	return out
}

// machines finds the two kiosks of the day, or makes and enrols them.
func (h *hallDay) machines(ctx context.Context, runs *app.Admin) error {
	if len(h.kiosks) > 0 {
		return nil
	}
	for i := range 2 {
		_, code, err := h.s.app.CreateDevice(ctx, runs, h.hall, app.NewDevice{Kind: counter.Kiosk, Name: fmt.Sprintf("演示取号机 %d", i+1), Settings: dayMachine(counter.Kiosk)})
		if err != nil {
			return err
		}
		_, d, err := h.s.app.EnrolDevice(ctx, code, "demonstration")
		if err != nil {
			return err
		}
		h.kiosks = append(h.kiosks, d)
	}
	return nil
}

// dayMachine is how a machine of the day is set: its numbers are printed by the browser.
func dayMachine(k counter.DeviceKind) counter.DeviceSettings {
	settings := counter.NewDeviceSettings(k)
	if k == counter.Kiosk {
		settings.Printer = counter.BrowserPrinter
	}
	return settings
}

// book books the day. Numbers other people of the demonstration hold stay theirs.
func (h *hallDay) book(ctx context.Context) error {
	s := h.s
	keys, err := openKeys(ctx, s.cfg.Data, s.db)
	if err != nil {
		return err
	}
	city := s.app.City()
	var mu sync.Mutex
	var wg sync.WaitGroup
	gate := make(chan struct{}, 64)
	n := 0
	for line, perHour := range dayBooked {
		offers := h.offers(city, h.hall+"-"+line)
		for _, hour := range s.app.Rules(h.date).Hours {
			for i := range perHour {
				if len(offers) == 0 {
					continue
				}
				n++
				o := offers[i%len(offers)]
				v := &visitor{n: n, item: o.ItemCode, stage: o.Stages[0], queue: o.QueueID, at: dayArrival(h.chance, h.date.At(hour, 0))}
				slot := booking.SlotID(o.QueueID, h.date, hour)
				gate <- struct{}{}
				wg.Go(func() {
					defer func() { <-gate }()
					p := dayPerson(h.date, v.n)
					p.Key = identity.Key(keys.Lookup("person", p.Document.Canonical("")))
					receipt, err := s.app.Book(ctx, &identity.Session{Person: p}, app.BookRequest{
						Key: fmt.Sprintf("demo-day-%s-%d", h.date, v.n), Item: v.item, SlotID: slot, Stage: v.stage,
						Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
					})
					mu.Lock()
					defer mu.Unlock()
					if code := fault.CodeOf(err); code == fault.SoldOut {
						return // others of the demonstration have it
					} else if err != nil {
						h.said = string(code)
						return
					}
					v.booking, v.code = receipt.View.Booking.ID, receipt.View.Code
					if !v.at.IsZero() {
						h.coming = append(h.coming, v)
					}
				})
			}
		}
	}
	wg.Wait()
	return nil
}

func (h *hallDay) offers(city *app.City, queue string) (out []*directory.Offering) {
	for _, o := range city.OffersAt(h.hall) {
		if o.QueueID == queue && len(o.Stages) > 0 {
			out = append(out, o)
		}
	}
	return out
}

// dayArrival draws when somebody booked for an hour comes: most a little before it, some early, some late,
// one in twelve not at all (zero).
func dayArrival(chance *rand.Rand, hour time.Time) time.Time {
	switch p := chance.Float64(); {
	case p < .08:
		return time.Time{}
	case p < .12:
		return hour.Add(-time.Duration(31+chance.IntN(20)) * time.Minute)
	case p < .15:
		return hour.Add(time.Duration(61+chance.IntN(20)) * time.Minute)
	}
	return hour.Add(time.Duration(chance.NormFloat64()*float64(12*time.Minute)) + 8*time.Minute)
}

// dayEnd draws what becomes of whoever is at a counter.
func dayEnd(chance *rand.Rand) (counter.ActKind, counter.Result) {
	switch p := chance.Float64(); {
	case p < .03:
		return counter.Pass, ""
	case p < .06:
		return counter.Hold, ""
	case p < .10:
		return counter.Finish, counter.Incomplete
	}
	return counter.Finish, counter.Finished
}

// dayService draws how long a call takes a counter.
func dayService(chance *rand.Rand) time.Duration {
	return time.Minute + time.Duration(chance.ExpFloat64()*float64(3*time.Minute)+float64(2*time.Minute))
}

// walkIns draws who comes without a booking.
func (h *hallDay) walkIns() {
	city := h.s.app.City()
	n := 1500
	for line := range dayBooked {
		offers := h.offers(city, h.hall+"-"+line)
		for _, hour := range h.s.app.Rules(h.date).Hours {
			for i := range dayWalkIns {
				if len(offers) == 0 {
					continue
				}
				n++
				o := offers[h.chance.IntN(len(offers))]
				h.coming = append(h.coming, &visitor{
					n: n, item: o.ItemCode, stage: o.Stages[0], queue: o.QueueID, green: i == 0 && hour%3 == 1,
					at: h.date.At(hour, h.chance.IntN(55)),
				})
			}
		}
	}
}

// run plays until the day is over or it is stopped.
func (h *hallDay) run(ctx context.Context, ended chan struct{}) {
	defer close(ended)
	tick := time.NewTicker(dayTick)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if i%5 == 0 {
			h.s.runner.Kick() // what happens by itself happens by this clock
		}
		now := h.s.clock.Now()
		h.mu.Lock()
		h.visitors(ctx, now)
		for _, c := range h.clerks {
			h.serve(ctx, now, c)
		}
		h.mu.Unlock()
		if now.After(h.date.At(18, 30)) {
			h.s.clock.SetPace(1)
			h.mu.Lock()
			h.stop = nil
			h.mu.Unlock()
			return
		}
	}
}

// visitors lets in whoever comes now.
func (h *hallDay) visitors(ctx context.Context, now time.Time) {
	for len(h.coming) > 0 && !h.coming[0].at.After(now) {
		v := h.coming[0]
		h.coming = h.coming[1:]
		if again := h.arrive(ctx, v, now); !again.IsZero() {
			v.at = again
			i, _ := slices.BinarySearchFunc(h.coming, v, func(a, b *visitor) int { return a.at.Compare(b.at) })
			h.coming = slices.Insert(h.coming, i, v)
		}
	}
}

// arrive brings a visitor to a kiosk, or to the desk for the green channel; whoever is refused for now
// comes again, whoever missed the hour takes a number of the day.
func (h *hallDay) arrive(ctx context.Context, v *visitor, now time.Time) (again time.Time) {
	p := dayPerson(h.date, v.n)
	kiosk := app.By{Device: h.kiosks[v.n%len(h.kiosks)], Channel: app.AtKiosk}
	v.tries++
	var t app.TicketView
	var err error
	key := fmt.Sprintf("demo-walk-%s-%d", h.date, v.n)
	switch {
	case v.code != "":
		t, err = h.s.app.CheckIn(ctx, kiosk, h.hall, app.CheckIn{Code: v.code, Document: &p.Document})
	case v.green:
		t, err = h.s.app.TakeGreen(ctx, app.By{Admin: h.clerks[0].by, Channel: app.AtDesk}, h.hall, app.Green{
			Key: key, Item: v.item, Stage: v.stage, Queue: v.queue, Name: p.Name, Document: p.Document, Phone: p.Phone, Verified: counter.Elderly,
		})
	default:
		t, err = h.s.app.TakeNumber(ctx, kiosk, h.hall, app.OnSite{
			Key: key, Item: v.item, Stage: v.stage, Queue: v.queue, Name: p.Name, Document: p.Document, Phone: p.Phone,
		})
	}
	switch code := fault.CodeOf(err); {
	case err == nil:
		h.came = append(h.came, t.Ticket.ID)
	case v.tries > 4:
	case code == fault.TooEarly:
		return now.Add(10 * time.Minute)
	case code == fault.TooLate || code == fault.NotActive: // the hour is missed: a number of the day (Art. 18)
		v.code = ""
		return now.Add(2 * time.Minute)
	case code == fault.NotOpenToday || code == fault.OnSiteNone: // too late in the day, or none left: goes home
	default:
		h.said = string(code)
	}
	return time.Time{}
}

// serve lets a counter go on: open it, call, set aside, finish, pause over noon, close.
func (h *hallDay) serve(ctx context.Context, now time.Time, c *clerk) {
	if c.hand || now.Before(c.until) {
		return
	}
	a, opens, closes := h.s.app, h.date.At(8, 55), h.date.At(17, 40)
	noon := !now.Before(h.date.At(12, 15)) && now.Before(h.date.At(13, 0))
	due := now // a machine that plays the day late does not make the counters slower
	if late := now.Sub(c.until); late < 5*time.Minute {
		due = c.until
	}
	pause := func(d time.Duration) { c.until = due.Add(d) }
	switch {
	case now.Before(opens) || now.After(closes) && !c.open:
		return
	case !c.open:
		if _, err := a.OpenCounter(ctx, c.by, h.hall, c.counter, c.queues); err != nil {
			h.said = string(fault.CodeOf(err))
			pause(time.Minute)
			return
		}
		c.open = true
	case noon:
		pause(time.Minute)
		return
	}
	v, err := a.CounterView(ctx, c.by, h.hall, c.counter)
	if err != nil {
		h.said = string(fault.CodeOf(err))
		pause(time.Minute)
		return
	}
	act := func(kind counter.ActKind, ticket string, r counter.Result) error {
		c.acts++
		_, err := a.Serve(ctx, c.by, h.hall, c.counter, counter.Act{Kind: kind, Ticket: ticket, Counter: c.counter, Result: r}, fmt.Sprintf("demo-act-%s-%s-%d", h.date, c.counter, c.acts))
		if err != nil && fault.CodeOf(err) != fault.NobodyWaits {
			h.said = string(fault.CodeOf(err))
		}
		return err
	}
	if v.At != nil {
		kind, result := dayEnd(h.chance)
		act(kind, v.At.Ticket.ID, result)
	}
	if now.After(closes) {
		if v.Waiting == 0 {
			if _, err := a.CloseCounter(ctx, c.by, h.hall, c.counter); err == nil {
				c.open = false
			}
			return
		}
	}
	if len(v.Held) > 0 && h.chance.Float64() < .5 {
		act(counter.Return, v.Held[0].Ticket.ID, "")
	} else if len(v.Passed) > 0 && h.chance.Float64() < .3 {
		act(counter.Return, v.Passed[0].Ticket.ID, "")
	}
	if v.Waiting == 0 || act(counter.Call, "", "") != nil {
		pause(time.Minute)
		return
	}
	pause(dayService(h.chance))
}
