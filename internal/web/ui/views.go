// Package ui is the look: the page around everything and the components pages are made of. Each
// takes a plain view struct whose strings are already in the reader's language; only Shell, Pass,
// Countdown and FaultPage look words up themselves. Components hold no rule and no state.
package ui

import (
	"net/http"
	"time"

	"github.com/a-h/templ"

	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

// Hotline is the city's government service hotline.
const Hotline = "12345"

// Link is text that leads somewhere.
type Link struct {
	Text    string
	Href    string
	Current bool // where the reader is
	Count   int  // a small number beside it, 0 = none
	Lang    string
	Attrs   templ.Attributes
}

// Shell is the page around the content. Make it with NewShell and fill in the rest.
type Shell struct {
	L       web.Locale
	Title   string // of this page, without the name of the site
	Elder   bool
	Scheme  string // "" paper; "dark" for displays; "auto" by the system's preference
	Langs   []Link
	Edition Link
	Nav     []Link // beside the mark: my bookings, messages
	Person  string // masked name of who is signed in, "" for nobody
	SignIn  string // address that starts a sign-in, "" hides it
	SignOut string // address a POST to which ends the session
	Token   string // form token of the sign-out form
	Back    *Link
	Footer  []Link
	Error   bool   // the page shows an error summary: the title says so
	Wide    bool   // lists and tables: the main column is not held to 40 rem
	Bare    bool   // no header navigation and no footer (print, displays)
	Framed  bool   // it stands in a page of an entrance: what it leads to opens over the whole window
	Refresh string // seconds after which the page is loaded again where there is no script, "" for never
}

// NewShell makes the Shell of a request: language, edition and their switches.
func NewShell(r *http.Request, title string) Shell {
	l := web.LocaleOf(r)
	s := Shell{L: l, Title: title, Elder: web.ElderOf(r), SignIn: "/sign-in", SignOut: "/sign-out"}
	for _, o := range web.Locales {
		s.Langs = append(s.Langs, Link{Text: o.Name(), Href: web.SwitchURL(r, "lang", string(o)), Current: o == l, Lang: o.Tag()})
	}
	if s.Elder {
		s.Edition = Link{Text: l.T("nav.elder_off"), Href: web.SwitchURL(r, "edition", "normal")}
	} else {
		s.Edition = Link{Text: l.T("nav.elder_on"), Href: web.SwitchURL(r, "edition", "elder")}
	}
	s.Nav = []Link{{Text: l.T("nav.bookings"), Href: "/bookings"}}
	return s
}

func (s Shell) htmlClass() string {
	c := s.Scheme
	if s.Elder {
		c = "elder " + c
	}
	return c
}

func (s Shell) fullTitle() string {
	t := s.Title
	if s.Error {
		t = s.L.T("title.error", "title", t)
	}
	if t == "" {
		return s.L.T("title.suffix")
	}
	return t + " – " + s.L.T("title.suffix")
}

// ButtonKind is how much a button weighs. A page has one Primary at most.
type ButtonKind string

const (
	Primary   ButtonKind = "primary"
	Secondary ButtonKind = "secondary"
	Danger    ButtonKind = "danger" // takes something away
	Quiet     ButtonKind = "quiet"  // looks like a link, is a button
)

// ButtonView is a button, or a link that looks like one when Href is set.
type ButtonView struct {
	Text  string
	Kind  ButtonKind // "" = Primary
	Href  string
	Name  string
	Value string
	Icon  string // a name Icon knows, "" for none
	Block bool   // full width
	Attrs templ.Attributes
}

func (b ButtonView) class() string {
	k := b.Kind
	if k == "" {
		k = Primary
	}
	c := "button button--" + string(k)
	if b.Block {
		c += " button--block"
	}
	return c
}

// FieldView is what every form field shares. Error is a whole sentence, without the label.
type FieldView struct {
	ID    string // of the input; the error summary links to it
	Name  string // "" = ID
	Label string
	Hint  string
	Error string
	Code  string // fault code of the error, shown small
	Big   bool   // the label is the page's h1: one question a page
}

func (f FieldView) name() string {
	if f.Name == "" {
		return f.ID
	}
	return f.Name
}

func (f FieldView) describedBy() string {
	s := ""
	if f.Hint != "" {
		s = f.ID + "-hint"
	}
	if f.Error != "" {
		if s != "" {
			s += " "
		}
		s += f.ID + "-error"
	}
	return s
}

func (f FieldView) groupClass() string {
	if f.Error != "" {
		return "govuk-form-group govuk-form-group--error"
	}
	return "govuk-form-group"
}

// InputView is a line of text.
type InputView struct {
	FieldView
	Value        string
	Type         string // "" = text; tel, search …
	InputMode    string // numeric, tel …
	Autocomplete string
	Width        int // characters that fit: 2, 3, 4, 5, 10, 20, 30; 0 = full
	Attrs        templ.Attributes
}

// Option is one choice of a Select, Radios or Checkboxes.
type Option struct {
	Value    string
	Text     string
	Hint     string
	Selected bool
	Disabled bool
	Attrs    templ.Attributes
}

// ChoiceView is a Select, Radios or Checkboxes.
type ChoiceView struct {
	FieldView
	Options []Option
	Attrs   templ.Attributes
}

// CheckboxView is one box by itself.
type CheckboxView struct {
	FieldView
	Value   string // "" = "yes"
	Checked bool
	Attrs   templ.Attributes
}

// DateInputView is a date in three boxes, named Name-day, Name-month, Name-year.
type DateInputView struct {
	FieldView
	L                web.Locale
	Day, Month, Year string
	Autocomplete     string // "bday" for a birth date
}

// ErrorItem is one line of the summary; Href is "#"+FieldView.ID.
type ErrorItem struct {
	Text, Href string
	Code       string // printed small behind it; of a field it stands at the field
}

// FieldErrors makes the items of an error summary: labels and ids by the fault's field path. A path
// nobody named is left out of neither: it shows without a link.
func FieldErrors(l web.Locale, e *fault.Error, labels, ids map[string]string) []ErrorItem {
	out := make([]ErrorItem, 0, len(e.Fields))
	for _, f := range e.Fields {
		item := ErrorItem{Text: l.FieldSentence(labels[f.Path], f.Code)}
		if id := ids[f.Path]; id != "" {
			item.Href = "#" + id
		}
		out = append(out, item)
	}
	return out
}

// SummaryRow is one line of check-your-answers.
type SummaryRow struct {
	Key    string
	Value  string
	Lines  []string // further lines of the value, quieter
	Change *Link    // Text is 「更改」; Key is added for screen readers
}

// DayState says what a day of the strip offers.
type DayState string

const (
	DayFree DayState = "free"
	DayFew  DayState = "few"  // free, and nearly gone
	DayFull DayState = "full" // 满
	DaySoon DayState = "soon" // not released yet
	DayOff  DayState = "off"  // 休, or closed
)

// DayView is one day of the strip. Without Href it cannot be chosen.
type DayView struct {
	Date     string // 2006-01-02
	Weekday  string // 周三
	Day      string // 9
	Month    string // 12月 on the first day shown and each first of a month, else ""
	State    DayState
	Label    string // at most five letters wide: 余 23 · 满 · 12:00 · 休
	Note     string // second line: 可排队 · 放号
	Spoken   string // the whole in one sentence
	Href     string
	Selected bool
}

// DateStripView is the strip; Target is the id of the element that changes with the day.
type DateStripView struct {
	Label  string
	Days   []DayView
	Target string
}

// HourView is one hour. Disabled ones stay in the list: a gap would puzzle.
type HourView struct {
	Value    string // of the radio: the slot id
	Time     string // 10:00–11:00
	Left     string // 余 8 个 · 已约满
	Note     string // 最早可约
	State    DayState
	Selected bool
	Disabled bool
}

// HourListView is the hours of one day as radios under one name.
type HourListView struct {
	FieldView
	Hours []HourView
}

// Fact is a small heading with what it says, e.g. 现在等候 · 约 10–25 分钟.
type Fact struct {
	Key, Value string
	Strong     bool
}

// HallView is a hall in a list.
type HallView struct {
	Name    string
	Href    string
	Place   string // 天河区 · 石牌街道 · 1.2 公里
	Next    string // 12月9日(周三)10:00, "" when there is none
	NextKey string // 最早可约
	None    string // said instead of Next
	Facts   []Fact
	Notice  string // what the hall wants known today
	Compare *Option
	Action  *ButtonView
	Attrs   templ.Attributes
}

// TagKind colours a tag; the words alone must do.
type TagKind string

const (
	TagPlain TagKind = ""
	TagRiver TagKind = "river"
	TagGreen TagKind = "green"
	TagAmber TagKind = "amber"
	TagRed   TagKind = "red"
)

// Tag is a short word about something.
type Tag struct {
	Text string
	Kind TagKind
}

// ItemView is an item of the catalogue in a list.
type ItemView struct {
	Name    string
	Href    string
	Summary string
	Tags    []Tag
	Meta    string // 市人社局 · 约 15 分钟
}

// PassView is the pass of one booking. Personal words come masked.
type PassView struct {
	L        web.Locale
	Code     string // as shown: "K7M4 92QX"
	Payload  string // what the QR code holds
	State    Tag
	Active   bool   // false fades code and QR
	Open     bool   // waits to be settled: not faded, and nothing to show at the hall either
	Date     string // 12月9日(周三)
	Hours    string // 10:00–11:00
	Item     string
	Stage    string
	Units    string // 3 件, "" for one
	Hall     string
	Address  string
	Phone    string
	MapURL   string
	Who      string // 陈*, or the organisation
	Bring    []string
	Cancel   string // 最晚 … 前可取消, "" when it no longer is
	Calendar string // address of the .ics, "" hides it
	Actions  []ButtonView
}

// StepsView says where in the flow this page is and repeats what was chosen.
type StepsView struct {
	L       web.Locale
	Step    int // from 1; 0 hides the progress
	Total   int
	Chosen  []SummaryRow // short: 事项, 大厅, 时间
	Heading string       // "" = 您已选择
}

// NoticeKind is how urgent a notice is.
type NoticeKind string

const (
	NoticeInfo    NoticeKind = "info"
	NoticeSuccess NoticeKind = "success"
	NoticeWarning NoticeKind = "warning"
	NoticeUrgent  NoticeKind = "urgent"
)

// NoticeView is a framed remark. Kind decides the mark beside it; L names the kind for readers
// who do not see it.
type NoticeView struct {
	L     web.Locale
	Kind  NoticeKind
	Title string
	Text  string
	Live  bool // announced when it appears
	Links []Link
	Code  string // a fault's code, small at the end
}

// EmptyView is what stands where a list would.
type EmptyView struct {
	Title  string
	Text   string
	Action *ButtonView
}

// PagerView leads through pages of a list; an empty Href hides that direction.
type PagerView struct {
	L                  web.Locale
	Previous, Next     string
	State              string // 第 2 页，共 7 页; "" for lists by cursor
	PreviousTo, NextTo string // what is there, "" for nothing
}

// CountdownView counts down to At within the last ten minutes; before that, and without scripts, it
// says Text only. Now is the server's clock, so a wrong clock on the phone does no harm.
type CountdownView struct {
	L      web.Locale
	Text   string // 今天 12:00 放出 12月9日(周三)的号
	Done   string // said when it is over
	At     time.Time
	Now    time.Time
	Href   string        // where to go when it is over, "" for nowhere
	Window time.Duration // counts within this much before At; 0 = 10 min
}

// HoldView is the timer of a place kept while a form is filled in.
type HoldView struct {
	L      web.Locale
	Until  time.Time
	Now    time.Time
	Extend string // address a POST to which keeps it longer, "" = not possible
	Token  string
}

// MessageView is one message.
type MessageView struct {
	Title  string
	Text   string
	When   string
	Href   string
	Unread bool
	Tag    Tag
}

// MessageListView is the list, newest first.
type MessageListView struct {
	L        web.Locale
	Messages []MessageView
}

// SearchView is the one question of the home page.
type SearchView struct {
	L       web.Locale
	Action  string // GET address of the search page; the field is q
	Suggest string // GET address answering ?q= with [{"text","note","href"}]
	Query   string
	Label   string // "" = home.question
	Hint    string
	Via     string // entrance in whose pages it stands, "" for none
	Big     bool   // the label is the page's h1
	Popular []Link
}

// CardView is a framed link to one thing: my next booking on the home page.
type CardView struct {
	Kicker string
	Title  string
	Href   string
	Lines  []string
	Tag    Tag
	Action *ButtonView
}
