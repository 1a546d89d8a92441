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

// server is the one server of this test binary, started by the first test that needs
// it and stopped by Main.
var server shared

type shared struct {
	once   sync.Once
	server *private.Server
	data   string
	err    error

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

// Main runs the tests of a package and stops the server after them:
//
//	func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }
func Main(m *testing.M) int {
	code := m.Run()
	if err := server.stop(); err != nil {
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
	address := server.take()
	if address == "" {
		address = URL(t)
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
		server.give(address)
	})
	return opened
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

// URL makes a fresh database with the newest schema and returns its address, for tests
// that start programs or open several pools. It goes with the server: to drop it alone
// would cost a checkpoint.
func URL(t testing.TB) string {
	t.Helper()
	server.once.Do(server.start)
	if server.err != nil {
		t.Fatalf("start test database: %v", server.err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	if err := server.execute("create database " + name + " template " + template); err != nil {
		t.Fatalf("make test database: %v", err)
	}
	return server.url(name)
}

// start runs the server, in a folder that the user postgres may enter, and makes the
// template. Nothing of it must survive the machine, so nothing waits for the disk.
func (s *shared) start() {
	s.server, s.err = s.launch()
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
		Settings: map[string]string{"fsync": "off", "full_page_writes": "off", "max_connections": "300", "shared_buffers": "64MB"},
		Setup:    []string{"alter role " + private.Role + " createdb"},
	})
}

func (s *shared) migrate() error {
	opened, err := db.Open(context.Background(), s.url(template))
	if err != nil {
		return err
	}
	return errors.Join(opened.Migrate(context.Background()), opened.Close())
}

// execute runs one statement in the service's own database.
func (s *shared) execute(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	opened, err := db.Open(ctx, s.server.URL())
	if err != nil {
		return err
	}
	_, err = opened.ExecContext(ctx, statement)
	return errors.Join(err, opened.Close())
}

// url is the address of a database of the server.
func (s *shared) url(name string) string {
	address, err := url.Parse(s.server.URL())
	if err != nil {
		return ""
	}
	address.Path = "/" + name
	return address.String()
}

func (s *shared) stop() error {
	var err error
	if s.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err = s.server.Stop(ctx)
	}
	if s.data == "" {
		return err
	}
	return errors.Join(err, os.RemoveAll(s.data))
}
