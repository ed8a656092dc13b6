package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"suiyue/internal/app"
	"suiyue/internal/domain/fault"
	"suiyue/internal/gate/sms"
	"suiyue/internal/jobs"
	"suiyue/internal/web"
)

// metrics counts what the process does. Labels come from closed sets only: names of statements,
// codes, route patterns, task names. Nothing of a person and no raw path becomes a label.
type metrics struct {
	registry   *prometheus.Registry
	statements *prometheus.HistogramVec
	statErrors *prometheus.CounterVec
	refusals   *prometheus.CounterVec
	groups     prometheus.Histogram
	requests   *prometheus.HistogramVec
	turns      *prometheus.CounterVec
	success    *prometheus.GaugeVec
	sent       *prometheus.CounterVec
	posted     *prometheus.CounterVec
	horizon    prometheus.Gauge
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		statements: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "suiyue_statement_seconds", Help: "Duration of SQL statements by name.",
			Buckets: []float64{.0002, .001, .005, .02, .1, .5, 2},
		}, []string{"statement"}),
		statErrors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "suiyue_statement_errors_total", Help: "SQL statements that failed, by name.",
		}, []string{"statement"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "suiyue_booking_refusals_total", Help: "Booking, moving and cancelling requests refused, by code.",
		}, []string{"code"}),
		groups: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "suiyue_lane_group_size", Help: "Booking requests answered by one transaction.",
			Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512},
		}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "suiyue_http_request_seconds", Help: "Duration of HTTP requests by route pattern and status.",
			Buckets: []float64{.001, .005, .02, .05, .1, .5, 2, 10},
		}, []string{"method", "route", "status"}),
		turns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "suiyue_task_turns_total", Help: "Turns of background tasks by outcome.",
		}, []string{"task", "outcome"}),
		success: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "suiyue_task_last_success_seconds", Help: "When a background task last ran well on this node, seconds since 1970.",
		}, []string{"task"}),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "suiyue_messages_total", Help: "Messages handed to the carrier by outcome.",
		}, []string{"kind", "outcome"}),
		posted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "suiyue_webhook_messages_total", Help: "Messages posted to addresses of connected systems, by what became of them.",
		}, []string{"fate"}),
		horizon: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "suiyue_calendar_horizon_alert", Help: "1 while the booking window reaches a year whose holiday notice is not loaded.",
		}),
	}
	m.registry.MustRegister(m.statements, m.statErrors, m.refusals, m.groups, m.requests, m.turns, m.success, m.sent, m.posted, m.horizon,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// waits makes known how often the waits that were told came true over the last days (2025 regulation).
func (m *metrics) waits(coverage func() (told, held int)) {
	told := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "suiyue_wait_ranges_told", Help: "Waits told as a range over the last 28 days to people who were called.",
	}, func() float64 { told, _ := coverage(); return float64(told) })
	held := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "suiyue_wait_ranges_held", Help: "Of them, those within which the call came; four in five are meant to be.",
	}, func() float64 { _, held := coverage(); return float64(held) })
	m.registry.MustRegister(told, held)
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) statement(name string, took time.Duration, err error) {
	m.statements.WithLabelValues(name).Observe(took.Seconds())
	if err != nil {
		m.statErrors.WithLabelValues(name).Inc()
	}
}

func (m *metrics) refused(code fault.Code) { m.refusals.WithLabelValues(string(code)).Inc() }

func (m *metrics) grouped(size int) { m.groups.Observe(float64(size)) }

func (m *metrics) request(o web.Observation) {
	m.requests.WithLabelValues(o.Method, o.Route, strconv.Itoa(o.Status)).Observe(o.Duration.Seconds())
}

func (m *metrics) turn(now func() time.Time) func(jobs.Turn) {
	return func(t jobs.Turn) {
		m.turns.WithLabelValues(t.Task, string(t.Outcome)).Inc()
		if t.Outcome == jobs.Ran {
			m.success.WithLabelValues(t.Task).Set(float64(now().Unix()))
		}
	}
}

// lanes reads the lanes of a at each scrape.
func (m *metrics) lanes(a *app.App) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "suiyue_stale_slots", Help: "Hours with bookings that differ from what their queue and calendar say now.",
	}, func() float64 { return float64(a.Stale()) }), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "suiyue_room_waiting", Help: "People in the line of this node's waiting room.",
	}, func() float64 { waiting, _ := a.Room(); return float64(waiting) }), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "suiyue_room_inside", Help: "People who are let in to book at this node and not done.",
	}, func() float64 { _, inside := a.Room(); return float64(inside) }), &laneCollector{
		app:     a,
		waiting: prometheus.NewDesc("suiyue_lane_waiting", "Requests waiting in line for the lanes.", nil, nil),
		running: prometheus.NewDesc("suiyue_lane_running", "Requests a lane is answering now.", []string{"lane"}, nil),
	})
}

// gateways tells which carriers of short messages are connected.
func (m *metrics) gateways(states func() []sms.State) {
	for i, g := range states() {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "suiyue_sms_gateway_up", Help: "1 where this node has a line to the carrier of short messages.", ConstLabels: prometheus.Labels{"gateway": g.Name},
		}, func() float64 {
			if states()[i].Well {
				return 1
			}
			return 0
		}))
	}
}

type laneCollector struct {
	app              *app.App
	waiting, running *prometheus.Desc
}

func (c *laneCollector) Describe(ch chan<- *prometheus.Desc) { ch <- c.waiting; ch <- c.running }

func (c *laneCollector) Collect(ch chan<- prometheus.Metric) {
	waiting, running := c.app.Lanes()
	ch <- prometheus.MustNewConstMetric(c.waiting, prometheus.GaugeValue, float64(waiting))
	for i, n := range running {
		ch <- prometheus.MustNewConstMetric(c.running, prometheus.GaugeValue, float64(n), strconv.Itoa(i))
	}
}
