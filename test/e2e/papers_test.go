package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/pgtest"
	"suiyue/internal/store"
)

// papers keeps figures of thirteen months of the city and of what is below it.
func papers(t *testing.T, w *inside) {
	t.Helper()
	var rows []oversight.Row
	month := oversight.BulletinPeriod("2025-10")
	for i := range int64(13) {
		for j, id := range []string{"440100000000", apptest.DistrictA, apptest.DistrictB, "agency-social"} {
			k := int64(j)
			var f oversight.Figures
			for c, n := range map[oversight.Counter]int64{
				oversight.Planned: 5000, oversight.Released: 4500 + 20*i, oversight.OnSite: 400, oversight.Booked: 4000 + 30*i - 100*k, oversight.Cancelled: 300, oversight.Came: 3300, oversight.Missed: 250 - 9*i + 40*k,
				oversight.CalledBooked: 3200, oversight.CalledOnTime: 2700 + 25*i - 60*k, oversight.Served: 4100, oversight.ServedBooked: 3200, oversight.Joined: 90, oversight.FromLine: 70, oversight.Green: 45,
				oversight.Requests: 12, oversight.RequestsEarly: 11, oversight.Decisions: 12, oversight.DecisionsEarly: 12 - k, oversight.Records: 900, oversight.RecordsIn: 890, oversight.RecordsEarly: 870 - 8*k,
				oversight.Checked: 100, oversight.Agreed: 99, oversight.Evaluated: 600, oversight.Content: 590 - 5*k,
			} {
				f.All.Count(c, n)
			}
			f.All.Lasted(oversight.WaitBooked, int(14-i/2+k), 1600)
			f.All.Lasted(oversight.WaitBooked, int(30-i+2*k), 1600)
			f.By = map[oversight.Dimension]map[string]oversight.Counts{oversight.ByChannel: {}}
			for channel, n := range map[string]int64{"web": 2500, "api": 1200, "desk": 300} {
				var c oversight.Counts
				c.Count(oversight.Booked, n)
				f.By[oversight.ByChannel][channel] = c
			}
			rows = append(rows, oversight.Row{Place: oversight.Place{Noun: oversight.OfUnit, ID: id}, Span: oversight.SpanMonth, Period: string(month), Figures: f, CountedAt: w.Clock.Now()})
		}
		_, last := month.Days()
		month = oversight.MonthOf(last + 1)
	}
	if err := w.DB.Update(context.Background(), func(tx *store.Tx) error { return tx.PutFigures(context.Background(), rows) }); err != nil {
		t.Fatal(err)
	}
	if n, err := w.App.DraftBulletins(context.Background()); err != nil || n == 0 {
		t.Fatalf("%d drafted, %v", n, err)
	}
}

// paper is a page of the console as it must be on a phone, a tablet and a desk.
func (b *tab) paper(name string) {
	b.t.Helper()
	b.inspectAs(look{name: name, lang: "zh-Hans-CN", least: 24, at: []int64{phone, tablet, desk}})
	b.resize(desk)
}

// pen writes into a field of several lines, which is empty.
func (b *tab) pen(css, text string) {
	b.t.Helper()
	b.must(css)
	b.do(chromedp.SendKeys(chromedp.CSS(css), text))
}

// The month's bulletin is drafted by the system, written on, read by another and issued; a letter is sent, received,
// answered, checked and closed (Art. 21, 22).
func TestArt22_ABulletinIsIssuedAndALetterClosed(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); papersOf(t, within(t, apptest.Options{}), true) })
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		papersOf(t, within(t, apptest.Options{Source: pgtest.New(t)}), false)
	})
}

// papersOf plays it; looks has every page inspected.
func papersOf(t *testing.T, w *inside, looks bool) {
	paper := func(b *tab, name string) {
		t.Helper()
		if looks {
			b.paper(name)
		}
	}
	papers(t, w)
	const bulletin = "/console/bulletins/B2026-10-440100000000-1"
	second := w.office(t, w.OpenAdmin(t, account.Platform2, "440100000000"))
	first := w.office(t, w.OpenAdmin(t, account.Platform1, "440100000000"))
	agency := w.office(t, w.OpenAdmin(t, account.Municipal2, "agency-social"))

	if second.goTo("/console"); !strings.Contains(second.text("main"), "通报待审核") {
		t.Errorf("the draft does not wait: %s", second.text("main"))
	}
	second.goTo("/console/bulletins")
	paper(second, "bulletins")
	second.click(`main a[href="` + bulletin + `"]`)
	second.pen("#remarks", "十月预约总体平稳，爽约率继续下降。")
	second.click(`form[action$="/remarks"] button`)
	paper(second, "bulletin, a draft")
	first.goTo(bulletin)
	first.click(`form[action$="/review"] button`)
	paper(first, "bulletin, reviewed")
	first.click(`form[action$="/issue"] button`)
	if said := first.text("main"); !strings.Contains(said, "已发布") || !strings.Contains(said, "爽约率继续下降") {
		t.Errorf("issued: %s", said)
	}
	paper(first, "bulletin, issued")

	first.goTo("/console/letters")
	first.click(`.head__actions a[href="/console/letters/new"]`)
	paper(first, "a letter to be written")
	first.choose("#unit", "agency-social")
	first.write("#subject", "关于未按时放号的函")
	first.pen("#text", "连续三天未按时放号。")
	first.pen("#asks", "查明原因并整改。")
	first.click(`form[action="/console/letters/new"] button`)
	letter := first.path()
	paper(first, "a letter, sent")
	if agency.goTo("/console"); !strings.Contains(agency.text("main"), "工作函待签收") {
		t.Errorf("the letter does not wait: %s", agency.text("main"))
	}
	agency.goTo(letter)
	agency.click(`form[action$="/receive"] button`)
	agency.pen("#text", "系统排班有误，已改正，今后每日核对。")
	paper(agency, "a letter, to be answered")
	agency.click(`form[action$="/reply"] button`)
	first.goTo(letter)
	paper(first, "a letter, to be checked")
	first.click(`form[action$="/check"] button[value="accept"]`)
	if said := first.text("main"); !strings.Contains(said, "已办结") {
		t.Errorf("checked: %s", said)
	}
	paper(first, "a letter, closed")
	for name, path := range map[string]string{"letters": "/console/letters", "the year": "/console/ledger/year", "assessment": "/console/assessment", "no sources": "/console/sources", "a source to be entered": "/console/sources/new"} {
		first.goTo(path)
		paper(first, name)
	}

	if !looks {
		return
	}
	b := open(t, &w.city)
	b.ways("announcements", "/announcements")
	b.ways("a bulletin to anybody", "/announcements/B2026-10-440100000000-1")
}
