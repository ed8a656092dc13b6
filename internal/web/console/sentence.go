package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/supply"
	"suiyue/internal/web"
)

// sentence writes a request as people say it:
// 「天河區政務中心 · 社保隊列 · 12月7日起 週六 09–12 開放 · 每小時 20 個」.
func (c *Console) sentence(l web.Locale, hall, queue string, ch supply.Change) string {
	return c.queueAt(l, hall, queue) + " · " + changeWords(l, ch)
}

// queueAt names a hall and its queue.
func (c *Console) queueAt(l web.Locale, hall, queue string) string {
	city := c.App.City()
	name := hall
	if h := city.Hall(hall); h != nil {
		name = l.Text(h.Name)
	}
	if q := city.Queue(queue); q != nil {
		return name + " · " + l.Text(q.Name)
	}
	return name + " · " + l.T("request.every_queue")
}

// changeWords says what a change does, without where.
func changeWords(l web.Locale, ch supply.Change) string {
	when := dateWords(l, ch)
	if days := weekdayWords(l, ch.Weekdays); days != "" {
		when += " " + days
	}
	switch ch.Kind {
	case supply.Capacity:
		return l.T("request.say.capacity", "when", when, "n", strconv.Itoa(ch.Total))
	case supply.Weekend:
		return l.T("request.say.weekend", "when", when, "hours", hourWords(ch.Hours), "n", strconv.Itoa(ch.PerHour))
	case supply.Extend:
		return l.T("request.say.extend", "when", when, "hours", hourWords(ch.Hours), "n", strconv.Itoa(ch.PerHour))
	case supply.Close:
		half := ch.Half
		if ch.Rule != nil {
			half = ch.Rule.Half
			when += " " + l.T("request.rule."+string(ch.Rule.Kind), "n", strconv.Itoa(ch.Rule.N))
		}
		return l.T("request.say.close", "when", when, "half", l.T("request.half."+string(half)))
	case supply.Share:
		return l.T("request.say.share", "when", when, "share", perMille(ch.PerMille))
	case supply.Horizon:
		return l.T("request.say.horizon", "when", when, "n", strconv.Itoa(ch.Days))
	}
	return when
}

func dateWords(l web.Locale, ch supply.Change) string {
	switch {
	case ch.To == 0:
		return l.T("request.from", "date", l.MonthDay(ch.From))
	case ch.To == ch.From:
		return l.Date(ch.From)
	}
	return l.MonthDay(ch.From) + "–" + l.MonthDay(ch.To)
}

// weekdayWords lists weekdays from Monday on; "" for every day.
func weekdayWords(l web.Locale, days []time.Weekday) string {
	days = slices.Clone(days)
	slices.SortFunc(days, func(a, b time.Weekday) int { return int((a+6)%7) - int((b+6)%7) })
	monday := calendar.MakeDate(2026, time.November, 23)
	var out []string
	for _, w := range days {
		out = append(out, l.Weekday(monday+calendar.Date((w+6)%7)))
	}
	if l == web.En {
		return strings.Join(out, ", ")
	}
	return strings.Join(out, "、")
}

// hourWords writes hours as spans: "09–12, 13–17".
func hourWords(h calendar.Hours) string {
	var out []string
	list := h.List()
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		out = append(out, fmt.Sprintf("%02d–%02d", list[i], list[j]+1))
		i = j + 1
	}
	return strings.Join(out, ", ")
}
