package oversight

import "suiyue/internal/domain/account"

// Assessment is what a district or an agency is assessed by for a year (Art. 21): connection of its halls and systems,
// timeliness of its data, and adjustment of numbers to what people need.
type Assessment struct {
	Seat    account.Seat
	Halls   int64 // open ones
	Linked  int64 // of these, halls that take bookings on the platform or by a connected system
	Alerts  int64 // of Art. 16 that began in the year
	Early   int64 // of these, taken up, or over, before the next level was reminded
	Figures Counts
}

// AssessGroup is one of the three things Art. 21 names.
type AssessGroup string

const (
	Connection AssessGroup = "connection"
	Timeliness AssessGroup = "timeliness"
	Adjustment AssessGroup = "adjustment"
)

// AssessLine is one line of the sheet: a share, what it stands on, and the version of its formula where it is a measure.
type AssessLine struct {
	Group       AssessGroup
	ID          string // "linked", "alerts_early", or a measure's
	Formula     int    // version of the measure; 0 for the two above
	Top, Bottom int64
}

// OK tells whether anything can be said.
func (l AssessLine) OK() bool { return l.Bottom > 0 }

// assessLines are the lines of a sheet in their order.
var assessLines = []struct {
	group AssessGroup
	id    string
}{
	{Connection, "linked"}, {Timeliness, "data_in_time"}, {Timeliness, "data_complete"}, {Timeliness, "data_accurate"},
	{Adjustment, "alerts_early"}, {Adjustment, "filed_in_time"}, {Adjustment, "decided_in_time"}, {Adjustment, "line_served"},
}

// Lines returns the sheet, line by line.
func (a Assessment) Lines() (out []AssessLine) {
	for _, l := range assessLines {
		line := AssessLine{Group: l.group, ID: l.id}
		switch l.id {
		case "linked":
			line.Top, line.Bottom = a.Linked, a.Halls
		case "alerts_early":
			line.Top, line.Bottom = a.Early, a.Alerts
		default:
			m, err := Newest(l.id)
			if err != nil {
				continue
			}
			if v := m.Of(a.Figures); v.OK {
				line.Top, line.Bottom = v.Top, v.Bottom
			}
			line.Formula = m.Version
		}
		out = append(out, line)
	}
	return out
}
