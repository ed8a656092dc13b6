package hall

import (
	"fmt"

	"suiyue/internal/web/ui"
)

// codeSVG draws a QR code, dark on light with its quiet zone, as a picture by itself. Text too long for
// one gives an empty picture.
func codeSVG(text string) []byte {
	path, side := ui.QRPath(text)
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`,
		side, side, side, side, path)
}
