package webui

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/recipe"
	"convertd/sql/job"
	"convertd/webui/client"
)

// replayJob runs an ended job again as it was, for the administrator who looks for the
// cause of a failure, and tells what is not as it was.
func (s *Server) replayJob(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	if err := s.administrator(r); err != nil {
		return err
	}
	j, err := s.find(r.Context(), p)
	if err != nil {
		return err
	}
	attempts, err := s.Jobs.Attempts(r.Context(), j.ID)
	if err != nil {
		return err
	}
	var differs []string
	made, err := s.again(r, j, func(declared recipe.Recipe) (map[string][]string, error) {
		differs = differences(declared, j, attempts)
		return retryParams(declared, j, nil)
	})
	if err != nil {
		return err
	}
	d, err := s.document(r.Context(), made.Job)
	if err != nil {
		return err
	}
	w.Header().Set("Location", d.Links.Self)
	return writeJSON(w, http.StatusAccepted, client.Replay{Job: d, Differs: append([]string{}, differs...)})
}

// differences are sentences about what a replay cannot have as it was.
func differences(declared recipe.Recipe, j job.Job, attempts []job.Attempt) []string {
	var all []string
	if declared.Version != j.RecipeVersion {
		all = append(all, fmt.Sprintf("The recipe %s was version %s and is version %s now.", j.Recipe, j.RecipeVersion, declared.Version))
	}
	known := map[string]bool{}
	for _, p := range declared.Params {
		known[p.Name] = true
		if _, had := j.Params[p.Name]; !had && p.Default != nil {
			all = append(all, fmt.Sprintf("The parameter %s was not set and is %q now.", p.Name, strings.Join(*p.Default, ",")))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(j.Params)) {
		if !known[name] {
			all = append(all, fmt.Sprintf("The parameter %s is not known to the recipe any more and is left out.", name))
		}
	}
	if len(attempts) > 0 {
		var before recipe.Limits
		if err := json.Unmarshal(orNullJSON(attempts[len(attempts)-1].Limits), &before); err == nil && before != (recipe.Limits{}) {
			all = append(all, limitDifferences(before, declared.Limits)...)
		}
	}
	return all
}

// limitDifferences compares limits; those that the recipe leaves out are the shipped ones.
func limitDifferences(before, declared recipe.Limits) []string {
	shipped := recipe.DefaultLimits()
	rows := []struct {
		name          string
		was, is, none int64
		duration      bool
	}{
		{"memory", before.Memory, declared.Memory, shipped.Memory, false},
		{"disk", before.Disk, declared.Disk, shipped.Disk, false},
		{"time", int64(before.Time), int64(declared.Time), int64(shipped.Time), true},
		{"processes", int64(before.Processes), int64(declared.Processes), int64(shipped.Processes), false},
		{"outputs", int64(before.Outputs), int64(declared.Outputs), int64(shipped.Outputs), false},
	}
	var all []string
	for _, row := range rows {
		if row.is == 0 {
			row.is = row.none
		}
		if row.was == 0 || row.was == row.is {
			continue
		}
		was, is := fmt.Sprint(row.was), fmt.Sprint(row.is)
		if row.duration {
			was, is = time.Duration(row.was).String(), time.Duration(row.is).String()
		}
		all = append(all, fmt.Sprintf("The limit of %s was %s and is %s now.", row.name, was, is))
	}
	return all
}
