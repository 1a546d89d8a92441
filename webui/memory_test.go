package webui_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/sql/audit"
	"convertd/sql/check"
	"convertd/sql/db"
	"convertd/sql/dbtest"
	"convertd/sql/declaration"
	"convertd/sql/drop"
	"convertd/sql/group"
	"convertd/sql/idempotency"
	"convertd/sql/job"
	"convertd/sql/queue"
	"convertd/sql/refused"
	"convertd/sql/roster"
	"convertd/webui"
	"convertd/webui/auth"
)

var uploadSize = flag.Int64("upload", 256<<20, "bytes of the large upload")

// maxResident is how much memory a process may use that takes a file of any size.
const maxResident = 64 << 20

// serveVariable names the database to the process that is measured, serveSpool its spool.
const (
	serveVariable = "WEBUI_TEST_DATABASE"
	serveSpool    = "WEBUI_TEST_SPOOL"
)

// serveAlone is the process that is measured: nothing but the service. It ends with its
// standard input.
func serveAlone(url string) error {
	database, err := db.Open(context.Background(), url)
	if err != nil {
		return err
	}
	jobs := job.NewStore(database)
	set := testRecipes()
	server, err := webui.New(webui.Options{
		Jobs: jobs, Groups: group.NewStore(database, jobs), Keys: idempotency.NewStore(database), Queues: queue.NewStore(database), Roster: roster.NewStore(database), Refusals: refused.NewStore(database), Findings: check.NewStore(database), Drops: drop.NewStore(database), Acts: audit.NewStore(database), Declarations: declaration.NewStore(database),
		Recipes: func() *recipe.Set { return set }, Status: &statuses{}, Spool: spool.New(os.Getenv(serveSpool)),
		Guard: auth.New(auth.Options{}),
		Log:   slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("listening", listener.Addr())
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	return server.Serve(ctx, listener)
}

// processOfItsOwn starts the service as a process of its own.
func processOfItsOwn(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t}
	b.spool = spool.New(filepath.Join(t.TempDir(), "spool"))
	if err := os.Mkdir(b.spool.Root(), 0o755); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(program)
	server.Env = append(os.Environ(), serveVariable+"="+dbtest.URL(t), serveSpool+"="+b.spool.Root())
	server.Stderr = os.Stderr
	stdin, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := server.Wait(); err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	b.base, b.pid = "http://"+strings.TrimSpace(strings.TrimPrefix(line, "listening")), server.Process.Pid
	return b
}

func TestUpload_of_any_size_keeps_the_memory_flat(t *testing.T) {
	t.Parallel()
	b := processOfItsOwn(t)
	b.sendLarge(*uploadSize)
	peak := peakMemory(t, b.pid)
	t.Logf("%d MiB sent, %d MiB resident at most", *uploadSize>>20, peak>>20)
	if peak > maxResident {
		t.Errorf("%d bytes resident for an upload of %d", peak, *uploadSize)
	}
}

// sendLarge uploads size bytes that exist nowhere as a whole.
func (b *bench) sendLarge(size int64) {
	b.t.Helper()
	body, pipe := io.Pipe()
	w := multipart.NewWriter(pipe)
	go func() {
		_ = w.WriteField("recipe", "copy")
		part, _ := w.CreateFormFile("file", "large.bin")
		block := make([]byte, 1<<20)
		for left := size; left > 0; left -= int64(len(block)) {
			_, _ = part.Write(block[:min(left, int64(len(block)))])
		}
		_ = pipe.CloseWithError(w.Close())
	}()
	response, err := http.Post(b.base+"/api/v1/jobs", w.FormDataContentType(), body)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	if text := readString(b.t, response.Body); response.StatusCode != http.StatusAccepted || !strings.Contains(text, `"size":`+strconv.FormatInt(size, 10)) {
		b.t.Errorf("%d %s", response.StatusCode, text)
	}
}

// peakMemory is the most memory a process had resident, in bytes.
func peakMemory(t testing.TB, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}
