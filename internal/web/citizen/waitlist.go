package citizen

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// hallsToWait is how many halls are shown to wait at besides the one that was looked at.
const hallsToWait = 5

type waitFormView struct {
	L      web.Locale
	Title  string
	Lead   string
	Rows   []ui.SummaryRow // of an entry there is: what for, and for whom
	Chance []string        // of those who join now
	Errors []ui.ErrorItem
	Free   *ui.Link // a number that suits is free
	Action string
	Token  string
	Hidden []pair
	Halls  ui.ChoiceView
	Dates  ui.ChoiceView
	Hours  ui.ChoiceView
	Whom   *ui.ChoiceView // for whom; nil where that cannot be changed any more
	Units  *ui.InputView
	Send   ui.ButtonView
}

type waitsView struct {
	L     web.Locale
	Title string
	Tabs  []ui.Link
	Empty *ui.EmptyView
	List  []ui.CardView
}

type waitView struct {
	L     web.Locale
	Title string
	State ui.Tag
	Rows  []ui.SummaryRow
	Offer string
	Token string
	Acts  []waitAct
	Links []ui.ButtonView
}

// waitAct is one thing that can be done about an entry.
type waitAct struct {
	Action, Key string
	Button      ui.ButtonView
}

// waitChoices fills in halls, dates and hours with those that are chosen.
func (p *Pages) waitChoices(l web.Locale, v *waitFormView, item string, stage directory.Stage, qu *directory.Queue, halls, dates, hours []string) {
	v.Halls = ui.ChoiceView{FieldView: ui.FieldView{ID: "halls", Label: l.T("wait.halls"), Hint: l.T("wait.halls_hint")}}
	add := func(h *directory.Hall) {
		if h != nil && !slices.ContainsFunc(v.Halls.Options, func(o ui.Option) bool { return o.Value == h.ID }) {
			v.Halls.Options = append(v.Halls.Options, ui.Option{Value: h.ID, Text: l.Text(h.Name), Selected: slices.Contains(halls, h.ID)})
		}
	}
	for _, id := range halls {
		add(p.app.City().Hall(id))
	}
	if home := p.app.City().Hall(qu.HallID); home != nil {
		add(home)
		if list, _, err := p.app.Halls(app.HallQuery{Item: item, Stage: stage, District: home.DistrictID, Units: 1, Sort: app.ByNext, Limit: hallsToWait}); err == nil {
			for _, o := range list {
				add(o.Hall)
			}
		}
	}
	p.waitDates(l, v, qu, dates)
	p.waitHours(l, v, qu, hours)
}

// waitDates offers any day at all, then each day of the window: those the queue does not open, too, since a weekend may be
// opened for those who wait (Art. 16).
func (p *Pages) waitDates(l web.Locale, v *waitFormView, qu *directory.Queue, dates []string) {
	v.Dates = ui.ChoiceView{FieldView: ui.FieldView{ID: "dates", Label: l.T("wait.dates"), Hint: l.T("wait.dates_hint")}}
	tomorrow := calendar.DateOf(p.app.Now()) + 1
	end, all := wholeUntil(tomorrow, dates)
	if !all {
		end = tomorrow + anyDays - 1
	}
	v.Dates.Options = append(v.Dates.Options, ui.Option{Value: anyUntil + end.String(), Text: l.T("wait.any", "date", l.Date(end)), Hint: l.T("wait.any_hint"), Selected: all})
	shown := map[string]bool{}
	add := func(d calendar.Date, text string) {
		shown[d.String()] = true
		v.Dates.Options = append(v.Dates.Options, ui.Option{Value: d.String(), Text: text, Selected: !all && slices.Contains(dates, d.String())})
	}
	for _, d := range p.app.Days(qu.ID, datesShown) {
		switch {
		case d.State != app.DayShut:
			add(d.Date, l.Date(d.Date))
		case d.Festival == "":
			add(d.Date, l.T("wait.if_opened", "what", l.Date(d.Date)))
		}
	}
	for _, one := range dates { // asked for before, and further off
		if d, err := calendar.ParseDate(one); err == nil && !all && !shown[one] && d >= tomorrow {
			add(d, l.Date(d))
		}
	}
}

// waitHours offers the hours of the queue, chosen already, and those that extended hours would add.
func (p *Pages) waitHours(l web.Locale, v *waitFormView, qu *directory.Queue, hours []string) {
	v.Hours = ui.ChoiceView{FieldView: ui.FieldView{ID: "hours", Label: l.T("wait.hours")}}
	seen, last := map[int]bool{}, 23
	for _, d := range p.app.Days(qu.ID, datesShown) {
		for _, s := range d.Slots {
			seen[s.Hour] = true
			last = s.Hour
		}
	}
	for h := range 24 {
		at, text := strconv.Itoa(h), web.HourRange(h)
		chosen := slices.Contains(hours, at)
		switch {
		case seen[h]:
			chosen = chosen || len(hours) == 0
		case h > last && h <= last+lateHours || chosen:
			text = l.T("wait.if_opened", "what", text)
		default:
			continue
		}
		v.Hours.Options = append(v.Hours.Options, ui.Option{Value: at, Text: text, Selected: chosen})
	}
}

// What "any day" is.
const (
	anyDays   = 30
	anyUntil  = "until-" // and a date: every day from tomorrow to it
	lateHours = 2        // after the last one; as many as the measure of Art. 16 adds
)

func dateTexts(list []calendar.Date) []string {
	out := make([]string, len(list))
	for i, d := range list {
		out[i] = d.String()
	}
	return out
}

// everyDay puts the days "any day" means in its place.
func everyDay(dates []string, today calendar.Date) (out []string) {
	for _, one := range dates {
		end, any := strings.CutPrefix(one, anyUntil)
		day, err := calendar.ParseDate(end)
		if !any || err != nil || day <= today || day > today+app.MostWaitDates {
			out = append(out, one)
			continue
		}
		for d := today + 1; d <= day; d++ {
			out = append(out, d.String())
		}
	}
	return out
}

// wholeUntil tells whether dates are every day from one on, and the last of them.
func wholeUntil(from calendar.Date, dates []string) (end calendar.Date, all bool) {
	end = from - 1
	for slices.Contains(dates, (end + 1).String()) {
		end++
	}
	left := slices.DeleteFunc(slices.Clone(dates), func(d string) bool { return d < from.String() })
	return end, end-from >= 13 && len(left) == int(end-from)+1
}

func (p *Pages) renderWaitForm(w http.ResponseWriter, r *http.Request, s ui.Shell, v waitFormView, item string, stage directory.Stage, wrong *fault.Error) error {
	status := http.StatusOK
	if wrong != nil {
		s.Error, status = true, web.Status(wrong)
		fields := map[string]*ui.FieldView{"halls": &v.Halls.FieldView, "dates": &v.Dates.FieldView, "hours": &v.Hours.FieldView}
		if v.Whom != nil {
			fields["for"] = &v.Whom.FieldView
		}
		if v.Units != nil {
			fields["units"] = &v.Units.FieldView
		}
		v.Errors = mark(v.L, wrong, fields)
		if len(v.Errors) == 0 {
			v.Errors = []ui.ErrorItem{{Text: v.L.Sentence(wrong)}}
		}
		if queue, date, _, ok := booking.ParseSlotID(wrong.Args["slot"]); ok && wrong.Code == fault.PlaceFree {
			v.Free = &ui.Link{Text: v.L.T("wait.book_it"), Href: address(bookPath(item, queue), "stage", string(stage), "date", date.String())}
		}
		if code := wrong.Args["entry"]; code != "" {
			v.Free = &ui.Link{Text: v.L.T("wait.title"), Href: waitPath(code)}
		}
	}
	return web.Render(w, r, status, waitFormPage(s, v))
}

// waits lists the entries of a person.
func (a *Account) waits(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	list, err := a.app.MyWaits(r.Context(), who)
	if err != nil {
		return err
	}
	l := web.LocaleOf(r)
	s := a.frame(w, r, who, tabBookings, l.T("wait.title"), "/waitlist")
	v := waitsView{L: l, Title: s.Title, Tabs: tabLinks(l, tabBookings)}
	if len(list) == 0 {
		v.Empty = &ui.EmptyView{Title: l.T("wait.none"), Text: l.T("wait.none_hint"), Action: &ui.ButtonView{Text: l.T("account.bookings.book"), Href: "/"}}
	}
	for _, e := range list {
		v.List = append(v.List, waitCard(l, e))
	}
	return web.Render(w, r, http.StatusOK, waitsPage(s, v))
}

func waitTag(l web.Locale, s booking.WaitState) ui.Tag {
	t := ui.Tag{Text: l.T("wait.state." + string(s))}
	if s == booking.Offered {
		t.Kind = ui.TagAmber
	}
	return t
}

// waitCard is an entry among others.
func waitCard(l web.Locale, e app.WaitView) ui.CardView {
	c := ui.CardView{Title: waitItem(l, &e), Href: waitPath(e.Code), Tag: waitTag(l, e.Entry.State)}
	if e.Entry.State == booking.WaitBooked {
		c.Href = passPath(e.Code)
	}
	if name := e.Applicant.Whom(); name != "" {
		c.Lines = append(c.Lines, l.T("account.bookings.for", "name", name))
	}
	if e.Entry.Units > 1 {
		c.Lines = append(c.Lines, l.N("pass.units", e.Entry.Units))
	}
	if e.Entry.State == booking.Offered {
		c.Lines = append(c.Lines, offerLine(l, e))
	}
	if e.Entry.State == booking.Waiting {
		for _, p := range e.Places {
			c.Lines = append(c.Lines, chanceLine(l, p))
		}
	}
	return c
}

// waitWhom says for whom an entry is, and for how many.
func waitWhom(l web.Locale, e app.WaitView) []ui.SummaryRow {
	row := ui.SummaryRow{Key: l.T("pass.who"), Value: whoName(l, e.Applicant)}
	if e.Entry.Units > 1 {
		row.Lines = []string{l.N("pass.units", e.Entry.Units)}
	}
	return []ui.SummaryRow{row}
}

func offerLine(l web.Locale, e app.WaitView) string { return l.T("wait.offer", waitArgs(l, &e)...) }

// chanceLine says where somebody stands in one line, and what became of those who stood there before.
func chanceLine(l web.Locale, p app.WaitPlace) string {
	hall := ""
	if p.Hall != nil {
		hall = l.Text(p.Hall.Name)
	}
	line := l.T("wait.ahead", "hall", hall, "n", strconv.Itoa(p.Ahead))
	if !p.Chance.Known() {
		return line + " " + l.T("wait.chance_unknown")
	}
	return line + " " + l.T("wait.chance", "served", strconv.Itoa(p.Chance.Served), "of", strconv.Itoa(p.Chance.Of))
}

// waitEntry is one entry: where it stands, what is kept for it, what can be done.
func (a *Account) waitEntry(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	e, err := a.app.MyWait(r.Context(), who, r.PathValue("code"))
	if err != nil {
		return err
	}
	if e.Entry.State == booking.WaitBooked {
		return web.SeeOther(w, r, passPath(e.Code))
	}
	l := web.LocaleOf(r)
	s := a.frame(w, r, who, tabBookings, l.T("wait.title"), waitPath(e.Code))
	s.Back = back(l, "/waitlist")
	v := waitView{L: l, Title: waitItem(l, &e), State: waitTag(l, e.Entry.State), Token: s.Token}
	act := func(what string, kind ui.ButtonKind) {
		v.Acts = append(v.Acts, waitAct{waitPath(e.Code) + "/" + what, rand.Text(), ui.ButtonView{Text: l.T("wait.do." + what), Kind: kind, Block: true}})
	}
	if e.Entry.State == booking.Offered {
		v.Offer = offerLine(l, e)
		act("take", ui.Primary)
		act("decline", ui.Secondary)
	}
	if e.Entry.State == booking.Waiting {
		for _, p := range e.Places {
			v.Rows = append(v.Rows, ui.SummaryRow{Key: l.T("wait.place"), Value: chanceLine(l, p)})
		}
	}
	v.Rows = append(v.Rows, waitWhom(l, e)...)
	dates, hours := dateRuns(l, e.Entry.Dates), hourRuns(e.Entry.Hours)
	v.Rows = append(v.Rows, ui.SummaryRow{Key: l.T("wait.dates"), Value: strings.Join(dates, " · ")}, ui.SummaryRow{Key: l.T("wait.hours"), Value: strings.Join(hours, " · ")})
	if e.Entry.State == booking.Waiting {
		v.Links = append(v.Links, ui.ButtonView{Text: l.T("wait.do.change"), Kind: ui.Secondary, Href: waitPath(e.Code) + "/change", Block: true})
		if e.Item != nil && e.Item.OnlineURL != "" {
			act("online", ui.Secondary)
		}
	}
	if e.Entry.State.Open() {
		act("leave", ui.Danger)
	}
	return web.Render(w, r, http.StatusOK, waitPage(s, v))
}

func dateRuns(l web.Locale, list []calendar.Date) []string {
	return runs(list, 3, func(from, to calendar.Date) string {
		if from == to {
			return l.Date(from)
		}
		return l.T("wait.from_to", "from", l.Date(from), "to", l.Date(to))
	})
}

func hourRuns(list []int) []string {
	return runs(list, 2, func(from, to int) string { return fmt.Sprintf("%02d:00–%02d:00", from, to+1) })
}

// runs names what is in list, ascending, those of at least so many that follow each other as one.
func runs[T ~int | ~int32](list []T, least int, name func(from, to T) string) (out []string) {
	for i := 0; i < len(list); {
		n := 1
		for i+n < len(list) && list[i+n] == list[i]+T(n) {
			n++
		}
		if n < least {
			n = 1
		}
		out = append(out, name(list[i], list[i+n-1]))
		i += n
	}
	return out
}

// waitDo does what a button of an entry says.
func (a *Account) waitDo(w http.ResponseWriter, r *http.Request, who *identity.Session) (err error) {
	if err := a.form(r); err != nil {
		return err
	}
	if err := a.slowDown(who); err != nil {
		return err
	}
	code, ctx := r.PathValue("code"), r.Context()
	switch r.PathValue("what") {
	case "take":
		if _, err = a.app.TakeOffer(ctx, who, r.PostForm.Get("key"), code, web.ViaOf(r)); err == nil {
			return web.SeeOther(w, r, passPath(code))
		}
	case "decline":
		_, err = a.app.DeclineOffer(ctx, who, code)
	case "leave":
		_, err = a.app.LeaveWait(ctx, who, code)
	case "online":
		_, err = a.app.TookOnline(ctx, who, code)
	default:
		return fault.New(fault.NoSuchPage)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, waitPath(url.PathEscape(code)))
}

// waitChangeForm asks anew what would suit.
func (a *Account) waitChangeForm(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	e, err := a.app.MyWait(r.Context(), who, r.PathValue("code"))
	if err != nil {
		return err
	}
	var w2 app.Wants
	for _, l := range e.Entry.Lines {
		w2.Halls = append(w2.Halls, l.HallID)
	}
	w2.Dates, w2.Hours = e.Entry.Dates, e.Entry.Hours
	return a.showWaitChange(w, r, who, e, w2, nil)
}

func (a *Account) showWaitChange(w http.ResponseWriter, r *http.Request, who *identity.Session, e app.WaitView, wants app.Wants, wrong *fault.Error) error {
	if len(e.Entry.Lines) == 0 || a.app.City().Queue(e.Entry.Lines[0].QueueID) == nil {
		return fault.New(fault.QueueNotFound)
	}
	l := web.LocaleOf(r)
	path := waitPath(e.Code) + "/change"
	s := a.frame(w, r, who, tabBookings, l.T("wait.do.change"), path)
	s.Back = back(l, waitPath(e.Code))
	v := waitFormView{
		L: l, Title: s.Title, Lead: l.T("wait.change.lead"), Rows: append([]ui.SummaryRow{{Key: l.T("pass.item"), Value: waitItem(l, &e)}}, waitWhom(l, e)...), Action: path, Token: s.Token, Send: ui.ButtonView{Text: l.T("wait.change.send"), Block: true},
	}
	dates, hours := dateTexts(wants.Dates), []string{"-"}
	for _, h := range wants.Hours {
		hours = append(hours, strconv.Itoa(h))
	}
	a.waitChoices(l, &v, e.Entry.Item, e.Entry.Stage, a.app.City().Queue(e.Entry.Lines[0].QueueID), wants.Halls, dates, hours)
	return a.renderWaitForm(w, r, s, v, e.Entry.Item, e.Entry.Stage, wrong)
}

func (a *Account) waitChange(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := a.form(r); err != nil {
		return err
	}
	if err := a.slowDown(who); err != nil {
		return err
	}
	code, wants := r.PathValue("code"), wantsOf(r.PostForm["halls"], everyDay(r.PostForm["dates"], calendar.DateOf(a.app.Now())), r.PostForm["hours"])
	v, err := a.app.ChangeWait(r.Context(), who, code, 0, wants)
	if err == nil {
		return web.SeeOther(w, r, waitPath(v.Code))
	}
	e, again := a.app.MyWait(r.Context(), who, code)
	if again != nil {
		return again
	}
	return a.showWaitChange(w, r, who, e, wants, fault.As(err))
}
