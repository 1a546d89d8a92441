package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"convertd/webui/client"
)

// asAdmin asks a service of `up` as its administrator.
func (u *upInstance) asAdmin(path string) (int, string) {
	u.t.Helper()
	token, err := os.ReadFile(filepath.Join(u.Data, "admin_token"))
	if err != nil {
		u.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(u.t.Context(), http.MethodGet, u.URL+path, nil)
	if err != nil {
		u.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		u.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		u.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// job returns the document of a job, false when there is none.
func (u *upInstance) job(id string) (client.Job, bool) {
	u.t.Helper()
	status, body := u.asAdmin("/api/v1/jobs/" + id)
	var j client.Job
	if status == http.StatusOK {
		if err := json.Unmarshal([]byte(body), &j); err != nil {
			u.t.Fatal(err)
		}
	}
	return j, status == http.StatusOK
}

// files returns the inputs and outputs of a job by path.
func (u *upInstance) files(id string) map[string]string {
	u.t.Helper()
	j, _ := u.job(id)
	all := map[string]string{}
	for kind, list := range map[string][]client.File{"inputs": j.Inputs, "outputs": j.Outputs} {
		for _, f := range list {
			path := "/" + kind + "/" + f.Name
			status, body := u.asAdmin("/api/v1/jobs/" + id + path)
			if status != http.StatusOK {
				u.t.Errorf("%s %s: %d", id, path, status)
			}
			all[path] = body
		}
	}
	return all
}

// submitted sends a file and returns the job's id.
func (u *upInstance) submitted(t *testing.T, file string, args ...string) string {
	t.Helper()
	sent := convertd(t, "", append([]string{"submit", file, "--server", u.URL}, args...)...)
	if sent.code != 0 {
		t.Fatalf("submit: %+v", sent)
	}
	id, _, _ := strings.Cut(sent.stdout, " ")
	return id
}

// submitUntil keeps sending until it is told to stop.
func (u *upInstance) submitUntil(ctx context.Context, t *testing.T, file string) {
	t.Helper()
	for ctx.Err() == nil {
		if sent := convertd(t, "", "submit", file, "--to", "nuke", "--server", u.URL); sent.code != 0 {
			t.Errorf("submit: %+v", sent)
			return
		}
	}
}

func TestBackupUnderLoadAndRestore(t *testing.T) {
	t.Parallel()
	recipes := "CONVERTD_RECIPES_DIR=" + recipesFolder(t)
	u := startUp(t, dataFolder(t), recipes)
	var done []string
	for i := range 4 {
		file := testFile(t, fmt.Sprintf("shot%d.csv", i), []byte(strings.Replace(tracksCSV, "100.5", fmt.Sprint(100+i), 1)))
		done = append(done, u.submitted(t, file, "--to", "nuke", "--wait", "-o", t.TempDir()))
	}
	running := u.submitted(t, testFile(t, "long.slow", []byte("data")), "--to", "copy", "--param", "lines=100")
	await(t, "a job runs", func() bool { j, _ := u.job(running); return j.State == "running" })

	load, end := context.WithCancel(t.Context())
	var loads sync.WaitGroup
	loads.Go(func() { u.submitUntil(load, t, testFile(t, "load.csv", []byte(tracksCSV))) })
	backup := filepath.Join(t.TempDir(), "backup")
	made := convertd(t, "", "backup", "--data", u.Data, backup)
	end()
	loads.Wait()
	if made.code != 0 || !strings.Contains(made.stdout, " jobs, ") {
		t.Fatalf("backup: %+v", made)
	}
	if again := convertd(t, "", "backup", "--data", u.Data, backup); again.code != 1 || !strings.Contains(again.stderr, "is there already") {
		t.Errorf("a second backup of the same name: %+v", again)
	}
	refused := convertd(t, "", "restore", "--data", u.Data, backup)
	if refused.code != 1 || !strings.Contains(refused.stderr, "already runs") {
		t.Errorf("restore into a running service: %+v", refused)
	}
	before := map[string]map[string]string{}
	for _, id := range done {
		before[id] = u.files(id)
	}
	u.stop()
	checkRestored(t, backup, recipes, before, running)
}

// checkRestored restores into an empty folder and compares every file.
func checkRestored(t *testing.T, backup, recipes string, want map[string]map[string]string, running string) {
	t.Helper()
	fresh := dataFolder(t)
	if got := convertd(t, "", "restore", "--data", fresh, backup); got.code != 0 || !strings.Contains(got.stdout, "jobs restored") {
		t.Fatalf("restore: %+v", got)
	}
	if got := convertd(t, "", "restore", "--data", fresh, backup); got.code != 1 || !strings.Contains(got.stderr, "already") {
		t.Errorf("restore over jobs: %+v", got)
	}
	u := startUp(t, fresh, recipes)
	for id, files := range want {
		j, known := u.job(id)
		if !known || j.State != "succeeded" || len(files) != 2 {
			t.Errorf("%s: known %t, %s, %d files", id, known, j.State, len(files))
		}
		for path, content := range u.files(id) {
			if content != files[path] || content == "" {
				t.Errorf("%s%s differs", id, path)
			}
		}
	}
	await(t, "the job that ran at the moment of the backup has run again", func() bool {
		j, _ := u.job(running)
		return j.State == "succeeded" && j.Attempt == 2
	})
}

func TestRestoreNamesWhatIsDamaged(t *testing.T) {
	t.Parallel()
	u := startUp(t, dataFolder(t))
	id := u.submitted(t, testFile(t, "shot.csv", []byte(tracksCSV)), "--to", "nuke", "--wait", "-o", t.TempDir())
	u.stop()
	backup := filepath.Join(t.TempDir(), "backup")
	if got := convertd(t, "", "backup", "--data", u.Data, backup); got.code != 0 { // of a service that does not run
		t.Fatalf("backup: %+v", got)
	}
	input := filepath.Join(id[:2], id, "in", "1.csv")
	if err := os.WriteFile(filepath.Join(backup, "spool", input), []byte("rotten"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := convertd(t, "", "restore", "--data", dataFolder(t), backup); got.code != 1 || !strings.Contains(got.stderr, "not as it was: "+input) {
		t.Errorf("restore: %+v", got)
	}
	note := filepath.Join(backup, "backup.json")
	raw, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(note, []byte(strings.Replace(string(raw), `"schema": `, `"schema": 9`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := convertd(t, "", "restore", "--data", dataFolder(t), backup); got.code != 1 || !strings.Contains(got.stderr, "knows only up to") {
		t.Errorf("restore of a newer backup: %+v", got)
	}
}
