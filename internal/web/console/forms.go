package console

import (
	"encoding/base64"
	"encoding/json"
	"net/http"

	"suiyue/internal/app"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// formView is a form that may have come back with what is wrong with it.
type formView struct {
	L      web.Locale
	Token  string
	Action string
	Err    *fault.Error
	Labels map[string]string // of the fields, by path; the path is the id
}

// formView makes the view of a form that is sent to action; err is why it came back, nil at first.
func (c *Console) formView(f *Frame, action string, err error, labels map[string]string) formView {
	v := formView{L: f.L, Token: f.Token, Action: action, Labels: labels}
	if err != nil {
		v.Err, f.Error = fault.As(err), true
	}
	return v
}

// field is a field of the form with what is wrong with it.
func (v formView) field(path, hint string) ui.FieldView {
	f := ui.FieldView{ID: path, Label: v.Labels[path], Hint: hint}
	if v.Err == nil {
		return f
	}
	for _, w := range v.Err.Fields {
		if w.Path == path {
			f.Error, f.Code = v.L.FieldSentence("", w.Code), string(w.Code)
		}
	}
	return f
}

// summary is what stands above a form that came back.
func (v formView) summary() []ui.ErrorItem {
	switch {
	case v.Err == nil:
		return nil
	case len(v.Err.Fields) == 0:
		return []ui.ErrorItem{{Text: v.L.Sentence(v.Err), Code: string(v.Err.Code)}}
	}
	ids := map[string]string{}
	for path := range v.Labels {
		ids[path] = path
	}
	return ui.FieldErrors(v.L, v.Err, v.Labels, ids)
}

// status is what a form that came back is answered with.
func (v formView) status() int {
	if v.Err == nil {
		return http.StatusOK
	}
	return web.Status(v.Err)
}

// comesBack tells whether an error is told within the form, rather than on a page of its own.
func comesBack(err error) bool {
	switch fault.As(err).Kind {
	case fault.Invalid, fault.Conflict, fault.TooMany:
		return true
	}
	return false
}

// flow is what the browser keeps, sealed, between the steps of a sign-in or of something that takes a
// passkey.
type flow struct {
	Half   *app.Half `json:"h,omitempty"`
	State  []byte    `json:"s,omitempty"` // of a passkey's ceremony
	SetUp  []byte    `json:"u,omitempty"` // the password of a one-time link, seen to
	Secret string    `json:"k,omitempty"` // of an authenticator app being set up
	Back   string    `json:"b,omitempty"`
}

const flowAbout = "console flow"

func (c *Console) setFlow(w http.ResponseWriter, f flow) error {
	plain, err := json.Marshal(f)
	if err != nil {
		return fault.Wrap(fault.InternalError, err)
	}
	c.Cookies.SetFlow(w, base64.RawURLEncoding.EncodeToString(c.Sealer.Seal(plain, flowAbout)), flowLife)
	return nil
}

// flowOf returns what setFlow kept; the zero flow when there is nothing, or nothing of ours.
func (c *Console) flowOf(r *http.Request) (f flow) {
	sealed, err := base64.RawURLEncoding.DecodeString(c.Cookies.Flow(r))
	if err != nil {
		return flow{}
	}
	plain, err := c.Sealer.Open(sealed, flowAbout)
	if err != nil || json.Unmarshal(plain, &f) != nil {
		return flow{}
	}
	return f
}

// origin is the network a request comes from: the address without its last part.
func origin(r *http.Request) string {
	a := web.AddrOf(r).Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// passkeys is the frame of a page with a button for a passkey.
func passkeys(f Frame) Frame {
	f.Scripts = append(f.Scripts, "passkey.js")
	return f
}

// kindAfter keeps one primary button a page: the passkey's where there is one.
func kindAfter(v *passkeyView) ui.ButtonKind {
	if v == nil {
		return ui.Primary
	}
	return ui.Secondary
}
