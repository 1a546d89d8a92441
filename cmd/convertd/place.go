package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"convertd/runner/fault"
	"convertd/runner/spool"
	"convertd/sql/db"
	"convertd/sql/private"
)

// place is a database and the spool that belongs to it, for commands that work on both
// beside the service or in its absence.
type place struct {
	db    *db.DB
	url   string
	spool spool.Spool
	// closers end what was begun, the last one first.
	closers []func()
}

func (p *place) close() {
	for i := len(p.closers) - 1; i >= 0; i-- {
		p.closers[i]()
	}
}

// openPlace opens what is configured, else what belongs to the data folder of `up`: as
// that runs, or, when it does not, with its PostgreSQL started for the while. alone
// refuses when it runs.
func openPlace(a *app, data string, alone bool) (*place, error) {
	p := &place{}
	if err := p.find(a, data, alone); err != nil {
		p.close()
		return nil, err
	}
	d, err := db.Open(a.ctx, p.url)
	if err != nil {
		p.close()
		return nil, err
	}
	p.db = d
	p.closers = append(p.closers, func() { _ = d.Close() })
	return p, nil
}

func (p *place) find(a *app, data string, alone bool) error {
	loaded, err := a.settings(nil)
	if err != nil {
		return err
	}
	if loaded.Database.URL == "" {
		if data == "" {
			if data, err = defaultData(); err != nil {
				return err
			}
		}
		running, err := p.begin(a, data, alone)
		if err != nil {
			return err
		}
		if running {
			if loaded, err = a.running(data); err != nil {
				return err
			}
		}
	}
	if loaded.Database.URL != "" {
		p.url = ownerURL(loaded.Database.URL)
	}
	dir := loaded.Spool.Dir
	if dir == "" && data != "" {
		dir = filepath.Join(data, "spool")
	}
	if dir == "" {
		dir, err = spoolDir(loaded)
	}
	p.spool = spool.New(dir)
	return err
}

// begin starts the PostgreSQL of a data folder, unless `up` has it running.
func (p *place) begin(a *app, data string, alone bool) (running bool, err error) {
	if !alone {
		if _, err := os.Stat(filepath.Join(data, "postgresql")); err != nil {
			return false, fault.Wrap(err, fault.NotFound, "There is no service in "+data+".", "Name the folder with --data, or the database with [database] url.")
		}
	}
	if data, err = makeData(data); err != nil {
		return false, err
	}
	lock, err := lockFolder(data)
	if errors.Is(err, errRuns) && !alone {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	p.closers = append(p.closers, func() { _ = lock.Close() })
	server, err := private.Start(a.ctx, private.Options{Data: data, Log: a.log})
	if err != nil {
		return false, err
	}
	p.closers = append(p.closers, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		a.warn("PostgreSQL did not stop cleanly", server.Stop(ctx))
	})
	p.url = server.URL()
	return false, nil
}

// postgres runs one of PostgreSQL's own programs on a database. A password in the
// address goes by the environment, which other users do not see.
func postgres(ctx context.Context, tool, address string, args ...string) error {
	path, err := private.Tool(tool)
	if err != nil {
		return err
	}
	environ := os.Environ()
	if u, err := url.Parse(address); err == nil && u.User != nil {
		if password, given := u.User.Password(); given {
			u.User = url.User(u.User.Username())
			address, environ = u.String(), append(environ, "PGPASSWORD="+password)
		}
	}
	cmd := exec.CommandContext(ctx, path, append(args, "--dbname="+address)...)
	var words bytes.Buffer
	cmd.Env, cmd.Stderr = environ, &words
	if err := cmd.Run(); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", tool, err), errors.New(string(bytes.TrimSpace(words.Bytes()))))
	}
	return nil
}
