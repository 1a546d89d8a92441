package webui_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"convertd/runner/spool"
	"convertd/runner/syscalltest"
	"convertd/sql/db"
	"convertd/sql/dbtest"
	"convertd/sql/group"
	"convertd/sql/job"
	"convertd/webui"
)

// TestFault has the rows of the table of faults that concern the web process; the others
// are in the rooms that they concern.
func TestFault(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		try  func(*testing.T)
	}{
		{"F04_killed_in_an_upload", faultKilledInAnUpload},
		{"F09_database_ill", faultDatabaseIll},
		{"F11_keys_of_others", faultKeysOfOthers},
		{"F12_F13_disk_of_uploads", faultDiskOfUploads},
		{"F13_sync_of_a_resumable_upload", faultSyncOfAResumableUpload},
		{"F10_note_beside_the_files", faultNoteBesideTheFiles},
		{"F22_addresses", faultAddresses},
		{"F23_spool_hurt", faultSpoolHurt},
	} {
		t.Run(row.name, row.try)
	}
}

// alone is the service in a process of its own that can be killed.
type alone struct {
	*bench
	cmd   *exec.Cmd
	stdin io.Closer
}

// aloneOn starts one on a database and a spool.
func aloneOn(t *testing.T, url string, s spool.Spool, env ...string) *alone {
	t.Helper()
	p := &alone{bench: &bench{t: t, spool: s}, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(append(os.Environ(), serveVariable+"="+url, serveSpool+"="+s.Root()), env...)
	if testing.Verbose() {
		p.cmd.Stderr = os.Stderr
	}
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.end)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	p.base = "http://" + strings.TrimSpace(strings.TrimPrefix(line, "listening"))
	return p
}

func (p *alone) end() {
	_ = p.stdin.Close()
	_ = p.cmd.Wait()
}

// newSpool is an empty folder.
func newSpool(t *testing.T) spool.Spool {
	t.Helper()
	s := spool.New(filepath.Join(t.TempDir(), "spool"))
	if err := os.Mkdir(s.Root(), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

// tried submits a file and returns the status, 0 when the connection broke.
func (b *bench) tried(content string) (status int, body string) {
	b.t.Helper()
	form, contentType := formBody(b.t, []string{"recipe=copy"}, upload{"a.txt", content})
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Post(b.base+"/api/v1/jobs", contentType, form)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(text)
}

// step is a call of an upload by which the spool changes: its name, and the path without
// what differs from job to job.
type step struct{ call, path string }

// steps watches a process and tells which step of an upload a call is.
type steps struct {
	mu   sync.Mutex
	root string
	seen []step
	// ill is what becomes of a step.
	ill func(step) syscalltest.Verdict
}

func (s *steps) judge(c syscalltest.Call) syscalltest.Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest, ours := strings.CutPrefix(c.Path, s.root)
	if !ours {
		return syscalltest.Verdict{}
	}
	made := step{c.Name, withoutIDs(rest)}
	s.seen = append(s.seen, made)
	if s.ill == nil {
		return syscalltest.Verdict{}
	}
	return s.ill(made)
}

// withoutIDs puts ID and ab for the id of a job and its first letters.
func withoutIDs(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		id, suffix, _ := strings.Cut(part, ".")
		switch {
		case len(id) == 26 && suffix != "":
			parts[i] = "ID." + suffix
		case len(id) == 26:
			parts[i] = "ID"
		case len(part) == 2 && part != "in":
			parts[i] = "ab"
		}
	}
	return strings.Join(parts, "/")
}

func (s *steps) become(ill func(step) syscalltest.Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ill, s.seen = ill, nil
}

// took returns the steps of what happened since become, each once.
func (s *steps) took() (all []step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := map[step]bool{}
	for _, one := range s.seen {
		if !known[one] {
			known[one] = true
			all = append(all, one)
		}
	}
	return all
}

// stepsOfAnUpload are those of one that goes well, as a process makes them. The first one
// makes folders that later ones find, so the second is looked at.
func stepsOfAnUpload(t *testing.T, s *steps, p *alone) (took []step) {
	t.Helper()
	for range uploadsBefore {
		s.become(nil)
		if status, body := p.tried("hello"); status != http.StatusAccepted {
			t.Fatalf("%d %s", status, body)
		}
		took = s.took()
	}
	if len(took) < 12 {
		t.Fatalf("an upload took only the steps %v", took)
	}
	return took
}

// uploadsBefore is how many uploads stepsOfAnUpload makes.
const uploadsBefore = 2

// unlocks reports the end of a lock, which says nothing about the disk.
func (s step) unlocks() bool { return s.afterCommit() || s == step{"close", "/uploads"} }

// afterCommit reports a step behind the commit: the note beside the files, and giving back
// the lock.
func (s step) afterCommit() bool {
	return s == step{"close", "/ab/ID"} || strings.HasSuffix(s.path, "/accepted.json")
}

// faultKilledInAnUpload kills the web process before each step of an upload, and before
// and behind the commit. What was answered 202 is there as a whole; nothing is half there.
func faultKilledInAnUpload(t *testing.T) {
	t.Parallel()
	url, s := dbtest.URL(t), newSpool(t)
	w := &steps{root: s.Root()}
	env := syscalltest.Watch(t, w.judge)
	p := aloneOn(t, url, s, env...)
	took := stepsOfAnUpload(t, w, p)
	p.end()
	accepted := uploadsBefore
	for _, at := range took {
		if at.call == "close" && !at.afterCommit() {
			continue // a close changes nothing on the disk
		}
		w.become(nil)
		p := aloneOn(t, url, s, env...)
		met := false
		w.become(func(now step) syscalltest.Verdict {
			met = met || now == at
			return syscalltest.Verdict{Kill: now == at}
		})
		status, body := p.tried("hello")
		p.end()
		if met != (status == 0) || !met && status != http.StatusAccepted {
			t.Errorf("killed before %v: %d %s", at, status, body)
		}
		if !met || at.afterCommit() {
			accepted++ // or a folder that this step makes was there
		}
		wholeOrNotAtAll(t, url, s, accepted)
	}
	for _, cut := range []dbtest.Cut{dbtest.Before, dbtest.Behind} {
		accepted += killedAtTheCommit(t, url, s, cut, accepted)
	}
}

// killedAtTheCommit kills a process when it says the insert, and returns how many jobs
// were made all the same.
func killedAtTheCommit(t *testing.T, url string, s spool.Spool, cut dbtest.Cut, before int) int {
	t.Helper()
	proxy := dbtest.NewProxy(t, url)
	p := aloneOn(t, proxy.URL, s)
	proxy.Watch(func(said []byte) dbtest.Cut {
		if !bytes.Contains(said, []byte(`"recipe_version"`)) {
			return dbtest.Never
		}
		_ = p.cmd.Process.Kill()
		return cut
	})
	if status, body := p.tried("hello"); status != 0 {
		t.Errorf("killed at the commit: %d %s", status, body)
	}
	p.end()
	made := 0
	if cut == dbtest.Behind {
		made = 1
		b := &bench{t: t}
		database := openDatabase(t, url)
		b.eventually("the server has carried out what it was told", func() bool {
			var n int
			return database.Get(&n, `select count(*) from job`) == nil && n == before+made
		})
	}
	wholeOrNotAtAll(t, url, s, before+made)
	return made
}

func openDatabase(t *testing.T, url string) *db.DB {
	t.Helper()
	database, err := db.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Close() })
	return database
}

// wholeOrNotAtAll fails unless there are so many jobs, all with their bytes.
func wholeOrNotAtAll(t *testing.T, url string, s spool.Spool, jobs int) {
	t.Helper()
	database, err := db.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	page, err := job.NewStore(database).List(context.Background(), job.Filter{Limit: 100})
	if err != nil || len(page.Jobs) != jobs {
		t.Errorf("%d jobs, want %d: %v", len(page.Jobs), jobs, err)
	}
	for _, j := range page.Jobs {
		if content, err := os.ReadFile(filepath.Join(s.Job(j.ID).In(), j.Inputs[0].File)); string(content) != "hello" {
			t.Errorf("an input is %q: %v", content, err)
		}
	}
	if err := s.RemoveDeadDrafts(); err != nil { // the next process does that first
		t.Error(err)
	}
	if entries, err := os.ReadDir(s.Uploads()); err != nil && !errors.Is(err, os.ErrNotExist) || len(entries) > 0 {
		t.Errorf("drafts are left: %v, %v", entries, err)
	}
}

// faultDiskOfUploads fails each step of an upload in each of the ways of a disk: refused,
// nothing left, and as if nothing had been when the disk is well again.
func faultDiskOfUploads(t *testing.T) {
	t.Parallel()
	url, s := dbtest.URL(t), newSpool(t)
	w := &steps{root: s.Root()}
	p := aloneOn(t, url, s, syscalltest.Watch(t, w.judge)...)
	took := stepsOfAnUpload(t, w, p)
	files := len(p.files())
	for _, at := range took {
		for _, errno := range []unix.Errno{unix.ENOSPC, unix.EDQUOT, unix.EIO} {
			met := false
			w.become(func(now step) (v syscalltest.Verdict) {
				if now == at && !met {
					met, v.Errno = true, errno
				}
				return v
			})
			status, body := p.tried("hello")
			if met && !at.unlocks() && (status != http.StatusInsufficientStorage || !strings.Contains(body, `"code":"insufficient_storage"`)) {
				t.Errorf("%v fails with %v: %d %s", at, errno, status, body)
			}
			w.become(nil)
			if status == http.StatusAccepted {
				files++
			}
			if status == http.StatusAccepted && met && !at.unlocks() {
				t.Errorf("%v fails with %v: accepted", at, errno)
			}
			if got := len(p.files()); got != files {
				t.Errorf("%v fails with %v: %d inputs are there, want %d", at, errno, got, files)
			}
		}
	}
	w.become(nil)
	if status, body := p.tried("hello"); status != http.StatusAccepted {
		t.Errorf("afterwards: %d %s", status, body)
	}
}

// faultSyncOfAResumableUpload has a piece of which the disk says once that it could not be
// written. Later syncs say nothing of it, so the piece has to come again.
func faultSyncOfAResumableUpload(t *testing.T) {
	t.Parallel()
	s := newSpool(t)
	w := &steps{root: s.Root()}
	p := aloneOn(t, dbtest.URL(t), s, syscalltest.Watch(t, w.judge)...)
	link := p.begin(10)
	if a := p.piece(link, 0, []byte("01234")); a.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	for _, call := range []string{"fsync", "close"} {
		failed := false
		w.become(func(now step) (v syscalltest.Verdict) {
			if now.call == call && strings.HasSuffix(now.path, ".data") && !failed {
				failed, v.Errno = true, unix.EIO
			}
			return v
		})
		if a := p.piece(link, 5, []byte("56789")); a.StatusCode != http.StatusInsufficientStorage || !failed {
			t.Errorf("%s: %d %s", call, a.StatusCode, a.body)
		}
		if n := p.offset(link); n != 5 {
			t.Errorf("after a piece whose %s failed the upload is at byte %d", call, n)
		}
	}
	if a := p.piece(link, 5, []byte("56789")); a.StatusCode != http.StatusNoContent || p.offset(link) != 10 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// faultDatabaseIll asks for what a database that is ill can still give, and for what it
// cannot.
func faultDatabaseIll(t *testing.T) {
	t.Parallel()
	raise := func(code string) string {
		return fmt.Sprintf(`create function ill() returns trigger language plpgsql as $$ begin raise exception 'ill' using errcode = '%s'; end $$;
			create trigger ill before insert on job for each row execute function ill()`, code)
	}
	const well = `drop trigger ill on job`
	alter := func(what string) string {
		return fmt.Sprintf(`do $$ begin execute 'alter database ' || current_database() || ' %s'; end $$`, what)
	}
	for _, tt := range []struct {
		name, hurt, heal string
		status           int
	}{
		{"down", "", "", 503},
		{"does_not_answer_for_a_while", "hold", "", 202},
		{"max_connections", alter("connection limit 1"), alter("connection limit -1"), 503},
		{"read_only", alter("set default_transaction_read_only = on"), alter("reset default_transaction_read_only"), 503},
		{"disk_full", raise("53100"), well, 507},
		{"out_of_memory", raise("53200"), well, 503},
		{"serialization_failure", raise("40001"), well, 503},
		{"deadlock", raise("40P01"), well, 503},
		{"statement_timeout", raise("57014"), well, 503},
	} {
		t.Run(tt.name, func(t *testing.T) { t.Parallel(); databaseIll(t, tt.hurt, tt.heal, tt.status) })
	}
}

func databaseIll(t *testing.T, hurt, heal string, want int) {
	var proxy *dbtest.Proxy
	var admin *db.DB
	b := setup(t, func(o *webui.Options) {
		url := dbtest.URL(t)
		admin = openDatabase(t, url)
		proxy = dbtest.NewProxy(t, url)
		o.Jobs = job.NewStore(openDatabase(t, proxy.URL))
		o.Groups = group.NewStore(openDatabase(t, proxy.URL), o.Jobs)
	})
	b.jobs = job.NewStore(admin)
	runs := b.made()
	c := b.claim()
	b.status.put(running(c, 41.5))
	conn, err := admin.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	execute := func(statement string) {
		if _, err := conn.ExecContext(context.Background(), `set default_transaction_read_only = off; `+statement); err != nil {
			t.Fatal(err)
		}
	}
	answers := make(chan int, 1)
	switch hurt {
	case "":
		proxy.Shut()
	case "hold":
		proxy.Hold()
		go func() { status, _ := b.tried("hello"); answers <- status }()
	default:
		execute(hurt)
		proxy.CutAll()
	}
	if s := b.statusDocument(runs.ID); s.State != "running" || s.Percent == nil || *s.Percent != 41.5 {
		t.Errorf("meanwhile the status is %+v", s)
	}
	if hurt == "hold" {
		proxy.Release()
		if status := <-answers; status != want {
			t.Errorf("answered %d", status)
		}
		return
	}
	a := b.submit([]string{"recipe=copy"}, upload{"a.txt", "hello"})
	if a.StatusCode != want || want == 503 && a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, a.body)
	}
	a.problem(t)
	if hurt == "" {
		proxy.Open()
	} else {
		execute(heal)
	}
	proxy.CutAll()
	b.eventually("uploads are taken again", func() bool { status, _ := b.tried("hello"); return status == http.StatusAccepted })
	if jobs := b.list(); len(jobs) != 2 {
		t.Errorf("%d jobs, want 2", len(jobs))
	}
}

// faultKeysOfOthers has keys of memcached hold what others wrote: no state of a job may
// come from there.
func faultKeysOfOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mine, other := b.made(), b.made()
	foreign := running(b.claim(), 99)
	for name, document := range map[string]string{
		"of another job":     fmt.Sprintf(`{"id":%q,"state":"succeeded","done":true,"percent":100,"attempt":1,"updated_at":%q}`, other.ID, foreign.UpdatedAt.Format("2006-01-02T15:04:05Z07:00")),
		"of another program": `{"id":"session","state":"running","user":"root"}`,
		"a number":           `42`, "empty": ``, "binary": "\x00\xff\x80", "half": fmt.Sprintf(`{"id":%q,"state":"run`, mine.ID),
		"a list": `[]`, "too long ago": fmt.Sprintf(`{"id":%q,"state":"running","percent":50,"attempt":1,"updated_at":"2020-01-01T00:00:00Z"}`, other.ID),
	} {
		b.status.mu.Lock()
		b.status.docs[other.ID] = []byte(document)
		if name == "of another job" {
			b.status.docs[other.ID] = []byte(strings.Replace(document, other.ID, mine.ID, 1))
		}
		b.status.mu.Unlock()
		b.eventually(name, func() bool {
			s := b.statusDocument(other.ID)
			return s.ID == other.ID && s.State == "queued" && !s.Done
		})
		if d := b.get("/api/v1/jobs/"+other.ID).job(t, 200); d.State != "queued" || d.Percent != nil {
			t.Errorf("%s: the document is %+v", name, d)
		}
	}
}

// faultSpoolHurt takes the spool away under the web process, or puts an empty folder in
// its place, as an unmounted disk does.
func faultSpoolHurt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.made()
	root := b.spool.Root()
	for _, replaced := range []bool{false, true} {
		if err := os.Rename(root, root+".aside"); err != nil {
			t.Fatal(err)
		}
		if replaced {
			if err := os.Mkdir(root, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for _, a := range []answer{
			b.submit([]string{"recipe=copy"}, upload{"a.txt", "hello"}),
			b.do(http.MethodPost, "/api/v1/jobs", strings.NewReader(`{"recipe":"button"}`), "Content-Type: application/json"),
			b.do(http.MethodPost, "/api/v1/uploads", nil, tusVersion, "Upload-Length: 5"),
		} {
			if a.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("replaced %v: %d %s", replaced, a.StatusCode, a.body)
			}
		}
		if err := errors.Join(os.RemoveAll(root), os.Rename(root+".aside", root)); err != nil {
			t.Fatal(err)
		}
		b.made()
	}
}

// faultNoteBesideTheFiles looks at what a spool knows of a job whose row is lost.
func faultNoteBesideTheFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	note, err := os.ReadFile(filepath.Join(b.spool.Job(j.ID).Dir, "accepted.json"))
	if err != nil || !b.spool.Job(j.ID).WasAccepted() {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{`"recipe":"copy"`, `"1.txt":"päth.txt"`, `"quality":["5"]`} {
		if !strings.Contains(string(note), want) {
			t.Errorf("the note lacks %s: %s", want, note)
		}
	}
}

// faultAddresses sends addresses that would add lines or recipients to a mail.
func faultAddresses(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.UserAddresses = []string{"any"} })
	for _, address := range []string{
		"a@b\nBcc: x@y", "a@b.example\r\nBcc: x@y.example", "a@b.example\x00", "a@b.example, c@d.example", "Ann <a@b.example>", "<a@b.example>",
		`"a b"@b.example`, `a\\@b.example`, "jörg@b.example", "a@bücher.example", "a@b.example\u202e", "a", "@b.example", "a@", "a b@c.example",
		strings.Repeat("a", 300) + "@b.example", "=?utf-8?B?QmNj?=@b.example\t",
	} {
		a := b.submit([]string{"recipe=copy", "email=" + address}, upload{"a.txt", "hello"})
		if p := a.problem(t); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d %+v", address, a.StatusCode, p)
		}
	}
	b.nothingLeft()
	a := b.submit([]string{"recipe=copy", "email=ann.o'hara+x@b.example"}, upload{"a.txt", "hello"})
	a.job(t, http.StatusAccepted)
}
