package webui

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/program"
	"convertd/runner/recipe"
	"convertd/sql/audit"
	"convertd/sql/job"
	"convertd/sql/roster"
	"convertd/webui/client"
)

// replayJob runs the last attempt of an ended job again as it was, for the administrator
// who looks for the cause of a failure, and tells what is not as it was.
func (s *Server) replayJob(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	if err := s.administrator(r); err != nil {
		return err
	}
	recorded, made, err := s.replayOf(r, p)
	if err != nil {
		return err
	}
	d, err := s.document(r.Context(), made.Job)
	if err != nil {
		return err
	}
	differs, err := s.differences(r.Context(), recorded)
	if err != nil {
		return err
	}
	w.Header().Set("Location", d.Links.Self)
	return writeJSON(w, http.StatusAccepted, client.Replay{Job: d, Attempt: recorded.attempt.Number, Differs: append([]string{}, differs...)})
}

// replayOf replays the job that the address names, and has that noted as an act of an
// administrator.
func (s *Server) replayOf(r *http.Request, p httprouter.Params) (recorded, accepted, error) {
	j, err := s.find(r.Context(), p)
	if err != nil {
		return recorded{}, accepted{}, err
	}
	again, err := s.recordedOf(r.Context(), j)
	if err != nil {
		return recorded{}, accepted{}, err
	}
	var made accepted
	err = s.act(r, audit.Act{Verb: audit.Replay, Target: j.ID, Detail: j.Recipe}, func() (err error) {
		made, err = s.replay(r, again)
		return err
	})
	return again, made, err
}

// recorded is an attempt that is to be done again.
type recorded struct {
	job     job.Job
	attempt job.Attempt
	// declared is what is run; kept says that it was kept when it ran, else it is the
	// recipe in force.
	declared recipe.Recipe
	kept     bool
	// inForce is the version of the recipe in force, "" when there is none.
	inForce string
}

// asItWas reports whether what is run is what ran.
func (rec recorded) asItWas() bool { return rec.declared.Version == rec.attempt.RecipeVersion }

// recordedOf finds out what ran in the last attempt of a job. Where the declaration is not
// kept any more the recipe in force takes its place.
func (s *Server) recordedOf(ctx context.Context, j job.Job) (recorded, error) {
	attempts, err := s.Jobs.Attempts(ctx, j.ID)
	if err != nil {
		return recorded{}, err
	}
	if len(attempts) == 0 {
		return recorded{}, fault.New(fault.Conflict, "The job never ran, so there is nothing to do again as it was.", "Retry it instead.")
	}
	rec := recorded{job: j, attempt: attempts[len(attempts)-1]}
	inForce, ok := s.Recipes().Find(j.Recipe)
	rec.inForce = inForce.Version
	kept, found, err := s.Declarations.Of(ctx, j.ID, rec.attempt.Number)
	if err != nil {
		return recorded{}, err
	}
	if found {
		rec.kept = true
		rec.declared, err = recipe.ReadDeclaration(kept.Recipe, kept.Version, kept.Text)
		return rec, err
	}
	if !ok {
		return recorded{}, fault.New(fault.Gone, fmt.Sprintf("The recipe %s is not here any more, and the version that ran is not kept.", j.Recipe), "Send the file again with another one.")
	}
	rec.declared = inForce
	return rec, nil
}

// replay submits the job again. Its row says which attempt it does again; the dispatcher
// finds out itself what that was.
func (s *Server) replay(r *http.Request, rec recorded) (made accepted, err error) {
	sub := s.newSubmission(r)
	defer func() { err = s.cleanUp(sub, err) }()
	defer func() { s.noteRefusal(r, sub, err) }()
	sub.owner, sub.recipe = rec.job.Owner, rec.job.Recipe
	if err := s.refill(r, sub, rec.job); err != nil {
		return made, err
	}
	if rec.kept {
		sub.replays = rec.attempt.Number
	}
	if secrets := recipe.ParamsOf(rec.declared, recipe.Secret, rec.job.Params); len(secrets) > 0 {
		return made, fault.New(fault.Conflict, fmt.Sprintf("The job was given the secret %s, and secrets are not kept.", secrets[0].Name),
			"Retry the job instead, and give the secret again.")
	}
	given, err := retryParams(rec.declared, rec.job, nil)
	if err != nil {
		return made, err
	}
	c, err := s.checkFor(r.Context(), sub, rec.declared, given)
	if err != nil {
		return made, err
	}
	c.group = rec.job.Group
	return s.accept(r.Context(), sub, c, nil)
}

// differences are sentences about what is not as it was.
func (s *Server) differences(ctx context.Context, rec recorded) ([]string, error) {
	all := recipeDifferences(rec)
	if !rec.asItWas() {
		all = append(all, paramDifferences(rec)...)
	}
	var before recipe.Limits
	if err := json.Unmarshal(orNullJSON(rec.attempt.Limits), &before); err == nil && before != (recipe.Limits{}) {
		all = append(all, limitDifferences(before, rec.declared.Limits)...)
	}
	all = append(all, s.programDifferences(rec)...)
	machines, err := s.machineDifferences(ctx, rec)
	return append(all, machines...), err
}

// recipeDifferences tells what became of the recipe since.
func recipeDifferences(rec recorded) []string {
	name, ran := rec.job.Recipe, rec.attempt.RecipeVersion
	switch {
	case rec.inForce == ran:
		return nil
	case !rec.asItWas():
		return []string{fmt.Sprintf("The recipe %s was version %s, which is not kept any more; version %s is run.", name, ran, rec.inForce)}
	case rec.inForce == "":
		return []string{fmt.Sprintf("The recipe %s is not in force any more; version %s is run, as then.", name, ran)}
	}
	return []string{fmt.Sprintf("The recipe %s was changed and is version %s now; version %s is run, as then.", name, rec.inForce, ran)}
}

// paramDifferences tells which parameters do not mean to the recipe that is run what they
// meant to the one that ran.
func paramDifferences(rec recorded) []string {
	var all []string
	known := map[string]bool{}
	for _, p := range rec.declared.Params {
		known[p.Name] = true
		if _, had := rec.job.Params[p.Name]; !had && p.Default != nil {
			all = append(all, fmt.Sprintf("The parameter %s was not set and is %q now.", p.Name, strings.Join(*p.Default, ",")))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rec.job.Params)) {
		if !known[name] {
			all = append(all, fmt.Sprintf("The parameter %s is not known to the recipe any more and is left out.", name))
		}
	}
	return all
}

// programDifferences compares the programs that were executed with those there are now.
func (s *Server) programDifferences(rec recorded) []string {
	var ran []runner.Ran
	if err := json.Unmarshal(orNullJSON(rec.attempt.Ran), &ran); err != nil || len(ran) == 0 {
		return []string{"It was not noted which programs were executed, so they are not compared."}
	}
	var all []string
	for _, one := range ran {
		if len(one.Argv) == 0 {
			continue
		}
		changed := program.Changed(one.Argv[0], one.Version, s.programs.Version(one.Argv[0]))
		if changed != "" && !slices.Contains(all, changed) {
			all = append(all, changed)
		}
	}
	return all
}

// machineDifferences compares where the attempt ran with where a dispatcher works now.
func (s *Server) machineDifferences(ctx context.Context, rec recorded) ([]string, error) {
	var before roster.Machine
	if err := json.Unmarshal(orNullJSON(rec.attempt.Machine), &before); err != nil || before.Host == "" {
		return []string{"It was not noted what the machine and its box were like, so they are not compared."}, nil
	}
	now, serves, err := s.servingMachine(ctx)
	if err != nil {
		return nil, err
	}
	if !serves {
		return []string{"No dispatcher serves, so the machine and its box are not compared."}, nil
	}
	return before.Differences(now), nil
}

// servingMachine is where the dispatcher works that is likely to run a job now.
func (s *Server) servingMachine(ctx context.Context) (roster.Machine, bool, error) {
	rows, err := s.Roster.List(ctx)
	if err != nil {
		return roster.Machine{}, false, err
	}
	for _, d := range rows {
		if d.Lately && d.State != roster.Standby && d.Machine.Host != "" {
			return d.Machine, true, nil
		}
	}
	return roster.Machine{}, false, nil
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
