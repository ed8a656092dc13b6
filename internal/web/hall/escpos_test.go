package hall

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
)

var update = flag.Bool("update", false, "write testdata anew")

func sample() receipt {
	return receipt{
		Hall: "甲区政务服务中心", Queue: "综合业务", Number: "A012",
		Lines: [][2]string{{"事项", "社会保障卡申领"}, {"预约时段", "11月25日(周三)09:00–10:00"}, {"前面", "3 人"}},
		QR:    "https://yuyue.example.org/ticket/abcdefghij234567", QRLabel: "扫码看排队", Foot: []string{"过号请到咨询台"},
	}
}

// The bytes as they are sent, in lines of 16 for people to read.
func TestESCPOSGolden(t *testing.T) {
	again, english := sample(), sample()
	again.Copy = "补打 第 2 次"
	english.Hall, english.Queue, english.Lines, english.QRLabel, english.Foot = "District A Hall", "General business", [][2]string{{"Item", "Apply for a social security card"}}, "Your place in line", nil
	for name, r := range map[string]receipt{"receipt": sample(), "receipt_again": again, "receipt_en": english, "receipt_no_qr": {Number: "B001"}} {
		got := hex.Dump(escpos(r))
		path := "testdata/" + name + ".hex"
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs from %s; look at it, then run with -update", name, path)
		}
	}
}

func TestESCPOSSaysWhatAPrinterUnderstands(t *testing.T) {
	b := escpos(sample())
	gbk := func(s string) []byte {
		out, err := simplifiedchinese.GBK.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return []byte(out)
	}
	at := -1
	for _, want := range [][]byte{
		{0x1b, '@'}, {0x1c, '&'}, gbk("甲区政务服务中心"), {0x1d, '!', 0x33}, []byte("A012"), {0x1d, '!', 0x00}, gbk("社会保障卡申领"),
		{0x1d, '(', 'k'}, []byte("1P0https://yuyue.example.org/ticket/abcdefghij234567"), []byte("1Q0"), {0x1d, 'V', 'B'},
	} {
		i := bytes.Index(b[at+1:], want)
		if i < 0 {
			t.Fatalf("no % x after byte %d", want, at)
		}
		at += i + 1
	}
	if n := len("https://yuyue.example.org/ticket/abcdefghij234567") + 3; !bytes.Contains(b, []byte{'(', 'k', byte(n), 0, '1', 'P'}) {
		t.Error("the QR's length is not told")
	}
}

func TestESCPOSTextIsNeverACommand(t *testing.T) {
	r := sample()
	r.Hall = "x\x1b@\x1dVA\x00" + "😀" + "Ａ\nB"
	b := escpos(r)
	if bytes.Count(b, []byte{0x1b, '@'}) != 1 || bytes.Count(b, []byte{0x1d, 'V'}) != 1 {
		t.Error("a text commands the printer")
	}
	if !bytes.Contains(b, []byte("?")) {
		t.Error("a character the printer does not have is left out without a mark")
	}
	if strings.ContainsRune(string(b), 0x1a) {
		t.Error("a control character is sent")
	}
}
