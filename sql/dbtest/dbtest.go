// Package dbtest owns databases for tests: one PostgreSQL server per test binary, one
// fresh, migrated database per test. It is imported by tests only; it may import
// everything below sql.
package dbtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"convertd/sql/db"
	"convertd/sql/private"
)

// The servers of this test binary, each started by the first test that needs it and
// stopped by Main. quick does not wait for the disk: nothing of it must survive the
// machine. durable is what the service itself runs, for measurements.
var (
	quick = shared{settings: map[string]string{
		"fsync": "off", "full_page_writes": "off", "max_connections": "300", "shared_buffers": "64MB",
		"max_prepared_transactions": "4"}}
	durable shared
)

type shared struct {
	settings map[string]string
	// setup are statements that the superuser runs at the start.
	setup []string

	once    sync.Once
	running *private.Server
	data    string
	err     error

	mu sync.Mutex
	// free has the addresses of databases that are empty and in nobody's use.
	free []string
}

// take returns the address of a free database, "" for none.
func (s *shared) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free) == 0 {
		return ""
	}
	last := len(s.free) - 1
	address := s.free[last]
	s.free = s.free[:last]
	return address
}

// give makes a database free.
func (s *shared) give(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, address)
}

// template is the migrated database that each test's own is copied from.
const template = "template_convertd"

// startTimeout is generous: many test binaries may start a server at once.
const startTimeout = 2 * time.Minute

// Main runs the tests of a package and stops the servers after them:
//
//	func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }
func Main(m *testing.M) int {
	code := m.Run()
	if err := errors.Join(quick.stop(), durable.stop()); err != nil {
		fmt.Fprintln(os.Stderr, "dbtest:", err)
		return max(code, 1)
	}
	return code
}

// Open returns an empty database with the newest schema. When the test ends it is
// emptied and given to a later one, because that is much quicker than making another; a
// test that changes the schema or leaves sessions behind takes URL instead.
func Open(t testing.TB) *db.DB {
	t.Helper()
	return quick.open(t)
}

// OpenDurable is Open on a server whose commits wait for the disk.
func OpenDurable(t testing.TB) *db.DB {
	t.Helper()
	return durable.open(t)
}

// URL makes a fresh database with the newest schema and returns its address, for tests
// that start programs or open several pools. It goes with the server: to drop it alone
// would cost a checkpoint.
func URL(t testing.TB) string {
	t.Helper()
	return quick.make(t)
}

func (s *shared) open(t testing.TB) *db.DB {
	t.Helper()
	address := s.take()
	if address == "" {
		address = s.make(t)
	}
	opened, err := db.Open(context.Background(), address)
	if err != nil {
		t.Fatalf("open test database: %v", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(empty(opened), opened.Close()); err != nil {
			t.Errorf("close test database: %v", err)
			return
		}
		s.give(address)
	})
	return opened
}

// make copies the template.
func (s *shared) make(t testing.TB) string {
	t.Helper()
	s.once.Do(s.start)
	if s.err != nil {
		t.Fatalf("start test database: %v", s.err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	if err := s.execute("create database " + name + " template " + template); err != nil {
		t.Fatalf("make test database: %v", err)
	}
	return s.url(name)
}

// empty removes all rows and starts the numbers anew.
func empty(opened *db.DB) error {
	var tables string
	if err := opened.Get(&tables, `select string_agg(quote_ident(tablename), ', ') from pg_tables
		where schemaname = current_schema and tablename not like 'goose%'`); err != nil {
		return err
	}
	_, err := opened.Exec("truncate " + tables + " restart identity cascade")
	return err
}

// start runs the server, in a folder that the user postgres may enter, and makes the
// template.
func (s *shared) start() {
	s.running, s.err = s.launch()
	if s.err != nil {
		return
	}
	s.err = errors.Join(s.execute("create database "+template), s.migrate())
}

func (s *shared) launch() (*private.Server, error) {
	data, err := os.MkdirTemp("", "convertd-dbtest-")
	if err != nil {
		return nil, err
	}
	s.data = data
	if err := os.Chmod(data, 0o755); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	return private.Start(ctx, private.Options{
		Data: data, Log: slog.New(slog.DiscardHandler), DieWithParent: true,
		Settings: s.settings,
		Setup: append([]string{"alter role " + private.Role + " createdb",
			"create role " + Web, "create role " + Dispatcher, "grant " + Web + ", " + Dispatcher + " to " + private.Role}, s.setup...),
	})
}

func (s *shared) migrate() error {
	opened, err := db.Open(context.Background(), s.url(template))
	if err != nil {
		return err
	}
	return errors.Join(opened.Migrate(context.Background()), opened.Grant(context.Background()), opened.Close())
}

// Web and Dispatcher are the roles that the services log in with.
const (
	Web        = "convertd_web"
	Dispatcher = "convertd_dispatcher"
)

// As makes an address one of sessions that may do what the role may.
func As(role, address string) string { return address + "&role=" + role }

// execute runs one statement in the service's own database.
func (s *shared) execute(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	opened, err := db.Open(ctx, s.running.URL())
	if err != nil {
		return err
	}
	_, err = opened.ExecContext(ctx, statement)
	return errors.Join(err, opened.Close())
}

// url is the address of a database of the server.
func (s *shared) url(name string) string {
	address, err := url.Parse(s.running.URL())
	if err != nil {
		return ""
	}
	address.Path = "/" + name
	return address.String()
}

func (s *shared) stop() error {
	var err error
	if s.running != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err = s.running.Stop(ctx)
	}
	if s.data == "" {
		return err
	}
	return errors.Join(err, os.RemoveAll(s.data))
}
