package console

import (
	"strconv"
	"strings"
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
