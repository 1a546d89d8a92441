package private

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"convertd/runner/fault"
)

// findBin returns the folder of the newest installed server.
func findBin() (string, error) {
	server, err := Tool("postgres")
	return filepath.Dir(server), err
}

// Tool returns the path of one of PostgreSQL's programs, of the newest installed version.
func Tool(name string) (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil {
		return "", fmt.Errorf("look for PostgreSQL: %w", err)
	}
	if len(found) == 0 {
		return "", notInstalled()
	}
	sort.Slice(found, func(i, j int) bool { return major(found[i]) > major(found[j]) })
	return found[0], nil
}

// major is the version in /usr/lib/postgresql/VERSION/bin/postgres.
func major(path string) float64 {
	version, err := strconv.ParseFloat(filepath.Base(filepath.Dir(filepath.Dir(path))), 64)
	if err != nil {
		return 0
	}
	return version
}

// ensureCluster makes the cluster if there is none, and refuses one of another version.
func (s *Server) ensureCluster(ctx context.Context) error {
	version, err := os.ReadFile(filepath.Join(s.place.cluster, "PG_VERSION"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s.makeCluster(ctx)
	case err != nil:
		return fmt.Errorf("read version of the database: %w", err)
	}
	return s.checkVersion(ctx, strings.TrimSpace(string(version)))
}

// checkVersion compares the cluster's version with the server's. When several servers
// are installed the one that made the cluster is taken.
func (s *Server) checkVersion(ctx context.Context, made string) error {
	out, err := exec.CommandContext(ctx, filepath.Join(s.options.Bin, "postgres"), "--version").Output()
	if err != nil {
		return fmt.Errorf("ask PostgreSQL for its version: %w", err)
	}
	// "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
	fields := strings.Fields(string(out))
	if len(fields) < 3 {
		return fmt.Errorf("ask PostgreSQL for its version: %q", out)
	}
	installed, _, _ := strings.Cut(fields[2], ".")
	if installed == made {
		return nil
	}
	old := filepath.Join("/usr/lib/postgresql", made, "bin")
	if _, err := os.Stat(filepath.Join(old, "postgres")); err == nil {
		s.options.Bin = old
		s.options.Log.Info("the database is of an older PostgreSQL than the newest installed one", "database", made, "installed", installed,
			"to move it", s.moving())
		return nil
	}
	return fault.New(fault.Unavailable,
		fmt.Sprintf("The database in %s was made by PostgreSQL %s, but version %s is installed.", s.place.cluster, made, installed),
		fmt.Sprintf("Install that version beside it and start again, which goes on with it:\n    apt-get install postgresql-%s\n"+
			"To move to version %s then stop convertd and run:\n    %s", made, installed, s.moving()))
}

// moving is how a cluster gets to the newest installed version, while nothing runs on the
// data folder: database and spool go aside, all else of the folder stays.
func (s *Server) moving() string {
	return fmt.Sprintf("convertd backup --data %[1]s %[2]s && mkdir %[3]s && mv %[4]s %[5]s %[3]s && convertd restore --data %[1]s %[2]s",
		shellWord(s.options.Data), shellWord(s.options.Data+".backup"), shellWord(s.options.Data+".old"),
		shellWord(s.place.home), shellWord(filepath.Join(s.options.Data, "spool")))
}

// shellWord writes a path so that a shell reads it as one word.
func shellWord(path string) string {
	if path != "" && !strings.ContainsFunc(path, func(r rune) bool {
		return !strings.ContainsRune("/._-+,:@%", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// makeCluster makes the cluster under another name and renames it when it is whole, so
// that a start that was killed in the middle leaves nothing that looks like one.
func (s *Server) makeCluster(ctx context.Context) error {
	fresh := filepath.Join(filepath.Dir(s.place.cluster), "new")
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("remove half a database: %w", err)
	}
	s.options.Log.Info("making the database", "folder", s.place.cluster)
	arguments := []string{"--pgdata", fresh, "--username", superuser, "--encoding", "UTF8",
		"--locale", "C.UTF-8", "--data-checksums", "--auth", "reject"}
	if s.options.Settings["fsync"] == "off" {
		arguments = append(arguments, "--no-sync")
	}
	if err := s.run(ctx, "", "initdb", arguments...); err != nil {
		return err
	}
	// A server in single-user mode reads one statement a line.
	setup := append([]string{"create role " + Role + " login", "create database " + Database + " owner " + Role}, s.options.Setup...)
	if err := s.run(ctx, strings.Join(setup, "\n")+"\n", "postgres", "--single", "-c", "exit_on_error=on", "-D", fresh, "postgres"); err != nil {
		return err
	}
	if err := os.Rename(fresh, s.place.cluster); err != nil {
		return fmt.Errorf("take new database: %w", err)
	}
	return syncFolder(filepath.Dir(s.place.cluster))
}

// syncFolder makes a rename in the folder durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open folder of the database: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("sync folder of the database: %w", err)
	}
	return nil
}

// run executes one of the server's programs as the server's user; a failure carries what
// it printed.
func (s *Server) run(ctx context.Context, input, name string, args ...string) error {
	command := exec.CommandContext(ctx, filepath.Join(s.options.Bin, name), args...)
	command.Dir = "/"
	command.Env = serverEnvironment()
	command.SysProcAttr = s.user.attributes()
	command.Stdin = strings.NewReader(input)
	out, err := command.CombinedOutput()
	if err != nil {
		return fault.Wrap(fmt.Errorf("%s: %w: %s", name, err, out), fault.Unavailable,
			"The database could not be made: "+lastLine(string(out))+".",
			"Look at the folder and the free space of "+s.place.home+".")
	}
	return nil
}

// lastLine is the last line that says something.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimRight(strings.TrimSpace(lines[len(lines)-1]), ".")
}
