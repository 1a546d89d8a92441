// Package private owns a PostgreSQL server of our own: the distribution's programs, a
// cluster beneath our data folder, a unix socket as the only way in, and a role without
// any right beyond its own database. It makes the cluster, starts the server, starts it
// again when it dies, takes over what a killed predecessor left, and stops it.
//
// It does not own the schema (db) or whether a private server is wanted (cmd). It may
// import lib/pq and runner/fault.
//
// Beneath the data folder:
//
//	postgresql/lock          held while we own the cluster
//	postgresql/server/       PostgreSQL's own; in it cluster, and new while it is made
//	postgresql/hba.conf      who may log in, and as what: ident.conf
//	postgresql/log, log.old  what the server printed
//	postgresql/run/          the socket, when its path is short enough
package private

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"convertd/runner/fault"
)

// Role and database of the service.
const (
	Role     = "convertd"
	Database = "convertd"
)

// Options say where the server lives.
type Options struct {
	// Data is the absolute data folder of the service; it is made if it is missing.
	Data string
	Log  *slog.Logger
	// Bin is the folder of initdb and postgres; "" looks for the newest installed one.
	Bin string
	// Settings are server settings beyond ours, by name.
	Settings map[string]string
	// Setup are statements that the superuser runs once, when the cluster is made.
	Setup []string
	// DieWithParent ends the server at once when this process dies, for tests. Without it
	// the next Start on the same folder ends what was left.
	DieWithParent bool
}

// Server is a running server.
type Server struct {
	options Options
	place   place
	user    account
	lock    *os.File

	// stop is closed by Stop; ended when nobody starts the server again.
	stop, ended chan struct{}
	halt        sync.Once

	mu      sync.Mutex
	process *process
}

// Start makes the cluster if there is none, ends what a killed predecessor left
// running, starts the server and waits until it answers. A second live owner of the
// same folder is refused. Errors are fault.Errors where a person can mend them.
func Start(ctx context.Context, options Options) (*Server, error) {
	if options.Bin == "" {
		bin, err := findBin()
		if err != nil {
			return nil, err
		}
		options.Bin = bin
	}
	user, err := serverAccount()
	if err != nil {
		return nil, err
	}
	s := &Server{options: options, user: user, stop: make(chan struct{}), ended: make(chan struct{})}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.unlock())
	}
	if err := s.relaunch(ctx); err != nil {
		return nil, errors.Join(err, s.unlock())
	}
	go s.supervise()
	return s, nil
}

// prepare does all that must be done before the server can start.
func (s *Server) prepare(ctx context.Context) error {
	home := filepath.Join(s.options.Data, "postgresql")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return fmt.Errorf("make folder of the database: %w", err)
	}
	lock, err := lockFolder(filepath.Join(home, "lock"))
	if err != nil {
		return err
	}
	s.lock = lock
	if err := s.user.canEnter(ctx, home, s.options.Bin); err != nil {
		return err
	}
	s.place, err = layOut(home, s.user)
	if err != nil {
		return err
	}
	if err := endLeftover(ctx, s.place.cluster, s.options.Log); err != nil {
		return err
	}
	if err := s.place.removeStaleSocket(); err != nil {
		return err
	}
	if err := s.place.writeAccess(s.user); err != nil {
		return err
	}
	return s.ensureCluster(ctx)
}

// URL is the address of the database for db.Open.
func (s *Server) URL() string {
	query := url.Values{"host": {s.place.socket}, "user": {Role}, "sslmode": {"disable"}}
	// PostgreSQL's own programs take a + for a plus.
	return "postgres:///" + Database + "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
}

// Log is the file that the server prints to.
func (s *Server) Log() string { return s.place.log }

// Stop ends all sessions and stops the server cleanly; when ctx is over first, it is
// stopped at once, which loses nothing but makes the next start recover. A second call
// does nothing.
func (s *Server) Stop(ctx context.Context) error {
	var err error
	s.halt.Do(func() {
		close(s.stop)
		err = s.current().stop(ctx)
		<-s.ended
		err = errors.Join(err, s.place.removeSocket(), s.unlock())
	})
	return err
}

func (s *Server) unlock() error {
	if s.lock == nil {
		return nil
	}
	if err := s.lock.Close(); err != nil {
		return fmt.Errorf("release lock of the database: %w", err)
	}
	return nil
}

// notInstalled is what a person reads when there is no server to start.
func notInstalled() error {
	return fault.New(fault.Unavailable, "PostgreSQL is not installed.",
		"Run apt-get install postgresql, or set [database] url to a server that runs elsewhere.")
}
