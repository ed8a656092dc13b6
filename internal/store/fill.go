package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Fill is Update for very many rows: on PostgreSQL inserts of Made are copied in. fn is run once.
func (db *DB) Fill(ctx context.Context, fn func(*Tx) error) error {
	if db.d != &postgres {
		return db.outage(db.once(ctx, fn))
	}
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return db.outage(err)
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return db.outage(err)
	}
	defer tx.Rollback() // after Commit it does nothing
	t := &Tx{Now: db.now().Truncate(time.Microsecond), tx: tx, db: db, src: db.write}
	t.copies = func(in *inserter, n int, row func(i int, args []any) []any) error {
		return conn.Raw(func(dc any) error {
			c, ok := dc.(*stdlib.Conn)
			if !ok {
				return fmt.Errorf("store: a %T cannot copy", dc)
			}
			args := make([]any, 0, len(in.columns))
			_, err := c.Conn().CopyFrom(ctx, pgx.Identifier{in.table}, in.columns, pgx.CopyFromSlice(n, func(i int) ([]any, error) {
				return row(i, args[:0]), nil
			}))
			return err
		})
	}
	if err := fn(t); err != nil {
		return db.outage(err)
	}
	return db.outage(tx.Commit())
}

// filled are the tables that a made past fills.
var filled = []string{"booking", "claim", "event", "message", "ticket", "ticket_event", "evaluation"}

// Bare takes the indexes of the large tables away, if there is no booking yet, so that rows are written several times
// as fast; Clothe makes them again. SQLite, whose tables are their first index, keeps them.
func (db *DB) Bare(ctx context.Context) error {
	if db.d != &postgres {
		return nil
	}
	return db.Update(ctx, func(tx *Tx) error {
		some := false
		if found, err := tx.one(ctx, "bare.some", `select true where exists (select 1 from booking) or exists (select 1 from bare_index)`, nil, &some); err != nil || found {
			return err
		}
		type index struct{ name, drops, makes string }
		var list []index
		for _, table := range filled {
			if err := tx.query(ctx, "bare.indexes", `
select c.relname, case when k.oid is null then 'drop index ' || c.relname else 'alter table ' || t.relname || ' drop constraint ' || k.conname end,
  case when k.oid is null then pg_get_indexdef(c.oid) else 'alter table ' || t.relname || ' add constraint ' || k.conname || ' ' || pg_get_constraintdef(k.oid) end
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid left join pg_constraint k on k.conindid = c.oid
where t.oid = cast($1 as regclass) order by 1`, func(scan func(...any) error) error {
				var x index
				err := scan(&x.name, &x.drops, &x.makes)
				list = append(list, x)
				return err
			}, table); err != nil {
				return err
			}
		}
		for _, x := range list {
			if _, err := tx.exec(ctx, "bare.keep", `insert into bare_index (name, drops, makes) values ($1, $2, $3)`, x.name, x.drops, x.makes); err != nil {
				return err
			}
			if _, err := tx.exec(ctx, "bare.drop", x.drops); err != nil {
				return err
			}
		}
		return nil
	})
}

// ErrBare says that a database has not got its indexes.
var ErrBare = errors.New("store: the past of this database is still being made: run the command that makes it again, and it goes on")

// CheckClothed returns ErrBare between Bare and the end of Clothe.
func (db *DB) CheckClothed(ctx context.Context) error {
	n := 0
	if err := db.View(ctx, func(tx *Tx) error {
		_, err := tx.one(ctx, "bare.count", `select count(*) from bare_index`, nil, &n)
		return err
	}); err != nil || n == 0 {
		return err
	}
	return ErrBare
}

// Clothe makes the indexes again that Bare took away, each in its transaction. progress is told of those done of all.
func (db *DB) Clothe(ctx context.Context, progress func(done, all int)) error {
	type index struct{ name, makes string }
	var list []index
	if err := db.View(ctx, func(tx *Tx) error {
		return tx.query(ctx, "bare.list", `select name, makes from bare_index order by name`, func(scan func(...any) error) error {
			var x index
			err := scan(&x.name, &x.makes)
			list = append(list, x)
			return err
		})
	}); err != nil {
		return err
	}
	for i, x := range list {
		progress(i, len(list))
		if err := db.Update(ctx, func(tx *Tx) error {
			for _, text := range []string{"set local maintenance_work_mem = '384MB'", x.makes} {
				if _, err := tx.exec(ctx, "bare.make", text); err != nil {
					return err
				}
			}
			_, err := tx.exec(ctx, "bare.done", `delete from bare_index where name = $1`, x.name)
			return err
		}); err != nil {
			return err
		}
		progress(i+1, len(list))
	}
	return nil
}
