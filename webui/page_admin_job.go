package webui

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/job"
	"convertd/sql/roster"
	pages "convertd/webui/page"
)

// attemptsPage shows what a job's executions were, and what a replay would not find as it
// was.
func (s *Server) attemptsPage(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	v, err := s.adminVisit(w, r)
	if err != nil {
		return err
	}
	j, err := s.find(r.Context(), p)
	if err != nil {
		return err
	}
	view, err := s.attemptsView(r, v, j)
	if err != nil {
		return err
	}
	return s.show(w, r, v, view)
}

func (s *Server) attemptsView(r *http.Request, v visit, j job.Job) (pages.AdminAttempts, error) {
	view := pages.AdminAttempts{AdminFrame: s.adminFrame(v, "attempts.title", "jobs"), Job: s.row(v, j, time.Now())}
	rows, err := s.Jobs.Attempts(r.Context(), j.ID)
	if err != nil {
		return view, err
	}
	for _, a := range rows {
		view.Attempts = append(view.Attempts, shownAttempt(v, a))
	}
	if !j.State.Ended() || filesGone(j) {
		return view, nil
	}
	recorded, err := s.recordedOf(r.Context(), j)
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.Gone) {
		return view, nil // it never ran, or nobody knows any more what ran
	}
	if err != nil {
		return view, err
	}
	view.Replayable = true
	view.Differs, err = s.differences(r.Context(), recorded)
	return view, err
}

// shownAttempt is an attempt as a person reads it. Documents that another version of the
// program wrote are left out.
func shownAttempt(v visit, a job.Attempt) pages.Attempt {
	shown := pages.Attempt{Number: a.Number, Started: a.StartedAt, Ended: a.EndedAt, Class: string(a.Class), Detail: v.texts.Said(a.Detail), ExitCode: a.ExitCode,
		Signal: a.Signal, Version: a.RecipeVersion, Wall: inSeconds(a.Usage.WallSeconds), CPU: inSeconds(a.Usage.CPUSeconds),
		Memory: a.Usage.PeakMemoryBytes, Advice: adviceOf(a)}
	var limits recipe.Limits
	if json.Unmarshal(orNullJSON(a.Limits), &limits) == nil {
		shown.TimeLimit, shown.MemoryLimit = limits.Time, limits.Memory
	}
	var ran []runner.Ran
	if json.Unmarshal(orNullJSON(a.Ran), &ran) == nil {
		for _, program := range ran {
			shown.Ran = append(shown.Ran, pages.Program{Line: shellLine(program.Argv), Version: program.Version,
				ExitCode: program.ExitCode, Signal: program.Signal, Took: inSeconds(program.Seconds)})
		}
	}
	var machine roster.Machine
	if json.Unmarshal(orNullJSON(a.Machine), &machine) == nil {
		shown.Host, shown.Kernel, shown.Lacks = machine.Host, machine.Kernel, machine.Lacks
	}
	return shown
}

func inSeconds(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// shellLine writes arguments as a shell would have to be given them.
func shellLine(argv []string) string {
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = word
		if word == "" || strings.ContainsAny(word, " \t\n'\"\\$`&|;<>()*?[]{}~#!") {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// replayForm replays a job and leads to the new one's attempts.
func (s *Server) replayForm(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	if err := s.adminForm(w, r); err != nil {
		return err
	}
	_, made, err := s.replayOf(r, p)
	if err != nil {
		return err
	}
	http.Redirect(w, r, jobPage(made.ID), http.StatusSeeOther)
	return nil
}
