package private

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/lib/pq"

	"convertd/runner/fault"
)

// process is one run of the server.
type process struct {
	command *exec.Cmd
	// exited is closed when it ended and was reaped.
	exited chan struct{}
}

// readyEvery is how often a starting server is asked whether it answers; maxLog is the
// size from which the log is put aside at a start.
const (
	readyEvery = 20 * time.Millisecond
	maxLog     = 10 << 20
)

// spawn starts the server; a goroutine of its own waits for its end.
func (s *Server) spawn() (*process, error) {
	log, err := openLog(s.place.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command := exec.Command(filepath.Join(s.options.Bin, "postgres"), s.arguments()...)
	command.Dir = "/"
	command.Env = serverEnvironment()
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = s.user.attributes()
	running := &process{command: command, exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		if s.options.DieWithParent {
			// The kernel sends this signal when the thread ends that started the child.
			runtime.LockOSThread()
			command.SysProcAttr.Pdeathsig = syscall.SIGQUIT
		}
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait()
			close(running.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return running, nil
}

// arguments are the server's settings; a socket is its only door.
func (s *Server) arguments() []string {
	settings := map[string]string{
		"listen_addresses":        "",
		"unix_socket_directories": s.place.socket,
		"unix_socket_permissions": "0770",
		"hba_file":                s.place.hba(),
		"ident_file":              s.place.ident(),
		"log_destination":         "stderr",
		"log_timezone":            "UTC",
		"log_line_prefix":         "%m [%p] %q%u@%d ",
		"max_connections":         "100",
		"wal_level":               "minimal",
		"max_wal_senders":         "0",
		"checkpoint_timeout":      "15min",
		"max_wal_size":            "1GB",
		"random_page_cost":        "1.1",
		"jit":                     "off",
	}
	for name, value := range s.options.Settings {
		settings[name] = value
	}
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	sort.Strings(names)
	arguments := []string{"-D", s.place.cluster}
	for _, name := range names {
		arguments = append(arguments, "-c", name+"="+settings[name])
	}
	return arguments
}

// waitReady asks until the server answers, or says what it printed when it ended.
func (s *Server) waitReady(ctx context.Context, running *process) error {
	config, err := pq.NewConfig(s.URL())
	if err != nil {
		return fmt.Errorf("read address of the database: %w", err)
	}
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		return fmt.Errorf("read address of the database: %w", err)
	}
	pool := sql.OpenDB(connector)
	defer pool.Close()
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for {
		err := pool.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-running.exited:
			return s.explainExit()
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("wait for PostgreSQL: %w", ctx.Err()), err, running.kill())
		case <-tick.C:
		}
	}
}

// explainExit says why a server ended that should have answered.
func (s *Server) explainExit() error {
	tail := "it printed nothing"
	if text, err := readTail(s.place.log); err == nil && text != "" {
		tail = reasonIn(text)
	}
	return fault.New(fault.Unavailable, "The database did not start: "+tail+".", "All that it printed is in "+s.place.log+".")
}

// reasonIn is the last fatal line that PostgreSQL printed, with the details that follow it
// and without its clock; the last line where none is fatal.
func reasonIn(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	reason := ""
	for _, line := range lines {
		for _, mark := range []string{"FATAL:  ", "PANIC:  "} {
			if _, words, found := strings.Cut(line, mark); found {
				reason = words
			}
		}
		for _, mark := range []string{"DETAIL:  ", "HINT:  "} {
			if _, words, found := strings.Cut(line, mark); found && reason != "" {
				reason += ": " + words
			}
		}
	}
	if reason == "" {
		return lastLine(text)
	}
	return strings.TrimRight(reason, ".")
}

// stop asks for a fast shutdown and, when ctx is over, for an immediate one.
func (p *process) stop(ctx context.Context) error {
	if err := p.signal(syscall.SIGINT); err != nil {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
	}
	if err := p.signal(syscall.SIGQUIT); err != nil {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(10 * time.Second):
		return p.kill()
	}
}

// kill ends the server at once; its children notice and end too.
func (p *process) kill() error {
	err := p.signal(syscall.SIGKILL)
	<-p.exited
	return err
}

// signal does nothing to a process that has ended.
func (p *process) signal(signal syscall.Signal) error {
	if err := p.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	return nil
}

// openLog opens the log for appending and puts a long one aside first.
func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, fmt.Errorf("put log of the database aside: %w", err)
		}
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open log of the database: %w", err)
	}
	return file, nil
}

// readTail returns the last part of the log.
func readTail(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	tail := make([]byte, min(info.Size(), 4096))
	if _, err := file.ReadAt(tail, info.Size()-int64(len(tail))); err != nil {
		return "", err
	}
	return string(tail), nil
}
