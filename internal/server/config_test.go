package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/gate/sms"
	"suiyue/internal/store"
	"suiyue/internal/web"
)

// real is a configuration for real people that nothing is wrong with.
func real() Config {
	return Config{
		Data: Data{Database: "x.db", KeyFile: "x.keys"}, HTTP: HTTP{Listen: ":8080", PublicURL: "https://suiyue.example.org"},
		SignIn: SignIn{Identity: "oidc", IdentityURL: "https://id.example.org", IdentityClient: "suiyue"}, Limits: DefaultLimits(),
	}
}

func TestConfig(t *testing.T) {
	good := real()
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Config)
		says   string
	}{
		"no database":              {func(c *Config) { c.Database = "" }, "--database"},
		"no key file":              {func(c *Config) { c.KeyFile = "" }, "--key-file"},
		"two keys":                 {func(c *Config) { c.KEK, c.KEKFile = "00", "f" }, "--kek"},
		"listen":                   {func(c *Config) { c.Listen = "8080" }, "--listen"},
		"metrics":                  {func(c *Config) { c.MetricsListen = "9464" }, "--metrics-listen"},
		"public with path":         {func(c *Config) { c.PublicURL = "https://x.example.org/book" }, "--public-url"},
		"public with password":     {func(c *Config) { c.PublicURL = "https://a:b@x.example.org" }, "--public-url"},
		"public in clear":          {func(c *Config) { c.PublicURL = "http://x.example.org" }, "https"},
		"public absent":            {func(c *Config) { c.PublicURL = "" }, "https"},
		"half a certificate":       {func(c *Config) { c.TLSCert = "cert.pem" }, "--tls-key"},
		"certificate not there":    {func(c *Config) { c.TLSCert, c.TLSKey = "no.pem", "no.key" }, "cannot be used"},
		"dev without demo":         {func(c *Config) { c.Identity = "dev" }, "--demo"},
		"no issuer":                {func(c *Config) { c.IdentityURL = "" }, "--identity-url"},
		"tyrz without secret":      {func(c *Config) { c.Identity = "tyrz" }, "--identity-secret-file"},
		"two secrets":              {func(c *Config) { c.IdentitySecret, c.IdentitySecretFile = "a", "b" }, "exclude"},
		"negative rate":            {func(c *Config) { c.AddressRate = -1 }, "negative"},
		"tiny body":                {func(c *Config) { c.MaxBody = 1 }, "--max-body"},
		"endless request":          {func(c *Config) { c.RequestTimeout = time.Hour }, "--request-timeout"},
		"no connections":           {func(c *Config) { c.Connections = 0 }, "--connections"},
		"many lanes":               {func(c *Config) { c.Lanes = 65 }, "--lanes"},
		"shift without demo":       {func(c *Config) { c.ClockShift = time.Hour }, "--clock-shift"},
		"people without demo":      {func(c *Config) { c.DemoPeople = 5 }, "--demo-people"},
		"long drain":               {func(c *Config) { c.DrainDelay = time.Hour }, "--drain-delay"},
		"several things are named": {func(c *Config) { c.Listen, c.Lanes = "x", -1 }, "--lanes"},
	} {
		cfg := real()
		c.change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want something about %s", name, err, c.says)
		}
	}
}

func TestEverySettingIsDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Settings() {
		if want := "SUIYUE_" + strings.ToUpper(strings.ReplaceAll(s.Flag, "-", "_")); s.Variable != want {
			t.Errorf("--%s has the variable %s, want %s", s.Flag, s.Variable, want)
		}
		if len(s.Help) < 20 || !strings.HasSuffix(s.Help, ".") {
			t.Errorf("--%s is not explained: %q", s.Flag, s.Help)
		}
		if seen[s.Flag] {
			t.Errorf("--%s comes twice", s.Flag)
		}
		seen[s.Flag] = true
	}
	if len(seen) < 30 {
		t.Errorf("only %d settings", len(seen))
	}
}

func TestUnknownVariablesAreErrorsWithAHint(t *testing.T) {
	known := []string{"SUIYUE_DATABASE", "SUIYUE_LISTEN", "SUIYUE_LOG_LEVEL"}
	for _, environ := range [][]string{nil, {"PATH=/bin", "HOME=/root"}, {"SUIYUE_DATABASE=x", "SUIYUE_TEST_POSTGRES=y"}, {"suiyue_x=1"}} {
		if err := CheckVariables(environ, known); err != nil {
			t.Errorf("%v: %v", environ, err)
		}
	}
	for environ, says := range map[string]string{
		"SUIYUE_DATABSE=secret":  "did you mean SUIYUE_DATABASE?",
		"SUIYUE_LOGLEVEL=secret": "did you mean SUIYUE_LOG_LEVEL?",
		"SUIYUE_QQQQQQQQ=secret": "SUIYUE_QQQQQQQQ",
	} {
		err := CheckVariables([]string{environ}, known)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", environ, err)
		}
	}
	if err := CheckVariables([]string{"SUIYUE_QQQQQQQQ=1"}, known); strings.Contains(err.Error(), "mean") {
		t.Errorf("a hint that is none: %v", err)
	}
}

func TestSecretComesFromAFileOfOneLine(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{"s3cret\n": "s3cret", " s3cret ": "s3cret", "": "", "a\nb\n": ""} {
		file := filepath.Join(dir, "secret")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c := real()
		c.IdentitySecretFile = file
		got, err := c.secret()
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
}

func TestPublicURL(t *testing.T) {
	for want, c := range map[string]Config{
		"http://localhost:81":  {},
		"https://localhost:81": {HTTP: HTTP{TLSCert: "x"}},
		"https://a.example":    {HTTP: HTTP{PublicURL: "https://a.example/"}},
	} {
		if got := c.publicURL("81"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestClock(t *testing.T) {
	c := NewClock(time.Hour)
	if d := time.Until(c.Now()); d < 59*time.Minute || d > 61*time.Minute {
		t.Errorf("the clock is %s ahead", d)
	}
	at := time.Now().Add(-48 * time.Hour)
	if c.Set(at); c.Now().Sub(at) > time.Second || c.Now().Before(at) {
		t.Errorf("set to %s, says %s", at, c.Now())
	}
	c.Reset()
	if c.Shift() != 0 {
		t.Error("not at the real time after Reset")
	}
	day := calendar.MakeDate(2026, 11, 24)
	for now, want := range map[time.Time]time.Time{
		day.At(9, 0):                         day.At(12, 0).Add(-10 * time.Second),
		day.At(12, 0).Add(-11 * time.Second): day.At(12, 0).Add(-10 * time.Second),
		day.At(12, 0).Add(-10 * time.Second): (day + 1).At(12, 0).Add(-10 * time.Second),
		day.At(20, 0):                        (day + 1).At(12, 0).Add(-10 * time.Second),
	} {
		if got := beforeNext(now, 720); !got.Equal(want) {
			t.Errorf("before the release after %s: %s, want %s", now, got, want)
		}
	}
}

// Carriers count a text in parts of 67 characters; a link in it is refused.
func TestArt13_EveryMessageIsWordedInEveryLanguage(t *testing.T) {
	hall := &directory.Hall{Name: directory.Text{Hans: "荔湾区政务服务中心", Hant: "荔灣區政務服務中心", En: "Liwan District Hall"}}
	item := &directory.Item{Name: directory.Text{Hans: "社会保障卡补领、换领", Hant: "社會保障卡補領、換領", En: "Replace a social security card"}}
	day := calendar.MakeDate(2026, 12, 9)
	view := app.BookingView{
		Code: "AB12-CD34-E", Booking: booking.Booking{Date: day, Hour: 10}, Item: item, Hall: hall, CancelUntil: day.At(9, 0),
	}
	for _, l := range web.Locales {
		for _, kind := range []booking.MessageKind{
			booking.MessageBooked, booking.MessageMoved, booking.MessageCancelled, booking.MessageReminder, booking.MessageDisplaced,
			booking.MessageStranded, booking.MessageKept, booking.MessageDeclined, booking.MessageLapsed,
		} {
			view := view
			if kind == booking.MessageDisplaced || kind == booking.MessageStranded {
				view.Lost = &app.Loss{Hall: hall, Date: day, Hour: 10, Closed: l != web.Hans, Until: day.At(9, 0)}
			}
			m := app.Outgoing{Row: store.MessageRow{Message: booking.Message{Kind: kind}}, Phone: "13800000000", View: view}
			got := words(l, m, day.At(8, 0))
			for _, want := range []string{l.Text(hall.Name), l.Text(item.Name), l.Slot(day, 10)} {
				if !strings.Contains(got.Body, want) {
					t.Errorf("%s %s lacks %s: %s", l, kind, want, got.Body)
				}
			}
			over := kind == booking.MessageCancelled || kind == booking.MessageDeclined || kind == booking.MessageLapsed
			if !over && (!strings.Contains(got.Body, view.Code) || !strings.Contains(got.Body, "09:00")) {
				t.Errorf("%s %s lacks the code or until when it can be cancelled: %s", l, kind, got.Body)
			}
			if strings.ContainsAny(got.Body, "{}⟦") || strings.Contains(got.Body, "://") || strings.Contains(got.Body, "www.") {
				t.Errorf("%s %s: %s", l, kind, got.Body)
			}
			if n := sms.Segments(got.Body); l != web.En && n > 2 {
				t.Errorf("%s %s takes %d parts: %s", l, kind, n, got.Body)
			}
			check := sms.Message{To: got.To, Template: got.Template, Text: got.Body, Reference: "00000001.1." + string(kind)}
			if err := check.Check(); err != nil {
				t.Errorf("%s %s: no carrier would take it: %v", l, kind, err)
			}
		}
	}
}

func TestWordsOfABookingWhoseHallIsGone(t *testing.T) {
	m := app.Outgoing{Row: store.MessageRow{Message: booking.Message{Kind: booking.MessageBooked}}, View: app.BookingView{Booking: booking.Booking{HallID: "h1", Item: "SI-01"}}}
	if got := words(web.Hans, m, time.Unix(0, 0)).Body; !strings.Contains(got, "h1") || !strings.Contains(got, "SI-01") {
		t.Errorf("worded %q", got)
	}
}

func TestOneTimeCodeIsReadInTwoLanguages(t *testing.T) {
	box := sms.NewOutbox(5, func() time.Time { return time.Unix(0, 0) })
	if err := (texter{texting: texting{sender: box}}).Text(t.Context(), "+33612345678", "one_time_code", map[string]string{"code": "123456", "minutes": "5"}); err != nil {
		t.Fatal(err)
	}
	got := box.Recent(1)[0].Message.Text
	if strings.Count(got, "123456") != 2 || sms.Segments(got) != 1 || strings.Contains(got, "{") {
		t.Errorf("sent %q", got)
	}
}
