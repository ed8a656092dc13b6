package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/pgtest"
)

// The demonstration, as anybody starts it, ends its month: the bulletin is written on, read by a second administrator and
// issued, and a notice letter is sent, found wanting, answered, closed and, since it was the third time, made public (Art.
// 21, 22). Everybody has a browser of their own and goes by links.
func TestArt22_TheDemonstrationIssuesABulletinAndClosesALetter(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); endMonth(t, small(t, ""), true) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); endMonth(t, small(t, pgtest.New(t)), false) })
}

// endMonth plays it; looks has every page inspected.
func endMonth(t *testing.T, c *city, looks bool) {
	paper := func(b *tab, name string) {
		t.Helper()
		if looks {
			b.paper("ending, " + name)
		}
	}
	month := oversight.MonthOf(calendar.DateOf(c.clock(t))).Before()
	second, first, agency := c.ready(t, "平台二级", ""), c.ready(t, "平台一级", ""), c.ready(t, "市级二级", "人力资源")

	// The system has drafted it within a minute; it waits on the first page of who may review it.
	at := "/console/bulletins/B" + string(month) + "-440100000000-1"
	bulletin := `main a[href="` + at + `"]`
	for until := time.Now().Add(90 * time.Second); second.count(bulletin) == 0; time.Sleep(time.Second) {
		if time.Now().After(until) {
			t.Fatalf("no bulletin waits: %s", second.text("main"))
		}
		second.goTo("/console")
	}
	second.click(bulletin)
	if tables := second.count("article.sheet table"); tables < 3 {
		t.Errorf("the draft has %d tables", tables)
	}
	second.pen("#remarks", "本月预约总体平稳。")
	second.click(`form[action$="/remarks"] button`)
	paper(second, "a draft")
	if second.count(`form[action$="/review"]`) != 0 {
		t.Error("who wrote on it may review it")
	}
	first.goTo("/console")
	first.click(bulletin)
	first.click(`form[action$="/review"] button`)
	c.setClock(t, c.clock(t).Add(11*time.Minute)) // the sign-in is too long ago to issue anything
	first.goTo(at)
	first.click(`main .confirm a[href^="/console/prove"]`)
	first.write("#code", code(t, c, demoSecret))
	first.click("main form:has(#code) button[type=submit]")
	if first.path() != at {
		t.Errorf("after the proof: %s", first.path())
	}
	first.click(`form[action$="/issue"] button`)
	if said := first.text("main"); !strings.Contains(said, "已发布") || !strings.Contains(said, "本月预约总体平稳") {
		t.Errorf("issued: %s", said)
	}
	if rows := first.count("article.sheet tbody tr"); rows < 20 {
		t.Errorf("the bulletin has %d lines of figures and ranks", rows)
	}
	paper(first, "issued")
	sheets := first.workbook(first.attribute(`main a[href$="/file.xlsx"]`, "href"))
	if !strings.Contains(sheets, "本月预约总体平稳") {
		t.Error("the spreadsheet does not have the remark")
	}
	resp, err := http.Get(c.url + first.attribute(`main a[href^="/api/v1/bulletins/"]`, "href"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var read struct {
		Bulletin       struct{ Period, State, Digest string }
		Remarks        string
		Figures, Parts []struct{ Measure, Name string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&read); err != nil || resp.StatusCode != 200 || read.Bulletin.Period != string(month) || read.Bulletin.State != "issued" ||
		len(read.Bulletin.Digest) != 64 || read.Remarks != "本月预约总体平稳。" || len(read.Figures) < 10 || len(read.Parts) < 3 {
		t.Errorf("as JSON it is %d %+v %v", resp.StatusCode, read, err)
	}

	// A letter to the agency, whose reports are not enough three times.
	first.goTo("/console/letters")
	first.click(`.head__actions a[href="/console/letters/new"]`)
	first.choose("#unit", "440100-hrss")
	first.write("#subject", "关于未按时公布号源的函")
	first.pen("#text", "本月有三天未按时公布号源。")
	first.pen("#asks", "查明原因，整改到位，十个工作日内书面反馈。")
	paper(first, "a letter to be sent")
	first.click(`form[action="/console/letters/new"] button`)
	letter, _, _ := strings.Cut(first.path(), "?")
	agency.goTo("/console")
	paper(agency, "a letter waits")
	agency.click(`main a[href="` + letter + `"]`)
	agency.click(`form[action$="/receive"] button`)
	for try := range 4 {
		agency.goTo(letter)
		agency.pen("#text", "已改正系统排班，今后每日核对。")
		agency.click(`form[action$="/reply"] button`)
		first.goTo("/console")
		first.click(`main a[href="` + letter + `"]`)
		if try == 3 {
			break
		}
		if try == 0 {
			if status := first.follow(first.press(`form[action$="/check"] button[value="return"]`)); status != 422 {
				t.Errorf("returned without a word: %d", status)
			}
			first.expectStatus(422)
			paper(first, "a return without a word")
		}
		first.pen("#text", "请附每日核对的记录。")
		first.click(`form[action$="/check"] button[value="return"]`)
	}
	first.click(`form[action$="/check"] button[value="accept"]`)
	if said := first.text("main"); !strings.Contains(said, "已办结") {
		t.Errorf("checked: %s", said)
	}
	paper(first, "a letter closed")
	if agency.goTo(letter); agency.count("main form[action*='/letters/']") != 0 || !strings.Contains(agency.text("main"), "已办结") {
		t.Errorf("the unit sees %s", agency.text("main"))
	}

	// Three failures in a year are repeated ones: the city says so to anybody.
	first.goTo("/console/ledger")
	first.click(`main a[href^="/console/ledger/year"]`)
	paper(first, "the year")
	first.click(`main a[href^="/console/ledger/year/announce"]`)
	first.pen("#text", "同一问题三次整改不到位，予以通报。")
	paper(first, "to be announced")
	first.click(`form[action$="/announce"] button`)
	anybody := open(t, c)
	anybody.goTo("/?lang=zh-Hans")
	anybody.click(`a[href="/announcements"]`)
	if said := anybody.text("main"); !strings.Contains(said, "三次整改不到位") {
		t.Errorf("anybody reads %s", said)
	}
	if looks {
		anybody.ways("ending, announcements", "/announcements")
		anybody.resize(390)
	}
	anybody.click(`main a[href^="/announcements/B` + string(month) + `-440100000000"]`)
	if said := anybody.text("main"); !strings.Contains(said, read.Bulletin.Digest) {
		t.Errorf("anybody reads %s", said)
	}
	if looks {
		anybody.inspect("ending, the bulletin to anybody", "zh-Hans-CN", false)
	}
}

// ready is somebody at a desk, signed in as the first ready administrator of a rank over a unit.
func (c *city) ready(t *testing.T, rank, unit string) *tab {
	t.Helper()
	b := open(t, c)
	b.resize(desk)
	b.goTo("/demo/administrators?lang=zh-Hans")
	b.beOne(rank, unit)
	return b
}

// workbook takes a spreadsheet away as a link of the page does, and returns its texts. Each of its parts must be whole.
func (b *tab) workbook(href string) string {
	b.t.Helper()
	text := eval[string](b, `fetch(`+quote(href)+`).then(r => r.ok ? r.bytes() : Promise.reject(r.status)).then(b => b.toBase64())`, chromedp.EvalAwaitPromise)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		b.t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		b.t.Fatalf("%s is no spreadsheet: %v", href, err)
	}
	var said strings.Builder
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			b.t.Fatal(err)
		}
		defer in.Close()
		d := xml.NewDecoder(in)
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.t.Fatalf("%s in %s: %v", f.Name, href, err)
			}
			if words, is := token.(xml.CharData); is {
				said.Write(words)
				said.WriteByte('\n')
			}
		}
	}
	return said.String()
}
