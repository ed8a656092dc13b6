package hall_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// What goes wrong with the machine itself: its key, its code, its clock, its settings.
var machineCases = []faultCase{
	{"key_ended_in_the_console", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		at := k.get("/hall/kiosk/booking")
		if err := w.App.EndDevice(w.Context(), w.ad, apptest.HallA, k.d.ID, k.d.Version); err != nil {
			w.Fatal(err)
		}
		for _, got := range []*page{k.get("/hall/kiosk"), k.get("/hall/kiosk/state"), k.post(at, "/hall/kiosk/booking", url.Values{"code": {"AAAAAAAA"}, "fact": {"1234"}})} {
			if got.status != http.StatusUnauthorized {
				w.Errorf("%s: %d", got.path, got.status)
			}
		}
		if got := k.get("/hall/kiosk"); !strings.Contains(got.body, "Out of service") {
			w.Error("the machine does not say that it is out of service")
		}
	}},
	{"key_renewed_for_another_machine", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		_, code, err := w.App.RenewDevice(w.Context(), w.ad, apptest.HallA, k.d.ID, k.d.Version)
		if err != nil {
			w.Fatal(err)
		}
		if k.get("/hall/kiosk").status != http.StatusUnauthorized {
			w.Error("the machine before still works")
		}
		two := w.machine()
		two.post(two.get("/hall/enrol"), "/hall/enrol", url.Values{"code": {code}})
		if two.get("/hall/kiosk").status != 200 || k.get("/hall/kiosk").status != http.StatusUnauthorized {
			w.Error("the other machine does not work, or the one before does")
		}
	}},
	{"stolen_key_used_from_another_machine", func(w *world) {
		k, thief := w.kiosk(apptest.HallA, nil), w.machine()
		u, _ := url.Parse(w.server.URL)
		thief.http.Jar.SetCookies(u, k.http.Jar.Cookies(u))
		w.Clock.Add(25 * time.Hour)
		k.get("/hall/kiosk") // gets its next key
		if k.get("/hall/kiosk").status != 200 {
			w.Fatal("the machine does not work with its next key")
		}
		w.Clock.Add(2 * time.Minute)
		if thief.get("/hall/kiosk").status != http.StatusUnauthorized {
			w.Error("a copy of the key before works")
		}
		if k.get("/hall/kiosk").status != http.StatusUnauthorized {
			w.Error("a copy is about, and the machine still works")
		}
	}},
	{"key_changed_while_somebody_stands_here", func(w *world) {
		p := apptest.Citizen(1)
		k := w.kiosk(apptest.HallA, nil)
		w.Clock.Set((today).At(8, 0))
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today+1, 9, nil)
		w.Clock.Set((today + 1).At(9, 30))
		form := k.get("/hall/kiosk/booking")
		k.get("/hall/kiosk") // the key is changed meanwhile
		k.post(form, "/hall/kiosk/booking", url.Values{"code": {b.Code}, "fact": {lastFour(p)}}).wantsNumber("a form from before the key was changed")
	}},
	{"answer_with_the_next_key_lost", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		u, _ := url.Parse(w.server.URL)
		before := k.http.Jar.Cookies(u)
		w.Clock.Add(25 * time.Hour)
		k.get("/hall/kiosk")
		k.http.Jar.SetCookies(u, before) // the power went before the browser kept it
		w.Clock.Add(11 * time.Minute)
		for range 2 { // with the key it has, then with the one it is given
			if k.get("/hall/kiosk").status != 200 {
				w.Error("a machine whose next key was lost is locked out")
			}
		}
	}},
	{"enrolment_code_used_twice", func(w *world) {
		d, code, err := w.App.CreateDevice(w.Context(), w.ad, apptest.HallA, app.NewDevice{Kind: counter.Kiosk, Name: "x", Settings: w.kiosk(apptest.HallA, nil).d.Settings})
		if err != nil {
			w.Fatal(err)
		}
		for i, want := range []int{200, http.StatusUnprocessableEntity} {
			m := w.machine()
			if got := m.post(m.get("/hall/enrol"), "/hall/enrol", url.Values{"code": {code}}); got.status != want {
				w.Errorf("use %d: %d, want %d", i+1, got.status, want)
			}
		}
		_ = d
	}},
	{"enrolment_code_expired", func(w *world) {
		_, code, err := w.App.CreateDevice(w.Context(), w.ad, apptest.HallA, app.NewDevice{Kind: counter.Display, Name: "x", Settings: counter.NewDeviceSettings(counter.Display)})
		if err != nil {
			w.Fatal(err)
		}
		w.Clock.Add(counter.DeviceCodeLife)
		m := w.machine()
		if got := m.post(m.get("/hall/enrol"), "/hall/enrol", url.Values{"code": {code}}); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "expired") {
			w.Errorf("an old code: %d", got.status)
		}
	}},
	{"enrolment_codes_are_not_tried_one_after_another", func(w *world) {
		m := w.machine()
		at, last := m.get("/hall/enrol"), 0
		for i := range 14 {
			last = m.post(at, "/hall/enrol", url.Values{"code": {fmt.Sprintf("AAAAAA%02d", 20+i)}}).status
		}
		if last != http.StatusTooManyRequests {
			w.Errorf("the fourteenth code: %d", last)
		}
	}},
	{"kiosk_of_another_hall", func(w *world) {
		p := apptest.Citizen(1)
		b := w.book(p, apptest.SocialCard, apptest.QueueA, today, 9, nil)
		k := w.kiosk(apptest.HallStreet, nil)
		w.at(8, 50)
		k.checkIn(b.Code, lastFour(p)).wants("at a kiosk elsewhere", fault.OtherHall)
		device := &app.Device{Device: k.d}
		if _, err := w.App.CheckIn(w.Context(), app.By{Device: device, Channel: app.AtKiosk}, apptest.HallA, app.CheckIn{Code: b.Code, Fact: lastFour(p)}); fault.CodeOf(err) != fault.NotAllowed {
			w.Errorf("a kiosk acts at another hall: %v", err)
		}
	}},
	{"display_checks_nobody_in", func(w *world) {
		d, code, err := w.App.CreateDevice(w.Context(), w.ad, apptest.HallA, app.NewDevice{Kind: counter.Display, Name: "x", Settings: counter.NewDeviceSettings(counter.Display)})
		if err != nil {
			w.Fatal(err)
		}
		key, _, err := w.App.EnrolDevice(w.Context(), code, "")
		if err != nil {
			w.Fatal(err)
		}
		m := w.machine()
		u, _ := url.Parse(w.server.URL)
		m.http.Jar.SetCookies(u, []*http.Cookie{{Name: "suiyue-hall", Value: key}})
		if got := m.get("/hall/kiosk"); got.status != http.StatusNotFound {
			w.Errorf("a display opens the kiosk: %d", got.status)
		}
		by := app.By{Device: &app.Device{Device: d}, Channel: app.AtKiosk}
		if _, err := w.App.TakeNumber(w.Context(), by, apptest.HallA, app.OnSite{Key: "display-1", Item: apptest.SocialCard}); fault.CodeOf(err) != fault.NotAllowed {
			w.Errorf("a display takes a number: %v", err)
		}
	}},
	{"form_from_elsewhere", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		if got := k.post(&page{k: k}, "/hall/kiosk/booking", url.Values{"code": {"AAAAAAAA"}, "fact": {"1234"}}); got.status != http.StatusForbidden {
			w.Errorf("a form without a token: %d", got.status)
		}
		r, _ := http.NewRequest("POST", w.server.URL+"/hall/kiosk/end", strings.NewReader(""))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if got := k.do(r); got.status != http.StatusForbidden {
			w.Errorf("a form of another site: %d", got.status)
		}
	}},
	{"clock_wrong_on_the_machine", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		w.at(9, 41)
		if got := k.get("/hall/kiosk/state"); !strings.Contains(got.body, `"clock":"09:41"`) {
			w.Errorf("the page is told %s", got.body)
		}
		if got := k.get("/hall/kiosk"); !strings.Contains(got.body, "data-clock>09:41<") {
			w.Error("the page shows a time that is not the server's")
		}
	}},
	{"settings_reach_the_page", func(w *world) {
		k := w.kiosk(apptest.HallA, nil)
		s := k.d.Settings
		s.Idle, s.Languages, s.Bridge, s.Printer = 45, []string{"en"}, "http://127.0.0.1:4444", counter.BrowserPrinter
		s.Notice = directory.Text{En: "Counter 3 is closed today"}
		if _, err := w.App.ChangeDevice(w.Context(), w.ad, apptest.HallA, k.d.ID, k.d.Version, app.NewDevice{Name: k.d.Name, Settings: s}); err != nil {
			w.Fatal(err)
		}
		got := k.get("/hall/kiosk")
		for _, want := range []string{`data-idle="45"`, "Counter 3 is closed", `data-bridge="http://127.0.0.1:4444"`} {
			if !strings.Contains(got.body, want) {
				w.Errorf("the page has no %s", want)
			}
		}
		if policy := got.header.Get("Content-Security-Policy"); !strings.Contains(policy, "connect-src 'self' http://127.0.0.1:4444;") {
			w.Errorf("the page may talk to: %s", policy)
		}
		if policy := k.get("/hall/enrol").header.Get("Content-Security-Policy"); strings.Contains(policy, "127.0.0.1") {
			w.Error("a page that is no kiosk's may talk to the bridge")
		}
	}},
	{"day_sealed", func(w *world) {
		p := apptest.Citizen(1)
		k := w.kiosk(apptest.HallA, nil)
		w.at(9, 5)
		k.take(p, apptest.SocialCard, apptest.QueueA).wantsNumber("before")
		if err := w.DB.Update(w.Context(), func(tx *store.Tx) error {
			if _, err := tx.HoldFloor(w.Context(), apptest.HallA, today); err != nil {
				return err
			}
			_, err := tx.SealFloor(w.Context(), apptest.HallA, today)
			return err
		}); err != nil {
			w.Fatal(err)
		}
		k.take(apptest.Citizen(2), apptest.SocialCard, apptest.QueueA).wants("a day that has ended", fault.DaySealed)
	}},
}
