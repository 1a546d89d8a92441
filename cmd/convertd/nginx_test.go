package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// proxy is a real nginx with the shipped example, fitted to a service of this test.
type proxy struct {
	t      *testing.T
	client *http.Client
}

// startProxy runs nginx in front of the service; it listens on a socket in a folder.
func startProxy(t *testing.T, u *upInstance) *proxy {
	t.Helper()
	dir := openFolder(t)
	socket := filepath.Join(dir, "nginx.sock")
	example, err := os.ReadFile("../../systemd/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	fitted := strings.NewReplacer(
		"server 127.0.0.1:8080;", "server "+strings.TrimPrefix(u.URL, "http://")+";",
		"listen 80;", "listen unix:"+socket+";",
		"/etc/nginx/convertd.htpasswd", dir+"/htpasswd",
	).Replace(string(example))
	if strings.Count(fitted, dir) != 2 {
		t.Fatalf("the example has no longer what this test fits:\n%s", fitted)
	}
	if err := os.WriteFile(filepath.Join(dir, "htpasswd"), []byte("alice:{PLAIN}secret\nbob:{PLAIN}secret\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	runNginx(t, dir, fitted)
	await(t, "nginx listens", func() bool {
		conn, err := net.Dial("unix", socket)
		return err == nil && conn.Close() == nil
	})
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	return &proxy{t: t, client: &http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: 2 * time.Minute}}
}

// runNginx runs it with the servers of a configuration and files in the folder.
func runNginx(t *testing.T, dir, servers string) {
	t.Helper()
	main := fmt.Sprintf("pid %[1]s/pid;\nerror_log %[1]s/error.log;\nevents {}\nhttp {\naccess_log off;\n"+
		"client_body_temp_path %[1]s/body;\nproxy_temp_path %[1]s/proxy;\nfastcgi_temp_path %[1]s/f;\nuwsgi_temp_path %[1]s/u;\nscgi_temp_path %[1]s/s;\n%[2]s}\n", dir, servers)
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(main), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("nginx", "-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-g", "daemon off;")
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin")
	if _, err := exec.LookPath("nginx"); err != nil {
		cmd.Path, cmd.Err = "/usr/sbin/nginx", nil
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start nginx (.ci/install test brings it): %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
}

// openFolder is a folder of the test that nginx' own user can get to.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "convertd-nginx-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// send asks as a user, "" for nobody; headers are NAME: VALUE.
func (p *proxy) send(method, path, user string, body io.Reader, headers ...string) *http.Response {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, "http://convert.example.org"+path, body)
	if err != nil {
		p.t.Fatal(err)
	}
	if user != "" {
		r.SetBasicAuth(user, "secret")
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	answer, err := p.client.Do(r)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	p.t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

func (p *proxy) text(answer *http.Response) string {
	p.t.Helper()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

const formHead = "--B\r\nContent-Disposition: form-data; name=recipe\r\n\r\ntracks\r\n" +
	"--B\r\nContent-Disposition: form-data; name=run_at\r\n\r\n2099-01-01T00:00:00Z\r\n" +
	"--B\r\nContent-Disposition: form-data; name=file; filename=a.csv\r\n\r\n"

// The example does what it says: it signs people in, and holds back neither uploads nor
// events.
func TestNginxExample(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	p := startProxy(t, startUp(t, data, "CONVERTD_WEB_USER_HEADER=X-Remote-User",
		"CONVERTD_WEB_TRUSTED_PROXIES=127.0.0.1", "CONVERTD_WEB_BASE_URL=https://convert.example.org"))
	if answer := p.send(http.MethodGet, "/", "", nil); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stranger gets %d", answer.StatusCode)
	}
	if answer := p.send(http.MethodGet, "/healthz", "", nil); answer.StatusCode != http.StatusOK {
		t.Errorf("healthz answers %d", answer.StatusCode)
	}
	id := p.uploadSlowly(data)
	for _, asked := range []struct {
		user, header string
		sees         bool
	}{{"alice", "X-None: x", true}, {"bob", "X-None: x", false}, {"bob", "X-Remote-User: alice", false}} {
		list := p.text(p.send(http.MethodGet, "/api/v1/jobs", asked.user, nil, asked.header))
		if strings.Contains(list, id) != asked.sees {
			t.Errorf("%s with %s sees alice's job: %v\n%s", asked.user, asked.header, !asked.sees, list)
		}
	}
	p.followEvents(id)
}

// uploadSlowly sends the end of a form only when its beginning is on the service's disk,
// and returns the job's id.
func (p *proxy) uploadSlowly(data string) string {
	p.t.Helper()
	begin, sender := io.Pipe()
	go func() {
		_, _ = io.WriteString(sender, formHead+strings.Repeat("# more\n", 200_000))
		_ = sender.CloseWithError(untilUpload(p.t.Context(), data))
	}()
	body := io.MultiReader(begin, strings.NewReader(tracksCSV+"\r\n--B--\r\n"))
	answer := p.send(http.MethodPost, "/api/v1/jobs", "alice", body, "Content-Type: multipart/form-data; boundary=B")
	text := p.text(answer)
	if answer.StatusCode != http.StatusAccepted {
		p.t.Fatalf("submit: %d %s", answer.StatusCode, text)
	}
	_, id, _ := strings.Cut(answer.Header.Get("Location"), "/jobs/")
	return id
}

// untilUpload waits until an upload has begun to arrive on disk.
func untilUpload(ctx context.Context, data string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		found, err := filepath.Glob(filepath.Join(data, "spool", "uploads", "*.new", "in", "*"))
		if err != nil || len(found) > 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.New("nothing of the upload has arrived within a minute")
}

// followEvents reads the first event of a job that will not end for a long time.
func (p *proxy) followEvents(id string) {
	p.t.Helper()
	answer := p.send(http.MethodGet, "/api/v1/jobs/"+id+"/events", "alice", nil)
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"state":"scheduled"`) {
			return
		}
	}
	p.t.Errorf("the stream ended without the state: %v", lines.Err())
}
