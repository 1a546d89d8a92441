package runner

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"convertd/runner/fault"
	"convertd/runner/progress"
	"convertd/runner/progress/reading"
	"convertd/runner/sandbox"
	"convertd/runner/spool"
)

// How often held-back status is sent, and how often limits are measured.
const (
	tickInterval    = 100 * time.Millisecond
	measureInterval = 200 * time.Millisecond
)

// ownFiles is how large the outcome may have to be, in bytes: the bound on file size holds
// for the runner as well. A log that is larger is cut short there.
const ownFiles = 1 << 20

// attempt is one attempt while it runs. The goroutine of Run owns it, but for what is
// written down below mu.
type attempt struct {
	spec  Spec
	job   spool.Job
	work  workspace
	box   sandbox.Confinement
	owner owner
	// signals are the parent's requests: SIGTERM cancels, SIGUSR1 stops safely.
	signals <-chan os.Signal

	started  time.Time
	deadline *time.Timer
	limits   meter
	// roomBound says that it is not the recipe that bounds the size of a file, but the room
	// on the disk.
	roomBound bool
	// stopped is why the steps were told to end, nil as long as they were not.
	stopped *verdict
	outcome Outcome
	notify  *notifySocket
	// callback is nil unless a step takes what a service pushes.
	callback *callback
	live     live
	// refused are connections that a box wanted; the reader of its proxy owns it while
	// that runs.
	refused []refusedConnection
	// lacksTold is how many missing parts of the box the log names already.
	lacksTold int

	mu     sync.Mutex // guards all below; the readers of streams use it too
	log    *logbook
	bar    *progress.Bar
	status *progress.Writer
	step   string // title of the step that runs
	said   string // the last message
}

// Run runs the attempt from beginning to end and writes its outcome file. SIGTERM among
// the signals cancels it, SIGUSR1 stops it safely. The error says that the outcome could not be written; whatever goes wrong before that is an
// outcome itself. It changes this process (sandbox.Confinement.Enter), so a process
// runs one attempt.
func Run(spec Spec, signals <-chan os.Signal) error {
	a := newAttempt(spec, signals)
	bad := a.prepare()
	if bad == nil {
		bad = a.perform()
	}
	var results collected
	a.endLive()
	if bad == nil && !spec.Farewell {
		stop := a.keepFresh()
		results, bad = a.collect()
		stop()
		if a.cancelled() {
			bad = a.stopped
		}
	}
	a.finish(results, bad)
	err := writeOutcome(a.job.Outcome(spec.Attempt), a.outcome, a.owner)
	if noRoom(err) {
		a.makeRoom()
		err = writeOutcome(a.job.Outcome(spec.Attempt), a.outcome, a.owner)
	}
	return err
}

// perform does what the attempt is for.
func (a *attempt) perform() *verdict {
	if a.spec.Farewell {
		return a.farewell()
	}
	a.settleCache() // the attempt before may have been killed before it could
	defer a.settleCache()
	if bad := a.fetchSources(); bad != nil {
		return bad
	}
	return a.runSteps()
}

func newAttempt(spec Spec, signals <-chan os.Signal) *attempt {
	job := spool.Job{Dir: spec.Dir, ID: spec.Job}
	now := time.Now()
	fileSize, roomBound := fileSize(spec)
	a := &attempt{
		spec: spec, job: job, work: workspaceOf(job, spec.Attempt), roomBound: roomBound,
		box: sandbox.Confinement{
			UID: spec.Box.UID, GID: spec.Box.GID,
			FileSize: max(fileSize, ownFiles), Processes: userProcesses(spec), Memory: spec.Limits.Memory,
			Require: spec.Box.Require, Lacks: spec.Box.Lacks,
		},
		signals: signals, started: now,
		deadline: time.NewTimer(spec.Limits.Time),
		outcome: Outcome{
			Version: SpecVersion, Job: spec.Job, Attempt: spec.Attempt, Token: spec.Token,
			StartedAt: now.UTC(),
		},
	}
	weights := make([]float64, len(spec.Steps))
	for i, step := range spec.Steps {
		weights[i] = step.Weight
	}
	a.bar = progress.NewBar(weights)
	a.limits = a.newMeter()
	return a
}

// runSteps runs the steps in order until one fails or the attempt is stopped.
func (a *attempt) runSteps() *verdict {
	for i, step := range a.spec.Steps {
		if a.takeStops(); a.stopped != nil {
			return a.stopped
		}
		a.begin(i, step)
		if bad := a.runStep(step); bad != nil {
			a.outcome.Step = stepName(step, i)
			return bad
		}
	}
	// The work is done: of the requests that came meanwhile only a cancel still counts.
	if a.cancelled() {
		return a.stopped
	}
	return nil
}

// cancelled takes requests that wait and reports whether nobody wants the job any more.
func (a *attempt) cancelled() bool {
	a.takeStops()
	return a.stopped != nil && a.stopped.class == fault.Cancelled
}

// keepFresh goes on refreshing the status while results are collected, which takes long
// when they are large. The caller stops it.
func (a *attempt) keepFresh() (stop func()) {
	tick := time.NewTicker(time.Second)
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				a.mu.Lock()
				a.status.Tick()
				a.mu.Unlock()
			}
		}
	}()
	return func() {
		tick.Stop()
		close(end)
		<-ended
	}
}

// takeStops takes requests that wait, without waiting for any.
func (a *attempt) takeStops() {
	for {
		select {
		case signal := <-a.signals:
			a.asked(signal)
		case <-a.deadline.C:
			a.stopFor(a.timeoutVerdict())
		default:
			return
		}
	}
}

// begin shows that a step starts.
func (a *attempt) begin(index int, step Step) {
	a.mu.Lock()
	defer a.mu.Unlock()
	// A preview is drawn when the work is done: it is no reason to say how far that was.
	if step.Builtin != "preview" {
		a.bar.Begin(index)
	}
	a.step, a.said = reading.Clean(step.Title.In(a.spec.Lang)), ""
	a.show()
}

// note takes what a program said about its progress. The caller holds mu.
func (a *attempt) note(u reading.Update) {
	if u.Known {
		a.bar.Set(u.Percent)
	}
	if u.Message != "" {
		a.said = a.log.masked(u.Message)
	}
	if u.Known || u.Message != "" {
		a.show()
	}
}

// show hands the state of the bar to the status writer. The caller holds mu.
func (a *attempt) show() { a.status.Update(a.bar.Percent(), a.step, a.said) }

// finish completes the outcome and closes everything that is open.
func (a *attempt) finish(results collected, bad *verdict) {
	a.deadline.Stop()
	a.notify.close()
	a.callback.close()
	a.mu.Lock()
	defer a.mu.Unlock()
	o := &a.outcome
	if bad == nil {
		o.Class, o.Outputs, o.Previews = fault.Succeeded, results.outputs, results.previews
		o.FollowUps = results.followUps
	} else {
		o.Advice = a.advise(bad)
		a.explain(bad)
		o.Class, o.Detail, o.Hint, o.Requeue = bad.class, bad.detail, bad.hint, bad.requeue
	}
	o.Ignored = results.ignored
	if a.log != nil {
		if bad != nil {
			a.log.add(streamRun, bad.detail)
		}
		o.LogTail = a.log.last(20)
		a.log.close()
	}
	if a.status != nil {
		a.status.Close()
	}
	o.EndedAt = time.Now().UTC()
	o.Usage = Usage{
		WallSeconds:     time.Since(a.started).Seconds(),
		CPUSeconds:      sandbox.CPUSeconds(),
		PeakMemoryBytes: a.limits.peak,
	}
}

func stepName(step Step, index int) string {
	switch {
	case step.Name != "":
		return step.Name
	case step.Builtin != "":
		return step.Builtin
	case step.Call != nil:
		return "call"
	case len(step.Argv) > 0:
		return filepath.Base(step.Argv[0])
	}
	return "step " + strconv.Itoa(index+1)
}
