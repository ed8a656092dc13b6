package console

import (
	"net/http"

	"suiyue/internal/app"
	"suiyue/internal/domain/directory"
	"suiyue/internal/web"
)

// advice is what the even split of a queue leaves idle or short, by its history; nil without any.
func (c *Console) advice(*http.Request, web.Locale, *app.Admin, *directory.Queue) (*Table, error) {
	return nil, nil
}
