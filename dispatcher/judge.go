package dispatcher

import (
	"fmt"
	"syscall"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/job"
)

// evidence is all that is known about an attempt once it is proved dead.
type evidence struct {
	// outcome is what the child wrote; nil when it wrote nothing.
	outcome *runner.Outcome
	// refusal and startError say why it was not started.
	refusal    *refusal
	startError error
	// unbegun says that a dispatcher died before it told a child what to do.
	unbegun bool
	// told is the strongest order it was given; cancelled that the row asks for its end.
	told      order
	cancelled bool
	// expired says that it was killed because its child overran the time limit.
	expired bool
	// crowded says that it was killed because the disk was nearly full.
	crowded *crowding
	// memoryKills counts processes that the kernel killed for the memory limit.
	memoryKills int64
	// exit is how the child ended, nil when nobody could see it.
	exit *syscall.WaitStatus
	// words is what the child wrote when it could not write an outcome.
	words string

	limits recipe.Limits
	recipe recipe.Recipe
	// failures, waived and most are the job's counters before this end.
	failures, waived, most int
}

// verdict is what follows from it.
type verdict struct {
	// next is Succeeded, Failed, Cancelled, Expired, Queued (at once) or Scheduled (later).
	next  job.State
	class fault.Class
	// counted says that one of the job's attempts is used up.
	counted bool
	detail  string
	hint    string
}

// judge decides what an attempt came to and what follows. It is the only place that
// knows the order in which contradicting evidence counts.
func judge(e evidence) verdict {
	switch {
	case e.refusal != nil:
		return e.fail(e.refusal.class, e.refusal.detail, e.refusal.hint, false)
	case e.outcome != nil && e.outcome.Class == fault.Succeeded && !e.outcome.Requeue:
		return verdict{next: job.Succeeded, class: fault.Succeeded, detail: e.outcome.Detail, hint: e.outcome.Hint}
	case e.told == orderCancel || e.cancelled:
		return verdict{next: job.Cancelled, class: fault.Cancelled}
	case e.told == orderExpire:
		return verdict{next: job.Expired}
	case e.outcome == nil && e.unbegun:
		return e.waive("The service was stopped before the job could begin.")
	case e.outcome != nil && e.outcome.Requeue, e.stopped():
		return e.waive("The job was stopped before its end, as in the attempts before.")
	case e.startError != nil:
		return e.waive("The job could not be started: " + e.startError.Error() + ".")
	case e.outcome != nil:
		return e.byOutcome()
	}
	return e.withoutOutcome()
}

// stopped reports an end that was asked for by nobody who speaks for the job: a safe
// stop of ours, or a SIGTERM from the system that goes down.
func (e evidence) stopped() bool {
	if e.outcome != nil {
		return e.outcome.Class == fault.Cancelled || e.told == orderStop && e.outcome.Class == fault.Killed
	}
	return e.told == orderStop
}

func (e evidence) byOutcome() verdict {
	class, detail, hint := e.outcome.Class, e.outcome.Detail, e.outcome.Hint
	if e.memoryKills > 0 && (class == fault.Killed || class == fault.ConverterFailed) {
		class = fault.Memory
		detail, hint = e.memoryWords()
	}
	if e.crowded != nil && class == fault.Killed {
		class = fault.Disk
		detail, hint = e.crowded.words(e.source())
	}
	return e.fail(class, detail, hint, again(class, e.recipe.Retry, e.failures+1, e.most))
}

// withoutOutcome judges a child that died before it could say anything.
func (e evidence) withoutOutcome() verdict {
	class, detail, hint := e.unsaid()
	retry := again(class, e.recipe.Retry, e.failures+1, e.most)
	// A runner that somebody killed is the machine's failure, not the converter's.
	if class == fault.Killed {
		retry = e.failures+1 < e.most
	}
	return e.fail(class, detail, hint, retry)
}

func (e evidence) unsaid() (class fault.Class, detail, hint string) {
	switch {
	case e.expired:
		return fault.Timeout,
			fmt.Sprintf("The job was ended because it ran longer than its time limit of %s.", e.limits.Time),
			fmt.Sprintf("The limit is set by [limits] time in %s.", e.source())
	case e.crowded != nil:
		detail, hint = e.crowded.words(e.source())
		return fault.Disk, detail, hint
	case e.memoryKills > 0:
		detail, hint = e.memoryWords()
		return fault.Memory, detail, hint
	case e.exit == nil:
		return fault.Lost, "The job was lost: the service or the machine stopped while it ran, and nothing tells how it ended.",
			"Nothing is wrong with the file as far as is known."
	case e.exit.Signaled():
		return fault.Killed, fmt.Sprintf("The process that runs the job was killed by signal %d (%s) from outside.", e.exit.Signal(), e.exit.Signal()),
			"Look into the kernel's log for the out-of-memory killer, and ask who else administers this machine."
	}
	detail = fmt.Sprintf("The process that runs the job ended with status %d and left no outcome.", e.exit.ExitStatus())
	if e.words != "" {
		detail += " It said: " + e.words
	}
	return fault.InternalError, detail, "This is an error of convertd or of this machine, not of the file."
}

func (e evidence) memoryWords() (detail, hint string) {
	return fmt.Sprintf("The job needed more memory than its limit of %s.", bytesText(e.limits.Memory)),
		fmt.Sprintf("The limit is set by [limits] memory in %s.", e.source())
}

func (e evidence) source() string {
	if e.recipe.Source == "" {
		return "the recipe"
	}
	return e.recipe.Source
}

func (e evidence) fail(class fault.Class, detail, hint string, retry bool) verdict {
	v := verdict{next: job.Failed, class: class, counted: true, detail: detail, hint: hint}
	if retry {
		v.next = job.Scheduled
	}
	return v
}

// waive puts the job back without counting, unless that happened too often. A start
// that did not succeed waits a moment, since the reason may pass.
func (e evidence) waive(reason string) verdict {
	if e.waived >= maxWaived {
		return e.fail(fault.InternalError, fmt.Sprintf("%s It went back to its queue %d times; that is enough.", reason, e.waived),
			"Look at the log of the job and of the service.", false)
	}
	if e.startError != nil {
		return verdict{next: job.Scheduled}
	}
	return verdict{next: job.Queued}
}

// bytesText writes a size as recipes do: "2 GiB", "1.5 MiB".
func bytesText(n int64) string {
	unit, f := "bytes", float64(n)
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if f < 1024 {
			break
		}
		f, unit = f/1024, u
	}
	if f == float64(int64(f)) {
		return fmt.Sprintf("%d %s", int64(f), unit)
	}
	return fmt.Sprintf("%.1f %s", f, unit)
}
