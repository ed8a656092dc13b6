package testpeople

import (
	"fmt"
	"strings"
	"time"

	"suiyue/internal/domain/identity"
)

// resident makes a resident identity number (GB 11643) from area, birth YYYYMMDD and sequence.
func resident(area, birth string, sequence int) identity.Document {
	return identity.Document{Kind: identity.ResidentID, Number: checked(fmt.Sprintf("%s%s%03d", area, birth, sequence))}
}

// permanent makes a number of the permanent residence card of 2023: 9, province, nationality.
func permanent(head, birth string, sequence int) identity.Document {
	return identity.Document{Kind: identity.ForeignPermanent, Number: checked(fmt.Sprintf("%s%s%03d", head, birth, sequence))}
}

// checked appends the check character of ISO 7064 MOD 11-2.
func checked(body string) string {
	sum := 0
	for _, r := range body {
		sum = (sum + int(r-'0')) * 2 % 11
	}
	return body + string("0123456789X"[(12-sum)%11])
}

// creditCode makes a unified social credit code (GB 32100) of authority, class and division.
func creditCode(head string, n int) string { return checkedCredit(fmt.Sprintf("%s%09d", head, n)) }

// checkedCredit appends the check character of GB 32100.
func checkedCredit(body string) string {
	const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	sum, weight := 0, 1
	for _, r := range body {
		sum += strings.IndexRune(alphabet, r) * weight
		weight = weight * 3 % 31
	}
	return body + string(alphabet[(31-sum%31)%31])
}

// loadBirth spreads load persons over birth dates, a thousand to a day.
func loadBirth(i int) string {
	return time.Date(1960, 1, 1+i/1000, 0, 0, 0, 0, time.UTC).Format("20060102")
}
