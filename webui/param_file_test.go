package webui_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/vault"
	"convertd/webui"
)

// withApart is a bench whose recipe "grade" has a parameter that is a file and one that is
// a secret.
func withApart(o *webui.Options) {
	r, _ := testRecipes().Find("copy")
	r.Name = "grade"
	r.Params = []recipe.Param{
		{Name: "lut", Type: recipe.File, Accept: []string{".cube"}, Optional: true},
		{Name: "key", Type: recipe.Secret, Pattern: "[a-z ]+", Optional: true},
	}
	needs := r
	needs.Name, needs.Params = "needs", []recipe.Param{{Name: "key", Type: recipe.Secret}}
	set := recipe.NewSet([]recipe.Recipe{r, needs}, nil)
	o.Recipes = func() *recipe.Set { return set }
}

// gradedWith submits a form with a file for the parameter lut, under a name of its own.
func (b *bench) gradedWith(fields []string, name, content string) answer {
	b.t.Helper()
	body, contentType := formBody(b.t, fields, upload{"a.txt", "x"})
	boundary := strings.TrimPrefix(contentType, "multipart/form-data; boundary=")
	text := strings.TrimSuffix(body.String(), "--"+boundary+"--\r\n") + "--" + boundary +
		"\r\nContent-Disposition: form-data; name=\"param.lut\"; filename=\"" + name + "\"\r\n\r\n" + content + "\r\n--" + boundary + "--\r\n"
	return b.do(http.MethodPost, "/api/v1/jobs", strings.NewReader(text), "Content-Type: "+contentType)
}

func TestParamFile_is_kept_beside_the_inputs(t *testing.T) {
	t.Parallel()
	b := setup(t, withApart)
	j := b.gradedWith([]string{"recipe=grade"}, "film löok.CUBE", "LUT").job(t, http.StatusAccepted)
	if diff := cmp.Diff(map[string]any{"lut": "film löok.CUBE"}, j.Params); diff != "" || len(j.Inputs) != 1 {
		t.Errorf("%d inputs; %s", len(j.Inputs), diff)
	}
	row, err := b.jobs.Find(context.Background(), j.ID)
	if err != nil || len(row.Inputs) != 1 || len(row.Files) != 1 || row.Files[0].Param != "lut" || row.Files[0].File != "lut.cube" || row.Files[0].Size != 3 {
		t.Fatalf("row %+v, %v", row.Files, err)
	}
	stored, err := os.ReadFile(filepath.Join(b.spool.Job(j.ID).In(), "lut.cube"))
	if err != nil || string(stored) != "LUT" {
		t.Errorf("stored %q, %v", stored, err)
	}
}

func TestParamFile_by_reference_and_again(t *testing.T) {
	t.Parallel()
	b := setup(t, withApart)
	made := b.submit([]string{"recipe=grade"}, upload{"a.txt", "x"}).job(t, http.StatusAccepted)
	b.finish(b.claim(), fault.Succeeded, upload{"made.cube", "LUT"}, upload{"out.txt", "y"})
	j := b.submitJSON(`{"recipe": "grade", "params": {"lut": {"job": "`+made.ID+`", "output": "made.cube"}}, "inputs": [{"job": "`+made.ID+`", "output": "out.txt"}]}`).job(t, http.StatusAccepted)
	if j.Params["lut"] != "made.cube" || len(j.Inputs) != 1 {
		t.Errorf("params %v, inputs %v", j.Params, j.Inputs)
	}
	b.finish(b.claim(), fault.ConverterFailed)
	again := b.asJSON(http.MethodPost, "/api/v1/jobs/"+j.ID+"/retry", `{}`).job(t, http.StatusAccepted)
	row, err := b.jobs.Find(context.Background(), again.ID)
	if err != nil || len(row.Files) != 1 || row.Files[0].Name != "made.cube" {
		t.Errorf("tried again with %+v, %v", row.Files, err)
	}
	if stored, err := os.ReadFile(filepath.Join(b.spool.Job(again.ID).In(), "lut.cube")); err != nil || string(stored) != "LUT" {
		t.Errorf("stored %q, %v", stored, err)
	}
}

func TestParamFile_refused(t *testing.T) {
	t.Parallel()
	b := setup(t, withApart)
	file := upload{"a.txt", "x"}
	for _, row := range []struct {
		name    string
		answer  func() answer
		pointer string
		says    string
	}{
		{"a text for a file", func() answer { return b.submit([]string{"recipe=grade", "param.lut=a.cube"}, file) }, "/params/lut", "must be a file"},
		{"another kind of file", func() answer { return b.gradedWith([]string{"recipe=grade"}, "a.png", "x") }, "/params/lut", "It takes .cube."},
		{"an empty file", func() answer { return b.gradedWith([]string{"recipe=grade"}, "a.cube", "") }, "", "is empty"},
		{"a file for a secret", func() answer {
			return b.submitJSON(`{"recipe": "needs", "params": {"key": {"upload": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}}}`)
		}, "", ""},
		{"two references", func() answer {
			return b.submitJSON(`{"recipe": "grade", "params": {"lut": {"upload": "x", "job": "y"}}}`)
		}, "/params/lut", "not an object"},
	} {
		a := row.answer()
		p := a.problem(t)
		if a.StatusCode < 400 || a.StatusCode > 499 || !strings.Contains(p.Detail, row.says) {
			t.Errorf("%s: %d %s", row.name, a.StatusCode, p.Detail)
		}
		if row.pointer != "" && (len(p.Errors) != 1 || p.Errors[0].Pointer != row.pointer) {
			t.Errorf("%s: errors %+v", row.name, p.Errors)
		}
	}
	b.nothingLeft()
}

// theSecret is looked for everywhere.
const theSecret = "open sesame quietly"

func TestSecret_is_in_memory_alone(t *testing.T) {
	t.Parallel()
	b := setup(t, withApart)
	held := vault.For(b.spool.Root())
	t.Cleanup(func() { _ = held.Discard() })
	a := b.submit([]string{"recipe=grade", "param.key=" + theSecret}, upload{"a.txt", "x"})
	j := a.job(t, http.StatusAccepted)
	text, err := os.ReadFile(held.Path(j.ID, "key"))
	if err != nil || string(text) != theSecret {
		t.Fatalf("the dispatcher finds %q, %v", text, err)
	}
	b.submit([]string{"recipe=grade", "param.key=" + strings.ToUpper(theSecret)}, upload{"a.txt", "x"}) // refused
	page := b.browser()
	shown := string(a.body) + string(b.get("/api/v1/jobs/"+j.ID).body) + string(b.get("/api/v1/jobs/"+j.ID+"/attempts").body) + page.open("/jobs/"+j.ID, 200) + b.log.String() + b.dump()
	for _, file := range append(b.files(), b.spool.Job(j.ID).Accepted()) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		shown += string(content)
	}
	if strings.Contains(strings.ToLower(shown), theSecret) {
		t.Errorf("the secret is seen: %s", shown)
	}
	if !strings.Contains(shown, recipe.HiddenValue) {
		t.Error("the dump does not even have the mark of a hidden value")
	}
}

// dump is every row of every table.
func (b *bench) dump() string {
	b.t.Helper()
	var tables []string
	if err := b.others.Select(&tables, `select format('%I.%I', table_schema, table_name) from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`); err != nil {
		b.t.Fatal(err)
	}
	var all strings.Builder
	for _, table := range tables {
		var rows []string
		if err := b.others.Select(&rows, `select t::text from `+table+` t`); err != nil {
			b.t.Fatalf("%s: %v", table, err)
		}
		all.WriteString(strings.Join(rows, "\n"))
	}
	return all.String()
}

func TestSecret_is_asked_again(t *testing.T) {
	t.Parallel()
	b := setup(t, withApart)
	held := vault.For(b.spool.Root())
	t.Cleanup(func() { _ = held.Discard() })
	j := b.submit([]string{"recipe=needs", "param.key=" + theSecret}, upload{"a.txt", "x"}).job(t, http.StatusAccepted)
	b.finish(b.claim(), fault.ConverterFailed)
	refused := b.asJSON(http.MethodPost, "/api/v1/jobs/"+j.ID+"/retry", `{}`)
	if p := refused.problem(t); refused.StatusCode != 400 || !strings.Contains(p.Detail, "has to be given each time") {
		t.Errorf("answered %d %s", refused.StatusCode, p.Detail)
	}
	again := b.asJSON(http.MethodPost, "/api/v1/jobs/"+j.ID+"/retry", `{"params": {"key": "another"}}`).job(t, http.StatusAccepted)
	if text, err := os.ReadFile(held.Path(again.ID, "key")); err != nil || string(text) != "another" {
		t.Errorf("the dispatcher finds %q, %v", text, err)
	}
	replayed := b.do(http.MethodPost, "/api/v1/jobs/"+j.ID+"/replay", nil, "Authorization: Bearer "+adminToken)
	if p := replayed.problem(t); replayed.StatusCode != http.StatusConflict || !strings.Contains(p.Detail, "secret key") {
		t.Errorf("a replay is answered %d %s", replayed.StatusCode, p.Detail)
	}
}
