package citizen

import (
	"suiyue/internal/app"
	"suiyue/internal/web"
)

// lossArgs are the words about an hour that was taken away.
func lossArgs(l web.Locale, lost *app.Loss) []string {
	return []string{"lost", l.Slot(lost.Date, lost.Hour), "lost_hall", lostHall(l, lost), "why", lostWhy(l, lost), "choose", l.When(lost.Until)}
}

func lostHall(l web.Locale, lost *app.Loss) string {
	if lost.Hall == nil {
		return lost.HallID
	}
	return l.Text(lost.Hall.Name)
}

func lostWhy(l web.Locale, lost *app.Loss) string {
	if lost.Closed {
		return l.T("choice.why.closed")
	}
	return l.T("choice.why.cut")
}
