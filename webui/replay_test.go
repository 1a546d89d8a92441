package webui_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/declaration"
	"convertd/sql/roster"
	"convertd/webui/client"
)

func (b *bench) replay(id string) client.Replay {
	b.t.Helper()
	a := b.do(http.MethodPost, "/api/v1/jobs/"+id+"/replay", nil, asAdmin)
	var made client.Replay
	if a.StatusCode != http.StatusAccepted || json.Unmarshal(a.body, &made) != nil {
		b.t.Fatalf("replay: %d %s", a.StatusCode, a.body)
	}
	return made
}

func TestReplay_runs_again_and_tells_what_differs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.submit([]string{"recipe=copy", "param.quality=7"}, upload{"a.txt", "x"}).job(t, http.StatusAccepted)
	b.do(http.MethodPost, "/api/v1/jobs/"+j.ID+"/replay", nil, asAdmin).problemOf(t, fault.Conflict)
	b.finish(b.claim(), fault.ConverterFailed)
	b.do(http.MethodPost, "/api/v1/jobs/"+j.ID+"/replay", nil).problemOf(t, fault.Unauthorized)
	unknown := b.replay(j.ID)
	if len(unknown.Differs) != 2 || unknown.Attempt != 1 {
		t.Errorf("what was not noted: %+v", unknown)
	}
	machine := roster.Machine{Host: "h", BootID: "boot", Kernel: "6", Convertd: "1", Tree: "v2", Memory: "v2", Processes: "v2"}
	b.note(j.ID, "0123456789ab", machine)
	b.dispatcher(machine)
	same := b.replay(j.ID)
	if len(same.Differs) != 0 || same.Job.Params["quality"] != 7.0 || same.Job.RetryOf == nil || *same.Job.RetryOf != j.ID || len(same.Job.Inputs) != 1 {
		t.Errorf("replay %+v", same)
	}
	if _, err := b.others.Exec(`update job set params = params || '{"gone": ["1"]}' where id = $1`, j.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.others.Exec(`update attempt set limits = '{"memory": 1024}' where job = $1`, j.ID); err != nil {
		t.Fatal(err)
	}
	b.note(j.ID, "old", machine)
	machine.Kernel, machine.BootID, machine.Lacks = "7", "other", []string{"landlock"}
	b.dispatcher(machine)
	b.differ(j.ID, "The recipe copy was version old, which is not kept any more; version 0123456789ab is run.",
		"The parameter gone is not known to the recipe any more and is left out.",
		"The limit of memory was 1024 and is 2147483648 now.",
		"The kernel was 6 and is 7 now.", "The machine was restarted since.",
		"The box is without a part now that it had: landlock.")
}

// What ran is what is run, though the recipe was changed since or is gone; which attempt
// that was is all that the row says.
func TestReplay_of_a_version_that_was_kept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.submit([]string{"recipe=copy", "param.quality=7"}, upload{"a.txt", "x"}).job(t, http.StatusAccepted)
	b.finish(b.claim(), fault.ConverterFailed)
	old, _ := testRecipes().Find("copy")
	old.Limits.Memory, old.Queue, old.Params = 1<<20, "slow", nil
	text, err := old.Declaration()
	if err != nil {
		t.Fatal(err)
	}
	version := recipe.VersionOf(text)
	kept := declaration.Declaration{Recipe: "copy", Version: version, Text: text}
	if err := declaration.NewStore(b.others).Keep(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	machine := roster.Machine{Host: "h"}
	b.dispatcher(machine)
	b.note(j.ID, version, machine)
	made := b.differ(j.ID, "The recipe copy was changed and is version 0123456789ab now; version "+version+" is run, as then.")
	row, err := b.jobs.Find(t.Context(), made.Job.ID)
	if err != nil || row.Replays != 1 || row.RetryOf != j.ID || row.RecipeVersion != version || row.Queue != "slow" {
		t.Errorf("row %+v, %v", row, err)
	}
	if _, err := b.others.Exec(`update declaration set text = text || ' '`); err != nil {
		t.Fatal(err)
	}
	if a := b.do(http.MethodPost, "/api/v1/jobs/"+j.ID+"/replay", nil, asAdmin); a.StatusCode != http.StatusInternalServerError {
		t.Errorf("a damaged declaration: %d %s", a.StatusCode, a.body)
	}
}

// note writes into the row of the only attempt what a dispatcher would.
func (b *bench) note(id, version string, machine roster.Machine) {
	b.t.Helper()
	if _, err := b.others.Exec(`update attempt set recipe_version = $2, machine = $3, ran = '[{"argv": ["/bin/true"]}]' where job = $1`,
		id, version, machine); err != nil {
		b.t.Fatal(err)
	}
}

// dispatcher is one that serves on the machine.
func (b *bench) dispatcher(machine roster.Machine) {
	b.t.Helper()
	if _, err := roster.NewStore(b.others).Say(context.Background(), roster.Dispatcher{ID: "d", State: roster.Serving, Machine: machine}); err != nil {
		b.t.Fatal(err)
	}
}

// differ replays and compares what is told.
func (b *bench) differ(id string, want ...string) client.Replay {
	b.t.Helper()
	made := b.replay(id)
	if diff := cmp.Diff(want, made.Differs); diff != "" {
		b.t.Errorf("differs (-want +got):\n%s", diff)
	}
	return made
}
