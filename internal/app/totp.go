package app

import (
	"crypto/rand"
	"encoding/base32"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// One-time codes of an authenticator app (RFC 6238): six digits, every 30 seconds, SHA-1.

const totpPeriod = 30 * time.Second

var secretAlphabet = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewTOTP makes the secret of an authenticator app, as people type it.
func NewTOTP() string {
	b := make([]byte, 20)
	rand.Read(b)
	return secretAlphabet.EncodeToString(b)
}

// TOTPAddress is what the QR code of an account's secret holds.
func TOTPAddress(account, secret string) string {
	q := url.Values{"secret": {secret}, "issuer": {"Suiyue"}, "digits": {"6"}, "period": {"30"}, "algorithm": {"SHA1"}}
	return "otpauth://totp/" + url.PathEscape("Suiyue:"+account) + "?" + q.Encode()
}

// checkTOTP returns the time step a code is of, if it is of now, the step before or the one after, and
// later than the step used last: a code counts once.
func checkTOTP(secret, code string, last int64, now time.Time) (step int64, ok bool) {
	code = strings.Join(strings.Fields(code), "")
	at := now.Unix() / int64(totpPeriod/time.Second)
	for _, step := range []int64{at, at - 1, at + 1} {
		right, err := hotp.ValidateCustom(code, uint64(step), secret, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && right && step > last {
			return step, true
		}
	}
	return 0, false
}
