package chaos

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"convertd/cmd/convertd/chaos/verdict"
	"convertd/sql/db"
	"convertd/sql/private"
)

// patience is how long a trial waits for what must happen once nothing is disturbed any
// more; it is long because machines that test are busy.
const patience = 5 * time.Minute

// diaryFile is what all steps append to.
const diaryFile = "diary.jsonl"

// world is one service under trial, and all that is known of what happened to it.
type world struct {
	t    *testing.T
	seed uint64
	// root holds everything; its folders are those of layOut.
	root    string
	address string
	token   string
	log     *slog.Logger

	database *private.Server
	db       *db.DB
	cache    *program
	web      *program
	// dispatchers are two: one serves, the other waits for its end.
	dispatchers []*program
	mailbox     *mailbox
	// held are processes that are stopped for a moment; halting is locked while somebody
	// has paused a queue or told the dispatchers to drain.
	held    sync.WaitGroup
	halting sync.Mutex

	mu        sync.Mutex
	requests  []*verdict.Request
	sightings [][]verdict.Sighting
	kills     []verdict.Kill
	stops     []time.Duration
	heard     [][]verdict.Heard
	halts     []verdict.Halt
	// complaints are answers that a service must not give.
	complaints []string
	// done counts disturbances by what they were.
	done map[string]int
	// live are ids of jobs that were accepted lately.
	live []string
}

func (w *world) path(names ...string) string {
	return filepath.Join(append([]string{w.root}, names...)...)
}

// stream is the random numbers of one part of the trial.
func (w *world) stream(of uint64) *mathrand.Rand { return mathrand.New(mathrand.NewPCG(w.seed, of)) }

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{t: t, seed: seed, token: rand.Text(), done: map[string]int{}}
	w.layOut()
	log, err := os.Create(w.path("log", "trial"))
	w.must(err)
	t.Cleanup(func() { _ = log.Close() })
	w.log = slog.New(slog.NewTextHandler(log, nil))
	w.mailbox = startMailbox(t, w.stream(1))
	w.database, err = private.Start(t.Context(), private.Options{Data: w.path("data"), Log: w.log, DieWithParent: true})
	w.must(err)
	t.Cleanup(w.stopDatabase)
	w.db, err = db.Open(t.Context(), w.database.URL())
	w.must(err)
	t.Cleanup(func() { _ = w.db.Close() })
	w.must(w.db.Migrate(t.Context()))
	w.address = freeAddress(t)
	w.must(os.WriteFile(w.path("convertd.toml"), []byte(w.settings()), 0o600))
	w.startPrograms()
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// layOut makes the folders: the programs, the diary, the spool and the rest apart, since
// the box of a step holds the first two.
func (w *world) layOut() {
	w.t.Helper()
	root, err := os.MkdirTemp("", "chaos-")
	w.must(err)
	w.root = root
	w.t.Cleanup(func() { _ = os.RemoveAll(root) })
	w.must(os.Chmod(root, 0o755))
	for name, mode := range map[string]os.FileMode{"data": 0o711, "spool": 0o755, "recipes": 0o755, "log": 0o755, "cache": 0o777, "diary": 0o777} {
		w.must(os.Mkdir(w.path(name), 0o755))
		w.must(os.Chmod(w.path(name), mode))
	}
	w.must(os.WriteFile(w.path("diary", diaryFile), nil, 0o666))
	w.must(os.Chmod(w.path("diary", diaryFile), 0o666))
	w.must(writeRecipes(w.path("recipes"), filepath.Join(binDir, actorName), w.path("diary")))
}

func (w *world) settings() string {
	return fmt.Sprintf(`
[web]
listen = %q
admin_token = %q
user_header = "X-Remote-User"
trusted_proxies = ["127.0.0.1"]
[database]
url = %q
[memcached]
address = %q
[spool]
dir = %q
[recipes]
dir = %q
[mail]
smtp = %q
from = "convertd@studio.example"
admin = "admin@studio.example"
user_addresses = "any"
%s`, w.address, w.token, w.database.URL(), w.path("cache", "socket"), w.path("spool"), w.path("recipes"), w.mailbox.address, laneSettings)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (w *world) startPrograms() {
	convertd := func(args ...string) []string {
		return append([]string{filepath.Join(binDir, "convertd"), "--config", w.path("convertd.toml")}, args...)
	}
	w.cache = w.keepRunning("memcached", 2, func() ([]string, []string) {
		return []string{"memcached", "-s", w.path("cache", "socket"), "-a", "0777", "-U", "0", "-m", "16", "-c", "4096", "-u", "nobody"}, nil
	})
	accepting := newPlaces(w.stream(3), 20, webPlaces())
	w.web = w.keepRunning("web", 4, func() ([]string, []string) {
		return convertd("web"), accepting.next()
	})
	w.web.places = accepting
	steps := newPlaces(w.stream(5), 3, dispatcherPlaces())
	for i := range uint64(2) {
		random := w.stream(6 + i)
		w.dispatchers = append(w.dispatchers, w.keepRunning(fmt.Sprintf("dispatcher-%d", i+1), 8+i, func() ([]string, []string) {
			args := convertd("dispatcher")
			if random.IntN(2) == 0 {
				args = append(args, "--stop-jobs")
			}
			return args, steps.next()
		}))
		w.dispatchers[i].places = steps
	}
	w.t.Cleanup(w.endPrograms)
}

// endPrograms ends what still runs, however the trial went.
func (w *world) endPrograms() {
	for _, p := range append([]*program{w.web, w.cache}, w.dispatchers...) {
		p.end()
	}
}

func (w *world) stopDatabase() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := w.database.Stop(ctx); err != nil {
		w.t.Errorf("stop the database: %v", err)
	}
}

// until waits for something that must come.
func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for !is() {
		select {
		case <-deadline.C:
			w.t.Errorf("waited in vain: %s; the logs are in %s", what, w.keep())
			w.t.FailNow()
		case <-look.C:
		}
	}
}

// keep copies logs, those of jobs too, and diary to where they outlive the trial, and says where.
func (w *world) keep() string {
	dir, err := os.MkdirTemp("", "convertd-chaos-kept-")
	if err != nil {
		return err.Error()
	}
	for _, from := range []string{w.path("log"), w.path("diary")} {
		entries, err := os.ReadDir(from)
		if err != nil {
			return err.Error()
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".lock") {
				continue
			}
			if err := copyFile(filepath.Join(from, e.Name()), filepath.Join(dir, e.Name())); err != nil {
				return err.Error()
			}
		}
	}
	logs, err := filepath.Glob(w.path("spool", "??", "*", "log.*"))
	if err != nil {
		return err.Error()
	}
	for _, path := range logs {
		if err := copyFile(path, filepath.Join(dir, filepath.Base(filepath.Dir(path))+"-"+filepath.Base(path))); err != nil {
			return err.Error()
		}
	}
	return dir
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.Create(to)
	if err != nil {
		return err
	}
	defer target.Close()
	_, err = io.Copy(target, source)
	return err
}

// count notes a disturbance.
func (w *world) count(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done[what]++
}
