package ui

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"rsc.io/qr"

	"suiyue/internal/web"
)

func orText(s string) string {
	if s == "" {
		return "text"
	}
	return s
}

// nth gives the first choice the field's own id, so that the error summary leads to it.
func nth(id string, i int) string {
	if i == 0 {
		return id
	}
	return id + "-" + strconv.Itoa(i+1)
}

type datePart struct{ name, label, width, value string }

func (v DateInputView) parts() []datePart {
	y := datePart{"year", v.L.T("form.year"), "4", v.Year}
	m := datePart{"month", v.L.T("form.month"), "2", v.Month}
	d := datePart{"day", v.L.T("form.day"), "2", v.Day}
	if v.L == web.En {
		return []datePart{d, m, y}
	}
	return []datePart{y, m, d}
}

func (v SearchView) label() string {
	if v.Label != "" {
		return v.Label
	}
	return v.L.T("home.question")
}

func (v SearchView) hint() string {
	if v.Hint != "" {
		return v.Hint
	}
	return v.L.T("home.search_hint")
}

func (v StepsView) heading() string {
	if v.Heading != "" {
		return v.Heading
	}
	return v.L.T("chosen.label")
}

func (v CountdownView) window() string {
	w := v.Window
	if w == 0 {
		w = 10 * time.Minute
	}
	return strconv.Itoa(int(w.Seconds()))
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

func (k NoticeKind) icon() string {
	switch k {
	case NoticeSuccess:
		return "check"
	case NoticeWarning:
		return "warning"
	case NoticeUrgent:
		return "bell"
	}
	return "info"
}

func (k NoticeKind) orInfo() NoticeKind {
	if k == "" {
		return NoticeInfo
	}
	return k
}

// times finds what must stay on one line: a date as people say it, and from when to when.
var times = regexp.MustCompile(`(?:(?:\d{4}年)?\d+月\d+日\(..?\)|(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat) \d+ [A-Z][a-z]{2}(?: \d{4})?|\d\d:\d\d–\d\d:\d\d)[.,，。、；）]?`)

// Words is text whose dates and times break between them only, never within "12月9日(周三)" or
// "10:00–11:00".
func Words(text string) templ.Component { return templ.Raw(words(text)) }

func words(text string) string {
	text = strings.ReplaceAll(templ.EscapeString(text), " · ", "\u00a0· ") // a dot ends a line, it begins none
	return times.ReplaceAllString(text, `<span class="num">$0</span><wbr>`)
}

// Moment is a date and time by itself.
func Moment(text string) templ.Component {
	return templ.Raw(`<span class="parts">` + words(text) + `</span>`)
}

// QRPath is qrPath for the pictures of other faces.
func QRPath(text string) (path string, side int) { return qrPath(text) }

// qrPath draws the dark modules of text as one SVG path with a quiet zone of four modules, and
// returns the side of its square. Text too long for a QR code gives an empty path.
func qrPath(text string) (path string, side int) {
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", 0
	}
	const quiet = 4
	var b strings.Builder
	for y := range c.Size {
		for x := 0; x < c.Size; {
			if !c.Black(x, y) {
				x++
				continue
			}
			run := 1
			for c.Black(x+run, y) {
				run++
			}
			b.WriteString("M" + strconv.Itoa(x+quiet) + " " + strconv.Itoa(y+quiet) +
				"h" + strconv.Itoa(run) + "v1h-" + strconv.Itoa(run) + "z")
			x += run
		}
	}
	return b.String(), c.Size + 2*quiet
}
