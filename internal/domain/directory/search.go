package directory

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// Index finds items, or halls, by what people type. It never changes after it is made and may be used
// by many at once.
type Index struct {
	fold    map[rune]rune // traditional → simplified
	entries []entry
}

// Hit is one entry found.
type Hit struct {
	Code  string // item code or hall id
	Score int    // larger is better; only comparable within one search
}

// entry is one item or hall, folded.
type entry struct {
	code     string
	name     string   // Chinese name without blanks
	keys     []string // other things it is called: keywords without blanks
	words    []string // English words of name, keywords and summary, name's first
	named    int      // how many of words are the name's
	initials []string // of the name, then of the keywords
	summary  string
	text     string // name, keys and summary joined, for pairs of characters
	popular  int
}

// variants are characters people type that no name pair teaches: forms used in one place and not in
// another, and everyday ones the names lack. Traditional first.
const variants = "農农寶宝暫暂綠绿臉脸輛辆遺遗長长飯饭衛卫衞卫說说説说裡里裏里為为爲为麼么甚什著着線线臺台檯台錢钱買买賣卖貓猫狗狗車车樓楼蓋盖寫写讓让這这個个嗎吗誰谁時时間间過过還还開开關关門门問问閘闸點点電电話话號号網网預预約约掛挂見见觀观歲岁爺爷媽妈孫孙兒儿雙双愛爱親亲戶户稅税峯峰涌涌湧涌"

// fillers say nothing about what is wanted; they are left out when the query as it stands finds nothing.
var fillers = []string{"我想要", "我想", "我要", "怎么样", "怎么", "怎样", "如何", "哪里", "在哪", "去哪", "哪儿", "可以", "需要", "请问", "一下", "办理", "办个", "预约", "什么", "吗", "呢", "了", "的", "办", "去", "个"}

// NewIndex makes the index of a catalogue. Characters are folded from traditional to simplified by
// the pairs of the items' own names.
func NewIndex(items []Item) *Index {
	x := &Index{fold: baseFold()}
	for _, it := range items {
		x.learn(it.Name, it.Summary, it.OnlineName)
		for _, m := range it.Materials {
			x.learn(m)
		}
	}
	for _, it := range items {
		e := entry{code: it.Code, name: x.compact(it.Name.Hans), summary: x.compact(it.Summary.Hans), popular: it.Popular, initials: strings.Fields(it.Initials)}
		e.words = latinWords(it.Name.En)
		e.named = len(e.words)
		for _, k := range it.Keywords {
			e.keys = append(e.keys, x.compact(k))
			e.words = append(e.words, latinWords(k)...)
		}
		e.words = append(e.words, latinWords(it.Summary.En)...)
		e.text = strings.Join(append([]string{e.name, e.summary}, e.keys...), " ")
		x.entries = append(x.entries, e)
	}
	return x
}

// NewHallIndex makes the index of halls: by name, initials, English name and area. Halls of wider
// reach come first among equals.
func NewHallIndex(halls []Hall) *Index {
	x := &Index{fold: baseFold()}
	for _, h := range halls {
		x.learn(h.Name, h.Address)
	}
	for _, h := range halls {
		e := entry{code: h.ID, name: x.compact(h.Name.Hans), summary: x.compact(h.Address.Hans), initials: strings.Fields(h.Initials),
			popular: 1 + slices.Index(levels(), h.Level)}
		e.words = latinWords(h.Name.En)
		e.named = len(e.words)
		e.words = append(e.words, latinWords(h.Address.En)...)
		e.text = e.name + " " + e.summary
		x.entries = append(x.entries, e)
	}
	return x
}

// Search returns at most limit entries, best first. How an entry scores, best way counts:
//
//	1000  the query is its name or one of its everyday words
//	 900  its name begins with the query, or the query is initials of its name or of a word
//	 850  a word begins with the query, or initials of name or word begin with it
//	 800  its name has the query inside
//	 750  a word has the query inside
//	 600+ the query has everyday words of it inside, + 20 for each character of the longest and 1 for each further word
//	 500+ every English word of the query begins one of its words, + 10 for each that is in its name, + 100 for whole words
//	 300+ at least half of the query's pairs of neighbouring characters are its own, + up to 200
//	 250  its summary has the query inside
//
// Chinese is compared without blanks and marks, traditional folded to simplified, Latin in lower case.
// A query that finds nothing is tried again without words such as 「怎麼」「辦理」. Among equals the more
// popular is first, then the shorter name, then the code. An empty query gives what is popular.
func (x *Index) Search(query string, limit int) []Hit {
	if limit <= 0 {
		return nil
	}
	if len(query) > 200 {
		query = strings.ToValidUTF8(query[:200], "")
	}
	q := x.compact(query)
	if q == "" {
		return x.popular(limit)
	}
	hits := x.find(q, latinWords(query))
	if len(hits) == 0 {
		if bare := without(q); bare != "" && bare != q {
			hits = x.find(bare, nil)
		}
	}
	return x.best(hits, limit)
}

type found struct {
	at, score int
}

func (x *Index) find(q string, words []string) (hits []found) {
	runes := []rune(q)
	ascii := len(runes) == len(q)
	if !ascii {
		words = nil
	}
	pairs := make([]string, 0, len(runes))
	for i := 0; !ascii && i+2 <= len(runes); i++ {
		pairs = append(pairs, string(runes[i:i+2]))
	}
	for i := range x.entries {
		if s := x.entries[i].score(q, ascii, words, pairs); s > 0 {
			hits = append(hits, found{i, s})
		}
	}
	return hits
}

func (e *entry) score(q string, ascii bool, words, pairs []string) int {
	if e.name == q || slices.Contains(e.keys, q) {
		return 1000
	}
	best := 0
	if ascii {
		for _, v := range e.initials {
			if v == q {
				best = 900
				break
			}
			if len(q) > 1 && strings.HasPrefix(v, q) {
				best = 850
			}
		}
	}
	switch {
	case strings.HasPrefix(e.name, q):
		return 900
	case best == 900:
		return best
	case strings.Contains(e.name, q):
		best = max(best, 800)
	}
	longest, inside := 0, 0
	for _, k := range e.keys {
		switch {
		case len(q) > 1 && strings.HasPrefix(k, q):
			best = max(best, 850)
		case len(q) > 2 && strings.Contains(k, q):
			best = max(best, 750)
		case !ascii && len(k) > 3 && strings.Contains(q, k):
			longest = max(longest, len(k)/3)
			inside++
		}
	}
	if inside > 0 {
		best = max(best, 600+min(20*longest, 140)+min(inside-1, 9))
	}
	if best < 700 && len(words) > 0 {
		best = max(best, e.latin(words))
	}
	if best < 500 && len(pairs) > 0 {
		own := 0
		for _, p := range pairs {
			if strings.Contains(e.text, p) {
				own++
			}
		}
		if 2*own >= len(pairs) {
			best = max(best, 300+200*own/len(pairs))
		}
	}
	if best < 250 && len(q) > 2 && strings.Contains(e.summary, q) {
		best = 250
	}
	return best
}

// latin scores English words, 0 when one of them begins none of the entry's.
func (e *entry) latin(words []string) int {
	score, whole := 500, 100
	for _, w := range words {
		at := -1
		exact := false
		for i, own := range e.words {
			if own == w {
				at, exact = i, true
				break
			}
			if at < 0 && len(w) > 1 && strings.HasPrefix(own, w) {
				at = i
			}
		}
		if at < 0 {
			return 0
		}
		if !exact {
			whole = 0
		}
		if at < e.named {
			score += 10
		}
	}
	return min(score+whole, 699)
}

func (x *Index) best(hits []found, limit int) []Hit {
	slices.SortFunc(hits, func(a, b found) int {
		p, q := &x.entries[a.at], &x.entries[b.at]
		return cmp.Or(b.score-a.score, rank(p.popular)-rank(q.popular), len(p.name)-len(q.name), strings.Compare(p.code, q.code))
	})
	out := make([]Hit, 0, min(limit, len(hits)))
	for _, h := range hits[:min(limit, len(hits))] {
		out = append(out, Hit{x.entries[h.at].code, h.score})
	}
	return out
}

// rank puts what has no rank last.
func rank(popular int) int {
	if popular == 0 {
		return 1 << 30
	}
	return popular
}

func (x *Index) popular(limit int) []Hit {
	var hits []found
	for i, e := range x.entries {
		if e.popular > 0 {
			hits = append(hits, found{i, 0})
		}
	}
	return x.best(hits, limit)
}

func baseFold() map[rune]rune {
	fold := map[rune]rune{}
	pairs := []rune(variants)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] != pairs[i+1] {
			fold[pairs[i]] = pairs[i+1]
		}
	}
	return fold
}

// learn takes the pairs of characters of texts whose two Chinese forms are of one length.
func (x *Index) learn(texts ...Text) {
	for _, t := range texts {
		hans, hant := []rune(t.Hans), []rune(t.Hant)
		if len(hans) != len(hant) {
			continue
		}
		for i, r := range hant {
			if r != hans[i] {
				x.fold[r] = hans[i]
			}
		}
	}
}

// compact folds s and leaves out everything but letters and digits.
func (x *Index) compact(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		r = narrow(r)
		if f, ok := x.fold[r]; ok {
			r = f
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// narrow turns full-width Latin letters, digits and marks into plain ones.
func narrow(r rune) rune {
	switch {
	case r >= '！' && r <= '～':
		return r - '！' + '!'
	case r == '　':
		return ' '
	}
	return r
}

func latinWords(s string) []string {
	return strings.FieldsFunc(strings.ToLower(strings.Map(narrow, s)), func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

func without(q string) string {
	for _, f := range fillers {
		q = strings.ReplaceAll(q, f, "")
	}
	return q
}
