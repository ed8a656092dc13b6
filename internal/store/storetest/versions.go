package storetest

import (
	"fmt"
	"sync"
	"time"

	"suiyue/internal/domain/directory"
	"suiyue/internal/store"
)

func directoryVersions(w *world) {
	change := func(noun directory.Noun, key, hall, before, after string) store.DirectoryChange {
		c := store.DirectoryChange{Noun: noun, Key: key, Hall: hall, After: directory.Fields{"phone": after}}
		if before != "" {
			c.Before = directory.Fields{"phone": before}
		}
		return c
	}
	write := func(account string, changes ...store.DirectoryChange) (revision int64) {
		w.update(func(tx *store.Tx) (err error) {
			if revision, err = tx.NextRevision(w.ctx); err != nil {
				return err
			}
			return tx.SaveVersions(w.ctx, revision, account, changes)
		})
		return revision
	}
	first := write("", change(directory.HallNoun, "h1", "h1", "", "1"), change(directory.ItemNoun, "I", "", "", "1"))
	w.pass(time.Minute)
	second := write("A1", change(directory.HallNoun, "h1", "h1", "1", "2"), change(directory.QueueNoun, "h1-q", "h1", "", "9"))
	if second != first+1 {
		w.Errorf("revisions %d and %d", first, second)
	}
	w.view(func(tx *store.Tx) error {
		n, err := tx.VersionOf(w.ctx, directory.HallNoun, "h1")
		none, _ := tx.VersionOf(w.ctx, directory.HallNoun, "h2")
		if n != 2 || none != 0 || err != nil {
			w.Errorf("versions %d and %d: %v", n, none, err)
		}
		list, total, err := tx.DirectoryVersions(w.ctx, store.VersionQuery{Hall: "h1", Limit: 2})
		if err != nil || total != 3 || len(list) != 2 || list[0].Account != "A1" || !list[0].At.Equal(w.now()) || list[0].Before["phone"] != "1" || list[0].After["phone"] != "2" {
			w.Errorf("of the hall: %d of %d, %+v: %v", len(list), total, list, err)
		}
		list, total, err = tx.DirectoryVersions(w.ctx, store.VersionQuery{Hall: "h1", Noun: directory.QueueNoun, Limit: 9})
		if err != nil || total != 1 || list[0].Version != 1 || list[0].Before != nil {
			w.Errorf("of its queues: %+v: %v", list, err)
		}
		list, total, err = tx.DirectoryVersions(w.ctx, store.VersionQuery{Noun: directory.ItemNoun, Key: "I", Limit: 9})
		if err != nil || total != 1 || list[0].Hall != "" {
			w.Errorf("of the item: %+v: %v", list, err)
		}
		all, err := tx.ChangedAfter(w.ctx, 0)
		late, _ := tx.ChangedAfter(w.ctx, first)
		nothing, _ := tx.ChangedAfter(w.ctx, second)
		same(w, "changed at all", all, store.Changed{Revision: second, Halls: []string{"h1"}, Items: []string{"I"}})
		same(w, "changed since the first", late, store.Changed{Revision: second, Halls: []string{"h1"}})
		same(w, "changed since the last", nothing, store.Changed{Revision: second})
		return err
	})
	var wg sync.WaitGroup
	for i := range 8 { // whoever has a revision is alone: no version is lost or given twice
		wg.Go(func() { write(fmt.Sprint("B", i), change(directory.HallNoun, "h1", "h1", "2", fmt.Sprint(i))) })
	}
	wg.Wait()
	w.view(func(tx *store.Tx) error {
		n, err := tx.VersionOf(w.ctx, directory.HallNoun, "h1")
		if n != 10 {
			w.Errorf("%d versions after eight more", n)
		}
		return err
	})
}

func directoryPart(w *world) {
	saveCity(w)
	counters := []directory.Counter{{HallID: "h1", ID: "1", Label: "一号窗", Queues: []string{"h1-general"}, Open: true}, {HallID: "h2", ID: "1", Label: "x", Queues: []string{"h2-general"}}}
	w.update(func(tx *store.Tx) error { return tx.SaveCounters(w.ctx, counters) })
	whole := readCity(w)
	same(w, "counters", whole.Counters, counters)
	var part *store.Directory
	w.view(func(tx *store.Tx) (err error) {
		part, err = tx.DirectoryOf(w.ctx, []string{"h1"}, []string{"SI-01"})
		return err
	})
	if len(part.Halls) != 1 || len(part.Queues) != 1 || len(part.Offerings) != 1 || len(part.Counters) != 1 || len(part.Items) != 1 || len(part.Closed) != 0 {
		w.Errorf("of one hall: %+v", part)
	}
	same(w, "read again in part", whole.With(part, []string{"h1"}, []string{"SI-01"}), whole)
	w.update(func(tx *store.Tx) error {
		counters[0].Open = false
		if err := tx.SaveCounters(w.ctx, counters[:1]); err != nil {
			return err
		}
		return tx.Close(w.ctx, store.Queues, [][]string{{"h1-general"}})
	})
	w.view(func(tx *store.Tx) (err error) {
		part, err = tx.DirectoryOf(w.ctx, []string{"h1"}, nil)
		return err
	})
	same(w, "changed and read in part", whole.With(part, []string{"h1"}, nil), readCity(w))
}

func uploads(w *world) {
	save := func(account, id, body string) {
		w.update(func(tx *store.Tx) error { return tx.SaveUpload(w.ctx, account, id, "n.csv", []byte(body)) })
	}
	read := func(account, id string) (got string) {
		w.view(func(tx *store.Tx) error {
			_, body, err := tx.Upload(w.ctx, account, id)
			got = string(body)
			return err
		})
		return got
	}
	save("A1", "x", "one")
	save("A2", "y", "two")
	save("A1", "z", "three")
	if read("A1", "x") != "" || read("A1", "z") != "three" || read("A2", "z") != "" || read("A2", "y") != "two" {
		w.Error("an account has the file it sent last, and nobody another's")
	}
	w.pass(time.Hour)
	save("A2", "y2", "four")
	w.update(func(tx *store.Tx) error { return tx.ForgetUploads(w.ctx, w.now().Add(-time.Minute)) })
	if read("A1", "z") != "" || read("A2", "y2") != "four" {
		w.Error("old files are forgotten, others are not")
	}
	w.update(func(tx *store.Tx) error { return tx.DropUpload(w.ctx, "A2") })
	if read("A2", "y2") != "" {
		w.Error("not dropped")
	}
}
