package dispatcher

import (
	"encoding/json"
	"time"

	"convertd/runner/fault"
	"convertd/runner/progress"
	"convertd/sql/job"
)

// publish writes the status document of an attempt's end, after its commit. memcached
// may be away: then readers look at the row.
func (d *Dispatcher) publish(a *attempt, v verdict) {
	if d.opts.Status == nil {
		return
	}
	doc, err := json.Marshal(statusOf(a.row, v, time.Now()))
	if err != nil {
		a.log.Error("write status", "error", err)
		return
	}
	if err := d.opts.Status.Put(a.row.ID, doc); err != nil {
		a.log.Debug("write status", "error", err)
	}
}

// publishStuck says of an attempt why its end does not come. It is said again and again,
// because a status is forgotten.
func (d *Dispatcher) publishStuck(a *attempt) {
	if d.opts.Status == nil {
		return
	}
	doc, err := json.Marshal(progress.Status{
		ID: a.row.ID, State: string(job.Running), Attempt: a.row.Attempt, Seq: lastSeq, UpdatedAt: time.Now().UTC(),
		Message: "A process of this job cannot be killed; it waits for a disk or a network folder of the server.",
	})
	if err == nil {
		err = d.opts.Status.Put(a.row.ID, doc)
	}
	if err != nil {
		a.log.Debug("write status", "error", err)
	}
}

// lastSeq is greater than any number the child counts to, so that the end of an attempt
// never looks older than its progress.
const lastSeq = 1 << 40

func statusOf(row job.Claimed, v verdict, now time.Time) progress.Status {
	s := progress.Status{
		ID: row.ID, State: string(v.next), Done: v.next.Ended(),
		Attempt: row.Attempt, Seq: lastSeq, UpdatedAt: now.UTC(),
	}
	switch v.next {
	case job.Succeeded:
		percent := 100.0
		s.Percent = &percent
	case job.Failed:
		s.Error = &progress.Problem{Code: string(codeOf(v.class)), Class: string(v.class), Detail: v.detail, Hint: v.hint}
	}
	return s
}

// codeOf returns the problem code nearest to an outcome class, as the job's document has.
func codeOf(class fault.Class) fault.Code {
	switch class {
	case fault.BadInput:
		return fault.Invalid
	case fault.Disk:
		return fault.InsufficientStorage
	}
	return fault.Internal
}
