package dispatcher

import (
	"slices"
	"testing"

	"convertd/dispatcher/mail"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/job"
)

// TestRecipeSaysWhichEndsAreMailed ends jobs of recipes that say it in different ways.
func TestRecipeSaysWhichEndsAreMailed(t *testing.T) {
	t.Parallel()
	mailing := func(r recipe.Recipe, name string, classes []fault.Class) recipe.Recipe {
		r.Name, r.Mail = name, classes
		return r
	}
	fails, works := shell("bad", `exit 3`), shell("good", `cp "$1" "$2.txt"`)
	w := newWorld(t, fails, works,
		mailing(fails, "bad-none", []fault.Class{}), mailing(fails, "bad-other", []fault.Class{fault.Timeout}), mailing(fails, "bad-own", []fault.Class{fault.ConverterFailed}),
		mailing(works, "good-own", []fault.Class{fault.Succeeded}), mailing(works, "good-none", []fault.Class{}))
	w.opts.Mail = mail.Config{SMTP: freeAddress(t), From: "convertd@studio.example", Admin: "admin@studio.example", PerHour: 20}
	w.serve(w.opts)
	for _, row := range []struct {
		recipe string
		state  job.State
		want   []string
	}{
		{"bad", job.Failed, []string{"failure"}},
		{"bad-none", job.Failed, nil},
		{"bad-other", job.Failed, nil},
		{"bad-own", job.Failed, []string{"failure"}},
		{"good", job.Succeeded, nil},
		{"good-own", job.Succeeded, []string{"success-admin"}},
		{"good-none", job.Succeeded, nil},
	} {
		id := w.submit(row.recipe, "x")
		w.await(id, row.state)
		var kinds []string
		if err := w.db.Select(&kinds, `select kind from outbox where job = $1 order by kind`, id); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(kinds, row.want) {
			t.Errorf("%s owes the mails %v, want %v", row.recipe, kinds, row.want)
		}
	}
}

// TestLanguageIsForTheMailToThePerson: the mail is in the language of who submitted, what
// the rows say of a job is English for everybody.
func TestLanguageIsForTheMailToThePerson(t *testing.T) {
	t.Parallel()
	works, fails := shell("good", `cp "$1" "$2.txt"`), shell("bad", `echo too small >&2; exit 3`)
	fails.Explain = []recipe.Explain{{Match: "too small", Say: recipe.Text{"en": "The file is too small.", "de": "Die Datei ist zu klein."}}}
	works.Mail = []fault.Class{fault.Succeeded}
	w := newWorld(t, works, fails)
	w.opts.Mail = mail.Config{SMTP: freeAddress(t), From: "convertd@studio.example", Admin: "admin@studio.example", PerHour: 20}
	w.serve(w.opts)
	german := func(d *job.Draft) { d.Lang, d.Email = "de", "ann@studio.example" }
	id := w.submit("good", "x", german)
	w.await(id, job.Succeeded)
	var langs []string
	if err := w.db.Select(&langs, `select kind || ' ' || coalesce(payload->>'lang', '') from outbox where job = $1 order by kind`, id); err != nil {
		t.Fatal(err)
	}
	if want := []string{"success de", "success-admin "}; !slices.Equal(langs, want) {
		t.Errorf("the mails owed are %q, want %q", langs, want)
	}
	if j := w.await(w.submit("bad", "x", german), job.Failed); j.Result.Detail != "The file is too small." {
		t.Errorf("the reason is recorded as %q, want it in English", j.Result.Detail)
	}
}
