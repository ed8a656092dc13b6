package sms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// File appends every message to a file as a line of JSON, for trials without a carrier. The file
// holds phones and texts: it is made readable by its owner only, and a file others may read is refused.
type File struct {
	now  func() time.Time
	mu   sync.Mutex
	file *os.File // nil after Close
	size int64    // up to the end of the last whole line
}

// line is one line of the file.
type line struct {
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
	To        string    `json:"to"`
	Template  string    `json:"template"`
	Text      string    `json:"text"`
	Reference string    `json:"reference"`
	Segments  int       `json:"segments"`
}

// OpenFile opens or makes the file. A last line cut short by a crash is ended, so that the next
// message starts on its own.
func OpenFile(path string, now func() time.Time) (*File, error) {
	if now == nil {
		panic("sms: file needs a clock")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sms: open file: %w", err)
	}
	size, err := prepare(f)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &File{now: now, file: f, size: size}, nil
}

func prepare(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("sms: look at file: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return 0, errors.New("sms: the file must be a regular one that only its owner may read and write (mode 0600)")
	}
	if info.Size() == 0 {
		return 0, nil
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("sms: read file: %w", err)
	}
	if last[0] == '\n' {
		return info.Size(), nil
	}
	if _, err := f.Write([]byte("\n")); err != nil {
		return 0, fmt.Errorf("sms: write file: %w", err)
	}
	return info.Size() + 1, nil
}

// Send implements Sender. The line is on disk when it returns.
func (s *File) Send(ctx context.Context, m Message) (Receipt, error) {
	if err := ready(ctx, m); err != nil {
		return Receipt{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return Receipt{}, &Error{Class: Temporary, Reason: "closed", cause: os.ErrClosed}
	}
	r := Receipt{ID: fmt.Sprintf("file-%d", s.size), Segments: Segments(m.Text), Accepted: s.now()}
	b, err := json.Marshal(line{r.ID, r.Accepted, m.To, m.Template, m.Text, m.Reference, r.Segments})
	if err != nil {
		return Receipt{}, &Error{Class: Permanent, Reason: "not written as JSON"}
	}
	b = append(b, '\n')
	if _, err := s.file.Write(b); err == nil {
		err = s.file.Sync()
		if err == nil {
			s.size += int64(len(b))
			return r, nil
		}
	}
	// Half a line would spoil the next one.
	if err := s.file.Truncate(s.size); err != nil {
		_ = s.file.Close()
		s.file = nil
	}
	return Receipt{}, &Error{Class: Temporary, Reason: "file cannot be written"}
}

// Close closes the file; later messages are refused.
func (s *File) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}
