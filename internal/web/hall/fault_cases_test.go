package hall_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
	"suiyue/internal/web/hall"
)

type faultCase struct {
	name string
	run  func(w *world)
}

// What goes wrong at a kiosk, case by case, through its pages and on both engines.
var kioskCases = []faultCase{
	{"booking_by_code_and_fact", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		at := k.checkIn(b.Code, lastFour(p))
		at.wantsNumber("checked in")
		if !strings.Contains(at.body, "陈**") || strings.Contains(at.body, "陈示例") || strings.Contains(at.body, p.Document.Number) {
			w.Error("the name is not masked")
		}
		w.leaves(b.Code, p.Document.Number, p.Name, lastFour(p)+"&")
	}},
	{"booking_by_scan_then_fact", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		at := k.post(k.get("/hall/kiosk"), "/hall/kiosk/scan", url.Values{"text": {b.Code}})
		if at.path != "/hall/kiosk/booking" || strings.Contains(at.body, b.Code) || at.query != "" {
			w.Errorf("after a scan at %s?%s", at.path, at.query)
		}
		k.post(at, "/hall/kiosk/booking", url.Values{"fact": {lastFour(p)}}).wantsNumber("a fact after the scan")
	}},
	{"booking_by_scan_then_document", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		at := k.post(k.get("/hall/kiosk"), "/hall/kiosk/scan", url.Values{"text": {apptest.Public + "/pass/" + b.Code}})
		k.post(at, "/hall/kiosk/booking", documentForm(p)).wantsNumber("the document after the scan")
	}},
	{"booking_by_document_at_the_start", func(w *world) {
		p := apptest.Citizen(1)
		w.book(p, apptest.SocialCard, apptest.QueueA, today, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		k.post(k.get("/hall/kiosk"), "/hall/kiosk/booking", documentForm(p)).wantsNumber("the document laid at the start")
	}},
	{"document_of_somebody_else_Art12", func(w *world) {
		b := w.book(apptest.Citizen(1), apptest.SocialCard, apptest.QueueA, today, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		at := k.post(k.get("/hall/kiosk"), "/hall/kiosk/scan", url.Values{"text": {b.Code}})
		k.post(at, "/hall/kiosk/booking", documentForm(apptest.Citizen(2))).wants("another's document", fault.DocumentMismatch, "recorded")
		var list []store.RefusedArrival
		if err := w.DB.View(w.Context(), func(tx *store.Tx) (err error) {
			list, err = tx.RefusedArrivals(w.Context(), apptest.HallA, today.At(0, 0), today.At(23, 0))
			return err
		}); err != nil || len(list) != 1 || list[0].Reason != string(fault.DocumentMismatch) || list[0].ByID != k.d.ID {
			w.Errorf("recorded: %+v, %v", list, err)
		}
		if k.get("/hall/kiosk/number").path != "/hall/kiosk/number" {
			w.Error("a document that did not match is kept")
		}
	}},
	{"wrong_fact", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		k.checkIn(b.Code, "0000").wants("a wrong fact", fault.BookingNotFound)
		k.checkIn(b.Code, lastFour(p)).wantsNumber("the right one after it")
	}},
	{"facts_are_not_tried_one_after_another", func(w *world) {
		b := w.book(apptest.Citizen(1), apptest.SocialCard, apptest.QueueA, today, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		code := fault.Code("")
		for i := range 12 {
			code = k.checkIn(b.Code, fmt.Sprintf("%04d", i)).refusal()
		}
		if code != fault.TooManyRequests {
			w.Errorf("the twelfth fact: %q", code)
		}
	}},
	{"one_machine_asks_too_much", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		at, last := k.get("/hall/kiosk"), (*page)(nil)
		for range 70 {
			last = k.post(at, "/hall/kiosk/scan", url.Values{"text": {"junk!"}})
		}
		if last.status != http.StatusTooManyRequests || !strings.Contains(last.body, `http-equiv="refresh"`) {
			w.Errorf("after 70 acts at once: %d", last.status)
		}
	}},
	{"scanner_reads_junk", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		for _, junk := range []string{"", "x", "]C1\x1d0104", "https://example.org/other", "<script>alert(1)</script>", strings.Repeat("9", 300), "穗约"} {
			k.post(k.get("/hall/kiosk"), "/hall/kiosk/scan", url.Values{"text": {junk}}).wants("junk", fault.BookingNotFound, "not a booking code")
		}
	}},
	{"code_of_nobody", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		k.checkIn("AAAAAAAA", "1234").wants("a code of nobody", fault.BookingNotFound)
		at := k.checkIn("你好", "1234")
		if at.status != http.StatusUnprocessableEntity {
			w.Errorf("a code that is none: %d", at.status)
		}
	}},
	{"too_early", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today, 11, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(10, 29)
		k.checkIn(b.Code, lastFour(p)).wants("31 minutes before", fault.TooEarly, "10:30", "Take a number of the day")
		w.at(10, 30)
		k.checkIn(b.Code, lastFour(p)).wantsNumber("30 minutes before")
	}},
	{"too_late_Art17", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(10, 0)
		at := k.lay("/hall/kiosk/booking", p)
		at.wants("at the end of the hour", fault.TooLate, "Take a number of the day", "30 days")
		if k.get("/hall/kiosk/number").path != "/hall/kiosk/number/choose" {
			w.Error("whoever showed their document is asked for it again")
		}
		_ = b
	}},
	{"last_minute_of_the_hour", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(9, 59)
		k.checkIn(b.Code, lastFour(p)).wantsNumber("a minute before the end")
	}},
	{"qr_of_another_hall", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueB, today, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		k.checkIn(b.Code, lastFour(p)).wants("another hall's booking", fault.OtherHall)
	}},
	{"qr_of_another_day", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today+1, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		k.checkIn(b.Code, lastFour(p)).wants("tomorrow's booking", fault.OtherDay)
	}},
	{"booking_cancelled", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today, 9, nil)
		_, who := w.SignIn(w.T, p)
		if _, err := w.App.Cancel(w.Context(), who, app.CancelRequest{Key: "cancel-it-1", Code: b.Code, Channel: booking.Web}); err != nil {
			w.Fatal(err)
		}
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		k.checkIn(b.Code, lastFour(p)).wants("a cancelled booking", fault.NotActive, "cancelled")
	}},
	{"booking_displaced", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today, 9, nil)
		second := w.As(w.T, w.OpenAdmin(w.T, account.District2, apptest.DistrictA))
		list, err := w.App.FileRequest(w.Context(), second, app.Asked{Targets: []app.Target{{Hall: apptest.HallA}}, Reason: "台风", Change: supply.Change{Kind: supply.Close, From: today, To: today, Half: calendar.WholeDay}})
		if err != nil {
			w.Fatal(err)
		}
		if _, err := w.App.DecideRequest(w.Context(), w.ad, list[0].ID, list[0].Version, true, ""); err != nil {
			w.Fatal(err)
		}
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		at := k.checkIn(b.Code, lastFour(p))
		if at.refusal() != fault.NotActive && at.refusal() != fault.OtherDay {
			w.Errorf("a displaced booking: %q", at.refusal())
		}
	}},
	{"already_checked_in", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		first := k.checkIn(b.Code, lastFour(p)).wantsNumber("first")
		w.Clock.Add(10 * time.Minute)
		at := k.checkIn(b.Code, lastFour(p))
		if again := at.wantsNumber("again"); again != first || !strings.Contains(at.body, "already") {
			w.Errorf("first %s, then %s", first, again)
		}
	}},
	{"two_kiosks_one_person_at_once", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today, 9, nil)
		ks := []*kiosk{w.kiosk(apptest.HallA, nil), w.kiosk(apptest.HallA, nil)}
		w.at(8, 50)
		numbers := make([]string, 2)
		var both sync.WaitGroup
		for i, k := range ks {
			form := k.get("/hall/kiosk/booking")
			both.Go(func() {
				numbers[i] = k.post(form, "/hall/kiosk/booking", url.Values{"code": {b.Code}, "fact": {lastFour(p)}}).number()
			})
		}
		if both.Wait(); numbers[0] == "" || numbers[0] != numbers[1] {
			w.Errorf("two kiosks gave %v", numbers)
		}
	}},
	{"two_kiosks_one_walk_in_at_once_Art14", func(w *world) {
		p := apptest.Citizen(1)
		ks := []*kiosk{w.kiosk(apptest.HallA, nil), w.kiosk(apptest.HallA, nil)}
		w.at(9, 5)
		got := make([]*page, 2)
		var both sync.WaitGroup
		for i, k := range ks {
			form := k.lay("/hall/kiosk/number", p)
			both.Go(func() {
				got[i] = k.post(form, "/hall/kiosk/number/choose", url.Values{"item": {apptest.SocialCard}, "queue": {apptest.QueueA}})
			})
		}
		both.Wait()
		if (got[0].number() == "") == (got[1].number() == "") || got[0].refusal() != fault.OnSiteOnce && got[1].refusal() != fault.OnSiteOnce {
			w.Errorf("%q %q and %q %q", got[0].number(), got[0].refusal(), got[1].number(), got[1].refusal())
		}
	}},
	{"reader_repeats_the_document_ten_times", func(w *world) {
		p := apptest.Citizen(1)
		w.book(p, apptest.SocialCard, apptest.QueueA, today, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		seen := map[string]bool{}
		for range 10 {
			seen[k.lay("/hall/kiosk/booking", p).number()] = true
		}
		if len(seen) != 1 || seen[""] {
			w.Errorf("numbers: %v", seen)
		}
	}},
	{"document_read_by_half", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		w.at(9, 5)
		p := apptest.Citizen(1)
		for name, change := range map[string]func(url.Values){
			"no number": func(f url.Values) { f.Set("number", "") }, "half a number": func(f url.Values) { f.Set("number", p.Document.Number[:9]) },
			"no kind": func(f url.Values) { f.Set("kind", "") }, "a kind of nothing": func(f url.Values) { f.Set("kind", "licence") },
			"no name": func(f url.Values) { f.Set("name", "") }, "a name of signs": func(f url.Values) { f.Set("name", "\x00<b>") },
			"a number without end": func(f url.Values) { f.Set("number", strings.Repeat("1", 4000)) },
		} {
			form := documentForm(p)
			change(form)
			at := k.post(k.get("/hall/kiosk/number"), "/hall/kiosk/number", form)
			if at.status != http.StatusUnprocessableEntity || !strings.Contains(at.body, `id="wrong"`) || strings.Contains(at.body, p.Document.Number) {
				w.Errorf("%s: %d at %s", name, at.status, at.path)
			}
		}
	}},
	{"wrong_check_digit", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		w.at(9, 5)
		p := apptest.Citizen(1)
		last := byte('0')
		if strings.HasSuffix(p.Document.Number, "0") {
			last = '1'
		}
		p.Document.Number = p.Document.Number[:17] + string(last)
		for _, path := range []string{"/hall/kiosk/number", "/hall/kiosk/booking"} {
			if at := k.lay(path, p); at.status != http.StatusUnprocessableEntity || !strings.Contains(at.body, "check") {
				w.Errorf("%s: %d", path, at.status)
			}
		}
	}},
	{"foreigner_with_a_passport", func(w *world) {
		p := apptest.Visitor()
		b := w.book(p, apptest.Residence, apptest.QueueAEntry, today, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		wrong := p
		wrong.Birth = "1985-06-08"
		at := k.post(k.get("/hall/kiosk"), "/hall/kiosk/scan", url.Values{"text": {b.Code}})
		k.post(at, "/hall/kiosk/booking", documentForm(wrong)).wants("another birth date", fault.DocumentMismatch)
		k.lay("/hall/kiosk/booking", p).wantsNumber("the passport")
	}},
	{"passport_without_birth_date", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		w.at(9, 5)
		p := apptest.Visitor()
		p.Birth = ""
		if at := k.lay("/hall/kiosk/number", p); at.status != http.StatusUnprocessableEntity || !strings.Contains(at.body, "Birth date") {
			w.Errorf("a passport without a birth date: %d", at.status)
		}
	}},
	{"organisation_by_its_agent", func(w *world) {
		p := apptest.Agent()
		w.book(p, apptest.Estate, apptest.QueueAEstate, today, 9, func(r *app.BookRequest) {
			r.Applicant = app.Applicant{Kind: booking.Organisation, Name: p.Agent[0].Name, CreditCode: p.Agent[0].CreditCode}
		})
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		first := k.lay("/hall/kiosk/booking", p).wantsNumber("the agent's own document")
		if again := k.lay("/hall/kiosk/booking", p).number(); again != first {
			w.Errorf("first %s, then %s", first, again)
		}
	}},
	{"batch_booking_Art19", func(w *world) {
		p := apptest.Agent()
		b := w.book(p, apptest.Estate, apptest.QueueAEstate, today, 9, func(r *app.BookRequest) {
			for i := range 3 {
				one := apptest.Citizen(31 + i)
				r.Cases = append(r.Cases, booking.Party{Name: one.Name, Document: one.Document})
			}
		})
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		at := k.checkIn(b.Code, lastFour(p))
		if at.wantsNumber("a batch"); !strings.Contains(at.body, "Units") {
			w.Error("one ticket of a batch does not tell its units")
		}
	}},
	{"before_nine_Art14", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 55)
		at := k.take(apptest.Citizen(1), apptest.SocialCard, apptest.QueueA)
		at.wants("before nine", fault.OnSiteNotYet, "09:00")
		w.at(9, 0)
		k.take(apptest.Citizen(1), apptest.SocialCard, apptest.QueueA).wantsNumber("at nine")
	}},
	{"weekend", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		w.Clock.Set(calendar.MakeDate(2026, time.November, 28).At(10, 0))
		at := k.lay("/hall/kiosk/number", apptest.Citizen(1))
		if !strings.Contains(at.body, "disabled") && !strings.Contains(at.body, "does not serve") {
			w.Error("a Saturday's page offers numbers")
		}
		k.post(at, "/hall/kiosk/number/choose", url.Values{"item": {apptest.SocialCard}, "queue": {apptest.QueueA}}).wants("on a Saturday", fault.NotOpenToday)
	}},
	{"after_the_last_hour", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		w.at(17, 0)
		k.take(apptest.Citizen(1), apptest.SocialCard, apptest.QueueA).wants("after five", fault.NotOpenToday)
	}},
	{"one_number_each_half_day_Art14", func(w *world) {
		p := apptest.Citizen(1)
		k := w.kiosk(apptest.HallA, nil)
		w.at(9, 5)
		first := k.take(p, apptest.SocialCard, apptest.QueueA).wantsNumber("the first")
		at := k.take(p, apptest.SocialCard, apptest.QueueA)
		at.wants("the second", fault.OnSiteOnce, "Show my numbers")
		at = k.get("/hall/kiosk/number/choose")
		if !strings.Contains(at.body, first) {
			w.Error("the number held is not shown")
		}
		if n := k.post(at, "/hall/kiosk/show", url.Values{"index": {"0"}}).number(); n != first {
			w.Errorf("shown %q", n)
		}
		w.at(14, 0)
		k.take(p, apptest.SocialCard, apptest.QueueA).wantsNumber("in the afternoon")
	}},
	{"on_site_gone_then_unsold_then_none", func(w *world) {
		k := w.kiosk(apptest.HallStreet, nil) // seven a day: no on-site number at all, one unsold of each hour
		w.at(9, 5)
		k.take(apptest.Citizen(1), apptest.SocialCard, apptest.QueueStreet).wantsNumber("unsold of this hour")
		k.take(apptest.Citizen(2), apptest.SocialCard, apptest.QueueStreet).wants("nothing is left", fault.OnSiteNone)
		at := k.lay("/hall/kiosk/number", apptest.Citizen(3))
		if !strings.Contains(at.body, "None left") {
			w.Error("the page does not say that nothing is left")
		}
		w.at(10, 1)
		k.take(apptest.Citizen(3), apptest.SocialCard, apptest.QueueStreet).wantsNumber("the next hour's")
	}},
	{"hour_changes_while_choosing", func(w *world) {
		k := w.kiosk(apptest.HallStreet, nil)
		w.at(9, 58)
		at := k.lay("/hall/kiosk/number", apptest.Citizen(1))
		w.at(10, 0)
		k.post(at, "/hall/kiosk/number/choose", url.Values{"item": {apptest.SocialCard}, "queue": {apptest.QueueStreet}}).wantsNumber("over the hour")
	}},
	{"day_changes_while_choosing", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		w.at(16, 58)
		at := k.lay("/hall/kiosk/number", apptest.Citizen(1))
		w.Clock.Set((today + 1).At(8, 0))
		if got := k.post(at, "/hall/kiosk/number/choose", url.Values{"item": {apptest.SocialCard}, "queue": {apptest.QueueA}}); got.path != "/hall/kiosk/number" || got.number() != "" {
			w.Errorf("yesterday's page leads to %s", got.path)
		}
	}},
	{"queue_that_is_not_here", func(w *world) {
		k := w.kiosk(apptest.HallA, func(s *counter.DeviceSettings) { s.Queues = []string{apptest.QueueA} })
		w.at(9, 5)
		at := k.lay("/hall/kiosk/number", apptest.Citizen(1))
		if strings.Contains(at.body, apptest.QueueAEstate) {
			w.Error("a queue the kiosk does not show is offered")
		}
		for _, q := range []string{apptest.QueueAEstate, apptest.QueueB} {
			if got := k.post(at, "/hall/kiosk/number/choose", url.Values{"item": {apptest.Estate}, "queue": {q}}); got.number() != "" || got.status != http.StatusNotFound {
				w.Errorf("%s: %d", q, got.status)
			}
		}
	}},
	{"form_sent_twice", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		w.at(9, 5)
		at := k.lay("/hall/kiosk/number", apptest.Citizen(1))
		form := url.Values{"item": {apptest.SocialCard}, "queue": {apptest.QueueA}}
		first := k.post(at, "/hall/kiosk/number/choose", form).wantsNumber("once")
		if again := k.post(at, "/hall/kiosk/number/choose", form).number(); again != first {
			w.Errorf("first %s, then %q", first, again)
		}
	}},
	{"reload_and_back", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		at := k.checkIn(b.Code, lastFour(p))
		if n := k.get("/hall/kiosk/done").number(); n != at.number() || at.header.Get("Cache-Control") != "no-store" {
			w.Errorf("a reload shows %q", n)
		}
		k.post(at, "/hall/kiosk/end", nil)
		for _, path := range []string{"/hall/kiosk/done", "/hall/kiosk/number/choose", "/hall/kiosk/refused"} {
			if back := k.get(path); back.number() != "" || strings.Contains(back.body, "陈") {
				w.Errorf("back to %s shows what is over", path)
			}
		}
	}},
	{"nobody_stays_on_the_machine", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		w.at(9, 5)
		k.lay("/hall/kiosk/number", apptest.Citizen(1))
		w.Clock.Add(3*time.Minute + time.Second)
		if at := k.get("/hall/kiosk/number/choose"); at.path != "/hall/kiosk/number" {
			w.Errorf("what somebody left is there after three minutes: %s", at.path)
		}
	}},
	{"start_forgets_who_was_here", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		w.at(9, 5)
		k.lay("/hall/kiosk/number", apptest.Citizen(1))
		k.get("/hall/kiosk")
		if at := k.get("/hall/kiosk/number/choose"); at.path != "/hall/kiosk/number" {
			w.Errorf("after the start: %s", at.path)
		}
	}},
	{"what_one_machine_keeps_is_nothing_on_another", func(w *world) {
		one, two := w.kiosk(apptest.HallA, nil), w.kiosk(apptest.HallA, nil)
		w.at(9, 5)
		one.lay("/hall/kiosk/number", apptest.Citizen(1))
		u, _ := url.Parse(w.server.URL)
		for _, c := range one.http.Jar.Cookies(u) {
			if strings.Contains(c.Name, "flow") {
				two.http.Jar.SetCookies(u, []*http.Cookie{c})
			}
		}
		if at := two.get("/hall/kiosk/number/choose"); at.path != "/hall/kiosk/number" {
			w.Error("a person's cookie works on another machine")
		}
	}},
	{"power_cut_while_printing", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		at := k.checkIn(b.Code, lastFour(p))
		first := at.wantsNumber("checked in")
		if got := k.post(at, "/hall/kiosk/print", nil); got.status != 200 || !strings.Contains(got.body, `"n":1`) {
			w.Fatalf("print: %d %s", got.status, got.body)
		}
		// The power goes: nobody tells what came of it. On again, the holder shows their document.
		w.Clock.Add(5 * time.Minute)
		at = k.checkIn(b.Code, lastFour(p))
		if got := k.post(at, "/hall/kiosk/print", nil); got.status != http.StatusForbidden {
			w.Errorf("by code and fact it is printed again: %d", got.status)
		}
		at = k.lay("/hall/kiosk/booking", p)
		if at.number() != first {
			w.Errorf("first %s, then %s", first, at.number())
		}
		if got := k.post(at, "/hall/kiosk/print", nil); got.status != 200 || !strings.Contains(got.body, `"n":2`) {
			w.Errorf("with the document: %d %s", got.status, got.body)
		}
	}},
	{"printer_out_of_paper", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		at := k.checkIn(b.Code, lastFour(p))
		k.post(at, "/hall/kiosk/print", nil)
		k.post(at, "/hall/kiosk/printed", url.Values{"n": {"1"}, "outcome": {"no_paper"}})
		if got := k.post(at, "/hall/kiosk/print", nil); got.status != 200 {
			w.Errorf("no paper came out, and it is not printed again: %d", got.status)
		}
		k.post(at, "/hall/kiosk/printed", url.Values{"n": {"2"}, "outcome": {"printed"}})
		if got := k.post(at, "/hall/kiosk/print", nil); got.status != http.StatusForbidden {
			w.Errorf("printed, and printed again: %d", got.status)
		}
	}},
	{"bridge_lies_about_a_print", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today, 9, nil)
		k := w.kiosk(apptest.HallA, nil)
		w.at(8, 50)
		at := k.checkIn(b.Code, lastFour(p))
		for n := 1; n <= 4; n++ { // it says each time that it failed
			if got := k.post(at, "/hall/kiosk/print", nil); got.status != 200 {
				w.Fatalf("print %d: %d", n, got.status)
			}
			k.post(at, "/hall/kiosk/printed", url.Values{"n": {fmt.Sprint(n)}, "outcome": {"<certainly>"}})
		}
		if got := k.post(at, "/hall/kiosk/print", nil); got.status != http.StatusForbidden {
			w.Errorf("a fifth: %d", got.status)
		}
	}},
	{"print_of_nobody", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		at := k.get("/hall/kiosk/help")
		for _, path := range []string{"/hall/kiosk/print", "/hall/kiosk/printed"} {
			if got := k.post(at, path, url.Values{"n": {"1"}}); got.status != http.StatusNotFound {
				w.Errorf("%s: %d", path, got.status)
			}
		}
	}},
	{"fault_page_asks_again_by_itself", func(w *world) {
		r, _ := http.NewRequest("GET", w.server.URL+"/hall/kiosk", nil)
		e := fault.New(fault.Busy).After(time.Second)
		var b strings.Builder
		if err := hall.FaultPage(r, e).Render(context.Background(), &b); err != nil {
			w.Fatal(err)
		}
		if !strings.Contains(b.String(), `content="5; url=/hall/kiosk"`) {
			w.Errorf("the page of a database that is away: %s", b.String())
		}
	}},
}

func TestKioskFaults(t *testing.T) {
	all := append(slices.Clone(kioskCases), machineCases...)
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) { onBoth(t, c.run) })
	}
	if n := len(all); n < 40 {
		t.Errorf("only %d cases", n)
	}
}
