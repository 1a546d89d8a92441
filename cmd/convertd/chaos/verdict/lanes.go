package verdict

import (
	"slices"
	"time"
)

// dateSlack is how far apart the dates of the database and the monotonic clock of whoever
// looks may be, and endSlack how long the statement that ends a job may take: its date is
// that of the beginning.
const (
	dateSlack = 20 * time.Millisecond
	endSlack  = 15 * time.Second
)

// tooLate reports whether a refusal may be owed to the time: nothing was accepted before,
// and the job could not have started in time any more.
func (r Request) tooLate(a Answer) bool {
	return r.Expires > 0 && a.At >= r.Expires-dateSlack && r.job() == ""
}

// expiry looks at jobs that were to start by some time.
func (t *trial) expiry() {
	for id, j := range t.Jobs {
		r, asked := t.request(j)
		if !asked || r.Expires == 0 {
			continue
		}
		if len(j.Attempts) > 0 && j.Attempts[0].Started > r.Expires+dateSlack {
			t.violates(Expiry, "%s was to start by %s and started at %s", id, r.Expires, j.Attempts[0].Started)
		}
		if j.State != "expired" {
			continue
		}
		if j.Ended < r.Expires-dateSlack {
			t.violates(Expiry, "%s expired at %s, before %s", id, j.Ended, r.Expires)
		}
		if len(t.lines[id]) > 0 || slices.ContainsFunc(j.Attempts, func(a Attempt) bool { return a.Class != "" }) {
			t.violates(Expiry, "%s expired though it had started", id)
		}
	}
}

// halted looks for claims in a time in which there were to be none.
func (t *trial) halted() {
	queues := map[string]string{}
	for _, r := range t.Requests {
		queues[r.Kind.Name] = r.Kind.Queue
	}
	for _, h := range t.Halts {
		for id, j := range t.Jobs {
			for _, a := range j.Attempts {
				within := a.Started > h.From+dateSlack && a.Started < h.To-dateSlack
				if within && (h.Queue != "" && h.Queue == queues[j.Kind] || h.Dispatcher != "" && h.Dispatcher == a.Dispatcher) {
					t.violates(Halted, "attempt %d of %s was claimed at %s, and %s%s was halted from %s to %s",
						a.Number, id, a.Started, h.Queue, h.Dispatcher, h.From, h.To)
				}
			}
		}
	}
}

// alone looks at jobs that exclude each other: none was accepted while another was still
// at work, and none was refused when there was no other.
func (t *trial) alone() {
	for _, r := range t.Requests {
		if !r.Kind.Alone {
			continue
		}
		for _, a := range r.Answers {
			if a.Status == 409 && !r.CutOff && !t.othersLive(r, a) {
				t.violates(Alone, "%s (%s) was refused at %s, and nothing stood against it", r.Key, r.Kind.Name, a.At)
			}
		}
		if first, taken := r.taken(); taken {
			t.acceptedAlone(r, first)
		}
	}
}

// taken is the first answer that accepted the job.
func (r Request) taken() (Answer, bool) {
	at := slices.IndexFunc(r.Answers, func(a Answer) bool { return a.Job != "" })
	if at < 0 {
		return Answer{}, false
	}
	return r.Answers[at], true
}

// acceptedAlone looks for a job of the kind that was accepted before r was sent and still
// wrote after r was accepted.
func (t *trial) acceptedAlone(r Request, accepted Answer) {
	for id, other := range t.requests {
		before, taken := other.taken()
		if !taken || other.Kind.Name != r.Kind.Name || id == accepted.Job || before.At >= r.Answers[0].Asked || r.CutOff {
			continue
		}
		if lines := t.lines[id]; len(lines) > 0 && lines[len(lines)-1].At > accepted.At {
			t.violates(Alone, "%s was accepted at %s, and %s was at work until %s", accepted.Job, accepted.At, id, lines[len(lines)-1].At)
		}
	}
}

// othersLive reports whether some other job of the kind may have been live when the
// answer was given. One that was deleted since has left nothing to tell when it ended.
func (t *trial) othersLive(r Request, a Answer) bool {
	for id, j := range t.Jobs {
		if j.Kind == r.Kind.Name && id != r.job() && j.Created <= a.At+dateSlack && j.Ended >= a.Asked-endSlack {
			return true
		}
	}
	return slices.ContainsFunc(t.Requests, func(other Request) bool {
		return other.Deleted && other.Kind.Name == r.Kind.Name
	})
}

// uploads looks whether the place to go on at ever went back or beyond the file.
func (t *trial) uploads() {
	for _, r := range t.Requests {
		for _, u := range r.Uploads {
			last := int64(0)
			for _, told := range u.Told {
				if told < last || told > u.Size {
					t.violates(Uploads, "an upload of %d bytes for %s was told to go on at %d after %d", u.Size, r.Key, told, last)
				}
				last = told
			}
		}
	}
}

// listening looks at what each listener heard of the logs, over all its connections.
func (t *trial) listening() {
	type place struct{ attempt, offset int64 }
	for _, all := range t.Heard {
		at := map[string]place{}
		for _, h := range all {
			before, known := at[h.Job]
			now := place{int64(h.Attempt), h.Offset}
			switch {
			case !known || h.Fresh:
			case now.attempt < before.attempt:
				t.violates(Listening, "%s: attempt %d was heard after %d", h.Job, now.attempt, before.attempt)
			case now.attempt > before.attempt:
				if h.Offset != h.Bytes {
					t.violates(Listening, "%s: the log of attempt %d was heard from %d on", h.Job, h.Attempt, h.Offset-h.Bytes)
				}
			case before.offset+h.Bytes != h.Offset:
				t.violates(Listening, "%s: attempt %d was heard up to %d, and %d bytes later up to %d", h.Job, h.Attempt, before.offset, h.Bytes, h.Offset)
			}
			at[h.Job] = now
		}
	}
}
