package verdict

import (
	"fmt"
	"slices"
	"strings"
)

// Violation is a promise that was not kept.
type Violation struct {
	// Rule names the promise.
	Rule string
	// What says what was seen instead.
	What string
}

func (v Violation) String() string { return v.Rule + ": " + v.What }

// The rules, in the words of the guarantees.
const (
	Accepted  = "every accepted job is there with its bytes"
	OneJob    = "one key makes one job"
	Ends      = "every job ends as it should"
	OneAlive  = "one attempt of a job is alive at a time"
	OneResult = "what is served is what the recorded attempt made"
	Attempts  = "attempts never exceed the maximum"
	NothingIs = "nothing is left"
	Progress  = "progress never goes back"
	Resources = "what is counted or exclusive is never over its count"
	Mails     = "every failed job is named in exactly one Message-ID"
	Wishes    = "cancelled and deleted jobs are what the client asked for"
	Order     = "a job that follows others begins after they succeeded"
	FollowUps = "a job that succeeded has each of its follow-up jobs once"
	State     = "what an attempt left for the next one is there"
	Answers   = "a request is answered as it should be"
	Expiry    = "a job that was to start in time started in time or not at all"
	Halted    = "nothing starts in a paused queue, nor by a dispatcher that has drained"
	Alone     = "a job that excludes others is accepted when it is alone, and only then"
	Uploads   = "what was confirmed of an upload is there"
	Listening = "a log that is followed has no gap and nothing twice"
)

// trial is the evidence, put in order for the rules.
type trial struct {
	Evidence
	// requests are those whose job is known, by its id.
	requests map[string]Request
	// lines are those of each job, in order.
	lines map[string][]Line
	found []Violation
}

// Judge returns every promise that was not kept.
func Judge(e Evidence) []Violation {
	t := &trial{Evidence: e, requests: map[string]Request{}, lines: map[string][]Line{}}
	for _, r := range e.Requests {
		if id := r.job(); id != "" {
			t.requests[id] = r
		}
	}
	for _, l := range e.Diary {
		t.lines[l.Job] = append(t.lines[l.Job], l)
	}
	for _, rule := range []func(){
		t.answers, t.accepted, t.oneJob, t.ends, t.oneAlive, t.oneResult, t.attempts, t.remains, t.progress,
		t.mails, t.wishes, t.order, t.followUps, t.state, t.expiry, t.halted, t.alone, t.uploads, t.listening,
	} {
		rule()
	}
	return t.found
}

func (t *trial) violates(rule, format string, values ...any) {
	t.found = append(t.found, Violation{Rule: rule, What: fmt.Sprintf(format, values...)})
}

// job is the id that the first answer named, "" when none did.
func (r Request) job() string {
	for _, a := range r.Answers {
		if a.Job != "" {
			return a.Job
		}
	}
	return ""
}

// ended reports a state that nothing follows.
func ended(state string) bool {
	return slices.Contains([]string{"succeeded", "failed", "cancelled", "expired"}, state)
}

// killed reports whether a process of the job was killed by the trial itself.
func (t *trial) killed(id string) bool {
	return slices.ContainsFunc(t.Kills, func(k Kill) bool { return strings.HasPrefix(id, k.Job) })
}

// request returns what a job is known to have been asked as; retries and follow-ups of
// the service were not asked with a key.
func (t *trial) request(j Job) (Request, bool) {
	if j.RetryOf != "" {
		return Request{}, false
	}
	r, ok := t.requests[j.ID]
	return r, ok
}
