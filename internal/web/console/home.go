package console

import (
	"net/http"

	"suiyue/internal/app"
	"suiyue/internal/web"
)

func (c *Console) homeRoutes() {
	c.add(Route{Pattern: "GET " + Prefix}, c.home)
}

// home is what an administrator sees first.
func (c *Console) home(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	return web.Render(w, r, http.StatusOK, todayPage(c.frame(w, r, ad, l.T("console.today.title"))))
}
