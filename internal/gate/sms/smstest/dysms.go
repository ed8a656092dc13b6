package smstest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"suiyue/internal/gate/sms"
)

// Dysms stands in for the interface Dysmsapi 2017-05-25. It reads requests, and checks their signatures, by code of its own.
type Dysms struct {
	Key, Secret, Signature string
	Approved               map[string]string // texts by template code, ${variable} where a value stands
	Now                    func() time.Time
	Patience               time.Duration // how long a caller waits: Slow and Silent are longer
	Skew                   time.Duration // of its clock, when it is Skewed

	mu     sync.Mutex
	how    Behaviour
	seen   map[string]bool // nonces
	taken  []TakenBy
	asked  int
	wrong  []string // what no honest client does
	serial int
}

// TakenBy is a message a stand-in has taken.
type TakenBy struct {
	Phone, Reference, Template, Text string
	ID                               string
	At                               time.Time
	Status                           int // 1 under way, 2 lost, 3 arrived
}

// Behave changes how it behaves from now on.
func (d *Dysms) Behave(b Behaviour) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.how = b
}

// Taken lists what it has taken, Wrong what it was asked that no honest client asks, Asked how often it was asked for reports.
func (d *Dysms) Taken() []TakenBy {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]TakenBy(nil), d.taken...)
}

func (d *Dysms) Wrong() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.wrong...)
}

func (d *Dysms) Asked() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked
}

// Settle says what became of every message it has: 3 arrived, 2 lost.
func (d *Dysms) Settle(status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.taken {
		d.taken[i].Status = status
	}
}

func (d *Dysms) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	how, wait := d.how, d.Patience
	d.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	hang := func() {
		select {
		case <-r.Context().Done():
		case <-time.After(4 * wait):
		}
		panic(http.ErrAbortHandler)
	}
	switch how {
	case Down, Outage:
		w.WriteHeader(http.StatusBadGateway) // the proxy before it stands
		_, _ = io.WriteString(w, "<html>502 Bad Gateway</html>")
		return
	case Silent:
		hang()
	case DropsBefore:
		panic(http.ErrAbortHandler)
	}
	status, answer := d.answer(r, body, how)
	switch {
	case how == Slow:
		hang()
	case how == DropsAfter:
		panic(http.ErrAbortHandler)
	case how == HalfAnswer:
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		w.WriteHeader(status)
		_, _ = w.Write(answer[:len(answer)/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	case how == WrongSchema:
		answer = []byte(`{"code":0,"data":{"ok":true}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

func failure(code string) []byte {
	return fmt.Appendf(nil, `{"Code":%q,"Message":"not shown to anybody","RequestId":"R"}`, code)
}

// answer does what a request asks for.
func (d *Dysms) answer(r *http.Request, body []byte, how Behaviour) (int, []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	params, _ := url.ParseQuery(string(body))
	now := d.Now()
	if how == Skewed {
		now = now.Add(d.Skew)
	}
	if code := d.check(r, body, now); code != "" {
		if how != Skewed {
			d.wrong = append(d.wrong, code)
		}
		return http.StatusBadRequest, failure(code)
	}
	switch how {
	case Throttles:
		return http.StatusBadRequest, failure("Throttling.User")
	}
	if r.Header.Get("X-Acs-Action") == "QuerySendDetails" {
		d.asked++
		return http.StatusOK, d.details(params)
	}
	switch how {
	case ErrorIn200:
		return http.StatusOK, failure("isv.AMOUNT_NOT_ENOUGH")
	case Refuses:
		return http.StatusOK, failure("isv.MOBILE_NUMBER_ILLEGAL")
	}
	text, code := d.say(params)
	if code != "" {
		d.wrong = append(d.wrong, code)
		return http.StatusOK, failure(code)
	}
	d.serial++
	id := fmt.Sprintf("9006%014d^0", d.serial)
	d.taken = append(d.taken, TakenBy{
		Phone: params.Get("PhoneNumbers"), Reference: params.Get("OutId"), Template: params.Get("TemplateCode"), Text: text, ID: id, At: d.Now(), Status: 1,
	})
	return http.StatusOK, fmt.Appendf(nil, `{"Code":"OK","Message":"OK","BizId":%q,"RequestId":"R"}`, id)
}

var variable = regexp.MustCompile(`\$\{([a-z0-9_]+)\}`)

// say puts the text together as the interface would, from the template it has approved.
func (d *Dysms) say(params url.Values) (text, code string) {
	approved, ok := d.Approved[params.Get("TemplateCode")]
	if !ok {
		return "", "isv.SMS_TEMPLATE_ILLEGAL"
	}
	if params.Get("SignName") != d.Signature {
		return "", "isv.SMS_SIGNATURE_ILLEGAL"
	}
	values := map[string]string{}
	if json.Unmarshal([]byte(params.Get("TemplateParam")), &values) != nil {
		return "", "isv.INVALID_JSON_PARAM"
	}
	if !regexp.MustCompile(`^[0-9]{7,15}$`).MatchString(params.Get("PhoneNumbers")) {
		return "", "isv.MOBILE_NUMBER_ILLEGAL"
	}
	missing := false
	text = "【" + d.Signature + "】" + variable.ReplaceAllStringFunc(approved, func(m string) string {
		v, ok := values[variable.FindStringSubmatch(m)[1]]
		missing = missing || !ok || v == ""
		return v
	})
	if missing {
		return "", "isv.TEMPLATE_MISSING_PARAMETERS"
	}
	return text, ""
}

func (d *Dysms) details(params url.Values) []byte {
	var all []map[string]any
	for _, m := range d.taken {
		if m.Phone != params.Get("PhoneNumber") || m.At.In(time.FixedZone("", 8*3600)).Format("20060102") != params.Get("SendDate") {
			continue
		}
		word := map[int]string{1: "", 2: "MK:0012", 3: "DELIVERED"}[m.Status]
		all = append(all, map[string]any{"OutId": m.Reference, "PhoneNum": m.Phone, "Content": m.Text, "SendStatus": m.Status, "ErrCode": word, "TemplateCode": m.Template})
	}
	size, _ := strconv.Atoi(params.Get("PageSize"))
	page, _ := strconv.Atoi(params.Get("CurrentPage"))
	if size < 1 || size > 50 || page < 1 {
		return failure("isv.INVALID_PARAMETERS")
	}
	from := min((page-1)*size, len(all))
	b, err := json.Marshal(map[string]any{
		"Code": "OK", "Message": "OK", "RequestId": "R", "TotalCount": strconv.Itoa(len(all)),
		"SmsSendDetailDTOs": map[string]any{"SmsSendDetailDTO": append([]map[string]any{}, all[from:min(from+size, len(all))]...)},
	})
	if err != nil {
		panic(err)
	}
	return b
}

// check says what is wrong with who asks, "" for nothing: from the request as it came over the line.
func (d *Dysms) check(r *http.Request, body []byte, now time.Time) string {
	if r.Method != http.MethodPost || r.URL.Path != "/" || r.Header.Get("X-Acs-Version") != "2017-05-25" {
		return "InvalidAction.NotFound"
	}
	if r.URL.RawQuery != "" {
		return "PhoneInTheAddress"
	}
	at, err := time.Parse("2006-01-02T15:04:05Z", r.Header.Get("X-Acs-Date"))
	if err != nil || now.Sub(at).Abs() > 15*time.Minute {
		return "InvalidTimeStamp.Expired"
	}
	nonce := r.Header.Get("X-Acs-Signature-Nonce")
	if d.seen == nil {
		d.seen = map[string]bool{}
	}
	if nonce == "" || d.seen[nonce] {
		return "SignatureNonceUsed"
	}
	d.seen[nonce] = true
	parts := regexp.MustCompile(`^ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})$`).FindStringSubmatch(r.Header.Get("Authorization"))
	if parts == nil || parts[1] != d.Key {
		return "InvalidAccessKeyId.NotFound"
	}
	signed := strings.Split(parts[2], ";")
	for _, must := range []string{"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"} {
		if i := sort.SearchStrings(signed, must); i == len(signed) || signed[i] != must {
			return "IncompleteSignature"
		}
	}
	sum := sha256.Sum256(body)
	if r.Header.Get("X-Acs-Content-Sha256") != hex.EncodeToString(sum[:]) {
		return "SignatureDoesNotMatch"
	}
	lines := []string{"POST", "/", ""}
	for _, name := range signed {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		lines = append(lines, name+":"+strings.TrimSpace(value))
	}
	lines = append(lines, "", parts[2], r.Header.Get("X-Acs-Content-Sha256"))
	whole := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	mac := hmac.New(sha256.New, []byte(d.Secret))
	fmt.Fprintf(mac, "ACS3-HMAC-SHA256\n%x", whole)
	if want := hex.EncodeToString(mac.Sum(nil)); want != parts[3] {
		return "SignatureDoesNotMatch"
	}
	return ""
}

// Templates are what a Dysms has approved, as the sender is given them: every name of the suite.
func (d *Dysms) Templates() *sms.Templates {
	in := map[string]any{"signature": d.Signature}
	var list []sms.Template
	for id, text := range d.Approved {
		list = append(list, sms.Template{Name: "booked", Language: "zh-Hans", ID: id, Text: text})
	}
	in["templates"] = list
	b, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	t, err := sms.ReadTemplates(strings.NewReader(string(b)))
	if err != nil {
		panic(err)
	}
	return t
}
