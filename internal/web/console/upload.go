package console

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"

	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

// upload is one file sent with a form.
type upload struct {
	Name string
	Body []byte
}

// readUpload reads a multipart form with one file of at most max bytes and a few short fields, which are
// in r.PostForm afterwards. It refuses a form that did not come from a page of ours in this browser: the
// guard leaves that to whoever reads the parts.
func (c *Console) readUpload(w http.ResponseWriter, r *http.Request, max int64) (upload, error) {
	const fields = 8 << 10 // all of them together
	web.AllowBody(w, r, max+fields)
	parts, err := r.MultipartReader()
	if err != nil {
		return upload{}, fault.New(fault.UnsupportedMedia)
	}
	var u upload
	left := int64(fields)
	r.PostForm = url.Values{}
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return upload{}, web.BodyFault(err)
		}
		if p.FileName() != "" && u.Name == "" {
			u.Name = p.FileName()
			if u.Body, err = readPart(p, max); err != nil {
				return upload{}, err
			}
			continue
		}
		value, err := readPart(p, left)
		if err != nil {
			return upload{}, err
		}
		left -= int64(len(value))
		r.PostForm.Add(p.FormName(), string(value))
	}
	return u, c.Cookies.CheckForm(r)
}

func readPart(p *multipart.Part, max int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(p, max+1))
	switch {
	case err != nil:
		return nil, web.BodyFault(err)
	case int64(len(b)) > max:
		return nil, fault.New(fault.BodyTooLarge, "max", digit(int(max>>10)))
	}
	return b, nil
}
