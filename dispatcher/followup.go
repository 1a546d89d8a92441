package dispatcher

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"convertd/runner"
	"convertd/runner/failpoint"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/sql/job"
	"convertd/sql/refused"
)

// followUp is what a step may ask for after its job: a job with outputs of this one as
// inputs.
type followUp struct {
	Recipe string `json:"recipe"`
	To     string `json:"to"`
	Preset string `json:"preset"`
	Inputs []struct {
		Output string `json:"output"`
	} `json:"inputs"`
	Params   json.RawMessage   `json:"params"`
	Tags     map[string]string `json:"tags"`
	Priority int               `json:"priority"`
	RunAt    *time.Time        `json:"run_at"`
	Expires  *time.Time        `json:"expires"`
}

// maxInGroup ends a chain of jobs that ask for jobs without end.
const maxInGroup = 10_000

// submitFollowUps makes the jobs that an attempt asked for, blocked until the job itself
// is recorded as succeeded. Their ids follow from its id and the names of the files, so
// that doing it again, after a crash, makes no second ones. What cannot be submitted is
// logged; it does not undo the success of the job.
func (d *Dispatcher) submitFollowUps(a *attempt, o runner.Outcome) error {
	if len(o.FollowUps) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), brief)
	defer cancel()
	group, err := d.jobs.GroupFor(ctx, a.row.ID, derivedID(a.row.ID, "group"))
	if err != nil {
		return err
	}
	count, err := d.jobs.InGroup(ctx, group, maxInGroup)
	if err != nil {
		return err
	}
	for _, asked := range o.FollowUps {
		if count++; count > maxInGroup {
			d.noteRefusal(ctx, a, asked, fault.New(fault.Conflict, fmt.Sprintf("The group has %d jobs already, as many as may follow from one.", maxInGroup), ""))
			continue
		}
		if err := d.submitFollowUp(ctx, a, o, group, asked); err != nil {
			var why *fault.Error
			if !errors.As(err, &why) || fault.Is(err, fault.Unavailable) {
				return fmt.Errorf("submit follow-up job %s: %w", asked.Name, err)
			}
			d.noteRefusal(ctx, a, asked, why)
		}
	}
	return nil
}

// noteRefusal keeps which follow-up job was turned away and why. That it cannot be noted
// changes nothing.
func (d *Dispatcher) noteRefusal(ctx context.Context, a *attempt, asked runner.FollowUp, why *fault.Error) {
	a.log.Warn("a follow-up job was refused", "file", asked.Name, "reason", why.Message)
	var named struct {
		Recipe string `json:"recipe"`
	}
	_ = json.Unmarshal(asked.Request, &named) // what is no JSON names none
	row := refused.Refusal{Owner: a.row.Owner, Recipe: named.Recipe, Code: why.Code,
		Detail: fmt.Sprintf("%s It was asked for by the job %s in the file %s.", why.Message, a.row.ID, asked.Name)}
	if err := refused.NewStore(d.opts.DB).Note(ctx, row); err != nil {
		a.log.Warn("a refusal was not noted", "error", err)
	}
}

func (d *Dispatcher) submitFollowUp(ctx context.Context, a *attempt, o runner.Outcome, group string, asked runner.FollowUp) error {
	var f followUp
	reader := json.NewDecoder(bytes.NewReader(asked.Request))
	reader.DisallowUnknownFields()
	if err := reader.Decode(&f); err != nil {
		return fault.Wrap(err, fault.Invalid, "The file does not describe a job: "+err.Error()+".", "Write recipe, inputs, params.")
	}
	draft, err := d.draftOf(a, o, f)
	if err != nil {
		return err
	}
	draft.ID, draft.Group = derivedID(a.row.ID, asked.Name), group
	if err := os.MkdirAll(d.opts.Spool.Job(draft.ID).In(), 0o711); err != nil {
		return fmt.Errorf("make folder of job: %w", err)
	}
	_, err = d.jobs.Insert(ctx, draft)
	failpoint.Hit(failpoint.AfterFollowUp)
	if fault.Is(err, fault.Conflict) {
		return nil // made before a crash
	}
	return err
}

// draftOf holds a follow-up against its recipe, as the web process does with what people
// send.
func (d *Dispatcher) draftOf(a *attempt, o runner.Outcome, f followUp) (job.Draft, error) {
	r, given, err := d.chooseFollowUp(f)
	if err != nil {
		return job.Draft{}, err
	}
	if err := mayFollow(r, a.row.Owner); err != nil {
		return job.Draft{}, err
	}
	values, err := r.CheckParams(given)
	if err != nil {
		return job.Draft{}, err
	}
	for _, kind := range []recipe.ParamType{recipe.File, recipe.Secret} {
		if apart := recipe.ParamsOf(r, kind, values); len(apart) > 0 {
			return job.Draft{}, fault.New(fault.Unsupported, fmt.Sprintf("The parameter %s is a %s, which a follow-up job cannot be given.", apart[0].Name, kind), "Leave it out.")
		}
	}
	if len(f.Inputs) > 0 && len(r.Accept) == 0 || r.Inputs.Each && len(r.Accept) > 0 && len(f.Inputs) != 1 ||
		!r.Inputs.Each && (len(f.Inputs) < r.Inputs.Min || len(f.Inputs) > r.Inputs.Max) {
		return job.Draft{}, fault.New(fault.Invalid, fmt.Sprintf("%s does not take %d files.", r.Name, len(f.Inputs)), "Name as many as it takes.")
	}
	key, err := r.ConcurrencyKey(values)
	if err != nil {
		return job.Draft{}, err
	}
	draft := job.Draft{
		Identity: job.Identity{Owner: a.row.Owner, ManageHash: a.row.ManageHash},
		Request: job.Request{Recipe: r.Name, RecipeVersion: r.Version, Queue: r.Queue, Priority: min(max(f.Priority, -10), a.row.Priority),
			Params: values.Given(), Tags: f.Tags, Lang: a.row.Lang, TraceContext: a.row.TraceContext},
		RunAt: f.RunAt, WaitUntil: f.Expires, MaxAttempts: r.Retry.MaxAttempts,
		// Refusing is for people, who can send it again.
		Concurrency: job.Concurrency{Key: key},
		Needs:       []job.Need{{Job: a.row.ID}},
	}
	for i, in := range f.Inputs {
		if err := checkOutput(r, o, in.Output); err != nil {
			return job.Draft{}, err
		}
		draft.Needs = append(draft.Needs, job.Need{Job: a.row.ID, Output: in.Output, Input: i + 1})
	}
	return draft, nil
}

// mayFollow refuses what a converter must not set off for an owner: it was given a file of
// that owner, not the owner's will. So it can neither run what is not for the owner nor
// press a button that has access to the machine.
func mayFollow(r recipe.Recipe, owner string) error {
	if len(r.Visible.Owners) > 0 && !slices.Contains(r.Visible.Owners, owner) {
		return fault.New(fault.Forbidden, fmt.Sprintf("The recipe %s is not for the owner of this job.", r.Name), "Name the owner in its [visible] owners.")
	}
	if len(r.Accept) == 0 && r.Access.Grants() {
		return fault.New(fault.Forbidden, fmt.Sprintf("The recipe %s has [access] and takes no file: only people may run it.", r.Name), "Make it take the file that it works on, or let a person run it.")
	}
	return nil
}

func (d *Dispatcher) chooseFollowUp(f followUp) (recipe.Recipe, map[string][]string, error) {
	r, ok := d.opts.Recipes.Find(f.Recipe)
	if !ok {
		return r, nil, fault.New(fault.Invalid, fmt.Sprintf("There is no recipe “%.80s”.", f.Recipe), "Name one of convertd recipes list.")
	}
	given, err := r.GivenJSON(f.Params)
	if err == nil {
		given, err = r.WithPreset(f.Preset, given)
	}
	if err != nil || f.To == "" {
		return r, given, err
	}
	for _, t := range r.Targets() {
		if t.ID == f.To {
			for name, words := range t.Given {
				given[name] = words
			}
			return r, given, nil
		}
	}
	return r, nil, fault.New(fault.Invalid, fmt.Sprintf("%s does not make “%.80s”.", r.Name, f.To), "Name one of its targets.")
}

// checkOutput looks for an output that a follow-up takes.
func checkOutput(r recipe.Recipe, o runner.Outcome, name string) error {
	for _, out := range o.Outputs {
		if out.Name == name {
			return r.CheckFile(out.MediaType, spool.Extension(name))
		}
	}
	return fault.New(fault.Invalid, fmt.Sprintf("The job made no file “%.80s”.", name), "Name an output as it is shown to people.")
}

// derivedID is an id that follows from another one and a name; who does not know the one
// cannot guess the other.
func derivedID(id, name string) string {
	sum := sha256.Sum256([]byte(id + "/" + name))
	return base32.StdEncoding.EncodeToString(sum[:])[:len(id)]
}
