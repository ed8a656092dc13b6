package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"suiyue/internal/domain/draw"
)

// DrawRequest is what somebody asked for in a draw.
type DrawRequest = draw.Request

// maxDraw is more than a published draw can hold, in bytes.
const maxDraw = 256 << 20

// ReadDraw reads a published draw from a file, from an address, or with "-" from standard input.
func ReadDraw(ctx context.Context, from string) (*draw.Record, error) {
	in := io.Reader(os.Stdin)
	switch {
	case strings.HasPrefix(from, "http://"), strings.HasPrefix(from, "https://"):
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
		if err != nil {
			return nil, err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s answers %s", from, res.Status)
		}
		in = res.Body
	case from != "-":
		f, err := os.Open(from)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	var r draw.Record
	if err := json.NewDecoder(io.LimitReader(in, maxDraw)).Decode(&r); err != nil {
		return nil, fmt.Errorf("no published draw: %w", err)
	}
	if r.ID == "" || r.Commitment == "" {
		return nil, fmt.Errorf("no published draw: id or commitment is missing")
	}
	return &r, nil
}
