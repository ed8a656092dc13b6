package console

import (
	"net/http"

	"suiyue/internal/web"
)

// readUpload reads a form with a file. It refuses one that did not come from a page of ours in this browser:
// the guard leaves that to whoever reads the parts.
func (c *Console) readUpload(w http.ResponseWriter, r *http.Request, max int64) (web.Upload, error) {
	u, err := web.ReadUpload(w, r, max)
	if err != nil {
		return web.Upload{}, err
	}
	return u, c.Cookies.CheckForm(r)
}
