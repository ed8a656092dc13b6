package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Masking is for every place where others may look: pages, lists, exports, displays. What is shown
// lets those concerned recognise themselves and no more; malformed values are hidden whole.

// MaskName keeps the surname: 陳*, 歐陽**, M***. The surname is one character, or two if it is a
// known compound one and something follows; at most three stars follow, so that length tells little.
// A name that would be shown whole is *.
func MaskName(name string) string {
	name = NormaliseName(name)
	first, size := utf8.DecodeRuneInString(name)
	n := utf8.RuneCountInString(name)
	switch {
	case n == 0:
		return ""
	case n == 1 || !han(first) && !unicode.IsLetter(first):
		return "*"
	case !han(first):
		return name[:size] + "***"
	}
	clear := 1
	if _, second := utf8.DecodeRuneInString(name[size:]); n > 2 && compound[name[:size+second]] {
		size, clear = size+second, 2
	}
	return name[:size] + strings.Repeat("*", min(n-clear, 3))
}

// compound is the surnames of two characters that are met, simplified and traditional.
var compound = func() map[string]bool {
	set := map[string]bool{}
	for s := range strings.FieldsSeq(`欧阳 歐陽 太史 端木 上官 司马 司馬 东方 東方 独孤 獨孤 南宫 南宮 万俟 萬俟 闻人 聞人
		夏侯 诸葛 諸葛 尉迟 尉遲 公羊 赫连 赫連 澹台 澹臺 皇甫 宗政 濮阳 濮陽 公冶 太叔 申屠 公孙 公孫 慕容 仲孙 仲孫
		钟离 鍾離 长孙 長孫 宇文 司徒 鲜于 鮮于 司空 令狐 呼延 百里 东郭 東郭 南郭 西门 西門 第五 拓跋 轩辕 軒轅 纳兰 納蘭`) {
		set[s] = true
	}
	return set
}()

// MaskNumber keeps the first and the last character of a document number: 4****************X.
// The last four are what finds a booking by its code, so no page may show them beside it.
func MaskNumber(number string) string { return maskMiddle(normaliseNumber(number), 1, 1, 4) }

// MaskCreditCode keeps the first two characters (authority and class) and the last, for the same reason.
func MaskCreditCode(code string) string { return maskMiddle(normaliseNumber(code), 2, 1, 6) }

// MaskPhone keeps the first three and the last four digits of a mainland mobile (138****5678), of
// others +, three digits, and the last two (+852****78).
func MaskPhone(phone string) string {
	phone = NormalisePhone(phone)
	switch number, international := strings.CutPrefix(phone, "+"); {
	case phone == "":
		return ""
	case mainlandMobile(phone):
		return phone[:3] + "****" + phone[7:]
	case international && len(number) >= 8 && digits(number):
		return phone[:4] + "****" + phone[len(phone)-2:]
	}
	return "****"
}

// MaskOrganisation keeps up to two characters at each end, never more than two thirds: 广州****公司.
func MaskOrganisation(name string) string {
	name = NormaliseName(name)
	if name == "" {
		return ""
	}
	runes := []rune(name)
	keep := min(2, len(runes)/3)
	return string(runes[:keep]) + "****" + string(runes[len(runes)-keep:])
}

// maskMiddle keeps head and tail characters and as many stars as are hidden, if those are at least
// hidden; else only stars, four of them.
func maskMiddle(s string, head, tail, hidden int) string {
	stars := len(s) - head - tail
	switch {
	case s == "":
		return ""
	case stars < hidden || stars > 20 || !ascii(s):
		return "****"
	}
	return s[:head] + strings.Repeat("*", stars) + s[len(s)-tail:]
}
