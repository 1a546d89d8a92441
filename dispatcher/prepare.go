package dispatcher

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"convertd/dispatcher/cgroup"
	"convertd/runner"
	"convertd/runner/cache"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/sql/job"
)

// refusal is why a claimed job cannot be run at all; trying again would not help.
type refusal struct {
	class        fault.Class
	detail, hint string
}

func (r *refusal) Error() string { return r.detail }

func refuse(detail, hint string) *refusal {
	return &refusal{class: fault.InternalError, detail: detail, hint: hint}
}

// plan makes the Spec from the row and the recipe in force here. A row is data from
// elsewhere, so everything in it is checked again.
func (d *Dispatcher) plan(a *attempt) error {
	if a.recallError != nil {
		return fmt.Errorf("find the recipe as it was: %w", a.recallError)
	}
	if !a.known && a.row.Replays > 0 {
		return refuse(fmt.Sprintf("The version of the recipe “%s” that ran in attempt %d of the job %s is not kept any more.", a.row.Recipe, a.row.Replays, a.row.RetryOf),
			"Retry the job instead: that runs the recipe as it is now.")
	}
	if !a.known {
		return refuse(fmt.Sprintf("The recipe “%s” is no longer there.", a.row.Recipe),
			"Ask the administrator, or choose another way to convert the file.")
	}
	for _, name := range slices.Sorted(maps.Keys(a.recipe.NeedsResource)) {
		if d.settings.Load().Lanes.Resources[name] < 1 {
			return refuse(fmt.Sprintf("The recipe “%s” needs the resource %s, and this machine has none.", a.row.Recipe, name),
				fmt.Sprintf("Ask the administrator to set [resources] %s to how many there are.", name))
		}
	}
	values, err := a.recipe.CheckStored(a.row.Params)
	if err != nil {
		return refuse("The recipe was changed after this job was submitted, and its parameters no longer fit: "+reasons(err),
			"Submit the file again with the parameters that the form now shows.")
	}
	if err := d.checkInputs(a); err != nil {
		return err
	}
	if err := d.checkAccess(a); err != nil {
		return err
	}
	q := d.request(a, values)
	if err := d.giveApart(a, values, &q); err != nil {
		return err
	}
	if err := chooseUser(a, &q.Box); err != nil {
		return err
	}
	if err := d.keepings(a, &q); err != nil {
		return err
	}
	spec, err := runner.NewSpec(a.recipe, q)
	if err != nil {
		return refuse(fmt.Sprintf("The recipe “%s” gives no command for this job: %v.", a.row.Recipe, err),
			"Tell the administrator; the command “convertd recipes check” shows what is wrong.")
	}
	if err := checkHosts(spec.Box); err != nil {
		return err
	}
	a.spec = spec
	return nil
}

func reasons(err error) string {
	var e *fault.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return err.Error()
	}
	var all []string
	for _, f := range e.Fields {
		all = append(all, f.Detail)
	}
	return strings.Join(all, " ")
}

// checkInputs looks whether each input is still there as it was accepted.
func (d *Dispatcher) checkInputs(a *attempt) error {
	n := len(a.row.Inputs)
	if in := a.recipe.Inputs; !in.Each && in.Max > 0 && (n < in.Min || n > in.Max) {
		return refuse(fmt.Sprintf("The recipe was changed after this job was submitted: it takes %d to %d files now, and the job has %d.", in.Min, in.Max, n),
			"Submit the files again.")
	}
	for _, in := range slices.Concat(a.row.Inputs, a.row.Files) {
		if in.File != filepath.Base(in.File) {
			return refuse("The name of a stored input file is damaged.", "Submit the file again and tell the administrator.")
		}
		info, err := os.Lstat(filepath.Join(a.dir.In(), in.File))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("look at input: %w", err)
		}
		if err != nil {
			// Of a spool that went away after the claim nothing can be said of its jobs.
			if gone := d.sameSpool(); gone != nil {
				return gone
			}
		}
		if err != nil || !info.Mode().IsRegular() || info.Size() != in.Size {
			return damaged(in, "missing or has another size than")
		}
		if err := a.compareInput(in, info); err != nil {
			return err
		}
	}
	return nil
}

// giveApart adds what lies apart from the values: the files of parameters, and secrets.
func (d *Dispatcher) giveApart(a *attempt, values recipe.Values, q *runner.Request) error {
	q.Files, q.Secrets = map[string]runner.Input{}, map[string]string{}
	for _, p := range recipe.ParamsOf(a.recipe, recipe.File, values) {
		i := slices.IndexFunc(a.row.Files, func(in job.Input) bool { return in.Param == p.Name })
		if i < 0 {
			return refuse(fmt.Sprintf("The recipe was changed after this job was submitted: its parameter %s is a file now, and the job has none.", p.Name),
				"Submit the job again.")
		}
		q.Files[p.Name] = runner.Input{File: a.row.Files[i].File, Name: a.row.Files[i].Name}
	}
	for _, p := range recipe.ParamsOf(a.recipe, recipe.Secret, values) {
		if !d.vault.Has(a.row.ID, p.Name) {
			return refuse(fmt.Sprintf("The secret %s of this job is gone: secrets are kept in memory only, and this machine was restarted since.", p.Name),
				"Submit the job again and give the secret again.")
		}
		q.Secrets[p.Name] = d.vault.Path(a.row.ID, p.Name)
	}
	return nil
}

func damaged(in job.Input, how string) *refusal {
	return refuse(fmt.Sprintf("The input “%s” is damaged: the stored file is %s when it was accepted.", in.Name, how),
		"Submit the file again and tell the administrator.")
}

// alwaysCompared is how large an input may be whose content is compared at every start. A
// larger one is read only if its date says that it was written since: to read it costs
// more than most starts.
const alwaysCompared = 16 << 20

// compareInput looks whether the content of an input is still the one that was accepted.
func (a *attempt) compareInput(in job.Input, info os.FileInfo) error {
	if in.SHA256 == "" || info.Size() > alwaysCompared && !info.ModTime().After(a.row.CreatedAt) {
		return nil
	}
	stored, err := spool.Inspect(filepath.Join(a.dir.In(), in.File))
	if err != nil {
		return err
	}
	if stored.SHA256 != in.SHA256 {
		return damaged(in, "not the same as")
	}
	return nil
}

func (d *Dispatcher) request(a *attempt, values recipe.Values) runner.Request {
	q := runner.Request{
		Job: a.row.ID, Attempt: a.row.Attempt, Token: a.row.Token,
		Dir: a.dir, Values: values,
		Env: environment(a),
		Box: runner.Box{
			MemoryHeld: d.cgroups.Method().Memory != cgroup.None,
			Require:    d.opts.Box.Require, Lacks: d.lacks,
		},
	}
	for _, in := range a.row.Inputs {
		q.Inputs = append(q.Inputs, runner.Input{File: in.File, Name: in.Name})
	}
	if os.Geteuid() == 0 && d.opts.Box.UIDBase > 0 {
		q.Box.UID = d.opts.Box.UIDBase + a.seat
		q.Box.GID = q.Box.UID
	}
	if d.opts.Status != nil {
		q.Status = runner.Sink{Kind: "memcached", Address: d.opts.Status.Address()}
	}
	return q
}

// keepings names the folders that are kept between jobs of the recipe, and where services
// push their progress.
func (d *Dispatcher) keepings(a *attempt, q *runner.Request) error {
	kept := cache.New(d.opts.Spool.Cache())
	q.Reserve = d.warden.line()
	q.Shelf = kept.Copies(a.recipe.Name).Dir()
	q.Callbacks, q.BaseURL = d.opts.Spool.Callback, d.settings.Load().Mail.BaseURL
	if a.recipe.Cache.Size == 0 {
		return nil
	}
	owner := a.row.Owner
	if a.recipe.Cache.Shared {
		owner = ""
	}
	var err error
	q.Cache, err = kept.Folder(a.recipe.Name, owner)
	return err
}

// environment is what the dispatcher adds for the steps: the trace they belong to (W3C
// Trace Context and Sentry's words) and what was granted of the machine.
func environment(a *attempt) []string {
	var env []string
	for _, name := range []string{"traceparent", "tracestate", "baggage", "sentry-trace", "sentry-baggage"} {
		if v := a.row.TraceContext[name]; v != "" && !strings.ContainsRune(v, 0) {
			env = append(env, strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+v)
		}
	}
	for name, units := range a.units {
		env = append(env, "CONVERTD_RESOURCE_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+unitsText(units))
	}
	return env
}

// unitsText writes the numbers of units as CUDA_VISIBLE_DEVICES does: "0", "0,2".
func unitsText(units []int) string {
	words := make([]string, len(units))
	for i, unit := range units {
		words[i] = strconv.Itoa(unit)
	}
	return strings.Join(words, ",")
}

// groupNameOf keeps to letters that a folder may have, whatever a row says.
func groupNameOf(recipeName, id string, attempt int) string {
	clean := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, recipeName)
	return fmt.Sprintf("%.64s-%.8s.%d", clean, id, attempt)
}
