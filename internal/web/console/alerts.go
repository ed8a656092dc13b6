package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const alertsPath = Prefix + "/alerts"

func (c *Console) alertRoutes() {
	c.add(Route{Pattern: "GET " + alertsPath, Act: account.Supervise}, c.alertList)
	c.fileRoutesOf(Route{Act: account.Export}, alertsPath, c.waitAlertFile)
	c.add(Route{Pattern: "GET " + alertsPath + "/{id}", Act: account.Supervise}, c.anomaly)
	c.add(Route{Pattern: "POST " + alertsPath + "/{id}/acknowledge", Act: account.Decide}, c.acknowledge)
	c.add(Route{Pattern: "POST " + alertsPath + "/{id}/tell", Act: account.Adjust}, c.onAlert((*app.App).TellWaiting))
	c.add(Route{Pattern: "POST " + alertsPath + "/{id}/act", Act: account.Adjust, Or: account.Decide}, c.actOnAnomaly)
	c.add(Route{Pattern: "POST " + alertsPath + "/{id}/close", Act: account.Decide}, c.closeAnomaly)
}

type alertsView struct {
	L      web.Locale
	Token  string
	Bar    FilterBar
	Table  Table
	Honest string // how many of what was closed was nothing
	List   []alertView
	Switch ui.Link // between those that stand and all
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

// alertList lists what stands at my halls: queues at which more people wait than numbers are released (Art. 16), each
// with the requests that answer it, filled in, and what is not as usual (Art. 22).
func (c *Console) alertList(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, list := web.LocaleOf(r), listOf(r)
	f := c.frame(w, r, ad, l.T("anomaly.title"))
	f.Path, f.Lead = c.home0(l), l.T("anomaly.lead")
	every := list.Value("show", "all") != ""
	kinds := append([]string{app.LineWaiting}, words(oversight.AnomalyKinds)...)
	kind, stage := list.Value("kind", kinds...), list.Value("stage", words(oversight.Stages)...)
	v := alertsView{L: l, Token: f.Token, Switch: ui.Link{Text: l.T("alert.show_all"), Href: list.With("show", "all")}}
	if every {
		v.Switch = ui.Link{Text: l.T("alert.show_open"), Href: list.With("show", "")}
	}
	if kind == app.LineWaiting {
		c.fileActions(&f, r, ad, list)
	}
	all, size := 0, list.Size
	var waits []app.AlertView
	var rows []app.AnomalyView
	var err error
	if (kind == "" && list.Page == 1 || kind == app.LineWaiting) && stage == "" {
		if waits, all, err = c.App.WaitAlerts(r.Context(), ad, !every, (list.Page-1)*size, size); err != nil {
			return err
		}
	}
	total := all
	if kind != app.LineWaiting {
		n := 0
		rows, n, err = c.App.Anomalies(r.Context(), ad, app.AnomalyFilter{
			Kind: oversight.AnomalyKind(kind), Stage: oversight.Stage(stage), Open: !every && stage == "", Page: list.Page - 1, Size: size,
		})
		if err != nil {
			return err
		}
		all, total = n, total+n
	}
	v.Table = c.alertTable(l, waits, rows)
	for _, one := range waits {
		v.List = append(v.List, c.alertView(l, one))
	}
	v.Bar = FilterBar{L: l, List: list, Total: l.N("anomaly.total", total), Clear: kind+stage != "", Filters: []Filter{
		option(l, list, "kind", "anomaly.kind", kinds...), option(l, list, "stage", "anomaly.stage", words(oversight.Stages)...),
	}}
	if v.Bar.Clear {
		v.Table.Empty.Text = l.T("anomaly.none_filter")
	}
	if all > size {
		p := list.Pager(l, all)
		v.Table.Pager = &p
	}
	closed, nothing, err := c.App.FalseAlarms(r.Context(), ad, honestDays)
	if err != nil {
		return err
	}
	if closed > 0 {
		v.Honest = l.T("anomaly.honest", "days", strconv.Itoa(honestDays), "closed", count(closed), "nothing", count(nothing))
	}
	return web.Render(w, r, http.StatusOK, alertsPage(f, v))
}

// honestDays is over how many days the list says how often it was wrong.
const honestDays = 90

// alertTable is one list of both kinds.
func (c *Console) alertTable(l web.Locale, waits []app.AlertView, rows []app.AnomalyView) Table {
	now := c.App.Now()
	t := Table{Caption: l.T("anomaly.title"), Cols: []Col{
		{Text: l.T("anomaly.what")}, {Text: l.T("anomaly.where")}, {Text: l.T("alert.since")}, {Text: l.T("anomaly.act_by")}, {Text: l.T("anomaly.stage")},
	}, Empty: ui.EmptyView{Title: l.T("anomaly.none"), Text: l.T("anomaly.none_hint")}}
	for _, one := range waits {
		state, kind := oversight.StageOpen, ui.TagRed
		switch {
		case !one.Open():
			state, kind = oversight.StageClosed, ui.TagGreen
		case one.Acknowledged():
			state, kind = oversight.StageTaken, ui.TagAmber
		}
		t.Rows = append(t.Rows, Row{Urgent: state == oversight.StageOpen, Cells: []Cell{
			{Text: l.T("anomaly.kind.waiting"), Href: "#" + one.ID, Note: l.T("alert_line.waiting", "waiting", count(one.Waiting), "released", count(one.Released))},
			{Text: c.whereName(l, one.HallID, one.QueueID)}, {Text: l.Near(one.Since, now)}, {}, {Tag: ui.Tag{Text: l.T("anomaly.stage." + string(state)), Kind: kind}},
		}})
	}
	for _, one := range rows {
		t.Rows = append(t.Rows, Row{Urgent: one.Stage() == oversight.StageOpen, Cells: []Cell{
			{Text: l.T("anomaly.kind." + string(one.Kind)), Href: anomalyPath(one.ID), Note: seenWords(l, one.Finding)},
			{Text: c.whereName(l, one.HallID, one.QueueID), Note: hourNote(one.Finding)}, {Text: l.Near(one.Since, now), Note: c.seenLast(l, one.Anomaly)},
			{Text: l.T("rank." + string(one.Holder())), Note: movedUp(l, one.Anomaly)}, {Tag: stageTag(l, one.Anomaly)},
		}})
	}
	return t
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
