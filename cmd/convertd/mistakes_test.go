package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mistake is a command that cannot work, and what its person has to be told.
type mistake struct {
	name    string
	environ []string
	args    []string
	code    int
	want    []string
}

// Frequent mistakes are answered by what is wrong, where, and what to do.
func TestMistakesAreExplained(t *testing.T) {
	t.Parallel()
	folder := dataFolder(t)
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := file("key.toml", "[web]\nlistne = \"127.0.0.1:1\"\n")
	kind := file("kind.toml", "[web]\nlisten = 8080\n[dispatcher]\nslots = \"two\"\n")
	syntax := file("syntax.toml", "[web]\nlisten = \n")
	recipe := file("broken.toml", "name = \"x\"\nacept = [\"image/*\"]\ncommand = [\"true\"]\n")
	database := func(address string) []string { return []string{"CONVERTD_DATABASE_URL=" + address} }
	for _, m := range []mistake{
		{"database away", database("postgres://x@127.0.0.1:1/x"), []string{"migrate"}, 1, []string{"The database does not answer: ", "connection refused", "[database] url"}},
		{"address of the database", database("mysql://x@h/x"), []string{"migrate"}, 1, []string{"cannot be read", "postgres://user:password@host:5432/name"}},
		{"no database", nil, []string{"web"}, 1, []string{"[database] url", "convertd up"}},
		{"address without a port", nil, []string{"web", "--listen", "8080"}, 1, []string{"give ADDRESS:PORT"}},
		{"open to everybody", nil, []string{"web", "--listen", "0.0.0.0:80"}, 1, []string{"nobody would have to sign in", "user_header", "open = true"}},
		{"key nearly right", nil, []string{"--config", key, "config"}, 1, []string{"key.toml:2: ", "did you mean web.listen?"}},
		{"kinds of values", nil, []string{"--config", kind, "config"}, 1, []string{"kind.toml:2: web.listen takes a text, not 8080", "kind.toml:4: dispatcher.slots takes a whole number"}},
		{"broken TOML", nil, []string{"--config", syntax, "config"}, 1, []string{"syntax.toml:2: "}},
		{"no configuration", nil, []string{"--config", "/nowhere.toml", "config"}, 1, []string{"/nowhere.toml: no such file"}},
		{"variable nearly right", []string{"CONVERTD_SPOOL_DRI=/x"}, []string{"config"}, 1, []string{"CONVERTD_SPOOL_DRI", "did you mean spool.dir?"}},
		{"recipe", nil, []string{"recipes", "check", recipe}, 1, []string{"broken.toml:2: ", "Did you mean accept?"}},
		{"no folder of recipes", []string{"CONVERTD_RECIPES_DIR=/nowhere"}, []string{"recipes", "list"}, 1, []string{"[recipes] dir: ", "/nowhere"}},
		{"no service to back up", nil, []string{"backup", "--data", folder + "/none", folder + "/b"}, 1, []string{"There is no service in", "--data"}},
		{"no backup", nil, []string{"restore", "--data", folder + "/new", folder}, 1, []string{"is no backup that can be read", "backup.json"}},
		{"server away", nil, []string{"jobs", "--server", "http://127.0.0.1:1"}, 1, []string{"does not answer", "--server"}},
		{"command nearly right", nil, []string{"dctor"}, 2, []string{`did you mean "doctor"?`}},
		{"flag nearly right", nil, []string{"up", "--dta", "x"}, 2, []string{`did you mean "--data"?`}},
		{"nothing", nil, nil, 2, []string{"Usage: convertd <command>", "Running the service"}},
	} {
		t.Run(m.name, func(t *testing.T) { m.check(t, nil) })
	}
	if os.Geteuid() != 0 {
		return
	}
	stranger := &syscall.Credential{Uid: 65534, Gid: 65534}
	mine := filepath.Join(folder, "mine")
	if err := os.Mkdir(mine, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, m := range []mistake{
		{"somebody else's data", nil, []string{"up", "--data", mine}, 1, []string{"This user may not write into the data folder " + mine, "--data"}},
		{"a data folder in another's", nil, []string{"up", "--data", mine + "/data"}, 1, []string{"This user may not write into", "--data"}},
	} {
		t.Run(m.name, func(t *testing.T) { m.check(t, stranger) })
	}
}

func (m mistake) check(t *testing.T, as *syscall.Credential) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), filepath.Join(binDir, "convertd"), m.args...)
	cmd.Env = append(os.Environ(), m.environ...)
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Credential: as}
	out, _ := cmd.CombinedOutput()
	said := string(out)
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != m.code {
		t.Errorf("%v, want exit status %d\n%s", cmd.ProcessState, m.code, said)
	}
	for _, want := range m.want {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	if strings.Contains(said, ".: ") || strings.Contains(said, "goroutine") {
		t.Errorf("that is no sentence:\n%s", said)
	}
}
