package runner_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/sandbox"
)

// serve starts a server on this machine and returns its port.
func serve(t *testing.T, text string) (port int) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }))
	t.Cleanup(server.Close)
	return server.Listener.Addr().(*net.TCPAddr).Port
}

func TestHosts(t *testing.T) {
	t.Parallel()
	const fetch = `curl -sS -o "$CONVERTD_OUTPUT/a.txt" --fail http://127.0.0.1:PORT/ && cat "$CONVERTD_OUTPUT/a.txt"`
	asked := strings.Replace(fetch, "curl", `curl --noproxy ""`, 1)
	for _, row := range []struct {
		name, script string
		hosts, given []string
		works        bool
		says         string
		// few leaves no process but those of the script.
		few bool
	}{
		{"nothing without a line", fetch, nil, nil, false, "Couldn't connect", false},
		{"a host of the recipe", fetch, []string{"127.0.0.1:PORT"}, nil, true, "granted", false},
		{"a host by its name", strings.Replace(fetch, "127.0.0.1", "localhost", 1), []string{"LocalHost:PORT"}, nil, true, "granted", false},
		{"with few processes", fetch, []string{"127.0.0.1:PORT"}, nil, true, "granted", true},
		{"by SOCKS", strings.Replace(fetch, "curl", `curl -x socks5h://127.0.0.1:3128`, 1), []string{"127.0.0.1:PORT"}, nil, true, "granted", false},
		{"by CONNECT", strings.Replace(fetch, "curl", `curl -p`, 1), []string{"127.0.0.1:PORT"}, nil, true, "granted", false},
		{"by hand", `printf 'GET / HTTP/1.0\r\n\r\n' | convertd-net connect 127.0.0.1 PORT | tee "$CONVERTD_OUTPUT/a.txt"`, []string{"127.0.0.1:PORT"}, nil, true, "granted", false},
		{"no other host", asked, []string{"localhost"}, nil, false, "run convertd: connection to 127.0.0.1:PORT refused: not in [access] hosts", false},
		{"no other host, though the status is ignored", strings.Replace(asked, " --fail", "", 1), []string{"localhost"}, nil, false, "refused: not in [access] hosts", false},
		{"no host of a parameter on this machine", asked, nil, []string{"127.0.0.1:PORT"}, false, "refused: its address 127.0.0.1 is this machine itself", false},
		{"no way around", `unset http_proxy HTTP_PROXY ALL_PROXY all_proxy; ` + fetch, []string{"127.0.0.1:PORT"}, nil, false, "Couldn't connect", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			port := fmt.Sprint(serve(t, "granted"))
			in := func(text string) string { return strings.ReplaceAll(text, "PORT", port) }
			tr := newTrial(t, sh(in(row.script)))
			for _, host := range row.hosts {
				tr.spec.Box.Hosts = append(tr.spec.Box.Hosts, in(host))
			}
			for _, host := range row.given {
				tr.spec.Box.GivenHosts = append(tr.spec.Box.GivenHosts, in(host))
			}
			if row.few {
				tr.spec.Limits.Processes = 2
			}
			o := tr.run()
			if (o.Class == fault.Succeeded) != row.works || !strings.Contains(tr.log(), in(row.says)) {
				t.Errorf("outcome is %s %q\n%s", o.Class, o.Detail, tr.log())
			}
			tr.nothingLeft()
		})
	}
}

// TestProxyOutlivesAPoliteEnd cancels a step that says goodbye to its host.
func TestProxyOutlivesAPoliteEnd(t *testing.T) {
	t.Parallel()
	port := serve(t, "granted")
	tr := newTrial(t, sh(fmt.Sprintf(`trap 'curl -sS http://127.0.0.1:%d/ >said; exit 0' TERM; echo up >up; while :; do sleep 0.1; done`, port)))
	tr.spec.Box.Hosts = []string{fmt.Sprintf("127.0.0.1:%d", port)}
	tr.spec.Limits.Grace = patience
	tr.start()
	tr.waitFor("up")
	must(t, tr.cmd.Process.Signal(syscall.SIGTERM))
	if o := tr.wait(); o.Class != fault.Cancelled {
		t.Errorf("outcome is %s %q\n%s", o.Class, o.Detail, tr.log())
	}
	if said := contents(t, filepath.Join(tr.job.Work(1), "run", "said")); said != "granted" {
		t.Errorf("it said %q\n%s", said, tr.log())
	}
}

// TestHostNetwork shares the network but nothing else.
func TestHostNetwork(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("unix", "@convertd-test-"+fmt.Sprint(os.Getpid()))
	must(t, err)
	defer l.Close()
	tr := newTrial(t, sh(fmt.Sprintf(`curl -sS -o "$CONVERTD_OUTPUT/a.txt" http://127.0.0.1:%d/ && grep granted "$CONVERTD_OUTPUT/a.txt"
cat /etc/resolv.conf; curl -sS --abstract-unix-socket %s http://x/ || echo no socket`, serve(t, "granted"), l.Addr().String()[1:])))
	tr.spec.Box.HostNetwork = true
	resolver, err := os.ReadFile("/etc/resolv.conf")
	must(t, err)
	first, _, _ := strings.Cut(string(resolver), "\n")
	if o := tr.run(); o.Class != fault.Succeeded || !strings.Contains(tr.log(), "no socket") || !strings.Contains(tr.log(), first) {
		t.Errorf("outcome is %s %q\n%s", o.Class, o.Detail, tr.log())
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	must(t, os.WriteFile(file, []byte("first line\nsecond line\n"), 0o600))
	tr := newTrial(t, sh(`cd "$CONVERTD_SECRETS"; ls -ln; stat -f -c %T .; cat "$CONVERTD_SECRET_KEY"; cat KEY >&2
echo "10 with the second line" >&3; rm -f KEY; echo x >KEY; wc -l <KEY >"$CONVERTD_OUTPUT/a.txt"; echo "second line: $(tail -n 1 KEY)"; exit 7`))
	tr.spec.Box.Secrets = map[string]string{"KEY": file}
	tr.spec.Steps[0].FailIf = []string{"second|secret"}
	tr.spec.Steps[0].OKExit = []int{7}
	o := tr.run()
	log := tr.log()
	for _, want := range []string{"-r--------", "tmpfs", "[secret KEY]", "Read-only file system"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %q", want)
		}
	}
	for name, text := range map[string]string{"log": log, "outcome": contents(t, tr.job.Outcome(1)), "history": contents(t, tr.job.Progress(1))} {
		if strings.Contains(text, "first line") || strings.Contains(text, "second line") {
			t.Errorf("the %s tells the secret:\n%s", name, text)
		}
	}
	if o.Class != fault.ConverterFailed {
		t.Errorf("outcome is %s %q\n%s", o.Class, o.Detail, log)
	}
	if err := filepath.WalkDir(tr.job.Dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && strings.Contains(contents(t, path), "second line") {
			t.Errorf("%s holds the secret", path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestSecretsThatAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, mode os.FileMode, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		must(t, os.Chmod(path, mode))
		return path
	}
	for _, row := range []struct{ path, says string }{
		{dir + "/none", "no such file"}, {dir, "not a regular file"}, {write("open", 0o644, "x"), "chmod 0600"}, {write("grouped", 0o660, "x"), "chmod 0600"},
		{write("empty", 0o600, ""), "is empty"}, {write("large", 0o600, strings.Repeat("x", 70_000)), "at most"},
	} {
		tr := newTrial(t, sh(`echo a > "$CONVERTD_OUTPUT/a.txt"`))
		tr.spec.Box.Secrets = map[string]string{"KEY": row.path}
		if o := tr.run(); o.Class != fault.InternalError || !strings.Contains(tr.log(), row.says) {
			t.Errorf("%s: outcome is %s %q, want %q\n%s", row.path, o.Class, o.Detail, row.says, tr.log())
		}
	}
}

func TestDevices(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		devices []string
		class   fault.Class
		says    string
	}{
		{nil, fault.ConverterFailed, "No such file"},
		{[]string{"/dev/urando*", "/dev/loop-contro*"}, fault.Succeeded, "loop-control"},
		{[]string{"/dev/none"}, fault.InternalError, "there is no device /dev/none"},
		{[]string{"/dev/fd"}, fault.InternalError, "not a character device"},
	} {
		tr := newTrial(t, sh(`ls /dev/loop-control && echo a > "$CONVERTD_OUTPUT/a.txt"`))
		tr.spec.Box.Devices = row.devices
		if o := tr.run(); o.Class != row.class || !strings.Contains(tr.log(), row.says) {
			t.Errorf("%v: outcome is %s %q\n%s", row.devices, o.Class, o.Detail, tr.log())
		}
	}
}

// TestUser runs as a user of this machine: by its name in the box, without its groups.
func TestUser(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh(`id -un; id -G; echo a > "$CONVERTD_OUTPUT/a.txt"`))
	tr.spec.Box.User = "deploy"
	if o := tr.run(); o.Class != fault.Succeeded {
		t.Errorf("outcome is %s %q\n%s", o.Class, o.Detail, tr.log())
	}
	if os.Geteuid() == 0 && !strings.Contains(tr.log(), " out deploy\n") {
		t.Errorf("it is not called deploy:\n%s", tr.log())
	}
	lines := bufio.NewScanner(strings.NewReader(tr.log()))
	for lines.Scan() {
		if strings.HasSuffix(lines.Text(), fmt.Sprintf(" out %d", tr.spec.Box.GID)) {
			return
		}
	}
	t.Errorf("it has other groups than its own:\n%s", tr.log())
}

func TestAccessThatThisMachineCannotGrant(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	must(t, os.WriteFile(file, []byte("first line\n"), 0o600))
	for name, box := range map[string]runner.Box{
		"hosts":   {Hosts: []string{"render.lan"}, Lacks: sandbox.Lacks{{Part: sandbox.Network, Why: "for a test"}}},
		"secrets": {Secrets: map[string]string{"KEY": file}, Lacks: sandbox.Lacks{{Part: sandbox.Files, Why: "for a test"}}},
	} {
		tr := newTrial(t, sh(`echo a > "$CONVERTD_OUTPUT/a.txt"`))
		box.UID, box.GID = tr.spec.Box.UID, tr.spec.Box.GID
		tr.spec.Box = box
		if o := tr.run(); o.Class != fault.InternalError || !strings.Contains(tr.log(), name+" need a part of the box") {
			t.Errorf("%s: outcome is %s %q\n%s", name, o.Class, o.Detail, tr.log())
		}
	}
}

// TestGrantedToAnOrdinaryUser has hosts and a secret where the service is not root's.
func TestGrantedToAnOrdinaryUser(t *testing.T) {
	t.Parallel()
	port := serve(t, "granted")
	tr := newTrial(t, sh(fmt.Sprintf(`curl -sS -o "$CONVERTD_OUTPUT/a.txt" --fail http://127.0.0.1:%d/; cat "$CONVERTD_OUTPUT/a.txt"; ls -ln "$CONVERTD_SECRETS"; wc -l <"$CONVERTD_SECRET_KEY"`, port)))
	file := filepath.Join(tr.job.Dir, "key")
	must(t, os.WriteFile(file, []byte("first line\n"), 0o600))
	tr.spec.Box.Hosts = []string{fmt.Sprintf("127.0.0.1:%d", port)}
	tr.spec.Box.Secrets = map[string]string{"KEY": file}
	tr.asOrdinaryUser()
	lacks := tr.machineLacks()
	o := tr.run()
	if lacks != "" {
		if o.Class != fault.InternalError || !strings.Contains(tr.log(), "that this machine does not give") {
			t.Errorf("without a whole box (%s) the outcome is %s %q\n%s", lacks, o.Class, o.Detail, tr.log())
		}
		return
	}
	for _, want := range []string{" out granted", "-r--------", " out 1\n"} {
		if !strings.Contains(tr.log(), want) {
			t.Errorf("the log has no %q", want)
		}
	}
	if o.Class != fault.Succeeded {
		t.Errorf("outcome is %s %q\n%s", o.Class, o.Detail, tr.log())
	}
	tr.nothingLeft()
}
