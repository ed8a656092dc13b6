package ui

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"rsc.io/qr"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

// sample picks the text of a locale: simplified, traditional, English.
func sample(l web.Locale, hans, hant, en string) string {
	switch l {
	case web.Hant:
		return hant
	case web.En:
		return en
	}
	return hans
}

func stack(parts ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		for _, p := range parts {
			if err := p.Render(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
}

func inside(outer, inner templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return outer.Render(templ.WithChildren(ctx, inner), w)
	})
}

func heading(tag, s string) templ.Component {
	return templ.Raw("<" + tag + ">" + templ.EscapeString(s) + "</" + tag + ">")
}

var galleryNow = calendar.MakeDate(2026, time.November, 25).At(11, 56)

func sampleDays(l web.Locale) DateStripView {
	today := calendar.DateOf(galleryNow)
	v := DateStripView{Label: l.T("days.label"), Target: "slots"}
	for i := range 14 {
		d := today + calendar.Date(i+1)
		day := DayView{Date: d.String(), Weekday: l.Weekday(d), Day: strconv.Itoa(d.Day()), Href: "?date=" + d.String()}
		if i == 0 || d.Day() == 1 {
			day.Month = l.Month(d)
		}
		switch {
		case d.Weekday() == time.Sunday:
			day.State, day.Label, day.Href = DayOff, l.T("day.off"), ""
		case i == 13:
			day.State, day.Label, day.Note, day.Href = DaySoon, "12:00", l.T("day.release_note"), ""
		case i < 2:
			day.State, day.Label, day.Note = DayFull, l.T("day.full"), l.T("day.can_queue")
		case i == 2:
			day.State, day.Label, day.Selected = DayFew, l.T("day.free", "n", "3"), true
		case i == 4:
			day.State, day.Label = DayFew, l.T("day.free", "n", "5")
		default:
			day.State, day.Label = DayFree, l.T("day.free", "n", strconv.Itoa(17*i%90+12))
		}
		day.Spoken = l.Date(d) + " " + day.Label
		v.Days = append(v.Days, day)
	}
	return v
}

// gallery is every component in a plausible place, by page.
func gallery(l web.Locale) map[string]templ.Component {
	day := calendar.MakeDate(2026, time.December, 9)
	hall := sample(l, "天河区政务服务中心", "天河區政務服務中心", "Tianhe District Government Service Centre")
	street := sample(l, "石牌街道政务服务中心", "石牌街道政務服務中心", "Shipai Street Service Centre")
	item := sample(l, "社会保障卡补领、换领", "社會保障卡補領、換領", "Replacing a social security card")
	change := func(href string) *Link {
		return &Link{Text: l.T("form.change"), Href: href}
	}
	chosen := []SummaryRow{
		{Key: l.T("pass.item"), Value: item, Lines: []string{l.T("stage.acceptance")}, Change: change("/")},
		{Key: l.T("pass.where"), Value: hall, Change: change("/")},
	}
	name := FieldView{ID: "name", Label: sample(l, "姓名", "姓名", "Name"), Hint: sample(l, "与证件上一致", "與證件上一致", "As on the document")}
	number := FieldView{ID: "number", Label: sample(l, "证件号码", "證件號碼", "Document number"), Error: l.T("fault.bad_check_digit"), Code: "bad_check_digit"}
	return map[string]templ.Component{
		"home": stack(
			Search(SearchView{L: l, Action: "/items", Suggest: "/items/suggest", Big: true, Popular: []Link{
				{Text: sample(l, "社保卡", "社保卡", "Social card"), Href: "/"}, {Text: sample(l, "办护照", "辦護照", "Passport"), Href: "/"},
				{Text: sample(l, "居住证", "居住證", "Residence permit"), Href: "/"}, {Text: sample(l, "公积金提取", "公積金提取", "Provident fund"), Href: "/"},
				{Text: sample(l, "结婚登记", "結婚登記", "Marriage"), Href: "/"}, {Text: sample(l, "开公司", "開公司", "Start a company"), Href: "/"}}}),
			Countdown(CountdownView{L: l, Text: l.T("release.line", "time", "12:00", "date", l.Date(day)), Done: l.T("release.done", "date", l.Date(day)), At: calendar.DateOf(galleryNow).At(12, 0), Now: galleryNow, Href: "/"}),
			Card(CardView{Kicker: l.T("nav.bookings"), Title: l.Slot(day, 10), Href: "/", Lines: []string{hall, item}, Tag: Tag{l.T("state.booked"), TagGreen}, Action: &ButtonView{Text: l.T("pass.title"), Kind: Secondary, Href: "/"}}),
		),
		"items": stack(
			heading("h1", sample(l, "社保", "社保", "Social insurance")),
			inside(List(), stack(
				ItemCard(ItemView{Name: item, Href: "/", Summary: sample(l, "卡片遗失、损坏或到期时办理", "卡片遺失、損壞或到期時辦理", "When the card is lost, damaged or out of date"), Tags: []Tag{{l.T("item.online"), TagGreen}, {l.T("item.self_service"), TagRiver}}, Meta: l.N("item.minutes", 15)}),
				ItemCard(ItemView{Name: sample(l, "外国人工作许可延期", "外國人工作許可延期", "Extending a foreigner's work permit"), Href: "/", Tags: []Tag{{l.T("item.foreigner"), TagPlain}}, Meta: l.N("item.minutes", 30)}))),
			Notice(NoticeView{L: l, Kind: NoticeSuccess, Title: l.T("item.online_first"), Links: []Link{{Text: "gdzwfw.gov.cn", Href: "https://www.gdzwfw.gov.cn/"}}}),
			Pager(PagerView{L: l, Previous: "?page=1", Next: "?page=3", State: l.T("pager.state", "n", "2", "total", "7")}),
			Empty(EmptyView{Title: l.T("empty.search", "q", "xyz"), Text: l.T("empty.search_hint"), Action: &ButtonView{Text: l.T("nav.home"), Kind: Secondary, Href: "/"}}),
		),
		"halls": stack(
			heading("h1", sample(l, "选大厅", "選大廳", "Choose a hall")),
			inside(List(), stack(
				HallCard(HallView{Name: hall, Href: "/", Place: sample(l, "天河区 · 1.2 公里", "天河區 · 1.2 公里", "Tianhe · 1.2 km"), NextKey: l.T("hall.next"), Next: l.When(day.At(10, 0)),
					Facts:   []Fact{{Key: l.T("hall.left"), Value: "23"}, {Key: l.T("hall.wait"), Value: l.T("hall.wait_minutes", "from", "10", "to", "25")}},
					Notice:  sample(l, "12 月 8 日上午盘点，暂停办理。", "12 月 8 日上午盤點，暫停辦理。", "Closed on the morning of 8 December for stock-taking."),
					Compare: &Option{Value: "1", Text: l.T("hall.compare"), Selected: true}, Action: &ButtonView{Text: l.T("hall.book"), Href: "/", Kind: Secondary}}),
				HallCard(HallView{Name: street, Href: "/", Place: sample(l, "天河区石牌街道 · 350 米", "天河區石牌街道 · 350 米", "Shipai, Tianhe · 350 m"), None: l.T("hall.none"), Facts: []Fact{{Key: l.T("hall.wait"), Value: l.T("hall.wait_none")}},
					Compare: &Option{Value: "2", Text: l.T("hall.compare")}, Action: &ButtonView{Text: l.T("day.can_queue"), Href: "/", Kind: Secondary}}))),
			inside(Buttons(), Button(ButtonView{Text: l.T("form.show_more"), Kind: Secondary, Href: "/"})),
		),
		"time": stack(
			Steps(StepsView{L: l, Step: 3, Total: 5, Chosen: chosen}),
			heading("h1", l.T("days.label")),
			DateStrip(sampleDays(l)),
			templ.Raw(`<div id="slots">`),
			inside(Form("/book", "token", nil), stack(
				HourList(HourListView{FieldView: FieldView{ID: "slot", Label: l.Date(day)}, Hours: []HourView{
					{Value: "a", Time: "09:00–10:00", Left: l.T("hours.full"), State: DayFull, Disabled: true},
					{Value: "b", Time: "10:00–11:00", Left: l.N("hours.left", 1), Note: l.T("hours.first"), State: DayFew, Selected: true},
					{Value: "c", Time: "11:00–12:00", Left: l.N("hours.left", 8), State: DayFree},
					{Value: "d", Time: "14:00–15:00", Left: l.N("hours.left", 12), State: DayFree}}}),
				Button(ButtonView{Text: l.T("form.continue"), Block: true}))),
			templ.Raw(`</div>`),
		),
		"who": stack(
			ErrorSummary(l, []ErrorItem{{Text: l.FieldSentence(number.Label, fault.BadCheckDigit), Href: "#number"}}),
			inside(Form("/who", "token", nil), stack(
				Radios(ChoiceView{FieldView: FieldView{ID: "who", Label: sample(l, "为谁办？", "為誰辦？", "Who is it for?"), Big: true}, Options: []Option{
					{Value: "self", Text: l.T("applicant.self"), Hint: sample(l, "陈*", "陳*", "Chan *"), Selected: true}, {Value: "other", Text: l.T("applicant.other")}, {Value: "organisation", Text: l.T("applicant.organisation"), Disabled: true}}}),
				Input(InputView{FieldView: name, Autocomplete: "name"}), Input(InputView{FieldView: number, Width: 20, InputMode: "text"}),
				Select(ChoiceView{FieldView: FieldView{ID: "kind", Label: sample(l, "证件种类", "證件種類", "Kind of document")}, Options: []Option{{Value: "", Text: l.T("form.choose")}, {Value: "resident_id", Text: sample(l, "居民身份证", "居民身份證", "Resident identity card")}}}),
				DateInput(DateInputView{FieldView: FieldView{ID: "birth", Label: sample(l, "出生日期", "出生日期", "Date of birth"), Hint: "1990 1 31"}, L: l, Autocomplete: "bday"}),
				Checkboxes(ChoiceView{FieldView: FieldView{ID: "help", Label: sample(l, "需要帮助吗", "需要協助嗎", "Any help needed") + l.T("field.optional")}, Options: []Option{{Value: "chair", Text: sample(l, "轮椅通道", "輪椅通道", "Wheelchair access"), Selected: true}, {Value: "sign", Text: sample(l, "手语", "手語", "Sign language")}}}),
				Checkbox(CheckboxView{FieldView: FieldView{ID: "agree", Label: sample(l, "我已阅读办事须知", "我已閱讀辦事須知", "I have read the notes")}}),
				inside(Field(FieldView{ID: "note", Label: sample(l, "备注", "備註", "Note")}), templ.Raw(`<textarea class="govuk-textarea" id="note" name="note" rows="2"></textarea>`)),
				Button(ButtonView{Text: l.T("form.continue")}))),
			inside(Details(sample(l, "为什么要填证件号码？", "為甚麼要填證件號碼？", "Why do we ask for the number?")), templ.Raw("<p>12345</p>")),
		),
		"check": stack(
			HoldTimer(HoldView{L: l, Until: galleryNow.Add(4 * time.Minute), Now: galleryNow, Extend: "/hold", Token: "token"}),
			heading("h1", sample(l, "请核对", "請核對", "Check your answers")),
			SummaryList(append(chosen, SummaryRow{Key: l.T("pass.when"), Value: l.Slot(day, 10), Lines: []string{l.CancelUntil(day.At(9, 0), galleryNow)}, Change: change("/")}, SummaryRow{Key: l.T("pass.who"), Value: sample(l, "陈*", "陳*", "Chan *")})),
			inside(Form("/book", "token", nil), Button(ButtonView{Text: sample(l, "确认预约", "確認預約", "Book it"), Block: true})),
		),
		"pass": stack(
			Notice(NoticeView{L: l, Kind: NoticeSuccess, Title: l.T("state.booked"), Live: true}),
			heading("h1", l.T("pass.title")),
			PassCard(PassView{L: l, Code: "K7M4 92QX", Payload: "SUIYUE:K7M492QX", State: Tag{l.T("state.booked"), TagGreen}, Active: true, Date: l.Date(day), Hours: web.HourRange(10), Item: item, Stage: l.T("stage.acceptance"), Units: l.N("pass.units", 2), Hall: hall,
				Address: sample(l, "天河区天园街道软件路 13 号", "天河區天園街道軟件路 13 號", "13 Ruanjian Road, Tianhe"), Phone: "020-12345", MapURL: "https://example.org/map", Who: sample(l, "陈*", "陳*", "Chan *"),
				Bring:  []string{sample(l, "居民身份证原件", "居民身份證正本", "Original identity card"), sample(l, "旧社会保障卡（如有）", "舊社會保障卡（如有）", "Old social security card, if any")},
				Cancel: l.CancelUntil(day.At(9, 0), galleryNow), Calendar: "/pass.ics", Actions: []ButtonView{{Text: l.T("pass.move"), Kind: Secondary, Href: "/"}, {Text: l.T("pass.cancel"), Kind: Danger, Href: "/"}}}),
		),
		"over": stack(
			heading("h1", l.T("pass.title")),
			PassCard(PassView{L: l, Code: "K7M4 92QX", State: Tag{l.T("state.cancelled"), TagPlain}, Date: l.Date(day), Hours: web.HourRange(10), Item: item, Stage: l.T("stage.collection"), Hall: hall, Who: sample(l, "陈*", "陳*", "Chan *")}),
		),
		"messages": stack(
			heading("h1", l.T("nav.messages")),
			MessageList(MessageListView{L: l, Messages: []MessageView{
				{Title: l.T("state.booked"), Text: l.Slot(day, 10) + " " + hall, When: l.Near(galleryNow, galleryNow), Href: "/", Unread: true, Tag: Tag{l.T("notice.urgent"), TagRed}},
				{Title: l.T("state.cancelled"), Text: item, When: l.When(day.At(8, 30))}}}),
			MessageList(MessageListView{L: l}),
			Notice(NoticeView{L: l, Kind: NoticeWarning, Title: l.T("offline.title"), Text: l.T("offline.hint")}),
			Notice(NoticeView{L: l, Kind: NoticeUrgent, Title: l.T("fault.sold_out"), Code: "sold_out", Links: []Link{{Text: l.T("hall.next"), Href: "/"}}}),
			Notice(NoticeView{L: l, Title: l.T("pass.show")}),
			Checklist([]string{item, hall}),
			inside(Buttons(), stack(Button(ButtonView{Text: l.T("form.continue")}), Button(ButtonView{Text: l.T("nav.back"), Kind: Secondary}), Button(ButtonView{Text: l.T("pass.cancel"), Kind: Danger, Icon: "warning"}), Button(ButtonView{Text: l.T("form.change"), Kind: Quiet, Name: "do", Value: "change"}))),
		),
	}
}

func galleryShell(l web.Locale, elder bool, name string) Shell {
	q := "/?lang=" + string(l)
	if elder {
		q += "&edition=elder"
	}
	s := NewShell(httptest.NewRequest(http.MethodGet, q, nil), name)
	if name != "home" {
		s.Person, s.Token = sample(l, "陈*", "陳*", "Chan *"), "token"
		s.Back = &Link{Text: l.T("nav.back"), Href: "/"}
	}
	s.Error = name == "who"
	s.Wide = name == "halls" || name == "items"
	for _, k := range []string{"help", "privacy", "accessibility", "api"} {
		s.Footer = append(s.Footer, Link{Text: l.T("footer." + k), Href: "/" + k})
	}
	return s
}

func render(t *testing.T, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var (
	attrID      = regexp.MustCompile(`\sid="([^"]+)"`)
	attrFor     = regexp.MustCompile(`\s(?:for|aria-describedby|aria-controls)="([^"]+)"`)
	attrStyle   = regexp.MustCompile(`\sstyle=|\son[a-z]+=|<style`)
	scriptTag   = regexp.MustCompile(`<script[^>]*>`)
	placeholder = regexp.MustCompile(`>[^<]*\{[a-z_]+\}[^<]*<`)
)

// TestGallery renders every component in three languages and both editions: no missing sentence, no
// unfilled placeholder, nothing the content policy forbids, and labels that lead somewhere.
// SUIYUE_GALLERY=dir also writes the pages there, to be looked at.
func TestGallery(t *testing.T) {
	dir := os.Getenv("SUIYUE_GALLERY")
	for _, l := range web.Locales {
		for name, body := range gallery(l) {
			for _, elder := range []bool{false, true} {
				html := render(t, inside(Page(galleryShell(l, elder, name)), body))
				at := string(l) + " " + name
				if i := strings.Index(html, "⟦"); i >= 0 {
					t.Errorf("%s: missing sentence near %q", at, html[i:min(len(html), i+60)])
				}
				if m := placeholder.FindString(html); m != "" {
					t.Errorf("%s: unfilled placeholder %q", at, m)
				}
				if m := attrStyle.FindString(html); m != "" {
					t.Errorf("%s: the content policy forbids %q", at, m)
				}
				for _, s := range scriptTag.FindAllString(html, -1) {
					if !strings.Contains(s, `src="/assets/`) {
						t.Errorf("%s: inline script %q", at, s)
					}
				}
				ids := map[string]bool{}
				for _, m := range attrID.FindAllStringSubmatch(html, -1) {
					if ids[m[1]] {
						t.Errorf("%s: id %q twice", at, m[1])
					}
					ids[m[1]] = true
				}
				for _, m := range attrFor.FindAllStringSubmatch(html, -1) {
					for id := range strings.FieldsSeq(m[1]) {
						if !ids[id] {
							t.Errorf("%s: nothing has id %q", at, id)
						}
					}
				}
				if n := strings.Count(html, "<h1"); n != 1 {
					t.Errorf("%s: %d h1", at, n)
				}
				if elder != strings.Contains(html, `class="helpbar"`) {
					t.Errorf("%s: help bar and edition disagree", at)
				}
				if dir != "" {
					writeGallery(t, dir, l, name, elder, html)
				}
			}
		}
	}
	if dir != "" {
		site := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
		for _, a := range []string{"app.css", "app.js", "favicon.svg", "touch-icon.png", "skyline.svg"} {
			w := httptest.NewRecorder()
			site.Assets().ServeHTTP(w, httptest.NewRequest(http.MethodGet, web.AssetURL(a), nil))
			write(t, filepath.Join(dir, web.AssetURL(a)), w.Body.String())
		}
	}
}

// TestFaultPage: every refusal has a page with words, its code, and a way on.
func TestFaultPage(t *testing.T) {
	for _, l := range web.Locales {
		for _, c := range fault.Codes() {
			r := httptest.NewRequest(http.MethodGet, "/?lang="+string(l), nil)
			var b bytes.Buffer
			if err := FaultPage(r, fault.New(c)).Render(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
			if html := b.String(); strings.Contains(html, "⟦") || !strings.Contains(html, string(c)) || !strings.Contains(html, `href="/"`) {
				t.Errorf("%s %s: %s", l, c, html)
			}
		}
	}
}

// TestQR: the drawing holds exactly the dark modules, inside a quiet zone of four.
func TestQR(t *testing.T) {
	const text = "SUIYUE:K7M492QX"
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	path, side := qrPath(text)
	if side != c.Size+8 {
		t.Fatalf("side %d of %d modules", side, c.Size)
	}
	dark := map[[2]int]bool{}
	for _, m := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-\d+z`).FindAllStringSubmatch(path, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		run, _ := strconv.Atoi(m[3])
		for i := range run {
			dark[[2]int{x + i, y}] = true
		}
	}
	for y := range side {
		for x := range side {
			if dark[[2]int{x, y}] != c.Black(x-4, y-4) {
				t.Fatalf("module %d,%d", x, y)
			}
		}
	}
	if path, side := qrPath(strings.Repeat("x", 5000)); path != "" || side != 0 {
		t.Error("a text too long was drawn")
	}
}

func writeGallery(t *testing.T, dir string, l web.Locale, name string, elder bool, html string) {
	t.Helper()
	edition := "normal"
	if elder {
		edition = "elder"
	}
	html = strings.ReplaceAll(html, `"/assets/`, `"assets/`)
	write(t, filepath.Join(dir, name+"."+string(l)+"."+edition+".html"), html)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
