package dispatcher

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"convertd/dispatcher/mail"
	"convertd/runner/progress/store"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/sql/db"
)

// roleVariable tells the test binary to be a dispatcher in a process of its own, one
// that can be killed.
const roleVariable = "CONVERTD_TEST_DISPATCHER"

// role is what such a process is told.
type role struct {
	URL, Spool, Memcached, Runner string
	Recipes                       []recipe.Recipe
	Lanes                         Lanes
	Times                         Times
	Box                           Box
	Mail                          mail.Config
	Stop                          StopMode
}

// playRole is the main function of that process: SIGTERM ends it as its role says.
func playRole(text string) int {
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	database, err := db.Open(ctx, r.URL)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer database.Close()
	cache, err := store.Open(r.Memcached)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	err = New(Options{
		DB: database, DatabaseURL: r.URL, Spool: spool.New(r.Spool), Recipes: recipe.NewSet(r.Recipes, nil),
		Status: cache, Runner: r.Runner, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Lanes: r.Lanes, Box: r.Box, Times: r.Times, Mail: r.Mail, Stop: r.Stop,
		Ready: func() { fmt.Println("ready") },
	}).Run(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// dispatcherProcess is a dispatcher that can be killed.
type dispatcherProcess struct {
	t   testing.TB
	cmd *exec.Cmd
	// ready is closed when it has begun to claim.
	ready chan struct{}
	ended bool
}

func (w *world) spawn(stop StopMode, env ...string) *dispatcherProcess {
	w.t.Helper()
	return w.spawnProgram(os.Args[0], stop, env...)
}

// spawnProgram runs a test binary as a dispatcher.
func (w *world) spawnProgram(path string, stop StopMode, env ...string) *dispatcherProcess {
	w.t.Helper()
	text, err := json.Marshal(role{
		URL: w.url, Spool: w.spool.Root(), Memcached: w.cache.socket, Runner: runnerPath,
		Recipes: w.recipes.All(), Lanes: w.opts.Lanes, Times: w.opts.Times, Box: w.opts.Box,
		Mail: w.opts.Mail, Stop: stop,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	p := &dispatcherProcess{t: w.t, cmd: exec.Command(path), ready: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), append(env, roleVariable+"="+string(text))...)
	if testing.Verbose() {
		p.cmd.Stderr = os.Stderr
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		if lines := bufio.NewScanner(out); lines.Scan() {
			close(p.ready)
		}
	}()
	w.t.Cleanup(func() {
		if !p.ended {
			p.stop()
		}
	})
	return p
}

// awaitReady waits until the process claims.
func (p *dispatcherProcess) awaitReady() {
	p.t.Helper()
	select {
	case <-p.ready:
	case <-time.After(patience):
		p.t.Fatal("the dispatcher process does not get ready")
	}
}

// kill sends SIGKILL and waits for the end.
func (p *dispatcherProcess) kill() {
	p.ended = true
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// stop sends SIGTERM and waits for a good end.
func (p *dispatcherProcess) stop() {
	p.t.Helper()
	p.ended = true
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			p.t.Errorf("dispatcher process: %v", err)
		}
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		p.t.Error("the dispatcher process does not stop")
	}
}
