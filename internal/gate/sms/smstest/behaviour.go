package smstest

// Behaviour is how a stand-in of a carrier behaves.
type Behaviour string

// The first is as it should be; the others are what a carrier does on a bad day.
const (
	Well          Behaviour = "well"
	Down          Behaviour = "cannot be reached"
	Slow          Behaviour = "takes a message and answers too late"
	Silent        Behaviour = "takes nothing and never answers"
	HalfAnswer    Behaviour = "takes a message and gives half an answer"
	WrongSchema   Behaviour = "takes a message and answers in another schema"
	ErrorIn200    Behaviour = "says in a good answer that it has not taken it"
	Refuses       Behaviour = "refuses for good"
	Throttles     Behaviour = "says that it is given too much"
	DropsBefore   Behaviour = "drops the connection before it takes a message"
	DropsAfter    Behaviour = "drops the connection after it has taken a message"
	TwiceReports  Behaviour = "reports of everything twice"
	OtherOrder    Behaviour = "reports in another order"
	ReportFirst   Behaviour = "reports before it answers"
	UnknownReport Behaviour = "reports of what it was never given"
	Outage        Behaviour = "is away for an hour"
	Skewed        Behaviour = "has another time"
)

// Bad lists every behaviour but Well.
var Bad = []Behaviour{
	Down, Slow, Silent, HalfAnswer, WrongSchema, ErrorIn200, Refuses, Throttles, DropsBefore, DropsAfter, TwiceReports, OtherOrder, ReportFirst, UnknownReport,
	Outage, Skewed,
}

// Takes tells whether a carrier that behaves so has a message although it has not said so.
func (b Behaviour) Takes() bool {
	return b == Slow || b == HalfAnswer || b == WrongSchema || b == DropsAfter
}

// Answers tells whether a carrier that behaves so takes a message and says so.
func (b Behaviour) Answers() bool {
	return b == Well || b == TwiceReports || b == OtherOrder || b == ReportFirst || b == UnknownReport
}
