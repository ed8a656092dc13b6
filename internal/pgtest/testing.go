package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Variable names the environment variable with the address of a server tests may make databases on.
// Without it each test process starts a server of its own. It is read past the log that go test keeps of a test's
// environment: what a test finds is the same on every server, and its result is kept for the next run on another.
const Variable = "SUIYUE_TEST_POSTGRES"

var shared struct {
	sync.Mutex
	server *Server
	free   []string // databases that Reused may give again
}

// Main runs the tests and stops the server they used, if one was started.
func Main(m *testing.M) int {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		if err := shared.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	return code
}

// New makes a database for one test and drops it at the end. It fails the test when there is no
// PostgreSQL: it never skips. The package's TestMain must call Main.
func New(t testing.TB) string {
	t.Helper()
	admin, err := server()
	if err != nil {
		t.Fatal(err)
	}
	source, err := create(context.Background(), admin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		u, err := url.Parse(source)
		if err == nil {
			err = drop(context.Background(), admin, strings.TrimPrefix(u.Path, "/"))
		}
		if err != nil {
			t.Error(err)
		}
	})
	return source
}

func server() (string, error) {
	if admin, _ := syscall.Getenv(Variable); admin != "" {
		return admin, nil
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		s, err := Start(Fast)
		if err != nil {
			return "", err
		}
		shared.server = s
	}
	return shared.server.Admin(), nil
}

// Reused is New for tests that leave the schema as it is: a database that prepare has made ready, and that other
// tests of this process had before. Making the files of one takes longer than most tests. What prepare wrote is
// there and nothing else. The test must have closed its connections when its cleanups have run.
func Reused(t testing.TB, prepare func(source string) error) string {
	t.Helper()
	admin, err := server()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	shared.Lock()
	var source string
	if n := len(shared.free); n > 0 {
		source, shared.free = shared.free[n-1], shared.free[:n-1]
	}
	shared.Unlock()
	if source == "" {
		if source, err = create(ctx, admin); err == nil {
			err = errors.Join(prepare(source), remember(ctx, source))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := restore(ctx, source); err != nil {
			t.Error(err)
			return
		}
		shared.Lock()
		defer shared.Unlock()
		shared.free = append(shared.free, source)
	})
	return source
}

const tablesOf = "select tablename from pg_tables where schemaname = $1 order by tablename"

// remember copies the tables that are not empty into a schema of their own.
func remember(ctx context.Context, source string) error {
	return with(ctx, source, func(conn *pgx.Conn) error {
		tables, err := names(ctx, conn, "public")
		if err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, "create schema kept"); err != nil {
			return err
		}
		for _, table := range tables {
			var some bool
			if err := conn.QueryRow(ctx, "select exists (select 1 from "+table+")").Scan(&some); err != nil {
				return err
			}
			if some {
				if _, err := conn.Exec(ctx, "create table kept."+table+" as table public."+table); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// restore makes the tables what they were when they were remembered.
func restore(ctx context.Context, source string) error {
	return with(ctx, source, func(conn *pgx.Conn) error {
		tables, err := names(ctx, conn, "public")
		if err != nil {
			return err
		}
		kept, err := names(ctx, conn, "kept")
		if err != nil {
			return err
		}
		var b strings.Builder
		for _, table := range tables {
			b.WriteString("delete from public." + table + ";")
		}
		for _, table := range kept {
			b.WriteString("insert into public." + table + " select * from kept." + table + ";")
		}
		_, err = conn.Exec(ctx, b.String()) // one transaction
		return err
	})
}

// Vacuum tidies a database up as PostgreSQL does by itself within a minute: what a test wrote at once came over
// months.
func Vacuum(t testing.TB, source string) {
	t.Helper()
	if err := with(t.Context(), source, func(conn *pgx.Conn) error {
		_, err := conn.Exec(t.Context(), "vacuum analyze")
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// Texts returns everything a database holds as text or bytes: each such column of each table, and the samples of values
// that are kept for planning.
func Texts(t testing.TB, source string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := with(t.Context(), source, func(conn *pgx.Conn) error {
		rows, err := conn.Query(t.Context(), `
select format('select %s from %I.%I', case data_type when 'bytea' then format('%I', column_name) else format('convert_to(%I, ''UTF8'')', column_name) end, table_schema, table_name)
from information_schema.columns where table_schema = 'public' and data_type in ('text', 'bytea', 'character varying', 'json', 'jsonb')
union all select 'select convert_to(concat(most_common_vals, histogram_bounds), ''UTF8'') from pg_stats where schemaname = ''public'''`)
		if err != nil {
			return err
		}
		texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, text := range texts {
			if rows, err = conn.Query(t.Context(), text); err != nil {
				return err
			}
			var value []byte
			if _, err := pgx.ForEachRow(rows, []any{&value}, func() error {
				out.Write(value)
				out.WriteByte(0)
				return nil
			}); err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func with(ctx context.Context, source string, fn func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, source)
	if err != nil {
		return err
	}
	return errors.Join(fn(conn), conn.Close(ctx))
}

func names(ctx context.Context, conn *pgx.Conn, schema string) ([]string, error) {
	rows, err := conn.Query(ctx, tablesOf, schema)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
