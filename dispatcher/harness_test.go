package dispatcher

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convertd/runner/progress/store"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/runner/syscalltest"
	"convertd/sql/db"
	"convertd/sql/dbtest"
	"convertd/sql/job"
)

// runnerPath is the real child, built once for all tests.
var runnerPath string

func TestMain(m *testing.M) {
	if err := syscalltest.Enter(os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(playRole(role))
	}
	os.Exit(runTests(m))
}

// programsVariable names a folder with the programs that the tests execute, for a machine
// without a Go compiler; without it they are built.
const programsVariable = "CONVERTD_TEST_PROGRAMS"

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "convertd-dispatcher-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	runnerPath = filepath.Join(dir, "convertd-runner")
	build := exec.Command("go", "build", "-o", dir, "convertd/cmd/convertd-runner", "convertd/cmd/convertd-net")
	if made := os.Getenv(programsVariable); made != "" {
		build = exec.Command("cp", filepath.Join(made, "convertd-runner"), filepath.Join(made, "convertd-net"), dir)
	}
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build convertd-runner: %v\n%s", err, out)
		return 1
	}
	// Steps run as other users, which must get to the child.
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return dbtest.Main(m)
}

// patience is how long a test waits for something that must happen; it is long because
// machines that test are busy.
const patience = 60 * time.Second

// world is everything a dispatcher needs, for one test.
type world struct {
	t       testing.TB
	db      *db.DB
	url     string
	jobs    *job.Store
	spool   spool.Spool
	cache   *memcached
	recipes *recipe.Set
	opts    Options
}

func newWorld(t testing.TB, recipes ...recipe.Recipe) *world {
	t.Helper()
	w := &world{t: t, url: dbtest.As(dbtest.Dispatcher, dbtest.URL(t)), cache: startMemcached(t)}
	var err error
	if w.db, err = db.Open(context.Background(), w.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.db.Close() })
	w.jobs = job.NewStore(w.db)
	w.spool = spool.New(filepath.Join(openDir(t), "spool"))
	w.recipes = recipe.NewSet(recipes, nil)
	w.opts = w.options(w.db, w.cache.store)
	return w
}

// openDir is a folder that other users can get to.
func openDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (w *world) options(database *db.DB, status Status) Options {
	return Options{
		DB: database, DatabaseURL: w.url, Spool: w.spool, Recipes: w.recipes, Status: status,
		Runner: runnerPath, Log: testLog(w.t),
		Lanes: Lanes{Slots: 2}, Box: Box{UIDBase: 64000},
		Stop:  StopSafely,
		Times: Times{Poll: 100 * time.Millisecond, RetryBase: 20 * time.Millisecond, Sweep: 100 * time.Millisecond},
	}
}

func testLog(t testing.TB) *slog.Logger {
	if !testing.Verbose() {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(testWriter{t}, nil))
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimRight(string(b), "\n"))
	return len(b), nil
}

// served is a dispatcher at work.
type served struct {
	*Dispatcher
	t    testing.TB
	done chan struct{}
	err  error
	end  context.CancelFunc
}

// serve starts a dispatcher and ends it with the test, if that has not done so.
func (w *world) serve(opts Options, change ...func(*Dispatcher)) *served {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &served{Dispatcher: New(opts), t: w.t, done: make(chan struct{}), end: cancel}
	for _, c := range change {
		c(s.Dispatcher)
	}
	go func() {
		defer close(s.done)
		s.err = s.Run(ctx)
	}()
	w.t.Cleanup(s.stop)
	return s
}

// stop ends the dispatcher as its options say and waits for it.
func (s *served) stop() {
	s.t.Helper()
	s.end()
	select {
	case <-s.done:
		if s.err != nil {
			s.t.Errorf("dispatcher: %v", s.err)
		}
	case <-time.After(patience):
		s.t.Error("the dispatcher does not stop")
	}
}

// shell is a recipe that runs a shell script with the input as $1 and the output
// file, but for its extension, as $2.
func shell(name, script string, change ...func(*recipe.Recipe)) recipe.Recipe {
	r := recipe.Recipe{
		Name: name, Version: "0123456789ab", Queue: "default", Slots: 1, Source: "/etc/convertd/recipes/" + name + ".toml",
		Inputs:  recipe.Inputs{Each: true, Min: 1, Max: 1},
		Steps:   []recipe.Step{{Name: "work", Command: []string{"/bin/sh", "-c", script, "sh", "{input}", "{output}/{stem}"}}},
		Outputs: []recipe.Output{{Match: "*", Min: 1}},
		Limits:  recipe.Limits{Time: time.Minute, Grace: time.Second, Memory: 512 << 20},
		Retry:   recipe.Retry{MaxAttempts: 3},
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

// submit accepts a job with one input, as the web process does.
func (w *world) submit(recipeName, content string, change ...func(*job.Draft)) string {
	w.t.Helper()
	id := w.prepare(content)
	w.insert(id, recipeName, content, change...)
	return id
}

// prepare puts the input of a job where it belongs; the job is made by insert.
func (w *world) prepare(content string) (id string) {
	w.t.Helper()
	id = rand.Text()
	dir := w.spool.Job(id)
	if err := os.MkdirAll(dir.In(), 0o711); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir.In(), "1.txt"), []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) insert(id, recipeName, content string, change ...func(*job.Draft)) {
	w.t.Helper()
	sum := sha256.Sum256([]byte(content))
	d := job.Draft{
		Identity: job.Identity{ID: id, Owner: "ann"},
		Request:  job.Request{Recipe: recipeName, RecipeVersion: "0123456789ab", Queue: "default"},
		Inputs: []job.Input{{Number: 1, File: "1.txt", Name: "my file.txt", Size: int64(len(content)),
			SHA256: hex.EncodeToString(sum[:]), MediaType: "text/plain"}},
		MaxAttempts: 3,
	}
	for _, c := range change {
		c(&d)
	}
	if _, err := w.jobs.Insert(context.Background(), d); err != nil {
		w.t.Fatal(err)
	}
}

// until waits for a condition.
func until(t testing.TB, what string, is func() bool, more ...func() any) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for !is() {
		select {
		case <-deadline.C:
			for _, tell := range more {
				t.Logf("%+v", tell())
			}
			t.Fatalf("waited in vain: %s", what)
		case <-look.C:
		}
	}
}

// await waits until a job is in a state and returns it.
func (w *world) await(id string, state job.State) job.Job {
	w.t.Helper()
	var j job.Job
	until(w.t, fmt.Sprintf("job is %s", state), func() bool {
		var err error
		if j, err = w.jobs.Find(context.Background(), id); err != nil {
			w.t.Fatal(err)
		}
		if j.State.Ended() && j.State != state {
			w.t.Fatalf("job ended %s (%+v), want %s", j.State, j.Result, state)
		}
		return j.State == state
	}, func() any { return j }, w.sessions)
	return j
}

// sessions tells what the database is doing, for a test that waits in vain.
func (w *world) sessions() any {
	var found []struct {
		State, Waits, Query string
	}
	err := w.db.Select(&found, `select coalesce(state, '') as state, coalesce(wait_event, '') as waits, left(query, 80) as query
		from pg_stat_activity where datname = current_database()`)
	return fmt.Sprint(found, err)
}

// awaitFile waits for a file to hold something and returns it.
func awaitFile(t testing.TB, path string) string {
	t.Helper()
	var b []byte
	until(t, path+" is written", func() bool {
		b, _ = os.ReadFile(path)
		return len(b) > 0
	})
	return string(b)
}

// checkClean fails if anything of an attempt is left.
func (w *world) checkClean(id string, attempt int) {
	w.t.Helper()
	dir := w.spool.Job(id)
	until(w.t, "traces of the attempt are removed", func() bool {
		for _, path := range []string{dir.Lock(attempt), dir.Child(attempt), dir.Work(attempt)} {
			if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				return false
			}
		}
		return true
	})
}

// memcached is a real one on a unix socket.
type memcached struct {
	socket string
	cmd    *exec.Cmd
	store  *store.Store
}

func startMemcached(t testing.TB) *memcached {
	t.Helper()
	m := &memcached{socket: filepath.Join(openDir(t), "m.sock")}
	m.start(t)
	var err error
	if m.store, err = store.Open(m.socket); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.store.Close(); m.kill() })
	until(t, "memcached answers", func() bool { return m.store.Ping() == nil })
	return m
}

func (m *memcached) start(t testing.TB) {
	t.Helper()
	m.cmd = exec.Command("memcached", "-s", m.socket, "-a", "0700", "-U", "0", "-u", "root", "-m", "16")
	if err := m.cmd.Start(); err != nil {
		t.Fatalf("start memcached (package memcached): %v", err)
	}
}

func (m *memcached) kill() {
	_ = m.cmd.Process.Kill()
	_ = m.cmd.Wait()
}
