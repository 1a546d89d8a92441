package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"convertd/cmd/convertd/config"
	"convertd/sql/db"
	"convertd/sql/private"
)

// upCommand runs everything on one machine, as children of this process.
type upCommand struct {
	Data   string `help:"Folder for the database, files and sockets (default: ~/.local/share/convertd, for root /var/lib/convertd)." placeholder:"DIR" type:"path"`
	Listen string `help:"Address of the pages and the API; port 0 picks a free one." placeholder:"ADDR"`
}

// Help is the long text of --help and of the manual page.
func (*upCommand) Help() string {
	return "It needs nothing but the programs of PostgreSQL and memcached, which it runs itself, reachable by sockets in the data folder alone; with [database] url or [memcached] address set it uses those. " +
		"When all is ready it prints one line, listening on http://HOST:PORT, and on standard error an address at which the administrator signs in once, within ten minutes.\n\n" +
		"Ctrl-C or SIGTERM ends everything in order; running jobs are stopped safely and run again at the next start. SIGHUP puts changed recipes and settings in force. " +
		"After it was killed, the next start on the same folder ends or takes over what was left. A second one on the same folder is refused."
}

// upRun is one run of `up`: what it started, in that order.
type upRun struct {
	*app
	data, run string
	settings  config.Loaded
	environ   []string
	started   []func()
	// reloads are the services that read settings and recipes.
	reloads []*service
}

// Run starts everything, says when it is ready, and ends everything in the opposite
// order when it is told to.
func (c *upCommand) Run(a *app) error {
	settings, err := a.settings(map[string]string{"web.listen": c.Listen})
	if err != nil {
		return err
	}
	if c.Data == "" {
		if c.Data, err = defaultData(); err != nil {
			return err
		}
	}
	u := &upRun{app: a, settings: settings}
	if u.data, err = makeData(c.Data); err != nil {
		return err
	}
	lock, err := lockFolder(u.data)
	if err != nil {
		return err
	}
	defer lock.Close()
	defer u.stopAll()
	hangups := takeHangups() // one that comes while all of this starts is heeded then
	address, err := u.startAll()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(a.stdout, "listening on http://%s\n", address)
	u.serve(hangups)
	a.log.Info("stopping: web, jobs, dispatcher, memcached, PostgreSQL")
	return nil
}

// serve waits until it is told to stop. SIGHUP reloads recipes and settings; where it
// means that the terminal that `up` was started on is gone, it is the order to stop.
func (u *upRun) serve(hangups hangups) {
	over, stop := context.WithCancel(u.ctx)
	defer stop()
	attached := hasTerminal()
	hangups.serve(over, func() {
		if attached && !hasTerminal() {
			stop()
			return
		}
		for _, s := range u.reloads {
			s.reload()
		}
	})
}

// hasTerminal reports whether this process has a terminal to be controlled from.
func hasTerminal() bool {
	terminal, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	_ = terminal.Close() // it was opened to see whether it can be
	return true
}

// startAll starts the services in the order in which they need each other.
func (u *upRun) startAll() (address string, err error) {
	if u.run, err = runFolder(u.data); err != nil {
		return "", err
	}
	if err := endLeftovers(u.run, u.log); err != nil {
		return "", err
	}
	token, err := u.adminToken()
	if err != nil {
		return "", err
	}
	spool := u.settings.Spool.Dir
	if spool == "" {
		spool = filepath.Join(u.data, "spool")
	}
	u.environ = []string{"CONVERTD_SPOOL_DIR=" + spool, "CONVERTD_WEB_ADMIN_TOKEN=" + token}
	for _, start := range []func() error{u.chooseAddress, u.startDatabase, u.startMemcached, u.startDispatcher} {
		if err := start(); err != nil {
			return "", err
		}
	}
	web, err := u.startWeb()
	if err != nil {
		return "", err
	}
	if err := u.keepEnviron(); err != nil {
		return "", err
	}
	_, _ = fmt.Fprintf(u.stderr, "administrator's sign-in, once within ten minutes: http://%s/admin/sign-in?code=%s\n", web.address, web.signIn)
	return web.address, nil
}

func (u *upRun) stopAll() {
	for i := len(u.started) - 1; i >= 0; i-- {
		u.started[i]()
	}
}

// environFile holds what the services of a running `up` were told, for the commands of
// the administrator.
const environFile = "environ.json"

func (u *upRun) keepEnviron() error {
	raw, err := json.Marshal(u.environ)
	if err != nil {
		return err
	}
	path := filepath.Join(u.run, environFile)
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		return fmt.Errorf("note the settings of the services: %w", err)
	}
	u.started = append(u.started, func() { u.warn("note of the settings not removed", os.Remove(path)) })
	return nil
}

// adminToken is the configured one, else one made once for this data folder.
func (u *upRun) adminToken() (string, error) {
	if u.settings.Web.AdminToken != "" {
		return u.settings.Web.AdminToken, nil
	}
	path := filepath.Join(u.data, "admin_token")
	raw, err := os.ReadFile(path)
	if token := strings.TrimSpace(string(raw)); err == nil && token != "" {
		return token, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the administrator's token: %w", err)
	}
	token := rand.Text()
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the administrator's token: %w", err)
	}
	return token, nil
}

// startDatabase starts a private PostgreSQL unless one is configured, and brings it to
// this program's schema.
func (u *upRun) startDatabase() error {
	url := u.settings.Database.URL
	if url == "" {
		server, err := private.Start(u.ctx, private.Options{Data: u.data, Log: u.log})
		if err != nil {
			return err
		}
		u.started = append(u.started, func() { u.stopDatabase(server) })
		url = server.URL()
	}
	u.environ = append(u.environ, "CONVERTD_DATABASE_URL="+url)
	return migrate(u.ctx, url)
}

func (u *upRun) stopDatabase(server *private.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := server.Stop(ctx); err != nil {
		u.log.Error("PostgreSQL did not stop cleanly", "error", err)
	}
}

func migrate(ctx context.Context, url string) error {
	d, err := db.Open(ctx, url)
	if err != nil {
		return err
	}
	err = d.Migrate(ctx)
	if err == nil {
		err = d.Grant(ctx)
	}
	return errors.Join(err, d.Close())
}

func (u *upRun) startMemcached() error {
	address := u.settings.Memcached.Address
	if address == "" {
		var s *service
		var err error
		if s, address, err = memcachedService(u.run); err != nil {
			return err
		}
		if _, err := u.start(s); err != nil {
			return err
		}
	}
	u.environ = append(u.environ, "CONVERTD_MEMCACHED_ADDRESS="+address)
	return nil
}

// startDispatcher starts a dispatcher that ends its jobs when it stops: after `up`
// nothing stays behind.
func (u *upRun) startDispatcher() error {
	s := u.ourselves("dispatcher", time.Minute)
	s.argv = append(s.argv, "--stop-jobs")
	u.reloads = append(u.reloads, s)
	_, err := u.start(s)
	return err
}

// chooseAddress finds out where the pages are. The port is ours to know, so that a web
// process that is started again answers where people already look, and the dispatcher
// tells it in mails and to services that push progress.
func (u *upRun) chooseAddress() error {
	listener, err := net.Listen("tcp", u.settings.Web.Listen)
	if err != nil {
		return fmt.Errorf("[web] listen: %w: another program may listen there; --listen picks another address", err)
	}
	u.environ = append(u.environ, "CONVERTD_WEB_LISTEN="+listener.Addr().String())
	return listener.Close()
}

func (u *upRun) startWeb() (readiness, error) {
	s := u.ourselves("web", 30*time.Second)
	u.reloads = append(u.reloads, s)
	return u.start(s)
}

// ourselves is a service that is a sub-command of this program.
func (u *upRun) ourselves(name string, patience time.Duration) *service {
	argv := []string{"/proc/self/exe", name}
	if u.explicit {
		argv = append(argv, "--config", u.configPath)
	}
	return &service{name: name, argv: argv, env: u.environ, stop: syscall.SIGTERM, patience: patience, notify: true}
}

func (u *upRun) start(s *service) (readiness, error) {
	s.run, s.log, s.stderr = u.run, u.log, u.stderr
	u.started = append(u.started, s.halt)
	return s.start(u.ctx)
}
