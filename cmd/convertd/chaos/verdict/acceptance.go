package verdict

import "slices"

// answers looks at what the service said: it may be away, and say so, but not wrong.
func (t *trial) answers() {
	for _, about := range t.Complaints {
		t.violates(Answers, "%s", about)
	}
	for _, r := range t.Requests {
		right := []int{202, 409, 410, 429, 503, 507}
		if len(r.Awaits) > 0 {
			right = append(right, 404) // what it was to take is not there, and never will be
		}
		for _, a := range r.Answers {
			if a.Status == 400 && r.tooLate(a) {
				continue
			}
			if !slices.Contains(right, a.Status) {
				t.violates(Answers, "%s (%s) was answered %d: %.300s", r.Key, r.Kind.Name, a.Status, a.Body)
			}
		}
	}
}

// accepted looks for every job that the client was told of, with what it sent.
func (t *trial) accepted() {
	for _, r := range t.Requests {
		id := r.job()
		j, there := t.Jobs[id]
		switch {
		case id == "" || r.Deleted && !there:
		case !there:
			t.violates(Accepted, "%s (%s) was accepted as %s, which is not known", r.Key, r.Kind.Name, id)
		case j.Group != r.Group && r.Group != "":
			t.violates(Accepted, "%s was accepted into the group %s and is in %q", id, r.Group, j.Group)
		default:
			t.bytes(r, j)
		}
	}
}

// bytes compares what went in with what was sent, and with what other jobs made.
func (t *trial) bytes(r Request, j Job) {
	want := slices.Clone(r.Files)
	for _, name := range r.Awaits {
		sum, ok := t.outputOf(name)
		if !ok {
			return // what was awaited never came: ends and order look at that
		}
		want = append(want, sum)
	}
	var told, served []string
	for _, f := range j.Inputs {
		told, served = append(told, f.Told), append(served, f.Served)
	}
	if len(r.Awaits) > 0 && j.State != "succeeded" {
		return
	}
	if !slices.Equal(told, want) || !slices.Equal(served, want) {
		t.violates(Accepted, "%s was sent with the sums %.12q; its document says %.12q, and what is served has %.12q", j.ID, want, told, served)
	}
	for _, l := range t.lines[j.ID] {
		if l.What == Begin && !slices.Equal(l.Inputs, want) {
			t.violates(Accepted, "%s was sent with the sums %.12q, and attempt %d read %.12q", j.ID, want, l.Attempt, l.Inputs)
		}
	}
}

// outputOf returns the sum of an output, JOB/NAME.
func (t *trial) outputOf(name string) (string, bool) {
	for id, j := range t.Jobs {
		for _, f := range j.Outputs {
			if id+"/"+f.Name == name {
				return f.Served, true
			}
		}
	}
	return "", false
}

// oneJob compares the answers to one key with each other, and with the jobs that carry it.
func (t *trial) oneJob() {
	carrying := map[string][]string{}
	for id, j := range t.Jobs {
		if key := j.Tags["key"]; key != "" && j.RetryOf == "" {
			carrying[key] = append(carrying[key], id)
		}
	}
	known := map[string]bool{}
	for _, r := range t.Requests {
		known[r.Key] = true
		ids := slices.Clone(carrying[r.Key])
		for _, a := range r.Answers {
			if a.Job != "" {
				ids = append(ids, a.Job)
			}
		}
		slices.Sort(ids)
		if ids = slices.Compact(ids); len(ids) > 1 {
			t.violates(OneJob, "%s (%s) became %q", r.Key, r.Kind.Name, ids)
		}
	}
	for key, ids := range carrying {
		if !known[key] {
			t.violates(OneJob, "nobody asked for %q with the key %q", ids, key)
		}
	}
}

// wishes looks whether a confirmed cancel or deletion was heeded.
func (t *trial) wishes() {
	for id, r := range t.requests {
		j, there := t.Jobs[id]
		if r.Deleted && there {
			t.violates(Wishes, "%s was deleted and is still known, %s", id, j.State)
		}
		if r.Cancelled == nil {
			continue
		}
		if there && j.State == "expired" {
			t.violates(Wishes, "the cancel of %s was confirmed, and it expired", id)
		}
		for _, l := range t.lines[id] {
			if l.What == Begin && l.Attempt > r.Cancelled.Attempt {
				t.violates(Wishes, "%s was cancelled in attempt %d, and attempt %d began", id, r.Cancelled.Attempt, l.Attempt)
			}
		}
		if there && j.Attempt > r.Cancelled.Attempt {
			t.violates(Wishes, "%s was cancelled in attempt %d and has attempt %d", id, r.Cancelled.Attempt, j.Attempt)
		}
	}
}
