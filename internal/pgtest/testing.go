package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
)

// Variable names the environment variable with the address of a server tests may make databases on.
// Without it each test process starts a server of its own.
const Variable = "SUIYUE_TEST_POSTGRES"

var shared struct {
	sync.Mutex
	server *Server
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
	if admin := os.Getenv(Variable); admin != "" {
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
