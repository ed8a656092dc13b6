// Package oversight is how the city sees whether booking works: counts that events add up to, the measures that are
// formulas over them, what is usual at a hall and what is not, and figures that stay as they were issued (Art. 4, 21
// to 23).
package oversight

// Counter is one thing that is counted. Counts only add up: over queues, hours and days, in any order.
type Counter string

// What is counted. Numbers count units of a batch (Art. 19); persons count tickets.
const (
	Planned  Counter = "planned"  // numbers as the hours were first made
	Released Counter = "released" // numbers opened for booking off site
	OnSite   Counter = "on_site"  // numbers kept for the hall (Art. 14)
	Added    Counter = "added"    // off-site numbers added after the release
	Cut      Counter = "cut"      // off-site numbers taken back after the release
	CutHeld  Counter = "cut_held" // numbers taken back that somebody held

	Booked    Counter = "booked"    // and not moved to another day or hall
	Cancelled Counter = "cancelled" // by the person, while it was still allowed (Art. 18)
	Moved     Counter = "moved"     // away from here, by the person
	Displaced Counter = "displaced" // lost their hour here to a cut or a closed hall
	Came      Counter = "came"      // checked in
	Missed    Counter = "missed"    // did not come, not excused
	Excused   Counter = "excused"   // did not come, and an appeal was granted

	WalkIn       Counter = "walk_in"       // numbers of the day given at the hall
	Green        Counter = "green"         // tickets of the green channel
	Served       Counter = "served"        // tickets that were called and finished
	ServedBooked Counter = "served_booked" // of these, of a booking
	CalledBooked Counter = "called_booked" // bookings that were called
	CalledOnTime Counter = "called_ontime" // of these, within their hour, or at once after coming late
	Passed       Counter = "passed"        // called and not there
	Unserved     Counter = "unserved"      // waiting when the day ended

	Waiting    Counter = "waiting"     // in the waitlist at the end of a day with numbers
	Ahead      Counter = "ahead"       // numbers of the next 14 days that are released by the end of a day with numbers
	Joined     Counter = "joined"      // the waitlist
	FromLine   Counter = "from_line"   // who got a number out of it
	LeftOnline Counter = "left_online" // who left it by the way on line

	Requests       Counter = "requests"        // to change numbers, filed
	RequestsEarly  Counter = "requests_early"  // of these, two working days ahead, or an urgent increase
	Decisions      Counter = "decisions"       // due on this day: within one working day of filing
	DecisionsEarly Counter = "decisions_early" // of these, made by then

	Records      Counter = "records"       // that a connected system was to send
	RecordsIn    Counter = "records_in"    // of these, that came
	RecordsEarly Counter = "records_early" // of these, within the agreed delay
	Checked      Counter = "checked"       // records compared with the other side's
	Agreed       Counter = "agreed"        // of these, the same on both sides

	Evaluated Counter = "evaluated"  // by five grades
	Content   Counter = "content"    // of these, the three upper ones
	Rush      Counter = "rush"       // numbers taken in the first minute after a release
	RushFirst Counter = "rush_first" // of these, in the first second
)

// Counters lists them in the order in which they are shown.
var Counters = []Counter{
	Planned, Released, OnSite, Added, Cut, CutHeld,
	Booked, Cancelled, Moved, Displaced, Came, Missed, Excused,
	WalkIn, Green, Served, ServedBooked, CalledBooked, CalledOnTime, Passed, Unserved,
	Waiting, Ahead, Joined, FromLine, LeftOnline,
	Requests, RequestsEarly, Decisions, DecisionsEarly,
	Records, RecordsIn, RecordsEarly, Checked, Agreed,
	Evaluated, Content, Rush, RushFirst,
}

// Spell is a span of time that is counted by its length.
type Spell string

const (
	WaitBooked Spell = "wait_booked" // from checking in, or the hour if that is later, to the first call
	WaitWalkIn Spell = "wait_walkin" // from the ticket to the first call
	WaitGreen  Spell = "wait_green"
	Handling   Spell = "handling" // from call to finish
)

// Spells lists them.
var Spells = []Spell{WaitBooked, WaitWalkIn, WaitGreen, Handling}

// Counts is what happened somewhere in some time. The zero value is nothing; counts of parts add up to
// those of the whole.
type Counts struct {
	N      map[Counter]int64 `json:"n,omitempty"`
	Spells map[Spell]Lengths `json:"spells,omitempty"`
}

// Count adds n to a counter.
func (c *Counts) Count(k Counter, n int64) {
	if n == 0 {
		return
	}
	if c.N == nil {
		c.N = map[Counter]int64{}
	}
	if c.N[k] += n; c.N[k] == 0 {
		delete(c.N, k)
	}
}

// Lasted adds n spells of so many whole minutes; n below 0 takes them back.
func (c *Counts) Lasted(k Spell, minutes int, n int64) {
	var one Lengths
	one.add(minutes, n)
	c.spell(k, one)
}

func (c *Counts) spell(k Spell, l Lengths) {
	if c.Spells == nil {
		c.Spells = map[Spell]Lengths{}
	}
	sum := c.Spells[k]
	for m, n := range l {
		sum.add(m, n)
	}
	if len(sum) == 0 {
		delete(c.Spells, k)
		return
	}
	c.Spells[k] = sum
}

// Add adds what happened elsewhere or at another time.
func (c *Counts) Add(o Counts) {
	for k, n := range o.N {
		c.Count(k, n)
	}
	for k, l := range o.Spells {
		c.spell(k, l)
	}
}
