package app

import (
	"context"
	"slices"
	"strings"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// Bulletins (Art. 21): the figures of a month or quarter of the city, a district or an agency, frozen, ranked, read by
// two people and issued.

// trendOf is how many periods of the same length a bulletin shows one after another.
func trendOf(p oversight.BulletinPeriod) int {
	if p.Quarter() {
		return 5
	}
	return 13
}

// groups names what the parts of a bulletin are, by the kind of unit.
var groups = map[directory.UnitKind]string{directory.District: "district", directory.Agency: "agency", directory.Street: "street", directory.Pseudo: "street", directory.Village: "village"}

// cutShort tells whether figures of a unit begin only within a period, after a working day of it: such a period cannot be
// compared with whole ones. One without figures by day is taken for whole.
func (a *App) cutShort(ctx context.Context, tx *store.Tx, unit string, p oversight.BulletinPeriod) (bool, error) {
	first, last := p.Days()
	days, err := tx.Totals(ctx, oversight.OfUnit, []string{unit}, oversight.SpanDay, first.String(), last.String())
	if err != nil || len(days) == 0 {
		return false, err
	}
	begins := days[0].Period
	for _, r := range days {
		begins = min(begins, r.Period)
	}
	for d := first; d.String() < begins; d++ {
		if a.Calendar().IsWorking(d) {
			return true, nil
		}
	}
	return false, nil
}

// freeze reads the figures a bulletin stands on: of the unit, and of the units and halls right below it, to be compared
// with each other.
func (a *App) freeze(ctx context.Context, tx *store.Tx, at account.Seat, p oversight.BulletinPeriod) (c oversight.Frozen, err error) {
	u := a.City().Unit(at.Unit)
	first, last := p.Days()
	if u == nil || last >= calendar.DateOf(tx.Now) {
		return c, fault.New(fault.BulletinNoFigures)
	}
	from, to := p.Months()
	beforeFrom, beforeTo := p.Before().Months()
	c = oversight.Frozen{Unit: u.Name, Named: oversight.Formulas(), Days: [2]calendar.Date{first, last}}
	whole, err := tx.Figures(ctx, oversight.OfUnit, []string{u.ID}, oversight.SpanMonth, from, to)
	if err != nil {
		return c, err
	}
	if len(whole) == 0 {
		return c, fault.New(fault.BulletinNoFigures)
	}
	for _, r := range whole {
		c.Now.Add(r.Figures.All)
		for channel, n := range r.Figures.By[oversight.ByChannel] {
			if c.Channels == nil {
				c.Channels = map[string]oversight.Counts{}
			}
			sum := c.Channels[channel]
			sum.Add(n)
			c.Channels[channel] = sum
		}
	}
	back := p.Back(trendOf(p) - 1)
	oldest, _ := back.Months()
	past, err := tx.Totals(ctx, oversight.OfUnit, []string{u.ID}, oversight.SpanMonth, oldest, to)
	if err != nil {
		return c, err
	}
	for q, n := back, trendOf(p); n > 0; n-- {
		start, end := q.Months()
		one := oversight.Spent{Period: q}
		known := false
		for _, r := range past {
			if r.Period >= start && r.Period <= end {
				one.Counts.Add(r.Figures.All)
				known = true
			}
		}
		if known {
			c.Trend = append(c.Trend, one)
		}
		if q == p.Before() {
			c.Before = one.Counts
		}
		_, end2 := q.Days()
		if q = oversight.MonthOf(end2 + 1); p.Quarter() {
			q = oversight.QuarterOf(end2 + 1)
		}
	}
	if len(c.Trend) > 1 {
		short, err := a.cutShort(ctx, tx, u.ID, c.Trend[0].Period)
		if err != nil {
			return c, err
		}
		if short {
			c.Trend = c.Trend[1:]
		}
	}
	var units, halls []string
	add := func(noun oversight.Noun, id, group string, name directory.Text) {
		c.Parts = append(c.Parts, oversight.Part{Place: oversight.Place{Noun: noun, ID: id}, Group: group, Name: name})
		if noun == oversight.OfUnit {
			units = append(units, id)
		} else {
			halls = append(halls, id)
		}
	}
	below := slices.Clone(a.City().Below(u.ID))
	sortUnits(below)
	for _, kind := range []directory.UnitKind{directory.District, directory.Agency, directory.Street, directory.Pseudo, directory.Village} {
		for _, b := range below {
			if b.Kind == kind && len(a.City().HallsOf(b.ID)) > 0 {
				add(oversight.OfUnit, b.ID, groups[kind], b.Name)
			}
		}
	}
	for _, h := range a.City().HallsOf(u.ID) {
		if h.UnitID == u.ID {
			add(oversight.OfHall, h.ID, "hall", h.Name)
		}
	}
	sums := func(noun oversight.Noun, ids []string, from, to string) (map[string]oversight.Counts, error) {
		out := map[string]oversight.Counts{}
		if len(ids) == 0 {
			return out, nil
		}
		rows, err := tx.Totals(ctx, noun, ids, oversight.SpanMonth, from, to)
		for _, r := range rows {
			sum := out[r.Place.ID]
			sum.Add(r.Figures.All)
			out[r.Place.ID] = sum
		}
		return out, err
	}
	for noun, ids := range map[oversight.Noun][]string{oversight.OfUnit: units, oversight.OfHall: halls} {
		now, err := sums(noun, ids, from, to)
		if err != nil {
			return c, err
		}
		before, err := sums(noun, ids, beforeFrom, beforeTo)
		if err != nil {
			return c, err
		}
		for i := range c.Parts {
			if part := &c.Parts[i]; part.Place.Noun == noun {
				part.Now, part.Before = now[part.Place.ID], before[part.Place.ID]
			}
		}
	}
	return c, nil
}

// bulletinUnits are the units that have bulletins: the city, its districts, and the agencies with halls of their own.
func (a *App) bulletinUnits() (out []*directory.Unit) {
	root := a.City().Root()
	if root == nil {
		return nil
	}
	below := slices.Clone(a.City().Below(root.ID))
	sortUnits(below)
	out = append(out, root)
	for _, u := range below {
		if (u.Kind == directory.District || u.Kind == directory.Agency) && len(a.City().HallsOf(u.ID)) > 0 {
			out = append(out, u)
		}
	}
	return out
}

// BulletinUnits returns the units of which an administrator may draft bulletins.
func (a *App) BulletinUnits(ad *Admin) []*directory.Unit {
	return slices.DeleteFunc(a.bulletinUnits(), func(u *directory.Unit) bool {
		s, _ := a.seat(u.ID)
		return !ad.has(account.Suggest) || !ad.Account.Drafts(s)
	})
}

// DraftBulletins drafts what is due: of every unit the month, and the quarter, before today of which there is none and
// of which figures are known. It may run at any time and on several nodes at once; it returns how many it made.
func (a *App) DraftBulletins(ctx context.Context) (made int, err error) {
	today := calendar.DateOf(a.now())
	month, quarter := oversight.MonthOf(today).Before(), oversight.QuarterOf(today).Before()
	for _, u := range a.bulletinUnits() {
		for _, p := range []oversight.BulletinPeriod{month, quarter} {
			seat, _ := a.seat(u.ID)
			did := false
			if err := a.db.View(ctx, func(tx *store.Tx) error {
				list, err := tx.BulletinVersions(ctx, u.ID, p)
				did = len(list) > 0
				return err
			}); err != nil {
				return made, err
			}
			if did {
				continue
			}
			err := a.db.Update(ctx, func(tx *store.Tx) error {
				c, err := a.freeze(ctx, tx, seat, p)
				if err != nil {
					return err
				}
				b := oversight.NewBulletin(seat, p, 1, c, "", tx.Now)
				if did, err = tx.AddBulletin(ctx, b); err != nil || !did {
					return err
				}
				return tx.Audit(ctx, bulletinRecord(nil, "bulletin.draft", b))
			})
			switch {
			case fault.CodeOf(err) == fault.BulletinNoFigures:
			case err != nil:
				return made, err
			case did:
				made++
			}
		}
	}
	return made, nil
}

func bulletinRecord(ad *Admin, act string, b oversight.Bulletin) store.AuditRecord {
	rec := store.AuditRecord{Act: act, Noun: "bulletin", Key: b.ID}
	if ad != nil {
		rec = ad.record(act, "bulletin", b.ID)
	}
	rec.After = asJSON(map[string]any{"unit": b.Seat.Unit, "period": b.Period, "version": b.Version, "state": b.State, "digest": b.Digest, "formulas": b.Content.Named})
	return rec
}

// DraftBulletin drafts a bulletin by hand, of a unit the administrator may draft for, and returns its id: that of the one
// there is, if there is one. Wrong fields are unit and period.
func (a *App) DraftBulletin(ctx context.Context, ad *Admin, unit, period string) (id string, err error) {
	p, err := oversight.ParsePeriod(period)
	if err != nil {
		return "", fault.InvalidFields(fault.Field{Path: "period", Code: fault.BadFormat})
	}
	seat, err := a.seatOf(ad, unit)
	if err != nil || !slices.ContainsFunc(a.bulletinUnits(), func(u *directory.Unit) bool { return u.ID == unit }) {
		return "", fault.InvalidFields(fault.Field{Path: "unit", Code: fault.NotOneOf})
	}
	if !ad.has(account.Suggest) || !ad.Account.Drafts(seat) {
		return "", fault.New(fault.NotAllowed)
	}
	return id, a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		list, err := tx.BulletinVersions(ctx, unit, p)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			id = list[0].ID
			return nil
		}
		c, err := a.freeze(ctx, tx, seat, p)
		if err != nil {
			return err
		}
		b := oversight.NewBulletin(seat, p, 1, c, ad.Account.ID, tx.Now)
		added, err := tx.AddBulletin(ctx, b)
		if err != nil || !added {
			return orElse(err, fault.New(fault.ChangedMeanwhile))
		}
		id = b.ID
		return tx.Audit(ctx, bulletinRecord(ad, "bulletin.draft", b))
	})
}

// BulletinView is a bulletin as an administrator sees it.
type BulletinView struct {
	oversight.Bulletin
	Was      *oversight.Bulletin  // the version issued before, nil for none
	Versions []oversight.Bulletin // all of them, the newest first, without content
	Writes   bool                 // they may write on it now
	Reviews  bool
	Issues   bool
	Reissues bool // they may begin another version
}

// bulletin reads a bulletin; a draft is only there for those who may draft for the unit, what is issued for everybody
// who sees it.
func (a *App) bulletin(ctx context.Context, tx *store.Tx, ad *Admin, id string) (oversight.Bulletin, error) {
	b, err := tx.Bulletin(ctx, id)
	if err != nil {
		return oversight.Bulletin{}, err
	}
	if b == nil || !ad.has(account.Supervise) || !ad.Account.Sees(b.Seat) || b.State != oversight.BulletinIssued && !ad.Account.Drafts(b.Seat) {
		return oversight.Bulletin{}, fault.New(fault.BulletinNotFound)
	}
	return *b, nil
}

// versionBefore reads the version of a bulletin that was issued before it, nil for none.
func versionBefore(ctx context.Context, tx *store.Tx, b oversight.Bulletin, versions []oversight.Bulletin) (*oversight.Bulletin, error) {
	for _, v := range versions {
		if v.Version < b.Version && v.State == oversight.BulletinIssued {
			return tx.Bulletin(ctx, v.ID)
		}
	}
	return nil, nil
}

// Bulletin returns a bulletin with what the administrator may do about it.
func (a *App) Bulletin(ctx context.Context, ad *Admin, id string) (v BulletinView, err error) {
	return v, a.db.View(ctx, func(tx *store.Tx) error {
		b, err := a.bulletin(ctx, tx, ad, id)
		if err != nil {
			return err
		}
		v = BulletinView{Bulletin: b}
		if v.Versions, err = tx.BulletinVersions(ctx, b.Seat.Unit, b.Period); err != nil {
			return err
		}
		if !ad.Account.Drafts(b.Seat) {
			v.Versions = slices.DeleteFunc(v.Versions, func(o oversight.Bulletin) bool { return o.State != oversight.BulletinIssued })
		}
		if v.Was, err = versionBefore(ctx, tx, b, v.Versions); err != nil {
			return err
		}
		author, err := authorOf(ctx, tx, b)
		if err != nil {
			return err
		}
		who, now := ad.Account, tx.Now
		_, wrong := b.Write(who, b.Remarks)
		v.Writes = wrong == nil && ad.has(account.Suggest)
		_, wrong = b.Review(who, author, now)
		v.Reviews = wrong == nil && ad.has(account.Suggest)
		_, wrong = b.Issue(who, now)
		v.Issues = wrong == nil && ad.has(account.Decide)
		v.Reissues = b.State == oversight.BulletinIssued && who.Heads(b.Seat) && ad.has(account.Decide) && v.Versions[0].ID == b.ID
		return nil
	})
}

// authorOf reads the account that wrote on a bulletin last.
func authorOf(ctx context.Context, tx *store.Tx, b oversight.Bulletin) (account.Account, error) {
	if b.Author == "" {
		return account.Account{}, nil
	}
	row, err := tx.Account(ctx, b.Author)
	if err != nil || row == nil {
		return account.Account{ID: b.Author}, err
	}
	return row.Account, nil
}

// BulletinFilter narrows a list of bulletins.
type BulletinFilter struct {
	State  oversight.BulletinState
	Unit   string
	Period oversight.BulletinPeriod
	Kind   directory.UnitKind
	Page   int   // from 0
	Size   int   // 0 = 25
	Walk   *Walk // in place of Page and Size
}

// Bulletins returns the bulletins an administrator sees, of the latest period first, without their content, and how many
// there are.
func (a *App) Bulletins(ctx context.Context, ad *Admin, f BulletinFilter) (list []oversight.Bulletin, all int, err error) {
	q := store.BulletinQuery{Scope: a.units(ad), Unit: f.Unit, Period: f.Period, Kind: string(f.Kind), Limit: f.Size, Walk: f.Walk}
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 25
	}
	q.Offset = max(f.Page, 0) * q.Limit
	if f.State != "" {
		q.States = []oversight.BulletinState{f.State}
	}
	if here, _ := a.seat(ad.Account.Unit); !ad.Account.Drafts(here) { // nobody sees what is not issued who could not write it
		if f.State != "" && f.State != oversight.BulletinIssued {
			return nil, 0, nil
		}
		q.States = []oversight.BulletinState{oversight.BulletinIssued}
	}
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, all, err = tx.Bulletins(ctx, q)
		return err
	})
	return list, all, err
}

// BulletinsToDo returns the bulletins that wait for an administrator: drafts to be read, and what was read to be issued.
func (a *App) BulletinsToDo(ctx context.Context, ad *Admin, limit int) (out []oversight.Bulletin, err error) {
	here, _ := a.seat(ad.Account.Unit)
	if !ad.Account.Drafts(here) {
		return nil, nil
	}
	return out, a.db.View(ctx, func(tx *store.Tx) error {
		out = nil
		list, _, err := tx.Bulletins(ctx, store.BulletinQuery{
			Scope: a.units(ad), States: []oversight.BulletinState{oversight.BulletinDraft, oversight.BulletinReviewed}, Limit: limit,
		})
		if err != nil {
			return err
		}
		for _, b := range list {
			author, err := authorOf(ctx, tx, b)
			if err != nil {
				return err
			}
			_, reads := b.Review(ad.Account, author, tx.Now)
			if reads == nil && b.Seat.Unit == ad.Account.Unit || b.State == oversight.BulletinReviewed && ad.Account.Heads(b.Seat) && b.Seat.Unit == ad.Account.Unit {
				out = append(out, b)
			}
		}
		return nil
	})
}

// WriteBulletin changes the remarks of a draft. revision is the one that was looked at. The wrong field is remarks.
func (a *App) WriteBulletin(ctx context.Context, ad *Admin, id string, revision int, remarks string) error {
	return a.onBulletin(ctx, ad, id, revision, account.Suggest, "bulletin.write", func(tx *store.Tx, b oversight.Bulletin) (oversight.Bulletin, error) {
		return b.Write(ad.Account, strings.TrimSpace(remarks))
	})
}

// RedraftBulletin puts the figures of now in the place of those of a draft.
func (a *App) RedraftBulletin(ctx context.Context, ad *Admin, id string, revision int) error {
	return a.onBulletin(ctx, ad, id, revision, account.Suggest, "bulletin.redraft", func(tx *store.Tx, b oversight.Bulletin) (oversight.Bulletin, error) {
		c, err := a.freeze(ctx, tx, b.Seat, b.Period)
		if err != nil {
			return b, err
		}
		return b.Redraft(ad.Account, c, tx.Now)
	})
}

// ReviewBulletin says that the administrator, who is not who wrote on it last, has read a draft.
func (a *App) ReviewBulletin(ctx context.Context, ad *Admin, id string, revision int) error {
	return a.onBulletin(ctx, ad, id, revision, account.Suggest, "bulletin.review", func(tx *store.Tx, b oversight.Bulletin) (oversight.Bulletin, error) {
		author, err := authorOf(ctx, tx, b)
		if err != nil {
			return b, err
		}
		if me, err := tx.Account(ctx, ad.Account.ID); err != nil {
			return b, err
		} else if row, err := tx.Account(ctx, b.Author); err != nil {
			return b, err
		} else if me != nil && row != nil && me.Mobile == row.Mobile {
			return b, fault.New(fault.BulletinOwn)
		}
		return b.Review(ad.Account, author, tx.Now)
	})
}

// IssueBulletin publishes a bulletin that has been reviewed, for good.
func (a *App) IssueBulletin(ctx context.Context, ad *Admin, id string, revision int) error {
	if err := a.Proven(ad); err != nil {
		return err
	}
	return a.onBulletin(ctx, ad, id, revision, account.Decide, "bulletin.issue", func(tx *store.Tx, b oversight.Bulletin) (oversight.Bulletin, error) {
		return b.Issue(ad.Account, tx.Now)
	})
}

func (a *App) onBulletin(ctx context.Context, ad *Admin, id string, revision int, needs account.Action, act string, do func(*store.Tx, oversight.Bulletin) (oversight.Bulletin, error)) error {
	if !ad.has(needs) {
		return fault.New(fault.NotAllowed)
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		b, err := a.bulletin(ctx, tx, ad, id)
		if err != nil {
			return err
		}
		next, err := do(tx, b)
		if err != nil {
			return err
		}
		if b.Revision != revision {
			return fault.New(fault.ChangedMeanwhile)
		}
		saved, err := tx.SaveBulletin(ctx, next, revision)
		if err != nil || !saved {
			return orElse(err, fault.New(fault.ChangedMeanwhile))
		}
		return tx.Audit(ctx, bulletinRecord(ad, act, next))
	})
}

// ReissueBulletin begins another version of what was issued, with the figures of now, and returns its id: that of the
// one already begun, if there is one.
func (a *App) ReissueBulletin(ctx context.Context, ad *Admin, id string) (next string, err error) {
	if err := a.Proven(ad); err != nil {
		return "", err
	}
	if !ad.has(account.Decide) {
		return "", fault.New(fault.NotAllowed)
	}
	return next, a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		b, err := a.bulletin(ctx, tx, ad, id)
		if err != nil {
			return err
		}
		versions, err := tx.BulletinVersions(ctx, b.Seat.Unit, b.Period)
		if err != nil {
			return err
		}
		if versions[0].Version > b.Version {
			next = versions[0].ID
			return nil
		}
		c, err := a.freeze(ctx, tx, b.Seat, b.Period)
		if err != nil {
			return err
		}
		draft, err := b.Next(ad.Account, c, tx.Now)
		if err != nil {
			return err
		}
		added, err := tx.AddBulletin(ctx, draft)
		if err != nil || !added {
			return orElse(err, fault.New(fault.ChangedMeanwhile))
		}
		next = draft.ID
		return tx.Audit(ctx, bulletinRecord(ad, "bulletin.reissue", draft))
	})
}

// Issued returns the bulletins that are issued, of each the newest version, of the latest period first, to anybody.
func (a *App) Issued(ctx context.Context, page, size int) (list []oversight.Bulletin, all int, err error) {
	q := store.BulletinQuery{States: []oversight.BulletinState{oversight.BulletinIssued}, Newest: true, Limit: min(max(size, 1), 200)}
	q.Offset = max(page, 0) * q.Limit
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, all, err = tx.Bulletins(ctx, q)
		return err
	})
	return list, all, err
}

// IssuedBulletin returns a bulletin that is issued, and the version issued before it, to anybody.
func (a *App) IssuedBulletin(ctx context.Context, id string) (b oversight.Bulletin, was *oversight.Bulletin, versions []oversight.Bulletin, err error) {
	return b, was, versions, a.db.View(ctx, func(tx *store.Tx) error {
		found, err := tx.Bulletin(ctx, id)
		if err != nil {
			return err
		}
		if found == nil || found.State != oversight.BulletinIssued {
			return fault.New(fault.BulletinNotFound)
		}
		b = *found
		if versions, err = tx.BulletinVersions(ctx, b.Seat.Unit, b.Period); err != nil {
			return err
		}
		versions = slices.DeleteFunc(versions, func(o oversight.Bulletin) bool { return o.State != oversight.BulletinIssued })
		was, err = versionBefore(ctx, tx, b, versions)
		return err
	})
}
