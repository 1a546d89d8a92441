package runner

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"convertd/runner/recipe"
	"convertd/runner/sandbox"
	"convertd/runner/service/order"
	"convertd/runner/spool"
)

// Request is what one attempt is asked to do with a recipe.
type Request struct {
	Job     string
	Attempt int
	Token   string
	Dir     spool.Job
	// Inputs are the input files in order.
	Inputs []Input
	// Files are the files of parameters by their names, of which File is in the folder "in"
	// too; Secrets are the paths outside of the box where those of parameters lie.
	Files   map[string]Input
	Secrets map[string]string
	// Values were checked against the recipe's parameters by the caller.
	Values recipe.Values
	Status Sink
	Box    Box
	// Env is added to the environment of every step, NAME=VALUE.
	Env []string
	// Lang selects among texts per language.
	Lang string
	// Cache is the folder that is kept for this recipe and owner, Shelf that of copies of
	// fetched inputs; "" keeps nothing beyond this attempt.
	Cache, Shelf string
	// Reserve is how many bytes of the spool's disk the steps must leave.
	Reserve int64
	// Callbacks is where what services push is taken, and BaseURL where they push it.
	Callbacks func(token string) (file string)
	BaseURL   string
}

// Input is one input file: File is its name in the job's folder "in" ("1.mov"), Name
// what its owner called it.
type Input struct {
	File string `json:"file"`
	Name string `json:"name"`
}

// Builtin is what a built-in step is told, as JSON in the last word of its argv.
type Builtin struct {
	Input string `json:"input"`
	// Name is the neutral name of the input, which the names of outputs are made from.
	Name string `json:"name"`
	// Shown is what the owner called the input, for messages and headers of results.
	Shown   string        `json:"shown"`
	Output  string        `json:"output"`
	Preview string        `json:"preview"`
	Work    string        `json:"work"`
	Params  recipe.Values `json:"params,omitempty"`
}

// NewSpec makes the Spec of one attempt: it leaves out steps whose condition does not
// hold and fills every placeholder of every argv once. It checks no parameter values
// and touches no disk.
func NewSpec(r recipe.Recipe, q Request) (Spec, error) {
	s := Spec{
		Version: SpecVersion,
		Job:     q.Job, Attempt: q.Attempt, Token: q.Token,
		Recipe: r.Name, RecipeVersion: r.Version,
		Dir:     q.Dir.Dir,
		Inputs:  q.Inputs,
		Outputs: r.Outputs, Explain: r.Explain,
		Limits: withDefaults(r.Limits),
		Box:    q.Box, Status: q.Status, Env: q.Env, Lang: q.Lang, Reserve: q.Reserve,
	}
	if len(q.Inputs) > 0 {
		s.Stem, _ = cutExt(q.Inputs[0].Name)
	}
	for _, name := range slices.Sorted(maps.Keys(q.Files)) {
		s.Files = append(s.Files, q.Files[name])
	}
	if err := s.Box.grant(r, q.Values); err != nil {
		return Spec{}, fmt.Errorf("plan access: %w", err)
	}
	s.Box.Secrets = withGiven(s.Box.Secrets, q.Secrets)
	q.Values = inBox(q)
	if r.Cache.Size > 0 {
		s.Cache = Cache{Dir: q.Cache, Size: r.Cache.Size}
	}
	if err := s.planSources(r, q); err != nil {
		return Spec{}, err
	}
	for i, declared := range r.Steps {
		wanted, err := declared.Wanted(q.Values)
		if err != nil {
			return Spec{}, fmt.Errorf("plan step %d: %w", i+1, err)
		}
		if !wanted {
			continue
		}
		step, err := planStep(declared, r, q)
		if err != nil {
			return Spec{}, fmt.Errorf("plan step %d: %w", i+1, err)
		}
		if declared.HTTP != nil {
			s.planCall(&step, declared, i, q)
		}
		s.Steps = append(s.Steps, step)
	}
	return s, nil
}

// grant takes over what the recipe was granted. A host with a parameter in it is one
// that somebody gave.
func (b *Box) grant(r recipe.Recipe, values recipe.Values) error {
	access := r.Access
	b.Read, b.Write, b.Devices, b.Secrets = access.Read, access.Write, access.Devices, access.Secrets
	b.HostNetwork = access.Network == recipe.HostNetwork
	for _, host := range access.Hosts {
		if len(recipe.Placeholders(host)) == 0 {
			b.Hosts = append(b.Hosts, host)
			continue
		}
		given, err := recipe.Fill([]string{host}, recipe.Vars{Params: r.Params, Values: values})
		if err != nil {
			return fmt.Errorf("hosts: %w", err)
		}
		b.GivenHosts = append(b.GivenHosts, given...)
	}
	return nil
}

// withGiven are the secrets of the recipe and those of its parameters.
func withGiven(granted, given map[string]string) map[string]string {
	if len(given) == 0 {
		return granted
	}
	all := maps.Clone(given)
	maps.Copy(all, granted)
	return all
}

// inBox are the values as steps see them: for a file or a secret its path in the box.
func inBox(q Request) recipe.Values {
	if len(q.Files)+len(q.Secrets) == 0 {
		return q.Values
	}
	values := maps.Clone(q.Values)
	for name, file := range q.Files {
		values[name] = recipe.Value{filepath.Join(q.Dir.In(), file.File)}
	}
	for name := range q.Secrets {
		values[name] = recipe.Value{sandbox.SecretsFolder + "/" + name}
	}
	return values
}

// vars are what placeholders stand for in this attempt.
func vars(r recipe.Recipe, q Request) recipe.Vars {
	w := workspaceOf(q.Dir, q.Attempt)
	v := recipe.Vars{
		Output: w.out, Work: w.run, State: q.Dir.State(),
		Params: r.Params, Values: q.Values,
	}
	if r.Cache.Size > 0 {
		v.Cache = cmp.Or(q.Cache, w.cache)
	}
	for _, in := range q.Inputs {
		v.Inputs = append(v.Inputs, filepath.Join(q.Dir.In(), in.File))
	}
	for _, source := range r.Sources {
		if v.Sources == nil {
			v.Sources = map[string]string{}
		}
		v.Sources[source.Name] = filepath.Join(w.sources, source.Name)
	}
	return v
}

func planStep(declared recipe.Step, r recipe.Recipe, q Request) (Step, error) {
	w, vars := workspaceOf(q.Dir, q.Attempt), vars(r, q)
	step := Step{Step: declared}
	var err error
	if step.ProbeArgv, err = recipe.Fill(declared.Probe, vars); err != nil {
		return Step{}, fmt.Errorf("probe: %w", err)
	}
	if step.Env, err = fillEnv(declared.Env, vars); err != nil {
		return Step{}, err
	}
	if declared.Builtin != "" {
		step.Argv, err = builtinArgv(declared.Builtin, w, q)
		return step, err
	}
	if declared.HTTP != nil {
		step.Call = &order.Call{HTTP: *declared.HTTP, Vars: vars}
		step.HTTP = nil
		return step, nil
	}
	if step.Argv, err = recipe.Fill(declared.Command, vars); err != nil {
		return Step{}, fmt.Errorf("command: %w", err)
	}
	if len(step.Argv) == 0 {
		return Step{}, fmt.Errorf("command is empty once its placeholders are filled")
	}
	return step, nil
}

func fillEnv(declared map[string]string, vars recipe.Vars) (map[string]string, error) {
	if len(declared) == 0 {
		return nil, nil
	}
	env := make(map[string]string, len(declared))
	for name, text := range declared {
		value, err := recipe.FillText(text, vars)
		if err != nil {
			return nil, fmt.Errorf("environment %s: %w", name, err)
		}
		env[name] = value
	}
	return env, nil
}

// builtinArgv lets the child execute itself: the link names the file that runs, even
// after the file on disk was replaced. Inputs beyond the first are words of their own, path
// and shown name by turns: the kernel bounds one word more tightly than all together.
func builtinArgv(name string, w workspace, q Request) ([]string, error) {
	if len(q.Inputs) == 0 {
		return nil, fmt.Errorf("built-in step %q needs an input", name)
	}
	in := q.Inputs[0]
	_, ext := cutExt(in.Name)
	arg, err := json.Marshal(Builtin{
		Input: filepath.Join(q.Dir.In(), in.File), Name: recipe.NeutralStem + ext, Shown: in.Name,
		Output: w.out, Preview: w.preview, Work: w.run, Params: q.Values,
	})
	if err != nil {
		return nil, fmt.Errorf("built-in step %q: %w", name, err)
	}
	argv := []string{"/proc/self/exe", "step", name, string(arg)}
	for _, more := range q.Inputs[1:] {
		argv = append(argv, filepath.Join(q.Dir.In(), more.File), more.Name)
	}
	return argv, nil
}

// withDefaults puts the shipped limits where the recipe says nothing.
func withDefaults(l recipe.Limits) recipe.Limits {
	d := recipe.DefaultLimits()
	l.Memory = orDefault(l.Memory, d.Memory)
	l.Disk = orDefault(l.Disk, d.Disk)
	l.Log = orDefault(l.Log, d.Log)
	l.Time = orDefault(l.Time, d.Time)
	l.Grace = orDefault(l.Grace, d.Grace)
	l.Processes = orDefault(l.Processes, d.Processes)
	l.Outputs = orDefault(l.Outputs, d.Outputs)
	return l
}

func orDefault[T ~int | ~int64](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

// cutExt cuts a name before its last extension; a leading dot begins no extension.
func cutExt(name string) (stem, ext string) {
	ext = filepath.Ext(name)
	if len(ext) == len(name) {
		return name, ""
	}
	return name[:len(name)-len(ext)], ext
}
