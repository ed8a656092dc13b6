package ui

import (
	"bytes"
	"testing"
)

// A date and the hours of a slot are read at one glance: no line breaks within either.
func TestWordsBreakBetweenTimesOnly(t *testing.T) {
	for text, want := range map[string]string{
		"最晚 12月9日(周三)09:00 前可取消":         `最晚 <span class="num">12月9日(周三)</span><wbr>09:00 前可取消`,
		"12月9日(週三)10:00–11:00":           `<span class="num">12月9日(週三)</span><wbr><span class="num">10:00–11:00</span><wbr>`,
		"2027年1月4日(周一)":                  `<span class="num">2027年1月4日(周一)</span><wbr>`,
		"Mon 30 Nov, 09:00–10:00":        `<span class="num">Mon 30 Nov,</span><wbr> <span class="num">09:00–10:00</span><wbr>`,
		"09:00–10:00，甲区":                 `<span class="num">09:00–10:00，</span><wbr>甲区`,
		"甲区 · 石牌街道":                      "甲区\u00a0· 石牌街道",
		`<b title="x">1</b> & 12月的通知(1)`: `&lt;b title=&#34;x&#34;&gt;1&lt;/b&gt; &amp; 12月的通知(1)`,
	} {
		var b bytes.Buffer
		if err := Words(text).Render(t.Context(), &b); err != nil || b.String() != want {
			t.Errorf("%q: %v, %s\nwant %s", text, err, b.String(), want)
		}
	}
}
