package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// pageSize is how many rows a list shows at once.
const pageSize = 50

// List is what the address says of a list: what is sought, how it is sorted, which page. All of it
// stays in the address, so that a list can be kept, sent and gone back to.
type List struct {
	path  string
	query url.Values
	Query string // q, what is sought
	Sort  string // one of the columns the list can be sorted by
	Desc  bool
	Page  int // from 1
	Size  int
}

// listOf reads a List. sorts are the columns it may be sorted by, the first one by default; "-" before
// one has it start from the largest.
func listOf(r *http.Request, sorts ...string) List {
	q := r.URL.Query()
	l := List{path: r.URL.Path, query: q, Query: strings.TrimSpace(q.Get("q")), Page: 1, Size: pageSize}
	if len(l.Query) > 200 {
		l.Query = strings.ToValidUTF8(l.Query[:200], "")
	}
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 1 && n < 1_000_000 {
		l.Page = n
	}
	if len(sorts) > 0 {
		l.Sort, l.Desc = strings.CutPrefix(sorts[0], "-")
	}
	want, desc := strings.CutPrefix(q.Get("sort"), "-")
	if want != "" && (slices.Contains(sorts, want) || slices.Contains(sorts, "-"+want)) {
		l.Sort, l.Desc = want, desc
	}
	return l
}

// Value returns a filter's value if it is one of those it may have, else "".
func (l List) Value(name string, may ...string) string {
	if v := l.query.Get(name); slices.Contains(may, v) {
		return v
	}
	return ""
}

// Get returns a filter's value as it stands in the address.
func (l List) Get(name string) string { return l.query.Get(name) }

// With is the address of this list with some things changed: name, value, name, value … An empty value
// takes it away. Unless the page itself is named it begins at the first.
func (l List) With(pairs ...string) string {
	q := url.Values{}
	for k, v := range l.query {
		if k != "page" && k != "lang" && len(v) > 0 && v[0] != "" {
			q.Set(k, v[0])
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Del(pairs[i]); pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return l.path
	}
	return l.path + "?" + q.Encode()
}

// encoded is what the address says of this list, but for the page and the language.
func (l List) encoded() string {
	_, query, _ := strings.Cut(l.With(), "?")
	return query
}

// Col is the head of a column; key is what it sorts by, "" for a column that cannot be sorted by.
func (l List) Col(text, key string, number bool) Col {
	c := Col{Text: text, Number: number}
	if key == "" {
		return c
	}
	next := key
	if l.Sort == key {
		c.Order = "ascending"
		if l.Desc {
			c.Order = "descending"
		} else {
			next = "-" + key
		}
	} else if number {
		next = "-" + key
	}
	c.Sort = l.With("sort", next)
	return c
}

// Slice returns the rows of total that the page shows, and puts the page right that lies behind the last.
func (l *List) Slice(total int) (from, to int) {
	last := max(1, (total+l.Size-1)/l.Size)
	l.Page = min(l.Page, last)
	from = (l.Page - 1) * l.Size
	return from, min(from+l.Size, total)
}

// Pager leads through the pages of total rows.
func (l List) Pager(loc web.Locale, total int) ui.PagerView {
	last := max(1, (total+l.Size-1)/l.Size)
	v := ui.PagerView{L: loc, State: loc.T("pager.state", "n", strconv.Itoa(l.Page), "total", strconv.Itoa(last))}
	if l.Page > 1 {
		v.Previous = l.With("page", strconv.Itoa(l.Page-1))
	}
	if l.Page < last {
		v.Next = l.With("page", strconv.Itoa(l.Page+1))
	}
	return v
}

// Col is the head of a column.
type Col struct {
	Text   string
	Sort   string // address that sorts by it, "" for none
	Order  string // "ascending", "descending", "" when the list is sorted by something else
	Number bool   // figures: to the right
}

// Cell is one field of a table. Part, when set, stands in place of the text.
type Cell struct {
	Text string
	Note string // below, quieter
	Href string
	Tag  ui.Tag
	Part web.Component
}

// Row is one line of a table. The first cell names it.
type Row struct {
	Cells   []Cell
	Current bool
	Urgent  bool
}

// Table is a list as a table.
type Table struct {
	Caption string
	Shown   bool // the caption is seen, not only read out
	Cols    []Col
	Rows    []Row
	Empty   ui.EmptyView // stands in place of a table without rows
	Pager   *ui.PagerView
}

// Filter is one choice of a filter bar.
type Filter struct {
	Name, Label string
	Options     []ui.Option
}

// FilterBar narrows a list; it is a GET form, its state is the address.
type FilterBar struct {
	L       web.Locale
	List    List
	Search  string // label of the search field, "" for none
	Filters []Filter
	Clear   bool // something is set
	Total   string
}

// keep lists what of the address the bar does not set itself.
func (b FilterBar) keep() (out [][2]string) {
	for k, v := range b.List.query {
		own := k == "q" && b.Search != "" || k == "page" || k == "lang"
		for _, f := range b.Filters {
			own = own || f.Name == k
		}
		if !own && len(v) > 0 && v[0] != "" {
			out = append(out, [2]string{k, v[0]})
		}
	}
	slices.SortFunc(out, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return out
}

// Fact is a figure or word with what it is.
type Fact struct {
	Key, Value string
	Note       string
	Href       string
	Part       web.Component // in place of Value
}

// Change is one line of a difference.
type Change struct{ Name, Before, After string }

// Confirm is the question before something is done.
type Confirm struct {
	L       web.Locale
	Action  string // address of the POST
	Token   string
	Text    string
	Warning string // what cannot be taken back
	Hidden  [][2]string
	Yes     string
	Danger  bool
	No      ui.Link
}

// address makes a path with parameters; empty ones are left out.
func address(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
