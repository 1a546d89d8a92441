package dispatcher

import (
	"context"
	"errors"
	"time"

	"convertd/runner/failpoint"
	"convertd/runner/fault"
	"convertd/runner/spool"
	"convertd/sql/job"
)

// finisher writes ends of attempts into their rows, as many in one statement as came
// in while the last one was under way. An end waits as long as the database is away;
// until then the outcome file is the record.
type finisher struct {
	d    *Dispatcher
	asks chan ending
}

// ending is one end and where its attendant waits for the answer.
type ending struct {
	end    job.End
	answer chan<- answer
}

type answer struct {
	applied bool
	err     error
}

// errNotRecorded says that the dispatcher stopped while the database was away.
var errNotRecorded = errors.New("the database did not take the end before the dispatcher stopped")

// maxBatch bounds one statement.
const maxBatch = 500

func newFinisher(d *Dispatcher) *finisher {
	return &finisher{d: d, asks: make(chan ending)}
}

// finish records one end. applied is false when the attempt is not the current one.
func (f *finisher) finish(end job.End) (applied bool, err error) {
	answers := make(chan answer, 1)
	f.asks <- ending{end: end, answer: answers}
	a := <-answers
	return a.applied, a.err
}

// run serves until ctx ends, which must not be before the last attendant is done.
func (f *finisher) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-f.asks:
			f.record(f.collect(first))
		}
	}
}

// collect takes what waits already; it does not wait for more.
func (f *finisher) collect(first ending) []ending {
	batch := []ending{first}
	for len(batch) < maxBatch {
		select {
		case next := <-f.asks:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

// Bounds of trying. A refusal is an error that is not the database being away.
const (
	triesAfterLeaving = 3
	maxRefusals       = 5
)

// record tries until the database took the batch, at most once a second. When the
// dispatcher leaves it gives up after a few tries: the outcome files are the record.
// What the database goes on to refuse is recorded as a failure of ours instead.
func (f *finisher) record(batch []ending) {
	unsure, refusals := false, 0
	// A connection that broke is made again at once; a database that is away is not
	// asked more than once a second.
	wait := 50 * time.Millisecond
	for left := triesAfterLeaving; ; {
		failpoint.Hit(failpoint.BeforeCommit)
		applied, err := f.try(batch)
		if err == nil {
			failpoint.Hit(failpoint.AfterCommit)
			f.answer(batch, applied, unsure)
			return
		}
		f.d.log.Error("record ends of attempts", "attempts", len(batch), "error", err)
		if fault.Is(err, fault.InsufficientStorage) {
			f.makeRoom(batch)
		}
		unsure = true
		batch = f.answerApplied(batch, applied)
		if !away(err) {
			if refusals++; refusals == maxRefusals {
				batch = bare(batch)
			} else if refusals > maxRefusals {
				f.refuse(batch)
				return
			}
		}
		if f.d.leaving.Err() != nil {
			if left--; left == 0 {
				f.refuse(batch)
				return
			}
		}
		f.pause(wait)
		wait = f.d.times.Poll
	}
}

// makeRoom empties the work folders of the attempts: the disk that the database lacks may
// be theirs too, and a job that filled it could otherwise never be recorded as ended, nor
// anything else. They are dead and their outputs are elsewhere. The folders themselves
// stay, because they tell that the attempts began.
func (f *finisher) makeRoom(batch []ending) {
	for _, b := range batch {
		if err := spool.EmptyFolder(f.d.opts.Spool.Job(b.end.ID).Work(b.end.Attempt)); err != nil {
			f.d.log.Warn("make room for the database", "job", b.end.ID, "error", err)
		}
	}
}

// away reports an error that says nothing about the ends.
func away(err error) bool {
	return fault.Is(err, fault.Unavailable) || fault.Is(err, fault.InsufficientStorage) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// answerApplied answers those that went through although others did not, and returns
// the others.
func (f *finisher) answerApplied(batch []ending, applied []bool) []ending {
	var rest []ending
	for i, b := range batch {
		if i < len(applied) && applied[i] {
			b.answer <- answer{applied: true}
			continue
		}
		rest = append(rest, b)
	}
	return rest
}

// bare leaves of each end only what cannot be refused: that it failed, and why.
func bare(batch []ending) []ending {
	rest := make([]ending, len(batch))
	for i, b := range batch {
		rest[i] = ending{answer: b.answer, end: job.End{
			ID: b.end.ID, Attempt: b.end.Attempt, Token: b.end.Token,
			Next: job.Failed, CountFailure: true, KeepUntil: b.end.KeepUntil,
			Result: &job.Result{
				Class:  fault.InternalError,
				Detail: "The job ended, but the database refused the record of it.",
				Hint:   "Tell the administrator; the log of the service says what was refused.",
			},
		}}
	}
	return rest
}

func (f *finisher) try(batch []ending) ([]bool, error) {
	ends := make([]job.End, len(batch))
	for i, b := range batch {
		ends[i] = b.end
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return f.d.jobs.Finish(ctx, ends)
}

// pause waits before the next try, only a moment once the dispatcher leaves.
func (f *finisher) pause(wait time.Duration) {
	const last = 200 * time.Millisecond
	select {
	case <-time.After(wait):
	case <-f.d.leaving.Done():
		<-time.After(min(wait, last))
	}
}

// answer tells the attendants. After a try whose result is unknown an end may have been
// recorded by that one: then the row says so.
func (f *finisher) answer(batch []ending, applied []bool, unsure bool) {
	for i, b := range batch {
		ok := applied[i]
		if !ok && unsure {
			ok = f.recorded(b.end)
		}
		b.answer <- answer{applied: ok}
	}
}

func (f *finisher) refuse(batch []ending) {
	for _, b := range batch {
		b.answer <- answer{err: errNotRecorded}
	}
}

// recorded reads the row to find out whether the end was recorded.
func (f *finisher) recorded(end job.End) bool {
	ctx, cancel := context.WithTimeout(context.Background(), brief)
	defer cancel()
	row, err := f.d.jobs.Find(ctx, end.ID)
	if err != nil {
		if !fault.Is(err, fault.NotFound) {
			f.d.log.Error("look whether the end of an attempt was recorded", "job", end.ID, "error", err)
		}
		return false
	}
	return row.Attempt == end.Attempt && (row.State == end.Next || row.State == job.Cancelled)
}
