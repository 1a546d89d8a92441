package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"convertd/cmd/convertd/chaos/verdict"
)

// heavyAtOnce is how many heavy jobs fit into the memory that the dispatcher may give.
const heavyAtOnce = 2

// settings of the machine that the recipes rely on.
const laneSettings = `
[dispatcher]
slots = 6
memory = "2800MiB"
[resources]
gpu = 2
[queue.` + narrowQueue + `]
limit = 1
max_waiting = 8
`

// narrowQueue is the queue that has a limit, and that is paused now and then.
const narrowQueue = "narrow"

// kind is a kind of job: its recipe, and what it comes to.
type kind struct {
	verdict.Kind
	// more is what its recipe says beyond the others'.
	more string
	// mode is what the actor does; "" for the name.
	mode string
	// option is the last word of the command.
	option string
	// inputs are how many files it takes; none for a button.
	inputs int
	// weight is how often it is chosen.
	weight int
}

// The endings of jobs that nobody disturbs.
func succeeds(name string) verdict.Kind {
	return verdict.Kind{Name: name, State: "succeeded", Class: "succeeded", MaxAttempts: 3, Again: ourSide()}
}

func fails(name, class string) verdict.Kind {
	return verdict.Kind{Name: name, State: "failed", Class: class, MaxAttempts: 3, Again: ourSide()}
}

// ourSide are the classes after which every job is tried again.
func ourSide() []string { return []string{"lost", "internal"} }

// kinds are all kinds of jobs of the trial.
func kinds() []kind {
	often := succeeds("keen")
	often.Again, often.MaxAttempts = append(often.Again, "converter_failed", "killed"), 8
	never := fails("hopeless", "converter_failed")
	never.Again, never.MaxAttempts = append(never.Again, "converter_failed"), 2
	parent := succeeds("parent")
	parent.FollowUps = 2
	wanted := succeeds("stubborn")
	wanted.State, wanted.Class = "cancelled", "cancelled"
	narrow, alone := succeeds("narrow"), succeeds("alone")
	narrow.Queue, alone.Alone = narrowQueue, true
	const again = "[retry]\nmax_attempts = %d\non = [%s]\n"
	return []kind{
		{Kind: succeeds("quick"), inputs: 1, weight: 20},
		{Kind: succeeds("slow"), inputs: 1, weight: 12},
		{Kind: succeeds("several"), inputs: 1, weight: 5},
		{Kind: succeeds("merge"), mode: "quick", inputs: 3, weight: 5},
		{Kind: succeeds("button"), mode: "quick", weight: 5},
		{Kind: fails("bad", "bad_input"), inputs: 1, weight: 7},
		{Kind: often, mode: "broken", option: "2", inputs: 1, weight: 6, more: fmt.Sprintf(again, 8, `"converter_failed", "killed"`)},
		{Kind: never, mode: "broken", option: "99", inputs: 1, weight: 3, more: fmt.Sprintf(again, 2, `"converter_failed"`)},
		{Kind: fails("hog", "memory"), inputs: 1, weight: 2},
		{Kind: fails("endless", "timeout"), inputs: 1, weight: 3},
		{Kind: succeeds("daemon"), inputs: 1, weight: 6},
		{Kind: wanted, inputs: 1, weight: 5},
		{Kind: succeeds("gpu"), inputs: 1, weight: 6, more: "needs_resource = { gpu = 1 }\n"},
		{Kind: succeeds("gpus"), mode: "gpu", inputs: 1, weight: 2, more: "needs_resource = { gpu = 2 }\n"},
		{Kind: succeeds("keyed"), option: "{param.which}", inputs: 1, weight: 6, more: "concurrency_key = \"key-{param.which}\"\n"},
		{Kind: narrow, inputs: 1, weight: 5, more: "queue = \"" + narrowQueue + "\"\n"},
		{Kind: alone, inputs: 1, weight: 4, more: "concurrency_key = { key = \"alone\", busy = \"reject\" }\n"},
		{Kind: succeeds("heavy"), inputs: 1, weight: 4},
		{Kind: succeeds("saver"), inputs: 1, weight: 6},
		{Kind: parent, inputs: 1, weight: 5},
	}
}

// recipe writes the recipe of a kind.
func (k kind) recipe(actor, diary string) string {
	mode := k.mode
	if mode == "" {
		mode = k.Name
	}
	accept, inputs := `[".txt"]`, ""
	switch {
	case k.inputs == 0:
		accept = "[]"
	case k.inputs > 1:
		inputs = fmt.Sprintf("inputs = { min = 2, max = %d }\n", k.inputs)
	}
	words := []string{actor, roleStep, mode, diary, k.option}
	if k.inputs > 0 {
		words = append(words, "{inputs}")
	}
	for i, word := range words {
		words[i] = fmt.Sprintf("%q", word)
	}
	limits := map[string]string{"hog": `memory = "96MiB"`, "heavy": `memory = "1200MiB"`}[k.Name]
	if limits == "" {
		limits = `memory = "200MiB"`
	}
	grace, most := "1s", "10m"
	if k.Name == "endless" {
		most = "1s"
	}
	if k.Name == "saver" {
		grace = "10s"
	}
	tables, top := k.more, ""
	if !strings.HasPrefix(k.more, "[") {
		tables, top = "", k.more
	}
	if k.Name == "keyed" {
		tables = "[[param]]\nname = \"which\"\ntype = \"choice\"\nchoices = [\"red\", \"blue\"]\n"
	}
	return fmt.Sprintf("name = %q\naccept = %s\n%s%s%s\n[[step]]\ncommand = [%s]\n[[output]]\nmatch = \"*.txt\"\n"+
		"[access]\nread = [%q]\nwrite = [%q]\n[limits]\n%s\ntime = %q\ngrace = %q\nprocesses = 256\n",
		k.Name, accept, inputs, top, tables, strings.Join(words, ", "), filepath.Dir(actor), diary, limits, most, grace)
}

// writeRecipes writes those of all kinds.
func writeRecipes(dir, actor, diary string) error {
	for _, k := range kinds() {
		if err := os.WriteFile(filepath.Join(dir, k.Name+".toml"), []byte(k.recipe(actor, diary)), 0o644); err != nil {
			return err
		}
	}
	return nil
}
