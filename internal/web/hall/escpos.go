package hall

import (
	"bytes"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// receipt is a number on paper. Every string is in the reader's language; nothing on it tells who somebody is
// but the masked name.
type receipt struct {
	Hall    string
	Queue   string
	Number  string
	Lines   [][2]string // what and its value
	QR      string      // address of the ticket on a phone
	QRLabel string
	Foot    []string
	Copy    string // "" for the first, else that it is printed again
}

// escpos writes a receipt for an 80 mm thermal printer (ESC/POS, 48 columns, characters of GBK as the printers
// sold in mainland China have them in ROM): reset, Chinese on, the number four times as large, a QR code of
// the printer's own, cut. A character GBK does not have is a question mark.
func escpos(r receipt) []byte {
	var b bytes.Buffer
	enc := encoding.ReplaceUnsupported(simplifiedchinese.GBK.NewEncoder())
	text := func(s string) {
		// Control characters of a text are no commands of ours.
		s = strings.Map(func(c rune) rune {
			if c < 0x20 || c == 0x7f {
				return ' '
			}
			return c
		}, s)
		out, err := enc.String(s)
		if err != nil {
			out = strings.Repeat("?", len([]rune(s)))
		}
		// The encoder writes what it cannot say as the control character SUB.
		b.WriteString(strings.ReplaceAll(out, "\x1a", "?"))
	}
	line := func(s string) { text(s); b.WriteByte('\n') }
	cmd := func(bytes ...byte) { b.Write(bytes) }
	size := func(n byte) { // width and height n times
		cmd(0x1d, '!', (n-1)<<4|(n-1))
		cmd(0x1c, '!', map[bool]byte{true: 0x0c, false: 0}[n > 1]) // Chinese doubled beside it
	}

	cmd(0x1b, '@')     // reset
	cmd(0x1c, '&')     // Chinese on
	cmd(0x1b, 'a', 1)  // centred
	cmd(0x1b, '3', 60) // line pitch
	line(r.Hall)
	size(2)
	line(r.Queue)
	size(4)
	cmd(0x1b, 'E', 1)
	line(r.Number)
	cmd(0x1b, 'E', 0)
	size(1)
	if r.Copy != "" {
		line(r.Copy)
	}
	cmd(0x1b, 'a', 0)
	for _, l := range r.Lines {
		line(l[0] + "  " + l[1])
	}
	cmd(0x1b, 'a', 1)
	if r.QR != "" {
		qr := func(fn byte, data ...byte) {
			n := len(data) + 2
			cmd(0x1d, '(', 'k', byte(n), byte(n>>8), '1', fn)
			b.Write(data)
		}
		qr('A', '2', 0)                          // model 2
		qr('C', 6)                               // six dots a module
		qr('E', '1')                             // correction M
		qr('P', append([]byte{'0'}, r.QR...)...) // keep the text
		qr('Q', '0')                             // print it
		b.WriteByte('\n')
		line(r.QRLabel)
	}
	for _, f := range r.Foot {
		line(f)
	}
	cmd(0x1d, 'V', 'B', 80) // feed and cut
	return b.Bytes()
}
