package citizen

import (
	"net/http"

	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
)

// sessionRow is one place somebody is signed in.
type sessionRow struct {
	Since   string
	Seen    string
	Current bool
	End     string // address a POST to which ends it
}

// sessionRows lists where the person is signed in, this browser first; others tells whether there is
// any but this one.
func (a *Account) sessionRows(r *http.Request, l web.Locale, who *identity.Session) (rows []sessionRow, others bool, err error) {
	list, err := a.app.Sessions(r.Context(), who)
	if err != nil {
		return nil, false, err
	}
	now := a.app.Now()
	rows = []sessionRow{{Since: l.T("account.sessions.since", "when", l.Near(who.SignedIn, now)), Seen: l.T("account.sessions.here"), Current: true}}
	for _, s := range list {
		if s.Current {
			continue
		}
		others = true
		rows = append(rows, sessionRow{
			Since: l.T("account.sessions.since", "when", l.Near(s.SignedIn, now)), Seen: l.T("account.sessions.seen", "when", l.Near(s.Seen, now)),
			End: "/account/sessions/" + s.ID + "/end",
		})
	}
	return rows, others, nil
}

// endSession ends one of the person's sign-ins. Another person's is not found and stays.
func (a *Account) endSession(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := a.form(r); err != nil {
		return err
	}
	if r.PathValue("id") == who.ID {
		return a.signOutNow(w, r)
	}
	if err := a.app.EndSession(r.Context(), who, r.PathValue("id")); err != nil {
		return err
	}
	return web.SeeOther(w, r, "/account#sessions")
}

// endOthers ends all sign-ins but this one.
func (a *Account) endOthers(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := a.form(r); err != nil {
		return err
	}
	if err := a.app.EndOtherSessions(r.Context(), who); err != nil {
		return err
	}
	return web.SeeOther(w, r, "/account#sessions")
}
