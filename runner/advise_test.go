package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner"
	"convertd/runner/fault"
)

func TestAdvice(t *testing.T) {
	t.Parallel()
	dir := grantable(t)
	must(t, os.WriteFile(filepath.Join(dir, "a b.cube"), []byte("x"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "mine"), []byte("x"), 0o600))
	must(t, os.Symlink("/dev/full", filepath.Join(dir, "full")))
	read := func(path string) string {
		return "A step probably could not read " + path + `: add read = ["` + path + `"] under [access].`
	}
	write := func(path, line string) string {
		return "A step probably could not write " + path + `: add write = ["` + line + `"] under [access].`
	}
	for _, row := range []struct {
		name, says string
		grant      func(b *runner.Box)
		want       []string
	}{
		{"a file", "cat: DIR/file: No such file or directory", nil, []string{read("DIR/file")}},
		{"in quotes", "tool: cannot open 'DIR/a b.cube'", nil, []string{read("DIR/a b.cube")}},
		{"once", "x DIR/file: not found\nx DIR/file: not found", nil, []string{read("DIR/file")}},
		{"a folder with others", "Error: could not load lut=DIR/file (does not exist)", nil, []string{read("DIR/file")}},
		{"nothing that is not there", "cat: DIR/none: No such file or directory", nil, nil},
		{"nothing that is only named", "reading DIR/file", nil, nil},
		{"nothing of the system", "cat: /usr/bin/env: No such file or directory; /etc/passwd: not found; /etc/python3.11/x: not found", nil, nil},
		{"nothing of root's", "cat: /etc/shadow: Permission denied; cat: /root/.ssh: No such file or directory", nil, nil},
		{"nothing of the kernel's", "cat: /proc/1/environ: No such file or directory; /sys/kernel: not found", nil, nil},
		{"nothing above the jobs", "cat: /tmp: Permission denied", nil, nil},
		{"what may be read is to be written", "sh: cannot create DIR/file: Read-only file system", func(b *runner.Box) { b.Read = []string{dir} }, []string{write("DIR/file", "DIR/file")}},
		{"a new file", "sh: 1: cannot create DIR/new: Directory nonexistent", nil, []string{write("DIR/new", "DIR")}},
		{"nothing that was granted", "cat: DIR/file: No such file or directory", func(b *runner.Box) { b.Read = []string{dir} }, nil},
		{"granted, but not to that user", "cat: DIR/mine: Permission denied", func(b *runner.Box) { b.Write = []string{dir} }, nil},
		{"no device of root's", "failed to open /dev/loop-control: No such file or directory", nil, nil},
		{"a secret", "sh: 1: CONVERTD_SECRET_DEPLOY_KEY: parameter not set", nil, []string{`A step probably looked for the secret DEPLOY_KEY: add secrets = { DEPLOY_KEY = "/path/of/its/file" } under [access].`}},
		{"a host by name", "curl: (6) Could not resolve host: render.lan", nil, []string{`A step probably could not reach render.lan: add hosts = ["render.lan"] under [access].`}},
		{"a host and port", "ssh: connect to host 10.0.0.7 port 22: Network is unreachable", nil, []string{`A step probably could not reach 10.0.0.7:22: add hosts = ["10.0.0.7:22"] under [access].`}},
		{"this machine", "curl: (7) Failed to connect to localhost port 8080 after 0 ms: Couldn't connect to server", nil, []string{`A step could not reach localhost:8080, which is the box itself there; if a service of this machine is meant: add hosts = ["localhost:8080"] under [access].`}},
		{"some host", "socket.gaierror: [Errno -3] Temporary failure in name resolution", nil, []string{`A step probably looked for a host of the network (socket.gaierror: [Errno -3] Temporary failure in name resolution): add hosts = ["HOST:PORT"] under [access].`}},
		{"no host of a box that has some", "curl: (6) Could not resolve host: render.lan", func(b *runner.Box) { b.HostNetwork = true }, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			in := func(text string) string { return strings.ReplaceAll(text, "DIR", dir) }
			tr := newTrial(t, sh("cat >&2 <<'END'\n"+in(row.says)+"\nEND\nexit 1"))
			if row.grant != nil {
				row.grant(&tr.spec.Box)
			}
			var want []string
			for _, w := range row.want {
				want = append(want, in(w))
			}
			o := tr.run()
			if diff := cmp.Diff(want, o.Advice); diff != "" || o.Class != fault.ConverterFailed {
				t.Errorf("%s, advice (-want +got):\n%s", o.Class, diff)
			}
		})
	}
}

func TestAdviceOfTheProxy(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh(`curl -sS --max-time 20 http://render.lan/ http://render.lan:8080/ http://10.0.0.7/ --fail; exit 1`))
	tr.spec.Box.Hosts, tr.spec.Box.GivenHosts = []string{"other.lan"}, []string{"10.0.0.7"}
	want := []string{
		`A step was refused the connection to render.lan:80: add hosts = ["render.lan"] under [access].`,
		`A step was refused the connection to render.lan:8080: add hosts = ["render.lan:8080"] under [access].`,
		`A step was refused the connection to 10.0.0.7:80: its address 10.0.0.7 is of a private network. Only a host that is written in the recipe itself may be there.`,
	}
	if diff := cmp.Diff(want, tr.run().Advice); diff != "" {
		t.Errorf("advice (-want +got):\n%s\n%s", diff, tr.log())
	}
}
