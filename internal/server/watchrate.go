package server

import (
	"fmt"
	"io"

	"suiyue/internal/domain/oversight"
)

// PrintWatchRate writes it as a table, for people.
func PrintWatchRate(out io.Writer, r WatchRate) {
	fmt.Fprintf(out, "%-14s %8s %6s %7s %8s %14s %6s %7s %8s %6s %7s\n", "", "planted", "shut", "hidden", "seeable", "in its day", "later", "missed", "told by", "false", "beside")
	row := func(name string, k oversight.KindRate) {
		share, by := "–", "–"
		if n := k.Seeable(); n > 0 {
			share = fmt.Sprintf("%.1f %%", 100*float64(k.InDay)/float64(n))
		}
		if h := k.Middle(); h == 24 {
			by = "night"
		} else if h >= 0 {
			by = fmt.Sprintf("%d:00", h)
		}
		fmt.Fprintf(out, "%-14s %8d %6d %7d %8d %6d %7s %6d %7d %8s %6d %7d\n", name, k.Planted, k.Shut, k.Hidden, k.Seeable(), k.InDay, share, k.Later, k.Missed, by, k.False, k.Beside)
	}
	for _, kind := range oversight.AnomalyKinds {
		if k, ok := r.Kinds[kind]; ok {
			row(string(kind), *k)
		}
	}
	all := r.All()
	row("all", all)
	fmt.Fprintf(out, "%d planted days of long waits are not watched for. Of the hidden ones %d were told on their day all the same.\n", r.Unseen, all.HiddenIn)
	fmt.Fprintf(out, "%s to %s: %d open days of %d halls.\n", r.From, r.To, r.Days, r.Halls)
	fmt.Fprintf(out, "Within their day: %.1f %%. False alarms a hall and month: %.3f; more than one in %d of %.0f months of halls.\n", 100*r.Found(), r.FalseAlarms(), r.Crowd, r.Months)
}
