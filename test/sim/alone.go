package sim

import (
	"time"

	"suiyue/internal/domain/counter"
)

// cutOff takes a counter off the network from an instant on, for up to half an hour. Around it every counter
// asks as its page does: whom it may call by itself.
func (d *Day) cutOff(k *desk, from time.Time) {
	for t := from.Add(-30 * time.Second); t.Before(from.Add(31 * time.Minute)); {
		for i, other := range d.desks {
			d.at(t.Add(time.Duration(i)*200*time.Millisecond), func() { d.heartbeat(other) })
		}
		if t.Before(from) {
			t = t.Add(5 * time.Second)
		} else {
			t = t.Add(2 * time.Minute)
		}
	}
	d.at(from, func() {
		if k.seat.State != counter.SeatOpen || k.contact.IsZero() {
			return
		}
		k.cut, k.pause, k.busy = true, false, true
		d.at(k.contact.Add(20*time.Second), func() {
			k.alone = true
			if k.at != "" {
				return
			}
			if at := d.floor.At(k.ID); at != nil {
				a := counter.Act{Kind: counter.Finish, Ticket: at.ID, Counter: k.ID, Result: counter.Finished}
				if k.absent == at.ID {
					a = counter.Act{Kind: counter.Pass, Ticket: at.ID, Counter: k.ID}
				}
				k.queued = append(k.queued, done{d.now, a})
			}
			k.absent = ""
			d.nextAlone(k)
		})
		d.at(k.contact.Add(d.dice.minutes(2, 29.9)), func() { d.merge(k) })
	})
}

func (d *Day) heartbeat(k *desk) {
	if k.cut || d.ended {
		return
	}
	d.touch()
	if d.bug == StandbyShared {
		k.seat.Standby = nil
		for _, p := range d.floor.Order(d.now, k.Queues) {
			k.seat.Standby = append(k.seat.Standby, p.ID)
		}
	} else {
		k.seat.Standby = d.floor.Standby(d.now, k.ID)
	}
	k.told, k.contact = k.seat.Standby, d.now
	d.checker.told(k.ID, k.told)
}

// nextAlone is the next call of a counter that is cut off: the first of those it was told.
func (d *Day) nextAlone(k *desk) {
	if !k.cut || !k.alone || k.at != "" || d.ended {
		return
	}
	if len(k.told) == 0 {
		return
	}
	id := k.told[0]
	k.told = k.told[1:]
	k.queued = append(k.queued, done{d.now, counter.Act{Kind: counter.Call, Ticket: id, Counter: k.ID}})
	t := d.floor.Tickets[id]
	if t == nil || t.State != counter.Waiting || d.dice.hit(d.people[id].absent) { // went away, or is at another counter
		d.in(time.Minute, func() {
			if k.cut {
				k.queued = append(k.queued, done{d.now, counter.Act{Kind: counter.Pass, Ticket: id, Counter: k.ID}})
				d.nextAlone(k)
			}
		})
		return
	}
	d.begin(k, id, 1)
}

// merge tells the server what a counter did while it was cut off, some of it twice.
func (d *Day) merge(k *desk) {
	if d.ended {
		return
	}
	k.cut, k.alone = false, false
	told := map[int]bool{}
	for range 2 {
		for i, q := range k.queued {
			if told[i] { // its key is known
				continue
			}
			told[i] = true
			c, err := d.apply(q.act, how{at: q.at, offline: true})
			if err == nil && q.act.Kind == counter.Pass {
				d.comesBack(c.Tickets[0])
			}
		}
	}
	k.queued = nil
	if at := d.floor.At(k.ID); at != nil && k.at == at.ID {
		return // its service goes on
	} else if at != nil && k.at == "" { // called, and not there
		d.in(20*time.Second, func() {
			if d.mine(k, at) {
				d.pass(k, at)
			}
			d.next(k)
		})
		k.busy = true
		return
	}
	k.at, k.busy = "", false
}
