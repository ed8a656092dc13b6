package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/gate/cipher"
	"suiyue/internal/store"
)

// beside is another node of a small city, with a clock of its own.
func (c *city) beside(t *testing.T) *apptest.Fixture {
	t.Helper()
	f := &apptest.Fixture{Clock: &apptest.Clock{}}
	f.Clock.Set(c.clock(t))
	file := filepath.Join(c.dir, "suiyue.keys")
	keys, err := cipher.Load(file, cipher.KEKFile(file+".kek"))
	if err != nil {
		t.Fatal(err)
	}
	if f.DB, err = store.Open(t.Context(), c.database, store.Options{Now: f.Clock.Now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.DB.Close() })
	if f.App, err = app.New(t.Context(), app.Config{DB: f.DB, Vault: sameKeys{keys}, Now: f.Clock.Now, Public: apptest.Public}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.App.Close)
	return f
}

// sameKeys are the keys of the city, as the app wants them.
type sameKeys struct{ *cipher.Keyring }

func (k sameKeys) CodeOf(n uint64) string { return cipher.FormatCode(k.Keyring.CodeOf(n)) }

// everyWay looks at a page in each language, and in the elder edition.
func everyWay(b *tab, name, path string) {
	b.t.Helper()
	with := "?"
	if strings.Contains(path, "?") {
		with = "&"
	}
	for _, l := range []struct {
		query, name, lang string
		elder             bool
	}{
		{"lang=en", "-en", "en", false}, {"lang=zh-Hant", "-hant", "zh-Hant-HK", false},
		{"edition=elder", "-elder", "zh-Hant-HK", true}, {"edition=normal&lang=zh-Hans", "", "zh-Hans-CN", false},
	} {
		if status := b.goTo(path + with + l.query); status != 200 {
			b.t.Fatalf("%s answers %d", path, status)
		}
		if l.elder || l.name == "" {
			b.inspect(name+l.name, l.lang, l.elder)
		} else {
			b.inspectWords(name+l.name, l.lang, false)
		}
		b.keep(name + l.name)
	}
}

// arrives books an hour, and returns the pass, the hall and the day and hour.
func arrives(t *testing.T, c *city, b *tab, person string, scripts bool) (code, hall string, day calendar.Date, hour int) {
	t.Helper()
	me := c.program(t, person)
	toItem(b, everyday, scripts)
	toCheck(b, person)
	b.click(`form[action="/book"] button`)
	mine := me.bookings(t)
	if len(mine) != 1 {
		t.Fatalf("booked %+v", mine)
	}
	queue, day, hour, _ := booking.ParseSlotID(mine[0].Slot)
	return mine[0].Code, queue[:strings.LastIndex(queue, "-")], day, hour
}

// From the door to the evaluation by phone: the hall's code of the day, the number, the call, the grade.
func TestTheDayOnThePhone(t *testing.T) {
	t.Parallel()
	c := small(t, "")
	b := open(t, c)
	code, hall, day, hour := arrives(t, c, b, "citizen-1", false)
	c.setClock(t, day.At(hour, 5))
	f := c.beside(t)
	at := "/arrive/" + hall + "/" + f.App.HallCode(hall, day)
	b.goTo(at)
	if strings.HasPrefix(b.path(), "/sign-in") {
		b.signIn("citizen-1")
	}
	everyWay(b, "arrive", at)
	everyWay(b, "pass-of-the-day", "/pass/"+code)
	b.goTo(at)
	b.click(`form[action^="/arrive/"] button`)
	ticket, _, _ := strings.Cut(b.path(), "?")
	if !strings.HasPrefix(ticket, "/ticket/") {
		t.Fatalf("checking in leads to %s: %s", ticket, b.text("main"))
	}
	everyWay(b, "ticket", ticket)

	ad := f.As(t, f.OpenAdmin(t, account.District1, districtOf(f, hall)))
	var queues []string
	for _, q := range f.App.City().QueuesAt(hall) {
		queues = append(queues, q.ID)
	}
	const desk = "e2e1"
	if err := f.DB.Update(t.Context(), func(tx *store.Tx) error {
		return tx.SaveCounters(t.Context(), []directory.Counter{{HallID: hall, ID: desk, Label: "9 号窗口", Queues: queues, Open: true}})
	}); err != nil {
		t.Fatal(err)
	}
	if err := f.App.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.App.OpenCounter(t.Context(), ad, hall, desk, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := f.App.Serve(t.Context(), ad, hall, desk, counter.Act{Kind: counter.Call}, "e2e-serve-0001"); err != nil {
		t.Fatal(err)
	}
	b.wait(`!!document.querySelector(".ticket--called .ticket__counter")`) // the page has heard of it by itself
	everyWay(b, "ticket-called", ticket)
	if _, err := f.App.Serve(t.Context(), ad, hall, desk, counter.Act{Kind: counter.Finish, Result: counter.Finished}, "e2e-serve-0002"); err != nil {
		t.Fatal(err)
	}
	everyWay(b, "ticket-done", ticket)
	everyWay(b, "evaluate", ticket+"/evaluate")
	everyWay(b, "evaluate-at-the-counter", "/evaluate/"+hall)
	b.goTo(ticket + "/evaluate")
	if got := b.follow(b.press("main form button.button")); got != 422 {
		t.Errorf("without a grade: %d", got)
	}
	b.expectStatus(422)
	b.inspect("evaluate-empty", "zh-Hans-CN", false)
	b.noScripts()
	b.goTo(ticket + "/evaluate")
	eval[bool](b, `document.querySelector('input[name=grade][value="5"]').checked = true`)
	b.click("main form button.button")
	if !strings.Contains(b.text("main"), "已收到您的评价") {
		t.Errorf("after the grade: %s", b.text("main"))
	}
}

func districtOf(f *apptest.Fixture, hall string) string {
	h := f.App.City().Hall(hall)
	if h.DistrictID != "" {
		return h.DistrictID
	}
	return h.UnitID
}

// Who missed the hour is offered what the measure gives them, and says why they could not come.
func TestTheMissedHourOnThePhone(t *testing.T) {
	t.Parallel()
	c := small(t, "")
	b := open(t, c)
	code, _, day, hour := arrives(t, c, b, "citizen-1", false)
	c.setClock(t, day.At(hour+1, 1))
	f := c.beside(t)
	if _, err := f.App.MarkMissed(t.Context()); err != nil {
		t.Fatal(err)
	}
	pass := "/pass/" + code
	b.goTo(pass + "/appeal")
	if strings.HasPrefix(b.path(), "/sign-in") {
		b.signIn("citizen-1")
	}
	everyWay(b, "missed", pass)
	everyWay(b, "rebook", pass+"/rebook")
	everyWay(b, "appeal", pass+"/appeal")
	b.goTo(pass + "/appeal")
	eval[bool](b, `(document.querySelector("[name=text]").value = "地铁停运") !== ""`)
	b.click("main form button.button")
	if !strings.Contains(b.text("main"), "您的说明正等大厅处理") {
		t.Errorf("after the appeal: %s", b.text("main"))
	}
	b.goTo(pass + "/rebook")
	b.click("#when form button, main form button.button")
	b.inspect("rebook-check", "zh-Hans-CN", false)
	b.click(`form[action$="/rebook"] button`)
	if got := b.path(); !strings.HasPrefix(got, "/pass/") || strings.HasPrefix(got, pass) {
		t.Errorf("rebooking leads to %s", got)
	}
}
