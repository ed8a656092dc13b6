package citizen

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/identity"
)

// For says for whom a draft is: one of ours, kept people and organisations of the sign-in by prefix.
const (
	forSelf         = "self"
	forOther        = "other"
	forOrganisation = "organisation"
	forKept         = "kept:"  // and the id of a kept person
	forAgent        = "agent:" // and the credit code of an organisation the sign-in names
	forTogether     = "together"
)

// draft is a booking being filled in. It lives sealed in a cookie of its own, so that several may be
// under way in one browser, and is opened only for the person who began it.
type draft struct {
	ID    string          `json:"id"`
	Owner identity.Key    `json:"owner"`
	Made  time.Time       `json:"made"`
	Key   string          `json:"key"` // idempotency key: new with each change of what is asked
	Item  string          `json:"item"`
	Slot  string          `json:"slot"`
	Stage directory.Stage `json:"stage"`
	Units int             `json:"units"`
	For   string          `json:"for"`
	Other typed           `json:"other,omitzero"`
	Slots []string        `json:"slots,omitempty"` // of several people: the hour of each
	Wait  *waiting        `json:"wait,omitempty"`  // it is to be an entry of the waitlist: what would suit; Slot is empty then
	Let   time.Time       `json:"let,omitzero"`    // when its person was let in to book this slot
	Done  string          `json:"done,omitempty"`  // code of the booking or entry it became
	Codes []string        `json:"codes,omitempty"` // of several bookings
}

// typed is what somebody typed about another person or an organisation, right or wrong.
type typed struct {
	Name        string `json:"name,omitempty"`
	Kind        string `json:"kind,omitempty"`
	Number      string `json:"number,omitempty"`
	Nationality string `json:"nationality,omitempty"`
	Year        string `json:"year,omitempty"`
	Month       string `json:"month,omitempty"`
	Day         string `json:"day,omitempty"`
	Phone       string `json:"phone,omitempty"`
	CreditCode  string `json:"credit_code,omitempty"`
	OrgName     string `json:"org_name,omitempty"`
}

const (
	draftCookie = "suiyue-draft-"
	draftLife   = time.Hour
	mostDrafts  = 3
	idLength    = 12
)

func newDraft(owner identity.Key, now time.Time) *draft {
	return &draft{ID: rand.Text()[:idLength], Owner: owner, Made: now, Key: rand.Text(), Units: 1}
}

// ask changes what is asked for; anything new gets a new idempotency key.
func (d *draft) ask(item, slot string, stage directory.Stage) {
	if d.Item != item || d.Slot != slot || d.Stage != stage {
		d.Item, d.Slot, d.Stage, d.Key, d.Let = item, slot, stage, rand.Text(), time.Time{}
		d.Slots, d.Wait = nil, nil
	}
}

// run changes the hours of several people.
func (d *draft) run(slots []string) {
	if !slices.Equal(d.Slots, slots) {
		d.Slots, d.Key = slots, rand.Text()
	}
}

// done is where what became of the draft is shown.
func (d *draft) done() string {
	switch {
	case d.Wait != nil:
		return waitPath(d.Done)
	case len(d.Codes) > 1:
		return address("/book/together/done", "draft", d.ID)
	}
	return passPath(d.Done)
}

// askWhom is where the question is answered for whom the draft is.
func (d *draft) askWhom() string {
	switch {
	case d.Wait != nil:
		return address("/book/wait", "draft", d.ID)
	case d.For == forTogether:
		return address("/book/together", "draft", d.ID)
	}
	return address("/book/who", "draft", d.ID)
}

func (d *draft) forWhom(who string, units int) {
	if d.For != who || d.Units != units {
		d.For, d.Units, d.Key = who, units, rand.Text()
	}
}

func (d *draft) about(t typed) {
	if d.Other != t {
		d.Other, d.Key = t, rand.Text()
	}
}

// applicant is the draft's person as the use case takes it.
func (d *draft) applicant(who *identity.Session) app.Applicant {
	t := d.Other
	if id, ok := strings.CutPrefix(d.For, forKept); ok {
		return app.Applicant{Kind: booking.Other, Kept: id}
	}
	if code, ok := strings.CutPrefix(d.For, forAgent); ok {
		for _, o := range who.Person.Agent {
			if o.CreditCode == code {
				return app.Applicant{Kind: booking.Organisation, Name: o.Name, CreditCode: o.CreditCode}
			}
		}
		return app.Applicant{Kind: booking.Organisation}
	}
	switch d.For {
	case forOther:
		a := app.Applicant{Kind: booking.Other, Name: t.Name, Phone: t.Phone, Document: t.document()}
		if a.Document.Kind == identity.Passport {
			a.Birth = t.birth()
		}
		return a
	case forOrganisation:
		return app.Applicant{Kind: booking.Organisation, Name: t.OrgName, CreditCode: t.CreditCode}
	}
	return app.Applicant{Kind: booking.Self}
}

func (t typed) document() identity.Document {
	d := identity.Document{Kind: identity.DocumentKind(t.Kind), Number: t.Number}
	if d.Kind == identity.Passport {
		d.Nationality = t.Nationality
	}
	return d
}

// birth joins the three boxes to 2006-01-02; "" for three empty ones, nonsense stays nonsense.
func (t typed) birth() string {
	if t.Year+t.Month+t.Day == "" {
		return ""
	}
	return t.Year + "-" + pad(t.Month) + "-" + pad(t.Day)
}

func pad(s string) string {
	if len(s) == 1 {
		return "0" + s
	}
	return s
}

func (p *Pages) draftName(id string) string {
	if p.secure {
		return "__Secure-" + draftCookie + id
	}
	return draftCookie + id
}

// keep gives the draft to the browser, and lets the oldest go when there are too many.
func (p *Pages) keep(w http.ResponseWriter, r *http.Request, d *draft) error {
	c := *d
	c.Other = c.Other.clipped()
	plain, err := json.Marshal(c)
	if err != nil {
		return err
	}
	value := base64.RawURLEncoding.EncodeToString(p.sealer.Seal(plain, "draft|"+d.ID))
	p.setDraft(w, d.ID, value, int(draftLife.Seconds()))
	others := p.drafts(r, d.ID)
	for _, old := range others[min(mostDrafts-1, len(others)):] {
		p.setDraft(w, old, "", -1)
	}
	return nil
}

func (p *Pages) setDraft(w http.ResponseWriter, id, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: p.draftName(id), Value: value, Path: "/book", MaxAge: maxAge,
		Secure: p.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// drafts lists the drafts of this browser but one: those under way first, newest first; unreadable
// ones last.
func (p *Pages) drafts(r *http.Request, but string) []string {
	list := map[string]draft{}
	var ids []string
	for _, c := range slices.Backward(r.Cookies()) { // browsers send the oldest first
		if id, ok := strings.CutPrefix(c.Name, p.draftName("")); ok && id != but {
			ids = append(ids, id)
			if d := p.openDraft(id, c.Value); d != nil {
				list[id] = *d
			}
		}
	}
	over := func(d draft) bool { return d.ID == "" || d.Done != "" }
	sort.SliceStable(ids, func(i, j int) bool {
		a, b := list[ids[i]], list[ids[j]]
		if over(a) != over(b) {
			return over(b)
		}
		return a.Made.After(b.Made)
	})
	return ids
}

// draftOf returns the draft an address or form names; nil when the browser has it no more, or it is
// another person's.
func (p *Pages) draftOf(r *http.Request, id string, owner identity.Key) *draft {
	d := p.anyDraft(r, id)
	if d == nil || d.Owner != owner {
		return nil
	}
	return d
}

// anyDraft returns a draft whosoever it is: for keeping what was typed while a sign-in ran out.
func (p *Pages) anyDraft(r *http.Request, id string) *draft {
	if len(id) != idLength {
		return nil
	}
	c, err := r.Cookie(p.draftName(id))
	if err != nil {
		return nil
	}
	d := p.openDraft(id, c.Value)
	if d == nil || p.app.Now().Sub(d.Made) > 24*time.Hour {
		return nil
	}
	return d
}

func (p *Pages) openDraft(id, value string) *draft {
	sealed, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return nil
	}
	plain, err := p.sealer.Open(sealed, "draft|"+id)
	if err != nil {
		return nil
	}
	var d draft
	if json.Unmarshal(plain, &d) != nil || d.ID != id {
		return nil
	}
	return &d
}

// clipped cuts what is longer than anything right could be, so that the cookie stays a cookie.
func (t typed) clipped() typed {
	for s, most := range map[*string]int{
		&t.Name: 260, &t.Kind: 24, &t.Number: 48, &t.Nationality: 8, &t.Year: 8, &t.Month: 4, &t.Day: 4,
		&t.Phone: 32, &t.CreditCode: 48, &t.OrgName: 600,
	} {
		*s = clip(*s, most)
	}
	return t
}

// clip cuts s to at most n bytes, between characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
