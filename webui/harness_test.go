package webui_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/runner/syscalltest"
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
	"convertd/webui/client"
)

func TestMain(m *testing.M) {
	if err := syscalltest.Enter(os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if url := os.Getenv(serveVariable); url != "" {
		if err := serveAlone(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(dbtest.Main(m))
}

const adminToken = "the-administrator's-token-of-the-tests"

// patience bounds every wait of a test.
const patience = 20 * time.Second

// bench is one service on a loopback port, with a database and a spool of its own.
type bench struct {
	t    testing.TB
	base string
	// db is the web process's, others is for what a dispatcher does.
	db     *db.DB
	others *db.DB
	jobs   *job.Store
	groups *group.Store
	spool  spool.Spool
	guard  *auth.Guard
	status *statuses
	log    *lockedBuffer
	stop   context.CancelFunc
	// pid is the service's where it is a process of its own.
	pid int
}

// statuses stands for memcached: what a runner or the dispatcher wrote.
type statuses struct {
	mu   sync.Mutex
	docs map[string][]byte
	gets int
	away bool
}

func (s *statuses) Get(_ context.Context, ids []string) (map[string][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gets++
	if s.away {
		return nil, errors.New("away")
	}
	found := map[string][]byte{}
	for _, id := range ids {
		if doc, ok := s.docs[id]; ok {
			found[id] = doc
		}
	}
	return found, nil
}

func (s *statuses) put(status client.Status) {
	doc, _ := json.Marshal(status)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.docs[status.ID] = doc
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// testRecipes are one recipe of each kind that the web has to tell apart.
func testRecipes() *recipe.Set {
	base := recipe.Recipe{Version: "0123456789ab", Queue: "default", Slots: 1, Inputs: recipe.Inputs{Each: true, Min: 1, Max: 1},
		Steps: []recipe.Step{{Command: []string{"cp", "{input}", "{output}/out.bin"}}}, Retry: recipe.Retry{MaxAttempts: 3}}
	number := func(f float64) *float64 { return &f }
	with := func(name string, change func(*recipe.Recipe)) recipe.Recipe {
		r := base
		r.Name = name
		change(&r)
		return r
	}
	return recipe.NewSet([]recipe.Recipe{
		with("copy", func(r *recipe.Recipe) {
			r.Accept, r.To = []string{"*/*"}, []string{"copy"}
			r.Params = []recipe.Param{
				{Name: "quality", Type: recipe.Integer, Min: number(1), Max: number(9), Default: &recipe.Value{"5"}},
				{Name: "title", Type: recipe.String, Optional: true},
				{Name: "colours", Type: recipe.List, Optional: true},
			}
		}),
		with("to-webp", func(r *recipe.Recipe) { r.Accept, r.To = []string{"image/*", ".exr"}, []string{"webp"} }),
		with("merge", func(r *recipe.Recipe) {
			r.Accept, r.Inputs = []string{"text/plain"}, recipe.Inputs{Min: 2, Max: 3}
		}),
		with("button", func(r *recipe.Recipe) {
			r.Accept, r.Inputs, r.Shared = nil, recipe.Inputs{Each: true}, true
			r.Visible.Anonymous = true
		}),
		with("restart", func(r *recipe.Recipe) {
			r.Accept, r.Inputs, r.Shared = nil, recipe.Inputs{Each: true}, true
			r.Confirm = recipe.Text{"": "Everybody is cut off."}
			r.Concurrency = recipe.Concurrency{Key: "restart", Reject: true}
			r.Params = []recipe.Param{
				{Name: "host", Type: recipe.Choice, Choices: []recipe.ParamChoice{{Value: "web1"}, {Value: "web2"}}, Default: &recipe.Value{"web1"}},
			}
		}),
		with("deploy", func(r *recipe.Recipe) {
			r.Accept, r.Inputs = nil, recipe.Inputs{Each: true}
			r.Access.Hosts = []string{"prod.example"}
		}),
		with("missing-tool", func(r *recipe.Recipe) {
			r.Accept = []string{"*/*"}
			r.Steps = []recipe.Step{{Command: []string{"no-such-program-anywhere", "{input}"}}}
			r.Needs.Packages = []string{"no-such-package"}
		}),
	}, nil)
}

func setup(t testing.TB, change ...func(*webui.Options)) *bench {
	t.Helper()
	address := dbtest.URL(t)
	database := openAs(t, dbtest.Web, address)
	b := &bench{t: t, db: database, others: openAs(t, dbtest.Dispatcher, address), log: &lockedBuffer{},
		spool: spool.New(filepath.Join(t.TempDir(), "spool")), status: &statuses{docs: map[string][]byte{}}}
	jobs := job.NewStore(database)
	b.jobs, b.groups = job.NewStore(b.others), group.NewStore(database, jobs)
	if err := os.MkdirAll(b.spool.Root(), 0o755); err != nil {
		t.Fatal(err)
	}
	b.guard = auth.New(auth.Options{AdminToken: adminToken, UserHeader: "X-Remote-User",
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	presence, err := idempotency.Attend(context.Background(), database, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(presence.Close)
	set := testRecipes()
	o := webui.Options{
		Jobs: jobs, Groups: b.groups, Keys: idempotency.NewStore(database), Queues: queue.NewStore(database), Roster: roster.NewStore(database), Refusals: refused.NewStore(database), Findings: check.NewStore(database), Drops: drop.NewStore(database), Acts: audit.NewStore(database), Declarations: declaration.NewStore(database), Instance: presence.Number(),
		Recipes: func() *recipe.Set { return set }, Status: b.status, Spool: b.spool, Guard: b.guard,
		Ready: func(ctx context.Context) error { return database.PingContext(ctx) },
		Log:   slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&o)
	}
	b.serve(o)
	return b
}

// openAs opens the database with the rights of a role, as the service does when it is
// installed.
func openAs(t testing.TB, role, address string) *db.DB {
	t.Helper()
	database, err := db.Open(context.Background(), dbtest.As(role, address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Close() }) // a test may have closed it already
	return database
}

func (b *bench) serve(o webui.Options) {
	b.t.Helper()
	server, err := webui.New(o)
	if err != nil {
		b.t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	b.base = "http://" + listener.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, listener) }()
	b.t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			b.t.Errorf("serve: %v", err)
		}
	})
}

// upload is one file of a form.
type upload struct{ name, content string }

// formBody writes a form the way curl does; fields are NAME=VALUE.
func formBody(t testing.TB, fields []string, files ...upload) (body *bytes.Buffer, contentType string) {
	t.Helper()
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range files {
		part, err := w.CreateFormFile("file", f.name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(part, f.content)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return body, w.FormDataContentType()
}

// answer is a whole answer.
type answer struct {
	*http.Response
	body []byte
}

func (a answer) problem(t testing.TB) client.Problem {
	t.Helper()
	var p client.Problem
	if err := json.Unmarshal(a.body, &p); err != nil || a.Header.Get("Content-Type") != "application/problem+json" || p.Status != a.StatusCode || p.Detail == "" {
		t.Fatalf("no problem document: %d %s %s", a.StatusCode, a.Header.Get("Content-Type"), a.body)
	}
	return p
}

func (a answer) job(t testing.TB, status int) client.Job {
	t.Helper()
	var j client.Job
	if a.StatusCode != status || json.Unmarshal(a.body, &j) != nil {
		t.Fatalf("got %d %s, want a job document with %d", a.StatusCode, a.body, status)
	}
	return j
}

// do sends a request; headers are NAME: VALUE. It follows no redirects.
func (b *bench) do(method, path string, body io.Reader, headers ...string) answer {
	b.t.Helper()
	r, err := http.NewRequest(method, b.base+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	return b.send(r)
}

func (b *bench) send(r *http.Request) answer {
	b.t.Helper()
	c := http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := c.Do(r)
	if err != nil {
		b.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return answer{response, text}
}

func (b *bench) get(path string, headers ...string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil, headers...)
}

// submit sends a form.
func (b *bench) submit(fields []string, files ...upload) answer {
	b.t.Helper()
	body, contentType := formBody(b.t, fields, files...)
	return b.do(http.MethodPost, "/api/v1/jobs", body, "Content-Type: "+contentType)
}

// made submits one file for copying.
func (b *bench) made() client.Job {
	b.t.Helper()
	return b.submit([]string{"recipe=copy"}, upload{"päth.txt", "hello"}).job(b.t, http.StatusAccepted)
}

// claim makes the oldest job running, as a dispatcher does.
func (b *bench) claim() job.Claimed {
	b.t.Helper()
	claimed, err := b.jobs.Claim(context.Background(), job.Claimer{Dispatcher: "test", BootID: "boot"}, 1, nil)
	if err != nil || len(claimed) != 1 {
		b.t.Fatalf("claim: %v, %d jobs", err, len(claimed))
	}
	confirmed, err := b.jobs.Confirm(context.Background(), claimed)
	if err != nil || len(confirmed) != 1 {
		b.t.Fatalf("confirm: %v, %d jobs", err, len(confirmed))
	}
	return confirmed[0]
}

// finish ends a running job with the outputs, given as name and content.
func (b *bench) finish(c job.Claimed, class fault.Class, outputs ...upload) {
	b.t.Helper()
	end := job.End{ID: c.ID, Attempt: c.Attempt, Token: c.Token, Next: job.Failed, CountFailure: class != fault.Succeeded,
		Result: &job.Result{Class: class, Detail: "The file is no good.", Hint: "Send another.", Usage: job.Usage{WallSeconds: 1.5}}}
	if class == fault.Succeeded {
		end.Next, end.Result.Detail, end.Result.Hint = job.Succeeded, "", ""
	}
	dir := b.spool.Job(c.ID).Out(c.Attempt)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	for i, out := range outputs {
		file := fmt.Sprint(i + 1)
		if err := os.WriteFile(filepath.Join(dir, file), []byte(out.content), 0o644); err != nil {
			b.t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(out.content))
		end.Outputs = append(end.Outputs, job.Output{File: file, Name: out.name, Size: int64(len(out.content)),
			SHA256: hex.EncodeToString(sum[:]), MediaType: typeOf(out.name)})
	}
	applied, err := b.jobs.Finish(context.Background(), []job.End{end})
	if err != nil || !applied[0] {
		b.t.Fatalf("finish: %v, applied %v", err, applied)
	}
}

func typeOf(name string) string {
	switch filepath.Ext(name) {
	case ".html":
		return "text/html"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".mp4":
		return "video/mp4"
	case ".wav":
		return "audio/wav"
	}
	return "text/plain"
}

// done submits, runs and ends a job with outputs.
func (b *bench) done(outputs ...upload) client.Job {
	b.t.Helper()
	j := b.made()
	b.finish(b.claim(), fault.Succeeded, outputs...)
	return b.get("/api/v1/jobs/"+j.ID).job(b.t, http.StatusOK)
}

// nothingLeft checks that a refused submission left no row and no file.
func (b *bench) nothingLeft() {
	b.t.Helper()
	if files := b.files(); len(files) > 0 {
		b.t.Errorf("files are left: %q", files)
	}
	page, err := b.jobs.List(context.Background(), job.Filter{})
	if err != nil || len(page.Jobs) > 0 {
		b.t.Errorf("rows are left: %d, %v", len(page.Jobs), err)
	}
}

// files lists all regular files of the spool but for the notes of what was accepted.
func (b *bench) files() []string {
	b.t.Helper()
	var files []string
	err := filepath.WalkDir(b.spool.Root(), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && entry.Name() != "accepted.json" {
			files = append(files, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // going away at this moment
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return files
}

// eventually waits until a condition holds.
func (b *bench) eventually(what string, holds func() bool) {
	b.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-deadline.C:
			b.t.Fatalf("in vain: %s", what)
		}
	}
}

// path is a link of a document without its origin.
func path(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return link
	}
	return u.RequestURI()
}

func opener(content string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }
}

func readString(t testing.TB, r io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func hexSum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// list returns all jobs.
func (b *bench) list() []job.Job {
	b.t.Helper()
	page, err := b.jobs.List(context.Background(), job.Filter{})
	if err != nil {
		b.t.Fatal(err)
	}
	return page.Jobs
}
