package dispatcher

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convertd/dispatcher/mail"
	"convertd/runner/recipe"
	"convertd/runner/vault"
	"convertd/sql/job"
)

// theSecret is looked for everywhere.
const theSecret = "open sesame quietly"

// withSecret is a recipe whose script is given a file and a secret.
func withSecret(name, script string) recipe.Recipe {
	r := shell(name, script)
	r.Params = []recipe.Param{{Name: "key", Type: recipe.Secret}, {Name: "lut", Type: recipe.File, Optional: true}}
	r.Steps[0].Command = append(r.Steps[0].Command, "{param.key}", "{param.lut}")
	return r
}

// given makes a job's row and vault as the web process does.
func (w *world) given(id, recipeName string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.spool.Job(id).In(), "lut.cube"), []byte("LUT"), 0o644); err != nil {
		w.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("LUT"))
	w.insert(id, recipeName, "x", func(d *job.Draft) {
		d.Params = map[string][]string{"key": {recipe.HiddenValue}, "lut": {"film.cube"}}
		d.Inputs = append(d.Inputs, job.Input{Number: 100_001, Param: "lut", File: "lut.cube", Name: "film.cube", Size: 3,
			SHA256: hex.EncodeToString(sum[:]), MediaType: "text/plain"})
	})
}

// seen is all that is written of jobs: rows, the spool, the dispatcher's log.
func (w *world) seen() string {
	w.t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(w.spool.Root(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil // going away at this moment
		}
		content, err := os.ReadFile(path)
		all.WriteString(path + "\n" + string(content) + "\n")
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var tables []string
	if err := w.db.Select(&tables, `select format('%I.%I', table_schema, table_name) from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`); err != nil {
		w.t.Fatal(err)
	}
	for _, table := range tables {
		var rows []string
		if err := w.db.Select(&rows, `select t::text from `+table+` t`); err != nil {
			w.t.Fatal(err)
		}
		all.WriteString(strings.Join(rows, "\n"))
	}
	return all.String()
}

// TestSecretReachesTheStepAndNothingElse lets a program tell a secret wherever it can.
func TestSecretReachesTheStepAndNothingElse(t *testing.T) {
	t.Parallel()
	const tell = `cat "$3"; cat "$CONVERTD_SECRETS/key" >&2; echo "50 $(cat "$CONVERTD_SECRET_KEY")" >&"$CONVERTD_PROGRESS_FD"; `
	w := newWorld(t,
		withSecret("good", tell+`[ "$(cat "$4")" = LUT ] && case "$(cat "$3")" in open*quietly) cp "$1" "$2.txt";; esac`),
		withSecret("bad", tell+`echo "no: $(cat "$3")" >&2; exit 3`))
	held := vault.For(w.spool.Root())
	t.Cleanup(func() { _ = held.Discard() })
	box := &mailbox{}
	w.opts.Mail = mail.Config{SMTP: box.listen(t, "127.0.0.1:0"), From: "convertd@studio.example", Admin: "admin@studio.example", PerHour: 20, AttachLimit: 1 << 20}
	w.serve(w.opts)
	for recipeName, state := range map[string]job.State{"good": job.Succeeded, "bad": job.Failed} {
		id := w.prepare("x")
		if err := held.Put(id, map[string]string{"key": theSecret}); err != nil {
			t.Fatal(err)
		}
		w.given(id, recipeName)
		w.await(id, state)
		until(t, "the secret is removed", func() bool { return !held.Has(id, "key") })
	}
	until(t, "the mail about the failure arrives", func() bool { return len(box.all()) > 0 })
	seen := w.seen() + strings.Join(box.all(), "\n")
	if strings.Contains(seen, theSecret) {
		t.Errorf("the secret is written somewhere:\n%s", seen[max(0, strings.Index(seen, theSecret)-300):])
	}
	if !strings.Contains(seen, "[secret key]") || !strings.Contains(seen, "/run/convertd/secrets/key") {
		t.Error("what the program told, or its command line, is not among what was looked at")
	}
}

func TestSecretThatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withSecret("good", `cp "$1" "$2.txt"`))
	w.serve(w.opts)
	id := w.prepare("x")
	w.given(id, "good")
	if j := w.await(id, job.Failed); !strings.Contains(j.Result.Detail, "The secret key of this job is gone") || !strings.Contains(j.Result.Hint, "give the secret again") {
		t.Errorf("result %+v", j.Result)
	}
}

// TestSecretsOfJobsThatNeverRan are removed when the sweep sees the end.
func TestSecretsOfJobsThatNeverRan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withSecret("good", `cp "$1" "$2.txt"`))
	held := vault.For(w.spool.Root())
	t.Cleanup(func() { _ = held.Discard() })
	cancelled, young := w.prepare("x"), "A2345672345672345672345672"
	for _, id := range []string{cancelled, young} {
		if err := held.Put(id, map[string]string{"key": theSecret}); err != nil {
			t.Fatal(err)
		}
	}
	w.given(cancelled, "good")
	if _, err := w.jobs.RequestCancel(t.Context(), cancelled); err != nil {
		t.Fatal(err)
	}
	w.serve(w.opts)
	until(t, "the secret of the cancelled job is removed", func() bool { return !held.Has(cancelled, "key") })
	if !held.Has(young, "key") {
		t.Error("the secret of a job that is just being submitted is removed")
	}
}
