package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/supply"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const alertsPath = Prefix + "/alerts"

func (c *Console) alertRoutes() {
	c.add(Route{Pattern: "GET " + alertsPath, Act: account.Supervise}, c.waitAlerts)
	c.add(Route{Pattern: "POST " + alertsPath + "/{id}/acknowledge", Act: account.Decide}, c.onAlert((*app.App).AcknowledgeAlert))
	c.add(Route{Pattern: "POST " + alertsPath + "/{id}/tell", Act: account.Adjust}, c.onAlert((*app.App).TellWaiting))
}

type alertsView struct {
	L      web.Locale
	Token  string
	List   []alertView
	Empty  string
	Switch ui.Link // between those that stand and all
	Pager  *ui.PagerView
}

type alertView struct {
	ID       string
	Title    string
	Facts    []ui.SummaryRow
	Needed   string
	Measures []alertMeasure
	Acts     []alertAct
}

type alertMeasure struct {
	Text string
	Link *ui.Link // for who may file it
}

type alertAct struct {
	Action, Text string
	Kind         ui.ButtonKind
}

// waitAlerts lists the queues of my halls at which more people wait than numbers are released (Art. 16), each
// with the requests that answer it, filled in.
func (c *Console) waitAlerts(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, list := web.LocaleOf(r), listOf(r)
	f := c.frame(w, r, ad, l.T("alert.title"))
	f.Path, f.Lead = c.home0(l), l.T("alert.lead")
	every := list.Value("show", "all") != ""
	rows, all, err := c.App.WaitAlerts(r.Context(), ad, !every, (list.Page-1)*list.Size, list.Size)
	if err != nil {
		return err
	}
	v := alertsView{L: l, Token: f.Token, Switch: ui.Link{Text: l.T("alert.show_all"), Href: list.With("show", "all")}}
	if every {
		v.Switch = ui.Link{Text: l.T("alert.show_open"), Href: list.With("show", "")}
	}
	for _, one := range rows {
		v.List = append(v.List, c.alertView(l, one))
	}
	if len(rows) == 0 {
		v.Empty = l.T("alert.none")
	}
	if all > list.Size {
		p := list.Pager(l, all)
		v.Pager = &p
	}
	return web.Render(w, r, http.StatusOK, alertsPage(f, v))
}

func (c *Console) alertView(l web.Locale, one app.AlertView) alertView {
	now := c.App.Now()
	v := alertView{ID: one.ID, Title: c.hallName(l, one.HallID)}
	if one.Queue != nil {
		v.Title += " · " + l.Text(one.Queue.Name)
	}
	row := func(key, value string, lines ...string) {
		v.Facts = append(v.Facts, ui.SummaryRow{Key: l.T(key), Value: value, Lines: lines})
	}
	row("alert.waiting", count(one.Waiting), l.T("alert.most")+" "+count(one.Most))
	row("alert.released", count(one.Released))
	row("alert.since", l.Near(one.Since, now), one.ID)
	switch {
	case one.Acknowledged():
		row("alert.ack", l.T("alert.ack_by", "who", one.AckBy, "at", l.Near(one.AckAt, now)))
	case !one.NextAt.IsZero():
		row("alert.ack", l.T("alert.nobody"), l.T("alert.next", "at", l.Near(one.NextAt, now)))
	default:
		row("alert.ack", l.T("alert.nobody"))
	}
	if one.Online > 0 || one.Tells {
		lines := []string(nil)
		if !one.ToldAt.IsZero() {
			lines = []string{l.T("alert.told", "at", l.Near(one.ToldAt, now))}
		}
		row("alert.online", count(one.Online), lines...)
	}
	if !one.Open() {
		row("alert.ended", l.Near(one.EndedAt, now))
	}
	if one.Needed > 0 {
		v.Needed = l.T("alert.needed", "n", count(one.Needed), "days", strconv.Itoa(one.Days))
	}
	for _, m := range one.Measures {
		v.Measures = append(v.Measures, measureView(l, one, m))
	}
	if one.Takes {
		v.Acts = append(v.Acts, alertAct{alertsPath + "/" + one.ID + "/acknowledge", l.T("alert.do.acknowledge"), ui.Secondary})
	}
	if one.Asks && one.Tells && one.ToldAt.IsZero() {
		v.Acts = append(v.Acts, alertAct{alertsPath + "/" + one.ID + "/tell", l.T("alert.do.tell"), ui.Secondary})
	}
	return v
}

// measureView says what a measure would do, and leads who may file it to the request, filled in.
func measureView(l web.Locale, one app.AlertView, m app.Measure) alertMeasure {
	o := m.Outlook
	name := l.T("alert.measure." + string(m.Change.Kind))
	v := alertMeasure{Text: l.T("alert.left", "n", count(o.PerDay), "total", count(o.Total), "left", count(o.Left))}
	if o.By != 0 {
		v.Text = l.T("alert.by", "n", count(o.PerDay), "total", count(o.Total), "date", l.Date(o.By))
	}
	if !one.Asks {
		v.Text = name + " · " + v.Text
		return v
	}
	v.Link = &ui.Link{Text: name, Href: prefilled(one, m.Change)}
	return v
}

// prefilled is the form of a request with a measure filled in, at its effect.
func prefilled(one app.AlertView, ch supply.Change) string {
	q := url.Values{
		"hall": {one.HallID}, "queue": {one.QueueID}, "kind": {string(ch.Kind)}, "from": {ch.From.String()}, "to": {ch.To.String()},
		"per_hour": {strconv.Itoa(ch.PerHour)}, "step": {"when"},
	}
	for _, h := range ch.Hours.List() {
		q.Add("hour", strconv.Itoa(h))
	}
	for _, d := range ch.Weekdays {
		q.Add("weekday", strconv.Itoa(int(d)))
	}
	return requestsPath + "/new?" + q.Encode()
}

func (c *Console) onAlert(do func(*app.App, context.Context, *app.Admin, string) error) handler {
	return func(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
		if err := do(c.App, r.Context(), ad, r.PathValue("id")); err != nil {
			return err
		}
		return web.SeeOther(w, r, alertsPath)
	}
}
