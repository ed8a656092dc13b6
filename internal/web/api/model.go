package api

import "time"

// ItemRef, Place and HallRef are exported because answers embed them and huma passes by what is not.

// Names in answers are in the language of the request (Accept-Language: zh-Hans, zh-Hant, en).

type ItemRef struct {
	Code string `json:"code" doc:"Code of the item, at most 36 characters." example:"SI-0001"`
	Name string `json:"name" doc:"Its name."`
}

type item struct {
	ItemRef
	Summary     string   `json:"summary,omitempty" doc:"One sentence about it."`
	Category    string   `json:"category" doc:"Heading it is listed under."`
	Department  string   `json:"department" doc:"The responsible municipal agency."`
	Stages      []string `json:"stages" nullable:"false" enum:"consultation,acceptance,collection" doc:"What a number can be for (Art. 13)."`
	Materials   []string `json:"materials" nullable:"false" doc:"What to bring."`
	OnlineURL   string   `json:"online_url,omitempty" doc:"Where it can be done on line; absent if it cannot."`
	OnlineName  string   `json:"online_name,omitempty" doc:"What the on-line way is called."`
	SelfService bool     `json:"self_service" doc:"It can be done at a self-service machine."`
	Foreigner   bool     `json:"foreigner_related" doc:"Foreigner-related business, which a visitor may book (Art. 12)."`
	Minutes     int      `json:"minutes" doc:"Typical minutes at the counter."`
}

type itemList struct {
	Items []item `json:"items" nullable:"false" doc:"Best match first."`
}

type Place struct {
	ID   string `json:"id" doc:"Division code, 12 digits." example:"440103000000"`
	Name string `json:"name"`
}

type HallRef struct {
	ID        string  `json:"id" doc:"Id of the hall." example:"440103000000"`
	Name      string  `json:"name"`
	Level     string  `json:"level" enum:"city,district,street,village"`
	District  *Place  `json:"district,omitempty" doc:"Absent for city halls."`
	Street    *Place  `json:"street,omitempty" doc:"Street or town, for halls of that level and below."`
	Address   string  `json:"address"`
	Phone     string  `json:"phone,omitempty"`
	Latitude  float64 `json:"latitude,omitempty" doc:"WGS-84 degrees; absent when not known."`
	Longitude float64 `json:"longitude,omitempty"`
}

type hall struct {
	HallRef
	Notice string  `json:"notice,omitempty" doc:"What the hall wants people to know today."`
	Open   bool    `json:"open"`
	Offers []offer `json:"offers" nullable:"false" doc:"What it offers."`
}

type queueRef struct {
	ID   string `json:"id" doc:"Id of the queue." example:"440103000000-social"`
	Name string `json:"name"`
}

type offer struct {
	Item     ItemRef  `json:"item"`
	Queue    queueRef `json:"queue"`
	Stages   []string `json:"stages" nullable:"false" enum:"consultation,acceptance,collection"`
	BatchMax int      `json:"batch_max" doc:"Units one booking may hold (Art. 19); 1 = no batch."`
}

type hallOffer struct {
	Hall     HallRef  `json:"hall"`
	Queue    queueRef `json:"queue"`
	Stages   []string `json:"stages" nullable:"false" enum:"consultation,acceptance,collection"`
	BatchMax int      `json:"batch_max" doc:"Units one booking may hold (Art. 19); 1 = no batch."`
	Next     *slot    `json:"next,omitempty" doc:"The first free slot; absent when there is none in the window."`
	NextDay  int      `json:"next_day_free" doc:"Numbers left on that day."`
	Km       *float64 `json:"km,omitempty" doc:"Distance from near, in kilometres; absent when not known."`
}

type hallPage struct {
	Halls []hallOffer `json:"halls" nullable:"false"`
	Total int         `json:"total" doc:"How many there are in all."`
	Next  string      `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type district struct {
	Place
	Streets []Place `json:"streets" nullable:"false" doc:"Its streets and towns."`
}

type districtList struct {
	Districts []district `json:"districts" nullable:"false"`
}

type slot struct {
	ID      string     `json:"id" doc:"Id of the slot." example:"440103000000-social-20261209-10"`
	Date    string     `json:"date" format:"date"`
	Hour    int        `json:"hour" doc:"Starting hour; a slot lasts one hour." example:"10"`
	Start   time.Time  `json:"start" doc:"RFC 3339, +08:00."`
	End     time.Time  `json:"end"`
	State   string     `json:"state" enum:"free,full,not_released,closed,past"`
	Free    int        `json:"free" doc:"Numbers left; 0 unless free."`
	Release *time.Time `json:"release,omitempty" doc:"not_released: when its numbers become bookable (Art. 14)."`
}

type day struct {
	Date     string     `json:"date" format:"date"`
	State    string     `json:"state" enum:"free,full,not_released,shut"`
	Free     int        `json:"free" doc:"Numbers left that day."`
	Release  *time.Time `json:"release,omitempty" doc:"not_released: when."`
	Festival string     `json:"festival,omitempty" doc:"The statutory holiday, if it is one."`
	Slots    []slot     `json:"slots" nullable:"false"`
}

type availability struct {
	Queue string `json:"queue" doc:"Id of the queue."`
	Days  []day  `json:"days" nullable:"false" doc:"From the first date that can be booked off-site, one entry a date."`
}

type release struct {
	At    time.Time `json:"at" doc:"The next release (Art. 14)."`
	Now   time.Time `json:"now" doc:"The time here, to count down with."`
	Dates []string  `json:"dates" nullable:"false" doc:"The dates whose numbers become bookable; none on the eve of a holiday."`
}

type document struct {
	Kind        string `json:"kind" enum:"resident_id,foreign_permanent,hk_macau_permit,taiwan_permit,passport" doc:"Kind of document."`
	Number      string `json:"number" minLength:"1" maxLength:"40" doc:"Its number; check digits are checked."`
	Nationality string `json:"nationality,omitempty" minLength:"1" maxLength:"3" doc:"passport: ISO 3166-1 alpha-3." example:"FRA"`
}

type applicant struct {
	Kind       string    `json:"kind" enum:"self,other,organisation" doc:"Whose business it is." example:"self"`
	Kept       string    `json:"kept,omitempty" minLength:"1" maxLength:"64" doc:"other: id of a kept person; then nothing else."`
	Name       string    `json:"name,omitempty" minLength:"1" maxLength:"150" doc:"other, organisation: the name as on the document."`
	Document   *document `json:"document,omitempty" doc:"other: what identifies the person."`
	Birth      string    `json:"birth,omitempty" format:"date" doc:"other, with a passport: date of birth."`
	Phone      string    `json:"phone,omitempty" minLength:"1" maxLength:"32" doc:"other: a phone, if the person wants to be told."`
	CreditCode string    `json:"credit_code,omitempty" minLength:"1" maxLength:"40" doc:"organisation: unified social credit code (GB 32100)."`
}

type bookBody struct {
	Item      string     `json:"item" minLength:"1" maxLength:"36" doc:"Code of the item." example:"SI-0001"`
	Slot      string     `json:"slot" minLength:"1" maxLength:"96" doc:"Id of the slot, from availability." example:"440103000000-social-20261209-10"`
	Stage     string     `json:"stage" enum:"consultation,acceptance,collection" doc:"What the number is for (Art. 13)." example:"acceptance"`
	Units     int        `json:"units,omitempty" minimum:"1" maximum:"1000" doc:"Units of a batch (Art. 19); 1 when absent." example:"1"`
	Cases     []caseBody `json:"cases,omitempty" minItems:"1" maxItems:"1000" nullable:"false" doc:"The list of a batch (Art. 19): one person a unit, nobody twice. With units above 1 it must be there; units may be left out then."`
	Applicant applicant  `json:"applicant" doc:"Whose business it is; the signed-in person is the booker."`
	Token     string     `json:"token,omitempty" pattern:"^[A-Za-z0-9_-]{32}$" doc:"token of quote: the last step alone is refused, unless the server was set up to need none. It goes with the Idempotency-Key that quote gave."`
}

type caseBody struct {
	Name     string   `json:"name" minLength:"1" maxLength:"150" doc:"The name as on the document."`
	Document document `json:"document"`
	Birth    string   `json:"birth,omitempty" format:"date" doc:"With a passport: date of birth."`
}

type casesBody struct {
	Cases []int `json:"cases" minItems:"1" maxItems:"1000" nullable:"false" doc:"Which to take off the list, by n."`
}

type batchCase struct {
	N        int    `json:"n" doc:"As listed, from 1."`
	Name     string `json:"name" doc:"Masked."`
	Document string `json:"document" enum:"resident_id,foreign_permanent,hk_macau_permit,taiwan_permit,passport"`
	Number   string `json:"number" doc:"Masked."`
	State    string `json:"state" enum:"open,removed,done" doc:"removed: taken off the list; done: ticked at the counter."`
}

type batchList struct {
	Cases []batchCase `json:"cases" nullable:"false" doc:"In the order of the list; none for a booking without one."`
}

type moveBody struct {
	Slot string `json:"slot" minLength:"1" maxLength:"96" doc:"Id of the slot to move to; its queue must serve the same item." example:"440103000000-social-20261210-15"`
}

type nothing struct{}

type findBody struct {
	Code string `json:"code" minLength:"1" maxLength:"32" doc:"The booking code." example:"7K3M-9Q2X-T"`
	Fact string `json:"fact" minLength:"1" maxLength:"16" doc:"The last four characters of the document number, or the birth date (1980-01-31)." example:"1234"`
}

type party struct {
	Kind   string `json:"kind,omitempty" enum:"self,other,organisation"`
	Name   string `json:"name,omitempty" doc:"Masked."`
	Number string `json:"number,omitempty" doc:"Document number or credit code, masked."`
	Phone  string `json:"phone,omitempty" doc:"Masked."`
}

type bookingView struct {
	Code        string     `json:"code" doc:"The booking code. It cannot be guessed and opens nothing by itself."`
	State       string     `json:"state" enum:"booked,pending,displaced,stranded,cancelled,no_show,excused,arrived,done,in_draw" doc:"pending: the number is of a department's own system, which has not confirmed it yet; ask again, or wait for the message; in_draw: nothing is booked yet, draw says where it stands; excused: it was missed and set right, no mark is left; displaced: its hour was taken away and the slot it names is kept for it, until it is kept, moved or cancelled; stranded: its hour was taken away and no number could be kept, it can be moved or cancelled."`
	Item        ItemRef    `json:"item"`
	Stage       string     `json:"stage" enum:"consultation,acceptance,collection"`
	Units       int        `json:"units" doc:"Cases of a batch (Art. 19), those taken off its list left out; else 1."`
	Hall        HallRef    `json:"hall"`
	Queue       queueRef   `json:"queue"`
	Slot        string     `json:"slot"`
	Date        string     `json:"date" format:"date"`
	Start       time.Time  `json:"start" doc:"RFC 3339, +08:00."`
	End         time.Time  `json:"end"`
	Materials   []string   `json:"materials" nullable:"false" doc:"What to bring."`
	Booker      party      `json:"booker" doc:"Who booked, masked."`
	Applicant   party      `json:"applicant" doc:"Whose business it is, masked."`
	CancelUntil time.Time  `json:"cancel_until" doc:"Cancelling and moving are possible until this instant (Art. 17)."`
	CanChange   bool       `json:"can_change" doc:"It can be moved or cancelled now."`
	Lost        *loss      `json:"lost,omitempty" doc:"displaced, stranded: the hour it lost, and until when to choose."`
	Draw        *drawEntry `json:"draw,omitempty" doc:"in_draw: the entry."`
	Version     int        `json:"version" doc:"1 when booked, +1 with each change."`
	Created     time.Time  `json:"created"`
	Changed     time.Time  `json:"changed"`
}

type loss struct {
	Hall   string    `json:"hall" doc:"Id of the hall."`
	Name   string    `json:"name" doc:"Its name."`
	Start  time.Time `json:"start" doc:"The hour that was taken away."`
	Reason string    `json:"reason" enum:"closed,fewer" doc:"The hall is closed then, or has fewer numbers."`
	Until  time.Time `json:"until" doc:"Keep, move or cancel before this instant; after it the booking is cancelled, which does not count against anybody."`
}

type bookingPage struct {
	Bookings []bookingView `json:"bookings" nullable:"false"`
	Next     string        `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type message struct {
	Kind    string     `json:"kind" enum:"booked,moved,cancelled,reduced,reminder,displaced,stranded,kept,declined,lapsed,no_show,excused,appeal_refused,warned,barred,measure_ended,measure_confirmed,near,evaluate,wait_booked,wait_offer,wait_over,wait_online"`
	At      time.Time  `json:"at" doc:"When it was due."`
	State   string     `json:"state" enum:"pending,sent,arrived,lost,failed,dropped,shown" doc:"What became of the text message; sent: a carrier has it; arrived and lost: it says whether it got to the phone; shown: there is no phone to send it to."`
	Booking string     `json:"booking,omitempty" doc:"The booking code; absent of a message about a number or an entry of the waitlist."`
	Ticket  string     `json:"ticket,omitempty" doc:"near, evaluate: id of the ticket it is about."`
	Number  string     `json:"number,omitempty" doc:"near, evaluate: its number." example:"A012"`
	Item    string     `json:"item"`
	Hall    string     `json:"hall"`
	Start   *time.Time `json:"start,omitempty" doc:"When the booking is now, or the place that is kept."`
	Wait    string     `json:"wait,omitempty" doc:"wait_offer, wait_over, wait_online: the code of the entry of the waitlist."`
}

type messagePage struct {
	Messages []message `json:"messages" nullable:"false" doc:"Newest first."`
	Next     string    `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type me struct {
	Name          string    `json:"name" doc:"Masked."`
	Document      string    `json:"document" enum:"resident_id,foreign_permanent,hk_macau_permit,taiwan_permit,passport"`
	Number        string    `json:"number" doc:"Masked."`
	Phone         string    `json:"phone,omitempty" doc:"Masked."`
	Level         int       `json:"level" doc:"Real-name level, 2 to 5; 0 for a visitor, who may book foreigner-related items only (Art. 12)."`
	Organisations []party   `json:"organisations" nullable:"false" doc:"Those this person may act for, masked."`
	SignedIn      time.Time `json:"signed_in"`
	Expires       time.Time `json:"expires"`
}

type session struct {
	ID       string    `json:"id"`
	SignedIn time.Time `json:"signed_in"`
	Seen     time.Time `json:"seen"`
	Current  bool      `json:"current" doc:"The one this request is made in."`
}

type sessionList struct {
	Sessions []session `json:"sessions" nullable:"false" doc:"Newest first."`
}

type personBody struct {
	Name     string   `json:"name" minLength:"1" maxLength:"150" doc:"The name as on the document."`
	Document document `json:"document"`
	Birth    string   `json:"birth,omitempty" format:"date" doc:"With a passport: date of birth."`
	Phone    string   `json:"phone,omitempty" minLength:"1" maxLength:"32"`
}

type person struct {
	ID       string    `json:"id" doc:"For applicant.kept."`
	Name     string    `json:"name" doc:"Masked."`
	Document string    `json:"document" enum:"resident_id,foreign_permanent,hk_macau_permit,taiwan_permit,passport"`
	Number   string    `json:"number" doc:"Masked."`
	Phone    string    `json:"phone,omitempty" doc:"Masked."`
	Kept     time.Time `json:"kept" doc:"Since when."`
}

type personList struct {
	People []person `json:"people" nullable:"false" doc:"First kept first."`
}

// Problem is how every refusal is written (RFC 9457). It is web.Problem, and what a person could do
// instead.
type problem struct {
	Type         string         `json:"type" doc:"/problems/ and the code: a page about it."`
	Title        string         `json:"title" doc:"The kind of refusal, in the language of the request."`
	Status       int            `json:"status" doc:"The HTTP status."`
	Detail       string         `json:"detail" doc:"A sentence for people, in the language of the request."`
	Code         string         `json:"code" doc:"Stable for ever." example:"sold_out"`
	Errors       []problemField `json:"errors,omitempty" nullable:"false" doc:"Which fields are wrong. What was sent is never repeated."`
	RetryAfter   int            `json:"retry_after,omitempty" doc:"Seconds to wait before asking again."`
	RequestID    string         `json:"request_id,omitempty" doc:"To name when asking for help."`
	Alternatives []alternative  `json:"alternatives,omitempty" nullable:"false" doc:"Slots that are free instead: in the same queue, and soonest elsewhere."`
	Booking      string         `json:"booking,omitempty" doc:"Code of your booking that stands in the way."`
	Applicant    int            `json:"applicant,omitempty" doc:"Which of several applicants it is about, from 1."`
	After        int64          `json:"after,omitempty" doc:"events_forgotten: ask for what comes after this; the lists of the days before say what is missing."`
	Position     int            `json:"position,omitempty" doc:"waiting_room: your place in the line, from 1."`
	Challenge    string         `json:"challenge,omitempty" doc:"waiting_room, waiting_order: what a proof of work is made for. It is of you and of this minute, and good for the next one too."`
	Work         int            `json:"work,omitempty" doc:"Zero bits the proof needs."`
	Wait         int            `json:"wait,omitempty" doc:"waiting_room: seconds until it is likely your turn."`
	Place        string         `json:"place,omitempty" doc:"waiting_room: what your place goes by; send it with the next quote. It is yours alone, and is kept for two minutes without asking again."`
}

type problemField struct {
	Path   string `json:"path" doc:"As applicant.document.number; an unknown field is told of at what holds it." example:"applicant.document.number"`
	Code   string `json:"code" doc:"What is wrong with it." example:"bad_check_digit"`
	Detail string `json:"detail"`
}

type alternative struct {
	Slot  string    `json:"slot"`
	Queue string    `json:"queue"`
	Hall  string    `json:"hall" doc:"Name of the hall."`
	Start time.Time `json:"start"`
	Free  int       `json:"free"`
}
