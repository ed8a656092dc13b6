package account

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"suiyue/internal/domain/fault"
)

// How long a password must and may be, in characters.
const (
	LeastPassword = 12
	MostPassword  = 128
)

// common are the words bad passwords are made of. What remains beside them must be more than digits.
var common = strings.Fields(`password passw0rd admin administrator suiyue guangzhou canton zhengwu zwzx zhengfu welcome letmein
	qwerty qwertyuiop qazwsx 1qaz2wsx 1q2w3e4r asdfgh asdfghjkl zxcvbnm abc abcd abcdef woaini iloveyou dragon monkey sunshine
	changeme default secret test user login master root system security audit huangpu tianhe yuexiu haizhu baiyun panyu huadu
	密码 管理员 广州 廣州 政务 政務 穗约 穗約`)

// CheckPassword tells what is wrong with a new password, "" for nothing: TooShort, TooLong or
// PasswordWeak. about is what it must not be made of: name, mobile, unit, account.
func CheckPassword(password string, about ...string) fault.Code {
	n := utf8.RuneCountInString(password)
	switch {
	case n == 0:
		return fault.Required
	case n < LeastPassword:
		return fault.TooShort
	case n > MostPassword || len(password) > 4*MostPassword:
		return fault.TooLong
	}
	low := strings.ToLower(password)
	different := map[rune]bool{}
	for _, r := range low {
		different[r] = true
	}
	if len(different) < 5 || row(low) {
		return fault.PasswordWeak
	}
	for _, word := range about {
		word = strings.ToLower(strings.Join(strings.Fields(word), ""))
		if utf8.RuneCountInString(word) >= 2 && strings.Contains(low, word) {
			return fault.PasswordWeak
		}
	}
	rest := low
	for _, word := range common {
		rest = strings.ReplaceAll(rest, word, "")
	}
	if !strings.ContainsFunc(rest, unicode.IsLetter) && (rest != low || strings.Trim(low, "0123456789") == "") {
		return fault.PasswordWeak
	}
	return ""
}

// row tells whether a text only counts up or down, or repeats one short piece.
func row(s string) bool {
	runes := []rune(s)
	steps := 0
	for i := 1; i < len(runes); i++ {
		if d := runes[i] - runes[i-1]; d == 1 || d == -1 || d == 0 || d == 9 || d == -9 {
			steps++
		}
	}
	if steps >= len(runes)-2 {
		return true
	}
	for size := 1; size <= 4; size++ {
		if strings.HasPrefix(strings.Repeat(string(runes[:size]), len(runes)/size+1), s) {
			return true
		}
	}
	return false
}
