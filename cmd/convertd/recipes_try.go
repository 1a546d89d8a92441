package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/progress"
	"convertd/runner/progress/reading"
	"convertd/runner/recipe"
	"convertd/runner/recipe/load"
)

// recipesTryCommand runs a recipe while it is being written: no server, no database, and
// the file need not be among the recipes in force.
type recipesTryCommand struct {
	File   string   `arg:"" help:"Recipe file." type:"existingfile"`
	Inputs []string `arg:"" optional:"" name:"input" help:"Files to convert." type:"existingfile"`
	Preset string   `help:"Preset of the recipe; parameters that are given win." placeholder:"NAME"`
	Param  []string `help:"Parameter of the recipe; may be repeated. @FILE gives a file, or a secret that is in it." placeholder:"NAME=VALUE" sep:"none"`
	To     string   `help:"What to make, as --param to=ID." placeholder:"ID"`
	Dir    string   `short:"o" name:"output-dir" help:"Folder to keep the results in (default: they are thrown away)." placeholder:"DIR" type:"path"`
}

// Run exits 0 only if the job succeeds and its results could be kept where asked for.
func (c *recipesTryCommand) Run(a *app) error {
	r, problems := load.File(c.File)
	if err := a.printProblems(problems); err != nil {
		return err
	}
	job, err := newLocalJob(a)
	if err != nil {
		return err
	}
	defer job.remove()
	given, err := c.given(r)
	if err != nil {
		return explainFields(err)
	}
	values, err := job.checkParams(a, r, given)
	if err != nil {
		return err
	}
	if err := c.take(a, job, r); err != nil {
		return err
	}
	spec, err := job.plan(r, values)
	if err != nil {
		return err
	}
	tell(a.stdout, "Recipe", r.Name, "version "+r.Version)
	tell(a.stdout, "Values", recipe.CanonicalParams(values))
	job.status = statusLines(a.stdout)
	outcome, err := job.attempt(a, spec)
	if err != nil {
		return err
	}
	said, err := readSaid(job)
	if err != nil {
		return err
	}
	said.tell(a.stdout, spec)
	tellVerdict(a.stdout, r, outcome, said.printed())
	if outcome.Class != fault.Succeeded {
		return errSilent
	}
	return c.keep(a, job, outcome)
}

// tell prints one line under a heading.
func tell(w io.Writer, heading string, words ...string) {
	_, _ = fmt.Fprintf(w, "%-9s %s\n", heading, strings.Join(words, "  "))
}

func (c *recipesTryCommand) given(r recipe.Recipe) (map[string][]string, error) {
	given, err := splitParams(c.Param)
	if err != nil {
		return nil, err
	}
	if c.To != "" {
		given[recipe.ToParam] = append(given[recipe.ToParam], single(r, []string{c.To})...)
	}
	return r.WithPreset(c.Preset, given)
}

// take puts the inputs into the folder of the job and says where the service would refuse
// one of them; it is tried all the same.
func (c *recipesTryCommand) take(a *app, job *localJob, r recipe.Recipe) error {
	least, most := r.Inputs.Min, r.Inputs.Max
	if len(r.Accept) == 0 {
		least, most = 0, 0
	}
	if len(c.Inputs) < least || len(c.Inputs) > most {
		return fmt.Errorf("the recipe takes %s, here are %d", filesText(least, most), len(c.Inputs))
	}
	for i, path := range c.Inputs {
		if i == 0 {
			if err := job.take(path, a.stdin); err != nil {
				return err
			}
		} else if err := job.takeMore(path, i+1); err != nil {
			return err
		}
		media, err := sniff(path)
		if err != nil {
			return err
		}
		if err := r.CheckFile(media, filepath.Ext(path)); err != nil {
			tell(a.stdout, "Warning", "The service would not take "+filepath.Base(path)+":", err.Error())
		}
	}
	return nil
}

func filesText(least, most int) string {
	switch {
	case most == 0:
		return "no file"
	case least == most && least == 1:
		return "one file"
	case least == most:
		return strconv.Itoa(least) + " files"
	}
	return fmt.Sprintf("%d to %d files", least, most)
}

// takeMore links input number n of a job with several.
func (j *localJob) takeMore(path string, n int) error {
	source, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	in := runner.Input{File: strconv.Itoa(n) + filepath.Ext(path), Name: filepath.Base(path)}
	j.more = append(j.more, in)
	return os.Symlink(source, filepath.Join(j.In(), in.File))
}

// statusLines prints the progress as the service would show it: a line a change.
func statusLines(w io.Writer) func(progress.Status) {
	last := ""
	return func(s progress.Status) {
		percent := "   - %"
		if s.Percent != nil {
			percent = fmt.Sprintf("%5.1f %%", *s.Percent)
		}
		line := percent
		for _, words := range []string{s.Step, s.Message} {
			if words != "" && !strings.HasSuffix(line, words) {
				line += "  " + words
			}
		}
		if line != last {
			tell(w, "Progress", line)
		}
		last = line
	}
}

// said is what the programs of a job printed, a program each.
type said []program

type program struct {
	start string // its command line
	end   string // how it ended
	lines []line
}

type line struct{ stream, text string }

// readSaid reads the log of the attempt: lines "TIME STREAM TEXT", where the stream "run"
// has a line before and after each program.
func readSaid(job *localJob) (said, error) {
	f, err := os.Open(job.Log(1))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	defer f.Close()
	var all said
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		_, rest, _ := strings.Cut(lines.Text(), " ")
		stream, text, _ := strings.Cut(rest, " ")
		start, begins := strings.CutPrefix(text, "start ")
		switch {
		case stream == "run" && begins:
			all = append(all, program{start: start})
		case len(all) == 0 || stream == "run" && !strings.HasPrefix(text, "end "):
		case stream == "run":
			all[len(all)-1].end = strings.TrimPrefix(text, "end ")
		default:
			p := &all[len(all)-1]
			p.lines = append(p.lines, line{stream, text})
		}
	}
	return all, lines.Err()
}

// printed is all that the programs printed, in order.
func (all said) printed() []string {
	var lines []string
	for _, p := range all {
		for _, l := range p.lines {
			lines = append(lines, l.text)
		}
	}
	return lines
}

// tell prints each program with its command line, its end, and the lines that no reading
// rule understood.
func (all said) tell(w io.Writer, spec runner.Spec) {
	next := 0
	for _, step := range spec.Steps {
		total := ""
		if len(step.ProbeArgv) > 0 && next < len(all) {
			p := all[next]
			tell(w, "Probe", p.start)
			tell(w, "", p.end)
			total = p.first()
			tell(w, "", "total "+strconv.Quote(total))
			next++
		}
		if next >= len(all) {
			return
		}
		all[next].tell(w, step, total)
		next++
	}
}

// first is the first line on standard output.
func (p program) first() string {
	for _, l := range p.lines {
		if l.stream == "out" {
			return strings.TrimSpace(l.text)
		}
	}
	return ""
}

func (p program) tell(w io.Writer, step runner.Step, total string) {
	start := p.start
	if step.Builtin != "" {
		start = "built in: " + step.Builtin
	}
	tell(w, "Command", start)
	tell(w, "", p.end)
	rule, err := reading.ForStep(step.Step)
	if err != nil {
		tell(w, "", err.Error())
	}
	if totaled, ok := rule.(reading.Totaled); ok && total != "" {
		totaled.SetTotal(total)
	}
	counted, order := map[string]int{}, []line(nil)
	for _, l := range p.lines {
		if rule != nil && rule.Read(l.text) != (reading.Update{}) {
			continue
		}
		for _, word := range matching(step, l.text) {
			tell(w, "Matched", word, l.text)
		}
		shape := l.stream + digits().ReplaceAllString(l.text, "0")
		if counted[shape]++; counted[shape] == 1 {
			order = append(order, l)
		}
	}
	for _, l := range order {
		times := ""
		if n := counted[l.stream+digits().ReplaceAllString(l.text, "0")]; n > 1 {
			times = fmt.Sprintf(" (%d like this)", n)
		}
		tell(w, "Unread", l.stream+": "+l.text+times)
	}
}

// digits are what makes lines differ that are alike.
func digits() *regexp.Regexp { return regexp.MustCompile(`\d+`) }

// matching names the expressions of the step that match a line.
func matching(step runner.Step, text string) []string {
	var words []string
	for _, list := range []struct {
		key         string
		expressions []string
	}{{"fail_if", step.FailIf}, {"bad_input_if", step.BadInputIf}} {
		for _, expression := range list.expressions {
			if match, err := regexp.Compile(expression); err == nil && match.MatchString(text) {
				words = append(words, list.key+" "+strconv.Quote(expression))
			}
		}
	}
	return words
}

// tellVerdict prints what came of it: results, what was left and not taken, how the job
// ended, in whose words.
func tellVerdict(w io.Writer, r recipe.Recipe, outcome runner.Outcome, printed []string) {
	for _, o := range outcome.Outputs {
		tell(w, "Output", o.Name, o.MediaType, load.FormatSize(o.Size))
	}
	for _, o := range outcome.Previews {
		tell(w, "Preview", o.Name, o.MediaType, load.FormatSize(o.Size))
	}
	for _, words := range outcome.Ignored {
		tell(w, "Not taken", words)
	}
	tell(w, "Verdict", string(outcome.Class), fmt.Sprintf("%.1f s, %.1f s of a processor, %s of memory",
		outcome.Usage.WallSeconds, outcome.Usage.CPUSeconds, load.FormatSize(outcome.Usage.PeakMemoryBytes)))
	if outcome.Class == fault.Succeeded {
		return
	}
	if e, found := runner.Explanation(r.Explain, printed); found {
		tell(w, "Explain", fmt.Sprintf("[[explain]] %d, match = %q", e.Number+1, r.Explain[e.Number].Match), e.Line)
	} else if len(r.Explain) > 0 {
		tell(w, "Explain", "No [[explain]] matches what the converter said.")
	}
	for _, words := range append([]string{outcome.Detail, outcome.Hint}, outcome.Advice...) {
		if words != "" {
			tell(w, "", words)
		}
	}
}

// keep puts the results where they were asked for; without a folder they go with the job.
func (c *recipesTryCommand) keep(a *app, job *localJob, outcome runner.Outcome) error {
	if c.Dir == "" || len(outcome.Outputs) == 0 {
		return nil
	}
	place := convertCommand{Dir: c.Dir}
	return place.place(a, job, outcome)
}
