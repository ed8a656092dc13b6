package console_test

import (
	"bytes"
	"html"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
)

var formToken = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

// token is the form token of somebody's page.
func (d *desk) token(who account.Rank, path string) string {
	d.Helper()
	m := formToken.FindStringSubmatch(d.page(who, path))
	if m == nil {
		d.Fatalf("%s has no form", path)
	}
	return m[1]
}

// send sends a form from the page at path to itself.
func (d *desk) send(who account.Rank, path string, fields url.Values) *httptest.ResponseRecorder {
	d.Helper()
	fields.Set("form_token", d.token(who, path))
	return d.post(who, path, "application/x-www-form-urlencoded", strings.NewReader(fields.Encode()).Read)
}

type reading func([]byte) (int, error)

func (r reading) Read(p []byte) (int, error) { return r(p) }

func (d *desk) post(who account.Rank, path, kind string, body reading) *httptest.ResponseRecorder {
	d.Helper()
	r := httptest.NewRequest("POST", path, body)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Accept-Language", "en")
	r.AddCookie(&http.Cookie{Name: "suiyue-console", Value: string(who)})
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	return w
}

// typed are the fields of a form as it stands.
func (d *desk) typed(who account.Rank, path string) url.Values {
	d.Helper()
	page := d.page(who, path)
	page = page[strings.Index(page, `name="version"`)-40:]
	out := url.Values{}
	for _, m := range regexp.MustCompile(`<input[^>]*>`).FindAllString(page, -1) {
		get := func(name string) string {
			if v := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(m); v != nil {
				return html.UnescapeString(v[1])
			}
			return ""
		}
		if kind := get("type"); (kind == "checkbox" || kind == "radio") && !strings.Contains(m, " checked") {
			continue
		}
		out.Add(get("name"), get("value"))
	}
	return out
}

func TestAHallIsEditedOnItsPage(t *testing.T) {
	d := newDesk(t)
	form := "/console/halls/" + apptest.HallA + "/edit/hall"
	fields := d.typed(account.District1, form)
	fields.Set("phone", "call me")
	w := d.send(account.District1, form, fields)
	if w.Code != 422 || !strings.Contains(w.Body.String(), `id="phone-error"`) || !strings.Contains(w.Body.String(), `value="call me"`) {
		t.Fatalf("a wrong phone: %d; it must be said beside the field, and what was typed stay", w.Code)
	}
	fields.Set("phone", "020-83380000")
	fields["ways"] = []string{"app", "phone"}
	if w := d.send(account.District1, form, fields); w.Code != 303 {
		t.Fatalf("saved: %d %.300s", w.Code, w.Body.String())
	}
	page := d.page(account.District1, "/console/halls/"+apptest.HallA+"/edit")
	for _, want := range []string{"020-83380000", "By phone"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of the hall does not say %q", want)
		}
	}
	if w := d.send(account.District1, form, fields); w.Code != 409 {
		t.Errorf("the same form again, made on the version before: %d", w.Code)
	}
	versions := d.page(account.Platform1, "/console/halls/"+apptest.HallA+"/edit?show=versions")
	for _, want := range []string{"district-1", "<del>020-12345</del>", "<ins>020-83380000</ins>"} {
		if !strings.Contains(versions, want) {
			t.Errorf("the versions do not say %q", want)
		}
	}
	for who, want := range map[account.Rank]int{account.Platform1: 403, account.District3: 404, account.Municipal2: 404, account.Audit: 404} {
		if w := d.get(who, form); w.Code != want {
			t.Errorf("%s opens the form: %d, want %d", who, w.Code, want)
		}
	}
}

func TestAClosingThatWouldStrandPeopleLeadsToARequest(t *testing.T) {
	d := newDesk(t)
	_, who := d.SignIn(t, apptest.Citizen(1))
	if _, err := d.App.Book(t.Context(), who, app.BookRequest{Key: "strand-0001", Item: apptest.SocialCard, SlotID: d.FreeSlots(apptest.QueueA)[0], Stage: directory.Acceptance,
		Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web}); err != nil {
		t.Fatal(err)
	}
	form := "/console/halls/" + apptest.HallA + "/edit/hall"
	fields := d.typed(account.District1, form)
	fields.Del("open")
	w := d.send(account.District1, form, fields)
	link := "/console/requests/new?hall=" + apptest.HallA + "&amp;kind=close"
	if w.Code != 409 || !strings.Contains(w.Body.String(), link) {
		t.Fatalf("%d; it must lead to %s", w.Code, link)
	}
	d.page(account.District1, html.UnescapeString(link))
}

func TestArt3_ThePosterSaysHowToBookAndWhereToAsk(t *testing.T) {
	d := newDesk(t)
	for _, size := range []string{"", "?size=a3"} {
		page := d.page(account.District1, "/console/halls/"+apptest.HallA+"/poster"+size)
		for _, want := range []string{"甲区政务服务中心", "District A Hall", "020-12345", "怎样预约", "How to book", "工作日 09:00–12:00 13:00–17:00", "现场号", "绿色通道", "Green channel",
			strings.TrimPrefix(apptest.Public, "https://") + "/hall/" + apptest.HallA, `class="qr"`, "“穗好办”APP"} {
			if !strings.Contains(page, want) {
				t.Errorf("the poster%s does not say %q", size, want)
			}
		}
	}
}

func TestEveryPageOfTheDirectoryOpensInEveryLanguage(t *testing.T) {
	d := newDesk(t)
	hall := "/console/halls/" + apptest.HallA + "/edit"
	for _, c := range []struct {
		who  account.Rank
		path string
	}{
		{account.District1, hall}, {account.District1, hall + "?show=queues"}, {account.District1, hall + "?show=counters"}, {account.District1, hall + "?show=offerings&sort=-batch&q=estate"},
		{account.District1, hall + "?show=subhalls"}, {account.District1, hall + "?show=versions"}, {account.District1, hall + "/hall?new=1"}, {account.District1, hall + "/queue"},
		{account.District1, hall + "/queue?key=social"}, {account.District1, hall + "/counter"}, {account.District1, hall + "/offering"}, {account.District1, hall + "/offering?key=social+SI-0001"},
		{account.District1, "/console/directory?sort=-minutes"}, {account.District1, "/console/directory/files"}, {account.Municipal2, "/console/directory/item"},
		{account.Municipal2, "/console/directory/item?item=SI-0001"}, {account.System, "/console/directory/units?q=A"}, {account.System, "/console/directory/unit?unit=" + apptest.DistrictA},
		{account.District1, "/console/halls/" + apptest.HallA + "/poster"},
	} {
		for _, lang := range []string{"zh-Hans", "zh-Hant", "en"} {
			sep := "?"
			if strings.Contains(c.path, "?") {
				sep = "&"
			}
			if w := d.get(c.who, c.path+sep+"lang="+lang); w.Code != 200 || strings.Contains(w.Body.String(), `lang="`+lang) == false {
				t.Errorf("%s opens %s in %s: %d", c.who, c.path, lang, w.Code)
			}
		}
	}
}

// parts makes a multipart form with a file.
func parts(t *testing.T, token, name string, body []byte) (kind string, r reading) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	m.WriteField("form_token", token)
	f, err := m.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	f.Write(body)
	m.Close()
	return m.FormDataContentType(), b.Read
}

func TestAFileIsTakenShownAndApplied(t *testing.T) {
	d := newDesk(t)
	const files = "/console/directory/files"
	token := d.token(account.District1, files)
	w := d.get(account.District1, files+"/export?format=csv&sheet=halls")
	if w.Code != 200 || !strings.Contains(w.Header().Get("Content-Disposition"), "halls.csv") {
		t.Fatalf("export: %d", w.Code)
	}
	csv := bytes.Replace(w.Body.Bytes(), []byte("020-12345"), []byte("020-77777"), 1)
	kind, body := parts(t, "forged", "halls.csv", csv)
	if w := d.post(account.District1, files, kind, body); w.Code != 403 {
		t.Errorf("a form of somebody else: %d", w.Code)
	}
	kind, body = parts(t, token, "big.csv", make([]byte, 9<<20))
	if w := d.post(account.District1, files, kind, body); w.Code != 400 && w.Code != 413 {
		t.Errorf("nine MiB: %d", w.Code)
	}
	kind, body = parts(t, token, "large.csv", append(csv, bytes.Repeat([]byte("\n"), 7<<20)...))
	if w := d.post(account.District1, files, kind, body); w.Code != 303 {
		t.Errorf("seven MiB, more than a page may send: %d", w.Code)
	}
	kind, body = parts(t, token, "halls.csv", csv)
	w = d.post(account.District1, files, kind, body)
	if w.Code != 303 {
		t.Fatalf("sent: %d %.200s", w.Code, w.Body.String())
	}
	plan := w.Header().Get("Location")
	page := d.page(account.District1, plan)
	if !strings.Contains(page, "<ins>020-77777</ins>") {
		t.Error("the plan does not show the change")
	}
	digest := regexp.MustCompile(`name="digest" value="([^"]+)"`).FindStringSubmatch(page)
	if digest == nil {
		t.Fatal("the plan cannot be applied")
	}
	if w := d.send(account.District1, plan, url.Values{"digest": {"0"}}); w.Code != 409 {
		t.Errorf("another plan: %d", w.Code)
	}
	if w := d.send(account.District1, plan, url.Values{"digest": {digest[1]}}); w.Code != 303 {
		t.Fatalf("applied: %d", w.Code)
	}
	if !strings.Contains(d.page(account.District1, "/console/halls/"+apptest.HallA+"/edit"), "020-77777") {
		t.Error("not applied")
	}
	if w := d.get(account.District1, plan); w.Code != 404 {
		t.Errorf("the plan after it was applied: %d", w.Code)
	}
	kind, body = parts(t, token, "bad.csv", bytes.Replace(csv, []byte("020-77777"), []byte("x"), 1))
	page = d.page(account.District1, d.post(account.District1, files, kind, body).Header().Get("Location"))
	if !strings.Contains(page, "phone") || strings.Contains(page, `name="digest"`) {
		t.Error("a bad line must be named, and nothing be applied")
	}
	if w := d.get(account.Platform1, files); w.Code != 200 {
		t.Errorf("the platform exports: %d", w.Code)
	}
	kind, body = parts(t, d.token(account.Platform1, "/console/directory/files"), "halls.csv", csv)
	if w := d.post(account.Platform1, files, kind, body); w.Code != 403 {
		t.Errorf("the platform configures nothing, and sends a file: %d", w.Code)
	}
}
