package booking

// Messages about a case of one thing (Art. 20), not a booking: Message.Booking is the case's id and
// Message.Version the number of the act it tells of.
const (
	MessageCaseOpened   MessageKind = "case_opened"
	MessageCaseAsked    MessageKind = "case_asked" // a department needs something more
	MessageCaseDone     MessageKind = "case_done"  // a step is done
	MessageCaseRejected MessageKind = "case_rejected"
	MessageCaseEnded    MessageKind = "case_ended"
)
