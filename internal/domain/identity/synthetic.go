package identity

import (
	"fmt"
	"strings"

	"suiyue/internal/domain/calendar"
)

// The identities made here are synthetic: for the demo and for tests. Their check digits are
// computed, so that they pass every check, and nobody can have them: the standards have never
// assigned what they begin with.

// SyntheticArea is an area code for SyntheticResident that belongs to no place: codes begin with
// 1 to 8 (9 for foreigners).
const SyntheticArea = "000000"

// SyntheticResident makes a resident identity number from an area of six digits (SyntheticArea,
// unless a test is about areas), a birth date and a serial of which the last three digits count.
func SyntheticResident(area string, birth calendar.Date, serial int) Document {
	body := area + strings.ReplaceAll(birth.String(), "-", "") + fmt.Sprintf("%03d", uint(serial)%1000)
	return Document{Kind: ResidentID, Number: body + string(checkMod112(body))}
}

// SyntheticCreditCode makes a unified social credit code in a division of six digits, of a serial
// of which the last nine digits count. It begins with 90, a class of organisation that does not exist.
func SyntheticCreditCode(division string, serial int) string {
	body := "90" + division + fmt.Sprintf("%09d", uint(serial)%1_000_000_000)
	return body + string(checkMod31(body))
}
