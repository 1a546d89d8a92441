package chaos

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"

	"convertd/cmd/convertd/chaos/verdict"
	"convertd/runner/failpoint"
)

// report says what happened, for whoever reads the output of a trial.
func (w *world) report(e verdict.Evidence, found []verdict.Violation) {
	states := map[string]int{}
	for _, j := range e.Jobs {
		states[j.State]++
	}
	passed := map[string]int{}
	for _, name := range []string{"web", "dispatcher-1", "dispatcher-2"} {
		raw, err := os.ReadFile(w.path("log", name))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(raw)) {
			if rest, found := strings.CutPrefix(line, "failpoint "); found {
				place, _, _ := strings.Cut(rest, " ")
				passed[place]++
			}
		}
	}
	var never []string
	for _, place := range slices.Concat(failpoint.OfAcceptance(), failpoint.OfAttempt(), failpoint.OfFiles()) {
		if passed[place] == 0 {
			never = append(never, place)
		}
	}
	w.t.Logf("SEED=%d: %d requests, %d jobs %v, %d lines of diary, %d mails, %d sightings, %d violations",
		w.seed, len(e.Requests), len(e.Jobs), states, len(e.Diary), len(e.Letters), count(e.Sightings), len(found))
	tried := tally(e)
	w.t.Log(tried)
	w.t.Logf("killed at %v, never at %q", passed, never)
	for _, what := range slices.Sorted(maps.Keys(w.done)) {
		w.t.Logf("%4d times: %s", w.done[what], what)
	}
	if len(e.Diary) == 0 || len(e.Letters) == 0 || count(e.Sightings) == 0 || tried.uploads == 0 || tried.events == 0 || len(w.done) < len(w.disturbances())/2 || len(passed) == 0 {
		w.t.Error("the trial was too short to try anything")
	}
}

func count(all [][]verdict.Sighting) int {
	n := 0
	for _, seen := range all {
		n += len(seen)
	}
	return n
}

// tried is how often was done what only some jobs and some moments have.
type tried struct{ uploads, places, events, halts, refused, expired int }

func (n tried) String() string {
	return fmt.Sprintf("%d uploads, told to go on at %d places; %d events; %d halts; %d times refused because another was at work; %d expired",
		n.uploads, n.places, n.events, n.halts, n.refused, n.expired)
}

func tally(e verdict.Evidence) tried {
	n := tried{halts: len(e.Halts)}
	for _, r := range e.Requests {
		n.uploads += len(r.Uploads)
		for _, u := range r.Uploads {
			n.places += len(u.Told)
		}
		for _, a := range r.Answers {
			if r.Kind.Alone && a.Status == http.StatusConflict {
				n.refused++
			}
		}
	}
	for _, all := range e.Heard {
		n.events += len(all)
	}
	for _, j := range e.Jobs {
		if j.State == "expired" {
			n.expired++
		}
	}
	return n
}
