package identitygate

import (
	"bytes"
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"suiyue/internal/domain/identity"
)

// Mapping names the fields in which a provider says what, and how its codes read. A field name
// may be "" for what the provider does not have; Subject, Name, DocumentKind, DocumentNumber and
// Level must be named. A string "4" and a number 4 are the same.
type Mapping struct {
	Subject        string
	Name           string
	DocumentKind   string
	DocumentNumber string
	Nationality    string // ISO 3166 alpha-3
	Phone          string
	Level          string

	// Organisations is a list, a single object, or either written as a string of JSON.
	Organisations    string
	OrganisationCode string // within one: unified social credit code
	OrganisationName string

	// Kinds reads the provider's codes of document kinds. A code that is not listed is refused.
	Kinds map[string]identity.DocumentKind

	// Levels reads the provider's levels where they are not the digits 2 to 5 themselves.
	Levels map[string]identity.Level

	// FoldCase finds fields whatever their capitals: samples of the provincial platform write
	// both idcardnumber and idCardNumber.
	FoldCase bool
}

// StandardMapping is for OpenID Connect providers: registered claims where there are some, else
// ours, which are the ones the development provider speaks.
func StandardMapping() Mapping {
	return Mapping{
		Subject: "sub", Name: "name", DocumentKind: "document_kind", DocumentNumber: "document_number",
		Nationality: "nationality", Phone: "phone_number", Level: "real_name_level",
		Organisations: "organisations", OrganisationCode: "credit_code", OrganisationName: "name",
		Kinds: map[string]identity.DocumentKind{
			string(identity.ResidentID):       identity.ResidentID,
			string(identity.ForeignPermanent): identity.ForeignPermanent,
			string(identity.HKMacauPermit):    identity.HKMacauPermit,
			string(identity.TaiwanPermit):     identity.TaiwanPermit,
			string(identity.Passport):         identity.Passport,
		},
	}
}

// TyrzMapping is for the provincial platform: the field names seen in its clients, and the document
// codes of GA/T 517. The platform's contract with the operator may differ in the codes and in the
// name of the level; both are configuration.
func TyrzMapping() Mapping {
	return Mapping{
		Subject: "uid", Name: "cn", DocumentKind: "idcardtype", DocumentNumber: "idcardnumber",
		Phone: "telephonenumber", Level: "credencestate",
		Organisations: "orginfo", OrganisationCode: "creditcode", OrganisationName: "orgname",
		Kinds: map[string]identity.DocumentKind{
			"111": identity.ResidentID,
			"414": identity.Passport,
			"511": identity.TaiwanPermit,
			"516": identity.HKMacauPermit,
			"553": identity.ForeignPermanent,
		},
		FoldCase: true,
	}
}

func (m Mapping) complete() bool {
	return m.Subject != "" && m.Name != "" && m.DocumentKind != "" && m.DocumentNumber != "" &&
		m.Level != "" && len(m.Kinds) > 0
}

// fields is one JSON object whose values are read on demand.
type fields struct {
	values map[string]json.RawMessage
	fold   bool
}

// parseFields reads an object. Two names that differ only in capitals are refused under fold: it
// would be a guess which one to believe.
func parseFields(body []byte, fold bool) (fields, bool) {
	var values map[string]json.RawMessage
	if !utf8.Valid(body) || json.Unmarshal(body, &values) != nil || values == nil {
		return fields{}, false
	}
	if fold {
		folded := make(map[string]json.RawMessage, len(values))
		for k, v := range values {
			folded[strings.ToLower(k)] = v
		}
		if len(folded) != len(values) {
			return fields{}, false
		}
		values = folded
	}
	return fields{values, fold}, true
}

// under adds the values of other that f does not have.
func (f fields) under(other fields) fields {
	merged := maps.Clone(other.values)
	maps.Copy(merged, f.values)
	return fields{merged, f.fold}
}

func (f fields) raw(name string) json.RawMessage {
	if name == "" {
		return nil
	}
	if f.fold {
		name = strings.ToLower(name)
	}
	v := bytes.TrimSpace(f.values[name])
	if bytes.Equal(v, []byte("null")) {
		return nil
	}
	return v
}

// text reads a string or an integer as trimmed text; false if it is something else, too long, or
// holds control characters.
func (f fields) text(name string, limit int) (string, bool) {
	raw := f.raw(name)
	if raw == nil {
		return "", true
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		n, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil {
			return "", false
		}
		s = strconv.FormatInt(n, 10)
	}
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) > limit || strings.ContainsFunc(s, unicode.IsControl) || strings.ContainsRune(s, utf8.RuneError) {
		return "", false
	}
	return s, true
}

// claims reads what the provider says under the mapping. Nothing is guessed: what must be there
// and is not is Incomplete, what is there and cannot be is Malformed.
func (m Mapping) claims(provider string, f fields) (Claims, *Failure) {
	fail := func(reason Reason, what string) (Claims, *Failure) {
		return Claims{}, &Failure{Provider: provider, Step: StepClaims, Reason: reason, Detail: what}
	}
	c := Claims{Provider: provider}
	var kind, level string
	for _, t := range []struct {
		role, name string
		limit      int
		required   bool
		into       *string
	}{
		{"subject", m.Subject, 255, true, &c.Subject},
		{"name", m.Name, 100, true, &c.Name},
		{"document kind", m.DocumentKind, 40, true, &kind},
		{"document number", m.DocumentNumber, 40, true, &c.Document.Number},
		{"nationality", m.Nationality, 3, false, &c.Document.Nationality},
		{"phone", m.Phone, 20, false, &c.Phone},
		{"level", m.Level, 40, true, &level},
	} {
		s, ok := f.text(t.name, t.limit)
		if !ok {
			return fail(Malformed, t.role)
		}
		if s == "" && t.required {
			return fail(Incomplete, t.role)
		}
		*t.into = s
	}

	var ok bool
	if c.Document.Kind, ok = m.Kinds[kind]; !ok {
		return fail(Unsupported, "document kind")
	}
	if c.Level, ok = m.level(level); !ok {
		return fail(Unsupported, "level")
	}
	if c.Agent, ok = m.organisations(f); !ok {
		return fail(Malformed, "organisations")
	}
	return c, nil
}

func (m Mapping) level(raw string) (identity.Level, bool) {
	if l, ok := m.Levels[raw]; ok {
		return l, true
	}
	n, err := strconv.Atoi(raw)
	l := identity.Level(n)
	return l, err == nil && l >= identity.Declared && l <= identity.Strong && len(raw) == 1
}

// maxOrganisations bounds what one person may act for in one sign-in.
const maxOrganisations = 200

func (m Mapping) organisations(f fields) ([]identity.Organisation, bool) {
	raw := f.raw(m.Organisations)
	var quoted string
	if json.Unmarshal(raw, &quoted) == nil {
		raw = bytes.TrimSpace([]byte(quoted))
	}
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil, true
	}
	list := []json.RawMessage{raw}
	if raw[0] == '[' && json.Unmarshal(raw, &list) != nil || len(list) > maxOrganisations {
		return nil, false
	}
	out := make([]identity.Organisation, 0, len(list))
	for _, one := range list {
		entry, ok := parseFields(one, m.FoldCase)
		if !ok {
			return nil, false
		}
		code, okCode := entry.text(m.OrganisationCode, 18)
		name, okName := entry.text(m.OrganisationName, 200)
		if !okCode || !okName || code == "" || name == "" {
			return nil, false
		}
		out = append(out, identity.Organisation{CreditCode: code, Name: name})
	}
	return out, true
}
