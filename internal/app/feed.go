package app

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/feed"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// What connected systems send (Art. 5, 6, 21): taken in batches, each record for itself, and measured as it comes
// (docs/adr/0046-records-of-connected-systems.md).

// FeedRecord is a record as it was sent: with what the edge found wrong with its form, if anything.
type FeedRecord struct {
	feed.Record
	Wrong []fault.Field
}

// FeedAnswer is what became of one record.
type FeedAnswer struct {
	Verdict  feed.Verdict
	Wrong    []fault.Field // rejected: what is wrong with it
	Conflict *FeedClash    // taken, but its applicant has another active booking for the item
}

// FeedClash says where the other booking is.
type FeedClash struct {
	Source string // id of the connected system, "" for this platform
	Name   string // of that system, "" for this platform
	Hall   string
}

// batchesAtOnce is how many batches of one source wait for their turn on this node.
const batchesAtOnce = 4

// feeds counts the batches of each source that are being taken.
type feeds struct {
	mu      sync.Mutex
	running map[string]int
}

func (f *feeds) enter(source string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running == nil {
		f.running = map[string]int{}
	}
	if f.running[source] >= batchesAtOnce {
		return false
	}
	f.running[source]++
	return true
}

func (f *feeds) leave(source string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running[source]--; f.running[source] == 0 {
		delete(f.running, source)
	}
}

// Feeder is who speaks for a connected system: a program of the administrator at the head of its unit, or the system
// itself, which has signed. One of the two is set.
type Feeder struct {
	Admin  *Admin
	Client *Client
}

// serves tells whether a hall of the source is among those it speaks for.
func (f Feeder) serves(hall string) bool { return f.Client == nil || f.Client.Key.Serves(hall) }

// feeding returns a source that f may do something for: a program with a token that is for that, of an account at the
// head of its unit; the system itself with a key that has the scope.
func (a *App) feeding(ctx context.Context, tx *store.Tx, f Feeder, scope oversight.ClientScope, id string) (oversight.Source, error) {
	s, err := tx.Source(ctx, id)
	switch {
	case err != nil:
		return oversight.Source{}, err
	case s == nil || f.Client != nil && f.Client.Source.ID != s.ID || f.Client == nil && !f.Admin.Account.Sees(s.Seat):
		return oversight.Source{}, fault.New(fault.SourceNotFound)
	case f.Client != nil && !f.Client.Key.May(scope) || f.Client == nil && (!slices.Contains(f.Admin.Scopes, ScopeFeed) || !f.Admin.Account.Heads(s.Seat)):
		return oversight.Source{}, fault.New(fault.NotAllowed)
	case s.Ended != 0:
		return oversight.Source{}, fault.New(fault.SourceEnded)
	}
	return *s, nil
}

// TakeRecords takes a batch of a connected system's records and answers each, in their order. Only the batch as a whole
// is refused with an error, and then nothing of it is kept.
func (a *App) TakeRecords(ctx context.Context, f Feeder, source string, list []FeedRecord) ([]FeedAnswer, error) {
	if len(list) > feed.MostRecords {
		return nil, fault.InvalidFields(fault.Field{Path: "records", Code: fault.TooLong})
	}
	var s oversight.Source
	if err := a.db.Read(ctx, func(tx *store.Tx) (err error) {
		s, err = a.feeding(ctx, tx, f, oversight.ClientFeed, source)
		return err
	}); err != nil {
		return nil, err
	}
	if !a.feeds.enter(s.ID) {
		return nil, fault.New(fault.TooManyRequests).After(time.Second)
	}
	defer a.feeds.leave(s.ID)
	b := a.readBatch(f, s, list)
	var out []FeedAnswer
	err := a.db.Update(ctx, func(tx *store.Tx) (err error) {
		if err := tx.LockFeed(ctx, s.ID); err != nil {
			return err
		}
		now, err := a.feeding(ctx, tx, f, oversight.ClientFeed, source) // it may have ended, or been agreed anew
		if err != nil {
			return err
		}
		b.s = now
		out, err = a.takeBatch(ctx, tx, b)
		return err
	})
	return out, err
}

// feedBatch is a batch with what can be said of its records without the database.
type feedBatch struct {
	s      oversight.Source
	list   []FeedRecord
	wrong  [][]fault.Field
	digest []string
	person []identity.Key
	sealed [][]byte
}

func (a *App) readBatch(f Feeder, s oversight.Source, list []FeedRecord) *feedBatch {
	b := &feedBatch{s: s, list: list, wrong: make([][]fault.Field, len(list)), digest: make([]string, len(list)), person: make([]identity.Key, len(list)), sealed: make([][]byte, len(list))}
	now := a.now()
	for i := range list {
		r := &list[i].Record
		if b.wrong[i] = list[i].Wrong; len(b.wrong[i]) > 0 {
			continue
		}
		r.Party = r.Party.Normalised()
		if b.wrong[i] = r.Check(now); len(b.wrong[i]) == 0 {
			b.wrong[i] = a.checkPlaces(f, s, r)
		}
		if len(b.wrong[i]) > 0 {
			continue
		}
		b.digest[i] = a.vault.Lookup("feed record", digest(r.Parts()...))
		switch r.Applicant {
		case "":
		case booking.Organisation:
			b.person[i] = a.organisationKey(r.Party.CreditCode)
		default:
			b.person[i] = a.personKey(r.Party.Document, r.Party.Birth)
		}
		if r.Applicant != "" {
			plain, err := json.Marshal(r.Party)
			if err != nil {
				panic(err) // plain strings
			}
			b.sealed[i] = a.vault.Seal(plain, "feed|"+s.ID+"|"+r.Row)
		}
	}
	return b
}

// checkPlaces tells what is wrong with where and what a record is about.
func (a *App) checkPlaces(f Feeder, s oversight.Source, r *feed.Record) (wrong []fault.Field) {
	city := a.City()
	if !slices.Contains(s.Kinds, r.Kind) {
		wrong = append(wrong, fault.Field{Path: "kind", Code: fault.KindNotAgreed})
	}
	h := city.Hall(r.HallID)
	if h == nil || !city.UnitHas(s.Seat.Unit, h.UnitID) || !s.Books(h.ID) || !f.serves(h.ID) {
		wrong = append(wrong, fault.Field{Path: "hall", Code: fault.NotOneOf})
	} else if r.QueueID != "" {
		if q := city.Queue(r.QueueID); q == nil || q.HallID != h.ID {
			wrong = append(wrong, fault.Field{Path: "queue", Code: fault.NotOneOf})
		}
	}
	if r.Item != "" && city.Item(r.Item) == nil {
		wrong = append(wrong, fault.Field{Path: "item", Code: fault.NotOneOf})
	}
	return wrong
}

// takeBatch judges the records of a batch one after the other and writes what they change, in a few set statements.
func (a *App) takeBatch(ctx context.Context, tx *store.Tx, b *feedBatch) ([]FeedAnswer, error) {
	out := make([]FeedAnswer, len(b.list))
	var asked [][2]any
	for i := range b.list {
		if len(b.wrong[i]) == 0 {
			asked = append(asked, [2]any{b.list[i].Row, b.list[i].Version})
			if of := b.list[i].Booking; of != "" {
				asked = append(asked, [2]any{of, 0})
			}
		}
	}
	known, err := tx.FeedKnown(ctx, b.s.ID, asked)
	if err != nil {
		return nil, err
	}
	lines, err := tx.FeedLines(ctx, b.s.ID)
	if err != nil {
		return nil, err
	}
	c := &feedChange{source: b.s.ID, rows: map[string]store.FeedRow{}, lines: map[[2]string]*feed.Line{}, held: map[string]*feed.Known{}, over: map[string]bool{}}
	for i := range b.list {
		r := &b.list[i].Record
		if len(b.wrong[i]) > 0 {
			out[i] = FeedAnswer{Verdict: feed.Rejected, Wrong: b.wrong[i]}
			continue
		}
		k := known[r.Row]
		key := [2]string{r.HallID, string(r.Kind)}
		line := lines[key]
		if line == nil {
			line = &feed.Line{}
			lines[key] = line
		}
		verdict, bad := k.Judge(r, b.digest[i])
		if verdict != feed.Duplicate && verdict != feed.Rejected && !line.Fits(r.Seq) {
			verdict, bad = feed.Rejected, fault.Field{Path: "seq", Code: fault.OutOfRange}
		}
		out[i].Verdict = verdict
		switch verdict {
		case feed.Rejected:
			out[i].Wrong = []fault.Field{bad}
			continue
		case feed.Duplicate:
			continue
		}
		k.Digests[r.Version] = b.digest[i]
		c.versions = append(c.versions, store.FeedVersion{Row: r.Row, Version: r.Version, Digest: b.digest[i]})
		c.days = append(c.days, feed.Count(line, r, b.s.ID, b.s.Delay, tx.Now)...)
		if r.Seq > 0 {
			c.lines[key] = line
		}
		if verdict == feed.Superseded {
			continue
		}
		c.accept(r, k, store.FeedRow{Record: *r, Person: b.person[i], Sealed: b.sealed[i], Received: tx.Now, Claim: k.Claim})
		if of := known[r.Booking]; of != nil && ends(r) && of.Active {
			c.release(r.Booking, of)
		}
	}
	clashes, err := a.writeFeed(ctx, tx, b.s, c)
	if err != nil {
		return nil, err
	}
	for i := range b.list {
		r := &b.list[i].Record
		if out[i].Verdict != feed.Rejected && r.Active() {
			out[i].Conflict = clashes[r.Row]
		}
	}
	return out, nil
}

// ends tells whether a record says that the booking it is about goes on no more.
func ends(r *feed.Record) bool {
	return !r.Removed && (r.Kind == oversight.ResultRecord || r.Kind == oversight.CheckInRecord && r.State == feed.NoShow)
}

// feedChange is what a batch changes.
type feedChange struct {
	source   string
	versions []store.FeedVersion
	rows     map[string]store.FeedRow // the newest of each
	lines    map[[2]string]*feed.Line
	days     []oversight.SourceDay
	free     []booking.Claim
	quiet    [][2]string            // rows whose conflict is over
	held     map[string]*feed.Known // rows already there that hold nothing any more
	over     map[string]bool        // rows of which another record says that they are over
}

// accept makes r the newest of its row. A claim stays while the same person has the same item.
func (c *feedChange) accept(r *feed.Record, k *feed.Known, row store.FeedRow) {
	if k.Claim != "" && (!r.Active() || k.Person != string(row.Person) || k.Item != r.Item) {
		c.free = append(c.free, booking.Claim{Person: identity.Key(k.Person), Name: k.Claim, Booking: booking.Elsewhere(c.source, r.Row)})
		k.Claim, row.Claim = "", ""
	}
	if k.Clash && !r.Active() {
		c.quiet = append(c.quiet, [2]string{c.source, r.Row})
		k.Clash = false
	}
	k.Version, k.Kind, k.HallID, k.Date, k.Person, k.Item, k.Active = r.Version, r.Kind, r.HallID, r.Date, string(row.Person), r.Item, r.Active()
	c.rows[r.Row] = row
	delete(c.held, r.Row)
}

// release lets go of what a booking holds of which another record says that it is over.
func (c *feedChange) release(row string, k *feed.Known) {
	k.Active = false
	if k.Claim != "" {
		c.free = append(c.free, booking.Claim{Person: identity.Key(k.Person), Name: k.Claim, Booking: booking.Elsewhere(c.source, row)})
		k.Claim = ""
	}
	if k.Clash {
		c.quiet = append(c.quiet, [2]string{c.source, row})
		k.Clash = false
	}
	if r, ok := c.rows[row]; ok {
		r.Claim = ""
		c.rows[row] = r
	} else {
		c.held[row] = k
	}
	c.over[row] = true
}

// writeFeed writes what a batch changes and returns, by row, whose applicant has another booking for the item.
func (a *App) writeFeed(ctx context.Context, tx *store.Tx, s oversight.Source, c *feedChange) (map[string]*FeedClash, error) {
	if len(c.versions) == 0 {
		return nil, nil
	}
	slices.SortFunc(c.versions, func(x, y store.FeedVersion) int { return strings.Compare(x.Row, y.Row) })
	if err := tx.AddFeedVersions(ctx, s.ID, c.versions); err != nil {
		return nil, err
	}
	clashes, err := a.claimRows(ctx, tx, s, c)
	if err != nil {
		return nil, err
	}
	rows := make([]store.FeedRow, 0, len(c.rows))
	for _, id := range slices.Sorted(maps.Keys(c.rows)) {
		rows = append(rows, c.rows[id])
	}
	if err := tx.SaveFeedRows(ctx, s.ID, rows); err != nil {
		return nil, err
	}
	var letGo [][2]string
	for id := range c.held {
		letGo = append(letGo, [2]string{id, ""})
	}
	if err := tx.SetFeedClaims(ctx, s.ID, letGo); err != nil {
		return nil, err
	}
	if err := tx.SaveFeedLines(ctx, s.ID, c.lines); err != nil {
		return nil, err
	}
	back, err := came(ctx, tx, s.ID, c.versions)
	if err != nil {
		return nil, err
	}
	return clashes, a.addCounts(ctx, tx, append(c.days, back...))
}

// claimRows gives claims back, takes those of active bookings, and records who has another booking for the item (one
// active booking per applicant and item holds across systems).
func (a *App) claimRows(ctx context.Context, tx *store.Tx, s oversight.Source, c *feedChange) (map[string]*FeedClash, error) {
	if err := tx.FreeClaims(ctx, c.free); err != nil {
		return nil, err
	}
	today := calendar.DateOf(tx.Now)
	var want []string // rows
	var asked []store.ItemOf
	for id, r := range c.rows {
		if r.Active() && !c.over[id] && r.Person != "" && r.Claim == "" && r.Date >= today {
			want = append(want, id)
			asked = append(asked, store.ItemOf{Person: r.Person, Item: r.Item})
		}
	}
	slices.Sort(want)
	clashes := map[string]*FeedClash{}
	if len(want) > 0 {
		had, err := tx.ItemClaims(ctx, asked)
		if err != nil {
			return nil, err
		}
		var take []booking.Claim
		for _, id := range want {
			r := c.rows[id]
			of := store.ItemOf{Person: r.Person, Item: r.Item}
			if claim, ok := booking.FreeItem(r.Person, r.Item, r.HallID, booking.Elsewhere(s.ID, id), a.Rules(r.Date).ActivePerItem, had[of]); ok {
				take = append(take, claim)
				had[of] = append(had[of], claim)
			}
		}
		if err := tx.TakeClaims(ctx, take); err != nil {
			return nil, err
		}
		held, err := tx.ItemClaims(ctx, asked)
		if err != nil {
			return nil, err
		}
		var found []store.FeedConflict
		for _, id := range want {
			r := c.rows[id]
			list := held[store.ItemOf{Person: r.Person, Item: r.Item}]
			me := booking.Elsewhere(s.ID, id)
			if i := slices.IndexFunc(list, func(x booking.Claim) bool { return x.Booking == me }); i >= 0 {
				r.Claim = list[i].Name
				c.rows[id] = r
				c.quiet = append(c.quiet, [2]string{s.ID, id})
				continue
			}
			if a.Rules(r.Date).ActivePerItem <= 0 || len(list) == 0 {
				continue
			}
			found = append(found, store.FeedConflict{
				Source: s.ID, Row: id, HallID: r.HallID, Date: r.Date, Item: r.Item, Person: r.Person, Other: list[0].Booking, OtherHall: list[0].HallID, Found: tx.Now,
			})
			clashes[id] = &FeedClash{Hall: list[0].HallID}
			clashes[id].Source, _, _ = booking.ParseElsewhere(list[0].Booking)
		}
		if err := tx.SaveFeedConflicts(ctx, found); err != nil {
			return nil, err
		}
	}
	for _, clash := range clashes {
		if clash.Source == "" {
			continue
		}
		other, err := tx.Source(ctx, clash.Source)
		if err != nil {
			return nil, err
		}
		if other != nil {
			clash.Name = other.Name
		}
	}
	return clashes, tx.EndFeedConflicts(ctx, c.quiet)
}

// addCounts adds what was counted; its days are counted again.
func (a *App) addCounts(ctx context.Context, tx *store.Tx, days []oversight.SourceDay) error {
	seen := map[oversight.HallDay]bool{}
	var marks []oversight.HallDay
	for _, d := range days {
		day := oversight.HallDay{HallID: d.HallID, Date: d.Date}
		if !seen[day] {
			seen[day] = true
			marks = append(marks, day)
		}
	}
	if err := tx.AddSourceCounts(ctx, days); err != nil {
		return err
	}
	return tx.MarkFigures(ctx, marks)
}

// conflictsAtOnce and heldAtOnce are how many conflicts and claims one run looks at.
const (
	conflictsAtOnce = 500
	heldAtOnce      = 500
)

// FollowFeedConflicts gives back what bookings of days gone by hold elsewhere, and looks again at conflicts: where the
// other booking is over, the one elsewhere takes its place. It returns how many ended.
func (a *App) FollowFeedConflicts(ctx context.Context) (ended int, more bool, err error) {
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		ended = 0
		old, err := tx.HeldElsewhere(ctx, calendar.DateOf(tx.Now), heldAtOnce)
		if err != nil {
			return err
		}
		more = len(old) == heldAtOnce
		letGo := map[string][][2]string{}
		for _, c := range old {
			source, row, _ := booking.ParseElsewhere(c.Booking)
			letGo[source] = append(letGo[source], [2]string{row, ""})
		}
		list, err := tx.FeedConflicts(ctx, conflictsAtOnce)
		if err != nil {
			return err
		}
		sources := map[string]bool{}
		for _, c := range list {
			sources[c.Source] = true
		}
		for source := range letGo {
			sources[source] = true
		}
		for _, source := range slices.Sorted(maps.Keys(sources)) { // one after the other, as batches take them
			if err := tx.LockFeed(ctx, source); err != nil {
				return err
			}
		}
		if err := tx.FreeClaims(ctx, old); err != nil {
			return err
		}
		for _, source := range slices.Sorted(maps.Keys(letGo)) {
			if err := tx.SetFeedClaims(ctx, source, letGo[source]); err != nil {
				return err
			}
		}
		ended, err = a.settleConflicts(ctx, tx, list)
		return err
	})
	return ended, more, err
}

func (a *App) settleConflicts(ctx context.Context, tx *store.Tx, list []store.FeedConflict) (ended int, err error) {
	today := calendar.DateOf(tx.Now)
	var over [][2]string
	var asked []store.ItemOf
	for _, c := range list {
		if c.Date < today {
			over = append(over, [2]string{c.Source, c.Row})
			continue
		}
		asked = append(asked, store.ItemOf{Person: c.Person, Item: c.Item})
	}
	had, err := tx.ItemClaims(ctx, asked)
	if err != nil {
		return 0, err
	}
	var take []booking.Claim
	for _, c := range list {
		of := store.ItemOf{Person: c.Person, Item: c.Item}
		if claim, ok := booking.FreeItem(c.Person, c.Item, c.HallID, booking.Elsewhere(c.Source, c.Row), a.Rules(c.Date).ActivePerItem, had[of]); ok && c.Date >= today {
			take = append(take, claim)
			had[of] = append(had[of], claim)
		}
	}
	if err := tx.TakeClaims(ctx, take); err != nil {
		return 0, err
	}
	if had, err = tx.ItemClaims(ctx, asked); err != nil {
		return 0, err
	}
	now := map[string][][2]string{}
	for _, c := range list {
		me := booking.Elsewhere(c.Source, c.Row)
		held := had[store.ItemOf{Person: c.Person, Item: c.Item}]
		if i := slices.IndexFunc(held, func(x booking.Claim) bool { return x.Booking == me }); i >= 0 {
			now[c.Source] = append(now[c.Source], [2]string{c.Row, held[i].Name})
			over = append(over, [2]string{c.Source, c.Row})
		}
	}
	for _, source := range slices.Sorted(maps.Keys(now)) {
		if err := tx.SetFeedClaims(ctx, source, now[source]); err != nil {
			return 0, err
		}
	}
	return len(over), tx.EndFeedConflicts(ctx, over)
}

// FeedConflictView is a conflict as either side may see it. It names no person.
type FeedConflictView struct {
	store.FeedConflict
	SourceName string // of the system that sent the booking
	OtherName  string // of the system that has the other, "" for this platform
}

// conflictsShown is how many conflicts are listed.
const conflictsShown = 200

// FeedConflicts lists the conflicts that stand in which one of the two halls, or the system that sent the booking, is the
// administrator's to see; the oldest first.
func (a *App) FeedConflicts(ctx context.Context, ad *Admin) (out []FeedConflictView, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		out = nil
		list, err := tx.FeedConflicts(ctx, 10*conflictsShown)
		if err != nil {
			return err
		}
		all, err := tx.Sources(ctx, account.UnitScope{})
		if err != nil {
			return err
		}
		sources := map[string]oversight.Source{}
		for _, s := range all {
			sources[s.ID] = s
		}
		for _, c := range list {
			other, _, _ := booking.ParseElsewhere(c.Other)
			s, o := sources[c.Source], sources[other]
			sees := ad.has(account.Supervise) && (ad.Account.Sees(s.Seat) || other != "" && ad.Account.Sees(o.Seat))
			if !sees && !a.May(ad, account.Supervise, c.HallID) && !a.May(ad, account.Supervise, c.OtherHall) {
				continue
			}
			if out = append(out, FeedConflictView{c, s.Name, o.Name}); len(out) == conflictsShown {
				break
			}
		}
		return nil
	})
	return out, err
}
