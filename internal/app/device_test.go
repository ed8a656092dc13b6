package app_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
)

// settings of a kiosk as an administrator would send them.
func kioskSettings() counter.DeviceSettings {
	s := counter.NewDeviceSettings(counter.Kiosk)
	s.Bridge = "http://127.0.0.1:18951"
	return s
}

// newKiosk makes a device and enrols a machine as it.
func newKiosk(t testing.TB, f *apptest.Fixture, hall string) (ad *app.Admin, d counter.Device, key string) {
	t.Helper()
	ad = staff(t, f, account.District1, apptest.DistrictA)
	_, code, err := f.App.CreateDevice(t.Context(), ad, hall, app.NewDevice{Kind: counter.Kiosk, Name: "门口自助机", Settings: kioskSettings()})
	if err != nil {
		t.Fatal(err)
	}
	key, at, err := f.App.EnrolDevice(t.Context(), code, "192.0.2.0/24")
	if err != nil {
		t.Fatal(err)
	}
	return ad, at.Device, key
}

// holds tells whether a key is good, and of which device.
func holds(t testing.TB, f *apptest.Fixture, key string) (id string) {
	t.Helper()
	d, err := f.App.Device(t.Context(), key)
	if err != nil {
		if fault.CodeOf(err) != fault.DeviceEnded {
			t.Errorf("a key: %v", err)
		}
		return ""
	}
	return d.ID
}

func TestDevice_CodeEnrolsOneMachineOnceWithinHalfAnHour(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ad := staff(t, f, account.District1, apptest.DistrictA)
		create := func() (counter.Device, string) {
			t.Helper()
			d, code, err := f.App.CreateDevice(t.Context(), ad, apptest.HallA, app.NewDevice{Kind: counter.Kiosk, Name: " 门口 ", Settings: kioskSettings()})
			if err != nil || len(code) != 8 || d.Name != "门口" || d.State(f.Clock.Now()) != counter.DeviceWaiting {
				t.Fatalf("%+v %q: %v", d, code, err)
			}
			return d, code
		}
		enrol := func(name, code string, want fault.Code) {
			t.Helper()
			if _, _, err := f.App.EnrolDevice(t.Context(), code, ""); fault.CodeOf(err) != want {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
		_, code := create()
		for name, typed := range map[string]string{"nothing": "", "too short": code[:7], "another": "AAAAAAAA", "too long": code + code, "a sign": code[:7] + "%"} {
			enrol("code "+name, typed, fault.DeviceCodeWrong)
		}
		enrol("code as people type it", strings.ToLower(code[:4])+" "+strings.NewReplacer("O", "0", "I", "1", "B", "8").Replace(code[4:]), "")
		enrol("code used again", code, fault.DeviceCodeWrong)
		d, code := create()
		f.Clock.Add(counter.DeviceCodeLife)
		enrol("code after half an hour", code, fault.DeviceCodeWrong)
		if got := d.State(f.Clock.Now()); got != counter.DeviceLapsed {
			t.Errorf("a device whose code is over: %s", got)
		}
		d, code = create()
		if err := f.App.EndDevice(t.Context(), ad, apptest.HallA, d.ID, d.Version); err != nil {
			t.Error(err)
		}
		enrol("code of a device that has ended", code, fault.DeviceCodeWrong)

		// Two machines at once.
		_, code = create()
		var mu sync.Mutex
		var done sync.WaitGroup
		keys := map[string]bool{}
		for range 4 {
			done.Go(func() {
				if key, _, err := f.App.EnrolDevice(context.Background(), code, ""); err == nil {
					mu.Lock()
					keys[key] = true
					mu.Unlock()
				}
			})
		}
		if done.Wait(); len(keys) != 1 {
			t.Errorf("one code enrolled %d machines", len(keys))
		}
	})
}

func TestDevice_KeyIsGoodUntilItIsTakenAway(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ad, d, key := newKiosk(t, f, apptest.HallA)
		if holds(t, f, key) != d.ID {
			t.Fatal("a key just given is not good")
		}
		for name, k := range map[string]string{"none": "", "a made-up one": "x", "a very long one": strings.Repeat("x", 500), "one with a letter more": key + "A"} {
			if holds(t, f, k) != "" {
				t.Errorf("key %s is good", name)
			}
		}
		renewed, code, err := f.App.RenewDevice(t.Context(), ad, apptest.HallA, d.ID, d.Version)
		if err != nil || holds(t, f, key) != "" {
			t.Fatalf("renewed: %v; the key before is worth something", err)
		}
		second, _, err := f.App.EnrolDevice(t.Context(), code, "")
		if err != nil || holds(t, f, second) != d.ID {
			t.Fatalf("enrolled anew: %v", err)
		}
		if err := f.App.EndDevice(t.Context(), ad, apptest.HallA, d.ID, renewed.Version); fault.CodeOf(err) != fault.ChangedMeanwhile {
			t.Errorf("ended as it was before it was enrolled: %v", err)
		}
		if err := f.App.EndDevice(t.Context(), ad, apptest.HallA, d.ID, renewed.Version+1); err != nil || holds(t, f, second) != "" {
			t.Errorf("ended: %v; its key is worth something", err)
		}
		if _, _, err := f.App.RenewDevice(t.Context(), ad, apptest.HallA, d.ID, renewed.Version+2); fault.CodeOf(err) != fault.DeviceNotFound {
			t.Errorf("a device that has ended is enrolled anew: %v", err)
		}
		if acts := f.Acts(t, "device", d.ID); !slices.Equal(acts, []string{"device.create", "device.enrol", "device.renew", "device.enrol", "device.end"}) {
			t.Errorf("the log has %v", acts)
		}
	})
}

func TestDevice_CopiedKeyIsFoundOut(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		_, d, first := newKiosk(t, f, apptest.HallA)
		next := func(key string) string {
			t.Helper()
			at, err := f.App.Device(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			k, err := f.App.NextDeviceKey(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			return k
		}
		if next(first) != "" {
			t.Error("a key of this minute is changed")
		}
		f.Clock.Add(24 * time.Hour)
		lost := next(first) // the answer with it never arrived: the power went
		if lost == "" || next(first) != "" {
			t.Fatal("after a day a key is not changed once")
		}
		f.Clock.Add(11 * time.Minute)
		second := next(first)
		if second == "" || holds(t, f, lost) != "" || holds(t, f, first) != d.ID {
			t.Fatal("a key whose successor got lost has none")
		}
		if holds(t, f, second) != d.ID || holds(t, f, first) != d.ID {
			t.Error("a request under way with the key before is turned away")
		}
		f.Clock.Add(2 * time.Minute)
		if holds(t, f, second) != d.ID {
			t.Error("the new key is not good")
		}
		if holds(t, f, first) != "" {
			t.Error("a copy of the key before is good")
		}
		if holds(t, f, second) != "" {
			t.Error("a copy was used, and the key still is good")
		}
		if acts := f.Acts(t, "device", d.ID); acts[len(acts)-1] != "device.copied" {
			t.Errorf("the log has %v", acts)
		}
	})
}

func TestDevice_WhoMayDoWhatWithOne(t *testing.T) {
	f := apptest.New(t, apptest.Options{Twice: true})
	_, d, _ := newKiosk(t, f, apptest.HallA)
	for _, c := range []struct {
		rank account.Rank
		unit string
		want fault.Code
	}{
		{account.District2, apptest.DistrictA, ""}, {account.District1, apptest.DistrictB, fault.HallNotFound}, {account.District3, apptest.VillageA, fault.HallNotFound},
		{account.District2, apptest.StreetA, fault.HallNotFound}, {account.Platform1, "440100000000", fault.NotAllowed}, {account.Municipal2, agency, fault.HallNotFound},
	} {
		ad := staff(t, f, c.rank, c.unit)
		now, err := f.App.ChangeDevice(t.Context(), ad, apptest.HallA, d.ID, d.Version, app.NewDevice{Name: d.Name, Settings: d.Settings})
		if fault.CodeOf(err) != c.want {
			t.Errorf("%s of %s changes it: %v, want %q", c.rank, c.unit, err, c.want)
		}
		if err == nil {
			d = now
		}
		if _, _, err := f.App.CreateDevice(t.Context(), ad, apptest.HallA, app.NewDevice{Kind: counter.Display, Name: "x", Settings: counter.NewDeviceSettings(counter.Display)}); fault.CodeOf(err) != c.want {
			t.Errorf("%s of %s makes one: %v, want %q", c.rank, c.unit, err, c.want)
		}
		if _, err := f.App.DevicePairing(t.Context(), ad, apptest.HallA, d.ID); fault.CodeOf(err) != c.want {
			t.Errorf("%s of %s asks for its secret: %v, want %q", c.rank, c.unit, err, c.want)
		}
	}
	other := staff(t, f, account.District1, apptest.DistrictB)
	if err := f.App.EndDevice(t.Context(), other, apptest.HallB, d.ID, d.Version); fault.CodeOf(err) != fault.DeviceNotFound {
		t.Errorf("ended by way of another hall: %v", err)
	}
}

func TestDevice_SettingsAreCheckedAndWatched(t *testing.T) {
	f := apptest.New(t, apptest.Options{Source: apptest.Postgres(t)})
	ad, d, key := newKiosk(t, f, apptest.HallA)
	for name, change := range map[string]func(*app.NewDevice){
		"no name":                  func(n *app.NewDevice) { n.Name = " " },
		"a queue of another hall":  func(n *app.NewDevice) { n.Settings.Queues = []string{apptest.QueueB} },
		"no language":              func(n *app.NewDevice) { n.Settings.Languages = nil },
		"a language twice":         func(n *app.NewDevice) { n.Settings.Languages = []string{"en", "en"} },
		"idle too short":           func(n *app.NewDevice) { n.Settings.Idle = 3 },
		"a bridge elsewhere":       func(n *app.NewDevice) { n.Settings.Bridge = "http://192.0.2.1:80" },
		"a bridge with a path":     func(n *app.NewDevice) { n.Settings.Bridge = "http://127.0.0.1:80/x" },
		"a bridge with more":       func(n *app.NewDevice) { n.Settings.Bridge = "http://127.0.0.1:80; script-src *" },
		"a printer and no bridge":  func(n *app.NewDevice) { n.Settings.Bridge = "" },
		"a printer that is not":    func(n *app.NewDevice) { n.Settings.Printer = "fax" },
		"a layout that is not":     func(n *app.NewDevice) { n.Settings.Layout = "spiral" },
		"a notice without an end":  func(n *app.NewDevice) { n.Settings.Notice.Hans = strings.Repeat("长", 121) },
		"a name without an end":    func(n *app.NewDevice) { n.Name = strings.Repeat("长", 41) },
		"a bridge that is a name":  func(n *app.NewDevice) { n.Settings.Bridge = "http://example.org:80" },
		"a bridge without a port":  func(n *app.NewDevice) { n.Settings.Bridge = "http://127.0.0.1" },
		"a bridge over encryption": func(n *app.NewDevice) { n.Settings.Bridge = "https://127.0.0.1:80" },
	} {
		n := app.NewDevice{Name: d.Name, Settings: d.Settings}
		change(&n)
		if _, err := f.App.ChangeDevice(t.Context(), ad, apptest.HallA, d.ID, d.Version, n); fault.CodeOf(err) != fault.InvalidRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
	at, err := f.App.Device(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	changes, stop := f.App.WatchDevice(at)
	defer stop()
	go f.App.FollowDevices(t.Context(), 20*time.Millisecond)
	told := func(what string) {
		t.Helper()
		select {
		case <-changes:
		case <-time.After(5 * time.Second):
			t.Fatal("nobody was told: " + what)
		}
	}
	n := app.NewDevice{Name: "别的名", Settings: d.Settings}
	n.Settings.Pairing = nil
	if d, err = f.App.ChangeDevice(t.Context(), ad, apptest.HallA, d.ID, d.Version, n); err != nil {
		t.Fatal(err)
	}
	told("settings changed here")
	if before, _ := f.App.Pairing(at.Device); before == "" {
		t.Error("no secret to pair with")
	} else if now, err := f.App.Device(t.Context(), key); err != nil || now.Name != "别的名" {
		t.Errorf("after the change: %+v, %v", now, err)
	} else if after, _ := f.App.Pairing(now.Device); after != before {
		t.Error("a change of settings changed the pairing")
	}
	// On another node.
	c := app.Config{Public: apptest.Public, DB: f.DB, Vault: f.Vault, Now: f.Clock.Now}
	node, err := app.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer node.Close()
	if err := node.EndDevice(t.Context(), ad, apptest.HallA, d.ID, d.Version); err != nil {
		t.Fatal(err)
	}
	told("ended elsewhere")
	if holds(t, f, key) != "" {
		t.Error("ended elsewhere, and good here")
	}
}

func TestDevice_SeenAndSilent(t *testing.T) {
	f := apptest.New(t, apptest.Options{Twice: true})
	ad, d, key := newKiosk(t, f, apptest.HallA)
	state := func() counter.DeviceState {
		t.Helper()
		now, err := f.App.HallDevice(t.Context(), ad, apptest.HallA, d.ID)
		if err != nil {
			t.Fatal(err)
		}
		return now.State(f.Clock.Now())
	}
	if state() != counter.DeviceHere {
		t.Error("a device just enrolled is not here")
	}
	f.Clock.Add(counter.DeviceQuiet + time.Second)
	if state() != counter.DeviceSilent {
		t.Error("a device nobody has heard of is not silent")
	}
	holds(t, f, key)
	if state() != counter.DeviceHere {
		t.Error("a device that was heard of again is not here")
	}
	list, _, err := f.App.FindAudit(t.Context(), app.AuditFilter{}, 100)
	if err != nil || len(list) == 0 {
		t.Fatal(err)
	}
	for _, rec := range list {
		if text := string(rec.Before) + string(rec.After); strings.Contains(text, "pairing") || strings.Contains(text, key) {
			t.Errorf("the log has what a device is known by: %s", text)
		}
	}
}
