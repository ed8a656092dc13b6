package web

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"

	"suiyue/internal/domain/fault"
)

// Upload is one file sent with a form.
type Upload struct {
	Name string
	Body []byte
}

// ReadUpload reads a multipart form with one file of at most max bytes and a few short fields, which are
// in r.PostForm afterwards. Whether it came from a page of ours is for the caller to check, as of any form.
func ReadUpload(w http.ResponseWriter, r *http.Request, max int64) (Upload, error) {
	const fields = 8 << 10 // all of them together
	AllowBody(w, r, max+fields)
	parts, err := r.MultipartReader()
	if err != nil {
		return Upload{}, fault.New(fault.UnsupportedMedia)
	}
	var u Upload
	left := int64(fields)
	r.PostForm = url.Values{}
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return u, nil
		}
		if err != nil {
			return Upload{}, BodyFault(err)
		}
		if p.FileName() != "" && u.Name == "" {
			u.Name = p.FileName()
			if u.Body, err = readPart(p, max); err != nil {
				return Upload{}, err
			}
			continue
		}
		value, err := readPart(p, left)
		if err != nil {
			return Upload{}, err
		}
		left -= int64(len(value))
		r.PostForm.Add(p.FormName(), string(value))
	}
}

func readPart(p *multipart.Part, max int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(p, max+1))
	switch {
	case err != nil:
		return nil, BodyFault(err)
	case int64(len(b)) > max:
		return nil, fault.New(fault.BodyTooLarge, "max", strconv.FormatInt(max>>10, 10))
	}
	return b, nil
}
