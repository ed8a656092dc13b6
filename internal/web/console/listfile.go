package console

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

const (
	// walkSize is how many rows of a list that is taken away are in memory at once.
	walkSize = 500

	// tellEvery is how often it is written how far a file is.
	tellEvery = time.Second

	// windUp bounds writing what became of a file that ended early.
	windUp = 5 * time.Second
)

// listFile is a list to be taken away that may be longer than memory: its rows are read and sent a piece at a time.
type listFile struct {
	name  string // of the file, without its ending
	noun  string // as the log calls it
	hall  string // "" for many
	head  []string
	count func(ctx context.Context) (int, error)
	each  func(ctx context.Context, row func(cells ...any) error) error // cells are text, int, int64 or float64
}

// rows writes rows in a format.
type rows interface {
	row(cells ...any) error
	close() error
}

// walk reads a list from its end, piece by piece, and gives each of its entries to row; last names the place of an
// entry in the list.
func walk[T any](page func(w *app.Walk) ([]T, error), last func(w *app.Walk, v T), row func(v T) error) error {
	w := app.Walk{Size: walkSize}
	for {
		list, err := page(&w)
		if err != nil {
			return err
		}
		for _, v := range list {
			if err := row(v); err != nil {
				return err
			}
		}
		if len(list) < w.Size {
			return nil
		}
		last(&w, list[len(list)-1])
	}
}

// fileRoutesOf adds the files of a list at path, whose handler tells what is in them.
func (c *Console) fileRoutesOf(route Route, path string, of func(r *http.Request, ad *app.Admin) (listFile, error)) {
	route.Prove, route.File = true, true
	for _, format := range []string{"csv", "xlsx"} {
		route.Pattern = "GET " + path + "." + format
		c.add(route, func(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
			s, err := of(r, ad)
			if err != nil {
				return err
			}
			return c.sendList(w, r, ad, format, s)
		})
	}
}

// sendList sends a list as a file while it is read. Before the first row it is written down who takes what away, and
// after the last one that it was all sent; a file that ends early is cut off, so that nobody takes it for whole, and
// what it came to stands among the files of who began it.
func (c *Console) sendList(w http.ResponseWriter, r *http.Request, ad *app.Admin, format string, s listFile) error {
	kind := "text/csv; charset=utf-8"
	if format == "xlsx" {
		kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	if r.Method == http.MethodHead { // nothing is taken away
		w.Header().Set("Content-Type", kind)
		return nil
	}
	d, done, err := c.Site.Download(w, r, kind, s.name+"-"+calendar.DateOf(c.App.Now()).String()+"."+format)
	if err != nil {
		return err
	}
	defer done()
	n, err := s.count(d.Context())
	if err != nil {
		return err
	}
	e := app.Export{ID: r.URL.Query().Get("export"), Noun: s.noun, Hall: s.hall, Format: format, Counted: int64(n)}
	if e.ID, err = c.App.BeginExport(d.Context(), ad, e); err != nil {
		return err
	}
	f := &outFile{to: d, digest: sha256.New()}
	if err := c.write(d.Context(), ad, &e, f, s); err == nil {
		e.State, e.Digest = app.ExportWhole, hex.EncodeToString(f.digest.Sum(nil))
		if err = c.App.EndExport(d.Context(), ad, e); err == nil {
			return nil
		}
	} else {
		err = d.Why(err)
		c.ended(r, ad, e, err)
	}
	if d.Sent() > 0 {
		d.Abort()
	}
	return err
}

// write writes the rows of a list, telling every second how far it is.
func (c *Console) write(ctx context.Context, ad *app.Admin, e *app.Export, f *outFile, s listFile) error {
	out := bufio.NewWriterSize(f, 64<<10)
	var to rows = newCSV(out, s.head)
	if e.Format == "xlsx" {
		to = newXLSX(out, s.head, sheetRows)
	}
	tell := time.NewTicker(tellEvery)
	defer tell.Stop()
	err := s.each(ctx, func(cells ...any) error {
		if err := to.row(cells...); err != nil {
			return err
		}
		e.Written, e.Bytes = e.Written+1, f.bytes
		select {
		case <-tell.C:
		default:
			return nil
		}
		goOn, err := c.App.TellExport(ctx, ad, e.ID, e.Written, e.Bytes)
		if err == nil && !goOn {
			err = fault.New(fault.ExportCancelled)
		}
		return err
	})
	if err == nil {
		err = to.close()
	}
	if err == nil {
		err = out.Flush()
	}
	e.Bytes = f.bytes
	return err
}

// ended writes down that a file ended early, and why.
func (c *Console) ended(r *http.Request, ad *app.Admin, e app.Export, why error) {
	switch code := fault.CodeOf(why); {
	case errors.Is(why, web.ErrLeaving):
		e.State, e.Code = app.ExportStopped, string(fault.ShuttingDown)
	case errors.Is(why, web.ErrReaderGone):
		e.State = app.ExportBroken
	case code == fault.ExportCancelled:
		e.State = app.ExportCancelled
	case code == fault.SessionEnded:
		e.State, e.Code = app.ExportStopped, string(code)
	default:
		e.State, e.Code = app.ExportBroken, string(fault.As(why).Code)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), windUp)
	defer cancel()
	if err := c.App.EndExport(ctx, ad, e); err != nil {
		c.Site.Note(r, "what became of a file could not be written", err)
	}
	if e.State == app.ExportBroken && e.Code != "" {
		c.Site.Note(r, "a file could not be written to its end", why)
	}
}

// outFile counts and digests what is sent.
type outFile struct {
	to     io.Writer
	digest hash.Hash
	bytes  int64
}

func (f *outFile) Write(b []byte) (int, error) {
	n, err := f.to.Write(b)
	f.digest.Write(b[:n])
	f.bytes += int64(n)
	return n, err
}

// csvRows begins with a byte order mark, without which spreadsheets take UTF-8 for something else; no cell of it is
// run as a formula.
type csvRows struct {
	out  *csv.Writer
	line []string
	err  error // of the head
}

func newCSV(w *bufio.Writer, head []string) *csvRows {
	_, err := w.WriteString("\ufeff")
	c := &csvRows{out: csv.NewWriter(w), err: err}
	cells := make([]any, len(head))
	for i, h := range head {
		cells[i] = h
	}
	if err == nil {
		c.err = c.row(cells...)
	}
	return c
}

func (c *csvRows) row(cells ...any) error {
	if c.err != nil {
		return c.err
	}
	c.line = c.line[:0]
	for _, cell := range cells {
		if text, is := cell.(string); is {
			c.line = append(c.line, directory.Inert(strings.ToValidUTF8(text, "\ufffd")))
		} else {
			c.line = append(c.line, fmt.Sprint(cell))
		}
	}
	return c.out.Write(c.line)
}

func (c *csvRows) close() error {
	if c.err != nil {
		return c.err
	}
	c.out.Flush()
	return c.out.Error()
}
