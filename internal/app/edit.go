package app

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// Who may edit what of the directory:
//
//   - a hall, its sub-halls, queues, counters and offerings: who may configure the hall (Art. 9, 10);
//   - an item of the catalogue: who may configure at the agency that is its department, which is the
//     agency's second level (Art. 9). The items of an agency without accounts come from the files of the city;
//   - the names of units: the system administrator. The platform's own levels supervise and decide and
//     configure nothing (Art. 8), so the tree itself changes with the files of the city only.
//
// Numbers are never edited here: how many a queue gives goes by request and decision (Art. 23). New hours
// of a queue hold for the days whose numbers are not made yet.

// EditRequest is one entry of the directory, as somebody wants it.
type EditRequest struct {
	Noun    directory.Noun
	Key     []string         // as in the Key of its sheet: hall; hall, line; hall, counter; hall, line, item; item; unit
	New     bool             // it is to be added
	Version int              // the version the edit was made on (EntryVersion)
	Fields  directory.Fields // changed columns; others stay
}

// Edit changes or adds one entry of the directory.
func (a *App) Edit(ctx context.Context, ad *Admin, r EditRequest) error {
	if err := a.editable(ad, r); err != nil {
		return err
	}
	var done *draft
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		revision, err := tx.NextRevision(ctx)
		if err != nil {
			return err
		}
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		d := a.newDraft(ad, tx)
		done = d
		if err := d.read(ctx, r.Noun, [][]string{r.Key}, []directory.Fields{r.Fields}); err != nil {
			return err
		}
		if !r.New {
			key, _ := entryKey(r.Noun, r.Key)
			version, err := tx.VersionOf(ctx, r.Noun, key)
			if err != nil {
				return err
			}
			if version != r.Version {
				return fault.New(fault.ChangedMeanwhile)
			}
		}
		if bad := d.apply(r.Noun, r.Key, r.Fields, r.New); len(bad) > 0 {
			return refusal(bad)
		}
		if len(d.changes) == 0 {
			return fault.New(fault.NothingChanges)
		}
		c := d.changes[0]
		if err := d.save(ctx, revision); err != nil {
			return err
		}
		before, after := differences(c)
		return tx.Audit(ctx, store.AuditRecord{
			Account: ad.Account.ID, Rank: string(ad.Account.Rank), Act: string(c.Noun) + "." + deed(c), Noun: string(c.Noun), Key: c.Key, Hall: c.Hall,
			Before: before, After: after, From: ad.Origin,
		})
	})
	if err != nil {
		return err
	}
	a.readBack(ctx, done)
	return nil
}

// readBack takes over what was just written, and plans the hours of what is open again. It is written
// either way: a failure here is made good by FollowDirectory and Prepare.
func (a *App) readBack(ctx context.Context, d *draft) {
	err := a.ReadDirectory(ctx)
	if err == nil {
		err = a.planAgain(ctx, d.shut)
	}
	if err != nil {
		a.log.Warn("the directory was changed and could not be read again at once", "error", err)
	}
}

// planAgain brings the hours of queues that are open again to their plan, with what approved requests
// changed of it meanwhile.
func (a *App) planAgain(ctx context.Context, list []shutting) error {
	now := a.now()
	today := calendar.DateOf(now)
	r := a.rules.Load()
	for _, s := range list {
		q := a.City().Queue(s.queue)
		if !s.again || q == nil {
			continue
		}
		var changes map[string][]supply.Change
		if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
			changes, err = tx.Adjustments(ctx, s.hall, today)
			return err
		}); err != nil {
			return err
		}
		last := r.planned(*q, today)
		var planned []booking.Slot
		for day := today; day <= last; day++ {
			planned = append(planned, supply.SlotsFor(r.cal, r.shelf.On(day), *q, day, changes[q.ID]...)...)
		}
		diff := supply.Compare(now, planned, a.board.slotsOf(q.ID, today, last))
		if err := a.replan(ctx, diff, func(*store.Tx, []store.SlotState) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

// EntryVersion returns the fields of an entry as they are stored and the number of its version, for an
// edit to be made on.
func (a *App) EntryVersion(ctx context.Context, ad *Admin, noun directory.Noun, key ...string) (f directory.Fields, version int, err error) {
	r := EditRequest{Noun: noun, Key: key}
	if err := a.editable(ad, r); err != nil {
		return nil, 0, err
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		d := a.newDraft(ad, tx)
		if err := d.read(ctx, noun, [][]string{key}, nil); err != nil {
			return err
		}
		joined, _ := entryKey(noun, key)
		if f = d.was[at(noun, joined)]; f == nil {
			return notFound(noun)
		}
		version, err = tx.VersionOf(ctx, noun, joined)
		return err
	})
	return f, version, err
}

// MayEdit tells whether an administrator may edit entries of a noun: of a hall, of a department's items,
// or the names of units.
func (a *App) MayEdit(ad *Admin, noun directory.Noun, of string) bool {
	switch noun {
	case directory.UnitNoun:
		return a.May(ad, account.Settings, "")
	case directory.ItemNoun:
		return a.mayItem(ad, of)
	}
	return of != "" && a.May(ad, account.Configure, of)
}

// mayItem tells whether an administrator may configure the items of a department.
func (a *App) mayItem(ad *Admin, department string) bool {
	if u := a.City().Unit(department); u == nil || u.Kind != directory.Agency {
		return false
	}
	return ad.has(account.Configure) && ad.Account.May(account.Configure, a.City().PlaceOfUnit(department, "catalogue", directory.CityHall))
}

// editable refuses at once what the draft would refuse entry by entry, in the words of a single edit.
func (a *App) editable(ad *Admin, r EditRequest) error {
	if len(r.Key) != keyParts(r.Noun) {
		return notFound(r.Noun)
	}
	switch r.Noun {
	case directory.UnitNoun:
		if !a.MayEdit(ad, r.Noun, "") {
			return fault.New(fault.NotAllowed)
		}
		if a.City().Unit(r.Key[0]) == nil {
			return fault.New(fault.UnitNotFound)
		}
		return nil
	case directory.ItemNoun:
		department := r.Fields["department"]
		if !r.New {
			it := a.City().Item(r.Key[0])
			if it == nil {
				return fault.New(fault.ItemNotFound)
			}
			department = it.Department
		}
		if !a.mayItem(ad, department) {
			return fault.New(fault.NotAllowed)
		}
		return nil
	case directory.HallNoun:
		if r.New {
			return a.Allow(ad, account.Configure, orNone(r.Fields["parent_hall"]))
		}
	}
	return a.Allow(ad, account.Configure, orNone(r.Key[0]))
}

// orNone keeps "" from meaning the platform as a whole.
func orNone(hall string) string {
	if hall == "" {
		return "-"
	}
	return hall
}

func keyParts(noun directory.Noun) int {
	switch noun {
	case directory.QueueNoun, directory.CounterNoun:
		return 2
	case directory.OfferingNoun:
		return 3
	case directory.HallNoun, directory.ItemNoun, directory.UnitNoun:
		return 1
	}
	return 0
}

// entryKey returns the key an entry is stored under, and the hall it belongs to.
func entryKey(noun directory.Noun, key []string) (joined, hall string) {
	switch noun {
	case directory.HallNoun:
		return key[0], key[0]
	case directory.QueueNoun:
		return key[0] + "-" + key[1], key[0]
	case directory.CounterNoun:
		return store.DirectoryKey(key...), key[0]
	case directory.OfferingNoun:
		return store.DirectoryKey(key[0], key[2], key[0]+"-"+key[1]), key[0]
	}
	return key[0], ""
}

func notFound(noun directory.Noun) error {
	switch noun {
	case directory.HallNoun:
		return fault.New(fault.HallNotFound)
	case directory.QueueNoun:
		return fault.New(fault.QueueNotFound)
	case directory.ItemNoun:
		return fault.New(fault.ItemNotFound)
	case directory.UnitNoun:
		return fault.New(fault.UnitNotFound)
	}
	return fault.New(fault.EntryNotFound)
}

// refusal makes one fault of what a draft found: a field without a path speaks of the entry itself.
func refusal(bad []fault.Field) error {
	for _, f := range bad {
		if f.Path == "" {
			return fault.New(f.Code)
		}
	}
	return fault.InvalidFields(bad...)
}

// deed is what was done to an entry, for the log.
func deed(c store.DirectoryChange) string {
	switch {
	case c.Before == nil:
		return "add"
	case c.Before["open"] == "yes" && c.After["open"] == "no":
		return "close"
	case c.Before["open"] == "no" && c.After["open"] == "yes":
		return "open"
	}
	return "change"
}

// differences is what of an entry changed, before and after. The directory holds no personal data.
func differences(c store.DirectoryChange) (before, after json.RawMessage) {
	was, is := directory.Fields{}, directory.Fields{}
	for _, column := range directory.Differs(c.Before, c.After) {
		if c.Before != nil {
			was[column] = c.Before[column]
		}
		is[column] = c.After[column]
	}
	if c.Before != nil {
		before = encoded(was)
	}
	return before, encoded(is)
}

func encoded(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("app: fields do not encode: " + err.Error()) // strings do
	}
	return b
}

// draft is a set of edits being worked out on entries as they are stored now.
type draft struct {
	app       *App
	ad        *Admin
	tx        *store.Tx
	city      *City // for what is only referred to
	was       entries
	halls     map[string]directory.Hall
	queues    map[string]directory.Queue
	counters  map[string]directory.Counter
	offerings map[string]directory.Offering
	items     map[string]directory.Item
	units     map[string]directory.Unit
	open      map[string]bool // of what carries no flag of its own: noun and key
	changes   []store.DirectoryChange
	shut      []shutting
}

// shutting is a queue, or with item what it offers, that takes no more bookings, or takes them again.
type shutting struct {
	hall, queue, item string
	again             bool
}

func (a *App) newDraft(ad *Admin, tx *store.Tx) *draft {
	return &draft{app: a, ad: ad, tx: tx, city: a.City()}
}

// read reads the entries named by keys, and what belongs to their halls. Fields may name the main hall
// of a new one.
func (d *draft) read(ctx context.Context, noun directory.Noun, keys [][]string, fields []directory.Fields) error {
	halls, items := map[string]bool{}, map[string]bool{}
	for i, key := range keys {
		switch noun {
		case directory.UnitNoun:
		case directory.ItemNoun:
			items[key[0]] = true
		case directory.OfferingNoun:
			halls[key[0]], items[key[2]] = true, true
		default:
			halls[key[0]] = true
			if noun == directory.HallNoun && i < len(fields) && fields[i]["parent_hall"] != "" {
				halls[fields[i]["parent_hall"]] = true
			}
		}
	}
	return d.readAll(ctx, halls, items)
}

func (d *draft) readAll(ctx context.Context, halls, items map[string]bool) error {
	have, err := d.tx.DirectoryOf(ctx, sortedKeys(halls), sortedKeys(items))
	if err != nil {
		return err
	}
	have.Units = d.city.source.Units
	d.was = entriesOf(have)
	d.halls, d.queues, d.counters = map[string]directory.Hall{}, map[string]directory.Queue{}, map[string]directory.Counter{}
	d.offerings, d.items, d.units, d.open = map[string]directory.Offering{}, map[string]directory.Item{}, map[string]directory.Unit{}, map[string]bool{}
	for _, h := range have.Halls {
		d.halls[h.ID] = h
	}
	for _, q := range have.Queues {
		d.queues[q.ID] = q
	}
	for _, c := range have.Counters {
		d.counters[store.DirectoryKey(c.HallID, c.ID)] = c
	}
	for _, o := range have.Offerings {
		key := store.DirectoryKey(o.HallID, o.ItemCode, o.QueueID)
		d.offerings[key] = o
		d.open[at(directory.OfferingNoun, key)] = !have.Closed[store.Offerings+" "+key]
	}
	for _, i := range have.Items {
		d.items[i.Code] = i
		d.open[at(directory.ItemNoun, i.Code)] = !have.Closed[store.Items+" "+i.Code]
	}
	return nil
}

func sortedKeys(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// apply works one edit into the draft. Field "" says that the entry itself may not be edited so.
func (d *draft) apply(noun directory.Noun, key []string, f directory.Fields, isNew bool) []fault.Field {
	switch noun {
	case directory.HallNoun:
		return d.hall(key[0], f, isNew)
	case directory.QueueNoun:
		return d.queue(key[0], key[1], f, isNew)
	case directory.CounterNoun:
		return d.counter(key[0], key[1], f, isNew)
	case directory.OfferingNoun:
		return d.offering(key[0], key[1], key[2], f, isNew)
	case directory.ItemNoun:
		return d.item(key[0], f, isNew)
	}
	return d.unit(key[0], f)
}

// note keeps what an edit came to, if it changed anything and may be done.
func (d *draft) note(noun directory.Noun, key []string, after directory.Fields, may bool) (changed bool, bad []fault.Field) {
	joined, hall := entryKey(noun, key)
	before := d.was[at(noun, joined)]
	if before != nil && len(directory.Differs(before, after)) == 0 {
		return false, nil
	}
	if !may {
		return false, []fault.Field{{Code: fault.NotAllowed}}
	}
	d.changes = append(d.changes, store.DirectoryChange{Noun: noun, Key: joined, Hall: hall, Before: before, After: after})
	return true, nil
}

// save writes the draft with its versions. Bookings keep a queue, a hall or what it offers from being
// closed: people are moved first, by a request to close.
func (d *draft) save(ctx context.Context, revision int64) error {
	if err := d.shutSlots(ctx); err != nil {
		return err
	}
	var halls []directory.Hall
	var queues []directory.Queue
	var counters []directory.Counter
	var offerings []directory.Offering
	var items []directory.Item
	var units []directory.Unit
	closed := map[directory.Noun][][]string{}
	last, err := d.tx.LastHallNumber(ctx)
	if err != nil {
		return err
	}
	for _, c := range d.changes {
		switch c.Noun {
		case directory.HallNoun:
			h := d.halls[c.Key]
			if c.Before == nil {
				last++
				h.Number = last
			}
			halls = append(halls, h)
		case directory.QueueNoun:
			queues = append(queues, d.queues[c.Key])
		case directory.CounterNoun:
			counters = append(counters, d.counters[c.Key])
		case directory.OfferingNoun:
			o := d.offerings[c.Key]
			if offerings = append(offerings, o); c.After["open"] == "no" {
				closed[c.Noun] = append(closed[c.Noun], []string{o.HallID, o.ItemCode, o.QueueID})
			}
		case directory.ItemNoun:
			if items = append(items, d.items[c.Key]); c.After["open"] == "no" {
				closed[c.Noun] = append(closed[c.Noun], []string{c.Key})
			}
		case directory.UnitNoun:
			units = append(units, d.units[c.Key])
		}
	}
	for _, step := range []func() error{
		func() error { return d.tx.SaveUnits(ctx, units) },
		func() error { return d.tx.SaveHalls(ctx, halls) },
		func() error { return d.tx.SaveQueues(ctx, queues) },
		func() error { return d.tx.SaveCounters(ctx, counters) },
		func() error { return d.tx.SaveItems(ctx, items) },
		func() error { return d.tx.SaveOfferings(ctx, offerings) },
		func() error { return closeAll(ctx, d.tx, store.Items, closed[directory.ItemNoun]) },
		func() error { return closeAll(ctx, d.tx, store.Offerings, closed[directory.OfferingNoun]) },
		func() error { return d.tx.SaveVersions(ctx, revision, d.ad.Account.ID, d.changes) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func closeAll(ctx context.Context, tx *store.Tx, noun string, keys [][]string) error {
	if len(keys) == 0 {
		return nil
	}
	return tx.Close(ctx, noun, keys)
}

// shutSlots closes the hours to come of what is closed, and then refuses if anybody is booked in it. In
// this order nobody slips in between.
func (d *draft) shutSlots(ctx context.Context) error {
	for _, s := range d.shut {
		if s.item != "" || s.again {
			continue
		}
		if err := d.tx.ShutSlots(ctx, d.range_(s)); err != nil {
			return err
		}
	}
	n, err := d.booked(ctx)
	if err == nil && n > 0 {
		return fault.New(fault.PeopleBooked, "n", strconv.Itoa(n))
	}
	return err
}

// booked counts who is booked in what the draft closes.
func (d *draft) booked(ctx context.Context) (int, error) {
	ranges := map[string][]store.SlotRange{}
	for _, s := range d.shut {
		if !s.again {
			ranges[s.item] = append(ranges[s.item], d.range_(s))
		}
	}
	all := 0
	for item, list := range ranges {
		n, err := d.tx.ActiveAmong(ctx, item, list)
		if err != nil {
			return 0, err
		}
		all += n
	}
	return all, nil
}

func (d *draft) range_(s shutting) store.SlotRange {
	now := d.tx.Now.In(calendar.Zone)
	return store.SlotsFrom(s.hall, s.queue, calendar.DateOf(now), now.Hour())
}
