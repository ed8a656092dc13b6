package bridge

import (
	"golang.org/x/text/encoding/simplifiedchinese"
)

// Line is one line of paper, as a person would see it.
type Line struct {
	Text   string `json:"text"`
	Size   int    `json:"size"` // 1 to 8 times
	Centre bool   `json:"centre"`
	QR     string `json:"qr,omitempty"` // the text of a QR code in the place of a line
	Cut    bool   `json:"cut,omitempty"`
}

// Read reads the ESC/POS a ticket is made of, as far as the product writes it; other commands are passed over.
func Read(data []byte) (out []Line) {
	line, size, centre, qr := []byte{}, 1, false, ""
	flush := func() {
		text, err := simplifiedchinese.GBK.NewDecoder().Bytes(line)
		if err != nil {
			text = line
		}
		if len(text) > 0 {
			out = append(out, Line{Text: string(text), Size: size, Centre: centre})
		}
		line = line[:0]
	}
	at := func(i int) byte {
		if i < len(data) {
			return data[i]
		}
		return 0
	}
	for i := 0; i < len(data); {
		switch c := data[i]; {
		case c == 0x1b && at(i+1) == '@':
			size, centre = 1, false
			i += 2
		case c == 0x1b && at(i+1) == 'a':
			flush()
			centre = at(i+2) == 1
			i += 3
		case c == 0x1b, c == 0x1c && at(i+1) == '!':
			i += 3
		case c == 0x1c:
			i += 2
		case c == 0x1d && at(i+1) == '!':
			flush()
			size = int(at(i+2)&0x0f) + 1
			i += 3
		case c == 0x1d && at(i+1) == '(':
			n := int(at(i+3)) | int(at(i+4))<<8
			end := min(i+5+n, len(data))
			if part := data[min(i+5, end):end]; len(part) > 3 && part[1] == 'P' {
				qr = string(part[3:])
			} else if len(part) > 1 && part[1] == 'Q' {
				flush()
				out = append(out, Line{QR: qr, Size: 1, Centre: true})
			}
			i = end
		case c == 0x1d && at(i+1) == 'V':
			flush()
			out = append(out, Line{Cut: true, Size: 1})
			i += 4
		case c == '\n':
			flush()
			i++
		case c < 0x20:
			i++
		default:
			line = append(line, c)
			i++
			if c >= 0x81 && i < len(data) { // the second half of a character
				line = append(line, data[i])
				i++
			}
		}
	}
	flush()
	return out
}
