package hall

import (
	"net/http"
	"strings"

	"suiyue/internal/domain/identity"
)

// shown is the document somebody laid on the reader, or typed.
type shown struct {
	identity.Document
	Name  string `json:"name"`
	Birth string `json:"birth,omitempty"`
	Read  bool   `json:"read,omitempty"` // by the reader
}

// documentOf reads a document of a form; nil when none was sent. What is wrong with it is told by whoever
// uses it.
func documentOf(r *http.Request) *shown {
	get := func(name string, most int) string {
		s := strings.TrimSpace(r.PostForm.Get(name))
		if len(s) > most {
			return s[:most] + "…" // too long for anything: refused by its check
		}
		return s
	}
	if r.PostForm.Get("number") == "" && r.PostForm.Get("read") == "" {
		return nil
	}
	d := &shown{
		Document: identity.Normalise(identity.Document{Kind: identity.DocumentKind(get("kind", 30)), Number: get("number", 40), Nationality: get("nationality", 3)}),
		Name:     identity.NormaliseName(get("name", 200)), Read: r.PostForm.Get("read") == "reader",
	}
	if d.Kind == identity.Passport {
		d.Birth = get("birth", 10)
	}
	return d
}
