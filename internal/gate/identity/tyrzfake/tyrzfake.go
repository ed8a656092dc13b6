// Package tyrzfake is a stand-in for the provincial unified identity platform: the same paths, field
// names and ways of refusing (error_code and error_msg with status 200), with test persons behind
// it. It is made in development mode only.
package tyrzfake

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/domain/identity"
	"suiyue/internal/gate/identity/testpeople"
)

// Options describe the stand-in and the one client it serves.
type Options struct {
	DevMode      bool // must be true: New refuses otherwise
	ClientID     string
	ClientSecret string
	RedirectURI  string // exactly, with or without a query behind it by AllowQuery
	AllowQuery   bool   // the registration allows a query behind RedirectURI
	EchoState    bool   // the platform brings the state parameter back
	GrantType    string // "" = authorization_code
	Stylesheet   string // address on the same origin; "" = the built-in one
	People       []testpeople.Person
	Now          func() time.Time
}

// Server is the stand-in. Its addresses begin with /tif/sso/connect/page/oauth2/.
type Server struct {
	opt    Options
	codes  *testpeople.Tickets[grant]
	tokens *testpeople.Tickets[string]
	mux    *http.ServeMux
}

type grant struct{ person, redirectURI string }

// Path is the prefix of its addresses.
const Path = "/tif/sso/connect/page/oauth2/"

// tokenLife is how long an access token lives, as it is told in expires_in.
const tokenLife = 30 * time.Minute

// New makes the stand-in.
func New(opt Options) (*Server, error) {
	if !opt.DevMode {
		return nil, errors.New("tyrzfake: it signs in anybody as anybody, so development mode must be set explicitly")
	}
	if opt.ClientID == "" || opt.ClientSecret == "" || opt.RedirectURI == "" || opt.Now == nil {
		return nil, errors.New("tyrzfake: client id, secret, redirect address and clock must be set")
	}
	if opt.People == nil {
		opt.People = testpeople.All()
	}
	if opt.GrantType == "" {
		opt.GrantType = "authorization_code"
	}
	if opt.Stylesheet == "" {
		opt.Stylesheet = Path + "style.css"
	}
	s := &Server{
		opt: opt, mux: http.NewServeMux(),
		codes:  testpeople.NewTickets[grant](time.Minute, opt.Now),
		tokens: testpeople.NewTickets[string](tokenLife, opt.Now),
	}
	s.mux.HandleFunc("GET "+Path+"authorize", s.authorize)
	s.mux.HandleFunc("POST "+Path+"authorize", s.choose)
	s.mux.HandleFunc("GET "+Path+"access_token", s.accessToken)
	s.mux.HandleFunc("POST "+Path+"access_token", s.accessToken)
	s.mux.HandleFunc("GET "+Path+"tokeninfo", s.tokenInfo)
	s.mux.HandleFunc("GET "+Path+"style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(testpeople.Style())
	})
	return s, nil
}

// ServeHTTP serves the stand-in.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	s.mux.ServeHTTP(w, r)
}

func (s *Server) valid(q url.Values) bool {
	return q.Get("service") == "initService" && q.Get("response_type") == "code" && q.Get("scope") == "all" &&
		q.Get("client_id") == s.opt.ClientID && s.registered(q.Get("redirect_uri"))
}

func (s *Server) registered(uri string) bool {
	if s.opt.AllowQuery {
		uri, _, _ = strings.Cut(uri, "?")
	}
	return uri == s.opt.RedirectURI
}

func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if !s.valid(q) {
		refuse(w, "10001", "the request does not fit the registration")
		return
	}
	hidden := url.Values{}
	for _, k := range []string{"service", "response_type", "scope", "client_id", "redirect_uri", "state"} {
		if q.Has(k) {
			hidden.Set(k, q.Get(k))
		}
	}
	testpeople.Choice{
		Action: Path + "authorize", Hidden: hidden, Stylesheet: s.opt.Stylesheet, People: s.opt.People,
		Locale: testpeople.Locale("", r.Header.Get("Accept-Language")), ReturnTo: q.Get("redirect_uri"),
	}.Write(w)
}

func (s *Server) choose(w http.ResponseWriter, r *http.Request) {
	if http.NewCrossOriginProtection().Check(r) != nil || r.ParseForm() != nil || !s.valid(r.PostForm) {
		refuse(w, "10001", "the request does not fit the registration")
		return
	}
	form := r.PostForm
	u, err := url.Parse(form.Get("redirect_uri"))
	if err != nil {
		refuse(w, "10001", "the request does not fit the registration")
		return
	}
	q := u.Query()
	if s.opt.EchoState && form.Has("state") {
		q.Set("state", form.Get("state"))
	}
	if _, known := testpeople.Find(s.opt.People, form.Get("person")); known && form.Get("cancel") == "" {
		q.Set("code", s.codes.Issue(grant{form.Get("person"), form.Get("redirect_uri")}))
	} else {
		q.Set("error_code", "access_denied")
		q.Set("error_msg", "the person went back")
	}
	u.RawQuery = q.Encode()
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, u.String(), http.StatusFound)
}

func (s *Server) accessToken(w http.ResponseWriter, r *http.Request) {
	if r.ParseForm() != nil {
		refuse(w, "10001", "the request cannot be read")
		return
	}
	f := r.Form
	if f.Get("client_id") != s.opt.ClientID || f.Get("client_secret") != s.opt.ClientSecret {
		refuse(w, "10002", "the client is not known")
		return
	}
	g, ok := s.codes.Take(f.Get("code"))
	if !ok || g.redirectURI != f.Get("redirect_uri") || f.Get("grant_type") != s.opt.GrantType ||
		f.Get("service") != "initService" || f.Get("scope") != "all" {
		refuse(w, "10003", "the code is not valid")
		return
	}
	answer(w, map[string]any{
		"access_token": s.tokens.Issue(g.person), "token_type": "Bearer", "expires_in": int(tokenLife.Seconds()),
	})
}

// kinds are the platform's document codes in the stand-in: GA/T 517.
var kinds = map[identity.DocumentKind]string{
	identity.ResidentID: "111", identity.Passport: "414", identity.TaiwanPermit: "511",
	identity.HKMacauPermit: "516", identity.ForeignPermanent: "553",
}

type organisation struct {
	Code string `json:"creditcode"`
	Name string `json:"orgname"`
}

func (s *Server) tokenInfo(w http.ResponseWriter, r *http.Request) {
	id, ok := s.tokens.Look(r.URL.Query().Get("access_token"))
	p, known := testpeople.Find(s.opt.People, id)
	if !ok || !known {
		refuse(w, "10004", "the token is not valid")
		return
	}
	out := map[string]any{
		"uid": p.ID, "useridcode": "code-" + p.ID, "cn": p.Name, "idcardnumber": p.Document.Number,
		"idcardtype": kinds[p.Document.Kind], "telephonenumber": p.Phone, "mail": "", "area": "440100",
		"credenceState": strconv.Itoa(int(p.Level)), "version": "1",
	}
	if len(p.Organisations) > 0 {
		list := make([]organisation, len(p.Organisations))
		for i, o := range p.Organisations {
			list[i] = organisation{o.CreditCode, o.Name}
		}
		out["orgInfo"] = list
	}
	answer(w, out)
}

func answer(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body)
}

func refuse(w http.ResponseWriter, code, message string) {
	answer(w, map[string]string{"error_code": code, "error_msg": message})
}
