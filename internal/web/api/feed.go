package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/feed"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/web"
)

// What connected systems send and are told (Art. 5, 6, 21).

const (
	tagFeed    = "Connected systems"
	feedPrefix = "/sources/{source}"

	// feedBody is the most a batch of records may hold, in bytes.
	feedBody = 512 << 10
)

var inSource = inPath("source", "Id of the connected system.", "S0001", fault.SourceNotFound)

type feedRecord struct {
	Row       string         `json:"row" minLength:"1" maxLength:"64" doc:"Id of the row with you: A–Z, a–z, 0–9, and . _ - { }." example:"b-20261201-0001"`
	Version   int64          `json:"version" minimum:"1" doc:"Grows with each change of the row. A version that comes after a later one changes nothing." example:"1"`
	Kind      string         `json:"kind" enum:"booking,check_in,result,capacity,call,evaluation"`
	Seq       int64          `json:"seq,omitempty" minimum:"1" doc:"Running number by hall and kind. A gap is a record that was expected and has not come."`
	At        string         `json:"at" minLength:"1" maxLength:"40" doc:"When what it tells happened, RFC 3339." example:"2026-11-30T10:00:00+08:00"`
	Hall      string         `json:"hall" minLength:"1" maxLength:"64" example:"440103000000"`
	Queue     string         `json:"queue,omitempty" minLength:"1" maxLength:"96"`
	Date      string         `json:"date" format:"date" doc:"The hall's day it is about: of a booking, the day booked." example:"2026-12-01"`
	Hour      *int           `json:"hour,omitempty" minimum:"0" maximum:"23" doc:"booking, capacity: the hour that begins then."`
	Item      string         `json:"item,omitempty" minLength:"1" maxLength:"36" doc:"booking: code of the item."`
	Units     int            `json:"units,omitempty" minimum:"1" maximum:"1000" doc:"booking; default 1."`
	State     string         `json:"state,omitempty" enum:"booked,cancelled,no_show,arrived,called,passed,done,left" doc:"booking: booked, cancelled, no_show, done. check_in: arrived, no_show. call: called, passed. result: done, left."`
	Booking   string         `json:"booking,omitempty" minLength:"1" maxLength:"64" doc:"check_in, call, result, evaluation: the row of the booking it is about."`
	Number    int            `json:"number,omitempty" minimum:"0" maximum:"10000" doc:"capacity: numbers of the hour. evaluation: the grade, 1 to 5."`
	Removed   bool           `json:"removed,omitempty" doc:"The row is no more."`
	Applicant *feedApplicant `json:"applicant,omitempty" doc:"booking: whose business it is. Needed while it is booked."`
}

type feedApplicant struct {
	Kind       string    `json:"kind" enum:"self,other,organisation" doc:"The booker, another person, or an organisation." example:"self"`
	Name       string    `json:"name" minLength:"1" maxLength:"150" example:"陈示例"`
	Document   *document `json:"document,omitempty" doc:"self, other."`
	Birth      string    `json:"birth,omitempty" format:"date" doc:"With a passport."`
	Phone      string    `json:"phone,omitempty" minLength:"1" maxLength:"32"`
	CreditCode string    `json:"credit_code,omitempty" minLength:"1" maxLength:"40" doc:"organisation."`
}

type feedBatch struct {
	Records []feedRecord `json:"records" minItems:"1" maxItems:"500" nullable:"false"`
}

// exchangeRow is a record in the envelope of the exchange tables of departments.
type exchangeRow struct {
	RowGUID     string `json:"row_guid" minLength:"1" maxLength:"64" doc:"Id of the row with you."`
	DataSource  string `json:"data_source" minLength:"1" maxLength:"32" doc:"Id of the connected system, as in the path." example:"S0001"`
	Batch       string `json:"cd_batch" minLength:"1" maxLength:"64" doc:"Of your batch; not kept."`
	Operation   string `json:"cd_operation" enum:"I,U,D" doc:"Inserted, updated, deleted."`
	Time        string `json:"cd_time" minLength:"19" maxLength:"23" doc:"When the row was changed, at +08:00; it counts as the version of the row." example:"2026-11-30 10:00:00.000"`
	Kind        string `json:"record_kind" enum:"booking,check_in,result,capacity,call,evaluation"`
	Seq         int64  `json:"serial_no,omitempty" minimum:"1" doc:"Running number by hall and kind."`
	At          string `json:"happen_time" minLength:"19" maxLength:"23" doc:"When what it tells happened, at +08:00." example:"2026-11-30 10:00:00"`
	Hall        string `json:"hall_code" minLength:"1" maxLength:"64" example:"440103000000"`
	Queue       string `json:"queue_code,omitempty" minLength:"1" maxLength:"96"`
	Date        string `json:"book_date" format:"date" example:"2026-12-01"`
	Hour        *int   `json:"book_hour,omitempty" minimum:"0" maximum:"23"`
	Item        string `json:"task_code,omitempty" minLength:"1" maxLength:"36" doc:"Code of the item."`
	Units       int    `json:"units,omitempty" minimum:"1" maximum:"1000"`
	State       string `json:"state,omitempty" enum:"booked,cancelled,no_show,arrived,called,passed,done,left"`
	Booking     string `json:"booking_guid,omitempty" minLength:"1" maxLength:"64"`
	Number      int    `json:"number,omitempty" minimum:"0" maximum:"10000"`
	Applicant   string `json:"applicant_kind,omitempty" enum:"self,other,organisation"`
	Name        string `json:"applicant_name,omitempty" minLength:"1" maxLength:"150"`
	CertType    string `json:"cert_type,omitempty" enum:"resident_id,foreign_permanent,hk_macau_permit,taiwan_permit,passport"`
	CertNo      string `json:"cert_no,omitempty" minLength:"1" maxLength:"40"`
	Nationality string `json:"nationality,omitempty" minLength:"1" maxLength:"3"`
	Birth       string `json:"birth_date,omitempty" format:"date"`
	Phone       string `json:"mobile,omitempty" minLength:"1" maxLength:"32"`
	CreditCode  string `json:"credit_code,omitempty" minLength:"1" maxLength:"40"`
}

type exchangeBatch struct {
	Rows []exchangeRow `json:"rows" minItems:"1" maxItems:"500" nullable:"false"`
}

type feedClash struct {
	System string `json:"system" doc:"Id of the connected system that has it; empty for this platform."`
	Name   string `json:"name" doc:"Of that system; empty for this platform."`
	Hall   string `json:"hall"`
}

type feedVerdict struct {
	Result   string         `json:"result" enum:"accepted,superseded,duplicate,rejected"`
	Errors   []problemField `json:"errors,omitempty" nullable:"false" doc:"rejected: what is wrong with it, by field."`
	Conflict *feedClash     `json:"conflict,omitempty" doc:"It was taken, but the applicant has another active booking for the item. Tell them, and cancel one of the two."`
}

type feedAnswer struct {
	Accepted   int           `json:"accepted"`
	Superseded int           `json:"superseded" doc:"New, but a later version of the row had come before."`
	Duplicate  int           `json:"duplicate" doc:"They had come before; nothing was done."`
	Rejected   int           `json:"rejected" doc:"The others were taken nevertheless."`
	Records    []feedVerdict `json:"records" nullable:"false" doc:"What became of each record, in the order they were sent in."`
}

func (a *API) declareFeed() {
	takeRecords[feedBatch](a, operation{
		id: "send-records", path: "/records",
		about: "Send records of a connected system, at most 500 at once: capacity, bookings and their changes, check-ins, calls, results, evaluations. Each is answered for itself, and one that is rejected keeps none of the others back. " +
			"A record is known by its row and version: sent again it does nothing, so after no answer send the same again. Versions may come in any order.",
	}, "records", func(_ string, r *feedRecord) app.FeedRecord { return r.record() })
	takeRecords[exchangeBatch](a, operation{
		id: "exchange-rows", path: "/rows",
		about: "The same in the envelope of the exchange tables of departments: row_guid, data_source, cd_batch, cd_operation, cd_time.",
	}, "rows", func(source string, r *exchangeRow) app.FeedRecord { return r.record(source) })
}

// feedOperation declares what all operations of a connected system have in common: its own signature with a key of the
// scope, or the token of an account that stands at the head of its unit, made for this.
func feedOperation(o *operation, scope oversight.ClientScope) {
	o.admin, o.scope, o.client, o.tag, o.path = true, app.ScopeFeed, scope, tagFeed, feedPrefix+o.path
	o.params = append([]param{inSource}, o.params...)
	o.faults = append(o.faults, fault.SourceEnded)
}

// takeRecords declares an operation that takes a batch B of records R under the name list. Each record is checked for
// itself; read makes one of it.
func takeRecords[B, R any](a *API, o operation, list string, read func(source string, r *R) app.FeedRecord) {
	feedOperation(&o, oversight.ClientFeed)
	o.method, o.body = http.MethodPost, feedBody
	o.faults = append(o.faults, fault.OutcomeUnknown)
	a.declare(&o, reflect.TypeFor[B](), reflect.TypeFor[feedAnswer]())
	whole := a.shapes[o.id]
	one := whole.fields[list].items
	whole.fields[list].apart = true
	a.route(&o, func(c *call) (any, error) {
		parts, err := readParts(c.w, c.r, whole, feedBody)
		if err != nil {
			return nil, err
		}
		records := make([]app.FeedRecord, len(parts))
		for i, raw := range parts {
			wrong, err := one.check(raw)
			if err != nil { // too deep
				wrong = []fault.Field{{Path: "record", Code: fault.WrongType}}
			}
			for k := range wrong {
				if wrong[k].Path == "body" {
					wrong[k].Path = "record"
				}
			}
			if len(wrong) > 0 {
				records[i].Wrong = wrong
				continue
			}
			r := new(R)
			if err := json.Unmarshal(raw, r); err != nil {
				records[i].Wrong = []fault.Field{{Path: "record", Code: fault.WrongType}}
				continue
			}
			records[i] = read(c.path("source"), r)
		}
		answers, err := a.app.TakeRecords(c.r.Context(), c.feeder(), c.path("source"), records)
		if err != nil {
			return nil, err
		}
		return feedAnswerOf(c.l, answers, fieldNames[list]), nil
	})
}

// feeder is who speaks for the connected system.
func (c *call) feeder() app.Feeder { return app.Feeder{Admin: c.ad, Client: c.client} }

func (r *feedRecord) record() (out app.FeedRecord) {
	var err error
	out.Record = feed.Record{
		Row: r.Row, Version: r.Version, Removed: r.Removed, Kind: oversight.RecordKind(r.Kind), Seq: r.Seq, HallID: r.Hall, QueueID: r.Queue, Item: r.Item,
		State: r.State, Booking: r.Booking, Number: r.Number,
	}
	places(&out, r.Date, r.Hour, r.Units)
	if out.At, err = time.Parse(time.RFC3339, r.At); err != nil {
		out.Wrong = append(out.Wrong, fault.Field{Path: "at", Code: fault.BadDate})
	}
	if p := r.Applicant; p != nil {
		out.Applicant = booking.ApplicantKind(p.Kind)
		out.Party = booking.Party{Name: p.Name, Birth: p.Birth, Phone: p.Phone, CreditCode: p.CreditCode}
		if p.Document != nil {
			out.Party.Document = identity.Document{Kind: identity.DocumentKind(p.Document.Kind), Number: p.Document.Number, Nationality: p.Document.Nationality}
		}
	}
	return out
}

func (r *exchangeRow) record(source string) (out app.FeedRecord) {
	at, badAt := exchangeTime(r.At)
	changed, badTime := exchangeTime(r.Time)
	out.Record = feed.Record{
		Row: r.RowGUID, Version: changed.UnixMilli(), Removed: r.Operation == "D", Kind: oversight.RecordKind(r.Kind), Seq: r.Seq, At: at, HallID: r.Hall, QueueID: r.Queue, Item: r.Item,
		State: r.State, Booking: r.Booking, Number: r.Number, Applicant: booking.ApplicantKind(r.Applicant),
		Party: booking.Party{
			Name: r.Name, Birth: r.Birth, Phone: r.Phone, CreditCode: r.CreditCode,
			Document: identity.Document{Kind: identity.DocumentKind(r.CertType), Number: r.CertNo, Nationality: r.Nationality},
		},
	}
	if r.Applicant == "" && (r.Name != "" || r.CertNo != "" || r.CreditCode != "") {
		out.Wrong = append(out.Wrong, fault.Field{Path: "applicant.kind", Code: fault.Required})
	}
	places(&out, r.Date, r.Hour, r.Units)
	for path, bad := range map[string]bool{"at": badAt, "version": badTime} {
		if bad {
			out.Wrong = append(out.Wrong, fault.Field{Path: path, Code: fault.BadDate})
		}
	}
	if r.DataSource != source {
		out.Wrong = append(out.Wrong, fault.Field{Path: "data_source", Code: fault.NotTheSame})
	}
	return out
}

// places fills in day, hour and units.
func places(out *app.FeedRecord, date string, hour *int, units int) {
	out.Hour, out.Units = -1, max(units, 1)
	if hour != nil {
		out.Hour = *hour
	}
	var err error
	if out.Date, err = calendar.ParseDate(date); err != nil {
		out.Wrong = append(out.Wrong, fault.Field{Path: "date", Code: fault.BadDate})
	}
}

func exchangeTime(text string) (time.Time, bool) {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", text, calendar.Zone) // takes a fraction, too
	return t, err != nil
}

// fieldNames are the names fields have in the envelope, by what they are called in plain records.
var fieldNames = map[string]map[string]string{"rows": {
	"row": "row_guid", "version": "cd_time", "kind": "record_kind", "seq": "serial_no", "at": "happen_time", "hall": "hall_code", "queue": "queue_code", "date": "book_date",
	"hour": "book_hour", "item": "task_code", "booking": "booking_guid", "applicant": "applicant_kind", "applicant.kind": "applicant_kind", "applicant.name": "applicant_name",
	"applicant.document.kind": "cert_type", "applicant.document.number": "cert_no", "applicant.document.nationality": "nationality", "applicant.birth": "birth_date",
	"applicant.phone": "mobile", "applicant.credit_code": "credit_code",
}}

func feedAnswerOf(l web.Locale, list []app.FeedAnswer, names map[string]string) feedAnswer {
	out := feedAnswer{Records: make([]feedVerdict, len(list))}
	n := map[feed.Verdict]*int{feed.Accepted: &out.Accepted, feed.Superseded: &out.Superseded, feed.Duplicate: &out.Duplicate, feed.Rejected: &out.Rejected}
	for i, one := range list {
		*n[one.Verdict]++
		v := feedVerdict{Result: string(one.Verdict)}
		for _, f := range one.Wrong {
			path := f.Path
			if name, ok := names[path]; ok {
				path = name
			}
			v.Errors = append(v.Errors, problemField{path, string(f.Code), l.FieldSentence("", f.Code)})
		}
		if k := one.Conflict; k != nil {
			v.Conflict = &feedClash{System: k.Source, Name: k.Name, Hall: k.Hall}
		}
		out.Records[i] = v
	}
	return out
}
