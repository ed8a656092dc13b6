package feed

import "time"

// Webhook is an address of a connected system to which events are posted, in their order, one message at a time.
type Webhook struct {
	ID       string
	SourceID string
	URL      string
	MadeAt   time.Time
	EndedAt  time.Time // zero = not taken away
	OffAt    time.Time // zero = on; nothing is sent while it is off
	Off      Off       // why, "" while it is on

	After   int64     // events up to this number have been delivered or put aside
	Upto    int64     // of the message under way, its last event; 0 = there is none
	Tries   int       // of that message, that failed
	FirstAt time.Time // its first try
	NextAt  time.Time // nothing is sent before

	SuccessAt time.Time // when a message was delivered last; zero = never
	FailingAt time.Time // since when none got through; zero = the last one did
	Failure   Failure   // of the last try, "" where it did not fail
	Status    int       // HTTP status of the last try that failed; 0 = there was no answer
}

// Off says why nothing is sent.
type Off string

const (
	OffGone    Off = "gone"    // the address said that it is gone (410)
	OffFailing Off = "failing" // nothing got through for OffAfter
)

// MostWebhooks is how many addresses a system may have, MostWebhookSecrets how many secrets of an address are in force at
// a time, MostPosted how many events one message holds.
const (
	MostWebhooks       = 5
	MostWebhookSecrets = 2
	MostPosted         = 50
)

// WebhookState is what may be said of a webhook.
type WebhookState string

const (
	WebhookOn      WebhookState = "on"
	WebhookFailing WebhookState = "failing" // on, and the last try failed
	WebhookOff     WebhookState = "off"
	WebhookEnded   WebhookState = "ended"
)

// State tells how it is with the webhook.
func (w *Webhook) State() WebhookState {
	switch {
	case !w.EndedAt.IsZero():
		return WebhookEnded
	case !w.OffAt.IsZero():
		return WebhookOff
	case !w.FailingAt.IsZero():
		return WebhookFailing
	}
	return WebhookOn
}

// pauses lie between the tries of one message: ten tries over 75 hours, 35 minutes and 5 seconds. Each pause is longer by
// up to a tenth by chance.
var pauses = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// MostTries is how often one message is tried, and OffAfter for how long nothing gets through before the address is
// switched off.
const (
	MostTries = 10
	OffAfter  = 30 * 24 * time.Hour
)

// An address that asks to be left alone for a while is, so long at least and at most. It does not count as a try until
// the message is as old as its last try would be.
const (
	leastWait = time.Second
	mostWait  = 24 * time.Hour
	patience  = 75*time.Hour + 35*time.Minute + 5*time.Second
)

// Pause is how long to wait after so many tries that failed (1 ≤ failed); false when that was the last. 0 ≤ chance < 1.
func Pause(failed int, chance float64) (time.Duration, bool) {
	if failed > len(pauses) {
		return 0, false
	}
	p := pauses[max(failed, 1)-1]
	return p + time.Duration(chance*float64(p)/10), true
}

// Failure is why a message was not delivered.
type Failure string

const (
	FailedAddress  Failure = "address"  // it is none that may be called
	FailedConnect  Failure = "connect"  // no connection, or it broke off
	FailedTimeout  Failure = "timeout"  // no answer in time
	FailedRedirect Failure = "redirect" // it leads elsewhere, which is not followed
	FailedStatus   Failure = "status"   // answered with another status than 2xx
)

// Failures lists them.
var Failures = []Failure{FailedAddress, FailedConnect, FailedTimeout, FailedRedirect, FailedStatus}

// Answer is what came of posting a message.
type Answer struct {
	Failure Failure       // "" = delivered
	Status  int           // of the answer, 0 = there was none
	Wait    time.Duration // it asks for this much (Retry-After of 429 and 503), 0 = it does not
}

// Fate is what became of a message.
type Fate string

const (
	Delivered Fate = "delivered"
	Again     Fate = "again"     // it is tried again at NextAt
	PutAside  Fate = "put_aside" // that was the last try: it is kept, and the next one follows
	Stopped   Fate = "stopped"   // the webhook is off; the message waits
)

// Fates lists them.
var Fates = []Fate{Delivered, Again, PutAside, Stopped}

// Tried returns the webhook after a try of the message under way at now, and what became of the message.
func (w Webhook) Tried(now time.Time, got Answer, chance float64) (Webhook, Fate) {
	if got.Failure == "" {
		w.After, w.Upto, w.Tries, w.FirstAt, w.NextAt = w.Upto, 0, 0, time.Time{}, now
		w.SuccessAt, w.FailingAt, w.Failure, w.Status = now, time.Time{}, "", 0
		return w, Delivered
	}
	w.Failure, w.Status = got.Failure, got.Status
	if w.FailingAt.IsZero() {
		w.FailingAt = now
	}
	if got.Status == 410 {
		w.OffAt, w.Off = now, OffGone
		return w, Stopped
	}
	if now.Sub(w.FailingAt) >= OffAfter {
		w.OffAt, w.Off = now, OffFailing
		return w, Stopped
	}
	if got.Wait > 0 && now.Sub(w.FirstAt) < patience {
		w.NextAt = now.Add(min(max(got.Wait, leastWait), mostWait))
		return w, Again
	}
	w.Tries++
	pause, more := Pause(w.Tries, chance)
	if !more {
		w.After, w.Upto, w.Tries, w.FirstAt, w.NextAt = w.Upto, 0, 0, time.Time{}, now
		return w, PutAside
	}
	w.NextAt = now.Add(max(pause, min(got.Wait, mostWait)))
	return w, Again
}

// Undelivered is a message that was put aside after its last try.
type Undelivered struct {
	After, Upto int64 // its events have the numbers behind After, up to Upto
	Events      int
	Tries       int
	FirstAt     time.Time
	AsideAt     time.Time
	Failure     Failure
	Status      int
	AgainAt     time.Time // somebody asked for it to be sent again; zero = nobody does now
	DoneAt      time.Time // delivered since; zero = not
}

// Retried returns the message after it was sent again at now.
func (u Undelivered) Retried(now time.Time, got Answer) Undelivered {
	u.Tries++
	u.AgainAt, u.Failure, u.Status = time.Time{}, got.Failure, got.Status
	if got.Failure == "" {
		u.DoneAt, u.Status = now, 0
	}
	return u
}

// Open tells whether it has not been delivered since.
func (u *Undelivered) Open() bool { return u.DoneAt.IsZero() }

// MostWaiting is how far the events that wait for an address are counted.
const MostWaiting = 9999
