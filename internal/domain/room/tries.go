package room

import "time"

// TryRules say how often one person may try for numbers after a release: Most at once, then one more each Every.
// Most = 0 is no limit.
type TryRules struct {
	Most  int
	Every time.Duration
}

// Tries counts the tries of people. What somebody tries for has a name; trying for it again while it is open is the
// same try, from however many windows or programs, and has the same key. It is not safe for concurrent use.
type Tries struct {
	people map[string]*trier
	swept  time.Time
}

type trier struct {
	full time.Time // when all tries are there again
	open []try
}

type try struct {
	what, key string
	until     time.Time
}

// Begin opens a try, for life at longest, or returns the key of the one that is open. It returns how long to wait
// where there is none left.
func (t *Tries) Begin(now time.Time, who, what, key string, r TryRules, life time.Duration) (of string, wait time.Duration) {
	if r.Most < 1 {
		return key, 0
	}
	t.sweep(now, life)
	p := t.people[who]
	if p == nil {
		p = &trier{}
		if t.people == nil {
			t.people = map[string]*trier{}
		}
		t.people[who] = p
	}
	kept := p.open[:0]
	for _, o := range p.open {
		if now.Before(o.until) {
			kept = append(kept, o)
		}
	}
	p.open = kept
	for _, o := range p.open {
		if o.what == what {
			return o.key, 0
		}
	}
	full := later(p.full, now)
	if wait = full.Sub(now) - time.Duration(r.Most-1)*r.Every; wait > 0 {
		return "", wait
	}
	p.full = full.Add(r.Every)
	p.open = append(p.open, try{what, key, now.Add(life)})
	return key, 0
}

// End closes the try under a key: it was answered.
func (t *Tries) End(who, key string) {
	p := t.people[who]
	if p == nil {
		return
	}
	for i, o := range p.open {
		if o.key == key {
			p.open = append(p.open[:i], p.open[i+1:]...)
			return
		}
	}
}

// sweep forgets who has all tries and nothing open.
func (t *Tries) sweep(now time.Time, every time.Duration) {
	if since := now.Sub(t.swept); since >= 0 && since < every {
		return
	}
	t.swept = now
	for who, p := range t.people {
		open := false
		for _, o := range p.open {
			open = open || now.Before(o.until)
		}
		if !open && !now.Before(p.full) {
			delete(t.people, who)
		}
	}
}
