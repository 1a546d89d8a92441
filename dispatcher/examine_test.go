package dispatcher

import (
	"os"
	"slices"
	"strings"
	"testing"

	"convertd/dispatcher/doctor"
	"convertd/dispatcher/mail"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/sql/check"
)

// found returns the first finding of a topic.
func (w *world) found(topic string) check.Finding {
	w.t.Helper()
	rows, err := check.NewStore(w.db).List(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	at := slices.IndexFunc(rows, func(f check.Finding) bool { return f.Topic == topic })
	if at < 0 {
		return check.Finding{}
	}
	return rows[at]
}

func TestTheMachineIsExaminedAtStartAndOnReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", "cp $CONVERTD_INPUT $CONVERTD_OUTPUT/a"))
	o := w.opts
	o.RecipeSet = func() *recipe.Set { return w.recipes }
	o.Further = func() []doctor.Finding {
		return []doctor.Finding{{Check: "units", Level: doctor.Warn, Text: "Old.", Remedy: "New."}}
	}
	s := w.serve(o)
	until(t, "the first examination is noted", func() bool { return w.found("recipes").Level == "ok" })
	for _, topic := range []string{"database", "bloat", "transactions", "orphans", "spool", "memcached", "runner"} {
		if f := w.found(topic); f.Text == "" || f.Host == "" {
			t.Errorf("%s: %+v", topic, f)
		}
	}
	if f := w.found("units"); f.Level != "warn" || f.Remedy != "New." {
		t.Errorf("what only the program knows: %+v", f)
	}
	if f := w.found("mail"); f.Level != "warn" {
		t.Errorf("no mail server: %+v", f)
	}
	s.Reload(Settings{Lanes: o.Lanes, Mail: mail.Config{SMTP: "127.0.0.1:1", From: "a@b.example"}})
	until(t, "the reload is examined", func() bool { return strings.HasPrefix(w.found("mail").Text, "The mail server") })
}

func TestASpoolThatStepsCannotSeeIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.opts
	o.Spool = spool.New("/dev/shm/convertd-test-spool")
	if err := New(o).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "lies in /dev") {
		t.Errorf("the dispatcher says %v", err)
	}
	if _, err := os.Stat(o.Spool.Root()); !os.IsNotExist(err) {
		t.Errorf("the spool was made: %v", err)
	}
}
