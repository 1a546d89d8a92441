package chaos

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"convertd/cmd/convertd/chaos/verdict"
)

// An actor is this test binary in the role of a converter: a step of a recipe. It is called
// as ACTOR step MODE DIARY OPTION [INPUT…], holds locks in the folder DIARY as long as it or
// a process that it left behind lives, and writes there what it does.
type actor struct {
	mode, diary, option string
	inputs              []string
	job                 string
	attempt             int
	// held are the open locks; a process that is left behind inherits them.
	held []*os.File
	// outputs are the sums of what was made.
	outputs map[string]string
}

// roleStep is the first argument of an actor.
const roleStep = "step"

// lockedOut ends an actor that found something taken which must be its own.
const lockedOut = 99

// act plays a step and returns its exit status.
func act(args []string) int {
	if len(args) < 3 {
		return 2
	}
	a := &actor{mode: args[0], diary: args[1], option: args[2], inputs: args[3:], job: os.Getenv("CONVERTD_JOB"), outputs: map[string]string{}}
	a.attempt, _ = strconv.Atoi(os.Getenv("CONVERTD_ATTEMPT"))
	if a.mode == "linger" {
		return linger()
	}
	if err := a.begin(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return lockedOut
	}
	status, err := a.play()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 70
	}
	a.write(verdict.Line{What: verdict.End, Outputs: a.outputs, Exit: status})
	return status
}

// linger is what a step leaves behind: it hears no signal that can be refused.
func linger() int {
	signal.Ignore(unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGUSR1)
	wait(time.Hour)
	return 0
}

func wait(d time.Duration) { <-time.After(d) }

func monotonic() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// begin takes all that must be the attempt's alone, and says that it begins.
func (a *actor) begin() error {
	err := a.take(a.job)
	for _, name := range a.exclusive() {
		err = errors.Join(err, a.take(name))
	}
	if a.mode == "heavy" {
		err = errors.Join(err, a.takeOneOf("memory", heavyAtOnce))
	}
	if err != nil {
		return err
	}
	var sums []string
	for _, path := range a.inputs {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sums = append(sums, sumOf(content))
	}
	a.write(verdict.Line{What: verdict.Begin, Inputs: sums})
	return nil
}

// exclusive names what nobody else may use beside this job: the units that it was granted,
// its concurrency key, the only place of its queue.
func (a *actor) exclusive() []string {
	var names []string
	if units := os.Getenv("CONVERTD_RESOURCE_GPU"); units != "" {
		for unit := range strings.SplitSeq(units, ",") {
			names = append(names, "gpu-"+unit)
		}
	}
	switch a.mode {
	case "keyed":
		names = append(names, "key-"+a.option)
	case "narrow":
		names = append(names, "queue-narrow")
	case "alone":
		names = append(names, "alone")
	}
	return names
}

// take takes a lock, which must be free.
func (a *actor) take(name string) error {
	taken, err := a.try(name)
	if err == nil && !taken {
		a.write(verdict.Line{What: verdict.Busy, Of: name})
		err = fmt.Errorf("%s is held by somebody else", name)
	}
	return err
}

// takeOneOf takes one of several places.
func (a *actor) takeOneOf(name string, places int) error {
	for i := range places {
		if taken, err := a.try(name + "-" + strconv.Itoa(i)); taken || err != nil {
			return err
		}
	}
	a.write(verdict.Line{What: verdict.Busy, Of: name})
	return fmt.Errorf("all %d places of %s are taken", places, name)
}

func (a *actor) try(name string) (bool, error) {
	f, err := os.OpenFile(filepath.Join(a.diary, name+".lock"), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return false, err
	}
	_ = f.Chmod(0o666) // the next attempt may be another user's; only the first owns it
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, f.Close()
	}
	a.held = append(a.held, f)
	return err == nil, err
}

// write adds a line to the diary in one write, which the kernel keeps whole.
func (a *actor) write(l verdict.Line) {
	l.At, l.Job, l.Attempt = monotonic(), a.job, a.attempt
	raw, err := json.Marshal(l)
	if err != nil {
		return
	}
	f, err := os.OpenFile(filepath.Join(a.diary, diaryFile), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(70) // an actor that cannot tell must not succeed
	}
	_, err = f.Write(append(raw, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(70)
	}
}

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// make makes an output that no other attempt can make.
func (a *actor) make(name string) error {
	content := fmt.Sprintf("job %s\nattempt %d\nnonce %s\n", a.job, a.attempt, rand.Text())
	a.outputs[name] = sumOf([]byte(content))
	return os.WriteFile(filepath.Join(os.Getenv("CONVERTD_OUTPUT"), name), []byte(content), 0o644)
}

// play does what the mode says and returns the exit status.
func (a *actor) play() (int, error) {
	switch a.mode {
	case "bad":
		return 65, nil
	case "broken":
		until, err := strconv.Atoi(a.option)
		if err != nil || a.attempt < until {
			return 3, err
		}
	case "hog":
		return 0, a.hog()
	case "endless":
		wait(time.Hour)
	case "stubborn":
		signal.Ignore(unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
		if err := a.leave(); err != nil {
			return 0, err
		}
		wait(time.Hour)
	case "daemon":
		if err := a.leave(); err != nil {
			return 0, err
		}
	case "saver":
		return a.save()
	case "parent":
		if err := a.follow(); err != nil {
			return 0, err
		}
	case "several":
		if err := errors.Join(a.make("second.txt"), a.make("third.txt")); err != nil {
			return 0, err
		}
	}
	a.proceed()
	return 0, a.make(resultName)
}

// resultName is the name of the first output of every job.
const resultName = "result.txt"

// proceed takes its time and says how far it is.
func (a *actor) proceed() {
	steps := 2
	if slices.Contains([]string{"slow", "gpu", "keyed", "narrow", "heavy", "alone"}, a.mode) {
		steps = 25
	}
	for i := range steps {
		a.tell(100 * i / steps)
		fmt.Printf("attempt %d is at %d of %d\n", a.attempt, i, steps)
		wait(20 * time.Millisecond)
	}
}

// tell reports progress; one that is lost is no matter.
func (a *actor) tell(percent int) {
	fd, err := strconv.Atoi(os.Getenv("CONVERTD_PROGRESS_FD"))
	if err == nil {
		_, _ = unix.Write(fd, fmt.Appendf(nil, "%d at work\n", percent))
	}
}

// hog takes memory until somebody ends it.
func (a *actor) hog() error {
	var all [][]byte
	for range 512 {
		block := make([]byte, 8<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		all = append(all, block)
	}
	return fmt.Errorf("%d blocks of memory were given", len(all))
}

// leave leaves a process behind that holds the locks.
func (a *actor) leave() error {
	cmd := exec.Command("/proc/self/exe", roleStep, "linger", a.diary, "")
	cmd.ExtraFiles = a.held
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd.Start()
}

// follow asks for two jobs after this one: one that takes the result, one that fails.
func (a *actor) follow() error {
	for name, recipe := range map[string]string{"first.json": "quick", "second.json": "bad"} {
		text := fmt.Sprintf(`{"recipe": %q, "inputs": [{"output": %q}], "tags": {"parent": %q}}`, recipe, resultName, a.job)
		if err := os.WriteFile(filepath.Join(os.Getenv("CONVERTD_SUBMIT"), name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// save works in pieces that the next attempt need not do again, and leaves when it is told.
func (a *actor) save() (int, error) {
	told := make(chan os.Signal, 1)
	signal.Notify(told, unix.SIGTERM)
	path := filepath.Join(os.Getenv("CONVERTD_STATE"), "done")
	found, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	a.write(verdict.Line{What: verdict.Found, Of: string(found)})
	done, _ := strconv.Atoi(string(found))
	const pieces = 15
	for ; done < pieces; done++ {
		a.tell(100 * done / pieces)
		select {
		case <-told:
			return 75, nil
		case <-time.After(100 * time.Millisecond):
		}
		text := strconv.Itoa(done + 1)
		a.write(verdict.Line{What: verdict.Saved, Of: text})
		if err := errors.Join(os.WriteFile(path+".new", []byte(text), 0o644), os.Rename(path+".new", path)); err != nil {
			return 0, err
		}
	}
	return 0, a.make(resultName)
}
