package webui_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"convertd/runner/spool"
	"convertd/runner/syscalltest"
	"convertd/sql/db"
	"convertd/sql/dbtest"
	"convertd/sql/job"
)

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
