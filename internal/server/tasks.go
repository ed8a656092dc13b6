package server

import (
	"context"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/feed"
	"suiyue/internal/gate/webhook"
	"suiyue/internal/jobs"
	"suiyue/internal/store"
	"suiyue/internal/web"
)

// newRunner makes the runner of this node. Leases are held in its name; a demonstration, which is one
// node, keeps one name so that a start finds no lease of the run before.
func (s *Server) newRunner() *jobs.Runner {
	holder := s.app.Node()
	if s.cfg.Demo {
		holder = "demo"
	}
	return &jobs.Runner{
		Take: func(ctx context.Context, name string, hold time.Duration) (bool, error) {
			has := false
			err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
				if hold == 0 {
					return tx.ReleaseLease(ctx, name, holder)
				}
				has, err = tx.TakeLease(ctx, name, holder, tx.Now, hold)
				return err
			})
			return has, err
		},
		Now: s.clock.Now, Log: s.log, Told: s.metrics.turn(s.clock.Now),
	}
}

func (s *Server) tasks() []jobs.Task {
	carry := carrier(s.texting)
	if s.cfg.Demo {
		carry = withoutExtras(carry)
	}
	mail := &jobs.Mail{
		App: s.app, Carrier: carry, Log: s.log,
		// The language a person reads is not known to a job; Chinese is what carriers approve.
		Words: func(m app.Outgoing) jobs.Text { return words(web.Hans, m, s.clock.Now()) },
		Hold:  s.hold(), Ask: s.texting.gateways.ask(),
		Told: func(kind booking.MessageKind, outcome string) {
			s.metrics.sent.WithLabelValues(string(kind), outcome).Inc()
		},
	}
	if !s.cfg.Demo {
		mail.Admit = s.app.AdmitMessages
	}
	hooks := &jobs.Webhooks{
		App: s.app, Log: s.log,
		Post: func(ctx context.Context, m *app.WebhookMessage) feed.Answer {
			return s.hooks.Post(ctx, webhook.Message{ID: m.ID, URL: m.URL, Body: m.Body, Secrets: m.Secrets})
		},
		Told: func(fate string) { s.metrics.posted.WithLabelValues(fate).Inc() },
	}
	return jobs.Tasks(s.app, mail, hooks, s.log, func(alert bool) {
		s.metrics.horizon.Set(map[bool]float64{true: 1}[alert])
	})
}
