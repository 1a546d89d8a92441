package verdict

import (
	"slices"
	"time"
)

// ends looks whether every job ended, and as its kind does unless it was disturbed.
func (t *trial) ends() {
	for id, j := range t.Jobs {
		if !ended(j.State) {
			t.violates(Ends, "%s is %s", id, j.State)
			continue
		}
		r, asked := t.request(j)
		if asked && !t.explained(r, j) {
			t.violates(Ends, "%s (%s) ended %s %s, want %s %s", id, r.Kind.Name, j.State, j.Class, r.Kind.State, r.Kind.Class)
		}
	}
}

// explained reports whether a job ended as its kind does, or for a reason that the trial
// knows of: it was told to, what it follows did not succeed, or its processes were killed
// as often as its recipe bears.
func (t *trial) explained(r Request, j Job) bool {
	switch {
	case j.State == r.Kind.State && (j.State != "failed" || j.Class == r.Kind.Class):
		return true
	case j.State == "expired":
		return r.Expires > 0
	case j.State == "cancelled":
		return r.Cancelled != nil || r.Deleted || t.orphaned(r)
	case j.State == "failed" && (j.Class == "killed" || j.Class == "lost"):
		return t.killed(j.ID) && (!slices.Contains(r.Kind.Again, j.Class) || counted(j) == r.Kind.MaxAttempts)
	}
	return false
}

// orphaned reports whether something that the job was to follow did not succeed or is gone.
func (t *trial) orphaned(r Request) bool {
	for _, id := range r.needs() {
		if t.Jobs[id].State != "succeeded" {
			return true
		}
	}
	return false
}

// needs are the jobs that the job follows, or of which it takes an output.
func (r Request) needs() []string {
	needs := slices.Clone(r.After)
	for _, name := range r.Awaits {
		needs = append(needs, name[:max(0, slices.Index([]byte(name), '/'))])
	}
	return needs
}

// counted is how many attempts were used up.
func counted(j Job) int {
	n := 0
	for _, a := range j.Attempts {
		if a.Class != "" {
			n++
		}
	}
	return n
}

// oneAlive looks for two attempts of a job at once. Every step holds a lock as long as it
// or a process of its lives, so the strongest proof is one that found it taken; besides, no
// line of an attempt may come after a later attempt began.
func (t *trial) oneAlive() {
	for id, lines := range t.lines {
		began := map[int]bool{}
		latest := 0
		for _, l := range lines {
			if l.What == Busy {
				rule := Resources
				if l.Of == id {
					rule = OneAlive
				}
				t.violates(rule, "attempt %d of %s found %s held at %s", l.Attempt, id, l.Of, l.At)
			}
			if l.Attempt < latest {
				t.violates(OneAlive, "attempt %d of %s wrote %q after attempt %d had begun", l.Attempt, id, l.What, latest)
			}
			latest = max(latest, l.Attempt)
			if l.What == Begin {
				if began[l.Attempt] {
					t.violates(OneAlive, "attempt %d of %s began twice", l.Attempt, id)
				}
				began[l.Attempt] = true
			}
		}
	}
}

// attempts bounds those that began, and those that the service counted.
func (t *trial) attempts() {
	for id, j := range t.Jobs {
		r, asked := t.request(j)
		if !asked {
			continue
		}
		if n := counted(j); n > r.Kind.MaxAttempts {
			t.violates(Attempts, "%s (%s) used up %d attempts, of %d", id, r.Kind.Name, n, r.Kind.MaxAttempts)
		}
		if n := t.begun(id); n > r.Kind.MaxAttempts {
			t.violates(Attempts, "%d attempts of %s (%s) began that nobody asked to stop, of %d", n, id, r.Kind.Name, r.Kind.MaxAttempts)
		}
		live := 0
		for i, a := range j.Attempts {
			if a.Number != i+1 {
				t.violates(Attempts, "attempt %d of %s is told as number %d", i+1, id, a.Number)
			}
			if !a.Ended {
				live++
			}
		}
		if ended(j.State) && live > 0 {
			t.violates(Attempts, "%s has ended, and %d of its attempts have not", id, live)
		}
	}
}

// begun counts the attempts that began and may not be excused by a safe stop: one that came
// between the beginnings of the attempt before and of the one after it.
func (t *trial) begun(id string) int {
	var at []time.Duration
	for _, l := range t.lines[id] {
		if l.What == Begin {
			at = append(at, l.At)
		}
	}
	n := 0
	for i := range at {
		excused := slices.ContainsFunc(t.Stops, func(stop time.Duration) bool {
			return (i == 0 || stop > at[i-1]) && (i+1 == len(at) || stop < at[i+1])
		})
		if !excused {
			n++
		}
	}
	return n
}

// oneResult compares what is served with what the recorded attempt said it made.
func (t *trial) oneResult() {
	for id, j := range t.Jobs {
		if j.State != "succeeded" {
			if len(j.Outputs) > 0 {
				t.violates(OneResult, "%s is %s and serves %d files", id, j.State, len(j.Outputs))
			}
			continue
		}
		made := t.madeBy(id, j.Attempt)
		if len(made) == 0 || len(made) != len(j.Outputs) {
			t.violates(OneResult, "%s serves %d files, and its attempt %d made %d", id, len(j.Outputs), j.Attempt, len(made))
		}
		for _, f := range j.Outputs {
			if sum := made[f.Name]; f.Served != sum || f.Told != sum {
				t.violates(OneResult, "%s of %s: served %.12s, told %.12s, made by attempt %d %.12s", f.Name, id, f.Served, f.Told, j.Attempt, sum)
			}
		}
	}
}

// madeBy is what an attempt said that it made when it ended well.
func (t *trial) madeBy(id string, attempt int) map[string]string {
	for _, l := range t.lines[id] {
		if l.What == End && l.Attempt == attempt && l.Exit == 0 {
			return l.Outputs
		}
	}
	return nil
}

func (t *trial) remains() {
	for _, what := range t.Remains {
		t.violates(NothingIs, "%s", what)
	}
}

// order looks whether what was to come first was over and had succeeded.
func (t *trial) order() {
	for id, r := range t.requests {
		for _, first := range r.needs() {
			end, ok := t.endOf(first)
			for _, l := range t.lines[id] {
				if l.What == Begin && (!ok || end > l.At) {
					t.violates(Order, "%s began and was to follow %s, which had not succeeded", id, first)
				}
			}
		}
	}
}

// endOf is when a job's successful end was written.
func (t *trial) endOf(id string) (time.Duration, bool) {
	for _, l := range slices.Backward(t.lines[id]) {
		if l.What == End && l.Exit == 0 {
			return l.At, true
		}
	}
	return 0, false
}

// followUps counts the jobs that name another as their parent.
func (t *trial) followUps() {
	children := map[string]int{}
	for _, j := range t.Jobs {
		if parent := j.Tags["parent"]; parent != "" && j.RetryOf == "" {
			children[parent]++
		}
	}
	for id, j := range t.Jobs {
		r, asked := t.request(j)
		if !asked {
			continue
		}
		n := children[id]
		if n > r.Kind.FollowUps || j.State == "succeeded" && n != r.Kind.FollowUps {
			t.violates(FollowUps, "%s (%s) ended %s and has %d follow-up jobs, want %d", id, r.Kind.Name, j.State, n, r.Kind.FollowUps)
		}
	}
}

// state looks whether each attempt found what the one before left for it. One that was
// killed while it wrote may have left what was there before.
func (t *trial) state() {
	for id, lines := range t.lines {
		left, before, sure := "", "", true
		for _, l := range lines {
			switch l.What {
			case Saved:
				before, left, sure = left, l.Of, false
			case End:
				sure = true
			case Found:
				if l.Of != left && (sure || l.Of != before) {
					t.violates(State, "attempt %d of %s found %q, and %q was left for it", l.Attempt, id, l.Of, left)
				}
				left, sure = l.Of, true
			}
		}
	}
}
