package devidp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"suiyue/internal/domain/identity"
	"suiyue/internal/gate/identity/testpeople"
)

// kept are the parameters of an authorization request that the page carries through its form.
var kept = []string{
	"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce",
	"code_challenge", "code_challenge_method", "ui_locales", "prompt", "request", "request_uri",
}

// authorize answers an authorization request with the page, or at once under login_hint.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if !s.valid(w, r, q) {
		return
	}
	if s.opt.AllowLoginHint && q.Get("login_hint") != "" {
		s.grant(w, r, q, q.Get("login_hint"))
		return
	}
	if slices.Contains(strings.Fields(q.Get("prompt")), "none") {
		s.refuse(w, r, q, "login_required")
		return
	}
	hidden := url.Values{}
	for _, k := range kept {
		if q.Has(k) {
			hidden.Set(k, q.Get(k))
		}
	}
	choice := testpeople.Choice{
		Action: s.prefix + "/authorize", Hidden: hidden, Stylesheet: s.opt.Stylesheet, People: s.opt.People,
		Locale: testpeople.Locale(q.Get("ui_locales"), r.Header.Get("Accept-Language")), ReturnTo: q.Get("redirect_uri"),
	}
	for _, l := range []testpeople.Language{{Locale: "zh-Hans", Label: "简体"}, {Locale: "zh-Hant", Label: "繁體"}, {Locale: "en", Label: "English"}} {
		same := url.Values{}
		for k, v := range hidden {
			same[k] = v
		}
		same.Set("ui_locales", l.Locale)
		l.Href = s.prefix + "/authorize?" + same.Encode()
		choice.Languages = append(choice.Languages, l)
	}
	choice.Write(w)
}

// choose answers the page's form.
func (s *Server) choose(w http.ResponseWriter, r *http.Request) {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		plain(w, http.StatusForbidden, "the form must be sent from this page")
		return
	}
	if err := r.ParseForm(); err != nil {
		plain(w, http.StatusBadRequest, "the form cannot be read")
		return
	}
	q := r.PostForm
	if !s.valid(w, r, q) {
		return
	}
	if q.Get("cancel") != "" {
		s.refuse(w, r, q, "access_denied")
		return
	}
	s.grant(w, r, q, q.Get("person"))
}

// valid checks an authorization request. What is wrong with the client or its address is told here,
// everything else is told to the client (RFC 6749, 4.1.2.1).
func (s *Server) valid(w http.ResponseWriter, r *http.Request, q url.Values) bool {
	for _, k := range kept {
		if len(q[k]) > 1 || len(q.Get(k)) > 2048 {
			plain(w, http.StatusBadRequest, "a parameter is repeated or too long")
			return false
		}
	}
	if q.Get("client_id") != s.opt.ClientID {
		plain(w, http.StatusBadRequest, "client_id is not registered")
		return false
	}
	if !slices.Contains(s.opt.RedirectURIs, q.Get("redirect_uri")) {
		plain(w, http.StatusBadRequest, "redirect_uri is not registered exactly so")
		return false
	}
	wrong := ""
	switch {
	case q.Has("request"):
		wrong = "request_not_supported"
	case q.Has("request_uri"):
		wrong = "request_uri_not_supported"
	case q.Get("response_type") != "code":
		wrong = "unsupported_response_type"
	case q.Get("response_mode") != "" && q.Get("response_mode") != "query":
		wrong = "invalid_request"
	case !slices.Contains(strings.Fields(q.Get("scope")), "openid"):
		wrong = "invalid_scope"
	case q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43:
		wrong = "invalid_request"
	}
	if wrong != "" {
		s.refuse(w, r, q, wrong)
		return false
	}
	return true
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, q url.Values, code string) {
	s.back(w, r, q, url.Values{"error": {code}})
}

func (s *Server) back(w http.ResponseWriter, r *http.Request, q, result url.Values) {
	result.Set("iss", s.opt.Issuer)
	if q.Has("state") {
		result.Set("state", q.Get("state"))
	}
	redirect(w, r, q.Get("redirect_uri"), result)
}

func (s *Server) grant(w http.ResponseWriter, r *http.Request, q url.Values, person string) {
	if _, ok := s.people[person]; !ok {
		s.refuse(w, r, q, "access_denied")
		return
	}
	code := s.codes.Issue(grant{
		person: person, redirectURI: q.Get("redirect_uri"), nonce: q.Get("nonce"), challenge: q.Get("code_challenge"),
		scope: q.Get("scope"), authTime: s.opt.Now(),
	})
	s.back(w, r, q, url.Values{"code": {code}})
}

// refusal is an error answer of the token endpoint (RFC 6749, 5.2).
type refusal struct {
	Error string `json:"error"`
}

type tokens struct {
	Access    string `json:"access_token"`
	Type      string `json:"token_type"`
	ExpiresIn int    `json:"expires_in"`
	IDToken   string `json:"id_token"`
	Scope     string `json:"scope"`
}

type idClaims struct {
	Issuer     string `json:"iss"`
	Subject    string `json:"sub"`
	Audience   string `json:"aud"`
	Party      string `json:"azp"`
	Expires    int64  `json:"exp"`
	Issued     int64  `json:"iat"`
	AuthTime   int64  `json:"auth_time"`
	Nonce      string `json:"nonce,omitempty"`
	AccessHash string `json:"at_hash"`
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		answer(w, http.StatusBadRequest, refusal{"invalid_request"})
		return
	}
	form := r.PostForm
	if !s.client(r, form) {
		w.Header().Set("WWW-Authenticate", `Basic realm="devidp"`)
		answer(w, http.StatusUnauthorized, refusal{"invalid_client"})
		return
	}
	if form.Get("grant_type") != "authorization_code" {
		answer(w, http.StatusBadRequest, refusal{"unsupported_grant_type"})
		return
	}
	code := form.Get("code")
	g, ok := s.codes.Take(code)
	if !ok {
		if issued, used := s.spent.Take(codeHash(code)); used {
			s.tokens.Drop(issued)
		}
		answer(w, http.StatusBadRequest, refusal{"invalid_grant"})
		return
	}
	challenge := sha256.Sum256([]byte(form.Get("code_verifier")))
	if g.redirectURI != form.Get("redirect_uri") ||
		subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(challenge[:])), []byte(g.challenge)) != 1 {
		answer(w, http.StatusBadRequest, refusal{"invalid_grant"})
		return
	}
	bearer := s.tokens.Issue(access{g.person, g.scope})
	s.spent.Put(codeHash(code), bearer)
	now := s.opt.Now()
	half := sha256.Sum256([]byte(bearer))
	raw, err := s.sign(idClaims{
		Issuer: s.opt.Issuer, Subject: g.person, Audience: s.opt.ClientID, Party: s.opt.ClientID,
		Expires: now.Add(s.opt.TokenTTL).Unix(), Issued: now.Unix(), AuthTime: g.authTime.Unix(), Nonce: g.nonce,
		AccessHash: base64.RawURLEncoding.EncodeToString(half[:16]),
	})
	if err != nil {
		answer(w, http.StatusInternalServerError, refusal{"server_error"})
		return
	}
	answer(w, http.StatusOK, tokens{
		Access: bearer, Type: "Bearer", ExpiresIn: int(s.opt.TokenTTL.Seconds()), IDToken: raw, Scope: g.scope,
	})
}

func codeHash(code string) string {
	sum := sha256.Sum256([]byte(code))
	return string(sum[:])
}

func (s *Server) sign(claims idClaims) (string, error) {
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := s.signer.Sign(body)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// client checks who asks: by Basic, by form, or by id alone if the client is public.
func (s *Server) client(r *http.Request, form url.Values) bool {
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if user, password, basic := r.BasicAuth(); basic {
		var err1, err2 error
		id, err1 = url.QueryUnescape(user)
		secret, err2 = url.QueryUnescape(password)
		if err1 != nil || err2 != nil || form.Has("client_secret") {
			return false
		}
	}
	return id == s.opt.ClientID && subtle.ConstantTimeCompare([]byte(secret), []byte(s.opt.ClientSecret)) == 1
}

// info is the user information of one person, as far as the scope goes.
type info struct {
	Subject        string                  `json:"sub"`
	Name           string                  `json:"name,omitempty"`
	Phone          string                  `json:"phone_number,omitempty"`
	DocumentKind   identity.DocumentKind   `json:"document_kind,omitempty"`
	DocumentNumber string                  `json:"document_number,omitempty"`
	Nationality    string                  `json:"nationality,omitempty"`
	Level          identity.Level          `json:"real_name_level,omitempty"`
	Organisations  []identity.Organisation `json:"organisations,omitempty"`
}

func (s *Server) userinfo(w http.ResponseWriter, r *http.Request) {
	kind, bearer, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	held, ok := s.tokens.Look(bearer)
	if !ok || !strings.EqualFold(kind, "Bearer") {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		answer(w, http.StatusUnauthorized, refusal{"invalid_token"})
		return
	}
	p := s.people[held.person]
	scope := strings.Fields(held.scope)
	out := info{Subject: p.ID}
	if slices.Contains(scope, "profile") {
		out.Name = p.Name
	}
	if slices.Contains(scope, "phone") {
		out.Phone = p.Phone
	}
	if slices.Contains(scope, "real_name") {
		out.DocumentKind, out.DocumentNumber, out.Nationality = p.Document.Kind, p.Document.Number, p.Document.Nationality
		out.Level, out.Organisations = p.Level, p.Organisations
	}
	answer(w, http.StatusOK, out)
}
