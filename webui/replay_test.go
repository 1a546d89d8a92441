package webui_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"convertd/runner/fault"
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
	same := b.replay(j.ID)
	if len(same.Differs) != 0 || same.Job.Params["quality"] != 7.0 || same.Job.RetryOf == nil || *same.Job.RetryOf != j.ID || len(same.Job.Inputs) != 1 {
		t.Errorf("replay %+v", same)
	}
	if _, err := b.db.Exec(`update job set recipe_version = 'old', params = params || '{"gone": ["1"]}' where id = $1`, j.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.db.Exec(`update attempt set limits = '{"memory": 1024}' where job = $1`, j.ID); err != nil {
		t.Fatal(err)
	}
	want := []string{"The recipe copy was version old and is version 0123456789ab now.",
		"The parameter gone is not known to the recipe any more and is left out.",
		"The limit of memory was 1024 and is 2147483648 now."}
	if got := b.replay(j.ID).Differs; !slices.Equal(got, want) {
		t.Errorf("differs %q", got)
	}
}
