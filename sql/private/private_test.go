package private_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lib/pq"

	"convertd/runner/fault"
	"convertd/sql/private"
)

// ownerFolder is set in the environment of this test binary when it is started as the
// owner of a server, to be killed or to be somebody else.
const ownerFolder = "CONVERTD_TEST_OWNER"

func TestMain(m *testing.M) {
	if data := os.Getenv(ownerFolder); data != "" {
		os.Exit(own(data))
	}
	os.Exit(run(m))
}

// madeFolder is a data folder whose cluster is made and stopped; tests take copies of it,
// because making one takes seconds.
var madeFolder string

// run makes that folder, runs the tests and removes it.
func run(m *testing.M) int {
	data, err := os.MkdirTemp("", "convertd-private-made-")
	if err == nil {
		err = os.Chmod(data, 0o755)
	}
	var server *private.Server
	if err == nil {
		server, err = private.Start(context.Background(), options(data))
	}
	if err == nil {
		err = server.Stop(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "make a cluster:", err)
		return 1
	}
	madeFolder = data
	code := m.Run()
	if err := os.RemoveAll(data); err != nil {
		fmt.Fprintln(os.Stderr, "remove the cluster:", err)
		return 1
	}
	return code
}

// made returns a folder with a cluster in it.
func made(t *testing.T) string {
	t.Helper()
	data := folder(t)
	if out, err := exec.Command("cp", "-a", filepath.Join(madeFolder, "postgresql"), data).CombinedOutput(); err != nil {
		t.Fatalf("copy cluster: %v: %s", err, out)
	}
	return data
}

func options(data string) private.Options {
	return private.Options{
		Data: data, Log: slog.New(slog.DiscardHandler),
		Settings: map[string]string{"fsync": "off", "shared_buffers": "16MB"},
	}
}

// folder is one that other users may enter, which t.TempDir is not.
func folder(t *testing.T) string {
	t.Helper()
	path, err := os.MkdirTemp("", "convertd-private-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(path); err != nil {
			t.Error(err)
		}
	})
	return path
}

// start starts a server that is stopped with the test.
func start(t *testing.T, o private.Options) *private.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	server, err := private.Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, server) })
	return server
}

func stop(t *testing.T, server *private.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := server.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// ask runs a query that returns one text.
func ask(url, query string) (string, error) {
	pool, err := sql.Open("postgres", url)
	if err != nil {
		return "", err
	}
	var answer string
	err = pool.QueryRow(query).Scan(&answer)
	return answer, errors.Join(err, pool.Close())
}

func want(t *testing.T, url, query, answer string) {
	t.Helper()
	got, err := ask(url, query)
	if err != nil || got != answer {
		t.Errorf("%s = %q, %v, want %q", query, got, err, answer)
	}
}

func TestStart(t *testing.T) {
	t.Parallel()
	data := folder(t)
	server := start(t, options(data))
	want(t, server.URL(), `select current_user || ' in ' || current_database()`, "convertd in convertd")
	want(t, server.URL(), `select concat(rolsuper, rolcreaterole, rolcreatedb, rolreplication) from pg_roles where rolname = current_user`, "ffff")
	want(t, server.URL(), `select concat(current_setting('listen_addresses'), current_setting('synchronous_commit'), current_setting('server_encoding'))`, "onUTF8")
	want(t, server.URL(), `select lower('ÄÖ')`, "äö")
	if _, err := ask(strings.Replace(server.URL(), "user=convertd", "user=postgres", 1), `select 'in'`); pq.As(err) == nil {
		t.Errorf("we may log in as the superuser: %v", err)
	}
	info, err := os.Stat(filepath.Join(data, "postgresql", "run"))
	if err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("socket folder: %v, %v", info.Mode(), err)
	}

	_, err = private.Start(context.Background(), options(data))
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), data) {
		t.Errorf("a second owner: %v", err)
	}

	if _, err := ask(server.URL(), `create table kept (x text); insert into kept values ('kept'); select 'made'`); err != nil {
		t.Fatal(err)
	}
	stop(t, server)
	if _, err := ask(server.URL(), `select 'still there'`); err == nil {
		t.Error("it answers after the stop")
	}
	again := start(t, options(data))
	want(t, again.URL(), `select x from kept`, "kept")
}

// A path too long for a socket address gets its socket elsewhere, and nothing stays there.
func TestLongPath(t *testing.T) {
	t.Parallel()
	data := filepath.Join(folder(t), strings.Repeat("long-", 20))
	server := start(t, options(data))
	want(t, server.URL(), `select current_user::text`, "convertd")
	var socket string
	if err := os.MkdirAll(data, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(server.URL()[strings.Index(server.URL(), "?")+1:], "&") {
		if path, ok := strings.CutPrefix(part, "host="); ok {
			socket = strings.ReplaceAll(path, "%2F", "/")
		}
	}
	if len(socket) > 80 {
		t.Errorf("socket in %s", socket)
	}
	stop(t, server)
	if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", socket, err)
	}
}

// An owner that is killed leaves its server running; the next owner ends that one and
// finds all that was committed.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	data := made(t)
	owner := startOwner(t, data, nil)
	if _, err := ask(owner.url, `create table kept (x text); insert into kept values ('kept'); select 'made'`); err != nil {
		t.Fatal(err)
	}
	left := postmaster(t, data)
	owner.kill(t)
	want(t, owner.url, `select x from kept`, "kept")
	server := start(t, options(data))
	want(t, server.URL(), `select x from kept`, "kept")
	if alive(left) {
		t.Error("the server that was left still runs")
	}
}

// A server that is killed is started again, with all that was committed.
func TestRestart(t *testing.T) {
	t.Parallel()
	data := made(t)
	server := start(t, options(data))
	if _, err := ask(server.URL(), `create table kept (x text); insert into kept values ('kept'); select 'made'`); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(postmaster(t, data), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(30 * time.Second)
	for {
		if answer, err := ask(server.URL(), `select x from kept`); err == nil && answer == "kept" {
			return
		}
		select {
		case <-deadline:
			t.Fatal("it was not started again")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// The note of a dead server whose number a stranger has now does not keep the next one
// from starting.
func TestStaleNote(t *testing.T) {
	t.Parallel()
	data := made(t)
	note := fmt.Sprintf("%d\n%s\n1\n5432\n/nowhere\n\n0 0\nready\n", os.Getpid(), clusterOf(data))
	if err := os.WriteFile(filepath.Join(clusterOf(data), "postmaster.pid"), []byte(note), 0o644); err != nil {
		t.Fatal(err)
	}
	want(t, start(t, options(data)).URL(), `select current_user::text`, "convertd")
}

// A start that was killed while the cluster was made leaves nothing that hinders.
func TestHalfMade(t *testing.T) {
	t.Parallel()
	data := made(t)
	if err := os.Rename(clusterOf(data), filepath.Join(filepath.Dir(clusterOf(data)), "new")); err != nil {
		t.Fatal(err)
	}
	want(t, start(t, options(data)).URL(), `select current_user::text`, "convertd")
}

func TestOtherVersion(t *testing.T) {
	t.Parallel()
	data := made(t)
	if err := os.WriteFile(filepath.Join(clusterOf(data), "PG_VERSION"), []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := private.Start(context.Background(), options(data))
	wantFault(t, err, "PostgreSQL 9", "postgresql-9")
}

func TestServerThatDoesNotStart(t *testing.T) {
	t.Parallel()
	o := options(made(t))
	o.Settings["shared_buffers"] = "nonsense"
	_, err := private.Start(context.Background(), o)
	wantFault(t, err, "shared_buffers", "postgresql/log")
}

func TestShutFolder(t *testing.T) {
	t.Parallel()
	needRoot(t, func() {
		shut := filepath.Join(folder(t), "shut")
		if err := os.Mkdir(shut, 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := private.Start(context.Background(), options(filepath.Join(shut, "data")))
		wantFault(t, err, "postgres, who may not enter "+shut+".", "chmod o+x "+shut)
	})
}

// An ordinary user runs the server as itself.
func TestOrdinaryUser(t *testing.T) {
	t.Parallel()
	needRoot(t, func() {
		const uid = 65534
		data := folder(t)
		if err := os.Chown(data, uid, uid); err != nil {
			t.Fatal(err)
		}
		first := startOwner(t, data, &syscall.Credential{Uid: uid, Gid: uid})
		info, err := os.Stat(clusterOf(data))
		if err != nil || info.Sys().(*syscall.Stat_t).Uid != uid {
			t.Errorf("cluster: %+v, %v", info, err)
		}
		if _, err := ask(first.url, `select 'in'`); pq.As(err) == nil {
			t.Errorf("another user may log in: %v", err)
		}
		first.kill(t)
		second := startOwner(t, data, &syscall.Credential{Uid: uid, Gid: uid})
		left := postmaster(t, data)
		second.end(t)
		if alive(left) {
			t.Error("the server runs after its owner stopped it")
		}
	})
}

// needRoot runs what only root can set up; without it the same ground is covered by all
// other tests, which then run as an ordinary user themselves.
func needRoot(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() == 0 {
		do()
	}
}

func clusterOf(data string) string { return filepath.Join(data, "postgresql", "server", "cluster") }

// postmaster is the number of the server's first process.
func postmaster(t *testing.T, data string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(clusterOf(data), "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// alive reports whether a process runs: one that waits to be reaped does not.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(text), ") ")
	return err == nil && !strings.HasPrefix(rest, "Z")
}

// wantFault checks that an error says the one thing and advises the other.
func wantFault(t *testing.T, err error, message, hint string) {
	t.Helper()
	var found *fault.Error
	if !errors.As(err, &found) || !strings.Contains(found.Message, message) || !strings.Contains(found.Hint, hint) {
		t.Errorf("error = %#v, want %q and the hint %q", err, message, hint)
	}
}
