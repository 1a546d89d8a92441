package verdict

import (
	"slices"
	"strings"
)

// progress looks at histories and at what watchers saw.
func (t *trial) progress() {
	for id, j := range t.Jobs {
		for attempt, percents := range j.Histories {
			last := -1.0
			for _, p := range percents {
				if p == nil {
					continue
				}
				if *p < last {
					t.violates(Progress, "the history of attempt %d of %s goes from %v to %v", attempt, id, last, *p)
				}
				if *p >= 100 {
					t.violates(Progress, "the history of attempt %d of %s says %v before its end", attempt, id, *p)
				}
				last = *p
			}
		}
	}
	for _, seen := range t.Sightings {
		t.watched(seen)
	}
}

// watched looks at what one watcher saw, in its order.
func (t *trial) watched(seen []Sighting) {
	last := map[string]Sighting{}
	for _, s := range seen {
		before, again := last[s.Job]
		if s.Percent != nil && *s.Percent >= 100 && s.State != "succeeded" {
			t.violates(Progress, "%s was shown at %v percent while %s", s.Job, *s.Percent, s.State)
		}
		if again && before.Done && !s.Done {
			t.violates(Progress, "%s was shown as %s after %s", s.Job, s.State, before.State)
		}
		if again && s.Attempt < before.Attempt {
			t.violates(Progress, "%s was shown in attempt %d (%s) after %d (%s)", s.Job, s.Attempt, s.State, before.Attempt, before.State)
		}
		if again && s.Attempt == before.Attempt && s.Percent == nil {
			s.Percent = before.Percent // not known for a while is not back
		}
		if again && s.Attempt == before.Attempt && before.Percent != nil && *s.Percent < *before.Percent {
			t.violates(Progress, "attempt %d of %s was shown at %v percent after %v", s.Attempt, s.Job, *s.Percent, *before.Percent)
		}
		last[s.Job] = s
	}
}

// mails counts the Message-IDs that name each failed job, and each success that somebody
// wanted to hear of. The same mail may arrive more than once.
func (t *trial) mails() {
	for _, l := range t.Letters {
		if l.MessageID == "" {
			t.violates(Mails, "a mail without Message-ID: %.100q", l.Text)
		}
	}
	for id, j := range t.Jobs {
		taken, all := t.naming(id)
		r, asked := t.request(j)
		want := j.State == "failed" || asked && r.Email != "" && j.State == "succeeded"
		switch {
		case len(all) > 1:
			t.violates(Mails, "%s (%s) is named in %q", id, j.State, all)
		case want && len(taken) == 0:
			t.violates(Mails, "%s ended %s, and no mail names it", id, j.State)
		case !want && len(all) > 0:
			t.violates(Mails, "%s ended %s, and %q names it", id, j.State, all)
		}
	}
	for id, r := range t.requests {
		if _, there := t.Jobs[id]; there || !r.Deleted {
			continue
		}
		if _, all := t.naming(id); len(all) > 1 {
			t.violates(Mails, "%s, which was deleted, is named in %q", id, all)
		}
	}
}

// naming returns the distinct Message-IDs of mails that name a job: those that the server
// confirmed, and all.
func (t *trial) naming(id string) (taken, all []string) {
	for _, l := range t.Letters {
		if !strings.Contains(l.Text, id) {
			continue
		}
		all = append(all, l.MessageID)
		if l.Taken {
			taken = append(taken, l.MessageID)
		}
	}
	slices.Sort(taken)
	slices.Sort(all)
	return slices.Compact(taken), slices.Compact(all)
}
