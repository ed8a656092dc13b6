package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// The desk at the entrance: who arrives is found and checked in, numbers of the day are given, people are
// booked for who stand there.

const deskRoute = Prefix + "/halls/{hall}/desk"

func deskPath(hall string) string { return hallPath(hall) + "/desk" }

func (c *Console) deskRoutes() {
	at := func(method, path string, h handler) {
		c.add(Route{Pattern: method + " " + deskRoute + path, Act: account.Serve, Hall: "hall"}, h)
	}
	at("GET", "", c.arrivals)
	at("POST", "/check-in", c.checkIn)
	at("GET", "/number", c.numberForm)
	at("POST", "/number", c.takeNumber)
	at("GET", "/green", c.greenForm)
	at("POST", "/green", c.takeGreen)
	at("GET", "/book", c.deskBookForm)
	at("POST", "/book", c.deskBook)
	at("GET", "/tickets/{ticket}", c.ticket)
	at("POST", "/tickets/{ticket}/print", c.printTicket)
}

type arrivalsView struct {
	L       web.Locale
	Token   string
	Tabs    []ui.Link
	Action  string
	Query   string
	Refused *ui.NoticeView
	List    Table
}

// arrivals finds who has come: by name, last four, code or a scan of it.
func (c *Console) arrivals(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showArrivals(w, r, ad, r.URL.Query().Get("q"), nil)
}

func (c *Console) showArrivals(w http.ResponseWriter, r *http.Request, ad *app.Admin, q string, refused *fault.Error) error {
	hall := r.PathValue("hall")
	q = scanned(q)
	list, err := c.App.TodaysBookings(r.Context(), ad, hall, q)
	if err != nil {
		return err
	}
	l := web.LocaleOf(r)
	f, tabs := c.serveFrame(w, r, ad, l.T("desk.arrivals"))
	c.reader(w, r, &f)
	for i := range tabs {
		tabs[i].Current = tabs[i].Href == deskPath(hall)
	}
	v := arrivalsView{L: l, Token: f.Token, Tabs: tabs, Action: deskPath(hall), Query: q}
	status := http.StatusOK
	if refused != nil {
		n := refusal(l, refused)
		if refused.Code == fault.DocumentMismatch {
			n.Kind, n.Text = ui.NoticeUrgent, l.T("desk.recorded")
		}
		v.Refused, f.Error, status = &n, true, web.Status(refused)
	}
	v.List = Table{Caption: l.T("desk.arrivals"), Cols: []Col{{Text: l.T("desk.who")}, {Text: l.T("serve.hour")}, {Text: l.T("pass.item")}, {Text: l.T("desk.state")}, {Text: l.T("account.action")}},
		Empty: ui.EmptyView{Title: l.T("desk.nobody"), Text: l.T("desk.nobody_hint")}}
	for _, a := range list {
		if q == "" && !a.CanNow { // of themselves only those who may come now; the rest is found by asking
			continue
		}
		v.List.Rows = append(v.List.Rows, c.arrivalRow(l, f.Token, hall, q, a))
	}
	return web.Render(w, r, status, arrivalsPage(f, v))
}

// scanned reads what a scanner types: a code, or the address of a pass.
func scanned(q string) string {
	if u, err := url.Parse(strings.TrimSpace(q)); err == nil && strings.Contains(u.Path, "/pass/") {
		_, q, _ = strings.Cut(u.Path, "/pass/")
	}
	if len(q) > 100 {
		q = ""
	}
	return strings.TrimSpace(strings.ToValidUTF8(q, ""))
}

func (c *Console) arrivalRow(l web.Locale, token, hall, q string, a app.ArrivalView) Row {
	who := Cell{Text: a.Booker.Name, Note: strings.TrimSpace(a.Booker.Number + " " + a.Booker.Phone)}
	if a.For.Kind != booking.Self {
		who.Note = l.T("desk.for", "name", a.For.Name) + " · " + who.Note
	}
	what := Cell{Text: l.T("stage." + string(a.Stage))}
	if a.Item != nil {
		what = Cell{Text: l.Text(a.Item.Name), Note: l.T("stage." + string(a.Stage))}
	}
	row := Row{Cells: []Cell{who, {Text: web.HourRange(a.Hour)}, what, {}, {}}}
	switch {
	case a.Number != "":
		row.Cells[3] = Cell{Text: a.Number, Tag: ui.Tag{Text: l.T("state." + string(a.State)), Kind: ui.TagGreen}}
		row.Cells[4] = Cell{Text: l.T("desk.ticket"), Href: deskPath(hall) + "/tickets/" + a.Ticket}
	case a.CanNow:
		row.Current = true
		row.Cells[3] = Cell{Tag: ui.Tag{Text: l.T("desk.expected"), Kind: ui.TagRiver}}
		row.Cells[4] = Cell{Part: compareForm(compareView{l, token, deskPath(hall) + "/check-in", a.Booking, a.Booker.Name, q})}
	case a.State == booking.Booked && c.App.Now().Before(a.From):
		row.Cells[3] = Cell{Tag: ui.Tag{Text: l.T("desk.too_early")}, Note: l.T("desk.from", "time", web.Clock(a.From))}
	default:
		row.Cells[3] = Cell{Tag: ui.Tag{Text: l.T("state." + string(a.State))}}
		if a.State == booking.Booked {
			row.Cells[3].Tag = ui.Tag{Text: l.T("desk.too_late"), Kind: ui.TagAmber}
		}
		row.Cells[4] = Cell{Text: l.T("desk.take_number"), Href: deskPath(hall) + "/number"}
	}
	return row
}

type compareView struct {
	L                             web.Locale
	Token, Action, ID, Name, Back string
}

// checkIn takes what the comparison of the document shown came to (Art. 12).
func (c *Console) checkIn(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	hall, p := r.PathValue("hall"), r.PostForm
	t, err := c.App.CheckIn(r.Context(), app.By{Admin: ad, Channel: app.AtDesk}, hall, app.CheckIn{Booking: p.Get("booking"), Compared: app.Compared(p.Get("compared"))})
	if err == nil {
		return web.SeeOther(w, r, deskPath(hall)+"/tickets/"+t.Ticket.ID+"?new=1")
	}
	if comesBack(err) || fault.As(err).Kind == fault.Forbidden && fault.As(err).Code != fault.NotAllowed {
		return c.showArrivals(w, r, ad, p.Get("q"), fault.As(err))
	}
	return err
}

type ticketView struct {
	L       web.Locale
	Tabs    []ui.Link
	Number  string
	New     bool
	Facts   []Fact
	Hall    string
	Item    string
	Queue   string
	At      string
	Wait    string
	URL     string
	Token   string
	Print   string // address that counts a print, "" when the number is over
	Now     bool   // the page is printed as it opens
	Again   string // what the paper says from the second print on
	Refused *ui.NoticeView
	Next    ui.ButtonView
}

// ticket shows a number, to be printed.
func (c *Console) ticket(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showTicket(w, r, ad, nil)
}

// printTicket counts a print and lets the browser do it.
func (c *Console) printTicket(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	hall, id := r.PathValue("hall"), r.PathValue("ticket")
	n, _, err := c.App.PrintTicket(r.Context(), app.By{Admin: ad, Channel: app.AtDesk}, hall, id, false)
	if err == nil {
		return web.SeeOther(w, r, address(deskPath(hall)+"/tickets/"+id, "print", strconv.Itoa(n)))
	}
	if comesBack(err) {
		return c.showTicket(w, r, ad, fault.As(err))
	}
	return err
}

func (c *Console) showTicket(w http.ResponseWriter, r *http.Request, ad *app.Admin, refused *fault.Error) error {
	hall := r.PathValue("hall")
	t, err := c.App.Ticket(r.Context(), r.PathValue("ticket"))
	if err != nil {
		return err
	}
	if t.Ticket.HallID != hall {
		return fault.New(fault.TicketNotFound)
	}
	l := web.LocaleOf(r)
	prints, err := c.App.TicketPrints(r.Context(), hall, t.Ticket.ID)
	if err != nil {
		return err
	}
	f, tabs := c.serveFrame(w, r, ad, l.T("desk.ticket_n", "number", t.Ticket.Number))
	at := c.who(l, t, c.App.Now())
	v := ticketView{L: l, Tabs: tabs, Number: t.Ticket.Number, New: r.URL.Query().Get("new") != "", Item: at.What, At: l.When(t.Ticket.IssuedAt), URL: c.Public + "/ticket/" + t.Ticket.ID}
	if t.Hall != nil {
		v.Hall = l.Text(t.Hall.Name)
	}
	if t.Queue != nil {
		v.Queue = l.Text(t.Queue.Name)
	}
	state := l.T("serve.ticket." + string(t.Ticket.State))
	if t.CounterLabel != "" {
		state += " · " + counterName(l, t.CounterLabel)
	}
	v.Facts = []Fact{{Key: l.T("desk.state"), Value: state}, {Key: l.T("desk.who"), Value: at.Name, Note: at.Kind.Text}, {Key: l.T("pass.item"), Value: at.What}, {Key: l.T("console.hall.queue"), Value: v.Queue}}
	if t.Ahead >= 0 {
		v.Facts = append(v.Facts, Fact{Key: l.T("desk.ahead"), Value: count(t.Ahead)})
		v.Wait = l.N("desk.ahead_n", t.Ahead)
	}
	if t.Wait.Known {
		wait := l.T("desk.wait", "early", strconv.Itoa(int(t.Wait.Early.Minutes())), "late", strconv.Itoa(int(t.Wait.Late.Minutes())+1))
		v.Facts = append(v.Facts, Fact{Key: l.T("desk.waits"), Value: wait})
		v.Wait += " · " + wait
	}
	v.Facts = append(v.Facts, Fact{Key: l.T("desk.printed"), Value: l.N("desk.printed_n", prints.Times)})
	if prints.Times > 1 {
		v.Again = l.T("desk.print_again", "n", count(prints.Times))
	}
	v.Token, v.Next = f.Token, ui.ButtonView{Text: l.T("desk.next_person"), Href: deskPath(hall), Kind: ui.Secondary}
	if !t.Ticket.State.Over() {
		v.Print = deskPath(hall) + "/tickets/" + t.Ticket.ID + "/print"
		v.Now = r.Method == http.MethodGet && prints.Times > 0 && r.URL.Query().Get("print") == strconv.Itoa(prints.Times)
	}
	status := http.StatusOK
	if refused != nil {
		n := refusal(l, refused)
		v.Refused, f.Error, status = &n, true, web.Status(refused)
	}
	return web.Render(w, r, status, ticketPage(f, v))
}

// personForm asks who somebody is by the document they show.
type personForm struct {
	formView
	Key         string
	Name        ui.InputView
	Number      ui.InputView
	Kind        ui.ChoiceView
	Nationality ui.ChoiceView
	Birth       ui.InputView
	Phone       ui.InputView
}

var documentKinds = []identity.DocumentKind{identity.ResidentID, identity.HKMacauPermit, identity.TaiwanPermit, identity.ForeignPermanent, identity.Passport}

// printAttrs make a button print the page.
var printAttrs = templ.Attributes{"type": "button", "data-print": true}

// plainText keeps a browser from changing or remembering a number somebody types.
var plainText = templ.Attributes{"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}

func personLabels(l web.Locale, more ...string) map[string]string {
	out := map[string]string{
		"name": l.T("citizen.person.name"), "document.kind": l.T("citizen.person.kind"), "document.number": l.T("citizen.person.number"),
		"document.nationality": l.T("citizen.person.nationality"), "birth": l.T("citizen.person.birth"), "phone": l.T("citizen.person.phone"),
	}
	for i := 0; i+1 < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

// personOf fills in what was typed; the fields are named as those who refuse them name them.
func personOf(v formView, typed url.Values) personForm {
	l := v.L
	field := func(path, hint string) ui.FieldView {
		f := v.field(path, hint)
		f.Name = path
		return f
	}
	p := personForm{formView: v, Key: typed.Get("key")}
	if p.Key == "" || v.Err != nil && v.Err.Code == fault.KeyReused {
		p.Key = newKey()
	}
	p.Name = ui.InputView{FieldView: field("name", ""), Value: typed.Get("name"), Autocomplete: "off", Width: 20}
	p.Number = ui.InputView{FieldView: field("document.number", l.T("desk.number_hint")), Value: typed.Get("document.number"), Width: 20, Attrs: plainText}
	p.Kind = ui.ChoiceView{FieldView: field("document.kind", "")}
	kind := identity.DocumentKind(typed.Get("document.kind"))
	if kind == "" {
		kind = identity.ResidentID
	}
	for _, k := range documentKinds {
		p.Kind.Options = append(p.Kind.Options, ui.Option{Value: string(k), Text: l.T("citizen.document." + string(k)), Selected: k == kind})
	}
	p.Nationality = ui.ChoiceView{FieldView: field("document.nationality", ""), Options: []ui.Option{{Text: l.T("form.choose")}}}
	for _, n := range identity.Nationalities() {
		p.Nationality.Options = append(p.Nationality.Options, ui.Option{Value: n.Code, Text: n.En + " " + n.Hans, Selected: n.Code == typed.Get("document.nationality")})
	}
	slices.SortFunc(p.Nationality.Options[1:], func(a, b ui.Option) int { return strings.Compare(a.Text, b.Text) })
	p.Birth = ui.InputView{FieldView: field("birth", l.T("desk.birth_hint")), Value: typed.Get("birth"), Width: 10, Attrs: plainText}
	p.Phone = ui.InputView{FieldView: field("phone", ""), Value: typed.Get("phone"), Type: "tel", Autocomplete: "off", Width: 20}
	p.Phone.Label += l.T("field.optional")
	return p
}

// documentOf reads the document of a form; where no kind is said, what it looks like.
func documentOf(p url.Values) (d identity.Document, birth string) {
	d = identity.Document{Kind: identity.DocumentKind(p.Get("document.kind")), Number: p.Get("document.number")}
	if d.Kind == "" {
		d.Kind = kindOf(d.Number)
	}
	if d.Kind == identity.Passport {
		d.Nationality, birth = p.Get("document.nationality"), p.Get("birth")
	}
	return d, birth
}

// kindOf tells a document from the shape of its number. A resident's is what most people carry, and what
// its check refuses is told as such.
func kindOf(number string) identity.DocumentKind {
	n := strings.ToUpper(strings.Join(strings.Fields(number), ""))
	switch {
	case len(n) == 8 && strings.Trim(n, "0123456789") == "":
		return identity.TaiwanPermit
	case len(n) >= 9 && len(n) <= 11 && (n[0] == 'H' || n[0] == 'M'):
		return identity.HKMacauPermit
	case len(n) == 15 && n[0] >= 'A' && n[0] <= 'Z', len(n) == 18 && n[0] == '9':
		return identity.ForeignPermanent
	}
	return identity.ResidentID
}

// business is an item of a hall and the queue that serves it, as one value of a form: "item queue".
type business struct{ item, queue string }

func businessOf(s string) business {
	item, queue, _ := strings.Cut(s, " ")
	return business{item, queue}
}

// businesses lists what some queues of a hall serve, queue by queue.
func (c *Console) businesses(l web.Locale, hall string, chosen business, in func(queue string) bool) (out []group) {
	for _, q := range c.App.City().QueuesAt(hall) {
		if !q.Open || in != nil && !in(q.ID) {
			continue
		}
		g := group{Name: l.Text(q.Name)}
		for _, o := range c.App.City().OffersAt(hall) {
			if it := c.App.City().Item(o.ItemCode); o.QueueID == q.ID && it != nil {
				g.Options = append(g.Options, ui.Option{Value: it.Code + " " + q.ID, Text: l.Text(it.Name), Selected: chosen == business{it.Code, q.ID} || chosen == business{it.Code, ""}})
			}
		}
		slices.SortFunc(g.Options, func(a, b ui.Option) int { return strings.Compare(a.Text, b.Text) })
		if len(g.Options) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// group is some options under a name.
type group struct {
	Name    string
	Options []ui.Option
}

// groupsView is a select whose options stand in groups.
type groupsView struct {
	ui.FieldView
	Groups []group
}

// quickView is the small form of a counter's page that gives a walk-in a number.
type quickView struct {
	L      web.Locale
	Token  string
	Action string
	Back   string
	Key    string
	Items  []group
}

func (c *Console) quick(f Frame, v app.CounterView) quickView {
	queues := v.Counter.Queues
	if v.Seat != nil {
		queues = v.Seat.Queues
	}
	return quickView{L: f.L, Token: f.Token, Action: deskPath(v.Hall.ID) + "/number", Back: v.Counter.ID, Key: newKey(),
		Items: c.businesses(f.L, v.Hall.ID, business{}, func(q string) bool { return hasQueue(queues, q) })}
}
