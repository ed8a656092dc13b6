package console

import (
	"context"
	"errors"
	"net/http"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// A hall's bookings of some days: the first of them on a page, all of them as a file. Names are masked in both.

const (
	bookingsShown = 50 // on the page
	aheadDays     = 13 // after today, where no days are asked for
	missedDays    = 30 // before today
)

func (c *Console) hallBookingRoutes() {
	at := hallPath("{hall}") + "/bookings"
	c.add(Route{Pattern: "GET " + at, Act: account.Supervise, Hall: "hall"}, c.hallBookings)
	c.fileRoutesOf(Route{Act: account.Export, Hall: "hall"}, at, func(r *http.Request, ad *app.Admin) (listFile, error) {
		return c.bookingFile(r, ad, "bookings", bookingsAsked(r, c.today(), c.today()+aheadDays))
	})
	c.fileRoutesOf(Route{Act: account.Export, Hall: "hall"}, hallPath("{hall}")+"/missed", func(r *http.Request, ad *app.Admin) (listFile, error) {
		q := bookingsAsked(r, c.today()-missedDays, c.today())
		q.Missed = true
		return c.bookingFile(r, ad, "missed", q)
	})
}

func (c *Console) today() calendar.Date { return calendar.DateOf(c.App.Now()) }

// bookingsAsked is what the address says: date, or from and to, or else the days given. What is no date is none.
func bookingsAsked(r *http.Request, from, to calendar.Date) app.HallBookings {
	v := r.URL.Query()
	q := app.HallBookings{Hall: r.PathValue("hall"), From: from, To: to, Missed: v.Get("state") == "missed"}
	day := func(name string) calendar.Date {
		d, _ := calendar.ParseDate(v.Get(name))
		return d
	}
	switch {
	case v.Get("date") != "":
		q.From = day("date")
		q.To = q.From
	case v.Get("from") != "" || v.Get("to") != "":
		q.From, q.To = day("from"), day("to")
	}
	return q
}

type hallBookingsView struct {
	L        web.Locale
	Tabs     []ui.Link
	From, To string
	State    ui.ChoiceView
	Count    string
	Table    Table
}

func (c *Console) hallBookings(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, q := web.LocaleOf(r), bookingsAsked(r, c.today(), c.today()+aheadDays)
	all, err := c.App.CountHallBookings(r.Context(), ad, q)
	if err != nil {
		return err
	}
	f, tabs := c.hallFrame(w, r, ad, q.Hall, l.T("bookings.title"))
	f.Lead = l.T("bookings.lead")
	c.fileActions(&f, r, ad, listOf(r))
	v := hallBookingsView{L: l, Tabs: tabs, From: q.From.String(), To: q.To.String(), Count: l.N("bookings.count", all),
		State: ui.ChoiceView{FieldView: ui.FieldView{ID: "state", Label: l.T("bookings.state")}, Options: []ui.Option{
			{Text: l.T("bookings.all")}, {Value: "missed", Text: l.T("bookings.missed"), Selected: q.Missed},
		}},
		Table: Table{Caption: l.T("bookings.title"), Empty: ui.EmptyView{Title: l.T("bookings.none"), Text: l.T("bookings.none_text")}, Cols: []Col{
			{Text: l.T("bookings.when")}, {Text: l.T("bookings.who")}, {Text: l.T("bookings.what")}, {Text: l.T("bookings.units"), Number: true}, {Text: l.T("bookings.state")},
		}},
	}
	if all > bookingsShown {
		v.Count = l.T("bookings.first", "n", count(bookingsShown), "all", count(all))
	}
	enough := errors.New("enough")
	if err := c.App.EachHallBooking(r.Context(), ad, q, func(b app.BookingView) error {
		if len(v.Table.Rows) == bookingsShown {
			return enough
		}
		v.Table.Rows = append(v.Table.Rows, Row{Cells: []Cell{
			{Text: l.Slot(b.Booking.Date, b.Booking.Hour)}, {Text: orDash(b.Booker.Name), Note: b.Code}, {Text: itemOf(l, b), Note: queueOf(l, b)}, {Text: count(b.Booking.Units)},
			{Tag: ui.Tag{Text: l.T("state." + string(b.Booking.State))}},
		}})
		return nil
	}); err != nil && !errors.Is(err, enough) {
		return err
	}
	return web.Render(w, r, http.StatusOK, hallBookingsPage(f, v))
}

func itemOf(l web.Locale, b app.BookingView) string {
	if b.Item == nil {
		return b.Booking.Item
	}
	return l.Text(b.Item.Name)
}

func queueOf(l web.Locale, b app.BookingView) string {
	if b.Queue == nil {
		return b.Booking.QueueID
	}
	return l.Text(b.Queue.Name)
}

// bookingFile is the bookings of a hall as a file: of the people only the masked name.
func (c *Console) bookingFile(r *http.Request, ad *app.Admin, noun string, q app.HallBookings) (listFile, error) {
	l := web.LocaleOf(r)
	n, err := c.App.CountHallBookings(r.Context(), ad, q)
	if err != nil {
		return listFile{}, err
	}
	return listFile{
		name: "suiyue-" + noun + "-" + q.Hall, noun: noun, hall: q.Hall,
		head:  heads(l, "taken.id", "bookings.date", "bookings.hour", "bookings.queue", "bookings.item", "bookings.stage", "bookings.who", "bookings.units", "bookings.channel", "bookings.state", "bookings.made", "bookings.changed"),
		count: func(context.Context) (int, error) { return n, nil },
		each: func(ctx context.Context, row func(...any) error) error {
			return c.App.EachHallBooking(ctx, ad, q, func(v app.BookingView) error {
				b := v.Booking
				return row(v.Code, b.Date.String(), web.HourRange(b.Hour), queueOf(l, v), itemOf(l, v), l.T("stage."+string(b.Stage)), v.Booker.Name, b.Units, l.T("figure.channel."+string(b.Channel)),
					l.T("state."+string(b.State)), inFile(b.CreatedAt), inFile(b.ChangedAt))
			})
		},
	}, nil
}

// waitAlertFile is the alerts of lines in which more people wait than numbers are released (Art. 16).
func (c *Console) waitAlertFile(r *http.Request, ad *app.Admin) (listFile, error) {
	l := web.LocaleOf(r)
	standing := listOf(r).Value("show", "all") == ""
	return listFile{
		name: "suiyue-waiting-lines", noun: "waiting_lines",
		head:  heads(l, "taken.id", "console.file.id", "anomaly.where", "alert.since", "bookings.waiting", "bookings.most", "bookings.released", "bookings.taken_up", "bookings.taken_up_by", "bookings.told", "bookings.ended"),
		count: func(ctx context.Context) (int, error) { return c.App.CountWaitAlerts(ctx, ad, standing) },
		each: func(ctx context.Context, row func(...any) error) error {
			return walk(func(w *app.Walk) ([]app.WaitAlert, error) { return c.App.WalkWaitAlerts(ctx, ad, standing, w) },
				func(w *app.Walk, one app.WaitAlert) { w.Before = one.ID }, func(one app.WaitAlert) error {
					return row(one.ID, one.HallID, c.whereName(l, one.HallID, one.QueueID), inFile(one.Since), one.Waiting, one.Most, one.Released, inFile(one.AckAt), one.AckBy, inFile(one.ToldAt), inFile(one.EndedAt))
				})
		},
	}, nil
}

// sourceFile is the connected systems with the quality of what each sent, a row for each kind of record.
func (c *Console) sourceFile(r *http.Request, ad *app.Admin) (listFile, error) {
	l := web.LocaleOf(r)
	list, err := c.App.Sources(r.Context(), ad)
	if err != nil {
		return listFile{}, err
	}
	n := 0
	for _, s := range list {
		n += len(s.Kinds)
	}
	return listFile{
		name: "suiyue-connected-systems", noun: "sources",
		head: heads(l, "taken.id", "source.name", "taken.unit_id", "source.unit", "source.kind", "bookings.expected", "bookings.received", "bookings.in_time", "bookings.checked", "bookings.agreed",
			"source.last", "source.silent", "source.ended"),
		count: func(context.Context) (int, error) { return n, nil },
		each: func(_ context.Context, row func(...any) error) error {
			for _, s := range list {
				for _, k := range s.Kinds {
					if err := row(s.ID, s.Name, s.Seat.Unit, c.unitName(l, s.Seat.Unit), l.T("source.kind."+string(k.Kind)), k.Sum.Expected, k.Sum.Received, k.Sum.InTime, k.Sum.Checked, k.Sum.Agreed,
						inFile(s.Last), inFile(s.Silent), inFileDay(s.Ended)); err != nil {
						return err
					}
				}
			}
			return nil
		},
	}, nil
}
