package fault

// Code is the stable name of one refusal. Codes are never renamed or reused.
type Code string

const (
	// Requests as such.
	InvalidRequest   Code = "invalid_request"
	MalformedRequest Code = "malformed_request"
	UnsupportedMedia Code = "unsupported_media_type"
	BodyTooLarge     Code = "body_too_large"
	NoSuchPage       Code = "no_such_page"
	MethodNotAllowed Code = "method_not_allowed"
	KeyMissing       Code = "idempotency_key_missing"
	KeyReused        Code = "idempotency_key_reused" // same key, other request
	CursorInvalid    Code = "cursor_invalid"
	TooManyRequests  Code = "too_many_requests"
	CrossSite        Code = "cross_site_request"
	InternalError    Code = "internal_error"
	Busy             Code = "busy"            // queue full: nothing was done
	OutcomeUnknown   Code = "outcome_unknown" // ask again with the same key
	ShuttingDown     Code = "shutting_down"
	WaitingRoom      Code = "waiting_room"      // more people than can be served: args position, minutes
	WaitingOrder     Code = "waiting_order"     // the first moment after a release: all who come are put in a random order
	WaitingRoomFull  Code = "waiting_room_full" // and no place in the line either
	StepMissing      Code = "step_missing"      // the last step alone, or with the token of another
	StepOver         Code = "step_over"         // its token is too old

	// Field codes.
	Required            Code = "required"
	TooLong             Code = "too_long"
	TooShort            Code = "too_short"
	BadFormat           Code = "bad_format"
	BadCharacter        Code = "bad_character"
	BadCheckDigit       Code = "bad_check_digit"
	BadDate             Code = "bad_date"
	DateInPast          Code = "date_in_past"
	DateInFuture        Code = "date_in_future"
	OutOfRange          Code = "out_of_range"
	NotOneOf            Code = "not_one_of"
	UnknownField        Code = "unknown_field"
	WrongType           Code = "wrong_type"
	DuplicateField      Code = "duplicate_field"
	DocumentUnsupported Code = "document_unsupported"
	NotTheSame          Code = "not_the_same"        // typed twice, differently
	ListedTwice         Code = "listed_twice"        // the same person in a list before
	VersionReused       Code = "version_reused"      // of a record: another content came under it
	KindNotAgreed       Code = "kind_not_agreed"     // of a record: the system is not to send that kind
	AddressNotAllowed   Code = "address_not_allowed" // none that the platform may call

	// Who.
	SignInRequired    Code = "sign_in_required"
	SessionEnded      Code = "session_ended"
	SignInFailed      Code = "sign_in_failed"
	SignInCancelled   Code = "sign_in_cancelled"
	CodeWrong         Code = "one_time_code_wrong"
	CodeExpired       Code = "one_time_code_expired"
	CodeTooOften      Code = "one_time_code_too_often"
	LevelTooLow       Code = "real_name_level_too_low" // Art. 12; args level, need
	NotAllowed        Code = "not_allowed"
	ItemNotForVisitor Code = "item_needs_provincial_identity" // Art. 12: local sign-in serves foreigner-related items only

	// Administrators (chapter 3).
	ProveAgain       Code = "prove_again"                 // before decisions, exports and names: the last proof is too old
	PasswordWrong    Code = "password_or_code_wrong"      // never says which
	AccountLocked    Code = "account_locked"              // too many failures; arg until
	LinkUsed         Code = "link_used_or_expired"        // one-time link
	PasswordWeak     Code = "password_too_weak"           //
	FactorMissing    Code = "second_factor_missing"       // none is set up yet
	AccountNotFound  Code = "account_not_found"           //
	AccountClosed    Code = "account_closed"              //
	AccountTaken     Code = "mobile_has_an_account"       // one person, one account
	RankNotHere      Code = "rank_not_at_this_unit"       // Art. 8 to 10
	FilingNotFound   Code = "filing_not_found"            //
	FilingDecided    Code = "filing_decided_already"      //
	FilingWaits      Code = "filing_waits_already"        // another application about this account or mobile
	RequestNotFound  Code = "request_not_found"           //
	RequestDecided   Code = "request_decided_already"     // arg state
	RequestOwn       Code = "request_is_your_own"         // Art. 23: nobody decides their own
	RequestNotYours  Code = "request_not_yours_to_decide" // arg rank: who decides it now
	RequestOver      Code = "request_over"                // its dates have passed
	ChangedMeanwhile Code = "changed_meanwhile"           // somebody else was faster: look again
	UrgentCut        Code = "urgent_needs_an_increase"    // Art. 22: only increases are urgent
	ShareTooLarge    Code = "share_above_limit"           // Art. 14; arg max per mille
	NothingChanges   Code = "nothing_changes"             // the change would leave everything as it is
	NoticeTooShort   Code = "notice_too_short"            // Art. 23: an increase filed late; arg earliest
	HallShut         Code = "hall_closed"                 // the hall or queue is closed for good
	ChoiceOver       Code = "choice_over"                 // the kept place is gone
	UnitNotFound     Code = "unit_not_found"              //
	EntryNotFound    Code = "entry_not_found"             //
	NoAppeal         Code = "no_appeal"                   // nothing waits to be decided about the entry, or it cannot be appealed any more
	AppealOwn        Code = "appeal_is_your_own"          // Art. 23: nobody decides about an entry of their own
	AppealNotYours   Code = "appeal_not_yours_to_decide"  // a level above does
	PeopleBooked     Code = "people_are_booked"           // arg n: they are moved first, by a request to close
	FileUnreadable   Code = "file_unreadable"             // no CSV or XLSX file we can read

	// Finding things.
	ItemNotFound    Code = "item_not_found"
	HallNotFound    Code = "hall_not_found"
	QueueNotFound   Code = "queue_not_found"
	SlotNotFound    Code = "slot_not_found"
	BookingNotFound Code = "booking_not_found"
	FeedNotFound    Code = "feed_not_found" // no calendar is read under that address, or no longer
	MessageNotFound Code = "message_not_found"

	// Booking (chapter 4).
	NotOffered       Code = "not_offered_here"         // hall does not offer this item
	StageNotOffered  Code = "stage_not_offered"        // Art. 13
	NotReleased      Code = "not_released_yet"         // Art. 14; arg at
	OffSiteClosed    Code = "off_site_closed"          // Art. 14: today's slots are for the hall
	SlotOver         Code = "slot_over"                // it has begun or passed
	SlotClosed       Code = "slot_closed"              // hall shut that hour
	SoldOut          Code = "sold_out"                 // Art. 15
	AlreadyBooked    Code = "already_booked_item"      // one active booking per applicant and item
	BookedElsewhere  Code = "booked_in_another_system" // the same, in a connected one; arg system: its name
	SameHour         Code = "already_booked_hour"      // no two bookings of one booker in one hour
	DayLimit         Code = "day_limit_reached"        // args limit
	OffSiteBarred    Code = "off_site_barred"          // a sanction; arg until. Not at a hall, and not for what is held
	MeasureNotFound  Code = "measure_not_found"        // no warning or sanction under that code
	MeasureOver      Code = "measure_over"             // it has ended: there is nothing to appeal against or to decide
	BatchNotOffered  Code = "batch_not_offered"        // Art. 19
	BatchTooLarge    Code = "batch_too_large"          // Art. 19; arg max
	BatchUnequal     Code = "batch_list_unequal"       // Art. 19: as many units as cases; args units, cases
	CaseBooked       Code = "batch_case_booked"        // one active booking per applicant and item; arg n: which case
	NoSuchCase       Code = "batch_case_not_found"     //
	LastCase         Code = "batch_needs_a_case"       // cancel the batch instead
	OnSiteBatch      Code = "on_site_no_batch"         // Art. 14, 19: a number of the day is for one case
	CancelTooLate    Code = "cancel_too_late"          // Art. 17; arg until
	MoveTooLate      Code = "move_too_late"            // Art. 17; arg until
	BookingPending   Code = "booking_pending"          // the department has not confirmed it yet
	DelegatedAlone   Code = "department_books_singly"  // its numbers are a department's: one person, one number, no line
	DepartmentNo     Code = "department_refused"       // the department has no place there, or does not do it there
	DepartmentSilent Code = "department_silent"        // it did not answer in time; nothing was changed
	BookedThere      Code = "booked_at_department"     // its numbers are had at the department; arg link
	NotActive        Code = "booking_not_active"       // cancelled, moved on, missed or done
	SameSlot         Code = "already_in_that_slot"     // move to where it is
	MoveOtherItem    Code = "move_to_other_item"       // the target queue does not serve the item
	ApplicantInvalid Code = "applicant_not_identified" // applicant given without what identifies them
	DrawOnce         Code = "one_entry_in_the_draw"    // one of a booker, and of an applicant, for an item; args draw, slot
	DrawSingly       Code = "draw_takes_one_by_one"    // an entry is for one number: several people at once when the draw is done
	DrawRunning      Code = "draw_being_carried_out"   // the minute is over, the numbers are being given in drawn order
	DrawNotFound     Code = "draw_not_found"
	OpenDayNotFound  Code = "open_day_not_found"

	// The waitlist (Art. 15).
	WaitlistOff  Code = "waitlist_off"    // the rules in force have none
	PlaceFree    Code = "place_is_free"   // nothing to wait for; arg slot
	WaitTwice    Code = "waiting_already" // one entry an applicant and item; arg entry, of one's own
	WaitTooMany  Code = "too_many_waits"  // arg max
	WaitNotFound Code = "wait_not_found"  //
	WaitEnded    Code = "wait_over"       // arg state
	OfferOver    Code = "offer_over"      // the place was not taken in time

	// Anomalies, forecasts and advice (Art. 22).
	AnomalyNotFound Code = "anomaly_not_found"
	AnomalyClosed   Code = "anomaly_closed"
	AdviceNotFound  Code = "advice_not_found"
	AdviceOver      Code = "advice_over" // dismissed, followed, or its days are past

	// The alert of Art. 16.
	AlertNotFound Code = "alert_not_found"
	AlertOver     Code = "alert_over"    // it is no longer so
	NoOnlineWay   Code = "no_online_way" // nobody waits for anything that can be done online

	// Supervision (Art. 21 to 23).
	SourceNotFound       Code = "source_not_found"       // a connected system
	SourceEnded          Code = "source_ended"           // it is connected no more
	BulletinNotFound     Code = "bulletin_not_found"     //
	BulletinNotNow       Code = "bulletin_not_now"       // arg state: what is asked cannot be done in it
	BulletinOwn          Code = "bulletin_is_your_own"   // Art. 21: who wrote on it last does not review it
	BulletinNoFigures    Code = "bulletin_no_figures"    // nothing is counted for that time, or it is not over
	LetterNotFound       Code = "letter_not_found"       //
	LetterNotNow         Code = "letter_not_now"         // arg state
	LetterTwice          Code = "letter_about_that_sent" // arg letter: the unit has one about the same already
	AnnouncementNotFound Code = "announcement_not_found" //
	AnnouncementTwice    Code = "announced_already"      // the unit stands on the list for that year
	AnnouncementTooFew   Code = "failures_too_few"       // arg n: so many are needed

	// A day in the hall (Art. 12, 14, 17, 18).
	DaySealed        Code = "day_sealed" // the hall's day is over
	CounterNotFound  Code = "counter_not_found"
	CounterClosed    Code = "counter_closed" // nobody has opened it today
	CounterPaused    Code = "counter_paused"
	CounterBusy      Code = "counter_has_somebody" // somebody is at it
	CounterTaken     Code = "counter_taken"        // somebody else sits at it
	TicketNotFound   Code = "ticket_not_found"
	TicketOver       Code = "ticket_over"                // arg state
	TicketNotYours   Code = "ticket_not_at_this_counter" // another counter has it, or its state does not allow it
	NobodyWaits      Code = "nobody_waits"
	AlreadyHere      Code = "already_checked_in"      // arg number
	TooEarly         Code = "check_in_too_early"      // Art. 12; arg from
	TooLate          Code = "check_in_too_late"       // Art. 17; arg until
	OtherDay         Code = "booked_for_another_day"  // arg date
	OtherHall        Code = "booked_at_another_hall"  // arg hall
	DocumentMismatch Code = "document_does_not_match" // Art. 12: recorded, no business is done
	OnSiteNotYet     Code = "on_site_not_yet"         // Art. 14; arg at
	OnSiteNone       Code = "on_site_none_left"       // Art. 14
	OnSiteOnce       Code = "on_site_once"            // one a person, item and half-day; arg number
	NotOpenToday     Code = "hall_not_open_today"
	DeviceNotFound   Code = "device_not_found"
	DeviceEnded      Code = "device_not_enrolled" // its key is unknown, or was taken away
	DeviceCodeWrong  Code = "device_code_wrong"
	ReprintGuarded   Code = "reprint_needs_document"    // a number is put on paper again for its holder or by staff
	TooFar           Code = "too_far_from_hall"         // check-in by phone outside the hall's radius
	DayCodeWrong     Code = "hall_code_wrong"           // the hall's daily code
	NotMissed        Code = "booking_not_missed"        // Art. 17, 18
	RebookUsed       Code = "rebooked_already"          // Art. 18: once
	RebookLate       Code = "rebook_too_late"           // Art. 18; arg until
	RebookOther      Code = "rebook_same_business_only" // Art. 18: same applicant, same item
	AppealWaits      Code = "appeal_waits_already"
	AppealDecided    Code = "appeal_decided"
	AppealNotFound   Code = "appeal_not_found"
	EvaluationTwice  Code = "evaluated_already" // one evaluation a service (一次一評)
	EvaluationNotYet Code = "nothing_to_evaluate_yet"
	EvaluationOver   Code = "evaluation_over"
	CaseNotFound     Code = "evaluation_case_not_found"

	// Requests that a connected system signs.
	SignatureMissing     Code = "signature_missing"           // none, or only half of one
	SignatureMalformed   Code = "signature_malformed"         // cannot be read
	SignatureIncomplete  Code = "signature_incomplete"        // does not cover what it must; arg part
	SignaturePartAbsent  Code = "signature_part_absent"       // covers what the request does not have
	SignaturePartUnknown Code = "signature_part_unknown"      // covers what is not known here
	SignatureKeyUnknown  Code = "signature_key_unknown"       //
	SignatureKeyOver     Code = "signature_key_not_in_force"  // not yet, or no more
	SignatureAlgorithm   Code = "signature_algorithm_wrong"   // the key is of another profile
	SignatureWrong       Code = "signature_wrong"             // made with another key, or of another request
	SignatureOld         Code = "signature_too_old"           // arg now
	SignatureAhead       Code = "signature_in_the_future"     // arg now
	SignatureExpired     Code = "signature_expired"           // by its own word; arg now
	SignatureReplayed    Code = "signature_replayed"          // its nonce was used before
	SignatureDigestWrong Code = "signature_digest_wrong"      // the body is not the one that was digested
	SignatureCertificate Code = "signature_certificate_wrong" // the key goes with another client certificate
	QuotaUsedUp          Code = "quota_used_up"               // of a client key
	ClientKeyNotFound    Code = "client_key_not_found"        //
	ClientKeysTwo        Code = "client_keys_two_live"        // two of a profile are in force already
	ClientKeyOver        Code = "client_key_over"             // it has ended

	// What connected systems are told.
	EventsForgotten    Code = "events_forgotten"         // those asked for are kept no more; arg after: to go on from
	WebhookNotFound    Code = "webhook_not_found"        //
	WebhookEnded       Code = "webhook_ended"            // it was taken away
	WebhookOff         Code = "webhook_off"              // nothing is sent until it is switched on
	WebhooksMost       Code = "webhooks_most"            // arg n: the system has so many
	WebhookSecretsTwo  Code = "webhook_secrets_two_live" // two are in force already
	WebhookSecretLast  Code = "webhook_secret_last"      // without one nothing can be signed
	WebhookSecretEnded Code = "webhook_secret_ended"     //
	NothingUndelivered Code = "nothing_undelivered"      // nothing was put aside that could be sent again

	// A list that is taken away as a file.
	ExportNotFound  Code = "export_not_found"
	ExportCancelled Code = "export_cancelled"
	ExportsMany     Code = "too_many_exports" // at once, on this node

	// One thing (Art. 20).
	ThemeNotFound   Code = "theme_not_found"
	OneCaseNotFound Code = "one_thing_case_not_found"
	StepNotFound    Code = "step_not_found"
	StepTaken       Code = "step_taken"           // somebody else of the department works on it
	StepNotThere    Code = "step_not_there"       // its state does not allow that; arg state
	CaseOver        Code = "case_over"            // arg state
	StepCycle       Code = "steps_wait_in_a_ring" // of a theme's file: the step waits for itself
	StepUnreachable Code = "step_can_never_begin" // of a theme's file: it waits for steps that wait in a ring
)

// kinds is the one table of which kind each top-level code is. Field codes are listed as Invalid.
var kinds = map[Code]Kind{
	InvalidRequest: Invalid, MalformedRequest: Malformed, UnsupportedMedia: Malformed,
	BodyTooLarge: Malformed, NoSuchPage: NotFound, MethodNotAllowed: Malformed,
	KeyMissing: Malformed, KeyReused: Invalid, CursorInvalid: Malformed,
	TooManyRequests: TooMany, CrossSite: Forbidden, InternalError: Internal,
	Busy: Unavailable, OutcomeUnknown: Unavailable, ShuttingDown: Unavailable,
	WaitingRoom: Unavailable, WaitingOrder: Unavailable, WaitingRoomFull: Unavailable, StepMissing: Forbidden, StepOver: Gone,

	Required: Invalid, TooLong: Invalid, TooShort: Invalid, BadFormat: Invalid, BadCharacter: Invalid,
	BadCheckDigit: Invalid, BadDate: Invalid, DateInPast: Invalid, DateInFuture: Invalid,
	OutOfRange: Invalid, NotOneOf: Invalid, UnknownField: Invalid, WrongType: Invalid,
	DuplicateField: Invalid, DocumentUnsupported: Invalid, NotTheSame: Invalid, ListedTwice: Invalid, VersionReused: Invalid, KindNotAgreed: Invalid, AddressNotAllowed: Invalid,

	SignInRequired: SignIn, SessionEnded: SignIn, SignInFailed: SignIn, SignInCancelled: SignIn,
	CodeWrong: Invalid, CodeExpired: Gone, CodeTooOften: TooMany,
	LevelTooLow: Forbidden, NotAllowed: Forbidden, ItemNotForVisitor: Forbidden,

	ProveAgain: SignIn, PasswordWrong: Invalid, AccountLocked: TooMany, LinkUsed: Gone, PasswordWeak: Invalid, FactorMissing: Forbidden,
	AccountNotFound: NotFound, AccountClosed: Conflict, AccountTaken: Conflict, RankNotHere: Invalid, FilingNotFound: NotFound, FilingDecided: Conflict, FilingWaits: Conflict,
	RequestNotFound: NotFound, RequestDecided: Conflict, RequestOwn: Forbidden, RequestNotYours: Forbidden, RequestOver: Conflict,
	ChangedMeanwhile: Conflict, UrgentCut: Invalid, NoticeTooShort: Invalid, HallShut: Conflict, ShareTooLarge: Invalid, NothingChanges: Invalid, ChoiceOver: Gone,
	UnitNotFound: NotFound, EntryNotFound: NotFound, NoAppeal: Conflict, AppealOwn: Forbidden, AppealNotYours: Forbidden,
	PeopleBooked: Conflict, FileUnreadable: Invalid,

	ItemNotFound: NotFound, HallNotFound: NotFound, QueueNotFound: NotFound, SlotNotFound: NotFound,
	BookingNotFound: NotFound, FeedNotFound: NotFound, MessageNotFound: NotFound,

	NotOffered: Conflict, StageNotOffered: Conflict, NotReleased: Conflict, OffSiteClosed: Conflict,
	SlotOver: Conflict, SlotClosed: Conflict, SoldOut: Conflict, AlreadyBooked: Conflict, BookedElsewhere: Conflict,
	SameHour: Conflict, DayLimit: Conflict, OffSiteBarred: Forbidden, MeasureNotFound: NotFound, MeasureOver: Conflict, BatchNotOffered: Conflict, BatchTooLarge: Invalid, BatchUnequal: Invalid, CaseBooked: Conflict, NoSuchCase: NotFound, LastCase: Conflict, OnSiteBatch: Conflict,
	BookingPending: Conflict, DelegatedAlone: Conflict, DepartmentNo: Conflict, DepartmentSilent: Unavailable, BookedThere: Conflict,
	CancelTooLate: Conflict, MoveTooLate: Conflict, NotActive: Conflict, SameSlot: Conflict,
	MoveOtherItem: Conflict, ApplicantInvalid: Invalid, DrawOnce: Conflict, DrawRunning: Unavailable, DrawSingly: Unavailable, DrawNotFound: NotFound, OpenDayNotFound: NotFound,

	WaitlistOff: Conflict, PlaceFree: Conflict, WaitTwice: Conflict, WaitTooMany: Conflict, WaitNotFound: NotFound, WaitEnded: Conflict, OfferOver: Gone,
	AlertNotFound: NotFound, AlertOver: Conflict, AnomalyNotFound: NotFound, AnomalyClosed: Conflict, AdviceNotFound: NotFound, AdviceOver: Conflict, NoOnlineWay: Conflict,

	SourceNotFound: NotFound, SourceEnded: Conflict, BulletinNotFound: NotFound, BulletinNotNow: Conflict, BulletinOwn: Forbidden, BulletinNoFigures: Conflict,
	LetterNotFound: NotFound, LetterNotNow: Conflict, LetterTwice: Conflict, AnnouncementNotFound: NotFound, AnnouncementTwice: Conflict, AnnouncementTooFew: Conflict,

	DaySealed: Conflict, CounterNotFound: NotFound, CounterClosed: Conflict, CounterPaused: Conflict, CounterBusy: Conflict, CounterTaken: Conflict, TicketNotFound: NotFound,
	TicketOver: Conflict, TicketNotYours: Conflict, NobodyWaits: Conflict, AlreadyHere: Conflict, TooEarly: Conflict, TooLate: Conflict, OtherDay: Conflict,
	OtherHall: Conflict, DocumentMismatch: Forbidden, OnSiteNotYet: Conflict, OnSiteNone: Conflict, OnSiteOnce: Conflict, NotOpenToday: Conflict, DeviceNotFound: NotFound,
	DeviceEnded: SignIn, DeviceCodeWrong: Invalid, ReprintGuarded: Forbidden, TooFar: Forbidden, DayCodeWrong: Invalid, NotMissed: Conflict, RebookUsed: Conflict, RebookLate: Conflict,
	RebookOther: Invalid, AppealWaits: Conflict, AppealDecided: Conflict, AppealNotFound: NotFound, EvaluationTwice: Conflict, EvaluationNotYet: Conflict, EvaluationOver: Gone,
	CaseNotFound: NotFound, ExportNotFound: NotFound, ExportCancelled: Conflict, ExportsMany: Unavailable,

	SignatureMissing: SignIn, SignatureMalformed: Malformed, SignatureIncomplete: SignIn, SignaturePartAbsent: SignIn, SignaturePartUnknown: SignIn, SignatureKeyUnknown: SignIn,
	SignatureKeyOver: SignIn, SignatureAlgorithm: SignIn, SignatureWrong: SignIn, SignatureOld: SignIn, SignatureAhead: SignIn, SignatureExpired: SignIn, SignatureReplayed: SignIn,
	SignatureDigestWrong: SignIn, SignatureCertificate: SignIn, QuotaUsedUp: TooMany, ClientKeyNotFound: NotFound, ClientKeysTwo: Conflict, ClientKeyOver: Conflict,
	EventsForgotten: Gone, WebhookNotFound: NotFound, WebhookEnded: Conflict, WebhookOff: Conflict, WebhooksMost: Conflict, WebhookSecretsTwo: Conflict, WebhookSecretLast: Conflict,
	WebhookSecretEnded: Conflict, NothingUndelivered: Conflict,

	ThemeNotFound: NotFound, OneCaseNotFound: NotFound, StepNotFound: NotFound, StepTaken: Conflict, StepNotThere: Conflict, CaseOver: Conflict,
	StepCycle: Invalid, StepUnreachable: Invalid,
}

// KindOf tells the kind of a listed code; false for an unlisted one.
func KindOf(c Code) (Kind, bool) {
	k, ok := kinds[c]
	return k, ok
}

// Codes lists every code, for the reference page and for the test that each has a sentence in
// every language.
func Codes() []Code {
	out := make([]Code, 0, len(kinds))
	for c := range kinds {
		out = append(out, c)
	}
	return out
}
