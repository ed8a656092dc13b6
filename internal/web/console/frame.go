package console

import (
	"net/http"

	"suiyue/internal/app"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// Frame is what every page of the console is made in.
type Frame struct {
	L     web.Locale
	Title string
	Token string // form token
	Admin *app.Admin
	Nav   []ui.Link
}

func (c *Console) frame(w http.ResponseWriter, r *http.Request, ad *app.Admin, title string) Frame {
	return Frame{L: web.LocaleOf(r), Title: title, Token: c.Cookies.FormToken(w, r), Admin: ad}
}
