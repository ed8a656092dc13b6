package console

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/feed"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// Addresses to which the events of connected systems are posted, kept by the security role (三員).

const (
	webhooksPattern = clientsPath + "/{source}/webhooks"
	webhookPattern  = webhooksPattern + "/{id}"
)

func (c *Console) webhookRoutes() {
	c.add(Route{Pattern: "GET " + webhooksPattern, Act: account.Keys}, c.webhooks)
	c.add(Route{Pattern: "POST " + webhooksPattern, Act: account.Keys, Prove: true}, c.makeWebhook)
	c.add(Route{Pattern: "GET " + webhookPattern, Act: account.Keys}, c.webhook)
	c.add(Route{Pattern: "POST " + webhookPattern + "/secret", Act: account.Keys, Prove: true}, c.makeWebhookSecret)
	c.add(Route{Pattern: "POST " + webhookPattern + "/resume", Act: account.Keys, Prove: true}, c.resumeWebhook)
	c.add(Route{Pattern: "POST " + webhookPattern + "/again", Act: account.Keys, Prove: true}, c.sendAgain)
	c.add(Route{Pattern: "GET " + webhookPattern + "/end", Act: account.Keys, Prove: true}, c.endWebhookForm)
	c.add(Route{Pattern: "POST " + webhookPattern + "/end", Act: account.Keys, Prove: true}, c.endWebhook)
}

func webhooksPath(source string) string    { return clientPath(source) + "/webhooks" }
func webhookPath(source, id string) string { return webhooksPath(source) + "/" + id }

// webhookTag says how it is with an address.
func webhookTag(l web.Locale, w app.WebhookInfo, now time.Time) Cell {
	state := w.State()
	cell := Cell{Tag: ui.Tag{Text: l.T("webhook.state_" + string(state))}}
	switch state {
	case feed.WebhookOn:
		cell.Tag.Kind = ui.TagGreen
	case feed.WebhookFailing:
		cell.Tag.Kind, cell.Note = ui.TagRed, l.T("webhook.since", "at", l.Near(w.FailingAt, now))
	case feed.WebhookOff:
		cell.Tag.Kind, cell.Note = ui.TagAmber, l.T("webhook.off_"+string(w.Off))
	}
	return cell
}

func failureText(l web.Locale, f feed.Failure, status int) string {
	if f == "" {
		return ""
	}
	return l.T("webhook.failure."+string(f), "status", strconv.Itoa(status))
}

// waitingText counts what waits, as far as it is counted.
func waitingText(n int) string {
	if n >= feed.MostWaiting {
		return count(n) + "+"
	}
	return count(n)
}

// webhookTable lists addresses with what waits for each. href gives the address of one's page, "" for none.
func (c *Console) webhookTable(l web.Locale, list []app.WebhookInfo, href func(id string) string) Table {
	now := c.App.Now()
	t := Table{Caption: l.T("webhook.title"), Shown: true, Empty: ui.EmptyView{Title: l.T("webhook.none"), Text: l.T("webhook.none_hint")}, Cols: []Col{
		{Text: l.T("webhook.url")}, {Text: l.T("webhook.state")}, {Text: l.T("webhook.success")}, {Text: l.T("webhook.waiting"), Number: true}, {Text: l.T("webhook.undelivered"), Number: true},
	}}
	for _, w := range list {
		success := l.T("webhook.never")
		if !w.SuccessAt.IsZero() {
			success = l.Near(w.SuccessAt, now)
		}
		t.Rows = append(t.Rows, Row{Cells: []Cell{{Text: w.URL, Href: href(w.ID)}, webhookTag(l, w, now), {Text: success}, {Text: waitingText(w.Waiting)}, {Text: count(w.Undelivered)}}})
	}
	return t
}

type webhooksView struct {
	formView
	Table Table
	Done  string
	Made  string // secret of an address that was just added; it is shown this once
	Form  bool   // one may be added
	URL   string
}

func (c *Console) webhooks(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showWebhooks(w, r, ad, "", nil)
}

func (c *Console) showWebhooks(w http.ResponseWriter, r *http.Request, ad *app.Admin, made string, problem error) error {
	l, id := web.LocaleOf(r), r.PathValue("source")
	s, list, err := c.App.Webhooks(r.Context(), ad, id)
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("webhook.title"))
	f.Path, f.Lead = append(c.home0(l), ui.Link{Text: l.T("client.title"), Href: clientsPath}, ui.Link{Text: s.Name, Href: clientPath(id)}), l.T("webhook.lead")
	v := webhooksView{
		formView: c.formView(&f, webhooksPath(id), problem, map[string]string{"url": l.T("webhook.url")}), Made: made, Form: s.On(calendar.DateOf(c.App.Now())),
		Table: c.webhookTable(l, list, func(hook string) string { return webhookPath(id, hook) }),
	}
	if problem != nil {
		v.URL = r.PostForm.Get("url")
	}
	if r.URL.Query().Get("did") == "ended" {
		v.Done = l.T("webhook.did_ended")
	}
	return web.Render(w, r, v.status(), webhooksPage(f, v))
}

func (c *Console) makeWebhook(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	secret, _, err := c.App.AddWebhook(r.Context(), ad, r.PathValue("source"), r.PostForm.Get("url"))
	switch {
	case err == nil:
		w.Header().Set("Cache-Control", "no-store")
		return c.showWebhooks(w, r, ad, secret, nil)
	case comesBack(err):
		return c.showWebhooks(w, r, ad, "", err)
	}
	return err
}

type webhookView struct {
	formView
	Known   []Fact
	Done    string
	Made    string // secret that was just made; it is shown this once
	Secrets Table
	Aside   Table
	More    bool   // another secret may be made
	Resume  string // text of the button, "" where there is nothing to resume
	All     bool   // more than one message may be sent again
	End     string // address of the page to take it away, "" where it was
}

func (c *Console) webhook(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showWebhook(w, r, ad, "", nil)
}

func (c *Console) showWebhook(w http.ResponseWriter, r *http.Request, ad *app.Admin, made string, problem error) error {
	l, source, id, now := web.LocaleOf(r), r.PathValue("source"), r.PathValue("id"), c.App.Now()
	s, hook, aside, err := c.App.Webhook(r.Context(), ad, source, id)
	if err != nil {
		return err
	}
	path := webhookPath(source, id)
	f := c.frame(w, r, ad, hook.URL)
	f.Path = c.webhookTrail(l, s)
	state := hook.State()
	v := webhookView{formView: c.formView(&f, path, problem, nil), Made: made, More: state != feed.WebhookEnded && hook.LiveSecrets() < feed.MostWebhookSecrets}
	switch did := r.URL.Query().Get("did"); did {
	case "secret", "resumed", "again":
		v.Done = l.T("webhook.did_" + did)
	}
	switch state {
	case feed.WebhookOff:
		v.Resume = l.T("webhook.switch_on")
	case feed.WebhookFailing:
		v.Resume = l.T("webhook.resume")
	}
	if state != feed.WebhookEnded {
		v.End = path + "/end"
	}
	v.Known = webhookFacts(l, hook, now)
	v.Secrets = secretTable(l, hook, path)
	v.Aside, v.All = asideTable(l, f.Token, aside, path, state, now)
	return web.Render(w, r, v.status(), webhookPage(f, v))
}

// webhookTrail leads to the addresses of a connected system.
func (c *Console) webhookTrail(l web.Locale, s oversight.Source) []ui.Link {
	return append(c.home0(l), ui.Link{Text: l.T("client.title"), Href: clientsPath}, ui.Link{Text: s.Name, Href: clientPath(s.ID)}, ui.Link{Text: l.T("webhook.title"), Href: webhooksPath(s.ID)})
}

func webhookFacts(l web.Locale, hook app.WebhookInfo, now time.Time) []Fact {
	tag := webhookTag(l, hook, now)
	success := l.T("webhook.never")
	if !hook.SuccessAt.IsZero() {
		success = l.Near(hook.SuccessAt, now)
	}
	out := []Fact{
		{Key: l.T("webhook.state"), Part: ui.TagMark(tag.Tag), Note: tag.Note}, {Key: l.T("webhook.success"), Value: success},
		{Key: l.T("webhook.waiting"), Value: waitingText(hook.Waiting)}, {Key: l.T("webhook.undelivered"), Value: count(hook.Undelivered)},
	}
	if hook.State() != feed.WebhookFailing {
		return out
	}
	out = append(out, Fact{Key: l.T("webhook.last_failure"), Value: failureText(l, hook.Failure, hook.Status)})
	if hook.Upto > 0 && hook.NextAt.After(now) {
		out = append(out, Fact{Key: l.T("webhook.next_try"), Value: l.Near(hook.NextAt, now), Note: l.T("webhook.try_of", "n", count(hook.Tries+1), "of", count(feed.MostTries))})
	}
	return out
}

func secretTable(l web.Locale, hook app.WebhookInfo, path string) Table {
	t := Table{Caption: l.T("webhook.secrets"), Shown: true, Cols: []Col{{Text: l.T("webhook.secret_id")}, {Text: l.T("client.state")}, {Text: l.T("webhook.secret_since")}, {Text: l.T("account.action")}}}
	for _, s := range hook.Secrets {
		state, end := Cell{Tag: ui.Tag{Text: l.T("client.state_live"), Kind: ui.TagGreen}}, Cell{}
		switch {
		case !s.EndedAt.IsZero():
			state.Tag = ui.Tag{Text: l.T("client.state_ended")}
		case hook.LiveSecrets() > 1:
			end = Cell{Text: l.T("tokens.end"), Href: address(path+"/end", "secret", s.ID)}
		}
		t.Rows = append(t.Rows, Row{Cells: []Cell{{Text: s.ID[:8]}, state, {Text: l.LongDate(calendar.DateOf(s.MadeAt))}, end}})
	}
	return t
}

// asideTable lists messages that were put aside; all tells whether more than one may be sent again.
func asideTable(l web.Locale, token string, list []feed.Undelivered, path string, state feed.WebhookState, now time.Time) (t Table, all bool) {
	t = Table{Caption: l.T("webhook.undelivered"), Shown: true, Empty: ui.EmptyView{Title: l.T("webhook.aside_none")}, Cols: []Col{
		{Text: l.T("webhook.aside_numbers")}, {Text: l.T("webhook.aside_events"), Number: true}, {Text: l.T("webhook.aside_at")}, {Text: l.T("webhook.aside_why")}, {Text: l.T("client.state")}, {Text: l.T("account.action")},
	}}
	may := state == feed.WebhookOn || state == feed.WebhookFailing
	open := 0
	for _, u := range list {
		numbers := strconv.FormatInt(u.After+1, 10) + "–" + strconv.FormatInt(u.Upto, 10)
		is, act := Cell{Tag: ui.Tag{Text: l.T("webhook.aside_open"), Kind: ui.TagRed}}, Cell{}
		switch {
		case !u.Open():
			is = Cell{Tag: ui.Tag{Text: l.T("webhook.aside_done"), Kind: ui.TagGreen}, Note: l.Near(u.DoneAt, now)}
		case !u.AgainAt.IsZero():
			is.Tag = ui.Tag{Text: l.T("webhook.aside_asked"), Kind: ui.TagRiver}
		case may:
			open++
			act = Cell{Part: againButton(path+"/again", token, strconv.FormatInt(u.Upto, 10), l.T("webhook.again_one"), l.T("webhook.again_title", "id", numbers))}
		}
		why := Cell{Text: failureText(l, u.Failure, u.Status), Note: l.N("webhook.aside_tries", u.Tries)}
		t.Rows = append(t.Rows, Row{Cells: []Cell{{Text: numbers}, {Text: count(u.Events)}, {Text: l.Near(u.AsideAt, now)}, why, is, act}})
	}
	return t, open > 1
}

// afterWebhook leads back to the page of an address once something was done, or says there what stood in the way.
func (c *Console) afterWebhook(w http.ResponseWriter, r *http.Request, ad *app.Admin, did string, err error) error {
	switch {
	case err == nil:
		return web.SeeOther(w, r, address(webhookPath(r.PathValue("source"), r.PathValue("id")), "did", did))
	case comesBack(err):
		return c.showWebhook(w, r, ad, "", err)
	}
	return err
}

func (c *Console) makeWebhookSecret(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	secret, err := c.App.AddWebhookSecret(r.Context(), ad, r.PathValue("source"), r.PathValue("id"))
	if err != nil {
		return c.afterWebhook(w, r, ad, "", err)
	}
	w.Header().Set("Cache-Control", "no-store")
	return c.showWebhook(w, r, ad, secret, nil)
}

func (c *Console) resumeWebhook(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.afterWebhook(w, r, ad, "resumed", c.App.ResumeWebhook(r.Context(), ad, r.PathValue("source"), r.PathValue("id")))
}

// sendAgain asks for one message, or with no number for all of them.
func (c *Console) sendAgain(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	upto := int64(0)
	if text := r.PostForm.Get("upto"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return fault.New(fault.NothingUndelivered)
		}
		upto = n
	}
	_, err := c.App.SendAgain(r.Context(), ad, r.PathValue("source"), r.PathValue("id"), upto)
	return c.afterWebhook(w, r, ad, "again", err)
}

func (c *Console) endWebhookForm(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showEndWebhook(w, r, ad, nil)
}

// showEndWebhook asks before an address is taken away, or one of its secrets where one is named.
func (c *Console) showEndWebhook(w http.ResponseWriter, r *http.Request, ad *app.Admin, problem error) error {
	l, source, id, secret := web.LocaleOf(r), r.PathValue("source"), r.PathValue("id"), r.FormValue("secret")
	s, hook, _, err := c.App.Webhook(r.Context(), ad, source, id)
	if err != nil {
		return err
	}
	path := webhookPath(source, id)
	title, text, warning := l.T("webhook.end"), l.T("webhook.end_text", "url", hook.URL, "source", s.Name), l.T("webhook.end_warning")
	if secret != "" {
		if !slices.ContainsFunc(hook.Secrets, func(x app.WebhookSecret) bool { return x.ID == secret }) {
			return fault.New(fault.WebhookNotFound)
		}
		title, text, warning = l.T("webhook.secret_end"), l.T("webhook.secret_end_text", "id", secret[:8], "url", hook.URL), l.T("webhook.secret_end_warning")
	}
	f := c.frame(w, r, ad, title)
	f.Narrow, f.Path = true, append(c.webhookTrail(l, s), ui.Link{Text: hook.URL, Href: path})
	v := endHeldView{formView: c.formView(&f, path+"/end", problem, map[string]string{"why": l.T("log.why")}), Why: r.PostForm.Get("why")}
	v.Confirm = Confirm{
		L: l, Action: path + "/end", Token: f.Token, Text: text, Warning: warning, Yes: title, Danger: true, No: ui.Link{Text: l.T("console.fault.back"), Href: path},
		Hidden: [][2]string{{"secret", secret}},
	}
	return web.Render(w, r, v.status(), endHeldPage(f, v))
}

func (c *Console) endWebhook(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	source, id, p := r.PathValue("source"), r.PathValue("id"), r.PostForm
	var err error
	to := address(webhooksPath(source), "did", "ended")
	if secret := p.Get("secret"); secret != "" {
		to = address(webhookPath(source, id), "did", "secret")
		err = c.App.EndWebhookSecret(r.Context(), ad, source, id, secret, p.Get("why"))
	} else {
		err = c.App.EndWebhook(r.Context(), ad, source, id, p.Get("why"))
	}
	switch {
	case err == nil:
		return web.SeeOther(w, r, to)
	case comesBack(err):
		return c.showEndWebhook(w, r, ad, err)
	}
	return err
}
