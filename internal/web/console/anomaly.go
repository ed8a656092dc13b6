package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

func anomalyPath(id string) string { return alertsPath + "/" + id }

// whereName names a hall, and the queue if it is about one.
func (c *Console) whereName(l web.Locale, hall, queue string) string {
	name := c.hallName(l, hall)
	if q := c.App.City().Queue(queue); q != nil {
		name += " · " + l.Text(q.Name)
	}
	return name
}

// seenWords says what was seen and what is usual.
func seenWords(l web.Locale, f oversight.Finding) string {
	return l.T("alert_line."+string(f.Kind), "seen", count(int(f.Seen)), "of", count(int(f.Of)), "low", count(int(f.Low)), "high", count(int(f.High)))
}

func hourNote(f oversight.Finding) string {
	if f.Hour < 0 {
		return ""
	}
	return web.HourRange(f.Hour)
}

// seenLast says on which day it was seen last, and on how many.
func (c *Console) seenLast(l web.Locale, a oversight.Anomaly) string {
	if a.Days == 1 {
		return l.Date(a.Date)
	}
	return l.T("anomaly.days", "n", strconv.Itoa(a.Days), "date", l.Date(a.Date))
}

func stageTag(l web.Locale, a oversight.Anomaly) ui.Tag {
	kind := map[oversight.Stage]ui.TagKind{oversight.StageOpen: ui.TagRed, oversight.StageTaken: ui.TagAmber, oversight.StageActed: ui.TagAmber, oversight.StageClosed: ui.TagGreen}[a.Stage()]
	return ui.Tag{Text: l.T("anomaly.stage." + string(a.Stage())), Kind: kind}
}

// movedUp says that it has moved up because nobody took it up, "" where it has not.
func movedUp(l web.Locale, a oversight.Anomaly) string {
	if a.Level == 0 {
		return ""
	}
	return l.N("anomaly.moved_up", a.Level)
}

type anomalyView struct {
	Notice *ui.NoticeView
	Errors []ui.ErrorItem
	Facts  []Fact
	Action string // address of the anomaly
	Token  string
	Takes  bool // it may be taken up
	Asks   []ui.Link
	Linked *ui.InputView // the number of a request it led to
	Reason *ui.ChoiceView
	Why    ui.InputView
}

func (c *Console) anomaly(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showAnomaly(w, r, ad, nil)
}

// showAnomaly is the page of an anomaly: what was seen and expected, since when, who must act, what became of it, and
// what the one who looks can do now. wrong is what stood against what they just did.
func (c *Console) showAnomaly(w http.ResponseWriter, r *http.Request, ad *app.Admin, wrong *fault.Error) error {
	l := web.LocaleOf(r)
	one, err := c.App.Anomaly(r.Context(), ad, r.PathValue("id"))
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("anomaly.page", "kind", l.T("anomaly.kind."+string(one.Kind)), "hall", c.hallName(l, one.HallID)))
	f.Path = append(c.home0(l), ui.Link{Text: l.T("anomaly.title"), Href: alertsPath})
	v := anomalyView{Action: anomalyPath(one.ID), Token: f.Token, Facts: c.anomalyFacts(l, one), Takes: one.Takes && one.AckAt.IsZero()}
	if one.Asks {
		v.Asks = append(v.Asks, answers(l, one)...)
	}
	if one.Open() && (one.Asks || one.Takes) {
		v.Linked = &ui.InputView{FieldView: ui.FieldView{ID: "request", Label: l.T("anomaly.request"), Hint: l.T("anomaly.request_hint")}, Value: r.PostForm.Get("request"), Width: 20}
	}
	for _, to := range []struct{ key, path, href string }{
		{"anomaly.letter", Prefix + "/letters/new", address(Prefix+"/letters/new", "about", "anomaly:"+one.ID)},
		{"anomaly.forecast", Prefix + "/forecast", address(Prefix+"/forecast", "hall", one.HallID)},
	} {
		if c.opens(r, ad, to.path) {
			v.Asks = append(v.Asks, ui.Link{Text: l.T(to.key), Href: to.href})
		}
	}
	if one.Takes {
		v.Reason = &ui.ChoiceView{FieldView: ui.FieldView{ID: "reason", Label: l.T("anomaly.reason")}}
		for _, k := range oversight.Closures {
			v.Reason.Options = append(v.Reason.Options, ui.Option{Value: string(k), Text: l.T("anomaly.closure." + string(k)), Hint: l.T("anomaly.closure_hint." + string(k)), Selected: r.PostForm.Get("reason") == string(k)})
		}
		v.Why = ui.InputView{FieldView: ui.FieldView{ID: "why", Label: l.T("anomaly.why"), Hint: l.T("anomaly.why_hint")}, Value: r.PostForm.Get("why"), Attrs: map[string]any{"maxlength": strconv.Itoa(oversight.LongestWhy)}}
	}
	status := http.StatusOK
	switch did := r.URL.Query().Get("did"); {
	case wrong != nil:
		f.Error, status = true, http.StatusUnprocessableEntity
		v.Errors = []ui.ErrorItem{{Text: l.Sentence(wrong), Href: "#main", Code: string(wrong.Code)}}
		labels, ids := map[string]string{}, map[string]string{}
		for _, field := range wrong.Fields {
			said, code := l.FieldSentence("", field.Code), string(field.Code)
			labels[field.Path], ids[field.Path] = l.T("anomaly."+field.Path), field.Path
			switch {
			case field.Path == "why":
				v.Why.Error, v.Why.Code = said, code
			case field.Path == "reason" && v.Reason != nil:
				v.Reason.Error, v.Reason.Code = said, code
			case field.Path == "request" && v.Linked != nil:
				v.Linked.Error, v.Linked.Code = said, code
			}
		}
		if len(labels) > 0 {
			v.Errors = ui.FieldErrors(l, wrong, labels, ids)
		}
	case did == string(one.Stage()):
		v.Notice = &ui.NoticeView{L: l, Kind: ui.NoticeSuccess, Title: l.T("anomaly.did." + did), Live: true}
	}
	return web.Render(w, r, status, anomalyPage(f, v))
}

func (c *Console) anomalyFacts(l web.Locale, one app.AnomalyView) []Fact {
	now := c.App.Now()
	usual := l.T("anomaly.usual_most", "high", count(int(one.High)))
	switch {
	case one.Kind == oversight.AnomalyOverdue:
		usual = l.T("anomaly.usual_decided")
	case one.Kind != oversight.AnomalyCut && one.Kind != oversight.AnomalyRegrab:
		usual = l.T("anomaly.usual_range", "low", count(int(one.Low)), "high", count(int(one.High)))
	}
	list := []Fact{
		{Key: l.T("anomaly.seen"), Value: seenWords(l, one.Finding)},
		{Key: l.T("anomaly.usual"), Value: usual, Note: l.T("anomaly.usual_note")},
		{Key: l.T("anomaly.where"), Value: c.whereName(l, one.HallID, one.QueueID), Note: hourNote(one.Finding), Href: hallPath(one.HallID)},
		{Key: l.T("alert.since"), Value: l.Near(one.Since, now), Note: c.seenLast(l, one.Anomaly)},
		{Key: l.T("anomaly.act_by"), Value: l.T("rank." + string(one.Holder())), Note: movedUp(l, one.Anomaly)},
		{Key: l.T("anomaly.stage"), Value: l.T("anomaly.stage." + string(one.Stage())), Note: one.ID},
	}
	if !one.NextAt.IsZero() {
		list = append(list, Fact{Key: l.T("anomaly.next_level"), Value: l.When(one.NextAt), Note: l.T("anomaly.next_level_note")})
	}
	if one.Reopened > 0 {
		list = append(list, Fact{Key: l.T("anomaly.reopened"), Value: count(one.Reopened)})
	}
	if !one.AckAt.IsZero() {
		list = append(list, Fact{Key: l.T("alert.ack"), Value: l.T("alert.ack_by", "who", one.AckBy, "at", l.Near(one.AckAt, now))})
	}
	if one.Request != "" {
		fact := Fact{Key: l.T("anomaly.led_to"), Value: one.Request, Href: requestPath(one.Request), Note: l.T("alert.ack_by", "who", one.ActedBy, "at", l.Near(one.ActedAt, now))}
		if one.About != nil {
			fact.Note = c.sentence(l, one.About.HallID, one.About.QueueID, one.About.Change) + " · " + l.T("request.state."+string(one.About.State))
		}
		list = append(list, fact)
	}
	if !one.EndedAt.IsZero() {
		list = append(list, Fact{Key: l.T("anomaly.ended"), Value: l.Near(one.EndedAt, now), Note: l.T("anomaly.ended_note")})
	}
	if !one.ClosedAt.IsZero() {
		list = append(list, Fact{Key: l.T("anomaly.closure." + string(one.Reason)), Value: one.Why, Note: l.T("alert.ack_by", "who", one.ClosedBy, "at", l.Near(one.ClosedAt, now))})
	}
	return list
}

// answers are the requests that may answer an anomaly, filled in as far as can be said.
func answers(l web.Locale, one app.AnomalyView) (out []ui.Link) {
	var kinds []supply.Kind
	switch one.Kind {
	case oversight.AnomalySaturation:
		kinds = []supply.Kind{supply.Extend, supply.Weekend}
	case oversight.AnomalyUnused, oversight.AnomalyNoShows, oversight.AnomalyCancellations, oversight.AnomalyCut:
		kinds = []supply.Kind{supply.Capacity}
	}
	for _, k := range kinds {
		q := url.Values{"hall": {one.HallID}, "kind": {string(k)}, "anomaly": {one.ID}}
		if one.QueueID != "" {
			q.Set("queue", one.QueueID)
		}
		out = append(out, ui.Link{Text: l.T("anomaly.ask." + string(k)), Href: requestsPath + "/new?" + q.Encode()})
	}
	return out
}

// acknowledge takes up an alert of the waitlist, or an anomaly.
func (c *Console) acknowledge(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	if !strings.HasPrefix(r.PathValue("id"), "N") {
		return c.onAlert((*app.App).AcknowledgeAlert)(w, r, ad)
	}
	return c.dealt(w, r, ad, c.App.AcknowledgeAnomaly(r.Context(), ad, r.PathValue("id")), oversight.StageTaken)
}

func (c *Console) actOnAnomaly(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	err := c.App.ActOnAnomaly(r.Context(), ad, r.PathValue("id"), strings.ToUpper(strings.TrimSpace(r.PostForm.Get("request"))))
	return c.dealt(w, r, ad, err, oversight.StageActed)
}

func (c *Console) closeAnomaly(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	err := c.App.CloseAnomaly(r.Context(), ad, r.PathValue("id"), oversight.Closure(r.PostForm.Get("reason")), r.PostForm.Get("why"))
	return c.dealt(w, r, ad, err, oversight.StageClosed)
}

// dealt leads on after an act about an anomaly, or shows its page again with what stood against it.
func (c *Console) dealt(w http.ResponseWriter, r *http.Request, ad *app.Admin, err error, did oversight.Stage) error {
	if err == nil {
		return web.SeeOther(w, r, address(anomalyPath(r.PathValue("id")), "did", string(did)))
	}
	switch e := fault.As(err); e.Kind {
	case fault.Invalid, fault.Conflict, fault.Forbidden:
		return c.showAnomaly(w, r, ad, e)
	}
	return err
}

// ledTo tells the anomaly or the advice that a request was made from what it led to. The request stands without it: what
// was closed meanwhile, or is no longer theirs, is left alone.
func (c *Console) ledTo(r *http.Request, ad *app.Admin, form url.Values, request string) {
	if id := form.Get("anomaly"); id != "" {
		_ = c.App.ActOnAnomaly(r.Context(), ad, id, request)
	}
	if id := form.Get("advice"); id != "" {
		_ = c.App.FollowAdvice(r.Context(), ad, id, request)
	}
}
