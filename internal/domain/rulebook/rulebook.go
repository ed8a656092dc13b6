// Package rulebook holds every number of the measure (穗政數規字〔2021〕2號) as a field of a dated
// version, so that a successor of the measure is loaded as data and not written as code.
package rulebook

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
)

// Counting says which days an off-site window of n days counts.
type Counting string

const (
	SkipStatutory Counting = "skip_statutory" // statutory days off do not count; weekends do (Art. 14, our reading)
	CalendarDays  Counting = "calendar_days"  // every day counts
)

// Closing says when off-site booking of a slot ends.
type Closing string

const (
	EndOfDayBefore Closing = "end_of_day_before" // today's slots can only be had at the hall (Art. 14, our reading)
	SlotStart      Closing = "slot_start"        // until the slot begins
)

// Rulebook is one version of the rules. Clock times are minutes after midnight in calendar.Zone;
// durations are Go durations in JSON nanoseconds.
type Rulebook struct {
	ID            string        `json:"id"`
	EffectiveFrom calendar.Date `json:"effective_from"`

	// Supply and release, Art. 14 and 15.
	WindowDays      int      `json:"window_days"`        // 14
	WindowCounts    Counting `json:"window_counts"`      // skip_statutory
	ReleaseAt       int      `json:"release_at"`         // 12:00 = 720
	OnSiteReleaseAt int      `json:"on_site_release_at"` // 09:00 = 540, working days
	OnSitePerMille  int      `json:"on_site_per_mille"`  // at most 100 = 10 %
	OffSiteCloses   Closing  `json:"off_site_closes"`
	Hours           []int    `json:"hours"`         // starting hours of a day's slots: 9,10,11,13,14,15,16
	CapacityDays    int      `json:"capacity_days"` // working days the daily average is taken over: 60

	// Who, Art. 12 and 19.
	LevelToBook  int `json:"level_to_book"`  // 3
	LevelToBatch int `json:"level_to_batch"` // 4

	// Limits. Zero means no limit.
	ActivePerItem int `json:"active_per_item"` // active bookings per applicant and item: 1
	ActivePerHour int `json:"active_per_hour"` // bookings of one booker in one hour: 1
	ActivePerDay  int `json:"active_per_day"`  // active bookings per booker and day, organisations excepted: 3

	// Several people in one step, all or none; the measure is silent.
	GroupMost int `json:"group_most"` // applicants of one such request: 5; below 2 there are none

	// Cancelling, moving, missing, Art. 17 and 18.
	CancelBeforeEnd time.Duration `json:"cancel_before_end"` // 2 h before the slot's end
	RebookWithin    int           `json:"rebook_within"`     // days after a no-show: 30
	RebookTimes     int           `json:"rebook_times"`      // 1

	// Waitlist, Art. 15 and 16.
	WaitlistBookLead     time.Duration `json:"waitlist_book_lead"`     // booked at once when the slot starts at least this much later: 3 h
	WaitlistOffer        time.Duration `json:"waitlist_offer"`         // otherwise offered for: 15 min
	Waitlist             bool          `json:"waitlist"`               // what comes free goes to the line first; off: to all at once
	WaitlistReleaseShare int           `json:"waitlist_release_share"` // percent of a slot the line may have before its release: 100
	WaitlistMost         int           `json:"waitlist_most"`          // entries of one booker in line at once: 5
	ReopenAfterMin       time.Duration `json:"reopen_after_min"`       // a place nobody waits for opens after a random
	ReopenAfterMax       time.Duration `json:"reopen_after_max"`       // 1 to 30 minutes

	// The rush after a release; the measure is silent.
	GatherFor        time.Duration `json:"gather_for"`         // who comes so long after a release has come at its instant, and stands in a random order: 1 s; 0 = none
	NoonAttempts     int           `json:"noon_attempts"`      // tries of one person at once in the ten minutes after it: 10; 0 = no limit
	NoonAttemptEvery time.Duration `json:"noon_attempt_every"` // and one more after each: 6 s

	// The verifiable draw of a queue that has it switched on; the measure is silent.
	DrawFor   time.Duration `json:"draw_for"`   // who asks so long after a release is in the draw: 60 s
	DrawAhead int           `json:"draw_ahead"` // days before the release its commitment is published: 3

	// Requests, Art. 23, in working days.
	RequestNoticeDays int `json:"request_notice_days"` // 2
	DecideWithinDays  int `json:"decide_within_days"`  // 1

	// Supervision, Art. 21 to 23; the times are our reading, in working days.
	LetterReceiptDays  int `json:"letter_receipt_days"`    // to confirm that a notice letter has come: 2
	LetterReplyDays    int `json:"letter_reply_days"`      // to report what was put right: 10
	LetterAgainDays    int `json:"letter_again_days"`      // to report again where that was not enough: 5
	LetterCheckDays    int `json:"letter_check_days"`      // to check a report: 5
	RepeatedFailures   int `json:"repeated_failures"`      // of a unit in a year that put it on the list for the discipline office: 3
	DataInTimePerMille int `json:"data_in_time_per_mille"` // of the records of a month that a connected system is to send in time: 950

	// When an hour is taken away after it was booked. The measure is silent; our reading is that nobody
	// is dropped, and nobody blocks a number others want for longer than it takes to read a message.
	KeepPlaceFor    time.Duration `json:"keep_place_for"`    // a number is kept for: 24 h, so that it meets everybody awake and off work once
	KeepPlaceBefore time.Duration `json:"keep_place_before"` // but not after so long before it can no longer be had off-site: 2 h, for whoever takes it then
	KeepPlaceLeast  time.Duration `json:"keep_place_least"`  // none is kept that leaves less than this to choose: 2 h
	StrandedFor     time.Duration `json:"stranded_for"`      // where none could be kept, the item is held for its person for: 14 days, one whole window

	// A day in the hall, Art. 12, 14, 17 and 18. A hall may set some of it for itself.
	Hall counter.Rules `json:"hall"`

	// Evaluation (國辦發〔2019〕51號); the days are our reading.
	EvaluateWithin   int `json:"evaluate_within"`    // days after that of the service: 10
	AnswerCaseWithin int `json:"answer_case_within"` // working days to answer a bad grade: 5

	// Open data (docs/adr/0031-the-city-picture.md).
	OpenDataLeast int `json:"open_data_least"` // people a published count stands for at least: 5
	OpenDataAfter int `json:"open_data_after"` // whole days after a day is over that its numbers are settled: 2

	Sanctions Sanctions `json:"sanctions"`

	// How long it is kept who somebody was; the measure is silent.
	Retention Retention `json:"retention"`

	Watch Watch `json:"watch"`

	Messages Messages `json:"messages"`
}

// UnmarshalJSON reads a version. Where a text is older than the rules about hours taken away, the waitlist, the
// rush after a release, the day in the hall, messages or what sanctions count, they are as in the versions that ship.
func (r *Rulebook) UnmarshalJSON(text []byte) error {
	type plain Rulebook
	v := plain(Rulebook{}.keeping())
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	*r = Rulebook(v)
	return nil
}

func (r Rulebook) keeping() Rulebook {
	r.KeepPlaceFor, r.KeepPlaceBefore, r.KeepPlaceLeast = 24*time.Hour, 2*time.Hour, 2*time.Hour
	r.StrandedFor = 14 * 24 * time.Hour
	r.Hall = counter.DefaultRules()
	r.EvaluateWithin, r.AnswerCaseWithin = 10, 5
	r.GatherFor, r.NoonAttempts, r.NoonAttemptEvery = time.Second, 10, 6*time.Second
	r.DrawFor, r.DrawAhead = time.Minute, 3
	r.Waitlist, r.WaitlistReleaseShare, r.WaitlistMost = true, 100, 5
	r.GroupMost = 5
	r.Watch = Watch{
		OneIn: 1_000, Least: 5, LeastPerMille: 100, SaturatedPerMille: 900, CutLeast: 5, CutPerMille: 100,
		RegrabWithin: 10 * time.Minute, RegrabLeast: 3, ReopenDays: 14, TakeUpDays: 2,
	}
	r.Messages = DefaultMessages()
	r.Retention = Retention{IdentityMonths: 24, LogDays: LeastLogDays}
	r.LetterReceiptDays, r.LetterReplyDays, r.LetterAgainDays, r.LetterCheckDays = 2, 10, 5, 5
	r.RepeatedFailures, r.DataInTimePerMille = 3, 950
	r.OpenDataLeast, r.OpenDataAfter = 5, 2
	r.Sanctions.Span, r.Sanctions.SpanDays, r.Sanctions.WarnedFor = CalendarMonth, 30, 365
	return r
}

// Watch is by what something counts as an anomaly (Art. 22); the measure is silent.
type Watch struct {
	OneIn             int           `json:"one_in"`              // a usual day comes out like that once in so many: 1,000
	Least             int           `json:"least"`               // cases more than usual that matter: 5
	LeastPerMille     int           `json:"least_per_mille"`     // and more of the share: 100 = ten points
	SaturatedPerMille int           `json:"saturated_per_mille"` // share of the numbers taken from which a day is full: 900
	CutLeast          int           `json:"cut_least"`           // numbers taken back after booking began, or held ones: 5
	CutPerMille       int           `json:"cut_per_mille"`       // and so much of all: 100
	RegrabWithin      time.Duration `json:"regrab_within"`       // a place given up is taken again so soon after it has opened at the latest: 10 min
	RegrabLeast       int           `json:"regrab_least"`        // so many in a day: 3
	ReopenDays        int           `json:"reopen_days"`         // a closed one is reopened if it comes again within: 14
	TakeUpDays        int           `json:"take_up_days"`        // working days a level has to take one up before the next is told: 2
}

// Check reports the first field that no version could hold, "" for none.
func (w Watch) Check() string {
	switch {
	case w.OneIn < 20 || w.OneIn > 1_000_000_000:
		return "one_in"
	case w.Least < 1 || w.Least > 10_000:
		return "least"
	case w.LeastPerMille < 0 || w.LeastPerMille > 1000:
		return "least_per_mille"
	case w.SaturatedPerMille < 0 || w.SaturatedPerMille > 1000:
		return "saturated_per_mille"
	case w.CutLeast < 1 || w.CutLeast > 10_000:
		return "cut_least"
	case w.CutPerMille < 0 || w.CutPerMille > 1000:
		return "cut_per_mille"
	case w.RegrabWithin < time.Second || w.RegrabWithin > 24*time.Hour:
		return "regrab_within"
	case w.RegrabLeast < 1 || w.RegrabLeast > 10_000:
		return "regrab_least"
	case w.ReopenDays < 0 || w.ReopenDays > 366:
		return "reopen_days"
	case w.TakeUpDays < 1 || w.TakeUpDays > 366:
		return "take_up_days"
	}
	return ""
}

// Evaluation is what evaluations go by.
func (r Rulebook) Evaluation() counter.EvaluationRules {
	return counter.EvaluationRules{OpenDays: r.EvaluateWithin, AnswerDays: r.AnswerCaseWithin}
}

// Span says over which time what sanctions look at is counted.
type Span string

const (
	CalendarMonth Span = "calendar_month"
	LastDays      Span = "last_days" // the last SpanDays, today included
)

// Sanctions are recorded but off by default: the measure names none. Zero no-shows or cancellations: they
// lead to none.
type Sanctions struct {
	On              bool          `json:"on"`
	NoShows         int           `json:"no_shows"`      // in the span: 3
	Cancellations   int           `json:"cancellations"` // in the span: 5
	Span            Span          `json:"span"`          // calendar_month
	SpanDays        int           `json:"span_days"`     // of last_days: 30
	LateWithin      time.Duration `json:"late_within"`   // a cancellation counts so shortly before its hour begins; 0 = every one does
	BarredDays      int           `json:"barred_days"`   // without off-site booking, the first day included: 30
	WarnBeforeFirst bool          `json:"warn_before_first"`
	WarnedFor       int           `json:"warned_for"` // days after which who was warned or barred is warned anew: 365
}

// Check reports the first field that no version could hold, "" for none.
func (s Sanctions) Check() string {
	switch {
	case s.NoShows < 0 || s.NoShows > 100:
		return "no_shows"
	case s.Cancellations < 0 || s.Cancellations > 100:
		return "cancellations"
	case s.On && s.NoShows == 0 && s.Cancellations == 0:
		return "on"
	case s.Span != CalendarMonth && s.Span != LastDays:
		return "span"
	case s.SpanDays < 1 || s.SpanDays > 366:
		return "span_days"
	case s.LateWithin < 0 || s.LateWithin > 31*24*time.Hour:
		return "late_within"
	case s.BarredDays < 1 || s.BarredDays > 366:
		return "barred_days"
	case s.WarnedFor < 0 || s.WarnedFor > 3660:
		return "warned_for"
	}
	return ""
}

// SpanOf returns the instants between which what counts on date d lies.
func (s Sanctions) SpanOf(d calendar.Date) (from, before time.Time) {
	if s.Span == LastDays {
		return (d - calendar.Date(s.SpanDays) + 1).At(0, 0), (d + 1).At(0, 0)
	}
	first := calendar.MakeDate(d.Year(), d.Month(), 1)
	return first.At(0, 0), calendar.DateOf(first.At(12, 0).AddDate(0, 1, 0)).At(0, 0)
}

// Validate reports the first field that no version of the rules could hold.
func (r Rulebook) Validate() error {
	switch {
	case r.ID == "":
		return fmt.Errorf("rulebook: no id")
	case r.WindowDays < 1 || r.WindowDays > 366:
		return fmt.Errorf("rulebook %s: window_days out of range", r.ID)
	case r.WindowCounts != SkipStatutory && r.WindowCounts != CalendarDays:
		return fmt.Errorf("rulebook %s: window_counts unknown", r.ID)
	case r.OffSiteCloses != EndOfDayBefore && r.OffSiteCloses != SlotStart:
		return fmt.Errorf("rulebook %s: off_site_closes unknown", r.ID)
	case r.ReleaseAt < 0 || r.ReleaseAt >= 1440 || r.OnSiteReleaseAt < 0 || r.OnSiteReleaseAt >= 1440:
		return fmt.Errorf("rulebook %s: release time out of range", r.ID)
	case r.OnSitePerMille < 0 || r.OnSitePerMille > 100:
		return fmt.Errorf("rulebook %s: on-site share above 10 %% (Art. 14)", r.ID)
	case len(r.Hours) == 0:
		return fmt.Errorf("rulebook %s: no hours", r.ID)
	case r.CancelBeforeEnd < 0:
		return fmt.Errorf("rulebook %s: cancel_before_end negative", r.ID)
	case r.KeepPlaceLeast < 0 || r.KeepPlaceFor < r.KeepPlaceLeast || r.KeepPlaceBefore < 0 || r.StrandedFor < 0:
		return fmt.Errorf("rulebook %s: keep_place_for, keep_place_before, keep_place_least or stranded_for out of range", r.ID)
	}
	if r.GatherFor < 0 || r.GatherFor > time.Minute || r.NoonAttempts < 0 || r.NoonAttempts > 1000 || r.NoonAttemptEvery < time.Second || r.NoonAttemptEvery > 10*time.Minute {
		return fmt.Errorf("rulebook %s: gather_for, noon_attempts or noon_attempt_every out of range", r.ID)
	}
	if r.DrawFor < time.Second || r.DrawFor > time.Hour || r.DrawAhead < 1 || r.DrawAhead > 30 {
		return fmt.Errorf("rulebook %s: draw_for or draw_ahead out of range", r.ID)
	}
	if r.ReopenAfterMin < 0 || r.ReopenAfterMax < r.ReopenAfterMin || r.WaitlistBookLead < 0 || r.WaitlistOffer < 0 {
		return fmt.Errorf("rulebook %s: reopen_after_min, reopen_after_max, waitlist_book_lead or waitlist_offer out of range", r.ID)
	}
	if r.WaitlistReleaseShare < 0 || r.WaitlistReleaseShare > 100 || r.WaitlistMost < 1 || r.WaitlistMost > 100 {
		return fmt.Errorf("rulebook %s: waitlist_release_share or waitlist_most out of range", r.ID)
	}
	if r.GroupMost < 0 || r.GroupMost > 20 {
		return fmt.Errorf("rulebook %s: group_most out of range", r.ID)
	}
	if days := []int{r.LetterReceiptDays, r.LetterReplyDays, r.LetterAgainDays, r.LetterCheckDays}; slices.Min(days) < 1 || slices.Max(days) > 366 {
		return fmt.Errorf("rulebook %s: letter_receipt_days, letter_reply_days, letter_again_days or letter_check_days out of range", r.ID)
	}
	if r.RepeatedFailures < 1 || r.DataInTimePerMille < 0 || r.DataInTimePerMille > 1000 {
		return fmt.Errorf("rulebook %s: repeated_failures or data_in_time_per_mille out of range", r.ID)
	}
	if r.OpenDataLeast < 5 || r.OpenDataLeast > 1000 || r.OpenDataAfter < 0 || r.OpenDataAfter > 60 {
		return fmt.Errorf("rulebook %s: open_data_least or open_data_after out of range", r.ID)
	}
	if wrong := r.Sanctions.Check(); wrong != "" {
		return fmt.Errorf("rulebook %s: sanctions.%s out of range", r.ID, wrong)
	}
	if wrong := r.Watch.Check(); wrong != "" {
		return fmt.Errorf("rulebook %s: watch.%s out of range", r.ID, wrong)
	}
	if wrong := r.Retention.Check(); wrong != "" {
		return fmt.Errorf("rulebook %s: retention.%s out of range: logs are kept %d days at least by law", r.ID, wrong, LeastLogDays)
	}
	if wrong := r.Messages.Check(); wrong != "" {
		return fmt.Errorf("rulebook %s: messages.%s out of range", r.ID, wrong)
	}
	if wrong := r.Hall.Check(); len(wrong) > 0 {
		return fmt.Errorf("rulebook %s: hall.%s out of range", r.ID, wrong[0].Path)
	}
	if r.EvaluateWithin < 0 || r.EvaluateWithin > 366 || r.AnswerCaseWithin < 1 || r.AnswerCaseWithin > 366 {
		return fmt.Errorf("rulebook %s: evaluate_within or answer_case_within out of range", r.ID)
	}
	for i, h := range r.Hours {
		if h < 0 || h > 23 || i > 0 && h <= r.Hours[i-1] {
			return fmt.Errorf("rulebook %s: hours must be 0..23 and ascend", r.ID)
		}
	}
	return nil
}

// Trial2022 is the measure as issued: in force 2022-04-01, valid three years (Art. 24).
func Trial2022() Rulebook {
	return Rulebook{
		ID: "2022-trial", EffectiveFrom: calendar.MakeDate(2022, time.April, 1),
		WindowDays: 14, WindowCounts: SkipStatutory, ReleaseAt: 12 * 60, OnSiteReleaseAt: 9 * 60,
		OnSitePerMille: 100, OffSiteCloses: EndOfDayBefore, Hours: []int{9, 10, 11, 13, 14, 15, 16}, CapacityDays: 60,
		LevelToBook: 3, LevelToBatch: 4,
		ActivePerItem: 1, ActivePerHour: 1, ActivePerDay: 3,
		CancelBeforeEnd: 2 * time.Hour, RebookWithin: 30, RebookTimes: 1,
		WaitlistBookLead: 3 * time.Hour, WaitlistOffer: 15 * time.Minute,
		ReopenAfterMin: time.Minute, ReopenAfterMax: 30 * time.Minute,
		RequestNoticeDays: 2, DecideWithinDays: 1,
		Sanctions: Sanctions{NoShows: 3, Cancellations: 5, BarredDays: 30, WarnBeforeFirst: true},
	}.keeping()
}

// Continued2025 carries the same numbers on from 2025-04-01: no text of a successor is at hand.
func Continued2025() Rulebook {
	r := Trial2022()
	r.ID, r.EffectiveFrom = "2025-continued", calendar.MakeDate(2025, time.April, 1)
	return r
}

// Shelf is a set of versions, ordered by the day each takes effect.
type Shelf []Rulebook

// NewShelf sorts and checks versions: at least one, no two from the same day.
func NewShelf(versions ...Rulebook) (Shelf, error) {
	s := append(Shelf(nil), versions...)
	sort.Slice(s, func(i, j int) bool { return s[i].EffectiveFrom < s[j].EffectiveFrom })
	for i, r := range s {
		if err := r.Validate(); err != nil {
			return nil, err
		}
		if i > 0 && s[i-1].EffectiveFrom == r.EffectiveFrom {
			return nil, fmt.Errorf("rulebook: two versions from %s", r.EffectiveFrom)
		}
	}
	if len(s) == 0 {
		return nil, fmt.Errorf("rulebook: none given")
	}
	return s, nil
}

// On returns the version in force on date d; before the first one, the first.
func (s Shelf) On(d calendar.Date) Rulebook {
	i := sort.Search(len(s), func(i int) bool { return s[i].EffectiveFrom > d })
	if i == 0 {
		return s[0]
	}
	return s[i-1]
}

// SanctionsSince returns from which date on sanctions have been on without a break up to date d; d + 1 where they
// are off. What happened before leads to none: nobody is held to a rule that was not in force.
func (s Shelf) SanctionsSince(d calendar.Date) calendar.Date {
	i := max(sort.Search(len(s), func(i int) bool { return s[i].EffectiveFrom > d })-1, 0)
	if !s[i].Sanctions.On {
		return d + 1
	}
	for i > 0 && s[i-1].Sanctions.On {
		i--
	}
	return s[i].EffectiveFrom
}
