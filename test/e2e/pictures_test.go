package e2e

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// The pictures of the README come from a run of this test: what they show is what there is.
func TestPictures(t *testing.T) {
	b := open(t, shared.get(t))
	b.do(chromedp.EmulateViewport(390, 780, chromedp.EmulateMobile))
	shoot := func(name, from string) {
		t.Helper()
		b.do(chromedp.Evaluate[chromedp.Void](`document.activeElement?.blur(), document.querySelector(` + quote(from) + `).scrollIntoView({block: "start", behavior: "instant"})`))
		shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		small, err := reduce(shot)
		if err != nil {
			t.Fatal(err)
		}
		if len(small) > 120<<10 {
			t.Errorf("%s.png takes %d KiB", name, len(small)>>10)
		}
		if dir := os.Getenv("SUIYUE_TEST_PICTURES"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, name+".png"), small, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.goTo("/?lang=zh-Hans&edition=normal")
	shoot("home", "body")
	b.goTo("/item/" + online)
	shoot("item", "body")
	b.click(`.hall a.button[href^="/book/"]`)
	shoot("date", "body")
	b.click("#when form button")
	b.signIn("citizen-6")
	b.click("main form button.button")
	b.click(`form[action="/book"] button`)
	shoot("pass", ".pass")
	b.goTo("/?edition=elder")
	shoot("elder", "body")
}

// reduce writes a picture with the 256 colours it uses most, each other one as the nearest of them.
func reduce(shot []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return nil, err
	}
	size := full.Bounds()
	used := map[color.Color]int{}
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			used[color.RGBAModel.Convert(full.At(x, y))]++
		}
	}
	var palette color.Palette
	for c := range used {
		palette = append(palette, c)
	}
	slices.SortFunc(palette, func(a, b color.Color) int { return used[b] - used[a] })
	small := image.NewPaletted(size, palette[:min(256, len(palette))])
	draw.Draw(small, size, full, size.Min, draw.Src)
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small)
	return out.Bytes(), err
}
