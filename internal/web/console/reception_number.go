package console

import (
	"encoding/json"
	"net/http"
	"net/url"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// Numbers of the day, the green channel and bookings for who stands at the desk.

type numberView struct {
	personForm
	Tabs     []ui.Link
	Lead     string
	Left     Table
	Business groupsView
	Instead  *ui.InputView
	Verified *ui.ChoiceView
	Button   string
}

func (c *Console) numberForm(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showNumber(w, r, ad, r.URL.Query(), nil)
}

func (c *Console) showNumber(w http.ResponseWriter, r *http.Request, ad *app.Admin, typed url.Values, wrong error) error {
	hall, l := r.PathValue("hall"), web.LocaleOf(r)
	f, tabs := c.serveFrame(w, r, ad, l.T("desk.number"))
	c.reader(w, r, &f)
	v := numberView{Tabs: tabs, Button: l.T("desk.give"), Lead: l.T("desk.number_lead")}
	v.personForm = personOf(c.formView(&f, deskPath(hall)+"/number", wrong, personLabels(l, "item", l.T("pass.item"), "instead", l.T("desk.instead"), "units", l.T("citizen.who.units"))), typed)
	v.Business = groupsView{v.field("item", ""), c.businesses(l, hall, businessOf(typed.Get("item")), nil)}
	v.Instead = &ui.InputView{FieldView: v.field("instead", l.T("desk.instead_hint")), Value: typed.Get("instead"), Width: 10, Attrs: plainText}
	left, err := c.App.OnSiteLeft(r.Context(), hall)
	if err != nil {
		return err
	}
	v.Left = Table{Caption: l.T("desk.left"), Cols: []Col{{Text: l.T("console.hall.queue")}, {Text: l.T("desk.left_on_site"), Number: true}, {Text: l.T("serve.unsold"), Number: true}, {Text: l.T("desk.given_from")}},
		Empty: ui.EmptyView{Title: l.T("console.hall.no_queues")}}
	for _, q := range left {
		row := Row{Cells: []Cell{{Text: l.Text(q.Queue.Name)}, {Text: count(q.Left)}, {Text: count(q.Unsold)}, {Text: web.Clock(q.From)}}}
		if !q.Open {
			row.Cells[0].Tag = ui.Tag{Text: l.T("desk.over"), Kind: ui.TagAmber}
		}
		v.Left.Rows = append(v.Left.Rows, row)
	}
	return web.Render(w, r, v.status(), numberPage(f, v))
}

// given is what the script of a counter's page is told of a number it asked for.
type given struct {
	Number string `json:"number"`
	Ticket string `json:"ticket"` // address, to print it
	Text   string `json:"text"`
}

// takeNumber gives a walk-in a number (Art. 14).
func (c *Console) takeNumber(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	hall, p := r.PathValue("hall"), r.PostForm
	b := businessOf(p.Get("item"))
	doc, birth := documentOf(p)
	t, err := c.App.TakeNumber(r.Context(), app.By{Admin: ad, Channel: app.AtDesk}, hall, app.OnSite{
		Key: p.Get("key"), Item: b.item, Queue: b.queue, Name: p.Get("name"), Document: doc, Birth: birth, Phone: p.Get("phone"), Instead: p.Get("instead"),
	})
	switch {
	case err == nil && web.WantsJSON(r):
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		// An error here is the reader gone away.
		_ = json.NewEncoder(w).Encode(given{t.Ticket.Number, deskPath(hall) + "/tickets/" + t.Ticket.ID, web.LocaleOf(r).T("desk.given", "number", t.Ticket.Number)})
		return nil
	case err == nil:
		return web.SeeOther(w, r, deskPath(hall)+"/tickets/"+t.Ticket.ID+"?new=1")
	case web.WantsJSON(r):
		return err
	}
	if comes, ok := formFault(err); ok {
		return c.showNumber(w, r, ad, p, comes)
	}
	return err
}

// formFault is an error as a form of the desk tells it: of an item or booking that is not there as a field's.
func formFault(err error) (error, bool) {
	f := fault.As(err)
	switch f.Code {
	case fault.ItemNotFound, fault.NotOffered:
		return fault.InvalidFields(fault.Field{Path: "item", Code: fault.NotOneOf}), true
	case fault.BookingNotFound, fault.NotMissed, fault.RebookOther, fault.RebookLate:
		return fault.InvalidFields(fault.Field{Path: "instead", Code: f.Code}), true
	}
	return err, comesBack(err) || f.Kind == fault.NotFound && f.Code != fault.HallNotFound || f.Kind == fault.Forbidden && f.Code != fault.NotAllowed
}

func (c *Console) greenForm(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showGreen(w, r, ad, r.URL.Query(), nil)
}

func (c *Console) showGreen(w http.ResponseWriter, r *http.Request, ad *app.Admin, typed url.Values, wrong error) error {
	hall, l := r.PathValue("hall"), web.LocaleOf(r)
	f, tabs := c.serveFrame(w, r, ad, l.T("desk.green"))
	c.reader(w, r, &f)
	v := numberView{Tabs: tabs, Button: l.T("desk.give"), Lead: l.T("desk.green_lead")}
	v.personForm = personOf(c.formView(&f, deskPath(hall)+"/green", wrong, personLabels(l, "item", l.T("pass.item"), "verified", l.T("desk.verified"))), typed)
	v.Business = groupsView{v.field("item", ""), c.businesses(l, hall, businessOf(typed.Get("item")), nil)}
	choice := ui.ChoiceView{FieldView: v.field("verified", l.T("desk.verified_hint"))}
	for _, e := range counter.Entitlements {
		choice.Options = append(choice.Options, ui.Option{Value: string(e), Text: l.T("desk.entitled." + string(e)), Selected: typed.Get("verified") == string(e)})
	}
	v.Verified = &choice
	return web.Render(w, r, v.status(), numberPage(f, v))
}

// takeGreen gives a number of the green channel: what entitles the person was shown, and is not kept.
func (c *Console) takeGreen(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	hall, p := r.PathValue("hall"), r.PostForm
	b := businessOf(p.Get("item"))
	doc, birth := documentOf(p)
	t, err := c.App.TakeGreen(r.Context(), app.By{Admin: ad, Channel: app.AtDesk}, hall, app.Green{
		Key: p.Get("key"), Item: b.item, Queue: b.queue, Name: p.Get("name"), Document: doc, Birth: birth, Phone: p.Get("phone"), Verified: counter.Entitlement(p.Get("verified")),
	})
	if err == nil {
		return web.SeeOther(w, r, deskPath(hall)+"/tickets/"+t.Ticket.ID+"?new=1")
	}
	if comes, ok := formFault(err); ok {
		return c.showGreen(w, r, ad, p, comes)
	}
	return err
}

type deskBookView struct {
	personForm
	Tabs     []ui.Link
	Business groupsView
	Find     string // address of this page, to choose another item
	Chosen   string // the item, in words; "" before it is chosen
	Item     string
	Stage    ui.ChoiceView
	Days     []deskDay
	Slot     ui.FieldView
	Done     *ui.NoticeView
}

// deskDay is one day with the hours that are free.
type deskDay struct {
	Name  string
	Open  bool
	Hours []ui.Option
}

// daysShown is how many days of free hours the desk offers at once.
const daysShown = 10

func (c *Console) deskBookForm(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showDeskBook(w, r, ad, r.URL.Query(), nil)
}

func (c *Console) showDeskBook(w http.ResponseWriter, r *http.Request, ad *app.Admin, typed url.Values, wrong error) error {
	hall, l := r.PathValue("hall"), web.LocaleOf(r)
	f, tabs := c.serveFrame(w, r, ad, l.T("desk.book"))
	f.Lead = l.T("desk.book_lead")
	v := deskBookView{Tabs: tabs, Find: deskPath(hall) + "/book"}
	v.personForm = personOf(c.formView(&f, deskPath(hall)+"/book", wrong, personLabels(l, "item", l.T("pass.item"), "slot", l.T("pass.when"), "stage", l.T("desk.stage"))), typed)
	b := businessOf(typed.Get("item"))
	v.Business = groupsView{v.field("item", ""), c.businesses(l, hall, b, nil)}
	if code := typed.Get("done"); code != "" && wrong == nil {
		v.Done = &ui.NoticeView{L: l, Kind: ui.NoticeSuccess, Title: l.T("desk.booked", "code", code), Text: l.T("desk.booked_text"), Live: true}
	}
	o := c.App.City().Offer(b.item, b.queue)
	it := c.App.City().Item(b.item)
	if o == nil || it == nil || o.HallID != hall {
		return web.Render(w, r, v.status(), deskBookPage(f, v))
	}
	c.reader(w, r, &f)
	v.Chosen, v.Item = l.Text(it.Name), typed.Get("item")
	v.Stage = ui.ChoiceView{FieldView: v.field("stage", "")}
	for i, s := range o.Stages {
		v.Stage.Options = append(v.Stage.Options, ui.Option{Value: string(s), Text: l.T("stage." + string(s)), Selected: typed.Get("stage") == string(s) || typed.Get("stage") == "" && (s == directory.Acceptance || i == 0 && !o.Stages.Has(directory.Acceptance))})
	}
	v.Slot = v.field("slot", "")
	v.Days = c.freeDays(l, b.queue, typed.Get("slot"))
	return web.Render(w, r, v.status(), deskBookPage(f, v))
}

// freeDays lists the days with free hours of a queue, the first one open and its first hour chosen.
func (c *Console) freeDays(l web.Locale, queue, chosen string) (out []deskDay) {
	today := calendar.DateOf(c.App.Now())
	for _, d := range c.App.Days(queue, 2*daysShown) {
		day := deskDay{Name: l.NearDate(d.Date, today)}
		for _, s := range d.Slots {
			if s.State == app.SlotFree {
				day.Hours = append(day.Hours, ui.Option{Value: s.ID, Text: web.HourRange(s.Hour), Hint: l.N("desk.free", s.Free), Selected: s.ID == chosen || chosen == "" && len(out) == 0 && len(day.Hours) == 0})
				day.Open = day.Open || s.ID == chosen
			}
		}
		if len(day.Hours) > 0 && len(out) < daysShown {
			day.Open = day.Open || chosen == "" && len(out) == 0
			out = append(out, day)
		}
	}
	return out
}

// deskBook books for somebody by the document they show.
func (c *Console) deskBook(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	hall, p := r.PathValue("hall"), r.PostForm
	b := businessOf(p.Get("item"))
	doc, birth := documentOf(p)
	got, err := c.App.BookAtDesk(r.Context(), ad, hall, app.DeskBooking{
		Key: p.Get("key"), Item: b.item, SlotID: p.Get("slot"), Stage: directory.Stage(p.Get("stage")), Name: p.Get("name"), Document: doc, Birth: birth, Phone: p.Get("phone"),
	})
	if err == nil && got.Entry != nil { // they are told by a message what came of it
		return web.SeeOther(w, r, "/draws/"+got.Entry.Draw)
	}
	if err == nil {
		return web.SeeOther(w, r, address(deskPath(hall)+"/book", "done", got.View.Code))
	}
	if fault.CodeOf(err) == fault.SlotNotFound {
		err = fault.InvalidFields(fault.Field{Path: "slot", Code: fault.Required})
	}
	if comes, ok := formFault(err); ok {
		return c.showDeskBook(w, r, ad, p, comes)
	}
	return err
}
