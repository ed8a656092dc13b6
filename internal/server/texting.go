package server

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"strconv"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/gate/sms"
	"suiyue/internal/jobs"
	"suiyue/internal/web"
)

// outboxSize is how many messages the page of the demonstration can look back.
const outboxSize = 500

// texting is how short messages leave.
type texting struct {
	sender   sms.Sender
	outbox   *sms.Outbox // nil unless messages stay in memory
	gateways *gateways   // nil unless they go to carriers
}

func (t texting) Close() error {
	if c, ok := t.sender.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// hold is how long a message that a carrier may have waits for a report.
func (t texting) hold() time.Duration {
	if t.gateways == nil {
		return 0
	}
	return holdFor
}

// newTexting opens what the configuration says. keep records what gateways report.
func newTexting(c *Config, now func() time.Time, log *slog.Logger, keep keepReports) (t texting, err error) {
	switch c.SMS {
	case "file":
		t.sender, err = sms.OpenFile(c.SMSFile, now)
	case "gateways":
		if t.gateways, err = openGateways(c.SMSGateways, now, log, keep); err == nil {
			t.sender = t.gateways.chain
		}
	default:
		t.outbox = sms.NewOutbox(outboxSize, now)
		t.sender = t.outbox
	}
	return t, err
}

// carrier hands the messages of jobs to an SMS driver.
func carrier(t texting) jobs.Carrier {
	return func(ctx context.Context, one jobs.Text) (jobs.Carried, error) {
		r, err := t.sender.Send(ctx, message(one))
		switch {
		case err == nil:
			return t.carried(r), nil
		case sms.ClassOf(err) == sms.Permanent || sms.ClassOf(err) == sms.Unsuited:
			err = errors.Join(jobs.ErrRefused, err)
		case sms.ClassOf(err) == sms.Unknown:
			err = errors.Join(jobs.ErrUnknown, err)
		default:
			err = errors.Join(jobs.ErrLater, err)
		}
		return jobs.Carried{}, err
	}
}

func message(t jobs.Text) sms.Message {
	return sms.Message{To: t.To, Template: t.Template, Text: t.Body, Reference: t.Reference, Language: t.Language, Values: t.Values}
}

// carried is what a receipt says, and costs.
func (t texting) carried(r sms.Receipt) jobs.Carried {
	c := jobs.Carried{Receipt: r.ID, Gateway: r.Gateway, Tag: r.Tag, Parts: r.Parts, Charged: r.Segments}
	if t.gateways != nil {
		c.Price, c.Asked = t.gateways.prices[r.Gateway], t.gateways.chain.Asks(r.Gateway)
	}
	return c
}

// text says one wording, and what it was filled with; args are name, value, name, value …
func text(l web.Locale, phone, key string, args ...string) jobs.Text {
	values := make(map[string]string, len(args)/2)
	for i := 0; i < len(args); i += 2 {
		values[args[i]] = args[i+1]
	}
	return jobs.Text{To: phone, Template: key, Language: string(l), Body: l.T(key, args...), Values: values}
}

// words says a message in one language: plain, without links, as carriers demand.
func words(l web.Locale, m app.Outgoing, now time.Time) jobs.Text {
	if m.Ticket != nil {
		return ticketWords(l, m)
	}
	if m.Case != nil {
		return caseWords(l, m)
	}
	if m.Wait != nil {
		return waitWords(l, m)
	}
	v := m.View
	hall, item := v.Booking.HallID, v.Booking.Item
	if v.Hall != nil {
		hall = l.Text(v.Hall.Name)
	}
	if v.Item != nil {
		item = l.Text(v.Item.Name)
	}
	item = l.For(item, v.Applicant.Whom())
	key := "sms." + string(m.Row.Kind)
	args := []string{"when", l.Slot(v.Booking.Date, v.Booking.Hour), "hall", hall, "item", item,
		"code", v.Code, "until", l.CancelUntil(v.CancelUntil, now)}
	if lost := v.Lost; lost != nil {
		at, why := lost.HallID, "choice.why.cut"
		if lost.Hall != nil {
			at = l.Text(lost.Hall.Name)
		}
		if lost.Closed {
			why = "choice.why.closed"
		}
		args = append(args, "lost", l.Slot(lost.Date, lost.Hour), "lost_hall", at, "why", l.T(why), "choose", l.When(lost.Until))
	}
	return text(l, m.Phone, key, args...)
}

// waitWords says a message about an entry of the waitlist.
func waitWords(l web.Locale, m app.Outgoing) jobs.Text {
	w := m.Wait
	item, hall := w.Entry.Item, w.Entry.HallID
	if w.Item != nil {
		item = l.Text(w.Item.Name)
	}
	item = l.For(item, w.Applicant.Whom())
	if w.Hall != nil {
		hall = l.Text(w.Hall.Name)
	}
	url := ""
	if w.Item != nil {
		url = w.Item.OnlineURL
	}
	key := "sms." + string(m.Row.Kind)
	return text(l, m.Phone, key, "item", item, "hall", hall, "when", l.Slot(w.Date, w.Hour), "until", l.When(w.Entry.Until), "url", url)
}

// ticketWords says a message about a number held in a hall.
func ticketWords(l web.Locale, m app.Outgoing) jobs.Text {
	v := m.Ticket
	hall, item := v.Ticket.HallID, v.Ticket.Item
	if v.Hall != nil {
		hall = l.Text(v.Hall.Name)
	}
	if v.Item != nil {
		item = l.Text(v.Item.Name)
	}
	key := "sms." + string(m.Row.Kind)
	return text(l, m.Phone, key, "number", v.Ticket.Number, "hall", hall, "item", item, "ahead", strconv.Itoa(max(0, v.Ahead)), "link", m.Link)
}

// caseWords says a message about a case of one thing.
func caseWords(l web.Locale, m app.Outgoing) jobs.Text {
	step := ""
	if s := m.Case.Theme.Step(m.Case.Step); s != nil {
		step = l.Text(s.Name)
	}
	key := "sms." + string(m.Row.Kind)
	return text(l, m.Phone, key, "theme", l.For(l.Text(m.Case.Theme.Name), m.Case.Whom), "step", step, "end", l.T("onething.end."+string(m.Case.End)))
}

// texter sends what is not about a booking.
type texter struct {
	texting
	keep func(ctx context.Context, kind string, c jobs.Carried) error // writes down what a carrier has; may be nil
	log  *slog.Logger
}

// Text implements app.Texter. What it says is for whoever holds the phone, in Chinese and, for a code,
// in English too: people from abroad get nothing else.
func (t texter) Text(ctx context.Context, phone, kind string, args map[string]string) error {
	list := make([]string, 0, 2*len(args))
	for k, v := range args {
		list = append(list, k, v)
	}
	one := text(web.Hans, phone, "sms."+kind, list...)
	one.Reference = rand.Text()
	r, err := t.sender.Send(ctx, message(one))
	if err != nil || t.keep == nil || len(r.Parts) == 0 {
		return err
	}
	// It is on its way: not to have written down what it costs is no reason to say that it is not.
	if err := t.keep(context.WithoutCancel(ctx), kind, t.carried(r)); err != nil {
		t.log.Warn("what a message costs was not written down", "kind", kind, "error", err)
	}
	return nil
}
