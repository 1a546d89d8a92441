package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/recipe/load"
)

// plan makes the Spec of a trial from a recipe, as a dispatcher does.
func (tr *trial) plan(r recipe.Recipe, values recipe.Values) {
	tr.t.Helper()
	spec, err := runner.NewSpec(r, runner.Request{
		Job: tr.spec.Job, Attempt: 1, Token: "token", Dir: tr.job,
		Inputs: tr.spec.Inputs, Values: values, Box: tr.spec.Box,
	})
	must(tr.t, err)
	tr.spec = spec
}

func shipped(t *testing.T, name string) recipe.Recipe {
	t.Helper()
	set, err := load.Load("")
	must(t, err)
	r, ok := set.Find(name)
	if !ok {
		t.Fatalf("there is no recipe %s", name)
	}
	return r
}

// points is a small file of tracks in the format of 3DEqualizer 4.
const points = "2\nfirst\n0\n3\n1 10.0 20.0\n2 11.0 21.0\n3 12.0 22.0\nsecond\n0\n2\n1 100.5 200.5\n2 101.5 201.5\n"

func TestShippedTracksRecipe(t *testing.T) {
	t.Parallel()
	tr := newTrial(t)
	tr.input("1.txt", "Shot 7.v2.txt", points)
	tr.plan(shipped(t, "tracks"), recipe.Values{"to": {"nuke", "csv"}, "from": {"3de4"}, "width": {"1920"}, "height": {"1080"}})
	o, documents := watchLines(t, tr)
	if o.Class != fault.Succeeded {
		t.Fatalf("outcome is %s %q\n%s", o.Class, o.Detail, tr.log())
	}
	var names []string
	for _, file := range o.Outputs {
		names = append(names, file.Name)
	}
	if got := strings.Join(names, " "); got != "Shot 7.v2_nuke.nk Shot 7.v2_tracks.csv" && got != "Shot 7.v2_tracks.csv Shot 7.v2_nuke.nk" {
		t.Errorf("outputs are %q", names)
	}
	if len(o.Previews) != 1 || o.Previews[0].MediaType != "image/svg+xml" {
		t.Errorf("previews are %+v", o.Previews)
	}
	if got := percents(t, documents); len(got) == 0 || got[len(got)-1] != 99 {
		t.Errorf("percents are %v", got)
	}
	for _, file := range o.Outputs {
		if text := contents(t, filepath.Join(tr.job.Out(1), file.File)); !strings.Contains(text, "first") || !strings.Contains(text, "second") {
			t.Errorf("%s lacks a tracker:\n%s", file.Name, text)
		}
	}
}

func TestShippedTracksRecipeSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, content string
		values        recipe.Values
		detail        string
	}{
		{"a file of something else", "hello\n", nil, "not recognised"},
		{"a file that ends early", points[:20], recipe.Values{"from": {"3de4"}}, "line 6"},
		{"no size where one is needed", points, recipe.Values{"from": {"3de4"}, "to": {"nuke", "ae-nulls", "flame"}}, "frame size"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t)
			tr.input("1.txt", "a.txt", row.content)
			tr.plan(shipped(t, "tracks"), row.values)
			o := tr.run()
			if o.Class != fault.BadInput || !strings.Contains(o.Detail, row.detail) || len(o.Outputs) != 0 {
				t.Errorf("outcome is %s %q\n%s", o.Class, o.Detail, tr.log())
			}
		})
	}
}

func TestABuiltinStepThatIsNotThereIsOurFault(t *testing.T) {
	t.Parallel()
	tr := newTrial(t)
	tr.input("1.txt", "a.txt", "x")
	tr.plan(recipe.Recipe{Name: "r", Steps: []recipe.Step{{Builtin: "no-such"}}}, nil)
	if o := tr.run(); o.Class != fault.ConverterFailed || !strings.Contains(tr.log(), `no built-in step "no-such"`) {
		t.Errorf("outcome is %s %q\n%s", o.Class, o.Detail, tr.log())
	}
}

func TestAnInputThatIsMissingIsOurFault(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh("true"))
	tr.input("1.txt", "a.txt", "x")
	must(t, os.Remove(filepath.Join(tr.job.In(), "1.txt")))
	if o := tr.run(); o.Class != fault.InternalError || len(o.Ran) != 0 || len(o.LogTail) == 0 || !strings.Contains(o.LogTail[0], "1.txt") {
		t.Errorf("outcome is %+v", o)
	}
}
