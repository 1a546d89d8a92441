// Package runner runs one attempt: from a Spec to an Outcome. It makes the Spec from a
// recipe, runs the steps in their box, reads their progress, bounds their time, keeps
// the log, collects the outputs and writes the outcome file.
//
// It does not own when an attempt starts or what follows from its end (dispatcher),
// nor any database, web or mail. It may import the standard library,
// golang.org/x/sys/unix and packages under runner.
//
// # The protocol of the child
//
// convertd-runner without arguments is one attempt. Whoever starts it (the parent)
// relies on the following.
//
//	descriptor 0  /dev/null
//	descriptor 1  not used; 2: one line a message, only when no outcome can be written
//	descriptor 3  SpecFD: a pipe or unix stream socket that carries one Spec as JSON
//	descriptor 4  LockFD: the open and locked lock.N; the child only keeps it open
//	descriptor 5  StatusFD: the connected status socket, if Spec.Status.FD says so
//
// Descriptors 4 and 5 are inherited; or, when descriptor 3 is a unix socket, a message
// that carries the first bytes of the Spec may bring them (SCM_RIGHTS): the lock first
// and then, optionally, the status connection, which then counts instead of
// Spec.Status.FD. The child sets close-on-exec on everything above 2. After a whole Spec nothing more is read from
// descriptor 3, so its end means nothing then; its end before a whole Spec makes the
// child exit with status 0 and nothing done. A Spec of another version, or one that is
// not a Spec, makes it exit with ExitSpec and nothing done.
//
// The parent makes the job's folder, writable for the child and, when the box has a
// user of its own, to be traversed (mode o+x) by it, like all folders above. The child
// makes work.N, out.N, preview.N, log.N, progress.N and state/, gives work.N and state/
// to the box's user and lets that user read in/. What it leaves for others to read
// (outputs, log, history, outcome) gets the owner and group of the job's folder and
// mode 0640. It removes nothing: work.N is the parent's to remove, after proof of death.
//
// Signals to the child: SIGTERM cancels. SIGUSR1 stops safely: the step is asked with
// SIGTERM to leave what it needs in its state folder and exit with 75. Both are
// followed by SIGKILL to every process of the attempt after Limits.Grace. A request that
// arrives while the child waits for its Spec is kept and served with it; a child that
// waits is ended by closing descriptor 3. A request in the first moment of the process,
// before it waits, has the default effect of the signal, or none: repeat it.
//
// A step is over when its program ends: whatever that left running is killed. The child
// exits with 0 whenever an outcome file was written, with ExitSpec or
// ExitInternal otherwise. Before it exits it has killed and reaped every process of
// the attempt it can find (it is their subreaper); the parent's kill of the cgroup is
// the proof. A process that something else killed ends the attempt as class killed:
// a parent whose cgroup counted an oom_kill turns that into memory.
package runner

// Descriptors of the child.
const (
	SpecFD   = 3
	LockFD   = 4
	StatusFD = 5
)

// Exit statuses of the child other than 0, all of them without an outcome file.
const (
	// ExitInternal: the outcome could not be written; descriptor 2 says why.
	ExitInternal = 1
	// ExitSpec: the Spec was not understood, or has another version.
	ExitSpec = 2
)
