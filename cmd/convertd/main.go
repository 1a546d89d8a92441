// Command convertd makes web services of converters: it is the web process, the
// dispatcher, both with all they need in one (`up`), and the command line of
// administrators and users.
//
// It owns the command table, wiring and exit codes; it alone reads flags, environment
// and configuration. It does not own any rule about jobs. It may import every package.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"convertd/cmd/convertd/config"
	"convertd/runner/fault"
	"convertd/systemd"
)

// Exit codes: a command that did its work, one that did not, one that was misused.
const (
	exitOK    = 0
	exitFail  = 1
	exitUsage = 2
)

// commands is the command table.
type commands struct {
	Config  string           `help:"Configuration file." placeholder:"FILE" default:"${config}" type:"path"`
	Version kong.VersionFlag `help:"Print the version and exit."`
	Debug   bool             `help:"Log more."`

	Up         upCommand         `cmd:"" group:"run" help:"Run everything: web, dispatcher, private PostgreSQL and memcached."`
	Web        webCommand        `cmd:"" group:"run" help:"Run the web process."`
	Dispatcher dispatcherCommand `cmd:"" group:"run" help:"Run the dispatcher."`
	Setup      setupCommand      `cmd:"" group:"admin" help:"Make this machine ready: users, folders, database, systemd units."`
	Keeper     keeperCommand     `cmd:"" hidden:"" help:"Hold the control group of the jobs (convertd-jobs.service)."`
	Man        manCommand        `cmd:"" hidden:"" help:"Write the manual pages into a folder."`
	Migrate    migrateCommand    `cmd:"" group:"admin" help:"Bring the database to this program's schema."`
	Backup     backupCommand     `cmd:"" group:"admin" help:"Keep all jobs and their files in a folder, while the service runs."`
	Restore    restoreCommand    `cmd:"" group:"admin" help:"Put a backup into an empty service."`
	Doctor     doctorCommand     `cmd:"" group:"admin" help:"Check everything this machine needs, with the remedy for what is wrong."`
	Settings   configCommand     `cmd:"" name:"config" group:"admin" help:"Print the effective settings and where each comes from."`
	Recipes    recipesCommand    `cmd:"" group:"admin" help:"List, check or show recipes."`
	Cache      cacheCommand      `cmd:"" group:"admin" help:"Drop what is kept between the jobs of a recipe."`
	Queues     queuesCommand     `cmd:"" group:"admin" help:"List, pause or resume queues."`
	Stats      statsCommand      `cmd:"" group:"admin" help:"Print jobs by state, and how the recipes went lately."`
	// Dispatchers are processes, Drain is an order to them.
	Dispatchers dispatchersCommand `cmd:"" group:"admin" help:"List the dispatchers."`
	Drain       drainCommand       `cmd:"" group:"admin" help:"Finish what runs and start nothing more."`

	Failures failuresCommand `cmd:"" group:"admin" help:"Print the most common failures."`
	Refused  refusedCommand  `cmd:"" group:"admin" help:"Print the submissions that were turned away lately."`
	Audit    auditCommand    `cmd:"" group:"admin" help:"Print what administrators did."`

	Replay replayCommand `cmd:"" group:"admin" help:"Run a job again as it was, and tell what differs."`

	Convert convertCommand `cmd:"" group:"use" help:"Convert a file here and now, without a server."`
	Submit  submitCommand  `cmd:"" group:"use" help:"Send files to a server as jobs."`
	Jobs    jobsCommand    `cmd:"" group:"use" help:"List jobs."`
	Show    showCommand    `cmd:"" group:"use" help:"Show one job."`
	Log     logCommand     `cmd:"" group:"use" help:"Print what the converter of a job printed."`
	Cancel  cancelCommand  `cmd:"" group:"use" help:"Cancel jobs."`
	Retry   retryCommand   `cmd:"" group:"use" help:"Run jobs again."`
	Delete  deleteCommand  `cmd:"" group:"use" help:"Delete jobs and their files."`
}

// app is what every command may use.
type app struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	log            *slog.Logger
	configPath     string
	explicit       bool
	// model is the command table as it was read, for the manual pages.
	model *kong.Application
}

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{ctx: ctx, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ()}
	return a.run(args)
}

func (a *app) run(args []string) (code int) {
	var table commands
	exit := -1
	parser, err := kong.New(&table,
		kong.Name("convertd"),
		kong.Description("A converter, or any long-running command, as a web service."),
		kong.Vars{"config": config.DefaultPath, "version": version()},
		kong.ExplicitGroups([]kong.Group{
			{Key: "run", Title: "Running the service"},
			{Key: "admin", Title: "Looking after it"},
			{Key: "use", Title: "Using it"},
		}),
		kong.Writers(a.stdout, a.stderr),
		kong.Exit(func(code int) { exit = code }),
	)
	if err != nil {
		return a.fail(err)
	}
	a.model = parser.Model
	if len(args) == 0 {
		args = []string{"--help"}
		defer func() { code = max(code, exitUsage) }()
	}
	chosen, err := parser.Parse(args)
	if exit >= 0 {
		return exit
	}
	if err != nil {
		_, _ = fmt.Fprintf(a.stderr, "convertd: %v\nSee convertd --help.\n", err)
		return exitUsage
	}
	a.configPath, a.explicit = table.Config, table.Config != config.DefaultPath
	a.log = newLog(a.stderr, table.Debug)
	return a.fail(chosen.Run(a))
}

func newLog(w io.Writer, debug bool) *slog.Logger {
	level := slog.LevelInfo
	if debug {
		level = slog.LevelDebug
	}
	return slog.New(systemd.NewLog(w, level))
}

// errSilent ends a command with failure when all was said already.
var errSilent = errors.New("said already")

// fail tells the person what went wrong and what to do, and returns the exit code.
func (a *app) fail(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errSilent):
		return exitFail
	}
	_, _ = fmt.Fprintf(a.stderr, "convertd: %v\n", err)
	var f *fault.Error
	switch {
	case fault.Is(err, fault.Unauthorized): // whose hint is for programs
		_, _ = fmt.Fprintln(a.stderr, "Give the administrator's token with --key or in CONVERTD_API_KEY; convertd up keeps it in admin_token of its data folder.")
	case errors.As(err, &f) && f.Hint != "":
		_, _ = fmt.Fprintln(a.stderr, f.Hint)
	}
	return exitFail
}

// settings loads the configuration; flags maps a setting to the text of its flag, ""
// for a flag that was not given.
func (a *app) settings(flags map[string]string) (config.Loaded, error) {
	given := map[string]string{}
	for name, text := range flags {
		if text != "" {
			given[name] = text
		}
	}
	return config.Load(config.Input{Path: a.configPath, Explicit: a.explicit, Environ: a.environ, Flags: given})
}
