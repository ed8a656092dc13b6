package console

import (
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const (
	forecastPath = Prefix + "/forecast"
	advicePath   = Prefix + "/advice"
)

func (c *Console) forecastRoutes() {
	c.add(Route{Pattern: "GET " + forecastPath, Act: account.Supervise}, c.forecast)
	c.add(Route{Pattern: "POST " + advicePath + "/{id}/dismiss", Act: account.Adjust}, c.dismissAdvice)
}

type forecastView struct {
	L      web.Locale
	Token  string
	Notice *ui.NoticeView
	Errors []ui.ErrorItem
	Find   *ui.InputView // of the page that asks for which hall
	Sought string
	Halls  []ui.Link
	Cards  []adviceCard
	Queues []ui.Link
	Facts  []Fact
	Chart  *Chart
	Table  *Table
	Leads  *Table
	Past   *Table // what became of advice
	HallID string // "" where advice of all halls is shown
	Empty  *ui.EmptyView
}

type adviceCard struct {
	ID, Title, Text, Effect string
	Hall                    ui.Link
	Asks                    []ui.Link
	Dismiss                 string // address; "" for who may not
	Why                     ui.InputView
}

// forecast is what the queues of a hall will be asked for in the coming days, how far that can be trusted, and what is
// advised. Without a hall it asks for one, and shows all advice that is open.
func (c *Console) forecast(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showForecast(w, r, ad, r.URL.Query().Get("hall"), "", nil)
}

func (c *Console) showForecast(w http.ResponseWriter, r *http.Request, ad *app.Admin, hall, about string, wrong *fault.Error) error {
	l := web.LocaleOf(r)
	f := c.frame(w, r, ad, l.T("forecast.title"))
	f.Path, f.Lead = c.home0(l), l.T("forecast.lead")
	v := forecastView{L: l, Token: f.Token}
	if g := c.App.Grove(ad, account.Supervise); hall == "" && len(g.Halls) == 1 {
		hall = g.Halls[0].ID
	}
	if hall == "" {
		c.askForecast(r, l, ad, &v)
	} else {
		one, err := c.App.Forecast(r.Context(), ad, hall)
		if err != nil {
			return err
		}
		f.Title = l.T("forecast.of", "hall", l.Text(one.Hall.Name))
		f.Path = append(f.Path, ui.Link{Text: l.T("forecast.title"), Href: forecastPath})
		f.Scripts = []string{"chart.js"}
		c.fillForecast(r, l, one, &v)
	}
	cards, _, err := c.App.AdviceCards(r.Context(), ad, hall, hall == "", mostDuties)
	if err != nil {
		return err
	}
	v.HallID = hall
	c.fillCards(l, cards, hall == "", about, wrong, r.PostForm.Get("why"), &v)
	status := http.StatusOK
	switch {
	case wrong != nil:
		f.Error, status = true, http.StatusUnprocessableEntity
		v.Errors = []ui.ErrorItem{{Text: l.Sentence(wrong), Href: "#main", Code: string(wrong.Code)}}
		if len(wrong.Fields) > 0 {
			v.Errors = ui.FieldErrors(l, wrong, map[string]string{"why": l.T("anomaly.why")}, map[string]string{"why": "why-" + about})
		}
	case r.URL.Query().Get("did") == "dismissed":
		v.Notice = &ui.NoticeView{L: l, Kind: ui.NoticeSuccess, Title: l.T("advice.did.dismissed"), Live: true}
	}
	return web.Render(w, r, status, forecastPage(f, v))
}

func (c *Console) askForecast(r *http.Request, l web.Locale, ad *app.Admin, v *forecastView) {
	g := c.App.Grove(ad, account.Supervise)
	v.Sought = strings.TrimSpace(r.URL.Query().Get("q"))
	list := g.Halls
	if v.Sought != "" {
		list = g.Find(v.Sought, mostFound)
	}
	v.Find = &ui.InputView{FieldView: ui.FieldView{ID: "q", Label: l.T("forecast.find"), Hint: l.T("request.find_hint", "n", strconv.Itoa(len(g.Halls)))}, Value: v.Sought, Type: "search"}
	for _, h := range list[:min(len(list), mostFound)] {
		v.Halls = append(v.Halls, ui.Link{Text: l.Text(h.Name), Href: address(forecastPath, "hall", h.ID)})
	}
	if len(v.Halls) == 0 {
		v.Empty = &ui.EmptyView{Title: l.T("forecast.no_hall")}
	}
}

func (c *Console) fillForecast(r *http.Request, l web.Locale, one app.HallForecast, v *forecastView) {
	if len(one.Queues) == 0 {
		v.Empty = &ui.EmptyView{Title: l.T("forecast.no_queue")}
		return
	}
	q := one.Queues[0]
	for _, o := range one.Queues {
		if o.Queue.ID == r.URL.Query().Get("queue") {
			q = o
		}
	}
	for _, o := range one.Queues {
		v.Queues = append(v.Queues, ui.Link{Text: l.Text(o.Queue.Name), Href: address(forecastPath, "hall", one.Hall.ID, "queue", o.Queue.ID), Current: o.Queue == q.Queue})
	}
	v.Leads = leadTable(l, one.Leads)
	if !q.OK {
		v.Empty = &ui.EmptyView{Title: l.T("forecast.none"), Text: l.T("forecast.none_hint", "n", strconv.Itoa(q.Known), "least", strconv.Itoa(oversight.ForecastDays))}
		return
	}
	times := func(x float64) string {
		if x == 0 { // days that never differ, or none to compare
			return "–"
		}
		return strconv.FormatFloat(x, 'f', 2, 64)
	}
	v.Facts = []Fact{
		{Key: l.T("forecast.error"), Value: times(q.Accuracy.MASE), Note: l.T("forecast.error_note", "naive", times(q.Accuracy.Naive))},
		{Key: l.T("forecast.coverage"), Value: percent(int(math.Round(1000*q.Accuracy.Coverage)), 1000), Note: l.T("forecast.coverage_note", "n", count(q.Accuracy.Hours))},
		{Key: l.T("forecast.known"), Value: count(q.Known), Note: l.T("forecast.known_note")},
		{Key: l.T("forecast.full"), Value: percent(q.Full, 100), Note: l.T("forecast.full_note")},
	}
	if q.Waiting > 0 {
		v.Facts = append(v.Facts, Fact{Key: l.T("alert.waiting"), Value: count(q.Waiting), Href: alertsPath + "?kind=waiting"})
	}
	v.Chart, v.Table = forecastChart(l, q), forecastTable(l, q)
}

// forecastChart sets what is expected of each coming day beside its numbers.
func forecastChart(l web.Locale, q app.QueueForecast) *Chart {
	ch := &Chart{L: l, ID: "days", Title: l.T("forecast.chart", "queue", l.Text(q.Queue.Name)), Kind: ChartBar, Unit: string(oversight.Numbers), Head: l.T("forecast.day"), Note: l.T("forecast.chart_note")}
	expected, places := Series{Name: l.T("forecast.expected")}, Series{Name: l.T("forecast.places")}
	for i, d := range q.Days {
		if len(d.Hours) == 0 {
			continue
		}
		n := 0
		for _, p := range q.Places[i].OffSite {
			n += p
		}
		ch.Labels = append(ch.Labels, l.Date(d.Date))
		expected.Values, places.Values = append(expected.Values, math.Round(d.Total())), append(places.Values, float64(n))
	}
	ch.Series = []Series{expected, places}
	return ch
}

// forecastTable says of every hour what is expected, with the range, and how many numbers there are.
func forecastTable(l web.Locale, q app.QueueForecast) *Table {
	var hours []int
	for h := range 24 {
		for _, d := range q.Days {
			if at(d, h) != nil {
				hours = append(hours, h)
				break
			}
		}
	}
	t := &Table{Caption: l.T("forecast.table", "queue", l.Text(q.Queue.Name)), Shown: true, Cols: []Col{{Text: l.T("forecast.day")}}, Empty: ui.EmptyView{Title: l.T("forecast.no_day")}}
	for _, h := range hours {
		t.Cols = append(t.Cols, Col{Text: web.HourRange(h), Number: true})
	}
	for i, d := range q.Days {
		if len(d.Hours) == 0 {
			continue
		}
		row := Row{Cells: []Cell{{Text: l.Date(d.Date)}}}
		if d.Kind.Special {
			row.Cells[0].Note = l.T("forecast.special")
		}
		for _, h := range hours {
			e := at(d, h)
			if e == nil {
				row.Cells = append(row.Cells, Cell{Text: "–"})
				continue
			}
			cell := Cell{Text: count(int(math.Round(e.Mid))), Note: l.T("forecast.range", "low", count(int(e.Low)), "high", count(int(e.High)), "places", count(q.Places[i].OffSite[h]))}
			if e.Mid > float64(q.Places[i].OffSite[h]) {
				cell.Text, cell.Tag = "", ui.Tag{Text: l.T("forecast.short", "n", count(int(math.Round(e.Mid)))), Kind: ui.TagAmber}
			}
			row.Cells = append(row.Cells, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func at(d oversight.DayForecast, hour int) *oversight.Expected {
	for i := range d.Hours {
		if d.Hours[i].Hour == hour {
			return &d.Hours[i]
		}
	}
	return nil
}

func leadTable(l web.Locale, list []oversight.LeadShare) *Table {
	t := &Table{Caption: l.T("forecast.leads"), Shown: true, Cols: []Col{{Text: l.T("forecast.lead_days")}, {Text: l.T("forecast.lead_missed"), Number: true}, {Text: l.T("forecast.lead_share"), Number: true}},
		Empty: ui.EmptyView{Title: l.T("forecast.no_leads")}}
	for _, g := range list {
		name := l.T("forecast.lead_range", "from", strconv.Itoa(g.Days), "to", strconv.Itoa(g.Until))
		switch {
		case g.Until == g.Days:
			name = l.N("forecast.lead_day", g.Days)
		case g.Until < 0:
			name = l.T("forecast.lead_more", "from", strconv.Itoa(g.Days))
		}
		t.Rows = append(t.Rows, Row{Cells: []Cell{{Text: name}, {Text: l.T("forecast.lead_of", "n", count(int(g.Missed)), "of", count(int(g.Of)))}, {Text: percent(int(g.Missed), int(g.Of))}}})
	}
	return t
}

// fillCards shows what is advised, and what became of earlier advice.
func (c *Console) fillCards(l web.Locale, cards []app.AdviceView, anywhere bool, about string, wrong *fault.Error, typed string, v *forecastView) {
	now := c.App.Now()
	past := Table{Caption: l.T("advice.past"), Shown: true, Cols: []Col{{Text: l.T("advice.what")}, {Text: l.T("advice.became")}, {Text: l.T("advice.when")}}}
	for _, one := range cards {
		name := l.T("advice.kind." + string(one.Kind))
		if one.State != oversight.AdviceOpen {
			became := Cell{Text: l.T("advice.state." + string(one.State)), Note: one.Why}
			if one.Request != "" {
				became.Text, became.Href = one.Request, requestPath(one.Request)
				if one.About != nil {
					became.Note = l.T("request.state." + string(one.About.State))
				}
			}
			when := one.MadeAt
			if !one.At.IsZero() {
				when = one.At
			}
			past.Rows = append(past.Rows, Row{Cells: []Cell{{Text: name, Note: c.whereName(l, one.HallID, one.QueueID) + " · " + effectWords(l, one.Advice)}, became, {Text: l.Near(when, now), Note: one.By}}})
			continue
		}
		card := adviceCard{ID: one.ID, Title: c.whereName(l, one.HallID, one.QueueID) + " · " + name, Effect: effectWords(l, one.Advice)}
		var says []string
		for _, ch := range one.Changes {
			says = append(says, changeWords(l, ch))
		}
		card.Text = strings.Join(says, "；")
		if l == web.En {
			card.Text = strings.Join(says, "; ")
		}
		if anywhere {
			card.Hall = ui.Link{Text: l.T("anomaly.forecast"), Href: address(forecastPath, "hall", one.HallID, "queue", one.QueueID)}
		}
		if one.Asks {
			for i, ch := range one.Changes {
				text := l.T("advice.ask")
				if len(one.Changes) > 1 {
					text = l.T("advice.ask_part", "n", strconv.Itoa(i+1))
				}
				card.Asks = append(card.Asks, ui.Link{Text: text, Href: changeForm(one.HallID, one.QueueID, ch, one.ID)})
			}
			card.Dismiss = advicePath + "/" + one.ID + "/dismiss"
			card.Why = ui.InputView{FieldView: ui.FieldView{ID: "why-" + one.ID, Name: "why", Label: l.T("advice.why"), Hint: l.T("anomaly.why_hint")}, Attrs: map[string]any{"maxlength": strconv.Itoa(oversight.LongestWhy)}}
			if about == one.ID && wrong != nil {
				card.Why.Value = typed
				for _, field := range wrong.Fields {
					card.Why.Error, card.Why.Code = l.FieldSentence("", field.Code), string(field.Code)
				}
			}
		}
		v.Cards = append(v.Cards, card)
	}
	if len(past.Rows) > 0 {
		v.Past = &past
	}
}

// effectWords says what advice would do.
func effectWords(l web.Locale, a oversight.Advice) string {
	if a.After.By != 0 && a.After.Lost == 0 {
		return l.T("advice.effect_by", "n", count(a.More()), "left", count(a.Before.None()), "date", l.Date(a.After.By))
	}
	return l.T("advice.effect", "n", count(a.More()), "left", count(a.Before.None()), "still", count(a.After.None()))
}

// changeForm is the form of a request with a change filled in, at its effect.
func changeForm(hall, queue string, ch supply.Change, advice string) string {
	q := url.Values{
		"hall": {hall}, "queue": {queue}, "kind": {string(ch.Kind)}, "from": {ch.From.String()}, "to": {ch.To.String()}, "step": {"when"}, "advice": {advice},
	}
	switch ch.Kind {
	case supply.Capacity:
		q.Set("total", strconv.Itoa(ch.Total))
		q.Set("source", ch.Source)
	case supply.Extend, supply.Weekend:
		q.Set("per_hour", strconv.Itoa(ch.PerHour))
	case supply.Share:
		q.Set("share", strconv.FormatFloat(float64(ch.PerMille)/10, 'f', 1, 64))
	}
	for _, h := range ch.Hours.List() {
		q.Add("hour", strconv.Itoa(h))
	}
	for _, d := range ch.Weekdays {
		q.Add("weekday", strconv.Itoa(int(d)))
	}
	return requestsPath + "/new?" + q.Encode()
}

func (c *Console) dismissAdvice(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	id, hall := r.PathValue("id"), r.PostForm.Get("hall")
	err := c.App.DismissAdvice(r.Context(), ad, id, r.PostForm.Get("why"))
	if err == nil {
		return web.SeeOther(w, r, address(forecastPath, "hall", hall, "did", "dismissed"))
	}
	switch e := fault.As(err); e.Kind {
	case fault.Invalid, fault.Conflict:
		return c.showForecast(w, r, ad, hall, id, e)
	}
	return err
}
