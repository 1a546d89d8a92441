package webui_test

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"convertd/runner/spool"
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
