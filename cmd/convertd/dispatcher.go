package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"convertd/cmd/convertd/config"
	"convertd/dispatcher"
	"convertd/dispatcher/keeper"
	"convertd/dispatcher/mail"
	"convertd/runner/progress/store"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/sql/db"
	"convertd/systemd"
)

// dispatcherCommand runs the supervisor of jobs.
type dispatcherCommand struct {
	StopJobs bool   `help:"When told to stop, end running jobs safely (they run again later) instead of letting them run on."`
	Keeper   string `help:"Folder of the keeper in whose control group jobs live, so that they outlive the dispatcher's own." placeholder:"DIR"`
}

// Run claims and runs jobs until it is told to stop.
func (c *dispatcherCommand) Run(a *app) error {
	manager, err := systemd.Open()
	if err != nil {
		return err
	}
	loaded, err := a.settings(nil)
	if err != nil {
		return err
	}
	d, err := openDatabase(a, loaded)
	if err != nil {
		return err
	}
	defer d.Close()
	status, err := store.Open(memcachedAddress(loaded))
	if err != nil {
		return err
	}
	defer status.Close()
	set, err := a.loadRecipes(loaded)
	if err != nil {
		return err
	}
	recipes := newShelf(set)
	options, err := c.options(a, loaded)
	if err != nil {
		return err
	}
	options.Recipes, options.RecipeSet = recipes, recipes.Set
	options.DB, options.Status = d, status
	c.report(a, manager, &options)
	if c.Keeper != "" { // which only the units do
		options.Further = a.installation
	}
	supervisor := dispatcher.New(options)
	r := reloader{
		app: a, recipes: recipes, loaded: loaded, fixed: []string{"database", "memcached", "spool", "sandbox", "dispatcher.metrics_listen"},
		apply: func(changed config.Loaded) { supervisor.Reload(dispatcherSettings(changed)) },
	}
	go takeHangups().serve(a.ctx, r.told(manager))
	err = supervisor.Run(a.ctx)
	a.warn("service manager not told", manager.Stopping())
	return err
}

// report tells the service manager what the dispatcher does. A sign of life comes from
// the loop of the dispatcher itself, so that one that hangs is seen to.
func (c *dispatcherCommand) report(a *app, manager *systemd.Manager, o *dispatcher.Options) {
	o.Ready = func() { a.warn("service manager not told", manager.Ready()) }
	if manager.WatchdogInterval() > 0 {
		o.Beat = func() { a.warn("service manager not told", manager.Alive()) }
	}
	o.Told = func(doing dispatcher.Doing) { a.warn("service manager not told", manager.Status(describe(doing))) }
}

// describe is what `systemctl status` shows.
func describe(doing dispatcher.Doing) string {
	waiting := "database away"
	if doing.Waiting >= 0 {
		waiting = fmt.Sprintf("%d waiting", doing.Waiting)
	}
	text := fmt.Sprintf("%d running, %s", doing.Running, waiting)
	if doing.State != "serving" {
		text += " (" + doing.State + ")"
	}
	return text
}

func (c *dispatcherCommand) options(a *app, loaded config.Loaded) (dispatcher.Options, error) {
	binary, err := runnerBinary()
	if err != nil {
		return dispatcher.Options{}, err
	}
	dir, err := spoolDir(loaded)
	if err != nil {
		return dispatcher.Options{}, err
	}
	o := dispatcher.Options{
		DatabaseURL: loaded.Database.URL, Spool: spool.New(dir),
		Runner: binary, Log: a.log, Version: version(), MetricsListen: loaded.Dispatcher.MetricsListen,
	}
	changing := dispatcherSettings(loaded)
	o.Lanes, o.Keep, o.Mail = changing.Lanes, changing.Keep, changing.Mail
	o.Box.Require = loaded.Sandbox.Require
	if os.Geteuid() == 0 {
		o.Box.UIDBase = loaded.Sandbox.UIDBase
	}
	if c.Keeper != "" {
		if o.Box.CgroupParent, err = keeper.Place(c.Keeper); err != nil {
			return dispatcher.Options{}, err
		}
	}
	if c.StopJobs {
		o.Stop = dispatcher.StopSafely
	}
	return o, nil
}

// dispatcherSettings are the settings that may change while jobs run.
func dispatcherSettings(loaded config.Loaded) dispatcher.Settings {
	return dispatcher.Settings{
		Lanes: dispatcher.Lanes{
			Slots: loaded.Dispatcher.Slots, Resources: loaded.Resources, Queues: queueLimits(loaded.Queue),
			MemoryBytes: int64(loaded.Dispatcher.Memory),
		},
		Keep: dispatcher.Keep{
			Results: time.Duration(loaded.Keep.Results), Failed: time.Duration(loaded.Keep.Failed), Rows: time.Duration(loaded.Keep.Rows),
			FreePercent: loaded.Keep.Free.Percent, FreeBytes: int64(loaded.Keep.Free.Bytes), Reserve: reserve(loaded),
		},
		Mail: mailConfig(loaded),
	}
}

// reserve is what uploads and jobs leave of the spool's disk.
func reserve(loaded config.Loaded) spool.Reserve {
	r := loaded.Keep.Reserve
	return spool.Reserve{Bytes: int64(r.Bytes), Percent: r.Percent}
}

func mailConfig(loaded config.Loaded) mail.Config {
	m := loaded.Mail
	return mail.Config{
		SMTP: m.SMTP, From: m.From, Admin: m.Admin, SuccessToAdmin: m.SuccessToAdmin,
		PerHour: m.PerHour, AttachLimit: int64(m.AttachLimit), BaseURL: baseURL(loaded),
	}
}

func queueLimits(queues map[string]config.Queue) map[string]int {
	limits := map[string]int{}
	for name, q := range queues {
		if q.Limit > 0 {
			limits[name] = q.Limit
		}
	}
	return limits
}

// openDatabase opens the configured database and refuses a schema that is not ours.
func openDatabase(a *app, loaded config.Loaded) (*db.DB, error) {
	if loaded.Database.URL == "" {
		return nil, errNoDatabase
	}
	d, err := db.Open(a.ctx, loaded.Database.URL)
	if err != nil {
		return nil, err
	}
	if err := d.CheckSchema(a.ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// defaultMemcached is the distribution's.
const defaultMemcached = "127.0.0.1:11211"

func memcachedAddress(loaded config.Loaded) string {
	if loaded.Memcached.Address == "" {
		return defaultMemcached
	}
	return loaded.Memcached.Address
}

func spoolDir(loaded config.Loaded) (string, error) {
	if loaded.Spool.Dir == "" {
		return "", errors.New("no spool: set [spool] dir in the configuration file or CONVERTD_SPOOL_DIR to the folder for the files of jobs")
	}
	return filepath.Abs(loaded.Spool.Dir)
}

// baseURL is how people reach us, for links in mails.
func baseURL(loaded config.Loaded) string {
	if loaded.Web.BaseURL != "" {
		return loaded.Web.BaseURL
	}
	return "http://" + loaded.Web.Listen
}

// loadRecipes reads all recipes and reports each problem; a broken recipe is switched
// off alone.
func (a *app) loadRecipes(loaded config.Loaded) (*recipe.Set, error) {
	set, err := readRecipes(loaded)
	if err != nil {
		return nil, err
	}
	for _, p := range set.Problems() {
		a.log.Warn("recipe problem", "recipe", p.Recipe, "problem", p.String())
	}
	return set, nil
}

// warn logs what does not stop the work.
func (a *app) warn(what string, err error) {
	if err != nil {
		a.log.Warn(what, "error", err)
	}
}
