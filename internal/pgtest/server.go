// Package pgtest starts throw-away PostgreSQL servers: for tests, and for benchmarks that are given no
// database of their own.
package pgtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Durability says whether commits wait for the disk.
type Durability bool

const (
	Durable Durability = true  // as in production
	Fast    Durability = false // for tests that kill nothing
)

// Server is one running PostgreSQL with a data directory of its own.
type Server struct {
	bin, dir, port string
	durable        Durability
	account        *account
	cmd            *exec.Cmd
	ended          chan struct{} // closed when cmd has ended
}

// Start makes a data directory and starts a server on a random loopback port. PostgreSQL refuses to
// run as root: then it runs as the account "postgres", or "nobody".
func Start(d Durability) (*Server, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, durable: d}
	if s.dir, err = os.MkdirTemp("", "suiyue-pg-"); err != nil {
		return nil, err
	}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	if err := s.Restart(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, nil
}

func find() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) > 0 {
		slices.Sort(found)
		return filepath.Dir(found[len(found)-1]), nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New("pgtest: PostgreSQL is needed (Debian: apt-get install postgresql)")
}

func (s *Server) prepare() error {
	if err := os.Chmod(s.dir, 0o755); err != nil {
		return err
	}
	data := s.data()
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	if os.Getuid() == 0 {
		account, err := someoneElse()
		if err != nil {
			return err
		}
		s.account = account
		if err := os.Chown(data, int(account.uid), int(account.gid)); err != nil {
			return err
		}
	}
	out, err := s.command("initdb", "-D", data, "--username=suiyue", "--auth=trust", "--locale=C", "--encoding=UTF8", "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("pgtest: initdb: %w: %s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.port = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	return l.Close()
}

// account is whom the server runs as, when we are root.
type account struct{ uid, gid uint32 }

func someoneElse() (*account, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errU := strconv.ParseUint(u.Uid, 10, 32)
		gid, errG := strconv.ParseUint(u.Gid, 10, 32)
		if errU == nil && errG == nil {
			return &account{uint32(uid), uint32(gid)}, nil
		}
	}
	return nil, errors.New("pgtest: no account but root to run PostgreSQL as")
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if s.account != nil {
		runAs(cmd.SysProcAttr, s.account)
	}
	return cmd
}

// restartTime is how long a start may take; processes of a killed server may need to end first.
const restartTime = 30 * time.Second

// Restart starts the server on its data directory and port, and waits until it answers.
func (s *Server) Restart() error {
	deadline := time.Now().Add(restartTime)
	for {
		err := s.launch()
		if err != nil {
			return err
		}
		if err = s.await(deadline); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(s.log())
			return errors.Join(fmt.Errorf("pgtest: the server does not start: %w: %s", err, log), s.end(syscall.SIGKILL))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (s *Server) log() string { return filepath.Join(s.dir, "log") }

func (s *Server) launch() error {
	args := []string{"-D", s.data(), "-p", s.port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "max_connections=300", "-c", "max_wal_size=4GB", "-c", "wal_init_zero=off", "-c", "log_min_messages=fatal"}
	if s.durable == Fast {
		args = append(args, "-c", "shared_buffers=256MB", "-c", "fsync=off", "-c", "full_page_writes=off")
	} else {
		args = append(args, "-c", "shared_buffers=1GB") // as docs/operating.md advises
	}
	log, err := os.Create(s.log())
	if err != nil {
		return err
	}
	defer log.Close()
	cmd, ended, started := s.command("postgres", args...), make(chan struct{}), make(chan error)
	cmd.Stderr = log
	s.cmd, s.ended = cmd, ended
	go func() {
		// The server dies with this process, however that ends. The signal hangs on the thread that
		// started it, which therefore must not end before.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		dieWithUs(cmd.SysProcAttr)
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
		close(ended)
	}()
	return <-started
}

// await returns when the server answers; an error when it ended or deadline is over.
func (s *Server) await(deadline time.Time) error {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		conn, err := pgx.Connect(ctx, s.url("postgres"))
		if err == nil {
			err = conn.Close(ctx)
		}
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return errors.New("it ended at once")
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}

// Kill9 ends all processes of the server without warning, as a power cut would. Restart starts it again
// with the same data and port.
func (s *Server) Kill9() error {
	children := childrenOf(s.cmd.Process.Pid)
	err := s.end(syscall.SIGKILL)
	for _, pid := range children {
		if p, findErr := os.FindProcess(pid); findErr == nil {
			p.Kill() // it may have ended by itself
		}
	}
	return err
}

// childrenOf lists the processes that pid started; none where there is no /proc.
func childrenOf(pid int) []int {
	var out []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// pid (name) state parent …; the name may hold anything
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			out = append(out, child)
		}
	}
	return out
}

// Stop ends the server and removes its data.
func (s *Server) Stop() error {
	return errors.Join(s.end(syscall.SIGQUIT), os.RemoveAll(s.dir))
}

func (s *Server) end(sig syscall.Signal) error {
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.ended:
	case <-time.After(15 * time.Second):
		s.cmd.Process.Kill()
		<-s.ended
	}
	return nil
}

func (s *Server) url(database string) string {
	return "postgres://suiyue@127.0.0.1:" + s.port + "/" + database + "?sslmode=disable"
}

// Admin returns the address under which databases can be made.
func (s *Server) Admin() string { return s.url("postgres") }

// Create makes a database as the product wants it, C collation and UTF-8, and returns its address.
func (s *Server) Create(ctx context.Context) (string, error) { return create(ctx, s.Admin()) }

func create(ctx context.Context, admin string) (string, error) {
	source, err := url.Parse(admin)
	if err != nil {
		return "", errors.New("pgtest: the address of the server could not be read") // it may hold a password
	}
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	var b [6]byte
	rand.Read(b[:])
	name := "t" + hex.EncodeToString(b[:])
	if _, err := conn.Exec(ctx, "create database "+name+" template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'"); err != nil {
		return "", err
	}
	source.Path = "/" + name
	return source.String(), nil
}

func drop(ctx context.Context, admin, database string) error {
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "drop database if exists "+pgx.Identifier{database}.Sanitize()+" with (force)")
	return err
}
