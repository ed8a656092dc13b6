package console

import (
	"fmt"
	"strconv"
	"strings"

	"suiyue/internal/app"
)

// hundredth is part of whole as a number from 0 to 100, for drawing.
func hundredth(part, whole int) string {
	if whole <= 0 || part <= 0 {
		return "0"
	}
	return strconv.Itoa(min(100, (part*100+whole/2)/whole))
}

// percent writes part of whole as "37 %", "–" of nothing.
func percent(part, whole int) string {
	if whole <= 0 {
		return "–"
	}
	return strconv.Itoa((part*100+whole/2)/whole) + " %"
}

// within tells whether text has q inside, whatever the case of its letters.
func within(text, q string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(q)) }

func digit(n int) string { return strconv.Itoa(n) }

// clock writes a full hour as "09:00".
func clock(hour int) string { return fmt.Sprintf("%02d:00", hour) }

// perMille writes a share of a thousand in percent: "10 %", "7.5 %".
func perMille(n int) string { return strconv.FormatFloat(float64(n)/10, 'f', -1, 64) + " %" }

func plus(a, b app.Load) app.Load {
	return app.Load{Planned: a.Planned + b.Planned, Released: a.Released + b.Released, Booked: a.Booked + b.Booked, OnSite: a.OnSite + b.OnSite}
}

// count writes a number with its thousands apart: "12,345".
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
