package api

import (
	"maps"
	"slices"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
)

// An entry of the directory is read and changed in the columns its file has (docs: the files of a city),
// so that a program, a form and a file say the same in the same words.

type adminField struct {
	Column string `json:"column" minLength:"1" maxLength:"40" example:"phone"`
	Text   string `json:"text" maxLength:"4000" example:"020-12345"`
}

type adminEntry struct {
	Noun    string       `json:"noun" enum:"hall,queue,counter,offering,item"`
	Version int          `json:"version" doc:"To be sent with a change: the version it is made on."`
	Fields  []adminField `json:"fields" nullable:"false" doc:"In order of their columns."`
}

type adminEntryBody struct {
	Line    string       `json:"line,omitempty" minLength:"1" maxLength:"40" doc:"queue, offering: which line."`
	Counter string       `json:"counter,omitempty" minLength:"1" maxLength:"40" doc:"counter: which."`
	Item    string       `json:"item,omitempty" minLength:"1" maxLength:"36" doc:"offering: which item."`
	New     bool         `json:"new,omitempty" doc:"It is to be added."`
	Version int          `json:"version,omitempty" minimum:"0" maximum:"1000000" doc:"The version the change is made on; not of a new one."`
	Fields  []adminField `json:"fields" minItems:"1" maxItems:"40" nullable:"false" doc:"What changes; other columns stay."`
}

type adminItemBody struct {
	New     bool         `json:"new,omitempty" doc:"It is to be added."`
	Version int          `json:"version,omitempty" minimum:"0" maximum:"1000000" doc:"The version the change is made on; not of a new one."`
	Fields  []adminField `json:"fields" minItems:"1" maxItems:"40" nullable:"false" doc:"What changes; other columns stay."`
}

type adminVersionPage struct {
	Versions []adminEntryVersion `json:"versions" nullable:"false" doc:"Newest first."`
	Total    int                 `json:"total"`
	Next     string              `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type adminEntryVersion struct {
	Noun    string       `json:"noun"`
	Key     string       `json:"key"`
	Version int          `json:"version"`
	At      time.Time    `json:"at"`
	Account string       `json:"account,omitempty" doc:"Absent for an import on the command line."`
	Before  []adminField `json:"before" nullable:"false" doc:"Columns that changed, as they were."`
	After   []adminField `json:"after" nullable:"false" doc:"The same columns, as they became."`
}

func (a *API) declareAdminDirectory() {
	hall := inPath("hall", "Id of the hall.", "440103000000", fault.HallNotFound)
	noun := inPath("noun", "hall, queue, counter or offering.", "queue", fault.EntryNotFound)
	item := inPath("item", "Code of the item.", "SI-0001", fault.ItemNotFound)
	absent := []fault.Code{fault.EntryNotFound, fault.QueueNotFound, fault.ItemNotFound}
	changing := append([]fault.Code{fault.NothingChanges, fault.ChangedMeanwhile, fault.PeopleBooked}, absent...)
	adminRead(a, operation{
		id: "admin-get-entry", path: "/halls/{hall}/directory/{noun}", act: account.Configure, hall: "hall", about: "An entry of the directory as it is stored: the hall, or one of its queues, counters or offerings.",
		params: []param{hall, noun, inQuery("line", "queue, offering: which line.", nil, text(40)), inQuery("counter", "counter: which.", nil, text(40)),
			inQuery("item", "offering: which item.", nil, text(36))},
		faults: absent,
	}, func(c *call) (adminEntry, error) {
		return a.adminEntry(c, c.query["line"], c.query["counter"], c.query["item"])
	})
	adminWrite(a, operation{
		id: "admin-change-entry", path: "/halls/{hall}/directory/{noun}", act: account.Configure, hall: "hall", params: []param{hall, noun}, faults: changing,
		about: "Changes or adds an entry of a hall. How many numbers a queue gives is not changed here but by request (Art. 23).",
	}, func(c *call, b *adminEntryBody) (string, error) {
		noun, key, err := entryAt(c, b.Line, b.Counter, b.Item)
		if err != nil {
			return "", err
		}
		return key[0], a.app.Edit(c.r.Context(), c.ad, app.EditRequest{Noun: noun, Key: key, New: b.New, Version: b.Version, Fields: fieldsOf(b.Fields)})
	}, func(c *call, b *adminEntryBody, _ string) (adminEntry, error) {
		return a.adminEntry(c, b.Line, b.Counter, b.Item)
	})
	adminRead(a, operation{
		id: "admin-list-versions", path: "/halls/{hall}/versions", act: account.Supervise, hall: "hall", about: "Every version of a hall and of what belongs to it, with who and when.",
		params: pageParams(hall, inQuery("noun", "Of this kind only.", nil, choice("hall", "queue", "counter", "offering"))),
		faults: []fault.Code{fault.CursorInvalid},
	}, a.adminVersions)
	adminRead(a, operation{
		id: "admin-get-item", path: "/items/{item}", act: account.Configure, params: []param{item}, about: "An item of the catalogue as it is stored, for the agency whose it is.",
	}, a.adminItem)
	adminWrite(a, operation{
		id: "admin-change-item", path: "/items/{item}", act: account.Configure, params: []param{item}, faults: changing,
		about: "Changes or adds an item of the catalogue: by the agency whose it is.",
	}, func(c *call, b *adminItemBody) (string, error) {
		return c.path("item"), a.app.Edit(c.r.Context(), c.ad, app.EditRequest{
			Noun: directory.ItemNoun, Key: []string{c.path("item")}, New: b.New, Version: b.Version, Fields: fieldsOf(b.Fields),
		})
	}, func(c *call, _ *adminItemBody, _ string) (adminEntry, error) { return a.adminItem(c) })
}

// entryAt names the entry of a hall that is meant.
func entryAt(c *call, line, counter, item string) (directory.Noun, []string, error) {
	hall := c.path("hall")
	noun, key := directory.Noun(c.path("noun")), []string{hall}
	switch noun {
	case directory.HallNoun:
	case directory.QueueNoun:
		key = append(key, line)
	case directory.CounterNoun:
		key = append(key, counter)
	case directory.OfferingNoun:
		key = append(key, line, item)
	default:
		return "", nil, fault.New(fault.EntryNotFound)
	}
	if slices.Contains(key, "") {
		return "", nil, fault.New(fault.EntryNotFound)
	}
	return noun, key, nil
}

func (a *API) adminEntry(c *call, line, counter, item string) (adminEntry, error) {
	noun, key, err := entryAt(c, line, counter, item)
	if err != nil {
		return adminEntry{}, err
	}
	return a.adminEntryOf(c, noun, key...)
}

func (a *API) adminItem(c *call) (adminEntry, error) {
	return a.adminEntryOf(c, directory.ItemNoun, c.path("item"))
}

func (a *API) adminEntryOf(c *call, noun directory.Noun, key ...string) (adminEntry, error) {
	f, version, err := a.app.EntryVersion(c.r.Context(), c.ad, noun, key...)
	if err != nil {
		return adminEntry{}, err
	}
	return adminEntry{Noun: string(noun), Version: version, Fields: listOfFields(f)}, nil
}

func (a *API) adminVersions(c *call) (adminVersionPage, error) {
	out := adminVersionPage{Versions: []adminEntryVersion{}}
	list := "versions " + c.path("hall")
	page, size, err := a.page(c, list)
	if err != nil {
		return out, err
	}
	found, all, err := a.app.HallVersions(c.r.Context(), c.ad, c.path("hall"), directory.Noun(c.query["noun"]), page*size, size)
	for _, v := range found {
		e := adminEntryVersion{Noun: string(v.Noun), Key: v.Key, Version: v.Version, At: v.At.In(calendar.Zone), Account: v.Account}
		before, after := directory.Fields{}, directory.Fields{}
		for column := range v.After {
			if v.Before[column] != v.After[column] {
				before[column], after[column] = v.Before[column], v.After[column]
			}
		}
		e.Before, e.After = listOfFields(before), listOfFields(after)
		out.Versions = append(out.Versions, e)
	}
	out.Total, out.Next = all, a.next(c, list, page, size, all)
	return out, err
}

func fieldsOf(list []adminField) directory.Fields {
	out := directory.Fields{}
	for _, f := range list {
		out[f.Column] = f.Text
	}
	return out
}

func listOfFields(f directory.Fields) []adminField {
	out := []adminField{}
	for _, column := range slices.Sorted(maps.Keys(f)) {
		out = append(out, adminField{column, f[column]})
	}
	return out
}
