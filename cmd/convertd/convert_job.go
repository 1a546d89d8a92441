package main

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"convertd/dispatcher/box"
	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/progress"
	"convertd/runner/recipe"
	"convertd/runner/service/guard"
	"convertd/runner/spool"
	"convertd/runner/vault"
)

// localJob is a job without a row: a folder that lives as long as the command.
type localJob struct {
	spool.Job
	root string
	// name is what the person calls the input, file its name in the folder, mediaType
	// what its content says.
	name, file, mediaType string
	source                string
	// more are the inputs beyond the first.
	more []runner.Input
	// files are those of parameters; secrets lie in the vault.
	files   map[string]runner.Input
	secrets map[string]string
	vault   vault.Vault
	// status is given every status document; nil draws a bar.
	status func(progress.Status)
}

func newLocalJob(a *app) (*localJob, error) {
	root, err := os.MkdirTemp("", "convertd-")
	if err != nil {
		return nil, fmt.Errorf("make a folder to work in: %w", err)
	}
	j := &localJob{root: root, Job: spool.New(root).Job(rand.Text())}
	return j, os.MkdirAll(j.In(), 0o700)
}

func (j *localJob) remove() {
	_ = j.vault.Discard()
	_ = os.RemoveAll(j.root)
}

// take puts the input into the folder: by a link where it is a file, so that large
// ones are not copied.
func (j *localJob) take(path string, stdin io.Reader) (err error) {
	if path == "-" {
		j.name, j.file = "stdin", "1"
		if err := copyTo(filepath.Join(j.In(), j.file), stdin); err != nil {
			return fmt.Errorf("read standard input: %w", err)
		}
	} else if err := j.link(path); err != nil {
		return err
	}
	info, err := os.Stat(filepath.Join(j.In(), j.file))
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if info.Size() == 0 {
		return fmt.Errorf("%s is empty", path)
	}
	j.mediaType, err = sniff(filepath.Join(j.In(), j.file))
	return err
}

func (j *localJob) link(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	if j.source, err = filepath.Abs(path); err != nil {
		return err
	}
	j.name, j.file = filepath.Base(path), "1"+filepath.Ext(path)
	return os.Symlink(j.source, filepath.Join(j.In(), j.file))
}

// run runs the one attempt and returns its outcome, which has succeeded.
func (j *localJob) run(a *app, r recipe.Recipe, values recipe.Values) (runner.Outcome, error) {
	spec, err := j.plan(r, values)
	if err != nil {
		return runner.Outcome{}, err
	}
	outcome, err := j.attempt(a, spec)
	if err != nil {
		return outcome, err
	}
	if outcome.Class != fault.Succeeded {
		// Who converts here is the administrator of the machine.
		return outcome, fault.New(fault.Invalid, outcome.Detail, strings.Join(append([]string{outcome.Hint}, outcome.Advice...), "\n"))
	}
	return outcome, nil
}

// plan is what the child will be told.
func (j *localJob) plan(r recipe.Recipe, values recipe.Values) (runner.Spec, error) {
	user, err := userOf(r)
	if err != nil {
		return runner.Spec{}, err
	}
	var inputs []runner.Input
	if j.file != "" {
		inputs = append([]runner.Input{{File: j.file, Name: j.name}}, j.more...)
	}
	spec, err := runner.NewSpec(r, runner.Request{
		Job: j.ID, Attempt: 1, Token: "local", Dir: j.Job,
		Inputs: inputs, Values: values, Files: j.files, Secrets: j.secrets,
		Status: runner.Sink{Kind: "lines", FD: statusFD}, Box: user,
	})
	if err != nil {
		return runner.Spec{}, err
	}
	if _, err := guard.New(spec.Box.Hosts, spec.Box.GivenHosts); err != nil {
		return runner.Spec{}, fmt.Errorf("hosts that a parameter names: %w", err)
	}
	return spec, nil
}

// attempt runs it and returns its outcome, whatever it is.
func (j *localJob) attempt(a *app, spec runner.Spec) (runner.Outcome, error) {
	if err := j.exec(a, spec); err != nil {
		return runner.Outcome{}, err
	}
	raw, err := os.ReadFile(j.Outcome(1))
	if err != nil {
		return runner.Outcome{}, fmt.Errorf("the child process left no outcome: %w", err)
	}
	var outcome runner.Outcome
	if err := json.Unmarshal(raw, &outcome); err != nil {
		return outcome, fmt.Errorf("read the outcome: %w", err)
	}
	return outcome, nil
}

// userOf is a box with the user of the machine that the recipe names, if it does.
func userOf(r recipe.Recipe) (runner.Box, error) {
	if r.Access.User == "" {
		return runner.Box{}, nil
	}
	uid, gid, err := box.UserOf(r.Access.User)
	if err != nil || os.Geteuid() != 0 {
		return runner.Box{User: r.Access.User}, err
	}
	return runner.Box{User: r.Access.User, UID: uid, GID: gid}, nil
}

// Descriptors of the child: the Spec arrives on 3, 4 is its lock, 5 takes status lines.
const statusFD = 5

// exec starts the child, hands it the Spec, shows its status and passes on a stop.
func (j *localJob) exec(a *app, spec runner.Spec) error {
	binary, err := runnerBinary()
	if err != nil {
		return err
	}
	specIn, specOut, err1 := os.Pipe()
	statusIn, statusOut, err2 := os.Pipe()
	lock, err3 := os.Create(j.Lock(1))
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("prepare the child process: %w", err)
	}
	cmd := exec.Command(binary)
	cmd.Env = []string{"GOMAXPROCS=1"}
	cmd.Stderr = a.stderr
	cmd.ExtraFiles = []*os.File{specIn, lock, statusOut}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the child process: %w", err)
	}
	for _, f := range cmd.ExtraFiles {
		_ = f.Close()
	}
	stop := make(chan struct{})
	go func() {
		select {
		case <-a.ctx.Done():
			_ = cmd.Process.Signal(syscall.SIGTERM)
		case <-stop:
		}
	}()
	sendErr := json.NewEncoder(specOut).Encode(spec)
	j.showStatus(a, statusIn)
	waitErr := cmd.Wait()
	close(stop)
	if err := errors.Join(sendErr, waitErr, specOut.Close()); err != nil {
		return fmt.Errorf("child process: %w", err)
	}
	return nil
}

// runnerBinary is the child program: beside this one, else on PATH.
func runnerBinary() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	beside := filepath.Join(filepath.Dir(self), "convertd-runner")
	if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
		return beside, nil
	}
	found, err := exec.LookPath("convertd-runner")
	if err != nil {
		return "", fmt.Errorf("convertd-runner is neither beside %s nor on PATH: install it there", self)
	}
	return filepath.Abs(found)
}

// showStatus tells the status until the child closes its end; a bar for a person unless
// somebody else wants it.
func (j *localJob) showStatus(a *app, r io.ReadCloser) {
	defer r.Close()
	bar := newBar(a.stderr)
	defer bar.clear()
	show := j.status
	if show == nil {
		show = func(s progress.Status) { bar.draw(s.Percent, s.Message) }
	}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var s progress.Status
		if json.Unmarshal(lines.Bytes(), &s) == nil {
			show(s)
		}
	}
}
