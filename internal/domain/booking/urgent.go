package booking

import "time"

// Night tells whether a message goes out in quiet hours that end at end. One that says what is so for minutes only does: somebody is called,
// a number is held. Of the others those do that tell of something that begins, or has to be chosen, by the morning after: about is when, zero
// for a message about nothing of the kind, and spares how long after the end that is.
func (k MessageKind) Night(now, about, end time.Time, spares time.Duration) bool {
	if k == MessageNear || k == MessageWaitOffer {
		return true
	}
	return about.After(now) && about.Before(end.Add(spares))
}

// OverLimit says what becomes of a message to a phone that has been sent as many as one is.
type OverLimit string

const (
	LimitWaits OverLimit = "waits" // is sent when the phone may be sent more
	LimitDrops OverLimit = "drops" // is not sent: it says what is shown or called anyway, and is of no use later
	LimitNever OverLimit = "never" // is sent all the same: somebody has to choose in time
)

// OverLimit tells it by kind.
func (k MessageKind) OverLimit() OverLimit {
	switch k {
	case MessageWaitOffer, MessageDisplaced, MessageStranded:
		return LimitNever
	case MessageNear, MessageEvaluate:
		return LimitDrops
	}
	return LimitWaits
}
