package booking

import "suiyue/internal/domain/calendar"

// maxSlotID bounds what is read as a slot id, in bytes.
const maxSlotID = 96

// SlotID names the slot of a queue on a date at an hour: queue id, yyyymmdd and hh joined by "-".
// Queue ids are lower-case letters, digits, "-" and "_"; years have four digits; hours are 0 to 23.
func SlotID(queue string, d calendar.Date, hour int) string {
	return queue + "-" + d.Compact() + "-" + two(hour)
}

// ParseSlotID takes a slot id apart; false for anything SlotID would not have written.
func ParseSlotID(id string) (queue string, d calendar.Date, hour int, ok bool) {
	const tail = len("-20060102-15")
	if len(id) <= tail || len(id) > maxSlotID {
		return "", 0, 0, false
	}
	at := len(id) - tail
	date, hh := id[at+1:at+9], id[at+10:]
	d, err := calendar.ParseDate(date[:4] + "-" + date[4:6] + "-" + date[6:])
	if err != nil || id[at] != '-' || id[at+9] != '-' || hh[0] < '0' || hh[0] > '2' || hh[1] < '0' || hh[1] > '9' {
		return "", 0, 0, false
	}
	hour = int(hh[0]-'0')*10 + int(hh[1]-'0')
	for i := range at {
		c := id[i]
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return "", 0, 0, false
		}
	}
	if hour > 23 {
		return "", 0, 0, false
	}
	return id[:at], d, hour, true
}
