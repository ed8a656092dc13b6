package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"suiyue/internal/domain/fault"
)

// client is one kept-open HTTP/1.1 connection that costs little to drive, because load and server share
// the machine. It reads what the product's server sends and nothing more.
type client struct {
	address string
	conn    net.Conn
	in      *bufio.Reader
	out     bytes.Buffer
	body    []byte
}

// response is what came back; body is valid until the next call.
type response struct {
	status int
	etag   string
	body   []byte
}

// call sends one request and reads the answer. headers is written as it is, each line ending in CRLF.
func (c *client) call(method, path, headers string, body []byte) (response, error) {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.address, 5*time.Second)
		if err != nil {
			return response{}, err
		}
		c.conn, c.in = conn, bufio.NewReaderSize(conn, 16<<10)
	}
	c.out.Reset()
	fmt.Fprintf(&c.out, "%s %s HTTP/1.1\r\nHost: %s\r\n%s", method, path, c.address, headers)
	if body != nil {
		fmt.Fprintf(&c.out, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	c.out.WriteString("\r\n")
	c.out.Write(body)
	c.conn.SetDeadline(time.Now().Add(60 * time.Second))
	if _, err := c.conn.Write(c.out.Bytes()); err != nil {
		c.close()
		return response{}, err
	}
	r, err := c.read()
	if err != nil {
		c.close()
	}
	return r, err
}

func (c *client) read() (response, error) {
	var r response
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return r, err
	}
	if len(line) < 12 {
		return r, fmt.Errorf("bench: not an HTTP answer")
	}
	if r.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return r, err
	}
	length, chunked, last := 0, false, false
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return r, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return r, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		case bytes.EqualFold(name, []byte("Etag")):
			r.etag = string(value)
		case bytes.EqualFold(name, []byte("Connection")):
			last = bytes.EqualFold(value, []byte("close"))
		}
	}
	c.body = c.body[:0]
	if r.status == 304 || r.status == 204 {
		length = 0
	}
	if chunked {
		err = c.readChunks()
	} else {
		err = c.take(length)
	}
	r.body = c.body
	if last {
		c.close()
	}
	return r, err
}

func (c *client) take(n int) error {
	at := len(c.body)
	c.body = append(c.body, make([]byte, n)...)
	_, err := io.ReadFull(c.in, c.body[at:])
	return err
}

func (c *client) readChunks() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if err := c.take(int(n)); err != nil {
			return err
		}
		if _, err := c.in.Discard(2); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
	}
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// problem turns an answer of 400 and above into the fault it names.
func (r response) problem() error {
	if r.status < 400 {
		return nil
	}
	const mark = `"code":"`
	if i := bytes.Index(r.body, []byte(mark)); i >= 0 {
		rest := r.body[i+len(mark):]
		if j := bytes.IndexByte(rest, '"'); j >= 0 {
			if _, ok := fault.KindOf(fault.Code(rest[:j])); ok {
				return fault.New(fault.Code(rest[:j]))
			}
		}
	}
	return fmt.Errorf("bench: status %d", r.status)
}
