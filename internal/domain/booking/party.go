package booking

import (
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// Normalised returns p as it is checked, hashed and stored.
func (p Party) Normalised() Party {
	p.Document = identity.Normalise(p.Document)
	p.Phone = identity.NormalisePhone(p.Phone)
	p.Name = identity.NormaliseName(p.Name)
	if p.CreditCode != "" {
		p.CreditCode = identity.NormaliseCreditCode(p.CreditCode)
	}
	return p
}

// Check finds all that is wrong with a normalised party of the given kind. Paths begin with
// "applicant.". A foreign passport needs a birth date beside it; a phone may be left out.
func (p Party) Check(kind ApplicantKind, today calendar.Date) []fault.Field {
	var wrong []fault.Field
	add := func(path string, bad fault.Code) {
		if bad != "" {
			wrong = append(wrong, fault.Field{Path: "applicant." + path, Code: bad})
		}
	}
	if kind == Organisation {
		add("name", identity.CheckOrganisationName(p.Name))
		add("credit_code", identity.CheckCreditCode(p.CreditCode))
		return wrong
	}
	add("name", identity.CheckName(p.Name))
	field, bad := identity.CheckDocument(p.Document, today)
	add("document."+field, bad)
	if bad != "" && field != "number" && p.Document.Number == "" {
		add("document.number", fault.Required) // named too, though the check stopped before it
	}
	if p.Document.Kind == identity.Passport {
		add("birth", checkBirth(p.Birth, today))
	}
	if p.Phone != "" {
		add("phone", identity.CheckPhone(p.Phone))
	}
	return wrong
}

func checkBirth(s string, today calendar.Date) fault.Code {
	d, err := calendar.ParseDate(s)
	switch {
	case s == "":
		return fault.Required
	case err != nil:
		return fault.BadDate
	case d > today:
		return fault.DateInFuture
	}
	return ""
}
