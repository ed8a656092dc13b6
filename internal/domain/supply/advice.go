package supply

import "suiyue/internal/domain/calendar"

// HourAdvice compares what the even split gives an hour with what history says people come for.
type HourAdvice struct {
	Hour  int
	Split int // numbers by the even split
	Usual int // what history would send there of the day's total
	Idle  int // numbers likely to stay unused
	Short int // people likely to find none
}

// Advise shows what the even split of a total (Art. 15) would leave idle or short per hour. wanted is how
// many numbers of each hour people took before, over any number of days; without any there is no advice.
// It advises only: the split stays even.
func Advise(total int, open calendar.Hours, wanted [24]int) []HourAdvice {
	hours := open.List()
	sum := 0
	for _, h := range hours {
		sum += max(wanted[h], 0)
	}
	if sum == 0 || total <= 0 {
		return nil
	}
	split := Split(total, len(hours))
	out := make([]HourAdvice, len(hours))
	for i, h := range hours {
		usual := (total*max(wanted[h], 0) + sum/2) / sum
		out[i] = HourAdvice{Hour: h, Split: split[i], Usual: usual, Idle: max(split[i]-usual, 0), Short: max(usual-split[i], 0)}
	}
	return out
}
