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
